/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "link/procedure.h"

/* A conversation with a device: what was written, what came back, and how each job ended, in one line of text. */

#define SEC UINT64_C(1000000)

static Procedures *procedures;
static GString *said;
static uint64_t now_usec;

static void on_write(const uint8_t *data, size_t size, void *userdata) {
        g_string_append(said, ">");
        for (size_t i = 0; i < size; i++)
                g_string_append_printf(said, "%s%02x", i > 0 ? " " : "", data[i]);
        g_string_append(said, "; ");
}

static void on_answered(const OmpRequest *request, const OmpResponse *response, void *userdata) {
        if (response->has_value)
                g_string_append_printf(said, "%s: %u=%i; ", (const char *) userdata, response->parameter, response->value);
        else
                g_string_append_printf(said, "%s: %u; ", (const char *) userdata, response->result);
}

static void on_done(const ProcedureEnd *end, void *userdata) {
        g_string_append_printf(said, "%s %s", (const char *) userdata, end->error < 0 ? g_strerror(-end->error) : "done");
        if (end->result)
                g_string_append_printf(said, " %u", end->result);
        if (!end->request)
                g_string_append(said, ", unsent");
        g_string_append(said, "; ");
}

static void begin(bool crc) {
        procedures = procedures_new(crc, on_write, NULL);
        said = g_string_new("");
        now_usec = 100 * SEC;
}

#define expect(text)                                            \
        do {                                                    \
                g_assert_cmpstr(said->str, ==, (text));         \
                g_string_truncate(said, 0);                     \
        } while (0)

static void end(const char *rest) {
        procedures = procedures_free(procedures);
        expect(rest);
        g_string_free(said, true);
}

static int add(const char *name, OmpOp op) {
        const ProcedureJob job = { .requests = { { .op = op } }, .n = 1, .done = on_done, .userdata = (void *) name };

        return procedures_add(procedures, &job, now_usec);
}

static void add_two(const char *name, OmpOp op, bool go_on) {
        const ProcedureJob job = {
                .requests = { { .op = op, .parameter = OMP_PARAMETER_OVERPRESSURE, .value = 2000 },
                              { .op = op, .parameter = OMP_PARAMETER_HYSTERESIS, .value = 300 } },
                .n = 2, .go_on = go_on, .answered = on_answered, .done = on_done, .userdata = (void *) name,
        };

        g_assert_cmpint(procedures_add(procedures, &job, now_usec), ==, 0);
}

static void written(void) {
        procedures_written(procedures, 0, now_usec);
}

#define answer(...)                                                                     \
        do {                                                                            \
                static const uint8_t _data[] = { __VA_ARGS__ };                         \
                procedures_response(procedures, _data, sizeof(_data), now_usec);        \
        } while (0)

static void test_one(void) {
        begin(false);
        g_assert_cmpuint(procedures_deadline(procedures), ==, UINT64_MAX);
        g_assert_cmpint(add("tare", OMP_OP_TARE), ==, 0);
        expect(">03; ");
        written();
        expect("");
        g_assert_cmpuint(procedures_deadline(procedures), ==, now_usec + 30 * SEC);
        answer(0x20, 0x03, 0x01);
        expect("tare done; ");
        g_assert_cmpuint(procedures_deadline(procedures), ==, UINT64_MAX);
        end("");
}

/* Answer and confirmation of the write come by two ways. */
static void test_answer_before_its_write_is_confirmed(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        (void) add("again", OMP_OP_TARE);
        answer(0x20, 0x03, 0x01);
        expect(">03; tare done; ");
        written();
        expect(">03; ");
        written();
        answer(0x20, 0x03, 0x01);
        expect("again done; ");
        end("");
}

static void test_one_after_the_other(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        add_two("get", OMP_OP_GET, false);
        written();
        expect(">03; ");
        answer(0x20, 0x03, 0x01);
        expect("tare done; >01 03; ");
        written();
        answer(0x20, 0x01, 0x01, 0x03, 0xa0, 0x0f);
        expect("get: 3=4000; >01 04; ");
        written();
        answer(0x20, 0x01, 0x01, 0x04, 0xf4, 0x01);
        expect("get: 4=500; get done; ");
        end("");
}

