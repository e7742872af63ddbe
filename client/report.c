/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "client/chart.h"
#include "client/history.h"
#include "client/json.h"
#include "client/output-file.h"
#include "client/output.h"
#include "client/report-html.h"
#include "client/service.h"
#include "client/session-filter.h"
#include "client/session-name.h"
#include "client/verbs.h"

#define READ_TIMEOUT_USEC (120 * SECOND_USEC) /* all frames are read */
#define COURSE_SESSIONS 50u            /* if nobody says how many */
#define COURSE_SESSIONS_MAX 500u
#define PREVIOUS_LOOKED_AT 50u          /* sessions before this one, for one with the same labels */
#define PIXELS_A_POINT 2.0

typedef enum PageFormat {
        PAGE_HTML,
        PAGE_PNG,
        PAGE_PDF,
        _PAGE_FORMAT_MAX,
} PageFormat;

static const char *const format_names[_PAGE_FORMAT_MAX] = { [PAGE_HTML] = "html", [PAGE_PNG] = "png", [PAGE_PDF] = "pdf" };

/* ---- What the service knows ---- */

static int append_plan_question(sd_bus_message *call, const char *subject, const char *area) {
        int r = sd_bus_message_open_container(call, 'a', "{sv}");

        if (r >= 0)
                r = service_append_text(call, "subject", *subject ? subject : NULL);
        if (r >= 0)
                r = service_append_text(call, "area", *area ? area : NULL);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

/* A plan is about whoever asks: none for another user's session. */
static Exit get_plan(Client *client, const json_t *session, const char *subject, const char *area, json_t **ret) {
        const json_t *owner = json_object_get(session, "owner");
        g_autoptr(sd_bus_message) call = NULL;
        Exit e;
        int r;

        if (owner && json_integer_value(owner) != (json_int_t) getuid())
                return EXIT_DONE;
        e = service_message(client->bus, SERVICE_ROOT, SERVICE_PLAN, "Get", &call);
        if (e != EXIT_DONE)
                return e;
        r = append_plan_question(call, subject, area);

        return r < 0 ? service_message_error(r) : service_call(client->bus, call, 0, ret);
}

static Exit get_previous(Client *client, const json_t *session, json_t **ret) {
        SessionFilter filter = { .until_usec = report_usec(session, "start") };
        json_auto *sessions = NULL;
        Exit e;

        if (filter.until_usec == 0)
                return EXIT_DONE;
        if (*json_text(session, "device"))
                filter.device = json_text(session, "device");
        if (json_object_get(session, "owner")) {
                filter.owner = (uid_t) json_number(session, "owner");
                filter.owner_given = true;
        }
        if (*json_text(session, "subject"))
                filter.subject = json_text(session, "subject");
        if (*json_text(session, "area"))
                filter.area = json_text(session, "area");
        e = session_filter_page(client, &filter, PREVIOUS_LOOKED_AT, 0, &sessions);
        if (e == EXIT_DONE)
                *ret = json_incref((json_t *) report_find_previous(session, sessions));

        return e;
}

static Exit get_versions(Client *client, json_t **ret) {
        json_auto *manager = NULL;
        Exit e = client_manager(client, &manager);

        if (e == EXIT_DONE)
                *ret = json_pack("{s:s s:s}", "needlectl", NEEDLED_VERSION, "needled", json_text(manager, "version"));

        return e;
}

static json_t *find_device(Client *client, const json_t *session) {
        const char *address = json_text(session, "device");
        g_auto(Objects) objects = {};
        json_t *device;
        size_t i;

        if (client_objects(client, &objects) == EXIT_DONE)
                json_array_foreach(objects.devices, i, device)
                        if (*address && strcmp(json_text(device, "address"), address) == 0)
                                return json_incref(device);

        return NULL;
}

static Exit gather(Client *client, const char *typed, Report *ret) {
        json_t *s;
        uint64_t id;
        Exit e;

        e = history_find(client, typed, &ret->live, &ret->session);
        if (e != EXIT_DONE)
                return e;
        s = ret->session;
        id = (uint64_t) json_number(s, "id");
        e = client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "GetSeries", READ_TIMEOUT_USEC, &ret->series,
                             "tsttu", id, "force", UINT64_C(0), UINT64_C(0), report_points(report_length(ret)));
        if (e == EXIT_DONE && !ret->live)
                e = client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "Verify", READ_TIMEOUT_USEC, &ret->verified, "t", id);
        if (e == EXIT_DONE)
                e = get_plan(client, s, json_text(s, "subject"), json_text(s, "area"), &ret->plan);
        if (e == EXIT_DONE)
                e = get_previous(client, s, &ret->previous);
        if (e == EXIT_DONE)
                e = get_versions(client, &ret->versions);
        if (e == EXIT_DONE)
                ret->device = find_device(client, s);
        ret->made_usec = client_now(); /* after the plan: a rest that was over then is over now */

        return e;
}

