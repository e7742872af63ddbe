/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A full screen for the live view, and the terminal as it was before however the program ends. */

#include <glib.h>
#include <stdbool.h>

/* Takes the terminal over: second screen, no cursor, keys without Enter (where stdin is a terminal too).
 * Negative errno. Whatever ends the program from now on, a crash included, gives it back; so does
 * terminal_leave(), which may be called at any time. */
int terminal_enter(void);
void terminal_leave(void);

/* Whether stdout can show a screen at all. */
bool terminal_is_screen(void);

void terminal_size(unsigned *ret_columns, unsigned *ret_rows);

/* Shows the lines (char *, one for each row) in one write: only the rows that changed since the last time.
 * False: the terminal is gone. */
bool terminal_paint(const GPtrArray *lines);
/* The next time all of them: the terminal was resized, or something else wrote to it. */
void terminal_forget(void);

/* A key that was pressed, 0 if there is none, -EIO if stdin is at its end. */
int terminal_read_key(void);
