/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "needled/note.h"
#include "needled/omp-words.h"

#define WORDS_MAX 10u
#define NOTE_OCTETS_MAX 512u

static const char *const kind_words[_NOTE_KIND_MAX] = {
        [NOTE_LIMITS] = "limits",
        [NOTE_PAUSE] = "pause",
        [NOTE_RESUME] = "resume",
        [NOTE_STAGE] = "stage",
        [NOTE_AREA] = "area",
        [NOTE_MARK] = "mark",
        [NOTE_ALERT] = "alert",
};

/* In the order of NoteLimits, where each takes four octets. */
static const struct {
        const char *word;
        bool is_signed;
} limit_words[] = {
        { "overpressure", true }, { "hysteresis", true }, { "zone-low", true }, { "zone-high", true }, { "time-limit", false },
        { "depth-max", false }, { "contact-on", true }, { "contact-off", true },
};

#define N_LIMITS (sizeof(limit_words) / sizeof(limit_words[0]))
#define N_LIMITS_WITHOUT_CONTACT (N_LIMITS - 2)

static const char none[] = "none";      /* no stage */
static const char cleared[] = "cleared";

static const char *level_word(uint8_t level) {
        return level == 0 ? cleared : omp_name(OMP_WORDS_SEVERITY, level);
}

/* ---- To words ---- */

static int format_octets(const uint8_t *data, size_t size, char *buf) {
        int n = snprintf(buf, NOTE_WORDS_MAX, "octets");

        for (size_t i = 0; i < size; i++)
                n += snprintf(buf + n, NOTE_WORDS_MAX - (size_t) n, " %02x", data[i]);

        return n;
}

static int format_limits(const NoteLimits *l, char *buf) {
        int n = snprintf(buf, NOTE_WORDS_MAX, "limits overpressure=%" PRIi32 " hysteresis=%" PRIi32 " zone-low=%" PRIi32 " zone-high=%" PRIi32
                         " time-limit=%" PRIu32 " depth-max=%" PRIu32, l->overpressure_mn, l->hysteresis_mn, l->zone_low_mn, l->zone_high_mn,
                         l->time_limit_sec, l->depth_max_um);

        if (l->contact_on_mn != 0)
                n += snprintf(buf + n, NOTE_WORDS_MAX - (size_t) n, " contact-on=%" PRIi32 " contact-off=%" PRIi32, l->contact_on_mn,
                              l->contact_off_mn);
        return n;
}

/* 0: it has no words. */
static int format_note(const Note *note, char *buf) {
        const char *word;

        switch (note->kind) {
        case NOTE_LIMITS:
                return format_limits(&note->limits, buf);
        case NOTE_PAUSE:
                return snprintf(buf, NOTE_WORDS_MAX, "pause%s", note->number == NOTE_PAUSE_IDLE ? " idle" : "");
        case NOTE_RESUME:
                return snprintf(buf, NOTE_WORDS_MAX, "resume");
        case NOTE_STAGE:
                return snprintf(buf, NOTE_WORDS_MAX, "stage %s", note->number == STAGE_NONE ? none : stage_name((Stage) note->number));
        case NOTE_AREA:
                word = omp_name(OMP_WORDS_AREA, note->number);
                return word ? snprintf(buf, NOTE_WORDS_MAX, "area %s", word) : 0;
        case NOTE_MARK:
                return snprintf(buf, NOTE_WORDS_MAX, "mark %s", note->text);
        case NOTE_ALERT:
                if (!note_alert_name(note->number) || !level_word(note->level))
                        return 0;
                return snprintf(buf, NOTE_WORDS_MAX, "alert %s %s %" PRIi32, note_alert_name(note->number), level_word(note->level),
                                note->value);
        case _NOTE_KIND_MAX:
                break;
        }

        return 0;
}

int note_format(const uint8_t *data, size_t size, char buf[static NOTE_WORDS_MAX]) {
        uint8_t again[NOTE_SIZE_MAX];
        Note note;
        int n = 0;

        if (size == 0 || size > NOTE_OCTETS_MAX)
                return -EINVAL;

        if (note_decode(data, size, &note) >= 0 && note_encode(&note, again) == (int) size && memcmp(data, again, size) == 0)
                n = format_note(&note, buf);

        return n > 0 ? n : format_octets(data, size, buf);
}

/* ---- And back ---- */

typedef struct Words {
        size_t n;
        struct {
                const char *at;
                size_t size;
        } of[WORDS_MAX];
} Words;

static bool is_blank(char c) {
        return c == ' ' || c == '\t';
}

/* False: more than any note has. */
static bool split(const char *text, size_t size, Words *ret) {
        *ret = (Words) { 0 };
        for (const char *p = text, *end = text + size; p < end;) {
                const char *first;

                while (p < end && is_blank(*p))
                        p++;
                for (first = p; p < end && !is_blank(*p); p++)
                        ;
                if (p == first)
                        break;
                if (ret->n == WORDS_MAX)
                        return false;
                ret->of[ret->n].at = first;
                ret->of[ret->n++].size = (size_t) (p - first);
        }

        return true;
}

static bool word_is(const Words *words, size_t i, const char *s) {
        return i < words->n && s && words->of[i].size == strlen(s) && memcmp(words->of[i].at, s, words->of[i].size) == 0;
}

static bool read_number(const char *p, size_t size, int64_t min, int64_t max, int64_t *ret) {
        bool negative = size > 0 && *p == '-';
        int64_t v = 0;

        if (size == (size_t) negative || size > 11u)
                return false;
        for (size_t i = negative; i < size; i++) {
                if (p[i] < '0' || p[i] > '9')
                        return false;
                v = v * 10 + (p[i] - '0');
        }

        *ret = negative ? -v : v;
        return *ret >= min && *ret <= max;
}

