/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/device-object.h"
#include "bus/labels.h"
#include "bus/options.h"
#include "bus/pairing.h"
#include "bus/private.h"
#include "bus/session-object.h"

#define INTERFACE "org.needled.Manager1"
#define SEARCH_DEFAULT_SEC 15u
#define SEARCH_MAX_SEC 30u
#define ADOPT_TIMEOUT_USEC (150 * UINT64_C(1000000))
/* One computer's; each is looked for, has a tracker and can have a session. */
#define ADOPTED_MAX 64u
#define ADOPTED_MAX_PER_USER 16u
#define FORGET_TIMEOUT_USEC (60 * UINT64_C(1000000))

static const char *const property_names[] = { "Bluetooth", "Storage", "StorageReason", "Searching", NULL };

#define MASK_BLUETOOTH 0x1u
#define MASK_STORAGE 0x6u
#define MASK_SEARCHING 0x8u

static const char *const features[] = {
        "omp1", "vendor-profiles", "stream1", "stream-history", "stream-max-rate", "export-tape",
        "pairing-agent", "doctor", "plan", "control", "sync", "stages", "alerts", "events", NULL,
};

/* ---- Properties ---- */

static int property_get_version(sd_bus *connection, const char *path, const char *interface,
                                const char *property, sd_bus_message *reply, void *userdata,
                                sd_bus_error *error) {
        return sd_bus_message_append_basic(reply, 's', NEEDLED_VERSION);
}

static int property_get_features(sd_bus *connection, const char *path, const char *interface,
                                 const char *property, sd_bus_message *reply, void *userdata,
                                 sd_bus_error *error) {
        return sd_bus_message_append_strv(reply, (char **) features);
}

static int property_get_bluetooth(sd_bus *connection, const char *path, const char *interface,
                                  const char *property, sd_bus_message *reply, void *userdata,
                                  sd_bus_error *error) {
        const Bus *bus = userdata;

        return sd_bus_message_append_basic(reply, 's',
                                           link_bluetooth_name(link_bluetooth(bus->settings.link)));
}

/* The database opens after the start; until it has, what comes is kept in memory: "degraded". */
static int property_get_storage(sd_bus *connection, const char *path, const char *interface,
                                const char *property, sd_bus_message *reply, void *userdata,
                                sd_bus_error *error) {
        const Bus *bus = userdata;
        StoreState state = store_state(bus->settings.store);

        return sd_bus_message_append_basic(
                reply, 's', store_state_name(state == STORE_OPENING ? STORE_DEGRADED : state));
}

static int property_get_storage_reason(sd_bus *connection, const char *path, const char *interface,
                                       const char *property, sd_bus_message *reply, void *userdata,
                                       sd_bus_error *error) {
        const Bus *bus = userdata;
        const char *reason = store_state(bus->settings.store) == STORE_OPENING
                                     ? "The database is being opened; wait a moment."
                                     : store_reason(bus->settings.store);

        return sd_bus_message_append_basic(reply, 's', reason ?: "");
}

static int property_get_searching(sd_bus *connection, const char *path, const char *interface,
                                  const char *property, sd_bus_message *reply, void *userdata,
                                  sd_bus_error *error) {
        const Bus *bus = userdata;
        int searching = link_searching(bus->settings.link);

        return sd_bus_message_append_basic(reply, 'b', &searching);
}

/* ---- Methods ---- */

static int run_search(Call *call, sd_bus_error *error) {
        Link *link = call->bus->settings.link;
        uint32_t seconds = SEARCH_DEFAULT_SEC;
        const Option options[] = { { "seconds", 'u', &seconds, NULL } };
        int r;

        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (seconds < 1 || seconds > SEARCH_MAX_SEC)
                return error_set(error, ERROR_INVALID_ARGUMENT, "A search lasts 1 to %u seconds, not %u.",
                                 SEARCH_MAX_SEC, seconds);
        if (!call->caller->searching && !call_is_root(call) &&
            callers_count_searching(call->bus->callers, call->caller->uid) >= SEARCHES_MAX_PER_USER)
                return error_set(error, ERROR_LIMIT_REACHED, "%u clients of this user search already; stop one of them.",
                                 SEARCHES_MAX_PER_USER);
        r = link_search(link, seconds * UINT64_C(1000000));
        if (r == -ENODEV)
                return error_set(error, ERROR_NOT_READY,
                                 "Bluetooth is not ready (%s); switch it on, then search again.",
                                 link_bluetooth_name(link_bluetooth(link)));
        if (r < 0)
                return r;

        call->caller->searching = true;
        call_reply(call);
        return 0;
}

