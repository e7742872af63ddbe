/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch-talk.h"

/* What breaks off or fails, at each step, and each segment lost in turn. */

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
        g_assert_cmpint(fetch_begin(fetch, &(StoredCursor) {}, false, now_usec), ==, 0);
        expect("");                     /* the write before is under way */
        written(0);
        end("> 01 06; Transport endpoint is not connected; ");
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

/* Data give more time, but not for ever. What came until then is taken, and no more is counted than that. */
static void test_data_prolong_the_wait(void) {
        uint64_t began;

        until(2);
        procedure();
        began = now_usec;
        while (said->len == 0) {
                record(1);
                g_assert_cmpuint(fetch_deadline(fetch), <=, began + FETCH_WHOLE_USEC);
                pass(20 * SEC);
        }
        g_assert_cmpuint(now_usec, >=, began + FETCH_WHOLE_USEC);
        expect("> 03 00; ");
        written(0);
        response(0x06, 0x00, 0x01, 0x08); /* as the report ends */
        response(0x06, 0x00, 0x03, 0x01);
        expect("record 1 of 1; ");
        fetch_stored(fetch, &handed, 0, now_usec);
        expect("> 04 03 01 02 00 00 00; ");
        written(0);
        response(0x05, 0x00, 0x00, 0x00, 0x00, 0x00);
        expect("done; ");               /* nothing is cleared: who knows what was not sent */
        end("");
}

/* Nothing of all that can be used. */
static void test_report_of_nothing_takes_too_long(void) {
        const uint8_t none[] = { 0x00, 0x00 };

        until(2);
        while (said->len == 0) {
                fetch_data(fetch, none, sizeof(none), now_usec);
                pass(20 * SEC);
        }
        expect("Connection timed out; ");
        end("");
}

/* Likewise of a trace. */
static void test_trace_takes_too_long(void) {
        uint32_t at = 0;

        until(3);
        procedure();
        while (said->len == 0) {
                chunk(1, at++, 1, false, 0);
                pass(20 * SEC);
        }
        expect("stop trace; ");
        g_assert_cmpuint(at, ==, FETCH_WHOLE_USEC / (20 * SEC));
        fetch_traced(fetch, -EREMOTEIO, OMP_RESULT_FAILED, 0, now_usec);
        g_assert_true(g_str_has_prefix(said->str, "record 1 of 1 0+1 1+1 2+1 "));
        g_string_truncate(said, 0);
        end("Transport endpoint is not connected; ");

        until(3);                       /* and the end of it is not answered */
        procedure();
        for (at = 0; said->len == 0; at++) {
                chunk(1, at, 1, false, 0);
                pass(20 * SEC);
        }
        expect("stop trace; ");
        pass(FETCH_LIMIT_USEC);
        expect("Connection timed out; ");
        end("");
}

/* A device that always counts more than it may have: there is an end to it. */
static void test_counts_without_end(void) {
        const FetchOps *with = &fetch_ops;
        uint32_t at = 1;

        begin(0, 0, false);
        fetch = fetch_free(fetch);
        g_string_truncate(said, 0);
        fetch = fetch_new(with, memory, true, 300, NULL);
        g_assert_cmpint(fetch_begin(fetch, &(StoredCursor) {}, false, now_usec), ==, 0);
        tell_last(60000);
        while (fetch_runs(fetch) && at < 2000) {
                written(0);
                response(0x05, 0x00, 0xff, 0xff, 0xff, 0xff);
                written(0);
                procedure();
                for (unsigned i = 0; i < FETCH_BATCH_MAX; i++)
                        record(at++);
                response(0x06, 0x00, 0x01, 0x01);
        }
        g_assert_cmpuint(kept_numbers->len, ==, 2 * FETCH_BATCH_MAX);
        g_assert_true(g_str_has_suffix(said->str, "done; "));
        g_string_truncate(said, 0);
        end("");
}

/* Nothing goes that did not come, where the numbers end either. */
static void test_fewer_than_counted_at_the_last_number(void) {
        begin(0, 0, true);
        tell_last(UINT32_MAX);
        written(0);
        response(0x05, 0x00, 0x02, 0x00, 0x00, 0x00);
        for (unsigned i = 0; i <= FETCH_TRIES; i++) {
                written(0);
                procedure();
                record(UINT32_MAX);
                response(0x06, 0x00, 0x01, 0x01);
                g_string_truncate(said, 0);
                pass(SEC);
        }
        expect("record 4294967295 of 1; done; ");
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

/* What is lost behind those that are kept in memory is not asked for yet, and stops nothing. */
static void test_lost_behind_many(void) {
        const uint32_t n = FETCH_BATCH_MAX + 10, lost = FETCH_BATCH_MAX + 5;

        begin(0, 0, false);
        tell_last(n);
        written(0);
        response(0x05, 0x00, 0x0a, 0x01, 0x00, 0x00);
        written(0);
        procedure();
        g_string_truncate(said, 0);
        for (uint32_t number = 1; number <= n; number++)
                record_in(number, 0, 180, number == lost);
        response(0x06, 0x00, 0x01, 0x01);
        g_assert_cmpuint(kept_numbers->len, ==, FETCH_BATCH_MAX);
        g_assert_true(g_str_has_suffix(said->str, "record 256 of 1; > 04 03 01 01 01 00 00; "));
        g_string_truncate(said, 0);
        written(0);
        response(0x05, 0x00, 0x0a, 0x00, 0x00, 0x00);
        written(0);
        procedure();
        for (uint32_t number = FETCH_BATCH_MAX + 1; number <= n; number++)
                record(number);
        response(0x06, 0x00, 0x01, 0x01);
        g_assert_true(g_str_has_suffix(said->str, "record 266 of 1; done; "));
        g_string_truncate(said, 0);
        end("");
}

#define TEST(name, function) g_test_add_func("/fetch-trouble/" name, function)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("link-lost-at-each-step", test_link_lost_at_each_step);
        TEST("stopped-at-each-step", test_stopped_at_each_step);
        TEST("stopped-before-it-is-asked", test_stopped_before_it_is_asked);
        TEST("no-answer-at-each-step", test_no_answer_at_each_step);
        TEST("data-prolong-the-wait", test_data_prolong_the_wait);
        TEST("report-of-nothing-takes-too-long", test_report_of_nothing_takes_too_long);
        TEST("trace-takes-too-long", test_trace_takes_too_long);
        TEST("counts-without-end", test_counts_without_end);
        TEST("fewer-than-counted-at-the-last-number", test_fewer_than_counted_at_the_last_number);
        TEST("write-fails-at-each-step", test_write_fails_at_each_step);
        TEST("device-refuses", test_device_refuses);
        TEST("nobody-asked", test_nobody_asked);
        TEST("each-segment-lost", test_each_segment_lost);
        TEST("many", test_many);
        TEST("lost-behind-many", test_lost_behind_many);
        return g_test_run();
}
