/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/tape-writer.h"

#define START UINT64_C(1787423400000000) /* 2026-08-22T18:30:00Z */
#define S UINT64_C(1000000)

static StreamRecord hello(void) {
        return (StreamRecord) { .type = NEEDLED_STREAM_HELLO, .known = true, .realtime_usec = START,
                                .hello = { .version = 1, .session_id = 42, .start_realtime_usec = START } };
}

static StreamRecord frame(uint64_t session_usec, uint8_t direction, uint8_t channel, const char *data, uint16_t size) {
        return (StreamRecord){ .type = NEEDLED_STREAM_FRAME,
                               .known = true,
                               .session_usec = session_usec,
                               .realtime_usec = START + session_usec,
                               .frame = { { .channel = channel, .direction = direction, .length = size },
                                          (const uint8_t *) data } };
}

static StreamRecord end(uint64_t session_usec) {
        return (StreamRecord) { .type = NEEDLED_STREAM_END, .known = true, .session_usec = session_usec,
                                .realtime_usec = START + session_usec, .end = { .reason = 1 } };
}

static void assert_tape(TapeWriter *w, const StreamRecord *records, size_t n, const char *expected) {
        g_autoptr(GString) out = g_string_new(NULL);

        for (size_t i = 0; i < n; i++)
                tape_writer_record(w, &records[i], out);
        g_assert_cmpstr(out->str, ==, expected);
}

/* What was written can be read, all of it. Returns the frames. */
static unsigned read_back(const char *tape) {
        g_auto(GStrv) lines = g_strsplit(tape, "\n", -1);
        TapeReader reader;
        unsigned n = 0;

        tape_reader_init(&reader);
        for (char **line = lines; *line; line++) {
                TapeLine item;

                if (!line[1] && !**line) /* what is behind the last end of a line */
                        break;
                g_assert_cmpint(tape_read(&reader, *line, strlen(*line), &item), ==, 0);
                n += item.item == TAPE_FRAME;
        }

        return n;
}

static void test_notes(void) {
        StreamRecord records[] = {
                hello(), frame(0, 3, 0, "\x04\x03", 2), frame(S, 3, 0, "\x05hi", 3), frame(S, 3, 0, "\x77", 1), frame(S, 3, 1, "\x02", 1),
        };
        TapeWriter w;

        tape_writer_init(&w, "omp1", "", "", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\n"
                    "profile omp1\n"
                    "clock 2026-08-22T18:30:00.000000Z\n"
                    "0.000000 % area cheek-left\n"
                    "1.000000 * hi\n"
                    "1.000000 % octets 77\n"
                    "# A frame that a tape cannot hold came here.\n");
        g_assert_cmpuint(w.frames, ==, 3);
}

static void test_a_session_from_hello_to_end(void) {
        StreamRecord records[] = {
                hello(), frame(0, 2, 0, "\0", 1), frame(412, 0, 4, "\x03\x1f", 2), frame(2 * S, 1, 6, "\x01", 1), end(3 * S),
        };
        TapeWriter w;

        tape_writer_init(&w, "omp1", "pen", "0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\n"
                    "profile omp1\n"
                    "device pen\n"
                    "session 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21\n"
                    "clock 2026-08-22T18:30:00.000000Z\n"
                    "0.000000 ! up\n"
                    "0.000412 < status 03 1f\n"
                    "2.000000 > control-point 01\n"
                    "3.000000 = device\n");
        g_assert_cmpuint(w.frames, ==, 3);
        g_assert_cmpuint(w.missed, ==, 0);
}

