/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tracker.h"

#include <errno.h>
#include <string.h>

#include "needled/omp-time.h"

/* A live value older than this says nothing about how the device is used now. */
#define LEAD_IN_USEC (2 * 1000000u)

typedef enum FlagWay {
        FLAG_WAY_LIVE,
        FLAG_WAY_STATUS,
        _FLAG_WAY_MAX,
} FlagWay;

/* What may open a session now. */
typedef enum Opening {
        OPENING_ANY,                    /* the device's session flag, or use */
        OPENING_BY_USE,                 /* the flag has outlived its session (idle): only use counts until it falls */
        OPENING_NOT,                    /* ended by hand: not before the device has come to rest */
} Opening;

struct Tracker {
        TrackerSettings settings;
        TrackerObserver observer;       /* all NULL while stored frames are fed */
        void *userdata;
        TrackerCounters counters;

        bool has_feature;
        OmpFeature feature;

        OmpSequence sequence[_TALLY_STREAM_MAX];
        uint64_t last_boottime_usec[_TALLY_STREAM_MAX]; /* when the newest packet of each stream came */
        OmpTick tick;

        /* The newest live value before a session: the first frame kept, so that the growth of the opening one is known. */
        uint8_t before[OMP_VALUE_MAX];
        Frame before_frame;             /* size 0: none */
        OmpLive before_live;

        Session *session;
        Opening opening;
        /* The device's session flag comes by two ways that are not ordered with each other or with the events: each is
         * believed about its own changes alone. */
        struct {
                bool shown;             /* as it said last on this link */
                bool seen;              /* it was set within this session: its fall ends it */
                bool stale;             /* it was set when the last session ended: says nothing until it has fallen */
        } flags[_FLAG_WAY_MAX];
};

/* What a frame says about whether the device is used. */
typedef struct Signs {
        bool knows_flag, flag;          /* the device's own session */
        FlagWay way;                    /* by which it says so */
        bool use;                       /* motor running or a stroke, in contact */
        bool rest;                      /* neither flag nor use, by a value that would tell */
        bool ends;                      /* event 11 */
        bool starts;                    /* event 10 */
} Signs;

typedef struct Decoded {
        int error;                      /* negative errno: malformed */
        OmpArrival arrival;
        unsigned missing;
        TallyStream stream;
        union {
                OmpLive live;
                OmpWaveform waveform;
                OmpEvent event;
                OmpStatus status;
        };
} Decoded;

static TallyStream stream_of_channel(uint8_t channel) {
        switch ((OmpChar) channel) {
        case OMP_CHAR_LIVE:
                return TALLY_LIVE;
        case OMP_CHAR_WAVEFORM:
                return TALLY_WAVEFORM;
        case OMP_CHAR_EVENT:
                return TALLY_EVENT;
        case OMP_CHAR_FEATURE:
        case OMP_CHAR_STATUS:
        case OMP_CHAR_CLOCK:
        case OMP_CHAR_CONTROL_POINT:
        case OMP_CHAR_SESSION_DATA:
        case OMP_CHAR_RACP:
        case _OMP_CHAR_MAX:
                break;
        }

        return TALLY_LINK;
}

/* Decodes, and places the packet in its stream. */
static void decode(Tracker *t, const Frame *frame, Decoded *d) {
        uint16_t sequence = 0;

        d->arrival = OMP_ARRIVAL_NEXT;
        d->missing = 0;
        d->stream = stream_of_channel(frame->channel);

        switch (d->stream) {
        case TALLY_LIVE:
                d->error = omp_live_decode(frame->data, frame->size, &d->live);
                sequence = d->live.sequence;
                break;
        case TALLY_WAVEFORM:
                d->error = omp_waveform_decode(frame->data, frame->size, &d->waveform);
                sequence = d->waveform.sequence;
                break;
        case TALLY_EVENT:
                d->error = omp_event_decode(frame->data, frame->size, &d->event);
                sequence = d->event.sequence;
                break;
        case TALLY_LINK:
        case _TALLY_STREAM_MAX:
                d->error = frame->channel == OMP_CHAR_STATUS ?
                        omp_status_decode(frame->data, frame->size, &d->status) : -EOPNOTSUPP;
                return;
        }

        if (d->error >= 0)
                d->arrival = omp_sequence_push(&t->sequence[d->stream], sequence, &d->missing);
}

