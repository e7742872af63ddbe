/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What of the numbers for a force chart can be drawn. */

#include <math.h>

#include "client/chart-parts.h"

static double bounded(double force_n) {
        return CLAMP(force_n, -CHART_FORCE_MAX, CHART_FORCE_MAX);
}

/* When the bucket ends, in seconds. */
static double bucket_end(const ChartForce *force, size_t i) {
        const ChartBucket *b = &force->buckets[i];

        if (force->bucket_usec > 0)
                return ((double) b->time_usec + (double) force->bucket_usec) / 1e6;
        if (i + 1 < force->n_buckets && force->buckets[i + 1].time_usec > b->time_usec)
                return (double) force->buckets[i + 1].time_usec / 1e6;

        return (double) MAX(b->time_usec, force->duration_usec) / 1e6;
}

/* False: there is nothing to draw. */
static bool take_bucket(const ChartForce *force, size_t i, ChartPoint *ret) {
        const ChartBucket *b = &force->buckets[i];

        if (!isfinite(b->mean_n))
                return false;

        ret->from = (double) b->time_usec / 1e6;
        ret->to = bucket_end(force, i);
        ret->mean = bounded(b->mean_n);
        /* fmin() and fmax() take the other where one is no number. */
        ret->min = bounded(fmin(b->min_n, ret->mean));
        ret->max = bounded(fmax(b->max_n, ret->mean));
        return true;
}

/* Many buckets to one point: the extremes of all, and the mean of the means. */
static void gather(ChartPoint *point, const ChartPoint *more, unsigned n_before) {
        point->to = MAX(point->to, more->to);
        point->min = MIN(point->min, more->min);
        point->max = MAX(point->max, more->max);
        point->mean += (more->mean - point->mean) / (n_before + 1);
}

GArray *chart_force_points(const ChartForce *force) {
        GArray *points = g_array_new(FALSE, FALSE, sizeof(ChartPoint));
        double last_sec = force->n_buckets > 0 ? (double) force->buckets[force->n_buckets - 1].time_usec / 1e6 : 0;
        /* As wide as a point must be at least, so that there are not too many. */
        double slot = force->n_buckets > CHART_POINTS_MAX ? last_sec / (CHART_POINTS_MAX - 1) : 0;
        unsigned n_gathered = 0;

        for (size_t i = 0; i < force->n_buckets; i++) {
                ChartPoint *last = points->len > 0 ? &g_array_index(points, ChartPoint, points->len - 1) : NULL, point = { 0 };

                if (!take_bucket(force, i, &point) || (last && point.from < last->from)) /* times ascend */
                        continue;
                if (last && slot > 0 && floor(point.from / slot) <= floor(last->from / slot)) {
                        gather(last, &point, n_gathered++);
                        continue;
                }

                /* A little late is a rounding; a whole bucket is missing data. */
                point.joined = last && point.from - last->to < MAX(point.to - point.from, slot) / 2;
                g_array_append_val(points, point);
                n_gathered = 1;
        }

        return points;
}

double chart_force_end(const ChartForce *force, const GArray *points) {
        double end = (double) force->duration_usec / 1e6;

        for (guint i = 0; i < points->len; i++)
                end = MAX(end, g_array_index(points, ChartPoint, i).to);

        return end > 0 ? end : 1;
}

static int compare_spans(const void *a, const void *b) {
        const ChartSpan *x = a, *y = b;

        return x->from_usec < y->from_usec ? -1 : x->from_usec > y->from_usec;
}

GArray *chart_sort_spans(const ChartSpan *spans, size_t n_spans, double end_sec, uint64_t distance_usec) {
        g_autoptr(GArray) sorted = g_array_sized_new(FALSE, FALSE, sizeof(ChartSpan), (guint) n_spans);
        GArray *joined = g_array_new(FALSE, FALSE, sizeof(ChartSpan));
        uint64_t end_usec = (uint64_t) MIN(end_sec * 1e6, (double) (UINT64_MAX / 2));

        for (size_t i = 0; i < n_spans; i++) {
                ChartSpan span = spans[i];

                span.to_usec = MIN(span.to_usec, end_usec);
                if (span.from_usec < span.to_usec)
                        g_array_append_val(sorted, span);
        }
        g_array_sort(sorted, compare_spans);

        for (guint i = 0; i < sorted->len; i++) {
                const ChartSpan *span = &g_array_index(sorted, ChartSpan, i);
                ChartSpan *last = joined->len > 0 ? &g_array_index(joined, ChartSpan, joined->len - 1) : NULL;

                if (last && distance_usec > 0 && span->from_usec < last->to_usec + distance_usec)
                        last->to_usec = MAX(last->to_usec, span->to_usec);
                else
                        g_array_append_val(joined, *span);
        }

        return joined;
}
