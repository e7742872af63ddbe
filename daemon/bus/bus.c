/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/bus.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/device-object.h"
#include "bus/exporter.h"
#include "bus/gate.h"
#include "bus/history-import.h"
#include "bus/history-read.h"
#include "bus/leaving.h"
#include "bus/plan.h"
#include "bus/private.h"
#include "bus/session-object.h"

#define STALL_DEFAULT_USEC (30 * UINT64_C(1000000))

/* Only libsystemd itself sends from this name, when the connection ends. */
#define LOCAL "org.freedesktop.DBus.Local"
#define DRIVER "org.freedesktop.DBus"

static void fail(Bus *bus, int error, const char *message) {
        if (bus->settings.failed)
                bus->settings.failed(bus, error, message, bus->settings.userdata);
}

static int on_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (g_strcmp0(sd_bus_message_get_sender(m), LOCAL) == 0)
                fail(userdata, -ECONNRESET,
                     "The connection to the system bus was lost; the service manager starts needled again.");

        return 0;
}

/* org.freedesktop.DBus.RequestName: 1 we own it, 2 in the queue, 3 somebody else does, 4 we did already. */
static int on_name(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Bus *bus = userdata;
        uint32_t answer = 0;

        if (sd_bus_message_is_method_error(m, NULL)) {
                fail(bus, -sd_bus_message_get_errno(m),
                     "The bus refused the name " BUS_NAME
                     "; install the bus policy org.needled.conf, and run as the user needled.");
                return 0;
        }
        if (sd_bus_message_read(m, "u", &answer) < 0 || (answer != 1 && answer != 4)) {
                fail(bus, -EEXIST,
                     "The name " BUS_NAME " is taken; another needled runs on this bus: stop it first.");
                return 0;
        }

        announcer_connection(bus->announcer, bus->connection);
        if (!bus->acquired && bus->settings.name_acquired)
                bus->settings.name_acquired(bus, bus->settings.userdata);
        bus->acquired = true;
        return 0;
}

/* Who may own the name may take it over, so that a connection of our own can. Signals from others are not believed. */
static int on_name_lost(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name;

        if (g_strcmp0(sd_bus_message_get_sender(m), DRIVER) == 0 && sd_bus_message_read(m, "s", &name) >= 0 &&
            g_str_equal(name, BUS_NAME))
                fail(userdata, -EEXIST, "The name " BUS_NAME " was taken over by another needled; stop one of them.");

        return 0;
}

static void on_caller_identified(Caller *caller, void *userdata) {
        gate_identified(userdata, caller);
}

static void on_caller_left(Caller *caller, int error, void *userdata) {
        Bus *bus = userdata;

        gate_left(caller, error);
        calls_left(bus, caller);
        manager_search_unwanted(bus, caller);
}

static const CallersObserver callers_observer = {
        .identified = on_caller_identified,
        .left = on_caller_left,
};

/* As GDestroyNotify. */
static void free_slot(void *slot) {
        sd_bus_slot_unref(slot);
}

static void free_device_object(void *object) {
        device_object_free(object);
}

static void free_session_object(void *object) {
        session_object_free(object);
}

bool bus_is_root(const Bus *bus, uid_t uid) {
        return uid == 0 || uid == bus->settings.daemon_uid;
}

/* libsystemd frees the list with free(), which is what g_malloc() memory is for since GLib 2.46. */
char **bus_paths(GHashTable *objects) {
        char **paths = g_new0(char *, g_hash_table_size(objects) + 1);
        GHashTableIter iter;
        gpointer path;
        size_t n = 0;

        g_hash_table_iter_init(&iter, objects);
        while (g_hash_table_iter_next(&iter, &path, NULL))
                paths[n++] = g_strdup(path);

        return paths;
}

void bus_own_slot(Bus *bus, sd_bus_slot *slot) {
        g_ptr_array_add(bus->slots, slot);
}

int bus_serve(Bus *bus, const char *path, const char *interface, const sd_bus_vtable *vtable, sd_bus_object_find_t find) {
        sd_bus_slot *slot = NULL;
        int r;

        r = find ? sd_bus_add_fallback_vtable(bus->connection, &slot, path, interface, vtable, find, bus)
                 : sd_bus_add_object_vtable(bus->connection, &slot, path, interface, vtable, bus);
        if (r < 0)
                return r;

        bus_own_slot(bus, slot);
        return 0;
}

int bus_serve_nodes(Bus *bus, const char *path, sd_bus_node_enumerator_t enumerate) {
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_add_node_enumerator(bus->connection, &slot, path, enumerate, bus);
        if (r < 0)
                return r;

        bus_own_slot(bus, slot);
        return 0;
}

static int connection_open(Bus *bus) {
        int r;

        r = sd_bus_open_system_with_description(&bus->connection, "api");
        if (r < 0)
                return r;
        r = sd_bus_set_exit_on_disconnect(bus->connection, false);
        if (r < 0)
                return r;
        r = sd_bus_attach_event(bus->connection, bus->event, SD_EVENT_PRIORITY_NORMAL);
        if (r < 0)
                return r;

        r = sd_bus_match_signal_async(bus->connection, &bus->disconnected, LOCAL,
                                      "/org/freedesktop/DBus/Local", LOCAL, "Disconnected",
                                      on_disconnected, NULL, bus);
        if (r < 0)
                return r;

        return sd_bus_match_signal_async(bus->connection, &bus->name_lost, DRIVER, "/org/freedesktop/DBus", DRIVER,
                                         "NameLost", on_name_lost, NULL, bus);
}

