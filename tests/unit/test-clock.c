/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-clock.h"

/* 1.8 */
#define READ "4e 61 bc 00 32 28 a7 1c 32 00 00 01 08"
#define WRITE "3a 3a f5 ec bf c3 00 01 08"
#define READ_USEC UINT64_C(1787423400000000) /* 2026-08-22 18:30:00 UTC */

DEFINE_TRY(try_decode, OmpClock, omp_clock_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpClock clock;

        return omp_clock_decode(data, size, &clock);
}

/* Writes to a device: 0 or the ATT error, and then the struct is untouched. */
static int write_to_device(const Value *v, OmpElapsed *ret) {
        OmpElapsed elapsed, before;
        int r;

        memset(&elapsed, 0xa5, sizeof(elapsed));
        memcpy(&before, &elapsed, sizeof(elapsed));
        r = DECODE(omp_clock_write_decode, v, &elapsed);
        if (r != 0)
                g_assert_cmpmem(&elapsed, sizeof(elapsed), &before, sizeof(elapsed));
        else if (ret)
                *ret = elapsed;

        return r;
}

static int write_hex(const char *hex) {
        Value v = value_from_hex(hex);

        return write_to_device(&v, NULL);
}

static void vector_read(void) {
        Value v = value_from_hex(READ);
        OmpClock clock;
        uint64_t usec;

        g_assert_cmpint(DECODE(omp_clock_decode, &v, &clock), ==, 0);
        g_assert_cmpuint(clock.tick, ==, 12345678);
        g_assert_cmphex(clock.elapsed.flags, ==, OMP_ELAPSED_UTC | OMP_ELAPSED_OFFSET | OMP_ELAPSED_CURRENT);
        g_assert_cmpint(omp_elapsed_resolution(&clock.elapsed), ==, OMP_RESOLUTION_1S);
        g_assert_cmpuint(clock.elapsed.count, ==, 840738600);
        g_assert_cmpuint(clock.elapsed.source, ==, OMP_SOURCE_NTP);
        g_assert_cmpint(clock.elapsed.offset_quarters, ==, 8);
        g_assert_true(omp_elapsed_is_time(&clock.elapsed));
        g_assert_cmpint(omp_elapsed_to_realtime(&clock.elapsed, &usec), ==, 0);
        g_assert_cmpuint(usec, ==, READ_USEC);
        ASSERT_ENCODES(omp_clock_encode, &clock, OMP_CLOCK_SIZE, READ);
}

static void vector_write(void) {
        Value v = value_from_hex(WRITE);
        OmpElapsed elapsed, made;
        uint64_t usec;

        g_assert_cmpint(write_to_device(&v, &elapsed), ==, 0);
        g_assert_cmpint(omp_elapsed_resolution(&elapsed), ==, OMP_RESOLUTION_1MS);
        g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, 0);
        g_assert_cmpuint(usec, ==, READ_USEC + 250000);
        ASSERT_ENCODES(omp_clock_write_encode, &elapsed, OMP_ELAPSED_SIZE, WRITE);

        /* As the host makes it. */
        g_assert_cmpint(omp_elapsed_from_realtime(usec, OMP_RESOLUTION_1MS, OMP_SOURCE_NTP, 8, &made), ==, 0);
        ASSERT_ENCODES(omp_clock_write_encode, &made, OMP_ELAPSED_SIZE, WRITE);
}

static void all_resolutions(void) {
        static const struct {
                OmpResolution resolution;
                uint32_t unit_usec;
                const char *hex;
        } some[] = {
                { OMP_RESOLUTION_1S, 1000000, "32 29 a7 1c 32 00 00 01 f4" },
                { OMP_RESOLUTION_100MS, 100000, "36 9c 87 1e f5 01 00 01 f4" },
                { OMP_RESOLUTION_1MS, 1000, "3a ff f8 ec bf c3 00 01 f4" },
                { OMP_RESOLUTION_100US, 100, "3e f6 b9 41 7f a5 07 01 f4" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
                const uint64_t usec = READ_USEC + 1215000; /* what the resolution cannot say is cut */
                uint64_t turned;
                OmpElapsed elapsed;
                Value v;

                g_assert_cmpuint(omp_resolution_usec(some[i].resolution), ==, some[i].unit_usec);
                g_assert_cmpint(omp_elapsed_from_realtime(usec, some[i].resolution, OMP_SOURCE_NTP, -12, &elapsed), ==, 0);
                g_assert_cmpint(omp_elapsed_resolution(&elapsed), ==, some[i].resolution);
                g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &turned), ==, 0);
                g_assert_cmpuint(turned, ==, usec / some[i].unit_usec * some[i].unit_usec);
                g_assert_cmpint(elapsed.offset_quarters, ==, -12);

                v = value_from_hex(some[i].hex);
                g_assert_cmpint(write_to_device(&v, &elapsed), ==, 0);
                ASSERT_ENCODES(omp_clock_write_encode, &elapsed, OMP_ELAPSED_SIZE, some[i].hex);
        }
}

