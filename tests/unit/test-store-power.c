/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "power-vfs.h"
#include "store-fixture.h"
#include "store/schema.h"
#include "store/shared.h"

/* P3: "power cut, simulated at every write: no corruption; at most 1 s of the running session gone". Something is done with the store; then
 * the power goes after the first, the second … of all writes, truncations, syncs and removals that it took, and what a disk may have then is
 * opened. What was promised before the cut must be there: a promise holds from the operation on after which it was given. */

#define FOLLOWED UINT64_C(1)
#define IMPORTED UINT64_C(1200) /* frames of a tape */

typedef enum PromiseKind {
        PROMISE_FRAMES,         /* so many frames of the session, at least */
        PROMISE_ENDED,          /* it is over, with so many frames */
        PROMISE_GONE,
        PROMISE_GOING,          /* whole, or not to be seen */
        PROMISE_TAKEN,          /* it was imported, with so many frames */
        PROMISE_COMING,         /* so it is, or it is not to be seen */
        PROMISE_UNSEEN,
} PromiseKind;

typedef struct Promise {
        PromiseKind kind;
        uint64_t from;          /* operations of the log */
        uint64_t id, n_frames;
} Promise;

typedef struct Handed {
        uint64_t usec, n_frames;
} Handed;

/* One recording. */
typedef struct Course {
        Fixture f;
        GArray *promises;       /* Promise; under the store's mutex while it runs */
        GArray *handed;         /* Handed, of FOLLOWED */
        uint64_t of_others;     /* frames of other sessions that are committed */
        uint64_t n_handed;
        bool sweeps;            /* something is left that the next start takes away */
} Course;

/* ---- Recording ---- */

static void promise(Course *c, PromiseKind kind, uint64_t from, uint64_t id, uint64_t n_frames) {
        Promise p = { kind, from, id, n_frames };

        shared_lock(c->f.store);
        g_array_append_val(c->promises, p);
        shared_unlock(c->f.store);
}

/* On the writer's thread: when this sync is done, all that was committed before is on the disk. */
static void on_wal_sync(void *userdata) {
        Course *c = userdata;
        uint64_t committed = store_counters(c->f.store).committed, of_others;

        shared_lock(c->f.store);
        of_others = c->of_others;
        shared_unlock(c->f.store);
        if (committed > of_others)
                promise(c, PROMISE_FRAMES, power_vfs_length() + 1, FOLLOWED, committed - of_others);
}

static void course_init(Course *c) {
        *c = (Course) { .promises = g_array_new(FALSE, FALSE, sizeof(Promise)), .handed = g_array_new(FALSE, FALSE, sizeof(Handed)) };
        fixture_init(&c->f);
        fixture_start(&c->f); /* the database is made */
        fixture_stop(&c->f);
}

static void course_done(Course *c) {
        fixture_done(&c->f);
        g_array_unref(c->promises);
        g_array_unref(c->handed);
}

static void other(Course *c, uint64_t id, uint64_t n_frames) {
        fixture_begin(&c->f, id);
        shared_lock(c->f.store);
        c->of_others += n_frames; /* before they can be committed: what is promised of FOLLOWED is too little at worst */
        shared_unlock(c->f.store);
        fixture_record(&c->f, id, 0, n_frames);
        fixture_wait(&c->f, fixture_has_committed, c->of_others + c->n_handed);
        g_assert_cmpint(fixture_end(&c->f, id), ==, 0);
        promise(c, PROMISE_ENDED, power_vfs_length(), id, n_frames);
}

static void follow(Course *c, uint64_t n_frames) {
        Handed handed = { (uint64_t) g_get_monotonic_time(), c->n_handed + n_frames };

        fixture_record(&c->f, FOLLOWED, c->n_handed, n_frames);
        c->n_handed += n_frames;
        g_array_append_val(c->handed, handed);
}

/* ---- The cut ---- */

static void assert_frames(Fixture *f, uint64_t id, uint64_t at_least, uint64_t at_most) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n);

        g_assert_cmpuint(n, >=, at_least);
        g_assert_cmpuint(n, <=, at_most);
        fixture_assert_frames(frames, n, id, 0);
}

/* It is being taken away, now too: whole, or not to be seen. */
static void assert_whole_or_hidden(Fixture *f, const Promise *p) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, p->id, &n);

        fixture_assert_frames(frames, n, p->id, 0);
        if (n != p->n_frames)
                g_assert_cmpint(fixture_get(f, p->id), ==, -ENOENT);
}

