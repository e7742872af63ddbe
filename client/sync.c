/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "client/devices.h"
#include "client/json.h"
#include "client/output.h"
#include "client/service.h"
#include "client/verbs.h"

/* The sessions that a device has stored. */

#define LOOK_USEC (SECOND_USEC / 4)
/* The service gives up by itself when nothing comes; a full memory over a slow link takes minutes. */
#define SYNC_TIMEOUT_USEC (4 * 3600 * SECOND_USEC)

typedef struct Syncing {
        bool over;
        Exit exit;
        bool shown;             /* there is a line of progress */
} Syncing;

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *e = sd_bus_message_get_error(m);
        Syncing *s = userdata;

        if (s->shown)
                fputs("\r\x1b[K", stderr);
        s->over = true;
        s->exit = e ? service_error(e, 0) : EXIT_DONE;
        return 0;
}

static void show(Client *client, const char *path, Syncing *s) {
        g_auto(Objects) objects = {};
        const json_t *sync, *device = NULL;
        int64_t total;
        size_t i;
        json_t *one;

        if (client_objects(client, &objects) != EXIT_DONE || s->over)
                return;
        json_array_foreach(objects.devices, i, one)
                if (g_str_equal(json_text(one, "path"), path))
                        device = one;
        sync = device ? json_object_get(device, "sync") : NULL;
        total = sync ? json_number(sync, "total") : 0;
        if (total == 0)
                return;

        fprintf(stderr, "\r\x1b[K%" PRId64 " of %" PRId64 " sessions", json_number(sync, "done"), total);
        s->shown = true;
}

static Exit wait_for_reply(Client *client, const char *path, Syncing *s) {
        bool progress = isatty(STDERR_FILENO) && !options_has(&client->options, OPTION_QUIET);
        int r;

        while (!s->over) {
                r = sd_bus_process(client->bus, NULL);
                if (r == 0) {
                        r = sd_bus_wait(client->bus, progress ? LOOK_USEC : UINT64_MAX);
                        if (r == 0 && progress)
                                show(client, path, s);
                }
                if (r < 0)
                        return service_error(NULL, r);
        }

        return s->exit;
}

static int64_t taken_over(Client *client, const char *path) {
        g_auto(Objects) objects = {};
        json_t *device;
        size_t i;

        if (client_objects(client, &objects) != EXIT_DONE)
                return 0;
        json_array_foreach(objects.devices, i, device)
                if (g_str_equal(json_text(device, "path"), path))
                        return json_number(json_object_get(device, "sync"), "done");

        return 0;
}

Exit verb_sync(Client *client) {
        g_autoptr(sd_bus_message) call = NULL;
        g_auto(Objects) objects = {};
        const json_t *device = NULL;
        Syncing s = {};
        const char *path;
        int64_t n;
        Exit e;
        int r;

        e = client_find_device(client, client_arg(client, 0), &objects, &device);
        if (e != EXIT_DONE)
                return e;
        path = json_text(device, "path");
        e = service_message(client->bus, path, SERVICE_DEVICE, "Sync", &call);
        if (e != EXIT_DONE)
                return e;
        r = json_number(device, "owner") != (int64_t) getuid() ? service_may_ask(call) : 0;
        if (r >= 0)
                r = sd_bus_call_async(client->bus, NULL, call, on_reply, &s, SYNC_TIMEOUT_USEC);
        if (r < 0)
                return service_error(NULL, r);
        e = wait_for_reply(client, path, &s);
        if (e != EXIT_DONE)
                return e;

        n = taken_over(client, path);
        if (n > 0)
                output_say("%s has handed over %" PRId64 " session%s.", objects_device_title(device), n, n == 1 ? "" : "s");
        else
                output_say("%s has no sessions that are not here already.", objects_device_title(device));
        e = devices_print_json(client, path);
        return e == EXIT_DONE && n == 0 ? EXIT_NOTHING_TO_DO : e;
}
