/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/tally.h"

#define IN_CONTACT (OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR)
#define PERIOD_TICKS 1000u              /* 100 ms */

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)

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

static void test_nothing_known_is_nothing_said(void) {
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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

static void test_one_stroke_is_use(void) {
        g_auto(Tally) t = { 0 };
        OmpLive l = live(1, IN_CONTACT, 800);

        tally_init(&t);
        g_assert_false(tally_live(&t, &l, l.tick, false, 0, true)); /* what it had counted before */
        l.tick += PERIOD_TICKS;
        l.strokes++;
        g_assert_true(tally_live(&t, &l, l.tick, false, 0, false));
        l.tick += PERIOD_TICKS;
        g_assert_false(tally_live(&t, &l, l.tick, false, 0, false));
}

static void test_rollers_have_no_punctures(void) {
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 5, OMP_LIVE_CONTACT_YES, 800);
        tally_figures(&t, &roller, &f);
        g_assert_false(figures_has(&f, FIGURE_PUNCTURES));
        g_assert_false(figures_has(&f, FIGURE_OVER_COUNT));
}

static void test_p95_is_weighted_by_time_nearest_rank(void) {
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 96, IN_CONTACT, 1000);      /* 95 intervals */
        feed(&t, 96, 101, IN_CONTACT, 4000);    /* 5 */
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, sums_bin_force(sums_bin(1000)));
        g_assert_cmpint(f.value[FIGURE_FORCE_MEAN].i, ==, 1150);

        feed(&t, 101, 102, IN_CONTACT, 4000);
        f = (Figures) { 0 };
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_P95].i, ==, sums_bin_force(sums_bin(4000)));
}

static void test_unknown_force_is_left_out(void) {
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
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
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        tally_set_feature(&t, &pen);
        for (unsigned n = 0; n < G_N_ELEMENTS(over); n++) {
                OmpLive l = live(n, (uint16_t) (IN_CONTACT | (over[n] ? OMP_LIVE_OVERPRESSURE : 0)), 500);

                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, 3);
        g_assert_cmpint(f.value[FIGURE_OVER_TIME].i, ==, 4 * 100000);
}

static void test_optional_counters(void) {
        g_auto(Tally) t = { 0 };
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

static const NoteLimits limits = { .overpressure_mn = 3000, .hysteresis_mn = 500, .zone_low_mn = 300, .zone_high_mn = 2000 };

static void feed_forces(Tally *t, const int *forces, unsigned n, uint16_t flags) {
        for (unsigned i = 0; i < n; i++) {
                OmpLive l = live(i, flags, forces[i]);

                (void) tally_live(t, &l, l.tick, false, 0, i == 0);
        }
}

/* "low < zone_low ≤ good < zone_high ≤ high < overpressure ≤ over"; the first value ends no interval that was seen. */
static void test_zones_in_contact_by_the_limits(void) {
        static const int forces[] = { 0, 299, 300, 1999, 2000, 2999, 3000, 9000 };
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        tally_set_limits(&t, &limits);
        feed_forces(&t, forces, G_N_ELEMENTS(forces), IN_CONTACT);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_ZONE_LOW].i, ==, 100000);
        g_assert_cmpint(f.value[FIGURE_ZONE_GOOD].i, ==, 200000);
        g_assert_cmpint(f.value[FIGURE_ZONE_HIGH].i, ==, 200000);
        g_assert_cmpint(f.value[FIGURE_ZONE_OVER].i, ==, 200000);
}

