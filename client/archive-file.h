/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Archives of exported sessions: tar, plain or compressed, and zip. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "client/exit.h"

/* By the end of its name: .tar, .tar.gz, .tgz, .tar.zst, .zip. */
bool archive_file_is_name(const char *path);

/* ---- Writing ---- */

typedef struct ArchiveWriter ArchiveWriter;

/* Made anew, 0600; what is there is written over only with `force`. "-" is stdout, which needs a name to tell the kind
 * by: it is refused. EXIT_FAILED; the user was told. */
Exit archive_writer_open(const char *path, bool force, ArchiveWriter **ret);
/* A member with what was written into `content` so far. `name` is ours: no path. EXIT_FAILED likewise. */
Exit archive_writer_add(ArchiveWriter *writer, const char *name, FILE *content, uint64_t mtime_usec);
/* The end: only now the archive is at its place. EXIT_FAILED likewise; frees it in any case. */
Exit archive_writer_close(ArchiveWriter *writer);
/* Without a trace, but for what was written to stdout. */
ArchiveWriter *archive_writer_discard(ArchiveWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveWriter, archive_writer_discard)

/* ---- Reading ---- */

#define ARCHIVE_MEMBERS_MAX 100000u

typedef struct ArchiveReader ArchiveReader;

/* Takes `file`, and closes it in any case. NULL: it is no archive, or not one that can be read; *ret_problem says so,
 * the end of a sentence. */
ArchiveReader *archive_reader_new(FILE *file, char **ret_problem);
ArchiveReader *archive_reader_free(ArchiveReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ArchiveReader, archive_reader_free)

/* The next file in it: 1, its name and what it holds, to be closed before the next one; 0 at the end; -EBADMSG,
 * *ret_problem says why. Folders, links and devices are passed over. */
int archive_reader_next(ArchiveReader *reader, char **ret_name, FILE **ret_content, char **ret_problem);
