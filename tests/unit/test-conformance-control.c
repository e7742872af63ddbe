/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The device side of the profile, clause by clause: 1.8 Clock and 1.9 Control Point. 1.10 stands in test-conformance-records.c, what
 * 1.12 lists in test-conformance-list.c. */

#include "conformance.h"

#define CLOCK OMP_CHAR_CLOCK
#define CONTROL OMP_CHAR_CONTROL_POINT
#define RACP OMP_CHAR_RACP

/* ---- 1.8 ---- */

/* "Unset clock: flags bit0 (tick counter), source 7." Here at 12345678 ticks. */
static void test_clock_unset(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = host_new(&config, 247);

        run(h, UINT64_C(12345678) * 100);
        reads(h, CLOCK, "4e 61 bc 00 0d 4e 61 bc 00 00 00 07 00");
        g_assert_false(status(h).flags & OMP_STATUS_CLOCK_SET);
}

/* "Write: Elapsed Time only"; it goes on in its own resolution, and says its tick beside it. */
static void test_clock_is_set_and_runs(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = host_new(&config, 247);

        run(h, UINT64_C(12345678) * 100);
        writes(h, CLOCK, "32 28 a7 1c 32 00 00 01 08");
        reads(h, CLOCK, "4e 61 bc 00 32 28 a7 1c 32 00 00 01 08");
        run(h, 1500 * MSEC);
        reads(h, CLOCK, "e6 9b bc 00 32 29 a7 1c 32 00 00 01 08");
        writes(h, CLOCK, "3a 3a f5 ec bf c3 00 01 08");
        run(h, 250 * MSEC);
        reads(h, CLOCK, "aa a5 bc 00 3a 34 f6 ec bf c3 00 01 08");
        g_assert_true(status(h).flags & OMP_STATUS_CLOCK_SET);
}

/* "Refusals: wrong length, tick counter or not UTC 0x83; source 0 or 7 0x82; zero or beyond range 0xFF." */
static void test_clock_refusals(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = host_new(&config, 247);

        refused(h, CLOCK, "32 28 a7 1c 32 00 00 01", 0x83);
        refused(h, CLOCK, "32 28 a7 1c 32 00 00 01 08 00", 0x83);
        refused(h, CLOCK, "33 28 a7 1c 32 00 00 01 08", 0x83);
        refused(h, CLOCK, "30 28 a7 1c 32 00 00 01 08", 0x83);
        refused(h, CLOCK, "32 28 a7 1c 32 00 00 00 08", 0x82);
        refused(h, CLOCK, "32 28 a7 1c 32 00 00 07 08", 0x82);
        refused(h, CLOCK, "32 00 00 00 00 00 00 01 08", 0xff);
        refused(h, CLOCK, "32 ff ff ff ff ff ff 01 08", 0xff);
        g_assert_false(status(h).flags & OMP_STATUS_CLOCK_SET);
}

/* "60 clock lost" */
static void test_clock_lost(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = host_new(&config, 247);
        OmpEvent e;

        enable_all(h);
        writes(h, CLOCK, "32 28 a7 1c 32 00 00 01 08");
        control(h, "clock", "unset");
        g_assert_true(find_event(h, 0, OMP_EVENT_CLOCK_LOST, &e));
        g_assert_false(status(h).flags & OMP_STATUS_CLOCK_SET);
        g_assert_cmpint(peripheral_control(h->p, "clock", "set"), ==, -EINVAL);
}

/* ---- 1.9 ---- */

static Host *connected(OmpKind kind, bool crc) {
        PeripheralConfig config = config_of(kind, crc);
        Host *h = host_new(&config, 247);

        enable_all(h);
        return h;
}

/* The examples, "a device with bit 13 clear" */
static void test_control_examples(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.capacity = config.records = 57;
        h = host_new(&config, 247);
        enable_all(h);
        ask(h, "02 03 a0 0f", "20 02 01");
        ask(h, "01 03", "20 01 01 03 a0 0f");
        ask(h, "04 03", "20 04 01 3a 00 00 00");
        ask(h, "08 02 1e", "20 08 01");
}

