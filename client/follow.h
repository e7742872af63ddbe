/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Follows sessions as they happen: finds them on the bus, reads their streams, and goes on from one to the next, over
 * restarts of the service too. The live source of records; the other one is a tape (replay.h). */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "client/client.h"
#include "client/objects.h"
#include "client/stream-reader.h"
#include "client/watch-model.h"
#include "client/watch-target.h"

/* All are called from the event loop. Any may end it by sd_event_exit(). */
typedef struct FollowObserver {
        void (*begun)(const json_t *session, void *userdata); /* its stream is asked for; may be NULL */
        void (*record)(const StreamRecord *record, void *userdata); /* the model has taken it */
        void (*changed)(void *userdata); /* the model shows something else */
        void (*ended)(bool whole, void *userdata); /* the session is over; not whole: its stream broke off before it told the end */
} FollowObserver;

typedef struct FollowOptions {
        bool frames;
        uint64_t period_usec;           /* how long the service may gather records into one message */
        uint64_t history_usec;          /* begin with that much of the past, where the service can tell it; 0: none */
} FollowOptions;

typedef struct Follow {
        Client *client;
        FollowOptions options;
        FollowObserver observer;
        void *userdata;
        WatchTarget target;
        WatchModel *model;              /* the caller's */

        sd_event *event;
        sd_event_source *refresh_timer, *away_timer, *stream_source;
        sd_bus_slot *refresh_slot, *open_slot;
        int stream_fd;                  /* -1: none */
        bool asked_for_past;            /* by the newest call */
        bool may_ask;                   /* the newest call may lead to a question for a password */
        bool has_no_past;               /* the service would not tell it: not to be asked for again */
        bool in_past;                   /* what comes is from then, until PAST */
        uint64_t broken;                /* the session whose stream broke off last */
        bool changed_again;             /* something was signalled while the objects were being read */
        Objects objects;
        uint64_t settled_usec;          /* from then on (CLOCK_MONOTONIC) a session that is not there has ended */
} Follow;

/* Looks at what there is, and chooses whom to follow by what was typed (NULL: nothing). */
Exit follow_choose(Follow *f, Client *client, const char *typed);
/* From now on records come, once the loop runs. Returns negative errno. */
int follow_begin(Follow *f, sd_event *event, WatchModel *model, const FollowOptions *options, const FollowObserver *observer,
                 void *userdata);
/* Whether somebody may be asked for a password now, on this terminal too. */
bool follow_asks(const Follow *f);
/* How it reads that one is over, and not whole. The caller frees it. */
char *follow_missing_end(uint64_t session);
/* Closes the client's bus too: it has matches that point to us. */
void follow_done(Follow *f);
