/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Dictionaries of options (a{sv}) in, dictionaries of values out. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "needled/figures.h"

#define OPTIONS_LABEL_MAX 64u   /* characters of an alias, a subject, a product */
#define OPTIONS_NOTE_MAX 1024u

typedef struct Option {
        const char *name;       /* NULL, in the last one: all other names, which a later version may know */
        char type;              /* of D-Bus: b, u, i, t, s or o; 0: of the contract, but not of this daemon yet */
        void *value;            /* bool *, uint32_t *, int32_t *, uint64_t * or const char ** (borrowed from the message);
                                 * untouched if the option is not given */
        bool *given;            /* may be NULL */
} Option;

/* Reads the next argument of `m`, a{sv}; 64 options are the most. Errors: InvalidArgument that names an unknown option, one of the wrong type or one
 * that is given twice, NotSupported likewise. */
int options_read(sd_bus_message *m, const Option *options, size_t n, sd_bus_error *error);

/* -EINVAL with InvalidArgument that names `what`: longer than `max` characters, or with control characters,
 * which could forge lines on a terminal or in a log (`lines`: newlines are fine). */
int options_check_text(const char *what, const char *text, unsigned max, bool lines, sd_bus_error *error);
int options_check_area(const char *area, sd_bus_error *error);

/* Append one entry to an open a{sv}. Empty strings are left out: an unknown value is an absent key. */
int dictionary_string(sd_bus_message *m, const char *key, const char *value);
int dictionary_basic(sd_bus_message *m, const char *key, char type,
                     const void *value); /* as sd_bus_message_append_basic() */
/* The same, step by step, for a value of type `type`, an array or one letter: entry, key, variant, array; the value; the end of all of them. */
int dictionary_open(sd_bus_message *m, const char *key, const char *type);
int dictionary_close(sd_bus_message *m, const char *type);
/* An array of numbers of one type, at once. */
int dictionary_array(sd_bus_message *m, const char *key, char type, const void *values, size_t size);
/* One entry of an open a{st}. */
int dictionary_count(sd_bus_message *m, const char *key, uint64_t value);
/* The figures that are known; those with a dot in their name are gathered in one a{st} each. */
int dictionary_figures(sd_bus_message *m, const Figures *figures);
