/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"
#include "log.h"

/* Adoption: connect, wait for the services, pair, read who it is, trust, remember. Until it is remembered
 * nothing of it stays: what Connect() and Pair() made permanent in bluetoothd is removed again when the
 * adoption fails. */

#define ATTEMPTS_MAX 6u
#define PAIR_CALL_USEC (95 * G_USEC_PER_SEC)    /* longer than the step's limit, which acts */
#define ADOPT_LIMIT_USEC (140 * G_USEC_PER_SEC) /* Manager1.Adopt answers within 150 s */

#define REFUSED_PAIRING \
        "The device refused to pair: open its pairing window (and clear its old bond, if it was paired with this " \
        "computer before) and adopt it again, or, for a device that cannot pair, adopt it with --allow-unbonded."

#define REFUSED_WITHOUT_AGENT \
        "The device refused to pair: open its pairing window (and clear its old bond, if it was paired with this " \
        "computer before) and adopt it again, on a terminal if it shows or takes digits, or, for a device that cannot " \
        "pair, with --allow-unbonded."

#define WRONG_DIGITS \
        "The pairing failed although the digits were given: see that both sides have the same, open the device's " \
        "pairing window and adopt it again."

#define NO_DIGITS \
        "The answer was that these are not the digits of the device, or that there are none: see that no other device " \
        "is paired in its place, and adopt it again."

#define NO_ANSWER \
        "Nobody answered the question about the device's digits in time: open its pairing window, adopt it again and " \
        "answer within half a minute."

static void adoption_free(Device *device) {
        if (device->work->adoption)
                g_free(device->work->adoption->alias);
        g_clear_pointer(&device->work->adoption, g_free);
}

static const char *refusal(const Adoption *adoption, AgentOutcome outcome) {
        switch (outcome) {
        case AGENT_UNASKED:
                return adoption->agent.ask ? REFUSED_PAIRING : REFUSED_WITHOUT_AGENT;
        case AGENT_SILENT:
                return NO_ANSWER;
        case AGENT_ANSWERED:
                return WRONG_DIGITS;
        case AGENT_DENIED:
                return NO_DIGITS;
        }

        return REFUSED_PAIRING;
}

/* A device that asks for digits can pair: without a bond is not what the owner allowed. */
static void pair_refused(Device *device, AgentOutcome outcome) {
        Adoption *adoption = device->work->adoption;

        if (!adoption->allow_unbonded || outcome != AGENT_UNASKED) {
                adopt_fail(device, -EKEYREJECTED, DEVICE_REASON_PAIRING_FAILED, refusal(adoption, outcome));
                return;
        }

        adoption->pair_refused = true;
        if (device->work->connected)
                setup_read(device);
        else
                adopt_retry(device, -EHOSTUNREACH,
                            "The connection broke off: bring the device nearer and try again.");
}

static void on_paired(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;
        AgentOutcome outcome = agent_outcome(device->link->agent, device);
        const Object *object = link_object(device);

        agent_end(device->link->agent, device);
        if (device->work->step != STEP_PAIR)
                return;
        if (error)
                log_debug("%s: Pair: %s", device->path, error->sentence);

        if (!error)
                device->work->adoption->just_works = outcome == AGENT_UNASKED;

        switch (error ? -error->error : 0) {
        case 0:
        case EEXIST:
                if (error && !(object && object->paired)) /* there is a bond, and there is none */
                        adopt_retry(device, error->error, "bluetoothd is not sure of the bond: adopt the device again.");
                else if (device->work->connected)
                        setup_read(device);
                else
                        adopt_retry(device, -EHOSTUNREACH,
                                    "The connection broke off after pairing: try again.");
                break;
        case EHOSTUNREACH:
        case ENOTCONN:
        case EALREADY:
        case ENOENT:
                if (outcome == AGENT_UNASKED) /* who was asked is not asked the same again and again */
                        adopt_retry(device, error->error, error->sentence);
                else
                        pair_refused(device, outcome);
                break;
        case ENODEV:
                adopt_fail(device, -ENODEV, DEVICE_REASON_NONE, error->sentence);
                break;
        default:
                pair_refused(device, outcome);
                break;
        }
}

void adopt_pair_timeout(Device *device) {
        AgentOutcome outcome = agent_outcome(device->link->agent, device);

        if (!agent_pairs(device->link->agent, device)) {
                adopt_fail(device, -EBUSY, DEVICE_REASON_NONE,
                           "Another device is being paired all the time: finish that, and adopt this one again.");
                return;
        }

        agent_end(device->link->agent, device);
        calls_clear(&device->work->calls);
        bluez_tell(device->link->bluez, device->work->object, "org.bluez.Device1", "CancelPairing", NULL);
        pair_refused(device, outcome);
}

void adopt_resolved(Device *device) {
        Adoption *adoption = device->work->adoption;
        Object *object = link_object(device);

        if (object->paired || adoption->pair_refused) {
                setup_read(device);
                return;
        }

        device_enter(device, DEVICE_BONDING, DEVICE_REASON_NONE, STEP_PAIR, 0);
        agent_begin(device->link->agent, device);
}

void adopt_pair(Device *device) {
        if (!device->work->connected) {
                adopt_retry(device, -EHOSTUNREACH, "The connection broke off before pairing: try again.");
                return;
        }

        device_enter(device, DEVICE_BONDING, DEVICE_REASON_NONE, STEP_PAIR, 0); /* the limit counts from now */
        (void) link_call_device(device, "org.bluez.Device1", "Pair", PAIR_CALL_USEC, on_paired);
}

