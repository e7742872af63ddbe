/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "client/chart-parts.h"

#define PLOT_HEIGHT 220.0
#define ABOVE 22.0                      /* the marks, and the unit */
#define BADGE_HEIGHT 14.0
#define BELOW 22.0                      /* the numbers of the axis */
#define STRIP_HEIGHT 17.0
#define STRIP_PITCH 20.0
#define NOTE_HEIGHT 18.0
#define LEGEND_PITCH 20.0
#define ZONE_PITCH 12.0
#define HATCHED 4.0                     /* narrower gaps have no room for strokes */
#define NARROW 500.0                    /* below, zones have their names alone */
/* How much more than the force of a session the bound of a zone may be to be shown. */
#define BOUND_REACH 4

/* One or more marks whose badges would touch. */
typedef struct Badge {
        size_t first, last;
        double x, width;
        bool alert;
        char text[24];
} Badge;

static double right_margin(double width) {
        return width < NARROW ? 36 : 92;
}

static bool has_note(const ChartForce *force) {
        return force->n_gaps > 0 || force->n_marks > CHART_MARKS_MAX || force->n_stages > CHART_SPANS_MAX ||
               force->n_areas > CHART_SPANS_MAX;
}

static size_t shown_marks(const ChartForce *force) {
        return MIN(force->n_marks, CHART_MARKS_MAX);
}

double chart_force_height(const Chart *chart, double width) {
        const ChartForce *f = &chart->force;
        double height = chart_title_height(chart) + ABOVE + PLOT_HEIGHT + BELOW;

        height += (f->n_stages > 0) * STRIP_PITCH + (f->n_areas > 0) * STRIP_PITCH;
        if (has_note(f))
                height += NOTE_HEIGHT;
        if (chart->show_legend)
                height += (double) shown_marks(f) * LEGEND_PITCH;

        return height + 4;
}

/* Data, and those bounds that are not far beyond it. */
static ChartScale force_scale(const ChartForce *force, const GArray *points) {
        ChartZones zones = chart_known_zones(&force->zones);
        const double bounds[] = { zones.low_n, zones.high_n, zones.over_n };
        double from = 0, to = 0, data;

        for (guint i = 0; i < points->len; i++) {
                from = MIN(from, g_array_index(points, ChartPoint, i).min);
                to = MAX(to, g_array_index(points, ChartPoint, i).max);
        }
        data = to;
        for (size_t i = 0; i < G_N_ELEMENTS(bounds); i++)
                if (bounds[i] > 0 && (data == 0 || bounds[i] <= data * BOUND_REACH))
                        to = MAX(to, bounds[i] * 1.12);
        if (from > -to / 50) /* what is left of the tare is no reason for an axis below 0 */
                from = 0;

        return chart_scale(from, to, 6);
}

static void draw_zones(const ChartPlot *plot, const ChartZones *zones) {
        ChartZoneBand bands[4];
        size_t n = chart_zone_bands(zones, plot->up.from, plot->up.to, bands);

        canvas_begin_group(plot->canvas, "zones");
        for (size_t i = 0; i < n; i++)
                chart_draw_zone(plot->canvas, bands[i].zone, plot->x, chart_y(plot, bands[i].to), plot->width,
                                chart_y(plot, bands[i].from) - chart_y(plot, bands[i].to));
        canvas_end_group(plot->canvas);
}

/* Where a zone begins and ends is part of its name where there is room. */
static char *zone_label(ChartZone zone, const ChartZones *known, double width) {
        const double bounds[] = { known->low_n, known->high_n, known->over_n };
        g_autofree char *from = zone > CHART_ZONE_LOW ? chart_number(bounds[zone - 1], 0) : NULL;
        g_autofree char *to = zone < CHART_ZONE_OVER && !isnan(bounds[zone]) ? chart_number(bounds[zone], 0) : NULL;
        const char *name = chart_zone_name(zone);

        if (width < NARROW)
                return g_strdup(name);
        if (!from)
                return g_strdup_printf("%s < %s N", name, to);
        if (!to)
                return g_strdup_printf("%s \xe2\x89\xa5 %s N", name, from);

        return g_strdup_printf("%s %s\xe2\x80\x93%s N", name, from, to);
}

