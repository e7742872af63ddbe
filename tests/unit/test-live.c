/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"

/* 1.4 */
#define PEN "01 1b 02 01 4e 61 bc 00 52 03 96 05 40 e2 01 00 26 61 f4 01"
#define PEN_CRC "37 9f 03 01 36 65 bc 00 30 0c 5a 14 4c e2 01 00 2a 65 f4 01 b8 1a 9c 01 3c 6d 01 00 " \
                "03 fc 59"
#define ROLLER "08 13 07 00 4e 61 bc 00 e2 04 6c 07 2a 00 00 00 26 3e 23 0f 00 00"
#define ROLLER_CRC "08 93 07 00 4e 61 bc 00 e2 04 6c 07 2a 00 00 00 26 3e 23 0f 00 00 d1 bd"

#define BASE 18

static const size_t field_size[] = { 2, 2, 2, 4, 4, 1, 2 };

/* All optional fields, each with a value of its own. */
static const OmpLive full = {
        .flags = 0x7f | OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_SESSION | OMP_LIVE_CRC,
        .sequence = 0x1112, .tick = 0x21222324, .force_mean_mn = -0x3132, .force_peak_mn = 0x3334,
        .strokes = 0x41424344, .last_stroke = 0x5152, .depth_um = 0x6162, .rate_per_min = 0x7172,
        .current_ma = 0x8182, .distance_mm = 0x91929394, .contact_ms = 0xa1a2a3a4, .area = 0xb1,
        .passes = 0xc1c2,
};

DEFINE_TRY(try_decode, OmpLive, omp_live_decode)

static int decode_raw(const uint8_t *data, size_t size) {
        OmpLive live;

        return omp_live_decode(data, size, &live);
}

static OmpLive decode_value(const Value *v) {
        OmpLive live;

        g_assert_cmpint(DECODE(omp_live_decode, v, &live), ==, 0);
        return live;
}

static OmpLive decode_hex(const char *hex) {
        Value v = value_from_hex(hex);

        return decode_value(&v);
}

/* The value of the profile's table, octet by octet and without the encoder. */
static Value build(uint16_t flags) {
        static const char fields[] = "62 61 72 71 82 81 94 93 92 91 a4 a3 a2 a1 b1 c2 c1";
        Value v = value_from_hex("00 00 12 11 24 23 22 21 ce ce 34 33 44 43 42 41 52 51");
        Value all = value_from_hex(fields);
        const uint8_t *p = all.octets;

        v.octets[0] = (uint8_t) flags;
        v.octets[1] = (uint8_t) (flags >> 8);
        for (size_t i = 0; i < G_N_ELEMENTS(field_size); p += field_size[i++])
                if (flags & 1u << i) {
                        memcpy(v.octets + v.size, p, field_size[i]);
                        v.size += field_size[i];
                }
        if (flags & 0x8000) {
                v.size += 2;
                value_seal(&v);
        }

        return v;
}

/* What is not there is 0. */
static void assert_full(const OmpLive *live, uint16_t flags) {
        g_assert_cmphex(live->flags, ==, flags);
        g_assert_cmphex(live->sequence, ==, full.sequence);
        g_assert_cmphex(live->tick, ==, full.tick);
        g_assert_cmpint(live->force_mean_mn, ==, full.force_mean_mn);
        g_assert_cmpint(live->force_peak_mn, ==, full.force_peak_mn);
        g_assert_cmphex(live->strokes, ==, full.strokes);
        g_assert_cmphex(live->last_stroke, ==, full.last_stroke);
        g_assert_cmphex(live->depth_um, ==, flags & OMP_LIVE_DEPTH ? full.depth_um : 0);
        g_assert_cmphex(live->rate_per_min, ==, flags & OMP_LIVE_RATE ? full.rate_per_min : 0);
        g_assert_cmphex(live->current_ma, ==, flags & OMP_LIVE_CURRENT ? full.current_ma : 0);
        g_assert_cmphex(live->distance_mm, ==, flags & OMP_LIVE_DISTANCE ? full.distance_mm : 0);
        g_assert_cmphex(live->contact_ms, ==, flags & OMP_LIVE_CONTACT_TIME ? full.contact_ms : 0);
        g_assert_cmphex(live->area, ==, flags & OMP_LIVE_AREA ? full.area : 0);
        g_assert_cmphex(live->passes, ==, flags & OMP_LIVE_PASSES ? full.passes : 0);
}

