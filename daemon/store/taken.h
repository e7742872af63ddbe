/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sessions that come whole, into rows: fetched from a device (JOB_RECORD) or imported (JOB_INTAKE_*). What a commit that was reported as
 * failed may have written is found and not written again. In a transaction; SQLite's result codes. */

#include "store/ledger.h"

/* job->result is -EEXIST where its owner has the session; else what the code says is left to the caller. */
int taken_apply(Ledger *ledger, Job *job);
