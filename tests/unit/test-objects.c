/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>

#include "autoptr.h"
#include "link/objects.h"
#include "needled/omp.h"
#include "profiles/file.h"

#define DEVICE "/org/bluez/hci0/dev_C0_FF_EE_12_34_56"
#define SERVICE DEVICE "/service000a"
#define LIVE_UUID "95840102-2319-423b-8a8e-ee1ffb8d13f8"

static Profiles *profiles;

/* A bus to make messages on; nothing is sent. */
static sd_bus *bus_new(void) {
        int fds[2];
        sd_bus *bus;

        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
        g_assert_cmpint(sd_bus_new(&bus), >=, 0);
        g_assert_cmpint(sd_bus_set_fd(bus, fds[0], fds[0]), >=, 0);
        g_assert_cmpint(sd_bus_set_anonymous(bus, true), >=, 0);
        g_assert_cmpint(sd_bus_start(bus), >=, 0);
        close(fds[1]);
        return bus;
}

static sd_bus_message *signal_new(sd_bus *bus, const char *path, const char *interface, const char *member) {
        sd_bus_message *m;

        g_assert_cmpint(sd_bus_message_new_signal(bus, &m, path, interface, member), >=, 0);
        return m;
}

static void seal(sd_bus_message *m) {
        g_assert_cmpint(sd_bus_message_seal(m, 1, 0), >=, 0);
}

/* The answer of GetManagedObjects has the type of no signal, but the parser looks at the body alone. */
static sd_bus_message *managed_objects(sd_bus *bus) {
        sd_bus_message *m = signal_new(bus, "/", "org.example.Test", "Objects");

        g_assert_cmpint(sd_bus_message_append(m, "a{oa{sa{sv}}}", 4, "/org/bluez", 1,
                                              "org.bluez.AgentManager1", 0, "/org/bluez/hci0", 2,
                                              "org.bluez.Adapter1", 2, "Address", "s", "00:AA:01:00:00:00",
                                              "Powered", "b", 1, "org.bluez.GattManager1", 0, DEVICE, 2,
                                              "org.bluez.Device1", 9, "Address", "s", "C0:FF:EE:12:34:56",
                                              "AddressType", "s", "random", "Name", "s", "Pen", "Adapter",
                                              "o", "/org/bluez/hci0", "Connected", "b", 1, "Bonded", "b", 1,
                                              "RSSI", "n", -57, "UUIDs", "as", 2,
                                              "0000180f-0000-1000-8000-00805f9b34fb",
                                              "95840001-2319-423B-8A8E-EE1FFB8D13F8", "ManufacturerData",
                                              "a{qv}", 1, 0xffff, "ay", 2, 1, 2, "org.bluez.Battery1", 1,
                                              "Percentage", "y", 88, SERVICE, 1, "org.bluez.GattService1", 2,
                                              "UUID", "s", OMP_SERVICE_UUID, "Device", "o", DEVICE),
                        >=, 0);
        seal(m);
        return m;
}

static Objects *filled(sd_bus *bus) {
        g_autoptr(sd_bus_message) m = managed_objects(bus);
        Objects *objects = objects_new(profiles);

        g_assert_cmpint(objects_replace(objects, m), ==, 0);
        return objects;
}

static void test_managed_objects(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        Object *adapter = objects_get(objects, "/org/bluez/hci0"), *device = objects_get(objects, DEVICE);

        g_assert_cmpuint(objects_size(objects), ==, 3); /* what is of no interest is not kept */
        g_assert_cmpuint(adapter->interfaces, ==, OBJECT_ADAPTER | OBJECT_GATT_MANAGER);
        g_assert_cmpstr(adapter->address, ==, "00:AA:01:00:00:00");
        g_assert_true(adapter->powered);
        g_assert_cmpuint(device->interfaces, ==, OBJECT_DEVICE | OBJECT_BATTERY);
        g_assert_cmpstr(device->address_type, ==, "random");
        g_assert_cmpstr(device->name, ==, "Pen");
        g_assert_cmpstr(device->parent, ==, "/org/bluez/hci0");
        g_assert_true(device->connected && device->has_bonded && device->bonded && device->has_rssi);
        g_assert_false(device->paired || device->services_resolved);
        g_assert_cmpint(device->rssi, ==, -57);
        g_assert_cmpint(device->battery, ==, 88);
        g_assert_cmpstr(device->profile->id, ==, "omp1"); /* whatever the case of the UUID */
        g_assert_null(objects_get(objects, "/org/bluez"));
        g_assert_null(objects_get(objects, NULL));
        objects_free(objects);
}

