/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/objects.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "autoptr.h"

#define TEXT_MAX 248u           /* octets; the longest name that Bluetooth knows */
#define UUIDS_MAX 256u          /* of one device */
#define MAKERS_MAX 4u           /* of one device */

typedef struct Table {
        GHashTable *by_path;    /* path (the object's own) → Object, owned */
        GQueue devices;         /* of Object, weak; the one heard of last at the end */
} Table;

struct Objects {
        const Profiles *profiles; /* weak */
        Table *table;
        bool (*keeps)(const Object *object, void *userdata);
        void *keeps_userdata;
};

static const struct {
        const char *name;
        unsigned bit;
} interfaces[] = {
        { "org.bluez.Adapter1", OBJECT_ADAPTER },
        { "org.bluez.Device1", OBJECT_DEVICE },
        { "org.bluez.GattService1", OBJECT_SERVICE },
        { "org.bluez.GattCharacteristic1", OBJECT_CHAR },
        { "org.bluez.Battery1", OBJECT_BATTERY },
        { "org.bluez.GattManager1", OBJECT_GATT_MANAGER },
};

/* type: what the variant must hold; has: offset of the bool that says that the value is known, 0: none. */
static const struct Property {
        unsigned interface;
        const char *name;
        char type;
        size_t offset, has;
} properties[] = {
        { OBJECT_ADAPTER, "Address", 's', offsetof(Object, address), 0 },
        { OBJECT_ADAPTER, "Modalias", 's', offsetof(Object, modalias), 0 },
        { OBJECT_ADAPTER, "Powered", 'b', offsetof(Object, powered), 0 },
        { OBJECT_ADAPTER, "Discovering", 'b', offsetof(Object, discovering), 0 },
        { OBJECT_DEVICE, "Address", 's', offsetof(Object, address), 0 },
        { OBJECT_DEVICE, "AddressType", 's', offsetof(Object, address_type), 0 },
        { OBJECT_DEVICE, "Name", 's', offsetof(Object, name), 0 },
        { OBJECT_DEVICE, "Adapter", 'o', offsetof(Object, parent), 0 },
        { OBJECT_DEVICE, "Connected", 'b', offsetof(Object, connected), 0 },
        { OBJECT_DEVICE, "Paired", 'b', offsetof(Object, paired), 0 },
        { OBJECT_DEVICE, "Bonded", 'b', offsetof(Object, bonded), offsetof(Object, has_bonded) },
        { OBJECT_DEVICE, "Trusted", 'b', offsetof(Object, trusted), 0 },
        { OBJECT_DEVICE, "ServicesResolved", 'b', offsetof(Object, services_resolved), 0 },
        { OBJECT_DEVICE, "RSSI", 'n', offsetof(Object, rssi), offsetof(Object, has_rssi) },
        { OBJECT_SERVICE, "UUID", 's', offsetof(Object, uuid), 0 },
        { OBJECT_SERVICE, "Device", 'o', offsetof(Object, parent), 0 },
        { OBJECT_CHAR, "UUID", 's', offsetof(Object, uuid), 0 },
        { OBJECT_CHAR, "Service", 'o', offsetof(Object, parent), 0 },
        { OBJECT_CHAR, "Notifying", 'b', offsetof(Object, notifying), 0 },
        { OBJECT_CHAR, "NotifyAcquired", 'b', offsetof(Object, notify_acquired),
          offsetof(Object, has_notify_acquired) },
        { OBJECT_BATTERY, "Percentage", 'y', offsetof(Object, battery), 0 },
};

static void object_free(void *p) {
        Object *object = p;

        g_free(object->path);
        g_free(object->address);
        g_free(object->address_type);
        g_free(object->name);
        g_free(object->uuid);
        g_free(object->parent);
        g_free(object->modalias);
        g_clear_pointer(&object->services, g_ptr_array_unref);
        g_clear_pointer(&object->makers, g_array_unref);
        g_free(object);
}

static Table *table_new(void) {
        Table *table = g_new0(Table, 1);

        table->by_path = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, object_free);
        g_queue_init(&table->devices);
        return table;
}

static void table_free(Table *table) {
        g_queue_clear(&table->devices);
        g_hash_table_unref(table->by_path);
        g_free(table);
}

