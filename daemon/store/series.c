/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/series.h"

#include <string.h>

/* Buckets are cut where from + i × (to − from) ÷ points is rounded down: the same everywhere, for any length. */
static uint64_t bucket_begin(const StoreSeries *wanted, unsigned i) {
        return wanted->from_usec + (uint64_t) ((unsigned __int128) (wanted->to_usec - wanted->from_usec) * i / wanted->points);
}

void series_init(Series *series, const StoreSeries *wanted) {
        series->wanted = *wanted;
        series->wanted.points = CLAMP(wanted->points, 1u, STORE_POINTS_MAX);
        series->points = g_array_new(FALSE, FALSE, sizeof(StorePoint));
}

void series_begin(Series *series, uint64_t start_boottime_usec) {
        series->start_boottime_usec = start_boottime_usec;
        series->buckets = g_new0(SeriesBucket, series->wanted.points);
}

void series_done(Series *series) {
        g_free(series->buckets);
        g_clear_pointer(&series->points, g_array_unref);
        *series = (Series) {};
}

void series_clear(Series *series) {
        memset(series->buckets, 0, series->wanted.points * sizeof(SeriesBucket));
}

static uint64_t session_usec(const Series *series, uint64_t boottime_usec) {
        return boottime_usec > series->start_boottime_usec ? boottime_usec - series->start_boottime_usec : 0;
}

int series_bucket(const Series *series, uint64_t boottime_usec) {
        const StoreSeries *wanted = &series->wanted;
        uint64_t usec = session_usec(series, boottime_usec);
        unsigned i;

        if (usec < wanted->from_usec || usec >= wanted->to_usec)
                return -1;
        i = (unsigned) ((unsigned __int128) (usec - wanted->from_usec) * wanted->points / (wanted->to_usec - wanted->from_usec));
        /* The next one may begin with it, where its beginning was rounded down. */
        if (i + 1 < wanted->points && usec >= bucket_begin(wanted, i + 1))
                i++;
        return (int) i;
}

bool series_is_before(const Series *series, uint64_t boottime_usec) {
        return session_usec(series, boottime_usec) < series->wanted.from_usec;
}

bool series_is_behind(const Series *series, uint64_t boottime_usec) {
        return session_usec(series, boottime_usec) >= series->wanted.to_usec;
}

void series_merge(Series *series, int bucket, int32_t min, int32_t max, int64_t sum, uint64_t n) {
        SeriesBucket *b;

        if (bucket < 0 || n == 0)
                return;
        b = &series->buckets[bucket];
        b->min = b->n > 0 ? MIN(b->min, min) : min;
        b->max = b->n > 0 ? MAX(b->max, max) : max;
        b->sum += sum;
        b->n += n;
}

void series_add(Series *series, uint64_t boottime_usec, const StoreSample *sample) {
        StoreMetric metric = series->wanted.metric;

        if (!(sample->has & 1u << metric))
                return;
        series_merge(series, series_bucket(series, boottime_usec), sample->mean[metric], sample->max[metric], sample->mean[metric], 1);
}

/* To the nearest, halves away from zero. */
static int32_t mean_of(const SeriesBucket *b) {
        int64_t half = (int64_t) (b->n / 2), n = (int64_t) b->n;

        return (int32_t) ((b->sum + (b->sum < 0 ? -half : half)) / n);
}

void series_finish(Series *series) {
        for (unsigned i = 0; i < series->wanted.points; i++) {
                const SeriesBucket *b = &series->buckets[i];
                StorePoint point = { .usec = bucket_begin(&series->wanted, i), .min = b->min, .max = b->max };

                if (b->n == 0)
                        continue;
                point.mean = mean_of(b);
                g_array_append_val(series->points, point);
        }
}
