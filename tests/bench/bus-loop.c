/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* bus-loop fan-out READERS ROUNDS: what the sender's side of a stream costs. In each round 40 values come and go to all readers in one message
 * each, by their timers of 50 ms: 800 values a second. Prints the µs of CPU for each value and reader; reading is in drain() alone.
 *
 * bus-loop figures COUNT: Session1.GetFigures() of the first live session on the system bus, and in turn Peer.Ping() of the same object: what the bus
 * takes for any answer. Prints the median and the 99th percentile of each in µs.
 *
 * bus-loop read READERS PERIOD_USEC [FILE]: opens so many streams of it and reads until SIGTERM or the end. Prints `ready` when all are open. Into FILE
 * goes a line for each live value: when needled received it (µs), when needled had sent it here, by the kernel's own stamp, and when it was read (ns),
 * all by CLOCK_REALTIME. */

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "autoptr.h"
#include "bus/reader.h"

#define READERS_MAX 32u
#define VALUES 40u
#define PERIOD_USEC 50000u
#define SESSIONS "/org/needled/session"

static uint64_t cpu_nsec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
        return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}

static void on_closed(Reader *reader, void *userdata) {
        g_error("a reader was closed");
}

static void push_values(Reader *const *readers, unsigned n) {
        const OmpLive live = { .flags = OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR, .force_mean_mn = 1000, .force_peak_mn = 1500 };
        const TrackerLive shown = { .live = &live, .has_strokes = true, .has_rate = true };

        for (unsigned i = 0; i < VALUES; i++) {
                RecordDraft draft;

                record_live(&draft, i, i, &shown, 1);
                for (unsigned k = 0; k < n; k++)
                        reader_push(readers[k], &draft);
                record_done(&draft);
        }
}

/* How many values have come. */
__attribute__((noinline)) static unsigned drain(const int *fds, unsigned n) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX];
        unsigned found = 0;

        for (unsigned i = 0; i < n; i++) {
                ssize_t size;

                while ((size = recv(fds[i], buffer, sizeof(buffer), MSG_DONTWAIT)) > 0)
                        found += (unsigned) ((size_t) size / (sizeof(struct needled_stream_head) + sizeof(struct needled_stream_live)));
        }

        return found;
}

static int fan_out(unsigned n, unsigned rounds) {
        const ReaderOptions options = { .period_usec = PERIOD_USEC };
        g_autoptr(sd_event) event = NULL;
        uint64_t began_nsec, reading_nsec = 0;
        Reader *readers[READERS_MAX];
        int fds[READERS_MAX], r;
        Beat *beat;

        r = sd_event_new(&event);
        beat = beat_new(event);
        for (unsigned i = 0; i < n && r >= 0; i++)
                r = reader_new(event, beat, &options, on_closed, NULL, &readers[i], &fds[i]);
        if (r < 0)
                return EXIT_FAILURE;

        began_nsec = cpu_nsec();
        for (unsigned round = 0; round < rounds; round++) {
                unsigned found = 0;

                push_values(readers, n);
                while (found < n * VALUES && sd_event_run(event, UINT64_MAX) >= 0) {
                        uint64_t nsec = cpu_nsec();

                        found += drain(fds, n);
                        reading_nsec += cpu_nsec() - nsec;
                }
        }
        printf("%.3f\n", (double) (cpu_nsec() - began_nsec - reading_nsec) / 1e3 / n / rounds / VALUES);
        for (unsigned i = 0; i < n; i++) {
                reader_free(readers[i]);
                (void) close(fds[i]);
        }
        beat_free(beat);
        return EXIT_SUCCESS;
}

static int by_size(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return (x > y) - (x < y);
}

/* The first session below the node of all. */
static char *find_session(sd_bus *bus) {
        g_autoptr(sd_bus_message) reply = NULL;
        const char *xml, *name;

        if (sd_bus_call_method(bus, "org.needled", SESSIONS, "org.freedesktop.DBus.Introspectable", "Introspect", NULL, &reply, NULL) < 0 ||
            sd_bus_message_read(reply, "s", &xml) < 0)
                return NULL;

        name = strstr(xml, "<node name=\"");
        return name ? g_strdup_printf(SESSIONS "/%lu", strtoul(name + strlen("<node name=\""), NULL, 10)) : NULL;
}

/* How long the answer takes; negative: there was none. */
static double call_usec(sd_bus *bus, const char *path, const char *interface, const char *member) {
        g_autoptr(sd_bus_message) reply = NULL;
        struct timespec before, after;

        (void) clock_gettime(CLOCK_MONOTONIC, &before);
        if (sd_bus_call_method(bus, "org.needled", path, interface, member, NULL, &reply, NULL) < 0)
                return -1;
        (void) clock_gettime(CLOCK_MONOTONIC, &after);
        return (double) (after.tv_sec - before.tv_sec) * 1e6 + (double) (after.tv_nsec - before.tv_nsec) / 1e3;
}

static void print_times(double *usec, unsigned n) {
        qsort(usec, n, sizeof(*usec), by_size);
        printf("%.1f %.1f\n", usec[n / 2], usec[n - 1 - n / 100]);
}

