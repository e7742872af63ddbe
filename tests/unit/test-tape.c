/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "needled/omp.h"
#include "needled/tape.h"

#define BASE UINT64_C(5000000000)       /* boot time at time 0 */

/* What the lines of a good tape come to, and that they are written as they were read. */
typedef struct Play {
        TapeReader reader;
        TapeLine line;                  /* the last that said something */
        unsigned frames, marks, ends;
} Play;

static int read_line(TapeReader *reader, const char *line, size_t size, TapeLine *ret) {
        g_autofree char *copy = g_memdup2(line, size); /* AddressSanitizer sees one octet too far */

        return tape_read(reader, copy ?: "", size, ret);
}

/* Reads a whole text line by line, as a program does that was given a file. Stops at what is wrong. */
static int read_all(Play *p, const char *text, size_t size) {
        TapeLine line;

        *p = (Play) {};
        tape_reader_init(&p->reader);
        while (size > 0) {
                const char *end = memchr(text, '\n', size);
                size_t n = end ? (size_t) (end - text) + 1 : size;
                int r = read_line(&p->reader, text, n, &line);

                if (r < 0)
                        return r;
                if (line.item != TAPE_NOTHING)
                        p->line = line;
                p->frames += line.item == TAPE_FRAME;
                p->marks += line.item == TAPE_MARK;
                p->ends += line.item == TAPE_END;
                text += n;
                size -= n;
        }

        return 0;
}

static void good(Play *p, const char *text) {
        g_assert_cmpint(read_all(p, text, strlen(text)), ==, 0);
        g_assert_null(p->reader.error);
}

static void bad_octets(const char *text, size_t size, unsigned line, const char *sentence) {
        Play p;

        g_assert_cmpint(read_all(&p, text, size), ==, -EBADMSG);
        g_assert_cmpstr(p.reader.error, ==, sentence);
        g_assert_cmpuint(p.reader.line, ==, line);
        /* Nothing can be read after it, and the place stays. */
        g_assert_cmpint(read_line(&p.reader, "# fine\n", 7, &p.line), ==, -EBADMSG);
        g_assert_cmpuint(p.reader.line, ==, line);
}

static void bad(const char *text, unsigned line, const char *sentence) {
        bad_octets(text, strlen(text), line, sentence);
}

#define HEAD "needled-tape 1\nprofile omp1\n"

/* A wrong third line behind a good head. */
static void bad_line(const char *line, const char *sentence) {
        g_autofree char *text = g_strconcat(HEAD, line, "\n", NULL);

        bad(text, 3, sentence);
}

/* Writes what was read: the lines that say something, and the head before them. */
static char *written(const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autoptr(GString) out = g_string_new(NULL);
        char buf[TAPE_HEAD_MAX];
        TapeReader reader;
        TapeLine line;

        tape_reader_init(&reader);
        for (char **l = lines; *l; l++) {
                int n = 0;

                g_assert_cmpint(tape_read(&reader, *l, strlen(*l), &line), ==, 0);
                if (line.item != TAPE_NOTHING && out->len == 0) {
                        g_assert_cmpint(tape_format_head(&reader.head, buf, sizeof(buf)), >, 0);
                        g_string_append(out, buf);
                }
                switch (line.item) {
                case TAPE_NOTHING:
                        continue;
                case TAPE_FRAME: {
                        Frame frame = tape_frame(&reader, &line, BASE);

                        n = tape_format_frame(&reader.head, &frame, BASE, buf, TAPE_LINE_MAX);
                        break;
                }
                case TAPE_MARK:
                        n = tape_format_mark(line.time_usec, line.wall_offset_usec, line.text, buf, TAPE_LINE_MAX);
                        break;
                case TAPE_END:
                        n = tape_format_end(line.time_usec, line.wall_offset_usec, line.text, buf, TAPE_LINE_MAX);
                        break;
                }
                g_assert_cmpint(n, ==, (int) strlen(buf));
                g_string_append(out, buf);
        }

        return g_string_free(g_steal_pointer(&out), FALSE);
}

