/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "att.h"
#include "autoptr.h"
#include "bluez-server.h"

/* The GATT application: an object for each service and characteristic. Values go through a socket that
 * bluetoothd takes with AcquireNotify: a write instead of a PropertiesChanged that the bus would copy to
 * whoever listens. */

typedef enum CharKind {
        CHAR_DEVICE,                    /* one of the peripheral's own */
        CHAR_INFORMATION,
        CHAR_BATTERY,
} CharKind;

#define FULL(uuid) "0000" uuid "-0000-1000-8000-00805f9b34fb"

/* In the order of PERIPHERAL_READ …. Encrypted: profile, 1.1 Security. */
static const struct {
        const char *flag, *encrypted;
} flag_names[] = {
        { "read", "encrypt-read" },
        { "write", "encrypt-write" },
        { "write-without-response", "write-without-response" },
        { "notify", "encrypt-notify" },
        { "indicate", "encrypt-indicate" },
};

struct BluezChar {
        BluezServer *server;            /* weak: our owner */
        CharKind kind;
        unsigned which;                 /* the peripheral's index, or PeripheralInfo */
        const char *uuid;
        unsigned properties;            /* PERIPHERAL_READ … */
        bool encrypted;
        int fd;                         /* while bluetoothd has the other end: some client is subscribed; else -1 */
        sd_event_source *hup;
};

/* The client reads Feature and the device information, then subscribes (profile, 1.11): its last read and
 * this much silence. */
#define AFTER_READ_USEC (300 * 1000u)

static void char_free(void *data) {
        BluezChar *c = data;

        sd_event_source_disable_unref(c->hup);
        if (c->fd >= 0)
                (void) close(c->fd);
        g_free(c);
}

static void char_unsubscribe(BluezChar *c) {
        c->hup = sd_event_source_disable_unref(c->hup);
        (void) close(c->fd);
        c->fd = -1;
        if (c->kind == CHAR_DEVICE)
                peripheral_subscribe(c->server->peripheral, c->which, false);
}

static int on_hup(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        char_unsubscribe(userdata);
        return 0;
}

