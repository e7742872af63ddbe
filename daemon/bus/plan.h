/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.needled.Plan1: when somebody may go on, by which rules, and what they have acknowledged. Always about the caller. */

#include "bus/bus.h"
#include "session/plan.h"

typedef struct BusPlan {
        PlanRules rules;                /* that hold for this subject */
        Plan plan;
        uint64_t now_usec;              /* wall clock that it was computed for */
} BusPlan;

/* error: 0, or of the store's list. `plan` is valid for the call. */
typedef void (*BusPlanDone)(int error, const BusPlan *plan, void *call);

/* What the hub does for Plan1. */
struct BusPlanOps {
        /* `area` 0: any. Answers later, never from inside. */
        void (*get)(uid_t owner, const char *subject, unsigned area, BusPlanDone done, void *call, void *userdata);
        /* What is -1 stays as it is, or with `reset` becomes what is configured. Done when durable; -EDQUOT too many subjects, -EAGAIN
         * the database is being opened, -EINPROGRESS it is kept in memory and follows. */
        void (*configure)(const StorePlan *changes, bool reset, BusDone done, void *call, void *userdata);
        const char *(*contraindications_version)(void *userdata); /* NULL: there is no list */
        char **(*contraindications)(const char *language, void *userdata); /* g_strfreev; only if there is a list */
        uint64_t (*acknowledged_at)(uid_t owner, void *userdata); /* wall clock; 0: not this version */
        void (*acknowledge)(uid_t owner, BusDone done, void *call, void *userdata); /* this version; done as above */
        /* What they set and acknowledged is being erased; owner and name as of store_erase_all(). -EAGAIN the database is being opened. */
        int (*forget)(uid_t owner, const char *owner_name, void *userdata);
};

/* Registers what is served on bus->connection. */
int plan_register(Bus *bus);
