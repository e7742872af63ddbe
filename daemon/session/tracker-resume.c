/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "session/tracker-private.h"

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
        tracker_open(t, identity, start_boottime_usec, start_realtime_usec);
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
                tracker_take_link(t, &lost);

        t->observer = observer;
        if (ended)
                tracker_end(t, SESSION_END_DEVICE, lost.boottime_usec, lost.realtime_usec);
        else if (!same_boot)
                tracker_end(t, SESSION_END_SHUTDOWN, lost.boottime_usec, lost.realtime_usec);
        else
                tracker_tick(t, now_usec, realtime_usec);
        return 0;
}
