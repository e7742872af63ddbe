/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this folder share. */

#include <systemd/sd-bus.h>

#include "bus/announce.h"
#include "bus/authority.h"
#include "bus/beat.h"
#include "bus/bucket.h"
#include "bus/bus.h"
#include "bus/call.h"
#include "bus/caller.h"
#include "bus/stall.h"

#define BUS_NAME "org.needled"
#define BUS_ROOT "/org/needled"
#define BUS_DEVICES BUS_ROOT "/device"
#define BUS_SESSIONS BUS_ROOT "/session"

struct Bus {
        BusSettings settings;
        sd_event *event;
        sd_bus *connection;
        sd_bus_slot *disconnected, *name, *name_lost;
        GPtrArray *slots;               /* sd_bus_slot: what is registered, owned */

        bool wants_name;                /* bus_take_name() was called */
        bool acquired;                  /* the name was ours once */

        Stall *stall;
        Callers *callers;
        Buckets buckets;
        Authority *authority;
        GPtrArray *calls;               /* Call: those under way, owned; in the order in which they came */
        Announcer *announcer;

        Announced manager;
        GHashTable *devices;            /* full path → DeviceObject, owned */
        GHashTable *sessions;           /* full path → SessionObject, owned */
        unsigned n_readers;             /* of all sessions */
        Beat *beat;                     /* theirs */
        GPtrArray *leaving;             /* those whose session is gone, owned; see leaving.h */
        GPtrArray *readings;            /* sessions that are read from their frames; see history-read.h */
        GPtrArray *exports;             /* those under way; see exporter.h */
        GPtrArray *imports;             /* likewise; see history-import.h */
};

/* Each interface's file; registers what it serves on bus->connection. */
int manager_register(Bus *bus);
int device_objects_register(Bus *bus);
int session_objects_register(Bus *bus);
int history_register(Bus *bus);

/* For the registrations: takes the slot over. */
void bus_own_slot(Bus *bus, sd_bus_slot *slot);
/* An interface of the object there, or, with `find`, of all objects below; its userdata is the bus, or what is found. */
int bus_serve(Bus *bus, const char *path, const char *interface, const sd_bus_vtable *vtable, sd_bus_object_find_t find);
/* Which objects there are below. */
int bus_serve_nodes(Bus *bus, const char *path, sd_bus_node_enumerator_t enumerate);

/* Root and the daemon's own user may do everything, as often as they like. */
bool bus_is_root(const Bus *bus, uid_t uid);

/* The keys of a table of objects, for a node enumerator of sd-bus, which frees them. */
char **bus_paths(GHashTable *objects);

/* A caller has gone, or takes its wish back: ends the search when nobody wants it any more. */
/* Whether this user has adopted as many devices as one user may. */
bool manager_has_share(const Bus *bus, uid_t owner);
void manager_search_unwanted(Bus *bus, Caller *caller);