static Object *table_ensure(Table *table, const char *path) {
        Object *object = g_hash_table_lookup(table->by_path, path);

        if (object || g_hash_table_size(table->by_path) >= OBJECTS_MAX)
                return object;

        object = g_new0(Object, 1);
        object->path = g_strdup(path);
        g_hash_table_insert(table->by_path, object->path, object);
        return object;
}

static void table_remove(Table *table, Object *object) {
        if (object->place)
                g_queue_delete_link(&table->devices, object->place);
        g_hash_table_remove(table->by_path, object->path);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* It was heard of just now. */
static void table_touch(Table *table, Object *object) {
        if (!object->place) {
                g_queue_push_tail(&table->devices, object);
                object->place = table->devices.tail;
        } else if (object->place != table->devices.tail) {
                g_queue_unlink(&table->devices, object->place);
                g_queue_push_tail_link(&table->devices, object->place);
        }
}

/* Makes room for the one that was heard of last: the stranger goes that was not heard of for longest. Those who stay count as heard of,
 * so that they are not in the way the next time. */
static void table_bound(Objects *objects, Table *table) {
        for (guint left = table->devices.length; table->devices.length > OBJECTS_STRANGERS_MAX && left > 1; left--) {
                Object *object = table->devices.head->data;

                if (object->connected || object->paired || object->trusted ||
                    (objects->keeps && objects->keeps(object, objects->keeps_userdata)))
                        table_touch(table, object);
                else
                        table_remove(table, object);
        }
}

static unsigned interface_bit(const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(interfaces); i++)
                if (g_str_equal(interfaces[i].name, name))
                        return interfaces[i].bit;

        return 0;
}

static const struct Property *property_find(unsigned interface, const char *name) {
        for (size_t i = 0; i < G_N_ELEMENTS(properties); i++)
                if (properties[i].interface == interface && g_str_equal(properties[i].name, name))
                        return &properties[i];

        return NULL;
}

static char *bounded(const char *text) {
        g_autofree char *cut = g_strndup(text, TEXT_MAX);

        return g_utf8_make_valid(cut, -1); /* the cut may have gone through a character */
}

/* "C0:FF:EE:12:34:56": what else it says is no address, and becomes no part of a path of ours. */
static bool is_address(const char *text) {
        for (unsigned i = 0; i < 17; i++)
                if (i % 3 == 2 ? text[i] != ':' : !g_ascii_isxdigit(text[i]))
                        return false;

        return text[17] == '\0';
}

static int read_property(sd_bus_message *m, const struct Property *p, Object *object) {
        void *field = (uint8_t *) object + p->offset;
        const char *text;
        int r, b;

        switch (p->type) {
        case 'b':
                r = sd_bus_message_read_basic(m, 'b', &b);
                if (r >= 0)
                        *(bool *) field = b;
                break;
        case 's':
        case 'o':
                r = sd_bus_message_read_basic(m, p->type, &text);
                if (r >= 0 && (!g_str_equal(p->name, "Address") || is_address(text))) {
                        g_free(*(char **) field);
                        *(char **) field = g_str_equal(p->name, "UUID")
                                                   ? g_ascii_strdown(text, MIN(strlen(text), TEXT_MAX))
                                                   : bounded(text);
                }
                break;
        default: /* 'n' and 'y' go to fields of their own size */
                r = sd_bus_message_read_basic(m, p->type, field);
                break;
        }

        if (r >= 0 && p->has > 0)
                *(bool *) ((uint8_t *) object + p->has) = true;

        return r;
}

/* Only the services that a profile knows are kept: ten thousand strangers in a crowded room are to cost little. */
static int read_uuids(sd_bus_message *m, const Profiles *profiles, Object *object) {
        g_autoptr(GPtrArray) uuids = g_ptr_array_new_with_free_func(g_free);
        const char *uuid;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &uuid)) > 0) {
                g_autofree char *lower = g_ascii_strdown(uuid, MIN(strlen(uuid), TEXT_MAX));

                if (uuids->len < UUIDS_MAX && profiles_know_service(profiles, lower))
                        g_ptr_array_add(uuids, g_steal_pointer(&lower));
        }
        if (r < 0)
                return r;

        g_clear_pointer(&object->services, g_ptr_array_unref);
        object->has_uuids = true;
        if (uuids->len > 0) {
                g_ptr_array_add(uuids, NULL);
                object->services = g_steal_pointer(&uuids);
        }
        return sd_bus_message_exit_container(m);
}

