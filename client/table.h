/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Columns that stand under each other, and pairs of a label and a value. */

#include <glib.h>
#include <stdbool.h>

#include "client/output.h"

typedef struct Table Table;

/* One title a column; those that begin with '>' are set to the right. Titles are borrowed. */
Table *table_new(const char *const *titles, unsigned n_columns);
Table *table_free(Table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Table, table_free)

/* The next cell, row by row; the text is copied and made printable. */
void table_add(Table *table, const char *text, Style style);
/* A line of its own under the newest row, set in a little. */
void table_note(Table *table, const char *text);
unsigned table_rows(const Table *table);

/* The lines, each with its line end. The caller frees. */
char *table_render(const Table *table, bool legend, bool color);
void table_print(const Table *table, bool legend);

/* "Label      value" on stdout; the label is ours, the value is made printable. */
void table_pair(const char *label, const char *value, Style style);
