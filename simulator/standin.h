/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stand-in for bluetoothd: owns org.bluez on a bus of its own and behaves as BlueZ 5.66 does, with devices in software behind
 * it. Names, texts and order of errors and signals are BlueZ's: a client must not be able to tell.
 *
 *   standin.c            the carrier: bus connection, control words, restart
 *   standin-bus.c        the one table of methods and properties, the one place where replies are sent
 *   standin-adapter.c    Adapter1, discovery
 *   standin-device.c     Device1, Battery1: connections, bonds
 *   standin-gatt.c       GattService1, GattCharacteristic1, GattDescriptor1: reads and notifications
 *   standin-client.c     GattManager1, AgentManager1: what clients registered, and when they leave
 *   standin-state.c      bonds in a file */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "carrier.h"
#include "pump.h"

typedef struct Standin Standin;
typedef struct Adapter Adapter;
typedef struct Device Device;
typedef struct Service Service;
typedef struct Characteristic Characteristic;

typedef enum Interface {
        INTERFACE_OBJECT_MANAGER,
        INTERFACE_PROPERTIES,
        INTERFACE_INTROSPECTABLE,
        INTERFACE_AGENT_MANAGER,
        INTERFACE_ADAPTER,
        INTERFACE_GATT_MANAGER,
        INTERFACE_DEVICE,
        INTERFACE_BATTERY,
        INTERFACE_SERVICE,
        INTERFACE_CHARACTERISTIC,
        INTERFACE_DESCRIPTOR,
        _INTERFACE_MAX,
} Interface;

typedef struct Object {
        char *path;
        unsigned interfaces;            /* 1 << Interface */
        void *what;                     /* Adapter, Device, Service or Characteristic, as its interfaces say; weak */
} Object;

typedef struct Method Method;

/* A method call under way. Whoever handles it answers exactly once, now or later, and must not touch it afterwards. */
typedef struct Call {
        Standin *standin;
        sd_bus_message *message;
        const Method *method;
        void *what;                     /* of the object, valid while it is handled */
        sd_event_source *timer;
} Call;

struct Method {
        const char *name, *in, *out;    /* signatures */
        uint64_t delay_usec;            /* what 5.66 takes before it does it; nothing with --fast */
        void (*handle)(Call *call);
};

typedef struct Property {
        const char *name, *signature;
        int (*get)(void *what, sd_bus_message *m);      /* appends the bare value */
        bool (*exists)(void *what);                     /* NULL: always */
        /* The message stands in the variant. NULL: read only. False: the value is refused. */
        bool (*set)(Call *call, sd_bus_message *m);     /* answers the call if it returns true */
} Property;

struct Adapter {
        Standin *standin;
        Object *object;                 /* NULL: unplugged */
        bool powered, pairable;
        GPtrArray *seekers;             /* of Seeker: who set a filter or runs a discovery */
        bool discovering;
        sd_event_source *reports;       /* the next advertising reports */
};

typedef enum LinkState {
        LINK_DOWN,
        LINK_CONNECTING,
        LINK_UP,
        LINK_RESOLVED,
} LinkState;

#define N_SERVICES 4
#define N_CHARACTERISTICS 12

struct Service {
        Object *object;
        Device *device;
        unsigned index;
};

struct Characteristic {
        Object *object, *ccc;
        Device *device;
        Service *service;
        unsigned index;
        GByteArray *value;              /* the last one that was read or notified; NULL: none yet */
        GPtrArray *listeners;           /* bus names of the clients with StartNotify */
        char *holder;                   /* bus name of the client with AcquireNotify, NULL if it left the bus */
        int fd;                         /* our end of its socket, -1: not acquired */
        sd_event_source *io;
};

struct Device {
        Standin *standin;
        unsigned number;
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
        sd_event_source *pairing;

        Service services[N_SERVICES];
        Characteristic characteristics[N_CHARACTERISTICS];
        Characteristic *by_char[_OMP_CHAR_MAX];
};

struct Standin {
        Carrier carrier;
        sd_event *event;
        char *bus_address;
        char *state_file;
        bool bondable, fast;
        uint16_t mtu;

