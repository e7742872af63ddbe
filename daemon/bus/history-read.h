/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Methods that take reading the frames of a session, and how many are under way for each user. */

#include "bus/call.h"

#define READINGS_MAX_PER_USER 8u

int history_run_get(Call *call, sd_bus_error *error);
int history_run_get_series(Call *call, sd_bus_error *error);
int history_run_verify(Call *call, sd_bus_error *error);
/* The bus is going. */
void history_readings_abandon(Bus *bus);
