/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The record: SQLite on two threads of its own, behind bounded queues. The writer's connection is the only one that ever writes
 * or checkpoints; the reader's is read-only. Nothing here blocks the caller: functions queue and return; replies are callbacks,
 * run by store_dispatch() on the caller's thread in the order they became ready. After store_close() no callback runs.
 *
 * Plain structs only (types.h); strings are copied by the callee. */

#include "store/ring.h"
#include "store/types.h"

typedef struct Store Store;

/* error: 0 and durable (committed under FULL), -EIO, -ECANCELED. `id`: the session that it is. */
typedef void (*StoreRecorded)(int error, StoreRecordFate fate, uint64_t id, void *userdata);

/* error: 0, -ENOENT (also one that is live), -EIO, -ECANCELED, -ENOBUFS too many at a time. `replay` is valid for the call. */
typedef void (*StoreReplayed)(int error, const StoreReplay *replay, void *userdata);

/* Buckets without a value are left out. error: 0, -ENOENT, -EIO, -ECANCELED, -ENOBUFS. */
typedef void (*StoreSeriesRead)(int error, const StorePoint *points, size_t n, void *userdata);

/* error: 0: durable; -EBADMSG no tape, or cut short, -EOPNOTSUPP a later version, -EEXIST its owner has the session, by its uuid or by its record, -EFBIG longer
 * than any session, -ETIMEDOUT less than 64 KiB came in 30 s, -EDQUOT the disk is nearly full, -ENOBUFS too many at a time, -ENOSPC, -EIO, -ECANCELED. message: one sentence with the
 * line, "" with 0. After an error nothing of it is kept. */
typedef void (*StoreImported)(int error, const char *message, uint64_t id, void *userdata);

/* error: 0: gone from the database, its log and its backups, and durable; -ENOENT, -EBUSY live, -EIO (not yet: it follows),
 * -ENOBUFS too many at a time, -ECANCELED. `erased` is valid for the call. */
typedef void (*StoreErasedDone)(int error, const StoreErased *erased, void *userdata);

typedef struct StoreObserver {
        /* The first opening is over, one way or the other. `opened` is never NULL and is freed after the call. It is empty when no database
         * could be opened; then it is called once more as soon as one can be that has something from before. */
        void (*opened)(const StoreOpened *opened, void *userdata);
        /* `reason` is a sentence for people, "" when ready: what happened, where, and what to do. Called on each change;
         * `put_aside` names the file that an unusable database was renamed to, NULL mostly. */
        void (*state_changed)(StoreState state, const char *reason, const char *put_aside, void *userdata);
        /* Retention has taken them away, or an erasure that was answered with -EIO has come to its end. NULL: nobody wants to know. */
        void (*retired)(const StoreErased *erased, void *userdata);
        /* A record that was answered with -EIO is durable now: its session, and the cursor that has moved. NULL: nobody wants to know. */
        void (*recorded)(StoreRecordFate fate, uint64_t id, const StoreSession *session, const StoreCursor *cursor, void *userdata);
        StoreDecoder decoder;           /* with this userdata */
        /* Where what is not in the database yet is kept beyond the process; what an earlier one has left in it goes into the database before
         * that is told as opened. It is the caller's, and has to outlive the store, be it that a thread never comes back. NULL: nowhere. */
        Ring *ring;
} StoreObserver;

/* error: 0, -ENOENT, -EIO (degraded: kept in memory, follows), -ECANCELED (the store is closing). */
typedef void (*StoreDone)(int error, void *userdata);
/* `sessions` is valid for the call. */
typedef void (*StoreListed)(int error, const StoreSession *sessions, size_t n, void *userdata);

/* `events` and their texts are valid for the call, oldest first. */
typedef void (*StoreEventsRead)(int error, const StoreEvent *events, size_t n, void *userdata);

/* A session that is walked: frame after frame from its first on, in the order in which they were kept, also while it is live. It belongs to
 * whoever has begun it, but from store_walk_on() to `stopped`. `begin` and `frame` are called meanwhile, on the reader's thread. */
typedef struct StoreWalk StoreWalk;
typedef struct StoreWalkOps {
        void (*begin)(const StoreSession *row, void *userdata); /* once, before the first frame */
        /* False: the frame is not taken, and the walk stops before it. */
        bool (*frame)(const Frame *frame, void *userdata);
        /* error: 0: `frame` has stopped it, or (at_end) there is no more that is written, `n_damaged` chunks could not be read so far;
         * -ENOENT no such session is written, -EIO, -ENOBUFS too many at a time, -ECANCELED. It can go on after each of them. */
        void (*stopped)(int error, bool at_end, unsigned n_damaged, void *userdata);
} StoreWalkOps;

/* How many lines there will be after the head. error: 0, then the lines come and StoreDone is called when they have; else nothing comes any
 * more: -ENOENT no such session that has ended, -EIO, -ECANCELED as above, -EINVAL no tape can have this head, -EPIPE nobody reads,
 * -ENOBUFS too many at a time. */
typedef void (*StoreCounted)(int error, uint64_t n_rows, void *userdata);

/* Starts the threads and returns; the opening goes on in the writer. `path` is the database's, its folder must exist. */
Store *store_new(const char *path, const StoreObserver *observer, void *userdata);
/* Writes what is queued (at most `timeout_usec`), closes, joins. Returns NULL. */
Store *store_close(Store *store, uint64_t timeout_usec);

