/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/shared.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

static void make_session(Fixture *f, uint64_t id, const char *subject, uid_t owner, uint64_t n_frames) {
        uint64_t before = store_counters(f->store).committed;

        fixture_begin_full(f, id, FIXTURE_START_REALTIME, pen, subject, owner);
        fixture_record(f, id, 0, n_frames);
        fixture_wait(f, fixture_has_committed, before + n_frames);
        store_session_event(f->store, id, &(StoreEvent) { .kind = STORE_EVENT_MARK, .text = subject });
        store_session_gap(f->store, id, &(StoreGap) { .lost = 1 });
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

static void assert_rows(Fixture *f, uint64_t id, int64_t want_sessions, bool want_rest) {
        static const char *const tables[] = { "chunk", "tail", "gap", "event" };
        g_autofree char *sql_session = NULL;
        int64_t n = 0;

        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s WHERE session = %" G_GUINT64_FORMAT, tables[i], id);

                n += fixture_query(f->path, sql);
        }
        g_assert_cmpint(n > 0, ==, want_rest);
        sql_session = g_strdup_printf("SELECT count(*) FROM session WHERE id = %" G_GUINT64_FORMAT, id);
        g_assert_cmpint(fixture_query(f->path, sql_session), ==, want_sessions);
}

static void write_file(Fixture *f, const char *after, const char *text) {
        g_autofree char *name = g_strconcat(f->path, after, NULL);

        g_assert_true(g_file_set_contents(name, text, -1, NULL));
}

static bool has_file(Fixture *f, const char *after) {
        g_autofree char *name = g_strconcat(f->path, after, NULL);

        return g_file_test(name, G_FILE_TEST_EXISTS);
}

/* "delete means gone": in no file of the folder, and what is left says nothing but the id and when. */
static void test_gone_means_gone(void) {
        FixtureFrame early, late, other;
        Fixture f;

        fixture_make_frame(&early, 1, 100);
        fixture_make_frame(&late, 1, 7100);
        fixture_make_frame(&other, 2, 5);
        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 2, "neighbour", 1000, 2000);
        make_session(&f, 1, "nobody-must-know", 1000, 8000);
        make_session(&f, 3, "beyond", 1000, 100);
        write_file(&f, ".backup-v3", "nobody-must-know either");
        g_assert_true(fixture_any_file_has(&f, early.data, 16));
        g_assert_true(fixture_any_file_has(&f, late.data, 16));
        g_assert_true(fixture_any_file_has(&f, "nobody-must-know", 16));

        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 1);
        g_assert_cmpuint(f.erased.sessions[0].id, ==, 1);
        g_assert_cmpuint(f.erased.sessions[0].owner, ==, 1000);
        g_assert_cmpuint(f.erased.n_bytes, >=, 8000 * FIXTURE_FRAME_SIZE);
        g_assert_cmpuint(f.erased.n_bytes, <=, 2 * 8000 * FIXTURE_FRAME_SIZE);
        g_assert_cmpuint(g_strv_length(f.erased.remains), ==, 0);
        g_assert_false(fixture_any_file_has(&f, early.data, 16));
        g_assert_false(fixture_any_file_has(&f, late.data, 16));
        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_false(has_file(&f, ".backup-v3"));
        assert_rows(&f, 1, 0, false);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tombstone WHERE id = 1 AND realtime > 1700000000000000"), ==, 1);

        g_assert_true(fixture_any_file_has(&f, other.data, 16));
        g_assert_true(fixture_any_file_has(&f, "neighbour", 9));
        assert_rows(&f, 2, 1, true);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT * FROM pragma_freelist_count"), ==, 0);
        fixture_done(&f);
}

static void test_what_cannot_be_deleted(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "me", 1000, 10);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 10);
        write_file(&f, ".backup-v3", "stays");
        g_assert_cmpint(fixture_delete(&f, 7), ==, -ENOENT);
        g_assert_cmpint(fixture_delete(&f, 0), ==, -ENOENT);
        g_assert_cmpint(fixture_delete(&f, 2), ==, -EBUSY);
        g_assert_cmpuint(f.erased.n_sessions, ==, 0);
        g_assert_cmpuint(f.erased.n_bytes, ==, 0);
        g_assert_true(has_file(&f, ".backup-v3")); /* nothing was erased */
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(fixture_delete(&f, 2), ==, 0);
        g_assert_cmpint(fixture_delete(&f, 2), ==, -ENOENT);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        fixture_done(&f);
}

