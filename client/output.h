/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What goes where: data on stdout, messages on stderr. Colours only where they are wanted. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

#include "client/exit.h"

typedef enum Style {
        STYLE_PLAIN,
        STYLE_BOLD,
        STYLE_DIM,
        STYLE_GOOD,
        STYLE_WARN,
        STYLE_BAD,
        _STYLE_MAX,
} Style;

/* `color`: "auto" (or NULL), "always", "never"; NO_COLOR, TERM=dumb and a stdout that is no terminal mean
 * never to "auto". `quiet` silences output_say(). -EINVAL for another word. */
int output_init(const char *color, bool quiet);
bool output_has_color(void);

/* The sequence that switches a style on (STYLE_PLAIN: all off), "" without colour. */
const char *output_style(Style style);
/* The same, for whoever decides about colour itself. */
const char *style_sequence(Style style);

/* A message for the user, silent under -q: what was done, what to do next. */
void output_say(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* What went wrong; never silent. Both make what they print printable. */
void output_error(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* One object on stdout: on a terminal indented, else one line. */
void output_json(const json_t *json);
/* One line, at once; false: stdout takes no more. */
bool output_line(const char *line);
void output_json_line(const json_t *json);

/* For who writes to stdout by himself: it took no more, for this errno. output_finish() says so. */
void output_failed(int error);

/* Writes out what is buffered. EXIT_FAILED, with a message, if stdout did not take it all (disk full,
 * closed). A pipe that nobody reads ends the program silently by SIGPIPE, as usual; EXIT_FAILED where that is ignored. */
Exit output_finish(void);
