/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/figures-compare.h"

#include <glib.h>
#include <math.h>
#include <string.h>

#include "needled/figures.h"

/* What a double loses on its way through text and back. */
#define RELATIVE_ERROR 1e-12

/* "lost.live" is a member of the dictionary "lost". */
static json_t *look_up(const json_t *figures, const char *name) {
        const char *dot = strchr(name, '.');
        g_autofree char *outer = dot ? g_strndup(name, (gsize) (dot - name)) : NULL;
        json_t *value = dot ? json_object_get(json_object_get(figures, outer), dot + 1) : json_object_get(figures, name);

        return json_is_number(value) ? value : NULL;
}

static bool is_same(json_t *a, json_t *b) {
        double x, y;

        if (!a || !b)
                return !a && !b;
        if (json_is_integer(a) && json_is_integer(b))
                return json_integer_value(a) == json_integer_value(b);

        x = json_number_value(a);
        y = json_number_value(b);
        return fabs(x - y) <= RELATIVE_ERROR * fmax(fabs(x), fabs(y));
}

json_t *figures_compare(const json_t *stored, const json_t *computed) {
        json_t *differences = json_array();

        for (Figure id = 0; id < _FIGURE_MAX; id++) {
                const char *name = figure_info[id].name;
                json_t *a = look_up(stored, name), *b = look_up(computed, name), *difference;

                /* By CLOCK_BOOTTIME, which no tape knows. */
                if (id == FIGURE_DEVICE_TIME_OFFSET || is_same(a, b))
                        continue;

                difference = json_pack("{s:s s:s}", "figure", name, "unit", figure_info[id].unit);
                if (a)
                        json_object_set(difference, "stored", a);
                if (b)
                        json_object_set(difference, "computed", b);
                json_array_append_new(differences, difference);
        }

        return differences;
}