static const char whole[] =
        "needled-tape 1\n"
        "profile omp1\n"
        "device the pen, left drawer – „Nadel“\n"
        "session 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21\n"
        "clock 2026-08-22T18:30:00.000000Z\n"
        "channel 2 waveform 95840103-2319-423b-8a8e-ee1ffb8d13f8\n"
        "channel 31 odd-one\n"
        "0.000000 ! up\n"
        "0.000412 < status 03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00\n"
        "0.100731 +0.000002 < live 01 1b 02 01 4e 61 bc 00 52 03 96 05 40 e2 01 00 26 61 f4 01\n"
        "0.100731 > control-point 01\n"
        "1.000000 < odd-one ff\n"
        "1.000000 < channel-200 00 ff\n"
        "2.000000 < event\n"
        "3.200000 % limits overpressure=3000 hysteresis=500 zone-low=300 zone-high=2000 time-limit=900 depth-max=0\n"
        "3.200000 % area cheek-left\n"
        "3.200000 % stage needling\n"
        "3.200000 % pause\n"
        "3.200000 % resume\n"
        "3.210000 % pause idle\n"
        "3.220000 % alert rest-not-over warning 3600\n"
        "3.220000 % alert battery-low cleared -5\n"
        "3.220000 % octets 20 00 ff\n"
        "3.250000 * the hand slipped here\n"
        "3.250000 *\n"
        "3.250000 *  two blanks, and one behind \n"
        "3.250000 -3600.000000 * summer time ended – das war’s 🙂\n"
        "4.000000 ! suspended\n"
        "5.000000 ! lost\n"
        "172800.000001 -1787423400.000001 ! up\n"
        "9999999999.999999 +0.000001 = device\n";

static void round_trip_octet_for_octet(void) {
        g_autofree char *again = written(whole);

        g_assert_cmpstr(again, ==, whole);
}

static void a_head_is_read(void) {
        Play p;

        good(&p, whole);
        g_assert_true(p.reader.begun && p.reader.in_body && p.reader.ended);
        g_assert_cmpuint(p.reader.line, ==, 31);
        g_assert_cmpstr(p.reader.head.profile, ==, "omp1");
        g_assert_cmpstr(p.reader.head.device, ==, "the pen, left drawer – „Nadel“");
        g_assert_cmpstr(p.reader.head.session, ==, "0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21");
        g_assert_cmpuint(p.reader.head.start_realtime_usec, ==, UINT64_C(1787423400000000));
        g_assert_cmpuint(p.reader.head.n_channels, ==, 2);
        g_assert_cmpuint(p.reader.head.channels[0].channel, ==, OMP_CHAR_WAVEFORM);
        g_assert_cmpstr(p.reader.head.channels[0].name, ==, "waveform");
        g_assert_cmpstr(p.reader.head.channels[0].uuid, ==, omp_char_uuid(OMP_CHAR_WAVEFORM));
        g_assert_cmpstr(p.reader.head.channels[1].uuid, ==, "");
        g_assert_cmpuint(p.frames, ==, 19);
        g_assert_cmpuint(p.marks, ==, 4);
        g_assert_cmpuint(p.ends, ==, 1);
}

static void a_frame_is_read_with_both_clocks(void) {
        static const uint8_t octets[] = { 0x01, 0x1b, 0xff };
        Play p;
        Frame f;

        good(&p, HEAD "clock 2026-08-22T18:30:00Z\n0.100731 -0.000002 > live 01 1b ff\n");
        f = tape_frame(&p.reader, &p.line, BASE);
        g_assert_cmpuint(f.boottime_usec, ==, BASE + 100731);
        g_assert_cmpuint(f.realtime_usec, ==, UINT64_C(1787423400000000) + 100729);
        g_assert_cmpuint(f.channel, ==, OMP_CHAR_LIVE);
        g_assert_cmpuint(f.direction, ==, FRAME_TO_DEVICE);
        g_assert_cmpmem(f.data, f.size, octets, sizeof(octets));
}

