/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Walks through sessions that are live: every frame once and in order, however it stops and whatever the tail becomes meanwhile. */

#include <errno.h>

#include "store-fixture.h"

typedef struct Walker {
        Fixture *fixture;
        StoreWalk *walk;
        uint64_t next;                  /* frame */
        unsigned left;                  /* frames until it stops */
        unsigned n_begun;
        bool stopped, at_end;
        int error;
} Walker;

static void on_begin(const StoreSession *row, void *userdata) {
        Walker *w = userdata;

        g_assert_cmpuint(row->start_boottime_usec, ==, FIXTURE_START_BOOTTIME);
        w->n_begun++;
}

static bool on_frame(const Frame *frame, void *userdata) {
        Walker *w = userdata;
        FixtureFrame should;

        if (w->left == 0)
                return false;
        fixture_make_frame(&should, 1, w->next);
        g_assert_cmpuint(frame->boottime_usec, ==, should.frame.boottime_usec);
        g_assert_cmpmem(frame->data, frame->size, should.frame.data, should.frame.size);
        w->left--;
        w->next++;
        return true;
}

static void on_stopped(int error, bool at_end, unsigned n_damaged, void *userdata) {
        Walker *w = userdata;

        g_assert_cmpuint(n_damaged, ==, 0);
        w->error = error;
        w->at_end = at_end;
        w->stopped = true;
}

static const StoreWalkOps ops = { .begin = on_begin, .frame = on_frame, .stopped = on_stopped };

static Walker *walker;

static bool has_stopped(Fixture *f, uint64_t value) {
        return walker->stopped;
}

/* At most so many frames. */
static void walk(Walker *w, unsigned n) {
        w->left = n;
        w->stopped = false;
        walker = w;
        store_walk_on(w->fixture->store, w->walk);
        fixture_wait(w->fixture, has_stopped, 0);
}

static void walker_init(Walker *w, Fixture *f) {
        *w = (Walker) { .fixture = f };
        fixture_init(f);
        fixture_start(f);
        w->walk = store_walk_new(f->store, 1, 1000, &ops, w);
}

static void walker_done(Walker *w) {
        store_walk_free(w->walk);
        fixture_done(w->fixture);
}

static void test_follows_what_is_written(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(3);
        uint64_t n = 0;
        Fixture f;
        Walker w;

        walker_init(&w, &f);
        fixture_begin(&f, 1);
        while (n < 6000) {              /* 15 s: several chunks */
                unsigned more = (unsigned) g_rand_int_range(rand, 1, 300);

                fixture_record(&f, 1, n, more);
                n += more;
                fixture_wait(&f, fixture_has_committed, n);
                walk(&w, (unsigned) g_rand_int_range(rand, 1, 500));
                g_assert_cmpint(w.error, ==, 0);
                g_assert_true(w.at_end ? w.next == n : w.left == 0);
        }
        walk(&w, UINT_MAX);
        g_assert_true(w.at_end);
        g_assert_cmpuint(w.next, ==, n);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) > 3 FROM chunk"), ==, 1);

        fixture_record(&f, 1, n, 10);   /* the end of the session is the end of its tail */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        walk(&w, UINT_MAX);
        g_assert_cmpuint(w.next, ==, n + 10);
        g_assert_cmpuint(w.n_begun, ==, 1);
        walker_done(&w);
}

static void test_not_there_yet(void) {
        Fixture f;
        Walker w;

        walker_init(&w, &f);
        walk(&w, UINT_MAX);
        g_assert_cmpint(w.error, ==, -ENOENT);
        g_assert_cmpuint(w.n_begun, ==, 0);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 5);
        fixture_wait(&f, fixture_has_committed, 5);
        walk(&w, UINT_MAX);
        g_assert_cmpint(w.error, ==, 0);
        g_assert_cmpuint(w.next, ==, 5);
        walker_done(&w);
}

static void test_after_a_restart(void) {
        Fixture f;
        Walker w;

        walker_init(&w, &f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 1000);
        fixture_wait(&f, fixture_has_committed, 1000);
        walk(&w, 900);
        store_walk_free(w.walk);
        fixture_stop(&f);
        fixture_start(&f);
        w.walk = store_walk_new(f.store, 1, 1000, &ops, &w);
        w.next = 0;
        walk(&w, 950);
        fixture_record(&f, 1, 1000, 2000); /* what was the tail becomes a chunk */
        fixture_wait(&f, fixture_has_committed, 2000);
        walk(&w, UINT_MAX);
        g_assert_cmpuint(w.next, ==, 3000);
        walker_done(&w);
}

/* It is given back all the same, so that its owner can free it. */
static void test_forgotten(void) {
        Fixture f;
        Walker w;

        walker_init(&w, &f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 10);
        w.left = UINT_MAX;
        walker = &w;
        store_walk_on(f.store, w.walk);
        store_forget(f.store, &w);
        fixture_wait(&f, has_stopped, 0);
        g_assert_true(w.error == -ECANCELED || w.error == -ENOENT || w.error == 0);

        w.stopped = false;
        store_walk_on(f.store, w.walk);
        fixture_stop(&f);               /* the store's end is an answer too */
        g_assert_true(w.stopped);
        walker_done(&w);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store/walk/follows-what-is-written", test_follows_what_is_written);
        g_test_add_func("/store/walk/not-there-yet", test_not_there_yet);
        g_test_add_func("/store/walk/after-a-restart", test_after_a_restart);
        g_test_add_func("/store/walk/forgotten", test_forgotten);
        return g_test_run();
}
