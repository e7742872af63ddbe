/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/fetch.h"

#include <assert.h>
#include <errno.h>
#include <glib.h>

#include "autoptr.h"
#include "link/fetch-batch.h"
#include "needled/omp-control.h"

typedef enum FetchState {
        FETCH_IDLE,
        FETCH_LAST,             /* its last record was asked for: has the device been reset? */
        FETCH_LAST_DRAIN,       /* answered, and the record has not come yet */
        FETCH_SAME,             /* the one that was durable last: is it what it was? */
        FETCH_SAME_DRAIN,
        FETCH_COUNT,            /* how many are new */
        FETCH_REPORT,           /* these, or those of them that were lost on the way */
        FETCH_REPORT_DRAIN,
        FETCH_TRACE,            /* of one record */
        FETCH_TRACE_DRAIN,
        FETCH_STORE,            /* the record is somebody else's until it is durable */
        FETCH_DELETE,
        FETCH_ABORT,            /* the end of a report was asked for */
        FETCH_ABORT_TRACE,
        FETCH_CUT,              /* likewise, and what came of it is taken */
        FETCH_CUT_TRACE,
        _FETCH_STATE_MAX,
} FetchState;

/* What each waits for, for how long, and what it goes on with when nothing comes; see fetch_tick(). */
static const struct {
        SyncPhase phase;
        uint64_t limit_usec;
        uint8_t asks;           /* OmpRacpOp that is to be answered; 0: none */
        bool listens;           /* Session Data is its own */
} states[_FETCH_STATE_MAX] = {
        [FETCH_IDLE] = { SYNC_IDLE, 0, 0, false },
        [FETCH_LAST] = { SYNC_LIST, FETCH_LIMIT_USEC, OMP_RACP_REPORT, true },
        [FETCH_LAST_DRAIN] = { SYNC_LIST, FETCH_DRAIN_USEC, 0, true },
        [FETCH_SAME] = { SYNC_LIST, FETCH_LIMIT_USEC, OMP_RACP_REPORT, true },
        [FETCH_SAME_DRAIN] = { SYNC_LIST, FETCH_DRAIN_USEC, 0, true },
        [FETCH_COUNT] = { SYNC_LIST, FETCH_LIMIT_USEC, OMP_RACP_COUNT, false },
        [FETCH_REPORT] = { SYNC_FETCH, FETCH_LIMIT_USEC, OMP_RACP_REPORT, true },
        [FETCH_REPORT_DRAIN] = { SYNC_FETCH, FETCH_DRAIN_USEC, 0, true },
        [FETCH_TRACE] = { SYNC_FETCH, FETCH_LIMIT_USEC, 0, true },
        [FETCH_TRACE_DRAIN] = { SYNC_FETCH, FETCH_DRAIN_USEC, 0, true },
        [FETCH_STORE] = { SYNC_FETCH, FETCH_STORE_USEC, 0, false },
        [FETCH_DELETE] = { SYNC_CLEAR, FETCH_LIMIT_USEC, OMP_RACP_DELETE, false },
        [FETCH_ABORT] = { SYNC_FETCH, FETCH_LIMIT_USEC, OMP_RACP_ABORT, false },
        [FETCH_ABORT_TRACE] = { SYNC_FETCH, FETCH_LIMIT_USEC, 0, false },
        [FETCH_CUT] = { SYNC_FETCH, FETCH_LIMIT_USEC, OMP_RACP_ABORT, false },
        [FETCH_CUT_TRACE] = { SYNC_FETCH, FETCH_LIMIT_USEC, 0, false },
};

struct Fetch {
        FetchOps ops;
        void *userdata;
        bool traces, mute;              /* mute: something was not answered in time, and would be taken for the answer to the next */
        FetchState state;
        uint64_t deadline_usec, whole_usec; /* whole_usec: of a transfer, however much comes; UINT64_MAX: it was not asked for yet */
        uint8_t out[OMP_RACP_MAX];      /* what is to be written when the write before it has arrived */
        size_t n_out;
        bool writing;

