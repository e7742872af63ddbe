/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "codec/tape-private.h"
#include "needled/note.h"

#define CLOCK_DAYS_MAX 2932896u         /* 9999-12-31 */
#define DAY_USEC UINT64_C(86400000000)

/* Sticky: what does not fit is not written, and asked for once, at the end. A session has a million lines: no printf here. */
typedef struct Out {
        char *buf;
        size_t size, pos;
        bool overflow;
} Out;

static void out_char(Out *o, char c) {
        if (o->overflow || o->size - o->pos < 2) /* room for the NUL */
                o->overflow = true;
        else
                o->buf[o->pos++] = c;
}

static void out_text(Out *o, const char *s) {
        while (*s)
                out_char(o, *s++);
}

/* With zeros in front up to `width` digits. */
static void out_number(Out *o, uint64_t v, unsigned width) {
        char digits[20];
        unsigned n = 0;

        do {
                digits[n++] = (char) ('0' + v % 10);
                v /= 10;
        } while (v > 0 || n < width);
        while (n > 0)
                out_char(o, digits[--n]);
}

static void out_seconds(Out *o, uint64_t usec) {
        out_number(o, usec / 1000000, 1);
        out_char(o, '.');
        out_number(o, usec % 1000000, 6);
}

static void out_octets(Out *o, const uint8_t *data, size_t size) {
        static const char hex[] = "0123456789abcdef";

        for (size_t i = 0; i < size; i++) {
                out_char(o, ' ');
                out_char(o, hex[data[i] >> 4]);
                out_char(o, hex[data[i] & 0xf]);
        }
}

static int out_finish(Out *o) {
        if (o->size == 0 || o->overflow)
                return -ENOSPC;

        o->buf[o->pos] = '\0';
        return (int) o->pos;
}

static bool text_is_valid(const char *text) {
        size_t size = strnlen(text, TAPE_TEXT_MAX);

        return size < TAPE_TEXT_MAX && tape_text_is_clean(text, size);
}

/* ---- The head ---- */

static void out_clock(Out *o, uint64_t usec) {
        unsigned year, month, day, sec = (unsigned) (usec % DAY_USEC / 1000000);

        tape_date_from_days((unsigned) (usec / DAY_USEC), &year, &month, &day);
        out_number(o, year, 4);
        out_char(o, '-');
        out_number(o, month, 2);
        out_char(o, '-');
        out_number(o, day, 2);
        out_char(o, 'T');
        out_number(o, sec / 3600, 2);
        out_char(o, ':');
        out_number(o, sec / 60 % 60, 2);
        out_char(o, ':');
        out_number(o, sec % 60, 2);
        out_char(o, '.');
        out_number(o, usec % 1000000, 6);
        out_char(o, 'Z');
}

static void out_line(Out *o, const char *key, const char *value) {
        if (value[0] == '\0')
                return;
        out_text(o, key);
        out_char(o, ' ');
        out_text(o, value);
        out_char(o, '\n');
}

static void out_channel(Out *o, const TapeChannel *channel) {
        out_text(o, "channel ");
        out_number(o, channel->channel, 1);
        out_char(o, ' ');
        out_text(o, channel->name);
        if (channel->uuid[0] != '\0') {
                out_char(o, ' ');
                out_text(o, channel->uuid);
        }
        out_char(o, '\n');
}

static bool head_is_valid(const TapeHead *head) {
        TapeHead before = {};

        if (!tape_profile_is_valid(head->profile, strnlen(head->profile, TAPE_TEXT_MAX)) || !text_is_valid(head->device))
                return false;
        if (head->session[0] != '\0' && !tape_uuid_is_valid(head->session, strnlen(head->session, sizeof(head->session))))
                return false;
        if (head->start_realtime_usec / DAY_USEC > CLOCK_DAYS_MAX || head->n_channels > TAPE_CHANNELS_MAX)
                return false;

        memcpy(before.profile, head->profile, sizeof(before.profile));
        for (; before.n_channels < head->n_channels; before.n_channels++) {
                if (tape_channel_problem(&before, &head->channels[before.n_channels]))
                        return false;
                before.channels[before.n_channels] = head->channels[before.n_channels];
        }

        return true;
}