static void assert_kept(Fixture *f, const Promise *p) {
        switch (p->kind) {
        case PROMISE_FRAMES:
                assert_frames(f, p->id, p->n_frames, UINT64_MAX);
                break;
        case PROMISE_ENDED:
                g_assert_cmpint(fixture_get(f, p->id), ==, 0);
                assert_frames(f, p->id, p->n_frames, p->n_frames);
                break;
        case PROMISE_GONE:
                g_assert_cmpint(fixture_get(f, p->id), ==, -ENOENT);
                assert_frames(f, p->id, 0, 0);
                break;
        case PROMISE_GOING:
                assert_whole_or_hidden(f, p);
                break;
        case PROMISE_TAKEN:
                fixture_assert_imported(f, p->id, p->n_frames);
                break;
        case PROMISE_COMING:
                if (fixture_get(f, p->id) == 0)
                        fixture_assert_imported(f, p->id, p->n_frames);
                break;
        case PROMISE_UNSEEN:
                g_assert_cmpint(fixture_get(f, p->id), ==, -ENOENT);
                break;
        }
}

/* The last promise of each session counts. */
static void assert_promises(Course *c, Fixture *after, uint64_t n) {
        for (guint i = 0; i < c->promises->len; i++) {
                const Promise *p = &g_array_index(c->promises, Promise, i);
                bool last = p->from <= n, goes = false;

                for (guint j = i + 1; j < c->promises->len; j++) {
                        const Promise *later = &g_array_index(c->promises, Promise, j);

                        last = last && (later->id != p->id || later->from > n);
                        goes = goes || (later->id == p->id && later->kind == PROMISE_GONE);
                }
                if (last && goes)
                        assert_whole_or_hidden(after, p);
                else if (last)
                        assert_kept(after, p);
        }
}

/* How much of the running session is gone, in the time of its frames, which were handed over as they come, or later: what holds up this
 * machine holds up both sides. */
static uint64_t lost_usec(Course *c, Fixture *after, uint64_t n) {
        uint64_t there = 0, handed = 0;

        for (size_t i = 0; i < after->n_sessions; i++)
                if (after->sessions[i].id == FOLLOWED)
                        there = after->sessions[i].n_frames;
        for (guint i = 0; i < c->handed->len; i++)
                if (g_array_index(c->handed, Handed, i).usec <= power_vfs_time(n))
                        handed = g_array_index(c->handed, Handed, i).n_frames;
        return handed > there ? (handed - there) * FIXTURE_FRAME_USEC : 0;
}

static void clear_dir(Fixture *f) {
        g_autoptr(GDir) dir = g_dir_open(f->dir, 0, NULL);
        const char *name;

        while ((name = g_dir_read_name(dir))) {
                g_autofree char *path = g_build_filename(f->dir, name, NULL);

                (void) g_unlink(path);
        }
}

static void cut(Course *c, Fixture *after, uint64_t n, PowerCut how) {
        g_autofree char *check = NULL;

        clear_dir(after);
        power_vfs_cut(n, how, (uint32_t) (n * _POWER_CUT_MAX + how), after->path);
        fixture_start(after);
        if (after->put_aside->len > 0 || store_state(after->store) != STORE_READY)
                g_error("cut %d after operation %" G_GUINT64_FORMAT ": %s", how, n, after->reasons->str);
        check = fixture_query_text(after->path, "PRAGMA integrity_check");
        g_assert_cmpstr(check, ==, "ok");
        for (size_t i = 0; i < after->n_sessions; i++)
                fixture_assert_frames(after->sessions[i].frames, after->sessions[i].n_frames, after->sessions[i].id, 0);
        assert_promises(c, after, n);
        if (c->sweeps)          /* what nobody sees goes, and nothing else */
                fixture_sweep(after);
        if (c->sweeps)
                assert_promises(c, after, n);
}

