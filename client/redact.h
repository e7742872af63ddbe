/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* --redact: what tells who and where (addresses, aliases, serial numbers, subjects, notes and other labels, users,
 * the host) gets another name, the same wherever it stands: device-1, subject-2, … Figures, times and states stay.
 * What the service answers teaches the names (redact_learn); all that is printed passes redact_text() in
 * text_printable(), or redact_json(). Without redact_enable() nothing happens. */

#include <jansson.h>
#include <stdbool.h>

typedef enum RedactKind {
        REDACT_DEVICE,
        REDACT_SERIAL,
        REDACT_SUBJECT,
        REDACT_PRODUCT,
        REDACT_NOTE,            /* marks too */
        REDACT_USER,
        REDACT_HOST,
        _REDACT_KIND_MAX,
} RedactKind;

/* From now on; the host and who calls are learned. */
void redact_enable(void);
bool redact_is_on(void);
/* Forgets all, for tests. */
void redact_reset(void);

void redact_learn_word(RedactKind kind, const char *word);
/* All names in an answer of the service, or in what is to be printed as JSON. */
void redact_learn(const json_t *json);

/* The other name of a whole one; the name itself if it is not known. Borrowed. */
const char *redact_name(const char *name);
/* A copy with other names for those that stand in it as words, and for all that looks like a Bluetooth address. */
char *redact_text(const char *text);
/* The same of a message (an error, an entry of the log, a finding): aliases that are common words too ("pen"). */
char *redact_message(const char *text);
/* A new reference; keys and numbers stay. */
json_t *redact_json(const json_t *json);
