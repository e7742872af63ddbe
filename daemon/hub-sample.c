/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "hub-private.h"
#include "session/stored.h"

/* The tracker tells of a frame before it tells what is in it. The store wants both at once: a frame that comes from the device waits, in room
 * of the follower's own, for what it means, until the next one or until the tracker has returned. */

void hub_sample(const Session *session, const OmpLive *l, StoreSample *ret) {
        double rate;

        *ret = (StoreSample) {};
        if (l->force_mean_mn != OMP_FORCE_UNKNOWN) {
                ret->has |= 1u << STORE_METRIC_FORCE;
                ret->mean[STORE_METRIC_FORCE] = l->force_mean_mn;
                ret->max[STORE_METRIC_FORCE] = l->force_peak_mn != OMP_FORCE_UNKNOWN ? l->force_peak_mn : l->force_mean_mn;
        }
        if (tracker_stroke_rate(session, l, &rate)) {
                ret->has |= 1u << STORE_METRIC_STROKE_RATE;
                ret->mean[STORE_METRIC_STROKE_RATE] = ret->max[STORE_METRIC_STROKE_RATE] = (int32_t) (MIN(rate, INT32_MAX - 1) + 0.5);
        }
        if (l->flags & OMP_LIVE_DEPTH) {
                ret->has |= 1u << STORE_METRIC_DEPTH;
                ret->mean[STORE_METRIC_DEPTH] = ret->max[STORE_METRIC_DEPTH] = l->depth_um;
        }
}

bool hub_stored_sample(const OmpTrace *trace, unsigned entry, StoreSample *ret) {
        StoredSample sample;

        *ret = (StoreSample) {};
        stored_sample(trace, entry, &sample);
        if (sample.has_force) {
                ret->has |= 1u << STORE_METRIC_FORCE;
                ret->mean[STORE_METRIC_FORCE] = sample.force_mean_mn;
                ret->max[STORE_METRIC_FORCE] = sample.force_peak_mn;
        }
        if (sample.has_rate) {
                ret->has |= 1u << STORE_METRIC_STROKE_RATE;
                ret->mean[STORE_METRIC_STROKE_RATE] = ret->max[STORE_METRIC_STROKE_RATE] = sample.rate_per_min;
        }
        return ret->has != 0;
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
