/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/table.h"

#include <stdio.h>
#include <string.h>

#include "client/text.h"

#define LABEL_COLUMNS 15

typedef struct Cell {
        char *text;
        Style style;
        char *note;             /* under the row that this cell ends, NULL mostly */
} Cell;

struct Table {
        const char *const *titles;
        unsigned n_columns;
        GArray *cells;
};

static void cell_clear(void *p) {
        Cell *cell = p;

        g_free(cell->text);
        g_free(cell->note);
}

static const char *title_text(const char *title) {
        return *title == '>' ? title + 1 : title;
}

static void render_cell(GString *line, const Table *t, unsigned column, unsigned width, const Cell *cell,
                        bool color) {
        bool right = t->titles[column][0] == '>', last = column + 1 == t->n_columns;
        g_autofree char *padded = last && !right ? g_strdup(cell->text) : text_pad(cell->text, width, right);

        if (color && cell->style != STYLE_PLAIN)
                g_string_append_printf(line, "%s%s%s", style_sequence(cell->style), padded,
                                       style_sequence(STYLE_PLAIN));
        else
                g_string_append(line, padded);
        if (!last)
                g_string_append(line, "  ");
}

static void trim_end(GString *s) {
        while (s->len > 0 && s->str[s->len - 1] == ' ')
                g_string_truncate(s, s->len - 1);
}

static unsigned *measure(const Table *t, bool legend) {
        unsigned *widths = g_new0(unsigned, t->n_columns);

        for (unsigned c = 0; legend && c < t->n_columns; c++)
                widths[c] = text_width(title_text(t->titles[c]));
        for (unsigned i = 0; i < t->cells->len; i++) {
                unsigned width = text_width(g_array_index(t->cells, Cell, i).text);

                widths[i % t->n_columns] = MAX(widths[i % t->n_columns], width);
        }

        return widths;
}

Table *table_new(const char *const *titles, unsigned n_columns) {
        Table *t = g_new(Table, 1);

        *t = (Table){ .titles = titles,
                      .n_columns = n_columns,
                      .cells = g_array_new(FALSE, FALSE, sizeof(Cell)) };
        g_array_set_clear_func(t->cells, cell_clear);
        return t;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;

        g_array_unref(t->cells);
        g_free(t);
        return NULL;
}

void table_add(Table *t, const char *text, Style style) {
        Cell cell = { .text = text_printable(text), .style = style };

        g_array_append_val(t->cells, cell);
}

void table_note(Table *t, const char *text) {
        Cell *last = &g_array_index(t->cells, Cell, t->cells->len - 1);

        g_free(last->note);
        last->note = text_printable(text);
}

unsigned table_rows(const Table *t) {
        return t->cells->len / t->n_columns;
}

char *table_render(const Table *t, bool legend, bool color) {
        g_autofree unsigned *widths = measure(t, legend);
        GString *out = g_string_new(NULL);

        for (unsigned c = 0; legend && c < t->n_columns; c++) {
                g_autofree char *title = g_strdup(title_text(t->titles[c]));
                Cell cell = { .text = title, .style = STYLE_BOLD };

                render_cell(out, t, c, widths[c], &cell, color);
                if (c + 1 == t->n_columns) {
                        trim_end(out);
                        g_string_append_c(out, '\n');
                }
        }

        for (unsigned i = 0; i < t->cells->len; i++) {
                const Cell *cell = &g_array_index(t->cells, Cell, i);
                unsigned c = i % t->n_columns;

                render_cell(out, t, c, widths[c], cell, color);
                if (c + 1 == t->n_columns) {
                        trim_end(out);
                        g_string_append_c(out, '\n');
                }
                if (cell->note)
                        g_string_append_printf(out, "  %s\n", cell->note);
        }

        return g_string_free(out, FALSE);
}

void table_print(const Table *t, bool legend) {
        g_autofree char *text = table_render(t, legend, output_has_color());

        fputs(text, stdout);
}

void table_pair(const char *label, const char *value, Style style) {
        g_autofree char *padded = text_pad(label, LABEL_COLUMNS, false), *printable = text_printable(value);

        printf("%s%s%s%s\n", padded, style == STYLE_PLAIN ? "" : output_style(style), printable,
               style == STYLE_PLAIN ? "" : output_style(STYLE_PLAIN));
}
