/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "store/rows-private.h"

/* Of a session that goes, at a time: chunks have up to 48 KiB, and each page of them is overwritten. */
#define CHUNKS_AT_A_TIME 16
#define DETAILS_AT_A_TIME 256

static int bind(Rows *rows, RowsStatement statement, int n, const int64_t *values, sqlite3_stmt **ret) {
        int rc = rows_prepare(rows, statement, ret);

        for (int i = 0; i < n && rc == SQLITE_OK; i++)
                rows_bind_u64(*ret, i + 1, (uint64_t) values[i]);
        return rc;
}

static int run(Rows *rows, RowsStatement statement, int n, const int64_t *values) {
        sqlite3_stmt *stmt;
        int rc = bind(rows, statement, n, values, &stmt);

        return rc == SQLITE_OK ? rows_run_once(stmt) : rc;
}

/* The first row of a statement that has its values, and no more of it. SQLITE_NOTFOUND: there is none. */
static int first(sqlite3_stmt *stmt, int n_ret, int64_t *ret) {
        int rc = sqlite3_step(stmt);

        for (int i = 0; i < n_ret && rc == SQLITE_ROW; i++)
                ret[i] = sqlite3_column_int64(stmt, i);
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static int look(Rows *rows, RowsStatement statement, int n, const int64_t *values, int n_ret, int64_t *ret) {
        sqlite3_stmt *stmt;
        int rc = bind(rows, statement, n, values, &stmt);

        return rc == SQLITE_OK ? first(stmt, n_ret, ret) : rc;
}

int rows_session_state(Rows *rows, uint64_t id, RowsSessionState *ret) {
        int64_t found[4] = {};
        int rc = look(rows, ROWS_SESSION_STATE, 1, (int64_t[]) { (int64_t) id }, G_N_ELEMENTS(found), found);

        *ret = (RowsSessionState) {
                .ended = (int) found[0],
                .owner = (uid_t) found[1],
                .start_boottime_usec = (uint64_t) found[2],
                .start_realtime_usec = (uint64_t) found[3],
        };
        return rc;
}

int rows_session_hide(Rows *rows, uint64_t id, uint64_t realtime_usec) {
        int rc = run(rows, ROWS_SESSION_HIDE, 1, (int64_t[]) { (int64_t) id });

        if (rc != SQLITE_OK)
                return rc;
        if (sqlite3_changes(rows->db) == 0)
                return SQLITE_NOTFOUND;
        rc = rows_bury_session(rows, id);
        return rc == SQLITE_OK ? run(rows, ROWS_TOMBSTONE, 2, (int64_t[]) { (int64_t) id, (int64_t) realtime_usec }) : rc;
}

int rows_session_conceal(Rows *rows, uint64_t id) {
        return run(rows, ROWS_SESSION_CONCEAL, 1, (int64_t[]) { (int64_t) id });
}

int rows_session_empty(Rows *rows, uint64_t id, bool *ret_more) {
        static const struct {
                RowsStatement statement;
                int n;
        } parts[] = {
                { ROWS_CHUNKS_DELETE, CHUNKS_AT_A_TIME },
                { ROWS_GAPS_DELETE, DETAILS_AT_A_TIME },
                { ROWS_EVENTS_DELETE, DETAILS_AT_A_TIME },
        };
        int rc = SQLITE_OK;

        *ret_more = true;
        for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
                rc = run(rows, parts[i].statement, 2, (int64_t[]) { (int64_t) id, parts[i].n });
                if (rc != SQLITE_OK || sqlite3_changes(rows->db) == parts[i].n)
                        return rc;
        }
        *ret_more = false;
        rc = rows_tail_delete(rows, id);
        return rc == SQLITE_OK ? rows_session_delete(rows, id) : rc;
}

int rows_session_twin(Rows *rows, uint64_t id) {
        return look(rows, ROWS_SESSION_TWIN, 1, (int64_t[]) { (int64_t) id }, 0, NULL);
}

static int of_record(Rows *rows, const StoreSession *session, int64_t *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_OF_RECORD, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, session->device_address);
        rows_bind_u64(stmt, 2, session->record);
        rows_bind_u64(stmt, 3, session->record_start);
        rows_bind_u64(stmt, 4, session->epoch);
        return first(stmt, 1, ret);
}

static int numbered(Rows *rows, const StoreSession *session, int64_t *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_NUMBERED, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, session->device_address);
        rows_bind_u64(stmt, 2, session->record);
        rows_bind_u64(stmt, 3, session->epoch);
        return first(stmt, 1, ret);
}

static int beside(Rows *rows, const StoreSession *session, int64_t *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_BESIDE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, session->device_address);
        rows_bind_u64(stmt, 2, session->start_realtime_usec);
        rows_bind_u64(stmt, 3, session->end_realtime_usec);
        rows_bind_u64(stmt, 4, session->record);
        return first(stmt, 1, ret);
}

static int imported(Rows *rows, const StoreSession *session, int64_t *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_IMPORTED, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, session->device_address);
        rows_bind_u64(stmt, 2, session->record);
        rows_bind_u64(stmt, 3, session->record_start);
        rows_bind_u64(stmt, 4, session->owner);
        rows_bind_text(stmt, 5, session->owner_name);
        return first(stmt, 1, ret);
}

int rows_session_of_record(Rows *rows, const StoreRecord *record, uint64_t *ret_id, bool *ret_merged) {
        const StoreSession *session = &record->session;
        int64_t found = 0;
        int rc = of_record(rows, session, &found);

        *ret_merged = rc == SQLITE_OK;
        if (rc == SQLITE_NOTFOUND)
                rc = record->start_unknown ? numbered(rows, session, &found) : beside(rows, session, &found);
        if (rc == SQLITE_NOTFOUND) {
                rc = imported(rows, session, &found);
                *ret_merged = rc == SQLITE_OK;
        }
        *ret_id = (uint64_t) found;
        return rc;
}

