/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store-fixture.h"
#include "store/schema.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

/* ---- Files that cannot be used ---- */

static void make_database(Fixture *f, uint64_t n_frames) {
        const StoreDevice device = { .path = (char *) "dev_1",
                                     .address = (char *) pen,
                                     .address_type = (char *) "random",
                                     .alias = (char *) "pen" };

        fixture_start(f);
        store_device_put(f->store, &device);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, n_frames);
        g_assert_cmpint(fixture_end(f, 1), ==, 0);
        fixture_begin(f, 2);
        fixture_record(f, 2, 0, 100);
        fixture_stop(f);
}

static void overwrite(const char *path, off_t at, size_t size) {
        g_autofree char *junk = g_malloc(size);
        FILE *file = g_fopen(path, "r+");

        memset(junk, 0x5a, size);
        g_assert_nonnull(file);
        g_assert_cmpint(fseek(file, at, SEEK_SET), ==, 0);
        g_assert_cmpuint(fwrite(junk, 1, size, file), ==, size);
        (void) fclose(file);
}

static void assert_works(Fixture *f, uint64_t id) {
        FixtureFrame *frames;
        size_t n;

        fixture_begin(f, id);
        fixture_record(f, id, 0, 50);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
        g_assert_cmpint(fixture_get(f, id), ==, 0);
        frames = fixture_read_frames(f->path, id, &n);
        g_assert_cmpuint(n, ==, 50);
        fixture_assert_frames(frames, n, id, 0);
        g_free(frames);
}

static void assert_put_aside(Fixture *f, const char *infix) {
        g_autofree char *prefix = g_strconcat(f->path, infix, NULL);

        g_assert_cmpuint(f->put_aside->len, ==, 1);
        g_assert_true(g_str_has_prefix(f->put_aside->pdata[0], prefix));
        g_assert_true(g_file_test(f->put_aside->pdata[0], G_FILE_TEST_IS_REGULAR));
        g_assert_cmpstr(f->states->str, ==, "degraded ready ");
        g_assert_nonnull(strstr(f->reasons->str, f->put_aside->pdata[0]));
        /* no id of the other database can come again */
        g_assert_cmpuint(f->next_session_id, >=, (uint64_t) time(NULL) - 3600);
}

static void test_a_newer_version_is_kept(void) {
        g_autofree char *wal = NULL;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        wal = g_strconcat(f.path, ".v9-wal", NULL);
        make_database(&f, 1000);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        /* with something in the WAL that is not yet in the database, and ids beyond the clock */
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        g_assert_cmpint(schema_exec(db, "PRAGMA user_version = 9; CREATE TABLE later (x) STRICT"), !=,
                        SQLITE_OK);
        g_assert_cmpint(schema_exec(db,
                                    "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (5);"
                                    "UPDATE meta SET value = 99999999999 WHERE key = 'next_session_id'"),
                        ==, SQLITE_OK);
        (void) sqlite3_close(db);

        fixture_start(&f);
        assert_put_aside(&f, ".v9");
        g_assert_cmpuint(f.next_session_id, ==, UINT64_C(99999999999));
        g_assert_nonnull(strstr(f.reasons->str, "newer version"));
        assert_works(&f, f.next_session_id);
        fixture_stop(&f);
        g_assert_true(g_file_test(wal, G_FILE_TEST_EXISTS)); /* not written: its WAL went along as it was */
        {
                g_autofree char *aside = g_strconcat(f.path, ".v9", NULL);

                g_assert_cmpint(fixture_query(aside, "SELECT x FROM later"), ==, 5);
                g_assert_cmpint(fixture_query(aside, "SELECT sum(frames) FROM chunk WHERE session = 1"), ==,
                                1000);
        }
        fixture_start(&f);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        g_assert_cmpuint(f.next_session_id, ==, UINT64_C(100000000000));
        fixture_done(&f);
}

