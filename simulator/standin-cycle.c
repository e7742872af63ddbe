/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "clock.h"
#include "standin.h"

#define REST_USEC 10000u                /* from all subscribed to the next drop: time for what else a client asks first */

/* Drops the link again and again, each time when the client has subscribed to all that it was subscribed to before, and keeps how
 * long that took. */
struct Cycle {
        Body *body;                     /* weak */
        unsigned left;
        bool wanted[PERIPHERAL_CHARS_MAX];
        bool down;                      /* dropped, and not all subscribed yet */
        uint64_t dropped_usec;
        GArray *took_usec;              /* of uint64_t */
        sd_event_source *timer;
};

static int on_drop(sd_event_source *source, uint64_t usec, void *userdata) {
        Cycle *cycle = userdata;
        Body *body = cycle->body;

        cycle->timer = sd_event_source_disable_unref(cycle->timer);
        if (!body->linked || cycle->left == 0)
                return 0;

        for (unsigned i = 0; i < body->peripheral->n_chars; i++)
                cycle->wanted[i] = peripheral_subscribed(body->peripheral, i);
        cycle->left--;
        cycle->down = true;
        cycle->dropped_usec = clock_usec(CLOCK_BOOTTIME);
        device_link_down(body->linked);
        return 0;
}

static gint compare(gconstpointer a, gconstpointer b) {
        uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

        return (x > y) - (x < y);
}

Cycle *cycle_new(Body *body, unsigned n) {
        Cycle *cycle = g_new0(Cycle, 1);

        *cycle = (Cycle) { .body = body, .left = n, .took_usec = g_array_new(false, false, sizeof(uint64_t)) };
        standin_timer(body->standin, &cycle->timer, REST_USEC, on_drop, cycle);
        return cycle;
}

Cycle *cycle_free(Cycle *cycle) {
        if (!cycle)
                return NULL;

        sd_event_source_disable_unref(cycle->timer);
        g_array_unref(cycle->took_usec);
        g_free(cycle);
        return NULL;
}

void cycle_subscribed(Cycle *cycle) {
        uint64_t took;

        if (!cycle->down)
                return;
        for (unsigned i = 0; i < cycle->body->peripheral->n_chars; i++)
                if (cycle->wanted[i] && !peripheral_subscribed(cycle->body->peripheral, i))
                        return;

        cycle->down = false;
        took = clock_usec(CLOCK_BOOTTIME) - cycle->dropped_usec;
        g_array_append_val(cycle->took_usec, took);
        if (cycle->left > 0)
                standin_timer(cycle->body->standin, &cycle->timer, REST_USEC, on_drop, cycle);
}

void cycle_status(const Cycle *cycle, GString *json) {
        g_autoptr(GArray) sorted = g_array_copy(cycle->took_usec);
        unsigned n = sorted->len;

        g_array_sort(sorted, compare);
        g_string_append_printf(json, ",\"cycles\":%u", n);
        if (n > 0)
                g_string_append_printf(json, ",\"back_median_usec\":%" G_GUINT64_FORMAT ",\"back_p95_usec\":%" G_GUINT64_FORMAT,
                                       g_array_index(sorted, uint64_t, n / 2), g_array_index(sorted, uint64_t, n * 95 / 100));
}
