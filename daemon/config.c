/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

#define USEC_PER_SEC UINT64_C(1000000)
#define FILE_SIZE_MAX (64u * 1024u)
#define DROP_INS_MAX 256u

typedef struct ConfigKey ConfigKey;

typedef struct Reading {
        const char *file, *text;
        ConfigWarn warn;
        void *userdata;
        unsigned warnings;
} Reading;

struct ConfigKey {
        const char *group, *key;
        size_t offset;                  /* in Config */
        bool is_bool;
        uint64_t min_sec, max_sec;      /* of a time span */
};

static const ConfigKey keys[] = {
        { "Session", "Window", offsetof(Config, session_window_usec), false, 1, 24 * 3600 },
        { "Session", "IdleTimeout", offsetof(Config, session_idle_timeout_usec), false, 1, 24 * 3600 },
        { "Session", "AutoStart", offsetof(Config, session_auto_start), true, 0, 0 },
        { "Bluetooth", "AllowBroadcast", offsetof(Config, bluetooth_allow_broadcast), true, 0, 0 },
        { "Bluetooth", "ReleaseTime", offsetof(Config, bluetooth_release_usec), false, 0, 30 * 24 * 3600 },
};

/* GKeyFile does not tell lines, so they are looked up again: of the group's header, or of the last `key` within the group. */
static unsigned find_line(const char *text, const char *group, const char *key) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *header = g_strdup_printf("[%s]", group);
        unsigned found = 0;
        bool inside = false;

        for (unsigned i = 0; lines[i]; i++) {
                char *line = g_strstrip(lines[i]);

                if (line[0] == '[') {
                        inside = g_str_equal(line, header);
                        if (inside && !key)
                                found = i + 1;
                } else if (inside && key && g_str_has_prefix(line, key)) {
                        const char *after = line + strlen(key);

                        after += strspn(after, " \t");
                        if (*after == '=')
                                found = i + 1;
                }
        }

        return found;
}

