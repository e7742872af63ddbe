/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/rows.h"

#include <glib.h>

#include "store/rows-private.h"
#include "store/schema.h"

#define DEVICE_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19"
#define PLAN_VALUES "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
/* The one that the session's tail will be: its rows for an earlier one are stale. */
#define NEXT_CHUNK "(SELECT coalesce(max(seq) + 1, 0) FROM chunk WHERE session = ?1)"

/* Of a session and one from ?2 to ?3, in us; the other's clock is right by some seconds, and tells whole ones. */
#define OVERLAP "min(end_realtime, ?3) - max(start_realtime, ?2)"
#define CLOCKS_APART "5000000"

/* Of `mine` and `other`, as store_owner_fits(): who has no right to know of the other one has a session of their own. */
#define TWINS                                                                                           \
        "mine.id = ?1 AND other.id <> mine.id AND other.ended < 2 AND other.owner = mine.owner"         \
        " AND (mine.owner_name = '' OR other.owner_name IN ('', mine.owner_name))"

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
        [ROWS_SESSION_INSERT] = "INSERT INTO session (" SESSION_COLUMNS ", source, ended, record, epoch, record_start)"
                                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
        [ROWS_GAP_HAS] = "SELECT 1 FROM gap WHERE session = ? AND from_usec = ? AND to_usec = ? AND stream = ? AND lost = ?",
        [ROWS_EVENT_INSERT] =
                "INSERT INTO event (session, session_usec, realtime, code, severity, asserted, value, kind, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [ROWS_PLAN_PUT] = "INSERT INTO plan (" PLAN_COLUMNS ") SELECT " PLAN_VALUES
                          " WHERE (SELECT count(*) FROM plan WHERE owner = ?1 AND subject <> ?2) < ?10"
                          " ON CONFLICT (owner, subject) DO UPDATE SET (" PLAN_COLUMNS ") = (" PLAN_VALUES ")",
        [ROWS_ACKNOWLEDGEMENT_PUT] =
                "INSERT OR REPLACE INTO acknowledgement (owner, owner_name, version, realtime) VALUES (?, ?, ?, ?)",
        [ROWS_ID_AT_LEAST] = "UPDATE meta SET value = ?1 WHERE key = 'next_session_id' AND value < ?1",
        [ROWS_SYNCED] = "UPDATE meta SET value = CASE value WHEN ?1 THEN ?1 + 1 ELSE ?1 END WHERE key = 'synced'",
        [ROWS_CLEAN] = "UPDATE meta SET value = ? WHERE key = 'clean'",

        [ROWS_SESSION_STATE] = "SELECT ended, owner, start_boottime, start_realtime FROM session WHERE id = ?",
        [ROWS_SESSION_HIDE] = "UPDATE session SET ended = 2 WHERE id = ? AND ended = 1",
        [ROWS_SESSION_CONCEAL] = "UPDATE session SET ended = 2 WHERE id = ?",
        [ROWS_SESSION_TWIN] = "SELECT 1 FROM session AS mine JOIN session AS other ON other.uuid = mine.uuid WHERE " TWINS
                              " UNION ALL SELECT 1 FROM session AS mine JOIN session AS other ON other.device_address = mine.device_address"
                              " AND other.record = mine.record AND other.record_start = mine.record_start WHERE " TWINS
                              " AND other.device_address <> '' AND other.record > 0 AND other.record_start <> 0",
        /* Number and start are of one session, in whatever epoch: a device that was forgotten begins with the first again. */
        [ROWS_SESSION_OF_RECORD] = "SELECT id FROM session WHERE device_address = ?1 AND record = ?2 AND record > 0 AND ended = 1"
                                   " AND source IN ('stored', 'both') AND record_start = ?3 AND (?3 <> 0 OR epoch = ?4) LIMIT 1",
        /* One that was followed does not know its start as the device tells it, and its epoch is a guess: its number counts if it was at that
         * time. A device follows one session at a time: without a number, what lies at the same time, by half of the shorter one, is the same. */
        [ROWS_SESSION_BESIDE] =
                "SELECT id FROM session WHERE device_address = ?1 AND ended = 1 AND source = 'live'"
                " AND start_realtime BETWEEN ?2 - 86400000000 AND ?3 + " CLOCKS_APART " AND end_realtime > ?2 - " CLOCKS_APART
                " AND (record = ?4 OR (record = 0 AND " OVERLAP " > 0"
                " AND 2 * (" OVERLAP ") >= min(end_realtime - start_realtime, ?3 - ?2)))"
                " ORDER BY record = ?4 DESC, " OVERLAP " DESC LIMIT 1",
        [ROWS_SESSION_NUMBERED] = "SELECT id FROM session WHERE device_address = ?1 AND record = ?2 AND record > 0 AND epoch = ?3"
                                  " AND ended = 1 AND source = 'live' ORDER BY id DESC LIMIT 1",
        /* One that was imported, of the device's owner: with the start as the device tells it or not at all, since what is taken for it is not
         * fetched, and may be cleared on the device. */
        [ROWS_SESSION_IMPORTED] = "SELECT id FROM session WHERE device_address = ?1 AND record = ?2 AND record > 0 AND record_start = ?3"
                                  " AND ?3 <> 0 AND ended = 1 AND source = 'imported' AND owner = ?4 AND (?5 = '' OR owner_name IN ('', ?5))"
                                  " LIMIT 1",
        [ROWS_SESSION_CONFIRM] = "UPDATE session SET epoch = ?2 WHERE id = ?1 AND source = 'imported'",
        [ROWS_SESSION_MERGE] = "UPDATE session SET source = 'both', record = ?2, epoch = ?3, record_start = ?4 WHERE id = ?1",
        [ROWS_SESSION_RECORD_SEQ] = "UPDATE session SET record_seq = ?2 WHERE id = ?1",
        [ROWS_CHUNK_HAS] = "SELECT 1 FROM chunk WHERE session = ? AND seq = ?",
        [ROWS_HIDDEN_NEXT] = "SELECT id FROM session WHERE ended = 2 AND id > ? ORDER BY id LIMIT 1",
        [ROWS_NOT_OVER] = "SELECT id FROM session WHERE ended = 0 UNION ALL SELECT id FROM session WHERE ended = 2",
        [ROWS_NEXT_OF_OWNER] = "SELECT id, owner FROM session WHERE ended = 1 AND owner = ?3 AND id > ?1 AND id <= ?2"
                               " AND (?4 = '' OR owner_name IN ('', ?4)) ORDER BY id LIMIT 1",
        [ROWS_NEXT_OF_ALL] = "SELECT id, owner FROM session WHERE ended = 1 AND id > ?1 AND id <= ?2 ORDER BY id LIMIT 1",
        [ROWS_NEXT_OLD] = "SELECT id, owner FROM session WHERE ended = 1 AND end_realtime BETWEEN ? AND ? AND id < ?"
                          " ORDER BY end_realtime LIMIT 1",
        /* By id: with the sign no index is used, which would have to be sorted. */
        [ROWS_FIRST_NEWER] = "SELECT id FROM session WHERE ended = 1 AND source IN ('live', 'both') AND +end_realtime > ?1"
                             " AND +end_realtime <= ?2 ORDER BY id LIMIT 1",
        [ROWS_NEXT_OWNER] = "SELECT owner FROM session WHERE ended = 1 AND owner >= ? ORDER BY owner LIMIT 1",
        [ROWS_FIRST_SURPLUS] = "SELECT id FROM session WHERE ended = 1 AND owner = ? ORDER BY id DESC LIMIT 1 OFFSET ?",
        [ROWS_TOMBSTONE] = "INSERT OR REPLACE INTO tombstone VALUES (?, ?)",
        /* What was imported anybody may have written: it buries nothing that a sync has not found to be so. */
        [ROWS_SESSION_RECORD] = "SELECT device_address, epoch, record, record_start FROM session"
                                " WHERE id = ? AND (source <> 'imported' OR epoch > 0)",
        [ROWS_BURY] = "INSERT OR IGNORE INTO buried VALUES (?)",
        [ROWS_UNBURY] = "DELETE FROM buried WHERE mark = ?",
        [ROWS_BURIED] = "SELECT 1 FROM buried WHERE mark = ?",
        [ROWS_CHUNKS_DELETE] = "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk WHERE session = ? LIMIT ?)",
        [ROWS_GAPS_DELETE] = "DELETE FROM gap WHERE id IN (SELECT id FROM gap WHERE session = ? LIMIT ?)",
        [ROWS_EVENTS_DELETE] = "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE session = ? LIMIT ?)",
        [ROWS_PLANS_DELETE] = "DELETE FROM plan WHERE ?1 < 0 OR (owner = ?1 AND (?2 = '' OR owner_name IN ('', ?2)))",
        [ROWS_ACKNOWLEDGEMENTS_DELETE] = "DELETE FROM acknowledgement WHERE ?1 < 0 OR (owner = ?1 AND (?2 = '' OR owner_name IN ('', ?2)))",
        [ROWS_ERASURE_PUT] = "INSERT OR REPLACE INTO erasure (file, id, session, owner, owner_name, newest) VALUES ('', ?, ?, ?, ?, ?)",
        [ROWS_ERASURE_NEXT] = "SELECT id, session, owner, owner_name, newest FROM erasure WHERE file = '' AND id > ? ORDER BY id LIMIT 1",
        [ROWS_ERASURE_DELETE] = "DELETE FROM erasure WHERE id = ? AND file = ''",
        [ROWS_SPARED_PUT] = "INSERT OR IGNORE INTO spared VALUES (?, ?)",
        [ROWS_SPARED] = "SELECT session FROM spared WHERE erasure = ?",
        /* Below 0, where no erasure has its number. */
        [ROWS_KEEP_AWAY] = "INSERT INTO erasure (id, file, session, owner, owner_name, newest)"
                           " SELECT (SELECT min(coalesce(min(id), 0), 0) FROM erasure) - 1, ?1, 0, ?2, ?3, 0 WHERE NOT EXISTS"
                           " (SELECT 1 FROM erasure WHERE file = ?1 AND owner = ?2 AND owner_name = ?3)",
        [ROWS_IS_KEPT_AWAY] = "SELECT 1 FROM erasure WHERE file = ?1 AND (owner < 0 OR (owner = ?2 AND (owner_name = '' OR ?3 IN ('', owner_name))))"
                              " LIMIT 1",
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

