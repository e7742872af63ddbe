/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/fact.h"

void fact_live(RecordDraft *ret, const Session *s, const Frame *frame, const OmpLive *live) {
        TrackerLive shown;

        tracker_live(s, live, &shown);
        record_live(ret, session_time(s, frame->boottime_usec), frame->realtime_usec, &shown, s->area_now);
}

void fact_waveform(RecordDraft *ret, const Session *s, const Frame *frame, const OmpWaveform *waveform) {
        record_waveform(ret, session_time(s, frame->boottime_usec), frame->realtime_usec, waveform);
}

void fact_event(RecordDraft *ret, const Session *s, const Frame *frame, const OmpEvent *event) {
        record_event(ret, session_time(s, frame->boottime_usec), frame->realtime_usec, event);
}

void fact_mark(RecordDraft *ret, const Session *s, const Frame *frame, const char *text) {
        record_mark(ret, session_time(s, frame->boottime_usec), frame->realtime_usec, text);
}

void fact_frame(RecordDraft *ret, const Session *s, const Frame *frame) {
        record_frame(ret, session_time(s, frame->boottime_usec), frame);
}

void fact_alert(RecordDraft *ret, const Session *s, const Alert *alert) {
        uint64_t usec = alert->cleared_usec > 0 ? alert->cleared_usec : alert->raised_usec;

        record_alert(ret, usec, s->start_realtime_usec + usec, alert);
}

void fact_gap(RecordDraft *ret, const Session *s, const SessionGap *gap) {
        record_gap(ret, s->start_realtime_usec + gap->to_usec, gap);
}

void fact_state(RecordDraft *ret, const Session *s, SessionState state, Stage stage, uint64_t now_usec, uint64_t realtime_usec) {
        record_state(ret, session_time(s, now_usec), realtime_usec, s, state, stage);
}

void fact_figures(RecordDraft *ret, const Session *s, uint64_t now_usec, uint64_t realtime_usec) {
        Figures figures;

        session_figures(s, now_usec, &figures);
        record_figures(ret, session_time(s, now_usec), realtime_usec, &figures);
}

static void greet_with_alerts(const Session *s, uint64_t now_usec, uint64_t realtime_usec, FactSink sink, void *userdata) {
        RecordDraft draft;

        for (unsigned i = 0; i < alerts_count(&s->alerts); i++) {
                const Alert *alert = alerts_get(&s->alerts, i);

                if (alert->cleared_usec > 0)
                        continue;
                record_alert(&draft, session_time(s, now_usec), realtime_usec, alert);
                sink(&draft, userdata);
        }
}

void fact_greet(const Session *s, SessionState state, Stage stage, bool frames, uint64_t now_usec, uint64_t realtime_usec,
                FactSink sink, void *userdata) {
        const Frame feature = {
                .boottime_usec = now_usec,
                .realtime_usec = realtime_usec,
                .channel = OMP_CHAR_FEATURE,
                .direction = FRAME_FROM_DEVICE,
                .size = s->feature_size,
                .data = s->feature_data,
        };
        RecordDraft draft;

        fact_state(&draft, s, state, stage, now_usec, realtime_usec);
        sink(&draft, userdata);
        greet_with_alerts(s, now_usec, realtime_usec, sink, userdata);
        fact_figures(&draft, s, now_usec, realtime_usec);
        sink(&draft, userdata);
        if (s->feature_size == 0 || !frames)
                return;

        fact_frame(&draft, s, &feature);
        sink(&draft, userdata);
}
