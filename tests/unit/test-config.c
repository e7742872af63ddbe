/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>

#include "config.h"

static void take_warning(const char *file, unsigned line, const char *message, void *userdata) {
        g_autofree char *base = g_path_get_basename(file);

        g_string_append_printf(userdata, "%s:%u: %s\n", base, line, message);
}

static char *make_dir(void) {
        char *dir = g_dir_make_tmp("needled-config-XXXXXX", NULL);
        g_autofree char *drop_ins = g_build_filename(dir, "needled.conf.d", NULL);

        g_assert_cmpint(g_mkdir(drop_ins, 0700), ==, 0);
        return dir;
}

static void write_file(const char *dir, const char *name, const char *text, gssize size) {
        g_autofree char *path = g_build_filename(dir, name, NULL);

        g_assert_true(g_file_set_contents(path, text, size, NULL));
}

static void remove_dir(const char *dir) {
        static const char *const names[] = { "needled.conf.d/10.conf", "needled.conf.d/20.conf", "needled.conf.d/ignored",
                                             "needled.conf.d", "needled.conf" };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                g_autofree char *path = g_build_filename(dir, names[i], NULL);

                (void) g_remove(path);
        }
        g_assert_cmpint(g_remove(dir), ==, 0);
}

static Config load(const char *text, const char *expected_warnings) {
        g_autofree char *dir = make_dir();
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        write_file(dir, "needled.conf", text, -1);
        config_defaults(&config);
        (void) config_load(&config, dir, take_warning, warnings);
        g_assert_cmpstr(warnings->str, ==, expected_warnings);
        remove_dir(dir);
        return config;
}

static void test_missing_is_default(void) {
        g_autofree char *dir = make_dir();
        Config config;

        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, NULL), ==, 0);
        g_assert_cmpuint(config.session_window_usec, ==, 600 * G_USEC_PER_SEC);
        g_assert_cmpuint(config.session_idle_timeout_usec, ==, 120 * G_USEC_PER_SEC);
        g_assert_true(config.session_auto_start);
        g_assert_false(config.bluetooth_allow_broadcast);
        g_assert_cmpuint(config.bluetooth_release_usec, ==, 0);
        remove_dir(dir);
}

static void test_values(void) {
        Config c = load("# comment\n[Session]\nWindow=2min\nIdleTimeout = 45 s\nAutoStart=no\n[Bluetooth]\nAllowBroadcast=yes\n", "");

        g_assert_cmpuint(c.session_window_usec, ==, 120 * G_USEC_PER_SEC);
        g_assert_cmpuint(c.session_idle_timeout_usec, ==, 45 * G_USEC_PER_SEC);
        g_assert_false(c.session_auto_start);
        g_assert_true(c.bluetooth_allow_broadcast);
}

static void test_bad_values_keep_the_default(void) {
        Config c = load("[Session]\nWindow=soon\nIdleTimeout=0\nAutoStart=perhaps\n",
                        "needled.conf:2: [Session] Window=soon is not a time from 1 to 86400 s (like 90, 90s, 2min); keeping 600 s\n"
                        "needled.conf:3: [Session] IdleTimeout=0 is not a time from 1 to 86400 s (like 90, 90s, 2min); keeping 120 s\n"
                        "needled.conf:4: [Session] AutoStart=perhaps is neither yes nor no; keeping yes\n");

        g_assert_cmpuint(c.session_window_usec, ==, 600 * G_USEC_PER_SEC);
        g_assert_true(c.session_auto_start);
}

