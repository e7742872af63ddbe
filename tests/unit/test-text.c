/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>

#include "needled/text.h"

static const struct {
        const char *text, *json, *csv;
} cases[] = {
        { "", "\"\"", "" },
        { "cheek", "\"cheek\"", "cheek" },
        { "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80", "\"J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80\"", "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x98\x80" },
        { "a \"b\", c\\", "\"a \\\"b\\\", c\\\\\"", "\"a \"\"b\"\", c\\\"" },
        { "one\ntwo\r\n\tthree", "\"one\\ntwo\\r\\n\\tthree\"", "\"one\ntwo\r\n\tthree\"" },
        { "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\"", "\x01\x1f\x7f" },
        { "=1+1", "\"=1+1\"", "'=1+1" },
        { "+1", "\"+1\"", "'+1" },
        { "-1", "\"-1\"", "'-1" },
        { "@SUM(A1)", "\"@SUM(A1)\"", "'@SUM(A1)" },
        { "\t=1", "\"\\t=1\"", "'\t=1" },
        { "\r=1", "\"\\r=1\"", "\"'\r=1\"" },
        { "=A1,\"x\"", "\"=A1,\\\"x\\\"\"", "\"'=A1,\"\"x\"\"\"" },
        { "1=1", "\"1=1\"", "1=1" },
};

static void test_texts(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                char buf[128];

                g_assert_cmpint(text_json(cases[i].text, buf, sizeof(buf)), ==, strlen(cases[i].json));
                g_assert_cmpstr(buf, ==, cases[i].json);
                g_assert_cmpint(text_csv(cases[i].text, buf, sizeof(buf)), ==, strlen(cases[i].csv));
                g_assert_cmpstr(buf, ==, cases[i].csv);
        }
}

/* A device and a database may say anything: what comes out is UTF-8 all the same. */
static void test_what_is_not_utf8(void) {
        static const struct {
                const char *text;
                unsigned replaced;
        } broken[] = {
                { "\xff", 1 }, { "\x80z", 1 }, { "\xc3", 1 }, { "\xc0\xaf", 2 }, { "\xe2\x82", 2 }, { "\xed\xa0\x80", 3 },
                { "\xf4\x90\x80\x80", 4 }, { "\xf0\x80\x80\x80", 4 }, { "\xc3\xb6\xc3", 1 },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
                char buf[128];
                unsigned n = 0;

                g_assert_cmpint(text_json(broken[i].text, buf, sizeof(buf)), >, 0);
                g_assert_true(g_utf8_validate(buf, -1, NULL));
                for (const char *p = buf; (p = strstr(p, "\xef\xbf\xbd")); p += 3)
                        n++;
                g_assert_cmpuint(n, ==, broken[i].replaced);
        }
}

/* The bounds of the header hold for the worst texts, and a buffer that is too small is never written beyond. */
static void test_room(void) {
        char worst[101], buf[TEXT_JSON_MAX(100)];

        memset(worst, 1, 100);
        worst[100] = '\0';
        g_assert_cmpint(text_json(worst, buf, sizeof(buf)), ==, 602);
        g_assert_cmpint(text_json(worst, buf, sizeof(buf) - 1), ==, -ENOSPC);
        memset(worst, '"', 100);
        worst[0] = '=';
        g_assert_cmpint(text_csv(worst, buf, TEXT_CSV_MAX(100)), ==, 202);
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                for (size_t size = 0; size < strlen(cases[i].json) + 2; size++) {
                        g_autofree char *exact = g_malloc(size);
                        bool fits = size > strlen(cases[i].json);

                        g_assert_cmpint(text_json(cases[i].text, exact, size), ==, fits ? (int) strlen(cases[i].json) : -ENOSPC);
                        fits = size > strlen(cases[i].csv);
                        g_assert_cmpint(text_csv(cases[i].text, exact, size), ==, fits ? (int) strlen(cases[i].csv) : -ENOSPC);
                }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/text/texts", test_texts);
        g_test_add_func("/text/what-is-not-utf8", test_what_is_not_utf8);
        g_test_add_func("/text/room", test_room);
        return g_test_run();
}
