/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "session/tracker-private.h"

/* The oldest of the lead-in is no part of it any more. Of a vendor device it holds all the same. */
static void give_up_first(Tracker *t) {
        uint8_t buf[OMP_VALUE_MAX];
        Frame frame;
        bool holds;

        if (lead_in_take(&t->lead_in, &frame, buf, &holds) && holds)
                prelude_keep(&t->prelude, PRELUDE_CHANNEL + frame.channel, &frame);
}

static void give_up_lead_in(Tracker *t, uint64_t until_usec) {
        while (lead_in_first_usec(&t->lead_in) < until_usec)
                give_up_first(t);
}

static uint64_t lead_in_from(const Tracker *t, uint64_t now_usec) {
        uint64_t lead_in_usec = MIN(t->settings.lead_in_usec, LEAD_IN_MAX_USEC);

        return now_usec > lead_in_usec ? now_usec - lead_in_usec : 0;
}

/* The next session's first frames, unless this one belongs to a session already: to one that has ended, or that may not begin. */
static void keep_before(Tracker *t, const Frame *frame, const Packet *p) {
        bool holds = t->translate && packet_is_new(p) && p->kind != PACKET_UNKNOWN;

        if (p->kind == PACKET_FEATURE || frame->size > OMP_VALUE_MAX)
                return;
        if (t->settings.lead_in_usec == 0 || signs_of_session(&p->signs)) {
                give_up_lead_in(t, UINT64_MAX);
                if (holds)
                        prelude_keep(&t->prelude, PRELUDE_CHANNEL + frame->channel, frame);
                return;
        }

        give_up_lead_in(t, lead_in_from(t, frame->boottime_usec));
        while (!lead_in_has_room(&t->lead_in, frame->size))
                give_up_first(t);
        lead_in_keep(&t->lead_in, frame, holds);
        if (holds)                      /* what it said before may be of a session that is over */
                prelude_drop(&t->prelude, PRELUDE_CHANNEL + frame->channel);
}

void tracker_pass(Tracker *t, const Frame *frame, const Packet *p) {
        bool epoch;

        keep_before(t, frame, p);
        if (t->translate)
                return;
        if (p->kind == PACKET_LIVE && p->error >= 0 && p->arrival != OMP_ARRIVAL_DUPLICATE)
                (void) tracker_take_tick(t, frame, p, &epoch);
        if (p->kind == PACKET_LIVE && packet_is_new(p)) {
                t->has_last = true;
                t->last = p->live;
        }
}

/* ---- */

/* A session and its first frames: what the device can do, the limits, what it says already, and what came shortly before. */
static void begin(Tracker *t, const SessionIdentity *identity, uint64_t start_usec, uint64_t start_realtime_usec) {
        PreludeFrames before;
        uint8_t buf[OMP_VALUE_MAX];
        Frame frame;
        bool holds;

        prelude_frames(&t->prelude, start_usec, start_realtime_usec, &before);
        t->beginning = true;
        tracker_open(t, identity, start_usec, start_realtime_usec);
        for (unsigned i = 0; i < before.n_feature; i++)
                (void) tracker_feed(t, &before.frames[i]);
        tracker_note_limits(t, &t->settings.limits, start_usec, start_realtime_usec);
        for (unsigned i = before.n_feature; i < before.n; i++)
                (void) tracker_feed(t, &before.frames[i]);
        while (lead_in_take(&t->lead_in, &frame, buf, &holds)) {
                (void) tracker_feed(t, &frame);
                if (holds)
                        prelude_keep(&t->prelude, PRELUDE_CHANNEL + frame.channel, &frame);
        }
        t->beginning = false;
}

void tracker_open_by_itself(Tracker *t, const Frame *frame) {
        SessionIdentity identity = { 0 };
        uint64_t start_usec, realtime_usec = frame->realtime_usec;

        if (t->observer.identify)
                t->observer.identify(t, &identity, t->userdata);

        give_up_lead_in(t, lead_in_from(t, frame->boottime_usec));
        start_usec = MIN(lead_in_first_usec(&t->lead_in), frame->boottime_usec);
        if (start_usec < frame->boottime_usec)
                realtime_usec = lead_in_first_realtime(&t->lead_in);
        begin(t, &identity, start_usec, realtime_usec);
}

int tracker_start(Tracker *t, const SessionIdentity *identity, uint64_t now_usec, uint64_t realtime_usec) {
        if (t->session)
                return -EBUSY;

        give_up_lead_in(t, UINT64_MAX);
        begin(t, identity, now_usec, realtime_usec);
        return 0;
}

int tracker_begin(Tracker *t, const SessionIdentity *identity, uint64_t start_boottime_usec, uint64_t start_realtime_usec) {
        if (t->session)
                return -EBUSY;

        tracker_open(t, identity, start_boottime_usec, start_realtime_usec);
        return 0;
}