/* ---- A course ---- */

/* The label that all of them have, "" if they differ. */
static const char *common_label(const json_t *sessions, const char *key) {
        const char *label = json_text(json_array_get(sessions, 0), key);

        for (size_t i = 1; i < json_array_size(sessions); i++)
                if (strcmp(json_text(json_array_get(sessions, i), key), label) != 0)
                        return "";

        return label;
}

static Exit choose_sessions(Client *client, json_t *ret) {
        g_auto(Objects) objects = {};
        SessionFilter filter;
        uint64_t wanted;
        Exit e;

        e = session_filter_read(client, &objects, COURSE_SESSIONS, &filter);
        if (e != EXIT_DONE)
                return e;
        wanted = filter.limit;
        filter.limit = MIN(wanted, COURSE_SESSIONS_MAX) + 1; /* one more than is taken, to know whether there is one */
        e = session_filter_list(client, &filter, ret);
        if (e != EXIT_DONE || json_array_size(ret) < filter.limit)
                return e;

        json_array_remove(ret, json_array_size(ret) - 1);
        if (wanted > COURSE_SESSIONS_MAX || !options_has(&client->options, OPTION_LIMIT))
                output_say("There are more sessions; the newest %zu are in the report. --limit takes others, %u at most, --since and --until a time.",
                           json_array_size(ret), COURSE_SESSIONS_MAX);
        return EXIT_DONE;
}

static bool is_before(const GArray *ids, guint i) {
        for (guint k = 0; k < i; k++)
                if (g_array_index(ids, uint64_t, k) == g_array_index(ids, uint64_t, i))
                        return true;

        return false;
}

/* Who names one twice means it once. */
static Exit name_sessions(Client *client, json_t *ret) {
        g_autoptr(GArray) ids = g_array_new(false, false, sizeof(uint64_t));
        Exit e = session_name_ids(client, ids);

        for (guint i = 0; i < ids->len && e == EXIT_DONE; i++) {
                json_t *session = NULL;

                if (is_before(ids, i))
                        continue;
                e = history_get(client, g_array_index(ids, uint64_t, i), &session);
                if (e == EXIT_DONE)
                        json_array_append_new(ret, session);
        }

        return e;
}

static Exit gather_course(Client *client, ReportCourse *ret) {
        json_auto *sessions = json_array();
        Exit e;

        e = client->n_args > 0 ? name_sessions(client, sessions) : choose_sessions(client, sessions);
        if (e != EXIT_DONE)
                return e;
        if (json_array_size(sessions) == 0) {
                output_say("There are no such sessions.");
                return EXIT_NOTHING_TO_DO;
        }
        ret->sessions = json_sorted(sessions, "start");
        e = get_plan(client, json_array_get(ret->sessions, 0), common_label(ret->sessions, "subject"),
                     common_label(ret->sessions, "area"), &ret->plan);
        ret->made_usec = client_now(); /* after the plan, as above */
        return e == EXIT_DONE ? get_versions(client, &ret->versions) : e;
}

/* ---- Into a file ---- */

static Exit read_format(const Client *client, PageFormat *ret) {
        const char *name = client->options.value[OPTION_PAGE_FORMAT];

        *ret = PAGE_HTML;
        if (!name)
                return EXIT_DONE;
        for (PageFormat i = 0; i < _PAGE_FORMAT_MAX; i++)
                if (strcmp(format_names[i], name) == 0) {
                        *ret = i;
                        return EXIT_DONE;
                }

        output_error("There is no format '%s'. A report is html, or its drawings are png or pdf.", name);
        return EXIT_USAGE;
}

/* All of it is there before the file is opened: what cannot be made writes over nothing. */
static Exit write_file(const Client *client, const char *path, const GString *content) {
        OutputFile file;
        Exit e;

        e = output_file_open(&file, path, options_has(&client->options, OPTION_FORCE));
        if (e != EXIT_DONE)
                return e;
        if ((!output_file_write(&file, content->str, content->len) || !output_file_flush(&file)) && file.path) {
                int error = file.error;

                output_error("The report could not be written to %s: %s; %s.", path, g_strerror(error),
                             output_file_discard(&file));
                return EXIT_FAILED;
        }

        return output_file_close(&file);
}

static Exit draw(const Chart *charts, size_t n, const char *heading, PageFormat format, GString **ret) {
        int r = format == PAGE_PNG ? chart_png(charts, n, heading, PIXELS_A_POINT, ret) : chart_pdf(charts, n, heading, ret);

        if (r >= 0)
                return EXIT_DONE;
        if (r == -EOPNOTSUPP)
                output_error("Drawings as %s need the library cairo, which is not installed: apt install libcairo2.",
                             format_names[format]);
        else if (r == -EINVAL)
                output_error("There is nothing to draw.");
        else
                output_error("The drawing failed: %s.", g_strerror(-r));
        return EXIT_FAILED;
}

