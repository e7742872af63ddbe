/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "needled/omp.h"
#include "needled/omp-time.h"

#define SEC_USEC UINT64_C(1000000)
#define AWAY_MAX_USEC (4 * 24 * 3600 * SEC_USEC)
#define SLACK_USEC (2 * SEC_USEC)
#define DRIFT_PPM 100u

static void tick_start(OmpTick *t, uint32_t tick, uint64_t boottime_usec) {
        *t = (OmpTick) { .started = true, .tick = tick, .boottime_usec = boottime_usec };
}

/* A reboot is found by a tick, extended towards what the host's clock predicts, "that is off by more than
 * 2 s + 100 ppm of the time since"; "after 4 days without the device it assumes one", as a tick wraps after
 * 4.97 days and would prove nothing. */
bool omp_tick_extend(OmpTick *t, uint32_t tick, uint64_t boottime_usec, uint64_t *ret) {
        uint64_t away_usec, predicted, slack_usec;
        int64_t off, extended;

        if (!t->started) {
                tick_start(t, tick, boottime_usec);
                *ret = tick;
                return false;
        }

        /* A packet stamped before the newest one, by a reader of another stream, was as good as
         * simultaneous with it. */
        away_usec = boottime_usec > t->boottime_usec ? boottime_usec - t->boottime_usec : 0;
        predicted = t->tick + away_usec / OMP_TICK_USEC;
        off = (int32_t) (tick - (uint32_t) predicted);
        slack_usec = SLACK_USEC + away_usec / (1000000 / DRIFT_PPM);

        if (away_usec > AWAY_MAX_USEC || (uint64_t) llabs(off) * OMP_TICK_USEC > slack_usec) {
                tick_start(t, tick, boottime_usec);
                *ret = tick;
                return true;
        }

        /* Nothing is older than the epoch's beginning, even where the first tick that came was the one
         * after a wrap. */
        extended = (int64_t) predicted + off;
        if (extended < 0)
                extended = 0;

        /* Only a newer tick moves the reference: a late one, or the same in another stream, would make the
         * delay of its way part of the next prediction. */
        if ((uint64_t) extended > t->tick) {
                t->tick = (uint64_t) extended;
                t->boottime_usec = boottime_usec;
        }

        *ret = (uint64_t) extended;
        return false;
}
