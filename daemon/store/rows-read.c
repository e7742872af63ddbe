/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "store/rows-private.h"
#include "store/schema.h"

static uint64_t get_u64(sqlite3_stmt *stmt, int at) {
        return (uint64_t) sqlite3_column_int64(stmt, at);
}

char *rows_get_text(sqlite3_stmt *stmt, int at) {
        return g_strdup((const char *) sqlite3_column_text(stmt, at));
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

bool rows_summary_get(sqlite3_stmt *stmt, int at, int oldest, uint64_t *ret_t1_boottime_usec, Summary *ret) {
        int version;

        *ret = (Summary) {};
        *ret_t1_boottime_usec = get_u64(stmt, at++);
        version = sqlite3_column_int(stmt, at++);
        ret->unknown = version < oldest || version > SCHEMA_FIGURES_VERSION;
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
                           " record, epoch, record_start", figures,
                           " FROM session", NULL);
}

void rows_session_get(sqlite3_stmt *stmt, StoreSession *ret) {
        int at = 27; /* the figures come after SESSION_COLUMNS and nine more */

        *ret = (StoreSession) {
                .id = get_u64(stmt, 0),
                .uuid = rows_get_text(stmt, 1),
                .device_address = rows_get_text(stmt, 2),
                .device_alias = rows_get_text(stmt, 3),
                .profile = rows_get_text(stmt, 4),
                .owner = (uid_t) get_u64(stmt, 5),
                .owner_name = rows_get_text(stmt, 6),
                .boot_id = rows_get_text(stmt, 7),
                .utc_offset_sec = sqlite3_column_int(stmt, 8),
                .start_boottime_usec = get_u64(stmt, 9),
                .start_realtime_usec = get_u64(stmt, 10),
                .subject = rows_get_text(stmt, 11),
                .area = rows_get_text(stmt, 12),
                .product = rows_get_text(stmt, 13),
                .note = rows_get_text(stmt, 14),
                .channels = rows_get_text(stmt, 15),
                .acknowledged = sqlite3_column_int(stmt, 16),
                .rating = sqlite3_column_int(stmt, 17),
                .source = rows_get_text(stmt, 18),
                .state = g_strdup(sqlite3_column_int(stmt, 19) ? "finished" : "live"),
                .end_reason = rows_get_text(stmt, 20),
                .end_boottime_usec = get_u64(stmt, 21),
                .end_realtime_usec = get_u64(stmt, 22),
                .areas = get_u64(stmt, 23),
                .record = (uint32_t) get_u64(stmt, 24),
                .epoch = (uint32_t) get_u64(stmt, 25),
                .record_start = get_u64(stmt, 26),
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

int rows_session_find(sqlite3 *db, uint64_t id, StoreSession *ret) {
        g_autofree char *select = rows_session_select(), *sql = g_strconcat(select, " WHERE id = ?", NULL);
        sqlite3_stmt *stmt = NULL;
        int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) id);
        if (rc == SQLITE_OK)
                rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW)
                rows_session_get(stmt, ret);
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_ROW ? SQLITE_OK : rc == SQLITE_DONE ? SQLITE_NOTFOUND : rc;
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
                        .address = rows_get_text(stmt, 0),
                        .address_type = rows_get_text(stmt, 1),
                        .path = rows_get_text(stmt, 2),
                        .adapter = rows_get_text(stmt, 3),
                        .name = rows_get_text(stmt, 4),
                        .alias = rows_get_text(stmt, 5),
                        .profile = rows_get_text(stmt, 6),
                        .manufacturer = rows_get_text(stmt, 7),
                        .model = rows_get_text(stmt, 8),
                        .serial = rows_get_text(stmt, 9),
                        .firmware = rows_get_text(stmt, 10),
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
                        .subject = rows_get_text(stmt, 1),
                        .owner_name = rows_get_text(stmt, 2),
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
                        .owner_name = rows_get_text(stmt, 1),
                        .version = rows_get_text(stmt, 2),
                        .realtime_usec = get_u64(stmt, 3),
                };
        }
        (void) sqlite3_finalize(stmt);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
}
