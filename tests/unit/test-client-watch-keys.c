/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-prompt.h"
#include "watch-fixture.h"

/* The lowest lines of the picture, where keys are told and asked about. */

static void type(WatchPrompt *p, const char *keys) {
        for (; *keys; keys++)
                (void) watch_prompt_key(p, (unsigned char) *keys, "forehead", NOW);
        watch_prompt_settle(p);
}

static char *last_line(char *text_take) {
        g_autofree char *text = text_take;

        return g_strdup(strrchr(text, '\n') + 1);
}

/* The lowest line is where it is asked, at 80x24 and where there is hardly room. */
static void test_what_is_asked_stands_at_the_bottom(void) {
        g_autofree char *keys = NULL, *few = NULL, *mark = NULL, *small = NULL, *stage = NULL, *finish = NULL, *tare = NULL, *area = NULL,
                        *none = NULL;
        WatchPrompt p;
        WatchModel m;

        begin(&m, "streaming", "");
        watch_prompt_init(&p, true);
        keys = last_line(render_with(&m, &p, 79, 24, false, NOW));
        g_assert_cmpstr(keys, ==, "a area  s stage  m mark  p pause  i identify  t tare  f finish  ? help  q quit");
        few = last_line(render_with(&m, &p, 40, 24, false, NOW));
        g_assert_cmpstr(few, ==, "? help  q quit");
        type(&p, "mchanged the head\x1b[D\x1b[D");
        mark = last_line(render_with(&m, &p, 79, 24, false, NOW));
        g_assert_cmpstr(mark, ==, "Mark: changed the he|ad");
        small = last_line(render_with(&m, &p, 18, 4, false, NOW));
        g_assert_cmpstr(small, ==, "Mark: ged the he|…");
        type(&p, "\x1b");
        type(&p, "s");
        stage = last_line(render_with(&m, &p, 79, 24, false, NOW));
        g_assert_cmpstr(stage, ==, "Stage: 1 cleanse  2 numb  3 needling  4 aftercare  0 none");
        type(&p, "\x1b");
        type(&p, "f");
        finish = last_line(render_with(&m, &p, 79, 24, false, NOW));
        g_assert_cmpstr(finish, ==, "End session 42? It is kept. y: yes, else no");
        type(&p, "n");
        type(&p, "t");
        tare = last_line(render_with(&m, &p, 79, 24, false, NOW));
        assert_shows(tare, "Tare? ");
        type(&p, "n");
        type(&p, "acheek");
        area = render_with(&m, &p, 79, 24, false, NOW);
        assert_shows(area, "\ncheek-left  cheek-right\nArea: cheek_");
        type(&p, "x");
        none = render_with(&m, &p, 79, 24, false, NOW);
        assert_shows(none, "\nNo area begins so.\nArea: cheekx_");
        watch_prompt_done(&p);
        watch_model_done(&m);
}

static void test_what_came_of_a_key_is_shown_for_a_while(void) {
        StreamRecord paused = { .type = NEEDLED_STREAM_STATE, .known = true, .state = { .state = NEEDLED_STREAM_STATE_PAUSED } };
        g_autofree char *shown = NULL, *later = NULL;
        WatchPrompt p;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, paused, NOW);
        watch_prompt_init(&p, true);
        watch_prompt_say(&p, true, "The session\x1b[2J is over.", NOW);
        shown = render_with(&m, &p, 79, 24, false, NOW + S);
        assert_shows(shown, "\nThe session�[2J is over.\na area  s stage  m mark  p resume");
        later = render_with(&m, &p, 79, 24, false, NOW + 7 * S);
        assert_hides(later, "is over.");
        watch_prompt_done(&p);
        watch_model_done(&m);
}

static void test_help_says_what_each_key_does(void) {
        g_autofree char *text = NULL, *tape = NULL;
        WatchPrompt p, of_tape;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(850, 1430, 0), NOW);
        watch_prompt_init(&p, true);
        type(&p, "?");
        text = render_with(&m, &p, 79, 24, false, NOW);
        for (const char *const *key = (const char *const[]) { "a", "s", "m", "p", "i", "t", "f", "?", "q", NULL }; *key; key++) {
                g_autofree char *line = g_strdup_printf("\n  %s     ", *key);

                assert_shows(text, line);
        }
        assert_shows(text, "Session 42");
        assert_hides(text, "Force");
        watch_prompt_init(&of_tape, false);
        type(&of_tape, "?");
        tape = render_with(&m, &of_tape, 79, 24, false, NOW);
        assert_shows(tape, "\n  q     leave");
        assert_hides(tape, "\n  f     ");
        watch_prompt_done(&of_tape);
        watch_prompt_done(&p);
        watch_model_done(&m);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-watch-keys/what-is-asked-stands-at-the-bottom", test_what_is_asked_stands_at_the_bottom);
        g_test_add_func("/client-watch-keys/what-came-of-a-key-is-shown-for-a-while", test_what_came_of_a_key_is_shown_for_a_while);
        g_test_add_func("/client-watch-keys/help-says-what-each-key-does", test_help_says_what_each_key_does);
        return g_test_run();
}
