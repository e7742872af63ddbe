/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the samples of a chunk's frames come to, so that a curve is read without the frames. */

#include <stdbool.h>

#include "store/types.h"

typedef struct SummaryMetric {
        uint32_t n;                     /* samples that have a value; 0: none, and the rest says nothing */
        int32_t min, max;               /* of the means; of the maxima */
        int64_t sum;                    /* of the means */
} SummaryMetric;

/* All zero: of no frames. */
typedef struct Summary {
        bool unknown;                   /* some of the frames came without saying what they mean: it is kept as unknown */
        SummaryMetric metrics[_STORE_METRIC_MAX];
} Summary;

static inline void summary_add(Summary *summary, const StoreSample *sample) {
        for (int i = 0; i < _STORE_METRIC_MAX; i++) {
                SummaryMetric *m = &summary->metrics[i];

                if (!(sample->has & 1u << i))
                        continue;
                m->min = m->n == 0 || sample->mean[i] < m->min ? sample->mean[i] : m->min;
                m->max = m->n == 0 || sample->max[i] > m->max ? sample->max[i] : m->max;
                m->sum += sample->mean[i];
                m->n++;
        }
}
