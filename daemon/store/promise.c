/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/promise.h"

/* What a session becomes by these jobs; false: nothing that shows. */
static bool changes(const Ledger *ledger, const Job *job, RingPromise *ret) {
        RowsCounts committed, added;
        bool any;

        if (job->skipped || !ledger_known(ledger, job->session, &committed, &added))
                return false;
        ret->session = job->session;
        any = added.n_frames + added.n_gaps + added.n_events > 0;
        ret->state = job->type == JOB_END ? RING_OVER : RING_LIVE;
        ret->n_frames = committed.n_frames + added.n_frames;
        ret->n_gaps = committed.n_gaps + added.n_gaps;
        ret->n_events = committed.n_events + added.n_events;
        return any || job->type == JOB_BEGIN || job->type == JOB_END;
}

static bool is_of_session(const Job *job) {
        return job->type == JOB_BEGIN || job->type == JOB_PIECE || job->type == JOB_GAP || job->type == JOB_EVENT || job->type == JOB_END;
}

static bool has(const JobList *jobs, JobType type, uint64_t session) {
        const Job *job;

        TAILQ_FOREACH(job, jobs, entry)
                if (job->type == type && job->session == session)
                        return true;
        return false;
}

/* One that stays says more than one that goes. One that begins and goes says nothing: it is not there before either, and may be written again. */
static RingPromise promise_of(const Ledger *ledger, const JobList *jobs, uint64_t upto) {
        RingPromise promise = { .upto = upto }, gone = {};
        const Job *job;

        TAILQ_FOREACH_REVERSE(job, jobs, JobList, entry)
                if (job->type == JOB_DISCARD && !job->skipped && !has(jobs, JOB_BEGIN, job->session))
                        gone = (RingPromise) { .upto = upto, .session = job->session, .state = RING_ABSENT };
                else if (is_of_session(job) && !has(jobs, JOB_DISCARD, job->session) && changes(ledger, job, &promise))
                        return promise;
        return gone;
}

/* A record that is added to the session in the same commit has frames of its own. */
static int count_records(Ledger *ledger, const JobList *jobs, RingPromise *promise) {
        RowsCounts have;
        const Job *job;
        int rc;

        TAILQ_FOREACH(job, jobs, entry)
                if (job->type == JOB_RECORD && job->recorded_as == promise->session)
                        break;
        if (!job)
                return SQLITE_OK;
        rc = rows_session_counts(&ledger->rows, promise->session, &have);
        promise->n_frames = have.n_frames;
        promise->n_gaps = have.n_gaps;
        promise->n_events = have.n_events;
        return rc;
}

int promise_make(Ledger *ledger, const JobList *jobs, Ring *ring, uint64_t upto) {
        RingPromise promise = ring ? promise_of(ledger, jobs, upto) : (RingPromise) {};
        int rc = SQLITE_OK;

        if (promise.upto > 0)
                rc = count_records(ledger, jobs, &promise);
        if (promise.upto > 0 && rc == SQLITE_OK)
                ring_promise(ring, &promise);
        return rc;
}

int promise_look(Ledger *ledger, const RingPromise *promise, bool *ret_kept) {
        RowsCounts ignored, have = {};
        RingState state = RING_ABSENT;
        int rc = rows_session_has(&ledger->rows, promise->session);

        *ret_kept = false;
        if (rc == SQLITE_OK) {
                state = ledger_known(ledger, promise->session, &ignored, &ignored) ? RING_LIVE : RING_OVER;
                rc = rows_session_counts(&ledger->rows, promise->session, &have);
        } else if (rc == SQLITE_NOTFOUND)
                rc = SQLITE_OK;
        if (rc != SQLITE_OK)
                return rc;
        *ret_kept = state == promise->state && (state == RING_ABSENT || (have.n_frames == promise->n_frames &&
                                                                          have.n_gaps == promise->n_gaps && have.n_events == promise->n_events));
        return SQLITE_OK;
}
