/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Streams of a session: what happens goes to all its readers. */

#include "bus/session-object.h"

#define STREAMS_MAX 32u
#define STREAMS_MAX_PER_USER 8u

/* A new reader; HELLO, STATE, the standing alerts and FIGURES are in it already. *ret_fd is the caller's to close. Errors:
 * -EDQUOT too many of this user, -ENOBUFS too many in all, else as reader_new(). */
int stream_open(SessionObject *object, const ReaderOptions *options, int *ret_fd);
/* To all readers: the state and the stage that are shown. */
void stream_state(SessionObject *object);
/* Closes all readers, with whatever is queued. */
void stream_close(SessionObject *object);