int tape_format_head(const TapeHead *head, char *buf, size_t size) {
        Out o = { .buf = buf, .size = size };

        if (!head_is_valid(head))
                return -EINVAL;

        out_text(&o, TAPE_MAGIC " ");
        out_number(&o, TAPE_VERSION, 1);
        out_char(&o, '\n');
        out_line(&o, "profile", head->profile);
        out_line(&o, "device", head->device);
        out_line(&o, "session", head->session);
        if (head->start_realtime_usec != 0) {
                out_text(&o, "clock ");
                out_clock(&o, head->start_realtime_usec);
                out_char(&o, '\n');
        }
        for (size_t i = 0; i < head->n_channels; i++)
                out_channel(&o, &head->channels[i]);

        return out_finish(&o);
}

/* ---- Lines ---- */

static bool out_times(Out *o, uint64_t time_usec, int64_t wall_offset_usec) {
        uint64_t off = wall_offset_usec < 0 ? -(uint64_t) wall_offset_usec : (uint64_t) wall_offset_usec;

        if (time_usec > TAPE_TIME_MAX || off > TAPE_TIME_MAX)
                return false;

        out_seconds(o, time_usec);
        if (off > 0) {
                out_text(o, wall_offset_usec < 0 ? " -" : " +");
                out_seconds(o, off);
        }
        return true;
}

/* Without either clock there is nothing that it could be off. */
static int64_t frame_wall_offset(const TapeHead *head, const Frame *frame, uint64_t time_usec) {
        if (head->start_realtime_usec == 0 || frame->realtime_usec == 0)
                return 0;

        return (int64_t) (frame->realtime_usec - head->start_realtime_usec - time_usec);
}

/* A mark has a line of its own, which its text fills to the end. */
static bool out_note(Out *o, const Frame *frame) {
        char words[NOTE_WORDS_MAX];
        Note note;

        if (frame->channel != 0)
                return false;
        if (note_decode(frame->data, frame->size, &note) >= 0 && note.kind == NOTE_MARK) {
                out_text(o, " * ");
                out_text(o, note.text);
                return true;
        }
        if (note_format(frame->data, frame->size, words) < 0)
                return false;

        out_text(o, " % ");
        out_text(o, words);
        return true;
}

int tape_format_frame(const TapeHead *head, const Frame *frame, uint64_t base_boottime_usec, char *buf, size_t size) {
        Out o = { .buf = buf, .size = size };
        uint64_t time_usec = frame->boottime_usec - base_boottime_usec;
        char name[TAPE_NAME_MAX + 1];

        if (frame->boottime_usec < base_boottime_usec || frame->size > OMP_VALUE_MAX || frame->direction > FRAME_OF_HOST ||
            frame->realtime_usec > INT64_MAX)
                return -EINVAL;
        if (!out_times(&o, time_usec, frame_wall_offset(head, frame, time_usec)))
                return -EINVAL;

        if (frame->direction == FRAME_OF_LINK) {
                if (frame->channel != 0 || frame->size != 1 || !tape_link_name(frame->data[0]))
                        return -EINVAL;
                out_text(&o, " ! ");
                out_text(&o, tape_link_name(frame->data[0]));
        } else if (frame->direction == FRAME_OF_HOST) {
                if (!out_note(&o, frame))
                        return -EINVAL;
        } else {
                out_text(&o, frame->direction == FRAME_FROM_DEVICE ? " < " : " > ");
                out_text(&o, tape_channel_name(head, frame->channel, name));
                out_octets(&o, frame->data, frame->size);
        }
        out_char(&o, '\n');
        return out_finish(&o);
}

static int format_text(uint64_t time_usec, int64_t wall_offset_usec, const char *what, const char *text, char *buf, size_t size) {
        Out o = { .buf = buf, .size = size };

        if (!text_is_valid(text) || !out_times(&o, time_usec, wall_offset_usec))
                return -EINVAL;

        out_text(&o, what);
        if (text[0] != '\0') { /* no blank at the end of a line */
                out_char(&o, ' ');
                out_text(&o, text);
        }
        out_char(&o, '\n');
        return out_finish(&o);
}

int tape_format_mark(uint64_t time_usec, int64_t wall_offset_usec, const char *text, char *buf, size_t size) {
        return format_text(time_usec, wall_offset_usec, " *", text, buf, size);
}

int tape_format_end(uint64_t time_usec, int64_t wall_offset_usec, const char *reason, char *buf, size_t size) {
        return reason[0] == '\0' ? -EINVAL : format_text(time_usec, wall_offset_usec, " =", reason, buf, size);
}
