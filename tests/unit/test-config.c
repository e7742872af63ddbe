/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"

#define DAY (UINT64_C(86400) * G_USEC_PER_SEC)

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

static void remove_all(const char *dir) {
        g_autoptr(GDir) d = g_dir_open(dir, 0, NULL);
        const char *name;

        while (d && (name = g_dir_read_name(d))) {
                g_autofree char *path = g_build_filename(dir, name, NULL);

                if (g_remove(path) < 0)
                        remove_all(path);
        }
        (void) g_remove(dir);
}

static void remove_dir(const char *dir) {
        remove_all(dir);
        g_assert_false(g_file_test(dir, G_FILE_TEST_EXISTS));
}

/* What a folder as it is says; the caller frees. */
static char *check(const char *dir) {
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config, defaults;

        config_defaults(&config);
        config_defaults(&defaults);
        (void) config_load(&config, dir, take_warning, warnings);
        g_assert_cmpmem(&config, sizeof(config), &defaults, sizeof(defaults));
        return g_string_free(g_steal_pointer(&warnings), FALSE);
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
        g_assert_cmpuint(config.session_lead_in_usec, ==, 10 * G_USEC_PER_SEC);
        g_assert_cmpuint(config.session_time_limit_usec, ==, 900 * G_USEC_PER_SEC);
        g_assert_cmpint(config.limits_overpressure_mn, ==, LIMIT_OF_DEVICE);
        g_assert_cmpint(config.limits_contact_off_mn, ==, LIMIT_OF_DEVICE);
        g_assert_cmpuint(config.plan_rest_deeper_usec, ==, 42 * DAY);
        g_assert_cmpuint(config.plan_weekly_max, ==, 2);
        g_assert_cmpuint(config.plan_course_weeks, ==, 12);
        g_assert_true(config.bluetooth_set_parameters);
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

static void test_retention(void) {
        static const struct {
                const char *value;
                uint64_t days;
        } good[] = { { "2y", 730 }, { "90d", 90 }, { "26w", 182 }, { "1d", 1 }, { "100y", 36500 }, { "forever", 0 }, { "0", 0 } };
        Config c = load("", "");

        g_assert_cmpuint(c.store_retention_usec, ==, 0);
        g_assert_cmpuint(c.store_retention_count, ==, 0);
        for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
                g_autofree char *text = g_strdup_printf("[Store]\nRetention=%s\nRetentionCount=%zu\n", good[i].value, i);

                c = load(text, "");
                g_assert_cmpuint(c.store_retention_usec, ==, good[i].days * DAY);
                g_assert_cmpuint(c.store_retention_count, ==, i);
        }
}

/* A slip of the pen must not erase what somebody wanted to keep. */
static void test_bad_retention_erases_nothing(void) {
        Config c = load("[Store]\nRetention=2\nRetentionCount=-1\n",
                        "needled.conf:2: [Store] Retention=2 is neither an age from 1 to 36500 days (like 90d, 26w, 2y) nor \"forever\"; "
                        "keeping for ever\n"
                        "needled.conf:3: [Store] RetentionCount=-1 is not a number from 0 to 1000000; keeping 0\n");

        g_assert_cmpuint(c.store_retention_usec, ==, 0);
        g_assert_cmpuint(c.store_retention_count, ==, 0);
        c = load("[Store]\nRetention=1h\nRetentionCount=all\n",
                 "needled.conf:2: [Store] Retention=1h is neither an age from 1 to 36500 days (like 90d, 26w, 2y) nor \"forever\"; "
                 "keeping for ever\n"
                 "needled.conf:3: [Store] RetentionCount=all is not a number from 0 to 1000000; keeping 0\n");
        g_assert_cmpuint(c.store_retention_usec, ==, 0);
}

static void test_limits(void) {
        Config c = load("[Session]\nTimeLimit=0\nLeadIn=60\n"
                        "[Limits]\nOverpressure=2500\nHysteresis=2500 mN\nZoneLow=0\nZoneHigh=2499mN\nContactOn=150\nContactOff=150\n", "");

        g_assert_cmpuint(c.session_time_limit_usec, ==, 0);
        g_assert_cmpuint(c.session_lead_in_usec, ==, 60 * G_USEC_PER_SEC);
        g_assert_cmpint(c.limits_overpressure_mn, ==, 2500);
        g_assert_cmpint(c.limits_hysteresis_mn, ==, 2500);
        g_assert_cmpint(c.limits_zone_low_mn, ==, 0);
        g_assert_cmpint(c.limits_zone_high_mn, ==, 2499);
        g_assert_cmpint(c.limits_contact_on_mn, ==, 150);
        g_assert_cmpint(c.limits_contact_off_mn, ==, 150);
}

