/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "needled/omp-words.h"
#include "session/tracker-private.h"

/* A value that was held up on its way says nothing about where the device's clock will be: the least held up of them does. */
static void settle_reference(Tracker *t) {
        uint64_t boottime_usec = t->session && t->tick.started ? device_clock_boottime(&t->session->clock, t->tick.tick) : 0;

        if (boottime_usec > 0 && boottime_usec < t->tick.boottime_usec)
                t->tick.boottime_usec = boottime_usec;
}

uint64_t tracker_take_tick(Tracker *t, const Frame *frame, const Packet *p, bool *ret_epoch) {
        uint64_t tick;

        *ret_epoch = false;
        if (t->translate) {             /* the host's clock is all there is, from the session's beginning: no tick, no reboot by it */
                uint64_t start_usec = t->session->start_boottime_usec;

                t->tick.tick = MAX(t->tick.tick, (MAX(frame->boottime_usec, start_usec) - start_usec) / OMP_TICK_USEC);
                return t->tick.tick;
        }

        if (p->resumed) {
                settle_reference(t);
                *ret_epoch = omp_tick_extend(&t->tick, p->live.tick, frame->boottime_usec, &tick);
        } else
                tick = omp_tick_continue(&t->tick, p->live.tick, frame->boottime_usec);

        if (p->arrival == OMP_ARRIVAL_LATE) {
                uint64_t behind_usec = t->tick.tick > tick ? (t->tick.tick - tick) * OMP_TICK_USEC : 0;

                t->counters.late_max_usec = MAX(t->counters.late_max_usec, behind_usec);
        }

        return tick;
}

/* What a vendor device says holds until it says something else: up to now it was as before. */
static void hold_until(Tally *t, const Packet *p, uint64_t tick) {
        OmpLive before = t->last;

        if (t->started && !p->resumed && (before.flags ^ p->live.flags) & (OMP_LIVE_CONTACT_MASK | OMP_LIVE_OVERPRESSURE))
                (void) tally_live(t, &before, tick, false, p->missing, false);
}

bool tracker_settle_area(Tracker *t) {
        Session *s = t->session;
        uint8_t area = t->device_area ?: s->area_set, known = omp_name(OMP_WORDS_AREA, area) ? area : 0;

        tally_set_area(&s->tally, area);
        if (known == s->area_now)
                return false;

        s->area_now = known;
        tracker_warn_area(t);
        return true;
}

static void take_area(Tracker *t, uint8_t area, uint64_t now_usec) {
        t->device_area = area;
        if (tracker_settle_area(t) && tracker_warn_may_tell(t, TOLD_AREA, now_usec) && t->observer.area_changed)
                t->observer.area_changed(t, t->session, t->userdata);
}

static inline bool has_strokes(const Session *s) {
        return !s->has_feature || s->feature.bits & OMP_FEATURE_STROKES;
}

bool tracker_stroke_rate(const Session *s, const OmpLive *live, double *ret) {
        *ret = tally_rate(&s->tally);
        return s->tally.has_rate && (has_strokes(s) || live->flags & OMP_LIVE_RATE); /* as in the figures */
}

void tracker_live(const Session *s, const OmpLive *live, TrackerLive *ret) {
        *ret = (TrackerLive) {
                .live = live,
                .session_strokes = tally_strokes(&s->tally),
                .has_strokes = has_strokes(s),
        };
        ret->has_rate = tracker_stroke_rate(s, live, &ret->stroke_rate);
}

