/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <unistd.h>

#include "standin.h"

#define HANDLE_FIRST 0x0006u            /* 0x1800 is before it, and not exported */
#define HANDLE_MOVE 0x0100

#define FULL(uuid) "0000" uuid "-0000-1000-8000-00805f9b34fb"

static void chrc_export(Characteristic *c) {
        Standin *s = c->device->standin;
        g_autofree char *path = g_strdup_printf("%s/char%04x", c->service->object->path, c->handle);

        c->object = object_add(s, path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_CHARACTERISTIC, c);
        if (c->properties & PERIPHERAL_LISTENABLE) {
                g_autofree char *ccc = g_strdup_printf("%s/desc%04x", path, c->handle + 2u);

                c->ccc = object_add(s, ccc, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_DESCRIPTOR, c);
        }
}

static void chrc_free(void *data) {
        Characteristic *c = data;

        sd_event_source_disable_unref(c->io);
        if (c->fd >= 0)
                close(c->fd);
        g_free(c->holder);
        g_ptr_array_unref(c->listeners);
        if (c->value)
                g_byte_array_unref(c->value);
        g_free(c);
}

/* A service takes a handle; a characteristic two, and one for its configuration if it has one. */
static void add_service(Device *d, const char *uuid, bool own, unsigned *handle) {
        Service *service = g_new0(Service, 1);

        *service = (Service) { .device = d, .uuid = uuid, .own = own, .handle = (uint16_t) (*handle)++ };
        g_ptr_array_add(d->services, service);
}

static void add_characteristic(Device *d, CharacteristicKind kind, unsigned which, const PeripheralChar *about,
                               unsigned *handle) {
        Characteristic *c = g_new0(Characteristic, 1);

        *c = (Characteristic) {
                .device = d,
                .service = gatt_service(d, d->services->len - 1),
                .kind = kind, .which = which, .uuid = about->uuid, .handle = (uint16_t) *handle,
                .properties = about->properties, .encrypted = about->encrypted,
                .fd = -1,
                .listeners = g_ptr_array_new_with_free_func(g_free),
        };
        *handle += about->properties & PERIPHERAL_LISTENABLE ? 3 : 2;
        g_ptr_array_add(d->characteristics, c);
}

static void service_export(Service *service) {
        Device *d = service->device;
        g_autofree char *path = g_strdup_printf("%s/service%04x", d->path, service->handle);

        service->object = object_add(d->standin, path, 1u << INTERFACE_PROPERTIES | 1u << INTERFACE_SERVICE, service);
        for (unsigned i = 0; i < d->characteristics->len; i++) {
                Characteristic *c = gatt_characteristic(d, i);

                if (c->service == service && !c->gone)
                        chrc_export(c);
        }
}

static void service_unexport(Service *service) {
        Device *d = service->device;
        Standin *s = d->standin;

        for (unsigned i = 0; i < d->characteristics->len; i++) {
                Characteristic *c = gatt_characteristic(d, i);

                if (c->service != service)
                        continue;
                chrc_close(c);
                g_ptr_array_set_size(c->listeners, 0);
                g_clear_pointer(&c->value, g_byte_array_unref);
                if (service->own && d->body->linked == d)
                        peripheral_subscribe(d->peripheral, c->which, false);
                c->ccc = object_remove(s, c->ccc);
                c->object = object_remove(s, c->object);
        }
        service->object = object_remove(s, service->object);
}

/* The device's own services once more, as they are now. While it is away bluetoothd goes by what it has seen. */
static void services_renew(Device *d) {
        bool shown = false;

        if (!d->object)
                return;
        if (d->link != LINK_RESOLVED) {
                d->services_changed = true;
                return;
        }

        for (unsigned i = 0; i < d->services->len; i++) {
                Service *service = gatt_service(d, i);

                if (!service->own)
                        continue;
                shown = shown || service->object || service_there(service);
                if (service->object)
                        service_unexport(service);
                if (service_there(service))
                        service_export(service);
        }
        if (shown)
                device_changed(d, "UUIDs");
}

