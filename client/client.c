/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/client.h"

#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"
#include "client/service.h"

static int on_leave_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(s), EXIT_DONE);
}

static void pass_over(const char *path, unsigned line, const char *text, void *userdata) {
}

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
                             "addresses; where two adapters see one, name it by its path ('needlectl devices --json').",
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

uint64_t client_clock(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * SECOND_USEC + (uint64_t) ts.tv_nsec / 1000;
}

uint64_t client_now(void) {
        return client_clock(CLOCK_REALTIME);
}

int client_add_timer(sd_event *event, sd_event_source **ret, sd_event_time_handler_t handler, void *userdata) {
        int r = sd_event_add_time(event, ret, CLOCK_MONOTONIC, 0, 1000, handler, userdata);

        return r < 0 ? r : sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

int client_leave_on_signals(sd_event *event) {
        static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                int r = sd_event_add_signal(event, NULL, numbers[i] | SD_EVENT_SIGNAL_PROCMASK, on_leave_signal, NULL);

                if (r < 0)
                        return r;
        }

        return 0;
}

char **client_profile_folders(void) {
        return profiles_search_path(NEEDLED_SYSCONFDIR "/needled");
}

Profiles *client_profiles(ProfilesReport report, void *userdata) {
        Profiles *profiles = profiles_new();

        profiles_load(profiles, NEEDLED_SYSCONFDIR "/needled", report ? report : pass_over, userdata);
        return profiles;
}
