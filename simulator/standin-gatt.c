/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "standin.h"

#define NOTIFICATION_MAX 512u           /* "Notifications longer than 512 B are cut to 512" */
#define LISTENERS_MAX 64u
#define QUEUE_MAX 1024u /* signals that the bus has not taken yet: from there on they are lost on the way   \
                         */
#define ATT_USEC 7000u                  /* a request and its answer on the air */

enum {
        CHRC_READ = 1 << 0,
        CHRC_NOTIFY = 1 << 1,
        CHRC_INDICATE = 1 << 2,
        CHRC_ENCRYPTED = 1 << 3,        /* "encrypt-* invisible to a client" */
};

static const struct {
        const char *uuid;
        uint16_t handle;
} service_table[N_SERVICES] = {
        /* 0x1800 is there too, and not exported. */
        { "00001801-0000-1000-8000-00805f9b34fb", 0x0006 },
        { "0000180a-0000-1000-8000-00805f9b34fb", 0x000a },
        { "0000180f-0000-1000-8000-00805f9b34fb", 0x0015 },
        { OMP_SERVICE_UUID, 0x0019 },
};

static const struct {
        unsigned service;
        const char *uuid;       /* NULL: omp_char_uuid(omp) */
        uint16_t handle;        /* of the declaration */
        unsigned flags;
        OmpChar omp;            /* with CHRC_ENCRYPTED or Feature */
        int info;               /* PeripheralInfo, or -1 */
} characteristic_table[N_CHARACTERISTICS] = {
        { 0, "00002a05-0000-1000-8000-00805f9b34fb", 0x0007, CHRC_INDICATE, _OMP_CHAR_MAX, -1 },
        { 1, "00002a29-0000-1000-8000-00805f9b34fb", 0x000b, CHRC_READ, _OMP_CHAR_MAX,
          PERIPHERAL_MANUFACTURER },
        { 1, "00002a24-0000-1000-8000-00805f9b34fb", 0x000d, CHRC_READ, _OMP_CHAR_MAX, PERIPHERAL_MODEL },
        { 1, "00002a25-0000-1000-8000-00805f9b34fb", 0x000f, CHRC_READ, _OMP_CHAR_MAX, PERIPHERAL_SERIAL },
        { 1, "00002a26-0000-1000-8000-00805f9b34fb", 0x0011, CHRC_READ, _OMP_CHAR_MAX, PERIPHERAL_FIRMWARE },
        { 1, "00002a27-0000-1000-8000-00805f9b34fb", 0x0013, CHRC_READ, _OMP_CHAR_MAX, PERIPHERAL_HARDWARE },
        { 2, "00002a19-0000-1000-8000-00805f9b34fb", 0x0016, CHRC_READ | CHRC_NOTIFY, _OMP_CHAR_MAX, -1 },
        { 3, NULL, 0x001a, CHRC_READ, OMP_CHAR_FEATURE, -1 },
        { 3, NULL, 0x001c, CHRC_NOTIFY | CHRC_ENCRYPTED, OMP_CHAR_LIVE, -1 },
        { 3, NULL, 0x001f, CHRC_NOTIFY | CHRC_ENCRYPTED, OMP_CHAR_WAVEFORM, -1 },
        { 3, NULL, 0x0022, CHRC_NOTIFY | CHRC_INDICATE | CHRC_ENCRYPTED, OMP_CHAR_EVENT, -1 },
        { 3, NULL, 0x0025, CHRC_READ | CHRC_NOTIFY | CHRC_ENCRYPTED, OMP_CHAR_STATUS, -1 },
};
#define BATTERY_INDEX 6

static unsigned chrc_flags(const Characteristic *c) {
        return characteristic_table[c->index].flags;
}

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
        OmpChar omp = characteristic_table[c->index].omp;

        if (omp < _OMP_CHAR_MAX)
                peripheral_subscribe(d->peripheral, omp, d->link == LINK_RESOLVED &&
                                     ((c->fd >= 0 && c->holder) || c->listeners->len > 0));
}

