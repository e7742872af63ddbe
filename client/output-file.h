/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Where a tape goes: stdout, or a file that nobody else may read. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/exit.h"

typedef struct OutputFile {
        const char *path;       /* NULL: stdout */
        FILE *file;             /* NULL: closed */
        int error;              /* errno of what it did not take, 0: nothing */
        bool ours;              /* the file was not there before: it may go again */
        char *temporary, *place; /* one is put in the place of the other when it is whole; NULL: is there from the beginning */
} OutputFile;

/* NULL and "-". */
bool output_file_is_stdout(const char *path);

/* A file (0600) that is at its place once it was closed, with `force` in that of what is there. */
Exit output_file_open(OutputFile *f, const char *path, bool force);
/* Likewise, but good at every moment: a new one is there from the beginning, and stays whatever ends the program. */
Exit output_file_open_growing(OutputFile *f, const char *path, bool force);
/* False: it takes no more. output_file_close() says why. */
bool output_file_write(OutputFile *f, const char *data, size_t size);
bool output_file_flush(OutputFile *f);
/* EXIT_FAILED: not all of it could be written. Nothing for one that is closed. */
Exit output_file_close(OutputFile *f);
/* Closes what is not whole, and removes it if it was made by us. What was there before stays. Returns what became of
 * it, as a part of a sentence. */
const char *output_file_discard(OutputFile *f);
