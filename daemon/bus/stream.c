/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/stream.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/private.h"
#include "bus/record.h"

/* The readers of a session that somebody reads, or NULL: then nothing is to be done. */
static SessionObject *followed(const Session *session) {
        SessionObject *object = session->announced;

        return session->n_readers > 0 ? object : NULL;
}

typedef bool (*Wanted)(const ReaderOptions *options);

static bool wants_all(const ReaderOptions *options) {
        return true;
}

static bool wants_waveform(const ReaderOptions *options) {
        return options->waveform;
}

static bool wants_frames(const ReaderOptions *options) {
        return options->frames;
}

static bool anybody(const SessionObject *object, Wanted wanted) {
        for (unsigned i = 0; i < object->readers->len; i++)
                if (wanted(reader_options(object->readers->pdata[i])))
                        return true;

        return false;
}

static void fan_out(SessionObject *object, RecordDraft *draft, Wanted wanted) {
        for (unsigned i = 0; i < object->readers->len; i++) {
                Reader *reader = object->readers->pdata[i];

                if (wanted(reader_options(reader)))
                        reader_push(reader, draft);
        }

        record_done(draft);
}

static void loop_time(const Bus *bus, uint64_t *ret_now_usec, uint64_t *ret_realtime_usec) {
        *ret_now_usec = bus->settings.ops->now_usec(bus->settings.userdata);
        if (sd_event_now(bus->event, CLOCK_REALTIME, ret_realtime_usec) < 0)
                *ret_realtime_usec = 0;
}

static void on_reader_closed(Reader *reader, void *userdata) {
        SessionObject *object = userdata;

        object->bus->n_readers--;
        object->session->n_readers--;
        g_ptr_array_remove_fast(object->readers, reader);
}

/* Streams that the other end has closed but of which the event loop has not told us yet must not count. */
static void reap(Bus *bus) {
        SessionObject *object;
        GHashTableIter iter;

        g_hash_table_iter_init(&iter, bus->sessions);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &object))
                for (unsigned i = object->readers->len; i-- > 0;)
                        if (reader_is_dead(object->readers->pdata[i]))
                                on_reader_closed(object->readers->pdata[i], object);
}

static unsigned count_of(const Bus *bus, uid_t owner) {
        SessionObject *object;
        GHashTableIter iter;
        unsigned n = 0;

        g_hash_table_iter_init(&iter, bus->sessions);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &object))
                for (unsigned i = 0; i < object->readers->len; i++)
                        n += reader_options(object->readers->pdata[i])->owner == owner;

        return n;
}

static int check_limits(Bus *bus, uid_t owner) {
        if (bus->n_readers >= STREAMS_MAX || count_of(bus, owner) >= STREAMS_MAX_PER_USER)
                reap(bus);
        if (count_of(bus, owner) >= STREAMS_MAX_PER_USER)
                return -EDQUOT;

        return bus->n_readers >= STREAMS_MAX ? -ENOBUFS : 0;
}

static void push_one(Reader *reader, RecordDraft *draft) {
        reader_push(reader, draft);
        record_done(draft);
}

/* Whoever reads frames from the middle of a session on has to know what the device is, as the record knows it from its beginning. */
static void greet_with_feature(const Session *session, Reader *reader, uint64_t session_usec, uint64_t realtime_usec) {
        Frame frame = {
                .realtime_usec = realtime_usec,
                .channel = OMP_CHAR_FEATURE,
                .direction = FRAME_FROM_DEVICE,
                .size = session->feature_size,
                .data = session->feature_data,
        };
        RecordDraft draft;

        if (session->feature_size == 0 || !wants_frames(reader_options(reader)))
                return;

        record_frame(&draft, session_usec, &frame);
        push_one(reader, &draft);
}

static void greet_with_alerts(const Session *session, Reader *reader, uint64_t session_usec, uint64_t realtime_usec) {
        RecordDraft draft;

        for (unsigned i = 0; i < alerts_count(&session->alerts); i++) {
                const Alert *alert = alerts_get(&session->alerts, i);

                if (alert->cleared_usec > 0)
                        continue;
                record_alert(&draft, session_usec, realtime_usec, alert);
                push_one(reader, &draft);
        }
}

