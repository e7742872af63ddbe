/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "needled/omp-records.h"

#define SEGMENT_HEAD 1u /* the segment octet */
#define COUNTER_MASK (OMP_SEGMENT_COUNTERS - 1)

/* ---- Sending ---- */

int omp_segmenter_begin(OmpSegmenter *s, const uint8_t *body, size_t size) {
        if (size == 0)
                return -EINVAL;
        if (size > OMP_BODY_MAX)
                return -EMSGSIZE;

        *s = (OmpSegmenter) { .counter = s->counter, .body = body, .size = size };
        return 0;
}

bool omp_segmenter_done(const OmpSegmenter *s) {
        return s->pos == s->size;
}

int omp_segmenter_next(OmpSegmenter *s, uint8_t *buf, size_t size) {
        size_t left = s->size - s->pos, n;

        if (left == 0)
                return 0;
        if (size < SEGMENT_HEAD + 1)
                return -EMSGSIZE;
        if (size > OMP_VALUE_MAX)
                size = OMP_VALUE_MAX;

        n = size - SEGMENT_HEAD < left ? size - SEGMENT_HEAD : left;
        buf[0] = (uint8_t) (s->counter << OMP_SEGMENT_COUNTER_SHIFT |
                            (s->pos == 0 ? OMP_SEGMENT_FIRST : 0) | (n == left ? OMP_SEGMENT_LAST : 0));
        memcpy(buf + SEGMENT_HEAD, s->body + s->pos, n);
        s->pos += n;
        s->counter = (s->counter + 1) & COUNTER_MASK;

        return (int) (SEGMENT_HEAD + n);
}

/* ---- Receiving ---- */

void omp_reassembler_reset(OmpReassembler *r) {
        r->started = r->open = false;
        r->expected = 0;
        r->size = 0;
}

/* Returns OMP_SEGMENT_DROPPED if there was a body to drop. */
static int reassembler_drop(OmpReassembler *r) {
        bool open = r->open;

        r->open = false;
        r->size = 0;
        return open ? OMP_SEGMENT_DROPPED : 0;
}

static int reassembler_append(OmpReassembler *r, const uint8_t *slice, size_t size, bool last) {
        if (size > OMP_BODY_MAX - r->size)
                return OMP_SEGMENT_TOO_LONG | reassembler_drop(r);

        memcpy(r->body + r->size, slice, size);
        r->size += size;
        if (!last)
                return 0;

        r->open = false;
        return OMP_SEGMENT_BODY;
}

int omp_reassembler_push(OmpReassembler *r, const uint8_t *data, size_t size, unsigned *ret_lost) {
        unsigned ahead;
        int what = 0;

        *ret_lost = 0;
        if (size < SEGMENT_HEAD + 1 || size > OMP_VALUE_MAX)
                return -EMSGSIZE;

        /* "The counter starts at 0 with each RACP or trace procedure and runs on over all its bodies." A whole round of it lost
         * looks like a duplicate, or like nothing at all: the CRC of the body has the last word. */
        ahead = ((data[0] >> OMP_SEGMENT_COUNTER_SHIFT) - r->expected) & COUNTER_MASK;
        if (ahead == COUNTER_MASK && r->started)
                return OMP_SEGMENT_DUPLICATE;
        r->started = true;
        r->expected = (uint8_t) ((r->expected + ahead + 1) & COUNTER_MASK);

        /* "The receiver drops a body of which a segment is missing" */
        if (ahead > 0) {
                *ret_lost = ahead;
                what |= OMP_SEGMENT_LOST | reassembler_drop(r);
        }

        if (data[0] & OMP_SEGMENT_FIRST) {
                if (r->open)
                        what |= OMP_SEGMENT_UNENDED;
                what |= reassembler_drop(r);
                r->open = true;
        } else if (!r->open)
                return what | OMP_SEGMENT_ORPHAN;

        return what | reassembler_append(r, data + SEGMENT_HEAD, size - SEGMENT_HEAD, data[0] & OMP_SEGMENT_LAST);
}
