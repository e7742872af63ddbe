/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/opening.h"

void opening_link_up(Opening *o) {
        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                o->flags[i].shown = o->flags[i].stale = false;
}

bool opening_opens(Opening *o, const Signs *signs, bool auto_start) {
        /* What was on its way when the device's session ended is no new one. */
        bool stale = signs->knows_flag && o->flags[signs->way].stale;

        if (signs->rest || (signs->knows_flag && !signs->flag && o->by == OPENING_BY_USE))
                o->by = OPENING_ANY;
        if (!auto_start)
                return false;

        switch (o->by) {
        case OPENING_ANY:
                return signs->starts || (!stale && (signs->flag || signs->use));
        case OPENING_BY_USE:
                return signs->use || signs->starts;
        case OPENING_NOT:
                return signs->starts;
        }

        return false;
}

void opening_began(Opening *o) {
        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                o->flags[i].seen = false;
}

bool opening_begins_anew(const Opening *o, const Signs *signs) {
        bool fell = o->flags[signs->way].seen && !o->flags[signs->way].shown;

        return signs->starts || (signs->knows_flag && signs->flag && fell);
}

void opening_ended(Opening *o, SessionEnd end) {
        switch (end) {
        case SESSION_END_USER:
        case SESSION_END_DISCARDED:
                o->by = OPENING_NOT;
                break;
        case SESSION_END_IDLE:
                o->by = OPENING_BY_USE;
                break;
        case SESSION_END_NONE:
        case SESSION_END_DEVICE:
        case SESSION_END_WINDOW:
        case SESSION_END_SHUTDOWN:
        case _SESSION_END_MAX:
                o->by = OPENING_ANY;
                break;
        }

        for (int i = 0; i < _FLAG_WAY_MAX; i++)
                o->flags[i].stale = o->flags[i].shown;
}
