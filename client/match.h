/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Finding what somebody meant by a few letters. */

#include <stdbool.h>
#include <stddef.h>

typedef enum Match {
        MATCH_NONE,
        MATCH_PREFIX,
        MATCH_EXACT,
} Match;

/* How `typed` fits a name, whatever the case. An empty `typed` or name fits nothing. */
Match match_name(const char *typed, const char *name);

/* Letters that have to be typed differently (left out, added, changed, two swapped) to get from one word to
 * the other. */
unsigned match_distance(const char *a, const char *b);

/* The word that was probably meant: one that begins with `typed`, else the nearest that is near enough; NULL
 * if there is none. */
const char *match_suggest(const char *typed, const char *const *words, size_t n_words);