static Exit render(const Report *report, PageFormat format, GString **ret) {
        g_autofree char *heading = g_strdup_printf("Session %" PRId64, json_number(report->session, "id"));
        g_auto(ReportCharts) charts = {};

        if (format == PAGE_HTML) {
                *ret = report_html(report);
                return EXIT_DONE;
        }
        report_charts(report, &charts);
        for (size_t i = 0; i < charts.n; i++) {
                charts.charts[i].show_legend = true;
                charts.charts[i].width = 0; /* of the page */
        }
        return draw(charts.charts, charts.n, heading, format, ret);
}

static Exit render_course(const ReportCourse *course, PageFormat format, GString **ret) {
        g_autofree char *heading = report_course_title(course);
        g_auto(ReportTrends) drawn = {};

        if (format == PAGE_HTML) {
                *ret = report_course_html(course);
                return EXIT_DONE;
        }
        report_trends(course, &drawn);
        for (size_t i = 0; i < drawn.n; i++)
                drawn.charts[i].width = 0;
        return draw(drawn.charts, drawn.n, heading, format, ret);
}

static char *file_name(const Client *client, const Report *report, PageFormat format) {
        const char *output = client->options.value[OPTION_PAGE];
        g_autofree char *name = report ? g_strdup_printf("needled-session-%" PRId64 ".%s",
                                                         json_number(report->session, "id"), format_names[format])
                                       : g_strdup_printf("needled-course.%s", format_names[format]);

        if (!output)
                return g_steal_pointer(&name);
        return g_file_test(output, G_FILE_TEST_IS_DIR) ? g_build_filename(output, name, NULL) : g_strdup(output);
}

/* `report` or `course`. */
static Exit write_page(const Client *client, const Report *report, const ReportCourse *course, PageFormat format) {
        g_autofree char *path = file_name(client, report, format);
        bool to_stdout = strcmp(path, "-") == 0;
        GString *content = NULL;
        Exit e;

        e = report ? render(report, format, &content) : render_course(course, format, &content);
        if (e == EXIT_DONE)
                e = write_file(client, to_stdout ? NULL : path, content);
        if (content)
                (void) g_string_free(content, TRUE);
        if (e == EXIT_DONE && !to_stdout && !client_wants_json(client))
                (void) output_line(path);
        return e;
}

static Exit report_session(Client *client, PageFormat format) {
        g_auto(Report) report = {};
        Exit e = gather(client, client_arg(client, 0), &report);

        if (e != EXIT_DONE)
                return e;
        if (options_has(&client->options, OPTION_REDACT))
                report_redact(&report);
        report_derive(&report);
        if (!client_wants_json(client) || client->options.value[OPTION_PAGE])
                e = write_page(client, &report, NULL, format);
        if (e == EXIT_DONE && client_wants_json(client)) {
                json_auto *facts = report_json(&report);

                output_json(facts);
        }

        return e;
}

static Exit report_course(Client *client, PageFormat format) {
        g_auto(ReportCourse) course = {};
        Exit e = gather_course(client, &course);

        if (e != EXIT_DONE)
                return e;
        if (options_has(&client->options, OPTION_REDACT))
                report_course_redact(&course);
        if (!client_wants_json(client) || client->options.value[OPTION_PAGE])
                e = write_page(client, NULL, &course, format);
        if (e == EXIT_DONE && client_wants_json(client)) {
                json_auto *facts = report_course_json(&course);

                output_json(facts);
        }

        return e;
}

Exit verb_report(Client *client) {
        bool filtered = session_filter_given(&client->options);
        PageFormat format;
        Exit e = read_format(client, &format);

        if (e != EXIT_DONE)
                return e;
        if (client->n_args > 0 && filtered) {
                output_error("Sessions are named by their numbers, or chosen by options like --since, not both.");
                return EXIT_USAGE;
        }
        if (client->n_args == 0 && !filtered) {
                output_error("Of which session? Name its number, or choose several by options like --since or --limit.");
                return EXIT_USAGE;
        }
        if (client_wants_json(client) && g_strcmp0(client->options.value[OPTION_PAGE], "-") == 0) {
                output_error("Both the page and the JSON would go to stdout: leave out one of --json and --output=-.");
                return EXIT_USAGE;
        }

        (void) signal(SIGPIPE, SIG_IGN); /* half a page is a failure, and is said to be one */
        return client->n_args == 1 ? report_session(client, format) : report_course(client, format);
}
