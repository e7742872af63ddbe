/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/report-html.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/events-view.h"
#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/report-page.h"
#include "needled/note.h"
#include "session/alerts.h"

#define CURVE_ROWS 20u                  /* of the table beside the curve */
#define EVENTS_MAX 200u                 /* that are listed */
#define EVENTS_FOLDED 12u               /* more than these are folded: paper is for what matters */
#define AREAS_MAX 16u

static const char *const zones[] = { "low", "good", "high", "over" };

/* ---- Drawings ---- */

static ChartSpan *chart_spans(const GArray *spans, size_t *ret_n) {
        ChartSpan *made = g_new0(ChartSpan, spans->len + 1);

        for (guint i = 0; i < spans->len; i++) {
                const ReportSpan *span = &g_array_index(spans, ReportSpan, i);

                made[i] = (ChartSpan) { span->from_usec, span->to_usec, span->label };
        }
        *ret_n = spans->len;
        return made;
}

static ChartMark *chart_marks(const Report *report) {
        ChartMark *made = g_new0(ChartMark, report->alerts->len + 1);

        for (guint i = 0; i < report->alerts->len; i++) {
                const ReportAlert *alert = &g_array_index(report->alerts, ReportAlert, i);

                made[i] = (ChartMark) { alert->raised_usec, true, alert->text };
        }

        return made;
}

void report_charts(const Report *report, ReportCharts *ret) {
        Chart *force = &ret->charts[0], *histogram = &ret->charts[1];

        *ret = (ReportCharts) { .n = 2 };
        *force = (Chart) { .kind = CHART_FORCE, .id = "force-curve", .title = "Force over time" };
        force->force.duration_usec = report_length(report);
        force->force.zones = report_zones(report);
        force->force.buckets = (const ChartBucket *) report->buckets->data;
        force->force.n_buckets = report->buckets->len;
        force->force.gaps = ret->gaps = chart_spans(report->gaps, &force->force.n_gaps);
        force->force.stages = ret->stages = chart_spans(report->stages, &force->force.n_stages);
        force->force.areas = ret->areas = chart_spans(report->areas, &force->force.n_areas);
        force->force.marks = ret->marks = chart_marks(report);
        force->force.n_marks = report->alerts->len;

        *histogram = (Chart) { .kind = CHART_HISTOGRAM,
                              .id = "force-histogram",
                              .title = "Time in contact by force",
                              .width = REPORT_HALF_WIDTH };
        if (report_is_stored(report->session)) {
                force->nothing = "The device stored no curve of it.";
                histogram->nothing = "The device stored no histogram of it.";
        }
        histogram->histogram =
                (ChartHistogram) { report_zones(report), (const ChartBin *) report->bins->data, report->bins->len };
}

void report_charts_clear(ReportCharts *charts) {
        g_free(charts->gaps);
        g_free(charts->stages);
        g_free(charts->areas);
        g_free(charts->marks);
        *charts = (ReportCharts) {};
}

/* ---- Head and summary ---- */

static void write_head(GString *out, const Report *report, const char *title) {
        const json_t *s = report->session;
        g_autofree char *start = format_time(report_usec(s, "start")), *duration = format_duration(report_usec(s, "duration"));
        const char *end = json_text(s, "end_reason");

        g_string_append(out, "<header>\n<h1>");
        page_text(out, title);
        g_string_append(out, "</h1>\n<p>");
        page_text(out, start);
        g_string_append(out, ", ");
        page_text(out, duration);
        g_string_append(out, ", ");
        page_text(out, report_device(s));
        if (*json_text(s, "area")) {
                g_string_append(out, ", ");
                page_text(out, json_text(s, "area"));
        }
        if (*end) {
                g_string_append(out, "; ");
                page_text(out, names_end_reason_text(end));
        }
        g_string_append(out, ".</p>\n");
        if (report->live)
                g_string_append(out, "<p class=\"notice\">This session is not over: the figures are those of the "
                                     "moment at which the page was made.</p>\n");
        if (report->redacted)
                g_string_append(out, "<p class=\"notice\">Names, addresses, serial numbers, labels and remarks were "
                                     "left out.</p>\n");
        g_string_append(out, "</header>\n");
}

