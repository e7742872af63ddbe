/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* Bonded devices come back by themselves: we register a GattProfile1 with a profile's services on every
 * adapter, and bluetoothd puts the devices that have it on the kernel's accept list. No discovery, no
 * polling, no timer of ours while a device is away. bluetoothd reads our object tree before it answers
 * RegisterApplication; a call that waits for the answer would wait for ever. */

#define ROOT_PATH "/org/needled/application"
#define RETRY_USEC (10 * G_USEC_PER_SEC)
#define RETRIES_MAX 6u

typedef struct Registration {
        AutoConnect *owner;     /* weak */
        char *adapter;          /* object path */
        bool failed;
        unsigned tries;
        sd_event_source *timer;
        Calls calls;
} Registration;

struct AutoConnect {
        Link *link;             /* weak: our owner */
        sd_bus_slot *manager_slot;
        GPtrArray *slots;       /* sd_bus_slot*, one a profile */
        GPtrArray *registrations; /* Registration*, one an adapter */
};

static void slot_free(void *p) {
        sd_bus_slot_unref(p);
}

static void registration_free(void *p) {
        Registration *registration = p;

        calls_clear(&registration->calls);
        sd_event_source_disable_unref(registration->timer);
        g_free(registration->adapter);
        g_free(registration);
}

static int property_get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Profile *profile = userdata;

        return sd_bus_message_append_strv(reply, (char **) profile->service_uuids);
}

/* bluetoothd says that it has dropped the profile, as it does when it stops; the new owner of the name is
 * told anew. */
static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable profile_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Release", NULL, NULL, method_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("UUIDs", "as", property_get_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END
};

/* Devices that counted on this adapter's registration see for themselves, or no longer have to. */
static void registration_changed(Registration *registration) {
        Link *link = registration->owner->link;

        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (device->adopted && device->state == DEVICE_WAITING && !device->work->connected &&
                    (device->work->step == STEP_NONE || device->work->step == STEP_BACKOFF))
                        reconnect_rest(device);
        }
}

static void registration_send(Registration *registration);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        registration_send(userdata);
        return 0;
}

static void on_registered(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Registration *registration = userdata;
        bool failed = error && error->error != -EEXIST;

        if (failed && registration->tries == 1)
                log_warning("bluetoothd does not take our registration on %s; devices are connected by "
                            "retrying: %s", registration->adapter, error->sentence);
        if (failed && registration->tries <= RETRIES_MAX)
                link_timer(registration->owner->link, &registration->timer, RETRY_USEC, on_retry,
                           registration);
        if (failed != registration->failed) {
                registration->failed = failed;
                registration_changed(registration);
        }
}

static void registration_send(Registration *registration) {
        registration->tries++;
        (void) bluez_call(registration->owner->link->bluez, &registration->calls, registration->adapter,
                          "org.bluez.GattManager1", "RegisterApplication", BLUEZ_TIMEOUT_USEC, on_registered,
                          registration, "oa{sv}", ROOT_PATH, 0);
}

static Registration *find(const AutoConnect *ac, const char *adapter) {
        for (guint i = 0; i < ac->registrations->len; i++) {
                Registration *registration = ac->registrations->pdata[i];

                if (g_str_equal(registration->adapter, adapter))
                        return registration;
        }

        return NULL;
}

static void visit_adapter(Object *object, void *userdata) {
        AutoConnect *ac = userdata;
        Registration *registration;

        if (!(object->interfaces & OBJECT_ADAPTER) || find(ac, object->path))
                return;

        registration = g_new(Registration, 1);
        *registration = (Registration) { .owner = ac, .adapter = g_strdup(object->path) };
        g_ptr_array_add(ac->registrations, registration);
        registration_send(registration);
}

static bool wanted(const AutoConnect *ac) {
        for (guint i = 0; i < ac->link->devices->len; i++) {
                const Device *device = ac->link->devices->pdata[i];

                if (device->adopted && device->auto_connect && device->bonded)
                        return true;
        }

        return false;
}

static int export_profiles(AutoConnect *ac) {
        sd_bus *bus = bluez_bus(ac->link->bluez);
        const Profile *const *all = profiles_all(ac->link->settings.profiles);
        int r;

        r = sd_bus_add_object_manager(bus, &ac->manager_slot, ROOT_PATH);
        for (unsigned i = 0; r >= 0 && all[i]; i++) {
                g_autofree char *path = g_strdup_printf(ROOT_PATH "/profile%u", i);
                sd_bus_slot *slot;

                if (!*all[i]->service_uuids)
                        continue; /* found by its name or its maker alone */
                r = sd_bus_add_object_vtable(bus, &slot, path, "org.bluez.GattProfile1", profile_vtable,
                                             (void *) all[i]);
                if (r >= 0)
                        g_ptr_array_add(ac->slots, slot);
        }

        return r;
}

static void unregister(AutoConnect *ac) {
        for (guint i = 0; i < ac->registrations->len; i++)
                bluez_tell(ac->link->bluez, ((Registration *) ac->registrations->pdata[i])->adapter,
                           "org.bluez.GattManager1", "UnregisterApplication", "o", ROOT_PATH);
        auto_connect_reset(ac);
}

AutoConnect *auto_connect_new(Link *link) {
        AutoConnect *ac = g_new0(AutoConnect, 1);
        int r;

        ac->link = link;
        ac->slots = g_ptr_array_new_with_free_func(slot_free);
        ac->registrations = g_ptr_array_new_with_free_func(registration_free);
        r = export_profiles(ac);
        if (r < 0)
                log_error_errno(r, "Cannot set up the profile for auto-connection");

        return ac;
}

AutoConnect *auto_connect_free(AutoConnect *ac) {
        if (!ac)
                return NULL;

        unregister(ac);
        g_ptr_array_unref(ac->registrations);
        g_ptr_array_unref(ac->slots);
        sd_bus_slot_unref(ac->manager_slot);
        g_free(ac);
        return NULL;
}

void auto_connect_reset(AutoConnect *ac) {
        g_ptr_array_set_size(ac->registrations, 0);
}

void auto_connect_update(AutoConnect *ac) {
        if (!ac->link->started || !bluez_present(ac->link->bluez))
                return;

        if (wanted(ac)) {
                objects_foreach(bluez_objects(ac->link->bluez), OBJECT_GATT_MANAGER, visit_adapter, ac);
                return;
        }

        unregister(ac);
}

void auto_connect_adapter_removed(AutoConnect *ac, const char *path) {
        Registration *registration = find(ac, path);

        if (registration)
                g_ptr_array_remove(ac->registrations, registration);
}

bool auto_connect_covers(const AutoConnect *ac, const char *adapter_path) {
        const Registration *registration = find(ac, adapter_path);

        return registration && !registration->failed;
}