int rows_prepare(Rows *rows, RowsStatement statement, sqlite3_stmt **ret) {
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

void rows_bind_text(sqlite3_stmt *stmt, int at, const char *text) {
        (void) sqlite3_bind_text(stmt, at, text ?: "", -1, SQLITE_STATIC);
}

void rows_bind_u64(sqlite3_stmt *stmt, int at, uint64_t value) {
        (void) sqlite3_bind_int64(stmt, at, (sqlite3_int64) value);
}

int rows_run_once(sqlite3_stmt *stmt) {
        int rc = sqlite3_step(stmt);

        (void) sqlite3_reset(stmt);
        (void) sqlite3_clear_bindings(stmt);
        return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
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
        int rc = rows_prepare(rows, statement, &stmt);

        return rc == SQLITE_OK ? rows_run_once(stmt) : rc;
}

int rows_device_put(Rows *rows, const StoreDevice *device) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_DEVICE_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, device->address);
        rows_bind_text(stmt, 2, device->address_type);
        rows_bind_text(stmt, 3, device->path);
        if (device->adapter)
                rows_bind_text(stmt, 4, device->adapter);
        rows_bind_text(stmt, 5, device->name);
        rows_bind_text(stmt, 6, device->alias);
        rows_bind_text(stmt, 7, device->profile);
        rows_bind_text(stmt, 8, device->manufacturer);
        rows_bind_text(stmt, 9, device->model);
        rows_bind_text(stmt, 10, device->serial);
        rows_bind_text(stmt, 11, device->firmware);
        rows_bind_u64(stmt, 12, (uint64_t) (int64_t) device->kind);
        rows_bind_u64(stmt, 13, device->owner);
        rows_bind_u64(stmt, 14, device->bonded);
        rows_bind_u64(stmt, 15, device->allow_unbonded);
        rows_bind_u64(stmt, 16, device->auto_connect);
        rows_bind_u64(stmt, 17, device->adopted_realtime_usec);
        rows_bind_u64(stmt, 18, device->released);
        rows_bind_u64(stmt, 19, device->released_until_usec);
        return rows_run_once(stmt);
}

