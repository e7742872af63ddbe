/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <errno.h>

#include "needled/omp-control.h"

/* 1.9, Parameters: number, name, unit, type, at boot, at boot of a roller. */
static const struct {
        uint8_t id;
        const char *name, *unit;
        OmpType type;
        int32_t at_boot, at_boot_roller;
} listed[] = {
        { 0x01, "live_period_ms", "ms", OMP_TYPE_U16, 100, 100 },
        { 0x02, "waveform_rate_hz", "Hz", OMP_TYPE_U16, 0, 0 },
        { 0x03, "overpressure_mn", "mN", OMP_TYPE_S16, 3000, 5000 },
        { 0x04, "hysteresis_mn", "mN", OMP_TYPE_S16, 500, 500 },
        { 0x05, "feedback_mask", "", OMP_TYPE_U8, 0x07, 0x07 },
        { 0x06, "session_limit_s", "s", OMP_TYPE_U16, 900, 900 },
        { 0x07, "contact_threshold_mn", "mN", OMP_TYPE_S16, 200, 200 },
        { 0x08, "zone_low_mn", "mN", OMP_TYPE_S16, 300, 500 },
        { 0x09, "zone_high_mn", "mN", OMP_TYPE_S16, 2000, 4000 },
        { 0x0a, "feedback_window_ms", "ms", OMP_TYPE_U16, 200, 200 },
        { 0x0b, "waveform_batch", "", OMP_TYPE_U8, 50, 50 },
};

static const OmpFeature pen = { .kind = OMP_KIND_PEN, .full_scale_mn = 20000, .sample_rate_hz = 1000 };

static void the_list(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(listed); i++) {
                const OmpParameterInfo *info = omp_parameter_info(listed[i].id);
                uint8_t id;

                g_assert_nonnull(info);
                g_assert_cmpstr(info->name, ==, listed[i].name);
                g_assert_cmpstr(info->unit, ==, listed[i].unit);
                g_assert_cmpint(info->type, ==, listed[i].type);
                g_assert_cmpint(omp_parameter_from_name(listed[i].name, &id), ==, 0);
                g_assert_cmpuint(id, ==, listed[i].id);
        }
        g_assert_cmpuint(_OMP_PARAMETER_MAX - 1, ==, G_N_ELEMENTS(listed));
}

static void return_to_defaults_at_boot(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(listed); i++) {
                g_assert_cmpint(omp_parameter_default(listed[i].id, OMP_KIND_PEN), ==, listed[i].at_boot);
                g_assert_cmpint(omp_parameter_default(listed[i].id, OMP_KIND_STAMP), ==, listed[i].at_boot);
                g_assert_cmpint(omp_parameter_default(listed[i].id, OMP_KIND_ROLLER), ==, listed[i].at_boot_roller);
        }
}

static void defaults_are_in_bounds(void) {
        static const OmpFeature roller = { .kind = OMP_KIND_ROLLER, .full_scale_mn = 30000, .sample_rate_hz = 200 };

        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                g_assert_cmpint(omp_parameter_check(id, omp_parameter_default(id, OMP_KIND_PEN), &pen), ==, OMP_RESULT_OK);
                g_assert_cmpint(omp_parameter_check(id, omp_parameter_default(id, OMP_KIND_ROLLER), &roller), ==, OMP_RESULT_OK);
        }
}

static void unknown_ids(void) {
        static const uint8_t ids[] = { 0, _OMP_PARAMETER_MAX, 0x7f, 0xff };
        int32_t min, max;
        uint8_t id;

        for (size_t i = 0; i < G_N_ELEMENTS(ids); i++) {
                g_assert_null(omp_parameter_info(ids[i]));
                g_assert_cmpint(omp_parameter_default(ids[i], OMP_KIND_PEN), ==, 0);
                g_assert_cmpint(omp_parameter_bounds(ids[i], &pen, &min, &max), ==, -ENOENT);
                g_assert_cmpint(omp_parameter_check(ids[i], 1, &pen), ==, OMP_RESULT_INVALID);
        }
        g_assert_cmpint(omp_parameter_from_name("zone_middle_mn", &id), ==, -ENOENT);
        g_assert_cmpint(omp_parameter_from_name("", &id), ==, -ENOENT);
}

/* "a value out of bounds 5" */
static void bounds(void) {
        static const struct {
                uint8_t id;
                int32_t min, max;
        } of_pen[] = {
                { OMP_PARAMETER_LIVE_PERIOD, 20, 1000 }, /* "1–50 Hz" */
                { OMP_PARAMETER_WAVEFORM_RATE, 0, 1000 }, /* its sample rate */
                { OMP_PARAMETER_OVERPRESSURE, 1, 20000 }, /* its full scale */
                { OMP_PARAMETER_HYSTERESIS, 0, 20000 },
                { OMP_PARAMETER_FEEDBACK, 0, 31 },
                { OMP_PARAMETER_SESSION_LIMIT, 1, 65535 },
                { OMP_PARAMETER_CONTACT, 1, 20000 },
                { OMP_PARAMETER_ZONE_LOW, 0, 20000 },
                { OMP_PARAMETER_ZONE_HIGH, 1, 20000 },
                { OMP_PARAMETER_FEEDBACK_WINDOW, 0, 65535 },
                { OMP_PARAMETER_WAVEFORM_BATCH, 1, 251 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(of_pen); i++) {
                uint8_t id = of_pen[i].id;
                int32_t min, max;

                g_assert_cmpint(omp_parameter_bounds(id, &pen, &min, &max), ==, 0);
                g_assert_cmpint(min, ==, of_pen[i].min);
                g_assert_cmpint(max, ==, of_pen[i].max);
                g_assert_cmpint(omp_parameter_check(id, min, &pen), ==, OMP_RESULT_OK);
                g_assert_cmpint(omp_parameter_check(id, max, &pen), ==, OMP_RESULT_OK);
                g_assert_cmpint(omp_parameter_check(id, min - 1, &pen), ==, OMP_RESULT_OUT_OF_RANGE);
                g_assert_cmpint(omp_parameter_check(id, max + 1, &pen), ==, OMP_RESULT_OUT_OF_RANGE);
        }
}

static void full_scale_not_said(void) {
        static const OmpFeature silent = {}, odd = { .full_scale_mn = 65535 };
        int32_t min, max;

        g_assert_cmpint(omp_parameter_bounds(OMP_PARAMETER_OVERPRESSURE, &silent, &min, &max), ==, 0);
        g_assert_cmpint(max, ==, INT16_MAX);
        g_assert_cmpint(omp_parameter_bounds(OMP_PARAMETER_OVERPRESSURE, &odd, &min, &max), ==, 0);
        g_assert_cmpint(max, ==, INT16_MAX);
        g_assert_cmpint(omp_parameter_check(OMP_PARAMETER_WAVEFORM_RATE, 1, &silent), ==, OMP_RESULT_OUT_OF_RANGE);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/parameter/1.9/the-list", the_list);
        g_test_add_func("/parameter/1.9/return-to-defaults-at-boot", return_to_defaults_at_boot);
        g_test_add_func("/parameter/defaults-are-in-bounds", defaults_are_in_bounds);
        g_test_add_func("/parameter/1.9/unknown-ids", unknown_ids);
        g_test_add_func("/parameter/1.9/bounds", bounds);
        g_test_add_func("/parameter/full-scale-not-said", full_scale_not_said);
        return g_test_run();
}
