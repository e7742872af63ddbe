/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The events of a session out of the database, a page at a time. */

#include <glib.h>
#include <sqlite3.h>

#include "store/store.h"

/* Appends StoreEvents, oldest first, to `ret`, which clears them (events_new()). SQLITE_NOTFOUND: no such session. */
int events_read(sqlite3 *db, const StoreEventFilter *filter, GArray *ret);
/* An array of StoreEvents that owns their texts. */
GArray *events_new(void);
