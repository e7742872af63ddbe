/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-prompt.h"

#include <string.h>

#include "client/match.h"
#include "client/text.h"
#include "needled/note.h"

#define KEY_ESCAPE 0x1b
#define KEY_DELETE 0x7f
#define CONTROL(letter) ((letter) & 0x1f)

static void ask(WatchPrompt *p, WatchAsk what) {
        p->ask = what;
        p->just_asked = what != WATCH_ASK_NOTHING;
        g_string_truncate(p->text, 0);
        p->cursor = 0;
        g_clear_pointer(&p->stem, g_free);
}

static WatchAction answer(WatchPrompt *p, WatchAction action, const char *value) {
        char *copy = g_strdup(value);

        g_free(p->value);
        p->value = copy;
        p->is_flushed = true;
        ask(p, WATCH_ASK_NOTHING);
        return action;
}

/* ---- The line ---- */

static void edited(WatchPrompt *p) {
        g_clear_pointer(&p->stem, g_free);
}

static void move(WatchPrompt *p, gsize to) {
        p->cursor = to;
}

static gsize before(const WatchPrompt *p) {
        const char *at = p->text->str + p->cursor, *previous = g_utf8_find_prev_char(p->text->str, at);

        return previous ? (gsize) (previous - p->text->str) : 0;
}

static gsize after(const WatchPrompt *p) {
        const char *at = p->text->str + p->cursor;

        return *at ? (gsize) (g_utf8_next_char(at) - p->text->str) : p->cursor;
}

static gsize word_before(const WatchPrompt *p) {
        gsize at = p->cursor;

        while (at > 0 && p->text->str[at - 1] == ' ')
                at--;
        while (at > 0 && p->text->str[at - 1] != ' ')
                at--;
        return at;
}

static void erase(WatchPrompt *p, gsize from, gsize to) {
        g_string_erase(p->text, (gssize) from, (gssize) (to - from));
        p->cursor = from;
        edited(p);
}

static void insert(WatchPrompt *p, const char *s, gsize length) {
        if (p->text->len + length > WATCH_PROMPT_TEXT_MAX)
                return;

        g_string_insert_len(p->text, (gssize) p->cursor, s, (gssize) length);
        p->cursor += length;
        edited(p);
}

/* ---- Areas ---- */

/* The next of the list, or the one before. */
static void step(WatchPrompt *p, int by, const char *area) {
        const char *names[AREAS_MAX];
        unsigned n;

        if (!p->stem) {
                g_autofree char *stem = g_strdup(p->text->str);

                p->stem = g_steal_pointer(&stem);
                n = watch_prompt_areas(p, names);
                p->step = by > 0 && n > 0 ? n - 1 : 0; /* so that it begins with the first, or the last */
                for (unsigned i = 0; area && !*p->stem && i < n; i++)
                        if (strcmp(names[i], area) == 0)
                                p->step = i;
        } else
                n = watch_prompt_areas(p, names);
        if (n == 0)
                return;

        p->step = (p->step + n + (unsigned) (by > 0 ? 1 : n - 1)) % n;
        g_string_assign(p->text, names[p->step]);
        p->cursor = p->text->len;
}

static WatchAction answer_area(WatchPrompt *p, uint64_t now_usec) {
        g_autofree char *typed = g_strstrip(g_strdup(p->text->str)), *sentence = NULL;
        const char *all[AREAS_MAX], *fitting[AREAS_MAX], *meant;
        unsigned n = areas_list(all), n_fitting;

        edited(p);
        if (!*typed) {
                ask(p, WATCH_ASK_NOTHING);
                return WATCH_ACTION_NONE;
        }
        for (unsigned i = 0; i < n; i++)
                if (strcmp(all[i], typed) == 0)
                        return answer(p, WATCH_ACTION_AREA, typed);
        n_fitting = watch_prompt_areas(p, fitting);
        if (n_fitting == 1)
                return answer(p, WATCH_ACTION_AREA, fitting[0]);

        meant = match_suggest(typed, all, n);
        if (n_fitting > 1)
                sentence = g_strdup_printf("Several areas begin with '%s'.", typed);
        else if (meant)
                sentence = g_strdup_printf("There is no area '%s'. Did you mean '%s'?", typed, meant);
        else
                sentence = g_strdup_printf("There is no area '%s'. Tab steps through all.", typed);
        watch_prompt_say(p, true, sentence, now_usec);
        return WATCH_ACTION_NONE;
}

