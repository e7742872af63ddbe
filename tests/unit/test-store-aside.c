/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "power-vfs.h"
#include "store-fixture.h"
#include "store/schema.h"
#include "store/shared.h"

/* A database that an older version had put aside for its version comes back in once it can be read. */

#define MANY 40u                /* sessions */
#define EACH 60u                /* frames */

/* Under the address sanitizer: freed memory that is kept from use makes each fork a copy of hundreds of megabytes. */
const char *__asan_default_options(void) __attribute__((visibility("default")));
const char *__asan_default_options(void) {
        return "quarantine_size_mb=2:thread_local_quarantine_size_kb=64";
}

static void exec(const char *path, const char *sql) {
        sqlite3 *db;

        g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
        (void) sqlite3_busy_timeout(db, 60000); /* the store may be writing */
        g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
}

static void record_session(Fixture *f, uint64_t id, uint64_t n_frames) {
        fixture_begin(f, id);
        fixture_record(f, id, 0, n_frames);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

/* Its name once it is put aside by the version before. */
static char *aside_name(const Fixture *f) {
        return g_strdup_printf("%s.v%d", f->path, SCHEMA_VERSION);
}

/* As an older version leaves it behind. */
static void put_aside(Fixture *f) {
        g_autofree char *name = aside_name(f);

        fixture_stop(f);
        g_assert_cmpint(g_rename(f->path, name), ==, 0);
}

static bool is_back(Fixture *f, uint64_t value) {
        g_autofree char *name = aside_name(f);

        return !g_file_test(name, G_FILE_TEST_EXISTS);
}

static void assert_session(Fixture *f, uint64_t id, uint64_t content, uint64_t n_frames) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n);

        g_assert_cmpint(fixture_get(f, id), ==, 0);
        g_assert_cmpuint(n, ==, n_frames);
        fixture_assert_frames(frames, n, content, 0);
}

static void assert_integrity(Fixture *f) {
        g_autofree char *check = fixture_query_text(f->path, "PRAGMA integrity_check");

        g_assert_cmpstr(check, ==, "ok");
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM pragma_foreign_key_check"), ==, 0);
}

static void make_many(Fixture *f) {
        fixture_init(f);
        f->collect_usec = 1000;
        fixture_start(f);
        for (uint64_t id = 1; id <= MANY; id++)
                record_session(f, id, EACH);
        put_aside(f);
}

static void assert_many(Fixture *f) {
        for (uint64_t id = 1; id <= MANY; id++)
                assert_session(f, id, id, EACH);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session"), ==, MANY);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM meta WHERE key GLOB 'aside*'"), ==, 0);
        assert_integrity(f);
}

/* Put aside by an older version, which records into a new one; then the newer version is there again, with both. */
static void test_there_and_back(void) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                                     .alias = (char *) "pen" };
        g_autofree char *newer = NULL, *name = NULL;
        uint64_t id;
        Fixture f;

        fixture_init(&f);
        newer = g_strconcat(f.path, ".v9", NULL);
        name = aside_name(&f);
        fixture_start(&f);
        store_device_put(f.store, &device);
        g_assert_cmpint(fixture_plan(&f, &(StorePlan) { .owner = 1000, .owner_name = (char *) "me", .weekly_max = 6 }), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "de-1", 5), ==, 0);
        record_session(&f, 1, 1000);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 100);
        fixture_stop(&f);
        exec(f.path, "PRAGMA user_version = 9; INSERT INTO tombstone VALUES (7, 8)");

        fixture_start(&f);
        g_assert_cmpuint(f.put_aside->len, ==, 1);
        g_assert_cmpuint(f.devices->len, ==, 0);
        id = f.next_session_id;
        record_session(&f, id, 50);
        fixture_stop(&f);
        fixture_start(&f); /* it stays newer */
        fixture_stop(&f);
        g_assert_true(g_file_test(newer, G_FILE_TEST_EXISTS));

        exec(newer, "PRAGMA user_version = " G_STRINGIFY(SCHEMA_VERSION));
        g_assert_cmpint(g_rename(newer, name), ==, 0);
        fixture_start(&f);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpuint(f.personal->len, ==, 2);
        g_assert_cmpuint(f.n_sessions, ==, 1); /* which had not ended, with what there is of it */
        g_assert_cmpuint(f.sessions[0].id, ==, 2);
        g_assert_cmpuint(f.sessions[0].n_frames, ==, 100);
        g_assert_cmpuint(f.next_session_id, >, id);
        fixture_wait(&f, is_back, 0);
        assert_session(&f, 1, 1, 1000);
        assert_session(&f, id, id, 50);
        fixture_record(&f, 2, 100, 20);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        assert_session(&f, 2, 2, 120);
        g_assert_cmpint(fixture_query(f.path, "SELECT realtime FROM tombstone WHERE id = 7"), ==, 8);
        fixture_stop(&f);
        assert_integrity(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM meta WHERE key GLOB 'aside*'"), ==, 0);
        fixture_done(&f);
}

