/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sums behind the figures of a session: fed with live values in the order of their sequence, bounded memory, pure. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/figures.h"
#include "needled/omp.h"

/* Forces from 0 to 32,767 mN in bins that are at most 1/128 of their value wide: the p95 is right within 0.8 %. */
#define TALLY_BINS 1152u

/* Streams with sequence numbers of their own, and the link that carries them all; numbered as needled_stream_gap.stream. */
typedef enum TallyStream {
        TALLY_LINK,
        TALLY_LIVE,
        TALLY_WAVEFORM,
        TALLY_EVENT,
        _TALLY_STREAM_MAX,
} TallyStream;

typedef struct Tally {
        bool started;                   /* `last` holds the newest live value */
        OmpLive last;
        uint64_t last_tick;             /* extended */
        uint64_t interval_usec;         /* of the newest live values, 0 until two have come */
        uint64_t no_stroke_usec;        /* since the last stroke, by intervals */

        uint64_t strokes, contact_strokes;
        uint64_t contact_usec;
        uint64_t passes, distance_mm;
        bool has_contact, has_passes, has_distance, has_rate;
        double rate_per_min;

        int force_mn, force_peak_mn;    /* OMP_FORCE_UNKNOWN until known */
        double force_sum;               /* mN × µs, in contact */
        uint64_t force_weight_usec;
        uint64_t bins_usec[TALLY_BINS];

        unsigned over_count;
        uint64_t over_usec;
        bool has_depth;
        unsigned depth_um, depth_max_um;

        uint64_t gaps, gap_usec;
        uint64_t lost[_TALLY_STREAM_MAX], late[_TALLY_STREAM_MAX];
        bool followed[_TALLY_STREAM_MAX]; /* a numbered packet of this stream has come */
} Tally;

void tally_init(Tally *t);
/* A live value, in order. `tick` is extended; `epoch`: the device has rebooted since the last one (its counters begin at 0);
 * `missing`: packets lost just before; `resumed`: the first since the link came back. Returns true if strokes have grown. */
bool tally_live(Tally *t, const OmpLive *live, uint64_t tick, bool epoch, unsigned missing, bool resumed);
/* A live value that came late: its counters are in the newer ones, its peak is not. */
void tally_late_live(Tally *t, const OmpLive *live);
void tally_gap(Tally *t, TallyStream stream, unsigned lost, uint64_t duration_usec);
void tally_late(Tally *t, TallyStream stream);

/* `feature` may be NULL: then what depends on it is absent. Duration and lead-in are the caller's. */
void tally_figures(const Tally *t, const OmpFeature *feature, Figures *ret);

/* The bin of a force, and the largest force in a bin. */
unsigned tally_bin(int force_mn);
int tally_bin_force(unsigned bin);
