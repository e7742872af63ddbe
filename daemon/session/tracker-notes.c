/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "needled/omp-words.h"
#include "session/tracker-private.h"

static void take_pause(Tracker *t, const Note *note, uint64_t now_usec) {
        Session *s = t->session;
        MachineInput input = note->number == NOTE_PAUSE_IDLE ? MACHINE_ON_CONTACT_IDLE : MACHINE_ON_PAUSE;

        if (s->state == SESSION_PAUSED && note->number == NOTE_PAUSE_BY_HAND) { /* it had begun by itself */
                s->pause = NOTE_PAUSE_BY_HAND;
                s->last_use_usec = now_usec;
                return;
        }
        if (machine_step(s->state, input) != MACHINE_PAUSED)
                return;

        s->pause = (NotePause) note->number;
        if (s->pause == NOTE_PAUSE_BY_HAND)
                s->last_use_usec = now_usec; /* whoever takes a break means to come back */
        tracker_move(t, input, now_usec);
}

static void take_stage(Tracker *t, Stage stage, uint64_t now_usec) {
        Session *s = t->session;

        s->stage_usec[s->stage] = session_stage_usec(s, s->stage, now_usec);
        s->stage_from_usec = session_time(s, now_usec);
        s->stage = stage;
        if (stage != STAGE_NONE)
                s->stages_set |= (uint8_t) (1u << stage);
        if (stage == STAGE_NEEDLING && !(s->stages_set & 1u << STAGE_CLEANSE))
                s->not_cleansed = true;
        if (t->observer.stage_changed)
                t->observer.stage_changed(t, s, t->userdata);
}

static void take_alert(Tracker *t, const Note *note, uint64_t now_usec) {
        if (note->number >= _ALERT_CODE_MAX || note->level > ALERT_ALARM) /* of a later version */
                return;

        if (note->level == 0)
                tracker_warn_clear(t, (AlertCode) note->number, now_usec);
        else
                tracker_warn_raise(t, (AlertCode) note->number, (AlertLevel) note->level, note->value, now_usec);
}

static void act(Tracker *t, const Frame *frame, const Note *note) {
        Session *s = t->session;
        uint64_t now_usec = frame->boottime_usec;

        switch (note->kind) {
        case NOTE_LIMITS:
                tally_set_limits(&s->tally, &note->limits);
                tracker_warn_limits(t, now_usec);
                break;
        case NOTE_PAUSE:
                take_pause(t, note, now_usec);
                break;
        case NOTE_RESUME:
                s->last_use_usec = now_usec;
                tracker_move(t, MACHINE_ON_UNPAUSE, now_usec);
                break;
        case NOTE_STAGE:
                take_stage(t, (Stage) note->number, now_usec);
                break;
        case NOTE_AREA:
                s->area_set = note->number;
                if (tracker_settle_area(t) && t->observer.area_changed)
                        t->observer.area_changed(t, s, t->userdata);
                break;
        case NOTE_MARK:
                if (t->observer.mark)
                        t->observer.mark(t, s, frame, note->text, t->userdata);
                break;
        case NOTE_ALERT:
                take_alert(t, note, now_usec);
                break;
        case _NOTE_KIND_MAX:
                break;
        }
}

/* What a later version noted is kept all the same. */
void tracker_take_note(Tracker *t, const Frame *frame) {
        Note note;

        tracker_warn_until(t, frame->boottime_usec);
        if (t->observer.frame)
                t->observer.frame(t, t->session, frame, t->userdata);
        if (note_decode(frame->data, frame->size, &note) >= 0)
                act(t, frame, &note);
}

static int try_note(Tracker *t, const Note *note, uint64_t now_usec, uint64_t realtime_usec) {
        uint8_t buf[NOTE_SIZE_MAX];
        int n = note_encode(note, buf);

        if (n < 0)
                return n;

        tracker_take_note(t, &(Frame) {
                .boottime_usec = t->beginning ? t->session->start_boottime_usec : now_usec,
                .realtime_usec = t->beginning ? t->session->start_realtime_usec : realtime_usec,
                .direction = FRAME_OF_HOST,
                .size = (uint16_t) n,
                .data = buf,
        });
        return 0;
}

