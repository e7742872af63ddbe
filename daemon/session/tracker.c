/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "session/tracker-private.h"

static const OmpLive *last_live(const Tracker *t) {
        if (t->session)
                return t->session->tally.started ? &t->session->tally.last : NULL;

        return t->has_last ? &t->last : NULL;
}

/* Decodes, and places the packet in its stream. */
static void decode(Tracker *t, const Frame *frame, Packet *p) {
        if (t->translate) {
                /* Within a session those of its record alone: without a note of them there is none. */
                translate_packet(t->translate, frame, t->session ? &t->session->tally.limits : &t->settings.limits, p);
                return;
        }

        packet_decode(frame, p);
        if (p->numbered)
                p->arrival = omp_sequence_push(&t->sequence[p->stream], p->sequence, &p->missing);
}

/* A session knows of a stream what it has had of it, and nothing from before: its first packet sets the number, as it does when the frames
 * that were kept are all there is. */
static void place(Tracker *t, Packet *p) {
        if (t->translate)
                return;
        if (p->numbered && t->session && !t->begun[p->stream]) {
                t->begun[p->stream] = true;
                omp_sequence_reset(&t->sequence[p->stream]);
                p->arrival = omp_sequence_push(&t->sequence[p->stream], p->sequence, &p->missing);
        }

        p->resumed = p->arrival == OMP_ARRIVAL_FIRST || p->arrival == OMP_ARRIVAL_RESTART;
        packet_read_signs(p, last_live(t));
}

static void count(Tracker *t, const Packet *p) {
        if (p->error < 0)
                t->counters.malformed++;
        if (p->kind != PACKET_FEATURE)  /* read, not notified */
                t->counters.received++;
        if (p->error < 0)
                return;

        t->counters.lost += p->missing;
        if (p->arrival == OMP_ARRIVAL_LATE) {
                t->counters.late++;
                if (t->counters.lost > 0)
                        t->counters.lost--;
        } else if (p->arrival == OMP_ARRIVAL_DUPLICATE)
                t->counters.duplicates++;
}

void tracker_step(Tracker *t, MachineInput input, uint64_t now_usec) {
        SessionState old;

        if (session_move(t->session, input, now_usec, &old) > 0 && t->session->state != old && t->observer.state_changed)
                t->observer.state_changed(t, t->session, old, t->userdata);
        tracker_warn_settle(t);
}

static void tell_unknown(const char *what, void *userdata) {
        Tracker *t = userdata;

        if (t->observer.unknown)
                t->observer.unknown(t, t->session, what, t->userdata);
}

/* Everything that figures depend on begins here: what was before is known by the frames that are kept, or not at all. */
void tracker_open(Tracker *t, const SessionIdentity *identity, uint64_t boottime_usec, uint64_t realtime_usec) {
        t->session = session_new(identity, boottime_usec, realtime_usec);
        if (t->translate) {
                translate_reset(t->translate, boottime_usec);
                t->session->has_feature = translate_feature(t->translate, &t->session->feature);
                tally_set_feature(&t->session->tally, &t->session->feature);
        }
        t->tick = (OmpTick) { 0 };
        t->has_last = false;
        t->device_area = 0;
        for (int i = 0; i < _TALLY_STREAM_MAX; i++) {
                t->begun[i] = false;
                t->last_boottime_usec[i] = boottime_usec;
        }
        memset(t->told, 0, sizeof(t->told));
        opening_began(&t->opening);
        tracker_warn_begin(t);
        unknown_begin(&t->unknown, tell_unknown, t);
        if (t->observer.opened)
                t->observer.opened(t, t->session, t->userdata);
}

static MachineInput input_of_end(SessionEnd end) {
        switch (end) {
        case SESSION_END_DEVICE:
                return MACHINE_ON_DEVICE_END;
        case SESSION_END_IDLE:
                return MACHINE_ON_IDLE;
        case SESSION_END_WINDOW:
                return MACHINE_ON_WINDOW;
        case SESSION_END_DISCARDED:
                return MACHINE_ON_DISCARD;
        case SESSION_END_NONE:
        case SESSION_END_USER:
        case SESSION_END_SHUTDOWN:
        case _SESSION_END_MAX:
                break;
        }

        return MACHINE_ON_FINISH;
}

void tracker_end(Tracker *t, SessionEnd end, uint64_t boottime_usec, uint64_t realtime_usec) {
        Session *s = t->session;
        SessionState old;

        tracker_loss_end(t);
        s->end = end;
        s->end_boottime_usec = MAX(boottime_usec, s->start_boottime_usec);
        s->end_realtime_usec = realtime_usec;
        (void) session_move(s, input_of_end(end), s->end_boottime_usec, &old);

        opening_ended(&t->opening, end);
        t->session = NULL;
        t->ending = false;
        t->has_last = false;
        if (t->observer.ended)
                t->observer.ended(t, s, t->userdata);
        else
                session_free(s);
}

void tracker_end_as_told(Tracker *t) {
        tracker_end(t, SESSION_END_DEVICE, t->ending_boottime_usec, t->ending_realtime_usec);
}

