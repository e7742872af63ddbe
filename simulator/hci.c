/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "hci.h"
#include "octets.h"

/* H4 packet types: Vol 4, Part A, 2. */
enum {
        PACKET_COMMAND = 0x01,
        PACKET_ACL = 0x02,
        PACKET_EVENT = 0x04,
};

enum {
        EVENT_DISCONNECTION_COMPLETE = 0x05,
        EVENT_COMMAND_COMPLETE = 0x0e,
        EVENT_COMMAND_STATUS = 0x0f,
        EVENT_HARDWARE_ERROR = 0x10,
        EVENT_NUMBER_OF_COMPLETED_PACKETS = 0x13,
        EVENT_LE_META = 0x3e,
        LE_CONNECTION_COMPLETE = 0x01,
        LE_LONG_TERM_KEY_REQUEST = 0x05,
};

enum {
        COMMAND_DISCONNECT = 0x0406,
        COMMAND_SET_EVENT_MASK = 0x0c01,
        COMMAND_RESET = 0x0c03,
        COMMAND_READ_BUFFER_SIZE = 0x1005,
        COMMAND_READ_BD_ADDR = 0x1009,
        COMMAND_LE_SET_EVENT_MASK = 0x2001,
        COMMAND_LE_READ_BUFFER_SIZE = 0x2002,
        COMMAND_LE_LTK_NEGATIVE_REPLY = 0x201b,
};

/* Packet boundary flags of ACL data: Vol 4, Part E, 5.4.2. To the controller a frame begins with 00, from
 * it with 10. */
#define ACL_FIRST_TO_CONTROLLER 0u
#define ACL_CONTINUING 1u
#define ACL_FIRST_FROM_CONTROLLER 2u

#define COMMAND_TIMEOUT_USEC (5 * G_USEC_PER_SEC)
#define CLOSE_WAIT_MS 1000
#define PACKET_MAX 4096u
#define FRAME_MAX 1024u                 /* of L2CAP: ATT needs 517, signalling and pairing less */
#define L2CAP_HEADER 4u

typedef struct Command {
        uint16_t opcode;
        uint8_t size;
        uint8_t parameters[255];
        bool ahead;                     /* right behind the one before */
        HciReply reply;
        void *userdata;
} Command;

typedef struct AclPacket {
        bool last;                      /* of its frame */
        size_t size;
        uint8_t data[];                 /* with the H4 type */
} AclPacket;

struct Hci {
        const HciOps *ops;
        void *userdata;
        int fd;                         /* borrowed */
        sd_event_source *io, *timeout;
        bool failed;

        GQueue commands;                /* of Command; the first `commands_sent` are with the controller */
        unsigned commands_sent;
        bool may_command;               /* the controller takes another one */
        unsigned step;                  /* of the set-up */
        uint8_t address[6];

        bool connected;
        uint16_t handle;
        GQueue packets;                 /* of AclPacket, waiting for buffers */
        unsigned frames;                /* whole frames among them */
        unsigned buffers, buffers_free; /* of the controller */
        size_t buffer_size;

        uint8_t frame[L2CAP_HEADER + FRAME_MAX]; /* being put together */
        size_t frame_size;
        bool frame_valid;               /* its beginning has come, and it fits */
};

static void hci_fail(Hci *hci, const char *what, int error) {
        if (hci->failed)
                return;
        hci->failed = true;
        (void) sd_event_source_set_enabled(hci->io, SD_EVENT_OFF);
        (void) sd_event_source_set_enabled(hci->timeout, SD_EVENT_OFF);
        hci->ops->failed(what, error, hci->userdata);
}

static bool hci_write(Hci *hci, const uint8_t *packet, size_t size) {
        if (hci->failed)
                return false;
        if (send(hci->fd, packet, size, MSG_NOSIGNAL) >= 0)
                return true;
        hci_fail(hci, "Writing to the controller", -errno);
        return false;
}

static void command_send(Hci *hci, const Command *c) {
        uint8_t packet[4 + 255] = { PACKET_COMMAND };

        put_le16(packet + 1, c->opcode);
        packet[3] = c->size;
        memcpy(packet + 4, c->parameters, c->size);
        hci->commands_sent++;
        (void) hci_write(hci, packet, 4u + c->size);
}

