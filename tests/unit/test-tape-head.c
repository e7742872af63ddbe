/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "bus/tape-head.h"

#define UUID_A "0000fff1-0000-1000-8000-00805f9b34fb"
#define UUID_B "0000fff2-0000-1000-8000-00805f9b34fb"

static StoreSession session(const char *profile, const char *channels) {
        return (StoreSession) {
                .id = 1,
                .uuid = (char *) "11111111-0000-4000-8000-000000000000",
                .device_address = (char *) "C0:FF:EE:12:34:56",
                .device_alias = (char *) "my pen",
                .profile = (char *) profile,
                .channels = (char *) channels,
                .start_realtime_usec = 1700000000000000,
        };
}

static char *text_of(const Profiles *profiles, const StoreSession *s) {
        char text[TAPE_HEAD_MAX];
        TapeHead head;

        tape_head_make(profiles, s, &head);
        return tape_format_head(&head, text, sizeof(text)) >= 0 ? g_strdup(text) : NULL;
}

static void assert_head(const Profiles *profiles, const StoreSession *s, const char *want) {
        g_autofree char *text = text_of(profiles, s);

        g_assert_cmpstr(text, ==, want);
}

#define BEGIN(profile, device) \
        "needled-tape 1\nprofile " profile "\ndevice " device "\nsession 11111111-0000-4000-8000-000000000000\n" \
        "clock 2023-11-14T22:13:20.000000Z\n"

static void test_omp(void) {
        g_autoptr(Profiles) profiles = profiles_new();
        StoreSession s = session("omp1", "");

        assert_head(profiles, &s, BEGIN("omp1", "my pen"));
        assert_head(NULL, &s, BEGIN("omp1", "my pen"));
}

/* A tape is for its reader: what cannot stand on one gives way. */
static void test_labels(void) {
        g_autofree char *fits = g_strnfill(TAPE_TEXT_MAX - 2, 'x'), *cut = g_strconcat(fits, "é", NULL);
        StoreSession s = session("omp1", "");

        s.device_alias = (char *) "";
        assert_head(NULL, &s, BEGIN("omp1", "C0:FF:EE:12:34:56"));
        s.device_alias = (char *) "two\nlines";
        assert_head(NULL, &s, BEGIN("omp1", "C0:FF:EE:12:34:56"));
        s.device_alias = (char *) "\xff";
        assert_head(NULL, &s, BEGIN("omp1", "C0:FF:EE:12:34:56"));
        s.device_alias = cut;           /* in the midst of a character */
        assert_head(NULL, &s, BEGIN("omp1", "C0:FF:EE:12:34:56"));
        s.uuid = (char *) "none";
        s.device_alias = (char *) "pen";
        assert_head(NULL, &s, "needled-tape 1\nprofile omp1\ndevice pen\nclock 2023-11-14T22:13:20.000000Z\n");
}

static void test_no_profile(void) {
        StoreSession s = session("", "");

        assert_head(NULL, &s, NULL);
}

static const char *const file =
        "[Profile]\nFormat=1\nId=com.example.made-up\nName=Made up\nKind=pen\nMatch=service:" UUID_A "\n"
        "[Characteristic pressure]\nUUID=" UUID_A "\nUse=notify\n"
        "[Field force]\nChar=pressure\nOffset=0\nType=u8\nUnit=mN\nMeaning=force\n"
        "[Characteristic motor]\nUUID=" UUID_B "\nUse=notify\n"
        "[Field running]\nChar=motor\nOffset=0\nType=u8\nMeaning=motor-running\n";

static void on_refused(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static void test_a_vendors_device(void) {
        g_autofree char *dir = g_dir_make_tmp("needled-profiles-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(dir, "made-up.mnprofile", NULL);
        g_autoptr(Profiles) profiles = profiles_new();
        StoreSession s = session("com.example.made-up", "0=" UUID_A ";1=" UUID_B);

        g_assert_true(g_file_set_contents(path, file, -1, NULL));
        profiles_load_folder(profiles, dir, on_refused, NULL);
        g_assert_nonnull(profiles_by_id(profiles, "com.example.made-up"));
        assert_head(profiles, &s, BEGIN("com.example.made-up", "my pen") "channel 0 pressure " UUID_A "\nchannel 1 motor " UUID_B "\n");

        s.channels = (char *) "0=" UUID_B ";4=" UUID_A; /* the file had another order then */
        assert_head(profiles, &s, BEGIN("com.example.made-up", "my pen") "channel 0 motor " UUID_B "\nchannel 4 pressure " UUID_A "\n");
        s.channels = (char *) "";       /* it did not remember */
        assert_head(profiles, &s, BEGIN("com.example.made-up", "my pen") "channel 0 pressure " UUID_A "\nchannel 1 motor " UUID_B "\n");
        s.channels = (char *) "0=" UUID_A ";1=" UUID_A; /* one name for two */
        assert_head(profiles, &s, BEGIN("com.example.made-up", "my pen") "channel 0 pressure " UUID_A "\nchannel 1 channel-1 " UUID_A "\n");
        (void) g_unlink(path);
        (void) g_rmdir(dir);
}

static void test_a_profile_that_went(void) {
        g_autofree char *many = NULL;
        g_autoptr(GString) all = g_string_new(NULL);
        StoreSession s = session("gone", "0=" UUID_A ";2=;nonsense;x=" UUID_A ";300=" UUID_A ";3=no-uuid;2=" UUID_B);

        assert_head(NULL, &s, BEGIN("gone", "my pen") "channel 0 channel-0 " UUID_A "\nchannel 2 channel-2\n");
        for (unsigned i = 0; i < 40; i++)
                g_string_append_printf(all, "%u=" UUID_A ";", i);
        s.channels = all->str;
        many = text_of(NULL, &s);
        g_assert_nonnull(strstr(many, "channel 31 "));
        g_assert_null(strstr(many, "channel 32 "));
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tape-head/omp", test_omp);
        g_test_add_func("/tape-head/labels", test_labels);
        g_test_add_func("/tape-head/no-profile", test_no_profile);
        g_test_add_func("/tape-head/a-vendors-device", test_a_vendors_device);
        g_test_add_func("/tape-head/a-profile-that-went", test_a_profile_that_went);
        return g_test_run();
}