/* One of a version between is led on first; the copy of before goes with it. */
static void test_of_a_version_between(void) {
        g_autofree char *from = g_test_build_filename(G_TEST_DIST, "data", "databases", "v4.db", NULL), *bytes = NULL, *name = NULL, *backup = NULL;
        gsize size;
        Fixture f;

        fixture_init(&f);
        name = g_strconcat(f.path, ".v4-2", NULL);
        backup = g_strconcat(name, ".backup-v4", NULL);
        g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
        g_assert_true(g_file_set_contents(name, bytes, (gssize) size, NULL));
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 1);
        while (g_file_test(name, G_FILE_TEST_EXISTS))
                g_assert_cmpint(fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 50 }), ==, 0);
        assert_session(&f, 1, 1, 80);
        assert_session(&f, 2, 2, 10);
        fixture_stop(&f);
        g_assert_false(g_file_test(backup, G_FILE_TEST_EXISTS));
        assert_integrity(&f);
        fixture_done(&f);
}

/* What is here already is not doubled, and what was here under that number keeps it. */
static void test_ids_and_uuids(void) {
        g_autofree char *name = NULL, *elsewhere = NULL;
        uint64_t next;
        Fixture f;

        fixture_init(&f);
        name = aside_name(&f);
        elsewhere = g_build_filename(f.dir, "elsewhere", NULL);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 5; id++)
                record_session(&f, id, 10 * id);
        put_aside(&f);
        exec(name, "UPDATE session SET uuid = 'another ' || id WHERE id IN (2, 3, 5);"
                   "UPDATE session SET source = 'stored', record = 9, record_start = 77 WHERE id = 5");
        g_assert_cmpint(g_rename(name, elsewhere), ==, 0);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 3; id++)
                record_session(&f, id, 100 + id);
        g_assert_cmpint(fixture_delete(&f, 3), ==, 0);
        record_session(&f, 6, 106);
        fixture_stop(&f);
        exec(f.path, "UPDATE session SET source = 'stored', record = 9, record_start = 77 WHERE id = 6");
        g_assert_cmpint(g_rename(elsewhere, name), ==, 0);

        fixture_start(&f);
        next = f.next_session_id;
        fixture_wait(&f, is_back, 0);
        assert_session(&f, 1, 1, 101);
        assert_session(&f, 2, 2, 102);
        g_assert_cmpint(fixture_get(&f, 3), ==, -ENOENT);
        assert_session(&f, 4, 4, 40);
        g_assert_cmpint(fixture_get(&f, 5), ==, -ENOENT); /* fetched from the device again meanwhile */
        assert_session(&f, (uint64_t) fixture_query(f.path, "SELECT id FROM session WHERE uuid = 'another 2'"), 2, 20);
        assert_session(&f, (uint64_t) fixture_query(f.path, "SELECT id FROM session WHERE uuid = 'another 3'"), 3, 30);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 6);
        g_assert_cmpint(fixture_query(f.path, "SELECT max(id) FROM session"), <, (int64_t) next); /* no number of what is recorded next */
        record_session(&f, next, 5);
        fixture_stop(&f);
        assert_integrity(&f);
        fixture_done(&f);
}

