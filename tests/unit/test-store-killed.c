/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "power-vfs.h"
#include "store-fixture.h"
#include "store/schema.h"
#include "store/shared.h"

/* P2: "kill -9 at random points, 1,000 times: the database is whole every time; at most the last 100 ms are gone, and nothing of a
 * finished session". Children with the real store write what the store has told them into memory that they share with the test, which
 * kills them and then looks at the files. No child tells the test what time it is: what was committed must be there, exactly; how long
 * that takes is judged over all rounds together, since a busy machine may hold up any one of them. The build without the address sanitizer
 * does the 1,000; the other one, which looks at the memory of those who find what is left, a tenth. */

#define CHILDREN 8u             /* at a time */
#define FOLLOWED UINT64_C(1)    /* the session that is not ended */
#define LOG_MAX 4096u
#define ENDED_MAX 512u
#define LOOKED_AT 6u            /* sessions whose frames are read: those that a kill can have met */
#define PATIENCE_MSEC 60000u
#define ERASED 10u              /* sessions that are erased together; the first one is the longest */
#define ERASED_MOST 3000u       /* frames of that */
#define IMPORTED 1500u          /* frames: more than a pipe takes, in several parts */

/* Under the address sanitizer: freed memory that is kept from use makes each fork a copy of hundreds of megabytes. */
const char *__asan_default_options(void) __attribute__((visibility("default")));
const char *__asan_default_options(void) {
        return "quarantine_size_mb=2:thread_local_quarantine_size_kb=64";
}

typedef enum Fate {             /* of a session that was over */
        FATE_NONE,              /* not begun */
        FATE_BEGUN,             /* its end is not answered */
        FATE_ENDED,
        FATE_GOING,             /* it is being taken away */
        FATE_GONE,
} Fate;

typedef struct Told {
        atomic_bool ready;      /* it was opened */
        atomic_uint n_handed, n_committed;
        atomic_uint n_log;
        struct {
                uint64_t usec;  /* CLOCK_MONOTONIC */
                uint32_t n_handed;
        } log[LOG_MAX];
        atomic_uchar fates[ENDED_MAX]; /* Fate of session 2 + i */
        uint16_t n_frames[ENDED_MAX];
        atomic_uint n_seen;     /* sessions of those that are being erased */
} Told;

typedef struct Child {
        Fixture f;
        pid_t pid;
        Told *told;
        uint64_t kill_usec, killed_at_usec;
        bool old;               /* its database was there before, of an older version */
} Child;

typedef void (*Life)(Fixture *f, Told *told);
typedef uint64_t (*Look)(Child *child); /* at what is left; returns how old what is gone was */

static uint64_t now_usec(void) {
        return (uint64_t) g_get_monotonic_time();
}

/* ---- Lives of children ---- */

static void follow(Fixture *f, Told *told, uint64_t n) {
        unsigned i = atomic_load(&told->n_log);

        g_assert_cmpuint(i, <, LOG_MAX);
        fixture_record(f, FOLLOWED, told->n_handed, n);
        atomic_store(&told->n_handed, told->n_handed + (unsigned) n);
        told->log[i].n_handed = told->n_handed;
        told->log[i].usec = now_usec();
        atomic_store(&told->n_log, i + 1);
}

static void tell_committed(Fixture *f, Told *told, uint64_t of_others) {
        uint64_t committed = store_counters(f->store).committed;

        if (committed > of_others)
                atomic_store(&told->n_committed, (unsigned) (committed - of_others));
}

/* As every day: 100 ms to a commit, 800 frames a second, twice what a device sends. */
static void live_following(Fixture *f, Told *told) {
        fixture_start(f);
        atomic_store(&told->ready, true);
        fixture_begin(f, FOLLOWED);
        for (;;) {
                follow(f, told, 4);
                tell_committed(f, told, 0);
                (void) usleep(5000);
        }
}

