/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/playback.h"

#include <glib.h>
#include <string.h>

#include "client/tape-file.h"
#include "needled/frame.h"
#include "session/replay.h"
#include "session/shown.h"

/* Time 0 of the tape on the clock of the frames. Not 0: that is "never" to some. */
#define BASE_USEC (3600 * UINT64_C(1000000))
#define FIGURES_USEC UINT64_C(1000000)

struct Playback {
        const TapeReader *tape;
        const VendorProfile *vendor;
        PlaybackTold told;
        void *userdata;
        Replay *replay;
        bool begun;             /* HELLO is told */
        bool ended;             /* by a line of the tape */
        SessionEnd end;
        uint64_t now_usec;      /* time on the tape */
        uint64_t realtime_usec;
        uint64_t figures_due_usec;
        uint64_t frames, unplaced;
};

static void tell(Playback *p, StreamRecord *record) {
        if (!p->told)
                return;

        record->known = true;
        record->session_usec = p->now_usec;
        record->realtime_usec = p->realtime_usec;
        p->told(record, p->userdata);
}

static void tell_state(Playback *p) {
        const Session *session = replay_session(p->replay);
        StreamRecord record = { .type = NEEDLED_STREAM_STATE };

        shown_state(session, session->state, session->stage, &record.state);
        tell(p, &record);
}

static void tell_figures(Playback *p) {
        StreamRecord record = { .type = NEEDLED_STREAM_FIGURES };

        p->figures_due_usec = p->now_usec + FIGURES_USEC;
        if (!p->told)
                return;

        playback_figures(p, &record.figures);
        tell(p, &record);
}

static void on_state_changed(Tracker *tracker, Session *session, SessionState old, void *userdata) {
        Playback *p = userdata;

        if (p->replay)
                tell_state(p);
}

static void on_live(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata) {
        StreamRecord record = { .type = NEEDLED_STREAM_LIVE };
        TrackerLive shown;

        tracker_live(session, live, &shown);
        shown_live(&shown, session->area_now, &record.live);
        tell(userdata, &record);
}

static void on_event(Tracker *tracker, Session *session, const Frame *frame, const OmpEvent *event, void *userdata) {
        StreamRecord record = {
                .type = NEEDLED_STREAM_EVENT,
                .event = { .code = event->code, .severity = event->severity, .asserted = event->asserted, .value = event->value },
        };

        tell(userdata, &record);
}

static void on_stage_changed(Tracker *tracker, Session *session, void *userdata) {
        Playback *p = userdata;

        if (p->replay)
                tell_state(p);
}

static void on_mark(Tracker *tracker, Session *session, const Frame *frame, const char *text, void *userdata) {
        StreamRecord record = { .type = NEEDLED_STREAM_MARK, .mark = { text, strlen(text) } };

        tell(userdata, &record);
}

static void on_alert(Tracker *tracker, Session *session, const Alert *alert, void *userdata) {
        StreamRecord record = { .type = NEEDLED_STREAM_ALERT };

        shown_alert(alert, &record.alert);
        tell(userdata, &record);
}

static void on_gap(Tracker *tracker, Session *session, const SessionGap *gap, void *userdata) {
        StreamRecord record = {
                .type = NEEDLED_STREAM_GAP,
                .gap = { .from_usec = gap->from_usec,
                         .to_usec = gap->to_usec,
                         .lost = gap->lost,
                         .stream = (uint8_t) gap->stream },
        };

        tell(userdata, &record);
}

Playback *playback_new(const TapeReader *tape, const VendorProfile *vendor, PlaybackTold told, void *userdata) {
        static const TrackerObserver observer = {
                .state_changed = on_state_changed,
                .live = on_live,
                .event = on_event,
                .stage_changed = on_stage_changed,
                .mark = on_mark,
                .alert = on_alert,
                .gap = on_gap,
        };
        Playback *p = g_new0(Playback, 1);

        *p = (Playback) { .tape = tape, .vendor = vendor, .told = told, .userdata = userdata };
        p->replay = replay_new(&(ReplaySettings) {
                .vendor = vendor,
                .start_boottime_usec = BASE_USEC,
                .start_realtime_usec = tape->head.start_realtime_usec,
                .observer = told ? &observer : NULL,
                .userdata = p,
        });
        return p;
}

Playback *playback_free(Playback *p) {
        if (!p)
                return NULL;

        replay_free(p->replay);
        g_free(p);
        return NULL;
}

static void begin(Playback *p) {
        StreamRecord hello = {
                .type = NEEDLED_STREAM_HELLO,
                .hello = { .version = 1, .start_realtime_usec = p->tape->head.start_realtime_usec },
        };

        p->begun = true;
        tell(p, &hello);
        tell_state(p);
}

static void play(Playback *p, const TapeLine *line) {
        Frame frame = tape_frame(p->tape, line, BASE_USEC);

        if (p->vendor && (frame.direction == FRAME_FROM_DEVICE || frame.direction == FRAME_TO_DEVICE)) {
                int channel = tape_file_channel(&p->tape->head, line->channel, p->vendor);

                if (channel < 0) {
                        p->unplaced++;
                        return;
                }
                frame.channel = (uint8_t) channel;
        }
        (void) replay_frame(p->replay, &frame); /* when the session ended the tape says itself */
}

void playback_line(Playback *p, const TapeLine *line) {
        uint64_t start_usec = p->tape->head.start_realtime_usec;

        if (line->item == TAPE_NOTHING)
                return;

        p->now_usec = line->time_usec;
        p->realtime_usec = start_usec > 0 ? start_usec + line->time_usec + (uint64_t) line->wall_offset_usec : 0;
        if (!p->begun)
                begin(p);

        if (line->item == TAPE_FRAME) {
                p->frames++;
                play(p, line);
        } else if (line->item == TAPE_MARK) {
                StreamRecord mark = { .type = NEEDLED_STREAM_MARK, .mark = { line->text, strlen(line->text) } };

                tell(p, &mark);
        } else if (line->item == TAPE_END) {
                p->ended = true;
                p->end = session_end_from_name(line->text);
        }
        if (p->now_usec >= p->figures_due_usec)
                tell_figures(p);
}

void playback_finish(Playback *p) {
        StreamRecord end = { .type = NEEDLED_STREAM_END, .end = { .reason = (uint8_t) p->end } };

        if (!p->begun)
                return;

        replay_end(p->replay);
        if (p->figures_due_usec != p->now_usec + FIGURES_USEC) /* else they were told just now */
                tell_figures(p);
        if (p->ended)
                tell(p, &end);
}

void playback_figures(const Playback *p, Figures *ret) {
        replay_figures(p->replay, BASE_USEC + p->now_usec, ret);
        ret->present &= ~(UINT64_C(1) << FIGURE_DEVICE_TIME_OFFSET); /* by CLOCK_BOOTTIME, which a tape does not know */
}

OmpKind playback_kind(const Playback *p) {
        const Session *session = replay_session(p->replay);

        return session->has_feature ? session->feature.kind : OMP_KIND_UNKNOWN;
}

uint64_t playback_frames(const Playback *p) {
        return p->frames;
}

uint64_t playback_unplaced(const Playback *p) {
        return p->unplaced;
}
