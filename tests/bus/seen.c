/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "seen.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "autoptr.h"

static void see_frame(GString *frames, const struct needled_stream_frame *frame) {
        const uint8_t *octets = (const uint8_t *) (frame + 1);

        g_string_append_printf(frames, "%u:%u:%u ", frame->direction, frame->channel, frame->length == 1 ? octets[0] : frame->length);
}

static void see_record(Seen *seen, const struct needled_stream_head *head) {
        const void *body = head + 1;

        g_assert_cmpuint(head->type, >=, NEEDLED_STREAM_HELLO);
        g_assert_cmpuint(head->type, <=, NEEDLED_STREAM_PAST);
        if (seen->n++ == 0)
                seen->first = head->type;
        seen->last = head->type;
        seen->of[head->type]++;
        seen->dropped += head->dropped;
        if (head->type == NEEDLED_STREAM_LIVE)
                seen->last_strokes = ((const struct needled_stream_live *) body)->strokes;
        else if (head->type == NEEDLED_STREAM_STATE)
                seen->state = ((const struct needled_stream_state *) body)->state;
        else if (head->type == NEEDLED_STREAM_FIGURES)
                seen->figures_present = ((const struct needled_stream_figures *) body)->present;
        else if (head->type == NEEDLED_STREAM_FRAME && seen->frames)
                see_frame(seen->frames, body);
        else if (head->type == NEEDLED_STREAM_END)
                seen->reason = ((const struct needled_stream_end *) body)->reason;
}

int open_stream(const char *sender, bool waveform, bool frames, uint64_t period_usec) {
        return open_stream_of(SESSION_PATH, sender, waveform, frames, period_usec);
}

int open_stream_of(const char *path, const char *sender, bool waveform, bool frames, uint64_t period_usec) {
        g_autoptr(FakeCall) c = call(sender, path, SESSION, "OpenStream", "a{sv}", 3, "waveform",
                                     "b", waveform, "frames", "b", frames, "period", "t", period_usec);
        int fd, copy;

        g_assert_cmpint(sd_bus_message_read(expect(c, NULL), "h", &fd), >, 0);
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the message closes its own */
        g_assert_cmpint(copy, >=, 0);
        return copy;
}

void drain(int fd, Seen *seen) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX + 1] __attribute__((aligned(8)));
        ssize_t size;

        while ((size = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
                g_assert_cmpint(size, <=, NEEDLED_STREAM_MESSAGE_MAX);
                seen->n_messages++;
                for (ssize_t at = 0; at < size;) {
                        const struct needled_stream_head *head =
                                (const struct needled_stream_head *) (buffer + at);

                        g_assert_cmpint(size - at, >=, (ssize_t) sizeof(*head));
                        g_assert_cmpuint(head->size % 8, ==, 0);
                        g_assert_cmpint(at + head->size, <=, size);
                        see_record(seen, head);
                        at += head->size;
                }
        }
        seen->closed = size == 0;
}
