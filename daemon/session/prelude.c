/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/prelude.h"

#include <glib.h>
#include <string.h>

void prelude_init(Prelude *p, unsigned n_slots) {
        prelude_clear(p);
        p->n_slots = MIN(n_slots, PRELUDE_SLOTS_MAX);
        p->slots = g_new0(PreludeSlot, p->n_slots);
}

void prelude_clear(Prelude *p) {
        g_free(p->slots);
        *p = (Prelude) { 0 };
}

void prelude_keep(Prelude *p, unsigned slot, const Frame *frame) {
        PreludeSlot *s;

        if (slot >= p->n_slots || frame->size == 0 || frame->size > OMP_VALUE_MAX)
                return;

        s = &p->slots[slot];
        memcpy(s->data, frame->data, frame->size);
        s->frame = *frame;
        s->frame.data = s->data;
}

void prelude_drop(Prelude *p, unsigned slot) {
        if (slot < p->n_slots)
                p->slots[slot].frame.size = 0;
}

void prelude_forget(Prelude *p) {
        for (unsigned i = PRELUDE_CHANNEL; i < p->n_slots; i++)
                p->slots[i].frame.size = 0;
}

/* By time, behind the Feature; those of the same time in the order in which they come here. */
static void insert(PreludeFrames *to, const Frame *frame) {
        unsigned at = to->n++;

        for (; at > to->n_feature && to->frames[at - 1].boottime_usec > frame->boottime_usec; at--)
                to->frames[at] = to->frames[at - 1];
        to->frames[at] = *frame;
}

void prelude_frames(const Prelude *p, uint64_t boottime_usec, uint64_t realtime_usec, PreludeFrames *ret) {
        ret->n = ret->n_feature = 0;
        for (unsigned i = 0; i < p->n_slots; i++) {
                if (p->slots[i].frame.size == 0)
                        continue;

                insert(ret, &p->slots[i].frame);
                if (i == PRELUDE_FEATURE)
                        ret->n_feature = 1;
        }

        for (unsigned i = 0; i < ret->n; i++) {
                ret->frames[i].boottime_usec = boottime_usec;
                ret->frames[i].realtime_usec = realtime_usec;
        }
}