static void timeout_set(Hci *hci) {
        if (hci->failed)
                return;
        (void) sd_event_source_set_time_relative(hci->timeout, COMMAND_TIMEOUT_USEC);
        (void) sd_event_source_set_enabled(hci->timeout, hci->commands_sent > 0 ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void commands_run(Hci *hci) {
        unsigned before = hci->commands_sent;
        Command *c;

        while ((c = g_queue_peek_nth(&hci->commands, hci->commands_sent)) &&
               (hci->commands_sent > 0 ? c->ahead : hci->may_command))
                command_send(hci, c);
        if (hci->commands_sent != before)
                timeout_set(hci);
}

static void commands_clear(Hci *hci) {
        g_queue_clear_full(&hci->commands, g_free);
        hci->commands_sent = 0;
        timeout_set(hci);
}

/* An answer: the status and, from Command Complete, what follows it. */
static void on_command_answer(Hci *hci, uint16_t opcode, uint8_t status, const uint8_t *data, size_t size) {
        g_autofree Command *c = NULL;

        if (hci->commands_sent == 0 || ((Command *) g_queue_peek_head(&hci->commands))->opcode != opcode)
                return;
        c = g_queue_pop_head(&hci->commands);
        hci->commands_sent--;
        timeout_set(hci);
        if (c->reply)
                c->reply(status, data, size, c->userdata);
}

static void packets_clear(Hci *hci) {
        g_queue_clear_full(&hci->packets, g_free);
        hci->frames = 0;
}

static void packets_run(Hci *hci) {
        while (hci->buffers_free > 0 && !g_queue_is_empty(&hci->packets)) {
                g_autofree AclPacket *p = g_queue_pop_head(&hci->packets);

                if (p->last)
                        hci->frames--;
                hci->buffers_free--;
                if (!hci_write(hci, p->data, p->size))
                        return;
        }
}

/* The link is gone, and with it what the controller had in its buffers (Vol 4, Part E, 4.3). */
static void link_clear(Hci *hci) {
        hci->connected = false;
        hci->buffers_free = hci->buffers;
        hci->frame_valid = false;
        packets_clear(hci);
}

/* ---- Set-up: one command after the other, in this order ---- */

static int on_read_bd_addr(Hci *hci, const uint8_t *data, size_t size) {
        if (size < 6)
                return -EPROTO;
        memcpy(hci->address, data, 6);
        return 0;
}

static int on_le_read_buffer_size(Hci *hci, const uint8_t *data, size_t size) {
        if (size < 3)
                return -EPROTO;
        hci->buffer_size = get_le16(data);
        hci->buffers = data[2];
        return 0;
}

/* Vol 4, Part E, 7.8.2: a length of zero there means that LE data share the buffers of BR/EDR. */
static int on_read_buffer_size(Hci *hci, const uint8_t *data, size_t size) {
        if (size < 5)
                return -EPROTO;
        hci->buffer_size = get_le16(data);
        hci->buffers = get_le16(data + 3);
        return 0;
}

typedef struct SetUp {
        uint16_t opcode;
        const char *name;
        uint8_t size;
        uint8_t parameters[8];
        int (*handler)(Hci *hci, const uint8_t *data, size_t size);
} SetUp;

static const SetUp set_up[] = {
        { COMMAND_RESET, "Reset", 0, {}, NULL },
        { COMMAND_READ_BD_ADDR, "Read BD_ADDR", 0, {}, on_read_bd_addr },
        /* Disconnection, encryption change, command complete and status, hardware error, completed
         * packets, LE meta. */
        { COMMAND_SET_EVENT_MASK, "Set Event Mask", 8,
          { 0x90, 0xe0, 0x04, 0x02, 0x00, 0x80, 0x00, 0x20 }, NULL },
        /* Connection complete, connection update complete, long term key request. */
        { COMMAND_LE_SET_EVENT_MASK, "LE Set Event Mask", 8, { 0x15 }, NULL },
        { COMMAND_LE_READ_BUFFER_SIZE, "LE Read Buffer Size", 0, {}, on_le_read_buffer_size },
        { COMMAND_READ_BUFFER_SIZE, "Read Buffer Size", 0, {}, on_read_buffer_size },
};

static void set_up_next(Hci *hci);

static void on_set_up_reply(uint8_t status, const uint8_t *data, size_t size, void *userdata) {
        Hci *hci = userdata;
        const SetUp *step = &set_up[hci->step];
        int r = status == HCI_SUCCESS ? 0 : -EIO;

        if (r >= 0 && step->handler)
                r = step->handler(hci, data, size);
        if (r < 0) {
                hci_fail(hci, step->name, r);
                return;
        }
        hci->step++;
        if (hci->step < G_N_ELEMENTS(set_up) && set_up[hci->step].opcode == COMMAND_READ_BUFFER_SIZE &&
            hci->buffers > 0 && hci->buffer_size > 0)
                hci->step++;
        set_up_next(hci);
}

static void set_up_next(Hci *hci) {
        const SetUp *step;

        if (hci->step < G_N_ELEMENTS(set_up)) {
                step = &set_up[hci->step];
                hci_command(hci, step->opcode, step->parameters, step->size, on_set_up_reply, hci);
                return;
        }
        if (hci->buffers == 0 || hci->buffer_size < L2CAP_HEADER) {
                hci_fail(hci, "LE Read Buffer Size", -EPROTO);
                return;
        }
        hci->buffers_free = hci->buffers;
        hci->ops->ready(hci->address, hci->userdata);
}

/* ---- Events ---- */

static void on_disconnection_complete(Hci *hci, const uint8_t *p, size_t size) {
        if (size < 4 || p[0] != HCI_SUCCESS || !hci->connected || (get_le16(p + 1) & 0x0fff) != hci->handle)
                return;
        link_clear(hci);
        hci->ops->disconnected(p[3], hci->userdata);
}

static void on_completed_packets(Hci *hci, const uint8_t *p, size_t size) {
        unsigned n = size > 0 ? p[0] : 0;

        for (unsigned i = 0; i < n && 1 + 4 * (i + 1) <= size; i++) {
                if (!hci->connected || (get_le16(p + 1 + 4 * i) & 0x0fff) != hci->handle)
                        continue;
                hci->buffers_free = MIN(hci->buffers_free + get_le16(p + 3 + 4 * i), hci->buffers);
        }
        packets_run(hci);
}

static void on_le_meta(Hci *hci, const uint8_t *p, size_t size) {
        if (size >= 19 && p[0] == LE_CONNECTION_COMPLETE && p[1] == HCI_SUCCESS && !hci->connected) {
                link_clear(hci);
                hci->connected = true;
                hci->handle = get_le16(p + 2) & 0x0fff;
                hci->ops->connected(p[5], p + 6, hci->userdata);
        } else if (size >= 13 && p[0] == LE_LONG_TERM_KEY_REQUEST)
                /* A central that believes in a bond with this address: there are no keys here. */
                hci_command(hci, COMMAND_LE_LTK_NEGATIVE_REPLY, p + 1, 2, NULL, NULL);
}

static void on_event(Hci *hci, const uint8_t *p, size_t size) {
        size_t length;

        if (size < 2 || size - 2 < p[1])
                return;
        length = p[1];
        switch (p[0]) {
        case EVENT_COMMAND_COMPLETE:
                /* Vol 4, Part E, 7.7.14: without a command (opcode 0, no status) it says how many may
                 * come, no more. */
                hci->may_command = length >= 1 && p[2] > 0;
                if (length >= 4)
                        on_command_answer(hci, get_le16(p + 3), p[5], p + 6, length - 4);
                commands_run(hci);
                break;
        case EVENT_COMMAND_STATUS:
                if (length < 4)
                        break;
                hci->may_command = p[3] > 0;
                on_command_answer(hci, get_le16(p + 4), p[2], NULL, 0);
                commands_run(hci);
                break;
        case EVENT_DISCONNECTION_COMPLETE:
                on_disconnection_complete(hci, p + 2, length);
                break;
        case EVENT_NUMBER_OF_COMPLETED_PACKETS:
                on_completed_packets(hci, p + 2, length);
                break;
        case EVENT_LE_META:
                on_le_meta(hci, p + 2, length);
                break;
        case EVENT_HARDWARE_ERROR:
                hci_fail(hci, "The controller reports a hardware error", -EIO);
                break;
        }
}

/* Vol 3, Part A, 7.2.2: a first fragment begins a frame (and ends one that was not complete), the others
 * belong to it. */
static void on_acl(Hci *hci, const uint8_t *p, size_t size) {
        unsigned boundary;
        size_t length;

        if (size < 4 || !hci->connected || (get_le16(p) & 0x0fff) != hci->handle ||
            size - 4 < get_le16(p + 2))
                return;
        boundary = p[1] >> 4 & 3;
        length = get_le16(p + 2);
        p += 4;
        if (boundary != ACL_CONTINUING) {
                hci->frame_valid =
                        boundary == ACL_FIRST_FROM_CONTROLLER || boundary == ACL_FIRST_TO_CONTROLLER;
                hci->frame_size = 0;
        }
        if (!hci->frame_valid || length > sizeof(hci->frame) - hci->frame_size) {
                hci->frame_valid = false;
                return;
        }
        memcpy(hci->frame + hci->frame_size, p, length);
        hci->frame_size += length;
        if (hci->frame_size < L2CAP_HEADER || hci->frame_size < L2CAP_HEADER + get_le16(hci->frame))
                return;
        hci->frame_valid = false;
        if (hci->frame_size == L2CAP_HEADER + get_le16(hci->frame))
                hci->ops->frame(get_le16(hci->frame + 2), hci->frame + L2CAP_HEADER, get_le16(hci->frame),
                                hci->userdata);
}

static int on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Hci *hci = userdata;
        uint8_t packet[PACKET_MAX];
        ssize_t n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR) && !(revents & (EPOLLHUP | EPOLLERR)))
                return 0;
        if (n <= 0) {
                /* Unplugged, or the socket's other end is gone. */
                hci_fail(hci, "The controller is gone", n < 0 && errno != EAGAIN ? -errno : -ENODEV);
                return 0;
        }
        if (packet[0] == PACKET_EVENT)
                on_event(hci, packet + 1, (size_t) n - 1);
        else if (packet[0] == PACKET_ACL)
                on_acl(hci, packet + 1, (size_t) n - 1);
        return 0;
}

