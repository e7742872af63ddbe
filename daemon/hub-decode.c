/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hub-decode.h"
#include "profiles/channels.h"

/* Stored sessions read again, by the code that follows live ones. All of it runs on the store's reader, but for the freeing: a decoding has a
 * tracker of its own, and what it borrows of the hub, the profiles, does not change after they were loaded. */

SessionIdentity decoding_identity(const StoreSession *row, const char *device_path) {
        SessionIdentity identity = {
                .id = row->id,
                .utc_offset_sec = row->utc_offset_sec,
                .owner = row->owner,
                .owner_name = row->owner_name,
                .device_path = device_path,
                .device_address = row->device_address,
                .device_alias = row->device_alias,
                .profile = row->profile,
                .subject = row->subject,
                .area = row->area,
                .product = row->product,
                .note = row->note,
                .acknowledged = row->acknowledged,
        };

        g_strlcpy(identity.uuid, row->uuid, sizeof(identity.uuid));
        g_strlcpy(identity.boot_id, row->boot_id, sizeof(identity.boot_id));
        return identity;
}

/* ---- What the frame says ---- */

static void on_live(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata) {
        Decoding *d = userdata;
        uint64_t second = (MAX(frame->boottime_usec, d->start_boottime_usec) - d->start_boottime_usec) / 1000000u;

        hub_sample(session, live, &d->sample);
        if (second < DECODING_SECONDS)
                d->followed[second / 8] |= (uint8_t) (1u << second % 8);
        d->has_live = d->is_live = true;
        d->live_boottime_usec = frame->boottime_usec;
        d->omp_live = *live;
        tracker_live(session, &d->omp_live, &d->live);
}

static void on_waveform(Tracker *tracker, Session *session, const Frame *frame, const OmpWaveform *waveform, void *userdata) {
        Decoding *d = userdata;

        d->is_waveform = true;
        d->waveform = *waveform;
}

static void on_event(Tracker *tracker, Session *session, const Frame *frame, const OmpEvent *event, void *userdata) {
        Decoding *d = userdata;

        d->is_event = true;
        d->event = *event;
        decoding_add_device_event(d, session, event);
}

static const TrackerObserver observer = {
        .live = on_live,
        .waveform = on_waveform,
        .event = on_event,
        .state_changed = decoding_on_state_changed,
        .stage_changed = decoding_on_stage_changed,
        .area_changed = decoding_on_area_changed,
        .mark = decoding_on_mark,
        .alert = decoding_on_alert,
        .gap = decoding_on_gap,
};

/* ---- StoreDecoder ---- */

Replay *decoding_replay(const Hub *hub, const StoreSession *row, const TrackerObserver *facts, void *userdata, uint8_t ret_map[static CHANNELS_MAX],
                        bool *ret_mapped) {
        const Profile *profile = profiles_by_id(hub->profiles, row->profile);
        SessionIdentity identity = decoding_identity(row, NULL);

        if (!profile)
                return NULL;

        *ret_mapped = !channels_map(profile, row->channels, ret_map);
        return replay_new(&(ReplaySettings) {
                .identity = &identity,
                .vendor = profile->vendor,
                .start_boottime_usec = row->start_boottime_usec,
                .start_realtime_usec = row->start_realtime_usec,
                .observer = facts,
                .userdata = userdata,
        });
}

static void *decoding_begin(const StoreSession *row, void *userdata) {
        const Hub *hub = userdata;
        Decoding *d = g_new0(Decoding, 1);

        d->replay = decoding_replay(hub, row, &observer, d, d->map, &d->mapped);
        if (!d->replay) {
                g_free(d);
                return NULL;
        }

        decoding_happenings_init(d);
        d->profile = profiles_by_id(hub->profiles, row->profile);
        d->start_boottime_usec = row->start_boottime_usec;
        return d;
}

/* Its channel as the profile numbers it today. */
Frame decoding_mapped(const Decoding *d, const Frame *frame) {
        Frame mapped = *frame;

        if (d->mapped && (frame->direction == FRAME_FROM_DEVICE || frame->direction == FRAME_TO_DEVICE))
                mapped.channel = d->map[frame->channel];
        return mapped;
}