static int run_stop_search(Call *call, sd_bus_error *error) {
        manager_search_unwanted(call->bus, call->caller);
        call_reply(call);
        return 0;
}

/* Adopted, and of no use until its owner has adopted it again: its bond is lost, or it is another one now. */
static bool wants_adoption(const Device *d) {
        if (d->state == DEVICE_BOND_LOST || d->trouble != DEVICE_REASON_NONE)
                return true;

        return d->state == DEVICE_REFUSED &&
               (d->reason == DEVICE_REASON_IDENTITY_CHANGED || d->reason == DEVICE_REASON_SERVICES_MISSING);
}

static int read_path(Call *call, const char **ret) {
        int r;

        r = sd_bus_message_rewind(call->message, true);
        return r < 0 ? r : sd_bus_message_read(call->message, "o", ret);
}

/* Healing such a device is up to its owner, who needs no leave to adopt. That there is no such device is only
 * told to those who may adopt one. */
static int find_adopt(Call *call, CallSubject *ret, sd_bus_error *error) {
        const char *path;
        int r;

        r = read_path(call, &path);
        if (r < 0)
                return r;

        call->object = device_object_find(call->bus, path);
        if (call->object) {
                const Device *d = ((DeviceObject *) call->object)->device;

                if (d->adopted && wants_adoption(d))
                        *ret = (CallSubject) { .owner = d->owner, .right = CALL_CONTROL };
        }
        return 0;
}

static void cancel_link_work(Call *call) {
        link_cancel(call->bus->settings.link, call);
}

static int run_adopt(Call *call, sd_bus_error *error);

typedef struct AdoptOptions {
        LinkAdopt adopt;
        uint32_t owner;
        bool owner_given;
        const char *agent;
} AdoptOptions;

static int read_adopt_options(Call *call, AdoptOptions *ret, sd_bus_error *error) {
        const Option options[] = {
                { "alias", 's', &ret->adopt.alias, NULL },
                { "allow-unbonded", 'b', &ret->adopt.allow_unbonded, NULL },
                { "owner", 'u', &ret->owner, &ret->owner_given },
                { "agent", 'o', &ret->agent, NULL },
        };
        int r;

        *ret = (AdoptOptions) { .adopt.owner = call->caller->uid };
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        r = ret->adopt.alias ? options_check_text("alias", ret->adopt.alias, OPTIONS_LABEL_MAX, false, error)
                             : 0;
        if (r < 0)
                return r;
        if (!ret->owner_given)
                return 0;
        if (!call_is_root(call))
                return error_set(error, ERROR_NOT_AUTHORIZED,
                                 "Only root may adopt for somebody else; leave the option \"owner\" out.");
        if (ret->owner == (uint32_t) -1)
                return error_set(error, ERROR_INVALID_ARGUMENT, "%u is nobody's uid; give the owner's.",
                                 ret->owner);

        ret->adopt.owner = ret->owner;
        return 0;
}

/* Those too that are being adopted; by this user, or (uid_t) -1: by anybody. */
static unsigned count_adopted(const Bus *bus, uid_t owner) {
        GHashTableIter iter;
        DeviceObject *object;
        unsigned n = 0;

        g_hash_table_iter_init(&iter, bus->devices);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &object))
                n += object->device->adopted && (owner == (uid_t) -1 || object->device->owner == owner);
        for (unsigned i = 0; i < bus->calls->len; i++) {
                const Call *call = bus->calls->pdata[i];

                n += call->run == run_adopt && call->cancel && (owner == (uid_t) -1 || call->uid == owner);
        }
        return n;
}

