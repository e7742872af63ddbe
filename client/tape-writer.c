/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/tape-writer.h"

#include <inttypes.h>
#include <string.h>

#include "client/names.h"
#include "needled/frame.h"

/* A name of a device comes from strangers: one line of whole characters, as much of it as there is room for. */
static void copy_text(char *to, size_t size, const char *text) {
        g_autofree char *valid = g_utf8_make_valid(text, -1);
        GString *clean = g_string_new(NULL);

        for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
                gunichar c = g_unichar_iscntrl(g_utf8_get_char(p)) ? ' ' : g_utf8_get_char(p);

                if (clean->len + (gsize) g_unichar_to_utf8(c, NULL) >= size)
                        break;
                g_string_append_unichar(clean, c);
        }

        g_strstrip(clean->str);
        (void) g_strlcpy(to, clean->str, size);
        g_string_free(clean, TRUE);
}

static void add_comment(GString *out, const char *text) {
        g_string_append_printf(out, "# %s\n", text);
}

static void begin(TapeWriter *w, const StreamRecord *record, GString *out) {
        char text[TAPE_HEAD_MAX];

        w->begun = true;
        if (record->type == NEEDLED_STREAM_HELLO && record->known)
                w->head.start_realtime_usec = record->hello.start_realtime_usec;
        if (tape_format_head(&w->head, text, sizeof text) < 0) {
                w->head.start_realtime_usec = 0; /* no time that a tape can hold */
                if (tape_format_head(&w->head, text, sizeof text) < 0)
                        return;
        }
        g_string_append(out, text);
}

static int64_t wall_offset(const TapeWriter *w, const StreamRecord *record) {
        return w->head.start_realtime_usec == 0 || record->realtime_usec == 0 || record->realtime_usec > INT64_MAX ? 0 :
                (int64_t) (record->realtime_usec - w->head.start_realtime_usec - record->session_usec);
}

static void add_frame(TapeWriter *w, const StreamRecord *record, GString *out) {
        const struct needled_stream_frame *head = &record->frame.head;
        Frame frame = {
                .boottime_usec = record->session_usec,
                .realtime_usec = record->realtime_usec,
                .channel = head->channel,
                .direction = head->direction,
                .size = head->length,
                .data = record->frame.data,
        };
        char line[TAPE_LINE_MAX];

        if (head->length > OMP_VALUE_MAX || record->session_usec < w->last_usec ||
            tape_format_frame(&w->head, &frame, 0, line, sizeof line) < 0) {
                add_comment(out, "A frame that a tape cannot hold came here.");
                w->missed++;
                return;
        }

        g_string_append(out, line);
        if (w->frames == 0)
                w->first_usec = record->session_usec;
        w->frames++;
        w->last_usec = record->session_usec;
}

void tape_writer_init(TapeWriter *w, const char *profile, const char *device, const char *session_uuid,
                      const VendorProfile *vendor) {
        *w = (TapeWriter) {};
        copy_text(w->head.profile, sizeof w->head.profile, profile);
        if (!*w->head.profile) /* of a device that is gone already */
                (void) g_strlcpy(w->head.profile, "unknown", sizeof w->head.profile);
        copy_text(w->head.device, sizeof w->head.device, device);
        copy_text(w->head.session, sizeof w->head.session, session_uuid);

        for (size_t i = 0; vendor && i < vendor->n_chars && i < TAPE_CHANNELS_MAX; i++) {
                TapeChannel *channel = &w->head.channels[w->head.n_channels++];

                channel->channel = (uint8_t) i;
                (void) g_strlcpy(channel->name, vendor->chars[i].alias, sizeof channel->name);
                (void) g_strlcpy(channel->uuid, vendor->chars[i].uuid ? vendor->chars[i].uuid : "", sizeof channel->uuid);
        }
}

void tape_writer_record(TapeWriter *w, const StreamRecord *record, GString *out) {
        char line[TAPE_LINE_MAX];

        if (w->begun && record->type == NEEDLED_STREAM_HELLO)
                add_comment(out, "The stream broke off before this line, and began again.");
        if (!w->begun)
                begin(w, record, out);
        if (record->dropped > 0) {
                g_string_append_printf(out, "# %" PRIu32 " records of the stream were missed here.\n", record->dropped);
                w->missed += record->dropped;
        }

        if (record->type == NEEDLED_STREAM_FRAME && record->known)
                add_frame(w, record, out);
        else if (record->type == NEEDLED_STREAM_END && record->known &&
                 tape_format_end(MAX(record->session_usec, w->last_usec), wall_offset(w, record),
                                 names_end_reason(record->end.reason), line, sizeof line) >= 0)
                g_string_append(out, line);
}

void tape_writer_missing_end(GString *out) {
        add_comment(out, "The stream broke off before this line: the end of the session is missing.");
}
