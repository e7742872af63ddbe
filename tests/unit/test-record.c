/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-records.h"

/* 1.10 */
#define RECORD "01 09 39 00 00 00 32 28 a7 1c 32 00 00 01 08 64 02 e8 01 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 " \
               "03 00 18 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 50 90"

DEFINE_TRY(try_decode, OmpRecord, omp_record_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpRecord record;

        return omp_record_decode(data, size, &record);
}

static void vector_session_57(void) {
        Value v = value_from_hex(RECORD);
        OmpRecord record;
        uint64_t usec;

        g_assert_cmpuint(v.size, ==, OMP_RECORD_SIZE);
        g_assert_cmpint(DECODE(omp_record_decode, &v, &record), ==, 0);
        g_assert_cmphex(record.flags, ==, OMP_RECORD_SYNCED | OMP_RECORD_TRACE);
        g_assert_cmpuint(record.number, ==, 57);
        g_assert_cmpint(omp_elapsed_to_realtime(&record.start, &usec), ==, 0);
        g_assert_cmpuint(usec, ==, UINT64_C(1787423400000000));
        g_assert_cmpint(record.start.offset_quarters, ==, 8);
        g_assert_cmpuint(record.duration_sec, ==, 612);
        g_assert_cmpuint(record.contact_sec, ==, 488);
        g_assert_cmpuint(record.strokes, ==, 56527);
        g_assert_cmpuint(record.passes, ==, 37);
        g_assert_cmpuint(record.distance_mm, ==, 0);
        g_assert_cmpint(record.force_mean_mn, ==, 910);
        g_assert_cmpint(record.force_p95_mn, ==, 2140);
        g_assert_cmpint(record.force_peak_mn, ==, 5210);
        g_assert_cmpuint(record.over_count, ==, 3);
        g_assert_cmpuint(record.over_100ms, ==, 24);
        g_assert_cmpuint(record.depth_um, ==, 500);
        g_assert_cmpuint(record.depth_max_um, ==, 750);
        g_assert_cmpuint(record.rate_per_min, ==, 6950);
        g_assert_cmpuint(record.area, ==, 3);
        g_assert_cmphex(record.cartridge_id, ==, 0xc0ffee);
        g_assert_cmpuint(record.cartridge_uses, ==, 1);
        g_assert_cmpuint(record.battery_start, ==, 88);
        g_assert_cmpuint(record.battery_end, ==, 81);
        ASSERT_ENCODES(omp_record_encode, &record, OMP_RECORD_SIZE, RECORD);
}

/* Every octet of every field on its own place, there and back. */
static void every_field_full(void) {
        Value v = value_from_hex(RECORD);
        OmpRecord record;
        uint8_t buf[OMP_RECORD_SIZE];

        for (size_t i = 2; i < v.size - 2; i++)
                v.octets[i] = (uint8_t) (0x80 + i);
        v.octets[6] &= 0x3f;
        value_seal(&v);
        g_assert_cmpint(DECODE(omp_record_decode, &v, &record), ==, 0);
        g_assert_cmpint(record.force_mean_mn, ==, (int16_t) 0x9e9d);
        g_assert_cmphex(record.distance_mm, ==, 0x9c9b9a99);
        g_assert_cmpint(omp_record_encode(&record, buf, sizeof(buf)), ==, OMP_RECORD_SIZE);
        g_assert_cmpmem(buf, sizeof(buf), v.octets, v.size);
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(RECORD);
                OmpRecord record;
                uint8_t buf[OMP_RECORD_SIZE];

                v.octets[1] = (uint8_t) flags;
                value_seal(&v);
                g_assert_cmpint(DECODE(omp_record_decode, &v, &record), ==, 0);
                g_assert_cmphex(record.flags, ==, flags);

                v.octets[1] &= 0x1f; /* b5–7: "Reserved bits: send 0" */
                value_seal(&v);
                g_assert_cmpint(omp_record_encode(&record, buf, sizeof(buf)), ==, OMP_RECORD_SIZE);
                g_assert_cmpmem(buf, sizeof(buf), v.octets, v.size);
        }
}

static void clock_unset_and_no_force(void) {
        OmpRecord record = {
                .number = 1, .start = omp_elapsed_unset(12345678),
                .force_mean_mn = OMP_FORCE_UNKNOWN, .force_p95_mn = OMP_FORCE_UNKNOWN, .force_peak_mn = OMP_FORCE_UNKNOWN,
        };
        OmpRecord got;
        Value v = { .size = OMP_RECORD_SIZE };
        uint64_t usec;

        g_assert_cmpint(omp_record_encode(&record, v.octets, v.size), ==, OMP_RECORD_SIZE);
        g_assert_cmphex(v.octets[29] | v.octets[30] << 8, ==, 0x8000);
        g_assert_cmpint(DECODE(omp_record_decode, &v, &got), ==, 0);
        g_assert_cmphex(got.flags & OMP_RECORD_SYNCED, ==, 0);
        g_assert_cmpint(omp_elapsed_to_realtime(&got.start, &usec), ==, -ENOENT);
        g_assert_cmpint(got.force_peak_mn, ==, OMP_FORCE_UNKNOWN);
}

static void crc_always(void) {
        check_bad_crc(try_decode, RECORD, 0, 0);
        check_crc_is_last(try_decode, RECORD);
}

static void lengths(void) {
        check_short(try_decode, RECORD);
        check_zero_length(decode_raw);
}

/* A body may be longer than a value: up to 4096 octets, and not one more. */
static void appended_octets_ignored(void) {
        Value record = value_from_hex(RECORD);

        for (size_t size = OMP_RECORD_SIZE; size <= OMP_BODY_MAX + 1; size += size < 600 ? 1 : 1 + (size < 4000) * 96) {
                g_autofree uint8_t *body = g_malloc0(size);
                OmpRecord got;
                uint16_t crc;

                memcpy(body, record.octets, OMP_RECORD_SIZE - 2);
                crc = omp_crc16(body, size - 2);
                body[size - 2] = (uint8_t) crc;
                body[size - 1] = (uint8_t) (crc >> 8);
                g_assert_cmpint(omp_record_decode(body, size, &got), ==, size <= OMP_BODY_MAX ? 0 : -EMSGSIZE);
        }
}

static void another_type(void) {
        Value v = value_from_hex(RECORD);

        v.octets[0] = OMP_BODY_TRACE;
        g_assert_cmpint(try_decode(&v), ==, -EBADMSG);
        value_seal(&v);
        g_assert_cmpint(try_decode(&v), ==, -EPROTO);
}

static void encoder_refuses(void) {
        OmpRecord record = {};

        for (size_t size = 0; size <= OMP_RECORD_SIZE; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_record_encode(&record, exact, size), ==, size < 56 ? -EMSGSIZE : 56);
                record.start.count = OMP_ELAPSED_COUNT_MAX + 1;
                g_assert_cmpint(omp_record_encode(&record, exact, size), ==, -EINVAL);
                record.start.count = 0;
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/record/1.10/session-57", vector_session_57);
        g_test_add_func("/record/every-field-full", every_field_full);
        g_test_add_func("/record/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/record/1.12/clock-unset-and-no-force", clock_unset_and_no_force);
        g_test_add_func("/record/1.10/crc-always", crc_always);
        g_test_add_func("/record/1.12/lengths", lengths);
        g_test_add_func("/record/1.1/forward-compatibility/appended-octets-ignored", appended_octets_ignored);
        g_test_add_func("/record/another-type", another_type);
        g_test_add_func("/record/encoder-refuses", encoder_refuses);
        return g_test_run();
}
