/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "simulator/peripheral-tape.h"

#define MSEC UINT64_C(1000)
#define SEC UINT64_C(1000000)

#define STATUS "03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00"
#define LIVE "01 1b 02 01 4e 61 bc 00 52 03 96 05 40 e2 01 00 26 61 f4 01"
#define FEATURE "01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff"

static const char tape[] =
        "needled-tape 1\nprofile omp1\n0 ! up\n"
        "0.0 < feature " FEATURE "\n"
        "0.5 < status " STATUS "\n"
        "1 < live " LIVE "\n"
        "1 > control-point 05\n"
        "1.5 ! lost\n"
        "2 < live " LIVE "\n"
        "4 < channel-77 00\n"
        "6 < live " LIVE "\n"
        "8 = device\n";

/* A client on the other side of the air: what comes, with when, as words. */
typedef struct Air {
        TapeFile *file;
        ProfileFile *profile;
        TapePlay play;
        PeripheralConfig config;
        Peripheral *p;
        uint64_t start_usec, now_usec;
        GString *heard;                 /* "live@1000" in ms since `start_usec` */
} Air;

static PeripheralSent on_notify(unsigned index, const uint8_t *data, size_t size, void *userdata) {
        Air *air = userdata;
        unsigned n;

        g_assert_true(peripheral_subscribed(air->p, index));
        g_string_append_printf(air->heard, "%s%s@%u", air->heard->len > 0 ? " " : "", peripheral_chars(air->p, &n)[index].name,
                               (unsigned) ((air->now_usec - air->start_usec) / MSEC));
        return PERIPHERAL_SENT;
}

static const PeripheralOps ops = { .notify = on_notify };

static char *write_temporary(const char *text) {
        g_autofree char *path = NULL;
        int fd = g_file_open_tmp("needled-test-XXXXXX", &path, NULL);

        g_assert_cmpint(fd, >=, 0);
        g_assert_true(g_close(fd, NULL));
        g_assert_true(g_file_set_contents(path, text, -1, NULL));
        return g_steal_pointer(&path);
}

static int load(const char *text, TapeFile **ret, char **ret_problem) {
        g_autofree char *path = write_temporary(text);
        int r = tape_file_load(path, ret, ret_problem);

        g_unlink(path);
        return r;
}

static void air_make(Air *air) {
        air->config.make = peripheral_tape_make;
        air->config.from = &air->play;
        air->p = peripheral_new(&air->config, &ops, air);
        air->start_usec = air->now_usec = 1000 * SEC;
        peripheral_advance(air->p, air->now_usec);
}

static Air *air_new(const char *text, double speed, bool loop) {
        Air *air = g_new0(Air, 1);
        char *problem;

        g_assert_cmpint(load(text, &air->file, &problem), ==, 0);
        g_assert_null(problem);
        air->heard = g_string_new(NULL);
        air->play = (TapePlay) { .file = air->file, .loop = loop };
        peripheral_config_defaults(&air->config, OMP_KIND_PEN);
        air->config.speed = speed;
        air_make(air);
        return air;
}

static void air_free(Air *air) {
        peripheral_free(air->p);
        tape_file_free(air->file);
        profile_file_free(air->profile);
        g_string_free(air->heard, TRUE);
        g_free(air);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Air, air_free)

static void run(Air *air, uint64_t usec) {
        uint64_t end = air->now_usec + usec, next;

        while ((next = MAX(peripheral_next(air->p), air->now_usec)) <= end) {
                air->now_usec = next;
                peripheral_advance(air->p, next);
                g_assert_cmpuint(peripheral_next(air->p), >, next); /* else a loop would turn for ever */
        }
        air->now_usec = end;
        peripheral_advance(air->p, end);
}

static unsigned index_of(const Air *air, const char *name) {
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        for (unsigned i = 0; i < n; i++)
                if (g_str_equal(chars[i].name, name))
                        return i;
        g_assert_not_reached();
}

static void listen(Air *air, const char *name) {
        peripheral_subscribe(air->p, index_of(air, name), true);
}

static void heard(Air *air, const char *expected) {
        g_assert_cmpstr(air->heard->str, ==, expected);
        g_string_truncate(air->heard, 0);
}

static void frames_come_at_their_times_and_then_it_rests(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        run(air, 10 * SEC);
        g_assert_false(peripheral_running(air->p)); /* nobody listens */
        air->start_usec = air->now_usec;
        listen(air, "live");
        listen(air, "status");
        run(air, 60 * SEC);
        heard(air, "status@1500 live@2000 live@3000 live@7000 status@9000");
        g_assert_false(peripheral_running(air->p));
        g_assert_cmpuint(peripheral_next(air->p), ==, UINT64_MAX);
}

