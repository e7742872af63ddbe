/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* Bonded devices come back by themselves: for each profile that such a device has we register a GattProfile1
 * with its services on every adapter, and bluetoothd puts the devices that have one on the kernel's accept
 * list. No discovery, no polling, no timer of ours while a device is away. A profile that nobody here has is
 * not registered: bluetoothd would connect other people's devices, which we do not follow. It reads our
 * object tree before it answers RegisterApplication; a call that waits for the answer would wait for ever. */

#define ROOT_PATH "/org/needled/application"
#define RETRY_USEC (10 * G_USEC_PER_SEC)
#define RETRIES_MAX 6u

typedef struct Application {    /* of one profile */
        AutoConnect *owner;     /* weak */
        const Profile *profile;
        char *path;
        sd_bus_slot *manager_slot, *profile_slot;
        GPtrArray *registrations; /* Registration*, one an adapter */
} Application;

typedef struct Registration {
        Application *owner;     /* weak */
        char *adapter;          /* object path */
        bool failed, taken;
        bool dropped;           /* by bluetoothd, and not told anew yet */
        const char *refusal;    /* static: why it failed; NULL: it did not */
        unsigned tries;
        sd_event_source *timer;
        Calls calls;
} Registration;

struct AutoConnect {
        Link *link;             /* weak: our owner */
        GPtrArray *applications; /* Application* */
};

static void registration_free(void *p) {
        Registration *registration = p;

        calls_clear(&registration->calls);
        sd_event_source_disable_unref(registration->timer);
        g_free(registration->adapter);
        g_free(registration);
}

static void application_free(void *p) {
        Application *application = p;

        g_ptr_array_unref(application->registrations);
        sd_bus_slot_unref(application->profile_slot);
        sd_bus_slot_unref(application->manager_slot);
        g_free(application->path);
        g_free(application);
}

/* Services of the Bluetooth SIG, like the battery's, are everybody's: with them every mouse would be connected. */
static bool takes(const char *uuid) {
        return !(g_str_has_prefix(uuid, "000018") && g_str_has_suffix(uuid, "-0000-1000-8000-00805f9b34fb"));
}

static int property_get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const Application *application = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (const char *const *uuid = application->profile->service_uuids; r >= 0 && *uuid; uuid++)
                if (takes(*uuid))
                        r = sd_bus_message_append(reply, "s", *uuid);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Devices that counted on this adapter's registration see for themselves, or no longer have to. */
static void registration_changed(Registration *registration) {
        Link *link = registration->owner->owner->link;

        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (device->adopted && device->state == DEVICE_WAITING && !device->work->connected &&
                    (device->work->step == STEP_NONE || device->work->step == STEP_BACKOFF))
                        reconnect_rest(device);
        }
}

static void registration_send(Registration *registration);

static void registration_withdraw(const Registration *registration) {
        bluez_tell(registration->owner->owner->link->bluez, registration->adapter, "org.bluez.GattManager1", "UnregisterApplication", "o",
                   registration->owner->path);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        registration_send(userdata);
        return 0;
}

static void on_registered(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Registration *registration = userdata;
        bool failed = error && error->error != -EEXIST;

        if (error && error->error == -EEXIST && registration->tries == 1) { /* whose, and of when? ours anew is sure */
                registration_withdraw(registration);
                registration_send(registration);
                return;
        }
        if (failed && registration->tries == 1)
                log_warning("bluetoothd does not take our registration on %s; devices are connected by "
                            "retrying: %s", registration->adapter, error->sentence);
        if (failed && registration->tries <= RETRIES_MAX && !suspend_holds(registration->owner->owner->link))
                link_timer(registration->owner->owner->link, &registration->timer, RETRY_USEC, on_retry,
                           registration);
        registration->taken = !failed;
        registration->refusal = failed ? error->sentence : NULL;
        if (failed != registration->failed) {
                registration->failed = failed;
                registration_changed(registration);
        }
}

static void registration_send(Registration *registration) {
        registration->tries++;
        registration->dropped = false;
        (void) bluez_call(registration->owner->owner->link->bluez, &registration->calls, registration->adapter,
                          "org.bluez.GattManager1", "RegisterApplication", BLUEZ_TIMEOUT_USEC, on_registered,
                          registration, "oa{sv}", registration->owner->path, 0);
}

/* bluetoothd says that it has dropped the profile: it stops, or an adapter goes, and then the registration goes with it. If it is still
 * there after a while, it is told anew. */
static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const Application *application = userdata;
        Link *link = application->owner->link;

        for (guint i = 0; bluez_is_sender(link->bluez, m) && i < application->registrations->len; i++) {
                Registration *registration = application->registrations->pdata[i];

                registration->tries = 0;
                registration->dropped = true;
                if (!suspend_holds(link))
                        link_timer(link, &registration->timer, RETRY_USEC, on_retry, registration);
        }
        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable profile_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Release", NULL, NULL, method_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("UUIDs", "as", property_get_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END
};

static Application *find_application(const AutoConnect *ac, const Profile *profile) {
        for (guint i = 0; i < ac->applications->len; i++) {
                Application *application = ac->applications->pdata[i];

                if (application->profile == profile)
                        return application;
        }

        return NULL;
}

static Registration *find(const Application *application, const char *adapter) {
        for (guint i = 0; application && i < application->registrations->len; i++) {
                Registration *registration = application->registrations->pdata[i];

                if (g_str_equal(registration->adapter, adapter))
                        return registration;
        }

        return NULL;
}

static void visit_adapter(Object *object, void *userdata) {
        Application *application = userdata;
        Registration *registration;

        if (!(object->interfaces & OBJECT_ADAPTER) || find(application, object->path))
                return;

        registration = g_new(Registration, 1);
        *registration = (Registration) { .owner = application, .adapter = g_strdup(object->path) };
        g_ptr_array_add(application->registrations, registration);
        registration_send(registration);
}