/* a{sv} of a call from bluetoothd: the device it acts for, ATT_MTU, and where to begin. */
static int read_options(sd_bus_message *m, const char **ret_device, uint16_t *ret_mtu,
                        uint16_t *ret_offset) {
        int r = sd_bus_message_enter_container(m, 'a', "{sv}");

        *ret_device = NULL;
        *ret_mtu = *ret_offset = 0;
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                const char *key;

                r = sd_bus_message_read(m, "s", &key);
                if (r < 0)
                        break;
                if (strcmp(key, "device") == 0)
                        r = sd_bus_message_read(m, "v", "o", ret_device);
                else if (strcmp(key, "mtu") == 0)
                        r = sd_bus_message_read(m, "v", "q", ret_mtu);
                else if (strcmp(key, "offset") == 0)
                        r = sd_bus_message_read(m, "v", "q", ret_offset);
                else
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The length of the value, or a negative ATT error. */
static int char_read(const BluezChar *c, uint8_t *buf, size_t size) {
        const char *text;

        switch (c->kind) {
        case CHAR_DEVICE:
                return peripheral_read(c->server->peripheral, c->which, buf, size);
        case CHAR_INFORMATION:
                text = peripheral_info(c->server->peripheral, c->which);
                size = MIN(strlen(text), size);
                memcpy(buf, text, size);
                return (int) size;
        case CHAR_BATTERY:
                buf[0] = peripheral_battery(c->server->peripheral);
                return 1;
        }
        return -ATT_ERROR_READ_NOT_PERMITTED;
}

/* bluetoothd has kept a subscription that the device does not know of. */
static bool is_kept(const BluezChar *c) {
        return c->fd >= 0 && c->kind == CHAR_DEVICE && !peripheral_subscribed(c->server->peripheral, c->which);
}

bool bluez_server_gatt_kept(const BluezServer *s) {
        for (unsigned i = 0; i < s->chars->len; i++)
                if (is_kept(g_ptr_array_index(s->chars, i)))
                        return true;
        return false;
}

static void resubscribe(BluezServer *s) {
        for (unsigned i = 0; s->client && i < s->chars->len; i++) {
                const BluezChar *c = g_ptr_array_index(s->chars, i);

                if (is_kept(c))
                        peripheral_subscribe(s->peripheral, c->which, true);
        }
}

static int on_resubscribe(sd_event_source *source, uint64_t usec, void *userdata) {
        resubscribe(userdata);
        return 0;
}

void bluez_server_gatt_resubscribe(BluezServer *s, uint64_t after_usec) {
        (void) sd_event_source_set_time_relative(s->resubscribe, after_usec);
        (void) sd_event_source_set_enabled(s->resubscribe, SD_EVENT_ONESHOT);
}

static int method_read_value(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        g_autoptr(sd_bus_message) reply = NULL;
        BluezChar *c = userdata;
        uint8_t value[PERIPHERAL_VALUE_MAX];
        uint16_t mtu, offset;
        const char *device;
        int n, r;

        if (!bluez_server_from_bluez(c->server, m))
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Only bluetoothd may read");
        r = read_options(m, &device, &mtu, &offset);
        if (r < 0)
                return r;
        bluez_server_client_seen(c->server, device, mtu);
        /* Not the battery: bluetoothd's own client reads that as soon as it is connected. */
        if (c->kind != CHAR_BATTERY && bluez_server_gatt_kept(c->server))
                bluez_server_gatt_resubscribe(c->server, AFTER_READ_USEC);
        n = char_read(c, value, sizeof(value));
        if (n < 0)
                return sd_bus_error_setf(error, "org.bluez.Error.NotPermitted", "Not readable");
        if (offset > n)
                return sd_bus_error_setf(error, "org.bluez.Error.InvalidOffset", "The value has %d octets",
                                         n);
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', value + offset, (size_t) n - offset);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* bluetoothd makes an ATT error of the reply: of these two names, else of a number in the text of Failed, and there it
 * takes 0x80 to 0x9f alone. */
static int write_refused(int error, sd_bus_error *ret) {
        if (error == -ATT_ERROR_INVALID_LENGTH)
                return sd_bus_error_set(ret, "org.bluez.Error.InvalidValueLength", "Wrong length");
        if (error == -ATT_ERROR_WRITE_NOT_PERMITTED)
                return sd_bus_error_set(ret, "org.bluez.Error.NotPermitted", "Not writable");
        return sd_bus_error_setf(ret, "org.bluez.Error.Failed", "0x%02x", -error);
}

static int method_write_value(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezChar *c = userdata;
        uint16_t mtu, offset;
        const char *device;
        const void *value;
        size_t size;
        int r;

        if (!bluez_server_from_bluez(c->server, m))
                return sd_bus_error_set(error, SD_BUS_ERROR_ACCESS_DENIED, "Only bluetoothd may write");
        r = sd_bus_message_read_array(m, 'y', &value, &size);
        if (r >= 0)
                r = read_options(m, &device, &mtu, &offset);
        if (r < 0)
                return r;
        bluez_server_client_seen(c->server, device, mtu);
        if (offset > 0)
                return sd_bus_error_set(error, "org.bluez.Error.InvalidOffset", "Written in one piece only");
        resubscribe(c->server); /* it has subscribed before it writes */
        r = c->kind == CHAR_DEVICE ? peripheral_write(c->server->peripheral, c->which, value, size)
                                   : -ATT_ERROR_WRITE_NOT_PERMITTED;
        return r < 0 ? write_refused(r, error) : sd_bus_reply_method_return(m, NULL);
}

static int method_acquire_notify(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezChar *c = userdata;
        uint16_t mtu, offset;
        const char *device;
        int fds[2], r;

        if (!bluez_server_from_bluez(c->server, m))
                return sd_bus_error_setf(error, SD_BUS_ERROR_ACCESS_DENIED, "Only bluetoothd may subscribe");
        r = read_options(m, &device, &mtu, &offset);
        if (r < 0)
                return r;
        if (c->fd >= 0)
                char_unsubscribe(c);
        bluez_server_client_seen(c->server, device, mtu);
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        c->fd = fds[0];
        r = sd_event_add_io(c->server->event, &c->hup, c->fd, 0, on_hup, c);
        if (r >= 0)
                r = sd_bus_reply_method_return(m, "hq", fds[1], mtu);
        (void) close(fds[1]);
        if (r < 0) {
                char_unsubscribe(c);
                return r;
        }
        /* bluetoothd has answered the client's write before it called, and reads the socket after this
         * reply: nothing overtakes. */
        if (c->kind == CHAR_DEVICE)
                peripheral_subscribe(c->server->peripheral, c->which, true);
        return 1;
}

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", ((BluezChar *) userdata)->uuid);
}

static int property_get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        g_autofree char *service = g_path_get_dirname(path);

        return sd_bus_message_append(reply, "o", service);
}

