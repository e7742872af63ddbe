/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec-test.h"
#include "needled/omp-control.h"

/* Octets of a request without CRC, and of a response with result 1. */
static const struct {
        uint8_t op;
        const char *request, *response;
} ops[] = {
        { OMP_OP_GET, "01 03", "20 01 01 03 a0 0f" },
        { OMP_OP_SET, "02 03 a0 0f", "20 02 01" },
        { OMP_OP_TARE, "03", "20 03 01" },
        { OMP_OP_START, "04 03", "20 04 01 3a 00 00 00" },
        { OMP_OP_STOP, "05", "20 05 01 3a 00 00 00" },
        { OMP_OP_AREA, "06 03", "20 06 01" },
        { OMP_OP_SIGNAL, "08 02 1e", "20 08 01" },
        { OMP_OP_STOP_MOTOR, "09", "20 09 01" },
        { OMP_OP_IDENTIFY, "0b 05", "20 0b 01" },
        { OMP_OP_TRACE, "10 39 00 00 00 00 00 00 00", "20 10 01 02 00 00 00" },
        { OMP_OP_ABORT, "11", "20 11 01" },
        { OMP_OP_FACTORY_RESET, "7f 21 4f 4d 54", "20 7f 01" },
};

/* A write to a device with or without bit 13: 0 or the ATT error, and then nothing is set. */
static int write_to_device(const Value *v, bool crc, OmpRequest *ret, OmpResult *ret_result) {
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
        OmpResult result = (OmpResult) 0xa5;
        OmpRequest request, before;
        int r;

        memset(&request, 0xa5, sizeof(request));
        memcpy(&before, &request, sizeof(request));
        r = omp_request_decode(copy, v->size, crc, &request, &result);
        if (r != 0) {
                g_assert_cmpmem(&request, sizeof(request), &before, sizeof(request));
                g_assert_cmpuint(result, ==, 0xa5);
                return r;
        }
        if (ret)
                *ret = request;
        *ret_result = result;
        return 0;
}

static OmpRequest request_from_hex(const char *hex) {
        Value v = value_from_hex(hex);
        OmpRequest request;
        OmpResult result;

        g_assert_cmpint(write_to_device(&v, false, &request, &result), ==, 0);
        g_assert_cmpuint(result, ==, OMP_RESULT_OK);
        return request;
}

static OmpResult result_of(const char *hex) {
        Value v = value_from_hex(hex);
        OmpRequest request;
        OmpResult result;

        g_assert_cmpint(write_to_device(&v, false, &request, &result), ==, 0);
        g_assert_cmphex(request.op, ==, v.octets[0]);
        return result;
}

static int respond(const Value *v, bool crc, OmpResponse *ret) {
        g_autofree uint8_t *copy = g_memdup2(v->octets, v->size);
        OmpResponse response, before;
        int r;

        memset(&response, 0xa5, sizeof(response));
        memcpy(&before, &response, sizeof(response));
        r = omp_response_decode(copy, v->size, crc, &response);
        if (r < 0)
                g_assert_cmpmem(&response, sizeof(response), &before, sizeof(response));
        else if (ret)
                *ret = response;
        return r;
}

static OmpResponse response_from_hex(const char *hex) {
        Value v = value_from_hex(hex);
        OmpResponse response;

        g_assert_cmpint(respond(&v, false, &response), ==, 0);
        return response;
}

static void assert_request(const OmpRequest *request, bool crc, const char *hex) {
        uint8_t buf[OMP_REQUEST_MAX];
        Value v = value_from_hex(hex);
        int r = omp_request_encode(request, crc, buf, sizeof(buf));

        g_assert_cmpint(r, ==, (int) v.size);
        g_assert_cmpmem(buf, v.size, v.octets, v.size);
}

static void assert_response(const OmpResponse *response, bool crc, const char *hex) {
        uint8_t buf[OMP_RESPONSE_MAX];
        Value v = value_from_hex(hex);
        int r = omp_response_encode(response, crc, buf, sizeof(buf));

        g_assert_cmpint(r, ==, (int) v.size);
        g_assert_cmpmem(buf, v.size, v.octets, v.size);
}

