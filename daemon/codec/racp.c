/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"
#include "needled/omp-records.h"

#define FILTER_RECORD 0x01u /* "filter type 01": the record number */

/* Which numbers follow an operator. */
static bool operator_has_first(uint8_t operator_) {
        return operator_ == OMP_RACP_AT_LEAST || operator_ == OMP_RACP_RANGE;
}

static bool operator_has_last(uint8_t operator_) {
        return operator_ == OMP_RACP_AT_MOST || operator_ == OMP_RACP_RANGE;
}

static OmpRacpCode check_operator(uint8_t op, uint8_t operator_) {
        switch ((OmpRacpOp) op) {
        case OMP_RACP_ABORT:
                return operator_ == OMP_RACP_NULL ? OMP_RACP_SUCCESS : OMP_RACP_INVALID_OPERATOR;
        case OMP_RACP_REPORT:
        case OMP_RACP_DELETE:
        case OMP_RACP_COUNT:
                if (operator_ == OMP_RACP_NULL)
                        return OMP_RACP_INVALID_OPERATOR;
                return operator_ <= OMP_RACP_LAST ? OMP_RACP_SUCCESS : OMP_RACP_OPERATOR_NOT_SUPPORTED;
        case OMP_RACP_COUNT_RESPONSE:
        case OMP_RACP_RESPONSE:
                break;
        }

        return OMP_RACP_OP_NOT_SUPPORTED;
}

static bool request_is_backwards(const OmpRacpRequest *request) {
        return request->operator_ == OMP_RACP_RANGE && request->first > request->last;
}

int omp_racp_request_encode(const OmpRacpRequest *request, uint8_t *buf, size_t size) {
        bool first = operator_has_first(request->operator_), last = operator_has_last(request->operator_);
        Writer w = writer_begin(buf, size);

        if (check_operator(request->op, request->operator_) != OMP_RACP_SUCCESS || request_is_backwards(request))
                return -EINVAL;

        writer_u8(&w, request->op);
        writer_u8(&w, request->operator_);
        if (first || last)
                writer_u8(&w, FILTER_RECORD);
        if (first)
                writer_le32(&w, request->first);
        if (last)
                writer_le32(&w, request->last);

        return writer_finish(&w, false);
}

/* What follows the operator: the filter type and its numbers, exactly. */
static OmpRacpCode cursor_operand(Cursor *c, OmpRacpRequest *request) {
        bool first = operator_has_first(request->operator_), last = operator_has_last(request->operator_);

        if (first || last) {
                uint8_t filter = cursor_u8(c);

                if (!c->underrun && filter != FILTER_RECORD)
                        return OMP_RACP_OPERAND_NOT_SUPPORTED;
        }
        if (first)
                request->first = cursor_le32(c);
        if (last)
                request->last = cursor_le32(c);

        if (c->underrun || cursor_left(c) > 0 || request_is_backwards(request))
                return OMP_RACP_INVALID_OPERAND;

        return OMP_RACP_SUCCESS;
}

int omp_racp_request_decode(const uint8_t *data, size_t size, OmpRacpRequest *ret, OmpRacpCode *ret_code) {
        Cursor c = cursor_begin(data, size);
        OmpRacpRequest request = { .op = cursor_u8(&c) };
        OmpRacpCode code;

        if (c.underrun)
                return OMP_ATT_LENGTH;

        request.operator_ = cursor_u8(&c);
        code = check_operator(request.op, request.operator_);
        if (code == OMP_RACP_SUCCESS && c.underrun)
                code = OMP_RACP_INVALID_OPERATOR; /* not even an abort's null */
        if (code == OMP_RACP_SUCCESS)
                code = cursor_operand(&c, &request);

        *ret = code == OMP_RACP_SUCCESS ? request : (OmpRacpRequest) { .op = request.op };
        *ret_code = code;
        return 0;
}

bool omp_racp_selects(const OmpRacpRequest *request, uint32_t record, uint32_t lowest, uint32_t highest) {
        switch ((OmpRacpOperator) request->operator_) {
        case OMP_RACP_NULL:
                return false;
        case OMP_RACP_ALL:
                return true;
        case OMP_RACP_AT_MOST:
                return record <= request->last;
        case OMP_RACP_AT_LEAST:
                return record >= request->first;
        case OMP_RACP_RANGE:
                return record >= request->first && record <= request->last;
        case OMP_RACP_FIRST:
                return record == lowest;
        case OMP_RACP_LAST:
                return record == highest;
        }

        return false;
}

int omp_racp_response_encode(const OmpRacpResponse *response, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        if (response->op != OMP_RACP_COUNT_RESPONSE && response->op != OMP_RACP_RESPONSE)
                return -EINVAL;

        writer_u8(&w, response->op);
        writer_u8(&w, OMP_RACP_NULL);
        if (response->op == OMP_RACP_COUNT_RESPONSE)
                writer_le32(&w, response->count);
        else {
                writer_u8(&w, response->request_op);
                writer_u8(&w, response->code);
        }

        return writer_finish(&w, false);
}

int omp_racp_response_decode(const uint8_t *data, size_t size, OmpRacpResponse *ret) {
        Cursor c = cursor_begin(data, size);
        OmpRacpResponse response = { .op = cursor_u8(&c) };
        int r;

        (void) cursor_u8(&c); /* null; nothing else is given a meaning */
        if (response.op == OMP_RACP_COUNT_RESPONSE)
                response.count = cursor_le32(&c);
        else if (response.op == OMP_RACP_RESPONSE) {
                response.request_op = cursor_u8(&c);
                response.code = cursor_u8(&c);
        }

        r = cursor_finish(&c, false);
        if (r < 0)
                return r;
        if (response.op != OMP_RACP_COUNT_RESPONSE && response.op != OMP_RACP_RESPONSE)
                return -EPROTO;

        *ret = response;
        return 0;
}
