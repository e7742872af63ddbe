/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "log.h"

/* From connected to streaming: the services, Feature, identity; then notify.c takes the streams. */

#define UUID_MANUFACTURER "00002a29-0000-1000-8000-00805f9b34fb"
#define UUID_MODEL "00002a24-0000-1000-8000-00805f9b34fb"
#define UUID_SERIAL "00002a25-0000-1000-8000-00805f9b34fb"
#define UUID_FIRMWARE "00002a26-0000-1000-8000-00805f9b34fb"
#define UNKNOWN_MAX 8u                  /* unknown characteristics that are named */

static Object *find_char(const Device *device, const char *service_uuid, const char *uuid) {
        return objects_find_char(bluez_objects(device->link->bluez), device->work->object, service_uuid,
                                 uuid);
}

/* An OMP device has what its profile requires. A vendor's models differ in what they have: one characteristic that goes on giving
 * values will do. */
static bool is_usable(const Device *device) {
        const Profile *profile = device->profile;
        bool gives = false;

        for (size_t i = 0; profile && i < profile->n_chars; i++) {
                const ProfileChar *ch = &profile->chars[i];
                bool there = setup_char(device, ch);

                if ((ch->use & PROFILE_REQUIRED) && !there)
                        return false;
                gives = gives || (there && (ch->use & (PROFILE_FOLLOW | PROFILE_POLL)));
        }

        return gives;
}

static void say_missing(Device *device) {
        const Profile *profile = device->profile;

        for (size_t i = 0; profile->vendor && i < profile->n_chars; i++)
                if (!setup_char(device, &profile->chars[i]) &&
                    setup_say_once(&device->work->told_missing, &profile->chars[i]))
                        log_device(LOG_NOTICE, device_label(device),
                                   "%s has no characteristic %s of its profile %s: what that tells is absent",
                                   log_name(device_label(device)).text, setup_char_name(device, &profile->chars[i]), profile->id);
}

typedef struct Unknown {
        const Device *device;
        unsigned said;
} Unknown;

static bool is_service_of(const Profile *profile, const char *uuid) {
        for (size_t i = 0; i < profile->n_chars; i++)
                if (g_strcmp0(profile->chars[i].service_uuid, uuid) == 0)
                        return true;

        return g_strv_contains(profile->service_uuids, uuid);
}

static void visit_unknown(Object *object, void *userdata) {
        Unknown *unknown = userdata;
        const Device *device = unknown->device;
        g_autofree char *path = objects_device_path(object->path);
        const Object *service = objects_get(bluez_objects(device->link->bluez), object->parent);
        OmpChar omp;

        if (g_strcmp0(path, device->work->object) != 0 || !object->uuid || !service || !service->uuid ||
            !is_service_of(device->profile, service->uuid) || profile_char(device->profile, object->uuid))
                return;
        if (!device->profile->vendor && omp_char_from_uuid(object->uuid, &omp) >= 0)
                return; /* known, and not followed */

        if (unknown->said++ < UNKNOWN_MAX)
                log_device(LOG_INFO, device_label(device),
                           "%s has a characteristic that its profile %s does not know: %s", log_name(device_label(device)).text,
                           device->profile->id, object->uuid);
}

/* A later minor version, or a model that can do more: worth a line in each connection, and no more. */
static void say_unknown(const Device *device) {
        Unknown unknown = { .device = device };

        objects_foreach(bluez_objects(device->link->bluez), OBJECT_CHAR, visit_unknown, &unknown);
}

/* Device Information says the model, and so perhaps that another profile fits better. */
static void match_model(Device *device) {
        const Profile *was = device->profile;
        const Profile *profile = objects_match(bluez_objects(device->link->bluez), link_object(device), device->model);

        if (!profile || !device_set_profile(device, profile))
                return;
        if (!is_usable(device))
                (void) device_set_profile(device, was);
}

static char **identity_field(Device *device, Identity identity) {
        switch (identity) {
        case IDENTITY_MANUFACTURER:
                return &device->manufacturer;
        case IDENTITY_MODEL:
                return &device->model;
        case IDENTITY_SERIAL:
                return &device->serial;
        case IDENTITY_FIRMWARE:
        case _IDENTITY_MAX:
                break;
        }
        return &device->firmware;
}

static bool differ(const char *known, const char *read) {
        return *known && read && *read && !g_str_equal(known, read);
}

/* Pinned at adoption: the serial number, or where no side knows one the model. The firmware may change. */
static bool is_another(const Device *device) {
        const char *serial = device->work->identity[IDENTITY_SERIAL];
        bool none = !*device->serial && (!serial || !*serial);

        return differ(device->serial, serial) || (none && differ(device->model, device->work->identity[IDENTITY_MODEL]));
}

