/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/options.h"

#define MAX_WORDS 16

/* What getopt_long() permutes: the options point into the words, which live as long as the test. */
static Exit parse(const char *line, char **words, Options *ret) {
        g_auto(GStrv) split = g_strsplit(line, " ", -1);
        int n = 0;

        for (; split[n]; n++)
                words[n] = (char *) g_intern_string(split[n]);
        words[n] = NULL;
        return options_parse(n, words, ret);
}

static void test_options_stand_anywhere(void) {
        static const char *const lines[] = {
                "needlectl --json adopt pen --alias Anna",
                "needlectl adopt --alias=Anna pen --json",
                "needlectl adopt pen -aAnna --json",
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                char *words[MAX_WORDS];
                Options options;

                g_assert_cmpint(parse(lines[i], words, &options), ==, EXIT_DONE);
                g_assert_cmpint(options.n_args, ==, 2);
                g_assert_cmpstr(options.args[0], ==, "adopt");
                g_assert_cmpstr(options.args[1], ==, "pen");
                g_assert_true(options_has(&options, OPTION_JSON));
                g_assert_cmpstr(options.value[OPTION_ALIAS], ==, "Anna");
                g_assert_false(options_has(&options, OPTION_QUIET));
        }
}

static void test_after_two_dashes_all_are_arguments(void) {
        char *words[MAX_WORDS];
        Options options;

        g_assert_cmpint(parse("needlectl alias pen -- --json", words, &options), ==, EXIT_DONE);
        g_assert_cmpint(options.n_args, ==, 3);
        g_assert_cmpstr(options.args[2], ==, "--json");
        g_assert_false(options_has(&options, OPTION_JSON));
}

static void test_usage_errors(void) {
        static const char *const lines[] = {
                "needlectl --jsn",      "needlectl -Z",        "needlectl search --seconds",
                "needlectl --json=yes", "needlectl search -s", "needlectl --no"
        };

        for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
                char *words[MAX_WORDS];
                Options options;

                g_assert_cmpint(parse(lines[i], words, &options), ==, EXIT_USAGE);
        }
}

static void test_numbers_have_limits(void) {
        char *words[MAX_WORDS];
        Options options;
        uint64_t n;

        g_assert_cmpint(parse("needlectl search --seconds 20", words, &options), ==, EXIT_DONE);
        g_assert_cmpint(options_number(&options, OPTION_SECONDS, 1, 30, 15, &n), ==, EXIT_DONE);
        g_assert_cmpuint(n, ==, 20);
        g_assert_cmpint(options_number(&options, OPTION_SECONDS, 1, 10, 15, &n), ==, EXIT_USAGE);
        g_assert_cmpint(options_number(&options, OPTION_LIMIT, 1, 10, 5, &n), ==, EXIT_DONE);
        g_assert_cmpuint(n, ==, 5);
}

static void test_moments(void) {
        char *words[MAX_WORDS];
        Options options;
        uint64_t usec;

        g_assert_cmpint(parse("needlectl sessions --since 1s --until soon", words, &options), ==, EXIT_DONE);
        g_assert_cmpint(options_time(&options, OPTION_SINCE, 5000000, &usec), ==, EXIT_DONE);
        g_assert_cmpuint(usec, ==, 4000000);
        g_assert_cmpint(options_time(&options, OPTION_UNTIL, 5000000, &usec), ==, EXIT_USAGE);
}

static void test_each_option_is_described(void) {
        for (int i = 0; i < _OPTION_MAX; i++) {
                g_assert_nonnull(option_info[i].name);
                g_assert_nonnull(option_info[i].help);
                for (int k = 0; k < i; k++) {
                        if (option_verb((Option) i)) /* which may have a name and a letter of its own again */
                                continue;
                        g_assert_cmpstr(option_info[i].name, !=, option_info[k].name);
                        g_assert_true(!option_info[i].letter ||
                                      option_info[i].letter != option_info[k].letter);
                }
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-options/options-stand-anywhere", test_options_stand_anywhere);
        g_test_add_func("/client-options/after-two-dashes-all-are-arguments",
                        test_after_two_dashes_all_are_arguments);
        g_test_add_func("/client-options/usage-errors", test_usage_errors);
        g_test_add_func("/client-options/numbers-have-limits", test_numbers_have_limits);
        g_test_add_func("/client-options/moments", test_moments);
        g_test_add_func("/client-options/each-option-is-described", test_each_option_is_described);
        return g_test_run();
}
