/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The pictures of a report, from plain numbers: as SVG for a page, as PNG, and as PDF. What is no number is left out and never
 * drawn; empty charts say that there is nothing to show. All texts are made printable and escaped here; strings and arrays are
 * borrowed while a function runs. Times are microseconds since the session began, forces newtons.
 *
 * A page takes the SVG inline and puts chart_css into its style sheet; colours on dark and on paper come from there. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHART_POINTS_MAX 1000u          /* more are gathered to so many */
#define CHART_MARKS_MAX 99u             /* of marks, what follows is only counted */
#define CHART_SPANS_MAX 100u            /* of stages and areas each, likewise; gaps have no limit, and are merged */
#define CHART_BARS_MAX 60u              /* likewise */

/* Rules for every class that occurs in an SVG (all begin with ".ch-"), with the colours for light, for a dark screen
 * (prefers-color-scheme) and for paper (as light). Also the font and that a chart is never wider than the page. */
extern const char chart_css[];

typedef enum ChartKind {
        CHART_FORCE,
        CHART_HISTOGRAM,
        CHART_BARS,
        CHART_TREND,
} ChartKind;

typedef enum ChartZone {
        CHART_ZONE_LOW,
        CHART_ZONE_GOOD,
        CHART_ZONE_HIGH,
        CHART_ZONE_OVER,
        CHART_ZONE_NONE,                /* there are none, or it belongs to none */
} ChartZone;

typedef enum ChartUnit {
        CHART_NEWTON,                   /* "1.5 N" */
        CHART_TIME,                     /* values in seconds; "3:20" */
        CHART_COUNT,                    /* "1200", or with `unit_text` "1200 /min" */
} ChartUnit;

/* Where good, high and over begin: low < low_n ≤ good < high_n ≤ high < over_n ≤ over. A bound that is NaN or not above 0 is not
 * known; if none is there are no zones. */
typedef struct ChartZones {
        double low_n, high_n, over_n;
} ChartZones;

/* Bucket times ascend. A bucket with a mean of NaN was not measured: the line is broken there. Min and max may be NaN. */
typedef struct ChartBucket {
        uint64_t time_usec;             /* its beginning */
        double min_n, mean_n, max_n;
} ChartBucket;

/* A gap, a stage or an area. One with to_usec == UINT64_MAX lasts until the end. */
typedef struct ChartSpan {
        uint64_t from_usec, to_usec;
        const char *label;              /* NULL for gaps */
} ChartSpan;

/* An alert or an event. It is drawn with its number: the place in the array and 1, which the page's table repeats. */
typedef struct ChartMark {
        uint64_t time_usec;
        bool alert;
        const char *label;              /* for the legend, if that is drawn */
} ChartMark;

typedef struct ChartForce {
        uint64_t duration_usec;         /* of the session; what lies behind it makes the axis longer */
        uint64_t bucket_usec;           /* one bucket's length; 0: up to the next */
        ChartZones zones;
        const ChartBucket *buckets;
        size_t n_buckets;
        const ChartSpan *gaps, *stages, *areas; /* in any order; they may touch and overlap */
        size_t n_gaps, n_stages, n_areas;
        const ChartMark *marks;
        size_t n_marks;
} ChartForce;

typedef struct ChartBin {
        double from_n, to_n;            /* ascending, they may touch */
        double seconds;
} ChartBin;

/* Time in contact by force. */
typedef struct ChartHistogram {
        ChartZones zones;
        const ChartBin *bins;
        size_t n_bins;
} ChartHistogram;

typedef struct ChartBar {
        const char *label;
        double value;                   /* NaN: not known, shown as "–" */
        ChartZone zone;                 /* for bars by zone; else CHART_ZONE_NONE */
} ChartBar;

/* A few bars lying under each other, each with its label and its value as text: time by zone, force by area. */
typedef struct ChartBars {
        ChartUnit unit;
        const char *unit_text;          /* for CHART_COUNT, or NULL */
        const char *what;               /* "Time in contact": begins the description */
        const ChartBar *bars;
        size_t n_bars;
} ChartBars;

/* A session of a course. */
typedef struct ChartTrendPoint {
        uint64_t time_usec;             /* real time: the place on the axis */
        const char *label;              /* its date, as the caller's time zone and taste have it */
        double value;                   /* NaN: missing, left out, and the line leads past it */
        double min, max;                /* whiskers; NaN: none */
} ChartTrendPoint;

typedef struct ChartTrend {
        ChartUnit unit;
        const char *unit_text;
        const char *what;               /* "Mean force" */
        const ChartTrendPoint *points;  /* times ascend */
        size_t n_points;
} ChartTrend;

typedef struct Chart {
        ChartKind kind;
        const char *id;                 /* unique in the page: letters, digits and '-' */
        const char *title;              /* "Force over time" */
        double width;                   /* points; 0: 720, the width of a page; 320 and more are sensible */
        bool show_title;                /* draws the title too; in SVG it is always there as <title> */
        bool show_legend;               /* lists the marks under the chart, where no page does */
        const char *nothing;            /* what an empty curve or histogram says; NULL: that nothing was measured */
        union {
                ChartForce force;
                ChartHistogram histogram;
                ChartBars bars;
                ChartTrend trend;
        };
} Chart;

/* One or two plain sentences with what one sees, for those who do not. Not escaped; the caller frees. */
char *chart_describe(const Chart *chart);

/* In points; depends on what there is to show. */
double chart_height(const Chart *chart);

/* The <svg> element with <title>, <desc> (chart_describe()) and role="img". The caller frees with g_string_free(). */
GString *chart_svg(const Chart *chart);

/* All charts under each other on a light background, titles drawn, with a heading above (NULL: none): `scale` pixels a
 * point (1 to 4). The bytes of the file are for the caller to free. -EINVAL no chart or no such scale, -E2BIG more than
 * 32,767 pixels in a direction, -EOPNOTSUPP the drawing library is not installed, -ENOMEM. */
int chart_png(const Chart *charts, size_t n_charts, const char *heading, double scale, GString **ret);
/* The same on pages of A4, with a number each; a chart is never broken over two pages, and is drawn smaller if it is higher than
 * one. -EINVAL, -EOPNOTSUPP, -ENOMEM. */
int chart_pdf(const Chart *charts, size_t n_charts, const char *heading, GString **ret);