static void identity_answered(Device *device) {
        if (--device->work->reads > 0)
                return;

        device->work->identity_read = true;
        if (!device->work->adoption && is_another(device)) {
                trouble_identity_changed(device);
                return;
        }
        for (int i = 0; i < _IDENTITY_MAX; i++)
                /* What an adoption does not find is not known: it may be another device than before. */
                if ((device->work->identity[i] || device->work->adoption) &&
                    device_set_text(identity_field(device, (Identity) i), device->work->identity[i] ?: ""))
                        device->work->identity_changed = true;
        if (device->work->identity_changed && device->adopted && !device->work->adoption)
                device_changed(device, DEVICE_CHANGED_IDENTITY);
        device->work->identity_changed = false;
        if (device->work->adoption) {
                match_model(device);
                adopt_identified(device);
        } else if (device->work->step == STEP_READ)
                notify_begin(device);
}

static void take_identity(Device *device, Identity identity, sd_bus_message *reply) {
        const uint8_t *data;
        size_t size;

        if (reply && calls_octets(reply, &data, &size) >= 0) {
                g_free(device->work->identity[identity]);
                device->work->identity[identity] = device_text(data, size);
        }
        identity_answered(device);
}

static void on_manufacturer(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        take_identity(userdata, IDENTITY_MANUFACTURER, reply);
}

static void on_model(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        take_identity(userdata, IDENTITY_MODEL, reply);
}

static void on_serial(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        take_identity(userdata, IDENTITY_SERIAL, reply);
}

static void on_firmware(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        take_identity(userdata, IDENTITY_FIRMWARE, reply);
}

static void refuse(Device *device, DeviceReason reason, const char *message) {
        if (device->work->adoption) {
                adopt_fail(device, -EOPNOTSUPP, reason, message);
        } else {
                log_device(LOG_WARNING, device_label(device),
                           "%s is refused: %s", log_name(device_label(device)).text, message);
                device_enter(device, DEVICE_REFUSED, reason, STEP_NONE, 0);
        }
}

/* A device to be adopted is known by name before it is remembered; one without a bond could be any at its address, and one that was
 * another is asked first whether it still is. From a bonded one the streams come first. */
static void read_who(Device *device) {
        if (device->work->adoption || !device->bonded || device->trouble == DEVICE_REASON_IDENTITY_CHANGED)
                setup_read_identity(device);
        else
                notify_begin(device);
}

static bool same_feature(const OmpFeature *a, const OmpFeature *b) {
        return a->major == b->major && a->minor == b->minor && a->bits == b->bits && a->kind == b->kind &&
               a->needles == b->needles && a->full_scale_mn == b->full_scale_mn &&
               a->area_centi_mm2 == b->area_centi_mm2 && a->sample_rate_hz == b->sample_rate_hz &&
               a->max_depth_um == b->max_depth_um && a->capacity == b->capacity;
}

/* A minor version may only add, so what is decoded can be used; of another major version nothing but battery
 * and Device Information is (1.1 Forward compatibility). */
static void on_feature(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;
        OmpFeature feature;
        const uint8_t *data;
        size_t size;
        int r;

        if (error) {
                log_debug("%s: Feature: %s", device->path, error->sentence);
                if (trouble_is_key(device, error))
                        trouble_bond_lost(device);
                else
                        reconnect_give_up(device, DEVICE_REASON_TIMEOUT);
                return;
        }

        r = calls_octets(reply, &data, &size);
        if (r >= 0)
                r = omp_feature_decode(data, size, &feature);
        if (r == -EOPNOTSUPP) {
                refuse(device, DEVICE_REASON_PROFILE_MAJOR,
                       "It speaks another major version of the profile: update needled.");
                if (device->state == DEVICE_REFUSED)
                        setup_read_identity(device);
                return;
        }
        if (r < 0) {
                refuse(device, DEVICE_REASON_SERVICES_MISSING,
                       "Its Feature characteristic cannot be decoded: update its firmware.");
                return;
        }

        if (!device->has_feature || !same_feature(&device->feature, &feature))
                device->work->identity_changed = true;
        device->feature = feature;
        device->has_feature = true;
        g_clear_pointer(&device->work->feature, g_byte_array_unref);
        device->work->feature = g_byte_array_append(g_byte_array_new(), data, (guint) size);

        read_who(device);
}

/* Who it is must be read (again). */
static void forget_identity(Device *device) {
        device->work->identity_read = false;
        device->work->reads = 0;
        for (int i = 0; i < _IDENTITY_MAX; i++)
                g_clear_pointer(&device->work->identity[i], g_free);
}

