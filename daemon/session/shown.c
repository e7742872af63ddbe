/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/shown.h"

static const struct { uint16_t live; uint32_t shown; } flags[] = {
        { OMP_LIVE_OVERPRESSURE, NEEDLED_STREAM_OVERPRESSURE },
        { OMP_LIVE_MOTOR, NEEDLED_STREAM_MOTOR },
        { OMP_LIVE_SATURATED, NEEDLED_STREAM_SATURATED },
        { OMP_LIVE_DROPPED, NEEDLED_STREAM_DEVICE_DROPPED },
};

void shown_live(const TrackerLive *live, uint8_t area, struct needled_stream_live *ret) {
        const OmpLive *l = live->live;
        uint16_t contact = l->flags & OMP_LIVE_CONTACT_MASK;

        *ret = (struct needled_stream_live) { 0 };
        if (live->has_strokes) {
                ret->present |= NEEDLED_STREAM_HAS_STROKES;
                ret->strokes = live->session_strokes;
        }
        if (l->force_mean_mn != OMP_FORCE_UNKNOWN && l->force_peak_mn != OMP_FORCE_UNKNOWN) {
                ret->present |= NEEDLED_STREAM_HAS_FORCE;
                ret->force_mean_mn = l->force_mean_mn;
                ret->force_peak_mn = l->force_peak_mn;
        }
        if (live->has_rate) {
                ret->present |= NEEDLED_STREAM_HAS_RATE;
                ret->stroke_rate = live->stroke_rate;
        }
        if (l->flags & OMP_LIVE_DEPTH) {
                ret->present |= NEEDLED_STREAM_HAS_DEPTH;
                ret->depth_um = l->depth_um;
        }
        if (l->flags & OMP_LIVE_AREA && l->area != 0)
                area = l->area;
        if (l->flags & OMP_LIVE_AREA || area != 0) {
                ret->present |= NEEDLED_STREAM_HAS_AREA;
                ret->area = area;
        }
        if (contact == OMP_LIVE_CONTACT_YES || contact == OMP_LIVE_CONTACT_NO)
                ret->present |= NEEDLED_STREAM_HAS_CONTACT;
        if (contact == OMP_LIVE_CONTACT_YES)
                ret->flags |= NEEDLED_STREAM_IN_CONTACT;

        for (size_t i = 0; i < G_N_ELEMENTS(flags); i++)
                if (l->flags & flags[i].live)
                        ret->flags |= flags[i].shown;
}

void shown_state(const Session *session, SessionState state, Stage stage, struct needled_stream_state *ret) {
        const NoteLimits *limits = &session->tally.limits;

        *ret = (struct needled_stream_state) { .state = (uint8_t) state, .stage = (uint8_t) stage };
        if (!session->tally.has_limits)
                return;

        ret->zone_low_mn = limits->zone_low_mn;
        ret->zone_high_mn = limits->zone_high_mn;
        ret->overpressure_mn = limits->overpressure_mn;
}

void shown_alert(const Alert *alert, struct needled_stream_alert *ret) {
        bool has_value = alert->value != ALERT_VALUE_NONE;

        *ret = (struct needled_stream_alert) {
                .code = (uint8_t) alert->code,
                .level = (uint8_t) alert->level,
                .raised = alert->cleared_usec == 0,
                .has_value = has_value,
                .value = has_value ? alert->value : 0,
                .raised_usec = alert->raised_usec,
        };
}
