/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bus/event-fields.h"
#include "hub-decode.h"
#include "needled/text.h"

/* Frames as rows of CSV and events as objects of JSON. A value that is not known is an empty field. All texts are bounded, and fit. */

/* How long a value of a device that sends them again and again stands for what holds. One that is followed by a vendor profile may send
 * nothing until something changes. */
#define HOLD_USEC UINT64_C(2000000)

typedef struct Line {
        char *buf;
        size_t length;
} Line;

static void put(Line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(Line *line, const char *format, ...) {
        size_t left = STORE_ROW_MAX - line->length;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vsnprintf(line->buf + line->length, left, format, ap);
        va_end(ap);
        line->length += MIN((size_t) MAX(n, 0), left - 1);
}

static void put_text(Line *line, const char *text) {
        int n = text_csv(text, line->buf + line->length, STORE_ROW_MAX - line->length);

        line->length += (size_t) MAX(n, 0);
}

/* ---- CSV ---- */

/* Negative zero and exponents are nothing that a table should have to read. */
static void put_number(Line *line, double value) {
        put(line, "%.10g", value == 0 ? 0.0 : value);
}

static void put_when(Line *line, const Decoding *d, uint64_t boottime_usec, uint64_t realtime_usec) {
        uint64_t usec = boottime_usec > d->start_boottime_usec ? boottime_usec - d->start_boottime_usec : 0;
        time_t seconds = (time_t) (realtime_usec / 1000000u);
        struct tm tm;
        char text[32];

        put(line, "%" PRIu64 ".%06u,", usec / 1000000u, (unsigned) (usec % 1000000u));
        if (realtime_usec > 0 && gmtime_r(&seconds, &tm) && strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm) > 0)
                put(line, "%s.%06uZ", text, (unsigned) (realtime_usec % 1000000u));
        put(line, ",");
}