static int property_get_flags(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *flags[G_N_ELEMENTS(flag_names) + 1] = {};
        const BluezChar *c = userdata;
        unsigned n = 0;

        for (unsigned i = 0; i < G_N_ELEMENTS(flag_names); i++)
                if (c->properties >> i & 1)
                        flags[n++] = c->encrypted && c->server->bondable ? flag_names[i].encrypted : flag_names[i].flag;
        return sd_bus_message_append_strv(reply, (char **) flags);
}

static int property_get_acquired(sd_bus *bus, const char *path, const char *interface, const char *property,
                                 sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", ((BluezChar *) userdata)->fd >= 0);
}

static int property_get_service_uuid(sd_bus *bus, const char *path, const char *interface,
                                     const char *property, sd_bus_message *reply, void *userdata,
                                     sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", (const char *) userdata);
}

static int property_get_primary(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "b", true);
}

static int on_registered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->application.call = sd_bus_slot_unref(s->application.call);
        if (bluez_server_registered(s, &s->application, m, "register the GATT services"))
                s->application.state = REGISTRATION_DONE;
        bluez_server_advance(s);
        return 0;
}

void bluez_server_gatt_register(BluezServer *s) {
        bluez_server_register(s, &s->application, s->adapter_path, "org.bluez.GattManager1",
                              "RegisterApplication", on_registered, "oa{sv}", BLUEZ_SERVER_APPLICATION, 0);
}

static int on_unregistered(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        BluezServer *s = userdata;

        s->application.call = sd_bus_slot_unref(s->application.call);
        s->application.state = REGISTRATION_NONE;
        bluez_server_advance(s);
        return 0;
}

void bluez_server_gatt_unregister(BluezServer *s) {
        int r;

        s->application.call = sd_bus_slot_unref(s->application.call);
        r = sd_bus_call_method_async(s->bus, &s->application.call, "org.bluez", s->adapter_path, "org.bluez.GattManager1",
                                     "UnregisterApplication", on_unregistered, s, "o", BLUEZ_SERVER_APPLICATION);
        if (r >= 0)
                s->application.state = REGISTRATION_ENDING;
        bluez_server_gatt_done(s);
}

void bluez_server_gatt_done(BluezServer *s) {
        for (unsigned i = 0; i < s->chars->len; i++) {
                BluezChar *c = g_ptr_array_index(s->chars, i);

                if (c->fd >= 0)
                        char_unsubscribe(c);
        }
}

