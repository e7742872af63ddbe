/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

static void check_value(void) {
        g_assert_cmphex(omp_crc16((const uint8_t *) "123456789", 9), ==, 0x6f91);
}

static void nothing_is_init(void) {
        g_assert_cmphex(omp_crc16(NULL, 0), ==, 0xffff);
}

/* One octet each reaches every entry of a table. */
static void every_octet_as_defined(void) {
        for (unsigned i = 0; i < 256; i++) {
                Value v = { .size = 3, .octets = { (uint8_t) i } };

                value_seal(&v);
                g_assert_cmphex(omp_crc16(v.octets, 1), ==, v.octets[1] | v.octets[2] << 8);
        }
}

/* Over a value and its own CRC, low octet first, nothing remains: the residue of a reflected CRC without a
 * final XOR. */
static void residue_is_zero(void) {
        Value v = value_from_hex("08 93 07 00 4e 61 bc 00 e2 04 6c 07 2a 00 00 00 26 3e 23 0f 00 00 d1 bd");

        g_assert_cmphex(omp_crc16(v.octets, v.size), ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/crc/1.1/check-value", check_value);
        g_test_add_func("/crc/nothing-is-init", nothing_is_init);
        g_test_add_func("/crc/every-octet-as-defined", every_octet_as_defined);
        g_test_add_func("/crc/residue-is-zero", residue_is_zero);
        return g_test_run();
}
