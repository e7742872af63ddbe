/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/lead-in.h"

#include <glib.h>
#include <string.h>

typedef struct Entry {                  /* before the octets of each frame */
        uint64_t boottime_usec, realtime_usec;
        uint16_t size;
        uint8_t channel, direction;
        bool mark;
} Entry;

G_STATIC_ASSERT(LEAD_IN_SIZE / sizeof(Entry) <= LEAD_IN_FRAMES_MAX);

/* `at`: octets behind the oldest frame's first. */
static void copy_in(LeadIn *l, size_t at, const void *from, size_t size) {
        size_t begin = (l->first + at) % LEAD_IN_SIZE, here = MIN(size, LEAD_IN_SIZE - begin);

        memcpy(l->ring + begin, from, here);
        if (here < size)
                memcpy(l->ring, (const uint8_t *) from + here, size - here);
}

static void copy_out(const LeadIn *l, size_t at, void *to, size_t size) {
        size_t begin = (l->first + at) % LEAD_IN_SIZE, here = MIN(size, LEAD_IN_SIZE - begin);

        memcpy(to, l->ring + begin, here);
        if (here < size)
                memcpy((uint8_t *) to + here, l->ring, size - here);
}

void lead_in_clear(LeadIn *l) {
        g_free(l->ring);
        *l = (LeadIn) { 0 };
}

bool lead_in_has_room(const LeadIn *l, size_t size) {
        return LEAD_IN_SIZE - l->used >= sizeof(Entry) + size;
}

void lead_in_keep(LeadIn *l, const Frame *frame, bool mark) {
        Entry entry = {
                .boottime_usec = frame->boottime_usec,
                .realtime_usec = frame->realtime_usec,
                .size = frame->size,
                .channel = frame->channel,
                .direction = frame->direction,
                .mark = mark,
        };

        if (!l->ring)
                l->ring = g_malloc(LEAD_IN_SIZE);

        copy_in(l, l->used, &entry, sizeof(entry));
        if (frame->size > 0)
                copy_in(l, l->used + sizeof(entry), frame->data, frame->size);
        l->used += sizeof(entry) + frame->size;
        l->n++;
}

uint64_t lead_in_first_usec(const LeadIn *l) {
        Entry entry;

        if (l->n == 0)
                return UINT64_MAX;

        copy_out(l, 0, &entry, sizeof(entry));
        return entry.boottime_usec;
}

uint64_t lead_in_first_realtime(const LeadIn *l) {
        Entry entry = { 0 };

        if (l->n > 0)
                copy_out(l, 0, &entry, sizeof(entry));
        return entry.realtime_usec;
}

bool lead_in_take(LeadIn *l, Frame *ret, uint8_t buf[static OMP_VALUE_MAX], bool *ret_mark) {
        Entry entry;

        if (l->n == 0)
                return false;

        copy_out(l, 0, &entry, sizeof(entry));
        copy_out(l, sizeof(entry), buf, entry.size);
        l->first = (l->first + sizeof(entry) + entry.size) % LEAD_IN_SIZE;
        l->used -= sizeof(entry) + entry.size;
        l->n--;

        *ret = (Frame) {
                .boottime_usec = entry.boottime_usec,
                .realtime_usec = entry.realtime_usec,
                .channel = entry.channel,
                .direction = entry.direction,
                .size = entry.size,
                .data = buf,
        };
        *ret_mark = entry.mark;
        return true;
}