static Object *adapter_added(Objects *objects, sd_bus *bus, const char *path, const char *types, const char *value) {
        g_autoptr(sd_bus_message) m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");
        Object *object = NULL;

        g_assert_cmpint(g_str_equal(types, "as")
                                ? sd_bus_message_append(m, "oa{sa{sv}}", path, 1, "org.bluez.Adapter1", 1, "Roles", types,
                                                        value ? 1 : 0, value)
                                : sd_bus_message_append(m, "oa{sa{sv}}", path, 1, "org.bluez.Adapter1", 1, "Roles", types, value),
                        >=, 0);
        seal(m);
        g_assert_cmpint(objects_add(objects, m, &object), ==, OBJECT_ADAPTER);
        return object;
}

/* An adapter is a central if it has Low Energy; one that does not say what it is may be. */
static void test_roles(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = objects_new(profiles);
        const Object *central = adapter_added(objects, bus, "/org/bluez/hci0", "as", "central"),
                     *peripheral = adapter_added(objects, bus, "/org/bluez/hci1", "as", "peripheral"),
                     *nothing = adapter_added(objects, bus, "/org/bluez/hci2", "as", NULL),
                     *absurd = adapter_added(objects, bus, "/org/bluez/hci3", "s", "central");

        g_assert_true(central->has_roles && central->central);
        g_assert_true(peripheral->has_roles && !peripheral->central);
        g_assert_true(nothing->has_roles && !nothing->central);
        g_assert_false(absurd->has_roles || absurd->central);
        objects_free(objects);
}

