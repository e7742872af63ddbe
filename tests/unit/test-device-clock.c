/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <math.h>

#include "needled/omp.h"
#include "session/device-clock.h"

#define MSEC 1000
#define SEC (1000 * MSEC)
#define BOOT (5000 * (uint64_t) SEC)    /* the host's clock when the device's began */

/* A device whose clock runs `ppm` too fast, with a value each 100 ms. */
typedef struct Device {
        DeviceClock clock;
        double ppm;
        uint64_t now_usec;              /* since it began */
        uint32_t random;                /* a generator that gives the same on every machine */
} Device;

static uint64_t tick_of(const Device *d, uint64_t usec) {
        return (uint64_t) ((double) usec * (1 + d->ppm / 1e6) / OMP_TICK_USEC + 0.5);
}

static int random_until(Device *d, int end) {
        d->random = d->random * 1664525u + 1013904223u;
        return (int) ((uint64_t) d->random * (unsigned) end >> 32);
}

static void arrives(Device *d, uint64_t late_usec) {
        (void) device_clock_push(&d->clock, tick_of(d, d->now_usec), BOOT + d->now_usec + late_usec);
        d->now_usec += 100 * MSEC;
}

/* Each value is late by something from `least` up to `least` + `jitter`. */
static void runs(Device *d, unsigned seconds, int least_usec, int jitter_usec) {
        for (unsigned i = 0; i < 10 * seconds; i++)
                arrives(d, (uint64_t) (least_usec + (jitter_usec > 0 ? random_until(d, jitter_usec) : 0)));
}

static int64_t offset(const Device *d) {
        int64_t usec;

        g_assert_true(device_clock_offset(&d->clock, &usec));
        return usec;
}

static void assert_near(int64_t a, int64_t b, int64_t within) {
        if (ABS(a - b) > within)
                g_error("%" G_GINT64_FORMAT " is not within %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT, a, within, b);
}

static void test_without_ticks_there_is_no_clock(void) {
        DeviceClock c;
        int64_t usec = 7;

        device_clock_reset(&c);
        g_assert_false(device_clock_offset(&c, &usec));
        g_assert_cmpint(usec, ==, 7);
        g_assert_cmpint(device_clock_quality(&c), ==, CLOCK_QUALITY_NONE);
        g_assert_cmpuint(device_clock_boottime(&c, 1000), ==, 0);
        g_assert_cmpfloat(device_clock_drift_ppm(&c), ==, 0);
        g_assert_cmpstr(clock_quality_name(CLOCK_QUALITY_NONE), ==, "none");
        g_assert_cmpstr(clock_quality_name(CLOCK_QUALITY_COARSE), ==, "coarse");
        g_assert_cmpstr(clock_quality_name(CLOCK_QUALITY_GOOD), ==, "good");
}

static void test_the_offset_is_that_of_the_promptest(void) {
        Device d = { .random = 1 };

        arrives(&d, 30 * MSEC);
        g_assert_cmpint(offset(&d), ==, (int64_t) BOOT + 30 * MSEC);
        arrives(&d, 4 * MSEC);
        g_assert_cmpint(offset(&d), ==, (int64_t) BOOT + 4 * MSEC);
        arrives(&d, 50 * MSEC);
        g_assert_cmpint(offset(&d), ==, (int64_t) BOOT + 4 * MSEC);
        g_assert_cmpuint(device_clock_boottime(&d.clock, 12345), ==, BOOT + 4 * MSEC + 12345 * OMP_TICK_USEC);
}

static void test_jitter_hardly_moves_it(void) {
        for (uint32_t seed = 0; seed < 50; seed++) {
                Device d = { .random = seed };

                runs(&d, 60, 3 * MSEC, 30 * MSEC);
                assert_near(offset(&d), (int64_t) BOOT + 3 * MSEC, 5 * MSEC);
        }
}

/* "Good when at least 20 values have come over at least 4 s, and the spread is at most 20 ms". */
static void test_quality_of_a_quiet_link(void) {
        Device d = { 0 };

        runs(&d, 4, 5 * MSEC, 0);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_COARSE);
        arrives(&d, 5 * MSEC);          /* the 41st, 4 s after the first */
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_GOOD);
}

static void test_few_values_are_coarse_however_long_they_take(void) {
        DeviceClock c;

        device_clock_reset(&c);
        for (uint64_t i = 0; i < 19; i++)
                (void) device_clock_push(&c, i * 10000, BOOT + i * SEC);
        g_assert_cmpint(device_clock_quality(&c), ==, CLOCK_QUALITY_COARSE);
        (void) device_clock_push(&c, 190000, BOOT + 19 * (uint64_t) SEC);
        g_assert_cmpint(device_clock_quality(&c), ==, CLOCK_QUALITY_GOOD);
}

