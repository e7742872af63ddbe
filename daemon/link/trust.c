/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include "log.h"

/* Whether bluetoothd may connect a device by itself. In BlueZ 5.66 one that is Trusted is connected again at once, even after
 * Disconnect(); one that is not stays away from its Disconnect() until somebody's Connect(), or until bluetoothd is started anew:
 * then it connects whatever is bonded and offers a service that is registered, trusted or not. */

bool trust_wanted(const Device *device) {
        return device->adopted && device->auto_connect && !device->released &&
               device->trouble == DEVICE_REASON_NONE;
}

void trust_update(Device *device) {
        Object *object = link_object(device);
        bool wanted = trust_wanted(device);

        device->work->trust_checked = true;
        if (!object || object->trusted == wanted)
                return;

        object->trusted = wanted; /* its signal follows */
        device->work->must_ask = !object->connected || !wanted;
        bluez_tell(device->link->bluez, object->path, "org.freedesktop.DBus.Properties", "Set", "ssv", "org.bluez.Device1",
                   "Trusted", "b", wanted);
}

void trust_withdraw(Device *device) {
        trust_update(device);
        auto_connect_update(device->link->auto_connect);
        device->work->let_go = bluez_generation(device->link->bluez);
        device->work->let_go_late = suspend_holds(device->link);
        calls_clear(&device->work->calls);
        notify_close(device);
        /* Also of a device that is away: this tells bluetoothd not to connect it. */
        if (link_object(device) && !suspend_holds(device->link)) {
                reconnect_enter_rest(device, DEVICE_REASON_NONE, STEP_DISCONNECT, 0);
                reconnect_disconnect(device);
        } else
                reconnect_enter_rest(device, DEVICE_REASON_NONE, STEP_NONE, 0);
}

/* Only one that bluetoothd may have connected by itself, because another device's profile is registered. What connects it after
 * that, or where no profile is, is another program, and what that does is its user's affair. */
void trust_let_go(Device *device) {
        unsigned generation = bluez_generation(device->link->bluez);

        if (device->work->let_go == generation || !device->work->opened ||
            !auto_connect_covers(device->link->auto_connect, device))
                return;

        log_debug("%s: bluetoothd is told to let go of it", device->path);
        device->work->let_go = generation;
        device_enter(device, device->state, device->reason, STEP_DISCONNECT, 0);
        reconnect_disconnect(device);
}
