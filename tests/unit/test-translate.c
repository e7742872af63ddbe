/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "session/translate.h"
#include "vendor-text.h"

#define SEC UINT64_C(1000000)

typedef struct Device {
        ProfileFile *file;
        Translate *translate;
        uint64_t now_usec;
        NoteLimits limits;
        Packet packet;                  /* of the newest frame */
        GString *unknown;
} Device;

static void device_clear(Device *d) {
        translate_free(d->translate);
        profile_file_free(d->file);
        g_string_free(d->unknown, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Device, device_clear)

static Device device_of(const char *profile) {
        Device d = { .file = vendor_text(profile), .now_usec = 1000 * SEC, .unknown = g_string_new(NULL) };

        d.translate = translate_new(&d.file->vendor);
        return d;
}

static void tell(const char *what, void *userdata) {
        g_string_append_printf(((Device *) userdata)->unknown, "<%s>", what);
}

/* 100 ms later a packet comes. Returns its live value, NULL if it is none. */
static const OmpLive *say(Device *d, uint8_t channel, const char *hex) {
        uint8_t octets[64];
        Frame frame = { .channel = channel, .data = octets };
        Unknown unknown;

        d->now_usec += SEC / 10;
        frame.boottime_usec = d->now_usec;
        frame.size = (uint16_t) octets_from_hex(hex, octets, sizeof(octets));
        translate_packet(d->translate, &frame, &d->limits, &d->packet);
        unknown_begin(&unknown, tell, d);
        translate_unknown(d->translate, &unknown);
        return d->packet.error >= 0 && d->packet.kind == PACKET_LIVE ? &d->packet.live : NULL;
}

static void test_nothing_is_known_before_it_is_told(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l = say(&d, 1, "01");
        OmpFeature f;

        g_assert_nonnull(l);
        g_assert_cmphex(l->flags, ==, 0);
        g_assert_cmpint(l->force_mean_mn, ==, OMP_FORCE_UNKNOWN);
        g_assert_cmpint(l->force_peak_mn, ==, OMP_FORCE_UNKNOWN);
        g_assert_true(translate_feature(d.translate, &f));
        g_assert_cmphex(f.bits, ==, 0);
        g_assert_cmpint(f.needles, ==, 16);
        g_assert_false(translate_feature(d.translate, &f));
        g_assert_cmpint(translate_battery(d.translate), ==, -1);
}

static void test_feature_grows_with_what_is_told(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        OmpFeature f;

        (void) say(&d, 0, "00 01 e8030000 0a00");
        g_assert_true(translate_feature(d.translate, &f));
        g_assert_cmphex(f.bits, ==, OMP_FEATURE_FORCE | OMP_FEATURE_CONTACT | OMP_FEATURE_OVERPRESSURE | OMP_FEATURE_STROKES);
        (void) say(&d, 0, "01 01 e8030000 0a00");
        g_assert_false(translate_feature(d.translate, &f));
        translate_reset(d.translate, 0);
        g_assert_true(translate_feature(d.translate, &f));
        g_assert_cmphex(f.bits, ==, 0);
}

static void test_one_packet(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l = say(&d, 0, "00 07 e8030000 0a00");

        g_assert_cmphex(l->flags, ==, OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_OVERPRESSURE);
        g_assert_cmpint(l->force_mean_mn, ==, 1000);
        g_assert_cmpint(l->force_peak_mn, ==, 1000);
        g_assert_cmpuint(l->strokes, ==, 0); /* what it had counted before is not ours */
        g_assert_cmpuint(l->tick, ==, d.now_usec / OMP_TICK_USEC);
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_FIRST);
        g_assert_true(d.packet.resumed);

        l = say(&d, 0, "01 00 e8030000 0d00");
        g_assert_cmphex(l->flags, ==, OMP_LIVE_CONTACT_NO);
        g_assert_cmpuint(l->strokes, ==, 3);
        g_assert_cmpuint(l->last_stroke, ==, (uint16_t) l->tick);
        g_assert_false(d.packet.resumed);
}