        StoredCursor cursor;            /* what is durable */
        bool clear;
        bool same;                      /* it is still that of the device, or there was none: what is older was here too */
        uint32_t begun;                 /* its number when this began */
        unsigned most;                  /* sessions of one sync */
        OmpRecord newest;               /* the device's last; number 0: it has none */
        SyncProgress progress;

        OmpReassembler reassembler;
        FetchReport report;
        unsigned arrived;               /* in this report or trace, that was new */
        uint32_t counted;               /* new ones, as the device says */
        unsigned tries;                 /* in a row without anything new */
        GArray *batch;                  /* FetchKept, by number */
        unsigned next;                  /* of it: the one that is under way */
        bool unreadable;                /* the batch ends before one that cannot be read */
        bool again;                     /* the report was cut short behind the batch */
        bool fewer;                     /* than were counted came */

        FetchMemory *memory;            /* the caller's */
        FetchTrace *trace;              /* in it */
        StoredCursor storing;
};

/* ---- States ---- */

static void enter(Fetch *f, FetchState state, uint64_t now_usec) {
        SyncPhase before = f->progress.phase;

        f->state = state;
        f->deadline_usec = state == FETCH_IDLE ? UINT64_MAX : now_usec + states[state].limit_usec;
        f->progress.phase = states[state].phase;
        if (f->progress.phase != before)
                f->ops.changed(f->userdata);
}

static void end(Fetch *f, int error, uint32_t number) {
        if (error == -ETIMEDOUT)
                f->mute = true;
        f->n_out = 0;
        g_array_set_size(f->batch, 0);
        if (error == 0)
                fetch_trace_clear(f->trace); /* else it is gone on with */
        enter(f, FETCH_IDLE, 0);
        f->ops.ended(error, number, f->userdata);
}

static void send_out(Fetch *f) {
        size_t n = f->n_out;

        if (f->writing || n == 0)
                return;

        f->writing = true;
        f->n_out = 0;
        f->ops.write(f->out, n, f->userdata);
}

/* Writes a request, and waits for its answer in this state. */
static void ask(Fetch *f, FetchState state, const OmpRacpRequest *request, uint64_t now_usec) {
        int n = omp_racp_request_encode(request, f->out, sizeof(f->out));

        assert(n > 0); /* ours alone */
        f->n_out = (size_t) n;
        omp_reassembler_reset(&f->reassembler);
        f->arrived = 0;
        f->whole_usec = now_usec + FETCH_WHOLE_USEC;
        enter(f, state, now_usec);
        send_out(f);
}

static void ask_last(Fetch *f, uint64_t now_usec) {
        ask(f, FETCH_LAST, &(OmpRacpRequest) { .op = OMP_RACP_REPORT, .operator_ = OMP_RACP_LAST }, now_usec);
}

static void ask_same(Fetch *f, uint64_t now_usec) {
        ask(f, FETCH_SAME, &(OmpRacpRequest) { .op = OMP_RACP_REPORT, .operator_ = OMP_RACP_RANGE, .first = f->cursor.record,
                                               .last = f->cursor.record }, now_usec);
}

static void ask_count(Fetch *f, uint64_t now_usec) {
        g_array_set_size(f->batch, 0);
        f->next = 0;
        f->tries = 0;
        f->unreadable = f->again = false;
        ask(f, FETCH_COUNT, &(OmpRacpRequest) { .op = OMP_RACP_COUNT, .operator_ = OMP_RACP_AT_LEAST, .first = f->cursor.record + 1 },
            now_usec);
}

/* "re-request that range (operator 4)" */
static void ask_report(Fetch *f, uint32_t from, uint32_t to, uint64_t now_usec) {
        bool all = to == UINT32_MAX;

        f->report = (FetchReport) { .from = from, .to = to, .at = from - 1 };
        ask(f, FETCH_REPORT, &(OmpRacpRequest) { .op = OMP_RACP_REPORT, .operator_ = all ? OMP_RACP_AT_LEAST : OMP_RACP_RANGE, .first = from,
                                                 .last = all ? 0 : to }, now_usec);
}

