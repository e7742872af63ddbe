/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"
#include "log.h"

/* What goes wrong between this computer and a device, and is more than distance: a lost bond, another device at its address, another
 * program that interferes. What an owner must decide keeps the device away until he does, so that nothing loops; it is never healed
 * in silence, since that is what somebody who plays the device would wish for. */

#define EARLY_USEC (3 * G_USEC_PER_SEC)
#define EARLY_MAX 3u            /* connections that fall so early, and none that streams: the device does not know our key */
#define AGAIN_FIRST_USEC (30 * G_USEC_PER_SEC) /* such a suspicion is tested again: after 30 s → 32 min */
#define AGAIN_DOUBLINGS 6u
#define DETACHED_GRACE_USEC (3 * G_USEC_PER_SEC) /* BlueZ 5.66 disconnects 2 s after Battery1 has gone */
#define FOUND_GRACE_USEC (5 * G_USEC_PER_SEC) /* and after Disconnect() likewise */
#define AGAIN_USEC (60 * G_USEC_PER_SEC)
#define HOLD_OFF_USEC (5 * G_USEC_PER_SEC)
#define TOLD_USEC (600 * G_USEC_PER_SEC)

/* Said once in ten minutes for each device: a program may do it for ever. */
static void interfered(Device *device, const char *what) {
        uint64_t now = clock_usec(CLOCK_BOOTTIME), told = device->work->told_interference_usec;
        LogContext context = { .message_id = NEEDLED_MESSAGE_INTERFERENCE, .device = device_label(device) };

        device->counters.interferences++;
        device->work->interfered_usec = now;
        if (told > 0 && now - told < TOLD_USEC)
                return;

        device->work->told_interference_usec = now;
        log_with(LOG_WARNING, &context, "Another program of this computer ended %s of %s: find and close it, or release the device",
                 what, log_name(device_label(device)).text);
}

/* What is true of the connection alone: an adoption has its own ends, and what is being forgotten is no trouble. */
static bool matters(const Device *device) {
        return device->adopted && !device->work->adoption && device->work->step != STEP_FORGET &&
               device->work->step != STEP_REMOVE && !suspend_holds(device->link);
}

static void keep_away(Device *device, DeviceReason trouble) {
        device->trouble = trouble;
        device->work->early_falls = 0;
        trust_withdraw(device);
}

/* A device that drops early connections may have lost its key, or be at the edge of reach, and BlueZ 5.66 does not tell which. */
static void suspect(Device *device) {
        device->work->suspected = true;
        device->work->suspicions++;
        keep_away(device, DEVICE_REASON_KEY_MISSING);
}

void trouble_bond_lost(Device *device) {
        if (!matters(device) || !device->bonded)
                return;

        device->work->suspected = false;
        keep_away(device, DEVICE_REASON_KEY_MISSING);
}

uint64_t trouble_again(Device *device) {
        if (!device->work->suspected || device->trouble != DEVICE_REASON_KEY_MISSING || device->released || !device->auto_connect)
                return 0;

        return AGAIN_FIRST_USEC << MIN(device->work->suspicions - 1, AGAIN_DOUBLINGS);
}

/* It may come by itself again, whenever that is; one more connection that falls early, and it has to wait longer. */
bool trouble_lift(Device *device) {
        if (!device->work->suspected || device->trouble != DEVICE_REASON_KEY_MISSING)
                return false;

        device->work->suspected = false;
        if (link_object(device)) { /* else the bond has gone with it: there is nothing to test */
                device->trouble = DEVICE_REASON_NONE;
                trust_update(device);
                auto_connect_update(device->link->auto_connect);
        }
        reconnect_rest(device);
        return true;
}

void trouble_identity_changed(Device *device) {
        /* Of the other device nothing is kept. */
        device->feature = device->work->feature_before;
        device->has_feature = device->work->had_feature;
        device->work->identity_changed = false;
        device_changed(device, DEVICE_CHANGED_IDENTITY);
        keep_away(device, DEVICE_REASON_IDENTITY_CHANGED);
}

bool trouble_is_key(const Device *device, const ErrorMeaning *error) {
        return device->bonded && !device->work->adoption &&
               (error->error == -EKEYREVOKED || error->error == -EKEYREJECTED);
}

void trouble_over(Device *device) {
        device->work->early_falls = 0;
        device->work->suspected = false;
        device->work->suspicions = 0;
        device->work->streamed = true;
        device->work->looked_anew = false;
        if (device->trouble != DEVICE_REASON_NONE) {
                device->trouble = DEVICE_REASON_NONE;
                auto_connect_update(device->link->auto_connect);
        }
        trust_update(device);
}

