/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/chart-parts.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#define TICK 4.0
#define UNIT_LENGTH 20                  /* letters, about */

static const double clock_steps[] = { 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600 };

static const struct {
        const char *name;
        CanvasClass class;
} zone_looks[] = {
        [CHART_ZONE_LOW]  = { "low", CANVAS_ZONE_LOW },
        [CHART_ZONE_GOOD] = { "good", CANVAS_ZONE_GOOD },
        [CHART_ZONE_HIGH] = { "high", CANVAS_ZONE_HIGH },
        [CHART_ZONE_OVER] = { "over", CANVAS_ZONE_OVER },
        [CHART_ZONE_NONE] = { "", CANVAS_BACKGROUND },
};

/* The next of 1, 2, 5, 10, … that is not below. */
static double nice_step(double step) {
        double power = pow(10, floor(log10(step)));

        for (unsigned i = 0; i < 3; i++)
                if (step <= power * (double[]) { 1, 2, 5 }[i] * (1 + 1e-9))
                        return power * (double[]) { 1, 2, 5 }[i];

        return power * 10;
}

ChartScale chart_scale(double from, double to, unsigned n_steps) {
        ChartScale scale;
        double span = to - from;

        if (!(span > 0))
                span = 1;
        /* Rounding both ends to steps may take one more than there were. */
        scale.step = nice_step(span / MAX(n_steps, 2u));
        scale.from = floor(from / scale.step + 1e-9) * scale.step;
        scale.to = ceil((from + span) / scale.step - 1e-9) * scale.step;
        return scale;
}

ChartScale chart_scale_clock(double to, unsigned n_steps) {
        double step = (to > 0 ? to : 1) / MAX(n_steps, 1u);

        for (size_t i = 0; i < G_N_ELEMENTS(clock_steps); i++)
                if (step <= clock_steps[i])
                        return (ChartScale) { 0, to > 0 ? to : 1, clock_steps[i] };

        return (ChartScale) { 0, to, nice_step(step / 3600) * 3600 };
}

/* "1.50" → "1.5", "2.00" → "2". */
static void trim_zeros(char *number) {
        size_t length = strlen(number);

        if (!strchr(number, '.') || strchr(number, 'e'))
                return;

        while (number[length - 1] == '0')
                number[--length] = '\0';
        if (number[length - 1] == '.')
                number[--length] = '\0';
}

char *chart_number(double value, double step) {
        char number[G_ASCII_DTOSTR_BUF_SIZE];
        const char *format = step >= 1 ? "%.0f" : step >= 0.1 ? "%.1f" : step == 0 || step >= 0.01 ? "%.2f" : "%.3g";

        if (fabs(value) >= 1e6)
                format = "%.3g";
        else if (step == 0 && fabs(value) >= 1000)
                format = "%.0f";
        if (fabs(value) < (step > 0 ? step / 1000 : 0.005)) /* no "-0" */
                value = 0;

        g_ascii_formatd(number, sizeof number, format, value);
        if (step == 0)
                trim_zeros(number);
        return g_strdup(number);
}

char *chart_clock(double seconds, double step) {
        uint64_t tenths = (uint64_t) llround(CLAMP(seconds, 0, CHART_VALUE_MAX) * 10);
        uint64_t whole = step > 0 && step < 1 ? tenths / 10 : (tenths + 5) / 10;
        GString *out = g_string_new(NULL);

        if (whole >= 3600)
                g_string_append_printf(out, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, whole / 3600, whole / 60 % 60, whole % 60);
        else
                g_string_append_printf(out, "%" PRIu64 ":%02" PRIu64, whole / 60, whole % 60);
        if (step > 0 && step < 1)
                g_string_append_printf(out, ".%u", (unsigned) (tenths % 10));

        return g_string_free(out, FALSE);
}

char *chart_clock_usec(uint64_t usec) {
        return chart_clock(floor((double) usec / 1e6), 0);
}

char *chart_value(double value, ChartUnit unit, const char *unit_text) {
        g_autofree char *number = NULL, *unit_name = NULL;

        if (!isfinite(value))
                return g_strdup("\xe2\x80\x93");
        if (unit == CHART_TIME)
                return chart_clock(value, 0);
        if (unit == CHART_NEWTON) {
                char text[G_ASCII_DTOSTR_BUF_SIZE];

                return g_strdup_printf("%s N", g_ascii_formatd(text, sizeof text, fabs(value) < 1e5 ? "%.2f" : "%.3g", value));
        }

        number = chart_number(value, 0);
        unit_name = canvas_fit(unit_text, 1, UNIT_LENGTH);
        return *unit_name ? g_strdup_printf("%s %s", number, unit_name) : g_steal_pointer(&number);
}

char *chart_count(size_t n, const char *noun) {
        return g_strdup_printf("%zu %s%s", n, noun, n == 1 ? "" : "s");
}

double chart_x(const ChartPlot *plot, double value) {
        const ChartScale *s = &plot->across;

        return plot->x + CLAMP((value - s->from) / (s->to - s->from), 0, 1) * plot->width;
}

double chart_y(const ChartPlot *plot, double value) {
        const ChartScale *s = &plot->up;

        return plot->y + plot->height - CLAMP((value - s->from) / (s->to - s->from), 0, 1) * plot->height;
}

static unsigned scale_ticks(const ChartScale *scale) {
        return (unsigned) floor((scale->to - scale->from) / scale->step + 1e-6) + 1;
}

