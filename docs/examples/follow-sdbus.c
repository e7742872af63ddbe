/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Follows your live session with sd-bus: cc follow-sdbus.c -o follow-sdbus $(pkg-config --cflags --libs libsystemd)
 * docs/api.md explains it. */

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <needled/stream.h>

#define NAME "org.needled"
#define SESSION "org.needled.Session1"

/* What a message has of a body: one from an older daemon is shorter, one from a later daemon longer. */
#define TAKE(body, data, size) memcpy(&(body), (data), (size) < sizeof(body) ? (size) : sizeof(body))

static void show_live(double at_sec, const uint8_t *data, size_t size) {
        struct needled_stream_live live = {};

        TAKE(live, data, size);
        if (le32toh(live.present) & NEEDLED_STREAM_HAS_FORCE)
                printf("%.3f s  %" PRId32 " mN  peak %" PRId32 " mN\n", at_sec, (int32_t) le32toh((uint32_t) live.force_mean_mn),
                       (int32_t) le32toh((uint32_t) live.force_peak_mn));
}

static void show_gap(double at_sec, const uint8_t *data, size_t size) {
        struct needled_stream_gap gap = {};

        TAKE(gap, data, size);
        printf("%.3f s  gap of %.3f s, %" PRIu32 " packets lost\n", at_sec,
               (double) (le64toh(gap.to_usec) - le64toh(gap.from_usec)) / 1e6, le32toh(gap.lost));
}

/* 1: it was the last record. */
static int show_record(const struct needled_stream_head *head, const uint8_t *body, size_t size) {
        double at_sec = (double) le64toh(head->session_usec) / 1e6;

        if (head->dropped)
                printf("%" PRIu32 " records missed\n", le32toh(head->dropped));

        switch (le16toh(head->type)) {
        case NEEDLED_STREAM_LIVE:
                show_live(at_sec, body, size);
                break;
        case NEEDLED_STREAM_GAP:
                show_gap(at_sec, body, size);
                break;
        case NEEDLED_STREAM_END:
                printf("end, reason %d\n", size > 0 ? body[0] : 0);
                return 1;
        }

        return 0;
}

/* Whole records, one after the other. 1: the session has ended. */
static int show_message(const uint8_t *data, size_t left) {
        struct needled_stream_head head;

        while (left >= sizeof(head)) {
                size_t size;

                memcpy(&head, data, sizeof(head));
                size = le16toh(head.size);
                if (size < sizeof(head) || size > left)
                        return -EBADMSG;
                if (show_record(&head, data + sizeof(head), size - sizeof(head)))
                        return 1;
                data += size;
                left -= size;
        }

        return 0;
}

/* 1: the session has ended; 0: the stream broke off. */
static int follow(int fd) {
        uint8_t message[NEEDLED_STREAM_MESSAGE_MAX];

        for (;;) {
                ssize_t n = recv(fd, message, sizeof(message), 0);
                int r;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : 0;
                r = show_message(message, (size_t) n);
                if (r != 0)
                        return r;
        }
}

/* Reads the properties of one session, a{sv}, and leaves the dictionary behind. */
static int is_live_and_ours(sd_bus_message *m, bool *ret) {
        const char *name, *state = "finished";
        uint32_t owner = UINT32_MAX;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
                r = sd_bus_message_read(m, "s", &name);
                if (r >= 0 && strcmp(name, "State") == 0)
                        r = sd_bus_message_read(m, "v", "s", &state);
                else if (r >= 0 && strcmp(name, "Owner") == 0)
                        r = sd_bus_message_read(m, "v", "u", &owner);
                else if (r >= 0)
                        r = sd_bus_message_skip(m, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }

        *ret = owner == getuid() && strcmp(state, "finished") != 0;
        return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* Finds it in the reply of GetManagedObjects(), a{oa{sa{sv}}}; the path belongs to the message. -ENOENT: none. */
static int find_session(sd_bus_message *m, const char **ret) {
        const char *path, *interface;
        bool found = false;
        int r;

        r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");
        while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0) {
                r = sd_bus_message_read(m, "o", &path);
                if (r >= 0)
                        r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
                while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
                        r = sd_bus_message_read(m, "s", &interface);
                        if (r >= 0)
                                r = strcmp(interface, SESSION) == 0 ? is_live_and_ours(m, &found) : sd_bus_message_skip(m, "a{sv}");
                        if (r >= 0)
                                r = sd_bus_message_exit_container(m);
                }
                if (found) {
                        *ret = path;
                        return 0;
                }
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
                if (r >= 0)
                        r = sd_bus_message_exit_container(m);
        }

        return r < 0 ? r : -ENOENT;
}

static int give_up(const char *what, const sd_bus_error *error, int r) {
        fprintf(stderr, "%s: %s\n", what, error && error->message ? error->message : strerror(-r));
        return EXIT_FAILURE;
}

int main(void) {
        sd_bus_message *objects = NULL, *reply = NULL;
        sd_bus_error error = SD_BUS_ERROR_NULL;
        const char *session;
        sd_bus *bus = NULL;
        int r, fd;

        setvbuf(stdout, NULL, _IOLBF, 0); /* a line at once, into a pipe too */
        r = sd_bus_open_system(&bus);
        if (r < 0)
                return give_up("The system bus", NULL, r);
        r = sd_bus_call_method(bus, NAME, "/org/needled", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                               &error, &objects, NULL);
        if (r < 0)
                return give_up("The objects of needled", &error, r);
        r = find_session(objects, &session);
        if (r < 0)
                return give_up("A live session of yours", NULL, r);
        r = sd_bus_call_method(bus, NAME, session, SESSION, "OpenStream", &error, &reply, "a{sv}", 1,
                               "period", "t", UINT64_C(50000));
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0)
                return give_up("The stream", &error, r);

        r = follow(fd);
        if (r <= 0)
                return give_up("The stream broke off", NULL, r < 0 ? r : -ECONNRESET);

        sd_bus_message_unref(reply); /* the fd is the message's, and is closed with it */
        sd_bus_message_unref(objects);
        sd_bus_flush_close_unref(bus);
        return EXIT_SUCCESS;
}
