/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tracker.h"

#include <errno.h>
#include <string.h>

#include "needled/omp-time.h"
#include "session/packet.h"
#include "session/prelude.h"
#include "session/translate.h"
#include "session/unknown.h"

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

        Translate *translate;           /* of a vendor device; NULL: it speaks the Open Microneedling Profile */
        int battery;                    /* as told on this link, -1: nothing yet */
        OmpSequence sequence[_TALLY_STREAM_MAX];
        uint64_t last_boottime_usec[_TALLY_STREAM_MAX]; /* when the newest packet of each stream came */
        OmpTick tick;

        Prelude prelude;                /* what a session begins with */
        bool has_last;                  /* `last`: the newest live value, while there is no session */
        OmpLive last;

        Session *session;
        bool begun[_TALLY_STREAM_MAX];  /* the session has had a packet of this stream */
        Unknown unknown;                /* told in it */
        bool ending;                    /* the device has said, at this time, that it is over */
        uint64_t ending_boottime_usec, ending_realtime_usec;
        Opening opening;
        /* The device's session flag comes by two ways that are not ordered with each other or with the events: each is
         * believed about its own changes alone. */
        struct {
                bool shown;             /* as it said last on this link */
                bool seen;              /* it was set within this session: its fall ends it */
                bool stale;             /* it was set when the last session ended: says nothing until it has fallen */
        } flags[_FLAG_WAY_MAX];
};

static const OmpLive *last_live(const Tracker *t) {
        if (t->session)
                return t->session->tally.started ? &t->session->tally.last : NULL;

        return t->has_last ? &t->last : NULL;
}

/* Decodes, and places the packet in its stream. */
static void decode(Tracker *t, const Frame *frame, Packet *p) {
        if (t->translate) {
                translate_packet(t->translate, frame, p);
                return;
        }

        packet_decode(frame, p);
        if (p->numbered)
                p->arrival = omp_sequence_push(&t->sequence[p->stream], p->sequence, &p->missing);
}

/* A session knows of a stream what it has had of it, and nothing from before: its first packet sets the number, as it does when the frames
 * that were kept are all there is. */
static void place(Tracker *t, Packet *p) {
        if (t->translate)
                return;
        if (p->numbered && t->session && !t->begun[p->stream]) {
                t->begun[p->stream] = true;
                omp_sequence_reset(&t->sequence[p->stream]);
                p->arrival = omp_sequence_push(&t->sequence[p->stream], p->sequence, &p->missing);
        }

        p->resumed = p->arrival == OMP_ARRIVAL_FIRST || p->arrival == OMP_ARRIVAL_RESTART;
        packet_read_signs(p, last_live(t));
}

static void count(Tracker *t, const Packet *p) {
        if (p->error < 0)
                t->counters.malformed++;
        if (p->kind != PACKET_FEATURE)  /* read, not notified */
                t->counters.received++;
        if (p->error < 0)
                return;

        t->counters.lost += p->missing;
        if (p->arrival == OMP_ARRIVAL_LATE) {
                t->counters.late++;
                if (t->counters.lost > 0)
                        t->counters.lost--;
        } else if (p->arrival == OMP_ARRIVAL_DUPLICATE)
                t->counters.duplicates++;
}

static void tell_state(Tracker *t, SessionState old) {
        if (t->session->state != old && t->observer.state_changed)
                t->observer.state_changed(t, t->session, old, t->userdata);
}

static void enter(Tracker *t, SessionState state) {
        if (t->session->state != state)
                tell_state(t, session_enter(t->session, state));
}

static void tell_unknown(const char *what, void *userdata) {
        Tracker *t = userdata;

        if (t->observer.unknown)
                t->observer.unknown(t, t->session, what, t->userdata);
}

/* Everything that figures depend on begins here: what was before is known by the frames that are kept, or not at all. */
static void open_session(Tracker *t, const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec) {
        t->session = session_new(identity, boottime_usec, realtime_usec);
        if (t->translate) {
                translate_reset(t->translate, boottime_usec);
                t->session->has_feature = translate_feature(t->translate, &t->session->feature);
                tally_set_feature(&t->session->tally, &t->session->feature);
        }
        t->tick = (OmpTick) { 0 };
        t->has_last = false;
        for (int i = 0; i < _TALLY_STREAM_MAX; i++)
                t->begun[i] = false;
        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                t->flags[i].seen = false;
        unknown_begin(&t->unknown, tell_unknown, t);
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
        t->ending = false;
        t->has_last = false;
        if (t->translate)               /* what its states are still holds */
                t->prelude.stale_usec = t->last_boottime_usec[TALLY_LIVE];
        else
                prelude_forget(&t->prelude);
        if (t->observer.ended)
                t->observer.ended(t, s, t->userdata);
        else
                session_free(s);
}