/* ---- Keys ---- */

static WatchAction answer_line(WatchPrompt *p, uint64_t now_usec) {
        g_autofree char *text = NULL;

        p->is_flushed = true;
        if (p->ask == WATCH_ASK_AREA)
                return answer_area(p, now_usec);

        text = g_strstrip(g_strdup(p->text->str));
        return answer(p, *text ? WATCH_ACTION_MARK : WATCH_ACTION_NONE, text);
}

static WatchAction edit(WatchPrompt *p, unsigned char key, const char *area, uint64_t now_usec) {
        switch (key) {
        case '\r':
        case '\n':
                return answer_line(p, now_usec);
        case KEY_DELETE:
        case CONTROL('H'):
                erase(p, before(p), p->cursor);
                break;
        case CONTROL('W'):
                erase(p, word_before(p), p->cursor);
                break;
        case CONTROL('U'):
                erase(p, 0, p->cursor);
                break;
        case CONTROL('K'):
                erase(p, p->cursor, p->text->len);
                break;
        case CONTROL('A'):
                move(p, 0);
                break;
        case CONTROL('E'):
                move(p, p->text->len);
                break;
        case '\t':
                if (p->ask == WATCH_ASK_AREA)
                        step(p, 1, area);
                break;
        default:
                if (key >= ' ')
                        insert(p, (const char *) &key, 1);
        }

        return WATCH_ACTION_NONE;
}

static WatchAction answer_stage(WatchPrompt *p, unsigned char key) {
        if (key == '0')
                return answer(p, WATCH_ACTION_STAGE, "");
        if (key > '0' && key < '0' + _STAGE_MAX)
                return answer(p, WATCH_ACTION_STAGE, stage_name((Stage) (key - '0')));

        ask(p, WATCH_ASK_NOTHING);
        return WATCH_ACTION_NONE;
}

static WatchAction answer_yes(WatchPrompt *p, unsigned char key, WatchAction action) {
        if (p->just_asked)
                return WATCH_ACTION_NONE;

        return answer(p, key == 'y' || key == 'Y' ? action : WATCH_ACTION_NONE, NULL);
}

static WatchAction command(WatchPrompt *p, unsigned char key) {
        p->help = key == '?' && !p->help;
        if (key == 'q' || key == 'Q')
                return WATCH_ACTION_QUIT;
        if (!p->has_actions)
                return WATCH_ACTION_NONE;

        switch (key) {
        case 'a':
                ask(p, WATCH_ASK_AREA);
                break;
        case 's':
                ask(p, WATCH_ASK_STAGE);
                break;
        case 'm':
                ask(p, WATCH_ASK_MARK);
                break;
        case 't':
                ask(p, WATCH_ASK_TARE);
                break;
        case 'f':
                ask(p, WATCH_ASK_FINISH);
                break;
        case 'p':
                return WATCH_ACTION_PAUSE;
        case 'i':
                return WATCH_ACTION_IDENTIFY;
        }

        return WATCH_ACTION_NONE;
}

static WatchAction take(WatchPrompt *p, unsigned char key, const char *area, uint64_t now_usec) {
        switch (p->ask) {
        case WATCH_ASK_NOTHING:
                return command(p, key);
        case WATCH_ASK_AREA:
        case WATCH_ASK_MARK:
                return edit(p, key, area, now_usec);
        case WATCH_ASK_STAGE:
                return answer_stage(p, key);
        case WATCH_ASK_TARE:
                return answer_yes(p, key, WATCH_ACTION_TARE);
        case WATCH_ASK_FINISH:
                return answer_yes(p, key, WATCH_ACTION_FINISH);
        }

        return WATCH_ACTION_NONE;
}

