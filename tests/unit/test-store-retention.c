/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <time.h>
#include <utime.h>

#include "store-fixture.h"
#include "store/shared.h"

#define DAY_USEC UINT64_C(86400000000)

static const char *const pen = "AA:BB:CC:DD:EE:01";

static void set_clock(Fixture *f, uint64_t day_usec, int64_t wall_offset_usec) {
        shared_lock(f->store);
        f->store->retention_day_usec = day_usec;
        f->store->wall_offset_usec = wall_offset_usec;
        shared_unlock(f->store);
}

static void make_session(Fixture *f, uint64_t id, uint64_t days_ago, uid_t owner) {
        uint64_t end_usec = (uint64_t) g_get_real_time() - days_ago * DAY_USEC;

        fixture_begin_full(f, id, end_usec - 1000000, pen, "me", owner);
        fixture_record(f, id, 0, 10);
        store_session_end(f->store, id, &(StoreEnd) { .reason = "user", .realtime_usec = end_usec }, NULL, NULL);
}

/* Looks, as it does once an hour, when all that was recorded is there, and waits until that is over and what it found has gone. */
static void look(Fixture *f, uint64_t age_usec, unsigned count) {
        g_assert_cmpint(fixture_delete(f, 99999), ==, -ENOENT);
        store_set_retention(f->store, &(StoreRetention) { .age_usec = age_usec, .count = count });
        g_assert_cmpint(fixture_delete(f, 99999), ==, -ENOENT);
        g_assert_cmpint(fixture_delete(f, 99999), ==, -ENOENT);
}

static int64_t n_sessions(Fixture *f) {
        return fixture_query(f->path, "SELECT count(*) FROM session");
}

/* What was too old when it was looked at goes when it still is a day later. */
static void test_what_is_too_old(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, DAY_USEC, 0);
        make_session(&f, 1, 40, 1000);
        make_session(&f, 2, 20, 1000);
        fixture_begin_full(&f, 3, (uint64_t) g_get_real_time() - 50 * DAY_USEC, pen, "me", 1000); /* live */
        look(&f, 30 * DAY_USEC, 0);
        look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(n_sessions(&f), ==, 3); /* not yet */
        set_clock(&f, 0, 0);            /* the day is over */
        look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(n_sessions(&f), ==, 2);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpuint(f.retired->len, ==, 1);
        g_assert_cmpuint(g_array_index(f.retired, uint64_t, 0), ==, 1);
        fixture_done(&f);
}

/* The clock was behind, or it was imported: it came after one that is not too old. */
static void test_what_came_later(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, 0, 0);
        make_session(&f, 1, 50, 1000);
        make_session(&f, 2, 1, 1000);
        make_session(&f, 3, 40, 1000);
        for (unsigned i = 0; i < 3; i++)
                look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpint(fixture_get(&f, 3), ==, 0);
        fixture_done(&f);
}

/* One whose time is still to come says nothing of those behind it. */
static void test_what_came_after_the_future(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, 0, 0);
        fixture_begin_full(&f, 1, (uint64_t) g_get_real_time(), pen, "me", 1000);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user", .realtime_usec = (uint64_t) g_get_real_time() + 3650 * DAY_USEC },
                          NULL, NULL);
        make_session(&f, 2, 40, 1000);
        for (unsigned i = 0; i < 2; i++)
                look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 2), ==, -ENOENT);
        fixture_done(&f);
}

/* It was not there a day ago, when what was there was found to be too old. */
static void test_what_was_not_there(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, DAY_USEC, 0);
        look(&f, 30 * DAY_USEC, 0);
        make_session(&f, 1, 40, 1000);
        set_clock(&f, 0, 0);
        look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        look(&f, 30 * DAY_USEC, 0);     /* another day is over */
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        fixture_done(&f);
}

