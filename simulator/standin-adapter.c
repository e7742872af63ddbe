/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "standin.h"

#define REPORT_FIRST_USEC 40000u        /* "first discovery 33–55 ms" */
#define REPORT_PERIOD_USEC 1000000u
#define SEEKERS_MAX 64u
#define FILTER_UUIDS_MAX 64u

/* A client that set a discovery filter or runs a discovery; its name on the bus. */
typedef struct Seeker {
        char *name;
        bool active;
        GPtrArray *uuids;       /* of its filter, lower case; NULL: any */
} Seeker;

static void seeker_free(void *data) {
        Seeker *seeker = data;

        g_free(seeker->name);
        if (seeker->uuids)
                g_ptr_array_unref(seeker->uuids);
        g_free(seeker);
}

static Seeker *adapter_seeker(Adapter *a, const char *name) {
        for (unsigned i = 0; i < a->seekers->len; i++) {
                Seeker *seeker = a->seekers->pdata[i];

                if (g_str_equal(seeker->name, name))
                        return seeker;
        }

        return NULL;
}

static Seeker *adapter_add_seeker(Adapter *a, const char *name) {
        Seeker *seeker = adapter_seeker(a, name);

        if (!seeker && a->seekers->len < SEEKERS_MAX) {
                seeker = g_new0(Seeker, 1);
                seeker->name = g_strdup(name);
                g_ptr_array_add(a->seekers, seeker);
        }

        return seeker;
}

/* Filters of several clients are merged with OR. */
static bool adapter_filter_lets_in(const Adapter *a, const Device *d) {
        for (unsigned i = 0; i < a->seekers->len; i++) {
                const Seeker *seeker = a->seekers->pdata[i];

                if (seeker->active && (!seeker->uuids || seeker->uuids->len == 0))
                        return true;
                for (unsigned k = 0; seeker->active && k < seeker->uuids->len; k++)
                        if (device_advertises(d, seeker->uuids->pdata[k]))
                                return true;
        }

        return false;
}

static int on_report(sd_event_source *source, uint64_t usec, void *userdata) {
        Adapter *a = userdata;
        Standin *s = a->standin;

        for (unsigned i = 0; i < s->n_devices; i++) {
                Device *d = s->devices + i;

                if (d->adapter == a && body_heard(d->body, a) && d->link == LINK_DOWN && adapter_filter_lets_in(a, d))
                        device_seen(d, (int16_t) (-48 - (int) (7 * i % 30) -
                                                  (int) (usec / REPORT_PERIOD_USEC % 5)));
        }

        standin_timer(s, &a->reports, REPORT_PERIOD_USEC, on_report, a);
        return 0;
}

/* Follows what the seekers want. */
static void adapter_update_discovery(Adapter *a) {
        Standin *s = a->standin;
        bool want = false;

        for (unsigned i = 0; i < a->seekers->len; i++)
                want = want || ((Seeker *) a->seekers->pdata[i])->active;
        want = want && a->powered;
        if (want == a->discovering)
                return;

        a->discovering = want;
        if (want) {
                object_changed(s, a->object, INTERFACE_ADAPTER, "Discovering", NULL);
                standin_timer(s, &a->reports, standin_delay(s, REPORT_FIRST_USEC), on_report, a);
                return;
        }

        a->reports = sd_event_source_disable_unref(a->reports);
        for (unsigned i = 0; i < s->n_devices; i++)
                if (s->devices[i].adapter == a)
                        device_unseen(s->devices + i);
        if (a->powered)
                object_changed(s, a->object, INTERFACE_ADAPTER, "Discovering", NULL);

        /* While a discovery runs the kernel does no passive scan, and nothing connects by itself. */
        for (unsigned i = 0; i < s->n_devices; i++)
                if (s->devices[i].adapter == a)
                        device_kick(s->devices + i);
}

static bool adapter_ready(Call *call) {
        Adapter *a = call->what;

        if (a->powered)
                return true;

        call_error(call, "NotReady", "Resource Not Ready");
        return false;
}

static void method_start_discovery(Call *call) {
        Adapter *a = call->what;
        Seeker *seeker;

        if (!adapter_ready(call))
                return;
        if (!(seeker = adapter_add_seeker(a, call_sender(call)))) {
                call_error(call, "Failed", "Too many clients");
                return;
        }
        if (seeker->active) {
                call_error(call, "InProgress", "Operation already in progress");
                return;
        }

        seeker->active = true;
        adapter_update_discovery(a);
        call_reply(call);
}

static void method_stop_discovery(Call *call) {
        Adapter *a = call->what;
        Seeker *seeker;

        if (!adapter_ready(call))
                return;
        if (!(seeker = adapter_seeker(a, call_sender(call))) || !seeker->active) {
                call_error(call, "Failed", "No discovery started");
                return;
        }

        g_ptr_array_remove(a->seekers, seeker); /* with its filter */
        adapter_update_discovery(a);
        call_reply(call);
}

