/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/report-data.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/service.h"

#define BINS 24u                        /* at most, of the histogram */
#define STEP_N 0.1                      /* of "force_time" */
#define STEPS_MAX 328u                  /* up to what a device can tell */
#define USEC_MAX (INT64_MAX / 1024)
#define QUIET_USEC SECOND_USEC          /* the curve is broken where nothing came for so long */

const ReportFigure report_figures[] = {
        { "duration", "Duration", REPORT_TIME, true, false, "From the first use to the end, with gaps and pauses." },
        { "contact_time", "In contact", REPORT_TIME, true, false,
          "By the device's own counter where it has one, else the time between values in contact." },
        { "paused_time", "Paused", REPORT_TIME, false, true,
          "Pauses within the duration, by hand or after a while without contact." },
        { "strokes", "Strokes", REPORT_COUNT, true, false, "What the device's counter grew by, in contact or not." },
        { "punctures", "Punctures", REPORT_COUNT, true, false,
          "Strokes in contact times the needles of the head; not of rollers." },
        { "passes", "Passes", REPORT_COUNT, false, false, "As the device counts them." },
        { "distance", "Rolled", REPORT_LENGTH, false, true, "As the device measures it." },
        { "force_mean", "Mean force", REPORT_FORCE, true, false,
          "Of the values in contact, each weighted by its time." },
        { "force_p95", "95 % of the force", REPORT_FORCE, true, false,
          "At least 95 % of the time in contact the mean force was at or below it; right within 0.8 %." },
        { "force_peak", "Peak force", REPORT_FORCE, true, false, "The largest of any value, in contact or not." },
        { "over_count", "Overpressure", REPORT_COUNT, true, false,
          "How often: by the device's own detection where it has one, else the mean force at the limit or above." },
        { "over_time", "Time over", REPORT_TIME, true, true, "How long in all." },
        { "depth_max", "Deepest", REPORT_DEPTH, true, false,
          "The largest depth of the needles that the device told. How deep they went into skin, nobody measured." },
        { "gaps", "Gaps", REPORT_COUNT, true, false,
          "Breaks of the link and runs of lost packets; nothing is known of these times." },
        { "gap_time", "Time in gaps", REPORT_TIME, false, true, "How long they were, each stream for itself." },
};

const size_t n_report_figures = G_N_ELEMENTS(report_figures);

/* ---- Words ---- */

char *report_number_text(ReportUnit unit, int64_t value) {
        switch (unit) {
        case REPORT_TIME:
                return format_duration((uint64_t) MAX(value, 0));
        case REPORT_FORCE:
                return format_force(value);
        case REPORT_COUNT:
                return g_strdup_printf("%" PRId64, value);
        case REPORT_LENGTH:
                return g_strdup_printf("%" PRId64 " mm", value);
        case REPORT_DEPTH:
                return format_depth((uint64_t) MAX(value, 0));
        }

        return g_strdup("");
}

static bool is_known(const ReportFigure *figure, const json_t *figures) {
        return json_is_integer(json_object_get(figures, figure->key));
}

char *report_figure_text(const ReportFigure *figure, const json_t *figures) {
        return is_known(figure, figures) ? report_number_text(figure->unit, json_number(figures, figure->key)) : NULL;
}

bool report_figure_is_shown(const ReportFigure *figure, const json_t *figures) {
        return is_known(figure, figures) && !(figure->if_any && json_number(figures, figure->key) == 0);
}

char *report_difference(const ReportFigure *figure, const json_t *before, const json_t *now) {
        g_autofree char *by = NULL, *none = NULL;
        int64_t more;

        if (!is_known(figure, now))
                return g_strdup("not known now");
        if (!is_known(figure, before))
                return g_strdup("not known then");
        if (__builtin_sub_overflow(json_number(now, figure->key), json_number(before, figure->key), &more) || more == INT64_MIN)
                return g_strdup("not to be compared");

        by = report_number_text(figure->unit, more < 0 ? -more : more);
        none = report_number_text(figure->unit, 0);
        if (strcmp(by, none) == 0)      /* less than is shown */
                return g_strdup("the same");
        return g_strdup_printf("%s %s", by, more > 0 ? "more" : "less");
}

bool report_is_stored(const json_t *session) {
        return strcmp(json_text(session, "source"), "stored") == 0;
}

const char *report_definition(const ReportFigure *figure, const json_t *session) {
        if (report_is_stored(session) && strcmp(figure->key, "strokes") == 0)
                return "Those in contact, as the device stored them.";

        return figure->definition;
}

const char *report_device(const json_t *session) {
        const char *alias = json_text(session, "alias"), *address = json_text(session, "device");

        return *alias ? alias : *address ? address : "a device";
}

/* ---- From the answers ---- */

unsigned report_points(uint64_t length_usec) {
        return (unsigned) CLAMP(length_usec / REPORT_BUCKET_MIN_USEC, 1, REPORT_POINTS);
}

uint64_t report_usec(const json_t *object, const char *key) {
        return (uint64_t) CLAMP(json_number(object, key), 0, USEC_MAX);
}

