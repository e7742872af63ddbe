/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/events-view.h"
#include "client/json.h"

static char *text_of(const char *events) {
        json_auto *json = json_loads(events, 0, NULL);

        g_assert_nonnull(json);
        return events_view_text(json, true, false);
}

static void test_what_happened(void) {
        g_autofree char *text = text_of("[{\"id\": 1, \"time\": 0, \"kind\": \"state\", \"name\": \"running\"},"
                                        " {\"id\": 2, \"time\": 65000000, \"kind\": \"device\", \"name\": \"overpressure\", \"asserted\": true},"
                                        " {\"id\": 3, \"time\": 66000000, \"kind\": \"device\", \"name\": \"overpressure\", \"asserted\": false},"
                                        " {\"id\": 4, \"time\": 67000000, \"kind\": \"alert\", \"name\": \"overpressure\", \"level\": \"alarm\","
                                        "  \"raised\": true, \"text\": \"too much force\"},"
                                        " {\"id\": 5, \"time\": 68000000, \"kind\": \"alert\", \"name\": \"overpressure\", \"raised\": false,"
                                        "  \"text\": \"too much force\"},"
                                        " {\"id\": 6, \"time\": 69000000, \"kind\": \"mark\", \"name\": \"mark\", \"text\": \"the hand \\u001b slipped\"}]");

        g_assert_nonnull(strstr(text, "TIME  KIND    WHAT"));
        g_assert_nonnull(strstr(text, "state   running\n"));
        g_assert_nonnull(strstr(text, "device  overpressure\n"));
        g_assert_nonnull(strstr(text, "device  overpressure is over\n"));
        g_assert_nonnull(strstr(text, "alert   too much force\n"));
        g_assert_nonnull(strstr(text, "alert   overpressure is over\n"));
        g_assert_nonnull(strstr(text, "mark    the hand "));
        g_assert_null(strchr(text, '\x1b'));
}

/* Contact and motor say by their value that they end. */
static void test_begin_and_end_are_told_apart(void) {
        g_autofree char *text = text_of("[{\"time\": 1, \"kind\": \"device\", \"name\": \"contact\", \"code\": 3, \"asserted\": true, \"value\": 120.0},"
                                        " {\"time\": 2, \"kind\": \"device\", \"name\": \"contact\", \"code\": 3, \"asserted\": true, \"value\": 0},"
                                        " {\"time\": 3, \"kind\": \"device\", \"name\": \"motor\", \"code\": 5, \"asserted\": true, \"value\": 7000},"
                                        " {\"time\": 4, \"kind\": \"device\", \"name\": \"motor\", \"code\": 5, \"asserted\": true, \"value\": 0.0},"
                                        " {\"time\": 5, \"kind\": \"device\", \"name\": \"depth\", \"code\": 4, \"asserted\": true, \"value\": 0},"
                                        " {\"time\": 6, \"kind\": \"device\", \"name\": \"motor\", \"code\": 5, \"asserted\": true}]");

        g_assert_cmpstr(text, ==, "TIME  KIND    WHAT\n"
                                  "  0s  device  contact\n  0s  device  contact is over\n  0s  device  motor\n  0s  device  motor is over\n"
                                  "  0s  device  depth\n  0s  device  motor\n");
}

static void test_by_their_time(void) {
        g_autofree char *text = text_of("[{\"id\": 1, \"time\": 3000000, \"kind\": \"area\", \"name\": \"chin\"},"
                                        " {\"id\": 2, \"time\": 0, \"kind\": \"state\", \"name\": \"running\"},"
                                        " {\"id\": 4, \"time\": 3000000, \"kind\": \"area\", \"name\": \"jaw\"},"
                                        " {\"id\": 3, \"time\": 3000000, \"kind\": \"area\", \"name\": \"neck\"}]");

        g_assert_cmpstr(text, ==, "TIME  KIND   WHAT\n  0s  state  running\n  3s  area   chin\n  3s  area   neck\n  3s  area   jaw\n");
}

static void test_nothing_happened(void) {
        g_autofree char *text = text_of("[]");

        g_assert_cmpstr(text, ==, "");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/events-view/what-happened", test_what_happened);
        g_test_add_func("/events-view/begin-and-end-are-told-apart", test_begin_and_end_are_told_apart);
        g_test_add_func("/events-view/by-their-time", test_by_their_time);
        g_test_add_func("/events-view/nothing-happened", test_nothing_happened);
        return g_test_run();
}
