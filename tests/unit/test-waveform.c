/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

/* 1.5 */
#define PLAIN "10 0a 4e 61 bc 00 e8 03 00 05 00 00 78 00 80 02 82 05 98 05"
#define SEALED "11 0a 80 61 bc 00 e8 03 80 03 d4 03 9a 01 f1 ff 74 bd"

DEFINE_TRY(try_decode, OmpWaveform, omp_waveform_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpWaveform waveform;

        return omp_waveform_decode(data, size, &waveform);
}

static void decode_hex(const char *hex, OmpWaveform *ret) {
        Value v = value_from_hex(hex);

        g_assert_cmpint(DECODE(omp_waveform_decode, &v, ret), ==, 0);
}

static void assert_samples(const OmpWaveform *waveform, size_t n, const int16_t *expected) {
        g_assert_cmpuint(waveform->n, ==, n);
        for (size_t i = 0; i < n; i++)
                g_assert_cmpint(waveform->samples[i], ==, expected[i]);
}

static void vector_plain(void) {
        OmpWaveform waveform;

        decode_hex(PLAIN, &waveform);
        g_assert_cmpuint(waveform.sequence, ==, 2576);
        g_assert_cmpuint(waveform.tick, ==, 12345678);
        g_assert_cmpuint(waveform.period_usec, ==, 1000);
        g_assert_cmpuint(waveform.encoding, ==, OMP_ENCODING_MN);
        g_assert_cmpuint(waveform.channel, ==, 0);
        g_assert_false(waveform.lost_before);
        g_assert_false(waveform.crc);
        assert_samples(&waveform, 5, (const int16_t[]) { 0, 120, 640, 1410, 1432 });
        ASSERT_ENCODES(omp_waveform_encode, &waveform, 20, PLAIN);
}

static void vector_sealed(void) {
        OmpWaveform waveform;

        decode_hex(SEALED, &waveform);
        g_assert_cmpuint(waveform.sequence, ==, 2577);
        g_assert_cmpuint(waveform.tick, ==, 12345678 + 50);
        g_assert_cmpuint(waveform.period_usec, ==, 1000);
        g_assert_cmpuint(waveform.encoding, ==, OMP_ENCODING_MN);
        g_assert_cmpuint(waveform.channel, ==, 0);
        g_assert_false(waveform.lost_before);
        g_assert_true(waveform.crc);
        assert_samples(&waveform, 3, (const int16_t[]) { 980, 410, -15 });
        ASSERT_ENCODES(omp_waveform_encode, &waveform, 18, SEALED);
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(PLAIN " 00 00");
                OmpWaveform waveform;
                uint8_t buf[22];

                v.octets[8] = (uint8_t) flags;
                if (flags & 0x80)
                        value_seal(&v);
                else
                        v.size = 20;
                g_assert_cmpint(DECODE(omp_waveform_decode, &v, &waveform), ==, 0);
                g_assert_cmpuint(waveform.encoding, ==, flags & 15);
                g_assert_cmpuint(waveform.channel, ==, flags >> 4 & 3);
                g_assert_cmpint(waveform.lost_before, ==, !!(flags & 0x40));
                g_assert_cmpint(waveform.crc, ==, !!(flags & 0x80));
                g_assert_cmpuint(waveform.n, ==, 5);
                g_assert_cmpint(omp_waveform_encode(&waveform, buf, sizeof(buf)), ==, (int) v.size);
                g_assert_cmpmem(buf, v.size, v.octets, v.size);
        }
}

static void no_samples(void) {
        Value plain = value_from_hex("10 0a 4e 61 bc 00 e8 03 00 00");
        Value sealed = value_from_hex("10 0a 4e 61 bc 00 e8 03 80 00 00 00");
        Value more = plain;

        g_assert_cmpint(try_decode(&plain), ==, -EPROTO);
        value_append(&more, 10, false);
        g_assert_cmpint(try_decode(&more), ==, -EPROTO);
        /* What the radio broke is not the device's fault. */
        g_assert_cmpint(try_decode(&sealed), ==, -EBADMSG);
        value_seal(&sealed);
        g_assert_cmpint(try_decode(&sealed), ==, -EPROTO);
        sealed.size--;
        g_assert_cmpint(try_decode(&sealed), ==, -EMSGSIZE);
}

