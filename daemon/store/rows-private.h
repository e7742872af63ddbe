/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What rows.c (the statements, and what is written of a live session), rows-whole.c (sessions that come or go whole) and rows-read.c
 * (rows as structs) share. */

#include "store/rows.h"

#define DEVICE_COLUMNS                                                                                      \
        "address, address_type, path, adapter, name, alias, profile, manufacturer, model, serial, firmware,"  \
        " kind, owner, bonded, allow_unbonded, auto_connect, adopted_realtime, released, released_until"
#define SESSION_COLUMNS                                                                                     \
        "id, uuid, device_address, device_alias, profile, owner, owner_name, boot_id, utc_offset_sec,"        \
        " start_boottime, start_realtime, subject, area, product, note, channels, acknowledged, rating"
#define PLAN_COLUMNS "owner, subject, owner_name, rest_300, rest_500, rest_1000, rest_deeper, weekly_max, course_weeks"

/* The statement, ready for its values. */
int rows_prepare(Rows *rows, RowsStatement statement, sqlite3_stmt **ret);
/* The places are our own and the values stay where they are: nothing is copied, nothing can fail. NULL is "". */
void rows_bind_text(sqlite3_stmt *stmt, int at, const char *text);
void rows_bind_u64(sqlite3_stmt *stmt, int at, uint64_t value);
/* All of it, and ready for the next time. */
int rows_run_once(sqlite3_stmt *stmt);
char *rows_get_text(sqlite3_stmt *stmt, int at);