/* The hand is at work: in contact, as far as the device can tell that, else by what it moves. */
static inline bool is_at_work(const Tally *t, const OmpLive *live) {
        if (live->flags & OMP_LIVE_CONTACT_NO) /* the bit that stands in "no" and in "yes" */
                return (live->flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES;
        if (live->force_mean_mn != OMP_FORCE_UNKNOWN)
                return live->force_mean_mn >= tally_contact_mn(&t->limits, false);

        return live->flags & OMP_LIVE_MOTOR || (t->started && live->strokes != t->last.strokes);
}

/* One that is not late. In both places where it is called: what is constant there costs nothing. */
G_ALWAYS_INLINE static inline void take_value(Tracker *t, const Frame *frame, const OmpLive *live, uint64_t tick, bool epoch, unsigned missing,
                              bool resumed) {
        Session *s = t->session;
        uint8_t area = live->flags & OMP_LIVE_AREA ? live->area : 0;

        if (G_UNLIKELY(area != t->device_area))
                take_area(t, area, frame->boottime_usec);
        if (is_at_work(&s->tally, live))
                s->last_contact_usec = frame->boottime_usec;

        (void) tally_live(&s->tally, live, tick, epoch, missing, resumed);
        if (t->observer.live)
                t->observer.live(t, s, frame, live, t->userdata);
        tracker_warn_live(t, frame, live);
}

static void take_live(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        bool epoch, jumped = false;
        uint64_t tick = tracker_take_tick(t, frame, p, &epoch);

        if (p->arrival == OMP_ARRIVAL_LATE) {
                tally_late_live(&s->tally, &p->live);
                return;
        }

        if (t->translate)
                hold_until(&s->tally, p, tick);
        else {
                if (epoch)
                        device_clock_reset(&s->clock);
                jumped = !device_clock_push(&s->clock, tick, frame->boottime_usec);
        }
        take_value(t, frame, &p->live, tick, epoch && s->tally.started, p->missing, p->resumed || jumped);
}

static void take_feature(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;

        s->has_feature = true;
        s->feature = p->feature;
        s->feature_size = frame->size;
        memcpy(s->feature_data, frame->data, frame->size);
        tally_set_feature(&s->tally, &s->feature);
        tracker_warn_limits(t, frame->boottime_usec);
}

/* "The session id of Status and the record number are one number": the first one, of a session that by hand has become several of the
 * device's. */
static void note_record(Session *s, uint32_t number) {
        if (s->record == 0)
                s->record = number;
}

static void take_event(Tracker *t, const Frame *frame, const OmpEvent *event) {
        Session *s = t->session;

        if (event->code == OMP_EVENT_SESSION_START && event->asserted && !event->replayed)
                note_record(s, (uint32_t) event->value);

        if (event->code == OMP_EVENT_OVERPRESSURE && event->asserted && !event->replayed && t->tick.started) {
                OmpTick reference = t->tick; /* only values move it */

                tally_over_event(&s->tally, omp_tick_continue(&reference, event->tick, frame->boottime_usec));
        }
        if (tracker_warn_may_tell(t, TOLD_EVENT, frame->boottime_usec) && t->observer.event)
                t->observer.event(t, s, frame, event, t->userdata);
        tracker_warn_event(t, frame, event);
}

static void take_translated(Tracker *t, const Frame *frame) {
        Session *s = t->session;

        translate_unknown(t->translate, &t->unknown);
        if (translate_feature(t->translate, &s->feature)) {
                tally_set_feature(&s->tally, &s->feature);
                tracker_warn_limits(t, frame->boottime_usec);
        }
        tracker_warn_battery(t, frame, translate_battery(t->translate));
}

/* Of a session that nobody followed. To one that was, it is something to be kept. */
static void take_stored(Tracker *t, const Frame *frame) {
        Session *s = t->session;

        if (s->followed || s->is_stored || t->translate || omp_record_decode(frame->data, frame->size, &s->stored) < 0)
                return;

        s->is_stored = true;
        s->record = s->stored.number;
        session_begin_use(s, s->start_boottime_usec);
        if (!(s->stored.flags & OMP_RECORD_SYNCED))
                tracker_warn_raise(t, ALERT_CLOCK_UNSET, ALERT_NOTICE, ALERT_VALUE_NONE, frame->boottime_usec);
}

void tracker_take_packet(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;

        tracker_warn_until(t, frame->boottime_usec);
        if (G_UNLIKELY(p->kind == PACKET_OTHER) && frame->channel == OMP_CHAR_SESSION_DATA)
                take_stored(t, frame);
        else
                s->followed = true;
        if (t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);
        unknown_look(&t->unknown, frame, p);
        if (p->error < 0)
                return;
        if (t->translate)
                take_translated(t, frame);
        if (p->numbered)
                tracker_loss_take(t, frame, p);

        if (p->arrival != OMP_ARRIVAL_DUPLICATE) {
                if (p->kind == PACKET_FEATURE)
                        take_feature(t, frame, p);
                else if (p->kind == PACKET_LIVE)
                        take_live(t, frame, p);
                else if (p->kind == PACKET_WAVEFORM && t->observer.waveform)
                        t->observer.waveform(t, s, frame, &p->waveform, t->userdata);
                else if (p->kind == PACKET_EVENT)
                        take_event(t, frame, &p->event);
                else if (p->kind == PACKET_STATUS) {
                        if (p->status.flags & OMP_STATUS_SESSION)
                                note_record(s, p->status.session_id);
                        tracker_warn_status(t, frame, &p->status);
                }
        }

        t->last_boottime_usec[p->stream] = frame->boottime_usec;
}

static inline bool follow_signs(Tracker *t, const Frame *frame, const Signs *signs) {
        Session *s = t->session;
        bool used = signs->use || signs->starts;

        if (!s->used && (used || signs->flag)) {
                session_begin_use(s, frame->boottime_usec);
                tracker_warn_settle(t);
        }
        if (used) {
                s->last_use_usec = frame->boottime_usec;
                if (G_UNLIKELY(s->stages_set) && !(s->stages_set & 1u << STAGE_CLEANSE))
                        s->not_cleansed = true;
                tracker_move(t, MACHINE_ON_USE, frame->boottime_usec);
        } else if (signs->flag)
                tracker_move(t, MACHINE_ON_FLAG, frame->boottime_usec);

        return opening_is_over(&t->opening, signs);
}

bool tracker_follow_signs(Tracker *t, const Frame *frame, const Signs *signs) {
        return follow_signs(t, frame, signs);
}

int tracker_take_next(Tracker *t, const Frame *frame) {
        Session *s = t->session;
        bool goes_on;
        uint64_t tick;
        OmpLive live;
        Signs signs;

        if (!s || t->translate || t->ending || !t->begun[TALLY_LIVE] || frame->direction != FRAME_FROM_DEVICE ||
            frame->channel != OMP_CHAR_LIVE)
                return -1;
        if (omp_live_decode(frame->data, frame->size, &live) < 0 || unknown_may_be_in(&t->unknown, &live) ||
            !omp_sequence_push_next(&t->sequence[TALLY_LIVE], live.sequence))
                return -1;

        signs = signs_of_live(&live, &s->tally.last);
        opening_note(&t->opening, &signs);
        tracker_warn_until(t, frame->boottime_usec);
        if (t->observer.frame)
                t->observer.frame(t, s, frame, t->userdata);

        tick = omp_tick_continue(&t->tick, live.tick, frame->boottime_usec);
        goes_on = device_clock_push(&s->clock, tick, frame->boottime_usec);
        take_value(t, frame, &live, tick, false, 0, !goes_on);
        t->last_boottime_usec[TALLY_LIVE] = frame->boottime_usec;
        return follow_signs(t, frame, &signs);
}