static int figures(unsigned n) {
        g_autofree double *usec = g_new(double, n), *ping_usec = g_new(double, n);
        g_autofree char *session = NULL;
        g_autoptr(sd_bus) bus = NULL;

        if (sd_bus_open_system(&bus) < 0)
                return EXIT_FAILURE;
        session = find_session(bus);
        if (!session)
                return EXIT_FAILURE;

        for (unsigned i = 0; i < n; i++) {
                usec[i] = call_usec(bus, session, "org.needled.Session1", "GetFigures");
                (void) usleep(4000); /* as a program does: it asks again when it has shown what it got, and others may ask too */
                ping_usec[i] = call_usec(bus, session, "org.freedesktop.DBus.Peer", "Ping");
                if (usec[i] < 0 || ping_usec[i] < 0)
                        return EXIT_FAILURE;
                (void) usleep(4000);
        }
        print_times(usec, n);
        print_times(ping_usec, n);
        return EXIT_SUCCESS;
}

/* ---- Readers ---- */

static volatile sig_atomic_t over;

static void on_signal(int number) {
        over = 1;
}

static uint64_t nsec_of(const struct timespec *t) {
        return (uint64_t) t->tv_sec * 1000000000 + (uint64_t) t->tv_nsec;
}

static int open_stream(sd_bus *bus, const char *session, uint64_t period_usec) {
        g_autoptr(sd_bus_message) reply = NULL;
        const int stamped = 1;
        int fd;

        if (sd_bus_call_method(bus, "org.needled", session, "org.needled.Session1", "OpenStream", NULL, &reply, "a{sv}", 1, "period", "t",
                               period_usec) < 0 ||
            sd_bus_message_read(reply, "h", &fd) < 0 || (fd = dup(fd)) < 0)
                return -1;

        /* The sender's kernel side stamps what it puts into a socket whose reader wants that. */
        return setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &stamped, sizeof(stamped)) < 0 ? -1 : fd;
}

static void note_values(FILE *file, const uint8_t *data, size_t size, uint64_t sent_nsec, uint64_t read_nsec) {
        struct needled_stream_head head;

        for (size_t at = 0; at + sizeof(head) <= size; at += head.size) {
                memcpy(&head, data + at, sizeof(head));
                if (head.size < sizeof(head))
                        return;
                if (head.type == NEEDLED_STREAM_LIVE)
                        (void) fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", head.realtime_usec, sent_nsec, read_nsec);
        }
}

/* False: the stream is over. */
static bool read_message(int fd, FILE *file) {
        uint8_t data[NEEDLED_STREAM_MESSAGE_MAX], control[CMSG_SPACE(sizeof(struct timespec))];
        struct iovec iovec = { .iov_base = data, .iov_len = sizeof(data) };
        struct msghdr message = { .msg_iov = &iovec, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
        struct timespec sent = {}, now;
        ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
        struct cmsghdr *header;

        if (size <= 0)
                return false;
        if (!file)
                return true;

        (void) clock_gettime(CLOCK_REALTIME, &now);
        header = CMSG_FIRSTHDR(&message);
        if (header && header->cmsg_type == SCM_TIMESTAMPNS)
                memcpy(&sent, CMSG_DATA(header), sizeof(sent));
        note_values(file, data, (size_t) size, nsec_of(&sent), nsec_of(&now));
        return true;
}

static int read_streams(unsigned n, uint64_t period_usec, const char *path) {
        const struct sigaction action = { .sa_handler = on_signal };
        struct pollfd fds[READERS_MAX];
        g_autofree char *session = NULL;
        g_autoptr(sd_bus) bus = NULL;
        FILE *file = NULL;

        if (sd_bus_open_system(&bus) < 0 || !(session = find_session(bus)) || (path && !(file = fopen(path, "w"))))
                return EXIT_FAILURE;
        for (unsigned i = 0; i < n; i++) {
                fds[i] = (struct pollfd) { .fd = open_stream(bus, session, period_usec), .events = POLLIN };
                if (fds[i].fd < 0)
                        return EXIT_FAILURE;
        }
        (void) sigaction(SIGTERM, &action, NULL);
        printf("ready\n");
        (void) fflush(stdout);

        for (unsigned open = n; open > 0 && !over;) {
                if (poll(fds, n, -1) < 0)
                        continue;
                for (unsigned i = 0; i < n; i++)
                        if (fds[i].revents != 0 && !read_message(fds[i].fd, file)) {
                                (void) close(fds[i].fd);
                                fds[i].fd = -1;
                                open--;
                        }
        }
        return file && fclose(file) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
        unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;

        if (argc == 4 && g_str_equal(argv[1], "fan-out") && n > 0 && n <= READERS_MAX && rounds > 0)
                return fan_out((unsigned) n, (unsigned) rounds);
        if (argc == 3 && g_str_equal(argv[1], "figures") && n > 0)
                return figures((unsigned) n);
        if ((argc == 4 || argc == 5) && g_str_equal(argv[1], "read") && n > 0 && n <= READERS_MAX)
                return read_streams((unsigned) n, rounds, argv[4]);

        (void) fprintf(stderr, "bus-loop: fan-out READERS ROUNDS, figures COUNT, or read READERS PERIOD_USEC [FILE]\n");
        return EXIT_FAILURE;
}
