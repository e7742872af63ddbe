/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/route.h"

void route_init(Route *route) {
        *route = (Route) { .chunks = g_array_new(FALSE, FALSE, sizeof(RouteChunk)) };
}

void route_done(Route *route) {
        g_clear_pointer(&route->chunks, g_array_unref);
}

static RouteStep step_of(Series *series, uint64_t t0_boottime_usec, uint64_t t1_boottime_usec, const RouteChunk *chunk) {
        int bucket;

        if (!chunk->known)
                return t1_boottime_usec > 0 && series_is_before(series, t1_boottime_usec) ? ROUTE_SKIP : ROUTE_DECODE;
        if (chunk->summary.n == 0 || series_is_before(series, t1_boottime_usec))
                return ROUTE_SKIP;
        bucket = series_bucket(series, t0_boottime_usec);
        if (bucket < 0 || bucket != series_bucket(series, t1_boottime_usec))
                return ROUTE_DECODE;
        series_merge(series, bucket, chunk->summary.min, chunk->summary.max, chunk->summary.sum, chunk->summary.n);
        return ROUTE_SKIP;
}

bool route_add(Route *route, Series *series, int64_t seq, uint64_t t0_boottime_usec, uint64_t t1_boottime_usec, const Summary *summary) {
        RouteChunk chunk = {
                .seq = seq,
                .step = ROUTE_DECODE,
                .known = !summary->unknown && t1_boottime_usec > 0,
                .summary = summary->metrics[series->wanted.metric],
        };

        if (!route->whole) {
                if (series_is_behind(series, t0_boottime_usec))
                        return false;
                chunk.step = step_of(series, t0_boottime_usec, t1_boottime_usec, &chunk);
        }
        g_array_append_val(route->chunks, chunk);
        return true;
}

/* Decoding begins before the last chunk that can show that it is right, or with the first. */
static void lead_to(Route *route, unsigned to) {
        unsigned from = to;

        while (from > 0) {
                RouteChunk *chunk = route_chunk(route, --from);
                bool shows = chunk->known && chunk->summary.n > 0;

                if (chunk->step == ROUTE_DECODE) /* it was led to already */
                        return;
                chunk->step = ROUTE_RUN_IN;
                if (!shows)
                        continue;
                if (from > 0 && route_chunk(route, from - 1)->step == ROUTE_SKIP)
                        route_chunk(route, from - 1)->step = ROUTE_RUN_IN;
                return;
        }
}

void route_settle(Route *route, bool tail) {
        for (unsigned i = route->n_settled; i < route->chunks->len; i++) {
                RouteChunk *chunk = route_chunk(route, i);

                if (chunk->step != ROUTE_DECODE || i == 0)
                        continue;
                if (!chunk->known)
                        lead_to(route, i);
                else if (route_chunk(route, i - 1)->step == ROUTE_SKIP)
                        route_chunk(route, i - 1)->step = ROUTE_RUN_IN; /* it shows itself that it is right */
        }
        if (tail)
                lead_to(route, route->chunks->len);
        route->n_settled = route->chunks->len;
}

void route_take_whole(Route *route) {
        route->whole = true;
        for (unsigned i = 0; i < route->chunks->len; i++)
                route_chunk(route, i)->step = ROUTE_DECODE;
}

bool route_take_record(Route *route) {
        bool any = false;

        for (unsigned i = 0; i < route->chunks->len; i++) {
                RouteChunk *chunk = route_chunk(route, i);

                chunk->step = chunk->of_record ? ROUTE_DECODE : ROUTE_SKIP;
                any |= chunk->of_record;
        }
        return any;
}

bool route_begins(const Route *route, unsigned i) {
        return i == 0 || route_chunk(route, i - 1)->step == ROUTE_SKIP;
}
