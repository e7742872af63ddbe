/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is recorded, set and asked for while an erasure waits or is under way. */

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/shared.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

static void make_session(Fixture *f, uint64_t id, uint64_t n_frames) {
        fixture_begin_full(f, id, FIXTURE_START_REALTIME, pen, "me", 1000);
        fixture_record(f, id, 0, n_frames);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

/* Nothing is written until it is put right, and who waits is told so soon. */
static void fill_disk(Fixture *f) {
        shared_lock(f->store);
        f->store->answer_usec = 100000;
        shared_unlock(f->store);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
}

static void empty_disk(Fixture *f) {
        fault_vfs_disarm();
        shared_lock(f->store);
        f->store->answer_usec = STORE_ANSWER_USEC;
        shared_unlock(f->store);
}

static bool is_told(Fixture *f, uint64_t n) {
        return f->retired->len >= n;
}

static void forget_answer(int error, void *userdata) {
}

static void forget_erased(int error, const StoreErased *erased, void *userdata) {
}

static int64_t count(Fixture *f, const char *what) {
        g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s", what);

        return fixture_query(f->path, sql);
}

/* EraseAll was answered with -EIO: it follows, and takes what there was when it was asked for, and nothing that came later. */
static void test_what_comes_later_stays(void) {
        const StorePlan before = { .owner = 1000, .subject = (char *) "before" }, after = { .owner = 1000, .subject = (char *) "after" };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, 100);
        fixture_begin_full(&f, 2, FIXTURE_START_REALTIME, pen, "live", 1000);
        g_assert_cmpint(fixture_plan(&f, &before), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "1", 5), ==, 0);
        fill_disk(&f);
        fixture_begin_full(&f, 3, FIXTURE_START_REALTIME, pen, "over before", 1000);
        g_assert_cmpint(fixture_end(&f, 3), ==, -EIO);
        g_assert_cmpint(fixture_plan(&f, &before), ==, -EIO);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, -EIO);
        g_assert_cmpint(fixture_end(&f, 2), ==, -EIO);
        fixture_begin_full(&f, 4, FIXTURE_START_REALTIME, pen, "begun after", 1000);
        fixture_record(&f, 4, 0, 100);
        g_assert_cmpint(fixture_end(&f, 4), ==, -EIO);
        g_assert_cmpint(fixture_plan(&f, &after), ==, -EIO);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "2", 6), ==, -EIO);
        empty_disk(&f);
        fixture_wait(&f, is_told, 2);
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0); /* comes after it */
        g_assert_cmpint(count(&f, "session WHERE id IN (1, 3)"), ==, 0);
        g_assert_cmpint(count(&f, "session WHERE id IN (2, 4) AND ended = 1"), ==, 2);
        g_assert_cmpint(count(&f, "plan WHERE subject = 'before'"), ==, 0);
        g_assert_cmpint(count(&f, "plan WHERE subject = 'after'"), ==, 1);
        g_assert_cmpint(count(&f, "acknowledgement WHERE version = '2'"), ==, 1);
        g_assert_cmpuint(f.retired->len, ==, 2);
        fixture_done(&f);
}

/* The same plan, set again behind the erasure, is not taken for a change of the one before it. */
static void test_set_again(void) {
        const StorePlan plan = { .owner = 1000, .subject = (char *) "me" };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fill_disk(&f);
        store_plan_put(f.store, &plan, forget_answer, &f);
        store_acknowledge(f.store, &(StoreAcknowledgement) { .owner = 1000, .version = (char *) "1" }, forget_answer, &f);
        store_erase_all(f.store, 1000, NULL, forget_erased, &f);
        store_acknowledge(f.store, &(StoreAcknowledgement) { .owner = 1000, .version = (char *) "1" }, forget_answer, &f);
        g_assert_cmpint(fixture_plan(&f, &plan), ==, -EIO);
        empty_disk(&f);
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0);
        g_assert_cmpint(count(&f, "plan"), ==, 1);
        g_assert_cmpint(count(&f, "acknowledgement"), ==, 1);
        fixture_done(&f);
}

