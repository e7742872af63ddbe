/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/rows.h"

#include <glib.h>

#include "store/schema.h"

#define DEVICE_COLUMNS                                                                                      \
        "address, address_type, path, adapter, name, alias, profile, manufacturer, model, serial, firmware,"  \
        " kind, owner, bonded, allow_unbonded, auto_connect, adopted_realtime, released, released_until"
#define DEVICE_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19"
#define SESSION_COLUMNS                                                                                     \
        "id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id, utc_offset_sec,"        \
        " start_boottime, start_realtime, subject, area, product, note, channels, acknowledged, rating"
#define PLAN_COLUMNS "owner, subject, owner_name, rest_300, rest_500, rest_1000, rest_deeper, weekly_max, course_weeks"
#define PLAN_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
/* The one that the session's tail will be: its rows for an earlier one are stale. */
#define NEXT_CHUNK "(SELECT coalesce(max(seq) + 1, 0) FROM chunk WHERE session = ?1)"

/* ROWS_SESSION_END has the figures' columns and is put together in text_of(). */
static const char *const texts[_ROWS_STATEMENT_MAX] = {
        [ROWS_BEGIN] = "BEGIN IMMEDIATE",
        [ROWS_COMMIT] = "COMMIT",
        [ROWS_ROLLBACK] = "ROLLBACK",
        [ROWS_DEVICE_PUT] = "INSERT INTO device (" DEVICE_COLUMNS ") VALUES (" DEVICE_VALUES ")"
                            " ON CONFLICT (address, address_type) DO UPDATE SET (" DEVICE_COLUMNS ") = (" DEVICE_VALUES ")",
        [ROWS_DEVICE_CURSOR] = "UPDATE device SET cursor_epoch = ?3, cursor_record = ?4, cursor_start = ?5"
                               " WHERE address = ?1 AND address_type = ?2",
        [ROWS_DEVICE_REMOVE] = "DELETE FROM device WHERE address = ? AND address_type = ?",
        [ROWS_SESSION_INSERT] = "INSERT INTO session (" SESSION_COLUMNS ")"
                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [ROWS_SESSION_HAS] = "SELECT 1 FROM session WHERE id = ?",
        [ROWS_SESSION_DELETE] = "DELETE FROM session WHERE id = ?",
        [ROWS_SESSION_COUNTS] =
                "SELECT (SELECT coalesce(sum(frames), 0) FROM chunk WHERE session = ?1)"
                " + (SELECT coalesce(sum(frames), 0) FROM tail WHERE session = ?1 AND chunk = " NEXT_CHUNK
                "),"
                " (SELECT count(*) FROM gap WHERE session = ?1), (SELECT count(*) FROM event WHERE session = ?1)",
        [ROWS_SESSION_LABEL] = "UPDATE session SET subject = coalesce(?, subject), area = coalesce(?, area),"
                               " product = coalesce(?, product), note = coalesce(?, note), rating = coalesce(?, rating) WHERE id = ?",
        [ROWS_SESSION_AREA] = "UPDATE session SET areas = areas | ? WHERE id = ?",
        [ROWS_CHUNK_INSERT] =
                "INSERT INTO chunk (" ROWS_CHUNK_COLUMNS ", session, seq, " ROWS_SUMMARY_COLUMNS ")"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [ROWS_CHUNK_NEXT] = "SELECT " NEXT_CHUNK,
        [ROWS_TAIL_INSERT] = "INSERT INTO tail (" ROWS_CHUNK_COLUMNS
                             ", session, chunk, piece) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [ROWS_TAIL_UPDATE] = "UPDATE tail SET (" ROWS_CHUNK_COLUMNS
                             ", session, chunk, piece) = (?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?",
        [ROWS_TAIL_SLOTS] = "SELECT id FROM tail WHERE session = ? ORDER BY id",
        [ROWS_TAIL_DELETE] = "DELETE FROM tail WHERE session = ?",
        [ROWS_TAIL_READ] = "SELECT " ROWS_CHUNK_COLUMNS " FROM tail WHERE session = ?1 AND chunk = " NEXT_CHUNK
                           " ORDER BY piece",
        [ROWS_CHUNK_READ] = "SELECT " ROWS_CHUNK_COLUMNS " FROM chunk WHERE session = ? ORDER BY seq",
        [ROWS_GAP_INSERT] =
                "INSERT INTO gap (session, from_usec, to_usec, stream, lost) VALUES (?, ?, ?, ?, ?)",
        [ROWS_EVENT_INSERT] =
                "INSERT INTO event (session, session_usec, realtime, code, severity, asserted, value, kind, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [ROWS_PLAN_PUT] = "INSERT INTO plan (" PLAN_COLUMNS ") SELECT " PLAN_VALUES
                          " WHERE (SELECT count(*) FROM plan WHERE owner = ?1 AND subject <> ?2) < ?10"
                          " ON CONFLICT (owner, subject) DO UPDATE SET (" PLAN_COLUMNS ") = (" PLAN_VALUES ")",
        [ROWS_ACKNOWLEDGEMENT_PUT] =
                "INSERT OR REPLACE INTO acknowledgement (owner, owner_name, version, realtime) VALUES (?, ?, ?, ?)",
        [ROWS_ID_AT_LEAST] = "UPDATE meta SET value = ?1 WHERE key = 'next_session_id' AND value < ?1",
        [ROWS_SYNCED] = "UPDATE meta SET value = ? WHERE key = 'synced'",
        [ROWS_CLEAN] = "UPDATE meta SET value = ? WHERE key = 'clean'",
};

static char *text_of(RowsStatement statement) {
        g_autofree char *figures = NULL;

        if (statement != ROWS_SESSION_END)
                return g_strdup(texts[statement]);
        figures = schema_figure_columns(" = ?");
        return g_strconcat(
                "UPDATE session SET ended = 1, end_reason = ?, end_boottime = ?, end_realtime = ?,"
                " record = coalesce(?, record), epoch = coalesce(?, epoch), figures_version = ?",
                figures, " WHERE id = ?", NULL);
}

static int prepare(Rows *rows, RowsStatement statement, sqlite3_stmt **ret) {
        if (!rows->stmts[statement]) {
                g_autofree char *sql = text_of(statement);
                int rc = sqlite3_prepare_v3(rows->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
                                            &rows->stmts[statement], NULL);

                if (rc != SQLITE_OK)
                        return rc;
        }
        *ret = rows->stmts[statement];
        return SQLITE_OK;
}

/* The places are our own and the values stay where they are: nothing is copied, nothing can fail. */
static void bind_text(sqlite3_stmt *stmt, int at, const char *text) {
        (void) sqlite3_bind_text(stmt, at, text ?: "", -1, SQLITE_STATIC);
}

static void bind_u64(sqlite3_stmt *stmt, int at, uint64_t value) {
        (void) sqlite3_bind_int64(stmt, at, (sqlite3_int64) value);
}

static int run(sqlite3_stmt *stmt) {
        int rc = sqlite3_step(stmt);

        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static char *get_text(sqlite3_stmt *stmt, int at) {
        return g_strdup((const char *) sqlite3_column_text(stmt, at));
}

static uint64_t get_u64(sqlite3_stmt *stmt, int at) {
        return (uint64_t) sqlite3_column_int64(stmt, at);
}

void rows_init(Rows *rows, sqlite3 *db) {
        *rows = (Rows) { .db = db, .full = true };
}

sqlite3 *rows_done(Rows *rows) {
        for (int i = 0; i < _ROWS_STATEMENT_MAX; i++)
                (void) sqlite3_finalize(g_steal_pointer(&rows->stmts[i]));
        return g_steal_pointer(&rows->db);
}

int rows_set_sync(Rows *rows, bool full) {
        int rc = SQLITE_OK;

        if (rows->full != full)
                rc = schema_exec(rows->db,
                                 full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
        if (rc == SQLITE_OK)
                rows->full = full;
        return rc;
}

int rows_run(Rows *rows, RowsStatement statement) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, statement, &stmt);

        return rc == SQLITE_OK ? run(stmt) : rc;
}

int rows_device_put(Rows *rows, const StoreDevice *device) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_DEVICE_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_text(stmt, 1, device->address);
        bind_text(stmt, 2, device->address_type);
        bind_text(stmt, 3, device->path);
        if (device->adapter)
                bind_text(stmt, 4, device->adapter);
        bind_text(stmt, 5, device->name);
        bind_text(stmt, 6, device->alias);
        bind_text(stmt, 7, device->profile);
        bind_text(stmt, 8, device->manufacturer);
        bind_text(stmt, 9, device->model);
        bind_text(stmt, 10, device->serial);
        bind_text(stmt, 11, device->firmware);
        bind_u64(stmt, 12, (uint64_t) (int64_t) device->kind);
        bind_u64(stmt, 13, device->owner);
        bind_u64(stmt, 14, device->bonded);
        bind_u64(stmt, 15, device->allow_unbonded);
        bind_u64(stmt, 16, device->auto_connect);
        bind_u64(stmt, 17, device->adopted_realtime_usec);
        bind_u64(stmt, 18, device->released);
        bind_u64(stmt, 19, device->released_until_usec);
        return run(stmt);
}