/* What another user has here of the same session is theirs: this one's comes back too. */
static void test_a_uuid_of_another_user(void) {
        g_autofree char *name = NULL, *elsewhere = NULL;
        Fixture f;

        fixture_init(&f);
        name = aside_name(&f);
        elsewhere = g_build_filename(f.dir, "elsewhere", NULL);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 3; id++)
                record_session(&f, id, 10 * id);
        put_aside(&f);
        g_assert_cmpint(g_rename(name, elsewhere), ==, 0);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 3; id++)
                record_session(&f, id, 100 + id);
        fixture_stop(&f);
        g_assert_cmpint(g_rename(elsewhere, name), ==, 0);
        exec(f.path, "UPDATE session SET owner = 1001 WHERE id = 1; UPDATE session SET owner_name = 'somebody else' WHERE id = 2");

        fixture_start(&f);
        fixture_wait(&f, is_back, 0);
        for (uint64_t id = 1; id <= 3; id++)
                assert_session(&f, id, id, 100 + id);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 5);
        assert_session(&f, (uint64_t) fixture_query(f.path, "SELECT id FROM session WHERE id > 3 ORDER BY id"), 1, 10);
        assert_session(&f, (uint64_t) fixture_query(f.path, "SELECT id FROM session WHERE id > 3 ORDER BY id DESC"), 2, 20);
        fixture_stop(&f);
        assert_integrity(&f);
        fixture_done(&f);
}

static void assert_left(Fixture *f, const char *name, const char *why) {
        fixture_start(f);
        g_assert_cmpuint(f->put_aside->len, ==, 1);
        g_assert_cmpstr(f->put_aside->pdata[0], ==, name);
        g_assert_nonnull(strstr(f->reasons->str, why));
        g_assert_cmpstr(f->states->str, ==, "degraded ready ");
        record_session(f, f->next_session_id, 50);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session"), ==, 1);
        fixture_stop(f);
        g_assert_true(g_file_test(name, G_FILE_TEST_EXISTS));
        (void) g_unlink(f->path);
}

/* It stays where it is, and is named; the database beside it is not taken for damaged. */
static void test_what_cannot_be_read(void) {
        g_autofree char *name = NULL, *bytes = NULL;
        gsize size;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        g_assert_true(g_file_get_contents(name, &bytes, &size, NULL));
        for (gsize at = 8 * 4096; at < 12 * 4096; at++)
                bytes[at] = 0x5a;
        g_assert_true(g_file_set_contents(name, bytes, (gssize) size, NULL));
        assert_left(&f, name, "it is damaged");
        g_assert_true(g_file_set_contents(name, "Dear diary", -1, NULL));
        assert_left(&f, name, "it is damaged");
        (void) g_unlink(name);
        exec(name, "CREATE TABLE cookies (x)");
        assert_left(&f, name, "no database of needled");
        fixture_done(&f);
}

/* Found out only while a session that had not ended is copied, with the row that says so still in hand. */
static void test_what_lacks_a_table(void) {
        g_autofree char *name = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        exec(name, "UPDATE session SET ended = 0 WHERE id = 3; DROP TABLE event");
        assert_left(&f, name, "it cannot be read");
        fixture_done(&f);
}

/* The number that comes next is not the only one to say which were used. */
static void test_without_what_it_counts(void) {
        g_autofree char *name = NULL, *elsewhere = NULL;
        uint64_t next;
        Fixture f;

        fixture_init(&f);
        name = aside_name(&f);
        elsewhere = g_build_filename(f.dir, "elsewhere", NULL);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 3; id++)
                record_session(&f, id, 10 * id);
        put_aside(&f);
        exec(name, "UPDATE session SET uuid = 'another ' || id; DELETE FROM meta");
        g_assert_cmpint(g_rename(name, elsewhere), ==, 0);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 3; id++)
                record_session(&f, id, 100 + id);
        fixture_stop(&f);
        g_assert_cmpint(g_rename(elsewhere, name), ==, 0);

        fixture_start(&f);
        next = f.next_session_id;
        fixture_wait(&f, is_back, 0);
        for (uint64_t id = 1; id <= 3; id++) {
                g_autofree char *sql = g_strdup_printf("SELECT id FROM session WHERE uuid = 'another %" G_GUINT64_FORMAT "'", id);

                assert_session(&f, id, id, 100 + id);
                assert_session(&f, (uint64_t) fixture_query(f.path, sql), id, 10 * id);
        }
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session"), >, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT max(id) FROM session"), <, (int64_t) next);
        assert_integrity(&f);
        fixture_done(&f);
}

