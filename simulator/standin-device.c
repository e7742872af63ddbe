/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "standin.h"

/* Measured with BlueZ 5.66. */
#define CONNECT_USEC 45000u             /* Connect(): 35–60 ms */
#define AUTO_CONNECT_USEC 100000u       /* by itself: 0.05–0.2 s after it advertises */
#define RESOLVE_USEC 150000u
#define RESOLVE_CACHED_USEC 40000u
#define ABSENT_USEC 40500000u           /* Connect() to an absent device */
#define DISCONNECT_USEC 2000000u        /* bluetoothd's timer in Disconnect() and RemoveDevice() */
#define TEMPORARY_USEC 29600000u        /* TemporaryTimeout */

static void device_changed(Device *d, const char *name) {
        object_changed(d->standin, d->object, INTERFACE_DEVICE, name, NULL);
}

/* Some application registered a profile for a service that it advertises. */
static bool device_wanted(const Device *d) {
        PeripheralAdvertisement shown;

        peripheral_advertisement(d->peripheral, &shown);
        for (const char *const *uuid = shown.services; *uuid; uuid++)
                if (clients_want(d->standin, *uuid))
                        return true;

        return false;
}

static bool device_auto_connects(const Device *d) {
        const Standin *s = d->standin;

        /* "for a bonded device … Unbonded device: never … After local Disconnect(): disabled until the next
         * Connect(), except if Trusted". The kernel scans for it only while no discovery runs. */
        return d->object && d->bonded && (d->trusted || !d->no_auto_connect) && s->adapter.powered &&
               !s->adapter.discovering && device_wanted(d);
}

/* The device's object goes when it is neither bonded nor connected nor being connected for a while. */
static int on_forget(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;

        d->forget = sd_event_source_disable_unref(d->forget);
        device_forget(d);
        return 0;
}

static void device_set_forget(Device *d) {
        d->forget = sd_event_source_disable_unref(d->forget);
        if (d->object && !d->bonded && d->link == LINK_DOWN)
                standin_timer(d->standin, &d->forget, standin_timeout(d->standin, TEMPORARY_USEC), on_forget,
                              d);
}

static void device_answer_disconnects(Device *d) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&d->disconnects);

        d->disconnects = g_ptr_array_new();
        d->disconnecting = sd_event_source_disable_unref(d->disconnecting);
        for (unsigned i = 0; i < calls->len; i++) {
                Call *call = calls->pdata[i];
                bool removal = g_str_equal(call->method->name, "RemoveDevice");

                if (removal) {
                        d->bonded = d->trusted = false;
                        state_save(d->standin);
                        device_forget(d);
                }
                call_reply(call);
        }
}

void device_paired(Device *d, bool ok) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&d->unpaired);

        d->unpaired = g_ptr_array_new();
        pairing_end(d);
        if (ok) {
                d->bonded = true;
                object_changed(d->standin, d->object, INTERFACE_DEVICE, "Paired", "Bonded", NULL);
                state_save(d->standin);
        }

        for (unsigned i = 0; i < calls->len; i++) {
                Call *call = calls->pdata[i];
                bool pair = g_str_equal(call->method->name, "Pair");

                if (ok && pair)
                        call_reply(call);
                else if (ok)
                        call_run(call);
                else if (pair)
                        call_error(call, "AuthenticationFailed", "Authentication Failed");
                else
                        call_error(call, "Failed", "Operation failed with ATT error: 0x0e");
        }
}

/* Without an agent, or if the device refuses: it fails, and the link is dropped. */
static void device_pair(Device *d, Call *call) {
        g_ptr_array_add(d->unpaired, call);
        if (!pairing_runs(d))
                pairing_begin(d, call);
}

static int on_resolved(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;
        bool first = !d->resolved_once;

        d->progress = sd_event_source_disable_unref(d->progress);
        d->link = LINK_RESOLVED;
        d->resolved_once = true;
        gatt_export(d); /* those that are not there yet */
        if (first)
                object_changed(d->standin, d->object, INTERFACE_DEVICE, "UUIDs", "ServicesResolved", NULL);
        else
                device_changed(d, "ServicesResolved");

        d->battery = peripheral_battery(d->peripheral);
        object_add_interface(d->standin, d->object, INTERFACE_BATTERY);
        gatt_link_up(d);
        state_save(d->standin);
        return 0;
}

