/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "autoptr.h"
#include "log.h"

/* Our own agent, never asked to be the default one, registered only while we pair: it answers for the device that
 * we pair just then, to bluetoothd alone, and refuses all else. What it claims to be able to do is what the client
 * that adopts can: with somebody who shows and types digits "KeyboardDisplay", so that the device's own abilities
 * choose the method, else "NoInputNoOutput", which leaves Just Works.
 *
 * bluetoothd keeps one agent for each connection to the bus, with one capability. So one device is paired at a time
 * and the others wait in line: most pairings take a tenth of a second, and an error would only ask people to do the
 * waiting themselves. */

#define AGENT_PATH "/org/needled/agent"
#define PASSKEY_MAX 999999u
#define QUESTION_LIMIT_USEC (55 * G_USEC_PER_SEC) /* bluetoothd itself gives up after 60 s */

struct Agent {
        Link *link;             /* weak: our owner */
        sd_bus_slot *slot;
        GPtrArray *line;        /* Device, weak: the first is being paired, the others wait for their turn */
        char *object;           /* the first's in bluetoothd when its turn came; NULL: nobody's turn */
        sd_bus_message *question; /* of bluetoothd, not answered yet; NULL: none */
        LinkPairingQuestion asked; /* what the client was asked last */
        bool shown;             /* it shows digits */
        AgentOutcome outcome;   /* of this pairing, so far */
        sd_event_source *limit; /* of the question */
        Calls calls;
};

static Device *agent_device(const Agent *agent) {
        return agent->object ? agent->line->pdata[0] : NULL;
}

/* NULL: nobody who could be asked. */
static const LinkPairingAgent *agent_client(const Agent *agent) {
        Device *device = agent_device(agent);

        return device && device->work->adoption && device->work->adoption->agent.ask
                       ? &device->work->adoption->agent
                       : NULL;
}

static int refuse(sd_bus_error *error) {
        return sd_bus_error_set(error, "org.bluez.Error.Rejected", "needled does not pair this device this way");
}

/* From bluetoothd, and about the device that we pair. */
static bool is_ours(const Agent *agent, sd_bus_message *m, const char *object) {
        return bluez_is_sender(agent->link->bluez, m) && agent->object && g_str_equal(agent->object, object);
}

static void reply_and_forget(Agent *agent, const char *error, const char *text) {
        g_autoptr(sd_bus_message) question = g_steal_pointer(&agent->question);

        agent->limit = sd_event_source_disable_unref(agent->limit);
        if (!question || !bluez_is_sender(agent->link->bluez, question)) /* who asked has gone */
                return;

        (void) sd_bus_reply_method_errorf(question, error, "%s", text);
}

/* What is asked or shown does not matter any more. */
static void withdraw(Agent *agent) {
        const LinkPairingAgent *client = agent_client(agent);
        bool open = agent->question || agent->shown;

        reply_and_forget(agent, "org.bluez.Error.Canceled", "The pairing is over");
        agent->shown = false;
        if (open && client)
                client->cancel(agent_device(agent), client->userdata);
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata) {
        withdraw(userdata);
        return 0;
}

static int ask(Agent *agent, sd_bus_message *m, LinkPairingQuestion question, uint32_t passkey, sd_bus_error *error) {
        const LinkPairingAgent *client = agent_client(agent);

        if (!client || agent->question || passkey > PASSKEY_MAX)
                return refuse(error);

        agent->question = sd_bus_message_ref(m);
        agent->asked = question;
        agent->outcome = AGENT_SILENT;
        link_timer(agent->link, &agent->limit, QUESTION_LIMIT_USEC, on_limit, agent);
        client->ask(agent_device(agent), question, passkey, client->userdata);
        return 1;
}

static int method_reject(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return refuse(error);
}

static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, NULL);
}

static int method_cancel(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *agent = userdata;

        if (!bluez_is_sender(agent->link->bluez, m))
                return refuse(error);

        withdraw(agent);
        return sd_bus_reply_method_return(m, NULL);
}

/* Just Works: the consent of a side that can show nothing. */
static int method_request_authorization(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *object;
        int r;

        r = sd_bus_message_read(m, "o", &object);
        if (r < 0)
                return r;
        if (!is_ours(userdata, m, object))
                return refuse(error);

        return sd_bus_reply_method_return(m, NULL);
}

static int method_request_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *object;
        int r;

        r = sd_bus_message_read(m, "o", &object);
        if (r < 0)
                return r;
        if (!is_ours(userdata, m, object))
                return refuse(error);

        return ask(userdata, m, LINK_PAIRING_PASSKEY, 0, error);
}

static int method_request_confirmation(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *object;
        uint32_t passkey;
        int r;

        r = sd_bus_message_read(m, "ou", &object, &passkey);
        if (r < 0)
                return r;
        if (!is_ours(userdata, m, object))
                return refuse(error);

        return ask(userdata, m, LINK_PAIRING_CONFIRM, passkey, error);
}

/* "During the pairing process this method might be called multiple times to update the entered value": who shows the
 * digits has them since the first time. */
