/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/session.h"

#include <string.h>

static const char *const state_names[_SESSION_STATE_MAX] = {
        [SESSION_OPEN] = "open",
        [SESSION_RUNNING] = "running",
        [SESSION_PAUSED] = "paused",
        [SESSION_INTERRUPTED] = "interrupted",
        [SESSION_FINISHED] = "finished",
};

static const char *const end_names[_SESSION_END_MAX] = {
        [SESSION_END_NONE] = "",
        [SESSION_END_DEVICE] = "device",
        [SESSION_END_USER] = "user",
        [SESSION_END_IDLE] = "idle",
        [SESSION_END_WINDOW] = "window",
        [SESSION_END_SHUTDOWN] = "shutdown",
        [SESSION_END_DISCARDED] = "discarded",
};

/* may_enter[from][to] */
static const bool may_enter[_SESSION_STATE_MAX][_SESSION_STATE_MAX] = {
        [SESSION_OPEN] = { [SESSION_RUNNING] = true, [SESSION_PAUSED] = true, [SESSION_INTERRUPTED] = true,
                           [SESSION_FINISHED] = true },
        [SESSION_RUNNING] = { [SESSION_PAUSED] = true, [SESSION_INTERRUPTED] = true, [SESSION_FINISHED] = true },
        [SESSION_PAUSED] = { [SESSION_RUNNING] = true, [SESSION_INTERRUPTED] = true, [SESSION_FINISHED] = true },
        [SESSION_INTERRUPTED] = { [SESSION_OPEN] = true, [SESSION_RUNNING] = true, [SESSION_PAUSED] = true,
                                  [SESSION_FINISHED] = true },
        [SESSION_FINISHED] = { false },
};

const char *session_state_name(SessionState state) {
        return state_names[state];
}

const char *session_end_name(SessionEnd end) {
        return end_names[end];
}

SessionEnd session_end_from_name(const char *name) {
        for (int i = 0; i < _SESSION_END_MAX; i++)
                if (g_str_equal(end_names[i], name))
                        return (SessionEnd) i;

        return SESSION_END_NONE;
}

Session *session_new(const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec) {
        Session *s = g_new0(Session, 1);

        s->id = identity->id;
        g_strlcpy(s->uuid, identity->uuid, sizeof(s->uuid));
        g_strlcpy(s->boot_id, identity->boot_id, sizeof(s->boot_id));
        s->utc_offset_sec = identity->utc_offset_sec;
        s->owner = identity->owner;
        s->owner_name = g_strdup(identity->owner_name ?: "");
        s->device_path = g_strdup(identity->device_path ?: "");
        s->device_address = g_strdup(identity->device_address ?: "");
        s->device_alias = g_strdup(identity->device_alias ?: "");
        s->profile = g_strdup(identity->profile ?: "");
        s->subject = g_strdup(identity->subject ?: "");
        s->area = g_strdup(identity->area ?: "");
        s->product = g_strdup(identity->product ?: "");
        s->note = g_strdup(identity->note ?: "");

        s->undecodable = identity->undecodable;
        s->state = SESSION_OPEN;
        s->resume_to = SESSION_OPEN;
        s->start_boottime_usec = s->used_from_usec = s->last_use_usec = boottime_usec;
        s->start_realtime_usec = realtime_usec;
        tally_init(&s->tally);
        return s;
}

Session *session_free(Session *s) {
        if (!s)
                return NULL;

        g_free(s->owner_name);
        g_free(s->device_path);
        g_free(s->device_address);
        g_free(s->device_alias);
        g_free(s->profile);
        g_free(s->subject);
        g_free(s->area);
        g_free(s->product);
        g_free(s->note);
        tally_clear(&s->tally);
        g_free(s);
        return NULL;
}

bool session_may_enter(const Session *s, SessionState state) {
        return may_enter[s->state][state];
}

SessionState session_enter(Session *s, SessionState state) {
        SessionState old = s->state;

        g_assert(may_enter[old][state]);
        if (state == SESSION_INTERRUPTED)
                s->resume_to = old;
        s->state = state;
        return old;
}

void session_figures(const Session *s, uint64_t now_usec, Figures *ret) {
        uint64_t until_usec = s->state == SESSION_FINISHED ? s->end_boottime_usec : now_usec;

        *ret = (Figures) { 0 };
        if (s->undecodable)
                return;

        figures_set(ret, FIGURE_DURATION, until_usec > s->used_from_usec ? (int64_t) (until_usec - s->used_from_usec) : 0);
        figures_set(ret, FIGURE_LEAD_IN, (int64_t) (s->used_from_usec - s->start_boottime_usec));
        tally_figures(&s->tally, s->has_feature ? &s->feature : NULL, ret);
}
