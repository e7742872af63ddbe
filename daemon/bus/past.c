/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/past.h"

#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "autoptr.h"
#include "bus/fact.h"
#include "bus/private.h"
#include "bus/stream.h"

/* The store walks through the session's frames from its first on, on its own thread, and a replay makes of them what was told when they came. What
 * falls into the time that is wanted is gathered in a batch, which the loop hands to the reader as fast as that takes it; then the walk goes on. Where it
 * comes to the end of what is written, it is no more behind than the store is. Only then live records are kept for the reader, from the newest frame
 * on (`until`), and the walk goes on to just that frame. A reader that is so slow that more is live than its queue holds is behind again: the place
 * is set anew, so that it misses nothing. After that has been tried HOLDS_MAX times it is told how many have gone, as any slow reader is. */

#define USEC_PER_SEC UINT64_C(1000000)
#define BATCH_SIZE (64u * 1024u)        /* octets; what the last frame makes comes on top */
#define HOLDS_MAX 8u
#define POLL_USEC UINT64_C(20000)       /* for what is not written yet: that takes 100 ms */
#define LOOK_USEC UINT64_C(500000)      /* whether the store gets on */
#define STORE_WAIT_USEC (2 * USEC_PER_SEC)
#define READER_WAIT_USEC (30 * USEC_PER_SEC)

typedef enum PastState {
        PAST_READS,                     /* at the store: see below */
        PAST_SENDS,                     /* until the reader takes more */
        PAST_WAITS,                     /* for the store to write */
} PastState;

typedef struct Past {
        SessionObject *object;          /* weak; it outlives the reader */
        Reader *reader;                 /* weak; NULL: it has gone, and this goes when the store gives it back */
        PastState state;
        StoreWalk *walk;
        sd_event_source *timer;
        uint64_t progress_usec;         /* when something got on last */
        unsigned n_seen_then;
        size_t n_sent;                  /* octets of the batch */
        uint64_t from_usec, came_usec;  /* session time: from which it is wanted, and up to which the reader was given it */
        SessionPlace until;             /* with READER_HOLDS: of the last frame that is past; 0: all that is written is */
        uint64_t until_looked_usec, hold_usec, hold_realtime_usec; /* when that was */
        unsigned n_holds;
        bool came;                      /* it was given some, which begins with a greeting */
        bool at_end;                    /* there is no more that is written */
        bool settled;                   /* what time alone had told by then is in the batch too */
        bool damaged;

        /* With PAST_READS the store's thread has what follows, else the loop: */
        Replay *replay;                 /* NULL: nothing was read yet, or nobody can read it */
        const BusOps *ops;
        void *ops_userdata;
        uint8_t map[CHANNELS_MAX];
        bool waveform, frames;          /* wanted */
        uint64_t from_boottime_usec;
        SessionPlace place, bound;      /* of the newest frame, and the last that is wanted */
        bool bounded, over;
        bool shown;                     /* the time that is wanted has begun */
        uint64_t second;                /* of the newest figures, session time */
        uint64_t now_usec, realtime_usec; /* of the newest frame */
        bool frame_told;                /* that one */
        GByteArray *batch;              /* records */
        atomic_uint n_seen;             /* frames; whoever has the rest */
} Past;

static Past *past_free(Past *past) {
        sd_event_source_disable_unref(past->timer);
        store_walk_free(past->walk);
        replay_free(past->replay);
        g_byte_array_unref(past->batch);
        g_free(past);
        return NULL;
}

/* ---- What the replay tells ---- */

static void put(RecordDraft *draft, void *userdata) {
        Past *past = userdata;

        g_byte_array_append(past->batch, draft->data, draft->size);
        record_done(draft);
}

static void put_state(Past *past, const Session *session) {
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_state(&draft, session, session->state, session->stage, past->now_usec, past->realtime_usec);
        put(&draft, past);
}

static void on_state_changed(Tracker *tracker, Session *session, SessionState old, void *userdata) {
        put_state(userdata, session);
}

static void on_stage_changed(Tracker *tracker, Session *session, void *userdata) {
        put_state(userdata, session);
}

static void on_frame(Tracker *tracker, Session *session, const Frame *frame, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        past->frame_told = true;
        if (!past->shown || !past->frames)
                return;
        fact_frame(&draft, session, frame);
        put(&draft, past);
}

static void on_live(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_live(&draft, session, frame, live);
        put(&draft, past);
}

