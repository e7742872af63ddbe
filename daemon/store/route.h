/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which chunks of a session are read for a curve. One that lies in a bucket with all its frames is known by its summary; one that a bucket's
 * edge cuts has to be decoded, and so has one whose summary is not known. What a frame says depends on what came before it (a stroke rate on
 * the last stroke), so decoding does not begin with the first chunk that is wanted but before it, and is believed only after a chunk whose
 * values came to exactly what its summary says. Where that fails all is decoded from the first frame on, which is always right.
 *
 * What a device has stored itself is of other times than its frames, and counts where nobody saw it live. It is in no summary, and is decoded
 * behind all else. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/series.h"
#include "store/summary.h"

typedef enum RouteStep {
        ROUTE_SKIP,                     /* it has nothing to say, or its summary has said it */
        ROUTE_RUN_IN,                   /* decoded for what comes behind it; its values are not used */
        ROUTE_DECODE,
} RouteStep;

typedef struct RouteChunk {
        int64_t seq;
        RouteStep step;
        bool known;                     /* `summary` is what its values come to */
        bool of_record;                 /* it was decoded but for what the device had stored itself */
        SummaryMetric summary;          /* of the metric */
} RouteChunk;

typedef struct Route {
        GArray *chunks;                 /* RouteChunk, in order */
        unsigned n_settled;             /* of them: those before are not looked at again */
        bool whole;                     /* all chunks are decoded */
} Route;

void route_init(Route *route);
void route_done(Route *route);

/* The next chunk, with the times of its first and its newest frame (0: not known). Its summary, if it is of use so, goes into the series.
 * False: it and what follows lie behind the curve. */
bool route_add(Route *route, Series *series, int64_t seq, uint64_t t0_boottime_usec, uint64_t t1_boottime_usec, const Summary *summary);
/* All that are there were added. `tail`: frames come behind the last of them that are decoded. */
void route_settle(Route *route, bool tail);
/* From here on everything is decoded. */
void route_take_whole(Route *route);
/* All else is decoded: what is left is what the device had stored itself. False: nothing. */
bool route_take_record(Route *route);
/* Whether decoding begins anew at this one, or goes on from the one before. */
bool route_begins(const Route *route, unsigned i);

static inline RouteChunk *route_chunk(const Route *route, unsigned i) {
        return &g_array_index(route->chunks, RouteChunk, i);
}
