/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/gate.h"

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/error.h"
#include "bus/private.h"

#define VALUE_SIZE 8u           /* that each value counts, beside the octets of a text */
#define DEVICES_A_TOKEN 8u      /* so many are told of in the time of a usual call */

/* Takes that much from what is left; false: it is not. */
static bool take_room(size_t *left, size_t size) {
        if (size > *left)
                return false;

        *left -= size;
        return true;
}

static bool has_room(sd_bus_message *m, size_t *left);

static bool value_has_room(sd_bus_message *m, char type, const char *contents, size_t *left) {
        const char *text;

        if (!take_room(left, VALUE_SIZE))
                return false;
        if (contents)
                return sd_bus_message_enter_container(m, type, contents) >= 0 && has_room(m, left) && sd_bus_message_exit_container(m) >= 0;
        if (type != SD_BUS_TYPE_STRING && type != SD_BUS_TYPE_OBJECT_PATH && type != SD_BUS_TYPE_SIGNATURE)
                return sd_bus_message_skip(m, NULL) >= 0;

        return sd_bus_message_read_basic(m, type, &text) >= 0 && take_room(left, strlen(text));
}

/* Whether what follows in the container has room; libsystemd does not tell how large a message is. */
static bool has_room(sd_bus_message *m, size_t *left) {
        const char *contents;
        char type;
        int r;

        while ((r = sd_bus_message_peek_type(m, &type, &contents)) > 0)
                if (!value_has_room(m, type, contents, left))
                        return false;

        return r == 0;
}

/* What waits here, or is under way, is kept in memory: the bus lets everybody send 32 MiB at once. */
static bool is_small(sd_bus_message *m) {
        const char *path = sd_bus_message_get_path(m);
        size_t left = GATE_MESSAGE_MAX;

        return (!path || take_room(&left, strlen(path))) && has_room(m, &left) && sd_bus_message_rewind(m, true) >= 0;
}

static int hold(Caller *caller, sd_bus_message *m, sd_bus_error *error) {
        if (caller->held.length >= CALLERS_HELD_MAX)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This client makes more than %u calls before the bus has said whose it is; wait for their answers.",
                                 CALLERS_HELD_MAX);

        g_queue_push_tail(&caller->held, sd_bus_message_ref(m));
        return 1;
}

static void answer_held(Caller *caller, const sd_bus_error *error) {
        sd_bus_message *m;

        while ((m = g_queue_pop_head(&caller->held))) {
                (void) sd_bus_reply_method_error(m, error);
                sd_bus_message_unref(m);
        }
}

/* The first of those that are held comes once more by the connection's queue, and then the next. */
static void next_turn(Bus *bus, Caller *caller) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        sd_bus_message *m = g_queue_peek_head(&caller->held);

        if (!m || sd_bus_enqueue_for_read(bus->connection, m) >= 0)
                return;

        (void) error_set(&error, ERROR_LIMIT_REACHED, "needled has too much to do at the moment; try again later.");
        answer_held(caller, &error);
}

/* What comes before they are through waits behind them. */
static int take_turn(Bus *bus, Caller *caller, sd_bus_message *m, sd_bus_error *error) {
        if (g_queue_peek_head(&caller->held) != m)
                return hold(caller, m, error);

        sd_bus_message_unref(g_queue_pop_head(&caller->held));
        next_turn(bus, caller);
        return 0;
}

static int check_room(Bus *bus, sd_bus_error *error) {
        if (stall_look(bus->stall) < GATE_QUEUED_LARGE_MAX)
                return 0;

        return error_set(error, ERROR_LIMIT_REACHED, "Too much that was answered waits to be read; try again later.");
}

/* What libsystemd answers by itself, and has all objects in it, or all that there is to say of one. */
static int take_whole(Bus *bus, const Caller *caller, sd_bus_message *m, sd_bus_error *error) {
        bool objects = sd_bus_message_is_method_call(m, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects") > 0;
        unsigned price = objects ? 1 + g_hash_table_size(bus->devices) / DEVICES_A_TOKEN : 1;
        int r;

        if (!objects && sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Introspectable", "Introspect") <= 0)
                return 0;

        r = check_room(bus, error);
        for (unsigned i = 0; r >= 0 && i < price; i++)
                r = gate_take(bus, caller, BUCKET_WORK, error);
        return r;
}

/* 0: it may be answered, 1: it waits. Errors: `error` is set. */
static int admit(Bus *bus, const char *sender, sd_bus_message *m, sd_bus_error *error) {
        Caller *caller;
        int r;

        if (!is_small(m))
                return error_set(error, ERROR_INVALID_ARGUMENT, "No call of needled takes more than %u octets of arguments; pass less.", GATE_MESSAGE_MAX);
        if (callers_get(bus->callers, sender, &caller) < 0)
                return error_set(error, ERROR_LIMIT_REACHED, "needled serves too many clients at the moment; try again later.");
        if (!caller->known)
                return hold(caller, m, error);
        if (caller->held.length > 0) {
                r = take_turn(bus, caller, m, error);
                if (r != 0)
                        return r;
        }

        r = gate_take(bus, caller, BUCKET_CALLS, error);
        return r < 0 ? r : take_whole(bus, caller, m, error);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(m);
        Bus *bus = userdata;
        bool full;
        int r;

        if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0 || !sender)
                return 0;

        full = stall_look(bus->stall) >= GATE_QUEUED_MAX;
        r = admit(bus, sender, m, error);       /* in any case, or what waits behind it would wait for ever */
        if (!full)
                return r;

        /* An answer would wait in our memory, since those who ask do not read. Whose time is up hears NoReply. */
        sd_bus_error_free(error);
        return 1;
}

int gate_register(Bus *bus) {
        sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_add_filter(bus->connection, &slot, on_message, bus);
        if (r < 0)
                return r;

        bus_own_slot(bus, slot);
        return 0;
}

int gate_take(Bus *bus, const Caller *caller, BucketKind kind, sd_bus_error *error) {
        uint64_t now_usec = bus->settings.ops->now_usec(bus->settings.userdata);

        if (bus_is_root(bus, caller->uid) || buckets_take(&bus->buckets, caller->uid, kind, now_usec))
                return 0;
        if (kind == BUCKET_WORK)
                return error_set(error, ERROR_LIMIT_REACHED,
                                 "This user asks for more than %u changes and queries a second; try again later.", BUCKET_WORK_PER_SEC);

        return error_set(error, ERROR_LIMIT_REACHED, "This user makes more than %u calls a second; try again later.", BUCKET_CALLS_PER_SEC);
}

int gate_large_reply(Call *call, sd_bus_message **ret, sd_bus_error *error) {
        int r = check_room(call->bus, error);

        return r < 0 ? r : sd_bus_message_new_method_return(call->message, ret);
}

void gate_identified(Bus *bus, Caller *caller) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

        if (!bus_is_root(bus, caller->uid) && !callers_make_room(bus->callers, caller)) {
                (void) error_set(&error, ERROR_LIMIT_REACHED,
                                 "This user has %u clients with calls under way; wait for their answers.", CALLERS_MAX_PER_USER);
                answer_held(caller, &error);
                callers_drop(bus->callers, caller);
                return;
        }

        next_turn(bus, caller);
}

void gate_left(Caller *caller, int error) {
        g_auto(sd_bus_error) e = SD_BUS_ERROR_NULL;

        if (error >= 0) /* nobody waits */
                return;

        (void) error_set_errno(&e, error, "The bus did not say who calls; try again.");
        answer_held(caller, &e);
}
