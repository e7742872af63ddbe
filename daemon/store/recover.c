/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/recover.h"

#include "store/promise.h"

/* A session of this id is another one than the ring's, or has ended: what is kept is not of it. */
static int is_strange(Ledger *ledger, const KeptSession *kept, bool *ret) {
        RowsCounts ignored;
        const StoreSession *known = ledger_known(ledger, kept->id, &ignored, &ignored);
        int rc;

        *ret = known && known->start_boottime_usec != kept->start_boottime_usec;
        if (known)
                return SQLITE_OK;
        rc = rows_session_has(&ledger->rows, kept->id);
        *ret = rc == SQLITE_OK;
        return rc == SQLITE_NOTFOUND ? SQLITE_OK : rc;
}

static void drop(JobList *jobs, uint64_t session) {
        Job *job, *next;

        for (job = TAILQ_FIRST(jobs); job; job = next) {
                next = TAILQ_NEXT(job, entry);
                if (job->session != session)
                        continue;
                TAILQ_REMOVE(jobs, job, entry);
                (void) job_free(job);
        }
}

int recover_sort(Ledger *ledger, Kept *kept) {
        bool has = false, strange;
        int rc = kept->promise.upto > 0 ? promise_look(ledger, &kept->promise, &has) : SQLITE_OK;

        if (rc != SQLITE_OK)
                return rc;
        kept_join(kept, !has);
        for (unsigned i = 0; i < kept->sessions->len && rc == SQLITE_OK; i++) {
                const KeptSession *session = &g_array_index(kept->sessions, KeptSession, i);

                rc = is_strange(ledger, session, &strange);
                if (rc == SQLITE_OK && strange)
                        drop(&kept->jobs, session->id);
        }
        return rc;
}

static bool find_owner(const Ledger *ledger, const JobList *jobs, uint64_t session, uid_t *ret) {
        RowsCounts ignored;
        const StoreSession *known = ledger_known(ledger, session, &ignored, &ignored);
        const Job *job;

        TAILQ_FOREACH(job, jobs, entry)
                if (!known && job->type == JOB_BEGIN && job->session == session)
                        known = job->begin;
        if (known)
                *ret = known->owner;
        return known;
}

GArray *recover_ended(const Ledger *ledger, const JobList *jobs) {
        GArray *ended = g_array_new(FALSE, FALSE, sizeof(StoreGone));
        const Job *job;

        TAILQ_FOREACH(job, jobs, entry) {
                StoreGone gone = { .id = job->session };

                if (job->type == JOB_END && find_owner(ledger, jobs, job->session, &gone.owner))
                        g_array_append_val(ended, gone);
        }
        return ended;
}
