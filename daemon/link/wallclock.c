/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "needled/omp-clock.h"

/* A device keeps no time while it is switched off: it is told on each connection, if the computer knows it itself. The clock is not read,
 * which would show it to every local user; how it runs shows in the ticks. */

#define QUARTER_SEC (15 * 60)

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (!error || error->error == -ENOTCONN || device->work->told_clock)
                return;

        device->work->told_clock = true;
        log_info("%s does not let its clock be set: %s", device_label(device), error->sentence);
}

/* Of local time from UTC. */
static int8_t offset_quarters(uint64_t realtime_usec) {
        time_t now = (time_t) (realtime_usec / G_USEC_PER_SEC);
        struct tm local = {};

        return localtime_r(&now, &local) ? (int8_t) (local.tm_gmtoff / QUARTER_SEC) : 0;
}

void wallclock_write(Device *device) {
        uint64_t now_usec = clock_usec(CLOCK_REALTIME);
        uint8_t data[OMP_ELAPSED_SIZE];
        Object *object;
        OmpElapsed elapsed;
        int n;

        if (device->profile->vendor || !device->has_feature || !(device->feature.bits & OMP_FEATURE_CLOCK))
                return;
        object = objects_find_char(bluez_objects(device->link->bluez), device->work->object, OMP_SERVICE_UUID,
                                   omp_char_uuid(OMP_CHAR_CLOCK));
        /* "0x82 time source too low": one that is not sure itself need not ask. */
        if (!object || clock_sync(device->link->settings.root ?: "") != CLOCK_SYNC_YES)
                return;

        if (omp_elapsed_from_realtime(now_usec, OMP_RESOLUTION_1MS, OMP_SOURCE_NTP, offset_quarters(now_usec), &elapsed) < 0)
                return;
        n = omp_clock_write_encode(&elapsed, data, sizeof(data));
        if (n < 0 || bluez_write(device->link->bluez, &device->work->calls, object->path, data, (size_t) n, false, on_written, device) < 0)
                return;

        notify_deliver(device, OMP_CHAR_CLOCK, FRAME_TO_DEVICE, data, (size_t) n);
}
