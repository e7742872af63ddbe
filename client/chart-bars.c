/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Bars: standing ones for a histogram, lying ones where each has a name. */

#include <math.h>

#include "client/chart-parts.h"

#define PLOT_HEIGHT 150.0
#define ABOVE 30.0                      /* the unit, and the names of zones */
#define BELOW 22.0
#define RIGHT 24.0
#define BAR_PITCH 24.0
#define BAR_HEIGHT 16.0
#define NOTE_HEIGHT 18.0

static void draw_bin(const ChartPlot *plot, const ChartBin *bin) {
        double x = chart_x(plot, bin->from_n), width = chart_x(plot, bin->to_n) - x, bottom = plot->y + plot->height;
        double y = MIN(chart_y(plot, bin->seconds), bottom - 1); /* little time is still seen */

        canvas_rectangle(plot->canvas, x + MIN(0.5, width / 8), y, width - MIN(1, width / 4), bottom - y, CANVAS_BAR);
}

bool chart_is_bin(const ChartBin *bin) {
        return isfinite(bin->from_n) && isfinite(bin->to_n) && bin->to_n > bin->from_n &&
               isfinite(bin->seconds) && bin->seconds > 0;
}

double chart_histogram_height(const Chart *chart, double width) {
        return chart_title_height(chart) + ABOVE + PLOT_HEIGHT + BELOW + 2;
}

/* False: there is nothing to draw. */
static bool histogram_scales(const ChartHistogram *histogram, double width, ChartPlot *plot) {
        double from = 0, to = 0, most = 0;

        for (size_t i = 0; i < histogram->n_bins; i++)
                if (chart_is_bin(&histogram->bins[i])) {
                        from = MIN(from, histogram->bins[i].from_n);
                        to = MAX(to, histogram->bins[i].to_n);
                        most = MAX(most, histogram->bins[i].seconds);
                }

        plot->across = chart_scale(MAX(from, -CHART_FORCE_MAX), MIN(to, CHART_FORCE_MAX), (unsigned) MAX(width / 60, 2));
        plot->up = chart_scale_clock(MIN(most, CHART_VALUE_MAX) * 1.08, 4);
        return most > 0;
}

static void draw_histogram_zones(const ChartPlot *plot, const ChartZones *zones) {
        ChartZoneBand bands[4];
        size_t n = chart_zone_bands(zones, plot->across.from, plot->across.to, bands);

        canvas_begin_group(plot->canvas, "zones");
        for (size_t i = 0; i < n; i++) {
                double x = chart_x(plot, bands[i].from), width = chart_x(plot, bands[i].to) - x;
                const char *name = chart_zone_name(bands[i].zone);

                chart_draw_zone(plot->canvas, bands[i].zone, x, plot->y, width, plot->height);
                if (bands[i].zone != CHART_ZONE_LOW)
                        canvas_line(plot->canvas, x, plot->y, x, plot->y + plot->height, bands[i].zone != CHART_ZONE_OVER,
                                    bands[i].zone == CHART_ZONE_OVER ? CANVAS_LIMIT : CANVAS_BOUND);
                if (width > canvas_text_width(name, CHART_SMALL_SIZE))
                        canvas_text(plot->canvas, x + width / 2, plot->y - 4, CHART_SMALL_SIZE, CANVAS_MIDDLE, CANVAS_TEXT, name);
        }
        canvas_end_group(plot->canvas);
}

void chart_histogram_draw(const Chart *chart, double width, Canvas *canvas) {
        const ChartHistogram *h = &chart->histogram;
        ChartPlot plot = { .canvas = canvas, .x = CHART_LEFT, .y = chart_title_height(chart) + ABOVE,
                           .width = width - CHART_LEFT - RIGHT, .height = PLOT_HEIGHT };
        bool any = histogram_scales(h, plot.width, &plot);

        chart_title_draw(chart, width, canvas);
        draw_histogram_zones(&plot, &h->zones);
        chart_draw_up(&plot, CHART_TIME, NULL);
        canvas_begin_group(canvas, "bars");
        for (size_t i = 0; i < h->n_bins; i++)
                if (chart_is_bin(&h->bins[i]))
                        draw_bin(&plot, &h->bins[i]);
        canvas_end_group(canvas);
        if (!any)
                chart_draw_nothing(&plot, chart_nothing(chart));
        chart_draw_across(&plot, false, "N");
        chart_draw_frame(&plot);
}