static void it_waits_for_the_last_of_the_subscriptions(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        listen(air, "live");
        run(air, 900 * MSEC);
        listen(air, "status");
        run(air, 900 * MSEC);
        listen(air, "event");
        run(air, 1400 * MSEC);
        listen(air, "feature"); /* too late to be waited for */
        run(air, 60 * SEC);
        heard(air, "status@3300 live@3800 live@4800 live@8800 status@10800");
}

/* "A write of 1 over 1 restarts nothing", and is not waited for. */
static void what_is_subscribed_already_is_not_waited_for(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        listen(air, "live");
        for (unsigned i = 0; i < 4; i++) {
                run(air, 500 * MSEC);
                listen(air, "live");
        }
        heard(air, "live@2000");
}

static void the_last_status_says_that_it_rests(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);
        unsigned status = index_of(air, "status");
        uint8_t buf[PERIPHERAL_VALUE_MAX];
        OmpStatus s;
        int n;

        for (unsigned at = 0; at < 3; at++) {
                n = peripheral_read(air->p, status, buf, sizeof(buf));
                g_assert_cmpint(omp_status_decode(buf, (size_t) n, &s), ==, 0);
                g_assert_cmpuint(s.state, ==, at == 1 ? OMP_STATE_RUNNING : OMP_STATE_IDLE);
                g_assert_cmpuint(s.session_id, ==, at == 1 ? 57 : 0);
                listen(air, "live");
                run(air, at == 0 ? 2 * SEC : 10 * SEC);
        }
}

static void what_nobody_listens_to_is_not_sent(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        listen(air, "live");
        run(air, 2500 * MSEC);
        peripheral_disconnected(air->p);
        run(air, 1 * SEC);
        listen(air, "live"); /* the tape went on meanwhile, and does not begin again */
        run(air, 60 * SEC);
        heard(air, "live@2000 live@7000");
}

static void start_begins_it_again(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        listen(air, "live");
        run(air, 60 * SEC);
        heard(air, "live@2000 live@3000 live@7000");
        air->start_usec = air->now_usec;
        peripheral_start(air->p);
        g_assert_true(peripheral_running(air->p));
        run(air, 1500 * MSEC);
        heard(air, "live@1000");
        peripheral_start(air->p); /* from the beginning */
        run(air, 60 * SEC);
        heard(air, "live@2500 live@3500 live@7500");
}

static void stop_ends_it(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);

        listen(air, "live");
        listen(air, "status");
        run(air, 2500 * MSEC);
        heard(air, "status@1500 live@2000");
        peripheral_stop(air->p);
        run(air, 60 * SEC);
        heard(air, "status@2500");
        g_assert_false(peripheral_running(air->p));
        g_assert_cmpint(peripheral_control(air->p, "malformed", "1"), ==, -ENOENT);
}

static void times_are_divided_by_the_speed(void) {
        g_autoptr(Air) air = air_new(tape, 4, false);

        listen(air, "live");
        run(air, 60 * SEC);
        heard(air, "live@1250 live@1500 live@2500");
}

static void a_loop_begins_where_the_tape_ends(void) {
        g_autoptr(Air) air = air_new(tape, 1, true);

        listen(air, "live");
        run(air, 18 * SEC);
        heard(air, "live@2000 live@3000 live@7000 live@10000 live@11000 live@15000 live@18000");
        g_assert_true(peripheral_running(air->p));
}

static void a_tape_without_length_does_not_loop(void) {
        g_autoptr(Air) air = air_new("needled-tape 1\nprofile omp1\n0 < live " LIVE "\n", 1, true);

        listen(air, "live");
        run(air, 18 * SEC);
        heard(air, "live@1000");
        g_assert_false(peripheral_running(air->p));
}

static void the_table_holds_what_is_on_the_tape(void) {
        g_autoptr(Air) air = air_new(tape, 1, false), more = air_new("needled-tape 1\nprofile omp1\n0 < waveform 00\n0 < clock 00\n0 < racp 00\n", 1, false);
        static const char *const names[] = { "feature", "live", "event", "status" };
        static const char *const more_names[] = { "feature", "live", "waveform", "event", "status", "clock" };
        unsigned n;
        const PeripheralChar *chars = peripheral_chars(air->p, &n);

        g_assert_cmpuint(n, ==, G_N_ELEMENTS(names));
        for (unsigned i = 0; i < n; i++) {
                g_assert_cmpstr(chars[i].name, ==, names[i]);
                g_assert_cmpstr(chars[i].service, ==, OMP_SERVICE_UUID);
                g_assert_cmpint(chars[i].encrypted, ==, i > 0);
        }
        chars = peripheral_chars(more->p, &n);
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(more_names));
        for (unsigned i = 0; i < n; i++)
                g_assert_cmpstr(chars[i].name, ==, more_names[i]);
        g_assert_cmpint(peripheral_write(air->p, 0, (const uint8_t *) "", 1), ==, -PERIPHERAL_WRITE_NOT_PERMITTED);
}

