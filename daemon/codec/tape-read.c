/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "codec/tape-private.h"
#include "needled/note.h"

/* Parsers return what is wrong, a static sentence, or NULL. */

static const char later_version[] = "a later version of tapes than this program reads";

typedef struct Text {                   /* what is left of a line */
        const char *at, *end;
} Text;

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

static size_t text_left(const Text *t) {
        return (size_t) (t->end - t->at);
}

static bool text_is(const Text *t, const char *s) {
        return text_left(t) == strlen(s) && memcmp(t->at, s, text_left(t)) == 0;
}

/* The next word; it is empty at the end of the line. */
static Text text_word(Text *t) {
        Text word;

        while (t->at < t->end && is_blank(*t->at))
                t->at++;
        word.at = t->at;
        while (t->at < t->end && !is_blank(*t->at))
                t->at++;
        word.end = t->at;
        return word;
}

/* All that is left after one blank, as a person wrote it. */
static const char *read_text(Text *t, char buf[static TAPE_TEXT_MAX]) {
        if (t->at < t->end)
                t->at++;
        if (text_left(t) >= TAPE_TEXT_MAX)
                return "the text is longer than 255 octets";
        if (!tape_text_is_clean(t->at, text_left(t)))
                return "the text is not UTF-8 without control characters";

        memcpy(buf, t->at, text_left(t));
        buf[text_left(t)] = '\0';
        t->at = t->end;
        return NULL;
}

/* Up to `most` digits; false if there is none, or one too many. */
static bool read_digits(Text *t, unsigned most, uint64_t *ret) {
        const char *first = t->at;
        uint64_t v = 0;

        for (; t->at < t->end && tape_is_digit(*t->at) && t->at - first < (ptrdiff_t) most; t->at++)
                v = v * 10 + (uint64_t) (*t->at - '0');

        *ret = v;
        return t->at > first && !(t->at < t->end && tape_is_digit(*t->at));
}

/* ".000412", which may be shorter, or nothing. */
static bool read_fraction_usec(Text *t, uint64_t *ret) {
        const char *first;

        *ret = 0;
        if (t->at == t->end || *t->at != '.')
                return true;
        first = ++t->at;
        if (!read_digits(t, 6, ret))
                return false;
        for (ptrdiff_t n = t->at - first; n < 6; n++)
                *ret *= 10;

        return true;
}

static bool read_seconds(Text word, uint64_t *ret_usec) {
        uint64_t sec, usec;

        if (!read_digits(&word, 10, &sec) || !read_fraction_usec(&word, &usec) || word.at != word.end)
                return false;

        *ret_usec = sec * 1000000 + usec;
        return true;
}

/* ---- The head ---- */

/* RFC 3339 in UTC: 2026-08-22T18:30:00.000000Z; the fraction may be shorter. */
static bool read_clock(Text word, uint64_t *ret_usec) {
        static const char pattern[] = "0000-00-00T00:00:00";
        static const uint8_t month_days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
        uint64_t field[6] = {}, usec, sec;
        size_t n = 0;
        bool leap;

        if (text_left(&word) < sizeof(pattern))
                return false;
        for (size_t i = 0; i < sizeof(pattern) - 1; i++) {
                if (pattern[i] == '0' ? !tape_is_digit(word.at[i]) : word.at[i] != pattern[i])
                        return false;
                if (pattern[i] == '0')
                        field[n] = field[n] * 10 + (uint64_t) (word.at[i] - '0');
                else
                        n++;
        }
        word.at += sizeof(pattern) - 1;
        if (!read_fraction_usec(&word, &usec) || !text_is(&word, "Z"))
                return false;

        leap = field[0] % 4 == 0 && (field[0] % 100 != 0 || field[0] % 400 == 0);
        if (field[0] < 1970 || field[1] < 1 || field[1] > 12 || field[2] < 1 || field[2] > month_days[field[1] - 1] ||
            (field[1] == 2 && field[2] == 29 && !leap) || field[3] > 23 || field[4] > 59 || field[5] > 59)
                return false;

        sec = tape_days_from_date((unsigned) field[0], (unsigned) field[1], (unsigned) field[2]) * UINT64_C(86400) + field[3] * 3600 +
              field[4] * 60 + field[5];
        *ret_usec = sec * 1000000 + usec;
        return *ret_usec > 0;
}