/* One entry of the filter. False: bluetoothd knows no such key, or not with this type. */
static bool filter_read(sd_bus_message *m, const char *key, GPtrArray **uuids) {
        static const struct {
                const char *key, *signature;
        } others[] = {
                { "RSSI", "n" }, { "Pathloss", "q" }, { "Transport", "s" }, { "DuplicateData", "b" },
                { "Discoverable", "b" }, { "Pattern", "s" },
        };
        const char *contents;
        const char *uuid;

        if (g_str_equal(key, "UUIDs")) {
                g_clear_pointer(uuids, g_ptr_array_unref);
                *uuids = g_ptr_array_new_with_free_func(g_free);
                if (sd_bus_message_enter_container(m, 'v', "as") <= 0 ||
                    sd_bus_message_enter_container(m, 'a', "s") <= 0)
                        return false;
                while (sd_bus_message_read(m, "s", &uuid) > 0 && (*uuids)->len < FILTER_UUIDS_MAX)
                        g_ptr_array_add(*uuids, g_strdup(uuid));
                /* NOLINTNEXTLINE(misc-redundant-expression): the array, and then the variant */
                return sd_bus_message_exit_container(m) >= 0 && sd_bus_message_exit_container(m) >= 0;
        }

        for (unsigned i = 0; i < G_N_ELEMENTS(others); i++)
                if (g_str_equal(key, others[i].key))
                        return sd_bus_message_peek_type(m, NULL, &contents) > 0 &&
                               g_str_equal(contents, others[i].signature) &&
                               sd_bus_message_skip(m, "v") >= 0;

        return false;
}

static void method_set_discovery_filter(Call *call) {
        Adapter *a = call->what;
        sd_bus_message *m = call->message;
        g_autoptr(GPtrArray) uuids = NULL;
        const char *key;
        Seeker *seeker;
        bool good;

        if (!adapter_ready(call))
                return;

        good = sd_bus_message_enter_container(m, 'a', "{sv}") >= 0;
        while (good && sd_bus_message_enter_container(m, 'e', "sv") > 0)
                good = sd_bus_message_read(m, "s", &key) > 0 && filter_read(m, key, &uuids) &&
                       sd_bus_message_exit_container(m) >= 0;
        if (!good) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (!(seeker = adapter_add_seeker(a, call_sender(call)))) {
                call_error(call, "Failed", "Too many clients");
                return;
        }

        if (seeker->uuids)
                g_ptr_array_unref(seeker->uuids);
        seeker->uuids = g_steal_pointer(&uuids);
        call_reply(call);
}

static void method_get_discovery_filters(Call *call) {
        static const char *const keys[] = {
                "UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern",
        };
        sd_bus_message *reply = call_new_reply(call);

        if (!reply)
                return;

        (void) sd_bus_message_open_container(reply, 'a', "s");
        for (unsigned i = 0; i < G_N_ELEMENTS(keys); i++)
                (void) sd_bus_message_append(reply, "s", keys[i]);
        (void) sd_bus_message_close_container(reply);
        call_send(call, reply);
}

static void method_remove_device(Call *call) {
        Adapter *a = call->what;
        const char *path = NULL;

        (void) sd_bus_message_read(call->message, "o", &path);
        if (!adapter_ready(call))
                return;

        for (unsigned i = 0; path && i < a->standin->n_devices; i++) {
                Device *d = a->standin->devices + i;

                if (d->adapter == a && d->object && g_str_equal(d->path, path)) {
                        device_remove(d, call);
                        return;
                }
        }

        call_error(call, "DoesNotExist", "Does Not Exist");
}

/* "00:AA:01:00:00:00", "00:AA:01:01:00:01": those that btvirt gives its adapters. */
static int property_get_address(void *what, sd_bus_message *m) {
        unsigned number = ((Adapter *) what)->number;
        g_autofree char *address = g_strdup_printf("00:AA:01:%02X:00:%02X", number, number);

        return sd_bus_message_append(m, "s", address);
}

static int property_get_address_type(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", "public");
}

static int property_get_name(void *what, sd_bus_message *m) {
        unsigned number = ((Adapter *) what)->number;
        g_autofree char *name = number == 0 ? g_strdup("stand-in") : g_strdup_printf("stand-in #%u", number + 1);

        return sd_bus_message_append(m, "s", name);
}

static int property_get_zero(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "u", 0);
}

static int property_get_false(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", false);
}

static int property_get_powered(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Adapter *) what)->powered);
}

static int property_get_pairable(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Adapter *) what)->pairable);
}

static int property_get_discovering(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Adapter *) what)->discovering);
}

static int property_get_uuids(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "as", 2, "00001800-0000-1000-8000-00805f9b34fb",
                                     "00001801-0000-1000-8000-00805f9b34fb");
}

static int property_get_modalias(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", "usb:v1D6Bp0246d0542");
}

static int property_get_roles(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "as", 2, "central", "peripheral");
}

