/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the profile's numbers mean over time: sequence numbers (loss, late arrivals, duplicates) and ticks (wraps, reboots).
 * Pure state; the caller passes the host's CLOCK_BOOTTIME in. */

#include <stdbool.h>
#include <stdint.h>

/* ---- Sequence numbers (1.1 Sequences) ---- */

typedef enum OmpArrival {
        OMP_ARRIVAL_FIRST,              /* the first since the reset sets the number */
        OMP_ARRIVAL_NEXT,
        OMP_ARRIVAL_GAP,                /* packets are missing before this one */
        OMP_ARRIVAL_LATE,               /* was counted missing, came after all */
        OMP_ARRIVAL_DUPLICATE,          /* had come already: to be ignored */
        OMP_ARRIVAL_RESTART,            /* the stream began again: a gap without a count */
} OmpArrival;

typedef struct OmpSequence {
        bool started;
        uint16_t expected;
        uint64_t seen;                  /* bit i: number expected − 1 − i has come */
} OmpSequence;

/* Forgets everything: before each subscription. */
void omp_sequence_reset(OmpSequence *s);
/* *ret_missing: packets newly missing (only with OMP_ARRIVAL_GAP, else 0). With OMP_ARRIVAL_LATE the caller takes one off its
 * count of the missing and adds one to the late. */
OmpArrival omp_sequence_push(OmpSequence *s, uint16_t sequence, unsigned *ret_missing);
/* Takes it if it is the next, as nearly all are; false: nothing was done. */
static inline bool omp_sequence_push_next(OmpSequence *s, uint16_t sequence) {
        if (!s->started || sequence != s->expected)
                return false;

        s->expected = (uint16_t) (sequence + 1u);
        s->seen = s->seen << 1 | 1;
        return true;
}

/* ---- Ticks (1.1 Tick, Reboot) ---- */

typedef struct OmpTick {
        bool started;
        uint64_t tick;                  /* the newest, extended to 64 bits */
        uint64_t boottime_usec;         /* of the host, when it came */
} OmpTick;

/* Extends a tick to 64 bits, modulo 2³² towards its prediction from the host's clock. Returns true if the device has rebooted in
 * between, which is a new epoch: off by more than 2 s + 100 ppm of the time away, or away for more than 4 days. *ret is then the tick
 * itself. A late packet extends backwards and moves nothing. */
bool omp_tick_extend(OmpTick *t, uint32_t tick, uint64_t boottime_usec, uint64_t *ret);

/* The same while the link holds: a device that had rebooted would have lost it, so a tick that seems to be off is one that was held up on
 * its way (a host that was stopped finds the packets of before in the socket), never a new epoch. */
static inline uint64_t omp_tick_continue(OmpTick *t, uint32_t tick, uint64_t boottime_usec) {
        int64_t extended = t->started ? (int64_t) t->tick + (int32_t) (tick - (uint32_t) t->tick) : tick;

        if (extended < 0)
                return 0;
        if (!t->started || (uint64_t) extended > t->tick)
                *t = (OmpTick) { .started = true, .tick = (uint64_t) extended, .boottime_usec = boottime_usec };

        return (uint64_t) extended;
}
