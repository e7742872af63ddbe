/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-page.h"

#include <stdarg.h>

#include "client/text.h"

#define LABEL_COLUMNS 9
#define PAIR_COLUMNS 26
#define THREE_PAIRS 76          /* as many columns as three of them need */

static void line_free(void *p) {
        WatchPageLine *line = p;

        g_string_free(line->text, TRUE);
        g_free(line);
}

static void set_style(WatchPage *page, Style style) {
        WatchPageLine *line = page->line;

        if (!page->color || style == line->style)
                return;
        if (line->style != STYLE_PLAIN)
                g_string_append(line->text, style_sequence(STYLE_PLAIN));
        if (style != STYLE_PLAIN)
                g_string_append(line->text, style_sequence(style));
        line->style = style;
}

void watch_page_init(WatchPage *page, unsigned columns, bool color) {
        *page = (WatchPage) { .columns = columns, .color = color, .lines = g_ptr_array_new_with_free_func(line_free) };
}

void watch_page_done(WatchPage *page) {
        g_clear_pointer(&page->lines, g_ptr_array_unref);
}

void watch_page_begin(WatchPage *page, WatchImportance importance) {
        page->line = g_new(WatchPageLine, 1);
        *page->line = (WatchPageLine) { .text = g_string_new(NULL), .style = STYLE_PLAIN, .importance = importance };
        g_ptr_array_add(page->lines, page->line);
}

void watch_page_blank(WatchPage *page) {
        watch_page_begin(page, WATCH_IMPORTANCE_BLANK);
}

void watch_page_put(WatchPage *page, Style style, const char *text) {
        g_autofree char *fitted = text_fit(text, page->columns - page->line->columns);

        if (!*fitted)
                return;

        set_style(page, style);
        page->line->columns += text_width(fitted);
        g_string_append(page->line->text, fitted);
}

void watch_page_putf(WatchPage *page, Style style, const char *format, ...) {
        g_autofree char *text = NULL, *printable = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        printable = text_printable(text);
        watch_page_put(page, style, printable);
}

void watch_page_pad(WatchPage *page, unsigned column) {
        while (page->line->columns < MIN(column, page->columns))
                watch_page_put(page, STYLE_PLAIN, " ");
}

void watch_page_label(WatchPage *page, const char *label) {
        unsigned at = page->line->columns;

        if (at > 0)
                watch_page_pad(page, MAX(at + 2, page->columns < THREE_PAIRS ? 0
                                         : (at + PAIR_COLUMNS - 1) / PAIR_COLUMNS * PAIR_COLUMNS));
        watch_page_putf(page, STYLE_DIM, "%-*s", LABEL_COLUMNS, label);
}

void watch_page_words(WatchPage *page, WatchImportance importance, Style style, const char *text) {
        g_auto(GStrv) words = g_strsplit(text, " ", -1);

        watch_page_begin(page, importance);
        for (unsigned i = 0; words[i]; i++) {
                unsigned at = page->line->columns;

                if (at > 0 && at + 1 + text_width(words[i]) > page->columns)
                        watch_page_begin(page, importance);
                watch_page_putf(page, style, "%s%s", page->line->columns > 0 ? " " : "", words[i]);
        }
}

void watch_page_shrink(WatchPage *page, unsigned rows) {
        GPtrArray *lines = page->lines;

        while (lines->len > rows) {
                unsigned least = lines->len - 1;

                for (unsigned i = lines->len; i > 0; i--) {
                        const WatchPageLine *line = lines->pdata[i - 1], *so_far = lines->pdata[least];

                        if (line->importance < so_far->importance)
                                least = i - 1;
                }
                g_ptr_array_remove_index(lines, least);
        }
}

GPtrArray *watch_page_texts(const WatchPage *page) {
        GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);

        for (unsigned i = 0; i < page->lines->len; i++) {
                const WatchPageLine *line = page->lines->pdata[i];

                g_ptr_array_add(texts, g_strconcat(line->text->str,
                                                   line->style != STYLE_PLAIN ? style_sequence(STYLE_PLAIN) : "", NULL));
        }

        return texts;
}
