/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

/* Sleep. Before it, everything that is under way ends and the streams are closed, so that what sleep does to the radio meets nothing
 * half done. After it, the adapters have a second and a half to come back; then all is looked at anew. What comes later is an adapter that
 * is off or away, like any other; a connection that lived through it is followed again. */

#define SETTLE_USEC (3 * G_USEC_PER_SEC / 2)

static void fall_asleep(Device *device) {
        DeviceWork *work = device->work;

        if (work->adoption) {
                adopt_fail(device, -ECANCELED, DEVICE_REASON_NONE,
                           "The computer goes to sleep: adopt the device when it is awake again.");
                return;
        }
        link_complete(device, OPERATION_CONNECT, -ECANCELED, "The computer goes to sleep.");
        if (!device->adopted || work->step == STEP_FORGET)
                return;

        calls_clear(&work->calls);
        notify_suspend(device);
        reconnect_rest(device);
}

static int on_settled(sd_event_source *source, uint64_t usec, void *userdata) {
        Link *link = userdata;

        link->sleep = LINK_AWAKE;
        if (!bluez_present(link->bluez))
                activate_begin(link->activate);
        auto_connect_suspend(link->auto_connect, false);
        auto_connect_update(link->auto_connect);
        for (guint i = 0; i < link->devices->len; i++) {
                Device *device = link->devices->pdata[i];

                if (!device->adopted || device->work->step == STEP_FORGET)
                        continue;
                release_check(device);
                reconnect_woken(device);
        }

        return 0;
}

bool suspend_holds(const Link *link) {
        return link->sleep != LINK_AWAKE;
}

void link_suspend(Link *link, bool asleep) {
        if (asleep) {
                if (link->sleep == LINK_ASLEEP)
                        return;
                if (link->sleep_timer)
                        (void) sd_event_source_set_enabled(link->sleep_timer, SD_EVENT_OFF);
                link->sleep = LINK_ASLEEP;
                activate_end(link->activate);
                auto_connect_suspend(link->auto_connect, true);
                search_pause(link->search, true);
                for (guint i = 0; i < link->devices->len; i++)
                        fall_asleep(link->devices->pdata[i]);
        } else if (link->sleep == LINK_ASLEEP) {
                link->sleep = LINK_SETTLING;
                link_timer(link, &link->sleep_timer, SETTLE_USEC, on_settled, link);
        }
}