bool manager_has_share(const Bus *bus, uid_t owner) {
        return count_adopted(bus, owner) >= ADOPTED_MAX_PER_USER;
}

/* Root decides for all, and has what there is. */
static int check_adopted(const Call *call, sd_bus_error *error) {
        if (count_adopted(call->bus, (uid_t) -1) >= ADOPTED_MAX)
                return error_set(error, ERROR_LIMIT_REACHED, "%u devices are adopted already; forget one that is not used any more.", ADOPTED_MAX);
        if (!call_is_root(call) && manager_has_share(call->bus, call->uid))
                return error_set(error, ERROR_LIMIT_REACHED, "This user has adopted %u devices already; forget one that is not used any more.",
                                 ADOPTED_MAX_PER_USER);

        return 0;
}

static int run_adopt(Call *call, sd_bus_error *error) {
        DeviceObject *object = call->object;
        AdoptOptions options;
        bool again;
        int r;

        r = read_adopt_options(call, &options, error);
        if (r < 0)
                return r;
        if (!object)
                return error_set(error, ERROR_NOT_FOUND,
                                 "There is no such device (any more); search, then adopt a found one.");
        again = object->device->adopted;
        if (again && !wants_adoption(object->device))
                return error_set(error, ERROR_EXISTS,
                                 "The device %s is adopted already; its owner can forget it.",
                                 object->device->address);
        if (call->granted && call->asked != (again ? CALL_CONTROL : CALL_ADOPT))
                return error_set(error, ERROR_BUSY, "The device %s changed hands meanwhile; try again.",
                                 object->device->address);
        r = again ? 0 : check_adopted(call, error);
        if (r < 0)
                return r;
        if (again && !options.owner_given)
                options.adopt.owner = object->device->owner;

        r = call_pending(call, cancel_link_work, ADOPT_TIMEOUT_USEC);
        if (r < 0)
                return r;

        if (options.agent) {
                call->pairing = pairing_new(call, options.agent);
                options.adopt.agent = pairing_agent(call->pairing);
        }
        link_adopt(call->bus->settings.link, object->device, &options.adopt, call_done, call);
        return 0;
}

/* The device is the first argument. */
static int find_device_argument(Call *call, CallSubject *ret, sd_bus_error *error) {
        const char *path;
        int r;

        r = read_path(call, &path);
        if (r < 0)
                return r;

        return device_object_subject(call, path, ret, error);
}

static int run_forget(Call *call, sd_bus_error *error) {
        DeviceObject *object = call->object;
        int r;

        r = call_pending(call, cancel_link_work, FORGET_TIMEOUT_USEC);
        if (r < 0)
                return r;

        link_forget(call->bus->settings.link, object->device, call_done, call);
        return 0;
}

static int read_start_options(Call *call, BusStartOptions *ret, sd_bus_error *error) {
        const Option options[] = {
                { "subject", 's', &ret->subject, NULL },
                { "area", 's', &ret->area, NULL },
                { "product", 's', &ret->product, NULL },
                { "note", 's', &ret->note, NULL },
        };
        StoreLabels labels;
        int r;

        *ret = (BusStartOptions) { .owner = call->caller->uid };
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        labels = (StoreLabels) { .subject = ret->subject, .area = ret->area, .product = ret->product, .note = ret->note };
        return labels_check(&labels, error);
}