static void chrc_close(Characteristic *c) {
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

        if (characteristic_table[c->index].info >= 0) {
                text = peripheral_info(d->peripheral, (PeripheralInfo) characteristic_table[c->index].info);
                memcpy(buf, text, MIN(strlen(text), size));
                return (int) MIN(strlen(text), size);
        }
        if (c->index == BATTERY_INDEX) {
                buf[0] = peripheral_battery(d->peripheral);
                return 1;
        }

        return peripheral_read(d->peripheral, characteristic_table[c->index].omp, buf, size);
}

/* The option "offset" of a read. */
static bool read_offset(sd_bus_message *m, uint16_t *ret) {
        const char *key;

        *ret = 0;
        if (sd_bus_message_enter_container(m, 'a', "{sv}") < 0)
                return false;
        while (sd_bus_message_enter_container(m, 'e', "sv") > 0) {
                if (sd_bus_message_read(m, "s", &key) < 0)
                        return false;
                if (g_str_equal(key, "offset") ? sd_bus_message_read(m, "v", "q", ret) < 0
                                               : sd_bus_message_skip(m, "v") < 0)
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

/* What was read is broadcast before it is answered. */
static void method_read_value(Call *call) {
        Characteristic *c = call->what;
        uint8_t buf[NOTIFICATION_MAX];
        uint16_t offset;
        int n;

        if (!read_offset(call->message, &offset)) {
                call_error(call, "InvalidArguments", "Invalid arguments in method call");
                return;
        }
        if (c->device->link != LINK_RESOLVED) {
                call_error(call, "Failed", "Not connected");
                return;
        }
        if (!(chrc_flags(c) & CHRC_READ)) {
                call_error(call, "NotPermitted", "Read not permitted");
                return;
        }
        if (chrc_flags(c) & CHRC_ENCRYPTED && !device_secure(c->device, call))
                return;

        n = chrc_read(c, buf, sizeof(buf));
        if (n < 0 || offset > n) {
                call_error(call, n < 0 ? "Failed" : "InvalidArguments",
                           n < 0 ? "Operation failed with ATT error: 0x0e" : "Invalid offset");
                return;
        }

        chrc_set_value(c, buf, (size_t) n);
        reply_value(call, buf + offset, (size_t) (n - offset));
}

static void method_write_value(Call *call) {
        call_error(call, "NotSupported", "Operation is not supported");
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
        if (!(chrc_flags(c) & (CHRC_NOTIFY | CHRC_INDICATE))) {
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
        if (c->device->link == LINK_RESOLVED && chrc_flags(c) & CHRC_ENCRYPTED &&
            !device_secure(c->device, call))
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
        else if (!(chrc_flags(c) & CHRC_NOTIFY))
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
        if (chrc_flags(c) & CHRC_ENCRYPTED && !device_secure(c->device, call))
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

        ccc[0] = c->fd >= 0 || c->listeners->len > 0 ? (chrc_flags(c) & CHRC_NOTIFY ? 1 : 2) : 0;
        reply_value(call, ccc, sizeof(ccc));
}

static void method_write_descriptor(Call *call) {
        call_error(call, "NotPermitted", "Write not permitted");
}

static int property_get_service_uuid(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "s", service_table[((Service *) what)->index].uuid);
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
        unsigned i = ((Characteristic *) what)->index;

        return sd_bus_message_append(
                m, "s", characteristic_table[i].uuid ?: omp_char_uuid(characteristic_table[i].omp));
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
        return chrc_flags(what) & (CHRC_NOTIFY | CHRC_INDICATE);
}

static bool property_exists_acquired(void *what) {
        return chrc_flags(what) & CHRC_NOTIFY;
}

static int property_get_notifying(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Characteristic *) what)->listeners->len > 0);
}

static int property_get_acquired(void *what, sd_bus_message *m) {
        return sd_bus_message_append(m, "b", ((Characteristic *) what)->fd >= 0);
}

