/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/chart.h"

#include <cairo.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/canvas.h"
#include "client/text.h"
#include "svg-drawing.h"

#define SECOND UINT64_C(1000000)
#define MINUTE (60 * SECOND)

static void assert_described(const Chart *chart, const char *expected) {
        g_autofree char *text = chart_describe(chart);

        g_assert_cmpstr(text, ==, expected);
}

static const ChartZones zones = { 0.3, 2, 5 };

static void fill_buckets(ChartBucket *buckets, size_t n, uint64_t bucket_usec) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(7);

        for (size_t i = 0; i < n; i++) {
                double mean = 1.2 + sin((double) i / 30) * 0.8 + g_rand_double(rand);

                buckets[i] = (ChartBucket) { i * bucket_usec, fmax(mean - g_rand_double(rand), 0), mean,
                        mean + g_rand_double(rand) };
        }
}

static void test_an_hour(void) {
        static const ChartSpan gaps[] = { { 20 * MINUTE, 23 * MINUTE, NULL } };
        static const ChartSpan stages[] = { { 0, 5 * MINUTE, "cleanse" }, { 5 * MINUTE, UINT64_MAX, "needling" } };
        static const ChartSpan areas[] = { { 5 * MINUTE, 30 * MINUTE, "forehead" },
                                           { 30 * MINUTE, 60 * MINUTE, "neck" } };
        static const ChartMark marks[] = { { 5 * MINUTE, false, "Needling" }, { 20 * MINUTE, true, "Link lost" },
                                           { 40 * MINUTE, true, "Force" }, { 40 * MINUTE + SECOND, false, "Pause" } };
        ChartBucket buckets[1000];
        Chart chart = { .kind = CHART_FORCE, .id = "force", .title = "Force over time",
                        .force = { 60 * MINUTE, 3600 * 1000, zones, buckets, G_N_ELEMENTS(buckets), gaps, stages,
                                   areas, 1, 2, 2, marks, 4 } };
        g_autoptr(SvgDrawing) d = NULL;

        fill_buckets(buckets, G_N_ELEMENTS(buckets), 3600 * 1000);
        for (size_t i = 334; i < 384; i++)
                buckets[i].mean_n = NAN;
        buckets[700].max_n = 5.5;
        buckets[702].max_n = buckets[703].max_n = 5.25; /* one place */

        d = svg_drawing_new(&chart);
        g_assert_cmpuint(d->svg->len, <=, 60 * 1024);
        g_assert_cmpfloat(d->width, ==, 720);
        svg_drawing_assert_apart(d);
        svg_drawing_assert_texts(d, "ch-y-ticks", "0 1 2 3 4 5 6");
        svg_drawing_assert_texts(d, "ch-x-ticks", "0:00 10:00 20:00 30:00 40:00 50:00 1:00:00");
        svg_drawing_assert_texts(d, "ch-zone-names", "low < 0.3 N good 0.3–2 N high 2–5 N over ≥ 5 N");
        svg_drawing_assert_texts(d, "ch-marks", "1 2 3–4");
        svg_drawing_assert_texts(d, "ch-gaps", "gap");
        svg_drawing_assert_texts(d, "ch-strip", "Stages cleanse needling Areas forehead neck");
        g_assert_true(svg_drawing_has(d, "1 gap: not measured"));
        g_assert_cmpuint(svg_drawing_count(d, "path ch-line"), ==, 2); /* the gap breaks it */
        g_assert_cmpuint(svg_drawing_count(d, "path ch-band"), ==, 2);
        g_assert_cmpuint(svg_drawing_count(d, "rect ch-zone-over"), ==, 1);
        g_assert_false(svg_drawing_has(d, "Link lost"));
        assert_described(&chart, "Force over 1h 00m; the highest is 5.50 N, at 42:00. The zone good is from 0.30 N to 2.00 N, over begins at 5.00 N."
                                 " The curve is over in 2 places. Not measured: 1 gap, 3m 00s in all. Marked: 2 alerts and 2 events."
                                 " Stages: cleanse from 0:00, needling from 5:00. Areas: forehead from 5:00, neck from 30:00.");
}

