/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "client/json.h"
#include "client/report-html.h"
#include "client/text.h"

#define HOUR_USEC UINT64_C(3600000000)

static const char full_session[] =
        "{\"id\": 42, \"uuid\": \"7d0c\", \"start\": 1770127500000000, \"end\": 1770128100000000, \"device\": \"C0:FF:EE:00:00:01\","
        " \"alias\": \"my pen\", \"profile\": \"omp1\", \"subject\": \"anna\", \"area\": \"chin\", \"product\": \"serum\", \"note\": \"left side\","
        " \"rating\": 4, \"owner\": 1000, \"owner_name\": \"anna\", \"end_reason\": \"device\", \"source\": \"live\", \"acknowledged\": true,"
        " \"duration\": 590000000, \"lead_in\": 10000000, \"contact_time\": 400000000, \"strokes\": 45012, \"force_mean\": 850, \"force_p95\": 1400,"
        " \"force_peak\": 3400, \"over_count\": 1, \"over_time\": 2000000, \"depth_max\": 500, \"gaps\": 1, \"gap_time\": 5000000,"
        " \"zone_time\": {\"low\": 100000000, \"good\": 290000000, \"high\": 8000000, \"over\": 2000000},"
        " \"zones\": {\"good\": 300, \"high\": 2000, \"over\": 3000}, \"force_time\": [0, 0, 100000000, 0, 0, 0, 0, 0, 300000000],"
        " \"lost\": {\"live\": 3, \"waveform\": 0}, \"areas\": {\"unspecified\": {}, \"chin\": {\"contact_time\": 300000000, \"strokes\": 40000,"
        " \"force_mean\": 800, \"force_peak\": 3400}, \"nose\": {\"contact_time\": 100000000, \"strokes\": 5012}},"
        " \"stages\": {\"needling\": 500000000}, \"not_cleansed\": true,"
        " \"events\": ["
        "  {\"id\": 1, \"time\": 0, \"kind\": \"state\", \"name\": \"running\"},"
        "  {\"id\": 2, \"time\": 20000000, \"kind\": \"stage\", \"name\": \"needling\"},"
        "  {\"id\": 3, \"time\": 30000000, \"kind\": \"area\", \"name\": \"chin\"},"
        "  {\"id\": 4, \"time\": 60000000, \"kind\": \"alert\", \"name\": \"overpressure\", \"level\": \"warning\", \"raised\": true, \"text\": \"Too much force: 3.40 N.\"},"
        "  {\"id\": 5, \"time\": 63000000, \"kind\": \"alert\", \"name\": \"overpressure\", \"level\": \"warning\", \"raised\": false, \"text\": \"Too much force.\"},"
        "  {\"id\": 6, \"time\": 70000000, \"kind\": \"mark\", \"name\": \"mark\", \"text\": \"anna said <ouch>\"},"
        "  {\"id\": 7, \"time\": 80000000, \"kind\": \"area\", \"name\": \"nose\"},"
        "  {\"id\": 8, \"time\": 90000000, \"kind\": \"state\", \"name\": \"interrupted\"},"
        "  {\"id\": 9, \"time\": 95000000, \"kind\": \"state\", \"name\": \"running\"}]}";

static const char previous_session[] =
        "{\"id\": 41, \"start\": 1768913100000000, \"alias\": \"my pen\", \"subject\": \"anna\", \"area\": \"chin\", \"lead_in\": 0, \"duration\": 500000000,"
        " \"strokes\": 45012, \"force_mean\": 1050, \"force_peak\": 2000, \"over_count\": 0, \"over_time\": 0, \"gaps\": 0}";

static json_t *parsed(const char *text) {
        json_t *json = json_loads(text, 0, NULL);

        g_assert_nonnull(json);
        return json;
}

