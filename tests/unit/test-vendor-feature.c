/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/vendor.h"

static void test_what_the_file_says(void) {
        VendorProfile profile = { .kind = OMP_KIND_PEN, .needles = 16, .area_centi_mm2 = 7854, .max_depth_um = 2500 };
        OmpFeature f;

        vendor_feature(&profile, &f);
        g_assert_cmpint(f.major, ==, OMP_MAJOR);
        g_assert_cmpint(f.minor, ==, OMP_MINOR);
        g_assert_cmpint(f.kind, ==, OMP_KIND_PEN);
        g_assert_cmpint(f.needles, ==, 16);
        g_assert_cmpint(f.area_centi_mm2, ==, 7854);
        g_assert_cmpint(f.max_depth_um, ==, 2500);
        g_assert_cmpuint(f.bits, ==, 0);
}

static void test_what_it_cannot_say_is_unknown(void) {
        VendorProfile profile = { .kind = OMP_KIND_PEN, .needles = 16, .meanings = UINT32_MAX };
        OmpFeature f;

        vendor_feature(&profile, &f);
        g_assert_cmpint(f.full_scale_mn, ==, 0);
        g_assert_cmpint(f.sample_rate_hz, ==, 0);
        g_assert_cmpint(f.capacity, ==, 0);
        g_assert_cmpuint(f.bits & (OMP_FEATURE_WAVEFORM | OMP_FEATURE_STORED_SESSIONS | OMP_FEATURE_CLOCK | OMP_FEATURE_E2E_CRC |
                                   OMP_FEATURE_TRACE | OMP_FEATURE_CALIBRATED | OMP_FEATURE_CONTACT_STROKES), ==, 0);
}

static void test_strokes_that_are_passes_have_no_needles(void) {
        VendorProfile profile = { .kind = OMP_KIND_ROLLER, .needles = 192, .stroke_is_pass = true };
        OmpFeature f;

        vendor_feature(&profile, &f);
        g_assert_cmpint(f.needles, ==, 0);
}

static void test_each_meaning_alone(void) {
        static const uint32_t expected[_VENDOR_MEANING_MAX] = {
                [VENDOR_FORCE] = OMP_FEATURE_FORCE,
                [VENDOR_OVERPRESSURE] = OMP_FEATURE_OVERPRESSURE,
                [VENDOR_CONTACT] = OMP_FEATURE_CONTACT,
                [VENDOR_STROKES_TOTAL] = OMP_FEATURE_STROKES,
                [VENDOR_STROKES_DELTA] = OMP_FEATURE_STROKES,
                [VENDOR_PASSES_TOTAL] = OMP_FEATURE_PASSES,
                [VENDOR_DISTANCE] = OMP_FEATURE_DISTANCE,
                [VENDOR_DEPTH] = OMP_FEATURE_DEPTH,
                [VENDOR_MOTOR_SPEED] = OMP_FEATURE_MOTOR_SPEED,
                [VENDOR_MOTOR_CURRENT] = OMP_FEATURE_MOTOR_CURRENT,
                [VENDOR_AREA] = OMP_FEATURE_AREA,
                [VENDOR_CARTRIDGE_ID] = OMP_FEATURE_CARTRIDGE_ID,
        };

        for (unsigned meaning = 0; meaning < _VENDOR_MEANING_MAX; meaning++) {
                VendorProfile profile = { .meanings = UINT32_C(1) << meaning };
                OmpFeature f;

                g_test_message("meaning %u", meaning);
                vendor_feature(&profile, &f);
                g_assert_cmphex(f.bits, ==, expected[meaning]);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/vendor-feature/what-the-file-says", test_what_the_file_says);
        g_test_add_func("/vendor-feature/what-it-cannot-say-is-unknown", test_what_it_cannot_say_is_unknown);
        g_test_add_func("/vendor-feature/strokes-that-are-passes-have-no-needles", test_strokes_that_are_passes_have_no_needles);
        g_test_add_func("/vendor-feature/each-meaning-alone", test_each_meaning_alone);
        return g_test_run();
}
