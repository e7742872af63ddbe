/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"
#include "log.h"

/* How a device comes back. A bonded one by itself: bluetoothd and the kernel's accept list see to it
 * (autoconnect.c), without any timer of ours. An unbonded one never does (BlueZ makes it temporary when it
 * disconnects and forgets it after 30 s), so that we call Connect(), with a backoff, after a short search
 * window when bluetoothd has forgotten it. */

#define BACKOFF_FIRST_USEC (250 * 1000)
#define BACKOFF_DOUBLINGS 5u            /* 0.25 → 8 s */
#define BACKOFF_LONG_USEC (30 * G_USEC_PER_SEC)
#define GRACE_USEC (500 * 1000)         /* a socket can end before Connected falls, or without that */
#define HOLD_OFF_USEC (10 * G_USEC_PER_SEC) /* another program wanted it disconnected */
#define UNANSWERED_USEC (30 * G_USEC_PER_SEC) /* BlueZ 5.66 gives up after 40 s; what breaks off does so sooner */
#define HEARD_USEC (60 * G_USEC_PER_SEC)
#define SEARCH_USEC (10 * G_USEC_PER_SEC)
#define CONNECT_CALL_USEC (65 * G_USEC_PER_SEC) /* longer than the step's limit, which acts */

/* What must come before anything can be done; NONE: nothing is in the way. */
static DeviceReason obstacle(const Device *device) {
        Object *adapter = link_adapter(device);

        if (suspend_holds(device->link))
                return DEVICE_REASON_SUSPENDED;
        if (!bluez_present(device->link->bluez))
                return DEVICE_REASON_NO_BLUETOOTHD;
        if (!adapter)
                return DEVICE_REASON_NO_ADAPTER;

        return adapter->powered ? DEVICE_REASON_NONE : DEVICE_REASON_ADAPTER_OFF;
}

/* bluetoothd shows all that is bonded on its adapters, whether it is near or not: what it does not show has lost its bond there. */
static bool is_missing(const Device *device) {
        return device->bonded && *device->adapter && !link_object(device) && !link_has_operation(device, OPERATION_CONNECT);
}

static bool comes_by_itself(const Device *device) {
        return device->bonded && !device->work->must_ask && auto_connect_covers(device->link->auto_connect, device) &&
               !link_has_operation(device, OPERATION_CONNECT);
}

/* Its streams have ended, and it is connected all the same. */
static bool was_cut_off(const Device *device) {
        return device->work->connected && device->work->socket_ended;
}

static void rest(Device *device, DeviceReason why) {
        DeviceReason reason = obstacle(device);
        bool kept_away = device->released || device->trouble != DEVICE_REASON_NONE;

        if (!device->adopted) {
                device_enter(device, DEVICE_FOUND, device->reason, STEP_NONE, 0);
        } else if (kept_away) { /* if somebody asked for it, this once was all */
                uint64_t again = reason == DEVICE_REASON_NONE ? trouble_again(device) : 0;

                reconnect_enter_rest(device, DEVICE_REASON_NONE, again > 0 ? STEP_BACKOFF : STEP_NONE, again);
        } else if (device_lost_profile(device)) {
                device_enter(device, DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING, STEP_NONE, 0);
        } else if (reason != DEVICE_REASON_NONE) {
                device->work->attempts = 0;
                reconnect_enter_rest(device, reason, STEP_NONE, 0);
        } else if (device->state == DEVICE_REFUSED) {
                device_enter(device, DEVICE_REFUSED, device->reason, STEP_NONE, 0);
        } else if (is_missing(device)) {
                reconnect_enter_rest(device, DEVICE_REASON_AWAY, STEP_MISSING, 0);
        } else if (!device->auto_connect && !link_has_operation(device, OPERATION_CONNECT) && !was_cut_off(device)) {
                device_enter(device, DEVICE_KNOWN, DEVICE_REASON_NONE, STEP_NONE, 0);
        } else if (device->work->connected) {
                reconnect_enter_rest(device, DEVICE_REASON_AWAY, STEP_BACKOFF, GRACE_USEC);
        } else if (comes_by_itself(device)) {
                device->work->attempts = 0;
                reconnect_enter_rest(device, why ?: DEVICE_REASON_AWAY, STEP_NONE, 0);
        } else if (why == DEVICE_REASON_DISCONNECTED_BY_OTHER) {
                reconnect_enter_rest(device, why, STEP_BACKOFF, HOLD_OFF_USEC);
        } else {
                reconnect_enter_rest(device, why ?: DEVICE_REASON_BACKOFF, STEP_BACKOFF,
                                     reconnect_delay(device->work->attempts++));
        }
}

