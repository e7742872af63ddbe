/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/device-object.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/device-control.h"
#include "bus/options.h"
#include "bus/private.h"
#include "bus/session-object.h"
#include "needled/omp.h"

#define INTERFACE "org.needled.Device1"
/* Link gives up after 60 s; this is for a link that forgot. */
#define CONNECT_TIMEOUT_USEC (90 * UINT64_C(1000000))
#define RELEASE_MAX_SEC ((uint32_t) (LINK_RELEASE_MAX_USEC / 1000000))

/* The order is that of the masks below. */
static const char *const property_names[] = {
        "State", "StateReason", "StateSince", "RetryAt",
        "Battery",
        "Rssi",
        "Session",
        "Sync",
        "Address", "AddressType", "Adapter", "Name", "Alias", "Owner", "Kind", "Manufacturer", "Model",
        "Serial", "Firmware", "Profile", "Capabilities", "Adopted", "Bonded", "AutoConnect",
        NULL,
};

#define MASK_STATE 0x0000000fu
#define MASK_BATTERY 0x00000010u
#define MASK_RSSI 0x00000020u
#define MASK_SESSION 0x00000040u
#define MASK_SYNC 0x00000080u
#define MASK_IDENTITY 0x00ffff00u

_Static_assert(G_N_ELEMENTS(property_names) - 1 == 24, "the masks name every property");

/* By bit of OmpFeature.bits. */
static const char *const capability_names[] = {
        "force",          "waveform",     "contact",         "strokes",         "depth",  "motor-speed",
        "motor-current",  "overpressure", "distance",        "stored-sessions", "clock",  "feedback",
        "cartridge-id",   "e2e-crc",      "trace",           "remote-stop",     "passes", "area",
        "multiple-bonds", "calibrated",   "contact-strokes",
};

/* ---- Properties ---- */

static int property_get_string(sd_bus *connection, const char *path, const char *interface,
                               const char *property, sd_bus_message *reply, void *userdata,
                               sd_bus_error *error) {
        const DeviceObject *object = userdata;
        const Device *d = object->device;
        const struct {
                const char *name, *value;
        } strings[] = {
                { "Address", d->address },
                { "AddressType", d->address_type },
                { "Adapter", d->adapter },
                { "Name", d->name },
                { "Alias", d->alias },
                { "Manufacturer", d->manufacturer },
                { "Model", d->model },
                { "Serial", d->serial },
                { "Firmware", d->firmware },
                { "Kind", omp_kind_name(d->has_feature ? (OmpKind) d->feature.kind : OMP_KIND_UNKNOWN) },
                { "Profile", d->profile_id },
                { "State", device_state_name(d->state) },
                { "StateReason", device_reason_name(d->reason) },
        };
        const char *value = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(strings); i++)
                if (strcmp(strings[i].name, property) == 0)
                        value = strings[i].value;
        /* A device may call itself anything, D-Bus takes UTF-8 alone. */
        if (!value || !g_utf8_validate(value, -1, NULL))
                value = "";

        return sd_bus_message_append_basic(reply, 's', value);
}

static int property_get_bool(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error) {
        const DeviceObject *object = userdata;
        const Device *d = object->device;
        int value = strcmp(property, "Adopted") == 0  ? d->adopted
                    : strcmp(property, "Bonded") == 0 ? d->bonded
                                                      : d->auto_connect;

        return sd_bus_message_append_basic(reply, 'b', &value);
}

static int property_get_time(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error) {
        const DeviceObject *object = userdata;

        return sd_bus_message_append_basic(reply, 't',
                                           strcmp(property, "RetryAt") == 0
                                                   ? &object->device->retry_at_usec
                                                   : &object->device->state_since_usec);
}

static int property_get_owner(sd_bus *connection, const char *path, const char *interface,
                              const char *property, sd_bus_message *reply, void *userdata,
                              sd_bus_error *error) {
        const DeviceObject *object = userdata;
        uint32_t owner = (uint32_t) object->device->owner;

        return sd_bus_message_append_basic(reply, 'u', &owner);
}

static int property_get_rssi(sd_bus *connection, const char *path, const char *interface,
                             const char *property, sd_bus_message *reply, void *userdata,
                             sd_bus_error *error) {
        const DeviceObject *object = userdata;

        return sd_bus_message_append_basic(reply, 'n', &object->device->rssi);
}

static int property_get_battery(sd_bus *connection, const char *path, const char *interface,
                                const char *property, sd_bus_message *reply, void *userdata,
                                sd_bus_error *error) {
        const DeviceObject *object = userdata;

        return sd_bus_message_append_basic(reply, 'y', &object->device->battery);
}

