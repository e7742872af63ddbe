/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/announce.h"

#include <glib.h>

#include "autoptr.h"
#include "bus/private.h"

#define BACKLOG_MAX 256u        /* changes of the record that wait to be told */
#define PROPERTIES_MAX 32u

typedef struct Gone {
        char *path;
        const char *interface;
} Gone;

typedef struct Kept {           /* of the record: a session that came, or changed */
        const char *member;
        uint64_t id;
        uid_t owner;
} Kept;

struct Announcer {
        sd_bus *connection;     /* weak: the bus's; NULL: there is none to tell by */
        Stall *stall;           /* weak: the bus's */
        sd_event_source *timer;
        GPtrArray *objects;     /* Announced, weak */
        GArray *gone;           /* Gone: removed, clients do not know yet. As long as there are any no object is shown anew, so that with
                                 * those that are shown they are never more than there once were objects */
        GArray *kept;           /* Kept */
        GArray *late;           /* Kept: not written yet */
        bool behind; /* something could not be sent: all else queues up behind it, to keep the order */
};

static void gone_clear(void *data) {
        g_free(((Gone *) data)->path);
}

static bool queue_is_full(Announcer *a) {
        return !a->connection || stall_look(a->stall) > ANNOUNCE_QUEUE_MAX;
}

static void wake_later(Announcer *a) {
        int enabled;

        if (sd_event_source_get_enabled(a->timer, &enabled) >= 0 && enabled == SD_EVENT_ONESHOT)
                return;

        (void) sd_event_source_set_time_relative(a->timer, ANNOUNCE_INTERVAL_USEC);
        (void) sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

/* Whether a signal may be sent now. */
static bool may_send(Announcer *a) {
        if (!a->behind && !queue_is_full(a))
                return true;

        a->behind = true;
        if (a->connection)
                wake_later(a);
        return false;
}

static void send_changed(Announcer *a, Announced *object) {
        const char *names[PROPERTIES_MAX + 1];
        unsigned n = 0;

        for (unsigned i = 0; i < PROPERTIES_MAX && object->properties[i]; i++)
                if (object->dirty >> i & 1)
                        names[n++] = object->properties[i];
        names[n] = NULL;
        object->dirty = 0;
        if (n > 0)
                (void) sd_bus_emit_properties_changed_strv(a->connection, object->path, object->interface,
                                                           (char **) names);
}

static void send_object_added(Announcer *a, Announced *object) {
        object->shown = true;
        object->dirty = 0; /* the signal carries all values */
        (void) sd_bus_emit_object_added(a->connection, object->path);
}

/* As sd_bus_emit_object_removed(), which needs the object to be there still. */
static void send_object_removed(Announcer *a, const char *path, const char *interface) {
        (void) sd_bus_emit_interfaces_removed(a->connection, path, "org.freedesktop.DBus.Peer",
                                              "org.freedesktop.DBus.Introspectable",
                                              "org.freedesktop.DBus.Properties", interface, NULL);
}

static void send_kept(Announcer *a, const Kept *kept) {
        (void) sd_bus_emit_signal(a->connection, BUS_ROOT, "org.needled.History1", kept->member, "tu", kept->id,
                                  (uint32_t) kept->owner);
}

/* Sends what waits, in an order that never shows something that is not so: the record first (durable → Added
 * → finished), then what went, then what is there. */
static void catch_up(Announcer *a) {
        while (a->kept->len > 0 && !queue_is_full(a)) {
                send_kept(a, &g_array_index(a->kept, Kept, 0));
                g_array_remove_index(a->kept, 0);
        }
        while (a->gone->len > 0 && !queue_is_full(a)) {
                const Gone *gone = &g_array_index(a->gone, Gone, 0);

                send_object_removed(a, gone->path, gone->interface);
                g_array_remove_index(a->gone, 0);
        }
        for (unsigned i = 0; a->gone->len == 0 && i < a->objects->len && !queue_is_full(a); i++) {
                Announced *object = a->objects->pdata[i];

                if (!object->shown)
                        send_object_added(a, object);
                else if (object->dirty)
                        send_changed(a, object);
        }
}

/* Too many to tell one by one: of each owner that all may have changed. */
static void coalesce(Announcer *a) {
        g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);
        unsigned n = 0;

        for (unsigned i = 0; i < a->kept->len; i++) {
                uid_t owner = g_array_index(a->kept, Kept, i).owner;

                if (g_hash_table_add(told, GUINT_TO_POINTER(owner)))
                        g_array_index(a->kept, Kept, n++) = (Kept) { "Removed", 0, owner };
        }
        g_array_set_size(a->kept, n);
}

