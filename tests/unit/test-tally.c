/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/tally.h"

#define IN_CONTACT (OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR)
#define PERIOD_TICKS 1000u              /* 100 ms */

static const OmpFeature pen = { .bits = OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE, .kind = OMP_KIND_PEN, .needles = 16 };
static const OmpFeature roller = { .bits = OMP_FEATURE_STROKES, .kind = OMP_KIND_ROLLER, .needles = 192 };

/* The n-th value of a device that makes 12 strokes in each interval of 100 ms, evenly. */
static OmpLive live(unsigned n, uint16_t flags, int force_mn) {
        return (OmpLive) {
                .flags = flags,
                .sequence = (uint16_t) n,
                .tick = n * PERIOD_TICKS,
                .force_mean_mn = (int16_t) force_mn,
                .force_peak_mn = (int16_t) (force_mn + 100),
                .strokes = n * 12,
                .last_stroke = (uint16_t) (n * PERIOD_TICKS),
        };
}

static void feed(Tally *t, unsigned from, unsigned to, uint16_t flags, int force_mn) {
        for (unsigned n = from; n < to; n++) {
                OmpLive l = live(n, flags, force_mn);

                (void) tally_live(t, &l, l.tick, false, 0, n == 0);
        }
}

static void test_bins_are_within_one_percent(void) {
        for (int force = 0; force <= INT16_MAX; force++) {
                unsigned bin = tally_bin(force);

                g_assert_cmpuint(bin, <, TALLY_BINS);
                g_assert_cmpint(tally_bin_force(bin), >=, force);
                g_assert_cmpint((tally_bin_force(bin) - force) * 100, <=, force);
                if (force > 0)
                        g_assert_cmpuint(bin, >=, tally_bin(force - 1));
        }
        g_assert_cmpuint(tally_bin(-500), ==, 0);
}

static void test_nothing_known_is_nothing_said(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        tally_figures(&t, NULL, &f);
        g_assert_false(figures_has(&f, FIGURE_STROKES));
        g_assert_false(figures_has(&f, FIGURE_FORCE));
        g_assert_false(figures_has(&f, FIGURE_FORCE_P95));
        g_assert_false(figures_has(&f, FIGURE_CONTACT_TIME));
        g_assert_false(figures_has(&f, FIGURE_LOST_LIVE));
        g_assert_cmpint(f.value[FIGURE_GAPS].i, ==, 0);
}

static void test_strokes_rate_contact_punctures(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 11, IN_CONTACT, 800);
        feed(&t, 11, 16, OMP_LIVE_CONTACT_NO | OMP_LIVE_MOTOR, 0);
        tally_figures(&t, &pen, &f);

        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 15 * 12);
        g_assert_cmpfloat(f.value[FIGURE_STROKE_RATE].d, ==, 7200);
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 10 * 100000);
        g_assert_cmpint(f.value[FIGURE_PUNCTURES].i, ==, 10 * 12 * 16);
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, 800);
        g_assert_cmpint(f.value[FIGURE_FORCE_PEAK].i, ==, 900);
        g_assert_cmpint(f.value[FIGURE_FORCE].i, ==, 0);
}

static void test_rollers_have_no_punctures(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 5, OMP_LIVE_CONTACT_YES, 800);
        tally_figures(&t, &roller, &f);
        g_assert_false(figures_has(&f, FIGURE_PUNCTURES));
        g_assert_false(figures_has(&f, FIGURE_OVER_COUNT));
}

static void test_p95_is_weighted_by_time_nearest_rank(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 96, IN_CONTACT, 1000);      /* 95 intervals */
        feed(&t, 96, 101, IN_CONTACT, 4000);    /* 5 */
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, >=, 1000);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, <=, 1010);
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, 1150);

        feed(&t, 101, 102, IN_CONTACT, 4000);
        f = (Figures) { 0 };
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, >=, 4000);
}

static void test_unknown_force_is_left_out(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        for (unsigned n = 0; n < 5; n++) {
                OmpLive l = live(n, IN_CONTACT, 0);

                l.force_mean_mn = l.force_peak_mn = OMP_FORCE_UNKNOWN;
                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_false(figures_has(&f, FIGURE_FORCE));
        g_assert_false(figures_has(&f, FIGURE_FORCE_MEAN));
        g_assert_false(figures_has(&f, FIGURE_FORCE_PEAK));
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 4 * 12);
}

/* Cumulative counters make gaps harmless: what was lost is in the next value. */
static void test_lost_packets_lose_no_strokes(void) {
        Tally t;
        OmpLive l = live(20, IN_CONTACT, 500);
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 11, IN_CONTACT, 500);
        tally_gap(&t, TALLY_LIVE, 9, 1000000);
        g_assert_true(tally_live(&t, &l, l.tick, false, 9, false));
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 20 * 12);
        g_assert_cmpint(f.value[FIGURE_LOST_LIVE].i, ==, 9);
        g_assert_cmpint(f.value[FIGURE_GAPS].i, ==, 1);
        g_assert_cmpint(f.value[FIGURE_GAP_TIME].i, ==, 1000000);
        /* Intervals that were not seen are not contact time: 10 seen, and the one after the gap. */
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 11 * 100000);

        tally_late(&t, TALLY_LIVE);
        f = (Figures) { 0 };
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_LOST_LIVE].i, ==, 8);
        g_assert_cmpint(f.value[FIGURE_LATE_LIVE].i, ==, 1);
}