static void wait_somewhat(void *userdata) {
        g_usleep(100);
}

/* What an import has left is swept away at any moment of that: who asks for something else then gets just that. */
static void test_asked_for_during_a_sweep(void) {
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        for (uint64_t id = 1; id < 120; id += 3) {
                make_session(&f, id, "me", 1000, 20);
                g_assert_cmpint(fixture_import(&f, id + 1, 600, false, wait_somewhat, NULL), ==, -EBADMSG);
                g_usleep((gulong) g_test_rand_int_range(0, 3000));
                g_assert_cmpint(fixture_delete(&f, id + 2), ==, -ENOENT);
                g_usleep((gulong) g_test_rand_int_range(0, 3000));
                g_assert_cmpint(fixture_delete(&f, id), ==, 0);
                g_assert_cmpuint(f.erased.n_sessions, ==, 1);
                g_assert_cmpint(fixture_get(&f, id), ==, -ENOENT);
                assert_rows(&f, id, 0, false);
        }
        fixture_done(&f);
}

static bool is_gone(const Fixture *f, uint64_t id) {
        for (unsigned i = 0; i < f->erased.n_sessions; i++)
                if (f->erased.sessions[i].id == id)
                        return true;
        return false;
}

/* One person's sessions, plans and acknowledgement go; another's stay, and so does what is live. */
static void test_all_of_an_owner(void) {
        const StorePlan plan = { .owner = 1000, .subject = (char *) "me" }, other = { .owner = 1001, .subject = (char *) "her" };
        const uint64_t n = 300;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (uint64_t id = 1; id <= n; id++) {
                fixture_begin_full(&f, id, FIXTURE_START_REALTIME, pen, "some", id % 3 ? 1000 : 1001);
                fixture_record(&f, id, 0, 20);
                store_session_end(f.store, id, &(StoreEnd) { .reason = "user" }, NULL, NULL);
        }
        fixture_begin(&f, n + 1);
        fixture_record(&f, n + 1, 0, 100);
        g_assert_cmpint(fixture_plan(&f, &plan), ==, 0);
        g_assert_cmpint(fixture_plan(&f, &other), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "1", 5), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1001, "1", 5), ==, 0);

        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, n - n / 3);
        for (uint64_t id = 1; id <= n; id++)
                g_assert_cmpint(is_gone(&f, id), ==, id % 3 != 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE owner = 1001"), ==, n / 3);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE owner = 1000"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tombstone"), ==, n - n / 3);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(owner) FROM plan"), ==, 1001);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(owner) FROM acknowledgement"), ==, 1001);
        fixture_record(&f, n + 1, 100, 100); /* it goes on */
        g_assert_cmpint(fixture_end(&f, n + 1), ==, 0);

        g_assert_cmpint(fixture_erase_all(&f, (uid_t) -1), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, n / 3 + 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM plan)"
                                              " + (SELECT count(*) FROM acknowledgement) + (SELECT count(*) FROM chunk)"),
                        ==, 0);
        g_assert_cmpint(fixture_erase_all(&f, (uid_t) -1), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.personal->len, ==, 0);
        g_assert_cmpuint(f.next_session_id, ==, n + 2); /* never used again */
        fixture_done(&f);
}

static uint64_t erase_and_record(void) {
        uint64_t recorded = 0;
        FixtureFrame *frames;
        size_t n;
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        for (uint64_t id = 1; id <= 20; id++)
                make_session(&f, id, "some", 1000, 10000);
        fixture_begin(&f, 50);
        f.answered = false;
        store_erase_all(f.store, 1000, NULL, fixture_on_erased, &f);
        while (!f.answered) {
                uint64_t before = store_counters(f.store).committed;

                fixture_record(&f, 50, recorded, 4);
                recorded += 4;
                fixture_wait(&f, fixture_has_committed, before + 4);
        }
        g_assert_cmpuint(f.erased.n_sessions, ==, 20);
        g_assert_cmpint(fixture_end(&f, 50), ==, 0);
        frames = fixture_read_frames(f.path, 50, &n);
        g_assert_cmpuint(n, ==, recorded);
        fixture_assert_frames(frames, n, 50, 0);
        g_free(frames);
        fixture_done(&f);
        return recorded / 4;
}

