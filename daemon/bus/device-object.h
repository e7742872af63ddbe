/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.needled.Device1: a device of link as an object on the bus. */

#include "bus/announce.h"
#include "bus/call.h"
#include "bus/bus.h"

typedef struct DeviceObject {
        Bus *bus;               /* weak: our owner */
        Device *device;         /* weak: link's */
        Announced announced;
        char *session;          /* path of its live session, "/" if there is none */
} DeviceObject;

DeviceObject *device_object_free(DeviceObject *object);
/* The object at a full path, or NULL. */
DeviceObject *device_object_find(Bus *bus, const char *path);
/* For CallPlan.find: the adopted device at `path`. NotFound; NotReady if nobody has adopted it. */
int device_object_subject(Call *call, const char *path, CallSubject *ret, sd_bus_error *error);
