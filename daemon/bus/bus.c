/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/bus.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/device-object.h"
#include "bus/exporter.h"
#include "bus/history-import.h"
#include "bus/plan.h"
#include "bus/private.h"
#include "bus/session-object.h"

/* Only libsystemd itself sends from this name, when the connection ends. */
#define LOCAL "org.freedesktop.DBus.Local"

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

        if (bus->settings.name_acquired)
                bus->settings.name_acquired(bus, bus->settings.userdata);
        return 0;
}

static void on_caller_identified(Caller *caller, void *userdata) {
        calls_identified(userdata, caller);
}

static void on_caller_left(Caller *caller, int error, void *userdata) {
        Bus *bus = userdata;

        calls_left(bus, caller, error);
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

        return sd_bus_match_signal_async(bus->connection, &bus->disconnected, LOCAL,
                                         "/org/freedesktop/DBus/Local", LOCAL, "Disconnected",
                                         on_disconnected, NULL, bus);
}

static int objects_register(Bus *bus) {
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_add_object_manager(bus->connection, &slot, BUS_ROOT);
        if (r < 0)
                return r;
        bus_own_slot(bus, slot);

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

int bus_new(const BusSettings *settings, Bus **ret) {
        Bus *bus = g_new0(Bus, 1);
        const GPtrArray *devices;
        int r;

        bus->settings = *settings;
        bus->event = sd_event_ref(settings->event);
        bus->slots = g_ptr_array_new_with_free_func(free_slot);
        bus->calls = g_ptr_array_new();
        bus->exports = g_ptr_array_new();
        bus->imports = g_ptr_array_new();
        bus->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_device_object);
        bus->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_session_object);

        r = connection_open(bus);
        if (r < 0)
                goto fail;
        bus->callers = callers_new(bus->connection, &callers_observer, bus);
        bus->authority = authority_new(bus->connection);
        r = announcer_new(bus->connection, bus->event, &bus->announcer);
        if (r < 0)
                goto fail;
        r = objects_register(bus);
        if (r < 0)
                goto fail;
        r = sd_bus_request_name_async(bus->connection, &bus->name, BUS_NAME, 0, on_name, bus);
        if (r < 0)
                goto fail;

        devices = link_devices(settings->link);
        for (unsigned i = 0; i < devices->len; i++)
                bus_device_added(bus, devices->pdata[i]);

        *ret = bus;
        return 0;

fail:
        bus_free(bus);
        return r;
}

sd_bus *bus_connection(Bus *bus) {
        return bus->connection;
}

/* The connection is closed without flushing: a bus that does not take from us must not hold up the end. What
 * could be written was written when it was sent. */
Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;

        calls_abandon(bus);
        exporter_abandon(bus);
        importer_abandon(bus);
        bus->announcer = announcer_free(bus->announcer);
        g_hash_table_unref(bus->sessions);
        g_hash_table_unref(bus->devices);
        g_clear_pointer(&bus->manager.path, g_free);
        authority_free(bus->authority);
        callers_free(bus->callers);
        sd_bus_slot_unref(bus->name);
        sd_bus_slot_unref(bus->disconnected);
        g_ptr_array_unref(bus->slots);
        g_ptr_array_unref(bus->calls);
        g_ptr_array_unref(bus->exports);
        g_ptr_array_unref(bus->imports);
        sd_bus_close_unref(bus->connection);
        sd_event_unref(bus->event);
        g_free(bus);
        return NULL;
}
