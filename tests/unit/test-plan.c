/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/plan.h"

#define MINUTE (60 * UINT64_C(1000000))
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define NOW (20000 * DAY)
#define FOREHEAD 1u
#define CHIN 9u

static PlanRules rules;
static GArray *history;
static Plan plan;

static void begin(void) {
        plan_rules_defaults(&rules);
        g_clear_pointer(&history, g_array_unref);
        history = g_array_new(FALSE, FALSE, sizeof(PlanSession));
}

static void session_in(unsigned depth_um, uint64_t areas, uint64_t start_usec) {
        PlanSession s = { .start_usec = start_usec, .end_usec = start_usec + 15 * MINUTE, .depth_um = depth_um, .areas = areas };

        g_array_append_val(history, s);
}

static void session(unsigned depth_um, uint64_t ago_usec) {
        session_in(depth_um, 0, NOW - ago_usec);
}

static void ask(unsigned area, uint64_t now_usec) {
        plan_compute(&rules, (PlanSession *) (void *) history->data, history->len, area, now_usec, &plan);
}

static void expect(PlanReason reason, uint64_t left_usec) {
        ask(0, NOW);
        g_assert_cmpint(plan.reason, ==, reason);
        g_assert_cmpuint(plan.next_earliest_usec, ==, NOW + left_usec);
}

static void says(const char *sentence) {
        g_autofree char *text = plan_reason_text(&plan, NOW);

        g_assert_cmpstr(text, ==, sentence);
}

static void test_rest_by_depth(void) {
        static const struct {
                unsigned depth_um, days;
        } rests[] = { { 1, 3 },      { 130, 3 },   { 300, 3 },   { 301, 14 },  { 500, 14 },
                      { 501, 28 },   { 1000, 28 }, { 1001, 42 }, { 2500, 42 }, { PLAN_DEPTH_UNKNOWN, 28 } };

        for (size_t i = 0; i < G_N_ELEMENTS(rests); i++) {
                begin();
                g_assert_cmpuint(plan_rest_usec(&rules, rests[i].depth_um), ==, rests[i].days * DAY);
                session(rests[i].depth_um, DAY);
                expect(PLAN_REST, rests[i].days * DAY - DAY + 15 * MINUTE);
                g_assert_cmpuint(plan.rest_usec, ==, rests[i].days * DAY);
                g_assert_cmpuint(plan.depth_um, ==, rests[i].depth_um);
                g_assert_cmpuint(plan.last_session_usec, ==, NOW - DAY + 15 * MINUTE);
        }
}

static void test_nothing_on_record(void) {
        begin();
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.last_session_usec + plan.rest_usec + plan.course_start_usec, ==, 0);
        g_assert_cmpuint(plan.week_count + plan.week_limit + plan.course_weeks + plan.course_limit, ==, 0);
        says("No session is on record that a rest would follow.");
        plan_compute(&rules, NULL, 0, FOREHEAD, NOW, &plan);
        g_assert_cmpint(plan.reason, ==, PLAN_NOW);
}

static void test_the_rest_ends_to_the_microsecond(void) {
        begin();
        session(500, 14 * DAY + 15 * MINUTE);
        expect(PLAN_NOW, 0);
        says("The minimum rest of 14 days after needles of 0.50 mm is over.");
        begin();
        session(500, 14 * DAY + 15 * MINUTE - 1);
        expect(PLAN_REST, 1);
}

static void test_a_shallow_session_does_not_end_a_deep_rest(void) {
        begin();
        session(1500, 30 * DAY);
        session(250, 2 * DAY);
        expect(PLAN_REST, 12 * DAY + 15 * MINUTE);
        g_assert_cmpuint(plan.depth_um, ==, 1500);
        g_assert_cmpuint(plan.last_session_usec, ==, NOW - 2 * DAY + 15 * MINUTE);
        says("The minimum rest after needles of 1.50 mm is 42 days, of which 12 d 1 h are left.");
}

/* Of two rests that end together the one is told that began first. */
static void test_two_rests_that_end_together(void) {
        begin();
        session(1000, 27 * DAY);
        session(500, 13 * DAY);
        expect(PLAN_REST, DAY + 15 * MINUTE);
        g_assert_cmpuint(plan.depth_um, ==, 1000);
        g_assert_cmpuint(plan.rest_usec, ==, 28 * DAY);
}

