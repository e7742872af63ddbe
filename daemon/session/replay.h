/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The figures of a session computed again from its record, with today's code: its frames one by one in order, and the time at which it
 * ended, which frames alone do not show (it may have ended by hand, by waiting or with the host). From the frames that a session kept
 * come the figures that it ended with, bit for bit. */

#include "session/tracker.h"

typedef struct Replay Replay;

typedef struct ReplaySettings {
        const SessionIdentity *identity; /* NULL: nobody's */
        const VendorProfile *vendor;    /* NULL: frames of the Open Microneedling Profile. Has to live as long */
        uint64_t start_boottime_usec, start_realtime_usec; /* session time 0 */
        /* The facts are told as if live; NULL: to nobody. `identify`, `opened` and `ended` are not: the session is open from the beginning,
         * and does not end by itself. */
        const TrackerObserver *observer;
        void *userdata;
} ReplaySettings;

Replay *replay_new(const ReplaySettings *settings);
Replay *replay_free(Replay *replay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Replay, replay_free)

/* The frame's data need to live for the call alone. Returns true if it says that the session is over: the record of one that its device
 * ended has no frames after it. */
bool replay_frame(Replay *replay, const Frame *frame);
/* That was the last: what was held back (a gap that might still have been filled) is told. */
void replay_end(Replay *replay);
/* Nothing came up to this time (CLOCK_BOOTTIME): what time alone raises, clears or gives up is told. */
void replay_until(Replay *replay, uint64_t boottime_usec);
const Session *replay_session(const Replay *replay); /* as it is so far; the replay's own */
/* As they are if the session ends at that time, on the clock of the frames. */
void replay_figures(const Replay *replay, uint64_t end_boottime_usec, Figures *ret);
