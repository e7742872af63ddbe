/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "autoptr.h"
#include "log.h"

/* What a vendor's device is to be told when it is connected, so that it reports: in the order of the profile's
 * file, one at a time, once its notifications flow. One that fails keeps nothing else from going on. */

static void write_next(Device *device);

static void say_failed(Device *device, size_t index, const char *why) {
        uint32_t bit = UINT32_C(1) << (index % 32);

        if (device->work->told_actions & bit)
                return;

        device->work->told_actions |= bit;
        log_warning("%s does not take the action %s of its profile %s: %s", device_label(device),
                    device->profile->vendor->actions[index].name, device->profile->id, why);
}

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (error)
                say_failed(device, device->work->next_action - 1, error->sentence);
        write_next(device);
}

static int write_value(Device *device, const VendorAction *action, const char *path) {
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = bluez_message(device->link->bluez, path, "org.bluez.GattCharacteristic1", "WriteValue", &m);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', action->data, action->size);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "type", "s", action->command ? "command" : "request");
        if (r >= 0)
                r = calls_send(&device->work->calls, m, BLUEZ_TIMEOUT_USEC, on_written, device);

        return r;
}

static void write_next(Device *device) {
        const VendorProfile *vendor = device->profile->vendor;

        while (device->work->next_action < vendor->n_actions) {
                size_t index = device->work->next_action++;
                const VendorAction *action = &vendor->actions[index];
                const VendorChar *ch = &vendor->chars[action->channel];
                Object *object;

                if (action->when != VENDOR_ON_CONNECT)
                        continue;
                object = objects_find_char(bluez_objects(device->link->bluez), device->work->object, ch->service_uuid,
                                           ch->uuid);
                if (!object)
                        say_failed(device, index, "it has no such characteristic.");
                else if (write_value(device, action, object->path) >= 0)
                        return; /* and on with the next when it is answered */
        }
}

void action_begin(Device *device) {
        device->work->next_action = 0;
        if (device->profile->vendor)
                write_next(device);
}