static void feature_is_the_tapes(void) {
        static const uint8_t octets[] = { 0x01, 0x00, 0xff, 0x0e, 0x0a, 0x00, 0x03, 0x10, 0x00, 0x20, 0x4e,
                                          0xae, 0x1e, 0xe8, 0x03, 0xc4, 0x09, 0xc8, 0x00, 0xff, 0xff };
        g_autoptr(Air) air = air_new(tape, 1, false), bare = air_new("needled-tape 1\nprofile omp1\n0 < waveform 00\n", 1, false);
        uint8_t buf[PERIPHERAL_VALUE_MAX];
        OmpFeature f;
        int n = peripheral_read(air->p, index_of(air, "feature"), buf, sizeof(buf));

        g_assert_cmpmem(buf, (size_t) n, octets, sizeof(octets));
        n = peripheral_read(bare->p, index_of(bare, "feature"), buf, sizeof(buf));
        g_assert_cmpint(omp_feature_decode(buf, (size_t) n, &f), ==, 0);
        g_assert_cmpuint(f.kind, ==, OMP_KIND_UNKNOWN);
        g_assert_true(f.bits & OMP_FEATURE_WAVEFORM && f.bits & OMP_FEATURE_STROKES);
}

static void a_value_beyond_the_mtu_is_refused(void) {
        g_autoptr(Air) air = air_new("needled-tape 1\nprofile omp1\n0 < live " LIVE "\n1 < live " LIVE " 00\n2 < live " LIVE " 00\n", 1, false);

        listen(air, "live");
        run(air, 2500 * MSEC);
        heard(air, "live@1000");
        peripheral_set_value_max(air->p, 21);
        run(air, 60 * SEC);
        heard(air, "live@3000");
        g_assert_cmpuint(peripheral_counters(air->p)->sent[index_of(air, "live")], ==, 3);
        g_assert_cmpuint(peripheral_counters(air->p)->refused[index_of(air, "live")], ==, 1);
}

static void it_advertises_the_profile(void) {
        g_autoptr(Air) air = air_new(tape, 1, false);
        PeripheralAdvertisement shown;

        peripheral_advertisement(air->p, &shown);
        g_assert_cmpstr(shown.services[0], ==, OMP_SERVICE_UUID);
        g_assert_cmpuint(shown.service_data_size, ==, 3);
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_MODEL), ==, "Tape");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_SERIAL), ==, "P000001");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_HARDWARE), ==, "");
        g_assert_cmpuint(peripheral_battery(air->p), ==, 100);
}

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

/* A vendor's tape: its characteristics by their UUIDs, whatever number they had when it was recorded. */
static void a_vendors_tape_is_played_on_its_profile(void) {
        static const char text[] = "needled-tape 1\nprofile com.oralb.brush\n"
                                   "channel 20 stand a0f0ff04-5047-4d53-8208-4f72616c2d42\n"
                                   "channel 3 gone a0f0ffff-5047-4d53-8208-4f72616c2d42\n"
                                   "channel 4 adv\n0 < stand 03 00\n0.5 < gone 00\n0.5 < adv 00\n1 < stand 02 00\n";
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "daemon", "profiles", "oralb.mnprofile", NULL);
        g_autoptr(Air) air = air_new(text, 1, false);
        PeripheralAdvertisement shown;
        uint8_t buf[PERIPHERAL_VALUE_MAX];

        peripheral_free(air->p);
        g_assert_cmpint(profile_file_load(path, on_report, NULL, &air->profile), ==, 0);
        air->play.profile = air->profile;
        air_make(air);
        listen(air, "state");
        run(air, 60 * SEC);
        heard(air, "state@1000 state@2000");
        peripheral_advertisement(air->p, &shown);
        g_assert_cmpstr(shown.services[0], ==, "a0f0ff00-5047-4d53-8208-4f72616c2d42");
        g_assert_cmpstr(peripheral_info(air->p, PERIPHERAL_MANUFACTURER), ==, "Oral-B");
        g_assert_cmpint(peripheral_read(air->p, index_of(air, "battery"), buf, sizeof(buf)), ==, 0); /* the tape knows none */
}

