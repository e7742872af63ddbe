/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/sums.h"

static void test_bins_are_within_one_percent(void) {
        for (int force = 0; force <= INT16_MAX; force++) {
                unsigned bin = sums_bin(force);

                g_assert_cmpuint(bin, <, SUMS_BINS);
                g_assert_cmpint(ABS(sums_bin_force(bin) - force) * 100, <=, force);
                g_assert_cmpuint(sums_bin(sums_bin_force(bin)), ==, bin);
                if (force > 0)
                        g_assert_cmpuint(bin, >=, sums_bin(force - 1));
        }
        g_assert_cmpuint(sums_bin(-500), ==, 0);
        g_assert_cmpuint(sums_bin(INT16_MAX), ==, SUMS_BINS - 1);
}

static void test_nothing_known_is_nothing_said(void) {
        Sums s;
        Figures f = { 0 };

        sums_init(&s);
        sums_peak(&s, OMP_FORCE_UNKNOWN);
        sums_force_figures(&s, &f);
        g_assert_cmpuint(f.present, ==, 0);
}

static void test_forces_are_weighted_by_time(void) {
        Sums s;
        Figures f = { 0 };

        sums_init(&s);
        sums_force(&s, 1000, 3000);
        sums_force(&s, 2000, 1000);
        sums_force(&s, -7, 1);
        sums_peak(&s, -3);
        sums_force_figures(&s, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, 1250); /* 4,999,993 / 4001 = 1249.7 */
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, sums_bin_force(sums_bin(2000)));
        g_assert_cmpint(f.value[FIGURE_FORCE_PEAK].i, ==, -3);
}

static void test_mean_below_zero_is_rounded_likewise(void) {
        Sums s;
        Figures f = { 0 };

        sums_init(&s);
        sums_force(&s, -10, 1);
        sums_force(&s, -11, 1);
        sums_force_figures(&s, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, -11);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, 0);
}

/* 119 hours at one force, twice: the bin holds what it can, and the p95 is still that of nearly all the time. */
static void test_a_full_bin_stays_full(void) {
        Sums s, both;
        Figures f = { 0 };

        sums_init(&s);
        sums_force(&s, 800, UINT32_MAX);
        sums_force(&s, 800, UINT32_MAX);
        sums_force(&s, 3000, 1000);
        g_assert_cmpuint(s.bins[sums_bin(800)], ==, UINT32_MAX);
        both = s;
        sums_add(&both, &s);
        g_assert_cmpuint(both.bins[sums_bin(800)], ==, UINT32_MAX);
        sums_force_figures(&both, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, 800);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, sums_bin_force(sums_bin(800)));
}

static void test_the_strongest_force_is_in_the_last_bin(void) {
        Sums s;
        Figures f = { 0 };

        sums_init(&s);
        sums_force(&s, INT16_MAX, 10);
        sums_force_figures(&s, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, sums_bin_force(SUMS_BINS - 1));
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, <=, INT16_MAX);
}

static void test_zones_once_known(void) {
        Sums s;
        Figures f = { 0 };

        sums_init(&s);
        s.zone_ticks[ZONE_LOW] = 10;
        s.zone_ticks[ZONE_OVER] = 7;
        sums_force_figures(&s, &f);
        g_assert_cmpint(f.value[FIGURE_ZONE_LOW].i, ==, 1000);
        g_assert_true(figures_has(&f, FIGURE_ZONE_GOOD));
        g_assert_cmpint(f.value[FIGURE_ZONE_GOOD].i, ==, 0);
        g_assert_cmpint(f.value[FIGURE_ZONE_HIGH].i, ==, 0);
        g_assert_cmpint(f.value[FIGURE_ZONE_OVER].i, ==, 700);
}

static void test_sums_add_up(void) {
        Sums a, b;

        sums_init(&a);
        sums_init(&b);
        a.strokes = 1, a.contact_strokes = 2, a.contact_usec = 3, a.passes = 4, a.distance_mm = 5;
        a.over_count = 6, a.over_ticks = 7, a.depth_max_um = 500, a.zone_ticks[ZONE_GOOD] = 8;
        a.touched = true;
        sums_peak(&a, 900);
        sums_force(&a, 100, 10);
        sums_add(&b, &a);
        sums_add(&b, &a);

        g_assert_cmpuint(b.strokes, ==, 2);
        g_assert_cmpuint(b.contact_strokes, ==, 4);
        g_assert_cmpuint(b.contact_usec, ==, 6);
        g_assert_cmpuint(b.passes, ==, 8);
        g_assert_cmpuint(b.distance_mm, ==, 10);
        g_assert_cmpuint(b.over_count, ==, 12);
        g_assert_cmpuint(b.over_ticks, ==, 14);
        g_assert_cmpuint(b.depth_max_um, ==, 500);
        g_assert_cmpuint(b.zone_ticks[ZONE_GOOD], ==, 16);
        g_assert_true(b.touched);
        g_assert_cmpint(b.force_peak_mn, ==, 900);
        g_assert_cmpint(b.force_sum, ==, 2000);
        g_assert_cmpuint(b.force_ticks, ==, 20);
        g_assert_cmpuint(b.bins[sums_bin(100)], ==, 20);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/sums/bins-are-within-one-percent", test_bins_are_within_one_percent);
        g_test_add_func("/sums/nothing-known-is-nothing-said", test_nothing_known_is_nothing_said);
        g_test_add_func("/sums/forces-are-weighted-by-time", test_forces_are_weighted_by_time);
        g_test_add_func("/sums/mean-below-zero-is-rounded-likewise", test_mean_below_zero_is_rounded_likewise);
        g_test_add_func("/sums/a-full-bin-stays-full", test_a_full_bin_stays_full);
        g_test_add_func("/sums/the-strongest-force-is-in-the-last-bin", test_the_strongest_force_is_in_the_last_bin);
        g_test_add_func("/sums/zones-once-known", test_zones_once_known);
        g_test_add_func("/sums/sums-add-up", test_sums_add_up);
        return g_test_run();
}
