/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tally.h"

#include <string.h>

#define SUBBINS 128u                    /* bins for each power of two above SUBBINS */
#define SUBBITS 7u
#define RATE_TIMEOUT_USEC 1000000u      /* 1.4: "if no new stroke, rate = 0 after 1 s" */
#define TICKS_PER_MINUTE (60u * 1000000u / OMP_TICK_USEC)
/* The last-stroke time wraps after 6.55 s (1.4): the difference means nothing over longer intervals. */
#define LAST_STROKE_WRAP_USEC (UINT64_C(65536) * OMP_TICK_USEC)

static bool in_contact(const OmpLive *live) {
        return (live->flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
}

static bool knows_contact(const OmpLive *live) {
        return (live->flags & OMP_LIVE_CONTACT_MASK) >= OMP_LIVE_CONTACT_NO; /* contact 1 = as 0, unsupported (1.4) */
}

static void take_rate(Tally *t, const OmpLive *live, uint32_t grown, uint64_t since_usec) {
        if (grown > 0)
                t->no_stroke_usec = 0;
        else
                t->no_stroke_usec += since_usec;

        if (live->flags & OMP_LIVE_RATE) {
                t->rate_per_min = live->rate_per_min;
                t->has_rate = true;
                return;
        }

        if (grown > 0 && since_usec < LAST_STROKE_WRAP_USEC) {
                uint16_t ticks = (uint16_t) (live->last_stroke - t->last.last_stroke);

                if (ticks > 0) {
                        t->rate_per_min = (double) grown * TICKS_PER_MINUTE / ticks;
                        t->has_rate = true;
                }
        } else if (t->no_stroke_usec >= RATE_TIMEOUT_USEC) {
                t->rate_per_min = 0;
                t->has_rate = true;
        }
}

static void take_force(Tally *t, const OmpLive *live, uint64_t interval_usec) {
        if (live->force_peak_mn != OMP_FORCE_UNKNOWN &&
            (t->force_peak_mn == OMP_FORCE_UNKNOWN || live->force_peak_mn > t->force_peak_mn))
                t->force_peak_mn = live->force_peak_mn;

        t->force_mn = live->force_mean_mn;
        if (live->force_mean_mn == OMP_FORCE_UNKNOWN || !in_contact(live) || interval_usec == 0)
                return;

        t->force_sum += (double) live->force_mean_mn * (double) interval_usec;
        t->force_weight_usec += interval_usec;
        t->bins_usec[tally_bin(live->force_mean_mn)] += interval_usec;
}

/* Cumulative counters of the device, over a gap too; after a reboot they begin at 0 (1.1 Reboot). */
static void take_counters(Tally *t, const OmpLive *live, uint32_t grown, bool epoch, uint64_t interval_usec) {
        uint16_t both = live->flags & (epoch ? 0xffff : t->last.flags);

        t->strokes += grown;
        if (in_contact(live))
                t->contact_strokes += grown;

        if (both & OMP_LIVE_CONTACT_TIME)
                t->contact_usec += (uint64_t) (uint32_t) (live->contact_ms - (epoch ? 0 : t->last.contact_ms)) * 1000;
        else if (in_contact(live))
                t->contact_usec += interval_usec;
        if (both & OMP_LIVE_DISTANCE)
                t->distance_mm += (uint32_t) (live->distance_mm - (epoch ? 0 : t->last.distance_mm));
        if (both & OMP_LIVE_PASSES)
                t->passes += (uint16_t) (live->passes - (epoch ? 0 : t->last.passes));
}

static void take_states(Tally *t, const OmpLive *live, uint64_t interval_usec) {
        t->has_contact |= knows_contact(live) || live->flags & OMP_LIVE_CONTACT_TIME;
        t->has_distance |= (live->flags & OMP_LIVE_DISTANCE) != 0;
        t->has_passes |= (live->flags & OMP_LIVE_PASSES) != 0;

        if (live->flags & OMP_LIVE_DEPTH) {
                t->has_depth = true;
                t->depth_um = live->depth_um;
                if (live->depth_um > t->depth_max_um)
                        t->depth_max_um = live->depth_um;
        }

        if (live->flags & OMP_LIVE_OVERPRESSURE) {
                if (!t->started || !(t->last.flags & OMP_LIVE_OVERPRESSURE))
                        t->over_count++;
                t->over_usec += interval_usec;
        }
}

void tally_init(Tally *t) {
        memset(t, 0, sizeof(*t));
        t->force_mn = t->force_peak_mn = OMP_FORCE_UNKNOWN;
}

bool tally_live(Tally *t, const OmpLive *live, uint64_t tick, bool epoch, unsigned missing, bool resumed) {
        uint64_t since_usec = 0, interval_usec = t->interval_usec;
        uint32_t grown = 0;

        if (t->started) {
                /* "or when (s32)(new strokes − last strokes) < 0": a reboot that the tick alone does not show. */
                epoch = epoch || (int32_t) (live->strokes - t->last.strokes) < 0;
                grown = live->strokes - (epoch ? 0 : t->last.strokes);
                if (!epoch && tick > t->last_tick)
                        since_usec = (tick - t->last_tick) * OMP_TICK_USEC;
                if (!epoch && !resumed)
                        interval_usec = since_usec / (missing + 1);
        }

        if (t->started) {
                take_rate(t, live, grown, epoch ? interval_usec : since_usec);
                take_counters(t, live, grown, epoch, interval_usec);
        }
        take_force(t, live, interval_usec);
        take_states(t, live, interval_usec);

        t->started = true;
        t->last = *live;
        t->last_tick = tick;
        t->interval_usec = interval_usec;
        return grown > 0;
}

void tally_late_live(Tally *t, const OmpLive *live) {
        if (live->force_peak_mn != OMP_FORCE_UNKNOWN &&
            (t->force_peak_mn == OMP_FORCE_UNKNOWN || live->force_peak_mn > t->force_peak_mn))
                t->force_peak_mn = live->force_peak_mn;
}

void tally_gap(Tally *t, TallyStream stream, unsigned lost, uint64_t duration_usec) {
        t->gaps++;
        t->gap_usec += duration_usec;
        t->lost[stream] += lost;
        t->followed[stream] = true;
}

void tally_late(Tally *t, TallyStream stream) {
        if (t->lost[stream] > 0)
                t->lost[stream]--;
        t->late[stream]++;
}

/* Nearest rank: the smallest force such that at least 95 % of the time in contact was at or below it. */
static int p95(const Tally *t) {
        uint64_t sum = 0;

        for (unsigned bin = 0; bin < TALLY_BINS; bin++) {
                sum += t->bins_usec[bin];
                if (sum * 100 >= t->force_weight_usec * 95)
                        return tally_bin_force(bin);
        }

        return tally_bin_force(TALLY_BINS - 1);
}

static void force_figures(const Tally *t, Figures *ret) {
        if (t->force_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, FIGURE_FORCE, t->force_mn);
        if (t->force_peak_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, FIGURE_FORCE_PEAK, t->force_peak_mn);
        if (t->force_weight_usec > 0) {
                double mean = t->force_sum / (double) t->force_weight_usec;

                figures_set(ret, FIGURE_FORCE_MEAN, (int64_t) (mean < 0 ? mean - 0.5 : mean + 0.5));
                figures_set(ret, FIGURE_FORCE_P95, p95(t));
        }
}

static void loss_figures(const Tally *t, Figures *ret) {
        static const struct {
                TallyStream stream;
                Figure lost, late;
        } map[] = {
                { TALLY_LIVE, FIGURE_LOST_LIVE, FIGURE_LATE_LIVE },
                { TALLY_WAVEFORM, FIGURE_LOST_WAVEFORM, FIGURE_LATE_WAVEFORM },
                { TALLY_EVENT, FIGURE_LOST_EVENT, FIGURE_LATE_EVENT },
        };

        figures_set(ret, FIGURE_GAPS, (int64_t) t->gaps);
        figures_set(ret, FIGURE_GAP_TIME, (int64_t) t->gap_usec);
        for (unsigned i = 0; i < sizeof(map) / sizeof(map[0]); i++)
                if (t->followed[map[i].stream]) {
                        figures_set(ret, map[i].lost, (int64_t) t->lost[map[i].stream]);
                        figures_set(ret, map[i].late, (int64_t) t->late[map[i].stream]);
                }
}

void tally_figures(const Tally *t, const OmpFeature *feature, Figures *ret) {
        bool counts_strokes = !feature || feature->bits & OMP_FEATURE_STROKES;

        force_figures(t, ret);
        loss_figures(t, ret);
        if (!t->started)
                return;

        if (counts_strokes)
                figures_set(ret, FIGURE_STROKES, (int64_t) t->strokes);
        if (t->has_rate && (counts_strokes || t->last.flags & OMP_LIVE_RATE)) /* computed, or the device's own */
                figures_set_double(ret, FIGURE_STROKE_RATE, t->rate_per_min);
        if (t->has_contact)
                figures_set(ret, FIGURE_CONTACT_TIME, (int64_t) t->contact_usec);
        if (t->has_passes)
                figures_set(ret, FIGURE_PASSES, (int64_t) t->passes);
        if (t->has_distance)
                figures_set(ret, FIGURE_DISTANCE, (int64_t) t->distance_mm);
        if (t->has_depth) {
                figures_set(ret, FIGURE_DEPTH, t->depth_um);
                figures_set(ret, FIGURE_DEPTH_MAX, t->depth_max_um);
        }
        if (feature && feature->bits & OMP_FEATURE_OVERPRESSURE) {
                figures_set(ret, FIGURE_OVER_COUNT, t->over_count);
                figures_set(ret, FIGURE_OVER_TIME, (int64_t) t->over_usec);
        }
        /* Needles go in at each stroke only where a stroke is a needle extension: not on rollers (1.4). */
        if (feature && feature->needles > 0 && counts_strokes && t->has_contact && feature->kind != OMP_KIND_ROLLER)
                figures_set(ret, FIGURE_PUNCTURES, (int64_t) (t->contact_strokes * feature->needles));
}

unsigned tally_bin(int force_mn) {
        unsigned v = force_mn > 0 ? (unsigned) force_mn : 0, shift;

        if (v < SUBBINS)
                return v;

        shift = (31u - (unsigned) __builtin_clz(v)) - SUBBITS;
        return SUBBINS + shift * SUBBINS + ((v >> shift) - SUBBINS);
}

int tally_bin_force(unsigned bin) {
        unsigned shift;

        if (bin < SUBBINS)
                return (int) bin;

        shift = (bin - SUBBINS) / SUBBINS;
        return (int) (((((bin - SUBBINS) % SUBBINS) + SUBBINS + 1) << shift) - 1);
}
