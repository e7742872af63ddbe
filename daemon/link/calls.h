/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Asynchronous calls with an owner: whoever embeds a Calls and clears it never hears of their answers again.
 * So an answer to what an older connection or an older bluetoothd was asked cannot reach a newer one. */

#include <stdint.h>
#include <systemd/sd-bus.h>

#include "link/errors.h"

typedef struct Call Call;

/* What was not permitted: the newest, until the same call goes well. */
typedef struct CallsDenied {
        const char *member;     /* static; NULL: nothing */
} CallsDenied;

typedef struct Calls {
        Call *first;
        CallsDenied *denied;    /* where to note that the bus or bluetoothd did not permit a call; NULL: nowhere */
} Calls;

/* reply is NULL when error is not; both are borrowed for the call. */
typedef void (*CallDone)(sd_bus_message *reply, const ErrorMeaning *error, void *userdata);

/* Sends `m` and keeps the slot in `calls`; done may be NULL. `m` stays the caller's. Errors: as
 * sd_bus_call_async(); then done is not called. */
int calls_send(Calls *calls, sd_bus_message *m, uint64_t timeout_usec, CallDone done, void *userdata);
/* What ReadValue answered; the octets are borrowed from it, and never NULL. Errors: as sd_bus_message_read_array(). */
int calls_octets(sd_bus_message *reply, const uint8_t **ret, size_t *ret_size);
/* Forgets all that is under way. */
void calls_clear(Calls *calls);
