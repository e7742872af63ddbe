/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/reader.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stddef.h>
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
        sd_event_source *io, *ended;
        Beat *beat;                     /* borrowed */
        BeatPart part;                  /* waits while something is gathered */
        bool full;                      /* the socket takes no more; EPOLLOUT will tell */
        bool ending;                    /* close when the queue is empty */
        bool end_waits;                 /* with what is live: it ends when the past is over */
        bool dead;                      /* the other end is closed */

        ReaderPhase phase;
        ReaderPast past;                /* who gives it */

        RecordDraft held;               /* LIVE of `n_held` values that wait for their time, with a rate */
        unsigned n_held;
        uint64_t due_usec;              /* session time from which the next LIVE may be sent */

        uint8_t *gathered;              /* the next message, with a period; as long as the queue is empty. NULL: without */
        size_t n_gathered;              /* octets */

        Record *queue[READER_QUEUE_MAX];
        unsigned head, n;
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

/* As it says itself: the end of a past may. */
static uint32_t dropped_before(const uint8_t *data) {
        uint32_t dropped;

        memcpy(&dropped, data + offsetof(struct needled_stream_head, dropped), sizeof(dropped));
        return le32toh(dropped);
}

static void queue_pop(Reader *reader) {
        record_unref(reader->queue[reader->head]);
        reader->head = (reader->head + 1) % READER_QUEUE_MAX;
        reader->n--;
}

/* "when both are full the oldest of the queue go, and the reader is told how many" */
static void queue_push(Reader *reader, Record *record) {
        if (reader->n == READER_QUEUE_MAX) {
                uint64_t gone = 1 + (uint64_t) dropped_before(reader->queue[reader->head]->data);

                queue_pop(reader);
                reader->dropped = (uint32_t) MIN(reader->dropped + gone, UINT32_MAX);
        }

        reader->queue[(reader->head + reader->n) % READER_QUEUE_MAX] = record;
        reader->n++;
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
        if (reader->dropped > 0)
                ((struct needled_stream_head *) buffer)->dropped =
                        htole32((uint32_t) MIN((uint64_t) reader->dropped + dropped_before(buffer), UINT32_MAX));

        *ret_size = size;
        return n;
}

/* The socket takes no more: what was to be one message are records of the queue, which is empty before. */
static void queue_gathered(Reader *reader) {
        for (size_t at = 0; at < reader->n_gathered;) {
                const uint8_t *data = reader->gathered + at;
                uint16_t size = le16toh(((const struct needled_stream_head *) data)->size);

                queue_push(reader, record_new(data, size));
                at += size;
        }
        reader->n_gathered = 0;
}

static void gather(Reader *reader, const RecordDraft *draft) {
        memcpy(reader->gathered + reader->n_gathered, draft->data, draft->size);
        reader->n_gathered += draft->size;
        if (reader->n_gathered + RECORD_MAX > NEEDLED_STREAM_MESSAGE_MAX ||
            (!reader->part.waiting && beat_wait(reader->beat, &reader->part, reader->options.period_usec) < 0))
                reader_flush(reader);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Reader *reader = userdata;

        if (events & EPOLLOUT && !(events & (EPOLLHUP | EPOLLERR))) {
                set_full(reader, false);
                reader_flush(reader);
                if (reader->phase != READER_LIVE && !reader->full && !reader->dead)
                        reader->past.ready(reader->past.userdata);
        }
        if (events & (EPOLLHUP | EPOLLERR) || reader->dead || (reader->ending && reader->n == 0))
                reader->closed(reader, reader->userdata);

        return 0;
}

static void on_period(void *userdata) {
        reader_flush(userdata);
}

/* After the last record of an ended stream was sent from inside reader_end(). */
static int on_ended(sd_event_source *source, void *userdata) {
        Reader *reader = userdata;

        reader->closed(reader, reader->userdata);
        return 0;
}