static void device_link_up(Device *d) {
        Standin *s = d->standin;
        Call *call = g_steal_pointer(&d->connect);

        d->link = LINK_UP;
        d->forget = sd_event_source_disable_unref(d->forget);
        if (d->rssi != 0)
                device_unseen(d);
        device_changed(d, "Connected");
        peripheral_set_value_max(d->peripheral, s->mtu - 3u);
        standin_timer(s, &d->progress,
                      standin_delay(s, d->resolved_once ? RESOLVE_CACHED_USEC : RESOLVE_USEC), on_resolved,
                      d);

        /* "at Connect() return GATT objects may not exist" */
        if (call && g_str_equal(call->method->name, "Pair"))
                device_pair(d, call);
        else if (call)
                call_reply(call);
}

/* The attempt is over without a link. */
static void device_connect_failed(Device *d, const char *text) {
        Call *call = g_steal_pointer(&d->connect);

        d->link = LINK_DOWN;
        d->progress = sd_event_source_disable_unref(d->progress);
        device_set_forget(d);
        if (call && g_str_equal(call->method->name, "Pair"))
                call_error(call, "ConnectionAttemptFailed", "Page Timeout");
        else if (call)
                call_error(call, "Failed", text);
}

static int on_connect_absent(sd_event_source *source, uint64_t usec, void *userdata) {
        device_connect_failed(userdata, "le-connection-abort-by-local");
        return 0;
}

static int on_connect_ready(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;

        d->progress = sd_event_source_disable_unref(d->progress);
        if (d->advertising && (d->connect || device_auto_connects(d)))
                device_link_up(d);
        else if (d->connect)
                standin_timer(d->standin, &d->progress, standin_timeout(d->standin, ABSENT_USEC),
                              on_connect_absent, d);
        else
                d->link = LINK_DOWN;
        return 0;
}

/* For a Connect(), a Pair(), or (call is NULL) by itself. */
static void device_connect(Device *d, Call *call) {
        d->link = LINK_CONNECTING;
        d->connect = call;
        if (call) {
                d->no_auto_connect = false;
                d->forget = sd_event_source_disable_unref(d->forget); /* Connect() makes it permanent */
        }
        standin_timer(d->standin, &d->progress,
                      standin_delay(d->standin, call ? CONNECT_USEC : AUTO_CONNECT_USEC), on_connect_ready,
                      d);
}

static int on_disconnecting(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;

        d->disconnecting = sd_event_source_disable_unref(d->disconnecting);
        device_link_down(d);
        return 0;
}

static void device_disconnect(Device *d, Call *call) {
        g_ptr_array_add(d->disconnects, call);
        if (!d->trusted)
                d->no_auto_connect = true;
        if (!d->disconnecting)
                standin_timer(d->standin, &d->disconnecting, standin_delay(d->standin, DISCONNECT_USEC),
                              on_disconnecting, d);
}

static void method_connect(Call *call) {
        Device *d = call->what;

        if (!d->standin->adapter.powered) {
                call_error(call, "Failed", "Input/output error");
                return;
        }
        if (d->connect) {
                call_error(call, "Failed", "Operation already in progress");
                return;
        }
        if (device_connected(d)) {
                call_reply(call);
                return;
        }

        device_connect(d, call);
}

static void method_disconnect(Call *call) {
        Device *d = call->what;

        if (d->link == LINK_CONNECTING && d->connect) {
                if (!d->trusted)
                        d->no_auto_connect = true;
                device_connect_failed(d, "br-connection-canceled");
                call_reply(call);
                return;
        }
        if (!device_connected(d)) {
                call_error(call, "NotConnected", "Not Connected");
                return;
        }

        device_disconnect(d, call);
}

static void method_pair(Call *call) {
        Device *d = call->what;

        if (d->bonded) {
                call_error(call, "AlreadyExists", "Already Exists");
                return;
        }
        if (pairing_runs(d) || d->connect) {
                call_error(call, "InProgress", "In Progress");
                return;
        }

        if (device_connected(d))
                device_pair(d, call);
        else if (!d->standin->adapter.powered)
                call_error(call, "NotReady", "Resource Not Ready");
        else
                device_connect(d, call);
}