static void without_a_clock_the_wall_clock_is_unknown(void) {
        char buf[TAPE_LINE_MAX];
        Play p;
        Frame f;

        good(&p, HEAD "7 < status 03\n");
        f = tape_frame(&p.reader, &p.line, BASE);
        g_assert_cmpuint(f.boottime_usec, ==, BASE + 7000000);
        g_assert_cmpuint(f.realtime_usec, ==, 0);

        /* A frame with a wall clock goes onto a tape without one, and the other way. */
        f.realtime_usec = 12345;
        g_assert_cmpint(tape_format_frame(&p.reader.head, &f, BASE, buf, sizeof(buf)), >, 0);
        g_assert_cmpstr(buf, ==, "7.000000 < status 03\n");
        p.reader.head.start_realtime_usec = 1000;
        f.realtime_usec = 0;
        g_assert_cmpint(tape_format_frame(&p.reader.head, &f, BASE, buf, sizeof(buf)), >, 0);
        g_assert_cmpstr(buf, ==, "7.000000 < status 03\n");

        bad(HEAD "0.5 +0.1 < live 00\n", 3, "the wall clock can be off only where the head has a clock");
}

static void what_a_hand_writes_is_read(void) {
        g_autofree char *again =
                written("needled-tape  1 \n\n# by hand\n  # indented\n\t\nprofile\tomp1 \nclock 2026-08-22T18:30:00.5Z\n"
                        "channel 2 waveform 95840103-2319-423B-8A8E-EE1FFB8D13F8 \n 0 ! up \n# here too\n"
                        "0.5  +1 <  live 0102FF aB\t0c \n1.25 -0.5 * x\n2 = user\n\n# behind the end");

        g_assert_cmpstr(again, ==,
                        "needled-tape 1\nprofile omp1\nclock 2026-08-22T18:30:00.500000Z\n"
                        "channel 2 waveform 95840103-2319-423b-8a8e-ee1ffb8d13f8\n0.000000 ! up\n"
                        "0.500000 +1.000000 < live 01 02 ff ab 0c\n1.250000 -0.500000 * x\n2.000000 = user\n");
}

static void carriage_returns_are_passed_over(void) {
        g_autofree char *again =
                written("needled-tape 1\r\nprofile omp1\r\ndevice pen\r\n\r\n0.5 < live 01\r\n0.5 * mark\r\n1 = user\r");

        g_assert_cmpstr(again, ==, HEAD "device pen\n0.500000 < live 01\n0.500000 * mark\n1.000000 = user\n");
}

static void the_last_line_may_lack_its_end(void) {
        Play p;

        good(&p, HEAD "0.5 < live 01");
        g_assert_cmpuint(p.frames, ==, 1);
        good(&p, HEAD "0.5 < live 01\n");
        g_assert_cmpuint(p.frames, ==, 1);
        g_assert_cmpuint(p.reader.line, ==, 3);
}

static void the_first_line_says_that_it_is_a_tape(void) {
        bad("\n", 1, "this is no tape: the first line is not \"needled-tape 1\"");
        bad("# no\n", 1, "this is no tape: the first line is not \"needled-tape 1\"");
        bad("needled-tapes 1\n", 1, "this is no tape: the first line is not \"needled-tape 1\"");
        bad("0.5 < live 01\n", 1, "this is no tape: the first line is not \"needled-tape 1\"");
        bad("needled-tape\n", 1, "the first line has no version");
        bad("needled-tape 0\n", 1, "the first line has no version");
        bad("needled-tape 1.0\n", 1, "the first line has no version");
        bad("needled-tape 1000000000\n", 1, "the first line has no version");
        bad("needled-tape 1 omp1\n", 1, "something stands behind the end of the line");
        bad("needled-tape 1\nneedled-tape 1\n", 2, "no line of a tape begins like this");
}

static void a_later_version_is_said_so(void) {
        Play p;

        g_assert_cmpint(read_all(&p, "needled-tape 2\n", 15), ==, -EOPNOTSUPP);
        g_assert_cmpstr(p.reader.error, ==, "a later version of tapes than this program reads");
        g_assert_cmpint(tape_read(&p.reader, "\n", 1, &p.line), ==, -EBADMSG);
        g_assert_false(p.reader.begun);
}