static int method_display_passkey(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Agent *agent = userdata;
        const LinkPairingAgent *client = agent_client(agent);
        uint16_t entered;
        const char *object;
        uint32_t passkey;
        int r;

        r = sd_bus_message_read(m, "ouq", &object, &passkey, &entered);
        if (r < 0)
                return r;
        if (!is_ours(agent, m, object) || !client || passkey > PASSKEY_MAX)
                return refuse(error);

        if (!agent->shown) {
                agent->shown = true;
                agent->asked = LINK_PAIRING_DISPLAY;
                agent->outcome = AGENT_ANSWERED;
                client->ask(agent_device(agent), LINK_PAIRING_DISPLAY, passkey, client->userdata);
        }

        return sd_bus_reply_method_return(m, NULL);
}

static void on_registered(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        if (error && error->error != -EEXIST)
                log_warning("bluetoothd does not take our pairing agent: %s", error->sentence);
}

static const sd_bus_vtable agent_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Release", NULL, NULL, method_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPinCode", "o", "s", method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPinCode", "os", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestPasskey", "o", "u", method_request_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("DisplayPasskey", "ouq", NULL, method_display_passkey, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestConfirmation", "ou", NULL, method_request_confirmation, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RequestAuthorization", "o", NULL, method_request_authorization,
                      SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("AuthorizeService", "os", NULL, method_reject, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Cancel", NULL, NULL, method_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END
};

/* Pair() may follow at once: bluetoothd takes our calls in their order. */
static void turn(Agent *agent) {
        Device *device = agent->line->pdata[0];

        agent->object = g_strdup(device->work->object ? device->work->object : "");
        agent->outcome = AGENT_UNASKED;
        (void) bluez_call(agent->link->bluez, &agent->calls, "/org/bluez", "org.bluez.AgentManager1",
                          "RegisterAgent", BLUEZ_TIMEOUT_USEC, on_registered, agent, "os", AGENT_PATH,
                          agent_client(agent) ? "KeyboardDisplay" : "NoInputNoOutput");
        adopt_pair(device);
}

/* Digits that cannot be shown cannot be typed on the device: there is nothing to wait for. */
static int display_failed(Agent *agent) {
        agent->shown = false;
        agent->outcome = AGENT_DENIED;
        bluez_tell(agent->link->bluez, agent->object, "org.bluez.Device1", "CancelPairing", NULL);
        return 0;
}

Agent *agent_new(Link *link) {
        Agent *agent = g_new0(Agent, 1);
        int r;

        agent->link = link;
        agent->line = g_ptr_array_new();
        r = sd_bus_add_object_vtable(bluez_bus(link->bluez), &agent->slot, AGENT_PATH, "org.bluez.Agent1",
                                     agent_vtable, agent);
        if (r < 0)
                log_error_errno(r, "Cannot set up the pairing agent: only --allow-unbonded can adopt devices");

        return agent;
}

Agent *agent_free(Agent *agent) {
        if (!agent)
                return NULL;

        reply_and_forget(agent, "org.bluez.Error.Canceled", "needled ends");
        calls_clear(&agent->calls);
        sd_bus_slot_unref(agent->slot);
        g_ptr_array_unref(agent->line);
        g_free(agent->object);
        g_free(agent);
        return NULL;
}

void agent_reset(Agent *agent) {
        calls_clear(&agent->calls);
        withdraw(agent);
        g_clear_pointer(&agent->object, g_free);
        g_ptr_array_set_size(agent->line, 0);
}

void agent_begin(Agent *agent, Device *device) {
        g_ptr_array_add(agent->line, device);
        if (agent->line->len == 1)
                turn(agent);
}

void agent_end(Agent *agent, Device *device) {
        guint index;

        if (!g_ptr_array_find(agent->line, device, &index))
                return;
        if (index > 0) {
                g_ptr_array_remove_index(agent->line, index);
                return;
        }

        withdraw(agent);
        g_clear_pointer(&agent->object, g_free);
        g_ptr_array_remove_index(agent->line, 0);
        bluez_tell(agent->link->bluez, "/org/bluez", "org.bluez.AgentManager1", "UnregisterAgent", "o", AGENT_PATH);
        if (agent->line->len > 0)
                turn(agent);
}

bool agent_pairs(const Agent *agent, const Device *device) {
        return agent_device(agent) == device;
}

AgentOutcome agent_outcome(const Agent *agent, const Device *device) {
        return agent_pairs(agent, device) ? agent->outcome : AGENT_UNASKED;
}

int link_pairing_answer(Link *link, Device *device, int error, uint32_t passkey) {
        Agent *agent = link->agent;
        g_autoptr(sd_bus_message) question = NULL;

        if (!agent_pairs(agent, device))
                return -ENOENT;
        if (agent->shown && !agent->question && error < 0)
                return display_failed(agent);
        if (!agent->question)
                return -ENOENT;

        if (error < 0 || (agent->asked == LINK_PAIRING_PASSKEY && passkey > PASSKEY_MAX)) {
                agent->outcome = AGENT_DENIED;
                reply_and_forget(agent, "org.bluez.Error.Rejected", "The answer was no");
                return 0;
        }

        agent->outcome = AGENT_ANSWERED;
        agent->limit = sd_event_source_disable_unref(agent->limit);
        question = g_steal_pointer(&agent->question);
        if (agent->asked == LINK_PAIRING_PASSKEY)
                (void) sd_bus_reply_method_return(question, "u", passkey);
        else
                (void) sd_bus_reply_method_return(question, NULL);
        return 0;
}
