/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The list 1.12 of the profile, item by item, against the device: what a receiver must be able to take is what this device
 * sends (or can be made to send), and what it is written it takes or refuses the same way. */

#include "conformance.h"

#define LIVE OMP_CHAR_LIVE
#define EVENT OMP_CHAR_EVENT
#define STATUS OMP_CHAR_STATUS
#define CONTROL OMP_CHAR_CONTROL_POINT
#define DATA OMP_CHAR_SESSION_DATA

static Host *connected(const PeripheralConfig *config, unsigned mtu) {
        Host *h = host_new(config, mtu);

        enable_all(h);
        return h;
}

/* "short/long by one": of everything that is written */
static void test_short_and_long_by_one(void) {
        static const struct {
                const char *request, *response;
        } shorter[] = {
                { "01", "20 01 03" }, { "02 01 64", "20 02 03" }, { "02 05", "20 02 03" }, { "04", "20 04 03" },
                { "06", "20 06 03" }, { "08 01", "20 08 03" }, { "0b", "20 0b 03" }, { "10 01 00 00 00 00 00 00", "20 10 03" },
                { "7f 21 4f 4d", "20 7f 03" },
        }, longer[] = {
                { "01 01 00", "20 01 03" }, { "02 01 64 00 00", "20 02 03" }, { "02 05 07 00", "20 02 03" },
                { "03 00", "20 03 03" }, { "04 00 00", "20 04 03" }, { "05 00", "20 05 03" }, { "06 00 00", "20 06 03" },
                { "08 01 01 00", "20 08 03" }, { "09 00", "20 09 03" }, { "0b 01 00", "20 0b 03" },
                { "10 01 00 00 00 00 00 00 00 00", "20 10 03" }, { "11 00", "20 11 03" }, { "7f 21 4f 4d 54 00", "20 7f 03" },
        };
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);

        for (size_t i = 0; i < G_N_ELEMENTS(shorter); i++)
                ask(h, shorter[i].request, shorter[i].response);
        for (size_t i = 0; i < G_N_ELEMENTS(longer); i++)
                ask(h, longer[i].request, longer[i].response);
        refused(h, OMP_CHAR_CLOCK, "32 28 a7 1c 32 00 00 01", 0x83);
        refused(h, OMP_CHAR_CLOCK, "32 28 a7 1c 32 00 00 01 08 00", 0x83);
        writes(h, OMP_CHAR_RACP, "01 03 01 01 00 00");
        expect(h, OMP_CHAR_RACP, "06 00 01 05");
        writes(h, OMP_CHAR_RACP, "01 01 00");
        expect(h, OMP_CHAR_RACP, "06 00 01 05");
}

/* "every flag combination": at each ATT_MTU the optional fields are left out "from the highest bit down (CRC last)" */
static void check_flags(OmpKind kind, bool crc, uint16_t fields) {
        static const uint8_t sizes[] = { 2, 2, 2, 4, 4, 1, 2 };

        for (unsigned mtu = 23; mtu <= 23 + 17; mtu++) {
                PeripheralConfig config = config_of(kind, crc);
                g_autoptr(Host) h = connected(&config, mtu);
                unsigned room = mtu - 3 - 18 - (crc ? 2 : 0);
                uint16_t expected = 0;

                for (unsigned bit = 0; bit < G_N_ELEMENTS(sizes); bit++) {
                        if (!(fields & 1u << bit))
                                continue;
                        if (sizes[bit] > room)
                                break;
                        room -= sizes[bit];
                        expected |= (uint16_t) (1u << bit);
                }

                peripheral_start(h->p);
                run(h, 3 * SEC);
                g_assert_cmpuint(count(h, LIVE), >, 10);
                for (unsigned i = 0; i < count(h, LIVE); i++) {
                        g_assert_cmphex(live(h, i).flags & OMP_LIVE_PRESENCE, ==, expected);
                        g_assert_cmpint(!(live(h, i).flags & OMP_LIVE_CRC), ==, !crc);
                }
        }
}

static void test_flag_combinations(void) {
        check_flags(OMP_KIND_PEN, false, 0x77);
        check_flags(OMP_KIND_PEN, true, 0x77);
        check_flags(OMP_KIND_ROLLER, false, 0x18);
        check_flags(OMP_KIND_ROLLER, true, 0x18);
}

/* "unknown presence bits": what a later minor version appends stands before the CRC, and the known fields stay where they are */
static void test_appended_fields(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = NULL;

        config.flood_hz = 100;
        config.flood_count = 200;
        config.flood_size = 60;
        h = connected(&config, 247);
        run(h, 5 * SEC);
        g_assert_cmpuint(count(h, LIVE), ==, 200);
        for (unsigned i = 0; i < 200; i++) {
                size_t size;

                (void) value(h, LIVE, i, &size);
                g_assert_cmpuint(size, ==, 60);
                g_assert_cmpuint(live(h, i).sequence, ==, i);
                g_assert_cmpuint(live(h, i).depth_um, >, 0);
        }
}