/* A device that shows this manufacturer data: companies, and how many octets each; UINT_MAX: a string in their place. */
static sd_bus_message *maker_added(sd_bus *bus, const char *path, size_t n, const unsigned (*makers)[2]) {
        sd_bus_message *m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");
        uint8_t data[200] = { 0x06, 0x32 };

        g_assert_cmpint(sd_bus_message_append(m, "o", path), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sa{sv}}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sa{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "org.bluez.Device1"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", "ManufacturerData"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', "a{qv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{qv}"), >=, 0);
        for (size_t i = 0; i < n; i++) {
                bool text = makers[i][1] == UINT_MAX;

                g_assert_cmpint(sd_bus_message_open_container(m, 'e', "qv"), >=, 0);
                g_assert_cmpint(sd_bus_message_append(m, "q", makers[i][0]), >=, 0);
                g_assert_cmpint(sd_bus_message_open_container(m, 'v', text ? "s" : "ay"), >=, 0);
                g_assert_cmpint(text ? sd_bus_message_append(m, "s", "absurd")
                                     : sd_bus_message_append_array(m, 'y', data, makers[i][1]), >=, 0);
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        }
        for (int i = 0; i < 6; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        seal(m);
        return m;
}

/* Of companies that a profile asks for, a few, and of each as much as an advertisement holds. */
static void test_manufacturer_data(void) {
        static const unsigned makers[][2] = {
                { 0xffff, 4 }, { 1, UINT_MAX }, { 2, 200 }, { 3, 0 }, { 4, 2 }, { 5, 3 }, { 6, 3 },
        };
        g_autoptr(sd_bus) bus = bus_new();
        g_autoptr(sd_bus_message) many = maker_added(bus, DEVICE, G_N_ELEMENTS(makers), makers);
        g_autoptr(sd_bus_message) stranger = maker_added(bus, DEVICE "7", 1, makers);
        g_autoptr(sd_bus_message) short_one = maker_added(bus, DEVICE "8", 1, &makers[3]);
        g_autoptr(sd_bus_message) absurd = maker_added(bus, DEVICE "9", 1, &makers[1]);
        Objects *objects = objects_new(profiles);
        Object *object;

        g_assert_cmpint(objects_add(objects, many, &object), ==, OBJECT_DEVICE);
        g_assert_cmpuint(object->makers->len, ==, 4);
        g_assert_cmpuint(g_array_index(object->makers, ObjectMaker, 0).company, ==, 2);
        g_assert_cmpuint(g_array_index(object->makers, ObjectMaker, 0).size, ==, OBJECT_MAKER_DATA_MAX);
        g_assert_cmpuint(g_array_index(object->makers, ObjectMaker, 1).size, ==, 0);
        g_assert_cmpstr(object->profile->id, ==, "example.makers");
        g_assert_true(objects_match(objects, object, "") == object->profile);
        g_assert_cmpstr(objects_match(objects, object, "M1")->id, ==, "example.model");
        g_assert_null(objects_match(objects, NULL, "M1"));

        g_assert_cmpint(objects_add(objects, stranger, &object), ==, OBJECT_DEVICE);
        g_assert_true(!object->makers && !object->profile);
        g_assert_cmpint(objects_add(objects, short_one, &object), ==, OBJECT_DEVICE);
        g_assert_null(object->profile); /* its company, but not what its data begin with */
        g_assert_cmpint(objects_add(objects, absurd, &object), ==, OBJECT_DEVICE);
        g_assert_null(object->makers);
        objects_free(objects);
}

static sd_bus_message *char_added(sd_bus *bus, const char *path, const char *uuid) {
        sd_bus_message *m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");

        g_assert_cmpint(sd_bus_message_append(m, "oa{sa{sv}}", path, 2,
                        "org.freedesktop.DBus.Properties", 0,
                        "org.bluez.GattCharacteristic1", 3, "UUID", "s", uuid, "Service", "o", SERVICE,
                                "NotifyAcquired", "b", 0), >=, 0);
        seal(m);
        return m;
}

static void test_added_found_and_removed(void) {
        g_autoptr(sd_bus) bus = bus_new();
        g_autoptr(sd_bus_message) b = char_added(bus, SERVICE "/char000b", LIVE_UUID);
        g_autoptr(sd_bus_message) a = char_added(bus, SERVICE "/char000a", LIVE_UUID);
        g_autoptr(sd_bus_message) other = char_added(bus, DEVICE "7/service000a/char000a", LIVE_UUID);
        g_autoptr(sd_bus_message)
                gone = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved");
        g_autoptr(sd_bus_message)
                battery = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved");
        Objects *objects = filled(bus);
        const char *path;
        Object *object;

        g_assert_cmpint(objects_add(objects, b, &object), ==, OBJECT_CHAR);
        g_assert_cmpstr(object->path, ==, SERVICE "/char000b");
        g_assert_true(object->has_notify_acquired);
        g_assert_cmpint(objects_add(objects, a, &object), ==, OBJECT_CHAR);
        g_assert_cmpint(objects_add(objects, other, &object), ==, OBJECT_CHAR);

        g_assert_cmpstr(objects_find_char(objects, DEVICE, OMP_SERVICE_UUID, LIVE_UUID)->path, ==,
                        SERVICE "/char000a");
        g_assert_cmpstr(objects_find_char(objects, DEVICE, NULL, LIVE_UUID)->path, ==, SERVICE "/char000a");
        g_assert_null(objects_find_char(objects, DEVICE, "0000180a-0000-1000-8000-00805f9b34fb", LIVE_UUID));
        g_assert_null(objects_find_char(objects, "/org/bluez/hci0/dev_C0", NULL, LIVE_UUID));

        g_assert_cmpint(sd_bus_message_append(gone, "oas", SERVICE "/char000a", 1,
                                              "org.bluez.GattCharacteristic1"),
                        >=, 0);
        seal(gone);
        g_assert_cmpint(objects_remove(objects, gone, &path), ==, OBJECT_CHAR);
        g_assert_cmpstr(path, ==, SERVICE "/char000a");
        g_assert_null(objects_get(objects, path));
        g_assert_cmpstr(objects_find_char(objects, DEVICE, NULL, LIVE_UUID)->path, ==, SERVICE "/char000b");

        /* One interface of several: the object stays. */
        g_assert_cmpint(sd_bus_message_append(battery, "oas", DEVICE, 2, "org.bluez.Battery1",
                                              "org.example.Unknown"),
                        >=, 0);
        seal(battery);
        g_assert_cmpint(objects_remove(objects, battery, &path), ==, OBJECT_BATTERY);
        g_assert_true(objects_get(objects, DEVICE)->connected);
        objects_free(objects);
}

static int change(Objects *objects, sd_bus *bus, const char *path, const char *interface, const char *name,
                  const char *type, const void *value, Object **ret, ObjectValue *ret_value) {
        g_autoptr(sd_bus_message)
                m = signal_new(bus, path, "org.freedesktop.DBus.Properties", "PropertiesChanged");

        g_assert_cmpint(sd_bus_message_append(m, "s", interface), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "s", name), >=, 0);
        g_assert_cmpint(sd_bus_message_open_container(m, 'v', type), >=, 0);
        if (type[0] == 'a')
                g_assert_cmpint(sd_bus_message_append_array(m, type[1], value, strlen(value)), >=, 0);
        else
                g_assert_cmpint(sd_bus_message_append_basic(m, type[0], value), >=, 0);
        for (int i = 0; i < 3; i++)
                g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        g_assert_cmpint(sd_bus_message_append(m, "as", 1, "RSSI"), >=, 0);
        seal(m);
        return objects_change(objects, m, ret, ret_value);
}

static void test_changes(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        ObjectValue value;
        Object *object;
        int no = 0, yes = 1;

        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Connected", "b", &no, &object,
                               &value),
                        ==, OBJECT_DEVICE);
        g_assert_false(object->connected);
        g_assert_false(object->has_rssi); /* invalidated: the discovery has ended */
        g_assert_null(value.data);

        /* Services are resolved of a connected device only, and nothing else may tell that it is (5.66). */
        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "ServicesResolved", "b", &yes,
                               &object, &value),
                        ==, OBJECT_DEVICE);
        g_assert_true(object->connected && object->services_resolved);
        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Connected", "b", &no, &object,
                               &value),
                        ==, OBJECT_DEVICE);
        g_assert_false(object->connected);

        /* Neither unknown objects nor interfaces that the object does not have come to be by a change. */
        g_assert_cmpint(change(objects, bus, DEVICE "7", "org.bluez.Device1", "Connected", "b", &no, &object,
                               &value),
                        ==, 0);
        g_assert_cmpint(change(objects, bus, SERVICE, "org.bluez.Device1", "Connected", "b", &no, &object,
                               &value),
                        ==, 0);
        g_assert_cmpint(change(objects, bus, DEVICE, "org.example.X", "Connected", "b", &no, &object,
                               &value),
                        ==, 0);
        g_assert_cmpuint(objects_size(objects), ==, 3);
        objects_free(objects);
}