void trouble_rise(Device *device) {
        uint64_t now = clock_usec(CLOCK_BOOTTIME);

        device->work->connected_usec = device->work->opened ? now : 0;
        device->work->found_usec = device->work->opened ? 0 : now;
        device->work->detached_usec = 0;
        device->work->unresolved = false;
        device->work->streamed = false;
}

void trouble_detached(Device *device) {
        if (device->work->connected && device->work->detached_usec == 0)
                device->work->detached_usec = clock_usec(CLOCK_BOOTTIME);
}

DeviceReason trouble_fall(Device *device) {
        DeviceWork *work = device->work;
        uint64_t now = clock_usec(CLOCK_BOOTTIME);
        uint64_t lasted = work->connected_usec > 0 ? now - work->connected_usec : 0;
        bool just_found = work->found_usec > 0 && now - work->found_usec < FOUND_GRACE_USEC;

        work->connected_usec = work->detached_usec = 0;
        if (!matters(device) || work->step == STEP_DISCONNECT || device->released)
                return DEVICE_REASON_NONE;

        if (lasted > 0)
                device->lasted_usec[device->n_lasted++ % DEVICE_LASTED_MAX] = lasted;
        if (work->unresolved && !just_found) { /* else it was the needled before us that let it go */
                interfered(device, "the connection");
                work->early_falls = 0;
                return DEVICE_REASON_DISCONNECTED_BY_OTHER;
        }

        /* BlueZ 5.66 waits for a device again after those falls that it knows; of one that broke off in the middle of its beginning it may
         * not, and then nobody would. */
        if (!work->streamed)
                work->must_ask = true;

        /* One that streamed had the key. One that hung on says nothing: a device without our key may cost bluetoothd its life (by a fault
         * of Linux 6.1, in hci_chan_del), and its successor waits for answers on the link that it finds. */
        if (work->streamed || device->trouble != DEVICE_REASON_NONE)
                work->early_falls = 0;
        else if (lasted > 0 && lasted < EARLY_USEC)
                work->early_falls++;
        if (device->bonded && work->early_falls >= (work->suspicions > 0 ? 1 : EARLY_MAX)) {
                suspect(device);
                return DEVICE_REASON_KEY_MISSING;
        }

        return DEVICE_REASON_NONE;
}

/* The sockets have ended, and Connected holds all the same. */
void trouble_still_connected(Device *device) {
        DeviceWork *work = device->work;
        const Object *object = link_object(device);
        uint64_t now = clock_usec(CLOCK_BOOTTIME), before = work->interfered_usec;
        bool battery_went = work->had_battery && object && !(object->interfaces & OBJECT_BATTERY);

        if (battery_went && work->detached_usec > 0 && now - work->detached_usec < DETACHED_GRACE_USEC) {
                /* Disconnect() rather: AcquireNotify just when the connection falls is what BlueZ 5.66 cannot bear. */
                device_enter(device, device->state, device->reason, STEP_BACKOFF, DETACHED_GRACE_USEC);
                return;
        }
        if (!work->socket_ended) {
                setup_begin(device);
                return;
        }

        work->socket_ended = false;
        interfered(device, "the notifications");
        if (before > 0 && now - before < AGAIN_USEC)
                device_enter(device, DEVICE_WAITING, DEVICE_REASON_NOTIFICATIONS_HELD, STEP_BACKOFF, HOLD_OFF_USEC);
        else
                setup_begin(device);
}

static void on_removed(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (device->work->step != STEP_REMOVE)
                return;

        if (error && error->error != -ENOENT && device->work->adoption)
                adopt_fail(device, error->error, device->reason, error->sentence);
        else
                reconnect_now(device);
}

void trouble_look_anew(Device *device) {
        Object *object = link_object(device), *adapter = link_adapter(device);

        calls_clear(&device->work->calls);
        notify_close(device);
        device_enter(device, DEVICE_CONNECTING, DEVICE_REASON_NONE, STEP_REMOVE, 0);
        if (!object || !adapter ||
            bluez_call(device->link->bluez, &device->work->calls, adapter->path, "org.bluez.Adapter1", "RemoveDevice",
                       BLUEZ_TIMEOUT_USEC, on_removed, device, "o", object->path) < 0)
                reconnect_now(device);
}
