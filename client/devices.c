/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/devices.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/device-view.h"
#include "client/format.h"
#include "client/json.h"
#include "client/output.h"
#include "client/pairing.h"
#include "client/redact.h"
#include "client/service.h"
#include "client/verbs.h"

/* A little longer than the service's own limits, so that its answer comes before ours. */
#define ADOPT_TIMEOUT_USEC (160 * SECOND_USEC)
#define CONNECT_TIMEOUT_USEC (70 * SECOND_USEC)
#define RELEASE_MAX_SEC (30 * UINT64_C(86400))

static Style state_style(const json_t *device) {
        const char *state = json_text(device, "state");

        if (objects_device_is_connected(device))
                return STYLE_GOOD;
        if (strcmp(state, "refused") == 0 || strcmp(state, "bond-lost") == 0)
                return STYLE_BAD;

        return STYLE_PLAIN;
}

Table *devices_table(void) {
        static const char *const titles[] = { "DEVICE", "ADDRESS", "KIND", "STATE", "SINCE", ">BATTERY", ">SIGNAL" };

        return table_new(titles, G_N_ELEMENTS(titles));
}

void devices_table_add(Table *table, const json_t *device, uint64_t now_realtime_usec) {
        const json_t *battery = json_object_get(device, "battery"), *rssi = json_object_get(device, "rssi");
        g_autofree char *since = device_view_since(device, now_realtime_usec),
                        *reason = device_view_reason(device, now_realtime_usec);
        g_autofree char *level =
                battery ? g_strdup_printf("%" PRId64 " %%", (int64_t) json_integer_value(battery))
                        : g_strdup("-");
        g_autofree char *signal =
                rssi ? g_strdup_printf("%" PRId64 " dBm", (int64_t) json_integer_value(rssi))
                     : g_strdup("-");

        table_add(table, objects_device_title(device), STYLE_PLAIN);
        table_add(table, redact_name(json_text(device, "address")), STYLE_PLAIN);
        table_add(table, json_text(device, "kind"), STYLE_PLAIN);
        table_add(table, json_text(device, "state"), state_style(device));
        table_add(table, since, STYLE_PLAIN);
        table_add(table, level, STYLE_PLAIN);
        table_add(table, signal, STYLE_PLAIN);
        if (reason)
                table_note(table, reason);
}

Exit devices_print_json(Client *client, const char *path) {
        g_auto(Objects) objects = {};
        const json_t *device;
        Exit e;

        if (!client_wants_json(client))
                return EXIT_DONE;

        e = client_objects(client, &objects);
        if (e != EXIT_DONE)
                return e;

        device = objects_at(objects.devices, path);
        if (device)
                output_json(device);

        return EXIT_DONE;
}

Exit verb_devices(Client *client) {
        g_autoptr(Table) table = devices_table();
        g_auto(Objects) objects = {};
        json_t *device;
        size_t i;
        Exit e;

        e = client_objects(client, &objects);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:O}", "devices", objects.devices);

                output_json(reply);
                return EXIT_DONE;
        }

        json_array_foreach(objects.devices, i, device)
                devices_table_add(table, device, client_now());
        if (table_rows(table) > 0)
                table_print(table, !options_has(&client->options, OPTION_NO_LEGEND));
        else
                output_say("No device is known. 'needlectl search' looks for one.");

        return EXIT_DONE;
}

static int append_adopt_options(sd_bus_message *call, const Options *options, bool agent) {
        int r;

        r = sd_bus_message_open_container(call, 'a', "{sv}");
        if (r < 0)
                return r;
        r = service_append_text(call, "alias", options->value[OPTION_ALIAS]);
        if (r < 0)
                return r;
        if (options_has(options, OPTION_ALLOW_UNBONDED)) {
                r = sd_bus_message_append(call, "{sv}", "allow-unbonded", "b", true);
                if (r < 0)
                        return r;
        }

        if (agent) {
                r = sd_bus_message_append(call, "{sv}", "agent", "o", PAIRING_PATH);
                if (r < 0)
                        return r;
        }

        return sd_bus_message_close_container(call);
}

/* Its bond is lost, or it is not the device that it was: the service makes a new bond if its owner wants it.
 * Of one that is refused for another reason the service says what is to be done. */