static size_t shown_bars(const ChartBars *bars) {
        return MIN(bars->n_bars, CHART_BARS_MAX);
}

double chart_bars_height(const Chart *chart, double width) {
        const ChartBars *b = &chart->bars;

        return chart_title_height(chart) + (double) MAX(shown_bars(b), 1) * BAR_PITCH +
               (b->n_bars > CHART_BARS_MAX ? NOTE_HEIGHT : 0) + 6;
}

/* The widest of the labels and of the values; and the highest value. */
static void measure_bars(const ChartBars *bars, double *ret_label, double *ret_value, double *ret_most) {
        *ret_label = *ret_value = *ret_most = 0;
        for (size_t i = 0; i < shown_bars(bars); i++) {
                g_autofree char *value = chart_value(bars->bars[i].value, bars->unit, bars->unit_text);

                *ret_label = MAX(*ret_label, canvas_text_width(bars->bars[i].label, CHART_TEXT_SIZE));
                *ret_value = MAX(*ret_value, canvas_text_width(value, CHART_TEXT_SIZE));
                if (isfinite(bars->bars[i].value))
                        *ret_most = MAX(*ret_most, bars->bars[i].value);
        }
}

static void draw_bar(Canvas *canvas, const ChartBar *bar, double x, double y, double width) {
        const CanvasPoint corners[] = {
                { x, y }, { x + width, y }, { x + width, y + BAR_HEIGHT }, { x, y + BAR_HEIGHT }, { x, y },
        };

        if (bar->zone == CHART_ZONE_NONE) {
                canvas_rectangle(canvas, x, y, width, BAR_HEIGHT, CANVAS_BAR);
                return;
        }

        chart_draw_zone(canvas, bar->zone, x, y, width, BAR_HEIGHT);
        canvas_polyline(canvas, corners, G_N_ELEMENTS(corners), false, CANVAS_OUTLINE);
}

void chart_bars_draw(const Chart *chart, double width, Canvas *canvas) {
        const ChartBars *b = &chart->bars;
        double top = chart_title_height(chart) + 2, label_width, value_width, most, left, room;

        measure_bars(b, &label_width, &value_width, &most);
        label_width = MIN(label_width, width * 0.35);
        value_width = MIN(value_width, width * 0.3);
        left = label_width + 10;
        room = MAX(width - left - value_width - 14, 10);

        chart_title_draw(chart, width, canvas);
        if (b->n_bars == 0)
                canvas_text(canvas, 2, top + 12, CHART_TEXT_SIZE, CANVAS_START, CANVAS_TEXT, "Nothing was measured.");
        for (size_t i = 0; i < shown_bars(b); i++, top += BAR_PITCH) {
                const ChartBar *bar = &b->bars[i];
                double bar_width = bar->value > 0 && isfinite(bar->value) ? MAX(bar->value / most * room, 1) : 0;
                g_autofree char *label = canvas_fit(bar->label, CHART_TEXT_SIZE, label_width + 0.1);
                g_autofree char *value = chart_value(bar->value, b->unit, b->unit_text);
                g_autofree char *fitted = canvas_fit(value, CHART_TEXT_SIZE, value_width + 0.1);

                canvas_text(canvas, left - 6, top + 12, CHART_TEXT_SIZE, CANVAS_END, CANVAS_TEXT, label);
                if (bar_width > 0)
                        draw_bar(canvas, bar, left, top, bar_width);
                canvas_line(canvas, left, top - 3, left, top + BAR_HEIGHT + 3, false, CANVAS_AXIS);
                canvas_text(canvas, left + bar_width + 6, top + 12, CHART_TEXT_SIZE, CANVAS_START, CANVAS_TEXT, fitted);
        }
        if (b->n_bars > CHART_BARS_MAX) {
                g_autofree char *more = g_strdup_printf("and %zu more", b->n_bars - CHART_BARS_MAX);

                canvas_text(canvas, left, top + 12, CHART_SMALL_SIZE, CANVAS_START, CANVAS_MUTED, more);
        }
}