static void method_cancel_pairing(Call *call) {
        Device *d = call->what;

        if (!pairing_runs(d)) {
                call_error(call, "DoesNotExist", "Does Not Exist");
                return;
        }

        device_paired(d, false);
        call_reply(call);
}

static int property_get_address(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", ((Device *) what)->address);
}

static int property_get_address_type(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", ((Device *) what)->address_type);
}

static int property_get_name(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", peripheral_name(((Device *) what)->peripheral));
}

static int property_get_alias(void *what, sd_bus_message *m) {
        Device *d = what;

        return sd_bus_message_append(m, "s", d->alias ?: peripheral_name(d->peripheral));
}

static int property_get_bonded(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Device *) what)->bonded);
}

static int property_get_trusted(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Device *) what)->trusted);
}

static int property_get_false(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", false);
}

static int property_get_rssi(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "n", ((Device *) what)->rssi);
}

static bool property_exists_rssi(void *what) {
        return ((Device *) what)->rssi != 0;
}

static int property_get_connected(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", device_connected(what));
}

/* What it advertises, until its services have been seen once: from then on the cached list alone. */
static int property_get_uuids(void *what, sd_bus_message *m) {
        PeripheralAdvertisement shown;
        Device *d = what;
        int r;

        peripheral_advertisement(d->peripheral, &shown);
        if (!d->resolved_once)
                return sd_bus_message_append_strv(m, (char **) shown.services);

        if ((r = sd_bus_message_open_container(m, 'a', "s")) < 0 ||
            (r = sd_bus_message_append(m, "s", "00001800-0000-1000-8000-00805f9b34fb")) < 0)
                return r;
        for (unsigned i = 0; i < d->services->len; i++)
                if ((r = sd_bus_message_append(m, "s", gatt_service(d, i)->uuid)) < 0)
                        return r;

        return sd_bus_message_close_container(m);
}

static int property_get_adapter(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "o", ((Device *) what)->standin->adapter.object->path);
}

/* The end of a dictionary's entry: a variant of octets, and what was opened before it. */
static int append_octets(sd_bus_message *m, const uint8_t *data, size_t size) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'v', "ay")) < 0 ||
            (r = sd_bus_message_append_array(m, 'y', data, size)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0 || (r = sd_bus_message_close_container(m)) < 0)
                return r;

        return sd_bus_message_close_container(m);
}

static int property_get_service_data(void *what, sd_bus_message *m) {
        PeripheralAdvertisement shown;
        int r;

        peripheral_advertisement(((Device *) what)->peripheral, &shown);
        if ((r = sd_bus_message_open_container(m, 'a', "{sv}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", shown.service_data_uuid)) < 0)
                return r;

        return append_octets(m, shown.service_data, shown.service_data_size);
}

static bool property_exists_service_data(void *what) {
        PeripheralAdvertisement shown;

        peripheral_advertisement(((Device *) what)->peripheral, &shown);
        return shown.service_data_uuid;
}

static int property_get_manufacturer_data(void *what, sd_bus_message *m) {
        PeripheralAdvertisement shown;
        int r;

        peripheral_advertisement(((Device *) what)->peripheral, &shown);
        if ((r = sd_bus_message_open_container(m, 'a', "{qv}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'e', "qv")) < 0 ||
            (r = sd_bus_message_append(m, "q", shown.company)) < 0)
                return r;

        return append_octets(m, shown.manufacturer_data, shown.manufacturer_data_size);
}

static bool property_exists_manufacturer_data(void *what) {
        PeripheralAdvertisement shown;

        peripheral_advertisement(((Device *) what)->peripheral, &shown);
        return shown.has_manufacturer_data;
}

static int property_get_resolved(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Device *) what)->link == LINK_RESOLVED);
}

static int property_get_percentage(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "y", ((Device *) what)->battery);
}