/* ---- 1.9, the examples ---- */

static void vector_set_overpressure(void) {
        OmpRequest request = request_from_hex("02 03 a0 0f");
        OmpResponse response = response_from_hex("20 02 01");

        g_assert_cmphex(request.op, ==, OMP_OP_SET);
        g_assert_cmphex(request.parameter, ==, OMP_PARAMETER_OVERPRESSURE);
        g_assert_cmpint(request.value, ==, 4000);
        assert_request(&request, false, "02 03 a0 0f");

        g_assert_cmphex(response.op, ==, OMP_OP_SET);
        g_assert_cmpuint(response.result, ==, OMP_RESULT_OK);
        assert_response(&response, false, "20 02 01");
}

static void vector_read_back(void) {
        OmpRequest request = request_from_hex("01 03");
        OmpResponse response = response_from_hex("20 01 01 03 a0 0f");

        g_assert_cmphex(request.op, ==, OMP_OP_GET);
        g_assert_cmphex(request.parameter, ==, OMP_PARAMETER_OVERPRESSURE);
        assert_request(&request, false, "01 03");

        g_assert_cmphex(response.parameter, ==, OMP_PARAMETER_OVERPRESSURE);
        g_assert_true(response.has_value);
        g_assert_cmpint(response.value, ==, 4000);
        assert_response(&response, false, "20 01 01 03 a0 0f");
}

static void vector_start_session(void) {
        OmpRequest request = request_from_hex("04 03");
        OmpResponse response = response_from_hex("20 04 01 3a 00 00 00");

        g_assert_cmphex(request.op, ==, OMP_OP_START);
        g_assert_cmpuint(request.area, ==, 3);
        g_assert_cmpuint(response.session_id, ==, 58);
        assert_response(&response, false, "20 04 01 3a 00 00 00");
}

static void vector_signal(void) {
        OmpRequest request = request_from_hex("08 02 1e");

        g_assert_cmphex(request.pattern, ==, OMP_SIGNAL_LIGHT);
        g_assert_cmpuint(request.duration_10ms, ==, 30);
        assert_request(&request, false, "08 02 1e");
}

static void vector_tare_refused(void) {
        OmpRequest request = request_from_hex("03");
        OmpResponse response = response_from_hex("20 03 06");

        g_assert_cmphex(response.op, ==, OMP_OP_TARE);
        g_assert_cmpuint(response.result, ==, OMP_RESULT_BUSY);
        assert_response(&response, false, "20 03 06");
        assert_request(&request, true, "03 1c 3d"); /* "the write of a device with CRC" */
}

static void vector_trace(void) {
        OmpRequest request = request_from_hex("10 39 00 00 00 00 00 00 00");
        OmpResponse response = response_from_hex("20 10 01 02 00 00 00");

        g_assert_cmpuint(request.record, ==, 57);
        g_assert_cmpuint(request.first_entry, ==, 0);
        g_assert_cmpuint(response.next_entry, ==, 2);
        assert_response(&response, false, "20 10 01 02 00 00 00");
}

/* ---- Every operation ---- */

static void every_operation_both_ways(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                OmpRequest request = request_from_hex(ops[i].request);
                OmpResponse response = response_from_hex(ops[i].response);

                g_assert_cmphex(request.op, ==, ops[i].op);
                assert_request(&request, false, ops[i].request);
                g_assert_cmphex(response.op, ==, ops[i].op);
                assert_response(&response, false, ops[i].response);
        }
}