static void test_an_overwritten_header(void) {
        Fixture f;

        fixture_init(&f);
        make_database(&f, 1000);
        overwrite(f.path, 0, 100);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        g_assert_cmpuint(f.n_sessions, ==, 0);
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_a_truncated_file(void) {
        Fixture f;
        struct stat st;

        fixture_init(&f);
        make_database(&f, 4000);
        g_assert_cmpint(g_stat(f.path, &st), ==, 0);
        g_assert_cmpint(truncate(f.path, st.st_size / 2), ==, 0);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_somebody_elses_database(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, "CREATE TABLE cookies (x)"), ==, SQLITE_OK);
        (void) sqlite3_close(db);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        g_assert_nonnull(strstr(f.reasons->str, "not a database of needled"));
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_not_a_database_at_all(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_true(g_file_set_contents(
                f.path,
                "Dear diary, today I wrote more than one page of text, enough for a header of "
                "one hundred octets and then some.",
                -1, NULL));
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_an_empty_file_is_a_new_one(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_true(g_file_set_contents(f.path, "", 0, NULL));
        fixture_start(&f);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpuint(f.next_session_id, ==, 1);
        assert_works(&f, 1);
        fixture_done(&f);
}

/* Damage where nobody looks at the start: found by the check after an unclean stop, when devices and
 * sessions are told already, and both live on in the new database. */
static void test_hidden_damage_after_an_unclean_stop(void) {
        Fixture f;
        sqlite3 *db;
        int64_t page;

        fixture_init(&f);
        make_database(&f, 4000);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, "UPDATE meta SET value = 0 WHERE key = 'clean'"), ==, SQLITE_OK);
        (void) sqlite3_close(db);
        page = fixture_query(f.path,
                             "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_chunk_1'");
        overwrite(f.path, (page - 1) * 4096, 4096);

        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpuint(f.n_sessions, <=, 1);
        fixture_wait(&f, fixture_has_put_aside, 1);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_true(g_file_test(f.put_aside->pdata[0], G_FILE_TEST_IS_REGULAR));
        fixture_record(&f, 2, 100, 50);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpstr(f.devices->pdata[0], ==, "dev_1 pen");
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpuint(f.next_session_id, >=, (uint64_t) time(NULL) - 3600);
        fixture_done(&f);
}

/* The process ended between the renaming and the new database: the new one's ids still leap. */
static void test_ids_leap_beside_what_was_put_aside(void) {
        g_autofree char *aside = NULL;
        Fixture f;

        fixture_init(&f);
        make_database(&f, 10);
        aside = g_strconcat(f.path, ".corrupt-20200101T000000Z", NULL);
        g_assert_cmpint(g_rename(f.path, aside), ==, 0);
        fixture_start(&f);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpuint(f.next_session_id, >=, (uint64_t) time(NULL) - 3600);
        fixture_done(&f);
}

/* ---- No database can be opened ---- */

static void assert_unavailable(Fixture *f, const char *why) {
        fixture_start(f);
        fixture_wait(f, fixture_is_in_state, STORE_UNAVAILABLE);
        g_assert_cmpstr(f->states->str, ==, "unavailable ");
        if (!strstr(f->reasons->str, why))
                g_error("no \"%s\" in: %s", why, f->reasons->str);
        g_assert_cmpuint(f->n_sessions, ==, 0);
        g_assert_cmpuint(f->next_session_id, >=, (uint64_t) time(NULL) - 3600);
        g_assert_cmpint(fixture_get(f, 1), ==, -EIO);
}

static void test_unavailable_and_back(void) {
        Fixture f;
        FixtureFrame *frames;
        size_t n;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0); /* a folder where the file should be */
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, f.next_session_id);
        fixture_record(&f, f.next_session_id, 0, 2000);
        g_assert_cmpuint(store_counters(f.store).committed, ==, 0);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        g_assert_cmpint(fixture_end(&f, f.next_session_id), ==, 0); /* by itself */
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        frames = fixture_read_frames(f.path, f.next_session_id, &n);
        g_assert_cmpuint(n, ==, 2000);
        fixture_assert_frames(frames, n, f.next_session_id, 0);
        g_free(frames);
        fixture_done(&f);
}

