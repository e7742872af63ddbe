/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/events-view.h"
#include "client/figures-view.h"
#include "client/format.h"
#include "client/history.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/redact.h"
#include "client/service.h"
#include "client/session-filter.h"
#include "client/session-name.h"
#include "client/table.h"
#include "client/text.h"
#include "client/verbs.h"

#define LIMIT_DEFAULT 50

static char *session_device(const json_t *session) {
        const char *alias = json_text(session, "alias");

        return g_strdup(redact_name(*alias ? alias : json_text(session, "device")));
}

static void add_session(Table *table, const json_t *session) {
        g_autofree char *id = g_strdup_printf("%" PRId64, json_number(session, "id"));
        g_autofree char *start = format_time((uint64_t) json_number(session, "start")),
                        *device = session_device(session);
        const json_t *values[] = { json_object_get(session, "duration"), json_object_get(session, "strokes"),
                                   json_object_get(session, "force_mean"),
                                   json_object_get(session, "force_peak") };
        g_autofree char *duration =
                values[0] ? format_duration((uint64_t) MAX(json_integer_value(values[0]), 0))
                          : g_strdup("-");
        g_autofree char *strokes =
                values[1] ? g_strdup_printf("%" PRId64, (int64_t) json_integer_value(values[1]))
                          : g_strdup("-");
        g_autofree char *mean = values[2] ? format_force(json_integer_value(values[2])) : g_strdup("-");
        g_autofree char *peak = values[3] ? format_force(json_integer_value(values[3])) : g_strdup("-");
        bool over = json_number(session, "over_count") > 0;

        table_add(table, id, STYLE_PLAIN);
        table_add(table, start, STYLE_PLAIN);
        table_add(table, duration, STYLE_PLAIN);
        table_add(table, strokes, STYLE_PLAIN);
        table_add(table, mean, STYLE_PLAIN);
        table_add(table, peak, over ? STYLE_BAD : STYLE_PLAIN);
        table_add(table, json_text(session, "end_reason"), STYLE_PLAIN);
        table_add(table, json_text(session, "area"), STYLE_PLAIN);
        table_add(table, device, STYLE_PLAIN);
}

Exit verb_sessions(Client *client) {
        static const char *const titles[] = { ">ID",   "START", ">DURATION", ">STROKES", ">MEAN",
                                              ">PEAK", "END",   "AREA",      "DEVICE" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));
        json_auto *sessions = json_array();
        g_auto(Objects) objects = {};
        json_t *session;
        SessionFilter filter;
        size_t i;
        Exit e;

        e = session_filter_read(client, &objects, LIMIT_DEFAULT, &filter);
        if (e != EXIT_DONE)
                return e;
        e = session_filter_list(client, &filter, sessions);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:O}", "sessions", sessions);

                output_json(reply);
                return EXIT_DONE;
        }

        json_array_foreach(sessions, i, session)
                add_session(table, session);
        if (table_rows(table) > 0)
                table_print(table, !options_has(&client->options, OPTION_NO_LEGEND));
        else
                output_say("There are no such sessions.");

        return EXIT_DONE;
}

static void print_text(const char *label, const char *value) {
        if (*value)
                table_pair(label, redact_name(value), STYLE_PLAIN);
}

static void print_session(const json_t *session, const json_t *events, bool legend) {
        g_autofree char *happened = events_view_text(events, legend, output_has_color());
        g_autofree char *id = g_strdup_printf("%" PRId64, json_number(session, "id")),
                        *device = session_device(session);
        g_autofree char *start = format_time((uint64_t) json_number(session, "start"));
        const char *end = json_text(session, "end_reason");

        table_pair("Session", id, STYLE_BOLD);
        print_text("UUID", json_text(session, "uuid"));
        print_text("Device", device);
        print_text("Start", start);
        print_text("End", *end ? names_end_reason_text(end) : "");
        print_text("Stage", json_text(session, "stage"));
        print_text("Subject", json_text(session, "subject"));
        print_text("Area", json_text(session, "area"));
        print_text("Product", json_text(session, "product"));
        print_text("Note", json_text(session, "note"));
        if (json_number(session, "rating") > 0) {
                g_autofree char *rating = g_strdup_printf("%" PRId64 " of 5", json_number(session, "rating"));

                print_text("Rating", rating);
        }
        figures_view_print(session);
        if (*happened)
                printf("\n%s", happened);
}

/* A live session is not in the history yet: its figures so far, in the shape of the history. */
static Exit get_live(Client *client, const json_t *session, const json_t *device, json_t **ret) {
        Exit e = client_call(client, json_text(session, "path"), SERVICE_SESSION, "GetFigures", 0, ret);

        if (e != EXIT_DONE)
                return e;

        json_object_set(*ret, "id", json_object_get(session, "id"));
        json_object_set(*ret, "uuid", json_object_get(session, "uuid"));
        json_object_set(*ret, "start", json_object_get(session, "started_at"));
        json_object_set(*ret, "state", json_object_get(session, "state"));
        json_object_set(*ret, "stage", json_object_get(session, "stage"));
        json_object_set(*ret, "device", json_object_get(device, "address"));
        json_object_set(*ret, "alias", json_object_get(device, "alias"));
        return EXIT_DONE;
}

Exit history_get(Client *client, uint64_t id, json_t **ret) {
        return client_call_with(client, SERVICE_ROOT, SERVICE_HISTORY, "Get", 0, ret, "t", id);
}

Exit history_find(Client *client, const char *typed, bool *ret_live, json_t **ret) {
        const json_t *live = NULL, *device = NULL;
        json_auto *session = NULL, *events = NULL;
        g_auto(Objects) objects = {};
        uint64_t id;
        Exit e;

        *ret_live = false;
        e = client_objects(client, &objects);
        if (e == EXIT_DONE)
                e = session_name_find(client, &objects, typed, &id);
        if (e != EXIT_DONE)
                return e;

        live = objects_session_by_id(&objects, id);
        if (live && objects_session_is_live(live)) {
                *ret_live = true;
                device = objects_at(objects.devices, json_text(live, "device"));
                e = get_live(client, live, device, &session);
        } else
                e = history_get(client, id, &session);
        if (e != EXIT_DONE)
                return e;
        e = events_view_get(client, (uint64_t) json_number(session, "id"), &events);
        if (e != EXIT_DONE && !*ret_live) /* the figures of a live one are known whatever the database does */
                return e;

        if (events)
                json_object_set(session, "events", events);
        *ret = g_steal_pointer(&session);
        return EXIT_DONE;
}

Exit verb_show(Client *client) {
        json_auto *session = NULL;
        bool live;
        Exit e = history_find(client, client_arg(client, 0), &live, &session);

        if (e != EXIT_DONE)
                return e;
        if (client_wants_json(client))
                output_json(session);
        else
                print_session(session, json_object_get(session, "events"), !options_has(&client->options, OPTION_NO_LEGEND));

        return EXIT_DONE;
}
