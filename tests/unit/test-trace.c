/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-records.h"

/* 1.10 */
#define CHUNK "02 01 39 00 00 00 00 00 00 00 64 00 02 34 03 1e 05 74 00 89 03 de 05 75 00 fa 08"

DEFINE_TRY(try_decode, OmpTrace, omp_trace_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpTrace trace;

        return omp_trace_decode(data, size, &trace);
}

static void vector_record_57(void) {
        Value v = value_from_hex(CHUNK);
        OmpTrace trace;

        g_assert_cmpuint(v.size, ==, OMP_TRACE_SIZE(2));
        g_assert_cmpint(DECODE(omp_trace_decode, &v, &trace), ==, 0);
        g_assert_true(trace.last);
        g_assert_cmpuint(trace.record, ==, 57);
        g_assert_cmpuint(trace.first_entry, ==, 0);
        g_assert_cmpuint(trace.period_10ms, ==, 100); /* 1 s */
        g_assert_cmpuint(trace.n, ==, 2);
        g_assert_cmpint(trace.entries[0].force_mean_mn, ==, 820);
        g_assert_cmpint(trace.entries[0].force_peak_mn, ==, 1310);
        g_assert_cmpuint(trace.entries[0].strokes, ==, 116);
        g_assert_cmpint(trace.entries[1].force_mean_mn, ==, 905);
        g_assert_cmpint(trace.entries[1].force_peak_mn, ==, 1502);
        g_assert_cmpuint(trace.entries[1].strokes, ==, 117);
        ASSERT_ENCODES(omp_trace_encode, &trace, v.size, CHUNK);
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(CHUNK);
                OmpTrace trace;
                uint8_t buf[OMP_TRACE_SIZE(2)];

                v.octets[1] = (uint8_t) flags;
                value_seal(&v);
                g_assert_cmpint(DECODE(omp_trace_decode, &v, &trace), ==, 0);
                g_assert_cmpint(trace.last, ==, flags & 1);

                v.octets[1] &= 1;
                value_seal(&v);
                g_assert_cmpint(omp_trace_encode(&trace, buf, sizeof(buf)), ==, (int) v.size);
                g_assert_cmpmem(buf, sizeof(buf), v.octets, v.size);
        }
}

/* The longest chunk is longer than a value, and its forces are what they are. */
static void full_chunk(void) {
        g_autofree OmpTrace *trace = g_new0(OmpTrace, 1), *got = g_new0(OmpTrace, 1);
        g_autofree uint8_t *buf = g_malloc(OMP_TRACE_SIZE(255));

        *trace = (OmpTrace) { .record = 0xfffffffe, .first_entry = 0x01020304, .period_10ms = 65535, .n = 255 };
        for (unsigned i = 0; i < 255; i++)
                trace->entries[i] = (OmpTraceEntry) { OMP_FORCE_UNKNOWN, (int16_t) (127 - (int) i), (uint16_t) (65535 - i) };
        g_assert_cmpint(omp_trace_encode(trace, buf, OMP_TRACE_SIZE(255) - 1), ==, -EMSGSIZE);
        g_assert_cmpint(omp_trace_encode(trace, buf, OMP_TRACE_SIZE(255)), ==, 1545);
        g_assert_cmpint(omp_trace_decode(buf, 1545, got), ==, 0);
        g_assert_false(got->last);
        g_assert_cmphex(got->record, ==, 0xfffffffe);
        g_assert_cmphex(got->first_entry, ==, 0x01020304);
        g_assert_cmpuint(got->period_10ms, ==, 65535);
        g_assert_cmpuint(got->n, ==, 255);
        for (unsigned i = 0; i < 255; i++) {
                g_assert_cmpint(got->entries[i].force_mean_mn, ==, OMP_FORCE_UNKNOWN);
                g_assert_cmpint(got->entries[i].force_peak_mn, ==, 127 - (int) i);
                g_assert_cmpuint(got->entries[i].strokes, ==, 65535 - i);
        }
}

/* "n larger than the length holds" */
static void n_larger_than_the_length_holds(void) {
        for (unsigned n = 3; n < 256; n++) {
                Value v = value_from_hex(CHUNK);

                v.octets[12] = (uint8_t) n;
                value_seal(&v);
                g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
        }
}

static void n_smaller_leaves_octets_ignored(void) {
        Value v = value_from_hex(CHUNK);
        OmpTrace trace;

        v.octets[12] = 1;
        value_seal(&v);
        g_assert_cmpint(DECODE(omp_trace_decode, &v, &trace), ==, 0);
        g_assert_cmpuint(trace.n, ==, 1);
        g_assert_cmpint(trace.entries[0].force_peak_mn, ==, 1310);
}

/* A chunk of nothing says at least that there is no more. */
static void n_0_in_a_last_chunk_only(void) {
        Value v = value_from_hex("02 01 39 00 00 00 02 00 00 00 64 00 00 00 00");
        OmpTrace trace, none = { .n = 0 };
        uint8_t buf[OMP_TRACE_SIZE(0)];

        value_seal(&v);
        g_assert_cmpint(DECODE(omp_trace_decode, &v, &trace), ==, 0);
        g_assert_true(trace.last);
        g_assert_cmpuint(trace.n, ==, 0);
        g_assert_cmpuint(trace.first_entry, ==, 2);
        g_assert_cmpint(omp_trace_encode(&trace, buf, sizeof(buf)), ==, (int) v.size);
        g_assert_cmpmem(buf, sizeof(buf), v.octets, v.size);

        v.octets[1] = 0;
        value_seal(&v);
        g_assert_cmpint(try_decode(&v), ==, -EPROTO);
        g_assert_cmpint(omp_trace_encode(&none, buf, sizeof(buf)), ==, -EINVAL);
}

static void crc_always(void) {
        check_bad_crc(try_decode, CHUNK, 0, 0);
        check_crc_is_last(try_decode, CHUNK);
}

static void lengths(void) {
        Value v = value_from_hex(CHUNK);

        check_short(try_decode, CHUNK);
        check_zero_length(decode_raw);
        for (size_t n = 1; n < 500; n++) {
                Value longer = v;

                value_append(&longer, n, true);
                g_assert_cmpint(try_decode(&longer), ==, 0);
        }
}

static void another_type(void) {
        Value v = value_from_hex(CHUNK);

        v.octets[0] = 3;
        value_seal(&v);
        g_assert_cmpint(try_decode(&v), ==, -EPROTO);
}

static void encoder_needs_the_room(void) {
        OmpTrace trace = { .n = 2 };

        for (size_t size = 0; size <= OMP_TRACE_SIZE(2); size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_trace_encode(&trace, exact, size), ==, size < 27 ? -EMSGSIZE : 27);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/trace/1.10/record-57", vector_record_57);
        g_test_add_func("/trace/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/trace/full-chunk", full_chunk);
        g_test_add_func("/trace/1.12/n-larger-than-the-length-holds", n_larger_than_the_length_holds);
        g_test_add_func("/trace/n-smaller-leaves-octets-ignored", n_smaller_leaves_octets_ignored);
        g_test_add_func("/trace/1.12/n-0-in-a-last-chunk-only", n_0_in_a_last_chunk_only);
        g_test_add_func("/trace/1.10/crc-always", crc_always);
        g_test_add_func("/trace/1.12/lengths", lengths);
        g_test_add_func("/trace/another-type", another_type);
        g_test_add_func("/trace/encoder-needs-the-room", encoder_needs_the_room);
        return g_test_run();
}
