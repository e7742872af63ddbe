/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "peripheral-omp.h"

#define PORTION 4u                      /* segments at once, … */
#define PORTION_USEC 10000u             /* … and then a breath of host time: some 400 a second, as a radio takes them */
#define CHUNK_ENTRIES_MIN 16u           /* a chunk fits one value if so many fit, else it goes in segments */
#define CHUNK_ENTRIES_MAX 80u
#define ENTRY_OCTETS 6u

static void answer_racp(OmpPeripheral *p, const OmpRacpResponse *response) {
        uint8_t buf[OMP_RACP_MAX];
        int n = omp_racp_response_encode(response, buf, sizeof(buf));

        if (n > 0 && p->base.wanted[OMP_CHAR_RACP])
                (void) peripheral_send(&p->base, OMP_CHAR_RACP, buf, (size_t) n);
}

static void answer_code(OmpPeripheral *p, uint8_t request_op, OmpRacpCode code) {
        OmpRacpResponse response = { .op = OMP_RACP_RESPONSE, .request_op = request_op, .code = (uint8_t) code };

        answer_racp(p, &response);
}

/* The end of a transfer, good or not, with the answer of the procedure that began it. */
static void transfer_end(OmpPeripheral *p, bool completed) {
        TransferKind kind = p->transfer.kind;
        OmpResponse response = {
                .op = OMP_OP_TRACE,
                .result = completed ? OMP_RESULT_OK : OMP_RESULT_FAILED,
                .next_entry = p->transfer.next,
        };

        p->transfer.kind = TRANSFER_NONE;
        switch (kind) {
        case TRANSFER_NONE:
                break;
        case TRANSFER_REPORT:
                answer_code(p, OMP_RACP_REPORT, completed ? OMP_RACP_SUCCESS : OMP_RACP_NOT_COMPLETED);
                break;
        case TRANSFER_TRACE:
                procedures_answer(p, &response);
                break;
        }
}

/* "Records are sent oldest first." */
static int next_record(OmpPeripheral *p) {
        Transfer *t = &p->transfer;
        const StoredSession *stored = records_next(p, &t->request, t->next, t->lowest, t->highest);

        if (!stored)
                return 0;

        t->next = stored->record.number + 1;
        return omp_record_encode(&stored->record, t->body, sizeof(t->body));
}

static int next_chunk(OmpPeripheral *p) {
        Transfer *t = &p->transfer;
        const StoredSession *stored = records_find(p, t->record);
        unsigned room, left;
        OmpTrace trace;

        if (!stored || t->last_sent)
                return 0;

        left = stored->trace->len - t->next;
        room = (unsigned) (p->base.value_max - 1 - OMP_TRACE_SIZE(0u)) / ENTRY_OCTETS;
        trace = (OmpTrace) {
                .record = t->record,
                .first_entry = t->next,
                .period_10ms = TRACE_PERIOD_USEC / 10000,
                .n = (uint8_t) MIN(left, CLAMP(room, CHUNK_ENTRIES_MIN, CHUNK_ENTRIES_MAX)),
        };
        trace.last = t->last_sent = trace.n == left;
        if (trace.n > 0)
                memcpy(trace.entries, &g_array_index(stored->trace, OmpTraceEntry, t->next),
                       trace.n * sizeof(trace.entries[0]));
        t->next += trace.n;
        return omp_trace_encode(&trace, t->body, sizeof(t->body));
}

/* False: there is no other one. */
static bool next_body(OmpPeripheral *p) {
        int n = p->transfer.kind == TRANSFER_REPORT ? next_record(p) : next_chunk(p);

        return n > 0 && omp_segmenter_begin(&p->transfer.segmenter, p->transfer.body, (size_t) n) >= 0;
}

/* False: the carrier has no room, and it is tried again. */
static bool send_segment(OmpPeripheral *p) {
        OmpSegmenter before = p->transfer.segmenter;
        uint8_t buf[OMP_VALUE_MAX];
        int n = omp_segmenter_next(&p->transfer.segmenter, buf, MIN(sizeof(buf), p->base.value_max));

        if (n <= 0)
                return true;
        if (p->mischief.segment_loss > 0) {
                p->mischief.segment_loss--;
                return true;
        }
        if (peripheral_send(&p->base, OMP_CHAR_SESSION_DATA, buf, (size_t) n) == PERIPHERAL_SENT)
                return true;

        p->transfer.segmenter = before;
        return false;
}

static void transfer_begin(OmpPeripheral *p, TransferKind kind) {
        p->transfer = (Transfer) { .kind = kind };
}