static const char *read_channel(TapeHead *head, Text *t) {
        TapeChannel channel = {};
        uint64_t number;
        const char *problem;
        Text word = text_word(t);

        if (!read_digits(&word, 3, &number) || word.at != word.end || number > UINT8_MAX)
                return "the number of a channel is not one from 0 to 255";
        channel.channel = (uint8_t) number;

        word = text_word(t);
        if (text_left(&word) < sizeof(channel.name)) /* else it stays empty, which is no name either */
                memcpy(channel.name, word.at, text_left(&word));

        word = text_word(t);
        if (text_left(&word) >= sizeof(channel.uuid))
                return "this is not a UUID of 128 bits";
        for (size_t i = 0; word.at < word.end; word.at++)
                channel.uuid[i++] = (char) (*word.at >= 'A' && *word.at <= 'F' ? *word.at + ('a' - 'A') : *word.at);

        problem = tape_channel_problem(head, &channel);
        if (problem)
                return problem;
        head->channels[head->n_channels++] = channel;
        return NULL;
}

static const char *read_first(TapeReader *reader, Text *t) {
        Text word = text_word(t);
        uint64_t version;

        if (!text_is(&word, TAPE_MAGIC))
                return "this is no tape: the first line is not \"needled-tape 1\"";
        word = text_word(t);
        if (!read_digits(&word, 9, &version) || word.at != word.end || version == 0)
                return "the first line has no version";
        if (version > TAPE_VERSION)
                return later_version;

        reader->begun = true;
        return NULL;
}

static const char *read_head(TapeReader *reader, Text *t) {
        TapeHead *head = &reader->head;
        Text key = text_word(t), value;

        if (text_is(&key, "device"))
                return head->device[0] != '\0' ? "there is a second line of this kind" : read_text(t, head->device);
        if (text_is(&key, "channel"))
                return read_channel(head, t);

        value = text_word(t);
        if (text_is(&key, "profile")) {
                if (head->profile[0] != '\0')
                        return "there is a second line of this kind";
                if (!tape_profile_is_valid(value.at, text_left(&value)))
                        return "this is not the id of a profile";
                memcpy(head->profile, value.at, text_left(&value));
                return NULL;
        }
        if (text_is(&key, "session")) {
                if (head->session[0] != '\0')
                        return "there is a second line of this kind";
                if (!tape_uuid_is_valid(value.at, text_left(&value)))
                        return "this is not a UUID of 128 bits";
                memcpy(head->session, value.at, text_left(&value));
                return NULL;
        }
        if (text_is(&key, "clock")) {
                if (head->start_realtime_usec != 0)
                        return "there is a second line of this kind";
                return read_clock(value, &head->start_realtime_usec) ? NULL : "this is not a time as 2026-08-22T18:30:00.000000Z";
        }

        return "no line of a tape begins like this";
}

/* ---- Frames ---- */

