/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One reader of a stream: our end of its socket pair, and the queue in front of it. Never blocks; a reader
 * that does not read loses the oldest of its queue and is told how many, and costs the others nothing. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "bus/record.h"

#define READER_QUEUE_MAX 1024u
#define READER_BUFFER_SIZE (64 * 1024)
#define READER_PERIOD_MAX_USEC (10 * UINT64_C(1000000))

typedef struct Reader Reader;

typedef struct ReaderOptions {
        bool waveform, frames;          /* whose records it wants beside the usual ones */
        uint64_t period_usec;           /* how long records may be gathered, 0: each is sent at once */
        uid_t owner;                    /* who opened it, for the limits */
} ReaderOptions;

/* Called when the other end is closed, and after the last record when it was ended: time for reader_free().
 * Never from inside reader_push(). */
typedef void (*ReaderClosed)(Reader *reader, void *userdata);

/* *ret_fd is the other end, the caller's to close. Errors: of socketpair() and the event loop, mostly
 * -EMFILE. */
int reader_new(sd_event *event, const ReaderOptions *options, ReaderClosed closed, void *userdata,
               Reader **ret, int *ret_fd);
Reader *reader_free(Reader *reader);

const ReaderOptions *reader_options(const Reader *reader);
/* Queues or sends. The draft stays the caller's. */
void reader_push(Reader *reader, RecordDraft *draft);
/* Sends what was gathered, without waiting for the period. */
void reader_flush(Reader *reader);
/* Nothing comes any more: `closed` follows when what is queued has been taken. */
void reader_end(Reader *reader);
/* Whether the other end has been closed, although the event loop has not told yet. */
bool reader_is_dead(const Reader *reader);