static void test_release_time(void) {
        Config c = load("[Bluetooth]\nReleaseTime=2h\n", "");

        g_assert_cmpuint(c.bluetooth_release_usec, ==, UINT64_C(7200000000));
        c = load("[Bluetooth]\nReleaseTime=30d\n", "");
        g_assert_cmpuint(c.bluetooth_release_usec, ==, UINT64_C(2592000000000));
        c = load("[Bluetooth]\nReleaseTime=0\n", "");
        g_assert_cmpuint(c.bluetooth_release_usec, ==, 0);
        c = load("[Bluetooth]\nReleaseTime=31d\n",
                 "needled.conf:2: [Bluetooth] ReleaseTime=31d is not a time from 0 to 2592000 s (like 90, 90s, 2min); keeping 0 s\n");
        g_assert_cmpuint(c.bluetooth_release_usec, ==, 0);
}

static void test_negative_and_huge_times(void) {
        (void) load("[Session]\nWindow=-1\nIdleTimeout=99999999999999999999h\n",
                    "needled.conf:2: [Session] Window=-1 is not a time from 1 to 86400 s (like 90, 90s, 2min); keeping 600 s\n"
                    "needled.conf:3: [Session] IdleTimeout=99999999999999999999h is not a time from 1 to 86400 s (like 90, 90s, 2min); "
                    "keeping 120 s\n");
}

static void test_unknown_names(void) {
        (void) load("[Session]\n\nWindows=5\n[Sesion]\nWindow=5\n",
                    "needled.conf:3: unknown key Windows in [Session]; ignored\n"
                    "needled.conf:4: unknown group [Sesion]; ignored\n");
}

static void test_unreadable_lines_cost_only_themselves(void) {
        Config c = load("Window=1\n[Session\n[Session]\nnonsense\nWindow=30\n=3\n",
                        "needled.conf:1: a key outside of any [Group]; ignored\n"
                        "needled.conf:2: group header without ]; ignored\n"
                        "needled.conf:4: neither a [Group] nor Key=Value; ignored\n"
                        "needled.conf:6: neither a [Group] nor Key=Value; ignored\n");

        g_assert_cmpuint(c.session_window_usec, ==, 30 * G_USEC_PER_SEC);
}

static void test_drop_ins_win_in_order(void) {
        g_autofree char *dir = make_dir();
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        write_file(dir, "needled.conf", "[Session]\nWindow=10\nIdleTimeout=10\n", -1);
        write_file(dir, "needled.conf.d/20.conf", "[Session]\nWindow=30\n", -1);
        write_file(dir, "needled.conf.d/10.conf", "[Session]\nWindow=20\nBad=1\n", -1);
        write_file(dir, "needled.conf.d/ignored", "[Session]\nWindow=99\n", -1);
        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, warnings), ==, 1);
        g_assert_cmpstr(warnings->str, ==, "10.conf:3: unknown key Bad in [Session]; ignored\n");
        g_assert_cmpuint(config.session_window_usec, ==, 30 * G_USEC_PER_SEC);
        g_assert_cmpuint(config.session_idle_timeout_usec, ==, 10 * G_USEC_PER_SEC);
        remove_dir(dir);
}

static void test_binary_file(void) {
        g_autofree char *dir = make_dir();
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        write_file(dir, "needled.conf", "[Session]\n\0Window=1\n", 20);
        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, warnings), ==, 1);
        g_assert_cmpstr(warnings->str, ==, "needled.conf:0: is not a UTF-8 text of at most 64 KiB; ignored\n");
        remove_dir(dir);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/missing-is-default", test_missing_is_default);
        g_test_add_func("/config/values", test_values);
        g_test_add_func("/config/bad-values-keep-the-default", test_bad_values_keep_the_default);
        g_test_add_func("/config/release-time", test_release_time);
        g_test_add_func("/config/negative-and-huge-times", test_negative_and_huge_times);
        g_test_add_func("/config/unknown-names", test_unknown_names);
        g_test_add_func("/config/unreadable-lines-cost-only-themselves", test_unreadable_lines_cost_only_themselves);
        g_test_add_func("/config/drop-ins-win-in-order", test_drop_ins_win_in_order);
        g_test_add_func("/config/binary-file", test_binary_file);
        return g_test_run();
}
