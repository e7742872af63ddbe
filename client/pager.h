/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A pager for what does not fit on the terminal. stdout is gathered from pager_begin() on, and shown by pager_end():
 * a message on stderr and the end of the program call it. */

#include <stdbool.h>

/* The command, as words; NULL: none is wanted. $NEEDLECTL_PAGER, else $PAGER, else less; no shell sees it. Under sudo
 * (`elevated`) it is less unless $NEEDLECTL_PAGER names another. The caller frees it (g_strfreev). */
char **pager_command(const char *own, const char *common, bool elevated);

/* Rows that a text takes, whose lines are wrapped at `columns`. */
unsigned pager_rows(const char *text, unsigned columns);

/* Nothing where stdout is no terminal. */
void pager_begin(void);
void pager_end(void);