/* A clock that jumps forward by years and is put right again erases nothing, over restarts too. */
static void test_a_clock_that_jumps(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, DAY_USEC, 0);
        make_session(&f, 1, 1, 1000);
        look(&f, 30 * DAY_USEC, 0);
        set_clock(&f, DAY_USEC, (int64_t) (3650 * DAY_USEC));
        look(&f, 30 * DAY_USEC, 0);
        fixture_stop(&f);
        fixture_start(&f);
        set_clock(&f, DAY_USEC, (int64_t) (3650 * DAY_USEC));
        look(&f, 30 * DAY_USEC, 0);
        set_clock(&f, 0, 0);            /* right again, and the day is over */
        look(&f, 30 * DAY_USEC, 0);
        look(&f, 30 * DAY_USEC, 0);
        g_assert_cmpint(n_sessions(&f), ==, 1);
        fixture_done(&f);
}

/* It was recorded before the clock was set: nobody knows its age. */
static void test_a_clock_that_was_not_set(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        set_clock(&f, 0, 0);
        fixture_begin_full(&f, 1, 1000000, pen, "me", 1000);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user", .realtime_usec = 61000000 }, NULL, NULL);
        for (unsigned i = 0; i < 3; i++)
                look(&f, DAY_USEC, 0);
        g_assert_cmpint(n_sessions(&f), ==, 1);
        fixture_done(&f);
}

/* Of each owner the newest are kept, and the next session pushes one out when it ends. */
static void test_too_many(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 9; id++)
                make_session(&f, id, 100 - id, id % 3 ? 1000 : 1001); /* 6 and 3 */
        look(&f, 0, 4);
        g_assert_cmpint(n_sessions(&f), ==, 7);
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session WHERE owner = 1000"), ==, 4);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE owner = 1001"), ==, 3);
        fixture_begin(&f, 10);
        g_assert_cmpint(n_sessions(&f), <=, 8);
        g_assert_cmpint(fixture_end(&f, 10), ==, 0);
        look(&f, 0, 4);
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session WHERE owner = 1000"), ==, 5);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tombstone"), ==, 3);
        g_assert_cmpuint(f.retired->len, ==, 3);
        look(&f, 0, 0);
        g_assert_cmpint(n_sessions(&f), ==, 7);
        fixture_done(&f);
}

static bool has_retired(Fixture *f, uint64_t n) {
        return f->retired->len >= n;
}

static void test_at_the_end_of_a_session(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        store_set_retention(f.store, &(StoreRetention) { .count = 2 });
        for (uint64_t id = 1; id <= 5; id++) {
                fixture_begin(&f, id);
                g_assert_cmpint(fixture_end(&f, id), ==, 0);
        }
        fixture_wait(&f, has_retired, 3); /* by itself */
        g_assert_cmpint(fixture_query(f.path, "SELECT min(id) FROM session"), ==, 4);
        fixture_done(&f);
}

/* A migration's backup holds what was erased since: it goes after a week. */
static void test_backups(void) {
        g_autofree char *old = NULL, *new = NULL;
        struct utimbuf times = { .modtime = time(NULL) - 8 * 86400 };
        Fixture f;

        fixture_init(&f);
        old = g_strconcat(f.path, ".backup-v3", NULL);
        new = g_strconcat(f.path, ".backup-v4", NULL);
        g_assert_true(g_file_set_contents(old, "old", -1, NULL));
        g_assert_true(g_file_set_contents(new, "new", -1, NULL));
        g_assert_cmpint(g_utime(old, &times), ==, 0);
        fixture_start(&f);
        look(&f, 0, 0);
        g_assert_false(g_file_test(old, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(new, G_FILE_TEST_EXISTS));
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-retention/what-is-too-old", test_what_is_too_old);
        g_test_add_func("/store-retention/what-came-later", test_what_came_later);
        g_test_add_func("/store-retention/what-came-after-the-future", test_what_came_after_the_future);
        g_test_add_func("/store-retention/what-was-not-there", test_what_was_not_there);
        g_test_add_func("/store-retention/a-clock-that-jumps", test_a_clock_that_jumps);
        g_test_add_func("/store-retention/a-clock-that-was-not-set", test_a_clock_that_was_not_set);
        g_test_add_func("/store-retention/too-many", test_too_many);
        g_test_add_func("/store-retention/at-the-end-of-a-session", test_at_the_end_of_a_session);
        g_test_add_func("/store-retention/backups", test_backups);
        return g_test_run();
}