int rows_device_cursor(Rows *rows, const char *address, const char *address_type, const StoreCursor *cursor) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_DEVICE_CURSOR, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, address);
        rows_bind_text(stmt, 2, address_type);
        rows_bind_u64(stmt, 3, cursor->epoch);
        rows_bind_u64(stmt, 4, cursor->record);
        rows_bind_u64(stmt, 5, cursor->start);
        return rows_run_once(stmt);
}

int rows_device_remove(Rows *rows, const char *address, const char *address_type) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_DEVICE_REMOVE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, 1, address);
        rows_bind_text(stmt, 2, address_type);
        return rows_run_once(stmt);
}

int rows_session_insert(Rows *rows, const StoreSession *session, bool hidden) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session->id);
        rows_bind_text(stmt, 2, session->uuid);
        rows_bind_text(stmt, 3, session->device_address);
        rows_bind_text(stmt, 4, session->device_alias);
        rows_bind_text(stmt, 5, session->profile);
        rows_bind_u64(stmt, 6, session->owner);
        rows_bind_text(stmt, 7, session->owner_name);
        rows_bind_text(stmt, 8, session->boot_id);
        rows_bind_u64(stmt, 9, (uint64_t) (int64_t) session->utc_offset_sec);
        rows_bind_u64(stmt, 10, session->start_boottime_usec);
        rows_bind_u64(stmt, 11, session->start_realtime_usec);
        rows_bind_text(stmt, 12, session->subject);
        rows_bind_text(stmt, 13, session->area);
        rows_bind_text(stmt, 14, session->product);
        rows_bind_text(stmt, 15, session->note);
        rows_bind_text(stmt, 16, session->channels);
        rows_bind_u64(stmt, 17, session->acknowledged);
        rows_bind_u64(stmt, 18, (uint64_t) session->rating);
        rows_bind_text(stmt, 19, session->source && *session->source ? session->source : "live");
        rows_bind_u64(stmt, 20, hidden ? 2 : 0);
        rows_bind_u64(stmt, 21, session->record);
        rows_bind_u64(stmt, 22, session->epoch);
        rows_bind_u64(stmt, 23, session->record_start);
        return rows_run_once(stmt);
}

