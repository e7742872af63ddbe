/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/match.h"

#include <glib.h>
#include <string.h>

/* Longer words are no verbs, and the table below is quadratic. */
#define WORD_MAX 32

Match match_name(const char *typed, const char *name) {
        g_autofree char *a = NULL, *b = NULL;

        if (!typed || !name || !*typed || !*name)
                return MATCH_NONE;
        if (!g_utf8_validate(typed, -1, NULL) || !g_utf8_validate(name, -1, NULL))
                return strcmp(typed, name) == 0 ? MATCH_EXACT : MATCH_NONE;

        a = g_utf8_casefold(typed, -1);
        b = g_utf8_casefold(name, -1);
        if (strcmp(a, b) == 0)
                return MATCH_EXACT;

        return g_str_has_prefix(b, a) ? MATCH_PREFIX : MATCH_NONE;
}

unsigned match_distance(const char *a, const char *b) {
        unsigned d[WORD_MAX + 1][WORD_MAX + 1];
        size_t n = strlen(a), m = strlen(b);

        if (n > WORD_MAX || m > WORD_MAX)
                return WORD_MAX;

        for (size_t i = 0; i <= n; i++)
                d[i][0] = (unsigned) i;
        for (size_t j = 0; j <= m; j++)
                d[0][j] = (unsigned) j;

        for (size_t i = 1; i <= n; i++)
                for (size_t j = 1; j <= m; j++) {
                        unsigned change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

                        d[i][j] = MIN(change, MIN(d[i - 1][j], d[i][j - 1]) + 1);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
                }

        return d[n][m];
}

const char *match_suggest(const char *typed, const char *const *words, size_t n_words) {
        unsigned best = (unsigned) MIN(strlen(typed) / 2, 2) + 1;
        const char *found = NULL;

        for (size_t i = 0; i < n_words; i++)
                if (match_name(typed, words[i]) == MATCH_PREFIX)
                        return words[i];

        for (size_t i = 0; i < n_words; i++) {
                unsigned distance = match_distance(typed, words[i]);

                if (distance < best) {
                        best = distance;
                        found = words[i];
                }
        }

        return found;
}