void setup_begin(Device *device) {
        if (device->work->step != STEP_CONNECT) /* whose answer says that it is permitted, and nothing else any more */
                calls_clear(&device->work->calls);
        forget_identity(device);
        device->work->socket_ended = device->work->identity_changed = false;
        device->work->feature_before = device->feature;
        device->work->had_feature = device->has_feature;
        g_clear_pointer(&device->work->feature, g_byte_array_unref);
        device_enter(device, DEVICE_RESOLVING, DEVICE_REASON_NONE, STEP_RESOLVE, 0);
        setup_check(device);
}

/* ServicesResolved alone does not do: bluetoothd may say so before the objects are there. */
void setup_check(Device *device) {
        Object *object = link_object(device);
        const Profile *profile;

        if (!object || !object->services_resolved)
                return;
        if (device->work->step != STEP_RESOLVE && device->work->step != STEP_OBJECTS &&
            device->work->step != STEP_REFRESH)
                return;

        profile = objects_match(bluez_objects(device->link->bluez), object, device->model);
        if (profile && device_set_profile(device, profile)) {
                device->work->identity_changed = true;
                auto_connect_update(device->link->auto_connect);
        }
        if (is_usable(device)) {
                say_missing(device);
                say_unknown(device);
                if (device->work->adoption)
                        adopt_resolved(device);
                else
                        setup_read(device);
        } else if (device->work->step == STEP_RESOLVE)
                device_enter(device, DEVICE_RESOLVING, DEVICE_REASON_NONE, STEP_OBJECTS, 0);
}

/* It may be bluetoothd's memory of the device that lacks them. Where no bond is lost by it, that is renewed once. */
void setup_missing(Device *device) {
        const Object *object = link_object(device);

        if (object && !object->paired && !object->bonded && !device->bonded && !device->work->looked_anew) {
                device->work->looked_anew = true;
                trouble_look_anew(device);
                return;
        }

        refuse(device, DEVICE_REASON_SERVICES_MISSING,
               "It lacks services that its profile requires: adopt it again (needlectl adopt NAME), or update its firmware.");
}

void setup_again(Device *device) {
        calls_clear(&device->work->calls);
        forget_identity(device);
        notify_close(device);
        device_enter(device, DEVICE_RESOLVING, DEVICE_REASON_NONE, STEP_OBJECTS, 0);
        setup_check(device);
}

void setup_read(Device *device) {
        device_enter(device, device->state, DEVICE_REASON_NONE, STEP_READ, 0);
        for (size_t i = 0; i < device->profile->n_chars; i++) {
                const ProfileChar *ch = &device->profile->chars[i];
                Object *object = setup_char(device, ch);

                if (device->profile->vendor || ch->channel != OMP_CHAR_FEATURE || !object)
                        continue;

                (void) bluez_call(device->link->bluez, &device->work->calls, object->path,
                                  "org.bluez.GattCharacteristic1", "ReadValue", BLUEZ_TIMEOUT_USEC,
                                  on_feature, device, "a{sv}", 0);
                return;
        }

        read_who(device);
}

/* Device Information carries no measurement: to read it, although bluetoothd broadcasts it, tells nobody
 * anything. */
void setup_read_identity(Device *device) {
        static const struct {
                const char *uuid;
                CallDone done;
        } fields[] = {
                { UUID_MANUFACTURER, on_manufacturer },
                { UUID_MODEL, on_model },
                { UUID_SERIAL, on_serial },
                { UUID_FIRMWARE, on_firmware },
        };

        if (device->work->identity_read || device->work->reads > 0)
                return;

        device->work->reads = 1;
        for (size_t i = 0; i < G_N_ELEMENTS(fields); i++) {
                Object *object = find_char(device, NULL, fields[i].uuid);

                if (object && bluez_call(device->link->bluez, &device->work->calls, object->path,
                                         "org.bluez.GattCharacteristic1", "ReadValue", BLUEZ_TIMEOUT_USEC,
                                         fields[i].done, device, "a{sv}", 0) >= 0)
                        device->work->reads++;
        }
        identity_answered(device);
}

Object *setup_char(const Device *device, const ProfileChar *ch) {
        return find_char(device, ch->service_uuid, ch->uuid);
}

const char *setup_char_name(const Device *device, const ProfileChar *ch) {
        const VendorProfile *vendor = device->profile->vendor;

        return vendor ? vendor->chars[ch->channel].alias : omp_char_name((OmpChar) ch->channel);
}

bool setup_may_broadcast(const Device *device, const ProfileChar *ch) {
        return device->link->settings.allow_broadcast || !(ch->use & PROFILE_MEASURES);
}

bool setup_say_once(uint32_t *told, const ProfileChar *ch) {
        uint32_t bit = UINT32_C(1) << (ch->channel % 32);
        bool first = !(*told & bit);

        *told |= bit;
        return first;
}
