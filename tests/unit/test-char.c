/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

static void uuids_of_1_2(void) {
        g_assert_cmpstr(OMP_SERVICE_UUID, ==, "95840001-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_FEATURE), ==, "95840101-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_LIVE), ==, "95840102-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_WAVEFORM), ==, "95840103-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_EVENT), ==, "95840104-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_STATUS), ==, "95840105-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_CLOCK), ==, "95840106-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_CONTROL_POINT), ==, "95840107-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_SESSION_DATA), ==, "95840108-2319-423b-8a8e-ee1ffb8d13f8");
        g_assert_cmpstr(omp_char_uuid(OMP_CHAR_RACP), ==, "00002a52-0000-1000-8000-00805f9b34fb");
}

static void uuid_and_back(void) {
        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++) {
                g_autofree char *upper = g_ascii_strup(omp_char_uuid((OmpChar) c), -1);
                OmpChar found = _OMP_CHAR_MAX;

                g_assert_cmpint(omp_char_from_uuid(omp_char_uuid((OmpChar) c), &found), ==, 0);
                g_assert_cmpuint(found, ==, c);

                found = _OMP_CHAR_MAX;
                g_assert_cmpint(omp_char_from_uuid(upper, &found), ==, 0);
                g_assert_cmpuint(found, ==, c);
        }
}

static void others_are_none_of_ours(void) {
        static const char *const others[] = {
                "", "95840102", "2a52", OMP_SERVICE_UUID,
                "95840102-2319-423b-8a8e-ee1ffb8d13f",   /* one digit short */
                "95840102-2319-423b-8a8e-ee1ffb8d13f80", /* one too many */
                "95840109-2319-423b-8a8e-ee1ffb8d13f8", "95842a52-2319-423b-8a8e-ee1ffb8d13f8",
                "00002a19-0000-1000-8000-00805f9b34fb",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
                OmpChar found = OMP_CHAR_RACP;

                g_assert_cmpint(omp_char_from_uuid(others[i], &found), ==, -ENOENT);
                g_assert_cmpint(found, ==, OMP_CHAR_RACP);
        }
}

static void names(void) {
        static const char *const expected[_OMP_CHAR_MAX] = {
                "feature", "live", "waveform", "event", "status", "clock",
                "control-point", "session-data", "racp",
        };

        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                g_assert_cmpstr(omp_char_name((OmpChar) c), ==, expected[c]);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/char/1.2/uuids", uuids_of_1_2);
        g_test_add_func("/char/uuid-and-back", uuid_and_back);
        g_test_add_func("/char/others-are-none-of-ours", others_are_none_of_ours);
        g_test_add_func("/char/names", names);
        return g_test_run();
}