/* A session that is over. */
static void live_another(Fixture *f, Told *told, unsigned i, uint16_t n, uint64_t *of_others) {
        uint64_t id = 2 + i;

        told->n_frames[i] = n;
        atomic_store(&told->fates[i], FATE_BEGUN);
        fixture_begin(f, id);
        fixture_record(f, id, 0, n);
        fixture_wait(f, fixture_has_committed, *of_others + told->n_handed + n);
        *of_others += n;
        tell_committed(f, told, *of_others);
        follow(f, told, 1 + id % 20);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
        atomic_store(&told->fates[i], FATE_ENDED);
}

/* In a hurry: sessions begin, end (a sync and a checkpoint each) and go (discarded or deleted: the log is truncated, the file shrinks), one
 * after another, while one is followed. */
static void live_busily(Fixture *f, Told *told) {
        uint64_t of_others = 0;

        fixture_start(f);
        atomic_store(&told->ready, true);
        fixture_begin(f, FOLLOWED);
        for (unsigned i = 0; i < ENDED_MAX; i++) {
                uint64_t id = 2 + i;

                live_another(f, told, i, (uint16_t) (1 + id * 37 % 60), &of_others);
                fixture_wait(f, fixture_has_committed, of_others + told->n_handed);
                tell_committed(f, told, of_others);
                if (i % 3 != 2)
                        continue;
                atomic_store(&told->fates[i - 1], FATE_GOING);
                g_assert_cmpint(i % 2 ? fixture_discard(f, id - 1) : fixture_delete(f, id - 1), ==, 0);
                atomic_store(&told->fates[i - 1], FATE_GONE);
        }
        for (;;)
                (void) pause();
}

/* It opens, and closes in order if it gets that far. */
static void live_shortly(Fixture *f, Told *told) {
        atomic_store(&told->ready, true);
        fixture_start(f);
        fixture_stop(f);
        for (;;)
                (void) pause();
}

/* All that is over goes at once, while one is followed and somebody looks on. */
static void live_erasing(Fixture *f, Told *told) {
        uint64_t of_others = 0;

        fixture_start(f);
        fixture_begin(f, FOLLOWED);
        for (unsigned i = 0; i < ERASED; i++)
                live_another(f, told, i, i == 0 ? ERASED_MOST : 50, &of_others);
        atomic_store(&told->n_seen, ERASED);
        for (unsigned i = 0; i < ERASED; i++)
                atomic_store(&told->fates[i], FATE_GOING);
        atomic_store(&told->ready, true);
        f->erased.n_sessions = 0;
        store_erase_all(f->store, (uid_t) -1, NULL, fixture_on_erased, f);
        while (f->erased.n_sessions == 0) {
                follow(f, told, 4);
                g_assert_cmpint(fixture_list(f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 500 }), ==, 0);
                atomic_store(&told->n_seen, (unsigned) f->n_listed);
        }
        for (unsigned i = 0; i < ERASED; i++)
                atomic_store(&told->fates[i], FATE_GONE);
        for (;;)
                (void) pause();
}

typedef struct Followed {
        Fixture *f;
        Told *told;
} Followed;

static void follow_one(void *userdata) {
        Followed *followed = userdata;

        if (atomic_load(&followed->told->n_log) < LOG_MAX)
                follow(followed->f, followed->told, 1);
        tell_committed(followed->f, followed->told, 0);
}

/* One tape after the other is taken in, each second one cut short, while one is followed. */
static void live_importing(Fixture *f, Told *told) {
        Followed followed = { f, told };

        fixture_start(f);
        fixture_begin(f, FOLLOWED);
        atomic_store(&told->ready, true);
        for (unsigned i = 0; i < ENDED_MAX; i++) {
                bool whole = i % 2 == 1;

                atomic_store(&told->fates[i], whole ? FATE_BEGUN : FATE_GOING);
                g_assert_cmpint(fixture_import(f, 2 + i, IMPORTED, whole, follow_one, &followed), ==, whole ? 0 : -EBADMSG);
                atomic_store(&told->fates[i], whole ? FATE_ENDED : FATE_GONE);
        }
        for (;;)
                (void) pause();
}

/* ---- Born and killed ---- */

