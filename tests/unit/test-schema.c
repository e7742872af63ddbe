/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "store-fixture.h"
#include "store/schema.h"

/* What versions 5 and 6 brought, out of the database again; so with version 4. */
#define WITHOUT_5                                                                                                        \
        "DROP TABLE spared; DROP TABLE erasure;"                                                                         \
        "DROP TABLE tombstone; DROP TABLE buried; DROP INDEX session_record; DROP INDEX session_uuid; DROP INDEX session_hidden;" \
        "DROP INDEX session_kept; DROP INDEX session_end; DROP INDEX session_area; ALTER TABLE session DROP COLUMN record_seq;" \
        "ALTER TABLE session DROP COLUMN record; ALTER TABLE session DROP COLUMN epoch; ALTER TABLE session DROP COLUMN record_start;" \
        "ALTER TABLE device DROP COLUMN cursor_epoch; ALTER TABLE device DROP COLUMN cursor_record;"                     \
        "ALTER TABLE device DROP COLUMN cursor_start;"                                                                   \
        "ALTER TABLE chunk DROP COLUMN t1_boottime; ALTER TABLE chunk DROP COLUMN figures_version;"                      \
        "ALTER TABLE chunk DROP COLUMN force_n; ALTER TABLE chunk DROP COLUMN force_min;"                                \
        "ALTER TABLE chunk DROP COLUMN force_max; ALTER TABLE chunk DROP COLUMN force_sum;"                              \
        "ALTER TABLE chunk DROP COLUMN stroke_rate_n; ALTER TABLE chunk DROP COLUMN stroke_rate_min;"                    \
        "ALTER TABLE chunk DROP COLUMN stroke_rate_max; ALTER TABLE chunk DROP COLUMN stroke_rate_sum;"                  \
        "ALTER TABLE chunk DROP COLUMN depth_n; ALTER TABLE chunk DROP COLUMN depth_min;"                                \
        "ALTER TABLE chunk DROP COLUMN depth_max; ALTER TABLE chunk DROP COLUMN depth_sum;"
#define WITHOUT_4 WITHOUT_5                                                                                              \
                                                                                                        \
        "ALTER TABLE session DROP COLUMN acknowledged; ALTER TABLE session DROP COLUMN rating;"                          \
        "ALTER TABLE session DROP COLUMN areas; ALTER TABLE event DROP COLUMN kind; ALTER TABLE event DROP COLUMN text;" \
        "DROP TABLE plan; DROP TABLE acknowledgement;"

static sqlite3 *open_db(const char *path) {
        sqlite3 *db;

        g_assert_cmpint(sqlite3_open_v2(path, &db,
                                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_EXRESCODE,
                                        NULL),
                        ==, SQLITE_OK);
        g_assert_cmpint(schema_configure(db), ==, SQLITE_OK);
        return db;
}

static void assert_kind(sqlite3 *db, SchemaKind want_kind, int want_version) {
        SchemaKind kind;
        int version;

        g_assert_cmpint(schema_identify(db, &kind, &version), ==, SQLITE_OK);
        g_assert_cmpint(kind, ==, want_kind);
        g_assert_cmpint(version, ==, want_version);
}

static int64_t query(sqlite3 *db, const char *sql) {
        sqlite3_stmt *stmt;
        int64_t value;

        g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
        value = sqlite3_column_int64(stmt, 0);
        (void) sqlite3_finalize(stmt);
        return value;
}

static void test_a_new_database(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        assert_kind(db, SCHEMA_EMPTY, 0);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_CURRENT, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "PRAGMA application_id"), ==, 0x6e646c64);
        g_assert_cmpint(query(db, "PRAGMA user_version"), ==, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "PRAGMA auto_vacuum"), ==, 2); /* incremental */
        g_assert_cmpint(query(db, "PRAGMA secure_delete"), ==, 2); /* fast */
        g_assert_cmpint(query(db, "PRAGMA foreign_keys"), ==, 1);
        g_assert_cmpint(query(db, "PRAGMA wal_autocheckpoint"), ==, 0);
        g_assert_cmpint(query(db, "PRAGMA journal_size_limit"), ==, 4194304);
        g_assert_cmpint(
                query(db, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
                          " AND name NOT LIKE 'sqlite_%' AND strict = 0"),
                ==, 0);
        g_assert_cmpint(query(db,
                              "SELECT count(*) FROM pragma_table_list WHERE name IN"
                              " ('meta', 'device', 'session', 'chunk', 'tail', 'gap', 'event', 'plan', 'acknowledgement', 'tombstone')"
                              " AND wr = 0"),
                        ==, 10);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

