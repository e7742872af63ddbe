/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The device's clock on the host's: which boot time a tick stands for. A notification can only be late, never early,
 * so the smallest difference between arrival and tick within a bucket of time is the offset there; how it moves from
 * bucket to bucket is the drift. What is held up on its way bends neither: it is never the smallest. Bounded memory,
 * pure. */

#include <stdbool.h>
#include <stdint.h>

typedef enum ClockQuality {             /* as Figures' clock_quality */
        CLOCK_QUALITY_NONE,             /* no tick has come, or the device has none */
        CLOCK_QUALITY_COARSE,           /* few have, or the link holds them up by more than 20 ms */
        CLOCK_QUALITY_GOOD,
        _CLOCK_QUALITY_MAX,
} ClockQuality;

const char *clock_quality_name(ClockQuality quality);

#define DEVICE_CLOCK_BUCKETS 16u
#define DEVICE_CLOCK_BUCKET_USEC (4 * 1000000u) /* the window is 64 s */

typedef struct DeviceClock {
        unsigned n, at;                 /* of the buckets: filled, the newest */
        struct {
                uint64_t begin_usec;    /* boot time */
                uint64_t at_usec;       /* likewise, of the smallest offset in it */
                int64_t offset_usec;    /* boot time − tick */
        } bucket[DEVICE_CLOCK_BUCKETS];
        int64_t floor_usec;             /* the smallest offset of the two newest */
        int64_t low_usec;               /* that of the newest */
        uint64_t until_usec;            /* boot time from which on values are of the next bucket */
        uint64_t pushed;
        uint64_t first_usec, last_usec; /* boot time */
        int64_t spread_usec;            /* between the smallest and the median arrival, as far as it has been found */
} DeviceClock;

/* A new epoch: the device has rebooted, or is another. */
void device_clock_reset(DeviceClock *c);
/* A value that came in order. `tick` is extended, in 100 µs. False: it is ahead of the host by more than 2 s, or
 * behind by more than a minute: no link does that, the ticks have jumped, and the clock begins anew with this one.
 * The hot path. */
bool device_clock_push(DeviceClock *c, uint64_t tick, uint64_t boottime_usec);
/* µs that CLOCK_BOOTTIME is ahead of the device's ticks. False with CLOCK_QUALITY_NONE. */
bool device_clock_offset(const DeviceClock *c, int64_t *ret_usec);
/* How much faster the device's clock runs, in ppm; 0 until the window is long enough to tell. */
double device_clock_drift_ppm(const DeviceClock *c);
ClockQuality device_clock_quality(const DeviceClock *c);
/* The boot time of a tick; 0 with CLOCK_QUALITY_NONE, and for what would be before the host's clock began. */
uint64_t device_clock_boottime(const DeviceClock *c, uint64_t tick);
