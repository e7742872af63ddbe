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
#define DISCONNECTED_USEC 80000u        /* from the end of the services to that of the link, when it was ended here */
#define KEY_MISSING_USEC 60000u         /* from Connected to its fall when the device has lost its keys */
#define ATT_TIMEOUT_USEC 30000000u      /* a request without an answer: bluetoothd gives up the link */
#define PAIR_USEC 90000u                /* Pair(): 70–110 ms */
#define TEMPORARY_USEC 29600000u        /* TemporaryTimeout */

/* Some application registered a profile for a service that it advertises. */
static bool device_wanted(const Device *d) {
        PeripheralAdvertisement shown;

        if (d->cache == CACHE_STRIPPED) /* "the advertised UUIDs are not merged" */
                return false;
        peripheral_advertisement(d->peripheral, &shown);
        for (const char *const *uuid = shown.services; *uuid; uuid++)
                if (clients_want(d->adapter, *uuid))
                        return true;

        return false;
}

static bool device_auto_connects(const Device *d) {
        const Adapter *a = d->adapter;

        /* "for a bonded device … Unbonded device: never … After local Disconnect(): disabled until the next
         * Connect(), except if Trusted". The kernel scans for it only while no discovery runs. */
        return d->object && d->bonded && (d->trusted || !d->no_auto_connect) && a->powered &&
               !a->discovering && device_wanted(d);
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

/* RemoveDevice(): all that bluetoothd keeps of it. */
static void device_unbond(Device *d) {
        d->bonded = d->trusted = false;
        d->cache = CACHE_GOOD;
        state_save(d->standin);
}

static void device_answer_disconnects(Device *d) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&d->disconnects);

        d->disconnects = g_ptr_array_new();
        d->disconnecting = sd_event_source_disable_unref(d->disconnecting);
        for (unsigned i = 0; i < calls->len; i++) {
                Call *call = calls->pdata[i];
                bool removal = g_str_equal(call->method->name, "RemoveDevice");

                if (removal) {
                        device_unbond(d);
                        device_forget(d);
                }
                call_reply(call);
        }
}