/* How far it has come stands here: what was erased since does not come again. */
static void test_what_came_and_went(void) {
        g_autofree char *name = NULL, *elsewhere = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        elsewhere = g_build_filename(f.dir, "elsewhere", NULL);
        g_assert_cmpint(g_rename(name, elsewhere), ==, 0);
        fixture_start(&f);
        fixture_stop(&f);
        g_assert_cmpint(g_rename(elsewhere, name), ==, 0);
        exec(f.path, "INSERT INTO meta VALUES ('aside needled.db.v" G_STRINGIFY(SCHEMA_VERSION) "', 10)");
        fixture_start(&f);
        fixture_wait(&f, is_back, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session"), ==, 11);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, MANY - 10);
        fixture_done(&f);
}

/* As it is in the file: who has what, and what they set. */
static void give_to(const char *name, uid_t owner) {
        g_autofree char *sql = g_strdup_printf("UPDATE session SET owner = %u WHERE id %% 4 = 0; INSERT INTO plan VALUES (1000, 'me', '', 0, 0, 0, 0, 6, 0),"
                                               " (%u, 'her', '', 0, 0, 0, 0, 6, 0); INSERT INTO acknowledgement VALUES (1000, '', 'de-1', 5)", owner, owner);

        exec(name, sql);
}

static void assert_hers_alone(Fixture *f) {
        fixture_sweep(f);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE owner = 1001 AND id % 4 = 0"), ==, MANY / 4);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session"), ==, MANY / 4);
        g_assert_cmpint(fixture_query(f->path, "SELECT sum(owner) FROM plan"), ==, 1001);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM acknowledgement"), ==, 0);
        g_assert_cmpint(fixture_query(f->path, "SELECT (SELECT count(*) FROM erasure) + (SELECT count(*) FROM meta WHERE key GLOB 'aside*')"), ==, 0);
        assert_integrity(f);
}

/* Who wants all of theirs gone means what has not come yet too. */
static void test_erased_on_the_way(void) {
        g_autofree char *name = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        give_to(name, 1001);
        fixture_start(&f);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0);
        fixture_wait(&f, is_back, 0);
        assert_hers_alone(&f);
        fixture_done(&f);
}

/* All of theirs was erased while nobody here could read the file: when somebody can, it does not come back, what had not ended and what was set neither. */
static void test_erased_before_it_could_be_read(void) {
        g_autofree char *name = NULL, *newer = NULL, *sql = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        newer = g_strconcat(f.path, ".v9", NULL);
        give_to(name, 1001);
        exec(name, "UPDATE session SET ended = 0 WHERE id = 3");
        g_assert_cmpint(g_rename(name, newer), ==, 0);
        fixture_start(&f);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0); /* asked for again, it is the same */
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure WHERE file = 'needled.db.v9'"), ==, 1);
        fixture_stop(&f);
        fixture_start(&f); /* it is remembered for as long as the file is there */
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure WHERE file = 'needled.db.v9'"), ==, 1);

        g_assert_cmpint(g_rename(newer, name), ==, 0); /* as an update that can read 9 would */
        sql = g_strdup_printf("UPDATE erasure SET file = 'needled.db.v%d'", SCHEMA_VERSION);
        exec(f.path, sql);
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 0);
        fixture_wait(&f, is_back, 0);
        assert_hers_alone(&f);
        fixture_done(&f);
}

/* An erasure that was cut off when the file was put aside: what it meant does not come, what it spared does. */
static void test_cut_off_before_it_was_put_aside(void) {
        g_autofree char *name = NULL, *newer = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        exec(name, "INSERT INTO erasure VALUES (5, '', 0, 1000, '', 30), (6, '', 35, -1, '', 40), (-1, 'needled.db.v9', 0, 1000, '', 0);"
                   "INSERT INTO spared VALUES (5, 7)");
        newer = g_strconcat(f.path, ".v9", NULL);
        g_assert_true(g_file_set_contents(newer, "?", -1, NULL));
        fixture_start(&f);
        fixture_wait(&f, is_back, 0);
        fixture_sweep(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE id <= 30"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session"), ==, 7);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 1 + MANY - 30 - 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE id = 35"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure WHERE file = 'needled.db.v9'"), ==, 1); /* what it knew of another */
        fixture_done(&f);
}