static int property_get_session(sd_bus *connection, const char *path, const char *interface,
                                const char *property, sd_bus_message *reply, void *userdata,
                                sd_bus_error *error) {
        const DeviceObject *object = userdata;

        return sd_bus_message_append_basic(reply, 'o', object->session);
}

static int append_progress(sd_bus_message *m, const Device *d) {
        const char *phase = sync_phase_name(d->sync.phase), *problem = d->sync_error ?: "";
        int r;

        r = dictionary_basic(m, "phase", 's', phase);
        if (r >= 0)
                r = dictionary_basic(m, "done", 'u', &d->sync.done);
        if (r >= 0)
                r = dictionary_basic(m, "total", 'u', &d->sync.total);
        return r < 0 ? r : dictionary_basic(m, "error", 's', problem);
}

static int property_get_sync(sd_bus *connection, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                             void *userdata, sd_bus_error *error) {
        const DeviceObject *object = userdata;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = append_progress(reply, object->device);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int property_get_capabilities(sd_bus *connection, const char *path, const char *interface,
                                     const char *property, sd_bus_message *reply, void *userdata,
                                     sd_bus_error *error) {
        const DeviceObject *object = userdata;
        const char *names[G_N_ELEMENTS(capability_names) + 1];
        size_t n = 0;

        for (size_t i = 0; object->device->has_feature && i < G_N_ELEMENTS(capability_names); i++)
                if (object->device->feature.bits >> i & 1)
                        names[n++] = capability_names[i];
        names[n] = NULL;

        return sd_bus_message_append_strv(reply, (char **) names);
}

/* ---- Methods ---- */

int device_object_subject(Call *call, const char *path, CallSubject *ret, sd_bus_error *error) {
        DeviceObject *object = device_object_find(call->bus, path);

        if (!object)
                return error_set(error, ERROR_NOT_FOUND,
                                 "There is no device %.128s (any more); list the devices that there are.",
                                 path);
        if (!object->device->adopted)
                return error_set(error, ERROR_NOT_READY, "The device %s is not adopted; adopt it first.",
                                 object->device->address);

        call->object = object;
        *ret = (CallSubject) { .owner = object->device->owner };
        return 0;
}

static int find_device(Call *call, CallSubject *ret, sd_bus_error *error) {
        return device_object_subject(call, sd_bus_message_get_path(call->message), ret, error);
}

/* What a device says about itself is for everyone, adopted or not. */
static int find_any_device(Call *call, CallSubject *ret, sd_bus_error *error) {
        call->object = device_object_find(call->bus, sd_bus_message_get_path(call->message));
        return call->object ? 0 : -ENOENT;
}

static void cancel_link_work(Call *call) {
        link_cancel(call->bus->settings.link, call);
}

static int run_connect(Call *call, sd_bus_error *error) {
        DeviceObject *object = call->object;
        int r;

        r = call_pending(call, cancel_link_work, CONNECT_TIMEOUT_USEC);
        if (r < 0)
                return r;

        link_connect(call->bus->settings.link, object->device, call_done, call);
        return 0;
}

/* "the releasing client leaving the bus does not change that": nothing takes the work back, and link always
 * answers. */
static int run_release(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        DeviceObject *object = call->object;
        uint64_t duration_usec = settings->release_usec;
        uint32_t seconds = 0;
        bool given = false;
        const Option options[] = { { "seconds", 'u', &seconds, &given } };
        int r;

        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (seconds > RELEASE_MAX_SEC)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "A device is released for 1 to %u seconds, not %u; 0 is until somebody connects to it.",
                                 RELEASE_MAX_SEC, seconds);

        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        if (given)
                duration_usec = seconds * UINT64_C(1000000);
        link_release(settings->link, object->device, duration_usec, call_done, call);
        return 0;
}

static int run_set_alias(Call *call, sd_bus_error *error) {
        DeviceObject *object = call->object;
        const char *alias;
        int r;

        r = sd_bus_message_read(call->message, "s", &alias);
        if (r < 0)
                return r;
        r = options_check_text("alias", alias, OPTIONS_LABEL_MAX, false, error);
        if (r < 0)
                return r;

        device_set_alias(object->device, alias);
        call_reply(call);
        return 0;
}

static int run_set_auto_connect(Call *call, sd_bus_error *error) {
        DeviceObject *object = call->object;
        int on, r;

        r = sd_bus_message_read(call->message, "b", &on);
        if (r < 0)
                return r;

        device_set_auto_connect(object->device, on);
        call_reply(call);
        return 0;
}

