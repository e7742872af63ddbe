/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-records.h"

static const struct {
        const char *hex;
        OmpRacpRequest request;
} requests[] = {
        /* 1.10, the procedure */
        { "01 06", { OMP_RACP_REPORT, OMP_RACP_LAST, 0, 0 } },
        { "04 03 01 3a 00 00 00", { OMP_RACP_COUNT, OMP_RACP_AT_LEAST, 58, 0 } },
        { "01 03 01 3a 00 00 00", { OMP_RACP_REPORT, OMP_RACP_AT_LEAST, 58, 0 } },
        { "02 02 01 3b 00 00 00", { OMP_RACP_DELETE, OMP_RACP_AT_MOST, 0, 59 } },
        /* and the others */
        { "01 01", { OMP_RACP_REPORT, OMP_RACP_ALL, 0, 0 } },
        { "01 04 01 3a 00 00 00 3b 00 00 00", { OMP_RACP_REPORT, OMP_RACP_RANGE, 58, 59 } },
        { "01 04 01 3a 00 00 00 3a 00 00 00", { OMP_RACP_REPORT, OMP_RACP_RANGE, 58, 58 } },
        { "01 04 01 00 00 00 00 ff ff ff ff", { OMP_RACP_REPORT, OMP_RACP_RANGE, 0, UINT32_MAX } },
        { "02 05", { OMP_RACP_DELETE, OMP_RACP_FIRST, 0, 0 } },
        { "04 01", { OMP_RACP_COUNT, OMP_RACP_ALL, 0, 0 } },
        { "03 00", { OMP_RACP_ABORT, OMP_RACP_NULL, 0, 0 } },
};

static int write_to_device(const Value *v, OmpRacpRequest *ret, OmpRacpCode *ret_code) {
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);

        return omp_racp_request_decode(copy, v->size, ret, ret_code);
}

static OmpRacpCode code_of(const char *hex) {
        Value v = value_from_hex(hex);
        OmpRacpRequest request;
        OmpRacpCode code;

        g_assert_cmpint(write_to_device(&v, &request, &code), ==, 0);
        g_assert_cmphex(request.op, ==, v.octets[0]);
        if (code != OMP_RACP_SUCCESS) {
                g_assert_cmpuint(request.operator_, ==, 0);
                g_assert_cmpuint(request.first, ==, 0);
                g_assert_cmpuint(request.last, ==, 0);
        }
        return code;
}

static void every_request_both_ways(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                const OmpRacpRequest *expected = &requests[i].request;
                Value v = value_from_hex(requests[i].hex);
                OmpRacpRequest request;
                OmpRacpCode code;

                g_test_message("%s", requests[i].hex);
                g_assert_cmpint(write_to_device(&v, &request, &code), ==, 0);
                g_assert_cmpuint(code, ==, OMP_RACP_SUCCESS);
                g_assert_cmpuint(request.op, ==, expected->op);
                g_assert_cmpuint(request.operator_, ==, expected->operator_);
                g_assert_cmpuint(request.first, ==, expected->first);
                g_assert_cmpuint(request.last, ==, expected->last);
                ASSERT_ENCODES(omp_racp_request_encode, &request, OMP_RACP_MAX, requests[i].hex);
        }
}

static void wrong_length(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++) {
                Value v = value_from_hex(requests[i].hex);
                OmpRacpRequest request;
                OmpRacpCode code;

                v.octets[v.size++] = 1;
                g_assert_cmpint(write_to_device(&v, &request, &code), ==, 0);
                g_assert_cmpuint(code, ==, OMP_RACP_INVALID_OPERAND);
                for (v.size -= 2; v.size > 1; v.size--) {
                        g_assert_cmpint(write_to_device(&v, &request, &code), ==, 0);
                        g_assert_cmpuint(code, ==, OMP_RACP_INVALID_OPERAND);
                }
                g_assert_cmpint(write_to_device(&v, &request, &code), ==, 0);
                g_assert_cmpuint(code, ==, OMP_RACP_INVALID_OPERATOR);
        }
}

static void operations_that_are_none(void) {
        g_assert_cmpuint(code_of("00 01"), ==, OMP_RACP_OP_NOT_SUPPORTED);
        g_assert_cmpuint(code_of("05 00 02 00 00 00"), ==, OMP_RACP_OP_NOT_SUPPORTED);
        g_assert_cmpuint(code_of("06 00 01 01"), ==, OMP_RACP_OP_NOT_SUPPORTED);
        for (unsigned op = 7; op < 256; op++) {
                g_autofree char *hex = g_strdup_printf("%02x 01", op);

                g_assert_cmpuint(code_of(hex), ==, OMP_RACP_OP_NOT_SUPPORTED);
        }
        g_assert_cmpuint(code_of("07"), ==, OMP_RACP_OP_NOT_SUPPORTED);
}

