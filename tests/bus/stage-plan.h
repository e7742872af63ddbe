/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hub for Plan1 that remembers what it was asked, and answers when and what the test says. */

#include "bus/plan.h"

typedef struct StagePlan {
        BusPlan answer;                 /* of the next Get */
        int error;                      /* likewise, and of the others */
        unsigned n_asked, n_forgotten;
        int forget_error;               /* what forget() says */
        uid_t owner;                    /* of the newest call */
        char subject[65], language[65];
        unsigned area;
        StorePlan changes;              /* its subject is `subject` */
        bool reset;
        const char *version;            /* NULL: no list */
        uint64_t acknowledged_at;
        BusPlanDone done_plan;          /* who waits, NULL: nobody */
        BusDone done;
        void *call;
} StagePlan;

extern StagePlan stage_plan;
extern const BusPlanOps stage_plan_ops;

void stage_plan_answer(void);