int rows_device_cursor(Rows *rows, const char *address, const char *address_type, const StoreCursor *cursor) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_DEVICE_CURSOR, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_text(stmt, 1, address);
        bind_text(stmt, 2, address_type);
        bind_u64(stmt, 3, cursor->epoch);
        bind_u64(stmt, 4, cursor->record);
        bind_u64(stmt, 5, cursor->start);
        return run(stmt);
}

int rows_device_remove(Rows *rows, const char *address, const char *address_type) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_DEVICE_REMOVE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_text(stmt, 1, address);
        bind_text(stmt, 2, address_type);
        return run(stmt);
}

int rows_session_insert(Rows *rows, const StoreSession *session) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session->id);
        bind_text(stmt, 2, session->uuid);
        bind_text(stmt, 3, session->device_address);
        bind_text(stmt, 4, session->device_alias);
        bind_text(stmt, 5, session->profile);
        bind_u64(stmt, 6, session->owner);
        bind_text(stmt, 7, session->owner_name);
        bind_text(stmt, 8, session->boot_id);
        bind_u64(stmt, 9, (uint64_t) (int64_t) session->utc_offset_sec);
        bind_u64(stmt, 10, session->start_boottime_usec);
        bind_u64(stmt, 11, session->start_realtime_usec);
        bind_text(stmt, 12, session->subject);
        bind_text(stmt, 13, session->area);
        bind_text(stmt, 14, session->product);
        bind_text(stmt, 15, session->note);
        bind_text(stmt, 16, session->channels);
        bind_u64(stmt, 17, session->acknowledged);
        bind_u64(stmt, 18, (uint64_t) session->rating);
        return run(stmt);
}

