/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* recv-loop ADDRESS: connects to a device that bluetoothd knows, takes Live Measurement by AcquireNotify and
 * then does nothing but recv() and look at what came. No client of AcquireNotify can cost less: what needled
 * costs is told as a multiple of it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "needled/omp.h"

#define SERVICE "org.bluez"
#define DEVICE "org.bluez.Device1"
#define CHARACTERISTIC "org.bluez.GattCharacteristic1"
#define LIVE_UUID "95840102-2319-423b-8a8e-ee1ffb8d13f8"
#define TRIES_MAX 500u
#define TRY_USEC 20000u
#define FIXED_OCTETS 18u /* of a Live Measurement; behind them are what the flags announce, and padding */

typedef struct Samples {
        int64_t sum;
        uint64_t n;
        int max;
} Samples;

static int fail(int r, const char *what, const sd_bus_error *error) {
        (void) fprintf(stderr, "recv-loop: %s: %s\n", what,
                       error && error->message ? error->message : strerror(-r));
        return r;
}

/* Whether this object is the Live characteristic of the device. */
static int object_is_live(sd_bus *bus, const char *path, bool *ret) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        char *uuid = NULL;
        int r = sd_bus_get_property_string(bus, SERVICE, path, CHARACTERISTIC, "UUID", &error, &uuid);

        sd_bus_error_free(&error);
        *ret = r >= 0 && strcmp(uuid, LIVE_UUID) == 0;
        free(uuid);
        return r;
}

/* The paths of all objects, of which the first that is Live is taken. -ENOENT: not there (yet). */
static int find_live(sd_bus *bus, const char *device, char *ret, size_t size) {
        sd_bus_message *reply = NULL;
        bool found = false;
        const char *path;
        int r;

        r = sd_bus_call_method(bus, SERVICE, "/", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                               NULL, &reply, "");
        if (r >= 0)
                r = sd_bus_message_enter_container(reply, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && !found && (r = sd_bus_message_enter_container(reply, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read(reply, "o", &path);
                if (r >= 0)
                        r = sd_bus_message_skip(reply, "a{sa{sv}}");
                if (r >= 0)
                        r = sd_bus_message_exit_container(reply);
                if (r >= 0 && strncmp(path, device, strlen(device)) == 0 && strstr(path, "/char")) {
                        (void) object_is_live(bus, path, &found);
                        (void) snprintf(ret, size, "%s", path);
                }
        }

        sd_bus_message_unref(reply);
        return r < 0 ? r : found ? 0
                                 : -ENOENT;
}

static int connect_device(sd_bus *bus, const char *device, char *live, size_t size) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        int r = -ENOENT;

        r = sd_bus_call_method(bus, SERVICE, device, DEVICE, "Connect", &error, NULL, "");
        if (r < 0) {
                r = fail(r, "Connect", &error);
                sd_bus_error_free(&error);
                return r;
        }

        for (unsigned i = 0; i < TRIES_MAX; i++) {
                int resolved = 0;

                r = sd_bus_get_property_trivial(bus, SERVICE, device, DEVICE, "ServicesResolved", NULL, 'b',
                                                &resolved);
                if (r >= 0)
                        r = resolved ? find_live(bus, device, live, size) : -ENOENT;
                if (r >= 0)
                        return 0;
                (void) usleep(TRY_USEC);
        }

        return fail(r, "the device's services", NULL);
}

/* The octets after the fixed fields as signed samples, the least that any client does with them. */
static void look_at(const uint8_t *data, size_t size, Samples *samples) {
        for (size_t i = FIXED_OCTETS; i + 1 < size; i += 2) {
                int value = (int16_t) (data[i] | data[i + 1] << 8);

                samples->sum += value;
                samples->max = value > samples->max ? value : samples->max;
                samples->n++;
        }
}

static int receive(int fd) {
        uint8_t data[OMP_VALUE_MAX];
        Samples samples = { .max = INT16_MIN };
        uint64_t received = 0;
        ssize_t n;

        /* bluetoothd makes both ends non-blocking. */
        if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0)
                return fail(-errno, "fcntl", NULL);
        while ((n = recv(fd, data, sizeof(data), 0)) > 0) {
                received++;
                look_at(data, (size_t) n, &samples);
        }

        (void) printf("received %" PRIu64 " max %d mean %" PRId64 "\n", received, samples.max,
                      samples.n > 0 ? samples.sum / (int64_t) samples.n : 0);
        return n < 0 ? fail(-errno, "recv", NULL) : 0;
}

int main(int argc, char **argv) {
        sd_bus_error error = SD_BUS_ERROR_NULL;
        sd_bus_message *reply = NULL;
        char device[64], live[256];
        sd_bus *bus = NULL;
        int fd, r;

        if (argc != 2 || strlen(argv[1]) != 17) {
                (void) fprintf(stderr, "recv-loop: wants the address of a device\n");
                return EXIT_FAILURE;
        }
        (void) snprintf(device, sizeof(device), "/org/bluez/hci0/dev_%s", argv[1]);
        for (char *c = device; *c; c++)
                if (*c == ':')
                        *c = '_';

        if ((r = sd_bus_open_system(&bus)) < 0)
                (void) fail(r, "the bus", NULL);
        else if ((r = connect_device(bus, device, live, sizeof(live))) >= 0) {
                r = sd_bus_call_method(bus, SERVICE, live, CHARACTERISTIC, "AcquireNotify", &error, &reply,
                                       "a{sv}", 0);
                if (r < 0 || (r = sd_bus_message_read(reply, "h", &fd)) < 0)
                        (void) fail(r, "AcquireNotify", &error);
                else
                        r = receive(fd); /* the reply owns it */
        }

        sd_bus_message_unref(reply);
        sd_bus_error_free(&error);
        sd_bus_flush_close_unref(bus);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