/* "response notified after the write": not before it is answered */
static void test_control_answers_after_the_write(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        writes(h, CONTROL, "01 01");
        g_assert_cmpuint(count(h, CONTROL), ==, 0);
        refused(h, CONTROL, "01 01", 0xfe);
        expect(h, CONTROL, "20 01 01 01 64 00");
        expect_nothing(h, CONTROL);
}

/* "0xFD CCCD not configured" */
static void test_control_without_cccd(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.records = 1;
        h = host_new(&config, 247);
        refused(h, CONTROL, "03", 0xfd);
        enable(h, CONTROL);
        ask(h, "03", "20 03 01");
        refused(h, CONTROL, "10 01 00 00 00 00 00 00 00", 0xfd);
}

/* "0x80 missing CRC, 0x81 bad CRC": "03 1c 3d" is the write of a device with CRC */
static void test_control_crc(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, true);

        writes(h, CONTROL, "03 1c 3d");
        expect(h, CONTROL, "20 03 01 e9 01");
        refused(h, CONTROL, "03", 0x80);
        refused(h, CONTROL, "02 03 a0 0f", 0x80);
        refused(h, CONTROL, "03 1c 3e", 0x81);
        expect_nothing(h, CONTROL);
}

/* "returns to defaults at boot: 100 ms · 0 Hz · 3000 mN …" of a pen */
static void test_control_defaults_of_a_pen(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        ask(h, "01 01", "20 01 01 01 64 00");
        ask(h, "01 02", "20 01 01 02 00 00");
        ask(h, "01 03", "20 01 01 03 b8 0b");
        ask(h, "01 04", "20 01 01 04 f4 01");
        ask(h, "01 05", "20 01 01 05 07");
        ask(h, "01 06", "20 01 01 06 84 03");
        ask(h, "01 07", "20 01 01 07 c8 00");
        ask(h, "01 08", "20 01 01 08 2c 01");
        ask(h, "01 09", "20 01 01 09 d0 07");
        ask(h, "01 0a", "20 01 01 0a c8 00");
        ask(h, "01 0b", "20 01 01 0b 32");
}

static void test_control_defaults_of_a_roller(void) {
        g_autoptr(Host) h = connected(OMP_KIND_ROLLER, true);

        ask(h, "01 03", "20 01 01 03 88 13");
        ask(h, "01 08", "20 01 01 08 f4 01");
        ask(h, "01 09", "20 01 01 09 a0 0f");
}

/* "Unknown id or wrong length: result 3; a value out of bounds 5; unknown operation 2." */
static void test_control_nonsense(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, true);

        ask(h, "01 00", "20 01 03");
        ask(h, "01 0c", "20 01 03");
        ask(h, "02 03 a0", "20 02 03");
        ask(h, "02 03 a0 0f 00", "20 02 03");
        ask(h, "04", "20 04 03");
        ask(h, "05 00", "20 05 03");
        ask(h, "02 01 13 00", "20 02 05");
        ask(h, "02 01 e9 03", "20 02 05");
        ask(h, "02 02 e9 03", "20 02 05");
        ask(h, "02 02 0f 00", "20 02 05");
        ask(h, "02 03 ff ff", "20 02 05");
        ask(h, "02 05 20", "20 02 05");
        ask(h, "02 0b 00", "20 02 05");
        ask(h, "06 17", "20 06 05");
        ask(h, "04 ff", "20 04 05");
        ask(h, "07", "20 07 02");
        ask(h, "20 03 01", "20 20 02");
        ask(h, "ff 00", "20 ff 02");
        refused(h, CONTROL, "", 0x0d);
}

/* A device without a waveform, motor, areas or traces */
static void test_control_what_a_roller_cannot(void) {
        g_autoptr(Host) h = connected(OMP_KIND_ROLLER, false);

        ask(h, "02 02 64 00", "20 02 05");
        ask(h, "09", "20 09 02");
        ask(h, "06 03", "20 06 02");
        ask(h, "10 01 00 00 00 00 00 00 00", "20 10 02");
}

static uint64_t live_period(const Host *h, unsigned i) {
        return (live(h, i).tick - live(h, i - 1).tick) * UINT64_C(100);
}

