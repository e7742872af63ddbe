/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a stored event says, as keys and values: for GetEvents(), and for whoever writes sessions in another format. */

#include "needled/omp-words.h"
#include "store/store.h"

typedef struct EventField {
        const char *key;
        char type;              /* of D-Bus: s u b d t */
        union {
                const char *s;
                uint32_t u;
                int b;
                double d;
                uint64_t t;
        };
} EventField;

#define EVENT_FIELDS_MAX 8u

typedef struct EventFields {
        EventField fields[EVENT_FIELDS_MAX]; /* time, realtime, kind, and what its kind has */
        unsigned n;
        char word[OMP_WORD_SIZE], level[OMP_WORD_SIZE];
        char *text;
} EventFields;

/* False: of a kind that a later version has written. Texts are the event's and the fields' own. */
bool event_fields_init(EventFields *ret, const StoreEvent *event);
void event_fields_done(EventFields *fields);
