/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/objects.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "client/json.h"
#include "client/match.h"
#include "client/redact.h"
#include "client/service.h"

static const char *const device_names[] = { "address", "alias", "name", "path" };

static int compare_devices(const void *a, const void *b) {
        const json_t *x = *(json_t *const *) a, *y = *(json_t *const *) b;
        bool x_adopted = json_is_true(json_object_get(x, "adopted")),
             y_adopted = json_is_true(json_object_get(y, "adopted"));
        int64_t x_rssi = json_number(x, "rssi"), y_rssi = json_number(y, "rssi");
        int c;

        if (x_adopted != y_adopted)
                return x_adopted ? -1 : 1;

        /* Of those that were found, the nearest first: signals are negative, 0 is unknown. */
        if (!x_adopted && x_rssi != y_rssi)
                return x_rssi == 0 ? 1 : y_rssi == 0 ? -1 : x_rssi > y_rssi ? -1 : 1;

        c = g_ascii_strcasecmp(objects_device_title(x), objects_device_title(y));
        return c != 0 ? c : strcmp(json_text(x, "path"), json_text(y, "path"));
}

static int compare_sessions(const void *a, const void *b) {
        int64_t x = json_number(*(json_t *const *) a, "id"), y = json_number(*(json_t *const *) b, "id");

        return x == y ? 0 : x > y ? -1 : 1;
}

static json_t *collect(const json_t *managed, const char *interface,
                       int (*compare)(const void *, const void *)) {
        g_autoptr(GPtrArray) found = g_ptr_array_new();
        json_t *array = json_array(), *interfaces;
        const char *path;

        json_object_foreach((json_t *) managed, path, interfaces) {
                const json_t *properties = json_object_get(interfaces, interface);
                json_t *object;

                if (!properties)
                        continue;

                object = json_from_properties(properties);
                json_object_set_new(object, "path", json_string(path));
                g_ptr_array_add(found, object);
        }

        if (found->len > 1)
                qsort(found->pdata, found->len, sizeof(gpointer), compare);
        for (unsigned i = 0; i < found->len; i++)
                json_array_append_new(array, found->pdata[i]);

        return array;
}

/* The best match counts; several of the same quality are ambiguous, unless they are the same object. */
typedef struct Search {
        Match best;
        unsigned n;
        const json_t *found;
} Search;

static void search_offer(Search *s, const json_t *object, Match match) {
        if (match == MATCH_NONE || match < s->best || (match == s->best && s->found == object))
                return;

        s->n = match > s->best ? 1 : s->n + 1;
        s->best = match;
        s->found = object;
}

static int search_result(const Search *s, const json_t **ret) {
        if (s->n == 0)
                return -ENOENT;
        if (s->n > 1)
                return -ENOTUNIQ;

        *ret = s->found;
        return 0;
}

void objects_init(Objects *objects, const json_t *managed) {
        *objects = (Objects) {
                .devices = collect(managed, SERVICE_DEVICE, compare_devices),
                .sessions = collect(managed, SERVICE_SESSION, compare_sessions),
        };
}

void objects_done(Objects *objects) {
        json_decref(objects->devices);
        json_decref(objects->sessions);
        *objects = (Objects) {};
}

Match objects_device_match(const json_t *device, const char *typed) {
        Match best = MATCH_NONE;

        for (size_t k = 0; k < G_N_ELEMENTS(device_names); k++)
                best = MAX(best, match_name(typed, json_text(device, device_names[k])));

        return best;
}

int objects_find_device(const Objects *objects, const char *typed, const json_t **ret) {
        Search search = {};
        json_t *device;
        size_t i;

        json_array_foreach(objects->devices, i, device)
                search_offer(&search, device, objects_device_match(device, typed));

        return search_result(&search, ret);
}

bool objects_is_session_id(const char *typed) {
        return *typed && typed[strspn(typed, G_CSET_DIGITS)] == '\0';
}

Match objects_session_match(const json_t *session, const char *typed) {
        g_autofree char *id = g_strdup_printf("%" PRId64, json_number(session, "id"));
        Match uuid = match_name(typed, json_text(session, "uuid"));

        if (strcmp(typed, id) == 0 || strcmp(typed, json_text(session, "path")) == 0)
                return MATCH_EXACT;
        if (uuid == MATCH_PREFIX && (objects_is_session_id(typed) || strlen(typed) < SESSION_UUID_PREFIX_MIN))
                return MATCH_NONE;

        return uuid;
}

int objects_find_session(const Objects *objects, const char *typed, const json_t **ret) {
        const json_t *device = NULL;
        Search search = {};
        json_t *session;
        size_t i;
        int r;

        json_array_foreach(objects->sessions, i, session)
                search_offer(&search, session, objects_session_match(session, typed));
        if (search.n > 0)
                return search_result(&search, ret);
        if (objects_is_session_id(typed)) /* no device whose address begins so: its session is another */
                return -ENOENT;

        r = objects_find_device(objects, typed, &device);
        if (r < 0)
                return r;

        *ret = objects_at(objects->sessions, json_text(device, "session"));
        return *ret ? 0 : -ENOENT;
}

int objects_only_device(const Objects *objects, const json_t **ret) {
        const json_t *connected = NULL, *adopted = NULL;
        unsigned n_connected = 0, n_adopted = 0;
        json_t *device;
        size_t i;

        json_array_foreach(objects->devices, i, device) {
                if (!json_is_true(json_object_get(device, "adopted")))
                        continue;

                adopted = device;
                n_adopted++;
                if (objects_device_is_connected(device)) {
                        connected = device;
                        n_connected++;
                }
        }

        if (n_adopted == 0)
                return -ENOENT;
        if (n_adopted > 1 && n_connected != 1)
                return -ENOTUNIQ;

        *ret = n_connected == 1 ? connected : adopted;
        return 0;
}

bool objects_session_is_live_of(const json_t *session, uid_t uid) {
        return objects_session_is_live(session) && (uid == 0 || json_number(session, "owner") == (int64_t) uid);
}

int objects_only_session(const Objects *objects, uid_t uid, const json_t **ret) {
        const json_t *found = NULL;
        json_t *session;
        size_t i;

        json_array_foreach(objects->sessions, i, session) {
                if (!objects_session_is_live_of(session, uid))
                        continue;
                if (found)
                        return -ENOTUNIQ;
                found = session;
        }

        *ret = found;
        return found ? 0 : -ENOENT;
}

const json_t *objects_at(const json_t *array, const char *path) {
        json_t *object;
        size_t i;

        json_array_foreach((json_t *) array, i, object)
                if (*path && strcmp(json_text(object, "path"), path) == 0)
                        return object;

        return NULL;
}

const json_t *objects_session_by_id(const Objects *objects, uint64_t id) {
        json_t *session;
        size_t i;

        json_array_foreach(objects->sessions, i, session)
                if ((uint64_t) json_number(session, "id") == id)
                        return session;

        return NULL;
}

bool objects_session_is_live(const json_t *session) {
        return strcmp(json_text(session, "state"), "finished") != 0;
}

bool objects_device_is_connected(const json_t *device) {
        const char *state = json_text(device, "state");

        return strcmp(state, "ready") == 0 || strcmp(state, "streaming") == 0 ||
               strcmp(state, "syncing") == 0;
}

const char *objects_device_title(const json_t *device) {
        const char *title = json_text(device, "alias");

        if (!*title)
                title = json_text(device, "name");
        return redact_name(*title ? title : json_text(device, "address"));
}
