/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The first steps with a device, one after the other. */

#include <stdint.h>

#include "client/client.h"

/* Shows what the device at `path` measures until it touches something, in a session that leaves no trace. Waits
 * `seconds` for that: EXIT_FAILED, after a sentence. Closes the client's bus, which client_connect() opens again. */
Exit setup_test_press(Client *client, const char *path, uint64_t seconds);
