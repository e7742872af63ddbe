/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"
#include "log.h"

/* What bluetoothd tells, and what it means for our devices. A device is identified by the address of its
 * adapter, its address and its address type; object paths are only where it is just now. */

static void update_bluetooth(Link *link);

static bool is_object_of(const Device *device, const Object *object, const Object *adapter) {
        if (g_strcmp0(device->address, object->address) != 0 ||
            g_strcmp0(device->address_type, object->address_type) != 0)
                return false;

        return !*device->adapter || (adapter && g_strcmp0(device->adapter, adapter->address) == 0);
}

static void visit_to_bind(Object *object, void *userdata) {
        Link *link = userdata;
        Object *adapter = objects_get(bluez_objects(link->bluez), object->parent);

        if (g_hash_table_contains(link->by_object, object->path))
                return;

        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (!device->work->object && is_object_of(device, object, adapter)) {
                        watch_bind(device, object->path);
                        return;
                }
        }
}

/* Facts that bluetoothd knows: name, address (a resolved one after bonding), bond, signal, battery. */
static void take_facts(Device *device, Object *object) {
        const Object *adapter = link_adapter(device);
        bool bonded = object->has_bonded ? object->bonded : object->paired;
        bool bonds = bonded && !device->bonded;
        unsigned changed = 0;

        if (object->name) {
                g_autofree char *name = device_text(object->name, strlen(object->name));

                changed |= device_set_text(&device->name, name) ? DEVICE_CHANGED_IDENTITY : 0;
        }
        if (object->address && device_set_text(&device->address, object->address))
                changed |= DEVICE_CHANGED_IDENTITY;
        if (object->address_type && device_set_text(&device->address_type, object->address_type))
                changed |= DEVICE_CHANGED_IDENTITY;
        if (adapter && adapter->address && device_set_text(&device->adapter, adapter->address))
                changed |= DEVICE_CHANGED_IDENTITY;
        /* It only rises here: after a restart bluetoothd says Paired only when the device is connected
         * again. */
        if (bonds) {
                device->bonded = true;
                changed |= DEVICE_CHANGED_IDENTITY;
        }
        if (!device->profile && !device_lost_profile(device) && object->profile)
                changed |= device_set_profile(device, object->profile) ? DEVICE_CHANGED_IDENTITY : 0;
        if (object->has_rssi && object->rssi != OBJECT_RSSI_UNKNOWN && device->rssi != object->rssi) {
                device->rssi = object->rssi;
                changed |= DEVICE_CHANGED_RSSI;
        }
        if ((object->interfaces & OBJECT_BATTERY) && object->battery <= 100 &&
            device->battery != object->battery) {
                device->battery = object->battery;
                changed |= DEVICE_CHANGED_BATTERY;
        }

        if (changed)
                device_changed(device, changed);
        if (device->adopted && bonds)
                auto_connect_update(device->link->auto_connect);
}

/* Connected has risen: by our Connect(), by bluetoothd's accept list or by somebody else's hand. */
static void on_rise(Device *device) {
        bool kept_away = device->released || device->trouble != DEVICE_REASON_NONE;

        device->work->must_ask = false;
        if ((!device->adopted && !device->work->adoption) || device_lost_profile(device) || suspend_holds(device->link))
                return;
        if (kept_away && (device->work->step == STEP_NONE || device->work->step == STEP_DISCONNECT)) {
                if (device->work->step == STEP_DISCONNECT)
                        reconnect_disconnect(device); /* it came just then */
                else
                        trust_let_go(device);
                return;
        }

        switch (device->work->step) {
        case STEP_NONE:
        case STEP_BACKOFF:
        case STEP_SEARCH:
        case STEP_CONNECT:
        case STEP_MISSING:
                setup_begin(device);
                break;
        case STEP_REMOVE:
        case STEP_DISCONNECT:
        case STEP_RESOLVE:
        case STEP_OBJECTS:
        case STEP_REFRESH:
        case STEP_PAIR:
        case STEP_READ:
        case STEP_ACQUIRE:
        case STEP_HELD:
        case STEP_FORGET:
        case _STEP_MAX:
                break;
        }
}

static void on_fall(Device *device) {
        DeviceReason why = trouble_fall(device);

        if (why == DEVICE_REASON_KEY_MISSING)
                return; /* it is kept away from now on */

        switch (device->work->step) {
        case STEP_NONE:
        case STEP_BACKOFF:
        case STEP_DISCONNECT:
        case STEP_RESOLVE:
        case STEP_OBJECTS:
        case STEP_REFRESH:
        case STEP_READ:
        case STEP_ACQUIRE:
        case STEP_HELD:
                if (device->adopted || device->work->adoption)
                        reconnect_lost(device, why);
                break;
        case STEP_SEARCH:
        case STEP_CONNECT: /* the answer to Connect() says more */
        case STEP_PAIR:    /* likewise to Pair(), which drops the link when it fails */
        case STEP_FORGET:
        case STEP_REMOVE:
        case STEP_MISSING:
        case _STEP_MAX:
                break;
        }
}