static void a_head_that_is_wrong(void) {
        bad("needled-tape 1\n0 ! up\n", 2, "the head does not name a profile");
        bad("needled-tape 1\nprofile\n", 2, "this is not the id of a profile");
        bad("needled-tape 1\nprofile n\xc3\xa4\n", 2, "this is not the id of a profile");
        bad("needled-tape 1\nprofile n\x7f\n", 2, "this is not the id of a profile");
        bad_line("profile omp1", "there is a second line of this kind");
        bad(HEAD "device a\ndevice b\n", 4, "there is a second line of this kind");
        bad_line("device a\tb", "the text is not UTF-8 without control characters");
        bad_line("session 0b8f5c1e", "this is not a UUID of 128 bits");
        bad_line("session 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7eXX", "this is not a UUID of 128 bits");
        bad_line("session 0b8f5c1e-6a52-4f8e-9d0b+4d8c1f0a7e21", "this is not a UUID of 128 bits");
        bad(HEAD "session 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21\nsession 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e22\n", 4,
            "there is a second line of this kind");
        bad(HEAD "clock 2026-08-22T18:30:00Z\nclock 2026-08-22T18:30:00Z\n", 4, "there is a second line of this kind");
        bad_line("session 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21 too", "something stands behind the end of the line");
        bad_line("owner me", "no line of a tape begins like this");
        bad(HEAD "0 ! up\ndevice pen\n", 4, "a line of the head behind the first frame");
        bad(HEAD "0 * mark\nclock 2026-08-22T18:30:00Z\n", 4, "a line of the head behind the first frame");
}

static void times_of_a_clock(void) {
        static const char *const wrong[] = {
                "", "2026-08-22", "2026-08-22 18:30:00Z", "2026-08-22T18:30:00", "2026-08-22T18:30:00+02:00", "2026-08-22T18:30:00.Z",
                "2026-08-22T18:30:00.1234567Z", "2026-08-22t18:30:00Z", "2026-8-22T18:30:00.0Z", "1969-12-31T23:59:59Z",
                "1970-01-01T00:00:00Z", "2026-00-22T18:30:00Z", "2026-13-22T18:30:00Z", "2026-08-00T18:30:00Z", "2026-08-32T18:30:00Z",
                "2026-06-31T18:30:00Z", "2026-02-29T18:30:00Z", "2100-02-29T00:00:00Z", "2026-08-22T24:00:00Z", "2026-08-22T18:60:00Z",
                "2026-08-22T18:30:60Z", "2026-08-22T18:30:00ZZ",
        };
        static const struct {
                const char *text;
                uint64_t usec;
        } right[] = {
                { "1970-01-01T00:00:00.000001Z", 1 }, { "1970-03-01T00:00:00.000000Z", UINT64_C(5097600000000) },
                { "2000-02-29T12:00:00.000000Z", UINT64_C(951825600000000) },
                { "2024-02-29T23:59:59.999999Z", UINT64_C(1709251199999999) },
                { "2100-03-01T00:00:00.000000Z", UINT64_C(4107542400000000) },
                { "9999-12-31T23:59:59.000000Z", UINT64_C(253402300799000000) },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *line = g_strconcat("clock ", wrong[i], NULL);

                bad_line(line, "this is not a time as 2026-08-22T18:30:00.000000Z");
        }
        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autofree char *text = g_strdup_printf(HEAD "clock %s\n0.000000 ! up\n", right[i].text), *again = written(text);
                Play p;

                good(&p, text);
                g_assert_cmpuint(p.reader.head.start_realtime_usec, ==, right[i].usec);
                g_assert_cmpstr(again, ==, text);
        }
}

static void every_day_of_four_centuries_comes_back(void) {
        TapeHead head = { .profile = "omp1" };
        char buf[TAPE_HEAD_MAX];

        for (unsigned day = 1; day < 146097 + 2; day++) {
                Play p;

                head.start_realtime_usec = day * UINT64_C(86400000000);
                g_assert_cmpint(tape_format_head(&head, buf, sizeof(buf)), >, 0);
                good(&p, buf);
                g_assert_cmpuint(p.reader.head.start_realtime_usec, ==, head.start_realtime_usec);
        }
}

