/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follows one device: decodes its frames, notices when it is used, opens a session, feeds it and closes it. Frames alone are enough
 * to compute everything again, so a session that was live when the daemon went is taken up by feeding its stored frames. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/frame.h"
#include "needled/omp.h"
#include "needled/vendor.h"
#include "session/session.h"

typedef struct Tracker Tracker;

#define LEAD_IN_MAX_USEC (60 * UINT64_C(1000000))

typedef struct TrackerSettings {
        bool auto_start;
        uint64_t idle_timeout_usec;     /* without contact: the session ends */
        uint64_t window_usec;           /* the link away: the session ends */
        uint64_t lead_in_usec;          /* kept before the start; at most LEAD_IN_MAX_USEC */
        uint64_t pause_after_usec;      /* without contact: it is paused; 0: only by hand */
        NoteLimits limits;              /* of sessions from their opening on */
        uint64_t settle_usec;           /* from the device's word that its session is over to its end here: characteristics are not
                                         * ordered with each other, and what was on its way belongs into it; 0: at once */
} TrackerSettings;

/* One live value of a session, for whoever shows it. */
typedef struct TrackerLive {
        const OmpLive *live;
        uint64_t session_strokes;       /* with has_strokes */
        double stroke_rate;             /* /min; with has_rate */
        bool has_strokes, has_rate;
} TrackerLive;

/* The newest, as the session knows it after that. */
void tracker_live(const Session *session, const OmpLive *live, TrackerLive *ret);
/* Only the stroke rate of it, /min; whether there is one. */
bool tracker_stroke_rate(const Session *session, const OmpLive *live, double *ret);

/* Facts. All are called inside tracker_*() on the caller's stack; `session` is the tracker's. Any may be NULL while a stored session is
 * fed again (tracker_resume). */
typedef struct TrackerObserver {
        /* A session opens by itself: fill in who it is. */
        void (*identify)(Tracker *tracker, SessionIdentity *ret, void *userdata);
        void (*opened)(Tracker *tracker, Session *session, void *userdata);
        void (*state_changed)(Tracker *tracker, Session *session, SessionState old, void *userdata); /* not for OPEN at the opening */
        void (*frame)(Tracker *tracker, Session *session, const Frame *frame, void *userdata); /* to be kept; before what follows from it */
        void (*live)(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata);
        void (*waveform)(Tracker *tracker, Session *session, const Frame *frame, const OmpWaveform *waveform, void *userdata);
        void (*event)(Tracker *tracker, Session *session, const Frame *frame, const OmpEvent *event, void *userdata);
        /* Something that nobody knows, as a name and a number, each once a session: "event unknown-153". */
        void (*unknown)(Tracker *tracker, Session *session, const char *what, void *userdata);
        /* A session would open by itself, as often as they may within a minute: those of its rest are not followed. Once each time. */
        void (*too_often)(Tracker *tracker, void *userdata);
        /* Without a session, by its event: the device's own is over, which was ended here before, or never followed. */
        void (*device_over)(Tracker *tracker, void *userdata);
        /* Of a vendor device: its battery, in %, when it has changed. With or without a session. */
        void (*battery)(Tracker *tracker, unsigned percent, void *userdata);
        void (*stage_changed)(Tracker *tracker, Session *session, void *userdata);
        void (*area_changed)(Tracker *tracker, Session *session, void *userdata);
        void (*mark)(Tracker *tracker, Session *session, const Frame *frame, const char *text, void *userdata);
        /* Raised (cleared_usec is 0) or cleared. */
        void (*alert)(Tracker *tracker, Session *session, const Alert *alert, void *userdata);
        void (*gap)(Tracker *tracker, Session *session, const SessionGap *gap, void *userdata);
        /* The device has said that it is over: it ends by tracker_tick(), after settle_usec. */
        void (*ending)(Tracker *tracker, Session *session, void *userdata);
        /* Figures are final, state is FINISHED. The session is the observer's to free from now on. */
        void (*ended)(Tracker *tracker, Session *session, void *userdata);
} TrackerObserver;