static bool wants(const Device *device, const Profile *profile) {
        return trust_wanted(device) && device->bonded && device->profile == profile;
}

static bool has_service(const Profile *profile) {
        for (const char *const *uuid = profile->service_uuids; *uuid; uuid++)
                if (takes(*uuid))
                        return true;

        return false;
}

static bool wanted(const AutoConnect *ac, const Profile *profile) {
        for (guint i = 0; i < ac->link->devices->len; i++)
                if (wants(ac->link->devices->pdata[i], profile))
                        return true;

        return false;
}

/* Its place among all profiles: the path stays the same while we run. */
static unsigned place_of(const AutoConnect *ac, const Profile *profile) {
        const Profile *const *all = profiles_all(ac->link->settings.profiles);
        unsigned i = 0;

        while (all[i] && all[i] != profile)
                i++;
        return i;
}

static void application_add(AutoConnect *ac, const Profile *profile) {
        sd_bus *bus = bluez_bus(ac->link->bluez);
        Application *application = g_new0(Application, 1);
        g_autofree char *object = NULL;
        int r;

        application->owner = ac;
        application->profile = profile;
        application->path = g_strdup_printf(ROOT_PATH "/profile%u", place_of(ac, profile));
        application->registrations = g_ptr_array_new_with_free_func(registration_free);
        g_ptr_array_add(ac->applications, application);

        object = g_strconcat(application->path, "/services", NULL);
        r = sd_bus_add_object_manager(bus, &application->manager_slot, application->path);
        if (r >= 0)
                r = sd_bus_add_object_vtable(bus, &application->profile_slot, object, "org.bluez.GattProfile1",
                                             profile_vtable, application);
        if (r < 0)
                log_error_errno(r, "Cannot set up the profile for auto-connection");
}

static void unregister(const Application *application) {
        for (guint i = 0; i < application->registrations->len; i++)
                registration_withdraw(application->registrations->pdata[i]);
}

AutoConnect *auto_connect_new(Link *link) {
        AutoConnect *ac = g_new0(AutoConnect, 1);

        ac->link = link;
        ac->applications = g_ptr_array_new_with_free_func(application_free);
        return ac;
}

AutoConnect *auto_connect_free(AutoConnect *ac) {
        if (!ac)
                return NULL;

        for (guint i = 0; i < ac->applications->len; i++)
                unregister(ac->applications->pdata[i]);
        g_ptr_array_unref(ac->applications);
        g_free(ac);
        return NULL;
}

void auto_connect_reset(AutoConnect *ac) {
        for (guint i = 0; i < ac->applications->len; i++)
                g_ptr_array_set_size(((Application *) ac->applications->pdata[i])->registrations, 0);
}

void auto_connect_suspend(AutoConnect *ac, bool asleep) {
        for (guint i = 0; i < ac->applications->len; i++) {
                Application *application = ac->applications->pdata[i];

                for (guint j = 0; j < application->registrations->len; j++) {
                        Registration *registration = application->registrations->pdata[j];

                        if (asleep && registration->timer)
                                (void) sd_event_source_set_enabled(registration->timer, SD_EVENT_OFF);
                        else if (!asleep && (registration->dropped || (registration->failed && registration->tries <= RETRIES_MAX)))
                                registration_send(registration);
                }
        }
}

void auto_connect_update(AutoConnect *ac) {
        if (!ac->link->started || !bluez_present(ac->link->bluez))
                return;

        for (guint i = ac->applications->len; i > 0; i--) {
                Application *application = ac->applications->pdata[i - 1];

                if (!wanted(ac, application->profile)) {
                        unregister(application);
                        g_ptr_array_remove_index(ac->applications, i - 1);
                }
        }
        for (guint i = 0; i < ac->link->devices->len; i++) {
                const Device *device = ac->link->devices->pdata[i];

                if (device->profile && wants(device, device->profile) && has_service(device->profile) &&
                    !find_application(ac, device->profile))
                        application_add(ac, device->profile);
        }
        for (guint i = 0; i < ac->applications->len; i++)
                objects_foreach(bluez_objects(ac->link->bluez), OBJECT_GATT_MANAGER, visit_adapter,
                                ac->applications->pdata[i]);
}

void auto_connect_adapter_removed(AutoConnect *ac, const char *path) {
        for (guint i = 0; i < ac->applications->len; i++) {
                Application *application = ac->applications->pdata[i];
                Registration *registration = find(application, path);

                if (registration)
                        g_ptr_array_remove(application->registrations, registration);
        }
}

bool auto_connect_covers(const AutoConnect *ac, const Device *device) {
        const Object *object = link_object(device), *adapter = link_adapter(device);
        const Registration *registration;
        bool offers = false;

        if (!device->profile || !adapter)
                return false;

        for (const char *const *uuid = device->profile->service_uuids; *uuid; uuid++)
                offers = offers || (takes(*uuid) &&
                                    (!object || !object->services ||
                                     g_strv_contains((const char *const *) object->services->pdata, *uuid)));

        registration = find(find_application(ac, device->profile), adapter->path);
        return offers && registration && !registration->failed;
}

AutoConnectCounts auto_connect_counts(const AutoConnect *ac) {
        AutoConnectCounts counts = {};

        for (guint i = 0; i < ac->applications->len; i++) {
                const Application *application = ac->applications->pdata[i];

                for (guint k = 0; k < application->registrations->len; k++) {
                        const Registration *registration = application->registrations->pdata[k];

                        counts.taken += registration->taken;
                        counts.refused += registration->failed;
                        if (registration->failed)
                                counts.refusal = registration->refusal;
                }
        }

        return counts;
}
