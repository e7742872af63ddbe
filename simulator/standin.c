/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin.h"

uint64_t standin_delay(const Standin *s, uint64_t usec) {
        return s->fast ? 0 : usec;
}

uint64_t standin_timeout(const Standin *s, uint64_t usec) {
        return s->fast ? usec / 20 : usec;
}

void standin_timer(Standin *s, sd_event_source **source, uint64_t delay_usec,
                   sd_event_time_handler_t handler, void *userdata) {
        uint64_t now = 0;

        (void) sd_event_now(s->event, CLOCK_BOOTTIME, &now);
        *source = sd_event_source_disable_unref(*source);
        (void) sd_event_add_time(s->event, source, CLOCK_BOOTTIME, now + delay_usec, 1000, handler,
                                 userdata);
}

static int on_name_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Standin *s = userdata;
        const char *name, *before, *now;

        if (sd_bus_message_read(m, "sss", &name, &before, &now) < 0 || name[0] != ':' || *now)
                return 0;

        for (unsigned i = 0; i < s->n_adapters; i++)
                adapter_client_gone(s->adapters + i, name);
        clients_gone(s, name);
        for (unsigned i = 0; i < s->n_devices; i++)
                gatt_client_gone(s->devices + i, name);
        return 0;
}

/* A connection of its own, as the new process has after a restart. -EEXIST: the bus has a bluetoothd
 * already. */
static int standin_open(Standin *s) {
        sd_bus *bus = NULL;
        int r;

        if ((r = sd_bus_new(&bus)) < 0)
                return r;
        if ((r = sd_bus_set_address(bus, s->bus_address)) >= 0 &&
            (r = sd_bus_set_bus_client(bus, true)) >= 0 && (r = sd_bus_negotiate_fds(bus, true)) >= 0 &&
            (r = sd_bus_start(bus)) >= 0 &&
            (r = sd_bus_attach_event(bus, s->event, SD_EVENT_PRIORITY_NORMAL)) >= 0 &&
            (r = sd_bus_set_exit_on_disconnect(bus, true)) >= 0 &&
            (r = sd_bus_add_fallback(bus, &s->slot_objects, "/", bus_on_message, s)) >= 0 &&
            (r = sd_bus_match_signal(bus, &s->slot_names, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                     "org.freedesktop.DBus", "NameOwnerChanged", on_name_owner_changed,
                                     s)) >= 0)
                r = sd_bus_request_name(bus, "org.bluez", 0);
        if (r < 0) {
                s->slot_objects = sd_bus_slot_unref(s->slot_objects);
                s->slot_names = sd_bus_slot_unref(s->slot_names);
                sd_bus_close_unref(bus);
                return r;
        }

        s->bus = bus;
        return 0;
}

static void standin_close(Standin *s) {
        sd_bus *bus = g_steal_pointer(&s->bus);

        s->slot_objects = sd_bus_slot_unref(s->slot_objects);
        s->slot_names = sd_bus_slot_unref(s->slot_names);
        faults_reset(s->faults);
        if (bus)
                (void) sd_bus_set_exit_on_disconnect(bus, false);
        sd_bus_flush_close_unref(bus);
}

static void plug_all(Standin *s) {
        for (unsigned i = 0; i < s->n_adapters; i++)
                adapter_plug(s->adapters + i, s->adapters[i].index);
}

/* Backwards, as bluetoothd lets them go. */
static void unplug_all(Standin *s) {
        for (unsigned i = s->n_adapters; i-- > 0;)
                adapter_unplug(s->adapters + i);
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata) {
        Standin *s = userdata;
        int r;

        s->restart = sd_event_source_disable_unref(s->restart);
        if ((r = standin_start(s)) < 0)
                return sd_event_exit(s->event, EXIT_FAILURE);
        return 0;
}

int standin_start(Standin *s) {
        int r = standin_open(s);

        if (r < 0)
                fprintf(stderr, "needlesim: cannot come back to the bus: %s\n", strerror(-r));
        else
                plug_all(s);
        return r;
}

void standin_stop(Standin *s, bool killed) {
        sd_bus *bus = s->bus;

        if (killed)
                s->bus = NULL; /* nothing is said any more */
        unplug_all(s);
        clients_drop(s);
        g_ptr_array_set_size(s->calls, 0);
        s->bus = bus;
        standin_close(s);
}

void standin_restart(Standin *s, bool killed, uint64_t away_usec) {
        standin_stop(s, killed);
        standin_timer(s, &s->restart, standin_timeout(s, away_usec), on_restart, s);
}

static char *standin_report(Carrier *carrier, const char *word, const char *argument) {
        Standin *s = (Standin *) carrier;

        return g_str_equal(word, "fault") && g_strcmp0(argument, "status") == 0 ? faults_report(s->faults) : NULL;
}

