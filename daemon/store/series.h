/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A curve in the making: buckets of equal length between two session times, and what the values in each come to. */

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

typedef struct SeriesBucket {
        int64_t sum;
        uint64_t n;                     /* 0: no value */
        int32_t min, max;
} SeriesBucket;

typedef struct Series {
        StoreSeries wanted;
        uint64_t start_boottime_usec;   /* session time 0 */
        SeriesBucket *buckets;          /* wanted.points */
        GArray *points;                 /* StorePoint: the answer */
} Series;

void series_init(Series *series, const StoreSeries *wanted);
/* Room for the buckets, which who waits does not need. */
void series_begin(Series *series, uint64_t start_boottime_usec);
void series_done(Series *series);
void series_clear(Series *series);      /* no value has come */

/* The bucket of a moment by CLOCK_BOOTTIME; -1: it lies outside. */
int series_bucket(const Series *series, uint64_t boottime_usec);
/* Whether that moment lies before the curve, or behind it. */
bool series_is_before(const Series *series, uint64_t boottime_usec);
bool series_is_behind(const Series *series, uint64_t boottime_usec);
void series_add(Series *series, uint64_t boottime_usec, const StoreSample *sample);
/* What several come to: `n` of them with this sum. */
void series_merge(Series *series, int bucket, int32_t min, int32_t max, int64_t sum, uint64_t n);
/* Makes `points` of the buckets that have a value. */
void series_finish(Series *series);
