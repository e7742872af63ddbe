/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

#include <math.h>

#include "needled/vendor.h"

/* Programs by hand, as no file could hold them all: one characteristic and up to four fields. */

#define UUID "0000ffe1-0000-1000-8000-00805f9b34fb"
#define WHOLE .name = "f", .scale_num = 1, .den = 1

typedef struct Program {
        VendorChar ch;
        VendorField fields[4];
        VendorProfile profile;
} Program;

static VendorReading reading;

static VendorProfile *link_up(Program *p, unsigned n_fields) {
        p->ch.uuid = UUID;
        p->ch.n_fields = (uint16_t) n_fields;
        p->profile = (VendorProfile) { .id = "a.b", .chars = &p->ch, .n_chars = 1, .fields = p->fields, .n_fields = n_fields };
        return &p->profile;
}

/* The packet is a copy of exactly its size on the heap. */
static int decode(const VendorProfile *profile, const char *hex) {
        Value v = value_from_hex(hex);
        g_autofree uint8_t *copy = g_memdup2(v.octets, v.size);

        return vendor_decode(profile, 0, copy, v.size, &reading);
}

static int run(Program *p, unsigned n_fields, const char *hex) {
        link_up(p, n_fields);
        g_assert_cmpint(vendor_check(&p->profile), ==, 0);
        return decode(&p->profile, hex);
}