static void test_unavailable_reasons(void) {
        g_autofree char *file = NULL, *below = NULL, *missing = NULL, *link = NULL;
        Fixture f;

        fixture_init(&f);
        file = g_build_filename(f.dir, "file", NULL);
        below = g_build_filename(file, "needled.db", NULL);
        missing = g_build_filename(f.dir, "nowhere", "needled.db", NULL);
        link = g_build_filename(f.dir, "link", NULL);
        g_assert_true(g_file_set_contents(file, "x", 1, NULL));
        g_assert_cmpint(symlink(file, link), ==, 0);
        {
                const struct {
                        char *path;
                        const char *why;
                } cases[] = {
                        { below, "is not one" },
                        { missing, "its folder does not exist" },
                        { link, "symbolic link" },
                        { (char *) "/proc/needled.db", "" },
                };

                for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                        g_autofree char *own = g_steal_pointer(&f.path);

                        f.path = cases[i].path;
                        assert_unavailable(&f, cases[i].why);
                        fixture_stop(&f);
                        f.path = g_steal_pointer(&own);
                }
        }
        fixture_done(&f);
}

/* Memory has a bound: the oldest waveform goes first, is counted, and is a gap when it comes to be
 * written. */
static void test_memory_is_bounded(void) {
        const uint64_t n = 60000; /* 150 s: 4.8 MB with their heads */
        StoreCounters counters;
        FixtureFrame *frames, want;
        size_t n_frames, j = 0;
        const uint64_t id = 2; /* even: the fixture's are those of OMP */
        uint64_t live = 0;
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, id);
        fixture_record(&f, id, 0, n);
        counters = store_counters(f.store);
        g_assert_cmpuint(counters.queued, ==, n);
        /* what is kept is worth 60 s at 400/s, and of what is not a waveform everything */
        g_assert_cmpuint(n - counters.dropped, >=, 24000);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        g_assert_cmpint(fixture_end(&f, id), ==, 0);
        counters = store_counters(f.store);
        g_assert_cmpuint(n - counters.dropped, <=, 2u * 1024 * 1024 / 80); /* what the writer had in hand is counted by now */
        g_assert_cmpuint(counters.committed, ==, n - counters.dropped);

        frames = fixture_read_frames(f.path, id, &n_frames);
        g_assert_cmpuint(n_frames, ==, n - counters.dropped);
        for (uint64_t i = 0; i < n; i++) { /* in order, and no live one is missing */
                fixture_make_frame(&want, id, i);
                if (j < n_frames && frames[j].frame.boottime_usec == want.frame.boottime_usec &&
                    memcmp(frames[j].data, want.data, want.frame.size) == 0) {
                        live += want.frame.channel != STORE_BULK_CHANNEL;
                        j++;
                } else
                        g_assert_cmpuint(want.frame.channel, ==, STORE_BULK_CHANNEL);
        }
        g_assert_cmpuint(j, ==, n_frames);
        g_assert_cmpuint(live, ==, n / 4);
        g_free(frames);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM gap WHERE stream != 2"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(lost) FROM gap"), ==, (int64_t) counters.dropped);
        fixture_done(&f);
}

/* In a vendor's session the waveform's number stands for another characteristic: the oldest frames go, whatever they are. */
static void test_memory_of_a_vendor_session_is_bounded(void) {
        const uint64_t n = 60000, id = 1; /* odd: the fixture's are those of a vendor */
        StoreCounters counters;
        FixtureFrame *frames, want;
        size_t n_frames;
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, id);
        fixture_record(&f, id, 0, n);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        g_assert_cmpint(fixture_end(&f, id), ==, 0);
        counters = store_counters(f.store);
        g_assert_cmpuint(counters.dropped, >, 0);

        frames = fixture_read_frames(f.path, id, &n_frames);
        g_assert_cmpuint(n_frames, ==, n - counters.dropped);
        for (size_t j = 0; j < n_frames; j++) {
                fixture_make_frame(&want, id, counters.dropped + j);
                g_assert_cmpuint(frames[j].frame.boottime_usec, ==, want.frame.boottime_usec);
        }
        g_free(frames);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM gap WHERE stream != 0"), ==, 0);
        fixture_done(&f);
}

