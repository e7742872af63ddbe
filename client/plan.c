/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/plan.h"
#include "client/prompt.h"
#include "client/service.h"
#include "client/table.h"
#include "client/terminal.h"
#include "client/text.h"
#include "client/verbs.h"

#define LIST_COLUMNS 100u       /* at most */
/* The service answers within 20 s, durable or not. */
#define ACKNOWLEDGE_TIMEOUT_USEC (30 * SECOND_USEC)

static int append_question(sd_bus_message *call, const Client *client) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r >= 0)
                r = service_append_text(call, "subject", client->options.value[OPTION_SUBJECT]);
        if (r >= 0)
                r = service_append_text(call, "area", client->options.value[OPTION_AREA]);
        if (r >= 0)
                r = service_append_text(call, "language", g_get_language_names()[0]);

        return r < 0 ? r : sd_bus_message_close_container(call);
}

int plan_try(Client *client, sd_bus_error *error, json_t **ret) {
        g_autoptr(sd_bus_message) call = NULL;
        int r;

        r = sd_bus_message_new_method_call(client->bus, &call, SERVICE_NAME, SERVICE_ROOT, SERVICE_PLAN, "Get");
        if (r >= 0)
                r = append_question(call, client);

        return r < 0 ? r : service_try(client->bus, call, 0, error, ret);
}

Exit plan_get(Client *client, json_t **ret) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        Exit e;
        int r;

        e = client_connect(client);
        if (e != EXIT_DONE)
                return e;

        r = plan_try(client, &error, ret);
        if (r == -EINVAL && !sd_bus_error_is_set(&error))
                return service_message_error(r);
        return r < 0 ? service_error(&error, r) : EXIT_DONE;
}

/* ---- plan ---- */

char *plan_next(const json_t *plan, uint64_t now_usec) {
        uint64_t next_usec = (uint64_t) MAX(json_number(plan, "next_earliest"), 0);
        bool waits = next_usec > now_usec;
        g_autofree char *date = waits ? format_time(next_usec) : NULL,
                        *left = waits ? format_duration(next_usec - now_usec) : NULL;

        return waits ? g_strdup_printf("%s (in %s)", date, left) : g_strdup("now");
}

void plan_print_rules(const json_t *plan) {
        static const struct {
                const char *key, *label;
        } rests[] = {
                { "rest_300um", "Up to 0.3 mm" },
                { "rest_500um", "Up to 0.5 mm" },
                { "rest_1000um", "Up to 1.0 mm" },
                { "rest_deeper", "Deeper" },
        };
        const json_t *rules = json_object_get(plan, "rules");

        for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
                uint64_t usec = (uint64_t) MAX(json_number(rules, rests[i].key), 0);
                g_autofree char *rest = format_duration(usec), *text = g_strdup_printf("%s of rest at least", rest);

                if (json_object_get(rules, rests[i].key))
                        table_pair(rests[i].label, usec > 0 ? text : "no rule", STYLE_PLAIN);
        }
}

static void print_next(const json_t *plan, uint64_t now_usec) {
        g_autofree char *text = plan_next(plan, now_usec);

        table_pair("Next earliest", text, strcmp(text, "now") == 0 ? STYLE_GOOD : STYLE_WARN);
        table_pair("Reason", json_text(plan, "reason"), STYLE_PLAIN);
}

static void print_last(const json_t *plan) {
        g_autofree char *last = format_time((uint64_t) json_number(plan, "last_session"));
        g_autofree char *rest = NULL, *depth = NULL, *text = NULL;

        if (!*last)
                return;
        rest = format_duration((uint64_t) json_number(plan, "rest"));
        depth = json_object_get(plan, "depth") ? format_depth((uint64_t) json_number(plan, "depth")) : g_strdup("unknown depth");
        text = g_strdup_printf("%s (%s)", rest, depth);
        table_pair("Last session", last, STYLE_PLAIN);
        table_pair("Minimum rest", text, STYLE_PLAIN);
}

/* "2 of 2"; "2" where no limit holds. */
static char *count_text(const json_t *plan, const char *count, const char *limit) {
        if (!json_object_get(plan, limit))
                return g_strdup_printf("%" PRId64, json_number(plan, count));

        return g_strdup_printf("%" PRId64 " of %" PRId64, json_number(plan, count), json_number(plan, limit));
}

static void print_counts(const json_t *plan) {
        g_autofree char *week = count_text(plan, "week_count", "week_limit"),
                        *weeks = count_text(plan, "course_weeks", "course_limit");
        g_autofree char *since = format_time((uint64_t) json_number(plan, "course_start")), *course = NULL;

        if (!*since)
                return;
        course = g_strdup_printf("%s weeks, since %s", weeks, since);
        table_pair("In 7 days", week, STYLE_PLAIN);
        table_pair("Course", course, STYLE_PLAIN);
}

static void print_acknowledged(const json_t *plan) {
        g_autofree char *when = format_time((uint64_t) json_number(plan, "acknowledged_at"));
        g_autofree char *text = g_strdup_printf("%s (version %s)", *when ? when : "no: 'needlectl acknowledge' shows them",
                                                json_text(plan, "contraindications_version"));

        if (json_object_get(plan, "contraindications_version"))
                table_pair("Acknowledged", text, *when ? STYLE_PLAIN : STYLE_WARN);
}

