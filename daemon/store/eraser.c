/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/eraser.h"

#include <errno.h>

#include "store/files.h"
#include "store/schema.h"

#define PAGES_AT_A_TIME "256"

struct Erasure {
        TAILQ_ENTRY(Erasure) entry;
        EraseKind kind;
        uint64_t session;
        uid_t owner;
        char *owner_name;               /* NULL: whatever it is */
        uint64_t from_usec, upto_usec;  /* of ERASE_OLD */
        uint64_t upto;                  /* id, included; of ERASE_OLD not */
        GArray *spared;                 /* of ERASE_OWNER: uint64_t, ids that stay; NULL: none */
        bool asked;                     /* by somebody, and counted */
        uint64_t row;                   /* what the database has of it; 0: nothing */
        uint64_t wait;
        bool resumed;                   /* an earlier process has begun it */
        bool begun;
        guint n_sure;                   /* of `gone`, when the step began */
        guint doubt_from, doubt_to;     /* likewise: steps noted them that failed, so they may be found again */
        sqlite3_int64 n_pages, page_size; /* when it began */
        uint64_t n_octets;              /* of files that were removed */
        GArray *gone;                   /* StoreGone; also of steps that failed, which find the same again */
        int error;
};

static Erasure *erasure_new(EraseKind kind, uid_t owner) {
        Erasure *erasure = g_new0(Erasure, 1);

        erasure->kind = kind;
        erasure->owner = owner;
        erasure->upto = INT64_MAX;
        erasure->gone = g_array_new(FALSE, FALSE, sizeof(StoreGone));
        return erasure;
}

static void add(Eraser *eraser, Erasure *erasure) {
        TAILQ_INSERT_TAIL(&eraser->erasures, erasure, entry);
        if (eraser->phase == ERASER_IDLE)
                eraser->phase = ERASER_ROWS;
}

static void remove_erasure(Eraser *eraser, Erasure *erasure) {
        TAILQ_REMOVE(&eraser->erasures, erasure, entry);
        g_array_unref(erasure->gone);
        g_clear_pointer(&erasure->spared, g_array_unref);
        g_free(erasure->owner_name);
        g_free(erasure);
}

/* ---- Rows ---- */

/* A session that nobody sees and that no import is at. SQLITE_NOTFOUND. */
static int find_hidden(Ledger *ledger, uint64_t *ret_id) {
        int rc;

        *ret_id = 0;
        do
                rc = rows_next_hidden(&ledger->rows, *ret_id, ret_id);
        while (rc == SQLITE_OK && g_hash_table_contains(ledger->intakes, ret_id));
        return rc;
}

static void note_gone(Erasure *erasure, uint64_t id, uid_t owner) {
        StoreGone gone = { .id = id, .owner = owner };

        if (erasure->resumed && id == erasure->session) /* it is told already */
                return;
        for (guint i = erasure->doubt_from; i < erasure->doubt_to; i++)
                if (g_array_index(erasure->gone, StoreGone, i).id == id)
                        return;
        g_array_append_val(erasure->gone, gone);
}

static void note_doubt(Erasure *erasure, bool failed) {
        if (failed && erasure->gone->len > erasure->n_sure) {
                if (erasure->doubt_to == 0)
                        erasure->doubt_from = erasure->n_sure;
                erasure->doubt_to = erasure->gone->len;
        }
        erasure->n_sure = erasure->gone->len;
}

static int find_one(Erasure *erasure, Ledger *ledger, uint64_t *ret_id, uid_t *ret_owner) {
        RowsSessionState state;
        int rc = rows_session_state(&ledger->rows, erasure->session, &state);

        *ret_id = erasure->session;
        *ret_owner = state.owner;
        if (g_hash_table_contains(ledger->known, &erasure->session))
                erasure->error = -EBUSY;
        else if (rc == SQLITE_NOTFOUND && erasure->gone->len == 0)
                erasure->error = -ENOENT;
        else if (rc == SQLITE_OK && state.ended != 1 && erasure->gone->len == 0)
                erasure->error = -ENOENT;
        return rc == SQLITE_OK && (erasure->error < 0 || state.ended != 1) ? SQLITE_NOTFOUND : rc;
}

static bool is_spared(const Erasure *erasure, uint64_t id) {
        for (guint i = 0; erasure->spared && i < erasure->spared->len; i++)
                if (g_array_index(erasure->spared, uint64_t, i) == id)
                        return true;
        return false;
}

