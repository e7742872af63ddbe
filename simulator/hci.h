/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A Bluetooth LE controller in the peripheral role, over HCI (Bluetooth Core 5.2, Vol 4, Part E): commands
 * in their order, one connection, L2CAP frames cut into the controller's buffers and put together again.
 * The file descriptor carries one H4 packet in each message: an HCI user channel, or a socket pair in a
 * test. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#define HCI_SUCCESS 0x00
#define HCI_CONNECTION_TIMEOUT 0x08
#define HCI_COMMAND_DISALLOWED 0x0c
#define HCI_INVALID_PARAMETERS 0x12
#define HCI_REMOTE_USER_TERMINATED 0x13

/* Frames that wait for the controller's buffers. Values are refused above the first figure; answers still
 * have room, up to the second. */
#define HCI_FRAMES_VALUES_MAX 64u
#define HCI_FRAMES_MAX 128u

typedef struct Hci Hci;

typedef struct HciOps {
        /* reset and set up; the public address, low octet first */
        void (*ready)(const uint8_t address[static 6], void *userdata);
        void (*connected)(uint8_t peer_type, const uint8_t peer[static 6], void *userdata);
        void (*disconnected)(uint8_t reason, void *userdata);
        void (*frame)(uint16_t cid, const uint8_t *data, size_t size, void *userdata);
        /* The controller does not work: nothing more will come. */
        void (*failed)(const char *what, int error, void *userdata);
} HciOps;

typedef void (*HciReply)(uint8_t status, const uint8_t *data, size_t size, void *userdata);

/* Borrows the descriptor and begins with a reset. -errno of sd-event. */
int hci_new(sd_event *event, int fd, const HciOps *ops, void *userdata, Hci **ret);
/* Ends the connection on the air first (the other end must not keep a dead link): waits for that at most a
 * second. */
Hci *hci_free(Hci *hci);
/* From the beginning: the controller forgets its connection without a word to the other end. */
void hci_reset(Hci *hci);

/* Queued; `reply` (may be NULL) gets the octets after the status of Command Complete, or the status of
 * Command Status. */
void hci_command(Hci *hci, uint16_t opcode, const uint8_t *parameters, uint8_t size, HciReply reply,
                 void *userdata);
/* The same, sent right behind the command before without waiting for its answer: for controllers that are known to hold
 * more than one, whatever they say (Vol 4, Part E, 4.4). */
void hci_command_ahead(Hci *hci, uint16_t opcode, const uint8_t *parameters, uint8_t size, HciReply reply,
                       void *userdata);
bool hci_connected(const Hci *hci);
/* -ENOTCONN without a connection. */
int hci_disconnect(Hci *hci, uint8_t reason, HciReply reply, void *userdata);

/* One L2CAP frame: -ENOTCONN, or -EAGAIN with HCI_FRAMES_MAX of them waiting. */
int hci_send(Hci *hci, uint16_t cid, const uint8_t *data, size_t size);
unsigned hci_frames_waiting(const Hci *hci);
