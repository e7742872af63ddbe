/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json.h"

#include <errno.h>
#include <float.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BATTERY_UNKNOWN 255
#define OWNER_NONE UINT32_MAX

static json_t *integer(uint64_t n) {
        return json_integer((json_int_t) MIN(n, (uint64_t) INT64_MAX));
}

static json_t *real(double d) {
        return isfinite(d) ? json_real(d) : json_null();
}

static int read_basic(sd_bus_message *m, char type, json_t **ret) {
        union {
                uint8_t u8;
                int16_t i16;
                uint16_t u16;
                int32_t i32;
                uint32_t u32;
                int64_t i64;
                uint64_t u64;
                double d;
                int b;
                const char *s;
        } v = {};
        int r;

        r = sd_bus_message_read_basic(m, type, &v);
        if (r < 0)
                return r;
        if (r == 0)
                return -EBADMSG;

        switch (type) {
        case SD_BUS_TYPE_BYTE:
                *ret = json_integer(v.u8);
                return 0;
        case SD_BUS_TYPE_BOOLEAN:
                *ret = json_boolean(v.b);
                return 0;
        case SD_BUS_TYPE_INT16:
                *ret = json_integer(v.i16);
                return 0;
        case SD_BUS_TYPE_UINT16:
                *ret = json_integer(v.u16);
                return 0;
        case SD_BUS_TYPE_INT32:
                *ret = json_integer(v.i32);
                return 0;
        case SD_BUS_TYPE_UINT32:
                *ret = json_integer(v.u32);
                return 0;
        case SD_BUS_TYPE_INT64:
                *ret = json_integer(v.i64);
                return 0;
        case SD_BUS_TYPE_UINT64:
                *ret = integer(v.u64);
                return 0;
        case SD_BUS_TYPE_DOUBLE:
                *ret = real(v.d);
                return 0;
        case SD_BUS_TYPE_STRING:
        case SD_BUS_TYPE_OBJECT_PATH:
        case SD_BUS_TYPE_SIGNATURE:
                *ret = json_string(v.s);
                return *ret ? 0 : -EBADMSG;
        case SD_BUS_TYPE_UNIX_FD: /* lives as long as the message */
                *ret = json_null();
                return 0;
        default:
                return -EBADMSG;
        }
}

static int read_entry(sd_bus_message *m, const char *contents, json_t *object) {
        json_auto *key = NULL, *value = NULL;
        g_autofree char *name = NULL;
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, contents);
        if (r <= 0)
                return r;
        r = json_from_message(m, &key);
        if (r < 0)
                return r;
        r = json_from_message(m, &value);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        name = json_is_string(key) ? g_strdup(json_string_value(key)) : json_line(key);
        return json_object_set(object, name, value) < 0 ? -EBADMSG : 1;
}

static int read_dictionary(sd_bus_message *m, const char *contents, json_t **ret) {
        g_autofree char *entry = g_strndup(contents + 1, strlen(contents) - 2); /* without the braces */
        json_auto *object = json_object();
        int r;

        r = sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, contents);
        if (r < 0)
                return r;
        do
                r = read_entry(m, entry, object);
        while (r > 0);
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = json_incref(object);
        return 0;
}

static int read_array(sd_bus_message *m, char type, const char *contents, json_t **ret) {
        json_auto *array = json_array();
        int r;

        r = sd_bus_message_enter_container(m, type, contents);
        if (r < 0)
                return r;
        while ((r = sd_bus_message_at_end(m, false)) == 0) {
                json_t *item;

                r = json_from_message(m, &item);
                if (r < 0)
                        return r;
                json_array_append_new(array, item);
        }
        if (r < 0)
                return r;
        r = sd_bus_message_exit_container(m);
        if (r < 0)
                return r;

        *ret = json_incref(array);
        return 0;
}

int json_from_message(sd_bus_message *m, json_t **ret) {
        const char *peeked;
        g_autofree char *contents = NULL;
        char type;
        int r;

        r = sd_bus_message_peek_type(m, &type, &peeked);
        if (r < 0)
                return r;
        if (r == 0)
                return -EBADMSG;

        contents = g_strdup(peeked); /* what was peeked at moves with the position */

        switch (type) {
        case SD_BUS_TYPE_ARRAY:
                return contents[0] == '{' ? read_dictionary(m, contents, ret)
                                          : read_array(m, type, contents, ret);
        case SD_BUS_TYPE_STRUCT:
                return read_array(m, type, contents, ret);
        case SD_BUS_TYPE_VARIANT:
                r = sd_bus_message_enter_container(m, type, contents);
                if (r < 0)
                        return r;
                r = json_from_message(m, ret);
                if (r < 0)
                        return r;
                r = sd_bus_message_exit_container(m);
                if (r < 0) {
                        json_decref(*ret);
                        *ret = NULL;
                }
                return r < 0 ? r : 0;
        default:
                return read_basic(m, type, ret);
        }
}

