/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored sessions: the Record Access Control Point (RACP), the segments of Session Data (0108), and the bodies that they carry.
 * The errors are those of omp.h. RACP values carry no CRC, bodies always do. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp-clock.h"

/* ---- RACP ---- */

#define OMP_RACP_MAX 11u                /* octets of the longest value */

typedef enum OmpRacpOp {
        OMP_RACP_REPORT = 1,
        OMP_RACP_DELETE = 2,
        OMP_RACP_ABORT = 3,
        OMP_RACP_COUNT = 4,
        OMP_RACP_COUNT_RESPONSE = 5,
        OMP_RACP_RESPONSE = 6,
} OmpRacpOp;

typedef enum OmpRacpOperator {
        OMP_RACP_NULL = 0,              /* of an abort and of the responses */
        OMP_RACP_ALL = 1,
        OMP_RACP_AT_MOST = 2,           /* `last` */
        OMP_RACP_AT_LEAST = 3,          /* `first` */
        OMP_RACP_RANGE = 4,             /* both, inclusive */
        OMP_RACP_FIRST = 5,             /* the oldest record */
        OMP_RACP_LAST = 6,              /* the newest */
} OmpRacpOperator;

typedef enum OmpRacpCode {
        OMP_RACP_SUCCESS = 1,
        OMP_RACP_OP_NOT_SUPPORTED = 2,
        OMP_RACP_INVALID_OPERATOR = 3,
        OMP_RACP_OPERATOR_NOT_SUPPORTED = 4,
        OMP_RACP_INVALID_OPERAND = 5,
        OMP_RACP_NO_RECORDS = 6,
        OMP_RACP_ABORT_UNSUCCESSFUL = 7,
        OMP_RACP_NOT_COMPLETED = 8,     /* also a report that op 11 of the Control Point ended */
        OMP_RACP_OPERAND_NOT_SUPPORTED = 9, /* another filter than the record number */
} OmpRacpCode;

typedef struct OmpRacpRequest {
        uint8_t op;                     /* OMP_RACP_REPORT … OMP_RACP_COUNT */
        uint8_t operator_;              /* OmpRacpOperator */
        uint32_t first, last;           /* record numbers, as the operator says */
} OmpRacpRequest;

/* -EINVAL also: an operation that is no request, an operator that does not go with it, a range that ends before it begins. */
int omp_racp_request_encode(const OmpRacpRequest *request, uint8_t *buf, size_t size);

/* On the device. Returns 0, or the ATT error with which it refuses the write: OMP_ATT_LENGTH no octet or more than 512. With 0
 * *ret_code is what to answer: OMP_RACP_SUCCESS the request is whole, and what follows is the device's decision; else the code
 * of what is wrong with it, and then only ret->op is set. */
int omp_racp_request_decode(const uint8_t *data, size_t size, OmpRacpRequest *ret, OmpRacpCode *ret_code);

/* Whether a record number is meant, out of the device's lowest and highest. */
bool omp_racp_selects(const OmpRacpRequest *request, uint32_t record, uint32_t lowest, uint32_t highest);

typedef struct OmpRacpResponse {
        uint8_t op;                     /* OMP_RACP_COUNT_RESPONSE or OMP_RACP_RESPONSE */
        uint32_t count;                 /* of the first */
        uint8_t request_op;             /* of the second, as its code */
        uint8_t code;                   /* OmpRacpCode; unknown ones are passed on */
} OmpRacpResponse;

int omp_racp_response_encode(const OmpRacpResponse *response, uint8_t *buf, size_t size);
int omp_racp_response_decode(const uint8_t *data, size_t size, OmpRacpResponse *ret); /* also -EPROTO: not a response */

/* ---- Segments ---- */

#define OMP_BODY_MAX 4096u              /* a body that grows beyond it is dropped */
#define OMP_SEGMENT_COUNTERS 64u        /* the counter has six bits */

enum {
        OMP_SEGMENT_FIRST = 1u << 0,
        OMP_SEGMENT_LAST = 1u << 1,
        OMP_SEGMENT_COUNTER_SHIFT = 2,
};

/* The sender's side. Zero it at the begin of each procedure: the counter runs on over all its bodies. */
typedef struct OmpSegmenter {
        uint8_t counter;                /* of the next segment */
        const uint8_t *body;            /* the caller's, until the last segment */
        size_t size, pos;
} OmpSegmenter;

/* -EINVAL an empty body, -EMSGSIZE beyond OMP_BODY_MAX */
int omp_segmenter_begin(OmpSegmenter *s, const uint8_t *body, size_t size);
bool omp_segmenter_done(const OmpSegmenter *s); /* no octet of the body is left to be sent */
/* The next value, segment octet first, of at most `size` octets. Returns its length, 0 once the body is done, -EMSGSIZE no room
 * for the segment octet and one of the body. A value that could not be sent is made again from a copy of *s of before. */
int omp_segmenter_next(OmpSegmenter *s, uint8_t *buf, size_t size);