static void test_legends_and_titles_are_drawn_if_wanted(void) {
        static const ChartMark marks[] = { { 5 * SECOND + 999999, true, "Link <lost>" }, { 70 * SECOND, false, NULL } };
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "Force & time", .show_title = true, .show_legend = true,
                        .force = { .duration_usec = 2 * MINUTE, .marks = marks, .n_marks = 2 } };
        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

        svg_drawing_assert_apart(d);
        g_assert_true(svg_drawing_has(d, "Force & time"));
        svg_drawing_assert_texts(d, "ch-legend", "1 0:05 Link <lost> 2 1:10");
}

static void test_nothing_was_measured(void) {
        static const struct {
                ChartKind kind;
                const char *shown, *described;
        } cases[] = {
                { CHART_FORCE, "No force was measured.", "No force was measured." },
                { CHART_HISTOGRAM, "No time in contact was measured.", "No time in contact was measured." },
                { CHART_BARS, "Nothing was measured.", "Values: nothing was measured." },
                { CHART_TREND, "Nothing was measured.", "Values: nothing was measured." },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Chart chart = { .kind = cases[i].kind, .id = "e", .title = "" };
                g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

                g_assert_true(svg_drawing_has(d, cases[i].shown));
                svg_drawing_assert_apart(d);
                assert_described(&chart, cases[i].described);
        }
}

static void test_one_bucket_is_seen(void) {
        static const ChartBucket bucket = { 0, 0.5, 1, 1.5 };
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .duration_usec = 0, .buckets = &bucket, .n_buckets = 1 } };
        g_autoptr(SvgDrawing) without_length = svg_drawing_new(&chart), long_session = NULL, alone = NULL;

        g_assert_cmpuint(svg_drawing_count(without_length, "path ch-line"), ==, 1);
        g_assert_cmpuint(svg_drawing_count(without_length, "rect ch-band"), ==, 1);
        svg_drawing_assert_texts(without_length, "ch-x-ticks",
                "0:00.0 0:00.1 0:00.2 0:00.3 0:00.4 0:00.5 0:00.6 0:00.7 0:00.8 0:00.9 0:01.0");

        chart.force.duration_usec = 60 * MINUTE;
        chart.force.bucket_usec = 1000;
        long_session = svg_drawing_new(&chart);
        g_assert_cmpuint(svg_drawing_count(long_session, "rect ch-band"), ==, 1);

        chart.force.bucket_usec = 0;
        alone = svg_drawing_new(&chart);
        g_assert_cmpuint(svg_drawing_count(alone, "rect ch-band"), ==, 1);
        svg_drawing_assert_apart(alone);
}

static void test_forces_that_cannot_be(void) {
        static const ChartBucket buckets[] = {
                { 0, NAN, 1, NAN }, { SECOND, 1, NAN, 2 }, { 2 * SECOND, -INFINITY, 1e300, INFINITY },
                { 3 * SECOND, 5, 1, -5 },
                { 1 * SECOND, 9, 9, 9 }, { 4 * SECOND, 1, INFINITY, 1 }, { UINT64_MAX, 1, 1, 1 },
        };
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .duration_usec = 5 * SECOND, .bucket_usec = SECOND, .zones = { NAN, INFINITY, -1 },
                                   .buckets = buckets } };

        for (size_t n = 1; n <= G_N_ELEMENTS(buckets); n++) {
                g_autoptr(SvgDrawing) d = NULL;

                chart.force.n_buckets = n;
                d = svg_drawing_new(&chart);
                g_assert_null(strstr(d->svg->str, "nan"));
                g_assert_null(strstr(d->svg->str, "inf"));
                g_assert_cmpuint(svg_drawing_count(d, "rect ch-zone-good"), ==, 0);
                svg_drawing_assert_apart(d);
        }
}

static void test_buckets_out_of_order_are_left_out(void) {
        static const ChartBucket buckets[] = { { 0, 1, 1, 1 }, { 10 * SECOND, 1, 1, 1 }, { 5 * SECOND, 9, 9, 9 }, { 11 * SECOND, 1, 1, 1 } };
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .bucket_usec = SECOND, .buckets = buckets, .n_buckets = G_N_ELEMENTS(buckets) } };
        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

        svg_drawing_assert_texts(d, "ch-y-ticks", "0.0 0.2 0.4 0.6 0.8 1.0");
        g_assert_cmpuint(svg_drawing_count(d, "path ch-line"), ==, 2);
        assert_described(&chart, "Force over 12s; the highest is 1.00 N, at 0:00.");
}