static void child_born(Child *child, Life life, uint64_t collect_usec, uint64_t kill_usec) {
        child->told = mmap(NULL, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        g_assert_true(child->told != MAP_FAILED);
        child->f.collect_usec = collect_usec;
        child->kill_usec = kill_usec;
        child->pid = fork();
        g_assert_cmpint(child->pid, >=, 0);
        if (child->pid > 0)
                return;
        life(&child->f, child->told);
        _exit(1);
}

/* At its time after it was opened. */
static void child_kill(Child *child) {
        uint64_t since = now_usec();
        int status;

        while (!atomic_load(&child->told->ready)) {
                g_assert_cmpuint(now_usec() - since, <, PATIENCE_MSEC * 1000u);
                (void) usleep(200);
        }
        (void) usleep((useconds_t) child->kill_usec);
        child->killed_at_usec = now_usec();
        g_assert_cmpint(kill(child->pid, SIGKILL), ==, 0);
        g_assert_cmpint(waitpid(child->pid, &status, 0), ==, child->pid);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGKILL); /* else it had failed by itself */
}

/* ---- What is left ---- */

static void assert_integrity(const char *path) {
        g_autofree char *check = fixture_query_text(path, "PRAGMA integrity_check");

        g_assert_cmpstr(check, ==, "ok");
}

static void assert_session(Fixture *f, uint64_t id, uint64_t at_least, uint64_t at_most) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n);

        g_assert_cmpuint(n, >=, at_least);
        g_assert_cmpuint(n, <=, at_most);
        fixture_assert_frames(frames, n, id, 0);
}

/* It is being taken away, or what is left of it goes now. */
static void assert_whole_or_hidden(Fixture *f, uint64_t id, size_t n_whole) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n);

        fixture_assert_frames(frames, n, id, 0);
        if (n != n_whole)
                g_assert_cmpint(fixture_get(f, id), ==, -ENOENT);
}

static void assert_others(Child *child) {
        Fixture *f = &child->f;
        unsigned n_begun = 0;

        while (n_begun < ENDED_MAX && atomic_load(&child->told->fates[n_begun]) != FATE_NONE)
                n_begun++;
        for (unsigned i = n_begun - MIN(n_begun, LOOKED_AT); i < n_begun; i++) {
                unsigned n = child->told->n_frames[i];

                switch ((Fate) atomic_load(&child->told->fates[i])) {
                case FATE_NONE:
                        return;
                case FATE_BEGUN: /* its frames were committed before its end was asked for */
                        assert_session(f, 2 + i, 0, n);
                        break;
                case FATE_ENDED:
                        g_assert_cmpint(fixture_get(f, 2 + i), ==, 0);
                        g_assert_cmpuint(f->n_listed, ==, 1);
                        assert_session(f, 2 + i, n, n);
                        break;
                case FATE_GOING:
                        assert_whole_or_hidden(f, 2 + i, n);
                        break;
                case FATE_GONE:
                        g_assert_cmpint(fixture_get(f, 2 + i), ==, -ENOENT);
                        assert_session(f, 2 + i, 0, 0);
                        break;
                }
        }
}

/* By how much more than what is there the child had handed over when it was killed: the age of the oldest frame that is gone. */
static uint64_t lost_usec(const Child *child, uint64_t n_there) {
        const Told *told = child->told;

        for (unsigned i = 0; i < told->n_log; i++)
                if (told->log[i].n_handed > n_there)
                        return child->killed_at_usec - MIN(told->log[i].usec, child->killed_at_usec);
        return 0;
}

static int64_t count_fates(const Told *told, Fate fate) {
        int64_t n = 0;

        for (unsigned i = 0; i < ENDED_MAX; i++)
                n += atomic_load(&told->fates[i]) == fate;
        return n;
}

