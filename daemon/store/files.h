/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lies beside the database: files that were put aside ("<path>.corrupt-…", "<path>.v<version>", with their -wal), and the backups that
 * were made before migrations ("<path>.backup-v<version>"). */

#include <stdbool.h>
#include <stdint.h>

/* Names of what was put aside; NULL-terminated, free with g_strfreev(). NULL: the folder cannot be read. */
char **files_aside(const char *path);
/* Likewise, and of backups. */
char **files_remaining(const char *path);
/* Also if the folder cannot be read. */
bool files_has_aside(const char *path);
/* Those that were put aside for their version, and are of at most this one; without their -wal. As files_aside(). */
char **files_readable_aside(const char *path, int version);
/* One of these, with its -wal and the backup that was made of it. False: something is left. */
bool files_remove_taken(const char *name);
/* Syncs the folder that `path` lies in: what was renamed or removed there is durable, as far as the disk can be asked. */
void files_sync_folder(const char *path);
/* Removes them, durably; what cannot be removed stays. Returns their octets. */
uint64_t files_remove_aside(const char *path);
/* Likewise backups that were written before that time by the wall clock; UINT64_MAX: all. */
uint64_t files_remove_backups(const char *path, uint64_t before_usec);