static void a_tape_that_is_cut_is_used_up_to_there(void) {
        g_autofree char *problem = NULL;
        TapeFile *file;

        g_assert_cmpint(load("needled-tape 1\nprofile omp1\n0 < live 00\n1 < live 01\n2 < live 0", &file, &problem), ==, 0);
        g_assert_true(g_str_has_suffix(problem, ":5: half an octet: a hexadecimal digit is missing"));
        g_assert_cmpuint(file->frames->len, ==, 2);
        tape_file_free(file);
}

static void what_is_no_tape_is_refused(void) {
        static const struct {
                const char *text, *problem;
        } wrong[] = {
                { "", ": nothing that a device sent is on this tape" },
                { "# hello\n", ":1: this is no tape: the first line is not \"needled-tape 1\"" },
                { "needled-tape 2\n", ":1: a later version of tapes than this program reads" },
                { "needled-tape 1\nprofile omp1\n0 ! up\n0 > clock 00\n", ": nothing that a device sent is on this tape" },
        };
        TapeFile *file = NULL;

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *problem = NULL;

                g_assert_cmpint(load(wrong[i].text, &file, &problem), ==, -EBADMSG);
                g_assert_true(g_str_has_suffix(problem, wrong[i].problem));
        }
        for (unsigned i = 0; i < 2; i++) {
                g_autofree char *problem = NULL;

                g_assert_cmpint(tape_file_load(i == 0 ? "/nonexistent/tape" : "/", &file, &problem), ==, i == 0 ? -ENOENT : -EIO);
                g_assert_nonnull(problem);
        }
        g_assert_null(file);
}

static void what_is_too_large_is_refused(void) {
        g_autofree char *path = write_temporary(tape), *problem = NULL;
        TapeFile *file;
        FILE *f = g_fopen(path, "r+");

        g_assert_nonnull(f);
        g_assert_cmpint(fseek(f, TAPE_FILE_SIZE_MAX, SEEK_SET), ==, 0);
        g_assert_cmpint(fputc('\n', f), ==, '\n'); /* a hole up to here */
        fclose(f);
        g_assert_cmpint(tape_file_load(path, &file, &problem), ==, -EFBIG);
        g_assert_true(g_str_has_suffix(problem, ": longer than 64 MiB"));
        g_unlink(path);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/peripheral-tape/frames-come-at-their-times-and-then-it-rests", frames_come_at_their_times_and_then_it_rests);
        g_test_add_func("/peripheral-tape/it-waits-for-the-last-of-the-subscriptions", it_waits_for_the_last_of_the_subscriptions);
        g_test_add_func("/peripheral-tape/what-is-subscribed-already-is-not-waited-for", what_is_subscribed_already_is_not_waited_for);
        g_test_add_func("/peripheral-tape/the-last-status-says-that-it-rests", the_last_status_says_that_it_rests);
        g_test_add_func("/peripheral-tape/what-nobody-listens-to-is-not-sent", what_nobody_listens_to_is_not_sent);
        g_test_add_func("/peripheral-tape/start-begins-it-again", start_begins_it_again);
        g_test_add_func("/peripheral-tape/stop-ends-it", stop_ends_it);
        g_test_add_func("/peripheral-tape/times-are-divided-by-the-speed", times_are_divided_by_the_speed);
        g_test_add_func("/peripheral-tape/a-loop-begins-where-the-tape-ends", a_loop_begins_where_the_tape_ends);
        g_test_add_func("/peripheral-tape/a-tape-without-length-does-not-loop", a_tape_without_length_does_not_loop);
        g_test_add_func("/peripheral-tape/the-table-holds-what-is-on-the-tape", the_table_holds_what_is_on_the_tape);
        g_test_add_func("/peripheral-tape/feature-is-the-tapes", feature_is_the_tapes);
        g_test_add_func("/peripheral-tape/a-value-beyond-the-mtu-is-refused", a_value_beyond_the_mtu_is_refused);
        g_test_add_func("/peripheral-tape/it-advertises-the-profile", it_advertises_the_profile);
        g_test_add_func("/peripheral-tape/a-vendors-tape-is-played-on-its-profile", a_vendors_tape_is_played_on_its_profile);
        g_test_add_func("/peripheral-tape/a-tape-that-is-cut-is-used-up-to-there", a_tape_that_is_cut_is_used_up_to_there);
        g_test_add_func("/peripheral-tape/what-is-no-tape-is-refused", what_is_no_tape_is_refused);
        g_test_add_func("/peripheral-tape/what-is-too-large-is-refused", what_is_too_large_is_refused);
        return g_test_run();
}