static double one(VendorField field, const char *hex) {
        Program p = { .fields = { field } };

        g_assert_cmpint(run(&p, 1, hex), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
        return reading.values[0].value;
}

/* ---- Numbers ---- */

static void test_types(void) {
        static const struct {
                uint8_t type;
                const char *hex;
                double little, big;
        } cases[] = {
                { VENDOR_U8, "fe", 254, 254 },
                { VENDOR_S8, "fe", -2, -2 },
                { VENDOR_U16, "fe ff", 0xfffe, 0xfeff },
                { VENDOR_S16, "fe ff", -2, -257 },
                { VENDOR_U24, "01 02 ff", 0xff0201, 0x0102ff },
                { VENDOR_S24, "01 02 ff", 0xff0201 - 0x1000000, 0x0102ff },
                { VENDOR_U32, "01 02 03 ff", 0xff030201, 0x010203ff },
                { VENDOR_S32, "01 02 03 ff", (double) 0xff030201 - 4294967296.0, 0x010203ff },
                { VENDOR_U48, "01 02 03 04 05 ff", (double) 0xff0504030201, 0x0102030405ff },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                VendorField f = { WHOLE, .type = cases[i].type };

                g_assert_cmpfloat(one(f, cases[i].hex), ==, cases[i].little);
                g_assert_cmpint(reading.values[0].raw, ==, (int64_t) cases[i].little);
                /* The same where the short way is not gone. */
                f.has_range = true;
                f.range_min = -1e18;
                f.range_max = 1e18;
                g_assert_cmpfloat(one(f, cases[i].hex), ==, cases[i].little);
                f.big_endian = true;
                g_assert_cmpfloat(one(f, cases[i].hex), ==, cases[i].big);
        }
}

/* Of no type the last octet may lack, on the short way and on the long one. */
static void test_types_one_octet_short(void) {
        static const unsigned sizes[_VENDOR_TYPE_MAX] = {
                [VENDOR_U8] = 1, [VENDOR_S8] = 1, [VENDOR_U16] = 2, [VENDOR_S16] = 2, [VENDOR_U24] = 3, [VENDOR_S24] = 3,
                [VENDOR_U32] = 4, [VENDOR_S32] = 4, [VENDOR_U48] = 6, [VENDOR_F32] = 4, [VENDOR_SFLOAT] = 2,
        };

        for (unsigned type = 0; type < _VENDOR_TYPE_MAX; type++)
                for (int ranged = 0; ranged < 2; ranged++) {
                        Program p = { .fields = { { WHOLE, .type = (uint8_t) type, .offset = 1, .has_range = ranged, .range_max = 1 } } };
                        g_autofree uint8_t *packet = g_malloc0(1 + sizes[type]);

                        link_up(&p, 1);
                        g_assert_cmpint(vendor_check(&p.profile), ==, 0);
                        g_assert_cmpint(vendor_decode(&p.profile, 0, packet, 1 + sizes[type], &reading), ==, 0);
                        g_assert_cmpuint(reading.n, ==, 1);
                        g_assert_cmpint(vendor_decode(&p.profile, 0, packet, sizes[type], &reading), ==, -EMSGSIZE);
                }
}

static void test_floats(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_F32 } } };

        g_assert_cmpfloat(one(p.fields[0], "00 00 80 3f"), ==, 1);
        g_assert_cmpint(reading.values[0].raw, ==, 0);
        g_assert_cmpfloat(one((VendorField) { .name = "f", .type = VENDOR_F32, .big_endian = true, .scale_num = 3, .bias_num = 1, .den = 2 },
                              "bf 80 00 00"), ==, -1);
        /* Not a number, and infinity: no value, and the packet is good. */
        g_assert_cmpint(run(&p, 1, "00 00 c0 7f"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 0);
        g_assert_cmpint(run(&p, 1, "00 00 80 ff"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 0);
}

/* IEEE 11073: 4 bits of exponent, 12 of mantissa; five mantissas stand for no number, whatever the exponent. */
static void test_sfloat(void) {
        const VendorField f = { WHOLE, .type = VENDOR_SFLOAT };
        static const char *const none[] = { "fe 07", "ff 07", "00 08", "01 08", "02 08", "ff f7" };

        g_assert_cmpfloat(one(f, "72 00"), ==, 114);
        g_assert_cmpfloat_with_epsilon(one(f, "72 f0"), 11.4, 1e-12);
        g_assert_cmpfloat(one(f, "02 20"), ==, 200);
        g_assert_cmpfloat_with_epsilon(one(f, "ff 8f"), -1e-8, 1e-18);
        g_assert_cmpfloat(one(f, "fd 07"), ==, 2045);
        g_assert_cmpfloat(one(f, "03 08"), ==, -2045);
        for (int exponent = -8; exponent < 8; exponent++) {
                g_autofree char *hex = g_strdup_printf("03 %x0", exponent & 0xf);

                g_assert_cmpfloat_with_epsilon(one(f, hex) / pow(10, exponent), 3, 1e-12);
        }
        for (size_t i = 0; i < G_N_ELEMENTS(none); i++) {
                Program p = { .fields = { f } };

                g_assert_cmpint(run(&p, 1, none[i]), ==, 0);
                g_assert_cmpuint(reading.n, ==, 0);
        }
}

static void test_bits(void) {
        g_assert_cmpfloat(one((VendorField) { WHOLE, .type = VENDOR_U8, .bit_lsb = 1, .bit_width = 3 }, "0a"), ==, 5);
        g_assert_cmpfloat(one((VendorField) { WHOLE, .type = VENDOR_U16, .bit_lsb = 7, .bit_width = 2 }, "80 01"), ==, 3);
        g_assert_cmpfloat(one((VendorField) { WHOLE, .type = VENDOR_U16, .bit_lsb = 0, .bit_width = 4, .big_endian = true }, "a0 07"), ==, 7);
        /* Bits of a signed number have a sign of their own. */
        g_assert_cmpfloat(one((VendorField) { WHOLE, .type = VENDOR_S8, .bit_lsb = 0, .bit_width = 4 }, "0f"), ==, -1);
        g_assert_cmpfloat(one((VendorField) { WHOLE, .type = VENDOR_U48, .bit_lsb = 47, .bit_width = 1 }, "00 00 00 00 00 80"), ==, 1);
}

/* "Integer arithmetic as rational until the end": 150 gf are 1470.9975 mN, and not the nearest sum of roundings. */
static void test_rational(void) {
        g_assert_cmpfloat(one((VendorField) { .name = "f", .type = VENDOR_U8, .scale_num = 196133, .den = 20000 }, "96"), ==, 1470.9975);
        g_assert_cmpfloat(one((VendorField) { .name = "f", .type = VENDOR_S16, .scale_num = 1, .bias_num = -400, .den = 10 }, "ff ff"), ==,
                          -40.1);
        g_assert_cmpfloat(one((VendorField) { .name = "f", .type = VENDOR_U16, .scale_num = -250, .den = 759 }, "dc 0b"), ==, -1000);
}

static void test_invalid_and_range(void) {
        Program p = { .fields = {
                { .name = "f", .type = VENDOR_S8, .scale_num = 1, .den = 10, .n_invalid = 2, .invalid = { -1, 127 }, .has_range = true,
                  .range_min = -0.3, .range_max = 0.7 },
                { WHOLE, .type = VENDOR_U8, .offset = 1 },
        } };

        g_assert_cmpint(run(&p, 2, "ff 01"), ==, 0); /* that field alone is dropped, "others kept" */
        g_assert_cmpuint(reading.n, ==, 1);
        g_assert_cmpuint(reading.values[0].field, ==, 1);
        g_assert_cmpint(run(&p, 2, "7f 01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
        g_assert_cmpint(run(&p, 2, "fd 01"), ==, 0); /* both ends are within */
        g_assert_cmpuint(reading.n, ==, 2);
        g_assert_cmpint(run(&p, 2, "07 01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 2);
        g_assert_cmpint(run(&p, 2, "08 01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
        g_assert_cmpint(run(&p, 2, "fc 01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
}

/* "Unknown Enum → unknown-<raw>, never lost." */
static void test_enum(void) {
        static const VendorToken dense[] = { { 1, "off" }, { 2, "on" }, { 3, "charging" } }, sparse[] = { { -5, "a" }, { 0, "b" }, { 115, "c" } };
        VendorField f = { WHOLE, .type = VENDOR_U8, .tokens = dense, .n_tokens = 3 };

        (void) one(f, "03");
        g_assert_cmpstr(reading.values[0].token->name, ==, "charging");
        (void) one(f, "00");
        g_assert_null(reading.values[0].token);
        g_assert_true(reading.values[0].unknown_token);
        g_assert_cmpint(reading.values[0].raw, ==, 0);
        (void) one(f, "04");
        g_assert_true(reading.values[0].unknown_token);

        f = (VendorField) { WHOLE, .type = VENDOR_S8, .tokens = sparse, .n_tokens = 3 };
        (void) one(f, "fb");
        g_assert_cmpstr(reading.values[0].token->name, ==, "a");
        (void) one(f, "00");
        g_assert_cmpstr(reading.values[0].token->name, ==, "b");
        (void) one(f, "73");
        g_assert_cmpstr(reading.values[0].token->name, ==, "c");
        (void) one(f, "74");
        g_assert_true(reading.values[0].unknown_token);
        (void) one((VendorField) { WHOLE, .type = VENDOR_U8 }, "74"); /* without an Enum nothing is unknown */
        g_assert_false(reading.values[0].unknown_token);
}

/* ---- The packet ---- */

static void test_length(void) {
        Program p = { .ch = { .length_min = 2, .length_max = 3 }, .fields = { { WHOLE, .type = VENDOR_U8 } } };
        uint8_t none;

        g_assert_cmpint(run(&p, 1, "01"), ==, -EMSGSIZE);
        g_assert_cmpuint(reading.n, ==, 0);
        g_assert_cmpint(run(&p, 1, "01 02"), ==, 0);
        g_assert_cmpint(run(&p, 1, "01 02 03"), ==, 0);
        g_assert_cmpint(run(&p, 1, "01 02 03 04"), ==, -EMSGSIZE);

        p.ch.length_min = p.ch.length_max = 0;
        link_up(&p, 0)->fields = NULL;
        g_assert_cmpint(decode(&p.profile, "01"), ==, 0); /* a characteristic without fields is good, and gives nothing */
        g_assert_cmpuint(reading.n, ==, 0);
        g_assert_cmpint(vendor_decode(&p.profile, 0, &none, 0, &reading), ==, -EMSGSIZE);
        g_assert_cmpint(vendor_decode(&p.profile, 1, &none, 1, &reading), ==, -ENOENT);
        p.ch.length_min = 0;
        p.ch.length_max = 1;
        g_assert_cmpint(run(&p, 1, "01"), ==, 0);
        g_assert_cmpint(run(&p, 1, "01 02"), ==, -EMSGSIZE);
}

/* "No value exceeds 512 octets", and without a MaxLength one may have all of them. */
static void test_longest(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_U8, .offset = 511 } } };
        g_autofree uint8_t *data = g_malloc0(513);

        data[511] = 7;
        link_up(&p, 1);
        g_assert_cmpint(vendor_decode(&p.profile, 0, data, 512, &reading), ==, 0);
        g_assert_cmpfloat(reading.values[0].value, ==, 7);
        g_assert_cmpint(vendor_decode(&p.profile, 0, data, 513, &reading), ==, -EMSGSIZE);
}

static void test_header(void) {
        Program p = { .ch = { .n_header = 3, .header = { 0xa5, 0, 0x01 }, .header_mask = { 0xff, 0, 0xff } }, .fields = { { WHOLE } } };

        g_assert_cmpint(run(&p, 1, "a5 77 01"), ==, 0);
        g_assert_cmpint(run(&p, 1, "a5 77 02"), ==, -EPROTO);
        g_assert_cmpint(run(&p, 1, "a4 77 01"), ==, -EPROTO);
        g_assert_cmpint(run(&p, 1, "a5 77"), ==, -EMSGSIZE);
}

static void test_checks(void) {
        Program p = { .ch = { .check = VENDOR_CHECK_SUM8, .check_end = -1, .check_at = -1 }, .fields = { { WHOLE } } };

        g_assert_cmpint(run(&p, 1, "ff 02 01"), ==, 0);
        g_assert_cmpint(run(&p, 1, "ff 02 02"), ==, -EBADMSG);
        g_assert_cmpuint(reading.n, ==, 0);
        p.ch.check = VENDOR_CHECK_XOR8;
        g_assert_cmpint(run(&p, 1, "ff 02 fd"), ==, 0);
        g_assert_cmpint(run(&p, 1, "ff 02 01"), ==, -EBADMSG);
        p.ch = (VendorChar) { .check = VENDOR_CHECK_CRC16_MCRF4XX, .check_end = -2, .check_at = -2 };
        g_assert_cmpint(run(&p, 1, "31 32 33 34 35 36 37 38 39 91 6f"), ==, 0); /* "123456789" = 0x6F91, low octet first */
        g_assert_cmpint(run(&p, 1, "31 32 33 34 35 36 37 38 39 6f 91"), ==, -EBADMSG);
        g_assert_cmpint(run(&p, 1, "31"), ==, -EMSGSIZE);
        /* Not at the end, and over a part. */
        p.ch = (VendorChar) { .check = VENDOR_CHECK_SUM8, .check_start = 2, .check_end = 4, .check_at = 1 };
        g_assert_cmpint(run(&p, 1, "00 03 01 02 99"), ==, 0);
        g_assert_cmpint(run(&p, 1, "00 03 01"), ==, -EMSGSIZE);
        /* Before the packet, and behind it. */
        p.ch = (VendorChar) { .check = VENDOR_CHECK_SUM8, .check_end = 1, .check_at = -2 };
        g_assert_cmpint(run(&p, 1, "31 31"), ==, 0);
        g_assert_cmpint(run(&p, 1, "31"), ==, -EMSGSIZE);
        p.ch.check_at = 1;
        g_assert_cmpint(run(&p, 1, "31"), ==, -EMSGSIZE);
}

static void test_offsets(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_U16, .offset = -2 }, { WHOLE, .type = VENDOR_U8, .offset = 2 } } };

        g_assert_cmpint(run(&p, 2, "01 02 03 04"), ==, 0);
        g_assert_cmpfloat(reading.values[0].value, ==, 0x0403);
        g_assert_cmpfloat(reading.values[1].value, ==, 3);
        g_assert_cmpint(run(&p, 2, "01 02"), ==, -EMSGSIZE);
        g_assert_cmpint(run(&p, 2, "01"), ==, -EMSGSIZE); /* before its beginning */
        p.fields[0].optional = p.fields[1].optional = true;
        g_assert_cmpint(run(&p, 2, "01 02"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
        g_assert_cmpint(run(&p, 2, "01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 0);
        p.fields[0] = (VendorField) { WHOLE, .type = VENDOR_U16, .offset = -1, .optional = true }; /* beyond its end */
        g_assert_cmpint(run(&p, 2, "01 02 03"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 1);
}

static void test_conditions(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_U8, .offset = 2, .n_conditions = 3, .conditions = {
                { 0, 0x0f, VENDOR_EQUAL, 1 }, { 1, 0xff, VENDOR_NOT_EQUAL, 7 }, { -1, 0xf0, VENDOR_AT_LEAST, 0x20 } } } } };
        static const struct {
                const char *hex;
                unsigned n;
        } cases[] = { { "f1 06 20", 1 }, { "02 06 20", 0 }, { "01 07 20", 0 }, { "01 06 1f", 0 }, { "01 06 ff", 1 }, { "01 06", 0 } };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_test_message("%s", cases[i].hex);
                g_assert_cmpint(run(&p, 1, cases[i].hex), ==, 0);
                g_assert_cmpuint(reading.n, ==, cases[i].n);
        }
        /* Of an octet beyond the end nothing holds, not even that it is something else. */
        p.fields[0] = (VendorField) { WHOLE, .n_conditions = 1, .conditions = { { 5, 0xff, VENDOR_NOT_EQUAL, 0 } } };
        g_assert_cmpint(run(&p, 1, "01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 0);
        p.fields[0].conditions[0].offset = -5;
        g_assert_cmpint(run(&p, 1, "01"), ==, 0);
        g_assert_cmpuint(reading.n, ==, 0);
        /* Where they hold, the field must be there. */
        p.fields[0] = (VendorField) { WHOLE, .offset = 1, .n_conditions = 1, .conditions = { { 0, 0xff, VENDOR_EQUAL, 1 } } };
        g_assert_cmpint(run(&p, 1, "01"), ==, -EMSGSIZE);
        g_assert_cmpint(run(&p, 1, "02"), ==, 0);
}

/* ---- Repeats ---- */

static void assert_entries(const char *expected) {
        g_autoptr(GString) text = g_string_new(NULL);

        for (unsigned i = 0; i < reading.n; i++)
                g_string_append_printf(text, "%s%u[%u]=%g", i > 0 ? " " : "", reading.values[i].field, reading.values[i].entry,
                                       reading.values[i].value);
        g_assert_cmpstr(text->str, ==, expected);
}

static void test_repeat_fixed(void) {
        Program p = { .fields = { { WHOLE, .offset = 1, .count = VENDOR_COUNT_FIXED, .stride = 2, .count_fixed = 3 } } };

        g_assert_cmpint(run(&p, 1, "00 01 00 02 00 03"), ==, 0);
        assert_entries("0[0]=1 0[1]=2 0[2]=3");
        g_assert_cmpint(run(&p, 1, "00 01 00 02 00"), ==, -EMSGSIZE);
        g_assert_cmpuint(reading.n, ==, 0);
        p.fields[0].optional = true;
        g_assert_cmpint(run(&p, 1, "00 01 00 02 00"), ==, 0); /* those that are there */
        assert_entries("0[0]=1 0[1]=2");
        p.fields[0].offset = -5;
        g_assert_cmpint(run(&p, 1, "00 01 00 02 00 03"), ==, 0);
        assert_entries("0[0]=1 0[1]=2 0[2]=3");
}

static void test_repeat_to_the_end(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_U16, .offset = 1, .count = VENDOR_COUNT_END, .stride = 2 } } };

        g_assert_cmpint(run(&p, 1, "00 01 00 02 00 03"), ==, 0); /* whole entries alone */
        assert_entries("0[0]=1 0[1]=2");
        g_assert_cmpint(run(&p, 1, "00"), ==, 0);
        assert_entries("");
        /* The check that closes the packet is no entry. */
        p.ch = (VendorChar) { .check = VENDOR_CHECK_SUM8, .check_end = -1, .check_at = -1 };
        p.fields[0].type = VENDOR_U8;
        p.fields[0].stride = 1;
        g_assert_cmpint(run(&p, 1, "00 01 02 03"), ==, 0);
        assert_entries("0[0]=1 0[1]=2");
}

static void test_repeat_counted(void) {
        Program p = { .fields = {
                { WHOLE, .offset = 2, .count = VENDOR_COUNT_OCTET, .stride = 2, .count_offset = 1, .count_divisor = 2 },
                { WHOLE, .offset = 3, .count = VENDOR_COUNT_OCTET, .stride = 2, .count_offset = 1, .count_divisor = 2 },
        } };

        g_assert_cmpint(run(&p, 2, "01 05 0a 0b 1a 1b"), ==, 0);
        assert_entries("0[0]=10 0[1]=26 1[0]=11 1[1]=27");
        g_assert_cmpint(run(&p, 2, "01 00"), ==, 0);
        assert_entries("");
        g_assert_cmpint(run(&p, 2, "01 06 0a 0b 1a 1b"), ==, -EMSGSIZE); /* a packet that lies about its length */
        g_assert_cmpint(run(&p, 2, "01"), ==, -EMSGSIZE);
        p.fields[0].optional = p.fields[1].optional = true;
        g_assert_cmpint(run(&p, 2, "01 06 0a 0b 1a"), ==, 0);
        assert_entries("0[0]=10 0[1]=26 1[0]=11");
        g_assert_cmpint(run(&p, 2, "01"), ==, 0);
        assert_entries("");
}

/* 512 values of one packet; "what comes beyond is cut, and said so". */
static void test_cut(void) {
        Program p = { .fields = {
                { WHOLE, .count = VENDOR_COUNT_FIXED, .stride = 1, .count_fixed = 256 },
                { WHOLE, .count = VENDOR_COUNT_END, .stride = 1 },
                { WHOLE, .offset = 1 },
                { WHOLE, .offset = 2, .count = VENDOR_COUNT_FIXED, .stride = 1, .count_fixed = 2 },
        } };
        g_autofree uint8_t *data = g_malloc0(512);

        link_up(&p, 2);
        g_assert_cmpint(vendor_check(&p.profile), ==, 0);
        g_assert_cmpint(vendor_decode(&p.profile, 0, data, 512, &reading), ==, 0); /* "256 repeats" */
        g_assert_cmpuint(reading.n, ==, 512);
        g_assert_false(reading.cut);
        for (unsigned n = 3; n <= 4; n++) {
                link_up(&p, n);
                g_assert_cmpint(vendor_decode(&p.profile, 0, data, 512, &reading), ==, 0);
                g_assert_cmpuint(reading.n, ==, 512);
                g_assert_true(reading.cut);
        }
}

/* ---- Names, Feature ---- */

static void test_names(void) {
        VendorMeaning meaning;

        for (unsigned i = VENDOR_NONE + 1; i < _VENDOR_MEANING_MAX; i++) {
                g_assert_cmpint(vendor_meaning_from_name(vendor_meaning_name((VendorMeaning) i), &meaning), ==, 0);
                g_assert_cmpint(meaning, ==, i);
                g_assert_cmpstr(vendor_meaning_unit(meaning), !=, "");
        }
        g_assert_cmpint(vendor_meaning_from_name("", &meaning), ==, -ENOENT);
        g_assert_cmpint(vendor_meaning_from_name("Force", &meaning), ==, -ENOENT);
        g_assert_cmpstr(vendor_meaning_name(VENDOR_NONE), ==, "");
        g_assert_cmpstr(vendor_meaning_name(_VENDOR_MEANING_MAX), ==, "");
        g_assert_cmpstr(vendor_meaning_unit(_VENDOR_MEANING_MAX), ==, "1");
        g_assert_cmpstr(vendor_meaning_unit(VENDOR_FORCE), ==, "mN");
        g_assert_cmpstr(vendor_meaning_unit(VENDOR_DEPTH), ==, "µm");
        g_assert_cmpstr(vendor_meaning_unit(VENDOR_TEMPERATURE), ==, "°C");
}

static void test_feature(void) {
        static const VendorAction stop = { .when = VENDOR_ON_STOP_MOTOR, .size = 1 };
        VendorProfile profile = {
                .kind = OMP_KIND_PEN, .needles = 16, .area_centi_mm2 = 7854, .max_depth_um = 2500,
                .meanings = 1u << VENDOR_FORCE | 1u << VENDOR_CONTACT | 1u << VENDOR_STROKES_DELTA | 1u << VENDOR_BATTERY,
        };
        OmpFeature feature;

        vendor_feature(&profile, &feature);
        g_assert_cmpuint(feature.major, ==, 1);
        g_assert_cmpuint(feature.kind, ==, OMP_KIND_PEN);
        g_assert_cmpuint(feature.needles, ==, 16);
        g_assert_cmpuint(feature.area_centi_mm2, ==, 7854);
        g_assert_cmpuint(feature.max_depth_um, ==, 2500);
        g_assert_cmphex(feature.bits, ==, OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_STROKES);
        g_assert_cmpuint(feature.full_scale_mn + feature.sample_rate_hz + feature.capacity, ==, 0);

        /* A pass of a roller is no puncture of each needle; a level is no force. */
        profile.stroke_is_pass = true;
        profile.meanings = 1u << VENDOR_FORCE_LEVEL | 1u << VENDOR_OVERPRESSURE;
        profile.actions = &stop;
        profile.n_actions = 1;
        vendor_feature(&profile, &feature);
        g_assert_cmpuint(feature.needles, ==, 0);
        g_assert_cmphex(feature.bits, ==, OMP_FEATURE_OVERPRESSURE | OMP_FEATURE_REMOTE_STOP);
}

/* ---- The way back ---- */

static void assert_encodes(VendorField f, double value, const char *before, const char *after) {
        Program p = { .fields = { f } };
        Value v = value_from_hex(before), expected = value_from_hex(after);
        g_autofree uint8_t *data = g_memdup2(v.octets, v.size);

        link_up(&p, 1);
        g_assert_cmpint(vendor_check(&p.profile), ==, 0);
        g_assert_cmpint(vendor_encode_field(&p.profile, 0, value, data, v.size), ==, 0);
        g_assert_cmpmem(data, v.size, expected.octets, expected.size);
        /* And read again it is what was meant. */
        g_assert_cmpint(vendor_decode(&p.profile, 0, data, v.size, &reading), ==, 0);
        g_assert_cmpfloat_with_epsilon(reading.values[0].value, value, 1e-6 + fabs((double) f.scale_num / (double) f.den) / 2);
}

static void test_encode(void) {
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_U16 }, 0x1234, "00 00 ff", "34 12 ff");
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_S24, .big_endian = true, .offset = -3 }, -2, "11 00 00 00", "11 ff ff fe");
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_U48 }, 0x010203040506, "00 00 00 00 00 00", "06 05 04 03 02 01");
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_U8, .bit_lsb = 2, .bit_width = 3 }, 5, "ff", "f7");
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_S8, .bit_lsb = 4, .bit_width = 4 }, -1, "05", "f5");
        assert_encodes((VendorField) { .name = "f", .type = VENDOR_U16, .scale_num = 196133, .den = 20000 }, 1471, "00 00", "96 00");
        assert_encodes((VendorField) { .name = "f", .type = VENDOR_U8, .scale_num = 1, .bias_num = -40, .den = 1 }, -40, "ff", "00");
        assert_encodes((VendorField) { WHOLE, .type = VENDOR_F32 }, 1, "00 00 00 00", "00 00 80 3f");
}

