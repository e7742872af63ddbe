/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of a Tracker: tracker.c takes frames and time, tracker-begin.c what comes before a session and makes its beginning, tracker-packet.c
 * what a device's packets say within one, tracker-link.c what happens to the link, tracker-notes.c what its host says, tracker-warn.c what it
 * warns of, tracker-loss.c what it misses, tracker-resume.c how one from before is taken up. */

#include "needled/omp-time.h"
#include "session/budget.h"
#include "session/lead-in.h"
#include "session/machine.h"
#include "session/opening.h"
#include "session/packet.h"
#include "session/prelude.h"
#include "session/tracker.h"
#include "session/translate.h"
#include "session/unknown.h"

/* What a device makes and people are told one by one, each kind for itself: so many in a minute. The figures count all. */
#define TOLD_A_MINUTE 600u
#define OPENINGS_A_MINUTE 10u           /* sessions that open by themselves */

typedef enum Told {
        TOLD_EVENT,                     /* of the device */
        TOLD_AREA,                      /* likewise */
        TOLD_GAP,
        _TOLD_MAX,
} Told;

#define WARN_LOST_SECONDS 10u           /* loss is counted over so long */

typedef struct Warnings {               /* what raises and clears alerts, beside the figures */
        uint64_t due_usec;              /* boot time at which time alone raises or clears the next */
        uint64_t over_fell_usec;        /* boot time at which overpressure ended, 0: it has not, or is cleared */
        bool limit_told;                /* the time limit that holds was reached */
        uint32_t limit_sec;             /* that holds, 0: none */
        int depth_um;                   /* as it was looked at last; -1: it is to be looked at */
        int battery;                    /* %, as it was looked at last; -1: not yet */
        uint64_t lost_last_usec;        /* boot time of the newest loss, 0: none, or it is over */
        uint64_t lost_second;           /* of boot time: the newest in `lost` */
        unsigned lost[WARN_LOST_SECONDS];
        unsigned left_out;              /* of what is told one by one; until it is cleared */
        uint64_t left_out_usec;         /* boot time of the newest of them, 0: none, or it is over */
} Warnings;

#define LOSSES_MAX 8u

typedef struct Loss {                   /* numbers that have not come, and may be on their way */
        uint8_t channel;
        uint16_t first, n;
        uint64_t seen_usec;             /* boot time of the packet behind them */
        SessionGap gap;                 /* lost: how many are still missing */
} Loss;

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

        Prelude prelude;                /* what holds when a session begins */
        LeadIn lead_in;                 /* what came since then, while there is none */
        bool has_last;                  /* `last`: the newest live value, while there is no session */
        OmpLive last;
        Opening opening;

        Session *session;
        bool beginning;                 /* it has not had its first frames yet: what is noted belongs to its time 0 */
        bool begun[_TALLY_STREAM_MAX];  /* the session has had a packet of this stream */
        uint8_t device_area;            /* as it says itself in the session, 0: it does not */
        Unknown unknown;                /* told in it */
        Warnings warnings;
        Loss losses[LOSSES_MAX];        /* oldest first */
        unsigned n_losses;
        Budget told[_TOLD_MAX];         /* in its minutes, by session time */
        Budget openings;                /* by boot time */
        bool ending;                    /* the device has said, at this time, that it is over */
        bool past_end;                  /* and a value has come since then that is no more of it */
        uint64_t ending_boottime_usec, ending_realtime_usec;
};

/* tracker.c */
void tracker_step(Tracker *t, MachineInput input, uint64_t now_usec);
void tracker_open(Tracker *t, const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec);
void tracker_end(Tracker *t, SessionEnd end, uint64_t boottime_usec, uint64_t realtime_usec);
/* The device's session is over, since it has said so. */
void tracker_end_as_told(Tracker *t);

/* tracker-begin.c */
void tracker_pass(Tracker *t, const Frame *frame, const Packet *p); /* without a session: what may be of use to the next one */
void tracker_open_by_itself(Tracker *t, const Frame *frame);

