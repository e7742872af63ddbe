/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/stream.h"
#include "session/session.h"

static const SessionIdentity identity = { .id = 7, .uuid = "6f1b3c2e-0000-4000-8000-000000000001", .device_address = "C0:FF:EE:00:00:01" };

static void test_names_are_the_contracts(void) {
        g_assert_cmpstr(session_state_name(SESSION_OPEN), ==, "open");
        g_assert_cmpstr(session_state_name(SESSION_INTERRUPTED), ==, "interrupted");
        g_assert_cmpstr(session_end_name(SESSION_END_NONE), ==, "");
        for (int i = 0; i < _SESSION_END_MAX; i++)
                g_assert_cmpint(session_end_from_name(session_end_name((SessionEnd) i)), ==, i);
        g_assert_cmpint(session_end_from_name("tired"), ==, SESSION_END_NONE);
}

static void test_numbers_are_the_streams(void) {
        g_assert_cmpint(SESSION_OPEN, ==, NEEDLED_STREAM_STATE_OPEN);
        g_assert_cmpint(SESSION_RUNNING, ==, NEEDLED_STREAM_STATE_RUNNING);
        g_assert_cmpint(SESSION_PAUSED, ==, NEEDLED_STREAM_STATE_PAUSED);
        g_assert_cmpint(SESSION_INTERRUPTED, ==, NEEDLED_STREAM_STATE_INTERRUPTED);
        g_assert_cmpint(SESSION_FINISHED, ==, NEEDLED_STREAM_STATE_FINISHED);
}

static void test_nothing_follows_the_end(void) {
        g_autoptr(Session) s = session_new(&identity, 1000, 2000);

        g_assert_cmpint(session_enter(s, SESSION_RUNNING), ==, SESSION_OPEN);
        g_assert_cmpint(session_enter(s, SESSION_FINISHED), ==, SESSION_RUNNING);
        for (int i = 0; i < _SESSION_STATE_MAX; i++)
                g_assert_false(session_may_enter(s, (SessionState) i));
}

static void test_interruption_leads_back(void) {
        g_autoptr(Session) s = session_new(&identity, 1000, 2000);

        (void) session_enter(s, SESSION_PAUSED);
        (void) session_enter(s, SESSION_INTERRUPTED);
        g_assert_cmpint(s->resume_to, ==, SESSION_PAUSED);
        g_assert_true(session_may_enter(s, s->resume_to));
}

static void test_duration_is_of_use(void) {
        g_autoptr(Session) s = session_new(&identity, 1000000, 2000);
        Figures f;

        s->used_from_usec = 1100000;
        session_figures(s, 5100000, &f);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 4000000);
        g_assert_cmpint(f.value[FIGURE_LEAD_IN].i, ==, 100000);

        (void) session_enter(s, SESSION_FINISHED);
        s->end_boottime_usec = 3100000;
        session_figures(s, 99000000, &f);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 2000000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/session/names-are-the-contracts", test_names_are_the_contracts);
        g_test_add_func("/session/numbers-are-the-streams", test_numbers_are_the_streams);
        g_test_add_func("/session/nothing-follows-the-end", test_nothing_follows_the_end);
        g_test_add_func("/session/interruption-leads-back", test_interruption_leads_back);
        g_test_add_func("/session/duration-is-of-use", test_duration_is_of_use);
        return g_test_run();
}
