/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is summed up over live values: of one area of the body, or of several put together. The whole session is the
 * sum of its areas, by construction. Bounded memory, pure. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/figures.h"
#include "needled/omp.h"

/* Forces from 0 to 32,767 mN in bins that are at most 1/64 of their value wide; a bin stands for its middle: the p95
 * is right within 0.8 %. */
#define SUMS_BINS 640u

typedef enum Zone {                     /* as in zone_time */
        ZONE_LOW,
        ZONE_GOOD,
        ZONE_HIGH,
        ZONE_OVER,
        _ZONE_MAX,
} Zone;

typedef struct Sums {
        bool touched;                   /* something was summed up */
        uint64_t strokes, contact_strokes;
        uint64_t contact_usec;
        uint64_t passes, distance_mm;
        int force_peak_mn;              /* OMP_FORCE_UNKNOWN until known */
        int64_t force_sum;              /* mN × ticks of 100 µs, in contact */
        uint64_t force_ticks;
        uint32_t bins[SUMS_BINS];       /* in ticks, in contact; a bin that is full (after 119 h) stays so */
        uint64_t zone_ticks[_ZONE_MAX]; /* in contact; all 0: there are no zones */
        unsigned over_count;
        uint64_t over_ticks;
        unsigned depth_max_um;          /* 0 not known */
} Sums;

void sums_init(Sums *s);
void sums_add(Sums *to, const Sums *from);
/* The figures of force and zones; what depends on more than the sums is the caller's (tally_figures). */
void sums_force_figures(const Sums *s, Figures *ret);

#define SUMS_SUBBITS 6u
#define SUMS_SUBBINS (1u << SUMS_SUBBITS) /* bins for each power of two above it */

/* The bin of a force, and the force that a bin stands for. */
static inline unsigned sums_bin(int force_mn) {
        unsigned v = force_mn > 0 ? (unsigned) force_mn : 0, shift;

        if (v < SUMS_SUBBINS)
                return v;

        shift = (31u - (unsigned) __builtin_clz(v)) - SUMS_SUBBITS;
        return shift * SUMS_SUBBINS + (v >> shift);
}

int sums_bin_force(unsigned bin);

/* The interval mean of a time in contact. */
static inline void sums_force(Sums *s, int force_mn, uint32_t ticks) {
        uint32_t *bin = &s->bins[sums_bin(force_mn)];

        s->force_sum += (int64_t) force_mn * ticks;
        s->force_ticks += ticks;
        if (__builtin_add_overflow(*bin, ticks, bin))
                *bin = UINT32_MAX;
}

static inline void sums_peak(Sums *s, int peak_mn) {
        if (peak_mn > s->force_peak_mn) /* OMP_FORCE_UNKNOWN is smaller than every force */
                s->force_peak_mn = peak_mn;
}