static bool wants_adoption(const json_t *device) {
        const char *state = json_text(device, "state");

        return strcmp(state, "bond-lost") == 0 || strcmp(state, "refused") == 0;
}

/* On a terminal, and if the service knows of agents. */
static bool can_ask(Client *client) {
        json_auto *manager = NULL;
        const json_t *feature;
        size_t i;

        if (!pairing_can_ask() || client_manager(client, &manager) != EXIT_DONE)
                return false;

        json_array_foreach(json_object_get(manager, "features"), i, feature)
                if (g_strcmp0(json_string_value(feature), "pairing-agent") == 0)
                        return true;

        return false;
}

/* What the bond that was just made is worth. */
static Exit say_bond(Client *client, const char *path, bool could_ask) {
        g_auto(Objects) objects = {};
        Exit e;

        e = client_objects(client, &objects);
        if (e != EXIT_DONE)
                return e;
        if (!json_is_true(json_object_get(objects_at(objects.devices, path), "bonded")))
                return EXIT_DONE;

        if (could_ask)
                output_say("It was paired without digits (Just Works), it can do no more: nothing proves that no other "
                           "device answered in its place.");
        else
                output_say("It was paired without digits (Just Works): nothing proves that no other device answered in "
                           "its place. If it can show or take digits, forget it and adopt it on a terminal.");
        return EXIT_DONE;
}

