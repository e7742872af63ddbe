/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/cursor.h"
#include "needled/omp-control.h"

#define SIGNAL_PATTERN (OMP_SIGNAL_VIBRATE | OMP_SIGNAL_LIGHT | OMP_SIGNAL_SOUND)

static int32_t cursor_parameter(Cursor *c, OmpType type) {
        switch (type) {
        case OMP_TYPE_U8:
                return cursor_u8(c);
        case OMP_TYPE_U16:
                return cursor_le16(c);
        case OMP_TYPE_S16:
                return cursor_le16s(c);
        }

        return 0;
}

/* False: the type does not hold the value. */
static bool writer_parameter(Writer *w, OmpType type, int32_t value) {
        switch (type) {
        case OMP_TYPE_U8:
                writer_u8(w, (uint8_t) value);
                return value >= 0 && value <= UINT8_MAX;
        case OMP_TYPE_U16:
                writer_le16(w, (uint16_t) value);
                return value >= 0 && value <= UINT16_MAX;
        case OMP_TYPE_S16:
                writer_le16(w, (uint16_t) value);
                return value >= INT16_MIN && value <= INT16_MAX;
        }

        return false;
}

/* ---- Requests ---- */

/* What follows the operation. */
static int writer_request(Writer *w, const OmpRequest *request) {
        const OmpParameterInfo *info = omp_parameter_info(request->parameter);

        switch ((OmpOp) request->op) {
        case OMP_OP_GET:
                writer_u8(w, request->parameter);
                return info ? 0 : -EINVAL;
        case OMP_OP_SET:
                writer_u8(w, request->parameter);
                return info && writer_parameter(w, info->type, request->value) ? 0 : -EINVAL;
        case OMP_OP_START:
        case OMP_OP_AREA:
                writer_u8(w, request->area);
                return 0;
        case OMP_OP_SIGNAL:
                writer_u8(w, request->pattern);
                writer_u8(w, request->duration_10ms);
                return request->pattern & ~SIGNAL_PATTERN ? -EINVAL : 0;
        case OMP_OP_IDENTIFY:
                writer_u8(w, request->seconds);
                return 0;
        case OMP_OP_TRACE:
                writer_le32(w, request->record);
                writer_le32(w, request->first_entry);
                return 0;
        case OMP_OP_FACTORY_RESET:
                writer_le32(w, OMP_RESET_MAGIC);
                return 0;
        case OMP_OP_TARE:
        case OMP_OP_STOP:
        case OMP_OP_STOP_MOTOR:
        case OMP_OP_ABORT:
                return 0;
        case OMP_OP_RESPONSE:
                break;
        }

        return -EINVAL;
}

int omp_request_encode(const OmpRequest *request, bool crc, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);
        int r;

        writer_u8(&w, request->op);
        r = writer_request(&w, request);
        if (r < 0)
                return r;

        return writer_finish(&w, crc);
}

/* What follows the operation, but for the length. */
static OmpResult cursor_request(Cursor *c, OmpRequest *request) {
        const OmpParameterInfo *info;

        switch ((OmpOp) request->op) {
        case OMP_OP_GET:
        case OMP_OP_SET:
                request->parameter = cursor_u8(c);
                info = omp_parameter_info(request->parameter);
                if (!info)
                        return OMP_RESULT_INVALID;
                if (request->op == OMP_OP_SET)
                        request->value = cursor_parameter(c, info->type);
                return OMP_RESULT_OK;
        case OMP_OP_START:
        case OMP_OP_AREA:
                request->area = cursor_u8(c);
                return OMP_RESULT_OK;
        case OMP_OP_SIGNAL:
                request->pattern = cursor_u8(c) & SIGNAL_PATTERN;
                request->duration_10ms = cursor_u8(c);
                return OMP_RESULT_OK;
        case OMP_OP_IDENTIFY:
                request->seconds = cursor_u8(c);
                return OMP_RESULT_OK;
        case OMP_OP_TRACE:
                request->record = cursor_le32(c);
                request->first_entry = cursor_le32(c);
                return OMP_RESULT_OK;
        case OMP_OP_FACTORY_RESET:
                return cursor_le32(c) == OMP_RESET_MAGIC ? OMP_RESULT_OK : OMP_RESULT_INVALID;
        case OMP_OP_TARE:
        case OMP_OP_STOP:
        case OMP_OP_STOP_MOTOR:
        case OMP_OP_ABORT:
                return OMP_RESULT_OK;
        case OMP_OP_RESPONSE:
                break;
        }

        return OMP_RESULT_NOT_SUPPORTED;
}

