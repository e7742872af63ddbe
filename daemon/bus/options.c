/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/options.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "bus/error.h"
#include "needled/omp.h"

static const Option *option_find(const Option *options, size_t n, const char *name) {
        for (size_t i = 0; i < n; i++)
                if (!options[i].name || strcmp(options[i].name, name) == 0)
                        return &options[i];

        return NULL;
}

/* The value of one entry: the variant is next in `m`. */
static int option_take(sd_bus_message *m, const Option *option, const char *name, sd_bus_error *error) {
        char want[2] = { option->type, 0 };
        const char *contents;
        char type;
        int r;

        if (!option->type)
                return error_set(
                        error, ERROR_NOT_SUPPORTED,
                        "The option \"%.64s\" is not supported by this version of needled; leave it out.",
                        name);

        r = sd_bus_message_peek_type(m, &type, &contents);
        if (r < 0)
                return r;
        if (type != SD_BUS_TYPE_VARIANT || strcmp(contents, want) != 0)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "The option \"%s\" must be of type \"%s\", not \"%s\".", option->name, want,
                                 contents);

        if (option->given)
                *option->given = true;
        if (option->type == 'b') { /* an int on this side of sd-bus */
                int b = 0;

                r = sd_bus_message_read(m, "v", want, &b);
                *(bool *) option->value = b;
                return r;
        }

        return sd_bus_message_read(m, "v", want, option->value);
}

static int open_variant(sd_bus_message *m, const char *key, const char *type) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', key);

        return r < 0 ? r : sd_bus_message_open_container(m, SD_BUS_TYPE_VARIANT, type);
}

int options_read(sd_bus_message *m, const Option *options, size_t n, sd_bus_error *error) {
        uint64_t seen = 0;
        const char *name;
        int r;

        g_assert(n <= 64);
        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r < 0)
                return r;

        while ((r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv")) > 0) {
                const Option *option;
                uint64_t bit;

                r = sd_bus_message_read(m, "s", &name);
                if (r < 0)
                        return r;
                option = option_find(options, n, name);
                if (!option)
                        return error_set(error, ERROR_INVALID_ARGUMENT,
                                         "There is no option \"%.64s\"; see the interface's description for "
                                         "those that there are.",
                                         name);
                bit = UINT64_C(1) << (option - options);
                if (seen & bit) /* neither the bus nor sd-bus refuses such a dictionary */
                        return error_set(error, ERROR_INVALID_ARGUMENT,
                                         "The option \"%s\" is given twice; give it once.", name);
                seen |= bit;
                r = option_take(m, option, name, error);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0)
                        return r;
        }
        if (r < 0)
                return r;

        return sd_bus_message_exit_container(m);
}

int options_check_text(const char *what, const char *text, unsigned max, bool lines, sd_bus_error *error) {
        if (g_utf8_strlen(text, -1) > (glong) max)
                return error_set(error, ERROR_INVALID_ARGUMENT,
                                 "\"%s\" is too long; %u characters are the most.", what, max);

        for (const char *p = text; *p; p = g_utf8_next_char(p))
                if (g_unichar_iscntrl(g_utf8_get_char(p)) && !(lines && *p == '\n'))
                        return error_set(error, ERROR_INVALID_ARGUMENT,
                                         "\"%s\" holds a control character; leave it out.", what);

        return 0;
}

int options_check_area(const char *area, sd_bus_error *error) {
        uint8_t number;

        if (omp_area_from_name(area, &number) >= 0)
                return 0;

        return error_set(error, ERROR_INVALID_ARGUMENT,
                         "There is no area \"%.64s\"; areas are unspecified, forehead, cheek-left, … back, "
                         "user-0 to user-14.",
                         area);
}

int dictionary_string(sd_bus_message *m, const char *key, const char *value) {
        if (!value || !*value)
                return 0;

        return dictionary_basic(m, key, 's', value);
}