uint64_t report_length(const Report *report) {
        const json_t *s = report->session;
        uint64_t used_usec = report_usec(s, "lead_in") + report_usec(s, "duration");

        if (used_usec > 0)
                return used_usec;
        return report_usec(s, "end") - MIN(report_usec(s, "start"), report_usec(s, "end"));
}

ChartZones report_zones(const Report *report) {
        const json_t *zones = json_object_get(report->session, "zones");

        return (ChartZones) { (double) json_number(zones, "good") / 1000, (double) json_number(zones, "high") / 1000,
                              (double) json_number(zones, "over") / 1000 };
}

static uint64_t item(const json_t *point, size_t i) {
        return (uint64_t) MAX(json_integer_value(json_array_get(point, i)), 0);
}

static double newton(const json_t *point, size_t i) {
        return (double) json_integer_value(json_array_get(point, i)) / 1000;
}

static int compare_usec(const void *a, const void *b) {
        uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;

        return (left > right) - (left < right);
}

/* How far apart two points may lie: thrice what is usual, since a device may be slow and the link uneven. */
static uint64_t usual_distance(const json_t *series) {
        g_autoptr(GArray) distances = g_array_new(false, false, sizeof(uint64_t));

        for (size_t i = 1; i < json_array_size(series); i++) {
                uint64_t distance = item(json_array_get(series, i), 0) - item(json_array_get(series, i - 1), 0);

                g_array_append_val(distances, distance);
        }
        if (distances->len == 0)
                return QUIET_USEC;
        g_array_sort(distances, compare_usec);
        return MAX(3 * g_array_index(distances, uint64_t, distances->len / 2), QUIET_USEC);
}

static void derive_buckets(Report *report) {
        uint64_t most_usec = usual_distance(report->series), last_usec = 0;
        json_t *point;
        size_t i;

        json_array_foreach(report->series, i, point) {
                ChartBucket bucket = { item(point, 0), newton(point, 1), newton(point, 2), newton(point, 3) };
                ChartBucket none = { last_usec + most_usec / 3, NAN, NAN, NAN };

                if (i > 0 && bucket.time_usec - last_usec > most_usec)
                        g_array_append_val(report->buckets, none);
                g_array_append_val(report->buckets, bucket);
                last_usec = bucket.time_usec;
        }
}

/* The steps are gathered until they are few. */
static void derive_bins(Report *report) {
        static const unsigned widths[] = { 1, 2, 5, 10, 20, 50 }; /* steps */
        const json_t *steps = json_object_get(report->session, "force_time");
        unsigned n_steps = (unsigned) MIN(json_array_size(steps), STEPS_MAX), width = 0, n;

        for (size_t i = 0; i < G_N_ELEMENTS(widths) && (width == 0 || n_steps > BINS * width); i++)
                width = widths[i];
        n = (n_steps + width - 1) / width;
        for (unsigned i = 0; i < n; i++) {
                ChartBin bin = { i * width * STEP_N, (i + 1) * width * STEP_N, 0 };

                for (unsigned k = i * width; k < MIN((i + 1) * width, n_steps); k++)
                        bin.seconds += (double) MAX(json_integer_value(json_array_get(steps, k)), 0) / 1e6;
                g_array_append_val(report->bins, bin);
        }
}

static void clear_span(void *data) {
        g_free(((ReportSpan *) data)->label);
}

static GArray *spans_new(void) {
        GArray *spans = g_array_new(false, false, sizeof(ReportSpan));

        g_array_set_clear_func(spans, clear_span);
        return spans;
}

/* Ends the one that is open, and begins the next unless its label is `none`. */
static void turn_span(GArray *spans, uint64_t usec, const char *label, const char *none) {
        ReportSpan next = { usec, UINT64_MAX, NULL };
        ReportSpan *open = spans->len > 0 ? &g_array_index(spans, ReportSpan, spans->len - 1) : NULL;

        if (open && open->to_usec == UINT64_MAX)
                open->to_usec = usec;
        if (strcmp(label, none) == 0)
                return;
        next.label = g_strdup(label);
        g_array_append_val(spans, next);
}

static void derive_event(Report *report, const json_t *event) {
        const char *kind = json_text(event, "kind"), *name = json_text(event, "name");
        uint64_t usec = report_usec(event, "time");
        bool away = strcmp(name, "interrupted") == 0;

        if (strcmp(kind, "stage") == 0)
                turn_span(report->stages, usec, name, "none");
        else if (strcmp(kind, "area") == 0)
                turn_span(report->areas, usec, name, "unspecified");
        else if (strcmp(kind, "state") == 0)
                turn_span(report->gaps, usec, away ? name : "", "");
}

static void add_alert(Report *report, const json_t *from, uint64_t raised_usec, const char *code) {
        const char *text = json_text(from, "text");
        ReportAlert alert = { raised_usec, json_text(from, "level"), *text ? text : code };

        g_array_append_val(report->alerts, alert);
        report->overpressures += strcmp(code, "overpressure") == 0;
}