static void clock_unset(void) {
        static const char hex[] = "4e 61 bc 00 0d 4e 61 bc 00 00 00 07 00";
        OmpClock made = { .tick = 12345678, .elapsed = omp_elapsed_unset(12345678) }, clock;
        Value v = value_from_hex(hex);
        uint64_t usec = 1;

        ASSERT_ENCODES(omp_clock_encode, &made, OMP_CLOCK_SIZE, hex);
        g_assert_cmpint(DECODE(omp_clock_decode, &v, &clock), ==, 0);
        g_assert_cmphex(clock.elapsed.flags & OMP_ELAPSED_TICKS, ==, OMP_ELAPSED_TICKS);
        g_assert_cmpint(omp_elapsed_resolution(&clock.elapsed), ==, OMP_RESOLUTION_100US);
        g_assert_cmpuint(clock.elapsed.count, ==, clock.tick);
        g_assert_cmpuint(clock.elapsed.source, ==, OMP_SOURCE_NOT_SYNCHRONISED);
        g_assert_false(omp_elapsed_is_time(&clock.elapsed));
        g_assert_cmpint(omp_elapsed_to_realtime(&clock.elapsed, &usec), ==, -ENOENT);
        g_assert_cmpuint(usec, ==, 1);
}

static void what_is_no_time(void) {
        static const struct {
                uint8_t flags, source;
                bool time;
        } some[] = {
                { OMP_ELAPSED_UTC, OMP_SOURCE_NTP, true },
                { OMP_ELAPSED_UTC, OMP_SOURCE_UNKNOWN, true },
                { OMP_ELAPSED_UTC, 99, true },
                { OMP_ELAPSED_UTC, OMP_SOURCE_NOT_SYNCHRONISED, false },
                { OMP_ELAPSED_UTC | OMP_ELAPSED_TICKS, OMP_SOURCE_NTP, false },
                { 0, OMP_SOURCE_NTP, false },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
                OmpElapsed elapsed = { .flags = some[i].flags, .count = 5, .source = some[i].source };
                uint64_t usec;

                g_assert_cmpint(omp_elapsed_is_time(&elapsed), ==, some[i].time);
                g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, some[i].time ? 0 : -ENOENT);
        }
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(READ);
                OmpClock clock;
                uint8_t buf[OMP_CLOCK_SIZE];

                v.octets[4] = (uint8_t) flags;
                g_assert_cmpint(DECODE(omp_clock_decode, &v, &clock), ==, 0);
                g_assert_cmphex(clock.elapsed.flags, ==, flags);
                g_assert_cmpuint(omp_elapsed_resolution(&clock.elapsed), ==, flags >> 2 & 3);

                v.octets[4] &= 0x3f; /* b6–7: "Reserved bits: send 0" */
                g_assert_cmpint(omp_clock_encode(&clock, buf, sizeof(buf)), ==, OMP_CLOCK_SIZE);
                g_assert_cmpmem(buf, sizeof(buf), v.octets, v.size);
        }
}

static void times_that_cannot_be(void) {
        const uint64_t y2000 = OMP_EPOCH_2000_SEC * 1000000, end = (OMP_EPOCH_2000_SEC + OMP_CLOCK_SECONDS_MAX + 1) * 1000000;
        OmpElapsed elapsed = { .flags = OMP_ELAPSED_UTC, .count = OMP_CLOCK_SECONDS_MAX, .source = OMP_SOURCE_GPS };
        uint64_t usec;

        g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, 0);
        g_assert_cmpuint(usec, ==, end - 1000000);
        elapsed.count++;
        g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, -ERANGE);
        elapsed.count = OMP_ELAPSED_COUNT_MAX;
        g_assert_cmpint(omp_elapsed_to_realtime(&elapsed, &usec), ==, -ERANGE);

        g_assert_cmpint(omp_elapsed_from_realtime(y2000 - 1, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 0, &elapsed), ==, -ERANGE);
        g_assert_cmpint(omp_elapsed_from_realtime(y2000, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 0, &elapsed), ==, 0);
        g_assert_cmpuint(elapsed.count, ==, 0);
        g_assert_cmpint(omp_elapsed_from_realtime(end - 1, OMP_RESOLUTION_100US, OMP_SOURCE_NTP, 0, &elapsed), ==, 0);
        g_assert_cmpint(omp_elapsed_from_realtime(end, OMP_RESOLUTION_100US, OMP_SOURCE_NTP, 0, &elapsed), ==, -ERANGE);
}

