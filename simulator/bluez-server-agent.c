/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "bluez-server.h"

/* Just works, as a device without keys and display pairs. bluetoothd asks the default agent when somebody
 * else begins the pairing, so it has to be this one; what it is asked about other adapters it refuses,
 * since only this adapter plays the device. */

static bool own_device(const BluezServer *s, const char *device) {
        return g_str_has_prefix(device, s->adapter_path) && device[strlen(s->adapter_path)] == '/';
}

static int method_authorize(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        const char *device;
        int r = sd_bus_message_read(m, "o", &device);

        if (r < 0)
                return r;
        if (!bluez_server_from_bluez(s, m) || !own_device(s, device))
                return sd_bus_error_setf(error, "org.bluez.Error.Rejected", "needlesim pairs on %s only",
                                         s->adapter_path);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        if (bluez_server_from_bluez(s, m))
                s->agent.state = REGISTRATION_NONE;
        return sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, NULL);
}

static int on_default(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->agent.call = sd_bus_slot_unref(s->agent.call);
        if (bluez_server_registered(s, &s->agent, m, "become the pairing agent"))
                s->agent.state = REGISTRATION_DONE;
        return 0;
}

static int on_registered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->agent.call = sd_bus_slot_unref(s->agent.call);
        /* Registered already: what failed last time was to become the default one. */
        if (sd_bus_message_is_method_error(m, "org.bluez.Error.AlreadyExists") ||
            bluez_server_registered(s, &s->agent, m, "register a pairing agent"))
                bluez_server_register(s, &s->agent, "/org/bluez", "org.bluez.AgentManager1",
                                      "RequestDefaultAgent", on_default, "o", BLUEZ_SERVER_AGENT);
        return 0;
}

void bluez_server_agent_register(BluezServer *s) {
        bluez_server_register(s, &s->agent, "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent",
                              on_registered, "os", BLUEZ_SERVER_AGENT, "NoInputNoOutput");
}

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_release,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RequestAuthorization", SD_BUS_ARGS("o", device), SD_BUS_NO_RESULT,
                                method_authorize, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RequestConfirmation", SD_BUS_ARGS("o", device, "u", passkey),
                                SD_BUS_NO_RESULT, method_authorize, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int bluez_server_agent_add(BluezServer *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, BLUEZ_SERVER_AGENT, "org.bluez.Agent1", agent_vtable,
                                        s);
}
