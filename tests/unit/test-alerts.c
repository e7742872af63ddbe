/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/alerts.h"

#define SEC UINT64_C(1000000)

static const Alert *over(Alerts *a, AlertLevel level, int32_t value, uint64_t sec) {
        return alerts_raise(a, ALERT_OVERPRESSURE, level, value, sec * SEC);
}

static const Alert *over_gone(Alerts *a, uint64_t sec) {
        return alerts_clear(a, ALERT_OVERPRESSURE, sec * SEC);
}

/* "Raised and cleared once". */
static void test_raised_once_and_cleared_once(void) {
        Alerts a;
        const Alert *alert;

        alerts_init(&a);
        g_assert_cmpuint(alerts_count(&a), ==, 0);
        g_assert_false(alerts_stands(&a, ALERT_OVERPRESSURE));
        g_assert_null(over_gone(&a, 1));

        alert = over(&a, ALERT_WARNING, 3100, 10);
        g_assert_nonnull(alert);
        g_assert_cmpint(alert->code, ==, ALERT_OVERPRESSURE);
        g_assert_cmpint(alert->level, ==, ALERT_WARNING);
        g_assert_cmpuint(alert->raised_usec, ==, 10 * SEC);
        g_assert_cmpuint(alert->cleared_usec, ==, 0);
        g_assert_true(alerts_stands(&a, ALERT_OVERPRESSURE));
        g_assert_false(alerts_stands(&a, ALERT_DEPTH));
        g_assert_null(over(&a, ALERT_WARNING, 3200, 11));
        g_assert_null(over(&a, ALERT_WARNING, 3200, 99)); /* its interval is over, but it stands */

        alert = over_gone(&a, 100);
        g_assert_nonnull(alert);
        g_assert_cmpuint(alert->cleared_usec, ==, 100 * SEC);
        g_assert_false(alerts_stands(&a, ALERT_OVERPRESSURE));
        g_assert_null(over_gone(&a, 101));
        g_assert_cmpuint(alerts_count(&a), ==, 1);
        g_assert_true(alerts_get(&a, 0) == alert);
}

static void test_the_worst_value_stays(void) {
        Alerts a;

        alerts_init(&a);
        (void) over(&a, ALERT_WARNING, 3100, 0);
        (void) over(&a, ALERT_WARNING, 4100, 1);
        (void) over(&a, ALERT_WARNING, 3500, 2);
        g_assert_cmpint(alerts_get(&a, 0)->value, ==, 4100);

        (void) alerts_raise(&a, ALERT_BATTERY_LOW, ALERT_NOTICE, ALERT_VALUE_NONE, 0);
        (void) alerts_raise(&a, ALERT_BATTERY_LOW, ALERT_NOTICE, 20, 1);
        (void) alerts_raise(&a, ALERT_BATTERY_LOW, ALERT_NOTICE, 12, 2);
        (void) alerts_raise(&a, ALERT_BATTERY_LOW, ALERT_NOTICE, 13, 3);
        (void) alerts_raise(&a, ALERT_BATTERY_LOW, ALERT_NOTICE, ALERT_VALUE_NONE, 4);
        g_assert_cmpint(alerts_get(&a, 1)->value, ==, 12);

        for (int code = 0; code < _ALERT_CODE_MAX; code++) {
                alerts_init(&a);
                (void) alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 7, 0);
                (void) alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 8, 1);
                (void) alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 6, 2);
                g_assert_cmpint(alerts_get(&a, 0)->value, ==, code == ALERT_BATTERY_LOW ? 6 : 8);
        }
}

/* 30 s of overpressure, 60 s of everything else: from one to the next. */
static void test_not_again_within_the_interval(void) {
        Alerts a;

        alerts_init(&a);
        g_assert_nonnull(over(&a, ALERT_WARNING, 3100, 10));
        g_assert_nonnull(over_gone(&a, 12));
        g_assert_null(over(&a, ALERT_WARNING, 3100, 13));
        g_assert_null(over(&a, ALERT_WARNING, 3100, 39));
        g_assert_false(alerts_stands(&a, ALERT_OVERPRESSURE));
        g_assert_null(over_gone(&a, 39));
        g_assert_nonnull(over(&a, ALERT_WARNING, 3100, 40));

        for (int code = 0; code < _ALERT_CODE_MAX; code++) {
                uint64_t interval = code == ALERT_OVERPRESSURE ? 30 : 60;

                alerts_init(&a);
                g_assert_nonnull(alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 1, 0));
                g_assert_nonnull(alerts_clear(&a, (AlertCode) code, 0));
                g_assert_null(alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 1, interval * SEC - 1));
                g_assert_nonnull(alerts_raise(&a, (AlertCode) code, ALERT_NOTICE, 1, interval * SEC));
                g_assert_cmpuint(alerts_count(&a), ==, 2);
        }
}

