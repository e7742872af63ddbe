/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "standin.h"

/* Pairing with LE Secure Connections as BlueZ 5.66 and the kernel do it: the agent's capability and what the device
 * can do choose the method, bluetoothd asks the agent of who called Pair(), else the default one, and the device's side
 * is played by whoever runs needlesim (the words `passkey` and `confirm`).
 *
 * A device that can show or take digits insists on them: "authentication requirements" are not met by Just Works. */

#define AGENT "org.bluez.Agent1"
#define PAIR_USEC 90000u                /* Pair(): 70–110 ms */
#define SMP_USEC                                                                                                       \
        30000000u /* Core Specification, Vol 3, Part H, 3.4: 30 seconds without a message. Not of bluetoothd:          \
                   * a person needs as long with --fast */
#define PASSKEY_COUNT 1000000

static void pairing_over(Device *d, bool ok) {
        device_paired(d, ok); /* and with it pairing_end() */
        if (!ok)
                device_link_down(d);
}

static void side_done(Device *d, bool *side) {
        *side = true;
        if (d->pairing.client_done && d->pairing.device_done)
                pairing_over(d, true);
}

/* The first number is what the other is compared with. */
static void side_typed(Device *d, bool *side, uint32_t passkey) {
        Pairing *p = &d->pairing;

        if (!p->has_passkey) {
                p->has_passkey = true;
                p->passkey = passkey;
        }
        if (p->passkey == passkey)
                side_done(d, side);
        else
                pairing_over(d, false);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Device *d = userdata;
        uint32_t passkey;

        d->pairing.question = sd_bus_slot_unref(d->pairing.question);
        if (sd_bus_message_is_method_error(m, NULL))
                pairing_over(d, false);
        else if (d->pairing.method == PAIRING_METHOD_JUST_WORKS || d->pairing.method == PAIRING_METHOD_NUMERIC)
                side_done(d, &d->pairing.client_done);
        else if (sd_bus_message_read(m, "u", &passkey) > 0 && passkey < PASSKEY_COUNT)
                side_typed(d, &d->pairing.client_done, passkey);
        else
                pairing_over(d, false);
        return 0;
}

static int new_question(Device *d, const char *member, sd_bus_message **ret) {
        return sd_bus_message_new_method_call(d->standin->bus, ret, d->pairing.agent, d->pairing.agent_path, AGENT, member);
}

static int ask(Device *d, const char *member, bool with_passkey) {
        sd_bus_message *m = NULL;
        int r;

        r = new_question(d, member, &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "o", d->path);
        if (r >= 0 && with_passkey)
                r = sd_bus_message_append(m, "u", d->pairing.passkey);
        if (r >= 0)
                r = sd_bus_call_async(d->standin->bus, &d->pairing.question, m, on_answer, d, UINT64_MAX);
        sd_bus_message_unref(m);
        return r;
}

static int tell(Device *d, const char *member, const char *types, ...) {
        sd_bus_message *m = NULL;
        va_list args;
        int r;

        r = new_question(d, member, &m);
        va_start(args, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, args);
        va_end(args);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, false);
        if (r >= 0)
                r = sd_bus_send(d->standin->bus, m, NULL);
        sd_bus_message_unref(m);
        return r;
}

static void device_shows(Device *d) {
        const Standin *s = d->standin;

        d->pairing.has_passkey = true;
        d->pairing.passkey = (uint32_t) g_random_int_range(0, PASSKEY_COUNT);
        if (s->n_bodies > 1)
                printf("@%u ", d->body->number);
        printf("passkey %06u\n", d->pairing.passkey);
        (void) fflush(stdout);
}

