/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/schema.h"

#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "store/files.h"

/* Chunks have a rowid: WITHOUT ROWID would keep the blobs in an index's pages, four times the size. A tail
 * has the pieces of the chunk that is not there yet, a few seconds of each session, and needs no index; once
 * its chunk is there a row of it is stale and is written over in place, which is one page a commit where
 * deleting and inserting is five. Lists are read by (start, id), of all or of one owner, device or
 * subject. */
static const char tables_1[] =
        "CREATE TABLE meta (key TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) STRICT;"
        "CREATE TABLE device ("
        " address TEXT NOT NULL, address_type TEXT NOT NULL, path TEXT NOT NULL, adapter TEXT, name TEXT NOT NULL,"
        " alias TEXT NOT NULL, profile TEXT NOT NULL, manufacturer TEXT NOT NULL, model TEXT NOT NULL, serial TEXT NOT NULL,"
        " firmware TEXT NOT NULL, kind INTEGER NOT NULL, owner INTEGER NOT NULL, bonded INTEGER NOT NULL,"
        " allow_unbonded INTEGER NOT NULL, auto_connect INTEGER NOT NULL, adopted_realtime INTEGER NOT NULL,"
        " PRIMARY KEY (address, address_type)) STRICT;"
        "CREATE TABLE session ("
        " id INTEGER PRIMARY KEY, uuid TEXT NOT NULL, device_address TEXT NOT NULL, device_alias TEXT NOT NULL,"
        " profile TEXT NOT NULL, owner INTEGER NOT NULL, owner_name TEXT NOT NULL, boot_id TEXT NOT NULL,"
        " utc_offset_sec INTEGER NOT NULL, start_boottime INTEGER NOT NULL, start_realtime INTEGER NOT NULL,"
        " subject TEXT NOT NULL, area TEXT NOT NULL, product TEXT NOT NULL, note TEXT NOT NULL,"
        " source TEXT NOT NULL DEFAULT 'live', ended INTEGER NOT NULL DEFAULT 0, end_reason TEXT NOT NULL DEFAULT '',"
        " end_realtime INTEGER NOT NULL DEFAULT 0, figures_version INTEGER) STRICT;"
        "CREATE INDEX session_open ON session (id) WHERE ended = 0;"
        "CREATE INDEX session_start ON session (start_realtime, id) WHERE ended = 1;"
        "CREATE INDEX session_owner ON session (owner, start_realtime, id) WHERE ended = 1;"
        "CREATE INDEX session_device ON session (device_address, start_realtime, id) WHERE ended = 1;"
        "CREATE INDEX session_subject ON session (subject, start_realtime, id) WHERE ended = 1;"
        "CREATE TABLE chunk ("
        " id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE, seq INTEGER NOT NULL,"
        " t0_boottime INTEGER NOT NULL, t0_realtime INTEGER NOT NULL, frames INTEGER NOT NULL, encoding INTEGER NOT NULL,"
        " crc INTEGER NOT NULL, data BLOB NOT NULL, UNIQUE (session, seq)) STRICT;"
        "CREATE TABLE tail ("
        " id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE, chunk INTEGER NOT NULL,"
        " piece INTEGER NOT NULL, t0_boottime INTEGER NOT NULL, t0_realtime INTEGER NOT NULL, frames INTEGER NOT NULL,"
        " encoding INTEGER NOT NULL, crc INTEGER NOT NULL, data BLOB NOT NULL) STRICT;"
        "CREATE TABLE gap ("
        " id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,"
        " from_usec INTEGER NOT NULL, to_usec INTEGER NOT NULL, stream INTEGER NOT NULL, lost INTEGER NOT NULL) STRICT;"
        "CREATE INDEX gap_session ON gap (session);"
        "CREATE TABLE event ("
        " id INTEGER PRIMARY KEY, session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,"
        " session_usec INTEGER NOT NULL, realtime INTEGER NOT NULL, code INTEGER NOT NULL, severity INTEGER NOT NULL,"
        " asserted INTEGER NOT NULL, value INTEGER NOT NULL) STRICT;"
        "CREATE INDEX event_session ON event (session);"
        "INSERT INTO meta VALUES ('next_session_id', 1), ('clean', 0), ('synced', 0);";

/* What a vendor session's channel numbers stand for, and its end by both clocks: of those that had ended it is as far from
 * the start as the wall clock says. */
static const char tables_2[] =
        "ALTER TABLE session ADD COLUMN channels TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE session ADD COLUMN end_boottime INTEGER NOT NULL DEFAULT 0;"
        "UPDATE session SET end_boottime = start_boottime + max(end_realtime - start_realtime, 0) WHERE ended = 1;";