static int by_size(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* After each operation, in one of the ways a disk may have it, in each with -m slow; after a sync with nothing of what followed. Under the
 * address sanitizer after some of them. Returns the median of the age of what is gone of the running session. */
static uint64_t cut_everywhere(Course *c) {
        uint64_t n_ops = power_vfs_length(), stride = FIXTURE_SANITIZED && !g_test_slow() ? 19 : 1;
        g_autofree uint64_t *lost = g_new0(uint64_t, n_ops + 1);
        Fixture after;
        size_t n_lost = 0;

        fixture_init(&after);
        for (uint64_t n = 1 + (uint64_t) g_test_rand_int() % stride; n <= n_ops; n += stride) {
                bool none = n == n_ops || power_vfs_is_sync(n + 1); /* at its oldest */

                for (PowerCut how = POWER_CUT_NONE; how < _POWER_CUT_MAX; how++) {
                        if (!g_test_slow() && how != (none ? POWER_CUT_NONE : POWER_CUT_ALL + n % 3))
                                continue;
                        cut(c, &after, n, how);
                        if (how == POWER_CUT_NONE && after.n_sessions > 0)
                                lost[n_lost++] = lost_usec(c, &after, n);
                        fixture_stop(&after);
                }
        }
        fixture_done(&after);
        qsort(lost, n_lost, sizeof *lost, by_size);
        g_test_message("%" G_GUINT64_FORMAT " operations; of the running session gone, ms: median %.0f, worst %.0f", n_ops,
                       (double) lost[n_lost / 2] / 1e3, (double) lost[n_lost - (n_lost > 0)] / 1e3);
        return lost[n_lost / 2];
}

/* ---- Cases ---- */

/* 400 frames a second as time goes: commits each 100 ms, a sync each second, a fold; another session ends meanwhile; then its own end and
 * that of the daemon, with their checkpoints. */
static void test_a_recording(void) {
        uint64_t until;
        Course c;

        course_init(&c);
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        power_vfs_on_wal_sync(on_wal_sync, &c);
        fixture_begin(&c.f, FOLLOWED);
        until = (uint64_t) g_get_monotonic_time() + 4 * G_USEC_PER_SEC;
        for (unsigned i = 0; (uint64_t) g_get_monotonic_time() < until; i++) {
                follow(&c, 4);
                g_usleep(10000);
                store_dispatch(c.f.store);
                if (i == 120)
                        other(&c, 2, 50);
        }
        fixture_wait(&c.f, fixture_has_committed, c.of_others + c.n_handed);
        g_assert_cmpint(fixture_end(&c.f, FOLLOWED), ==, 0);
        promise(&c, PROMISE_ENDED, power_vfs_length(), FOLLOWED, c.n_handed);
        fixture_stop(&c.f);
        power_vfs_end();
        g_assert_cmpuint(c.promises->len, >=, 4);
        g_assert_cmpuint(cut_everywhere(&c), <=, G_USEC_PER_SEC);
        course_done(&c);
}

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        Fixture *f = userdata;

        f->error = error;
        f->answered = true;
}

static void put_record(Fixture *f) {
        const StoreRecord record = {
                .session = { .id = 2, .uuid = (char *) "a record", .device_address = (char *) "AA:BB:CC:DD:EE:09", .profile = (char *) "omp1",
                             .end_reason = (char *) "device", .record = 7, .epoch = 1, .record_start = 5 },
                .device_address_type = "random",
                .cursor = { .epoch = 1, .record = 7, .start = 5 },
        };

        f->answered = false;
        store_record_put(f->store, &record, on_recorded, f);
        fixture_wait(f, fixture_is_answered, 0);
        g_assert_cmpint(f->error, ==, 0);
}

/* A record that is known already changes nothing in the file; it is answered as durable, and so is all that was committed before it. */
static void test_an_answer_without_a_change(void) {
        const StoreDevice pen = { .path = (char *) "dev_9", .address = (char *) "AA:BB:CC:DD:EE:09", .address_type = (char *) "random" };
        Course c;

        course_init(&c);
        c.f.collect_usec = 1000;
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        store_device_put(c.f.store, &pen);
        put_record(&c.f);
        fixture_begin(&c.f, FOLLOWED);
        for (unsigned i = 0; i < 4; i++) {
                follow(&c, 50);
                fixture_wait(&c.f, fixture_has_committed, c.n_handed);
                put_record(&c.f);
                promise(&c, PROMISE_FRAMES, power_vfs_length(), FOLLOWED, c.n_handed);
        }
        fixture_stop(&c.f);
        power_vfs_end();
        for (guint i = 0; i < c.promises->len; i++) {
                Fixture after;

                fixture_init(&after);
                cut(&c, &after, g_array_index(c.promises, Promise, i).from, POWER_CUT_NONE);
                fixture_done(&after);
        }
        course_done(&c);
}

/* In a hurry, with checkpoints while it is recorded, one session that is discarded and one that is deleted: whole before, gone after it,
 * never half. */
static void test_ends_and_removals(void) {
        Course c;

        course_init(&c);
        c.f.collect_usec = 1000;
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        power_vfs_on_wal_sync(on_wal_sync, &c);
        fixture_begin(&c.f, FOLLOWED);
        for (uint64_t id = 2; id < 6; id++) {
                follow(&c, 900);
                other(&c, id, 100 * id);
        }
        g_assert_cmpint(fixture_discard(&c.f, 3), ==, 0);
        promise(&c, PROMISE_GONE, power_vfs_length(), 3, 0);
        g_assert_cmpint(fixture_delete(&c.f, 4), ==, 0);
        promise(&c, PROMISE_GONE, power_vfs_length(), 4, 0);
        follow(&c, 100);
        fixture_wait(&c.f, fixture_has_committed, c.of_others + c.n_handed);
        fixture_stop(&c.f);
        power_vfs_end();
        (void) cut_everywhere(&c);
        course_done(&c);
}