static void test_limits_out_of_bounds(void) {
        Config c = load("[Session]\nTimeLimit=25h\nLeadIn=61\n[Limits]\nOverpressure=99\nZoneHigh=32768\nZoneLow=-1\nContactOn=2 N\n",
                        "needled.conf:2: [Session] TimeLimit=25h is not a time from 0 to 86400 s (like 90, 90s, 2min); keeping 900 s\n"
                        "needled.conf:3: [Session] LeadIn=61 is not a time from 0 to 60 s (like 90, 90s, 2min); keeping 10 s\n"
                        "needled.conf:5: [Limits] Overpressure=99 is not a force from 100 to 32767 mN; keeping that of the device\n"
                        "needled.conf:6: [Limits] ZoneHigh=32768 is not a force from 1 to 32767 mN; keeping that of the device\n"
                        "needled.conf:7: [Limits] ZoneLow=-1 is not a force from 0 to 32767 mN; keeping that of the device\n"
                        "needled.conf:8: [Limits] ContactOn=2 N is not a force from 1 to 32767 mN; keeping that of the device\n");

        g_assert_cmpint(c.limits_overpressure_mn, ==, LIMIT_OF_DEVICE);
        g_assert_cmpint(c.limits_zone_low_mn, ==, LIMIT_OF_DEVICE);
}

/* Each force alone may be right. */
static void test_limits_among_themselves(void) {
        Config c = load("[Limits]\nHysteresis=1001\nOverpressure=1000\n",
                        "needled.conf:2: [Limits] Hysteresis=1001 must be at most Overpressure=1000; keeping that of the device\n");

        g_assert_cmpint(c.limits_hysteresis_mn, ==, LIMIT_OF_DEVICE);
        g_assert_cmpint(c.limits_overpressure_mn, ==, 1000);

        c = load("[Limits]\nZoneLow=300\nZoneHigh=1000\nOverpressure=1000\n",
                 "needled.conf:3: [Limits] ZoneHigh=1000 must be below Overpressure=1000; keeping that of the device\n");
        g_assert_cmpint(c.limits_zone_low_mn, ==, 300);
        g_assert_cmpint(c.limits_zone_high_mn, ==, LIMIT_OF_DEVICE);

        c = load("[Limits]\nZoneLow=700\nZoneHigh=700\n",
                 "needled.conf:2: [Limits] ZoneLow=700 must be below ZoneHigh=700; keeping that of the device\n");
        g_assert_cmpint(c.limits_zone_low_mn, ==, LIMIT_OF_DEVICE);
        g_assert_cmpint(c.limits_zone_high_mn, ==, 700);

        (void) load("[Limits]\nZoneLow=700\nOverpressure=600\n",
                    "needled.conf:2: [Limits] ZoneLow=700 must be below Overpressure=600; keeping that of the device\n");
        (void) load("[Limits]\nContactOn=100\nContactOff=200\n",
                    "needled.conf:3: [Limits] ContactOff=200 must be at most ContactOn=100; keeping that of the device\n");
}

/* The wrong one may be in another file than what it is compared with. */
static void test_limits_of_two_files(void) {
        g_autofree char *dir = make_dir();
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        write_file(dir, "needled.conf", "[Limits]\nOverpressure=5000\nZoneHigh=4000\n", -1);
        write_file(dir, "needled.conf.d/10.conf", "[Limits]\nOverpressure=3000\n", -1);
        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, warnings), ==, 1);
        g_assert_cmpstr(warnings->str, ==,
                        "needled.conf:3: [Limits] ZoneHigh=4000 must be below Overpressure=3000; keeping that of the device\n");
        g_assert_cmpint(config.limits_overpressure_mn, ==, 3000);
        g_assert_cmpint(config.limits_zone_high_mn, ==, LIMIT_OF_DEVICE);
        remove_dir(dir);
}

