/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A record of a stream as `watch --json` prints it. Pure. */

#include <jansson.h>

#include "client/stream-reader.h"

/* {"type":"live","session":42,"time":…,"realtime":…,…}; values that are not known are absent, units are
 * those of the API. NULL for types that this client does not know. A new reference. */
json_t *watch_json(const StreamRecord *record, uint64_t session_id);
