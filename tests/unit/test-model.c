/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "simulator/model.h"

#define OVER_PEN_MN 3000
#define OVER_ROLLER_MN 5000
#define SEEDS 20

static void start(Model *m, OmpKind kind, uint64_t seed, unsigned seconds) {
        model_init(m, kind, seed);
        model_start(m, seconds * UINT64_C(1000000), kind == OMP_KIND_ROLLER ? OVER_ROLLER_MN : OVER_PEN_MN);
}

/* Figures of a whole procedure. */
typedef struct Course {
        double seconds, contact_s, sum_mn, peak_mn;
        double longest_stroke_s, shortest_stroke_s;     /* while the motor is on */
        unsigned phases;                                /* 1 << ModelPhase of those that came */
        unsigned over; /* times beyond the threshold, smoothed, with hysteresis */
        unsigned lifts;
        uint64_t areas;                                 /* 1 << area */
} Course;

static Course run(OmpKind kind, uint64_t seed, unsigned seconds) {
        double over_mn = kind == OMP_KIND_ROLLER ? OVER_ROLLER_MN : OVER_PEN_MN, smooth = 0,
               since_stroke = 0, was_mn = 0;
        Course c = { .shortest_stroke_s = INFINITY };
        uint32_t strokes = 0;
        bool over = false, stroked = false;
        Model m;

        start(&m, kind, seed, seconds);
        while (m.phase != MODEL_REST) {
                double s = 1.0 / m.rate_hz;

                model_step(&m);
                c.seconds += s;
                c.phases |= 1u << m.phase;
                c.areas |= UINT64_C(1) << m.area;
                g_assert_cmpfloat(c.seconds, <, seconds + 30.0);

                smooth += (m.force_mn - smooth) * s / (0.015 + s);
                c.peak_mn = fmax(c.peak_mn, m.force_mn);
                if (smooth > 200) {
                        c.contact_s += s;
                        c.sum_mn += m.force_mn * s;
                }
                c.lifts += was_mn >= 100 && smooth < 100;
                was_mn = smooth;
                if (!over && smooth >= over_mn)
                        c.over++;
                over = smooth >= (over ? over_mn - 500 : over_mn);

                if (kind == OMP_KIND_ROLLER)
                        continue;
                since_stroke += s;
                if (m.motor_hz == 0)
                        stroked = false;
                if (m.strokes == strokes)
                        continue;
                g_assert_cmpuint(m.strokes - strokes, ==, 1);
                if (stroked) {
                        c.longest_stroke_s = fmax(c.longest_stroke_s, since_stroke);
                        c.shortest_stroke_s = fmin(c.shortest_stroke_s, since_stroke);
                }
                strokes = m.strokes;
                since_stroke = 0;
                stroked = true;
        }

        return c;
}

static void test_same_seed_same_samples(void) {
        Model a, b;

        start(&a, OMP_KIND_PEN, 7, 40);
        start(&b, OMP_KIND_PEN, 7, 40);
        for (unsigned i = 0; i < 50000; i++) {
                model_step(&a);
                model_step(&b);
                g_assert_cmpfloat(a.force_mn, ==, b.force_mn);
                g_assert_cmpuint(a.strokes, ==, b.strokes);
                g_assert_cmpint(a.phase, ==, b.phase);
        }
}

static void test_other_seed_other_samples(void) {
        unsigned same = 0;
        Model a, b;

        start(&a, OMP_KIND_PEN, 7, 40);
        start(&b, OMP_KIND_PEN, 8, 40);
        for (unsigned i = 0; i < 20000; i++) {
                model_step(&a);
                model_step(&b);
                same += a.force_mn == b.force_mn;
        }
        g_assert_cmpuint(same, <, 100);
}

/* "50–150 stamp motions per second", with a sample's doubt: the model says in which millisecond a stroke
 * ended. */
static void test_pen_strokes_at_50_to_150_hz(void) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Course c = run(OMP_KIND_PEN, seed, 40);

                g_assert_cmpfloat(c.longest_stroke_s, <, 1 / 50.0 + 0.001);
                g_assert_cmpfloat(c.shortest_stroke_s, >, 1 / 150.0 - 0.001);
        }
}

static void test_pressing_slows_the_motor(void) {
        double free_hz = 0, pressed_hz = INFINITY;
        Model m;

        start(&m, OMP_KIND_PEN, 3, 60);
        while (m.phase != MODEL_DONE) {
                model_step(&m);
                if (m.phase != MODEL_WORK || m.motor_hz < 90)
                        continue;
                if (m.force_mn < 50)
                        free_hz = fmax(free_hz, m.motor_hz);
                if (m.force_mn > 4000)
                        pressed_hz = fmin(pressed_hz, m.motor_hz);
        }
        g_assert_cmpfloat(free_hz - pressed_hz, >, 5);
}

