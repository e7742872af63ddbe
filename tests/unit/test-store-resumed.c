/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/schema.h"
#include "store/shared.h"

/* An erasure that is cut off is ended by the next process, as it was meant: all of it, and nothing that came after it. */

#define LIVE UINT64_C(100000)
#define ME 1000u
#define HER 1001u

static const char *const seen = "SELECT count(*) FROM session WHERE ended = 1";

static void make_session(Fixture *f, uint64_t id, uid_t owner) {
        fixture_begin_full(f, id, FIXTURE_START_REALTIME, "AA:BB:CC:DD:EE:01", "some", owner);
        fixture_record(f, id, 0, 100);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

/* As a crash leaves it: nothing more is done. */
static void cut_off(Fixture *f) {
        f->store = store_close(f->store, 0);
        g_string_truncate(f->states, 0);
}

static void make_many(Fixture *f, uint64_t n) {
        fixture_init(f);
        f->collect_usec = 1000;
        fixture_start(f);
        make_session(f, 1, HER);
        for (uint64_t id = 2; id <= n; id++)
                make_session(f, id, ME);
}

static void assert_there(Fixture *f, uint64_t id, bool there) {
        g_assert_cmpint(fixture_get(f, id), ==, there ? 0 : -ENOENT);
}

static unsigned count_told(Fixture *f, uint64_t id) {
        unsigned n = 0;

        for (guint i = 0; i < f->retired->len; i++)
                n += g_array_index(f->retired, uint64_t, i) == id;
        return n;
}

/* False: it was through before it could be cut off. */
static bool erase_all_but_for(uint64_t n) {
        bool caught;
        Fixture f;

        make_many(&f, n);
        fixture_begin(&f, LIVE);
        fixture_record(&f, LIVE, 0, 10);
        f.answered = false;
        store_erase_all(f.store, ME, NULL, fixture_on_erased, &f);
        while (!f.answered && fixture_query(f.path, seen) == (int64_t) n)
                store_dispatch(f.store);
        cut_off(&f);
        caught = f.error == -ECANCELED && fixture_query(f.path, seen) > 1;
        if (caught) {
                g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure"), ==, 1);
                fixture_start(&f);
                make_session(&f, LIVE + 1, ME); /* after it */
                g_assert_cmpint(fixture_end(&f, LIVE), ==, 0);
                fixture_sweep(&f);
                assert_there(&f, 1, true);
                assert_there(&f, n, false);
                assert_there(&f, LIVE, true);
                assert_there(&f, LIVE + 1, true);
                g_assert_cmpint(fixture_query(f.path, seen), ==, 3);
                g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tombstone"), ==, n - 1);
                g_assert_cmpuint(count_told(&f, 0), ==, 1); /* of those that went before nobody knows which they were: list again */
                g_assert_cmpuint(count_told(&f, n), ==, 1);
        }
        fixture_done(&f);
        return caught;
}

static void test_all_of_an_owner(void) {
        for (uint64_t n = 64; !erase_all_but_for(n); n *= 2)
                g_assert_cmpuint(n, <, 100000);
}

static void on_deleted(int error, const StoreErased *erased, void *userdata) {
        *(unsigned *) userdata += error == 0;
}

static bool is_asked_for(Fixture *f, uint64_t id) {
        g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM erasure WHERE session = %" G_GUINT64_FORMAT " AND owner = %u", id, ME);

        return fixture_query(f->path, sql) == 1;
}

/* False: all were through before they could be cut off. */
static bool delete_many(void) {
        const uint64_t n = 1 + STORE_ERASURES_MAX - 1;
        bool asked[STORE_ERASURES_MAX + 1] = { false };
        unsigned n_deleted = 0;
        Fixture f;

        make_many(&f, n);
        fixture_begin(&f, LIVE);
        fixture_record(&f, LIVE, 0, 10);
        for (uint64_t id = 2; id <= n; id++)
                store_delete(f.store, id, on_deleted, &n_deleted);
        store_delete(f.store, LIVE, on_deleted, &n_deleted);
        while (fixture_query(f.path, seen) == (int64_t) n)
                store_dispatch(f.store);
        cut_off(&f);
        for (uint64_t id = 2; id <= n; id++)
                asked[id] = is_asked_for(&f, id);
        fixture_start(&f);
        g_assert_cmpint(fixture_end(&f, LIVE), ==, 0);
        fixture_sweep(&f);
        g_assert_cmpint(fixture_query(f.path, seen), ==, 2);
        assert_there(&f, 1, true);
        assert_there(&f, LIVE, true);
        for (uint64_t id = 2; id <= n; id++) /* whether it was hidden before or not */
                g_assert_cmpuint(count_told(&f, id), ==, asked[id]);
        fixture_done(&f);
        return asked[n];
}

/* All that were taken on, though the first is not answered yet; one that is live is not, then or later. */
static void test_many(void) {
        for (unsigned attempts = 0; !delete_many();)
                g_assert_cmpuint(++attempts, <, 50);
}

/* What is done leaves nothing to go on with, nor what could not be begun. */
static void test_nothing_is_left(void) {
        Fixture f;

        make_many(&f, 4);
        g_assert_cmpint(fixture_delete(&f, 4), ==, 0);
        g_assert_cmpint(fixture_delete(&f, 4), ==, -ENOENT);
        g_assert_cmpint(fixture_delete(&f, 0), ==, -ENOENT);
        g_assert_cmpint(fixture_erase_all(&f, ME), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM erasure"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, seen), ==, 1);
        fixture_done(&f);
}

static char *next_to(Fixture *f, const char *after) {
        return g_strconcat(f->path, after, NULL);
}

/* The disk takes so many writes and no more. False: none or all of the erasure was done by then. */
static bool note_copies(Fixture *f, uint64_t n_writes) {
        int64_t n_noted;

        shared_lock(f->store);
        f->store->answer_usec = 100000;
        shared_unlock(f->store);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, n_writes + 1, UINT64_MAX / 2);
        (void) fixture_erase_copies(f);
        cut_off(f);
        fault_vfs_disarm();
        n_noted = fixture_query(f->path, "SELECT count(*) FROM erasure");
        g_assert_cmpint(n_noted, <=, 1);
        return n_noted == 1;
}

/* An erasure of the files that were put aside is noted before the first of them goes: what a kill leaves is what it noted, and a file. */
static void test_copies(void) {
        g_autofree char *copy = NULL, *other = NULL;
        Fixture f;

        make_many(&f, 2);
        for (uint64_t n_writes = 1; !note_copies(&f, n_writes); n_writes++) {
                g_assert_cmpuint(n_writes, <, 100);
                fixture_start(&f);
        }
        copy = next_to(&f, ".corrupt-20240101T000000Z");
        other = next_to(&f, ".vault");
        g_assert_true(g_file_set_contents(copy, "0123456789", -1, NULL));
        g_assert_true(g_file_set_contents(other, "somebody else's", -1, NULL));
        fixture_start(&f);
        fixture_sweep(&f);
        g_assert_false(g_file_test(copy, G_FILE_TEST_EXISTS));
        g_assert_true(g_file_test(other, G_FILE_TEST_EXISTS));
        g_assert_cmpint(fixture_query(f.path, seen), ==, 2);
        g_assert_cmpuint(f.retired->len, ==, 0); /* no session went */
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-resumed/all-of-an-owner", test_all_of_an_owner);
        g_test_add_func("/store-resumed/many", test_many);
        g_test_add_func("/store-resumed/copies", test_copies);
        g_test_add_func("/store-resumed/nothing-is-left", test_nothing_is_left);
        return g_test_run();
}