static void write_summary(GString *out, const Report *report) {
        bool any = false;

        page_section(out, "summary", "Summary");
        page_pairs(out, "tiles");
        for (size_t i = 0; i < n_report_figures; i++) {
                const ReportFigure *figure = &report_figures[i];
                g_autofree char *value = report_figure_text(figure, report->session);

                if (!report_figure_is_shown(figure, report->session))
                        continue;
                page_pair(out, figure->label, value);
                any = true;
        }
        page_pairs_end(out);
        if (!any)
                page_paragraph(out, "No figure of this session is known.");
        page_section_end(out);
}

/* What is other than last time: numbers side by side, and no word about which is better. */
static void write_changes(GString *out, const Report *report) {
        static const char *const titles[] = { "Figure", ">Then", ">Now", "Difference" };
        g_autofree char *when = NULL, *interval = NULL, *caption = NULL;
        bool stored = report_is_stored(report->session);
        PageTable table;
        uint64_t between_usec;

        page_section(out, "changes", "Since the last session");
        if (!report->previous) {
                page_paragraph(out, "There is no earlier session on record with this device, subject and area.");
                page_section_end(out);
                return;
        }
        when = format_time(report_usec(report->previous, "start"));
        between_usec = report_interval(report->previous, report->session);
        interval = format_duration(between_usec);
        caption = g_strdup_printf("Session %" PRId64 " of %s%s%s, and this one", json_number(report->previous, "id"), when,
                                  between_usec > 0 ? ", which ended this long before: " : "", between_usec > 0 ? interval : "");
        table = page_table(out, caption, titles, G_N_ELEMENTS(titles));
        for (size_t i = 0; i < n_report_figures; i++) {
                const ReportFigure *figure = &report_figures[i];
                g_autofree char *then = report_figure_text(figure, report->previous),
                                *now = report_figure_text(figure, report->session), *by = NULL;

                if (!figure->compared || (!then && !now))
                        continue;
                if (!report_figure_is_shown(figure, report->previous) && !report_figure_is_shown(figure, report->session))
                        continue;
                by = report_difference(figure, report->previous, report->session);
                page_cell(&table, figure->label);
                page_cell(&table, then);
                page_cell(&table, now);
                page_cell(&table, by);
        }
        page_table_end(&table);
        if (report_is_stored(report->previous) != stored)
                page_paragraphf(out,
                                "Their strokes are not the same kind: of session %" PRId64 ", which the device stored and "
                                "nobody followed, they are those in contact, of the other all.",
                                json_number(stored ? report->session : report->previous, "id"));
        page_section_end(out);
}

/* ---- Force ---- */

/* The figures have more than the alerts do. */
static void write_not_numbered(GString *out, const Report *report) {
        int64_t times = json_number(report->session, "over_count");

        if (times > report->overpressures && !report_is_stored(report->session))
                page_paragraphf(out,
                                "Overpressure was counted %" PRId64 " time%s and raised as an alert %u time%s: what comes "
                                "while an alert stands, or within 30 s of when it was raised, has no number of its own.",
                                times, times == 1 ? "" : "s", report->overpressures, report->overpressures == 1 ? "" : "s");
        if (report->alerts->len == ALERTS_KEPT)
                page_paragraphf(out, "A session keeps its newest %u alerts; any older ones stand under what happened.", ALERTS_KEPT);
}

static void write_alerts(GString *out, const Report *report) {
        static const char *const titles[] = { ">Number", ">Time", "Level", "Alert" };
        guint n = MIN(report->alerts->len, CHART_MARKS_MAX);
        bool stored = report_is_stored(report->session);
        PageTable table;

        if (n == 0) {
                page_paragraph(out, stored ? "The device stored no alerts of it." : "There were no alerts.");
                return;
        }
        table = page_table(out, "Alerts, by their number in the chart", titles, G_N_ELEMENTS(titles));
        for (guint i = 0; i < n; i++) {
                const ReportAlert *alert = &g_array_index(report->alerts, ReportAlert, i);
                g_autofree char *at = format_elapsed(alert->raised_usec);

                page_cellf(&table, "%u", i + 1);
                page_cell(&table, at);
                page_cell(&table, alert->level);
                page_cell(&table, alert->text);
        }
        page_table_end(&table);
        if (report->alerts->len > n)
                page_paragraphf(out, "%u more are not listed.", report->alerts->len - n);
        if (stored)
                page_paragraph(out, "These are from when the session was taken over. The device stored no alerts of it.");
}