/* An erasure of everybody's, long and with something in each part of it: what ends and is set meanwhile is there afterwards. */
static void test_during_it(void) {
        const StorePlan plan = { .owner = 1000, .subject = (char *) "me" };
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        for (uint64_t id = 1; id <= 20; id++)
                make_session(&f, id, 5000);
        f.answered = false;
        store_erase_all(f.store, (uid_t) -1, NULL, fixture_on_erased, &f);
        store_plan_put(f.store, &plan, forget_answer, &f);
        for (uint64_t id = 50; id < 55; id++) {
                fixture_begin_full(&f, id, FIXTURE_START_REALTIME, pen, "me", 1000);
                fixture_record(&f, id, 0, 100);
                store_session_end(f.store, id, &(StoreEnd) { .reason = "user" }, forget_answer, &f);
        }
        fixture_wait(&f, fixture_is_answered, 0);
        g_assert_cmpint(f.error, ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 20);
        g_assert_cmpint(fixture_get(&f, 50), ==, 0);
        g_assert_cmpint(count(&f, "session"), ==, 5);
        g_assert_cmpint(count(&f, "plan"), ==, 1);
        fixture_done(&f);
}

typedef struct Answers {
        unsigned n, n_gone, n_refused, n_late, n_sessions;
} Answers;

static void on_answer(int error, const StoreErased *erased, void *userdata) {
        Answers *a = userdata;

        a->n++;
        a->n_gone += error == 0 || error == -ENOENT;
        a->n_refused += error == -ENOBUFS;
        a->n_late += error == -EIO;
        a->n_sessions += erased->n_sessions;
}

static bool has_answers(Fixture *f, uint64_t value) {
        const Answers *a = (const Answers *) (uintptr_t) value;

        return a->n == 9000;
}

/* Who asks for the same again and again while the disk is full costs no frame; all are answered by the one erasure. */
static void test_asked_again_and_again(void) {
        Answers a = {};
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        make_session(&f, 1, 10);
        fixture_begin(&f, 2);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
        for (unsigned i = 0; i < 9000; i++)
                store_delete(f.store, 1, on_answer, &a);
        g_assert_true(store_can_erase(f.store));
        fixture_record(&f, 2, 0, 2000);
        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
        fault_vfs_disarm();
        fixture_wait(&f, has_answers, (uintptr_t) &a);
        g_assert_cmpuint(a.n_gone, ==, 9000);
        g_assert_cmpuint(a.n_sessions, ==, 1); /* which was told once */
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        fixture_done(&f);
}

/* No more than so many wait, whatever they are for. */
static void test_too_many(void) {
        Answers a = {};
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fill_disk(&f);
        for (uint64_t id = 1; id <= STORE_ERASURES_MAX; id++) {
                g_assert_true(store_can_erase(f.store));
                store_delete(f.store, id, on_answer, &a);
        }
        g_assert_false(store_can_erase(f.store));
        g_assert_cmpint(fixture_delete(&f, 100), ==, -ENOBUFS);
        g_assert_cmpint(fixture_erase_all(&f, 1000), ==, -ENOBUFS);
        g_assert_cmpint(fixture_plan(&f, &(StorePlan) { .owner = 1, .subject = (char *) "" }), ==, -EIO);
        g_assert_cmpuint(a.n_late, ==, STORE_ERASURES_MAX);
        g_assert_false(store_can_erase(f.store)); /* answered, and still to be done */
        empty_disk(&f);
        while (!store_can_erase(f.store))
                g_assert_cmpint(fixture_plan(&f, &(StorePlan) { .owner = 1, .subject = (char *) "" }), ==, 0);
        g_assert_cmpint(fixture_delete(&f, 100), ==, -ENOENT);
        g_assert_cmpuint(a.n, ==, STORE_ERASURES_MAX);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-meanwhile/what-comes-later-stays", test_what_comes_later_stays);
        g_test_add_func("/store-meanwhile/set-again", test_set_again);
        g_test_add_func("/store-meanwhile/during-it", test_during_it);
        g_test_add_func("/store-meanwhile/asked-again-and-again", test_asked_again_and_again);
        g_test_add_func("/store-meanwhile/too-many", test_too_many);
        return g_test_run();
}
