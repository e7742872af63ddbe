/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/tracker-private.h"

#define SEC_USEC UINT64_C(1000000)
#define OVER_CLEAR_USEC (2 * SEC_USEC)  /* after it fell below */
#define OVER_ALARM_NUM 8                /* the alarm, in fifths of the limit: 1.6 times */
#define OVER_ALARM_DEN 5
#define LOST_USEC (WARN_LOST_SECONDS * SEC_USEC)
#define LEFT_OUT_USEC BUDGET_MINUTE_USEC
#define LOST_MIN 10u                    /* packets within that time */
#define BATTERY_CRITICAL 5              /* % */
#define BATTERY_LOW 20
#define BATTERY_FINE 25                 /* what was low is not so any more */
#define CARTRIDGE_THOUSAND 1000         /* event 22 counts in thousands of strokes */

/* The deepest that a maker's chart names for an area of the face, for thick skin (drpen.net, needle depth guide), by the area's number of the
 * profile; 0: it names none. */
static const uint16_t usual_depth_um[] = {
        [1] = 750,  /* forehead */
        [2] = 1000, /* glabella */
        [3] = 2000, /* cheeks */
        [4] = 2000,
        [5] = 500,  /* nose */
        [6] = 500,  /* around the eyes */
        [7] = 500,
        [8] = 750,  /* upper lip */
        [9] = 2000, /* chin */
};

void tracker_warn_raise(Tracker *t, AlertCode code, AlertLevel level, int32_t value, uint64_t now_usec) {
        const Alert *alert = alerts_raise(&t->session->alerts, code, level, value, session_time(t->session, now_usec));

        if (alert && t->observer.alert)
                t->observer.alert(t, t->session, alert, t->userdata);
}

void tracker_warn_clear(Tracker *t, AlertCode code, uint64_t now_usec) {
        const Alert *alert = alerts_clear(&t->session->alerts, code, session_time(t->session, now_usec));

        if (alert && t->observer.alert)
                t->observer.alert(t, t->session, alert, t->userdata);
}

void tracker_warn_begin(Tracker *t) {
        t->warnings = (Warnings) { .battery = -1, .depth_um = -1, .due_usec = UINT64_MAX };
        tracker_loss_begin(t);
}

static uint64_t limit_deadline(const Tracker *t) {
        const Tally *tally = &t->session->tally;

        if (t->warnings.limit_told || !tally->has_limits || tally->limits.time_limit_sec == 0)
                return UINT64_MAX;

        return session_in_use_until(t->session, tally->limits.time_limit_sec * SEC_USEC);
}

uint64_t tracker_warn_deadline(const Tracker *t) {
        uint64_t deadline = limit_deadline(t);

        if (t->warnings.over_fell_usec > 0)
                deadline = MIN(deadline, t->warnings.over_fell_usec + OVER_CLEAR_USEC);
        if (t->warnings.lost_last_usec > 0)
                deadline = MIN(deadline, t->warnings.lost_last_usec + LOST_USEC);
        if (t->warnings.left_out_usec > 0)
                deadline = MIN(deadline, t->warnings.left_out_usec + LEFT_OUT_USEC);

        return MIN(deadline, tracker_loss_deadline(t));
}

void tracker_warn_settle(Tracker *t) {
        t->warnings.due_usec = tracker_warn_deadline(t);
}

/* With the time at which each was due, however late it is looked at: the frames alone give the same. */
void tracker_warn_now(Tracker *t, uint64_t now_usec) {
        Warnings *w = &t->warnings;
        uint64_t limit_usec = limit_deadline(t);

        t->session->looked_usec = now_usec;
        tracker_loss_now(t, now_usec);
        if (w->over_fell_usec > 0 && now_usec >= w->over_fell_usec + OVER_CLEAR_USEC) {
                tracker_warn_clear(t, ALERT_OVERPRESSURE, w->over_fell_usec + OVER_CLEAR_USEC);
                w->over_fell_usec = 0;
        }
        if (w->lost_last_usec > 0 && now_usec >= w->lost_last_usec + LOST_USEC) {
                tracker_warn_clear(t, ALERT_SAMPLES_LOST, w->lost_last_usec + LOST_USEC);
                w->lost_last_usec = 0;
        }
        if (w->left_out_usec > 0 && now_usec >= w->left_out_usec + LEFT_OUT_USEC) {
                tracker_warn_clear(t, ALERT_EVENTS_LEFT_OUT, w->left_out_usec + LEFT_OUT_USEC);
                w->left_out_usec = 0;
                w->left_out = 0;
        }
        if (now_usec >= limit_usec) {
                w->limit_told = true;
                tracker_warn_raise(t, ALERT_TIME_LIMIT, ALERT_WARNING,
                                   (int32_t) MIN(t->session->tally.limits.time_limit_sec, (uint32_t) INT32_MAX), limit_usec);
        }
        tracker_warn_settle(t);
}