static Peripheral *standin_peripheral(Carrier *carrier, unsigned device) {
        return ((Standin *) carrier)->bodies[device].peripheral;
}

static Carrier *standin_free(Carrier *carrier) {
        Standin *s = (Standin *) carrier;

        if (!s)
                return NULL;

        s->restart = sd_event_source_disable_unref(s->restart);
        if (s->bus) { /* else between two owners: nothing is left to be taken back */
                unplug_all(s);
                clients_drop(s);
        }
        for (unsigned i = 0; i < s->n_devices; i++)
                device_done(s->devices + i);
        for (unsigned i = 0; i < s->n_bodies; i++)
                body_done(s->bodies + i);
        g_ptr_array_unref(s->calls);
        standin_close(s);
        clients_done(s);
        for (unsigned i = 0; i < s->n_adapters; i++)
                adapter_done(s->adapters + i);
        s->faults = faults_free(s->faults);
        g_hash_table_unref(s->by_path);
        g_ptr_array_unref(s->objects);
        g_free(s->devices);
        g_free(s->bodies);
        g_free(s->bus_address);
        g_free(s->state_file);
        sd_event_unref(s->event);
        g_free(s);
        return NULL;
}

/* Never the machine's own bus: a real bluetoothd's clients live there. */
static int choose_bus(const char *target, char **ret) {
        const char *address = target && *target ? target : getenv("DBUS_SYSTEM_BUS_ADDRESS");

        if (!address || !*address || strstr(address, "/run/dbus/system_bus_socket")) {
                fprintf(stderr, "needlesim: the stand-in for bluetoothd needs a bus of its own: start a "
                                "dbus-daemon, and give its "
                                "address as --stand-in=ADDRESS or in DBUS_SYSTEM_BUS_ADDRESS\n");
                return -EINVAL;
        }

        *ret = g_strdup(address);
        return 0;
}

static const CarrierVtable standin_vtable = {
        .free = standin_free,
        .control = standin_control,
        .report = standin_report,
        .peripheral = standin_peripheral,
        .status = standin_status,
};

static void make_devices(Standin *s, const CarrierOptions *options) {
        for (unsigned i = 0; i < s->n_adapters; i++) {
                adapter_init(s->adapters + i, s, i);
                s->adapters[i].index = i;
        }
        for (unsigned i = 0; i < s->n_bodies; i++) {
                g_autofree char *made_up = g_strdup_printf("C0:FF:EE:12:34:%02X", 0x56 + i);

                body_init(s->bodies + i, s, i, options->configs + i,
                          options->addresses && options->addresses[i] ? options->addresses[i] : made_up);
        }
        for (unsigned i = 0; i < s->n_devices; i++)
                device_init(s->devices + i, s->adapters + i / s->n_bodies, s->bodies + i % s->n_bodies);
}

int standin_new(const CarrierOptions *options, Carrier **ret) {
        g_autofree char *bus_address = NULL;
        Standin *s;
        int r;

        if ((r = choose_bus(options->target, &bus_address)) < 0)
                return r;

        s = g_new0(Standin, 1);
        *s = (Standin) {
                .carrier.vtable = &standin_vtable,
                .event = sd_event_ref(options->event),
                .bus_address = g_steal_pointer(&bus_address),
                .state_file = g_strdup(options->state_file),
                .bondable = options->bondable, .fast = options->fast,
                .mtu = (uint16_t) (options->mtu ?: 247),
                .objects = g_ptr_array_new_with_free_func((GDestroyNotify) object_free),
                .by_path = g_hash_table_new(g_str_hash, g_str_equal),
                .calls = g_ptr_array_new_with_free_func((GDestroyNotify) call_free),
                .n_adapters = options->n_adapters ?: 1,
                .bodies = g_new0(Body, options->n_devices),
                .n_bodies = options->n_devices,
                .faults = faults_new(options->event),
        };
        s->n_devices = s->n_adapters * s->n_bodies;
        s->devices = g_new0(Device, s->n_devices);
        clients_init(s);
        make_devices(s, options);
        state_load(s);
        object_add(s, "/", 1u << INTERFACE_OBJECT_MANAGER, s);
        object_add(s, "/org/bluez", 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_AGENT_MANAGER, s);

        if ((r = standin_open(s)) < 0) {
                if (r == -EEXIST)
                        fprintf(stderr, "needlesim: %s has a bluetoothd already\n", s->bus_address);
                else
                        fprintf(stderr, "needlesim: cannot serve org.bluez on %s: %s\n", s->bus_address,
                                strerror(-r));
                standin_free(&s->carrier);
                return r;
        }
        plug_all(s);

        *ret = &s->carrier;
        return 0;
}
