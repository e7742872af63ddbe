/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "att.h"
#include "standin.h"

#define NOTIFICATION_MAX 512u           /* "Notifications longer than 512 B are cut to 512" */
#define LISTENERS_MAX 64u
#define QUEUE_MAX 1024u /* signals that the bus has not taken yet: from there on they are lost on the way   \
                         */
#define ATT_USEC 7000u                  /* a request and its answer on the air */

static void chrc_changed(Characteristic *c, const char *name) {
        object_changed(c->device->standin, c->object, INTERFACE_CHARACTERISTIC, name, NULL);
}

static void chrc_set_value(Characteristic *c, const uint8_t *data, size_t size) {
        if (!c->value)
                c->value = g_byte_array_new();
        g_byte_array_set_size(c->value, 0);
        g_byte_array_append(c->value, data, (unsigned) size);
        chrc_changed(c, "Value");
}

/* The CCCD follows who listens. */
static void chrc_update(Characteristic *c) {
        Device *d = c->device;

        if (c->kind != CHARACTERISTIC_DEVICE || d->body->linked != d)
                return;

        peripheral_subscribe(d->peripheral, c->which, d->link == LINK_RESOLVED &&
                             ((c->fd >= 0 && c->holder) || c->listeners->len > 0));
        if (d->body->cycle)
                cycle_subscribed(d->body->cycle);
}

void chrc_close(Characteristic *c) {
        if (c->fd < 0)
                return;

        c->io = sd_event_source_disable_unref(c->io);
        close(c->fd);
        c->fd = -1;
        g_clear_pointer(&c->holder, g_free);
        chrc_changed(c, "NotifyAcquired");
        chrc_update(c);
}

/* The client closed its end. */
static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        chrc_close(userdata);
        return 0;
}

static int chrc_read(Characteristic *c, uint8_t *buf, size_t size) {
        Device *d = c->device;
        const char *text;

        switch (c->kind) {
        case CHARACTERISTIC_SERVICE_CHANGED:
                break;
        case CHARACTERISTIC_INFORMATION:
                text = peripheral_info(d->peripheral, (PeripheralInfo) c->which);
                /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): a value has a length */
                memcpy(buf, text, MIN(strlen(text), size));
                return (int) MIN(strlen(text), size);
        case CHARACTERISTIC_BATTERY:
                buf[0] = peripheral_battery(d->peripheral);
                return 1;
        case CHARACTERISTIC_DEVICE:
                return peripheral_read(d->peripheral, c->which, buf, size);
        }

        return -PERIPHERAL_READ_NOT_PERMITTED;
}

/* By a request on a link that is good enough. Else the call waits, or has been answered. */
static bool chrc_reached(Characteristic *c, Call *call) {
        return (!c->encrypted || device_secure(c->device, call)) && device_answers(c->device, call);
}

/* The options "offset" and "type" of a read or a write. */
static bool read_options(sd_bus_message *m, uint16_t *ret_offset, const char **ret_type) {
        const char *key;

        *ret_offset = 0;
        *ret_type = NULL;
        if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return false;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0)
                        return false;
                if ((g_str_equal(key, "offset") ? sd_bus_message_read(m, "v", "q", ret_offset)
                     : g_str_equal(key, "type") ? sd_bus_message_read(m, "v", "s", ret_type)
                                                : sd_bus_message_skip(m, "v")) < 0)
                        return false;
                if (sd_bus_message_exit_container(m) < 0)
                        return false;
        }

        return true;
}

static void reply_value(Call *call, const uint8_t *data, size_t size) {
        sd_bus_message *reply = call_new_reply(call);

        if (!reply)
                return;
        (void) sd_bus_message_append_array(reply, 'y', data, size);
        call_send(call, reply);
}

/* The device's ATT error in bluetoothd's words. */
static void att_error(Call *call, int error) {
        char text[] = "Operation failed with ATT error: 0x00";

        switch (-error) {
        case ATT_ERROR_READ_NOT_PERMITTED:
                call_error(call, "NotPermitted", "Read not permitted");
                return;
        case ATT_ERROR_WRITE_NOT_PERMITTED:
                call_error(call, "NotPermitted", "Write not permitted");
                return;
        case ATT_ERROR_INVALID_OFFSET:
                call_error(call, "InvalidArguments", "Invalid offset");
                return;
        case ATT_ERROR_INVALID_LENGTH:
                call_error(call, "InvalidArguments", "Invalid Length");
                return;
        case ATT_ERROR_NOT_SUPPORTED:
                call_error(call, "NotSupported", "Operation is not supported");
                return;
        }

        (void) snprintf(text + sizeof(text) - 3, 3, "%02x", (unsigned) -error & 0xff);
        call_error(call, "Failed", text);
}

