/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/record.h"

#include <endian.h>
#include <string.h>

#include "session/shown.h"

/* The numbers of the states and reasons on the wire are those of session.h. */
_Static_assert((int) SESSION_OPEN == NEEDLED_STREAM_STATE_OPEN &&
                       (int) SESSION_RUNNING == NEEDLED_STREAM_STATE_RUNNING &&
                       (int) SESSION_PAUSED == NEEDLED_STREAM_STATE_PAUSED &&
                       (int) SESSION_INTERRUPTED == NEEDLED_STREAM_STATE_INTERRUPTED &&
                       (int) SESSION_FINISHED == NEEDLED_STREAM_STATE_FINISHED,
               "needled_stream_state.state");
_Static_assert(SESSION_END_DEVICE == 1 && SESSION_END_USER == 2 && SESSION_END_IDLE == 3 &&
                       SESSION_END_WINDOW == 4 && SESSION_END_SHUTDOWN == 5 && SESSION_END_DISCARDED == 6,
               "needled_stream_end.reason");
_Static_assert((int) FRAME_FROM_DEVICE == NEEDLED_STREAM_FROM_DEVICE && (int) FRAME_TO_DEVICE == NEEDLED_STREAM_TO_DEVICE &&
               (int) FRAME_OF_LINK == NEEDLED_STREAM_OF_LINK && (int) FRAME_OF_HOST == NEEDLED_STREAM_OF_HOST,
               "needled_stream_frame.direction");
_Static_assert(ALERT_OVERPRESSURE == 0 && ALERT_TIME_LIMIT == 1 && ALERT_DEPTH == 2 && ALERT_HEAD_WORN == 3 && ALERT_HEAD_REUSED == 4 &&
               ALERT_BATTERY_LOW == 5 && ALERT_SAMPLES_LOST == 6 && ALERT_CLOCK_UNSET == 7 && ALERT_REST_NOT_OVER == 8 &&
               ALERT_EVENTS_LEFT_OUT == 9,
               "needled_stream_alert.code");
_Static_assert(ALERT_NOTICE == 1 && ALERT_WARNING == 2 && ALERT_ALARM == 3, "needled_stream_alert.level");
_Static_assert(STAGE_NONE == 0 && STAGE_CLEANSE == 1 && STAGE_NUMB == 2 && STAGE_NEEDLING == 3 && STAGE_AFTERCARE == 4,
               "needled_stream_state.stage");
_Static_assert(TALLY_LINK == 0 && TALLY_LIVE == 1 && TALLY_WAVEFORM == 2 && TALLY_EVENT == 3,
               "needled_stream_gap.stream");
_Static_assert(sizeof(struct needled_stream_waveform) + 2 * OMP_WAVEFORM_SAMPLES_MAX <=
               sizeof(struct needled_stream_frame) + OMP_VALUE_MAX, "RECORD_MAX holds a waveform");
_Static_assert(sizeof(struct needled_stream_figures) + 8 * _FIGURE_MAX <=
                       sizeof(struct needled_stream_frame) + OMP_VALUE_MAX,
               "RECORD_MAX holds the figures");
_Static_assert(sizeof(struct needled_stream_mark) + NOTE_TEXT_MAX <= sizeof(struct needled_stream_frame) + OMP_VALUE_MAX,
               "RECORD_MAX holds a mark");
_Static_assert(RECORD_MAX % 8 == 0, "the largest record needs no padding beyond");

/* "`size` counts head, body and padding and is a multiple of 8." */
static void begin(RecordDraft *d, enum NeedledStreamType type, size_t body, uint64_t session_usec,
                  uint64_t realtime_usec) {
        struct needled_stream_head *head = (struct needled_stream_head *) d->data;
        size_t used = sizeof(*head) + body;

        d->shared = NULL;
        d->size = (uint16_t) ((used + 7) & ~(size_t) 7);
        memset(d->data + used, 0, d->size - used);
        head->type = htole16(type);
        head->size = htole16(d->size);
        head->dropped = 0;
        head->session_usec = htole64(session_usec);
        head->realtime_usec = htole64(realtime_usec);
}

static void *body_of(RecordDraft *d) {
        return d->data + sizeof(struct needled_stream_head);
}

static double double_to_le(double value) {
        uint64_t bits;

        memcpy(&bits, &value, sizeof(bits));
        bits = htole64(bits);
        memcpy(&value, &bits, sizeof(bits));
        return value;
}

