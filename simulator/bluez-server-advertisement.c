/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>
#include <time.h>

#include "bluez-server.h"

/* Flags, the services' UUIDs, manufacturer data and the name: with the profile's the 31 octets and the scan
 * response are as full as bluetoothd 5.66 makes them; it has no property for Service Data in the scan response (profile, 1.1
 * Advertising), so that a client learns the state by connecting. */

#define NAME_OCTETS_MAX 29u             /* what the scan response holds */

/* The virtual controllers of btvirt report an advertiser once, at the moment it is enabled: a scanner that
 * was not ready just then would never see it. So there, and only there (see adapter_is_virtual()), a second
 * advertisement like the first is registered: the kernel shows them in turn, and with each turn
 * the controller is enabled anew. A real controller sends by itself.
 *
 * Taking one back and registering it again would leave it off for as long as bluetoothd needs for the two:
 * a connection request that meets it then fails, and BlueZ's central hangs for 40 s (by its accept list, for minutes). Each turn has
 * such a moment too. A central that was here before scans by its accept list and is told as soon as it begins: for it turns are long. */
#define TURN_SEC 2
#define TURN_KNOWN_SEC 5
#define SECOND_AFTER_USEC (500 * 1000u) /* within the first one's turn; by then most centrals are there */
#define ADVERTISED_MIN_USEC (200 * 1000u)

static const char *const paths[BLUEZ_SERVER_ADVERTISEMENTS] = { "/needlesim/advertisement0", "/needlesim/advertisement1" };

/* A link that an earlier bluetoothd left behind is ended by the kernel, which starts an advertisement anew at that
 * moment: one that is on would be off just when the central answers it. */
static bool link_left_over(const BluezServer *s) {
        return s->client_before && g_hash_table_contains(s->connected, s->client_before);
}

static bool wanted(const BluezServer *s) {
        return s->advertise && s->adapter_powered && s->application.state == REGISTRATION_DONE && !s->client &&
               !link_left_over(s);
}

static uint64_t now_usec(const BluezServer *s) {
        uint64_t now = 0;

        (void) sd_event_now(s->event, CLOCK_BOOTTIME, &now);
        return now;
}

/* When the state of this one may change next: 0 is now. */
static uint64_t not_before_usec(const BluezServer *s, unsigned i) {
        if (s->advertisements[i].state == REGISTRATION_DONE)
                return s->advertised_usec[i] + ADVERTISED_MIN_USEC;
        return i == 0 ? 0 : s->advertised_usec[0] + SECOND_AFTER_USEC;
}

static bool wanted_one(const BluezServer *s, unsigned i) {
        if (i == 0)
                return wanted(s);
        return wanted(s) && s->readvertise && s->advertisements[0].state == REGISTRATION_DONE;
}

/* The call that was answered just now. */
static unsigned answered(const BluezServer *s) {
        return sd_bus_get_current_slot(s->bus) == s->advertisements[1].call ? 1 : 0;
}

static int on_registered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        unsigned i = answered(s);
        BluezPart *part = &s->advertisements[i];

        part->call = sd_bus_slot_unref(part->call);
        /* It keeps an advertisement while the adapter is off, and one whose withdrawal failed. */
        if (sd_bus_message_is_method_error(m, "org.bluez.Error.AlreadyExists") ||
            bluez_server_registered(s, part, m, "advertise")) {
                part->state = REGISTRATION_DONE;
                s->advertised_usec[i] = now_usec(s);
                bluez_server_advance(s);
        }
        return 0;
}

static int on_unregistered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;
        BluezPart *part = &s->advertisements[answered(s)];

        part->call = sd_bus_slot_unref(part->call);
        part->state = REGISTRATION_NONE;
        bluez_server_advance(s);
        return 0;
}

static void unregister(BluezServer *s, unsigned i) {
        bluez_server_register(s, &s->advertisements[i], s->adapter_path, "org.bluez.LEAdvertisingManager1",
                              "UnregisterAdvertisement", on_unregistered, "o", paths[i]);
        s->advertisements[i].state = REGISTRATION_ENDING;
}

/* Returns when there is more to do with this one, UINT64_MAX: not by time. */
static uint64_t advance_one(BluezServer *s, unsigned i, uint64_t now) {
        BluezPart *part = &s->advertisements[i];
        bool on = wanted_one(s, i);

        if (!(part->state == REGISTRATION_NONE && on) && !(part->state == REGISTRATION_DONE && !on))
                return UINT64_MAX;
        if (not_before_usec(s, i) > now)
                return not_before_usec(s, i);
        if (on)
                bluez_server_register(s, part, s->adapter_path, "org.bluez.LEAdvertisingManager1",
                                      "RegisterAdvertisement", on_registered, "oa{sv}", paths[i], 0);
        else
                unregister(s, i);
        return UINT64_MAX;
}