/* The bounds over the data, and the names beside them, from the bottom up and never over each other. */
static void draw_zone_names(const ChartPlot *plot, const ChartZones *zones, double width) {
        double right = plot->x + plot->width, free_below = plot->y + plot->height + 4;
        ChartZones known = chart_known_zones(zones);
        ChartZoneBand bands[4];
        size_t n = chart_zone_bands(zones, plot->up.from, plot->up.to, bands);

        canvas_begin_group(plot->canvas, "zone-names");
        for (size_t i = 0; i < n; i++) {
                bool over = bands[i].zone == CHART_ZONE_OVER;
                double middle = (chart_y(plot, bands[i].from) + chart_y(plot, bands[i].to)) / 2 + 4;
                double y = MIN(middle, free_below - (i > 0 ? ZONE_PITCH : 0));
                g_autofree char *label = zone_label(bands[i].zone, &known, width);

                if (bands[i].zone != CHART_ZONE_LOW)
                        canvas_line(plot->canvas, plot->x, chart_y(plot, bands[i].from), right, chart_y(plot, bands[i].from),
                                    !over, over ? CANVAS_LIMIT : CANVAS_BOUND);
                canvas_text(plot->canvas, right + 5, y, CHART_SMALL_SIZE, CANVAS_START, CANVAS_TEXT, label);
                free_below = y;
        }
        canvas_end_group(plot->canvas);
}

static void draw_gaps(const ChartPlot *plot, const ChartForce *force) {
        double usec_of_point = plot->across.to / plot->width * 1e6;
        g_autoptr(GArray) gaps = chart_sort_spans(force->gaps, force->n_gaps, plot->across.to, (uint64_t) MAX(usec_of_point, 1));

        canvas_begin_group(plot->canvas, "gaps");
        for (guint i = 0; i < gaps->len; i++) {
                const ChartSpan *gap = &g_array_index(gaps, ChartSpan, i);
                double x = chart_x(plot, (double) gap->from_usec / 1e6), end = chart_x(plot, (double) gap->to_usec / 1e6);
                double width = MAX(end - x, 1), middle = x + width / 2;

                canvas_rectangle(plot->canvas, x, plot->y, width, plot->height, CANVAS_GAP);
                if (width >= HATCHED)
                        canvas_hatch(plot->canvas, x, plot->y, width, plot->height, CANVAS_HATCH_GAP);
                else /* seen as a line at least */
                        canvas_line(plot->canvas, middle, plot->y, middle, plot->y + plot->height, true, CANVAS_OUTLINE);
                if (width > canvas_text_width("gap", CHART_SMALL_SIZE) + 4)
                        canvas_text(plot->canvas, middle, plot->y + 12, CHART_SMALL_SIZE, CANVAS_MIDDLE, CANVAS_TEXT, "gap");
        }
        canvas_end_group(plot->canvas);
}

/* The points `from` … `to`, which belong together. One that stands alone is as wide as its bucket, or as can be seen. */
static void draw_run(const ChartPlot *plot, const GArray *points, guint from, guint to) {
        guint n = to - from;
        g_autofree CanvasPoint *line = g_new(CanvasPoint, n + 1), *band = g_new(CanvasPoint, 2 * n);

        if (n == 1) {
                const ChartPoint *p = &g_array_index(points, ChartPoint, from);
                double x = chart_x(plot, p->from), width = MAX(chart_x(plot, p->to) - x, 2), top = chart_y(plot, p->max);

                x = MIN(x, plot->x + plot->width - width);
                canvas_rectangle(plot->canvas, x, top, width, chart_y(plot, p->min) - top, CANVAS_BAND);
                canvas_line(plot->canvas, x, chart_y(plot, p->mean), x + width, chart_y(plot, p->mean), false, CANVAS_LINE);
                return;
        }

        for (guint i = 0; i < n; i++) {
                const ChartPoint *p = &g_array_index(points, ChartPoint, from + i);
                double x = chart_x(plot, (p->from + p->to) / 2);

                line[i] = (CanvasPoint) { x, chart_y(plot, p->mean) };
                band[i] = (CanvasPoint) { x, chart_y(plot, p->max) };
                band[2 * n - 1 - i] = (CanvasPoint) { x, chart_y(plot, p->min) };
        }
        canvas_polygon(plot->canvas, band, 2 * n, CANVAS_BAND);
        canvas_polyline(plot->canvas, line, n, false, CANVAS_LINE);
}

static void draw_curve(const ChartPlot *plot, const GArray *points, const char *nothing) {
        guint from = 0;

        canvas_begin_group(plot->canvas, "curve");
        for (guint i = 1; i <= points->len; i++)
                if (i == points->len || !g_array_index(points, ChartPoint, i).joined) {
                        draw_run(plot, points, from, i);
                        from = i;
                }
        canvas_end_group(plot->canvas);
        if (points->len == 0)
                chart_draw_nothing(plot, nothing);
}