static bool has_zones(bool with_limits, uint16_t flags, int force_mn) {
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        if (with_limits)
                tally_set_limits(&t, &limits);
        for (unsigned n = 0; n < 3; n++) {
                OmpLive l = live(n, flags, 0);

                l.force_mean_mn = (int16_t) force_mn;
                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        for (int i = 0; i < _ZONE_MAX; i++)
                g_assert_true(figures_has(&f, (Figure) (FIGURE_ZONE_LOW + i)) == figures_has(&f, FIGURE_ZONE_LOW));
        return figures_has(&f, FIGURE_ZONE_LOW);
}

static void test_zones_are_absent_without_limits_contact_or_force(void) {
        g_assert_true(has_zones(true, IN_CONTACT, 500));
        g_assert_false(has_zones(false, IN_CONTACT, 500));
        g_assert_false(has_zones(true, 0, 500));
        g_assert_false(has_zones(true, IN_CONTACT, OMP_FORCE_UNKNOWN));
}

/* Of a device that detects nothing by itself: over from 3000 on, until it falls below 2500 or leaves the skin. */
static void test_overpressure_by_the_limits(void) {
        static const int forces[] = { 500, 3000, 2500, 2499, 2999, 3100, 3100 };
        g_auto(Tally) t = { 0 };
        OmpLive off = live(7, OMP_LIVE_CONTACT_NO, 3100), unknown = live(8, IN_CONTACT, 0), flag = live(9, IN_CONTACT, 500);
        Figures f = { 0 };

        tally_init(&t);
        tally_set_feature(&t, &roller);
        tally_set_limits(&t, &limits);
        feed_forces(&t, forces, G_N_ELEMENTS(forces), IN_CONTACT);
        g_assert_true(t.over);
        tally_figures(&t, &roller, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, 2);
        g_assert_cmpint(f.value[FIGURE_OVER_TIME].i, ==, 4 * 100000);

        (void) tally_live(&t, &off, off.tick, false, 0, false);
        g_assert_false(t.over);
        unknown.force_mean_mn = OMP_FORCE_UNKNOWN;
        (void) tally_live(&t, &unknown, unknown.tick, false, 0, false);
        g_assert_false(t.over);
        flag.flags |= OMP_LIVE_OVERPRESSURE; /* it has no such feature */
        (void) tally_live(&t, &flag, flag.tick, false, 0, false);
        g_assert_false(t.over);
}

static void test_overpressure_by_the_limits_outlasts_a_value_without_force(void) {
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        tally_set_limits(&t, &limits);
        for (unsigned n = 0; n < 4; n++) {
                OmpLive l = live(n, IN_CONTACT, 3000);

                if (n == 2)
                        l.force_mean_mn = OMP_FORCE_UNKNOWN;
                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, NULL, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, 1);
        g_assert_cmpint(f.value[FIGURE_OVER_TIME].i, ==, 3 * 100000);
}

static void test_overpressure_by_the_limits_ends_with_contact(void) {
        g_auto(Tally) t = { 0 };
        OmpLive over = live(0, IN_CONTACT, 3500), off = live(1, OMP_LIVE_CONTACT_NO, 0);

        tally_init(&t);
        tally_set_limits(&t, &limits);
        (void) tally_live(&t, &over, over.tick, false, 0, true);
        g_assert_true(t.over);
        off.force_mean_mn = OMP_FORCE_UNKNOWN; /* lifted, and no force is told any more */
        (void) tally_live(&t, &off, off.tick, false, 0, false);
        g_assert_false(t.over);
}

/* As a tape may say them. */
static void test_limits_out_of_all_bounds(void) {
        static const NoteLimits wild = { .overpressure_mn = INT32_MIN, .hysteresis_mn = INT32_MAX, .zone_high_mn = INT32_MAX };
        g_auto(Tally) t = { 0 };

        tally_init(&t);
        tally_set_limits(&t, &wild);
        feed(&t, 0, 3, IN_CONTACT, 100);
        g_assert_true(t.over);
}

/* What runs backwards has not grown; what wraps has. */
static void test_optional_counters_backwards(void) {
        static const struct { uint32_t contact_ms, distance_mm; uint16_t passes; } told[] = {
                { 5000, 100, 7 }, { 4999, 99, 6 }, { 5099, 109, 8 }, { 99, 9, 3 },
        };
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        for (unsigned n = 0; n < G_N_ELEMENTS(told); n++) {
                OmpLive l = live(n, IN_CONTACT | OMP_LIVE_PASSES | OMP_LIVE_DISTANCE | OMP_LIVE_CONTACT_TIME, 500);

                l.contact_ms = told[n].contact_ms;
                l.distance_mm = told[n].distance_mm;
                l.passes = told[n].passes;
                (void) tally_live(&t, &l, l.tick, false, 0, n == 0);
        }
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 100000);
        g_assert_cmpint(f.value[FIGURE_DISTANCE].i, ==, 10);
        g_assert_cmpint(f.value[FIGURE_PASSES].i, ==, 2);
}

/* Times of two lives of a device have no difference. */
static void test_no_rate_over_a_reboot(void) {
        g_auto(Tally) t = { 0 };
        OmpLive anew = live(1, IN_CONTACT, 500);
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 5, IN_CONTACT, 500);
        anew.strokes = 200;
        anew.last_stroke = (uint16_t) (4 * PERIOD_TICKS + 1);
        (void) tally_live(&t, &anew, 6 * PERIOD_TICKS, true, 0, true);
        tally_figures(&t, &pen, &f);
        g_assert_cmpfloat(f.value[FIGURE_STROKE_RATE].d, ==, 7200);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 4 * 12 + 200);
}

/* A device that detects it knows better than the limits. */
static void test_overpressure_by_the_flag_whatever_the_limits(void) {
        static const int forces[] = { 500, 9000, 500 };
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };

        tally_init(&t);
        tally_set_feature(&t, &pen);
        tally_set_limits(&t, &limits);
        feed_forces(&t, forces, G_N_ELEMENTS(forces), IN_CONTACT);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, 0);
}

typedef struct Over {
        Tally tally;
        unsigned n;
} Over;