static void test_the_connection_trusts_nobody(void) {
        static const int off[] = {
                SQLITE_DBCONFIG_TRUSTED_SCHEMA, SQLITE_DBCONFIG_ENABLE_TRIGGER, SQLITE_DBCONFIG_ENABLE_VIEW,
                SQLITE_DBCONFIG_DQS_DDL, SQLITE_DBCONFIG_DQS_DML,
        };
        Fixture f;
        sqlite3 *db;
        int value;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, -1, &value), ==, SQLITE_OK);
        g_assert_cmpint(value, ==, 1);
        for (size_t i = 0; i < G_N_ELEMENTS(off); i++) {
                g_assert_cmpint(sqlite3_db_config(db, off[i], -1, &value), ==, SQLITE_OK);
                g_assert_cmpint(value, ==, 0);
        }
        (void) sqlite3_close(db);
        fixture_done(&f);
}

static void test_a_column_for_each_figure(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        for (int i = 0; i < _FIGURE_MAX; i++) {
                g_autofree char *column = schema_figure_column((Figure) i);
                g_autofree char *sql = g_strdup_printf(
                        "SELECT count(*) FROM pragma_table_info('session') WHERE name = '%s' AND"
                        " type = '%s' AND \"notnull\" = 0",
                        column, figure_info[i].type == 'd' ? "REAL" : "INTEGER");

                g_assert_null(strchr(column, '.'));
                g_assert_cmpint(query(db, sql), ==, 1);
        }
        (void) sqlite3_close(db);
        fixture_done(&f);
}

/* Another daemon's database lacks a figure that this one knows: it gets it, with what is stored unknown. */
static void test_figures_are_added(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(
                schema_exec(
                        db,
                        "ALTER TABLE session DROP COLUMN late_event; ALTER TABLE session DROP COLUMN punctures"),
                ==, SQLITE_OK);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_CURRENT, SCHEMA_VERSION), ==, SQLITE_OK);
        g_assert_cmpint(
                query(db,
                      "SELECT count(*) FROM pragma_table_info('session') WHERE name IN ('late_event', 'punctures')"),
                ==, 2);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

static void test_kinds(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_exec(db, "CREATE TABLE somebodys (x)"), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_FOREIGN, 0);
        g_assert_cmpint(schema_exec(db, "PRAGMA application_id = 0x6e646c64"), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_FOREIGN, 0); /* tables, and no version */
        g_assert_cmpint(schema_exec(db, "PRAGMA user_version = 7"), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_NEWER, 7);
        g_assert_cmpint(schema_exec(db, "PRAGMA application_id = 1"), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_FOREIGN, 7);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

/* What version 1 kept is there, and when a session ended is known by the clock that it had. */
static void test_from_version_1(void) {
        SchemaKind kind;
        int version;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, WITHOUT_4 "ALTER TABLE session DROP COLUMN channels; ALTER TABLE session DROP COLUMN end_boottime;"
                                        "ALTER TABLE device DROP COLUMN released; ALTER TABLE device DROP COLUMN released_until;"
                                        "PRAGMA user_version = 1;"
                                        "INSERT INTO session (id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id,"
                                        " utc_offset_sec, start_boottime, start_realtime, subject, area, product, note, ended, end_realtime)"
                                        " VALUES (1, '', '', '', 'omp1', 0, '', '', 0, 1000, 500000, '', '', '', '', 1, 500700),"
                                        " (2, '', '', '', 'omp1', 0, '', '', 0, 1000, 500000, '', '', '', '', 1, 400000),"
                                        " (3, '', '', '', 'omp1', 0, '', '', 0, 1000, 500000, '', '', '', '', 0, 0)"),
                        ==, SQLITE_OK);

        g_assert_cmpint(schema_identify(db, &kind, &version), ==, SQLITE_OK);
        g_assert_cmpint(schema_prepare(db, f.path, kind, version), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_CURRENT, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "SELECT count(*) FROM session WHERE channels = ''"), ==, 3);
        g_assert_cmpint(query(db, "SELECT end_boottime FROM session WHERE id = 1"), ==, 1700);
        g_assert_cmpint(query(db, "SELECT end_boottime FROM session WHERE id = 2"), ==, 1000); /* the wall clock was set back */
        g_assert_cmpint(query(db, "SELECT end_boottime FROM session WHERE id = 3"), ==, 0);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

