/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Looking for devices nearby. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

#define SEARCH_SECONDS_MAX 30
#define SEARCH_SECONDS_DEFAULT 15

/* EXIT_FAILED, after a sentence that says what helps: there is no Bluetooth. */
Exit search_check_bluetooth(Client *client);

/* Searches, and replaces *ret by those that were found, the nearest first. `settle_usec`: ends so long after the first;
 * 0: at the time. `live`: shows them on stdout as they come. Ctrl-C ends the search (prompt_interrupted). */
Exit search_run(Client *client, uint64_t seconds, uint64_t settle_usec, bool live, json_t **ret);
