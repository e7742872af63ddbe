/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Does what the keys of the live view ask for: calls to the service that nothing waits for. Their answers are told in
 * a sentence. Nobody is asked for a password meanwhile, the screen is taken; what needs one is refused. */

#include <stdbool.h>
#include <systemd/sd-bus.h>

#include "client/watch-model.h"
#include "client/watch-prompt.h"

#define WATCH_CONTROL_CALLS 8u

typedef struct WatchControl WatchControl;

typedef struct WatchCall {
        WatchControl *control;  /* weak: our owner */
        sd_bus_slot *slot;      /* NULL: free */
        char *done;             /* to be said when it was done */
} WatchCall;

struct WatchControl {
        sd_bus *bus;            /* weak */
        const WatchModel *model;
        void (*say)(bool bad, const char *text, void *userdata);
        void *userdata;
        WatchCall calls[WATCH_CONTROL_CALLS];
};

void watch_control_init(WatchControl *c, sd_bus *bus, const WatchModel *model,
                        void (*say)(bool bad, const char *text, void *userdata),
                        void *userdata);
/* What has not been answered is left to itself: the service does it all the same. */
void watch_control_done(WatchControl *c);

/* `value` as of WatchPrompt. Says what came of it, now or later. */
void watch_control_do(WatchControl *c, WatchAction action, const char *value);
