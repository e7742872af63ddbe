/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/link.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "link/private.h"
#include "clock.h"
#include "log.h"

#define CONNECT_LIMIT_USEC (60 * G_USEC_PER_SEC)

static const char *const bluetooth_names[_LINK_BLUETOOTH_MAX] = {
        [LINK_BLUETOOTH_ABSENT] = "absent",
        [LINK_BLUETOOTH_NO_ADAPTER] = "no-adapter",
        [LINK_BLUETOOTH_OFF] = "off",
        [LINK_BLUETOOTH_READY] = "ready",
};

/* The address with '_' for ':', as D-Bus wants it; with a number behind it when another type of address, or
 * the same device on another adapter, has that already. */
static char *new_path(const Link *link, const char *address) {
        g_autofree char *base = g_strdup(address);
        char *path;

        g_strcanon(base, "0123456789ABCDEFabcdef", '_');
        path = g_strdup(base);
        for (unsigned i = 1; link_device_by_path(link, path); i++) {
                g_free(path);
                path = g_strdup_printf("%s_%u", base, i);
        }

        return path;
}

static void device_add(Link *link, Device *device) {
        g_ptr_array_add(link->devices, device);
        link->observer.device_added(device, link->userdata);
}

static void ignore_frame(Device *device, const Frame *frame, void *userdata) {
}

static void restore_profile(Device *device, const Device *remembered) {
        const char *folders = profiles_folders(device->link->settings.profiles);

        if (remembered->profile) {
                (void) device_set_profile(device, remembered->profile);
                if (!remembered->profile->vendor) {
                        device->has_feature = remembered->has_feature;
                        device->feature = remembered->feature;
                }
                return;
        }

        (void) device_set_text(&device->profile_id, remembered->profile_id);
        if (!device_lost_profile(device))
                return;

        log_device(LOG_WARNING, device_label(device),
                   "%s is refused: its profile %s is not loaded; put the file back into %s and restart needled, "
                   "or forget the device",
                   log_name(device_label(device)).text, device->profile_id, *folders ? folders : "profiles.d");
        device->state = DEVICE_REFUSED;
        device->reason = DEVICE_REASON_SERVICES_MISSING;
}

static void on_forgotten(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Operation *operation = userdata;
        Device *device = operation->device;

        /* What it does not know, but has not taken back, it has kept. */
        if (error && (error->error != -ENOENT || link_object(device))) {
                link_complete(device, OPERATION_FORGET, error->error, error->sentence);
                reconnect_rest(device);
                return;
        }

        link_device_remove(device);
}

const char *link_bluetooth_name(LinkBluetooth b) {
        return bluetooth_names[b];
}

int link_new(sd_event *event, const LinkSettings *settings, const LinkObserver *observer, void *userdata,
             Link **ret) {
        Link *link = g_new0(Link, 1);
        int r;

        link->event = sd_event_ref(event);
        link->settings = *settings;
        link->observer = *observer;
        link->userdata = userdata;
        link->devices = g_ptr_array_new();
        link->operations = g_ptr_array_new();
        link->by_object = g_hash_table_new(g_str_hash, g_str_equal);

        r = bluez_new(event, settings->profiles, &watch_observer, link, &link->bluez);
        if (r < 0) {
                link_free(link);
                return r;
        }

        link->agent = agent_new(link);
        link->auto_connect = auto_connect_new(link);
        link->search = search_new(link);
        link->activate = activate_new(link);
        *ret = link;
        return 0;
}

void link_configure(Link *link, bool allow_broadcast, const DeviceParameters *parameters) {
        link->settings.allow_broadcast = allow_broadcast;
        link->settings.parameters = *parameters;
}

/* Frames are nobody's any more: who followed them is on his way out too. What waits for an answer still gets one.
 * The sockets are closed before the bus, since bluetoothd 5.66 reads freed memory and crashes when it meets their
 * ends in the other order; it meets them in any order when both have come in one turn of its loop, so that an answer
 * comes in between. */
Link *link_free(Link *link) {
        if (!link)
                return NULL;

        link->observer.device_frame = ignore_frame;
        for (guint i = 0; i < link->operations->len; i++)
                operation_free(link->operations->pdata[i]);
        g_ptr_array_unref(link->operations);
        /* Before the devices, or bluetoothd connects again at once what is disconnected here. */
        auto_connect_free(link->auto_connect);

        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                notify_close(device);
                if (device->work->adoption)
                        adopt_undo(device);
                else if (device->work->object && device->work->opened && device->work->connected)
                        bluez_tell(link->bluez, device->work->object, "org.bluez.Device1", "Disconnect",
                                   NULL);
                device_free(device);
        }
        if (link->bluez)
                bluez_settle(link->bluez);

        activate_free(link->activate);
        search_free(link->search);
        agent_free(link->agent);
        bluez_free(link->bluez);
        g_ptr_array_unref(link->devices);
        g_hash_table_unref(link->by_object);
        sd_event_source_disable_unref(link->sleep_timer);
        sd_event_unref(link->event);
        g_free(link);
        return NULL;
}

sd_bus *link_connection(Link *link) {
        return bluez_bus(link->bluez);
}

