/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A million live values, summed up by the tally as they come, and computed again from an array of all of them, the
 * long way: with sorting, without wraps, area by area. */
#include <glib.h>
#include <stdlib.h>

#include "session/tally.h"

#define N_VALUES 1000000u
#define PERIOD_TICKS 500u               /* 50 ms */
#define PERIOD_USEC (PERIOD_TICKS * OMP_TICK_USEC)
#define NEEDLES 16u

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)

static const uint8_t areas[] = { 0, 3, 5, 0xf1 };
static const NoteLimits limits = { .overpressure_mn = 3000, .hysteresis_mn = 500, .zone_low_mn = 300, .zone_high_mn = 2000 };

/* What the device did, in numbers that do not wrap. */
typedef struct Value {
        uint64_t tick, stroke_tick, strokes, passes, distance_mm, contact_ms;
        int16_t mean_mn, peak_mn;
        uint16_t depth_um;
        uint8_t area;
        bool contact, flag, epoch, came;
} Value;

typedef struct Run {
        bool detects, counts_contact;   /* the device: overpressure by itself; a contact time of its own */
        uint64_t before_wrap;           /* values until its counters wrap */
        unsigned reboot_each;           /* values; 0: never */
        Value *values;
        uint64_t late, lost, gaps;
        int late_peak_mn[G_N_ELEMENTS(areas)];
} Run;

/* ---- The device ---- */

static int force_of(GRand *rand, int before_mn) {
        int force_mn = before_mn + g_rand_int_range(rand, -400, 401);

        return force_mn < -50 || force_mn > 6000 ? 900 : force_mn;
}

static void simulate(Run *r) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(2024);
        Value v = {
                .tick = UINT32_MAX - r->before_wrap * PERIOD_TICKS, .strokes = UINT32_MAX - r->before_wrap * 6,
                .passes = 60000, .distance_mm = UINT32_MAX - 5000, .contact_ms = UINT32_MAX - 90000, .mean_mn = 800,
        };
        unsigned lost = 0;

        for (unsigned i = 0; i < N_VALUES; i++) {
                unsigned strokes = (unsigned) g_rand_int_range(rand, 0, 13);

                v.epoch = r->reboot_each > 0 && i > 0 && i % r->reboot_each == 0;
                if (v.epoch)
                        v.tick = v.strokes = v.passes = v.distance_mm = v.contact_ms = v.stroke_tick = 0;
                if (g_rand_int_range(rand, 0, 200) == 0)
                        v.contact = !v.contact;
                if (g_rand_int_range(rand, 0, 5000) == 0)
                        v.area = (uint8_t) g_rand_int_range(rand, 0, G_N_ELEMENTS(areas));

                v.tick += PERIOD_TICKS;
                v.strokes += strokes;
                if (strokes > 0)
                        v.stroke_tick = v.tick - (unsigned) g_rand_int_range(rand, 0, 30);
                v.passes += g_rand_int_range(rand, 0, 10) == 0;
                v.distance_mm += (unsigned) g_rand_int_range(rand, 0, 9);
                v.contact_ms += v.contact ? 50 : 0;
                v.mean_mn = (int16_t) force_of(rand, v.mean_mn);
                v.peak_mn = (int16_t) (v.mean_mn + g_rand_int_range(rand, 0, 1500));
                v.depth_um = (uint16_t) (250 + 50 * g_rand_int_range(rand, 0, 6));
                v.flag = r->detects && v.mean_mn >= (v.flag ? 2500 : 3000);

                /* The reboot itself and the ends are never lost. */
                if (lost == 0 && g_rand_int_range(rand, 0, 100) == 0)
                        lost = (unsigned) g_rand_int_range(rand, 1, 30);
                if (v.epoch || i == 0 || i + 2 >= N_VALUES)
                        lost = 0;
                v.came = lost == 0;
                lost -= lost > 0;
                r->values[i] = v;
        }
}

static OmpLive live_of(const Run *r, const Value *v) {
        return (OmpLive) {
                .flags = (uint16_t) (OMP_LIVE_DEPTH | OMP_LIVE_PASSES | OMP_LIVE_DISTANCE |
                                     (r->counts_contact ? OMP_LIVE_CONTACT_TIME : 0) |
                                     (v->contact ? OMP_LIVE_CONTACT_YES : OMP_LIVE_CONTACT_NO) |
                                     (v->flag ? OMP_LIVE_OVERPRESSURE : 0)),
                .tick = (uint32_t) v->tick,
                .force_mean_mn = v->mean_mn,
                .force_peak_mn = v->peak_mn,
                .strokes = (uint32_t) v->strokes,
                .last_stroke = (uint16_t) v->stroke_tick,
                .depth_um = v->depth_um,
                .distance_mm = (uint32_t) v->distance_mm,
                .contact_ms = (uint32_t) v->contact_ms,
                .passes = (uint16_t) v->passes,
        };
}

