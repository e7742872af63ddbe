/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/bluez.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "autoptr.h"
#include "log.h"

#define BUS "org.freedesktop.DBus"
#define SETTLE_USEC (2 * G_USEC_PER_SEC)
#define ASK_AGAIN_USEC (G_USEC_PER_SEC)
#define ASK_AGAIN_DOUBLINGS 5u          /* 1 → 32 s */
#define FROM_BLUEZ "type='signal',sender='org.bluez',"
#define CHANGED FROM_BLUEZ "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'," \
                           "path_namespace='/org/bluez',arg0="

struct Bluez {
        sd_bus *bus;
        BluezObserver observer;
        void *userdata;
        Objects *objects;
        Calls calls;            /* of this generation */
        CallsDenied denied;
        sd_bus_slot *slots[7];  /* the six match rules, and the local one for the end of the connection */
        char *owner;            /* unique name, NULL: no bluetoothd */
        unsigned generation;
        bool synced;            /* the objects of this owner are known */
        unsigned refusals;      /* to tell its objects, since it last did */
        sd_event_source *ask_again;
};

static void get_managed_objects(Bluez *bluez, const char *destination);

static void owner_lost(Bluez *bluez) {
        calls_clear(&bluez->calls);
        bluez->ask_again = sd_event_source_disable_unref(bluez->ask_again);
        bluez->refusals = 0;
        g_clear_pointer(&bluez->owner, g_free);
        bluez->synced = false;
        bluez->denied.member = NULL;
        objects_clear(bluez->objects);
        bluez->observer.gone(bluez->userdata);
}

static void owner_found(Bluez *bluez, const char *owner) {
        bluez->owner = g_strdup(owner);
        bluez->generation++;
        log_debug("org.bluez is %s, generation %u", owner, bluez->generation);
}

/* Accepted from the bus driver alone: anybody may send a signal of this name to us. */
static int on_name_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Bluez *bluez = userdata;
        const char *name, *old_owner, *new_owner;

        if (g_strcmp0(sd_bus_message_get_sender(m), BUS) != 0)
                return 0;
        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0 ||
            !g_str_equal(name, "org.bluez"))
                return 0;
        if (g_strcmp0(bluez->owner, new_owner) == 0)
                return 0;

        if (bluez->owner || bluez->synced)
                owner_lost(bluez);
        if (*new_owner) {
                calls_clear(&bluez->calls);
                owner_found(bluez, new_owner);
                get_managed_objects(bluez, new_owner);
        }

        return 0;
}

/* What was signalled before the answer to GetManagedObjects is part of that answer; so signals count only
 * after it. */
static bool accept_signal(const Bluez *bluez, sd_bus_message *m) {
        return bluez->synced && bluez_is_sender(bluez, m);
}

static int on_object_manager(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Bluez *bluez = userdata;
        const char *path;
        Object *object;
        int r;

        if (!accept_signal(bluez, m))
                return 0;

        if (sd_bus_message_is_signal(m, NULL, "InterfacesAdded") > 0) {
                r = objects_add(bluez->objects, m, &object);
                if (r > 0)
                        bluez->observer.added(object, (unsigned) r, bluez->userdata);
        } else if (sd_bus_message_is_signal(m, NULL, "InterfacesRemoved") > 0) {
                r = objects_remove(bluez->objects, m, &path);
                if (r > 0)
                        bluez->observer.removed(path, (unsigned) r, bluez->userdata);
        }

        return 0;
}

/* An adapter of which we have not heard: without it nothing goes on, and there are few. */
static bool is_of_adapter(sd_bus_message *m) {
        const char *interface;

        return sd_bus_message_rewind(m, true) >= 0 && sd_bus_message_read(m, "s", &interface) > 0 &&
               g_str_equal(interface, "org.bluez.Adapter1");
}

static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Bluez *bluez = userdata;
        ObjectValue value;
        Object *object;
        int r;

        if (!accept_signal(bluez, m))
                return 0;

        r = objects_change(bluez->objects, m, &object, &value);
        if (r == 0 && is_of_adapter(m) && !objects_get(bluez->objects, sd_bus_message_get_path(m)))
                bluez_refresh(bluez);
        if (r <= 0)
                return 0;

        if (value.data)
                bluez->observer.value(object, &value, bluez->userdata);
        else
                bluez->observer.changed(object, (unsigned) r, bluez->userdata);

        return 0;
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Bluez *bluez = userdata;

        bluez->observer.failed(-ECONNRESET, bluez->userdata);
        return 0;
}

static int on_ask_again(sd_event_source *source, uint64_t usec, void *userdata) {
        Bluez *bluez = userdata;

        bluez->ask_again = sd_event_source_disable_unref(bluez->ask_again);
        bluez_refresh(bluez);
        return 0;
}