static void place_badge(const ChartPlot *plot, Badge *badge, double from_x, double to_x) {
        if (badge->first == badge->last)
                g_snprintf(badge->text, sizeof badge->text, "%zu", badge->first + 1);
        else
                g_snprintf(badge->text, sizeof badge->text, "%zu\xe2\x80\x93%zu", badge->first + 1, badge->last + 1);
        badge->width = MAX(canvas_text_width(badge->text, CHART_SMALL_SIZE) + 6, BADGE_HEIGHT);
        badge->x = CLAMP((from_x + to_x) / 2, plot->x, plot->x + plot->width) - badge->width / 2;
}

static double mark_x(const ChartPlot *plot, const ChartForce *force, size_t i) {
        return chart_x(plot, (double) force->marks[i].time_usec / 1e6);
}

/* Marks whose badges would touch share one: "3–5". */
static GArray *place_badges(const ChartPlot *plot, const ChartForce *force) {
        GArray *badges = g_array_new(FALSE, FALSE, sizeof(Badge));

        for (size_t i = 0; i < shown_marks(force); i++) {
                Badge badge = { .first = i, .last = i, .alert = force->marks[i].alert };

                place_badge(plot, &badge, mark_x(plot, force, i), mark_x(plot, force, i));
                while (badges->len > 0) {
                        const Badge *last = &g_array_index(badges, Badge, badges->len - 1);

                        if (last->x + last->width + 1 < badge.x)
                                break;
                        badge.first = last->first;
                        badge.alert = badge.alert || last->alert;
                        place_badge(plot, &badge, mark_x(plot, force, badge.first), mark_x(plot, force, badge.last));
                        g_array_set_size(badges, badges->len - 1);
                }
                g_array_append_val(badges, badge);
        }

        return badges;
}

/* An alert's has a point below, an event's is a plain box. */
static void draw_badge(Canvas *canvas, const Badge *badge, double top) {
        double right = badge->x + badge->width, bottom = top + BADGE_HEIGHT, middle = badge->x + badge->width / 2;
        const CanvasPoint shape[] = {
                { badge->x, top }, { right, top }, { right, bottom }, { middle + 4, bottom },
                { middle, bottom + (badge->alert ? 5 : 0) }, { middle - 4, bottom }, { badge->x, bottom },
        };

        canvas_polygon(canvas, shape, G_N_ELEMENTS(shape), badge->alert ? CANVAS_ALERT : CANVAS_EVENT);
        canvas_text(canvas, middle, top + 10.5, CHART_SMALL_SIZE, CANVAS_MIDDLE,
                    badge->alert ? CANVAS_ALERT_TEXT : CANVAS_EVENT_TEXT, badge->text);
}

/* A line down for an alert, a tick for an event. */
static void draw_mark_lines(const ChartPlot *plot, const ChartForce *force) {
        canvas_begin_group(plot->canvas, "mark-lines");
        for (size_t i = 0; i < shown_marks(force); i++) {
                bool alert = force->marks[i].alert;
                double x = mark_x(plot, force, i), bottom = plot->y + (alert ? plot->height : 6);

                canvas_line(plot->canvas, x, plot->y - 1, x, bottom, alert, alert ? CANVAS_LIMIT : CANVAS_AXIS);
        }
        canvas_end_group(plot->canvas);
}

static void draw_badges(const ChartPlot *plot, const ChartForce *force) {
        g_autoptr(GArray) badges = place_badges(plot, force);

        canvas_begin_group(plot->canvas, "marks");
        for (guint i = 0; i < badges->len; i++)
                draw_badge(plot->canvas, &g_array_index(badges, Badge, i), plot->y - ABOVE + 2);
        canvas_end_group(plot->canvas);
}

static void draw_strip(const ChartPlot *plot, const char *name, const ChartSpan *all, size_t n_all, double top) {
        g_autoptr(GArray) spans = chart_sort_spans(all, MIN(n_all, CHART_SPANS_MAX), plot->across.to, 0);

        canvas_begin_group(plot->canvas, "strip");
        canvas_text(plot->canvas, plot->x - 6, top + 12, CHART_SMALL_SIZE, CANVAS_END, CANVAS_MUTED, name);
        for (guint i = 0; i < spans->len; i++) {
                const ChartSpan *span = &g_array_index(spans, ChartSpan, i);
                uint64_t next_usec = i + 1 < spans->len ? g_array_index(spans, ChartSpan, i + 1).from_usec : UINT64_MAX;
                double x = chart_x(plot, (double) span->from_usec / 1e6);
                double width = chart_x(plot, (double) MIN(span->to_usec, next_usec) / 1e6) - x;
                g_autofree char *label = canvas_fit(span->label, CHART_SMALL_SIZE, width - 6);

                canvas_rectangle(plot->canvas, x, top, width, STRIP_HEIGHT, i % 2 ? CANVAS_STRIP_ALT : CANVAS_STRIP);
                canvas_line(plot->canvas, x, top, x, top + STRIP_HEIGHT, false, CANVAS_OUTLINE);
                canvas_text(plot->canvas, x + 4, top + 12, CHART_SMALL_SIZE, CANVAS_START, CANVAS_TEXT, label);
        }
        canvas_end_group(plot->canvas);
}

