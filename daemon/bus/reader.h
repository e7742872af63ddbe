/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One reader of a stream: our end of its socket pair, and the queue in front of it. Never blocks; a reader
 * that does not read loses the oldest of its queue and is told how many, and costs the others nothing. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <systemd/sd-event.h>

#include "bus/beat.h"
#include "bus/record.h"

#define READER_QUEUE_MAX 1024u
#define READER_BUFFER_SIZE (64 * 1024)
#define READER_PERIOD_MAX_USEC (10 * UINT64_C(1000000))
#define READER_RATE_MAX_HZ 1000u

/* A reader that asked for the past is given it before what is live. */
typedef enum ReaderPhase {
        READER_LIVE,
        READER_PAST,                    /* what is live is not for it: it is given it as past, later */
        READER_HOLDS,                   /* what is live waits in its queue until the past is over */
} ReaderPhase;

typedef struct Reader Reader;

typedef struct ReaderOptions {
        bool waveform, frames;          /* whose records it wants beside the usual ones */
        uint32_t max_rate_hz;           /* of LIVE: those between are merged; 0: each is sent */
        uint64_t period_usec;           /* how long records may be gathered, 0: each is sent at once */
        uint64_t history_usec;          /* how much of the past it wants; 0: none */
        uid_t owner;                    /* who opened it, for the limits */
} ReaderOptions;

/* Called when the other end is closed, and after the last record when it was ended: time for reader_free().
 * Never from inside reader_push(). */
typedef void (*ReaderClosed)(Reader *reader, void *userdata);

/* `beat` tells when a period is over, and has to live as long. *ret_fd is the other end, the caller's to close. Errors: of socketpair() and the event loop, mostly
 * -EMFILE. */
int reader_new(sd_event *event, Beat *beat, const ReaderOptions *options, ReaderClosed closed, void *userdata,
               Reader **ret, int *ret_fd);
Reader *reader_free(Reader *reader);

const ReaderOptions *reader_options(const Reader *reader);
/* Who gives it the past: `ready` when the socket takes more again, `gone` when the reader is freed. */
typedef struct ReaderPast {
        void (*ready)(void *userdata);
        void (*gone)(void *userdata);
        void *userdata;
} ReaderPast;

/* READER_PAST until reader_join(), READER_HOLDS after reader_hold(). */
void reader_begin_past(Reader *reader, const ReaderPast *past);
ReaderPhase reader_phase(const Reader *reader);
void *reader_past(const Reader *reader); /* its userdata; NULL: it is over, or there was none */
/* False: the socket takes no more, and the draft was not taken: `ready` follows. What is pushed goes with reader_flush() at the latest. */
bool reader_push_past(Reader *reader, RecordDraft *draft);
/* What is live waits from here on; what waited already is given up, for it is to come as past. */
void reader_hold(Reader *reader);
bool reader_is_short(const Reader *reader); /* more is live than it can hold: some has gone */
/* The past is over: `last` is the end of it, and carries the count of what has gone; then follows what waited. */
void reader_join(Reader *reader, RecordDraft *last);
/* Queues or sends. The draft stays the caller's. */
void reader_push(Reader *reader, RecordDraft *draft);
/* Sends what was gathered, without waiting for the period. */
void reader_flush(Reader *reader);
/* Nothing comes any more: `closed` follows when what is queued has been taken. */
void reader_end(Reader *reader);
/* While it is given the past: what waits is given up, and `end` alone comes behind the past. */
void reader_cut(Reader *reader, RecordDraft *end);
/* Nothing is pushed any more: it was ended, or is when the past is over. */
bool reader_is_over(const Reader *reader);
/* It was ended, and something is still to be sent. */
bool reader_has_more(const Reader *reader);
/* From here on that is told when it is closed. */
void reader_hand_over(Reader *reader, ReaderClosed closed, void *userdata);
/* Whether the other end has been closed, although the event loop has not told yet. */
bool reader_is_dead(const Reader *reader);
