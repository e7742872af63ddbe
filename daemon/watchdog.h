/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Feeds systemd's watchdog from the loop, as long as the store's threads get on too. A disk that stalls for a while is survived: what is
 * received meanwhile is kept in memory. One that does not come back is not: then it is fed no more, and the next process tries anew. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "store/store.h"

#define WATCHDOG_HUNG_USEC (120 * UINT64_C(1000000))

/* One of the store's threads, as it was seen. */
typedef struct WatchdogThread {
        unsigned steps;
        uint64_t since_usec;            /* when it was seen to stand there first; 0: it does not stand */
} WatchdogThread;

/* Whether it has worked since `hung_usec` and longer without a step. */
bool watchdog_stands(WatchdogThread *thread, bool works, unsigned steps, uint64_t now_usec, uint64_t hung_usec);

typedef struct Watchdog Watchdog;

/* period_usec: in which it has to be fed; 0: nobody waits for it, and nothing is done. *ret is NULL then. */
int watchdog_new(sd_event *event, uint64_t period_usec, uint64_t hung_usec, Watchdog **ret);
Watchdog *watchdog_free(Watchdog *watchdog);
/* Whose threads are watched; NULL: nobody's. */
void watchdog_watch(Watchdog *watchdog, Store *store);