static void test_each_code_has_an_interval_of_its_own(void) {
        Alerts a;

        alerts_init(&a);
        g_assert_nonnull(over(&a, ALERT_WARNING, 3100, 10));
        g_assert_nonnull(alerts_raise(&a, ALERT_DEPTH, ALERT_WARNING, 900, 10 * SEC));
        g_assert_nonnull(over_gone(&a, 12));
        g_assert_true(alerts_stands(&a, ALERT_DEPTH));
}

/* "A higher level raises it in any case". */
static void test_a_higher_level_is_told_at_once(void) {
        Alerts a;
        const Alert *alert;

        alerts_init(&a);
        (void) over(&a, ALERT_WARNING, 3100, 10);
        alert = over(&a, ALERT_ALARM, 4900, 11);
        g_assert_nonnull(alert);
        g_assert_cmpint(alert->level, ==, ALERT_ALARM);
        g_assert_cmpint(alert->value, ==, 4900);
        g_assert_cmpuint(alert->raised_usec, ==, 10 * SEC);
        g_assert_cmpuint(alerts_count(&a), ==, 1);
        g_assert_null(over(&a, ALERT_WARNING, 3100, 12)); /* nor does it fall back */
        g_assert_null(over(&a, ALERT_ALARM, 4900, 13));
        g_assert_cmpint(alerts_get(&a, 0)->level, ==, ALERT_ALARM);
}

static void test_a_higher_level_within_the_interval(void) {
        Alerts a;

        alerts_init(&a);
        (void) over(&a, ALERT_WARNING, 3100, 10);
        (void) over_gone(&a, 12);
        g_assert_nonnull(over(&a, ALERT_ALARM, 4900, 13));
        g_assert_cmpuint(alerts_count(&a), ==, 2);
        (void) over_gone(&a, 14);
        g_assert_null(over(&a, ALERT_ALARM, 4900, 15)); /* the interval begins with it anew */
        g_assert_null(over(&a, ALERT_WARNING, 3100, 42));
        g_assert_nonnull(over(&a, ALERT_WARNING, 3100, 43));
}

/* An alert that was cleared at the very beginning does not stand. */
static void test_cleared_at_session_time_0(void) {
        Alerts a;

        alerts_init(&a);
        (void) over(&a, ALERT_WARNING, 3100, 0);
        g_assert_cmpuint(over_gone(&a, 0)->cleared_usec, >, 0);
}

static void test_the_newest_64_are_kept(void) {
        Alerts a;

        alerts_init(&a);
        for (unsigned i = 0; i < 70; i++) {
                g_assert_nonnull(over(&a, ALERT_WARNING, (int32_t) i, 100 * i));
                g_assert_nonnull(over_gone(&a, 100 * i + 1));
        }
        g_assert_cmpuint(alerts_count(&a), ==, ALERTS_KEPT);
        for (unsigned i = 0; i < ALERTS_KEPT; i++)
                g_assert_cmpint(alerts_get(&a, i)->value, ==, (int) i + 6);
}

static void test_what_stands_is_never_pushed_out(void) {
        Alerts a;
        const Alert *depth;

        alerts_init(&a);
        (void) over(&a, ALERT_WARNING, 1, 0);
        (void) over_gone(&a, 1);
        (void) alerts_raise(&a, ALERT_DEPTH, ALERT_WARNING, 900, 2 * SEC);
        for (unsigned i = 1; i < 200; i++) {
                (void) over(&a, ALERT_WARNING, (int32_t) i, 100 * i);
                (void) over_gone(&a, 100 * i + 1);
        }
        g_assert_cmpuint(alerts_count(&a), ==, ALERTS_KEPT);
        g_assert_cmpint(alerts_get(&a, 0)->code, ==, ALERT_DEPTH);
        g_assert_cmpint(alerts_get(&a, ALERTS_KEPT - 1)->value, ==, 199);

        depth = alerts_clear(&a, ALERT_DEPTH, 20000 * SEC);
        g_assert_cmpint(depth->value, ==, 900);
        g_assert_cmpuint(depth->cleared_usec, ==, 20000 * SEC);
        (void) over(&a, ALERT_WARNING, 200, 30000);
        g_assert_cmpint(alerts_get(&a, 0)->code, ==, ALERT_OVERPRESSURE);
}