/* The session's have the worst value there was, and are one where a warning became an alarm. */
static void derive_alerts(Report *report) {
        const json_t *alerts = json_object_get(report->session, "alerts");
        json_t *one;
        size_t i;

        json_array_foreach((json_t *) alerts, i, one)
                add_alert(report, one, report_usec(one, "raised"), json_text(one, "code"));
        if (alerts)
                return;
        json_array_foreach(json_object_get(report->session, "events"), i, one)
                if (strcmp(json_text(one, "kind"), "alert") == 0 && json_is_true(json_object_get(one, "raised")))
                        add_alert(report, one, report_usec(one, "time"), json_text(one, "name"));
}

void report_derive(Report *report) {
        json_t *event;
        size_t i;

        report->buckets = g_array_new(false, false, sizeof(ChartBucket));
        report->bins = g_array_new(false, false, sizeof(ChartBin));
        report->gaps = spans_new();
        report->stages = spans_new();
        report->areas = spans_new();
        report->alerts = g_array_new(false, false, sizeof(ReportAlert));
        derive_buckets(report);
        derive_bins(report);
        derive_alerts(report);
        json_array_foreach(json_object_get(report->session, "events"), i, event)
                derive_event(report, event);
        for (guint n = 0; n < report->gaps->len; n++)
                g_clear_pointer(&g_array_index(report->gaps, ReportSpan, n).label, g_free);
}

void report_clear(Report *report) {
        GArray **arrays[] = { &report->buckets, &report->bins, &report->gaps, &report->stages, &report->areas, &report->alerts };
        json_t *objects[] = { report->session,  report->device, report->plan,    report->verified,
                              report->previous, report->series, report->versions };

        for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
                g_clear_pointer(arrays[i], g_array_unref);
        for (size_t i = 0; i < G_N_ELEMENTS(objects); i++)
                json_decref(objects[i]);
        *report = (Report) {};
}

void report_course_clear(ReportCourse *course) {
        json_decref(course->sessions);
        json_decref(course->plan);
        json_decref(course->versions);
        *course = (ReportCourse) {};
}

/* ---- Between sessions ---- */

/* By the address; of sessions that came from a tape there is none, and the name has to do. */
static bool is_same_device(const json_t *a, const json_t *b) {
        const char *key = *json_text(a, "device") || *json_text(b, "device") ? "device" : "alias";

        return strcmp(json_text(a, key), json_text(b, key)) == 0;
}

const json_t *report_find_previous(const json_t *session, const json_t *sessions) {
        json_t *other;
        size_t i;

        json_array_foreach((json_t *) sessions, i, other)
                if (json_number(other, "id") != json_number(session, "id") &&
                    json_number(other, "start") <= json_number(session, "start") && is_same_device(other, session) &&
                    strcmp(json_text(other, "subject"), json_text(session, "subject")) == 0 &&
                    strcmp(json_text(other, "area"), json_text(session, "area")) == 0)
                        return other;

        return NULL;
}

uint64_t report_interval(const json_t *before, const json_t *session) {
        uint64_t start_usec = report_usec(session, "start"), end_usec = report_usec(before, "end");

        if (end_usec == 0)              /* History1.List does not tell it */
                end_usec = report_usec(before, "start") + report_usec(before, "lead_in") + report_usec(before, "duration");
        return report_usec(before, "start") > 0 && start_usec > end_usec ? start_usec - end_usec : 0;
}

/* ---- For others' eyes ---- */

static void remove_keys(json_t *object, const char *const *keys, size_t n) {
        for (size_t i = 0; object && i < n; i++)
                json_object_del(object, keys[i]);
}

static void redact_session(json_t *session) {
        static const char *const keys[] = { "uuid", "device", "alias",      "subject", "product",
                                            "note", "owner",  "owner_name", "record" };
        json_t *event;
        size_t i;

        remove_keys(session, keys, G_N_ELEMENTS(keys));
        json_array_foreach(json_object_get(session, "events"), i, event)
                if (strcmp(json_text(event, "kind"), "mark") == 0)
                        json_object_del(event, "text");
}

void report_redact(Report *report) {
        static const char *const keys[] = { "path",  "address", "address_type", "adapter", "name",
                                            "alias", "serial",  "owner",        "session" };

        redact_session(report->session);
        redact_session(report->previous);
        remove_keys(report->device, keys, G_N_ELEMENTS(keys));
        report->redacted = true;
}

void report_course_redact(ReportCourse *course) {
        json_t *session;
        size_t i;

        json_array_foreach(course->sessions, i, session)
                redact_session(session);
        course->redacted = true;
}

/* ---- For programs ---- */

static void set(json_t *object, const char *key, json_t *value) {
        if (value)
                json_object_set(object, key, value);
}

json_t *report_json(const Report *report) {
        json_t *object = json_object();

        set(object, "session", report->session);
        set(object, "device", report->device);
        set(object, "plan", report->plan);
        set(object, "verified", report->verified);
        set(object, "previous", report->previous);
        set(object, "force", report->series);
        set(object, "versions", report->versions);
        return object;
}

json_t *report_course_json(const ReportCourse *course) {
        json_t *object = json_object();

        set(object, "sessions", course->sessions);
        set(object, "plan", course->plan);
        set(object, "versions", course->versions);
        return object;
}