/* Whether bluetoothd has looked at a Connect(): then it waits for the device, whatever came of it. */
static bool is_heeded(const ErrorMeaning *error) {
        return error->error != -ENODEV && error->error != -EACCES && error->error != -EALREADY && error->error != -ETIMEDOUT;
}

static void on_connected(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (device->work->step != STEP_CONNECT)
                return; /* Connected came first and led on */

        if (!error || is_heeded(error))
                device->work->must_ask = false;
        if (!error || error->error == -EISCONN) {
                Object *object = link_object(device);

                if (object && object->connected) {
                        setup_begin(device);
                } else if (object) { /* bluetoothd may never signal it: see objects_change() */
                        object->connected = true;
                        watch_device(device);
                }
                return;
        }
        if (error->error == -EALREADY)
                return; /* bluetoothd is at it already: Connected or the step's limit tells */

        log_debug("%s: Connect: %s", device->path, error->sentence);
        if (error->error == -ENOENT) { /* forgotten by bluetoothd in the meantime */
                watch_bind(device, NULL);
                reconnect_now(device);
        } else if (device->work->adoption)
                adopt_retry(device, error->error, error->sentence);
        else if (trouble_is_key(device, error))
                trouble_bond_lost(device);
        else
                rest(device, reconnect_unanswered(device, clock_usec(CLOCK_BOOTTIME)));
}

static void on_disconnect_done(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        /* Without a connection there is no falling edge to wait for: a pending Connect() was cancelled, or
         * it had gone already. */
        if (device->work->step == STEP_DISCONNECT && !device->work->connected)
                reconnect_lost(device, DEVICE_REASON_NONE);
}

void reconnect_enter_rest(Device *device, DeviceReason reason, Step step, uint64_t delay_usec) {
        if (device->released)
                device_enter(device, DEVICE_RELEASED, DEVICE_REASON_RELEASED, step, delay_usec);
        else if (device->trouble == DEVICE_REASON_KEY_MISSING)
                device_enter(device, DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING, step, delay_usec);
        else if (device->trouble != DEVICE_REASON_NONE)
                device_enter(device, DEVICE_REFUSED, device->trouble, step, delay_usec);
        else if (device->auto_connect)
                device_enter(device, DEVICE_WAITING, reason, step, delay_usec);
        else
                device_enter(device, DEVICE_KNOWN, DEVICE_REASON_NONE, step, delay_usec);
}

void reconnect_rest(Device *device) {
        rest(device, DEVICE_REASON_NONE);
}

void reconnect_reconsider(Device *device) {
        bool rests = device->work->step == STEP_NONE || device->work->step == STEP_BACKOFF ||
                     device->work->step == STEP_SEARCH || device->work->step == STEP_MISSING;
        bool blocked = device->reason == DEVICE_REASON_NO_BLUETOOTHD ||
                       device->reason == DEVICE_REASON_NO_ADAPTER ||
                       device->reason == DEVICE_REASON_ADAPTER_OFF ||
                       device->reason == DEVICE_REASON_SUSPENDED;
        DeviceReason reason = obstacle(device);

        if (device->adopted && device->state == DEVICE_WAITING && rests && !device->work->connected &&
            (reason != DEVICE_REASON_NONE ? reason != device->reason : blocked))
                reconnect_rest(device);
        else if (device->adopted && device->work->suspected && device->work->step == STEP_NONE && reason == DEVICE_REASON_NONE)
                reconnect_rest(device);
}

