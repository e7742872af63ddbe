/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the methods about the record have in common: which session, whose it is, and what they answer when it cannot be read. */

#include "bus/call.h"

/* What is done with one session by a method whose first argument is its id. */
typedef struct HistoryUse {
        CallRight right;                                 /* what it takes for a session of others */
        int (*use)(Call *call, const StoreSession *session, sd_bus_error *error);
        int (*missing)(Call *call, sd_bus_error *error); /* not in the record; for who may see it, if it were there */
        int (*again)(Call *call, sd_bus_error *error);   /* when polkit has allowed it */
} HistoryUse;

int history_read_id(Call *call, uint64_t *ret);
/* It comes into the record when it is over. NULL: no such session is live. */
const Session *history_find_live(Call *call);
/* What store_get() has found. */
void history_on_session(const HistoryUse *use, int status, const StoreSession *sessions, size_t n, Call *call);

/* history-events.c */
int history_run_get_events(Call *call, sd_bus_error *error);

/* history-erase.c */
int history_run_delete(Call *call, sd_bus_error *error);
int history_run_erase_all(Call *call, sd_bus_error *error);

/* "Another's id answers NotFound to who may not read it": the same words whether there is one or not. The id is the call's first
 * argument. */
int history_not_found(Call *call, sd_bus_error *error);
/* For what the store says when it is asked. */
int history_store_error(Call *call, int r, sd_bus_error *error);
