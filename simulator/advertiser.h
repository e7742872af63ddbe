/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Legacy advertising of one device: connectable and scannable, Flags, the services' UUIDs and manufacturer data; the scan
 * response has the name and the service data (of the profile: the state, 1.1 Advertising): every 100 ms for 30 s after it
 * begins, then every second. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "hci.h"
#include "peripheral.h"

typedef struct Advertiser Advertiser;

typedef struct AdvertiserConfig {
        sd_event *event;
        Hci *hci;                       /* borrowed */
        const Peripheral *peripheral;   /* borrowed: what is advertised */
        const uint8_t *random_address;  /* 6 octets, low octet first; NULL: the controller's own. Borrowed. */
        bool repeat;                    /* see advertiser_set_repeat() */
} AdvertiserConfig;

int advertiser_new(const AdvertiserConfig *config, Advertiser **ret);
Advertiser *advertiser_free(Advertiser *a);

void advertiser_start(Advertiser *a);
void advertiser_stop(Advertiser *a);
/* A connection has ended the advertising. */
void advertiser_connected(Advertiser *a);
/* What the peripheral advertises has changed. */
void advertiser_update(Advertiser *a);
/* Off and on again every second. The virtual controllers of btvirt report an advertiser once, at the
 * moment it is enabled, and a scanner that was not ready just then would never see it. Real controllers
 * send by themselves and need none of this. */
void advertiser_set_repeat(Advertiser *a, bool on);