static void begin_ending(Tracker *t, const Frame *frame) {
        t->ending = true;
        t->past_end = false;
        t->ending_boottime_usec = frame->boottime_usec;
        t->ending_realtime_usec = frame->realtime_usec;
        if (t->settings.settle_usec == 0)
                tracker_end_as_told(t);
        else if (t->observer.ending)
                t->observer.ending(t, t->session, t->userdata);
}

/* It says itself that it is no more of the session (also one that comes late or twice, and is no sign of anything else), or came behind one that
 * did: with those between missing the record would tell another story. So would one that comes late, but for numbers that the session itself
 * misses. */
static bool is_after_end(const Tracker *t, const Frame *frame, const Packet *p) {
        if (p->stream != TALLY_LIVE || p->error < 0)
                return false;
        if (t->past_end && !tracker_loss_awaits(t, frame, p))
                return true;
        if (p->kind != PACKET_LIVE)
                return false;

        return t->translate ? p->signs.knows_flag && !p->signs.flag : !(p->live.flags & OMP_LIVE_SESSION);
}

/* With or without a session: what is not a session's at all, and what the next one begins with. */
static void note_device(Tracker *t, const Frame *frame, const Packet *p) {
        int battery = t->translate ? translate_battery(t->translate) : -1;

        if (!packet_is_new(p))
                return;
        if (p->kind == PACKET_FEATURE)
                prelude_keep(&t->prelude, PRELUDE_FEATURE, frame);

        if (battery >= 0 && battery != t->battery && t->observer.battery) {
                t->battery = battery;
                t->observer.battery(t, (unsigned) battery, t->userdata);
        }
}

/* A device that begins and ends sessions all the time makes no more of them in a minute. */
static bool may_open(Tracker *t, const Frame *frame) {
        unsigned n = budget_count(&t->openings, frame->boottime_usec);

        if (n == OPENINGS_A_MINUTE + 1 && t->observer.too_often)
                t->observer.too_often(t, t->userdata);
        return n <= OPENINGS_A_MINUTE;
}

static void take_any(Tracker *t, const Frame *frame) {
        Packet p;
        bool over = false;

        if (frame->direction == FRAME_OF_LINK) {
                tracker_take_link(t, frame);
                return;
        }
        if (frame->direction != FRAME_FROM_DEVICE) {
                if (frame->direction == FRAME_TO_DEVICE && t->session && t->observer.frame) /* what it was asked: to be kept, no more */
                        t->observer.frame(t, t->session, frame, t->userdata);
                return;
        }

        decode(t, frame, &p);
        count(t, &p);
        place(t, &p);
        if (t->ending && packet_is_new(&p) && opening_begins_anew(&t->opening, &p.signs) &&
            budget_so_far(&t->openings, frame->boottime_usec) < OPENINGS_A_MINUTE) {
                tracker_end_as_told(t);
                place(t, &p);
        }
        opening_note(&t->opening, &p.signs);
        if (G_UNLIKELY(t->ending)) {
                if (is_after_end(t, frame, &p)) {
                        t->past_end = true;
                        tracker_pass(t, frame, &p);
                } else {
                        tracker_take_packet(t, frame, &p);
                        (void) tracker_follow_signs(t, frame, &p.signs); /* as a replay does, which knows no settling */
                        tracker_keep_state(t, frame, &p);
                }
        } else if (t->session) {
                tracker_take_packet(t, frame, &p);
                over = tracker_follow_signs(t, frame, &p.signs);
                tracker_keep_state(t, frame, &p);
        } else if (opening_opens(&t->opening, &p.signs, t->settings.auto_start) && may_open(t, frame)) {
                tracker_open_by_itself(t, frame);
                over = tracker_feed(t, frame);
                tracker_keep_state(t, frame, &p);
        } else {
                tracker_pass(t, frame, &p);
                if (p.signs.ends && t->observer.device_over)
                        t->observer.device_over(t, t->userdata);
        }

        note_device(t, frame, &p);
        if (over)                       /* after the frame that says so was kept */
                begin_ending(t, frame);
}

Tracker *tracker_new(const TrackerSettings *settings, const TrackerObserver *observer, void *userdata) {
        Tracker *t = g_new0(Tracker, 1);

        t->settings = *settings;
        t->observer = *observer;
        t->userdata = userdata;
        t->battery = -1;
        prelude_init(&t->prelude, PRELUDE_CHANNEL);
        return t;
}

Tracker *tracker_free(Tracker *t) {
        if (!t)
                return NULL;

        session_free(t->session);
        prelude_clear(&t->prelude);
        lead_in_clear(&t->lead_in);
        translate_free(t->translate);
        g_free(t);
        return NULL;
}

void tracker_set_settings(Tracker *t, const TrackerSettings *settings) {
        t->settings = *settings;
}