static void channels_that_are_wrong(void) {
        static const char number[] = "the number of a channel is not one from 0 to 255",
                          name[] = "the name of a channel is not 1 to 32 of a-z, 0-9 and -", uuid[] = "this is not a UUID of 128 bits",
                          twice[] = "this channel is there twice", other[] = "this name belongs to another channel";

        bad("needled-tape 1\nchannel 3 grip\n", 2, "a channel before the profile");
        bad_line("channel", number);
        bad_line("channel x live", number);
        bad_line("channel 20x grip", number);
        bad_line("channel 256 grip", number);
        bad_line("channel 1000 grip", number);
        bad_line("channel 20", name);
        bad_line("channel 20 Grip", name);
        bad_line("channel 20 grip~", name);
        bad_line("channel 20 grip_force", name);
        bad_line("channel 20 a23456789012345678901234567890123", name);
        bad_line("channel 20 grip 2a19", uuid);
        bad_line("channel 20 grip 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e210", uuid);
        bad_line("channel 20 grip 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e2g", uuid);
        bad_line("channel 20 grip 0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21 x", "something stands behind the end of the line");
        bad(HEAD "channel 20 grip\nchannel 20 hold\n", 4, twice);
        bad(HEAD "channel 20 grip\nchannel 21 grip\n", 4, twice);
        bad_line("channel 1 lively", "the profile omp1 has another name for this channel");
        bad_line("channel 20 live", other);
        bad_line("channel 20 channel-21", other);
        bad("needled-tape 1\nprofile example.pen\nchannel 2 channel-1\n", 3, other);
}

static void no_more_than_32_channels(void) {
        g_autoptr(GString) text = g_string_new("needled-tape 1\nprofile example.pen\n");
        Play p;

        for (unsigned i = 0; i < TAPE_CHANNELS_MAX; i++)
                g_string_append_printf(text, "channel %u c%u\n", i, i);
        good(&p, text->str);
        g_assert_cmpuint(p.reader.head.n_channels, ==, TAPE_CHANNELS_MAX);
        g_string_append(text, "channel 32 c32\n");
        bad(text->str, 35, "more than 32 channels");
}

static void names_of_characteristics(void) {
        static const char unknown[] = "neither the profile nor the head knows a characteristic of this name";
        char buf[TAPE_NAME_MAX + 1];
        TapeHead omp = { .profile = "omp1" }, pen = { .profile = "example.pen", .channels = { { 1, "grip", "" } }, .n_channels = 1 };
        Play p;

        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                g_assert_cmpstr(tape_channel_name(&omp, (uint8_t) c, buf), ==, omp_char_name((OmpChar) c));
        for (unsigned c = 0; c < _OMP_CHAR_MAX; c++) {
                g_autofree char *text = g_strdup_printf(HEAD "0 < %s 00\n", omp_char_name((OmpChar) c));

                good(&p, text);
                g_assert_cmpuint(p.line.channel, ==, c);
        }
        g_assert_cmpstr(tape_channel_name(&omp, _OMP_CHAR_MAX, buf), ==, "channel-9");
        g_assert_cmpstr(tape_channel_name(&pen, 0, buf), ==, "channel-0");
        g_assert_cmpstr(tape_channel_name(&pen, 1, buf), ==, "grip");
        g_assert_cmpstr(tape_channel_name(&pen, 10, buf), ==, "channel-10");
        g_assert_cmpstr(tape_channel_name(&pen, 105, buf), ==, "channel-105");
        g_assert_cmpstr(tape_channel_name(&pen, 255, buf), ==, "channel-255");

        for (unsigned c = 0; c < 256; c++) {
                g_autofree char *text = g_strdup_printf("needled-tape 1\nprofile example.pen\nchannel 1 grip\n0 < %s 00\n",
                                                        tape_channel_name(&pen, (uint8_t) c, buf));

                good(&p, text);
                g_assert_cmpuint(p.line.channel, ==, c);
        }

        good(&p, HEAD "channel 20 channel-20\n0 < channel-20 00\n"); /* as it would be called without the line */
        g_assert_cmpuint(p.line.channel, ==, 20);

        bad_line("0 < live-2 00", unknown);
        bad_line("0 < liv 00", unknown);
        bad_line("0 < LIVE 00", unknown);
        bad_line("0 <", unknown);
        bad_line("0 < channel- 00", unknown);
        bad_line("0 < channel-256 00", unknown);
        bad_line("0 < channel-1000 00", unknown);
        bad_line("0 < channel-01 00", unknown);
        bad_line("0 < channel-1x 00", unknown);
        bad_line("0 < channel_1 00", unknown);
        bad("needled-tape 1\nprofile example.pen\n0 < live 00\n", 3, unknown); /* OMP's names are OMP's */
}

