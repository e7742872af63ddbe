/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>
#include <errno.h>
#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "att.h"
#include "autoptr.h"
#include "bluez-server.h"

#define RETRY_USEC G_USEC_PER_SEC
/* A client that reads nothing after it has connected has its kept subscriptions back by then. */
#define CLIENT_SETTLED_USEC (3 * G_USEC_PER_SEC)
#define CONNECTED_MAX 64u
/* bluetoothd 5.66 takes about two seconds to disconnect. */
#define DISCONNECT_MAX_USEC (5 * G_USEC_PER_SEC)

static void say(BluezServer *s, const char *text, const char *detail) {
        (void) fprintf(stderr, "needlesim: %s: %s%s%s\n", s->adapter_path + strlen("/org/bluez/"), text,
                       detail ? ": " : "", detail ?: "");
}

bool bluez_server_own_path(const BluezServer *s, const char *path) {
        return g_str_has_prefix(path, s->adapter_path) && path[strlen(s->adapter_path)] == '/';
}

/* ---- The peripheral's side ---- */

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        BluezServer *s = userdata;

        return s->mute || bluez_server_gatt_notify(s, index, data, size) < 0 ? PERIPHERAL_REFUSED
                                                                             : PERIPHERAL_SENT;
}

static void on_advertisement_changed(void *userdata) {
        /* The state is in the Service Data only, and bluetoothd has no room for these. */
}

static const PeripheralOps peripheral_ops = {
        .notify = on_notify,
        .advertisement_changed = on_advertisement_changed,
};

static void on_pumped(void *userdata) {
        BluezServer *s = userdata;
        uint8_t level = peripheral_battery(s->peripheral);

        if (level == s->battery || s->mute)
                return;
        s->battery = level;
        (void) bluez_server_gatt_notify_battery(s, level);
}

/* ---- The client ---- */

void bluez_server_client_seen(BluezServer *s, const char *path, uint16_t mtu) {
        if (!path || !bluez_server_own_path(s, path))
                return;
        if (!s->client) {
                s->client = g_strdup(path);
                say(s, "connected to", path + strlen(s->adapter_path) + 1);
                bluez_server_advance(s);
        }
        if (mtu >= ATT_MTU_MIN && g_str_equal(s->client, path))
                peripheral_set_value_max(s->peripheral, MIN(mtu, s->mtu_max) - 3u);
}

static void client_gone(BluezServer *s) {
        if (!s->client)
                return;
        say(s, "disconnected", NULL);
        g_free(s->client_before);
        s->client_before = g_steal_pointer(&s->client);
        peripheral_disconnected(s->peripheral);
        peripheral_set_value_max(s->peripheral, ATT_MTU_MIN - 3u);
        bluez_server_advance(s);
}

static void device_connected(BluezServer *s, const char *path, bool connected) {
        if (!connected) {
                (void) g_hash_table_remove(s->connected, path);
                if (s->client && g_str_equal(s->client, path))
                        client_gone(s);
                return;
        }
        if (g_hash_table_size(s->connected) < CONNECTED_MAX)
                (void) g_hash_table_add(s->connected, g_strdup(path));
        /* The client of last time, and bluetoothd has kept its subscriptions: this may be the only word of
         * its return. */
        if (!s->client && s->client_before && g_str_equal(s->client_before, path) &&
            bluez_server_gatt_kept(s)) {
                bluez_server_client_seen(s, path, 0);
                bluez_server_gatt_resubscribe(s, CLIENT_SETTLED_USEC);
        }
}

/* ---- The adapter ---- */

static void adapter_gone(BluezServer *s) {
        s->gatt_present = s->advertising_present = s->adapter_powered = false;
        s->application.call = sd_bus_slot_unref(s->application.call);
        s->application.state = REGISTRATION_NONE;
        bluez_server_advertisement_gone(s);
        g_hash_table_remove_all(s->connected);
        client_gone(s);
        bluez_server_gatt_done(s);
}

static void adapter_powered(BluezServer *s, bool powered) {
        s->adapter_powered = powered;
        if (!powered && !s->said_off)
                say(s, "switched off; waiting for somebody to switch it on (bluetoothctl power on)", NULL);
        s->said_off = !powered;
}

void bluez_server_advance(BluezServer *s) {
        if (!s->owner)
                return;
        if (s->bondable && s->agent.state == REGISTRATION_NONE)
                bluez_server_agent_register(s);
        if (s->gatt_present && s->application.state == REGISTRATION_NONE && !s->without_services)
                bluez_server_gatt_register(s);
        if (s->application.state == REGISTRATION_DONE && s->without_services)
                bluez_server_gatt_unregister(s);
        if (s->advertising_present)
                bluez_server_advertisement_advance(s);
}

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        BluezServer *s = userdata;

        if (s->owner && s->gatt_present && !s->advertising_present)
                say(s, "this adapter cannot advertise (no LE peripheral role): no client will find it",
                    NULL);
        bluez_server_advance(s);
        return 0;
}

