/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What journalctl is asked for. That it answers is seen in the guest. */

#include <glib.h>

#include "client/log.h"

#define SERVICE "_SYSTEMD_UNIT=needled.service + UNIT=needled.service _PID=1 + COREDUMP_UNIT=needled.service _UID=0"

static void assert_command(const LogQuery *query, const char *line, const char *expected) {
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        g_autofree char **argv = g_memdup2(words, (g_strv_length(words) + 1) * sizeof(char *)); /* getopt exchanges them */
        g_autoptr(GPtrArray) command = NULL;
        g_autofree char *said = NULL;
        Options options;

        g_assert_cmpint(options_parse((int) g_strv_length(words), argv, &options), ==, EXIT_DONE);
        g_assert_cmpstr(options.args[0], ==, "log");
        command = log_command(query, &options);
        said = g_strjoinv(" ", (char **) command->pdata);
        g_assert_cmpstr(said, ==, expected);
}

static void test_of_the_service(void) {
        LogQuery all = {}, some = { .limit = 20, .since_usec = 1770127200000001, .until_usec = 1770127300000000 };

        assert_command(&all, "needlectl log", "journalctl --system " SERVICE);
        assert_command(&all, "needlectl log --json --no-pager", "journalctl --system --output=json --no-pager " SERVICE);
        assert_command(&all, "needlectl log -x -q", "journalctl --system --catalog --quiet " SERVICE);
        assert_command(&some, "needlectl log", "journalctl --system --lines=20 --since=@1770127200.000001 --until=@1770127300.000000 " SERVICE);
}

static void test_of_a_session(void) {
        LogQuery query = { .session = 42 };

        assert_command(&query, "needlectl log 42", "journalctl --system _SYSTEMD_UNIT=needled.service NEEDLED_SESSION=42");
}

/* It takes no argument here, wherever it stands; `export` and its folder are another matter. */
static void test_follow(void) {
        static const char *const lines[] = { "needlectl log -f", "needlectl log --follow", "needlectl -f log", "needlectl log -f 42",
                                             "needlectl --follow log 42", "needlectl log --follow -q" };
        LogQuery all = {};

        for (size_t i = 0; i < G_N_ELEMENTS(lines) - 1; i++)
                assert_command(&all, lines[i], "journalctl --system --follow " SERVICE);
        assert_command(&all, lines[G_N_ELEMENTS(lines) - 1], "journalctl --system --follow --quiet " SERVICE);
}

static void test_follow_of_another_verb(void) {
        const char *words[] = { "needlectl", "export", "--follow", "folder", "-f", "json", NULL };
        Options options;

        g_assert_cmpint(options_parse(6, (char **) words, &options), ==, EXIT_DONE);
        g_assert_cmpint(options.n_args, ==, 1);
        g_assert_cmpstr(options.value[OPTION_FOLLOW], ==, "folder");
        g_assert_cmpstr(options.value[OPTION_FORMAT], ==, "json");
        g_assert_false(options_has(&options, OPTION_TAIL));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-log/of-the-service", test_of_the_service);
        g_test_add_func("/client-log/of-a-session", test_of_a_session);
        g_test_add_func("/client-log/follow", test_follow);
        g_test_add_func("/client-log/follow-of-another-verb", test_follow_of_another_verb);
        return g_test_run();
}