static void test_plan(void) {
        Config c = load("[Plan]\nRest0300um=0\nRest0500um=365d\nRest1000um=21d\nRestDeeper=48h\nWeeklyMax=7\nCourseWeeks=0\n", "");

        g_assert_cmpuint(c.plan_rest_300_usec, ==, 0);
        g_assert_cmpuint(c.plan_rest_500_usec, ==, 365 * DAY);
        g_assert_cmpuint(c.plan_rest_1000_usec, ==, 21 * DAY);
        g_assert_cmpuint(c.plan_rest_deeper_usec, ==, 2 * DAY);
        g_assert_cmpuint(c.plan_weekly_max, ==, 7);
        g_assert_cmpuint(c.plan_course_weeks, ==, 0);

        c = load("[Plan]\nRest0300um=366d\nWeeklyMax=8\nCourseWeeks=many\n",
                 "needled.conf:2: [Plan] Rest0300um=366d is not a time from 0 to 31536000 s (like 90, 90s, 2min); keeping 259200 s\n"
                 "needled.conf:3: [Plan] WeeklyMax=8 is not a number from 0 to 7; keeping 2\n"
                 "needled.conf:4: [Plan] CourseWeeks=many is not a number from 0 to 52; keeping 12\n");
        g_assert_cmpuint(c.plan_weekly_max, ==, 2);
}

static void test_set_parameters(void) {
        Config c = load("[Bluetooth]\nSetParameters=no\n", "");

        g_assert_false(c.bluetooth_set_parameters);
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
                        "needled.conf:2: not a [Group]; ignored\n"
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

/* ---- What else may be there instead of a file ---- */

static void assert_default(const char *dir, const char *expected) {
        g_autofree char *said = check(dir);

        g_assert_cmpstr(said, ==, expected);
        remove_dir(dir);
}

static void test_a_directory(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL);

        g_assert_cmpint(g_mkdir(path, 0755), ==, 0);
        assert_default(dir, "needled.conf:0: is a directory, not a file; ignored (move it away)\n");
}

/* Nobody writes to it: whoever opens it in the usual way waits for ever. */
static void test_a_pipe(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf.d/10.conf", NULL);

        g_assert_cmpint(mkfifo(path, 0644), ==, 0);
        assert_default(dir, "10.conf:0: is a pipe, not a file; ignored (move it away)\n");
}

static void test_a_device_without_end(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL);

        g_assert_cmpint(symlink("/dev/zero", path), ==, 0);
        assert_default(dir, "needled.conf:0: is a device, not a file; ignored (move it away)\n");
}

static void test_links_that_lead_nowhere(void) {
        g_autofree char *dir = make_dir(), *loop = g_build_filename(dir, "needled.conf.d/10.conf", NULL);
        g_autofree char *gone = g_build_filename(dir, "needled.conf.d/20.conf", NULL);

        g_assert_cmpint(symlink("10.conf", loop), ==, 0);
        g_assert_cmpint(symlink("nothing", gone), ==, 0);
        assert_default(dir, "10.conf:0: cannot be read (Too many levels of symbolic links); ignored\n"
                            "20.conf:0: is a symbolic link to a file that is not there; ignored (remove it, or put the file there)\n");
}

static void test_a_huge_file(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL);

        write_file(dir, "needled.conf", "[Session]\nWindow=1\n", -1);
        g_assert_cmpint(truncate(path, INT64_C(1) << 40), ==, 0);
        assert_default(dir, "needled.conf:0: is not a UTF-8 text of at most 64 KiB; ignored\n");
}

/* As long as a file may be, and each of its lines wrong: said in less than a moment, as each is looked up once. */
static void test_a_file_of_mistakes(void) {
        g_autofree char *dir = make_dir(), *said = NULL;
        g_autoptr(GString) text = g_string_new("[Session]\n");

        while (text->len < 65500)
                g_string_append_printf(text, "k%zx=\n", text->len);
        write_file(dir, "needled.conf", text->str, -1);
        said = check(dir);
        g_assert_true(g_str_has_prefix(said, "needled.conf:2: unknown key ka in [Session]; ignored\n"));
        remove_dir(dir);
}

static void test_a_drop_in_folder_that_is_none(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf.d", NULL);

        g_assert_cmpint(g_remove(path), ==, 0);
        write_file(dir, "needled.conf.d", "", 0);
        assert_default(dir, "needled.conf.d:0: is not a directory; no file of it is read (move it away)\n");
}

/* In which order a folder tells them is its own matter; which of them count must not be. */
static void test_too_many_drop_ins(void) {
        g_autofree char *dir = make_dir();
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        for (unsigned i = 2000; i > 0; i--) {
                g_autofree char *name = g_strdup_printf("needled.conf.d/%05u.conf", i), *path = g_build_filename(dir, name, NULL);
                g_autofree char *text = g_strdup_printf("[Session]\nWindow=%u\n", i);

                g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL));
        }
        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, warnings), ==, 1);
        g_assert_cmpstr(warnings->str, ==,
                        "needled.conf.d:0: has 2000 files; only the first 256 are read, by their names (put them together)\n");
        g_assert_cmpuint(config.session_window_usec, ==, 256 * G_USEC_PER_SEC);
        remove_dir(dir);
}

