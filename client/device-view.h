/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How a device is, in words: why it is not there, what it waits for and what helps. */

#include <jansson.h>
#include <stdint.h>

/* What StateReason means: "waits for bluetoothd", "released until 18:05", "the bond is lost: needlectl adopt
 * pen", with the time of the next attempt if there is one; a reason that this client does not know as it came;
 * NULL if there is none. The caller frees, and makes it printable. */
char *device_view_reason(const json_t *device, uint64_t now_realtime_usec);

/* "waiting since 14:05". */
char *device_view_state(const json_t *device, uint64_t now_realtime_usec);
/* "14:05", or the day if that was not today; "-" if it is not known. */
char *device_view_since(const json_t *device, uint64_t now_realtime_usec);