static int run_set_owner(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        DeviceObject *object = call->object;
        const char *name;
        uint32_t owner;
        int r;

        r = sd_bus_message_read(call->message, "u", &owner);
        if (r < 0)
                return r;
        if (owner == (uint32_t) -1)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "%u is nobody's uid; an adopted device has an owner.", owner);
        name = settings->ops->user_name ? settings->ops->user_name(owner, settings->userdata) : NULL;
        if (name && !*name)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "There is no user with the uid %u; give that of the new owner (id -u NAME).", owner);
        if (!call_is_root(call) && owner != object->device->owner && manager_has_share(call->bus, owner))
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "The user with the uid %u has adopted as many devices as one may have; they can forget one that is not used any more.",
                                 owner);

        device_set_owner(object->device, owner);
        call_reply(call);
        return 0;
}

static int append_info(sd_bus_message *m, const OmpFeature *f) {
        const struct {
                const char *key;
                uint32_t value;
        } numbers[] = {
                { "needles", f->needles },
                { "sample_rate", f->sample_rate_hz },
                { "max_depth", f->max_depth_um },
        };
        const int32_t full_scale = f->full_scale_mn;
        const uint32_t capacity = f->capacity;
        const double area = f->area_centi_mm2 / 100.0;
        int r;

        for (size_t i = 0; i < G_N_ELEMENTS(numbers); i++) {
                r = numbers[i].value > 0 ? dictionary_basic(m, numbers[i].key, 'u', &numbers[i].value) : 0;
                if (r < 0)
                        return r;
        }
        r = full_scale > 0 ? dictionary_basic(m, "full_scale", 'i', &full_scale) : 0;
        if (r < 0)
                return r;
        r = area > 0 ? dictionary_basic(m, "area_mm2", 'd', &area) : 0;
        if (r < 0)
                return r;

        /* A device without a memory says 0, which is known. */
        return dictionary_basic(m, "capacity", 'u', &capacity);
}