/* From the first id on each time: what the last step took away is there again if it failed. */
static int find_of_owner(Erasure *erasure, Ledger *ledger, uint64_t *ret_id, uid_t *ret_owner) {
        int rc;

        *ret_id = 0;
        do
                rc = rows_next_of(&ledger->rows, erasure->owner, erasure->owner_name, *ret_id, erasure->upto, ret_id, ret_owner);
        while (rc == SQLITE_OK && is_spared(erasure, *ret_id));
        return rc;
}

/* The next that is to go. SQLITE_NOTFOUND: no more. */
static int find_next(Erasure *erasure, Ledger *ledger, uint64_t *ret_id, uid_t *ret_owner) {
        switch (erasure->kind) {
        case ERASE_SESSION:
                return find_one(erasure, ledger, ret_id, ret_owner);
        case ERASE_OWNER:
        case ERASE_SURPLUS:
                return find_of_owner(erasure, ledger, ret_id, ret_owner);
        case ERASE_OLD:
                return rows_next_old(&ledger->rows, erasure->from_usec, erasure->upto_usec, erasure->upto, ret_id, ret_owner);
        case ERASE_COPIES:
        case ERASE_DISCARDED:
                break;
        }
        return SQLITE_NOTFOUND;
}

static int measure(Erasure *erasure, Ledger *ledger) {
        int rc = schema_get_int(ledger->rows.db, "PRAGMA page_count", &erasure->n_pages);

        if (rc == SQLITE_OK)
                rc = schema_get_int(ledger->rows.db, "PRAGMA page_size", &erasure->page_size);
        return rc;
}

/* SQLITE_NOTFOUND: nothing more to do. */
static int erase_some(Eraser *eraser, Ledger *ledger, uint64_t realtime_usec) {
        Erasure *erasure = TAILQ_FIRST(&eraser->erasures);
        bool more = true;
        uid_t owner;
        int rc;

        if (eraser->current == 0) {
                rc = find_hidden(ledger, &eraser->current);
                if (rc == SQLITE_NOTFOUND && erasure)
                        rc = find_next(erasure, ledger, &eraser->current, &owner);
                else if (rc == SQLITE_OK)
                        erasure = NULL; /* hidden before */
                if (rc == SQLITE_OK && erasure) {
                        note_gone(erasure, eraser->current, owner);
                        rc = rows_session_hide(&ledger->rows, eraser->current, realtime_usec);
                }
                if (rc != SQLITE_OK) {
                        eraser->current = 0;
                        return rc;
                }
        }
        eraser->found = true;
        rc = rows_session_empty(&ledger->rows, eraser->current, &more);
        if (rc == SQLITE_NOTFOUND)
                rc = SQLITE_OK; /* by a commit that was reported as failed */
        if (!more)
                eraser->current = 0;
        return rc;
}

static int erase_rows(Eraser *eraser, Ledger *ledger, uint64_t realtime_usec) {
        uint64_t until_usec = shared_now_usec() + ERASER_STEP_USEC;
        Erasure *erasure = TAILQ_FIRST(&eraser->erasures);
        int rc = SQLITE_OK;

        if (erasure && !erasure->begun)
                rc = measure(erasure, ledger);
        while (rc == SQLITE_OK && shared_now_usec() < until_usec)
                rc = erase_some(eraser, ledger, realtime_usec);
        return rc;
}

/* Whatever was found in a step is found again in the next, if this one fails. */
static int step_rows(Eraser *eraser, Ledger *ledger, Store *store, uint64_t realtime_usec) {
        Erasure *erasure = TAILQ_FIRST(&eraser->erasures);
        Rows *rows = &ledger->rows;
        bool over;
        int rc = rows_set_sync(rows, false);

        if (rc == SQLITE_OK)
                rc = schema_exec(rows->db, "PRAGMA secure_delete = ON");
        if (rc == SQLITE_OK)
                rc = rows_run(rows, ROWS_BEGIN);
        if (rc == SQLITE_OK)
                rc = erase_rows(eraser, ledger, realtime_usec);
        over = rc == SQLITE_NOTFOUND;
        if (over && erasure && erasure->kind == ERASE_COPIES)
                erasure->n_octets += files_remove_aside(store->path) + files_remove_backups(store->path, UINT64_MAX);
        if (over && erasure && erasure->row > 0)
                rc = rows_erasure_delete(rows, erasure->row);
        if (rc == SQLITE_OK || rc == SQLITE_NOTFOUND)
                rc = rows_run(rows, ROWS_COMMIT);
        if (rc == SQLITE_OK)
                rc = schema_exec(rows->db, "PRAGMA secure_delete = FAST");
        if (erasure) {
                note_doubt(erasure, rc != SQLITE_OK);
                erasure->begun |= rc == SQLITE_OK;
        }
        if (rc != SQLITE_OK) {
                eraser->current = 0;
                return rc;
        }
        if (over) {
                eraser->found |= eraser->dirty;
                eraser->found |= erasure && (erasure->kind == ERASE_OWNER || erasure->kind == ERASE_DISCARDED); /* plans, or it has gone */
                eraser->phase = eraser->found ? ERASER_PAGES : ERASER_LOG;
                eraser->sweep = eraser->dirty = false;
        }
        return SQLITE_OK;
}