/* A field that is written is there: its conditions are made to hold, and there is an entry. */
static void test_encode_announces(void) {
        assert_encodes((VendorField) { WHOLE, .offset = 3, .n_conditions = 3, .conditions = {
                { 0, 0x0f, VENDOR_EQUAL, 1 }, { 1, 0xf0, VENDOR_NOT_EQUAL, 0x20 }, { 2, 0x0f, VENDOR_AT_LEAST, 3 } } }, 9,
                "a0 21 10 00", "a1 31 1f 09");
        /* What holds already stays. */
        assert_encodes((VendorField) { WHOLE, .offset = 3, .n_conditions = 3, .conditions = {
                { 0, 0x0f, VENDOR_EQUAL, 1 }, { 1, 0xf0, VENDOR_NOT_EQUAL, 0x20 }, { 2, 0x0f, VENDOR_AT_LEAST, 3 } } }, 9,
                "a1 01 13 00", "a1 01 13 09");
        assert_encodes((VendorField) { WHOLE, .offset = 1, .count = VENDOR_COUNT_OCTET, .stride = 1, .count_divisor = 4 }, 9, "00 00", "04 09");
        assert_encodes((VendorField) { WHOLE, .offset = 1, .count = VENDOR_COUNT_OCTET, .stride = 1, .count_divisor = 1 }, 9, "01 00", "01 09");
}

