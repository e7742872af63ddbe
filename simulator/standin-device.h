/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device as bluetoothd knows it, with the software that plays it behind. */

#include "pairing-method.h"
#include "peripheral.h"
#include "pump.h"
#include "standin-bus.h"

typedef struct Device Device;
typedef struct Service Service;
typedef struct Characteristic Characteristic;

typedef struct Pairing {
        sd_event_source *timer;         /* NULL: none under way */
        bool begun;                     /* the sides do their parts */
        bool asked;                     /* a Pair(), not a value that wants encryption */
        PairingMethod method;
        char *agent, *agent_path;
        sd_bus_slot *question;          /* of the agent, open */
        bool has_passkey;
        uint32_t passkey;
        bool client_done, device_done;
} Pairing;

typedef enum LinkState {
        LINK_DOWN,
        LINK_CONNECTING,
        LINK_UP,
        LINK_RESOLVED,
} LinkState;

struct Service {
        Object *object;
        Device *device;
        const char *uuid;
        uint16_t handle;
};

/* What stands behind a characteristic. */
typedef enum CharacteristicKind {
        CHARACTERISTIC_SERVICE_CHANGED,
        CHARACTERISTIC_INFORMATION,
        CHARACTERISTIC_BATTERY,
        CHARACTERISTIC_DEVICE,          /* one of the peripheral's own */
} CharacteristicKind;

struct Characteristic {
        Object *object, *ccc;
        Device *device;
        Service *service;
        CharacteristicKind kind;
        unsigned which;                 /* PeripheralInfo, or the peripheral's index */
        const char *uuid;
        uint16_t handle;                /* of the declaration */
        unsigned properties;            /* PERIPHERAL_READ … */
        bool encrypted;                 /* "encrypt-* invisible to a client" */
        GByteArray *value;              /* the last one that was read or notified; NULL: none yet */
        GPtrArray *listeners;           /* bus names of the clients with StartNotify */
        char *holder;                   /* who has AcquireNotify; NULL if it left the bus */
        int fd;                         /* our end of its socket, -1: not acquired */
        sd_event_source *io;
};

struct Device {
        Standin *standin;
        char *address, *path;
        const char *address_type;
        Peripheral *peripheral;
        Pump *pump;

        bool advertising;               /* it would, if it is not connected */
        Object *object;                 /* NULL: bluetoothd does not know it */
        bool bonded, trusted, resolved_once; /* resolved_once: the attributes are cached */
        bool no_auto_connect;           /* after a Disconnect() of an untrusted one, until Connect() */
        char *alias;
        int16_t rssi;                   /* 0: none */
        uint8_t battery;                /* as shown */
        sd_event_source *forget;        /* temporary: when it falls out of bluetoothd */

        LinkState link;
        sd_event_source *progress;      /* of the link: connecting, resolving */
        Call *connect;                  /* the Connect() that waits for the link */
        GPtrArray *disconnects;         /* Calls */
        sd_event_source *disconnecting;
        GPtrArray *unpaired;            /* Calls that wait for the bond */
        Pairing pairing;

        GPtrArray *services;            /* of Service, in order of handles */
        GPtrArray *characteristics;     /* likewise */
};

/* standin-device.c */
extern const Method device_methods[];
extern const Property device_properties[];
extern const Property battery_properties[];
void device_init(Device *d, Standin *s, const PeripheralConfig *config, const char *address);
void device_done(Device *d);
bool device_connected(const Device *d);
bool device_advertises(const Device *d, const char *uuid);
void device_seen(Device *d, int16_t rssi);              /* an advertising report came */
void device_unseen(Device *d);                          /* the discovery is over: no RSSI any more */
void device_know(Device *d);                            /* Device1 appears */
void device_forget(Device *d);                          /* Device1 and all below it go */
void device_set_advertising(Device *d, bool on);
void device_kick(Device *d); /* something changed that may let it connect by itself */
void device_link_down(Device *d);
/* Everything that waited for the bond: carried out, or told why not. */
void device_paired(Device *d, bool ok);
void device_remove(Device *d, Call *call);               /* RemoveDevice(): answers the call */
/* True: the link is good enough. Else the call waits for the bond and is run again, or has been answered. */
bool device_secure(Device *d, Call *call);

/* standin-pairing.c */
void pairing_begin(Device *d, const Call *call);        /* for whom; device_paired() follows, maybe at once */
bool pairing_runs(const Device *d);
void pairing_end(Device *d);                            /* whatever is under way */
int pairing_control(Device *d, const char *word, const char *argument); /* passkey, confirm; -EBUSY: not wanted now */

/* standin-gatt.c */
extern const Method characteristic_methods[];
extern const Method descriptor_methods[];
extern const Property service_properties[];
extern const Property characteristic_properties[];
extern const Property descriptor_properties[];
void gatt_init(Device *d);
void gatt_done(Device *d);
void gatt_export(Device *d);
void gatt_unexport(Device *d);
void gatt_link_up(Device *d);                           /* resolved: old listeners are subscribed again */
void gatt_link_down(Device *d);
void gatt_battery_changed(Device *d);
void gatt_client_gone(Device *d, const char *name);
PeripheralSent gatt_notify(unsigned index, const uint8_t *data, size_t size, void *userdata);
Service *gatt_service(const Device *d, unsigned i);
