/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pieces of a page, in HTML: whatever comes from elsewhere is made printable and escaped here, and nowhere else. A page is one
 * file: no script, nothing from outside. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/chart.h"

extern const char report_style[];       /* report-style.c */

void page_begin(GString *out, const char *title);
/* With who made it, and when. */
void page_end(GString *out, const json_t *versions, uint64_t made_usec);

/* Escaped, in one line. NULL is nothing. */
void page_text(GString *out, const char *text);
/* <p> with a text of ours or theirs. */
void page_paragraph(GString *out, const char *text);
void page_paragraphf(GString *out, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* <section> with its heading; `id` is ours and unique in the page. */
void page_section(GString *out, const char *id, const char *title);
void page_section_end(GString *out);

/* <dl>: a term and what there is to say of it; nothing for NULL and "". */
void page_pairs(GString *out, const char *class);
void page_pair(GString *out, const char *term, const char *value);
void page_pairs_end(GString *out);

/* What is folded until somebody wants it. */
void page_details(GString *out, const char *summary);
void page_details_end(GString *out);

/* One cell after the other, row by row; the first of a row is its head. */
typedef struct PageTable {
        GString *out;
        const char *const *titles;      /* borrowed; those that begin with '>' are set to the right */
        unsigned n_columns, column;
        bool any;
} PageTable;

PageTable page_table(GString *out, const char *caption, const char *const *titles, unsigned n_columns);
void page_cell(PageTable *table, const char *text);
void page_cellf(PageTable *table, const char *format, ...) G_GNUC_PRINTF(2, 3);
void page_table_end(PageTable *table);

/* <figure>: the drawing, which says in words what it shows, and a caption. */
void page_chart(GString *out, const Chart *chart, const char *caption);
/* One that would be too small to read on a telephone: it is moved inside its frame there. */
void page_wide_chart(GString *out, const Chart *chart, const char *caption);

/* What both kinds of report tell in the same way. */
void page_plan(GString *out, const json_t *plan, uint64_t now_usec);
/* Of the figures that are known of this session. */
void page_definitions(GString *out, const json_t *session);
