/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "codec/tape-private.h"
#include "codec/utf8.h"

#define UNNAMED "channel-"

/* ---- Text ---- */

bool tape_text_is_clean(const char *text, size_t size) {
        while (size > 0) {
                uint32_t c;
                size_t n = utf8_next(text, size, &c);

                if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0))
                        return false;
                text += n;
                size -= n;
        }

        return true;
}

bool tape_profile_is_valid(const char *profile, size_t size) {
        for (size_t i = 0; i < size; i++)
                if (profile[i] <= ' ' || profile[i] > '~')
                        return false;

        return size > 0 && size < TAPE_TEXT_MAX;
}

bool tape_uuid_is_valid(const char *uuid, size_t size) {
        static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

        if (size != sizeof(pattern) - 1)
                return false;
        for (size_t i = 0; i < size; i++)
                if (pattern[i] == 'x' ? !(tape_is_digit(uuid[i]) || (uuid[i] >= 'a' && uuid[i] <= 'f')) : uuid[i] != '-')
                        return false;

        return true;
}

const char *tape_link_name(unsigned link) {
        static const char *const names[] = { [FRAME_LINK_UP] = "up", [FRAME_LINK_LOST] = "lost", [FRAME_LINK_SUSPENDED] = "suspended" };

        return link < sizeof(names) / sizeof(names[0]) ? names[link] : NULL;
}

/* ---- Channels ---- */

static bool head_is_omp(const TapeHead *head) {
        return strcmp(head->profile, "omp1") == 0;
}

static bool name_is_valid(const char *name) {
        size_t size = strnlen(name, TAPE_NAME_MAX + 1);

        for (size_t i = 0; i < size; i++)
                if (!(tape_is_digit(name[i]) || (name[i] >= 'a' && name[i] <= 'z') || name[i] == '-'))
                        return false;

        return size > 0 && size <= TAPE_NAME_MAX;
}

static bool word_is(const char *word, size_t size, const char *s) {
        return strlen(s) == size && memcmp(word, s, size) == 0;
}

/* "channel-7" → 7; -1 if it is none of those. */
static int unnamed_number(const char *name, size_t size) {
        size_t prefix = sizeof(UNNAMED) - 1;
        int number = 0;

        if (size <= prefix || size > prefix + 3 || memcmp(name, UNNAMED, prefix) != 0)
                return -1;
        if (name[prefix] == '0' && size > prefix + 1)
                return -1;
        for (size_t i = prefix; i < size; i++) {
                if (!tape_is_digit(name[i]))
                        return -1;
                number = number * 10 + (name[i] - '0');
        }

        return number <= UINT8_MAX ? number : -1;
}

static int omp_number(const TapeHead *head, const char *name, size_t size) {
        if (head_is_omp(head))
                for (unsigned c = 0; c < _OMP_CHAR_MAX; c++)
                        if (word_is(name, size, omp_char_name((OmpChar) c)))
                                return (int) c;

        return -1;
}

int tape_channel_from_name(const TapeHead *head, const char *name, size_t size) {
        int number;

        for (size_t i = 0; i < head->n_channels; i++)
                if (word_is(name, size, head->channels[i].name))
                        return head->channels[i].channel;

        number = omp_number(head, name, size);
        return number >= 0 ? number : unnamed_number(name, size);
}

const char *tape_channel_problem(const TapeHead *head, const TapeChannel *channel) {
        char known[TAPE_NAME_MAX + 1];

        if (head->profile[0] == '\0')
                return "a channel before the profile";
        if (!name_is_valid(channel->name))
                return "the name of a channel is not 1 to 32 of a-z, 0-9 and -";
        if (channel->uuid[0] != '\0' && !tape_uuid_is_valid(channel->uuid, strnlen(channel->uuid, sizeof(channel->uuid))))
                return "this is not a UUID of 128 bits";
        for (size_t i = 0; i < head->n_channels; i++)
                if (head->channels[i].channel == channel->channel || strcmp(head->channels[i].name, channel->name) == 0)
                        return "this channel is there twice";
        if (head->n_channels >= TAPE_CHANNELS_MAX)
                return "more than 32 channels";

        /* A name that stands for another number without a line must not get a second meaning, and OMP's keep their names. */
        if (head_is_omp(head) && channel->channel < _OMP_CHAR_MAX) {
                if (strcmp(tape_channel_name(head, channel->channel, known), channel->name) != 0)
                        return "the profile omp1 has another name for this channel";
        } else {
                int number = tape_channel_from_name(head, channel->name, strlen(channel->name));

                if (number >= 0 && number != channel->channel)
                        return "this name belongs to another channel";
        }

        return NULL;
}

const char *tape_channel_name(const TapeHead *head, uint8_t channel, char buf[static TAPE_NAME_MAX + 1]) {
        size_t n = sizeof(UNNAMED) - 1;

        for (size_t i = 0; i < head->n_channels; i++)
                if (head->channels[i].channel == channel)
                        return head->channels[i].name;
        if (head_is_omp(head) && channel < _OMP_CHAR_MAX)
                return omp_char_name((OmpChar) channel);

        memcpy(buf, UNNAMED, n);
        for (unsigned place = 100; place > 0; place /= 10)
                if (channel >= place || place == 1)
                        buf[n++] = (char) ('0' + channel / place % 10);
        buf[n] = '\0';
        return buf;
}

/* ---- Dates ---- */

/* In a year that begins in March the leap day comes last, and the months before one take (153 m + 2) ÷ 5 days. */
unsigned tape_days_from_date(unsigned year, unsigned month, unsigned day) {
        unsigned y = year - (month <= 2), m = month > 2 ? month - 3 : month + 9;

        return y * 365 + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

void tape_date_from_days(unsigned days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day) {
        unsigned d = days + 719468, era = d / 146097, in_era = d % 146097; /* 400 years */
        unsigned y = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
        unsigned in_year = in_era - (365 * y + y / 4 - y / 100), m = (5 * in_year + 2) / 153;

        *ret_day = in_year - (153 * m + 2) / 5 + 1;
        *ret_month = m < 10 ? m + 3 : m - 9;
        *ret_year = era * 400 + y + (*ret_month <= 2);
}