static void test_contact_counter_of_the_device_bridges_gaps(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        for (unsigned n = 0; n < 31; n += n == 10 ? 10 : 1) {
                OmpLive l = live(n, IN_CONTACT | OMP_LIVE_CONTACT_TIME, 500);

                l.contact_ms = 5000 + n * 100;
                (void) tally_live(&t, &l, l.tick, false, n == 20 ? 9 : 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 30 * 100000);
}

static void test_stroke_counter_wraps(void) {
        Tally t;
        OmpLive a = live(0, IN_CONTACT, 500), b = live(1, IN_CONTACT, 500);
        Figures f = { 0 };

        a.strokes = UINT32_MAX - 3;
        b.strokes = 8;
        tally_init(&t);
        (void) tally_live(&t, &a, a.tick, false, 0, true);
        (void) tally_live(&t, &b, b.tick, false, 0, false);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 12);
}

/* "Totals then add the new counter from 0." */
static void test_reboot_adds_the_new_counter(void) {
        Tally t;
        OmpLive l = live(3, IN_CONTACT, 500), m = live(1, IN_CONTACT, 500);
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 11, IN_CONTACT, 500);
        (void) tally_live(&t, &l, l.tick, true, 0, true);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 10 * 12 + 3 * 12);

        /* and where only the strokes show it */
        (void) tally_live(&t, &m, 200 * PERIOD_TICKS, false, 0, false);
        f = (Figures) { 0 };
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 10 * 12 + 3 * 12 + 12);
}

static void test_rate_falls_to_zero_after_one_second(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 11, IN_CONTACT, 500);
        for (unsigned n = 11; n <= 20; n++) {
                OmpLive l = live(n, OMP_LIVE_CONTACT_NO, 0);

                l.strokes = 10 * 12;
                l.last_stroke = 10 * PERIOD_TICKS;
                (void) tally_live(&t, &l, l.tick, false, 0, false);
                f = (Figures) { 0 };
                tally_figures(&t, &pen, &f);
                g_assert_cmpfloat(f.value[FIGURE_STROKE_RATE].d, ==, n < 20 ? 7200 : 0);
        }
}

static void test_overpressure_rises_and_time(void) {
        static const bool over[] = { false, true, true, false, false, true, false, true };
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        for (unsigned n = 0; n < G_N_ELEMENTS(over); n++) {
                OmpLive l = live(n, (uint16_t) (IN_CONTACT | (over[n] ? OMP_LIVE_OVERPRESSURE : 0)), 500);

                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, 3);
        g_assert_cmpint(f.value[FIGURE_OVER_TIME].i, ==, 4 * 100000);
}

static void test_optional_counters(void) {
        Tally t;
        Figures f = { 0 };

        tally_init(&t);
        for (unsigned n = 0; n < 4; n++) {
                OmpLive l = live(n, IN_CONTACT | OMP_LIVE_PASSES | OMP_LIVE_DISTANCE | OMP_LIVE_DEPTH, 500);

                l.passes = (uint16_t) (65534 + n);
                l.distance_mm = 1000 + n * 10;
                l.depth_um = n == 2 ? 750 : 500;
                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_PASSES].i, ==, 3);
        g_assert_cmpint(f.value[FIGURE_DISTANCE].i, ==, 30);
        g_assert_cmpint(f.value[FIGURE_DEPTH].i, ==, 500);
        g_assert_cmpint(f.value[FIGURE_DEPTH_MAX].i, ==, 750);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tally/bins-are-within-one-percent", test_bins_are_within_one_percent);
        g_test_add_func("/tally/nothing-known-is-nothing-said", test_nothing_known_is_nothing_said);
        g_test_add_func("/tally/strokes-rate-contact-punctures", test_strokes_rate_contact_punctures);
        g_test_add_func("/tally/rollers-have-no-punctures", test_rollers_have_no_punctures);
        g_test_add_func("/tally/p95-is-weighted-by-time-nearest-rank", test_p95_is_weighted_by_time_nearest_rank);
        g_test_add_func("/tally/unknown-force-is-left-out", test_unknown_force_is_left_out);
        g_test_add_func("/tally/lost-packets-lose-no-strokes", test_lost_packets_lose_no_strokes);
        g_test_add_func("/tally/contact-counter-bridges-gaps", test_contact_counter_of_the_device_bridges_gaps);
        g_test_add_func("/tally/stroke-counter-wraps", test_stroke_counter_wraps);
        g_test_add_func("/tally/reboot-adds-the-new-counter", test_reboot_adds_the_new_counter);
        g_test_add_func("/tally/rate-falls-to-zero-after-one-second", test_rate_falls_to_zero_after_one_second);
        g_test_add_func("/tally/overpressure-rises-and-time", test_overpressure_rises_and_time);
        g_test_add_func("/tally/optional-counters", test_optional_counters);
        return g_test_run();
}
