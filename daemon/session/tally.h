/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sums behind the figures of a session: fed with live values in the order of their sequence, bounded memory, pure. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/figures.h"
#include "needled/note.h"
#include "needled/omp.h"
#include "session/areas.h"

#define CONTACT_ON_MN 200                /* where a device tells force and not contact, and nobody has said other */
#define CONTACT_OFF_MN 100

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
        uint32_t interval_ticks;        /* of the newest live values, 0 until two have come */
        uint64_t no_stroke_ticks;       /* since the last stroke, by intervals */

        Areas areas;
        uint8_t area;
        Sums *sums;                     /* of the area where the device is now: all sums go there */
        NoteLimits limits;
        bool has_limits;
        bool tells_over;                /* the device detects overpressure by itself: its flag counts, not the limits */
        bool over;                      /* overpressure, as counted */
        unsigned over_events;           /* told by events and not yet by a value */
        uint64_t over_from_tick, over_to_tick; /* of the last time that values showed: from the value before the rise on */
        uint64_t hole_from_tick, hole_to_tick; /* of the newest values that were lost: those on both its sides */

        uint16_t seen;                  /* flags that any value had: which optional ones have come */
        bool has_rate;                  /* a pair of strokes and the ticks that they took: the rate as it was last known */
        uint32_t rate_strokes, rate_ticks;
        unsigned depth_um;              /* with OMP_LIVE_DEPTH in `seen` */

        uint64_t gaps, gap_usec;
        uint64_t lost[_TALLY_STREAM_MAX], late[_TALLY_STREAM_MAX];
        bool followed[_TALLY_STREAM_MAX]; /* a numbered packet of this stream has come */
} Tally;

void tally_init(Tally *t);
void tally_clear(Tally *t);
/* From the next value on. */
void tally_set_area(Tally *t, uint8_t area);
void tally_set_limits(Tally *t, const NoteLimits *limits);
/* The force from which on there is contact; `in`: there has been. */
static inline int tally_contact_mn(const NoteLimits *limits, bool in) {
        if (limits->contact_on_mn == 0)
                return in ? CONTACT_OFF_MN : CONTACT_ON_MN;

        return in ? limits->contact_off_mn : limits->contact_on_mn;
}
void tally_set_feature(Tally *t, const OmpFeature *feature);
/* A live value, in order. `tick` is extended; `epoch`: the device has rebooted since the last one (its counters begin
 * at 0); `missing`: packets lost just before; `resumed`: the time since the last one was not seen, as the first since
 * the link came back and after a jump of the ticks: it stands for an interval as long as the one before. Returns true
 * if strokes have grown. */
bool tally_live(Tally *t, const OmpLive *live, uint64_t tick, bool epoch, unsigned missing, bool resumed);
/* A live value that came late: its counters are in the newer ones, its peak is not. */
void tally_late_live(Tally *t, const OmpLive *live);
/* Event 01, asserted: a rise of overpressure, at this tick (extended). It counts if the values that would have shown
 * it were lost; called for each such event, not for those replayed from the device's log. */
void tally_over_event(Tally *t, uint64_t tick);
void tally_gap(Tally *t, TallyStream stream, unsigned lost, uint64_t duration_usec);
/* What was counted as a gap was none: all of it came late. */
void tally_no_gap(Tally *t, uint64_t duration_usec);
void tally_late(Tally *t, TallyStream stream);

/* Of all areas together. */
uint64_t tally_strokes(const Tally *t);
/* Per minute; with has_rate. */
double tally_rate(const Tally *t);
/* It has told contact, or how long. */
static inline bool tally_has_contact(const Tally *t) {
        return t->seen & (OMP_LIVE_CONTACT_NO | OMP_LIVE_CONTACT_TIME);
}
/* `feature` may be NULL: then what depends on it is absent. Duration, lead-in and limit are the caller's. */
void tally_figures(const Tally *t, const OmpFeature *feature, Figures *ret);
/* Of one area: what is summed up, not what the stream as a whole has (loss, rate, the newest force). An area without
 * a value, as the first (0, unspecified) may be, has no figures. False: no such area any more. */
bool tally_area_figures(const Tally *t, const OmpFeature *feature, unsigned i, uint8_t *ret_area, Figures *ret);