void record_hello(RecordDraft *ret, const Session *session, uint64_t session_usec, uint64_t realtime_usec) {
        begin(ret, NEEDLED_STREAM_HELLO, sizeof(struct needled_stream_hello), session_usec, realtime_usec);
        *(struct needled_stream_hello *) body_of(ret) = (struct needled_stream_hello) {
                .version = htole32(1),
                .session_id = htole64(session->id),
                .start_realtime_usec = htole64(session->start_realtime_usec),
        };
}

void record_live(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const TrackerLive *live, uint8_t area) {
        struct needled_stream_live shown, *body;

        shown_live(live, area, &shown);
        begin(ret, NEEDLED_STREAM_LIVE, sizeof(*body), session_usec, realtime_usec);
        body = body_of(ret);
        *body = (struct needled_stream_live) {
                .present = htole32(shown.present),
                .flags = htole32(shown.flags),
                .force_mean_mn = (int32_t) htole32((uint32_t) shown.force_mean_mn),
                .force_peak_mn = (int32_t) htole32((uint32_t) shown.force_peak_mn),
                .strokes = htole64(shown.strokes),
                .stroke_rate = double_to_le(shown.stroke_rate),
                .depth_um = htole32(shown.depth_um),
                .area = shown.area,
        };
}

void record_waveform(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec,
                     const OmpWaveform *waveform) {
        struct needled_stream_waveform *body;
        uint16_t n = MIN(waveform->n, OMP_WAVEFORM_SAMPLES_MAX);

        begin(ret, NEEDLED_STREAM_WAVEFORM, sizeof(*body) + 2u * n, session_usec, realtime_usec);
        body = body_of(ret);
        *body = (struct needled_stream_waveform) {
                .period_usec = htole32(waveform->period_usec),
                .n = htole16(n),
                .encoding = waveform->encoding,
                .channel = waveform->channel,
        };
        for (unsigned i = 0; i < n; i++) {
                uint16_t sample = htole16((uint16_t) waveform->samples[i]);

                memcpy((uint8_t *) (body + 1) + 2 * i, &sample, sizeof(sample));
        }
}

void record_event(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const OmpEvent *event) {
        begin(ret, NEEDLED_STREAM_EVENT, sizeof(struct needled_stream_event), session_usec, realtime_usec);
        *(struct needled_stream_event *) body_of(ret) = (struct needled_stream_event) {
                .code = event->code,
                .severity = event->severity,
                .asserted = event->asserted,
                .value = (int32_t) htole32((uint32_t) event->value),
        };
}

void record_alert(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const Alert *alert) {
        struct needled_stream_alert *body;

        begin(ret, NEEDLED_STREAM_ALERT, sizeof(*body), session_usec, realtime_usec);
        body = body_of(ret);
        shown_alert(alert, body);
        body->value = (int32_t) htole32((uint32_t) body->value);
        body->raised_usec = htole64(body->raised_usec);
}

void record_state(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const Session *session, SessionState state,
                  Stage stage) {
        struct needled_stream_state *body;

        begin(ret, NEEDLED_STREAM_STATE, sizeof(*body), session_usec, realtime_usec);
        body = body_of(ret);
        shown_state(session, state, stage, body);
        body->zone_low_mn = (int32_t) htole32((uint32_t) body->zone_low_mn);
        body->zone_high_mn = (int32_t) htole32((uint32_t) body->zone_high_mn);
        body->overpressure_mn = (int32_t) htole32((uint32_t) body->overpressure_mn);
}

void record_mark(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, const char *text) {
        struct needled_stream_mark *body;
        size_t length = strnlen(text, NOTE_TEXT_MAX);

        begin(ret, NEEDLED_STREAM_MARK, sizeof(*body) + length, session_usec, realtime_usec);
        body = body_of(ret);
        *body = (struct needled_stream_mark){ .length = htole16((uint16_t) length) };
        memcpy(body + 1, text, length);
}

void record_gap(RecordDraft *ret, uint64_t realtime_usec, const SessionGap *gap) {
        begin(ret, NEEDLED_STREAM_GAP, sizeof(struct needled_stream_gap), gap->to_usec, realtime_usec);
        *(struct needled_stream_gap *) body_of(ret) = (struct needled_stream_gap) {
                .from_usec = htole64(gap->from_usec),
                .to_usec = htole64(gap->to_usec),
                .lost = htole32(gap->lost),
                .stream = (uint8_t) gap->stream,
        };
}

