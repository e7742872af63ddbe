/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "client/text.h"
#include "client/watch-prompt.h"

#define NOW UINT64_C(1000000000)

static WatchPrompt *begin(void) {
        WatchPrompt *p = g_new(WatchPrompt, 1);

        watch_prompt_init(p, true);
        return p;
}

static void prompt_free(WatchPrompt *p) {
        watch_prompt_done(p);
        g_free(p);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(WatchPrompt, prompt_free)

/* What was typed at once, and the action that came of it. */
static WatchAction type(WatchPrompt *p, const char *keys) {
        WatchAction action = WATCH_ACTION_NONE;

        for (; *keys; keys++) {
                WatchAction one = watch_prompt_key(p, (unsigned char) *keys, "forehead", NOW);

                if (one != WATCH_ACTION_NONE)
                        action = one;
        }
        watch_prompt_settle(p);
        return action;
}

static void test_keys_that_need_no_answer(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_cmpint(type(p, "p"), ==, WATCH_ACTION_PAUSE);
        g_assert_cmpint(type(p, "i"), ==, WATCH_ACTION_IDENTIFY);
        g_assert_cmpint(type(p, "q"), ==, WATCH_ACTION_QUIT);
        g_assert_cmpint(type(p, "Q"), ==, WATCH_ACTION_QUIT);
        g_assert_cmpint(type(p, "xyz\r\n\t\x7f \xff\x80"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        type(p, "?");
        g_assert_true(p->help);
        type(p, "?");
        g_assert_false(p->help);
        type(p, "?");
        g_assert_cmpint(type(p, "p"), ==, WATCH_ACTION_PAUSE); /* any other key leaves it, and does what it does */
        g_assert_false(p->help);
}

static void test_a_tape_can_only_be_left(void) {
        WatchPrompt p;

        watch_prompt_init(&p, false);
        g_assert_cmpint(type(&p, "asmptif"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p.ask, ==, WATCH_ASK_NOTHING);
        g_assert_cmpint(type(&p, "q"), ==, WATCH_ACTION_QUIT);
        watch_prompt_done(&p);
}

static void test_a_mark_is_typed_and_edited(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_cmpint(type(p, "mhello"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_MARK);
        type(p, "\x7f\x7fp me");                /* help me */
        type(p, "\x1b[H>\x1b[F<");              /* Home, End */
        type(p, "\x1b[D\x1b[D\x1b[3~");         /* left, left, Delete */
        g_assert_cmpstr(p->text->str, ==, ">help m<");
        type(p, "\x1bOC\x1bOC\x1bOC!");         /* right, as in application mode, and not beyond the end */
        g_assert_cmpstr(p->text->str, ==, ">help m<!");
        type(p, "\x17two\x01\x1b[C\x1b[Z\x1b[A\x1b[15~\t"); /* ^W ^A; keys that mean nothing here */
        g_assert_cmpstr(p->text->str, ==, ">help two");
        type(p, "\x0b");                        /* ^K */
        g_assert_cmpstr(p->text->str, ==, ">");
        type(p, "\x05\x15");                    /* ^E ^U */
        g_assert_cmpstr(p->text->str, ==, "");
        type(p, "\x7f\x1b[3~\x17");             /* nothing to take away */
        g_assert_cmpint(type(p, "  new head \r"), ==, WATCH_ACTION_MARK);
        g_assert_cmpstr(p->value, ==, "new head");
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        g_assert_cmpint(type(p, "m   \r"), ==, WATCH_ACTION_NONE); /* nothing is no mark */
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
}

static void test_a_mark_beyond_ascii(void) {
        g_autoptr(WatchPrompt) p = begin();

        type(p, "mgr\xc3");
        type(p, "\xb6\xc3\x9f"); /* a character in two parts */
        g_assert_cmpstr(p->text->str, ==, "größ");
        type(p, "\x7f\x1b[D\x7f");
        g_assert_cmpstr(p->text->str, ==, "gö");
        type(p, "\xc3(\xff\xc2\x85\xe2\x80\xae\xf0\x9f");       /* halves, controls, what turns the reading direction */
        type(p, "!");
        g_assert_cmpstr(p->text->str, ==, "g(!ö");
        g_assert_true(g_utf8_validate(p->text->str, -1, NULL));
}

static void test_a_mark_has_its_limit(void) {
        g_autoptr(WatchPrompt) p = begin();

        type(p, "m");
        for (unsigned i = 0; i < 300; i++)
                type(p, "x");
        g_assert_cmpuint(p->text->len, ==, WATCH_PROMPT_TEXT_MAX);
        type(p, "\x7fö"); /* two octets into one */
        g_assert_cmpuint(p->text->len, ==, WATCH_PROMPT_TEXT_MAX - 1);
        g_assert_cmpint(type(p, "\r"), ==, WATCH_ACTION_MARK);
}

/* What else stood in the clipboard must not press keys. */
static void test_what_is_pasted_behind_an_answer_goes(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_cmpint(type(p, "mone\nq\nfy"), ==, WATCH_ACTION_MARK);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        g_assert_cmpint(type(p, "q"), ==, WATCH_ACTION_QUIT);
}

static void test_escape_is_out_of_every_question(void) {
        g_autoptr(WatchPrompt) p = begin();

        for (const char *key = "asmtf"; *key; key++) {
                const char one[] = { *key, '\0' };

                type(p, one);
                g_assert_cmpint(p->ask, !=, WATCH_ASK_NOTHING);
                g_assert_cmpint(type(p, "\x1b"), ==, WATCH_ACTION_NONE);
                g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        }
        type(p, "mtext");
        g_assert_cmpint(type(p, "\x1bq"), ==, WATCH_ACTION_NONE); /* Alt and a key: no key */
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        g_assert_cmpint(type(p, "\x1b[20000000000000~"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(type(p, "q"), ==, WATCH_ACTION_QUIT);
}

static void test_a_stage_is_one_key(void) {
        static const char *const stages[] = { "", "cleanse", "numb", "needling", "aftercare" };
        g_autoptr(WatchPrompt) p = begin();

        for (char key = '0'; key <= '4'; key++) {
                const char one[] = { key, '\0' };

                type(p, "s");
                g_assert_cmpint(type(p, one), ==, WATCH_ACTION_STAGE);
                g_assert_cmpstr(p->value, ==, stages[key - '0']);
        }
        type(p, "s");
        g_assert_cmpint(type(p, "5"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
}

/* What was typed before it was asked is no answer. */
static void test_what_cannot_be_taken_back_is_asked(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_cmpint(type(p, "fy"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_FINISH);
        g_assert_cmpint(type(p, "y"), ==, WATCH_ACTION_FINISH);
        type(p, "f");
        g_assert_cmpint(type(p, "\r"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
        g_assert_cmpint(type(p, "ty"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(type(p, "Y"), ==, WATCH_ACTION_TARE);
        type(p, "t");
        g_assert_cmpint(type(p, "q"), ==, WATCH_ACTION_NONE);
}

static void test_an_area_is_typed_or_stepped_to(void) {
        g_autoptr(WatchPrompt) p = begin();
        const char *names[AREAS_MAX];

        g_assert_cmpint(type(p, "achin\r"), ==, WATCH_ACTION_AREA);
        g_assert_cmpstr(p->value, ==, "chin");
        g_assert_cmpint(type(p, "afore\r"), ==, WATCH_ACTION_AREA); /* only one begins so */
        g_assert_cmpstr(p->value, ==, "forehead");

        type(p, "acheek");
        g_assert_cmpuint(watch_prompt_areas(p, names), ==, 2);
        type(p, "\t");
        g_assert_cmpstr(p->text->str, ==, "cheek-left");
        type(p, "\x1b[B");
        g_assert_cmpstr(p->text->str, ==, "cheek-right");
        type(p, "\t");
        g_assert_cmpstr(p->text->str, ==, "cheek-left"); /* around */
        g_assert_cmpint(type(p, "\x1b[Z\r"), ==, WATCH_ACTION_AREA);
        g_assert_cmpstr(p->value, ==, "cheek-right");

        g_assert_cmpint(type(p, "a\t\r"), ==, WATCH_ACTION_AREA); /* the one behind that which holds */
        g_assert_cmpstr(p->value, !=, "forehead");
        g_assert_cmpint(type(p, "a\r"), ==, WATCH_ACTION_NONE);
        g_assert_cmpint(p->ask, ==, WATCH_ASK_NOTHING);
}

static void test_an_area_that_is_none_is_asked_again(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_cmpint(type(p, "acheek\r"), ==, WATCH_ACTION_NONE);
        g_assert_cmpstr(watch_prompt_said(p, NOW), ==, "Several areas begin with 'cheek'.");
        g_assert_cmpint(p->ask, ==, WATCH_ASK_AREA);
        type(p, "\x15" "forhead\r");
        g_assert_cmpstr(watch_prompt_said(p, NOW), ==, "There is no area 'forhead'. Did you mean 'forehead'?");
        type(p, "\x15zzzzzz\t\r"); /* Tab finds nothing, and changes nothing */
        g_assert_cmpstr(watch_prompt_said(p, NOW), ==, "There is no area 'zzzzzz'. Tab steps through all.");
        g_assert_true(p->said_is_bad);
        g_assert_cmpint(type(p, "\x15" "chin\r"), ==, WATCH_ACTION_AREA);
}

static void test_what_was_said_grows_old(void) {
        g_autoptr(WatchPrompt) p = begin();

        g_assert_null(watch_prompt_said(p, NOW));
        watch_prompt_say(p, false, "Marked.", NOW);
        g_assert_cmpstr(watch_prompt_said(p, NOW + WATCH_PROMPT_SAID_USEC), ==, "Marked.");
        g_assert_null(watch_prompt_said(p, NOW + WATCH_PROMPT_SAID_USEC + 1));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-watch-prompt/keys-that-need-no-answer", test_keys_that_need_no_answer);
        g_test_add_func("/client-watch-prompt/a-tape-can-only-be-left", test_a_tape_can_only_be_left);
        g_test_add_func("/client-watch-prompt/a-mark-is-typed-and-edited", test_a_mark_is_typed_and_edited);
        g_test_add_func("/client-watch-prompt/a-mark-beyond-ascii", test_a_mark_beyond_ascii);
        g_test_add_func("/client-watch-prompt/a-mark-has-its-limit", test_a_mark_has_its_limit);
        g_test_add_func("/client-watch-prompt/what-is-pasted-behind-an-answer-goes", test_what_is_pasted_behind_an_answer_goes);
        g_test_add_func("/client-watch-prompt/escape-is-out-of-every-question", test_escape_is_out_of_every_question);
        g_test_add_func("/client-watch-prompt/a-stage-is-one-key", test_a_stage_is_one_key);
        g_test_add_func("/client-watch-prompt/what-cannot-be-taken-back-is-asked", test_what_cannot_be_taken_back_is_asked);
        g_test_add_func("/client-watch-prompt/an-area-is-typed-or-stepped-to", test_an_area_is_typed_or_stepped_to);
        g_test_add_func("/client-watch-prompt/an-area-that-is-none-is-asked-again", test_an_area_that_is_none_is_asked_again);
        g_test_add_func("/client-watch-prompt/what-was-said-grows-old", test_what_was_said_grows_old);
        return g_test_run();
}