static void test_quality_follows_the_spread(void) {
        Device d = { .random = 3 };

        runs(&d, 20, 2 * MSEC, 20 * MSEC);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_GOOD);
        runs(&d, 60, 2 * MSEC, 150 * MSEC);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_COARSE);
        runs(&d, 60, 2 * MSEC, 20 * MSEC);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_GOOD);
}

static void test_drift_is_found_within_20_ppm_in_a_minute(void) {
        static const double ppm[] = { -100, -40, 0, 40, 100 };

        for (unsigned i = 0; i < G_N_ELEMENTS(ppm); i++)
                for (uint32_t seed = 0; seed < 50; seed++) {
                        Device d = { .ppm = ppm[i], .random = seed };

                        runs(&d, 60, 4 * MSEC, 15 * MSEC);
                        g_assert_cmpfloat_with_epsilon(device_clock_drift_ppm(&d.clock), ppm[i], 20);
                }
}

static void test_drift_is_not_told_from_half_a_minute(void) {
        Device d = { .ppm = 100, .random = 1 };

        runs(&d, 29, 4 * MSEC, 15 * MSEC);
        g_assert_cmpfloat(device_clock_drift_ppm(&d.clock), ==, 0);
}

/* 100 ppm are 6 ms a minute: after an hour the offset is still the one of now. */
static void test_the_offset_follows_the_drift(void) {
        Device d = { .ppm = -100, .random = 5 };
        int64_t now_usec, then_usec;

        runs(&d, 3600, 4 * MSEC, 10 * MSEC);
        then_usec = (int64_t) (BOOT + d.now_usec);
        now_usec = (int64_t) device_clock_boottime(&d.clock, tick_of(&d, d.now_usec));
        assert_near(now_usec, then_usec + 4 * MSEC, 2 * MSEC);
        assert_near(offset(&d), then_usec + 4 * MSEC - (int64_t) tick_of(&d, d.now_usec) * OMP_TICK_USEC, 2 * MSEC);
}

/* The link stood still for 5 s, then all came at once. */
static void test_a_burst_held_up_does_not_bend_it(void) {
        Device d = { .ppm = 40, .random = 7 };
        double drift;
        int64_t before, expected;

        runs(&d, 60, 4 * MSEC, 10 * MSEC);
        before = offset(&d);
        drift = device_clock_drift_ppm(&d.clock);
        for (unsigned i = 0; i < 50; i++)
                arrives(&d, 5 * SEC - i * 100 * MSEC);
        assert_near(offset(&d), before, 2 * MSEC);
        g_assert_cmpfloat_with_epsilon(device_clock_drift_ppm(&d.clock), drift, 10);

        runs(&d, 20, 4 * MSEC, 10 * MSEC);
        expected = (int64_t) (BOOT + d.now_usec) + 4 * MSEC - (int64_t) tick_of(&d, d.now_usec) * OMP_TICK_USEC;
        assert_near(offset(&d), expected, 3 * MSEC);
        g_assert_cmpfloat_with_epsilon(device_clock_drift_ppm(&d.clock), 40, 20);
}

/* What was before is of another window: the offset is that of the values since. */
static void test_after_a_long_silence_the_window_begins_anew(void) {
        Device d = { .ppm = -100, .random = 9 };

        runs(&d, 60, 4 * MSEC, 0);
        d.now_usec += UINT64_C(3600) * SEC;
        arrives(&d, 4 * MSEC);
        g_assert_cmpuint(d.clock.n, ==, 1);
        assert_near((int64_t) device_clock_boottime(&d.clock, tick_of(&d, d.now_usec)), (int64_t) (BOOT + d.now_usec) + 4 * MSEC,
                    MSEC);
}

static void test_a_reboot_is_another_clock(void) {
        Device d = { 0 };

        runs(&d, 30, 4 * MSEC, 0);
        device_clock_reset(&d.clock);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_NONE);
        (void) device_clock_push(&d.clock, 100, BOOT + 40 * (uint64_t) SEC);
        g_assert_cmpint(offset(&d), ==, (int64_t) BOOT + 40 * SEC - 100 * OMP_TICK_USEC);
        g_assert_cmpint(device_clock_quality(&d.clock), ==, CLOCK_QUALITY_COARSE);
}

