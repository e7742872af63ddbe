/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hub-decode.h"

/* What a frame that is read again made happen: the rows that a live session would have got. They are forgotten with the next frame. */

static void clear_event(void *p) {
        StoreEvent *event = p;

        g_free((char *) event->text);
}

void decoding_happenings_init(Decoding *d) {
        d->events = g_array_new(false, false, sizeof(StoreEvent));
        g_array_set_clear_func(d->events, clear_event);
        d->gaps = g_array_new(false, false, sizeof(StoreGap));
}

void decoding_happenings_done(Decoding *d) {
        g_array_unref(d->events);
        g_array_unref(d->gaps);
}

void decoding_happenings_begin(Decoding *d, const Frame *frame) {
        g_array_set_size(d->events, 0);
        g_array_set_size(d->gaps, 0);
        d->frame_boottime_usec = frame->boottime_usec;
        d->frame_realtime_usec = frame->realtime_usec;
}

static void add(Decoding *d, StoreEvent event) {
        if (d->events->len < DECODING_HAPPENINGS_MAX)
                g_array_append_val(d->events, event);
}

static void add_change(Decoding *d, const Session *s, StoreEventKind kind, uint8_t code) {
        add(d, (StoreEvent) {
                .session_usec = session_time(s, d->frame_boottime_usec),
                .realtime_usec = d->frame_realtime_usec,
                .kind = kind,
                .code = code,
        });
}

void decoding_on_state_changed(Tracker *tracker, Session *s, SessionState old, void *userdata) {
        add_change(userdata, s, STORE_EVENT_STATE, (uint8_t) s->state);
}

void decoding_on_stage_changed(Tracker *tracker, Session *s, void *userdata) {
        add_change(userdata, s, STORE_EVENT_STAGE, (uint8_t) s->stage);
}

void decoding_on_area_changed(Tracker *tracker, Session *s, void *userdata) {
        add_change(userdata, s, STORE_EVENT_AREA, s->area_now);
}

void decoding_add_device_event(Decoding *d, const Session *s, const OmpEvent *event) {
        add(d, (StoreEvent) {
                .session_usec = session_time(s, d->frame_boottime_usec),
                .realtime_usec = d->frame_realtime_usec,
                .kind = STORE_EVENT_DEVICE,
                .code = event->code,
                .severity = event->severity,
                .asserted = event->asserted,
                .value = event->value,
        });
}

void decoding_on_mark(Tracker *tracker, Session *s, const Frame *frame, const char *text, void *userdata) {
        Decoding *d = userdata;

        if (d->events->len < DECODING_HAPPENINGS_MAX)
                add(d, (StoreEvent) {
                        .session_usec = session_time(s, frame->boottime_usec),
                        .realtime_usec = frame->realtime_usec,
                        .kind = STORE_EVENT_MARK,
                        .text = g_strdup(text),
                });
}

void decoding_on_alert(Tracker *tracker, Session *s, const Alert *alert, void *userdata) {
        bool raised = alert->cleared_usec == 0;
        uint64_t session_usec = raised ? alert->raised_usec : alert->cleared_usec;

        add(userdata, (StoreEvent) {
                .session_usec = session_usec,
                .realtime_usec = s->start_realtime_usec + session_usec,
                .kind = STORE_EVENT_ALERT,
                .code = (uint8_t) alert->code,
                .severity = (uint8_t) alert->level,
                .asserted = raised,
                .value = alert->value,
        });
}

void decoding_on_gap(Tracker *tracker, Session *s, const SessionGap *gap, void *userdata) {
        const StoreGap row = { .from_usec = gap->from_usec, .to_usec = gap->to_usec, .stream = (int) gap->stream, .lost = gap->lost };
        Decoding *d = userdata;

        if (d->gaps->len < DECODING_HAPPENINGS_MAX)
                g_array_append_val(d->gaps, row);
}

size_t decoding_events(void *decoding, const StoreEvent **ret) {
        const Decoding *d = decoding;

        *ret = (const StoreEvent *) d->events->data;
        return d->events->len;
}

size_t decoding_gaps(void *decoding, const StoreGap **ret) {
        const Decoding *d = decoding;

        *ret = (const StoreGap *) d->gaps->data;
        return d->gaps->len;
}
