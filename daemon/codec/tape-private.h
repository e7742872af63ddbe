/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the reader and the writer of a tape must see the same way: what may stand on it, and how channels are called. */

#include "needled/omp.h"
#include "needled/tape.h"

#define TAPE_MAGIC "needled-tape"
#define TAPE_TIME_MAX 9999999999999999u /* µs: ten digits of seconds */

static inline bool tape_is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Whole UTF-8 without control characters: what a person wrote, on one line. */
bool tape_text_is_clean(const char *text, size_t size);
/* One word of printable ASCII. */
bool tape_profile_is_valid(const char *profile, size_t size);
/* RFC 4122 in lower case. */
bool tape_uuid_is_valid(const char *uuid, size_t size);

/* "up", "lost", "suspended" for a FrameLink; NULL: none. */
const char *tape_link_name(unsigned link);

/* What is wrong with a channel that comes after those which `head` has: a sentence, or NULL. */
const char *tape_channel_problem(const TapeHead *head, const TapeChannel *channel);
/* The channel of this name, or -1. */
int tape_channel_from_name(const TapeHead *head, const char *name, size_t size);

/* Days since 1970-01-01 in the Gregorian calendar, and back, for years from 1970 to 9999. */
unsigned tape_days_from_date(unsigned year, unsigned month, unsigned day);
void tape_date_from_days(unsigned days, unsigned *ret_year, unsigned *ret_month, unsigned *ret_day);