/* Each step by itself: sd_bus_message_append() does the same ones, and reads its types letter by letter before. */
int dictionary_open(sd_bus_message *m, const char *key, const char *type) {
        int r;

        r = open_variant(m, key, type);
        if (r < 0 || *type != SD_BUS_TYPE_ARRAY)
                return r;

        return sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, type + 1);
}

int dictionary_close(sd_bus_message *m, const char *type) {
        int r = 0;

        for (int i = *type == SD_BUS_TYPE_ARRAY ? 3 : 2; i > 0 && r >= 0; i--)
                r = sd_bus_message_close_container(m);

        return r;
}

int dictionary_basic(sd_bus_message *m, const char *key, char type, const void *value) {
        const char contents[2] = { type, 0 };
        int r;

        r = dictionary_open(m, key, contents);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, type, value);

        return r < 0 ? r : dictionary_close(m, contents);
}

int dictionary_array(sd_bus_message *m, const char *key, char type, const void *values, size_t size) {
        const char array[] = { SD_BUS_TYPE_ARRAY, type, '\0' };
        int r;

        r = open_variant(m, key, array);
        if (r >= 0)
                r = sd_bus_message_append_array(m, type, values, size);
        for (int i = 0; i < 2 && r >= 0; i++)
                r = sd_bus_message_close_container(m);

        return r;
}

int dictionary_count(sd_bus_message *m, const char *key, uint64_t value) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "st");
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 's', key);
        if (r >= 0)
                r = sd_bus_message_append_basic(m, 't', &value);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_figure(sd_bus_message *m, const char *key, char type, const FigureValue *value) {
        uint32_t u = (uint32_t) CLAMP(value->i, 0, UINT32_MAX);
        int32_t i = (int32_t) CLAMP(value->i, INT32_MIN, INT32_MAX);
        uint64_t t = (uint64_t) MAX(value->i, 0);

        switch (type) {
        case 't':
                return dictionary_basic(m, key, type, &t);
        case 'u':
                return dictionary_basic(m, key, type, &u);
        case 'i':
                return dictionary_basic(m, key, type, &i);
        case 'x':
                return dictionary_basic(m, key, type, &value->i);
        case 'd':
                return dictionary_basic(m, key, type, &value->d);
        }

        g_assert_not_reached(); /* the table has no other types */
}

/* All figures whose names begin with `prefix` and a dot, as one a{st}; `first` is the first of them that is
 * known. */
static int append_group(sd_bus_message *m, const Figures *figures, int first, const char *prefix) {
        size_t length = strlen(prefix);
        int r;

        r = dictionary_open(m, prefix, "a{st}");
        for (int i = first; i < _FIGURE_MAX && r >= 0; i++) {
                const char *name = figure_info[i].name;

                if (figures_has(figures, (Figure) i) && strncmp(name, prefix, length) == 0 && name[length] == '.')
                        r = dictionary_count(m, name + length + 1, (uint64_t) MAX(figures->value[i].i, 0));
        }

        return r < 0 ? r : dictionary_close(m, "a{st}");
}

int dictionary_figures(sd_bus_message *m, const Figures *figures) {
        char group[32] = "";
        int r;

        for (int i = 0; i < _FIGURE_MAX; i++) {
                const char *name = figure_info[i].name, *dot = strchr(name, '.');

                if (!figures_has(figures, (Figure) i))
                        continue;
                if (!dot) {
                        r = append_figure(m, name, figure_info[i].type, &figures->value[i]);
                        if (r < 0)
                                return r;
                        continue;
                }
                if (strncmp(group, name, strlen(group)) == 0 && group[0] && name[strlen(group)] == '.')
                        continue; /* went with the first of its group: members stand together in the table */

                g_strlcpy(group, name, MIN(sizeof(group), (size_t) (dot - name) + 1));
                r = append_group(m, figures, i, group);
                if (r < 0)
                        return r;
        }

        return 0;
}
