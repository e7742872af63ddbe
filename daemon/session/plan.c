/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/plan.h"

#include <glib.h>

#define MINUTE_USEC (60 * UINT64_C(1000000))
#define HOUR_USEC (60 * MINUTE_USEC)
#define DAY_USEC (24 * HOUR_USEC)
#define WEEK_USEC (7 * DAY_USEC)
#define YEAR_USEC (365 * DAY_USEC)

/* What begins so soon after the end of the session before it goes on with the same treatment. */
#define TREATMENT_USEC (2 * HOUR_USEC)

#define SHALLOW_UM 300u                 /* weekly maximum and course are known for these needles alone */
#define MEDIUM_UM 500u
#define DEEP_UM 1000u

static const char *const reason_names[_PLAN_REASON_MAX] = {
        [PLAN_NOW] = "now",
        [PLAN_REST] = "rest",
        [PLAN_WEEK] = "week",
        [PLAN_COURSE] = "course",
};

static uint64_t add_saturating(uint64_t a, uint64_t b) {
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool is_shallow(uint32_t depth_um) {
        return depth_um != PLAN_DEPTH_UNKNOWN && depth_um <= SHALLOW_UM;
}

static bool counts_for(const PlanSession *session, unsigned area) {
        uint64_t said = session->areas & ~UINT64_C(1);

        return area == 0 || area > 63 || said == 0 || said >> area & 1;
}

/* Times that a wall clock can have told: it may have been set back since. */
static PlanSession clamped(const PlanSession *session, uint64_t now_usec) {
        PlanSession s = *session;

        s.start_usec = MIN(s.start_usec, now_usec);
        s.end_usec = CLAMP(s.end_usec, s.start_usec, now_usec);
        return s;
}

static int compare_starts(const void *a, const void *b) {
        uint64_t x = ((const PlanSession *) a)->start_usec, y = ((const PlanSession *) b)->start_usec;

        return (x > y) - (x < y);
}

/* When each treatment began, in order. `sessions` are sorted by it. */
static GArray *starts_of_treatments(GArray *sessions) {
        GArray *starts = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        uint64_t until_usec = 0;

        g_array_sort(sessions, compare_starts);
        for (unsigned i = 0; i < sessions->len; i++) {
                const PlanSession *s = &g_array_index(sessions, PlanSession, i);

                if (starts->len == 0 || s->start_usec > add_saturating(until_usec, TREATMENT_USEC))
                        g_array_append_val(starts, s->start_usec);
                until_usec = MAX(until_usec, s->end_usec);
        }

        return starts;
}

/* `from` is when the rule lets go; the later rule decides. */
static void postpone(Plan *plan, PlanReason reason, uint64_t from_usec, uint64_t now_usec) {
        if (from_usec <= now_usec || from_usec <= plan->next_earliest_usec)
                return;
        plan->next_earliest_usec = from_usec;
        plan->reason = reason;
}

/* `starts` in order, those of the year. */
static void apply_week(Plan *plan, const uint64_t *starts, unsigned n, unsigned limit, uint64_t now_usec) {
        for (unsigned i = n; i > 0 && now_usec - starts[i - 1] < WEEK_USEC; i--)
                plan->week_count++;
        plan->week_limit = limit;
        if (limit > 0 && plan->week_count >= limit)
                postpone(plan, PLAN_WEEK, starts[n - limit] + WEEK_USEC, now_usec);
}

/* Weeks are laid from the oldest session on: so they are the fewest that hold them all, and never become more when one is a year old. */
static unsigned count_weeks(const uint64_t *starts, unsigned n, uint64_t *ret_last_usec) {
        unsigned weeks = 0;

        for (unsigned i = 0; i < n; i++)
                if (weeks == 0 || starts[i] - *ret_last_usec >= WEEK_USEC) {
                        *ret_last_usec = starts[i];
                        weeks++;
                }
        return weeks;
}

/* A session within a week that has begun adds none. Else it waits until enough of the oldest are a year old. */
static void apply_course(Plan *plan, const uint64_t *starts, unsigned n, unsigned limit, uint64_t now_usec) {
        uint64_t week_usec = 0, at_usec = plan->next_earliest_usec;

        plan->course_weeks = count_weeks(starts, n, &week_usec);
        plan->course_start_usec = n > 0 ? starts[0] : 0;
        plan->course_limit = limit;
        for (unsigned old = 0; limit > 0; old++) {
                unsigned weeks = count_weeks(starts + old, n - old, &week_usec);

                if (old > 0)
                        at_usec = MAX(at_usec, starts[old - 1] + YEAR_USEC);
                if (weeks < limit || (weeks == limit && at_usec - week_usec < WEEK_USEC))
                        break;
        }
        postpone(plan, PLAN_COURSE, at_usec, now_usec);
}

static char *duration_text(uint64_t usec) {
        uint64_t minutes = usec / MINUTE_USEC + (usec % MINUTE_USEC > 0), days, hours;

        if (minutes < 60)
                return g_strdup_printf("%" G_GUINT64_FORMAT " minute%s", minutes, minutes == 1 ? "" : "s");
        days = minutes / (24 * 60);
        hours = minutes / 60 % 24;
        minutes %= 60;
        if (days == 0)
                return minutes == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " hour%s", hours, hours == 1 ? "" : "s")
                                    : g_strdup_printf("%" G_GUINT64_FORMAT " h %" G_GUINT64_FORMAT " min", hours, minutes);
        if (minutes > 0)
                hours++;
        if (hours == 24) {
                days++;
                hours = 0;
        }
        return hours == 0 ? g_strdup_printf("%" G_GUINT64_FORMAT " day%s", days, days == 1 ? "" : "s")
                          : g_strdup_printf("%" G_GUINT64_FORMAT " d %" G_GUINT64_FORMAT " h", days, hours);
}

