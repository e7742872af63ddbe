/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The other end of org.needled.PairingAgent1: shows and asks for digits on the terminal while a device is adopted. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "client/exit.h"

#define PAIRING_PATH "/org/needled/agent"
#define PAIRING_INTERFACE "org.needled.PairingAgent1"

extern const sd_bus_vtable pairing_vtable[];    /* userdata is private to pairing.c */

/* Whether there is somebody who reads and types. */
bool pairing_can_ask(void);

/* Sends the call of Adopt(), which names PAIRING_PATH, and waits for its answer; what is asked meanwhile is asked on
 * the terminal. *ret_asked: something was. Ctrl-C takes the adoption back: EXIT_FAILED. */
Exit pairing_adopt(sd_bus *bus, sd_bus_message *call, uint64_t timeout_usec, bool *ret_asked);
