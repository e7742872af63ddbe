/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The journal of the service, or of one session: what is asked of it, and what journalctl is called with. */

#include <glib.h>
#include <stdint.h>

#include "client/options.h"

typedef struct LogQuery {
        uint64_t session;               /* 0: all */
        uint64_t since_usec, until_usec; /* 0: not given */
        uint64_t limit;                 /* 0: all */
} LogQuery;

/* Match terms of the journal; an empty one stands between alternatives. Of the service's own entries the unit is what
 * journald saw, not what somebody has written. The caller frees. */
GPtrArray *log_matches(const LogQuery *query);
/* The words of the command, with a NULL at the end. The caller frees. */
GPtrArray *log_command(const LogQuery *query, const Options *options);
