/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The computer's sleep, as logind tells of it, and the moment before it. */

#include "autoptr.h"
#include "fake-bus.h"
#include "sleep.h"

#define LOGIND ":1.5"

typedef struct Night {
        sd_event *event;
        FakeBus *fb;
        sd_bus *bus;
        Sleep *sleep;
        GString *heard;         /* "+" asleep, "-" awake */
} Night;

static void on_sleep(bool asleep, void *userdata) {
        Night *n = userdata;

        g_string_append_c(n->heard, asleep ? '+' : '-');
}

static void night_new(Night *n, const char *logind) {
        *n = (Night) { .heard = g_string_new(NULL) };
        g_assert_cmpint(sd_event_new(&n->event), >=, 0);
        n->fb = fake_bus_new(n->event);
        n->fb->logind = g_strdup(logind);
        g_assert_cmpint(sd_bus_open_system(&n->bus), >=, 0);
        g_assert_cmpint(sd_bus_attach_event(n->bus, n->event, 0), >=, 0);
        g_assert_cmpint(sleep_new(n->bus, n->event, on_sleep, n, &n->sleep), ==, 0);
        fake_bus_until(n->fb, fake_bus_has_match(n->fb, "PrepareForSleep"));
        fake_bus_settle(n->fb);
}

static void night_free(Night *n) {
        n->sleep = sleep_free(n->sleep);
        sd_bus_close_unref(n->bus);
        fake_bus_free(n->fb);
        g_string_free(n->heard, TRUE);
        sd_event_unref(n->event);
}

static void prepare(Night *n, bool asleep) {
        fake_bus_prepare_for_sleep(n->fb, LOGIND, asleep);
}

