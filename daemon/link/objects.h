/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A typed copy of what bluetoothd shows of itself: adapters, devices, services, characteristics, batteries,
 * by object path. It only parses messages; who sent them is checked before. Values of an absurd type are
 * passed over; the number of objects and the length of every string are limited. An Object is valid until
 * the next message is parsed: keep paths, never pointers.
 *
 * Of strangers' devices the OBJECTS_STRANGERS_MAX that were heard of last are kept: a search in a crowd costs no more than that. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "profiles/profile.h"

#define OBJECTS_MAX 16384u
#define OBJECT_RSSI_UNKNOWN \
        127 /* "RSSI is not available" (Core Specification, LE Advertising Report Event) */

#define OBJECTS_STRANGERS_MAX 512u

typedef struct Objects Objects;

enum { /* interfaces of an object */
        OBJECT_ADAPTER = 1 << 0,
        OBJECT_DEVICE = 1 << 1,
        OBJECT_SERVICE = 1 << 2,
        OBJECT_CHAR = 1 << 3,
        OBJECT_BATTERY = 1 << 4,
        OBJECT_GATT_MANAGER = 1 << 5,
};

#define OBJECT_MAKER_DATA_MAX 32u
typedef struct ObjectMaker {    /* manufacturer data */
        uint16_t company;
        uint8_t size;           /* cut to OBJECT_MAKER_DATA_MAX: an old advertisement holds no more */
        uint8_t data[OBJECT_MAKER_DATA_MAX];
} ObjectMaker;

typedef struct Object {
        char *path;
        unsigned interfaces;
        char *address;          /* adapter, device */
        char *address_type;     /* device: "public", "random" */
        char *name;             /* device */
        char *uuid;             /* service, characteristic; lower case */
        char *parent;           /* device: adapter; service: device; characteristic: service */
        char *modalias;         /* adapter: bluetoothd and its version, unless main.conf says another */
        const Profile *profile; /* device: by what it shows of itself */
        bool has_uuids;         /* device: bluetoothd has said which services it offers */
        GPtrArray *services;    /* device: of its UUIDs, those that a profile knows; NULL-terminated, may be NULL */
        GArray *makers;         /* device: ObjectMaker, of its ManufacturerData, those that a profile knows; may be NULL */
        bool powered, discovering; /* adapter */
        bool has_roles, central; /* adapter: whether it said what it can be; with Low Energy it can be a central */
        bool connected, paired, bonded, trusted, services_resolved; /* device */
        bool has_bonded;        /* device: bluetoothd tells bonded from paired (5.65 and later) */
        bool has_rssi;          /* device: seen by a running discovery */
        bool notifying;         /* characteristic: somebody's StartNotify */
        bool has_notify_acquired, notify_acquired; /* characteristic */
        int16_t rssi;           /* dBm */
        uint8_t battery;        /* % */
        GList *place;           /* device: among those heard of; private to objects.c */
} Object;

typedef struct ObjectValue { /* a characteristic's Value in PropertiesChanged */
        const uint8_t *data;    /* borrowed from the message; NULL: it had none */
        size_t size;
} ObjectValue;

Objects *objects_new(const Profiles *profiles); /* profiles must outlive it */
Objects *objects_free(Objects *objects);
/* Who is never a stranger, beside what is connected, paired or trusted. Without it nobody is. */
void objects_set_keeper(Objects *objects, bool (*keeps)(const Object *object, void *userdata), void *userdata);

/* Takes the answer of GetManagedObjects (a{oa{sa{sv}}}) in place of all that was known. Errors: -EBADMSG,
 * then nothing changed. */
int objects_replace(Objects *objects, sd_bus_message *reply);
/* InterfacesAdded (oa{sa{sv}}). Returns the interfaces that were given, 0 for none of interest or beyond the
 * limit; -EBADMSG. */
int objects_add(Objects *objects, sd_bus_message *signal, Object **ret);
/* InterfacesRemoved (oas). Returns the interfaces that went; *ret_path is borrowed from the message.
 * -EBADMSG. */
int objects_remove(Objects *objects, sd_bus_message *signal, const char **ret_path);
/* PropertiesChanged (sa{sv}as). Returns the interface that changed, 0 for an unknown object; -EBADMSG. */
int objects_change(Objects *objects, sd_bus_message *signal, Object **ret, ObjectValue *ret_value);
void objects_clear(Objects *objects);

Object *objects_get(const Objects *objects, const char *path); /* NULL if not known; path may be NULL */
unsigned objects_size(const Objects *objects);
/* Calls visit for each object that has the interface; visit must not parse messages. */
void objects_foreach(const Objects *objects, unsigned interface,
                     void (*visit)(Object *object, void *userdata), void *userdata);
/* The characteristic with this UUID beneath the device, the first by path; service_uuid NULL: of any
 * service. */
Object *objects_find_char(const Objects *objects, const char *device, const char *service_uuid,
                          const char *uuid);
/* The profile of a device whose Device Information says this model; model may be NULL or "", object too. */
const Profile *objects_match(const Objects *objects, const Object *object, const char *model);
/* The device's part of a path below it ("/org/bluez/hci0/dev_XX/service000a/char000b"), or NULL. */
char *objects_device_path(const char *path);
