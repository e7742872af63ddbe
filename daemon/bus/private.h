/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of this folder share. */

#include <systemd/sd-bus.h>

#include "bus/announce.h"
#include "bus/authority.h"
#include "bus/bus.h"
#include "bus/call.h"
#include "bus/caller.h"

#define BUS_NAME "org.needled"
#define BUS_ROOT "/org/needled"
#define BUS_DEVICES BUS_ROOT "/device"
#define BUS_SESSIONS BUS_ROOT "/session"

struct Bus {
        BusSettings settings;
        sd_event *event;
        sd_bus *connection;
        sd_bus_slot *disconnected, *name;
        GPtrArray *slots;               /* sd_bus_slot: what is registered, owned */

        Callers *callers;
        Authority *authority;
        GPtrArray *calls;               /* Call: those under way, owned; in the order in which they came */
        Announcer *announcer;

        Announced manager;
        GHashTable *devices;            /* full path → DeviceObject, owned */
        GHashTable *sessions;           /* full path → SessionObject, owned */
        unsigned n_readers;             /* of all sessions */
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

/* The keys of a table of objects, for a node enumerator of sd-bus, which frees them. */
char **bus_paths(GHashTable *objects);

/* A caller has gone, or takes its wish back: ends the search when nobody wants it any more. */
void manager_search_unwanted(Bus *bus, Caller *caller);
