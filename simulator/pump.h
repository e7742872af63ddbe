/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Keeps a Peripheral's time going on an event loop: wakes when it has something to do, whoever changed
 * that (a subscription, a control line, a value sent). Time is CLOCK_BOOTTIME. */

#include <systemd/sd-event.h>

#include "peripheral.h"

typedef struct Pump Pump;

/* `after` is called after each turn (NULL: nobody): for what the peripheral only tells when asked, its
 * battery. -errno of sd-event. */
int pump_new(sd_event *event, Peripheral *peripheral, void (*after)(void *userdata), void *userdata,
             Pump **ret);
Pump *pump_free(Pump *pump);