static void test_several_characteristics_make_one_state(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l;

        (void) say(&d, 0, "00 03 e8030000 0a00");
        l = say(&d, 2, "f401 581b 9c01 05 0200 02");
        g_assert_cmphex(l->flags, ==, OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_DEPTH | OMP_LIVE_RATE | OMP_LIVE_CURRENT |
                                      OMP_LIVE_PASSES | OMP_LIVE_DISTANCE | OMP_LIVE_AREA);
        g_assert_cmpint(l->force_mean_mn, ==, 1000);
        g_assert_cmpint(l->depth_um, ==, 500);
        g_assert_cmpint(l->rate_per_min, ==, 7000);
        g_assert_cmpint(l->current_ma, ==, 412);
        g_assert_cmpint(l->passes, ==, 0);
        g_assert_cmpint(l->distance_mm, ==, 0);
        g_assert_cmpint(l->area, ==, 3); /* cheek-left */
        l = say(&d, 2, "ffff 581b 9c01 07 0500 03");
        g_assert_cmpint(l->depth_um, ==, 500); /* no value: as it was */
        g_assert_cmpint(l->passes, ==, 2);
        g_assert_cmpint(l->distance_mm, ==, 300);
        g_assert_cmphex(l->flags & OMP_LIVE_AREA, ==, 0); /* no area of ours */
        g_assert_false(d.packet.numbered);
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
}

static void test_force_is_held_until_the_next(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 01 e8030000 0a00");
        g_assert_cmpint(say(&d, 0, "01 01 ffffff7f 0b00")->force_mean_mn, ==, 1000);
        g_assert_cmpint(say(&d, 0, "02 01 e9030000 0b00")->force_mean_mn, ==, 1001);
}

static void test_force_is_clamped(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l = say(&d, 0, "00 01 ff7f0000 0000");

        g_assert_cmpint(l->force_mean_mn, ==, 32767);
        g_assert_cmphex(l->flags & OMP_LIVE_SATURATED, ==, 0);
        l = say(&d, 0, "01 01 00800000 0000");
        g_assert_cmpint(l->force_mean_mn, ==, 32767);
        g_assert_cmphex(l->flags & OMP_LIVE_SATURATED, !=, 0);
        l = say(&d, 0, "02 01 0080ffff 0000");
        g_assert_cmpint(l->force_mean_mn, ==, -32767); /* not the number that means unknown */
        g_assert_cmpint(l->force_peak_mn, ==, -32767);
        g_assert_cmphex(l->flags & OMP_LIVE_SATURATED, !=, 0);
        g_assert_cmphex(say(&d, 0, "03 01 0a000000 0000")->flags & OMP_LIVE_SATURATED, ==, 0);
}

static void test_force_of_a_batch(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("force", "data", "0", "u16", "force") "Unit=mN\nRepeat=2;end\n");
        const OmpLive *l = say(&d, 0, "6400 c800 9001");

        g_assert_cmpint(l->force_mean_mn, ==, 233);
        g_assert_cmpint(l->force_peak_mn, ==, 400);
}

/* Two cells under one head: what the skin feels is both. */
static void test_force_of_two_sensors_is_summed(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("left", "data", "0", "u16", "force") "Unit=mN\nRepeat=4;end\nCombine=sum\n"
                                     VENDOR_FIELD("right", "data", "2", "u16", "force") "Unit=mN\nRepeat=4;end\nCombine=sum\n");

        g_assert_cmpint(say(&d, 0, "6400 c800")->force_mean_mn, ==, 300);
        g_assert_cmpint(say(&d, 0, "6400 c800 c800 2c01")->force_mean_mn, ==, 400);
        g_assert_cmpint(d.packet.live.force_peak_mn, ==, 500); /* the largest of the sums */
        g_assert_cmpint(say(&d, 0, "6400 c800")->force_peak_mn, ==, 300);
}

static void test_contact_from_force_with_hysteresis(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("force", "data", "0", "u16", "force") "Unit=mN\n");
        static const struct {
                const char *hex;
                bool contact;
        } steps[] = {
                { "c700", false }, { "c800", true }, { "6400", true }, { "6300", false }, { "c700", false }, { "e803", true },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
                const OmpLive *l = say(&d, 0, steps[i].hex);

                g_assert_cmphex(l->flags & OMP_LIVE_CONTACT_MASK, ==, steps[i].contact ? OMP_LIVE_CONTACT_YES : OMP_LIVE_CONTACT_NO);
                g_assert_cmpint(d.packet.signs.use, ==, steps[i].contact); /* contact is all that it knows */
        }
}

