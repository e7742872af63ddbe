/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "fuzz.h"
#include "needled/omp-clock.h"
#include "needled/omp-control.h"
#include "needled/omp-records.h"

/* Clock, Control Point and RACP, as the host sees them and as the device does. The first octet says which; its highest bit, that the
 * device uses CRCs. */

static bool crc;

#define ELAPSED_FLAGS ((OMP_ELAPSED_CURRENT << 1) - 1) /* the others are kept, and not sent */

static bool elapsed_same(const OmpElapsed *one, const OmpElapsed *two) {
        return ((one->flags ^ two->flags) & ELAPSED_FLAGS) == 0 && SAME(count) && SAME(source) &&
               SAME(offset_quarters);
}

static bool clock_same(const OmpClock *one, const OmpClock *two) {
        return SAME(tick) && elapsed_same(&one->elapsed, &two->elapsed);
}

static bool request_same(const OmpRequest *one, const OmpRequest *two) {
        return SAME(op) && SAME(parameter) && SAME(value) && SAME(area) && SAME(pattern) && SAME(duration_10ms) &&
               SAME(seconds) && SAME(record) && SAME(first_entry);
}

static bool response_same(const OmpResponse *one, const OmpResponse *two) {
        return SAME(op) && SAME(result) && SAME(parameter) && SAME(has_value) && SAME(value) && SAME(session_id) &&
               SAME(next_entry);
}

static bool racp_request_same(const OmpRacpRequest *one, const OmpRacpRequest *two) {
        return SAME(op) && SAME(operator_) && SAME(first) && SAME(last);
}

static bool racp_response_same(const OmpRacpResponse *one, const OmpRacpResponse *two) {
        return SAME(op) && SAME(count) && SAME(request_op) && SAME(code);
}

/* A device's decoder tells an error of ATT, and what it will answer; only what it will carry out is a request. */
static int request_decode(const uint8_t *data, size_t size, OmpRequest *ret) {
        OmpResult result = OMP_RESULT_FAILED;
        int r = omp_request_decode(data, size, crc, ret, &result);

        assert(r == 0 || r == OMP_ATT_LENGTH || r == OMP_ATT_CRC_MISSING || r == OMP_ATT_CRC_BAD);
        if (r != 0)
                return -EPROTO;
        assert(result == OMP_RESULT_OK || result == OMP_RESULT_NOT_SUPPORTED || result == OMP_RESULT_INVALID);
        return result == OMP_RESULT_OK ? 0 : -EPROTO;
}

static int request_encode(const OmpRequest *request, uint8_t *buf, size_t size) {
        return omp_request_encode(request, crc, buf, size);
}

static int response_decode(const uint8_t *data, size_t size, OmpResponse *ret) {
        int r = omp_response_decode(data, size, crc, ret);

        /* A parameter of a later version has a value of a type that is not known: nothing that could be sent. */
        return r == 0 && ret->op == OMP_OP_GET && ret->result == OMP_RESULT_OK && !ret->has_value ? -EOPNOTSUPP : r;
}

static int response_encode(const OmpResponse *response, uint8_t *buf, size_t size) {
        return omp_response_encode(response, crc, buf, size);
}

static int racp_request_decode(const uint8_t *data, size_t size, OmpRacpRequest *ret) {
        OmpRacpCode code = OMP_RACP_NOT_COMPLETED;
        int r = omp_racp_request_decode(data, size, ret, &code);

        assert(r == 0 || r == OMP_ATT_LENGTH);
        if (r != 0 || code != OMP_RACP_SUCCESS)
                return -EPROTO;
        (void) omp_racp_selects(ret, ret->first, 1, 200);
        return 0;
}

static int clock_write_decode(const uint8_t *data, size_t size, OmpElapsed *ret) {
        int r = omp_clock_write_decode(data, size, ret);
        uint64_t usec;

        assert(r == 0 || r == OMP_ATT_CLOCK_FORMAT || r == OMP_ATT_CLOCK_SOURCE || r == OMP_ATT_RANGE);
        if (r != 0)
                return -EPROTO;
        /* What a device takes is a time, which comes back as it was. */
        assert(omp_elapsed_is_time(ret) && omp_elapsed_to_realtime(ret, &usec) == 0);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Input in = { data, size };
        uint8_t first = input_u8(&in);

        crc = first & 0x80;
        switch ((first & 0x7f) % 6) {
        case 0:
                ROUND_TRIP(OmpClock, &in, OMP_VALUE_MAX, omp_clock_decode, omp_clock_encode, always, clock_same);
                break;
        case 1:
                ROUND_TRIP(OmpElapsed, &in, OMP_VALUE_MAX, clock_write_decode, omp_clock_write_encode, always, elapsed_same);
                break;
        case 2:
                ROUND_TRIP(OmpRequest, &in, OMP_REQUEST_MAX, request_decode, request_encode, always, request_same);
                break;
        case 3:
                ROUND_TRIP(OmpResponse, &in, OMP_RESPONSE_MAX, response_decode, response_encode, always, response_same);
                break;
        case 4:
                ROUND_TRIP(OmpRacpRequest, &in, OMP_RACP_MAX, racp_request_decode, omp_racp_request_encode, always, racp_request_same);
                break;
        case 5:
                ROUND_TRIP(OmpRacpResponse, &in, OMP_RACP_MAX, omp_racp_response_decode, omp_racp_response_encode, always, racp_response_same);
                break;
        }

        return 0;
}
