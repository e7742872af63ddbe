/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/events.h"

/* Rows are numbered as they are written, and the index by session holds them in that order: a page is a walk along it. */
static const char oldest[] =
        "SELECT id, session_usec, realtime, kind, code, severity, asserted, value, text FROM event"
        " WHERE session = ?1 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";
static const char newest[] =
        "SELECT * FROM (SELECT id, session_usec, realtime, kind, code, severity, asserted, value, text FROM event"
        " WHERE session = ?1 AND id > ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4) ORDER BY id";

static void event_clear(void *event) {
        g_free((char *) ((StoreEvent *) event)->text);
}

static StoreEvent get_event(sqlite3_stmt *stmt) {
        return (StoreEvent) {
                .id = (uint64_t) sqlite3_column_int64(stmt, 0),
                .session_usec = (uint64_t) sqlite3_column_int64(stmt, 1),
                .realtime_usec = (uint64_t) sqlite3_column_int64(stmt, 2),
                .kind = (StoreEventKind) sqlite3_column_int(stmt, 3),
                .code = (uint8_t) sqlite3_column_int(stmt, 4),
                .severity = (uint8_t) sqlite3_column_int(stmt, 5),
                .asserted = sqlite3_column_int(stmt, 6) != 0,
                .value = sqlite3_column_int64(stmt, 7),
                .text = g_strdup((const char *) sqlite3_column_text(stmt, 8)),
        };
}

/* SQLITE_NOTFOUND. */
static int look_for_session(sqlite3 *db, uint64_t id) {
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, "SELECT 1 FROM session WHERE id = ?1 AND ended < 2", -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) id);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
}

int events_read(sqlite3 *db, const StoreEventFilter *filter, GArray *ret) {
        bool from_the_end = filter->before > 0 && filter->after == 0;
        sqlite3_stmt *stmt = NULL;
        int rc;

        rc = look_for_session(db, filter->session);
        if (rc == SQLITE_OK)
                rc = sqlite3_prepare_v2(db, from_the_end ? newest : oldest, -1, &stmt, NULL);
        if (rc != SQLITE_OK)
                return rc;

        (void) sqlite3_bind_int64(stmt, 1, (sqlite3_int64) filter->session);
        (void) sqlite3_bind_int64(stmt, 2, (sqlite3_int64) MIN(filter->after, INT64_MAX));
        (void) sqlite3_bind_int64(stmt, 3, filter->before > 0 ? (sqlite3_int64) MIN(filter->before, INT64_MAX) : INT64_MAX);
        (void) sqlite3_bind_int64(stmt, 4, CLAMP(filter->limit, 1, STORE_EVENTS_MAX));
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                StoreEvent event = get_event(stmt);

                g_array_append_val(ret, event);
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

GArray *events_new(void) {
        GArray *events = g_array_new(FALSE, FALSE, sizeof(StoreEvent));

        g_array_set_clear_func(events, event_clear);
        return events;
}
