/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch-talk.h"

/* What is asked of a device that has stored sessions, and what comes. What goes wrong is test-fetch-trouble.c's. */

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

        begin(56, packed(56), true);
        expect("> 01 06; ");
        written(0);
        procedure();
        g_assert_cmpuint(send_body(octets, sizeof(octets), 20, 0), ==, 3);
        response(0x06, 0x00, 0x01, 0x01);
        expect("> 01 04 01 38 00 00 00 38 00 00 00; ");
        written(0);
        procedure();
        record(56);
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
        static const uint32_t cursors[] = {
                57,                     /* its numbers begin anew */
                2,                      /* the same number, another session */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cursors); i++) {
                begin(cursors[i], 1, true);
                tell_last(2);
                expect("> 04 03 01 01 00 00 00; ");
                written(0);
                response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
                written(0);
                procedure();
                record(2);
                g_string_truncate(said, 0);
                response(0x06, 0x00, 0x01, 0x01);
                expect("record 2 of 2; > 02 02 01 02 00 00 00; ");
                end("Transport endpoint is not connected; ");
        }
}

static void until_the_same_is_asked_for(uint32_t cursor, uint64_t start, uint32_t last) {
        g_autofree char *asks = g_strdup_printf("> 01 04 01 %02x 00 00 00 %02x 00 00 00; ", cursor, cursor);

        begin(cursor, start, true);
        tell_last(last);
        expect(asks);
        written(0);
        procedure();
}

