/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "session/machine.h"
#include "talk.h"

/* What the conversations below must come to, written down a second time: open, running, paused, interrupted, finished. `-` stays, `x` is refused,
 * `b` goes back. */
static const char *const expected[_MACHINE_INPUT_MAX] = {
        [MACHINE_ON_USE]          = "r-r--",
        [MACHINE_ON_FLAG]         = "r----",
        [MACHINE_ON_CONTACT_IDLE] = "-p---",
        [MACHINE_ON_PAUSE]        = "ppxxx",
        [MACHINE_ON_UNPAUSE]      = "xxrxx",
        [MACHINE_ON_LINK_LOST]    = "iii--",
        [MACHINE_ON_SUSPENDED]    = "iii--",
        [MACHINE_ON_LINK_UP]      = "---b-",
        [MACHINE_ON_IDLE]         = "fff--",
        [MACHINE_ON_WINDOW]       = "---f-",
        [MACHINE_ON_DEVICE_END]   = "ffff-",
        [MACHINE_ON_FINISH]       = "ffffx",
        [MACHINE_ON_DISCARD]      = "ffffx",
};

static char letter(MachineStep step) {
        switch (step) {
        case MACHINE_OPEN:
                return 'o';
        case MACHINE_RUNNING:
                return 'r';
        case MACHINE_PAUSED:
                return 'p';
        case MACHINE_INTERRUPTED:
                return 'i';
        case MACHINE_FINISHED:
                return 'f';
        case MACHINE_STAY:
                return '-';
        case MACHINE_BACK:
                return 'b';
        case MACHINE_REFUSED:
                return 'x';
        }

        return '?';
}

static void test_table(void) {
        for (int input = 0; input < _MACHINE_INPUT_MAX; input++)
                for (int state = 0; state < _SESSION_STATE_MAX; state++) {
                        g_test_message("%s, %s", session_state_name((SessionState) state), machine_input_name((MachineInput) input));
                        g_assert_cmpint(letter(machine_step((SessionState) state, (MachineInput) input)), ==, expected[input][state]);
                }
}

/* A session that has come to this state by its own inputs. */
static Session *in_state(SessionState state) {
        Session *s = session_new(&(SessionIdentity) { .id = 1 }, 1000, 2000);
        SessionState old;

        switch (state) {
        case SESSION_RUNNING:
                (void) session_move(s, MACHINE_ON_USE, 1000, &old);
                break;
        case SESSION_PAUSED:
                (void) session_move(s, MACHINE_ON_PAUSE, 1000, &old);
                break;
        case SESSION_INTERRUPTED:
                (void) session_move(s, MACHINE_ON_LINK_LOST, 1000, &old);
                break;
        case SESSION_FINISHED:
                (void) session_move(s, MACHINE_ON_FINISH, 1000, &old);
                break;
        case SESSION_OPEN:
        case _SESSION_STATE_MAX:
                break;
        }

        g_assert_cmpint(s->state, ==, state);
        return s;
}

static void test_a_session_does_what_the_table_says(void) {
        for (int input = 0; input < _MACHINE_INPUT_MAX; input++)
                for (int state = 0; state < _SESSION_STATE_MAX; state++) {
                        MachineStep step = machine_step((SessionState) state, (MachineInput) input);
                        g_autoptr(Session) s = in_state((SessionState) state);
                        SessionState old = _SESSION_STATE_MAX;
                        int r = session_move(s, (unsigned) input, 1000, &old);

                        g_assert_cmpint(old, ==, state);
                        g_assert_cmpint(r, ==, step == MACHINE_REFUSED ? -EALREADY : step == MACHINE_STAY ? 0 : 1);
                        if (step < MACHINE_STAY)
                                g_assert_cmpint(s->state, ==, step);
                        else
                                g_assert_cmpint(s->state, ==, step == MACHINE_BACK ? SESSION_OPEN : (SessionState) state);
                }
}

/* ---- The same by frames and time: each cell that a device or a person can bring about ---- */

