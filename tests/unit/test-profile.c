/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/omp.h"
#include "profiles/profile.h"

static void test_omp1_by_service(void) {
        const char *const ours[] = { "0000180f-0000-1000-8000-00805f9b34fb", OMP_SERVICE_UUID, NULL };
        const char *const others[] = { "0000180f-0000-1000-8000-00805f9b34fb", NULL };

        g_assert_nonnull(profile_match(ours));
        g_assert_cmpstr(profile_match(ours)->id, ==, "omp1");
        g_assert_null(profile_match(others));
        g_assert_null(profile_match(NULL));
        g_assert_null(profile_by_id("omp2"));
}

/* The table repeats the UUIDs of the codec, because a table in C cannot call it: they must stay the same. */
static void test_uuids_are_the_codecs(void) {
        const Profile *omp1 = profile_by_id("omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                g_assert_cmpstr(omp1->chars[i].uuid, ==, omp_char_uuid((OmpChar) omp1->chars[i].channel));
                g_assert_true(profile_char(omp1, omp1->chars[i].uuid) == &omp1->chars[i]);
        }
        g_assert_null(profile_char(omp1, OMP_SERVICE_UUID));
}

/* bluetoothd broadcasts what is read: nothing that is followed may be read. */
static void test_nothing_measured_is_read(void) {
        const Profile *omp1 = profile_by_id("omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                bool read = omp1->chars[i].use & PROFILE_READ_AT_CONNECT, follow = omp1->chars[i].use & PROFILE_FOLLOW;

                g_assert_true(read != follow);
                g_assert_cmpint(read, ==, omp1->chars[i].channel == OMP_CHAR_FEATURE);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/profile/omp1-by-service", test_omp1_by_service);
        g_test_add_func("/profile/uuids-are-the-codecs", test_uuids_are_the_codecs);
        g_test_add_func("/profile/nothing-measured-is-read", test_nothing_measured_is_read);
        return g_test_run();
}
