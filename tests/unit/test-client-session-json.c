/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "client/session-json.h"
#include "profiles/file.h"

#define SESSION                                                                                                                     \
        "\"session\": {\"uuid\": \"0b5c6a0e-7f3b-4d4e-9a56-0123456789ab\", \"start\": 1700000000000000, \"end\": 2000000, "         \
        "\"end_reason\": \"user\", \"profile\": \"omp1\", \"channels\": \"\", \"subject\": \"A \\\"frames\\\" [ } {\"}"
#define HEAD "{\"format\": \"needled-session\", \"version\": 1,\n" SESSION ",\n\"figures\": {\"strokes\": 3}, \"events\": [{\"kind\": \"frames\"}],\n"
#define LIVE "{\"t\": 500000, \"d\": \"<\", \"c\": \"live\", \"x\": \"01 02\"}"

#define VENDOR(channels)                                                                                                            \
        "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end\": 1, \"end_reason\": \"user\", "            \
        "\"profile\": \"com.example.pen\", \"channels\": " channels "}, \"frames\": ["
#define TWO "\"0=0000ff01-0000-1000-8000-00805f9b34fb;7=0000ff02-0000-1000-8000-00805f9b34fb\""

typedef struct Scene {
        Profiles *profiles;
        SessionJson j;
} Scene;

static int begin(Scene *s, const char *text, size_t size) {
        FILE *file = tmpfile();

        s->profiles = s->profiles ?: profiles_new();
        g_assert_nonnull(file);
        g_assert_cmpuint(fwrite(text, 1, size, file), ==, size);
        rewind(file);
        return session_json_open(&s->j, file, "a.json", s->profiles);
}

static void end(Scene *s) {
        session_json_close(&s->j);
        s->profiles = profiles_free(s->profiles);
}

/* All of it as a tape; NULL: it was refused, and j.problem says why. */
static char *tape_of(Scene *s, const char *text) {
        g_autoptr(GString) tape = g_string_new(NULL);
        char buf[TAPE_HEAD_MAX];
        int r = begin(s, text, strlen(text));

        if (r < 0)
                return NULL;
        r = tape_format_head(&s->j.tape, buf, sizeof(buf));
        g_assert_cmpint(r, >, 0);
        g_string_append_len(tape, buf, r);
        while ((r = session_json_frame(&s->j, buf)) > 0)
                g_string_append_len(tape, buf, r);
        if (r < 0)
                return NULL;
        r = session_json_end(&s->j, buf);
        if (r < 0)
                return NULL;
        g_string_append_len(tape, buf, r);
        return g_string_free(g_steal_pointer(&tape), FALSE);
}

static void test_a_session_is_a_tape(void) {
        Scene s = {};
        g_autofree char *tape = tape_of(&s, HEAD "\"frames\": [\n{\"t\": 0, \"d\": \"!\", \"x\": \"00\"},\n"
                                                 "{\"t\": 1000, \"w\": -2, \"d\": \">\", \"c\": \"control-point\", \"x\": \"0a\"},\n" LIVE
                                                 ",\n{\"t\": 600000, \"d\": \"%\", \"x\": \"046869\"}\n]\n}\n");

        g_assert_cmpstr(s.j.problem, ==, NULL);
        g_assert_nonnull(strstr(tape, "profile omp1\nclock 2023-11-14T22:13:20.000000Z\n"));
        g_assert_nonnull(strstr(tape, "\n0.000000 ! up\n0.001000 -0.000002 > control-point 0a\n0.500000 < live 01 02\n"));
        g_assert_true(g_str_has_suffix(tape, "\n2.000000 = user\n"));
        end(&s);
}

static void test_without_frames_nothing_is_missing(void) {
        static const char *const texts[] = { HEAD "\"frames\": []}", HEAD "\"frames\" : [ \n ] \n } \n\n" };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                Scene s = {};
                g_autofree char *tape = tape_of(&s, texts[i]);

                g_assert_cmpstr(s.j.problem, ==, NULL);
                g_assert_true(g_str_has_suffix(tape, "2.000000 = user\n"));
                end(&s);
        }
}

