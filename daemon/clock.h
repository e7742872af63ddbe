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

typedef enum ClockSync {
        CLOCK_SYNC_YES,
        CLOCK_SYNC_NO,
        CLOCK_SYNC_UNKNOWN,
} ClockSync;

/* Whether somebody keeps the system's clock right (clock.c). The kernel knows whoever sets it, but in a unit with ProtectClock= it may not
 * be asked; systemd-timesyncd leaves a file, and while it runs its folder is there. `root` stands before those paths: "", or of a test. */
ClockSync clock_sync(const char *root);