/* Whatever comes, whenever: what is kept is bounded, in order, and at most one of a code stands. */
static void test_10000_of_them_are_bounded(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(42);
        Alerts a;
        unsigned told = 0;

        alerts_init(&a);
        for (unsigned i = 0; i < 10000; i++) {
                AlertCode code = (AlertCode) g_rand_int_range(rand, 0, _ALERT_CODE_MAX);
                AlertLevel level = (AlertLevel) g_rand_int_range(rand, ALERT_NOTICE, ALERT_ALARM + 1);
                unsigned standing = 0;

                if (g_rand_boolean(rand))
                        told += alerts_raise(&a, code, level, (int32_t) g_rand_int(rand), i * SEC / 10) != NULL;
                else
                        (void) alerts_clear(&a, code, i * SEC / 10);

                g_assert_cmpuint(alerts_count(&a), <=, ALERTS_KEPT);
                for (unsigned k = 0; k < alerts_count(&a); k++) {
                        if (k > 0)
                                g_assert_cmpuint(alerts_get(&a, k)->raised_usec, >=, alerts_get(&a, k - 1)->raised_usec);
                        if (alerts_get(&a, k)->cleared_usec == 0) {
                                g_assert_true(alerts_stands(&a, alerts_get(&a, k)->code));
                                standing++;
                        }
                }
                for (int c = 0; c < _ALERT_CODE_MAX; c++)
                        standing -= alerts_stands(&a, (AlertCode) c);
                g_assert_cmpuint(standing, ==, 0);
        }
        /* 1,000 s: of each code at most three levels in an interval. */
        g_assert_cmpuint(told, <=, (1000 / 30 + 1) * 3 + (_ALERT_CODE_MAX - 1) * (1000 / 60 + 1) * 3);
        g_assert_cmpuint(alerts_count(&a), ==, ALERTS_KEPT);
}

static void test_names(void) {
        static const char *const codes[_ALERT_CODE_MAX] = {
                "overpressure", "time-limit", "depth", "head-worn", "head-reused", "battery-low", "samples-lost", "clock-unset",
                "rest-not-over", "events-left-out",
        };

        for (int code = 0; code < _ALERT_CODE_MAX; code++)
                g_assert_cmpstr(alert_code_name((AlertCode) code), ==, codes[code]);
        g_assert_cmpstr(alert_level_name(ALERT_NOTICE), ==, "notice");
        g_assert_cmpstr(alert_level_name(ALERT_WARNING), ==, "warning");
        g_assert_cmpstr(alert_level_name(ALERT_ALARM), ==, "alarm");
}

