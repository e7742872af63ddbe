/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The device side of the profile, clause by clause: 1.10, stored sessions and their transfer. */

#include "conformance.h"

#define CLOCK OMP_CHAR_CLOCK
#define CONTROL OMP_CHAR_CONTROL_POINT
#define DATA OMP_CHAR_SESSION_DATA
#define RACP OMP_CHAR_RACP

static Host *with_records(unsigned records, unsigned mtu, bool crc) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, crc);
        Host *h;

        config.records = records;
        h = host_new(&config, mtu);
        enable_all(h);
        return h;
}

/* "Count answers 05 00 u32" */
static void test_racp_count(void) {
        g_autoptr(Host) h = with_records(5, 247, true);

        writes(h, RACP, "04 01");
        expect(h, RACP, "05 00 05 00 00 00");
        writes(h, RACP, "04 03 01 04 00 00 00");
        expect(h, RACP, "05 00 02 00 00 00");
        writes(h, RACP, "04 02 01 01 00 00 00");
        expect(h, RACP, "05 00 01 00 00 00");
        writes(h, RACP, "04 04 01 02 00 00 00 04 00 00 00");
        expect(h, RACP, "05 00 03 00 00 00");
        writes(h, RACP, "04 05");
        expect(h, RACP, "05 00 01 00 00 00");
        writes(h, RACP, "04 03 01 06 00 00 00");
        expect(h, RACP, "05 00 00 00 00 00");
}

static void expect_records(Host *h, const char *request, unsigned from, unsigned to) {
        unsigned before = count(h, DATA);
        Bodies b;

        writes(h, RACP, request);
        run(h, SEC);
        expect(h, RACP, "06 00 01 01");
        bodies(h, before, &b);
        g_assert_cmpuint(b.n, ==, to - from + 1);
        g_assert_cmpuint(b.lost, ==, 0);
        for (unsigned i = 0; i < b.n; i++) {
                const OmpRecord *record = &b.body[i].record;

                g_assert_cmpuint(b.body[i].type, ==, OMP_BODY_RECORD);
                g_assert_cmpuint(record->number, ==, from + i);
                g_assert_true(record->flags & OMP_RECORD_SYNCED && omp_elapsed_is_time(&record->start));
                g_assert_cmpuint(record->contact_sec, >, 0);
                g_assert_cmpuint(record->strokes, >, 100);
                g_assert_cmpint(record->force_peak_mn, >=, record->force_p95_mn);
                g_assert_cmpint(record->force_p95_mn, >=, record->force_mean_mn);
        }
}

/* "Records are sent oldest first"; every operator */
static void test_racp_report(void) {
        g_autoptr(Host) h = with_records(5, 247, false);

        expect_records(h, "01 01", 1, 5);
        expect_records(h, "01 02 01 02 00 00 00", 1, 2);
        expect_records(h, "01 03 01 04 00 00 00", 4, 5);
        expect_records(h, "01 04 01 02 00 00 00 03 00 00 00", 2, 3);
        expect_records(h, "01 05", 1, 1);
        expect_records(h, "01 06", 5, 5);
        writes(h, RACP, "01 03 01 06 00 00 00");
        expect(h, RACP, "06 00 01 06");
}

/* "MTU 23 → 3 packets; MTU ≥ 60 → 1 packet"; "the counter starts at 0 with each procedure and runs on over all its
 * bodies" */
static void test_segments_at_every_mtu(void) {
        for (unsigned mtu = 23; mtu <= 64; mtu++) {
                g_autoptr(Host) h = with_records(2, mtu, false);
                unsigned each = (OMP_RECORD_SIZE + mtu - 5) / (mtu - 4);

                for (unsigned round = 0; round < 2; round++) {
                        unsigned from = count(h, DATA);

                        expect_records(h, "01 01", 1, 2);
                        g_assert_cmpuint(count(h, DATA) - from, ==, 2 * each);
                        for (unsigned i = 0; i < 2 * each; i++) {
                                size_t size;
                                uint8_t head = value(h, DATA, from + i, &size)[0];

                                g_assert_cmpuint(head >> 2, ==, i);
                                g_assert_cmpuint(head & 1, ==, i % each == 0);
                                g_assert_cmpuint(head >> 1 & 1, ==, i % each == each - 1);
                                g_assert_cmpuint(size, <=, mtu - 3);
                        }
                }
        }
}

