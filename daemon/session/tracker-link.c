/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tracker-private.h"

void tracker_tell_gap(Tracker *t, const SessionGap *gap, uint64_t now_usec) {
        if (tracker_warn_may_tell(t, TOLD_GAP, now_usec) && t->observer.gap)
                t->observer.gap(t, t->session, gap, t->userdata);
}

static void take_up(Tracker *t, const Frame *frame) {
        Session *s = t->session;

        t->battery = -1;
        lead_in_clear(&t->lead_in);
        opening_link_up(&t->opening);
        if (t->translate)
                translate_link_up(t->translate);
        for (int i = 0; i < _TALLY_STREAM_MAX; i++)
                omp_sequence_reset(&t->sequence[i]);

        if (!s)
                return;
        if (s->state == SESSION_INTERRUPTED) {
                SessionGap gap = {
                        .from_usec = session_time(s, t->last_boottime_usec[TALLY_LINK]),
                        .to_usec = session_time(s, frame->boottime_usec),
                        .stream = TALLY_LINK,
                };

                tally_gap(&s->tally, gap.stream, gap.lost, gap.to_usec - gap.from_usec);
                tracker_tell_gap(t, &gap, frame->boottime_usec);
                s->last_use_usec = MAX(s->last_use_usec, frame->boottime_usec); /* idleness is counted anew */
        }
        tracker_move(t, MACHINE_ON_LINK_UP, frame->boottime_usec);
}

static void take_loss(Tracker *t, const Frame *frame, MachineInput input) {
        t->has_last = false;
        prelude_forget(&t->prelude);
        lead_in_clear(&t->lead_in);
        if (t->session)
                tracker_move(t, input, frame->boottime_usec);
}

/* The link's own frames: what happened to it between the others. */
void tracker_take_link(Tracker *t, const Frame *frame) {
        FrameLink what = frame->size > 0 ? (FrameLink) frame->data[0] : FRAME_LINK_LOST;

        if (t->ending)
                tracker_end_as_told(t);
        if (t->session) {
                tracker_warn_until(t, frame->boottime_usec);
                tracker_loss_end(t);    /* numbers begin anew */
                if (t->observer.frame)
                        t->observer.frame(t, t->session, frame, t->userdata);
        }

        switch (what) {
        case FRAME_LINK_UP:
                take_up(t, frame);
                break;
        case FRAME_LINK_LOST:
                take_loss(t, frame, MACHINE_ON_LINK_LOST);
                break;
        case FRAME_LINK_SUSPENDED:
                take_loss(t, frame, MACHINE_ON_SUSPENDED);
                break;
        }

        t->last_boottime_usec[TALLY_LINK] = frame->boottime_usec;
}