int rows_session_has(Rows *rows, uint64_t id) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_HAS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, id);
        rc = sqlite3_step(stmt);
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int rows_session_end(Rows *rows, uint64_t id, const StoreEnd *end) {
        const Figures *figures = end->figures;
        sqlite3_stmt *stmt;
        int at = 0, rc = prepare(rows, ROWS_SESSION_END, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_text(stmt, ++at, end->reason);
        bind_u64(stmt, ++at, end->boottime_usec);
        bind_u64(stmt, ++at, end->realtime_usec);
        at += 2; /* not bound: NULL, as it is */
        if (end->record > 0) {
                bind_u64(stmt, at - 1, end->record);
                bind_u64(stmt, at, end->epoch);
        }
        at++;
        if (figures)
                bind_u64(stmt, at, SCHEMA_FIGURES_VERSION);
        for (int i = 0; i < _FIGURE_MAX; i++) {
                at++; /* not bound: NULL, unknown */
                if (!figures || !figures_has(figures, (Figure) i))
                        continue;
                if (figure_info[i].type == 'd')
                        (void) sqlite3_bind_double(stmt, at, figures->value[i].d);
                else
                        (void) sqlite3_bind_int64(stmt, at, figures->value[i].i);
        }
        bind_u64(stmt, ++at, id);
        return run(stmt);
}

int rows_session_delete(Rows *rows, uint64_t id) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_DELETE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, id);
        rc = run(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_NOTFOUND : rc;
}

