/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The live view on whatever stdout is: a screen, a line a second, or a JSON object for each record. It shows a model; who feeds
 * that, a stream or a tape, is none of its business. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "client/client.h"
#include "client/watch-model.h"
#include "client/watch-prompt.h"

typedef enum WatchMode {
        WATCH_SCREEN,
        WATCH_PLAIN,
        WATCH_JSON,
} WatchMode;

/* The clocks of what is shown: those of the host, or those of a tape. */
typedef struct WatchClocks {
        uint64_t (*boottime)(void *userdata);
        uint64_t (*realtime)(void *userdata);
        void *userdata;
} WatchClocks;

/* What a key asks for, of those that do more than leave. `value` as of WatchPrompt. */
typedef void (*WatchAct)(WatchAction action, const char *value, void *userdata);

typedef struct WatchDisplay {
        WatchMode mode;
        WatchModel *model;
        WatchClocks clocks;
        sd_event *event;
        sd_event_source *picture_timer, *key_source;
        bool away;                      /* somebody else has the terminal */
        WatchPrompt prompt;
        WatchAct act;
        void *act_userdata;
        uint64_t unshown_dropped;       /* of records that --json does not print */
        uint64_t last_picture_usec;
        char *last_line;
} WatchDisplay;

/* What suits stdout, and what was asked for. */
WatchMode watch_display_mode(const Client *client);

/* Takes the screen over, if it is one, and shows the model from now on. Negative errno. */
int watch_display_begin(WatchDisplay *d, sd_event *event, WatchMode mode, WatchModel *model, const WatchClocks *clocks);
/* Offers the keys that do something, where there is a keyboard. */
void watch_display_offer(WatchDisplay *d, WatchAct act, void *userdata);
void watch_display_done(WatchDisplay *d);

/* A record that the model has taken. */
void watch_display_record(WatchDisplay *d, const StreamRecord *record);
/* The model has changed: soon, but not more often than the eye can use. */
void watch_display_changed(WatchDisplay *d);
/* Leaves the terminal to who asks for a password, the keys above all, and takes it again. */
void watch_display_yield(WatchDisplay *d, bool away);
/* What a key led to. */
void watch_display_say(WatchDisplay *d, bool bad, const char *text);
/* The session is over. */
void watch_display_ended(WatchDisplay *d);
