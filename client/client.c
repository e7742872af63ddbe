/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/client.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/service.h"

void client_done(Client *client) {
        client->bus = sd_bus_flush_close_unref(client->bus);
}

Exit client_connect(Client *client) {
        return client->bus ? EXIT_DONE : service_open(&client->bus);
}

Exit client_objects(Client *client, Objects *ret) {
        json_auto *managed = NULL;
        Exit e;

        e = client_call(client, SERVICE_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", 0,
                        &managed);
        if (e != EXIT_DONE)
                return e;

        objects_init(ret, managed);
        return EXIT_DONE;
}

Exit client_device(const Objects *objects, const char *typed, const json_t **ret) {
        int r = typed ? objects_find_device(objects, typed, ret) : objects_only_device(objects, ret);

        if (r == 0)
                return EXIT_DONE;

        if (r == -ENOTUNIQ && typed) {
                output_error("'%s' fits more than one device. 'needlectl devices' lists them with their "
                             "addresses.",
                             typed);
                return EXIT_USAGE;
        }
        if (r == -ENOTUNIQ) {
                output_error("There is more than one device: name one. 'needlectl devices' lists them.");
                return EXIT_USAGE;
        }
        if (typed)
                output_error("There is no device '%s'. 'needlectl devices' lists those that are known, "
                             "'needlectl search' looks for new ones.",
                             typed);
        else
                output_error("No device is adopted. 'needlectl search' looks for one, 'needlectl adopt' "
                             "takes it in.");

        return EXIT_NOT_FOUND;
}

Exit client_session(const Objects *objects, const char *typed, const json_t **ret) {
        int r = typed ? objects_find_session(objects, typed, ret)
                      : objects_only_session(objects, getuid(), ret);

        if (r == 0)
                return EXIT_DONE;

        if (r == -ENOTUNIQ && typed) {
                output_error("'%s' fits more than one session. 'needlectl status' lists those that are "
                             "live.",
                             typed);
                return EXIT_USAGE;
        }
        if (r == -ENOTUNIQ) {
                output_error("More than one session is live: name one. 'needlectl status' lists them.");
                return EXIT_USAGE;
        }
        if (typed) {
                output_error("There is no live session '%s'. 'needlectl status' shows those that are, "
                             "'needlectl sessions' those that were.",
                             typed);
                return EXIT_NOT_FOUND;
        }

        output_error("No session of yours is live.");
        return EXIT_NOTHING_TO_DO;
}

Exit client_call(Client *client, const char *path, const char *interface, const char *member,
                 uint64_t timeout_usec, json_t **ret) {
        g_autoptr(sd_bus_message) call = NULL;
        Exit e;

        e = client_connect(client);
        if (e != EXIT_DONE)
                return e;
        e = service_message(client->bus, path, interface, member, &call);
        if (e != EXIT_DONE)
                return e;

        return service_call(client->bus, call, timeout_usec, ret);
}

Exit client_manager(Client *client, json_t **ret) {
        g_autoptr(sd_bus_message) call = NULL;
        json_auto *properties = NULL;
        Exit e;
        int r;

        e = client_connect(client);
        if (e != EXIT_DONE)
                return e;
        e = service_message(client->bus, SERVICE_ROOT, "org.freedesktop.DBus.Properties", "GetAll", &call);
        if (e != EXIT_DONE)
                return e;
        r = sd_bus_message_append(call, "s", SERVICE_MANAGER);
        if (r < 0)
                return service_message_error(r);
        e = service_call(client->bus, call, 0, &properties);
        if (e != EXIT_DONE)
                return e;

        *ret = json_from_properties(properties);
        return EXIT_DONE;
}

uint64_t client_now(void) {
        struct timespec ts;

        (void) clock_gettime(CLOCK_REALTIME, &ts);
        return (uint64_t) ts.tv_sec * SECOND_USEC + (uint64_t) ts.tv_nsec / 1000;
}