int rows_session_has(Rows *rows, uint64_t id) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_HAS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, id);
        rc = sqlite3_step(stmt);
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int rows_session_end(Rows *rows, uint64_t id, const StoreEnd *end) {
        const Figures *figures = end->figures;
        sqlite3_stmt *stmt;
        int at = 0, rc = rows_prepare(rows, ROWS_SESSION_END, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_text(stmt, ++at, end->reason);
        rows_bind_u64(stmt, ++at, end->boottime_usec);
        rows_bind_u64(stmt, ++at, end->realtime_usec);
        at += 2; /* not bound: NULL, as it is */
        if (end->record > 0) {
                rows_bind_u64(stmt, at - 1, end->record);
                rows_bind_u64(stmt, at, end->epoch);
        }
        at++;
        if (figures)
                rows_bind_u64(stmt, at, SCHEMA_FIGURES_VERSION);
        for (int i = 0; i < _FIGURE_MAX; i++) {
                at++; /* not bound: NULL, unknown */
                if (!figures || !figures_has(figures, (Figure) i))
                        continue;
                if (figure_info[i].type == 'd')
                        (void) sqlite3_bind_double(stmt, at, figures->value[i].d);
                else
                        (void) sqlite3_bind_int64(stmt, at, figures->value[i].i);
        }
        rows_bind_u64(stmt, ++at, id);
        return rows_run_once(stmt);
}

int rows_session_delete(Rows *rows, uint64_t id) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_DELETE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, id);
        rc = rows_run_once(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_NOTFOUND : rc;
}

