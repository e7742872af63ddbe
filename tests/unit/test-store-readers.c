/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store-fixture.h"
#include "store/shared.h"

/* Another program reads the database, through a connection of its own, while it is recorded and checkpointed. */

#define WAL_MAX (16 * 1024 * 1024)
#define WAL_USUAL (5 * 1024 * 1024)   /* a checkpoint is made at 4 MiB, and the file is cut to that */

typedef struct Program {
        pid_t pid;
        int ask, answer;        /* pipes */
} Program;

/* On 'b' it begins to read and holds that state of the database, on 'e' it ends. */
static void read_as_told(const char *path, int ask, int answer) {
        sqlite3 *db = NULL;
        char word;

        while (read(ask, &word, 1) == 1) {
                bool good;

                if (!db && sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
                        _exit(1);
                good = sqlite3_exec(db, word == 'b' ? "BEGIN; SELECT count(*) FROM chunk" : "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
                if (!good || write(answer, &word, 1) != 1)
                        _exit(1);
        }
        _exit(0);
}

/* Before this process has threads. */
static void program_start(Program *p, const char *path) {
        int ask[2], answer[2];

        g_assert_cmpint(pipe(ask), ==, 0);
        g_assert_cmpint(pipe(answer), ==, 0);
        p->pid = fork();
        g_assert_cmpint(p->pid, >=, 0);
        if (p->pid == 0) {
                (void) close(ask[1]);
                read_as_told(path, ask[0], answer[1]);
        }
        (void) close(ask[0]);
        (void) close(answer[1]);
        p->ask = ask[1];
        p->answer = answer[0];
}

static void tell(Program *p, char word) {
        char answer;

        g_assert_cmpint(write(p->ask, &word, 1), ==, 1);
        g_assert_cmpint(read(p->answer, &answer, 1), ==, 1);
        g_assert_cmpint(answer, ==, word);
}

static void program_stop(Program *p) {
        int status;

        (void) close(p->ask);
        (void) close(p->answer);
        g_assert_cmpint(waitpid(p->pid, &status, 0), ==, p->pid);
        g_assert_cmpint(status, ==, 0);
}

static int64_t wal_size(Fixture *f) {
        g_autofree char *wal = g_strconcat(f->path, "-wal", NULL);
        struct stat st;

        return g_stat(wal, &st) == 0 ? st.st_size : 0;
}

/* Many commits, and the store's own reader in between. Returns how large the log became. */
static int64_t record(Fixture *f, uint64_t *n, unsigned commits) {
        int64_t largest = 0;

        for (unsigned i = 0; i < commits; i++) {
                fixture_record(f, 1, *n, 400);
                *n += 400;
                fixture_wait(f, fixture_has_committed, *n);
                g_assert_cmpint(fixture_list(f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 5 }), ==, 0);
                largest = MAX(largest, wal_size(f));
        }
        return largest;
}

static void start(Fixture *f, Program *p) {
        fixture_init(f);
        program_start(p, f->path);
        f->collect_usec = 1000;
        fixture_start(f);
        fixture_begin(f, 1);
}

static void finish(Fixture *f, uint64_t n) {
        g_autofree FixtureFrame *frames = NULL;
        size_t n_frames;

        g_assert_cmpuint(store_counters(f->store).dropped, ==, 0);
        g_assert_cmpint(fixture_end(f, 1), ==, 0);
        frames = fixture_read_frames(f->path, 1, &n_frames);
        g_assert_cmpuint(n_frames, ==, n);
        fixture_assert_frames(frames, n_frames, 1, 0);
        fixture_done(f);
}

/* One that begins and ends, as programs do: the log is used again. */
static void test_reading_in_turns(void) {
        int64_t largest = 0;
        uint64_t n = 0;
        Program p;
        Fixture f;

        start(&f, &p);
        for (unsigned i = 0; i < 20; i++) {
                tell(&p, 'b');
                largest = MAX(largest, record(&f, &n, 10));
                tell(&p, 'e');
                largest = MAX(largest, record(&f, &n, 2));
        }
        g_test_message("the log had up to %" G_GINT64_FORMAT " octets", largest);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpint(largest, <, WAL_MAX);
        program_stop(&p);
        finish(&f, n);
}

/* One that never ends: recording goes on, and when it has ended the log is cut to its usual size. */
static void test_reading_for_ever(void) {
        int64_t held, after;
        uint64_t n = 0;
        Program p;
        Fixture f;

        start(&f, &p);
        (void) record(&f, &n, 150);
        tell(&p, 'b');
        held = record(&f, &n, 300);
        tell(&p, 'e');
        (void) record(&f, &n, 150);
        after = wal_size(&f);
        g_test_message("the log had %" G_GINT64_FORMAT " octets while somebody read, and %" G_GINT64_FORMAT " afterwards; states: %s", held, after,
                       f.states->str);
        g_assert_cmpint(after, <=, WAL_USUAL);
        program_stop(&p);
        finish(&f, n);
}

/* Told of while it lasts, with what to do; nothing is refused meanwhile, and it is over by itself, though nothing is written any more. */
static void test_a_log_that_grows(void) {
        uint64_t n = 0;
        Program p;
        Fixture f;

        start(&f, &p);
        shared_lock(f.store);
        f.store->log_pages_max = 1500;
        f.store->retry_idle_usec = 20000;
        shared_unlock(f.store);
        (void) record(&f, &n, 10);
        tell(&p, 'b');
        for (unsigned i = 0; i < 1000 && store_state(f.store) == STORE_READY; i++)
                (void) record(&f, &n, 1);
        g_assert_cmpint(store_state(f.store), ==, STORE_DEGRADED);
        g_assert_nonnull(strstr(store_reason(f.store), "Another program keeps reading the database"));
        g_assert_nonnull(strstr(store_reason(f.store), "fuser"));
        g_assert_cmpint(wal_size(&f), >, 1500 * 4096);
        (void) record(&f, &n, 20);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 10);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpstr(f.states->str, ==, "ready degraded "); /* once, and until … */
        tell(&p, 'e');
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpstr(store_reason(f.store), ==, "");
        (void) record(&f, &n, 5);
        g_assert_cmpint(wal_size(&f), <=, WAL_USUAL);
        g_assert_cmpstr(f.states->str, ==, "ready degraded ready ");
        program_stop(&p);
        finish(&f, n);
}

