/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/service.h"

#include <errno.h>
#include <string.h>

#include "client/agent.h"
#include "client/json.h"
#include "client/output.h"
#include "client/redact.h"

#define OUR_ERRORS "org.needled.Error."

typedef struct ErrorMeaning {
        const char *name;
        Exit exit;
} ErrorMeaning;

static const ErrorMeaning meanings[] = {
        { OUR_ERRORS "NotFound",                                          EXIT_NOT_FOUND },
        { OUR_ERRORS "Exists",                                            EXIT_NOTHING_TO_DO },
        { OUR_ERRORS "NotAuthorized",                                     EXIT_NOT_AUTHORISED },
        { OUR_ERRORS "InvalidArgument",                                   EXIT_USAGE },
        { SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,                EXIT_NOT_AUTHORISED },
        { SD_BUS_ERROR_ACCESS_DENIED,                                     EXIT_NOT_AUTHORISED },
        { SD_BUS_ERROR_UNKNOWN_OBJECT,                                    EXIT_NOT_FOUND },
        { SD_BUS_ERROR_SERVICE_UNKNOWN,                                   EXIT_UNREACHABLE },
        { SD_BUS_ERROR_NAME_HAS_NO_OWNER,                                 EXIT_UNREACHABLE },
        { SD_BUS_ERROR_NO_REPLY,                                          EXIT_UNREACHABLE },
        { SD_BUS_ERROR_TIMEOUT,                                           EXIT_UNREACHABLE },
        { SD_BUS_ERROR_DISCONNECTED,                                      EXIT_UNREACHABLE },
        { "org.freedesktop.DBus.Error.TimedOut",                          EXIT_UNREACHABLE },
};

/* Somebody has to find a password; the service waits 120 s for it. */
#define ASK_TIMEOUT_USEC (150 * SECOND_USEC)

/* dbus-daemon and systemd say in many ways that a service could not be started. */
static const char *const activation_failures[] = { "org.freedesktop.DBus.Error.Spawn.",
                                                   "org.freedesktop.systemd1." };

void service_learn(sd_bus *bus) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) call = NULL;
        json_auto *managed = NULL;
        int r;

        if (!redact_is_on())
                return;

        r = sd_bus_message_new_method_call(bus, &call, SERVICE_NAME, SERVICE_ROOT, "org.freedesktop.DBus.ObjectManager",
                                           "GetManagedObjects");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                (void) service_try(bus, call, 0, &error, &managed);
}

Exit service_open(sd_bus **ret) {
        g_autoptr(sd_bus) bus = NULL;
        int r;

        r = sd_bus_open_system(&bus);
        if (r < 0) {
                output_error("The system bus cannot be reached: %s. Is dbus running (systemctl status "
                             "dbus)?",
                             g_strerror(-r));
                return EXIT_UNREACHABLE;
        }

        service_learn(bus);
        *ret = g_steal_pointer(&bus);
        return EXIT_DONE;
}

bool service_is_bus(sd_bus_message *m) {
        return g_strcmp0(sd_bus_message_get_sender(m), "org.freedesktop.DBus") == 0;
}

Exit service_message(sd_bus *bus, const char *path, const char *interface, const char *member,
                     sd_bus_message **ret) {
        int r = sd_bus_message_new_method_call(bus, ret, SERVICE_NAME, path, interface, member);

        return r < 0 ? service_error(NULL, r) : EXIT_DONE;
}

int service_append_text(sd_bus_message *m, const char *key, const char *value) {
        return value ? sd_bus_message_append(m, "{sv}", key, "s", value) : 0;
}

int service_may_ask(sd_bus_message *call) {
        if (!agent_may_ask())
                return 0;

        agent_start();
        return sd_bus_message_set_allow_interactive_authorization(call, true);
}

