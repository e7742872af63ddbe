/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One timer for all readers that gather: who is nearly due goes with who is due, in one wakeup. A timer for each of them would cost more
 * than all that they are sent. */

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

typedef struct Beat Beat;

/* Part of who waits. */
typedef struct BeatPart {
        void (*strike)(void *userdata); /* may wait again, and free nobody that waits */
        void *userdata;
        uint64_t due_usec, slack_usec;  /* the beat's own */
        bool waiting;                   /* likewise */
} BeatPart;

Beat *beat_new(sd_event *event);
Beat *beat_free(Beat *beat);

/* `strike` follows after 7/8 of the period at the earliest, and when it is over at the latest. Nothing happens while it waits already.
 * Errors: of the event loop. */
int beat_wait(Beat *beat, BeatPart *part, uint64_t period_usec);
/* Waits no longer. */
void beat_forget(Beat *beat, BeatPart *part);
