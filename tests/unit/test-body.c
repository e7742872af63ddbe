/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-records.h"

#define RECORD "01 09 39 00 00 00 32 28 a7 1c 32 00 00 01 08 64 02 e8 01 cf dc 00 00 25 00 00 00 00 00 8e 03 5c 08 5a 14 " \
               "03 00 18 00 f4 01 ee 02 26 1b 03 ee ff c0 00 01 00 58 51 50 90"
#define CHUNK "02 01 39 00 00 00 00 00 00 00 64 00 02 34 03 1e 05 74 00 89 03 de 05 75 00 fa 08"

DEFINE_TRY(try_decode, OmpBody, omp_body_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpBody body;

        return omp_body_decode(data, size, &body);
}

static void by_its_type(void) {
        Value record = value_from_hex(RECORD), chunk = value_from_hex(CHUNK);
        OmpBody body;

        g_assert_cmpint(DECODE(omp_body_decode, &record, &body), ==, 0);
        g_assert_cmpuint(body.type, ==, OMP_BODY_RECORD);
        g_assert_cmpuint(body.record.number, ==, 57);

        g_assert_cmpint(DECODE(omp_body_decode, &chunk, &body), ==, 0);
        g_assert_cmpuint(body.type, ==, OMP_BODY_TRACE);
        g_assert_cmpuint(body.trace.n, ==, 2);
}

static void unknown_types_passed_on(void) {
        for (unsigned type = 0; type < 256; type++) {
                Value v = value_from_hex("00 11 22 00 00");
                OmpBody body;

                if (type == OMP_BODY_RECORD || type == OMP_BODY_TRACE)
                        continue;
                v.octets[0] = (uint8_t) type;
                value_seal(&v);
                g_assert_cmpint(DECODE(omp_body_decode, &v, &body), ==, 0);
                g_assert_cmpuint(body.type, ==, type);
        }
}

static void crc_whatever_the_type(void) {
        Value v = value_from_hex("63 11 22 00 00");
        g_autofree char *hex = NULL;

        check_bad_crc(try_decode, RECORD, 0, 0);
        check_bad_crc(try_decode, CHUNK, 0, 0);
        value_seal(&v);
        hex = g_strdup_printf("63 11 22 %02x %02x", v.octets[3], v.octets[4]);
        check_bad_crc(try_decode, hex, 0, 0);
}

static void lengths(void) {
        g_autofree uint8_t *longest = g_malloc0(OMP_BODY_MAX + 1);
        Value v = value_from_hex("63 00");
        OmpBody body;
        uint16_t crc;

        check_short(try_decode, RECORD);
        check_short(try_decode, CHUNK);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE); /* no room for a CRC */

        longest[0] = 0x63;
        crc = omp_crc16(longest, OMP_BODY_MAX - 2);
        longest[OMP_BODY_MAX - 2] = (uint8_t) crc;
        longest[OMP_BODY_MAX - 1] = (uint8_t) (crc >> 8);
        g_assert_cmpint(omp_body_decode(longest, OMP_BODY_MAX, &body), ==, 0);
        g_assert_cmpint(omp_body_decode(longest, OMP_BODY_MAX + 1, &body), ==, -EMSGSIZE);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/body/1.10/by-its-type", by_its_type);
        g_test_add_func("/body/1.1/forward-compatibility/unknown-types-passed-on", unknown_types_passed_on);
        g_test_add_func("/body/1.10/crc-whatever-the-type", crc_whatever_the_type);
        g_test_add_func("/body/1.12/lengths", lengths);
        return g_test_run();
}