/* Nothing goes that may not have been here: where older ones may be others, or some did not come, only what was taken for sure. */
static void finish(Fetch *f, uint64_t now_usec) {
        uint32_t last = f->cursor.record, stays;

        if (f->fewer)
                f->memory->unsure = last;
        stays = MAX(f->memory->unsure, f->same ? 0 : f->begun);
        if (!f->clear || f->newest.number == 0 || last <= stays)
                end(f, 0, 0);
        else
                ask(f, FETCH_DELETE, &(OmpRacpRequest) { .op = OMP_RACP_DELETE, .operator_ = stays > 0 ? OMP_RACP_RANGE : OMP_RACP_AT_MOST,
                                                         .first = stays > 0 ? stays + 1 : 0, .last = last }, now_usec);
}

/* ---- What comes of a record ---- */

static FetchKept *current(Fetch *f) {
        return &g_array_index(f->batch, FetchKept, f->next);
}

static void hand_on(Fetch *f, uint64_t now_usec) {
        const FetchKept *kept = current(f);
        StoredRecord stored = {
                .record = kept->record,
                .cursor = { f->cursor.epoch, kept->record.number, stored_start(&kept->record.start) },
        };
        g_autofree StoredBody *bodies = g_new0(StoredBody, 1 + f->trace->bodies->len);

        bodies[0] = (StoredBody) { .data = kept->data, .size = kept->size };
        stored.bodies = bodies;
        stored.n_bodies = 1 + fetch_trace_bodies(f->trace, bodies + 1);
        f->storing = stored.cursor;
        enter(f, FETCH_STORE, now_usec);
        f->ops.record(&stored, f->userdata);
}

static void ask_trace(Fetch *f, uint64_t now_usec) {
        int r;

        omp_reassembler_reset(&f->reassembler);
        f->arrived = 0;
        enter(f, FETCH_TRACE, now_usec);
        f->deadline_usec = f->whole_usec = UINT64_MAX; /* see fetch_tracing() */
        r = f->ops.trace(current(f)->record.number, f->trace->next, f->userdata);
        if (r < 0)
                end(f, r, current(f)->record.number);
}

static void go_on(Fetch *f, uint64_t now_usec) {
        if (f->next < f->batch->len) {
                f->tries = 0;
                fetch_trace_begin(f->trace, current(f)->record.number, stored_start(&current(f)->record.start));
                if (f->traces && current(f)->record.flags & OMP_RECORD_TRACE && !f->trace->complete)
                        ask_trace(f, now_usec);
                else
                        hand_on(f, now_usec);
        } else if (f->unreadable)
                end(f, -EBADMSG, f->report.hole_from);
        else if (f->progress.done < f->most && (f->again || (f->counted > f->batch->len && f->batch->len >= FETCH_BATCH_MAX)))
                ask_count(f, now_usec);
        else
                finish(f, now_usec);
}

/* ---- Records ---- */

static void take_record(Fetch *f, const OmpRecord *record, const uint8_t *data, size_t size) {
        if (record->number == 0)
                return;
        if (f->state == FETCH_LAST || f->state == FETCH_LAST_DRAIN) {
                f->newest = *record;
                f->arrived++;
                return;
        }
        if (f->state == FETCH_SAME || f->state == FETCH_SAME_DRAIN) {
                if (record->number != f->cursor.record)
                        return;
                f->same = stored_start(&record->start) == f->cursor.start;
                f->arrived++;
                return;
        }

        if (fetch_report_came(&f->report, record->number))
                f->arrived += fetch_batch_add(f->batch, record, data, size);
}

static void was_reset(Fetch *f) {
        f->cursor = (StoredCursor) { .epoch = f->cursor.epoch + 1 };
        f->begun = f->memory->unsure = 0;
        f->same = true;
        fetch_trace_clear(f->trace);
}