/* What was read is broadcast before it is answered. */
static void method_read_value(Call *call) {
        Characteristic *c = call->what;
        uint8_t buf[NOTIFICATION_MAX];
        const char *type;
        uint16_t offset;
        int n;

        if (!read_options(call->message, &offset, &type)) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (c->device->link != LINK_RESOLVED) {
                call_error(call, "Failed", "Not connected");
                return;
        }
        if (!(c->properties & PERIPHERAL_READ)) {
                call_error(call, "NotPermitted", "Read not permitted");
                return;
        }
        if (!chrc_reached(c, call))
                return;

        n = chrc_read(c, buf, sizeof(buf));
        if (n < 0 || offset > n) {
                att_error(call, n < 0 ? n : -ATT_ERROR_INVALID_OFFSET);
                return;
        }

        chrc_set_value(c, buf, (size_t) n);
        reply_value(call, buf + offset, (size_t) (n - offset));
}

/* As characteristic_write_value() of 5.66: the type that was asked for, else what the characteristic can; a command is answered
 * before the device has it. */
static void method_write_value(Call *call) {
        Characteristic *c = call->what;
        uint16_t offset;
        const char *type;
        const void *data;
        bool command;
        size_t size;
        int r;

        if (c->device->link != LINK_RESOLVED) {
                call_error(call, "Failed", "Not connected");
                return;
        }
        if (sd_bus_message_read_array(call->message, 'y', &data, &size) < 0 ||
            !read_options(call->message, &offset, &type)) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (size > PERIPHERAL_VALUE_MAX) {
                call_error(call, "InvalidArguments", "Invalid Length");
                return;
        }
        command = type ? g_ascii_strcasecmp(type, "command") == 0 : !(c->properties & PERIPHERAL_WRITE);
        if (c->kind != CHARACTERISTIC_DEVICE ||
            !(c->properties & (command ? PERIPHERAL_WRITE_COMMAND : PERIPHERAL_WRITE))) {
                call_error(call, "NotSupported", "Operation is not supported");
                return;
        }
        if (!chrc_reached(c, call))
                return;

        /* A long write, which the device does not take. */
        r = offset > 0 || size + 3 > call->standin->mtu ? -ATT_ERROR_NOT_SUPPORTED
                                                          : peripheral_write(c->device->peripheral, c->which, data, size);
        if (r < 0 && !command)
                att_error(call, r);
        else
                call_reply(call);
}

static int find_listener(const Characteristic *c, const char *name) {
        for (unsigned i = 0; i < c->listeners->len; i++)
                if (g_str_equal(c->listeners->pdata[i], name))
                        return (int) i;

        return -1;
}

static void method_start_notify(Call *call) {
        Characteristic *c = call->what;

        if (c->fd >= 0) {
                call_error(call, "NotPermitted", "Notify acquired");
                return;
        }
        if (!(c->properties & PERIPHERAL_LISTENABLE)) {
                call_error(call, "NotSupported", "Operation is not supported");
                return;
        }
        if (find_listener(c, call_sender(call)) >= 0) {
                call_reply(call);
                return;
        }
        if (c->listeners->len >= LISTENERS_MAX) {
                call_error(call, "Failed", "Failed allocate notify session");
                return;
        }
        if (c->device->link == LINK_RESOLVED && !chrc_reached(c, call))
                return;

        /* On a disconnected device it is remembered for the next connection. */
        g_ptr_array_add(c->listeners, g_strdup(call_sender(call)));
        if (c->listeners->len == 1)
                chrc_changed(c, "Notifying");
        call_reply(call);
        chrc_update(c);
}

/* "StopNotify from any sender destroys our socket" */
static void method_stop_notify(Call *call) {
        Characteristic *c = call->what;
        int i = find_listener(c, call_sender(call));

        if (c->fd >= 0) {
                chrc_close(c);
                call_reply(call);
                return;
        }
        if (i < 0) {
                call_error(call, "Failed", "No notify session started");
                return;
        }

        g_ptr_array_remove_index(c->listeners, (unsigned) i);
        if (c->listeners->len == 0)
                chrc_changed(c, "Notifying");
        chrc_update(c);
        call_reply(call);
}

