/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What link_examine() says: of bluetoothd and the adapters in examine.c, of each adopted device in examine-device.c. */

#include "finding.h"
#include "link/private.h"

typedef struct Examination {
        const Link *link;
        FindingReport report;
        void *userdata;
        unsigned version;       /* of bluetoothd, 566 is 5.66; 0: not known */
        bool soft_blocked;      /* rfkill blocks Bluetooth */
} Examination;

#define EXAMINE_EATT_REMEDY \
        "Set Channels=1 in the section [GATT] of /etc/bluetooth/main.conf, then run 'systemctl restart bluetooth'."
#define EXAMINE_UNBLOCK "rfkill unblock bluetooth"
#define EXAMINE_START "systemctl start bluetooth"
#define EXAMINE_RESTART "systemctl restart bluetooth"
#define EXAMINE_PLUG_IN "Plug a Bluetooth adapter in; if one is there, 'journalctl -k' says why the kernel does not take it."
#define EXAMINE_LIFT_BLOCK "Move the computer's radio switch, or leave its airplane mode: this block is not one of software."

#define examine_tell(x, check, status, remedy, ...) finding_tell((x)->report, (x)->userdata, check, status, remedy, __VA_ARGS__)

void examine_device(const Examination *x, Device *device);
/* What switches this adapter on. The caller frees. */
char *examine_power_on(const Examination *x, const Object *adapter);
