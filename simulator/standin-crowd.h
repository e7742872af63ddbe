/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Strangers' devices, which a discovery sees in a crowded place: names, services, RSSI, and nothing behind them. One in
 * a hundred looks like one of ours; some have paths that only look like a device's. */

#include "standin-bus.h"

#define CROWD_MAX 100000u

typedef struct Crowd Crowd;

extern const Property stranger_properties[];

Crowd *crowd_new(Standin *s);
Crowd *crowd_free(Crowd *crowd);
void crowd_reset(Crowd *crowd);                 /* bluetoothd or the adapter goes */
/* So many come, a few at a time, and are each heard again; 0: all go. Errors: -EINVAL, -EAGAIN no discovery runs. */
int crowd_control(Crowd *crowd, const char *argument);
