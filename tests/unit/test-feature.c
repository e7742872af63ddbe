/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

/* 1.3 */
#define PEN "01 00 ff 0e 0a 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 ff ff"
#define ROLLER "01 00 8d 3f 08 00 01 c0 00 30 75 00 00 c8 00 fa 00 32 00 3b cd"
#define PEN_2 "01 00 ff 7e 0b 00 03 10 00 20 4e ae 1e e8 03 c4 09 c8 00 73 9a"

#define PEN_BITS (0xffu | OMP_FEATURE_STORED_SESSIONS | OMP_FEATURE_CLOCK | OMP_FEATURE_FEEDBACK | \
                  OMP_FEATURE_AREA | OMP_FEATURE_CALIBRATED)

DEFINE_TRY(try_decode, OmpFeature, omp_feature_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpFeature feature;

        return omp_feature_decode(data, size, &feature);
}

static OmpFeature decode_hex(const char *hex) {
        Value v = value_from_hex(hex);
        OmpFeature feature;

        g_assert_cmpint(DECODE(omp_feature_decode, &v, &feature), ==, 0);
        return feature;
}

static void assert_pen(const OmpFeature *feature) {
        g_assert_cmpuint(feature->major, ==, 1);
        g_assert_cmpuint(feature->minor, ==, 0);
        g_assert_cmpuint(feature->kind, ==, OMP_KIND_PEN);
        g_assert_cmpuint(feature->needles, ==, 16);
        g_assert_cmpuint(feature->full_scale_mn, ==, 20000);
        g_assert_cmpuint(feature->area_centi_mm2, ==, 7854);
        g_assert_cmpuint(feature->sample_rate_hz, ==, 1000);
        g_assert_cmpuint(feature->max_depth_um, ==, 2500);
        g_assert_cmpuint(feature->capacity, ==, 200);
}

static void vector_pen(void) {
        OmpFeature feature = decode_hex(PEN);

        assert_pen(&feature);
        g_assert_cmphex(feature.bits, ==, PEN_BITS);
        ASSERT_ENCODES(omp_feature_encode, &feature, 21, PEN);
}

static void vector_roller(void) {
        OmpFeature feature = decode_hex(ROLLER);

        g_assert_cmpuint(feature.major, ==, 1);
        g_assert_cmpuint(feature.minor, ==, 0);
        g_assert_cmphex(feature.bits, ==, 0x83f8d);
        g_assert_cmpuint(feature.kind, ==, OMP_KIND_ROLLER);
        g_assert_cmpuint(feature.needles, ==, 192);
        g_assert_cmpuint(feature.full_scale_mn, ==, 30000);
        g_assert_cmpuint(feature.area_centi_mm2, ==, 0);
        g_assert_cmpuint(feature.sample_rate_hz, ==, 200);
        g_assert_cmpuint(feature.max_depth_um, ==, 250);
        g_assert_cmpuint(feature.capacity, ==, 50);
        ASSERT_ENCODES(omp_feature_encode, &feature, 21, ROLLER);
}

static void vector_pen_2(void) {
        OmpFeature feature = decode_hex(PEN_2);

        assert_pen(&feature);
        g_assert_cmphex(feature.bits, ==, PEN_BITS | OMP_FEATURE_CARTRIDGE_ID | OMP_FEATURE_E2E_CRC |
                                          OMP_FEATURE_TRACE | OMP_FEATURE_PASSES);
        ASSERT_ENCODES(omp_feature_encode, &feature, 21, PEN_2);
}

static void appended_octets_ignored(void) {
        Value plain = value_from_hex(PEN), sealed = value_from_hex(PEN_2);
        OmpFeature feature;

        check_appended(try_decode, PEN, false);
        check_appended(try_decode, PEN_2, true);

        plain.octets[1] = sealed.octets[1] = 7; /* minor */
        value_append(&plain, 5, false);
        value_append(&sealed, 5, true);
        g_assert_cmpint(DECODE(omp_feature_decode, &plain, &feature), ==, 0);
        g_assert_cmpuint(feature.minor, ==, 7);
        g_assert_cmpuint(feature.capacity, ==, 200);
        g_assert_cmpint(DECODE(omp_feature_decode, &sealed, &feature), ==, 0);
        g_assert_cmpuint(feature.minor, ==, 7);
        g_assert_cmpuint(feature.capacity, ==, 200);
}

static void reserved_bits_kept_and_sent_as_0(void) {
        Value v = value_from_hex(PEN);
        OmpFeature feature;

        v.octets[4] |= 0xe0; /* 21–23 */
        v.octets[5] = 0xff;
        g_assert_cmpint(DECODE(omp_feature_decode, &v, &feature), ==, 0);
        g_assert_cmphex(feature.bits, ==, PEN_BITS | 0xffe00000);
        ASSERT_ENCODES(omp_feature_encode, &feature, 21, PEN);
}