static void over_live(Over *o, bool over, unsigned missing) {
        OmpLive l;

        o->n += missing;
        l = live(o->n, (uint16_t) (IN_CONTACT | (over ? OMP_LIVE_OVERPRESSURE : 0)), 500);
        (void) tally_live(&o->tally, &l, l.tick, false, missing, o->n == 0);
        o->n++;
}

/* In the middle of the interval that the value with this number ends. */
static void over_event(Over *o, unsigned n) {
        tally_over_event(&o->tally, n * PERIOD_TICKS - PERIOD_TICKS / 2);
}

static void over_begin(Over *o) {
        *o = (Over) { 0 };
        tally_init(&o->tally);
        tally_set_feature(&o->tally, &pen);
        over_live(o, false, 0);
        over_live(o, false, 0);
}

static void over_end(Over *o, unsigned expected) {
        Figures f = { 0 };

        tally_figures(&o->tally, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_OVER_COUNT].i, ==, expected);
        tally_clear(&o->tally);
}

/* "Event 01 where the flag was lost". */
static void test_overpressure_event_counts_where_the_flag_was_lost(void) {
        Over o;

        over_begin(&o);                 /* the event first, then the value after the loss */
        over_event(&o, 3);
        over_live(&o, false, 3);
        over_end(&o, 1);

        over_begin(&o);                 /* the other way about */
        over_live(&o, false, 3);
        over_event(&o, 3);
        over_end(&o, 1);

        over_begin(&o);                 /* behind the last value before the loss, up to the first after it */
        over_live(&o, false, 3);
        tally_over_event(&o.tally, PERIOD_TICKS);
        over_end(&o, 0);
        over_begin(&o);
        over_live(&o, false, 3);
        tally_over_event(&o.tally, PERIOD_TICKS + 1);
        tally_over_event(&o.tally, 5 * PERIOD_TICKS);
        over_end(&o, 2);

        over_begin(&o);                 /* of two rises in the loss one lasted */
        over_event(&o, 3);
        over_event(&o, 4);
        over_live(&o, true, 3);
        over_end(&o, 2);
}

static void test_overpressure_event_does_not_count_what_a_value_showed(void) {
        Over o;

        over_begin(&o);
        over_event(&o, 2);
        over_live(&o, true, 0);
        over_end(&o, 1);

        over_begin(&o);
        over_live(&o, true, 0);
        over_event(&o, 2);
        over_live(&o, false, 0);
        over_event(&o, 2);              /* late */
        over_end(&o, 1);

        over_begin(&o);                 /* lost, but it still lasts */
        over_live(&o, true, 3);
        over_event(&o, 3);
        over_end(&o, 1);

        over_begin(&o);                 /* nothing was lost: the flag rose in no value */
        over_event(&o, 2);
        over_live(&o, false, 0);
        over_event(&o, 2);
        over_end(&o, 0);
}

static void test_overpressure_event_of_a_device_without_the_feature(void) {
        g_auto(Tally) t = { 0 };

        tally_init(&t);
        tally_over_event(&t, 500);      /* and before any value */
        feed(&t, 0, 3, IN_CONTACT, 500);
        tally_over_event(&t, 2500);
        g_assert_cmpuint(t.over_events, ==, 0);
        g_assert_cmpuint(t.sums->over_count, ==, 0);
}

static void test_areas_add_up_to_the_whole(void) {
        g_auto(Tally) t = { 0 };
        Figures whole = { 0 }, first, cheek, nose;
        uint8_t area;

        tally_init(&t);
        tally_set_limits(&t, &limits);
        tally_set_area(&t, 3);
        feed(&t, 0, 11, IN_CONTACT, 800);
        tally_set_area(&t, 5);
        feed(&t, 11, 16, IN_CONTACT, 2200);
        tally_set_area(&t, 3);
        feed(&t, 16, 21, IN_CONTACT, 800);
        tally_figures(&t, &pen, &whole);

        g_assert_true(tally_area_figures(&t, &pen, 0, &area, &first));
        g_assert_cmpuint(area, ==, 0);
        g_assert_cmpuint(first.present, ==, 0); /* no value has come without an area */
        g_assert_true(tally_area_figures(&t, &pen, 1, &area, &cheek));
        g_assert_cmpuint(area, ==, 3);
        g_assert_true(tally_area_figures(&t, &pen, 2, &area, &nose));
        g_assert_cmpuint(area, ==, 5);
        g_assert_false(tally_area_figures(&t, &pen, 3, &area, &first));

        g_assert_cmpint(cheek.value[FIGURE_STROKES].i, ==, 15 * 12);
        g_assert_cmpint(nose.value[FIGURE_STROKES].i, ==, 5 * 12);
        g_assert_cmpint(whole.value[FIGURE_STROKES].i, ==, 20 * 12);
        g_assert_cmpuint(tally_strokes(&t), ==, 20 * 12);
        g_assert_cmpint(cheek.value[FIGURE_FORCE_MEAN].i, ==, 800);
        g_assert_cmpint(nose.value[FIGURE_FORCE_MEAN].i, ==, 2200);
        g_assert_cmpint(whole.value[FIGURE_FORCE_MEAN].i, ==, 1150);
        g_assert_cmpint(cheek.value[FIGURE_ZONE_GOOD].i, ==, 1500000);
        g_assert_cmpint(nose.value[FIGURE_ZONE_HIGH].i, ==, 500000);
        g_assert_cmpint(nose.value[FIGURE_PUNCTURES].i, ==, 5 * 12 * 16);
        g_assert_cmpint(nose.value[FIGURE_FORCE_PEAK].i, ==, 2300);
        g_assert_cmpint(cheek.value[FIGURE_FORCE_PEAK].i, ==, 900);

        /* What the stream as a whole has is of no area. */
        g_assert_false(figures_has(&cheek, FIGURE_FORCE));
        g_assert_false(figures_has(&cheek, FIGURE_STROKE_RATE));
        g_assert_false(figures_has(&cheek, FIGURE_GAPS));
}