/* A point each 750 ms, none from 90 s to 95 s. */
static json_t *curve(void) {
        json_t *series = json_array();

        for (int64_t usec = 0; usec < 600000000; usec += 750000)
                if (usec < 90000000 || usec >= 95000000)
                        json_array_append_new(series, json_pack("[I,i,i,i]", (json_int_t) usec, 700, 850, 1200));

        return series;
}

static Report full(void) {
        Report report = { .session = parsed(full_session), .previous = parsed(previous_session), .series = curve(), .made_usec = 1770129000000000 };

        report.device = parsed("{\"address\": \"C0:FF:EE:00:00:01\", \"name\": \"Pen of Anna\", \"model\": \"P-1\", \"serial\": \"SN123\", \"firmware\": \"9.87-fw\"}");
        report.plan = parsed("{\"next_earliest\": 1771337000000000, \"reason\": \"The rest lasts 14 days.\", \"rest\": 1209600000000, \"depth\": 500,"
                             " \"last_session\": 1770128100000000, \"acknowledged_at\": 1760000000000000}");
        report.verified = parsed("{\"ok\": true, \"frames\": 12000, \"chunks\": 300, \"damaged\": 0, \"figures_version\": 2}");
        report.versions = parsed("{\"needlectl\": \"1.0\", \"needled\": \"1.0\"}");
        return report;
}

static Report empty(void) {
        return (Report) { .session = parsed("{\"id\": 7, \"start\": 1770127500000000}"), .series = json_array(), .versions = json_object(), .live = true };
}

static char *page_of(Report *report) {
        report_derive(report);
        return g_string_free(report_html(report), FALSE);
}

/* ---- What a page is made of ---- */

typedef struct Outline {
        GHashTable *ids, *regions;      /* names by which regions are told apart, with those of the sections */
        GPtrArray *open;                /* names of elements */
        unsigned n_h1, n_h2, n_tables, n_captions, n_figures, n_figcaptions, n_svgs, n_heads;
        bool outside;                   /* something that would be loaded, or run */
} Outline;

static void on_start(GMarkupParseContext *context, const char *name, const char **keys, const char **values, gpointer userdata, GError **error) {
        static const char *const forbidden[] = { "script", "link", "img", "iframe", "object", "embed", "base", "form" };
        Outline *o = userdata;

        for (size_t i = 0; i < G_N_ELEMENTS(forbidden); i++)
                o->outside |= g_str_equal(name, forbidden[i]);
        for (size_t i = 0; keys[i]; i++) {
                o->outside |= g_str_has_prefix(keys[i], "on") || g_str_equal(keys[i], "src") || g_str_equal(keys[i], "style");
                if (g_str_equal(keys[i], "id"))
                        g_assert_true(g_hash_table_add(o->ids, g_strdup(values[i])));
                if (g_str_equal(keys[i], "aria-label"))
                        g_assert_true(g_hash_table_add(o->regions, g_strdup(values[i])));
                o->n_heads += g_str_equal(keys[i], "scope");
        }
        if (g_str_equal(name, "h2"))
                g_assert_cmpuint(o->n_h1, ==, 1);
        if (g_str_equal(name, "th"))
                g_assert_true(g_strv_contains(keys, "scope"));
        o->n_h1 += g_str_equal(name, "h1");
        o->n_h2 += g_str_equal(name, "h2");
        g_assert_false(g_str_equal(name, "h4"));
        o->n_tables += g_str_equal(name, "table");
        o->n_captions += g_str_equal(name, "caption");
        o->n_figures += g_str_equal(name, "figure");
        o->n_figcaptions += g_str_equal(name, "figcaption");
        if (g_str_equal(name, "svg")) {
                o->n_svgs++;
                g_assert_true(g_strv_contains(keys, "role"));
        }
}

static void on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer userdata, GError **error) {
        Outline *o = userdata;

        if (g_str_equal(g_markup_parse_context_get_element(context), "h2"))
                g_assert_true(g_hash_table_add(o->regions, g_strndup(text, length)));
}

