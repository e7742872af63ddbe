/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/keys.h"

#include <string.h>

#define LINES_USUAL 8u /* of a group: not a limit */

static void group_free(void *p) {
        KeysGroup *group = p;

        g_array_unref(group->lines);
        g_free(group);
}

static guint group_hash(gconstpointer p) {
        return g_str_hash(((const KeysGroup *) p)->name);
}

static gboolean group_equal(gconstpointer a, gconstpointer b) {
        const KeysGroup *left = a, *right = b;

        return g_str_equal(left->name, right->name) && g_str_equal(left->kind, right->kind);
}

/* Most keys differ in their first letter. */
static inline bool same_key(const char *a, const char *b) {
        return *a == *b && g_str_equal(a, b);
}

/* Without blanks at both ends, the end itself set to 0. */
static char *trim(char *text, char *end) {
        while (text < end && g_ascii_isspace(*text))
                text++;
        while (end > text && g_ascii_isspace(end[-1]))
                end--;
        *end = '\0';

        return text;
}

/* "[Kind name]". A group that occurs twice is still read, so that what is wrong in it is told too. */
static KeysGroup *read_header(char *text, unsigned line, GPtrArray *groups, GHashTable *known, KeysProblems *problems) {
        size_t length = strlen(text);
        KeysGroup *group;
        char *name;

        if (text[length - 1] == ']')
                text[length - 1] = '\0';
        else
                keys_problem(problems, line, "A group is written [Name], on a line of its own.");

        name = text + 1 + strcspn(text + 1, " \t");
        if (*name)
                *name++ = '\0';

        group = g_new(KeysGroup, 1);
        *group = (KeysGroup) {
                .kind = text + 1,
                .name = g_strstrip(name),
                .line = line,
                .lines = g_array_sized_new(false, false, sizeof(KeysLine), LINES_USUAL),
        };
        if (!g_hash_table_add(known, group))
                keys_problem(problems, line, "[%s%s%s] is there already: give it another name, or remove one of the two.", group->kind,
                             *group->name ? " " : "", group->name);
        g_ptr_array_add(groups, group);
        return group;
}

static void read_pair(char *text, unsigned line, KeysGroup *group, KeysProblems *problems) {
        char *equal = strchr(text, '=');
        KeysLine pair = { .line = line };

        if (!equal || equal == text) {
                keys_problem(problems, line, "This is no group, no Key=value and no comment: write # before a comment.");
                return;
        }
        pair.key = trim(text, equal);
        pair.value = equal + 1 + strspn(equal + 1, " \t");
        if (!group) {
                keys_problem(problems, line, "%s= stands before the first group: begin with [Profile].", pair.key);
                return;
        }
        if (strchr(pair.value, '\\'))
                keys_problem(problems, line, "A backslash stands for nothing here: leave it out.");
        if (keys_get(group, pair.key)) {
                keys_problem(problems, line, "%s= is given twice in this group: remove one.", pair.key);
                return;
        }

        g_array_append_val(group->lines, pair);
}

void keys_problem(KeysProblems *problems, unsigned line, const char *format, ...) {
        g_autofree char *text = NULL;
        va_list args;

        if (problems->n++ >= KEYS_PROBLEMS_MAX)
                return;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        problems->report(problems->path, line, text, problems->userdata);
}

GPtrArray *keys_read(char *text, KeysProblems *problems) {
        GPtrArray *groups = g_ptr_array_new_with_free_func(group_free);
        g_autoptr(GHashTable) known = g_hash_table_new(group_hash, group_equal);
        KeysGroup *group = NULL;
        char *next;

        for (unsigned line = 1; text; text = next, line++) {
                char *end = strchrnul(text, '\n');

                next = *end ? end + 1 : NULL;
                text = trim(text, end);
                if (*text == '\0' || *text == '#')
                        continue;
                if (*text == '[')
                        group = read_header(text, line, groups, known, problems);
                else
                        read_pair(text, line, group, problems);
        }

        return groups;
}

const KeysLine *keys_get(const KeysGroup *group, const char *key) {
        for (guint i = 0; i < group->lines->len; i++) {
                const KeysLine *line = &g_array_index(group->lines, KeysLine, i);

                if (same_key(line->key, key))
                        return line;
        }

        return NULL;
}

void keys_check(const KeysGroup *group, const char *const *known, KeysProblems *problems) {
        for (guint i = 0; i < group->lines->len; i++) {
                const KeysLine *line = &g_array_index(group->lines, KeysLine, i);

                const char *const *k = known;

                while (*k && !same_key(*k, line->key))
                        k++;
                if (!*k)
                        keys_problem(problems, line->line, "%s= is not known in [%s]: see docs/vendor-profiles.md for those that are.",
                                     line->key, group->kind);
        }
}
