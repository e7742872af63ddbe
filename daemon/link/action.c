/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* What a vendor's device is to be told when it is connected, so that it reports: in the order of the profile's
 * file, one at a time, once its notifications flow. One that fails keeps nothing else from going on. */

static void write_next(Device *device);

static void say_failed(Device *device, size_t index, const char *why) {
        uint32_t bit = UINT32_C(1) << (index % 32);

        if (device->work->told_actions & bit)
                return;

        device->work->told_actions |= bit;
        log_device(LOG_WARNING, device_label(device),
                   "%s does not take the action %s of its profile %s: %s", log_name(device_label(device)).text,
                   device->profile->vendor->actions[index].name, device->profile->id, why);
}

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (error)
                say_failed(device, device->work->next_action - 1, error->sentence);
        write_next(device);
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
                else if (bluez_write(device->link->bluez, &device->work->calls, object->path, action->data, action->size,
                                     action->command, on_written, device) >= 0)
                        return; /* and on with the next when it is answered */
        }
}

void action_begin(Device *device) {
        device->work->next_action = 0;
        if (device->profile->vendor)
                write_next(device);
}