/* What is not bound is NULL, and stays as it is. */
int rows_session_label(Rows *rows, uint64_t id, const StoreLabels *labels) {
        const char *const texts_of[] = { labels->subject, labels->area, labels->product, labels->note };
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_LABEL, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        for (int i = 0; i < (int) G_N_ELEMENTS(texts_of); i++)
                if (texts_of[i])
                        bind_text(stmt, i + 1, texts_of[i]);
        if (labels->rating)
                bind_u64(stmt, 5, (uint64_t) labels->rating);
        bind_u64(stmt, 6, id);
        rc = run(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_NOTFOUND : rc;
}

int rows_session_counts(Rows *rows, uint64_t id, RowsCounts *ret) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_COUNTS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, id);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = (RowsCounts) { get_u64(stmt, 0), get_u64(stmt, 1), get_u64(stmt, 2) };
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void bind_chunk(sqlite3_stmt *stmt, const Chunk *chunk) {
        bind_u64(stmt, 1, chunk->t0_boottime_usec);
        bind_u64(stmt, 2, chunk->t0_realtime_usec);
        bind_u64(stmt, 3, chunk->n_frames);
        bind_u64(stmt, 4, (uint64_t) chunk->encoding);
        bind_u64(stmt, 5, chunk->crc);
        (void) sqlite3_bind_blob64(stmt, 6, chunk->data, chunk->size, SQLITE_STATIC);
}

/* Not bound: NULL, not known. */
static void bind_summary(sqlite3_stmt *stmt, int at, const Chunk *chunk, const Summary *summary) {
        bind_u64(stmt, at++, chunk->t1_boottime_usec);
        if (summary->unknown)
                return;
        bind_u64(stmt, at++, SCHEMA_FIGURES_VERSION);
        for (int i = 0; i < _STORE_METRIC_MAX; i++, at += 4) {
                const SummaryMetric *m = &summary->metrics[i];

                bind_u64(stmt, at, m->n);
                if (m->n == 0)
                        continue;
                (void) sqlite3_bind_int(stmt, at + 1, m->min);
                (void) sqlite3_bind_int(stmt, at + 2, m->max);
                (void) sqlite3_bind_int64(stmt, at + 3, m->sum);
        }
}

int rows_chunk_insert(Rows *rows, uint64_t session, uint64_t seq, const Chunk *chunk, const Summary *summary) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_CHUNK_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_chunk(stmt, chunk);
        bind_u64(stmt, 7, session);
        bind_u64(stmt, 8, seq);
        bind_summary(stmt, 9, chunk, summary);
        return run(stmt);
}

int rows_chunk_next(Rows *rows, uint64_t session, uint64_t *ret_seq) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_CHUNK_NEXT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret_seq = get_u64(stmt, 0);
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int rows_tail_put(Rows *rows, uint64_t session, uint64_t seq, uint64_t piece, const Chunk *chunk,
                  sqlite3_int64 *slot) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, *slot ? ROWS_TAIL_UPDATE : ROWS_TAIL_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_chunk(stmt, chunk);
        bind_u64(stmt, 7, session);
        bind_u64(stmt, 8, seq);
        bind_u64(stmt, 9, piece);
        if (*slot)
                (void) sqlite3_bind_int64(stmt, 10, *slot);
        rc = run(stmt);
        if (rc == SQLITE_OK && !*slot)
                *slot = sqlite3_last_insert_rowid(rows->db);
        return rc;
}

