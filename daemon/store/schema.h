/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The shape of the database and how it grows: `application_id` says whose it is, `user_version` which shape;
 * one migration leads from each version to the next, in one transaction, after a copy of the whole. Figures
 * are nullable columns named after figures.h; those that an older daemon did not know are added without a
 * version, since nothing else changes with them.
 *
 * Functions return SQLite's (extended) result codes, if nothing else is said. */

#include <sqlite3.h>
#include <stdbool.h>

#include "needled/figures.h"

#define SCHEMA_APPLICATION_ID 0x6e646c64 /* "ndld" */
#define SCHEMA_VERSION 6
/* Of the code that derives figures and the summaries of chunks: stored beside them, so that one can tell which are to be derived
 * again. Before 3 the summaries of an imported session had what the device had stored itself at the times of its frames. */
#define SCHEMA_FIGURES_VERSION 3
#define SCHEMA_SUMMARY_VERSION 2        /* since when those of all others are right */

typedef enum SchemaKind {
        SCHEMA_EMPTY,           /* nothing in it yet */
        SCHEMA_OLDER,
        SCHEMA_CURRENT,
        SCHEMA_NEWER,
        SCHEMA_FOREIGN,         /* a database, but not ours */
} SchemaKind;

typedef int (*SchemaMigration)(sqlite3 *db);

/* Flags and settings of a connection, before anything is read. */
int schema_configure(sqlite3 *db);
int schema_identify(sqlite3 *db, SchemaKind *ret_kind, int *ret_version);
/* WAL, migrations with their backup, figures. `path` is the database's. */
int schema_prepare(sqlite3 *db, const char *path, SchemaKind kind, int version);
/* The step that schema_prepare() takes, for any list: migrations[v] leads from v to v + 1. From version 1
 * on, the whole is first copied to "<path>.backup-v<version>" (0600). */
int schema_migrate(sqlite3 *db, const char *path, int version, const SchemaMigration *migrations, int n);
/* Adds the columns of figures that the database does not have yet. */
int schema_add_figures(sqlite3 *db);

/* The column of a figure: its name with underscores for dots; free it. */
char *schema_figure_column(Figure figure);
/* `, "name", "name"…`, each figure once, with `after` behind each name: `limit` is a word of SQL. */
char *schema_figure_columns(const char *after);

/* The first column of the first row; SQLITE_NOTFOUND: there is none. */
int schema_get_int(sqlite3 *db, const char *sql, sqlite3_int64 *ret);
int schema_get_meta(sqlite3 *db, const char *key, sqlite3_int64 *ret); /* SQLITE_NOTFOUND: not there */
int schema_set_meta(sqlite3 *db, const char *key, sqlite3_int64 value);
/* Runs statements without parameters. */
int schema_exec(sqlite3 *db, const char *sql);