/* "a change acts from the next interval"; "parameters survive reconnects and return to defaults at boot" */
static void test_control_live_period_acts(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);
        unsigned before;

        peripheral_start(h->p);
        run(h, 3 * SEC);
        g_assert_cmpuint(live_period(h, count(h, OMP_CHAR_LIVE) - 1), ==, 100 * MSEC);
        ask(h, "02 01 32 00", "20 02 01");
        run(h, SEC);
        before = count(h, OMP_CHAR_LIVE);
        run(h, SEC);
        g_assert_cmpuint(count(h, OMP_CHAR_LIVE) - before, ==, 20);
        g_assert_cmpuint(live_period(h, before), ==, 50 * MSEC);

        reconnect(h);
        enable_all(h);
        ask(h, "01 01", "20 01 01 01 32 00");
        control(h, "reboot", NULL);
        reconnect(h);
        enable_all(h);
        ask(h, "01 01", "20 01 01 01 64 00");
}

/* "A waveform flows while subscribed and 02 > 0"; 0B samples in a packet */
static void test_control_waveform_acts(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, true);
        unsigned before;
        OmpWaveform w;

        peripheral_start(h->p);
        run(h, 2 * SEC);
        g_assert_cmpuint(count(h, OMP_CHAR_WAVEFORM), ==, 0);
        ask(h, "02 0b 14", "20 02 01");
        ask(h, "02 02 f4 01", "20 02 01");
        run(h, 2 * SEC);
        before = count(h, OMP_CHAR_WAVEFORM);
        g_assert_cmpuint(before, >=, 48); /* 500 Hz, 20 in each */
        for (unsigned i = 0; i < before; i++) {
                size_t size;
                const uint8_t *data = value(h, OMP_CHAR_WAVEFORM, i, &size);

                g_assert_cmpint(omp_waveform_decode(data, size, &w), ==, 0);
                g_assert_cmpuint(w.n, ==, 20);
                g_assert_cmpuint(w.period_usec, ==, 2000);
                g_assert_cmpuint(w.sequence, ==, i);
        }
        ask(h, "02 02 00 00", "20 02 01");
        before = count(h, OMP_CHAR_WAVEFORM);
        run(h, SEC);
        g_assert_cmpuint(count(h, OMP_CHAR_WAVEFORM), ==, before);
}

/* How often the hand pressed too hard in a procedure, under what was asked for before. */
static unsigned overpressures(Host *h) {
        unsigned n = 0;

        procedure(h);
        for (unsigned i = 0; i < count(h, OMP_CHAR_EVENT); i++)
                n += event(h, i).code == OMP_EVENT_OVERPRESSURE && event(h, i).asserted;
        return n;
}

/* 03 and 04: what is too hard, and when it no longer is */
static void test_control_overpressure_acts(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) usual = NULL;
        g_autoptr(Host) strict = NULL;
        g_autoptr(Host) sticky = NULL;
        unsigned n, cleared = 0;

        config.procedure_usec = 30 * SEC;
        usual = host_new(&config, 247);
        strict = host_new(&config, 247);
        sticky = host_new(&config, 247);
        enable_all(usual);
        enable_all(strict);
        enable_all(sticky);

        n = overpressures(usual);
        g_assert_cmpuint(n, >, 0);
        ask(strict, "02 03 58 02", "20 02 01"); /* 600 mN: less than a hand uses */
        g_assert_cmpuint(overpressures(strict), >, n);
        ask(sticky, "02 04 b8 0b", "20 02 01"); /* not before it is lifted */
        g_assert_cmpuint(overpressures(sticky), >, 0);
        for (unsigned i = 0; i < count(sticky, OMP_CHAR_EVENT); i++)
                if (event(sticky, i).code == OMP_EVENT_OVERPRESSURE && !event(sticky, i).asserted) {
                        g_assert_cmpint(event(sticky, i).value, <=, 0);
                        cleared++;
                }
        g_assert_cmpuint(cleared, >, 0);
}

