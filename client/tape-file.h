/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A tape in a file or a pipe, read line by line. */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "client/exit.h"
#include "needled/tape.h"
#include "profiles/profile.h"

typedef struct TapeFile {
        char *name;             /* for messages */
        FILE *file;
        TapeReader reader;
        char *problem;          /* after an error: "FILE:LINE: reason", for the user */
        char text[TAPE_LINE_MAX + 1]; /* the newest line as it came, with its end */
        size_t size;
} TapeFile;

/* "-" is stdin. EXIT_NOT_FOUND, EXIT_FAILED; the user was told. */
Exit tape_file_open(TapeFile *t, const char *path);
/* A file that is open already; it is taken. */
void tape_file_take(TapeFile *t, FILE *file, const char *name);
void tape_file_close(TapeFile *t);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TapeFile, tape_file_close)

/* The next line: 1, or 0 at the end. Negative errno: it is no tape from here on, or cannot be read, as `problem`
 * says; what came before is good. */
int tape_file_line(TapeFile *t, TapeLine *ret);
/* Whether the newest line came with its end. */
bool tape_file_line_is_whole(const TapeFile *t);
/* The next line that is a frame, a mark or the end: then the head is whole. Likewise. */
int tape_file_next(TapeFile *t, TapeLine *ret);

/* The profile that the tape names, NULL for "omp1", once its head is whole. It lives as long as `profiles`.
 * EXIT_NOT_FOUND: this host has no such profile; the user was told. */
Exit tape_file_profile(const TapeFile *t, const Profiles *profiles, const VendorProfile **ret);

/* The channel of `vendor` that a channel of the tape is, by its UUID, else by its name: the profile's file may have
 * been edited since. Without a line of the head the number stands. -ENOENT: it is none of the profile's. */
int tape_file_channel(const TapeHead *head, uint8_t channel, const VendorProfile *vendor);

/* Says so if `n` frames of the tape were of characteristics that its profile does not have here. */
void tape_file_unplaced(const TapeFile *t, uint64_t n);
