/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A stream of the stage's session, and what has come of it. */

#include "stage.h"

typedef struct Seen {
        unsigned n_messages, n, of[NEEDLED_STREAM_PAST + 1];
        uint64_t dropped;
        unsigned first, last;           /* types */
        uint64_t last_strokes;          /* of the newest LIVE */
        uint64_t figures_present;
        uint8_t state, reason;
        GString *frames;                /* direction, channel and first octet of each FRAME; NULL: not wanted */
        bool closed;
} Seen;

/* Calls OpenStream(), which must succeed. The caller closes what is returned. */
int open_stream(const char *sender, bool waveform, bool frames, uint64_t period_usec);
int open_stream_of(const char *path, const char *sender, bool waveform, bool frames, uint64_t period_usec);
/* Reads all that is there. */
void drain(int fd, Seen *seen);
