/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* D-Bus values as JSON values: what the client works with, and what --json prints. */

#include <jansson.h>
#include <systemd/sd-bus.h>

#include "needled/figures.h"

static inline void json_release(json_t **json) {
        json_decref(*json);
}
#define json_auto __attribute__((cleanup(json_release))) json_t

/* Reads the next complete value of a message, whatever its type: dictionaries become objects (keys that are
 * numbers are written out), arrays and structs arrays, variants their content. A number that JSON cannot
 * hold is cut to the largest it can, not-a-number becomes null, and so does a file descriptor. Negative
 * errno of sd-bus. */
int json_from_message(sd_bus_message *m, json_t **ret);

/* The properties of one object ("StateReason": …) as the dictionaries of the API have them ("state_reason":
 * …): an unknown value (empty text, the path "/", battery 255, owner 4294967295, a time or signal of 0) is
 * an absent key. A new reference. */
json_t *json_from_properties(const json_t *properties);

/* Figures as Session1.GetFigures gives them. A new reference. */
json_t *json_from_figures(const Figures *figures);

/* A text from outside, such as a path: what is no UTF-8 in it becomes U+FFFD. A new reference. */
json_t *json_of_text(const char *text);

/* Members of an object; "" or 0 where they are absent or of another type. */
const char *json_text(const json_t *object, const char *key);
int64_t json_number(const json_t *object, const char *key);

/* The objects of an array by this number of theirs, then by "id". A new reference. */
json_t *json_sorted(const json_t *array, const char *key);

/* JSON in one line, and indented for people. Control and format characters are escaped, so that either can
 * be looked at on a terminal. The caller frees. */
char *json_line(const json_t *json);
char *json_indented(const json_t *json);
