/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"
#include "client/tape-file.h"

/* A stored session as History1.Get has it. *ret is a new reference. */
Exit history_get(Client *client, uint64_t id, json_t **ret);

/* What somebody typed, as `show` has it: its figures and "events"; a live one too, in the shape of the history. The
 * user is told if there is none. *ret is a new reference. */
Exit history_find(Client *client, const char *typed, bool *ret_live, json_t **ret);

/* Asks the service for the record of a session as a tape. The lines come through `ret`, and are complete when *ret_rows of its
 * body have come. */
Exit history_export(Client *client, uint64_t id, TapeFile *ret, uint64_t *ret_rows);