int reader_new(sd_event *event, Beat *beat, const ReaderOptions *options, ReaderClosed closed, void *userdata,
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
        reader->beat = beat;
        reader->part = (BeatPart) { .strike = on_period, .userdata = reader };
        if (options->period_usec > 0 || options->history_usec > 0)
                reader->gathered = g_malloc(NEEDLED_STREAM_MESSAGE_MAX);
        r = setsockopt(reader->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) < 0 ? -errno : 0;
        if (r >= 0) /* a stream has one direction: nothing that the other end sends is kept for us */
                r = shutdown(reader->fd, SHUT_RD) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &reader->io, reader->fd, 0, on_io, reader);
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

        if (reader->past.gone)
                reader->past.gone(reader->past.userdata);
        beat_forget(reader->beat, &reader->part);
        sd_event_source_disable_unref(reader->ended);
        sd_event_source_disable_unref(reader->io);
        while (reader->n > 0)
                queue_pop(reader);
        (void) close(reader->fd);
        g_free(reader->gathered);
        g_free(reader);
        return NULL;
}

const ReaderOptions *reader_options(const Reader *reader) {
        return &reader->options;
}

static void push_now(Reader *reader, RecordDraft *draft) {
        if (reader->phase != READER_LIVE) { /* there is room: reader_push_past() */
                memcpy(reader->gathered + reader->n_gathered, draft->data, draft->size);
                reader->n_gathered += draft->size;
                return;
        }
        if (!reader->full && reader->n == 0) {
                if (reader->gathered) {
                        gather(reader, draft);
                        return;
                }
                if (send_message(reader, draft->data, draft->size) > 0)
                        return;
        }

        queue_push(reader, record_share(draft));
        if (!reader->full && !reader->dead)
                reader_flush(reader);
}

/* After which the values are others: they do not wait over it. */
static bool is_turn(const RecordDraft *draft) {
        unsigned type = le16toh(((const struct needled_stream_head *) draft->data)->type);

        return type == NEEDLED_STREAM_STATE || type == NEEDLED_STREAM_GAP || type == NEEDLED_STREAM_PAST ||
               type == NEEDLED_STREAM_END;
}

static uint64_t time_of(const RecordDraft *draft) {
        return le64toh(((const struct needled_stream_head *) draft->data)->session_usec);
}

static void push_held(Reader *reader) {
        if (reader->n_held == 0)
                return;

        reader->n_held = 0;
        push_now(reader, &reader->held);
        record_done(&reader->held);
}

/* In step with the time before as long as values come, so that the rate is met and not only kept. */
static void push_due(Reader *reader, uint64_t now_usec) {
        const uint64_t interval_usec = 1000000 / reader->options.max_rate_hz;

        reader->due_usec = (now_usec - reader->due_usec < interval_usec ? reader->due_usec : now_usec) + interval_usec;
        push_held(reader);
}

/* "max_rate_hz: records between are merged, the peak is kept". Times are those of the session, on which the device sends. */
static void push_live(Reader *reader, const RecordDraft *draft) {
        const uint64_t now_usec = time_of(draft);

        if (reader->n_held == 0) {
                reader->held.size = draft->size;
                reader->held.shared = NULL;
                memcpy(reader->held.data, draft->data, draft->size);
        } else {
                record_merge_live(&reader->held, reader->n_held, draft);
        }
        reader->n_held++;
        if (now_usec < reader->due_usec)
                return;

        push_due(reader, now_usec);
}

/* At its rate. */
static void push(Reader *reader, RecordDraft *draft) {
        if (reader->options.max_rate_hz > 0 && record_is_live(draft)) {
                push_live(reader, draft);
                return;
        }
        /* What waits is of before; figures come once a second, so that it does not wait for long when no value follows. */
        if (is_turn(draft))
                push_held(reader);
        else if (reader->n_held > 0 && time_of(draft) >= reader->due_usec)
                push_due(reader, time_of(draft));
        push_now(reader, draft);
}

void reader_push(Reader *reader, RecordDraft *draft) {
        if (reader->dead || reader->ending || reader->end_waits)
                return;

        switch (reader->phase) {
        case READER_LIVE:
                push(reader, draft);
                break;
        case READER_PAST:
                break;
        case READER_HOLDS:
                queue_push(reader, record_share(draft));
                break;
        }
}