/* Without its objects nothing can be followed: it is asked until it tells them, ever less often. */
static void ask_again(Bluez *bluez, const char *why) {
        uint64_t delay = ASK_AGAIN_USEC << MIN(bluez->refusals, ASK_AGAIN_DOUBLINGS);
        int r = 0;

        if (bluez->refusals++ == 0)
                log_warning("bluetoothd does not tell its objects, and is asked again: %s", why);
        if (!bluez->ask_again)
                r = sd_event_add_time_relative(sd_bus_get_event(bluez->bus), &bluez->ask_again, CLOCK_BOOTTIME, delay, delay / 10,
                                               on_ask_again, bluez);
        if (r < 0)
                bluez->observer.failed(log_error_errno(r, "Cannot set a timer"), bluez->userdata);
}

static void on_managed_objects(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Bluez *bluez = userdata;

        if (error) {
                if (bluez->owner)
                        ask_again(bluez, error->sentence);
                else
                        bluez->observer.gone(bluez->userdata); /* the answer at the start: nobody is there */
                return;
        }
        if (!bluez_is_sender(bluez, reply))
                return;
        if (objects_replace(bluez->objects, reply) < 0) {
                ask_again(bluez, "its answer is malformed.");
                return;
        }

        bluez->refusals = 0;
        bluez->synced = true;
        bluez->observer.snapshot(bluez->userdata);
}

static void on_name_owner(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Bluez *bluez = userdata;
        const char *owner;

        if (error || bluez->owner || sd_bus_message_read(reply, "s", &owner) < 0)
                return;

        owner_found(bluez, owner);
}

static int new_call(Bluez *bluez, const char *destination, const char *path, const char *interface,
                    const char *member, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_call(bluez->bus, ret, destination, path, interface, member);
        if (r < 0)
                return r;

        /* Whether bluetoothd is started is the administrator's affair (or a deliberate act), never a side
         * effect. */
        return sd_bus_message_set_auto_start(*ret, 0);
}

