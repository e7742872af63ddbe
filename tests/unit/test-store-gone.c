/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store-fixture.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

/* ---- Discarding ---- */

static void test_discarding_leaves_no_trace(void) {
        static const char *const tables[] = { "session", "chunk", "tail", "gap", "event" };
        const StoreEvent event = { .code = 1 };
        const StoreGap gap = { .lost = 1 };
        FixtureFrame early, late, other;
        struct stat before, after;
        Fixture f;

        fixture_make_frame(&early, 1, 100);
        fixture_make_frame(&late, 1, 8100);
        fixture_make_frame(&other, 2, 5);
        fixture_init(&f);
        fixture_start(&f);
        fixture_begin_full(&f, 2, FIXTURE_START_REALTIME, pen, "neighbour", 1000);
        fixture_record(&f, 2, 0, 100);
        fixture_begin_full(&f, 1, FIXTURE_START_REALTIME, pen, "nobody-must-know", 1000);
        for (uint64_t i = 0; i < 8200; i += 410) {
                fixture_record(&f, 1, i, 410);
                fixture_wait(&f, fixture_has_committed, 100 + i + 410);
        }
        store_session_event(f.store, 1, &event);
        store_session_gap(f.store, 1, &gap);
        g_assert_true(fixture_any_file_has(&f, early.data, 16));
        g_assert_true(fixture_any_file_has(&f, late.data, 16));
        g_assert_true(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_false(fixture_any_file_has(&f, early.data, 16));
        g_assert_false(fixture_any_file_has(&f, late.data, 16));
        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_true(fixture_any_file_has(&f, other.data, 16));
        g_assert_true(fixture_any_file_has(&f, "neighbour", 9));
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s WHERE %s = 1", tables[i],
                                                       i == 0 ? "id" : "session");

                g_assert_cmpint(fixture_query(f.path, sql), ==, 0);
        }
        g_assert_cmpint(fixture_discard(&f, 1), ==, -ENOENT);
        /* an ended one goes the same way, and the room is given back */
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(g_stat(f.path, &before), ==, 0);
        g_assert_cmpint(fixture_discard(&f, 2), ==, 0);
        g_assert_false(fixture_any_file_has(&f, other.data, 16));
        g_assert_cmpint(g_stat(f.path, &after), ==, 0);
        g_assert_cmpint(after.st_size, <, before.st_size);
        fixture_done(&f);
}

static void test_discarded_before_it_was_written(void) {
        FixtureFrame frame;
        Fixture f;

        fixture_make_frame(&frame, 1, 5);
        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 20);
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 0);
        fixture_done(&f);
}

/* ---- kill -9 ---- */

/* Records, and tells how many frames were committed so far, until it is killed. */
static void record_until_killed(const char *path, int fd) {
        Fixture f;
        uint64_t i = 0;

        fixture_init(&f);
        (void) g_rmdir(f.dir); /* it records into its parent's */
        f.path = g_strdup(path);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_end(&f, 1);
        fixture_begin(&f, 2);
        for (;;) {
                uint64_t committed;

                fixture_record(&f, 2, i, 4);
                i += 4;
                committed = store_counters(f.store).committed;
                if (write(fd, &committed, sizeof committed) != sizeof committed)
                        _exit(1);
                (void) usleep(1000);
        }
}

static void test_kill_9(void) {
        for (unsigned round = 0; round < 8; round++) {
                uint64_t committed = 0, reported;
                FixtureFrame *frames;
                g_autofree char *check = NULL;
                size_t n;
                int fds[2], status;
                Fixture f;
                pid_t pid;

                fixture_init(&f);
                g_assert_cmpint(pipe(fds), ==, 0);
                pid = fork();
                if (pid == 0) {
                        (void) close(fds[0]);
                        record_until_killed(f.path, fds[1]);
                }
                (void) close(fds[1]);
                /* somewhere in the seconds after the first commit */
                while (committed < 300 + (unsigned) g_test_rand_int_range(0, 3000))
                        g_assert_cmpint(read(fds[0], &committed, sizeof committed), ==, sizeof committed);
                g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
                g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
                while (read(fds[0], &reported, sizeof reported) == sizeof reported)
                        committed = reported;
                (void) close(fds[0]);

                check = fixture_query_text(f.path, "PRAGMA integrity_check");
                g_assert_cmpstr(check, ==, "ok");
                frames = fixture_read_frames(f.path, 2, &n);
                g_assert_cmpuint(n, >=, committed);
                fixture_assert_frames(frames, n, 2, 0);
                g_free(frames);
                fixture_start(&f);
                g_assert_cmpuint(f.n_sessions, ==, 1);
                g_assert_cmpuint(f.sessions[0].id, ==, 2);
                g_assert_cmpuint(f.sessions[0].n_frames, ==, n);
                fixture_assert_frames(f.sessions[0].frames, n, 2, 0);
                g_assert_cmpuint(f.next_session_id, ==, 3);
                g_assert_cmpint(fixture_get(&f, 1), ==, 0); /* nothing of a finished session */
                fixture_record(&f, 2, n, 1000);
                g_assert_cmpint(fixture_end(&f, 2), ==, 0);
                fixture_stop(&f);
                frames = fixture_read_frames(f.path, 2, &n);
                fixture_assert_frames(frames, n, 2, 0);
                g_free(frames);
                fixture_done(&f);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store/kill-9", test_kill_9); /* forks, before there are threads */
        g_test_add_func("/store/discarding-leaves-no-trace", test_discarding_leaves_no_trace);
        g_test_add_func("/store/discarded-before-it-was-written", test_discarded_before_it_was_written);
        return g_test_run();
}