/* The record of a session that was listened to says what Live and the events said. */
static void test_record_of_a_session(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, true);
        g_autoptr(Host) h = NULL;
        unsigned overs = 0, last;
        const OmpRecord *record;
        OmpEvent begin, end;
        Bodies b;

        config.procedure_usec = 30 * SEC;
        h = host_new(&config, 247);
        enable_all(h);
        writes(h, CLOCK, "32 28 a7 1c 32 00 00 01 08");
        procedure(h);
        expect_records(h, "01 01", 1, 1);
        bodies(h, 0, &b);
        record = &b.body[0].record;
        for (unsigned i = 0; i < count(h, OMP_CHAR_EVENT); i++)
                overs += event(h, i).code == OMP_EVENT_OVERPRESSURE && event(h, i).asserted;
        g_assert_true(find_event(h, 0, OMP_EVENT_SESSION_START, &begin));
        g_assert_true(find_event(h, 0, OMP_EVENT_SESSION_END, &end));
        last = count(h, OMP_CHAR_LIVE) - 1;

        g_assert_cmpuint(overs, >, 0);
        g_assert_cmpuint(record->over_count, ==, overs);
        g_assert_cmpuint(record->over_100ms, >=, 3 * overs);
        g_assert_cmpuint(record->duration_sec, ==, (end.tick - begin.tick) / 10000);
        g_assert_cmpuint(record->contact_sec, ==, live(h, last).contact_ms / 1000);
        g_assert_cmpuint(record->strokes, <, live(h, last).strokes);
        g_assert_cmpuint(record->passes, ==, live(h, last).passes);
        g_assert_cmpuint(record->cartridge_uses, ==, 1);
        g_assert_cmpuint(record->battery_end, ==, peripheral_battery(h->p));
}

/* "20 10 01 {next entry}", entries of 1 s, self-contained chunks, resumed by number */
static void test_trace(void) {
        g_autoptr(Host) h = with_records(1, 247, true);
        g_autoptr(Host) small = with_records(1, 23, true);
        unsigned entries = 0, from;
        char answer[64];
        Bodies b;

        writes(h, RACP, "01 01");
        run(h, SEC);
        from = count(h, DATA);
        bodies(h, 0, &b);
        entries = b.body[0].record.duration_sec + 1u;

        (void) g_snprintf(answer, sizeof(answer), "20 10 01 %02x 00 00 00", entries);
        ask(h, "10 01 00 00 00 00 00 00 00", answer);
        bodies(h, from, &b);
        g_assert_cmpuint(b.n, ==, 1);
        g_assert_cmpuint(b.body[0].type, ==, OMP_BODY_TRACE);
        g_assert_cmpuint(b.body[0].trace.n, ==, entries);
        g_assert_cmpuint(b.body[0].trace.period_10ms, ==, 100);
        g_assert_true(b.body[0].trace.last);

        from = count(h, DATA);
        ask(h, "10 01 00 00 00 05 00 00 00", answer);
        bodies(h, from, &b);
        g_assert_cmpuint(b.body[0].trace.first_entry, ==, 5);
        g_assert_cmpuint(b.body[0].trace.n, ==, entries - 5);

        /* "segmented like a record where it does not fit" */
        ask(small, "10 01 00 00 00 00 00 00 00", answer);
        bodies(small, 0, &b);
        g_assert_cmpuint(count(small, DATA), >, b.n);
        g_assert_cmpuint(b.body[0].trace.n, ==, MIN(entries, 16u));

        ask(h, "10 02 00 00 00 00 00 00 00", "20 10 05");
        ask(h, "10 01 00 00 00 ff 00 00 00", "20 10 05");
}

/* "delete records <= n" */
static void test_racp_delete(void) {
        g_autoptr(Host) h = with_records(5, 247, false);

        writes(h, RACP, "02 02 01 03 00 00 00");
        expect(h, RACP, "06 00 02 01");
        expect_records(h, "01 01", 4, 5);
        writes(h, RACP, "02 02 01 03 00 00 00");
        expect(h, RACP, "06 00 02 06");
        writes(h, RACP, "02 01");
        expect(h, RACP, "06 00 02 01");
        writes(h, RACP, "01 01");
        expect(h, RACP, "06 00 01 06");
        procedure(h);
        writes(h, RACP, "04 03 01 06 00 00 00");
        expect(h, RACP, "05 00 01 00 00 00");
}

