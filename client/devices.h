/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices in a table, and one as JSON; used by other verbs too. */

#include <jansson.h>
#include <stdint.h>

#include "client/client.h"
#include "client/table.h"

Table *devices_table(void);
void devices_table_add(Table *table, const json_t *device, uint64_t now_realtime_usec);

/* With --json the device as it is now; else nothing. */
Exit devices_print_json(Client *client, const char *path);