int transfer_write_racp(OmpPeripheral *p, const uint8_t *data, size_t size) {
        OmpRacpRequest request;
        OmpRacpCode code;
        int error = omp_racp_request_decode(data, size, &request, &code);

        if (error != 0)
                return -error;
        if (!p->base.wanted[OMP_CHAR_RACP] ||
            (request.op == OMP_RACP_REPORT && !p->base.wanted[OMP_CHAR_SESSION_DATA]))
                return -OMP_ATT_CCCD;
        if (p->racp_pending || (p->transfer.kind != TRANSFER_NONE && request.op != OMP_RACP_ABORT))
                return -OMP_ATT_IN_PROGRESS;

        p->racp_pending = true;
        p->racp = request;
        p->racp_code = code;
        return 0;
}

static void racp_report(OmpPeripheral *p) {
        uint32_t lowest, highest;

        if (records_count(p, &p->racp, &lowest, &highest) == 0) {
                answer_code(p, OMP_RACP_REPORT, OMP_RACP_NO_RECORDS);
                return;
        }

        transfer_begin(p, TRANSFER_REPORT);
        p->transfer.request = p->racp;
        p->transfer.lowest = lowest;
        p->transfer.highest = highest;
}

static void racp_count(OmpPeripheral *p) {
        uint32_t lowest, highest;
        OmpRacpResponse response = {
                .op = OMP_RACP_COUNT_RESPONSE, .count = records_count(p, &p->racp, &lowest, &highest),
        };

        answer_racp(p, &response);
}

/* The report that is ended so has no answer of its own. */
static void racp_abort(OmpPeripheral *p) {
        bool runs = transfer_runs(p, TRANSFER_REPORT);

        if (runs)
                p->transfer.kind = TRANSFER_NONE;
        answer_code(p, OMP_RACP_ABORT, runs ? OMP_RACP_SUCCESS : OMP_RACP_ABORT_UNSUCCESSFUL);
}

void transfer_carry_out(OmpPeripheral *p) {
        p->racp_pending = false;
        if (p->racp_code != OMP_RACP_SUCCESS) {
                answer_code(p, p->racp.op, p->racp_code);
                return;
        }

        switch ((OmpRacpOp) p->racp.op) {
        case OMP_RACP_REPORT:
                racp_report(p);
                break;
        case OMP_RACP_DELETE:
                answer_code(p, OMP_RACP_DELETE,
                            records_delete(p, &p->racp) > 0 ? OMP_RACP_SUCCESS : OMP_RACP_NO_RECORDS);
                break;
        case OMP_RACP_ABORT:
                racp_abort(p);
                break;
        case OMP_RACP_COUNT:
                racp_count(p);
                break;
        case OMP_RACP_COUNT_RESPONSE:
        case OMP_RACP_RESPONSE:
                break;
        }
}

OmpResult transfer_begin_trace(OmpPeripheral *p, uint32_t record, uint32_t first_entry) {
        const StoredSession *stored;

        if (!(omp_feature(p).bits & OMP_FEATURE_TRACE))
                return OMP_RESULT_NOT_SUPPORTED;
        if (p->transfer.kind != TRANSFER_NONE)
                return OMP_RESULT_BUSY;
        stored = records_find(p, record);
        if (!stored || first_entry > stored->trace->len)
                return OMP_RESULT_OUT_OF_RANGE;

        transfer_begin(p, TRANSFER_TRACE);
        p->transfer.record = record;
        p->transfer.next = first_entry;
        return OMP_RESULT_OK;
}

bool transfer_runs(const OmpPeripheral *p, TransferKind kind) {
        return p->transfer.kind == kind;
}

/* Nobody waits for the answer any more. (While somebody does, a transfer without listeners ends with one.) */
void transfer_unsubscribed(OmpPeripheral *p, OmpChar c) {
        if (c == OMP_CHAR_RACP)
                p->racp_pending = false;
        if ((c == OMP_CHAR_RACP && p->transfer.kind == TRANSFER_REPORT) ||
            (c == OMP_CHAR_CONTROL_POINT && p->transfer.kind == TRANSFER_TRACE))
                p->transfer.kind = TRANSFER_NONE;
}

void transfer_abort(OmpPeripheral *p) {
        transfer_end(p, false);
}

void transfer_advance(OmpPeripheral *p, uint64_t now_usec) {
        Transfer *t = &p->transfer;

        if (t->kind == TRANSFER_NONE || now_usec < t->due_usec)
                return;
        if (!p->base.wanted[OMP_CHAR_SESSION_DATA]) {
                transfer_end(p, false);
                return;
        }

        t->due_usec = now_usec + PORTION_USEC;
        for (unsigned i = 0; i < PORTION; i++) {
                if (omp_segmenter_done(&t->segmenter) && !next_body(p)) {
                        transfer_end(p, t->kind == TRANSFER_REPORT || t->last_sent); /* a record may give way under its trace */
                        return;
                }
                if (!send_segment(p))
                        return;
        }
}