static void warn_at(Reading *r, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void warn_at(Reading *r, unsigned line, const char *format, ...) {
        g_autofree char *message = NULL;
        va_list args;

        va_start(args, format);
        message = g_strdup_vprintf(format, args);
        va_end(args);

        r->warnings++;
        r->warn(r->file, line, message, r->userdata);
}

static bool parse_bool(const char *value, bool *ret) {
        static const char *const yes[] = { "yes", "true", "on", "1", NULL }, *const no[] = { "no", "false", "off", "0", NULL };

        if (!g_strv_contains(yes, value) && !g_strv_contains(no, value))
                return false;

        *ret = g_strv_contains(yes, value);
        return true;
}

/* Whole seconds, or with a unit: 90, 90s, 2min, 1h, 1d. */
static bool parse_seconds(const char *value, uint64_t *ret) {
        static const struct { const char *name; uint64_t factor; } units[] = {
                { "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 },
        };
        char *end;
        uint64_t n;

        if (!g_ascii_isdigit(value[0]))
                return false;
        n = g_ascii_strtoull(value, &end, 10);
        end += strspn(end, " ");
        if (n > UINT32_MAX)
                return false;

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                if (g_str_equal(end, units[i].name)) {
                        *ret = n * units[i].factor;
                        return true;
                }

        return false;
}

static void set_key(Config *config, Reading *r, const ConfigKey *k, const char *value) {
        unsigned line = find_line(r->text, k->group, k->key);
        void *field = (uint8_t *) config + k->offset;

        if (k->is_bool) {
                bool b;

                if (parse_bool(value, &b))
                        *(bool *) field = b;
                else
                        warn_at(r, line, "[%s] %s=%s is neither yes nor no; keeping %s", k->group, k->key, value,
                                *(bool *) field ? "yes" : "no");
        } else {
                uint64_t sec;

                if (parse_seconds(value, &sec) && sec >= k->min_sec && sec <= k->max_sec)
                        *(uint64_t *) field = sec * USEC_PER_SEC;
                else
                        warn_at(r, line, "[%s] %s=%s is not a time from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                                " s (like 90, 90s, 2min); keeping %" G_GUINT64_FORMAT " s", k->group, k->key, value,
                                k->min_sec, k->max_sec, *(uint64_t *) field / USEC_PER_SEC);
        }
}

static const ConfigKey *find_key(const char *group, const char *key) {
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
                if (g_str_equal(keys[i].group, group) && (!key || g_str_equal(keys[i].key, key)))
                        return &keys[i];

        return NULL;
}

static void apply_group(Config *config, Reading *r, GKeyFile *file, const char *group) {
        g_auto(GStrv) names = g_key_file_get_keys(file, group, NULL, NULL);

        if (!find_key(group, NULL)) {
                warn_at(r, find_line(r->text, group, NULL), "unknown group [%s]; ignored", group);
                return;
        }

        for (char **name = names; name && *name; name++) {
                const ConfigKey *k = find_key(group, *name);
                g_autofree char *value = NULL;

                if (!k) {
                        warn_at(r, find_line(r->text, group, *name), "unknown key %s in [%s]; ignored", *name, group);
                        continue;
                }

                value = g_key_file_get_value(file, group, *name, NULL);
                set_key(config, r, k, value ? g_strstrip(value) : "");
        }
}

/* GKeyFile gives up at the first line it cannot read. Such lines are named and left out, so that the others still count. */
static char *drop_unreadable_lines(Reading *r) {
        g_auto(GStrv) lines = g_strsplit(r->text, "\n", -1);
        bool inside = false;

        for (unsigned i = 0; lines[i]; i++) {
                const char *line = g_strchug(lines[i]);
                const char *problem = NULL;

                if (*line == '[') {
                        inside = strchr(line, ']') != NULL;
                        problem = inside ? NULL : "group header without ]";
                } else if (*line && *line != '#') {
                        if (!strchr(line, '=') || *line == '=')
                                problem = "neither a [Group] nor Key=Value";
                        else if (!inside)
                                problem = "a key outside of any [Group]";
                }
                if (!problem)
                        continue;

                warn_at(r, i + 1, "%s; ignored", problem);
                lines[i][0] = '\0';
        }

        return g_strjoinv("\n", lines);
}

static void load_file(Config *config, const char *path, ConfigWarn warn, void *userdata, unsigned *warnings) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *text = NULL, *readable = NULL;
        g_auto(GStrv) groups = NULL;
        Reading r = { .file = path, .warn = warn, .userdata = userdata };
        size_t size;

        if (!g_file_get_contents(path, &text, &size, &error)) {
                if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
                        warn_at(&r, 0, "cannot be read (%s); defaults are used", error->message);
        } else if (size > FILE_SIZE_MAX || strlen(text) != size || !g_utf8_validate(text, (gssize) size, NULL))
                warn_at(&r, 0, "is not a UTF-8 text of at most 64 KiB; ignored");
        else {
                r.text = text;
                readable = drop_unreadable_lines(&r);
                if (!g_key_file_load_from_data(file, readable, strlen(readable), G_KEY_FILE_NONE, &error))
                        warn_at(&r, 0, "cannot be understood (%s); ignored", error->message);
                groups = g_key_file_get_groups(file, NULL);
                for (char **group = groups; *group; group++)
                        apply_group(config, &r, file, *group);
        }

        *warnings += r.warnings;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

void config_defaults(Config *config) {
        *config = (Config) {
                .session_window_usec = 600 * USEC_PER_SEC,
                .session_idle_timeout_usec = 120 * USEC_PER_SEC,
                .session_auto_start = true,
        };
}

unsigned config_load(Config *config, const char *dir, ConfigWarn warn, void *userdata) {
        g_autofree char *main_file = g_build_filename(dir, "needled.conf", NULL);
        g_autofree char *drop_in_dir = g_build_filename(dir, "needled.conf.d", NULL);
        g_autoptr(GDir) d = g_dir_open(drop_in_dir, 0, NULL);
        g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
        const char *name;
        unsigned warnings = 0;

        load_file(config, main_file, warn, userdata, &warnings);
        while (d && (name = g_dir_read_name(d)) && names->len < DROP_INS_MAX)
                if (g_str_has_suffix(name, ".conf") && name[0] != '.')
                        g_ptr_array_add(names, g_build_filename(drop_in_dir, name, NULL));

        g_ptr_array_sort(names, compare_names);
        for (unsigned i = 0; i < names->len; i++)
                load_file(config, names->pdata[i], warn, userdata, &warnings);

        return warnings;
}
