/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>

#include "bluez-server.h"

/* The device's side of a pairing, with the capability of what it plays; its person is whoever runs needlesim (the words
 * `passkey` and `confirm`). bluetoothd asks the default agent when somebody else begins the pairing, so it has to be
 * this one; what it is asked about other adapters it refuses, since only this adapter plays the device. A device that
 * can show or take digits insists on them, and refuses Just Works. */

#define PASSKEY_MAX 999999u

/* What a device of this kind can be asked, about this adapter. */
static int check(const BluezServer *s, sd_bus_message *m, const char *device, PairingKind kind, sd_bus_error *error) {
        if (!bluez_server_from_bluez(s, m) || !bluez_server_own_path(s, device))
                return sd_bus_error_setf(error, "org.bluez.Error.Rejected", "needlesim pairs on %s only",
                                         s->adapter_path);
        if (s->pairing != kind)
                return sd_bus_error_set(error, "org.bluez.Error.Rejected", "the device does not pair this way");

        return 0;
}

static void show(uint32_t passkey) {
        printf("passkey %06" PRIu32 "\n", passkey);
        (void) fflush(stdout);
}

static void hold(BluezServer *s, sd_bus_message *m) {
        bluez_server_agent_gone(s); /* one question at a time */
        s->question = sd_bus_message_ref(m);
}

static int method_authorize(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *device;
        int r = sd_bus_message_read(m, "o", &device);

        if (r >= 0)
                r = check(userdata, m, device, PAIRING_JUST_WORKS, error);
        return r < 0 ? r : sd_bus_reply_method_return(m, NULL);
}

static int method_confirm(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *device;
        uint32_t passkey;
        int r = sd_bus_message_read(m, "ou", &device, &passkey);

        if (r >= 0)
                r = check(userdata, m, device, PAIRING_NUMERIC, error);
        if (r < 0)
                return r;

        hold(userdata, m);
        show(passkey);
        return 1;
}

static int method_request_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *device;
        int r = sd_bus_message_read(m, "o", &device);

        if (r >= 0)
                r = check(userdata, m, device, PAIRING_PASSKEY_ENTRY, error);
        if (r < 0)
                return r;

        hold(userdata, m);
        return 1;
}

/* With each digit that is typed there it comes again. */
static int method_display_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *device;
        uint32_t passkey;
        uint16_t entered;
        int r = sd_bus_message_read(m, "ouq", &device, &passkey, &entered);

        if (r >= 0)
                r = check(userdata, m, device, PAIRING_PASSKEY_DISPLAY, error);
        if (r < 0)
                return r;

        if (entered == 0)
                show(passkey);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        if (bluez_server_from_bluez(s, m)) {
                bluez_server_agent_gone(s);
                s->agent.state = REGISTRATION_NONE;
        }
        return sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (bluez_server_from_bluez(userdata, m))
                bluez_server_agent_gone(userdata);
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
                              on_registered, "os", BLUEZ_SERVER_AGENT, pairing_capability(s->pairing));
}

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_release,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RequestAuthorization", SD_BUS_ARGS("o", device), SD_BUS_NO_RESULT,
                                method_authorize, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RequestConfirmation", SD_BUS_ARGS("o", device, "u", passkey),
                                SD_BUS_NO_RESULT, method_confirm, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("RequestPasskey", SD_BUS_ARGS("o", device), SD_BUS_RESULT("u", passkey),
                                method_request_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("DisplayPasskey", SD_BUS_ARGS("o", device, "u", passkey, "q", entered),
                                SD_BUS_NO_RESULT, method_display_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Cancel", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_cancel,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int bluez_server_agent_add(BluezServer *s) {
        return sd_bus_add_object_vtable(s->bus, NULL, BLUEZ_SERVER_AGENT, "org.bluez.Agent1", agent_vtable,
                                        s);
}

void bluez_server_agent_gone(BluezServer *s) {
        if (s->question)
                (void) sd_bus_reply_method_errorf(s->question, "org.bluez.Error.Canceled", "the pairing is over");
        s->question = sd_bus_message_unref(s->question);
}

int bluez_server_agent_control(BluezServer *s, const char *word, const char *argument) {
        bool digits = g_str_equal(word, "passkey");
        uint64_t passkey = 0;
        int r;

        if (digits ? !argument || !g_ascii_string_to_unsigned(argument, 10, 0, PASSKEY_MAX, &passkey, NULL)
                   : g_strcmp0(argument, "yes") != 0 && g_strcmp0(argument, "no") != 0)
                return -EINVAL;
        if (!s->question || digits != (s->pairing == PAIRING_PASSKEY_ENTRY))
                return -EBUSY;

        if (digits)
                r = sd_bus_reply_method_return(s->question, "u", (uint32_t) passkey);
        else if (g_str_equal(argument, "yes"))
                r = sd_bus_reply_method_return(s->question, NULL);
        else
                r = sd_bus_reply_method_errorf(s->question, "org.bluez.Error.Rejected", "not the same digits");
        s->question = sd_bus_message_unref(s->question);
        return r < 0 ? r : 0;
}