static void reconsider_all(Link *link) {
        if (!link->started)
                return;

        for (guint i = 0; i < link->devices->len; i++)
                reconnect_reconsider(link->devices->pdata[i]);
}

void watch_bind(Device *device, const char *object) {
        if (g_strcmp0(device->work->object, object) == 0)
                return;

        if (device->work->object)
                g_hash_table_remove(device->link->by_object, device->work->object);
        g_free(device->work->object);
        device->work->object = g_strdup(object);
        device->work->trust_checked = device->work->was_bonded = false;
        if (object)
                g_hash_table_insert(device->link->by_object, device->work->object, device);
}

/* Paired is not shown by every life of bluetoothd from its beginning: only what falls has been lost. */
static bool lost_bond(Device *device, const Object *object) {
        bool bonded = object && (object->bonded || object->paired), was = device->work->was_bonded;

        device->work->was_bonded = bonded;
        return was && object && !bonded && device->adopted && device->bonded;
}

bool watch_find(Device *device) {
        objects_foreach(bluez_objects(device->link->bluez), OBJECT_DEVICE, visit_to_bind, device->link);
        return link_object(device);
}

void watch_missing(Device *device) {
        if (watch_find(device)) /* it has got another path: a private address that was resolved meanwhile */
                watch_device(device);
        else if (!link_adapter(device))
                reconnect_rest(device);
        else
                trouble_bond_lost(device);
}

void watch_device(Device *device) {
        Object *object = link_object(device);
        bool connected = object && object->connected, was = device->work->connected;

        if (object)
                take_facts(device, object);
        if (!device->link->started)
                return;
        if (object && device->adopted && device->bonded && !device->work->trust_checked && !device->work->adoption)
                trust_update(device);

        if (object && connected && (object->interfaces & OBJECT_BATTERY))
                device->work->had_battery = true;
        /* What was heard before it was connected says nothing about where it is when it is lost. */
        if (connected)
                device->work->heard_usec = 0;
        else if (object && object->has_rssi && !was)
                device->work->heard_usec = clock_usec(CLOCK_BOOTTIME);

        /* Disconnect() of BlueZ 5.66 says first that the services have gone, and then in a signal of its own Connected; what is lost falls
         * with both in one. */
        if (connected && was && device->work->resolved && !object->services_resolved)
                device->work->unresolved = true;
        device->work->resolved = connected && object->services_resolved;

        device->work->connected = connected;
        if (lost_bond(device, object)) {
                trouble_bond_lost(device);
                return;
        }
        if (connected && !was) {
                const Object *adapter = link_adapter(device);

                if (!adapter || !adapter->powered) /* what we know of it is not so */
                        bluez_refresh(device->link->bluez);
                device->work->opened = device->link->watched;
                trouble_rise(device);
                on_rise(device);
        } else if (!connected && was)
                on_fall(device);
        else if (object && device->work->step == STEP_SEARCH)
                reconnect_now(device);
        else if (object && device->work->step == STEP_MISSING)
                reconnect_rest(device);

        setup_check(device);
}

static void adapter_changed(Link *link) {
        update_bluetooth(link);
        auto_connect_update(link->auto_connect);
        reconsider_all(link);
}

static void visit_powered(Object *object, void *userdata) {
        LinkBluetooth *bluetooth = userdata;

        *bluetooth = object->powered || *bluetooth == LINK_BLUETOOTH_READY ? LINK_BLUETOOTH_READY
                                                                           : LINK_BLUETOOTH_OFF;
}

static void update_bluetooth(Link *link) {
        LinkBluetooth bluetooth = bluez_present(link->bluez) ? LINK_BLUETOOTH_NO_ADAPTER
                                                             : LINK_BLUETOOTH_ABSENT;
        bool told = link->known;

        if (bluetooth != LINK_BLUETOOTH_ABSENT)
                objects_foreach(bluez_objects(link->bluez), OBJECT_ADAPTER, visit_powered, &bluetooth);

        link->known = true;
        if (link->bluetooth == bluetooth && told)
                return;

        link->bluetooth = bluetooth;
        link->observer.bluetooth_changed(link, link->userdata);
}

static void on_gone(void *userdata) {
        Link *link = userdata;

        update_bluetooth(link);
        search_reset(link->search);
        agent_reset(link->agent);
        auto_connect_reset(link->auto_connect);
        if (!suspend_holds(link))
                activate_begin(link->activate);

        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                watch_bind(device, NULL);
                device->work->connected = device->work->opened = device->work->must_ask = false;
                device->work->connected_usec = device->work->detached_usec = 0;
                device->work->resolved = device->work->unresolved = false;
                calls_clear(&device->work->calls);
                notify_close(device);
                if (device->work->adoption)
                        adopt_fail(device, -ENODEV, DEVICE_REASON_NONE,
                                   "bluetoothd has gone: start it (systemctl start bluetooth).");
                else if (link->started && device->adopted)
                        reconnect_rest(device);
                link_complete(device, OPERATION_FORGET, -ENODEV,
                              "bluetoothd has gone: start it, and forget the device again.");
        }
}