/* It counts, since somebody may have meant it so. */
static void test_a_file_that_everybody_may_write(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL);
        g_autoptr(GString) warnings = g_string_new(NULL);
        Config config;

        write_file(dir, "needled.conf", "[Session]\nWindow=1\n", -1);
        g_assert_cmpint(g_chmod(path, 0646), ==, 0);
        config_defaults(&config);
        g_assert_cmpuint(config_load(&config, dir, take_warning, warnings), ==, 1);
        g_assert_cmpstr(warnings->str, ==, "needled.conf:0: can be changed by every user; take that from them: chmod o-w\n");
        g_assert_cmpuint(config.session_window_usec, ==, G_USEC_PER_SEC);
        remove_dir(dir);
}

/* root's group and the service's own are nobody else's. */
static void test_a_file_that_a_group_may_write(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL), *own = NULL, *other = NULL;

        write_file(dir, "needled.conf", "", -1);
        g_assert_cmpint(chown(path, (uid_t) -1, getegid()), ==, 0);
        g_assert_cmpint(g_chmod(path, 0664), ==, 0);
        own = check(dir);
        g_assert_cmpstr(own, ==, "");

        if (geteuid() == 0) { /* who may give it to a group of others */
                g_assert_cmpint(chown(path, 0, 12345), ==, 0);
                other = check(dir);
                g_assert_cmpstr(other, ==, "needled.conf:0: can be changed by every member of its group; take that from them: chmod g-w\n");
                g_assert_cmpint(g_chmod(path, 0644), ==, 0);
        }
        assert_default(dir, "");
}

/* By the service, while root can: what it says is what root has to do. */
static void test_a_file_that_cannot_be_read(void) {
        g_autofree char *dir = make_dir(), *path = g_build_filename(dir, "needled.conf", NULL), *said = NULL;
        g_autofree char *drop_ins = g_build_filename(dir, "needled.conf.d", NULL);
        bool root = geteuid() == 0;

        write_file(dir, "needled.conf", "[Session]\nWindow=1\n", -1);
        g_assert_cmpint(g_chmod(dir, 0755), ==, 0);
        g_assert_cmpint(g_chmod(path, root ? 0600 : 0), ==, 0);
        g_assert_cmpint(g_chmod(drop_ins, root ? 0700 : 0), ==, 0);
        g_assert_true(!root || seteuid(65534) == 0);
        said = check(dir);
        g_assert_true(!root || seteuid(0) == 0);
        g_assert_cmpint(g_chmod(drop_ins, 0700), ==, 0);
        g_assert_cmpstr(said, ==, "needled.conf:0: cannot be read (Permission denied); ignored (chmod a+rX makes it readable for the service)\n"
                                  "needled.conf.d:0: cannot be read (Permission denied); ignored (chmod a+rX makes it readable for the service)\n");
        remove_dir(dir);
}

static void test_group_heads(void) {
        (void) load("[Session] x\nWindow=1\n[]\n[a[b]\n",
                    "needled.conf:1: not a [Group]; ignored\n"
                    "needled.conf:2: a key outside of any [Group]; ignored\n"
                    "needled.conf:3: not a [Group]; ignored\n"
                    "needled.conf:4: not a [Group]; ignored\n");
}

/* ---- What is written about the keys ---- */

static char *read_source(const char *name) {
        g_autofree char *path = g_test_build_filename(G_TEST_DIST, "..", name, NULL);
        char *text;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        return text;
}

/* The line "#Key=" of the group, without its '#'; NULL: there is none. Fails if there are two. */
static char *shown_line(const char *text, const char *group, const char *key) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *head = g_strdup_printf("[%s]", group), *start = g_strdup_printf("#%s=", key);
        char *found = NULL;
        gboolean inside = FALSE;

        for (char **line = lines; *line; line++) {
                if (**line == '[')
                        inside = g_str_equal(*line, head);
                if (!inside || !g_str_has_prefix(*line, start))
                        continue;
                g_assert_null(found);
                found = g_strdup(*line + 1);
        }

        return found;
}

