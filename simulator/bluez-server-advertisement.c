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
 * was not ready just then would never see it. So there, and only there (see adapter_is_virtual()), it is
 * registered anew each second while nobody is connected; a real controller sends by itself, and taking the
 * advertisement away would only leave holes in it. */
#define READVERTISE_USEC G_USEC_PER_SEC
/* A connection request that meets an advertiser just switched off fails, and BlueZ's central then hangs
 * for 40 s. */
#define ADVERTISED_MIN_USEC (200 * 1000u)

/* A link that an earlier bluetoothd left behind is ended by the kernel, which starts an advertisement anew at that moment: one that is
 * on would be off just when the central answers it. */
static bool link_left_over(const BluezServer *s) {
        return s->client_before && g_hash_table_contains(s->connected, s->client_before);
}

static bool wanted(const BluezServer *s) {
        return s->advertise && s->adapter_powered && s->application.state == REGISTRATION_DONE && !s->client && !link_left_over(s);
}

static uint64_t now_usec(const BluezServer *s) {
        uint64_t now = 0;

        (void) sd_event_now(s->event, CLOCK_BOOTTIME, &now);
        return now;
}

static void timer_on(BluezServer *s, uint64_t usec) {
        (void) sd_event_source_set_time_relative(s->readvertise_timer, usec);
        (void) sd_event_source_set_enabled(s->readvertise_timer, SD_EVENT_ONESHOT);
}

static int on_registered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->advertisement.call = sd_bus_slot_unref(s->advertisement.call);
        /* It keeps an advertisement while the adapter is off, and one whose withdrawal failed. */
        if (sd_bus_message_is_method_error(m, "org.bluez.Error.AlreadyExists") ||
            bluez_server_registered(s, &s->advertisement, m, "advertise")) {
                s->advertisement.state = REGISTRATION_DONE;
                s->advertised_usec = now_usec(s);
                if (s->readvertise)
                        timer_on(s, READVERTISE_USEC);
        }
        bluez_server_advance(s);
        return 0;
}

static int on_unregistered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->advertisement.call = sd_bus_slot_unref(s->advertisement.call);
        s->advertisement.state = REGISTRATION_NONE;
        bluez_server_advance(s);
        return 0;
}

static void unregister(BluezServer *s) {
        bluez_server_register(s, &s->advertisement, s->adapter_path, "org.bluez.LEAdvertisingManager1",
                              "UnregisterAdvertisement", on_unregistered, "o", BLUEZ_SERVER_ADVERTISEMENT);
        s->advertisement.state = REGISTRATION_ENDING;
}

/* Either the second is over, or the 200 ms that an advertisement has at least. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        BluezServer *s = userdata;

        if (s->advertisement.state != REGISTRATION_DONE)
                return 0;
        if (!wanted(s) || (s->readvertise && g_hash_table_size(s->connected) == 0))
                unregister(s);
        else if (s->readvertise)
                timer_on(s, READVERTISE_USEC);
        return 0;
}

void bluez_server_advertisement_advance(BluezServer *s) {
        uint64_t since;

        if (s->advertisement.state == REGISTRATION_NONE && wanted(s))
                bluez_server_register(s, &s->advertisement, s->adapter_path,
                                      "org.bluez.LEAdvertisingManager1", "RegisterAdvertisement",
                                      on_registered, "oa{sv}", BLUEZ_SERVER_ADVERTISEMENT, 0);
        else if (s->advertisement.state == REGISTRATION_DONE && !wanted(s)) {
                since = now_usec(s) - s->advertised_usec;
                if (since >= ADVERTISED_MIN_USEC)
                        unregister(s);
                else
                        timer_on(s, ADVERTISED_MIN_USEC - since);
        } else if (s->advertisement.state == REGISTRATION_DONE && s->readvertise &&
                   sd_event_source_get_enabled(s->readvertise_timer, NULL) <= 0)
                timer_on(s, READVERTISE_USEC);
}

void bluez_server_advertisement_gone(BluezServer *s) {
        s->advertisement.call = sd_bus_slot_unref(s->advertisement.call);
        s->advertisement.state = REGISTRATION_NONE;
        (void) sd_event_source_set_enabled(s->readvertise_timer, SD_EVENT_OFF);
}

static int method_release(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        /* bluetoothd took it back by itself, as it does when the adapter goes. */
        if (bluez_server_from_bluez(s, m))
                bluez_server_advertisement_gone(s);
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

static const sd_bus_vtable advertisement_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, method_release,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("Type", "s", property_get_type, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ServiceUUIDs", "as", property_get_uuids, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("ManufacturerData", "a{qv}", property_get_manufacturer_data, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("LocalName", "s", property_get_name, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Discoverable", "b", property_get_discoverable, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

int bluez_server_advertisement_add(BluezServer *s) {
        int r = sd_bus_add_object_vtable(s->bus, NULL, BLUEZ_SERVER_ADVERTISEMENT,
                                         "org.bluez.LEAdvertisement1", advertisement_vtable, s);

        if (r < 0)
                return r;
        r = sd_event_add_time_relative(s->event, &s->readvertise_timer, CLOCK_BOOTTIME, 0, 0, on_timer, s);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(s->readvertise_timer, SD_EVENT_OFF);
}
