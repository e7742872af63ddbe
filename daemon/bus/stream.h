/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Streams of a session: what happens goes to all its readers. */

#include "bus/session-object.h"

#define STREAMS_MAX 32u
#define STREAMS_MAX_PER_USER 8u
#define STREAMS_PAST_MAX_PER_USER 2u    /* that are still given their past */

/* A new reader; HELLO is in it already, and without a past STATE, the standing alerts and FIGURES. *ret_fd is the caller's to close. Errors:
 * -EDQUOT too many of this user, -EUSERS too many of theirs that are given their past, -ENOBUFS too many in all, else as reader_new(). */
int stream_open(SessionObject *object, const ReaderOptions *options, int *ret_fd);
/* STATE and what follows it in a greeting, to one reader. */
void stream_greet(SessionObject *object, Reader *reader);
/* What the loop's clocks say: boot time, and the time since the epoch. */
void stream_time(const SessionObject *object, uint64_t *ret_now_usec, uint64_t *ret_realtime_usec);
/* To all readers: the state and the stage that are shown. */
void stream_state(SessionObject *object);
/* Closes all readers. Of a session that is over, what is queued goes first (leaving.h). */
void stream_close(SessionObject *object);
