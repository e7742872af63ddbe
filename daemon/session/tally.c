/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tally.h"

#include <glib.h>
#include <string.h>

#define TICKS_PER_SEC (1000000u / OMP_TICK_USEC)
#define TICKS_PER_MINUTE (60u * TICKS_PER_SEC)
#define RATE_TIMEOUT_TICKS TICKS_PER_SEC /* 1.4: "if no new stroke, rate = 0 after 1 s" */
/* The last-stroke time wraps after 6.55 s (1.4): the difference means nothing over longer intervals. */
#define LAST_STROKE_WRAP_TICKS 65536u

static bool in_contact(const OmpLive *live) {
        return (live->flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
}

/* Of the two contact bits the higher one stands in "no" and "yes", and not in 0 and 1, unsupported (1.4). */
static bool knows_contact(const OmpLive *live) {
        return live->flags & OMP_LIVE_CONTACT_NO;
}

G_STATIC_ASSERT((OMP_LIVE_CONTACT_YES & OMP_LIVE_CONTACT_NO) == OMP_LIVE_CONTACT_NO);

static void set_rate(Tally *t, uint32_t strokes, uint32_t ticks) {
        t->has_rate = true;
        t->rate_strokes = strokes;
        t->rate_ticks = ticks;
}

static void take_rate(Tally *t, const OmpLive *live, uint32_t grown, uint64_t since_ticks) {
        if (grown > 0)
                t->no_stroke_ticks = 0;
        else
                t->no_stroke_ticks += since_ticks;

        if (live->flags & OMP_LIVE_RATE)
                set_rate(t, live->rate_per_min, TICKS_PER_MINUTE);
        else if (grown > 0 && since_ticks < LAST_STROKE_WRAP_TICKS) {
                uint16_t ticks = (uint16_t) (live->last_stroke - t->last.last_stroke);

                if (ticks > 0)
                        set_rate(t, grown, ticks);
        } else if (t->no_stroke_ticks >= RATE_TIMEOUT_TICKS)
                set_rate(t, 0, TICKS_PER_MINUTE);
}

static Zone zone_of(const NoteLimits *limits, int force_mn) {
        if (force_mn >= limits->overpressure_mn)
                return ZONE_OVER;
        if (force_mn >= limits->zone_high_mn)
                return ZONE_HIGH;

        return force_mn >= limits->zone_low_mn ? ZONE_GOOD : ZONE_LOW;
}

static void take_force(Tally *t, const OmpLive *live, bool contact, uint32_t interval_ticks) {
        Sums *s = t->sums;
        int mean_mn = live->force_mean_mn;

        sums_peak(s, live->force_peak_mn);
        if (mean_mn == OMP_FORCE_UNKNOWN || !contact || interval_ticks == 0)
                return;

        sums_force(s, mean_mn, interval_ticks);
        if (t->has_limits)
                s->zone_ticks[zone_of(&t->limits, mean_mn)] += interval_ticks;
}

/* Of a counter that wraps: one that ran backwards has not grown. */
static uint32_t forward(uint32_t growth, uint32_t most) {
        return growth <= most ? growth : 0;
}

/* Cumulative counters of the device, over a gap too; after a reboot they begin at 0 (1.1 Reboot). */
static void take_counters(Tally *t, const OmpLive *live, bool contact, uint32_t grown, bool epoch, uint32_t interval_ticks) {
        unsigned both = live->flags & (OMP_LIVE_CONTACT_TIME | OMP_LIVE_DISTANCE | OMP_LIVE_PASSES);
        Sums *s = t->sums;

        if (!epoch)
                both &= t->last.flags;
        s->strokes += grown;
        if (contact) {
                s->contact_strokes += grown;
                if (!(both & OMP_LIVE_CONTACT_TIME))
                        s->contact_usec += (uint64_t) interval_ticks * OMP_TICK_USEC;
        }
        if (both == 0)
                return;

        if (both & OMP_LIVE_CONTACT_TIME)
                s->contact_usec += (uint64_t) (epoch ? live->contact_ms : forward(live->contact_ms - t->last.contact_ms, INT32_MAX)) * 1000;
        if (both & OMP_LIVE_DISTANCE)
                s->distance_mm += epoch ? live->distance_mm : forward(live->distance_mm - t->last.distance_mm, INT32_MAX);
        if (both & OMP_LIVE_PASSES)
                s->passes += epoch ? live->passes : forward((uint16_t) (live->passes - t->last.passes), INT16_MAX);
}

static void take_states(Tally *t, const OmpLive *live) {
        t->seen |= live->flags;
        if (live->flags & OMP_LIVE_DEPTH) {
                t->depth_um = live->depth_um;
                if (live->depth_um > t->sums->depth_max_um)
                        t->sums->depth_max_um = live->depth_um;
        }
}

/* Of a device that detects overpressure: its flag. Of one that does not: by the interval's mean, as the zones go,
 * since the peak of a single stroke says little; from the limit on until it has fallen by the hysteresis or contact
 * ends. Without a force all stays as it was. */
static bool is_over(const Tally *t, const OmpLive *live, bool contact) {
        int64_t limit_mn = t->limits.overpressure_mn;

        if (t->tells_over || !t->has_limits)
                return live->flags & OMP_LIVE_OVERPRESSURE;
        if (!contact && knows_contact(live))
                return false;
        if (live->force_mean_mn == OMP_FORCE_UNKNOWN)
                return t->over;

        return live->force_mean_mn >= (t->over ? limit_mn - t->limits.hysteresis_mn : limit_mn);
}

static void take_over(Tally *t, bool over, uint64_t tick, uint32_t interval_ticks, bool hole) {
        unsigned shown = 0;

        if (over) {
                if (!t->over) {
                        shown = 1;
                        t->sums->over_count++;
                        t->over_from_tick = t->started ? t->last_tick : tick;
                }
                t->sums->over_ticks += interval_ticks;
                t->over_to_tick = tick;
        }
        if (hole && t->over_events > shown)
                t->sums->over_count += t->over_events - shown;

        t->over = over;
        t->over_events = 0;
}

static uint32_t interval_of(uint64_t since_ticks, unsigned missing) {
        if (G_UNLIKELY(missing > 0))
                since_ticks /= missing + UINT64_C(1);

        return (uint32_t) MIN(since_ticks, UINT32_MAX);
}

/* Between the value before this one and this one others were lost, or it cannot be known. */
static void take_hole(Tally *t, uint64_t tick, bool epoch) {
        t->hole_from_tick = epoch ? 0 : t->last_tick;
        t->hole_to_tick = tick;
        if (epoch)
                t->over_from_tick = t->over_to_tick = 0;
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

static bool counts_strokes(const OmpFeature *feature) {
        return !feature || feature->bits & OMP_FEATURE_STROKES;
}

/* What an area has as well as the whole. */
static void sums_figures(const Tally *t, const Sums *s, const OmpFeature *feature, Figures *ret) {
        if (!s->touched)
                return;

        sums_force_figures(s, ret);
        if (t->tells_over || (t->has_limits && (s->force_ticks > 0 || s->force_peak_mn != OMP_FORCE_UNKNOWN))) {
                figures_set(ret, FIGURE_OVER_COUNT, s->over_count);
                figures_set(ret, FIGURE_OVER_TIME, (int64_t) (s->over_ticks * OMP_TICK_USEC));
        }
        if (counts_strokes(feature))
                figures_set(ret, FIGURE_STROKES, (int64_t) s->strokes);
        if (tally_has_contact(t))
                figures_set(ret, FIGURE_CONTACT_TIME, (int64_t) s->contact_usec);
        if (t->seen & OMP_LIVE_PASSES)
                figures_set(ret, FIGURE_PASSES, (int64_t) s->passes);
        if (t->seen & OMP_LIVE_DISTANCE)
                figures_set(ret, FIGURE_DISTANCE, (int64_t) s->distance_mm);
        if (s->depth_max_um > 0)
                figures_set(ret, FIGURE_DEPTH_MAX, s->depth_max_um);
        /* Needles go in at each stroke only where a stroke is a needle extension: not on rollers (1.4). */
        if (feature && feature->needles > 0 && counts_strokes(feature) && tally_has_contact(t) && feature->kind != OMP_KIND_ROLLER)
                figures_set(ret, FIGURE_PUNCTURES, (int64_t) (s->contact_strokes * feature->needles));
}

void tally_init(Tally *t) {
        memset(t, 0, sizeof(*t));
        areas_init(&t->areas);
        t->sums = areas_get(&t->areas, 0);
        t->last.force_mean_mn = OMP_FORCE_UNKNOWN;
        t->rate_ticks = TICKS_PER_MINUTE;
}

void tally_clear(Tally *t) {
        areas_clear(&t->areas);
        t->sums = NULL;
}

void tally_set_area(Tally *t, uint8_t area) {
        if (area == t->area)
                return;

        t->area = area;
        t->sums = areas_get(&t->areas, area);
}

void tally_set_limits(Tally *t, const NoteLimits *limits) {
        t->limits = *limits;
        t->has_limits = true;
}

void tally_set_feature(Tally *t, const OmpFeature *feature) {
        t->tells_over = feature->bits & OMP_FEATURE_OVERPRESSURE;
}

bool tally_live(Tally *t, const OmpLive *live, uint64_t tick, bool epoch, unsigned missing, bool resumed) {
        bool contact = in_contact(live), hole = false, over;
        uint32_t interval_ticks = t->interval_ticks, grown = 0;

        if (t->started) {
                uint64_t since_ticks = tick > t->last_tick ? tick - t->last_tick : 0;

                grown = live->strokes - t->last.strokes;
                /* "or when (s32)(new strokes − last strokes) < 0": a reboot that the tick alone does not show. */
                epoch |= (int32_t) grown < 0;
                hole = missing > 0 || resumed || epoch;
                if (G_UNLIKELY(hole))
                        take_hole(t, tick, epoch);
                if (!epoch && !resumed)
                        interval_ticks = interval_of(since_ticks, missing);

                take_rate(t, live, epoch ? 0 : grown, epoch ? interval_ticks : since_ticks);
                if (epoch)
                        grown = live->strokes;
                take_counters(t, live, contact, grown, epoch, interval_ticks);
        }
        take_force(t, live, contact, interval_ticks);
        take_states(t, live);
        over = is_over(t, live, contact);
        if (G_UNLIKELY(over || t->over || t->over_events > 0))
                take_over(t, over, tick, interval_ticks, hole);

        t->sums->touched = true;
        t->started = true;
        t->last = *live;
        t->last_tick = tick;
        t->interval_ticks = interval_ticks;
        return grown > 0;
}

void tally_late_live(Tally *t, const OmpLive *live) {
        sums_peak(t->sums, live->force_peak_mn);
}

void tally_over_event(Tally *t, uint64_t tick) {
        if (!t->started || !t->tells_over)
                return;

        /* The value that shows it, or its loss, comes before the event or after it: they are not ordered with each other. */
        if (tick > t->last_tick)
                t->over_events++;
        else if (tick > t->hole_from_tick && tick <= t->hole_to_tick &&
                 !(tick > t->over_from_tick && tick <= t->over_to_tick))
                t->sums->over_count++;
}

void tally_gap(Tally *t, TallyStream stream, unsigned lost, uint64_t duration_usec) {
        t->gaps++;
        t->gap_usec += duration_usec;
        t->lost[stream] += lost;
        t->followed[stream] = true;
}

void tally_no_gap(Tally *t, uint64_t duration_usec) {
        t->gaps--;
        t->gap_usec -= duration_usec;
}

void tally_late(Tally *t, TallyStream stream) {
        if (t->lost[stream] > 0)
                t->lost[stream]--;
        t->late[stream]++;
}

uint64_t tally_strokes(const Tally *t) {
        uint64_t strokes = 0;

        for (unsigned i = 0; i < t->areas.n; i++)
                strokes += t->areas.of[i].sums->strokes;

        return strokes;
}

double tally_rate(const Tally *t) {
        /* NOLINTNEXTLINE(bugprone-integer-division): a second is a whole number of ticks */
        return (double) t->rate_strokes * TICKS_PER_MINUTE / t->rate_ticks;
}

void tally_figures(const Tally *t, const OmpFeature *feature, Figures *ret) {
        Sums total;

        areas_total(&t->areas, &total);
        sums_figures(t, &total, feature, ret);
        loss_figures(t, ret);
        if (t->last.force_mean_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, FIGURE_FORCE, t->last.force_mean_mn);
        if (t->has_rate && (counts_strokes(feature) || t->last.flags & OMP_LIVE_RATE)) /* computed, or the device's own */
                figures_set_double(ret, FIGURE_STROKE_RATE, tally_rate(t));
        if (t->seen & OMP_LIVE_DEPTH) {
                figures_set(ret, FIGURE_DEPTH, t->depth_um);
                figures_set(ret, FIGURE_DEPTH_MAX, total.depth_max_um);
        }
}

bool tally_area_figures(const Tally *t, const OmpFeature *feature, unsigned i, uint8_t *ret_area, Figures *ret) {
        if (i >= t->areas.n)
                return false;

        *ret_area = t->areas.of[i].area;
        *ret = (Figures) { 0 };
        sums_figures(t, t->areas.of[i].sums, feature, ret);
        return true;
}