Exit verb_plan(Client *client) {
        json_auto *plan = NULL;
        Exit e;

        e = plan_get(client, &plan);
        if (e != EXIT_DONE)
                return e;
        if (client_wants_json(client)) {
                output_json(plan);
                return EXIT_DONE;
        }

        print_next(plan, client_now());
        print_last(plan);
        print_counts(plan);
        print_acknowledged(plan);
        return EXIT_DONE;
}

/* ---- acknowledge ---- */

static char *list_text(const json_t *plan, unsigned columns) {
        const json_t *texts = json_object_get(plan, "contraindications");
        GString *s = g_string_new(NULL);
        g_autofree char *end = NULL;

        g_string_printf(s, "Named as contraindications to microneedling (version %s):\n", json_text(plan, "contraindications_version"));
        for (size_t i = 0; i < json_array_size(texts); i++) {
                g_autofree char *text = text_printable(json_string_value(json_array_get(texts, i)));
                g_autofree char *lines = text_wrap(text, columns, 4);

                g_string_append_printf(s, "  - %s\n", lines);
        }
        end = text_wrap("The list is not complete. Each statement and its source: " NEEDLED_DATADIR "/contraindications.list.", columns, 0);
        g_string_append_printf(s, "%s\n", end);
        return g_string_free(s, FALSE);
}

/* Who is to say that they have read it sees all of it, by screenfuls. False: stopped. */
static bool show_list(const json_t *plan, bool asks) {
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;
        unsigned columns, rows;

        terminal_size(&columns, &rows);
        text = list_text(plan, isatty(STDOUT_FILENO) ? MIN(columns, LIST_COLUMNS) : LIST_COLUMNS);
        lines = g_strsplit(g_strchomp(text), "\n", -1);
        for (unsigned i = 0; lines[i]; i++) {
                bool full = asks && rows > 1 && i > 0 && i % (rows - 1) == 0;
                g_autofree char *typed = full ? prompt_line("Enter shows the rest: ") : NULL;

                if (full && !typed)
                        return false;
                printf("%s\n", lines[i]);
        }
        (void) fflush(stdout);
        return true;
}

static bool says_yes(void) {
        g_autofree char *typed = NULL;

        output_say("To acknowledge it says that you have read it, and marks your sessions so.");
        output_say("It is no check of your health; sessions run without it too.");
        typed = prompt_line("Have you read this list? Type yes to acknowledge it: ");

        return g_strcmp0(typed, "yes") == 0;
}

static Exit acknowledge(Client *client, const char *version) {
        return client_call_with(client, SERVICE_ROOT, SERVICE_PLAN, "Acknowledge", ACKNOWLEDGE_TIMEOUT_USEC, NULL,
                                "a{sv}", 1, "version", "s", version);
}

/* What is acknowledged now. */
static Exit print_state(Client *client) {
        json_auto *plan = NULL, *state = json_object();
        static const char *const keys[] = { "contraindications_version", "acknowledged_at" };
        Exit e;

        e = plan_get(client, &plan);
        if (e != EXIT_DONE)
                return e;
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                if (json_object_get(plan, keys[i]))
                        json_object_set(state, keys[i], json_object_get(plan, keys[i]));
        if (client_wants_json(client))
                output_json(state);
        else
                output_say("Acknowledged: version %s. Sessions that begin from now on are marked so.",
                           json_text(plan, "contraindications_version"));

        return EXIT_DONE;
}

Exit verb_acknowledge(Client *client) {
        const char *version = client_arg(client, 0);
        bool is_known, is_shown = true, asks;
        json_auto *plan = NULL;
        const char *current;
        Exit e;

        e = plan_get(client, &plan);
        if (e != EXIT_DONE)
                return e;
        current = json_text(plan, "contraindications_version");
        if (version && strcmp(version, current) == 0 && json_object_get(plan, "acknowledged_at")) {
                output_say("You have acknowledged this version already.");
                return EXIT_NOTHING_TO_DO;
        }
        if (version) {
                e = acknowledge(client, version);
                return e == EXIT_DONE ? print_state(client) : e;
        }
        if (!*current) {
                output_error("needled has no list of contraindications. Its journal says what is wrong with the file.");
                return EXIT_FAILED;
        }
        is_known = json_object_get(plan, "acknowledged_at");
        asks = !is_known && !client_wants_json(client) && isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
        if (client_wants_json(client))
                output_json(plan);
        else
                is_shown = show_list(plan, asks && isatty(STDOUT_FILENO));
        if (is_known) {
                output_say("You have acknowledged this version already.");
                return EXIT_NOTHING_TO_DO;
        }
        if (!asks) {
                output_error("Name the version that was read: needlectl acknowledge %s", current);
                return EXIT_USAGE;
        }
        if (!is_shown || !says_yes()) {
                output_error("Nothing was acknowledged.");
                return EXIT_FAILED;
        }

        e = acknowledge(client, current);
        return e == EXIT_DONE ? print_state(client) : e;
}