void chart_draw_up(const ChartPlot *plot, ChartUnit unit, const char *unit_text) {
        Canvas *c = plot->canvas;
        const ChartScale *s = &plot->up;
        const char *name = unit == CHART_NEWTON ? "N" : unit == CHART_TIME ? s->to >= 3600 ? "h:min:s" : "min:s" : unit_text;
        g_autofree char *fitted = canvas_fit(name, CHART_TEXT_SIZE, plot->width / 2);
        double left;

        canvas_begin_group(c, "y-ticks");
        for (unsigned i = 0; i < scale_ticks(s); i++) {
                double value = s->from + i * s->step, y = chart_y(plot, value);
                g_autofree char *label = unit == CHART_TIME ? chart_clock(value, s->step) : chart_number(value, s->step);

                canvas_line(c, plot->x, y, plot->x + plot->width, y, false, CANVAS_GRID);
                canvas_text(c, plot->x - TICK - 2, y + 4, CHART_TEXT_SIZE, CANVAS_END, CANVAS_MUTED, label);
        }
        canvas_end_group(c);
        left = MAX(plot->x - TICK - 2 - canvas_text_width(fitted, CHART_TEXT_SIZE), 2);
        canvas_text(c, left, plot->y - 9, CHART_TEXT_SIZE, CANVAS_START, CANVAS_MUTED, fitted);
}

void chart_draw_across(const ChartPlot *plot, bool clock, const char *unit_text) {
        Canvas *c = plot->canvas;
        const ChartScale *s = &plot->across;
        double bottom = plot->y + plot->height, first_left = plot->x - 10;
        const char *name = clock ? s->to >= 3600 ? "h:min:s" : "min:s" : unit_text;

        canvas_begin_group(c, "x-ticks");
        for (unsigned i = 0; i < scale_ticks(s); i++) {
                double value = s->from + i * s->step, x = chart_x(plot, value);
                g_autofree char *label = clock ? chart_clock(value, s->step) : chart_number(value, s->step);
                double width = canvas_text_width(label, CHART_TEXT_SIZE);

                canvas_line(c, x, bottom, x, bottom + TICK, false, CANVAS_AXIS);
                if (i == 0)
                        first_left = MIN(first_left, x - width / 2);
                canvas_text(c, x, bottom + TICK + 11, CHART_TEXT_SIZE, CANVAS_MIDDLE, CANVAS_MUTED, label);
        }
        canvas_end_group(c);
        canvas_text(c, first_left - 2, bottom + TICK + 11, CHART_SMALL_SIZE, CANVAS_END, CANVAS_MUTED, name);
}

void chart_draw_frame(const ChartPlot *plot) {
        double bottom = plot->y + plot->height;

        canvas_line(plot->canvas, plot->x, plot->y, plot->x, bottom, false, CANVAS_AXIS);
        canvas_line(plot->canvas, plot->x, bottom, plot->x + plot->width, bottom, false, CANVAS_AXIS);
}

double chart_title_height(const Chart *chart) {
        return chart->show_title ? 24 : 2;
}

void chart_title_draw(const Chart *chart, double width, Canvas *canvas) {
        g_autofree char *title = canvas_fit(chart->title, CHART_TITLE_SIZE, width - 4);

        if (chart->show_title)
                canvas_text(canvas, 2, 16, CHART_TITLE_SIZE, CANVAS_START, CANVAS_TEXT, title);
}

const char *chart_nothing(const Chart *chart) {
        return chart->nothing                    ? chart->nothing
               : chart->kind == CHART_HISTOGRAM ? "No time in contact was measured."
                                                : "No force was measured.";
}

void chart_draw_nothing(const ChartPlot *plot, const char *text) {
        canvas_text(plot->canvas, plot->x + plot->width / 2, plot->y + plot->height / 2, CHART_TEXT_SIZE,
                    CANVAS_MIDDLE, CANVAS_TEXT, text);
}

const char *chart_zone_name(ChartZone zone) {
        return zone_looks[zone].name;
}

CanvasClass chart_zone_class(ChartZone zone) {
        return zone_looks[zone].class;
}

void chart_draw_zone(Canvas *canvas, ChartZone zone, double x, double y, double width, double height) {
        canvas_rectangle(canvas, x, y, width, height, zone_looks[zone].class);
        if (zone == CHART_ZONE_HIGH)
                canvas_hatch(canvas, x, y, width, height, CANVAS_HATCH_HIGH);
        if (zone == CHART_ZONE_OVER)
                canvas_hatch(canvas, x, y, width, height, CANVAS_HATCH_OVER);
}

ChartZones chart_known_zones(const ChartZones *zones) {
        ChartZones known = { NAN, NAN, NAN };

        if (zones->over_n > 0 && zones->over_n <= CHART_FORCE_MAX)
                known.over_n = zones->over_n;
        if (zones->low_n > 0 && zones->high_n > zones->low_n && zones->high_n <= CHART_FORCE_MAX &&
            !(zones->high_n > known.over_n)) {
                known.low_n = zones->low_n;
                known.high_n = zones->high_n;
        }

        return known;
}

size_t chart_zone_bands(const ChartZones *zones, double from, double to, ChartZoneBand ret[4]) {
        ChartZones known = chart_known_zones(zones);
        const ChartZoneBand all[] = {
                { CHART_ZONE_LOW,  from,         known.low_n },
                { CHART_ZONE_GOOD, known.low_n,  known.high_n },
                { CHART_ZONE_HIGH, known.high_n, isnan(known.over_n) ? to : known.over_n },
                { CHART_ZONE_OVER, known.over_n, to },
        };
        size_t n = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
                if (!isnan(all[i].from) && !isnan(all[i].to) && MIN(all[i].to, to) > MAX(all[i].from, from))
                        ret[n++] = (ChartZoneBand) { all[i].zone, MAX(all[i].from, from), MIN(all[i].to, to) };

        return n;
}
