/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

/* 1.7 */
#define RUNNING "03 1f 39 00 00 00 38 01 e4 70 00 00 f4 01 58 1b 01 00"

DEFINE_TRY(try_decode, OmpStatus, omp_status_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpStatus status;

        return omp_status_decode(data, size, &status);
}

static void assert_running(const OmpStatus *status, uint8_t flags) {
        g_assert_cmpuint(status->state, ==, OMP_STATE_RUNNING);
        g_assert_cmphex(status->flags, ==, flags);
        g_assert_cmpuint(status->session_id, ==, 57);
        g_assert_cmpuint(status->session_seconds, ==, 312);
        g_assert_cmpuint(status->session_strokes, ==, 28900);
        g_assert_cmpuint(status->depth_um, ==, 500);
        g_assert_cmpuint(status->motor_per_min, ==, 7000);
        g_assert_cmpuint(status->cartridge_uses, ==, 1);
}

#define RUNNING_FLAGS (OMP_STATUS_SESSION | OMP_STATUS_CONTACT | OMP_STATUS_CLOCK_SET | \
                       OMP_STATUS_CARTRIDGE | OMP_STATUS_TARE_VALID)

static void vector_running(void) {
        Value v = value_from_hex(RUNNING);
        OmpStatus status;

        g_assert_cmpint(DECODE(omp_status_decode, &v, &status), ==, 0);
        assert_running(&status, RUNNING_FLAGS);
        ASSERT_ENCODES(omp_status_encode, &status, 18, RUNNING);
}

/* The same value with a CRC, built from the definition. */
static Value sealed_value(void) {
        Value v = value_from_hex(RUNNING " 00 00");

        v.octets[1] |= 0x80;
        value_seal(&v);
        return v;
}

static char *to_hex(const Value *v) {
        GString *s = g_string_new(NULL);

        for (size_t i = 0; i < v->size; i++)
                g_string_append_printf(s, "%02x", v->octets[i]);
        return g_string_free(s, FALSE);
}

static void with_crc(void) {
        Value v = sealed_value();
        g_autofree char *hex = to_hex(&v);
        OmpStatus status;

        g_assert_cmpint(DECODE(omp_status_decode, &v, &status), ==, 0);
        assert_running(&status, RUNNING_FLAGS | OMP_STATUS_CRC);
        ASSERT_ENCODES(omp_status_encode, &status, 20, hex);

        check_bad_crc(try_decode, hex, 1, 0x80);
        check_crc_is_last(try_decode, hex);
}

static void appended_octets_ignored(void) {
        Value v = sealed_value();
        g_autofree char *hex = to_hex(&v);
        OmpStatus status;

        check_appended(try_decode, RUNNING, false);
        check_appended(try_decode, hex, true);

        value_append(&v, 3, true);
        g_assert_cmpint(DECODE(omp_status_decode, &v, &status), ==, 0);
        assert_running(&status, RUNNING_FLAGS | OMP_STATUS_CRC);
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(RUNNING " 00 00");
                OmpStatus status;
                uint8_t buf[20];

                v.octets[1] = (uint8_t) flags;
                if (flags & OMP_STATUS_CRC)
                        value_seal(&v);
                else
                        v.size = 18;
                g_assert_cmpint(DECODE(omp_status_decode, &v, &status), ==, 0);
                assert_running(&status, (uint8_t) flags);
                g_assert_cmpint(omp_status_encode(&status, buf, v.size), ==, (int) v.size);
                g_assert_cmpmem(buf, v.size, v.octets, v.size);
        }
}

static void unknown_values_and_states_passed_on(void) {
        static const char hex[] = "08 00 00 00 00 00 ff ff ff ff ff ff ff ff ff ff ff ff";
        Value v = value_from_hex(hex);
        OmpStatus status;

        g_assert_cmpint(DECODE(omp_status_decode, &v, &status), ==, 0);
        g_assert_cmpuint(status.state, ==, 8);
        g_assert_cmpuint(status.session_id, ==, 0);
        g_assert_cmpuint(status.session_seconds, ==, 65535);
        g_assert_cmpuint(status.session_strokes, ==, UINT32_MAX);
        g_assert_cmpuint(status.depth_um, ==, OMP_U16_UNKNOWN);
        g_assert_cmpuint(status.motor_per_min, ==, OMP_U16_UNKNOWN);
        g_assert_cmpuint(status.cartridge_uses, ==, OMP_U16_UNKNOWN);
        ASSERT_ENCODES(omp_status_encode, &status, 18, hex);
}

static void lengths(void) {
        Value v = sealed_value(), too_long = { .size = 513 };
        g_autofree char *hex = to_hex(&v);

        check_short(try_decode, RUNNING);
        check_short(try_decode, hex);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&too_long), ==, -EMSGSIZE);
}

static void encoder_needs_the_room(void) {
        OmpStatus plain = {}, sealed = { .flags = OMP_STATUS_CRC };

        for (size_t size = 0; size <= 20; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_status_encode(&plain, exact, size), ==, size < 18 ? -EMSGSIZE : 18);
                g_assert_cmpint(omp_status_encode(&sealed, exact, size), ==, size < 20 ? -EMSGSIZE : 20);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/status/1.7/running", vector_running);
        g_test_add_func("/status/1.1/crc", with_crc);
        g_test_add_func("/status/1.1/forward-compatibility/appended-octets-ignored",
                        appended_octets_ignored);
        g_test_add_func("/status/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/status/unknown-values-and-states-passed-on", unknown_values_and_states_passed_on);
        g_test_add_func("/status/1.12/lengths", lengths);
        g_test_add_func("/status/encoder-needs-the-room", encoder_needs_the_room);
        return g_test_run();
}