/* All that is over goes at once while one is followed. */
static void test_erasing_all(void) {
        Course c;

        course_init(&c);
        c.sweeps = true;
        c.f.collect_usec = 1000;
        fixture_start(&c.f);
        fixture_begin(&c.f, FOLLOWED);
        for (uint64_t id = 2; id < 8; id++)
                other(&c, id, id == 2 ? 3000 : 100);
        (void) g_array_set_size(c.promises, 0);
        fixture_stop(&c.f);
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        power_vfs_on_wal_sync(on_wal_sync, &c);
        c.of_others = 0;        /* counted from here on */
        for (uint64_t id = 2; id < 8; id++)
                promise(&c, PROMISE_GOING, 0, id, id == 2 ? 3000 : 100);
        follow(&c, 500);
        store_erase_all(c.f.store, (uid_t) -1, NULL, fixture_on_erased, &c.f);
        while (c.f.erased.n_sessions == 0) {
                follow(&c, 4);
                (void) fixture_get(&c.f, 2);
        }
        g_assert_cmpuint(c.f.erased.n_sessions, ==, 6);
        for (uint64_t id = 2; id < 8; id++)
                promise(&c, PROMISE_GONE, power_vfs_length(), id, 0);
        follow(&c, 100);
        fixture_wait(&c.f, fixture_has_committed, c.n_handed);
        fixture_stop(&c.f);
        power_vfs_end();
        (void) cut_everywhere(&c);
        course_done(&c);
}

static void follow_two(void *userdata) {
        follow(userdata, 2);
}

/* Tapes are taken in while one is followed, one of them cut short: whole, or nothing of it. */
static void test_tapes(void) {
        Course c;

        course_init(&c);
        c.sweeps = true;
        c.f.collect_usec = 1000;
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        power_vfs_on_wal_sync(on_wal_sync, &c);
        fixture_begin(&c.f, FOLLOWED);
        for (uint64_t id = 2; id < 5; id++) {
                bool whole = id != 3;

                promise(&c, whole ? PROMISE_COMING : PROMISE_UNSEEN, power_vfs_length(), id, IMPORTED);
                g_assert_cmpint(fixture_import(&c.f, id, IMPORTED, whole, follow_two, &c), ==, whole ? 0 : -EBADMSG);
                if (whole)
                        promise(&c, PROMISE_TAKEN, power_vfs_length(), id, IMPORTED);
        }
        follow(&c, 100);
        fixture_wait(&c.f, fixture_has_committed, c.n_handed);
        fixture_stop(&c.f);
        power_vfs_end();
        (void) cut_everywhere(&c);
        course_done(&c);
}

/* Each version's database, led on to this one. */
static void test_migrations(void) {
        for (int version = 1; version < SCHEMA_VERSION; version++) {
                g_autofree char *name = g_strdup_printf("v%d.db", version), *bytes = NULL;
                g_autofree char *from = g_test_build_filename(G_TEST_DIST, "data", "databases", name, NULL);
                gsize size;
                Course c;

                course_init(&c);
                g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
                g_assert_true(g_file_set_contents(c.f.path, bytes, (gssize) size, NULL));
                power_vfs_begin(c.f.path);
                fixture_start(&c.f);
                promise(&c, PROMISE_ENDED, 0, 1, 80);
                promise(&c, PROMISE_ENDED, 0, 2, 10);
                promise(&c, PROMISE_FRAMES, 0, 3, 40);
                fixture_stop(&c.f);
                power_vfs_end();
                (void) cut_everywhere(&c);
                course_done(&c);
        }
}

/* Nothing is promised yet; but what is left of a database that was being made is no damage. */
static void test_the_making(void) {
        Course c;

        course_init(&c);
        clear_dir(&c.f);
        power_vfs_begin(c.f.path);
        fixture_start(&c.f);
        fixture_stop(&c.f);
        power_vfs_end();
        (void) cut_everywhere(&c);
        course_done(&c);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        power_vfs_install();
        g_test_add_func("/store-power/a-recording", test_a_recording);
        g_test_add_func("/store-power/an-answer-without-a-change", test_an_answer_without_a_change);
        g_test_add_func("/store-power/ends-and-removals", test_ends_and_removals);
        g_test_add_func("/store-power/erasing-all", test_erasing_all);
        g_test_add_func("/store-power/tapes", test_tapes);
        g_test_add_func("/store-power/migrations", test_migrations);
        g_test_add_func("/store-power/the-making", test_the_making);
        return g_test_run();
}
