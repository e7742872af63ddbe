/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The file: opening it whatever state it is in, putting aside what cannot be used, and the sentences for
 * people about it. */

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Database {
        sqlite3 *db;
        bool unclean;           /* it was not closed the last time it was written */
        bool fresh;             /* there was none, or it was put aside */
        bool has_aside;         /* others were put aside: ids were used that this one does not know */
        char *put_aside;        /* name of what was put aside, NULL */
        char *reason;           /* the sentence that goes with put_aside */
        uint64_t next_session_id; /* at least: as far as what was put aside could tell, 0 */
} Database;

/* Opens or creates. What is damaged, not ours or from a newer version is renamed first, with its -wal, and a
 * new one is made. 0; else negative errno, nothing is open and *ret_reason says what happened and what to
 * do: -EACCES, -EROFS, -ENOENT, -EISDIR, -ENOTDIR, -ELOOP, -EBUSY, -ENOSPC, -EIO. Free the members with
 * database_done(). */
int database_open(const char *path, Database *ret, char **ret_reason);
/* Closes as it is: nothing is checkpointed. */
void database_done(Database *database);
/* The reader's connection. SQLite's result code. */
int database_open_reader(const char *path, sqlite3 **ret);

/* A file that was put aside for its version: opened for writing, looked through, and led on to this version as the database would be. SQLite's result code;
 * SQLITE_NOTADB: not ours, or of a newer version; SQLITE_CORRUPT: damaged. Whatever it is, the file stays. */
int database_open_aside(const char *path, sqlite3 **ret);

/* Renames the file, which no connection may have open, to a free name: "<path>.corrupt-<UTC time>" (version
 * 0) or "<path>.v<version>". 0 or negative errno. */
int database_put_aside(const char *path, int version, char **ret_name);
/* Closes without a checkpoint: for what is going to be put aside or opened anew. */
void database_abandon(sqlite3 *db);

/* That the file itself is unusable, not the disk. */
bool database_is_damage(int rc);
/* What went wrong and what to do, as a sentence; `doing` is "write to" or "open". */
char *database_explain(const char *path, const char *doing, int rc, int system_errno);
int database_errno(int rc);