/* Within a second of it there was a value. */
static bool was_followed(const Decoding *d, uint64_t session_usec) {
        uint64_t second = session_usec / 1000000u;

        for (uint64_t i = second > 0 ? second - 1 : 0; i <= second + 1 && i < DECODING_SECONDS; i++)
                if (d->followed[i / 8] & 1u << i % 8)
                        return true;
        return false;
}

/* Session time of a trace's first entry here. A frame that lies before the session has its beginning as its time, and tells only by the wall
 * clock when it was. */
static int64_t trace_begin(const Decoding *d, const Frame *frame) {
        uint64_t start_realtime_usec = replay_session(d->replay)->start_realtime_usec;

        if (frame->boottime_usec > d->start_boottime_usec)
                return (int64_t) (frame->boottime_usec - d->start_boottime_usec);
        return frame->realtime_usec < start_realtime_usec ? -(int64_t) (start_realtime_usec - frame->realtime_usec) : 0;
}

/* Before the next entry, `next` of all. */
static int64_t strokes_before(const Decoding *d, uint32_t next) {
        int64_t strokes = d->trace_strokes;

        if (next == 0)
                return 0;
        if (strokes < 0 || d->trace.n == 0 || d->trace.first_entry + d->trace.n != next)
                return -1;
        for (unsigned i = 0; i < d->trace.n; i++)
                strokes += d->trace.entries[i].strokes;
        return strokes;
}

/* Of what the device has stored itself only that counts which nobody saw live. */
static void take_stored(Decoding *d, const Frame *frame) {
        OmpTrace trace;

        if (omp_trace_decode(frame->data, frame->size, &trace) < 0)
                return;
        d->trace_strokes = strokes_before(d, trace.first_entry);
        d->trace_usec = trace_begin(d, frame);
        d->trace = trace;
        for (unsigned i = 0; i < d->trace.n; i++) {
                int64_t at_usec = d->trace_usec + (int64_t) i * d->trace.period_10ms * TRACE_UNIT_USEC;
                StoreTimedSample *stored = &d->stored[d->n_stored];

                if (at_usec < 0 || was_followed(d, (uint64_t) at_usec))
                        continue;
                stored->boottime_usec = d->start_boottime_usec + (uint64_t) at_usec;
                d->n_stored += hub_stored_sample(&d->trace, i, &stored->sample);
        }
}

static void decoding_frame(void *decoding, const Frame *frame, StoreSample *ret) {
        Decoding *d = decoding;
        Frame mapped = decoding_mapped(d, frame);

        d->sample = (StoreSample) {};
        d->is_live = d->is_waveform = d->is_event = false;
        d->n_stored = 0;
        decoding_happenings_begin(d, frame);
        if (frame->direction == FRAME_OF_LINK)
                d->has_live = false;
        (void) replay_frame(d->replay, &mapped);
        if (!d->profile->vendor && frame->direction == FRAME_FROM_DEVICE && frame->channel == OMP_CHAR_SESSION_DATA)
                take_stored(d, frame);
        if (ret)
                *ret = d->sample;
}

static size_t decoding_stored(void *decoding, const StoreTimedSample **ret) {
        const Decoding *d = decoding;

        *ret = d->stored;
        return d->n_stored;
}

static void decoding_figures(void *decoding, uint64_t end_boottime_usec, Figures *ret) {
        Decoding *d = decoding;

        g_array_set_size(d->gaps, 0);
        replay_end(d->replay);
        replay_figures(d->replay, end_boottime_usec, ret);
}

static void *decoding_free(void *decoding) {
        Decoding *d = decoding;

        if (!d)
                return NULL;

        replay_free(d->replay);
        decoding_happenings_done(d);
        g_free(d);
        return NULL;
}

const Session *decoding_session(const void *decoding) {
        const Decoding *d = decoding;

        return replay_session(d->replay);
}

const StoreDecoder hub_decoder = {
        .begin = decoding_begin,
        .frame = decoding_frame,
        .stored = decoding_stored,
        .csv_row = decoding_csv_row,
        .csv_moment = decoding_csv_moment,
        .csv_head = DECODING_CSV_HEAD,
        .event_json = decoding_event_json,
        .events = decoding_events,
        .gaps = decoding_gaps,
        .figures = decoding_figures,
        .free = decoding_free,
};