void services_init(Device *d) {
        unsigned handle = HANDLE_FIRST, n;
        const PeripheralChar *chars = peripheral_chars(d->peripheral, &n);

        d->services = g_ptr_array_new_with_free_func(g_free);
        d->characteristics = g_ptr_array_new_with_free_func(chrc_free);

        add_service(d, FULL("1801"), false, &handle);
        add_characteristic(d, CHARACTERISTIC_SERVICE_CHANGED, 0,
                           &(PeripheralChar) { .uuid = FULL("2a05"), .properties = PERIPHERAL_INDICATE }, &handle);
        add_service(d, FULL("180a"), false, &handle);
        for (unsigned i = 0; i < PERIPHERAL_INFOS; i++)
                add_characteristic(d, CHARACTERISTIC_INFORMATION, i,
                                   &(PeripheralChar) { .uuid = peripheral_info_uuid((PeripheralInfo) i),
                                                      .properties = PERIPHERAL_READ },
                                   &handle);
        add_service(d, FULL("180f"), false, &handle);
        add_characteristic(d, CHARACTERISTIC_BATTERY, 0,
                           &(PeripheralChar) { .uuid = FULL("2a19"), .properties = PERIPHERAL_READ | PERIPHERAL_NOTIFY },
                           &handle);
        for (unsigned i = 0; i < n; i++) {
                if (i == 0 || !g_str_equal(chars[i].service, chars[i - 1].service))
                        add_service(d, chars[i].service, true, &handle);
                add_characteristic(d, CHARACTERISTIC_DEVICE, i, chars + i, &handle);
        }
}

void services_done(Device *d) {
        g_clear_pointer(&d->characteristics, g_ptr_array_unref);
        g_clear_pointer(&d->services, g_ptr_array_unref);
}

void services_export(Device *d) {
        for (unsigned i = 0; i < d->services->len; i++) {
                Service *service = gatt_service(d, i);

                if (service->object && service->own && d->services_changed)
                        service_unexport(service);
                if (!service->object && service_there(service))
                        service_export(service);
        }
        d->services_changed = false;
}

void services_unexport(Device *d) {
        for (unsigned i = 0; i < d->services->len; i++)
                if (gatt_service(d, i)->object)
                        service_unexport(gatt_service(d, i));
}

void services_move(Device *d) {
        int by = d->services_moved ? -HANDLE_MOVE : HANDLE_MOVE;

        d->services_moved = !d->services_moved;
        for (unsigned i = 0; i < d->services->len; i++)
                if (gatt_service(d, i)->own)
                        gatt_service(d, i)->handle = (uint16_t) (gatt_service(d, i)->handle + by);
        for (unsigned i = 0; i < d->characteristics->len; i++)
                if (gatt_characteristic(d, i)->service->own)
                        gatt_characteristic(d, i)->handle = (uint16_t) (gatt_characteristic(d, i)->handle + by);
        services_renew(d);
}

bool services_without(Device *d, const char *name) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(d->peripheral, &n);
        bool found = !name;

        for (unsigned i = 0; i < d->services->len; i++)
                gatt_service(d, i)->gone = !name && gatt_service(d, i)->own;
        for (unsigned i = 0; i < d->characteristics->len; i++) {
                Characteristic *c = gatt_characteristic(d, i);

                c->gone = c->kind == CHARACTERISTIC_DEVICE && g_strcmp0(name, chars[c->which].name) == 0;
                found = found || c->gone;
        }
        services_renew(d);
        return found;
}

void services_with_all(Device *d) {
        for (unsigned i = 0; i < d->services->len; i++)
                gatt_service(d, i)->gone = false;
        for (unsigned i = 0; i < d->characteristics->len; i++)
                gatt_characteristic(d, i)->gone = false;
        services_renew(d);
}

void services_set_cache(Device *d, Cache cache) {
        d->cache = cache;
        services_renew(d);
        if (d->object && d->link != LINK_RESOLVED)
                device_changed(d, "UUIDs");
}

bool service_there(const Service *service) {
        return !service->gone && !(service->own && service->device->cache == CACHE_STRIPPED);
}

Service *gatt_service(const Device *d, unsigned i) {
        return d->services->pdata[i];
}
