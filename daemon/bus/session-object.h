/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.needled.Session1: a live session as an object on the bus, and its readers. */

#include "bus/announce.h"
#include "bus/bus.h"
#include "bus/reader.h"

typedef struct SessionObject {
        Bus *bus;               /* weak: our owner */
        Session *session;       /* weak: the hub's */
        Announced announced;
        char *device;           /* path of the device */

        /* What is shown. It follows the session where the hub says so: "finished" is shown when the session
         * is durable. */
        SessionState state;
        SessionEnd end;
        Stage stage;
        uint64_t started_at_usec;

        GPtrArray *readers;     /* Reader, owned */
} SessionObject;

/* The reply of GetFigures(): an open a{sv} is filled. session-figures.c */
int session_object_figures(sd_bus_message *m, const Session *session, uint64_t now_usec);
/* What of it is in no row of the record, and comes from its frames: areas, alerts, stages and the like. */
int session_object_details(sd_bus_message *m, const Session *session, uint64_t now_usec);

SessionObject *session_object_free(SessionObject *object);
SessionObject *session_object_find(Bus *bus, const char *path);
const char *session_object_path(const Session *session); /* "/" if it is not on the bus */