        sd_bus *bus;                    /* NULL while bluetoothd is away */
        sd_bus_slot *slot_objects, *slot_names;
        sd_event_source *restart;
        GPtrArray *objects;             /* of Object, owned */
        GHashTable *by_path;
        GPtrArray *calls;               /* under way, owned */

        Adapter adapter;
        GPtrArray *agents, *apps;       /* standin-client.c */
        Device *devices;
        unsigned n_devices;
};

/* standin-bus.c */
Object *object_add(Standin *s, const char *path, unsigned interfaces, void *what);      /* with InterfacesAdded */
Object *object_remove(Standin *s, Object *object);                                      /* with InterfacesRemoved; NULL */
void object_add_interface(Standin *s, Object *object, Interface interface);
void object_remove_interface(Standin *s, Object *object, Interface interface);
Object *object_find(Standin *s, const char *path);
void object_free(Object *object);
/* PropertiesChanged; NULL ends the names. A property that does not exist (any more) is named as invalidated. */
void object_changed(Standin *s, Object *object, Interface interface, ...) G_GNUC_NULL_TERMINATED;
int bus_on_message(sd_bus_message *m, void *userdata, sd_bus_error *error);
const char *call_sender(const Call *call);
sd_bus_message *call_new_reply(Call *call);
void call_send(Call *call, sd_bus_message *reply);      /* takes the reply */
void call_reply(Call *call);                            /* without arguments */
void call_error(Call *call, const char *name, const char *text); /* name without "org.bluez.Error." */
void call_run(Call *call);                              /* (again) handled now */
void call_free(Call *call);

/* standin.c */
uint64_t standin_delay(const Standin *s, uint64_t usec);        /* what is left of a delay of 5.66's */
uint64_t standin_timeout(const Standin *s, uint64_t usec);      /* likewise, of a long timeout */
/* Arms a one-shot timer, or moves it. */
void standin_timer(Standin *s, sd_event_source **source, uint64_t delay_usec, sd_event_time_handler_t handler,
                   void *userdata);

/* standin-adapter.c */
extern const Method adapter_methods[];
extern const Property adapter_properties[];
void adapter_init(Adapter *a, Standin *s);
void adapter_done(Adapter *a);
void adapter_plug(Adapter *a);                          /* with the devices that are bonded */
void adapter_unplug(Adapter *a);
void adapter_set_powered(Adapter *a, bool on);
void adapter_client_gone(Adapter *a, const char *name);

/* standin-device.c */
extern const Method device_methods[];
extern const Property device_properties[];
extern const Property battery_properties[];
void device_init(Device *d, Standin *s, unsigned number, const PeripheralConfig *config, const char *address);
void device_done(Device *d);
bool device_connected(const Device *d);
void device_seen(Device *d, int16_t rssi);              /* an advertising report came */
void device_unseen(Device *d);                          /* the discovery is over: no RSSI any more */
void device_know(Device *d);                            /* Device1 appears */
void device_forget(Device *d);                          /* Device1 and all below it go */
void device_set_advertising(Device *d, bool on);
void device_kick(Device *d);                            /* something changed that may let it connect by itself */
void device_link_down(Device *d);
void device_remove(Device *d, Call *call);               /* RemoveDevice(): answers the call */
/* True: the link is good enough. Else the call waits for the bond and is run again, or has been answered. */
bool device_secure(Device *d, Call *call);

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
PeripheralSent gatt_notify(OmpChar c, const uint8_t *data, size_t size, void *userdata);
const char *gatt_service_uuid(unsigned i);              /* NULL: no more */

/* standin-client.c */
extern const Method agent_manager_methods[];
extern const Method gatt_manager_methods[];
void clients_init(Standin *s);
void clients_done(Standin *s);
void clients_drop(Standin *s);                          /* releases agents and profiles: bluetoothd goes */
void clients_drop_apps(Standin *s);                     /* profiles alone: the adapter goes */
void clients_gone(Standin *s, const char *name);
bool clients_have_agent(Standin *s);
bool clients_want(Standin *s, const char *uuid);        /* some application registered a profile for it */

/* standin-state.c */
void state_load(Standin *s);
void state_save(Standin *s);