/* "3 abort": the report has no other answer; "procedure in progress 0xFE" */
static void test_racp_abort(void) {
        g_autoptr(Host) h = with_records(20, 23, false);
        Bodies b;

        writes(h, RACP, "01 01");
        refused(h, RACP, "01 01", 0xfe);
        run(h, 20 * MSEC);
        refused(h, RACP, "04 01", 0xfe);
        ask(h, "10 01 00 00 00 00 00 00 00", "20 10 06");
        writes(h, RACP, "03 00");
        expect(h, RACP, "06 00 03 01");
        expect_nothing(h, RACP);
        bodies(h, 0, &b);
        g_assert_cmpuint(b.n, <, 20);
        writes(h, RACP, "03 00");
        expect(h, RACP, "06 00 03 07");
}

/* "Op 11 ends a trace (its op 10 answers 4) and an RACP report (answer 06 00 01 08)" */
static void test_abort_by_op_11(void) {
        g_autoptr(Host) h = with_records(20, 23, false);

        writes(h, RACP, "01 01");
        run(h, 20 * MSEC);
        ask(h, "11", "20 11 01");
        expect(h, RACP, "06 00 01 08");

        writes(h, CONTROL, "10 01 00 00 00 00 00 00 00");
        run(h, MSEC);
        refused(h, CONTROL, "01 01", 0xfe);
        refused(h, RACP, "04 01", 0xfe);
        writes(h, CONTROL, "11");
        expect(h, CONTROL, "20 10 04");
        expect(h, CONTROL, "20 11 01");
        ask(h, "11", "20 11 01"); /* nothing to abort */
}

/* "op 0x09 always": beside a trace, which goes on */
static void test_stop_motor_beside_a_trace(void) {
        g_autoptr(Host) h = with_records(1, 23, false);
        Bodies b;

        h->full = true;
        writes(h, CONTROL, "10 01 00 00 00 00 00 00 00");
        run(h, MSEC);
        h->full = false;
        writes(h, CONTROL, "09");
        refused(h, CONTROL, "01 01", 0xfe);
        run(h, SEC);
        g_assert_cmpuint(count(h, CONTROL), ==, 2);
        expect(h, CONTROL, "20 09 01");
        bodies(h, 0, &b);
        g_assert_cmpuint(b.n, >=, 1);
        g_assert_true(b.body[b.n - 1].trace.last);
}

/* "4 failed": the record gave way to another one while its trace was sent */
static void test_trace_whose_record_goes(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;

        config.capacity = config.records = 1;
        config.procedure_usec = 400 * SEC; /* in one portion of segments the trace is not sent */
        h = host_new(&config, 23);
        enable_all(h);
        peripheral_start(h->p);
        run(h, 500 * SEC);
        writes(h, CONTROL, "10 02 00 00 00 00 00 00 00");
        run(h, MSEC);
        g_assert_cmpuint(count(h, DATA), >, 0);
        h->full = true;
        peripheral_start(h->p);
        run(h, 500 * SEC);
        h->full = false;
        forget(h, CONTROL);
        expect(h, CONTROL, "20 10 04");
        ask(h, "10 02 00 00 00 00 00 00 00", "20 10 05");
}

/* "0xFD CCCD not configured" */
static void test_racp_without_cccd(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = host_new(&config, 247);

        refused(h, RACP, "04 01", 0xfd);
        enable(h, RACP);
        refused(h, RACP, "01 01", 0xfd);
        writes(h, RACP, "04 01");
        expect(h, RACP, "05 00 00 00 00 00");
}

/* "Response codes as SIG 1–9" */
static void test_racp_nonsense(void) {
        g_autoptr(Host) h = with_records(1, 247, true);

        writes(h, RACP, "07 01");
        expect(h, RACP, "06 00 07 02");
        writes(h, RACP, "01 00");
        expect(h, RACP, "06 00 01 03");
        writes(h, RACP, "01");
        expect(h, RACP, "06 00 01 03");
        writes(h, RACP, "01 07");
        expect(h, RACP, "06 00 01 04");
        writes(h, RACP, "01 03 01 01 00");
        expect(h, RACP, "06 00 01 05");
        writes(h, RACP, "01 04 01 02 00 00 00 01 00 00 00");
        expect(h, RACP, "06 00 01 05");
        writes(h, RACP, "01 03 02 01 00 00 00");
        expect(h, RACP, "06 00 01 09");
        refused(h, RACP, "", 0x0d);
}