static void get_managed_objects(Bluez *bluez, const char *destination) {
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = new_call(bluez, destination, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", &m);
        if (r >= 0)
                r = calls_send(&bluez->calls, m, BLUEZ_TIMEOUT_USEC, on_managed_objects, bluez);
        if (r < 0)
                log_error_errno(r, "Cannot ask bluetoothd for its objects");
}

/* Everything that the start needs goes out at once, without waiting for answers in between: the bus keeps
 * the order, so the rules stand before the objects are read. */
static int start(Bluez *bluez) {
        static const struct {
                const char *rule;
                sd_bus_message_handler_t handler;
        } rules[] = {
                { "type='signal',sender='" BUS "',path='/org/freedesktop/DBus',interface='" BUS "',"
                  "member='NameOwnerChanged',arg0='org.bluez'", on_name_owner_changed },
                { FROM_BLUEZ "path='/',interface='org.freedesktop.DBus.ObjectManager'", on_object_manager },
                { CHANGED "'org.bluez.Adapter1'", on_properties_changed },
                { CHANGED "'org.bluez.Device1'", on_properties_changed },
                { CHANGED "'org.bluez.GattCharacteristic1'", on_properties_changed },
                { CHANGED "'org.bluez.Battery1'", on_properties_changed },
                { "type='signal',sender='org.freedesktop.DBus.Local',path='/org/freedesktop/DBus/Local',"
                  "interface='org.freedesktop.DBus.Local',member='Disconnected'", on_disconnected },
        };
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        G_STATIC_ASSERT(G_N_ELEMENTS(rules) == G_N_ELEMENTS(bluez->slots));
        for (size_t i = 0; i < G_N_ELEMENTS(rules); i++) {
                r = sd_bus_add_match_async(bluez->bus, &bluez->slots[i], rules[i].rule, rules[i].handler,
                                           NULL, bluez);
                if (r < 0)
                        return r;
        }

        r = new_call(bluez, BUS, "/org/freedesktop/DBus", BUS, "GetNameOwner", &m);
        if (r >= 0)
                r = sd_bus_message_append(m, "s", "org.bluez");
        if (r >= 0)
                r = calls_send(&bluez->calls, m, BLUEZ_TIMEOUT_USEC, on_name_owner, bluez);
        if (r < 0)
                return r;

        get_managed_objects(bluez, "org.bluez");
        return 0;
}

int bluez_new(sd_event *event, const Profiles *profiles, const BluezObserver *observer, void *userdata,
              Bluez **ret) {
        Bluez *bluez = g_new0(Bluez, 1);
        int r;

        bluez->observer = *observer;
        bluez->userdata = userdata;
        bluez->objects = objects_new(profiles);
        bluez->calls.denied = &bluez->denied;
        objects_set_keeper(bluez->objects, observer->keeps, userdata);

        r = sd_bus_open_system_with_description(&bluez->bus, "needled-bluez");
        /* It outlives the loop: at the end the sockets close first, then the devices are disconnected. */
        if (r >= 0)
                r = sd_bus_set_close_on_exit(bluez->bus, false);
        if (r >= 0)
                r = sd_bus_attach_event(bluez->bus, event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = start(bluez);
        if (r < 0) {
                bluez_free(bluez);
                return r;
        }

        *ret = bluez;
        return 0;
}

Bluez *bluez_free(Bluez *bluez) {
        if (!bluez)
                return NULL;

        calls_clear(&bluez->calls);
        sd_event_source_disable_unref(bluez->ask_again);
        for (size_t i = 0; i < G_N_ELEMENTS(bluez->slots); i++)
                sd_bus_slot_unref(bluez->slots[i]);
        /* Only a connection that is up is flushed: to wait for another could last for ever. */
        if (bluez->bus && sd_bus_is_ready(bluez->bus) > 0)
                sd_bus_flush(bluez->bus);
        sd_bus_close_unref(bluez->bus);
        objects_free(bluez->objects);
        g_free(bluez->owner);
        g_free(bluez);
        return NULL;
}

sd_bus *bluez_bus(Bluez *bluez) {
        return bluez->bus;
}

const Objects *bluez_objects(const Bluez *bluez) {
        return bluez->objects;
}

bool bluez_present(const Bluez *bluez) {
        return bluez->synced;
}

unsigned bluez_generation(const Bluez *bluez) {
        return bluez->generation;
}

const char *bluez_denied(const Bluez *bluez) {
        return bluez->denied.member;
}

bool bluez_is_sender(const Bluez *bluez, sd_bus_message *m) {
        return bluez->owner && g_strcmp0(sd_bus_message_get_sender(m), bluez->owner) == 0;
}

int bluez_message(Bluez *bluez, const char *path, const char *interface, const char *member,
                  sd_bus_message **ret) {
        if (!bluez->synced)
                return -ENODEV;

        log_debug("%s %s", member, path);
        return new_call(bluez, bluez->owner, path, interface, member, ret);
}

int bluez_call(Bluez *bluez, Calls *calls, const char *path, const char *interface, const char *member,
               uint64_t timeout_usec, CallDone done, void *userdata, const char *types, ...) {
        g_autoptr(sd_bus_message) m = NULL;
        va_list args;
        int r;

        r = bluez_message(bluez, path, interface, member, &m);
        if (r < 0)
                return r;

        va_start(args, types);
        r = types ? sd_bus_message_appendv(m, types, args) : 0;
        va_end(args);
        if (r < 0)
                return r;

        calls->denied = &bluez->denied;
        return calls_send(calls, m, timeout_usec, done, userdata);
}

int bluez_write(Bluez *bluez, Calls *calls, const char *path, const uint8_t *data, size_t size, bool command, CallDone done,
                void *userdata) {
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = bluez_message(bluez, path, "org.bluez.GattCharacteristic1", "WriteValue", &m);
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', data, size);
        if (r >= 0)
                r = sd_bus_message_append(m, "a{sv}", 1, "type", "s", command ? "command" : "request");
        if (r < 0)
                return r;

        calls->denied = &bluez->denied;
        return calls_send(calls, m, BLUEZ_TIMEOUT_USEC, done, userdata);
}

/* Nothing is dispatched meanwhile. */
void bluez_settle(Bluez *bluez) {
        g_autoptr(sd_bus_message) m = NULL;
        int r = bluez_message(bluez, "/", "org.freedesktop.DBus.Peer", "Ping", &m);

        if (r >= 0)
                r = sd_bus_call(bluez->bus, m, SETTLE_USEC, NULL, NULL);
        if (r < 0)
                log_debug("bluetoothd does not say that it follows: %s", g_strerror(-r));
}

void bluez_tell(Bluez *bluez, const char *path, const char *interface, const char *member, const char *types,
                ...) {
        g_autoptr(sd_bus_message) m = NULL;
        va_list args;
        int r;

        r = bluez_message(bluez, path, interface, member, &m);
        va_start(args, types);
        if (r >= 0 && types)
                r = sd_bus_message_appendv(m, types, args);
        va_end(args);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(m, 0);
        if (r >= 0)
                r = sd_bus_send(bluez->bus, m, NULL);
        if (r < 0)
                log_debug("%s %s: %s", member, path, g_strerror(-r));
}

void bluez_refresh(Bluez *bluez) {
        if (bluez->owner)
                get_managed_objects(bluez, bluez->owner);
}
