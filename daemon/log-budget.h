/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How many entries of the journal one device may cause: fewer than 100 in any hour, whatever it does. Of each class it may have a handful
 * at once, and as many again over an hour; no class takes from another, so that a link that comes and goes cannot silence the end of a
 * session or the loss of a bond. What is left out is counted. Pure: time comes in. */

#include <stdbool.h>
#include <stdint.h>

typedef enum LogClass {
        LOG_CLASS_DEVICE,               /* the link, what the device lacks, sessions on their way, syncs: all that has no other class */
        LOG_CLASS_ALERT,                /* what sessions warn of */
        LOG_CLASS_RECORD,               /* a session is finished or discarded */
        LOG_CLASS_TROUBLE,              /* what needs a person: the bond, the identity; and adoptions */
        _LOG_CLASS_MAX,
} LogClass;

typedef enum LogVerdict {
        LOG_ADMITTED,
        LOG_OMITTED_FIRST,              /* worth a word: nothing was left out in the last hour */
        LOG_OMITTED,
} LogVerdict;

/* What one device may cause in any hour, with the words about what was left out. */
#define LOG_ENTRIES_PER_HOUR_MAX 86u
#define LOG_DEVICES_MAX 64u             /* that are counted apart; all others share */

typedef struct LogBudget LogBudget;

LogBudget *log_budget_new(void);
LogBudget *log_budget_free(LogBudget *budget); /* NULL */

LogVerdict log_budget_take(LogBudget *budget, const char *device, LogClass class, uint64_t now_usec);
/* When something has to be said next; UINT64_MAX: nothing was left out. */
uint64_t log_budget_deadline(const LogBudget *budget);
/* One device of which something was left out and whose hour is over; UINT64_MAX as the time: all that was left out until now. False: none
 * (any more). The text lives until the next call. */
bool log_budget_next(LogBudget *budget, uint64_t now_usec, const char **ret_device, uint64_t *ret_omitted);
