/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/figures-view.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/service.h"
#include "client/verbs.h"

/* The service answers within 20 s, durable or not. */
#define FINISH_TIMEOUT_USEC (30 * SECOND_USEC)

static int append_start_options(sd_bus_message *call, const Options *options) {
        static const struct { const char *key; Option option;
        } keys[] = {
                { "subject", OPTION_SUBJECT },
                { "area", OPTION_AREA },
                { "product", OPTION_PRODUCT },
                { "note", OPTION_NOTE },
        };
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        for (size_t i = 0; r >= 0 && i < G_N_ELEMENTS(keys); i++)
                r = service_append_text(call, keys[i].key, options->value[keys[i].option]);
        if (r < 0)
                return r;

        return sd_bus_message_close_container(call);
}

/* The session as it is now. One that was discarded is gone: then as it was, and that it has ended. */
static Exit print_session_json(Client *client, const char *path, const json_t *before) {
        json_auto *gone = json_copy((json_t *) before);
        g_auto(Objects) objects = {};
        const json_t *session;
        Exit e;

        e = client_objects(client, &objects);
        if (e != EXIT_DONE)
                return e;

        session = objects_at(objects.sessions, path);
        if (!session && before)
                json_object_set_new(gone, "state", json_string("finished"));
        if (session || before)
                output_json(session ? session : gone);

        return EXIT_DONE;
}

Exit verb_start(Client *client) {
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(Objects) objects = {}, now = {};
        const json_t *device = NULL, *session;
        json_auto *path = NULL;
        Exit e;
        int r;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;

        e = service_message(client->bus, SERVICE_ROOT, SERVICE_MANAGER, "StartSession", &call);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(call, "o", json_text(device, "path"));
        if (r >= 0)
                r = append_start_options(call, &client->options);
        if (r < 0)
                return service_message_error(r);
        e = service_call(client->bus, call, 0, &path);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client))
                return print_session_json(client, json_is_string(path) ? json_string_value(path) : "", NULL);

        e = client_objects(client, &now);
        if (e != EXIT_DONE)
                return e;
        session = objects_at(now.sessions, json_is_string(path) ? json_string_value(path) : "");
        output_say("Session %" PRId64 " is open. 'needlectl watch' follows it, 'needlectl finish' ends it.",
                   json_number(session, "id"));
        return EXIT_DONE;
}

/* After its end: `session` is as it was just before. */
static void say_next(const json_t *session) {
        if (strcmp(json_text(session, "state"), "running") == 0)
                output_say(NAMES_NEXT_AFTER_REST);
}

static Exit call_session(Client *client, const char *method, const char *state_then, const char *done,
                         uint64_t timeout_usec) {
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        Exit e;

        e = client_find_session(client, client_arg(client, 0), &objects, &session);
        if (e != EXIT_DONE)
                return e;
        if (state_then && strcmp(state_then, "running") == 0 && strcmp(json_text(session, "state"), "open") == 0) {
                output_say("Session %" PRId64 " is not paused; it waits to be used.", json_number(session, "id"));
                return EXIT_NOTHING_TO_DO;
        }
        if (state_then && strcmp(json_text(session, "state"), state_then) == 0) {
                output_say("Session %" PRId64 " is %s already%s.", json_number(session, "id"), state_then,
                           strcmp(state_then, "running") == 0 ? ": use ends a pause too" : "");
                return EXIT_NOTHING_TO_DO;
        }

        e = client_call(client, json_text(session, "path"), SERVICE_SESSION, method, timeout_usec, NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("Session %" PRId64 " %s.", json_number(session, "id"), done);
        if (!state_then)
                say_next(session);
        return client_wants_json(client) ? print_session_json(client, json_text(session, "path"), session)
                                         : EXIT_DONE;
}

Exit verb_pause(Client *client) {
        return call_session(client, "Pause", "paused", "is paused, until it is used or 'needlectl resume'", 0);
}

Exit verb_resume(Client *client) {
        return call_session(client, "Resume", "running", "goes on", 0);
}

Exit verb_discard(Client *client) {
        return call_session(client, "Discard", NULL, "is discarded", FINISH_TIMEOUT_USEC);
}

Exit verb_finish(Client *client) {
        json_auto *figures = NULL, *reply = NULL;
        g_auto(Objects) objects = {};
        const json_t *session = NULL;
        const char *path;
        Exit e;

        e = client_find_session(client, client_arg(client, 0), &objects, &session);
        if (e != EXIT_DONE)
                return e;
        path = json_text(session, "path");
        e = client_call(client, path, SERVICE_SESSION, "Finish", FINISH_TIMEOUT_USEC, NULL);
        if (e != EXIT_DONE)
                return e;

        /* The object stays for a minute after the end, with the final figures. */
        output_say("Session %" PRId64 " is finished and stored.", json_number(session, "id"));
        say_next(session);
        e = client_call(client, path, SERVICE_SESSION, "GetFigures", 0, &figures);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                reply = json_pack("{s:I, s:s, s:O}", "session", (json_int_t) json_number(session, "id"), "uuid",
                                  json_text(session, "uuid"), "figures", figures);
                output_json(reply);
        } else
                figures_view_print(figures);

        return EXIT_DONE;
}