static void test_contact_by_the_limits_that_hold(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("force", "data", "0", "u16", "force") "Unit=mN\n");
        static const struct {
                int on, off;
                const char *hex;
                bool contact;
        } steps[] = {
                { 500, 50, "f301", false }, { 500, 50, "f401", true }, { 500, 50, "3200", true }, { 500, 50, "3100", false },
                { 40, 40, "3100", true }, { 40, 40, "2800", true }, { 40, 40, "2700", false },
                { 1, 0, "0100", true }, { 1, 0, "0000", true }, { 0, 0, "6400", true }, { 0, 7, "6300", false },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
                d.limits.contact_on_mn = steps[i].on;
                d.limits.contact_off_mn = steps[i].off;
                g_assert_cmphex(say(&d, 0, steps[i].hex)->flags & OMP_LIVE_CONTACT_MASK, ==,
                                steps[i].contact ? OMP_LIVE_CONTACT_YES : OMP_LIVE_CONTACT_NO);
        }
}

static void test_total_that_wraps_is_extended(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 03 00000000 faff");
        g_assert_cmpuint(say(&d, 0, "01 03 00000000 0400")->strokes, ==, 10);
        g_assert_cmpuint(say(&d, 0, "02 03 00000000 0600")->strokes, ==, 12);
}

/* No needle moves 65,000 times in a tenth of a second. */
static void test_total_that_falls_began_anew(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 03 00000000 e803");
        g_assert_cmpuint(say(&d, 0, "01 03 00000000 0500")->strokes, ==, 5);
        translate_link_up(d.translate);
        g_assert_cmpuint(say(&d, 0, "00 03 00000000 0700")->strokes, ==, 7);
}

static void test_total_that_wraps_while_the_link_is_away(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 03 00000000 00f0");
        d.now_usec += 60 * SEC;         /* 4,096 to the wrap, 2,000 after it */
        translate_link_up(d.translate);
        g_assert_cmpuint(say(&d, 0, "00 03 00000000 d007")->strokes, ==, 4096 + 2000);
}

static void test_total_without_wrap(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("strokes", "data", "0", "u32", "strokes-total"));

        (void) say(&d, 0, "10000000");
        g_assert_cmpuint(say(&d, 0, "18000000")->strokes, ==, 8);
        g_assert_cmpuint(say(&d, 0, "03000000")->strokes, ==, 11);
        g_assert_cmpuint(say(&d, 0, "ffffffff")->strokes, ==, 11); /* no device does that: the next one counts from there */
        g_assert_cmpuint(say(&d, 0, "01000000")->strokes, ==, 12);
}

/* What OMP's counter of 32 bits cannot hold begins at 0 again, as it would there. */
static void test_totals_beyond_32_bits(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("strokes", "data", "0", "u48", "strokes-total"));
        uint64_t total = 0, shown = 0;

        (void) say(&d, 0, "000000000000");
        while (total < UINT64_C(5000000000)) {
                g_autofree char *hex = NULL;

                d.now_usec += 100000 * SEC;
                total += 50000000;
                hex = g_strdup_printf("%02x%02x%02x%02x%02x00", (unsigned) (total & 0xff), (unsigned) (total >> 8 & 0xff),
                                      (unsigned) (total >> 16 & 0xff), (unsigned) (total >> 24 & 0xff), (unsigned) (total >> 32));
                shown = say(&d, 0, hex)->strokes;
                g_assert_cmpuint(shown, ==, total & UINT32_MAX);
        }
}