static void test_encode_refuses(void) {
        Program p = { .fields = { { WHOLE, .type = VENDOR_U8 }, { WHOLE, .type = VENDOR_SFLOAT }, { WHOLE, .type = VENDOR_F32 },
                                  { WHOLE, .offset = 0, .n_conditions = 1, .conditions = { { 4, 0xff, VENDOR_EQUAL, 1 } } } } };
        VendorProfile *profile = link_up(&p, 4);
        uint8_t data[4] = {};

        g_assert_cmpint(vendor_encode_field(profile, 0, 255, data, 4), ==, 0);
        g_assert_cmpint(vendor_encode_field(profile, 0, 256, data, 4), ==, -EINVAL);
        g_assert_cmpint(vendor_encode_field(profile, 0, -1, data, 4), ==, -EINVAL);
        g_assert_cmpint(vendor_encode_field(profile, 0, NAN, data, 4), ==, -EINVAL);
        g_assert_cmpint(vendor_encode_field(profile, 0, 1, data, 0), ==, -ERANGE);
        g_assert_cmpint(vendor_encode_field(profile, 1, 1, data, 4), ==, -EOPNOTSUPP);
        g_assert_cmpint(vendor_encode_field(profile, 2, 1e300, data, 4), ==, -EINVAL);
        g_assert_cmpint(vendor_encode_field(profile, 3, 1, data, 4), ==, -ERANGE);
        g_assert_cmpint(vendor_encode_field(profile, 4, 1, data, 4), ==, -EINVAL);
        p.fields[0].type = VENDOR_S16;
        g_assert_cmpint(vendor_encode_field(profile, 0, 32767, data, 4), ==, 0);
        g_assert_cmpint(vendor_encode_field(profile, 0, 32768, data, 4), ==, -EINVAL);
        g_assert_cmpint(vendor_encode_field(profile, 0, -32768, data, 4), ==, 0);
        g_assert_cmpint(vendor_encode_field(profile, 0, -32769, data, 4), ==, -EINVAL);
        p.fields[0].scale_num = 0;
        g_assert_cmpint(vendor_encode_field(profile, 0, 1, data, 4), ==, -EOPNOTSUPP);
        p.fields[0] = (VendorField) { WHOLE, .count = VENDOR_COUNT_OCTET, .stride = 1, .count_divisor = 1, .count_offset = 4 };
        g_assert_cmpint(vendor_encode_field(profile, 0, 1, data, 4), ==, -ERANGE);
        p.ch.n_fields = 0; /* no characteristic's */
        g_assert_cmpint(vendor_encode_field(profile, 0, 1, data, 4), ==, -EINVAL);
}