/* While much is taken away, what is recorded is committed all the time: there are 12 steps with pages alone. On a busy host they may be over
 * before this thread comes to look. */
static void test_recording_goes_on(void) {
        uint64_t n_commits = 0;

        for (unsigned i = 0; i < 10 && n_commits < 5; i++)
                n_commits = erase_and_record();
        g_test_message("%" G_GUINT64_FORMAT " commits meanwhile", n_commits);
        g_assert_cmpuint(n_commits, >=, 5);
}

/* Stopped when the rows had gone and the free pages had not: the next process ends it, while it records. */
static void test_stopped_with_free_pages(void) {
        const char *const free_pages = "SELECT * FROM pragma_freelist_count";
        bool caught = false;
        uint64_t recorded = 0;
        FixtureFrame frame;

        for (uint64_t n_sessions = 8; !caught; n_sessions *= 2) {
                Fixture f;

                g_assert_cmpuint(n_sessions, <, 2048);
                fixture_make_frame(&frame, 1, 100);
                fixture_init(&f);
                f.collect_usec = 1000;
                fixture_start(&f);
                for (uint64_t id = 1; id <= n_sessions; id++)
                        make_session(&f, id, "nobody-must-know", 1000, 10000);
                write_file(&f, ".backup-v3", "nobody-must-know either");
                f.answered = false;
                store_erase_all(f.store, 1000, NULL, fixture_on_erased, &f);
                while (!f.answered && fixture_query(f.path, "SELECT count(*) FROM session") > 0)
                        store_dispatch(f.store);
                f.store = store_close(f.store, 0);
                caught = f.error == -ECANCELED && fixture_query(f.path, free_pages) >= 512;
                if (caught) {
                        g_assert_cmpint(fixture_query(f.path, "SELECT value FROM meta WHERE key = 'clean'"), ==, 0);
                        g_assert_true(has_file(&f, ".backup-v3"));
                        fixture_start(&f);
                        fixture_begin(&f, 5000);
                        while (fixture_query(f.path, free_pages) > 0) {
                                fixture_record(&f, 5000, recorded, 4);
                                fixture_wait(&f, fixture_has_committed, recorded += 4);
                        }
                        g_assert_cmpint(fixture_end(&f, 5000), ==, 0);
                        g_assert_cmpint(fixture_delete(&f, 99), ==, -ENOENT); /* comes after it */
                        g_assert_false(has_file(&f, ".backup-v3"));
                        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
                        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
                        fixture_stop(&f);
                        g_assert_cmpint(fixture_query(f.path, "SELECT value FROM meta WHERE key = 'clean'"), ==, 1);
                }
                fixture_done(&f);
        }
}

/* How many commits there were between the steps that an unclean start takes to give free pages back. */
static uint64_t start_unclean(void) {
        uint64_t recorded = 0;
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        for (uint64_t id = 1; id <= 12; id++)
                make_session(&f, id, "some", 1000, 10000);
        write_file(&f, ".backup-v3", "made a moment ago");
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "DELETE FROM chunk RETURNING 1"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "UPDATE meta SET value = 0 WHERE key = 'clean' RETURNING 1"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT * FROM pragma_freelist_count"), >, 6 * 256);
        fixture_start(&f);
        fixture_begin(&f, 50);
        while (fixture_query(f.path, "SELECT * FROM pragma_freelist_count") > 0) {
                fixture_record(&f, 50, recorded, 4);
                fixture_wait(&f, fixture_has_committed, recorded += 4);
        }
        g_assert_true(has_file(&f, ".backup-v3")); /* nothing was erased since */
        fixture_done(&f);
        return recorded / 4;
}

/* What is recorded does not wait for all of it. On a busy host the steps may be over before this thread comes to look. */
static void test_an_unclean_start(void) {
        uint64_t n_commits = 0;

        for (unsigned i = 0; i < 10 && n_commits < 3; i++)
                n_commits = start_unclean();
        g_test_message("%" G_GUINT64_FORMAT " commits meanwhile", n_commits);
        g_assert_cmpuint(n_commits, >=, 3);
}

