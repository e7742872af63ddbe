/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What opens a session and what ends it, out of what a device says of itself. Its session flag comes by two ways that are not ordered with
 * each other or with the events: each is believed about its own changes alone. */

#include <stdbool.h>

#include "session/packet.h"
#include "session/session.h"

typedef enum OpeningBy {                /* what may open a session now */
        OPENING_ANY,                    /* the device's session flag, or use */
        OPENING_BY_USE,                 /* the flag has outlived its session (idle): only use counts until it falls */
        OPENING_NOT,                    /* ended by hand: not before the device has come to rest */
} OpeningBy;

typedef struct Opening {
        OpeningBy by;
        struct {
                bool shown;             /* as it said last on this link */
                bool seen;              /* it was set within this session: its fall ends it */
                bool stale;             /* it was set when the last session ended: says nothing until it has fallen */
        } flags[_FLAG_WAY_MAX];
} Opening;

void opening_link_up(Opening *o);
/* Without a session: a packet that says this opens one. */
bool opening_opens(Opening *o, const Signs *signs, bool auto_start);
void opening_began(Opening *o);
/* After that: the device has begun another session. */
bool opening_begins_anew(const Opening *o, const Signs *signs);
void opening_ended(Opening *o, SessionEnd end);

/* It is in use, or was a moment ago: no lead-in of anything. */
static inline bool signs_of_session(const Signs *s) {
        return s->use || s->starts || s->ends || (s->knows_flag && s->flag);
}

/* ---- The hot path ---- */

/* What a packet says, with or without a session; before all that follows from it. */
static inline void opening_note(Opening *o, const Signs *signs) {
        if (!signs->knows_flag)
                return;

        o->flags[signs->way].shown = signs->flag;
        if (!signs->flag)
                o->flags[signs->way].stale = false;
}

/* Within a session: true if the packet says that it is over. */
static inline bool opening_is_over(Opening *o, const Signs *signs) {
        if (signs->flag)
                o->flags[signs->way].seen = true;

        return signs->ends || (signs->knows_flag && !signs->flag && o->flags[signs->way].seen);
}
