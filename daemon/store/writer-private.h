/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What writer.c (commits, and what is done between them) and writer-open.c (the database's connection) share. */

#include <time.h>

#include "store/aside.h"
#include "store/eraser.h"
#include "store/ledger.h"
#include "store/retention.h"

typedef struct Writer {
        Store *store;
        Ledger ledger;
        Eraser eraser;
        Retention retention;
        Aside aside;
        int lock_fd;            /* of the database's folder: nobody else writes there; -1: none */
        bool told;              /* `opened` was told, be it that there is no database */
        bool loaded;            /* what an earlier process left in the database is known */
        bool marked_unclean;    /* the database says that it was not closed */
        bool wrote;             /* the last commit wrote pages, and synced them if it was to */
        bool must_recover;      /* a sync failed: what the kernel reported once it will not report again */
        bool must_restore;      /* the file is new, and what this process remembers is not in it yet */
        uint64_t taken_since_usec; /* when the oldest of what is in hand was queued */
        uint64_t unsynced_since_usec; /* likewise of what is committed and not synced; 0: all is */
        uint64_t retry_at_usec; /* 0: no trouble */
        bool unfinished; /* a failure with nothing left to write: whether it is over is to be found out */
        uint64_t retry_usec;
        unsigned n_put_aside;
        int n_wal_pages;
        bool log_held;          /* it is large, and somebody who reads keeps it from being taken in */
        uint64_t look_at_usec;  /* then: when to look again, with nothing to write */
        uint64_t ring_upto;     /* what is being written, in the ring */
} Writer;

static inline sqlite3 *writer_db(const Writer *w) {
        return w->ledger.rows.db;
}

static inline uint64_t writer_realtime_usec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t) now.tv_sec * 1000000u + (uint64_t) now.tv_nsec / 1000u;
}

/* There is progress, for whoever watches. */
void writer_set_works(Writer *w, bool works);
void writer_set_state(Writer *w, StoreState state, const char *reason, const char *put_aside);
/* Something failed: when to try again. */
void writer_set_retry(Writer *w);
void writer_set_no_retry(Writer *w);
/* One commit of all of them. SQLite's result codes. */
int writer_apply(Writer *w, JobList *jobs, bool sync);
/* Answers and frees what was committed. */
void writer_finish(Writer *w, JobList *jobs);

/* The connection is in place, or somebody was told why not. */
bool writer_ensure_open(Writer *w);
void writer_disconnect(Writer *w);
/* The connection is closed, and its file is of no use. */
void writer_put_aside(Writer *w);
/* How the taking in of a database that was put aside has ended. */
void writer_say_aside(Writer *w);
/* What can be tried again on the same connection: the next attempt begins where this one did. After anything else, an error of the disk above
 * all, the connection is dead: its caches and the kernel's may differ from the disk. */
bool writer_connection_survives(int rc);