/* What can be said against it, in the order in which bluetoothd looks. True: it has been answered. */
static bool acquire_refused(Call *call, const Characteristic *c) {
        if (c->device->link != LINK_RESOLVED)
                call_error(call, "Failed", "Not connected");
        else if (c->fd >= 0)
                call_error(call, "NotPermitted", "Notify acquired");
        else if (c->listeners->len > 0)
                call_error(call, "InProgress", "In Progress");
        else if (!(c->properties & PERIPHERAL_NOTIFY))
                call_error(call, "NotSupported", "Operation is not supported");
        else
                return false;

        return true;
}

static void method_acquire_notify(Call *call) {
        Characteristic *c = call->what;
        Standin *s = call->standin;
        sd_bus_message *reply;
        int fds[2];

        if (acquire_refused(call, c))
                return;
        if (!chrc_reached(c, call))
                return;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0) {
                call_error(call, "Failed", strerror(errno));
                return;
        }

        c->fd = fds[0];
        c->holder = g_strdup(call_sender(call));
        (void) sd_event_add_io(s->event, &c->io, c->fd, EPOLLHUP | EPOLLRDHUP, on_hangup, c);
        chrc_changed(c, "NotifyAcquired");
        if ((reply = call_new_reply(call))) {
                (void) sd_bus_message_append(reply, "hq", fds[1], s->mtu); /* duplicates the descriptor */
                call_send(call, reply);
        }
        close(fds[1]);
        chrc_update(c);
}

static void method_read_descriptor(Call *call) {
        Characteristic *c = call->what;
        uint8_t ccc[2] = { 0, 0 };

        if (c->device->link != LINK_RESOLVED) {
                call_error(call, "Failed", "Not connected");
                return;
        }

        ccc[0] = c->fd >= 0 || c->listeners->len > 0 ? (c->properties & PERIPHERAL_NOTIFY ? 1 : 2) : 0;
        reply_value(call, ccc, sizeof(ccc));
}

static void method_write_descriptor(Call *call) {
        call_error(call, "NotPermitted", "Write not permitted");
}

static int property_get_service_uuid(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", ((Service *) what)->uuid);
}

static int property_get_device(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "o", ((Service *) what)->device->path);
}

static int property_get_primary(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", true);
}

static int property_get_includes(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "ao", 0);
}

static int property_get_uuid(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", ((Characteristic *) what)->uuid);
}

static int property_get_service(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "o", ((Characteristic *) what)->service->object->path);
}

static int property_get_value(void *what, sd_bus_message *m) {
        const GByteArray *value = ((Characteristic *) what)->value;

        return sd_bus_message_append_array(m, 'y', value->data, value->len);
}

static bool property_exists_value(void *what) {
        return ((Characteristic *) what)->value;
}

static bool property_exists_notifying(void *what) {
        return ((Characteristic *) what)->properties & PERIPHERAL_LISTENABLE;
}

static bool property_exists_acquired(void *what) {
        return ((Characteristic *) what)->properties & PERIPHERAL_NOTIFY;
}

static int property_get_notifying(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Characteristic *) what)->listeners->len > 0);
}

static int property_get_acquired(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Characteristic *) what)->fd >= 0);
}

static int property_get_flags(void *what, sd_bus_message *m) {
        static const char *const names[] = { "read", "write", "write-without-response", "notify", "indicate" };
        unsigned flags = ((Characteristic *) what)->properties;
        int r;

        if ((r = sd_bus_message_open_container(m, 'a', "s")) < 0)
                return r;
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
                if (flags >> i & 1 && (r = sd_bus_message_append(m, "s", names[i])) < 0)
                        return r;

        return sd_bus_message_close_container(m);
}

static int property_get_mtu(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "q", ((Characteristic *) what)->device->standin->mtu);
}

static int property_get_ccc_uuid(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", "00002902-0000-1000-8000-00805f9b34fb");
}

static int property_get_characteristic(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "o", ((Characteristic *) what)->object->path);
}