/* A device that version 2 kept was not let go. */
static void test_from_version_2(void) {
        SchemaKind kind;
        int version;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, WITHOUT_4 "ALTER TABLE device DROP COLUMN released; ALTER TABLE device DROP COLUMN released_until;"
                                        "PRAGMA user_version = 2;"
                                        "INSERT INTO device VALUES ('C0:FF:EE:12:34:56', 'random', 'C0_FF_EE_12_34_56', NULL, 'OMP', 'pen',"
                                        " 'omp1', '', '', '', '', 3, 1000, 1, 0, 1, 500000)"),
                        ==, SQLITE_OK);

        g_assert_cmpint(schema_identify(db, &kind, &version), ==, SQLITE_OK);
        g_assert_cmpint(kind, ==, SCHEMA_OLDER);
        g_assert_cmpint(schema_prepare(db, f.path, kind, version), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_CURRENT, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "SELECT count(*) FROM device WHERE alias = 'pen' AND owner = 1000 AND bonded = 1 AND"
                                  " auto_connect = 1 AND adopted_realtime = 500000 AND released = 0 AND released_until = 0"),
                        ==, 1);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

/* Sessions that version 3 kept were not acknowledged, and their events came from devices. */
static void test_from_version_3(void) {
        SchemaKind kind;
        int version;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, WITHOUT_4 "PRAGMA user_version = 3;"
                                        "INSERT INTO session (id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id,"
                                        " utc_offset_sec, start_boottime, start_realtime, subject, area, product, note, ended, end_realtime)"
                                        " VALUES (1, '', '', '', 'omp1', 0, '', '', 0, 1000, 500000, '', 'chin', '', '', 1, 500700);"
                                        "INSERT INTO event (session, session_usec, realtime, code, severity, asserted, value)"
                                        " VALUES (1, 5, 500005, 1, 3, 1, 4000)"),
                        ==, SQLITE_OK);

        g_assert_cmpint(schema_identify(db, &kind, &version), ==, SQLITE_OK);
        g_assert_cmpint(kind, ==, SCHEMA_OLDER);
        g_assert_cmpint(schema_prepare(db, f.path, kind, version), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_CURRENT, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "SELECT count(*) FROM session WHERE area = 'chin' AND acknowledged = 0 AND rating = 0 AND areas = 0"), ==, 1);
        g_assert_cmpint(query(db, "SELECT count(*) FROM event WHERE value = 4000 AND kind = 0 AND text IS NULL"), ==, 1);
        g_assert_cmpint(query(db, "SELECT (SELECT count(*) FROM plan) + (SELECT count(*) FROM acknowledgement)"), ==, 0);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

/* Of sessions that version 4 kept no device has the number, what their chunks come to is not known, and no device was fetched from. */
static void test_from_version_4(void) {
        SchemaKind kind;
        int version;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, WITHOUT_5 "PRAGMA user_version = 4;"
                                        "INSERT INTO session (id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id,"
                                        " utc_offset_sec, start_boottime, start_realtime, subject, area, product, note, ended, end_realtime)"
                                        " VALUES (1, '', '', '', 'omp1', 0, '', '', 0, 1000, 500000, '', 'chin', '', '', 1, 500700);"
                                        "INSERT INTO chunk (session, seq, t0_boottime, t0_realtime, frames, encoding, crc, data)"
                                        " VALUES (1, 0, 1000, 500000, 1, 1, 7, x'00');"
                                        "INSERT INTO device VALUES ('C0:FF:EE:12:34:56', 'random', 'C0_FF_EE_12_34_56', NULL, 'OMP', 'pen',"
                                        " 'omp1', '', '', '', '', 3, 1000, 1, 0, 1, 500000, 0, 0)"),
                        ==, SQLITE_OK);

        g_assert_cmpint(schema_identify(db, &kind, &version), ==, SQLITE_OK);
        g_assert_cmpint(kind, ==, SCHEMA_OLDER);
        g_assert_cmpint(schema_prepare(db, f.path, kind, version), ==, SQLITE_OK);
        assert_kind(db, SCHEMA_CURRENT, SCHEMA_VERSION);
        g_assert_cmpint(query(db, "SELECT count(*) FROM session WHERE area = 'chin' AND record = 0 AND epoch = 0"), ==, 1);
        g_assert_cmpint(query(db, "SELECT count(*) FROM chunk WHERE crc = 7 AND figures_version IS NULL AND t1_boottime IS NULL"
                                  " AND force_n IS NULL"),
                        ==, 1);
        g_assert_cmpint(query(db, "SELECT count(*) FROM device WHERE cursor_epoch = 0 AND cursor_record = 0 AND cursor_start = 0"), ==, 1);
        g_assert_cmpint(query(db, "SELECT count(*) FROM tombstone"), ==, 0);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

