/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The parts of the bluetoothd carrier (bluez-server*.c). The server owns the bus, the adapter's state and
 * the client; it says what is wanted in one place, bluez_server_advance(), and the parts do it: the GATT
 * application, the advertisement, the pairing agent.
 *
 * bluetoothd names no roles: a device that is connected to the adapter may be a mouse. The client is the
 * device on whose behalf bluetoothd reads or subscribes, which it says in each call. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "carrier.h"
#include "pump.h"

#define BLUEZ_SERVER_APPLICATION "/needlesim/application"
#define BLUEZ_SERVER_ADVERTISEMENTS 2u
#define BLUEZ_SERVER_AGENT "/needlesim/agent"

typedef enum Registration {
        REGISTRATION_NONE,
        REGISTRATION_PENDING,
        REGISTRATION_DONE,
        REGISTRATION_ENDING,
} Registration;

typedef struct BluezChar BluezChar;

/* Something of ours that bluetoothd has been told of. */
typedef struct BluezPart {
        Registration state;
        sd_bus_slot *call;              /* the one on its way */
        bool complained;
} BluezPart;

typedef struct BluezServer {
        Carrier carrier;
        sd_event *event;                /* borrowed */
        sd_bus *bus;
        Peripheral *peripheral;
        Pump *pump;
        unsigned mtu_max;
        bool bondable;
        PairingKind pairing;
        sd_bus_message *question;       /* of a pairing, which its person has to answer; NULL: none */

        char *adapter_path;             /* "/org/bluez/hci1" */
        char *owner;                    /* unique name of bluetoothd; NULL: not running */
        bool gatt_present, advertising_present; /* the adapter's two managers */
        bool adapter_powered;
        bool said_off;                  /* that it is not */
        BluezPart application, agent;
        BluezPart advertisements[BLUEZ_SERVER_ADVERTISEMENTS]; /* the second for virtual adapters */
        sd_bus_slot *objects_call, *drop_call;
        sd_event_source *retry, *exit;

        bool advertise;                 /* while there is no client */
        bool readvertise;
        bool without_services;          /* a device whose firmware is being exchanged */
        uint64_t advertised_usec[BLUEZ_SERVER_ADVERTISEMENTS]; /* since when it is registered, or was */
        sd_event_source *advertisement_timer;

        GHashTable *connected;          /* of paths: devices connected to the adapter, whatever they are */
        char *client, *client_before;
        bool mute;
        uint8_t battery;                /* as notified last */
        GPtrArray *chars;               /* of BluezChar */
        sd_event_source *resubscribe;
} BluezServer;

/* Does what is to be done next, towards what is wanted now. */
void bluez_server_advance(BluezServer *s);
/* bluetoothd acts for this device: it is the client. NULL is ignored. */
void bluez_server_client_seen(BluezServer *s, const char *path, uint16_t mtu);
bool bluez_server_own_path(const BluezServer *s, const char *path); /* of a device on our adapter */
/* Whether bluetoothd sent this message, and no one else on the bus (a match on a well-known name does not
 * tell). */
bool bluez_server_from_bluez(const BluezServer *s, sd_bus_message *m);
/* A call of ours to an object of bluetoothd with the path of one of our objects and what the interface
 * wants behind it. */
void bluez_server_register(BluezServer *s, BluezPart *part, const char *object, const char *interface,
                           const char *method, sd_bus_message_handler_t on_reply, const char *types, ...);
/* The reply to it: true if it went well. Complains once, and tries again after a second, if not. */
bool bluez_server_registered(BluezServer *s, BluezPart *part, sd_bus_message *reply, const char *what);

int bluez_server_gatt_add(BluezServer *s);
void bluez_server_gatt_done(BluezServer *s);
void bluez_server_gatt_register(BluezServer *s);
void bluez_server_gatt_unregister(BluezServer *s);
/* A value for the client, if it is subscribed: -ENOTCONN, -EAGAIN (bluetoothd does not keep up), -EINVAL
 * (no octets). */
int bluez_server_gatt_notify(BluezServer *s, unsigned index, const uint8_t *data, size_t size);
int bluez_server_gatt_notify_battery(BluezServer *s, uint8_t level);
/* bluetoothd keeps a bonded client's subscriptions, over disconnection too, and does not tell when it
 * writes the same value again. They are taken as written a while after it has read what a client reads
 * before it subscribes (profile, 1.11). */
bool bluez_server_gatt_kept(const BluezServer *s);
void bluez_server_gatt_resubscribe(BluezServer *s, uint64_t after_usec);

int bluez_server_advertisement_add(BluezServer *s);
void bluez_server_advertisement_advance(BluezServer *s);
void bluez_server_advertisement_gone(BluezServer *s);

int bluez_server_agent_add(BluezServer *s);
void bluez_server_agent_register(BluezServer *s);
void bluez_server_agent_gone(BluezServer *s);           /* nobody waits for the answer any more */
/* passkey 123456, confirm yes|no: -EINVAL, -EBUSY it is not wanted now. */
int bluez_server_agent_control(BluezServer *s, const char *word, const char *argument);
