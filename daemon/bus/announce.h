/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is broadcast: objects that come and go, properties that change. One subscriber that stops reading
 * makes the bus stop taking from us, and libsystemd would queue without end; so beyond a bound nothing is
 * sent, what has changed is noted, and the state that holds then is sent when the bus takes again. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-bus.h>

#include "bus/stall.h"

/* Messages that may wait in our queue to the bus; PID 1 uses the same figure. */
#define ANNOUNCE_QUEUE_MAX 1024u
#define ANNOUNCE_INTERVAL_USEC (1 * UINT64_C(1000000))

typedef struct Announcer Announcer;

typedef struct Announced {              /* an object with one interface, embedded in what it shows */
        char *path;
        const char *interface;
        const char *const *properties;  /* names; bit i of a mask stands for entry i; ended by NULL */
        bool shown;                     /* clients know of it */
        uint32_t dirty;                 /* changed and not told yet */
} Announced;

int announcer_new(sd_event *event, Stall *stall, Announcer **ret); /* errors: of the event loop */
Announcer *announcer_free(Announcer *announcer);

/* Tells by this connection from now on; NULL: by none, what there is to tell waits. */
void announcer_connection(Announcer *announcer, sd_bus *connection);

/* The object is there and can be introspected. Takes `path`. */
void announce_added(Announcer *announcer, Announced *object, char *path);
/* The object goes; `object` is cleared. Without an announcer nobody is told: with the connection everything
 * goes. */
void announce_removed(Announcer *announcer, Announced *object);
/* An object that nobody has to be told of, like the root. */
void announce_known(Announcer *announcer, Announced *object, char *path);
/* Tells that properties changed, with the values that they have then; `lazily`: within a second, at most
 * once a second. */
void announce_changed(Announcer *announcer, Announced *object, uint32_t mask, bool lazily);
/* The signals History1.Added, Changed and Removed. */
void announce_history_added(Announcer *announcer, uint64_t id, uid_t owner);
void announce_history_changed(Announcer *announcer, uint64_t id, uid_t owner);
void announce_history_removed(Announcer *announcer, uint64_t id, uid_t owner);
/* Added and Changed of what waits in memory for the storage to work: told when it can be read. */
void announce_history_added_late(Announcer *announcer, uint64_t id, uid_t owner);
void announce_history_changed_late(Announcer *announcer, uint64_t id, uid_t owner);
void announce_storage_works(Announcer *announcer);