static int add_color(sqlite3 *db) {
        return schema_exec(db, "ALTER TABLE device ADD COLUMN color TEXT");
}

static int add_two_and_fail(sqlite3 *db) {
        int rc = schema_exec(db, "CREATE TABLE half (x INTEGER) STRICT");

        return rc == SQLITE_OK ? schema_exec(db, "CREATE TABLE half (x INTEGER) STRICT") : rc;
}

static void test_a_migration_is_whole_and_backed_up(void) {
        static const SchemaMigration good[] = { NULL, NULL, NULL, NULL, NULL, NULL, add_color },
                                     bad[] = { NULL, NULL, NULL, NULL, NULL, NULL, add_color, add_two_and_fail };
        g_autofree char *backup = NULL, *backup2 = NULL;
        Fixture f;
        struct stat st;
        sqlite3 *db;

        fixture_init(&f);
        backup = g_strconcat(f.path, ".backup-v6", NULL);
        backup2 = g_strconcat(f.path, ".backup-v7", NULL);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_false(g_file_test(backup, G_FILE_TEST_EXISTS)); /* nothing to back up */
        g_assert_cmpint(schema_set_meta(db, "next_session_id", 77), ==, SQLITE_OK);

        g_assert_cmpint(schema_migrate(db, f.path, 6, good, 7), ==, SQLITE_OK);
        g_assert_cmpint(query(db, "PRAGMA user_version"), ==, 7);
        g_assert_cmpint(query(db, "SELECT count(*) FROM pragma_table_info('device') WHERE name = 'color'"),
                        ==, 1);
        g_assert_cmpint(g_stat(backup, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 0777, ==, 0600);
        g_assert_cmpint(fixture_query(backup, "PRAGMA user_version"), ==, 6);
        g_assert_cmpint(fixture_query(backup, "SELECT value FROM meta WHERE key = 'next_session_id'"), ==,
                        77);
        g_assert_cmpint(
                fixture_query(backup,
                              "SELECT count(*) FROM pragma_table_info('device') WHERE name = 'color'"),
                ==, 0);

        g_assert_cmpint(schema_migrate(db, f.path, 7, bad, 8), !=, SQLITE_OK);
        g_assert_cmpint(query(db, "PRAGMA user_version"), ==, 7); /* as if it had not begun */
        g_assert_cmpint(query(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'half'"), ==, 0);
        g_assert_true(sqlite3_get_autocommit(db));
        g_assert_cmpint(fixture_query(backup2, "PRAGMA user_version"), ==, 7);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

static void test_meta(void) {
        sqlite3_int64 value = 0;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        db = open_db(f.path);
        g_assert_cmpint(schema_prepare(db, f.path, SCHEMA_EMPTY, 0), ==, SQLITE_OK);
        g_assert_cmpint(schema_get_meta(db, "nothing", &value), ==, SQLITE_NOTFOUND);
        g_assert_cmpint(schema_set_meta(db, "nothing", 5), ==, SQLITE_OK);
        g_assert_cmpint(schema_get_meta(db, "nothing", &value), ==, SQLITE_OK);
        g_assert_cmpint(value, ==, 5);
        (void) sqlite3_close(db);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/schema/a-new-database", test_a_new_database);
        g_test_add_func("/schema/the-connection-trusts-nobody", test_the_connection_trusts_nobody);
        g_test_add_func("/schema/a-column-for-each-figure", test_a_column_for_each_figure);
        g_test_add_func("/schema/figures-are-added", test_figures_are_added);
        g_test_add_func("/schema/kinds", test_kinds);
        g_test_add_func("/schema/from-version-1", test_from_version_1);
        g_test_add_func("/schema/from-version-2", test_from_version_2);
        g_test_add_func("/schema/from-version-3", test_from_version_3);
        g_test_add_func("/schema/from-version-4", test_from_version_4);
        g_test_add_func("/schema/a-migration-is-whole-and-backed-up",
                        test_a_migration_is_whole_and_backed_up);
        g_test_add_func("/schema/meta", test_meta);
        return g_test_run();
}
