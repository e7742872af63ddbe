/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standin.h"

#define EATT_REST_USEC 100000u          /* without a value for so long, what was held back goes out */

/* With enhanced ATT bluetoothd 5.66 reads a device's notifications from several channels, each in order, but one behind the
 * other: seen are blocks that changed places. */
typedef struct Held {
        unsigned index;
        GBytes *value;
} Held;

struct Eatt {
        Body *body;                     /* weak */
        unsigned block;
        GArray *held;                   /* of Held: up to two blocks, the second of which goes first */
        sd_event_source *rest;
};

static void held_clear(void *data) {
        g_bytes_unref(((Held *) data)->value);
}

static void eatt_send(Eatt *eatt, unsigned from, unsigned to) {
        for (unsigned i = from; eatt->body->linked && i < to; i++) {
                const Held *held = &g_array_index(eatt->held, Held, i);
                size_t size;
                const uint8_t *data = g_bytes_get_data(held->value, &size);

                (void) gatt_notify(eatt->body->linked, held->index, data, size);
        }
}

static void eatt_flush(Eatt *eatt) {
        unsigned n = eatt->held->len, first = MIN(eatt->block, n);

        eatt->rest = sd_event_source_disable_unref(eatt->rest);
        eatt_send(eatt, first, n);
        eatt_send(eatt, 0, first);
        g_array_set_size(eatt->held, 0);
}

static int on_rest(sd_event_source *source, uint64_t usec, void *userdata) {
        eatt_flush(userdata);
        return 0;
}

static void eatt_put(Eatt *eatt, unsigned index, const uint8_t *data, size_t size) {
        Held held = { .index = index, .value = g_bytes_new(data, size) };

        g_array_append_val(eatt->held, held);
        if (eatt->held->len >= 2 * eatt->block)
                eatt_flush(eatt);
        else
                standin_timer(eatt->body->standin, &eatt->rest, EATT_REST_USEC, on_rest, eatt);
}

static Eatt *eatt_free(Eatt *eatt) {
        if (!eatt)
                return NULL;

        sd_event_source_disable_unref(eatt->rest);
        g_array_unref(eatt->held);
        g_free(eatt);
        return NULL;
}

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        Body *body = userdata;

        if (!body->linked || body->mute)
                return PERIPHERAL_REFUSED;
        if (!body->eatt)
                return gatt_notify(body->linked, index, data, size);

        eatt_put(body->eatt, index, data, size);
        return PERIPHERAL_SENT;
}

static void on_advertisement_changed(void *userdata) {
        Body *body = userdata;
        Standin *s = body->standin;

        for (unsigned i = 0; i < s->n_devices; i++) {
                Device *d = s->devices + i;

                if (d->body == body && d->rssi != 0 && d->link == LINK_DOWN) /* a discovery sees it */
                        object_changed(s, d->object, INTERFACE_DEVICE, "ManufacturerData", "ServiceData", NULL);
        }
}

static void on_turn(void *userdata) {
        Body *body = userdata;
        Device *d = body->linked;
        uint8_t battery = peripheral_battery(body->peripheral);

        if (!d || d->link != LINK_RESOLVED || battery == d->battery || body->mute || !object_has(d->object, INTERFACE_BATTERY))
                return;

        d->battery = battery;
        object_changed(d->standin, d->object, INTERFACE_BATTERY, "Percentage", NULL);
        gatt_battery_changed(d);
}

/* "C0:FF:EE:12:34:56[/public|/random]"; without a type the two highest bits tell a static random one. */
void body_init(Body *body, Standin *s, unsigned number, const PeripheralConfig *config, const char *address) {
        static const PeripheralOps ops = { .notify = on_notify, .advertisement_changed = on_advertisement_changed };
        g_auto(GStrv) parts = g_strsplit(address, "/", 2);
        bool is_random = (g_ascii_xdigit_value(address[0]) & 0xc) == 0xc;

        if (parts[1])
                is_random = g_str_equal(parts[1], "random");
        *body = (Body) {
                .standin = s, .number = number, .advertising = true, .near = UINT_MAX,
                .address = g_ascii_strup(parts[0], -1), .address_type = is_random ? "random" : "public",
        };
        body->peripheral = peripheral_new(config, &ops, body);
        (void) pump_new(s->event, body->peripheral, on_turn, body, &body->pump);
}

void body_done(Body *body) {
        body->eatt = eatt_free(body->eatt);
        body->cycle = cycle_free(body->cycle);
        body->pump = pump_free(body->pump);
        body->peripheral = peripheral_free(body->peripheral);
        g_clear_pointer(&body->address, g_free);
}

bool body_heard(const Body *body, const Adapter *a) {
        return body->advertising && !body->mute && !body->linked && body->near >> a->number & 1;
}

void body_kick(Body *body) {
        Standin *s = body->standin;

        for (unsigned i = 0; i < s->n_devices; i++)
                if (s->devices[i].body == body)
                        device_kick(s->devices + i);
}

void body_link_down(Body *body) {
        body->linked = NULL;
        if (body->eatt)
                eatt_flush(body->eatt); /* to nobody */
        peripheral_disconnected(body->peripheral);
}

void body_set_eatt(Body *body, unsigned block) {
        if (body->eatt)
                eatt_flush(body->eatt);
        body->eatt = eatt_free(body->eatt);
        if (block == 0)
                return;

        body->eatt = g_new0(Eatt, 1);
        *body->eatt = (Eatt) { .body = body, .block = block, .held = g_array_new(false, false, sizeof(Held)) };
        g_array_set_clear_func(body->eatt->held, held_clear);
}
