/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

/* 1.6 */
#define ASSERTED "01 06 21 00 4e 61 bc 00 5a 14 00 00"
#define CLEARED "01 02 22 00 be 78 bc 00 60 09 00 00"
#define CARTRIDGE "20 84 23 00 4e 61 bc 00 ee ff c0 00 b8 2b"

DEFINE_TRY(try_decode, OmpEvent, omp_event_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpEvent event;

        return omp_event_decode(data, size, &event);
}

static OmpEvent decode_hex(const char *hex) {
        Value v = value_from_hex(hex);
        OmpEvent event;

        g_assert_cmpint(DECODE(omp_event_decode, &v, &event), ==, 0);
        return event;
}

static void vector_asserted(void) {
        OmpEvent event = decode_hex(ASSERTED);

        g_assert_cmphex(event.code, ==, OMP_EVENT_OVERPRESSURE);
        g_assert_cmpuint(event.severity, ==, OMP_SEVERITY_WARNING);
        g_assert_true(event.asserted);
        g_assert_false(event.replayed);
        g_assert_false(event.crc);
        g_assert_cmpuint(event.sequence, ==, 33);
        g_assert_cmpuint(event.tick, ==, 12345678);
        g_assert_cmpint(event.value, ==, 5210);
        ASSERT_ENCODES(omp_event_encode, &event, 12, ASSERTED);
}

static void vector_cleared(void) {
        OmpEvent event = decode_hex(CLEARED);

        g_assert_cmphex(event.code, ==, OMP_EVENT_OVERPRESSURE);
        g_assert_cmpuint(event.severity, ==, OMP_SEVERITY_WARNING);
        g_assert_false(event.asserted);
        g_assert_false(event.replayed);
        g_assert_false(event.crc);
        g_assert_cmpuint(event.sequence, ==, 34);
        g_assert_cmpuint(event.tick, ==, 12345678 + 6000); /* 0.6 s later */
        g_assert_cmpint(event.value, ==, 2400);
        ASSERT_ENCODES(omp_event_encode, &event, 12, CLEARED);
}

static void vector_cartridge(void) {
        OmpEvent event = decode_hex(CARTRIDGE);

        g_assert_cmphex(event.code, ==, OMP_EVENT_CARTRIDGE_IN);
        g_assert_cmpuint(event.severity, ==, OMP_SEVERITY_INFO);
        g_assert_true(event.asserted);
        g_assert_false(event.replayed);
        g_assert_true(event.crc);
        g_assert_cmpuint(event.sequence, ==, 35);
        g_assert_cmpuint(event.tick, ==, 12345678);
        g_assert_cmpint(event.value, ==, 0xc0ffee);
        ASSERT_ENCODES(omp_event_encode, &event, 14, CARTRIDGE);
}

static void every_flag_combination(void) {
        for (unsigned flags = 0; flags < 256; flags++) {
                Value v = value_from_hex(ASSERTED " 00 00");
                uint8_t sent = flags & 0x8f; /* b4–6: "Reserved bits: send 0, ignore on receipt" */
                OmpEvent event;
                uint8_t buf[14];
                int r;

                v.octets[1] = (uint8_t) flags;
                if (flags & 0x80)
                        value_seal(&v);
                else
                        v.size = 12;
                g_assert_cmpint(DECODE(omp_event_decode, &v, &event), ==, 0);
                g_assert_cmpuint(event.severity, ==, flags & 3);
                g_assert_cmpint(event.asserted, ==, !!(flags & 4));
                g_assert_cmpint(event.replayed, ==, !!(flags & 8));
                g_assert_cmpint(event.crc, ==, !!(flags & 0x80));
                g_assert_cmphex(event.reserved, ==, flags & 0x70);
                g_assert_cmpint(event.value, ==, 5210);

                v.octets[1] = sent;
                if (sent & 0x80)
                        value_seal(&v);
                r = omp_event_encode(&event, buf, v.size);
                g_assert_cmpint(r, ==, (int) v.size);
                g_assert_cmpmem(buf, v.size, v.octets, v.size);
        }
}

static void negative_values(void) {
        OmpEvent event = decode_hex("51 02 ff ff ff ff ff ff 00 00 00 80");

        g_assert_cmpuint(event.sequence, ==, 65535);
        g_assert_cmpuint(event.tick, ==, UINT32_MAX);
        g_assert_cmpint(event.value, ==, INT32_MIN);
        ASSERT_ENCODES(omp_event_encode, &event, 12, "51 02 ff ff ff ff ff ff 00 00 00 80");
}

