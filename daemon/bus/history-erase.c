/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>

#include "autoptr.h"
#include "bus/history.h"
#include "bus/options.h"
#include "bus/plan.h"
#include "bus/private.h"

#define REMOVED_MAX 1000u               /* signals for one erasure; beyond, one for each owner that says to list again */

/* ---- Telling ---- */

static void announce_each(Bus *bus, const StoreErased *erased) {
        for (unsigned i = 0; i < erased->n_sessions; i++)
                announce_history_removed(bus->announcer, erased->sessions[i].id, erased->sessions[i].owner);
}

static void announce_owners(Bus *bus, const StoreErased *erased) {
        g_autoptr(GHashTable) told = g_hash_table_new(NULL, NULL);

        for (unsigned i = 0; i < erased->n_sessions; i++) {
                uid_t owner = erased->sessions[i].owner;

                if (g_hash_table_add(told, GUINT_TO_POINTER(owner)))
                        announce_history_removed(bus->announcer, 0, owner);
        }
}

void bus_history_erased(Bus *bus, const StoreErased *erased) {
        if (!bus || !erased)
                return;

        if (erased->n_sessions > REMOVED_MAX)
                announce_owners(bus, erased);
        else
                announce_each(bus, erased);
}

static int append_erased(sd_bus_message *m, const StoreErased *erased) {
        const uint32_t n_sessions = erased ? erased->n_sessions : 0;
        const uint64_t n_bytes = erased ? erased->n_bytes : 0;
        char **remains = erased ? erased->remains : NULL;
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;
        r = dictionary_basic(m, "sessions", 'u', &n_sessions);
        if (r < 0)
                return r;
        r = dictionary_basic(m, "bytes", 't', &n_bytes);
        if (r < 0)
                return r;
        r = dictionary_open(m, "remains", "as");
        for (size_t i = 0; r >= 0 && remains && remains[i]; i++)
                r = sd_bus_message_append_basic(m, 's', remains[i]);
        if (r < 0)
                return r;
        r = dictionary_close(m, "as");

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int answer(Call *call, const StoreErased *erased) {
        g_autoptr(sd_bus_message) reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(call->message, &reply);
        if (r < 0)
                return r;
        r = append_erased(reply, erased);
        if (r < 0)
                return r;

        call_reply_take(call, g_steal_pointer(&reply));
        return 0;
}

static int erase_error(Call *call, int status, sd_bus_error *error) {
        const char *reason = store_reason(call->bus->settings.store);

        switch (status) {
        case -ENOENT:
                return error_set(error, ERROR_NOT_FOUND, "The session was deleted meanwhile.");
        case -EBUSY:
                return error_set(error, ERROR_NOT_READY, "The session is live; discard it, or finish it and delete it then.");
        case -ENOBUFS:
                return error_set(error, ERROR_LIMIT_REACHED, "%u erasures wait already; try again when some of them are done.",
                                 STORE_ERASURES_MAX);
        case -EIO:
                return error_set(error, ERROR_DEGRADED, "It is not erased yet, and will be as soon as the database can be written: %s",
                                 reason && *reason ? reason : "see the journal of needled.");
        default:
                return history_store_error(call, status, error);
        }
}

static void on_erased(int status, const StoreErased *erased, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        Call *call = userdata;
        int r;

        if (call->bus && erased)
                call->bus->settings.ops->erased(erased, call->bus->settings.userdata);
        bus_history_erased(call->bus, erased);
        if (!call->bus || !call->message) {
                call_reply_take(call, NULL);
                return;
        }

        r = status < 0 ? erase_error(call, status, &error) : answer(call, erased);
        call_finish(call, r, &error);
}

/* ---- Delete ---- */

static int delete_begin(Call *call, const StoreSession *session, sd_bus_error *error) {
        store_delete(call->bus->settings.store, session->id, on_erased, call);
        return 0;
}

static int delete_missing(Call *call, sd_bus_error *error) {
        return history_missing(call, "discard it with Session1.Discard(), or finish it and delete it then.", error);
}

static void on_delete_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_ERASE, delete_begin, delete_missing, history_run_delete };

        history_on_session(&use, status, sessions, n, userdata);
}

int history_run_delete(Call *call, sd_bus_error *error) {
        return history_ask(call, on_delete_got);
}

/* ---- EraseAll ---- */

typedef struct Erasure {
        uid_t owner;
        const char *owner_name;         /* NULL: whatever it was */
        bool copies;                    /* those that were put aside, and nothing else */
} Erasure;

static int read_erasure(Call *call, Erasure *ret, sd_bus_error *error) {
        const BusOps *ops = call->bus->settings.ops;
        uint32_t owner = (uint32_t) call->caller->uid;
        bool owner_given = false, copies = false;
        const Option options[] = {
                { "owner", 'u', &owner, &owner_given },
                { "copies", 'b', &copies, NULL },
        };
        int r;

        r = sd_bus_message_rewind(call->message, true);
        if (r < 0)
                return r;
        r = options_read(call->message, options, G_N_ELEMENTS(options), error);
        if (r < 0)
                return r;
        if (copies && owner_given)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "Copies that were put aside hold the sessions of all users; leave \"owner\" out.");

        *ret = (Erasure) { .owner = (uid_t) owner, .copies = copies };
        /* One's own are those that were stored with one's name. Who may erase another's, or root that says whose, means all of the uid's. */
        if (ret->owner == call->caller->uid && !(owner_given && call_is_root(call)))
                ret->owner_name = ops->user_name ? ops->user_name(ret->owner, call->bus->settings.userdata) : NULL;
        return 0;
}

static int run_erase_granted(Call *call, sd_bus_error *error) {
        Store *store = call->bus->settings.store;
        const BusOps *ops = call->bus->settings.ops;
        Erasure erasure = {};
        int r;

        r = read_erasure(call, &erasure, error);
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        if (erasure.copies) {
                store_erase_copies(store, on_erased, call);
                return 0;
        }
        /* Now, since what is set from here on is newer than the erasure. */
        if (store_can_erase(store) && ops->plan->forget(erasure.owner, erasure.owner_name, call->bus->settings.userdata) < 0)
                return error_set(error, ERROR_DEGRADED, "The database cannot be read yet, and nothing was erased; try again in a moment.");
        store_erase_all(store, erasure.owner, erasure.owner_name, on_erased, call);
        return 0;
}

int history_run_erase_all(Call *call, sd_bus_error *error) {
        Erasure erasure = {};
        int r;

        r = read_erasure(call, &erasure, error);
        if (r < 0)
                return r;
        if (call_is_root(call))
                return run_erase_granted(call, error);
        if (erasure.copies)
                return error_set(error, ERROR_NOT_AUTHORIZED,
                                 "Copies that were put aside hold the sessions of all users; only root may erase them.");
        if (erasure.owner != call->caller->uid)
                return call_elevate(call, CALL_ERASE, run_erase_granted, NULL, error);

        return run_erase_granted(call, error);
}