/* "HELLO comes first", and what a reader has to know to show something at once. */
static void greet(SessionObject *object, Reader *reader) {
        uint64_t now_usec, realtime_usec, session_usec;
        RecordDraft draft;
        Figures figures;

        loop_time(object->bus, &now_usec, &realtime_usec);
        session_usec = session_time(object->session, now_usec);
        session_figures(object->session, now_usec, &figures);

        record_hello(&draft, object->session, session_usec, realtime_usec);
        push_one(reader, &draft);
        record_state(&draft, session_usec, realtime_usec, object->session, object->state, object->stage);
        push_one(reader, &draft);
        greet_with_alerts(object->session, reader, session_usec, realtime_usec);
        record_figures(&draft, session_usec, realtime_usec, &figures);
        push_one(reader, &draft);
        greet_with_feature(object->session, reader, session_usec, realtime_usec);
        reader_flush(reader);
}

int stream_open(SessionObject *object, const ReaderOptions *options, int *ret_fd) {
        Bus *bus = object->bus;
        Reader *reader;
        int r;

        r = check_limits(bus, options->owner);
        if (r < 0)
                return r;
        r = reader_new(bus->event, options, on_reader_closed, object, &reader, ret_fd);
        if (r < 0)
                return r;

        bus->n_readers++;
        object->session->n_readers++;
        g_ptr_array_add(object->readers, reader);
        greet(object, reader);
        return 0;
}

void stream_state(SessionObject *object) {
        uint64_t now_usec, realtime_usec;
        RecordDraft draft;

        if (!followed(object->session))
                return;

        loop_time(object->bus, &now_usec, &realtime_usec);
        record_state(&draft, session_time(object->session, now_usec), realtime_usec, object->session, object->state, object->stage);
        fan_out(object, &draft, wants_all);
}

void stream_close(SessionObject *object) {
        object->bus->n_readers -= object->readers->len;
        object->session->n_readers = 0;
        g_ptr_array_set_size(object->readers, 0);
}

void bus_stream_live(Bus *bus, Session *session, const Frame *frame, const OmpLive *live) {
        SessionObject *object = followed(session);
        TrackerLive shown;
        RecordDraft draft;

        if (!object)
                return;

        tracker_live(session, live, &shown);
        record_live(&draft, session_time(session, frame->boottime_usec), frame->realtime_usec, &shown, session->area_now);
        fan_out(object, &draft, wants_all);
}

void bus_stream_waveform(Bus *bus, Session *session, const Frame *frame, const OmpWaveform *waveform) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object || !anybody(object, wants_waveform))
                return;

        record_waveform(&draft, session_time(session, frame->boottime_usec), frame->realtime_usec, waveform);
        fan_out(object, &draft, wants_waveform);
}

void bus_stream_event(Bus *bus, Session *session, const Frame *frame, const OmpEvent *event) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        record_event(&draft, session_time(session, frame->boottime_usec), frame->realtime_usec, event);
        fan_out(object, &draft, wants_all);
}

void bus_stream_alert(Bus *bus, Session *session, const Alert *alert, uint64_t session_usec, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        record_alert(&draft, session_usec, realtime_usec, alert);
        fan_out(object, &draft, wants_all);
}

void bus_stream_mark(Bus *bus, Session *session, const Frame *frame, const char *text) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        record_mark(&draft, session_time(session, frame->boottime_usec), frame->realtime_usec, text);
        fan_out(object, &draft, wants_all);
}

void bus_stream_limits(Bus *bus, Session *session) {
        SessionObject *object = followed(session);

        if (object)
                stream_state(object);
}

void bus_stream_gap(Bus *bus, Session *session, const SessionGap *gap, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        record_gap(&draft, realtime_usec, gap);
        fan_out(object, &draft, wants_all);
}

void bus_stream_frame(Bus *bus, Session *session, const Frame *frame) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object || !anybody(object, wants_frames))
                return;

        record_frame(&draft, session_time(session, frame->boottime_usec), frame);
        fan_out(object, &draft, wants_frames);
}

void bus_stream_figures(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;
        Figures figures;

        if (!object)
                return;

        session_figures(session, now_usec, &figures);
        record_figures(&draft, session_time(session, now_usec), realtime_usec, &figures);
        fan_out(object, &draft, wants_all);
}

void bus_stream_end(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        record_end(&draft, session_time(session, now_usec), realtime_usec, session->end);
        fan_out(object, &draft, wants_all);
        for (unsigned i = 0; i < object->readers->len; i++)
                reader_end(object->readers->pdata[i]);
}
