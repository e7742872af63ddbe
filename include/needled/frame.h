/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A frame: what came from a device (or went to it), as it was on the air, with both clocks. Raw frames are the truth; every
 * figure is derived from them and can be derived again. */

#include <stdint.h>

typedef enum FrameDirection {
        FRAME_FROM_DEVICE,
        FRAME_TO_DEVICE,
        FRAME_OF_LINK,          /* not on the air: data[0] is a FrameLink, channel is 0 */
        FRAME_OF_HOST,          /* likewise: what people and the daemon said, a note (needled/note.h) */
} FrameDirection;

/* What happened to the link between the frames: a record that is replayed must show where the streams began and broke off. */
typedef enum FrameLink {
        FRAME_LINK_UP,          /* subscribed: sequence numbers begin anew */
        FRAME_LINK_LOST,
        FRAME_LINK_SUSPENDED,   /* the host went to sleep */
} FrameLink;

typedef struct Frame {
        uint64_t boottime_usec; /* CLOCK_BOOTTIME at receive */
        uint64_t realtime_usec; /* CLOCK_REALTIME at receive, since the epoch */
        uint8_t channel;        /* which characteristic: an OmpChar for the profile "omp1" */
        uint8_t direction;      /* FrameDirection */
        uint16_t size;          /* octets, at most OMP_VALUE_MAX; 0 only as malformed input */
        const uint8_t *data;    /* borrowed for the call */
} Frame;