static void test_texts(void) {
        static const struct { AlertCode code; int32_t value; const char *text; } cases[] = {
                { ALERT_OVERPRESSURE, 5210, "Force above the overpressure limit: 5.2 N at its highest" },
                { ALERT_OVERPRESSURE, 2950, "Force above the overpressure limit: 3.0 N at its highest" },
                { ALERT_OVERPRESSURE, 5949, "Force above the overpressure limit: 5.9 N at its highest" },
                { ALERT_OVERPRESSURE, 5950, "Force above the overpressure limit: 6.0 N at its highest" },
                { ALERT_OVERPRESSURE, ALERT_VALUE_NONE, "Force above the overpressure limit" },
                { ALERT_TIME_LIMIT, 900, "The time limit is reached: 15 min in use" },
                { ALERT_TIME_LIMIT, 0, "The time limit is reached: 0 s in use" },
                { ALERT_TIME_LIMIT, 60, "The time limit is reached: 1 min in use" },
                { ALERT_TIME_LIMIT, 59, "The time limit is reached: 59 s in use" },
                { ALERT_TIME_LIMIT, 61, "The time limit is reached: 1 min 1 s in use" },
                { ALERT_DEPTH, 1500, "Needle depth above its limit: 1.50 mm at its deepest" },
                { ALERT_DEPTH, 994, "Needle depth above its limit: 0.99 mm at its deepest" },
                { ALERT_DEPTH, 995, "Needle depth above its limit: 1.00 mm at its deepest" },
                { ALERT_HEAD_WORN, 412000, "The needle head has reached its limit: 412000 strokes" },
                { ALERT_HEAD_WORN, 1, "The needle head has reached its limit: 1 stroke" },
                { ALERT_HEAD_REUSED, 1, "The needle head has been used before: 1 use" },
                { ALERT_HEAD_REUSED, 3, "The needle head has been used before: 3 uses" },
                { ALERT_BATTERY_LOW, 18, "The device's battery is low: 18 %" },
                { ALERT_BATTERY_LOW, -1, "The device's battery is low: 0 %" },
                { ALERT_SAMPLES_LOST, 12, "Measurements were lost on their way: 12 packets" },
                { ALERT_SAMPLES_LOST, 1, "Measurements were lost on their way: 1 packet" },
                { ALERT_CLOCK_UNSET, ALERT_VALUE_NONE, "The device's clock is not set" },
                { ALERT_CLOCK_UNSET, 7, "The device's clock is not set" },
                { ALERT_REST_NOT_OVER, 2 * 86400 + 3 * 3600 + 59, "Begun before the planned rest was over: 2 days 3 h early" },
                { ALERT_REST_NOT_OVER, 86400 + 7200, "Begun before the planned rest was over: 1 day 2 h early" },
                { ALERT_REST_NOT_OVER, 86400, "Begun before the planned rest was over: 1 day early" },
                { ALERT_REST_NOT_OVER, 3660, "Begun before the planned rest was over: 1 h 1 min early" },
                { ALERT_EVENTS_LEFT_OUT, 1, "More happened than is listed: 1 event left out" },
                { ALERT_EVENTS_LEFT_OUT, 3400, "More happened than is listed: 3400 events left out" },
                { ALERT_REST_NOT_OVER, INT32_MAX, "Begun before the planned rest was over: 24855 days 3 h early" },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                Alert alert = { .code = cases[i].code, .level = ALERT_WARNING, .value = cases[i].value };
                g_autofree char *text = alert_text(&alert, true);

                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

/* What is raised has a value, and nobody knows yet whether that is the worst. */
static void test_texts_when_raised(void) {
        static const struct { AlertCode code; int32_t value; const char *text; } cases[] = {
                { ALERT_OVERPRESSURE, 4800, "Force above the overpressure limit: 4.8 N" },
                { ALERT_OVERPRESSURE, ALERT_VALUE_NONE, "Force above the overpressure limit" },
                { ALERT_DEPTH, 1500, "Needle depth above its limit: 1.50 mm" },
                { ALERT_TIME_LIMIT, 900, "The time limit is reached: 15 min in use" },
                { ALERT_REST_NOT_OVER, 86400, "Begun before the planned rest was over: 1 day early" },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                Alert alert = { .code = cases[i].code, .level = ALERT_WARNING, .value = cases[i].value };
                g_autofree char *text = alert_text(&alert, false);

                g_assert_cmpstr(text, ==, cases[i].text);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/alerts/raised-once-and-cleared-once", test_raised_once_and_cleared_once);
        g_test_add_func("/alerts/the-worst-value-stays", test_the_worst_value_stays);
        g_test_add_func("/alerts/not-again-within-the-interval", test_not_again_within_the_interval);
        g_test_add_func("/alerts/each-code-has-an-interval-of-its-own", test_each_code_has_an_interval_of_its_own);
        g_test_add_func("/alerts/a-higher-level-is-told-at-once", test_a_higher_level_is_told_at_once);
        g_test_add_func("/alerts/a-higher-level-within-the-interval", test_a_higher_level_within_the_interval);
        g_test_add_func("/alerts/cleared-at-session-time-0", test_cleared_at_session_time_0);
        g_test_add_func("/alerts/the-newest-64-are-kept", test_the_newest_64_are_kept);
        g_test_add_func("/alerts/what-stands-is-never-pushed-out", test_what_stands_is_never_pushed_out);
        g_test_add_func("/alerts/10000-of-them-are-bounded", test_10000_of_them_are_bounded);
        g_test_add_func("/alerts/names", test_names);
        g_test_add_func("/alerts/texts", test_texts);
        g_test_add_func("/alerts/texts-when-raised", test_texts_when_raised);
        return g_test_run();
}
