/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The thread that reads: queries on a read-only connection of its own, opened when first needed; exports, scans and imports,
 * slice by slice, which queries overtake; the check of a database that was not closed, which gives way to all of them; and the
 * clock for those who wait for the writer, since the writer may be stuck in a sync. */

#include "store/shared.h"

void *reader_main(void *store);
/* Closes the connection; with the gate closed. */
void reader_disconnect(Store *store);