/* Each key once, with its default: with all '#' taken away nothing changes. */
static void test_the_shipped_file_shows_the_defaults(void) {
        g_autofree char *text = read_source("systemd/needled.conf.in");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        unsigned shown = 0;

        for (char **line = lines; *line; line++)
                shown += (*line)[0] == '#' && g_ascii_isupper((*line)[1]) && strchr(*line, '=');
        g_assert_cmpuint(shown, ==, config_n_keys());
        (void) load(text, "");

        for (unsigned i = 0; i < config_n_keys(); i++) {
                const char *group, *key;
                g_autofree char *described = NULL, *line = NULL, *other = NULL, *dir = NULL;

                config_describe(i, &group, &key, &described);
                line = shown_line(text, group, key);
                if (!line)
                        g_error("needled.conf does not show [%s] %s", group, key);
                if (g_str_has_suffix(line, "=")) { /* of the device */
                        g_assert_true(g_str_has_suffix(described, "default that of the device"));
                        continue;
                }

                dir = make_dir();
                other = g_strdup_printf("[%s]\n%s\n", group, line);
                write_file(dir, "needled.conf", other, -1);
                assert_default(dir, "");
        }
}

static void test_the_manual_describes_each_key(void) {
        g_autofree char *text = read_source("docs/man/needled.conf.5.in");
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        unsigned described = 0;

        for (char **line = lines; *line; line++)
                described += g_str_has_prefix(*line, ".BR ") && g_str_has_suffix(*line, "=");
        g_assert_cmpuint(described, ==, config_n_keys());
        for (unsigned i = 0; i < config_n_keys(); i++) {
                const char *group, *key, *entry, *section;
                g_autofree char *words = NULL, *head = NULL, *sentence = NULL;

                config_describe(i, &group, &key, &words);
                words[0] = g_ascii_toupper(words[0]);
                head = g_strdup_printf("\n.SH %s\n", group);
                sentence = g_strdup_printf("\n.TP\n.BR %s=\n%s.\n", key, words);
                section = strstr(text, head);
                entry = section ? strstr(section, sentence) : NULL;
                if (!entry)
                        g_error("needled.conf(5) does not say in [%s]:%s", group, sentence);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/config/missing-is-default", test_missing_is_default);
        g_test_add_func("/config/values", test_values);
        g_test_add_func("/config/bad-values-keep-the-default", test_bad_values_keep_the_default);
        g_test_add_func("/config/release-time", test_release_time);
        g_test_add_func("/config/retention", test_retention);
        g_test_add_func("/config/bad-retention-erases-nothing", test_bad_retention_erases_nothing);
        g_test_add_func("/config/limits", test_limits);
        g_test_add_func("/config/limits-out-of-bounds", test_limits_out_of_bounds);
        g_test_add_func("/config/limits-among-themselves", test_limits_among_themselves);
        g_test_add_func("/config/limits-of-two-files", test_limits_of_two_files);
        g_test_add_func("/config/plan", test_plan);
        g_test_add_func("/config/set-parameters", test_set_parameters);
        g_test_add_func("/config/negative-and-huge-times", test_negative_and_huge_times);
        g_test_add_func("/config/unknown-names", test_unknown_names);
        g_test_add_func("/config/unreadable-lines-cost-only-themselves", test_unreadable_lines_cost_only_themselves);
        g_test_add_func("/config/drop-ins-win-in-order", test_drop_ins_win_in_order);
        g_test_add_func("/config/binary-file", test_binary_file);
        g_test_add_func("/config/a-directory", test_a_directory);
        g_test_add_func("/config/a-pipe", test_a_pipe);
        g_test_add_func("/config/a-device-without-end", test_a_device_without_end);
        g_test_add_func("/config/links-that-lead-nowhere", test_links_that_lead_nowhere);
        g_test_add_func("/config/a-huge-file", test_a_huge_file);
        g_test_add_func("/config/a-file-of-mistakes", test_a_file_of_mistakes);
        g_test_add_func("/config/a-drop-in-folder-that-is-none", test_a_drop_in_folder_that_is_none);
        g_test_add_func("/config/too-many-drop-ins", test_too_many_drop_ins);
        g_test_add_func("/config/a-file-that-everybody-may-write", test_a_file_that_everybody_may_write);
        g_test_add_func("/config/a-file-that-a-group-may-write", test_a_file_that_a_group_may_write);
        g_test_add_func("/config/a-file-that-cannot-be-read", test_a_file_that_cannot_be_read);
        g_test_add_func("/config/group-heads", test_group_heads);
        g_test_add_func("/config/the-shipped-file-shows-the-defaults", test_the_shipped_file_shows_the_defaults);
        g_test_add_func("/config/the-manual-describes-each-key", test_the_manual_describes_each_key);
        return g_test_run();
}
