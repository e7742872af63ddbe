/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/elapsed.h"

#define SEC_USEC UINT64_C(1000000)

static const uint32_t unit_usec[] = {
        [OMP_RESOLUTION_1S]    = 1000000,
        [OMP_RESOLUTION_100MS] = 100000,
        [OMP_RESOLUTION_1MS]   = 1000,
        [OMP_RESOLUTION_100US] = 100,
};

uint32_t omp_resolution_usec(OmpResolution resolution) {
        return unit_usec[resolution & 3];
}

OmpResolution omp_elapsed_resolution(const OmpElapsed *elapsed) {
        return (OmpResolution) ((elapsed->flags & OMP_ELAPSED_RESOLUTION) >> OMP_ELAPSED_RESOLUTION_SHIFT);
}

/* In whole seconds, so that 48 bits of any unit cannot overflow. */
static uint64_t elapsed_seconds(const OmpElapsed *elapsed) {
        return elapsed->count / (SEC_USEC / omp_resolution_usec(omp_elapsed_resolution(elapsed)));
}

/* "The device refuses, in this order": 0x83, 0x82, 0xFF. The length is the caller's to check. */
static int elapsed_refusal(const OmpElapsed *elapsed) {
        if (elapsed->flags & OMP_ELAPSED_TICKS || !(elapsed->flags & OMP_ELAPSED_UTC))
                return OMP_ATT_CLOCK_FORMAT;
        if (elapsed->source == OMP_SOURCE_UNKNOWN || elapsed->source == OMP_SOURCE_NOT_SYNCHRONISED)
                return OMP_ATT_CLOCK_SOURCE;
        if (elapsed->count == 0 || elapsed_seconds(elapsed) > OMP_CLOCK_SECONDS_MAX)
                return OMP_ATT_RANGE;

        return 0;
}

int omp_clock_decode(const uint8_t *data, size_t size, OmpClock *ret) {
        Cursor c = cursor_begin(data, size);
        OmpClock clock = {};
        int r;

        clock.tick = cursor_le32(&c);
        clock.elapsed = cursor_elapsed(&c);

        r = cursor_finish(&c, false);
        if (r < 0)
                return r;

        *ret = clock;
        return 0;
}

int omp_clock_encode(const OmpClock *clock, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (clock->elapsed.count > OMP_ELAPSED_COUNT_MAX)
                return -EINVAL;

        writer_le32(&w, clock->tick);
        writer_elapsed(&w, &clock->elapsed);

        return writer_finish(&w, false);
}

int omp_clock_write_encode(const OmpElapsed *elapsed, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (elapsed_refusal(elapsed) != 0) /* which more than 48 bits are too */
                return -EINVAL;

        writer_elapsed(&w, elapsed);

        return writer_finish(&w, false);
}

int omp_clock_write_decode(const uint8_t *data, size_t size, OmpElapsed *ret) {
        Cursor c = cursor_begin(data, size);
        OmpElapsed elapsed = cursor_elapsed(&c);
        int r;

        if (c.underrun || cursor_left(&c) > 0)
                return OMP_ATT_CLOCK_FORMAT;
        r = elapsed_refusal(&elapsed);
        if (r != 0)
                return r;

        *ret = elapsed;
        return 0;
}

/* What a device was given by a source that it does not know is a time all the same; "not-synchronised" alone says that it is
 * none. */
bool omp_elapsed_is_time(const OmpElapsed *elapsed) {
        return !(elapsed->flags & OMP_ELAPSED_TICKS) && elapsed->flags & OMP_ELAPSED_UTC &&
               elapsed->source != OMP_SOURCE_NOT_SYNCHRONISED;
}

int omp_elapsed_to_realtime(const OmpElapsed *elapsed, uint64_t *ret_usec) {
        if (!omp_elapsed_is_time(elapsed))
                return -ENOENT;
        if (elapsed_seconds(elapsed) > OMP_CLOCK_SECONDS_MAX)
                return -ERANGE;

        *ret_usec = OMP_EPOCH_2000_SEC * SEC_USEC + elapsed->count * omp_resolution_usec(omp_elapsed_resolution(elapsed));
        return 0;
}

int omp_elapsed_from_realtime(uint64_t realtime_usec, OmpResolution resolution, OmpClockSource source,
                              int8_t offset_quarters, OmpElapsed *ret) {
        uint64_t since;

        if (realtime_usec < OMP_EPOCH_2000_SEC * SEC_USEC)
                return -ERANGE;
        since = realtime_usec - OMP_EPOCH_2000_SEC * SEC_USEC;
        if (since / SEC_USEC > OMP_CLOCK_SECONDS_MAX)
                return -ERANGE;

        *ret = (OmpElapsed) {
                .flags = (uint8_t) (OMP_ELAPSED_UTC | OMP_ELAPSED_OFFSET | OMP_ELAPSED_CURRENT |
                                    (resolution << OMP_ELAPSED_RESOLUTION_SHIFT & OMP_ELAPSED_RESOLUTION)),
                .count = since / omp_resolution_usec(resolution),
                .source = (uint8_t) source,
                .offset_quarters = offset_quarters,
        };
        return 0;
}

OmpElapsed omp_elapsed_unset(uint32_t tick) {
        return (OmpElapsed) {
                .flags = OMP_ELAPSED_TICKS | OMP_RESOLUTION_100US << OMP_ELAPSED_RESOLUTION_SHIFT,
                .count = tick,
                .source = OMP_SOURCE_NOT_SYNCHRONISED,
        };
}
