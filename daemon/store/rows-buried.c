/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <sys/random.h>

#include "store/rows-private.h"
#include "store/schema.h"

/* What was erased or discarded here may still be on the device, and must not come back with the next records that are fetched. So a mark is
 * left of it: a digest of which record it was, with a number that only this database knows. It says nothing by itself. That number is
 * in the same file, and there are not many addresses and records to try: who has the file can find out by guessing which records they were. */

static int get_salt(Rows *rows, int64_t *ret) {
        sqlite3_int64 salt = 0;
        int rc = schema_get_meta(rows->db, "salt", &salt);

        if (rc == SQLITE_NOTFOUND) {
                while (salt == 0)
                        if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
                                salt = 0;
                rc = schema_set_meta(rows->db, "salt", salt);
        }
        *ret = salt;
        return rc;
}

static int get_mark(Rows *rows, const StoreBurial *burial, int64_t *ret) {
        g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
        uint8_t digest[32];
        gsize size = sizeof(digest);
        int64_t salt;
        int rc = get_salt(rows, &salt);

        g_checksum_update(sum, (const guchar *) &salt, sizeof(salt));
        /* Of a known start it is that one in whatever epoch. */
        if (burial->record_start == 0)
                g_checksum_update(sum, (const guchar *) &burial->epoch, sizeof(burial->epoch));
        g_checksum_update(sum, (const guchar *) &burial->record, sizeof(burial->record));
        if (burial->record_start != 0)
                g_checksum_update(sum, (const guchar *) &burial->record_start, sizeof(burial->record_start));
        g_checksum_update(sum, (const guchar *) burial->device_address, -1);
        g_checksum_get_digest(sum, digest, &size);
        memcpy(ret, digest, sizeof(*ret));
        return rc;
}

static int run(Rows *rows, RowsStatement statement, int64_t value, sqlite3_stmt **ret) {
        int rc = rows_prepare(rows, statement, ret);

        if (rc == SQLITE_OK)
                rows_bind_u64(*ret, 1, (uint64_t) value);
        return rc;
}

int rows_bury(Rows *rows, const StoreBurial *burial) {
        sqlite3_stmt *stmt;
        int64_t mark;
        int rc;

        if (burial->record == 0)
                return SQLITE_OK;
        rc = get_mark(rows, burial, &mark);
        if (rc == SQLITE_OK)
                rc = run(rows, ROWS_BURY, mark, &stmt);
        return rc == SQLITE_OK ? rows_run_once(stmt) : rc;
}

int rows_bury_session(Rows *rows, uint64_t id) {
        g_autofree char *address = NULL;
        StoreBurial burial = {};
        sqlite3_stmt *stmt;
        int rc = run(rows, ROWS_SESSION_RECORD, (int64_t) id, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                address = rows_get_text(stmt, 0);
                burial = (StoreBurial) {
                        .device_address = address,
                        .epoch = (uint32_t) sqlite3_column_int64(stmt, 1),
                        .record = (uint32_t) sqlite3_column_int64(stmt, 2),
                        .record_start = (uint64_t) sqlite3_column_int64(stmt, 3),
                };
        }
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_ROW ? rows_bury(rows, &burial) : rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int has_mark(Rows *rows, const StoreBurial *burial) {
        sqlite3_stmt *stmt;
        int64_t mark;
        int rc = get_mark(rows, burial, &mark);

        if (rc == SQLITE_OK)
                rc = run(rows, ROWS_BURIED, mark, &stmt);
        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(stmt);
        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static int unbury(Rows *rows, const StoreBurial *burial) {
        sqlite3_stmt *stmt = NULL;
        int64_t mark;
        int rc = get_mark(rows, burial, &mark);

        if (rc == SQLITE_OK)
                rc = run(rows, ROWS_UNBURY, mark, &stmt);
        return rc == SQLITE_OK ? rows_run_once(stmt) : rc;
}

int rows_is_buried(Rows *rows, const StoreBurial *burial) {
        StoreBurial loose = *burial;
        int rc = has_mark(rows, burial);

        if (rc != SQLITE_NOTFOUND || burial->record_start == 0)
                return rc;
        /* Its start is known now: another one that gets its number later is not meant. */
        loose.record_start = 0;
        rc = has_mark(rows, &loose);
        if (rc == SQLITE_OK)
                rc = unbury(rows, &loose);
        return rc == SQLITE_OK ? rows_bury(rows, burial) : rc;
}