/* What is not bound is NULL, and stays as it is. */
int rows_session_label(Rows *rows, uint64_t id, const StoreLabels *labels) {
        const char *const texts_of[] = { labels->subject, labels->area, labels->product, labels->note };
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_LABEL, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        for (int i = 0; i < (int) G_N_ELEMENTS(texts_of); i++)
                if (texts_of[i])
                        rows_bind_text(stmt, i + 1, texts_of[i]);
        if (labels->rating)
                rows_bind_u64(stmt, 5, (uint64_t) MAX(labels->rating, 0));
        rows_bind_u64(stmt, 6, id);
        rc = rows_run_once(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_NOTFOUND : rc;
}

int rows_session_counts(Rows *rows, uint64_t id, RowsCounts *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_COUNTS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, id);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret = (RowsCounts) { get_u64(stmt, 0), get_u64(stmt, 1), get_u64(stmt, 2) };
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static void bind_chunk(sqlite3_stmt *stmt, const Chunk *chunk) {
        rows_bind_u64(stmt, 1, chunk->t0_boottime_usec);
        rows_bind_u64(stmt, 2, chunk->t0_realtime_usec);
        rows_bind_u64(stmt, 3, chunk->n_frames);
        rows_bind_u64(stmt, 4, (uint64_t) chunk->encoding);
        rows_bind_u64(stmt, 5, chunk->crc);
        (void) sqlite3_bind_blob64(stmt, 6, chunk->data, chunk->size, SQLITE_STATIC);
}

/* Not bound: NULL, not known. */
static void bind_summary(sqlite3_stmt *stmt, int at, const Chunk *chunk, const Summary *summary) {
        rows_bind_u64(stmt, at++, chunk->t1_boottime_usec);
        if (summary->unknown)
                return;
        rows_bind_u64(stmt, at++, SCHEMA_FIGURES_VERSION);
        for (int i = 0; i < _STORE_METRIC_MAX; i++, at += 4) {
                const SummaryMetric *m = &summary->metrics[i];

                rows_bind_u64(stmt, at, m->n);
                if (m->n == 0)
                        continue;
                (void) sqlite3_bind_int(stmt, at + 1, m->min);
                (void) sqlite3_bind_int(stmt, at + 2, m->max);
                (void) sqlite3_bind_int64(stmt, at + 3, m->sum);
        }
}

int rows_chunk_insert(Rows *rows, uint64_t session, uint64_t seq, const Chunk *chunk, const Summary *summary) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_CHUNK_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_chunk(stmt, chunk);
        rows_bind_u64(stmt, 7, session);
        rows_bind_u64(stmt, 8, seq);
        bind_summary(stmt, 9, chunk, summary);
        return rows_run_once(stmt);
}

int rows_chunk_next(Rows *rows, uint64_t session, uint64_t *ret_seq) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_CHUNK_NEXT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session);
        rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                *ret_seq = get_u64(stmt, 0);
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int rows_tail_put(Rows *rows, uint64_t session, uint64_t seq, uint64_t piece, const Chunk *chunk,
                  sqlite3_int64 *slot) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, *slot ? ROWS_TAIL_UPDATE : ROWS_TAIL_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        bind_chunk(stmt, chunk);
        rows_bind_u64(stmt, 7, session);
        rows_bind_u64(stmt, 8, seq);
        rows_bind_u64(stmt, 9, piece);
        if (*slot)
                (void) sqlite3_bind_int64(stmt, 10, *slot);
        rc = rows_run_once(stmt);
        if (rc == SQLITE_OK && !*slot)
                *slot = sqlite3_last_insert_rowid(rows->db);
        return rc;
}