/* "unknown operation 2, unknown parameter or wrong length 3" */
static OmpResult request_parse(const uint8_t *data, size_t size, OmpRequest *ret) {
        Cursor c = cursor_begin(data, size);
        OmpRequest request = { .op = cursor_u8(&c) };
        OmpResult result = cursor_request(&c, &request);

        if (result == OMP_RESULT_OK && (c.underrun || cursor_left(&c) > 0))
                result = OMP_RESULT_INVALID;

        *ret = result == OMP_RESULT_OK ? request : (OmpRequest) { .op = request.op };
        return result;
}

int omp_request_decode(const uint8_t *data, size_t size, bool crc, OmpRequest *ret, OmpResult *ret_result) {
        Cursor c = cursor_begin(data, size);
        OmpRequest request;

        if (cursor_u8(&c), c.underrun)
                return OMP_ATT_LENGTH;

        /* No flag tells a write without CRC from one with a wrong CRC: its length does. */
        if (crc && cursor_finish(&c, true) < 0)
                return size <= 2 || request_parse(data, size, &request) == OMP_RESULT_OK ? OMP_ATT_CRC_MISSING : OMP_ATT_CRC_BAD;

        *ret_result = request_parse(data, crc ? size - 2 : size, &request);
        *ret = request;
        return 0;
}

/* ---- Responses ---- */

static int writer_response(Writer *w, const OmpResponse *response) {
        const OmpParameterInfo *info = omp_parameter_info(response->parameter);

        switch ((OmpOp) response->op) {
        case OMP_OP_GET:
                writer_u8(w, response->parameter);
                return info && response->has_value && writer_parameter(w, info->type, response->value) ? 0 : -EINVAL;
        case OMP_OP_START:
        case OMP_OP_STOP:
                writer_le32(w, response->session_id);
                return 0;
        case OMP_OP_TRACE:
                writer_le32(w, response->next_entry);
                return 0;
        case OMP_OP_SET:
        case OMP_OP_TARE:
        case OMP_OP_AREA:
        case OMP_OP_SIGNAL:
        case OMP_OP_STOP_MOTOR:
        case OMP_OP_IDENTIFY:
        case OMP_OP_ABORT:
        case OMP_OP_FACTORY_RESET:
        case OMP_OP_RESPONSE:
                return 0;
        }

        return 0;
}

int omp_response_encode(const OmpResponse *response, bool crc, uint8_t *buf, size_t size) {
        Writer w = writer_begin(buf, size);

        writer_u8(&w, OMP_OP_RESPONSE);
        writer_u8(&w, response->op);
        writer_u8(&w, response->result);
        if (response->result == OMP_RESULT_OK) {
                int r = writer_response(&w, response);

                if (r < 0)
                        return r;
        }

        return writer_finish(&w, crc);
}

static void cursor_response(Cursor *c, OmpResponse *response) {
        const OmpParameterInfo *info;

        if (response->op == OMP_OP_GET) {
                response->parameter = cursor_u8(c);
                info = omp_parameter_info(response->parameter);
                response->has_value = info;
                if (info)
                        response->value = cursor_parameter(c, info->type);
        } else if (response->op == OMP_OP_START || response->op == OMP_OP_STOP)
                response->session_id = cursor_le32(c);
        else if (response->op == OMP_OP_TRACE)
                response->next_entry = cursor_le32(c);
}

int omp_response_decode(const uint8_t *data, size_t size, bool crc, OmpResponse *ret) {
        Cursor c = cursor_begin(data, size);
        uint8_t code = cursor_u8(&c);
        OmpResponse response = {};
        int r;

        response.op = cursor_u8(&c);
        response.result = cursor_u8(&c);
        if (code == OMP_OP_RESPONSE && response.result == OMP_RESULT_OK)
                cursor_response(&c, &response);

        r = cursor_finish(&c, crc);
        if (r < 0)
                return r;
        if (code != OMP_OP_RESPONSE)
                return -EPROTO;

        *ret = response;
        return 0;
}
