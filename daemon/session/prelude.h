/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What holds when a session begins and is kept as its first frames, so that the record alone tells all: the device's Feature, and of a vendor
 * device, whose states go on until it says something else, the newest frame of each characteristic. Bounded memory. */

#include <stdbool.h>
#include <stdint.h>

#include "needled/frame.h"
#include "needled/omp.h"
#include "needled/vendor.h"

#define PRELUDE_FEATURE 0u              /* this slot goes on over links and sessions */
#define PRELUDE_CHANNEL 1u              /* + the channel, of a vendor device */
#define PRELUDE_SLOTS_MAX (PRELUDE_CHANNEL + VENDOR_CHARS_MAX)

typedef struct PreludeSlot {
        Frame frame;                    /* size 0: empty */
        uint8_t data[OMP_VALUE_MAX];
} PreludeSlot;

typedef struct Prelude {
        PreludeSlot *slots;
        unsigned n_slots;
} Prelude;

typedef struct PreludeFrames {
        unsigned n;
        unsigned n_feature;             /* the first so many are what the device can do, the others what it says */
        Frame frames[PRELUDE_SLOTS_MAX]; /* their data are the prelude's */
} PreludeFrames;

/* Forgets all. */
void prelude_init(Prelude *prelude, unsigned n_slots);
void prelude_clear(Prelude *prelude); /* frees all */

/* No octets, or no such slot: nothing is kept. */
void prelude_keep(Prelude *prelude, unsigned slot, const Frame *frame);
void prelude_drop(Prelude *prelude, unsigned slot);
/* All but the Feature: the link is gone. */
void prelude_forget(Prelude *prelude);

/* The frames that a session begins with at this moment, which is the time that they are given: the Feature, and the others in the order in
 * which they came. */
void prelude_frames(const Prelude *prelude, uint64_t boottime_usec, uint64_t realtime_usec, PreludeFrames *ret);