/* A device that was let go stays away over a restart. */
static const char tables_3[] =
        "ALTER TABLE device ADD COLUMN released INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE device ADD COLUMN released_until INTEGER NOT NULL DEFAULT 0;";

/* Alerts, stages, areas and marks are events too: `kind` is a StoreEventKind. What a person set and acknowledged; -1 is "as configured". */
static const char tables_4[] =
        "ALTER TABLE session ADD COLUMN acknowledged INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE session ADD COLUMN rating INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE session ADD COLUMN areas INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE event ADD COLUMN kind INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE event ADD COLUMN text TEXT;"
        "CREATE TABLE plan ("
        " owner INTEGER NOT NULL, subject TEXT NOT NULL, owner_name TEXT NOT NULL, rest_300 INTEGER NOT NULL, rest_500 INTEGER NOT NULL,"
        " rest_1000 INTEGER NOT NULL, rest_deeper INTEGER NOT NULL, weekly_max INTEGER NOT NULL, course_weeks INTEGER NOT NULL,"
        " PRIMARY KEY (owner, subject)) STRICT;"
        "CREATE TABLE acknowledgement ("
        " owner INTEGER PRIMARY KEY, owner_name TEXT NOT NULL, version TEXT NOT NULL, realtime INTEGER NOT NULL) STRICT;";

/* Records that devices keep: which of them a session is (0: none; the start as the device tells it, 0: not known), and how far they have been fetched. What the frames of a chunk come
 * to: figures_version is NULL where nobody knows, else of each curve the number of samples and, if there are any, the rest. `ended` is 2
 * of a session that nobody sees: it is being taken in, or away. record_seq is the first chunk of a record that was added to a session that was
 * followed. A tombstone is all that is left of one that was erased; and if the device may still have it, a number in `buried` that says nothing by
 * itself (rows-buried.c). */
static const char tables_5[] =
        "ALTER TABLE session ADD COLUMN record INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE session ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE session ADD COLUMN record_start INTEGER NOT NULL DEFAULT 0;"
        "CREATE INDEX session_record ON session (device_address, record) WHERE record > 0;"
        "CREATE INDEX session_uuid ON session (uuid);"
        "CREATE INDEX session_hidden ON session (id) WHERE ended = 2;"
        "CREATE INDEX session_kept ON session (owner) WHERE ended = 1;"
        "CREATE INDEX session_end ON session (end_realtime) WHERE ended = 1;"
        "ALTER TABLE session ADD COLUMN record_seq INTEGER;"
        "CREATE INDEX session_area ON session (owner, area, start_realtime, id) WHERE ended = 1;"
        "ALTER TABLE device ADD COLUMN cursor_epoch INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE device ADD COLUMN cursor_record INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE device ADD COLUMN cursor_start INTEGER NOT NULL DEFAULT 0;"
        "ALTER TABLE chunk ADD COLUMN t1_boottime INTEGER;"
        "ALTER TABLE chunk ADD COLUMN figures_version INTEGER;"
        "ALTER TABLE chunk ADD COLUMN force_n INTEGER; ALTER TABLE chunk ADD COLUMN force_min INTEGER;"
        "ALTER TABLE chunk ADD COLUMN force_max INTEGER; ALTER TABLE chunk ADD COLUMN force_sum INTEGER;"
        "ALTER TABLE chunk ADD COLUMN stroke_rate_n INTEGER; ALTER TABLE chunk ADD COLUMN stroke_rate_min INTEGER;"
        "ALTER TABLE chunk ADD COLUMN stroke_rate_max INTEGER; ALTER TABLE chunk ADD COLUMN stroke_rate_sum INTEGER;"
        "ALTER TABLE chunk ADD COLUMN depth_n INTEGER; ALTER TABLE chunk ADD COLUMN depth_min INTEGER;"
        "ALTER TABLE chunk ADD COLUMN depth_max INTEGER; ALTER TABLE chunk ADD COLUMN depth_sum INTEGER;"
        "CREATE TABLE tombstone (id INTEGER PRIMARY KEY, realtime INTEGER NOT NULL) STRICT;"
        "CREATE TABLE buried (mark INTEGER PRIMARY KEY) STRICT;";

