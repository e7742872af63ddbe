/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the live view says in words. Pure; all is printable. The caller frees. */

#include "client/watch-model.h"

/* "session 42", or "tape". */
char *watch_text_session(const WatchModel *m);

/* One line for logs and pipes. NULL: the stream has not told yet how the session stands. */
char *watch_text_plain(const WatchModel *m, uint64_t now_usec, uint64_t realtime_usec);

/* Why nothing is followed though the device is used; NULL: not so. */
char *watch_text_others(const WatchModel *m);

/* Device and link: "waiting for Pen 1: waiting (away), out of reach or switched off; it comes back by
 * itself". */
char *watch_text_link(const WatchModel *m, uint64_t realtime_usec);
