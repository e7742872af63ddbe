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
        CHAR_OMP,
        CHAR_INFORMATION,
        CHAR_BATTERY,
} CharKind;

enum {
        SERVICE_OMP,
        SERVICE_INFORMATION,
        SERVICE_BATTERY,
        _SERVICE_MAX,
};

static const char *const service_uuids[_SERVICE_MAX] = {
        [SERVICE_OMP] = OMP_SERVICE_UUID,
        [SERVICE_INFORMATION] = "0000180a-0000-1000-8000-00805f9b34fb",
        [SERVICE_BATTERY] = "0000180f-0000-1000-8000-00805f9b34fb",
};

typedef struct CharEntry {
        CharKind kind;
        unsigned service;
        unsigned which;                 /* OmpChar or PeripheralInfo */
        const char *uuid;               /* NULL: the profile's */
        const char *const *flags;
        const char *const *flags_bonded; /* profile, 1.1 Security: all characteristics of the service except Feature */
} CharEntry;

#define FLAGS(...) ((const char *const[]) { __VA_ARGS__, NULL })

static const CharEntry entries[] = {
        { CHAR_OMP, SERVICE_OMP, OMP_CHAR_FEATURE, NULL, FLAGS("read"), FLAGS("read") },
        { CHAR_OMP, SERVICE_OMP, OMP_CHAR_LIVE, NULL, FLAGS("notify"), FLAGS("encrypt-notify") },
        { CHAR_OMP, SERVICE_OMP, OMP_CHAR_WAVEFORM, NULL, FLAGS("notify"), FLAGS("encrypt-notify") },
        { CHAR_OMP, SERVICE_OMP, OMP_CHAR_EVENT, NULL, FLAGS("notify", "indicate"), FLAGS("encrypt-notify", "encrypt-indicate") },
        { CHAR_OMP, SERVICE_OMP, OMP_CHAR_STATUS, NULL, FLAGS("read", "notify"), FLAGS("encrypt-read", "encrypt-notify") },
#define INFORMATION(which, uuid)                                                                                                \
        { CHAR_INFORMATION, SERVICE_INFORMATION, which, "0000" uuid "-0000-1000-8000-00805f9b34fb", FLAGS("read"), FLAGS("read") }
        INFORMATION(PERIPHERAL_MANUFACTURER, "2a29"),
        INFORMATION(PERIPHERAL_MODEL, "2a24"),
        INFORMATION(PERIPHERAL_SERIAL, "2a25"),
        INFORMATION(PERIPHERAL_FIRMWARE, "2a26"),
        INFORMATION(PERIPHERAL_HARDWARE, "2a27"),
        { CHAR_BATTERY, SERVICE_BATTERY, 0, "00002a19-0000-1000-8000-00805f9b34fb", FLAGS("read", "notify"), FLAGS("read", "notify") },
};

struct BluezChar {
        BluezServer *server;            /* weak: our owner */
        const CharEntry *entry;
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
        if (c->entry->kind == CHAR_OMP)
                peripheral_subscribe(c->server->peripheral, c->entry->which, false);
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

        switch (c->entry->kind) {
        case CHAR_OMP:
                return peripheral_read(c->server->peripheral, c->entry->which, buf, size);
        case CHAR_INFORMATION:
                text = peripheral_info(c->server->peripheral, c->entry->which);
                size = MIN(strlen(text), size);
                memcpy(buf, text, size);
                return (int) size;
        case CHAR_BATTERY:
                buf[0] = peripheral_battery(c->server->peripheral);
                return 1;
        }
        return -ATT_ERROR_READ_NOT_PERMITTED;
}

static int method_read_value(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        g_autoptr(sd_bus_message) reply = NULL;
        BluezChar *c = userdata;
        uint8_t value[OMP_VALUE_MAX];
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
        if (c->entry->kind != CHAR_BATTERY && bluez_server_gatt_kept(c->server))
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
        if (c->entry->kind == CHAR_OMP)
                peripheral_subscribe(c->server->peripheral, c->entry->which, true);
        return 1;
}