/* What was asked for and is still to be erased: here, or, with the name of a file that was put aside, when that is taken in (rows-erasure.c). */
static const char tables_6[] =
        "CREATE TABLE erasure ("
        " id INTEGER PRIMARY KEY, file TEXT NOT NULL, session INTEGER NOT NULL, owner INTEGER NOT NULL, owner_name TEXT NOT NULL,"
        " newest INTEGER NOT NULL) STRICT;"
        "CREATE TABLE spared ("
        " erasure INTEGER NOT NULL REFERENCES erasure (id) ON DELETE CASCADE, session INTEGER NOT NULL, PRIMARY KEY (erasure, session))"
        " STRICT, WITHOUT ROWID;";

static int get_text(sqlite3 *db, const char *sql, char **ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = g_strdup((const char *) sqlite3_column_text(stmt, 0));
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

static int migrate_1(sqlite3 *db) {
        int rc = schema_exec(db, tables_1);

        return rc == SQLITE_OK ? schema_add_figures(db) : rc;
}

static int migrate_2(sqlite3 *db) {
        return schema_exec(db, tables_2);
}

static int migrate_3(sqlite3 *db) {
        return schema_exec(db, tables_3);
}

static int migrate_4(sqlite3 *db) {
        return schema_exec(db, tables_4);
}

static int migrate_5(sqlite3 *db) {
        return schema_exec(db, tables_5);
}

static int migrate_6(sqlite3 *db) {
        return schema_exec(db, tables_6);
}

static const SchemaMigration migrations_all[SCHEMA_VERSION] = { migrate_1, migrate_2, migrate_3, migrate_4, migrate_5, migrate_6 };

/* The numbers come from the loop over our own table, not from data. */
static int set_version(sqlite3 *db, int version) {
        g_autofree char *sql = g_strdup_printf("PRAGMA user_version = %d; PRAGMA application_id = %d",
                                               version, SCHEMA_APPLICATION_ID);

        return schema_exec(db, sql);
}

static int migrate_once(sqlite3 *db, SchemaMigration migration, int to_version) {
        int rc = schema_exec(db, "BEGIN IMMEDIATE");

        if (rc == SQLITE_OK)
                rc = migration(db);
        if (rc == SQLITE_OK)
                rc = set_version(db, to_version);
        if (rc == SQLITE_OK)
                rc = schema_exec(db, "COMMIT");
        if (!sqlite3_get_autocommit(db))
                (void) schema_exec(db, "ROLLBACK");
        return rc;
}

static int sync_file(const char *name) {
        int r, fd = open(name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

        if (fd < 0)
                return -1;
        r = fsync(fd);
        (void) close(fd);
        return r;
}

/* Written beside its name and renamed when it is whole, and on the disk, so that what has the name is a backup. */
static int backup(sqlite3 *db, const char *path, int version) {
        g_autofree char *name = g_strdup_printf("%s.backup-v%d", path, version);
        g_autofree char *part = g_strdup_printf("%s.part", name);
        sqlite3_stmt *stmt = NULL;
        int fd, rc;

        (void) unlink(part);
        fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0)
                return SQLITE_CANTOPEN;
        (void) close(fd);
        rc = sqlite3_prepare_v2(db, "VACUUM INTO ?1", -1, &stmt, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(stmt, 1, part, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
        if (rc == SQLITE_DONE && sync_file(part) == 0 && rename(part, name) == 0) {
                files_sync_folder(name);
                return SQLITE_OK;
        }
        (void) unlink(part);
        return rc == SQLITE_DONE ? SQLITE_CANTOPEN : rc;
}

int schema_configure(sqlite3 *db) {
        static const struct {
                int op, value;
        } flags[] = {
                { SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
                { SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
                { SQLITE_DBCONFIG_DQS_DDL, 0 },        { SQLITE_DBCONFIG_DQS_DML, 0 },
        };
        int rc = SQLITE_OK;

        for (size_t i = 0; i < G_N_ELEMENTS(flags) && rc == SQLITE_OK; i++)
                rc = sqlite3_db_config(db, flags[i].op, flags[i].value, NULL);
        if (rc == SQLITE_OK)
                rc = sqlite3_busy_timeout(db, 0); /* who else holds it is to be told of, not waited for */
        /* Nothing here reads the file, so that damage is found by what asks for it. The WAL is checkpointed
         * by the writer alone, when it chooses to (sqlite.org/wal.html#walresetbug). */
        return rc == SQLITE_OK ? schema_exec(db, "PRAGMA foreign_keys = ON;"
                                                 "PRAGMA cell_size_check = ON;"
                                                 "PRAGMA cache_size = -512;"
                                                 "PRAGMA temp_store = MEMORY;"
                                                 "PRAGMA wal_autocheckpoint = 0")
                               : rc;
}

int schema_identify(sqlite3 *db, SchemaKind *ret_kind, int *ret_version) {
        sqlite3_int64 application_id = 0, version = 0, n_tables = 0;
        int rc = schema_get_int(db, "PRAGMA application_id", &application_id);

        if (rc == SQLITE_OK)
                rc = schema_get_int(db, "PRAGMA user_version", &version);
        if (rc == SQLITE_OK && version == 0)
                rc = schema_get_int(db, "SELECT count(*) FROM sqlite_schema", &n_tables);
        if (rc != SQLITE_OK)
                return rc;

        *ret_version = (int) version;
        if (n_tables == 0 && version == 0 &&
            (application_id == 0 || application_id == SCHEMA_APPLICATION_ID))
                *ret_kind = SCHEMA_EMPTY;
        else if (application_id != SCHEMA_APPLICATION_ID || version < 1)
                *ret_kind = SCHEMA_FOREIGN;
        else if (version > SCHEMA_VERSION)
                *ret_kind = SCHEMA_NEWER;
        else
                *ret_kind = version < SCHEMA_VERSION ? SCHEMA_OLDER : SCHEMA_CURRENT;
        return SQLITE_OK;
}

int schema_prepare(sqlite3 *db, const char *path, SchemaKind kind, int version) {
        g_autofree char *mode = NULL;
        int rc = SQLITE_OK;

        if (kind == SCHEMA_EMPTY) /* before the first table, or it has no effect */
                rc = schema_exec(db, "PRAGMA auto_vacuum = INCREMENTAL");
        if (rc == SQLITE_OK)
                rc = get_text(db, "PRAGMA journal_mode = WAL", &mode);
        if (rc == SQLITE_OK && g_strcmp0(mode, "wal") != 0)
                rc = SQLITE_CANTOPEN; /* a file system without shared memory */
        /* FAST: what is freed inside a page is overwritten, what is freed as a page is not; where something
         * must be gone the writer takes the free pages out of the file. */
        if (rc == SQLITE_OK)
                rc = schema_exec(db, "PRAGMA synchronous = FULL;"
                                     "PRAGMA secure_delete = FAST;"
                                     "PRAGMA journal_size_limit = 4194304;"
                                     "PRAGMA mmap_size = 0");
        if (rc == SQLITE_OK)
                rc = schema_migrate(db, path, version, migrations_all, SCHEMA_VERSION);
        return rc == SQLITE_OK ? schema_add_figures(db) : rc;
}

int schema_migrate(sqlite3 *db, const char *path, int version, const SchemaMigration *migrations, int n) {
        int rc = SQLITE_OK;

        if (version > 0 && version < n)
                rc = backup(db, path, version);
        for (; version < n && rc == SQLITE_OK; version++)
                rc = migrate_once(db, migrations[version], version + 1);
        return rc;
}

/* Asked of the schema that SQLite has read, not by a query: this is done at each start. */
int schema_add_figures(sqlite3 *db) {
        int rc = SQLITE_OK;

        for (int i = 0; i < _FIGURE_MAX && rc == SQLITE_OK; i++) {
                g_autofree char *column = schema_figure_column((Figure) i), *sql = NULL;

                rc = sqlite3_table_column_metadata(db, "main", "session", column, NULL, NULL, NULL, NULL, NULL);
                if (rc != SQLITE_ERROR) /* of a column that is not there */
                        continue;
                sql = g_strdup_printf("ALTER TABLE session ADD COLUMN \"%s\" %s", column,
                                      figure_info[i].type == 'd' ? "REAL" : "INTEGER");
                rc = schema_exec(db, sql);
        }
        return rc;
}

char *schema_figure_column(Figure figure) {
        return g_strdelimit(g_strdup(figure_info[figure].name), ".", '_');
}

char *schema_figure_columns(const char *after) {
        GString *columns = g_string_new(NULL);

        for (int i = 0; i < _FIGURE_MAX; i++) {
                g_autofree char *column = schema_figure_column((Figure) i);

                g_string_append_printf(columns, ", \"%s\"%s", column, after);
        }
        return g_string_free(columns, FALSE);
}

int schema_get_int(sqlite3 *db, const char *sql, sqlite3_int64 *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int schema_get_meta(sqlite3 *db, const char *key, sqlite3_int64 *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key = ?1", -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int schema_set_meta(sqlite3 *db, const char *key, sqlite3_int64 value) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(
                db, "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", -1, &stmt,
                NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_text(stmt, 1, key, -1, SQLITE_STATIC);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 2, value);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int schema_exec(sqlite3 *db, const char *sql) {
        return sqlite3_exec(db, sql, NULL, NULL, NULL);
}
