/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The newest frames of a device that has no session: those of the last seconds become the first of the next one. A ring of octets of a fixed
 * size: what does not fit makes room of the oldest. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/frame.h"
#include "needled/omp.h"

#define LEAD_IN_SIZE (128u * 1024u)     /* octets, with a head for each frame */
#define LEAD_IN_FRAMES_MAX 8192u

typedef struct LeadIn {
        uint8_t *ring;                  /* allocated with the first frame; NULL: empty */
        size_t first, used;             /* octets: where the oldest frame is, how many there are */
        unsigned n;
} LeadIn;

void lead_in_clear(LeadIn *l);          /* frees all; all zero is empty, too */
/* Room for a frame of this size, without giving up another. */
bool lead_in_has_room(const LeadIn *l, size_t size);
/* The newest; not without room. `mark` comes back with it. */
void lead_in_keep(LeadIn *l, const Frame *frame, bool mark);
uint64_t lead_in_first_usec(const LeadIn *l); /* boot time of the oldest; UINT64_MAX: there is none */
uint64_t lead_in_first_realtime(const LeadIn *l); /* 0: there is none */
/* Takes the oldest out; its data are copied to buf. False: there is none. */
bool lead_in_take(LeadIn *l, Frame *ret, uint8_t buf[static OMP_VALUE_MAX], bool *ret_mark);