static int on_timeout(sd_event_source *source, uint64_t usec, void *userdata) {
        hci_fail(userdata, "The controller does not answer", -ETIMEDOUT);
        return 0;
}

/* Without the loop: everything is over but the link. */
static void link_close(Hci *hci) {
        gint64 until = g_get_monotonic_time() + CLOSE_WAIT_MS * 1000;
        uint8_t packet[PACKET_MAX] = { PACKET_COMMAND };

        put_le16(packet + 1, COMMAND_DISCONNECT);
        packet[3] = 3;
        put_le16(packet + 4, hci->handle);
        packet[6] = HCI_REMOTE_USER_TERMINATED;
        if (send(hci->fd, packet, 7, MSG_NOSIGNAL) < 0)
                return;
        for (;;) {
                struct pollfd pollfd = { .fd = hci->fd, .events = POLLIN };
                int left = (int) ((until - g_get_monotonic_time()) / 1000);

                if (left <= 0 || poll(&pollfd, 1, left) <= 0 ||
                    recv(hci->fd, packet, sizeof(packet), MSG_DONTWAIT) <= 0)
                        return;
                if (packet[0] == PACKET_EVENT && packet[1] == EVENT_DISCONNECTION_COMPLETE)
                        return;
        }
}

int hci_new(sd_event *event, int fd, const HciOps *ops, void *userdata, Hci **ret) {
        /* A controller that takes nothing for this long is broken; until then, waiting is simpler than
         * queueing. */
        struct timeval write_max = { .tv_sec = 2 };
        Hci *hci = g_new0(Hci, 1);
        int r;

        hci->ops = ops;
        hci->userdata = userdata;
        hci->fd = fd;
        g_queue_init(&hci->commands);
        g_queue_init(&hci->packets);
        r = setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &write_max, sizeof(write_max)) < 0 ? -errno : 0;
        if (r >= 0)
                r = sd_event_add_io(event, &hci->io, fd, EPOLLIN, on_io, hci);
        if (r >= 0)
                r = sd_event_add_time_relative(event, &hci->timeout, CLOCK_BOOTTIME, COMMAND_TIMEOUT_USEC, 0,
                                               on_timeout, hci);
        if (r < 0) {
                hci->failed = true;
                hci_free(hci);
                return r;
        }
        hci_reset(hci);
        *ret = hci;
        return 0;
}

