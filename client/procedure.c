/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/areas.h"
#include "client/format.h"
#include "client/history.h"
#include "client/json.h"
#include "client/match.h"
#include "client/output.h"
#include "client/service.h"
#include "client/session-name.h"
#include "client/stages.h"
#include "client/terminal.h"
#include "client/verbs.h"
#include "needled/omp.h"

/* What people say of a session: where the procedure is, which area is worked on, remarks, labels. */

/* The service answers within 20 s, durable or not. */
#define ANNOTATE_TIMEOUT_USEC (30 * SECOND_USEC)

/* The live session that was meant; without a name it may be none: *ret is NULL then. */
static Exit maybe_session(Client *client, Objects *objects, const json_t **ret) {
        Exit e;

        *ret = NULL;
        e = client_objects(client, objects);
        if (e == EXIT_DONE && objects_only_session(objects, getuid(), ret) < 0)
                *ret = NULL;

        return e;
}

static Exit tell_session(Client *client, const json_t *session, const char *method, const char *text) {
        return client_call_with(client, json_text(session, "path"), SERVICE_SESSION, method, 0, NULL, "s", text);
}

static void print_done(Client *client, const json_t *session, const char *key, const char *value) {
        json_auto *done = json_pack("{s:I s:s s:o}", "session", (json_int_t) json_number(session, "id"), "uuid",
                                    json_text(session, "uuid"), key, json_of_text(value));

        if (client_wants_json(client))
                output_json(done);
}

/* ---- Stages ---- */

static Exit show_stages(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        g_autofree char *text = NULL;
        Stage current = STAGE_NONE;
        unsigned columns, rows;
        Exit e;

        e = maybe_session(client, &objects, &session);
        if (e != EXIT_DONE)
                return e;

        (void) stage_from_name(json_text(session, "stage"), &current);
        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:o}", "stages", stages_json());

                if (session)
                        json_object_set(reply, "session", json_object_get(session, "id"));
                if (current != STAGE_NONE)
                        json_object_set_new(reply, "stage", json_string(stage_name(current)));
                output_json(reply);
                return EXIT_DONE;
        }

        terminal_size(&columns, &rows);
        text = stages_text(current, terminal_is_screen() ? columns : 0);
        fputs(text, stdout);
        return EXIT_DONE;
}

static Exit read_stage(const char *typed, Stage *ret) {
        const char *names[_STAGE_MAX - 1], *meant;

        if (strcmp(typed, "none") == 0) {
                *ret = STAGE_NONE;
                return EXIT_DONE;
        }
        if (*typed && stage_from_name(typed, ret) >= 0)
                return EXIT_DONE;

        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++)
                names[stage - 1] = stage_name(stage);
        meant = match_suggest(typed, names, G_N_ELEMENTS(names));
        output_error("There is no stage '%s'. %s%s%s", typed,
                     meant ? "Did you mean '" : "Stages are cleanse, numb, needling, aftercare, and none",
                     meant ? meant : "", meant ? "'?" : ".");
        return EXIT_USAGE;
}

Exit verb_stage(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        const char *name;
        Stage stage;
        Exit e;

        if (client->n_args == 0)
                return show_stages(client);

        e = read_stage(client_arg(client, 0), &stage);
        if (e == EXIT_DONE)
                e = client_find_session(client, client_arg(client, 1), &objects, &session);
        if (e != EXIT_DONE)
                return e;

        name = stage == STAGE_NONE ? "none" : stage_name(stage);
        if (strcmp(json_text(session, "stage"), stage_name(stage)) == 0) {
                output_say("The stage of session %" PRId64 " is %s already.", json_number(session, "id"), name);
                return EXIT_NOTHING_TO_DO;
        }
        e = tell_session(client, session, "SetStage", stage_name(stage));
        if (e != EXIT_DONE)
                return e;

        output_say("The stage of session %" PRId64 " is %s.", json_number(session, "id"), name);
        if (stage != STAGE_NONE)
                output_say("%s (Source: %s.)", stages_facts(stage)->says, stages_facts(stage)->source);
        print_done(client, session, "stage", stage_name(stage));
        return EXIT_DONE;
}

/* ---- Areas ---- */

static Exit show_areas(Client *client) {
        g_auto(Objects) objects = {};
        json_auto *figures = NULL, *reply = NULL;
        const json_t *session = NULL;
        const char *names[AREAS_MAX], *current;
        json_t *areas = json_array();
        unsigned n = areas_list(names);
        Exit e;

        reply = json_pack("{s:o}", "areas", areas);
        e = maybe_session(client, &objects, &session);
        if (e == EXIT_DONE && session)
                e = client_call(client, json_text(session, "path"), SERVICE_SESSION, "GetFigures", 0, &figures);
        if (e != EXIT_DONE)
                return e;

        current = json_text(figures, "area");
        if (client_wants_json(client)) {
                for (unsigned i = 0; i < n; i++)
                        json_array_append_new(areas, json_string(names[i]));
                if (session)
                        json_object_set(reply, "session", json_object_get(session, "id"));
                if (*current)
                        json_object_set_new(reply, "area", json_string(current));
                output_json(reply);
                return EXIT_DONE;
        }

        for (unsigned i = 0; i < n; i++)
                printf("%s%s\n", strcmp(names[i], current) == 0 ? "* " : "  ", names[i]);
        return EXIT_DONE;
}

static Exit check_area(const char *typed) {
        const char *names[AREAS_MAX], *meant;
        uint8_t number;

        if (omp_area_from_name(typed, &number) >= 0)
                return EXIT_DONE;

        meant = match_suggest(typed, names, areas_list(names));
        output_error("There is no area '%s'. %s%s%s", typed, meant ? "Did you mean '" : "'needlectl area' lists them",
                     meant ? meant : "", meant ? "'?" : ".");
        return EXIT_USAGE;
}

