/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The text of a profile: groups of Key=value, as GKeyFile reads them, with the lines that GKeyFile does not tell. It is a part of that
 * format: there are no escapes and no translated keys, and a group or a key that occurs twice is a mistake. */

#include "profiles/profile.h"

#define KEYS_PROBLEMS_MAX 100u  /* of one file; what is wrong beyond is not told */

typedef struct KeysProblems {
        const char *path;
        ProfilesReport report;
        void *userdata;
        unsigned n;
} KeysProblems;

typedef struct KeysLine {
        const char *key, *value;
        unsigned line;
} KeysLine;

typedef struct KeysGroup {
        const char *kind, *name; /* "[Field force]": "Field" and "force"; name "" if there is none */
        unsigned line;
        GArray *lines;          /* KeysLine */
} KeysGroup;

void keys_problem(KeysProblems *problems, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Takes text apart in place: what is returned points into it. Its groups, KeysGroup*, in their order; what is no group and no
 * Key=value is reported and left out. */
GPtrArray *keys_read(char *text, KeysProblems *problems);
const KeysLine *keys_get(const KeysGroup *group, const char *key); /* NULL: not there */
/* Reports keys that are not in the NULL-terminated list. */
void keys_check(const KeysGroup *group, const char *const *known, KeysProblems *problems);