Hci *hci_free(Hci *hci) {
        static const uint8_t reset[] = { PACKET_COMMAND, COMMAND_RESET & 0xff, COMMAND_RESET >> 8, 0 };

        if (!hci)
                return NULL;
        if (!hci->failed) {
                if (hci->connected)
                        link_close(hci);
                /* Ends the advertising; nobody is there to read the answer. */
                (void) send(hci->fd, reset, sizeof(reset), MSG_NOSIGNAL);
        }
        sd_event_source_disable_unref(hci->io);
        sd_event_source_disable_unref(hci->timeout);
        g_queue_clear_full(&hci->commands, g_free);
        packets_clear(hci);
        g_free(hci);
        return NULL;
}

void hci_reset(Hci *hci) {
        commands_clear(hci);
        link_clear(hci);
        hci->step = 0;
        hci->buffers = 0;
        hci->may_command = true;
        set_up_next(hci);
}

static void command_queue(Hci *hci, uint16_t opcode, const uint8_t *parameters, uint8_t size, bool ahead,
                          HciReply reply, void *userdata) {
        Command *c;

        if (hci->failed)
                return;
        c = g_new0(Command, 1);
        c->opcode = opcode;
        c->size = size;
        if (size > 0)
                memcpy(c->parameters, parameters, size);
        c->ahead = ahead;
        c->reply = reply;
        c->userdata = userdata;
        g_queue_push_tail(&hci->commands, c);
        commands_run(hci);
}