static void outline(const char *page, Outline *ret) {
        static const GMarkupParser parser = { .start_element = on_start, .text = on_text };
        g_autoptr(GHashTable) ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GHashTable) regions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_autoptr(GMarkupParseContext) context = NULL;
        g_autoptr(GError) error = NULL;

        *ret = (Outline) { .ids = ids, .regions = regions };
        g_assert_true(g_str_has_prefix(page, "<!DOCTYPE html>\n<html lang=\"en\">"));
        context = g_markup_parse_context_new(&parser, G_MARKUP_DEFAULT_FLAGS, ret, NULL);
        (void) g_markup_parse_context_parse(context, page, -1, &error);
        g_assert_no_error(error);
        g_assert_true(g_markup_parse_context_end_parse(context, &error));
        g_assert_no_error(error);
        ret->ids = ret->regions = NULL;
}

static void test_structure(void) {
        g_auto(Report) report = full();
        g_autofree char *page = page_of(&report);
        Outline o;

        outline(page, &o);
        g_assert_cmpuint(o.n_h1, ==, 1);
        g_assert_cmpuint(o.n_h2, ==, 12);
        g_assert_cmpuint(o.n_tables, >=, 7);
        g_assert_cmpuint(o.n_captions, ==, o.n_tables);
        g_assert_cmpuint(o.n_figures, ==, 3);
        g_assert_cmpuint(o.n_svgs, ==, o.n_figures);
        g_assert_cmpuint(o.n_figcaptions, ==, o.n_figures);
        g_assert_cmpuint(o.n_heads, >, 50);
        g_assert_false(o.outside);
        g_assert_null(strstr(page, "@import"));
        for (const char *url = page; (url = strstr(url, "url(")); url++)
                g_assert_cmpint(url[strlen("url(")], ==, '#'); /* patterns of the drawings themselves */
}

/* Paper does not unfold. */
static void test_what_is_folded_is_said_on_paper(void) {
        g_auto(Report) few = full(), many = full();
        json_t *events = json_object_get(many.session, "events");
        g_autofree char *of_few = page_of(&few), *of_many = NULL;

        for (int i = 0; i < 10; i++)
                json_array_append_new(events, parsed("{\"id\": 10, \"time\": 96000000, \"kind\": \"mark\", \"text\": \"here\"}"));
        of_many = page_of(&many);
        g_assert_null(strstr(of_few, "class=\"paper\""));
        g_assert_nonnull(strstr(of_many, "</details>\n<p class=\"paper\">19 entries, "));
}

/* ---- What it says ---- */

static void test_values(void) {
        static const char *const said[] = { "<h1>Session 42</h1>", "my pen", "9m 50s", "45012", "0.85 N", "1.40 N", "3.40 N", "0.50 mm",
                                            "Too much force: 3.40 N.", "anna said &lt;ouch&gt;", "The rest lasts 14 days.", "SN123", "9.87-fw",
                                            "whole: 12000 frames, which give these figures", "3 live, 0 waveform", "left side", "4 of 5",
                                            "the list was acknowledged when the session began", "cleanse was not before it", "72.5 %",
                                            "0.30 to below 2.00 N", "3.00 N and more" };
        g_auto(Report) report = full();
        g_autofree char *page = page_of(&report);

        for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
                if (!strstr(page, said[i]))
                        g_error("the page does not say \"%s\"", said[i]);
}