static void retry_later(BluezServer *s) {
        (void) sd_event_source_set_time_relative(s->retry, RETRY_USEC);
        (void) sd_event_source_set_enabled(s->retry, SD_EVENT_ONESHOT);
}

bool bluez_server_from_bluez(const BluezServer *s, sd_bus_message *m) {
        return s->owner && g_strcmp0(sd_bus_message_get_sender(m), s->owner) == 0;
}

void bluez_server_register(BluezServer *s, BluezPart *part, const char *object, const char *interface,
                           const char *method, sd_bus_message_handler_t on_reply, const char *types, ...) {
        g_autoptr(sd_bus_message) m = NULL;
        va_list arguments;
        int r = sd_bus_message_new_method_call(s->bus, &m, "org.bluez", object, interface, method);

        va_start(arguments, types);
        if (r >= 0)
                r = sd_bus_message_appendv(m, types, arguments);
        va_end(arguments);
        if (r >= 0)
                r = sd_bus_call_async(s->bus, &part->call, m, on_reply, s, 0);
        if (r >= 0)
                part->state = REGISTRATION_PENDING;
        else
                retry_later(s);
}

bool bluez_server_registered(BluezServer *s, BluezPart *part, sd_bus_message *reply, const char *what) {
        const sd_bus_error *error = sd_bus_message_get_error(reply);

        if (!error) {
                part->complained = false;
                return true;
        }
        part->state = REGISTRATION_NONE;
        if (!part->complained) {
                g_autofree char *text = g_strdup_printf("cannot %s (trying on)", what);

                say(s, text, error->message ?: error->name);
        }
        part->complained = true;
        retry_later(s);
        return false;
}

/* ---- What bluetoothd tells ---- */

/* a{sv} of one interface of one object. */
static int read_properties(BluezServer *s, sd_bus_message *m, const char *path, const char *interface) {
        bool on_adapter = g_str_equal(path, s->adapter_path);
        bool adapter = on_adapter && g_str_equal(interface, "org.bluez.Adapter1");
        bool device = g_str_equal(interface, "org.bluez.Device1") && bluez_server_own_path(s, path);
        const char *wanted = adapter ? "Powered" : device ? "Connected" : NULL;
        int r, value;

        /* These two come with the adapter, but not in one signal. */
        if (on_adapter && g_str_equal(interface, "org.bluez.GattManager1"))
                s->gatt_present = true;
        if (on_adapter && g_str_equal(interface, "org.bluez.LEAdvertisingManager1"))
                s->advertising_present = true;
        if (!wanted)
                return sd_bus_message_skip(m, "a{sv}");
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *name;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        break;
                if (strcmp(name, wanted) == 0) {
                        r = sd_bus_message_read(m, "v", "b", &value);
                        if (r >= 0 && adapter)
                                adapter_powered(s, value);
                        else if (r >= 0)
                                device_connected(s, path, value);
                } else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* oa{sa{sv}} */
static int read_object(BluezServer *s, sd_bus_message *m) {
        const char *path, *interface;
        int r = sd_bus_message_read(m, "o", &path);

        if (r >= 0)
                r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                r = sd_bus_message_read(m, "s", &interface);
                if (r >= 0)
                        r = read_properties(s, m, path, interface);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

static int on_interfaces_added(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        if (bluez_server_from_bluez(s, m) && read_object(s, m) >= 0)
                bluez_server_advance(s);
        return 0;
}

static int on_interfaces_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        const char *path, *interface;

        if (!bluez_server_from_bluez(s, m) || sd_bus_message_read(m, "o", &path) < 0 ||
            sd_bus_message_enter_container(m, 'a', "s") < 0)
                return 0;
        while (sd_bus_message_read(m, "s", &interface) > 0) {
                if (g_str_equal(interface, "org.bluez.Adapter1") && g_str_equal(path, s->adapter_path)) {
                        say(s, "the adapter is gone; waiting for it", NULL);
                        adapter_gone(s);
                } else if (g_str_equal(interface, "org.bluez.Device1"))
                        device_connected(s, path, false);
        }
        return 0;
}

static int on_properties_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        const char *interface;

        if (bluez_server_from_bluez(s, m) && sd_bus_message_read(m, "s", &interface) >= 0 &&
            read_properties(s, m, sd_bus_message_get_path(m), interface) >= 0)
                bluez_server_advance(s);
        return 0;
}

