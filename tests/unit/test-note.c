/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "needled/note.h"

/* The octets of a note in hex, and that they decode to the same. */
static void encodes(const Note *note, const char *hex) {
        g_autoptr(GString) text = g_string_new(NULL);
        uint8_t buf[NOTE_SIZE_MAX], again[NOTE_SIZE_MAX];
        g_autofree uint8_t *copy = NULL;
        int n = note_encode(note, buf);
        Note back;

        for (int i = 0; i < n; i++)
                g_string_append_printf(text, "%02x", buf[i]);
        g_assert_cmpstr(text->str, ==, hex);

        copy = g_memdup2(buf, (size_t) n); /* AddressSanitizer sees one octet too far */
        g_assert_cmpint(note_decode(copy, (size_t) n, &back), ==, 0);
        g_assert_cmpint(note_encode(&back, again), ==, n);
        g_assert_cmpmem(buf, n, again, n);
}

static void test_octets_of_each_kind(void) {
        encodes(&(Note) { .kind = NOTE_LIMITS, .limits = { 3000, 500, -1, 2000, 900, 2500, 0, 0 } },
                "00" "b80b0000" "f4010000" "ffffffff" "d0070000" "84030000" "c4090000");
        encodes(&(Note) { .kind = NOTE_LIMITS, .limits = { 3000, 500, 300, 2000, 900, 2500, 150, -1 } },
                "00" "b80b0000" "f4010000" "2c010000" "d0070000" "84030000" "c4090000" "96000000" "ffffffff");
        encodes(&(Note) { .kind = NOTE_PAUSE }, "01");
        encodes(&(Note) { .kind = NOTE_PAUSE, .number = NOTE_PAUSE_IDLE }, "0101");
        encodes(&(Note) { .kind = NOTE_RESUME }, "02");
        encodes(&(Note) { .kind = NOTE_STAGE, .number = STAGE_NEEDLING }, "0303");
        encodes(&(Note) { .kind = NOTE_AREA, .number = 0xf0 }, "04f0");
        encodes(&(Note) { .kind = NOTE_MARK, .text = "ä!" }, "05c3a421");
        encodes(&(Note) { .kind = NOTE_ALERT, .number = 8, .level = 2, .value = -2 }, "060802feffffff");
}

static void test_what_is_no_note_is_not_encoded(void) {
        uint8_t buf[NOTE_SIZE_MAX];
        Note mark = { .kind = NOTE_MARK };

        g_assert_cmpint(note_encode(&(Note) { .kind = _NOTE_KIND_MAX }, buf), ==, -EINVAL);
        g_assert_cmpint(note_encode(&(Note) { .kind = NOTE_STAGE, .number = _STAGE_MAX }, buf), ==, -EINVAL);
        g_assert_cmpint(note_encode(&(Note) { .kind = NOTE_PAUSE, .number = _NOTE_PAUSE_MAX }, buf), ==, -EINVAL);
        g_assert_cmpint(note_encode(&mark, buf), ==, -EINVAL);
        memset(mark.text, 'x', sizeof(mark.text)); /* without an end */
        g_assert_cmpint(note_encode(&mark, buf), ==, -EINVAL);
        mark.text[NOTE_TEXT_MAX] = '\0';
        g_assert_cmpint(note_encode(&mark, buf), ==, NOTE_SIZE_MAX);
        mark.text[3] = '\n';
        g_assert_cmpint(note_encode(&mark, buf), ==, -EINVAL);
        mark.text[3] = (char) 0xff;
        g_assert_cmpint(note_encode(&mark, buf), ==, -EINVAL);
}

static void decodes(const char *octets, size_t size, int expected) {
        g_autofree uint8_t *copy = g_memdup2(octets, size);
        Note note = { .kind = NOTE_RESUME, .number = 77 };

        g_assert_cmpint(note_decode(copy, size, &note), ==, expected);
        if (expected < 0)
                g_assert_cmpint(note.number, ==, 77); /* untouched */
}

static void test_what_cannot_be_decoded(void) {
        char mark[NOTE_SIZE_MAX + 1] = "\x05";

        memset(mark + 1, 'x', sizeof(mark) - 1);
        decodes("", 0, -EBADMSG);
        for (size_t size = 1; size < 25; size++)
                decodes("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", size, -EBADMSG);
        decodes("\x03", 1, -EBADMSG);
        decodes("\x04", 1, -EBADMSG);
        decodes("\x05", 1, -EBADMSG);
        decodes("\x05\x80", 2, -EBADMSG);
        decodes("\x05" "a\0b", 4, -EBADMSG);
        decodes(mark, NOTE_SIZE_MAX, 0);
        decodes(mark, NOTE_SIZE_MAX + 1, -EBADMSG);
        decodes("\x06\x08\x02\0\0\0", 6, -EBADMSG);
        decodes("\x01\x02", 2, -EOPNOTSUPP);
        decodes("\x03\x05", 2, -EOPNOTSUPP);
        decodes("\x07", 1, -EOPNOTSUPP);
        decodes("\xff", 1, -EOPNOTSUPP);
}