typedef struct TrackerCounters {        /* since the daemon started, with or without a session */
        uint64_t received, malformed, lost, late, duplicates;
        uint64_t late_max_usec;         /* how far behind the newest tick a late packet was */
} TrackerCounters;

Tracker *tracker_new(const TrackerSettings *settings, const TrackerObserver *observer, void *userdata);
Tracker *tracker_free(Tracker *tracker); /* a live session is freed without a fact */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Tracker, tracker_free)

void tracker_set_settings(Tracker *tracker, const TrackerSettings *settings);
/* Whose frames come: NULL (the beginning), of a device that speaks the Open Microneedling Profile; else of one that is followed by this
 * profile, which has to live as long. Errors: -EBUSY a session is live, and it is another. */
int tracker_set_vendor(Tracker *tracker, const VendorProfile *profile);

/* The hot path. */
void tracker_frame(Tracker *tracker, const Frame *frame);
/* Time goes on: ends by idleness and window. */
void tracker_tick(Tracker *tracker, uint64_t now_usec, uint64_t realtime_usec);
/* When tracker_tick() has to be called next; UINT64_MAX if never. */
uint64_t tracker_deadline(const Tracker *tracker);

Session *tracker_session(const Tracker *tracker); /* live, or NULL */
const TrackerCounters *tracker_counters(const Tracker *tracker);

/* By hand. Errors: -EBUSY a session is live already. */
int tracker_start(Tracker *tracker, const SessionIdentity *identity, uint64_t now_usec, uint64_t realtime_usec);
/* -ENOENT no session, -EALREADY in that state. */
int tracker_pause(Tracker *tracker, uint64_t now_usec, uint64_t realtime_usec);
int tracker_unpause(Tracker *tracker, uint64_t now_usec, uint64_t realtime_usec);
/* Likewise, kept in the record as notes. -EINVAL: no such stage or area, or a text that is empty, too long or not UTF-8. */
int tracker_set_stage(Tracker *tracker, Stage stage, uint64_t now_usec, uint64_t realtime_usec);
int tracker_set_area(Tracker *tracker, uint8_t area, uint64_t now_usec, uint64_t realtime_usec);
int tracker_mark(Tracker *tracker, const char *text, uint64_t now_usec, uint64_t realtime_usec);
/* From outside: what the frames do not tell (the rest that was not over, a battery that bluetoothd knows of). */
int tracker_alert(Tracker *tracker, AlertCode code, AlertLevel level, int32_t value, uint64_t now_usec, uint64_t realtime_usec);
/* New limits for the live session, if there is one, and those that follow: the device's own, once they are known. */
void tracker_set_limits(Tracker *tracker, const NoteLimits *limits, uint64_t now_usec, uint64_t realtime_usec);
int tracker_finish(Tracker *tracker, SessionEnd end, uint64_t now_usec, uint64_t realtime_usec);

/* For a record that is decoded again: a session begins with nothing but the frames that follow. -EBUSY a session is live. */
int tracker_begin(Tracker *tracker, const SessionIdentity *identity, uint64_t start_boottime_usec, uint64_t start_realtime_usec);
/* One of its frames. The session goes on whatever the frame says; returns true if it says that the session is over. */
bool tracker_feed(Tracker *tracker, const Frame *frame);
/* That was the last: gaps that were held back in case that something comes late are told. */
void tracker_feed_end(Tracker *tracker);
/* Nothing came up to this time: what time alone tells is told. */
void tracker_feed_until(Tracker *tracker, uint64_t boottime_usec);

/* Takes up a session from before: its identity and all its frames in order. Facts are not told again; if the frames show that it had
 * ended, its window is over at `now_usec`, or the host has booted since (!same_boot: its clock began anew), it is ended now, with facts.
 * Otherwise it is live and INTERRUPTED until the link is back. Errors: -EBUSY a session is live. */
int tracker_resume(Tracker *tracker, const SessionIdentity *identity, uint64_t start_boottime_usec, uint64_t start_realtime_usec,
                   const Frame *frames, size_t n_frames, bool same_boot, uint64_t now_usec, uint64_t realtime_usec);
