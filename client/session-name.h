/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session by what was typed: its number, its UUID or the beginning of it (4 characters or more), or "last" or "latest", the one
 * that 'needlectl sessions' lists first. Digits alone are a number. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

/* Whether it can be one of these; without asking whether there is such a session. */
bool session_name_is_one(const char *typed);

/* Its number; the service is asked for those that are stored unless a number was typed. `objects`, which may be NULL:
 * live sessions count too, and what their devices are called. EXIT_NOT_FOUND, or EXIT_USAGE if it fits several; the
 * user was told, and of several which. */
Exit session_name_find(Client *client, const Objects *objects, const char *typed, uint64_t *ret);

/* The stored sessions that the verb's arguments are (uint64_t), each once. Errors likewise. */
Exit session_name_ids(Client *client, GArray *ids);
