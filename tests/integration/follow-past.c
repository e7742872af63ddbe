/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* follow-past SESSION HISTORY_USEC N: opens a stream of the session with frames and that much of the past, and prints of each value of the device
 * "SESSION_USEC OCTETS"; when N have come that are live, or at the end, "DROPPED WHOLE N_PAST N_LIVE FROM_USEC" at last. Says "open" on stderr first.
 * follow-past SESSION HISTORY_USEC slow: says "open", and does not read before it is given a line; at the end it says nothing but
 * "WHOLE N_PAST N_AFTER_PAST REASON", of records of any kind after PAST, when the stream is closed behind END. */

#include <endian.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "autoptr.h"
#include "needled/stream.h"

typedef struct Seen {
        unsigned long n_past, n_live, n_after_past, dropped;
        uint64_t from_usec;
        bool slow, live, whole, ended;
        unsigned reason;
} Seen;

static void print_frame(const struct needled_stream_head *head) {
        const struct needled_stream_frame *frame = (const struct needled_stream_frame *) (head + 1);
        const uint8_t *octets = (const uint8_t *) (frame + 1);

        printf("%" PRIu64 " ", le64toh(head->session_usec));
        for (unsigned i = 0; i < le16toh(frame->length); i++)
                printf("%02x", octets[i]);
        printf("\n");
}

static void take(Seen *seen, const struct needled_stream_head *head) {
        const struct needled_stream_frame *frame = (const struct needled_stream_frame *) (head + 1);
        const struct needled_stream_past *past = (const struct needled_stream_past *) (head + 1);

        seen->dropped += le32toh(head->dropped);
        seen->n_after_past += seen->live;
        switch (le16toh(head->type)) {
        case NEEDLED_STREAM_FRAME:
                if (frame->direction != NEEDLED_STREAM_FROM_DEVICE)
                        return;
                if (!seen->slow)
                        print_frame(head);
                if (seen->live)
                        seen->n_live++;
                else
                        seen->n_past++;
                break;
        case NEEDLED_STREAM_PAST:
                seen->live = true;
                seen->whole = past->whole;
                seen->from_usec = le64toh(past->from_usec);
                break;
        case NEEDLED_STREAM_END:
                seen->ended = true;
                seen->reason = ((const struct needled_stream_end *) (head + 1))->reason;
                break;
        default:
                break;
        }
}

int main(int argc, char *argv[]) {
        g_autoptr(sd_bus_message) reply = NULL;
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus) bus = NULL;
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));
        unsigned long n = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
        Seen seen = { .slow = argc == 4 && strcmp(argv[3], "slow") == 0 };
        ssize_t size;
        int r, fd;

        if (argc != 4)
                return 2;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = sd_bus_call_method(bus, "org.needled", argv[1], "org.needled.Session1", "OpenStream", &error, &reply, "a{sv}", 2, "frames", "b",
                                       true, "history", "t", (uint64_t) strtoull(argv[2], NULL, 10));
        if (r >= 0)
                r = sd_bus_message_read(reply, "h", &fd);
        if (r < 0) {
                printf("%s: %s\n", error.name ?: "", error.message ?: strerror(-r));
                return 1;
        }

        if (seen.slow) {
                printf("open\n");
                (void) fflush(stdout);
                (void) getchar();
        } else
                fprintf(stderr, "open\n");
        while ((seen.slow || (!seen.ended && (!seen.live || seen.n_live < n))) && (size = recv(fd, buffer, sizeof(buffer), 0)) > 0)
                for (ssize_t at = 0; at < size; at += le16toh(((const struct needled_stream_head *) (buffer + at))->size))
                        take(&seen, (const struct needled_stream_head *) (buffer + at));
        if (seen.slow)
                printf("%d %lu %lu %u\n", seen.whole, seen.n_past, seen.n_after_past, seen.reason);
        else
                printf("%lu %d %lu %lu %" PRIu64 "\n", seen.dropped, seen.whole, seen.n_past, seen.n_live, seen.from_usec);
        return 0;
}