/* 05: "stop motor" */
static void test_control_feedback_acts(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.procedure_usec = 120 * SEC;
        h = host_new(&config, 247);
        enable_all(h);
        ask(h, "02 05 10", "20 02 01");
        g_assert_cmpuint(overpressures(h), ==, 1); /* and with it the procedure ended, within the minute */
}

/* 07 */
static void test_control_contact_threshold_acts(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);
        OmpEvent e;

        ask(h, "02 07 58 02", "20 02 01");
        procedure(h);
        g_assert_true(find_event(h, 0, OMP_EVENT_CONTACT, &e));
        g_assert_cmpint(e.value, >=, 600);
}

/* 06, "12 session time limit (s)" */
static void test_control_session_limit_acts(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);
        OmpEvent e;
        Bodies b;

        ask(h, "02 06 05 00", "20 02 01");
        procedure(h);
        g_assert_true(find_event(h, 0, OMP_EVENT_TIME_LIMIT, &e));
        g_assert_cmpint(e.value, ==, 5);
        writes(h, RACP, "01 06");
        run(h, SEC);
        bodies(h, 0, &b);
        g_assert_cmpuint(b.body[0].record.duration_sec, ==, 5);
        g_assert_true(b.body[0].record.flags & OMP_RECORD_LIMIT);
}

/* "start twice, or stop without a session 7"; "no command starts the motor" */
static void test_control_start_and_stop(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        ask(h, "05", "20 05 07");
        ask(h, "04 03", "20 04 01 01 00 00 00");
        g_assert_cmpuint(status(h).session_id, ==, 1);
        g_assert_cmpuint(status(h).state, ==, OMP_STATE_READY);
        run(h, 3 * SEC);
        for (unsigned i = 0; i < count(h, OMP_CHAR_LIVE); i++) {
                g_assert_false(live(h, i).flags & OMP_LIVE_MOTOR);
                g_assert_cmpuint(live(h, i).strokes, ==, 0);
                g_assert_cmpuint(live(h, i).area, ==, 3);
        }
        g_assert_cmpuint(count(h, OMP_CHAR_LIVE), >=, 28); /* "sent in ready" */
        ask(h, "04 03", "20 04 07");
        ask(h, "06 f0", "20 06 01");
        ask(h, "05", "20 05 01 01 00 00 00");
        g_assert_cmpuint(status(h).session_id, ==, 0);
        g_assert_cmpuint(status(h).state, ==, OMP_STATE_IDLE);
        ask(h, "05", "20 05 07");
}

/* "Tare force (device must be still, no contact)": "refused: busy" */
static void test_control_tare(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        ask(h, "03", "20 03 01");
        peripheral_start(h->p);
        run(h, 3 * SEC);
        ask(h, "03", "20 03 06");
}

/* "Stop motor (always allowed)", whatever bit 15 says */
static void test_control_stop_motor(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, true);
        unsigned last;

        ask(h, "09", "20 09 01");
        peripheral_start(h->p);
        run(h, 3 * SEC);
        g_assert_true(live(h, count(h, OMP_CHAR_LIVE) - 1).flags & OMP_LIVE_MOTOR);
        ask(h, "09", "20 09 01");
        run(h, SEC);
        last = count(h, OMP_CHAR_LIVE) - 1;
        g_assert_false(live(h, last).flags & OMP_LIVE_MOTOR);
        ask(h, "09", "20 09 01");
}

/* "op 0x09 always, since stopping is always allowed, and it is carried out before what still waits"; each has its response */
static void test_control_stop_motor_waits_for_nobody(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        peripheral_start(h->p);
        run(h, 3 * SEC);
        g_assert_true(live(h, count(h, OMP_CHAR_LIVE) - 1).flags & OMP_LIVE_MOTOR);
        writes(h, CONTROL, "01 01");
        writes(h, CONTROL, "09");
        writes(h, CONTROL, "09");
        refused(h, CONTROL, "01 01", 0xfe);
        refused(h, CONTROL, "09 00", 0xfe); /* stops nothing */
        refused(h, CONTROL, "11", 0xfe);
        expect(h, CONTROL, "20 09 01");
        expect(h, CONTROL, "20 09 01");
        expect(h, CONTROL, "20 01 01 01 64 00");
        expect_nothing(h, CONTROL);
        run(h, SEC);
        g_assert_false(live(h, count(h, OMP_CHAR_LIVE) - 1).flags & OMP_LIVE_MOTOR);

        /* It is a request like any other for what comes behind it. */
        writes(h, CONTROL, "09");
        refused(h, CONTROL, "01 01", 0xfe);
        expect(h, CONTROL, "20 09 01");
        ask(h, "01 01", "20 01 01 01 64 00");
}

