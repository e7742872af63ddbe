/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices in a table; used by `devices` and `search`. */

#include <jansson.h>
#include <stdint.h>

#include "client/table.h"

Table *devices_table(void);
void devices_table_add(Table *table, const json_t *device, uint64_t now_realtime_usec);