/* "oldest overwritten": events 61 before and 62 then, with the record's number */
static void test_capacity(void) {
        PeripheralConfig config = config_of(OMP_KIND_PEN, false);
        g_autoptr(Host) h = NULL;
        OmpEvent e;

        config.capacity = 3;
        h = host_new(&config, 247);
        enable_all(h);
        for (unsigned i = 0; i < 2; i++)
                procedure(h);
        g_assert_false(find_event(h, 0, OMP_EVENT_STORAGE_NEARLY_FULL, &e));
        procedure(h);
        g_assert_true(find_event(h, 0, OMP_EVENT_STORAGE_NEARLY_FULL, &e));
        g_assert_cmpint(e.value, ==, 3);
        g_assert_false(find_event(h, 0, OMP_EVENT_RECORD_OVERWRITTEN, &e));
        procedure(h);
        g_assert_true(find_event(h, 0, OMP_EVENT_RECORD_OVERWRITTEN, &e));
        g_assert_cmpint(e.value, ==, 1);
        writes(h, RACP, "04 01");
        expect(h, RACP, "05 00 03 00 00 00");
        writes(h, RACP, "04 02 01 01 00 00 00");
        expect(h, RACP, "05 00 00 00 00 00");
}

/* A link that goes ends the transfer without an answer; the next procedure begins at 0 again. */
static void test_transfer_ends_with_the_link(void) {
        g_autoptr(Host) h = with_records(20, 23, false);

        writes(h, RACP, "01 01");
        run(h, 20 * MSEC);
        reconnect(h);
        g_assert_cmpuint(count(h, RACP), ==, 0);
        enable_all(h);
        expect_records(h, "01 06", 20, 20);
}

/* A listener who goes away, and one without room: not completed; and nothing is lost. */
static void test_transfer_and_its_listener(void) {
        g_autoptr(Host) h = with_records(20, 23, false);
        Bodies b;

        h->full = true;
        writes(h, RACP, "01 01");
        run(h, SEC);
        g_assert_cmpuint(count(h, DATA), ==, 0);
        h->full = false;
        run(h, SEC);
        expect(h, RACP, "06 00 01 01");
        bodies(h, 0, &b);
        g_assert_cmpuint(b.n, ==, 20);
        g_assert_cmpuint(b.lost, ==, 0);

        writes(h, RACP, "01 01");
        run(h, 20 * MSEC);
        peripheral_subscribe(h->p, DATA, false);
        expect(h, RACP, "06 00 01 08");
}

/* "Session id of Status and the record number are one number", also of sessions of before */
static void test_numbers_go_on(void) {
        g_autoptr(Host) h = with_records(5, 247, false);

        ask(h, "04 00", "20 04 01 06 00 00 00");
        ask(h, "05", "20 05 01 06 00 00 00");
        writes(h, RACP, "04 06");
        expect(h, RACP, "05 00 01 00 00 00");
        writes(h, RACP, "04 03 01 06 00 00 00");
        expect(h, RACP, "05 00 01 00 00 00");
}

int main(int argc, char **argv) {
        static const ConformanceCase cases[] = {
                { "1.10/count", test_racp_count },
                { "1.10/report", test_racp_report },
                { "1.10/segments-at-every-mtu", test_segments_at_every_mtu },
                { "1.10/record-of-a-session", test_record_of_a_session },
                { "1.10/trace", test_trace },
                { "1.10/delete", test_racp_delete },
                { "1.10/abort", test_racp_abort },
                { "1.10/abort-by-op-11", test_abort_by_op_11 },
                { "1.10/stop-motor-beside-a-trace", test_stop_motor_beside_a_trace },
                { "1.10/trace-whose-record-goes", test_trace_whose_record_goes },
                { "1.10/cccd-not-configured", test_racp_without_cccd },
                { "1.10/nonsense", test_racp_nonsense },
                { "1.10/capacity", test_capacity },
                { "1.10/transfer-ends-with-the-link", test_transfer_ends_with_the_link },
                { "1.10/transfer-and-its-listener", test_transfer_and_its_listener },
                { "1.10/numbers-go-on", test_numbers_go_on },
        };

        return conformance_main(argc, argv, cases, G_N_ELEMENTS(cases));
}