/* An alert is one, also where a warning became an alarm, and has the worst there was. */
static void test_alerts_are_those_of_the_session(void) {
        g_auto(Report) report = full();
        g_autofree char *page = NULL;

        json_object_set_new(report.session, "over_count", json_integer(4));
        json_object_set_new(report.session, "alerts", parsed("[{\"code\": \"overpressure\", \"level\": \"alarm\", \"raised\": 60000000, \"cleared\":"
                                                             " 63000000, \"value\": 6360, \"text\": \"Too much: 6.4 N at its highest\"},"
                                                             " {\"code\": \"samples-lost\", \"level\": \"notice\", \"raised\": 70000000}]"));
        page = page_of(&report);
        g_assert_cmpuint(report.alerts->len, ==, 2);
        g_assert_cmpuint(report.overpressures, ==, 1);
        g_assert_cmpuint(g_array_index(report.alerts, ReportAlert, 0).raised_usec, ==, 60000000);
        g_assert_nonnull(strstr(page, "<td>alarm</td><td>Too much: 6.4 N at its highest</td>"));
        g_assert_nonnull(strstr(page, "<td>notice</td><td>samples-lost</td>"));
        g_assert_nonnull(strstr(page, "counted 4 times and raised as an alert 1 time:"));
}

static void test_figures_that_are_not_stored(void) {
        g_auto(Report) report = full();
        g_autofree char *page = NULL;

        g_assert_cmpint(json_object_del(report.verified, "figures_version"), ==, 0);
        page = page_of(&report);
        g_assert_nonnull(strstr(page, "whole: 12000 frames, but none of its figures are stored"));
        g_assert_null(strstr(page, "which give these figures"));
}

static void test_since_the_last(void) {
        g_auto(Report) report = full();
        g_autofree char *page = page_of(&report);

        g_assert_nonnull(strstr(page, "Session 41 of "));
        g_assert_nonnull(strstr(page, "1m 30s more"));
        g_assert_nonnull(strstr(page, "0.20 N less"));
        g_assert_nonnull(strstr(page, "1.40 N more"));
        g_assert_nonnull(strstr(page, "the same"));
        g_assert_nonnull(strstr(page, "not known then"));
}

static void test_curve_is_broken_where_nothing_came(void) {
        g_auto(Report) report = full();
        unsigned n_empty = 0;

        report_derive(&report);
        for (guint i = 0; i < report.buckets->len; i++)
                n_empty += isnan(g_array_index(report.buckets, ChartBucket, i).mean_n);
        g_assert_cmpuint(n_empty, ==, 1);
        g_assert_cmpuint(report.gaps->len, ==, 1);
        g_assert_cmpuint(g_array_index(report.gaps, ReportSpan, 0).from_usec, ==, 90000000);
        g_assert_cmpuint(g_array_index(report.gaps, ReportSpan, 0).to_usec, ==, 95000000);
        g_assert_cmpuint(report.areas->len, ==, 2);
        g_assert_cmpuint(g_array_index(report.areas, ReportSpan, 1).to_usec, ==, UINT64_MAX);
        g_assert_cmpuint(report.stages->len, ==, 1);
        g_assert_cmpuint(report.alerts->len, ==, 1);
}

/* The table has what the drawing has. */
static void test_what_came_after_the_end_is_in_the_table(void) {
        g_auto(Report) report = empty();
        g_autofree char *page = NULL;

        json_object_set_new(report.session, "duration", json_integer(5000000));
        json_array_append_new(report.series, parsed("[1000000, 100, 200, 300]"));
        json_array_append_new(report.series, parsed("[7500000, 400, 777, 900]"));
        page = page_of(&report);
        g_assert_nonnull(strstr(page, "<td class=\"right\">0.78 N</td>"));
}

static void test_what_happened_is_listed_by_its_time(void) {
        g_auto(Report) report = full();
        g_autofree char *page = NULL;
        const char *later, *earlier;

        json_array_append_new(json_object_get(report.session, "events"), parsed("{\"id\": 10, \"time\": 65000000, \"kind\": \"mark\", \"text\": \"written late\"}"));
        page = page_of(&report);
        earlier = strstr(page, "written late");
        later = strstr(page, "anna said");
        g_assert_nonnull(earlier);
        g_assert_nonnull(later);
        g_assert_true(earlier < later);
}

