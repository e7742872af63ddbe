/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A session as the profile's own device sends it, followed as the hub follows it: through the tracker into the store, each frame with what it
 * says of the curves. */

#include "hub-private.h"

/* The userdata of hub_decoder. */
void *store_play_hub(void);

/* The session is in the store already, begun at `start`. So long, with Live 20 times a second and a waveform in 10 packets a second. Its
 * figures, of the end, are in *ret. */
void store_play(Store *store, uint64_t id, uint64_t start_boottime_usec, uint64_t start_realtime_usec, unsigned minutes, unsigned waveform_hz,
                Figures *ret);
