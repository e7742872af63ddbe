/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/pairing.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/private.h"

#define INTERFACE "org.needled.PairingAgent1"
#define TIMEOUT_USEC (60 * UINT64_C(1000000)) /* link withdraws a question before */

/* Calls go to the unique name of who called Adopt() and to nobody else. What comes back is somebody's word: it is
 * taken when it has the shape of the contract and comes from there, and everything else is a no. */
struct Pairing {
        Call *call;             /* weak: our owner */
        char *path;
        LinkPairingAgent agent;
        Device *device;         /* weak; of the question */
        LinkPairingQuestion asked;
        sd_bus_slot *slot;      /* the question that is open; NULL: none */
};

static bool is_good(const Pairing *pairing, sd_bus_message *m) {
        const char *signature = pairing->asked == LINK_PAIRING_PASSKEY ? "u" : "";

        return !sd_bus_message_is_method_error(m, NULL) &&
               g_strcmp0(sd_bus_message_get_sender(m), pairing->call->caller->name) == 0 &&
               sd_bus_message_has_signature(m, signature) > 0;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Pairing *pairing = userdata;
        bool good = is_good(pairing, m);
        uint32_t passkey = 0;

        pairing->slot = sd_bus_slot_unref(pairing->slot);
        if (good && pairing->asked == LINK_PAIRING_PASSKEY && sd_bus_message_read(m, "u", &passkey) < 0)
                good = false;
        if (good && pairing->asked == LINK_PAIRING_DISPLAY)
                return 0;

        (void) link_pairing_answer(pairing->call->bus->settings.link, pairing->device, good ? 0 : -ECANCELED, passkey);
        return 0;
}

static int new_call(const Pairing *pairing, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(pairing->call->bus->connection, ret, pairing->call->caller->name,
                                              pairing->path, INTERFACE, member);
}

static int send_question(Pairing *pairing, uint32_t passkey) {
        static const char *const members[] = {
                [LINK_PAIRING_PASSKEY] = "RequestPasskey",
                [LINK_PAIRING_CONFIRM] = "Confirm",
                [LINK_PAIRING_DISPLAY] = "DisplayPasskey",
        };
        g_autofree char *device = g_strconcat(BUS_DEVICES "/", pairing->device->path, NULL);
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = new_call(pairing, members[pairing->asked], &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "o", device);
        if (r >= 0 && pairing->asked != LINK_PAIRING_PASSKEY)
                r = sd_bus_message_append(m, "u", passkey);
        if (r >= 0)
                r = sd_bus_call_async(pairing->call->bus->connection, &pairing->slot, m, on_answer, pairing,
                                      TIMEOUT_USEC);
        return r;
}

static void ask(Device *device, LinkPairingQuestion question, uint32_t passkey, void *userdata) {
        Pairing *pairing = userdata;
        int r;

        pairing->slot = sd_bus_slot_unref(pairing->slot);
        pairing->device = device;
        pairing->asked = question;
        r = send_question(pairing, passkey);
        if (r < 0)
                (void) link_pairing_answer(pairing->call->bus->settings.link, device, r, 0);
}

static void cancel(Device *device, void *userdata) {
        Pairing *pairing = userdata;
        g_autoptr(sd_bus_message) m = NULL;

        pairing->slot = sd_bus_slot_unref(pairing->slot);
        if (new_call(pairing, "Cancel", &m) >= 0 && sd_bus_message_set_expect_reply(m, false) >= 0)
                (void) sd_bus_send(NULL, m, NULL);
}

Pairing *pairing_new(Call *call, const char *path) {
        Pairing *pairing = g_new(Pairing, 1);

        *pairing = (Pairing) {
                .call = call,
                .path = g_strdup(path),
                .agent = { .ask = ask, .cancel = cancel, .userdata = pairing },
        };
        return pairing;
}

Pairing *pairing_free(Pairing *pairing) {
        if (!pairing)
                return NULL;

        sd_bus_slot_unref(pairing->slot);
        g_free(pairing->path);
        g_free(pairing);
        return NULL;
}

const LinkPairingAgent *pairing_agent(const Pairing *pairing) {
        return &pairing->agent;
}