void reconnect_woken(Device *device) {
        bool kept_away = device->released || device->trouble != DEVICE_REASON_NONE;

        device->work->attempts = 0;
        if (device->work->let_go_late && kept_away)
                trust_withdraw(device);
        else if (device->work->connected && !kept_away && !device_lost_profile(device))
                setup_begin(device);
        else if (link_has_operation(device, OPERATION_CONNECT))
                reconnect_now(device);
        else
                reconnect_rest(device);
}

void reconnect_now(Device *device) {
        Object *object = link_object(device);
        DeviceReason reason = obstacle(device);
        bool asked = device->work->adoption || link_has_operation(device, OPERATION_CONNECT);

        if (reason != DEVICE_REASON_NONE) {
                if (device->work->adoption)
                        adopt_fail(device, -ENODEV, DEVICE_REASON_NONE,
                                   "The Bluetooth adapter is not ready: switch it on.");
                else
                        reconnect_rest(device);
                return;
        }
        if (!object && !asked && device->work->suspected) { /* its bond has gone with its object: there is nothing to test */
                device->work->suspected = false;
                reconnect_rest(device);
                return;
        }
        if (!object) {
                if (asked)
                        device_enter(device, DEVICE_CONNECTING, DEVICE_REASON_NONE, STEP_SEARCH, 0);
                else
                        reconnect_enter_rest(device, DEVICE_REASON_AWAY, STEP_SEARCH, 0);
                search_want(device->link->search, SEARCH_USEC);
                return;
        }

        /* Connect while bluetoothd still knows the device, and leave the radio to the attempt. */
        device_enter(device, DEVICE_CONNECTING, DEVICE_REASON_NONE, STEP_CONNECT, 0);
        device->work->asked_usec = clock_usec(CLOCK_BOOTTIME);
        (void) link_call_device(device, "org.bluez.Device1", "Connect", CONNECT_CALL_USEC, on_connected);
        search_pause(device->link->search, asked);
}

void reconnect_lost(Device *device, DeviceReason why) {
        device->work->opened = false;
        calls_clear(&device->work->calls);
        notify_close(device);
        /* A device that still has the bond of an earlier adoption drops the link as soon as that is made. */
        if (device->work->adoption)
                adopt_retry(device, -EHOSTUNREACH,
                            "The device dropped the connection: bring it nearer (and clear its old bond, if it "
                            "was paired with this computer before), and adopt it again.");
        else
                rest(device, why);
}

void reconnect_disconnect(Device *device) {
        device->work->must_ask = device->work->must_ask || !trust_wanted(device);
        (void) link_call_device(device, "org.bluez.Device1", "Disconnect", BLUEZ_TIMEOUT_USEC,
                                on_disconnect_done);
}

void reconnect_give_up(Device *device, DeviceReason reason) {
        calls_clear(&device->work->calls);
        notify_close(device);
        if (device->work->adoption) {
                device_enter(device, device->state, device->reason, STEP_DISCONNECT, 0);
        } else {
                device->work->attempts++;
                reconnect_enter_rest(device, reason, STEP_DISCONNECT, 0);
        }
        reconnect_disconnect(device);
}

/* A device that advertises to others, or does not take its own computer's call, is held by a phone more likely than it is broken. */
DeviceReason reconnect_unanswered(const Device *device, uint64_t now_usec) {
        const DeviceWork *work = device->work;

        return !device->bonded && work->heard_usec > 0 && work->asked_usec - MIN(work->asked_usec, work->heard_usec) < HEARD_USEC &&
                               now_usec - work->asked_usec >= UNANSWERED_USEC
                       ? DEVICE_REASON_HELD_ELSEWHERE
                       : DEVICE_REASON_NONE;
}

uint64_t reconnect_delay(unsigned attempt) {
        uint64_t delay = attempt <= BACKOFF_DOUBLINGS ? (uint64_t) BACKOFF_FIRST_USEC << attempt
                                                      : (uint64_t) BACKOFF_LONG_USEC;

        /* ±20 %, so that devices that were lost together do not come back together. */
        return (uint64_t) (g_random_double_range(0.8, 1.2) * (double) delay);
}
