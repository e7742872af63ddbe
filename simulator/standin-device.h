/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device as bluetoothd knows it on one of its adapters, and the device itself: a body, which is one for all adapters. */

#include "pairing-method.h"
#include "peripheral.h"
#include "pump.h"
#include "standin-bus.h"

typedef struct Adapter Adapter;
typedef struct Device Device;
typedef struct Eatt Eatt;
typedef struct Cycle Cycle;
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
        bool own;                       /* the peripheral's, not one of those that each device has */
        bool gone;                      /* the device does not have it (now) */
};

/* The device itself, with the software that plays it. */
typedef struct Body {
        Standin *standin;
        unsigned number;
        char *address;
        const char *address_type;
        Peripheral *peripheral;
        Pump *pump;
        bool advertising;               /* it would, if it is not connected */
        bool mute;                      /* not a word any more: the link stays, nothing is answered */
        bool bond_lost;                 /* it has forgotten its keys, until it is paired anew */
        const char *bond_error;         /* what a Connect() hears of that, NULL: that the link broke off */
        unsigned near;                  /* 1 << adapter: who can hear it */
        Device *linked;                 /* where it is connected; it has one link */
        Eatt *eatt;                     /* NULL: its notifications keep their order */
        Cycle *cycle;                   /* NULL: nobody counts how often it comes back */
} Body;

/* What bluetoothd keeps of a device's services. */
typedef enum Cache {
        CACHE_GOOD,
        CACHE_STRIPPED,                 /* without the device's own services, until RemoveDevice() */
        CACHE_STALE,                    /* all as it was, but no handle is right any more, until RemoveDevice() */
} Cache;

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
        bool gone;                      /* the device does not have it (now) */
        GByteArray *value;              /* the last one that was read or notified; NULL: none yet */
        GPtrArray *listeners;           /* bus names of the clients with StartNotify */
        char *holder;                   /* who has AcquireNotify; NULL if it left the bus */
        int fd;                         /* our end of its socket, -1: not acquired */
        sd_event_source *io;
};

struct Device {
        Standin *standin;
        Adapter *adapter;
        Body *body;
        Peripheral *peripheral;         /* the body's */
        const char *address, *address_type; /* likewise */
        char *path;

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
        GPtrArray *unanswered;          /* Calls that a mute device does not answer */
        sd_event_source *att;           /* until bluetoothd gives up its link for that */

        Cache cache;

        GPtrArray *services;            /* of Service, in order of handles */
        GPtrArray *characteristics;     /* likewise */
        bool services_changed;          /* since it was here last */
        bool services_moved;            /* their handles are the other ones */
};

/* standin-device.c */
extern const Method device_methods[];
extern const Property device_properties[];
extern const Property battery_properties[];
void device_init(Device *d, Adapter *a, Body *body);
void device_done(Device *d);
bool device_connected(const Device *d);
bool device_advertises(const Device *d, const char *uuid);
void device_seen(Device *d, int16_t rssi);              /* an advertising report came */
void device_unseen(Device *d);                          /* the discovery is over: no RSSI any more */
void device_know(Device *d);                            /* Device1 appears */
void device_forget(Device *d);                          /* Device1 and all below it go */
void device_set_path(Device *d);                        /* as its adapter is called now */
void device_changed(Device *d, const char *name);
void device_kick(Device *d); /* something changed that may let it connect by itself */
void device_link_down(Device *d);
/* Everything that waited for the bond: carried out, or told why not. */
void device_paired(Device *d, bool ok);
void device_remove(Device *d, Call *call);               /* RemoveDevice(): answers the call */
/* True: the link is good enough. Else the call waits for the bond and is run again, or has been answered. */
bool device_secure(Device *d, Call *call);
/* Does the device answer a request? Else the call waits until bluetoothd gives up the link. */
bool device_answers(Device *d, Call *call);

/* standin-body.c */
void body_init(Body *body, Standin *s, unsigned number, const PeripheralConfig *config, const char *address);
void body_done(Body *body);
bool body_heard(const Body *body, const Adapter *a);    /* it advertises, and is near enough */
void body_kick(Body *body);                             /* as device_kick(), on all adapters */
void body_link_down(Body *body);
void body_set_eatt(Body *body, unsigned block);         /* 0: off */

/* standin-cycle.c */
Cycle *cycle_new(Body *body, unsigned n);               /* drops the link so many times */
Cycle *cycle_free(Cycle *cycle);
void cycle_subscribed(Cycle *cycle);                    /* a client subscribed to something */
void cycle_status(const Cycle *cycle, GString *json);   /* how often it came back, and how soon */

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
void gatt_link_up(Device *d);                           /* resolved: old listeners are subscribed again */
void gatt_link_down(Device *d);
void gatt_battery_changed(Device *d);
void gatt_client_gone(Device *d, const char *name);
PeripheralSent gatt_notify(Device *d, unsigned index, const uint8_t *data, size_t size);
void chrc_close(Characteristic *c);                     /* its socket ends */
Characteristic *gatt_characteristic(const Device *d, unsigned i);

/* standin-services.c */
void services_init(Device *d);
void services_done(Device *d);
void services_export(Device *d);                        /* those that are not there yet */
void services_unexport(Device *d);
void services_move(Device *d);                          /* likewise: other handles, and so other paths */
/* The device changes its own services, and says so ("Service Changed") now or when it is connected: without the named
 * characteristic, without any (NULL), or with all of them. False: it has no such characteristic. */
bool services_without(Device *d, const char *name);
void services_with_all(Device *d);
void services_set_cache(Device *d, Cache cache);
bool service_there(const Service *service);             /* for bluetoothd */
Service *gatt_service(const Device *d, unsigned i);
