/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Text on its way to a terminal. Aliases, advertised names and notes come from strangers: nothing of theirs
 * may move the cursor, change colours, turn the reading direction or break a line. */

#include <glib.h>
#include <stdbool.h>

/* Whether the terminal's character set is UTF-8 (the default); else what is beyond ASCII is shown as '?'. */
void text_set_utf8(bool utf8);
bool text_is_utf8(void);

/* One line with nothing but printable characters; what is not becomes a replacement character, line ends and
 * tabs a space. With --redact names are replaced (redact_text). NULL becomes "". Never fails; the caller frees. */
char *text_printable(const char *s);
/* The same for a file, which is UTF-8 whatever the terminal is. */
char *text_printable_utf8(const char *s);

/* Columns that a printable text takes on a terminal. */
unsigned text_width(const char *s);

/* A copy of a printable text that takes at most `columns`; where something was cut off, the last column
 * shows that. */
char *text_fit(const char *s, unsigned columns);

/* Broken between words so that no line is longer than `columns` (0: no limit) where words allow it, all but the
 * first indented; the first begins at `indent` already. Of a printable text; the caller frees. */
char *text_wrap(const char *s, unsigned columns, unsigned indent);

/* As text_fit(), and filled up with spaces to exactly `columns`. */
char *text_pad(const char *s, unsigned columns, bool right);