static void test_the_computer_waits_until_all_is_safe(void) {
        Night n;

        night_new(&n, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        g_assert_cmpstr(n.fb->inhibit_text, ==, "sleep needled delay");
        sleep_ready(n.sleep); /* it is awake */
        g_assert_true(fake_bus_is_delayed(n.fb));

        for (unsigned i = 1; i <= 3; i++) {
                prepare(&n, true);
                g_assert_cmpuint(n.heard->len, ==, 2 * i - 1);
                g_assert_true(fake_bus_is_delayed(n.fb));
                sleep_ready(n.sleep);
                sleep_ready(n.sleep);
                g_assert_false(fake_bus_is_delayed(n.fb));

                prepare(&n, false);
                fake_bus_until(n.fb, n.fb->n_inhibits == i + 1 && fake_bus_is_delayed(n.fb));
        }
        g_assert_cmpstr(n.heard->str, ==, "+-+-+-");
        night_free(&n);
}

/* "at the latest after 4 s": what does not come must not drain a battery in somebody's bag. */
static void test_the_computer_does_not_wait_for_ever(void) {
        Night n;

        night_new(&n, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        prepare(&n, true);
        fake_bus_until(n.fb, !fake_bus_is_delayed(n.fb));
        g_assert_cmpstr(n.heard->str, ==, "+");
        prepare(&n, false);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        night_free(&n);
}

static void test_without_a_delay(void) {
        Night n;

        night_new(&n, NULL);
        n.fb->refuse_delays = true;
        fake_bus_logind(n.fb, LOGIND);
        fake_bus_until(n.fb, n.fb->n_inhibits == 1);
        prepare(&n, true);
        sleep_ready(n.sleep);
        prepare(&n, false);
        g_assert_cmpstr(n.heard->str, ==, "+-");
        fake_bus_until(n.fb, n.fb->n_inhibits == 2); /* it may be granted now */
        night_free(&n);
}

static void test_odd_orders(void) {
        Night n;

        night_new(&n, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        prepare(&n, false); /* started in between */
        g_assert_cmpstr(n.heard->str, ==, "");
        g_assert_cmpuint(n.fb->n_inhibits, ==, 1);
        prepare(&n, true);
        prepare(&n, true);
        g_assert_cmpstr(n.heard->str, ==, "+");
        prepare(&n, false); /* given up before anything was safe */
        g_assert_cmpstr(n.heard->str, ==, "+-");
        fake_bus_until(n.fb, n.fb->n_inhibits == 2 && fake_bus_is_delayed(n.fb));
        night_free(&n);
}

/* The answer comes when the computer is on its way: it must not wait for who does not know of it. */
static void test_a_late_delay_is_none(void) {
        Night n;

        night_new(&n, NULL);
        n.fb->hold_delays = true;
        fake_bus_logind(n.fb, LOGIND);
        fake_bus_until(n.fb, n.fb->inhibit);
        prepare(&n, true);
        fake_bus_grant_delay(n.fb);
        fake_bus_until(n.fb, !fake_bus_is_delayed(n.fb));
        g_assert_cmpstr(n.heard->str, ==, "+");
        night_free(&n);
}

static void test_logind_comes_goes_and_restarts(void) {
        Night n;

        night_new(&n, NULL);
        g_assert_cmpuint(n.fb->n_inhibits, ==, 0);
        prepare(&n, true); /* from who was logind once */
        g_assert_cmpstr(n.heard->str, ==, "");
        fake_bus_logind(n.fb, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        fake_bus_logind(n.fb, NULL);
        fake_bus_until(n.fb, !fake_bus_is_delayed(n.fb));

        fake_bus_logind(n.fb, LOGIND);
        prepare(&n, true);
        fake_bus_logind(n.fb, ":1.6"); /* which does not know that it was to wake us */
        g_assert_cmpstr(n.heard->str, ==, "+-");
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        prepare(&n, true); /* the old one */
        g_assert_cmpstr(n.heard->str, ==, "+-");
        night_free(&n);
}

static void test_forged_signals_change_nothing(void) {
        Night n;

        night_new(&n, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        fake_bus_prepare_for_sleep(n.fb, ":1.66", true);
        g_assert_cmpstr(n.heard->str, ==, "");
        fake_bus_leave(n.fb, "org.freedesktop.login1", ":1.66");
        fake_bus_leave(n.fb, "org.freedesktop.resolve1", "org.freedesktop.DBus");
        g_assert_true(fake_bus_is_delayed(n.fb));
        prepare(&n, true);
        fake_bus_prepare_for_sleep(n.fb, ":1.66", false);
        g_assert_cmpstr(n.heard->str, ==, "+");
        g_assert_true(fake_bus_is_delayed(n.fb));
        night_free(&n);
}

static void test_freed_at_any_time(void) {
        Night n;

        night_new(&n, NULL);
        n.fb->hold_delays = true;
        fake_bus_logind(n.fb, LOGIND);
        fake_bus_until(n.fb, n.fb->inhibit);
        night_free(&n); /* Inhibit under way */

        night_new(&n, LOGIND);
        fake_bus_until(n.fb, fake_bus_is_delayed(n.fb));
        prepare(&n, true);
        n.sleep = sleep_free(n.sleep);
        fake_bus_until(n.fb, !fake_bus_is_delayed(n.fb));
        night_free(&n);
        g_assert_null(sleep_free(NULL));
        sleep_ready(NULL);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/sleep/the-computer-waits-until-all-is-safe", test_the_computer_waits_until_all_is_safe);
        g_test_add_func("/sleep/the-computer-does-not-wait-for-ever", test_the_computer_does_not_wait_for_ever);
        g_test_add_func("/sleep/without-a-delay", test_without_a_delay);
        g_test_add_func("/sleep/odd-orders", test_odd_orders);
        g_test_add_func("/sleep/a-late-delay-is-none", test_a_late_delay_is_none);
        g_test_add_func("/sleep/logind-comes-goes-and-restarts", test_logind_comes_goes_and_restarts);
        g_test_add_func("/sleep/forged-signals-change-nothing", test_forged_signals_change_nothing);
        g_test_add_func("/sleep/freed-at-any-time", test_freed_at_any_time);
        return g_test_run();
}