void tracker_warn_area(Tracker *t) {
        t->warnings.depth_um = -1;
}

void tracker_warn_limits(Tracker *t, uint64_t now_usec) {
        const Tally *tally = &t->session->tally;
        uint32_t limit_sec = tally->has_limits ? tally->limits.time_limit_sec : 0;

        t->warnings.depth_um = -1;
        if (limit_sec != t->warnings.limit_sec) {
                t->warnings.limit_sec = limit_sec;
                t->warnings.limit_told = false;
                if (limit_deadline(t) > now_usec)
                        tracker_warn_clear(t, ALERT_TIME_LIMIT, now_usec);
        }
        tracker_warn_settle(t);
        tracker_warn_until(t, now_usec);
}

/* ---- Values ---- */

static void warn_over(Tracker *t, int peak_mn, uint64_t now_usec) {
        const Tally *tally = &t->session->tally;
        int limit_mn = tally->has_limits ? tally->limits.overpressure_mn : 0;
        bool known = peak_mn != OMP_FORCE_UNKNOWN;
        bool alarm = known && limit_mn > 0 && (int64_t) peak_mn * OVER_ALARM_DEN >= (int64_t) limit_mn * OVER_ALARM_NUM;

        t->warnings.over_fell_usec = 0;
        tracker_warn_settle(t);
        tracker_warn_raise(t, ALERT_OVERPRESSURE, alarm ? ALERT_ALARM : ALERT_WARNING, known ? peak_mn : ALERT_VALUE_NONE, now_usec);
}

static void over_fell(Tracker *t, uint64_t now_usec) {
        if (t->warnings.over_fell_usec > 0 || !alerts_stands(&t->session->alerts, ALERT_OVERPRESSURE))
                return;

        t->warnings.over_fell_usec = now_usec;
        tracker_warn_settle(t);
}

static void warn_depth(Tracker *t, unsigned depth_um, uint64_t now_usec) {
        const Session *s = t->session;
        unsigned most_um = UINT_MAX;

        if (s->has_feature && s->feature.max_depth_um > 0)
                most_um = s->feature.max_depth_um;
        if (s->tally.has_limits && s->tally.limits.depth_max_um > 0)
                most_um = MIN(most_um, s->tally.limits.depth_max_um);
        if (s->area_now < G_N_ELEMENTS(usual_depth_um) && usual_depth_um[s->area_now] > 0)
                most_um = MIN(most_um, usual_depth_um[s->area_now]);

        if (depth_um > most_um)
                tracker_warn_raise(t, ALERT_DEPTH, ALERT_WARNING, (int32_t) depth_um, now_usec);
        else
                tracker_warn_clear(t, ALERT_DEPTH, now_usec);
        /* Within its interval it is not raised: looked at again with the next value. */
        t->warnings.depth_um = depth_um <= most_um || alerts_stands(&s->alerts, ALERT_DEPTH) ? (int) depth_um : -1;
}

void tracker_warn_value(Tracker *t, const Frame *frame, const OmpLive *live) {
        const Warnings *w = &t->warnings;

        if (G_UNLIKELY(t->session->tally.over))
                warn_over(t, live->force_peak_mn, frame->boottime_usec);
        else
                over_fell(t, frame->boottime_usec);
        if (live->flags & OMP_LIVE_DEPTH && live->depth_um != w->depth_um)
                warn_depth(t, live->depth_um, frame->boottime_usec);
}

void tracker_warn_lost(Tracker *t, const Frame *frame, unsigned missing) {
        Warnings *w = &t->warnings;
        uint64_t second = frame->boottime_usec / SEC_USEC;
        uint64_t passed = second > w->lost_second ? second - w->lost_second : 0;
        uint64_t sum = 0;

        for (uint64_t i = 1; i <= MIN(passed, WARN_LOST_SECONDS); i++)
                w->lost[(w->lost_second + i) % WARN_LOST_SECONDS] = 0;
        w->lost_second = MAX(second, w->lost_second);
        w->lost[w->lost_second % WARN_LOST_SECONDS] += missing;
        w->lost_last_usec = frame->boottime_usec;
        tracker_warn_settle(t);

        for (unsigned i = 0; i < WARN_LOST_SECONDS; i++)
                sum += w->lost[i];
        if (sum >= LOST_MIN)
                tracker_warn_raise(t, ALERT_SAMPLES_LOST, ALERT_NOTICE, (int32_t) MIN(sum, (uint64_t) INT32_MAX),
                                   frame->boottime_usec);
}

