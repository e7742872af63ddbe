/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The device's clock: Elapsed Time, and the Clock characteristic (0106). The errors are those of omp.h. No value here carries a
 * CRC.
 *
 * An Elapsed Time is what a clock says, not always a time: a device whose clock was never set counts its own ticks and says
 * so. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

#define OMP_ELAPSED_SIZE 9u
#define OMP_CLOCK_SIZE 13u                      /* as read: tick and Elapsed Time */
#define OMP_ELAPSED_COUNT_MAX UINT64_C(0xffffffffffff)
#define OMP_EPOCH_2000_SEC UINT64_C(946684800)  /* 2000-01-01 00:00 UTC, in seconds since 1970 */
#define OMP_CLOCK_SECONDS_MAX UINT64_C(0xffffffff) /* since 2000: no clock goes beyond 2136-02-07 */

typedef enum OmpResolution {
        OMP_RESOLUTION_1S,
        OMP_RESOLUTION_100MS,
        OMP_RESOLUTION_1MS,
        OMP_RESOLUTION_100US,
} OmpResolution;

enum {
        OMP_ELAPSED_TICKS = 1u << 0,            /* a counter of ticks, not a time of day */
        OMP_ELAPSED_UTC = 1u << 1,
        OMP_ELAPSED_RESOLUTION_SHIFT = 2,       /* OmpResolution, two bits */
        OMP_ELAPSED_RESOLUTION = 3u << 2,
        OMP_ELAPSED_OFFSET = 1u << 4,           /* the offset is used */
        OMP_ELAPSED_CURRENT = 1u << 5,          /* the current timeline: the clock was not set again since */
};

/* Numbers that are not here are passed on. */
typedef enum OmpClockSource {
        OMP_SOURCE_UNKNOWN = 0,
        OMP_SOURCE_NTP = 1,
        OMP_SOURCE_GPS = 2,
        OMP_SOURCE_MANUAL = 4,
        OMP_SOURCE_CELLULAR = 6,
        OMP_SOURCE_NOT_SYNCHRONISED = 7,
} OmpClockSource;

typedef struct OmpElapsed {
        uint8_t flags;                  /* OMP_ELAPSED_*; unknown ones are kept, and not sent */
        uint64_t count;                 /* since 2000-01-01 00:00 UTC, in units of the resolution; 48 bits */
        uint8_t source;                 /* OmpClockSource */
        int8_t offset_quarters;         /* of local time from UTC, in 15 minutes */
} OmpElapsed;

typedef struct OmpClock {
        uint32_t tick;                  /* captured at the same instant */
        OmpElapsed elapsed;
} OmpClock;

/* Clock as the host reads it: octets that a later minor version appended are ignored. */
int omp_clock_decode(const uint8_t *data, size_t size, OmpClock *ret);
int omp_clock_encode(const OmpClock *clock, uint8_t *buf, size_t size);

/* Clock as the host writes it. Encoding: -EINVAL for what every device refuses. Decoding, on the device: 0, or the ATT error
 * with which it refuses the write, and then *ret is untouched: OMP_ATT_CLOCK_FORMAT another length than 9, a tick counter, not UTC;
 * OMP_ATT_CLOCK_SOURCE source unknown or not synchronised; OMP_ATT_RANGE no count at all, or beyond OMP_CLOCK_SECONDS_MAX. */
int omp_clock_write_encode(const OmpElapsed *elapsed, uint8_t *buf, size_t size);
int omp_clock_write_decode(const uint8_t *data, size_t size, OmpElapsed *ret);

OmpResolution omp_elapsed_resolution(const OmpElapsed *elapsed);
uint32_t omp_resolution_usec(OmpResolution resolution); /* of one unit */

/* False for a clock that was never set: a tick counter, not UTC, or not synchronised. */
bool omp_elapsed_is_time(const OmpElapsed *elapsed);

/* To CLOCK_REALTIME, in µs since 1970: -ENOENT not a time, -ERANGE beyond OMP_CLOCK_SECONDS_MAX. */
int omp_elapsed_to_realtime(const OmpElapsed *elapsed, uint64_t *ret_usec);
/* And back, on the current timeline, with an offset, rounded down to the resolution: -ERANGE before 2000 or beyond
 * OMP_CLOCK_SECONDS_MAX. */
int omp_elapsed_from_realtime(uint64_t realtime_usec, OmpResolution resolution, OmpClockSource source,
                              int8_t offset_quarters, OmpElapsed *ret);

/* What a device says whose clock was never set: its own tick, flagged as such, not synchronised. */
OmpElapsed omp_elapsed_unset(uint32_t tick);