/* ---- Pages and files ---- */

/* All, or without an erasure those that are older than the last one, which was cut off. */
static int remove_backups(Eraser *eraser, Ledger *ledger, Store *store) {
        Erasure *erasure = TAILQ_FIRST(&eraser->erasures);
        sqlite3_int64 last_usec = 0;
        int rc = SQLITE_OK;

        if (erasure && !erasure->begun) /* it has come since the rows were looked at */
                erasure = NULL;
        if (erasure && erasure->kind != ERASE_DISCARDED)
                erasure->n_octets += files_remove_backups(store->path, UINT64_MAX);
        else if (!erasure)
                rc = schema_get_int(ledger->rows.db, "SELECT coalesce(max(realtime), 0) FROM tombstone", &last_usec);
        if (last_usec > 0)
                (void) files_remove_backups(store->path, (uint64_t) last_usec);
        return rc;
}

/* A file of which no page can be given back (auto_vacuum is off) keeps them: they are overwritten. */
static int step_pages(Eraser *eraser, Ledger *ledger, Store *store) {
        sqlite3_int64 n_free = 0, n_left = 0;
        int rc = schema_get_int(ledger->rows.db, "PRAGMA freelist_count", &n_free);

        if (rc != SQLITE_OK)
                return rc;
        if (n_free > 0) {
                rc = schema_exec(ledger->rows.db, "PRAGMA incremental_vacuum(" PAGES_AT_A_TIME ")");
                if (rc == SQLITE_OK)
                        rc = schema_get_int(ledger->rows.db, "PRAGMA freelist_count", &n_left);
                if (rc != SQLITE_OK || n_left < n_free)
                        return rc;
        }
        rc = remove_backups(eraser, ledger, store);
        if (rc == SQLITE_OK)
                eraser->phase = ERASER_LOG;
        return rc;
}

static void shrunk(Erasure *erasure, Ledger *ledger) {
        sqlite3_int64 n_pages = 0;

        if (schema_get_int(ledger->rows.db, "PRAGMA page_count", &n_pages) == SQLITE_OK && n_pages < erasure->n_pages)
                erasure->n_octets += (uint64_t) ((erasure->n_pages - n_pages) * erasure->page_size);
}

void eraser_init(Eraser *eraser) {
        *eraser = (Eraser) {};
        TAILQ_INIT(&eraser->erasures);
}

void eraser_done(Eraser *eraser) {
        while (!TAILQ_EMPTY(&eraser->erasures))
                remove_erasure(eraser, TAILQ_FIRST(&eraser->erasures));
}

void eraser_add(Eraser *eraser, Job *job) {
        Erasure *erasure = erasure_new(job->erase, job->erase_owner);

        erasure->session = job->session;
        erasure->owner_name = g_strdup(job->erase_owner_name);
        erasure->wait = job->wait;
        erasure->asked = true;
        erasure->row = job->erase_row;
        if (job->erase_placed)
                erasure->upto = job->erase_upto;
        erasure->spared = g_steal_pointer(&job->spared);
        add(eraser, erasure);
}

static EraseKind kind_of(const RowsErasure *row) {
        if (row->session == ROWS_ERASURE_OF_COPIES)
                return ERASE_COPIES;
        return row->session > 0 ? ERASE_SESSION : ERASE_OWNER;
}