static void every_operation_with_crc(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                OmpRequest request = request_from_hex(ops[i].request), got;
                OmpResponse response = response_from_hex(ops[i].response), answer;
                uint8_t buf[OMP_REQUEST_MAX];
                Value v = value_from_hex(ops[i].request);
                OmpResult result;

                v.size += 2;
                value_seal(&v);
                g_assert_cmpint(omp_request_encode(&request, true, buf, sizeof(buf)), ==, (int) v.size);
                g_assert_cmpmem(buf, v.size, v.octets, v.size);
                g_assert_cmpint(write_to_device(&v, true, &got, &result), ==, 0);
                g_assert_cmpuint(result, ==, OMP_RESULT_OK);
                assert_request(&got, false, ops[i].request);

                v = value_from_hex(ops[i].response);
                v.size += 2;
                value_seal(&v);
                g_assert_cmpint(omp_response_encode(&response, true, buf, sizeof(buf)), ==, (int) v.size);
                g_assert_cmpmem(buf, v.size, v.octets, v.size);
                g_assert_cmpint(respond(&v, true, &answer), ==, 0);
                g_assert_cmphex(answer.op, ==, ops[i].op);
        }
}

static void every_parameter_both_ways(void) {
        for (uint8_t id = 1; id < _OMP_PARAMETER_MAX; id++) {
                const OmpParameterInfo *info = omp_parameter_info(id);
                const int32_t values[] = { info->min, info->max, info->at_boot };

                for (size_t i = 0; i < G_N_ELEMENTS(values); i++) {
                        OmpRequest set = { .op = OMP_OP_SET, .parameter = id, .value = values[i] }, got;
                        OmpResponse is = { .op = OMP_OP_GET, .result = OMP_RESULT_OK, .parameter = id, .has_value = true,
                                           .value = values[i] }, answer;
                        Value v = {};
                        OmpResult result;

                        v.size = (size_t) omp_request_encode(&set, false, v.octets, sizeof(v.octets));
                        g_assert_cmpuint(v.size, ==, info->type == OMP_TYPE_U8 ? 3 : 4);
                        g_assert_cmpint(write_to_device(&v, false, &got, &result), ==, 0);
                        g_assert_cmpuint(result, ==, OMP_RESULT_OK);
                        g_assert_cmpint(got.value, ==, values[i]);

                        v.size = (size_t) omp_response_encode(&is, false, v.octets, sizeof(v.octets));
                        g_assert_cmpuint(v.size, ==, info->type == OMP_TYPE_U8 ? 5 : 6);
                        g_assert_cmpint(respond(&v, false, &answer), ==, 0);
                        g_assert_cmpint(answer.value, ==, values[i]);
                }
        }
}

static void negative_forces_are_numbers(void) {
        OmpRequest request = request_from_hex("02 03 00 80");

        /* Out of bounds is the device's to say. */
        g_assert_cmpint(request.value, ==, INT16_MIN);
        assert_request(&request, false, "02 03 00 80");
}

static void every_result(void) {
        for (unsigned result = 0; result < 256; result++) {
                Value v = value_from_hex("20 05 00");
                OmpResponse response;
                uint8_t buf[OMP_RESPONSE_MAX];

                v.octets[2] = (uint8_t) result;
                if (result == OMP_RESULT_OK) {
                        g_assert_cmpint(respond(&v, false, NULL), ==, -EMSGSIZE); /* the session id is missing */
                        continue;
                }
                g_assert_cmpint(respond(&v, false, &response), ==, 0);
                g_assert_cmpuint(response.result, ==, result);
                g_assert_cmpuint(response.session_id, ==, 0);
                g_assert_cmpint(omp_response_encode(&response, false, buf, sizeof(buf)), ==, 3);
                g_assert_cmpmem(buf, 3, v.octets, 3);
        }
}

/* ---- Requests that are nonsense ---- */

/* "Unknown id or wrong length: result 3" */
static void wrong_length(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                Value v = value_from_hex(ops[i].request);
                OmpResult result;

                v.octets[v.size++] = 0;
                g_assert_cmpint(write_to_device(&v, false, NULL, &result), ==, 0);
                g_assert_cmpuint(result, ==, OMP_RESULT_INVALID);
                for (v.size -= 2; v.size > 0; v.size--) {
                        g_assert_cmpint(write_to_device(&v, false, NULL, &result), ==, 0);
                        g_assert_cmpuint(result, ==, OMP_RESULT_INVALID);
                }
        }
}

