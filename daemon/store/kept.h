/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs in the ring, and out of it again: what a session consists of. What is answered when it is durable (labels, plans, erasures) is not
 * in it: who asked has no answer then, and asks again. */

#include "store/job.h"
#include "store/ring.h"

typedef struct KeptSession {
        uint64_t id, start_boottime_usec;
} KeptSession;

/* What an earlier process had taken and not written. */
typedef struct Kept {
        JobList promised;       /* up to the promise: in the database if that is kept */
        JobList jobs;           /* behind it */
        GArray *sessions;       /* KeptSession; NULL: nothing was found at all */
        RingPromise promise;
        uint64_t upto;          /* position in the ring */
} Kept;

/* A job that is not a piece; others than those of RingKind are left alone. */
void kept_put(Ring *ring, uint64_t start_boottime_usec, const Job *job);
/* A record as a job. NULL: it is none. */
Job *kept_job(const RingRecord *record);

void kept_read(const Ring *ring, Kept *ret);
bool kept_has_any(const Kept *kept);
/* All that is to be written is in `jobs` then: with what was promised, or without. */
void kept_join(Kept *kept, bool promised);
/* Joined, and a commit of all of it has failed: if it got as far as its promise, that is to be looked at again. */
void kept_again(Kept *kept, const Ring *ring);
void kept_free_jobs(JobList *jobs);
void kept_done(Kept *kept);
