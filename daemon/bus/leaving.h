/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Readers of a session that is over, whose sockets are full when its object goes, a minute after the end or, if it was discarded or
 * deleted, at once: they are given what is queued, the end at last, for a minute. They count as their users' streams until then. */

#include "bus/bus.h"
#include "bus/reader.h"

/* Takes over a reader that was ended. */
void leaving_add(Bus *bus, Reader *reader);
unsigned leaving_count(const Bus *bus, uid_t owner);
/* Those that the other end has closed go. */
void leaving_reap(Bus *bus);
void leaving_free(void *leaving);       /* as GDestroyNotify */