static void test_force_is_a_hands(void) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Course pen = run(OMP_KIND_PEN, seed, 60), roller = run(OMP_KIND_ROLLER, seed, 60);

                g_assert_cmpfloat(pen.sum_mn / pen.contact_s, >, 500);
                g_assert_cmpfloat(pen.sum_mn / pen.contact_s, <, 2000);
                g_assert_cmpfloat(pen.peak_mn, <, 12000);
                g_assert_cmpfloat(roller.sum_mn / roller.contact_s, >, 900);
                g_assert_cmpfloat(roller.sum_mn / roller.contact_s, <, 4000);
                g_assert_cmpfloat(roller.peak_mn, <, 15000);
                g_assert_cmpfloat(pen.contact_s, >, 0.4 * 60);
                g_assert_cmpfloat(pen.contact_s, <, 0.95 * 60);
                g_assert_cmpuint(pen.lifts, >=, 8);
        }
}

static void test_now_and_then_too_hard(void) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Course pen = run(OMP_KIND_PEN, seed, 120), roller = run(OMP_KIND_ROLLER, seed, 120);

                g_assert_cmpuint(pen.over, >=, 2);
                g_assert_cmpuint(pen.over, <=, 20);
                g_assert_cmpuint(roller.over, >=, 2);
                g_assert_cmpuint(roller.over, <=, 40);
        }
}

static void test_procedure_has_its_length_areas_and_pause(void) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Course c = run(OMP_KIND_PEN, seed, 60);

                g_assert_cmpfloat(c.seconds, >, 60);
                g_assert_cmpfloat(c.seconds, <, 70);
                g_assert_cmpuint(c.phases, ==,
                                 1u << MODEL_TAKEN | 1u << MODEL_WORK | 1u << MODEL_PAUSE |
                                         1u << MODEL_DONE | 1u << MODEL_REST);
                g_assert_cmpuint((unsigned) __builtin_popcountll(c.areas), >=, 4);
        }
}

/* A pass is "ended by reversal or lift": every lift ends one, and most end by reversal. */
static void test_roller_counts_reversals_and_lifts(void) {
        Course c = run(OMP_KIND_ROLLER, 5, 60);
        Model m;

        start(&m, OMP_KIND_ROLLER, 5, 60);
        while (m.phase != MODEL_REST)
                model_step(&m);
        g_assert_cmpuint(m.strokes, ==, m.passes);
        g_assert_cmpuint(m.strokes, >, 3 * c.lifts);
        g_assert_cmpfloat(m.distance_mm, >, 55.0 * m.passes);
        g_assert_cmpfloat(m.distance_mm, <, 115.0 * m.passes);
}

static void test_battery_falls_and_never_below_one(void) {
        double before;
        Model m;

        start(&m, OMP_KIND_PEN, 1, 120);
        before = m.battery;
        while (m.phase != MODEL_REST)
                model_step(&m);
        g_assert_cmpfloat(m.battery, <, before - 1);
        g_assert_cmpfloat(m.battery, >, before - 3);

        model_rest(&m, UINT64_C(1000) * 3600 * 24 * 365);
        g_assert_cmpfloat(m.battery, ==, 1);
}

static void test_stop_ends_it_soon(void) {
        for (unsigned after = 0; after < 20; after++) {
                unsigned i = 0;
                Model m;

                start(&m, OMP_KIND_PEN, after, 600);
                for (unsigned k = 0; k < after * 700; k++)
                        model_step(&m);
                model_stop(&m);
                for (; m.phase != MODEL_REST && i < 10000; i++)
                        model_step(&m);
                g_assert_cmpuint(i, <, 5000);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/model/same-seed-same-samples", test_same_seed_same_samples);
        g_test_add_func("/model/other-seed-other-samples", test_other_seed_other_samples);
        g_test_add_func("/model/pen-strokes-at-50-to-150-hz", test_pen_strokes_at_50_to_150_hz);
        g_test_add_func("/model/pressing-slows-the-motor", test_pressing_slows_the_motor);
        g_test_add_func("/model/force-is-a-hands", test_force_is_a_hands);
        g_test_add_func("/model/now-and-then-too-hard", test_now_and_then_too_hard);
        g_test_add_func("/model/procedure-has-its-length-areas-and-pause",
                        test_procedure_has_its_length_areas_and_pause);
        g_test_add_func("/model/roller-counts-reversals-and-lifts", test_roller_counts_reversals_and_lifts);
        g_test_add_func("/model/battery-falls-and-never-below-one", test_battery_falls_and_never_below_one);
        g_test_add_func("/model/stop-ends-it-soon", test_stop_ends_it_soon);
        return g_test_run();
}
