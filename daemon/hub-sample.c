/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "hub-private.h"

/* The tracker tells of a frame before it tells what is in it. The store wants both at once: a frame that comes from the device waits, in room
 * of the follower's own, for what it means, until the next one or until the tracker has returned. */

void hub_sample(const TrackerLive *live, StoreSample *ret) {
        const OmpLive *l = live->live;

        *ret = (StoreSample) {};
        if (l->force_mean_mn != OMP_FORCE_UNKNOWN) {
                ret->has |= 1u << STORE_METRIC_FORCE;
                ret->mean[STORE_METRIC_FORCE] = l->force_mean_mn;
                ret->max[STORE_METRIC_FORCE] = l->force_peak_mn != OMP_FORCE_UNKNOWN ? l->force_peak_mn : l->force_mean_mn;
        }
        if (live->has_rate) {
                ret->has |= 1u << STORE_METRIC_STROKE_RATE;
                ret->mean[STORE_METRIC_STROKE_RATE] = ret->max[STORE_METRIC_STROKE_RATE] = (int32_t) lround(MIN(live->stroke_rate, INT32_MAX));
        }
        if (l->flags & OMP_LIVE_DEPTH) {
                ret->has |= 1u << STORE_METRIC_DEPTH;
                ret->mean[STORE_METRIC_DEPTH] = ret->max[STORE_METRIC_DEPTH] = l->depth_um;
        }
}

void hub_frame_hold(Follower *f, const Session *session, const Frame *frame) {
        hub_frame_flush(f);
        if (frame->direction != FRAME_FROM_DEVICE || frame->size > sizeof(f->held.data)) {
                store_session_frame(f->hub->store, session->id, frame, NULL);
                return;
        }

        f->held.session = session->id;
        f->held.frame = *frame;
        if (frame->size > 0)
                memcpy(f->held.data, frame->data, frame->size);
        f->held.frame.data = f->held.data;
        f->held.sample.has = 0;
}

void hub_frame_flush(Follower *f) {
        if (f->held.session == 0)
                return;

        store_session_frame(f->hub->store, f->held.session, &f->held.frame, &f->held.sample);
        f->held.session = 0;
}