static void test_seal(void) {
        static const uint8_t kinds[] = { VENDOR_CHECK_NONE, VENDOR_CHECK_SUM8, VENDOR_CHECK_XOR8, VENDOR_CHECK_CRC16_MCRF4XX };
        Program p = { .ch = { .n_header = 2, .header = { 0xa5, 0 }, .header_mask = { 0xff, 0 } }, .fields = { { WHOLE, .offset = 2 } } };
        VendorProfile *profile = link_up(&p, 1);

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                uint8_t data[6] = { 0, 0x77, 9, 1 };
                int16_t at = kinds[i] == VENDOR_CHECK_CRC16_MCRF4XX ? -2 : -1;

                p.ch.check = kinds[i];
                p.ch.check_end = p.ch.check_at = at;
                g_assert_cmpint(vendor_seal(profile, 0, data, 6), ==, 0);
                g_assert_cmphex(data[1], ==, 0x77); /* any octet stays what it is */
                g_assert_cmpint(vendor_decode(profile, 0, data, 6, &reading), ==, 0);
                if (kinds[i] != VENDOR_CHECK_NONE) {
                        data[3] ^= 1;
                        g_assert_cmpint(vendor_decode(profile, 0, data, 6, &reading), ==, -EBADMSG);
                }
                g_assert_cmpint(vendor_seal(profile, 0, data, 1), ==, -ERANGE);
                g_assert_cmpint(vendor_seal(profile, 1, data, 6), ==, -ENOENT);
        }
        p.ch.n_header = 0;
        g_assert_cmpint(vendor_seal(profile, 0, &(uint8_t) { 0 }, 1), ==, -ERANGE);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/vendor/types", test_types);
        g_test_add_func("/vendor/types-one-octet-short", test_types_one_octet_short);
        g_test_add_func("/vendor/floats", test_floats);
        g_test_add_func("/vendor/sfloat", test_sfloat);
        g_test_add_func("/vendor/bits", test_bits);
        g_test_add_func("/vendor/rational", test_rational);
        g_test_add_func("/vendor/invalid-and-range", test_invalid_and_range);
        g_test_add_func("/vendor/enum", test_enum);
        g_test_add_func("/vendor/length", test_length);
        g_test_add_func("/vendor/longest", test_longest);
        g_test_add_func("/vendor/header", test_header);
        g_test_add_func("/vendor/checks", test_checks);
        g_test_add_func("/vendor/offsets", test_offsets);
        g_test_add_func("/vendor/conditions", test_conditions);
        g_test_add_func("/vendor/repeat-fixed", test_repeat_fixed);
        g_test_add_func("/vendor/repeat-to-the-end", test_repeat_to_the_end);
        g_test_add_func("/vendor/repeat-counted", test_repeat_counted);
        g_test_add_func("/vendor/cut", test_cut);
        g_test_add_func("/vendor/names", test_names);
        g_test_add_func("/vendor/feature", test_feature);
        g_test_add_func("/vendor/encode", test_encode);
        g_test_add_func("/vendor/encode-announces", test_encode_announces);
        g_test_add_func("/vendor/encode-refuses", test_encode_refuses);
        g_test_add_func("/vendor/seal", test_seal);
        return g_test_run();
}
