/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log-budget.h"

#include <glib.h>
#include <string.h>

#define HOUR_USEC (3600 * UINT64_C(1000000))
#define OTHERS "other devices"

/* At once, and as many again over an hour: twice their sum, and two words about what was left out, is the most that an hour can see. */
static const unsigned allowed[_LOG_CLASS_MAX] = {
        [LOG_CLASS_DEVICE] = 20,
        [LOG_CLASS_ALERT] = 8,
        [LOG_CLASS_RECORD] = 10,
        [LOG_CLASS_TROUBLE] = 4,
};

typedef struct Account {
        char *device;                   /* NULL: free */
        uint64_t full_usec[_LOG_CLASS_MAX]; /* when its allowance is whole again */
        uint64_t omitted;               /* since `since_usec` */
        uint64_t since_usec;            /* 0: nothing is left out */
} Account;

struct LogBudget {
        Account accounts[LOG_DEVICES_MAX + 1]; /* the last is that of all others */
        char *told;                     /* the device that log_budget_next() gave */
};

/* Each entry moves the moment at which the allowance is whole again; it may lie an hour ahead at most. */
static bool spend(Account *a, LogClass class, uint64_t now_usec) {
        uint64_t price = HOUR_USEC / allowed[class], full = MAX(a->full_usec[class], now_usec) + price;

        if (full - now_usec > price * allowed[class])
                return false;

        a->full_usec[class] = full;
        return true;
}

/* Of which nothing has to be remembered. */
static bool is_idle(const Account *a, uint64_t now_usec) {
        for (unsigned i = 0; i < _LOG_CLASS_MAX; i++)
                if (a->full_usec[i] > now_usec)
                        return false;

        return a->since_usec == 0;
}

static Account *account_of(LogBudget *budget, const char *device, uint64_t now_usec) {
        Account *unused = NULL;

        for (unsigned i = 0; i < LOG_DEVICES_MAX; i++) {
                Account *a = &budget->accounts[i];

                if (a->device && strcmp(a->device, device) == 0)
                        return a;
                if (!unused && (!a->device || is_idle(a, now_usec)))
                        unused = a;
        }
        if (!unused) {
                unused = &budget->accounts[LOG_DEVICES_MAX];
                device = OTHERS;
        }
        if (g_strcmp0(unused->device, device) != 0) {
                g_free(unused->device);
                *unused = (Account) { .device = g_strdup(device) };
        }

        return unused;
}

LogBudget *log_budget_new(void) {
        return g_new0(LogBudget, 1);
}

LogBudget *log_budget_free(LogBudget *budget) {
        if (!budget)
                return NULL;

        for (unsigned i = 0; i <= LOG_DEVICES_MAX; i++)
                g_free(budget->accounts[i].device);
        g_free(budget->told);
        g_free(budget);
        return NULL;
}

LogVerdict log_budget_take(LogBudget *budget, const char *device, LogClass class, uint64_t now_usec) {
        Account *a = account_of(budget, device, now_usec);

        if (spend(a, class, now_usec))
                return LOG_ADMITTED;

        a->omitted++;
        if (a->since_usec > 0)
                return LOG_OMITTED;

        a->since_usec = MAX(now_usec, 1);
        return LOG_OMITTED_FIRST;
}

uint64_t log_budget_deadline(const LogBudget *budget) {
        uint64_t deadline = UINT64_MAX;

        for (unsigned i = 0; i <= LOG_DEVICES_MAX; i++)
                if (budget->accounts[i].since_usec > 0)
                        deadline = MIN(deadline, budget->accounts[i].since_usec + HOUR_USEC);

        return deadline;
}

bool log_budget_next(LogBudget *budget, uint64_t now_usec, const char **ret_device, uint64_t *ret_omitted) {
        for (unsigned i = 0; i <= LOG_DEVICES_MAX; i++) {
                Account *a = &budget->accounts[i];

                if (a->since_usec == 0 || now_usec - a->since_usec < HOUR_USEC)
                        continue;
                if (a->omitted == 0 || now_usec == UINT64_MAX) {
                        a->since_usec = 0;
                        if (a->omitted == 0)
                                continue; /* an hour in which nothing was left out */
                } else
                        a->since_usec = now_usec;

                *ret_omitted = a->omitted;
                a->omitted = 0;
                g_free(budget->told);
                budget->told = g_strdup(a->device);
                *ret_device = budget->told;
                return true;
        }

        return false;
}
