/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "export-fixture.h"
#include "store/intake.h"

/* To close the end of a pipe can take as long as who has the other end likes. Nobody may wait for that with the mutex, which the loop waits
 * for with each frame. */

#define TAPE "needled-tape 1\nprofile omp1\nclock 2023-11-14T22:13:20.000000Z\n0.5 < live 01 02\n2.0 = user\n"
#define PATIENCE_SEC 20                 /* more than anybody ever has the mutex */

static atomic_int watched = -1;         /* what is to be closed … */
static pthread_mutex_t *free_then;      /* … while nobody has this */
static atomic_bool was_free, is_known;

int close(int fd) {
        int expected = fd;

        if (fd >= 0 && atomic_compare_exchange_strong(&watched, &expected, -1)) {
                gint64 give_up_usec = g_get_monotonic_time() + PATIENCE_SEC * G_USEC_PER_SEC;
                int rc;

                /* Not pthread_mutex_clocklock(), which ThreadSanitizer of clang 14 does not know. */
                while ((rc = pthread_mutex_trylock(free_then)) != 0 && g_get_monotonic_time() < give_up_usec)
                        g_usleep(1000);
                if (rc == 0) {
                        atomic_store(&was_free, true);
                        (void) pthread_mutex_unlock(free_then);
                }
                atomic_store(&is_known, true);
        }
        return (int) syscall(SYS_close, fd);
}

static void watch_fd(Fixture *f, int fd) {
        free_then = &f->store->mutex;
        atomic_store(&was_free, false);
        atomic_store(&is_known, false);
        atomic_store(&watched, fd);
}

static bool is_closed(Fixture *f, uint64_t value) {
        return atomic_load(&is_known);
}

static void assert_closed_free(Fixture *f) {
        fixture_wait(f, is_closed, 0);
        g_assert_true(atomic_load(&was_free));
}

static void on_counted(int error, uint64_t n_rows, void *userdata) {
}

static void on_ended(int error, void *userdata) {
}

static void on_imported(int error, const char *message, uint64_t id, void *userdata) {
}

static void begin_export(Fixture *f, int *ret_fd, uint64_t id) {
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
        *ret_fd = fds[0];
        watch_fd(f, fds[1]);
        store_export(f->store, &(StoreExport) { .id = id, .head = &head, .to_usec = UINT64_MAX, .fd = fds[1] }, on_counted, on_ended, NULL);
}

static void begin_import(Fixture *f, int *ret_fd, uint64_t id) {
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC), ==, 0);
        *ret_fd = fds[1];
        watch_fd(f, fds[0]);
        store_import(f->store, &(StoreImport) { .session = { .id = id, .uuid = (char *) "", .source = (char *) "imported" }, .fd = fds[0] },
                     on_imported, NULL);
}

static void test_of_an_export(void) {
        Fixture f;
        int fd;

        make_session(&f, 10);
        begin_export(&f, &fd, 1);
        assert_closed_free(&f);
        (void) close(fd);
        begin_export(&f, &fd, 99);      /* there is no such session */
        assert_closed_free(&f);
        (void) close(fd);
        begin_export(&f, &fd, 1);
        (void) close(fd);               /* nobody reads */
        assert_closed_free(&f);
        fixture_stop(&f);
        fixture_done(&f);
}

static void test_of_an_import(void) {
        Fixture f;
        int fd;

        make_session(&f, 10);
        begin_import(&f, &fd, 7);
        g_assert_cmpint(write(fd, TAPE, strlen(TAPE)), ==, strlen(TAPE));
        (void) close(fd);
        assert_closed_free(&f);
        begin_import(&f, &fd, 8);
        g_assert_cmpint(write(fd, "{}\n", 3), ==, 3);
        assert_closed_free(&f);
        (void) close(fd);
        f.store->export_usec = 1000;    /* nothing comes */
        begin_import(&f, &fd, 9);
        assert_closed_free(&f);
        (void) close(fd);
        fixture_stop(&f);
        fixture_done(&f);
}

/* Who is refused, on the caller's thread; and all, at the end. */
static void test_of_what_is_too_much(void) {
        int fds[INTAKES_MAX], fd;
        Fixture f;

        make_session(&f, 10);
        for (unsigned i = 0; i < INTAKES_MAX; i++)
                begin_import(&f, &fds[i], 7 + i);
        begin_import(&f, &fd, 20);
        assert_closed_free(&f);
        (void) close(fd);
        watch_fd(&f, -1);
        for (unsigned i = 0; i < INTAKES_MAX; i++)
                (void) close(fds[i]);
        fixture_stop(&f);
        fixture_done(&f);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-close/of-an-export", test_of_an_export);
        g_test_add_func("/store-close/of-an-import", test_of_an_import);
        g_test_add_func("/store-close/of-what-is-too-much", test_of_what_is_too_much);
        return g_test_run();
}