/* A state is a word: a number without one says nothing, and nor does a word that means nothing. */
static void test_states_without_a_word(void) {
        g_auto(Device) d = device_of(VENDOR_PEN), plain = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                                                    VENDOR_FIELD("contact", "data", "0", "u8", "contact"));

        (void) say(&d, 1, "02");
        g_assert_true(d.packet.signs.flag);
        (void) say(&d, 1, "09");
        g_assert_true(d.packet.signs.flag);
        (void) say(&d, 1, "00");
        g_assert_false(d.packet.signs.flag);
        /* What is yes or no may be a number. */
        g_assert_cmphex(say(&plain, 0, "00")->flags & OMP_LIVE_CONTACT_MASK, ==, OMP_LIVE_CONTACT_NO);
        g_assert_cmphex(say(&plain, 0, "02")->flags & OMP_LIVE_CONTACT_MASK, ==, OMP_LIVE_CONTACT_YES);
}

static void test_deltas_are_added_up(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("a", "data", "0", "s8", "strokes-delta") "Combine=sum\n"
                                     VENDOR_FIELD("b", "data", "1", "s8", "strokes-delta") "Combine=sum\n");

        g_assert_cmpuint(say(&d, 0, "03 04")->strokes, ==, 7);
        g_assert_true(d.packet.signs.use);
        g_assert_cmpuint(say(&d, 0, "00 00")->strokes, ==, 7);
        g_assert_false(d.packet.signs.use);
        g_assert_cmpuint(say(&d, 0, "01 02")->strokes, ==, 10);
        g_assert_cmpuint(say(&d, 0, "fe 01")->strokes, ==, 10); /* strokes are not taken back */
}

/* It tells the same strokes in three places: they are counted in one. */
static void test_strokes_are_counted_once(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("total", "data", "0", "u8", "strokes-total") "Wrap=8\n"
                                     VENDOR_FIELD("delta", "data", "1", "u8", "strokes-delta")
                                     VENDOR_CHAR("more", "1") VENDOR_FIELD("again", "more", "0", "u16", "strokes-total"));

        (void) say(&d, 0, "0a 02");
        (void) say(&d, 1, "e803");
        g_assert_cmpuint(say(&d, 0, "0d 03")->strokes, ==, 3);
        g_assert_cmpuint(say(&d, 1, "eb03")->strokes, ==, 3);
}

static void test_motor_by_its_speed(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("speed", "data", "0", "u16", "motor-speed") "Unit=/min\n");

        g_assert_cmphex(say(&d, 0, "581b")->flags, ==, OMP_LIVE_MOTOR);
        g_assert_true(d.packet.signs.use); /* contact cannot be known */
        g_assert_cmphex(say(&d, 0, "0000")->flags, ==, 0);
        g_assert_true(d.packet.signs.rest);
}

static void test_session_state(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        static const struct {
                const char *hex;
                bool flag;
        } steps[] = {
                { "00", false }, { "02", true }, { "03", true }, { "01", false }, { "03", true },
                { "09", true }, { "07", true }, /* unknown: it may well go on */
                { "00", false },
        };

        (void) say(&d, 0, "00 00 00000000 0000");
        g_assert_false(d.packet.signs.knows_flag);
        for (unsigned i = 0; i < G_N_ELEMENTS(steps); i++) {
                g_test_message("state %s", steps[i].hex);
                (void) say(&d, 1, steps[i].hex);
                if (steps[i].hex[1] != '9' && steps[i].hex[1] != '7')
                        g_assert_true(d.packet.signs.knows_flag);
                (void) say(&d, 0, "01 00 00000000 0000");
                (void) say(&d, 2, "f401 581b 9c01 05 0200 02");
                g_assert_cmpint(d.packet.signs.flag, ==, steps[i].flag);
                g_assert_cmpint(d.packet.signs.way, ==, FLAG_WAY_LIVE);
        }
        g_assert_cmpstr(d.unknown->str, ==, "<field state unknown-7>");
}

/* A brush that tells nothing but that it runs, and for how long. */
static void test_use_of_a_device_that_only_has_a_session(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("state", "0")
                                     VENDOR_FIELD("state", "state", "0", "u8", "session-state") "Enum=2:idle;3:running\n"
                                     VENDOR_CHAR("time", "1") VENDOR_FIELD("time", "time", "0", "u8", "session-time") "Unit=s\n");

        g_assert_null(say(&d, 1, "05"));
        g_assert_false(d.packet.signs.use);
        g_assert_nonnull(say(&d, 0, "03"));
        g_assert_true(d.packet.signs.use);
        g_assert_null(say(&d, 1, "06"));
        g_assert_true(d.packet.signs.use);
        (void) say(&d, 0, "02");
        g_assert_true(d.packet.signs.rest);
}