static void test_a_part_is_refused_wherever_it_ends(void) {
        static const char text[] = HEAD "\"frames\": [\n" LIVE ",\n" LIVE "\n]\n}";

        for (size_t size = 1; size + 1 < sizeof(text); size++) {
                g_autofree char *part = g_strndup(text, size);
                Scene s = {};
                g_autofree char *tape = tape_of(&s, part);

                g_assert_null(tape);
                g_assert_nonnull(s.j.problem);
                end(&s);
        }
}

static void test_what_is_refused(void) {
        static const struct {
                const char *text, *problem;
        } cases[] = {
                { "{}", "a.json:1: there are no frames*" },
                { "[1]", "a.json:1: *" },
                { "{\"format\": \"other\", \"frames\": []}", "a.json:1: this is no session*" },
                { "{\"frames\": []}", "a.json:1: this is no session*" },
                { "{\"format\": \"needled-session\", \"version\": 2, \"frames\": []}", "*later version*" },
                { "{\"format\": \"needled-session\", \"frames\": []}", "*no version*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"frames\": []}", "*no object \"session\"*" },
                { "{\"format\": \"needled-session\",\n \"version\": 1 x, \"frames\": []}", "a.json:2: this is no JSON." },
                { "{\"format\": \"needled-session\", \"format\": \"needled-session\", \"frames\": []}", "*no JSON*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end\": 1}, \"frames\": []}",
                  "*how the session ended*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end_reason\": \"user\"}, \"frames\": []}",
                  "*when the session ended*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": -1}, \"frames\": []}", "*no time*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end\": 1, \"end_reason\": \"user\"}, "
                  "\"frames\": []}", "*profile*" },
                { "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end\": 1, \"end_reason\": \"user\", "
                  "\"profile\": \"pen\", \"channels\": \"0\"}, \"frames\": []}", "*channels*" },
                { "{\"a\": [[[[[[[[[[[[[[[[[[[[", "*nested*" },
                { HEAD "\"frames\": [\n" LIVE " " LIVE "]}", "a.json:5: a comma*" },
                { HEAD "\"frames\": [\n" LIVE ",]}", "*not an object*" },
                { HEAD "\"frames\": [3]}", "*not an object*" },
                { HEAD "\"frames\": [{\"t\": 1, \"t\": 2}]}", "*a frame is no JSON*" },
                { HEAD "\"frames\": [{\"d\": \"<\"}]}", "*the time of a frame*" },
                { HEAD "\"frames\": [{\"t\": -1, \"d\": \"<\"}]}", "*the time of a frame*" },
                { HEAD "\"frames\": [{\"t\": 1.5, \"d\": \"<\"}]}", "*the time of a frame*" },
                { HEAD "\"frames\": [\n" LIVE ",\n{\"t\": 1, \"d\": \"!\", \"x\": \"00\"}]}", "a.json:6: the time runs backwards." },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"<>\"}]}", "*is none of*" },
                { HEAD "\"frames\": [{\"t\": 1}]}", "*is none of*" },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"<\", \"c\": \"nose\", \"x\": \"00\"}]}", "*of this name*" },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"<\", \"c\": \"live\", \"x\": \"0\"}]}", "*two hexadecimal digits*" },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"<\", \"c\": \"live\", \"x\": \"0g\"}]}", "*two hexadecimal digits*" },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"!\", \"x\": \"07\"}]}", "*none that a device*" },
                { HEAD "\"frames\": [{\"t\": 1, \"d\": \"%\", \"x\": \"\"}]}", "*none that a device*" },
                { VENDOR(TWO ", \"names\": \"0\"") "]}", "a.json:1: the names of the channels*" },
                { VENDOR(TWO ", \"names\": \"data\"") "]}", "*the names of the channels*" },
                { VENDOR(TWO ", \"names\": \"256=data\"") "]}", "*the names of the channels*" },
                { VENDOR(TWO ", \"names\": \"0=data;0=data\"") "]}", "*the names of the channels*" },
                { VENDOR(TWO ", \"names\": \"0=data;\"") "]}", "*the names of the channels*" },
                { VENDOR(TWO ", \"names\": \"0=\"") "]}", "*name that none can have*" },
                { VENDOR(TWO ", \"names\": \"0=da ta\"") "]}", "*name that none can have*" },
                { VENDOR(TWO ", \"names\": \"0=data\\n\"") "]}", "*name that none can have*" },
                { VENDOR(TWO ", \"names\": \"0=data;7=data\"") "]}", "*or that another has*" },
                { VENDOR(TWO ", \"names\": \"0=this-is-longer-than-a-tape-takes-it\"") "]}", "*name that none can have*" },
                { VENDOR(TWO ", \"names\": \"0=data\"") "{\"t\": 1, \"d\": \"<\", \"c\": \"values\", \"x\": \"00\"}]}", "*of this name*" },
                { HEAD "\"frames\": [], \"more\": 1}", "*frames, which have to come last*" },
                { HEAD "\"frames\": []} {}", "*behind the session*" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                Scene s = {};
                g_autofree char *tape = tape_of(&s, cases[i].text);

                if (tape)
                        g_test_message("%s", cases[i].text);
                g_assert_null(tape);
                if (!s.j.problem || !g_pattern_match_simple(cases[i].problem, s.j.problem)) {
                        g_test_message("%s\n'%s' is not like '%s'", cases[i].text, s.j.problem, cases[i].problem);
                        g_test_fail();
                }
                end(&s);
        }
}

