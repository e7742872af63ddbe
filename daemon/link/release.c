/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>

#include "clock.h"

/* A device that is let go, so that a phone can have it: not trusted, out of the profile that bluetoothd connects by, disconnected.
 * It comes back when somebody asks for it or when its time is over. That is a timer by CLOCK_BOOTTIME while we run, so that a wall
 * clock that jumps neither loses the device nor takes it back early. Between two lives of the daemon the wall clock is all there is:
 * an end that lies further away than can be asked for is cut. */

static int on_end(sd_event_source *source, uint64_t usec, void *userdata) {
        Device *device = userdata;

        if (suspend_holds(device->link))
                return 0; /* release_check() follows */

        release_end(device);
        if (device->work->adoption || device->work->step == STEP_FORGET)
                return 0; /* which have their own ends */
        if (trust_wanted(device) && !device_lost_profile(device))
                reconnect_now(device);
        else
                reconnect_rest(device); /* something else keeps it away */
        return 0;
}

static void arm(Device *device, uint64_t duration_usec) {
        if (duration_usec > 0)
                link_timer(device->link, &device->work->release_timer, duration_usec, on_end, device);
        else
                device->work->release_timer = sd_event_source_disable_unref(device->work->release_timer);
}

void release_restore(Device *device) {
        uint64_t now = clock_usec(CLOCK_REALTIME), until = device->released_until_usec;

        if (!device->released)
                return;
        if (until > 0 && until <= now) {
                device->released = false;
                device->released_until_usec = 0;
                return;
        }

        if (until > now + LINK_RELEASE_MAX_USEC)
                device->released_until_usec = until = now + LINK_RELEASE_MAX_USEC;
        arm(device, until > 0 ? until - now : 0);
        device->state = DEVICE_RELEASED;
        device->reason = DEVICE_REASON_RELEASED;
        device->retry_at_usec = until;
}

void release_end(Device *device) {
        if (!device->released)
                return;

        device->released = false;
        device->released_until_usec = 0;
        arm(device, 0);
        link_complete(device, OPERATION_RELEASE, -ECANCELED, "The device was taken back meanwhile.");
        device_changed(device, DEVICE_CHANGED_IDENTITY);
        trust_update(device);
        auto_connect_update(device->link->auto_connect);
}

void release_check(Device *device) {
        uint64_t at;

        if (!device->released || !device->work->release_timer ||
            sd_event_source_get_time(device->work->release_timer, &at) < 0)
                return;

        if (at <= clock_usec(CLOCK_BOOTTIME))
                release_end(device);
}

void link_release(Link *link, Device *device, uint64_t duration_usec, LinkDone done, void *userdata) {
        uint64_t duration = MIN(duration_usec, LINK_RELEASE_MAX_USEC);

        if (!device->adopted) {
                operation_answer_later(operation_new(device, OPERATION_RELEASE, done, userdata), -EOPNOTSUPP,
                                       "The device is not adopted: nothing holds it.");
                return;
        }
        if (device->work->adoption || device->work->step == STEP_FORGET) {
                operation_answer_later(operation_new(device, OPERATION_RELEASE, done, userdata), -EBUSY,
                                       "The device is being adopted or forgotten: wait for that.");
                return;
        }

        link_complete(device, OPERATION_CONNECT, -ECANCELED, "The device was released meanwhile.");
        device->released = true;
        device->released_until_usec = duration > 0 ? clock_usec(CLOCK_REALTIME) + duration : 0;
        arm(device, duration);
        device_changed(device, DEVICE_CHANGED_IDENTITY);

        trust_withdraw(device);
        if (device->work->step == STEP_DISCONNECT)
                (void) operation_new(device, OPERATION_RELEASE, done, userdata);
        else
                operation_answer_later(operation_new(device, OPERATION_RELEASE, done, userdata), 0, NULL);
}
