/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the writer writes, row by row: prepared statements with bound values, kept for as long as the
 * connection. Functions return SQLite's (extended) result codes, if nothing else is said. */

#include <glib.h>
#include <sqlite3.h>

#include "store/chunk.h"
#include "store/store.h"
#include "store/summary.h"

typedef enum RowsStatement {
        ROWS_BEGIN,
        ROWS_COMMIT,
        ROWS_ROLLBACK,
        ROWS_DEVICE_PUT,
        ROWS_DEVICE_CURSOR,
        ROWS_DEVICE_REMOVE,
        ROWS_SESSION_INSERT,
        ROWS_SESSION_HAS,
        ROWS_SESSION_END,
        ROWS_SESSION_DELETE,
        ROWS_SESSION_COUNTS,
        ROWS_SESSION_LABEL,
        ROWS_SESSION_AREA,
        ROWS_CHUNK_INSERT,
        ROWS_CHUNK_NEXT,
        ROWS_TAIL_INSERT,
        ROWS_TAIL_UPDATE,
        ROWS_TAIL_SLOTS,
        ROWS_TAIL_DELETE,
        ROWS_TAIL_READ,
        ROWS_CHUNK_READ,
        ROWS_GAP_INSERT,
        ROWS_GAP_HAS,
        ROWS_EVENT_INSERT,
        ROWS_PLAN_PUT,
        ROWS_ACKNOWLEDGEMENT_PUT,
        ROWS_ID_AT_LEAST,
        ROWS_SYNCED,
        ROWS_CLEAN,
        ROWS_SESSION_STATE,
        ROWS_SESSION_HIDE,
        ROWS_SESSION_CONCEAL,
        ROWS_SESSION_TWIN,
        ROWS_SESSION_OF_RECORD,
        ROWS_SESSION_BESIDE,
        ROWS_SESSION_NUMBERED,
        ROWS_SESSION_IMPORTED,
        ROWS_SESSION_CONFIRM,
        ROWS_SESSION_MERGE,
        ROWS_SESSION_RECORD_SEQ,
        ROWS_CHUNK_HAS,
        ROWS_HIDDEN_NEXT,
        ROWS_NOT_OVER,
        ROWS_NEXT_OF_OWNER,
        ROWS_NEXT_OF_ALL,
        ROWS_NEXT_OLD,
        ROWS_FIRST_NEWER,
        ROWS_NEXT_OWNER,
        ROWS_FIRST_SURPLUS,
        ROWS_TOMBSTONE,
        ROWS_SESSION_RECORD,
        ROWS_BURY,
        ROWS_UNBURY,
        ROWS_BURIED,
        ROWS_CHUNKS_DELETE,
        ROWS_GAPS_DELETE,
        ROWS_EVENTS_DELETE,
        ROWS_PLANS_DELETE,
        ROWS_ACKNOWLEDGEMENTS_DELETE,
        ROWS_ERASURE_PUT,
        ROWS_ERASURE_NEXT,
        ROWS_ERASURE_DELETE,
        ROWS_SPARED_PUT,
        ROWS_SPARED,
        ROWS_KEEP_AWAY,
        ROWS_IS_KEPT_AWAY,
        _ROWS_STATEMENT_MAX,
} RowsStatement;

typedef struct Rows {
        sqlite3 *db;
        sqlite3_stmt *stmts[_ROWS_STATEMENT_MAX];
        bool full;              /* synchronous=FULL, which it is opened with */
} Rows;

/* What a session has in the database. */
typedef struct RowsCounts {
        uint64_t n_frames, n_gaps, n_events;
} RowsCounts;

/* Takes the connection; rows_done() finalizes and gives it back. */
void rows_init(Rows *rows, sqlite3 *db);
sqlite3 *rows_done(Rows *rows);

/* Whether commits are synced, until it is changed again; outside of a transaction. */
int rows_set_sync(Rows *rows, bool full);
/* Statements without values: ROWS_BEGIN, ROWS_COMMIT, ROWS_ROLLBACK. */
int rows_run(Rows *rows, RowsStatement statement);
/* All but the cursor. */
int rows_device_put(Rows *rows, const StoreDevice *device);
int rows_device_cursor(Rows *rows, const char *address, const char *address_type, const StoreCursor *cursor);
int rows_device_remove(Rows *rows, const char *address, const char *address_type);
/* `hidden`: nobody sees it. */
int rows_session_insert(Rows *rows, const StoreSession *session, bool hidden);
int rows_session_has(Rows *rows, uint64_t id); /* SQLITE_NOTFOUND */
int rows_session_end(Rows *rows, uint64_t id, const StoreEnd *end); /* with a record of 0 it leaves what the session has */
int rows_session_delete(Rows *rows, uint64_t id); /* SQLITE_NOTFOUND */
int rows_session_label(Rows *rows, uint64_t id, const StoreLabels *labels); /* SQLITE_NOTFOUND */
int rows_session_counts(Rows *rows, uint64_t id, RowsCounts *ret);
int rows_chunk_insert(Rows *rows, uint64_t session, uint64_t seq, const Chunk *chunk, const Summary *summary);
int rows_chunk_next(Rows *rows, uint64_t session, uint64_t *ret_seq);
/* A piece of the chunk `seq` of the session; *slot is the row to write over, 0: a new one, which it is
 * then. */
