/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The connection to bluetoothd: a bus connection of its own, six match rules, the unique owner of org.bluez,
 * and a copy of its objects that follows its signals. sd-bus does not verify who sent a signal (a unicast
 * one needs no match at all, and every user may send them), so each is compared here with the tracked owner
 * before anybody sees it. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "link/calls.h"
#include "link/objects.h"

#define BLUEZ_TIMEOUT_USEC (30 * G_USEC_PER_SEC)

typedef struct Bluez Bluez;

typedef struct BluezObserver {
        void (*gone)(void *userdata);     /* bluetoothd went, or is not there: all objects are forgotten */
        void (*snapshot)(void *userdata); /* all objects were read (again) */
        void (*added)(Object *object, unsigned interfaces, void *userdata);
        void (*removed)(const char *path, unsigned interfaces, void *userdata);
        void (*changed)(Object *object, unsigned interface, void *userdata);
        void (*value)(Object *characteristic, const ObjectValue *value, void *userdata);
        void (*failed)(int error, void *userdata); /* the bus connection is lost */
        bool (*keeps)(const Object *device, void *userdata); /* whether it is one of ours, and no stranger */
} BluezObserver;

/* Connects to the system bus, or to DBUS_SYSTEM_BUS_ADDRESS; profiles must outlive it. Errors: as sd_bus_start(). */
int bluez_new(sd_event *event, const Profiles *profiles, const BluezObserver *observer, void *userdata,
              Bluez **ret);
Bluez *bluez_free(Bluez *bluez);

sd_bus *bluez_bus(Bluez *bluez);                /* for objects that bluetoothd calls; borrowed */
const Objects *bluez_objects(const Bluez *bluez);
bool bluez_present(const Bluez *bluez);         /* bluetoothd is there and its objects are known */
unsigned bluez_generation(const Bluez *bluez);  /* +1 with each owner of org.bluez */
/* The call that bus policy or bluetoothd did not permit last, and has not permitted since; NULL: none. */
const char *bluez_denied(const Bluez *bluez);
/* Whether bluetoothd itself sent this: the test of every message that it alone may send. */
bool bluez_is_sender(const Bluez *bluez, sd_bus_message *m);

/* A call to bluetoothd, to be filled and sent; for those that bluez_call() cannot put together. Errors:
 * -ENODEV, as sd-bus. */
int bluez_message(Bluez *bluez, const char *path, const char *interface, const char *member,
                  sd_bus_message **ret);
/* Calls bluetoothd by its unique name, without activation. Errors: -ENODEV not present, else as
 * sd_bus_call_async(); then done is not called: the caller's own time limit says what comes next. */
int bluez_call(Bluez *bluez, Calls *calls, const char *path, const char *interface, const char *member,
               uint64_t timeout_usec, CallDone done, void *userdata, const char *types, ...);
/* WriteValue of a characteristic, with an answer of the device or (`command`) without. Errors: as bluez_call(). */
int bluez_write(Bluez *bluez, Calls *calls, const char *path, const uint8_t *data, size_t size, bool command, CallDone done,
                void *userdata);
/* Waits, two seconds at most, until bluetoothd has met what was closed and said before. */
void bluez_settle(Bluez *bluez);
/* Sends the call and asks for no answer. */
void bluez_tell(Bluez *bluez, const char *path, const char *interface, const char *member, const char *types,
                ...);
/* Reads all objects anew; snapshot() follows. */
void bluez_refresh(Bluez *bluez);