static void unknown_parameter(void) {
        g_assert_cmpuint(result_of("01 00"), ==, OMP_RESULT_INVALID);
        g_assert_cmpuint(result_of("01 0c"), ==, OMP_RESULT_INVALID);
        g_assert_cmpuint(result_of("01 ff"), ==, OMP_RESULT_INVALID);
        g_assert_cmpuint(result_of("02 0c 00 00"), ==, OMP_RESULT_INVALID);
}

/* "unknown operation 2", of whatever length */
static void unknown_operation(void) {
        for (unsigned op = 0; op < 256; op++) {
                Value v = { .size = 1, .octets = { (uint8_t) op } };
                bool known = false;
                OmpResult result;

                for (size_t i = 0; i < G_N_ELEMENTS(ops); i++)
                        known |= ops[i].op == op;
                if (known)
                        continue;
                for (; v.size <= 3; v.size++) {
                        OmpRequest request;

                        g_assert_cmpint(write_to_device(&v, false, &request, &result), ==, 0);
                        g_assert_cmphex(request.op, ==, op);
                        g_assert_cmpuint(result, ==, OMP_RESULT_NOT_SUPPORTED);
                }
        }
}

static void factory_reset_needs_its_number(void) {
        g_assert_cmpuint(result_of("7f 21 4f 4d 54"), ==, OMP_RESULT_OK);
        g_assert_cmpuint(result_of("7f 54 4d 4f 21"), ==, OMP_RESULT_INVALID);
        g_assert_cmpuint(result_of("7f 00 00 00 00"), ==, OMP_RESULT_INVALID);
}

/* Of a request that is not whole only the operation is set. */
static void nothing_of_half_a_request(void) {
        Value v = value_from_hex("10 39 00 00 00 01 00 00");
        OmpRequest request;
        OmpResult result;

        g_assert_cmpint(write_to_device(&v, false, &request, &result), ==, 0);
        g_assert_cmpuint(result, ==, OMP_RESULT_INVALID);
        g_assert_cmphex(request.op, ==, OMP_OP_TRACE);
        g_assert_cmpuint(request.record, ==, 0);
        g_assert_cmpuint(request.first_entry, ==, 0);
}

static void reserved_pattern_bits_ignored(void) {
        OmpRequest request = request_from_hex("08 fa 1e");

        g_assert_cmphex(request.pattern, ==, OMP_SIGNAL_LIGHT);
}

static void att_refuses_the_length(void) {
        Value none = {}, longest = { .size = 512 }, too_long = { .size = 513 };
        OmpResult result;

        for (unsigned crc = 0; crc < 2; crc++) {
                g_assert_cmphex(write_to_device(&none, crc, NULL, &result), ==, OMP_ATT_LENGTH);
                g_assert_cmphex(write_to_device(&too_long, crc, NULL, &result), ==, OMP_ATT_LENGTH);
        }
        g_assert_cmphex(write_to_device(&longest, false, NULL, &result), ==, 0);
        g_assert_cmpuint(result, ==, OMP_RESULT_NOT_SUPPORTED);
}

/* "0x80 missing CRC" */
static void crc_missing(void) {
        OmpResult result;

        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                Value v = value_from_hex(ops[i].request);

                g_assert_cmphex(write_to_device(&v, true, NULL, &result), ==, 0x80);
        }
}

/* "0x81 bad CRC": every single wrong bit of every request */
static void crc_bad(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                Value good = value_from_hex(ops[i].request);

                good.size += 2;
                value_seal(&good);
                for (size_t bit = 0; bit < good.size * 8; bit++) {
                        Value v = good;
                        OmpResult result;
                        int r;

                        v.octets[bit / 8] ^= (uint8_t) (1u << bit % 8);
                        r = write_to_device(&v, true, NULL, &result);
                        /* An operation may turn into one that is as long without CRC. */
                        g_assert_true(r == 0x81 || (r == 0x80 && bit < 8));
                }
        }
}

static void unknown_operation_with_crc(void) {
        Value v = value_from_hex("0c 00 00");
        OmpResult result;

        g_assert_cmphex(write_to_device(&v, true, NULL, &result), ==, OMP_ATT_CRC_BAD);
        value_seal(&v);
        g_assert_cmphex(write_to_device(&v, true, NULL, &result), ==, 0);
        g_assert_cmpuint(result, ==, OMP_RESULT_NOT_SUPPORTED);
}