/* tracker-packet.c: within a session. */
uint64_t tracker_take_tick(Tracker *t, const Frame *frame, const Packet *p, bool *ret_epoch);
void tracker_take_packet(Tracker *t, const Frame *frame, const Packet *p); /* keeps the frame first */
/* Moves the session by what the packet says. Returns true if it says that the session is over. */
bool tracker_follow_signs(Tracker *t, const Frame *frame, const Signs *signs);
/* The way of nearly all frames: a live value of a session, the next of its stream, with nothing in it that is looked at closely. It is no longer
 * than it has to be, and leads where tracker_take_packet() and tracker_follow_signs() would: returns like it, or negative: it is another, and nothing was done. */
int tracker_take_next(Tracker *t, const Frame *frame);
bool tracker_settle_area(Tracker *t); /* the device's own, else the one that was set; returns whether it is another */

/* tracker-link.c: with or without a session. */
void tracker_take_link(Tracker *t, const Frame *frame);
void tracker_tell_gap(Tracker *t, const SessionGap *gap, uint64_t now_usec);

/* tracker-loss.c: within a session. What is missing in a stream, as a gap from its last packet to this one. */
void tracker_loss_begin(Tracker *t);
void tracker_loss_take(Tracker *t, const Frame *frame, const Packet *p); /* a numbered one */
bool tracker_loss_awaits(const Tracker *t, const Frame *frame, const Packet *p); /* it is late, and one of those that are missing */
uint64_t tracker_loss_deadline(const Tracker *t);
void tracker_loss_now(Tracker *t, uint64_t now_usec);
void tracker_loss_end(Tracker *t); /* nothing comes any more */

/* tracker-notes.c: within a session. */
void tracker_take_note(Tracker *t, const Frame *frame);
void tracker_note(Tracker *t, const Note *note, uint64_t now_usec, uint64_t realtime_usec);
void tracker_note_limits(Tracker *t, const NoteLimits *limits, uint64_t now_usec, uint64_t realtime_usec);

/* tracker-warn.c: within a session. Times are boot times. */
void tracker_warn_begin(Tracker *t);
uint64_t tracker_warn_deadline(const Tracker *t);
void tracker_warn_settle(Tracker *t); /* something that it depends on has changed */
void tracker_warn_now(Tracker *t, uint64_t now_usec); /* something is due */
void tracker_warn_raise(Tracker *t, AlertCode code, AlertLevel level, int32_t value, uint64_t now_usec);
void tracker_warn_clear(Tracker *t, AlertCode code, uint64_t now_usec);
void tracker_warn_area(Tracker *t); /* it is another */
void tracker_warn_limits(Tracker *t, uint64_t now_usec); /* they have changed */
void tracker_warn_value(Tracker *t, const Frame *frame, const OmpLive *live);
void tracker_warn_lost(Tracker *t, const Frame *frame, unsigned missing);
/* Whether it is told: if more came than are told in a minute, it is counted, and that is warned of. */
bool tracker_warn_may_tell(Tracker *t, Told what, uint64_t now_usec);
void tracker_warn_event(Tracker *t, const Frame *frame, const OmpEvent *event);
void tracker_warn_status(Tracker *t, const Frame *frame, const OmpStatus *status);
void tracker_warn_battery(Tracker *t, const Frame *frame, int percent); /* -1: unknown */

/* Of a vendor device: what it says in a session holds after it, too. */
static inline void tracker_keep_state(Tracker *t, const Frame *frame, const Packet *p) {
        if (t->translate && packet_is_new(p) && p->kind != PACKET_UNKNOWN)
                prelude_keep(&t->prelude, PRELUDE_CHANNEL + frame->channel, frame);
}

/* The hot path: most values change nothing, and warn of nothing. */
static inline void tracker_move(Tracker *t, MachineInput input, uint64_t now_usec) {
        if (machine_step(t->session->state, input) != MACHINE_STAY)
                tracker_step(t, input, now_usec);
}

static inline void tracker_warn_until(Tracker *t, uint64_t now_usec) {
        if (G_UNLIKELY(now_usec >= t->warnings.due_usec))
                tracker_warn_now(t, now_usec);
}

static inline void tracker_warn_live(Tracker *t, const Frame *frame, const OmpLive *live) {
        const Warnings *w = &t->warnings;
        bool depth = live->flags & OMP_LIVE_DEPTH && live->depth_um != w->depth_um;

        if (G_UNLIKELY(depth || t->session->tally.over || t->session->alerts.code[ALERT_OVERPRESSURE].stands))
                tracker_warn_value(t, frame, live);
}