static void on_problem(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

/* The profile that its names are from may be another here, or not be here at all. */
static void test_the_names_of_the_file_count(void) {
        static const char profile[] = "[Profile]\nFormat=1\nId=com.example.pen\nName=Pen\nMatch=name:Pen\n"
                                      "[Characteristic values]\nUUID=0000ff01-0000-1000-8000-00805f9b34fb\nUse=notify\n"
                                      "[Characteristic data]\nUUID=0000ff02-0000-1000-8000-00805f9b34fb\nUse=notify\n";
        static const char text[] = VENDOR(TWO ", \"names\": \"7=battery;0=data;3=nobody\"")
                "{\"t\": 1, \"d\": \"<\", \"c\": \"data\", \"x\": \"01\"}, {\"t\": 2, \"d\": \"<\", \"c\": \"battery\", \"x\": \"02\"}]}";

        for (unsigned known = 0; known < 2; known++) {
                Scene s = { .profiles = profiles_new() };
                g_autofree char *tape = NULL;
                ProfileFile *file;

                if (known) {
                        g_assert_cmpint(profile_file_parse("pen", profile, strlen(profile), on_problem, NULL, &file), ==, 0);
                        g_assert_cmpint(profiles_take(s.profiles, file), ==, 0);
                }
                tape = tape_of(&s, text);
                g_assert_cmpstr(s.j.problem, ==, NULL);
                g_assert_nonnull(strstr(tape, "\nchannel 0 data 0000ff01-0000-1000-8000-00805f9b34fb\n"
                                              "channel 7 battery 0000ff02-0000-1000-8000-00805f9b34fb\n"));
                g_assert_nonnull(strstr(tape, " < data 01\n0.000002 < battery 02\n"));
                end(&s);
        }
}

static void test_no_more_names_than_channels(void) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (unsigned n = 1; n <= TAPE_CHANNELS_MAX + 1; n++) {
                g_autofree char *text = NULL, *tape = NULL;
                Scene s = {};

                g_string_append_printf(names, "%s%u=name-%u", n > 1 ? ";" : "", n - 1, n);
                text = g_strdup_printf(VENDOR(TWO ", \"names\": \"%s\"") "]}", names->str);
                tape = tape_of(&s, text);
                g_assert_cmpint(tape != NULL, ==, n <= TAPE_CHANNELS_MAX);
                end(&s);
        }
}