Exit verb_area(Client *client) {
        const char *name = client_arg(client, 0);
        json_auto *figures = NULL;
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        Exit e;

        if (!name)
                return show_areas(client);

        e = check_area(name);
        if (e == EXIT_DONE)
                e = client_find_session(client, client_arg(client, 1), &objects, &session);
        if (e == EXIT_DONE)
                e = client_call(client, json_text(session, "path"), SERVICE_SESSION, "GetFigures", 0, &figures);
        if (e == EXIT_DONE)
                e = tell_session(client, session, "SetArea", name); /* it may be the device's word alone so far */
        if (e != EXIT_DONE)
                return e;

        if (strcmp(json_text(figures, "area"), name) == 0) {
                output_say("The area of session %" PRId64 " is %s already.", json_number(session, "id"), name);
                return EXIT_NOTHING_TO_DO;
        }
        output_say("The area of session %" PRId64 " is %s from now on, unless the device tells another.",
                   json_number(session, "id"), name);
        print_done(client, session, "area", name);
        return EXIT_DONE;
}

/* ---- Remarks and labels ---- */

Exit verb_mark(Client *client) {
        const char *text = client_arg(client, 0);
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        Exit e;

        if (!text || !*text) {
                output_error("A mark takes a text: needlectl mark \"changed the head\".");
                return EXIT_USAGE;
        }

        e = client_find_session(client, client_arg(client, 1), &objects, &session);
        if (e == EXIT_DONE)
                e = tell_session(client, session, "Mark", text);
        if (e != EXIT_DONE)
                return e;

        output_say("Marked in session %" PRId64 ".", json_number(session, "id"));
        print_done(client, session, "mark", text);
        return EXIT_DONE;
}

/* "key=value" as one entry of the dictionary. EXIT_USAGE. */
static Exit append_label(sd_bus_message *call, const char *typed) {
        static const char *const keys[] = { "subject", "area", "product", "note", "rating", NULL };
        const char *equals = strchr(typed, '=');
        g_autofree char *key = g_strndup(typed, equals ? (size_t) (equals - typed) : strlen(typed));
        uint64_t rating = 0; /* takes it away */
        int r;

        if (!equals || !g_strv_contains(keys, key)) {
                output_error("'%s' is no label. Labels are subject=, area=, product=, note= and rating=1 to 5.", typed);
                return EXIT_USAGE;
        }
        if (strcmp(key, "area") == 0 && equals[1] && check_area(equals + 1) != EXIT_DONE)
                return EXIT_USAGE;

        if (strcmp(key, "rating") != 0)
                r = service_append_text(call, key, equals + 1);
        else if (equals[1] && format_parse_unsigned(equals + 1, 1, 5, &rating) < 0) {
                output_error("A rating is a number from 1 to 5, not '%s'.", equals + 1);
                return EXIT_USAGE;
        } else
                r = sd_bus_message_append(call, "{sv}", "rating", "u", (uint32_t) rating);

        return r < 0 ? service_message_error(r) : EXIT_DONE;
}

static Exit append_labels(Client *client, sd_bus_message *call) {
        Exit e = EXIT_DONE;
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        for (int i = 1; r >= 0 && e == EXIT_DONE && i < client->n_args; i++)
                e = append_label(call, client->args[i]);
        if (r >= 0 && e == EXIT_DONE)
                r = sd_bus_message_close_container(call);

        return r < 0 ? service_message_error(r) : e;
}

/* Of a live session it is the session that is asked, else the record. */
static Exit begin_annotate(Client *client, const Objects *objects, const char *typed, uint64_t *ret_id, char **ret_uuid,
                           sd_bus_message **ret) {
        const json_t *session = NULL;
        Exit e;
        int r;

        e = session_name_find(client, objects, typed, ret_id);
        if (e != EXIT_DONE)
                return e;
        session = objects_session_by_id(objects, *ret_id);
        if (session && objects_session_is_live(session)) {
                *ret_uuid = g_strdup(json_text(session, "uuid"));
                return service_message(client->bus, json_text(session, "path"), SERVICE_SESSION, "Annotate", ret);
        }

        e = service_message(client->bus, SERVICE_ROOT, SERVICE_HISTORY, "Annotate", ret);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(*ret, "t", *ret_id);
        return r < 0 ? service_message_error(r) : EXIT_DONE;
}

static Exit print_annotated(Client *client, uint64_t id, const char *uuid) {
        json_auto *entry = NULL, *done = NULL;

        if (!uuid) {
                Exit e = history_get(client, id, &entry);

                if (e != EXIT_DONE)
                        return e;
        }

        done = json_pack("{s:I s:s}", "session", (json_int_t) id, "uuid", uuid ?: json_text(entry, "uuid"));
        output_json(done);
        return EXIT_DONE;
}

Exit verb_annotate(Client *client) {
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(Objects) objects = {};
        g_autofree char *uuid = NULL;
        uint64_t id = 0;
        Exit e;

        e = client_objects(client, &objects);
        if (e == EXIT_DONE)
                e = begin_annotate(client, &objects, client_arg(client, 0), &id, &uuid, &call);
        if (e == EXIT_DONE)
                e = append_labels(client, call);
        if (e == EXIT_DONE)
                e = service_call(client->bus, call, ANNOTATE_TIMEOUT_USEC, NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("Session %" PRIu64 " is annotated.", id);
        return client_wants_json(client) ? print_annotated(client, id, uuid) : EXIT_DONE;
}
