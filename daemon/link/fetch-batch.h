/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What reports bring: the records as they came, in the order of their numbers, each once; and of each report which of its numbers did not
 * come. */

#include <glib.h>

#include "link/fetch.h"

typedef struct FetchKept {
        OmpRecord record;
        uint16_t size;
        uint8_t data[OMP_VALUE_MAX];
} FetchKept;

/* Whether it is a new one. Of too many the lowest numbers are kept. */
bool fetch_batch_add(GArray *batch, const OmpRecord *record, const uint8_t *data, size_t size);
void fetch_batch_cut(GArray *batch, uint32_t from); /* those behind this number go */
bool fetch_batch_ends_before(const GArray *batch, uint32_t number); /* it is full of lower ones */

typedef struct FetchReport {
        uint32_t from, to;              /* the numbers that it is about; to UINT32_MAX: all from there on */
        uint32_t at;                    /* the last of them that has come, from - 1 at first */
        bool lost;                      /* something between that one and the next has not */
        uint32_t hole_from, hole_to;    /* what is known to be lost; from 0: nothing */
} FetchReport;

/* Whether this number is one that was asked for. */
bool fetch_report_came(FetchReport *report, uint32_t number);
void fetch_report_over(FetchReport *report, uint32_t newest); /* no more comes; newest: the device's last */