/* "Control Point writes and responses have no flag: with bit 13 always, else never" */
static void crc_where_there_is_none(void) {
        g_assert_cmpuint(result_of("03 1c 3d"), ==, OMP_RESULT_INVALID);
}

/* ---- Responses that are nonsense ---- */

static void response_lengths(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                Value v = value_from_hex(ops[i].response), sealed = v, longer = v;
                OmpResponse response;

                sealed.size += 2;
                value_seal(&sealed);
                while (v.size-- > 0)
                        g_assert_cmpint(respond(&v, false, NULL), ==, -EMSGSIZE);

                /* "minor versions only append fields" */
                value_append(&longer, 3, false);
                g_assert_cmpint(respond(&longer, false, &response), ==, 0);
                assert_response(&response, false, ops[i].response);
                value_append(&sealed, 3, true);
                g_assert_cmpint(respond(&sealed, true, &response), ==, 0);
                assert_response(&response, false, ops[i].response);
        }
}

static void response_crc(void) {
        Value v = value_from_hex("20 05 01 3a 00 00 00 00 00"), plain = value_from_hex("20 05 06"), too_long = { .size = 513 };

        value_seal(&v);
        for (size_t bit = 0; bit < v.size * 8; bit++) {
                Value bad = v;

                bad.octets[bit / 8] ^= (uint8_t) (1u << bit % 8);
                g_assert_cmpint(respond(&bad, true, NULL), <, 0);
        }
        g_assert_cmpint(respond(&plain, true, NULL), ==, -EMSGSIZE);
        g_assert_cmpint(respond(&too_long, false, NULL), ==, -EMSGSIZE);
}

static void not_a_response(void) {
        Value v = value_from_hex("21 05 01 3a 00 00 00");

        g_assert_cmpint(respond(&v, false, NULL), ==, -EPROTO);
        v.octets[0] = OMP_OP_STOP;
        g_assert_cmpint(respond(&v, false, NULL), ==, -EPROTO);
}

static void response_to_an_unknown_operation(void) {
        OmpResponse response = response_from_hex("20 0c 02");

        g_assert_cmphex(response.op, ==, 0x0c);
        g_assert_cmpuint(response.result, ==, OMP_RESULT_NOT_SUPPORTED);
        assert_response(&response, false, "20 0c 02");
        response = response_from_hex("20 0c 01 aa bb");
        g_assert_cmpuint(response.result, ==, OMP_RESULT_OK);
        assert_response(&response, false, "20 0c 01");
}

static void value_of_an_unknown_parameter(void) {
        OmpResponse response = response_from_hex("20 01 01 0c 11 22 33");
        uint8_t buf[OMP_RESPONSE_MAX];

        g_assert_cmphex(response.parameter, ==, 0x0c);
        g_assert_false(response.has_value);
        g_assert_cmpint(response.value, ==, 0);
        g_assert_cmpint(omp_response_encode(&response, false, buf, sizeof(buf)), ==, -EINVAL);
}

/* ---- Encoders ---- */

static void encoders_refuse(void) {
        static const OmpRequest requests[] = {
                { .op = 0 },
                { .op = 0x0c },
                { .op = OMP_OP_RESPONSE },
                { .op = OMP_OP_GET },
                { .op = OMP_OP_GET, .parameter = _OMP_PARAMETER_MAX },
                { .op = OMP_OP_SET, .parameter = 0xff },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_FEEDBACK, .value = 256 },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_FEEDBACK, .value = -1 },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_LIVE_PERIOD, .value = 65536 },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_LIVE_PERIOD, .value = -1 },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_ZONE_LOW, .value = 32768 },
                { .op = OMP_OP_SET, .parameter = OMP_PARAMETER_ZONE_LOW, .value = -32769 },
                { .op = OMP_OP_SIGNAL, .pattern = 0x08 },
        };
        static const OmpResponse responses[] = {
                { .op = OMP_OP_GET, .result = OMP_RESULT_OK, .parameter = OMP_PARAMETER_CONTACT },
                { .op = OMP_OP_GET, .result = OMP_RESULT_OK, .has_value = true },
                { .op = OMP_OP_GET, .result = OMP_RESULT_OK, .has_value = true, .parameter = OMP_PARAMETER_WAVEFORM_BATCH,
                  .value = 300 },
        };
        uint8_t buf[OMP_REQUEST_MAX];

        for (size_t i = 0; i < G_N_ELEMENTS(requests); i++)
                g_assert_cmpint(omp_request_encode(&requests[i], false, buf, sizeof(buf)), ==, -EINVAL);
        for (size_t i = 0; i < G_N_ELEMENTS(responses); i++)
                g_assert_cmpint(omp_response_encode(&responses[i], false, buf, sizeof(buf)), ==, -EINVAL);
}