static void test_more_octets_are_of_a_later_version(void) {
        decodes("\x02\x01", 2, 0);
        decodes("\x03\x01\xff", 3, 0);
        decodes("\x06\x08\x02\0\0\0\0\x09", 8, 0);
}

static void test_stages_have_names(void) {
        Stage stage;

        g_assert_cmpstr(stage_name(STAGE_NONE), ==, "");
        g_assert_cmpstr(stage_name(STAGE_CLEANSE), ==, "cleanse");
        g_assert_cmpstr(stage_name(STAGE_AFTERCARE), ==, "aftercare");
        for (unsigned i = 0; i < _STAGE_MAX; i++) {
                g_assert_cmpint(stage_from_name(stage_name((Stage) i), &stage), ==, 0);
                g_assert_cmpint(stage, ==, i);
        }
        g_assert_cmpint(stage_from_name("Numb", &stage), ==, -EINVAL);
}

static void test_alerts_have_names(void) {
        g_assert_cmpstr(note_alert_name(0), ==, "overpressure");
        g_assert_cmpstr(note_alert_name(8), ==, "rest-not-over");
        g_assert_cmpstr(note_alert_name(9), ==, "events-left-out");
        g_assert_null(note_alert_name(10));
        g_assert_null(note_alert_name(255));
}

/* ---- Words ---- */

static void words(const char *octets, size_t size, const char *expected) {
        g_autofree uint8_t *copy = g_memdup2(octets, size);
        g_autofree char *tight = NULL;
        char buf[NOTE_WORDS_MAX];
        uint8_t back[512];
        const char *problem = NULL;
        int n = note_format(copy, size, buf);

        g_assert_cmpstr(buf, ==, expected);
        g_assert_cmpint(n, ==, (int) strlen(expected));
        tight = g_memdup2(expected, (size_t) n);
        n = note_parse(tight, (size_t) n, back, &problem);
        g_assert_cmpint(n, ==, (int) size);
        g_assert_cmpmem(back, n, octets, size);
}

static void test_words_and_back(void) {
        words("\x00\xb8\x0b\0\0\xf4\x01\0\0\xff\xff\xff\xff\xd0\x07\0\0\x84\x03\0\0\xff\xff\xff\xff", 25,
              "limits overpressure=3000 hysteresis=500 zone-low=-1 zone-high=2000 time-limit=900 depth-max=4294967295");
        words("\x00\xb8\x0b\0\0\xf4\x01\0\0\xff\xff\xff\xff\xd0\x07\0\0\x84\x03\0\0\xff\xff\xff\xff\x96\0\0\0\xff\xff\xff\xff", 33,
              "limits overpressure=3000 hysteresis=500 zone-low=-1 zone-high=2000 time-limit=900 depth-max=4294967295 contact-on=150 contact-off=-1");
        words("\x01", 1, "pause");
        words("\x01\x01", 2, "pause idle");
        words("\x02", 1, "resume");
        words("\x03\0", 2, "stage none");
        words("\x03\x01", 2, "stage cleanse");
        words("\x04\0", 2, "area unspecified");
        words("\x04\x03", 2, "area cheek-left");
        words("\x04\xfe", 2, "area user-14");
        words("\x06\x08\x02\x10\x0e\0\0", 7, "alert rest-not-over warning 3600");
        words("\x06\x05\0\0\0\0\x80", 7, "alert battery-low cleared -2147483648");
        words("\x06\0\x03\xff\xff\xff\x7f", 7, "alert overpressure alarm 2147483647");
}

static void test_what_has_no_words_is_octets(void) {
        char most[512];

        words("\x20\x01", 2, "octets 20 01");
        words("\x01\0", 2, "octets 01 00");     /* not how it is written */
        words("\x02\x07", 2, "octets 02 07");   /* of a later version */
        words("\x04\x63", 2, "octets 04 63");   /* no such area */
        words("\x06\x0a\x01\0\0\0\0", 7, "octets 06 0a 01 00 00 00 00");
        words("\x06\x08\x04\0\0\0\0", 7, "octets 06 08 04 00 00 00 00");
        words("\x05", 1, "octets 05");

        memset(most, 0xee, sizeof(most));
        {
                char buf[NOTE_WORDS_MAX];
                uint8_t back[512];
                const char *problem;
                int n = note_format((const uint8_t *) most, sizeof(most), buf);

                g_assert_cmpint(n, ==, 6 + 3 * 512);
                g_assert_cmpint(note_parse(buf, (size_t) n, back, &problem), ==, 512);
                g_assert_cmpint(note_format((const uint8_t *) most, sizeof(most) + 1, buf), ==, -EINVAL);
                g_assert_cmpint(note_format((const uint8_t *) most, 0, buf), ==, -EINVAL);
                (void) strcpy(buf + n, " ee");
                g_assert_cmpint(note_parse(buf, (size_t) n + 3, back, &problem), ==, -EBADMSG);
        }
}

static void parses(const char *text, size_t length, const char *octets, size_t size) {
        uint8_t back[512];
        const char *problem = NULL;

        g_assert_cmpint(note_parse(text, length, back, &problem), ==, (int) size);
        g_assert_cmpmem(back, size, octets, size);
}

