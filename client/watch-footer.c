/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-footer.h"

#include <inttypes.h>
#include <string.h>

#include "client/text.h"

#define ALL_KEYS "a area  s stage  m mark  p %s  i identify  t tare  f finish  ? help  q quit"
#define FEW_KEYS "? help  q quit"

typedef struct KeyHelp {
        const char *key, *does;
        bool is_action;
} KeyHelp;

static const KeyHelp keys[] = {
        { "a", "which area of the body is worked on: type its name, or Tab for the next", true },
        { "s", "where the procedure is: cleanse, numb, needling, aftercare", true },
        { "m", "keep a remark with this moment", true },
        { "p", "pause the session until it is used, or go on with it", true },
        { "i", "let the device show itself", true },
        { "t", "take what it measures now for no force; asks first", true },
        { "f", "end the session and keep it; asks first", true },
        { "?", "these lines, and back", false },
        { "q", "leave; the session goes on", false },
        { "Esc", "out of a question", true },
};

/* What was typed, with the cursor in it; where there is little room, what is around that. */
static void put_line(WatchPage *page, const WatchPrompt *prompt) {
        g_autofree char *head = g_strndup(prompt->text->str, prompt->cursor);
        const char *tail = prompt->text->str + prompt->cursor, *from = head;
        unsigned room = page->columns - page->line->columns;

        while (*from && text_width(from) + (*tail ? 2 : 1) > room) /* and the cursor, and a sign that more follows */
                from = g_utf8_next_char(from);
        watch_page_putf(page, STYLE_BOLD, "%s%s%s", from, *tail ? "|" : "_", tail);
}

static void add_areas(WatchPage *page, const WatchPrompt *prompt) {
        const char *names[AREAS_MAX];
        unsigned n = watch_prompt_areas(prompt, names);

        watch_page_begin(page, WATCH_IMPORTANCE_DETAIL);
        if (n == 0)
                watch_page_put(page, STYLE_WARN, "No area begins so.");
        for (unsigned i = 0; i < n; i++) {
                bool chosen = strcmp(names[i], prompt->text->str) == 0;

                watch_page_putf(page, chosen ? STYLE_BOLD : STYLE_DIM, "%s%s", i > 0 ? "  " : "", names[i]);
        }
}

static void add_question(WatchPage *page, const WatchModel *m, const WatchPrompt *prompt) {
        if (prompt->ask == WATCH_ASK_AREA)
                add_areas(page, prompt);

        watch_page_begin(page, WATCH_IMPORTANCE_PROMPT);
        switch (prompt->ask) {
        case WATCH_ASK_NOTHING:
                break;
        case WATCH_ASK_AREA:
                watch_page_put(page, STYLE_PLAIN, "Area: ");
                put_line(page, prompt);
                break;
        case WATCH_ASK_STAGE:
                watch_page_put(page, STYLE_PLAIN, "Stage: 1 cleanse  2 numb  3 needling  4 aftercare  0 none");
                break;
        case WATCH_ASK_MARK:
                watch_page_put(page, STYLE_PLAIN, "Mark: ");
                put_line(page, prompt);
                break;
        case WATCH_ASK_TARE:
                watch_page_put(page, STYLE_PLAIN, "Tare? It must be still, off the skin, its motor off. y: yes, else no");
                break;
        case WATCH_ASK_FINISH:
                watch_page_putf(page, STYLE_PLAIN, "End session %" PRIu64 "? It is kept. y: yes, else no", m->session_id);
                break;
        }
}

static void add_keys(WatchPage *page, const WatchModel *m, const WatchPrompt *prompt) {
        bool paused = m->has_state && m->state == NEEDLED_STREAM_STATE_PAUSED;
        g_autofree char *all = g_strdup_printf(ALL_KEYS, paused ? "resume" : "pause");

        watch_page_begin(page, WATCH_IMPORTANCE_HELP);
        if (!prompt)
                watch_page_put(page, STYLE_DIM, "Ctrl-C quits");
        else
                watch_page_put(page, STYLE_DIM, prompt->has_actions && text_width(all) <= page->columns ? all : FEW_KEYS);
}

void watch_footer_add(WatchPage *page, const WatchModel *m, const WatchPrompt *prompt, uint64_t now_usec) {
        const char *said = prompt ? watch_prompt_said(prompt, now_usec) : NULL;

        if (said)
                watch_page_words(page, WATCH_IMPORTANCE_VALUE, prompt->said_is_bad ? STYLE_BAD : STYLE_PLAIN, said);
        if (prompt && prompt->ask != WATCH_ASK_NOTHING)
                add_question(page, m, prompt);
        else
                add_keys(page, m, prompt);
}

void watch_footer_help(WatchPage *page, const WatchPrompt *prompt) {
        watch_page_blank(page);
        for (size_t i = 0; i < G_N_ELEMENTS(keys); i++) {
                if (keys[i].is_action && !prompt->has_actions)
                        continue;
                watch_page_begin(page, WATCH_IMPORTANCE_VALUE);
                watch_page_putf(page, STYLE_BOLD, "  %-6s", keys[i].key);
                watch_page_put(page, STYLE_PLAIN, keys[i].does);
        }
}
