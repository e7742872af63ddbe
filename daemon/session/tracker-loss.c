/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tracker-private.h"

/* Numbers that have not come may still be on their way: a link with several channels (EATT) changes their order. So a run of them is told
 * as a gap a second later, with what is missing then; if all of it came, there was none. The figures are right at any time: they count
 * a run from the packet behind it on, and less when it comes. */

#define LOSS_SETTLE_USEC UINT64_C(1000000)
#define LOSS_LATE_MAX 63u               /* of a longer run some numbers are too far behind to come late (OmpSequence) */

void tracker_loss_begin(Tracker *t) {
        t->n_losses = 0;
}

uint64_t tracker_loss_deadline(const Tracker *t) {
        return t->n_losses > 0 ? t->losses[0].seen_usec + LOSS_SETTLE_USEC : UINT64_MAX;
}

static Loss take(Tracker *t, unsigned i) {
        Loss loss = t->losses[i];

        t->n_losses--;
        for (; i < t->n_losses; i++)
                t->losses[i] = t->losses[i + 1];

        return loss;
}

static void tell_first(Tracker *t) {
        Loss loss = take(t, 0);

        tracker_tell_gap(t, &loss.gap, loss.seen_usec);
}

void tracker_loss_now(Tracker *t, uint64_t now_usec) {
        while (tracker_loss_deadline(t) <= now_usec)
                tell_first(t);
}

void tracker_loss_end(Tracker *t) {
        while (t->n_losses > 0)
                tell_first(t);
}

/* The run that this number belongs to, or none. */
static unsigned find(const Tracker *t, uint8_t channel, uint16_t sequence) {
        unsigned i = 0;

        while (i < t->n_losses && (t->losses[i].channel != channel || (uint16_t) (sequence - t->losses[i].first) >= t->losses[i].n))
                i++;

        return i;
}

bool tracker_loss_awaits(const Tracker *t, const Frame *frame, const Packet *p) {
        return p->arrival == OMP_ARRIVAL_LATE && find(t, frame->channel, p->sequence) < t->n_losses;
}

static void take_late(Tracker *t, const Frame *frame, const Packet *p) {
        unsigned i = find(t, frame->channel, p->sequence);

        tally_late(&t->session->tally, p->stream);
        if (i == t->n_losses || --t->losses[i].gap.lost > 0)
                return;

        tally_no_gap(&t->session->tally, t->losses[i].gap.to_usec - t->losses[i].gap.from_usec);
        (void) take(t, i);
        tracker_warn_settle(t);
}

static void take_run(Tracker *t, const Frame *frame, const Packet *p, const SessionGap *gap) {
        if (t->n_losses == LOSSES_MAX)
                tell_first(t);
        t->losses[t->n_losses++] = (Loss) {
                .channel = frame->channel,
                .first = (uint16_t) (p->sequence - p->missing),
                .n = (uint16_t) p->missing,
                .seen_usec = frame->boottime_usec,
                .gap = *gap,
        };
        tracker_warn_settle(t);
}

void tracker_loss_take(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        SessionGap gap = {
                .from_usec = session_time(s, t->last_boottime_usec[p->stream]),
                .to_usec = session_time(s, frame->boottime_usec),
                .stream = p->stream,
                .lost = p->missing,
        };

        if (p->arrival == OMP_ARRIVAL_LATE) {
                take_late(t, frame, p);
                return;
        }

        s->tally.followed[p->stream] = true;
        if (p->arrival != OMP_ARRIVAL_GAP && p->arrival != OMP_ARRIVAL_RESTART)
                return;

        tally_gap(&s->tally, gap.stream, gap.lost, gap.to_usec - gap.from_usec);
        if (p->missing > 0 && p->missing <= LOSS_LATE_MAX)
                take_run(t, frame, p, &gap);
        else
                tracker_tell_gap(t, &gap, frame->boottime_usec);
        if (p->missing > 0)
                tracker_warn_lost(t, frame, p->missing);
}