static int run_get_info(Call *call, sd_bus_error *error) {
        const DeviceObject *object = call->object;
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        if (!object->device->has_feature)
                return error_set(error, ERROR_NOT_READY,
                                 "The device %s has not told about itself yet; connect to it first.",
                                 object->device->address);

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        r = append_info(reply, &object->device->feature);
        if (r < 0)
                return r;
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

static int run_get_counters(Call *call, sd_bus_error *error) {
        const DeviceObject *object = call->object;
        const DeviceCounters *link = &object->device->counters;
        const TrackerCounters *tracker =
                call->bus->settings.ops->device_counters(object->device, call->bus->settings.userdata);
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "a{st}", 9,
                                  "received", link->received,
                                  "unreadable", link->oversize_or_empty,
                                  "reconnects", link->connects > 0 ? link->connects - 1 : 0,
                                  "interferences", link->interferences,
                                  "lost", tracker->lost,
                                  "malformed", tracker->malformed,
                                  "duplicates", tracker->duplicates,
                                  "late", tracker->late,
                                  "late_max", tracker->late_max_usec);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

#define METHOD(name, right, find, run) CALL_METHOD(((DeviceObject *) userdata)->bus, name, right, find, run)
#define CHEAP(name, right, find, run) CALL_METHOD_CHEAP(((DeviceObject *) userdata)->bus, name, right, find, run)

METHOD(connect, CALL_CONTROL, find_device, run_connect)
METHOD(release, CALL_CONTROL, find_device, run_release)
METHOD(set_alias, CALL_CONTROL, find_device, run_set_alias)
METHOD(set_auto_connect, CALL_CONTROL, find_device, run_set_auto_connect)
METHOD(set_owner, CALL_OWN, find_device, run_set_owner)
CHEAP(get_info, CALL_ANYBODY, find_any_device, run_get_info)
CHEAP(get_counters, CALL_READ, find_device, run_get_counters)

/* ---- The object ---- */

static int find_object(sd_bus *connection, const char *path, const char *interface, void *userdata,
                       void **ret, sd_bus_error *error) {
        DeviceObject *object = device_object_find(userdata, path);

        if (!object)
                return 0;

        *ret = object;
        return 1;
}

static int enumerate(sd_bus *connection, const char *prefix, void *userdata, char ***ret,
                     sd_bus_error *error) {
        const Bus *bus = userdata;

        *ret = bus_paths(bus->devices);
        return 0;
}

DeviceObject *device_object_free(DeviceObject *object) {
        announce_removed(object->bus->announcer, &object->announced);
        g_free(object->session);
        g_free(object);
        return NULL;
}

DeviceObject *device_object_find(Bus *bus, const char *path) {
        return g_hash_table_lookup(bus->devices, path);
}

static DeviceObject *device_object_of(Bus *bus, const Device *device) {
        g_autofree char *path = g_strdup_printf(BUS_DEVICES "/%s", device->path);

        return device_object_find(bus, path);
}

void bus_device_added(Bus *bus, Device *device) {
        DeviceObject *object;
        char *path;

        if (!bus || device_object_of(bus, device))
                return;

        object = g_new0(DeviceObject, 1);
        object->bus = bus;
        object->device = device;
        object->session = g_strdup("/");
        object->announced.interface = INTERFACE;
        object->announced.properties = property_names;
        path = g_strdup_printf(BUS_DEVICES "/%s", device->path);
        g_hash_table_insert(bus->devices, path, object);
        announce_added(bus->announcer, &object->announced, path);
}

void bus_device_changed(Bus *bus, Device *device, unsigned changed) {
        DeviceObject *object = bus ? device_object_of(bus, device) : NULL;
        uint32_t mask = 0;

        if (!object)
                return;

        if (changed & DEVICE_CHANGED_RSSI)
                announce_changed(bus->announcer, &object->announced, MASK_RSSI, true);
        if (changed & DEVICE_CHANGED_STATE)
                mask |= MASK_STATE;
        if (changed & DEVICE_CHANGED_IDENTITY)
                mask |= MASK_IDENTITY;
        if (changed & DEVICE_CHANGED_BATTERY)
                mask |= MASK_BATTERY;
        if (changed & DEVICE_CHANGED_SYNC)
                mask |= MASK_SYNC;
        if (mask)
                announce_changed(bus->announcer, &object->announced, mask, false);
}

void bus_device_removed(Bus *bus, Device *device) {
        DeviceObject *object = bus ? device_object_of(bus, device) : NULL;

        if (object)
                g_hash_table_remove(bus->devices, object->announced.path);
}

void bus_device_session_changed(Bus *bus, Device *device, Session *session) {
        DeviceObject *object = bus ? device_object_of(bus, device) : NULL;

        if (!object)
                return;

        g_free(object->session);
        object->session = g_strdup(session ? session_object_path(session) : "/");
        announce_changed(bus->announcer, &object->announced, MASK_SESSION, false);
}

#define PROPERTY(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        PROPERTY("Address", "s", property_get_string),
        PROPERTY("AddressType", "s", property_get_string),
        PROPERTY("Adapter", "s", property_get_string),
        PROPERTY("Name", "s", property_get_string),
        PROPERTY("Alias", "s", property_get_string),
        PROPERTY("Owner", "u", property_get_owner),
        PROPERTY("Kind", "s", property_get_string),
        PROPERTY("Manufacturer", "s", property_get_string),
        PROPERTY("Model", "s", property_get_string),
        PROPERTY("Serial", "s", property_get_string),
        PROPERTY("Firmware", "s", property_get_string),
        PROPERTY("Profile", "s", property_get_string),
        PROPERTY("Capabilities", "as", property_get_capabilities),
        PROPERTY("Adopted", "b", property_get_bool),
        PROPERTY("Bonded", "b", property_get_bool),
        PROPERTY("AutoConnect", "b", property_get_bool),
        PROPERTY("Rssi", "n", property_get_rssi),
        PROPERTY("State", "s", property_get_string),
        PROPERTY("StateReason", "s", property_get_string),
        PROPERTY("StateSince", "t", property_get_time),
        PROPERTY("RetryAt", "t", property_get_time),
        PROPERTY("Battery", "y", property_get_battery),
        PROPERTY("Session", "o", property_get_session),
        PROPERTY("Sync", "a{sv}", property_get_sync),
        SD_BUS_METHOD("Connect", NULL, NULL, method_connect, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_release,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetAlias", SD_BUS_ARGS("s", alias), SD_BUS_NO_RESULT, method_set_alias,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetAutoConnect", SD_BUS_ARGS("b", enabled), SD_BUS_NO_RESULT,
                                method_set_auto_connect, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetOwner", SD_BUS_ARGS("u", owner), SD_BUS_NO_RESULT, method_set_owner,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetInfo", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{sv}", info), method_get_info,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("GetCounters", SD_BUS_NO_ARGS, SD_BUS_RESULT("a{st}", counters),
                                method_get_counters, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int device_objects_register(Bus *bus) {
        int r;

        r = bus_serve(bus, BUS_DEVICES, INTERFACE, vtable, find_object);
        if (r >= 0)
                r = device_control_register(bus, find_object);

        return r < 0 ? r : bus_serve_nodes(bus, BUS_DEVICES, enumerate);
}
