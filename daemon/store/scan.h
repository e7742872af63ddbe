/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session that is read again from its frames, for its figures (a replay), for a curve of it (a series), or by somebody else (a walk): in
 * slices, on the reader's thread. Between slices there is no transaction; what is kept is where to go on and what the StoreDecoder knows so far. */

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/chunk.h"
#include "store/route.h"
#include "store/series.h"
#include "store/store.h"

typedef struct Scan {
        TAILQ_ENTRY(Scan) entry;
        uint64_t id;
        StoreReplayed replayed;         /* of a replay; NULL: … */
        StoreSeriesRead series_read;    /* … it is a series; NULL too: … */
        const StoreWalkOps *walk;       /* … it is a walk */
        void *userdata;
        uid_t asker;
        const Store *store;
        bool cancelled;                 /* nobody wants the answer; under the store's mutex, as is `entry` */

        bool begun;
        StoreSession session;           /* as it was at the beginning */
        StoreReplay replay;
        void *decoding;
        ChunkFrames frames;
        sqlite3_int64 next_seq;         /* of the chunk that comes next */
        uint32_t n_walked;              /* of a walk: frames of it that were taken, from the chunk or from the tail that it is made of */
        bool stopped;                   /* likewise: the next one was not taken */

        Series series;                  /* what follows is for a series alone */
        Route route;
        bool routed;                    /* all chunks that are there are in it */
        bool wants_tail;                /* it is live, and what is in no chunk yet belongs to the curve */
        unsigned at;                    /* the next of its chunks */
        bool found_record;              /* the chunk that was decoded last has something that the device had stored itself: … */
        bool reads_record;              /* … that is decoded, and nothing else any more */
        bool settled;                   /* what is decoded is what it would be if all had been */
        Summary summary;                /* of the chunk that was decoded last */
} Scan;

typedef TAILQ_HEAD(ScanList, Scan) ScanList;

Scan *scan_new_replay(const Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata);
Scan *scan_new_series(const Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata);
Scan *scan_new_walk(const Store *store, uint64_t id, uid_t asker, const StoreWalkOps *ops, void *userdata);
Scan *scan_free(Scan *scan);

/* Reads until it is done or `until_usec` (CLOCK_MONOTONIC). SQLITE_DONE: it is, SQLITE_OK: not yet; else an error, SQLITE_NOTFOUND: the session
 * is gone, or is not one that can be read so. */
int scan_read(Scan *scan, sqlite3 *db, uint64_t until_usec);
/* Tells who asked; on their thread. */
void scan_answer(const Scan *scan, int error);