static void test_each_refusal(void) {
        for (uint8_t result = OMP_RESULT_NOT_SUPPORTED; result <= OMP_RESULT_STORAGE_FULL; result++) {
                const uint8_t refusal[] = { 0x20, 0x03, result };
                g_autofree char *text = g_strdup_printf("tare Remote I/O error %u; ", result);

                begin(false);
                (void) add("tare", OMP_OP_TARE);
                written();
                expect(">03; ");
                procedures_response(procedures, refusal, sizeof(refusal), now_usec);
                expect(text);
                end("");
        }
}

static void test_refusal_ends_a_job(void) {
        begin(false);
        add_two("set", OMP_OP_SET, false);
        written();
        expect(">02 03 d0 07; ");
        answer(0x20, 0x02, 0x05);
        expect("set: 5; set Remote I/O error 5; ");
        end("");
}

static void test_refusal_passed_over(void) {
        begin(false);
        add_two("set", OMP_OP_SET, true);
        written();
        answer(0x20, 0x02, 0x05);
        expect(">02 03 d0 07; set: 5; >02 04 2c 01; ");
        written();
        answer(0x20, 0x02, 0x01);
        expect("set: 1; set done; ");
        end("");
}

static void test_what_is_no_answer(void) {
        begin(false);
        answer(0x20, 0x03, 0x01);               /* to nothing */
        add_two("get", OMP_OP_GET, false);
        written();
        expect(">01 03; ");
        answer(0x20, 0x03, 0x01);               /* to another operation */
        answer(0x20, 0x01, 0x01, 0x04, 0xf4, 0x01); /* another parameter */
        answer(0x20, 0x01);                     /* half of one */
        answer(0x21, 0x01, 0x01);               /* none */
        expect("");
        answer(0x20, 0x01, 0x01, 0x03, 0xa0, 0x0f, 0x77); /* of a later minor version */
        expect("get: 3=4000; >01 04; ");
        end("get Transport endpoint is not connected; ");
}

/* With bit 13 of Feature both ways carry a CRC. */
static void test_crc(void) {
        begin(true);
        (void) add("tare", OMP_OP_TARE);
        written();
        expect(">03 1c 3d; ");
        answer(0x20, 0x03, 0x01);
        answer(0x20, 0x03, 0x01, 0x00, 0x00);
        expect("");
        uint8_t good[OMP_RESPONSE_MAX];
        int n = omp_response_encode(&(OmpResponse) { .op = OMP_OP_TARE, .result = OMP_RESULT_OK }, true, good, sizeof(good));

        procedures_response(procedures, good, (size_t) n, now_usec);
        expect("tare done; ");
        end("");
}

static void test_no_answer(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        (void) add("identify", OMP_OP_IDENTIFY);
        written();
        now_usec += 30 * SEC - 1;
        procedures_tick(procedures, now_usec);
        expect(">03; ");
        now_usec++;
        procedures_tick(procedures, now_usec);
        expect("tare Connection timed out; identify Connection timed out, unsent; ");

        /* "No new procedure on that link", but to stop the motor is always allowed. */
        g_assert_cmpint(add("late", OMP_OP_TARE), ==, -ETIMEDOUT);
        answer(0x20, 0x03, 0x01);
        expect("");
        g_assert_cmpint(add("stop", OMP_OP_STOP_MOTOR), ==, 0);
        expect(">09; ");
        written();
        answer(0x20, 0x09, 0x01);
        expect("stop done; ");
        end("");
}

/* The time begins anew with each request. */
static void test_time_of_each_request(void) {
        begin(false);
        add_two("get", OMP_OP_GET, false);
        written();
        now_usec += 29 * SEC;
        answer(0x20, 0x01, 0x01, 0x03, 0xa0, 0x0f);
        written();
        now_usec += 29 * SEC;
        procedures_tick(procedures, now_usec);
        expect(">01 03; get: 3=4000; >01 04; ");
        g_assert_cmpuint(procedures_deadline(procedures), ==, now_usec + SEC);
        answer(0x20, 0x01, 0x01, 0x04, 0xf4, 0x01);
        expect("get: 4=500; get done; ");
        end("");
}