static void announce_kept(Announcer *a, const char *member, uint64_t id, uid_t owner) {
        const Kept kept = { member, id, owner };

        if (may_send(a)) {
                send_kept(a, &kept);
                return;
        }

        if (a->kept->len >= BACKLOG_MAX)
                coalesce(a);
        if (a->kept->len >= BACKLOG_MAX) /* of as many users */
                g_array_remove_index(a->kept, 0);
        g_array_append_val(a->kept, kept);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Announcer *a = userdata;

        catch_up(a);
        a->behind = queue_is_full(a);
        if (a->behind && a->connection)
                wake_later(a);
        return 0;
}

Announcer *announcer_free(Announcer *a) {
        if (!a)
                return NULL;

        sd_event_source_disable_unref(a->timer);
        g_ptr_array_unref(a->objects);
        g_array_unref(a->gone);
        g_array_unref(a->kept);
        g_array_unref(a->late);
        g_free(a);
        return NULL;
}

int announcer_new(sd_event *event, Stall *stall, Announcer **ret) {
        Announcer *a = g_new0(Announcer, 1);
        int r;

        a->stall = stall;
        a->objects = g_ptr_array_new();
        a->gone = g_array_new(false, false, sizeof(Gone));
        g_array_set_clear_func(a->gone, gone_clear);
        a->kept = g_array_new(false, false, sizeof(Kept));
        a->late = g_array_new(false, false, sizeof(Kept));

        r = sd_event_add_time(event, &a->timer, CLOCK_BOOTTIME, 0, ANNOUNCE_INTERVAL_USEC / 8, on_timer, a);
        if (r >= 0)
                r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        if (r < 0) {
                announcer_free(a);
                return r;
        }

        *ret = a;
        return 0;
}

/* Who looks at the objects when the name comes back sees those that were told of; the others follow. */
void announcer_connection(Announcer *a, sd_bus *connection) {
        a->connection = connection;
        if (connection && a->behind)
                (void) on_timer(a->timer, 0, a);
}

void announce_added(Announcer *a, Announced *object, char *path) {
        object->path = path;
        g_ptr_array_add(a->objects, object);
        if (may_send(a))
                send_object_added(a, object);
}

void announce_removed(Announcer *a, Announced *object) {
        if (a)
                g_ptr_array_remove(a->objects, object);
        if (a && object->shown && may_send(a))
                send_object_removed(a, object->path, object->interface);
        else if (a && object->shown)
                g_array_append_val(a->gone, ((Gone) { g_steal_pointer(&object->path), object->interface }));
        g_clear_pointer(&object->path, g_free);
        object->shown = false;
}

void announce_known(Announcer *a, Announced *object, char *path) {
        object->path = path;
        object->shown = true;
        g_ptr_array_add(a->objects, object);
}

void announce_changed(Announcer *a, Announced *object, uint32_t mask, bool lazily) {
        object->dirty |= mask;
        if (!object->shown || !object->dirty)
                return;

        if (lazily)
                wake_later(a);
        else if (may_send(a))
                send_changed(a, object);
}

void announce_history_added(Announcer *a, uint64_t id, uid_t owner) {
        announce_kept(a, "Added", id, owner);
}

void announce_history_changed(Announcer *a, uint64_t id, uid_t owner) {
        announce_kept(a, "Changed", id, owner);
}

static void drop_late(Announcer *a, uint64_t id) {
        for (unsigned i = a->late->len; i-- > 0;)
                if (g_array_index(a->late, Kept, i).id == id)
                        g_array_remove_index(a->late, i);
}

void announce_history_removed(Announcer *a, uint64_t id, uid_t owner) {
        drop_late(a, id);               /* it never was, for those who listen */
        announce_kept(a, "Removed", id, owner);
}

static void keep_late(Announcer *a, const char *member, uint64_t id, uid_t owner) {
        if (a->late->len < BACKLOG_MAX)
                g_array_append_val(a->late, ((Kept) { member, id, owner }));
        else
                announce_kept(a, member, id, owner);
}

void announce_history_added_late(Announcer *a, uint64_t id, uid_t owner) {
        keep_late(a, "Added", id, owner);
}

void announce_history_changed_late(Announcer *a, uint64_t id, uid_t owner) {
        keep_late(a, "Changed", id, owner);
}

void announce_storage_works(Announcer *a) {
        for (unsigned i = 0; i < a->late->len; i++) {
                const Kept *kept = &g_array_index(a->late, Kept, i);

                announce_kept(a, kept->member, kept->id, kept->owner);
        }
        g_array_set_size(a->late, 0);
}
