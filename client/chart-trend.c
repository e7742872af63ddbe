/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A value of each session of a course. */

#include <math.h>

#include "client/chart-parts.h"

#define PLOT_HEIGHT 150.0
#define ABOVE 24.0
#define BELOW 22.0
#define RIGHT 24.0
#define POINT_RADIUS 4.0
#define WHISKER 4.0

static double bounded(double value) {
        return CLAMP(value, -CHART_VALUE_MAX, CHART_VALUE_MAX);
}

static bool has_whiskers(const ChartTrendPoint *point) {
        return isfinite(point->min) && isfinite(point->max) && point->max > point->min;
}

double chart_trend_height(const Chart *chart, double width) {
        return chart_title_height(chart) + ABOVE + PLOT_HEIGHT + BELOW + 2;
}

static ChartScale trend_scale(const ChartTrend *trend) {
        double from = 0, to = 0;

        for (size_t i = 0; i < trend->n_points; i++) {
                const ChartTrendPoint *p = &trend->points[i];

                if (!isfinite(p->value))
                        continue;
                from = MIN(from, bounded(has_whiskers(p) ? MIN(p->min, p->value) : p->value));
                to = MAX(to, bounded(has_whiskers(p) ? MAX(p->max, p->value) : p->value));
        }

        return trend->unit == CHART_TIME ? chart_scale_clock(to, 5) : chart_scale(from, to, 5);
}

/* Days as they lie; a single one stands in the middle. In microseconds since the first. */
static double trend_x(const ChartPlot *plot, const ChartTrend *trend, size_t i) {
        uint64_t first = trend->points[0].time_usec, span = trend->points[trend->n_points - 1].time_usec - first;
        uint64_t at = trend->points[i].time_usec;

        if (trend->points[trend->n_points - 1].time_usec <= first)
                return plot->x + plot->width / 2;

        return plot->x + 10 + CLAMP((double) (at - MIN(first, at)) / (double) span, 0, 1) * (plot->width - 20);
}

/* Those dates that have room; the last one always, so that one sees how far it goes. */
static void draw_dates(const ChartPlot *plot, const ChartTrend *trend) {
        double bottom = plot->y + plot->height, free_from = 0, last_from = plot->x + plot->width + RIGHT;

        canvas_begin_group(plot->canvas, "x-ticks");
        for (size_t i = trend->n_points; i-- > 0;) {
                double x = trend_x(plot, trend, i);

                canvas_line(plot->canvas, x, bottom, x, bottom + 4, false, CANVAS_AXIS);
        }
        for (size_t n = 0; n < trend->n_points; n++) {
                size_t i = n == 0 ? trend->n_points - 1 : n - 1; /* the last comes first */
                g_autofree char *label = canvas_fit(trend->points[i].label, CHART_TEXT_SIZE, plot->width / 2 - 4);
                double width = canvas_text_width(label, CHART_TEXT_SIZE);
                double x = CLAMP(trend_x(plot, trend, i), width / 2 + 2, plot->x + plot->width + RIGHT - width / 2 - 2);

                if (x - width / 2 < free_from || x + width / 2 > last_from)
                        continue;
                canvas_text(plot->canvas, x, bottom + 15, CHART_TEXT_SIZE, CANVAS_MIDDLE, CANVAS_MUTED, label);
                if (n == 0)
                        last_from = x - width / 2 - 6;
                else
                        free_from = x + width / 2 + 6;
        }
        canvas_end_group(plot->canvas);
}

static void draw_point(const ChartPlot *plot, const ChartTrendPoint *point, double x) {
        double y = chart_y(plot, point->value);
        const CanvasPoint diamond[] = {
                { x, y - POINT_RADIUS }, { x + POINT_RADIUS, y }, { x, y + POINT_RADIUS }, { x - POINT_RADIUS, y },
        };

        if (has_whiskers(point)) {
                double top = chart_y(plot, point->max), bottom = chart_y(plot, point->min);

                canvas_line(plot->canvas, x, top, x, bottom, false, CANVAS_OUTLINE);
                canvas_line(plot->canvas, x - WHISKER, top, x + WHISKER, top, false, CANVAS_OUTLINE);
                canvas_line(plot->canvas, x - WHISKER, bottom, x + WHISKER, bottom, false, CANVAS_OUTLINE);
        }
        canvas_polygon(plot->canvas, diamond, G_N_ELEMENTS(diamond), CANVAS_POINT);
}

void chart_trend_draw(const Chart *chart, double width, Canvas *canvas) {
        const ChartTrend *t = &chart->trend;
        ChartPlot plot = { .canvas = canvas, .x = CHART_LEFT, .y = chart_title_height(chart) + ABOVE,
                           .width = width - CHART_LEFT - RIGHT, .height = PLOT_HEIGHT, .up = trend_scale(t) };
        g_autofree CanvasPoint *line = g_new(CanvasPoint, t->n_points + 1);
        size_t n_line = 0;

        chart_title_draw(chart, width, canvas);
        chart_draw_up(&plot, t->unit, t->unit_text);
        for (size_t i = 0; i < t->n_points; i++)
                if (isfinite(t->points[i].value))
                        line[n_line++] = (CanvasPoint) { trend_x(&plot, t, i), chart_y(&plot, t->points[i].value) };
        canvas_begin_group(canvas, "curve");
        canvas_polyline(canvas, line, n_line, false, CANVAS_LINE);
        for (size_t i = 0; i < t->n_points; i++)
                if (isfinite(t->points[i].value))
                        draw_point(&plot, &t->points[i], trend_x(&plot, t, i));
        canvas_end_group(canvas);
        if (n_line == 0)
                chart_draw_nothing(&plot, "Nothing was measured.");
        draw_dates(&plot, t);
        chart_draw_frame(&plot);
}
