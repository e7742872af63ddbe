/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/stored.h"

#define SEC_USEC INT64_C(1000000)
#define CENTISECONDS_PER_MINUTE 6000

static void set_force(Figures *ret, Figure id, int16_t force_mn) {
        if (force_mn != OMP_FORCE_UNKNOWN)
                figures_set(ret, id, force_mn);
}

/* No bit says whether the device has it: 0 may be none, or not known. */
static void set_count(Figures *ret, Figure id, int64_t value) {
        if (value > 0)
                figures_set(ret, id, value);
}

void stored_figures(const OmpRecord *record, Figures *ret) {
        *ret = (Figures) { 0 };

        figures_set(ret, FIGURE_DURATION, record->duration_sec * SEC_USEC);
        set_count(ret, FIGURE_CONTACT_TIME, record->contact_sec * SEC_USEC);
        figures_set(ret, FIGURE_STROKES, record->strokes);
        if (record->rate_per_min > 0)
                figures_set_double(ret, FIGURE_STROKE_RATE, record->rate_per_min);
        set_count(ret, FIGURE_PASSES, record->passes);
        set_count(ret, FIGURE_DISTANCE, record->distance_mm);

        set_force(ret, FIGURE_FORCE_MEAN, record->force_mean_mn);
        set_force(ret, FIGURE_FORCE_P95, record->force_p95_mn);
        set_force(ret, FIGURE_FORCE_PEAK, record->force_peak_mn);
        if (record->force_peak_mn != OMP_FORCE_UNKNOWN || record->over_count > 0) {
                figures_set(ret, FIGURE_OVER_COUNT, record->over_count);
                figures_set(ret, FIGURE_OVER_TIME, record->over_100ms * (SEC_USEC / 10));
        }
        if (record->depth_um != OMP_U16_UNKNOWN)
                set_count(ret, FIGURE_DEPTH, record->depth_um);
        if (record->depth_max_um != OMP_U16_UNKNOWN)
                set_count(ret, FIGURE_DEPTH_MAX, record->depth_max_um);
}

void stored_sample(const OmpTrace *trace, unsigned entry, StoredSample *ret) {
        const OmpTraceEntry *e = &trace->entries[entry];

        *ret = (StoredSample) { .has_force = e->force_mean_mn != OMP_FORCE_UNKNOWN, .has_rate = trace->period_10ms > 0 };
        if (ret->has_force) {
                ret->force_mean_mn = e->force_mean_mn;
                /* OMP_FORCE_UNKNOWN is less than any */
                ret->force_peak_mn = e->force_peak_mn > e->force_mean_mn ? e->force_peak_mn : e->force_mean_mn;
        }
        if (ret->has_rate)
                ret->rate_per_min = e->strokes * CENTISECONDS_PER_MINUTE / trace->period_10ms;
}
