/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The hub joins the layers: what link hears goes to the trackers, what they say goes to store, bus and journal, what clients ask
 * goes where it belongs. It has no opinions of its own. */

#include <systemd/sd-event.h>

#include "config.h"

typedef struct Hub Hub;

typedef struct HubOptions {
        sd_event *event;
        Config config;
        const char *config_dir; /* holds profiles.d */
        const char *state_dir;  /* holds needled.db */
} HubOptions;

/* Starts everything; goes on by itself on the event loop, and ends it with sd_event_exit() where it cannot go on.
 * Errors: of the bus connections. */
int hub_new(const HubOptions *options, Hub **ret);
/* Leaves live sessions resumable, writes what is queued, closes in reverse order. Returns NULL. */
Hub *hub_free(Hub *hub);
