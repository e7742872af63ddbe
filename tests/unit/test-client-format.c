/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "client/format.h"

#define S UINT64_C(1000000)
#define NOW (UINT64_C(1770127530) * S) /* 2026-02-03 14:05:30 UTC */

static void assert_text(char *taken, const char *expected) {
        g_autofree char *text = taken;

        g_assert_cmpstr(text, ==, expected);
}

static void test_durations(void) {
        assert_text(format_duration(0), "0s");
        assert_text(format_duration(49999), "0s");
        assert_text(format_duration(50000), "0.1s");
        assert_text(format_duration(3200000), "3.2s");
        assert_text(format_duration(5 * S), "5s");
        assert_text(format_duration(9960000), "10s");
        assert_text(format_duration(754 * S), "12m 34s");
        assert_text(format_duration(3599 * S + 500000), "1h 00m");
        assert_text(format_duration(7380 * S), "2h 03m");
        assert_text(format_duration(90000 * S), "1d 1h");
        assert_text(format_duration(UINT64_MAX), "213503982d 8h");
}

static void test_elapsed_never_runs_ahead(void) {
        assert_text(format_elapsed(59999999), "59s");
        assert_text(format_elapsed(754999999), "12m 34s");
}

static void test_forces_have_two_digits(void) {
        assert_text(format_force(850), "0.85 N");
        assert_text(format_force(0), "0.00 N");
        assert_text(format_force(1434), "1.43 N");
        assert_text(format_force(1435), "1.44 N");
        assert_text(format_force(-125), "-0.13 N");
        assert_text(format_force(-4), "0.00 N");
        assert_text(format_newton(32767), "32.77");
        assert_text(format_force(INT64_MIN), "-9223372036854775.81 N");
        assert_text(format_depth(500), "0.50 mm");
        assert_text(format_depth(2495), "2.50 mm");
}

static void test_rates_that_are_none(void) {
        assert_text(format_rate(7003.6), "7004/min");
        assert_text(format_rate(NAN), "?");
        assert_text(format_rate(INFINITY), "?");
        assert_text(format_rate(-1), "?");
}

static void test_times(void) {
        assert_text(format_time(NOW), "2026-02-03 14:05");
        assert_text(format_time(0), "");
        assert_text(format_time(UINT64_MAX), "586524-01-19 08:01"); /* whatever it is: no crash, no cut */
}

static void assert_time(const char *s, uint64_t expected_sec) {
        uint64_t usec;

        g_assert_cmpint(format_parse_time(s, NOW, &usec), ==, 0);
        g_assert_cmpuint(usec, ==, expected_sec * S);
}

static void test_times_from_people(void) {
        assert_time("2026-02-03", 1770076800);
        assert_time("2026-02-03 14:05", 1770127500);
        assert_time("2026-02-03T14:05:30", 1770127530);
        assert_time("now", 1770127530);
        assert_time("today", 1770076800);
        assert_time("yesterday", 1769990400);
        assert_time("90s", 1770127440);
        assert_time("45m", 1770124830);
        assert_time("6h", 1770105930);
        assert_time("2d", 1769954730);
        assert_time("1w", 1769522730);
        assert_time("99999999999d", 0);
}

static void test_times_that_are_none(void) {
        static const char *const bad[] = {
                "",
                " ",
                "soon",
                "2026",
                "2026-02-30",
                "2026-13-01",
                "2026-02-03 25:00",
                "2026-02-03x",
                "-2d",
                "2",
                "2 d",
                "2dd",
                "99999999999999999999d",
                "1960-01-01",
        };
        uint64_t usec;

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(format_parse_time(bad[i], NOW, &usec), ==, -EINVAL);
}

static void test_moments(void) {
        g_autofree char *today = format_moment(NOW, NOW), *before = format_moment(NOW - UINT64_C(86400000000), NOW),
                        *never = format_moment(0, NOW), *full = format_time(NOW);

        g_assert_cmpuint(strlen(today), ==, 5);
        g_assert_true(g_str_has_suffix(full, today));
        g_assert_cmpuint(strlen(before), ==, 16);
        g_assert_cmpstr(never, ==, "");
}

static void test_spans_from_people(void) {
        static const struct { const char *s; uint64_t sec; } good[] = {
                { "0", 0 }, { "90", 90 }, { "90s", 90 }, { "90 s", 90 }, { "2min", 120 }, { "2m", 120 }, { "1h", 3600 }, { "1h 30min", 5400 },
                { "1h30", 3630 }, { "2d", 172800 }, { "1 day", 86400 }, { "1w", 604800 }, { "30d", 2592000 },
        };
        static const char *const bad[] = { "", "soon", "-1", "1y", "h", "1.5h", "1h,", " 1h", "1h -5min" };
        uint64_t sec = 7;

        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_assert_cmpint(format_parse_span(good[i].s, 2592000, &sec), ==, 0);
                g_assert_cmpuint(sec, ==, good[i].sec);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(format_parse_span(bad[i], 2592000, &sec), ==, -EINVAL);
        g_assert_cmpint(format_parse_span("30d 1s", 2592000, &sec), ==, -ERANGE);
        g_assert_cmpint(format_parse_span("99999999999999999999w", UINT64_MAX, &sec), ==, -ERANGE);
        g_assert_cmpint(format_parse_span("9999999999999999999w", UINT64_MAX, &sec), ==, -ERANGE);
        g_assert_cmpuint(sec, ==, 2592000);
}

static void test_numbers_from_people(void) {
        uint64_t n = 7;

        g_assert_cmpint(format_parse_unsigned("30", 1, 30, &n), ==, 0);
        g_assert_cmpuint(n, ==, 30);
        g_assert_cmpint(format_parse_unsigned("31", 1, 30, &n), ==, -ERANGE);
        g_assert_cmpint(format_parse_unsigned("0", 1, 30, &n), ==, -ERANGE);
        g_assert_cmpint(format_parse_unsigned("99999999999999999999", 1, UINT64_MAX, &n), ==, -ERANGE);
        g_assert_cmpint(format_parse_unsigned("", 0, 30, &n), ==, -EINVAL);
        g_assert_cmpint(format_parse_unsigned("-1", 0, 30, &n), ==, -EINVAL);
        g_assert_cmpint(format_parse_unsigned(" 1", 0, 30, &n), ==, -EINVAL);
        g_assert_cmpint(format_parse_unsigned("1x", 0, 30, &n), ==, -EINVAL);
        g_assert_cmpuint(n, ==, 30);
}

int main(int argc, char **argv) {
        g_assert_cmpint(setenv("TZ", "UTC", 1), ==, 0);
        tzset();
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-format/durations", test_durations);
        g_test_add_func("/client-format/elapsed-never-runs-ahead", test_elapsed_never_runs_ahead);
        g_test_add_func("/client-format/forces-have-two-digits", test_forces_have_two_digits);
        g_test_add_func("/client-format/rates-that-are-none", test_rates_that_are_none);
        g_test_add_func("/client-format/times", test_times);
        g_test_add_func("/client-format/times-from-people", test_times_from_people);
        g_test_add_func("/client-format/times-that-are-none", test_times_that_are_none);
        g_test_add_func("/client-format/moments", test_moments);
        g_test_add_func("/client-format/spans-from-people", test_spans_from_people);
        g_test_add_func("/client-format/numbers-from-people", test_numbers_from_people);
        return g_test_run();
}
