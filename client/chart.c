/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/chart.h"

#include <errno.h>
#include <math.h>

#include "client/chart-parts.h"
#include "client/text.h"

#define DEFAULT_WIDTH 720.0
#define WIDTH_MIN 240.0
#define WIDTH_MAX 4000.0
#define PIXELS_MAX 32767                /* of an image in cairo */
#define MARGIN 24.0
#define HEADING_SIZE 17.0
#define HEADING_HEIGHT 34.0
#define BETWEEN 18.0
/* A4 in points, with the margins that printers need. */
#define PAGE_WIDTH 595.0
#define PAGE_HEIGHT 842.0
#define PAGE_MARGIN 42.0
#define PAGE_FOOT 20.0

#define LIGHT_FILL(name, light, dark, width) ".ch-" name "{fill:" light "}\n"
#define LIGHT_STROKE(name, light, dark, width) ".ch-" name "{fill:none;stroke:" light ";stroke-width:" #width "}\n"
#define DARK_FILL(name, light, dark, width) ".ch-" name "{fill:" dark "}\n"
#define DARK_STROKE(name, light, dark, width) ".ch-" name "{stroke:" dark "}\n"
#define LIGHT(id, name, light, dark, paint, width) LIGHT_##paint(name, light, dark, width)
#define DARK(id, name, light, dark, paint, width) DARK_##paint(name, light, dark, width)

const char chart_css[] =
        ".ch{display:block;max-width:100%;height:auto;font-family:system-ui,sans-serif}\n"
        ".ch path{stroke-linejoin:round}\n"
        CANVAS_CLASSES(LIGHT)
        "@media screen and (prefers-color-scheme:dark){\n"
        CANVAS_CLASSES(DARK)
        "}\n";

static double chart_width(const Chart *chart) {
        return chart->width > 0 ? CLAMP(chart->width, WIDTH_MIN, WIDTH_MAX) : DEFAULT_WIDTH;
}

static double height_at(const Chart *chart, double width) {
        switch (chart->kind) {
        case CHART_FORCE:
                return chart_force_height(chart, width);
        case CHART_HISTOGRAM:
                return chart_histogram_height(chart, width);
        case CHART_BARS:
                return chart_bars_height(chart, width);
        case CHART_TREND:
                return chart_trend_height(chart, width);
        }

        g_assert_not_reached();
}

static void draw_at(const Chart *chart, double width, Canvas *canvas) {
        switch (chart->kind) {
        case CHART_FORCE:
                chart_force_draw(chart, width, canvas);
                break;
        case CHART_HISTOGRAM:
                chart_histogram_draw(chart, width, canvas);
                break;
        case CHART_BARS:
                chart_bars_draw(chart, width, canvas);
                break;
        case CHART_TREND:
                chart_trend_draw(chart, width, canvas);
                break;
        }
}

double chart_height(const Chart *chart) {
        return height_at(chart, chart_width(chart));
}

GString *chart_svg(const Chart *chart) {
        g_autofree char *description = chart_describe(chart), *title = text_printable_utf8(chart->title);
        double width = chart_width(chart);
        Canvas *canvas = canvas_svg_new(chart->id, title, description, width, height_at(chart, width));

        draw_at(chart, width, canvas);
        return canvas_svg_finish(canvas);
}

static double stack_width(const Chart *charts, size_t n_charts) {
        double width = 0;

        for (size_t i = 0; i < n_charts; i++)
                width = MAX(width, chart_width(&charts[i]));

        return width;
}

/* A title belongs to each where no page has it beside. */
static Chart titled(const Chart *chart) {
        Chart copy = *chart;

        copy.show_title = true;
        return copy;
}

static void draw_heading(Canvas *canvas, const char *heading, double left, double top, double width) {
        g_autofree char *fitted = canvas_fit(heading, HEADING_SIZE, width);

        canvas->origin = (CanvasPoint) { 0 };
        canvas_text(canvas, left, top + HEADING_SIZE, HEADING_SIZE, CANVAS_START, CANVAS_TEXT, fitted);
}

int chart_png(const Chart *charts, size_t n_charts, const char *heading, double scale, GString **ret) {
        double width = stack_width(charts, n_charts), top = MARGIN + (heading ? HEADING_HEIGHT : 0), height = top;
        Canvas *canvas;
        int r;

        if (n_charts == 0 || !(scale >= 1 && scale <= 4))
                return -EINVAL;

        for (size_t i = 0; i < n_charts; i++) {
                Chart chart = titled(&charts[i]);

                height += chart_height(&chart) + (i + 1 < n_charts ? BETWEEN : MARGIN);
        }
        if (ceil((width + 2 * MARGIN) * scale) > PIXELS_MAX || ceil(height * scale) > PIXELS_MAX)
                return -E2BIG;

        r = canvas_cairo_new_png(width + 2 * MARGIN, height, scale, &canvas);
        if (r < 0)
                return r;

        if (heading)
                draw_heading(canvas, heading, MARGIN, MARGIN, width);
        for (size_t i = 0; i < n_charts; i++) {
                Chart chart = titled(&charts[i]);

                canvas->origin = (CanvasPoint) { MARGIN, top };
                draw_at(&chart, chart_width(&chart), canvas);
                top += chart_height(&chart) + BETWEEN;
        }

        return canvas_cairo_finish(canvas, ret);
}

static void number_page(Canvas *canvas, unsigned page) {
        g_autofree char *number = g_strdup_printf("%u", page);

        canvas->origin = (CanvasPoint) { 0 };
        canvas_text(canvas, PAGE_WIDTH / 2, PAGE_HEIGHT - PAGE_MARGIN + 12, CHART_SMALL_SIZE, CANVAS_MIDDLE,
                    CANVAS_MUTED, number);
}

/* Drawn in its own size, then made to fit the page. */
static double page_zoom(const Chart *chart, double room) {
        double width = chart_width(chart);

        return MIN(MIN((PAGE_WIDTH - 2 * PAGE_MARGIN) / width, room / height_at(chart, width)), 1);
}

int chart_pdf(const Chart *charts, size_t n_charts, const char *heading, GString **ret) {
        double first = PAGE_MARGIN + (heading ? HEADING_HEIGHT : 0), bottom = PAGE_HEIGHT - PAGE_MARGIN - PAGE_FOOT;
        double top = first;
        unsigned page = 1;
        Canvas *canvas;
        int r;

        if (n_charts == 0)
                return -EINVAL;

        r = canvas_cairo_new_pdf(PAGE_WIDTH, PAGE_HEIGHT, heading, &canvas);
        if (r < 0)
                return r;

        if (heading)
                draw_heading(canvas, heading, PAGE_MARGIN, PAGE_MARGIN, PAGE_WIDTH - 2 * PAGE_MARGIN);
        for (size_t i = 0; i < n_charts; i++) {
                Chart chart = titled(&charts[i]);
                double zoom = page_zoom(&chart, bottom - first), height = chart_height(&chart) * zoom;

                if (top > first && top + height > bottom) {
                        number_page(canvas, page++);
                        canvas_cairo_next_page(canvas);
                        first = top = PAGE_MARGIN;
                }
                canvas_cairo_zoom(canvas, zoom);
                canvas->origin = (CanvasPoint) { PAGE_MARGIN / zoom, top / zoom };
                draw_at(&chart, chart_width(&chart), canvas);
                canvas_cairo_zoom(canvas, 1);
                top += height + BETWEEN;
        }
        number_page(canvas, page);

        return canvas_cairo_finish(canvas, ret);
}
