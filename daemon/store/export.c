/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/export.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "store/rows.h"
#include "store/shared.h"

#define CHUNK_MAX (1024 * 1024)         /* octets; the writer's are far below, and what is not needs too much memory */

#define MARK_DAMAGED "needled: the database was damaged here, and frames are lost"
#define MARK_ODD "needled: here was a frame that no tape can hold"

/* What a slice has to know of the session. */
typedef struct Bounds {
        uint64_t start_boottime_usec;
        uint64_t end_boottime_usec, end_realtime_usec;
        char reason[TAPE_TEXT_MAX];
} Bounds;

/* ---- Lines ---- */

static uint64_t session_time(const Bounds *bounds, uint64_t boottime_usec) {
        return boottime_usec > bounds->start_boottime_usec ? boottime_usec - bounds->start_boottime_usec : 0;
}

static bool is_wanted(const Export *export, uint64_t session_usec) {
        return session_usec >= export->from_usec && session_usec <= export->to_usec;
}

static bool end_is_wanted(const Export *export, const Bounds *bounds) {
        return export->to_usec == UINT64_MAX || session_time(bounds, bounds->end_boottime_usec) <= export->to_usec;
}

static void put(Export *export, const char *line, int size) {
        g_assert(size > 0);     /* a text of our own and a time that was on a tape before always fit */
        g_string_append_len(export->lines, line, size);
        export->n_made++;
}

static void put_mark(Export *export, const Bounds *bounds, const char *text) {
        char line[TAPE_LINE_MAX];

        put(export, line,
            tape_format_mark(session_time(bounds, export->last_boottime_usec), 0, text, line, sizeof(line)));
}

static void put_frame(Export *export, const Bounds *bounds, const Frame *stored) {
        char line[TAPE_LINE_MAX];
        Frame frame = *stored;
        int size;

        frame.boottime_usec = MAX(frame.boottime_usec, export->last_boottime_usec);
        size = tape_format_frame(&export->head, &frame, bounds->start_boottime_usec, line, sizeof(line));
        if (size < 0) {
                put_mark(export, bounds, MARK_ODD);
                return;
        }
        export->last_boottime_usec = frame.boottime_usec;
        put(export, line, size);
}

static int put_end(Export *export, const Bounds *bounds) {
        uint64_t session_usec = session_time(bounds, bounds->end_boottime_usec);
        int64_t wall_offset_usec = 0;
        char line[TAPE_LINE_MAX];
        int size;

        if (bounds->end_realtime_usec > 0 && export->head.start_realtime_usec > 0)
                wall_offset_usec =
                        (int64_t) (bounds->end_realtime_usec - export->head.start_realtime_usec - session_usec);
        size = tape_format_end(session_usec, wall_offset_usec, bounds->reason, line, sizeof(line));
        if (size < 0)
                return SQLITE_CORRUPT; /* nothing that we wrote */
        put(export, line, size);
        return SQLITE_OK;
}

static int put_head(Export *export) {
        char head[TAPE_HEAD_MAX];
        int size = tape_format_head(&export->head, head, sizeof(head));

        if (size < 0)
                return SQLITE_MISMATCH;
        g_string_append_len(export->lines, head, size);
        return SQLITE_OK;
}

/* ---- Reading ---- */

static int read_bounds(sqlite3 *db, uint64_t id, Bounds *ret) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db,
                                    "SELECT start_boottime, end_boottime, end_realtime, end_reason"
                                    " FROM session WHERE id = ? AND ended = 1",
                                    -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) id);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
                *ret = (Bounds) {
                        .start_boottime_usec = (uint64_t) sqlite3_column_int64(stmt, 0),
                        .end_boottime_usec = (uint64_t) sqlite3_column_int64(stmt, 1),
                        .end_realtime_usec = (uint64_t) sqlite3_column_int64(stmt, 2),
                };
                g_strlcpy(ret->reason, (const char *) sqlite3_column_text(stmt, 3) ?: "", sizeof(ret->reason));
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

/* A frame as it is counted, or as a line. */
static void take_frame(Export *export, const Bounds *bounds, const Frame *frame) {
        if (!is_wanted(export, session_time(bounds, frame->boottime_usec)))
                return;
        if (export->phase == EXPORT_COUNTING)
                export->n_rows++;
        else
                put_frame(export, bounds, frame);
}

static void take_damaged(Export *export, const Bounds *bounds, const Chunk *chunk) {
        if (!is_wanted(export, session_time(bounds, chunk->t0_boottime_usec)))
                return;
        if (export->phase == EXPORT_COUNTING)
                export->n_rows++;
        else
                put_mark(export, bounds, MARK_DAMAGED);
}

static void take_chunk(Export *export, const Bounds *bounds, const Chunk *chunk) {
        g_autofree Frame *frames = NULL;

        if (chunk->size > CHUNK_MAX || !chunk_plausible(chunk)) {
                take_damaged(export, bounds, chunk);
                return;
        }
        frames = g_new(Frame, chunk->n_frames + 1);
        if (chunk_decode(chunk, frames) < 0) {
                take_damaged(export, bounds, chunk);
                return;
        }
        for (uint32_t i = 0; i < chunk->n_frames; i++)
                take_frame(export, bounds, &frames[i]);
}

static int read_chunks(Export *export, sqlite3 *db, const Bounds *bounds, uint64_t until_usec) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db,
                                    "SELECT " ROWS_CHUNK_COLUMNS ", seq FROM chunk WHERE session = ? AND seq >= ?"
                                    " ORDER BY seq",
                                    -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) export->id);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 2, export->next_seq);
        while (rc == SQLITE_OK || rc == SQLITE_ROW) {
                Chunk chunk;

                rc = sqlite3_step(stmt);
                if (rc != SQLITE_ROW)
                        break;
                chunk = rows_chunk_get(stmt);
                take_chunk(export, bounds, &chunk);
                export->next_seq = sqlite3_column_int64(stmt, ROWS_CHUNK_N_COLUMNS) + 1;
                if (export_has_lines(export) || shared_now_usec() >= until_usec)
                        break;
        }
        (void) sqlite3_finalize(stmt);
        return rc;
}

/* After the last chunk: what was counted is to be written, or what was written is what was counted. */
static int end_phase(Export *export, const Bounds *bounds) {
        bool with_end = end_is_wanted(export, bounds);

        if (export->phase == EXPORT_COUNTING) {
                int rc = put_head(export);

                if (rc != SQLITE_OK)
                        return rc;
                export->n_rows += with_end;
                export->next_seq = 0;
                export->last_boottime_usec = bounds->start_boottime_usec;
                export->phase = EXPORT_WRITING;
                return SQLITE_OK;
        }
        /* A chunk that went meanwhile: without its end a tape does not look whole. */
        if (export->n_made + with_end != export->n_rows)
                return SQLITE_CORRUPT;
        export->phase = EXPORT_WRITTEN;
        return with_end ? put_end(export, bounds) : SQLITE_OK;
}

Export *export_new(const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata) {
        Export *export = g_new0(Export, 1);

        export->id = wanted->id;
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
        (void) close(export->fd);
        (void) g_string_free(export->lines, TRUE);
        g_free(export);
        return NULL;
}

int export_read(Export *export, sqlite3 *db, uint64_t until_usec) {
        Bounds bounds;
        int rc = read_bounds(db, export->id, &bounds);

        if (rc == SQLITE_OK)
                rc = read_chunks(export, db, &bounds, until_usec);
        if (rc == SQLITE_DONE)
                rc = end_phase(export, &bounds);
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
