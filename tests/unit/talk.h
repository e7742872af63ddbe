/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A conversation with a tracker: frames in, facts out as words in `told`. Whenever a session ends, its kept frames are replayed, and must
 * give the figures that it ended with. */

#include <glib.h>

#include "session/replay.h"
#include "session/tracker.h"

#define SEC UINT64_C(1000000)
#define REALTIME_OFFSET (UINT64_C(1700000000) * SEC)

#define FLAG OMP_LIVE_SESSION
#define MOTOR OMP_LIVE_MOTOR
#define CONTACT OMP_LIVE_CONTACT_YES
#define LIFTED OMP_LIVE_CONTACT_NO

typedef struct Talk {
        Tracker *tracker;
        const VendorProfile *vendor;    /* NULL: frames of OMP */
        GString *told;
        GPtrArray *kept;                /* frames as they were kept, each with its octets behind it */
        unsigned kept_from;             /* the first of this session */
        bool partial;                   /* the session was taken up: its first frames are not in `kept` */
        unsigned replayed;              /* sessions that were replayed at their end */
        Session *ended;
        Figures figures;                /* of the ended one */
        uint64_t now_usec;
        uint64_t held_up_usec;          /* how late frames are read */
        uint16_t live_sequence, event_sequence;
        uint32_t strokes;
        uint64_t booted_usec;           /* the device: its tick 0 */
} Talk;

extern const TrackerSettings talk_settings;
extern const TrackerObserver talk_observer;
extern const NoteLimits pen_limits;

Talk *talk_new(const TrackerSettings *with); /* NULL: talk_settings */
/* With these limits (NULL: none), paused by itself after so long (0: never), and the link up. */
Talk *talk_with(const NoteLimits *hold, uint64_t pause_after_usec);
Talk *talk_new_vendor(const VendorProfile *vendor);
void talk_free(Talk *talk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Talk, talk_free)

void raw(Talk *talk, uint8_t channel, uint8_t direction, const uint8_t *data, size_t size);
void link_frame(Talk *talk, FrameLink what);
/* One live value, 100 ms after the last, `grown` strokes later. */
void live(Talk *talk, unsigned flags, unsigned grown);
void use(Talk *talk, unsigned intervals, unsigned flags); /* in contact, with the motor */
void press(Talk *talk, unsigned intervals, int16_t force_mn); /* the same, so hard, with peaks 100 mN harder */
void lift(Talk *talk, unsigned seconds); /* values without contact, with ticks between */
void event(Talk *talk, uint8_t code, bool replayed);
void status(Talk *talk, bool session);
void feature(Talk *talk, uint32_t bits, uint16_t needles);
void tick(Talk *talk);

/* What people and the daemon say, now. */
void begin_by_hand(Talk *talk);
int pause_by_hand(Talk *talk);
int unpause(Talk *talk);
int set_stage(Talk *talk, Stage stage);
int set_area(Talk *talk, const char *name);
int mark(Talk *talk, const char *text);
int alert(Talk *talk, AlertCode code, AlertLevel level, int32_t value);
void limits(Talk *talk, const NoteLimits *hold);

const Session *session(const Talk *talk); /* that is live */
int64_t figure(const Talk *talk, Figure id); /* of it, now; -1: absent */
void stop(Talk *talk); /* by hand; what was told is forgotten */

/* What was told since the last time. */
void told(Talk *talk, const char *expected);
void keep(Talk *talk, const Frame *frame); /* as if the tracker had */
/* The figures of the session from its kept frames alone. */
void replay(Talk *talk, uint64_t start_boottime_usec, uint64_t end_boottime_usec, Figures *ret);
