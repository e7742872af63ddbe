/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The ring (store/ring.h) in systemd's hands: what is in it survives a crash, and a restart. */

#include "store/ring.h"

/* The ring that an earlier process has left, or a new one that is handed over. NULL: there is nobody to keep one. Once, at the start. */
Ring *fdstore_open(void);
/* All that will be written is written: what nobody needs is given up. The ring stays where it is, as a thread of the store may still be. */
void fdstore_close(const Ring *ring);
