/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* hold-streams SESSION N: asks for all of needled's signals and opens N streams of the session, says "held", and reads none of it until it is told a line;
 * then reads each stream to its end and prints for each "RECORDS DROPPED". */

#include <endian.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "autoptr.h"
#include "needled/stream.h"

#define STREAMS_MAX 8u

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return 0;
}

static int open_stream(sd_bus *bus, const char *session, sd_bus_message **ret, int *ret_fd) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        int r;

        r = sd_bus_call_method(bus, "org.needled", session, "org.needled.Session1", "OpenStream", &error, ret, "a{sv}", 1, "frames", "b", true);
        if (r < 0) {
                printf("%s: %s\n", error.name, error.message);
                return r;
        }

        return sd_bus_message_read(*ret, "h", ret_fd);
}

/* Values and their frames alike. */
static void drain(int fd) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));
        unsigned long n = 0, dropped = 0;
        ssize_t size;

        while ((size = recv(fd, buffer, sizeof(buffer), 0)) > 0) {
                const struct needled_stream_head *head;

                for (ssize_t at = 0; at < size; at += le16toh(head->size)) {
                        head = (const struct needled_stream_head *) (buffer + at);
                        n++;
                        dropped += le32toh(head->dropped);
                }
        }
        printf("%lu %lu\n", n, dropped);
}

int main(int argc, char *argv[]) {
        unsigned long n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
        sd_bus_message *replies[STREAMS_MAX] = {}; /* each keeps its descriptor open */
        g_autoptr(sd_bus) bus = NULL;
        int fds[STREAMS_MAX], r;
        char line[16];

        if (n == 0 || n > STREAMS_MAX)
                return 2;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_add_match(bus, NULL, "type='signal',sender='org.needled'", on_signal, NULL);
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = open_stream(bus, argv[1], &replies[i], &fds[i]);
        if (r < 0)
                return 1;

        printf("held\n");
        (void) fflush(stdout);
        if (fgets(line, sizeof(line), stdin))
                for (unsigned i = 0; i < n; i++)
                        drain(fds[i]);
        for (unsigned i = 0; i < n; i++)
                sd_bus_message_unref(replies[i]);
        return 0;
}