static void test_all_the_same(void) {
        static const double forces[] = { 0, 1e-9, 0.004, 1, 3, 1e5, 1e6, -1 };

        for (size_t i = 0; i < G_N_ELEMENTS(forces); i++) {
                ChartBucket buckets[50];
                Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                                .force = { .bucket_usec = SECOND, .zones = zones, .buckets = buckets,
                                           .n_buckets = G_N_ELEMENTS(buckets) } };
                g_autoptr(SvgDrawing) d = NULL;

                for (size_t j = 0; j < G_N_ELEMENTS(buckets); j++)
                        buckets[j] = (ChartBucket) { j * SECOND, forces[i], forces[i], forces[i] };
                d = svg_drawing_new(&chart);
                g_assert_cmpuint(svg_drawing_count(d, "path ch-line"), ==, 1);
                svg_drawing_assert_apart(d);
        }
}

static void test_many_buckets_are_gathered(void) {
        g_autofree ChartBucket *buckets = g_new(ChartBucket, 100000);
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .bucket_usec = 36000, .zones = zones, .buckets = buckets, .n_buckets = 100000 } };
        g_autoptr(SvgDrawing) d = NULL;

        fill_buckets(buckets, 100000, 36000);
        buckets[54321].max_n = 17;
        d = svg_drawing_new(&chart);
        g_assert_cmpuint(d->svg->len, <=, 60 * 1024);
        g_assert_cmpuint(svg_drawing_count(d, "path ch-line"), ==, 1);
        svg_drawing_assert_texts(d, "ch-y-ticks", "0 5 10 15 20");
}

static void test_thousands_of_gaps_are_merged(void) {
        g_autofree ChartSpan *gaps = g_new(ChartSpan, 5000);
        ChartBucket buckets[1000];
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .duration_usec = 60 * MINUTE, .buckets = buckets, .n_buckets = 1000, .gaps = gaps,
                                   .n_gaps = 5000 } };
        g_autoptr(SvgDrawing) d = NULL;

        fill_buckets(buckets, 1000, 3600 * 1000);
        buckets[100].max_n = 9;
        for (size_t i = 0; i < 5000; i++) /* from the last to the first, each 1 ms, some behind the end */
                gaps[i] = (ChartSpan) { (4999 - i) * SECOND, (4999 - i) * SECOND + 1000, NULL };
        d = svg_drawing_new(&chart);
        g_assert_cmpuint(svg_drawing_count(d, "rect ch-gap"), <, 10);
        g_assert_cmpuint(d->svg->len, <=, 60 * 1024);
        g_assert_true(svg_drawing_has(d, "5000 gaps: not measured"));
        assert_described(&chart, "Force over 1h 00m; the highest is 9.00 N, at 6:00. Not measured: 5000 gaps, 3.6s in all.");
}

static void test_gaps_apart_stay_apart(void) {
        static const ChartSpan gaps[] = { { 50 * SECOND, UINT64_MAX, NULL }, { 10 * SECOND, 12 * SECOND, NULL },
                                          { 11 * SECOND, 20 * SECOND, NULL },
                                          { 30 * SECOND, 30 * SECOND + 1, NULL },
                                          { 70 * SECOND, 80 * SECOND, NULL }, { 9, 3, NULL } };
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .duration_usec = MINUTE, .gaps = gaps, .n_gaps = G_N_ELEMENTS(gaps) } };
        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

        g_assert_cmpuint(svg_drawing_count(d, "rect ch-gap"), ==, 3 + 1); /* and one beside the note */
        svg_drawing_assert_texts(d, "ch-gaps", "gap gap");
        g_assert_cmpuint(svg_drawing_count(d, "path ch-outline"), ==, 1);  /* the thin one */
}