typedef struct Slice {
        double min_n, max_n, sum_n;
        unsigned n;
} Slice;

static void cell_newton(PageTable *table, const Slice *slice, double newton) {
        g_autofree char *text = format_force(llround(newton * 1000));

        page_cell(table, slice->n > 0 ? text : NULL);
}

/* As the drawing has it: what came after the end of use is shown too. */
static uint64_t curve_length(const Report *report) {
        uint64_t length_usec = report_length(report);

        for (guint i = 0; i < report->buckets->len; i++)
                length_usec =
                        MAX(length_usec,
                            MIN(g_array_index(report->buckets, ChartBucket, i).time_usec, (uint64_t) INT64_MAX) + 1);

        return length_usec;
}

/* The curve for those who cannot see it, and for who wants numbers. */
static void write_curve_table(GString *out, const Report *report) {
        static const char *const titles[] = { ">From", ">Smallest", ">Mean", ">Largest" };
        uint64_t length_usec = curve_length(report),
                 slice_usec = MAX((length_usec + CURVE_ROWS - 1) / CURVE_ROWS, UINT64_C(1000000));
        Slice slices[CURVE_ROWS] = {};
        PageTable table;

        for (guint i = 0; i < report->buckets->len; i++) {
                const ChartBucket *b = &g_array_index(report->buckets, ChartBucket, i);
                Slice *slice = &slices[MIN(b->time_usec / slice_usec, CURVE_ROWS - 1)];

                if (isnan(b->mean_n))
                        continue;
                slice->min_n = slice->n > 0 ? MIN(slice->min_n, b->min_n) : b->min_n;
                slice->max_n = slice->n > 0 ? MAX(slice->max_n, b->max_n) : b->max_n;
                slice->sum_n += b->mean_n;
                slice->n++;
        }
        page_details(out, "The curve as a table");
        table = page_table(out, "Force by time, contact or not", titles, G_N_ELEMENTS(titles));
        for (unsigned i = 0; i < CURVE_ROWS && i * slice_usec < length_usec; i++) {
                const Slice *slice = &slices[i];
                g_autofree char *from = format_elapsed(i * slice_usec);

                page_cell(&table, from);
                cell_newton(&table, slice, slice->min_n);
                cell_newton(&table, slice, slice->n > 0 ? slice->sum_n / slice->n : 0);
                cell_newton(&table, slice, slice->max_n);
        }
        page_table_end(&table);
        page_details_end(out);
}

static void write_force(GString *out, const Report *report, const ReportCharts *charts) {
        page_section(out, "force", "Force over time");
        page_wide_chart(out, &charts->charts[0],
                        "The line is the mean force, the band reaches from the smallest mean to the largest peak. "
                        "Hatched: the link was away. Numbers: alerts, "
                        "listed below.");
        if (report->buckets->len > 0)
                write_curve_table(out, report);
        write_alerts(out, report);
        write_not_numbered(out, report);
        page_section_end(out);
}

static void write_zone_table(GString *out, const Report *report) {
        static const char *const titles[] = { "Zone", "Force", ">Time", ">Share" };
        const json_t *times = json_object_get(report->session, "zone_time");
        ChartZones z = report_zones(report);
        const double bounds_n[] = { 0, z.low_n, z.high_n, z.over_n };
        uint64_t all_usec = 0;
        PageTable table;

        for (size_t i = 0; i < G_N_ELEMENTS(zones); i++)
                all_usec += report_usec(times, zones[i]);
        if (all_usec == 0) {
                page_paragraph(out, report_is_stored(report->session) ? "The device stored no times by zone."
                                                                      : "There was no time in contact that had a zone.");
                return;
        }
        table = page_table(out, "Time in contact by zone; the limits as they were at the end", titles, G_N_ELEMENTS(titles));
        for (size_t i = 0; i < G_N_ELEMENTS(zones); i++) {
                g_autofree char *time = format_duration(report_usec(times, zones[i]));

                page_cell(&table, zones[i]);
                if (z.over_n <= 0)
                        page_cell(&table, NULL);
                else if (i + 1 < G_N_ELEMENTS(zones))
                        page_cellf(&table, "%.2f to below %.2f N", bounds_n[i], bounds_n[i + 1]);
                else
                        page_cellf(&table, "%.2f N and more", bounds_n[i]);
                page_cell(&table, time);
                page_cellf(&table, "%.1f %%", 100.0 * (double) report_usec(times, zones[i]) / (double) all_usec);
        }
        page_table_end(&table);
}