void hci_command(Hci *hci, uint16_t opcode, const uint8_t *parameters, uint8_t size, HciReply reply,
                 void *userdata) {
        command_queue(hci, opcode, parameters, size, false, reply, userdata);
}

void hci_command_ahead(Hci *hci, uint16_t opcode, const uint8_t *parameters, uint8_t size, HciReply reply,
                       void *userdata) {
        command_queue(hci, opcode, parameters, size, true, reply, userdata);
}

bool hci_connected(const Hci *hci) {
        return hci->connected;
}

int hci_disconnect(Hci *hci, uint8_t reason, HciReply reply, void *userdata) {
        uint8_t parameters[3];

        if (!hci->connected)
                return -ENOTCONN;
        put_le16(parameters, hci->handle);
        parameters[2] = reason;
        hci_command(hci, COMMAND_DISCONNECT, parameters, sizeof(parameters), reply, userdata);
        return 0;
}

int hci_send(Hci *hci, uint16_t cid, const uint8_t *data, size_t size) {
        uint8_t frame[L2CAP_HEADER + FRAME_MAX];
        size_t total = L2CAP_HEADER + size;

        if (!hci->connected)
                return -ENOTCONN;
        if (size > FRAME_MAX)
                return -EMSGSIZE;
        if (hci->frames >= HCI_FRAMES_MAX)
                return -EAGAIN;
        put_le16(frame, (uint16_t) size);
        put_le16(frame + 2, cid);
        if (size > 0)
                memcpy(frame + L2CAP_HEADER, data, size);
        for (size_t at = 0; at < total;) {
                size_t n = MIN(total - at, hci->buffer_size);
                uint16_t boundary = at == 0 ? ACL_FIRST_TO_CONTROLLER : ACL_CONTINUING;
                AclPacket *p = g_malloc(sizeof(AclPacket) + 5 + n);

                p->size = 5 + n;
                p->data[0] = PACKET_ACL;
                put_le16(p->data + 1, (uint16_t) (hci->handle | boundary << 12));
                put_le16(p->data + 3, (uint16_t) n);
                memcpy(p->data + 5, frame + at, n);
                at += n;
                p->last = at == total;
                g_queue_push_tail(&hci->packets, p);
        }
        hci->frames++;
        packets_run(hci);
        return 0;
}

unsigned hci_frames_waiting(const Hci *hci) {
        return hci->frames;
}