static void test_marks_share_badges_where_they_would_touch(void) {
        ChartMark marks[150];
        Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                        .force = { .duration_usec = MINUTE, .marks = marks, .n_marks = 3 } };
        g_autoptr(SvgDrawing) few = NULL, many = NULL, same = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
                marks[i] = (ChartMark) { i * SECOND / 3, i % 2, "mark" };
        marks[2].time_usec = MINUTE;
        few = svg_drawing_new(&chart);
        svg_drawing_assert_texts(few, "ch-marks", "1–2 3");

        marks[2].time_usec = SECOND;
        chart.force.n_marks = G_N_ELEMENTS(marks);
        many = svg_drawing_new(&chart);
        svg_drawing_assert_apart(many);
        g_assert_true(svg_drawing_has(many, "and 51 marks more"));

        for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
                marks[i].time_usec = UINT64_MAX;
        chart.force.n_marks = 20;
        same = svg_drawing_new(&chart);
        svg_drawing_assert_texts(same, "ch-marks", "1–20");
}

static void test_zones_need_bounds_that_make_sense(void) {
        static const struct {
                ChartZones zones;
                const char *names;
        } cases[] = {
                { { 0.3, 2, 5 }, "low < 0.3 N good 0.3–2 N high 2–5 N over ≥ 5 N" },
                { { 0.3, 2, NAN }, "low < 0.3 N good 0.3–2 N high ≥ 2 N" },
                { { 0, 0, 5 }, "over ≥ 5 N" },
                { { 0, 0, 0 }, "" },
                { { NAN, NAN, NAN }, "" },
                { { 2, 0.3, 0 }, "" },
                { { 0.3, 6, 5 }, "over ≥ 5 N" },
                { { 0.3, 2, 50 }, "low < 0.3 N good 0.3–2 N high 2–50 N" },                /* far above the data */
                /* names that would lie over each other */
                { { 0.001, 0.002, 0.003 }, "low < 0 N good 0–0 N high 0–0 N over ≥ 0 N" },
        };
        static const ChartBucket bucket = { 0, 1, 2, 3 };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Chart chart = { .kind = CHART_FORCE, .id = "f", .title = "",
                                .force = { .duration_usec = MINUTE, .zones = cases[i].zones, .buckets = &bucket,
                                           .n_buckets = 1 } };
                g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

                svg_drawing_assert_texts(d, "ch-zone-names", cases[i].names);
                svg_drawing_assert_apart(d);
        }
}

static void test_axes_of_any_length(void) {
        static const uint64_t lengths[] = { 1, 999, SECOND / 3, SECOND, 7 * SECOND, 59 * SECOND, MINUTE, 13 * MINUTE,
                                            59 * MINUTE + 59 * SECOND, 61 * MINUTE,
                                            10 * 60 * MINUTE, 100 * 24 * 60 * MINUTE, UINT64_MAX };
        static const double widths[] = { 1, 320, 500, 720, 1500, 1e9, NAN };

        for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
                for (size_t j = 0; j < G_N_ELEMENTS(widths); j++) {
                        Chart chart = { .kind = CHART_FORCE, .id = "f",
                                        .title = "A title that is longer than the narrowest of pictures", .show_title = true,
                                        .width = widths[j], .force = { .duration_usec = lengths[i], .zones = zones } };
                        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);
                        g_autofree char *ticks = svg_drawing_texts(d, "ch-x-ticks");

                        svg_drawing_assert_apart(d);
                        g_assert_true(g_str_has_prefix(ticks, "0:00"));
                }
}

static const char *const hostile[] = {
        "</text></svg><script>alert(1)</script>", "\"'&<>", "a\x01\x1b[2J\xff", "שלום עולם, זה שם ארוך מאוד",
        "👩‍🔬🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂🙂",
        "\xe2\x80\xae" "evil", "]]>", "\xef\xbf\xbe\xef\xbf\xbf", "", NULL,
};

