/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/sums.h"

#include <string.h>

_Static_assert(SUMS_BINS == (16 - SUMS_SUBBITS) * SUMS_SUBBINS, "bins up to INT16_MAX");

void sums_init(Sums *s) {
        memset(s, 0, sizeof(*s));
        s->force_peak_mn = OMP_FORCE_UNKNOWN;
}

void sums_add(Sums *to, const Sums *from) {
        to->touched |= from->touched;
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
        uint64_t zones_ticks = 0;

        if (s->force_peak_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, FIGURE_FORCE_PEAK, s->force_peak_mn);
        if (s->force_ticks > 0) {
                figures_set(ret, FIGURE_FORCE_MEAN, rounded_mean(s->force_sum, (int64_t) s->force_ticks));
                figures_set(ret, FIGURE_FORCE_P95, p95(s));
        }

        for (int zone = 0; zone < _ZONE_MAX; zone++)
                zones_ticks += s->zone_ticks[zone];
        for (int zone = 0; zone < _ZONE_MAX && zones_ticks > 0; zone++)
                figures_set(ret, (Figure) (FIGURE_ZONE_LOW + zone), (int64_t) (s->zone_ticks[zone] * OMP_TICK_USEC));
}

int sums_bin_force(unsigned bin) {
        unsigned shift;

        if (bin < SUMS_SUBBINS)
                return (int) bin;

        shift = (bin - SUMS_SUBBINS) / SUMS_SUBBINS;
        return (int) ((((bin - SUMS_SUBBINS) % SUMS_SUBBINS + SUMS_SUBBINS) << shift) + ((1u << shift) - 1) / 2);
}
