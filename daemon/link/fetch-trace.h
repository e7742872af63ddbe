/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The trace of one record, put together from chunks that come in order, again from the first that is missing (profile 1.10). */

#include <glib.h>

#include "link/stored.h"

typedef struct FetchTrace {
        uint32_t record;
        uint64_t start;                 /* of the record: stored_start() */
        uint32_t next;                  /* the first entry that is missing */
        bool complete;                  /* its last has come, or as much as is kept of one */
        bool full;                      /* as much as is kept, and more may follow */
        GArray *bodies;                 /* private: where they lie in `octets` */
        GByteArray *octets;
} FetchTrace;

/* What is remembered of a device from one connection to the next. */
typedef struct FetchMemory {
        FetchTrace trace;               /* that broke off */
        uint32_t unsure;                /* up to this number some were counted that did not come: 0 none */
} FetchMemory;

FetchMemory *fetch_memory_new(void);
FetchMemory *fetch_memory_free(FetchMemory *memory); /* NULL is fine. Returns NULL. */

void fetch_trace_clear(FetchTrace *t);
/* What has come of this record's already stays. */
void fetch_trace_begin(FetchTrace *t, uint32_t record, uint64_t start);
/* Whether it was the next one. A body that no frame holds is kept as several that mean the same. */
bool fetch_trace_take(FetchTrace *t, const OmpTrace *trace, const uint8_t *data, size_t size);
/* Into `ret`, which has room for t->bodies->len; valid until the next call that changes it. Returns that number. */
size_t fetch_trace_bodies(const FetchTrace *t, StoredBody *ret);