/* In a file that gives no pages back they are overwritten, and it ends all the same. */
static void test_without_auto_vacuum(void) {
        FixtureFrame frame;
        sqlite3 *db;
        Fixture f;

        fixture_make_frame(&frame, 1, 100);
        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "nobody-must-know", 1000, 4000);
        fixture_stop(&f);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(db, "PRAGMA auto_vacuum = NONE; VACUUM", NULL, NULL, NULL), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
        fixture_start(&f);
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT * FROM pragma_freelist_count"), >, 0);
        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
        fixture_done(&f);
}

/* A backup that cannot be removed is named. */
static void test_a_backup_that_stays(void) {
        g_autofree char *name = NULL;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "me", 1000, 10);
        name = g_strconcat(f.path, ".backup-v3", NULL);
        g_assert_cmpint(g_mkdir(name, 0700), ==, 0);
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        g_assert_cmpuint(g_strv_length(f.erased.remains), ==, 1);
        g_assert_cmpstr(f.erased.remains[0], ==, name);
        g_assert_cmpint(g_rmdir(name), ==, 0);
        fixture_done(&f);
}

/* How many this process may have, at most as many as it could have at first. */
static void set_descriptors(rlim_t n) {
        struct rlimit limit;

        g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
        limit.rlim_cur = MIN(n, limit.rlim_max);
        g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

/* What lies in files that were put aside is not erased: it is named, and goes when it is asked for. */
static void test_copies(void) {
        g_autofree char *aside = NULL;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "me", 1000, 10);
        write_file(&f, ".corrupt-20240101T000000Z", "0123456789");
        write_file(&f, ".v9", "0123");
        write_file(&f, ".v9-wal", "01");
        write_file(&f, ".vault", "somebody else's");
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        g_assert_cmpuint(g_strv_length(f.erased.remains), ==, 3);
        aside = g_strconcat(f.path, ".corrupt-20240101T000000Z", NULL);
        g_assert_cmpstr(f.erased.remains[0], ==, aside);
        set_descriptors(0);     /* the folder cannot be looked at: nobody says that they are gone */
        g_assert_cmpint(fixture_erase_copies(&f), ==, -EIO);
        set_descriptors(RLIM_INFINITY);
        g_assert_true(has_file(&f, ".v9"));
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 0);
        g_assert_cmpuint(f.erased.n_bytes, ==, 16);
        g_assert_cmpuint(g_strv_length(f.erased.remains), ==, 0);
        g_assert_false(has_file(&f, ".v9"));
        g_assert_true(has_file(&f, ".vault"));
        fixture_done(&f);
}

static bool is_told(Fixture *f, uint64_t n) {
        return f->retired->len >= n;
}

/* The disk refuses: that is the answer, and it follows by itself, and is told. */
static void test_a_full_disk(void) {
        FixtureFrame frame;
        Fixture f;

        fixture_make_frame(&frame, 1, 100);
        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "me", 1000, 4000);
        make_session(&f, 2, "me", 1000, 10);
        shared_lock(f.store);
        f.store->answer_usec = 300000;
        shared_unlock(f.store);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
        g_assert_cmpint(fixture_delete(&f, 1), ==, -EIO);
        g_assert_cmpuint(f.erased.n_sessions, ==, 0);
        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0); /* as long as it is there, it is there */
        fault_vfs_disarm();
        fixture_wait(&f, is_told, 1);
        g_assert_cmpuint(g_array_index(f.retired, uint64_t, 0), ==, 1);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        fixture_done(&f);
}

/* Whichever call fails: it ends as if none had. */
static void test_each_fault(unsigned kinds, FaultError error, uint64_t stride) {
        uint64_t first = 1 + (uint64_t) g_test_rand_int() % stride;
        bool met = true;

        for (; met; first += stride) {
                Fixture f;

                fixture_init(&f);
                f.collect_usec = 1000;
                fixture_start(&f);
                make_session(&f, 1, "nobody-must-know", 1000, 3000);
                make_session(&f, 2, "nobody-must-know", 1000, 10);
                make_session(&f, 3, "neighbour", 1001, 10);
                fault_vfs_arm(kinds, error, first, 1);
                g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0);
                met = fault_vfs_failed() > 0;
                fault_vfs_disarm();
                g_assert_cmpuint(f.erased.n_sessions, ==, 2);
                g_assert_true(is_gone(&f, 1) && is_gone(&f, 2));
                g_assert_cmpuint(f.put_aside->len, ==, 0);
                assert_rows(&f, 1, 0, false);
                assert_rows(&f, 2, 0, false);
                assert_rows(&f, 3, 1, true);
                g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tombstone"), ==, 2);
                g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
                fixture_done(&f);
        }
        g_assert_cmpuint(first, >, 2 * stride);
}