/* Each side has its part: what it need not do is done. */
static int begin_method(Device *d) {
        Pairing *p = &d->pairing;

        switch (p->method) {
        case PAIRING_METHOD_JUST_WORKS:
                /* "We know the client has indicated the intent to pair": a Pair() is not asked again. */
                p->device_done = true;
                if (!p->asked)
                        return ask(d, "RequestAuthorization", false);
                side_done(d, &p->client_done);
                return 0;
        case PAIRING_METHOD_CLIENT_TYPES:
                device_shows(d);
                p->device_done = true;
                return ask(d, "RequestPasskey", false);
        case PAIRING_METHOD_DEVICE_TYPES:
                p->has_passkey = true;
                p->passkey = (uint32_t) g_random_int_range(0, PASSKEY_COUNT);
                p->client_done = true;
                return tell(d, "DisplayPasskey", "ouq", d->path, p->passkey, 0);
        case PAIRING_METHOD_BOTH_TYPE:
                return ask(d, "RequestPasskey", false);
        case PAIRING_METHOD_NUMERIC:
                device_shows(d);
                return ask(d, "RequestConfirmation", true);
        }

        return -EINVAL;
}

static int on_silence(sd_event_source *source, uint64_t usec, void *userdata) {
        pairing_over(userdata, false);
        return 0;
}

static int on_begin(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;
        Standin *s = d->standin;

        if (s->pairing == PAIRING_REFUSE ||
            (s->pairing != PAIRING_JUST_WORKS && d->pairing.method == PAIRING_METHOD_JUST_WORKS)) {
                pairing_over(d, false);
                return 0;
        }

        d->pairing.begun = true;
        standin_timer(s, &d->pairing.timer, SMP_USEC, on_silence, d);
        if (begin_method(d) < 0)
                pairing_over(d, false);
        return 0;
}

void pairing_begin(Device *d, const Call *call) {
        Standin *s = d->standin;
        const char *capability;

        d->pairing = (Pairing) { .asked = g_str_equal(call->method->name, "Pair") };
        if (!s->bondable || !clients_agent(s, d->pairing.asked ? call_sender(call) : NULL, &d->pairing.agent,
                                           &d->pairing.agent_path, &capability)) {
                pairing_over(d, false); /* "No agent available for request type 2" */
                return;
        }

        d->pairing.method = pairing_method(capability, s->pairing);
        standin_timer(s, &d->pairing.timer, standin_delay(s, PAIR_USEC), on_begin, d);
}

bool pairing_runs(const Device *d) {
        return d->pairing.timer;
}

void pairing_end(Device *d) {
        Pairing *p = &d->pairing;

        p->timer = sd_event_source_disable_unref(p->timer);
        if (p->question && d->standin->bus) /* who still thinks about it need not */
                (void) tell(d, "Cancel", "");
        p->question = sd_bus_slot_unref(p->question);
        p->begun = false;
        g_clear_pointer(&p->agent, g_free);
        g_clear_pointer(&p->agent_path, g_free);
}

/* passkey 123456: what is typed on the device. confirm yes|no: whether it shows the same as the client. */
int pairing_control(Device *d, const char *word, const char *argument) {
        Pairing *p = &d->pairing;
        uint64_t passkey;

        if (g_str_equal(word, "passkey")) {
                if (!argument || !g_ascii_string_to_unsigned(argument, 10, 0, PASSKEY_COUNT - 1, &passkey, NULL))
                        return -EINVAL;
                if (!p->begun || p->device_done ||
                    (p->method != PAIRING_METHOD_DEVICE_TYPES && p->method != PAIRING_METHOD_BOTH_TYPE))
                        return -EBUSY;
                side_typed(d, &p->device_done, (uint32_t) passkey);
                return 0;
        }

        if (g_strcmp0(argument, "yes") != 0 && g_strcmp0(argument, "no") != 0)
                return -EINVAL;
        if (!p->begun || p->device_done || p->method != PAIRING_METHOD_NUMERIC)
                return -EBUSY;
        if (g_str_equal(argument, "yes"))
                side_done(d, &p->device_done);
        else
                pairing_over(d, false);
        return 0;
}
