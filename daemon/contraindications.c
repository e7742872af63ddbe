/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "contraindications.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD "Contraindications"

struct Contraindications {
        GKeyFile *file;
        char *version;
        char **ids;
        GHashTable *sources;            /* id → text, owned */
};

static int problem(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int problem(char **ret, const char *format, ...) {
        va_list args;

        va_start(args, format);
        *ret = g_strdup_vprintf(format, args);
        va_end(args);
        return -EBADMSG;
}

/* One line that people can read. */
static bool is_plain(const char *text, unsigned max) {
        if (!*text || g_utf8_strlen(text, -1) > (glong) max)
                return false;
        for (const char *p = text; *p; p = g_utf8_next_char(p))
                if (g_unichar_iscntrl(g_utf8_get_char(p)) || g_unichar_type(g_utf8_get_char(p)) == G_UNICODE_FORMAT)
                        return false;
        return true;
}

static bool is_version(const char *version) {
        return *version && strlen(version) <= CONTRAINDICATIONS_VERSION_MAX &&
               strspn(version, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") == strlen(version);
}

/* "Text", "Text[…]" or "Source"; each is a line. */
static int check_key(GKeyFile *file, const char *id, const char *key, char **ret_problem) {
        g_autofree char *value = g_key_file_get_string(file, id, key, NULL);

        if (strcmp(key, "Source") != 0 && strcmp(key, "Text") != 0 && !(g_str_has_prefix(key, "Text[") && g_str_has_suffix(key, "]")))
                return problem(ret_problem, "[%s] has a key %s; there are Text, Text[LANGUAGE] and Source", id, key);
        if (!value || !is_plain(value, CONTRAINDICATIONS_TEXT_MAX))
                return problem(ret_problem, "%s of [%s] is empty, no plain line of text, or longer than %u characters", key, id,
                               CONTRAINDICATIONS_TEXT_MAX);
        return 0;
}

static int check_entry(Contraindications *list, const char *id, char **ret_problem) {
        g_auto(GStrv) keys = g_key_file_get_keys(list->file, id, NULL, NULL);

        for (char **key = keys; key && *key; key++) {
                int r = check_key(list->file, id, *key, ret_problem);

                if (r < 0)
                        return r;
        }
        if (!g_key_file_has_key(list->file, id, "Text", NULL) || !g_key_file_has_key(list->file, id, "Source", NULL))
                return problem(ret_problem, "[%s] has no Text or no Source", id);
        g_hash_table_insert(list->sources, g_strdup(id), g_key_file_get_string(list->file, id, "Source", NULL));
        return 0;
}

static int check(Contraindications *list, char **ret_problem) {
        g_auto(GStrv) groups = g_key_file_get_groups(list->file, NULL);
        int r = 0;

        list->version = g_key_file_get_string(list->file, HEAD, "Version", NULL);
        if (!list->version || !is_version(list->version))
                return problem(ret_problem, "[" HEAD "] has no Version of letters, digits, points and hyphens");
        if (!groups[0] || strcmp(groups[0], HEAD) != 0)
                return problem(ret_problem, "the first group is not [" HEAD "]");
        if (!groups[1] || g_strv_length(groups) - 1 > CONTRAINDICATIONS_MAX)
                return problem(ret_problem, "it has no entries, or more than %u", CONTRAINDICATIONS_MAX);
        list->ids = g_strdupv(groups + 1);
        for (char **id = list->ids; *id && r == 0; id++)
                r = check_entry(list, *id, ret_problem);
        return r;
}

static int read_file(const char *path, GKeyFile *file, char **ret_problem) {
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL;
        struct stat st;
        gsize size;

        if (stat(path, &st) < 0) {
                int r = errno == ENOENT ? -ENOENT : -EIO;

                (void) problem(ret_problem, "it cannot be read: %s", g_strerror(errno));
                return r;
        }
        if (!S_ISREG(st.st_mode) || st.st_size > CONTRAINDICATIONS_FILE_MAX)
                return problem(ret_problem, "it is no file, or larger than %u octets", CONTRAINDICATIONS_FILE_MAX);
        if (!g_file_get_contents(path, &text, &size, &error)) {
                (void) problem(ret_problem, "it cannot be read: %s", error->message);
                return -EIO;
        }
        if (!g_utf8_validate(text, (gssize) size, NULL))
                return problem(ret_problem, "it is not UTF-8");
        if (!g_key_file_load_from_data(file, text, size, G_KEY_FILE_KEEP_TRANSLATIONS, &error))
                return problem(ret_problem, "%s", error->message);
        return 0;
}

int contraindications_load(const char *path, Contraindications **ret, char **ret_problem) {
        g_autoptr(Contraindications) list = g_new0(Contraindications, 1);
        int r;

        list->file = g_key_file_new();
        list->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        r = read_file(path, list->file, ret_problem);
        if (r == 0)
                r = check(list, ret_problem);
        if (r == 0)
                *ret = g_steal_pointer(&list);
        return r;
}

Contraindications *contraindications_free(Contraindications *list) {
        if (!list)
                return NULL;
        g_key_file_unref(list->file);
        g_free(list->version);
        g_strfreev(list->ids);
        g_hash_table_unref(list->sources);
        g_free(list);
        return NULL;
}

const char *contraindications_version(const Contraindications *list) {
        return list->version;
}

const char *const *contraindications_ids(const Contraindications *list) {
        return (const char *const *) list->ids;
}

char **contraindications_texts(const Contraindications *list, const char *language) {
        g_autoptr(GStrvBuilder) texts = g_strv_builder_new();

        for (char **id = list->ids; *id; id++) {
                g_autofree char *text = g_key_file_get_locale_string(list->file, *id, "Text", language && *language ? language : "C", NULL);

                g_strv_builder_add(texts, text);
        }
        return g_strv_builder_end(texts);
}

const char *contraindications_source(const Contraindications *list, const char *id) {
        return g_hash_table_lookup(list->sources, id);
}
