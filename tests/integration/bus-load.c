/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Calls of needled, many and measured:
 *   flood CONNECTIONS RATE SECONDS UID DEVICE: so many calls a second by that user, whose answers nobody waits for;
 *     prints how many were sent, of those that want an answer, which are drawn by lot, how many were served and how many LimitReached, and
 *     how many µs it took;
 *   ask SESSION N: GetFigures, one after the other; prints the median and the 99th percentile in µs. */

#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "autoptr.h"

#define NAME "org.needled"
#define STEP_USEC 1000
#define ANSWER_EVERY 37

static unsigned n_sent, n_served, n_limited;

static int check(int r) {
        if (r < 0) {
                (void) fprintf(stderr, "bus-load: %s\n", strerror(-r));
                exit(EXIT_FAILURE);
        }
        return r;
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        n_served += !sd_bus_message_is_method_error(m, NULL);
        n_limited += sd_bus_error_has_name(sd_bus_message_get_error(m), "org.needled.Error.LimitReached");
        return 1;
}

/* A bus lets a client wait for 128 answers: all but one of ANSWER_EVERY calls want none, and which cannot fall in step with what is served. Every
 * tenth asks the store. */
static void send_one(sd_bus *bus, const char *device) {
        sd_bus_message_handler_t handler = g_random_int_range(0, ANSWER_EVERY) == 0 ? on_answer : NULL;

        if (n_sent++ % 10 == 0)
                check(sd_bus_call_method_async(bus, NULL, NAME, "/org/needled", "org.needled.History1", "List", handler, NULL,
                                               "a{sv}", 0));
        else
                check(sd_bus_call_method_async(bus, NULL, NAME, device, "org.freedesktop.DBus.Properties", "Get", handler, NULL,
                                               "ss", "org.needled.Device1", "State"));
}

/* The bus knows a connection by the user who connected: who floods is that from the beginning. */
static void flood(unsigned n, unsigned rate, unsigned seconds, uid_t uid, const char *device) {
        g_autofree sd_bus **connections = g_new0(sd_bus *, n);
        gint64 begin, now;

        if (geteuid() == 0 && uid != 0 && setuid(uid) < 0)
                check(-errno);
        for (unsigned i = 0; i < n; i++)
                check(sd_bus_open_system(&connections[i]));

        begin = g_get_monotonic_time();
        while ((now = g_get_monotonic_time() - begin) < (gint64) seconds * G_USEC_PER_SEC) {
                while (n_sent < (guint64) now * rate / G_USEC_PER_SEC)
                        send_one(connections[n_sent % n], device);
                for (unsigned i = 0; i < n; i++)
                        while (check(sd_bus_process(connections[i], NULL)) > 0)
                                ;
                g_usleep(STEP_USEC);
        }
        (void) printf("%u %u %u %" G_GINT64_FORMAT "\n", n_sent, n_served, n_limited, now);
        for (unsigned i = 0; i < n; i++)
                sd_bus_close_unref(connections[i]);
}

static int compare(const void *a, const void *b) {
        const gint64 *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void ask(const char *session, unsigned n) {
        g_autofree gint64 *took = g_new(gint64, n);
        g_autoptr(sd_bus) bus = NULL;

        check(sd_bus_open_system(&bus));
        for (unsigned i = 0; i < n; i++) {
                g_autoptr(sd_bus_message) reply = NULL;
                gint64 begin = g_get_monotonic_time();

                check(sd_bus_call_method(bus, NAME, session, "org.needled.Session1", "GetFigures", NULL, &reply, ""));
                took[i] = g_get_monotonic_time() - begin;
                g_usleep(5 * STEP_USEC);
        }
        qsort(took, n, sizeof(*took), compare);
        (void) printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", took[n / 2], took[n * 99 / 100]);
}

int main(int argc, char *argv[]) {
        if (argc == 7 && strcmp(argv[1], "flood") == 0)
                flood((unsigned) atoi(argv[2]), (unsigned) atoi(argv[3]), (unsigned) atoi(argv[4]), (uid_t) atoi(argv[5]), argv[6]);
        else if (argc == 4 && strcmp(argv[1], "ask") == 0)
                ask(argv[2], (unsigned) atoi(argv[3]));
        else
                return EXIT_FAILURE;

        return EXIT_SUCCESS;
}