static void test_value(void) {
        g_autoptr(sd_bus) bus = bus_new();
        g_autoptr(sd_bus_message) added = char_added(bus, SERVICE "/char000b", LIVE_UUID);
        Objects *objects = filled(bus);
        ObjectValue value;
        Object *object;

        g_assert_cmpint(objects_add(objects, added, &object), ==, OBJECT_CHAR);
        g_assert_cmpint(change(objects, bus, object->path, "org.bluez.GattCharacteristic1", "Value", "ay",
                               "abc", &object, &value),
                        ==, OBJECT_CHAR);
        g_assert_cmpuint(value.size, ==, 3);
        /* Empty is not the same as none. */
        g_assert_cmpint(change(objects, bus, object->path, "org.bluez.GattCharacteristic1", "Value", "ay",
                               "", &object, &value),
                        ==, OBJECT_CHAR);
        g_assert_nonnull(value.data);
        g_assert_cmpuint(value.size, ==, 0);
        objects_free(objects);
}

/* Absurd types are passed over, value by value; what is well-formed beside them counts. */
static void test_absurd_types(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        uint32_t number = 7;
        ObjectValue value;
        Object *object;

        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Connected", "u", &number, &object,
                               &value),
                        ==, OBJECT_DEVICE);
        g_assert_true(object->connected);
        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Name", "ay", "x", &object,
                               &value),
                        ==, OBJECT_DEVICE);
        g_assert_cmpstr(object->name, ==, "Pen");
        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "UUIDs", "s", "x", &object,
                               &value),
                        ==, OBJECT_DEVICE);
        g_assert_nonnull(object->profile);
        objects_free(objects);
}

