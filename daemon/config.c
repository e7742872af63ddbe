/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "config.h"

#include <glib.h>
#include <string.h>

#include "config-file.h"

#define USEC_PER_SEC UINT64_C(1000000)

typedef enum ValueType {
        VALUE_BOOL,
        VALUE_TIME,                     /* uint64_t, in µs */
        VALUE_AGE,                      /* likewise; "forever" is 0 */
        VALUE_NUMBER,                   /* unsigned */
        VALUE_FORCE,                    /* int32_t, in mN */
} ValueType;

typedef struct ConfigKey {
        const char *group, *key;
        size_t offset;                  /* in Config */
        ValueType type;
        uint64_t min, max;              /* of a time, in seconds; of a number or a force */
} ConfigKey;

#define DAY_SEC (24 * UINT64_C(3600))
#define FORCE_MAX 32767

static const ConfigKey keys[] = {
        { "Session", "Window", offsetof(Config, session_window_usec), VALUE_TIME, 1, DAY_SEC },
        { "Session", "IdleTimeout", offsetof(Config, session_idle_timeout_usec), VALUE_TIME, 1, DAY_SEC },
        { "Session", "AutoStart", offsetof(Config, session_auto_start), VALUE_BOOL, 0, 0 },
        { "Session", "LeadIn", offsetof(Config, session_lead_in_usec), VALUE_TIME, 0, 60 },
        { "Session", "TimeLimit", offsetof(Config, session_time_limit_usec), VALUE_TIME, 0, DAY_SEC },
        { "Limits", "Overpressure", offsetof(Config, limits_overpressure_mn), VALUE_FORCE, 100, FORCE_MAX },
        { "Limits", "Hysteresis", offsetof(Config, limits_hysteresis_mn), VALUE_FORCE, 0, FORCE_MAX },
        { "Limits", "ZoneLow", offsetof(Config, limits_zone_low_mn), VALUE_FORCE, 0, FORCE_MAX },
        { "Limits", "ZoneHigh", offsetof(Config, limits_zone_high_mn), VALUE_FORCE, 1, FORCE_MAX },
        { "Limits", "ContactOn", offsetof(Config, limits_contact_on_mn), VALUE_FORCE, 1, FORCE_MAX },
        { "Limits", "ContactOff", offsetof(Config, limits_contact_off_mn), VALUE_FORCE, 0, FORCE_MAX },
        { "Plan", "Rest0300um", offsetof(Config, plan_rest_300_usec), VALUE_TIME, 0, 365 * DAY_SEC },
        { "Plan", "Rest0500um", offsetof(Config, plan_rest_500_usec), VALUE_TIME, 0, 365 * DAY_SEC },
        { "Plan", "Rest1000um", offsetof(Config, plan_rest_1000_usec), VALUE_TIME, 0, 365 * DAY_SEC },
        { "Plan", "RestDeeper", offsetof(Config, plan_rest_deeper_usec), VALUE_TIME, 0, 365 * DAY_SEC },
        { "Plan", "WeeklyMax", offsetof(Config, plan_weekly_max), VALUE_NUMBER, 0, 7 },
        { "Plan", "CourseWeeks", offsetof(Config, plan_course_weeks), VALUE_NUMBER, 0, 52 },
        { "Store", "Retention", offsetof(Config, store_retention_usec), VALUE_AGE, DAY_SEC, 100 * 365 * DAY_SEC },
        { "Store", "RetentionCount", offsetof(Config, store_retention_count), VALUE_NUMBER, 0, 1000000 },
        { "Store", "ClearOnDevice", offsetof(Config, store_clear_on_device), VALUE_BOOL, 0, 0 },
        { "Bluetooth", "AllowBroadcast", offsetof(Config, bluetooth_allow_broadcast), VALUE_BOOL, 0, 0 },
        { "Bluetooth", "ReleaseTime", offsetof(Config, bluetooth_release_usec), VALUE_TIME, 0, 30 * DAY_SEC },
        { "Bluetooth", "SetParameters", offsetof(Config, bluetooth_set_parameters), VALUE_BOOL, 0, 0 },
        { "Journal", "JournalFigures", offsetof(Config, journal_figures), VALUE_BOOL, 0, 0 },
};

/* What must be less than what, where both are set: the first is the wrong one. In this order, so that what has gone is not
 * compared. */
