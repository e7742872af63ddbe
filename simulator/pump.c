/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <time.h>

#include "pump.h"

struct Pump {
        sd_event_source *timer;
        Peripheral *peripheral; /* borrowed */
        void (*after)(void *userdata);
        void *userdata;
};

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Pump *pump = userdata;
        uint64_t now = usec;

        (void) sd_event_now(sd_event_source_get_event(source), CLOCK_BOOTTIME, &now);
        peripheral_advance(pump->peripheral, now);
        if (pump->after)
                pump->after(pump->userdata);
        return 0;
}

/* Before the loop sleeps: whatever has been done to the peripheral in this turn, its next time is known
 * now. */
static int on_prepare(sd_event_source *source, void *userdata) {
        Pump *pump = userdata;

        return sd_event_source_set_time(source, peripheral_next(pump->peripheral));
}

int pump_new(sd_event *event, Peripheral *peripheral, void (*after)(void *userdata), void *userdata,
             Pump **ret) {
        Pump *pump = g_new0(Pump, 1);
        int r;

        pump->peripheral = peripheral;
        pump->after = after;
        pump->userdata = userdata;
        /* Due at once: the first turn tells the peripheral when it was switched on. */
        r = sd_event_add_time(event, &pump->timer, CLOCK_BOOTTIME, 0, 250, on_time, pump);
        if (r >= 0)
                r = sd_event_source_set_prepare(pump->timer, on_prepare);
        if (r >= 0)
                r = sd_event_source_set_enabled(pump->timer, SD_EVENT_ON);
        if (r < 0) {
                pump_free(pump);
                return r;
        }
        *ret = pump;
        return 0;
}

Pump *pump_free(Pump *pump) {
        if (!pump)
                return NULL;
        sd_event_source_disable_unref(pump->timer);
        g_free(pump);
        return NULL;
}