/* "No link does that": 2 s ahead, a minute behind. What was before says nothing about the ticks since. */
static void test_a_jump_of_the_ticks_is_another_clock(void) {
        static const struct { int64_t by_usec; bool good; } jumps[] = {
                { 1900 * MSEC, true }, { 2100 * MSEC, false }, { INT64_C(86400) * SEC, false },
                { -59 * SEC, true }, { -61 * SEC, false }, { INT64_C(-86400) * SEC, false },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(jumps); i++) {
                Device d = { .now_usec = UINT64_C(200000) * SEC };

                runs(&d, 30, 4 * MSEC, 0);
                g_assert_true(device_clock_push(&d.clock, (d.now_usec + (uint64_t) jumps[i].by_usec) / OMP_TICK_USEC,
                                                BOOT + d.now_usec) == jumps[i].good);
                g_assert_cmpuint(d.clock.pushed, ==, jumps[i].good ? 301 : 1);
        }
}

/* To the microsecond: 4 s, 2 s ahead, a minute behind. */
static void test_limits_are_kept(void) {
        static const struct { int64_t late_usec; bool good; } edges[] = {
                { -2 * SEC, true }, { -2 * SEC - 1, false }, { INT64_C(60) * SEC, true }, { INT64_C(60) * SEC + 1, false },
        };
        DeviceClock c;

        device_clock_reset(&c);
        for (uint64_t i = 0; i < 20; i++)
                (void) device_clock_push(&c, i * 1000, BOOT + i * 100 * MSEC);
        (void) device_clock_push(&c, 39999, BOOT + 4 * SEC - 1);
        g_assert_cmpint(device_clock_quality(&c), ==, CLOCK_QUALITY_COARSE);
        (void) device_clock_push(&c, 40000, BOOT + 4 * SEC);
        g_assert_cmpint(device_clock_quality(&c), ==, CLOCK_QUALITY_GOOD);

        for (unsigned i = 0; i < G_N_ELEMENTS(edges); i++) {
                device_clock_reset(&c);
                for (uint64_t k = 0; k < 20; k++)
                        (void) device_clock_push(&c, 1000000 + k, BOOT + k * OMP_TICK_USEC);
                g_assert_cmpint(device_clock_push(&c, 1000000, BOOT + (uint64_t) edges[i].late_usec), ==, edges[i].good);
        }
}

/* What is promptest is looked for in the bucket before too. */
static void test_a_jump_beside_a_late_bucket(void) {
        DeviceClock c;

        device_clock_reset(&c);
        g_assert_true(device_clock_push(&c, 0, BOOT));
        g_assert_true(device_clock_push(&c, DEVICE_CLOCK_BUCKET_USEC / OMP_TICK_USEC, BOOT + DEVICE_CLOCK_BUCKET_USEC + 58 * SEC));
        g_assert_cmpuint(c.n, ==, 2);
        g_assert_true(device_clock_push(&c, DEVICE_CLOCK_BUCKET_USEC / OMP_TICK_USEC, BOOT + DEVICE_CLOCK_BUCKET_USEC + 59 * SEC));
        g_assert_false(device_clock_push(&c, DEVICE_CLOCK_BUCKET_USEC / OMP_TICK_USEC, BOOT + DEVICE_CLOCK_BUCKET_USEC + 61 * SEC));
}

/* 16, 8, 4 and 2 ms for four values each, then 1 ms: as far as that from 0 to where half of the values lie. */
static void test_steps_towards_the_spread(void) {
        static const int expected_msec[] = { 0, 16, 32, 48, 56, 64, 72, 80, 84, 88, 92, 96, 98, 100, 102, 104, 105, 106, 107 };
        DeviceClock c;

        device_clock_reset(&c);
        for (unsigned i = 0; i < G_N_ELEMENTS(expected_msec); i++) {
                (void) device_clock_push(&c, 1000, BOOT + (i > 0 ? 1000 * MSEC : 0));
                g_assert_cmpint(c.spread_usec, ==, expected_msec[i] * MSEC);
        }
        (void) device_clock_push(&c, 1000, BOOT + 107 * MSEC);
        g_assert_cmpint(c.spread_usec, ==, 106 * MSEC);
        (void) device_clock_push(&c, 1000, BOOT + 106 * MSEC + 1);
        g_assert_cmpint(c.spread_usec, ==, 107 * MSEC);
}