Device *link_restore(Link *link, const Device *remembered) {
        g_autofree char *path = remembered->path && !link_device_by_path(link, remembered->path)
                                ? g_strdup(remembered->path)
                                : new_path(link, remembered->address);
        Device *device = device_new(link, path, remembered->address, remembered->address_type,
                                    remembered->adapter ? remembered->adapter : "");

        (void) device_set_text(&device->name, remembered->name);
        (void) device_set_text(&device->alias, remembered->alias);
        (void) device_set_text(&device->manufacturer, remembered->manufacturer);
        (void) device_set_text(&device->model, remembered->model);
        (void) device_set_text(&device->serial, remembered->serial);
        (void) device_set_text(&device->firmware, remembered->firmware);
        device->owner = remembered->owner;
        device->adopted = true;
        device->bonded = remembered->bonded;
        device->auto_connect = remembered->auto_connect;
        device->allow_unbonded = remembered->allow_unbonded;
        device->adopted_realtime_usec = remembered->adopted_realtime_usec;
        device->stored = remembered->stored;
        device->state = device->auto_connect ? DEVICE_WAITING : DEVICE_KNOWN;
        device->reason = device->auto_connect ? DEVICE_REASON_NO_BLUETOOTHD : DEVICE_REASON_NONE;
        restore_profile(device, remembered);
        device->released = remembered->released;
        device->released_until_usec = remembered->released_until_usec;
        release_restore(device);

        device_add(link, device);
        if (device->released != remembered->released || device->released_until_usec != remembered->released_until_usec)
                device_changed(device, DEVICE_CHANGED_IDENTITY);
        if (bluez_present(link->bluez))
                watch_observer.snapshot(link);
        return device;
}

void link_start(Link *link) {
        link->started = true;
        if (bluez_present(link->bluez))
                watch_observer.snapshot(link);
}

LinkBluetooth link_bluetooth(const Link *link) {
        return link->bluetooth;
}

bool link_searching(const Link *link) {
        return search_running(link->search);
}

const GPtrArray *link_devices(const Link *link) {
        return link->devices;
}

Device *link_device_by_path(const Link *link, const char *path) {
        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (g_str_equal(device->path, path))
                        return device;
        }

        return NULL;
}

int link_search(Link *link, uint64_t duration_usec) {
        return suspend_holds(link) ? -ENODEV : search_start(link->search, duration_usec);
}

void link_search_stop(Link *link) {
        search_stop(link->search);
}

void link_forget(Link *link, Device *device, LinkDone done, void *userdata) {
        Operation *operation = operation_new(device, OPERATION_FORGET, done, userdata);
        Object *object = link_object(device), *adapter = link_adapter(device);

        if (device->work->step == STEP_FORGET) {
                operation_answer_later(operation, -EBUSY, "The device is being forgotten already.");
                return;
        }
        if (!bluez_present(link->bluez)) {
                operation_answer_later(operation, -ENODEV,
                                       "bluetoothd does not run, and it keeps the bond: start it "
                                       "(systemctl start bluetooth), and forget the device again.");
                return;
        }

        if (device->work->adoption)
                adopt_fail(device, -ECANCELED, DEVICE_REASON_NONE, "The device is being forgotten.");
        calls_clear(&device->work->calls);
        notify_close(device);
        link_complete(device, OPERATION_CONNECT, -ECANCELED, "The device is being forgotten.");
        device_enter(device, device->state, device->reason, STEP_FORGET, 0);
        if (!object || !adapter ||
            bluez_call(link->bluez, &operation->calls, adapter->path, "org.bluez.Adapter1", "RemoveDevice",
                       BLUEZ_TIMEOUT_USEC, on_forgotten, operation, "o", object->path) < 0)
                operation_answer_later(operation, 0, NULL);
}

void link_connect(Link *link, Device *device, LinkDone done, void *userdata) {
        Operation *operation = operation_new(device, OPERATION_CONNECT, done, userdata);

        if (!device->adopted) {
                operation_answer_later(operation, -EOPNOTSUPP, "The device is not adopted: adopt it first.");
                return;
        }
        if (device_lost_profile(device)) {
                operation_answer_later(operation, -EOPNOTSUPP,
                                       "The profile that the device was adopted with is not loaded: put its file back and "
                                       "restart needled, or forget the device.");
                return;
        }
        release_end(device);
        if (device->state == DEVICE_READY || device->state == DEVICE_STREAMING ||
            device->state == DEVICE_SYNCING) {
                operation_answer_later(operation, 0, NULL);
                return;
        }
        if (link->sleep == LINK_ASLEEP || link->bluetooth != LINK_BLUETOOTH_READY) {
                operation_answer_later(operation, -ENODEV,
                                       link->sleep == LINK_ASLEEP
                                       ? "The computer is going to sleep: connect the device when it is awake again."
                                       : "The Bluetooth adapter is not ready: plug it in and switch it on.");
                if (device->state == DEVICE_RELEASED)
                        reconnect_rest(device);
                return;
        }

        operation_limit(operation, CONNECT_LIMIT_USEC);
        if (suspend_holds(link)) {
                if (device->state == DEVICE_RELEASED)
                        reconnect_rest(device);
                return; /* reconnect_woken() takes it up */
        }
        if (device->work->connected && device->work->step == STEP_NONE)
                setup_begin(device);
        else if (device->work->step == STEP_NONE || device->work->step == STEP_BACKOFF)
                reconnect_now(device);
}

