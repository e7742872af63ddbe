/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What came before a session and is kept as its first frames, so that the record alone tells all: the device's Feature, and the newest
 * frame of what else has a state that goes on (the live value; of a vendor device each characteristic). Bounded memory. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/frame.h"
#include "needled/omp.h"
#include "needled/vendor.h"

#define PRELUDE_FEATURE 0u              /* this slot goes on over links and sessions */
#define PRELUDE_LIVE 1u                 /* of OMP; of a vendor device PRELUDE_LIVE + channel */
#define PRELUDE_SLOTS_MAX (PRELUDE_LIVE + VENDOR_CHARS_MAX)

typedef struct PreludeSlot {
        Frame frame;                    /* size 0: empty */
        uint8_t data[OMP_VALUE_MAX];
} PreludeSlot;

typedef struct Prelude {
        PreludeSlot *slots;
        unsigned n_slots;
        bool holds;
        uint64_t stale_usec;            /* what came up to here belongs to the time before: no part of a lead-in */
} Prelude;

typedef struct PreludeFrames {
        unsigned n;
        Frame frames[PRELUDE_SLOTS_MAX]; /* their data are the prelude's */
        uint64_t boottime_usec, realtime_usec; /* session time 0 */
} PreludeFrames;

/* Forgets all. `holds`: what a frame said holds until the next one of its slot; else it says nothing after a while. */
void prelude_init(Prelude *prelude, unsigned n_slots, bool holds);
void prelude_clear(Prelude *prelude); /* frees all */

/* No octets, or no such slot: nothing is kept. */
void prelude_keep(Prelude *prelude, unsigned slot, const Frame *frame);
/* All but the Feature: the link is gone, or the session has had them. */
void prelude_forget(Prelude *prelude);

/* The frames that a session begins with, in order. With `lead_in` it begins with the first that came shortly before this moment, else at
 * the moment. What is older than the beginning but holds is
 * given the time of the beginning. */
void prelude_frames(const Prelude *prelude, bool lead_in, uint64_t boottime_usec, uint64_t realtime_usec, PreludeFrames *ret);
