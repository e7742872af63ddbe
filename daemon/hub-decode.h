/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Stored sessions read again: hub-decode.c is the store's StoreDecoder, with the hub as its userdata; hub-decode-text.c what it says of frames
 * and events in exports. */

#include "hub-private.h"
#include "needled/omp-records.h"
#include "profiles/channels.h"
#include "session/replay.h"

#define DECODING_SECONDS 86400u         /* so long it is known when values came live */
#define TRACE_UNIT_USEC 10000           /* of a trace's period */

typedef struct Decoding {
        Replay *replay;
        const Profile *profile;
        uint64_t start_boottime_usec;
        bool mapped;                    /* the profile's characteristics are not those of then */
        uint8_t map[CHANNELS_MAX];

        uint8_t followed[DECODING_SECONDS / 8]; /* a bit for each second of the session: a value came live */
        StoreSample sample;             /* of the newest frame, like the four below */
        bool is_live, is_waveform, is_event;
        size_t n_stored;                /* entries of `trace` that nobody saw live */
        StoreTimedSample stored[OMP_TRACE_ENTRIES_MAX];
        OmpTrace trace;                 /* the newest that has come; n is 0: none */
        int64_t trace_usec;             /* session time of its first entry, which may lie before the session */
        int64_t trace_strokes;          /* of all entries before it; -1: not all of them have come */
        OmpWaveform waveform;           /* with is_waveform */
        OmpEvent event;                 /* with is_event */
        bool has_live;                  /* a value has come since the link did something: */
        uint64_t live_boottime_usec;    /* when */
        TrackerLive live;               /* its `live` is omp_live */
        OmpLive omp_live;

        uint64_t frame_boottime_usec, frame_realtime_usec; /* of the newest */
        GArray *events, *gaps;          /* StoreEvent, StoreGap: what it made happen */
} Decoding;

Frame decoding_mapped(const Decoding *decoding, const Frame *frame);
SessionIdentity decoding_identity(const StoreSession *row, const char *device_path); /* borrows from both */
/* Of a stored session, by the profile that it has today, which numbers the channels of then like *ret_map. NULL: nobody has that profile. On the
 * store's reader. */
Replay *decoding_replay(const Hub *hub, const StoreSession *row, const TrackerObserver *observer, void *observer_userdata,
                        uint8_t ret_map[static CHANNELS_MAX], bool *ret_mapped);
const Session *decoding_session(const void *decoding); /* as it is after the frames that have come */

/* hub-decode-text.c */
#define DECODING_CSV_HEAD                                                                                                  \
        "time_s,wall_clock,direction,channel,force_mN,force_peak_mN,contact,overpressure,strokes,stroke_rate_per_min,"    \
        "depth_um,area,stage,event,event_value,waveform_period_us,waveform_mN,text"
size_t decoding_csv_row(void *decoding, const Frame *frame, char *buf);
size_t decoding_csv_moment(void *decoding, uint64_t boottime_usec, char *buf);
size_t decoding_event_json(const StoreEvent *event, char *buf);

/* hub-decode-events.c */
#define DECODING_HAPPENINGS_MAX 256u    /* of one frame */
void decoding_happenings_init(Decoding *decoding);
void decoding_happenings_done(Decoding *decoding);
void decoding_happenings_begin(Decoding *decoding, const Frame *frame);
void decoding_add_device_event(Decoding *decoding, const Session *session, const OmpEvent *event);
void decoding_on_state_changed(Tracker *tracker, Session *session, SessionState old, void *decoding);
void decoding_on_stage_changed(Tracker *tracker, Session *session, void *decoding);
void decoding_on_area_changed(Tracker *tracker, Session *session, void *decoding);
void decoding_on_mark(Tracker *tracker, Session *session, const Frame *frame, const char *text, void *decoding);
void decoding_on_alert(Tracker *tracker, Session *session, const Alert *alert, void *decoding);
void decoding_on_gap(Tracker *tracker, Session *session, const SessionGap *gap, void *decoding);
size_t decoding_events(void *decoding, const StoreEvent **ret);
size_t decoding_gaps(void *decoding, const StoreGap **ret);
