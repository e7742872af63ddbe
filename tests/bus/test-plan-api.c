/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Plan1: always about the caller. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "stage-plan.h"
#include "stage.h"

#define PLAN "org.needled.Plan1"
#define DAY UINT64_C(86400000000)
#define NOW (20000 * DAY)

#define RULES \
        "rules: {rest_300um: 259200000000, rest_500um: 1209600000000, rest_1000um: 2419200000000, rest_deeper: 3628800000000, weekly_max: 2, " \
        "course_weeks: 12}"

static void begin(void) {
        stage_new();
        stage_plan = (StagePlan) { .version = "7" };
        plan_rules_defaults(&stage_plan.answer.rules);
        stage_plan.answer.now_usec = NOW;
        stage_plan.answer.plan.next_earliest_usec = NOW;
}

/* The call comes as far as the hub, and is answered. */
static sd_bus_message *answered(FakeCall *c, const char *error) {
        fake_bus_until(stage->fb, stage_plan.call);
        stage_plan_answer();
        return expect(c, error);
}

static void test_nothing_on_record(void) {
        begin();
        g_autoptr(FakeCall) c = call(OTHER, "/org/needled", PLAN, "Get", "a{sv}", 0);
        g_autofree char *text = stage_print(answered(c, NULL));
        g_assert_cmpstr(text, ==,
                        "{next_earliest: 1728000000000000, reason: No session is on record that a rest would follow., reason_code: now, "
                        "week_count: 0, course_weeks: 0, " RULES ", contraindications_version: 7, contraindications: [Wounds are named., Acne is named.]}");
        g_assert_cmpuint(stage_plan.owner, ==, OTHER_UID);
        g_assert_cmpstr(stage_plan.subject, ==, "");
        g_assert_cmpstr(stage_plan.language, ==, "");
        g_assert_cmpuint(stage_plan.area, ==, 0);
        g_assert_cmpuint(stage->fb->n_checks, ==, 0); /* polkit is not asked */
        stage_free();
}

static void test_all_that_is_known(void) {
        begin();
        stage_plan.answer.plan = (Plan) { .reason = PLAN_WEEK, .next_earliest_usec = NOW + DAY, .rest_usec = 3 * DAY, .depth_um = 250,
                                          .week_count = 2, .week_limit = 2, .course_start_usec = NOW - 30 * DAY, .course_weeks = 4,
                                          .course_limit = 12, .last_session_usec = NOW - 4 * DAY };
        stage_plan.acknowledged_at = NOW - 40 * DAY;
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Get", "a{sv}", 3, "subject", "s", "ada", "area", "s", "chin", "language", "s",
                                     "de_AT.UTF-8");
        g_autofree char *text = stage_print(answered(c, NULL));
        g_assert_cmpstr(text, ==,
                        "{next_earliest: 1728086400000000, reason: With needles of up to 0.30 mm the rule is at most 2 sessions in 7 days; there were 2, and "
                        "there are fewer than the rule allows in 1 day., reason_code: week, rest: 259200000000, week_count: 2, course_weeks: 4, "
                        "depth: 250, week_limit: 2, course_start: 1725408000000000, course_limit: 12, last_session: 1727654400000000, " RULES
                        ", contraindications_version: 7, acknowledged_at: 1724544000000000, contraindications: [Wounds are named., Acne is named.]}");
        g_assert_cmpuint(stage_plan.owner, ==, OWNER_UID);
        g_assert_cmpstr(stage_plan.subject, ==, "ada");
        g_assert_cmpstr(stage_plan.language, ==, "de_AT.UTF-8");
        g_assert_cmpuint(stage_plan.area, ==, 9);
        stage_free();
}

static void test_get_without_a_list(void) {
        begin();
        stage_plan.version = NULL;
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Get", "a{sv}", 0);
        g_autofree char *text = stage_print(answered(c, NULL));
        g_assert_null(strstr(text, "contraindications"));
        stage_free();
}

static void test_get_refuses(void) {
        begin();
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Get", "a{sv}", 1, "area", "s", "moon");
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Get", "a{sv}", 1, "subject", "s", "a\nb");
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Get", "a{sv}", 1, "language", "s",
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Get", "a{sv}", 1, "owner", "u", 5);
        g_assert_cmpuint(stage_plan.n_asked, ==, 0);
        stage_free();
}

static void test_a_record_that_cannot_be_read(void) {
        begin();
        stage_plan.error = -EIO;
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Get", "a{sv}", 0);
        (void) answered(c, "Degraded");
        stage_plan.error = -ECANCELED;
        g_autoptr(FakeCall) d = call(OWNER, "/org/needled", PLAN, "Get", "a{sv}", 0);
        (void) answered(d, "Cancelled");
        stage_free();
}

static void test_who_asked_has_gone(void) {
        begin();
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Get", "a{sv}", 0);
        fake_bus_until(stage->fb, stage_plan.call);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        stage_plan_answer();
        g_assert_null(c->reply);
        stage_free();
}

