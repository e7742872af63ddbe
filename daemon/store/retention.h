/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* When sessions have been kept for long enough. The wall clock is not believed at once: what is older than it may be when it is looked at is
 * erased when it still is after needled has run for another day. A clock that is wrong for less than that, and be it by years, erases
 * nothing. What ended before clocks can have been set has no age, and nothing is too old that came after what is not. The number of sessions is counted in the order in which they came, which
 * no clock says. On the writer's thread. */

#include "store/eraser.h"

typedef struct Retention {
        StoreRetention wanted;
        uint64_t check_at_usec;         /* CLOCK_MONOTONIC; 0: now */
        uint64_t lived_until_usec;      /* likewise: how far the time that it ran has been counted; 0: not yet */
} Retention;

/* Looks, and tells the eraser what is to go; outside of a transaction. SQLite's result code. */
int retention_check(Retention *retention, Ledger *ledger, Eraser *eraser, Store *store, uint64_t realtime_usec);