/* ---- A check among queries ---- */

#define MANY 20000u

static void on_got(int error, const StoreSession *sessions, size_t n, void *userdata) {
        ++*(unsigned *) userdata;
}

/* Somebody asks all the time; a check of a small database ends all the same. */
static void test_a_check_ends_among_queries(void) {
        bool asked = true, ended = false;
        unsigned n_answered = 0;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 2000);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        for (unsigned i = 0; i < MANY; i++)
                store_get(f.store, 1, on_got, &n_answered);
        shared_lock(f.store);
        f.store->slice_usec = 100;
        f.store->check_wanted++;
        shared_unlock(f.store);
        while (asked && !ended) {
                shared_lock(f.store);
                asked = !TAILQ_EMPTY(&f.store->requests);
                ended = f.store->check_done == f.store->check_wanted;
                shared_unlock(f.store);
                store_dispatch(f.store);
        }
        g_assert_true(asked && ended);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        fixture_done(&f);
}

/* ---- A database that does not come ---- */

/* As it is when it is opened from a disk that hangs, or when the writer has it and does not get on. */
static void test_a_query_that_cannot_begin(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(pthread_mutex_lock(&f.store->gate), ==, 0);
        shared_lock(f.store);
        f.store->read_usec = 1000;
        shared_unlock(f.store);
        g_assert_cmpint(fixture_get(&f, 1), ==, -EIO);
        g_assert_cmpint(fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 10 }), ==, -EIO);
        g_assert_cmpint(pthread_mutex_unlock(&f.store->gate), ==, 0);
        shared_lock(f.store);
        f.store->read_usec = STORE_READ_USEC;
        shared_unlock(f.store);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 1);
        fixture_done(&f);
}

/* Whose sessions it would go on with, while they are recorded. */
static void test_a_second_writer(void) {
        Fixture f, second;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 20);
        fixture_init(&second);
        g_free(second.path);
        second.path = g_strdup(f.path);
        fixture_start(&second);
        g_assert_cmpstr(second.states->str, ==, "unavailable ");
        g_assert_nonnull(strstr(second.reasons->str, "Another needled uses the database"));
        g_assert_cmpuint(second.n_sessions, ==, 0);
        fixture_stop(&second);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        fixture_stop(&f);
        fixture_start(&second); /* now it is free */
        g_assert_cmpint(fixture_get(&second, 1), ==, 0);
        g_assert_cmpuint(second.n_listed, ==, 1);
        fixture_stop(&second);
        fixture_done(&second);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-readers/reading-in-turns", test_reading_in_turns);
        g_test_add_func("/store-readers/reading-for-ever", test_reading_for_ever);
        g_test_add_func("/store-readers/a-log-that-grows", test_a_log_that_grows);
        g_test_add_func("/store-readers/a-check-ends-among-queries", test_a_check_ends_among_queries);
        g_test_add_func("/store-readers/a-query-that-cannot-begin", test_a_query_that_cannot_begin);
        g_test_add_func("/store-readers/a-second-writer", test_a_second_writer);
        return g_test_run();
}
