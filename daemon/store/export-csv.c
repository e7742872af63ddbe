/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "store/export-format.h"
#include "store/rows.h"
#include "store/shared.h"

/* RFC 4180: lines end with CRLF. What the columns are is the StoreDecoder's; the first is the time, the last a text. */

#define USEC_PER_SEC UINT64_C(1000000)

static const StoreDecoder *decoder_of(const Export *export) {
        return &export->store->observer.decoder;
}

static void put_line_end(Export *export) {
        g_string_append(export->lines, "\r\n");
}

static int put_head(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        StoreSession session = {};
        int rc = rows_session_find(db, export->id, &session);

        if (rc != SQLITE_OK)
                return rc;
        if (decoder_of(export)->begin && !shared_is_closed(export->store))
                export->decoding = decoder_of(export)->begin(&session, export->store->userdata);
        job_clear_session(&session);
        if (!export->decoding)
                return SQLITE_MISMATCH;
        g_string_append(export->lines, decoder_of(export)->csv_head);
        put_line_end(export);
        return SQLITE_OK;
}

static bool put_frame(Export *export, const ExportBounds *bounds, const Frame *frame) {
        char row[STORE_ROW_MAX];

        decoder_of(export)->frame(export->decoding, frame, NULL);
        if (!export_wants(export, export_session_time(bounds, frame->boottime_usec)))
                return true;
        export_put_row(export, row, decoder_of(export)->csv_row(export->decoding, frame, row));
        put_line_end(export);
        return true;
}

static void put_damaged(Export *export, const ExportBounds *bounds, const Chunk *chunk) {
        uint64_t usec = export_session_time(bounds, chunk->t0_boottime_usec);

        g_string_append_printf(export->lines, "%" PRIu64 ".%06u", usec / USEC_PER_SEC, (unsigned) (usec % USEC_PER_SEC));
        for (const char *p = decoder_of(export)->csv_head; *p; p++)
                if (*p == ',')
                        g_string_append_c(export->lines, ',');
        export_put_row(export, "\"" EXPORT_DAMAGED "\"", sizeof(EXPORT_DAMAGED) + 1); /* it has a comma */
        put_line_end(export);
}

static int put_end(Export *export, const ExportBounds *bounds) {
        return SQLITE_OK;
}

const ExportFormat export_csv = {
        .counts_damage = true, .decodes = true, .head = put_head, .frame = put_frame, .damaged = put_damaged, .end = put_end,
};

/* ---- Resampled ---- */

/* Session time of the moment with this number. */
static uint64_t moment_usec(const Export *export, uint64_t n) {
        return (uint64_t) ((unsigned __int128) n * USEC_PER_SEC / export->resample_hz);
}

/* The number of the first moment at this session time or later. */
static uint64_t first_moment(const Export *export, uint64_t session_usec) {
        uint64_t n = (uint64_t) ((unsigned __int128) session_usec * export->resample_hz / USEC_PER_SEC);

        while (moment_usec(export, n) < session_usec)
                n++;
        return n;
}

/* Behind the last: none after the end, or beyond what is wanted. */
static uint64_t end_moment(const Export *export, const ExportBounds *bounds) {
        uint64_t end_usec = export_session_time(bounds, bounds->end_boottime_usec);

        return first_moment(export, (export->to_usec < end_usec ? export->to_usec : end_usec) + 1);
}

static uint64_t count_moments(const Export *export, const ExportBounds *bounds) {
        uint64_t from = first_moment(export, MIN(export->from_usec, export_session_time(bounds, bounds->end_boottime_usec) + 1));
        uint64_t end = end_moment(export, bounds);

        return end > from ? end - from : 0;
}

/* Those before that session time. False: there was no room for all. */
static bool put_moments(Export *export, const ExportBounds *bounds, uint64_t session_usec) {
        uint64_t end = end_moment(export, bounds);
        char row[STORE_ROW_MAX];

        export->next_moment = MAX(export->next_moment, count_moments(export, bounds) > 0 ? first_moment(export, export->from_usec) : end);
        for (; export->next_moment < end && moment_usec(export, export->next_moment) < session_usec; export->next_moment++) {
                if (export_is_full(export))
                        return false;
                export_put_row(export, row,
                               decoder_of(export)->csv_moment(export->decoding, bounds->start_boottime_usec + moment_usec(export, export->next_moment),
                                                              row));
                put_line_end(export);
        }
        return true;
}

static bool take_frame(Export *export, const ExportBounds *bounds, const Frame *frame) {
        if (!put_moments(export, bounds, export_session_time(bounds, frame->boottime_usec)))
                return false;
        decoder_of(export)->frame(export->decoding, frame, NULL);
        return true;
}

static void take_damaged(Export *export, const ExportBounds *bounds, const Chunk *chunk) {
}

static int put_rest(Export *export, const ExportBounds *bounds) {
        return put_moments(export, bounds, UINT64_MAX) ? SQLITE_OK : SQLITE_ROW;
}

const ExportFormat export_csv_resampled = {
        .decodes = true, .count = count_moments, .head = put_head, .frame = take_frame, .damaged = take_damaged, .end = put_rest,
};
