/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"
#include "link/objects.h"
#include "scratch.h"
#include "vendor-profile.h"

/* What bluetoothd tells of devices: names, services, manufacturer data and addresses that anybody within reach of the radio may send, in properties of
 * any type. Each step is a message that is made of the input: its kind and path, then properties until an octet that says that there are no more. */

#define PATH "/org/bluez/hci0"

static sd_bus *bus;
static Profiles *profiles;

static const char *const paths[] = { PATH, PATH "/dev_00_00_00_00_00_01", PATH "/dev_00_00_00_00_00_02", PATH "/dev_00_00_00_00_00_01/service0001",
                                     PATH "/dev_00_00_00_00_00_01/service0001/char0002", PATH "/dev_00_00_00_00_00_03", "/", "/other" };
static const char *const interfaces[] = { "org.bluez.Adapter1", "org.bluez.Device1", "org.bluez.GattService1", "org.bluez.GattCharacteristic1",
                                          "org.bluez.Battery1", "org.bluez.GattManager1", "org.bluez.Other1" };
static const char *const names[] = { "Address", "AddressType", "Name", "Adapter", "Connected", "Paired", "Bonded", "Trusted", "ServicesResolved", "RSSI",
                                     "UUIDs", "ManufacturerData", "UUID", "Device", "Service", "Notifying", "NotifyAcquired", "Percentage", "Value", "Roles",
                                     "Powered", "Discovering", "Modalias", "Other" };

#define PICK(list, in) list[input_u8(in) % (sizeof(list) / sizeof(list[0]))]

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

/* A bus to make messages on; nothing is sent. */
static void begin(void) {
        int fds[2];

        assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
        assert(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, fds[0], fds[0]) >= 0 && sd_bus_set_anonymous(bus, true) >= 0 && sd_bus_start(bus) >= 0);
        (void) close(fds[1]);
        profiles = profiles_new();
        (void) scratch_write("fuzz.mnprofile", (const uint8_t *) vendor_text, sizeof(vendor_text) - 1);
        profiles_load_folder(profiles, scratch_folder, on_report, NULL);
        assert(profiles_by_id(profiles, "example.fuzz"));
}

static char *text_of(Input *in) {
        size_t size, length = input_u8(in);
        g_autofree uint8_t *octets = input_take(in, length, &size);

        return g_strndup((const char *) octets, size);
}

static int append_maker(sd_bus_message *m, Input *in) {
        size_t size, length = input_u8(in) % 64;
        uint8_t *octets = input_take(in, length, &size);
        uint16_t company = input_u16(in);
        int r = sd_bus_message_open_container(m, 'e', "qv");

        if (r >= 0)
                r = sd_bus_message_append_basic(m, 'q', &company);
        if (r >= 0)
                r = sd_bus_message_open_container(m, 'v', "ay");
        if (r >= 0)
                r = sd_bus_message_append_array(m, 'y', octets, size);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        free(octets);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_makers(sd_bus_message *m, Input *in) {
        unsigned n = input_u8(in) % 8;
        int r = sd_bus_message_open_container(m, 'v', "a{qv}");

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{qv}");
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = append_maker(m, in);
        if (r >= 0)
                r = sd_bus_message_close_container(m);
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_value(sd_bus_message *m, Input *in) {
        g_autofree char *text = NULL, *more = NULL;

        switch (input_u8(in) % 9) {
        case 0:
        case 1:
                text = text_of(in);
                return sd_bus_message_append(m, "v", "s", text);
        case 2:
                return sd_bus_message_append(m, "v", "o", PICK(paths, in));
        case 3:
                return sd_bus_message_append(m, "v", "b", input_u8(in) & 1);
        case 4:
                return sd_bus_message_append(m, "v", "n", (int16_t) input_u16(in));
        case 5:
                return sd_bus_message_append(m, "v", "y", input_u8(in));
        case 6:
                text = text_of(in);
                more = text_of(in);
                return sd_bus_message_append(m, "v", "as", 2, text, more);
        case 7:
                return append_makers(m, in);
        default:
                text = text_of(in);
                return sd_bus_message_append(m, "v", "ay", 2, text[0], 1);
        }
}

static int append_properties(sd_bus_message *m, Input *in) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        while (in->size > 0 && r >= 0 && input_u8(in) & 3) {
                r = sd_bus_message_open_container(m, 'e', "sv");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", PICK(names, in));
                if (r >= 0)
                        r = append_value(m, in);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_added(sd_bus_message *m, const char *path, Input *in) {
        unsigned n = input_u8(in) % 4;
        int r = sd_bus_message_append(m, "o", path);

        if (r >= 0)
                r = sd_bus_message_open_container(m, 'a', "{sa{sv}}");
        for (unsigned i = 0; i < n && r >= 0; i++) {
                r = sd_bus_message_open_container(m, 'e', "sa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append(m, "s", PICK(interfaces, in));
                if (r >= 0)
                        r = append_properties(m, in);
                if (r >= 0)
                        r = sd_bus_message_close_container(m);
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_changed(sd_bus_message *m, Input *in) {
        int r = sd_bus_message_append(m, "s", PICK(interfaces, in));

        if (r >= 0)
                r = append_properties(m, in);
        return r < 0 ? r : sd_bus_message_append(m, "as", 2, PICK(names, in), PICK(names, in));
}

static void take(Objects *objects, Input *in) {
        uint8_t kind = input_u8(in) % 4;
        const char *path = PICK(paths, in), *gone;
        sd_bus_message *m = NULL;
        ObjectValue value = {};
        Object *object;
        int r;

        assert(sd_bus_message_new_signal(bus, &m, path, "org.example.Test", "Test") >= 0);
        r = kind < 2 ? append_added(m, path, in) : kind == 2 ? append_changed(m, in) : sd_bus_message_append(m, "oas", path, 1, PICK(interfaces, in));
        if (r >= 0 && sd_bus_message_seal(m, 1, 0) >= 0) {
                r = kind < 2 ? objects_add(objects, m, &object) : kind == 2 ? objects_change(objects, m, &object, &value) : objects_remove(objects, m, &gone);
                assert(r >= 0 || r == -EBADMSG);
                if (kind == 2 && r > 0 && value.data)
                        assert(value.size <= 2);
        }
        sd_bus_message_unref(m);
}

static void check_text(const char *text) {
        assert(!text || g_utf8_validate(text, -1, NULL));
}

static void check(Object *object, void *userdata) {
        check_text(object->name);
        check_text(object->parent);
        assert(!object->address || strlen(object->address) == 17);
        assert(!object->profile || profiles_by_id(profiles, object->profile->id) == object->profile);
        g_free(objects_device_path(object->path));
        (void) objects_match(userdata, object, "Model");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        Objects *objects;

        if (!bus)
                begin();
        objects = objects_new(profiles);
        for (unsigned i = 0; i < 64 && in.size > 0; i++)
                take(objects, &in);
        assert(objects_size(objects) <= sizeof(paths) / sizeof(paths[0]));
        objects_foreach(objects, ~0u, check, objects);
        (void) objects_find_char(objects, paths[1], NULL, "");
        objects_free(objects);
        return 0;
}