/* force_mN … depth_um */
static void put_live(Line *line, const Decoding *d, bool known) {
        const OmpLive *l = &d->omp_live;

        if (known && l->force_mean_mn != OMP_FORCE_UNKNOWN)
                put(line, "%d", l->force_mean_mn);
        put(line, ",");
        if (known && l->force_peak_mn != OMP_FORCE_UNKNOWN)
                put(line, "%d", l->force_peak_mn);
        put(line, ",");
        if (known && l->flags & OMP_LIVE_CONTACT_NO) /* set in both, "no" and "yes" */
                put(line, "%d", (l->flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES);
        put(line, ",");
        if (known && (replay_session(d->replay)->tally.has_limits || replay_session(d->replay)->tally.tells_over))
                put(line, "%d", replay_session(d->replay)->tally.over);
        put(line, ",");
        if (known && d->live.has_strokes)
                put(line, "%" PRIu64, d->live.session_strokes);
        put(line, ",");
        if (known && d->live.has_rate)
                put_number(line, d->live.stroke_rate);
        put(line, ",");
        if (known && l->flags & OMP_LIVE_DEPTH)
                put(line, "%u", l->depth_um);
        put(line, ",");
}

/* The entry of the trace that tells of the moment; -1: none does. */
static int entry_at(const Decoding *d, int64_t session_usec) {
        int64_t period_usec = (int64_t) d->trace.period_10ms * TRACE_UNIT_USEC, i;

        if (d->trace.n == 0 || period_usec == 0 || session_usec < d->trace_usec)
                return -1;
        i = (session_usec - d->trace_usec) / period_usec;
        return i < d->trace.n ? (int) i : -1;
}

/* As put_live(), of what the device has stored itself. Its strokes go on from those of before where nobody counted others. */
static void put_stored(Line *line, const Decoding *d, unsigned entry) {
        const OmpTraceEntry *e = &d->trace.entries[entry];
        int64_t strokes = d->trace_strokes;

        for (unsigned i = 0; i <= entry; i++)
                strokes += d->trace.entries[i].strokes;
        if (e->force_mean_mn != OMP_FORCE_UNKNOWN)
                put(line, "%d", e->force_mean_mn);
        put(line, ",");
        if (e->force_peak_mn != OMP_FORCE_UNKNOWN)
                put(line, "%d", e->force_peak_mn);
        put(line, ",,,");
        if (d->trace_strokes >= 0 && !replay_session(d->replay)->followed)
                put(line, "%" PRId64, strokes);
        put(line, ",");
        put_number(line, e->strokes * 60e6 / (d->trace.period_10ms * (double) TRACE_UNIT_USEC));
        put(line, ",,");
}

static void put_area_and_stage(Line *line, const Decoding *d) {
        const Session *session = replay_session(d->replay);
        char word[OMP_WORD_SIZE];

        put(line, "%s,%s,", session->area_now != 0 ? omp_word(OMP_WORDS_AREA, session->area_now, word) : "", stage_name(session->stage));
}

static void put_event(Line *line, const Decoding *d) {
        char word[OMP_WORD_SIZE];

        if (d->is_event)
                put(line, "%s,%d,", omp_word(OMP_WORDS_EVENT, d->event.code, word), d->event.value);
        else
                put(line, ",,");
}

static void put_waveform(Line *line, const Decoding *d) {
        if (d->is_waveform)
                put(line, "%u", d->waveform.period_usec);
        put(line, ",");
        if (d->is_waveform && d->waveform.encoding == OMP_ENCODING_MN)
                for (unsigned i = 0; i < d->waveform.n; i++)
                        put(line, "%s%d", i > 0 ? " " : "", d->waveform.samples[i]);
        put(line, ",");
}

static void put_channel(Line *line, const Decoding *d, const Frame *frame) {
        static const char *const directions[] = {
                [FRAME_FROM_DEVICE] = "from-device", [FRAME_TO_DEVICE] = "to-device", [FRAME_OF_LINK] = "link", [FRAME_OF_HOST] = "host",
        };
        const VendorProfile *vendor = d->profile->vendor;
        uint8_t channel = decoding_mapped(d, frame).channel;

        put(line, "%s,", frame->direction < G_N_ELEMENTS(directions) ? directions[frame->direction] : "");
        if (frame->direction != FRAME_FROM_DEVICE && frame->direction != FRAME_TO_DEVICE)
                ;
        else if (vendor && channel < vendor->n_chars && vendor->chars[channel].alias)
                put_text(line, vendor->chars[channel].alias);
        else if (!vendor && channel < _OMP_CHAR_MAX)
                put(line, "%s", omp_char_name((OmpChar) channel));
        else
                put(line, "channel-%u", frame->channel);
        put(line, ",");
}

/* What happened to the link, and what was said. */
static void put_words(Line *line, const Frame *frame) {
        static const char *const links[] = { [FRAME_LINK_UP] = "up", [FRAME_LINK_LOST] = "lost", [FRAME_LINK_SUSPENDED] = "suspended" };
        char words[NOTE_WORDS_MAX];
        Note note;

        if (frame->direction == FRAME_OF_LINK && frame->size > 0 && frame->data[0] < G_N_ELEMENTS(links))
                put(line, "%s", links[frame->data[0]]);
        if (frame->direction != FRAME_OF_HOST)
                return;
        if (note_decode(frame->data, frame->size, &note) >= 0 && note.kind == NOTE_MARK)
                put_text(line, note.text);
        else if (note_format(frame->data, frame->size, words) > 0)
                put_text(line, words);
}

size_t decoding_csv_row(void *decoding, const Frame *frame, char *buf) {
        const Decoding *d = decoding;
        Line line = { .buf = buf };

        put_when(&line, d, frame->boottime_usec, frame->realtime_usec);
        put_channel(&line, d, frame);
        put_live(&line, d, d->is_live);
        put_area_and_stage(&line, d);
        put_event(&line, d);
        put_waveform(&line, d);
        put_words(&line, frame);
        return line.length;
}

size_t decoding_csv_moment(void *decoding, uint64_t boottime_usec, char *buf) {
        const Decoding *d = decoding;
        const Session *session = replay_session(d->replay);
        bool known = d->has_live && (d->profile->vendor || boottime_usec - d->live_boottime_usec <= HOLD_USEC);
        int entry = known ? -1 : entry_at(d, (int64_t) (boottime_usec - d->start_boottime_usec));
        Line line = { .buf = buf };

        put_when(&line, d, boottime_usec,
                 session->start_realtime_usec > 0 ? session->start_realtime_usec + (boottime_usec - session->start_boottime_usec) : 0);
        put(&line, ",,");
        if (entry >= 0)
                put_stored(&line, d, (unsigned) entry);
        else
                put_live(&line, d, known);
        put_area_and_stage(&line, d);
        put(&line, ",,,,");
        return line.length;
}

/* ---- JSON ---- */

static void put_value(Line *line, const EventField *field) {
        int n;

        put(line, "\"%s\":", field->key);
        switch (field->type) {
        case 's':
                n = text_json(field->s, line->buf + line->length, STORE_ROW_MAX - line->length);
                line->length += (size_t) MAX(n, 0);
                return;
        case 'b':
                put(line, "%s", field->b ? "true" : "false");
                return;
        case 'u':
                put(line, "%" PRIu32, field->u);
                return;
        case 't':
                put(line, "%" PRIu64, field->t);
                return;
        default:
                put(line, "%.17g", field->d);
        }
}

size_t decoding_event_json(const StoreEvent *event, char *buf) {
        Line line = { .buf = buf };
        EventFields fields;

        if (!event_fields_init(&fields, event))
                return 0;

        put(&line, "{");
        for (unsigned i = 0; i < fields.n; i++) {
                put(&line, "%s", i > 0 ? "," : "");
                put_value(&line, &fields.fields[i]);
        }
        put(&line, "}");
        event_fields_done(&fields);
        return line.length;
}
