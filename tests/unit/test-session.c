/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "needled/stream.h"
#include "session/machine.h"

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

static SessionState move(Session *s, MachineInput input, uint64_t now_usec) {
        SessionState old;

        g_assert_cmpint(session_move(s, input, now_usec, &old), ==, 1);
        return old;
}

static void test_interruption_leads_back(void) {
        g_autoptr(Session) s = session_new(&identity, 1000, 2000);
        SessionState old;

        g_assert_cmpint(move(s, MACHINE_ON_PAUSE, 1000), ==, SESSION_OPEN);
        g_assert_cmpint(move(s, MACHINE_ON_LINK_LOST, 1000), ==, SESSION_PAUSED);
        g_assert_cmpint(s->resume_to, ==, SESSION_PAUSED);
        g_assert_cmpint(session_move(s, MACHINE_ON_SUSPENDED, 1000, &old), ==, 0);
        g_assert_cmpint(session_move(s, MACHINE_ON_UNPAUSE, 1000, &old), ==, -EALREADY);
        g_assert_cmpint(old, ==, SESSION_INTERRUPTED);
        g_assert_cmpint(move(s, MACHINE_ON_LINK_UP, 1000), ==, SESSION_INTERRUPTED);
        g_assert_cmpint(s->state, ==, SESSION_PAUSED);
}

static void test_paused_time_is_within_the_duration(void) {
        g_autoptr(Session) s = session_new(&identity, 1000000, 2000);
        const NoteLimits limits = { .time_limit_sec = 10 };
        Figures f;

        (void) move(s, MACHINE_ON_PAUSE, 2000000);
        session_begin_use(s, 3000000);  /* what was before is lead-in, with its pause */
        (void) move(s, MACHINE_ON_USE, 3000000);
        (void) move(s, MACHINE_ON_PAUSE, 5000000);
        g_assert_cmpuint(session_in_use_until(s, 10000000), ==, UINT64_MAX);
        (void) move(s, MACHINE_ON_LINK_LOST, 6000000); /* is a pause all the same */
        (void) move(s, MACHINE_ON_LINK_UP, 7000000);
        session_figures(s, 8000000, &f);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 5000000);
        g_assert_cmpint(f.value[FIGURE_PAUSED_TIME].i, ==, 3000000);
        g_assert_false(figures_has(&f, FIGURE_LIMIT));
        g_assert_false(figures_has(&f, FIGURE_REMAINING));

        (void) move(s, MACHINE_ON_UNPAUSE, 9000000);
        tally_set_limits(&s->tally, &limits);
        session_figures(s, 10000000, &f);
        g_assert_cmpint(f.value[FIGURE_PAUSED_TIME].i, ==, 4000000);
        g_assert_cmpint(f.value[FIGURE_LIMIT].i, ==, 10000000);
        g_assert_cmpint(f.value[FIGURE_REMAINING].i, ==, 7000000);
        g_assert_cmpuint(session_in_use_until(s, 10000000), ==, 17000000);
        session_figures(s, 99000000, &f);
        g_assert_cmpint(f.value[FIGURE_REMAINING].i, ==, 0);

        /* It ended before its last pause, by waiting. */
        (void) move(s, MACHINE_ON_PAUSE, 12000000);
        s->end_boottime_usec = 11000000;
        (void) move(s, MACHINE_ON_IDLE, 99000000);
        session_figures(s, 99000000, &f);
        g_assert_cmpint(f.value[FIGURE_PAUSED_TIME].i, ==, 4000000);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 8000000);
}

static void test_time_of_stages(void) {
        g_autoptr(Session) s = session_new(&identity, 1000000, 2000);

        s->stage = STAGE_NEEDLING;
        s->stage_from_usec = 500000;
        s->stage_usec[STAGE_NEEDLING] = 7;
        s->stage_usec[STAGE_CLEANSE] = 300000;
        g_assert_cmpuint(session_stage_usec(s, STAGE_CLEANSE, 2000000), ==, 300000);
        g_assert_cmpuint(session_stage_usec(s, STAGE_NEEDLING, 2000000), ==, 500007);
        g_assert_cmpuint(session_stage_usec(s, STAGE_NEEDLING, 1200000), ==, 7);
        s->end_boottime_usec = 1600000;
        (void) move(s, MACHINE_ON_FINISH, 1600000);
        g_assert_cmpuint(session_stage_usec(s, STAGE_NEEDLING, 9000000), ==, 100007);
}

/* Whatever its length, and with as many areas as it can have. */
static void test_memory_is_bounded(void) {
        size_t size = sizeof(Session) + AREAS_MAX * sizeof(Sums);

        g_test_message("a session takes %zu octets", size);
        g_assert_cmpuint(size, <=, 64 * 1024);
}

static void test_duration_is_of_use(void) {
        g_autoptr(Session) s = session_new(&identity, 1000000, 2000);
        Figures f;

        s->used_from_usec = 1100000;
        session_figures(s, 5100000, &f);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 4000000);
        g_assert_cmpint(f.value[FIGURE_LEAD_IN].i, ==, 100000);

        s->end_boottime_usec = 3100000;
        (void) move(s, MACHINE_ON_FINISH, 3100000);
        session_figures(s, 99000000, &f);
        g_assert_cmpint(f.value[FIGURE_DURATION].i, ==, 2000000);
}

static void test_place_among_frames(void) {
        SessionPlace none = { 0 }, one = session_place_after(none, &(Frame) { .boottime_usec = 5 }),
                     two = session_place_after(one, &(Frame) { .boottime_usec = 5 }), newer = session_place_after(two, &(Frame) { .boottime_usec = 6 }),
                     older = session_place_after(newer, &(Frame) { .boottime_usec = 4 });

        g_assert_cmpuint(one.boottime_usec, ==, 5);
        g_assert_cmpuint(one.n, ==, 1);
        g_assert_cmpuint(two.n, ==, 2);
        g_assert_cmpuint(newer.boottime_usec, ==, 6);
        g_assert_cmpuint(newer.n, ==, 1);
        g_assert_cmpuint(older.boottime_usec, ==, 6); /* a clock that stepped back: counted all the same */
        g_assert_cmpuint(older.n, ==, 2);

        g_assert_true(session_place_is_behind(one, none));
        g_assert_true(session_place_is_behind(two, one));
        g_assert_true(session_place_is_behind(newer, two));
        g_assert_false(session_place_is_behind(one, one));
        g_assert_false(session_place_is_behind(one, two));
        g_assert_false(session_place_is_behind(two, newer));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/session/names-are-the-contracts", test_names_are_the_contracts);
        g_test_add_func("/session/numbers-are-the-streams", test_numbers_are_the_streams);
        g_test_add_func("/session/interruption-leads-back", test_interruption_leads_back);
        g_test_add_func("/session/paused-time-is-within-the-duration", test_paused_time_is_within_the_duration);
        g_test_add_func("/session/time-of-stages", test_time_of_stages);
        g_test_add_func("/session/memory-is-bounded", test_memory_is_bounded);
        g_test_add_func("/session/duration-is-of-use", test_duration_is_of_use);
        g_test_add_func("/session/place-among-frames", test_place_among_frames);
        return g_test_run();
}
