/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session in a format for others, in slices: first its rows are counted, then they are written, chunk by chunk, as the pipe takes them.
 * Nothing is kept between slices but where to go on, what the StoreDecoder knows and what the pipe has not taken yet, so that memory does not
 * grow with the session and no transaction lasts. What was counted comes. */

#include <glib.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "store/chunk.h"
#include "store/store.h"

#define EXPORT_LINES_MAX (64u * 1024u)  /* octets that are made, but for what one more chunk adds, before the pipe is asked */

typedef enum ExportPhase {
        EXPORT_COUNTING,
        EXPORT_HEADING,         /* what comes before the rows */
        EXPORT_WRITING,
        EXPORT_WRITTEN,         /* all lines are made; some may not be in the pipe yet */
} ExportPhase;

typedef struct ExportFormat ExportFormat;

#define EXPORT_RECORD_MAX (2u * 1024u * 1024u) /* octets: what a device gives of one session is half of that at most */

/* The frames of a record that was added to a session that was followed live. They are of the same time as what came live, and stand behind it
 * in the database: they are kept, to be written between the others. */
typedef struct ExportRecord {
        bool known;             /* whether there is one: as it was at the beginning */
        sqlite3_int64 first_seq, next_seq; /* of its chunks; INT64_MAX: there are none, no more */
        GArray *frames;         /* Frame, by time … */
        GPtrArray *octets;      /* … and what they point into */
        size_t size;
        guint next;             /* that is not written yet */
} ExportRecord;

typedef struct Export {
        TAILQ_ENTRY(Export) entry;
        uint64_t id;
        const Store *store;
        const ExportFormat *format;
        unsigned resample_hz;
        TapeHead head;
        uint64_t from_usec, to_usec;
        int fd;
        StoreCounted counted;
        StoreDone ended;
        void *userdata;

        ExportPhase phase;
        ChunkFrames frames;
        ExportRecord record;
        sqlite3_int64 next_seq; /* of the chunk that comes next … */
        uint32_t next_frame;    /* … and of its frames */
        uint64_t n_rows;        /* counted */
        uint64_t n_made;        /* rows */
        uint64_t n_damaged;     /* chunks that cannot be read, counted */
        uint64_t last_boottime_usec; /* of the newest line: on a tape time does not run backwards */
        void *decoding;         /* of the StoreDecoder, if the format takes one */
        uint64_t next_moment;   /* of a resampled one: its number from session time 0 */
        sqlite3_int64 last_gap; /* the rows that were written last */
        uint64_t last_event;
        bool head_begun, gaps_done, any_detail; /* likewise */
        GString *lines;         /* what the pipe has not taken … */
        size_t lines_taken;     /* … but for so much of it */
        bool waits;             /* for the pipe to take more */
        uint64_t deadline_usec; /* for that */
} Export;

typedef TAILQ_HEAD(ExportList, Export) ExportList;

Export *export_new(const Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata);
/* Leaves the pipe open. */
Export *export_free(Export *export);

/* Reads until there are lines to write, the phase is over, or it is `until_usec` (CLOCK_MONOTONIC). SQLite's result code; SQLITE_NOTFOUND:
 * the session is gone, SQLITE_MISMATCH: the head is none, or nobody can decode it. */
int export_read(Export *export, sqlite3 *db, uint64_t until_usec);
/* Whether there are lines that the pipe has not taken. */
bool export_has_lines(const Export *export);
/* What the pipe takes without blocking; 1: something, 0: nothing, it is full, -EPIPE: nobody reads. */
int export_write(Export *export);
/* Whether the other end was closed. */
bool export_is_dead(const Export *export);
