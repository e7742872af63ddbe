/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The host's side of "Stored sessions" (profile 1.10) over one connection: what is there, what is new, each record with its trace, and, only when
 * somebody else says that it is durable, the next. A link that goes loses nothing but what was not durable: the next connection begins behind
 * that.
 *
 * Pure state: what is to be written goes out by a function, what came and the time come in. */

#include "link/fetch-trace.h"
#include "link/stored.h"

#define FETCH_LIMIT_USEC (30 * UINT64_C(1000000))       /* for an answer, or the next piece of data */
#define FETCH_WHOLE_USEC (600 * UINT64_C(1000000))      /* for one report or trace, however much comes */
#define FETCH_DRAIN_USEC (UINT64_C(1000000))            /* for data that the answer has overtaken */
#define FETCH_STORE_USEC (60 * UINT64_C(1000000))       /* for a record to become durable */
#define FETCH_BATCH_MAX 256u                            /* records in memory */
#define FETCH_TRIES 3u                                  /* in a row without anything new */
#define FETCH_TRACE_MAX (1024u * 1024u)                 /* octets of one trace; what is longer is cut */
#define FETCH_BODIES_MAX 4096u                          /* likewise, its bodies */
#define FETCH_MOST 65535u                               /* sessions of one sync, where nobody knows how many the device can have */

typedef struct Fetch Fetch;

typedef struct FetchOps {
        /* Writes a value to the RACP; fetch_written() is to follow. At most one is under way. */
        void (*write)(const uint8_t *data, size_t size, void *userdata);
        /* Op 10 of the Control Point; fetch_tracing() is to follow, also from inside, and fetch_traced(). Errors: at once, then they are not. */
        int (*trace)(uint32_t record, uint32_t first_entry, void *userdata);
        void (*stop_trace)(void *userdata); /* op 11; the op 10 is answered by that */
        /* A session, whole, valid for the call; fetch_stored() is to follow, also from inside. */
        void (*record)(const StoredRecord *record, void *userdata);
        void (*changed)(void *userdata);    /* the progress has */
        /* It is over, once for each fetch_begin(), never from inside that. error: 0, -ENOTCONN, -ECANCELED fetch_stop(), -ETIMEDOUT (then nothing
         * more is asked on this connection), -EBUSY the device is, -EBADMSG a record that cannot be read, -ENOSPC the storage, -EOPNOTSUPP,
         * -EREMOTEIO the device has failed or answers what it should not, or what a write failed with. number: of the record, 0: none. */
        void (*ended)(int error, uint32_t number, void *userdata);
} FetchOps;

/* memory: of the device, from one connection to the next. traces: whether they can be asked for. most: sessions of one sync, about; those
 * behind them are for the next. */
Fetch *fetch_new(const FetchOps *ops, FetchMemory *memory, bool traces, unsigned most, void *userdata);
/* The connection has gone: -ENOTCONN for one that runs. NULL is fine. Returns NULL. */
Fetch *fetch_free(Fetch *f);

/* clear: what is durable is to go on the device. -EBUSY: one runs; -ETIMEDOUT: the device does not answer on this connection any more. */
int fetch_begin(Fetch *f, const StoredCursor *cursor, bool clear, uint64_t now_usec);
/* Ends it as soon as the device can. Nothing if none runs. */
void fetch_stop(Fetch *f, uint64_t now_usec);
bool fetch_runs(const Fetch *f);
bool fetch_wants_trace(const Fetch *f); /* what comes of Session Data is a trace that was asked for */
SyncProgress fetch_progress(const Fetch *f);

/* The write has arrived (0), or failed. The answer of the device may come before this. */
void fetch_written(Fetch *f, int error, uint64_t now_usec);
void fetch_response(Fetch *f, const uint8_t *data, size_t size, uint64_t now_usec); /* a value of the RACP */
void fetch_data(Fetch *f, const uint8_t *data, size_t size, uint64_t now_usec); /* of Session Data */
/* Op 10 is written now: it has waited for others. */
void fetch_tracing(Fetch *f, uint64_t now_usec);
/* The answer to op 10: error 0, or -EREMOTEIO and the device's OmpResult, or why there is none. */
void fetch_traced(Fetch *f, int error, uint8_t result, uint32_t next_entry, uint64_t now_usec);
/* This record is durable (0), or cannot be made so. What is not waited for any more is passed over. */
void fetch_stored(Fetch *f, const StoredCursor *cursor, int error, uint64_t now_usec);

/* When fetch_tick() is to be called; UINT64_MAX: nothing is waited for. */
uint64_t fetch_deadline(const Fetch *f);
void fetch_tick(Fetch *f, uint64_t now_usec);