/* A device that was reset may have more sessions by now than it had then. One that has that record no more tells nothing. */
static void have_same(Fetch *f, uint64_t now_usec) {
        if (f->arrived > 0 && !f->same)
                was_reset(f);
        ask_count(f, now_usec);
}

static void have_last(Fetch *f, uint64_t now_usec) {
        if (f->arrived == 0) {
                if (++f->tries < FETCH_TRIES)
                        ask_last(f, now_usec);
                else
                        end(f, -EBADMSG, 0);
                return;
        }

        /* "its number is lower than the committed one, or the same number has another start ⇒ the device was reset: new epoch, last = 0" */
        f->tries = 0;
        f->same = f->cursor.record == 0 ||
                  (f->newest.number == f->cursor.record && stored_start(&f->newest.start) == f->cursor.start);
        if (!f->same && f->newest.number > f->cursor.record) {
                ask_same(f, now_usec);
                return;
        }

        if (!f->same)
                was_reset(f);
        if (f->newest.number == f->cursor.record)
                finish(f, now_usec);
        else
                ask_count(f, now_usec);
}

/* What cannot be read is not passed over: nothing behind it is taken, so that it is neither forgotten nor deleted. */
static void cut(Fetch *f) {
        fetch_batch_cut(f->batch, f->report.hole_from);
        f->unreadable = true;
}

static void have_report(Fetch *f, uint64_t now_usec) {
        uint32_t first = f->cursor.record + 1;

        fetch_report_over(&f->report, f->newest.number);
        if (fetch_batch_ends_before(f->batch, f->report.hole_from))
                f->report.hole_from = 0; /* it is counted anew when these are durable */
        f->tries = f->arrived > 0 ? 0 : f->tries + 1;
        f->progress.total = MAX(f->progress.total, f->progress.done + MAX(f->batch->len, f->counted));

        if (f->batch->len >= MIN(f->counted, FETCH_BATCH_MAX) && f->report.hole_from == 0)
                go_on(f, now_usec);
        else if (f->tries < FETCH_TRIES && f->report.hole_from > 0)
                ask_report(f, f->report.hole_from, f->report.hole_to, now_usec);
        else if (f->tries < FETCH_TRIES && f->newest.number >= first)
                ask_report(f, first, f->newest.number, now_usec); /* fewer than counted, and no gap: the last, or a whole round of the counter */
        else {
                if (f->report.hole_from > 0)
                        cut(f);
                else
                        f->fewer = true;
                go_on(f, now_usec);
        }
}

/* It takes too long: those that came are taken, and what is left is counted anew. */
static void have_cut(Fetch *f, uint64_t now_usec) {
        if (f->report.hole_from > 0)
                cut(f);
        f->again = f->batch->len > 0;
        f->unreadable = !f->again;
        f->fewer = true;
        go_on(f, now_usec);
}

/* ---- Traces ---- */

static void have_trace(Fetch *f, uint64_t now_usec) {
        f->tries = f->arrived > 0 ? 0 : f->tries + 1;
        if (f->trace->complete || f->tries >= FETCH_TRIES)
                hand_on(f, now_usec);   /* without a part of its curve it is a session still */
        else
                ask_trace(f, now_usec);
}

static void cut_trace(Fetch *f, uint64_t now_usec) {
        enter(f, FETCH_CUT_TRACE, now_usec);
        f->ops.stop_trace(f->userdata);
}

void fetch_tracing(Fetch *f, uint64_t now_usec) {
        if ((f->state != FETCH_TRACE && f->state != FETCH_ABORT_TRACE) || f->whole_usec != UINT64_MAX)
                return;

        f->whole_usec = now_usec + FETCH_WHOLE_USEC;
        f->deadline_usec = now_usec + FETCH_LIMIT_USEC;
        if (f->state == FETCH_ABORT_TRACE)
                f->ops.stop_trace(f->userdata); /* now that there is something to stop */
}

