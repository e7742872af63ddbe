/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What may come next on a command line: the three shells' completions ask `needlectl complete -- WORD…`, so that there
 * is one answer. */

#include <glib.h>
#include <stdbool.h>

#include "client/client.h"

typedef struct Completion {
        Client *client;
        Objects objects;
        bool asked, answered;   /* the service */
        const char *before;     /* stands before each proposal: "--format=" */
        const char *typed;      /* how a proposal begins */
        GPtrArray *lines;       /* "WORD\tMEANING" or "WORD"; char *, owned */
} Completion;

/* `words` follow the program's name; the last is the one that is being typed, "" if it is not begun. */
void complete(Completion *completion, char **words, int n_words);