static int char_notify(const BluezChar *c, const uint8_t *data, size_t size) {
        if (c->fd < 0 || !c->server->client)
                return -ENOTCONN;
        /* No octets are the end of the file to bluetoothd, which would never read this socket again. */
        if (size == 0)
                return -EINVAL;
        return send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int bluez_server_gatt_notify(BluezServer *s, unsigned which, const uint8_t *data, size_t size) {
        for (unsigned i = 0; i < s->chars->len; i++) {
                const BluezChar *c = g_ptr_array_index(s->chars, i);

                if (c->kind == CHAR_DEVICE && c->which == which)
                        return char_notify(c, data, size);
        }
        return -ENOTCONN;
}

int bluez_server_gatt_notify_battery(BluezServer *s, uint8_t level) {
        return char_notify(g_ptr_array_index(s->chars, s->chars->len - 1), &level, 1);
}

static const sd_bus_vtable service_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("UUID", "s", property_get_service_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Primary", "b", property_get_primary, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable char_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("ReadValue", SD_BUS_ARGS("a{sv}", options), SD_BUS_RESULT("ay", value),
                                method_read_value, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("WriteValue", SD_BUS_ARGS("ay", value, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_write_value, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("AcquireNotify", SD_BUS_ARGS("a{sv}", options),
                                SD_BUS_RESULT("h", fd, "q", mtu), method_acquire_notify,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("UUID", "s", property_get_uuid, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Service", "o", property_get_service, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Flags", "as", property_get_flags, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        /* bluetoothd only looks whether it is there: then it calls AcquireNotify and not StartNotify. */
        SD_BUS_PROPERTY("NotifyAcquired", "b", property_get_acquired, 0, 0),
        SD_BUS_VTABLE_END,
};

static int add_service(BluezServer *s, unsigned service, const char *uuid) {
        g_autofree char *path = g_strdup_printf(BLUEZ_SERVER_APPLICATION "/service%u", service);

        return sd_bus_add_object_vtable(s->bus, NULL, path, "org.bluez.GattService1", service_vtable, (void *) uuid);
}

static int add_char(BluezServer *s, unsigned service, const BluezChar *c) {
        g_autofree char *path =
                g_strdup_printf(BLUEZ_SERVER_APPLICATION "/service%u/char%02u", service, s->chars->len);
        BluezChar *copy = g_memdup2(c, sizeof(*c));

        copy->server = s;
        copy->fd = -1;
        g_ptr_array_add(s->chars, copy);
        return sd_bus_add_object_vtable(s->bus, NULL, path, "org.bluez.GattCharacteristic1", char_vtable, copy);
}

/* The device's own services, Device Information, Battery: the last characteristic is the battery's. */
static int add_all(BluezServer *s) {
        unsigned n, service = 0;
        const PeripheralChar *chars = peripheral_chars(s->peripheral, &n);
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < n; i++) {
                if (i == 0 || !g_str_equal(chars[i].service, chars[i - 1].service))
                        r = add_service(s, service++, chars[i].service);
                if (r >= 0)
                        r = add_char(s, service - 1, &(BluezChar) {
                                .kind = CHAR_DEVICE, .which = i, .uuid = chars[i].uuid,
                                .properties = chars[i].properties, .encrypted = chars[i].encrypted,
                        });
        }

        if (r >= 0)
                r = add_service(s, service++, FULL("180a"));
        for (unsigned i = 0; r >= 0 && i < PERIPHERAL_INFOS; i++)
                r = add_char(s, service - 1,
                             &(BluezChar) {
                                     .kind = CHAR_INFORMATION,
                                     .which = i,
                                     .uuid = peripheral_info_uuid((PeripheralInfo) i),
                                     .properties = PERIPHERAL_READ,
                             });

        if (r >= 0)
                r = add_service(s, service++, FULL("180f"));
        return r < 0 ? r : add_char(s, service - 1, &(BluezChar) {
                .kind = CHAR_BATTERY, .uuid = FULL("2a19"), .properties = PERIPHERAL_READ | PERIPHERAL_NOTIFY,
        });
}

int bluez_server_gatt_add(BluezServer *s) {
        int r = sd_bus_add_object_manager(s->bus, NULL, BLUEZ_SERVER_APPLICATION);

        s->chars = g_ptr_array_new_with_free_func(char_free);
        if (r >= 0)
                r = add_all(s);
        if (r >= 0)
                r = sd_event_add_time_relative(s->event, &s->resubscribe, CLOCK_BOOTTIME, 0, 0,
                                               on_resubscribe, s);
        return r < 0 ? r : sd_event_source_set_enabled(s->resubscribe, SD_EVENT_OFF);
}
