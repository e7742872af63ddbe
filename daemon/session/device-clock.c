/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/device-clock.h"

#include <glib.h>
#include <string.h>

#include "needled/omp.h"

#define WINDOW_USEC ((uint64_t) DEVICE_CLOCK_BUCKETS * DEVICE_CLOCK_BUCKET_USEC)
#define DRIFT_MIN_USEC (30 * 1000000u)  /* two offsets closer than that say more about the link than about the clocks */
#define GOOD_VALUES 20u
#define GOOD_USEC (4 * 1000000u)
#define GOOD_SPREAD_USEC 20000
#define EARLY_MAX_USEC (2 * 1000000)
#define LATE_MAX_USEC (60 * 1000000)
#define STEP_USEC 1000                  /* towards the median, each time */
#define FIRST_STEPS 4u                  /* of 16, 8, 4 and 2 times that for so many values each */

/* No crystal is worse, and what jumps shall not carry far: 0.1 %. */
#define SLOPE_MAX 1e-3
/* Far beyond any device's life; below it no difference of times overflows. */
#define TICK_MAX ((uint64_t) INT64_MAX / 2 / OMP_TICK_USEC)

#define PAIRS_MAX (DEVICE_CLOCK_BUCKETS * (DEVICE_CLOCK_BUCKETS - 1) / 2)

static const char *const quality_names[_CLOCK_QUALITY_MAX] = {
        [CLOCK_QUALITY_NONE] = "none",
        [CLOCK_QUALITY_COARSE] = "coarse",
        [CLOCK_QUALITY_GOOD] = "good",
};

/* The i-th newest. */
static unsigned index_of(const DeviceClock *c, unsigned i) {
        return (c->at + DEVICE_CLOCK_BUCKETS - i) % DEVICE_CLOCK_BUCKETS;
}

static void begin_bucket(DeviceClock *c, uint64_t boottime_usec, int64_t offset_usec) {
        c->at = (c->at + 1) % DEVICE_CLOCK_BUCKETS;
        if (c->n < DEVICE_CLOCK_BUCKETS)
                c->n++;
        c->bucket[c->at].begin_usec = c->bucket[c->at].at_usec = boottime_usec;
        c->bucket[c->at].offset_usec = c->low_usec = offset_usec;
        c->until_usec = boottime_usec + DEVICE_CLOCK_BUCKET_USEC;
        c->floor_usec = c->n > 1 ? MIN(c->bucket[index_of(c, 1)].offset_usec, offset_usec) : offset_usec;

        while (c->n > 1 && boottime_usec - c->bucket[index_of(c, c->n - 1)].begin_usec > WINDOW_USEC)
                c->n--;
}

/* A step up or down, as the value came later than the median or not: half of them do, once it is found. */
static void take_spread(DeviceClock *c, int64_t late_usec, int64_t step_usec) {
        c->spread_usec = late_usec > c->spread_usec ? c->spread_usec + step_usec : MAX(c->spread_usec - step_usec, 0);
}

/* It lies within the newest bucket, is not the promptest of it, and the median has been found: nearly all do. */
static bool is_plain(const DeviceClock *c, uint64_t tick, uint64_t boottime_usec, int64_t offset_usec) {
        return tick <= TICK_MAX && c->pushed >= 4 * FIRST_STEPS &&
                boottime_usec < c->until_usec && offset_usec >= c->low_usec && offset_usec <= c->floor_usec + LATE_MAX_USEC;
}

static void count_value(DeviceClock *c, uint64_t boottime_usec) {
        c->pushed++;
        c->last_usec = boottime_usec;
}

static bool take_any(DeviceClock *c, uint64_t tick, uint64_t boottime_usec, int64_t offset_usec) {
        bool jumped = c->n > 0 && (offset_usec < c->floor_usec - EARLY_MAX_USEC || offset_usec > c->floor_usec + LATE_MAX_USEC);

        if (tick > TICK_MAX)
                return false;
        if (jumped)
                device_clock_reset(c);
        if (c->n == 0)
                c->first_usec = boottime_usec;
        if (c->n == 0 || boottime_usec >= c->until_usec)
                begin_bucket(c, boottime_usec, offset_usec);
        else if (offset_usec < c->low_usec) {
                c->bucket[c->at].offset_usec = c->low_usec = offset_usec;
                c->bucket[c->at].at_usec = boottime_usec;
                c->floor_usec = MIN(c->floor_usec, offset_usec);
        }

        take_spread(c, offset_usec - c->floor_usec,
                    c->pushed < 4 * FIRST_STEPS ? (STEP_USEC << 4) >> (c->pushed / FIRST_STEPS) : STEP_USEC);
        count_value(c, boottime_usec);
        return !jumped;
}