void link_cancel(Link *link, void *userdata) {
        for (guint i = link->operations->len; i > 0; i--) {
                Operation *operation = i <= link->operations->len ? link->operations->pdata[i - 1] : NULL;

                if (!operation || operation->userdata != userdata)
                        continue;
                operation->done = NULL;
                switch (operation->kind) {
                case OPERATION_ADOPT:
                        if (operation->device->work->adoption &&
                            operation->device->work->adoption->operation == operation)
                                adopt_fail(operation->device, -ECANCELED, DEVICE_REASON_NONE, "Cancelled.");
                        break;
                case OPERATION_CONNECT:
                case OPERATION_RELEASE:
                        operation_complete(operation, -ECANCELED, NULL);
                        break;
                case OPERATION_FORGET:
                        break; /* what was begun is done */
                }
        }
}

void link_timer(Link *link, sd_event_source **source, uint64_t delay_usec, sd_event_time_handler_t handler,
                void *userdata) {
        /* A tenth is exact enough for any wait of ours, and lets the kernel gather wakeups. */
        uint64_t accuracy = CLAMP(delay_usec / 10, 1000, (uint64_t) G_USEC_PER_SEC);
        uint64_t at = clock_usec(CLOCK_BOOTTIME) + delay_usec;
        int r = 0;

        if (!*source)
                r = sd_event_add_time(link->event, source, CLOCK_BOOTTIME, at, accuracy, handler, userdata);
        else {
                r = sd_event_source_set_time(*source, at);
                if (r >= 0)
                        r = sd_event_source_set_time_accuracy(*source, accuracy);
                if (r >= 0)
                        r = sd_event_source_set_enabled(*source, SD_EVENT_ONESHOT);
        }
        /* Without its time limit a wait could last for ever: then it is better to be started anew. */
        if (r < 0)
                link->observer.failed(link, log_error_errno(r, "Cannot set a timer"), link->userdata);
}

Object *link_object(const Device *device) {
        return objects_get(bluez_objects(device->link->bluez), device->work->object);
}

typedef struct WantedAdapter {
        const char *address;    /* "": any, a powered one rather */
        Object *found;
} WantedAdapter;

static void visit_adapter_of(Object *object, void *userdata) {
        WantedAdapter *wanted = userdata;

        if (!*wanted->address ? !wanted->found || object->powered
                              : g_strcmp0(object->address, wanted->address) == 0)
                wanted->found = object;
}

Object *link_adapter(const Device *device) {
        const Objects *objects = bluez_objects(device->link->bluez);
        Object *object = link_object(device);
        WantedAdapter wanted = { .address = device->adapter };

        if (object)
                return objects_get(objects, object->parent);

        objects_foreach(objects, OBJECT_ADAPTER, visit_adapter_of, &wanted);
        return wanted.found;
}

int link_call_device(Device *device, const char *interface, const char *member, uint64_t timeout_usec,
                     CallDone done) {
        if (!device->work->object)
                return -ENOENT;

        return bluez_call(device->link->bluez, &device->work->calls, device->work->object, interface, member,
                          timeout_usec, done, device, NULL);
}

Device *link_device_add(Link *link, Object *object) {
        Object *adapter = objects_get(bluez_objects(link->bluez), object->parent);
        g_autofree char *path = new_path(link, object->address);
        Device *device = device_new(link, path, object->address,
                                    object->address_type ? object->address_type : "public",
                                    adapter && adapter->address ? adapter->address : "");

        if (object->profile)
                (void) device_set_profile(device, object->profile);
        device->rssi = object->rssi == OBJECT_RSSI_UNKNOWN ? 0 : object->rssi;
        device->bonded = object->has_bonded ? object->bonded : object->paired;
        if (object->name) {
                g_free(device->name);
                device->name = device_text(object->name, strlen(object->name));
        }
        device->work->object = g_strdup(object->path);
        device->work->connected = object->connected;
        g_hash_table_insert(link->by_object, device->work->object, device);
        device_add(link, device);
        return device;
}

void link_device_remove(Device *device) {
        Link *link = device->link;

        calls_clear(&device->work->calls);
        notify_close(device);
        agent_end(link->agent, device);
        if (device->work->object)
                g_hash_table_remove(link->by_object, device->work->object);
        g_ptr_array_remove(link->devices, device);
        link->observer.device_removed(device, link->userdata);
        auto_connect_update(link->auto_connect);
        link_complete(device, OPERATION_FORGET, 0, NULL);
        link_complete(device, OPERATION_CONNECT, -ENOENT, "The device was forgotten.");
        link_complete(device, OPERATION_RELEASE, 0, NULL);
        link_complete(device, OPERATION_ADOPT, -ENOENT, "The device was forgotten.");
        device_free(device);
}