static void test_use_is_in_contact_where_that_is_known(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 02 00000000 0000");
        g_assert_false(d.packet.signs.use); /* motor, lifted */
        (void) say(&d, 0, "01 01 00000000 0000");
        g_assert_false(d.packet.signs.use); /* contact alone */
        (void) say(&d, 0, "02 01 00000000 0100");
        g_assert_true(d.packet.signs.use); /* a stroke in contact */
        (void) say(&d, 0, "03 03 00000000 0100");
        g_assert_true(d.packet.signs.use); /* the motor in contact */
}

static void test_battery_is_no_live_value(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 00 00000000 0000");
        g_assert_null(say(&d, 3, "57"));
        g_assert_cmpint(d.packet.kind, ==, PACKET_OTHER);
        g_assert_false(d.packet.signs.rest || d.packet.signs.use || d.packet.signs.knows_flag);
        g_assert_cmpint(translate_battery(d.translate), ==, 87);
        (void) say(&d, 3, "ff");
        g_assert_cmpint(translate_battery(d.translate), ==, 100);
}

static void test_numbers_of_8_bits(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "fe 01 00000000 0000");
        (void) say(&d, 0, "ff 01 00000000 0000");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
        (void) say(&d, 0, "00 01 00000000 0000");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
        (void) say(&d, 0, "03 01 00000000 0000");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_GAP);
        g_assert_cmpuint(d.packet.missing, ==, 2);
        for (unsigned i = 0; i < 600; i++) {
                g_autofree char *hex = g_strdup_printf("%02x 01 00000000 0000", (4 + i) & 0xff);

                (void) say(&d, 0, hex);
                g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
        }
        translate_link_up(d.translate);
        (void) say(&d, 0, "03 01 00000000 0000");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_FIRST);
}

static void test_numbers_of_16_bits(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("n", "data", "0", "u16", "sequence") "Wrap=16\n"
                                     VENDOR_FIELD("force", "data", "2", "u16", "force") "Unit=mN\n");

        (void) say(&d, 0, "ffff 0000");
        (void) say(&d, 0, "0000 0000");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
        (void) say(&d, 0, "2c01 0000");
        g_assert_cmpuint(d.packet.missing, ==, 299);
}

/* A number that is not said to wrap does so at its own width: four bits of an octet are not packets from before. */
static void test_numbers_of_any_width(void) {
        g_auto(Device) octet = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0") VENDOR_FIELD("n", "data", "0", "u8", "sequence")
                                         VENDOR_FIELD("force", "data", "1", "u8", "force") "Unit=mN\n");
        g_auto(Device) nibble = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                          VENDOR_FIELD("n", "data", "0", "u8", "sequence") "Bits=4:4\n"
                                          VENDOR_FIELD("force", "data", "1", "u8", "force") "Unit=mN\n");
        g_auto(Device) sign = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0") VENDOR_FIELD("n", "data", "0", "s8", "sequence")
                                        VENDOR_FIELD("force", "data", "1", "u8", "force") "Unit=mN\n");

        for (unsigned i = 0; i < 600; i++) {
                g_autofree char *whole = g_strdup_printf("%02x 01", i & 0xff), *half = g_strdup_printf("%x5 01", i & 0xf);
                OmpArrival arrival = i == 0 ? OMP_ARRIVAL_FIRST : OMP_ARRIVAL_NEXT;

                g_assert_nonnull(say(&octet, 0, whole));
                g_assert_cmpint(octet.packet.arrival, ==, arrival);
                g_assert_nonnull(say(&nibble, 0, half));
                g_assert_cmpint(nibble.packet.arrival, ==, arrival);
                g_assert_nonnull(say(&sign, 0, whole));
                g_assert_cmpint(sign.packet.arrival, ==, arrival);
        }
        (void) say(&nibble, 0, "a5 01");
        g_assert_cmpint(nibble.packet.arrival, ==, OMP_ARRIVAL_GAP);
        g_assert_cmpuint(nibble.packet.missing, ==, 2);
}