static char *dump(const json_t *json, size_t flags) {
        /* 1470.9975, and not what its nearest binary number is in full. */
        char *dumped = json_dumps(json, flags | JSON_ENCODE_ANY | JSON_REAL_PRECISION(DBL_DIG));
        GString *line = g_string_new(NULL);

        /* Outside of texts there is ASCII alone, so an escape for everything that a terminal might obey
         * stays JSON. Jansson itself escapes what is below U+0020. */
        for (const char *p = dumped ? dumped : "null"; *p; p = g_utf8_next_char(p)) {
                const char *from = p;
                gunichar c;

                while (*p > 0 && *p < 0x7f) /* most of it, in one piece */
                        p++;
                g_string_append_len(line, from, p - from);
                if (*p == '\0')
                        break;
                c = g_utf8_get_char(p);
                if (g_unichar_isprint(c) && g_unichar_type(c) != G_UNICODE_LINE_SEPARATOR &&
                    g_unichar_type(c) != G_UNICODE_PARAGRAPH_SEPARATOR)
                        g_string_append_unichar(line, c);
                else if (c < 0x10000)
                        g_string_append_printf(line, "\\u%04X", c);
                else
                        g_string_append_printf(line, "\\u%04X\\u%04X", 0xd800 + ((c - 0x10000) >> 10),
                                               0xdc00 + ((c - 0x10000) & 0x3ff));
        }

        free(dumped);
        return g_string_free(line, FALSE);
}

/* "StateReason" → "state_reason" */
static char *snake_case(const char *camel) {
        GString *s = g_string_new(NULL);

        for (const char *p = camel; *p; p++) {
                if (g_ascii_isupper(*p) && p > camel)
                        g_string_append_c(s, '_');
                g_string_append_c(s, g_ascii_tolower(*p));
        }

        return g_string_free(s, FALSE);
}

static bool is_unknown(const char *key, const json_t *value) {
        static const char *const zero_is_unknown[] = { "rssi", "retry_at", "state_since", "started_at" };

        if (json_is_string(value))
                return strcmp(json_string_value(value), "") == 0 ||
                       strcmp(json_string_value(value), "/") == 0;
        if (json_is_object(value))
                return json_object_size(value) == 0;
        if (!json_is_integer(value))
                return false;
        if (strcmp(key, "battery") == 0)
                return json_integer_value(value) == BATTERY_UNKNOWN;
        if (strcmp(key, "owner") == 0)
                return json_integer_value(value) == OWNER_NONE;

        for (size_t i = 0; i < G_N_ELEMENTS(zero_is_unknown); i++)
                if (strcmp(key, zero_is_unknown[i]) == 0)
                        return json_integer_value(value) == 0;

        return false;
}

json_t *json_from_properties(const json_t *properties) {
        json_t *object = json_object(), *value;
        const char *name;

        json_object_foreach((json_t *) properties, name, value) {
                g_autofree char *key = snake_case(name);

                if (!is_unknown(key, value))
                        json_object_set(object, key, value);
        }

        return object;
}

json_t *json_from_figures(const Figures *figures) {
        json_t *object = json_object();

        for (Figure id = 0; id < _FIGURE_MAX; id++) {
                const char *name = figure_info[id].name, *dot = strchr(name, '.');
                json_t *into = object, *value;

                if (!figures_has(figures, id))
                        continue;

                if (dot) {
                        g_autofree char *outer = g_strndup(name, (gsize) (dot - name));

                        into = json_object_get(object, outer);
                        if (!into) {
                                into = json_object();
                                json_object_set_new(object, outer, into);
                        }
                        name = dot + 1;
                }

                if (figure_info[id].type == 'd')
                        value = real(figures->value[id].d);
                else
                        value = json_integer(figures->value[id].i);
                json_object_set_new(into, name, value);
        }

        return object;
}

json_t *json_of_text(const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);

        return json_string(valid);
}

const char *json_text(const json_t *object, const char *key) {
        const char *s = json_string_value(json_object_get(object, key));

        return s ? s : "";
}

int64_t json_number(const json_t *object, const char *key) {
        return json_integer_value(json_object_get(object, key));
}

static int compare_objects(const void *a, const void *b, void *key) {
        const json_t *left = *(const json_t *const *) a, *right = *(const json_t *const *) b;
        int64_t x = json_number(left, key), y = json_number(right, key);

        return x != y ? (x > y) - (x < y)
                      : (json_number(left, "id") > json_number(right, "id")) -
                                (json_number(left, "id") < json_number(right, "id"));
}

json_t *json_sorted(const json_t *array, const char *key) {
        g_autoptr(GPtrArray) order = g_ptr_array_new();
        json_t *object, *made = json_array();
        size_t i;

        json_array_foreach((json_t *) array, i, object)
                g_ptr_array_add(order, object);
        g_ptr_array_sort_with_data(order, compare_objects, (void *) key);
        for (guint n = 0; n < order->len; n++)
                json_array_append(made, order->pdata[n]);
        return made;
}

char *json_line(const json_t *json) {
        return dump(json, JSON_COMPACT);
}

char *json_indented(const json_t *json) {
        return dump(json, JSON_INDENT(2));
}