static int property_get_flags(void *what, sd_bus_message *m) {
        static const char *const names[] = { "read", "notify", "indicate" };
        unsigned flags = chrc_flags(what);
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

static void chrc_export(Characteristic *c) {
        Standin *s = c->device->standin;
        unsigned handle = characteristic_table[c->index].handle;
        g_autofree char *path = g_strdup_printf("%s/char%04x", c->service->object->path, handle);

        c->object = object_add(s, path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_CHARACTERISTIC, c);
        if (chrc_flags(c) & (CHRC_NOTIFY | CHRC_INDICATE)) {
                g_autofree char *ccc = g_strdup_printf("%s/desc%04x", path, handle + 2);

                c->ccc = object_add(s, ccc, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_DESCRIPTOR, c);
        }
}

void gatt_init(Device *d) {
        for (unsigned i = 0; i < N_SERVICES; i++)
                d->services[i] = (Service) { .device = d, .index = i };

        for (unsigned i = 0; i < N_CHARACTERISTICS; i++) {
                Characteristic *c = d->characteristics + i;

                *c = (Characteristic) {
                        .device = d,
                        .service = d->services + characteristic_table[i].service,
                        .index = i,
                        .fd = -1,
                        .listeners = g_ptr_array_new_with_free_func(g_free),
                };
                if (characteristic_table[i].omp < _OMP_CHAR_MAX)
                        d->by_char[characteristic_table[i].omp] = c;
        }
}

void gatt_done(Device *d) {
        for (unsigned i = 0; i < N_CHARACTERISTICS; i++) {
                Characteristic *c = d->characteristics + i;

                c->io = sd_event_source_disable_unref(c->io);
                if (c->fd >= 0)
                        close(c->fd);
                g_clear_pointer(&c->holder, g_free);
                g_clear_pointer(&c->listeners, g_ptr_array_unref);
                g_clear_pointer(&c->value, g_byte_array_unref);
        }
}

void gatt_export(Device *d) {
        for (unsigned i = 0; i < N_SERVICES; i++) {
                g_autofree char *path = g_strdup_printf("%s/service%04x", d->path, service_table[i].handle);

                if (d->services[i].object)
                        continue;
                d->services[i].object =
                        object_add(d->standin, path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_SERVICE,
                                   d->services + i);
                for (unsigned k = 0; k < N_CHARACTERISTICS; k++)
                        if (characteristic_table[k].service == i)
                                chrc_export(d->characteristics + k);
        }
}

void gatt_unexport(Device *d) {
        Standin *s = d->standin;

        for (unsigned i = 0; i < N_CHARACTERISTICS; i++) {
                Characteristic *c = d->characteristics + i;

                g_ptr_array_set_size(c->listeners, 0);
                g_clear_pointer(&c->value, g_byte_array_unref);
                c->ccc = object_remove(s, c->ccc);
                c->object = object_remove(s, c->object);
        }
        for (unsigned i = 0; i < N_SERVICES; i++)
                d->services[i].object = object_remove(s, d->services[i].object);
}

void gatt_link_up(Device *d) {
        for (unsigned i = 0; i < N_CHARACTERISTICS; i++)
                chrc_update(d->characteristics + i);
}

void gatt_link_down(Device *d) {
        for (unsigned i = 0; i < N_CHARACTERISTICS; i++)
                chrc_close(d->characteristics + i);
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
        Characteristic *c = d->characteristics + BATTERY_INDEX;
        uint8_t battery = peripheral_battery(d->peripheral);

        if (c->fd >= 0 || c->listeners->len > 0)
                (void) chrc_notify(c, &battery, 1);
}

/* "Client leaving the bus = StopNotify"; the socket of one that acquired stays, silent, until it closes its
 * end. */
void gatt_client_gone(Device *d, const char *name) {
        for (unsigned i = 0; i < N_CHARACTERISTICS; i++) {
                Characteristic *c = d->characteristics + i;
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

PeripheralSent gatt_notify(OmpChar omp, const uint8_t *data, size_t size, void *userdata) {
        Device *d = userdata;

        return chrc_notify(d->by_char[omp], data, size);
}

const char *gatt_service_uuid(unsigned i) {
        return i < N_SERVICES ? service_table[i].uuid : NULL;
}

const Method characteristic_methods[] = {
        { "ReadValue", "a{sv}", "ay", ATT_USEC, method_read_value },
        { "WriteValue", "aya{sv}", "", 0, method_write_value },
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