/* A float has no number that a packet could be placed by. */
static void test_a_float_numbers_nothing(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0") VENDOR_FIELD("n", "data", "0", "f32", "sequence")
                                     VENDOR_FIELD("force", "data", "4", "u8", "force") "Unit=mN\n");

        g_assert_nonnull(say(&d, 0, "0000803f 01"));
        g_assert_nonnull(say(&d, 0, "00000040 01"));
        g_assert_false(d.packet.numbered);
}

static void test_late_packets_change_no_state(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l;

        (void) say(&d, 0, "00 03 64000000 0000");
        (void) say(&d, 0, "02 01 64000000 0a00");
        l = say(&d, 0, "01 06 d0070000 0500");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_LATE);
        g_assert_cmpint(l->force_peak_mn, ==, 2000);
        g_assert_null(say(&d, 0, "01 06 d0070000 0500")); /* and again */
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_DUPLICATE);
        l = say(&d, 0, "03 01 64000000 0b00");
        g_assert_cmphex(l->flags, ==, OMP_LIVE_CONTACT_YES);
        g_assert_cmpuint(l->strokes, ==, 11);
}

static void test_late_deltas_did_happen(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("n", "data", "0", "u8", "sequence") "Wrap=8\n"
                                     VENDOR_FIELD("strokes", "data", "1", "u8", "strokes-delta"));

        (void) say(&d, 0, "00 01");
        (void) say(&d, 0, "02 01");
        (void) say(&d, 0, "01 05");
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_LATE);
        g_assert_cmpuint(say(&d, 0, "03 01")->strokes, ==, 8);
}

static void test_late_force_of_two_sensors_is_summed(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("n", "data", "0", "u8", "sequence") "Wrap=8\n"
                                     VENDOR_FIELD("left", "data", "1", "u16", "force") "Unit=mN\nCombine=sum\n"
                                     VENDOR_FIELD("right", "data", "3", "u16", "force") "Unit=mN\nCombine=sum\n");

        (void) say(&d, 0, "00 6400 c800");
        (void) say(&d, 0, "02 6400 c800");
        g_assert_cmpint(say(&d, 0, "01 c800 2c01")->force_peak_mn, ==, 500);
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_LATE);
}

static void test_link_up_makes_states_unknown(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);
        const OmpLive *l;

        (void) say(&d, 0, "00 07 e8030000 0a00");
        (void) say(&d, 1, "02");
        (void) say(&d, 2, "f401 581b 9c01 05 0200 02");
        (void) say(&d, 3, "57");
        translate_link_up(d.translate);
        g_assert_cmpint(translate_battery(d.translate), ==, -1);
        l = say(&d, 1, "01");
        g_assert_cmphex(l->flags, ==, OMP_LIVE_PASSES | OMP_LIVE_DISTANCE); /* counters go on */
        g_assert_cmpint(l->force_mean_mn, ==, OMP_FORCE_UNKNOWN);
        g_assert_true(d.packet.resumed);
        translate_reset(d.translate, 0);
        g_assert_cmphex(say(&d, 1, "01")->flags, ==, 0);
}

static void test_malformed(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        (void) say(&d, 0, "00 03 64000000 0000");
        g_assert_null(say(&d, 0, "01 00 64"));
        g_assert_cmpint(d.packet.error, <, 0);
        g_assert_false(d.packet.numbered);
        g_assert_cmphex(say(&d, 0, "01 03 64000000 0000")->flags, ==, OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR);
        g_assert_cmpint(d.packet.arrival, ==, OMP_ARRIVAL_NEXT);
}

static void test_no_such_characteristic(void) {
        g_auto(Device) d = device_of(VENDOR_PEN);

        for (unsigned channel = 4; channel < 256; channel++) {
                g_assert_null(say(&d, (uint8_t) channel, "00"));
                g_assert_cmpint(d.packet.kind, ==, PACKET_UNKNOWN);
                g_assert_cmpint(d.packet.error, ==, 0);
        }
}

