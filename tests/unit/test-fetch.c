/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "link/fetch.h"
#include "needled/omp-control.h"

/* A conversation with a device: what was written, what came of it and how it ended, in one line of text. The values are those of the profile's
 * example, and of a device in memory where each segment is lost in turn. */

#define SEC UINT64_C(1000000)

static Fetch *fetch;
static GString *said;
static uint64_t now_usec;
static unsigned changes;
static bool keep_at_once;               /* each record is durable as soon as it is handed on */
static StoredCursor handed;             /* the last that was */
static GArray *kept_numbers;

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        g_string_append(said, ">");
        for (size_t i = 0; i < size; i++)
                g_string_append_printf(said, " %02x", data[i]);
        g_string_append(said, "; ");
}

static int on_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        g_string_append_printf(said, "trace %u from %u; ", record, first_entry);
        return 0;
}

static int on_no_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        return -EBUSY;
}

static void on_stop_trace(void *userdata) {
        g_string_append(said, "stop trace; ");
}

static void on_record(const StoredRecord *stored, void *userdata) {
        OmpRecord record;

        handed = stored->cursor;
        g_array_append_val(kept_numbers, stored->record.number);
        g_assert_cmpint(omp_record_decode(stored->bodies[0].data, stored->bodies[0].size, &record), ==, 0);
        g_assert_cmpuint(record.number, ==, stored->record.number);
        g_assert_cmpuint(stored_start(&record.start), ==, stored->cursor.start);
        g_string_append_printf(said, "record %u of %u", stored->cursor.record, stored->cursor.epoch);
        for (size_t i = 1; i < stored->n_bodies; i++) {
                OmpTrace trace;

                g_assert_cmpuint(stored->bodies[i].size, <=, OMP_VALUE_MAX);
                g_assert_cmpint(omp_trace_decode(stored->bodies[i].data, stored->bodies[i].size, &trace), ==, 0);
                g_assert_cmpuint(stored->bodies[i].from_usec, ==, (uint64_t) trace.first_entry * trace.period_10ms * 10000);
                g_string_append_printf(said, " %u+%u", trace.first_entry, trace.n);
        }
        g_string_append(said, "; ");
        if (keep_at_once)
                fetch_stored(fetch, &handed, 0, now_usec);
}

static void on_changed(void *userdata) {
        changes++;
}

static void on_ended(int error, uint32_t number, void *userdata) {
        g_string_append(said, error < 0 ? g_strerror(-error) : "done");
        if (number > 0)
                g_string_append_printf(said, " at %u", number);
        g_string_append(said, "; ");
}

static const FetchOps ops = { on_write, on_trace, on_stop_trace, on_record, on_changed, on_ended };

static void begin_with(const FetchOps *with, uint32_t record, uint64_t start, bool clear) {
        const StoredCursor cursor = { .epoch = record > 0, .record = record, .start = start };

        fetch = fetch_new(with, true, NULL);
        said = g_string_new("");
        kept_numbers = g_array_new(FALSE, FALSE, sizeof(uint32_t));
        keep_at_once = true;
        now_usec = 100 * SEC;
        g_assert_cmpint(fetch_begin(fetch, &cursor, clear, now_usec), ==, 0);
}

static void begin(uint32_t record, uint64_t start, bool clear) {
        begin_with(&ops, record, start, clear);
}

#define expect(text)                                    \
        do {                                            \
                g_assert_cmpstr(said->str, ==, (text)); \
                g_string_truncate(said, 0);             \
        } while (0)

static void end(const char *rest) {
        fetch = fetch_free(fetch);
        expect(rest);
        g_string_free(said, true);
        g_array_unref(kept_numbers);
}

static void written(int error) {
        fetch_written(fetch, error, now_usec);
}

#define response(...)                                                           \
        do {                                                                    \
                static const uint8_t _value[] = { __VA_ARGS__ };                \
                fetch_response(fetch, _value, sizeof(_value), now_usec);        \
        } while (0)