static void encoders_need_the_room(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
                OmpRequest request = request_from_hex(ops[i].request);
                OmpResponse response = response_from_hex(ops[i].response);
                int need = (int) value_from_hex(ops[i].request).size, need_back = (int) value_from_hex(ops[i].response).size;

                for (int size = 0; size <= (int) OMP_REQUEST_MAX; size++) {
                        g_autofree uint8_t *exact = g_malloc((size_t) size);

                        for (int crc = 0; crc < 2; crc++) {
                                int all = need + 2 * crc, all_back = need_back + 2 * crc;

                                g_assert_cmpint(omp_request_encode(&request, crc, exact, (size_t) size), ==,
                                                size < all ? -EMSGSIZE : all);
                                g_assert_cmpint(omp_response_encode(&response, crc, exact, (size_t) size), ==,
                                                size < all_back ? -EMSGSIZE : all_back);
                        }
                }
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/control/1.9/set-overpressure", vector_set_overpressure);
        g_test_add_func("/control/1.9/read-back", vector_read_back);
        g_test_add_func("/control/1.9/start-session", vector_start_session);
        g_test_add_func("/control/1.9/signal", vector_signal);
        g_test_add_func("/control/1.9/tare-refused", vector_tare_refused);
        g_test_add_func("/control/1.10/trace", vector_trace);
        g_test_add_func("/control/every-operation-both-ways", every_operation_both_ways);
        g_test_add_func("/control/1.1/crc/every-operation", every_operation_with_crc);
        g_test_add_func("/control/every-parameter-both-ways", every_parameter_both_ways);
        g_test_add_func("/control/negative-forces-are-numbers", negative_forces_are_numbers);
        g_test_add_func("/control/every-result", every_result);
        g_test_add_func("/control/1.9/wrong-length", wrong_length);
        g_test_add_func("/control/1.9/unknown-parameter", unknown_parameter);
        g_test_add_func("/control/1.9/unknown-operation", unknown_operation);
        g_test_add_func("/control/1.9/factory-reset-needs-its-number", factory_reset_needs_its_number);
        g_test_add_func("/control/nothing-of-half-a-request", nothing_of_half_a_request);
        g_test_add_func("/control/1.1/reserved-pattern-bits-ignored", reserved_pattern_bits_ignored);
        g_test_add_func("/control/att-refuses-the-length", att_refuses_the_length);
        g_test_add_func("/control/1.9/crc-missing", crc_missing);
        g_test_add_func("/control/1.9/crc-bad", crc_bad);
        g_test_add_func("/control/1.9/crc-and-unknown-operation", unknown_operation_with_crc);
        g_test_add_func("/control/1.1/crc/never-without-bit-13", crc_where_there_is_none);
        g_test_add_func("/control/1.12/response-lengths", response_lengths);
        g_test_add_func("/control/1.12/response-crc", response_crc);
        g_test_add_func("/control/not-a-response", not_a_response);
        g_test_add_func("/control/response-to-an-unknown-operation", response_to_an_unknown_operation);
        g_test_add_func("/control/value-of-an-unknown-parameter", value_of_an_unknown_parameter);
        g_test_add_func("/control/encoders-refuse", encoders_refuse);
        g_test_add_func("/control/encoders-need-the-room", encoders_need_the_room);
        return g_test_run();
}
