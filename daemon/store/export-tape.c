/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/export-format.h"

/* Each frame is a line, also one that no tape can hold. */

#define MARK_ODD "needled: here was a frame that no tape can hold"

static void put(Export *export, const char *line, int size) {
        g_assert(size > 0);     /* a text of our own and a time that was on a tape before always fit */
        export_put_row(export, line, (size_t) size);
}

static void put_mark(Export *export, const ExportBounds *bounds, const char *text) {
        char line[TAPE_LINE_MAX];

        put(export, line,
            tape_format_mark(export_session_time(bounds, export->last_boottime_usec), 0, text, line, sizeof(line)));
}

static bool put_frame(Export *export, const ExportBounds *bounds, const Frame *stored) {
        char line[TAPE_LINE_MAX];
        Frame frame = *stored;
        int size;

        frame.boottime_usec = MAX(frame.boottime_usec, export->last_boottime_usec);
        size = tape_format_frame(&export->head, &frame, bounds->start_boottime_usec, line, sizeof(line));
        if (size < 0) {
                put_mark(export, bounds, MARK_ODD);
                return true;
        }
        export->last_boottime_usec = frame.boottime_usec;
        put(export, line, size);
        return true;
}

static void put_damaged(Export *export, const ExportBounds *bounds, const Chunk *chunk) {
        put_mark(export, bounds, EXPORT_DAMAGED);
}

static int put_end(Export *export, const ExportBounds *bounds) {
        uint64_t session_usec = export_session_time(bounds, bounds->end_boottime_usec);
        int64_t wall_offset_usec = 0;
        char line[TAPE_LINE_MAX];
        int size;

        if (!export_wants_end(export, bounds))
                return SQLITE_OK;
        if (bounds->end_realtime_usec > 0 && export->head.start_realtime_usec > 0)
                wall_offset_usec =
                        (int64_t) (bounds->end_realtime_usec - export->head.start_realtime_usec - session_usec);
        size = tape_format_end(session_usec, wall_offset_usec, bounds->reason, line, sizeof(line));
        if (size < 0)
                return SQLITE_CORRUPT; /* nothing that we wrote */
        put(export, line, size);
        return SQLITE_OK;
}

static int put_head(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        char head[TAPE_HEAD_MAX];
        int size = tape_format_head(&export->head, head, sizeof(head));

        if (size < 0)
                return SQLITE_MISMATCH;
        g_string_append_len(export->lines, head, size);
        export->last_boottime_usec = bounds->start_boottime_usec;
        return SQLITE_OK;
}

const ExportFormat export_tape = {
        .counts_damage = true, .counts_end = true, .head = put_head, .frame = put_frame, .damaged = put_damaged, .end = put_end,
};