static void test_areas_rest_alone(void) {
        begin();
        session_in(1000, UINT64_C(1) << FOREHEAD, NOW - DAY);
        ask(CHIN, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_NOW);
        g_assert_cmpuint(plan.last_session_usec, ==, 0);
        ask(FOREHEAD, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
        ask(0, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
        /* The time before somebody said where takes nothing from what was said then. */
        begin();
        session_in(1000, 1 | UINT64_C(1) << FOREHEAD | UINT64_C(1) << 63, NOW - DAY);
        ask(CHIN, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_NOW);
        ask(63, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
}

static void test_a_session_without_an_area_counts_for_each(void) {
        for (uint64_t areas = 0; areas <= 1; areas++) {
                begin();
                session_in(1000, areas, NOW - DAY);
                ask(CHIN, NOW);
                g_assert_cmpint(plan.reason, ==, PLAN_REST);
        }
        ask(64, NOW); /* no such area: as if none was asked for */
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
}

static void test_two_in_a_week_are_the_most(void) {
        begin();
        session(250, 6 * DAY);
        session(300, 3 * DAY + HOUR);
        expect(PLAN_WEEK, DAY);
        g_assert_cmpuint(plan.week_count, ==, 2);
        g_assert_cmpuint(plan.week_limit, ==, 2);
        says("With needles of up to 0.30 mm the rule is at most 2 sessions in 7 days; there were 2, and there are fewer than the rule allows in 1 day.");
        begin();
        session(250, 7 * DAY);
        session(300, 3 * DAY + HOUR);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.week_count, ==, 1);
}

static void test_more_than_the_most_waits_for_the_newest_that_may_stay(void) {
        begin();
        for (unsigned i = 0; i < 4; i++)
                session(200, 6 * DAY - i * 3 * HOUR);
        expect(PLAN_WEEK, DAY + 6 * HOUR);
        g_assert_cmpuint(plan.week_count, ==, 4);
}

/* Within 2 h after the end of the one before it is the same treatment, however many there are. */
static void test_a_treatment_of_several_sessions_counts_once(void) {
        begin();
        session(250, 6 * DAY);
        session(250, 6 * DAY - 15 * MINUTE - 2 * HOUR);
        session(250, 6 * DAY - 30 * MINUTE - 4 * HOUR);
        ask(0, NOW);
        g_assert_cmpuint(plan.week_count, ==, 1);
        g_assert_cmpuint(plan.course_weeks, ==, 1);
        g_assert_cmpuint(plan.course_start_usec, ==, NOW - 6 * DAY);

        begin();
        session(250, 6 * DAY);
        session(250, 6 * DAY - 15 * MINUTE - 2 * HOUR - 1);
        ask(0, NOW);
        g_assert_cmpuint(plan.week_count, ==, 2);
}

static void test_the_rule_that_ends_last_decides(void) {
        begin();
        session(250, 6 * DAY);
        session(250, DAY);
        expect(PLAN_REST, 2 * DAY + 15 * MINUTE); /* the week's rule lets go after a day */
}

static void test_deeper_needles_follow_their_rest_alone(void) {
        begin();
        rules.rest_500_usec = 0;
        for (unsigned i = 1; i <= 5; i++)
                session(500, i * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.week_count, ==, 0);
        g_assert_cmpuint(plan.week_limit, ==, 0);
        g_assert_cmpuint(plan.course_limit, ==, 0);
        /* The deeper of two that end together decides what was used last. */
        begin();
        rules.rest_300_usec = rules.rest_500_usec = 0;
        session(500, DAY);
        session(250, DAY);
        session(250, 2 * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.week_limit, ==, 0);
}

static void test_unknown_needles_are_not_taken_for_short_ones(void) {
        begin();
        rules.rest_1000_usec = 0;
        session(PLAN_DEPTH_UNKNOWN, DAY);
        session(PLAN_DEPTH_UNKNOWN, 2 * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.week_count, ==, 0);
        says("The minimum rest of 0 minutes after needles of unknown length is over.");
}

static void test_twelve_weeks_in_a_year(void) {
        begin();
        for (unsigned week = 0; week < 12; week++)
                session(250, (90 - 7 * week) * DAY);
        expect(PLAN_COURSE, 275 * DAY);
        g_assert_cmpuint(plan.course_weeks, ==, 12);
        g_assert_cmpuint(plan.course_limit, ==, 12);
        g_assert_cmpuint(plan.course_start_usec, ==, NOW - 90 * DAY);
        says("With needles of up to 0.30 mm the rule is at most 12 weeks with sessions in 365 days; there were 12, and there are fewer than the "
             "rule allows in 275 days.");
}

static void test_the_twelfth_week_may_be_used_to_its_end(void) {
        begin();
        for (unsigned week = 0; week < 12; week++)
                session(250, (81 - 7 * week) * DAY);
        expect(PLAN_NOW, 0); /* the last was 4 days ago, and its week has 3 more */
        g_assert_cmpuint(plan.course_weeks, ==, 12);
        ask(0, NOW + 3 * DAY - 1);
        g_assert_cmpint(plan.reason, ==, PLAN_NOW);
        ask(0, NOW + 3 * DAY);
        g_assert_cmpint(plan.reason, ==, PLAN_COURSE);
}

static void test_a_break_begins_no_new_year(void) {
        begin();
        for (unsigned week = 0; week < 6; week++) {
                session(250, (300 - 7 * week) * DAY);
                session(250, (60 - 7 * week) * DAY);
        }
        expect(PLAN_COURSE, 65 * DAY);
        g_assert_cmpuint(plan.course_start_usec, ==, NOW - 300 * DAY);
}

static void test_a_year_later_weeks_come_back(void) {
        begin();
        for (unsigned week = 0; week < 12; week++)
                session(250, (365 - 7 * week) * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.course_weeks, ==, 11);
        g_assert_cmpuint(plan.course_start_usec, ==, NOW - 358 * DAY);
}

static void test_two_sessions_of_a_week_are_one_week(void) {
        begin();
        session(250, 10 * DAY);
        session(250, 4 * DAY); /* 6 days later: the same week */
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.course_weeks, ==, 1);
        begin();
        session(250, 11 * DAY);
        session(250, 4 * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.course_weeks, ==, 2);
}

static void test_zero_switches_a_rule_off(void) {
        begin();
        rules = (PlanRules) {};
        for (unsigned i = 0; i < 100; i++)
                session(250, i * 3 * DAY);
        expect(PLAN_NOW, 0);
        g_assert_cmpuint(plan.week_count, ==, 3);
        g_assert_cmpuint(plan.week_limit, ==, 0);
        g_assert_cmpuint(plan.course_limit, ==, 0);
}

static void test_a_session_of_the_future_counts_as_now(void) {
        begin();
        session_in(250, 0, NOW + 400 * DAY); /* the clock was set back by more than a year */
        expect(PLAN_REST, 3 * DAY);
        g_assert_cmpuint(plan.last_session_usec, ==, NOW);
        g_assert_cmpuint(plan.week_count, ==, 1);
        g_assert_cmpuint(plan.course_start_usec, ==, NOW);
}

static void test_a_session_that_ends_before_it_begins(void) {
        PlanSession s = { .start_usec = NOW - DAY, .end_usec = NOW - 100 * DAY, .depth_um = 250 };

        begin();
        g_array_append_val(history, s);
        expect(PLAN_REST, 2 * DAY);
        g_assert_cmpuint(plan.last_session_usec, ==, NOW - DAY);
}

static void test_the_epoch(void) {
        begin();
        session_in(250, 0, 0);
        ask(0, 0); /* a clock that was never set */
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
        g_assert_cmpuint(plan.next_earliest_usec, ==, 3 * DAY);

        /* A session that ended at time 0, and needs no rest, is one all the same. */
        begin();
        rules.rest_500_usec = 0;
        g_array_append_val(history, ((PlanSession) { .depth_um = 500 }));
        ask(0, 0);
        g_assert_cmpuint(plan.depth_um, ==, 500);
}

static void test_a_rest_without_end(void) {
        begin();
        rules.rest_300_usec = UINT64_MAX;
        session(250, 100 * DAY);
        ask(0, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_REST);
        g_assert_cmpuint(plan.next_earliest_usec, ==, UINT64_MAX);
        ask(0, UINT64_MAX);
        g_assert_cmpint(plan.reason, ==, PLAN_NOW);
}

/* Days are 24 hours, whatever the clocks on the wall did: the night of 29 March 2026 in Berlin has 23. */
static void test_daylight_saving_does_not_shorten_a_rest(void) {
        g_autoptr(GTimeZone) berlin = g_time_zone_new_identifier("CET-1CEST,M3.5.0,M10.5.0/3");
        g_autoptr(GDateTime) end = g_date_time_new(berlin, 2026, 3, 28, 20, 0, 0);
        uint64_t end_usec = (uint64_t) g_date_time_to_unix(end) * 1000000;
        PlanSession s = { .start_usec = end_usec - HOUR, .end_usec = end_usec, .depth_um = 250 };

        begin();
        g_array_append_val(history, s);
        ask(0, end_usec + DAY);
        g_assert_cmpuint(plan.next_earliest_usec - end_usec, ==, 72 * HOUR);
}

static void test_durations_are_rounded_up(void) {
        static const struct {
                uint64_t left_usec;
                const char *text;
        } cases[] = {
                { 1, "1 minute" },
                { 59 * MINUTE, "59 minutes" },
                { 59 * MINUTE + 1, "1 hour" },
                { 2 * HOUR + 1, "2 h 1 min" },
                { DAY - HOUR, "23 hours" },
                { DAY - 1, "1 day" },
                { DAY + 1, "1 d 1 h" },
                { 2 * DAY - HOUR + 1, "2 days" },
                { 2 * DAY, "2 days" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autofree char *want = g_strdup_printf("The minimum rest after needles of 0.25 mm is 3 days, of which %s are left.", cases[i].text);

                plan = (Plan) { .reason = PLAN_REST, .next_earliest_usec = NOW + cases[i].left_usec, .rest_usec = 3 * DAY, .depth_um = 250,
                                .last_session_usec = NOW };
                says(want);
        }
}

static void test_names(void) {
        static const char *const names[] = { "now", "rest", "week", "course" };

        G_STATIC_ASSERT(G_N_ELEMENTS(names) == _PLAN_REASON_MAX);
        for (int i = 0; i < _PLAN_REASON_MAX; i++)
                g_assert_cmpstr(plan_reason_name((PlanReason) i), ==, names[i]);
}

/* ---- Against a straightforward reading of the rules ---- */

static unsigned weeks_up_to(const uint64_t *starts, unsigned n, uint64_t at_usec, bool *ret_running) {
        uint64_t week_usec = 0;
        unsigned weeks = 0;

        for (unsigned i = 0; i < n; i++)
                if (starts[i] + 365 * DAY > at_usec && (weeks == 0 || starts[i] >= week_usec + 7 * DAY)) {
                        week_usec = starts[i];
                        weeks++;
                }
        *ret_running = weeks > 0 && at_usec < week_usec + 7 * DAY;
        return weeks;
}

static bool may(const uint64_t *starts, unsigned n, uint64_t at_usec) {
        unsigned in_week = 0, weeks;
        bool running;

        for (unsigned i = 0; i < n; i++) {
                if (starts[i] + 15 * MINUTE + rules.rest_300_usec > at_usec)
                        return false;
                in_week += starts[i] + 7 * DAY > at_usec;
        }
        weeks = weeks_up_to(starts, n, at_usec, &running);
        return in_week < rules.weekly_max && (weeks < rules.course_weeks || (weeks == rules.course_weeks && running));
}

static uint64_t first_hour(const uint64_t *starts, unsigned n) {
        for (uint64_t at_usec = NOW;; at_usec += HOUR)
                if (may(starts, n, at_usec))
                        return at_usec;
}

static void test_as_an_hourly_look_at_the_rules(void) {
        g_autoptr(GRand) r = g_rand_new_with_seed(5);

        for (unsigned round = 0; round < 60; round++) {
                uint64_t starts[60], at_usec = NOW - (uint64_t) g_rand_int_range(r, 100, 364) * DAY;
                unsigned n = 0;

                begin();
                rules.rest_300_usec = (uint64_t) g_rand_int_range(r, 0, 6) * DAY + 45 * MINUTE; /* whole hours after the start */
                rules.weekly_max = (unsigned) g_rand_int_range(r, 1, 4);
                rules.course_weeks = (unsigned) g_rand_int_range(r, 1, 14);
                while (n < G_N_ELEMENTS(starts) && at_usec < NOW) {
                        starts[n++] = at_usec;
                        at_usec += (uint64_t) g_rand_int_range(r, 12, 20 * 24) * HOUR;
                }
                for (unsigned i = n; i-- > 0;)
                        session_in(250, 0, starts[i]);
                ask(0, NOW);
                g_assert_cmpuint(plan.next_earliest_usec, ==, first_hour(starts, n));
        }
}

static void test_ten_thousand_sessions(void) {
        begin();
        for (unsigned i = 10000; i-- > 0;)
                session(250, i * 5 * HOUR / 2);
        ask(0, NOW);
        g_assert_cmpint(plan.reason, ==, PLAN_COURSE);
        g_assert_cmpuint(plan.week_count, ==, 68);
        g_assert_cmpuint(plan.course_weeks, ==, 52);
        for (unsigned i = 0; i < 10000; i++)
                g_assert_cmpuint(g_array_index(history, PlanSession, i).areas, ==, 0); /* the list is left as it was */
}

int main(int argc, char **argv) {
        int r;

        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan/rest-by-depth", test_rest_by_depth);
        g_test_add_func("/plan/nothing-on-record", test_nothing_on_record);
        g_test_add_func("/plan/the-rest-ends-to-the-microsecond", test_the_rest_ends_to_the_microsecond);
        g_test_add_func("/plan/a-shallow-session-does-not-end-a-deep-rest", test_a_shallow_session_does_not_end_a_deep_rest);
        g_test_add_func("/plan/two-rests-that-end-together", test_two_rests_that_end_together);
        g_test_add_func("/plan/areas-rest-alone", test_areas_rest_alone);
        g_test_add_func("/plan/a-session-without-an-area-counts-for-each", test_a_session_without_an_area_counts_for_each);
        g_test_add_func("/plan/two-in-a-week-are-the-most", test_two_in_a_week_are_the_most);
        g_test_add_func("/plan/a-treatment-of-several-sessions-counts-once", test_a_treatment_of_several_sessions_counts_once);
        g_test_add_func("/plan/more-than-the-most-waits-for-the-newest-that-may-stay", test_more_than_the_most_waits_for_the_newest_that_may_stay);
        g_test_add_func("/plan/the-rule-that-ends-last-decides", test_the_rule_that_ends_last_decides);
        g_test_add_func("/plan/deeper-needles-follow-their-rest-alone", test_deeper_needles_follow_their_rest_alone);
        g_test_add_func("/plan/unknown-needles-are-not-taken-for-short-ones", test_unknown_needles_are_not_taken_for_short_ones);
        g_test_add_func("/plan/twelve-weeks-in-a-year", test_twelve_weeks_in_a_year);
        g_test_add_func("/plan/the-twelfth-week-may-be-used-to-its-end", test_the_twelfth_week_may_be_used_to_its_end);
        g_test_add_func("/plan/a-break-begins-no-new-year", test_a_break_begins_no_new_year);
        g_test_add_func("/plan/a-year-later-weeks-come-back", test_a_year_later_weeks_come_back);
        g_test_add_func("/plan/two-sessions-of-a-week-are-one-week", test_two_sessions_of_a_week_are_one_week);
        g_test_add_func("/plan/zero-switches-a-rule-off", test_zero_switches_a_rule_off);
        g_test_add_func("/plan/a-session-of-the-future-counts-as-now", test_a_session_of_the_future_counts_as_now);
        g_test_add_func("/plan/a-session-that-ends-before-it-begins", test_a_session_that_ends_before_it_begins);
        g_test_add_func("/plan/the-epoch", test_the_epoch);
        g_test_add_func("/plan/a-rest-without-end", test_a_rest_without_end);
        g_test_add_func("/plan/daylight-saving-does-not-shorten-a-rest", test_daylight_saving_does_not_shorten_a_rest);
        g_test_add_func("/plan/durations-are-rounded-up", test_durations_are_rounded_up);
        g_test_add_func("/plan/names", test_names);
        g_test_add_func("/plan/as-an-hourly-look-at-the-rules", test_as_an_hourly_look_at_the_rules);
        g_test_add_func("/plan/ten-thousand-sessions", test_ten_thousand_sessions);
        r = g_test_run();
        g_clear_pointer(&history, g_array_unref);
        return r;
}