static void test_hostile_labels(void) {
        g_autofree char *endless = g_strnfill(100000, 'W');

        for (size_t i = 0; i <= G_N_ELEMENTS(hostile); i++) {
                const char *label = i < G_N_ELEMENTS(hostile) ? hostile[i] : endless;
                const ChartSpan spans[] = { { 0, 10 * SECOND, label }, { 10 * SECOND, 11 * SECOND, label },
                                            { 11 * SECOND, MINUTE, label } };
                const ChartMark marks[] = { { 0, true, label } };
                const ChartBar bars[] = { { label, 1, CHART_ZONE_NONE }, { label, NAN, CHART_ZONE_HIGH } };
                const ChartTrendPoint points[] = { { SECOND, label, 1, NAN, NAN }, { 2 * SECOND, label, 2, 1, 3 } };
                const Chart charts[] = {
                        { .kind = CHART_FORCE, .id = "f", .title = label, .show_title = true, .show_legend = true,
                          .force = { .duration_usec = MINUTE, .stages = spans, .areas = spans, .n_stages = 3,
                                     .n_areas = 3, .marks = marks, .n_marks = 1 } },
                        { .kind = CHART_BARS, .id = "b", .title = label, .show_title = true,
                          .bars = { CHART_COUNT, label, label, bars, 2 } },
                        { .kind = CHART_TREND, .id = "t", .title = label, .show_title = true,
                          .trend = { CHART_COUNT, label, label, points, 2 } },
                };

                for (size_t j = 0; j < G_N_ELEMENTS(charts); j++) {
                        g_autoptr(SvgDrawing) d = svg_drawing_new(&charts[j]);
                        g_autofree char *text = chart_describe(&charts[j]), *printable = text_printable(text);

                        svg_drawing_assert_apart(d);
                        g_assert_cmpuint(svg_drawing_count(d, "script "), ==, 0);
                        g_assert_cmpstr(text, ==, printable);
                        g_assert_cmpuint(strlen(text), <, 2000);
                }
        }
}

static void test_histogram(void) {
        static const ChartBin bins[] = { { 0, 0.5, 60 }, { 0.5, 1, 200.4 }, { 1, 1.5, 0 }, { 1.5, 2.5, 30 },
                                         { 2.5, 3, 0.01 }, { NAN, 4, 5 }, { 4, 3, 5 }, { 3, 4, NAN }, { 4, 5, -1 }, { 5, 6, INFINITY } };
        Chart chart = { .kind = CHART_HISTOGRAM, .id = "h", .title = "Time by force",
                        .histogram = { { 0.3, 2, 2.6 }, bins, G_N_ELEMENTS(bins) } };
        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart);

        g_assert_cmpuint(svg_drawing_count(d, "rect ch-bar"), ==, 4);
        svg_drawing_assert_texts(d, "ch-y-ticks", "0:00 1:00 2:00 3:00");
        svg_drawing_assert_texts(d, "ch-zones", "low good high over");
        g_assert_true(svg_drawing_has(d, "N"));
        svg_drawing_assert_apart(d);
        assert_described(&chart, "Time in contact by force, 4m 50s in all; most of it, 3m 20s, from 0.50 N to 1.00 N."
                                 " The zone good is from 0.30 N to 2.00 N, over begins at 2.60 N.");
}

static void test_bars(void) {
        ChartBar bars[80] = { { "low", 12, CHART_ZONE_LOW }, { "good", 3725, CHART_ZONE_GOOD },
                              { "high", 0, CHART_ZONE_HIGH }, { "over", NAN, CHART_ZONE_OVER } };
        Chart chart = { .kind = CHART_BARS, .id = "b", .title = "Zones",
                        .bars = { CHART_TIME, NULL, "Time by zone", bars, 4 } };
        g_autoptr(SvgDrawing) by_zone = svg_drawing_new(&chart), many = NULL;

        g_assert_true(svg_drawing_has(by_zone, "1:02:05"));
        g_assert_true(svg_drawing_has(by_zone, "0:00"));
        g_assert_true(svg_drawing_has(by_zone, "–"));
        g_assert_cmpuint(svg_drawing_count(by_zone, "path ch-outline"), ==, 2);
        svg_drawing_assert_apart(by_zone);
        assert_described(&chart, "Time by zone: low 12s, good 1h 02m, high 0s, over not known.");

        for (size_t i = 0; i < G_N_ELEMENTS(bars); i++)
                bars[i] = (ChartBar) { "area", i % 3 ? (double) i : 1e300, CHART_ZONE_NONE };
        chart.bars.unit = CHART_COUNT;
        chart.bars.unit_text = "/min";
        chart.bars.n_bars = G_N_ELEMENTS(bars);
        many = svg_drawing_new(&chart);
        g_assert_true(svg_drawing_has(many, "and 20 more"));
        g_assert_true(svg_drawing_has(many, "7 /min"));
        svg_drawing_assert_apart(many);
        assert_described(&chart, "Time by zone: area 1e+300 /min, area 1 /min, area 2 /min, area 1e+300 /min, area 4 /min, area 5 /min and 74 more.");
}

