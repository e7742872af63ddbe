/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* org.needled.Device1: what a device is told by its Control Point. Second table of that interface, beside device-object.c. */

#include "bus/bus.h"

/* `find` leads from a path to its DeviceObject, as for the first table. */
int device_control_register(Bus *bus, sd_bus_object_find_t find);
