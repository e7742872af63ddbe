/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/reader.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "autoptr.h"

struct Reader {
        ReaderOptions options;
        ReaderClosed closed;
        void *userdata;
        int fd;
        sd_event_source *io, *timer;    /* timer: of the period, NULL if 0 */
        bool timing;                    /* the timer runs */
        bool full;                      /* the socket takes no more; EPOLLOUT will tell */
        bool ending;                    /* close when the queue is empty */
        bool dead;                      /* the other end is closed */

        Record *queue[READER_QUEUE_MAX];
        unsigned head, n;
        size_t n_bytes;                 /* in the queue */
        uint32_t dropped;               /* just before the head of the queue */
};

/* Only while the socket is full do we want to hear that it is not; closing is told always. */
static void set_full(Reader *reader, bool full) {
        if (reader->full == full)
                return;

        reader->full = full;
        (void) sd_event_source_set_io_events(reader->io, full ? EPOLLOUT : 0);
}

/* > 0: the kernel took it; 0: it did not, or the reader is dead. */
static int send_message(Reader *reader, const void *data, size_t size) {
        if (send(reader->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                return 1;

        if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM || errno == EINTR)
                set_full(reader, true);
        else
                reader->dead = true; /* EPOLLHUP is on its way */

        return 0;
}

static void queue_pop(Reader *reader) {
        reader->n_bytes -= reader->queue[reader->head]->size;
        record_unref(reader->queue[reader->head]);
        reader->head = (reader->head + 1) % READER_QUEUE_MAX;
        reader->n--;
}

/* "when both are full the oldest of the queue go, and the reader is told how many" */
static void queue_push(Reader *reader, Record *record) {
        if (reader->n == READER_QUEUE_MAX) {
                queue_pop(reader);
                if (reader->dropped < UINT32_MAX)
                        reader->dropped++;
        }

        reader->queue[(reader->head + reader->n) % READER_QUEUE_MAX] = record;
        reader->n++;
        reader->n_bytes += record->size;
}

/* As many whole records as one message takes; the first carries the count of those that went before it. */
static unsigned fill_message(const Reader *reader, uint8_t *buffer, size_t *ret_size) {
        size_t size = 0;
        unsigned n;

        for (n = 0; n < reader->n; n++) {
                const Record *record = reader->queue[(reader->head + n) % READER_QUEUE_MAX];

                if (size + record->size > NEEDLED_STREAM_MESSAGE_MAX)
                        break;
                memcpy(buffer + size, record->data, record->size);
                size += record->size;
        }
        ((struct needled_stream_head *) buffer)->dropped = htole32(reader->dropped);

        *ret_size = size;
        return n;
}

static void set_timing(Reader *reader, bool on) {
        uint64_t slack = reader->options.period_usec / 8;

        if (!reader->timer || reader->timing == on)
                return;

        reader->timing = on;
        if (on)
                (void) sd_event_source_set_time_relative(reader->timer, reader->options.period_usec - slack);
        (void) sd_event_source_set_enabled(reader->timer, on ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Reader *reader = userdata;

        if (events & EPOLLOUT && !(events & (EPOLLHUP | EPOLLERR))) {
                set_full(reader, false);
                reader_flush(reader);
        }
        if (events & (EPOLLHUP | EPOLLERR) || reader->dead || (reader->ending && reader->n == 0))
                reader->closed(reader, reader->userdata);

        return 0;
}

static int on_period(sd_event_source *source, uint64_t usec, void *userdata) {
        Reader *reader = userdata;

        reader->timing = false;
        reader_flush(reader);
        return 0;
}

/* After the last record of an ended stream was sent from inside reader_end(). */
static int on_ended(sd_event_source *source, void *userdata) {
        Reader *reader = userdata;

        reader->closed(reader, reader->userdata);
        return 0;
}

int reader_new(sd_event *event, const ReaderOptions *options, ReaderClosed closed, void *userdata,
               Reader **ret, int *ret_fd) {
        Reader *reader;
        int fds[2], r, size = READER_BUFFER_SIZE;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;

        reader = g_new0(Reader, 1);
        reader->options = *options;
        reader->closed = closed;
        reader->userdata = userdata;
        reader->fd = fds[0];
        r = setsockopt(reader->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ? -errno : 0;
        if (r >= 0) /* a stream has one direction: nothing that the other end sends is kept for us */
                r = shutdown(reader->fd, SHUT_RD) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &reader->io, reader->fd, 0, on_io, reader);
        if (r >= 0 && options->period_usec > 0)
                r = sd_event_add_time(event, &reader->timer, CLOCK_BOOTTIME, 0,
                                      MAX(options->period_usec / 8, 1), on_period, reader);
        if (r >= 0 && reader->timer)
                r = sd_event_source_set_enabled(reader->timer, SD_EVENT_OFF);
        if (r < 0) {
                (void) close(fds[1]);
                reader_free(reader);
                return r;
        }

        *ret = reader;
        *ret_fd = fds[1];
        return 0;
}

Reader *reader_free(Reader *reader) {
        if (!reader)
                return NULL;

        sd_event_source_disable_unref(reader->timer);
        sd_event_source_disable_unref(reader->io);
        while (reader->n > 0)
                queue_pop(reader);
        (void) close(reader->fd);
        g_free(reader);
        return NULL;
}

const ReaderOptions *reader_options(const Reader *reader) {
        return &reader->options;
}

void reader_push(Reader *reader, RecordDraft *draft) {
        if (reader->dead || reader->ending)
                return;

        if (!reader->timer && !reader->full && reader->n == 0 &&
            send_message(reader, draft->data, draft->size) > 0)
                return;

        queue_push(reader, record_share(draft));
        if (reader->full || reader->dead)
                return;
        if (!reader->timer || reader->n_bytes + RECORD_MAX > NEEDLED_STREAM_MESSAGE_MAX)
                reader_flush(reader);
        else
                set_timing(reader, true);
}

void reader_flush(Reader *reader) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));

        set_timing(reader, false);
        while (reader->n > 0 && !reader->full && !reader->dead) {
                size_t size;
                unsigned n = fill_message(reader, buffer, &size);

                if (send_message(reader, buffer, size) == 0)
                        break;
                reader->dropped = 0;
                while (n-- > 0)
                        queue_pop(reader);
        }
}

void reader_end(Reader *reader) {
        reader->ending = true;
        reader_flush(reader);
        if (reader->n > 0 && !reader->dead)
                return; /* on_io() goes on with it */

        /* `closed` frees us, which must not happen under the caller's feet: the event loop does it next. */
        sd_event_source_disable_unref(reader->timer);
        reader->timer = NULL;
        (void) sd_event_add_defer(sd_event_source_get_event(reader->io), &reader->timer, on_ended, reader);
}

bool reader_is_dead(const Reader *reader) {
        struct pollfd p = { .fd = reader->fd };

        return reader->dead || (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)));
}