int rows_tail_slots(Rows *rows, uint64_t session, GArray *ret) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_TAIL_SLOTS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                sqlite3_int64 slot = sqlite3_column_int64(stmt, 0);

                g_array_append_val(ret, slot);
        }
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_tail_delete(Rows *rows, uint64_t session) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_TAIL_DELETE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session);
        return run(stmt);
}

int rows_gap_insert(Rows *rows, uint64_t session, const StoreGap *gap) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_GAP_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session);
        bind_u64(stmt, 2, gap->from_usec);
        bind_u64(stmt, 3, gap->to_usec);
        bind_u64(stmt, 4, (uint64_t) (int64_t) gap->stream);
        bind_u64(stmt, 5, gap->lost);
        return run(stmt);
}

static int add_area(Rows *rows, uint64_t session, uint8_t area) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_SESSION_AREA, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, UINT64_C(1) << area);
        bind_u64(stmt, 2, session);
        return run(stmt);
}

int rows_event_insert(Rows *rows, uint64_t session, const StoreEvent *event) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_EVENT_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, session);
        bind_u64(stmt, 2, event->session_usec);
        bind_u64(stmt, 3, event->realtime_usec);
        bind_u64(stmt, 4, event->code);
        bind_u64(stmt, 5, event->severity);
        bind_u64(stmt, 6, event->asserted);
        bind_u64(stmt, 7, (uint64_t) event->value);
        bind_u64(stmt, 8, event->kind);
        if (event->text)
                bind_text(stmt, 9, event->text);
        rc = run(stmt);
        return rc == SQLITE_OK && event->kind == STORE_EVENT_AREA && event->code < 64 ? add_area(rows, session, event->code) : rc;
}

int rows_plan_put(Rows *rows, const StorePlan *plan) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_PLAN_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, plan->owner);
        bind_text(stmt, 2, plan->subject);
        bind_text(stmt, 3, plan->owner_name);
        bind_u64(stmt, 4, (uint64_t) plan->rest_300_usec);
        bind_u64(stmt, 5, (uint64_t) plan->rest_500_usec);
        bind_u64(stmt, 6, (uint64_t) plan->rest_1000_usec);
        bind_u64(stmt, 7, (uint64_t) plan->rest_deeper_usec);
        bind_u64(stmt, 8, (uint64_t) (int64_t) plan->weekly_max);
        bind_u64(stmt, 9, (uint64_t) (int64_t) plan->course_weeks);
        bind_u64(stmt, 10, STORE_PLANS_MAX);
        rc = run(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_TOOBIG : rc;
}

int rows_acknowledgement_put(Rows *rows, const StoreAcknowledgement *acknowledgement) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, ROWS_ACKNOWLEDGEMENT_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, acknowledgement->owner);
        bind_text(stmt, 2, acknowledgement->owner_name);
        bind_text(stmt, 3, acknowledgement->version);
        bind_u64(stmt, 4, acknowledgement->realtime_usec);
        return run(stmt);
}

static int run_with(Rows *rows, RowsStatement statement, uint64_t value) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, statement, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_u64(stmt, 1, value);
        return run(stmt);
}

int rows_id_at_least(Rows *rows, uint64_t next_session_id) {
        return run_with(rows, ROWS_ID_AT_LEAST, next_session_id);
}

int rows_synced(Rows *rows, uint64_t realtime_usec) {
        return run_with(rows, ROWS_SYNCED, realtime_usec);
}

int rows_clean(Rows *rows, bool clean) {
        return run_with(rows, ROWS_CLEAN, clean);
}

