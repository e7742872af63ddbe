/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/omp.h"
#include "profiles/profile.h"

static void test_omp1_by_service(void) {
        const char *const ours[] = { "0000180f-0000-1000-8000-00805f9b34fb", OMP_SERVICE_UUID, NULL };
        const char *const others[] = { "0000180f-0000-1000-8000-00805f9b34fb", NULL };

        g_autoptr(Profiles) profiles = profiles_new();

        g_assert_true(profiles_match(profiles, &(ProfileOffer) { .services = ours }) == profiles_by_id(profiles, "omp1"));
        g_assert_null(profiles_match(profiles, &(ProfileOffer) { .services = others, .name = "omp1" }));
        g_assert_null(profiles_match(profiles, &(ProfileOffer) {}));
        g_assert_null(profiles_by_id(profiles, "omp2"));
        g_assert_true(profiles_know_service(profiles, OMP_SERVICE_UUID));
        g_assert_false(profiles_know_service(profiles, others[0]));
        g_assert_false(profiles_know_maker(profiles, 0xffff));
}

/* The table repeats the UUIDs of the codec, because a table in C cannot call it: they must stay the same. */
static void test_uuids_are_the_codecs(void) {
        g_autoptr(Profiles) profiles = profiles_new();
        const Profile *omp1 = profiles_by_id(profiles, "omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                g_assert_cmpstr(omp1->chars[i].uuid, ==, omp_char_uuid((OmpChar) omp1->chars[i].channel));
                g_assert_cmpstr(omp1->chars[i].service_uuid, ==, OMP_SERVICE_UUID);
                g_assert_true(profile_char(omp1, omp1->chars[i].uuid) == &omp1->chars[i]);
        }
        g_assert_null(profile_char(omp1, OMP_SERVICE_UUID));
}

/* bluetoothd broadcasts what is read: nothing that is followed may be read. */
static void test_nothing_measured_is_read(void) {
        g_autoptr(Profiles) profiles = profiles_new();
        const Profile *omp1 = profiles_by_id(profiles, "omp1");

        for (size_t i = 0; i < omp1->n_chars; i++) {
                bool read = omp1->chars[i].use & PROFILE_READ_AT_CONNECT, follow = omp1->chars[i].use & PROFILE_FOLLOW;

                g_assert_true(read != follow);
                g_assert_cmpint(follow, ==, !!(omp1->chars[i].use & PROFILE_MEASURES));
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