static int hex_digit(char c) {
        return tape_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static const char *read_octets(Text *t, TapeLine *line) {
        for (;;) {
                Text word = text_word(t);

                if (word.at == word.end)
                        return NULL;
                for (; word.at < word.end; word.at += 2) {
                        int high = hex_digit(word.at[0]), low;

                        if (high < 0)
                                return "an octet is not two hexadecimal digits";
                        if (word.at + 1 == word.end)
                                return "half an octet: a hexadecimal digit is missing";
                        low = hex_digit(word.at[1]);
                        if (low < 0)
                                return "an octet is not two hexadecimal digits";
                        if (line->size >= sizeof(line->data))
                                return "a value of more than 512 octets";
                        line->data[line->size++] = (uint8_t) (high << 4 | low);
                }
        }
}

static const char *read_link(Text *t, TapeLine *line) {
        Text word = text_word(t);

        for (uint8_t i = 0; tape_link_name(i); i++)
                if (text_is(&word, tape_link_name(i))) {
                        line->data[0] = i;
                        line->size = 1;
                        return NULL;
                }

        return "what happened to the link is none of up, lost and suspended";
}

static const char *read_note(Text *t, TapeLine *line) {
        const char *problem;
        int n = note_parse(t->at, text_left(t), line->data, &problem);
        Note note;

        if (n < 0)
                return problem;
        if (note_decode(line->data, (size_t) n, &note) >= 0 && note.kind == NOTE_MARK)
                return "a mark has a line of its own";

        line->direction = FRAME_OF_HOST;
        line->size = (uint16_t) n;
        t->at = t->end;
        return NULL;
}

/* It is a note as well, unless it says nothing. */
static const char *read_mark(Text *t, TapeLine *line) {
        const char *problem = read_text(t, line->text);
        size_t length = strlen(line->text);

        line->item = TAPE_MARK;
        line->direction = FRAME_OF_HOST;
        if (problem || length == 0)
                return problem;

        line->data[0] = NOTE_MARK;
        memcpy(line->data + 1, line->text, length);
        line->size = (uint16_t) (1 + length);
        return NULL;
}

static const char *read_what(const TapeHead *head, Text *t, TapeLine *line) {
        Text word = text_word(t);
        int channel;

        line->item = TAPE_FRAME;
        if (text_is(&word, "*"))
                return read_mark(t, line);
        if (text_is(&word, "=")) {
                line->item = TAPE_END;
                return read_text(t, line->text);
        }
        if (text_is(&word, "%"))
                return read_note(t, line);
        if (text_is(&word, "!")) {
                line->direction = FRAME_OF_LINK;
                return read_link(t, line);
        }
        if (!text_is(&word, "<") && !text_is(&word, ">"))
                return "what it is is none of <, >, !, %, * and =";

        line->direction = *word.at == '<' ? FRAME_FROM_DEVICE : FRAME_TO_DEVICE;
        word = text_word(t);
        channel = tape_channel_from_name(head, word.at, text_left(&word));
        if (channel < 0)
                return "neither the profile nor the head knows a characteristic of this name";
        line->channel = (uint8_t) channel;
        return read_octets(t, line);
}

static const char *read_offset(const TapeHead *head, Text *t, TapeLine *line) {
        Text rest = *t, word = text_word(&rest);
        uint64_t usec;
        bool negative;

        if (word.at < word.end && (*word.at == '+' || *word.at == '-')) {
                negative = *word.at++ == '-';
                if (!read_seconds(word, &usec))
                        return "how far the wall clock was off is not a number of seconds";
                if (head->start_realtime_usec == 0)
                        return "the wall clock can be off only where the head has a clock";
                line->wall_offset_usec = negative ? -(int64_t) usec : (int64_t) usec;
                *t = rest;
        }
        /* 0 is a wall clock that is unknown. */
        if (head->start_realtime_usec > 0 &&
            (int64_t) (head->start_realtime_usec + line->time_usec) + line->wall_offset_usec <= 0)
                return "the wall clock was before 1970";

        return NULL;
}

static const char *read_body(TapeReader *reader, Text *t, TapeLine *line) {
        const char *problem;

        if (reader->head.profile[0] == '\0')
                return "the head does not name a profile";
        if (reader->ended)
                return "a line after the end of the session";
        if (!read_seconds(text_word(t), &line->time_usec))
                return "the time is not a number of seconds";
        problem = read_offset(&reader->head, t, line);
        if (!problem)
                problem = read_what(&reader->head, t, line);
        if (problem)
                return problem;
        /* One that was waited for in vain ended when it was last used; what came while it waited stands before. */
        if (line->time_usec < reader->last_usec && line->item != TAPE_END)
                return "the time runs backwards";
        /* An end without a reason would be one that nobody meant. */
        if (line->item == TAPE_END && line->text[0] == '\0')
                return "the end of the session without its reason";

        reader->in_body = true;
        reader->ended = line->item == TAPE_END;
        reader->last_usec = line->time_usec;
        return NULL;
}

static const char *read_line(TapeReader *reader, const char *line, size_t size, TapeLine *ret) {
        Text t = { line, line + size }, rest, first;
        const char *problem;

        if (size > TAPE_LINE_MAX)
                return "a line of more than 2048 octets";
        if (size > 0 && t.end[-1] == '\n')
                t.end--;
        if (t.end > t.at && t.end[-1] == '\r')
                t.end--;
        if (memchr(t.at, '\0', text_left(&t)))
                return "a NUL in the line";
        if (memchr(t.at, '\n', text_left(&t)))
                return "a second line in the line";

        rest = t;
        first = text_word(&rest);
        if (!reader->begun)
                problem = read_first(reader, &t);
        else if (first.at == first.end || *first.at == '#')
                return NULL;
        else if (tape_is_digit(*first.at) || *first.at == '-' || *first.at == '.')
                problem = read_body(reader, &t, ret);
        else if (strchr("<>!%*=+", *first.at))
                problem = "the time is missing";
        else if (reader->in_body)
                problem = "a line of the head behind the first frame";
        else
                problem = read_head(reader, &t);

        if (!problem && text_word(&t).at < t.end)
                problem = "something stands behind the end of the line";
        return problem;
}

void tape_reader_init(TapeReader *reader) {
        *reader = (TapeReader) {};
}

int tape_read(TapeReader *reader, const char *line, size_t size, TapeLine *ret) {
        TapeLine read = {};

        if (reader->error)
                return -EBADMSG;
        reader->line++;
        reader->error = read_line(reader, line, size, &read);
        if (reader->error)
                return reader->error == later_version ? -EOPNOTSUPP : -EBADMSG;

        *ret = read;
        return 0;
}

Frame tape_frame(const TapeReader *reader, const TapeLine *line, uint64_t base_boottime_usec) {
        uint64_t start = reader->head.start_realtime_usec;

        return (Frame) {
                .boottime_usec = base_boottime_usec + line->time_usec,
                .realtime_usec = start == 0 ? 0 : start + line->time_usec + (uint64_t) line->wall_offset_usec,
                .channel = line->channel,
                .direction = line->direction,
                .size = line->size,
                .data = line->data,
        };
}