static void test_trend(void) {
        static const ChartTrendPoint points[] = {
                { 1000 * MINUTE, "2026-02-01", 1, 0.5, 2.5 }, { 2000 * MINUTE, "2026-02-14", NAN, 0, 9 },
                { 2010 * MINUTE, "2026-02-15", 1.5, NAN, NAN },
                { 5000 * MINUTE, "2026-03-20", 0.8, 2, 1 },
        };
        Chart chart = { .kind = CHART_TREND, .id = "t", .title = "Course",
                        .trend = { CHART_NEWTON, NULL, "Mean force", points, 4 } };
        g_autoptr(SvgDrawing) d = svg_drawing_new(&chart), one = NULL, narrow = NULL;

        g_assert_cmpuint(svg_drawing_count(d, "path ch-point"), ==, 3);
        g_assert_cmpuint(svg_drawing_count(d, "path ch-line"), ==, 1);
        g_assert_cmpuint(svg_drawing_count(d, "path ch-outline"), ==, 3); /* one whisker with its ends */
        svg_drawing_assert_texts(d, "ch-y-ticks", "0.0 0.5 1.0 1.5 2.0 2.5");
        svg_drawing_assert_texts(d, "ch-x-ticks", "2026-03-20 2026-02-01 2026-02-14");
        svg_drawing_assert_apart(d);
        assert_described(&chart, "Mean force of 4 sessions: 1.00 N on 2026-02-01, 0.80 N on 2026-03-20; lowest 0.80 N, highest 1.50 N; not known for 1.");

        chart.trend.n_points = 1;
        one = svg_drawing_new(&chart);
        g_assert_cmpuint(svg_drawing_count(one, "path ch-point"), ==, 1);
        assert_described(&chart, "Mean force of 1 session: 1.00 N on 2026-02-01.");

        chart.trend.n_points = 4;
        chart.width = 320;
        chart.trend.unit = CHART_TIME;
        narrow = svg_drawing_new(&chart);
        svg_drawing_assert_apart(narrow);
}

static void test_trend_of_huge_and_equal_values(void) {
        ChartTrendPoint points[400];
        Chart chart = { .kind = CHART_TREND, .id = "t", .title = "",
                        .trend = { CHART_COUNT, "/min", "Rate", points, G_N_ELEMENTS(points) } };
        static const double values[] = { 0, 1, -3, 1e15, 1e300, INFINITY };

        for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
                g_autoptr(SvgDrawing) d = NULL;

                for (size_t i = 0; i < G_N_ELEMENTS(points); i++)
                        points[i] = (ChartTrendPoint) { v % 2 ? 0 : i * MINUTE, "2026-02-01", values[v], -INFINITY,
                                values[v] };
                d = svg_drawing_new(&chart);
                svg_drawing_assert_apart(d);
                g_assert_cmpuint(svg_drawing_count(d, "path ch-point"), ==, isfinite(values[v]) ? 400 : 0);
        }
}

/* "#rrggbb" of a rule, before or after where the dark ones begin. */
static void css_color(const char *class, bool dark, double rgb[3]) {
        const char *media = strstr(chart_css, "@media screen and (prefers-color-scheme:dark)"), *found;
        g_autofree char *rule = g_strdup_printf("\n.ch-%s{", class);
        unsigned value;

        g_assert_nonnull(media);
        found = strstr(dark ? media : chart_css, rule);
        g_assert_true(found && (dark || found < media));
        value = (unsigned) strtoul(strchr(found, '#') + 1, NULL, 16);
        for (unsigned i = 0; i < 3; i++) {
                double c = (value >> (16 - 8 * i) & 255) / 255.0;

                rgb[i] = c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
        }
}

/* As WCAG 2 defines it. */
static double contrast(const char *a, const char *b, bool dark) {
        double x[3], y[3], of_a, of_b;

        css_color(a, dark, x);
        css_color(b, dark, y);
        of_a = 0.2126 * x[0] + 0.7152 * x[1] + 0.0722 * x[2] + 0.05;
        of_b = 0.2126 * y[0] + 0.7152 * y[1] + 0.0722 * y[2] + 0.05;
        return MAX(of_a, of_b) / MIN(of_a, of_b);
}