static void test_write_fails(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        (void) add("again", OMP_OP_TARE);
        procedures_written(procedures, -EALREADY, now_usec);
        expect(">03; tare Operation already in progress; >03; ");
        procedures_written(procedures, -ETIMEDOUT, now_usec);
        expect("again Connection timed out; ");
        g_assert_cmpint(add("late", OMP_OP_TARE), ==, -ETIMEDOUT);
        end("");
}

/* What has answered was reached, whatever bluetoothd says of the write. */
static void test_write_fails_after_the_answer(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        answer(0x20, 0x03, 0x01);
        procedures_written(procedures, -EIO, now_usec);
        expect(">03; tare done; ");
        end("");
}

static void test_link_lost(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        (void) add("identify", OMP_OP_IDENTIFY);
        (void) add("stop", OMP_OP_STOP_MOTOR);
        expect(">03; ");
        end("stop Transport endpoint is not connected, unsent; tare Transport endpoint is not connected; "
            "identify Transport endpoint is not connected, unsent; ");
}

static void test_bound(void) {
        begin(false);
        for (unsigned i = 0; i < PROCEDURE_JOBS_MAX; i++)
                g_assert_cmpint(add("tare", OMP_OP_TARE), ==, 0);
        g_assert_cmpint(add("one more", OMP_OP_TARE), ==, -EBUSY);
        for (unsigned i = 0; i < PROCEDURE_JOBS_MAX; i++)
                g_assert_cmpint(add("stop", OMP_OP_STOP_MOTOR), ==, 0);
        g_assert_cmpint(add("one more", OMP_OP_STOP_MOTOR), ==, -EBUSY);
        expect(">03; ");
        written();
        answer(0x20, 0x09, 0x01);
        expect(">09; stop done; ");
        g_assert_cmpint(add("stop", OMP_OP_STOP_MOTOR), ==, 0);
        procedures = procedures_free(procedures);
        g_string_free(said, true);
}

/* It waits for the write that is under way, and for no answer. */
static void test_stop_motor_overtakes(void) {
        begin(false);
        add_two("get", OMP_OP_GET, false);
        (void) add("tare", OMP_OP_TARE);
        (void) add("stop", OMP_OP_STOP_MOTOR);
        expect(">01 03; ");
        written();
        expect(">09; ");
        answer(0x20, 0x01, 0x01, 0x03, 0xa0, 0x0f);
        expect("get: 3=4000; ");        /* the next waits for the write of the stop */
        written();
        expect(">01 04; ");
        answer(0x20, 0x09, 0x01);
        expect("stop done; ");
        written();
        answer(0x20, 0x01, 0x01, 0x04, 0xf4, 0x01);
        expect("get: 4=500; get done; >03; ");
        end("tare Transport endpoint is not connected; ");
}

/* Nor for that of the end of a transfer, which is none of its business. */
static void test_stop_motor_overtakes_an_abort(void) {
        begin(false);
        (void) add("trace", OMP_OP_TRACE);
        written();
        (void) add("abort", OMP_OP_ABORT);
        expect(">10 00 00 00 00 00 00 00 00; >11; ");
        written();
        (void) add("stop", OMP_OP_STOP_MOTOR);
        expect(">09; ");
        written();
        answer(0x20, 0x09, 0x01);
        expect("stop done; ");
        answer(0x20, 0x11, 0x01);
        answer(0x20, 0x10, 0x04);
        expect("abort done; trace Remote I/O error 4; ");
        end("");
}

