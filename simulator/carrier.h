/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A carrier brings a Peripheral to a client: a stand-in for bluetoothd, BlueZ's GATT server, or an HCI user
 * channel. Each is one file (or a few with its prefix) with one constructor; main.c owns the loop, the
 * peripherals and the control lines. */

#include <glib.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#include "pairing-method.h"
#include "peripheral.h"

typedef struct Carrier Carrier;

typedef struct CarrierVtable {
        Carrier *(*free)(Carrier *carrier);
        /* One line of control ("drop 08", "advertise off", "malformed 3", …) for device number `device` (0
         * mostly). Returns -ENOENT for an unknown word, -EINVAL for a bad argument, -EOPNOTSUPP where this
         * carrier cannot. */
        int (*control)(Carrier *carrier, unsigned device, const char *word, const char *argument);
        /* What a word that was taken answers beside "ok", to be freed; NULL: nothing. May be NULL itself. */
        char *(*report)(Carrier *carrier, const char *word, const char *argument);
        /* The device behind that number, borrowed, for `status` and the report. Words that are about the
         * device and not the carrier (start, stop, malformed N, …) main gives to peripheral_control()
         * itself: they never reach control(). */
        Peripheral *(*peripheral)(Carrier *carrier, unsigned device);
        /* What the carrier adds to `status` of a device: members of a JSON object, each with a comma before it. NULL: nothing. */
        void (*status)(Carrier *carrier, unsigned device, GString *json);
} CarrierVtable;

/* Of a control word's argument: false if it is neither, and *ret as it was. */
static inline bool carrier_parse_switch(const char *argument, const char *on, const char *off, bool *ret) {
        bool is_on = g_strcmp0(argument, on) == 0;

        if (!is_on && g_strcmp0(argument, off) != 0)
                return false;
        *ret = is_on;
        return true;
}

struct Carrier { /* first member of each carrier's own struct */
        const CarrierVtable *vtable;
};

#define ADAPTERS_MAX 4u                 /* of the stand-in */

typedef struct CarrierOptions {
        sd_event *event;
        const PeripheralConfig *configs; /* one for each device */
        unsigned n_devices;             /* one, but for the stand-in */
        unsigned n_adapters;            /* of the stand-in; 0: one */
        const char *target; /* "hci1" for bluez, "1" for hci, a bus address or NULL for the stand-in */
        unsigned mtu;                   /* ATT_MTU that the device offers, 23 … 517; 0: 247 */
        const char *random_address;     /* static random address, hci only; NULL: public */
        bool bondable;                  /* the stand-in's devices, and bluez: encrypted characteristics */
        PairingKind pairing;            /* likewise */
        bool fast;                      /* the stand-in answers at once instead of with 5.66's delays */
        const char *const *addresses;   /* of the stand-in's devices, "C0:FF:EE:12:34:56[/public|/random]";
                                           NULL: made up */
        const char *state_file;         /* where the stand-in keeps its bonds; NULL: nowhere */
} CarrierOptions;

int standin_new(const CarrierOptions *options, Carrier **ret);
int bluez_server_new(const CarrierOptions *options, Carrier **ret);
int user_channel_new(const CarrierOptions *options, Carrier **ret);