void fetch_traced(Fetch *f, int error, uint8_t result, uint32_t next_entry, uint64_t now_usec) {
        if (f->state == FETCH_ABORT_TRACE) {
                end(f, error == 0 || error == -EREMOTEIO ? -ECANCELED : error, 0);
                return;
        }
        if (f->state == FETCH_CUT_TRACE) {
                if (error == 0 || error == -EREMOTEIO)
                        hand_on(f, now_usec);
                else
                        end(f, error, f->trace->record);
                return;
        }
        if (f->state != FETCH_TRACE)
                return;

        if (error == -EREMOTEIO && result == OMP_RESULT_BUSY)
                end(f, -EBUSY, f->trace->record);
        else if (error == -EREMOTEIO && result == OMP_RESULT_FAILED)
                have_trace(f, now_usec);
        else if (error == -EREMOTEIO)
                hand_on(f, now_usec);   /* it has none, whatever the record says */
        else if (error < 0)
                end(f, error, f->trace->record);
        else if (f->trace->complete || f->trace->next >= next_entry)
                have_trace(f, now_usec);
        else
                enter(f, FETCH_TRACE_DRAIN, now_usec);
}

/* ---- Data ---- */

static void take_body(Fetch *f) {
        const uint8_t *data = f->reassembler.body;
        size_t size = f->reassembler.size;
        bool trace = f->state == FETCH_TRACE || f->state == FETCH_TRACE_DRAIN;
        OmpBody body;

        if (omp_body_decode(data, size, &body) < 0)
                f->report.lost = true;
        else if (body.type == OMP_BODY_RECORD && !trace)
                take_record(f, &body.record, data, size);
        else if (body.type == OMP_BODY_TRACE && trace && fetch_trace_take(f->trace, &body.trace, data, size))
                f->arrived++;
}

void fetch_data(Fetch *f, const uint8_t *data, size_t size, uint64_t now_usec) {
        unsigned lost;
        int what;

        if (!states[f->state].listens || f->whole_usec == UINT64_MAX)
                return;

        what = omp_reassembler_push(&f->reassembler, data, size, &lost);
        if (states[f->state].limit_usec == FETCH_LIMIT_USEC)
                f->deadline_usec = MIN(now_usec + FETCH_LIMIT_USEC, f->whole_usec);
        if (what < 0)
                return;                 /* not received: the counter of the next shows it */
        if (what & (OMP_SEGMENT_LOST | OMP_SEGMENT_DROPPED | OMP_SEGMENT_TOO_LONG))
                f->report.lost = true;
        if (what & OMP_SEGMENT_BODY)
                take_body(f);

        if (f->state == FETCH_LAST_DRAIN && f->arrived > 0)
                have_last(f, now_usec);
        else if (f->state == FETCH_SAME_DRAIN && f->arrived > 0)
                have_same(f, now_usec);
        else if (f->state == FETCH_TRACE && f->trace->full)
                cut_trace(f, now_usec);
        else if (f->state == FETCH_REPORT_DRAIN && f->batch->len >= MIN(f->counted, FETCH_BATCH_MAX))
                have_report(f, now_usec);
        else if (f->state == FETCH_TRACE_DRAIN && f->trace->complete)
                have_trace(f, now_usec);
}

/* ---- Answers ---- */

static void answered_report(Fetch *f, uint8_t code, uint64_t now_usec) {
        bool last = f->state == FETCH_LAST;

        if (f->state == FETCH_SAME) {
                if (code == OMP_RACP_SUCCESS && f->arrived == 0)
                        enter(f, FETCH_SAME_DRAIN, now_usec);
                else
                        have_same(f, now_usec);
                return;
        }
        if (code == OMP_RACP_NO_RECORDS && last)
                end(f, 0, 0);           /* nothing is there; a device that was reset shows it with its first session */
        else if (code == OMP_RACP_NO_RECORDS) {
                f->fewer |= f->counted > f->batch->len;
                f->counted = f->batch->len; /* it has them no more */
                f->report.hole_from = 0;
                f->report.lost = false;
                go_on(f, now_usec);
        } else if (code != OMP_RACP_SUCCESS)
                end(f, code == OMP_RACP_OP_NOT_SUPPORTED || code == OMP_RACP_OPERATOR_NOT_SUPPORTED ? -EOPNOTSUPP : -EREMOTEIO, 0);
        else if (last && f->arrived > 0)
                have_last(f, now_usec);
        else if (!last && f->batch->len >= MIN(f->counted, FETCH_BATCH_MAX))
                have_report(f, now_usec);
        else
                enter(f, last ? FETCH_LAST_DRAIN : FETCH_REPORT_DRAIN, now_usec);
}