/* The device's session is over, since then. */
static void end_as_told(Tracker *t) {
        end_session(t, SESSION_END_DEVICE, t->ending_boottime_usec, t->ending_realtime_usec);
}

static void begin_ending(Tracker *t, const Frame *frame) {
        t->ending = true;
        t->ending_boottime_usec = frame->boottime_usec;
        t->ending_realtime_usec = frame->realtime_usec;
        if (t->settings.settle_usec == 0)
                end_as_told(t);
        else if (t->observer.ending)
                t->observer.ending(t, t->session, t->userdata);
}

/* The device has begun another session before the last one had settled. */
static bool begins_anew(const Tracker *t, const Packet *p) {
        bool fell = t->flags[p->signs.way].seen && !t->flags[p->signs.way].shown;

        return packet_is_new(p) && (p->signs.starts || (p->signs.knows_flag && p->signs.flag && fell));
}

/* It says itself that it is no more of the session. */
static bool is_after_end(const Packet *p) {
        return p->kind == PACKET_LIVE && p->signs.knows_flag && !p->signs.flag;
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

static uint64_t take_tick(Tracker *t, const Frame *frame, const Packet *p, bool *ret_epoch) {
        uint64_t tick;

        *ret_epoch = false;
        if (t->translate) {             /* the host's clock is all there is, from the session's beginning: no tick, no reboot by it */
                uint64_t start_usec = t->session->start_boottime_usec;

                t->tick.tick = MAX(t->tick.tick, (MAX(frame->boottime_usec, start_usec) - start_usec) / OMP_TICK_USEC);
                return t->tick.tick;
        }

        if (p->resumed)
                *ret_epoch = omp_tick_extend(&t->tick, p->live.tick, frame->boottime_usec, &tick);
        else
                tick = omp_tick_continue(&t->tick, p->live.tick, frame->boottime_usec);

        if (p->arrival == OMP_ARRIVAL_LATE) {
                uint64_t behind_usec = t->tick.tick > tick ? (t->tick.tick - tick) * OMP_TICK_USEC : 0;

                t->counters.late_max_usec = MAX(t->counters.late_max_usec, behind_usec);
        }

        return tick;
}

/* What a vendor device says holds until it says something else: up to now it was as before. */
static void hold_until(Tally *t, const Packet *p, uint64_t tick) {
        OmpLive before = t->last;

        if (t->started && !p->resumed && (before.flags ^ p->live.flags) & (OMP_LIVE_CONTACT_MASK | OMP_LIVE_OVERPRESSURE))
                (void) tally_live(t, &before, tick, false, p->missing, false);
}

static void take_live(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        bool epoch;
        uint64_t tick = take_tick(t, frame, p, &epoch);

        if (p->arrival == OMP_ARRIVAL_LATE) {
                tally_late_live(&s->tally, &p->live);
                return;
        }

        if (t->translate)
                hold_until(&s->tally, p, tick);
        (void) tally_live(&s->tally, &p->live, tick, epoch && s->tally.started, p->missing, p->resumed);
        if (t->observer.live) {
                bool has_strokes = !s->has_feature || s->feature.bits & OMP_FEATURE_STROKES;
                TrackerLive live = {
                        .live = &p->live,
                        .session_strokes = tally_strokes(&s->tally),
                        .stroke_rate = s->tally.rate_per_min,
                        .has_strokes = has_strokes,
                        .has_rate = s->tally.has_rate && (has_strokes || p->live.flags & OMP_LIVE_RATE), /* as in the figures */
                };

                t->observer.live(t, s, frame, &live, t->userdata);
        }
}

/* Loss within a stream, as a gap from its last packet to this one. */
static void take_loss(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        SessionGap gap;

        if (p->arrival == OMP_ARRIVAL_LATE)
                tally_late(&s->tally, p->stream);
        else
                s->tally.followed[p->stream] = true;

        if (p->arrival != OMP_ARRIVAL_GAP && p->arrival != OMP_ARRIVAL_RESTART)
                return;

        gap = (SessionGap) {
                .from_usec = session_time(s, t->last_boottime_usec[p->stream]),
                .to_usec = session_time(s, frame->boottime_usec),
                .stream = p->stream,
                .lost = p->missing,
        };
        tally_gap(&s->tally, p->stream, p->missing, gap.to_usec - gap.from_usec);
        if (t->observer.gap)
                t->observer.gap(t, s, &gap, t->userdata);
}

static void take_feature(Session *s, const Frame *frame, const Packet *p) {
        s->has_feature = true;
        s->feature = p->feature;
        s->feature_size = frame->size;
        memcpy(s->feature_data, frame->data, frame->size);
        tally_set_feature(&s->tally, &s->feature);
}

/* Within a session: the frame is kept before anything follows from it. */
static void take_packet(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;

        if (t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);
        unknown_look(&t->unknown, frame, p);
        if (p->error < 0)
                return;
        if (t->translate) {
                translate_unknown(t->translate, &t->unknown);
                if (translate_feature(t->translate, &s->feature))
                        tally_set_feature(&s->tally, &s->feature);
        }
        if (p->numbered)
                take_loss(t, frame, p);

        if (p->arrival != OMP_ARRIVAL_DUPLICATE) {
                if (p->kind == PACKET_FEATURE)
                        take_feature(s, frame, p);
                else if (p->kind == PACKET_LIVE)
                        take_live(t, frame, p);
                else if (p->kind == PACKET_WAVEFORM && t->observer.waveform)
                        t->observer.waveform(t, s, frame, &p->waveform, t->userdata);
                else if (p->kind == PACKET_EVENT && t->observer.event)
                        t->observer.event(t, s, frame, &p->event, t->userdata);
        }

        t->last_boottime_usec[p->stream] = frame->boottime_usec;
}

/* The link's own frames: what happened to it between the others. */
static void take_link(Tracker *t, const Frame *frame) {
        FrameLink what = frame->size > 0 ? (FrameLink) frame->data[0] : FRAME_LINK_LOST;
        Session *s;

        if (t->ending)
                end_as_told(t);
        s = t->session;
        if (s && t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);

        switch (what) {
        case FRAME_LINK_UP:
                t->battery = -1;
                if (t->translate)
                        translate_link_up(t->translate);
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
                t->has_last = false;
                prelude_forget(&t->prelude);
                if (s && s->state != SESSION_INTERRUPTED)
                        enter(t, SESSION_INTERRUPTED);
                break;
        }

        t->last_boottime_usec[TALLY_LINK] = frame->boottime_usec;
}

/* Moves the session by what the packet says. Returns true if it says that the session is over. */
static bool follow_signs(Tracker *t, const Frame *frame, const Signs *signs) {
        Session *s = t->session;
        bool used = signs->use || signs->starts;

        if (!s->used && (used || signs->flag)) {
                s->used = true;
                s->used_from_usec = s->last_use_usec = frame->boottime_usec;
        }
        if (used)
                s->last_use_usec = frame->boottime_usec;
        if (signs->flag)
                t->flags[signs->way].seen = true;

        if ((s->state == SESSION_OPEN && (used || signs->flag)) || (s->state == SESSION_PAUSED && used))
                enter(t, SESSION_RUNNING);

        return signs->ends || (signs->knows_flag && !signs->flag && t->flags[signs->way].seen);
}

/* The session's first frames: what holds already. */
static void begin_with(Tracker *t, const PreludeFrames *before) {
        for (unsigned i = 0; i < before->n; i++)
                (void) tracker_feed(t, &before->frames[i]);
}

static void open_by_itself(Tracker *t, const Frame *frame) {
        SessionIdentity identity = { 0 };
        PreludeFrames before;

        if (t->observer.identify)
                t->observer.identify(t, &identity, t->userdata);

        prelude_frames(&t->prelude, true, frame->boottime_usec, frame->realtime_usec, &before);
        open_session(t, &identity, before.boottime_usec, before.realtime_usec);
        begin_with(t, &before);
}

/* Without a session: what may be of use to the next one. */
static void pass_packet(Tracker *t, const Frame *frame, const Packet *p) {
        bool epoch;

        if (t->translate)
                return;
        if (p->kind == PACKET_LIVE && p->error >= 0 && p->arrival != OMP_ARRIVAL_DUPLICATE)
                (void) take_tick(t, frame, p, &epoch);
        if (p->kind == PACKET_LIVE && packet_is_new(p)) {
                t->has_last = true;
                t->last = p->live;
                prelude_keep(&t->prelude, PRELUDE_LIVE, frame);
        }
}

/* With or without a session: what the next one begins with, and what is not a session's at all. */
static void note_device(Tracker *t, const Frame *frame, const Packet *p) {
        int battery = t->translate ? translate_battery(t->translate) : -1;

        if (!packet_is_new(p))
                return;
        if (p->kind == PACKET_FEATURE)
                prelude_keep(&t->prelude, PRELUDE_FEATURE, frame);
        else if (t->translate && p->kind != PACKET_UNKNOWN)
                prelude_keep(&t->prelude, PRELUDE_LIVE + frame->channel, frame);

        if (battery >= 0 && battery != t->battery && t->observer.battery) {
                t->battery = battery;
                t->observer.battery(t, (unsigned) battery, t->userdata);
        }
}

Tracker *tracker_new(const TrackerSettings *settings, const TrackerObserver *observer, void *userdata) {
        Tracker *t = g_new0(Tracker, 1);

        t->settings = *settings;
        t->observer = *observer;
        t->userdata = userdata;
        t->battery = -1;
        prelude_init(&t->prelude, PRELUDE_LIVE + 1, false);
        return t;
}

Tracker *tracker_free(Tracker *t) {
        if (!t)
                return NULL;

        session_free(t->session);
        prelude_clear(&t->prelude);
        translate_free(t->translate);
        g_free(t);
        return NULL;
}

void tracker_set_settings(Tracker *t, const TrackerSettings *settings) {
        t->settings = *settings;
}

int tracker_set_vendor(Tracker *t, const VendorProfile *profile) {
        if ((t->translate ? translate_profile(t->translate) : NULL) == profile)
                return 0;
        if (t->session)
                return -EBUSY;

        t->translate = translate_free(t->translate);
        t->has_last = false;
        t->opening = OPENING_ANY;
        memset(t->flags, 0, sizeof(t->flags));
        if (profile)
                t->translate = translate_new(profile);
        prelude_init(&t->prelude, PRELUDE_LIVE + (profile ? (unsigned) profile->n_chars : 1), profile);
        return 0;
}

void tracker_frame(Tracker *t, const Frame *frame) {
        Packet p;
        bool over = false;

        if (frame->direction == FRAME_OF_LINK) {
                take_link(t, frame);
                return;
        }
        if (frame->direction != FRAME_FROM_DEVICE)
                return;

        decode(t, frame, &p);
        count(t, &p);
        place(t, &p);
        if (G_UNLIKELY(t->ending) && begins_anew(t, &p)) {
                end_as_told(t);
                place(t, &p);
        }
        note_flag(t, &p.signs);
        if (G_UNLIKELY(t->ending)) {
                if (is_after_end(&p))
                        pass_packet(t, frame, &p);
                else
                        take_packet(t, frame, &p);
        } else if (t->session) {
                take_packet(t, frame, &p);
                over = follow_signs(t, frame, &p.signs);
        } else if (opens(t, &p.signs)) {
                open_by_itself(t, frame);
                over = tracker_feed(t, frame);
        } else
                pass_packet(t, frame, &p);

        note_device(t, frame, &p);
        if (over)                       /* after the frame that says so was kept */
                begin_ending(t, frame);
}

bool tracker_feed(Tracker *t, const Frame *frame) {
        Packet p;

        if (frame->direction == FRAME_OF_LINK) {
                take_link(t, frame);
                return false;
        }
        if (!t->session || frame->direction != FRAME_FROM_DEVICE)
                return false;

        decode(t, frame, &p);
        place(t, &p);
        note_flag(t, &p.signs);
        take_packet(t, frame, &p);
        return follow_signs(t, frame, &p.signs);
}

void tracker_tick(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        Session *s = t->session;
        uint64_t deadline = tracker_deadline(t);

        if (!s || now_usec < deadline)
                return;
        if (t->ending) {
                end_as_told(t);
                return;
        }

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
        if (t->ending)
                return t->ending_boottime_usec + t->settings.settle_usec;

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
        PreludeFrames before;

        if (t->session)
                return -EBUSY;

        prelude_frames(&t->prelude, false, now_usec, realtime_usec, &before);
        open_session(t, identity, now_usec, realtime_usec);
        begin_with(t, &before);
        return 0;
}

int tracker_begin(Tracker *t, const SessionIdentity *identity, uint64_t start_boottime_usec, uint64_t start_realtime_usec) {
        if (t->session)
                return -EBUSY;

        open_session(t, identity, start_boottime_usec, start_realtime_usec);
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

        if (t->ending && end != SESSION_END_DISCARDED)
                end_as_told(t);
        else
                end_session(t, end, now_usec, realtime_usec);
        return 0;
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
        for (size_t i = 0; i < n_frames; i++) {
                bool over = tracker_feed(t, &frames[i]) && !identity->undecodable;

                if (ended)              /* it only had to settle */
                        continue;
                ended = over;
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