/* The slope in the middle, or between the two in the middle; only what is 30 s apart counts. */
static void test_drift_is_the_median(void) {
        DeviceClock c;

        device_clock_reset(&c);
        (void) device_clock_push(&c, 0, BOOT);
        (void) device_clock_push(&c, 299999, BOOT + 30 * SEC - 1);
        g_assert_cmpfloat(device_clock_drift_ppm(&c), ==, 0);

        device_clock_reset(&c);         /* -100, 0 and -50 ppm */
        (void) device_clock_push(&c, 0, BOOT);
        (void) device_clock_push(&c, 310000, BOOT + 31 * SEC + 3100);
        (void) device_clock_push(&c, 620000, BOOT + 62 * SEC + 3100);
        g_assert_cmpfloat_with_epsilon(device_clock_drift_ppm(&c), -50, 0.1);

        device_clock_reset(&c);         /* -100 and 0 ppm */
        (void) device_clock_push(&c, 0, BOOT);
        (void) device_clock_push(&c, 310000, BOOT + 31 * SEC + 3100);
        (void) device_clock_push(&c, 360000, BOOT + 36 * SEC);
        g_assert_cmpfloat_with_epsilon(device_clock_drift_ppm(&c), -50, 0.1);
}

/* Whatever is pushed: no trap, and no moment before the host's clock began. */
static void test_nonsense_is_bounded(void) {
        static const uint64_t odd[] = { 0, 1, UINT32_MAX, UINT64_C(1) << 40, UINT64_C(1) << 62, UINT64_MAX / OMP_TICK_USEC };
        DeviceClock c;
        int64_t usec;

        device_clock_reset(&c);
        for (unsigned i = 0; i < 1000; i++) {
                (void) device_clock_push(&c, odd[i % G_N_ELEMENTS(odd)], odd[i / 7 % 4] + i * (uint64_t) SEC);
                (void) device_clock_offset(&c, &usec);
                (void) device_clock_drift_ppm(&c);
                (void) device_clock_boottime(&c, odd[i % G_N_ELEMENTS(odd)]);
                g_assert_cmpuint(c.n, <=, DEVICE_CLOCK_BUCKETS);
                g_assert_cmpfloat(fabs(device_clock_drift_ppm(&c)), <=, 1000);
        }

        device_clock_reset(&c);
        (void) device_clock_push(&c, 1000000, 5);
        g_assert_cmpuint(device_clock_boottime(&c, 0), ==, 0);
        (void) device_clock_push(&c, 1000000, 3); /* stamped before, by the reader of another stream */
        g_assert_true(device_clock_offset(&c, &usec));
        g_assert_cmpint(usec, ==, 3 - 100000000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/device-clock/without-ticks-there-is-no-clock", test_without_ticks_there_is_no_clock);
        g_test_add_func("/device-clock/the-offset-is-that-of-the-promptest", test_the_offset_is_that_of_the_promptest);
        g_test_add_func("/device-clock/jitter-hardly-moves-it", test_jitter_hardly_moves_it);
        g_test_add_func("/device-clock/quality-of-a-quiet-link", test_quality_of_a_quiet_link);
        g_test_add_func("/device-clock/few-values-are-coarse-however-long-they-take",
                        test_few_values_are_coarse_however_long_they_take);
        g_test_add_func("/device-clock/quality-follows-the-spread", test_quality_follows_the_spread);
        g_test_add_func("/device-clock/drift-is-found-within-20-ppm-in-a-minute", test_drift_is_found_within_20_ppm_in_a_minute);
        g_test_add_func("/device-clock/drift-is-not-told-from-half-a-minute", test_drift_is_not_told_from_half_a_minute);
        g_test_add_func("/device-clock/the-offset-follows-the-drift", test_the_offset_follows_the_drift);
        g_test_add_func("/device-clock/a-burst-held-up-does-not-bend-it", test_a_burst_held_up_does_not_bend_it);
        g_test_add_func("/device-clock/after-a-long-silence-the-window-begins-anew",
                        test_after_a_long_silence_the_window_begins_anew);
        g_test_add_func("/device-clock/a-reboot-is-another-clock", test_a_reboot_is_another_clock);
        g_test_add_func("/device-clock/a-jump-of-the-ticks-is-another-clock", test_a_jump_of_the_ticks_is_another_clock);
        g_test_add_func("/device-clock/limits-are-kept", test_limits_are_kept);
        g_test_add_func("/device-clock/a-jump-beside-a-late-bucket", test_a_jump_beside_a_late_bucket);
        g_test_add_func("/device-clock/steps-towards-the-spread", test_steps_towards_the_spread);
        g_test_add_func("/device-clock/drift-is-the-median", test_drift_is_the_median);
        g_test_add_func("/device-clock/nonsense-is-bounded", test_nonsense_is_bounded);
        return g_test_run();
}