static void write_histogram_table(GString *out, const Report *report) {
        static const char *const titles[] = { "Mean force", ">Time in contact" };
        PageTable table;

        page_details(out, "The histogram as a table");
        table = page_table(out, "Time in contact by force", titles, G_N_ELEMENTS(titles));
        for (guint i = 0; i < report->bins->len; i++) {
                const ChartBin *bin = &g_array_index(report->bins, ChartBin, i);
                g_autofree char *time = format_duration((uint64_t) (bin->seconds * 1e6));

                page_cellf(&table, "%.1f to below %.1f N", bin->from_n, bin->to_n);
                page_cell(&table, time);
        }
        page_table_end(&table);
        page_details_end(out);
}

static void write_histogram(GString *out, const Report *report, const ReportCharts *charts) {
        page_section(out, "histogram", "How often which force");
        g_string_append(out, "<div class=\"side\">\n<div>\n");
        page_chart(out, &charts->charts[1], "Time in contact by the mean force of the device's intervals.");
        if (report->bins->len > 0)
                write_histogram_table(out, report);
        g_string_append(out, "</div>\n<div>\n");
        write_zone_table(out, report);
        g_string_append(out, "</div>\n</div>\n");
        page_section_end(out);
}

/* ---- Areas and stages ---- */

static void write_area_bars(GString *out, json_t *areas) {
        Chart chart = { .kind = CHART_BARS, .id = "areas-bars", .title = "Time in contact by area", .width = REPORT_HALF_WIDTH };
        ChartBar bars[AREAS_MAX];
        const char *name;
        json_t *area;

        chart.bars = (ChartBars) { .unit = CHART_TIME, .what = "Time in contact", .bars = bars };
        json_object_foreach(areas, name, area) {
                bool known = json_is_integer(json_object_get(area, "contact_time"));

                if (json_object_size(area) > 0 && chart.bars.n_bars < AREAS_MAX)
                        bars[chart.bars.n_bars++] =
                                (ChartBar) { name, known ? (double) json_number(area, "contact_time") / 1e6 : NAN,
                                            CHART_ZONE_NONE };
        }
        g_string_append(out, "<div class=\"narrow\">\n");
        page_chart(out, &chart, "Time in contact by area.");
        g_string_append(out, "</div>\n");
}

static void write_areas(GString *out, const Report *report) {
        static const char *const keys[] = { "contact_time", "strokes",    "force_mean", "force_p95",
                                            "force_peak",   "over_count", "depth_max" };
        static const char *const titles[] = { "Area", ">In contact", ">Strokes", ">Mean", ">95 %", ">Peak", ">Over", ">Deepest" };
        json_t *areas = json_object_get(report->session, "areas"), *area;
        const char *name;
        PageTable table;

        page_section(out, "areas", "By area");
        if (json_object_size(areas) == 0) {
                page_paragraph(out, "Nothing is known of areas.");
                page_section_end(out);
                return;
        }
        write_area_bars(out, areas);
        table = page_table(out, "Figures by area", titles, G_N_ELEMENTS(titles));
        json_object_foreach(areas, name, area) {
                if (json_object_size(area) == 0)
                        continue;
                page_cell(&table, name);
                for (size_t k = 0; k < G_N_ELEMENTS(keys); k++)
                        for (size_t i = 0; i < n_report_figures; i++)
                                if (strcmp(report_figures[i].key, keys[k]) == 0) {
                                        g_autofree char *text = report_figure_text(&report_figures[i], area);

                                        page_cell(&table, text);
                                }
        }
        page_table_end(&table);
        page_section_end(out);
}

