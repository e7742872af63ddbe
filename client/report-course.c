/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/report-html.h"
#include "client/report-page.h"

#define LABEL_DATE 10                   /* of "2026-02-03 14:05" */

/* ---- Trends ---- */

typedef struct Trend {
        const char *key, *id, *title, *what;
        ChartUnit unit;
        const char *unit_text;
        double scale;
        const char *most;               /* the key of the whisker's end; NULL: none */
} Trend;

static const Trend trends[] = {
        { "force_mean", "trend-force",
          "Mean force; the whisker reaches up to the force that 95 % of the time kept below", "Mean force",
          CHART_NEWTON, NULL, 1e3, "force_p95" },
        { "strokes", "trend-strokes", "Strokes", "Strokes", CHART_COUNT, NULL, 1, NULL },
        { "over_time", "trend-over", "Time over the limit", "Time over the limit", CHART_TIME, NULL, 1e6, NULL },
        { "depth_max", "trend-depth", "Deepest needles in mm", "Deepest needles", CHART_COUNT, "mm", 1e3, NULL },
        { "duration", "trend-duration", "Duration", "Duration", CHART_TIME, NULL, 1e6, NULL },
};

G_STATIC_ASSERT(G_N_ELEMENTS(trends) == REPORT_TRENDS_MAX);

static double value_of(const json_t *session, const char *key, double scale) {
        return key && json_is_integer(json_object_get(session, key)) ? (double) json_number(session, key) / scale : NAN;
}

static char **make_labels(const json_t *sessions) {
        char **labels = g_new0(char *, json_array_size(sessions) + 1);
        json_t *session;
        size_t i;

        json_array_foreach((json_t *) sessions, i, session) {
                g_autofree char *start = format_time(report_usec(session, "start"));

                labels[i] = g_strndup(start, LABEL_DATE);
        }
        return labels;
}

static bool make_trend(const ReportCourse *course, const Trend *trend, char **labels, ChartTrendPoint **ret, Chart *ret_chart) {
        size_t n = json_array_size(course->sessions);
        ChartTrendPoint *points = g_new0(ChartTrendPoint, n + 1);
        bool any = false;

        for (size_t i = 0; i < n; i++) {
                const json_t *session = json_array_get(course->sessions, i);
                double value = value_of(session, trend->key, trend->scale), most = value_of(session, trend->most, trend->scale);

                points[i] = (ChartTrendPoint) { report_usec(session, "start"), labels[i], value,
                                               isnan(most) ? NAN : value, most };
                any |= !isnan(value);
        }
        if (!any) {
                g_free(points);
                return false;
        }
        *ret_chart = (Chart) { .kind = CHART_TREND, .id = trend->id, .title = trend->title, .width = REPORT_HALF_WIDTH };
        ret_chart->trend = (ChartTrend) { trend->unit, trend->unit_text, trend->what, points, n };
        *ret = points;
        return true;
}

void report_trends(const ReportCourse *course, ReportTrends *ret) {
        *ret = (ReportTrends) { .labels = make_labels(course->sessions) };
        for (size_t i = 0; i < G_N_ELEMENTS(trends); i++)
                if (make_trend(course, &trends[i], ret->labels, &ret->points[ret->n], &ret->charts[ret->n]))
                        ret->n++;
}

void report_trends_clear(ReportTrends *r) {
        for (size_t i = 0; i < r->n; i++)
                g_free(r->points[i]);
        g_strfreev(r->labels);
        *r = (ReportTrends) {};
}

static void write_trends(GString *out, const ReportCourse *course) {
        g_auto(ReportTrends) drawn = {};

        report_trends(course, &drawn);
        page_section(out, "trends", "How they changed");
        if (drawn.n == 0)
                page_paragraph(out, "No figure of these sessions is known.");
        g_string_append(out, "<div class=\"side\">\n");
        for (size_t i = 0; i < drawn.n; i++)
                page_chart(out, &drawn.charts[i], drawn.charts[i].title);
        g_string_append(out, "</div>\n");
        page_paragraph(out, "The numbers behind these drawings stand in the table of the sessions.");
        page_section_end(out);
}

