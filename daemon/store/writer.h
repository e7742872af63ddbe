/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The thread that writes: nobody else ever writes or checkpoints (sqlite.org/wal.html#walresetbug). It
 * sleeps for ever while nothing is queued; the first frame wakes it, it gathers for 92 ms and commits
 * (synchronous=NORMAL); each second, at the end of a session and before it answers anybody it commits with a
 * sync (FULL). What fails goes back into the queue and is tried again. */

#include "store/shared.h"

void *writer_main(void *store);