/* Readable when store_dispatch() has something to do. */
int store_get_fd(Store *store);
void store_dispatch(Store *store);

StoreState store_state(const Store *store);
const char *store_reason(const Store *store);
const char *store_state_name(StoreState state);

void store_device_put(Store *store, const StoreDevice *device);
void store_device_remove(Store *store, const char *address, const char *address_type);

void store_session_begin(Store *store, const StoreSession *session);
/* The hot path: one copy into the current piece, no allocation in the usual case, no system call unless the writer sleeps. `sample`: what the
 * frame says of the curves; NULL: nothing. */
void store_session_frame(Store *store, uint64_t session_id, const Frame *frame, const StoreSample *sample);
void store_session_gap(Store *store, uint64_t session_id, const StoreGap *gap);
void store_session_event(Store *store, uint64_t session_id, const StoreEvent *event);
/* `done` when it is durable (committed under synchronous=FULL). */
void store_session_end(Store *store, uint64_t session_id, const StoreEnd *end, StoreDone done, void *userdata);
/* Leaves no trace of it, but that its record on the device is not fetched. */
void store_session_discard(Store *store, uint64_t session_id, const StoreBurial *burial, StoreDone done, void *userdata);

/* Of a live session or one that has ended. -ENOENT. */
void store_session_label(Store *store, uint64_t session_id, const StoreLabels *labels, StoreDone done, void *userdata);

/* What one person has set and acknowledged; all are read at the opening (StoreOpened.plans, .acknowledgements) and are small: at most
 * STORE_PLANS_MAX for each owner, else -ENOSPC. Done when durable. What waits for the disk is replaced by what comes after it. */
#define STORE_PLANS_MAX 64u
void store_plan_put(Store *store, const StorePlan *plan, StoreDone done, void *userdata);
void store_acknowledge(Store *store, const StoreAcknowledgement *acknowledgement, StoreDone done, void *userdata);

/* Of a device's own record. Idempotent: the same (device, epoch, record, start) is written once, whatever is asked. */
void store_record_put(Store *store, const StoreRecord *record, StoreRecorded done, void *userdata);

/* How many may wait; the same that is asked for again counts once, and is answered together. */
#define STORE_ERASURES_MAX 64u
/* Whether the next one will not be answered with -ENOBUFS. */
bool store_can_erase(Store *store);
/* One that is over. Gone means gone: overwritten, the log truncated, free pages given back, backups of before removed, and a row left that
 * says nothing but its id and when. */
void store_delete(Store *store, uint64_t id, StoreErasedDone done, void *userdata);
/* All of an owner that are over now, with the plans and the acknowledgement that are set now; (uid_t) -1: everybody's. What was stored with
 * another name than `owner_name` (NULL: whatever it is) belongs to who had the uid before, and stays. In steps, so that recording goes on, and
 * what is set or ends meanwhile stays, however long it takes. */
void store_erase_all(Store *store, uid_t owner, const char *owner_name, StoreErasedDone done, void *userdata);
/* Files that were put aside; of erased->remains afterwards only what could not be removed. */
void store_erase_copies(Store *store, StoreErasedDone done, void *userdata);
void store_set_retention(Store *store, const StoreRetention *retention);

/* The reader takes the tape from the pipe in slices, the writer commits it chunk by chunk under a session that nobody sees until the end.
 * At most two at a time, else -ENOBUFS by `done`; likewise while the disk is full and several have come to nothing. */
void store_import(Store *store, const StoreImport *import, StoreImported done, void *userdata);

/* `done` when all that came before is durable, or with -EIO after 20 s. */
void store_sync(Store *store, StoreDone done, void *userdata);

/* On the reader. Only ended sessions. */
void store_list(Store *store, const StoreFilter *filter, StoreListed done, void *userdata);
void store_get(Store *store, uint64_t id, StoreListed done, void *userdata); /* n is 0 or 1 */

/* Of a live session too, as far as it is written. -ENOENT no such session. */
void store_events(Store *store, const StoreEventFilter *filter, StoreEventsRead done, void *userdata);

/* In slices, which queries overtake. `asker`: each who asks has a turn, however much others want. */
void store_replay(Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata);
StoreWalk *store_walk_new(Store *store, uint64_t id, uid_t asker, const StoreWalkOps *ops, void *userdata); /* `ops` is borrowed */
StoreWalk *store_walk_free(StoreWalk *walk); /* while it does not go on */
void store_walk_on(Store *store, StoreWalk *walk);
void store_series(Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata);
/* Who asked for one of these with that userdata does not want it any more: the answer is -ECANCELED, unless there is one already. */
void store_forget(Store *store, const void *userdata);

/* On the reader too. `ended`: 0: all is in the pipe; -ENOENT: the session was deleted; -EPIPE; -ETIMEDOUT: for 30 s the pipe took nothing; -EIO;
 * -ECANCELED. */
void store_export(Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata);

/* How the threads get on, for a watchdog: one that works and whose steps stand still waits for the disk. */
typedef struct StorePace {
        bool writer_works, reader_works;
        unsigned writer_steps, reader_steps;
} StorePace;
StorePace store_pace(Store *store);

/* Counts for tests and figures: frames queued, frames committed, frames dropped because memory's bound was reached. */
typedef struct StoreCounters {
        uint64_t queued, committed, dropped;
} StoreCounters;
StoreCounters store_counters(Store *store);
