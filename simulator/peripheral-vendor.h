/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A device that is made from nothing but its vendor profile: its characteristics are the profile's, its values the body
 * model's, written with the profile's own fields, headers and checks. It sends at 10 Hz what has changed, and
 * advertises what the profile's first Match asks for. Where the packets of a characteristic are of several kinds, it
 * sends one of them. */

#include "peripheral.h"
#include "profiles/file.h"

/* PeripheralConfig.from: a const ProfileFile *. */
Peripheral *peripheral_vendor_make(const PeripheralConfig *config, const PeripheralOps *ops, void *userdata);

/* The profile's characteristics that a GATT table can have, those of one service together; *ret_channel says which of
 * the profile each is. Returns how many. */
unsigned peripheral_vendor_chars(const ProfileFile *file, PeripheralChar chars[static PERIPHERAL_CHARS_MAX],
                                 uint8_t channels[static PERIPHERAL_CHARS_MAX]);
/* What the first Match asks for. Its name, "" if it asks for none; to be freed. */
void peripheral_vendor_advertisement(const ProfileFile *file, PeripheralAdvertisement *ret);
char *peripheral_vendor_name(const ProfileFile *file);
/* Of Device Information; "" for what the profile does not say. */
const char *peripheral_vendor_info(const ProfileFile *file, PeripheralInfo what);
