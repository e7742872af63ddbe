/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "needled/text.h"
#include "store/events.h"
#include "store/export-format.h"
#include "store/rows.h"
#include "store/shared.h"

/* One object, as docs/session.schema.json has it: what is known of the session, then a frame a line. */

#define PAGE 200u                       /* gaps or events that are read at a time */

/* ---- Members ---- */

static void put_text(GString *s, const char *text) {
        size_t size = TEXT_JSON_MAX(strlen(text));
        g_autofree char *buf = g_malloc(size);

        (void) text_json(text, buf, size);
        g_string_append(s, buf);
}

/* With a comma before it, unless it is the first of its object. */
static void put_key(GString *s, const char *key) {
        g_string_append_printf(s, "%s\"%s\": ", g_str_has_suffix(s->str, "{") ? "" : ", ", key);
}

static void add_text(GString *s, const char *key, const char *text) {
        if (!text || !*text)            /* what is not known is absent */
                return;
        put_key(s, key);
        put_text(s, text);
}

static void add_number(GString *s, const char *key, int64_t number) {
        put_key(s, key);
        g_string_append_printf(s, "%" PRId64, number);
}

/* "0=data;1=battery": what the frames call their channels, where the numbers alone say nothing. */
static void add_names(GString *s, const TapeHead *head) {
        g_autoptr(GString) names = g_string_new(NULL);

        for (size_t i = 0; i < head->n_channels; i++)
                g_string_append_printf(names, "%s%u=%s", i > 0 ? ";" : "", head->channels[i].channel, head->channels[i].name);
        add_text(s, "names", names->str);
}

static void put_session(const Export *export, const StoreSession *session) {
        bool whole = export->from_usec == 0 && export->to_usec == UINT64_MAX && export->n_damaged == 0;
        GString *s = export->lines;

        g_string_append(s, "{");
        add_text(s, "uuid", session->uuid);
        add_number(s, "start", (int64_t) session->start_realtime_usec);
        add_number(s, "utc_offset", session->utc_offset_sec);
        add_number(s, "end", (int64_t) (session->end_boottime_usec - session->start_boottime_usec));
        add_text(s, "end_reason", session->end_reason);
        add_text(s, "device", session->device_address);
        add_text(s, "alias", session->device_alias);
        add_text(s, "profile", session->profile);
        add_text(s, "channels", session->channels);
        add_names(s, &export->head);
        add_text(s, "subject", session->subject);
        add_text(s, "area", session->area);
        add_text(s, "product", session->product);
        add_text(s, "note", session->note);
        if (session->rating > 0)
                add_number(s, "rating", session->rating);
        put_key(s, "acknowledged");
        g_string_append(s, session->acknowledged ? "true" : "false");
        add_text(s, "source", session->source);
        if (session->record > 0)
                add_number(s, "record", session->record);
        if (session->record_start > 0 && whole) /* where it is imported it stands for what the device has, which a part must not */
                add_number(s, "record_start", (int64_t) session->record_start);
        add_text(s, "boot_id", session->boot_id);
        g_string_append(s, "}");
}

/* Names with a dot are members of the object before the dot; those of one stand together in the table. */
static void put_figures(GString *s, const Figures *figures) {
        char group[32] = "";

        g_string_append(s, "{");
        for (Figure i = 0; i < _FIGURE_MAX; i++) {
                const char *name = figure_info[i].name, *dot = strchr(name, '.');
                size_t length = dot ? (size_t) (dot - name) : 0;

                if (!figures_has(figures, i))
                        continue;
                if (*group && (length != strlen(group) || strncmp(group, name, length) != 0)) {
                        g_string_append(s, "}");
                        *group = '\0';
                }
                if (dot && !*group) {
                        g_strlcpy(group, name, MIN(length + 1, sizeof(group)));
                        put_key(s, group);
                        g_string_append(s, "{");
                }
                if (figure_info[i].type == 'd') {
                        char number[G_ASCII_DTOSTR_BUF_SIZE];

                        put_key(s, dot ? dot + 1 : name);
                        g_string_append(s, g_ascii_dtostr(number, sizeof(number), figures->value[i].d));
                } else
                        add_number(s, dot ? dot + 1 : name, figures->value[i].i);
        }
        g_string_append(s, *group ? "}}" : "}");
}

/* ---- Head ---- */

static int begin_head(Export *export, sqlite3 *db) {
        StoreSession session = {};
        int rc = rows_session_find(db, export->id, &session);

        if (rc != SQLITE_OK)
                return rc;
        g_string_append(export->lines, "{\"format\": \"needled-session\", \"version\": 1,\n\"session\": ");
        put_session(export, &session);
        g_string_append(export->lines, ",\n\"figures\": ");
        put_figures(export->lines, &session.figures);
        g_string_append(export->lines, ",\n\"gaps\": [");
        job_clear_session(&session);
        return SQLITE_OK;
}

/* Each on a line of its own. */
static void begin_detail(Export *export) {
        g_string_append(export->lines, export->any_detail ? ",\n" : "\n");
        export->any_detail = true;
}