static void on_waveform(Tracker *tracker, Session *session, const Frame *frame, const OmpWaveform *waveform, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown || !past->waveform)
                return;
        fact_waveform(&draft, session, frame, waveform);
        put(&draft, past);
}

static void on_event(Tracker *tracker, Session *session, const Frame *frame, const OmpEvent *event, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_event(&draft, session, frame, event);
        put(&draft, past);
}

static void on_mark(Tracker *tracker, Session *session, const Frame *frame, const char *text, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_mark(&draft, session, frame, text);
        put(&draft, past);
}

static void on_alert(Tracker *tracker, Session *session, const Alert *alert, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_alert(&draft, session, alert);
        put(&draft, past);
}

static void on_gap(Tracker *tracker, Session *session, const SessionGap *gap, void *userdata) {
        Past *past = userdata;
        RecordDraft draft;

        if (!past->shown)
                return;
        fact_gap(&draft, session, gap);
        put(&draft, past);
}

static const TrackerObserver observer = {
        .state_changed = on_state_changed,
        .frame = on_frame,
        .live = on_live,
        .waveform = on_waveform,
        .event = on_event,
        .stage_changed = on_stage_changed,
        .mark = on_mark,
        .alert = on_alert,
        .gap = on_gap,
};

/* ---- On the store's thread ---- */

static void on_walk_begin(const StoreSession *row, void *userdata) {
        Past *past = userdata;

        past->replay = past->ops->replay(row, &observer, past, past->map, past->ops_userdata);
}

/* Figures come once a second. */
static void pass_time(Past *past, const Frame *frame) {
        const Session *session = replay_session(past->replay);
        uint64_t session_usec = session_time(session, frame->boottime_usec), before_usec = session_usec % USEC_PER_SEC;
        RecordDraft draft;

        if (!past->shown && frame->boottime_usec >= past->from_boottime_usec) {
                past->shown = true;
                past->second = session_usec / USEC_PER_SEC;
                fact_greet(session, session->state, session->stage, past->frames, frame->boottime_usec, frame->realtime_usec, put, past);
        } else if (past->shown && session_usec / USEC_PER_SEC > past->second) {
                past->second = session_usec / USEC_PER_SEC;
                fact_figures(&draft, session, frame->boottime_usec - before_usec, frame->realtime_usec - before_usec);
                put(&draft, past);
        }
}

static bool is_limits(const Frame *frame) {
        Note note;

        return frame->direction == FRAME_OF_HOST && note_decode(frame->data, frame->size, &note) >= 0 && note.kind == NOTE_LIMITS;
}

static void take(Past *past, const Frame *stored) {
        Frame frame = *stored;

        if (frame.direction == FRAME_FROM_DEVICE || frame.direction == FRAME_TO_DEVICE)
                frame.channel = past->map[frame.channel];
        pass_time(past, &frame);
        past->now_usec = frame.boottime_usec;
        past->realtime_usec = frame.realtime_usec;
        past->frame_told = false;
        (void) replay_frame(past->replay, &frame);
        if (!past->frame_told)          /* kept, but nothing follows from it */
                on_frame(NULL, (Session *) replay_session(past->replay), &frame, past);
        if (is_limits(&frame))
                put_state(past, replay_session(past->replay));
}

static bool on_walk_frame(const Frame *frame, void *userdata) {
        Past *past = userdata;
        SessionPlace place = session_place_after(past->place, frame);

        past->over = past->bounded && session_place_is_behind(place, past->bound);
        if (past->over || past->batch->len >= BATCH_SIZE || !past->replay)
                return false;

        past->place = place;
        (void) atomic_fetch_add_explicit(&past->n_seen, 1, memory_order_relaxed);
        take(past, frame);
        return true;
}

/* ---- On the loop ---- */

static uint64_t clock_now(const Past *past) {
        uint64_t usec;

        return sd_event_now(past->object->bus->event, CLOCK_BOOTTIME, &usec) >= 0 ? usec : 0;
}

/* It is looked after again when that time is over. */
static void enter(Past *past, PastState state, uint64_t usec) {
        past->state = state;
        (void) sd_event_source_set_time_relative(past->timer, usec);
        (void) sd_event_source_set_enabled(past->timer, SD_EVENT_ONESHOT);
}