static void test_each_write_fails(void) {
        test_each_fault(FAULT_WRITE, FAULT_EIO, g_test_slow() ? 1 : 5);
}

static void test_each_sync_fails(void) {
        test_each_fault(FAULT_SYNC, FAULT_EIO, 1);
}

/* The process ended when a session was hidden and half of it had gone: nobody sees it again, and the next process takes the rest. */
static void test_cut_off(void) {
        FixtureFrame frame;
        Fixture f;

        fixture_make_frame(&frame, 1, 100);
        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, "nobody-must-know", 1000, 4000);
        make_session(&f, 2, "me", 1000, 10);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "UPDATE session SET ended = 2 WHERE id = 1 RETURNING id"), ==, 1);
        g_assert_true(fixture_any_file_has(&f, frame.data, 16));
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0); /* comes after it */
        assert_rows(&f, 1, 0, false);
        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        fixture_done(&f);
}

/* Who closes the store is answered; what is not done yet stays. */
static void test_closing_answers(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        fixture_start(&f);
        f.answered = false;
        store_delete(f.store, 1, fixture_on_erased, &f);
        f.store = store_close(f.store, 100000);
        g_assert_true(f.answered);
        g_assert_cmpint(f.error, ==, -ECANCELED);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        fixture_done(&f);
}

/* A uid that is used again: what is of who had it before is not theirs to erase. */
static void test_of_who_had_the_uid_before(void) {
        static const char *const names[] = { "anna", "", "berta", "anna" };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
                StorePlan plan = { .owner = 1000, .owner_name = (char *) names[i], .subject = (char *) (i == 2 ? "b" : "a") };
                g_autofree char *sql = g_strdup_printf("UPDATE session SET owner_name = '%s' WHERE id = %u", names[i], i + 1);
                sqlite3 *db;

                fixture_begin_full(&f, i + 1, FIXTURE_START_REALTIME, "C0:FF:EE:12:34:56", "some", 1000);
                fixture_record(&f, i + 1, 0, 20);
                g_assert_cmpint(fixture_end(&f, i + 1), ==, 0);
                g_assert_cmpint(fixture_plan(&f, &plan), ==, 0);
                g_assert_cmpint(sqlite3_open_v2(f.path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
                (void) sqlite3_busy_timeout(db, 10000);
                g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
                (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
                (void) sqlite3_close(db);
        }
        f.answered = false;
        store_erase_all(f.store, 1000, "anna", fixture_on_erased, &f);
        fixture_wait(&f, fixture_is_answered, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 3);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(id) FROM session"), ==, 3);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM plan WHERE owner_name = 'berta'"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM plan"), ==, 1);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 1);
        fixture_stop(&f);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-erase/gone-means-gone", test_gone_means_gone);
        g_test_add_func("/store-erase/what-cannot-be-deleted", test_what_cannot_be_deleted);
        g_test_add_func("/store-erase/all-of-an-owner", test_all_of_an_owner);
        g_test_add_func("/store-erase/recording-goes-on", test_recording_goes_on);
        g_test_add_func("/store-erase/stopped-with-free-pages", test_stopped_with_free_pages);
        g_test_add_func("/store-erase/an-unclean-start", test_an_unclean_start);
        g_test_add_func("/store-erase/without-auto-vacuum", test_without_auto_vacuum);
        g_test_add_func("/store-erase/a-backup-that-stays", test_a_backup_that_stays);
        g_test_add_func("/store-erase/copies", test_copies);
        g_test_add_func("/store-erase/a-full-disk", test_a_full_disk);
        g_test_add_func("/store-erase/each-write-fails", test_each_write_fails);
        g_test_add_func("/store-erase/each-sync-fails", test_each_sync_fails);
        g_test_add_func("/store-erase/cut-off", test_cut_off);
        g_test_add_func("/store-erase/closing-answers", test_closing_answers);
        g_test_add_func("/store-erase/asked-for-during-a-sweep", test_asked_for_during_a_sweep);
        g_test_add_func("/store-erase/of-who-had-the-uid-before", test_of_who_had_the_uid_before);
        return g_test_run();
}