bool tracker_warn_may_tell(Tracker *t, Told what, uint64_t now_usec) {
        Warnings *w = &t->warnings;

        if (budget_count(&t->told[what], session_time(t->session, now_usec)) <= TOLD_A_MINUTE)
                return true;

        w->left_out += w->left_out < INT32_MAX;
        w->left_out_usec = now_usec;
        tracker_warn_settle(t);
        tracker_warn_raise(t, ALERT_EVENTS_LEFT_OUT, ALERT_NOTICE, (int32_t) w->left_out, now_usec);
        return false;
}

/* ---- States ---- */

static void raise_or_clear(Tracker *t, AlertCode code, AlertLevel level, bool holds, int64_t value, uint64_t now_usec) {
        if (holds)
                tracker_warn_raise(t, code, level, (int32_t) CLAMP(value, INT32_MIN + 1, INT32_MAX), now_usec);
        else
                tracker_warn_clear(t, code, now_usec);
}

static void warn_clock(Tracker *t, bool unset, uint64_t now_usec) {
        if (unset)
                tracker_warn_raise(t, ALERT_CLOCK_UNSET, ALERT_NOTICE, ALERT_VALUE_NONE, now_usec);
        else
                tracker_warn_clear(t, ALERT_CLOCK_UNSET, now_usec);
}

void tracker_warn_event(Tracker *t, const Frame *frame, const OmpEvent *event) {
        uint64_t now_usec = frame->boottime_usec;

        if (event->replayed)            /* long over */
                return;

        switch (event->code) {
        case OMP_EVENT_OVERPRESSURE:
                if (event->asserted)
                        warn_over(t, CLAMP(event->value, -INT16_MAX, INT16_MAX), now_usec);
                if (!t->session->tally.over) /* until values say so */
                        over_fell(t, now_usec);
                break;
        case OMP_EVENT_TIME_LIMIT:      /* its own */
                if (event->asserted)
                        tracker_warn_raise(t, ALERT_TIME_LIMIT, ALERT_WARNING, MAX(event->value, 0), now_usec);
                else if (!t->warnings.limit_told)
                        tracker_warn_clear(t, ALERT_TIME_LIMIT, now_usec);
                break;
        case OMP_EVENT_CARTRIDGE_IN:
        case OMP_EVENT_CARTRIDGE_OUT:   /* what is known was of another head */
                tracker_warn_clear(t, ALERT_HEAD_WORN, now_usec);
                tracker_warn_clear(t, ALERT_HEAD_REUSED, now_usec);
                break;
        case OMP_EVENT_CARTRIDGE_WORN:
                raise_or_clear(t, ALERT_HEAD_WORN, ALERT_WARNING, event->asserted, (int64_t) event->value * CARTRIDGE_THOUSAND,
                               now_usec);
                break;
        case OMP_EVENT_CARTRIDGE_REUSED:
                raise_or_clear(t, ALERT_HEAD_REUSED, ALERT_WARNING, event->asserted, event->value, now_usec);
                break;
        case OMP_EVENT_BATTERY_LOW:
                raise_or_clear(t, ALERT_BATTERY_LOW, ALERT_NOTICE, event->asserted, event->value, now_usec);
                break;
        case OMP_EVENT_BATTERY_CRITICAL:
                raise_or_clear(t, ALERT_BATTERY_LOW, ALERT_WARNING, event->asserted, event->value, now_usec);
                break;
        case OMP_EVENT_CLOCK_LOST:
                warn_clock(t, event->asserted, now_usec);
                break;
        default:                        /* a number off the air */
                break;
        }
}

void tracker_warn_status(Tracker *t, const Frame *frame, const OmpStatus *status) {
        const Session *s = t->session;

        if (s->has_feature && s->feature.bits & OMP_FEATURE_CLOCK)
                warn_clock(t, !(status->flags & OMP_STATUS_CLOCK_SET), frame->boottime_usec);
        if (status->cartridge_uses != OMP_U16_UNKNOWN)
                raise_or_clear(t, ALERT_HEAD_REUSED, ALERT_WARNING, status->cartridge_uses > 1, status->cartridge_uses,
                               frame->boottime_usec);
}

void tracker_warn_battery(Tracker *t, const Frame *frame, int percent) {
        if (percent < 0 || percent == t->warnings.battery)
                return;

        t->warnings.battery = percent;
        if (percent <= BATTERY_LOW)
                tracker_warn_raise(t, ALERT_BATTERY_LOW, percent <= BATTERY_CRITICAL ? ALERT_WARNING : ALERT_NOTICE, percent,
                                   frame->boottime_usec);
        else if (percent >= BATTERY_FINE)
                tracker_warn_clear(t, ALERT_BATTERY_LOW, frame->boottime_usec);
}