static void times_that_are_wrong(void) {
        static const char number[] = "the time is not a number of seconds", missing[] = "the time is missing",
                          off[] = "how far the wall clock was off is not a number of seconds";
        Play p;

        bad_line("< live 00", missing);
        bad_line("! up", missing);
        bad_line("* mark", missing);
        bad_line("= user", missing);
        bad_line("+0.1 < live 00", missing);
        bad_line("-1 ! up", number);
        bad_line(".5 ! up", number);
        bad_line("1. ! up", number);
        bad_line("1,5 ! up", number);
        bad_line("1.5s ! up", number);
        bad_line("1.1234567 ! up", number);
        bad_line("12345678901 ! up", number);
        bad(HEAD "1 ! up\n0.999999 ! lost\n", 4, "the time runs backwards");
        bad(HEAD "1 ! up\n\n# later\n0.5 * mark\n", 6, "the time runs backwards");
        good(&p, HEAD "1 ! up\n0.5 = idle\n"); /* what came while it waited is no part of it */
        g_assert_cmpuint(p.line.time_usec, ==, 500000);
        bad(HEAD "clock 2026-08-22T18:30:00Z\n1 + ! up\n", 4, off);
        bad(HEAD "clock 2026-08-22T18:30:00Z\n1 +-1 ! up\n", 4, off);
        bad(HEAD "clock 2026-08-22T18:30:00Z\n1 -0.1.2 ! up\n", 4, off);
        bad(HEAD "clock 1970-01-01T00:00:01Z\n1 -2.000001 ! up\n", 4, "the wall clock was before 1970");
        bad(HEAD "clock 1970-01-01T00:00:01Z\n1 -2 ! up\n", 4, "the wall clock was before 1970"); /* 0 stands for no clock */
        bad(HEAD "clock 1970-01-01T00:00:00.000001Z\n0 -1 ! up\n", 4, "the wall clock was before 1970");
        bad_line("1", "what it is is none of <, >, !, %, * and =");
        bad_line("1 live 00", "what it is is none of <, >, !, %, * and =");
        bad_line("1 <live 00", "what it is is none of <, >, !, %, * and =");
        bad_line("1 ? live 00", "what it is is none of <, >, !, %, * and =");
        bad_line("1 ! down", "what happened to the link is none of up, lost and suspended");
        bad_line("1 !", "what happened to the link is none of up, lost and suspended");
        bad_line("1 ! up 1", "something stands behind the end of the line");
}

static void octets_that_are_wrong(void) {
        bad_line("0 < live 0", "half an octet: a hexadecimal digit is missing");
        bad_line("0 < live 00 1", "half an octet: a hexadecimal digit is missing");
        bad_line("0 < live 000", "half an octet: a hexadecimal digit is missing");
        bad_line("0 < live 0x00", "an octet is not two hexadecimal digits");
        bad_line("0 < live 0g", "an octet is not two hexadecimal digits");
        bad_line("0 < live g0", "an octet is not two hexadecimal digits");
        bad_line("0 < live 00 # no", "an octet is not two hexadecimal digits");
        bad_line("0 < live 00\r\r", "an octet is not two hexadecimal digits");
}

static void values_up_to_512_octets(void) {
        g_autoptr(GString) text = g_string_new(HEAD "0 < waveform ");
        Play p;

        for (unsigned i = 0; i < 512; i++)
                g_string_append_printf(text, "%02x ", i & 0xff);
        good(&p, text->str);
        g_assert_cmpuint(p.line.size, ==, 512);
        g_assert_cmpuint(p.line.data[511], ==, 0xff);
        g_string_append(text, "00");
        bad(text->str, 3, "a value of more than 512 octets");
}