static void operators_that_do_not_go(void) {
        static const char *const ops[] = { "01", "02", "04" };

        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                g_autofree char *null = g_strdup_printf("%s 00", ops[i]);
                g_autofree char *beyond = g_strdup_printf("%s 07", ops[i]);
                g_autofree char *far = g_strdup_printf("%s ff", ops[i]);

                g_assert_cmpuint(code_of(null), ==, OMP_RACP_INVALID_OPERATOR);
                g_assert_cmpuint(code_of(beyond), ==, OMP_RACP_OPERATOR_NOT_SUPPORTED);
                g_assert_cmpuint(code_of(far), ==, OMP_RACP_OPERATOR_NOT_SUPPORTED);
        }
        g_assert_cmpuint(code_of("03 01"), ==, OMP_RACP_INVALID_OPERATOR);
}

static void filters_and_ranges(void) {
        g_assert_cmpuint(code_of("01 03 02 3a 00 00 00"), ==, OMP_RACP_OPERAND_NOT_SUPPORTED);
        g_assert_cmpuint(code_of("01 03 00"), ==, OMP_RACP_OPERAND_NOT_SUPPORTED);
        g_assert_cmpuint(code_of("01 02 02 3a 00 00 00"), ==, OMP_RACP_OPERAND_NOT_SUPPORTED);
        g_assert_cmpuint(code_of("01 04 01 3b 00 00 00 3a 00 00 00"), ==, OMP_RACP_INVALID_OPERAND);
        g_assert_cmpuint(code_of("01 06 01"), ==, OMP_RACP_INVALID_OPERAND);
}

static void att_refuses_the_length(void) {
        Value none = {}, too_long = { .size = 513 };
        OmpRacpRequest request;
        OmpRacpCode code;

        g_assert_cmphex(write_to_device(&none, &request, &code), ==, OMP_ATT_LENGTH);
        g_assert_cmphex(write_to_device(&too_long, &request, &code), ==, OMP_ATT_LENGTH);
}

static void which_records_are_meant(void) {
        static const struct {
                OmpRacpRequest request;
                const char *of_56_to_60; /* of the records 56 … 60 */
        } some[] = {
                { { OMP_RACP_REPORT, OMP_RACP_NULL, 0, 0 }, "....." },
                { { OMP_RACP_REPORT, OMP_RACP_ALL, 0, 0 }, "xxxxx" },
                { { OMP_RACP_REPORT, OMP_RACP_AT_MOST, 0, 58 }, "xxx.." },
                { { OMP_RACP_REPORT, OMP_RACP_AT_LEAST, 58, 0 }, "..xxx" },
                { { OMP_RACP_REPORT, OMP_RACP_RANGE, 57, 59 }, ".xxx." },
                { { OMP_RACP_REPORT, OMP_RACP_FIRST, 0, 0 }, "x...." },
                { { OMP_RACP_REPORT, OMP_RACP_LAST, 0, 0 }, "....x" },
                { { OMP_RACP_REPORT, 7, 0, 0 }, "....." },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++)
                for (uint32_t record = 56; record <= 60; record++)
                        g_assert_cmpint(omp_racp_selects(&some[i].request, record, 56, 60), ==,
                                        some[i].of_56_to_60[record - 56] == 'x');
}

static void responses_both_ways(void) {
        static const struct {
                const char *hex;
                OmpRacpResponse response;
        } some[] = {
                { "05 00 02 00 00 00", { OMP_RACP_COUNT_RESPONSE, 2, 0, 0 } },
                { "05 00 ff ff ff ff", { OMP_RACP_COUNT_RESPONSE, UINT32_MAX, 0, 0 } },
                { "06 00 01 01", { OMP_RACP_RESPONSE, 0, OMP_RACP_REPORT, OMP_RACP_SUCCESS } },
                { "06 00 01 06", { OMP_RACP_RESPONSE, 0, OMP_RACP_REPORT, OMP_RACP_NO_RECORDS } },
                { "06 00 02 01", { OMP_RACP_RESPONSE, 0, OMP_RACP_DELETE, OMP_RACP_SUCCESS } },
                { "06 00 01 08", { OMP_RACP_RESPONSE, 0, OMP_RACP_REPORT, OMP_RACP_NOT_COMPLETED } },
                { "06 00 07 02", { OMP_RACP_RESPONSE, 0, 7, OMP_RACP_OP_NOT_SUPPORTED } },
                { "06 00 01 63", { OMP_RACP_RESPONSE, 0, OMP_RACP_REPORT, 99 } }, /* passed on */
        };

        for (size_t i = 0; i < G_N_ELEMENTS(some); i++) {
                Value v = value_from_hex(some[i].hex);
                OmpRacpResponse response;

                g_assert_cmpint(DECODE(omp_racp_response_decode, &v, &response), ==, 0);
                g_assert_cmpuint(response.op, ==, some[i].response.op);
                g_assert_cmpuint(response.count, ==, some[i].response.count);
                g_assert_cmpuint(response.request_op, ==, some[i].response.request_op);
                g_assert_cmpuint(response.code, ==, some[i].response.code);
                ASSERT_ENCODES(omp_racp_response_encode, &response, OMP_RACP_MAX, some[i].hex);
        }
}

