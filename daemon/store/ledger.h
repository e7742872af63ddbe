/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Jobs as rows: the writer's picture of what is in the database and what must still be in it. Frames go to
 * the tail each 92 ms and are folded into a chunk after 2 s or a little more; what a session has in the
 * tail is kept here as the chunk that it will be. The picture of a transaction that failed is thrown away
 * and read again; sessions that have not ended, devices and what people set are remembered whole, so that they can be written
 * into a new database when theirs had to be put aside. Functions return SQLite's result codes. */

#include <glib.h>

#include "store/job.h"
#include "store/rows.h"
#include "store/shared.h"

/* A chunk is 2 s long, or as much more as fills its page: of blobs between a third of a page and a whole one
 * only one or two go into a page of 4,096 octets, and up to half of the file would be air. Longer ones go on
 * in pages of their own. */
#define LEDGER_FOLD_USEC UINT64_C(2000000)
#define LEDGER_FOLD_USEC_MAX UINT64_C(6000000)
#define LEDGER_FOLD_THIRD 1250u
#define LEDGER_FOLD_PAGE 3930u
#define LEDGER_FOLD_SIZE (48u * 1024u)  /* after an outage, or at rates that nothing sends */

typedef struct Ledger {
        Rows rows;              /* rows.db is NULL while no database is open */
        GHashTable *known;      /* uint64_t* → KnownSession* */
        GHashTable *tails;      /* uint64_t* → Tail* */
        GHashTable *devices;    /* "address type" → StoreDevice* */
        GHashTable *plans;      /* "owner subject" → StorePlan* */
        GHashTable *acknowledgements; /* owner → StoreAcknowledgement* */
        GHashTable *intakes;    /* uint64_t*: sessions that are being imported, and that nobody sees */
        ChunkBuilder piece;     /* the piece that is being written; empty in between */
        uint64_t next_session_id; /* higher than every id that was used */
        uint64_t next_erasure;  /* likewise, of rows_erasure_put() */
} Ledger;

void ledger_init(Ledger *ledger);
void ledger_done(Ledger *ledger);

/* What the daemon begins with: devices, sessions that had not ended with all their frames, the next id.
 * Frames that turn out to be damaged become gaps in `ret_gaps`. */
int ledger_load(Ledger *ledger, Opened *ret, JobList *ret_gaps);
/* In a transaction: what is remembered goes into a database that does not have it. */
int ledger_restore(Ledger *ledger);
/* In a transaction. A job that can never be written is marked as skipped, with its result. */
int ledger_apply(Ledger *ledger, Job *job);
/* Likewise of JOB_ERASE alone: what it means is settled and stands in the database, for the eraser. */
int ledger_erase(Ledger *ledger, Job *job);
/* A session that has not ended: what the database has of it, and what this transaction adds. NULL: there is none of this id. */
const StoreSession *ledger_known(const Ledger *ledger, uint64_t id, RowsCounts *ret_committed, RowsCounts *ret_added);
/* Whether a chunk is long enough without this frame. */
bool ledger_chunk_is_full(const ChunkBuilder *chunk, const Frame *frame);
/* Plans and acknowledgement of a person ((uid_t) -1: of all) are not remembered any more. */
void ledger_forget_person(Ledger *ledger, uid_t owner, const char *owner_name);
void ledger_committed(Ledger *ledger, const JobList *jobs);
void ledger_rolled_back(Ledger *ledger);
/* The database is a new one: nothing that was committed is in it. */
void ledger_lost(Ledger *ledger);