/* What was followed, after a start: how much there is of it. */
static uint64_t assert_followed(Child *child) {
        const Told *told = child->told;
        Fixture *f = &child->f;
        uint64_t n = 0;

        assert_integrity(f->path);
        f->collect_usec = 1000;
        fixture_start(f);
        g_assert_cmpuint(f->put_aside->len, ==, 0);
        g_assert_cmpint(store_state(f->store), ==, STORE_READY);
        for (size_t i = 0; i < f->n_sessions; i++) {
                if (f->sessions[i].id != FOLLOWED)
                        continue;
                n = f->sessions[i].n_frames;
                fixture_assert_frames(f->sessions[i].frames, n, FOLLOWED, 0);
        }
        g_assert_cmpuint(n, >=, atomic_load(&told->n_committed));
        g_assert_cmpuint(n, <=, atomic_load(&told->n_handed) + 64u); /* the last ones may not have been told yet */
        return n;
}

/* It goes on, and ends. */
static void assert_goes_on(Child *child, uint64_t n) {
        Fixture *f = &child->f;

        if (n > 0) {
                fixture_record(f, FOLLOWED, n, 40);
                g_assert_cmpint(fixture_end(f, FOLLOWED), ==, 0);
                fixture_stop(f);
                assert_session(f, FOLLOWED, n + 40, n + 40);
        }
        fixture_stop(f);
        assert_integrity(f->path);
}

static uint64_t assert_survived(Child *child) {
        const Told *told = child->told;
        Fixture *f = &child->f;
        uint64_t n = assert_followed(child);

        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE ended = 1"), >=, count_fates(told, FATE_ENDED));
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE ended = 1"), <=,
                        count_fates(told, FATE_ENDED) + count_fates(told, FATE_BEGUN) + count_fates(told, FATE_GOING));
        assert_others(child);
        assert_goes_on(child, n);
        return lost_usec(child, n);
}

/* All of them are to be seen, and whole, or none is, whatever was seen when it was cut off; then nothing of them is left, in any file. */
static uint64_t assert_erased(Child *child) {
        Fixture *f = &child->f;
        uint64_t n = assert_followed(child);
        unsigned n_seen = 0;

        fixture_sweep(f);
        for (unsigned i = 0; i < ERASED; i++) {
                bool seen = fixture_get(f, 2 + i) == 0;
                FixtureFrame frame;

                g_assert_false(seen && atomic_load(&child->told->fates[i]) == FATE_GONE);
                assert_session(f, 2 + i, seen ? child->told->n_frames[i] : 0, seen ? child->told->n_frames[i] : 0);
                n_seen += seen;
                fixture_make_frame(&frame, 2 + i, child->told->n_frames[i] / 2);
                g_assert_false(!seen && fixture_any_file_has(f, frame.data, 16));
        }
        g_assert_true(n_seen == 0 || n_seen == ERASED);
        g_assert_cmpuint(n_seen, <=, atomic_load(&child->told->n_seen));
        assert_goes_on(child, n);
        return lost_usec(child, n);
}

/* Whole, or nothing of it. */
static uint64_t assert_imported(Child *child) {
        Fixture *f = &child->f;
        uint64_t n = assert_followed(child);

        fixture_sweep(f);
        for (unsigned i = 0; i < ENDED_MAX; i++) {
                switch ((Fate) atomic_load(&child->told->fates[i])) {
                case FATE_NONE:
                        i = ENDED_MAX;
                        break;
                case FATE_BEGUN:
                        fixture_assert_imported(f, 2 + i, fixture_get(f, 2 + i) == 0 ? IMPORTED : 0);
                        break;
                case FATE_ENDED:
                        fixture_assert_imported(f, 2 + i, IMPORTED);
                        break;
                case FATE_GOING:
                case FATE_GONE:
                        fixture_assert_imported(f, 2 + i, 0);
                        break;
                }
        }
        assert_goes_on(child, n);
        return lost_usec(child, n);
}

/* A database of that version; of the newest one, none: false. */
static bool put_old(Fixture *f, int version) {
        g_autofree char *name = g_strdup_printf("v%d.db", version + 1);
        g_autofree char *from = g_test_build_filename(G_TEST_DIST, "data", "databases", name, NULL), *bytes = NULL;
        gsize size;

        if (version + 1 == SCHEMA_VERSION)
                return false;
        g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
        g_assert_true(g_file_set_contents(f->path, bytes, (gssize) size, NULL));
        return true;
}

