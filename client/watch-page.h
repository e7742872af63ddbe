/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A screen that is being written, line by line: nothing wider than it, styles only where there is colour, and when it
 * is too high what matters least is left out. Pure. */

#include <glib.h>
#include <stdbool.h>

#include "client/output.h"

/* What has to stay longest when there is little room. */
typedef enum WatchImportance {
        WATCH_IMPORTANCE_BLANK,
        WATCH_IMPORTANCE_HELP,
        WATCH_IMPORTANCE_DETAIL,
        WATCH_IMPORTANCE_RULER,
        WATCH_IMPORTANCE_CURVE,
        WATCH_IMPORTANCE_USEFUL,
        WATCH_IMPORTANCE_BAR,
        WATCH_IMPORTANCE_VALUE,
        WATCH_IMPORTANCE_STATE,
        WATCH_IMPORTANCE_PROMPT, /* a question that waits for its answer */
} WatchImportance;

typedef struct WatchPageLine {
        GString *text;
        unsigned columns;
        Style style;            /* that is switched on at its end */
        WatchImportance importance;
} WatchPageLine;

typedef struct WatchPage {
        unsigned columns;
        bool color;
        GPtrArray *lines;       /* WatchPageLine */
        WatchPageLine *line;    /* the newest */
} WatchPage;

void watch_page_init(WatchPage *page, unsigned columns, bool color);
void watch_page_done(WatchPage *page);

/* All that follows goes into a new line. */
void watch_page_begin(WatchPage *page, WatchImportance importance);
void watch_page_blank(WatchPage *page);

/* Text that is ours or was made printable; what does not fit the line is cut off. */
void watch_page_put(WatchPage *page, Style style, const char *text);
/* Makes it printable. */
void watch_page_putf(WatchPage *page, Style style, const char *format, ...) G_GNUC_PRINTF(3, 4);
void watch_page_pad(WatchPage *page, unsigned column);
/* A pair of label and value begins, the next one in a column of its own where there is room for it. */
void watch_page_label(WatchPage *page, const char *label);
/* Lines of its own, broken between words. */
void watch_page_words(WatchPage *page, WatchImportance importance, Style style, const char *text);

/* Leaves out what matters least, from the bottom up, until it fits. */
void watch_page_shrink(WatchPage *page, unsigned rows);
/* What was written (char *), one for each row. The caller unrefs. */
GPtrArray *watch_page_texts(const WatchPage *page);
