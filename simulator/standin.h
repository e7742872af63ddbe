/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The stand-in for bluetoothd: owns org.bluez on a bus of its own and behaves as BlueZ 5.66 does, with
 * devices in software behind it. Names, texts and order of errors and signals are BlueZ's: a client must not
 * be able to tell.
 *
 *   standin.c            the carrier: bus connection, restart
 *   standin-control.c    the control words
 *   standin-bus.c        the one table of methods and properties, the one place where replies are sent
 *   standin-standard.c   ObjectManager, Properties, Introspectable
 *   standin-adapter.c    Adapter1, discovery
 *   standin-device.c     Device1: connections, bonds
 *   standin-pairing.c    how a device is bonded, and who is asked about it
 *   standin-property.c   the properties of Device1, and Battery1
 *   standin-body.c       the device itself, whichever adapter it is connected to
 *   standin-cycle.c      links that are dropped again and again, and how soon they are back
 *   standin-gatt.c       GattService1, GattCharacteristic1, GattDescriptor1: reads and notifications
 *   standin-services.c   which of these there are
 *   standin-client.c     GattManager1, AgentManager1: what clients registered, and when they leave
 *   standin-crowd.c      strangers' devices, many of them
 *   standin-fault.c      what goes wrong between a client and bluetoothd: errors, delays, lost answers, signals out of order
 *   standin-state.c      bonds in a file */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "carrier.h"
#include "standin-bus.h"
#include "standin-crowd.h"
#include "standin-device.h"
#include "standin-fault.h"

struct Adapter {
        Standin *standin;
        unsigned number;                /* among ours, and so its address */
        unsigned index;                 /* of its name: hci0 */
        char *path;
        Object *object;                 /* NULL: unplugged */
        bool powered, pairable;
        bool blocked;                   /* by rfkill */
        GPtrArray *seekers;             /* of Seeker: who set a filter or runs a discovery */
        bool discovering;
        sd_event_source *reports;       /* the next advertising reports */
};

struct Standin {
        Carrier carrier;
        sd_event *event;
        char *bus_address;
        char *state_file;
        bool bondable, fast;
        PairingKind pairing;
        uint16_t mtu;

        sd_bus *bus;                    /* NULL while bluetoothd is away */
        sd_bus_slot *slot_objects, *slot_names;
        sd_event_source *restart;
        GPtrArray *objects;             /* of Object, owned */
        GHashTable *by_path;
        GPtrArray *calls;               /* under way, owned */
        Faults *faults;
        Crowd *crowd;

        Adapter adapters[ADAPTERS_MAX];
        unsigned n_adapters;
        GPtrArray *agents, *apps;       /* standin-client.c */
        Body *bodies;
        unsigned n_bodies;
        Device *devices;                /* each body on each adapter */
        unsigned n_devices;
        uint64_t n_calls;               /* that came */
};

/* standin.c */
uint64_t standin_delay(const Standin *s, uint64_t usec);        /* what is left of a delay of 5.66's */
uint64_t standin_timeout(const Standin *s, uint64_t usec);      /* likewise, of a long timeout */
/* Arms a one-shot timer, or moves it. */
void standin_timer(Standin *s, sd_event_source **source, uint64_t delay_usec,
                   sd_event_time_handler_t handler, void *userdata);
/* As "systemctl start|stop bluetooth"; without a word of goodbye it was killed. */
int standin_start(Standin *s);
void standin_stop(Standin *s, bool killed);
void standin_restart(Standin *s, bool killed, uint64_t away_usec);

/* standin-control.c */
int standin_control(Carrier *carrier, unsigned device, const char *word, const char *argument);
void standin_status(Carrier *carrier, unsigned device, GString *json);

/* standin-adapter.c */
extern const Method adapter_methods[];
extern const Property adapter_properties[];
void adapter_init(Adapter *a, Standin *s, unsigned number);
void adapter_done(Adapter *a);
void adapter_plug(Adapter *a, unsigned index);          /* with the devices that are bonded */
void adapter_unplug(Adapter *a);
void adapter_set_powered(Adapter *a, bool on);
void adapter_set_blocked(Adapter *a, bool on);
void adapter_client_gone(Adapter *a, const char *name);

/* standin-client.c */
extern const Method agent_manager_methods[];
extern const Method gatt_manager_methods[];
void clients_init(Standin *s);
void clients_done(Standin *s);
void clients_drop(Standin *s);                          /* releases agents: bluetoothd goes */
void clients_drop_apps(Adapter *a);                     /* profiles alone: the adapter goes */
void clients_gone(Standin *s, const char *name);
/* The caller's own agent (caller may be NULL), else the default one; the caller frees name and path. */
bool clients_agent(Standin *s, const char *caller, char **ret_name, char **ret_path, const char **ret_capability);
bool clients_want(const Adapter *a, const char *uuid);  /* some application registered a profile for it */

/* standin-state.c */
void state_load(Standin *s);
void state_save(Standin *s);