static void more_samples_than_the_length_holds(void) {
        for (unsigned n = 1; n < 256; n++) {
                Value plain = value_from_hex(PLAIN), sealed = value_from_hex(SEALED);

                plain.octets[9] = (uint8_t) n;
                g_assert_cmpint(try_decode(&plain), ==, n <= 5 ? 0 : -EMSGSIZE);
                sealed.octets[9] = (uint8_t) n;
                value_seal(&sealed);
                g_assert_cmpint(try_decode(&sealed), ==, n <= 3 ? 0 : -EMSGSIZE);
        }
}

/* The longest value holds 251: an n beyond the struct cannot come with the octets for it. */
static void more_samples_than_a_value_holds(void) {
        for (unsigned n = 251; n < 256; n++) {
                Value v = value_from_hex("10 0a 4e 61 bc 00 e8 03 00 ff");

                v.octets[9] = (uint8_t) n;
                v.size = 512;
                g_assert_cmpint(try_decode(&v), ==, n == 251 ? 0 : -EMSGSIZE);
                v.size = 10 + 2 * n;
                g_assert_cmpint(try_decode(&v), ==, n == 251 ? 0 : -EMSGSIZE);
        }
}

/* "Octets between the samples and the CRC belong to a later minor version and are ignored." */
static void octets_after_the_samples_ignored(void) {
        Value v = value_from_hex(SEALED);
        OmpWaveform waveform;

        check_appended(try_decode, PLAIN, false);
        check_appended(try_decode, SEALED, true);

        value_append(&v, 7, true);
        g_assert_cmpint(DECODE(omp_waveform_decode, &v, &waveform), ==, 0);
        assert_samples(&waveform, 3, (const int16_t[]) { 980, 410, -15 });
        ASSERT_ENCODES(omp_waveform_encode, &waveform, 512, SEALED);
}

static void force_not_available_and_saturated(void) {
        static const char hex[] = "00 00 00 00 00 00 e8 03 00 03 00 80 ff 7f 01 80";
        OmpWaveform waveform;

        decode_hex(hex, &waveform);
        assert_samples(&waveform, 3, (const int16_t[]) { OMP_FORCE_UNKNOWN, 32767, -32767 });
        ASSERT_ENCODES(omp_waveform_encode, &waveform, 16, hex);
}

static void bad_crc(void) {
        check_bad_crc(try_decode, SEALED, 8, 0x80);
        check_crc_is_last(try_decode, SEALED);
}

static void lengths(void) {
        Value v = { .size = 513, .octets = { [9] = 1 } };

        check_short(try_decode, PLAIN);
        check_short(try_decode, SEALED);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
        v.size = 512;
        g_assert_cmpint(try_decode(&v), ==, 0);
}

static void capacities(void) {
        g_assert_cmpuint(omp_waveform_capacity(23 - 3, false), ==, 5);
        g_assert_cmpuint(omp_waveform_capacity(23 - 3, true), ==, 4);
        g_assert_cmpuint(omp_waveform_capacity(247 - 3, false), ==, 117);
        g_assert_cmpuint(omp_waveform_capacity(247 - 3, true), ==, 116);
        g_assert_cmpuint(omp_waveform_capacity(515 - 3, false), ==, 251);
        g_assert_cmpuint(omp_waveform_capacity(515 - 3, true), ==, 250);
        g_assert_cmpuint(omp_waveform_capacity(517 - 3, false), ==, 251);
        g_assert_cmpuint(omp_waveform_capacity(517 - 3, true), ==, 250);
        g_assert_cmpuint(omp_waveform_capacity(SIZE_MAX, false), ==, OMP_WAVEFORM_SAMPLES_MAX);
}

