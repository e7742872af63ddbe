/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The charts in words, from the same numbers. */

#include <math.h>

#include "client/chart-parts.h"
#include "client/format.h"
#include "client/text.h"

#define NAME_LENGTH 40                  /* letters, about */
#define NAMES_MAX 6u                    /* of stages, areas and bars; what follows is counted */

static char *duration(double seconds) {
        return format_duration((uint64_t) (CLAMP(seconds, 0, 1e12) * 1e6));
}

/* What a voice can read: times of day and lengths of time do not sound the same. */
static char *spoken_value(double value, ChartUnit unit, const char *unit_text) {
        if (!isfinite(value))
                return g_strdup("not known");

        return unit == CHART_TIME ? duration(value) : chart_value(value, unit, unit_text);
}

/* Not the whole of a name that is as long as a page. */
static char *short_name(const char *name) {
        return canvas_fit(name, 1, NAME_LENGTH);
}

static void append_more(GString *out, size_t n) {
        if (n > NAMES_MAX)
                g_string_append_printf(out, " and %zu more", n - NAMES_MAX);
}

static void append_zones(GString *out, const ChartZones *zones) {
        ChartZones known = chart_known_zones(zones);
        g_autofree char *low = chart_value(known.low_n, CHART_NEWTON, NULL);
        g_autofree char *high = chart_value(known.high_n, CHART_NEWTON, NULL);
        g_autofree char *over = chart_value(known.over_n, CHART_NEWTON, NULL);

        if (!isnan(known.low_n))
                g_string_append_printf(out, " The zone good is from %s to %s", low, high);
        if (!isnan(known.over_n))
                g_string_append_printf(out, "%s over begins at %s", isnan(known.low_n) ? " The zone" : ",", over);
        if (!isnan(known.low_n) || !isnan(known.over_n))
                g_string_append_c(out, '.');
}

/* How often the curve comes up to `bound_n`, each time as long as it stays there. */
static size_t count_peaks(const GArray *points, double bound_n) {
        size_t n = 0;
        bool above = false;

        for (guint i = 0; i < points->len; i++) {
                bool now = g_array_index(points, ChartPoint, i).max >= bound_n;

                n += now && !above;
                above = now;
        }

        return n;
}

static void describe_curve(const ChartForce *force, const GArray *points, const char *nothing, GString *out) {
        g_autofree char *length = duration(chart_force_end(force, points)), *value = NULL, *at = NULL;
        double over = chart_known_zones(&force->zones).over_n;
        const ChartPoint *highest;

        if (points->len == 0) {
                g_string_append(out, nothing);
                return;
        }

        highest = &g_array_index(points, ChartPoint, 0);
        for (guint i = 1; i < points->len; i++)
                if (g_array_index(points, ChartPoint, i).max > highest->max)
                        highest = &g_array_index(points, ChartPoint, i);
        value = chart_value(highest->max, CHART_NEWTON, NULL);
        at = chart_clock(highest->from, 0);
        g_string_append_printf(out, "Force over %s; the highest is %s, at %s.", length, value, at);
        append_zones(out, &force->zones);
        if (!isnan(over)) {
                g_autofree char *peaks = chart_count(count_peaks(points, over), "place");

                g_string_append_printf(out, " The curve is over in %s.", peaks);
        }
}

static void describe_gaps(const ChartForce *force, double end, GString *out) {
        g_autoptr(GArray) gaps = chart_sort_spans(force->gaps, force->n_gaps, end, 1);
        g_autofree char *count = chart_count(force->n_gaps, "gap"), *total = NULL;
        double sec = 0;

        if (force->n_gaps == 0)
                return;

        for (guint i = 0; i < gaps->len; i++) {
                const ChartSpan *gap = &g_array_index(gaps, ChartSpan, i);

                sec += (double) (gap->to_usec - gap->from_usec) / 1e6;
        }
        total = duration(sec);
        g_string_append_printf(out, " Not measured: %s, %s in all.", count, total);
}

static void describe_marks(const ChartForce *force, GString *out) {
        size_t n_alerts = 0;

        for (size_t i = 0; i < force->n_marks; i++)
                n_alerts += force->marks[i].alert;
        if (force->n_marks > 0) {
                g_autofree char *alerts = chart_count(n_alerts, "alert");
                g_autofree char *events = chart_count(force->n_marks - n_alerts, "event");

                g_string_append_printf(out, " Marked: %s and %s.", alerts, events);
        }
}