static void test_configure_some(void) {
        begin();
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 3, "subject", "s", "ada", "rest_500um", "t", UINT64_C(0),
                                     "weekly_max", "u", 7);
        (void) answered(c, NULL);
        g_assert_cmpuint(stage_plan.owner, ==, OWNER_UID);
        g_assert_cmpstr(stage_plan.subject, ==, "ada");
        g_assert_cmpint(stage_plan.changes.rest_300_usec, ==, -1);
        g_assert_cmpint(stage_plan.changes.rest_500_usec, ==, 0);
        g_assert_cmpint(stage_plan.changes.rest_1000_usec, ==, -1);
        g_assert_cmpint(stage_plan.changes.rest_deeper_usec, ==, -1);
        g_assert_cmpint(stage_plan.changes.weekly_max, ==, 7);
        g_assert_cmpint(stage_plan.changes.course_weeks, ==, -1);
        g_assert_false(stage_plan.reset);
        stage_free();
}

static void test_configure_all(void) {
        begin();
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 7, "reset", "b", 1, "rest_300um", "t", DAY, "rest_500um", "t",
                                     2 * DAY, "rest_1000um", "t", 3 * DAY, "rest_deeper", "t", 365 * DAY, "weekly_max", "u", 0, "course_weeks",
                                     "u", 52);
        (void) answered(c, NULL);
        g_assert_cmpint(stage_plan.changes.rest_300_usec, ==, DAY);
        g_assert_cmpint(stage_plan.changes.rest_500_usec, ==, 2 * DAY);
        g_assert_cmpint(stage_plan.changes.rest_1000_usec, ==, 3 * DAY);
        g_assert_cmpint(stage_plan.changes.rest_deeper_usec, ==, 365 * DAY);
        g_assert_cmpint(stage_plan.changes.weekly_max, ==, 0);
        g_assert_cmpint(stage_plan.changes.course_weeks, ==, 52);
        g_assert_true(stage_plan.reset);
        stage_free();
}

static void test_configure_refuses(void) {
        begin();
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "rest_300um", "t", 365 * DAY + 1);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "rest_deeper", "t", UINT64_MAX);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "rest_300um", "u", 5);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "weekly_max", "u", 8);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "course_weeks", "u", UINT32_MAX);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "rest", "t", DAY);
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 1, "subject", "s",
                    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
        g_assert_cmpuint(stage_plan.n_asked, ==, 0);
        stage_free();
}

static void test_configure_is_answered_as_the_hub_says(void) {
        static const struct {
                int error;
                const char *name;
        } errors[] = { { -EDQUOT, "LimitReached" }, { -EINPROGRESS, "Degraded" }, { -EAGAIN, "NotReady" }, { -ECANCELED, "Cancelled" } };

        for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
                begin();
                stage_plan.error = errors[i].error;
                g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Configure", "a{sv}", 0);
                (void) answered(c, errors[i].name);
                stage_free();
        }
}

static void test_acknowledge(void) {
        begin();
        g_autoptr(FakeCall) c = call(OTHER, "/org/needled", PLAN, "Acknowledge", "a{sv}", 1, "version", "s", "7");
        (void) answered(c, NULL);
        g_assert_cmpuint(stage_plan.owner, ==, OTHER_UID);
        stage_free();
}

static void test_acknowledge_refuses(void) {
        begin();
        g_autoptr(FakeCall) c = call(OWNER, "/org/needled", PLAN, "Acknowledge", "a{sv}", 1, "version", "s", "6");
        g_assert_nonnull(strstr(sd_bus_message_get_error(expect(c, "InvalidArgument"))->message, "\"7\""));
        g_autoptr(FakeCall) d = call(OWNER, "/org/needled", PLAN, "Acknowledge", "a{sv}", 0);
        g_assert_nonnull(strstr(sd_bus_message_get_error(expect(d, "InvalidArgument"))->message, "\"7\""));
        call_expect("InvalidArgument", OWNER, "/org/needled", PLAN, "Acknowledge", "a{sv}", 1, "subject", "s", "ada");
        stage_plan.version = NULL;
        call_expect("NotReady", OWNER, "/org/needled", PLAN, "Acknowledge", "a{sv}", 1, "version", "s", "7");
        g_assert_cmpuint(stage_plan.n_asked, ==, 0);
        stage_free();
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/plan-api/nothing-on-record", test_nothing_on_record);
        g_test_add_func("/plan-api/all-that-is-known", test_all_that_is_known);
        g_test_add_func("/plan-api/get-without-a-list", test_get_without_a_list);
        g_test_add_func("/plan-api/get-refuses", test_get_refuses);
        g_test_add_func("/plan-api/a-record-that-cannot-be-read", test_a_record_that_cannot_be_read);
        g_test_add_func("/plan-api/who-asked-has-gone", test_who_asked_has_gone);
        g_test_add_func("/plan-api/configure-some", test_configure_some);
        g_test_add_func("/plan-api/configure-all", test_configure_all);
        g_test_add_func("/plan-api/configure-refuses", test_configure_refuses);
        g_test_add_func("/plan-api/configure-is-answered-as-the-hub-says", test_configure_is_answered_as_the_hub_says);
        g_test_add_func("/plan-api/acknowledge", test_acknowledge);
        g_test_add_func("/plan-api/acknowledge-refuses", test_acknowledge_refuses);
        return g_test_run();
}