/* A variant of this type, with something in it or (arrays) nothing. */
static int append_something(sd_bus_message *m, const char *type) {
        switch (type[0]) {
        case 'a':
                return sd_bus_message_append(m, "v", type, 0);
        case 'v':
                return sd_bus_message_append(m, "v", type, "u", 7);
        case '(':
                return type[1] == 's' ? sd_bus_message_append(m, "v", type, "x", "y") : sd_bus_message_append(m, "v", type, 1, 2);
        case 's':
        case 'o':
        case 'g':
                return sd_bus_message_append(m, "v", type, type[0] == 's' ? "x" : type[0] == 'o' ? "/o" : "a{sv}");
        case 'd':
                return sd_bus_message_append(m, "v", type, 1.5);
        case 'x':
        case 't':
                return sd_bus_message_append(m, "v", type, UINT64_C(1) << 40);
        default:
                return sd_bus_message_append(m, "v", type, 1);
        }
}

/* A property that is nothing of its type is passed over, whatever it is; the rest of the message counts. */
static void test_every_property_of_every_type(void) {
        static const struct {
                const char *interface, *name, *type, *path;
        } properties[] = {
                { "org.bluez.Adapter1", "Address", "s", "/org/bluez/hci0" },
                { "org.bluez.Adapter1", "Powered", "b", "/org/bluez/hci0" },
                { "org.bluez.Device1", "Address", "s", DEVICE },
                { "org.bluez.Device1", "AddressType", "s", DEVICE },
                { "org.bluez.Device1", "Name", "s", DEVICE },
                { "org.bluez.Device1", "Adapter", "o", DEVICE },
                { "org.bluez.Adapter1", "Modalias", "s", "/org/bluez/hci0" },
                { "org.bluez.Adapter1", "Discovering", "b", "/org/bluez/hci0" },
                { "org.bluez.Device1", "Connected", "b", DEVICE },
                { "org.bluez.Device1", "Paired", "b", DEVICE },
                { "org.bluez.Device1", "Bonded", "b", DEVICE },
                { "org.bluez.Device1", "Trusted", "b", DEVICE },
                { "org.bluez.Device1", "ServicesResolved", "b", DEVICE },
                { "org.bluez.Device1", "UUIDs", "as", DEVICE },
                { "org.bluez.Device1", "ManufacturerData", "a{qv}", DEVICE },
                { "org.bluez.Battery1", "Percentage", "y", DEVICE },
                { "org.bluez.GattService1", "UUID", "s", SERVICE },
        };
        static const char *const types[] = { "b", "y", "n", "q", "i", "u", "x", "t", "d", "s", "o", "g", "v", "ay", "as", "ao", "aay", "av",
                                             "a{sv}", "a{qv}", "a{sa{sv}}", "(ss)", "(nq)", "a(ss)", "aaaay", "a{ss}" };
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        Object *device = objects_get(objects, DEVICE), *object;
        ObjectValue value;

        for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
                for (size_t k = 0; k < G_N_ELEMENTS(types); k++) {
                        g_autoptr(sd_bus_message) m = signal_new(bus, properties[i].path, "org.freedesktop.DBus.Properties",
                                                                 "PropertiesChanged");
                        int r;

                        if (g_str_equal(types[k], properties[i].type))
                                continue;
                        g_assert_cmpint(sd_bus_message_append(m, "s", properties[i].interface), >=, 0);
                        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{sv}"), >=, 0);
                        g_assert_cmpint(sd_bus_message_open_container(m, 'e', "sv"), >=, 0);
                        g_assert_cmpint(sd_bus_message_append(m, "s", properties[i].name), >=, 0);
                        r = append_something(m, types[k]);
                        g_assert_cmpint(r, >=, 0);
                        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
                        if (g_str_equal(properties[i].interface, "org.bluez.Device1"))
                                g_assert_cmpint(sd_bus_message_append(m, "{sv}", "RSSI", "n", (int) (i + k)), >=, 0);
                        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
                        g_assert_cmpint(sd_bus_message_append(m, "as", 0), >=, 0);
                        seal(m);
                        g_assert_cmpint(objects_change(objects, m, &object, &value), >, 0);
                        if (g_str_equal(properties[i].interface, "org.bluez.Device1"))
                                g_assert_cmpint(device->rssi, ==, (int16_t) (i + k));
                }

        g_assert_true(objects_get(objects, "/org/bluez/hci0")->powered);
        g_assert_cmpstr(device->address, ==, "C0:FF:EE:12:34:56");
        g_assert_cmpstr(device->address_type, ==, "random");
        g_assert_cmpstr(device->name, ==, "Pen");
        g_assert_cmpstr(device->parent, ==, "/org/bluez/hci0");
        g_assert_true(device->connected && !device->services_resolved && device->profile);
        g_assert_true(device->bonded && device->has_bonded && !device->paired && !device->trusted);
        g_assert_false(objects_get(objects, "/org/bluez/hci0")->discovering);
        g_assert_cmpint(device->battery, ==, 88);
        g_assert_cmpstr(objects_get(objects, SERVICE)->uuid, ==, OMP_SERVICE_UUID);
        objects_free(objects);
}

