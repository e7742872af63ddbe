/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "client/export-copy.h"

typedef struct Target {
        GString *text;
        size_t room;
} Target;

static bool sink(const char *data, size_t size, void *userdata) {
        Target *t = userdata;

        if (t->text->len + size > t->room)
                return false;
        g_string_append_len(t->text, data, (gssize) size);
        return true;
}

/* What is missing, or NULL; then all of it has come. */
static char *copy(ExportFormat format, const char *text, uint64_t rows, size_t room) {
        g_autoptr(GString) got = g_string_new(NULL);
        Target target = { got, room };
        FILE *file = tmpfile();
        char *missing;

        g_assert_nonnull(file);
        g_assert_cmpuint(fwrite(text, 1, strlen(text), file), ==, strlen(text));
        rewind(file);
        missing = export_copy(file, "session 7", format, rows, sink, &target);
        if (!missing)
                g_assert_cmpstr(got->str, ==, text);
        return missing;
}

#define TAPE "needled-tape 1\nprofile omp1\n0.5 < live 01 02\n1.0 = user\n"
#define CSV "time,force\r\n1,2\r\n3,4\r\n"
#define JSON "{\"format\": \"needled-session\",\n\"frames\": [\n{\"t\": 1},\n{\"t\": 2}\n]}\n"
#define JSON_CLOSE "{\"format\": \"needled-session\",\n\"frames\": [\n{\"t\":1},\n{\"t\":2}\n]}\n"

static void test_whole(void) {
        g_assert_null(copy(EXPORT_TAPE, TAPE, 2, SIZE_MAX));
        g_assert_null(copy(EXPORT_CSV, CSV, 2, SIZE_MAX));
        g_assert_null(copy(EXPORT_CSV, "time,force\r\n", 0, SIZE_MAX));
        g_assert_null(copy(EXPORT_JSON, JSON, 2, SIZE_MAX));
        g_assert_null(copy(EXPORT_JSON, JSON_CLOSE, 2, SIZE_MAX));
}

static void test_not_whole(void) {
        static const struct {
                ExportFormat format;
                const char *text;
                uint64_t rows;
                const char *missing;
        } cases[] = {
                { EXPORT_TAPE, TAPE, 3, "it ended after 2 of 3 lines" },
                { EXPORT_TAPE, "needled-tape 1\nprofile omp1\n0.5 < live 01 02\n1.0 = us", 2, "it ended after 1 of 2 lines" },
                { EXPORT_TAPE, "needled-tape 1\nnonsense\n", 2, "session 7:2: *" },
                { EXPORT_CSV, CSV, 3, "it ended after 2 of 3 lines" },
                { EXPORT_CSV, CSV, 1, "it ended after 2 of 1 lines" },
                { EXPORT_CSV, "time,force\r\n1,2\r\n3,", 2, "it ended after 1 of 2 lines" },
                { EXPORT_CSV, "", 0, "its end is missing" },
                { EXPORT_JSON, JSON, 3, "it ended after 2 of 3 lines" },
                { EXPORT_JSON, "{\"frames\": [\n{\"t\": 1},\n", 1, "its end is missing" },
                { EXPORT_JSON, "{\"frames\": [\n{\"t\": 1}\n]", 1, "its end is missing" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *missing = copy(cases[i].format, cases[i].text, cases[i].rows, SIZE_MAX);

                g_assert_nonnull(missing);
                if (!g_pattern_match_simple(cases[i].missing, missing)) {
                        g_test_message("'%s' is not like '%s'", missing, cases[i].missing);
                        g_test_fail();
                }
        }
}

static void test_no_room(void) {
        g_autofree char *tape = copy(EXPORT_TAPE, TAPE, 2, 20), *csv = copy(EXPORT_CSV, CSV, 2, 14);

        g_assert_cmpstr(tape, ==, "it could not be written");
        g_assert_cmpstr(csv, ==, "it could not be written");
}

static void test_names(void) {
        ExportFormat format;

        for (int i = 0; i < _EXPORT_FORMAT_MAX; i++) {
                g_assert_cmpint(export_format_from_name(export_format_name((ExportFormat) i), &format), ==, 0);
                g_assert_cmpint(format, ==, i);
        }
        g_assert_cmpint(export_format_from_name("xml", &format), ==, -EINVAL);
        g_assert_cmpint(export_format_from_name("Tape", &format), ==, -EINVAL);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/export-copy/whole", test_whole);
        g_test_add_func("/export-copy/not-whole", test_not_whole);
        g_test_add_func("/export-copy/no-room", test_no_room);
        g_test_add_func("/export-copy/names", test_names);
        return g_test_run();
}
