/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* take-export ID FORMAT [KEY=NUMBER…]: calls History1.Export, says "rows N" on stderr, and copies the pipe to stdout as fast as that takes
 * it. An error's name goes to stderr, and the status is 1. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "autoptr.h"

static int append_options(sd_bus_message *m, char **options) {
        int r = sd_bus_message_open_container(m, 'a', "{sv}");

        for (; r >= 0 && *options; options++) {
                char *value = strchr(*options, '=');

                if (!value)
                        return -EINVAL;
                *value++ = '\0';
                if (strcmp(*options, "resample_hz") == 0)
                        r = sd_bus_message_append(m, "{sv}", *options, "u", (uint32_t) strtoul(value, NULL, 10));
                else
                        r = sd_bus_message_append(m, "{sv}", *options, "t", (uint64_t) strtoull(value, NULL, 10));
        }
        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int copy(int fd) {
        char buffer[4096];
        ssize_t n;

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
                for (ssize_t at = 0, written; at < n; at += written) {
                        written = write(STDOUT_FILENO, buffer + at, (size_t) (n - at));
                        if (written < 0)
                                return -errno;
                }
        return n < 0 ? -errno : 0;
}

int main(int argc, char *argv[]) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) m = NULL, reply = NULL;
        g_autoptr(sd_bus) bus = NULL;
        uint64_t rows;
        int r, fd;

        if (argc < 3)
                return 2;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_message_new_method_call(bus, &m, "org.needled", "/org/needled", "org.needled.History1", "Export");
        if (r >= 0)
                r = sd_bus_message_append(m, "ts", (uint64_t) strtoull(argv[1], NULL, 10), argv[2]);
        if (r >= 0)
                r = append_options(m, argv + 3);
        if (r >= 0)
                r = sd_bus_call(bus, m, 0, &error, &reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "ht", &fd, &rows);
        if (r < 0) {
                fprintf(stderr, "%s\n", error.name ?: strerror(-r));
                return 1;
        }
        fprintf(stderr, "rows %" PRIu64 "\n", rows);
        return copy(fd) < 0;
}
