/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/areas.h"

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Areas, areas_clear)

static void test_the_unspecified_is_always_the_first(void) {
        g_auto(Areas) a = { 0 };

        areas_init(&a);
        g_assert_cmpuint(a.n, ==, 1);
        g_assert_cmpuint(a.of[0].area, ==, 0);
        g_assert_true(areas_get(&a, 0) == a.of[0].sums);
}

static void test_an_area_keeps_its_sums(void) {
        g_auto(Areas) a = { 0 };
        Sums *nose;

        areas_init(&a);
        nose = areas_get(&a, 5);
        g_assert_true(nose != areas_get(&a, 0));
        (void) areas_get(&a, 0xf0);     /* the user's first */
        g_assert_true(nose == areas_get(&a, 5));
        g_assert_cmpuint(a.n, ==, 3);
        g_assert_cmpuint(a.of[2].area, ==, 0xf0);
        g_assert_false(a.overflowed);
}

static void test_what_is_no_area_counts_as_unspecified(void) {
        static const uint8_t none[] = { 23, 0xef, 0xff };

        for (unsigned i = 0; i < G_N_ELEMENTS(none); i++) {
                g_auto(Areas) a = { 0 };

                areas_init(&a);
                g_assert_true(areas_get(&a, none[i]) == areas_get(&a, 0));
                g_assert_cmpuint(a.n, ==, 1);
                g_assert_true(a.overflowed);
        }
}

static void test_areas_are_bounded(void) {
        g_auto(Areas) a = { 0 };

        areas_init(&a);
        for (uint8_t area = 1; area < AREAS_MAX; area++)
                g_assert_true(areas_get(&a, area) != areas_get(&a, 0));
        g_assert_false(a.overflowed);
        g_assert_true(areas_get(&a, AREAS_MAX) == areas_get(&a, 0));
        g_assert_true(a.overflowed);
        g_assert_cmpuint(a.n, ==, AREAS_MAX);
        g_assert_true(areas_get(&a, AREAS_MAX - 1) == a.of[AREAS_MAX - 1].sums);
}

static void test_the_total_is_of_all(void) {
        g_auto(Areas) a = { 0 };
        Sums total;

        areas_init(&a);
        areas_total(&a, &total);
        g_assert_cmpuint(total.strokes, ==, 0);
        g_assert_cmpint(total.force_peak_mn, ==, OMP_FORCE_UNKNOWN);

        areas_get(&a, 0)->strokes = 1;
        areas_get(&a, 7)->strokes = 20;
        areas_get(&a, 9)->strokes = 300;
        areas_total(&a, &total);
        g_assert_cmpuint(total.strokes, ==, 321);
}

static void test_nothing_is_left_after_the_end(void) {
        Areas a;

        areas_init(&a);
        (void) areas_get(&a, 3);
        areas_clear(&a);
        g_assert_cmpuint(a.n, ==, 0);
        areas_clear(&a);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/areas/the-unspecified-is-always-the-first", test_the_unspecified_is_always_the_first);
        g_test_add_func("/areas/an-area-keeps-its-sums", test_an_area_keeps_its_sums);
        g_test_add_func("/areas/what-is-no-area-counts-as-unspecified", test_what_is_no_area_counts_as_unspecified);
        g_test_add_func("/areas/areas-are-bounded", test_areas_are_bounded);
        g_test_add_func("/areas/the-total-is-of-all", test_the_total_is_of_all);
        g_test_add_func("/areas/nothing-is-left-after-the-end", test_nothing_is_left_after_the_end);
        return g_test_run();
}