/* ---- Sessions ---- */

/* Whether they are told apart by it. */
static bool varies(const json_t *sessions, const char *key) {
        for (size_t i = 1; i < json_array_size(sessions); i++)
                if (strcmp(json_text(json_array_get(sessions, i), key), json_text(json_array_get(sessions, 0), key)) != 0)
                        return true;

        return false;
}

static bool any_stored(const json_t *sessions) {
        for (size_t i = 0; i < json_array_size(sessions); i++)
                if (report_is_stored(json_array_get(sessions, i)))
                        return true;

        return false;
}

/* Whose definitions stand on the page: of what is stored a sentence of its own says what is other. */
static const json_t *defining(const json_t *sessions) {
        size_t n = json_array_size(sessions);

        for (size_t i = n; i > 0; i--)
                if (!report_is_stored(json_array_get(sessions, i - 1)))
                        return json_array_get(sessions, i - 1);

        return n > 0 ? json_array_get(sessions, n - 1) : NULL;
}

static void write_head(GString *out, const ReportCourse *course, const char *title) {
        size_t n = json_array_size(course->sessions);
        const json_t *first = json_array_get(course->sessions, 0), *last = n > 0 ? json_array_get(course->sessions, n - 1) : NULL;
        g_autofree char *from = format_time(report_usec(first, "start")), *to = format_time(report_usec(last, "start"));
        const char *device = varies(course->sessions, "device") || varies(course->sessions, "alias")
                                     ? "several devices"
                                     : report_device(first);
        const char *area = varies(course->sessions, "area") ? "several areas" : json_text(first, "area");

        g_string_append(out, "<header>\n<h1>");
        page_text(out, title);
        g_string_append(out, "</h1>\n");
        page_paragraphf(out, "From %s to %s%s%s%s%s.", *from ? from : "an unknown day", *to ? to : "an unknown day",
                        *device ? ", " : "", device, *area ? ", " : "", area);
        if (course->redacted)
                g_string_append(out, "<p class=\"notice\">Names, addresses and labels were left out.</p>\n");
        g_string_append(out, "</header>\n");
}

static uint64_t sum(const json_t *sessions, const char *key) {
        uint64_t all = 0;
        json_t *session;
        size_t i;

        json_array_foreach((json_t *) sessions, i, session)
                all += report_usec(session, key);
        return all;
}

static void write_summary(GString *out, const ReportCourse *course) {
        g_autofree char *duration = format_duration(sum(course->sessions, "duration")),
                        *contact = format_duration(sum(course->sessions, "contact_time")),
                        *over = format_duration(sum(course->sessions, "over_time")),
                        *n = g_strdup_printf("%zu", json_array_size(course->sessions)),
                        *strokes = g_strdup_printf("%" PRIu64, sum(course->sessions, "strokes")),
                        *times = g_strdup_printf("%" PRIu64, sum(course->sessions, "over_count"));

        page_section(out, "summary", "Summary");
        page_pairs(out, "tiles");
        page_pair(out, "Sessions", n);
        page_pair(out, "Duration in all", duration);
        page_pair(out, "In contact in all", contact);
        page_pair(out, "Strokes in all", strokes);
        page_pair(out, "Overpressure", times);
        page_pair(out, "Time over in all", over);
        page_pairs_end(out);
        page_section_end(out);
}

static void write_figure_cells(PageTable *table, const json_t *session) {
        static const char *const keys[] = { "duration",   "strokes",   "force_mean", "force_p95", "force_peak",
                                            "over_count", "over_time", "depth_max",  "gaps" };

        for (size_t k = 0; k < G_N_ELEMENTS(keys); k++)
                for (size_t f = 0; f < n_report_figures; f++)
                        if (strcmp(report_figures[f].key, keys[k]) == 0) {
                                g_autofree char *text = report_figure_text(&report_figures[f], session);

                                page_cell(table, text);
                        }
}