static void test_words_are_read_as_anybody_writes_them(void) {
        parses("octets 09af AF\t90", 17, "\x09\xaf\xaf\x90", 4);
        parses(" \toctets f0", 11, "\xf0", 1);
        parses("  pause \t idle  ", 16, "\x01\x01", 2);
        parses("alert depth warning 00000000001", 31, "\x06\x02\x02\x01\0\0\0", 7);
        parses("octets 1122", 9, "\x11", 1);   /* what stands behind the end is not read */
}

static void test_a_mark_has_a_line_of_its_own(void) {
        char buf[NOTE_WORDS_MAX];

        g_assert_cmpint(note_format((const uint8_t *) "\x05hi", 3, buf), >, 0);
        g_assert_cmpstr(buf, ==, "mark hi");
}

static void wrong(const char *text, const char *sentence) {
        uint8_t data[512];
        const char *problem = NULL;

        g_assert_cmpint(note_parse(text, strlen(text), data, &problem), ==, -EBADMSG);
        g_assert_cmpstr(problem, ==, sentence);
}

static void test_words_that_are_wrong(void) {
        static const char kinds[] = "what was noted is none of limits, pause, resume, stage, area, alert and octets";
        static const char limits[] = "the limits are not overpressure, hysteresis, zone-low, zone-high, time-limit and depth-max, and after them "
                                     "contact-on and contact-off or nothing, as name=number";
        static const char octets[] = "the octets of a note are not 1 to 512, of two hexadecimal digits each";
        uint8_t data[512];
        const char *problem;

        wrong("", kinds);
        wrong("  ", kinds);
        wrong("mark x", kinds);
        wrong("Pause", kinds);
        wrong("a b c d e f g h i j k", "more words than a note has");
        wrong("pause now", "a pause is idle or nothing");
        wrong("pause idle now", "a pause is idle or nothing");
        wrong("resume now", "something stands behind the end of the line");
        wrong("stage", "the stage is none of none, cleanse, numb, needling and aftercare");
        wrong("stage wash", "the stage is none of none, cleanse, numb, needling and aftercare");
        wrong("area", "the profile has no area of this name");
        wrong("area cheek", "the profile has no area of this name");
        wrong("alert depth warning", "an alert is its code, its level and its value");
        wrong("alert deep warning 1", "there is no alert of this name");
        wrong("alert depth info 1", "the level of an alert is none of cleared, notice, warning and alarm");
        wrong("alert depth warning x", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning -", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning 2147483648", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning -2147483649", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning 000000000001", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning 1:", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning 1/", "the value of an alert is not a number of 32 bits");
        wrong("alert depth warning 123456789012", "the value of an alert is not a number of 32 bits");
        wrong("limits", "the limits are not six or eight, as name=number");
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=1 contact-on=1",
              "the limits are not six or eight, as name=number");
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=1 contact-off=1 contact-on=1", limits);
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=1 time-limit=-1 depth-max=1", limits);
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=1 depth-max=1 time-limit=1", limits);
        wrong("limits overpressure 1 zone-low=1 zone-high=1 time-limit=1 depth-max=1", limits);
        wrong("limits overpressurE=1 hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=1", limits);
        wrong("limits overpressure:1 hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=1", limits);
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=4294967296", limits);
        wrong("limits overpressure=1 hysteresis=1 zone-low=1 zone-high=2147483648 time-limit=1 depth-max=1", limits);
        wrong("limits overpressure= hysteresis=1 zone-low=1 zone-high=1 time-limit=1 depth-max=1", limits);
        wrong("octets", octets);
        wrong("octets 1", octets);
        wrong("octets 1 2", octets);
        for (const char *c = "/:@G`gx"; *c; c++) {
                char text[] = { 'o', 'c', 't', 'e', 't', 's', ' ', '0', *c, '\0' };

                wrong(text, octets);
                text[7] = *c;
                text[8] = '0';
                wrong(text, octets);
        }
        g_assert_cmpint(note_parse("octets 12", 8, data, &problem), ==, -EBADMSG);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/note/octets-of-each-kind", test_octets_of_each_kind);
        g_test_add_func("/note/what-is-no-note-is-not-encoded", test_what_is_no_note_is_not_encoded);
        g_test_add_func("/note/what-cannot-be-decoded", test_what_cannot_be_decoded);
        g_test_add_func("/note/more-octets-are-of-a-later-version", test_more_octets_are_of_a_later_version);
        g_test_add_func("/note/stages-have-names", test_stages_have_names);
        g_test_add_func("/note/alerts-have-names", test_alerts_have_names);
        g_test_add_func("/note/words-and-back", test_words_and_back);
        g_test_add_func("/note/what-has-no-words-is-octets", test_what_has_no_words_is_octets);
        g_test_add_func("/note/words-are-read-as-anybody-writes-them", test_words_are_read_as_anybody_writes_them);
        g_test_add_func("/note/a-mark-has-a-line-of-its-own", test_a_mark_has_a_line_of_its_own);
        g_test_add_func("/note/words-that-are-wrong", test_words_that_are_wrong);
        return g_test_run();
}