static void test_contrast(void) {
        static const struct {
                const char *above, *below;
                double least;
        } pairs[] = {
                { "text", "background", 4.5 }, { "text", "strip", 4.5 }, { "text", "strip-alt", 4.5 },
                { "text", "gap", 4.5 }, { "text", "stripes-gap", 4.5 }, { "muted", "background", 4.5 },
                { "alert-text", "alert", 4.5 }, { "event-text", "event", 4.5 }, { "line", "background", 3 },
                { "line", "band", 3 }, { "line", "zone-low", 3 }, { "line", "zone-good", 3 },
                { "line", "zone-high", 3 }, { "line", "zone-over", 3 }, { "line", "gap", 3 },
                { "line", "stripes-high", 3 }, { "line", "stripes-over", 3 }, { "limit", "zone-over", 3 },
                { "limit", "zone-high", 3 }, { "limit", "zone-good", 3 }, { "limit", "zone-low", 3 },
                { "limit", "gap", 3 }, { "limit", "background", 3 }, { "bound", "zone-low", 3 },
                { "bound", "zone-good", 3 }, { "bound", "zone-high", 3 }, { "bound", "gap", 3 },
                { "bound", "band", 3 }, { "axis", "background", 3 }, { "axis", "zone-over", 3 },
                { "outline", "background", 3 }, { "outline", "zone-high", 3 },
                { "outline", "zone-over", 3 }, { "outline", "gap", 3 }, { "outline", "strip", 3 },
                { "point", "background", 3 }, { "bar", "background", 3 }, { "bar", "zone-low", 3 },
                { "bar", "zone-good", 3 }, { "bar", "zone-high", 3 }, { "bar", "zone-over", 3 },
                { "alert", "background", 3 }, { "event", "background", 3 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++)
                for (unsigned dark = 0; dark < 2; dark++) {
                        double ratio = contrast(pairs[i].above, pairs[i].below, dark);

                        if (ratio < pairs[i].least)
                                g_error("%s on %s has a contrast of %.2f (%s)", pairs[i].above, pairs[i].below, ratio,
                                        dark ? "dark" : "light");
                }
}

static cairo_status_t read_bytes(void *closure, unsigned char *data, unsigned size) {
        GString *file = closure;

        if (file->len < size)
                return CAIRO_STATUS_READ_ERROR;
        memcpy(data, file->str, size);
        g_string_erase(file, 0, size);
        return CAIRO_STATUS_SUCCESS;
}

static unsigned count_color(cairo_surface_t *picture, CanvasClass class) {
        uint32_t color = (uint32_t) g_ascii_strtoull(canvas_paint(class)->color[0] + 1, NULL, 16);
        unsigned n = 0;

        for (int y = 0; y < cairo_image_surface_get_height(picture); y++) {
                const unsigned char *row = cairo_image_surface_get_data(picture) + (ptrdiff_t) y * cairo_image_surface_get_stride(picture);

                for (int x = 0; x < cairo_image_surface_get_width(picture); x++) {
                        uint32_t pixel;

                        memcpy(&pixel, row + (ptrdiff_t) x * 4, sizeof pixel);
                        n += (pixel & 0xffffff) == color;
                }
        }

        return n;
}

static void test_pictures(void) {
        static const ChartBucket buckets[] = { { 0, 0.5, 1, 4 }, { 30 * SECOND, 0.5, 1, 4 }, { MINUTE, 0.5, 5.5, 6 } };
        static const ChartBar bars[] = { { "forehead", 1, CHART_ZONE_NONE } };
        const Chart charts[] = {
                { .kind = CHART_FORCE, .id = "f", .title = "Force",
                  .force = { .duration_usec = 2 * MINUTE, .bucket_usec = 30 * SECOND, .zones = zones,
                             .buckets = buckets, .n_buckets = 3 } },
                { .kind = CHART_BARS, .id = "b", .title = "Areas", .bars = { CHART_NEWTON, NULL, NULL, bars, 1 } },
        };
        static const CanvasClass seen[] = { CANVAS_ZONE_LOW, CANVAS_ZONE_GOOD, CANVAS_ZONE_HIGH, CANVAS_ZONE_OVER,
                                            CANVAS_BAND, CANVAS_BAR };
        g_autoptr(GString) file = NULL;
        cairo_surface_t *picture;

        g_assert_cmpint(chart_png(charts, 2, "Session", 2, &file), ==, 0);
        picture = cairo_image_surface_create_from_png_stream(read_bytes, file);
        g_assert_cmpint(cairo_surface_status(picture), ==, CAIRO_STATUS_SUCCESS);
        g_assert_cmpint(cairo_image_surface_get_width(picture), ==, 2 * (720 + 48));
        /* Half of the plot is without curve: the zones are there, each by its part. */
        for (size_t i = 0; i < G_N_ELEMENTS(seen); i++)
                g_assert_cmpuint(count_color(picture, seen[i]), >, 2000);
        g_assert_cmpuint(count_color(picture, CANVAS_ZONE_HIGH), >, count_color(picture, CANVAS_ZONE_LOW));
        cairo_surface_destroy(picture);
}

static void test_pages(void) {
        Chart charts[7];
        g_autoptr(GString) file = NULL;
        unsigned n_pages = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(charts); i++)
                charts[i] = (Chart) { .kind = CHART_HISTOGRAM, .id = "h", .title = "Time by force" };
        g_assert_cmpint(chart_pdf(charts, G_N_ELEMENTS(charts), "Session & more", &file), ==, 0);
        g_assert_cmpmem(file->str, 5, "%PDF-", 5);
        for (const char *p = file->str; (p = memmem(p, file->len - (gsize) (p - file->str), "/MediaBox [", 11)); p++)
                n_pages++;
        g_assert_cmpuint(n_pages, ==, 2);
}