/* The receiver's side. */
typedef struct OmpReassembler {
        bool started;                   /* a segment of this procedure has come */
        bool open;                      /* a body has begun, and has not ended */
        uint8_t expected;               /* counter of the next segment */
        size_t size;
        uint8_t body[OMP_BODY_MAX];
} OmpReassembler;

/* What a segment brought: several at once where a loss and a new body meet. */
enum {
        OMP_SEGMENT_BODY = 1u << 0,     /* the body in r->body, r->size octets, is whole; it stays until the next push */
        OMP_SEGMENT_LOST = 1u << 1,     /* segments are missing before this one */
        OMP_SEGMENT_DUPLICATE = 1u << 2, /* the counter of the one before: ignored */
        OMP_SEGMENT_UNENDED = 1u << 3,  /* first without last: a new body where the one before had not ended */
        OMP_SEGMENT_ORPHAN = 1u << 4,   /* not the first of a body, and none is open: ignored */
        OMP_SEGMENT_TOO_LONG = 1u << 5, /* the body is longer than OMP_BODY_MAX */
        OMP_SEGMENT_DROPPED = 1u << 6,  /* a body that had begun is lost, by LOST, UNENDED or TOO_LONG */
};

void omp_reassembler_reset(OmpReassembler *r); /* at the begin of each procedure */
/* One Session Data value: OMP_SEGMENT_BODY … OMP_SEGMENT_DROPPED, 0 when the body goes on. *ret_lost: how many segments are
 * missing before this one, 1 … 63, else 0. -EMSGSIZE: no octet of a body in it, or more than 512; it counts as not received. */
int omp_reassembler_push(OmpReassembler *r, const uint8_t *data, size_t size, unsigned *ret_lost);

/* ---- Bodies ---- */

typedef enum OmpBodyType {
        OMP_BODY_RECORD = 1,
        OMP_BODY_TRACE = 2,
} OmpBodyType;

enum {
        OMP_RECORD_SYNCED = 1u << 0,    /* the start is a time, not a tick */
        OMP_RECORD_LIMIT = 1u << 1,     /* ended by a limit */
        OMP_RECORD_TRUNCATED = 1u << 2,
        OMP_RECORD_TRACE = 1u << 3,     /* a trace is stored */
        OMP_RECORD_ALARM = 1u << 4,     /* an alarm occurred */
};

#define OMP_RECORD_SIZE 56u

typedef struct OmpRecord {
        uint8_t flags;                  /* OMP_RECORD_*; unknown ones are kept, and not sent */
        uint32_t number;                /* the session id of Status */
        OmpElapsed start;
        uint16_t duration_sec, contact_sec;
        uint32_t strokes;               /* in contact */
        uint16_t passes;
        uint32_t distance_mm;
        int16_t force_mean_mn, force_p95_mn, force_peak_mn; /* OMP_FORCE_UNKNOWN if not available */
        uint16_t over_count;
        uint16_t over_100ms;            /* time in overpressure, 0.1 s */
        uint16_t depth_um, depth_max_um; /* OMP_U16_UNKNOWN if not known, as the cartridge's uses */
        uint16_t rate_per_min;          /* mean */
        uint8_t area;
        uint32_t cartridge_id;
        uint16_t cartridge_uses;
        uint8_t battery_start, battery_end; /* % */
} OmpRecord;

int omp_record_decode(const uint8_t *data, size_t size, OmpRecord *ret); /* also -EPROTO: another body type */
int omp_record_encode(const OmpRecord *record, uint8_t *buf, size_t size);

#define OMP_TRACE_ENTRIES_MAX 255u
#define OMP_TRACE_SIZE(n) (15u + 6u * (n)) /* octets of a chunk of n entries, with the CRC */

typedef struct OmpTraceEntry {
        int16_t force_mean_mn, force_peak_mn; /* OMP_FORCE_UNKNOWN if not available */
        uint16_t strokes;               /* within the entry */
} OmpTraceEntry;

typedef struct OmpTrace {               /* one chunk */
        bool last;                      /* of the record's trace */
        uint32_t record, first_entry;
        uint16_t period_10ms;
        uint8_t n;                      /* 0 in a last chunk only */
        OmpTraceEntry entries[OMP_TRACE_ENTRIES_MAX];
} OmpTrace;

/* also -EPROTO: another body type, or n is 0 and it is not the last */
int omp_trace_decode(const uint8_t *data, size_t size, OmpTrace *ret);
int omp_trace_encode(const OmpTrace *trace, uint8_t *buf, size_t size);

typedef struct OmpBody {
        uint8_t type;                   /* OmpBodyType; of an unknown one nothing else is set */
        union {
                OmpRecord record;
                OmpTrace trace;
        };
} OmpBody;

/* Any body, up to OMP_BODY_MAX octets; the CRC is checked whatever the type. */
int omp_body_decode(const uint8_t *data, size_t size, OmpBody *ret);