void record_figures(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec,
                    const Figures *figures) {
        struct needled_stream_figures *body;

        begin(ret, NEEDLED_STREAM_FIGURES, sizeof(*body) + 8 * _FIGURE_MAX, session_usec, realtime_usec);
        body = body_of(ret);
        *body = (struct needled_stream_figures){ .present = htole64(figures->present),
                                                 .count = htole32(_FIGURE_MAX) };
        for (unsigned i = 0; i < _FIGURE_MAX; i++) {
                uint64_t bits = 0;

                if (figures_has(figures, (Figure) i)) /* what is not known carries no left-overs */
                        memcpy(&bits, &figures->value[i], sizeof(bits));
                bits = htole64(bits);
                memcpy((uint8_t *) (body + 1) + 8 * i, &bits, sizeof(bits));
        }
}

void record_frame(RecordDraft *ret, uint64_t session_usec, const Frame *frame) {
        struct needled_stream_frame *body;
        uint16_t length = MIN(frame->size, OMP_VALUE_MAX);

        begin(ret, NEEDLED_STREAM_FRAME, sizeof(*body) + length, session_usec, frame->realtime_usec);
        body = body_of(ret);
        *body = (struct needled_stream_frame) {
                .channel = frame->channel,
                .direction = frame->direction,
                .length = htole16(length),
        };
        if (length > 0)
                memcpy(body + 1, frame->data, length);
}

void record_past(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, uint64_t from_usec, uint64_t to_usec, bool whole) {
        begin(ret, NEEDLED_STREAM_PAST, sizeof(struct needled_stream_past), session_usec, realtime_usec);
        *(struct needled_stream_past *) body_of(ret) = (struct needled_stream_past) {
                .from_usec = htole64(from_usec),
                .to_usec = htole64(to_usec),
                .whole = whole,
        };
}

void record_end(RecordDraft *ret, uint64_t session_usec, uint64_t realtime_usec, SessionEnd end) {
        begin(ret, NEEDLED_STREAM_END, sizeof(struct needled_stream_end), session_usec, realtime_usec);
        *(struct needled_stream_end *) body_of(ret) = (struct needled_stream_end){ .reason = (uint8_t) end };
}

bool record_is_live(const RecordDraft *draft) {
        return ((const struct needled_stream_head *) draft->data)->type == htole16(NEEDLED_STREAM_LIVE);
}

/* Of the values that were told: what one of them does not know takes nothing from the others. */
static void merge_force(struct needled_stream_live *to, const struct needled_stream_live *from, unsigned n) {
        int64_t old_mean = (int32_t) le32toh((uint32_t) from->force_mean_mn), mean = (int32_t) le32toh((uint32_t) to->force_mean_mn);
        int32_t old_peak = (int32_t) le32toh((uint32_t) from->force_peak_mn), peak = (int32_t) le32toh((uint32_t) to->force_peak_mn);

        if (!(from->present & htole32(NEEDLED_STREAM_HAS_FORCE)))
                return;
        if (!(to->present & htole32(NEEDLED_STREAM_HAS_FORCE))) {
                mean = old_mean;
                peak = old_peak;
                to->present |= htole32(NEEDLED_STREAM_HAS_FORCE);
        }

        mean = old_mean + (mean - old_mean) / ((int64_t) n + 1);
        to->force_mean_mn = (int32_t) htole32((uint32_t) (int32_t) mean);
        to->force_peak_mn = (int32_t) htole32((uint32_t) MAX(peak, old_peak));
}

void record_merge_live(RecordDraft *into, unsigned n, const RecordDraft *next) {
        const uint32_t warnings = htole32(NEEDLED_STREAM_OVERPRESSURE | NEEDLED_STREAM_SATURATED | NEEDLED_STREAM_DEVICE_DROPPED);
        const struct needled_stream_live earlier = *(const struct needled_stream_live *) body_of(into);
        struct needled_stream_live *body = body_of(into);

        into->size = next->size;
        memcpy(into->data, next->data, next->size);
        body->flags |= earlier.flags & warnings;
        merge_force(body, &earlier, n);
}

Record *record_new(const uint8_t *data, uint16_t size) {
        Record *record = g_malloc(sizeof(Record) + size);

        record->refs = 1;
        record->size = size;
        memcpy(record->data, data, size);
        return record;
}

Record *record_share(RecordDraft *draft) {
        if (!draft->shared)
                draft->shared = record_new(draft->data, draft->size);

        draft->shared->refs++;
        return draft->shared;
}

Record *record_unref(Record *record) {
        if (record && --record->refs == 0)
                g_free(record);

        return NULL;
}

void record_done(RecordDraft *draft) {
        draft->shared = record_unref(draft->shared);
}
