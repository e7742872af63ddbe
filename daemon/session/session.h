/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One session: what it is, how it is, and its figures so far. Pure state: events in with their time, facts out; it knows no bus, no
 * file and no clock. The Tracker of the device opens it, feeds it and closes it. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "needled/figures.h"
#include "needled/frame.h"
#include "needled/omp-records.h"
#include "needled/omp.h"
#include "needled/note.h"
#include "session/alerts.h"
#include "session/device-clock.h"
#include "session/tally.h"

typedef enum SessionState {              /* numbered as enum NeedledStreamState */
        SESSION_OPEN,                   /* made, not yet used */
        SESSION_RUNNING,
        SESSION_PAUSED,
        SESSION_INTERRUPTED,            /* the link is away, the session waits */
        SESSION_FINISHED,
        _SESSION_STATE_MAX,
} SessionState;

typedef enum SessionEnd {
        SESSION_END_NONE,
        SESSION_END_DEVICE,
        SESSION_END_USER,
        SESSION_END_IDLE,
        SESSION_END_WINDOW,
        SESSION_END_SHUTDOWN,
        SESSION_END_DISCARDED,          /* leaves no trace; never stored */
        _SESSION_END_MAX,
} SessionEnd;

const char *session_state_name(SessionState state);     /* as in Session1.State; equal to enum NeedledStreamState */
const char *session_end_name(SessionEnd end);           /* as in Session1.EndReason */
SessionEnd session_end_from_name(const char *name);

typedef struct SessionGap {
        uint64_t from_usec, to_usec;    /* session time */
        TallyStream stream;             /* TALLY_LINK: all of them, the link was away */
        unsigned lost;                  /* packets; 0 with TALLY_LINK */
} SessionGap;

/* How far the frames of a session have come: the newest boot time of all, and how many have come since none was newer. Two that saw the same
 * frames say the same, however the clock stepped. */
typedef struct SessionPlace {
        uint64_t boottime_usec;         /* 0: none has come */
        unsigned n;
} SessionPlace;

static inline SessionPlace session_place_after(SessionPlace place, const Frame *frame) {
        return frame->boottime_usec > place.boottime_usec ? (SessionPlace) { frame->boottime_usec, 1 }
                                                          : (SessionPlace) { place.boottime_usec, place.n + 1 };
}

static inline bool session_place_is_behind(SessionPlace a, SessionPlace b) {
        return a.boottime_usec != b.boottime_usec ? a.boottime_usec > b.boottime_usec : a.n > b.n;
}

typedef struct Session Session;

struct Session {
        uint64_t id;
        char uuid[37];
        uid_t owner;
        char *owner_name;
        char *device_path;              /* last part of the device's D-Bus path */
        char *device_address, *device_alias, *profile;
        char *subject, *area, *product, *note;
        char boot_id[33];
        int utc_offset_sec;

        SessionState state;             /* written by session.c alone */
        SessionEnd end;
        uint64_t start_boottime_usec, start_realtime_usec; /* session time 0: the first frame kept */
        uint64_t end_boottime_usec, end_realtime_usec;
        bool used;                      /* since used_from_usec, whatever the state: what lies before is lead-in */
        uint64_t used_from_usec;        /* boot time; the start until it is used */
        uint64_t last_use_usec;         /* boot time of the last sign of use */
        uint64_t last_contact_usec;     /* likewise of contact, or of what stands for it where the device does not tell it */
        SessionState resume_to;         /* where INTERRUPTED leads back to */

        bool acknowledged;              /* its owner had acknowledged the contraindications when it began */
        Stage stage;
        uint64_t stage_from_usec;       /* session time at which it was set */
        uint64_t stage_usec[_STAGE_MAX]; /* spent in each, without the current one's time since stage_from_usec */
        bool not_cleansed;              /* needling began, by its stage or by use, without the stage before it */
        uint8_t area_set;               /* by the host, 0 unspecified */
        uint8_t area_now;               /* that one, or the device's own while it tells one */
        uint8_t stages_set;             /* bit n: stage n was set */
        uint64_t paused_usec, paused_from_usec; /* in pauses that are over; boot time at which the current one began, 0: there is none */
        NotePause pause;                /* which it is */
        Alerts alerts;
        DeviceClock clock;

        uint32_t record;                /* the device's own number for it, 0: it has told none */
        bool followed;                  /* live: something of the device has come, beside what it had stored */
        bool is_stored;                 /* it was not, and the device's record of it has come: that gives the figures */
        OmpRecord stored;

        Tally tally;
        bool has_feature;
        OmpFeature feature;
        uint16_t feature_size;          /* of the Feature as it came on the air; 0: the device has none */
        uint8_t feature_data[OMP_VALUE_MAX];

        uint64_t looked_usec;           /* boot time up to which time alone has told what it had to tell */
        SessionPlace kept;              /* of the frames that were kept since the daemon began: of who keeps them */

        bool undecodable;
        void *announced;                /* the bus's own; session code never looks at it */
        unsigned n_readers;             /* of its stream, likewise */
};

typedef struct SessionIdentity {        /* what is given from outside when a session opens */
        uint64_t id;
        char uuid[37];
        char boot_id[33];
        int utc_offset_sec;
        uid_t owner;
        const char *owner_name, *device_path, *device_address, *device_alias, *profile;
        const char *subject, *area, *product, *note;
        bool acknowledged;
        bool undecodable;               /* nobody knows its profile any more: its frames are kept, all figures are absent */
} SessionIdentity;

/* OPEN, at session time 0. Strings are copied, NULL is "". */
Session *session_new(const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec);
Session *session_free(Session *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Session, session_free)

/* The only way to another state: what the table in machine.h says of this MachineInput. Returns whether the state has changed; -EALREADY: refused.
 * *ret_old is the state before. For the Tracker. */
int session_move(Session *session, unsigned input, uint64_t now_usec, SessionState *ret_old);
/* It is used for the first time: what was before is lead-in. */
void session_begin_use(Session *session, uint64_t now_usec);

/* Boot time at which the time in use (the duration without the pauses) comes to this; UINT64_MAX: not while it is as it is. */
uint64_t session_in_use_until(const Session *session, uint64_t in_use_usec);
/* The figures at `now_usec` (CLOCK_BOOTTIME); after the end: the final ones. */
void session_figures(const Session *session, uint64_t now_usec, Figures *ret);

/* By area, in the order in which they came; the whole session's are in session_figures(). False: no more. */
bool session_area_figures(const Session *session, unsigned i, uint8_t *ret_area, Figures *ret);
/* Time spent in a stage up to `now_usec` (CLOCK_BOOTTIME). */
uint64_t session_stage_usec(const Session *session, Stage stage, uint64_t now_usec);

/* Session time of a moment, 0 before the start. */
static inline uint64_t session_time(const Session *session, uint64_t boottime_usec) {
        return boottime_usec > session->start_boottime_usec ? boottime_usec - session->start_boottime_usec : 0;
}