int rows_tail_put(Rows *rows, uint64_t session, uint64_t seq, uint64_t piece, const Chunk *chunk,
                  sqlite3_int64 *slot);
/* The session's rows of the tail, stale ones too, oldest first; appends sqlite3_int64. */
int rows_tail_slots(Rows *rows, uint64_t session, GArray *ret);
int rows_tail_delete(Rows *rows, uint64_t session);
int rows_gap_insert(Rows *rows, uint64_t session, const StoreGap *gap);
int rows_gap_has(Rows *rows, uint64_t session, const StoreGap *gap); /* SQLITE_NOTFOUND */
int rows_event_insert(Rows *rows, uint64_t session, const StoreEvent *event);
int rows_plan_put(Rows *rows, const StorePlan *plan); /* SQLITE_TOOBIG: STORE_PLANS_MAX of its owner are there */
int rows_acknowledgement_put(Rows *rows, const StoreAcknowledgement *acknowledgement);
int rows_id_at_least(Rows *rows, uint64_t next_session_id);
int rows_synced(Rows *rows, uint64_t realtime_usec); /* something that is written, whatever was there, where only a sync is wanted */
int rows_clean(Rows *rows, bool clean);

/* ---- Sessions that come or go whole (rows-whole.c) ---- */

typedef struct RowsSessionState {
        int ended;              /* 0 live, 1 over, 2 hidden */
        uid_t owner;
        uint64_t start_boottime_usec, start_realtime_usec;
} RowsSessionState;

int rows_session_state(Rows *rows, uint64_t id, RowsSessionState *ret); /* SQLITE_NOTFOUND */
/* One that is over: a tombstone is set and nobody sees it from then on. SQLITE_NOTFOUND: none that is over. */
int rows_session_hide(Rows *rows, uint64_t id, uint64_t realtime_usec);
/* Likewise whatever it was, and without a tombstone. */
int rows_session_conceal(Rows *rows, uint64_t id);
/* Takes something of it away, a bounded part; *ret_more: not all of it yet. */
int rows_session_empty(Rows *rows, uint64_t id, bool *ret_more);
/* Whether another of its owner's that is to be seen has the same uuid, or is the same record of a device. SQLITE_NOTFOUND. */
int rows_session_twin(Rows *rows, uint64_t id);
/* The session that is this record of its device already, was followed live at the time of it, or was imported by the device's owner: *ret_merged
 * tells whether that has the record yet. SQLITE_NOTFOUND. */
int rows_session_of_record(Rows *rows, const StoreRecord *record, uint64_t *ret_id, bool *ret_merged);
/* One that was imported is this record, of these numbers of the device; of another nothing changes. */
int rows_session_confirm(Rows *rows, uint64_t id, uint32_t epoch);
int rows_session_merge(Rows *rows, uint64_t id, const StoreSession *session);
int rows_session_record_seq(Rows *rows, uint64_t id, uint64_t seq); /* of the first chunk of a record that is added to it */
/* A record that is not to come back from its device: SQLITE_NOTFOUND if it may. */
int rows_bury(Rows *rows, const StoreBurial *burial);
int rows_bury_session(Rows *rows, uint64_t id);
int rows_is_buried(Rows *rows, const StoreBurial *burial);
int rows_chunk_has(Rows *rows, uint64_t session, uint64_t seq); /* SQLITE_NOTFOUND */

/* The next that nobody sees, behind `after`. SQLITE_NOTFOUND. */
int rows_next_hidden(Rows *rows, uint64_t after, uint64_t *ret_id);
/* Sessions that are live, or that nobody sees; appends uint64_t. */
int rows_not_over(Rows *rows, GArray *ret);
/* The first that is over, of an owner ((uid_t) -1: of all) whose name fits (store_owner_fits()), with an id behind `after` and of at most
 * `upto`. SQLITE_NOTFOUND. */
