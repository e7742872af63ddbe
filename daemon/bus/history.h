/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What calls about the record answer when it cannot be read. */

#include "bus/call.h"

/* "Another's id answers NotFound to who may not read it": the same words whether there is one or not. The id is the call's first
 * argument. */
int history_not_found(Call *call, sd_bus_error *error);
/* For what store_get(), store_list() and store_export() say. */
int history_store_error(Call *call, int r, sd_bus_error *error);
