/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svg-drawing.h"

#include <math.h>
#include <string.h>

#include "client/canvas.h"

static void label_free(gpointer data) {
        SvgLabel *label = data;

        g_free(label->text);
        g_free(label->group);
        g_free(label);
}

SvgDrawing *svg_drawing_free(SvgDrawing *d) {
        g_string_free(d->svg, TRUE);
        g_ptr_array_unref(d->labels);
        g_hash_table_unref(d->counts);
        g_queue_clear_full(&d->groups, g_free);
        g_free(d);
        return NULL;
}

static const char *attribute(const char **names, const char **values, const char *name) {
        for (size_t i = 0; names[i]; i++)
                if (g_str_equal(names[i], name))
                        return values[i];

        return NULL;
}

static double number(const char **names, const char **values, const char *name) {
        const char *value = attribute(names, values, name);
        char *end;
        double result;

        g_assert_nonnull(value);
        result = g_ascii_strtod(value, &end);
        g_assert_cmpint(*end, ==, '\0');
        return result;
}

static void on_start(GMarkupParseContext *context, const char *element, const char **names, const char **values,
                     gpointer userdata, GError **error) {
        SvgDrawing *d = userdata;
        const char *class = attribute(names, values, "class"), *anchor = attribute(names, values, "text-anchor");
        g_autofree char *key = g_strdup_printf("%s %s", element, class ? class : "");

        g_hash_table_replace(d->counts, g_strdup(key), GUINT_TO_POINTER(svg_drawing_count(d, key) + 1));
        if (g_str_equal(element, "svg")) {
                d->width = number(names, values, "width");
                d->height = number(names, values, "height");
        } else if (g_str_equal(element, "g")) {
                g_queue_push_tail(&d->groups, g_strdup(class));
        } else if (g_str_equal(element, "rect")) {
                g_assert_cmpfloat(number(names, values, "x"), >=, 0);
                g_assert_cmpfloat(number(names, values, "x") + number(names, values, "width"), <=, d->width + 0.11);
                d->lowest = MAX(d->lowest, number(names, values, "y") + number(names, values, "height"));
        } else if (g_str_equal(element, "text")) {
                d->open = g_new0(SvgLabel, 1);
                d->open->group = g_strdup(g_queue_peek_tail(&d->groups));
                d->open->size = number(names, values, "font-size");
                d->open->left = number(names, values, "x");
                d->open->y = number(names, values, "y");
                d->open->right = !anchor ? 0 : g_str_equal(anchor, "end") ? 1 : 0.5; /* till the text is known */
                d->lowest = MAX(d->lowest, d->open->y);
                g_ptr_array_add(d->labels, d->open);
        }
}

static void on_end(GMarkupParseContext *context, const char *element, gpointer userdata, GError **error) {
        SvgDrawing *d = userdata;

        if (g_str_equal(element, "g"))
                g_free(g_queue_pop_tail(&d->groups));
        if (g_str_equal(element, "text"))
                d->open = NULL;
}

static void on_text(GMarkupParseContext *context, const char *text, gsize size, gpointer userdata, GError **error) {
        SvgDrawing *d = userdata;

        if (d->open) {
                double width;

                d->open->text = g_strndup(text, size);
                width = canvas_text_width(d->open->text, d->open->size);
                d->open->left -= width * d->open->right;
                d->open->right = d->open->left + width;
        }
}

SvgDrawing *svg_drawing_new(const Chart *chart) {
        static const GMarkupParser parser = { .start_element = on_start, .end_element = on_end, .text = on_text };
        SvgDrawing *d = g_new0(SvgDrawing, 1);
        g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, d, NULL);
        GHashTableIter iter;
        gpointer key;

        d->svg = chart_svg(chart);
        d->labels = g_ptr_array_new_with_free_func(label_free);
        d->counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        g_assert_true(g_utf8_validate(d->svg->str, (gssize) d->svg->len, NULL));
        g_assert_true(g_markup_parse_context_parse(context, d->svg->str, (gssize) d->svg->len, NULL));
        g_assert_true(g_markup_parse_context_end_parse(context, NULL));
        g_assert_cmpfloat_with_epsilon(d->height, chart_height(chart), 0.06);
        g_assert_cmpfloat(d->lowest, <=, d->height);

        g_hash_table_iter_init(&iter, d->counts);
        while (g_hash_table_iter_next(&iter, &key, NULL)) {
                const char *class = strchr(key, ' ') + 1;
                g_autofree char *rule = g_strdup_printf(".%s{", class);

                if (*class && !g_str_has_prefix(key, "g "))
                        g_assert_nonnull(strstr(chart_css, rule));
        }

        return d;
}

unsigned svg_drawing_count(const SvgDrawing *d, const char *what) {
        return GPOINTER_TO_UINT(g_hash_table_lookup(d->counts, what));
}

bool svg_drawing_has(const SvgDrawing *d, const char *text) {
        for (guint i = 0; i < d->labels->len; i++)
                if (g_str_equal(((SvgLabel *) d->labels->pdata[i])->text, text))
                        return true;

        return false;
}

char *svg_drawing_texts(const SvgDrawing *d, const char *group) {
        GString *out = g_string_new(NULL);

        for (guint i = 0; i < d->labels->len; i++) {
                const SvgLabel *label = d->labels->pdata[i];

                if (g_strcmp0(label->group, group) == 0)
                        g_string_append_printf(out, "%s%s", out->len > 0 ? " " : "", label->text);
        }

        return g_string_free(out, FALSE);
}

void svg_drawing_assert_texts(const SvgDrawing *d, const char *group, const char *expected) {
        g_autofree char *texts = svg_drawing_texts(d, group);

        g_assert_cmpstr(texts, ==, expected);
}

void svg_drawing_assert_apart(const SvgDrawing *d) {
        for (guint i = 0; i < d->labels->len; i++) {
                const SvgLabel *a = d->labels->pdata[i];

                if (a->left < -1 || a->right > d->width + 1)
                        g_error("\"%s\" leaves the drawing: %.1f … %.1f of %.1f", a->text, a->left, a->right, d->width);
                for (guint j = i + 1; j < d->labels->len; j++) {
                        const SvgLabel *b = d->labels->pdata[j];
                        bool apart = a->right <= b->left || b->right <= a->left ||
                                fabs(a->y - b->y) >= 0.7 * MIN(a->size, b->size);

                        if (!apart)
                                g_error("\"%s\" lies over \"%s\"", a->text, b->text);
                }
        }
}