static const struct {
        const char *key, *than;
        bool or_equal;
} orders[] = {
        { "Hysteresis", "Overpressure", true },
        { "ZoneHigh", "Overpressure", false },
        { "ZoneLow", "ZoneHigh", false },
        { "ZoneLow", "Overpressure", false },
        { "ContactOff", "ContactOn", true },
};

typedef struct Place {                  /* where a key was set last */
        char *file;
        unsigned line;
} Place;

typedef struct Reading {
        const char *file;
        GHashTable *lines;              /* "Group" and "Group\nKey" → where they stand last */
        ConfigWarn warn;
        void *userdata;
        unsigned warnings;
        Place *places;                  /* of each of `keys` */
} Reading;

/* GKeyFile does not tell lines. 0: nowhere. */
static unsigned find_line(const Reading *r, const char *group, const char *key) {
        g_autofree char *name = key ? g_strconcat(group, "\n", key, NULL) : g_strdup(group);

        return GPOINTER_TO_UINT(g_hash_table_lookup(r->lines, name));
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

/* Whole seconds, or with a unit: 90, 90s, 2min, 1h, 1d, 2w, 1y (of 365 days). */
static bool parse_seconds(const char *value, uint64_t *ret) {
        static const struct { const char *name; uint64_t factor; } units[] = {
                { "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 },
                { "w", 7 * 86400 }, { "y", 365 * 86400 },
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

static bool parse_number(const char *value, uint64_t min, uint64_t max, uint64_t *ret) {
        return g_ascii_string_to_unsigned(value, 10, min, max, ret, NULL);
}

/* A force: millinewtons, with or without the unit. */
static bool parse_force(const char *value, uint64_t min, uint64_t max, uint64_t *ret) {
        g_autofree char *number = g_strdup(value);

        if (g_str_has_suffix(number, "mN"))
                number[strlen(number) - 2] = '\0';

        return parse_number(g_strchomp(number), min, max, ret);
}

static bool set_time(Reading *r, unsigned line, const ConfigKey *k, const char *value, uint64_t *field) {
        uint64_t sec;

        if (parse_seconds(value, &sec) && sec >= k->min && sec <= k->max) {
                *field = sec * USEC_PER_SEC;
                return true;
        }

        warn_at(r, line, "[%s] %s=%s is not a time from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                " s (like 90, 90s, 2min); keeping %" G_GUINT64_FORMAT " s", k->group, k->key, value, k->min, k->max,
                *field / USEC_PER_SEC);
        return false;
}

/* How long something is kept. */
static bool set_age(Reading *r, unsigned line, const ConfigKey *k, const char *value, uint64_t *field) {
        g_autofree char *kept = NULL;
        uint64_t sec = 0;

        if (g_str_equal(value, "forever") || (parse_seconds(value, &sec) && (sec == 0 || (sec >= k->min && sec <= k->max)))) {
                *field = sec * USEC_PER_SEC;
                return true;
        }

        kept = *field == 0 ? g_strdup("for ever") : g_strdup_printf("%" G_GUINT64_FORMAT " days", *field / USEC_PER_SEC / DAY_SEC);
        warn_at(r, line, "[%s] %s=%s is neither an age from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                " days (like 90d, 26w, 2y) nor \"forever\"; keeping %s", k->group, k->key, value, k->min / DAY_SEC, k->max / DAY_SEC, kept);
        return false;
}

static bool set_force(Reading *r, unsigned line, const ConfigKey *k, const char *value, int32_t *field) {
        g_autofree char *kept = NULL;
        uint64_t n;

        if (parse_force(value, k->min, k->max, &n)) {
                *field = (int32_t) n;
                return true;
        }

        kept = *field == LIMIT_OF_DEVICE ? g_strdup("that of the device") : g_strdup_printf("%i", *field);
        warn_at(r, line, "[%s] %s=%s is not a force from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " mN; keeping %s",
                k->group, k->key, value, k->min, k->max, kept);
        return false;
}

static bool set_value(Config *config, Reading *r, unsigned line, const ConfigKey *k, const char *value) {
        void *field = (uint8_t *) config + k->offset;
        uint64_t n;

        switch (k->type) {
        case VALUE_BOOL:
                if (parse_bool(value, field))
                        return true;
                warn_at(r, line, "[%s] %s=%s is neither yes nor no; keeping %s", k->group, k->key, value,
                        *(bool *) field ? "yes" : "no");
                return false;
        case VALUE_TIME:
                return set_time(r, line, k, value, field);
        case VALUE_AGE:
                return set_age(r, line, k, value, field);
        case VALUE_FORCE:
                return set_force(r, line, k, value, field);
        case VALUE_NUMBER:
                if (parse_number(value, k->min, k->max, &n)) {
                        *(unsigned *) field = (unsigned) n;
                        return true;
                }
                warn_at(r, line, "[%s] %s=%s is not a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
                        "; keeping %u", k->group, k->key, value, k->min, k->max, *(unsigned *) field);
                return false;
        }

        return false;
}

static void set_key(Config *config, Reading *r, const ConfigKey *k, const char *value) {
        unsigned line = find_line(r, k->group, k->key);
        Place *place = &r->places[k - keys];

        if (!set_value(config, r, line, k, value))
                return;

        g_free(place->file);
        *place = (Place) { .file = g_strdup(r->file), .line = line };
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
                warn_at(r, find_line(r, group, NULL), "unknown group [%s]; ignored", group);
                return;
        }

        for (char **name = names; name && *name; name++) {
                const ConfigKey *k = find_key(group, *name);
                g_autofree char *value = NULL;

                if (!k) {
                        warn_at(r, find_line(r, group, *name), "unknown key %s in [%s]; ignored", *name, group);
                        continue;
                }

                value = g_key_file_get_value(file, group, *name, NULL);
                set_key(config, r, k, value ? g_strstrip(value) : "");
        }
}

/* The group whose head the line is, NULL: of none; the caller frees. */
static char *group_of(const char *line) {
        const char *end = strchr(line, ']');

        if (!end || end == line + 1 || end[1 + strspn(end + 1, " \t\r")] || strchr(line + 1, '['))
                return NULL;

        return g_strndup(line + 1, (size_t) (end - line - 1));
}

/* GKeyFile gives up at the first line it cannot read. Such lines are named and left out, so that the others still count. */
static char *drop_unreadable_lines(Reading *r, const char *text) {
        g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
        g_autofree char *group = NULL;

        for (unsigned i = 0; lines[i]; i++) {
                const char *line = g_strchug(lines[i]), *equal = strchr(line, '=');
                const char *problem = NULL;
                char *name = NULL;

                if (*line == '[') {
                        g_free(group);
                        group = group_of(line);
                        problem = group ? NULL : "not a [Group]";
                        name = g_strdup(group);
                } else if (*line && *line != '#') {
                        if (!equal || equal == line)
                                problem = "neither a [Group] nor Key=Value";
                        else if (!group)
                                problem = "a key outside of any [Group]";
                        else {
                                g_autofree char *key = g_strchomp(g_strndup(line, (size_t) (equal - line)));

                                name = g_strconcat(group, "\n", key, NULL);
                        }
                }
                if (name)
                        (void) g_hash_table_insert(r->lines, name, GUINT_TO_POINTER(i + 1));
                if (!problem)
                        continue;

                warn_at(r, i + 1, "%s; ignored", problem);
                lines[i][0] = '\0';
        }

        return g_strjoinv("\n", lines);
}

/* Each may be right alone, and in another file than the other. */
static void check_orders(Config *config, Reading *r) {
        for (size_t i = 0; i < G_N_ELEMENTS(orders); i++) {
                const ConfigKey *k = find_key("Limits", orders[i].key), *than = find_key("Limits", orders[i].than);
                int32_t *value = (int32_t *) ((uint8_t *) config + k->offset);
                int32_t limit = *(const int32_t *) ((const uint8_t *) config + than->offset);
                const Place *place = &r->places[k - keys];

                if (*value == LIMIT_OF_DEVICE || limit == LIMIT_OF_DEVICE || *value < limit ||
                    (orders[i].or_equal && *value == limit))
                        continue;

                r->file = place->file;
                warn_at(r, place->line, "[Limits] %s=%i must be %s %s=%i; keeping that of the device", k->key, *value,
                        orders[i].or_equal ? "at most" : "below", than->key, limit);
                *value = LIMIT_OF_DEVICE;
        }
}

static void load_file(Config *config, Reading *r, const char *path) {
        g_autoptr(GKeyFile) file = g_key_file_new();
        g_autoptr(GError) error = NULL;
        g_autofree char *problem = NULL, *text = config_file_read(path, &problem), *readable = NULL;
        g_auto(GStrv) groups = NULL;

        r->file = path;
        if (problem)
                warn_at(r, 0, "%s", problem);
        if (!text)
                return;

        r->lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        readable = drop_unreadable_lines(r, text);
        if (!g_key_file_load_from_data(file, readable, strlen(readable), G_KEY_FILE_NONE, &error))
                warn_at(r, 0, "cannot be understood (%s); ignored from there on", error->message);
        groups = g_key_file_get_groups(file, NULL);
        for (char **group = groups; *group; group++)
                apply_group(config, r, file, *group);
        g_clear_pointer(&r->lines, g_hash_table_unref);
}

void config_defaults(Config *config) {
        static const Config defaults = {
                .session_window_usec = 600 * USEC_PER_SEC,
                .session_idle_timeout_usec = 120 * USEC_PER_SEC,
                .session_auto_start = true,
                .session_lead_in_usec = 10 * USEC_PER_SEC,
                .session_time_limit_usec = 15 * 60 * USEC_PER_SEC,
                .limits_overpressure_mn = LIMIT_OF_DEVICE,
                .limits_hysteresis_mn = LIMIT_OF_DEVICE,
                .limits_zone_low_mn = LIMIT_OF_DEVICE,
                .limits_zone_high_mn = LIMIT_OF_DEVICE,
                .limits_contact_on_mn = LIMIT_OF_DEVICE,
                .limits_contact_off_mn = LIMIT_OF_DEVICE,
                .plan_rest_300_usec = 3 * DAY_SEC * USEC_PER_SEC,
                .plan_rest_500_usec = 14 * DAY_SEC * USEC_PER_SEC,
                .plan_rest_1000_usec = 28 * DAY_SEC * USEC_PER_SEC,
                .plan_rest_deeper_usec = 42 * DAY_SEC * USEC_PER_SEC,
                .plan_weekly_max = 2,
                .plan_course_weeks = 12,
                .bluetooth_set_parameters = true,
        };

        memcpy(config, &defaults, sizeof(defaults)); /* all of it, so that two can be compared */
}

unsigned config_load(Config *config, const char *dir, ConfigWarn warn, void *userdata) {
        g_autofree char *main_file = g_build_filename(dir, "needled.conf", NULL);
        g_autofree char *drop_in_dir = g_build_filename(dir, "needled.conf.d", NULL), *problem = NULL;
        g_autoptr(GPtrArray) drop_ins = config_file_list(drop_in_dir, &problem);
        Place places[G_N_ELEMENTS(keys)] = {};
        Reading r = { .warn = warn, .userdata = userdata, .places = places };

        load_file(config, &r, main_file);
        r.file = drop_in_dir;
        if (problem)
                warn_at(&r, 0, "%s", problem);
        for (unsigned i = 0; i < drop_ins->len; i++)
                load_file(config, &r, drop_ins->pdata[i]);

        check_orders(config, &r);
        for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
                g_free(places[i].file);

        return r.warnings;
}

unsigned config_n_keys(void) {
        return G_N_ELEMENTS(keys);
}

void config_describe(unsigned i, const char **ret_group, const char **ret_key, char **ret_text) {
        const ConfigKey *k = &keys[i];
        Config config;
        const void *field = (const uint8_t *) &config + k->offset;

        config_defaults(&config);
        *ret_group = k->group;
        *ret_key = k->key;
        switch (k->type) {
        case VALUE_BOOL:
                *ret_text = g_strdup_printf("yes or no; default %s", *(const bool *) field ? "yes" : "no");
                break;
        case VALUE_TIME:
                *ret_text = g_strdup_printf("a time from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " s; default %" G_GUINT64_FORMAT " s", k->min,
                                            k->max, *(const uint64_t *) field / USEC_PER_SEC);
                break;
        case VALUE_AGE:
                *ret_text = g_strdup_printf("an age from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " days, or forever; default forever",
                                            k->min / DAY_SEC, k->max / DAY_SEC);
                break;
        case VALUE_NUMBER:
                *ret_text = g_strdup_printf("a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT "; default %u", k->min, k->max,
                                            *(const unsigned *) field);
                break;
        case VALUE_FORCE:
                *ret_text = g_strdup_printf("a force from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT " mN; default that of the device", k->min,
                                            k->max);
                break;
        }
}