static void test_control_signal_and_identify(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, true);

        ask(h, "08 07 ff", "20 08 01");
        ask(h, "0b 05", "20 0b 01");
}

/* "Factory reset {u32 0x544D4F21}, needs button confirmation" */
static void test_control_factory_reset(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.records = 2;
        h = host_new(&config, 247);
        enable_all(h);
        writes(h, CLOCK, "32 28 a7 1c 32 00 00 01 08");
        ask(h, "02 03 a0 0f", "20 02 01");
        ask(h, "7f 21 4f 4d 54", "20 7f 08");
        ask(h, "7f 21 4f 4d 55", "20 7f 03");
        control(h, "confirm", NULL);
        ask(h, "04 00", "20 04 01 03 00 00 00");
        ask(h, "7f 21 4f 4d 54", "20 7f 06");
        ask(h, "05", "20 05 01 03 00 00 00");
        ask(h, "7f 21 4f 4d 54", "20 7f 01");

        ask(h, "01 03", "20 01 01 03 b8 0b");
        writes(h, RACP, "04 01");
        expect(h, RACP, "05 00 00 00 00 00");
        g_assert_false(status(h).flags & OMP_STATUS_CLOCK_SET);
        ask(h, "04 00", "20 04 01 01 00 00 00"); /* numbers begin again */
        ask(h, "05", "20 05 01 01 00 00 00");
        ask(h, "7f 21 4f 4d 54", "20 7f 08");
}

/* "9 storage full" */
static void test_control_storage_full(void) {
        g_autoptr(Host) h = connected(OMP_KIND_PEN, false);

        control(h, "storage", "full");
        ask(h, "04 00", "20 04 09");
        control(h, "storage", "free");
        ask(h, "04 00", "20 04 01 01 00 00 00");
}

int main(int argc, char **argv) {
        static const ConformanceCase cases[] = {
                { "1.8/unset", test_clock_unset },
                { "1.8/set-and-runs", test_clock_is_set_and_runs },
                { "1.8/refusals", test_clock_refusals },
                { "1.8/lost", test_clock_lost },
                { "1.9/examples", test_control_examples },
                { "1.9/answers-after-the-write", test_control_answers_after_the_write },
                { "1.9/cccd-not-configured", test_control_without_cccd },
                { "1.9/crc", test_control_crc },
                { "1.9/defaults-of-a-pen", test_control_defaults_of_a_pen },
                { "1.9/defaults-of-a-roller", test_control_defaults_of_a_roller },
                { "1.9/nonsense", test_control_nonsense },
                { "1.9/what-a-roller-cannot", test_control_what_a_roller_cannot },
                { "1.9/live-period-acts", test_control_live_period_acts },
                { "1.9/waveform-acts", test_control_waveform_acts },
                { "1.9/overpressure-acts", test_control_overpressure_acts },
                { "1.9/feedback-acts", test_control_feedback_acts },
                { "1.9/contact-threshold-acts", test_control_contact_threshold_acts },
                { "1.9/session-limit-acts", test_control_session_limit_acts },
                { "1.9/start-and-stop", test_control_start_and_stop },
                { "1.9/tare", test_control_tare },
                { "1.9/stop-motor", test_control_stop_motor },
                { "1.9/stop-motor-waits-for-nobody", test_control_stop_motor_waits_for_nobody },
                { "1.9/signal-and-identify", test_control_signal_and_identify },
                { "1.9/factory-reset", test_control_factory_reset },
                { "1.9/storage-full", test_control_storage_full },
        };

        return conformance_main(argc, argv, cases, G_N_ELEMENTS(cases));
}
