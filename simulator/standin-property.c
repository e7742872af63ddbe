/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "standin.h"

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
                if (service_there(gatt_service(d, i)) && (r = sd_bus_message_append(m, "s", gatt_service(d, i)->uuid)) < 0)
                        return r;

        return sd_bus_message_close_container(m);
}

static int property_get_adapter(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "o", ((Device *) what)->adapter->path);
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