/* A migration that was cut off, or the making of a database, is made again by the next start, and nothing is lost by it. */
static uint64_t assert_led_on(Child *child) {
        Fixture *f = &child->f;

        fixture_start(f);
        g_assert_cmpuint(f->put_aside->len, ==, 0);
        g_assert_cmpint(fixture_query(f->path, "PRAGMA user_version"), ==, SCHEMA_VERSION);
        g_assert_cmpuint(f->n_sessions, ==, child->old);
        if (child->old) {
                assert_session(f, 1, 80, 80);
                assert_session(f, 2, 10, 10);
                assert_session(f, 3, 40, 40);
        }
        fixture_stop(f);
        assert_integrity(f->path);
        return 0;
}

static int by_time(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

/* That many children live and are killed, one up to `max_usec` after the other; returns how much was lost each time, sorted. */
static uint64_t *kill_all(unsigned rounds, Life life, Look look, uint64_t collect_usec, int32_t max_usec) {
        uint64_t *lost = g_new0(uint64_t, rounds);

        for (unsigned round = 0; round < rounds; round += CHILDREN) {
                Child children[CHILDREN] = {};
                unsigned n = MIN(CHILDREN, rounds - round);

                for (unsigned i = 0; i < n; i++) { /* before this process has threads */
                        fixture_init(&children[i].f);
                        if (life == live_shortly)
                                children[i].old = put_old(&children[i].f, round / CHILDREN % SCHEMA_VERSION);
                        child_born(&children[i], life, collect_usec, (uint64_t) g_test_rand_int_range(0, max_usec));
                }
                for (unsigned i = 0; i < n; i++)
                        child_kill(&children[i]);
                for (unsigned i = 0; i < n; i++) {
                        lost[round + i] = look(&children[i]);
                        fixture_done(&children[i].f);
                        (void) munmap(children[i].told, sizeof(Told));
                }
        }
        qsort(lost, rounds, sizeof *lost, by_time);
        return lost;
}

/* ---- Cases ---- */

static void test_while_following(void) {
        const unsigned rounds = FIXTURE_SANITIZED ? 16 : 200;
        g_autofree uint64_t *lost = kill_all(rounds, live_following, assert_survived, 0, 60000);

        g_test_message("oldest frame that was lost, ms: median %.1f, 9 of 10 %.1f, worst %.1f", (double) lost[rounds / 2] / 1e3,
                       (double) lost[rounds * 9 / 10] / 1e3, (double) lost[rounds - 1] / 1e3);
        g_assert_cmpuint(lost[rounds / 2], <=, STORE_COLLECT_USEC);
}

static void test_while_sessions_end_and_go(void) {
        g_free(kill_all(FIXTURE_SANITIZED ? 16 : 304, live_busily, assert_survived, 1000, 5000));
}

static void test_while_it_opens_and_closes(void) {
        g_free(kill_all(FIXTURE_SANITIZED ? 40 : 504, live_shortly, assert_led_on, 1000, 8000));
}

static void test_while_all_is_erased(void) {
        g_free(kill_all(FIXTURE_SANITIZED ? 16 : 48, live_erasing, assert_erased, 1000, 12000));
}

static void test_while_tapes_are_taken_in(void) {
        g_free(kill_all(FIXTURE_SANITIZED ? 16 : 40, live_importing, assert_imported, 1000, 20000));
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        power_vfs_install(); /* syncs nothing: what a killed process has written the kernel has */
        g_test_add_func("/store-killed/while-following", test_while_following);
        g_test_add_func("/store-killed/while-sessions-end-and-go", test_while_sessions_end_and_go);
        g_test_add_func("/store-killed/while-it-opens-and-closes", test_while_it_opens_and_closes);
        g_test_add_func("/store-killed/while-all-is-erased", test_while_all_is_erased);
        g_test_add_func("/store-killed/while-tapes-are-taken-in", test_while_tapes_are_taken_in);
        return g_test_run();
}