static Talk *talk_in(SessionState state) {
        TrackerSettings settings = talk_settings;
        Talk *talk;

        settings.pause_after_usec = 15 * SEC;
        talk = talk_new(&settings);
        link_frame(talk, FRAME_LINK_UP);
        begin_by_hand(talk);
        if (state == SESSION_RUNNING || state == SESSION_PAUSED)
                use(talk, 2, 0);
        if (state == SESSION_PAUSED)
                g_assert_cmpint(pause_by_hand(talk), ==, 0);
        if (state == SESSION_INTERRUPTED)
                link_frame(talk, FRAME_LINK_LOST);
        g_assert_cmpint(tracker_session(talk->tracker)->state, ==, state);
        g_string_truncate(talk->told, 0);
        return talk;
}

static int finish(Talk *talk, SessionEnd end) {
        return tracker_finish(talk->tracker, end, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

static void bring(Talk *talk, MachineInput input, bool refused) {
        int expected_error = refused ? -EALREADY : 0;

        switch (input) {
        case MACHINE_ON_USE:
                use(talk, 1, 0);
                break;
        case MACHINE_ON_FLAG:
                live(talk, FLAG | LIFTED, 0);
                break;
        case MACHINE_ON_CONTACT_IDLE:
                talk->now_usec += 15 * SEC;
                tick(talk);
                break;
        case MACHINE_ON_PAUSE:
                g_assert_cmpint(pause_by_hand(talk), ==, expected_error);
                break;
        case MACHINE_ON_UNPAUSE:
                g_assert_cmpint(unpause(talk), ==, expected_error);
                break;
        case MACHINE_ON_LINK_LOST:
                link_frame(talk, FRAME_LINK_LOST);
                break;
        case MACHINE_ON_SUSPENDED:
                link_frame(talk, FRAME_LINK_SUSPENDED);
                break;
        case MACHINE_ON_LINK_UP:
                link_frame(talk, FRAME_LINK_UP);
                break;
        case MACHINE_ON_IDLE:
        case MACHINE_ON_WINDOW:         /* each state waits for its own */
                talk->now_usec += 600 * SEC;
                tick(talk);
                break;
        case MACHINE_ON_DEVICE_END:
                event(talk, OMP_EVENT_SESSION_END, false);
                break;
        case MACHINE_ON_FINISH:
                g_assert_cmpint(finish(talk, SESSION_END_USER), ==, 0);
                break;
        case MACHINE_ON_DISCARD:
                g_assert_cmpint(finish(talk, SESSION_END_DISCARDED), ==, 0);
                break;
        case _MACHINE_INPUT_MAX:
                g_assert_not_reached();
        }
}

static void test_a_tracker_does_what_the_table_says(void) {
        for (int input = 0; input < _MACHINE_INPUT_MAX; input++)
                for (int state = 0; state < SESSION_FINISHED; state++) {
                        MachineStep step = machine_step((SessionState) state, (MachineInput) input);
                        bool waits = input == MACHINE_ON_IDLE || input == MACHINE_ON_WINDOW;
                        g_autoptr(Talk) talk = talk_in((SessionState) state);
                        SessionState to = step < MACHINE_STAY ? (SessionState) step : (SessionState) state;

                        if (waits)
                                to = SESSION_FINISHED;
                        else if (step == MACHINE_BACK)
                                to = SESSION_OPEN;

                        g_test_message("%s, %s", session_state_name((SessionState) state), machine_input_name((MachineInput) input));
                        bring(talk, (MachineInput) input, step == MACHINE_REFUSED);
                        if (to == SESSION_FINISHED) {
                                g_assert_null(tracker_session(talk->tracker));
                                g_assert_cmpint(talk->ended->state, ==, SESSION_FINISHED);
                        } else
                                g_assert_cmpint(tracker_session(talk->tracker)->state, ==, to);
                }
}

static void test_after_the_end_there_is_none(void) {
        g_autoptr(Talk) talk = talk_in(SESSION_RUNNING);

        g_assert_cmpint(finish(talk, SESSION_END_USER), ==, 0);
        g_assert_cmpint(finish(talk, SESSION_END_USER), ==, -ENOENT);
        g_assert_cmpint(finish(talk, SESSION_END_DISCARDED), ==, -ENOENT);
        g_assert_cmpint(pause_by_hand(talk), ==, -ENOENT);
        g_assert_cmpint(unpause(talk), ==, -ENOENT);
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, UINT64_MAX);
}

/* ---- The document ---- */

static const char *cell(MachineStep step) {
        static const char *const words[] = { [MACHINE_STAY] = "", [MACHINE_BACK] = "as before", [MACHINE_REFUSED] = "refused" };

        return step < MACHINE_STAY ? session_state_name((SessionState) step) : words[step];
}

/* Who leads from one to the other. */
static char *edge(SessionState from, MachineStep to) {
        g_autoptr(GString) inputs = g_string_new(NULL);

        for (int input = 0; input < _MACHINE_INPUT_MAX; input++)
                if (machine_step(from, (MachineInput) input) == to)
                        g_string_append_printf(inputs, "%s%s", inputs->len ? ", " : "", machine_input_name((MachineInput) input));

        return inputs->len ? g_string_free(g_steal_pointer(&inputs), FALSE) : NULL;
}

static char *document(void) {
        GString *text = g_string_new("```mermaid\nstateDiagram-v2\n        [*] --> open\n");

        for (int from = 0; from < _SESSION_STATE_MAX; from++)
                for (int to = 0; to < _SESSION_STATE_MAX; to++) {
                        g_autofree char *inputs = edge((SessionState) from, (MachineStep) to);

                        if (inputs)
                                g_string_append_printf(text, "        %s --> %s: %s\n", session_state_name((SessionState) from),
                                                       session_state_name((SessionState) to), inputs);
                }
        for (int to = 0; to < SESSION_INTERRUPTED; to++) {
                g_autofree char *inputs = edge(SESSION_INTERRUPTED, MACHINE_BACK);

                g_string_append_printf(text, "        interrupted --> %s: %s\n", session_state_name((SessionState) to), inputs);
        }
        g_string_append(text, "        finished --> [*]\n```\n\n| what happens |");

        for (int state = 0; state < _SESSION_STATE_MAX; state++)
                g_string_append_printf(text, " %s |", session_state_name((SessionState) state));
        g_string_append(text, "\n| --- | --- | --- | --- | --- | --- |\n");
        for (int input = 0; input < _MACHINE_INPUT_MAX; input++) {
                g_string_append_printf(text, "| %s |", machine_input_name((MachineInput) input));
                for (int state = 0; state < _SESSION_STATE_MAX; state++) {
                        const char *word = cell(machine_step((SessionState) state, (MachineInput) input));

                        g_string_append_printf(text, *word ? " %s |" : "%s |", word);
                }
                g_string_append_c(text, '\n');
        }

        return g_string_free(text, FALSE);
}

static void test_docs_session_shows_the_table(void) {
        static const char begin[] = "<!-- states: made from daemon/session/machine.h -->\n", end[] = "<!-- states end -->";
        g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "docs", "session.md", NULL), *text = NULL;
        g_autofree char *right = document(), *shown = NULL;
        const char *from, *to;

        g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
        from = strstr(text, begin);
        g_assert_nonnull(from);
        to = strstr(from, end);
        g_assert_nonnull(to);
        shown = g_strndup(from + strlen(begin), (gsize) (to - from) - strlen(begin));
        if (!g_str_equal(shown, right))
                g_test_message("between the marks of docs/session.md must stand:\n%s", right);
        g_assert_cmpstr(shown, ==, right);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/machine/table", test_table);
        g_test_add_func("/machine/a-session-does-what-the-table-says", test_a_session_does_what_the_table_says);
        g_test_add_func("/machine/a-tracker-does-what-the-table-says", test_a_tracker_does_what_the_table_says);
        g_test_add_func("/machine/after-the-end-there-is-none", test_after_the_end_there_is_none);
        g_test_add_func("/machine/docs-session-shows-the-table", test_docs_session_shows_the_table);
        return g_test_run();
}