/* Some devices answer the transfer alone: the others go on. */
static void test_abort_is_not_answered(void) {
        begin(false);
        (void) add("trace", OMP_OP_TRACE);
        written();
        (void) add("abort", OMP_OP_ABORT);
        written();
        answer(0x20, 0x10, 0x04);
        expect(">10 00 00 00 00 00 00 00 00; >11; abort done; trace Remote I/O error 4; ");
        g_assert_cmpuint(procedures_deadline(procedures), ==, UINT64_MAX);

        (void) add("trace", OMP_OP_TRACE); /* and one that goes on all the same */
        written();
        (void) add("abort", OMP_OP_ABORT);
        written();
        now_usec += 29 * SEC;
        procedures_prolong(procedures, now_usec);
        now_usec += SEC;
        procedures_tick(procedures, now_usec);
        expect(">10 00 00 00 00 00 00 00 00; >11; abort Connection timed out; ");
        answer(0x20, 0x10, 0x01, 0x00, 0x00, 0x00, 0x00);
        g_assert_cmpint(add("tare", OMP_OP_TARE), ==, 0);
        written();
        answer(0x20, 0x03, 0x01);
        expect("trace done; >03; tare done; ");
        end("");
}

/* What comes of a trace is a sign of life of the trace, and of nothing else. */
static void test_prolonged(void) {
        begin(false);
        (void) add("tare", OMP_OP_TARE);
        now_usec += 10 * SEC;
        procedures_prolong(procedures, now_usec);
        g_assert_cmpuint(procedures_deadline(procedures), ==, now_usec + 20 * SEC);
        written();
        answer(0x20, 0x03, 0x01);
        (void) add("trace", OMP_OP_TRACE);
        now_usec += 10 * SEC;
        procedures_prolong(procedures, now_usec);
        g_assert_cmpuint(procedures_deadline(procedures), ==, now_usec + 30 * SEC);
        procedures = procedures_free(procedures);
        g_string_free(said, true);
}

static void on_asked(void *userdata) {
        g_string_append_printf(said, "%s asked; ", (const char *) userdata);
}

static void test_told_when_it_is_written(void) {
        const ProcedureJob job = { .requests = { { .op = OMP_OP_TRACE } }, .n = 1, .asked = on_asked, .userdata = (void *) "trace" };

        begin(false);
        (void) add("tare", OMP_OP_TARE);
        g_assert_cmpint(procedures_add(procedures, &job, now_usec), ==, 0);
        written();
        expect(">03; ");
        answer(0x20, 0x03, 0x01);
        expect("tare done; trace asked; >10 00 00 00 00 00 00 00 00; ");
        end("");
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/procedure/one", test_one);
        g_test_add_func("/procedure/answer-before-its-write-is-confirmed", test_answer_before_its_write_is_confirmed);
        g_test_add_func("/procedure/one-after-the-other", test_one_after_the_other);
        g_test_add_func("/procedure/each-refusal", test_each_refusal);
        g_test_add_func("/procedure/refusal-ends-a-job", test_refusal_ends_a_job);
        g_test_add_func("/procedure/refusal-passed-over", test_refusal_passed_over);
        g_test_add_func("/procedure/what-is-no-answer", test_what_is_no_answer);
        g_test_add_func("/procedure/crc", test_crc);
        g_test_add_func("/procedure/no-answer", test_no_answer);
        g_test_add_func("/procedure/time-of-each-request", test_time_of_each_request);
        g_test_add_func("/procedure/write-fails", test_write_fails);
        g_test_add_func("/procedure/write-fails-after-the-answer", test_write_fails_after_the_answer);
        g_test_add_func("/procedure/link-lost", test_link_lost);
        g_test_add_func("/procedure/bound", test_bound);
        g_test_add_func("/procedure/stop-motor-overtakes", test_stop_motor_overtakes);
        g_test_add_func("/procedure/stop-motor-overtakes-an-abort", test_stop_motor_overtakes_an_abort);
        g_test_add_func("/procedure/abort-is-not-answered", test_abort_is_not_answered);
        g_test_add_func("/procedure/prolonged", test_prolonged);
        g_test_add_func("/procedure/told-when-it-is-written", test_told_when_it_is_written);
        return g_test_run();
}