static void test_address_that_is_none(void) {
        static const char *const texts[] = { "", "C0:FF:EE:12:34:5", "C0:FF:EE:12:34:567", "C0-FF-EE-12-34-56", "G0:FF:EE:12:34:56", "../../etc/passwd",
                                             "C0:FF:EE:12:34:56/x" };
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        ObjectValue value;
        Object *object;

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Address", "s", texts[i], &object, &value), ==, OBJECT_DEVICE);
                g_assert_cmpstr(object->address, ==, "C0:FF:EE:12:34:56");
        }
        g_assert_cmpint(change(objects, bus, DEVICE, "org.bluez.Device1", "Address", "s", "c0:ff:ee:00:00:01", &object, &value), ==,
                        OBJECT_DEVICE);
        g_assert_cmpstr(object->address, ==, "c0:ff:ee:00:00:01");
        objects_free(objects);
}

/* The pieces of an advertisement come one by one: with each the device is looked at again. */
static void test_vendor_match(void) {
        static const char text[] = "[Profile]\nFormat=1\nId=a.pen\nName=N\nMatch=service:0000ffe0-0000-1000-8000-00805f9b34fb+name:Vendor*;"
                                   "mfr:0x00dc:0102\n[Characteristic c]\nUUID=0000ffe1-0000-1000-8000-00805f9b34fb\nUse=notify\n";
        g_autoptr(sd_bus) bus = bus_new();
        g_autoptr(Profiles) vendors = profiles_new();
        Objects *objects = objects_new(vendors);
        ProfileFile *file;
        Object *object;

        g_assert_cmpint(profile_file_parse("x", text, strlen(text), NULL, NULL, &file), ==, 0);
        g_assert_cmpint(profiles_take(vendors, file), ==, 0);
        for (unsigned i = 0; i < 3; i++) {
                g_autoptr(sd_bus_message) m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");
                int r;

                switch (i) {
                case 0:
                        r = sd_bus_message_append(m, "oa{sa{sv}}", DEVICE, 1, "org.bluez.Device1", 2, "UUIDs", "as", 2,
                                                  "0000FFE0-0000-1000-8000-00805F9B34FB", "0000180f-0000-1000-8000-00805f9b34fb",
                                                  "ManufacturerData", "a{qv}", 1, 0xdc, "ay", 2, 1, 3);
                        break;
                case 1:
                        r = sd_bus_message_append(m, "oa{sa{sv}}", DEVICE, 1, "org.bluez.Device1", 1, "Name", "s", "Vendor pen");
                        break;
                default:
                        r = sd_bus_message_append(m, "oa{sa{sv}}", DEVICE, 1, "org.bluez.Device1", 2, "Name", "s", "Pen", "ManufacturerData",
                                                  "a{qv}", 2, 0xffff, "ay", 0, 0xdc, "ay", 3, 1, 2, 9);
                        break;
                }
                g_assert_cmpint(r, >=, 0);
                seal(m);
                g_assert_cmpint(objects_add(objects, m, &object), ==, OBJECT_DEVICE);
                g_assert_cmpuint(object->services->len, ==, 2); /* the one of interest, and the end */
                g_assert_cmpuint(object->makers->len, ==, 1);
                if (i == 0)
                        g_assert_null(object->profile);
                else
                        g_assert_true(object->profile == profiles_by_id(vendors, "a.pen"));
        }
        objects_free(objects);
}

