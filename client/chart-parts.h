/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the charts have in common, and the parts that chart.c puts together. */

#include <glib.h>

#include "client/canvas.h"
#include "client/chart.h"

#define CHART_TEXT_SIZE 11.0
#define CHART_SMALL_SIZE 10.0
#define CHART_TITLE_SIZE 14.0
#define CHART_LEFT 56.0                 /* what the labels of the upward axis take */
#define CHART_FORCE_MAX 1e6             /* N; more is not drawn higher */
#define CHART_VALUE_MAX 1e15

/* Ticks are at the multiples of `step` in from … to. */
typedef struct ChartScale {
        double from, to, step;
} ChartScale;

typedef struct ChartPlot {
        Canvas *canvas;
        double x, y, width, height;     /* in points */
        ChartScale across, up;
} ChartPlot;

typedef struct ChartZoneBand {
        ChartZone zone;
        double from, to;
} ChartZoneBand;

/* A bucket that can be drawn; seconds and newtons, all finite. */
typedef struct ChartPoint {
        double from, to;
        double min, mean, max;
        bool joined;                    /* to the one before */
} ChartPoint;

/* Steps of 1, 2 or 5 times a power of ten, both ends on one; at most so many steps. */
ChartScale chart_scale(double from, double to, unsigned n_steps);
/* Steps that a clock has, from 0 to exactly `to` seconds. */
ChartScale chart_scale_clock(double to, unsigned n_steps);

/* "1.50": with as many decimals as the step needs (0: as the value needs, two at most). "3:20", "1:03:20", "0:00.5".
 * Callers free all. */
char *chart_number(double value, double step);
char *chart_clock(double seconds, double step);
/* Of a moment: rounded down, as tables have it. */
char *chart_clock_usec(uint64_t usec);
/* With its unit: "1.50 N", "3:20", "1200 /min"; "–" for no number. */
char *chart_value(double value, ChartUnit unit, const char *unit_text);
/* "1 gap", "3 gaps" */
char *chart_count(size_t n, const char *noun);

double chart_x(const ChartPlot *plot, double value);
double chart_y(const ChartPlot *plot, double value);

/* Lines, ticks and numbers; the unit of the upward one stands above it, that of the other left of its numbers. */
void chart_draw_up(const ChartPlot *plot, ChartUnit unit, const char *unit_text);
void chart_draw_across(const ChartPlot *plot, bool clock, const char *unit_text);
void chart_draw_frame(const ChartPlot *plot);
/* The title, if it is to be shown, and where what is below it begins. */
double chart_title_height(const Chart *chart);
void chart_title_draw(const Chart *chart, double width, Canvas *canvas);
/* What an empty curve or histogram says; and in the middle of the plot. */
const char *chart_nothing(const Chart *chart);
void chart_draw_nothing(const ChartPlot *plot, const char *text);

const char *chart_zone_name(ChartZone zone);
CanvasClass chart_zone_class(ChartZone zone);
/* Tint and hatching of a zone. */
void chart_draw_zone(Canvas *canvas, ChartZone zone, double x, double y, double width, double height);
/* The known zones between `from` and `to`, ascending; how many they are, 0: none known. */
size_t chart_zone_bands(const ChartZones *zones, double from, double to, ChartZoneBand ret[4]);
/* Bounds that are not known, or do not ascend, become NaN. */
ChartZones chart_known_zones(const ChartZones *zones);

/* What can be drawn of the buckets, at most CHART_POINTS_MAX; and where the axis of time ends, in seconds. */
GArray *chart_force_points(const ChartForce *force);
double chart_force_end(const ChartForce *force, const GArray *points);
/* Of ChartSpan: sorted, cut at the end; those closer than `distance_usec` are joined if that is not 0. Those that are
 * empty or behind the end are left out. The labels are those of the first of each. */
GArray *chart_sort_spans(const ChartSpan *spans, size_t n_spans, double end_sec, uint64_t distance_usec);

/* Whether there is something to draw of it. */
bool chart_is_bin(const ChartBin *bin);

/* Each draws on the whole canvas from its origin on; `width` is that of the chart. */
double chart_force_height(const Chart *chart, double width);
void chart_force_draw(const Chart *chart, double width, Canvas *canvas);
double chart_histogram_height(const Chart *chart, double width);
void chart_histogram_draw(const Chart *chart, double width, Canvas *canvas);
double chart_bars_height(const Chart *chart, double width);
void chart_bars_draw(const Chart *chart, double width, Canvas *canvas);
double chart_trend_height(const Chart *chart, double width);
void chart_trend_draw(const Chart *chart, double width, Canvas *canvas);