const char *clock_quality_name(ClockQuality quality) {
        return quality_names[quality];
}

void device_clock_reset(DeviceClock *c) {
        memset(c, 0, sizeof(*c));
}

bool device_clock_push(DeviceClock *c, uint64_t tick, uint64_t boottime_usec) {
        int64_t offset_usec = (int64_t) (boottime_usec - tick * OMP_TICK_USEC);

        if (G_UNLIKELY(!is_plain(c, tick, boottime_usec, offset_usec)))
                return take_any(c, tick, boottime_usec, offset_usec);

        take_spread(c, offset_usec - c->floor_usec, STEP_USEC);
        count_value(c, boottime_usec);
        return true;
}

/* How much the offset grows, in µs each µs: the median of the slopes between all buckets that are far enough apart
 * (Theil–Sen). */
static double slope(const DeviceClock *c) {
        double slopes[PAIRS_MAX];
        unsigned n = 0;

        for (unsigned i = 0; i < c->n; i++)
                for (unsigned j = i + 1; j < c->n; j++) {
                        unsigned a = index_of(c, j), b = index_of(c, i), at = n;
                        int64_t apart_usec = (int64_t) (c->bucket[b].at_usec - c->bucket[a].at_usec);
                        double s;

                        if (apart_usec < DRIFT_MIN_USEC)
                                continue;
                        s = (double) (c->bucket[b].offset_usec - c->bucket[a].offset_usec) / (double) apart_usec;
                        for (n++; at > 0 && slopes[at - 1] > s; at--)
                                slopes[at] = slopes[at - 1];
                        slopes[at] = s;
                }

        if (n == 0)
                return 0;
        return CLAMP((slopes[(n - 1) / 2] + slopes[n / 2]) / 2, -SLOPE_MAX, SLOPE_MAX);
}

/* The smallest offset, with all of them moved by the drift to one moment. */
static int64_t offset_at(const DeviceClock *c, uint64_t boottime_usec) {
        double s = slope(c);
        int64_t smallest_usec = INT64_MAX;

        for (unsigned i = 0; i < c->n; i++) {
                unsigned at = index_of(c, i);
                int64_t offset_usec = c->bucket[at].offset_usec +
                        (int64_t) (s * (double) (int64_t) (boottime_usec - c->bucket[at].at_usec));

                if (offset_usec < smallest_usec)
                        smallest_usec = offset_usec;
        }

        return smallest_usec;
}

bool device_clock_offset(const DeviceClock *c, int64_t *ret_usec) {
        if (device_clock_quality(c) == CLOCK_QUALITY_NONE)
                return false;

        *ret_usec = offset_at(c, c->last_usec);
        return true;
}

double device_clock_drift_ppm(const DeviceClock *c) {
        double s = slope(c);

        return s != 0 ? -s * 1e6 : 0;   /* a faster clock has more ticks: the offset shrinks */
}

ClockQuality device_clock_quality(const DeviceClock *c) {
        if (c->pushed == 0)
                return CLOCK_QUALITY_NONE;
        if (c->pushed >= GOOD_VALUES && c->last_usec >= c->first_usec + GOOD_USEC && c->spread_usec <= GOOD_SPREAD_USEC)
                return CLOCK_QUALITY_GOOD;

        return CLOCK_QUALITY_COARSE;
}

uint64_t device_clock_boottime(const DeviceClock *c, uint64_t tick) {
        int64_t usec;

        if (device_clock_quality(c) == CLOCK_QUALITY_NONE || tick > TICK_MAX)
                return 0;

        /* Near enough: by what the offset is now; then by what it was or will be there. */
        usec = (int64_t) (tick * OMP_TICK_USEC + (uint64_t) offset_at(c, c->last_usec));
        usec = (int64_t) (tick * OMP_TICK_USEC + (uint64_t) offset_at(c, usec > 0 ? (uint64_t) usec : 0));
        return usec > 0 ? (uint64_t) usec : 0;
}
