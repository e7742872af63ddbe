/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "client/device-view.h"
#include "client/figures-view.h"
#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/plan.h"
#include "client/service.h"
#include "client/table.h"
#include "client/verbs.h"

static void print_bluetooth(const json_t *manager) {
        const char *state = json_text(manager, "bluetooth"), *text = names_bluetooth_text(state);
        g_autofree char *line =
                text ? g_strdup_printf("%s: %s", state, text)
                     : g_strdup_printf("%s%s", state,
                                       json_is_true(json_object_get(manager, "searching")) ? ", searching"
                                                                                           : "");

        table_pair("Bluetooth", line, strcmp(state, "ready") == 0 ? STYLE_GOOD : STYLE_BAD);
}

static void print_storage(const json_t *manager) {
        const char *state = json_text(manager, "storage"), *reason = json_text(manager, "storage_reason");
        g_autofree char *line = *reason ? g_strdup_printf("%s: %s", state, reason) : g_strdup(state);

        table_pair("Storage", line, strcmp(state, "ready") == 0 ? STYLE_GOOD : STYLE_BAD);
}

static void print_device(const json_t *device) {
        g_autoptr(GString) line = g_string_new(objects_device_title(device));
        uint64_t now_usec = client_now();
        g_autofree char *state = device_view_state(device, now_usec), *reason = device_view_reason(device, now_usec);
        const json_t *battery = json_object_get(device, "battery");

        g_string_append_printf(line, ", %s", state);
        if (battery)
                g_string_append_printf(line, ", battery %" PRId64 " %%",
                                       (int64_t) json_integer_value(battery));

        if (reason)
                g_string_append_printf(line, "; %s", reason);

        table_pair("Device", line->str, objects_device_is_connected(device) ? STYLE_GOOD : STYLE_PLAIN);
}

/* Nobody is asked for a password just because they looked at the status: figures are for the owner's eyes,
 * and others' are left out. */
static json_t *own_figures(Client *client, const json_t *session) {
        uid_t uid = getuid();
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        json_t *figures = NULL;

        if (uid != 0 && json_number(session, "owner") != (int64_t) uid)
                return NULL;
        if (service_message(client->bus, json_text(session, "path"), SERVICE_SESSION, "GetFigures", &call) != EXIT_DONE ||
            service_try(client->bus, call, 0, &error, &figures) < 0) /* it may have gone in the meantime */
                return NULL;

        return figures;
}

static bool print_session(Client *client, const json_t *session) {
        json_auto *figures = NULL;
        g_autofree char *summary = NULL, *line = NULL;
        const char *stage;

        if (!objects_session_is_live(session))
                return false;

        figures = own_figures(client, session);
        summary = figures_view_summary(figures);
        stage = json_text(session, "stage");
        line = g_strdup_printf("%" PRId64 ", %s%s%s%s%s", json_number(session, "id"), json_text(session, "state"),
                               *stage ? ", stage " : "", stage, *summary ? ", " : "", summary);
        table_pair("Session", line, STYLE_PLAIN);
        return true;
}

static void print_plan(Client *client) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autofree char *next = NULL, *line = NULL;
        json_auto *plan = NULL;
        bool to_read;
        int r;

        r = plan_try(client, &error, &plan);
        if (r < 0) {
                line = g_strdup_printf("unknown: %s", error.message ? error.message : g_strerror(-r));
                table_pair("Plan", line, STYLE_BAD);
                return;
        }

        next = plan_next(plan, client_now());
        to_read = json_object_get(plan, "contraindications_version") && !json_object_get(plan, "acknowledged_at");
        line = g_strdup_printf("next earliest %s%s", next,
                               to_read ? "; contraindications not read yet: needlectl acknowledge" : "");
        table_pair("Plan", line, strcmp(next, "now") != 0 || to_read ? STYLE_WARN : STYLE_GOOD);
}

static void print_status(Client *client, const json_t *manager, const Objects *objects) {
        unsigned n_devices = 0, n_sessions = 0;
        json_t *item;
        size_t i;

        print_bluetooth(manager);

        json_array_foreach(objects->devices, i, item)
                if (json_is_true(json_object_get(item, "adopted"))) {
                        print_device(item);
                        n_devices++;
                }
        if (n_devices == 0)
                table_pair("Device", "none yet: 'needlectl setup' leads through the first steps", STYLE_WARN);

        json_array_foreach(objects->sessions, i, item)
                n_sessions += print_session(client, item);
        if (n_sessions == 0)
                table_pair("Session", n_devices > 0 ? "none: one begins by itself when the device is used" : "none", STYLE_PLAIN);

        print_plan(client);
        print_storage(manager);
}

Exit verb_status(Client *client) {
        g_auto(Objects) objects = {};
        json_auto *manager = NULL;
        Exit e;

        e = client_manager(client, &manager);
        if (e != EXIT_DONE)
                return e;
        e = client_objects(client, &objects);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                json_object_set(manager, "devices", objects.devices);
                json_object_set(manager, "sessions", objects.sessions);
                output_json(manager);
                return EXIT_DONE;
        }

        print_status(client, manager, &objects);
        return EXIT_DONE;
}