static void write_stages(GString *out, const Report *report) {
        const json_t *stages = json_object_get(report->session, "stages");

        page_section(out, "stages", "Stages");
        if (json_object_size(stages) == 0)
                page_paragraph(out, "No stage was set.");
        page_pairs(out, "pairs");
        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++) {
                g_autofree char *time = json_object_get(stages, stage_name(stage))
                                                ? format_duration(report_usec(stages, stage_name(stage)))
                                                : NULL;

                page_pair(out, stage_name(stage), time);
        }
        page_pairs_end(out);
        if (json_is_true(json_object_get(report->session, "not_cleansed")))
                page_paragraph(out, "The stage needling was set, and cleanse was not before it.");
        page_section_end(out);
}

/* ---- What happened ---- */

static void write_event(PageTable *table, const json_t *event, bool redacted) {
        g_autofree char *at = format_elapsed(report_usec(event, "time")), *what = events_view_what(event);
        bool mark = strcmp(json_text(event, "kind"), "mark") == 0;

        page_cell(table, at);
        page_cell(table, json_text(event, "kind"));
        page_cell(table, mark && redacted ? "a remark, left out" : what);
}

static void write_events(GString *out, const Report *report) {
        static const char *const titles[] = { ">Time", "Kind", "What" };
        json_auto *events = json_sorted(json_object_get(report->session, "events"), "time");
        size_t n = json_array_size(events), shown = MIN(n, EVENTS_MAX);
        bool folded = n > EVENTS_FOLDED;
        PageTable table;

        page_section(out, "events", "What happened");
        if (n == 0)
                page_paragraph(out, "Nothing is on record.");
        if (folded) {
                g_autofree char *summary = g_strdup_printf("All that happened: %zu entries", n);

                page_details(out, summary);
        }
        if (n > 0) {
                table = page_table(out, "Events of the device, alerts, states, stages, areas and marks", titles,
                                   G_N_ELEMENTS(titles));
                for (size_t i = 0; i < shown; i++)
                        write_event(&table, json_array_get(events, i), report->redacted);
                page_table_end(&table);
        }
        if (n > shown)
                page_paragraphf(out, "%zu more are not listed; 'needlectl show' prints them all.", n - shown);
        if (folded) {
                page_details_end(out);
                g_string_append_printf(out, "<p class=\"paper\">%zu entries, not printed because they are folded.</p>\n", n);
        }
        page_section_end(out);
}

/* ---- What was lost ---- */

static void pair_losses(GString *out, const json_t *session, const char *key, const char *term) {
        const json_t *counts = json_object_get(session, key);
        static const char *const streams[] = { "live", "waveform", "event" };
        g_autoptr(GString) text = g_string_new(NULL);

        for (size_t i = 0; i < G_N_ELEMENTS(streams); i++)
                if (json_object_get(counts, streams[i]))
                        g_string_append_printf(text, "%s%" PRId64 " %s", text->len > 0 ? ", " : "",
                                               json_number(counts, streams[i]), streams[i]);
        page_pair(out, term, text->str);
}

static void pair_verified(GString *out, const Report *report) {
        const json_t *v = report->verified;
        g_autofree char *text = NULL;

        if (!v)
                return;
        if (json_is_true(json_object_get(v, "ok")) && !json_object_get(v, "figures_version"))
                text = g_strdup_printf("whole: %" PRId64 " frames, but none of its figures are stored", json_number(v, "frames"));
        else if (json_is_true(json_object_get(v, "ok")))
                text = g_strdup_printf("whole: %" PRId64 " frames, which give these figures", json_number(v, "frames"));
        else if (json_number(v, "damaged") > 0)
                text = g_strdup_printf("%" PRId64 " of its %" PRId64 " parts are damaged, and what was in them is lost",
                                       json_number(v, "damaged"), json_number(v, "chunks"));
        else if (!json_is_true(json_object_get(v, "decoded")))
                text = g_strdup("whole, but it could not be decoded: the profile of the device is not loaded");
        else
                text = g_strdup("whole, but it gives other figures than those that are stored; 'needlectl verify' lists them");
        page_pair(out, "Record", text);
}

