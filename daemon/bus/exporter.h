/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* History1.Export() from the count to the end of the pipe: what a call waits for, and how many are under way for each user. */

#include "bus/call.h"

#define EXPORTS_MAX_PER_USER 2u

/* Begins for a pending call, which is answered when the rows are counted. `wanted` has all but the pipe. < 0: `error` is set. */
int exporter_begin(Call *call, const StoreExport *wanted, sd_bus_error *error);
/* The bus is going: nobody reads any more. */
void exporter_abandon(Bus *bus);
