/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session as a tape, in slices: first its lines are counted, then they are written, chunk by chunk, as the pipe takes them. Nothing is
 * kept between slices but where to go on and what the pipe has not taken yet, so that memory does not grow with the session and no
 * transaction lasts. Each frame is a line, also one that no tape can hold; so is a chunk that is damaged: what was counted comes. */

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/store.h"

#define EXPORT_SLICE_USEC UINT64_C(20000) /* of the reader's time at a stretch */

typedef enum ExportPhase {
        EXPORT_COUNTING,
        EXPORT_WRITING,
        EXPORT_WRITTEN,         /* all lines are made; some may not be in the pipe yet */
} ExportPhase;

typedef struct Export {
        TAILQ_ENTRY(Export) entry;
        uint64_t id;
        TapeHead head;
        uint64_t from_usec, to_usec;
        int fd;
        StoreCounted counted;
        StoreDone ended;
        void *userdata;

        ExportPhase phase;
        sqlite3_int64 next_seq; /* of the chunk that comes next */
        uint64_t n_rows;        /* counted */
        uint64_t n_made;        /* lines after the head */
        uint64_t last_boottime_usec; /* of the newest line: on a tape time does not run backwards */
        GString *lines;         /* what the pipe has not taken … */
        size_t lines_taken;     /* … but for so much of it */
        bool waits;             /* for the pipe to take more */
        uint64_t deadline_usec; /* for that */
} Export;

typedef TAILQ_HEAD(ExportList, Export) ExportList;

Export *export_new(const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata);
/* Closes the pipe. */
Export *export_free(Export *export);

/* Reads until there are lines to write, the phase is over, or it is `until_usec` (CLOCK_MONOTONIC). SQLite's result code; SQLITE_NOTFOUND:
 * the session is gone, SQLITE_MISMATCH: the head is none. */
int export_read(Export *export, sqlite3 *db, uint64_t until_usec);
/* Whether there are lines that the pipe has not taken. */
bool export_has_lines(const Export *export);
/* What the pipe takes without blocking; 1: something, 0: nothing, it is full, -EPIPE: nobody reads. */
int export_write(Export *export);
/* Whether the other end was closed. */
bool export_is_dead(const Export *export);
