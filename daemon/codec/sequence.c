/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "needled/omp-time.h"

/* "−1…−64 late": as many numbers as `seen` remembers. */
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

        /* "The first packet after a subscription sets it." */
        if (!s->started) {
                sequence_start(s, sequence);
                return OMP_ARRIVAL_FIRST;
        }

        /* "d = (s16)(seq − expected): 0 next; 1…32767 d packets missing" */
        if (d >= 0) {
                sequence_advance(s, (unsigned) d);
                *ret_missing = (unsigned) d;
                return d == 0 ? OMP_ARRIVAL_NEXT : OMP_ARRIVAL_GAP;
        }

        /* "below −64 a restart of the stream (gap, no count)" */
        if (d < -WINDOW) {
                sequence_start(s, sequence);
                return OMP_ARRIVAL_RESTART;
        }

        /* "if that number was missing, count one less missing and one late, else a duplicate (ignored)" */
        bit = UINT64_C(1) << (-d - 1);
        if (s->seen & bit)
                return OMP_ARRIVAL_DUPLICATE;

        s->seen |= bit;
        return OMP_ARRIVAL_LATE;
}