/* What the bond is worth, while there is still time to make a better one. */
static void say_just_works(const Device *device) {
        const LogContext context = { .device = device_label(device) };

        log_with(LOG_NOTICE, &context,
                 device->work->adoption->agent.ask
                         ? "%s is paired by Just Works, it can do no more: no digits said that it was this device"
                         : "%s is paired by Just Works: no digits said that it was this device; if it shows or takes "
                           "some, forget it and adopt it on a terminal",
                 log_name(device_label(device)).text);
}

void adopt_identified(Device *device) {
        Adoption *adoption = device->work->adoption;
        const Object *object = link_object(device);

        if (adoption->alias)
                (void) device_set_text(&device->alias, adoption->alias);
        device->adopted = true;
        device->bonded = object && (object->has_bonded ? object->bonded : object->paired); /* it may have been before */
        device->trouble = DEVICE_REASON_NONE;
        device->auto_connect = true;
        device->allow_unbonded = adoption->allow_unbonded;
        device->owner = adoption->owner;
        device->adopted_realtime_usec = clock_usec(CLOCK_REALTIME);
        device->work->found_until_usec = 0;
        device->work->attempts = 0;
        device->n_lasted = 0; /* how connections of an earlier bond ended says nothing of this one */
        if (adoption->just_works)
                say_just_works(device);
        adoption_free(device);

        release_end(device);
        trust_update(device);
        device_changed(device, DEVICE_CHANGED_IDENTITY);
        auto_connect_update(device->link->auto_connect);
        link_complete(device, OPERATION_ADOPT, 0, NULL);
        if (device->work->step == STEP_READ)
                notify_begin(device);
}

void adopt_retry(Device *device, int error, const char *message) {
        Adoption *adoption = device->work->adoption;

        agent_end(device->link->agent, device);
        calls_clear(&device->work->calls);
        if (++adoption->attempts >= ATTEMPTS_MAX) {
                adopt_fail(device, error, DEVICE_REASON_TIMEOUT, message);
                return;
        }

        device_enter(device, DEVICE_CONNECTING, DEVICE_REASON_NONE, STEP_BACKOFF,
                     reconnect_delay(adoption->attempts - 1));
}

void adopt_undo(Device *device) {
        Object *object = link_object(device), *adapter = link_adapter(device);

        if (object && adapter && !device->work->adoption->was_paired)
                bluez_tell(device->link->bluez, adapter->path, "org.bluez.Adapter1", "RemoveDevice", "o",
                           object->path);
        else if (object && device->work->opened)
                bluez_tell(device->link->bluez, object->path, "org.bluez.Device1", "Disconnect", NULL);
}

/* Nothing has come of it: one that was adopted before is what it was. */
static void leave(Device *device, DeviceReason reason) {
        DeviceState state = device->work->adoption->state;
        DeviceReason before = device->work->adoption->reason;

        adoption_free(device);
        if (device->adopted) {
                if (device->trouble != DEVICE_REASON_NONE)
                        reconnect_rest(device); /* it may have been on its way when the adoption began */
                else
                        device_enter(device, state, before, STEP_NONE, 0);
                trust_update(device);
        } else {
                device_enter(device, DEVICE_FOUND, reason, STEP_NONE, 0);
                search_keep(device->link->search, device);
        }
}

void adopt_fail(Device *device, int error, DeviceReason reason, const char *message) {
        calls_clear(&device->work->calls);
        notify_close(device);
        agent_end(device->link->agent, device);
        adopt_undo(device);

        device->work->attempts = 0;
        leave(device, reason);
        link_complete(device, OPERATION_ADOPT, error, message);
}

/* To adopt it again is the owner's word that the bond may be made anew, or that it may be another device now. */
static bool may_heal(const Device *device) {
        return device->trouble != DEVICE_REASON_NONE ||
               (device->state == DEVICE_REFUSED && device->reason == DEVICE_REASON_SERVICES_MISSING &&
                !device_lost_profile(device));
}

void link_adopt(Link *link, Device *device, const LinkAdopt *options, LinkDone done, void *userdata) {
        Operation *operation = operation_new(device, OPERATION_ADOPT, done, userdata);
        Object *object = link_object(device), *adapter = link_adapter(device);

        if (device->adopted && !may_heal(device)) {
                operation_answer_later(operation, -EEXIST, "The device is adopted already.");
                return;
        }
        if (device->work->adoption || device->work->step == STEP_FORGET) {
                operation_answer_later(operation, -EBUSY,
                                       "The device is being adopted or forgotten already: wait for that.");
                return;
        }
        if (suspend_holds(link)) {
                operation_answer_later(operation, -ENODEV,
                                       "The computer is going to sleep or has just woken: try again in a moment.");
                return;
        }
        if (!adapter || !adapter->powered) {
                operation_answer_later(operation, -ENODEV,
                                       "The Bluetooth adapter is not ready: plug it in and switch it on.");
                return;
        }

        operation_limit(operation, ADOPT_LIMIT_USEC);
        device->work->adoption = g_new(Adoption, 1);
        *device->work->adoption = (Adoption) {
                .operation = operation,
                .alias = options->alias ? device_text(options->alias, strlen(options->alias)) : NULL,
                .allow_unbonded = options->allow_unbonded,
                .owner = options->owner,
                .was_paired = !device->adopted && object && object->paired,
                .state = device->state,
                .reason = device->reason,
        };
        device->work->looked_anew = device->adopted;
        if (options->agent)
                device->work->adoption->agent = *options->agent;

        device->work->suspected = false; /* the bond that would be tested again goes */
        if (device->adopted)
                trouble_look_anew(device); /* without the old bond, and what bluetoothd remembers of it */
        else if (object && object->connected)
                setup_begin(device);
        else
                reconnect_now(device);
}