/* A key of the editing block, by the end of what it sent: ESC [ D, ESC [ 3 ~ and the like. */
static void take_special(WatchPrompt *p, const char *sequence, const char *area) {
        bool line = p->ask == WATCH_ASK_AREA || p->ask == WATCH_ASK_MARK;

        if (!line)
                return;
        if (strcmp(sequence, "D") == 0)
                move(p, before(p));
        else if (strcmp(sequence, "C") == 0)
                move(p, after(p));
        else if (strcmp(sequence, "H") == 0 || strcmp(sequence, "1~") == 0 || strcmp(sequence, "7~") == 0)
                move(p, 0);
        else if (strcmp(sequence, "F") == 0 || strcmp(sequence, "4~") == 0 || strcmp(sequence, "8~") == 0)
                move(p, p->text->len);
        else if (strcmp(sequence, "3~") == 0)
                erase(p, p->cursor, after(p));
        else if (p->ask == WATCH_ASK_AREA && (strcmp(sequence, "B") == 0 || strcmp(sequence, "A") == 0 ||
                                              strcmp(sequence, "Z") == 0))
                step(p, *sequence == 'B' ? 1 : -1, area);
}

static void cancel(WatchPrompt *p) {
        p->n_sequence = 0;
        p->help = false;
        ask(p, WATCH_ASK_NOTHING);
}

/* Another octet of a key that sends several. */
static void take_sequence(WatchPrompt *p, unsigned char key, const char *area) {
        bool intro = p->n_sequence == 1;

        if (intro && key != '[' && key != 'O') { /* the key of this name, and another one right behind it */
                cancel(p);
                return;
        }
        if (p->n_sequence < sizeof p->sequence - 1)
                p->sequence[p->n_sequence++] = (char) key;
        if (intro || key < 0x40 || key > 0x7e)
                return;

        p->sequence[p->n_sequence] = '\0';
        p->n_sequence = 0;
        take_special(p, p->sequence + 2, area);
}

/* Another octet of a character beyond ASCII. */
static void take_utf8(WatchPrompt *p, unsigned char key) {
        gunichar c;

        if (p->n_sequence >= 4)
                p->n_sequence = 0;
        p->sequence[p->n_sequence++] = (char) key;
        c = g_utf8_get_char_validated(p->sequence, p->n_sequence);
        if (c == (gunichar) -2) /* not whole yet */
                return;
        if (c != (gunichar) -1 && g_unichar_isprint(c) && (p->ask == WATCH_ASK_MARK || p->ask == WATCH_ASK_AREA))
                insert(p, p->sequence, p->n_sequence);
        p->n_sequence = 0;
}

void watch_prompt_init(WatchPrompt *p, bool has_actions) {
        *p = (WatchPrompt) { .has_actions = has_actions, .text = g_string_new(NULL) };
}

void watch_prompt_done(WatchPrompt *p) {
        if (p->text)
                g_string_free(p->text, TRUE);
        g_free(p->stem);
        g_free(p->value);
        g_free(p->said);
        *p = (WatchPrompt) {};
}

WatchAction watch_prompt_key(WatchPrompt *p, unsigned char key, const char *area, uint64_t now_usec) {
        if (p->is_flushed)
                return WATCH_ACTION_NONE;
        if (p->n_sequence > 0 && p->sequence[0] == KEY_ESCAPE) {
                take_sequence(p, key, area);
                return WATCH_ACTION_NONE;
        }
        if (key == KEY_ESCAPE) {
                p->sequence[0] = KEY_ESCAPE;
                p->n_sequence = 1;
                return WATCH_ACTION_NONE;
        }
        if (key >= 0x80) {
                take_utf8(p, key);
                return WATCH_ACTION_NONE;
        }

        p->n_sequence = 0; /* a character that was not whole is none */
        return take(p, key, area, now_usec);
}

void watch_prompt_settle(WatchPrompt *p) {
        if (p->n_sequence == 1 && p->sequence[0] == KEY_ESCAPE)
                cancel(p);
        p->just_asked = p->is_flushed = false;
}

void watch_prompt_say(WatchPrompt *p, bool bad, const char *text, uint64_t now_usec) {
        g_free(p->said);
        p->said = text_printable(text);
        p->said_is_bad = bad;
        p->said_usec = now_usec;
}

const char *watch_prompt_said(const WatchPrompt *p, uint64_t now_usec) {
        return p->said && now_usec - p->said_usec <= WATCH_PROMPT_SAID_USEC ? p->said : NULL;
}

unsigned watch_prompt_areas(const WatchPrompt *p, const char *names[static AREAS_MAX]) {
        const char *all[AREAS_MAX], *typed = p->stem ? p->stem : p->text->str;
        unsigned n = areas_list(all), n_fitting = 0;

        for (unsigned i = 0; i < n; i++)
                if (g_str_has_prefix(all[i], typed))
                        names[n_fitting++] = all[i];

        return n_fitting;
}
