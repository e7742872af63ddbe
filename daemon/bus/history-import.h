/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* History1.Import(): a tape through a pipe of the caller's becomes a session of the caller's. */

#include "bus/call.h"

#define IMPORTS_MAX_PER_USER 1u
#define IMPORTS_MAX 2u

int history_run_import(Call *call, sd_bus_error *error);
/* The bus is going: what is under way ends with the store. */
void importer_abandon(Bus *bus);
