/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/fetch-trace.h"

#include <string.h>

#include "link/fetch.h"

#define ENTRY_UNIT_USEC 10000u
#define ENTRIES_MAX ((OMP_VALUE_MAX - OMP_TRACE_SIZE(0u)) / 6u) /* of a chunk that a frame holds */

typedef struct Place {
        size_t offset, size;
        uint64_t from_usec;
        uint32_t entry_usec;
} Place;

static void keep(FetchTrace *t, const OmpTrace *trace, const uint8_t *data, size_t size) {
        Place place = {
                .offset = t->octets->len,
                .size = size,
                .entry_usec = trace->period_10ms * ENTRY_UNIT_USEC,
        };

        place.from_usec = (uint64_t) trace->first_entry * place.entry_usec;
        g_byte_array_append(t->octets, data, (guint) size);
        g_array_append_val(t->bodies, place);
}

static void keep_in_pieces(FetchTrace *t, const OmpTrace *trace) {
        for (unsigned at = 0; at < trace->n; at += ENTRIES_MAX) {
                OmpTrace piece = *trace;
                uint8_t data[OMP_VALUE_MAX];
                int n;

                piece.first_entry = trace->first_entry + at;
                piece.n = (uint8_t) MIN(trace->n - at, ENTRIES_MAX);
                piece.last = trace->last && at + piece.n == trace->n;
                memcpy(piece.entries, trace->entries + at, piece.n * sizeof(piece.entries[0]));
                n = omp_trace_encode(&piece, data, sizeof(data));
                if (n > 0)
                        keep(t, &piece, data, (size_t) n);
        }
}

FetchMemory *fetch_memory_new(void) {
        FetchMemory *memory = g_new0(FetchMemory, 1);

        fetch_trace_clear(&memory->trace);
        return memory;
}

FetchMemory *fetch_memory_free(FetchMemory *memory) {
        if (!memory)
                return NULL;

        g_array_unref(memory->trace.bodies);
        g_byte_array_unref(memory->trace.octets);
        g_free(memory);
        return NULL;
}

/* Also the room: it may be kept for days. */
void fetch_trace_clear(FetchTrace *t) {
        g_clear_pointer(&t->bodies, g_array_unref);
        g_clear_pointer(&t->octets, g_byte_array_unref);
        *t = (FetchTrace) { .bodies = g_array_new(FALSE, FALSE, sizeof(Place)), .octets = g_byte_array_new() };
}

void fetch_trace_begin(FetchTrace *t, uint32_t record, uint64_t start) {
        if (t->record == record && t->start == start)
                return;

        fetch_trace_clear(t);
        t->record = record;
        t->start = start;
}

bool fetch_trace_take(FetchTrace *t, const OmpTrace *trace, const uint8_t *data, size_t size) {
        if (t->complete || trace->record != t->record || trace->first_entry != t->next || trace->n > UINT32_MAX - t->next)
                return false;

        if (size <= OMP_VALUE_MAX)
                keep(t, trace, data, size);
        else
                keep_in_pieces(t, trace);
        t->next += trace->n;
        t->full = !trace->last && (t->octets->len >= FETCH_TRACE_MAX || t->bodies->len >= FETCH_BODIES_MAX);
        t->complete = trace->last || t->full;
        return true;
}

size_t fetch_trace_bodies(const FetchTrace *t, StoredBody *ret) {
        for (unsigned i = 0; i < t->bodies->len; i++) {
                const Place *place = &g_array_index(t->bodies, Place, i);

                ret[i] = (StoredBody) {
                        .data = t->octets->data + place->offset,
                        .size = place->size,
                        .entry_usec = place->entry_usec,
                        .from_usec = place->from_usec,
                };
        }

        return t->bodies->len;
}