DEFINE_TRY(try_response, OmpRacpResponse, omp_racp_response_decode)

static int response_raw(const uint8_t *data, size_t size) {
        OmpRacpResponse response;

        return omp_racp_response_decode(data, size, &response);
}

static void response_lengths(void) {
        check_short(try_response, "05 00 02 00 00 00");
        check_short(try_response, "06 00 01 01");
        check_appended(try_response, "05 00 02 00 00 00", false);
        check_appended(try_response, "06 00 01 01", false);
        check_zero_length(response_raw);
}

static void not_a_response(void) {
        Value v = value_from_hex("01 06"), other = value_from_hex("07 00 01 01");

        g_assert_cmpint(try_response(&v), ==, -EPROTO);
        g_assert_cmpint(try_response(&other), ==, -EPROTO);
}

static void encoders_refuse(void) {
        static const OmpRacpRequest bad[] = {
                { 0, OMP_RACP_ALL, 0, 0 },
                { OMP_RACP_COUNT_RESPONSE, OMP_RACP_ALL, 0, 0 },
                { OMP_RACP_RESPONSE, OMP_RACP_NULL, 0, 0 },
                { OMP_RACP_REPORT, OMP_RACP_NULL, 0, 0 },
                { OMP_RACP_REPORT, 7, 0, 0 },
                { OMP_RACP_ABORT, OMP_RACP_ALL, 0, 0 },
                { OMP_RACP_REPORT, OMP_RACP_RANGE, 59, 58 },
        };
        OmpRacpResponse response = { .op = OMP_RACP_REPORT };
        uint8_t buf[OMP_RACP_MAX];

        for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
                g_assert_cmpint(omp_racp_request_encode(&bad[i], buf, sizeof(buf)), ==, -EINVAL);
        g_assert_cmpint(omp_racp_response_encode(&response, buf, sizeof(buf)), ==, -EINVAL);
}

static void encoders_need_the_room(void) {
        OmpRacpRequest range = { OMP_RACP_REPORT, OMP_RACP_RANGE, 1, 2 };
        OmpRacpResponse count = { .op = OMP_RACP_COUNT_RESPONSE }, done = { .op = OMP_RACP_RESPONSE };

        for (size_t size = 0; size <= OMP_RACP_MAX; size++) {
                g_autofree uint8_t *exact = g_malloc(size);

                g_assert_cmpint(omp_racp_request_encode(&range, exact, size), ==, size < 11 ? -EMSGSIZE : 11);
                g_assert_cmpint(omp_racp_response_encode(&count, exact, size), ==, size < 6 ? -EMSGSIZE : 6);
                g_assert_cmpint(omp_racp_response_encode(&done, exact, size), ==, size < 4 ? -EMSGSIZE : 4);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/racp/1.10/every-request-both-ways", every_request_both_ways);
        g_test_add_func("/racp/1.12/wrong-length", wrong_length);
        g_test_add_func("/racp/operations-that-are-none", operations_that_are_none);
        g_test_add_func("/racp/operators-that-do-not-go", operators_that_do_not_go);
        g_test_add_func("/racp/filters-and-ranges", filters_and_ranges);
        g_test_add_func("/racp/att-refuses-the-length", att_refuses_the_length);
        g_test_add_func("/racp/which-records-are-meant", which_records_are_meant);
        g_test_add_func("/racp/1.10/responses-both-ways", responses_both_ways);
        g_test_add_func("/racp/1.12/response-lengths", response_lengths);
        g_test_add_func("/racp/not-a-response", not_a_response);
        g_test_add_func("/racp/encoders-refuse", encoders_refuse);
        g_test_add_func("/racp/encoders-need-the-room", encoders_need_the_room);
        return g_test_run();
}