static bool property_set_trusted(Call *call, sd_bus_message *m) {
        Device *d = call->what;
        int on;

        if (sd_bus_message_read(m, "b", &on) <= 0)
                return false;

        if (d->trusted != (bool) on) {
                d->trusted = on;
                device_changed(d, "Trusted");
                state_save(d->standin);
                device_kick(d);
        }
        call_reply(call);
        return true;
}

/* An empty one goes back to the name. */
static bool property_set_alias(Call *call, sd_bus_message *m) {
        Device *d = call->what;
        const char *alias;

        if (sd_bus_message_read(m, "s", &alias) <= 0)
                return false;

        g_free(d->alias);
        d->alias = *alias ? g_strdup(alias) : NULL;
        device_changed(d, "Alias");
        state_save(d->standin);
        call_reply(call);
        return true;
}

static void on_advertisement_changed(void *userdata) {
        Device *d = userdata;

        if (d->rssi != 0 && d->link == LINK_DOWN) /* a discovery sees it */
                object_changed(d->standin, d->object, INTERFACE_DEVICE, "ManufacturerData", "ServiceData", NULL);
}

static void on_turn(void *userdata) {
        Device *d = userdata;
        uint8_t battery = peripheral_battery(d->peripheral);

        if (d->link != LINK_RESOLVED || battery == d->battery)
                return;

        d->battery = battery;
        object_changed(d->standin, d->object, INTERFACE_BATTERY, "Percentage", NULL);
        gatt_battery_changed(d);
}

/* "C0:FF:EE:12:34:56[/public|/random]"; without a type the two highest bits tell a static random one. */
static void device_set_address(Device *d, const char *text) {
        g_auto(GStrv) parts = g_strsplit(text, "/", 2);
        bool is_random = (g_ascii_xdigit_value(text[0]) & 0xc) == 0xc;
        g_autofree char *name = NULL;

        if (parts[1])
                is_random = g_str_equal(parts[1], "random");
        d->address = g_ascii_strup(parts[0], -1);
        d->address_type = is_random ? "random" : "public";
        name = g_strdelimit(g_strdup(d->address), ":", '_');
        d->path = g_strconcat("/org/bluez/hci0/dev_", name, NULL);
}

void device_init(Device *d, Standin *s, const PeripheralConfig *config,
                 const char *address) {
        static const PeripheralOps ops = { .notify = gatt_notify,
                                           .advertisement_changed = on_advertisement_changed };

        *d = (Device) {
                .standin = s, .advertising = true,
                .disconnects = g_ptr_array_new(), .unpaired = g_ptr_array_new(),
        };
        device_set_address(d, address);
        d->peripheral = peripheral_new(config, &ops, d);
        gatt_init(d);
        (void) pump_new(s->event, d->peripheral, on_turn, d, &d->pump);
}

void device_done(Device *d) {
        gatt_done(d);
        d->pump = pump_free(d->pump);
        d->peripheral = peripheral_free(d->peripheral);
        d->forget = sd_event_source_disable_unref(d->forget);
        d->progress = sd_event_source_disable_unref(d->progress);
        d->disconnecting = sd_event_source_disable_unref(d->disconnecting);
        pairing_end(d);
        g_clear_pointer(&d->disconnects, g_ptr_array_unref);
        g_clear_pointer(&d->unpaired, g_ptr_array_unref);
        g_clear_pointer(&d->alias, g_free);
        g_clear_pointer(&d->address, g_free);
        g_clear_pointer(&d->path, g_free);
}

bool device_advertises(const Device *d, const char *uuid) {
        PeripheralAdvertisement shown;

        peripheral_advertisement(d->peripheral, &shown);
        for (const char *const *service = shown.services; *service; service++)
                if (g_ascii_strcasecmp(*service, uuid) == 0)
                        return true;

        return false;
}

bool device_connected(const Device *d) {
        return d->link == LINK_UP || d->link == LINK_RESOLVED;
}

void device_seen(Device *d, int16_t rssi) {
        bool known = d->object;

        if (d->rssi == rssi)
                rssi--;
        d->rssi = rssi;
        device_know(d); /* with the RSSI in it, if it is new */
        if (known)
                device_changed(d, "RSSI");
        device_set_forget(d);
}