void bluez_server_advertisement_advance(BluezServer *s) {
        uint64_t now = now_usec(s), next = UINT64_MAX;

        for (unsigned i = 0; i < BLUEZ_SERVER_ADVERTISEMENTS; i++)
                next = MIN(next, advance_one(s, i, now));
        (void) sd_event_source_set_time(s->advertisement_timer, next);
        (void) sd_event_source_set_enabled(s->advertisement_timer, next == UINT64_MAX ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        bluez_server_advance(userdata);
        return 0;
}

static void one_gone(BluezServer *s, unsigned i) {
        s->advertisements[i].call = sd_bus_slot_unref(s->advertisements[i].call);
        s->advertisements[i].state = REGISTRATION_NONE;
}

void bluez_server_advertisement_gone(BluezServer *s) {
        for (unsigned i = 0; i < BLUEZ_SERVER_ADVERTISEMENTS; i++)
                one_gone(s, i);
        (void) sd_event_source_set_enabled(s->advertisement_timer, SD_EVENT_OFF);
}

static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        /* bluetoothd took it back by itself, as it does when the adapter goes. */
        if (bluez_server_from_bluez(s, m))
                one_gone(s, g_str_equal(sd_bus_message_get_path(m), paths[1]) ? 1 : 0);
        return sd_bus_reply_method_return(m, NULL);
}

static int property_get_uuids(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        PeripheralAdvertisement shown;

        peripheral_advertisement(((BluezServer *) userdata)->peripheral, &shown);
        return sd_bus_message_append_strv(reply, (char **) shown.services);
}

static int property_get_manufacturer_data(sd_bus *bus, const char *path, const char *interface, const char *property,
                                          sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        PeripheralAdvertisement shown;
        int r = sd_bus_message_open_container(reply, 'a', "{qv}");

        peripheral_advertisement(((BluezServer *) userdata)->peripheral, &shown);
        if (r >= 0 && shown.has_manufacturer_data &&
            (r = sd_bus_message_open_container(reply, 'e', "qv")) >= 0 &&
            (r = sd_bus_message_append(reply, "q", shown.company)) >= 0 &&
            (r = sd_bus_message_open_container(reply, 'v', "ay")) >= 0 &&
            (r = sd_bus_message_append_array(reply, 'y', shown.manufacturer_data, shown.manufacturer_data_size)) >= 0 &&
            (r = sd_bus_message_close_container(reply)) >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_name(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *name = peripheral_name(((BluezServer *) userdata)->peripheral), *end;
        g_autofree char *cut = NULL;

        /* Whole characters: D-Bus takes no broken ones. */
        for (end = name; *end && g_utf8_next_char(end) - name <= NAME_OCTETS_MAX;
             end = g_utf8_next_char(end))
                ;
        cut = g_strndup(name, (size_t) (end - name));
        return sd_bus_message_append(reply, "s", cut);
}

static int property_get_type(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", "peripheral");
}

static int property_get_discoverable(sd_bus *bus, const char *path, const char *interface,
                                     const char *property, sd_bus_message *reply, void *userdata,
                                     sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", true);
}

static int property_get_duration(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "q", ((BluezServer *) userdata)->client_before ? TURN_KNOWN_SEC : TURN_SEC);
}

static const sd_bus_vtable advertisement_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_release,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Type", "s", property_get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ServiceUUIDs", "as", property_get_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ManufacturerData", "a{qv}", property_get_manufacturer_data, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LocalName", "s", property_get_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Duration", "q", property_get_duration, 0, 0),
        SD_BUS_PROPERTY("Discoverable", "b", property_get_discoverable, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int bluez_server_advertisement_add(BluezServer *s) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < BLUEZ_SERVER_ADVERTISEMENTS; i++)
                r = sd_bus_add_object_vtable(s->bus, NULL, paths[i], "org.bluez.LEAdvertisement1", advertisement_vtable, s);
        if (r >= 0)
                r = sd_event_add_time_relative(s->event, &s->advertisement_timer, CLOCK_BOOTTIME, 0, 0, on_timer, s);
        return r < 0 ? r : sd_event_source_set_enabled(s->advertisement_timer, SD_EVENT_OFF);
}
