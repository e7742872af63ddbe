/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the formats of an export are made of: export.c reads, these write. */

#include "store/export.h"

/* What a slice has to know of the session. */
typedef struct ExportBounds {
        uint64_t start_boottime_usec;
        uint64_t end_boottime_usec, end_realtime_usec;
        char reason[TAPE_TEXT_MAX];
        sqlite3_int64 record_seq;       /* of the first chunk of a record that was added to it; INT64_MAX: none was */
} ExportBounds;

struct ExportFormat {
        bool counts_damage;             /* a chunk that cannot be read is a row */
        bool counts_end;                /* so is the end */
        bool decodes;                   /* frames before those that are wanted are looked at, too */
        /* How many rows there are, if that does not follow from the frames. NULL: it does. */
        uint64_t (*count)(const Export *export, const ExportBounds *bounds);
        /* What comes before the rows. SQLITE_OK: all of it, SQLITE_ROW: there is more, to be asked for again; SQLITE_MISMATCH as export_read(). */
        int (*head)(Export *export, sqlite3 *db, const ExportBounds *bounds);
        /* The next frame. False: there was no room for what comes before it, to be asked for again. */
        bool (*frame)(Export *export, const ExportBounds *bounds, const Frame *frame);
        void (*damaged)(Export *export, const ExportBounds *bounds, const Chunk *chunk);
        /* All frames have come. SQLITE_OK, SQLITE_ROW as above. */
        int (*end)(Export *export, const ExportBounds *bounds);
};

extern const ExportFormat export_tape, export_csv, export_csv_resampled, export_json;

#define EXPORT_DAMAGED "needled: the database was damaged here, and frames are lost"

static inline uint64_t export_session_time(const ExportBounds *bounds, uint64_t boottime_usec) {
        return boottime_usec > bounds->start_boottime_usec ? boottime_usec - bounds->start_boottime_usec : 0;
}

static inline bool export_wants(const Export *export, uint64_t session_usec) {
        return session_usec >= export->from_usec && session_usec <= export->to_usec;
}

static inline bool export_wants_end(const Export *export, const ExportBounds *bounds) {
        return export->to_usec == UINT64_MAX || export_session_time(bounds, bounds->end_boottime_usec) <= export->to_usec;
}

static inline bool export_is_full(const Export *export) {
        return export->lines->len >= EXPORT_LINES_MAX;
}

static inline void export_put_row(Export *export, const char *row, size_t size) {
        g_string_append_len(export->lines, row, (gssize) size);
        export->n_made++;
}