/* Of what was lost each tenth comes after the next one. */
static void follow(Run *r, Tally *t) {
        unsigned missing = 0;

        for (unsigned i = 0; i < N_VALUES; i++) {
                const Value *v = &r->values[i];
                OmpLive l = live_of(r, v);

                if (!v->came) {
                        missing++;
                        continue;
                }
                if (v->epoch)           /* what the reboot swallowed has no number */
                        missing = 0;
                if (missing > 0) {
                        tally_gap(t, TALLY_LIVE, missing, (uint64_t) (missing + 1) * PERIOD_USEC);
                        r->gaps++;
                        r->lost += missing;
                }

                tally_set_area(t, areas[v->area]);
                (void) tally_live(t, &l, v->tick, v->epoch, missing, v->epoch);
                if (missing > 0 && i % 10 == 0) {
                        OmpLive late = live_of(r, &r->values[i - 1]);

                        tally_late(t, TALLY_LIVE);
                        tally_late_live(t, &late);
                        r->late++;
                        r->lost--;
                        r->late_peak_mn[v->area] = MAX(r->late_peak_mn[v->area], r->values[i - 1].peak_mn);
                }
                missing = 0;
        }
}

/* ---- Again, the long way ---- */

static int compare(const void *a, const void *b) {
        return *(const int *) a - *(const int *) b;
}

typedef struct Expected {
        uint64_t strokes, contact_strokes, passes, distance_mm, contact_usec;
        uint64_t zone_usec[_ZONE_MAX], over_usec, over_count;
        int mean_mn, p95_mn, peak_mn;
        unsigned depth_max_um;
} Expected;

static uint64_t grown(uint64_t now, uint64_t before, bool epoch) {
        return epoch ? now : now - before;
}

/* `area`: its place, or -1 for all of them. */
static void compute(const Run *r, int area, Expected *e) {
        g_autofree int *forces = g_new(int, N_VALUES);
        const Value *before = NULL;
        unsigned n = 0;
        double sum = 0;
        bool over = false;

        *e = (Expected) { .peak_mn = INT16_MIN };
        for (unsigned i = 0; i < G_N_ELEMENTS(areas); i++)
                if (area < 0 || (int) i == area)
                        e->peak_mn = MAX(e->peak_mn, r->late_peak_mn[i]);

        for (unsigned i = 0; i < N_VALUES; i++) {
                const Value *v = &r->values[i], *last = before;
                bool was_over = over;

                if (!v->came)
                        continue;
                before = v;
                over = r->detects ? v->flag : v->contact && v->mean_mn >= (over ? 2500 : 3000);
                if (area >= 0 && v->area != area)
                        continue;

                e->peak_mn = MAX(e->peak_mn, v->peak_mn);
                e->depth_max_um = MAX(e->depth_max_um, v->depth_um);
                e->over_count += over && !was_over;
                if (!last)              /* the first one ends no interval that was seen */
                        continue;

                e->over_usec += over ? PERIOD_USEC : 0;
                e->strokes += grown(v->strokes, last->strokes, v->epoch);
                e->passes += grown(v->passes, last->passes, v->epoch);
                e->distance_mm += grown(v->distance_mm, last->distance_mm, v->epoch);
                if (r->counts_contact)
                        e->contact_usec += grown(v->contact_ms, last->contact_ms, v->epoch) * 1000;
                if (!v->contact)
                        continue;

                if (!r->counts_contact)
                        e->contact_usec += PERIOD_USEC;
                e->contact_strokes += grown(v->strokes, last->strokes, v->epoch);
                e->zone_usec[v->mean_mn < 300 ? ZONE_LOW : v->mean_mn < 2000 ? ZONE_GOOD :
                             v->mean_mn < 3000 ? ZONE_HIGH : ZONE_OVER] += PERIOD_USEC;
                sum += v->mean_mn;
                forces[n++] = v->mean_mn;
        }

        qsort(forces, n, sizeof(forces[0]), compare);
        e->p95_mn = forces[(n * UINT64_C(95) + 99) / 100 - 1];
        e->mean_mn = (int) (sum / n + 0.5);
}