int eraser_resume(Eraser *eraser, Ledger *ledger) {
        RowsErasure row = {};
        int rc;

        while ((rc = rows_erasure_next(&ledger->rows, row.id, &row)) == SQLITE_OK) {
                Erasure *erasure = erasure_new(kind_of(&row), row.owner);
                StoreGone told = { .id = row.session, .owner = row.owner }; /* 0: some of the owner's, which are not known any more */

                erasure->row = row.id;
                erasure->session = row.session;
                erasure->owner_name = g_steal_pointer(&row.owner_name);
                erasure->upto = row.upto;
                erasure->spared = g_steal_pointer(&row.spared);
                erasure->resumed = true;
                if (erasure->kind != ERASE_COPIES)
                        g_array_append_val(erasure->gone, told);
                add(eraser, erasure);
                ledger->next_erasure = row.id + 1;
        }
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

void eraser_add_discarded(Eraser *eraser, uint64_t wait) {
        Erasure *erasure = erasure_new(ERASE_DISCARDED, (uid_t) -1);

        erasure->wait = wait;
        add(eraser, erasure);
}

void eraser_add_old(Eraser *eraser, uint64_t from_usec, uint64_t upto_usec, uint64_t before) {
        Erasure *erasure = erasure_new(ERASE_OLD, (uid_t) -1);

        erasure->from_usec = from_usec;
        erasure->upto_usec = upto_usec;
        erasure->upto = before;
        add(eraser, erasure);
}

void eraser_add_surplus(Eraser *eraser, uid_t owner, uint64_t upto) {
        Erasure *erasure = erasure_new(ERASE_SURPLUS, owner);

        erasure->upto = upto;
        add(eraser, erasure);
}

void eraser_sweep(Eraser *eraser) {
        eraser->sweep = true;
        if (eraser->phase == ERASER_IDLE)
                eraser->phase = ERASER_ROWS;
}

void eraser_scrub(Eraser *eraser) {
        eraser->dirty = true;
        eraser_sweep(eraser);
}

bool eraser_is_busy(const Eraser *eraser) {
        return eraser->phase != ERASER_IDLE;
}

bool eraser_is_asked(const Eraser *eraser) {
        return !TAILQ_EMPTY(&eraser->erasures);
}

int eraser_step(Eraser *eraser, Ledger *ledger, Store *store, uint64_t realtime_usec) {
        Erasure *erasure;
        int rc = SQLITE_OK;

        switch (eraser->phase) {
        case ERASER_ROWS:
                rc = step_rows(eraser, ledger, store, realtime_usec);
                break;
        case ERASER_PAGES:
                rc = step_pages(eraser, ledger, store);
                break;
        case ERASER_IDLE:
        case ERASER_LOG:
                break;
        }
        if (rc != SQLITE_OK)
                return rc;
        shared_lock(store);
        TAILQ_FOREACH(erasure, &eraser->erasures, entry)
                shared_wait_extend(store, erasure->wait);
        shared_unlock(store);
        return SQLITE_OK;
}

bool eraser_wants_log(const Eraser *eraser) {
        return eraser->found;
}

void eraser_finish(Eraser *eraser, Ledger *ledger, Store *store) {
        Erasure *erasure = TAILQ_FIRST(&eraser->erasures);
        StoreErased erased;

        if (erasure && erasure->begun) { /* else it has come since the rows were looked at, and has its turn now */
                if (eraser->found)
                        shrunk(erasure, ledger);
                erased = (StoreErased) {
                        .n_sessions = erasure->gone->len,
                        .n_bytes = erasure->n_octets,
                        .sessions = g_memdup2(erasure->gone->data, erasure->gone->len * sizeof(StoreGone)),
                        .remains = files_remaining(store->path),
                };
                if (!erased.remains && erasure->error == 0 && erasure->kind != ERASE_DISCARDED)
                        erasure->error = -EIO;  /* nobody knows whether a copy is left; none has what was never to be kept */
                shared_lock(store);
                if (erasure->kind == ERASE_DISCARDED)
                        shared_wait_answer(store, erasure->wait, erasure->error);
                else
                        shared_wait_answer_erased(store, erasure->wait, erasure->error, &erased);
                shared_erased_clear(&erased);
                store->n_erasures -= erasure->asked;
                shared_unlock(store);
                remove_erasure(eraser, erasure);
        }
        eraser->found = false;
        eraser->phase = TAILQ_EMPTY(&eraser->erasures) && !eraser->sweep ? ERASER_IDLE : ERASER_ROWS;
}