static void lines_that_are_wrong(void) {
        g_autofree char *blanks = g_strnfill(TAPE_LINE_MAX, ' '), *text = NULL, *longest = NULL;
        TapeReader reader;
        TapeLine line;
        Play p;

        blanks[TAPE_LINE_MAX - 1] = '\n';
        longest = g_strconcat(HEAD, blanks, NULL);
        good(&p, longest);
        text = g_strconcat(HEAD " ", blanks, NULL);
        bad(text, 3, "a line of more than 2048 octets");

        bad_octets(HEAD "0 < live\0 00\n", sizeof(HEAD "0 < live\0 00\n") - 1, 3, "a NUL in the line");
        bad_octets(HEAD "# a\0b\n", sizeof(HEAD "# a\0b\n") - 1, 3, "a NUL in the line");
        bad(HEAD "0 = user\n1 ! up\n", 4, "a line after the end of the session");
        bad_line("0 =", "the end of the session without its reason");

        tape_reader_init(&reader);
        g_assert_cmpint(tape_read(&reader, "needled-tape 1\n\n", 16, &line), ==, -EBADMSG);
        g_assert_cmpstr(reader.error, ==, "a second line in the line");
}

static void texts_are_clean_utf8(void) {
        static const char *const wrong[] = {
                "a\tb", "\x1b[31m", "\x7f", "\xc2\x80", "\xc2\x9f", "\xff", "\xc3", "\xe2\x80", "\xe2\x80x", "\xf0\x9f\x99", "\x80",
                "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf",
                "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
        };
        static const char *const right[] = {
                "", " ", "~", "\xc2\xa0", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        };
        g_autofree char *most = g_strnfill(255, 'x'), *over = g_strnfill(256, 'x'), *line = g_strconcat("0 * ", over, NULL);
        char buf[TAPE_LINE_MAX];

        for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
                g_autofree char *mark = g_strconcat("0 * ", wrong[i], NULL);

                bad_line(mark, "the text is not UTF-8 without control characters");
                g_assert_cmpint(tape_format_mark(0, 0, wrong[i], buf, sizeof(buf)), ==, -EINVAL);
                g_assert_cmpint(tape_format_end(0, 0, wrong[i], buf, sizeof(buf)), ==, -EINVAL);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(right); i++) {
                g_autofree char *text = NULL;
                Play p;

                g_assert_cmpint(tape_format_mark(0, 0, right[i], buf, sizeof(buf)), >, 0);
                text = g_strconcat(HEAD, buf, NULL);
                good(&p, text);
                g_assert_cmpstr(p.line.text, ==, right[i]);
        }

        g_assert_cmpint(tape_format_mark(0, 0, most, buf, sizeof(buf)), ==, 8 + 3 + 255 + 1);
        g_assert_cmpint(tape_format_mark(0, 0, over, buf, sizeof(buf)), ==, -EINVAL);
        bad_line(line, "the text is longer than 255 octets");
}

static void the_largest_head_and_line_fit(void) {
        static uint8_t octets[OMP_VALUE_MAX];
        TapeHead head = { .session = "0b8f5c1e-6a52-4f8e-9d0b-4d8c1f0a7e21", .start_realtime_usec = UINT64_C(253402300799999999) };
        const Frame frame = { .boottime_usec = BASE + UINT64_C(9999999999999999), .realtime_usec = UINT64_C(253402300799999999),
                              .channel = 100, .size = sizeof(octets), .data = octets };
        char buf[TAPE_HEAD_MAX];
        Play p;

        memset(head.profile, 'p', TAPE_TEXT_MAX - 1);
        memset(head.device, 'd', TAPE_TEXT_MAX - 1);
        for (unsigned i = 0; i < TAPE_CHANNELS_MAX; i++) {
                TapeChannel *c = &head.channels[head.n_channels++];

                c->channel = (uint8_t) (100 + i);
                memset(c->name, 'n', TAPE_NAME_MAX);
                c->name[0] = (char) ('0' + i / 10);
                c->name[1] = (char) ('0' + i % 10);
                strcpy(c->uuid, head.session);
        }
        g_assert_cmpint(tape_format_head(&head, buf, sizeof(buf)), >, 0);
        good(&p, buf);
        g_assert_cmpmem(&p.reader.head, sizeof(head), &head, sizeof(head));
        g_assert_cmpint(tape_format_frame(&head, &frame, BASE, buf, TAPE_LINE_MAX), >, 0);
}