int tracker_set_vendor(Tracker *t, const VendorProfile *profile) {
        if ((t->translate ? translate_profile(t->translate) : NULL) == profile)
                return 0;
        if (t->session)
                return -EBUSY;

        t->translate = translate_free(t->translate);
        t->has_last = false;
        t->opening = (Opening) { 0 };
        if (profile)
                t->translate = translate_new(profile);
        prelude_init(&t->prelude, PRELUDE_CHANNEL + (profile ? (unsigned) profile->n_chars : 0));
        lead_in_clear(&t->lead_in);
        return 0;
}

void tracker_frame(Tracker *t, const Frame *frame) {
        int over = tracker_take_next(t, frame);

        if (over < 0) {
                take_any(t, frame);
                return;
        }

        t->counters.received++;
        if (over)
                begin_ending(t, frame);
}

bool tracker_feed(Tracker *t, const Frame *frame) {
        Packet p;
        int over;

        if (frame->direction == FRAME_OF_LINK) {
                tracker_take_link(t, frame);
                return false;
        }
        if (!t->session)
                return false;
        if (frame->direction == FRAME_OF_HOST) {
                tracker_take_note(t, frame);
                return false;
        }
        if (frame->direction != FRAME_FROM_DEVICE)
                return false;

        over = tracker_take_next(t, frame);
        if (over >= 0)
                return over;

        decode(t, frame, &p);
        place(t, &p);
        opening_note(&t->opening, &p.signs);
        tracker_take_packet(t, frame, &p);
        return tracker_follow_signs(t, frame, &p.signs);
}

void tracker_feed_end(Tracker *t) {
        if (t->session)
                tracker_loss_end(t);
}

void tracker_feed_until(Tracker *t, uint64_t boottime_usec) {
        if (t->session)
                tracker_warn_until(t, boottime_usec);
}

static uint64_t last_contact(const Session *s) {
        return MAX(s->last_contact_usec, s->last_use_usec);
}

/* When it ends by waiting, or as the device has said; UINT64_MAX: not as it is. */
static uint64_t end_deadline(const Tracker *t) {
        const Session *s = t->session;

        if (t->ending)
                return t->ending_boottime_usec + t->settings.settle_usec;

        switch (s->state) {
        case SESSION_RUNNING:
                return s->used ? last_contact(s) + t->settings.idle_timeout_usec : s->last_use_usec + t->settings.window_usec;
        case SESSION_PAUSED:
                if (s->pause == NOTE_PAUSE_IDLE)
                        return last_contact(s) + t->settings.idle_timeout_usec;
                return s->last_use_usec + t->settings.window_usec;
        case SESSION_OPEN:
                return s->last_use_usec + t->settings.window_usec;
        case SESSION_INTERRUPTED:
                return t->last_boottime_usec[TALLY_LINK] + t->settings.window_usec;
        case SESSION_FINISHED:
        case _SESSION_STATE_MAX:
                break;
        }

        return UINT64_MAX;
}

/* When it is paused by itself: not before it is used (that waits for the window), and not where the device does not tell contact. */
static uint64_t pause_deadline(const Tracker *t) {
        const Session *s = t->session;

        if (t->ending || s->state != SESSION_RUNNING || !s->used || t->settings.pause_after_usec == 0 || !tally_has_contact(&s->tally))
                return UINT64_MAX;

        return last_contact(s) + t->settings.pause_after_usec;
}

/* What ends by waiting ended with its last contact: the wait is not a part of it. */
static void end_by_waiting(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        bool window = t->session->state == SESSION_INTERRUPTED;
        uint64_t end_usec = window ? t->last_boottime_usec[TALLY_LINK] : last_contact(t->session);

        tracker_end(t, window ? SESSION_END_WINDOW : SESSION_END_IDLE, end_usec, realtime_usec - (now_usec - end_usec));
}

void tracker_tick(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        uint64_t end_usec;

        if (!t->session || now_usec < tracker_deadline(t))
                return;

        end_usec = end_deadline(t);
        tracker_warn_until(t, MIN(now_usec, end_usec)); /* however late it is */
        if (now_usec >= end_usec) {
                if (t->ending)
                        tracker_end_as_told(t);
                else
                        end_by_waiting(t, now_usec, realtime_usec);
        } else if (now_usec >= pause_deadline(t))
                tracker_note(t, &(Note) { .kind = NOTE_PAUSE, .number = NOTE_PAUSE_IDLE }, now_usec, realtime_usec);
}

uint64_t tracker_deadline(const Tracker *t) {
        if (!t->session)
                return UINT64_MAX;

        return MIN(MIN(end_deadline(t), pause_deadline(t)), tracker_warn_deadline(t));
}

Session *tracker_session(const Tracker *t) {
        return t->session;
}

const TrackerCounters *tracker_counters(const Tracker *t) {
        return &t->counters;
}

int tracker_finish(Tracker *t, SessionEnd end, uint64_t now_usec, uint64_t realtime_usec) {
        if (!t->session)
                return -ENOENT;

        if (t->ending && end != SESSION_END_DISCARDED)
                tracker_end_as_told(t);
        else
                tracker_end(t, end, now_usec, realtime_usec);
        return 0;
}