int rows_read(Rows *rows, RowsStatement which, uint64_t session, Chunk *ret) {
        sqlite3_stmt *stmt;
        int rc = prepare(rows, which, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        if (!sqlite3_stmt_busy(stmt))
                bind_u64(stmt, 1, session);
        rc = sqlite3_step(stmt);
        if (rc != SQLITE_ROW) {
                (void) sqlite3_reset(stmt);
                return rc;
        }
        *ret = rows_chunk_get(stmt);
        return rc;
}

void rows_read_end(Rows *rows, RowsStatement which) {
        (void) sqlite3_reset(rows->stmts[which]);
}

Chunk rows_chunk_get(sqlite3_stmt *stmt) {
        return (Chunk) {
                .t0_boottime_usec = get_u64(stmt, 0),
                .t0_realtime_usec = get_u64(stmt, 1),
                .n_frames = (uint32_t) CLAMP(sqlite3_column_int64(stmt, 2), 0, UINT32_MAX),
                .encoding = sqlite3_column_int(stmt, 3),
                .crc = (uint32_t) get_u64(stmt, 4),
                .data = sqlite3_column_blob(stmt, 5),
                .size = (size_t) sqlite3_column_bytes(stmt, 5),
        };
}

bool rows_summary_get(sqlite3_stmt *stmt, int at, uint64_t *ret_t1_boottime_usec, Summary *ret) {
        *ret = (Summary) {};
        *ret_t1_boottime_usec = get_u64(stmt, at++);
        ret->unknown = sqlite3_column_int(stmt, at++) != SCHEMA_FIGURES_VERSION;
        for (int i = 0; i < _STORE_METRIC_MAX && !ret->unknown; i++, at += 4)
                ret->metrics[i] = (SummaryMetric) {
                        .n = (uint32_t) sqlite3_column_int64(stmt, at),
                        .min = sqlite3_column_int(stmt, at + 1),
                        .max = sqlite3_column_int(stmt, at + 2),
                        .sum = sqlite3_column_int64(stmt, at + 3),
                };
        return !ret->unknown;
}

char *rows_session_select(void) {
        g_autofree char *figures = schema_figure_columns("");

        return g_strconcat("SELECT " SESSION_COLUMNS ", source, ended, end_reason, end_boottime, end_realtime, areas,"
                           " record, epoch", figures,
                           " FROM session", NULL);
}

void rows_session_get(sqlite3_stmt *stmt, StoreSession *ret) {
        int at = 26; /* the figures come after SESSION_COLUMNS and eight more */

        *ret = (StoreSession) {
                .id = get_u64(stmt, 0),
                .uuid = get_text(stmt, 1),
                .device_address = get_text(stmt, 2),
                .device_alias = get_text(stmt, 3),
                .profile = get_text(stmt, 4),
                .owner = (uid_t) get_u64(stmt, 5),
                .owner_name = get_text(stmt, 6),
                .boot_id = get_text(stmt, 7),
                .utc_offset_sec = sqlite3_column_int(stmt, 8),
                .start_boottime_usec = get_u64(stmt, 9),
                .start_realtime_usec = get_u64(stmt, 10),
                .subject = get_text(stmt, 11),
                .area = get_text(stmt, 12),
                .product = get_text(stmt, 13),
                .note = get_text(stmt, 14),
                .channels = get_text(stmt, 15),
                .acknowledged = sqlite3_column_int(stmt, 16),
                .rating = sqlite3_column_int(stmt, 17),
                .source = get_text(stmt, 18),
                .state = g_strdup(sqlite3_column_int(stmt, 19) ? "finished" : "live"),
                .end_reason = get_text(stmt, 20),
                .end_boottime_usec = get_u64(stmt, 21),
                .end_realtime_usec = get_u64(stmt, 22),
                .areas = get_u64(stmt, 23),
                .record = (uint32_t) get_u64(stmt, 24),
                .epoch = (uint32_t) get_u64(stmt, 25),
        };
        for (int i = 0; i < _FIGURE_MAX; i++, at++) {
                if (sqlite3_column_type(stmt, at) == SQLITE_NULL)
                        continue;
                if (figure_info[i].type == 'd')
                        figures_set_double(&ret->figures, (Figure) i, sqlite3_column_double(stmt, at));
                else
                        figures_set(&ret->figures, (Figure) i, sqlite3_column_int64(stmt, at));
        }
}

int rows_device_load(sqlite3 *db, StoreDevice **ret, size_t *ret_n) {
        sqlite3_stmt *stmt = NULL;
        size_t allocated = 0;
        int rc = sqlite3_prepare_v2(db, "SELECT " DEVICE_COLUMNS ", cursor_epoch, cursor_record, cursor_start FROM device ORDER BY adopted_realtime",
                                    -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                if (*ret_n == allocated)
                        *ret = g_renew(StoreDevice, *ret, allocated = 2 * allocated + 8);
                (*ret)[(*ret_n)++] = (StoreDevice) {
                        .address = get_text(stmt, 0),
                        .address_type = get_text(stmt, 1),
                        .path = get_text(stmt, 2),
                        .adapter = get_text(stmt, 3),
                        .name = get_text(stmt, 4),
                        .alias = get_text(stmt, 5),
                        .profile = get_text(stmt, 6),
                        .manufacturer = get_text(stmt, 7),
                        .model = get_text(stmt, 8),
                        .serial = get_text(stmt, 9),
                        .firmware = get_text(stmt, 10),
                        .kind = sqlite3_column_int(stmt, 11),
                        .owner = (uid_t) get_u64(stmt, 12),
                        .bonded = sqlite3_column_int(stmt, 13),
                        .allow_unbonded = sqlite3_column_int(stmt, 14),
                        .auto_connect = sqlite3_column_int(stmt, 15),
                        .adopted_realtime_usec = get_u64(stmt, 16),
                        .released = sqlite3_column_int(stmt, 17),
                        .released_until_usec = get_u64(stmt, 18),
                        .cursor = { (uint32_t) get_u64(stmt, 19), (uint32_t) get_u64(stmt, 20), get_u64(stmt, 21) },
                };
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_plan_load(sqlite3 *db, StorePlan **ret, size_t *ret_n) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "SELECT " PLAN_COLUMNS " FROM plan", -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                *ret = g_renew(StorePlan, *ret, *ret_n + 1);
                (*ret)[(*ret_n)++] = (StorePlan) {
                        .owner = (uid_t) get_u64(stmt, 0),
                        .subject = get_text(stmt, 1),
                        .owner_name = get_text(stmt, 2),
                        .rest_300_usec = sqlite3_column_int64(stmt, 3),
                        .rest_500_usec = sqlite3_column_int64(stmt, 4),
                        .rest_1000_usec = sqlite3_column_int64(stmt, 5),
                        .rest_deeper_usec = sqlite3_column_int64(stmt, 6),
                        .weekly_max = sqlite3_column_int(stmt, 7),
                        .course_weeks = sqlite3_column_int(stmt, 8),
                };
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_acknowledgement_load(sqlite3 *db, StoreAcknowledgement **ret, size_t *ret_n) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "SELECT owner, owner_name, version, realtime FROM acknowledgement", -1, &stmt, NULL);

        if (rc != SQLITE_OK)
                return rc;
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                *ret = g_renew(StoreAcknowledgement, *ret, *ret_n + 1);
                (*ret)[(*ret_n)++] = (StoreAcknowledgement) {
                        .owner = (uid_t) get_u64(stmt, 0),
                        .owner_name = get_text(stmt, 1),
                        .version = get_text(stmt, 2),
                        .realtime_usec = get_u64(stmt, 3),
                };
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