static void test_wrong_signature(void) {
        g_autoptr(sd_bus) bus = bus_new();
        g_autoptr(sd_bus_message)
                m = signal_new(bus, DEVICE, "org.freedesktop.DBus.Properties", "PropertiesChanged");
        Objects *objects = filled(bus);
        ObjectValue value;
        const char *path;
        Object *object;

        g_assert_cmpint(sd_bus_message_append(m, "s", "org.bluez.Device1"), >=, 0);
        seal(m);
        g_assert_cmpint(objects_change(objects, m, &object, &value), ==, -EBADMSG);
        g_assert_cmpint(objects_add(objects, m, &object), ==, -EBADMSG);
        g_assert_cmpint(objects_remove(objects, m, &path), ==, -EBADMSG);
        g_assert_cmpint(objects_replace(objects, m), ==, -EBADMSG);
        g_assert_cmpuint(objects_size(objects), ==, 3);
        objects_free(objects);
}

static bool keeps_seventh(const Object *object, void *userdata) {
        return g_strcmp0(object->name, "seventh") == 0;
}

static void add_device(Objects *objects, sd_bus *bus, unsigned i, const char *property, const char *type, const char *name) {
        g_autofree char *path = g_strdup_printf("/org/bluez/hci0/dev_%08x", i);
        g_autoptr(sd_bus_message) m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");
        Object *object;
        int r;

        r = type[0] == 'b' ? sd_bus_message_append(m, "oa{sa{sv}}", path, 1, "org.bluez.Device1", 1, property, type, true)
                           : sd_bus_message_append(m, "oa{sa{sv}}", path, 1, "org.bluez.Device1", 1, property, type, name);
        g_assert_cmpint(r, >=, 0);
        seal(m);
        g_assert_cmpint(objects_add(objects, m, &object), ==, OBJECT_DEVICE);
        g_assert_cmpstr(object->path, ==, path); /* the one that has just come is there */
}

/* Of ten thousand strangers the last are kept; what is connected, paired, trusted or ours always is. */
static void test_crowd(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        ObjectValue value;
        Object *object;

        objects_set_keeper(objects, keeps_seventh, NULL);
        add_device(objects, bus, 1, "Connected", "b", NULL);
        add_device(objects, bus, 2, "Paired", "b", NULL);
        add_device(objects, bus, 3, "Trusted", "b", NULL);
        for (unsigned i = 4; i < 10000; i++) {
                add_device(objects, bus, i, "Name", "s", i == 7 ? "seventh" : "stranger");
                if (i % 100 == 0) /* it is seen again and again, and so it stays */
                        g_assert_cmpint(change(objects, bus, "/org/bluez/hci0/dev_00000005", "org.bluez.Device1", "RSSI", "n", "x",
                                               &object, &value), ==, OBJECT_DEVICE);
        }
        g_assert_cmpuint(objects_size(objects), <=, OBJECTS_STRANGERS_MAX + 3);
        for (unsigned i = 1; i < 9; i++) {
                g_autofree char *path = g_strdup_printf("/org/bluez/hci0/dev_%08x", i);

                if (i == 4 || i == 6 || i == 8)
                        g_assert_null(objects_get(objects, path));
                else
                        g_assert_nonnull(objects_get(objects, path));
        }
        g_assert_nonnull(objects_get(objects, "/org/bluez/hci0/dev_0000270f"));
        objects_free(objects);
}

/* The same in one answer to GetManagedObjects. */
static void test_crowd_at_once(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = objects_new(profiles);
        g_autoptr(sd_bus_message) m = signal_new(bus, "/", "org.example", "Reply");

        objects_set_keeper(objects, keeps_seventh, NULL);
        g_assert_cmpint(sd_bus_message_open_container(m, 'a', "{oa{sa{sv}}}"), >=, 0);
        for (unsigned i = 0; i < 10000; i++) {
                g_autofree char *path = g_strdup_printf("/org/bluez/hci0/dev_%08x", i);

                g_assert_cmpint(sd_bus_message_append(m, "{oa{sa{sv}}}", path, 1, "org.bluez.Device1", 1, "Name", "s",
                                                      i == 7 ? "seventh" : "stranger"), >=, 0);
        }
        g_assert_cmpint(sd_bus_message_close_container(m), >=, 0);
        seal(m);
        g_assert_cmpint(objects_replace(objects, m), ==, 0);
        g_assert_cmpuint(objects_size(objects), ==, OBJECTS_STRANGERS_MAX);
        g_assert_nonnull(objects_get(objects, "/org/bluez/hci0/dev_00000007"));
        g_assert_null(objects_get(objects, "/org/bluez/hci0/dev_00000008"));
        objects_clear(objects);
        g_assert_cmpuint(objects_size(objects), ==, 0);
        objects_free(objects);
}