static int read_roles(sd_bus_message *m, Object *object) {
        bool central = false;
        const char *role;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "s");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_read_basic(m, 's', &role)) > 0)
                central = central || g_str_equal(role, "central");
        if (r < 0)
                return r;

        object->has_roles = true;
        object->central = central;
        return sd_bus_message_exit_container(m);
}

static int read_maker(sd_bus_message *m, const Profiles *profiles, GArray *makers) {
        ObjectMaker maker = {};
        const char *contents;
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_basic(m, 'q', &maker.company);
        if (r >= 0)
                r = sd_bus_message_peek_type(m, NULL, &contents);
        if (r < 0)
                return r;
        if (!g_str_equal(contents, "ay"))
                return sd_bus_message_skip(m, "v");
        r = sd_bus_message_enter_container(m, 'v', "ay");
        if (r < 0)
                return r;
        r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;

        if (makers->len < MAKERS_MAX && profiles_know_maker(profiles, maker.company)) {
                maker.size = (uint8_t) MIN(size, OBJECT_MAKER_DATA_MAX);
                if (maker.size > 0)
                        memcpy(maker.data, data, maker.size);
                g_array_append_val(makers, maker);
        }
        return sd_bus_message_exit_container(m);
}

static int read_makers(sd_bus_message *m, const Profiles *profiles, Object *object) {
        g_autoptr(GArray) makers = g_array_new(false, false, sizeof(ObjectMaker));
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{qv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "qv")) > 0) {
                r = read_maker(m, profiles, makers);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        g_clear_pointer(&object->makers, g_array_unref);
        if (makers->len > 0)
                object->makers = g_steal_pointer(&makers);
        return sd_bus_message_exit_container(m);
}

static const Profile *match(const Object *object, const Profiles *profiles, const char *model) {
        ProfileMaker makers[MAKERS_MAX];
        ProfileOffer offer = {
                .services = object->services ? (const char *const *) object->services->pdata : NULL,
                .name = object->name,
                .model = model,
                .makers = makers,
                .n_makers = object->makers ? object->makers->len : 0,
        };

        for (size_t i = 0; i < offer.n_makers; i++) {
                const ObjectMaker *maker = &g_array_index(object->makers, ObjectMaker, i);

                makers[i] = (ProfileMaker) { maker->company, maker->data, maker->size };
        }
        return profiles_match(profiles, &offer);
}

static int read_value(sd_bus_message *m, ObjectValue *value) {
        const void *data;
        size_t size;
        int r;

        r = sd_bus_message_read_array(m, 'y', &data, &size);
        if (r < 0)
                return r;

        static const uint8_t nothing[1];
        value->data = size > 0 ? data : nothing;
        value->size = size;
        return 0;
}

/* Returns whether it is a property that a profile may look at. */
static int read_variant(sd_bus_message *m, const Profiles *profiles, unsigned interface, const char *name,
                        Object *object, ObjectValue *value) {
        const struct Property *p = property_find(interface, name);
        const char *contents;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0 || type != 'v')
                return -EBADMSG;

        bool uuids = interface == OBJECT_DEVICE && g_str_equal(name, "UUIDs") && g_str_equal(contents, "as");
        bool makers = interface == OBJECT_DEVICE && g_str_equal(name, "ManufacturerData") &&
                      g_str_equal(contents, "a{qv}");
        bool roles = interface == OBJECT_ADAPTER && g_str_equal(name, "Roles") && g_str_equal(contents, "as");
        bool bytes = value && interface == OBJECT_CHAR && g_str_equal(name, "Value") &&
                     g_str_equal(contents, "ay");
        bool plain = p && contents[0] == p->type && contents[1] == '\0';
        if (!uuids && !makers && !roles && !bytes && !plain) {
                r = sd_bus_message_skip(m, "v");
                return r < 0 ? r : 0;
        }

        r = sd_bus_message_enter_container(m, 'v', contents);
        if (r < 0)
                return r;
        r = uuids    ? read_uuids(m, profiles, object)
            : makers ? read_makers(m, profiles, object)
            : roles  ? read_roles(m, object)
            : bytes  ? read_value(m, value)
                     : read_property(m, p, object);
        if (r < 0)
                return r;

        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : uuids || makers || (interface == OBJECT_DEVICE && g_str_equal(name, "Name"));
}

