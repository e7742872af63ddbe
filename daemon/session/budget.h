/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much of one kind is told in a minute: a device that makes something of it with each packet fills no list. Pure. */

#include <stdbool.h>
#include <stdint.h>

#define BUDGET_MINUTE_USEC (60 * UINT64_C(1000000))

typedef struct Budget {
        uint64_t minute;                /* of the caller's clock: to which `n` belongs */
        unsigned n;
} Budget;

static inline unsigned budget_so_far(const Budget *b, uint64_t now_usec) {
        return b->minute == now_usec / BUDGET_MINUTE_USEC ? b->n : 0;
}

/* One more. Returns the how manyth of this minute it is. */
static inline unsigned budget_count(Budget *b, uint64_t now_usec) {
        *b = (Budget) { .minute = now_usec / BUDGET_MINUTE_USEC, .n = budget_so_far(b, now_usec) + 1 };
        return b->n;
}
