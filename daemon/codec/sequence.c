/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/omp-time.h"

/* Late are −1 … −64: as many numbers as `seen` remembers. */
#define WINDOW 64

/* Numbers from before the first were not counted missing, so for the window they have come: one that
 * arrives after all is ignored. */
static void sequence_start(OmpSequence *s, uint16_t sequence) {
        s->started = true;
        s->expected = (uint16_t) (sequence + 1u);
        s->seen = UINT64_MAX;
}

/* Moves the window so that `missing` numbers that have not come and one that has are its newest. */
static void sequence_advance(OmpSequence *s, unsigned missing) {
        s->expected = (uint16_t) (s->expected + missing + 1u);
        s->seen = (missing < WINDOW - 1 ? s->seen << (missing + 1) : 0) | 1;
}

void omp_sequence_reset(OmpSequence *s) {
        *s = (OmpSequence) {};
}

OmpArrival omp_sequence_push(OmpSequence *s, uint16_t sequence, unsigned *ret_missing) {
        int d = (int16_t) (uint16_t) (sequence - s->expected);
        uint64_t bit;

        *ret_missing = 0;

        /* "The host takes the first packet after it subscribed as it is." */
        if (!s->started) {
                sequence_start(s, sequence);
                return OMP_ARRIVAL_FIRST;
        }

        /* 0 the next; 1 … 32767 "d packets are missing" */
        if (d >= 0) {
                sequence_advance(s, (unsigned) d);
                *ret_missing = (unsigned) d;
                return d == 0 ? OMP_ARRIVAL_NEXT : OMP_ARRIVAL_GAP;
        }

        /* Below −64: "the stream was started again: a gap without a count" */
        if (d < -WINDOW) {
                sequence_start(s, sequence);
                return OMP_ARRIVAL_RESTART;
        }

        /* "if that number was missing, one less is missing and one was late; else it is a duplicate, and ignored" */
        bit = UINT64_C(1) << (-d - 1);
        if (s->seen & bit)
                return OMP_ARRIVAL_DUPLICATE;

        s->seen |= bit;
        return OMP_ARRIVAL_LATE;
}