static void unknown_kind_kept(void) {
        Value v = value_from_hex(PEN);
        OmpFeature feature;
        uint8_t buf[21];

        v.octets[6] = 200;
        g_assert_cmpint(DECODE(omp_feature_decode, &v, &feature), ==, 0);
        g_assert_cmpuint(feature.kind, ==, 200);
        g_assert_cmpint(omp_feature_encode(&feature, buf, sizeof(buf)), ==, 21);
        g_assert_cmpmem(buf, 21, v.octets, v.size);
}

/* "In Feature the last two octets are the CRC, 0xFFFF with bit 13 clear": reserved then, and ignored on
 * receipt. */
static void without_bit_13_the_crc_is_ignored(void) {
        static const char *const last[] = { "00 00", "12 34", "73 9a" };
        OmpFeature feature;

        for (size_t i = 0; i < G_N_ELEMENTS(last); i++) {
                Value v = value_from_hex(PEN), tail = value_from_hex(last[i]);

                memcpy(v.octets + 19, tail.octets, 2);
                g_assert_cmpint(DECODE(omp_feature_decode, &v, &feature), ==, 0);
                assert_pen(&feature);
                ASSERT_ENCODES(omp_feature_encode, &feature, 21, PEN);
        }
}

static void with_bit_13_the_crc_is_checked(void) {
        Value v = value_from_hex(PEN_2);

        check_bad_crc(try_decode, PEN_2, 3, 0x20);
        check_bad_crc(try_decode, ROLLER, 3, 0x20);
        check_crc_is_last(try_decode, PEN_2);

        v.octets[19] = v.octets[20] = 0xff;
        g_assert_cmpint(try_decode(&v), ==, -EBADMSG);
}

static void unknown_major(void) {
        static const uint8_t majors[] = { 0, 2, 255 };

        for (size_t i = 0; i < G_N_ELEMENTS(majors); i++)
                for (size_t size = 2; size <= 512; size += 17) {
                        Value v = value_from_hex(PEN);
                        OmpFeature feature = { .needles = 1 };

                        v.octets[0] = majors[i];
                        v.octets[1] = 3;
                        v.size = size;
                        g_assert_cmpint(DECODE(omp_feature_decode, &v, &feature), ==, -EOPNOTSUPP);
                        g_assert_cmpuint(feature.major, ==, majors[i]);
                        g_assert_cmpuint(feature.minor, ==, 3);
                }
}

static void lengths(void) {
        Value v = { .size = 513, .octets = { 2 } };

        check_short(try_decode, PEN);
        check_short(try_decode, PEN_2);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE); /* whatever its major */
}

static void encoder_refuses(void) {
        OmpFeature good = decode_hex(PEN), sealed = decode_hex(PEN_2), bad;
        uint8_t buf[32];

        bad = good;
        bad.major = 2;
        g_assert_cmpint(omp_feature_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);

        bad = good;
        bad.full_scale_mn = 32767;
        g_assert_cmpint(omp_feature_encode(&bad, buf, sizeof(buf)), ==, 21);
        bad.full_scale_mn = 32768;
        g_assert_cmpint(omp_feature_encode(&bad, buf, sizeof(buf)), ==, -EINVAL);

        for (size_t size = 0; size < 21; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_feature_encode(&good, exact, size), ==, -EMSGSIZE);
                g_assert_cmpint(omp_feature_encode(&sealed, exact, size), ==, -EMSGSIZE);
        }
}

static void kind_names(void) {
        g_assert_cmpstr(omp_kind_name(OMP_KIND_UNKNOWN), ==, "unknown");
        g_assert_cmpstr(omp_kind_name(OMP_KIND_ROLLER), ==, "roller");
        g_assert_cmpstr(omp_kind_name(OMP_KIND_STAMP), ==, "stamp");
        g_assert_cmpstr(omp_kind_name(OMP_KIND_PEN), ==, "pen");
        g_assert_cmpstr(omp_kind_name(OMP_KIND_RF_PEN), ==, "rf-pen");
        g_assert_cmpstr(omp_kind_name(OMP_KIND_OTHER), ==, "other");
        g_assert_cmpstr(omp_kind_name((OmpKind) 6), ==, "other");
        g_assert_cmpstr(omp_kind_name((OmpKind) 255), ==, "other");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/feature/1.3/pen", vector_pen);
        g_test_add_func("/feature/1.3/roller", vector_roller);
        g_test_add_func("/feature/1.3/pen-2", vector_pen_2);
        g_test_add_func("/feature/1.1/forward-compatibility/appended-octets-ignored",
                        appended_octets_ignored);
        g_test_add_func("/feature/1.1/forward-compatibility/unknown-major", unknown_major);
        g_test_add_func("/feature/1.1/reserved-bits", reserved_bits_kept_and_sent_as_0);
        g_test_add_func("/feature/unknown-kind-kept", unknown_kind_kept);
        g_test_add_func("/feature/1.1/crc/ignored-without-bit-13", without_bit_13_the_crc_is_ignored);
        g_test_add_func("/feature/1.1/crc/checked-with-bit-13", with_bit_13_the_crc_is_checked);
        g_test_add_func("/feature/1.12/lengths", lengths);
        g_test_add_func("/feature/encoder-refuses", encoder_refuses);
        g_test_add_func("/feature/kind-names", kind_names);
        return g_test_run();
}
