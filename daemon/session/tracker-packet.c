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

void tracker_settle_area(Tracker *t) {
        Session *s = t->session;
        uint8_t area = t->device_area ?: s->area_set, known = omp_name(OMP_WORDS_AREA, area) ? area : 0;

        tally_set_area(&s->tally, area);
        if (known == s->area_now)
                return;

        s->area_now = known;
        tracker_warn_area(t);
        if (t->observer.area_changed)
                t->observer.area_changed(t, s, t->userdata);
}

static void tell_live(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        bool has_strokes = !s->has_feature || s->feature.bits & OMP_FEATURE_STROKES;
        TrackerLive live = {
                .live = &p->live,
                .session_strokes = tally_strokes(&s->tally),
                .stroke_rate = s->tally.rate_per_min,
                .has_strokes = has_strokes,
                .has_rate = s->tally.has_rate && (has_strokes || p->live.flags & OMP_LIVE_RATE), /* as in the figures */
        };

        t->observer.live(t, s, frame, &live, t->userdata);
}

static void take_live(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        uint8_t area = p->live.flags & OMP_LIVE_AREA ? p->live.area : 0;
        bool epoch = false, jumped = false, next = !t->translate && p->arrival == OMP_ARRIVAL_NEXT;
        uint64_t tick = next ? omp_tick_continue(&t->tick, p->live.tick, frame->boottime_usec) : tracker_take_tick(t, frame, p, &epoch);

        if (p->arrival == OMP_ARRIVAL_LATE) {
                tally_late_live(&s->tally, &p->live);
                return;
        }

        if (t->translate)
                hold_until(&s->tally, p, tick);
        else {
                if (G_UNLIKELY(epoch))
                        device_clock_reset(&s->clock);
                jumped = !device_clock_push(&s->clock, tick, frame->boottime_usec);
        }
        if (G_UNLIKELY(area != t->device_area)) {
                t->device_area = area;
                tracker_settle_area(t);
        }
        if ((p->live.flags & OMP_LIVE_CONTACT_MASK) == OMP_LIVE_CONTACT_YES)
                s->last_contact_usec = frame->boottime_usec;

        (void) tally_live(&s->tally, &p->live, tick, epoch && s->tally.started, p->missing,
                          p->resumed || jumped);
        if (t->observer.live)
                tell_live(t, frame, p);
        tracker_warn_live(t, frame, &p->live);
}

/* Loss within a stream, as a gap from its last packet to this one. */
static void take_loss(Tracker *t, const Frame *frame, const Packet *p) {
        Session *s = t->session;
        SessionGap gap;

        if (p->arrival == OMP_ARRIVAL_LATE)
                tally_late(&s->tally, p->stream);
        else
                s->tally.followed[p->stream] = true;

        if (p->arrival != OMP_ARRIVAL_GAP && p->arrival != OMP_ARRIVAL_RESTART)
                return;

        gap = (SessionGap) {
                .from_usec = session_time(s, t->last_boottime_usec[p->stream]),
                .to_usec = session_time(s, frame->boottime_usec),
                .stream = p->stream,
                .lost = p->missing,
        };
        tracker_tell_gap(t, &gap);
        if (p->missing > 0)
                tracker_warn_lost(t, frame, p->missing);
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
        if (t->observer.event)
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
                take_loss(t, frame, p);

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
