/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/fetch-batch.h"

#include <string.h>

static uint32_t number_of(const GArray *batch, unsigned i) {
        return g_array_index(batch, FetchKept, i).record.number;
}

bool fetch_batch_add(GArray *batch, const OmpRecord *record, const uint8_t *data, size_t size) {
        FetchKept kept = { .record = *record };
        unsigned at = batch->len;
        int n;

        while (at > 0 && number_of(batch, at - 1) >= record->number)
                at--;
        if (at < batch->len && number_of(batch, at) == record->number)
                return false;
        if (batch->len >= FETCH_BATCH_MAX) {
                if (at == batch->len)
                        return false;   /* asked for again when these are durable */
                g_array_set_size(batch, FETCH_BATCH_MAX - 1);
        }

        /* What a later minor version has appended is kept as far as a frame holds it. */
        if (size <= sizeof(kept.data)) {
                memcpy(kept.data, data, size);
                kept.size = (uint16_t) size;
        } else {
                n = omp_record_encode(record, kept.data, sizeof(kept.data));
                kept.size = (uint16_t) MAX(n, 0);
        }
        g_array_insert_val(batch, at, kept);
        return true;
}

void fetch_batch_cut(GArray *batch, uint32_t from) {
        unsigned n = 0;

        while (n < batch->len && number_of(batch, n) <= from)
                n++;
        g_array_set_size(batch, n);
}

bool fetch_batch_ends_before(const GArray *batch, uint32_t number) {
        return batch->len >= FETCH_BATCH_MAX && number_of(batch, batch->len - 1) < number;
}

static void add_hole(FetchReport *report, uint32_t to) {
        if (report->hole_from == 0)
                report->hole_from = report->at + 1;
        report->hole_to = to;
}

/* "Records are sent oldest first": what is missing before this one lies between it and the one before. */
bool fetch_report_came(FetchReport *report, uint32_t number) {
        if (number < report->from || number > report->to)
                return false;
        if (number <= report->at)
                return true;

        if (report->lost && number > report->at + 1)
                add_hole(report, number - 1);
        report->lost = false;
        report->at = number;
        return true;
}

void fetch_report_over(FetchReport *report, uint32_t newest) {
        if (report->lost && report->at < report->to) /* behind the last that has come */
                add_hole(report, report->to == UINT32_MAX ? MAX(newest, report->at + 1) : report->to);
}
