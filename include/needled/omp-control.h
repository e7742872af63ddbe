/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Control Point (0107): what the host asks, what the device answers, and the device's parameters. The errors are those of omp.h.
 *
 * A write or response has no flag that announces a CRC: `crc` is bit 13 of Feature, in all four functions. Nothing here starts a
 * motor; stopping it is the only thing that a host can do to it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp.h"

#define OMP_REQUEST_MAX 11u             /* octets of the longest request, with CRC */
#define OMP_RESPONSE_MAX 9u             /* and response: both fit MTU 23 */
#define OMP_RESET_MAGIC UINT32_C(0x544d4f21) /* of a factory reset */

typedef enum OmpOp {
        OMP_OP_GET = 0x01,              /* a parameter */
        OMP_OP_SET = 0x02,
        OMP_OP_TARE = 0x03,             /* still and without contact */
        OMP_OP_START = 0x04,            /* a session; no motor */
        OMP_OP_STOP = 0x05,
        OMP_OP_AREA = 0x06,
        OMP_OP_SIGNAL = 0x08,
        OMP_OP_STOP_MOTOR = 0x09,       /* in every state */
        OMP_OP_IDENTIFY = 0x0b,
        OMP_OP_TRACE = 0x10,
        OMP_OP_ABORT = 0x11,            /* a trace, or a report of stored sessions */
        OMP_OP_RESPONSE = 0x20,         /* first octet of every response */
        OMP_OP_FACTORY_RESET = 0x7f,
} OmpOp;

typedef enum OmpResult {
        OMP_RESULT_OK = 1,
        OMP_RESULT_NOT_SUPPORTED = 2,   /* operation unknown */
        OMP_RESULT_INVALID = 3,         /* parameter unknown, or wrong length */
        OMP_RESULT_FAILED = 4,
        OMP_RESULT_OUT_OF_RANGE = 5,
        OMP_RESULT_BUSY = 6,
        OMP_RESULT_WRONG_STATE = 7,     /* started twice, or stopped without a session */
        OMP_RESULT_NEEDS_CONFIRMATION = 8, /* on the device, by its button */
        OMP_RESULT_STORAGE_FULL = 9,
} OmpResult;

/* ---- Parameters ---- */

typedef enum OmpParameter {
        OMP_PARAMETER_LIVE_PERIOD = 0x01,
        OMP_PARAMETER_WAVEFORM_RATE = 0x02,     /* 0 off */
        OMP_PARAMETER_OVERPRESSURE = 0x03,
        OMP_PARAMETER_HYSTERESIS = 0x04,
        OMP_PARAMETER_FEEDBACK = 0x05,          /* OMP_FEEDBACK_* */
        OMP_PARAMETER_SESSION_LIMIT = 0x06,
        OMP_PARAMETER_CONTACT = 0x07,
        OMP_PARAMETER_ZONE_LOW = 0x08,
        OMP_PARAMETER_ZONE_HIGH = 0x09,
        OMP_PARAMETER_FEEDBACK_WINDOW = 0x0a,
        OMP_PARAMETER_WAVEFORM_BATCH = 0x0b,
        _OMP_PARAMETER_MAX,
} OmpParameter;

enum {
        OMP_FEEDBACK_VIBRATE = 1u << 0,
        OMP_FEEDBACK_LIGHT = 1u << 1,
        OMP_FEEDBACK_SOUND = 1u << 2,
        OMP_FEEDBACK_SLOW_MOTOR = 1u << 3,
        OMP_FEEDBACK_STOP_MOTOR = 1u << 4,
};

typedef enum OmpType {
        OMP_TYPE_U8,
        OMP_TYPE_U16,
        OMP_TYPE_S16,
} OmpType;

typedef struct OmpParameterInfo {
        const char *name;               /* as in Device1.GetParameters: "live_period_ms", … */
        const char *unit;               /* "ms", "Hz", "mN", "s"; "" for a mask or a number */
        OmpType type;
        int32_t min, max;               /* for any device; see omp_parameter_bounds() for one */
        int32_t at_boot, at_boot_roller; /* what it returns to at boot */
} OmpParameterInfo;

/* NULL: no such parameter. Ids run from 1 to _OMP_PARAMETER_MAX - 1. */
const OmpParameterInfo *omp_parameter_info(uint8_t id);
int omp_parameter_from_name(const char *name, uint8_t *ret_id); /* -ENOENT */
/* What it returns to at boot: a roller's is another than a pen's. 0 for an id that is none. */
int32_t omp_parameter_default(uint8_t id, OmpKind kind);
/* For one device: forces end at its full scale, the waveform rate at its sample rate. -ENOENT no such parameter. */
int omp_parameter_bounds(uint8_t id, const OmpFeature *feature, int32_t *ret_min, int32_t *ret_max);
/* What a device answers to a Set: OMP_RESULT_OK, OMP_RESULT_INVALID no such parameter, OMP_RESULT_OUT_OF_RANGE. */
OmpResult omp_parameter_check(uint8_t id, int32_t value, const OmpFeature *feature);

/* ---- Requests ---- */

enum {
        OMP_SIGNAL_VIBRATE = 1u << 0,
        OMP_SIGNAL_LIGHT = 1u << 1,
        OMP_SIGNAL_SOUND = 1u << 2,
};

typedef struct OmpRequest {
        uint8_t op;                     /* OmpOp; what else is used depends on it */
        uint8_t parameter;              /* GET, SET: OmpParameter */
        int32_t value;                  /* SET */
        uint8_t area;                   /* START, AREA */
        uint8_t pattern;                /* SIGNAL: OMP_SIGNAL_* */
        uint8_t duration_10ms;          /* SIGNAL */
        uint8_t seconds;                /* IDENTIFY */
        uint32_t record, first_entry;   /* TRACE */
} OmpRequest;

/* -EINVAL also: an operation or parameter that is none, or a value that its type does not hold. */
int omp_request_encode(const OmpRequest *request, bool crc, uint8_t *buf, size_t size);

/* On the device. Returns 0, or the ATT error with which it refuses the write, and then nothing is set: OMP_ATT_LENGTH no octet
 * or more than 512, OMP_ATT_CRC_MISSING, OMP_ATT_CRC_BAD. A value that would be whole without CRC counts as missing it.
 *
 * With 0 *ret_result is what to answer: OMP_RESULT_OK the request is whole, and what follows is the device's decision (bounds,
 * state); else OMP_RESULT_NOT_SUPPORTED or OMP_RESULT_INVALID, and then only ret->op is set. */
int omp_request_decode(const uint8_t *data, size_t size, bool crc, OmpRequest *ret, OmpResult *ret_result);

/* ---- Responses ---- */

typedef struct OmpResponse {
        uint8_t op;                     /* of the request */
        uint8_t result;                 /* OmpResult; unknown ones are passed on. The rest is there with OMP_RESULT_OK only */
        uint8_t parameter;              /* GET */
        bool has_value;                 /* GET: false for a parameter without a name, whose type is not ours to know */
        int32_t value;                  /* GET */
        uint32_t session_id;            /* START, STOP */
        uint32_t next_entry;            /* TRACE: the first one that was not sent */
} OmpResponse;

int omp_response_encode(const OmpResponse *response, bool crc, uint8_t *buf, size_t size); /* -EINVAL also: no value for a GET */
int omp_response_decode(const uint8_t *data, size_t size, bool crc, OmpResponse *ret); /* also -EPROTO: not a response */
