/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Values of a session as those who watch it are shown them, live or from a tape. Pure. */

#include "needled/stream.h"
#include "session/tracker.h"

/* The body of a LIVE record, in the byte order of the host. `area`: the session's, which stands for one that the device does not tell. */
void shown_live(const TrackerLive *live, uint8_t area, struct needled_stream_live *ret);
/* Likewise STATE (what is shown may be behind the session, its limits are not) and ALERT. */
void shown_state(const Session *session, SessionState state, Stage stage, struct needled_stream_state *ret);
void shown_alert(const Alert *alert, struct needled_stream_alert *ret);