/* Everything that waited for the bond: carried out, or told why not. */
static void device_paired(Device *d, bool ok) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&d->unpaired);

        d->unpaired = g_ptr_array_new();
        d->pairing = sd_event_source_disable_unref(d->pairing);
        if (ok) {
                d->bonded = true;
                d->body->bond_lost = false;
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

static int on_paired(sd_event_source *source, uint64_t usec, void *userdata) {
        device_paired(userdata, true);
        return 0;
}

/* Without an agent, or if the device refuses: it fails, and the link is dropped. */
static void device_pair(Device *d, Call *call) {
        Standin *s = d->standin;

        g_ptr_array_add(d->unpaired, call);
        if (d->pairing)
                return;

        if (!s->bondable || !clients_have_agent(s)) {
                device_paired(d, false);
                device_link_down(d);
                return;
        }

        standin_timer(s, &d->pairing, standin_delay(s, PAIR_USEC), on_paired, d);
}

static int on_resolved(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;
        bool first = !d->resolved_once;

        d->progress = sd_event_source_disable_unref(d->progress);
        d->link = LINK_RESOLVED;
        d->resolved_once = true;
        services_export(d); /* those that are not there yet */
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

/* The device has no keys for the link that bluetoothd wants to encrypt with its own. */
static int on_key_missing(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;
        Call *call = g_steal_pointer(&d->connect);

        device_link_down(d);
        if (call && d->body->bond_error)
                call_error(call, d->body->bond_error, "Authentication Failed");
        else if (call)
                call_error(call, "Failed", "le-connection-abort-by-local");
        return 0;
}

static void device_link_up(Device *d) {
        Standin *s = d->standin;
        Call *call;

        d->link = LINK_UP;
        d->body->linked = d;
        d->forget = sd_event_source_disable_unref(d->forget);
        if (d->rssi != 0)
                device_unseen(d);
        device_changed(d, "Connected");
        peripheral_set_value_max(d->peripheral, s->mtu - 3u);
        if (d->bonded && d->body->bond_lost) {
                standin_timer(s, &d->progress, KEY_MISSING_USEC, on_key_missing, d);
                return;
        }

        call = g_steal_pointer(&d->connect);
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
        if (body_heard(d->body, d->adapter) && (d->connect || device_auto_connects(d)))
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

static int on_att_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        device_link_down(userdata);
        return 0;
}

/* What the device has not answered when the link goes. */
static void device_answer_requests(Device *d) {
        g_autoptr(GPtrArray) calls = g_steal_pointer(&d->unanswered);

        d->unanswered = g_ptr_array_new();
        d->att = sd_event_source_disable_unref(d->att);
        for (unsigned i = 0; i < calls->len; i++)
                call_error(calls->pdata[i], "Failed", "Operation failed");
}

static int on_disconnected(sd_event_source *source, uint64_t usec, void *userdata) {
        device_link_down(userdata);
        return 0;
}

/* Seen is first that the services are gone, and then, in a message of its own, the link. */
static int on_disconnecting(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *d = userdata;

        if (d->link == LINK_RESOLVED) {
                d->link = LINK_UP;
                device_changed(d, "ServicesResolved");
        }
        standin_timer(d->standin, &d->disconnecting, standin_delay(d->standin, DISCONNECTED_USEC), on_disconnected, d);
        return 0;
}

/* The battery goes at once, everything else when bluetoothd's timer is over. */
static void device_disconnect(Device *d, Call *call) {
        g_ptr_array_add(d->disconnects, call);
        if (!d->trusted)
                d->no_auto_connect = true;
        if (d->disconnecting)
                return;

        object_remove_interface(d->standin, d->object, INTERFACE_BATTERY);
        standin_timer(d->standin, &d->disconnecting, standin_delay(d->standin, DISCONNECT_USEC), on_disconnecting, d);
}

static void method_connect(Call *call) {
        Device *d = call->what;

        if (!d->adapter->powered) {
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
        if (d->pairing || d->connect) {
                call_error(call, "InProgress", "In Progress");
                return;
        }

        if (device_connected(d))
                device_pair(d, call);
        else if (!d->adapter->powered)
                call_error(call, "NotReady", "Resource Not Ready");
        else
                device_connect(d, call);
}

static void method_cancel_pairing(Call *call) {
        Device *d = call->what;

        if (!d->pairing) {
                call_error(call, "DoesNotExist", "Does Not Exist");
                return;
        }

        device_paired(d, false);
        call_reply(call);
}

void device_changed(Device *d, const char *name) {
        object_changed(d->standin, d->object, INTERFACE_DEVICE, name, NULL);
}

void device_set_path(Device *d) {
        g_autofree char *name = g_strdelimit(g_strdup(d->address), ":", '_');

        g_free(d->path);
        d->path = g_strconcat(d->adapter->path, "/dev_", name, NULL);
}

void device_init(Device *d, Adapter *a, Body *body) {
        *d = (Device) {
                .standin = a->standin, .adapter = a, .body = body,
                .peripheral = body->peripheral, .address = body->address, .address_type = body->address_type,
                .disconnects = g_ptr_array_new(), .unpaired = g_ptr_array_new(), .unanswered = g_ptr_array_new(),
        };
        services_init(d);
}

void device_done(Device *d) {
        services_done(d);
        d->forget = sd_event_source_disable_unref(d->forget);
        d->progress = sd_event_source_disable_unref(d->progress);
        d->disconnecting = sd_event_source_disable_unref(d->disconnecting);
        d->pairing = sd_event_source_disable_unref(d->pairing);
        d->att = sd_event_source_disable_unref(d->att);
        g_clear_pointer(&d->disconnects, g_ptr_array_unref);
        g_clear_pointer(&d->unpaired, g_ptr_array_unref);
        g_clear_pointer(&d->unanswered, g_ptr_array_unref);
        g_clear_pointer(&d->alias, g_free);
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
        services_unexport(d);
        d->object = object_remove(d->standin, d->object);
        d->rssi = 0;
        if (!d->bonded) { /* of a bonded one bluetoothd keeps what it knows */
                d->resolved_once = d->no_auto_connect = false;
                g_clear_pointer(&d->alias, g_free);
        }
}

void device_kick(Device *d) {
        if (!body_heard(d->body, d->adapter))
                return;

        if (d->link == LINK_CONNECTING && d->connect)
                device_connect(d, d->connect); /* it appears while a Connect() waits */
        else if (d->link == LINK_DOWN && device_auto_connects(d))
                device_connect(d, NULL);
}

void device_link_down(Device *d) {
        Standin *s = d->standin;
        bool resolved;

        if (d->link == LINK_CONNECTING)
                device_connect_failed(d, "le-connection-abort-by-local");
        if (!device_connected(d))
                return;

        d->progress = sd_event_source_disable_unref(d->progress);
        resolved = d->link == LINK_RESOLVED;
        d->link = LINK_DOWN;
        if (resolved)
                object_changed(s, d->object, INTERFACE_DEVICE, "ServicesResolved", "Connected", NULL);
        else
                device_changed(d, "Connected");
        object_remove_interface(s, d->object, INTERFACE_BATTERY);
        gatt_link_down(d);
        body_link_down(d->body);

        device_paired(d, false);
        device_answer_requests(d);
        device_set_forget(d);
        device_answer_disconnects(d);
        body_kick(d->body);
}

void device_remove(Device *d, Call *call) {
        if (device_connected(d)) {
                device_disconnect(d, call);
                return;
        }

        if (d->link == LINK_CONNECTING)
                device_connect_failed(d, "br-connection-canceled");
        device_unbond(d);
        device_forget(d);
        call_reply(call);
}

bool device_secure(Device *d, Call *call) {
        if (!d->standin->bondable || d->bonded)
                return true;

        device_pair(d, call);
        return false;
}

bool device_answers(Device *d, Call *call) {
        if (d->cache == CACHE_STALE) {
                call_error(call, "Failed", "Operation failed with ATT error: 0x01"); /* Invalid Handle */
                return false;
        }
        if (!d->body->mute)
                return true;

        g_ptr_array_add(d->unanswered, call);
        if (!d->att)
                standin_timer(d->standin, &d->att, standin_timeout(d->standin, ATT_TIMEOUT_USEC), on_att_timeout, d);
        return false;
}

const Method device_methods[] = {
        { "Connect", "", "", 0, method_connect },
        { "Disconnect", "", "", 0, method_disconnect },
        { "Pair", "", "", 0, method_pair },
        { "CancelPairing", "", "", 0, method_cancel_pairing },
        {},
};
