/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of a session as those who watch it are shown them, live or from a tape. Pure. */

#include "needled/stream.h"
#include "session/tracker.h"

/* The body of a LIVE record, in the byte order of the host. `area`: the session's, which stands for one that the device does not tell. */
void shown_live(const TrackerLive *live, uint8_t area, struct needled_stream_live *ret);
