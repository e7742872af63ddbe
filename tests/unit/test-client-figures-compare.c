/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "client/figures-compare.h"
#include "client/json.h"

static void assert_differences(const char *stored, const char *computed, const char *expected) {
        json_auto *a = json_loads(stored, 0, NULL), *b = json_loads(computed, 0, NULL), *differences = NULL;
        g_autofree char *line = NULL;

        g_assert_nonnull(a);
        g_assert_nonnull(b);
        differences = figures_compare(a, b);
        line = json_line(differences);
        g_assert_cmpstr(line, ==, expected);
}

static void test_equal(void) {
        assert_differences("{\"id\":7,\"alias\":\"pen\",\"strokes\":3,\"stroke_rate\":7000.5,\"lost\":{\"live\":0}}",
                           "{\"strokes\":3,\"stroke_rate\":7000.5,\"lost\":{\"live\":0}}", "[]");
        assert_differences("{\"device_time_offset\":-5000000000}", "{\"device_time_offset\":-5000000000}", "[]");
        assert_differences("{}", "{}", "[]");
}

static void test_numbers_that_differ(void) {
        assert_differences("{\"strokes\":3,\"stroke_rate\":7000.5,\"force_peak\":-1}",
                           "{\"strokes\":4,\"stroke_rate\":7001,\"force_peak\":-1}",
                           "[{\"figure\":\"strokes\",\"unit\":\"1\",\"stored\":3,\"computed\":4},"
                           "{\"figure\":\"stroke_rate\",\"unit\":\"/min\",\"stored\":7000.5,\"computed\":7001}]");
}

static void test_members_of_dictionaries(void) {
        assert_differences("{\"lost\":{\"live\":1,\"event\":2},\"zone_time\":{\"low\":5}}", "{\"lost\":{\"live\":1,\"event\":3}}",
                           "[{\"figure\":\"zone_time.low\",\"unit\":\"us\",\"stored\":5},"
                           "{\"figure\":\"lost.event\",\"unit\":\"1\",\"stored\":2,\"computed\":3}]");
}

/* It depends on when the computer was started, which no tape knows. */
static void test_the_devices_clock_is_not_compared(void) {
        assert_differences("{\"device_time_offset\":-5000000000}", "{\"device_time_offset\":5000000000}", "[]");
        assert_differences("{\"device_time_offset\":-5000000000}", "{}", "[]");
}

static void test_absent_is_not_zero(void) {
        assert_differences("{\"strokes\":0}", "{\"passes\":0}",
                           "[{\"figure\":\"strokes\",\"unit\":\"1\",\"stored\":0},{\"figure\":\"passes\",\"unit\":"
                           "\"1\",\"computed\":0}]");
}

/* A double that is whole may have become an integer on its way. */
static void test_the_same_number_in_another_shape(void) {
        assert_differences("{\"stroke_rate\":7000}", "{\"stroke_rate\":7000.0}", "[]");
        assert_differences("{\"stroke_rate\":0.1}", "{\"stroke_rate\":0.10000000000000001}", "[]");
}

static void test_what_is_no_figure_is_not_looked_at(void) {
        assert_differences("{\"id\":7,\"strokes\":\"three\",\"lost\":4}", "{\"id\":8}", "[]");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-figures-compare/equal", test_equal);
        g_test_add_func("/client-figures-compare/numbers-that-differ", test_numbers_that_differ);
        g_test_add_func("/client-figures-compare/members-of-dictionaries", test_members_of_dictionaries);
        g_test_add_func("/client-figures-compare/the-devices-clock-is-not-compared", test_the_devices_clock_is_not_compared);
        g_test_add_func("/client-figures-compare/absent-is-not-zero", test_absent_is_not_zero);
        g_test_add_func("/client-figures-compare/the-same-number-in-another-shape", test_the_same_number_in_another_shape);
        g_test_add_func("/client-figures-compare/what-is-no-figure-is-not-looked-at", test_what_is_no_figure_is_not_looked_at);
        return g_test_run();
}