static void unknown_codes_passed_on(void) {
        for (unsigned code = 0; code < 256; code++) {
                Value v = value_from_hex(ASSERTED);
                OmpEvent event;
                uint8_t buf[12];

                v.octets[0] = (uint8_t) code;
                g_assert_cmpint(DECODE(omp_event_decode, &v, &event), ==, 0);
                g_assert_cmphex(event.code, ==, code);
                g_assert_cmpint(omp_event_encode(&event, buf, sizeof(buf)), ==, 12);
                g_assert_cmpmem(buf, 12, v.octets, v.size);
        }
}

static void appended_octets_ignored(void) {
        Value v = value_from_hex(CARTRIDGE);
        OmpEvent event;

        check_appended(try_decode, ASSERTED, false);
        check_appended(try_decode, CARTRIDGE, true);

        value_append(&v, 4, true);
        g_assert_cmpint(DECODE(omp_event_decode, &v, &event), ==, 0);
        g_assert_cmpint(event.value, ==, 0xc0ffee);
}

static void bad_crc(void) {
        check_bad_crc(try_decode, CARTRIDGE, 1, 0x80);
        check_crc_is_last(try_decode, CARTRIDGE);
}

static void lengths(void) {
        Value v = { .size = 513 };

        check_short(try_decode, ASSERTED);
        check_short(try_decode, CARTRIDGE);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
}

static void encoder_refuses(void) {
        OmpEvent plain = decode_hex(ASSERTED), sealed = decode_hex(CARTRIDGE);
        uint8_t buf[14];

        for (size_t size = 0; size <= 14; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_event_encode(&plain, exact, size), ==, size < 12 ? -EMSGSIZE : 12);
                g_assert_cmpint(omp_event_encode(&sealed, exact, size), ==, size < 14 ? -EMSGSIZE : 14);
        }

        plain.severity = OMP_SEVERITY_ALARM + 1;
        g_assert_cmpint(omp_event_encode(&plain, buf, sizeof(buf)), ==, -EINVAL);
}

static void names(void) {
        static const struct {
                uint8_t code;
                const char *name;
        } expected[] = {
                { 0x01, "overpressure" },         { 0x02, "contact-lost" },
                { 0x03, "contact" },              { 0x04, "depth" },
                { 0x05, "motor" },                { 0x06, "stall" },
                { 0x10, "session-start" },        { 0x11, "session-end" },
                { 0x12, "time-limit" },           { 0x20, "cartridge-in" },
                { 0x21, "cartridge-out" },        { 0x22, "cartridge-worn" },
                { 0x23, "cartridge-reused" },     { 0x30, "battery-low" },
                { 0x31, "battery-critical" },     { 0x32, "charger" },
                { 0x40, "button" },               { 0x50, "drop" },
                { 0x51, "over-temperature" },     { 0x60, "clock-lost" },
                { 0x61, "storage-nearly-full" },  { 0x62, "record-overwritten" },
                { 0x70, "sensor-fault" },         { 0x71, "calibration" },
        };
        size_t known = 0;

        for (unsigned code = 0; code < 256; code++) {
                const char *name = code >= 0xf0 ? "vendor" : "unknown";

                if (known < G_N_ELEMENTS(expected) && expected[known].code == code)
                        name = expected[known++].name;
                g_assert_cmpstr(omp_event_name((uint8_t) code), ==, name);
        }
        g_assert_cmpuint(known, ==, G_N_ELEMENTS(expected));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/event/1.6/overpressure-asserted", vector_asserted);
        g_test_add_func("/event/1.6/overpressure-cleared", vector_cleared);
        g_test_add_func("/event/1.6/cartridge-inserted", vector_cartridge);
        g_test_add_func("/event/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/event/negative-values", negative_values);
        g_test_add_func("/event/1.1/forward-compatibility/unknown-codes-passed-on", unknown_codes_passed_on);
        g_test_add_func("/event/1.1/forward-compatibility/appended-octets-ignored", appended_octets_ignored);
        g_test_add_func("/event/1.1/crc/bad", bad_crc);
        g_test_add_func("/event/1.12/lengths", lengths);
        g_test_add_func("/event/encoder-refuses", encoder_refuses);
        g_test_add_func("/event/names", names);
        return g_test_run();
}
