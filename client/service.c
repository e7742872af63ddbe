/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/service.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/json.h"
#include "client/output.h"

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

/* dbus-daemon and systemd say in many ways that a service could not be started. */
static const char *const activation_failures[] = { "org.freedesktop.DBus.Error.Spawn.",
                                                   "org.freedesktop.systemd1." };

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

        (void) sd_bus_set_allow_interactive_authorization(bus, isatty(STDIN_FILENO));
        *ret = g_steal_pointer(&bus);
        return EXIT_DONE;
}

Exit service_message(sd_bus *bus, const char *path, const char *interface, const char *member,
                     sd_bus_message **ret) {
        int r = sd_bus_message_new_method_call(bus, ret, SERVICE_NAME, path, interface, member);

        return r < 0 ? service_error(NULL, r) : EXIT_DONE;
}

int service_append_text(sd_bus_message *m, const char *key, const char *value) {
        return value ? sd_bus_message_append(m, "{sv}", key, "s", value) : 0;
}

Exit service_call(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, json_t **ret) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_call(bus, call, timeout_usec, &error, &reply);
        if (r < 0)
                return service_error(&error, r);
        if (!ret)
                return EXIT_DONE;

        if (sd_bus_message_is_empty(reply)) {
                *ret = json_null();
                return EXIT_DONE;
        }

        r = json_from_message(reply, ret);
        return r < 0 ? service_error(NULL, r) : EXIT_DONE;
}

Exit service_get(sd_bus *bus, const char *path, const char *interface, const char *member, json_t **ret) {
        g_autoptr(sd_bus_message) call = NULL;
        Exit e = service_message(bus, path, interface, member, &call);

        return e == EXIT_DONE ? service_call(bus, call, 0, ret) : e;
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

Exit service_error(const sd_bus_error *e, int error) {
        const char *name = e ? e->name : NULL,
                   *message = e && e->message && *e->message ? e->message : g_strerror(-error);
        Exit meaning = service_exit(name, error);

        if (name && g_str_has_prefix(name, OUR_ERRORS))
                output_error("%s", message); /* its own sentence: what happened, and what to do */
        else if (meaning == EXIT_UNREACHABLE)
                output_error("The service needled is not reachable (%s). 'systemctl status needled' shows "
                             "why, "
                             "'systemctl start needled' starts it.",
                             message);
        else if (meaning == EXIT_NOT_AUTHORISED)
                output_error("You are not allowed to do this (%s). Ask the owner of the device, or do it as "
                             "root.",
                             message);
        else if (name && strcmp(name, SD_BUS_ERROR_UNKNOWN_METHOD) == 0)
                output_error("The service does not know this yet (%s). Restart it if it was updated: "
                             "systemctl restart needled.",
                             message);
        else if (meaning == EXIT_NOT_FOUND)
                output_error("It is gone (%s). 'needlectl status' shows what there is.", message);
        else
                output_error("The call to the service failed: %s.", message);

        return meaning;
}

Exit service_message_error(int error) {
        output_error("One of the arguments cannot be sent to the service: %s. Is it valid UTF-8?",
                     g_strerror(-error));
        return EXIT_USAGE;
}