/* "bad/missing CRC": written, they are refused; asked to, it sends one that is bad */
static void test_bad_and_missing_crc(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = connected(&config, 247);
        unsigned bad = 0;

        refused(h, CONTROL, "01 01", 0x80);
        refused(h, CONTROL, "01 01 00 00", 0x81);
        control(h, "malformed", "4");
        peripheral_start(h->p);
        run(h, 3 * SEC);
        for (unsigned i = 0; i < count(h, LIVE); i++) {
                size_t size;
                const uint8_t *data = value(h, LIVE, i, &size);
                OmpLive l;

                bad += omp_live_decode(data, size, &l) == -EBADMSG;
        }
        g_assert_cmpuint(bad, ==, 1);
        for (unsigned i = 0; i < count(h, EVENT); i++)
                g_assert_true(event(h, i).crc);
}

/* "sequence 65535→0" */
static void test_sequence_wraps(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.flood_hz = 10000;
        config.flood_count = 66000;
        h = connected(&config, 247);
        run(h, 20 * SEC);
        g_assert_cmpuint(count(h, LIVE), ==, 66000);
        g_assert_cmpuint(live(h, 65535).sequence, ==, 65535);
        g_assert_cmpuint(live(h, 65536).sequence, ==, 0);
}

/* "tick wrap", after 4.97 days */
static void test_tick_wraps(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        bool wrapped = false;

        run(h, UINT64_C(429496) * SEC - 5 * SEC);
        forget(h, LIVE);
        procedure(h);
        for (unsigned i = h->seen[LIVE] + 1; i < count(h, LIVE); i++) {
                g_assert_cmpuint(live(h, i).tick - live(h, i - 1).tick, ==, 1000);
                wrapped |= live(h, i).tick < live(h, i - 1).tick;
        }
        g_assert_true(wrapped);
}

/* "stroke wrap" */
static void test_strokes_wrap(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;
        bool wrapped = false;

        config.strokes = UINT32_MAX - 200;
        h = connected(&config, 247);
        peripheral_start(h->p);
        run(h, 6 * SEC);
        for (unsigned i = 1; i < count(h, LIVE); i++) {
                g_assert_cmpuint(live(h, i).strokes - live(h, i - 1).strokes, <=, 14);
                wrapped |= live(h, i).strokes < live(h, i - 1).strokes;
        }
        g_assert_true(wrapped);
        g_assert_cmpuint(status(h).session_strokes, >, 200);
}

/* "last-stroke wrap 6.55 s": while the motor runs it is never older than a turn */
static void test_last_stroke_wraps(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        unsigned wraps = 0;

        procedure(h);
        for (unsigned i = 1; i < count(h, LIVE); i++) {
                OmpLive l = live(h, i), before = live(h, i - 1);

                if (l.strokes == before.strokes || before.strokes == 0)
                        continue;
                g_assert_cmpuint((uint16_t) (l.tick - l.last_stroke), <=, 1000);
                wraps += l.last_stroke < before.last_stroke;
        }
        g_assert_cmpuint(wraps, >=, 1);
}

/* "n=0, n larger than the length holds": neither is ever sent, whatever the batch and the room */
static void test_waveform_n(void) {
        static const char *const batches[] = { "02 0b 01", "02 0b 05", "02 0b fb" };

        for (size_t i = 0; i < G_N_ELEMENTS(batches); i++)
                for (unsigned mtu = 23; mtu <= 517; mtu += 247) {
                        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
                        g_autoptr(Host) h = NULL;

                        config.waveform_hz = 1000;
                        h = connected(&config, mtu);
                        ask(h, batches[i], "20 02 01");
                        peripheral_start(h->p);
                        run(h, 3 * SEC);
                        g_assert_cmpuint(count(h, OMP_CHAR_WAVEFORM), >, 2);
                        for (unsigned k = 0; k < count(h, OMP_CHAR_WAVEFORM); k++) {
                                size_t size;
                                const uint8_t *data = value(h, OMP_CHAR_WAVEFORM, k, &size);

                                g_assert_cmpuint(data[9], >=, 1);
                                g_assert_cmpuint(size, ==, 10u + 2u * data[9] + 2u);
                        }
                }
}