/* A nothing has no sign. */
static void test_no_force_below_nothing(void) {
        g_auto(Report) report = empty();
        g_autofree char *page = NULL;

        json_array_append_new(report.series, parsed("[0, -4, -4, 300]"));
        page = page_of(&report);
        g_assert_nonnull(strstr(page, "<td class=\"right\">0.00 N</td>"));
        g_assert_null(strstr(page, "-0.00"));
}

static void test_bins_stay_few(void) {
        static const unsigned steps[] = { 0, 1, 24, 25, 328, 5000 }, bins[] = { 0, 1, 24, 13, 17, 17 };

        for (size_t n = 0; n < G_N_ELEMENTS(steps); n++) {
                Report report = empty();
                json_t *times = json_array();
                double seconds = 0;

                for (unsigned i = 0; i < steps[n]; i++)
                        json_array_append_new(times, json_integer(i == 1 ? -1 : 1000000));
                json_object_set_new(report.session, "force_time", times);
                report_derive(&report);
                g_assert_cmpuint(report.bins->len, ==, bins[n]);
                for (guint i = 0; i < report.bins->len; i++)
                        seconds += g_array_index(report.bins, ChartBin, i).seconds;
                g_assert_cmpfloat(seconds, ==, MIN(steps[n], 328) - (steps[n] > 1));
                report_clear(&report);
        }
}

/* ---- Hostile and missing ---- */

static void test_everything_is_escaped(void) {
        static const char evil[] = "</style></title><script>alert(1)</script>\"'&\x1b[31m\n\xe2\x80\xae";
        static const char *const keys[] = { "alias", "device", "subject", "area", "product", "note", "uuid", "profile", "end_reason", "source" };
        g_auto(Report) report = full();
        g_autofree char *page = NULL;
        json_t *event, *areas = json_object_get(report.session, "areas");
        Outline o;
        size_t i;

        for (i = 0; i < G_N_ELEMENTS(keys); i++)
                json_object_set_new(report.session, keys[i], json_string(evil));
        json_array_foreach(json_object_get(report.session, "events"), i, event) {
                json_object_set_new(event, "text", json_string(evil));
                json_object_set_new(event, "name", json_string(evil));
                json_object_set_new(event, "level", json_string(evil));
        }
        json_object_set_new(areas, evil, json_pack("{s:i}", "contact_time", 5));
        json_object_set_new(report.device, "model", json_string(evil));
        json_object_set_new(report.plan, "reason", json_string(evil));
        json_object_set_new(report.versions, "needled", json_string(evil));
        page = page_of(&report);
        outline(page, &o);
        g_assert_false(o.outside);
        g_assert_null(strstr(page, "<script"));
        g_assert_null(strchr(page, '\x1b'));
        g_assert_null(strstr(page, "\xe2\x80\xae"));
}

static void test_numbers_of_another_world(void) {
        static const char *const keys[] = { "start", "end", "duration", "lead_in", "strokes", "force_mean", "over_count", "gap_time", "id", "rating" };
        static const json_int_t values[] = { INT64_MIN, INT64_MAX, -1, 0 };

        for (size_t v = 0; v < G_N_ELEMENTS(values); v++) {
                g_auto(Report) report = full();
                g_autofree char *page = NULL;
                Outline o;

                for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                        json_object_set_new(report.session, keys[i], json_integer(values[v]));
                json_object_set_new(report.session, "zone_time", parsed("{\"low\": -5, \"good\": \"much\"}"));
                json_object_set_new(report.session, "areas", parsed("[1]"));
                json_object_set_new(report.session, "events", parsed("[{}, 5, {\"kind\": \"alert\", \"raised\": true, \"time\": -1}]"));
                page = page_of(&report);
                outline(page, &o);
        }
}