/* Nothing is tried while there is nothing to write; who asks makes it try. */
static void test_asking_is_trying(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        while (fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 50 }) == -EIO)
                continue;
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpint(f.error, ==, 0);
        fixture_done(&f);
}

/* Who reads while the database comes to be meets none or a whole one, never one that seems damaged. */
static void test_reading_while_it_comes(void) {
        for (unsigned i = 0; i < 20; i++) {
                Fixture f;

                fixture_init(&f);
                g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
                assert_unavailable(&f, "there is a folder");
                fixture_begin(&f, f.next_session_id);
                fixture_record(&f, f.next_session_id, 0, 10);
                store_session_end(f.store, f.next_session_id, &(StoreEnd) { .reason = "user" }, NULL, NULL);
                g_assert_cmpint(g_rmdir(f.path), ==, 0);
                while (fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 50 }) == -EIO ||
                       f.n_listed == 0)
                        continue;
                g_assert_cmpuint(f.put_aside->len, ==, 0);
                g_assert_cmpuint(f.listed[0].id, ==, f.next_session_id);
                fixture_done(&f);
        }
}

static void on_closed(int error, void *userdata) {
        *(int *) userdata = error;
}

static void on_closed_list(int error, const StoreSession *sessions, size_t n, void *userdata) {
        *(int *) userdata = error;
}

/* Who waits is told, also by the end. */
static void test_closing_answers(void) {
        int ended = 1, listed = 1;
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, f.next_session_id);
        store_session_end(f.store, f.next_session_id, &(StoreEnd) { .reason = "user" }, on_closed, &ended);
        f.store = store_close(f.store, 100000);
        g_assert_cmpint(ended, ==, -ECANCELED);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);

        fixture_start_only(&f);
        store_session_begin(f.store, &(StoreSession) { .id = 1, .uuid = (char *) "u" });
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user" }, on_closed, &ended);
        store_list(f.store, &(StoreFilter) { .owner = (uid_t) -1, .limit = 1 }, on_closed_list, &listed);
        f.store = store_close(f.store, 20 * G_USEC_PER_SEC);
        g_assert_cmpint(ended, ==, 0); /* written all the same */
        g_assert_cmpint(listed, <=, 0);
        g_assert_false(f.opened);       /* and nothing else was called */
        g_assert_cmpint(fixture_query(f.path, "SELECT ended FROM session WHERE id = 1"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT value FROM meta WHERE key = 'clean'"), ==, 1);
        g_assert_null(store_close(NULL, 0));
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store/a-newer-version-is-kept", test_a_newer_version_is_kept);
        g_test_add_func("/store/an-overwritten-header", test_an_overwritten_header);
        g_test_add_func("/store/a-truncated-file", test_a_truncated_file);
        g_test_add_func("/store/somebody-elses-database", test_somebody_elses_database);
        g_test_add_func("/store/not-a-database-at-all", test_not_a_database_at_all);
        g_test_add_func("/store/an-empty-file-is-a-new-one", test_an_empty_file_is_a_new_one);
        g_test_add_func("/store/hidden-damage-after-an-unclean-stop",
                        test_hidden_damage_after_an_unclean_stop);
        g_test_add_func("/store/ids-leap-beside-what-was-put-aside",
                        test_ids_leap_beside_what_was_put_aside);
        g_test_add_func("/store/unavailable-and-back", test_unavailable_and_back);
        g_test_add_func("/store/unavailable-reasons", test_unavailable_reasons);
        g_test_add_func("/store/memory-is-bounded", test_memory_is_bounded);
        g_test_add_func("/store/memory-of-a-vendor-session-is-bounded", test_memory_of_a_vendor_session_is_bounded);
        g_test_add_func("/store/asking-is-trying", test_asking_is_trying);
        g_test_add_func("/store/reading-while-it-comes", test_reading_while_it_comes);
        g_test_add_func("/store/closing-answers", test_closing_answers);
        return g_test_run();
}