/* What the capacity says fits, and one more does not: no sample is ever left out. */
static void capacity_is_what_fits(void) {
        OmpWaveform waveform = { .period_usec = 1000 };

        for (unsigned crc = 0; crc < 2; crc++)
                for (size_t size = 0; size <= 520; size++) {
                        unsigned n = omp_waveform_capacity(size, crc);
                        g_autofree uint8_t *buf = g_malloc(size);

                        waveform.crc = crc;
                        waveform.n = (uint8_t) (n + 1);
                        g_assert_cmpint(omp_waveform_encode(&waveform, buf, size), ==,
                                        n == OMP_WAVEFORM_SAMPLES_MAX ? -EINVAL : -EMSGSIZE);
                        if (n == 0)
                                continue;
                        waveform.n = (uint8_t) n;
                        g_assert_cmpint(omp_waveform_encode(&waveform, buf, size), ==,
                                        (int) (10 + 2 * n + 2 * crc));
                }
}

static void full_packets_round_trip(void) {
        OmpWaveform in = { .sequence = 65535, .tick = UINT32_MAX, .period_usec = 65535, .channel = 1 }, out;

        for (size_t i = 0; i < OMP_WAVEFORM_SAMPLES_MAX; i++)
                in.samples[i] = (int16_t) (i * 259 - 32768);
        for (unsigned crc = 0; crc < 2; crc++) {
                Value v = { .size = TEST_VALUE_MAX };
                int r;

                in.crc = crc;
                in.n = (uint8_t) (251 - crc);
                r = omp_waveform_encode(&in, v.octets, v.size);
                g_assert_cmpint(r, ==, 512);
                v.size = (size_t) r;
                g_assert_cmpint(DECODE(omp_waveform_decode, &v, &out), ==, 0);
                g_assert_cmpuint(out.sequence, ==, 65535);
                g_assert_cmpuint(out.tick, ==, UINT32_MAX);
                g_assert_cmpuint(out.period_usec, ==, 65535);
                g_assert_cmpuint(out.channel, ==, 1);
                assert_samples(&out, in.n, in.samples);
        }
}

static void encoder_refuses(void) {
        OmpWaveform good, bad;
        uint8_t buf[512];

        decode_hex(PLAIN, &good);
        for (size_t size = 0; size < 20; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_waveform_encode(&good, exact, size), ==, -EMSGSIZE);
        }

        bad = good;
        bad.n = 0;
        g_assert_cmpint(omp_waveform_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);
        bad.n = OMP_WAVEFORM_SAMPLES_MAX + 1;
        g_assert_cmpint(omp_waveform_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);
        bad = good;
        bad.encoding = 16;
        g_assert_cmpint(omp_waveform_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);
        bad = good;
        bad.channel = 4;
        g_assert_cmpint(omp_waveform_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/waveform/1.5/plain", vector_plain);
        g_test_add_func("/waveform/1.5/sealed", vector_sealed);
        g_test_add_func("/waveform/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/waveform/1.12/no-samples", no_samples);
        g_test_add_func("/waveform/1.12/more-samples-than-the-length-holds",
                        more_samples_than_the_length_holds);
        g_test_add_func("/waveform/1.12/more-samples-than-a-value-holds", more_samples_than_a_value_holds);
        g_test_add_func("/waveform/1.5/octets-after-the-samples-ignored", octets_after_the_samples_ignored);
        g_test_add_func("/waveform/1.1/force-not-available-and-saturated",
                        force_not_available_and_saturated);
        g_test_add_func("/waveform/1.1/crc/bad", bad_crc);
        g_test_add_func("/waveform/1.12/lengths", lengths);
        g_test_add_func("/waveform/1.5/capacities", capacities);
        g_test_add_func("/waveform/1.1/size/capacity-is-what-fits", capacity_is_what_fits);
        g_test_add_func("/waveform/1.5/full-packets-round-trip", full_packets_round_trip);
        g_test_add_func("/waveform/encoder-refuses", encoder_refuses);
        return g_test_run();
}
