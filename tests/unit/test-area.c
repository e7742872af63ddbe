/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "needled/omp.h"

static void test_every_number_has_a_name_and_back(void) {
        unsigned n = 0;

        for (unsigned area = 0; area < 256; area++) {
                const char *name = omp_area_name((uint8_t) area);
                uint8_t back;

                g_assert_cmpint(omp_area_from_name(name, &back), ==, 0);
                if (back == area)
                        n++;
                else
                        g_assert_cmpuint(back, ==, 0); /* a number of a later version */
        }
        g_assert_cmpuint(n, ==, 23 + 15);
}

static void test_numbers_are_the_profiles(void) {
        static const struct {
                uint8_t number;
                const char *name;
        } some[] = { { 0, "unspecified" }, { 1, "forehead" }, { 5, "nose" }, { 12, "decollete" }, { 15, "abdomen" }, { 21, "hand" },
                     { 22, "back" }, { 0xf0, "user-0" }, { 0xfe, "user-14" }, { 23, "unspecified" }, { 0xff, "unspecified" } };
        uint8_t number;

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
                g_assert_cmpstr(omp_area_name(some[i].number), ==, some[i].name);
        g_assert_cmpint(omp_area_from_name("Nose", &number), ==, -ENOENT);
        g_assert_cmpint(omp_area_from_name("", &number), ==, -ENOENT);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/area/every-number-has-a-name-and-back", test_every_number_has_a_name_and_back);
        g_test_add_func("/area/numbers-are-the-profiles", test_numbers_are_the_profiles);
        return g_test_run();
}
