/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "client/tape-file.h"

#define HEAD "needled-tape 1\nprofile omp1\n"

/* A pipe's worth of text. */
static void take(TapeFile *t, const char *text, size_t size) {
        FILE *file = tmpfile();

        g_assert_nonnull(file);
        g_assert_cmpuint(fwrite(text, 1, size, file), ==, size);
        rewind(file);
        tape_file_take(t, file, "a.tape");
}

static void test_heads_and_comments_are_passed_over(void) {
        static const char text[] = HEAD "# one\n\n0.5 < live 01 02\n1.0 * a mark\n# two\n2 = user";
        g_auto(TapeFile) t = {};
        TapeLine line;

        take(&t, text, sizeof text - 1);
        g_assert_cmpint(tape_file_next(&t, &line), ==, 1);
        g_assert_cmpint(line.item, ==, TAPE_FRAME);
        g_assert_cmpuint(line.time_usec, ==, 500000);
        g_assert_cmpstr(t.reader.head.profile, ==, "omp1");
        g_assert_cmpint(tape_file_next(&t, &line), ==, 1);
        g_assert_cmpstr(line.text, ==, "a mark");
        g_assert_cmpint(tape_file_next(&t, &line), ==, 1);
        g_assert_cmpint(line.item, ==, TAPE_END);
        g_assert_cmpint(tape_file_next(&t, &line), ==, 0);
        g_assert_cmpint(tape_file_next(&t, &line), ==, 0);
}

static void test_a_line_is_there_as_it_came(void) {
        static const char text[] = HEAD "0.50  <  live 0102\r\n";
        g_auto(TapeFile) t = {};
        TapeLine line;

        take(&t, text, sizeof text - 1);
        g_assert_cmpint(tape_file_next(&t, &line), ==, 1);
        g_assert_cmpmem(t.text, t.size, "0.50  <  live 0102\r\n", 20);
}

static void assert_problem(const TapeFile *t, const char *pattern) {
        if (!g_pattern_match_simple(pattern, t->problem)) {
                g_test_message("'%s' is not like '%s'", t->problem, pattern);
                g_test_fail();
        }
}

typedef struct Bad {
        const char *name;
        const char *text;
        size_t size;
        int good;               /* lines of the body before it */
        const char *said;
} Bad;

#define BAD(name, text, good, said) { name, text, sizeof(text) - 1, good, said }

static const Bad bad[] = {
        BAD("empty", "", 0, "a.tape:1: *empty*"),
        BAD("not-a-tape", "hello\n", 0, "a.tape:1: *"),
        BAD("a-later-version", "needled-tape 2\n", 0, "a.tape:1: *later version*"),
        BAD("half-an-octet", HEAD "0.1 < live 01\n0.2 < live 0\n0.3 < live 02\n", 1, "a.tape:4: *"),
        BAD("time-runs-backwards", HEAD "0.1 < live 01\n0.0 < live 01\n", 1, "a.tape:4: *"),
        BAD("a-nul", HEAD "0.1 < live 01\n0.2 < li\0ve 01\n", 1, "a.tape:4: *"),
        BAD("cut-in-the-last-line", HEAD "0.1 < live 01\n0.2 < live 01 0", 1, "a.tape:4: *"),
};

static void test_bad(gconstpointer data) {
        const Bad *b = data;
        g_auto(TapeFile) t = {};
        TapeLine line;
        int r, n = 0;

        take(&t, b->text, b->size);
        while ((r = tape_file_next(&t, &line)) > 0)
                n++;
        g_assert_cmpint(r, <, 0);
        g_assert_cmpint(n, ==, b->good);
        assert_problem(&t, b->said);
}

/* However long a line is, no more of it is held than a tape may have. */
static void test_a_line_without_end(void) {
        g_autofree char *text = NULL;
        g_auto(TapeFile) t = {};
        TapeLine line;

        text = g_strnfill(1 << 20, ' ');
        memcpy(text, HEAD "0.1", sizeof HEAD + 2);
        take(&t, text, 1 << 20);
        g_assert_cmpint(tape_file_next(&t, &line), <, 0);
        assert_problem(&t, "a.tape:3: *");
}

static void test_a_file_that_is_not_there(void) {
        g_auto(TapeFile) t = {};

        if (!g_test_subprocess()) {
                g_test_trap_subprocess(NULL, 0, 0);
                g_test_trap_assert_passed();
                g_test_trap_assert_stderr("*/nowhere/a.tape cannot be read*");
                return;
        }

        g_assert_cmpint(tape_file_open(&t, "/nowhere/a.tape"), ==, EXIT_NOT_FOUND);
}

static void test_a_folder_is_no_tape(void) {
        g_auto(TapeFile) t = {};
        TapeLine line;

        g_assert_cmpint(tape_file_open(&t, g_get_tmp_dir()), ==, EXIT_DONE);
        g_assert_cmpint(tape_file_next(&t, &line), ==, -EISDIR);
        assert_problem(&t, "*cannot be read*");
}

static void test_channels_are_known_by_uuid_then_by_name(void) {
        static const VendorChar chars[] = {
                { .alias = "data", .uuid = "0000fff1-0000-1000-8000-00805f9b34fb" },
                { .alias = "advert", .source = VENDOR_MANUFACTURER_DATA },
        };
        static const VendorProfile vendor = { .id = "example.pen", .chars = chars, .n_chars = 2 };
        TapeHead head = {
                .profile = "example.pen",
                .channels = { { 5, "stream", "0000fff1-0000-1000-8000-00805f9b34fb" }, { 6, "advert", "" },
                              { 7, "data", "0000fff9-0000-1000-8000-00805f9b34fb" }, { 8, "else", "" } },
                .n_channels = 4,
        };

        g_assert_cmpint(tape_file_channel(&head, 5, &vendor), ==, 0);
        g_assert_cmpint(tape_file_channel(&head, 6, &vendor), ==, 1);
        g_assert_cmpint(tape_file_channel(&head, 7, &vendor), ==, -ENOENT); /* its name is another one's now */
        g_assert_cmpint(tape_file_channel(&head, 8, &vendor), ==, -ENOENT);
        /* without a line: the profile's own number, if it is that profile */
        g_assert_cmpint(tape_file_channel(&head, 1, &vendor), ==, 1);
        g_assert_cmpint(tape_file_channel(&head, 2, &vendor), ==, -ENOENT);
        (void) g_strlcpy(head.profile, "example.other", sizeof head.profile);
        g_assert_cmpint(tape_file_channel(&head, 1, &vendor), ==, -ENOENT);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-tape-file/heads-and-comments-are-passed-over", test_heads_and_comments_are_passed_over);
        g_test_add_func("/client-tape-file/a-line-is-there-as-it-came", test_a_line_is_there_as_it_came);
        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
                g_autofree char *path = g_strconcat("/client-tape-file/bad/", bad[i].name, NULL);

                g_test_add_data_func(path, &bad[i], test_bad);
        }
        g_test_add_func("/client-tape-file/a-line-without-end", test_a_line_without_end);
        g_test_add_func("/client-tape-file/a-file-that-is-not-there", test_a_file_that_is_not_there);
        g_test_add_func("/client-tape-file/a-folder-is-no-tape", test_a_folder_is_no_tape);
        g_test_add_func("/client-tape-file/channels-are-known-by-uuid-then-by-name",
                        test_channels_are_known_by_uuid_then_by_name);
        return g_test_run();
}
