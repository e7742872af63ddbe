/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/export.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "store/export-format.h"
#include "store/rows.h"
#include "store/shared.h"

/* ---- Reading ---- */

static int read_bounds(sqlite3 *db, uint64_t id, ExportBounds *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db,
                                    "SELECT start_boottime, end_boottime, end_realtime, end_reason, ifnull(record_seq, 9223372036854775807)"
                                    " FROM session WHERE id = ? AND ended = 1",
                                    -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) id);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                *ret = (ExportBounds) {
                        .start_boottime_usec = (uint64_t) sqlite3_column_int64(stmt, 0),
                        .end_boottime_usec = (uint64_t) sqlite3_column_int64(stmt, 1),
                        .end_realtime_usec = (uint64_t) sqlite3_column_int64(stmt, 2),
                        .record_seq = sqlite3_column_int64(stmt, 4),
                };
                g_strlcpy(ret->reason, (const char *) sqlite3_column_text(stmt, 3) ?: "", sizeof(ret->reason));
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

/* From the one on, and before the other. */
static int prepare_chunks(sqlite3 *db, uint64_t id, sqlite3_int64 from, sqlite3_int64 before, sqlite3_stmt **ret) {
        int rc = sqlite3_prepare_v2(db,
                                    "SELECT " ROWS_CHUNK_COLUMNS ", seq FROM chunk WHERE session = ? AND seq >= ? AND seq < ?"
                                    " ORDER BY seq",
                                    -1, ret, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(*ret, 1, (sqlite3_int64) id);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(*ret, 2, from);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(*ret, 3, before);
        return rc;
}

/* ---- A record that was added ---- */

static gint compare_times(gconstpointer a, gconstpointer b) {
        const Frame *x = a, *y = b;

        return (x->boottime_usec > y->boottime_usec) - (x->boottime_usec < y->boottime_usec);
}

/* A chunk that cannot be read is counted, and has no place among the others. */
static int keep_chunk(Export *export, const Chunk *stored) {
        ExportRecord *record = &export->record;
        Chunk chunk = *stored;

        record->size += chunk.size;
        if (record->size > EXPORT_RECORD_MAX)
                return SQLITE_TOOBIG;
        chunk.data = g_memdup2(stored->data, stored->size);
        g_ptr_array_add(record->octets, (void *) chunk.data);
        if (chunk_unpack(&chunk, &export->frames) < 0)
                export->n_damaged++;
        else
                g_array_append_vals(record->frames, export->frames.frames, export->frames.n);
        return SQLITE_OK;
}

static void begin_record(Export *export, const ExportBounds *bounds) {
        ExportRecord *record = &export->record;

        *record = (ExportRecord) {
                .known = true,
                .first_seq = bounds->record_seq,
                .next_seq = bounds->record_seq,
                .frames = g_array_new(FALSE, FALSE, sizeof(Frame)),
                .octets = g_ptr_array_new_with_free_func(g_free),
        };
}

static int read_record(Export *export, sqlite3 *db, uint64_t until_usec) {
        ExportRecord *record = &export->record;
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_chunks(db, export->id, record->next_seq, INT64_MAX, &stmt);

        while (rc == SQLITE_OK) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                chunk = rows_chunk_get(stmt);
                rc = keep_chunk(export, &chunk);
                record->next_seq = sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) + 1;
                if (rc == SQLITE_OK && shared_now_usec() >= until_usec)
                        break;
        }
        (void) sqlite3_finalize(stmt);
        if (rc == SQLITE_DONE) {
                record->next_seq = INT64_MAX;
                g_array_sort(record->frames, compare_times);
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* ---- Frames ---- */

static void count_frames(Export *export, const ExportBounds *bounds) {
        for (uint32_t i = 0; i < export->frames.n; i++)
                export->n_rows += export_wants(export, export_session_time(bounds, export->frames.frames[i].boottime_usec));
}

/* False: there was no room for what comes before it. */
static bool write_frame(Export *export, const ExportBounds *bounds, const Frame *frame) {
        if (!export->format->decodes && !export_wants(export, export_session_time(bounds, frame->boottime_usec)))
                return true;
        return export->format->frame(export, bounds, frame);
}

/* What the record has of before. False: there is no room for all of it. */
static bool write_record(Export *export, const ExportBounds *bounds, uint64_t before_usec) {
        ExportRecord *record = &export->record;

        for (; record->next < record->frames->len; record->next++) {
                const Frame *frame = &g_array_index(record->frames, Frame, record->next);

                if (frame->boottime_usec >= before_usec)
                        break;
                if (export_is_full(export) || !write_frame(export, bounds, frame))
                        return false;
        }
        return true;
}

/* Likewise. */
static bool write_frames(Export *export, const ExportBounds *bounds) {
        for (; export->next_frame < export->frames.n; export->next_frame++) {
                const Frame *frame = &export->frames.frames[export->next_frame];

                if (!write_record(export, bounds, frame->boottime_usec) || !write_frame(export, bounds, frame))
                        return false;
        }
        export->next_frame = 0;
        return true;
}

static bool take_chunk(Export *export, const ExportBounds *bounds, const Chunk *chunk) {
        bool counting = export->phase == EXPORT_COUNTING;

        if (chunk_unpack(chunk, &export->frames) < 0) {
                if (!export_wants(export, export_session_time(bounds, chunk->t0_boottime_usec)))
                        return true;
                export->n_damaged += counting;
                export->n_rows += counting && export->format->counts_damage;
                if (!counting)
                        export->format->damaged(export, bounds, chunk);
                return true;
        }
        if (!counting)
                return write_frames(export, bounds);
        count_frames(export, bounds);
        return true;
}

static int read_chunks(Export *export, sqlite3 *db, const ExportBounds *bounds, uint64_t until_usec) {
        sqlite3_stmt *stmt = NULL;
        int rc = prepare_chunks(db, export->id, export->next_seq, MIN(export->record.first_seq, bounds->record_seq), &stmt);

        while (rc == SQLITE_OK || rc == SQLITE_ROW) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                if (shared_is_closed(export->store)) {
                        rc = SQLITE_INTERRUPT;
                        break;
                }
                chunk = rows_chunk_get(stmt);
                if (!take_chunk(export, bounds, &chunk))
                        break;
                export->next_seq = sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) + 1;
                if (export_has_lines(export) || shared_now_usec() >= until_usec)
                        break;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

static int write_head(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        int rc = export->format->head(export, db, bounds);

        if (rc == SQLITE_OK)
                export->phase = EXPORT_WRITING;
        return rc;
}

/* What was counted is to be written. A head that cannot be is refused before the count is told. */
static int end_counting(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        int rc;

        for (guint i = 0; i < export->record.frames->len; i++)
                export->n_rows += export_wants(export, export_session_time(bounds, g_array_index(export->record.frames, Frame, i).boottime_usec));
        if (export->format->count)
                export->n_rows = export->format->count(export, bounds);
        if (export->format->counts_end)
                export->n_rows += export_wants_end(export, bounds);
        export->next_seq = 0;
        rc = write_head(export, db, bounds);
        if (rc == SQLITE_ROW)
                export->phase = EXPORT_HEADING;
        return rc;
}

/* After the last chunk: what was written is what was counted. Without its end, what lost a chunk meanwhile does not look whole. */
static int end_writing(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        bool with_end = export->format->counts_end && export_wants_end(export, bounds);
        int rc;

        if (!write_record(export, bounds, UINT64_MAX))
                return SQLITE_ROW;
        if (!export->format->count && export->n_made + with_end != export->n_rows) {
                ExportBounds now;

                rc = read_bounds(db, export->id, &now); /* it may have gone in this moment */
                return rc == SQLITE_OK ? SQLITE_CORRUPT : rc;
        }
        rc = export->format->end(export, bounds);
        if (rc != SQLITE_OK)
                return rc;
        export->phase = EXPORT_WRITTEN;
        return export->n_made == export->n_rows ? SQLITE_OK : SQLITE_CORRUPT;
}

static const ExportFormat *format_of(const StoreExport *wanted) {
        switch (wanted->format) {
        case STORE_FORMAT_CSV:
                return wanted->resample_hz > 0 ? &export_csv_resampled : &export_csv;
        case STORE_FORMAT_JSON:
                return &export_json;
        case STORE_FORMAT_TAPE:
        case _STORE_FORMAT_MAX:
                break;
        }

        return &export_tape;
}

Export *export_new(const Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata) {
        Export *export = g_new0(Export, 1);

        export->id = wanted->id;
        export->store = store;
        export->format = format_of(wanted);
        export->resample_hz = wanted->resample_hz;
        if (wanted->head)
                export->head = *wanted->head;
        export->from_usec = wanted->from_usec;
        export->to_usec = wanted->to_usec;
        export->fd = wanted->fd;
        export->counted = counted;
        export->ended = ended;
        export->userdata = userdata;
        export->lines = g_string_new(NULL);
        return export;
}

Export *export_free(Export *export) {
        if (!export)
                return NULL;
        if (export->decoding)
                export->store->observer.decoder.free(export->decoding);
        chunk_frames_done(&export->frames);
        g_clear_pointer(&export->record.frames, g_array_unref);
        g_clear_pointer(&export->record.octets, g_ptr_array_unref);
        (void) g_string_free(export->lines, TRUE);
        g_free(export);
        return NULL;
}

int export_read(Export *export, sqlite3 *db, uint64_t until_usec) {
        ExportBounds bounds = { 0 };
        int rc = read_bounds(db, export->id, &bounds);

        if (rc == SQLITE_OK && shared_is_closed(export->store))
                return SQLITE_INTERRUPT;
        if (rc == SQLITE_OK && !export->record.known)
                begin_record(export, &bounds);
        if (rc == SQLITE_OK && export->record.next_seq < INT64_MAX)
                rc = read_record(export, db, until_usec);
        else if (rc == SQLITE_OK && export->phase == EXPORT_HEADING)
                rc = write_head(export, db, &bounds);
        else if (rc == SQLITE_OK)
                rc = read_chunks(export, db, &bounds, until_usec);
        if (rc == SQLITE_DONE)
                rc = export->phase == EXPORT_COUNTING ? end_counting(export, db, &bounds) : end_writing(export, db, &bounds);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

bool export_has_lines(const Export *export) {
        return export->lines->len > export->lines_taken;
}

int export_write(Export *export) {
        size_t before = export->lines_taken;

        while (export_has_lines(export)) {
                ssize_t n = write(export->fd, export->lines->str + export->lines_taken,
                                  export->lines->len - export->lines_taken);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno != EAGAIN)
                        return -EPIPE;
                if (n <= 0)
                        return export->lines_taken > before;
                export->lines_taken += (size_t) n;
        }
        g_string_truncate(export->lines, 0);
        export->lines_taken = 0;
        return 1;
}

bool export_is_dead(const Export *export) {
        struct pollfd p = { .fd = export->fd };

        return poll(&p, 1, 0) > 0 && (p.revents & POLLERR);
}
