/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/replay.h"

struct Replay {
        Tracker *tracker;
};

Replay *replay_new(const ReplaySettings *settings) {
        static const SessionIdentity nobody;
        TrackerObserver observer = settings->observer ? *settings->observer : (TrackerObserver) { 0 };
        Replay *r = g_new0(Replay, 1);

        observer.opened = NULL;
        r->tracker = tracker_new(&(TrackerSettings) { 0 }, &observer, settings->userdata);
        (void) tracker_set_vendor(r->tracker, settings->vendor);
        (void) tracker_begin(r->tracker, settings->identity ?: &nobody, settings->start_boottime_usec,
                             settings->start_realtime_usec);
        return r;
}

Replay *replay_free(Replay *r) {
        if (!r)
                return NULL;

        tracker_free(r->tracker);
        g_free(r);
        return NULL;
}

bool replay_frame(Replay *r, const Frame *frame) {
        return tracker_feed(r->tracker, frame);
}

void replay_end(Replay *r) {
        tracker_feed_end(r->tracker);
}

void replay_until(Replay *r, uint64_t boottime_usec) {
        tracker_feed_until(r->tracker, boottime_usec);
}

const Session *replay_session(const Replay *r) {
        return tracker_session(r->tracker);
}

void replay_figures(const Replay *r, uint64_t end_boottime_usec, Figures *ret) {
        session_figures(tracker_session(r->tracker), end_boottime_usec, ret);
}