static char *needles_text(uint32_t depth_um) {
        if (depth_um == PLAN_DEPTH_UNKNOWN)
                return g_strdup("needles of unknown length");
        return g_strdup_printf("needles of %u.%02u mm", depth_um / 1000, depth_um % 1000 / 10);
}

void plan_rules_defaults(PlanRules *rules) {
        *rules = (PlanRules) {
                .rest_300_usec = 3 * DAY_USEC,
                .rest_500_usec = 14 * DAY_USEC,
                .rest_1000_usec = 28 * DAY_USEC,
                .rest_deeper_usec = 42 * DAY_USEC,
                .weekly_max = 2,
                .course_weeks = 12,
        };
}

uint64_t plan_rest_usec(const PlanRules *rules, uint32_t depth_um) {
        if (is_shallow(depth_um))
                return rules->rest_300_usec;
        if (depth_um == PLAN_DEPTH_UNKNOWN)
                return rules->rest_1000_usec;
        if (depth_um <= MEDIUM_UM)
                return rules->rest_500_usec;
        return depth_um <= DEEP_UM ? rules->rest_1000_usec : rules->rest_deeper_usec;
}

void plan_compute(const PlanRules *rules, const PlanSession *sessions, size_t n_sessions, unsigned area, uint64_t now_usec, Plan *ret) {
        g_autoptr(GArray) counted = g_array_new(FALSE, FALSE, sizeof(PlanSession)), starts = NULL;
        uint64_t rest_over_usec = 0;
        bool any = false, shallow = false;

        *ret = (Plan) { .next_earliest_usec = now_usec };
        for (size_t i = 0; i < n_sessions; i++) {
                PlanSession s = clamped(&sessions[i], now_usec);
                uint64_t rest_usec = plan_rest_usec(rules, s.depth_um), over_usec = add_saturating(s.end_usec, rest_usec);

                if (!counts_for(&s, area))
                        continue;
                if (!any || over_usec > rest_over_usec) {
                        rest_over_usec = over_usec;
                        ret->rest_usec = rest_usec;
                        ret->depth_um = s.depth_um;
                }
                if (!any || s.end_usec > ret->last_session_usec || (s.end_usec == ret->last_session_usec && !is_shallow(s.depth_um))) {
                        ret->last_session_usec = s.end_usec;
                        shallow = is_shallow(s.depth_um);
                }
                any = true;
                if (is_shallow(s.depth_um) && now_usec - s.start_usec < YEAR_USEC)
                        g_array_append_val(counted, s);
        }
        postpone(ret, PLAN_REST, rest_over_usec, now_usec);
        starts = starts_of_treatments(counted);
        apply_week(ret, (uint64_t *) (void *) starts->data, starts->len, shallow ? rules->weekly_max : 0, now_usec);
        apply_course(ret, (uint64_t *) (void *) starts->data, starts->len, shallow ? rules->course_weeks : 0, now_usec);
}

const char *plan_reason_name(PlanReason reason) {
        return reason_names[reason];
}

char *plan_reason_text(const Plan *plan, uint64_t now_usec) {
        uint64_t left_usec = plan->next_earliest_usec > now_usec ? plan->next_earliest_usec - now_usec : 0;
        g_autofree char *left = duration_text(left_usec), *rest = duration_text(plan->rest_usec);
        g_autofree char *needles = needles_text(plan->depth_um);

        switch (plan->reason) {
        case PLAN_NOW:
                if (plan->last_session_usec == 0)
                        return g_strdup("No session is on record that a rest would follow.");
                return g_strdup_printf("The minimum rest of %s after %s is over.", rest, needles);
        case PLAN_REST:
                return g_strdup_printf("The minimum rest after %s is %s, of which %s are left.", needles, rest, left);
        case PLAN_WEEK:
                return g_strdup_printf("With needles of up to 0.30 mm the rule is at most %u sessions in 7 days; there were %u, and there are fewer than the "
                                       "rule allows in %s.", plan->week_limit, plan->week_count, left);
        case PLAN_COURSE:
                return g_strdup_printf("With needles of up to 0.30 mm the rule is at most %u weeks with sessions in 365 days; there were %u, and "
                                       "there are fewer than the rule allows in %s.", plan->course_limit, plan->course_weeks, left);
        case _PLAN_REASON_MAX:
                break;
        }
        g_assert_not_reached(); /* plan_compute() sets no other */
}