static void answered_count(Fetch *f, uint32_t count, uint64_t now_usec) {
        f->counted = count;
        f->progress.total = MAX(f->progress.total, f->progress.done + count);
        if (count == 0)
                finish(f, now_usec);
        else
                ask_report(f, f->cursor.record + 1, UINT32_MAX, now_usec);
}

void fetch_response(Fetch *f, const uint8_t *data, size_t size, uint64_t now_usec) {
        uint8_t asks = states[f->state].asks;
        OmpRacpResponse response;

        if (asks == 0 || f->n_out > 0 || omp_racp_response_decode(data, size, &response) < 0)
                return;                 /* n_out: it was not asked yet, so that is no answer */

        if (response.op == OMP_RACP_COUNT_RESPONSE) {
                if (asks == OMP_RACP_COUNT)
                        answered_count(f, response.count, now_usec);
                return;
        }
        if (response.request_op != asks)
                return;

        switch ((OmpRacpOp) asks) {
        case OMP_RACP_REPORT:
                answered_report(f, response.code, now_usec);
                break;
        case OMP_RACP_COUNT:
                end(f, response.code == OMP_RACP_OP_NOT_SUPPORTED ? -EOPNOTSUPP : -EREMOTEIO, 0);
                break;
        case OMP_RACP_DELETE:
                end(f, response.code == OMP_RACP_SUCCESS || response.code == OMP_RACP_NO_RECORDS ? 0 : -EREMOTEIO, 0);
                break;
        case OMP_RACP_ABORT:
                if (f->state == FETCH_CUT)
                        have_cut(f, now_usec);
                else
                        end(f, -ECANCELED, 0);
                break;
        case OMP_RACP_COUNT_RESPONSE:
        case OMP_RACP_RESPONSE:
                break;
        }
}

void fetch_written(Fetch *f, int error, uint64_t now_usec) {
        f->writing = false;
        if (error < 0 && f->n_out == 0 && states[f->state].asks != 0) { /* else it was answered before */
                end(f, error == -EALREADY ? -EBUSY : error, 0);
                return;
        }

        send_out(f);
}

void fetch_stored(Fetch *f, const StoredCursor *cursor, int error, uint64_t now_usec) {
        if (f->state != FETCH_STORE || cursor->epoch != f->storing.epoch || cursor->record != f->storing.record)
                return;
        if (error < 0) {
                end(f, -ENOSPC, cursor->record);
                return;
        }

        f->cursor = f->storing;
        fetch_trace_clear(f->trace);
        f->progress.done++;
        f->next++;
        f->ops.changed(f->userdata);
        go_on(f, now_usec);
}

/* ---- The whole ---- */

Fetch *fetch_new(const FetchOps *ops, FetchMemory *memory, bool traces, unsigned most, void *userdata) {
        Fetch *f = g_new0(Fetch, 1);

        f->ops = *ops;
        f->userdata = userdata;
        f->traces = traces;
        f->most = most;
        f->deadline_usec = UINT64_MAX;
        f->batch = g_array_new(FALSE, FALSE, sizeof(FetchKept));
        f->memory = memory;
        f->trace = &memory->trace;
        return f;
}

Fetch *fetch_free(Fetch *f) {
        if (!f)
                return NULL;

        if (f->state != FETCH_IDLE)
                end(f, -ENOTCONN, 0);
        g_array_unref(f->batch);
        g_free(f);
        return NULL;
}

