/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether the bus takes what is written to a connection. It stops for good when a subscriber does not read: what it
 * holds for that one counts against who sent it. Looks from when something is written until all of it has been taken:
 * what is in the socket only is not answered either. */

#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

typedef struct Stall Stall;

/* Nothing was taken for the whole time. Not called from inside a handler of the connection, which may be closed. */
typedef void (*StallHandler)(void *userdata);

int stall_new(sd_event *event, uint64_t limit_usec, StallHandler handler, void *userdata, Stall **ret); /* errors: of the event loop */
Stall *stall_free(Stall *stall);

/* Another connection from now on; NULL: none. */
void stall_connection(Stall *stall, sd_bus *connection);
/* Something was or will be written: cheap. Returns how many messages wait. */
uint64_t stall_look(Stall *stall);
