/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standin-crowd.h"

#include <errno.h>

#include "standin.h"

#define SLICE 50u                       /* devices a turn: the bus is to be filled, not drowned */
#define SLICE_USEC 5000u
#define LOOKS_LIKE_OURS 100u            /* one in so many */
#define OF_NO_ADAPTER 97u               /* one in so many has a path that is no device's */
#define OURS "95840001-2319-423b-8a8e-ee1ffb8d13f8"

typedef struct Stranger {
        Object *object;
        unsigned number;
        int16_t rssi;
} Stranger;

struct Crowd {
        Standin *standin;
        Stranger *strangers;
        unsigned n, n_announced, n_heard; /* heard: how many of them had a new RSSI */
        sd_event_source *turn;
};

static int property_get_address(void *what, sd_bus_message *m) {
        unsigned number = ((Stranger *) what)->number;
        g_autofree char *address =
                g_strdup_printf("5A:00:00:%02X:%02X:%02X", number >> 16 & 0xff, number >> 8 & 0xff, number & 0xff);

        return sd_bus_message_append(m, "s", address);
}

static int property_get_address_type(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", "random");
}

/* Some have long ones, of more octets than characters. */
static int property_get_name(void *what, sd_bus_message *m) {
        unsigned number = ((Stranger *) what)->number;
        g_autofree char *name = g_strdup_printf("%s %u", number % 10 == 0 ? "ﾊﾝﾄﾞﾍﾙﾄﾞ・ストレンジャー・ストレンジャー" : "Stranger", number);

        return sd_bus_message_append(m, "s", name);
}

static int property_get_rssi(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "n", ((Stranger *) what)->rssi);
}

static int property_get_false(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", false);
}

static int property_get_adapter(void *what, sd_bus_message *m) {
        return sd_bus_message_append(
                m, "o", ((Stranger *) what)->number % OF_NO_ADAPTER == 1 ? "/org/bluez/hci7" : "/org/bluez/hci0");
}

static int property_get_uuids(void *what, sd_bus_message *m) {
        if (((Stranger *) what)->number % LOOKS_LIKE_OURS == 0)
                return sd_bus_message_append(m, "as", 2, OURS, "0000180f-0000-1000-8000-00805f9b34fb");

        return sd_bus_message_append(m, "as", 3, "0000feaa-0000-1000-8000-00805f9b34fb", "0000180f-0000-1000-8000-00805f9b34fb",
                                     "0000180a-0000-1000-8000-00805f9b34fb");
}

static void announce(Crowd *crowd, Stranger *stranger) {
        unsigned number = stranger->number;
        const char *parent = number % OF_NO_ADAPTER == 1 ? "hci7/dev" : "hci0";
        g_autofree char *path = g_strdup_printf("/org/bluez/%s/dev_5A_00_00_%02X_%02X_%02X", parent, number >> 16 & 0xff,
                                                number >> 8 & 0xff, number & 0xff);

        stranger->object = object_add(crowd->standin, path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_STRANGER, stranger);
}

static void hear(Crowd *crowd, Stranger *stranger) {
        stranger->rssi--;
        object_changed(crowd->standin, stranger->object, INTERFACE_STRANGER, "RSSI", NULL);
}

/* First all of them come, then each is heard once more. */
static int on_turn(sd_event_source *source, uint64_t usec, void *userdata) {
        Crowd *crowd = userdata;

        for (unsigned i = 0; i < SLICE && crowd->n_announced < crowd->n; i++)
                announce(crowd, &crowd->strangers[crowd->n_announced++]);
        for (unsigned i = 0; i < SLICE && crowd->n_announced == crowd->n && crowd->n_heard < crowd->n; i++)
                hear(crowd, &crowd->strangers[crowd->n_heard++]);
        if (crowd->n_heard < crowd->n)
                standin_timer(crowd->standin, &crowd->turn, SLICE_USEC, on_turn, crowd);
        return 0;
}

static void disperse(Crowd *crowd) {
        crowd->turn = sd_event_source_disable_unref(crowd->turn);
        for (unsigned i = crowd->n_announced; i > 0; i--)
                crowd->strangers[i - 1].object = object_remove(crowd->standin, crowd->strangers[i - 1].object);
        g_clear_pointer(&crowd->strangers, g_free);
        crowd->n = crowd->n_announced = crowd->n_heard = 0;
}

Crowd *crowd_new(Standin *s) {
        Crowd *crowd = g_new0(Crowd, 1);

        crowd->standin = s;
        return crowd;
}

Crowd *crowd_free(Crowd *crowd) {
        if (!crowd)
                return NULL;

        disperse(crowd);
        g_free(crowd);
        return NULL;
}

void crowd_reset(Crowd *crowd) {
        disperse(crowd);
}

int crowd_control(Crowd *crowd, const char *argument) {
        uint64_t n;

        if (!argument || !g_ascii_string_to_unsigned(argument, 10, 0, CROWD_MAX, &n, NULL))
                return -EINVAL;
        if (n > 0 && !crowd->standin->adapters[0].discovering)
                return -EAGAIN;

        disperse(crowd);
        crowd->n = (unsigned) n;
        crowd->strangers = g_new0(Stranger, crowd->n);
        for (unsigned i = 0; i < crowd->n; i++)
                crowd->strangers[i] = (Stranger) { .number = i, .rssi = (int16_t) (-40 - (int) (i % 50)) };
        if (n > 0)
                standin_timer(crowd->standin, &crowd->turn, 1, on_turn, crowd);
        return 0;
}

const Property stranger_properties[] = {
        { "Address", "s", property_get_address, NULL, NULL },
        { "AddressType", "s", property_get_address_type, NULL, NULL },
        { "Name", "s", property_get_name, NULL, NULL },
        { "Alias", "s", property_get_name, NULL, NULL },
        { "Paired", "b", property_get_false, NULL, NULL },
        { "Bonded", "b", property_get_false, NULL, NULL },
        { "Trusted", "b", property_get_false, NULL, NULL },
        { "Blocked", "b", property_get_false, NULL, NULL },
        { "LegacyPairing", "b", property_get_false, NULL, NULL },
        { "RSSI", "n", property_get_rssi, NULL, NULL },
        { "Connected", "b", property_get_false, NULL, NULL },
        { "UUIDs", "as", property_get_uuids, NULL, NULL },
        { "Adapter", "o", property_get_adapter, NULL, NULL },
        { "ServicesResolved", "b", property_get_false, NULL, NULL },
        {},
};