static void test_a_session_of_which_nothing_is_known(void) {
        g_auto(Report) report = empty();
        g_autofree char *page = page_of(&report);
        Outline o;

        outline(page, &o);
        g_assert_nonnull(strstr(page, "This session is not over"));
        g_assert_nonnull(strstr(page, "No figure of this session is known."));
        g_assert_nonnull(strstr(page, "There were no alerts."));
        g_assert_nonnull(strstr(page, "Nothing is known of areas."));
        g_assert_nonnull(strstr(page, "There is no earlier session"));
        g_assert_null(strstr(page, "nan"));
}

/* What the device did not store is not said to have been nothing. */
static void test_a_session_that_the_device_stored(void) {
        static const char *const said[] = { "The device stored no curve of it.</desc>", "The device stored no histogram of it.</desc>", "stored no alerts of it",
                                            "stored no times by zone", "Those in contact, as the device stored them.", "not followed",
                                            "not the same kind: of session 7," };
        static const char *const denied[] = { "was measured", "no time in contact", "There were no alerts", "counter grew by", "raised as an alert" };
        g_auto(Report) report = empty();
        g_autofree char *page = NULL;

        report.live = false;
        report.previous = parsed(previous_session);
        json_object_update_new(report.session, parsed("{\"source\": \"stored\", \"strokes\": 28000, \"force_mean\": 2440, \"over_count\": 2, \"contact_time\": 11000000}"));
        page = page_of(&report);
        for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
                if (!strstr(page, said[i]))
                        g_error("the page does not say \"%s\"", said[i]);
        for (size_t i = 0; i < G_N_ELEMENTS(denied); i++)
                if (strstr(page, denied[i]))
                        g_error("the page says \"%s\"", denied[i]);
}

static void test_redacted(void) {
        static const char *const secrets[] = { "anna", "my pen", "C0:FF:EE", "SN123", "serum", "left side", "7d0c", "Pen of" };
        g_auto(Report) report = full();
        g_autofree char *page = NULL, *facts = NULL;
        json_auto *json = NULL;

        report_redact(&report);
        page = page_of(&report);
        json = report_json(&report);
        facts = json_line(json);
        for (size_t i = 0; i < G_N_ELEMENTS(secrets); i++) {
                if (strcasestr(page, secrets[i]))
                        g_error("the page says \"%s\"", secrets[i]);
                if (strcasestr(facts, secrets[i]))
                        g_error("the facts say \"%s\"", secrets[i]);
        }
        g_assert_nonnull(strstr(page, "were left out"));
        g_assert_nonnull(strstr(page, "a remark, left out"));
        g_assert_nonnull(strstr(page, "0.85 N"));
        g_assert_nonnull(strstr(page, "P-1"));
}

/* ---- The one before ---- */

static void test_previous_has_the_same_labels(void) {
        json_auto *session = parsed("{\"id\": 9, \"start\": 900, \"subject\": \"anna\"}");
        json_auto *sessions = parsed("[{\"id\": 9, \"start\": 900, \"subject\": \"anna\"}, {\"id\": 8, \"start\": 800},"
                                     " {\"id\": 5, \"start\": 810, \"subject\": \"anna\", \"device\": \"C0:FF:EE:00:00:01\"},"
                                     " {\"id\": 4, \"start\": 810, \"subject\": \"anna\", \"alias\": \"another\"},"
                                     " {\"id\": 7, \"start\": 700, \"subject\": \"anna\", \"area\": \"chin\"}, {\"id\": 6, \"start\": 600, \"subject\": \"anna\"}]");
        json_auto *none = json_array();

        g_assert_cmpint(json_number(report_find_previous(session, sessions), "id"), ==, 6);
        g_assert_null(report_find_previous(session, none));
        g_assert_null(report_find_previous(session, NULL));
}

static void test_points_are_not_shorter_than_values(void) {
        g_assert_cmpuint(report_points(0), ==, 1);
        g_assert_cmpuint(report_points(10 * UINT64_C(1000000)), ==, 100);
        g_assert_cmpuint(report_points(HOUR_USEC), ==, REPORT_POINTS);
}

/* ---- Several ---- */

