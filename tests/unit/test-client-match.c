/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "client/match.h"

static const char *const words[] = { "status", "devices",  "search", "adopt", "forget",
                                     "watch",  "sessions", "show",   "pause" };

static const char *suggest(const char *typed) {
        return match_suggest(typed, words, G_N_ELEMENTS(words));
}

static void test_names_fit_whatever_the_case(void) {
        g_assert_cmpint(match_name("c0:ff:ee", "C0:FF:EE"), ==, MATCH_EXACT);
        g_assert_cmpint(match_name("ручка", "Ручка"), ==, MATCH_EXACT);
        g_assert_cmpint(match_name("c0:ff", "C0:FF:EE"), ==, MATCH_PREFIX);
        g_assert_cmpint(match_name("ff", "C0:FF:EE"), ==, MATCH_NONE);
        g_assert_cmpint(match_name("C0:FF:EE:11", "C0:FF:EE"), ==, MATCH_NONE);
}

static void test_nothing_fits_nothing(void) {
        g_assert_cmpint(match_name("", "C0:FF:EE"), ==, MATCH_NONE);
        g_assert_cmpint(match_name("C0", ""), ==, MATCH_NONE);
        g_assert_cmpint(match_name(NULL, NULL), ==, MATCH_NONE);
        g_assert_cmpint(match_name("\xff", "\xff"), ==, MATCH_EXACT);
        g_assert_cmpint(match_name("\xff", "x"), ==, MATCH_NONE);
}

static void test_distance_counts_slips(void) {
        g_assert_cmpuint(match_distance("watch", "watch"), ==, 0);
        g_assert_cmpuint(match_distance("wathc", "watch"), ==, 1); /* swapped */
        g_assert_cmpuint(match_distance("wtch", "watch"), ==, 1);  /* left out */
        g_assert_cmpuint(match_distance("wattch", "watch"), ==, 1); /* added */
        g_assert_cmpuint(match_distance("match", "watch"), ==, 1); /* changed */
        g_assert_cmpuint(match_distance("", "watch"), ==, 5);
        g_assert_cmpuint(match_distance("a word that is longer than any verb could be", "watch"), >, 5);
}

static void test_slips_are_understood(void) {
        g_assert_cmpstr(suggest("statsu"), ==, "status");
        g_assert_cmpstr(suggest("wathc"), ==, "watch");
        g_assert_cmpstr(suggest("sesions"), ==, "sessions");
        g_assert_cmpstr(suggest("dev"), ==, "devices");
}

static void test_other_words_are_not_guessed_at(void) {
        g_assert_null(suggest("reboot"));
        g_assert_null(suggest("x"));
        g_assert_null(suggest(""));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-match/names-fit-whatever-the-case", test_names_fit_whatever_the_case);
        g_test_add_func("/client-match/nothing-fits-nothing", test_nothing_fits_nothing);
        g_test_add_func("/client-match/distance-counts-slips", test_distance_counts_slips);
        g_test_add_func("/client-match/slips-are-understood", test_slips_are_understood);
        g_test_add_func("/client-match/other-words-are-not-guessed-at", test_other_words_are_not_guessed_at);
        return g_test_run();
}
