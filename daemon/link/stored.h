/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions that a device has kept, and how far they were taken over. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/omp-records.h"

/* The last that is durable here. */
typedef struct StoredCursor {
        uint32_t epoch;                 /* from 1; grows when the device's numbers begin anew; 0: nothing was taken over yet, as 1 */
        uint32_t record;                /* 0: none */
        uint64_t start;                 /* its start as the device tells it: stored_start() */
} StoredCursor;

typedef struct StoredBody {
        const uint8_t *data;
        size_t size;
        uint32_t entry_usec;            /* of a trace's: how long each of its entries is */
        uint64_t from_usec;             /* likewise, since the start: where its first entry begins; 0 of a record */
} StoredBody;

/* One session, whole. */
typedef struct StoredRecord {
        OmpRecord record;
        StoredCursor cursor;            /* where it is when this one is durable */
        const StoredBody *bodies;       /* the record, then its trace in order: each a body of OMP_VALUE_MAX octets at most */
        size_t n_bodies;
        uint64_t start_realtime_usec;   /* by the device's clock, corrected; 0: it cannot be told */
} StoredRecord;

/* A record's start in 64 bits: what the device said, not what is made of it, which changes with each look at its clock. 0: none. */
static inline uint64_t stored_start(const OmpElapsed *start) {
        return start->count | (uint64_t) (start->flags & (OMP_ELAPSED_TICKS | OMP_ELAPSED_UTC | OMP_ELAPSED_RESOLUTION)) << 48;
}

typedef enum SyncPhase {
        SYNC_IDLE,                      /* nothing is under way */
        SYNC_LIST,                      /* what is there? */
        SYNC_FETCH,
        SYNC_CLEAR,                     /* what is durable here goes on the device */
        _SYNC_PHASE_MAX,
} SyncPhase;

/* As in Device1.Sync. */
static inline const char *sync_phase_name(SyncPhase phase) {
        static const char *const names[_SYNC_PHASE_MAX] = {
                [SYNC_IDLE] = "idle",
                [SYNC_LIST] = "list",
                [SYNC_FETCH] = "fetch",
                [SYNC_CLEAR] = "clear",
        };

        return names[phase];
}

typedef struct SyncProgress {
        SyncPhase phase;
        uint32_t done, total;           /* sessions of the one that runs, or of the last */
} SyncProgress;
