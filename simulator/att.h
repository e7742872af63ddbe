/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* An ATT server (Bluetooth Core 5.2, Vol 3, Part F) with the GATT attributes of Part G on it: octets in,
 * octets out.
 *
 * It knows no socket and no clock: what comes from the client goes into att_server_receive(), what is for
 * the client comes out of AttOps.send. One client at a time, one bearer. What it has: MTU exchange, all
 * the discovery requests, read, blob, write, command, notification, indication. Multiple reads and
 * prepared writes are answered with "request not supported", as a small device does. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATT_MTU_MIN 23u
#define ATT_MTU_MAX 517u

enum {
        ATT_ERROR_INVALID_HANDLE = 0x01,
        ATT_ERROR_READ_NOT_PERMITTED = 0x02,
        ATT_ERROR_WRITE_NOT_PERMITTED = 0x03,
        ATT_ERROR_INVALID_PDU = 0x04,
        ATT_ERROR_NOT_SUPPORTED = 0x06,
        ATT_ERROR_INVALID_OFFSET = 0x07,
        ATT_ERROR_NOT_FOUND = 0x0a,
        ATT_ERROR_INVALID_LENGTH = 0x0d,
        ATT_ERROR_UNSUPPORTED_GROUP = 0x10,
        ATT_ERROR_VALUE_NOT_ALLOWED = 0x13,
        ATT_ERROR_CCCD = 0xfd,          /* client characteristic configuration improperly configured */
};

enum {
        ATT_PROPERTY_READ = 0x02,
        ATT_PROPERTY_WRITE_COMMAND = 0x04,
        ATT_PROPERTY_WRITE = 0x08,
        ATT_PROPERTY_NOTIFY = 0x10,
        ATT_PROPERTY_INDICATE = 0x20,
};

typedef struct AttUuid {
        uint8_t size;                   /* 2 or 16 */
        uint8_t octets[16];             /* as on the air: low octet first */
} AttUuid;

AttUuid att_uuid16(uint16_t uuid);
/* From the usual text of 36 characters; one on the Bluetooth base UUID becomes a short one. -EINVAL if it
 * is none. */
int att_uuid_parse(const char *text, AttUuid *ret);

typedef struct AttServer AttServer;

typedef struct AttOps {
        /* A whole ATT PDU for the client; 0, or -EAGAIN if there is no room for it. */
        int (*send)(const uint8_t *pdu, size_t size, void *userdata);
        /* The value of a readable characteristic without a fixed value: its length, or a negative ATT
         * error. */
        int (*read)(uint16_t handle, uint8_t *buf, size_t size, void *userdata);
        /* A write to a writable characteristic: 0, or a negative ATT error. May be NULL where nothing is
         * writable. */
        int (*write)(uint16_t handle, const uint8_t *data, size_t size, void *userdata);
        /* The client wants this characteristic's values, or no more: after its write has been answered. */
        void (*subscribed)(uint16_t handle, bool on, void *userdata);
        /* ATT_MTU has been agreed. */
        void (*mtu_changed)(uint16_t mtu, void *userdata);
} AttOps;

/* `mtu` is what this side can take, ATT_MTU_MIN … ATT_MTU_MAX. */
AttServer *att_server_new(uint16_t mtu, const AttOps *ops, void *userdata);
AttServer *att_server_free(AttServer *s);

/* The table, in order of handles from 1; complete before the first PDU. A characteristic with `value` is
 * fixed; with NULL it is asked for by AttOps.read. Those that notify or indicate have a configuration
 * descriptor behind the value. Both return the handle that matters: the service's declaration, the
 * characteristic's value. */
uint16_t att_server_add_service(AttServer *s, const AttUuid *uuid);
uint16_t att_server_add_characteristic(AttServer *s, const AttUuid *uuid, uint8_t properties,
                                       const void *value, size_t size);

/* One PDU from the client. Whatever it holds, it is answered as the specification says, or ignored. */
void att_server_receive(AttServer *s, const uint8_t *pdu, size_t size);

/* A value for the client: as a notification if it wants those, else as an indication (one on the way, some
 * waiting). -ENOTCONN: not subscribed; -EMSGSIZE: longer than ATT_MTU − 3; -EAGAIN: no room. */
int att_server_notify(AttServer *s, uint16_t handle, const uint8_t *data, size_t size);
bool att_server_subscribed(const AttServer *s, uint16_t handle);
uint16_t att_server_mtu(const AttServer *s);

/* The link is gone: ATT_MTU is 23 again, all configuration descriptors 0 (without calling
 * AttOps.subscribed). */
void att_server_disconnected(AttServer *s);