static void assert_encodes(const OmpLive *live, size_t space, const Value *expected) {
        g_autofree uint8_t *buf = g_malloc(space);
        int r = omp_live_encode(live, buf, space);

        g_assert_cmpint(r, ==, (int) expected->size);
        g_assert_cmpmem(buf, (size_t) r, expected->octets, expected->size);
}

static void vector_pen(void) {
        OmpLive live = decode_hex(PEN);

        g_assert_cmphex(live.flags, ==, OMP_LIVE_DEPTH | OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR |
                                        OMP_LIVE_SESSION);
        g_assert_cmpuint(live.sequence, ==, 258);
        g_assert_cmpuint(live.tick, ==, 12345678);
        g_assert_cmpint(live.force_mean_mn, ==, 850);
        g_assert_cmpint(live.force_peak_mn, ==, 1430);
        g_assert_cmpuint(live.strokes, ==, 123456);
        g_assert_cmphex(live.last_stroke, ==, 0x6126);
        /* 4 ms ago */
        g_assert_cmpuint((uint16_t) (live.tick - live.last_stroke) * OMP_TICK_USEC, ==, 4000);
        g_assert_cmpuint(live.depth_um, ==, 500);
        ASSERT_ENCODES(omp_live_encode, &live, 20, PEN);
}

static void vector_pen_crc(void) {
        OmpLive live = decode_hex(PEN_CRC), before = decode_hex(PEN);

        g_assert_cmphex(live.flags, ==, OMP_LIVE_DEPTH | OMP_LIVE_RATE | OMP_LIVE_CURRENT |
                                        OMP_LIVE_CONTACT_TIME | OMP_LIVE_AREA | OMP_LIVE_CONTACT_YES |
                                        OMP_LIVE_OVERPRESSURE | OMP_LIVE_MOTOR | OMP_LIVE_SESSION |
                                        OMP_LIVE_CRC);
        g_assert_cmpuint(live.sequence, ==, 259);
        g_assert_cmpuint(live.tick, ==, before.tick + 1000); /* + 100 ms */
        g_assert_cmpint(live.force_mean_mn, ==, 3120);
        g_assert_cmpint(live.force_peak_mn, ==, 5210);
        g_assert_cmpuint(live.strokes, ==, 123468);
        /* "Δstrokes 12 / Δlast 1028 ticks" */
        g_assert_cmpuint(live.strokes - before.strokes, ==, 12);
        g_assert_cmpuint((uint16_t) (live.last_stroke - before.last_stroke), ==, 1028);
        g_assert_cmpuint(live.depth_um, ==, 500);
        g_assert_cmpuint(live.rate_per_min, ==, 6840);
        g_assert_cmpuint(live.current_ma, ==, 412);
        g_assert_cmpuint(live.contact_ms, ==, 93500);
        g_assert_cmpuint(live.area, ==, 3);
        g_assert_cmpuint(live.distance_mm, ==, 0);
        g_assert_cmpuint(live.passes, ==, 0);
        ASSERT_ENCODES(omp_live_encode, &live, 31, PEN_CRC);
}

static void assert_roller(const OmpLive *live, uint16_t crc) {
        g_assert_cmphex(live->flags, ==, OMP_LIVE_DISTANCE | OMP_LIVE_CONTACT_YES | OMP_LIVE_SESSION | crc);
        g_assert_cmpuint(live->sequence, ==, 7);
        g_assert_cmpuint(live->tick, ==, 12345678);
        g_assert_cmpint(live->force_mean_mn, ==, 1250);
        g_assert_cmpint(live->force_peak_mn, ==, 1900);
        g_assert_cmpuint(live->strokes, ==, 42);
        g_assert_cmphex(live->last_stroke, ==, 0x3e26);
        g_assert_cmpuint(live->distance_mm, ==, 3875);
}

static void vector_roller(void) {
        OmpLive live = decode_hex(ROLLER);

        assert_roller(&live, 0);
        ASSERT_ENCODES(omp_live_encode, &live, 22, ROLLER);
}

