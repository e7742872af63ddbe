/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A vendor device in the session's own terms: its packets, decoded by its profile, move a running state that reads as a live value of the
 * Open Microneedling Profile. What a device has not told is absent in it. Pure state, nothing is allocated after the beginning. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "needled/vendor.h"
#include "session/packet.h"
#include "session/unknown.h"

typedef struct Translate Translate;

/* The profile has to live as long. */
Translate *translate_new(const VendorProfile *profile);
Translate *translate_free(Translate *translate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Translate, translate_free)

const VendorProfile *translate_profile(const Translate *translate);

/* Forgets all: what a session knows is told by its own frames. The tick is 0 at `boottime_usec`, where the session begins: kept frames that
 * are replayed by another clock give the same ticks. */
void translate_reset(Translate *translate, uint64_t boottime_usec);
/* States are unknown until they are told again; counters go on. */
void translate_link_up(Translate *translate);

/* PACKET_LIVE with the state after it if the packet told something of it, PACKET_OTHER if not, PACKET_UNKNOWN: no such characteristic.
 * A late one holds nothing but its peak. Signs are filled in; contact that it does not tell is taken from its force by `limits`. */
void translate_packet(Translate *translate, const Frame *frame, const NoteLimits *limits, Packet *ret);
/* What the last packet said that its profile has no name for. */
void translate_unknown(const Translate *translate, Unknown *unknown);

/* What the device can report, as far as it has done so since the reset. Returns true if that has changed since the last call. */
bool translate_feature(Translate *translate, OmpFeature *ret);
int translate_battery(const Translate *translate); /* %, -1 unknown */
