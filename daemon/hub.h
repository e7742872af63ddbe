/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The hub joins the layers: what link hears goes to the trackers, what they say goes to store, bus and journal, what clients ask
 * goes where it belongs. It has no opinions of its own. */

#include <systemd/sd-event.h>

#include "config.h"
#include "store/ring.h"
#include "watchdog.h"

typedef struct Hub Hub;

typedef struct HubOptions {
        sd_event *event;
        Config config;
        const char *config_dir; /* holds profiles.d */
        const char *state_dir;  /* holds needled.db */
        Ring *ring;             /* of the store; the caller's, for as long as the process lives. NULL: none */
        Watchdog *watchdog;     /* to watch the store; the caller's. NULL: none */
} HubOptions;

/* Starts everything; goes on by itself on the event loop, and ends it with sd_event_exit() where it cannot go on.
 * Errors: of the bus connections. */
int hub_new(const HubOptions *options, Hub **ret);
/* What is configured anew holds from here on: limits and times in live sessions too, what is written into devices from their next
 * connection on. */
void hub_configure(Hub *hub, const Config *config);
/* Whether the start is over: the bus name is ours. */
bool hub_ready(const Hub *hub);
/* Leaves live sessions resumable, writes what is queued, closes in reverse order. Returns NULL. */
Hub *hub_free(Hub *hub);