static void vector_roller_crc(void) {
        OmpLive live = decode_hex(ROLLER_CRC);

        assert_roller(&live, OMP_LIVE_CRC);
        ASSERT_ENCODES(omp_live_encode, &live, 24, ROLLER_CRC);
}

static void every_presence_combination(void) {
        for (unsigned presence = 0; presence < 128; presence++)
                for (unsigned crc = 0; crc <= 0x8000; crc += 0x8000) {
                        uint16_t flags = (uint16_t) (presence | OMP_LIVE_CONTACT_NO | crc);
                        Value v = build(flags);
                        OmpLive live = decode_value(&v);

                        assert_full(&live, flags);
                        assert_encodes(&live, v.size, &v);
                        assert_encodes(&live, 512, &v);
                }
}

static void every_presence_combination_short(void) {
        for (unsigned presence = 0; presence < 128; presence++)
                for (unsigned crc = 0; crc <= 0x8000; crc += 0x8000)
                        for (Value v = build((uint16_t) (presence | crc)); v.size-- > 0;)
                                g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
}

/* "Unknown presence bits mean extra octets after the known ones." */
static void unknown_presence_bit(void) {
        for (unsigned presence = 0; presence < 128; presence++)
                for (unsigned crc = 0; crc <= 0x8000; crc += 0x8000)
                        for (size_t extra = 0; extra <= 8; extra++) {
                                uint16_t flags = (uint16_t) (presence | 0x80 | crc);
                                Value v = build(flags), known = build((uint16_t) (presence | crc));
                                OmpLive live;

                                value_append(&v, extra, crc);
                                live = decode_value(&v);
                                assert_full(&live, flags);
                                /* It is not ours to repeat: we don't know what it says. */
                                assert_encodes(&live, 512, &known);
                        }
}

static void every_flag_combination(void) {
        for (unsigned high = 0; high < 256; high++) {
                uint16_t flags = (uint16_t) (high << 8 | OMP_LIVE_DEPTH), expected = flags;
                Value v = build(flags), sent;
                OmpLive live = decode_value(&v);

                if ((flags & OMP_LIVE_CONTACT_MASK) == 0x100) /* "Contact 1 = as 0" */
                        expected &= (uint16_t) ~OMP_LIVE_CONTACT_MASK;
                assert_full(&live, expected);

                sent = build(expected);
                assert_encodes(&live, 512, &sent);
                live.flags = flags;
                assert_encodes(&live, 512, &sent);
        }
}

static void force_not_available(void) {
        static const char hex[] = "00 03 00 00 00 00 00 00 00 80 00 80 00 00 00 00 00 00";
        OmpLive live = decode_hex(hex);

        g_assert_cmpint(live.force_mean_mn, ==, OMP_FORCE_UNKNOWN);
        g_assert_cmpint(live.force_peak_mn, ==, OMP_FORCE_UNKNOWN);
        g_assert_cmpint(OMP_FORCE_UNKNOWN, ==, -32768);
        ASSERT_ENCODES(omp_live_encode, &live, 18, hex);
}

static void force_saturated(void) {
        static const char hex[] = "00 23 00 00 00 00 00 00 01 80 ff 7f 00 00 00 00 00 00";
        OmpLive live = decode_hex(hex);

        g_assert_true(live.flags & OMP_LIVE_SATURATED);
        g_assert_cmpint(live.force_mean_mn, ==, -32767);
        g_assert_cmpint(live.force_peak_mn, ==, 32767);
        ASSERT_ENCODES(omp_live_encode, &live, 18, hex);
}

static void appended_octets_ignored(void) {
        Value v = value_from_hex(ROLLER_CRC);
        OmpLive live;

        check_appended(try_decode, PEN, false);
        check_appended(try_decode, PEN_CRC, true);
        check_appended(try_decode, ROLLER, false);
        check_appended(try_decode, ROLLER_CRC, true);

        value_append(&v, 3, true);
        live = decode_value(&v);
        assert_roller(&live, OMP_LIVE_CRC);
}

static void bad_crc(void) {
        check_bad_crc(try_decode, PEN_CRC, 1, 0x80);
        check_bad_crc(try_decode, ROLLER_CRC, 1, 0x80);
        check_crc_is_last(try_decode, PEN_CRC);
}