static void two_are_new(void) {
        expect("> 04 03 01 03 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x02, 0x00, 0x00, 0x00);
        expect("> 01 03 01 03 00 00 00; ");
        written(0);
        procedure();
        record(3);
        record(4);
        response(0x06, 0x00, 0x01, 0x01);
}

/* It was reset, and has more sessions by now than it had then: those up to the cursor are new ones too. */
static void test_device_was_reset_and_went_on(void) {
        until_the_same_is_asked_for(2, 1, 3);
        record(2);
        response(0x06, 0x00, 0x01, 0x01);
        expect("> 04 03 01 01 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x03, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        for (uint32_t number = 1; number <= 3; number++)
                record(number);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 2; record 2 of 2; record 3 of 2; > 02 02 01 03 00 00 00; ");
        end("Transport endpoint is not connected; ");
}

static void test_the_same_device(void) {
        until_the_same_is_asked_for(2, packed(2), 4);
        response(0x06, 0x00, 0x01, 0x01); /* before the data */
        expect("");
        record(1);                      /* which nobody asked for */
        expect("");
        record(2);
        two_are_new();
        expect("record 3 of 1; record 4 of 1; > 02 02 01 04 00 00 00; ");
        end("Transport endpoint is not connected; ");
}

/* It has that one no more, or does not tell: what is older may be anything. */
static void test_only_what_was_taken_is_cleared(void) {
        until_the_same_is_asked_for(2, packed(2), 4);
        response(0x06, 0x00, 0x01, 0x06);
        two_are_new();
        expect("record 3 of 1; record 4 of 1; > 02 04 01 03 00 00 00 04 00 00 00; ");
        end("Transport endpoint is not connected; ");

        until_the_same_is_asked_for(2, packed(2), 4);
        for (unsigned i = 0; i < FETCH_TRIES; i++) {
                if (i > 0) {
                        expect("> 01 04 01 02 00 00 00 02 00 00 00; ");
                        written(0);
                }
                response(0x06, 0x00, 0x01, 0x01);
                pass(SEC);
        }
        two_are_new();
        expect("record 3 of 1; record 4 of 1; > 02 04 01 03 00 00 00 04 00 00 00; ");
        end("Transport endpoint is not connected; ");

        until_the_same_is_asked_for(2, packed(2), 4);
        response(0x06, 0x00, 0x01, 0x06);
        expect("> 04 03 01 03 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x00, 0x00, 0x00, 0x00);
        expect("done; ");               /* and nothing was */
        end("");
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

/* Beyond the range that was asked for nothing can be missing. */
static void test_lost_behind_a_range(void) {
        begin(0, 0, false);
        report_of_two();
        record(1);
        response(0x06, 0x00, 0x01, 0x01);
        pass(SEC);
        expect("> 01 04 01 01 00 00 00 02 00 00 00; ");
        written(0);
        procedure();
        record(1);
        record(2);
        record_in(3, 0, 20, 2);         /* nobody asked for it, and its second segment is lost */
        response(0x06, 0x00, 0x01, 0x01);
        expect("record 1 of 1; record 2 of 1; done; ");
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

/* It counted one that it has not any more, or that never comes: nothing is cleared that may be that one, not later either. */
static void test_fewer_than_counted(void) {
        begin(0, 0, true);
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
        again(2, packed(2), true);
        g_string_assign(said, "> 01 06; ");
        tell_last(2);
        expect("done; ");
        again(2, packed(2), true);
        g_string_assign(said, "> 01 06; ");
        tell_last(4);
        written(0);
        procedure();
        record(2);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        two_are_new();
        expect("record 3 of 1; record 4 of 1; > 02 04 01 03 00 00 00 04 00 00 00; ");
        end("Transport endpoint is not connected; ");
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
        begin(0, 0, true);
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

static int on_no_trace(uint32_t record, uint32_t first_entry, void *userdata) {
        return -EBUSY;
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

/* What has come of a trace that broke off is not asked for again. */
static void test_trace_goes_on_over_another_connection(void) {
        until_the_trace();
        chunk(1, 0, 20, false, 0);
        chunk(1, 20, 20, false, 0);
        again(0, 0, false);
        g_string_assign(said, "> 01 06; ");
        tell_last(1);
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record_in(1, OMP_RECORD_TRACE, 180, 0);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        expect("trace 1 from 40; ");
        procedure();
        chunk(1, 40, 5, true, 0);
        fetch_traced(fetch, 0, 0, 45, now_usec);
        expect("record 1 of 1 0+20 20+20 40+5; done; ");
        g_assert_cmpuint(memory->trace.octets->len, ==, 0);
        end("");
}

/* Of another record, or of one with that number from another time, nothing has come. */
static void test_trace_of_another(void) {
        FetchTrace *trace;
        OmpTrace first = { .record = 7, .n = 1, .period_10ms = 100 };
        const uint8_t data[1] = { 0 };

        memory = fetch_memory_new();
        trace = &memory->trace;
        fetch_trace_begin(trace, 7, 70);
        g_assert_true(fetch_trace_take(trace, &first, data, sizeof(data)));
        fetch_trace_begin(trace, 7, 70);
        g_assert_cmpuint(trace->next, ==, 1);
        fetch_trace_begin(trace, 7, 71);
        g_assert_cmpuint(trace->next, ==, 0);
        g_assert_true(fetch_trace_take(trace, &first, data, sizeof(data)));
        fetch_trace_begin(trace, 8, 71);
        g_assert_cmpuint(trace->next, ==, 0);
        memory = fetch_memory_free(memory);
}

/* It has more than is kept: the device is told to stop. */
static void test_trace_without_end(void) {
        uint32_t at = 0;

        until_the_trace();
        while (said->len == 0 && at <= FETCH_BODIES_MAX)
                chunk(1, at++, 1, false, 0);
        expect("stop trace; ");
        g_assert_cmpuint(at, ==, FETCH_BODIES_MAX);
        chunk(1, at, 1, false, 0);      /* what was on its way */
        fetch_traced(fetch, -EREMOTEIO, OMP_RESULT_FAILED, 0, now_usec);
        g_assert_true(g_str_has_suffix(said->str, " 4095+1; done; "));
        g_string_truncate(said, 0);
        end("");
}

/* Others wait at the Control Point before it: its time begins when it is written. */
static void test_trace_waits_for_others(void) {
        begin(0, 0, false);
        trace_at_once = false;
        tell_last(1);
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record_in(1, OMP_RECORD_TRACE, 180, 0);
        g_string_truncate(said, 0);
        response(0x06, 0x00, 0x01, 0x01);
        expect("trace 1 from 0; ");
        g_assert_cmpuint(fetch_deadline(fetch), ==, UINT64_MAX);
        procedure();
        chunk(1, 0, 5, true, 0);        /* of nobody's */
        now_usec += 100 * SEC;
        fetch_tracing(fetch, now_usec);
        g_assert_cmpuint(fetch_deadline(fetch), ==, now_usec + FETCH_LIMIT_USEC);
        procedure();
        chunk(1, 0, 4, true, 0);
        fetch_traced(fetch, 0, 0, 4, now_usec);
        expect("record 1 of 1 0+4; done; ");
        end("");
}

/* One that is not asked for yet cannot be stopped: it is as soon as it is. */
static void test_stopped_before_the_trace_is_asked_for(void) {
        begin(0, 0, false);
        trace_at_once = false;
        tell_last(1);
        written(0);
        response(0x05, 0x00, 0x01, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        record_in(1, OMP_RECORD_TRACE, 180, 0);
        response(0x06, 0x00, 0x01, 0x01);
        g_string_truncate(said, 0);
        fetch_stop(fetch, now_usec);
        expect("");
        g_assert_cmpuint(fetch_deadline(fetch), ==, UINT64_MAX);
        fetch_tracing(fetch, now_usec);
        expect("stop trace; ");
        fetch_traced(fetch, -EREMOTEIO, OMP_RESULT_FAILED, 0, now_usec);
        expect("Operation canceled; ");
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
        FetchOps without = fetch_ops;

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

#define TEST(name, function) g_test_add_func("/fetch/" name, function)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("example-of-the-profile", test_example_of_the_profile);
        TEST("nothing-is-there", test_nothing_is_there);
        TEST("nothing-is-new", test_nothing_is_new);
        TEST("device-was-reset", test_device_was_reset);
        TEST("device-was-reset-and-went-on", test_device_was_reset_and_went_on);
        TEST("the-same-device", test_the_same_device);
        TEST("only-what-was-taken-is-cleared", test_only_what_was_taken_is_cleared);
        TEST("answer-before-the-data", test_answer_before_the_data);
        TEST("the-last-is-lost", test_the_last_is_lost);
        TEST("a-lost-record-is-asked-for-again", test_a_lost_record_is_asked_for_again);
        TEST("lost-behind-a-range", test_lost_behind_a_range);
        TEST("lost-at-the-end", test_lost_at_the_end);
        TEST("fewer-than-counted", test_fewer_than_counted);
        TEST("more-than-counted", test_more_than_counted);
        TEST("gone-meanwhile", test_gone_meanwhile);
        TEST("a-record-that-cannot-be-read", test_a_record_that_cannot_be_read);
        TEST("body-that-is-too-long", test_body_that_is_too_long);
        TEST("trace-resumes", test_trace_resumes);
        TEST("trace-that-does-not-come", test_trace_that_does_not_come);
        TEST("trace-goes-on-over-another-connection", test_trace_goes_on_over_another_connection);
        TEST("trace-of-another", test_trace_of_another);
        TEST("trace-without-end", test_trace_without_end);
        TEST("trace-waits-for-others", test_trace_waits_for_others);
        TEST("stopped-before-the-trace-is-asked-for", test_stopped_before_the_trace_is_asked_for);
        TEST("trace-is-refused", test_trace_is_refused);
        TEST("trace-cannot-be-asked-for", test_trace_cannot_be_asked_for);
        TEST("chunk-that-no-frame-holds", test_chunk_that_no_frame_holds);
        TEST("one-after-the-other", test_one_after_the_other);
        TEST("storage-takes-too-long", test_storage_takes_too_long);
        return g_test_run();
}