static int objects_register(Bus *bus) {
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_add_object_manager(bus->connection, &slot, BUS_ROOT);
        if (r < 0)
                return r;
        bus_own_slot(bus, slot);

        r = gate_register(bus);
        if (r < 0)
                return r;
        r = manager_register(bus);
        if (r < 0)
                return r;
        r = history_register(bus);
        if (r < 0)
                return r;
        r = plan_register(bus);
        if (r < 0)
                return r;
        r = device_objects_register(bus);
        if (r < 0)
                return r;

        return session_objects_register(bus);
}

/* A connection that was given up can still have the name when the next one asks for it: the bus does not notice that it
 * was closed as long as it reads nothing from it. Only who may own the name can take it over. */
static int request_name(Bus *bus) {
        uint64_t flags = SD_BUS_NAME_ALLOW_REPLACEMENT | (bus->acquired ? SD_BUS_NAME_REPLACE_EXISTING : 0);

        return sd_bus_request_name_async(bus->connection, &bus->name, BUS_NAME, flags, on_name, bus);
}

static int start(Bus *bus) {
        int r;

        r = connection_open(bus);
        if (r < 0)
                return r;
        bus->callers = callers_new(bus->connection, &callers_observer, bus);
        bus->authority = authority_new(bus->connection);
        stall_connection(bus->stall, bus->connection);
        r = objects_register(bus);

        if (r < 0 || !bus->wants_name)
                return r;

        r = request_name(bus);
        return MIN(r, 0);
}

/* The connection is closed without flushing: a bus that does not take from us must not hold up the end. What could be
 * written was written when it was sent. */
static void stop(Bus *bus) {
        bus->authority = authority_free(bus->authority);
        bus->callers = callers_free(bus->callers);
        bus->name = sd_bus_slot_unref(bus->name);
        bus->disconnected = sd_bus_slot_unref(bus->disconnected);
        bus->name_lost = sd_bus_slot_unref(bus->name_lost);
        g_ptr_array_set_size(bus->slots, 0);
        if (bus->stall)
                stall_connection(bus->stall, NULL);
        bus->connection = sd_bus_close_unref(bus->connection);
}

/* For every client it is as if it had left the bus. Streams have sockets of their own and go on. */
static void on_stalled(void *userdata) {
        Bus *bus = userdata;
        int r;

        if (bus->settings.stalled)
                bus->settings.stalled(bus, bus->settings.userdata);
        announcer_connection(bus->announcer, NULL);
        callers_leave(bus->callers);
        stop(bus);
        r = start(bus);
        if (r < 0)
                fail(bus, r, "The connection to the system bus cannot be opened again; the service manager starts needled again.");
}

int bus_new(const BusSettings *settings, Bus **ret) {
        Bus *bus = g_new0(Bus, 1);
        const GPtrArray *devices;
        int r;

        bus->settings = *settings;
        bus->event = sd_event_ref(settings->event);
        bus->beat = beat_new(bus->event);
        bus->leaving = g_ptr_array_new_with_free_func(leaving_free);
        bus->slots = g_ptr_array_new_with_free_func(free_slot);
        bus->calls = g_ptr_array_new();
        bus->exports = g_ptr_array_new();
        bus->imports = g_ptr_array_new();
        bus->readings = g_ptr_array_new();
        bus->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_device_object);
        bus->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_session_object);

        r = stall_new(bus->event, settings->stall_usec ?: STALL_DEFAULT_USEC, on_stalled, bus, &bus->stall);
        if (r >= 0)
                r = announcer_new(bus->event, bus->stall, &bus->announcer);
        if (r >= 0)
                r = start(bus);
        if (r < 0) {
                bus_free(bus);
                return r;
        }

        announcer_connection(bus->announcer, bus->connection);
        devices = link_devices(settings->link);
        for (unsigned i = 0; i < devices->len; i++)
                bus_device_added(bus, devices->pdata[i]);

        *ret = bus;
        return 0;
}

int bus_take_name(Bus *bus) {
        int r;

        if (bus->wants_name)
                return 0;

        bus->wants_name = true;
        r = request_name(bus);
        return MIN(r, 0);
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;

        calls_abandon(bus);
        exporter_abandon(bus);
        importer_abandon(bus);
        history_readings_abandon(bus);
        bus->announcer = announcer_free(bus->announcer);
        g_hash_table_unref(bus->sessions);
        g_ptr_array_unref(bus->leaving);
        beat_free(bus->beat);
        g_hash_table_unref(bus->devices);
        g_clear_pointer(&bus->manager.path, g_free);
        stop(bus);
        stall_free(bus->stall);
        g_ptr_array_unref(bus->slots);
        g_ptr_array_unref(bus->calls);
        g_ptr_array_unref(bus->exports);
        g_ptr_array_unref(bus->imports);
        g_ptr_array_unref(bus->readings);
        sd_event_unref(bus->event);
        g_free(bus);
        return NULL;
}

void bus_set_release_time(Bus *bus, uint64_t usec) {
        bus->settings.release_usec = usec;
}