/* What does not go stays gathered. */
static void send_past(Reader *reader) {
        if (reader->n_gathered > 0 && !reader->full && !reader->dead && send_message(reader, reader->gathered, reader->n_gathered) > 0)
                reader->n_gathered = 0;
}

void reader_begin_past(Reader *reader, const ReaderPast *past) {
        reader->past = *past;
        reader->phase = READER_PAST;
}

ReaderPhase reader_phase(const Reader *reader) {
        return reader->phase;
}

void *reader_past(const Reader *reader) {
        return reader->past.userdata;
}

bool reader_push_past(Reader *reader, RecordDraft *draft) {
        const size_t most = NEEDLED_STREAM_MESSAGE_MAX - 2 * RECORD_MAX; /* with a rate one can make another one go */

        if (reader->dead)
                return true;
        if (reader->n_gathered > most)
                send_past(reader);
        if (reader->n_gathered > most)
                return false;

        push(reader, draft);
        return true;
}

void reader_hold(Reader *reader) {
        while (reader->n > 0)
                queue_pop(reader);
        reader->dropped = 0;
        reader->phase = READER_HOLDS;
}

bool reader_is_short(const Reader *reader) {
        return reader->phase == READER_HOLDS && reader->dropped > 0;
}

void reader_join(Reader *reader, RecordDraft *last) {
        Record *waited[READER_QUEUE_MAX];
        unsigned n = reader->n;

        ((struct needled_stream_head *) last->data)->dropped = htole32(reader->dropped);
        for (unsigned i = 0; i < n; i++)
                waited[i] = reader->queue[(reader->head + i) % READER_QUEUE_MAX];
        reader->n = reader->dropped = 0;
        reader->past = (ReaderPast) {};
        reader->phase = READER_LIVE;
        reader_flush(reader);           /* what does not go is first in the queue */
        if (reader->options.period_usec == 0)
                g_clear_pointer(&reader->gathered, g_free);
        push(reader, last);

        for (unsigned i = 0; i < n; i++) {
                RecordDraft draft = { .size = waited[i]->size };

                memcpy(draft.data, waited[i]->data, waited[i]->size);
                push(reader, &draft);
                record_done(&draft);
                record_unref(waited[i]);
        }
        if (reader->end_waits)
                reader_end(reader);
}

void reader_flush(Reader *reader) {
        uint8_t buffer[NEEDLED_STREAM_MESSAGE_MAX] __attribute__((aligned(8)));

        if (reader->phase != READER_LIVE) {
                send_past(reader);
                return;
        }
        beat_forget(reader->beat, &reader->part);
        if (reader->n_gathered > 0 && send_message(reader, reader->gathered, reader->n_gathered) == 0)
                queue_gathered(reader);
        reader->n_gathered = 0;
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
        if (reader->ending)
                return;
        if (reader->phase != READER_LIVE) {
                reader->end_waits = true;
                return;
        }
        push_held(reader);
        reader->ending = true;
        reader_flush(reader);
        if (reader->n > 0 && !reader->dead)
                return; /* on_io() goes on with it */

        /* `closed` frees us, which must not happen under the caller's feet: the event loop does it next. */
        (void) sd_event_add_defer(sd_event_source_get_event(reader->io), &reader->ended, on_ended, reader);
}

void reader_cut(Reader *reader, RecordDraft *end) {
        reader_hold(reader);
        queue_push(reader, record_share(end));
        reader->end_waits = true;
}

bool reader_is_over(const Reader *reader) {
        return reader->ending || reader->end_waits;
}

bool reader_has_more(const Reader *reader) {
        return reader->ending && reader->n > 0 && !reader->dead;
}

void reader_hand_over(Reader *reader, ReaderClosed closed, void *userdata) {
        reader->closed = closed;
        reader->userdata = userdata;
}

bool reader_is_dead(const Reader *reader) {
        struct pollfd p = { .fd = reader->fd };

        return reader->dead || (poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR)));
}