/* A recording is as long as what it has, whenever the session began. */
static void test_a_session_that_was_live_already(void) {
        StreamRecord records[] = { hello(), frame(600 * S, 0, 4, "\x03\x1f", 2), frame(602 * S, 0, 4, "\x03\x1f", 2) };
        g_autoptr(GString) out = g_string_new(NULL);
        TapeWriter w;

        tape_writer_init(&w, "omp1", "pen", "", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
                tape_writer_record(&w, &records[i], out);
        g_assert_cmpuint(w.first_usec, ==, 600 * S);
        g_assert_cmpuint(w.last_usec, ==, 602 * S);
}

static void test_other_records_leave_no_line(void) {
        StreamRecord records[] = {
                hello(),
                { .type = NEEDLED_STREAM_LIVE, .known = true },
                { .type = NEEDLED_STREAM_FIGURES, .known = true },
                { .type = 4711 },
        };
        TapeWriter w;

        tape_writer_init(&w, "omp1", "", "", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\nprofile omp1\nclock 2026-08-22T18:30:00.000000Z\n");
}

static void test_a_jump_of_the_wall_clock_is_kept(void) {
        StreamRecord records[] = { hello(), frame(S, 0, 1, "\x01", 1), end(2 * S) };
        TapeWriter w;

        records[1].realtime_usec -= 3600 * S;
        records[2].realtime_usec -= 3600 * S;
        tape_writer_init(&w, "omp1", "", "", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\nprofile omp1\nclock 2026-08-22T18:30:00.000000Z\n"
                    "1.000000 -3600.000000 < live 01\n2.000000 -3600.000000 = device\n");
}

static void test_what_was_missed_is_said_where_it_was(void) {
        StreamRecord records[] = { hello(), frame(S, 0, 1, "\x01", 1), frame(2 * S, 0, 1, "\x02", 1) };
        TapeWriter w;

        records[2].dropped = 7;
        tape_writer_init(&w, "omp1", "", "", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\nprofile omp1\nclock 2026-08-22T18:30:00.000000Z\n"
                    "1.000000 < live 01\n# 7 records of the stream were missed here.\n2.000000 < live 02\n");
        g_assert_cmpuint(w.missed, ==, 7);
}

static void test_a_stream_that_broke_off_goes_on(void) {
        StreamRecord records[] = { hello(), frame(S, 0, 1, "\x01", 1), hello(), frame(2 * S, 0, 1, "\x02", 1) };
        TapeWriter w;

        tape_writer_init(&w, "omp1", "", "", NULL);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\nprofile omp1\nclock 2026-08-22T18:30:00.000000Z\n1.000000 < live 01\n"
                    "# The stream broke off before this line, and began again.\n2.000000 < live 02\n");
}

static void test_frames_that_no_tape_can_hold_are_missed(void) {
        static const char long_value[600];
        StreamRecord records[] = { hello(), frame(2 * S, 0, 1, "\x01", 1), frame(S, 0, 1, "\x02", 1),
                                   frame(3 * S, 0, 1, long_value, sizeof long_value), frame(4 * S, 9, 1, "\x03", 1) };
        g_autoptr(GString) out = g_string_new(NULL);
        TapeWriter w;

        tape_writer_init(&w, "omp1", "", "", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(records); i++)
                tape_writer_record(&w, &records[i], out);
        g_assert_cmpuint(w.frames, ==, 1);
        g_assert_cmpuint(w.missed, ==, 3);
        g_assert_cmpuint(read_back(out->str), ==, 1);
}

static void test_a_vendor_profile_names_its_channels(void) {
        static const VendorChar chars[] = {
                { .alias = "pressure", .uuid = "a0f0ff08-5047-4d53-8208-4f72616c2d42" },
                { .alias = "advert", .source = VENDOR_MANUFACTURER_DATA },
        };
        static const VendorProfile vendor = { .id = "oralb", .chars = chars, .n_chars = 2 };
        StreamRecord records[] = { hello(), frame(0, 0, 0, "\x01", 1), frame(1, 0, 1, "\x02", 1), frame(2, 0, 9, "\x03", 1) };
        TapeWriter w;

        tape_writer_init(&w, "oralb", "brush", "", &vendor);
        assert_tape(&w, records, G_N_ELEMENTS(records),
                    "needled-tape 1\nprofile oralb\ndevice brush\nclock 2026-08-22T18:30:00.000000Z\n"
                    "channel 0 pressure a0f0ff08-5047-4d53-8208-4f72616c2d42\nchannel 1 advert\n"
                    "0.000000 < pressure 01\n0.000001 < advert 02\n0.000002 < channel-9 03\n");
}

/* Names come from strangers. */
static void test_names_are_made_fit_for_a_tape(void) {
        g_autofree char *long_name = g_strnfill(400, 'x');
        const char *names[] = { "two\nlines", "\x1b[2J", "half a letter \xc3", "  ", long_name, "Stift für Anna" };

        for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
                StreamRecord records[] = { hello(), frame(0, 0, 1, "\x01", 1) };
                g_autoptr(GString) out = g_string_new(NULL);
                TapeWriter w;

                tape_writer_init(&w, "", names[i], "", NULL);
                tape_writer_record(&w, &records[0], out);
                tape_writer_record(&w, &records[1], out);
                g_assert_cmpuint(read_back(out->str), ==, 1);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-tape-writer/notes", test_notes);
        g_test_add_func("/client-tape-writer/a-session-from-hello-to-end", test_a_session_from_hello_to_end);
        g_test_add_func("/client-tape-writer/a-session-that-was-live-already", test_a_session_that_was_live_already);
        g_test_add_func("/client-tape-writer/other-records-leave-no-line", test_other_records_leave_no_line);
        g_test_add_func("/client-tape-writer/a-jump-of-the-wall-clock-is-kept", test_a_jump_of_the_wall_clock_is_kept);
        g_test_add_func("/client-tape-writer/what-was-missed-is-said-where-it-was", test_what_was_missed_is_said_where_it_was);
        g_test_add_func("/client-tape-writer/a-stream-that-broke-off-goes-on", test_a_stream_that_broke_off_goes_on);
        g_test_add_func("/client-tape-writer/frames-that-no-tape-can-hold-are-missed",
                        test_frames_that_no_tape_can_hold_are_missed);
        g_test_add_func("/client-tape-writer/a-vendor-profile-names-its-channels", test_a_vendor_profile_names_its_channels);
        g_test_add_func("/client-tape-writer/names-are-made-fit-for-a-tape", test_names_are_made_fit_for_a_tape);
        return g_test_run();
}
