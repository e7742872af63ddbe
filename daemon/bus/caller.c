/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/caller.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"

#define DRIVER_TIMEOUT_USEC (25 * UINT64_C(1000000))

struct Callers {
        sd_bus *connection;     /* weak: the bus's */
        const CallersObserver *observer;
        void *userdata;
        GHashTable *by_name;    /* name → Caller, owned */
        uint64_t clock;         /* counts uses */
};

static void message_unref(void *m) { /* as GDestroyNotify */
        sd_bus_message_unref(m);
}

static void caller_free(void *data) { /* likewise */
        Caller *caller = data;

        g_queue_clear_full(&caller->held, message_unref);
        sd_bus_slot_unref(caller->match);
        sd_bus_slot_unref(caller->query);
        g_free(caller->name);
        g_free(caller);
}

static void caller_leave(Caller *caller, int error) {
        Callers *callers = caller->callers;

        callers->observer->left(caller, error, callers->userdata);
        g_hash_table_remove(callers->by_name, caller->name);
}

/* sd-bus does not check who sent a signal: any client could forge one, only the driver's own name cannot be
 * had. */
static int on_name_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Caller *caller = userdata;
        const char *name, *old_owner, *new_owner;

        if (g_strcmp0(sd_bus_message_get_sender(m), "org.freedesktop.DBus") != 0)
                return 0;
        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0)
                return 0;
        if (strcmp(name, caller->name) == 0 && !*new_owner)
                caller_leave(caller, 0);

        return 0;
}

/* Without the match we would not hear that it leaves. */
static int on_match_installed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        if (sd_bus_message_is_method_error(m, NULL))
                caller_leave(userdata, -ENOBUFS);

        return 0;
}

static int on_uid(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Caller *caller = userdata;
        uint32_t uid;

        if (sd_bus_message_is_method_error(m, NULL)) {
                caller_leave(caller, -sd_bus_message_get_errno(m));
                return 0;
        }
        if (sd_bus_message_read(m, "u", &uid) < 0) {
                caller_leave(caller, -EIO);
                return 0;
        }

        caller->query = sd_bus_slot_unref(caller->query);
        caller->uid = uid;
        caller->known = true;
        caller->callers->observer->identified(caller, caller->callers->userdata);
        return 0;
}

/* The match goes first: if the name is still there when the driver answers the second call, we hear of its
 * leaving. */
static int caller_ask(Caller *caller) {
        g_autofree char *match = NULL;
        sd_bus *connection = caller->callers->connection;
        int r;

        match = g_strdup_printf(
                "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s',arg2=''",
                caller->name);
        r = sd_bus_add_match_async(connection, &caller->match, match, on_name_owner_changed,
                                   on_match_installed, caller);
        if (r < 0)
                return r;

        g_autoptr(sd_bus_message) m = NULL;
        r = sd_bus_message_new_method_call(connection, &m, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                           "org.freedesktop.DBus", "GetConnectionUnixUser");
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "s", caller->name);
        if (r < 0)
                return r;

        return sd_bus_call_async(connection, &caller->query, m, on_uid, caller, DRIVER_TIMEOUT_USEC);
}

static bool is_idle(const Caller *caller) {
        return caller->known && caller->n_calls == 0 && !caller->searching && caller->held.length == 0;
}

/* `like` is one of the user whose callers are meant, and not meant itself; NULL: all are. */
static bool forget_idlest(Callers *callers, const Caller *like) {
        Caller *idlest = NULL, *caller;
        GHashTableIter iter;

        g_hash_table_iter_init(&iter, callers->by_name);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                if (is_idle(caller) && (!like || (caller != like && caller->uid == like->uid)) &&
                    (!idlest || caller->used < idlest->used))
                        idlest = caller;

        return idlest && g_hash_table_remove(callers->by_name, idlest->name);
}

static unsigned count_of(const Callers *callers, uid_t uid) {
        GHashTableIter iter;
        Caller *caller;
        unsigned n = 0;

        g_hash_table_iter_init(&iter, callers->by_name);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                n += caller->known && caller->uid == uid;

        return n;
}

Callers *callers_new(sd_bus *connection, const CallersObserver *observer, void *userdata) {
        Callers *callers = g_new0(Callers, 1);

        callers->connection = connection;
        callers->observer = observer;
        callers->userdata = userdata;
        callers->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, caller_free);
        return callers;
}

Callers *callers_free(Callers *callers) {
        if (!callers)
                return NULL;

        g_hash_table_unref(callers->by_name);
        g_free(callers);
        return NULL;
}

int callers_get(Callers *callers, const char *name, Caller **ret) {
        Caller *caller = g_hash_table_lookup(callers->by_name, name);
        int r;

        if (!caller) {
                if (g_hash_table_size(callers->by_name) >= CALLERS_MAX && !forget_idlest(callers, NULL))
                        return -ENOBUFS;

                caller = g_new0(Caller, 1);
                caller->callers = callers;
                caller->name = g_strdup(name);
                caller->uid = (uid_t) -1;
                r = caller_ask(caller);
                if (r < 0) {
                        caller_free(caller);
                        return r;
                }
                g_hash_table_insert(callers->by_name, caller->name, caller);
        }

        caller->used = ++callers->clock;
        *ret = caller;
        return 0;
}

Caller *callers_find(const Callers *callers, const char *name) {
        Caller *caller = g_hash_table_lookup(callers->by_name, name);

        return caller && caller->known ? caller : NULL;
}

bool callers_make_room(Callers *callers, const Caller *caller) {
        while (count_of(callers, caller->uid) > CALLERS_MAX_PER_USER)
                if (!forget_idlest(callers, caller))
                        return false;

        return true;
}

void callers_leave(Callers *callers) {
        GHashTableIter iter;
        Caller *caller;

        for (;;) {
                g_hash_table_iter_init(&iter, callers->by_name);
                if (!g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                        return;
                caller_leave(caller, 0);
        }
}

void callers_drop(Callers *callers, Caller *caller) {
        g_hash_table_remove(callers->by_name, caller->name);
}

bool callers_any_searching(const Callers *callers) {
        GHashTableIter iter;
        Caller *caller;

        g_hash_table_iter_init(&iter, callers->by_name);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                if (caller->searching)
                        return true;

        return false;
}

unsigned callers_count_searching(const Callers *callers, uid_t uid) {
        GHashTableIter iter;
        Caller *caller;
        unsigned n = 0;

        g_hash_table_iter_init(&iter, callers->by_name);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                n += caller->searching && caller->uid == uid;

        return n;
}

void callers_forget_searches(Callers *callers) {
        GHashTableIter iter;
        Caller *caller;

        g_hash_table_iter_init(&iter, callers->by_name);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &caller))
                caller->searching = false;
}