/* What was not seen is no contact: neither a day that a tick jumps by, nor one that nobody can count. */
static void test_a_jump_of_the_tick_is_no_interval(void) {
        g_auto(Tally) t = { 0 };
        OmpLive l = live(5, IN_CONTACT, 500);
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 5, IN_CONTACT, 500);
        (void) tally_live(&t, &l, l.tick + UINT64_C(864000000), false, 0, true);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 5 * 100000);

        (void) tally_live(&t, &l, l.tick + (UINT64_C(1) << 40), false, 0, false);
        f = (Figures) { 0 };
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_CONTACT_TIME].i, ==, 5 * 100000 + UINT32_MAX * INT64_C(100));
}

/* Its peak counts, its counters are in the newer values. */
static void test_late_value(void) {
        g_auto(Tally) t = { 0 };
        OmpLive late = live(3, IN_CONTACT, 7000);
        Figures f = { 0 };

        tally_init(&t);
        feed(&t, 0, 5, IN_CONTACT, 500);
        tally_late_live(&t, &late);
        late.force_peak_mn = OMP_FORCE_UNKNOWN;
        tally_late_live(&t, &late);
        tally_figures(&t, &pen, &f);
        g_assert_cmpint(f.value[FIGURE_FORCE_PEAK].i, ==, 7100);
        g_assert_cmpint(f.value[FIGURE_STROKES].i, ==, 4 * 12);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tally/nothing-known-is-nothing-said", test_nothing_known_is_nothing_said);
        g_test_add_func("/tally/strokes-rate-contact-punctures", test_strokes_rate_contact_punctures);
        g_test_add_func("/tally/one-stroke-is-use", test_one_stroke_is_use);
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
        g_test_add_func("/tally/zones-in-contact-by-the-limits", test_zones_in_contact_by_the_limits);
        g_test_add_func("/tally/zones-are-absent-without-limits-contact-or-force",
                        test_zones_are_absent_without_limits_contact_or_force);
        g_test_add_func("/tally/overpressure-by-the-limits", test_overpressure_by_the_limits);
        g_test_add_func("/tally/overpressure-by-the-limits-outlasts-a-value-without-force",
                        test_overpressure_by_the_limits_outlasts_a_value_without_force);
        g_test_add_func("/tally/overpressure-by-the-flag-whatever-the-limits",
                        test_overpressure_by_the_flag_whatever_the_limits);
        g_test_add_func("/tally/overpressure-event-counts-where-the-flag-was-lost",
                        test_overpressure_event_counts_where_the_flag_was_lost);
        g_test_add_func("/tally/overpressure-event-does-not-count-what-a-value-showed",
                        test_overpressure_event_does_not_count_what_a_value_showed);
        g_test_add_func("/tally/overpressure-event-of-a-device-without-the-feature",
                        test_overpressure_event_of_a_device_without_the_feature);
        g_test_add_func("/tally/areas-add-up-to-the-whole", test_areas_add_up_to_the_whole);
        g_test_add_func("/tally/a-jump-of-the-tick-is-no-interval", test_a_jump_of_the_tick_is_no_interval);
        g_test_add_func("/tally/late-value", test_late_value);
        g_test_add_func("/tally/overpressure-by-the-limits-ends-with-contact", test_overpressure_by_the_limits_ends_with_contact);
        g_test_add_func("/tally/limits-out-of-all-bounds", test_limits_out_of_all_bounds);
        g_test_add_func("/tally/optional-counters-backwards", test_optional_counters_backwards);
        g_test_add_func("/tally/no-rate-over-a-reboot", test_no_rate_over_a_reboot);
        return g_test_run();
}
