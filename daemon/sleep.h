/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What logind says of the computer's sleep, and a moment before it to write what is left: a delay inhibitor,
 * taken when it can be had. Nothing waits for logind, and without it nothing happens. */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define SLEEP_DELAY_MAX_USEC UINT64_C(4000000) /* logind itself waits no longer than 5 s (InhibitDelayMaxSec=) */

typedef struct Sleep Sleep;

/* The computer goes to sleep (true) or has woken; never twice the same. After `true`, sleep_ready() lets it. */
typedef void (*SleepHandler)(bool asleep, void *userdata);

/* Asynchronous; `bus` is any connection to the system bus, which need not be up. Errors: of sd-bus. */
int sleep_new(sd_bus *bus, sd_event *event, SleepHandler handler, void *userdata, Sleep **ret);
/* NULL is fine. Returns NULL. */
Sleep *sleep_free(Sleep *sleep);

/* All is safe: the computer need not wait. It does not for longer than SLEEP_DELAY_MAX_USEC, and nothing
 * happens when it is awake. */
void sleep_ready(Sleep *sleep);