/* SQLITE_ROW: there may be more. */
static int put_gaps(Export *export, sqlite3 *db) {
        sqlite3_stmt *stmt = NULL;
        unsigned n = 0;
        int rc = sqlite3_prepare_v2(db, "SELECT id, from_usec, to_usec, stream, lost FROM gap WHERE session = ? AND id > ? ORDER BY id LIMIT ?", -1,
                                    &stmt, NULL);

        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 1, (sqlite3_int64) export->id);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 2, export->last_gap);
        if (rc == SQLITE_OK)
                rc = sqlite3_bind_int64(stmt, 3, PAGE);
        while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                uint64_t from_usec = (uint64_t) sqlite3_column_int64(stmt, 1), to_usec = (uint64_t) sqlite3_column_int64(stmt, 2);

                rc = SQLITE_OK;
                n++;
                export->last_gap = sqlite3_column_int64(stmt, 0);
                if (to_usec < export->from_usec || from_usec > export->to_usec)
                        continue;
                begin_detail(export);
                g_string_append_printf(export->lines, "{\"from\": %" PRIu64 ", \"to\": %" PRIu64 ", \"stream\": %d, \"lost\": %" PRId64 "}",
                                       from_usec, to_usec, sqlite3_column_int(stmt, 3), (int64_t) sqlite3_column_int64(stmt, 4));
        }
        (void) sqlite3_finalize(stmt);
        return rc != SQLITE_DONE ? rc : n == PAGE ? SQLITE_ROW : SQLITE_OK;
}

static int put_events(Export *export, sqlite3 *db) {
        const StoreEventFilter filter = { .session = export->id, .after = export->last_event, .limit = PAGE };
        g_autoptr(GArray) events = events_new();
        int rc = events_read(db, &filter, events);

        if (rc != SQLITE_OK || shared_is_closed(export->store))
                return rc ?: SQLITE_INTERRUPT;
        for (guint i = 0; i < events->len; i++) {
                const StoreEvent *event = &g_array_index(events, StoreEvent, i);
                char row[STORE_ROW_MAX];
                size_t size;

                export->last_event = event->id;
                if (!export_wants(export, event->session_usec) || !export->store->observer.decoder.event_json)
                        continue;
                size = export->store->observer.decoder.event_json(event, row);
                if (size == 0)
                        continue;
                begin_detail(export);
                g_string_append_len(export->lines, row, (gssize) size);
        }
        return events->len == PAGE ? SQLITE_ROW : SQLITE_OK;
}

static int put_head(Export *export, sqlite3 *db, const ExportBounds *bounds) {
        int rc = SQLITE_OK;

        if (!export->head_begun) {
                rc = begin_head(export, db);
                if (rc != SQLITE_OK)
                        return rc;
                export->head_begun = true;
        }
        if (!export->gaps_done) {
                rc = put_gaps(export, db);
                if (rc != SQLITE_OK)
                        return rc;
                export->gaps_done = true;
                export->any_detail = false;
                g_string_append(export->lines, "],\n\"events\": [");
        }
        rc = put_events(export, db);
        if (rc != SQLITE_OK)
                return rc;
        g_string_append(export->lines, "],\n");
        if (export->n_damaged > 0)
                g_string_append_printf(export->lines, "\"damaged_chunks\": %" PRIu64 ",\n", export->n_damaged);
        g_string_append(export->lines, "\"frames\": [\n");
        return SQLITE_OK;
}

/* ---- Frames ---- */

static bool put_frame(Export *export, const ExportBounds *bounds, const Frame *frame) {
        static const char directions[] = { [FRAME_FROM_DEVICE] = '<', [FRAME_TO_DEVICE] = '>', [FRAME_OF_LINK] = '!', [FRAME_OF_HOST] = '%' };
        static const char digits[] = "0123456789abcdef";
        uint64_t usec = export_session_time(bounds, frame->boottime_usec);
        int64_t wall_usec = (int64_t) (frame->realtime_usec - export->head.start_realtime_usec - usec);
        char name[TAPE_NAME_MAX + 1];
        GString *s = export->lines;

        g_string_append_printf(s, "{\"t\": %" PRIu64, usec);
        if (wall_usec != 0 && frame->realtime_usec > 0 && export->head.start_realtime_usec > 0)
                g_string_append_printf(s, ", \"w\": %" PRId64, wall_usec);
        g_string_append_printf(s, ", \"d\": \"%c\"", frame->direction < G_N_ELEMENTS(directions) ? directions[frame->direction] : '?');
        if (frame->direction == FRAME_FROM_DEVICE || frame->direction == FRAME_TO_DEVICE) {
                g_string_append(s, ", \"c\": ");
                put_text(s, tape_channel_name(&export->head, frame->channel, name));
        }
        g_string_append(s, ", \"x\": \"");
        for (unsigned i = 0; i < frame->size; i++) {
                g_string_append_c(s, digits[frame->data[i] >> 4]);
                g_string_append_c(s, digits[frame->data[i] & 15]);
        }
        export_put_row(export, "\"}", 2);
        g_string_append(s, export->n_made < export->n_rows ? ",\n" : "\n");
        return true;
}

static void put_damaged(Export *export, const ExportBounds *bounds, const Chunk *chunk) {
}

static int put_end(Export *export, const ExportBounds *bounds) {
        g_string_append(export->lines, "]}\n");
        return SQLITE_OK;
}

const ExportFormat export_json = { .head = put_head, .frame = put_frame, .damaged = put_damaged, .end = put_end };