static void read_on(Past *past) {
        past->bounded = reader_phase(past->reader) == READER_HOLDS && past->until.boottime_usec > 0;
        past->bound = past->until;
        past->over = false;
        enter(past, PAST_READS, LOOK_USEC);
        store_walk_on(past->object->bus->settings.store, past->walk);
}

/* From here on what is live is kept. */
static void hold(Past *past) {
        const Session *session = past->object->session;

        past->until = session->kept;
        past->until_looked_usec = session->looked_usec;
        past->settled = false;
        past->n_holds++;
        stream_time(past->object, &past->hold_usec, &past->hold_realtime_usec);
        reader_hold(past->reader);
}

/* The past is over, one way or the other. This is gone after it, or goes when the store gives it back. */
static void finish(Past *past, bool whole) {
        SessionObject *object = past->object;
        Reader *reader = past->reader;
        bool greets = !whole || !past->came;
        uint64_t now_usec = past->hold_usec, realtime_usec = past->hold_realtime_usec, session_usec;
        RecordDraft last;

        if (reader_phase(reader) != READER_HOLDS)
                stream_time(object, &now_usec, &realtime_usec);
        session_usec = session_time(object->session, now_usec);
        record_past(&last, session_usec, realtime_usec, past->from_usec, whole ? session_usec : MAX(past->came_usec, past->from_usec),
                    whole && !past->damaged);
        past->reader = NULL;
        if (past->state == PAST_READS) {
                past->timer = sd_event_source_disable_unref(past->timer);
                store_forget(object->bus->settings.store, past);
        } else
                past_free(past);

        reader_join(reader, &last);
        record_done(&last);
        if (!greets)
                return;
        stream_greet(object, reader);
        reader_flush(reader);
}

/* What it is of has been erased. */
static void cut(Past *past) {
        RecordDraft end;

        stream_time(past->object, &past->hold_usec, &past->hold_realtime_usec);
        record_end(&end, session_time(past->object->session, past->hold_usec), past->hold_realtime_usec, SESSION_END_DISCARDED);
        reader_cut(past->reader, &end);
        record_done(&end);
        finish(past, false);
}

/* False: the reader takes no more. */
static bool send_batch(Past *past) {
        while (past->n_sent < past->batch->len) {
                const uint8_t *data = past->batch->data + past->n_sent;
                const struct needled_stream_head *head = (const void *) data;
                RecordDraft draft;
                bool taken;

                draft.size = le16toh(head->size);
                draft.shared = NULL;
                memcpy(draft.data, data, draft.size);
                taken = reader_push_past(past->reader, &draft);
                record_done(&draft);
                if (!taken)
                        return false;
                past->n_sent += draft.size;
                past->came = true;
                past->came_usec = MAX(past->came_usec, le64toh(head->session_usec));
                past->progress_usec = clock_now(past);
        }

        reader_flush(past->reader);
        g_byte_array_set_size(past->batch, 0);
        past->n_sent = 0;
        return true;
}

/* The last frame that is past has been read, or one that came behind it. */
static bool is_there(const Past *past) {
        if (reader_phase(past->reader) != READER_HOLDS)
                return false;
        if (past->over)
                return true;

        return !session_place_is_behind(past->until, past->place) && (past->until.boottime_usec > 0 || past->at_end);
}

/* After the last frame, time alone may have told something. */
static void settle(Past *past) {
        past->settled = true;
        past->now_usec = past->hold_usec;
        past->realtime_usec = past->hold_realtime_usec;
        if (past->replay && past->until_looked_usec > past->place.boottime_usec)
                replay_until(past->replay, past->until_looked_usec);
}

/* Whether the place from which live records are kept has to be set now. */
static bool has_to_hold(const Past *past) {
        if (reader_phase(past->reader) == READER_PAST)
                return past->at_end;

        return reader_is_short(past->reader) && past->n_holds < HOLDS_MAX && past->object->session->state != SESSION_FINISHED;
}

/* With what was read. */
static void go_on(Past *past) {
        for (;;) {
                if (!send_batch(past)) {
                        enter(past, PAST_SENDS, READER_WAIT_USEC);
                        return;
                }
                if (has_to_hold(past)) {
                        hold(past);
                        past->over = false;
                }
                if (!is_there(past))
                        break;
                if (past->settled) {
                        finish(past, true);
                        return;
                }
                settle(past);
        }

        if (past->at_end)
                enter(past, PAST_WAITS, POLL_USEC);
        else
                read_on(past);
}