static void describe_spans(const char *what, const ChartSpan *spans, size_t n_spans, GString *out) {
        for (size_t i = 0; i < MIN(n_spans, NAMES_MAX); i++) {
                g_autofree char *at = chart_clock_usec(spans[i].from_usec), *name = short_name(spans[i].label);

                g_string_append_printf(out, "%s %s from %s", i == 0 ? what : ",", name, at);
        }
        append_more(out, n_spans);
        if (n_spans > 0)
                g_string_append_c(out, '.');
}

static void describe_force(const ChartForce *force, const char *nothing, GString *out) {
        g_autoptr(GArray) points = chart_force_points(force);

        describe_curve(force, points, nothing, out);
        describe_gaps(force, chart_force_end(force, points), out);
        describe_marks(force, out);
        describe_spans(" Stages:", force->stages, force->n_stages, out);
        describe_spans(" Areas:", force->areas, force->n_areas, out);
}

static void describe_histogram(const ChartHistogram *histogram, const char *nothing, GString *out) {
        g_autofree char *total = NULL, *time = NULL, *from = NULL, *to = NULL;
        const ChartBin *most = NULL;
        double sum = 0;

        for (size_t i = 0; i < histogram->n_bins; i++) {
                const ChartBin *bin = &histogram->bins[i];

                if (!chart_is_bin(bin))
                        continue;
                sum += bin->seconds;
                if (!most || bin->seconds > most->seconds)
                        most = bin;
        }

        if (!most) {
                g_string_append(out, nothing);
                return;
        }

        total = duration(sum);
        time = duration(most->seconds);
        from = chart_value(most->from_n, CHART_NEWTON, NULL);
        to = chart_value(most->to_n, CHART_NEWTON, NULL);
        g_string_append_printf(out, "Time in contact by force, %s in all; most of it, %s, from %s to %s.", total, time, from, to);
        append_zones(out, &histogram->zones);
}

static void describe_bars(const ChartBars *bars, GString *out) {
        g_autofree char *what = short_name(bars->what ? bars->what : "Values");

        g_string_append(out, what);
        for (size_t i = 0; i < MIN(bars->n_bars, NAMES_MAX); i++) {
                const ChartBar *bar = &bars->bars[i];
                g_autofree char *value = spoken_value(bar->value, bars->unit, bars->unit_text), *name = short_name(bar->label);

                g_string_append_printf(out, "%s %s %s", i == 0 ? ":" : ",", name, value);
        }
        append_more(out, bars->n_bars);
        g_string_append(out, bars->n_bars == 0 ? ": nothing was measured." : ".");
}

static void describe_trend(const ChartTrend *trend, GString *out) {
        const ChartTrendPoint *first = NULL, *last = NULL, *low = NULL, *high = NULL;
        g_autofree char *what = short_name(trend->what ? trend->what : "Values");
        g_autofree char *sessions = chart_count(trend->n_points, "session");
        g_autofree char *from = NULL, *to = NULL, *least = NULL, *most = NULL, *first_day = NULL, *last_day = NULL;
        size_t n = 0;

        for (size_t i = 0; i < trend->n_points; i++) {
                const ChartTrendPoint *p = &trend->points[i];

                if (!isfinite(p->value))
                        continue;
                n++;
                first = first ? first : p;
                last = p;
                low = !low || p->value < low->value ? p : low;
                high = !high || p->value > high->value ? p : high;
        }

        if (!first) {
                g_string_append_printf(out, "%s: nothing was measured.", what);
                return;
        }

        from = spoken_value(first->value, trend->unit, trend->unit_text);
        to = spoken_value(last->value, trend->unit, trend->unit_text);
        least = spoken_value(low->value, trend->unit, trend->unit_text);
        first_day = short_name(first->label);
        last_day = short_name(last->label);
        most = spoken_value(high->value, trend->unit, trend->unit_text);
        g_string_append_printf(out, "%s of %s: %s on %s", what, sessions, from, first_day);
        if (n > 1)
                g_string_append_printf(out, ", %s on %s; lowest %s, highest %s", to, last_day, least, most);
        if (n < trend->n_points)
                g_string_append_printf(out, "; not known for %zu", trend->n_points - n);
        g_string_append_c(out, '.');
}

char *chart_describe(const Chart *chart) {
        g_autoptr(GString) out = g_string_new(NULL);

        switch (chart->kind) {
        case CHART_FORCE:
                describe_force(&chart->force, chart_nothing(chart), out);
                break;
        case CHART_HISTOGRAM:
                describe_histogram(&chart->histogram, chart_nothing(chart), out);
                break;
        case CHART_BARS:
                describe_bars(&chart->bars, out);
                break;
        case CHART_TREND:
                describe_trend(&chart->trend, out);
                break;
        }

        return text_printable_utf8(out->str);
}