static void lengths(void) {
        Value v = { .size = 513 };

        check_short(try_decode, PEN);
        check_short(try_decode, PEN_CRC);
        check_short(try_decode, ROLLER);
        check_short(try_decode, ROLLER_CRC);
        check_zero_length(decode_raw);
        g_assert_cmpint(try_decode(&v), ==, -EMSGSIZE);
}

/* "The device leaves out optional Live fields from the highest bit down (CRC last) until it fits." */
static void fields_left_out_until_it_fits(void) {
        uint16_t flags = full.flags;
        size_t need = BASE + 17 + 2, more = 100;

        for (size_t i = G_N_ELEMENTS(field_size) + 1;; i--) {
                /* From the room that this set needs, up to one octet less than the next larger set needs. */
                Value v = build(flags);

                g_assert_cmpuint(v.size, ==, need);
                for (size_t space = need; space < need + more; space++)
                        assert_encodes(&full, space, &v);

                if (i == 0)
                        break;
                more = i > 1 ? field_size[i - 2] : 2;
                flags &= (uint16_t) ~(i > 1 ? 1u << (i - 2) : OMP_LIVE_CRC);
                need -= more;
        }
        g_assert_cmpuint(need, ==, BASE);
}

static void too_small_for_the_base(void) {
        for (size_t size = 0; size < BASE; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_live_encode(&full, exact, size), ==, -EMSGSIZE);
        }
}

/* 20 octets hold the base "even with CRC or depth". */
static void mtu_23(void) {
        OmpLive live = full;
        uint16_t base = full.flags & ~0x7f;
        Value crc = build(base), depth = build((base & ~OMP_LIVE_CRC) | OMP_LIVE_DEPTH);

        assert_encodes(&live, 20, &crc);
        live.flags &= (uint16_t) ~OMP_LIVE_CRC;
        assert_encodes(&live, 20, &depth);
        g_assert_cmpuint(crc.size, ==, 20);
        g_assert_cmpuint(depth.size, ==, 20);
}

/* The roller's examples "MTU ≥ 25" and "MTU ≥ 27": its distance does not go through a smaller one. */
static void mtu_of_the_roller(void) {
        OmpLive plain = decode_hex(ROLLER), sealed = decode_hex(ROLLER_CRC);
        g_autofree uint8_t *buf = g_malloc(24);

        g_assert_cmpint(omp_live_encode(&plain, buf, 25 - 3), ==, 22);
        g_assert_cmpint(omp_live_encode(&plain, buf, 24 - 3), ==, 18);
        g_assert_cmpint(omp_live_encode(&sealed, buf, 27 - 3), ==, 24);
        g_assert_cmpint(omp_live_encode(&sealed, buf, 26 - 3), ==, 20);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/live/1.4/pen", vector_pen);
        g_test_add_func("/live/1.4/pen-crc", vector_pen_crc);
        g_test_add_func("/live/1.4/roller", vector_roller);
        g_test_add_func("/live/1.4/roller-crc", vector_roller_crc);
        g_test_add_func("/live/1.12/every-presence-combination", every_presence_combination);
        g_test_add_func("/live/1.12/every-presence-combination-short", every_presence_combination_short);
        g_test_add_func("/live/1.12/every-flag-combination", every_flag_combination);
        g_test_add_func("/live/1.1/forward-compatibility/unknown-presence-bit", unknown_presence_bit);
        g_test_add_func("/live/1.1/forward-compatibility/appended-octets-ignored", appended_octets_ignored);
        g_test_add_func("/live/1.1/force/not-available", force_not_available);
        g_test_add_func("/live/1.1/force/saturated", force_saturated);
        g_test_add_func("/live/1.1/crc/bad", bad_crc);
        g_test_add_func("/live/1.12/lengths", lengths);
        g_test_add_func("/live/1.1/size/fields-left-out-until-it-fits", fields_left_out_until_it_fits);
        g_test_add_func("/live/1.1/size/mtu-23", mtu_23);
        g_test_add_func("/live/1.1/size/mtu-of-the-roller", mtu_of_the_roller);
        g_test_add_func("/live/1.1/size/too-small-for-the-base", too_small_for_the_base);
        return g_test_run();
}