int fetch_begin(Fetch *f, const StoredCursor *cursor, bool clear, uint64_t now_usec) {
        if (f->state != FETCH_IDLE)
                return -EBUSY;
        if (f->mute)
                return -ETIMEDOUT;

        f->cursor = *cursor;
        f->cursor.epoch = MAX(f->cursor.epoch, 1u);
        f->begun = f->cursor.record;
        f->clear = clear;
        f->fewer = false;
        f->newest = (OmpRecord) {};
        f->progress = (SyncProgress) {};
        f->tries = 0;
        ask_last(f, now_usec);
        return 0;
}

void fetch_stop(Fetch *f, uint64_t now_usec) {
        switch (f->state) {
        case FETCH_IDLE:
        case FETCH_ABORT:
        case FETCH_ABORT_TRACE:
                break;
        case FETCH_CUT:
                enter(f, FETCH_ABORT, now_usec);
                break;
        case FETCH_CUT_TRACE:
                enter(f, FETCH_ABORT_TRACE, now_usec);
                break;
        case FETCH_LAST:
        case FETCH_SAME:
        case FETCH_COUNT:
        case FETCH_REPORT:
        case FETCH_DELETE:
                if (f->n_out > 0)       /* the device has not heard of it */
                        end(f, -ECANCELED, 0);
                else
                        ask(f, FETCH_ABORT, &(OmpRacpRequest) { .op = OMP_RACP_ABORT }, now_usec);
                break;
        case FETCH_TRACE:
                enter(f, FETCH_ABORT_TRACE, now_usec);
                if (f->whole_usec == UINT64_MAX)
                        f->deadline_usec = UINT64_MAX; /* until it is asked for, or cannot be */
                else
                        f->ops.stop_trace(f->userdata);
                break;
        case FETCH_LAST_DRAIN:
        case FETCH_SAME_DRAIN:
        case FETCH_REPORT_DRAIN:
        case FETCH_TRACE_DRAIN:
        case FETCH_STORE:
                end(f, -ECANCELED, 0);
                break;
        case _FETCH_STATE_MAX:
                break;
        }
}

bool fetch_wants_trace(const Fetch *f) {
        return f->state == FETCH_TRACE;
}

bool fetch_runs(const Fetch *f) {
        return f->state != FETCH_IDLE;
}

SyncProgress fetch_progress(const Fetch *f) {
        return f->progress;
}

uint64_t fetch_deadline(const Fetch *f) {
        return f->deadline_usec;
}

void fetch_tick(Fetch *f, uint64_t now_usec) {
        if (now_usec < f->deadline_usec)
                return;

        switch (f->state) {
        case FETCH_LAST_DRAIN:
                have_last(f, now_usec);
                break;
        case FETCH_SAME_DRAIN:
                if (++f->tries < FETCH_TRIES)
                        ask_same(f, now_usec);
                else
                        have_same(f, now_usec);
                break;
        case FETCH_REPORT_DRAIN:
                have_report(f, now_usec);
                break;
        case FETCH_TRACE_DRAIN:
                have_trace(f, now_usec);
                break;
        case FETCH_STORE:
                end(f, -ENOSPC, f->storing.record);
                break;
        case FETCH_REPORT:
        case FETCH_TRACE:
                if (now_usec < f->whole_usec || (f->state == FETCH_REPORT && f->batch->len == 0))
                        end(f, -ETIMEDOUT, 0);
                else if (f->state == FETCH_TRACE)
                        cut_trace(f, now_usec);
                else
                        ask(f, FETCH_CUT, &(OmpRacpRequest) { .op = OMP_RACP_ABORT }, now_usec);
                break;
        case FETCH_LAST:
        case FETCH_SAME:
        case FETCH_COUNT:
        case FETCH_DELETE:
        case FETCH_ABORT:
        case FETCH_ABORT_TRACE:
        case FETCH_CUT:
        case FETCH_CUT_TRACE:
                end(f, -ETIMEDOUT, 0);
                break;
        case FETCH_IDLE:
        case _FETCH_STATE_MAX:
                break;
        }
}