/* As a note it is what its line says; a mark without a word says nothing. */
static void a_mark_is_a_note(void) {
        Frame frame;
        char buf[TAPE_LINE_MAX];
        Play p;

        good(&p, HEAD "1.5 * ä!\n");
        frame = tape_frame(&p.reader, &p.line, BASE);
        g_assert_cmpuint(frame.direction, ==, FRAME_OF_HOST);
        g_assert_cmpmem(frame.data, frame.size, "\x05\xc3\xa4!", 4);
        g_assert_cmpint(tape_format_frame(&p.reader.head, &frame, BASE, buf, sizeof(buf)), >, 0);
        g_assert_cmpstr(buf, ==, "1.500000 * ä!\n");
        good(&p, HEAD "1.5 *\n");
        g_assert_cmpuint(p.line.size, ==, 0);
}

static void notes_that_are_wrong(void) {
        bad_line("1 % pause now", "a pause is idle or nothing");
        bad_line("1 % octets 05 41", "a mark has a line of its own");
        bad_line("1 %", "what was noted is none of limits, pause, resume, stage, area, alert and octets");
        bad_line("% pause", "the time is missing");
}

/* The examples of the format's description are tapes, and canonical but for what they show of blanks and comments. */
static void the_example_in_the_documentation(void) {
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "tape.md", NULL), *text = NULL;
        const char *start, *end;
        Play p;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        start = strstr(text, "```tape\n");
        g_assert_nonnull(start);
        start += strlen("```tape\n");
        end = strstr(start, "```");
        g_assert_nonnull(end);
        g_assert_cmpint(read_all(&p, start, (size_t) (end - start)), ==, 0);
        g_assert_cmpuint(p.frames, ==, 5);
        g_assert_cmpuint(p.marks, ==, 1);
        g_assert_cmpuint(p.ends, ==, 1);
        g_assert_cmpuint(p.line.time_usec, ==, 9700000);
        g_assert_cmpstr(p.line.text, ==, "device");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tape/round-trip-octet-for-octet", round_trip_octet_for_octet);
        g_test_add_func("/tape/a-head-is-read", a_head_is_read);
        g_test_add_func("/tape/a-frame-is-read-with-both-clocks", a_frame_is_read_with_both_clocks);
        g_test_add_func("/tape/without-a-clock-the-wall-clock-is-unknown", without_a_clock_the_wall_clock_is_unknown);
        g_test_add_func("/tape/what-a-hand-writes-is-read", what_a_hand_writes_is_read);
        g_test_add_func("/tape/carriage-returns-are-passed-over", carriage_returns_are_passed_over);
        g_test_add_func("/tape/the-last-line-may-lack-its-end", the_last_line_may_lack_its_end);
        g_test_add_func("/tape/the-first-line-says-that-it-is-a-tape", the_first_line_says_that_it_is_a_tape);
        g_test_add_func("/tape/a-later-version-is-said-so", a_later_version_is_said_so);
        g_test_add_func("/tape/a-head-that-is-wrong", a_head_that_is_wrong);
        g_test_add_func("/tape/times-of-a-clock", times_of_a_clock);
        g_test_add_func("/tape/every-day-of-four-centuries-comes-back", every_day_of_four_centuries_comes_back);
        g_test_add_func("/tape/channels-that-are-wrong", channels_that_are_wrong);
        g_test_add_func("/tape/no-more-than-32-channels", no_more_than_32_channels);
        g_test_add_func("/tape/names-of-characteristics", names_of_characteristics);
        g_test_add_func("/tape/times-that-are-wrong", times_that_are_wrong);
        g_test_add_func("/tape/octets-that-are-wrong", octets_that_are_wrong);
        g_test_add_func("/tape/values-up-to-512-octets", values_up_to_512_octets);
        g_test_add_func("/tape/lines-that-are-wrong", lines_that_are_wrong);
        g_test_add_func("/tape/texts-are-clean-utf8", texts_are_clean_utf8);
        g_test_add_func("/tape/the-largest-head-and-line-fit", the_largest_head_and_line_fit);
        g_test_add_func("/tape/the-example-in-the-documentation", the_example_in_the_documentation);
        g_test_add_func("/tape/a-mark-is-a-note", a_mark_is_a_note);
        g_test_add_func("/tape/notes-that-are-wrong", notes_that_are_wrong);
        return g_test_run();
}