static void add_more(GString *text, size_t n, size_t max, const char *noun) {
        g_autofree char *count = n > max ? chart_count(n - max, noun) : NULL;

        if (count)
                g_string_append_printf(text, "%sand %s more", text->len > 0 ? ", " : "", count);
}

/* What the hatching is, and what had no room. */
static void draw_note(const ChartPlot *plot, const ChartForce *force, double top) {
        g_autofree char *gaps = chart_count(force->n_gaps, "gap"), *fitted = NULL;
        g_autoptr(GString) text = g_string_new(NULL);
        double x = plot->x;

        if (force->n_gaps > 0) {
                canvas_rectangle(plot->canvas, x, top + 3, 18, 11, CANVAS_GAP);
                canvas_hatch(plot->canvas, x, top + 3, 18, 11, CANVAS_HATCH_GAP);
                x += 23;
                g_string_append_printf(text, "%s: not measured", gaps);
        }
        add_more(text, force->n_marks, CHART_MARKS_MAX, "mark");
        add_more(text, force->n_stages, CHART_SPANS_MAX, "stage");
        add_more(text, force->n_areas, CHART_SPANS_MAX, "area");
        fitted = canvas_fit(text->str, CHART_SMALL_SIZE, plot->x + plot->width - x);
        canvas_text(plot->canvas, x, top + 12, CHART_SMALL_SIZE, CANVAS_START, CANVAS_MUTED, fitted);
}

static void draw_legend(const ChartForce *force, Canvas *canvas, double width, double top) {
        canvas_begin_group(canvas, "legend");
        for (size_t i = 0; i < shown_marks(force); i++, top += LEGEND_PITCH) {
                const ChartMark *mark = &force->marks[i];
                g_autofree char *time = chart_clock_usec(mark->time_usec);
                g_autofree char *label = canvas_fit(mark->label, CHART_SMALL_SIZE, width - CHART_LEFT - 90);
                Badge badge = { .x = CHART_LEFT, .width = 22, .alert = mark->alert };

                g_snprintf(badge.text, sizeof badge.text, "%zu", i + 1);
                draw_badge(canvas, &badge, top);
                canvas_text(canvas, CHART_LEFT + 74, top + 10.5, CHART_SMALL_SIZE, CANVAS_END, CANVAS_MUTED, time);
                canvas_text(canvas, CHART_LEFT + 84, top + 10.5, CHART_SMALL_SIZE, CANVAS_START, CANVAS_TEXT, label);
        }
        canvas_end_group(canvas);
}

static void draw_below(const Chart *chart, double width, const ChartPlot *plot) {
        const ChartForce *f = &chart->force;
        double top = plot->y + plot->height + BELOW;

        if (f->n_stages > 0) {
                draw_strip(plot, "Stages", f->stages, f->n_stages, top);
                top += STRIP_PITCH;
        }
        if (f->n_areas > 0) {
                draw_strip(plot, "Areas", f->areas, f->n_areas, top);
                top += STRIP_PITCH;
        }
        if (has_note(f)) {
                draw_note(plot, f, top);
                top += NOTE_HEIGHT;
        }
        if (chart->show_legend)
                draw_legend(f, plot->canvas, width, top);
}

void chart_force_draw(const Chart *chart, double width, Canvas *canvas) {
        const ChartForce *f = &chart->force;
        g_autoptr(GArray) points = chart_force_points(f);
        double plot_width = width - CHART_LEFT - right_margin(width), end = chart_force_end(f, points);
        g_autofree char *longest = chart_clock(end, 1);
        ChartPlot plot = {
                .canvas = canvas, .x = CHART_LEFT, .y = chart_title_height(chart) + ABOVE,
                .width = plot_width, .height = PLOT_HEIGHT,
                .up = force_scale(f, points),
                .across = chart_scale_clock(end, (unsigned) (plot_width / (canvas_text_width(longest, CHART_TEXT_SIZE) + 24))),
        };

        chart_title_draw(chart, width, canvas);
        draw_zones(&plot, &f->zones);
        chart_draw_up(&plot, CHART_NEWTON, NULL);
        draw_gaps(&plot, f);
        draw_mark_lines(&plot, f); /* under the curve: an alert is where it has its peaks */
        draw_curve(&plot, points, chart_nothing(chart));
        draw_zone_names(&plot, &f->zones, width);
        chart_draw_across(&plot, true, NULL);
        chart_draw_frame(&plot);
        draw_badges(&plot, f);
        draw_below(chart, width, &plot);
}