static bool property_set_powered(Call *call, sd_bus_message *m) {
        int on;

        if (sd_bus_message_read(m, "b", &on) <= 0)
                return false;

        if (on && ((Adapter *) call->what)->blocked) {
                call_error(call, "Blocked", "Blocked through rfkill");
                return true;
        }

        adapter_set_powered(call->what, on);
        call_reply(call);
        return true;
}

static bool property_set_pairable(Call *call, sd_bus_message *m) {
        Adapter *a = call->what;
        int on;

        if (sd_bus_message_read(m, "b", &on) <= 0)
                return false;

        if (a->pairable != (bool) on) {
                a->pairable = on;
                object_changed(a->standin, a->object, INTERFACE_ADAPTER, "Pairable", NULL);
        }
        call_reply(call);
        return true;
}

void adapter_init(Adapter *a, Standin *s, unsigned number) {
        *a = (Adapter) { .standin = s, .number = number, .seekers = g_ptr_array_new_with_free_func(seeker_free) };
}

void adapter_done(Adapter *a) {
        a->reports = sd_event_source_disable_unref(a->reports);
        g_clear_pointer(&a->seekers, g_ptr_array_unref);
        g_clear_pointer(&a->path, g_free);
}

void adapter_plug(Adapter *a, unsigned index) {
        Standin *s = a->standin;

        if (a->object)
                return;

        a->index = index;
        g_free(a->path);
        a->path = g_strdup_printf("/org/bluez/hci%u", index);
        a->object = object_add(s, a->path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_ADAPTER |
                               1u << INTERFACE_GATT_MANAGER, a);
        for (unsigned i = 0; i < s->n_devices; i++) {
                Device *d = s->devices + i;

                if (d->adapter != a)
                        continue;
                device_set_path(d);
                if (d->bonded)
                        device_know(d);
        }
        if (!a->blocked)
                adapter_set_powered(a, true); /* AutoEnable */
}

void adapter_unplug(Adapter *a) {
        Standin *s = a->standin;

        if (!a->object)
                return;

        adapter_set_powered(a, false);
        clients_drop_apps(a);
        for (unsigned i = 0; i < s->n_devices; i++)
                if (s->devices[i].adapter == a)
                        device_forget(s->devices + i);
        a->pairable = false;
        a->object = object_remove(s, a->object);
}

void adapter_set_powered(Adapter *a, bool on) {
        Standin *s = a->standin;
        bool discovering = a->discovering;

        if (!a->object || a->powered == on)
                return;

        a->powered = on;
        if (!on) {
                for (unsigned i = 0; i < s->n_devices; i++)
                        if (s->devices[i].adapter == a)
                                device_link_down(s->devices + i);
                g_ptr_array_set_size(a->seekers, 0);
                adapter_update_discovery(a);
        }

        if (discovering && !on)
                object_changed(s, a->object, INTERFACE_ADAPTER, "Powered", "Discovering", NULL);
        else
                object_changed(s, a->object, INTERFACE_ADAPTER, "Powered", NULL);
        for (unsigned i = 0; on && i < s->n_devices; i++)
                if (s->devices[i].adapter == a)
                        device_kick(s->devices + i);
}

/* The kernel switches it off; when it may transmit again, bluetoothd switches it on as it was. */
void adapter_set_blocked(Adapter *a, bool on) {
        a->blocked = on;
        adapter_set_powered(a, !on);
}

void adapter_client_gone(Adapter *a, const char *name) {
        Seeker *seeker = adapter_seeker(a, name);

        if (!seeker)
                return;

        g_ptr_array_remove(a->seekers, seeker);
        adapter_update_discovery(a);
}

const Method adapter_methods[] = {
        { "StartDiscovery", "", "", 5000, method_start_discovery },
        { "SetDiscoveryFilter", "a{sv}", "", 0, method_set_discovery_filter },
        { "StopDiscovery", "", "", 5000, method_stop_discovery },
        { "RemoveDevice", "o", "", 0, method_remove_device },
        { "GetDiscoveryFilters", "", "as", 0, method_get_discovery_filters },
        {},
};

const Property adapter_properties[] = {
        { "Address", "s", property_get_address, NULL, NULL },
        { "AddressType", "s", property_get_address_type, NULL, NULL },
        { "Name", "s", property_get_name, NULL, NULL },
        { "Alias", "s", property_get_name, NULL, NULL },
        { "Class", "u", property_get_zero, NULL, NULL },
        { "Powered", "b", property_get_powered, NULL, property_set_powered },
        { "Discoverable", "b", property_get_false, NULL, NULL },
        { "DiscoverableTimeout", "u", property_get_zero, NULL, NULL },
        { "Pairable", "b", property_get_pairable, NULL, property_set_pairable },
        { "PairableTimeout", "u", property_get_zero, NULL, NULL },
        { "Discovering", "b", property_get_discovering, NULL, NULL },
        { "UUIDs", "as", property_get_uuids, NULL, NULL },
        { "Modalias", "s", property_get_modalias, NULL, NULL },
        { "Roles", "as", property_get_roles, NULL, NULL },
        {},
};