static void pass(uint64_t usec) {
        now_usec += usec;
        fetch_tick(fetch, now_usec);
}

/* ---- What the device sends ---- */

static OmpSegmenter segmenter;          /* its counter runs over a procedure */

static OmpElapsed start_of(uint32_t number) {
        OmpElapsed start;

        g_assert_cmpint(omp_elapsed_from_realtime((UINT64_C(1700000000) + number * 3600) * SEC, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 0, &start), ==, 0);
        return start;
}

static uint64_t packed(uint32_t number) {
        OmpElapsed start = start_of(number);

        return stored_start(&start);
}

/* Of at most `room` octets each; all but those whose bit is set in `lost`. Returns their number. */
static unsigned send_body(const uint8_t *body, size_t size, size_t room, uint64_t lost) {
        uint8_t value[OMP_VALUE_MAX];
        unsigned sent = 0;

        g_assert_cmpint(omp_segmenter_begin(&segmenter, body, size), ==, 0);
        while (!omp_segmenter_done(&segmenter)) {
                int n = omp_segmenter_next(&segmenter, value, room);

                if (!(lost >> sent++ & 1))
                        fetch_data(fetch, value, (size_t) n, now_usec);
        }

        return sent;
}

static size_t make_record(uint32_t number, unsigned flags, uint8_t *body) {
        const OmpRecord record = { .flags = (uint8_t) (OMP_RECORD_SYNCED | flags), .number = number, .start = start_of(number), .duration_sec = 12 };

        return (size_t) omp_record_encode(&record, body, OMP_BODY_MAX);
}

static void record_in(uint32_t number, unsigned flags, size_t room, uint64_t lost) {
        uint8_t body[OMP_BODY_MAX];

        (void) send_body(body, make_record(number, flags, body), room, lost);
}

static void record(uint32_t number) {
        record_in(number, 0, 180, 0);
}

static void chunk(uint32_t number, uint32_t first, uint8_t n, bool last, uint64_t lost) {
        OmpTrace trace = { .record = number, .first_entry = first, .n = n, .period_10ms = 100, .last = last };
        uint8_t body[OMP_BODY_MAX];

        (void) send_body(body, (size_t) omp_trace_encode(&trace, body, sizeof(body)), 180, lost);
}

static void procedure(void) {
        segmenter = (OmpSegmenter) {};
}

/* The last record of the device, which comes with the answer. */
static void tell_last(uint32_t number) {
        expect("> 01 06; ");
        written(0);
        procedure();
        record(number);
        response(0x06, 0x00, 0x01, 0x01);
}

/* ---- Conversations ---- */

