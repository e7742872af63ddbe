/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The attributes of a Peripheral on an ATT server: GAP, its own services, Device Information and
 * Battery. No GATT service: its Service Changed is for tables that change (Vol 3, Part G, 7.1), and this
 * one never does. */

#include "att.h"
#include "peripheral.h"

typedef struct UserChannelTable {
        uint16_t chars[PERIPHERAL_CHARS_MAX]; /* handles of the values; 0: the device does not have it */
        uint16_t battery;
} UserChannelTable;

void user_channel_table_build(AttServer *att, const Peripheral *p, UserChannelTable *ret);
/* The characteristic at a value's handle: -ENOENT if it is none of the device's own. */
int user_channel_table_find(const UserChannelTable *table, uint16_t handle, unsigned *ret_index);
