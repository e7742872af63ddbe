/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a session's record says that the device has kept itself, where nobody followed it live (profile 1.10). */

#include "needled/figures.h"
#include "needled/omp-records.h"

/* What a record does not have, or says that it does not know, is absent. Its strokes are those in contact. */
void stored_figures(const OmpRecord *record, Figures *ret);

/* What one entry of a trace says of the curves. */
typedef struct StoredSample {
        bool has_force, has_rate;
        int32_t force_mean_mn, force_peak_mn;
        int32_t rate_per_min;
} StoredSample;

void stored_sample(const OmpTrace *trace, unsigned entry, StoredSample *ret);