static void assert_same(const Figures *f, const Expected *e) {
        int p95 = (int) f->value[FIGURE_FORCE_P95].i;

        g_assert_cmpint(f->value[FIGURE_STROKES].i, ==, (int64_t) e->strokes);
        g_assert_cmpint(f->value[FIGURE_PUNCTURES].i, ==, (int64_t) (e->contact_strokes * NEEDLES));
        g_assert_cmpint(f->value[FIGURE_PASSES].i, ==, (int64_t) e->passes);
        g_assert_cmpint(f->value[FIGURE_DISTANCE].i, ==, (int64_t) e->distance_mm);
        g_assert_cmpint(f->value[FIGURE_CONTACT_TIME].i, ==, (int64_t) e->contact_usec);
        g_assert_cmpint(f->value[FIGURE_FORCE_MEAN].i, ==, e->mean_mn);
        g_assert_cmpint(f->value[FIGURE_FORCE_PEAK].i, ==, e->peak_mn);
        g_assert_cmpint(f->value[FIGURE_DEPTH_MAX].i, ==, e->depth_max_um);
        g_assert_cmpint(f->value[FIGURE_OVER_COUNT].i, ==, (int64_t) e->over_count);
        g_assert_cmpint(f->value[FIGURE_OVER_TIME].i, ==, (int64_t) e->over_usec);
        for (int zone = 0; zone < _ZONE_MAX; zone++)
                g_assert_cmpint(f->value[FIGURE_ZONE_LOW + zone].i, ==, (int64_t) e->zone_usec[zone]);

        g_assert_cmpint(ABS(p95 - e->p95_mn) * 100, <=, e->p95_mn);
        g_assert_cmpint(p95, >, 2000);
}

static void check(Run *r) {
        OmpFeature feature = { .bits = OMP_FEATURE_STROKES | (r->detects ? OMP_FEATURE_OVERPRESSURE : 0),
                               .kind = OMP_KIND_PEN, .needles = NEEDLES };
        g_autofree Value *values = r->values = g_new(Value, N_VALUES);
        const Value *last = &values[N_VALUES - 1];
        g_auto(Tally) t = { 0 };
        Figures f = { 0 };
        Expected e;
        uint8_t number;

        for (unsigned i = 0; i < G_N_ELEMENTS(areas); i++)
                r->late_peak_mn[i] = INT16_MIN;
        simulate(r);
        tally_init(&t);
        tally_set_feature(&t, &feature);
        tally_set_limits(&t, &limits);
        follow(r, &t);

        tally_figures(&t, &feature, &f);
        compute(r, -1, &e);
        assert_same(&f, &e);
        g_assert_cmpint(f.value[FIGURE_FORCE].i, ==, last->mean_mn);
        g_assert_cmpint(f.value[FIGURE_DEPTH].i, ==, last->depth_um);
        g_assert_cmpint(f.value[FIGURE_LOST_LIVE].i, ==, (int64_t) r->lost);
        g_assert_cmpint(f.value[FIGURE_LATE_LIVE].i, ==, (int64_t) r->late);
        g_assert_cmpint(f.value[FIGURE_GAPS].i, ==, (int64_t) r->gaps);
        g_assert_cmpint(f.value[FIGURE_GAP_TIME].i, ==, (int64_t) ((r->lost + r->late + r->gaps) * PERIOD_USEC));
        g_assert_cmpfloat_with_epsilon(f.value[FIGURE_STROKE_RATE].d,
                                       (double) (last->strokes - last[-1].strokes) * 600000 /
                                       (double) (last->stroke_tick - last[-1].stroke_tick), 1e-6);

        for (unsigned i = 0; tally_area_figures(&t, &feature, i, &number, &f); i++) {
                int area = 0;

                while (areas[area] != number)
                        area++;
                compute(r, area, &e);
                assert_same(&f, &e);
        }
        g_assert_cmpuint(t.areas.n, ==, G_N_ELEMENTS(areas));
}

static void test_a_device_that_detects_overpressure(void) {
        check(&(Run) { .detects = true, .before_wrap = 300000 });
}

static void test_a_device_that_counts_contact(void) {
        check(&(Run) { .counts_contact = true, .before_wrap = 10 });
}

static void test_a_device_that_reboots(void) {
        check(&(Run) { .detects = true, .counts_contact = true, .before_wrap = 1000, .reboot_each = 150000 });
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tally-million/a-device-that-detects-overpressure", test_a_device_that_detects_overpressure);
        g_test_add_func("/tally-million/a-device-that-counts-contact", test_a_device_that_counts_contact);
        g_test_add_func("/tally-million/a-device-that-reboots", test_a_device_that_reboots);
        return g_test_run();
}