/* A level is measured, and so may be what has no meaning: that it has no name may be told, its number not. */
static void test_unknown_names(void) {
        g_auto(Device) d = device_of(VENDOR_HEAD VENDOR_CHAR("data", "0")
                                     VENDOR_FIELD("mode", "data", "0", "s8", "button") "Enum=0:none\n"
                                     VENDOR_FIELD("level", "data", "1", "u8", "force-level") "Enum=0:low;1:high\n"
                                     VENDOR_FIELD("speed", "data", "2", "u8", "motor-speed") "Enum=0:off\n"
                                     "[Field pulse]\nChar=data\nOffset=3\nType=u8\nEnum=0:none\n");

        (void) say(&d, 0, "00 01 00 00");
        g_assert_cmpstr(d.unknown->str, ==, "");
        (void) say(&d, 0, "fd 07 75 48");
        g_assert_cmpstr(d.unknown->str, ==, "<field mode unknown--3><field level unknown><field speed unknown><field pulse unknown>");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/translate/nothing-is-known-before-it-is-told", test_nothing_is_known_before_it_is_told);
        g_test_add_func("/translate/feature-grows-with-what-is-told", test_feature_grows_with_what_is_told);
        g_test_add_func("/translate/one-packet", test_one_packet);
        g_test_add_func("/translate/several-characteristics-make-one-state", test_several_characteristics_make_one_state);
        g_test_add_func("/translate/force-is-held-until-the-next", test_force_is_held_until_the_next);
        g_test_add_func("/translate/force-is-clamped", test_force_is_clamped);
        g_test_add_func("/translate/force-of-a-batch", test_force_of_a_batch);
        g_test_add_func("/translate/force-of-two-sensors-is-summed", test_force_of_two_sensors_is_summed);
        g_test_add_func("/translate/contact-from-force-with-hysteresis", test_contact_from_force_with_hysteresis);
        g_test_add_func("/translate/contact-by-the-limits-that-hold", test_contact_by_the_limits_that_hold);
        g_test_add_func("/translate/total-that-wraps-is-extended", test_total_that_wraps_is_extended);
        g_test_add_func("/translate/total-that-falls-began-anew", test_total_that_falls_began_anew);
        g_test_add_func("/translate/total-that-wraps-while-the-link-is-away", test_total_that_wraps_while_the_link_is_away);
        g_test_add_func("/translate/total-without-wrap", test_total_without_wrap);
        g_test_add_func("/translate/totals-beyond-32-bits", test_totals_beyond_32_bits);
        g_test_add_func("/translate/states-without-a-word", test_states_without_a_word);
        g_test_add_func("/translate/deltas-are-added-up", test_deltas_are_added_up);
        g_test_add_func("/translate/strokes-are-counted-once", test_strokes_are_counted_once);
        g_test_add_func("/translate/motor-by-its-speed", test_motor_by_its_speed);
        g_test_add_func("/translate/session-state", test_session_state);
        g_test_add_func("/translate/use-of-a-device-that-only-has-a-session", test_use_of_a_device_that_only_has_a_session);
        g_test_add_func("/translate/use-is-in-contact-where-that-is-known", test_use_is_in_contact_where_that_is_known);
        g_test_add_func("/translate/battery-is-no-live-value", test_battery_is_no_live_value);
        g_test_add_func("/translate/numbers-of-8-bits", test_numbers_of_8_bits);
        g_test_add_func("/translate/numbers-of-16-bits", test_numbers_of_16_bits);
        g_test_add_func("/translate/numbers-of-any-width", test_numbers_of_any_width);
        g_test_add_func("/translate/a-float-numbers-nothing", test_a_float_numbers_nothing);
        g_test_add_func("/translate/late-packets-change-no-state", test_late_packets_change_no_state);
        g_test_add_func("/translate/late-deltas-did-happen", test_late_deltas_did_happen);
        g_test_add_func("/translate/late-force-of-two-sensors-is-summed", test_late_force_of_two_sensors_is_summed);
        g_test_add_func("/translate/link-up-makes-states-unknown", test_link_up_makes_states_unknown);
        g_test_add_func("/translate/malformed", test_malformed);
        g_test_add_func("/translate/no-such-characteristic", test_no_such_characteristic);
        g_test_add_func("/translate/unknown-names", test_unknown_names);
        return g_test_run();
}
