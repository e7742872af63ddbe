/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemctl shows of the service: everybody may read it, so it says how things are and nothing that was measured. */

#include <stddef.h>

typedef struct StatusFacts {
        const char *bluetooth;          /* a clause with a capital letter */
        unsigned n_adopted, n_here;     /* devices; here: connected and followed */
        unsigned n_sessions;            /* live */
        unsigned n_waiting;             /* of those: interrupted */
        const char *storage;            /* a clause, NULL: nothing is wrong */
} StatusFacts;

#define STATUS_TEXT_MAX 256u

void status_text(const StatusFacts *facts, char ret[static STATUS_TEXT_MAX]);
