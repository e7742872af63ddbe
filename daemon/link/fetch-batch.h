/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Records as they came, in the order of their numbers, each once. */

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