/* "Refusals: wrong length, tick counter or not UTC 0x83; source 0 or 7 0x82; zero or beyond range 0xFF." */
static void device_refuses(void) {
        static const struct {
                const char *hex;
                int error;
        } some[] = {
                { WRITE, 0 },
                { "3a 3a f5 ec bf c3 00 01 08 00", OMP_ATT_CLOCK_FORMAT },
                { "3a 3a f5 ec bf c3 00 01", OMP_ATT_CLOCK_FORMAT },
                { "", OMP_ATT_CLOCK_FORMAT },
                { "3b 3a f5 ec bf c3 00 01 08", OMP_ATT_CLOCK_FORMAT },
                { "38 3a f5 ec bf c3 00 01 08", OMP_ATT_CLOCK_FORMAT },
                { "0d 4e 61 bc 00 00 00 07 00", OMP_ATT_CLOCK_FORMAT }, /* its own unset clock */
                { "3a 3a f5 ec bf c3 00 00 08", OMP_ATT_CLOCK_SOURCE },
                { "3a 3a f5 ec bf c3 00 07 08", OMP_ATT_CLOCK_SOURCE },
                { "3a 3a f5 ec bf c3 00 03 08", 0 },
                { "32 00 00 00 00 00 00 01 08", OMP_ATT_RANGE },
                { "32 ff ff ff ff 00 00 01 08", 0 },
                { "32 00 00 00 00 01 00 01 08", OMP_ATT_RANGE },
                { "3e ff ff ff ff ff ff 01 08", OMP_ATT_RANGE },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
                g_test_message("%s", some[i].hex);
                g_assert_cmphex(write_hex(some[i].hex), ==, some[i].error);
        }
        g_assert_cmphex(OMP_ATT_CLOCK_SOURCE, ==, 0x82);
        g_assert_cmphex(OMP_ATT_CLOCK_FORMAT, ==, 0x83);
        g_assert_cmphex(OMP_ATT_RANGE, ==, 0xff);
}

static void host_does_not_write_what_is_refused(void) {
        uint8_t buf[OMP_ELAPSED_SIZE];
        OmpElapsed unset = omp_elapsed_unset(5);
        OmpElapsed zero = { .flags = OMP_ELAPSED_UTC, .source = OMP_SOURCE_NTP };
        OmpElapsed beyond = { .flags = OMP_ELAPSED_UTC | OMP_ELAPSED_RESOLUTION, .source = OMP_SOURCE_NTP,
                              .count = OMP_ELAPSED_COUNT_MAX + 1 + 77 };
        OmpClock clock = { .elapsed = beyond };
        uint8_t value[OMP_CLOCK_SIZE];

        g_assert_cmpint(omp_clock_write_encode(&unset, buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(omp_clock_write_encode(&zero, buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(omp_clock_write_encode(&beyond, buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(omp_clock_encode(&clock, value, sizeof(value)), ==, -EINVAL);
        clock.elapsed.count = OMP_ELAPSED_COUNT_MAX + 1;
        g_assert_cmpint(omp_clock_encode(&clock, value, sizeof(value)), ==, -EINVAL);
        clock.elapsed.count = OMP_ELAPSED_COUNT_MAX; /* what a device's clock shows has no other limit */
        g_assert_cmpint(omp_clock_encode(&clock, value, sizeof(value)), ==, OMP_CLOCK_SIZE);
}

static void lengths(void) {
        Value v = { .size = 513 };

        check_short(try_decode, READ);
        check_zero_length(decode_raw);
        check_appended(try_decode, READ, false);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
}

static void encoders_need_the_room(void) {
        OmpClock clock = { .elapsed = { .flags = OMP_ELAPSED_UTC, .count = 1, .source = OMP_SOURCE_NTP } };

        for (size_t size = 0; size <= OMP_CLOCK_SIZE; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_clock_encode(&clock, exact, size), ==, size < 13 ? -EMSGSIZE : 13);
                g_assert_cmpint(omp_clock_write_encode(&clock.elapsed, exact, size), ==, size < 9 ? -EMSGSIZE : 9);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/clock/1.8/read", vector_read);
        g_test_add_func("/clock/1.8/write", vector_write);
        g_test_add_func("/clock/1.8/all-resolutions", all_resolutions);
        g_test_add_func("/clock/1.12/clock-unset", clock_unset);
        g_test_add_func("/clock/what-is-no-time", what_is_no_time);
        g_test_add_func("/clock/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/clock/times-that-cannot-be", times_that_cannot_be);
        g_test_add_func("/clock/1.8/refusals", device_refuses);
        g_test_add_func("/clock/1.8/host-does-not-write-what-is-refused", host_does_not_write_what_is_refused);
        g_test_add_func("/clock/1.12/lengths", lengths);
        g_test_add_func("/clock/encoders-need-the-room", encoders_need_the_room);
        return g_test_run();
}