static int on_objects(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        int r;

        s->objects_call = sd_bus_slot_unref(s->objects_call);
        if (sd_bus_message_is_method_error(m, NULL)) {
                say(s, "bluetoothd does not answer; waiting for it", sd_bus_message_get_error(m)->message);
                return 0;
        }
        g_free(s->owner);
        s->owner = g_strdup(sd_bus_message_get_sender(m));
        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = read_object(s, m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        if (!s->gatt_present)
                say(s, "no such adapter yet; waiting for it", NULL);
        else if (!s->advertising_present)
                retry_later(s);
        bluez_server_advance(s);
        return 0;
}

static int ask_objects(BluezServer *s) {
        s->objects_call = sd_bus_slot_unref(s->objects_call);
        return sd_bus_call_method_async(s->bus, &s->objects_call, "org.bluez", "/",
                                        "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                        on_objects, s, NULL);
}

static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        const char *name, *before, *after;

        if (sd_bus_message_read(m, "sss", &name, &before, &after) < 0 ||
            g_strcmp0(sd_bus_message_get_sender(m), "org.freedesktop.DBus") != 0)
                return 0;
        if (s->owner && !g_str_equal(s->owner, after)) {
                say(s, "bluetoothd is gone; waiting for it", NULL);
                g_clear_pointer(&s->owner, g_free);
                s->agent.call = sd_bus_slot_unref(s->agent.call);
                s->agent.state = REGISTRATION_NONE;
                s->question = sd_bus_message_unref(s->question);
                adapter_gone(s);
        }
        if (*after && !s->owner)
                (void) ask_objects(s);
        return 0;
}

static int match_signals(BluezServer *s) {
        g_autofree char *properties = g_strdup_printf("type='signal',sender='org.bluez',path_namespace='%s',"
                                                      "interface='org.freedesktop.DBus.Properties',"
                                                      "member='PropertiesChanged'", s->adapter_path);
        int r = sd_bus_add_match_async(
                s->bus, NULL,
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='org.bluez'",
                on_owner_changed, NULL, s);

        if (r >= 0)
                r = sd_bus_match_signal_async(s->bus, NULL, "org.bluez", "/",
                                              "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
                                              on_interfaces_added, NULL, s);
        if (r >= 0)
                r = sd_bus_match_signal_async(s->bus, NULL, "org.bluez", "/",
                                              "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
                                              on_interfaces_removed, NULL, s);
        if (r >= 0)
                r = sd_bus_add_match_async(s->bus, NULL, properties, on_properties_changed, NULL, s);
        return r < 0 ? r : ask_objects(s);
}

/* Services that vanish under a connected client are struck from its cache, and it would not find them by
 * their UUID again: it must be gone before the bus is closed, which sd-bus does when the loop ends.
 * Nothing else runs any more, so this may wait. */
static int on_loop_exit(sd_event_source *source, void *userdata) {
        g_autoptr(sd_bus_message) m = NULL;
        BluezServer *s = userdata;

        if (s->owner && s->client &&
            sd_bus_message_new_method_call(s->bus, &m, "org.bluez", s->client, "org.bluez.Device1",
                                           "Disconnect") >= 0)
                (void) sd_bus_call(s->bus, m, DISCONNECT_MAX_USEC, NULL, NULL);
        return 0;
}

/* ---- Control ---- */

static int on_dropped(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->drop_call = sd_bus_slot_unref(s->drop_call);
        if (sd_bus_message_is_method_error(m, NULL))
                say(s, "cannot disconnect", sd_bus_message_get_error(m)->message);
        return 0;
}

static int control_drop(BluezServer *s, const char *argument) {
        int r;

        /* bluetoothd ends a connection in its own way: there is no reason to choose. */
        if (argument && *argument)
                return -EOPNOTSUPP;
        if (!s->client)
                return -ENOTCONN;
        s->drop_call = sd_bus_slot_unref(s->drop_call);
        r = sd_bus_call_method_async(s->bus, &s->drop_call, "org.bluez", s->client, "org.bluez.Device1",
                                     "Disconnect", on_dropped, s, NULL);
        return r < 0 ? r : 0;
}

/* drop: disconnects from the device's side. passkey, confirm: see bluez-server-agent.c. advertise on|off: while there
 * is no client. readvertise on|off: see bluez-server-advertisement.c. mute on|off: the link stays, no value is sent.
 * services on|off: they are taken away and come back, and the link stays. */
static int bluez_server_control(Carrier *carrier, unsigned device, const char *word, const char *argument) {
        BluezServer *s = (BluezServer *) carrier;
        bool on;

        if (device != 0)
                return -EINVAL;
        if (strcmp(word, "drop") == 0)
                return control_drop(s, argument);
        if (strcmp(word, "passkey") == 0 || strcmp(word, "confirm") == 0)
                return bluez_server_agent_control(s, word, argument);
        if (strcmp(word, "advertise") != 0 && strcmp(word, "readvertise") != 0 && strcmp(word, "mute") != 0 &&
            strcmp(word, "services") != 0)
                return -ENOENT;
        if (!carrier_parse_switch(argument, "on", "off", &on))
                return -EINVAL;
        if (strcmp(word, "advertise") == 0)
                s->advertise = on;
        else if (strcmp(word, "readvertise") == 0)
                s->readvertise = on;
        else if (strcmp(word, "services") == 0)
                s->without_services = !on;
        else
                s->mute = on;
        bluez_server_advance(s);
        return 0;
}

static Peripheral *bluez_server_peripheral(Carrier *carrier, unsigned device) {
        return device == 0 ? ((BluezServer *) carrier)->peripheral : NULL;
}

static Carrier *bluez_server_free(Carrier *carrier) {
        BluezServer *s = (BluezServer *) carrier;

        if (!s)
                return NULL;
        sd_event_source_disable_unref(s->exit);
        s->pump = pump_free(s->pump);
        sd_bus_slot_unref(s->application.call);
        for (unsigned i = 0; i < BLUEZ_SERVER_ADVERTISEMENTS; i++)
                sd_bus_slot_unref(s->advertisements[i].call);
        sd_bus_slot_unref(s->agent.call);
        sd_bus_message_unref(s->question);
        sd_bus_slot_unref(s->objects_call);
        sd_bus_slot_unref(s->drop_call);
        /* bluetoothd takes back all that belongs to a connection when it ends. */
        s->bus = sd_bus_flush_close_unref(s->bus);
        if (s->chars)
                g_ptr_array_unref(s->chars);
        sd_event_source_disable_unref(s->retry);
        sd_event_source_disable_unref(s->advertisement_timer);
        sd_event_source_disable_unref(s->resubscribe);
        if (s->connected)
                g_hash_table_unref(s->connected);
        s->peripheral = peripheral_free(s->peripheral);
        g_free(s->client);
        g_free(s->client_before);
        g_free(s->owner);
        g_free(s->adapter_path);
        g_free(s);
        return NULL;
}

static const CarrierVtable vtable = {
        .free = bluez_server_free,
        .control = bluez_server_control,
        .peripheral = bluez_server_peripheral,
};

static int start(BluezServer *s) {
        int r = sd_bus_open_system_with_description(&s->bus, "bluez-server");

        if (r < 0) {
                (void) fprintf(stderr, "needlesim: no system bus: %s\n", g_strerror(-r));
                return r;
        }
        r = sd_event_add_time_relative(s->event, &s->retry, CLOCK_BOOTTIME, 0, 0, on_retry, s);
        if (r >= 0)
                r = sd_event_source_set_enabled(s->retry, SD_EVENT_OFF);
        if (r >= 0)
                r = bluez_server_gatt_add(s);
        if (r >= 0)
                r = bluez_server_advertisement_add(s);
        if (r >= 0 && s->bondable)
                r = bluez_server_agent_add(s);
        if (r >= 0)
                r = sd_event_add_exit(s->event, &s->exit, on_loop_exit, s);
        if (r >= 0)
                r = sd_event_source_set_priority(s->exit, SD_EVENT_PRIORITY_IMPORTANT);
        if (r >= 0)
                r = sd_bus_attach_event(s->bus, s->event, SD_EVENT_PRIORITY_NORMAL);
        if (r >= 0)
                r = match_signals(s);
        if (r >= 0)
                r = pump_new(s->event, s->peripheral, on_pumped, s, &s->pump);
        return r;
}

int bluez_server_new(const CarrierOptions *options, Carrier **ret) {
        unsigned mtu = options->mtu ? options->mtu : ATT_MTU_MAX;
        BluezServer *s;
        uint16_t index;
        int r;

        assert(options->n_devices == 1);
        if (options->random_address) {
                (void) fprintf(
                        stderr,
                        "needlesim: bluetoothd chooses the address; a random one can be had with --hci\n");
                return -EINVAL;
        }
        if (adapter_parse(options->target, &index) < 0) {
                (void) fprintf(stderr, "needlesim: '%s' is no adapter: give its number, as in hci1\n",
                               options->target);
                return -EINVAL;
        }
        s = g_new0(BluezServer, 1);
        s->carrier.vtable = &vtable;
        s->event = options->event;
        s->mtu_max = mtu;
        s->bondable = options->bondable;
        s->pairing = options->pairing;
        s->adapter_path = g_strdup_printf("/org/bluez/hci%u", index);
        s->advertise = true;
        s->readvertise = adapter_is_virtual(index);
        s->connected = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        s->peripheral = peripheral_new(options->configs, &peripheral_ops, s);
        s->battery = peripheral_battery(s->peripheral);
        r = start(s);
        if (r < 0) {
                (void) bluez_server_free(&s->carrier);
                return r;
        }
        *ret = &s->carrier;
        return 0;
}
