/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "watchdog.h"

#define SEC UINT64_C(1000000)
#define HUNG (120 * SEC)

static void test_who_works_and_steps_does_not_stand(void) {
        WatchdogThread thread = { 0 };

        for (unsigned i = 0; i < 100; i++)
                g_assert_false(watchdog_stands(&thread, true, i, SEC + i * 20 * SEC, HUNG));
}

static void test_who_has_no_work_does_not_stand(void) {
        WatchdogThread thread = { 0 };

        for (unsigned i = 0; i < 100; i++)
                g_assert_false(watchdog_stands(&thread, false, 7, SEC + i * 20 * SEC, HUNG));
        g_assert_false(watchdog_stands(&thread, true, 7, 5000 * SEC, HUNG)); /* its time begins with the work */
        g_assert_false(watchdog_stands(&thread, true, 7, 5119 * SEC, HUNG));
        g_assert_true(watchdog_stands(&thread, true, 7, 5120 * SEC, HUNG));
}

static void test_a_stall_of_less_than_two_minutes_is_survived(void) {
        WatchdogThread thread = { 0 };

        g_assert_false(watchdog_stands(&thread, true, 1, 10 * SEC, HUNG));
        g_assert_false(watchdog_stands(&thread, true, 1, 129 * SEC, HUNG));
        g_assert_false(watchdog_stands(&thread, true, 2, 140 * SEC, HUNG));
        g_assert_false(watchdog_stands(&thread, true, 2, 259 * SEC, HUNG));
        g_assert_true(watchdog_stands(&thread, true, 2, 260 * SEC, HUNG));
        g_assert_true(watchdog_stands(&thread, true, 2, 290 * SEC, HUNG));
        g_assert_false(watchdog_stands(&thread, true, 3, 300 * SEC, HUNG)); /* it was not stopped in time, and goes on */
}

static void test_nobody_waits(void) {
        Watchdog *watchdog;
        sd_event *event;

        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(watchdog_new(event, 0, HUNG, &watchdog), ==, 0);
        g_assert_null(watchdog);
        watchdog_watch(watchdog, NULL);
        g_assert_null(watchdog_free(watchdog));
        sd_event_unref(event);
}

/* ---- With a socket for systemd's, and a store whose steps the test makes ---- */

static StorePace pace;

StorePace store_pace(Store *store) {
        return pace;
}

static void turn(sd_event *event, int fd, unsigned n_fed) {
        char text[64];

        g_assert_cmpint(sd_event_run(event, 60 * SEC), >, 0);
        for (unsigned i = 0; i < n_fed; i++) {
                ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

                g_assert_cmpint(n, >, 0);
                text[n] = '\0';
                g_assert_cmpstr(text, ==, "WATCHDOG=1");
        }
        g_assert_cmpint(recv(fd, text, sizeof(text), MSG_DONTWAIT), ==, -1);
}

static void test_fed_until_the_store_stands(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        g_autofree char *dir = g_dir_make_tmp("needled-watchdog-XXXXXX", NULL);
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        Watchdog *watchdog;
        sd_event *event;

        (void) g_snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", dir);
        g_assert_cmpint(bind(fd, (struct sockaddr *) &address, sizeof(address)), ==, 0);
        g_assert_true(g_setenv("NOTIFY_SOCKET", address.sun_path, TRUE));
        g_assert_cmpint(sd_event_new(&event), >=, 0);
        g_assert_cmpint(watchdog_new(event, 1000, 1, &watchdog), ==, 0);
        watchdog_watch(watchdog, (Store *) &pace);

        turn(event, fd, 1);
        pace.writer_works = true;
        turn(event, fd, 1);             /* seen to work */
        turn(event, fd, 0);             /* and not to step */
        turn(event, fd, 0);
        pace.writer_steps++;
        turn(event, fd, 1);
        pace = (StorePace) { .reader_works = true };
        turn(event, fd, 1);
        turn(event, fd, 0);
        watchdog_watch(watchdog, NULL); /* it is closing: the loop alone counts */
        turn(event, fd, 1);

        (void) watchdog_free(watchdog);
        sd_event_unref(event);
        (void) close(fd);
        (void) unlink(address.sun_path);
        (void) rmdir(dir);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/watchdog/who-works-and-steps-does-not-stand", test_who_works_and_steps_does_not_stand);
        g_test_add_func("/watchdog/who-has-no-work-does-not-stand", test_who_has_no_work_does_not_stand);
        g_test_add_func("/watchdog/a-stall-of-less-than-two-minutes-is-survived", test_a_stall_of_less_than_two_minutes_is_survived);
        g_test_add_func("/watchdog/nobody-waits", test_nobody_waits);
        g_test_add_func("/watchdog/fed-until-the-store-stands", test_fed_until_the_store_stands);
        return g_test_run();
}