static const char *parse_limits(const Words *words, Note *note) {
        int64_t values[N_LIMITS] = { 0 };

        if (words->n != 1 + N_LIMITS && words->n != 1 + N_LIMITS_WITHOUT_CONTACT)
                return "the limits are not six or eight, as name=number";
        for (size_t i = 0; i < words->n - 1; i++) {
                size_t length = strlen(limit_words[i].word);
                const char *word = words->of[1 + i].at;
                bool negative = limit_words[i].is_signed;

                if (words->of[1 + i].size <= length || memcmp(word, limit_words[i].word, length) != 0 || word[length] != '=' ||
                    !read_number(word + length + 1, words->of[1 + i].size - length - 1, negative ? INT32_MIN : 0,
                                 negative ? INT32_MAX : UINT32_MAX, &values[i]))
                        return "the limits are not overpressure, hysteresis, zone-low, zone-high, time-limit and depth-max, and after them "
                               "contact-on and contact-off or nothing, as name=number";
        }

        note->limits = (NoteLimits) { (int32_t) values[0], (int32_t) values[1], (int32_t) values[2], (int32_t) values[3],
                                      (uint32_t) values[4], (uint32_t) values[5], (int32_t) values[6], (int32_t) values[7] };
        return NULL;
}

static const char *parse_stage(const Words *words, Note *note) {
        for (unsigned i = 0; words->n == 2 && i < _STAGE_MAX; i++)
                if (word_is(words, 1, i == STAGE_NONE ? none : stage_name((Stage) i))) {
                        note->number = (uint8_t) i;
                        return NULL;
                }

        return "the stage is none of none, cleanse, numb, needling and aftercare";
}

static const char *parse_area(const Words *words, Note *note) {
        for (unsigned i = 0; words->n == 2 && i <= UINT8_MAX; i++)
                if (word_is(words, 1, omp_name(OMP_WORDS_AREA, i))) {
                        note->number = (uint8_t) i;
                        return NULL;
                }

        return "the profile has no area of this name";
}

static const char *parse_alert(const Words *words, Note *note) {
        int64_t value;
        unsigned code = 0, level = 0;

        if (words->n != 4)
                return "an alert is its code, its level and its value";
        while (note_alert_name((uint8_t) code) && !word_is(words, 1, note_alert_name((uint8_t) code)))
                code++;
        if (!note_alert_name((uint8_t) code))
                return "there is no alert of this name";
        while (level_word((uint8_t) level) && !word_is(words, 2, level_word((uint8_t) level)))
                level++;
        if (!level_word((uint8_t) level))
                return "the level of an alert is none of cleared, notice, warning and alarm";
        if (!read_number(words->of[3].at, words->of[3].size, INT32_MIN, INT32_MAX, &value))
                return "the value of an alert is not a number of 32 bits";

        note->number = (uint8_t) code;
        note->level = (uint8_t) level;
        note->value = (int32_t) value;
        return NULL;
}

static const char *parse_note(const Words *words, Note *note) {
        static const char unknown[] = "what was noted is none of limits, pause, resume, stage, area, alert and octets";

        *note = (Note) { .kind = _NOTE_KIND_MAX };
        for (unsigned i = 0; i < _NOTE_KIND_MAX; i++)
                if (word_is(words, 0, kind_words[i]))
                        note->kind = (NoteKind) i;

        switch (note->kind) {
        case NOTE_LIMITS:
                return parse_limits(words, note);
        case NOTE_PAUSE:
                note->number = word_is(words, 1, "idle") ? NOTE_PAUSE_IDLE : NOTE_PAUSE_BY_HAND;
                return words->n == 1u + note->number ? NULL : "a pause is idle or nothing";
        case NOTE_RESUME:
                return words->n == 1 ? NULL : "something stands behind the end of the line";
        case NOTE_STAGE:
                return parse_stage(words, note);
        case NOTE_AREA:
                return parse_area(words, note);
        case NOTE_ALERT:
                return parse_alert(words, note);
        case NOTE_MARK:                 /* has a line of its own, with its blanks */
        case _NOTE_KIND_MAX:
                break;
        }

        return unknown;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "octets" has been read. */
static int parse_octets(const char *p, const char *end, uint8_t *data) {
        int n = 0;

        while (p < end) {
                if (is_blank(*p)) {
                        p++;
                        continue;
                }
                if (end - p < 2 || hex_digit(p[0]) < 0 || hex_digit(p[1]) < 0 || n >= (int) NOTE_OCTETS_MAX)
                        return -EBADMSG;
                data[n++] = (uint8_t) (hex_digit(p[0]) << 4 | hex_digit(p[1]));
                p += 2;
        }

        return n > 0 ? n : -EBADMSG;
}

int note_parse(const char *words, size_t length, uint8_t data[static 512], const char **ret_problem) {
        static const char key[] = "octets";
        const char *end = words + length, *problem = "more words than a note has";
        uint8_t buf[NOTE_SIZE_MAX];
        Words split_words;
        Note note;
        int n;

        while (words < end && is_blank(*words))
                words++;
        if ((size_t) (end - words) >= sizeof(key) - 1 && memcmp(words, key, sizeof(key) - 1) == 0) {
                n = parse_octets(words + sizeof(key) - 1, end, data);
                *ret_problem = "the octets of a note are not 1 to 512, of two hexadecimal digits each";
                return n;
        }

        if (split(words, (size_t) (end - words), &split_words))
                problem = parse_note(&split_words, &note);
        if (problem) {
                *ret_problem = problem;
                return -EBADMSG;
        }

        n = note_encode(&note, buf);
        memcpy(data, buf, (size_t) n);
        return n;
}