static int read_properties(sd_bus_message *m, const Profiles *profiles, unsigned interface, Object *object,
                           ObjectValue *value) {
        bool offers = false;
        const char *name;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read_basic(m, 's', &name);
                if (r >= 0)
                        r = read_variant(m, profiles, interface, name, object, value);
                if (r > 0)
                        offers = true;
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (offers)
                object->profile = match(object, profiles, NULL);

        return sd_bus_message_exit_container(m);
}

/* a{sa{sv}} of one object. Returns the interfaces of interest. */
static int read_interfaces(Table *table, const Profiles *profiles, const char *path, sd_bus_message *m,
                           Object **ret) {
        Object *object = NULL;
        unsigned seen = 0;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
        if (r < 0)
                return r;
        while ((r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                const char *name;
                unsigned bit;

                r = sd_bus_message_read_basic(m, 's', &name);
                if (r < 0)
                        return r;
                bit = interface_bit(name);
                if (bit)
                        object = table_ensure(table, path);
                if (bit && object) {
                        object->interfaces |= bit;
                        seen |= bit;
                        r = read_properties(m, profiles, bit, object, NULL);
                } else
                        r = sd_bus_message_skip(m, "a{sv}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;
        if (seen & OBJECT_DEVICE)
                table_touch(table, object);
        if (ret)
                *ret = object;

        r = sd_bus_message_exit_container(m);
        return r < 0 ? r : (int) seen;
}

static bool has_signature(sd_bus_message *m, const char *signature) {
        return sd_bus_message_has_signature(m, signature) > 0;
}

Objects *objects_new(const Profiles *profiles) {
        Objects *objects = g_new0(Objects, 1);

        objects->profiles = profiles;
        objects->table = table_new();
        return objects;
}

Objects *objects_free(Objects *objects) {
        if (objects) {
                table_free(objects->table);
                g_free(objects);
        }

        return NULL;
}

void objects_set_keeper(Objects *objects, bool (*keeps)(const Object *object, void *userdata), void *userdata) {
        objects->keeps = keeps;
        objects->keeps_userdata = userdata;
}

int objects_replace(Objects *objects, sd_bus_message *reply) {
        g_autoptr(Table) table = table_new();
        const char *path;
        int r;

        if (!has_signature(reply, "a{oa{sa{sv}}}"))
                return -EBADMSG;

        r = sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
        if (r < 0)
                return -EBADMSG;
        while ((r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read_basic(reply, 'o', &path);
                if (r >= 0)
                        r = read_interfaces(table, objects->profiles, path, reply, NULL);
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r < 0)
                        return -EBADMSG;
                table_bound(objects, table);
        }
        if (r < 0)
                return -EBADMSG;

        table_free(objects->table);
        objects->table = g_steal_pointer(&table);
        return 0;
}

int objects_add(Objects *objects, sd_bus_message *signal, Object **ret) {
        const char *path;
        int r;

        if (!has_signature(signal, "oa{sa{sv}}"))
                return -EBADMSG;

        r = sd_bus_message_read_basic(signal, 'o', &path);
        if (r >= 0)
                r = read_interfaces(objects->table, objects->profiles, path, signal, ret);
        if (r < 0)
                return -EBADMSG;

        if (r & OBJECT_DEVICE)
                table_bound(objects, objects->table);
        return r;
}

/* What an interface leaves behind must not be taken for the next one's: a device that comes back is not
 * connected. */
static void forget_interfaces(Object *object, unsigned gone) {
        object->interfaces &= ~gone;
        if (gone & OBJECT_DEVICE) {
                object->connected = object->paired = object->bonded = object->trusted = false;
                object->services_resolved = object->has_rssi = object->has_bonded = object->has_uuids = false;
                object->profile = NULL;
                g_clear_pointer(&object->services, g_ptr_array_unref);
                g_clear_pointer(&object->makers, g_array_unref);
        }
        if (gone & OBJECT_ADAPTER)
                object->powered = object->discovering = object->has_roles = object->central = false;
        if (gone & OBJECT_CHAR)
                object->notifying = object->notify_acquired = object->has_notify_acquired = false;
}

int objects_remove(Objects *objects, sd_bus_message *signal, const char **ret_path) {
        const char *path, *name;
        unsigned gone = 0;
        Object *object;
        int r;

        if (!has_signature(signal, "oas"))
                return -EBADMSG;

        r = sd_bus_message_read_basic(signal, 'o', &path);
        if (r < 0)
                return -EBADMSG;
        r = sd_bus_message_enter_container(signal, 'a', "s");
        if (r < 0)
                return -EBADMSG;
        while ((r = sd_bus_message_read_basic(signal, 's', &name)) > 0)
                gone |= interface_bit(name);
        if (r < 0)
                return -EBADMSG;

        object = objects_get(objects, path);
        if (!object)
                return 0;

        gone &= object->interfaces;
        forget_interfaces(object, gone);
        if (object->interfaces == 0)
                table_remove(objects->table, object);

        *ret_path = path;
        return (int) gone;
}

int objects_change(Objects *objects, sd_bus_message *signal, Object **ret, ObjectValue *ret_value) {
        Object *object = objects_get(objects, sd_bus_message_get_path(signal));
        bool resolved = object && object->services_resolved;
        const char *name;
        unsigned bit;
        int r;

        *ret_value = (ObjectValue) {};
        if (!has_signature(signal, "sa{sv}as"))
                return -EBADMSG;

        r = sd_bus_message_read_basic(signal, 's', &name);
        if (r < 0)
                return -EBADMSG;
        bit = interface_bit(name);
        if (!object || !(object->interfaces & bit))
                return 0;

        r = read_properties(signal, objects->profiles, bit, object, ret_value);
        if (r >= 0)
                r = sd_bus_message_enter_container(signal, 'a', "s");
        if (r < 0)
                return -EBADMSG;
        while ((r = sd_bus_message_read_basic(signal, 's', &name)) > 0)
                if (bit == OBJECT_DEVICE && g_str_equal(name, "RSSI"))
                        object->has_rssi = false; /* the discovery has ended */
        if (r < 0)
                return -EBADMSG;
        /* A bluetoothd that is busy takes a connection from its socket before it hears of it from the
         * kernel; then it never signals Connected (5.66: "Device … is already connected" in its journal).
         * Services are resolved of a connected device only. */
        if (bit == OBJECT_DEVICE && object->services_resolved && !resolved)
                object->connected = true;

        if (bit == OBJECT_DEVICE)
                table_touch(objects->table, object);
        *ret = object;
        return (int) bit;
}

void objects_clear(Objects *objects) {
        table_free(objects->table);
        objects->table = table_new();
}

Object *objects_get(const Objects *objects, const char *path) {
        return path ? g_hash_table_lookup(objects->table->by_path, path) : NULL;
}

unsigned objects_size(const Objects *objects) {
        return g_hash_table_size(objects->table->by_path);
}

void objects_foreach(const Objects *objects, unsigned interface,
                     void (*visit)(Object *object, void *userdata), void *userdata) {
        GHashTableIter iter;
        void *object;

        g_hash_table_iter_init(&iter, objects->table->by_path);
        while (g_hash_table_iter_next(&iter, NULL, &object))
                if (((Object *) object)->interfaces & interface)
                        visit(object, userdata);
}

Object *objects_find_char(const Objects *objects, const char *device, const char *service_uuid,
                          const char *uuid) {
        size_t length = strlen(device);
        Object *found = NULL;
        GHashTableIter iter;
        void *value;

        g_hash_table_iter_init(&iter, objects->table->by_path);
        while (g_hash_table_iter_next(&iter, NULL, &value)) {
                Object *object = value, *service;

                if (!(object->interfaces & OBJECT_CHAR) || g_strcmp0(object->uuid, uuid) != 0 ||
                    strncmp(object->path, device, length) != 0 || object->path[length] != '/')
                        continue;
                service = objects_get(objects, object->parent);
                if (service_uuid && (!service || g_strcmp0(service->uuid, service_uuid) != 0))
                        continue;
                if (!found || strcmp(object->path, found->path) < 0)
                        found = object;
        }

        return found;
}

const Profile *objects_match(const Objects *objects, const Object *object, const char *model) {
        if (!object)
                return NULL;

        return model && *model ? match(object, objects->profiles, model) : object->profile;
}

char *objects_device_path(const char *path) {
        const char *p;

        if (!g_str_has_prefix(path, "/org/bluez/"))
                return NULL;
        p = strchr(path + strlen("/org/bluez/"), '/');
        if (!p || !g_str_has_prefix(p, "/dev_"))
                return NULL;

        p = strchr(p + 1, '/');
        return p ? g_strndup(path, (size_t) (p - path)) : g_strdup(path);
}
