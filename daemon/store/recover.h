/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an earlier process had taken and not written, against the database as it is: only what is missing there is left. */

#include "store/kept.h"
#include "store/ledger.h"

/* With the database loaded. A result code of SQLite's; after an error it can be done again. */
int recover_sort(Ledger *ledger, Kept *kept);
/* StoreGone: those sessions that these jobs end. */
GArray *recover_ended(const Ledger *ledger, const JobList *jobs);
