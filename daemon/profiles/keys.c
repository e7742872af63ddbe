/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/keys.h"

#include <string.h>

static void group_free(void *p) {
        KeysGroup *group = p;

        g_array_unref(group->lines);
        g_free(group);
}

static bool group_exists(const GPtrArray *groups, const char *kind, const char *name) {
        for (guint i = 0; i < groups->len; i++) {
                const KeysGroup *group = groups->pdata[i];

                if (g_str_equal(group->kind, kind) && g_str_equal(group->name, name))
                        return true;
        }

        return false;
}

/* "[Kind name]". A group that occurs twice is still read, so that what is wrong in it is told too. */
static KeysGroup *read_header(char *text, unsigned line, GPtrArray *groups, KeysProblems *problems) {
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
                .lines = g_array_new(false, false, sizeof(KeysLine)),
        };
        if (group_exists(groups, group->kind, group->name))
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
        *equal = '\0';
        pair.key = g_strchomp(text);
        pair.value = g_strchug(equal + 1);
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
        KeysGroup *group = NULL;
        char *next;

        for (unsigned line = 1; text; text = next, line++) {
                next = strchr(text, '\n');
                if (next)
                        *next++ = '\0';
                text = g_strstrip(text);
                if (*text == '\0' || *text == '#')
                        continue;
                if (*text == '[')
                        group = read_header(text, line, groups, problems);
                else
                        read_pair(text, line, group, problems);
        }

        return groups;
}

const KeysLine *keys_get(const KeysGroup *group, const char *key) {
        for (guint i = 0; i < group->lines->len; i++) {
                const KeysLine *line = &g_array_index(group->lines, KeysLine, i);

                if (g_str_equal(line->key, key))
                        return line;
        }

        return NULL;
}

void keys_check(const KeysGroup *group, const char *const *known, KeysProblems *problems) {
        for (guint i = 0; i < group->lines->len; i++) {
                const KeysLine *line = &g_array_index(group->lines, KeysLine, i);

                if (!g_strv_contains(known, line->key))
                        keys_problem(problems, line->line, "%s= is not known in [%s]: see docs/vendor-profiles.md for those that are.",
                                     line->key, group->kind);
        }
}