void gatt_link_up(Device *d) {
        for (unsigned i = 0; i < d->characteristics->len; i++)
                chrc_update(gatt_characteristic(d, i));
}

void gatt_link_down(Device *d) {
        for (unsigned i = 0; i < d->characteristics->len; i++)
                chrc_close(gatt_characteristic(d, i));
}

static PeripheralSent chrc_notify(Characteristic *c, const uint8_t *data, size_t size) {
        Standin *s = c->device->standin;
        uint64_t queued = 0;

        size = MIN(size, NOTIFICATION_MAX);
        if (c->fd >= 0)
                return send(c->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? PERIPHERAL_REFUSED
                                                                                : PERIPHERAL_SENT;
        if (c->listeners->len == 0 || !s->bus)
                return PERIPHERAL_REFUSED;
        if (sd_bus_get_n_queued_write(s->bus, &queued) < 0 || queued > QUEUE_MAX)
                return PERIPHERAL_REFUSED;

        chrc_set_value(c, data, size);
        return PERIPHERAL_SENT;
}

void gatt_battery_changed(Device *d) {
        uint8_t battery = peripheral_battery(d->peripheral);

        for (unsigned i = 0; i < d->characteristics->len; i++) {
                Characteristic *c = gatt_characteristic(d, i);

                if (c->kind == CHARACTERISTIC_BATTERY && (c->fd >= 0 || c->listeners->len > 0))
                        (void) chrc_notify(c, &battery, 1);
        }
}

/* "Client leaving the bus = StopNotify"; the socket of one that acquired stays, silent, until it closes its
 * end. */
void gatt_client_gone(Device *d, const char *name) {
        for (unsigned i = 0; i < d->characteristics->len; i++) {
                Characteristic *c = gatt_characteristic(d, i);
                int k = find_listener(c, name);

                if (k >= 0) {
                        g_ptr_array_remove_index(c->listeners, (unsigned) k);
                        if (c->listeners->len == 0)
                                chrc_changed(c, "Notifying");
                }
                if (g_strcmp0(c->holder, name) == 0)
                        g_clear_pointer(&c->holder, g_free);
                chrc_update(c);
        }
}

/* The device's own stand last, in its order. */
PeripheralSent gatt_notify(Device *d, unsigned index, const uint8_t *data, size_t size) {
        unsigned n;

        (void) peripheral_chars(d->peripheral, &n);
        return chrc_notify(gatt_characteristic(d, d->characteristics->len - n + index), data, size);
}

Characteristic *gatt_characteristic(const Device *d, unsigned i) {
        return d->characteristics->pdata[i];
}

const Method characteristic_methods[] = {
        { "ReadValue", "a{sv}", "ay", ATT_USEC, method_read_value },
        { "WriteValue", "aya{sv}", "", ATT_USEC, method_write_value },
        { "AcquireNotify", "a{sv}", "hq", ATT_USEC, method_acquire_notify },
        { "StartNotify", "", "", ATT_USEC, method_start_notify },
        { "StopNotify", "", "", ATT_USEC, method_stop_notify },
        {},
};

const Method descriptor_methods[] = {
        { "ReadValue", "a{sv}", "ay", ATT_USEC, method_read_descriptor },
        { "WriteValue", "aya{sv}", "", 0, method_write_descriptor },
        {},
};

const Property service_properties[] = {
        { "UUID", "s", property_get_service_uuid, NULL, NULL },
        { "Device", "o", property_get_device, NULL, NULL },
        { "Primary", "b", property_get_primary, NULL, NULL },
        { "Includes", "ao", property_get_includes, NULL, NULL },
        {},
};

const Property characteristic_properties[] = {
        { "UUID", "s", property_get_uuid, NULL, NULL },
        { "Service", "o", property_get_service, NULL, NULL },
        { "Value", "ay", property_get_value, property_exists_value, NULL },
        { "Notifying", "b", property_get_notifying, property_exists_notifying, NULL },
        { "Flags", "as", property_get_flags, NULL, NULL },
        { "NotifyAcquired", "b", property_get_acquired, property_exists_acquired, NULL },
        { "MTU", "q", property_get_mtu, NULL, NULL },
        {},
};

const Property descriptor_properties[] = {
        { "UUID", "s", property_get_ccc_uuid, NULL, NULL },
        { "Characteristic", "o", property_get_characteristic, NULL, NULL },
        {},
};
