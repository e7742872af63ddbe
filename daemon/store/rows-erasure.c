/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/rows-private.h"

/* What was asked for and is not done: erasures of what is in the database, which the next process ends if this one is cut off; and, with the name of a
 * file that was put aside, people whose sessions in it are not to come back in. Rows go when there is nothing left to do. */

static int run_u64(Rows *rows, RowsStatement statement, uint64_t first, uint64_t second) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, statement, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, first);
        if (sqlite3_bind_parameter_count(stmt) > 1)
                rows_bind_u64(stmt, 2, second);
        return rows_run_once(stmt);
}

/* (uid_t) -1 is everybody: a negative number. */
static void bind_owner(sqlite3_stmt *stmt, int at, uid_t owner) {
        (void) sqlite3_bind_int64(stmt, at, owner == (uid_t) -1 ? -1 : (sqlite3_int64) owner);
}

int rows_erasure_put(Rows *rows, const RowsErasure *erasure) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_ERASURE_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, erasure->id);
        rows_bind_u64(stmt, 2, erasure->session);
        bind_owner(stmt, 3, erasure->owner);
        rows_bind_text(stmt, 4, erasure->owner_name);
        rows_bind_u64(stmt, 5, erasure->upto);
        rc = rows_run_once(stmt);
        for (guint i = 0; erasure->spared && i < erasure->spared->len && rc == SQLITE_OK; i++)
                rc = run_u64(rows, ROWS_SPARED_PUT, erasure->id, g_array_index(erasure->spared, uint64_t, i));
        return rc;
}

int rows_erasure_delete(Rows *rows, uint64_t id) {
        return run_u64(rows, ROWS_ERASURE_DELETE, id, 0);
}

static int get_spared(Rows *rows, uint64_t id, GArray *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SPARED, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, id);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                uint64_t session = (uint64_t) sqlite3_column_int64(stmt, 0);

                g_array_append_val(ret, session);
        }
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_erasure_next(Rows *rows, uint64_t after, RowsErasure *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_ERASURE_NEXT, &stmt);

        *ret = (RowsErasure) {};
        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, after);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = (RowsErasure) {
                        .id = (uint64_t) sqlite3_column_int64(stmt, 0),
                        .session = (uint64_t) sqlite3_column_int64(stmt, 1),
                        .owner = (uid_t) sqlite3_column_int64(stmt, 2),
                        .owner_name = rows_get_text(stmt, 3),
                        .upto = (uint64_t) sqlite3_column_int64(stmt, 4),
                        .spared = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
                };
        (void) sqlite3_reset(stmt);
        if (rc != SQLITE_ROW)
                return rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
        rc = get_spared(rows, ret->id, ret->spared);
        if (rc != SQLITE_OK)
                rows_erasure_clear(ret);
        return rc;
}

void rows_erasure_clear(RowsErasure *erasure) {
        g_clear_pointer(&erasure->owner_name, g_free);
        g_clear_pointer(&erasure->spared, g_array_unref);
}

static int of_file(Rows *rows, RowsStatement statement, const char *file, uid_t owner, const char *owner_name, sqlite3_stmt **ret) {
        int rc = rows_prepare(rows, statement, ret);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(*ret, 1, file);
        bind_owner(*ret, 2, owner);
        rows_bind_text(*ret, 3, owner_name);
        return SQLITE_OK;
}

int rows_keep_away(Rows *rows, const char *file, uid_t owner, const char *owner_name) {
        sqlite3_stmt *stmt;
        int rc = of_file(rows, ROWS_KEEP_AWAY, file, owner, owner_name, &stmt);

        return rc == SQLITE_OK ? rows_run_once(stmt) : rc;
}

int rows_is_kept_away(Rows *rows, const char *file, uid_t owner, const char *owner_name) {
        sqlite3_stmt *stmt;
        int rc = of_file(rows, ROWS_IS_KEPT_AWAY, file, owner, owner_name, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(stmt);
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}
