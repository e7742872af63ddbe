/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What takes sessions away, on the writer's thread, in steps of bounded time, between which what is recorded is committed. First a session
 * is hidden and its tombstone set, then it is emptied, part by part; when no more is to go, free pages leave the file, backups are removed,
 * and the writer cuts the log. Erasures take place one after the other. Each step overwrites what it frees (secure_delete=ON).
 *
 * What a step was, and failed, is done again. What somebody asked for stands in the database from the commit on that begins it until its last session
 * is gone: a process that ends in the middle leaves that, sessions that nobody sees, or free pages, and a database that says that it was not closed;
 * the next one goes on (eraser_resume()) and takes them away (eraser_scrub()). Functions return SQLite's result codes. */

#include "store/ledger.h"

#define ERASER_STEP_USEC UINT64_C(20000) /* "commits of live sessions stay within 100 ms" */

typedef struct Erasure Erasure;
typedef TAILQ_HEAD(ErasureList, Erasure) ErasureList;

typedef enum EraserPhase {
        ERASER_IDLE,
        ERASER_ROWS,
        ERASER_PAGES,
        ERASER_LOG,             /* the writer is to cut the log, then eraser_finish() */
} EraserPhase;

typedef struct Eraser {
        ErasureList erasures;
        EraserPhase phase;
        bool sweep;             /* there may be sessions that nobody sees and nobody is at */
        bool dirty;             /* what has gone before may be in free pages */
        bool found;             /* something has gone since the last answer */
        uint64_t current;       /* the hidden session that is being emptied; 0: none */
} Eraser;

void eraser_init(Eraser *eraser);
void eraser_done(Eraser *eraser);
/* Of a JOB_ERASE that is committed, whose answer is the eraser's from now on. */
void eraser_add(Eraser *eraser, Job *job);
/* What an earlier process had begun and not ended, when the database is opened first; nobody waits for it any more. */
int eraser_resume(Eraser *eraser, Ledger *ledger);
/* A session was deleted at once: `wait` is answered when no trace is left of it. */
void eraser_add_discarded(Eraser *eraser, uint64_t wait);
/* Retention's: of sessions that are over, those that ended within these times and have a lower id than `before`, or an owner's up to this id. */
void eraser_add_old(Eraser *eraser, uint64_t from_usec, uint64_t upto_usec, uint64_t before);
void eraser_add_surplus(Eraser *eraser, uid_t owner, uint64_t upto);
void eraser_sweep(Eraser *eraser);
/* An earlier process may have been cut off in an erasure: likewise, and free pages, the log and backups may have something. */
void eraser_scrub(Eraser *eraser);
bool eraser_is_busy(const Eraser *eraser);
/* Whether what it does was asked for, by somebody or by retention. */
bool eraser_is_asked(const Eraser *eraser);
/* One step; outside of a transaction, and not while it is idle. */
int eraser_step(Eraser *eraser, Ledger *ledger, Store *store, uint64_t realtime_usec);
/* Whether anything went that the log may have; else it need not be cut. */
bool eraser_wants_log(const Eraser *eraser);
/* In ERASER_LOG, and it is cut: answers. */
void eraser_finish(Eraser *eraser, Ledger *ledger, Store *store);