/* The same call, which may now lead to a question. */
static int ask_again(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error, sd_bus_message **ret) {
        g_autoptr(sd_bus_message) again = NULL;
        int r;

        r = sd_bus_message_new_method_call(bus, &again, sd_bus_message_get_destination(call), sd_bus_message_get_path(call),
                                           sd_bus_message_get_interface(call), sd_bus_message_get_member(call));
        if (r >= 0)
                r = service_may_ask(again);
        if (r >= 0)
                r = sd_bus_message_rewind(call, true);
        if (r >= 0)
                r = sd_bus_message_copy(again, call, true);
        if (r < 0)
                return r;

        sd_bus_error_free(error);
        return sd_bus_call(bus, again, MAX(timeout_usec, ASK_TIMEOUT_USEC), error, ret);
}

int service_send(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error, sd_bus_message **ret) {
        int r = sd_bus_call(bus, call, timeout_usec, error, ret);

        if (r < 0 && agent_may_ask() && sd_bus_error_has_name(error, SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED))
                r = ask_again(bus, call, timeout_usec, error, ret);
        return r;
}

int service_try(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, sd_bus_error *error, json_t **ret) {
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = service_send(bus, call, timeout_usec, error, &reply);
        if (r < 0 || !ret)
                return r;

        if (sd_bus_message_is_empty(reply)) {
                *ret = json_null();
                return 0;
        }

        r = json_from_message(reply, ret);
        if (r >= 0)
                redact_learn(*ret);
        return r;
}

Exit service_call(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, json_t **ret) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        int r = service_try(bus, call, timeout_usec, &error, ret);

        return r < 0 ? service_error(&error, r) : EXIT_DONE;
}

Exit service_exit(const char *name, int error) {
        for (size_t i = 0; name && i < G_N_ELEMENTS(meanings); i++)
                if (strcmp(meanings[i].name, name) == 0)
                        return meanings[i].exit;
        for (size_t i = 0; name && i < G_N_ELEMENTS(activation_failures); i++)
                if (g_str_has_prefix(name, activation_failures[i]))
                        return EXIT_UNREACHABLE;
        if (name && g_str_has_prefix(name, OUR_ERRORS))
                return EXIT_FAILED;

        switch (-error) {
        case ENOTCONN:
        case ECONNRESET:
        case ECONNREFUSED:
        case EHOSTUNREACH:
        case ETIMEDOUT:
        case EPIPE:
                return EXIT_UNREACHABLE;
        case EACCES:
        case EPERM:
                return EXIT_NOT_AUTHORISED;
        default:
                return EXIT_FAILED;
        }
}

char *service_error_text(const sd_bus_error *e, int error) {
        const char *name = e ? e->name : NULL,
                   *message = e && e->message && *e->message ? e->message : g_strerror(-error);
        Exit meaning = service_exit(name, error);

        if (name && g_str_has_prefix(name, OUR_ERRORS))
                return g_strdup(message); /* its own sentence: what happened, and what to do */
        if (meaning == EXIT_UNREACHABLE)
                return g_strdup_printf("The service needled is not reachable (%s). 'systemctl status needled' shows why, "
                                       "'systemctl start needled' starts it.",
                                       message);
        if (meaning == EXIT_NOT_AUTHORISED)
                return g_strdup_printf(
                        "You are not allowed to do this (%s). Ask the owner of the device, or do it as root.", message);
        if (name && strcmp(name, SD_BUS_ERROR_UNKNOWN_METHOD) == 0)
                return g_strdup_printf("The service does not know this yet (%s). Restart it if it was updated: "
                                       "systemctl restart needled.",
                                       message);
        if (meaning == EXIT_NOT_FOUND)
                return g_strdup_printf("It is gone (%s). 'needlectl status' shows what there is.", message);

        return g_strdup_printf("The call to the service failed: %s.", message);
}

Exit service_error(const sd_bus_error *e, int error) {
        g_autofree char *text = service_error_text(e, error);

        output_error("%s", text);
        return service_exit(e ? e->name : NULL, error);
}

Exit service_message_error(int error) {
        output_error("One of the arguments cannot be sent to the service: %s. Is it valid UTF-8?",
                     g_strerror(-error));
        return EXIT_USAGE;
}