/* The service calls a characteristic by its number where a tape cannot hold its alias, and so do we. */
static void test_an_alias_that_is_too_long(void) {
        static const char profile[] = "[Profile]\nFormat=1\nId=com.example.pen\nName=Pen\nMatch=name:Pen\n"
                                      "[Characteristic this-is-longer-than-a-tape-takes-it]\n"
                                      "UUID=0000ff01-0000-1000-8000-00805f9b34fb\nUse=notify\n";
        Scene s = { .profiles = profiles_new() };
        g_autofree char *tape = NULL;
        ProfileFile *file;

        g_assert_cmpint(profile_file_parse("pen", profile, strlen(profile), on_problem, NULL, &file), ==, 0);
        g_assert_cmpint(profiles_take(s.profiles, file), ==, 0);
        tape = tape_of(&s, "{\"format\": \"needled-session\", \"version\": 1, \"session\": {\"start\": 1, \"end\": 1, \"end_reason\": "
                           "\"user\", \"profile\": \"com.example.pen\", \"channels\": \"0=0000ff01-0000-1000-8000-00805f9b34fb\"}, "
                           "\"frames\": [{\"t\": 1, \"d\": \"<\", \"c\": \"channel-0\", \"x\": \"01\"}]}");
        g_assert_cmpstr(s.j.problem, ==, NULL);
        g_assert_nonnull(strstr(tape, "\nchannel 0 channel-0 0000ff01-0000-1000-8000-00805f9b34fb\n"));
        g_assert_nonnull(strstr(tape, " < channel-0 01\n"));
        end(&s);
}

static void test_a_nul_is_no_end(void) {
        static const char text[] = HEAD "\"frames\": [\n{\"t\": 1,\0 \"d\": \"<\"}]}";
        char buf[TAPE_LINE_MAX];
        Scene s = {};

        g_assert_cmpint(begin(&s, text, sizeof(text) - 1), ==, 0);
        g_assert_cmpint(session_json_frame(&s.j, buf), ==, -EBADMSG);
        end(&s);
}

/* Memory does not grow with what somebody sends. */
static void test_what_never_ends_is_given_up(void) {
        g_autofree char *blanks = g_strnfill(2 * SESSION_JSON_FRAME_MAX, ' '), *digits = g_strnfill(SESSION_JSON_FRAME_MAX, '1');
        char *texts[3];

        texts[0] = g_strconcat(HEAD, "\"frames\": [", blanks, LIVE, "]}", NULL);
        texts[1] = g_strconcat(HEAD, "\"frames\": [{\"t\": ", digits, "}]}", NULL);
        texts[2] = g_strconcat(HEAD, "\"frames\": [", LIVE, "]", blanks, "}", NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                Scene s = {};
                g_autofree char *tape = tape_of(&s, texts[i]);

                g_assert_null(tape);
                g_assert_nonnull(s.j.problem);
                end(&s);
                g_free(texts[i]);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/session-json/a-session-is-a-tape", test_a_session_is_a_tape);
        g_test_add_func("/session-json/without-frames-nothing-is-missing", test_without_frames_nothing_is_missing);
        g_test_add_func("/session-json/a-part-is-refused-wherever-it-ends", test_a_part_is_refused_wherever_it_ends);
        g_test_add_func("/session-json/what-is-refused", test_what_is_refused);
        g_test_add_func("/session-json/the-names-of-the-file-count", test_the_names_of_the_file_count);
        g_test_add_func("/session-json/no-more-names-than-channels", test_no_more_names_than_channels);
        g_test_add_func("/session-json/an-alias-that-is-too-long", test_an_alias_that_is_too_long);
        g_test_add_func("/session-json/a-nul-is-no-end", test_a_nul_is_no_end);
        g_test_add_func("/session-json/what-never-ends-is-given-up", test_what_never_ends_is_given_up);
        return g_test_run();
}