static int run_start_session(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        DeviceObject *object = call->object;
        g_autoptr(sd_bus_message) reply = NULL;
        const char *message = NULL;
        BusStartOptions options;
        Session *session = NULL;
        int r;

        r = read_start_options(call, &options, error);
        if (r < 0)
                return r;
        r = settings->ops->session_start(object->device, &options, &session, &message, settings->userdata);
        if (r < 0)
                return error_set_errno(error, r, message);

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = sd_bus_message_append(reply, "o", session_object_path(session));
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

static void append_finding(const Finding *finding, void *userdata) {
        sd_bus_message *reply = userdata;
        const struct {
                const char *key, *value;
        } entries[] = {
                { "check", finding->check },
                { "status", finding_status_name(finding->status) },
                { "finding", finding->finding },
                { "remedy", finding->remedy },
        };

        (void) sd_bus_message_open_container(reply, 'a', "{sv}");
        for (size_t i = 0; i < G_N_ELEMENTS(entries); i++) {
                g_autofree char *valid = g_utf8_make_valid(entries[i].value, -1); /* paths of files need not be */

                (void) sd_bus_message_append(reply, "{sv}", entries[i].key, "s", valid);
        }
        (void) sd_bus_message_close_container(reply);
}

static int run_doctor(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "a{sv}");
        if (r < 0)
                return r;
        settings->ops->doctor(append_finding, reply, settings->userdata);
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

#define METHOD(name, right, find, run) CALL_METHOD(userdata, name, right, find, run)

METHOD(search, CALL_ADOPT, NULL, run_search)
METHOD(stop_search, CALL_ANYBODY, NULL, run_stop_search)
METHOD(adopt, CALL_ADOPT, find_adopt, run_adopt)
METHOD(forget, CALL_CONTROL, find_device_argument, run_forget)
METHOD(start_session, CALL_CONTROL, find_device_argument, run_start_session)
METHOD(doctor, CALL_ANYBODY, NULL, run_doctor)

/* ---- What the hub tells ---- */

void manager_search_unwanted(Bus *bus, Caller *caller) {
        if (!caller->searching)
                return;

        caller->searching = false;
        if (!callers_any_searching(bus->callers))
                link_search_stop(bus->settings.link);
}

void bus_bluetooth_changed(Bus *bus) {
        if (!bus)
                return;

        announce_changed(bus->announcer, &bus->manager, MASK_BLUETOOTH, false);
}

void bus_searching_changed(Bus *bus) {
        if (!bus)
                return;

        if (!link_searching(bus->settings.link))
                callers_forget_searches(bus->callers);
        announce_changed(bus->announcer, &bus->manager, MASK_SEARCHING, false);
}

void bus_storage_changed(Bus *bus) {
        if (!bus)
                return;

        announce_changed(bus->announcer, &bus->manager, MASK_STORAGE, false);
        if (store_state(bus->settings.store) == STORE_READY)
                announce_storage_works(bus->announcer);
}

#define CONSTANT(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_CONST)
#define PROPERTY(name, type, get) SD_BUS_PROPERTY(name, type, get, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        CONSTANT("Version", "s", property_get_version),
        CONSTANT("Features", "as", property_get_features),
        PROPERTY("Bluetooth", "s", property_get_bluetooth),
        PROPERTY("Storage", "s", property_get_storage),
        PROPERTY("StorageReason", "s", property_get_storage_reason),
        PROPERTY("Searching", "b", property_get_searching),
        SD_BUS_METHOD_WITH_ARGS("Search", SD_BUS_ARGS("a{sv}", options), SD_BUS_NO_RESULT, method_search,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("StopSearch", NULL, NULL, method_stop_search, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Adopt", SD_BUS_ARGS("o", device, "a{sv}", options), SD_BUS_NO_RESULT,
                                method_adopt, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Forget", SD_BUS_ARGS("o", device), SD_BUS_NO_RESULT, method_forget,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("StartSession", SD_BUS_ARGS("o", device, "a{sv}", options),
                                SD_BUS_RESULT("o", session), method_start_session,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Doctor", SD_BUS_NO_ARGS, SD_BUS_RESULT("aa{sv}", findings), method_doctor,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int manager_register(Bus *bus) {
        int r;

        r = bus_serve(bus, BUS_ROOT, INTERFACE, vtable, NULL);
        if (r < 0)
                return r;

        if (!bus->manager.path) { /* once: connections may follow each other */
                bus->manager.interface = INTERFACE;
                bus->manager.properties = property_names;
                announce_known(bus->announcer, &bus->manager, g_strdup(BUS_ROOT));
        }
        return 0;
}
