/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "needled/omp-clock.h"
#include "needled/omp-time.h"

/* A device keeps no time while it is switched off: it is told on each connection, if the computer knows it itself. How a clock runs shows in
 * the ticks, and to read it shows it to every local user: so only that of a device is read that has stored sessions by it, and before it is set,
 * since they began by what it was then. */

#define QUARTER_SEC (15 * 60)
#define OFF_USEC (2 * G_USEC_PER_SEC)   /* within that it is right */
/* No session began before the one, or after now and the other. */
#define FIRST_USEC ((int64_t) OMP_EPOCH_2000_SEC * G_USEC_PER_SEC)
#define DAY_USEC (INT64_C(86400) * G_USEC_PER_SEC)

static void on_written(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;

        if (!error)
                return;
        device->work->look.set = false;
        if (error->error == -ENOTCONN || device->work->told_clock)
                return;

        device->work->told_clock = true;
        log_device(LOG_INFO, device_label(device),
                   "%s does not let its clock be set: %s", log_name(device_label(device)).text, error->sentence);
}

/* Of local time from UTC. */
static int8_t offset_quarters(uint64_t realtime_usec) {
        time_t now = (time_t) (realtime_usec / G_USEC_PER_SEC);
        struct tm local = {};

        return localtime_r(&now, &local) ? (int8_t) (local.tm_gmtoff / QUARTER_SEC) : 0;
}

static const Object *clock_object(const Device *device) {
        return objects_find_char(bluez_objects(device->link->bluez), device->work->object, OMP_SERVICE_UUID, omp_char_uuid(OMP_CHAR_CLOCK));
}

static void write_now(Device *device) {
        uint64_t now_usec = clock_usec(CLOCK_REALTIME);
        const Object *object = clock_object(device);
        uint8_t data[OMP_ELAPSED_SIZE];
        OmpElapsed elapsed;
        int n;

        if (!object ||
            omp_elapsed_from_realtime(now_usec, OMP_RESOLUTION_1MS, OMP_SOURCE_NTP, offset_quarters(now_usec), &elapsed) < 0)
                return;
        n = omp_clock_write_encode(&elapsed, data, sizeof(data));
        if (n < 0 || bluez_write(device->link->bluez, &device->work->calls, object->path, data, (size_t) n, false, on_written,
                                 device) < 0)
                return;

        device->work->look.set = true;
        notify_deliver(device, OMP_CHAR_CLOCK, FRAME_TO_DEVICE, data, (size_t) n);
}

static bool is_right(const ClockLook *look) {
        return look->is_time && llabs((int64_t) (look->realtime_usec - look->device_usec)) <= (int64_t) OFF_USEC;
}

static void on_read(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Device *device = userdata;
        ClockLook *look = &device->work->look;
        const uint8_t *data;
        OmpClock clock;
        size_t size;

        if (reply && calls_octets(reply, &data, &size) >= 0 && omp_clock_decode(data, size, &clock) >= 0) {
                look->tick = clock.tick;
                look->realtime_usec = clock_usec(CLOCK_REALTIME);
                look->is_time = omp_elapsed_is_time(&clock.elapsed) && omp_elapsed_to_realtime(&clock.elapsed, &look->device_usec) >= 0;
        }
        device->work->looks = false;
        if (!is_right(look))
                write_now(device);
        sync_begin(device);
}

void wallclock_begin(Device *device) {
        const Object *object;

        device->work->looks = false;
        device->work->look = (ClockLook) {};
        if (device->profile->vendor || !device->has_feature || !(device->feature.bits & OMP_FEATURE_CLOCK))
                return;
        object = clock_object(device);
        /* "0x82 time source too low": one that is not sure itself need not ask. */
        if (!object || clock_sync(device->link->settings.root ?: "") != CLOCK_SYNC_YES)
                return;

        if (device->feature.bits & OMP_FEATURE_STORED_SESSIONS &&
            bluez_call(device->link->bluez, &device->work->calls, object->path, "org.bluez.GattCharacteristic1", "ReadValue",
                       BLUEZ_TIMEOUT_USEC, on_read, device, "a{sv}", 0) >= 0)
                device->work->looks = true;
        else
                write_now(device);
}

/* Of a clock that was never set the ticks tell it, if the device was not switched off since. */
static bool from_ticks(const ClockLook *look, const OmpElapsed *start, int64_t *ret_usec) {
        if (look->realtime_usec == 0 || !(start->flags & OMP_ELAPSED_TICKS) ||
            omp_resolution_usec(omp_elapsed_resolution(start)) != OMP_TICK_USEC || start->count > look->tick)
                return false;

        *ret_usec = (int64_t) look->realtime_usec - (int64_t) ((look->tick - start->count) * OMP_TICK_USEC);
        return true;
}

bool wallclock_realtime(const Device *device, const OmpElapsed *start, uint64_t *ret_usec) {
        const ClockLook *look = &device->work->look;
        int64_t usec;
        uint64_t said;

        if (!omp_elapsed_is_time(start)) {
                if (!from_ticks(look, start, &usec))
                        return false;
        } else if (omp_elapsed_to_realtime(start, &said) >= 0) {
                usec = (int64_t) said;
                /* What began after the clock was set began by our clock. */
                if (look->is_time && (!look->set || said <= look->device_usec))
                        usec += (int64_t) look->realtime_usec - (int64_t) look->device_usec;
        } else
                return false;

        /* One of the two clocks was far off. */
        if (usec < FIRST_USEC || usec > (int64_t) clock_usec(CLOCK_REALTIME) + DAY_USEC)
                return false;
        *ret_usec = (uint64_t) usec;
        return true;
}