int rows_tail_slots(Rows *rows, uint64_t session, GArray *ret) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_TAIL_SLOTS, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                sqlite3_int64 slot = sqlite3_column_int64(stmt, 0);

                g_array_append_val(ret, slot);
        }
        (void) sqlite3_reset(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

int rows_tail_delete(Rows *rows, uint64_t session) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_TAIL_DELETE, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session);
        return rows_run_once(stmt);
}

int rows_gap_insert(Rows *rows, uint64_t session, const StoreGap *gap) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_GAP_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session);
        rows_bind_u64(stmt, 2, gap->from_usec);
        rows_bind_u64(stmt, 3, gap->to_usec);
        rows_bind_u64(stmt, 4, (uint64_t) (int64_t) gap->stream);
        rows_bind_u64(stmt, 5, gap->lost);
        return rows_run_once(stmt);
}

static int add_area(Rows *rows, uint64_t session, uint8_t area) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_SESSION_AREA, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, UINT64_C(1) << area);
        rows_bind_u64(stmt, 2, session);
        return rows_run_once(stmt);
}

int rows_event_insert(Rows *rows, uint64_t session, const StoreEvent *event) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_EVENT_INSERT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, session);
        rows_bind_u64(stmt, 2, event->session_usec);
        rows_bind_u64(stmt, 3, event->realtime_usec);
        rows_bind_u64(stmt, 4, event->code);
        rows_bind_u64(stmt, 5, event->severity);
        rows_bind_u64(stmt, 6, event->asserted);
        rows_bind_u64(stmt, 7, (uint64_t) event->value);
        rows_bind_u64(stmt, 8, event->kind);
        if (event->text)
                rows_bind_text(stmt, 9, event->text);
        rc = rows_run_once(stmt);
        return rc == SQLITE_OK && event->kind == STORE_EVENT_AREA && event->code < 64 ? add_area(rows, session, event->code) : rc;
}

int rows_plan_put(Rows *rows, const StorePlan *plan) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_PLAN_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, plan->owner);
        rows_bind_text(stmt, 2, plan->subject);
        rows_bind_text(stmt, 3, plan->owner_name);
        rows_bind_u64(stmt, 4, (uint64_t) plan->rest_300_usec);
        rows_bind_u64(stmt, 5, (uint64_t) plan->rest_500_usec);
        rows_bind_u64(stmt, 6, (uint64_t) plan->rest_1000_usec);
        rows_bind_u64(stmt, 7, (uint64_t) plan->rest_deeper_usec);
        rows_bind_u64(stmt, 8, (uint64_t) (int64_t) plan->weekly_max);
        rows_bind_u64(stmt, 9, (uint64_t) (int64_t) plan->course_weeks);
        rows_bind_u64(stmt, 10, STORE_PLANS_MAX);
        rc = rows_run_once(stmt);
        return rc == SQLITE_OK && sqlite3_changes(rows->db) == 0 ? SQLITE_TOOBIG : rc;
}

int rows_acknowledgement_put(Rows *rows, const StoreAcknowledgement *acknowledgement) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, ROWS_ACKNOWLEDGEMENT_PUT, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, acknowledgement->owner);
        rows_bind_text(stmt, 2, acknowledgement->owner_name);
        rows_bind_text(stmt, 3, acknowledgement->version);
        rows_bind_u64(stmt, 4, acknowledgement->realtime_usec);
        return rows_run_once(stmt);
}

static int run_with(Rows *rows, RowsStatement statement, uint64_t value) {
        sqlite3_stmt *stmt;
        int rc = rows_prepare(rows, statement, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        rows_bind_u64(stmt, 1, value);
        return rows_run_once(stmt);
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
        int rc = rows_prepare(rows, which, &stmt);

        if (rc != SQLITE_OK)
                return rc;
        if (!sqlite3_stmt_busy(stmt))
                rows_bind_u64(stmt, 1, session);
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