static void test_course(void) {
        g_auto(ReportCourse) course = { .made_usec = 1770129000000000, .sessions = json_array() };
        g_autofree char *page = NULL, *again = NULL, *with_stored = NULL;
        Outline o;

        json_array_append_new(course.sessions, parsed(previous_session));
        json_array_append_new(course.sessions, parsed(full_session));
        json_array_append_new(course.sessions, parsed("{\"id\": 43, \"start\": 1780127500000000}"));
        course.plan = parsed("{\"rest\": 2419200000000, \"next_earliest\": 1771337000000000, \"reason\": \"The rest.\"}");
        course.versions = parsed("{\"needlectl\": \"1.0\", \"needled\": \"1.0\"}");
        page = g_string_free(report_course_html(&course), FALSE);
        outline(page, &o);
        g_assert_cmpuint(o.n_h1, ==, 1);
        g_assert_cmpuint(o.n_svgs, ==, REPORT_TRENDS_MAX);
        g_assert_cmpuint(o.n_captions, ==, o.n_tables);
        g_assert_nonnull(strstr(page, "Course of 3 sessions"));
        g_assert_nonnull(strstr(page, "90024"));
        g_assert_nonnull(strstr(page, "14d 1h"));
        g_assert_nonnull(strstr(page, "shorter"));
        g_assert_nonnull(strstr(page, "as long or longer"));

        g_assert_null(strstr(page, ">Source<"));
        json_object_set_new(json_array_get(course.sessions, 2), "source", json_string("stored"));
        with_stored = g_string_free(report_course_html(&course), FALSE);
        g_assert_nonnull(strstr(with_stored, "<td>followed</td>"));
        g_assert_nonnull(strstr(with_stored, "<td>stored</td>"));
        g_assert_nonnull(strstr(with_stored, "Its strokes are those in contact;"));
        g_assert_nonnull(strstr(with_stored, "counter grew by")); /* of those that were followed */

        report_course_redact(&course);
        again = g_string_free(report_course_html(&course), FALSE);
        g_assert_null(strstr(again, "my pen"));
        g_assert_null(strstr(again, "anna"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        text_set_utf8(false); /* a page is UTF-8, whatever the terminal is */
        g_test_add_func("/report/structure", test_structure);
        g_test_add_func("/report/what-is-folded-is-said-on-paper", test_what_is_folded_is_said_on_paper);
        g_test_add_func("/report/values", test_values);
        g_test_add_func("/report/alerts-are-those-of-the-session", test_alerts_are_those_of_the_session);
        g_test_add_func("/report/figures-that-are-not-stored", test_figures_that_are_not_stored);
        g_test_add_func("/report/since-the-last", test_since_the_last);
        g_test_add_func("/report/curve-is-broken-where-nothing-came", test_curve_is_broken_where_nothing_came);
        g_test_add_func("/report/what-came-after-the-end-is-in-the-table", test_what_came_after_the_end_is_in_the_table);
        g_test_add_func("/report/what-happened-is-listed-by-its-time", test_what_happened_is_listed_by_its_time);
        g_test_add_func("/report/no-force-below-nothing", test_no_force_below_nothing);
        g_test_add_func("/report/bins-stay-few", test_bins_stay_few);
        g_test_add_func("/report/everything-is-escaped", test_everything_is_escaped);
        g_test_add_func("/report/numbers-of-another-world", test_numbers_of_another_world);
        g_test_add_func("/report/a-session-of-which-nothing-is-known", test_a_session_of_which_nothing_is_known);
        g_test_add_func("/report/a-session-that-the-device-stored", test_a_session_that_the_device_stored);
        g_test_add_func("/report/redacted", test_redacted);
        g_test_add_func("/report/previous-has-the-same-labels", test_previous_has_the_same_labels);
        g_test_add_func("/report/points-are-not-shorter-than-values", test_points_are_not_shorter_than_values);
        g_test_add_func("/report/course", test_course);
        return g_test_run();
}