/* "force 0x8000" */
static void test_force_not_available(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        OmpEvent e;

        peripheral_start(h->p);
        run(h, 2 * SEC);
        control(h, "sensor", "fault");
        forget(h, LIVE);
        run(h, SEC);
        for (unsigned i = h->seen[LIVE]; i < count(h, LIVE); i++) {
                g_assert_cmpint(live(h, i).force_mean_mn, ==, OMP_FORCE_UNKNOWN);
                g_assert_cmpint(live(h, i).force_peak_mn, ==, OMP_FORCE_UNKNOWN);
        }
        g_assert_true(find_event(h, 0, OMP_EVENT_SENSOR_FAULT, &e) && e.asserted);
        forget(h, EVENT);
        control(h, "sensor", "ok");
        g_assert_true(find_event(h, h->seen[EVENT], OMP_EVENT_SENSOR_FAULT, &e) && !e.asserted);
}

/* "saturated": ±32767, with the flag */
static void test_saturated(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;
        unsigned saturated = 0;

        config.procedure_usec = 30 * SEC;
        h = connected(&config, 247);
        ask(h, "02 03 20 4e", "20 02 01"); /* the hand presses half as hard again as what is too hard: 20 N */
        procedure(h);
        for (unsigned i = 0; i < count(h, LIVE); i++) {
                OmpLive l = live(h, i);

                g_assert_cmpint(!(l.flags & OMP_LIVE_SATURATED), ==, l.force_peak_mn != INT16_MAX);
                saturated += l.force_peak_mn == INT16_MAX;
        }
        g_assert_cmpuint(saturated, >, 0);
}

/* "duplicate event": over reconnects and replays no number comes twice, and none is left out */
static void test_no_event_twice(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = connected(&config, 247);
        bool replayed = false;

        peripheral_start(h->p);
        for (unsigned i = 0; i < 8; i++) {
                run(h, SEC);
                reconnect(h);
                run(h, 500 * MSEC);
                enable_all(h);
        }
        run(h, 20 * SEC);
        g_assert_cmpuint(count(h, EVENT), >, 10);
        for (unsigned i = 0; i < count(h, EVENT); i++) {
                g_assert_cmpuint(event(h, i).sequence, ==, i);
                replayed |= event(h, i).replayed;
        }
        g_assert_true(replayed);
}

/* "segment loss/duplication/first-without-last": what is lost shows in the counter, and the range can be asked for again */
static void test_segment_loss(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;
        unsigned from;
        Bodies b;

        config.records = 3;
        h = connected(&config, 23);
        for (unsigned lost = 1; lost <= 4; lost++) {
                char n[2] = { (char) ('0' + lost), '\0' };

                from = count(h, DATA);
                control(h, "segment-loss", n);
                writes(h, OMP_CHAR_RACP, "01 01");
                run(h, SEC);
                expect(h, OMP_CHAR_RACP, "06 00 01 01");
                bodies(h, from, &b);
                g_assert_cmpuint(b.n, ==, lost <= 3 ? 2 : 1);
                g_assert_cmpuint(9 - (count(h, DATA) - from), ==, lost);
        }

        from = count(h, DATA);
        writes(h, OMP_CHAR_RACP, "01 04 01 01 00 00 00 01 00 00 00");
        run(h, SEC);
        expect(h, OMP_CHAR_RACP, "06 00 01 01");
        bodies(h, from, &b);
        g_assert_cmpuint(b.n, ==, 1);
        g_assert_cmpuint(b.body[0].record.number, ==, 1);
}

/* "record > buffer cap (limit 4 KiB)": the longest trace comes in chunks that no receiver has to drop */
static void test_bodies_within_the_cap(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = NULL;
        unsigned entries = 0;
        Bodies b;

        config.procedure_usec = 400 * SEC;
        h = connected(&config, 517);
        peripheral_start(h->p);
        run(h, 500 * SEC);
        request(h, "10 01 00 00 00 00 00 00 00");
        run(h, SEC);
        bodies(h, 0, &b);
        g_assert_cmpuint(b.n, >, 4);
        for (unsigned i = 0; i < b.n; i++) {
                g_assert_cmpuint(b.body[i].trace.first_entry, ==, entries);
                g_assert_cmpint(b.body[i].trace.last, ==, i == b.n - 1);
                g_assert_cmpuint(OMP_TRACE_SIZE(b.body[i].trace.n), <=, OMP_BODY_MAX);
                entries += b.body[i].trace.n;
        }
        g_assert_cmpuint(entries, >=, 400);
}

