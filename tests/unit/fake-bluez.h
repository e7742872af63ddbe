/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A small bluetoothd for the tests of link: one adapter, one device of some kind, on a bus of its own in the
 * same loop as what is tested. What it answers can be set call by call. (needlesim --stand-in is the whole
 * one.) */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#define FAKE_ADAPTER "/org/bluez/hci0"
#define FAKE_DEVICE FAKE_ADAPTER "/dev_C0_FF_EE_12_34_56"
#define FAKE_ADAPTER_2 "/org/bluez/hci1"
#define FAKE_DEVICE_2 FAKE_ADAPTER_2 "/dev_C0_FF_EE_12_34_56"
#define FAKE_ADDRESS "C0:FF:EE:12:34:56"
#define FAKE_CHARS_MAX 12

typedef struct FakeCharKind {
        const char *uuid;
        bool information;               /* of Device Information, not of the device's own service */
        const void *value;              /* of ReadValue; NULL: it is never to be read */
        size_t size;
        const char *acquire_error;      /* what AcquireNotify always answers; NULL: a socket */
} FakeCharKind;

typedef struct FakeKind {               /* what a device is and shows of itself */
        const char *name, *service;
        bool hides_service;             /* shown by its objects alone, not in UUIDs */
        uint16_t company;               /* manufacturer data; 0: none */
        const void *maker_data;
        size_t maker_size;
        const FakeCharKind *chars;
        size_t n_chars;
} FakeKind;

typedef struct FakeBluez FakeBluez;

typedef struct FakeChar {
        FakeBluez *fake;
        const char *uuid;
        char *path, *service;
        const FakeCharKind *kind;
        sd_bus_slot *slot;              /* weak */
        bool hidden;                    /* bluetoothd does not show it */
        int fd;                         /* our end of an acquired socket, -1: none */
        int acquired, notifying;        /* D-Bus booleans */
        unsigned acquires, starts, stops, reads; /* calls so far */
} FakeChar;

struct FakeBluez {
        sd_event *event;
        sd_bus *bus;
        const FakeKind *kind;
        sd_bus_slot *filter;
        GPtrArray *slots, *adapter_slots, *device_slots, *char_slots;
        int powered, discovering, present, connected, resolved, paired, trusted;
        int16_t rssi;
        uint8_t battery;                /* % */
        FakeChar chars[FAKE_CHARS_MAX];
        unsigned n_chars;
        /* What to answer, and how often so: */
        const char *acquire_error, *acquire_error_text;
        unsigned acquire_errors;
        const char *connect_error, *connect_error_text;
        unsigned connect_errors;
        bool connect_silent;            /* Connect() is not answered, as while the device is away */
        const char *write_error;        /* NULL: written */
        const char *read_error_text;
        const char *read_error;         /* NULL: the value */
        bool pair_refused;
        bool renumbered;                /* hci0 and hci1 have each other's addresses */
        bool unresolved;                /* a connection stays without services */
        const char *hold;               /* method that is not answered before fake_answer(); NULL: none */
        GPtrArray *held;                /* sd_bus_message*, its calls */
        bool forgotten;                 /* by RemoveDevice, but near: the next discovery sees it again */
        bool pair_holds;                /* Pair() is not answered until fake_pair_end() */
        bool connected_untold;          /* Connected rises without a signal */
        /* What was called: */
        unsigned connects, disconnects, pairs, removes, discoveries, applications, unregistered, agents;
        GString *writes;                /* of WriteValue: "command 01 02;" each */
        bool filtered;                  /* the last discovery filter asked for services */
        char *agent_sender, *application_sender;
        char *capability;               /* of the agent that was registered last */
        sd_bus_message *pair;           /* that is held */
        unsigned pairs_cancelled;       /* CancelPairing() */
        char *application;              /* what our GetManagedObjects answered, as text */
        bool application_read;          /* our GetManagedObjects came back with a GattProfile1 */
};

/* Starts a private dbus-daemon and sets DBUS_SYSTEM_BUS_ADDRESS; returns its pid. */
GPid fake_bus_start(void);
GPid fake_bus_start_with(const char *more);     /* more of a bus configuration */
void fake_bus_stop(GPid pid);

/* Owns org.bluez; the adapter is powered, the device not seen. kind NULL: an OMP pen. */
FakeBluez *fake_bluez_new(sd_event *event, const FakeKind *kind);
/* As kill -9: nothing is signalled but the end of the connection. */
FakeBluez *fake_bluez_free(FakeBluez *fake);
void fake_device_appear(FakeBluez *fake);     /* InterfacesAdded of the device */
void fake_device_appear_2(FakeBluez *fake);   /* through the second adapter as well */
void fake_device_connect(FakeBluez *fake);    /* Connected, then the objects, then ServicesResolved */
void fake_device_disconnect(FakeBluez *fake); /* sockets end, Connected falls */
void fake_device_vanish(FakeBluez *fake);     /* InterfacesRemoved */
void fake_plug(FakeBluez *fake, const char *adapter); /* the adapter comes, under this path */
void fake_char_show(FakeChar *ch);
/* Answers the Pair() that is held: bonded, or this error, with which the connection ends. */
void fake_pair_end(FakeBluez *fake, const char *error);
void fake_powered(FakeBluez *fake, bool on);
void fake_battery(FakeBluez *fake, uint8_t percent); /* Battery1 comes */
FakeChar *fake_char(FakeBluez *fake, const char *uuid);
/* bluetoothd lets go of a characteristic that somebody held. */
void fake_release(FakeBluez *fake, FakeChar *ch);