static void test_pictures_that_cannot_be(void) {
        Chart charts[200];
        GString *file = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(charts); i++)
                charts[i] = (Chart) { .kind = CHART_TREND, .id = "t", .title = "" };
        g_assert_cmpint(chart_png(charts, 0, NULL, 1, &file), ==, -EINVAL);
        g_assert_cmpint(chart_png(charts, 1, NULL, 0.5, &file), ==, -EINVAL);
        g_assert_cmpint(chart_png(charts, 1, NULL, NAN, &file), ==, -EINVAL);
        g_assert_cmpint(chart_png(charts, G_N_ELEMENTS(charts), NULL, 1, &file), ==, -E2BIG);
        g_assert_cmpint(chart_pdf(charts, 0, NULL, &file), ==, -EINVAL);
        g_assert_null(file);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/chart/an-hour", test_an_hour);
        g_test_add_func("/chart/legends-and-titles-are-drawn-if-wanted", test_legends_and_titles_are_drawn_if_wanted);
        g_test_add_func("/chart/nothing-was-measured", test_nothing_was_measured);
        g_test_add_func("/chart/one-bucket-is-seen", test_one_bucket_is_seen);
        g_test_add_func("/chart/forces-that-cannot-be", test_forces_that_cannot_be);
        g_test_add_func("/chart/buckets-out-of-order-are-left-out", test_buckets_out_of_order_are_left_out);
        g_test_add_func("/chart/all-the-same", test_all_the_same);
        g_test_add_func("/chart/many-buckets-are-gathered", test_many_buckets_are_gathered);
        g_test_add_func("/chart/thousands-of-gaps-are-merged", test_thousands_of_gaps_are_merged);
        g_test_add_func("/chart/gaps-apart-stay-apart", test_gaps_apart_stay_apart);
        g_test_add_func("/chart/marks-share-badges-where-they-would-touch",
                        test_marks_share_badges_where_they_would_touch);
        g_test_add_func("/chart/zones-need-bounds-that-make-sense", test_zones_need_bounds_that_make_sense);
        g_test_add_func("/chart/axes-of-any-length", test_axes_of_any_length);
        g_test_add_func("/chart/hostile-labels", test_hostile_labels);
        g_test_add_func("/chart/histogram", test_histogram);
        g_test_add_func("/chart/bars", test_bars);
        g_test_add_func("/chart/trend", test_trend);
        g_test_add_func("/chart/trend-of-huge-and-equal-values", test_trend_of_huge_and_equal_values);
        g_test_add_func("/chart/contrast", test_contrast);
        g_test_add_func("/chart/pictures", test_pictures);
        g_test_add_func("/chart/pages", test_pages);
        g_test_add_func("/chart/pictures-that-cannot-be", test_pictures_that_cannot_be);
        return g_test_run();
}
