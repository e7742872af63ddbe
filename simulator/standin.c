/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin.h"

#define RESTART_USEC 800000u            /* systemctl restart bluetooth */

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

        adapter_client_gone(&s->adapter, name);
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
        if (bus)
                (void) sd_bus_set_exit_on_disconnect(bus, false);
        sd_bus_flush_close_unref(bus);
}

static int on_restart(sd_event_source *source, uint64_t usec, void *userdata) {
        Standin *s = userdata;
        int r;

        s->restart = sd_event_source_disable_unref(s->restart);
        if ((r = standin_open(s)) < 0) {
                fprintf(stderr, "needlesim: cannot come back to the bus: %s\n", strerror(-r));
                return sd_event_exit(s->event, EXIT_FAILURE);
        }

        adapter_plug(&s->adapter);
        return 0;
}

/* As "systemctl restart bluetooth", or as "kill -9" where nothing but the name's owner is heard of it. */
static void standin_restart(Standin *s, bool crash) {
        sd_bus *bus = s->bus;

        if (crash)
                s->bus = NULL; /* nothing is said any more */
        adapter_unplug(&s->adapter);
        clients_drop(s);
        g_ptr_array_set_size(s->calls, 0);
        s->bus = bus;
        standin_close(s);
        standin_timer(s, &s->restart, standin_timeout(s, RESTART_USEC), on_restart, s);
}

static int control_adapter(Standin *s, const char *argument) {
        Adapter *a = &s->adapter;

        if (g_strcmp0(argument, "off") == 0)
                adapter_set_powered(a, false);
        else if (g_strcmp0(argument, "on") == 0)
                adapter_set_powered(a, true);
        else if (g_strcmp0(argument, "remove") == 0)
                adapter_unplug(a);
        else if (g_strcmp0(argument, "add") == 0)
                adapter_plug(a);
        else
                return -EINVAL;

        return 0;
}

/* With a reason as on the air: the client hears none of BlueZ 5.66. */
static int control_drop(Device *d, const char *argument) {
        uint64_t reason;

        if (argument && !g_ascii_string_to_unsigned(argument, 16, 1, 0xff, &reason, NULL))
                return -EINVAL;
        if (!device_connected(d))
                return -ENOTCONN;

        device_link_down(d);
        return 0;
}

static int standin_control(Carrier *carrier, unsigned device, const char *word, const char *argument) {
        Standin *s = (Standin *) carrier;
        Device *d = s->devices + device;

        if (!s->bus) /* between two owners */
                return -EBUSY;

        if (g_str_equal(word, "drop"))
                return control_drop(d, argument);
        if (g_str_equal(word, "passkey") || g_str_equal(word, "confirm"))
                return pairing_control(d, word, argument);
        if (g_str_equal(word, "adapter"))
                return control_adapter(s, argument);
        if (g_str_equal(word, "advertise")) {
                if (g_strcmp0(argument, "on") != 0 && g_strcmp0(argument, "off") != 0)
                        return -EINVAL;
                device_set_advertising(d, g_str_equal(argument, "on"));
                return 0;
        }
        if (g_str_equal(word, "restart")) {
                if (argument && !g_str_equal(argument, "crash"))
                        return -EINVAL;
                standin_restart(s, argument);
                return 0;
        }

        return -ENOENT;
}

static Peripheral *standin_peripheral(Carrier *carrier, unsigned device) {
        return ((Standin *) carrier)->devices[device].peripheral;
}

static Carrier *standin_free(Carrier *carrier) {
        Standin *s = (Standin *) carrier;

        if (!s)
                return NULL;

        s->restart = sd_event_source_disable_unref(s->restart);
        if (s->bus) { /* else between two owners: nothing is left to be taken back */
                adapter_unplug(&s->adapter);
                clients_drop(s);
        }
        for (unsigned i = 0; i < s->n_devices; i++)
                device_done(s->devices + i);
        g_ptr_array_unref(s->calls);
        standin_close(s);
        clients_done(s);
        adapter_done(&s->adapter);
        g_hash_table_unref(s->by_path);
        g_ptr_array_unref(s->objects);
        g_free(s->devices);
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
        .peripheral = standin_peripheral,
};

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
                .pairing = options->pairing,
                .mtu = (uint16_t) (options->mtu ?: 247),
                .objects = g_ptr_array_new_with_free_func((GDestroyNotify) object_free),
                .by_path = g_hash_table_new(g_str_hash, g_str_equal),
                .calls = g_ptr_array_new_with_free_func((GDestroyNotify) call_free),
                .devices = g_new0(Device, options->n_devices),
                .n_devices = options->n_devices,
        };
        adapter_init(&s->adapter, s);
        clients_init(s);
        for (unsigned i = 0; i < s->n_devices; i++) {
                g_autofree char *made_up = g_strdup_printf("C0:FF:EE:12:34:%02X", 0x56 + i);

                device_init(s->devices + i, s, options->configs + i,
                            options->addresses && options->addresses[i] ? options->addresses[i] : made_up);
        }
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
        adapter_plug(&s->adapter);

        *ret = &s->carrier;
        return 0;
}