void tracker_note(Tracker *t, const Note *note, uint64_t now_usec, uint64_t realtime_usec) {
        (void) try_note(t, note, now_usec, realtime_usec);
}

void tracker_note_limits(Tracker *t, const NoteLimits *limits, uint64_t now_usec, uint64_t realtime_usec) {
        static const NoteLimits none;
        const Tally *tally = &t->session->tally;

        if (memcmp(limits, tally->has_limits ? &tally->limits : &none, sizeof(none)) != 0)
                tracker_note(t, &(Note) { .kind = NOTE_LIMITS, .limits = *limits }, now_usec, realtime_usec);
}

/* By hand it is another pause: who says so means to come back. */
static bool idle_pause(const Session *s) {
        return s->state == SESSION_PAUSED && s->pause == NOTE_PAUSE_IDLE;
}

static int pause_or_resume(Tracker *t, NoteKind kind, MachineInput input, uint64_t now_usec, uint64_t realtime_usec) {
        if (!t->session)
                return -ENOENT;
        if (machine_step(t->session->state, input) == MACHINE_REFUSED && !(kind == NOTE_PAUSE && idle_pause(t->session)))
                return -EALREADY;

        return try_note(t, &(Note) { .kind = kind }, now_usec, realtime_usec);
}

int tracker_pause(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        return pause_or_resume(t, NOTE_PAUSE, MACHINE_ON_PAUSE, now_usec, realtime_usec);
}

int tracker_unpause(Tracker *t, uint64_t now_usec, uint64_t realtime_usec) {
        return pause_or_resume(t, NOTE_RESUME, MACHINE_ON_UNPAUSE, now_usec, realtime_usec);
}

int tracker_set_stage(Tracker *t, Stage stage, uint64_t now_usec, uint64_t realtime_usec) {
        if ((unsigned) stage >= _STAGE_MAX)
                return -EINVAL;
        if (!t->session)
                return -ENOENT;
        if (stage == t->session->stage)
                return -EALREADY;

        return try_note(t, &(Note) { .kind = NOTE_STAGE, .number = (uint8_t) stage }, now_usec, realtime_usec);
}

int tracker_set_area(Tracker *t, uint8_t area, uint64_t now_usec, uint64_t realtime_usec) {
        if (!omp_name(OMP_WORDS_AREA, area))
                return -EINVAL;
        if (!t->session)
                return -ENOENT;
        if (area == t->session->area_set)
                return -EALREADY;

        return try_note(t, &(Note) { .kind = NOTE_AREA, .number = area }, now_usec, realtime_usec);
}

int tracker_mark(Tracker *t, const char *text, uint64_t now_usec, uint64_t realtime_usec) {
        Note note = { .kind = NOTE_MARK };

        if (g_strlcpy(note.text, text, sizeof(note.text)) >= sizeof(note.text))
                return -EINVAL;
        if (!t->session)
                return -ENOENT;

        return try_note(t, &note, now_usec, realtime_usec);
}

int tracker_alert(Tracker *t, AlertCode code, AlertLevel level, int32_t value, uint64_t now_usec, uint64_t realtime_usec) {
        Note note = { .kind = NOTE_ALERT, .number = (uint8_t) code, .level = (uint8_t) level, .value = value };

        if (!t->session)
                return -ENOENT;
        if (level == 0 && !alerts_stands(&t->session->alerts, code))
                return -EALREADY;

        return try_note(t, &note, now_usec, realtime_usec);
}

void tracker_set_limits(Tracker *t, const NoteLimits *limits, uint64_t now_usec, uint64_t realtime_usec) {
        t->settings.limits = *limits;
        if (t->session)
                tracker_note_limits(t, limits, now_usec, realtime_usec);
}
