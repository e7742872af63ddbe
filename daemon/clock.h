/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The one way to read a clock, in the one unit of time. In the vDSO for the clocks that we ask: no system call. */

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_usec(clockid_t clock) {
        struct timespec ts;

        (void) clock_gettime(clock, &ts);
        return (uint64_t) ts.tv_sec * 1000000u + (uint64_t) ts.tv_nsec / 1000u;
}
