/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/session.h"

#include <errno.h>
#include <string.h>

#include "session/machine.h"
#include "session/stored.h"

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
        s->start_boottime_usec = s->used_from_usec = s->last_use_usec = s->last_contact_usec = boottime_usec;
        s->start_realtime_usec = realtime_usec;
        s->acknowledged = identity->acknowledged;
        alerts_init(&s->alerts);
        device_clock_reset(&s->clock);
        tally_init(&s->tally);
        return s;
}

Session *session_free(Session *s) {
        if (!s)
                return NULL;

        tally_clear(&s->tally);
        g_free(s->owner_name);
        g_free(s->device_path);
        g_free(s->device_address);
        g_free(s->device_alias);
        g_free(s->profile);
        g_free(s->subject);
        g_free(s->area);
        g_free(s->product);
        g_free(s->note);
        g_free(s);
        return NULL;
}

static void keep_pause_time(Session *s, SessionState old, uint64_t now_usec) {
        if (s->state == SESSION_PAUSED && old != SESSION_INTERRUPTED)
                s->paused_from_usec = now_usec;
        else if (s->state == SESSION_RUNNING && s->paused_from_usec > 0) {
                s->paused_usec += now_usec > s->paused_from_usec ? now_usec - s->paused_from_usec : 0;
                s->paused_from_usec = 0;
        }
}

int session_move(Session *s, unsigned input, uint64_t now_usec, SessionState *ret_old) {
        MachineStep step = machine_step(s->state, (MachineInput) input);

        *ret_old = s->state;
        switch (step) {
        case MACHINE_REFUSED:
                return -EALREADY;
        case MACHINE_STAY:
                return 0;
        case MACHINE_BACK:
                s->state = s->resume_to;
                break;
        case MACHINE_INTERRUPTED:
                s->resume_to = s->state;
                s->state = SESSION_INTERRUPTED;
                break;
        case MACHINE_OPEN:
        case MACHINE_RUNNING:
        case MACHINE_PAUSED:
        case MACHINE_FINISHED:
                s->state = (SessionState) step;
                break;
        }

        keep_pause_time(s, *ret_old, now_usec);
        return 1;
}

void session_begin_use(Session *s, uint64_t now_usec) {
        s->used = true;
        s->used_from_usec = s->last_use_usec = now_usec;
        s->paused_usec = 0;             /* before it began */
        if (s->paused_from_usec > 0)
                s->paused_from_usec = now_usec;
}

uint64_t session_in_use_until(const Session *s, uint64_t in_use_usec) {
        if (!s->used || s->paused_from_usec > 0)
                return UINT64_MAX;

        return s->used_from_usec + s->paused_usec + in_use_usec;
}

static void time_figures(const Session *s, uint64_t until_usec, Figures *ret) {
        uint64_t duration_usec = until_usec > s->used_from_usec ? until_usec - s->used_from_usec : 0, paused_usec = s->paused_usec;

        if (s->paused_from_usec > 0 && until_usec > s->paused_from_usec)
                paused_usec += until_usec - s->paused_from_usec;
        paused_usec = MIN(paused_usec, duration_usec);
        figures_set(ret, FIGURE_DURATION, (int64_t) duration_usec);
        figures_set(ret, FIGURE_LEAD_IN, (int64_t) (s->used_from_usec - s->start_boottime_usec));
        figures_set(ret, FIGURE_PAUSED_TIME, (int64_t) paused_usec);
        if (s->tally.has_limits && s->tally.limits.time_limit_sec > 0) {
                int64_t limit_usec = s->tally.limits.time_limit_sec * INT64_C(1000000);

                figures_set(ret, FIGURE_LIMIT, limit_usec);
                figures_set(ret, FIGURE_REMAINING, MAX(limit_usec - (s->used ? (int64_t) (duration_usec - paused_usec) : 0), 0));
        }
}

void session_figures(const Session *s, uint64_t now_usec, Figures *ret) {
        uint64_t until_usec = s->state == SESSION_FINISHED ? s->end_boottime_usec : now_usec;
        int64_t offset_usec;

        *ret = (Figures) { 0 };
        if (s->undecodable)
                return;

        if (s->is_stored) {
                stored_figures(&s->stored, ret);
                return;
        }

        time_figures(s, until_usec, ret);
        if (device_clock_offset(&s->clock, &offset_usec))
                figures_set(ret, FIGURE_DEVICE_TIME_OFFSET, offset_usec);
        tally_figures(&s->tally, s->has_feature ? &s->feature : NULL, ret);
}

bool session_area_figures(const Session *s, unsigned i, uint8_t *ret_area, Figures *ret) {
        if (s->is_stored && i == 0 && s->stored.area != 0) {
                *ret_area = s->stored.area;
                stored_figures(&s->stored, ret);
                return true;
        }

        return !s->undecodable && !s->is_stored && tally_area_figures(&s->tally, s->has_feature ? &s->feature : NULL, i, ret_area, ret);
}

uint64_t session_stage_usec(const Session *s, Stage stage, uint64_t now_usec) {
        uint64_t until_usec = session_time(s, s->state == SESSION_FINISHED ? s->end_boottime_usec : now_usec);

        if (stage != s->stage || until_usec <= s->stage_from_usec)
                return s->stage_usec[stage];

        return s->stage_usec[stage] + (until_usec - s->stage_from_usec);
}
