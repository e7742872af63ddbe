/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "client/devices.h"
#include "client/json.h"
#include "client/names.h"
#include "client/output.h"
#include "client/prompt.h"
#include "client/search.h"
#include "client/service.h"
#include "client/verbs.h"

#define REDRAW_USEC (SECOND_USEC / 4)

typedef struct Searching {
        Client *client;
        sd_bus_slot *slot;
        bool changed;           /* something was signalled since the devices were read */
        unsigned lines;         /* of the live list, to be overwritten */
} Searching;

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Searching *s = userdata;

        s->changed = true;
        return 0;
}

static json_t *found_devices(const Objects *objects) {
        json_t *found = json_array(), *device;
        size_t i;

        json_array_foreach(objects->devices, i, device)
                if (!json_is_true(json_object_get(device, "adopted")))
                        json_array_append(found, device);

        return found;
}

static char *render(const json_t *devices, bool legend) {
        g_autoptr(Table) table = devices_table();
        json_t *device;
        size_t i;

        json_array_foreach((json_t *) devices, i, device)
                devices_table_add(table, device, client_now());

        return table_rows(table) > 0 ? table_render(table, legend, output_has_color()) : g_strdup("");
}

/* Writes the list over the one before. One write, so that nothing flickers. */
static void draw(Searching *s, const json_t *devices) {
        g_autofree char *text = render(devices, !options_has(&s->client->options, OPTION_NO_LEGEND));
        GString *frame = g_string_new(NULL);

        if (s->lines > 0)
                g_string_append_printf(frame, "\x1b[%uA\r\x1b[J", s->lines);
        g_string_append(frame, text);

        s->lines = 0;
        for (const char *p = text; *p; p++)
                s->lines += *p == '\n';

        fputs(frame->str, stdout);
        (void) fflush(stdout);
        g_string_free(frame, TRUE);
}

/* Whether the service is still at it. */
static Exit update(Searching *s, bool live, json_t **devices, bool *ret_searching) {
        g_auto(Objects) objects = {};
        json_auto *manager = NULL;
        Exit e;

        e = client_manager(s->client, &manager);
        if (e != EXIT_DONE)
                return e;
        e = client_objects(s->client, &objects);
        if (e != EXIT_DONE)
                return e;

        json_decref(*devices);
        *devices = found_devices(&objects);
        *ret_searching = json_is_true(json_object_get(manager, "searching"));
        if (live)
                draw(s, *devices);

        return EXIT_DONE;
}

static Exit start_search(Searching *s, uint64_t seconds) {
        Exit e;
        int r;

        e = client_connect(s->client);
        if (e != EXIT_DONE)
                return e;

        r = sd_bus_add_match(s->client->bus, &s->slot,
                             "type='signal',sender='" SERVICE_NAME "',path_namespace='" SERVICE_ROOT "'",
                             on_signal, s);
        if (r < 0)
                return service_error(NULL, r);

        return client_call_with(s->client, SERVICE_ROOT, SERVICE_MANAGER, "Search", (seconds + 30) * SECOND_USEC, NULL,
                                "a{sv}", 1, "seconds", "u", (uint32_t) seconds);
}

/* Follows the search to its end, or until the user has seen enough; with `settle_usec` until so long after the first
 * was found. */
static Exit follow(Searching *s, uint64_t seconds, uint64_t settle_usec, bool live, json_t **devices) {
        int64_t deadline = g_get_monotonic_time() + (int64_t) ((seconds + 5) * SECOND_USEC);
        bool searching = true, settling = false;

        s->changed = true;
        while (searching && !prompt_interrupted() && g_get_monotonic_time() < deadline) {
                int r;

                if (s->changed) {
                        Exit e;

                        s->changed = false;
                        e = update(s, live, devices, &searching);
                        if (e != EXIT_DONE)
                                return e;
                        if (settle_usec > 0 && !settling && json_array_size(*devices) > 0) {
                                settling = true;
                                deadline = MIN(deadline, g_get_monotonic_time() + (int64_t) settle_usec);
                        }
                        g_usleep(searching ? REDRAW_USEC : 0); /* many signals, one drawing */
                }

                do
                        r = sd_bus_process(s->client->bus, NULL);
                while (r > 0);
                if (r >= 0 && !s->changed && searching)
                        r = sd_bus_wait(s->client->bus,
                                        REDRAW_USEC); /* not longer: Ctrl-C is seen between two waits */
                if (r < 0 && r != -EINTR)
                        return service_error(NULL, r);
        }

        if (prompt_interrupted() && live)
                fputs("\n", stdout); /* after the terminal's ^C */
        if (searching)
                (void) client_call(s->client, SERVICE_ROOT, SERVICE_MANAGER, "StopSearch", 0, NULL);

        return EXIT_DONE;
}

Exit search_check_bluetooth(Client *client) {
        json_auto *manager = NULL;
        const char *state, *text;
        Exit e;

        e = client_manager(client, &manager);
        if (e != EXIT_DONE)
                return e;
        state = json_text(manager, "bluetooth");
        if (strcmp(state, "ready") == 0)
                return EXIT_DONE;

        text = names_bluetooth_text(state);
        output_error("Bluetooth is %s%s%s.", state, text ? ": " : "", text ? text : "");
        return EXIT_FAILED;
}

Exit search_run(Client *client, uint64_t seconds, uint64_t settle_usec, bool live, json_t **ret) {
        Searching searching = { .client = client };
        Exit e;

        e = search_check_bluetooth(client);
        if (e == EXIT_DONE)
                e = start_search(&searching, seconds);
        if (e == EXIT_DONE) {
                prompt_catch_interrupt();
                output_say("Searching for %u s. Devices must be switched on and in pairing mode.", (unsigned) seconds);
                e = follow(&searching, seconds, settle_usec, live, ret);
        }
        searching.slot = sd_bus_slot_unref(searching.slot);
        return e;
}

Exit verb_search(Client *client) {
        bool json = client_wants_json(client), live = !json && isatty(STDOUT_FILENO);
        json_auto *devices = json_array();
        uint64_t seconds;
        Exit e;

        e = options_number(&client->options, OPTION_SECONDS, 1, SEARCH_SECONDS_MAX, SEARCH_SECONDS_DEFAULT, &seconds);
        if (e != EXIT_DONE)
                return e;

        e = search_run(client, seconds, 0, live, &devices);
        if (e != EXIT_DONE)
                return e;

        if (json) {
                json_auto *reply = json_pack("{s:O}", "devices", devices);

                output_json(reply);
        } else if (!live) {
                g_autofree char *text = render(devices, !options_has(&client->options, OPTION_NO_LEGEND));

                fputs(text, stdout);
        }

        if (json_array_size(devices) == 0) {
                output_say("No device was found. Switch it on, put it in pairing mode, bring it nearer, and "
                           "search again.");
                return EXIT_NOT_FOUND;
        }

        output_say("'needlectl adopt DEVICE' takes one in; it has to be done within a minute.");
        return EXIT_DONE;
}