int rows_next_of(Rows *rows, uid_t owner, const char *owner_name, uint64_t after, uint64_t upto, uint64_t *ret_id, uid_t *ret_owner);
/* The first that ended within these times, with an id of less than `before`. SQLITE_NOTFOUND. */
int rows_next_old(Rows *rows, uint64_t from_usec, uint64_t upto_usec, uint64_t before, uint64_t *ret_id, uid_t *ret_owner);
/* The lowest id of those that were followed live and ended after the first of these times, and not after the other. SQLITE_NOTFOUND. */
int rows_first_newer(Rows *rows, uint64_t after_usec, uint64_t upto_usec, uint64_t *ret_id);
/* The owner with the smallest uid from this on. SQLITE_NOTFOUND. */
int rows_next_owner(Rows *rows, uid_t from, uid_t *ret);
/* The newest of an owner's that are more than `count`. SQLITE_NOTFOUND. */
int rows_first_surplus(Rows *rows, uid_t owner, unsigned count, uint64_t *ret_id);
int rows_person_delete(Rows *rows, uid_t owner, const char *owner_name); /* likewise plans and acknowledgement */

/* ---- Erasures that are not done (rows-erasure.c) ---- */

#define ROWS_ERASURE_OF_COPIES UINT64_MAX /* no session has this id: an older version passes over it */

typedef struct RowsErasure {
        uint64_t id;
        uint64_t session;       /* 0: an owner's, as follows; ROWS_ERASURE_OF_COPIES */
        uid_t owner;            /* whose it is; of sessions that are told by their owner (uid_t) -1: everybody's */
        char *owner_name;
        uint64_t upto;          /* id, included */
        GArray *spared;         /* uint64_t, ids that stay; NULL: none */
} RowsErasure;

/* In the place of the one with this id. */
int rows_erasure_put(Rows *rows, const RowsErasure *erasure);
/* The first with an id behind `after`; clear it. SQLITE_NOTFOUND. */
int rows_erasure_next(Rows *rows, uint64_t after, RowsErasure *ret);
void rows_erasure_clear(RowsErasure *erasure);
int rows_erasure_delete(Rows *rows, uint64_t id);
/* The sessions of an owner (as of rows_next_of()) in the file of this name, which was put aside, do not come in. */
int rows_keep_away(Rows *rows, const char *file, uid_t owner, const char *owner_name);
int rows_is_kept_away(Rows *rows, const char *file, uid_t owner, const char *owner_name); /* SQLITE_NOTFOUND */

/* The rows of a session in order, ROWS_TAIL_READ or ROWS_CHUNK_READ. SQLITE_ROW while there is one,
 * SQLITE_DONE after the last; the chunk's data is valid until the next call. */
int rows_read(Rows *rows, RowsStatement which, uint64_t session, Chunk *ret);
/* Before the last row. */
void rows_read_end(Rows *rows, RowsStatement which);
/* A row that begins with these columns; the data are good until the statement's next step. */
#define ROWS_CHUNK_COLUMNS "t0_boottime, t0_realtime, frames, encoding, crc, data"
#define ROWS_CHUNK_N_COLUMNS 6
/* What follows in rows of `chunk`: of each StoreMetric its number of samples, then minimum, maximum and sum. */
#define ROWS_SUMMARY_COLUMNS                                                                            \
        "t1_boottime, figures_version, force_n, force_min, force_max, force_sum, stroke_rate_n, stroke_rate_min," \
        " stroke_rate_max, stroke_rate_sum, depth_n, depth_min, depth_max, depth_sum"
#define ROWS_SUMMARY_N_COLUMNS 14
/* Of such columns from `at` on. False: not known by the code of today, nor by one from the version `oldest` on; the frames have to be read.
 * ret_t1_boottime_usec is 0 where it is not known. */
bool rows_summary_get(sqlite3_stmt *stmt, int at, int oldest, uint64_t *ret_t1_boottime_usec, Summary *ret);
Chunk rows_chunk_get(sqlite3_stmt *stmt);

/* "SELECT … FROM session", to which the reader appends, and a row of it; the strings are new. Free the
 * text. */
char *rows_session_select(void);
void rows_session_get(sqlite3_stmt *stmt, StoreSession *ret);
int rows_session_find(sqlite3 *db, uint64_t id, StoreSession *ret); /* SQLITE_NOTFOUND */
int rows_device_load(sqlite3 *db, StoreDevice **ret, size_t *ret_n);
int rows_plan_load(sqlite3 *db, StorePlan **ret, size_t *ret_n);
int rows_acknowledgement_load(sqlite3 *db, StoreAcknowledgement **ret, size_t *ret_n);