Exit verb_adopt(Client *client) {
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        const char *path, *title;
        bool agent, was_bonded, asked = false;
        Exit e;
        int r;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;

        path = json_text(device, "path");
        title = objects_device_title(device);
        if (json_is_true(json_object_get(device, "adopted")) && !wants_adoption(device)) {
                output_say("%s is adopted already.", title);
                return EXIT_NOTHING_TO_DO;
        }

        /* Of one that is adopted again the old bond is made anew. */
        was_bonded = json_is_true(json_object_get(device, "bonded")) && !json_is_true(json_object_get(device, "adopted"));
        agent = can_ask(client);
        e = service_message(client->bus, SERVICE_ROOT, SERVICE_MANAGER, "Adopt", &call);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(call, "o", path);
        if (r >= 0)
                r = append_adopt_options(call, &client->options, agent);
        if (r < 0)
                return service_message_error(r);
        if (agent) /* on its way an answer cannot be asked for again */
                r = service_may_ask(call);
        if (r < 0)
                return service_error(NULL, r);

        output_say("Bonding with %s. If it asks for it, press its button now.", title);
        e = agent ? pairing_adopt(client->bus, call, ADOPT_TIMEOUT_USEC, &asked)
                  : service_call(client->bus, call, ADOPT_TIMEOUT_USEC, NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("%s is adopted. needled connects to it whenever it is switched on; 'needlectl watch' "
                   "shows it in use.",
                   title);
        if (!asked && !was_bonded) {
                e = say_bond(client, path, agent);
                if (e != EXIT_DONE)
                        return e;
        }
        return devices_print_json(client, path);
}

Exit verb_forget(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        Exit e;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;
        if (!json_is_true(json_object_get(device, "adopted"))) {
                output_say("%s is not adopted.", objects_device_title(device));
                return EXIT_NOTHING_TO_DO;
        }

        e = client_call_with(client, SERVICE_ROOT, SERVICE_MANAGER, "Forget", CONNECT_TIMEOUT_USEC, NULL, "o",
                             json_text(device, "path"));
        if (e != EXIT_DONE)
                return e;

        output_say("%s is forgotten. Its sessions are kept.", objects_device_title(device));
        if (client_wants_json(client))
                output_json(device);

        return EXIT_DONE;
}

Exit verb_connect(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        Exit e;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;
        if (objects_device_is_connected(device)) {
                output_say("%s is connected already.", objects_device_title(device));
                return EXIT_NOTHING_TO_DO;
        }

        e = client_call(client, json_text(device, "path"), SERVICE_DEVICE, "Connect", CONNECT_TIMEOUT_USEC,
                        NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("%s is connected.", objects_device_title(device));
        return devices_print_json(client, json_text(device, "path"));
}

/* Of both options the seconds; -1: neither is given. */
static Exit release_seconds(const Options *options, int64_t *ret) {
        const char *span = options->value[OPTION_FOR];
        uint64_t seconds;
        Exit e;

        *ret = -1;
        if (span && options_has(options, OPTION_SECONDS)) {
                output_error("--seconds and --for say the same: give one of them.");
                return EXIT_USAGE;
        }
        if (!span && !options_has(options, OPTION_SECONDS))
                return EXIT_DONE;
        if (span && format_parse_span(span, RELEASE_MAX_SEC, &seconds) < 0) {
                output_error("--for takes a length of time up to 30d, as 90s, 30min, 2h or '1d 12h', not '%s'.", span);
                return EXIT_USAGE;
        }
        if (!span) {
                e = options_number(options, OPTION_SECONDS, 0, RELEASE_MAX_SEC, 0, &seconds);
                if (e != EXIT_DONE)
                        return e;
        }

        *ret = (int64_t) seconds;
        return EXIT_DONE;
}

static Exit call_release(Client *client, const char *path, int64_t seconds) {
        return seconds < 0 ? client_call_with(client, path, SERVICE_DEVICE, "Release", CONNECT_TIMEOUT_USEC, NULL, "a{sv}", 0)
                           : client_call_with(client, path, SERVICE_DEVICE, "Release", CONNECT_TIMEOUT_USEC, NULL, "a{sv}", 1,
                                              "seconds", "u", (uint32_t) seconds);
}

Exit verb_release(Client *client) {
        g_auto(Objects) before = {}, after = {};
        g_autofree char *reason = NULL;
        const json_t *device = NULL;
        int64_t seconds;
        Exit e;

        e = release_seconds(&client->options, &seconds);
        if (e != EXIT_DONE)
                return e;
        e = client_find_device(client, client_arg(client, 0), &before, &device);
        if (e != EXIT_DONE)
                return e;
        e = call_release(client, json_text(device, "path"), seconds);
        if (e != EXIT_DONE)
                return e;

        /* For how long is the service's to say: it may be its own configuration. */
        e = client_objects(client, &after);
        if (e != EXIT_DONE)
                return e;
        device = objects_at(after.devices, json_text(device, "path"));
        reason = device ? device_view_reason(device, client_now()) : NULL;
        if (device)
                output_say("%s is %s.", objects_device_title(device), reason ? reason : json_text(device, "state"));
        if (device && client_wants_json(client))
                output_json(device);

        return EXIT_DONE;
}

Exit verb_autoconnect(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        const char *word = client_arg(client, client->n_args - 1), *title;
        bool on = strcmp(word, "on") == 0;
        const json_t *adopted, *auto_connect;
        Exit e;

        if (!on && strcmp(word, "off") != 0) {
                output_error("Say 'on' or 'off', not '%s'.", word);
                return EXIT_USAGE;
        }
        e = client_find_device(client, client->n_args > 1 ? client_arg(client, 0) : NULL, &objects, &device);
        if (e != EXIT_DONE)
                return e;
        title = objects_device_title(device);
        adopted = json_object_get(device, "adopted");
        auto_connect = json_object_get(device, "auto_connect");
        if (json_is_true(adopted) && json_is_true(auto_connect) == on) {
                output_say("That is so already.");
                return EXIT_NOTHING_TO_DO;
        }

        e = client_call_with(client, json_text(device, "path"), SERVICE_DEVICE, "SetAutoConnect", 0, NULL, "b", on);
        if (e != EXIT_DONE)
                return e;

        if (on)
                output_say("needled connects to %s by itself.", title);
        else
                output_say("needled connects to %s only by 'needlectl connect'.", title);
        return devices_print_json(client, json_text(device, "path"));
}

Exit verb_alias(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        const char *alias = client_arg(client, 1);
        Exit e;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;
        if (strcmp(json_text(device, "alias"), alias) == 0) {
                output_say("That is its alias already.");
                return EXIT_NOTHING_TO_DO;
        }

        e = client_call_with(client, json_text(device, "path"), SERVICE_DEVICE, "SetAlias", 0, NULL, "s", alias);
        if (e != EXIT_DONE)
                return e;

        if (*alias)
                output_say("%s is called %s from now on.", json_text(device, "address"), alias);
        else
                output_say("%s has no alias any more.", json_text(device, "address"));

        return devices_print_json(client, json_text(device, "path"));
}
