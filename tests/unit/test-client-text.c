/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/text.h"

static void assert_printable(const char *s, const char *expected) {
        g_autofree char *printable = text_printable(s);

        g_assert_cmpstr(printable, ==, expected);
}

static void test_names_cannot_reach_the_terminal(void) {
        assert_printable("\x1b[2J\x1b]0;owned\x07pen", "�[2J�]0;owned�pen");
        assert_printable("\xc2\x9b" "31mred", "�31mred");               /* CSI as one C1 character */
        assert_printable("gpj\xe2\x80\xae.exe", "gpj�.exe");            /* right-to-left override */
        assert_printable("a\xe2\x80\xa8" "b", "a�b");                   /* line separator */
        assert_printable("a\xee\x80\x80", "a�");                        /* private use */
        assert_printable("\x7f\x01", "��");
}

static void test_line_breaks_become_spaces(void) {
        assert_printable("first\nsecond\tthird", "first second third");
        assert_printable("a\r\nb", "a� b");
}

static void test_other_scripts_stay(void) {
        assert_printable("Ручка Анны 笔", "Ручка Анны 笔");
        assert_printable(NULL, "");
}

static void test_invalid_utf8_is_replaced(void) {
        g_autofree char *printable = text_printable("ok\xff\xc3");

        g_assert_true(g_utf8_validate(printable, -1, NULL));
        g_assert_true(g_str_has_prefix(printable, "ok"));
}

static void test_ascii_terminals_get_ascii(void) {
        g_autofree char *fitted = NULL, *in_file = NULL;

        text_set_utf8(false);
        assert_printable("Ру\x1b", "???");
        fitted = text_fit("abcdef", 4);
        in_file = text_printable_utf8("Ру\x1b");
        text_set_utf8(true);
        g_assert_cmpstr(in_file, ==, "Ру�");
        g_assert_cmpstr(fitted, ==, "abc~");
}

static void test_width_counts_columns(void) {
        g_assert_cmpuint(text_width("abc"), ==, 3);
        g_assert_cmpuint(text_width("笔"), ==, 2);
        g_assert_cmpuint(text_width("e\xcc\x81"), ==, 1); /* e and a combining acute */
}

static void test_fit_never_exceeds_the_columns(void) {
        static const char *const texts[] = { "", "a", "abcdefgh", "笔笔笔笔", "e\xcc\x81 bc笔def" };

        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
                for (unsigned columns = 0; columns < 12; columns++) {
                        g_autofree char *fitted = text_fit(texts[i], columns),
                                        *padded = text_pad(texts[i], columns, i % 2);

                        g_assert_cmpuint(text_width(fitted), <=, columns);
                        g_assert_cmpuint(text_width(padded), ==, columns);
                        g_assert_true(g_utf8_validate(fitted, -1, NULL));
                        if (text_width(texts[i]) <= columns)
                                g_assert_cmpstr(fitted, ==, texts[i]);
                }
}

static void test_pad_sets_left_and_right(void) {
        g_autofree char *left = text_pad("ab", 4, false), *right = text_pad("ab", 4, true);

        g_assert_cmpstr(left, ==, "ab  ");
        g_assert_cmpstr(right, ==, "  ab");
}

static void assert_wrapped(const char *s, unsigned columns, unsigned indent, const char *expected) {
        g_autofree char *wrapped = text_wrap(s, columns, indent);

        g_assert_cmpstr(wrapped, ==, expected);
}

static void test_wrap_breaks_between_words(void) {
        assert_wrapped("one two three", 13, 0, "one two three");
        assert_wrapped("one two three", 12, 0, "one two\nthree");
        assert_wrapped("one two three", 12, 2, "one two\n  three");
        assert_wrapped("one two three", 12, 5, "one two\n     three"); /* the first line begins at 5 too */
        assert_wrapped("笔笔 笔笔", 8, 0, "笔笔\n笔笔");               /* two columns each */
        assert_wrapped("unbreakably long", 4, 1, "unbreakably\n long");
        assert_wrapped("one two three", 0, 3, "one two three");
        assert_wrapped("", 4, 1, "");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-text/names-cannot-reach-the-terminal",
                        test_names_cannot_reach_the_terminal);
        g_test_add_func("/client-text/line-breaks-become-spaces", test_line_breaks_become_spaces);
        g_test_add_func("/client-text/other-scripts-stay", test_other_scripts_stay);
        g_test_add_func("/client-text/invalid-utf8-is-replaced", test_invalid_utf8_is_replaced);
        g_test_add_func("/client-text/ascii-terminals-get-ascii", test_ascii_terminals_get_ascii);
        g_test_add_func("/client-text/width-counts-columns", test_width_counts_columns);
        g_test_add_func("/client-text/fit-never-exceeds-the-columns", test_fit_never_exceeds_the_columns);
        g_test_add_func("/client-text/pad-sets-left-and-right", test_pad_sets_left_and_right);
        g_test_add_func("/client-text/wrap-breaks-between-words", test_wrap_breaks_between_words);
        return g_test_run();
}