static void count(Tracker *t, const Decoded *d) {
        t->counters.received++;
        if (d->error < 0) {
                t->counters.malformed++;
                return;
        }

        t->counters.lost += d->missing;
        if (d->arrival == OMP_ARRIVAL_LATE) {
                t->counters.late++;
                if (t->counters.lost > 0)
                        t->counters.lost--;
        } else if (d->arrival == OMP_ARRIVAL_DUPLICATE)
                t->counters.duplicates++;
}

static bool is_new(const Decoded *d) {
        return d->error >= 0 && d->arrival != OMP_ARRIVAL_LATE && d->arrival != OMP_ARRIVAL_DUPLICATE;
}

static const OmpLive *last_live(const Tracker *t) {
        if (t->session && t->session->tally.started)
                return &t->session->tally.last;

        return t->before_frame.size > 0 ? &t->before_live : NULL;
}

static void read_signs(const Tracker *t, const Frame *frame, const Decoded *d, Signs *ret) {
        *ret = (Signs) { 0 };
        if (!is_new(d))
                return;

        if (frame->channel == OMP_CHAR_STATUS) {
                ret->knows_flag = true;
                ret->way = FLAG_WAY_STATUS;
                ret->flag = d->status.flags & OMP_STATUS_SESSION;
        } else if (d->stream == TALLY_EVENT && !d->event.replayed) {
                ret->starts = d->event.code == OMP_EVENT_SESSION_START && d->event.asserted;
                ret->ends = d->event.code == OMP_EVENT_SESSION_END && d->event.asserted;
        } else if (d->stream == TALLY_LIVE) {
                const OmpLive *last = last_live(t);
                bool contact = (d->live.flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
                bool stroke = last && d->live.strokes != last->strokes;

                ret->knows_flag = true;
                ret->way = FLAG_WAY_LIVE;
                ret->flag = d->live.flags & OMP_LIVE_SESSION;
                ret->use = contact && (d->live.flags & OMP_LIVE_MOTOR || stroke);
                ret->rest = !ret->flag && !ret->use;
        }
}

static void tell_state(Tracker *t, SessionState old) {
        if (t->session->state != old && t->observer.state_changed)
                t->observer.state_changed(t, t->session, old, t->userdata);
}

static void enter(Tracker *t, SessionState state) {
        if (t->session->state != state)
                tell_state(t, session_enter(t->session, state));
}

static void open_session(Tracker *t, const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec) {
        t->session = session_new(identity, boottime_usec, realtime_usec);
        t->session->has_feature = t->has_feature;
        t->session->feature = t->feature;
        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                t->flags[i].seen = false;
        if (t->observer.opened)
                t->observer.opened(t, t->session, t->userdata);
}

static void end_session(Tracker *t, SessionEnd end, uint64_t boottime_usec, uint64_t realtime_usec) {
        Session *s = t->session;

        s->end = end;
        s->end_boottime_usec = MAX(boottime_usec, s->start_boottime_usec);
        s->end_realtime_usec = realtime_usec;
        (void) session_enter(s, SESSION_FINISHED);

        switch (end) {
        case SESSION_END_USER:
        case SESSION_END_DISCARDED:
                t->opening = OPENING_NOT;
                break;
        case SESSION_END_IDLE:
                t->opening = OPENING_BY_USE;
                break;
        case SESSION_END_NONE:
        case SESSION_END_DEVICE:
        case SESSION_END_WINDOW:
        case SESSION_END_SHUTDOWN:
        case _SESSION_END_MAX:
                t->opening = OPENING_ANY;
                break;
        }

        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                t->flags[i].stale = t->flags[i].shown;
        t->session = NULL;
        t->before_frame.size = 0;
        if (t->observer.ended)
                t->observer.ended(t, s, t->userdata);
        else
                session_free(s);
}

static void note_flag(Tracker *t, const Signs *signs) {
        if (!signs->knows_flag)
                return;

        t->flags[signs->way].shown = signs->flag;
        if (!signs->flag)
                t->flags[signs->way].stale = false;
}

static bool opens(Tracker *t, const Signs *signs) {
        /* What was on its way when the device's session ended is no new one. */
        bool stale = signs->knows_flag && t->flags[signs->way].stale;

        if (signs->rest || (signs->knows_flag && !signs->flag && t->opening == OPENING_BY_USE))
                t->opening = OPENING_ANY;
        if (!t->settings.auto_start)
                return false;

        switch (t->opening) {
        case OPENING_ANY:
                return signs->starts || (!stale && (signs->flag || signs->use));
        case OPENING_BY_USE:
                return signs->use || signs->starts;
        case OPENING_NOT:
                return signs->starts;
        }

        return false;
}

/* 10 s of lead-in are not kept, but the live value just before is. */
static void keep_before(Tracker *t, const Frame *frame, const OmpLive *live) {
        memcpy(t->before, frame->data, frame->size);
        t->before_live = *live;
        t->before_frame = *frame;
        t->before_frame.data = t->before;
}

static bool has_before(const Tracker *t, const Frame *frame) {
        return t->before_frame.size > 0 && frame->boottime_usec - t->before_frame.boottime_usec <= LEAD_IN_USEC;
}

static void take_live(Tracker *t, const Frame *frame, const Decoded *d) {
        Session *s = t->session;
        uint64_t tick;
        bool resumed = d->arrival == OMP_ARRIVAL_FIRST || d->arrival == OMP_ARRIVAL_RESTART, epoch = false;

        if (resumed)
                epoch = omp_tick_extend(&t->tick, d->live.tick, frame->boottime_usec, &tick);
        else
                tick = omp_tick_continue(&t->tick, d->live.tick, frame->boottime_usec);

        if (d->arrival == OMP_ARRIVAL_LATE) {
                uint64_t behind_usec = t->tick.tick > tick ? (t->tick.tick - tick) * OMP_TICK_USEC : 0;

                t->counters.late_max_usec = MAX(t->counters.late_max_usec, behind_usec);
                if (s)
                        tally_late_live(&s->tally, &d->live);
                return;
        }
        if (!s)
                return;

        (void) tally_live(&s->tally, &d->live, tick, epoch && s->tally.started, d->missing, resumed);
        if (t->observer.live) {
                TrackerLive live = {
                        .live = &d->live,
                        .session_strokes = s->tally.strokes,
                        .stroke_rate = s->tally.rate_per_min,
                        .has_rate = s->tally.has_rate,
                };

                t->observer.live(t, s, frame, &live, t->userdata);
        }
}

/* Loss within a stream, as a gap from its last packet to this one. */
static void take_loss(Tracker *t, const Frame *frame, const Decoded *d) {
        Session *s = t->session;
        SessionGap gap;

        if (d->arrival == OMP_ARRIVAL_LATE)
                tally_late(&s->tally, d->stream);
        else
                s->tally.followed[d->stream] = true;

        if (d->arrival != OMP_ARRIVAL_GAP && d->arrival != OMP_ARRIVAL_RESTART)
                return;

        gap = (SessionGap) {
                .from_usec = session_time(s, t->last_boottime_usec[d->stream]),
                .to_usec = session_time(s, frame->boottime_usec),
                .stream = d->stream,
                .lost = d->missing,
        };
        tally_gap(&s->tally, d->stream, d->missing, gap.to_usec - gap.from_usec);
        if (t->observer.gap)
                t->observer.gap(t, s, &gap, t->userdata);
}

static void take_frame(Tracker *t, const Frame *frame, const Decoded *d) {
        Session *s = t->session;

        if (s && t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);
        if (d->error < 0)
                return;
        if (s && d->stream != TALLY_LINK)
                take_loss(t, frame, d);

        if (d->arrival != OMP_ARRIVAL_DUPLICATE) {
                if (d->stream == TALLY_LIVE)
                        take_live(t, frame, d);
                else if (s && d->stream == TALLY_WAVEFORM && t->observer.waveform)
                        t->observer.waveform(t, s, frame, &d->waveform, t->userdata);
                else if (s && d->stream == TALLY_EVENT && t->observer.event)
                        t->observer.event(t, s, frame, &d->event, t->userdata);
        }

        t->last_boottime_usec[d->stream] = frame->boottime_usec;
}

/* The link's own frames: what happened to it between the others. */
static void take_link(Tracker *t, const Frame *frame) {
        Session *s = t->session;
        FrameLink what = frame->size > 0 ? (FrameLink) frame->data[0] : FRAME_LINK_LOST;

        if (s && t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);

        switch (what) {
        case FRAME_LINK_UP:
                for (int i = 0; i < _TALLY_STREAM_MAX; i++)
                        omp_sequence_reset(&t->sequence[i]);
                for (int i = 0; i < _FLAG_WAY_MAX; i++)
                        t->flags[i].shown = t->flags[i].stale = false;
                if (s && s->state == SESSION_INTERRUPTED) {
                        SessionGap gap = {
                                .from_usec = session_time(s, t->last_boottime_usec[TALLY_LINK]),
                                .to_usec = session_time(s, frame->boottime_usec),
                                .stream = TALLY_LINK,
                        };

                        tally_gap(&s->tally, TALLY_LINK, 0, gap.to_usec - gap.from_usec);
                        if (t->observer.gap)
                                t->observer.gap(t, s, &gap, t->userdata);
                        s->last_use_usec = MAX(s->last_use_usec, frame->boottime_usec); /* idleness is counted anew */
                        enter(t, s->resume_to);
                }
                break;
        case FRAME_LINK_LOST:
        case FRAME_LINK_SUSPENDED:
                t->before_frame.size = 0;
                if (s && s->state != SESSION_INTERRUPTED)
                        enter(t, SESSION_INTERRUPTED);
                break;
        }

        t->last_boottime_usec[TALLY_LINK] = frame->boottime_usec;
}

/* Moves the session by what the frame says. Returns true if it says that the session is over. */
static bool follow_signs(Tracker *t, const Frame *frame, const Signs *signs) {
        Session *s = t->session;
        bool used = signs->use || signs->starts;

        if (s->state == SESSION_OPEN && (used || signs->flag))
                s->used_from_usec = s->last_use_usec = frame->boottime_usec;
        if (used)
                s->last_use_usec = frame->boottime_usec;
        if (signs->flag)
                t->flags[signs->way].seen = true;

        if ((s->state == SESSION_OPEN && (used || signs->flag)) || (s->state == SESSION_PAUSED && used))
                enter(t, SESSION_RUNNING);

        return signs->ends || (signs->knows_flag && !signs->flag && t->flags[signs->way].seen);
}

static void open_by_itself(Tracker *t, const Frame *frame) {
        SessionIdentity identity = { 0 };
        Frame before = t->before_frame;

        if (t->observer.identify)
                t->observer.identify(t, &identity, t->userdata);

        if (has_before(t, frame)) {
                Decoded d = { .arrival = OMP_ARRIVAL_FIRST, .stream = TALLY_LIVE, .live = t->before_live };

                open_session(t, &identity, before.boottime_usec, before.realtime_usec);
                take_frame(t, &before, &d);
        } else
                open_session(t, &identity, frame->boottime_usec, frame->realtime_usec);
}

Tracker *tracker_new(const TrackerSettings *settings, const TrackerObserver *observer, void *userdata) {
        Tracker *t = g_new0(Tracker, 1);

        t->settings = *settings;
        t->observer = *observer;
        t->userdata = userdata;
        return t;
}

Tracker *tracker_free(Tracker *t) {
        if (!t)
                return NULL;

        session_free(t->session);
        g_free(t);
        return NULL;
}

void tracker_set_settings(Tracker *t, const TrackerSettings *settings) {
        t->settings = *settings;
}

void tracker_set_feature(Tracker *t, const OmpFeature *feature) {
        t->has_feature = true;
        t->feature = *feature;
        if (t->session) {
                t->session->has_feature = true;
                t->session->feature = *feature;
        }
}

void tracker_frame(Tracker *t, const Frame *frame) {
        Decoded d;
        Signs signs;

        if (frame->direction == FRAME_OF_LINK) {
                take_link(t, frame);
                return;
        }
        if (frame->direction != FRAME_FROM_DEVICE)
                return;

        decode(t, frame, &d);
        count(t, &d);
        read_signs(t, frame, &d, &signs);
        note_flag(t, &signs);
        if (!t->session && opens(t, &signs))
                open_by_itself(t, frame);

        take_frame(t, frame, &d);
        if (t->session) {
                if (follow_signs(t, frame, &signs)) /* after the frame that says so was kept */
                        end_session(t, SESSION_END_DEVICE, frame->boottime_usec, frame->realtime_usec);
        } else if (d.stream == TALLY_LIVE && is_new(&d))
                keep_before(t, frame, &d.live);
}

void tracker_tick(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        Session *s = t->session;
        uint64_t deadline = tracker_deadline(t);

        if (!s || now_usec < deadline)
                return;

        /* What ends by waiting ended when it was last used: the wait is not a part of it. */
        switch (s->state) {
        case SESSION_OPEN:
        case SESSION_RUNNING:
        case SESSION_PAUSED:
                end_session(t, SESSION_END_IDLE, s->last_use_usec, realtime_usec - (now_usec - s->last_use_usec));
                break;
        case SESSION_INTERRUPTED: {
                uint64_t lost_usec = t->last_boottime_usec[TALLY_LINK];

                end_session(t, SESSION_END_WINDOW, lost_usec, realtime_usec - (now_usec - lost_usec));
                break;
        }
        case SESSION_FINISHED:
        case _SESSION_STATE_MAX:
                break;
        }
}

uint64_t tracker_deadline(const Tracker *t) {
        const Session *s = t->session;

        if (!s)
                return UINT64_MAX;

        switch (s->state) {
        case SESSION_RUNNING:
                return s->last_use_usec + t->settings.idle_timeout_usec;
        case SESSION_OPEN:
        case SESSION_PAUSED:    /* by hand: whoever takes a break means to come back */
                return s->last_use_usec + t->settings.window_usec;
        case SESSION_INTERRUPTED:
                return t->last_boottime_usec[TALLY_LINK] + t->settings.window_usec;
        case SESSION_FINISHED:
        case _SESSION_STATE_MAX:
                break;
        }

        return UINT64_MAX;
}

Session *tracker_session(const Tracker *t) {
        return t->session;
}

const TrackerCounters *tracker_counters(const Tracker *t) {
        return &t->counters;
}

int tracker_start(Tracker *t, const SessionIdentity *identity, uint64_t now_usec, uint64_t realtime_usec) {
        if (t->session)
                return -EBUSY;

        open_session(t, identity, now_usec, realtime_usec);
        return 0;
}

int tracker_pause(Tracker *t, uint64_t now_usec) {
        if (!t->session)
                return -ENOENT;
        if (!session_may_enter(t->session, SESSION_PAUSED) || t->session->state == SESSION_INTERRUPTED)
                return -EALREADY;

        t->session->last_use_usec = now_usec;
        enter(t, SESSION_PAUSED);
        return 0;
}

int tracker_unpause(Tracker *t, uint64_t now_usec) {
        if (!t->session)
                return -ENOENT;
        if (t->session->state != SESSION_PAUSED)
                return -EALREADY;

        t->session->last_use_usec = now_usec;
        enter(t, SESSION_RUNNING);
        return 0;
}

int tracker_finish(Tracker *t, SessionEnd end, uint64_t now_usec, uint64_t realtime_usec) {
        if (!t->session)
                return -ENOENT;

        end_session(t, end, now_usec, realtime_usec);
        return 0;
}

/* Feeds one stored frame, silently. Returns true if it ended the session. */
static bool feed(Tracker *t, const Frame *frame) {
        Decoded d;
        Signs signs;

        if (frame->direction == FRAME_OF_LINK) {
                take_link(t, frame);
                return false;
        }
        if (frame->direction != FRAME_FROM_DEVICE)
                return false;

        decode(t, frame, &d);
        read_signs(t, frame, &d, &signs);
        note_flag(t, &signs);
        take_frame(t, frame, &d);
        return follow_signs(t, frame, &signs);
}

int tracker_resume(Tracker *t, const SessionIdentity *identity, uint64_t start_boottime_usec, uint64_t start_realtime_usec,
                   const Frame *frames, size_t n_frames, bool same_boot, uint64_t now_usec, uint64_t realtime_usec) {
        static const uint8_t lost_data = FRAME_LINK_LOST;
        TrackerObserver observer = t->observer;
        Frame lost = {
                .boottime_usec = start_boottime_usec,
                .realtime_usec = start_realtime_usec,
                .direction = FRAME_OF_LINK,
                .size = 1,
                .data = &lost_data,
        };
        bool ended = false;

        if (t->session)
                return -EBUSY;

        /* What these frames told was told when they came. */
        t->observer = (TrackerObserver) { 0 };
        open_session(t, identity, start_boottime_usec, start_realtime_usec);
        for (size_t i = 0; i < n_frames && !ended; i++) {
                ended = feed(t, &frames[i]);
                lost.boottime_usec = frames[i].boottime_usec;
                lost.realtime_usec = frames[i].realtime_usec;
        }

        /* The link went with the daemon: that belongs into the record, so that its frames tell the same story again. */
        t->observer.frame = observer.frame;
        if (!ended && same_boot && t->session->state != SESSION_INTERRUPTED)
                take_link(t, &lost);

        t->observer = observer;
        if (ended)
                end_session(t, SESSION_END_DEVICE, lost.boottime_usec, lost.realtime_usec);
        else if (!same_boot)
                end_session(t, SESSION_END_SHUTDOWN, lost.boottime_usec, lost.realtime_usec);
        else
                tracker_tick(t, now_usec, realtime_usec);
        return 0;
}