int rows_session_confirm(Rows *rows, uint64_t id, uint32_t epoch) {
        return run(rows, ROWS_SESSION_CONFIRM, 2, (int64_t[]) { (int64_t) id, epoch });
}

int rows_session_merge(Rows *rows, uint64_t id, const StoreSession *session) {
        return run(rows, ROWS_SESSION_MERGE, 4, (int64_t[]) { (int64_t) id, session->record, session->epoch, (int64_t) session->record_start });
}

int rows_session_record_seq(Rows *rows, uint64_t id, uint64_t seq) {
        return run(rows, ROWS_SESSION_RECORD_SEQ, 2, (int64_t[]) { (int64_t) id, (int64_t) seq });
}

int rows_chunk_has(Rows *rows, uint64_t session, uint64_t seq) {
        return look(rows, ROWS_CHUNK_HAS, 2, (int64_t[]) { (int64_t) session, (int64_t) seq }, 0, NULL);
}

int rows_gap_has(Rows *rows, uint64_t session, const StoreGap *gap) {
        const int64_t values[] = { (int64_t) session, (int64_t) gap->from_usec, (int64_t) gap->to_usec, gap->stream, (int64_t) gap->lost };

        return look(rows, ROWS_GAP_HAS, G_N_ELEMENTS(values), values, 0, NULL);
}

int rows_next_hidden(Rows *rows, uint64_t after, uint64_t *ret_id) {
        int64_t found = 0;
        int rc = look(rows, ROWS_HIDDEN_NEXT, 1, (int64_t[]) { (int64_t) after }, 1, &found);

        *ret_id = (uint64_t) found;
        return rc;
}

/* `text`: the value behind the others; NULL: there is none. */
static int next(Rows *rows, RowsStatement statement, int n, const int64_t *values, const char *text, uint64_t *ret_id, uid_t *ret_owner) {
        int64_t found[2] = {};
        sqlite3_stmt *stmt;
        int rc = bind(rows, statement, n, values, &stmt);

        if (rc == SQLITE_OK && text)
                rows_bind_text(stmt, n + 1, text);
        if (rc == SQLITE_OK)
                rc = first(stmt, 2, found);
        *ret_id = (uint64_t) found[0];
        *ret_owner = (uid_t) found[1];
        return rc;
}

int rows_not_over(Rows *rows, GArray *ret) {
        sqlite3_stmt *stmt;
        int rc = bind(rows, ROWS_NOT_OVER, 0, NULL, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                uint64_t id = (uint64_t) sqlite3_column_int64(stmt, 0);

                g_array_append_val(ret, id);
        }
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_next_of(Rows *rows, uid_t owner, const char *owner_name, uint64_t after, uint64_t upto, uint64_t *ret_id, uid_t *ret_owner) {
        const int64_t values[] = { (int64_t) after, (int64_t) MIN(upto, INT64_MAX), owner };
        bool all = owner == (uid_t) -1;

        return next(rows, all ? ROWS_NEXT_OF_ALL : ROWS_NEXT_OF_OWNER, all ? 2 : 3, values, all ? NULL : owner_name ?: "",
                    ret_id, ret_owner);
}

int rows_next_old(Rows *rows, uint64_t from_usec, uint64_t upto_usec, uint64_t before, uint64_t *ret_id, uid_t *ret_owner) {
        const int64_t values[] = { (int64_t) from_usec, (int64_t) upto_usec, (int64_t) MIN(before, INT64_MAX) };

        return next(rows, ROWS_NEXT_OLD, G_N_ELEMENTS(values), values, NULL, ret_id, ret_owner);
}

int rows_first_newer(Rows *rows, uint64_t after_usec, uint64_t upto_usec, uint64_t *ret_id) {
        int64_t found = 0;
        int rc = look(rows, ROWS_FIRST_NEWER, 2, (int64_t[]) { (int64_t) after_usec, (int64_t) upto_usec }, 1, &found);

        *ret_id = (uint64_t) found;
        return rc;
}

int rows_next_owner(Rows *rows, uid_t from, uid_t *ret) {
        int64_t found = 0;
        int rc = look(rows, ROWS_NEXT_OWNER, 1, (int64_t[]) { from }, 1, &found);

        *ret = (uid_t) found;
        return rc;
}

int rows_first_surplus(Rows *rows, uid_t owner, unsigned count, uint64_t *ret_id) {
        int64_t found = 0;
        int rc = look(rows, ROWS_FIRST_SURPLUS, 2, (int64_t[]) { owner, count }, 1, &found);

        *ret_id = (uint64_t) found;
        return rc;
}

int rows_person_delete(Rows *rows, uid_t owner, const char *owner_name) {
        static const RowsStatement statements[] = { ROWS_PLANS_DELETE, ROWS_ACKNOWLEDGEMENTS_DELETE };
        const int64_t values[] = { owner == (uid_t) -1 ? -1 : (int64_t) owner };
        int rc = SQLITE_OK;

        for (size_t i = 0; i < G_N_ELEMENTS(statements) && rc == SQLITE_OK; i++) {
                sqlite3_stmt *stmt;

                rc = bind(rows, statements[i], 1, values, &stmt);
                if (rc != SQLITE_OK)
                        break;
                rows_bind_text(stmt, 2, owner_name);
                rc = rows_run_once(stmt);
        }
        return rc;
}