static void test_example_of_the_profile(void) {
        static const uint8_t octets[] = { /* 1.10, of MTU 23 */
                0x01, 0x09, 0x39, 0x00, 0x00, 0x00, 0x32, 0x28, 0xa7, 0x1c, 0x32, 0x00, 0x00, 0x01, 0x08, 0x64, 0x02, 0xe8, 0x01, 0xcf,
                0xdc, 0x00, 0x00, 0x25, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8e, 0x03, 0x5c, 0x08, 0x5a, 0x14, 0x03, 0x00, 0x18, 0x00, 0xf4,
                0x01, 0xee, 0x02, 0x26, 0x1b, 0x03, 0xee, 0xff, 0xc0, 0x00, 0x01, 0x00, 0x58, 0x51, 0x50, 0x90,
        };
        static const uint8_t trace[] = {
                0x03, 0x02, 0x01, 0x39, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x64, 0x00, 0x02, 0x34,
                0x03, 0x1e, 0x05, 0x74, 0x00, 0x89, 0x03, 0xde, 0x05, 0x75, 0x00, 0xfa, 0x08,
        };

        begin(56, 1, true);
        expect("> 01 06; ");
        written(0);
        procedure();
        g_assert_cmpuint(send_body(octets, sizeof(octets), 20, 0), ==, 3);
        response(0x06, 0x00, 0x01, 0x01);
        expect("> 04 03 01 39 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        expect("> 01 03 01 39 00 00 00; ");
        written(0);
        procedure();
        (void) send_body(octets, sizeof(octets), 20, 0);
        keep_at_once = false;
        response(0x06, 0x00, 0x01, 0x01);
        expect("trace 57 from 0; ");
        fetch_data(fetch, trace, sizeof(trace), now_usec);
        fetch_traced(fetch, 0, 0, 2, now_usec);
        expect("record 57 of 1 0+2; ");
        g_assert_cmpint(fetch_progress(fetch).phase, ==, SYNC_FETCH);
        fetch_stored(fetch, &handed, 0, now_usec);
        expect("> 02 02 01 39 00 00 00; "); /* durable, and so it may go */
        written(0);
        response(0x06, 0x00, 0x02, 0x01);
        expect("done; ");
        g_assert_cmpuint(fetch_progress(fetch).done, ==, 1);
        g_assert_cmpuint(fetch_progress(fetch).total, ==, 1);
        g_assert_cmpuint(fetch_deadline(fetch), ==, UINT64_MAX);
        end("");
}

static void test_nothing_is_there(void) {
        begin(0, 0, true);
        expect("> 01 06; ");
        written(0);
        response(0x06, 0x00, 0x01, 0x06);
        expect("done; ");
        end("");
}

/* Not cleared unless that was asked for. */
static void test_nothing_is_new(void) {
        begin(7, packed(7), false);
        tell_last(7);
        expect("done; ");
        end("");
        begin(7, packed(7), true);      /* one that was killed before it cleared */
        tell_last(7);
        expect("> 02 02 01 07 00 00 00; ");
        written(0);
        response(0x06, 0x00, 0x02, 0x06);
        expect("done; ");
        end("");
}

static void test_device_was_reset(void) {
        static const struct {
                uint32_t cursor, last;
                uint64_t start;
                bool reset;
        } cases[] = {
                { 57, 2, 1, true },     /* its numbers begin anew */
                { 2, 2, 1, true },      /* the same number, another session */
                { 1, 2, 1, false },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                begin(cases[i].cursor, cases[i].start, true);
                tell_last(cases[i].last);
                expect(cases[i].reset ? "> 04 03 01 01 00 00 00; " : "> 04 03 01 02 00 00 00; ");
                written(0);
                response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
                written(0);
                procedure();
                record(2);
                g_string_truncate(said, 0);
                response(0x06, 0x00, 0x01, 0x01);
                expect(cases[i].reset ? "record 2 of 2; > 02 02 01 02 00 00 00; " : "record 2 of 1; > 02 02 01 02 00 00 00; ");
                end("Transport endpoint is not connected; ");
        }
}

static void report_of_two(void) {
        tell_last(2);
        expect("> 04 03 01 01 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x02, 0x00, 0x00, 0x00);
        expect("> 01 03 01 01 00 00 00; ");
        written(0);
        procedure();
}

/* "The answer comes by another way than the data and may be read first" */
static void test_answer_before_the_data(void) {
        begin(0, 0, false);
        expect("> 01 06; ");
        response(0x06, 0x00, 0x01, 0x01); /* also before bluetoothd has said that it was written */
        procedure();
        record(2);
        expect("");                     /* one write at a time */
        written(0);
        expect("> 04 03 01 01 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x02, 0x00, 0x00, 0x00);
        expect("> 01 03 01 01 00 00 00; ");
        written(0);
        procedure();
        record(1);
        response(0x06, 0x00, 0x01, 0x01);
        expect("");
        record(2);
        expect("record 1 of 1; record 2 of 1; done; ");
        end("");
}

static void test_the_last_is_lost(void) {
        begin(0, 0, false);
        for (unsigned i = 0; i < FETCH_TRIES; i++) {
                expect("> 01 06; ");
                written(0);
                response(0x06, 0x00, 0x01, 0x01);
                g_assert_cmpuint(fetch_deadline(fetch), ==, now_usec + SEC);
                pass(SEC);
        }
        expect("Bad message; ");
        end("");
}

/* What came is kept, what did not is asked for by its range. */
static void test_a_lost_record_is_asked_for_again(void) {
        begin(0, 0, false);
        tell_last(5);
        written(0);
        response(0x05, 0x00, 0x05, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        g_string_truncate(said, 0);
        record(1);
        record_in(2, 0, 20, 2);         /* its second segment */
        record_in(3, 0, 180, 1);
        record(4);
        record(5);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("> 01 04 01 02 00 00 00 03 00 00 00; ");
        written(0);
        procedure();
        record(2);
        record(3);
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 1; record 2 of 1; record 3 of 1; record 4 of 1; record 5 of 1; done; ");
        end("");
}

static void test_lost_at_the_end(void) {
        begin(0, 0, false);
        report_of_two();
        record(1);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC - 1);
        expect("");
        pass(1);
        expect("> 01 04 01 01 00 00 00 02 00 00 00; ");
        written(0);
        procedure();
        record(1);
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 1; record 2 of 1; done; ");
        end("");
}

/* It counted one that it has not any more. */
static void test_fewer_than_counted(void) {
        begin(0, 0, false);
        report_of_two();
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("> 01 04 01 01 00 00 00 02 00 00 00; ");
        for (unsigned i = 1; i < FETCH_TRIES; i++) {
                written(0);
                procedure();
                record(2);
                response(0x06, 0x00, 0x01, 0x01);
                pass(SEC);
                expect("> 01 04 01 01 00 00 00 02 00 00 00; ");
        }
        written(0);
        procedure();
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("record 2 of 1; done; ");
        end("");
}

static void test_more_than_counted(void) {
        begin(0, 0, false);
        report_of_two();
        record(1);
        record(2);
        record(3);
        record(3);                      /* twice */
        record(0);                      /* which is none */
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 1; record 2 of 1; record 3 of 1; done; ");
        end("");
}

static void test_gone_meanwhile(void) {
        begin(0, 0, false);
        tell_last(3);
        written(0);
        response(0x05, 0x00, 0x03, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record(1);
        record_in(2, 0, 180, 1);
        record(3);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("> 01 04 01 02 00 00 00 02 00 00 00; ");
        written(0);
        response(0x06, 0x00, 0x01, 0x06); /* overwritten by the device itself */
        expect("record 1 of 1; record 3 of 1; done; ");
        end("");
}

/* One that can never be read is not passed over, and nothing is cleared. */
static void test_a_record_that_cannot_be_read(void) {
        uint8_t body[OMP_BODY_MAX];
        size_t size;

        begin(0, 0, true);
        tell_last(3);
        written(0);
        response(0x05, 0x00, 0x03, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record(1);
        g_string_truncate(said, 0);
        for (unsigned i = 0; i <= FETCH_TRIES; i++) {
                size = make_record(2, 0, body);
                body[20] ^= 1;          /* CRC */
                (void) send_body(body, size, 180, 0);
                if (i == 0)
                        record(3);
                response(0x06, 0x00, 0x01, 0x01);
                pass(SEC);
                if (i == FETCH_TRIES)
                        break;
                expect("> 01 04 01 02 00 00 00 02 00 00 00; ");
                written(0);
                procedure();
        }
        expect("record 1 of 1; Bad message at 2; ");
        end("");
}

static void test_body_that_is_too_long(void) {
        static const uint8_t first[] = { 0x01 << 2 | OMP_SEGMENT_FIRST, 0x01 };
        uint8_t value[OMP_VALUE_MAX] = { 0 };

        begin(0, 0, false);
        report_of_two();
        record(1);
        fetch_data(fetch, first, sizeof(first), now_usec);
        for (uint8_t i = 2; i < 12; i++) {
                value[0] = (uint8_t) (i << 2);
                fetch_data(fetch, value, sizeof(value), now_usec);
        }
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("> 01 04 01 02 00 00 00 02 00 00 00; ");
        end("Transport endpoint is not connected; ");
}

/* ---- Traces ---- */

static void until_the_trace(void) {
        begin(0, 0, false);
        tell_last(1);
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record_in(1, OMP_RECORD_TRACE, 180, 0);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        expect("trace 1 from 0; ");
        procedure();
}

/* "Trace resumes with op 10 {record, first missing entry}" */
static void test_trace_resumes(void) {
        until_the_trace();
        chunk(1, 0, 20, false, 0);
        chunk(1, 20, 20, false, 1);
        chunk(1, 40, 5, true, 0);       /* which comes again */
        fetch_traced(fetch, 0, 0, 45, now_usec);
        pass(SEC);
        expect("trace 1 from 20; ");
        procedure();
        fetch_traced(fetch, 0, 0, 45, now_usec); /* read first */
        chunk(1, 20, 20, false, 0);
        chunk(1, 20, 20, false, 0);     /* twice */
        chunk(2, 40, 5, true, 0);       /* of another */
        expect("");
        chunk(1, 40, 5, true, 0);
        expect("record 1 of 1 0+20 20+20 40+5; done; ");
        end("");
}

static void test_trace_that_does_not_come(void) {
        until_the_trace();
        chunk(1, 0, 20, false, 0);
        fetch_traced(fetch, 0, 0, 45, now_usec);
        for (unsigned i = 0; i < FETCH_TRIES; i++) {
                pass(SEC);
                expect("trace 1 from 20; ");
                fetch_traced(fetch, 0, 0, 45, now_usec);
        }
        pass(SEC);
        expect("record 1 of 1 0+20; done; "); /* a session without a part of its curve is one still */
        end("");
}

static void test_trace_is_refused(void) {
        static const struct {
                int error;
                uint8_t result;
                const char *said;
        } refusals[] = {
                { -EREMOTEIO, OMP_RESULT_NOT_SUPPORTED, "record 1 of 1; done; " },
                { -EREMOTEIO, OMP_RESULT_OUT_OF_RANGE, "record 1 of 1; done; " },
                { -EREMOTEIO, OMP_RESULT_BUSY, "Device or resource busy at 1; " },
                { -EREMOTEIO, OMP_RESULT_FAILED, "trace 1 from 0; " },
                { -ETIMEDOUT, 0, "Connection timed out at 1; " },
                { -ENOTCONN, 0, "Transport endpoint is not connected at 1; " },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
                until_the_trace();
                fetch_traced(fetch, refusals[i].error, refusals[i].result, 0, now_usec);
                expect(refusals[i].said);
                fetch = fetch_free(fetch);
                g_string_truncate(said, 0);
                end("");
        }
}

static void test_trace_cannot_be_asked_for(void) {
        FetchOps without = ops;

        without.trace = on_no_trace;
        begin_with(&without, 0, 0, false);
        tell_last(1);
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record_in(1, OMP_RECORD_TRACE, 180, 0);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        expect("Device or resource busy at 1; ");
        end("");
}

static void test_chunk_that_no_frame_holds(void) {
        until_the_trace();
        chunk(1, 0, 255, false, 0);
        chunk(1, 255, 0, true, 0);      /* the last one may be empty */
        fetch_traced(fetch, 0, 0, 255, now_usec);
        expect("record 1 of 1 0+82 82+82 164+82 246+9 255+0; done; ");
        end("");
}

/* ---- The storage ---- */

static void test_one_after_the_other(void) {
        begin(0, 0, true);
        keep_at_once = false;
        report_of_two();
        record(1);
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 1; ");
        fetch_stored(fetch, &(StoredCursor) { 1, 9, 0 }, 0, now_usec); /* somebody's */
        expect("");
        fetch_stored(fetch, &handed, 0, now_usec);
        expect("record 2 of 1; ");
        fetch_stored(fetch, &handed, -EIO, now_usec);
        expect("No space left on device at 2; "); /* and nothing was cleared */
        end("");
}

static void test_storage_takes_too_long(void) {
        begin(0, 0, true);
        keep_at_once = false;
        report_of_two();
        record(1);
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        g_string_truncate(said, 0);
        pass(FETCH_STORE_USEC);
        expect("No space left on device at 1; ");
        fetch_stored(fetch, &handed, 0, now_usec); /* nobody waits */
        end("");
}

/* ---- What goes wrong ---- */

#define STEPS 6u                        /* where something can break off: last, count, report, trace, store, delete */

static void until(unsigned step) {
        begin(0, 0, true);
        keep_at_once = false;
        expect("> 01 06; ");
        written(0);
        if (step == 0)
                return;
        procedure();
        record(1);
        response(0x06, 0x00, 0x01, 0x01);
        written(0);
        if (step > 1) {
                response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
                written(0);
        }
        if (step > 2) {
                procedure();
                record_in(1, OMP_RECORD_TRACE, 180, 0);
                response(0x06, 0x00, 0x01, 0x01);
        }
        if (step > 3) {
                procedure();
                chunk(1, 0, 5, true, 0);
                fetch_traced(fetch, 0, 0, 5, now_usec);
        }
        if (step > 4) {
                fetch_stored(fetch, &handed, 0, now_usec);
                written(0);
        }
        g_string_truncate(said, 0);
}

/* The next connection goes on behind what is durable: the record comes once more, or it does not. */
static void test_link_lost_at_each_step(void) {
        for (unsigned step = 0; step < STEPS; step++) {
                until(step);
                fetch = fetch_free(fetch);
                expect("Transport endpoint is not connected; ");
                end("");
        }
}

static void test_stopped_at_each_step(void) {
        static const char *const says[STEPS] = {
                "> 03 00; ", "> 03 00; ", "> 03 00; ", "stop trace; ", "Operation canceled; ", "> 03 00; ",
        };

        for (unsigned step = 0; step < STEPS; step++) {
                until(step);
                fetch_stop(fetch, now_usec);
                fetch_stop(fetch, now_usec);
                expect(says[step]);
                record(1);              /* what was on its way is passed over */
                if (step == 3) {
                        fetch_traced(fetch, -EREMOTEIO, OMP_RESULT_FAILED, 0, now_usec);
                } else {
                        written(0);
                        response(0x06, 0x00, 0x01, 0x01);
                        response(0x06, 0x00, 0x03, 0x01);
                }
                expect(step == 4 ? "" : "Operation canceled; ");
                g_assert_false(fetch_runs(fetch));
                g_assert_cmpint(fetch_begin(fetch, &(StoredCursor) {}, false, now_usec), ==, 0);
                end("> 01 06; Transport endpoint is not connected; ");
        }
}

/* What was not written yet need not be ended. */
static void test_stopped_before_it_is_asked(void) {
        begin(0, 0, false);
        expect("> 01 06; ");
        procedure();
        record(1);
        response(0x06, 0x00, 0x01, 0x01);
        fetch_stop(fetch, now_usec);
        expect("Operation canceled; ");
        g_assert_cmpint(fetch_begin(fetch, &(StoredCursor) {}, false, now_usec), ==, -EBUSY); /* the write before is under way */
        written(0);
        end("");
}

static void test_no_answer_at_each_step(void) {
        for (unsigned step = 0; step < STEPS; step++) {
                until(step);
                if (step == 4) {
                        end("Transport endpoint is not connected; ");
                        continue;
                }
                pass(FETCH_LIMIT_USEC - 1);
                expect("");
                pass(1);
                expect("Connection timed out; ");
                g_assert_cmpint(fetch_begin(fetch, &(StoredCursor) {}, false, now_usec), ==, -ETIMEDOUT);
                end("");
        }
}

/* Data give more time, but not for ever. */
static void test_data_prolong_the_wait(void) {
        uint64_t began;

        until(2);
        procedure();
        began = now_usec;
        while (fetch_runs(fetch)) {
                record(1);
                g_assert_cmpuint(fetch_deadline(fetch), <=, began + FETCH_WHOLE_USEC);
                pass(20 * SEC);
        }
        g_assert_cmpuint(now_usec, >=, began + FETCH_WHOLE_USEC);
        expect("Connection timed out; ");
        end("");
}

static void test_write_fails_at_each_step(void) {
        for (unsigned step = 0; step < STEPS; step++) {
                until(step);
                if (step == 3 || step == 4) {
                        end("Transport endpoint is not connected; ");
                        continue;
                }
                written(-EALREADY);     /* ATT error 0xfe */
                expect("Device or resource busy; ");
                end("");
        }
}

static void test_device_refuses(void) {
        begin(0, 0, false);
        expect("> 01 06; ");
        written(0);
        response(0x06, 0x00, 0x04, 0x02); /* to something else */
        response(0x07, 0x00, 0x01, 0x02); /* no response at all */
        response(0x06, 0x00, 0x01);
        expect("");
        response(0x06, 0x00, 0x01, 0x02);
        expect("Operation not supported; ");
        end("");

        until(1);
        response(0x06, 0x00, 0x04, 0x02);
        expect("Operation not supported; ");
        end("");
        until(2);
        response(0x06, 0x00, 0x01, 0x08); /* ended by somebody */
        expect("Remote I/O error; ");
        end("");
        until(5);
        response(0x06, 0x00, 0x02, 0x08);
        expect("Remote I/O error; ");
        end("");
}

static void test_nobody_asked(void) {
        begin(7, packed(7), false);
        tell_last(7);
        expect("done; ");
        record(8);
        response(0x06, 0x00, 0x01, 0x01);
        fetch_traced(fetch, 0, 0, 0, now_usec);
        written(0);
        pass(1000 * SEC);
        end("");
}

/* ---- A device in memory ---- */

typedef struct Device {
        uint32_t last;
        unsigned lost;                  /* index of the segment that is lost, of all; UINT_MAX none */
        unsigned sent;
} Device;

static void device_record(Device *d, uint32_t number, size_t room) {
        uint8_t body[OMP_BODY_MAX];
        uint64_t lost = d->lost >= d->sent && d->lost - d->sent < 64 ? UINT64_C(1) << (d->lost - d->sent) : 0;

        d->sent += send_body(body, make_record(number, 0, body), room, lost);
}

/* Answers what it was asked last, until nothing more is. */
static void device_answers(Device *d) {
        while (said->len > 0 && strrchr(said->str, '>')) {
                g_autofree char *asked = g_strdup(strrchr(said->str, '>'));
                uint32_t from = 1, to = d->last;
                unsigned first, last;

                g_string_truncate(said, 0);
                written(0);
                procedure();
                if (g_str_has_prefix(asked, "> 01 06"))
                        from = d->last;
                else if (sscanf(asked, "> 01 04 01 %x 00 00 00 %x", &first, &last) == 2) {
                        from = first;
                        to = last;
                } else if (sscanf(asked, "> 01 03 01 %x", &first) == 1)
                        from = first;
                else {
                        uint8_t count[] = { 0x05, 0x00, (uint8_t) d->last, 0x00, 0x00, 0x00 };

                        g_assert_true(g_str_has_prefix(asked, "> 04 03 01 01"));
                        fetch_response(fetch, count, sizeof(count), now_usec);
                        continue;
                }
                for (uint32_t number = from; number <= to; number++)
                        device_record(d, number, 20);
                response(0x06, 0x00, 0x01, 0x01);
                if (fetch_runs(fetch) && !strchr(said->str, '>'))
                        pass(SEC);
        }
}

static void test_each_segment_lost(void) {
        Device whole = { .last = 5, .lost = UINT_MAX };
        unsigned segments;

        begin(0, 0, false);
        device_answers(&whole);
        segments = whole.sent;
        g_assert_cmpuint(kept_numbers->len, ==, 5);
        fetch = fetch_free(fetch);
        g_string_truncate(said, 0);
        end("");

        for (unsigned lost = 0; lost < segments; lost++) {
                Device d = { .last = 5, .lost = lost };

                begin(0, 0, false);
                device_answers(&d);
                g_assert_false(fetch_runs(fetch));
                g_assert_true(g_str_has_suffix(said->str, "done; "));
                g_assert_cmpuint(kept_numbers->len, ==, 5);
                for (unsigned i = 0; i < 5; i++)
                        g_assert_cmpuint(g_array_index(kept_numbers, uint32_t, i), ==, i + 1);
                g_string_truncate(said, 0);
                end("");
        }
}

/* More than are kept in memory: in parts, and each once. */
static void test_many(void) {
        const uint32_t n = FETCH_BATCH_MAX * 2 + 10;
        uint32_t from = 1;

        begin(0, 0, false);
        tell_last(n);
        while (fetch_runs(fetch)) {
                uint32_t left = n + 1 - from;
                const uint8_t count[] = { 0x05, 0x00, (uint8_t) left, (uint8_t) (left >> 8), 0x00, 0x00 };

                written(0);
                fetch_response(fetch, count, sizeof(count), now_usec);
                written(0);
                procedure();
                for (uint32_t number = from; number <= n; number++)
                        record(number);
                response(0x06, 0x00, 0x01, 0x01);
                from = kept_numbers->len + 1;
        }
        g_assert_cmpuint(kept_numbers->len, ==, n);
        for (uint32_t i = 0; i < n; i++)
                g_assert_cmpuint(g_array_index(kept_numbers, uint32_t, i), ==, i + 1);
        g_assert_cmpuint(fetch_progress(fetch).done, ==, n);
        g_assert_cmpuint(fetch_progress(fetch).total, ==, n);
        g_string_truncate(said, 0);
        end("");
}

#define TEST(name, function) g_test_add_func("/fetch/" name, function)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("example-of-the-profile", test_example_of_the_profile);
        TEST("nothing-is-there", test_nothing_is_there);
        TEST("nothing-is-new", test_nothing_is_new);
        TEST("device-was-reset", test_device_was_reset);
        TEST("answer-before-the-data", test_answer_before_the_data);
        TEST("the-last-is-lost", test_the_last_is_lost);
        TEST("a-lost-record-is-asked-for-again", test_a_lost_record_is_asked_for_again);
        TEST("lost-at-the-end", test_lost_at_the_end);
        TEST("fewer-than-counted", test_fewer_than_counted);
        TEST("more-than-counted", test_more_than_counted);
        TEST("gone-meanwhile", test_gone_meanwhile);
        TEST("a-record-that-cannot-be-read", test_a_record_that_cannot_be_read);
        TEST("body-that-is-too-long", test_body_that_is_too_long);
        TEST("trace-resumes", test_trace_resumes);
        TEST("trace-that-does-not-come", test_trace_that_does_not_come);
        TEST("trace-is-refused", test_trace_is_refused);
        TEST("trace-cannot-be-asked-for", test_trace_cannot_be_asked_for);
        TEST("chunk-that-no-frame-holds", test_chunk_that_no_frame_holds);
        TEST("one-after-the-other", test_one_after_the_other);
        TEST("storage-takes-too-long", test_storage_takes_too_long);
        TEST("link-lost-at-each-step", test_link_lost_at_each_step);
        TEST("stopped-at-each-step", test_stopped_at_each_step);
        TEST("stopped-before-it-is-asked", test_stopped_before_it_is_asked);
        TEST("no-answer-at-each-step", test_no_answer_at_each_step);
        TEST("data-prolong-the-wait", test_data_prolong_the_wait);
        TEST("write-fails-at-each-step", test_write_fails_at_each_step);
        TEST("device-refuses", test_device_refuses);
        TEST("nobody-asked", test_nobody_asked);
        TEST("each-segment-lost", test_each_segment_lost);
        TEST("many", test_many);
        return g_test_run();
}