/* How far one file has come is forgotten with it alone, and of one that somebody has removed. */
static void test_two_files(void) {
        g_autofree char *name = NULL, *other = NULL;
        Fixture f;

        make_many(&f);
        name = aside_name(&f);
        other = g_strconcat(name, "-2", NULL);
        fixture_start(&f);
        fixture_wait(&f, is_back, 0);
        fixture_stop(&f);
        g_assert_cmpint(g_rename(f.path, name), ==, 0);
        g_assert_true(g_file_set_contents(other, "one that cannot be read today", -1, NULL));
        fixture_start(&f);
        exec(f.path, "INSERT INTO meta VALUES ('aside needled.db.v" G_STRINGIFY(SCHEMA_VERSION) "-2', 12), ('aside needled.db.v1', 3);"
                     "INSERT INTO erasure VALUES (-1, 'needled.db.v1', 0, 1000, '', 0)");
        fixture_wait(&f, is_back, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(value) FROM meta WHERE key GLOB 'aside*'"), ==, 12);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure"), ==, 0);
        fixture_done(&f);
}

/* What another program that writes keeps away for a while comes when it has done. It has its turn before the writer is through, in time. */
static void test_beside_another_program(void) {
        unsigned n_met = 0;

        for (unsigned i = 0; i < 100 && n_met == 0; i++) {
                sqlite3 *db;
                Fixture f;

                make_many(&f);
                fixture_start(&f);
                g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
                (void) sqlite3_busy_timeout(db, 60000);
                g_assert_cmpint(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
                if (!is_back(&f, 0)) {
                        n_met++;
                        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
                        g_assert_nonnull(strstr(store_reason(f.store), "another program"));
                }
                g_assert_cmpint(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), ==, SQLITE_OK);
                fixture_wait(&f, is_back, 0);
                fixture_wait(&f, fixture_is_in_state, STORE_READY);
                g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
                fixture_stop(&f);
                fixture_start(&f);      /* how far it had come is forgotten after the file */
                assert_many(&f);
                fixture_done(&f);
        }
        g_assert_cmpuint(n_met, >, 0);
}

/* Killed at any time, over and over; the next goes on, and in the end each is there once. */
static void test_killed_on_the_way(void) {
        unsigned n_killed = 0;
        Fixture f;

        make_many(&f);
        for (; n_killed < 100 && !is_back(&f, 0); n_killed++) {
                pid_t pid = fork();
                int status;

                g_assert_cmpint(pid, >=, 0);
                if (pid == 0) {
                        fixture_start(&f);
                        for (;;)
                                (void) pause();
                }
                g_usleep((gulong) g_test_rand_int_range(0, FIXTURE_SANITIZED ? 60000 : 20000));
                g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
                g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
                g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        }
        fixture_start(&f);
        fixture_wait(&f, is_back, 0);
        fixture_sweep(&f);
        fixture_stop(&f);
        fixture_start(&f);
        g_test_message("killed %u times", n_killed);
        assert_many(&f);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        power_vfs_install(); /* syncs nothing */
        g_test_add_func("/store-aside/killed-on-the-way", test_killed_on_the_way);
        g_test_add_func("/store-aside/there-and-back", test_there_and_back);
        g_test_add_func("/store-aside/of-a-version-between", test_of_a_version_between);
        g_test_add_func("/store-aside/ids-and-uuids", test_ids_and_uuids);
        g_test_add_func("/store-aside/a-uuid-of-another-user", test_a_uuid_of_another_user);
        g_test_add_func("/store-aside/what-cannot-be-read", test_what_cannot_be_read);
        g_test_add_func("/store-aside/what-lacks-a-table", test_what_lacks_a_table);
        g_test_add_func("/store-aside/without-what-it-counts", test_without_what_it_counts);
        g_test_add_func("/store-aside/what-came-and-went", test_what_came_and_went);
        g_test_add_func("/store-aside/erased-on-the-way", test_erased_on_the_way);
        g_test_add_func("/store-aside/erased-before-it-could-be-read", test_erased_before_it_could_be_read);
        g_test_add_func("/store-aside/cut-off-before-it-was-put-aside", test_cut_off_before_it_was_put_aside);
        g_test_add_func("/store-aside/two-files", test_two_files);
        g_test_add_func("/store-aside/beside-another-program", test_beside_another_program);
        return g_test_run();
}