void device_unseen(Device *d) {
        if (d->rssi == 0)
                return;

        d->rssi = 0;
        device_changed(d, "RSSI");
}

void device_know(Device *d) {
        if (!d->object)
                d->object = object_add(d->standin, d->path,
                                       1u << INTERFACE_PROPERTIES | 1u << INTERFACE_DEVICE, d);
}

void device_forget(Device *d) {
        d->forget = sd_event_source_disable_unref(d->forget);
        if (!d->object)
                return;

        device_link_down(d);
        d->forget = sd_event_source_disable_unref(d->forget);
        gatt_unexport(d);
        d->object = object_remove(d->standin, d->object);
        d->rssi = 0;
        if (!d->bonded) { /* of a bonded one bluetoothd keeps what it knows */
                d->resolved_once = d->no_auto_connect = false;
                g_clear_pointer(&d->alias, g_free);
        }
}

void device_set_advertising(Device *d, bool on) {
        d->advertising = on;
        device_kick(d);
}

void device_kick(Device *d) {
        if (d->link == LINK_CONNECTING && d->connect && d->advertising)
                device_connect(d, d->connect); /* it appears while a Connect() waits */
        else if (d->link == LINK_DOWN && d->advertising && device_auto_connects(d))
                device_connect(d, NULL);
}

void device_link_down(Device *d) {
        Standin *s = d->standin;

        if (d->link == LINK_CONNECTING)
                device_connect_failed(d, "le-connection-abort-by-local");
        if (!device_connected(d))
                return;

        d->progress = sd_event_source_disable_unref(d->progress);
        d->link = LINK_DOWN;
        object_changed(s, d->object, INTERFACE_DEVICE, "ServicesResolved", "Connected", NULL);
        object_remove_interface(s, d->object, INTERFACE_BATTERY);
        gatt_link_down(d);
        peripheral_disconnected(d->peripheral);

        device_paired(d, false);
        device_set_forget(d);
        device_answer_disconnects(d);
        device_kick(d);
}

void device_remove(Device *d, Call *call) {
        if (device_connected(d)) {
                device_disconnect(d, call);
                return;
        }

        if (d->link == LINK_CONNECTING)
                device_connect_failed(d, "br-connection-canceled");
        d->bonded = d->trusted = false;
        state_save(d->standin);
        device_forget(d);
        call_reply(call);
}

bool device_secure(Device *d, Call *call) {
        if (!d->standin->bondable || d->bonded)
                return true;

        device_pair(d, call);
        return false;
}

const Method device_methods[] = {
        { "Connect", "", "", 0, method_connect },
        { "Disconnect", "", "", 0, method_disconnect },
        { "Pair", "", "", 0, method_pair },
        { "CancelPairing", "", "", 0, method_cancel_pairing },
        {},
};

const Property device_properties[] = {
        { "Address", "s", property_get_address, NULL, NULL },
        { "AddressType", "s", property_get_address_type, NULL, NULL },
        { "Name", "s", property_get_name, NULL, NULL },
        { "Alias", "s", property_get_alias, NULL, property_set_alias },
        { "Paired", "b", property_get_bonded, NULL, NULL },
        { "Bonded", "b", property_get_bonded, NULL, NULL },
        { "Trusted", "b", property_get_trusted, NULL, property_set_trusted },
        { "Blocked", "b", property_get_false, NULL, NULL },
        { "LegacyPairing", "b", property_get_false, NULL, NULL },
        { "RSSI", "n", property_get_rssi, property_exists_rssi, NULL },
        { "Connected", "b", property_get_connected, NULL, NULL },
        { "UUIDs", "as", property_get_uuids, NULL, NULL },
        { "Adapter", "o", property_get_adapter, NULL, NULL },
        { "ManufacturerData", "a{qv}", property_get_manufacturer_data, property_exists_manufacturer_data, NULL },
        { "ServiceData", "a{sv}", property_get_service_data, property_exists_service_data, NULL },
        { "ServicesResolved", "b", property_get_resolved, NULL, NULL },
        {},
};

const Property battery_properties[] = {
        { "Percentage", "y", property_get_percentage, NULL, NULL },
        {},
};