static void write_losses(GString *out, const Report *report) {
        const json_t *s = report->session;
        g_autofree char *gaps = NULL, *time = format_duration(report_usec(s, "gap_time"));

        if (json_object_get(s, "gaps"))
                gaps = json_number(s, "gaps") == 0
                               ? g_strdup("none")
                               : g_strdup_printf("%" PRId64 ", %s in all", json_number(s, "gaps"), time);
        page_section(out, "losses", "What was lost");
        page_pairs(out, "pairs");
        page_pair(out, "Gaps", gaps);
        pair_losses(out, s, "lost", "Lost packets");
        pair_losses(out, s, "late", "Late packets");
        pair_verified(out, report);
        page_pairs_end(out);
        page_section_end(out);
}

/* ---- Around the session ---- */

static void write_labels(GString *out, const Report *report) {
        const json_t *s = report->session;
        const json_t *acknowledged = json_object_get(s, "acknowledged");
        g_autofree char *rating =
                json_number(s, "rating") > 0 ? g_strdup_printf("%" PRId64 " of 5", json_number(s, "rating")) : NULL;

        page_section(out, "labels", "Notes and labels");
        page_pairs(out, "pairs");
        page_pair(out, "Subject", json_text(s, "subject"));
        page_pair(out, "Area", json_text(s, "area"));
        page_pair(out, "Product", json_text(s, "product"));
        page_pair(out, "Rating", rating);
        page_pair(out, "Note", json_text(s, "note"));
        if (acknowledged)
                page_pair(out, "Contraindications",
                          json_is_true(acknowledged) ? "the list was acknowledged when the session began"
                                                     : "the list was not acknowledged when the session began");
        page_pairs_end(out);
        page_section_end(out);
}

static void write_device(GString *out, const Report *report) {
        const json_t *s = report->session, *d = report->device;
        g_autofree char *id = g_strdup_printf("%" PRId64, json_number(s, "id"));

        page_section(out, "device", "Device and versions");
        page_pairs(out, "pairs");
        page_pair(out, "Device", *json_text(s, "alias") ? json_text(s, "alias") : NULL);
        page_pair(out, "Address", json_text(s, "device"));
        page_pair(out, "Kind", json_text(d, "kind"));
        page_pair(out, "Manufacturer", json_text(d, "manufacturer"));
        page_pair(out, "Model", json_text(d, "model"));
        page_pair(out, "Serial number", json_text(d, "serial"));
        page_pair(out, "Firmware now", json_text(d, "firmware"));
        page_pair(out, "Profile", *json_text(s, "profile") ? json_text(s, "profile") : json_text(d, "profile"));
        page_pair(out, "Came from", json_text(s, "source"));
        page_pair(out, "Session", id);
        page_pair(out, "UUID", json_text(s, "uuid"));
        page_pair(out, "needled", json_text(report->versions, "needled"));
        page_pair(out, "needlectl", json_text(report->versions, "needlectl"));
        page_pairs_end(out);
        page_section_end(out);
}

GString *report_html(const Report *report) {
        g_autofree char *title = g_strdup_printf("Session %" PRId64, json_number(report->session, "id"));
        GString *out = g_string_new(NULL);
        g_auto(ReportCharts) charts = {};

        report_charts(report, &charts);
        page_begin(out, title);
        write_head(out, report, title);
        write_summary(out, report);
        write_force(out, report, &charts);
        write_histogram(out, report, &charts);
        write_areas(out, report);
        g_string_append(out, "<div class=\"side\">\n");
        write_changes(out, report);
        g_string_append(out, "<div>\n");
        write_stages(out, report);
        write_losses(out, report);
        write_device(out, report);
        g_string_append(out, "</div>\n</div>\n");
        write_events(out, report);
        g_string_append(out, "<div class=\"side\">\n");
        write_labels(out, report);
        if (report->plan)
                page_plan(out, report->plan, report->made_usec);
        g_string_append(out, "</div>\n");
        page_definitions(out, report->session);
        page_end(out, report->versions, report->made_usec);
        return out;
}
