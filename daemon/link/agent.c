/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* Our own agent, never the default one, registered only while we pair: it says yes for the device that we
 * pair just then, to bluetoothd alone, and no to all else. It has no display and no keys, so that a device
 * that wants a code to be compared or typed cannot be paired through it. */

#define AGENT_PATH "/org/needled/agent"

struct Agent {
        Link *link;             /* weak: our owner */
        sd_bus_slot *slot;
        GPtrArray *objects;     /* the devices that are being paired */
        Calls calls;
};

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, "org.bluez.Error.Rejected",
                                "needled does not pair this device this way");
}

static int method_reject(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return refuse(error);
}

static int method_note(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, NULL);
}

/* Just Works: the consent of a side that can show nothing. */
static int method_request_authorization(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *agent = userdata;
        const char *object;
        int r;

        r = sd_bus_message_read(m, "o", &object);
        if (r < 0)
                return r;
        if (!bluez_is_sender(agent->link->bluez, m) ||
            !g_ptr_array_find_with_equal_func(agent->objects, object, g_str_equal, NULL))
                return refuse(error);

        return sd_bus_reply_method_return(m, NULL);
}

static void on_registered(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        if (error && error->error != -EEXIST)
                log_warning("bluetoothd does not take our pairing agent: %s", error->sentence);
}

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Release", NULL, NULL, method_note, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPinCode", "o", "s", method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPinCode", "os", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPasskey", "o", "u", method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPasskey", "ouq", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestConfirmation", "ou", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestAuthorization", "o", NULL, method_request_authorization,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AuthorizeService", "os", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Cancel", NULL, NULL, method_note, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

Agent *agent_new(Link *link) {
        Agent *agent = g_new0(Agent, 1);
        int r;

        agent->link = link;
        agent->objects = g_ptr_array_new_with_free_func(g_free);
        r = sd_bus_add_object_vtable(bluez_bus(link->bluez), &agent->slot, AGENT_PATH, "org.bluez.Agent1",
                                     agent_vtable, agent);
        if (r < 0)
                log_error_errno(r, "Cannot set up the pairing agent: only --allow-unbonded can adopt devices");

        return agent;
}

Agent *agent_free(Agent *agent) {
        if (!agent)
                return NULL;

        calls_clear(&agent->calls);
        sd_bus_slot_unref(agent->slot);
        g_ptr_array_unref(agent->objects);
        g_free(agent);
        return NULL;
}

void agent_reset(Agent *agent) {
        calls_clear(&agent->calls);
        g_ptr_array_set_size(agent->objects, 0);
}

/* Pair() may follow at once: bluetoothd takes our calls in their order. */
void agent_begin(Agent *agent, const char *object) {
        g_ptr_array_add(agent->objects, g_strdup(object));
        if (agent->objects->len == 1)
                (void) bluez_call(agent->link->bluez, &agent->calls, "/org/bluez", "org.bluez.AgentManager1",
                                  "RegisterAgent", BLUEZ_TIMEOUT_USEC, on_registered, agent, "os",
                                  AGENT_PATH, "NoInputNoOutput");
}

void agent_end(Agent *agent, const char *object) {
        guint index;

        if (!object || !g_ptr_array_find_with_equal_func(agent->objects, object, g_str_equal, &index))
                return;

        g_ptr_array_remove_index(agent->objects, index);
        if (agent->objects->len == 0)
                bluez_tell(agent->link->bluez, "/org/bluez", "org.bluez.AgentManager1", "UnregisterAgent",
                           "o", AGENT_PATH);
}