/* Frames were read since it was looked at last. */
static bool gets_on(Past *past) {
        unsigned n_seen = atomic_load_explicit(&past->n_seen, memory_order_relaxed), before = past->n_seen_then;

        past->n_seen_then = n_seen;
        if (n_seen != before)
                past->progress_usec = clock_now(past);
        return n_seen != before;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Past *past = userdata;
        uint64_t waited_usec;

        (void) gets_on(past);
        waited_usec = clock_now(past) - past->progress_usec;
        if (past->state == PAST_SENDS && waited_usec < READER_WAIT_USEC)
                enter(past, PAST_SENDS, READER_WAIT_USEC - waited_usec);
        else if (past->state == PAST_SENDS || waited_usec >= STORE_WAIT_USEC)
                finish(past, false);
        else if (past->state == PAST_READS)
                enter(past, PAST_READS, LOOK_USEC);
        else
                read_on(past);
        return 0;
}

static void on_walk_stopped(int error, bool at_end, unsigned n_damaged, void *userdata) {
        Past *past = userdata;

        if (!past->reader) {
                past_free(past);
                return;
        }

        past->state = PAST_SENDS;       /* it is ours */
        (void) gets_on(past);
        past->damaged = n_damaged > 0;
        if (error == -ENOENT && past->replay && past->object->state == SESSION_FINISHED) { /* some was read: it has been deleted meanwhile */
                cut(past);
                return;
        }
        past->at_end = at_end || error == -ENOENT || error == -ENOBUFS; /* not written yet, or to be asked again */
        if ((error < 0 && !past->at_end) || (error == 0 && !at_end && !past->replay))
                finish(past, false);
        else
                go_on(past);
}

static const StoreWalkOps walk_ops = { .begin = on_walk_begin, .frame = on_walk_frame, .stopped = on_walk_stopped };

static void on_ready(void *userdata) {
        Past *past = userdata;

        if (past->state == PAST_SENDS)
                go_on(past);
}

static void on_gone(void *userdata) {
        Past *past = userdata;

        past->reader = NULL;
        past->timer = sd_event_source_disable_unref(past->timer);
        if (past->state == PAST_READS)
                store_forget(past->object->bus->settings.store, past);
        else
                past_free(past);
}

static Past *past_new(SessionObject *object, Reader *reader, uint64_t session_usec) {
        const ReaderOptions *options = reader_options(reader);
        const BusSettings *settings = &object->bus->settings;
        Past *past = g_new(Past, 1);

        *past = (Past) {
                .object = object,
                .reader = reader,
                .state = PAST_SENDS,
                .from_usec = session_usec - MIN(options->history_usec, session_usec),
                .ops = settings->ops,
                .ops_userdata = settings->userdata,
                .waveform = options->waveform,
                .frames = options->frames,
                .batch = g_byte_array_new(),
        };
        if (past->from_usec > 0)
                past->from_boottime_usec = object->session->start_boottime_usec + past->from_usec;
        past->walk = store_walk_new(settings->store, object->session->id, options->owner, &walk_ops, past);
        past->progress_usec = clock_now(past);
        return past;
}

void past_begin(SessionObject *object, Reader *reader) {
        uint64_t now_usec, realtime_usec, session_usec;
        RecordDraft draft;
        Past *past;
        int r;

        stream_time(object, &now_usec, &realtime_usec);
        session_usec = session_time(object->session, now_usec);
        past = past_new(object, reader, session_usec);
        reader_begin_past(reader, &(ReaderPast) { .ready = on_ready, .gone = on_gone, .userdata = past });
        record_hello(&draft, object->session, past->from_usec, realtime_usec - (session_usec - past->from_usec));
        (void) reader_push_past(reader, &draft);
        record_done(&draft);
        reader_flush(reader);

        r = sd_event_add_time_relative(object->bus->event, &past->timer, CLOCK_BOOTTIME, LOOK_USEC, 0, on_timer, past);
        if (r < 0)
                finish(past, false);
        else
                read_on(past);
}

void past_cut(Reader *reader) {
        if (reader_phase(reader) != READER_LIVE)
                cut(reader_past(reader));
}

void past_stop(Reader *reader) {
        if (reader_phase(reader) != READER_LIVE && reader_is_over(reader))
                finish(reader_past(reader), false);
}

void past_hold(Reader *reader) {
        if (reader_phase(reader) == READER_PAST)
                hold(reader_past(reader));
}