/* "clock unset": in the clock, in Status, in a record, and in what is advertised */
static void test_clock_unset(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        PeripheralAdvertisement shown;
        uint8_t buf[OMP_CLOCK_SIZE];
        OmpClock clock;
        Bodies b;

        g_assert_cmpint(peripheral_read(h->p, OMP_CHAR_CLOCK, buf, sizeof(buf)), ==, OMP_CLOCK_SIZE);
        g_assert_cmpint(omp_clock_decode(buf, sizeof(buf), &clock), ==, 0);
        g_assert_false(omp_elapsed_is_time(&clock.elapsed));
        g_assert_cmpuint(clock.elapsed.count, ==, clock.tick);
        procedure(h);
        writes(h, OMP_CHAR_RACP, "01 06");
        run(h, SEC);
        bodies(h, 0, &b);
        g_assert_false(b.body[0].record.flags & OMP_RECORD_SYNCED);
        g_assert_false(omp_elapsed_is_time(&b.body[0].record.start));

        peripheral_advertisement(h->p, &shown);
        g_assert_cmpuint(shown.service_data[2], ==, 0x07); /* pairing, records, clock unset */
        writes(h, OMP_CHAR_CLOCK, "32 28 a7 1c 32 00 00 01 08");
        writes(h, OMP_CHAR_RACP, "02 01");
        run(h, SEC);
        peripheral_advertisement(h->p, &shown);
        g_assert_cmpuint(shown.service_data[2], ==, 0x01);
}

/* "major 2": this one is 1, in Feature and in what it advertises */
static void test_major(void) {
        PeripheralConfig config = config_of(OMP_KIND_ROLLER, true);
        g_autoptr(Host) h = connected(&config, 247);
        PeripheralAdvertisement shown;
        uint8_t buf[21];

        g_assert_cmpint(peripheral_read(h->p, OMP_CHAR_FEATURE, buf, sizeof(buf)), ==, 21);
        g_assert_cmpuint(buf[0], ==, 1);
        peripheral_advertisement(h->p, &shown);
        g_assert_cmpstr(shown.services[0], ==, OMP_SERVICE_UUID);
        g_assert_cmpuint(shown.service_data[0], ==, 1);
}

/* "reboot mid-session": tick, strokes and numbers begin again; "after a reboot session counters continue from Status" */
static void test_reboot_mid_session(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        OmpStatus before, after;
        OmpLive last;
        Bodies b;

        run(h, 100 * SEC);
        peripheral_start(h->p);
        run(h, 6 * SEC);
        before = status(h);
        last = live(h, count(h, LIVE) - 1);
        g_assert_cmpuint(last.strokes, >, 200);

        g_assert_cmpint(peripheral_control(h->p, "reboot", NULL), ==, 0);
        reconnect(h);
        enable_all(h);
        forget(h, LIVE);
        run(h, 2 * SEC);
        after = status(h);
        last = live(h, h->seen[LIVE]);
        g_assert_cmpuint(last.tick, <, 10000);
        g_assert_cmpuint(last.strokes, <, 100);
        g_assert_cmpuint(last.sequence, <=, 1);
        g_assert_cmpuint(after.session_id, ==, before.session_id);
        g_assert_cmpuint(after.session_seconds, >=, before.session_seconds + 2);
        g_assert_cmpuint(after.session_strokes, >, before.session_strokes);

        run(h, 60 * SEC);
        writes(h, OMP_CHAR_RACP, "01 01");
        run(h, SEC);
        bodies(h, 0, &b);
        g_assert_cmpuint(b.n, ==, 1);
        g_assert_cmpuint(b.body[0].record.number, ==, before.session_id);
        g_assert_cmpuint(b.body[0].record.duration_sec, >=, 12);
}

/* "0-byte read = EOF": none is ever sent (host_new() looks), but on request */
static void test_empty_value(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = connected(&config, 247);
        unsigned empty = 0;

        procedure(h);
        h->takes_empty = true;
        control(h, "empty", "1");
        procedure(h);
        for (unsigned i = 0; i < count(h, LIVE); i++) {
                size_t size;

                (void) value(h, LIVE, i, &size);
                empty += size == 0;
        }
        g_assert_cmpuint(empty, ==, 1);
}

int main(int argc, char **argv) {
        static const ConformanceCase cases[] = {
                { "1.12/short-and-long-by-one", test_short_and_long_by_one },
                { "1.12/every-flag-combination", test_flag_combinations },
                { "1.12/unknown-presence-bits", test_appended_fields },
                { "1.12/bad-and-missing-crc", test_bad_and_missing_crc },
                { "1.12/sequence-65535-to-0", test_sequence_wraps },
                { "1.12/tick-wrap", test_tick_wraps },
                { "1.12/stroke-wrap", test_strokes_wrap },
                { "1.12/last-stroke-wrap", test_last_stroke_wraps },
                { "1.12/n-0-and-n-beyond-the-length", test_waveform_n },
                { "1.12/force-0x8000", test_force_not_available },
                { "1.12/saturated", test_saturated },
                { "1.12/duplicate-event", test_no_event_twice },
                { "1.12/segment-loss", test_segment_loss },
                { "1.12/record-beyond-the-cap", test_bodies_within_the_cap },
                { "1.12/clock-unset", test_clock_unset },
                { "1.12/major-2", test_major },
                { "1.12/reboot-mid-session", test_reboot_mid_session },
                { "1.12/empty-value", test_empty_value },
        };

        return conformance_main(argc, argv, cases, G_N_ELEMENTS(cases));
}