static void on_snapshot(void *userdata) {
        Link *link = userdata;

        activate_end(link->activate);
        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (device->work->object && !link_object(device))
                        watch_bind(device, NULL);
        }
        objects_foreach(bluez_objects(link->bluez), OBJECT_DEVICE, visit_to_bind, link);
        for (guint i = 0; i < link->devices->len; i++)
                watch_device(link->devices->pdata[i]);

        link->watched = link->started;
        adapter_changed(link);
}

static void on_added(Object *object, unsigned interfaces, void *userdata) {
        Link *link = userdata;
        Device *device;

        if (interfaces & OBJECT_DEVICE) {
                visit_to_bind(object, link);
                search_seen(link->search, object);
        }
        if (interfaces & OBJECT_CHAR) {
                g_autofree char *path = objects_device_path(object->path);

                device = path ? g_hash_table_lookup(link->by_object, path) : NULL;
                if (device && link->started) {
                        bool refused = device->state == DEVICE_REFUSED && !device_lost_profile(device) &&
                                       device->reason == DEVICE_REASON_SERVICES_MISSING;

                        if (refused && device->work->connected && device->work->step == STEP_NONE)
                                setup_begin(device); /* they have come after all */
                        else
                                setup_check(device);
                        notify_added(device, object);
                }
        }

        device = g_hash_table_lookup(link->by_object, object->path);
        if (device)
                watch_device(device);
        if (interfaces & (OBJECT_ADAPTER | OBJECT_GATT_MANAGER)) {
                /* Its devices may have been shown before it. */
                objects_foreach(bluez_objects(link->bluez), OBJECT_DEVICE, visit_to_bind, link);
                for (guint i = 0; i < link->devices->len; i++)
                        watch_device(link->devices->pdata[i]);
                adapter_changed(link);
        }
}

static void on_char_removed(Link *link, const char *path) {
        g_autofree char *object = objects_device_path(path);
        Device *device = object ? g_hash_table_lookup(link->by_object, object) : NULL;

        /* With the device, or bluetoothd, they all go: that is its own story. */
        if (!device || !device->work->connected)
                return;
        device->work->socket_ended = false; /* that was why */
        notify_removed(device, path);
}

/* RemoveDevice() has done its work, whatever it answers. An adapter that goes takes its devices along too, but is off before. */
static bool is_forgotten(const Device *device) {
        const Object *adapter = link_adapter(device);

        return device->work->step == STEP_FORGET && link_has_operation(device, OPERATION_FORGET) && adapter && adapter->powered;
}

static void on_removed(const char *path, unsigned interfaces, void *userdata) {
        Link *link = userdata;
        Device *device = g_hash_table_lookup(link->by_object, path);

        if (device && (interfaces & OBJECT_DEVICE)) {
                watch_bind(device, NULL);
                if (is_forgotten(device)) {
                        link_device_remove(device);
                        return;
                }
                watch_device(device);
                if (link->started && device->adopted && !device->work->adoption && device->work->step == STEP_NONE)
                        reconnect_rest(device);
        }
        if (device && (interfaces & OBJECT_BATTERY) && !(interfaces & OBJECT_DEVICE))
                trouble_detached(device);
        if (interfaces & OBJECT_CHAR)
                on_char_removed(link, path);
        if (interfaces & OBJECT_ADAPTER) {
                auto_connect_adapter_removed(link->auto_connect, path);
                adapter_changed(link);
        }
}

static void on_changed(Object *object, unsigned interface, void *userdata) {
        Link *link = userdata;
        Device *device;

        if (interface == OBJECT_ADAPTER) {
                adapter_changed(link);
                return;
        }
        if (interface == OBJECT_CHAR) {
                g_autofree char *path = objects_device_path(object->path);

                device = path ? g_hash_table_lookup(link->by_object, path) : NULL;
                if (device && !object->notifying && !object->notify_acquired)
                        notify_released(device, object);
                return;
        }

        device = g_hash_table_lookup(link->by_object, object->path);
        if (device)
                watch_device(device);
        if (interface == OBJECT_DEVICE)
                search_seen(link->search, object);
}

static void on_value(Object *characteristic, const ObjectValue *value, void *userdata) {
        Link *link = userdata;
        g_autofree char *path = objects_device_path(characteristic->path);
        Device *device = path ? g_hash_table_lookup(link->by_object, path) : NULL;

        if (device)
                notify_value(device, characteristic, value);
}

static void on_failed(int error, void *userdata) {
        Link *link = userdata;

        link->observer.failed(link, error, link->userdata);
}

/* By where it is, or (before it is bound) by who it is. */
static bool on_keeps(const Object *object, void *userdata) {
        const Link *link = userdata;

        if (g_hash_table_contains(link->by_object, object->path))
                return true;
        for (guint i = 0; i < link->devices->len; i++)
                if (g_strcmp0(((Device *) link->devices->pdata[i])->address, object->address) == 0)
                        return true;

        return false;
}

const BluezObserver watch_observer = {
        .gone = on_gone,
        .snapshot = on_snapshot,
        .added = on_added,
        .removed = on_removed,
        .changed = on_changed,
        .value = on_value,
        .failed = on_failed,
        .keeps = on_keeps,
};