static void write_sessions(GString *out, const ReportCourse *course) {
        static const char *const figures[] = { ">Duration", ">Strokes",   ">Mean",    ">95 %", ">Peak",
                                               ">Over",     ">Time over", ">Deepest", ">Gaps" };
        bool areas = varies(course->sessions, "area"),
             devices = varies(course->sessions, "device") || varies(course->sessions, "alias"),
             stored = any_stored(course->sessions);
        const char *titles[5 + G_N_ELEMENTS(figures)] = { ">No.", "Start" };
        unsigned n = 2;
        PageTable table;
        json_t *session;
        size_t i;

        if (areas)
                titles[n++] = "Area";
        if (devices)
                titles[n++] = "Device";
        if (stored)
                titles[n++] = "Source";
        memcpy(titles + n, figures, sizeof(figures));
        page_section(out, "sessions", "The sessions");
        table = page_table(out, "Sessions, the oldest first", titles, n + (unsigned) G_N_ELEMENTS(figures));
        json_array_foreach(course->sessions, i, session) {
                g_autofree char *start = format_time(report_usec(session, "start"));

                page_cellf(&table, "%" PRId64, json_number(session, "id"));
                page_cell(&table, start);
                if (areas)
                        page_cell(&table, json_text(session, "area"));
                if (devices)
                        page_cell(&table, report_device(session));
                if (stored)
                        page_cell(&table, report_is_stored(session) ? "stored" : "followed");
                write_figure_cells(&table, session);
        }
        page_table_end(&table);
        if (stored)
                page_paragraph(out, "Stored: the device kept the session itself, and it was not followed. Its strokes are "
                                    "those in contact; of a session that was followed they are all, and the sum has both.");
        page_section_end(out);
}

/* Against the rest that the plan asks for now; what it asked for then is in the alerts of each session. */
static void write_intervals(GString *out, const ReportCourse *course) {
        static const char *const titles[] = { ">Session", "Start", ">Since the end of the one before",
                                              "Against the minimum rest" };
        uint64_t rest_usec = report_usec(course->plan, "rest");
        g_autofree char *rest = format_duration(rest_usec);
        PageTable table;

        page_section(out, "intervals", "Time between the sessions");
        if (rest_usec > 0)
                page_paragraphf(out,
                                "The minimum rest that the plan names now is %s. When a session began it may have been "
                                "another, by the needles of the one "
                                "before and by needled.conf.",
                                rest);
        table = page_table(out, "Intervals", titles, G_N_ELEMENTS(titles));
        for (size_t i = 0; i < json_array_size(course->sessions); i++) {
                const json_t *session = json_array_get(course->sessions, i);
                uint64_t between_usec = i > 0 ? report_interval(json_array_get(course->sessions, i - 1), session) : 0;
                g_autofree char *start = format_time(report_usec(session, "start")), *between = format_duration(between_usec);

                page_cellf(&table, "%" PRId64, json_number(session, "id"));
                page_cell(&table, start);
                page_cell(&table, between_usec > 0 ? between : NULL);
                page_cell(&table, between_usec == 0 || rest_usec == 0 ? NULL
                                  : between_usec < rest_usec          ? "shorter"
                                                                      : "as long or longer");
        }
        page_table_end(&table);
        page_section_end(out);
}

char *report_course_title(const ReportCourse *course) {
        size_t n = json_array_size(course->sessions);

        return g_strdup_printf("Course of %zu session%s", n, n == 1 ? "" : "s");
}

GString *report_course_html(const ReportCourse *course) {
        g_autofree char *title = report_course_title(course);
        GString *out = g_string_new(NULL);

        page_begin(out, title);
        write_head(out, course, title);
        write_summary(out, course);
        write_trends(out, course);
        write_sessions(out, course);
        write_intervals(out, course);
        if (course->plan)
                page_plan(out, course->plan, course->made_usec);
        page_definitions(out, defining(course->sessions));
        page_end(out, course->versions, course->made_usec);
        return out;
}