/* A crowded room, or a malicious one, has an end. */
static void test_limits(void) {
        g_autoptr(sd_bus) bus = bus_new();
        Objects *objects = filled(bus);
        Object *object;

        for (unsigned i = 0; i < OBJECTS_MAX + 100; i++) {
                g_autofree char *path = g_strdup_printf("/org/bluez/hci0/dev_%08x", i);
                g_autofree char *name = g_strnfill(10000, 'n');
                g_autoptr(sd_bus_message)
                        m = signal_new(bus, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded");

                g_assert_cmpint(sd_bus_message_append(m, "oa{sa{sv}}", path, 1,
                                                      i == 0 ? "org.bluez.Device1" : "org.bluez.GattService1", 1,
                                                      i == 0 ? "Name" : "UUID", "s", name),
                                >=, 0);
                seal(m);
                g_assert_cmpint(objects_add(objects, m, &object), >=, 0);
                if (i == 0)
                        g_assert_cmpuint(strlen(object->name), <=, 248);
        }
        g_assert_cmpuint(objects_size(objects), ==, OBJECTS_MAX);
        /* What was known before is still kept up. */
        g_assert_nonnull(objects_get(objects, DEVICE));
        objects_free(objects);
}

static void test_device_path(void) {
        static const struct {
                const char *in, *out;
        } cases[] = {
                { SERVICE "/char000b", DEVICE },
                { SERVICE, DEVICE },
                { DEVICE, DEVICE },
                { "/org/bluez/hci0", NULL },
                { "/org/bluez/hci0/service000a", NULL },
                { "/org/bluez", NULL },
                { "/org/other/hci0/dev_XX/service", NULL },
                { "/org/bluezhci0/dev_XX/service", NULL },
                { "/org/bluez/hci0/hci1/dev_XX", NULL },
                { "/org/bluez/dev_XX/service", NULL },
                { "/org/bluez/hci0/dev_", "/org/bluez/hci0/dev_" },
                { "/org/bluez/hci0/dev_XX/dev_YY", "/org/bluez/hci0/dev_XX" },
                { "/", NULL },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *path = objects_device_path(cases[i].in);

                g_assert_cmpstr(path, ==, cases[i].out);
        }
}

#define CHARACTERISTIC "[Characteristic data]\nUUID=0000ffe1-0000-1000-8000-00805f9b34fb\nUse=notify\n"

static void on_problem(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static void take_profile(const char *text) {
        ProfileFile *file;

        g_assert_cmpint(profile_file_parse("example.mnprofile", text, strlen(text), on_problem, NULL, &file), ==, 0);
        g_assert_cmpint(profiles_take(profiles, file), ==, 0);
}

int main(int argc, char **argv) {
        int r;

        profiles = profiles_new();
        take_profile("[Profile]\nFormat=1\nId=example.makers\nName=Makers\n"
                     "Match=mfr:0x0001:0632;mfr:0x0002:0632;mfr:0x0003:0632;mfr:0x0004:0632;mfr:0x0005:0632;mfr:0x0006:0632\n"
                     CHARACTERISTIC);
        take_profile("[Profile]\nFormat=1\nId=example.model\nName=Model\nMatch=model:M1\n" CHARACTERISTIC);
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/objects/managed-objects", test_managed_objects);
        g_test_add_func("/objects/roles", test_roles);
        g_test_add_func("/objects/added-found-and-removed", test_added_found_and_removed);
        g_test_add_func("/objects/changes", test_changes);
        g_test_add_func("/objects/value", test_value);
        g_test_add_func("/objects/absurd-types", test_absurd_types);
        g_test_add_func("/objects/every-property-of-every-type", test_every_property_of_every_type);
        g_test_add_func("/objects/address-that-is-none", test_address_that_is_none);
        g_test_add_func("/objects/vendor-match", test_vendor_match);
        g_test_add_func("/objects/wrong-signature", test_wrong_signature);
        g_test_add_func("/objects/limits", test_limits);
        g_test_add_func("/objects/crowd", test_crowd);
        g_test_add_func("/objects/crowd-at-once", test_crowd_at_once);
        g_test_add_func("/objects/manufacturer-data", test_manufacturer_data);
        g_test_add_func("/objects/device-path", test_device_path);
        r = g_test_run();
        profiles = profiles_free(profiles);
        return r;
}
