/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When a person may needle an area again, and why: the minimum rest by depth, how often in a week, how long a course may last. Pure: past
 * sessions, rules and the time in, facts out. The rules' sources are in docs/session.md; they are minima that warn, never advice to treat. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PLAN_DEPTH_UNKNOWN 0u

typedef struct PlanRules {              /* of the configuration, and of the person over it */
        uint64_t rest_300_usec, rest_500_usec, rest_1000_usec, rest_deeper_usec; /* after needles of up to 0.3, 0.5, 1.0 mm; deeper */
        unsigned weekly_max;            /* sessions in any 7 days with needles of up to 0.3 mm, 0: not counted; deeper ones follow
                                         * their rest alone */
        unsigned course_weeks;          /* in any 365 days, for needles of up to 0.3 mm; 0: not counted */
} PlanRules;

typedef struct PlanSession {
        uint64_t start_usec, end_usec;  /* wall clock */
        uint32_t depth_um;              /* the deepest, PLAN_DEPTH_UNKNOWN */
        uint64_t areas;                 /* bit n: area n of the profile was needled; none but bit 0: nobody said which (counts for each) */
} PlanSession;

typedef enum PlanReason {
        PLAN_NOW,                       /* nothing speaks against it */
        PLAN_REST,                      /* the last session's rest is not over */
        PLAN_WEEK,                      /* as many as a week may have */
        PLAN_COURSE,                    /* as many weeks as a year may have */
        _PLAN_REASON_MAX,
} PlanReason;

/* Week and course count treatments with needles of up to 0.3 mm, and hold while the last session was one of these. Sessions of which each begins within
 * 2 h after the end of the one before are one treatment. A week of the course begins
 * with a session and lasts 7 days; the next begins with the first session after it. */
typedef struct Plan {
        PlanReason reason;
        uint64_t next_earliest_usec;    /* wall clock; now or before: may be. Saturates at UINT64_MAX */
        uint64_t rest_usec;             /* that is over last: mostly that of the last session */
        uint32_t depth_um;              /* of the session that asks for it */
        uint64_t last_session_usec;     /* the end of the last session; 0: none */
        unsigned week_count, week_limit; /* in the 7 days up to now; limit 0: none holds */
        uint64_t course_start_usec;     /* the first session of the 365 days up to now; 0: none */
        unsigned course_weeks, course_limit; /* so far; limit 0: none holds */
} Plan;

void plan_rules_defaults(PlanRules *rules);
uint64_t plan_rest_usec(const PlanRules *rules, uint32_t depth_um);
/* `sessions` in any order, at least those of the last 366 days; `area` 0: any. A session that begins in the future (the clock was set back) counts as
 * now; one that ends before it begins, as if it ended when it began. */
void plan_compute(const PlanRules *rules, const PlanSession *sessions, size_t n_sessions, unsigned area, uint64_t now_usec, Plan *ret);
/* "now", "rest", "week", "course" */
const char *plan_reason_name(PlanReason reason);
/* One sentence: the rule that decides, with its numbers. Owned by the caller (g_free). */
char *plan_reason_text(const Plan *plan, uint64_t now_usec);
