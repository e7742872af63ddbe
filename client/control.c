/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/control.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/devices.h"
#include "client/json.h"
#include "client/match.h"
#include "client/output.h"
#include "client/service.h"
#include "client/table.h"
#include "client/verbs.h"

/* What a device is told, and its parameters. */

/* The device has 30 s for each answer, and others may wait before us; the service always answers. */
#define CONTROL_TIMEOUT_USEC (300 * SECOND_USEC)

/* ---- One thing ---- */

static Exit do_one(Client *client, const char *member, const char *done) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        Exit e;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e == EXIT_DONE)
                e = client_call(client, json_text(device, "path"), SERVICE_DEVICE, member, CONTROL_TIMEOUT_USEC, NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("%s %s", objects_device_title(device), done);
        return devices_print_json(client, json_text(device, "path"));
}

Exit verb_identify(Client *client) {
        return do_one(client, "Identify", "shows itself.");
}

Exit verb_tare(Client *client) {
        return do_one(client, "Tare", "takes what it measures now for no force.");
}

Exit verb_stop_motor(Client *client) {
        return do_one(client, "StopMotor", "has stopped its motor.");
}

/* ---- Parameters ---- */

int control_find_parameter(const char *name, uint8_t *ret_id) {
        const char *names[_OMP_PARAMETER_MAX], *meant;
        size_t n = 0;

        if (omp_parameter_from_name(name, ret_id) >= 0)
                return 0;

        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++)
                names[n++] = omp_parameter_info(id)->name;
        meant = match_suggest(name, names, n);
        if (meant)
                output_error("There is no parameter '%s'. Did you mean '%s'?", name, meant);
        else
                output_error("There is no parameter '%s'. 'needlectl get' lists those that a device has.", name);

        return -ENOENT;
}

int control_parse_parameter(const char *typed, ControlParameter *ret) {
        const char *equals = strchr(typed, '=');
        g_autofree char *name = g_strndup(typed, equals ? (size_t) (equals - typed) : strlen(typed));
        ControlParameter parameter;
        int64_t value;

        if (!equals) {
                output_error("Say PARAMETER=VALUE, not '%s'.", typed);
                return -EINVAL;
        }
        if (control_find_parameter(name, &parameter.id) < 0)
                return -ENOENT;
        if (!g_ascii_string_to_signed(equals + 1, 10, INT32_MIN, INT32_MAX, &value, NULL)) {
                output_error("%s takes a whole number, not '%s'.", name, equals + 1);
                return -EINVAL;
        }
        if (value < 0 && omp_parameter_info(parameter.id)->type != OMP_TYPE_S16) {
                output_error("%s cannot be below 0.", name);
                return -EINVAL;
        }

        parameter.value = (int32_t) value;
        *ret = parameter;
        return 0;
}

/* Those that were named, of all that it has. */
static Exit choose(Client *client, const json_t *all, json_t *ret) {
        if (client->n_args == 0)
                json_object_update(ret, (json_t *) all);

        for (int i = 0; i < client->n_args; i++) {
                json_t *value;
                uint8_t id;

                if (control_find_parameter(client->args[i], &id) < 0)
                        return EXIT_USAGE;
                value = json_object_get(all, client->args[i]);
                if (!value) {
                        output_error("The device has no %s.", client->args[i]);
                        return EXIT_NOT_FOUND;
                }
                json_object_set(ret, client->args[i], value);
        }

        return EXIT_DONE;
}

static void print_parameters(const Client *client, const json_t *parameters) {
        static const char *const titles[] = { "PARAMETER", ">VALUE", "UNIT" };
        g_autoptr(Table) table = table_new(titles, G_N_ELEMENTS(titles));

        for (unsigned id = 1; id < _OMP_PARAMETER_MAX; id++) {
                const OmpParameterInfo *info = omp_parameter_info(id);
                g_autofree char *value = NULL;

                if (!json_object_get(parameters, info->name))
                        continue;
                value = g_strdup_printf("%" PRId64, json_number(parameters, info->name));
                table_add(table, info->name, STYLE_PLAIN);
                table_add(table, value, STYLE_PLAIN);
                table_add(table, info->unit, STYLE_PLAIN);
        }

        table_print(table, !options_has(&client->options, OPTION_NO_LEGEND));
}

static Exit get_parameters(Client *client, const json_t *device) {
        json_auto *all = NULL, *chosen = json_object();
        Exit e;

        e = client_call(client, json_text(device, "path"), SERVICE_DEVICE, "GetParameters", CONTROL_TIMEOUT_USEC, &all);
        if (e == EXIT_DONE)
                e = choose(client, all, chosen);
        if (e != EXIT_DONE)
                return e;

        if (client_wants_json(client)) {
                json_auto *reply = json_pack("{s:s, s:O}", "address", json_text(device, "address"), "parameters", chosen);

                output_json(reply);
        } else if (json_object_size(chosen) > 0)
                print_parameters(client, chosen);
        else
                output_say("%s has no parameters.", objects_device_title(device));

        return EXIT_DONE;
}

Exit verb_get(Client *client) {
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        uint8_t id;
        Exit e;

        for (int i = 0; i < client->n_args; i++)
                if (control_find_parameter(client->args[i], &id) < 0)
                        return EXIT_USAGE;

        e = client_find_device(client, client->options.value[OPTION_DEVICE], &objects, &device);
        return e == EXIT_DONE ? get_parameters(client, device) : e;
}

static int append_parameters(sd_bus_message *m, char *const *typed, int n) {
        int r;

        r = sd_bus_message_open_container(m, 'a', "{sv}");
        for (int i = 0; r >= 0 && i < n; i++) {
                const OmpParameterInfo *info;
                ControlParameter parameter;

                r = control_parse_parameter(typed[i], &parameter);
                if (r < 0)
                        return r;
                info = omp_parameter_info(parameter.id);
                r = sd_bus_message_append(m, "{sv}", info->name, info->type == OMP_TYPE_S16 ? "i" : "u", parameter.value);
        }
        if (r < 0)
                return r;

        return sd_bus_message_close_container(m);
}

/* All at once: if one is wrong, none is set. */
Exit verb_set(Client *client) {
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        ControlParameter parameter;
        Exit e;
        int r;

        for (int i = 0; i < client->n_args; i++)
                if (control_parse_parameter(client->args[i], &parameter) < 0)
                        return EXIT_USAGE;

        e = client_find_device(client, client->options.value[OPTION_DEVICE], &objects, &device);
        if (e == EXIT_DONE)
                e = service_message(client->bus, json_text(device, "path"), SERVICE_DEVICE, "SetParameters", &call);
        if (e != EXIT_DONE)
                return e;
        r = append_parameters(call, client->args, client->n_args);
        if (r < 0)
                return service_message_error(r);
        e = service_call(client->bus, call, CONTROL_TIMEOUT_USEC, NULL);
        if (e != EXIT_DONE)
                return e;

        output_say("%s has taken it, and keeps it until it is switched off.", objects_device_title(device));
        if (!client_wants_json(client))
                return EXIT_DONE;

        client->n_args = 0; /* all, as they are now */
        return get_parameters(client, device);
}
