/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/client.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "client/agent.h"
#include "client/json.h"
#include "client/output.h"
#include "client/service.h"

#define CANDIDATES_MAX 6u

static int on_leave_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        return sd_event_exit(sd_event_source_get_event(s), EXIT_DONE);
}

static void pass_over(const char *path, unsigned line, const char *text, void *userdata) {
}

void client_done(Client *client) {
        client->bus = sd_bus_flush_close_unref(client->bus);
        agent_stop();
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

/* Those that the typed word fits, or all that are adopted. */
static char *list_devices(const Objects *objects, const char *typed) {
        GString *list = g_string_new(NULL);
        const json_t *device;
        unsigned n = 0;
        size_t i;

        json_array_foreach(objects->devices, i, device) {
                const char *address = json_text(device, "address"), *title = objects_device_title(device);
                g_autofree char *both = strcmp(address, title) == 0 ? g_strdup(address)
                                                                          : g_strdup_printf("%s (%s)", title, address);

                if (typed ? objects_device_match(device, typed) != MATCH_NONE : json_is_true(json_object_get(device, "adopted")))
                        client_add_candidate(list, n++, both);
        }

        return g_string_free(list, FALSE);
}

/* Those that the typed word fits, or the caller's that are live; root's are all. */
static char *list_sessions(const Objects *objects, const char *typed) {
        GString *list = g_string_new(NULL);
        const json_t *session;
        unsigned n = 0;
        size_t i;

        json_array_foreach(objects->sessions, i, session) {
                const json_t *device = objects_at(objects->devices, json_text(session, "device"));
                g_autofree char *text = g_strdup_printf("%" PRId64 "%s%s", json_number(session, "id"), device ? " of " : "",
                                                        device ? objects_device_title(device) : "");

                if (typed ? objects_session_match(session, typed) != MATCH_NONE : objects_session_is_live_of(session, getuid()))
                        client_add_candidate(list, n++, text);
        }

        return g_string_free(list, FALSE);
}

void client_add_candidate(GString *list, unsigned n, const char *text) {
        if (n < CANDIDATES_MAX)
                g_string_append_printf(list, "%s%s", n > 0 ? ", " : "", text);
        else if (n == CANDIDATES_MAX)
                g_string_append(list, " and more");
}

Exit client_device(const Objects *objects, const char *typed, const json_t **ret) {
        int r = typed ? objects_find_device(objects, typed, ret) : objects_only_device(objects, ret);

        if (r == 0)
                return EXIT_DONE;

        if (r == -ENOTUNIQ) {
                g_autofree char *candidates = list_devices(objects, typed);

                if (typed)
                        output_error("'%s' fits more than one device: %s. Name one; where two adapters see one, by "
                                     "its path ('needlectl devices --json').", typed, candidates);
                else
                        output_error("There is more than one device: %s. Name one.", candidates);
                return EXIT_USAGE;
        }
        if (typed)
                output_error("There is no device '%s'. 'needlectl devices' lists those that are known, "
                             "'needlectl search' looks for new ones.",
                             typed);
        else
                output_error("No device is adopted. 'needlectl setup' leads through it; 'needlectl search' looks for one, "
                             "'needlectl adopt' takes it in.");

        return EXIT_NOT_FOUND;
}

Exit client_session(const Objects *objects, const char *typed, const json_t **ret) {
        int r = typed ? objects_find_session(objects, typed, ret)
                      : objects_only_session(objects, getuid(), ret);

        if (r == 0)
                return EXIT_DONE;

        if (r == -ENOTUNIQ) {
                g_autofree char *candidates = list_sessions(objects, typed);

                if (typed && !*candidates)
                        return client_device(objects, typed, ret); /* it fits several devices, which are named there */
                if (typed)
                        output_error("'%s' fits more than one session: %s. Name one.", typed, candidates);
                else
                        output_error("More than one session is live: %s. Name one.", candidates);
                return EXIT_USAGE;
        }
        if (typed)
                return client_no_session(typed);

        output_error("No session of yours is live: 'needlectl start' begins one by hand, 'needlectl sessions' lists "
                     "those that were.");
        return EXIT_NOTHING_TO_DO;
}

Exit client_no_session(const char *typed) {
        output_error("There is no live session '%s'. 'needlectl status' shows those that are, 'needlectl sessions' "
                     "those that were.",
                     typed);
        return EXIT_NOT_FOUND;
}

Exit client_find_device(Client *client, const char *typed, Objects *objects, const json_t **ret) {
        Exit e = client_objects(client, objects);

        return e == EXIT_DONE ? client_device(objects, typed, ret) : e;
}

Exit client_find_session(Client *client, const char *typed, Objects *objects, const json_t **ret) {
        Exit e = client_objects(client, objects);

        if (e == EXIT_DONE)
                e = client_session(objects, typed, ret);
        if (e == EXIT_DONE && !objects_session_is_live(*ret)) {
                output_say("Session %" PRId64 " has ended.", json_number(*ret, "id"));
                return EXIT_NOTHING_TO_DO;
        }

        return e;
}

Exit client_call(Client *client, const char *path, const char *interface, const char *member,
                 uint64_t timeout_usec, json_t **ret) {
        return client_call_with(client, path, interface, member, timeout_usec, ret, "");
}

Exit client_call_with(Client *client, const char *path, const char *interface, const char *member,
                      uint64_t timeout_usec, json_t **ret, const char *types, ...) {
        g_autoptr(sd_bus_message) call = NULL;
        va_list arguments;
        Exit e;
        int r;

        e = client_connect(client);
        if (e == EXIT_DONE)
                e = service_message(client->bus, path, interface, member, &call);
        if (e != EXIT_DONE)
                return e;

        va_start(arguments, types);
        r = sd_bus_message_appendv(call, types, arguments);
        va_end(arguments);
        return r < 0 ? service_message_error(r) : service_call(client->bus, call, timeout_usec, ret);
}

Exit client_manager(Client *client, json_t **ret) {
        json_auto *properties = NULL;
        Exit e = client_call_with(client, SERVICE_ROOT, "org.freedesktop.DBus.Properties", "GetAll", 0, &properties, "s",
                                  SERVICE_MANAGER);

        if (e == EXIT_DONE)
                *ret = json_from_properties(properties);
        return e;
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
