/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <assert.h>

#include "codec/cursor.h"
#include "needled/omp-records.h"

#define ENTRY_SIZE 6u
#define TRACE_LAST (1u << 0) /* of the flags; the others are reserved */

static_assert(OMP_TRACE_SIZE(OMP_TRACE_ENTRIES_MAX) <= OMP_BODY_MAX, "a full chunk is too long");

int omp_trace_decode(const uint8_t *data, size_t size, OmpTrace *ret) {
        Cursor c = cursor_begin_within(data, size, OMP_BODY_MAX);
        uint8_t type = cursor_u8(&c), flags = cursor_u8(&c);
        uint32_t record = cursor_le32(&c), first_entry = cursor_le32(&c);
        uint16_t period_10ms = cursor_le16(&c);
        uint8_t n = cursor_u8(&c);
        const uint8_t *entries = cursor_take(&c, ENTRY_SIZE * n);
        int r;

        r = cursor_finish(&c, true);
        if (r < 0)
                return r;
        if (type != OMP_BODY_TRACE || (n == 0 && !(flags & TRACE_LAST)))
                return -EPROTO;

        ret->last = flags & TRACE_LAST;
        ret->record = record;
        ret->first_entry = first_entry;
        ret->period_10ms = period_10ms;
        ret->n = n;
        for (unsigned i = 0; i < n; i++)
                ret->entries[i] = (OmpTraceEntry) {
                        .force_mean_mn = (int16_t) le16_at(entries + ENTRY_SIZE * i),
                        .force_peak_mn = (int16_t) le16_at(entries + ENTRY_SIZE * i + 2),
                        .strokes = le16_at(entries + ENTRY_SIZE * i + 4),
                };

        return 0;
}

int omp_trace_encode(const OmpTrace *trace, uint8_t *buf, size_t size) {
        Writer w = writer_begin_within(buf, size, OMP_BODY_MAX);

        if (trace->n == 0 && !trace->last)
                return -EINVAL;

        writer_u8(&w, OMP_BODY_TRACE);
        writer_u8(&w, trace->last ? TRACE_LAST : 0);
        writer_le32(&w, trace->record);
        writer_le32(&w, trace->first_entry);
        writer_le16(&w, trace->period_10ms);
        writer_u8(&w, trace->n);
        for (unsigned i = 0; i < trace->n; i++) {
                writer_le16(&w, (uint16_t) trace->entries[i].force_mean_mn);
                writer_le16(&w, (uint16_t) trace->entries[i].force_peak_mn);
                writer_le16(&w, trace->entries[i].strokes);
        }

        return writer_finish(&w, true);
}
