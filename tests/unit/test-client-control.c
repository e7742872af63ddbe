/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "client/control.h"

static void test_parameters(void) {
        ControlParameter p = {};

        g_assert_cmpint(control_parse_parameter("overpressure_mn=2500", &p), ==, 0);
        g_assert_cmpint(p.id, ==, OMP_PARAMETER_OVERPRESSURE);
        g_assert_cmpint(p.value, ==, 2500);
        g_assert_cmpint(control_parse_parameter("zone_low_mn=-5", &p), ==, 0); /* the device refuses it */
        g_assert_cmpint(p.value, ==, -5);
        g_assert_cmpint(control_parse_parameter("feedback_mask=0", &p), ==, 0);
        g_assert_cmpint(p.id, ==, OMP_PARAMETER_FEEDBACK);
}

static void test_wrong_ones(void) {
        static const struct {
                const char *typed;
                int error;
        } cases[] = {
                { "overpressure_mn", -EINVAL },
                { "overpressure_mn=", -EINVAL },
                { "overpressure_mn=2.5", -EINVAL },
                { "overpressure_mn=2500mN", -EINVAL },
                { "overpressure_mn= 2500", -EINVAL },
                { "overpressure_mn=99999999999", -EINVAL },
                { "feedback_mask=-1", -EINVAL },
                { "overpresure_mn=2500", -ENOENT },
                { "=5", -ENOENT },
                { "", -EINVAL },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                ControlParameter p = { .value = 77 };

                g_assert_cmpint(control_parse_parameter(cases[i].typed, &p), ==, cases[i].error);
                g_assert_cmpint(p.value, ==, 77);
        }
}

static void test_names(void) {
        uint8_t id;

        g_assert_cmpint(control_find_parameter("live_period_ms", &id), ==, 0);
        g_assert_cmpint(id, ==, OMP_PARAMETER_LIVE_PERIOD);
        g_assert_cmpint(control_find_parameter("live-period", &id), ==, -ENOENT);
        g_assert_cmpint(control_find_parameter("", &id), ==, -ENOENT);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-control/parameters", test_parameters);
        g_test_add_func("/client-control/wrong-ones", test_wrong_ones);
        g_test_add_func("/client-control/names", test_names);
        return g_test_run();
}