static int property_get_uuid(sd_bus *bus, const char *path, const char *interface, const char *property,
                             sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const CharEntry *entry = ((BluezChar *) userdata)->entry;

        return sd_bus_message_append(reply, "s", entry->uuid ?: omp_char_uuid(entry->which));
}

static int property_get_service(sd_bus *bus, const char *path, const char *interface, const char *property,
                                sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        g_autofree char *service = g_path_get_dirname(path);

        return sd_bus_message_append(reply, "o", service);
}

static int property_get_flags(sd_bus *bus, const char *path, const char *interface, const char *property,
                              sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const BluezChar *c = userdata;

        return sd_bus_message_append_strv(reply, (char **) (c->server->bondable ? c->entry->flags_bonded
                                                                                : c->entry->flags));
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

int bluez_server_gatt_notify(BluezServer *s, OmpChar which, const uint8_t *data, size_t size) {
        for (unsigned i = 0; i < s->chars->len; i++) {
                const BluezChar *c = g_ptr_array_index(s->chars, i);

                if (c->entry->kind == CHAR_OMP && c->entry->which == which)
                        return char_notify(c, data, size);
        }
        return -ENOTCONN;
}

int bluez_server_gatt_notify_battery(BluezServer *s, uint8_t level) {
        return char_notify(g_ptr_array_index(s->chars, s->chars->len - 1), &level, 1);
}

bool bluez_server_gatt_kept(const BluezServer *s) {
        for (unsigned i = 0; i < s->chars->len; i++) {
                const BluezChar *c = g_ptr_array_index(s->chars, i);

                if (c->fd >= 0 && c->entry->kind == CHAR_OMP &&
                    !peripheral_subscribed(s->peripheral, c->entry->which))
                        return true;
        }
        return false;
}

static int on_resubscribe(sd_event_source *source, uint64_t usec, void *userdata) {
        BluezServer *s = userdata;

        for (unsigned i = 0; s->client && i < s->chars->len; i++) {
                const BluezChar *c = g_ptr_array_index(s->chars, i);

                if (c->fd >= 0 && c->entry->kind == CHAR_OMP &&
                    !peripheral_subscribed(s->peripheral, c->entry->which))
                        peripheral_subscribe(s->peripheral, c->entry->which, true);
        }
        return 0;
}

void bluez_server_gatt_resubscribe(BluezServer *s, uint64_t after_usec) {
        (void) sd_event_source_set_time_relative(s->resubscribe, after_usec);
        (void) sd_event_source_set_enabled(s->resubscribe, SD_EVENT_ONESHOT);
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

int bluez_server_gatt_add(BluezServer *s) {
        int r = sd_bus_add_object_manager(s->bus, NULL, BLUEZ_SERVER_APPLICATION);

        s->chars = g_ptr_array_new_with_free_func(char_free);
        for (unsigned i = 0; r >= 0 && i < _SERVICE_MAX; i++) {
                g_autofree char *path = g_strdup_printf(BLUEZ_SERVER_APPLICATION "/service%u", i);

                r = sd_bus_add_object_vtable(s->bus, NULL, path, "org.bluez.GattService1", service_vtable,
                                             (void *) service_uuids[i]);
        }
        for (unsigned i = 0; r >= 0 && i < G_N_ELEMENTS(entries); i++) {
                g_autofree char *path = g_strdup_printf(BLUEZ_SERVER_APPLICATION "/service%u/char%02u",
                                                        entries[i].service, i);
                BluezChar *c = g_new0(BluezChar, 1);

                c->server = s;
                c->entry = &entries[i];
                c->fd = -1;
                g_ptr_array_add(s->chars, c);
                r = sd_bus_add_object_vtable(s->bus, NULL, path, "org.bluez.GattCharacteristic1",
                                             char_vtable, c);
        }
        if (r >= 0)
                r = sd_event_add_time_relative(s->event, &s->resubscribe, CLOCK_BOOTTIME, 0, 0,
                                               on_resubscribe, s);
        return r < 0 ? r : sd_event_source_set_enabled(s->resubscribe, SD_EVENT_OFF);
}
