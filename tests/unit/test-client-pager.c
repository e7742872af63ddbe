/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "client/pager.h"

static char *command(const char *own, const char *common, bool elevated) {
        g_auto(GStrv) words = pager_command(own, common, elevated);

        return words ? g_strjoinv("|", words) : NULL;
}

#define assert_command(own, common, elevated, expected)                                 \
        do {                                                                            \
                g_autofree char *words = command(own, common, elevated);                \
                g_assert_cmpstr(words, ==, expected);                                   \
        } while (0)

static void test_which_pager(void) {
        assert_command(NULL, NULL, false, "less");
        assert_command(NULL, "more -d", false, "more|-d");
        assert_command("less -S 'a b'", "more", false, "less|-S|a b");
}

static void test_no_pager(void) {
        assert_command("", "more", false, NULL);
        assert_command("cat", NULL, false, NULL);
        assert_command("'", NULL, false, NULL); /* no command */
}

static void test_no_shell_sees_it(void) {
        assert_command("less; reboot", NULL, false, "less;|reboot");
}

static void test_a_pager_of_somebody_else_is_not_run_by_root(void) {
        assert_command(NULL, "/home/anna/more", true, "less");
        assert_command("more", "/home/anna/more", true, "more");
}

static void test_rows(void) {
        g_assert_cmpuint(pager_rows("", 80), ==, 0);
        g_assert_cmpuint(pager_rows("one\n\ntwo", 80), ==, 3);
        g_assert_cmpuint(pager_rows("12345678901\n", 10), ==, 2);
        g_assert_cmpuint(pager_rows("\x1b[1m1234567890\x1b[0m\n", 10), ==, 1);
        g_assert_cmpuint(pager_rows("\xd0\xb0\xd0\xb0\xd0\xb0\n", 3), ==, 1);
        g_assert_cmpuint(pager_rows("\x1b[", 10), ==, 1);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-pager/which-pager", test_which_pager);
        g_test_add_func("/client-pager/no-pager", test_no_pager);
        g_test_add_func("/client-pager/no-shell-sees-it", test_no_shell_sees_it);
        g_test_add_func("/client-pager/a-pager-of-somebody-else-is-not-run-by-root", test_a_pager_of_somebody_else_is_not_run_by_root);
        g_test_add_func("/client-pager/rows", test_rows);
        return g_test_run();
}
