/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/sums.h"

#include <string.h>

#define SUBBITS 6u
#define SUBBINS (1u << SUBBITS)         /* bins for each power of two above SUBBINS */

_Static_assert(SUMS_BINS == (16 - SUBBITS) * SUBBINS, "bins up to INT16_MAX");

void sums_init(Sums *s) {
        memset(s, 0, sizeof(*s));
        s->force_peak_mn = OMP_FORCE_UNKNOWN;
}

void sums_force(Sums *s, int force_mn, uint32_t ticks) {
        uint32_t *bin = &s->bins[sums_bin(force_mn)];

        s->force_sum += (int64_t) force_mn * ticks;
        s->force_ticks += ticks;
        if (__builtin_add_overflow(*bin, ticks, bin))
                *bin = UINT32_MAX;
}

void sums_peak(Sums *s, int peak_mn) {
        /* OMP_FORCE_UNKNOWN is smaller than every force. */
        if (peak_mn > s->force_peak_mn)
                s->force_peak_mn = peak_mn;
}

void sums_add(Sums *to, const Sums *from) {
        to->touched |= from->touched;
        to->has_zones |= from->has_zones;
        to->has_over |= from->has_over;
        to->strokes += from->strokes;
        to->contact_strokes += from->contact_strokes;
        to->contact_usec += from->contact_usec;
        to->passes += from->passes;
        to->distance_mm += from->distance_mm;
        sums_peak(to, from->force_peak_mn);
        to->force_sum += from->force_sum;
        to->force_ticks += from->force_ticks;
        for (unsigned i = 0; i < SUMS_BINS; i++)
                if (__builtin_add_overflow(to->bins[i], from->bins[i], &to->bins[i]))
                        to->bins[i] = UINT32_MAX;
        for (int i = 0; i < _ZONE_MAX; i++)
                to->zone_ticks[i] += from->zone_ticks[i];
        to->over_count += from->over_count;
        to->over_ticks += from->over_ticks;
        if (from->depth_max_um > to->depth_max_um)
                to->depth_max_um = from->depth_max_um;
}

/* Nearest rank: the smallest force such that at least 95 % of the time in contact was at or below it. */
static int p95(const Sums *s) {
        uint64_t all = 0, sum = 0;
        unsigned bin = 0;

        for (unsigned i = 0; i < SUMS_BINS; i++)
                all += s->bins[i];
        for (; bin < SUMS_BINS - 1; bin++) {
                sum += s->bins[bin];
                if (sum * 100 >= all * 95)
                        break;
        }

        return sums_bin_force(bin);
}

static int64_t rounded_mean(int64_t sum, int64_t n) {
        return (sum < 0 ? sum - n / 2 : sum + n / 2) / n;
}

void sums_force_figures(const Sums *s, Figures *ret) {
        if (s->force_peak_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, FIGURE_FORCE_PEAK, s->force_peak_mn);
        if (s->force_ticks > 0) {
                figures_set(ret, FIGURE_FORCE_MEAN, rounded_mean(s->force_sum, (int64_t) s->force_ticks));
                figures_set(ret, FIGURE_FORCE_P95, p95(s));
        }

        if (s->has_zones)
                for (int zone = 0; zone < _ZONE_MAX; zone++)
                        figures_set(ret, (Figure) (FIGURE_ZONE_LOW + zone), (int64_t) (s->zone_ticks[zone] * OMP_TICK_USEC));
        if (s->has_over) {
                figures_set(ret, FIGURE_OVER_COUNT, s->over_count);
                figures_set(ret, FIGURE_OVER_TIME, (int64_t) (s->over_ticks * OMP_TICK_USEC));
        }
}

unsigned sums_bin(int force_mn) {
        unsigned v = force_mn > 0 ? (unsigned) force_mn : 0, shift;

        if (v < SUBBINS)
                return v;

        shift = (31u - (unsigned) __builtin_clz(v)) - SUBBITS;
        return SUBBINS + shift * SUBBINS + ((v >> shift) - SUBBINS);
}

int sums_bin_force(unsigned bin) {
        unsigned shift;

        if (bin < SUBBINS)
                return (int) bin;

        shift = (bin - SUBBINS) / SUBBINS;
        return (int) ((((bin - SUBBINS) % SUBBINS + SUBBINS) << shift) + ((1u << shift) - 1) / 2);
}
