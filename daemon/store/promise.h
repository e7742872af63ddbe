/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whether a commit is in the database, of which the process that made it did not say so any more: by how a session stood after it. */

#include "store/ledger.h"
#include "store/ring.h"

/* With the jobs applied and not committed: if this process ends before it can say that they are, the next one finds out. Ring NULL: nobody
 * asks. A result code of SQLite's. */
int promise_make(Ledger *ledger, const JobList *jobs, Ring *ring, uint64_t upto);
/* With the database loaded. A result code of SQLite's; *ret_kept: it is so. */
int promise_look(Ledger *ledger, const RingPromise *promise, bool *ret_kept);
