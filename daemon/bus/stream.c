/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/stream.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/fact.h"
#include "bus/leaving.h"
#include "bus/past.h"
#include "bus/private.h"

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
        leaving_reap(bus);
}

static unsigned count_of(const Bus *bus, uid_t owner) {
        SessionObject *object;
        GHashTableIter iter;
        unsigned n = leaving_count(bus, owner);

        g_hash_table_iter_init(&iter, bus->sessions);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &object))
                for (unsigned i = 0; i < object->readers->len; i++)
                        n += reader_options(object->readers->pdata[i])->owner == owner;

        return n;
}

static unsigned count_pasts(const Bus *bus, uid_t owner) {
        SessionObject *object;
        GHashTableIter iter;
        unsigned n = 0;

        g_hash_table_iter_init(&iter, bus->sessions);
        while (g_hash_table_iter_next(&iter, NULL, (gpointer *) &object))
                for (unsigned i = 0; i < object->readers->len; i++) {
                        const Reader *reader = object->readers->pdata[i];

                        n += reader_options(reader)->owner == owner && reader_phase(reader) != READER_LIVE;
                }

        return n;
}

static int check_limits(Bus *bus, const ReaderOptions *options) {
        uid_t owner = options->owner;
        bool past = options->history_usec > 0;

        if (bus->n_readers >= STREAMS_MAX || count_of(bus, owner) >= STREAMS_MAX_PER_USER ||
            (past && count_pasts(bus, owner) >= STREAMS_PAST_MAX_PER_USER))
                reap(bus);
        if (count_of(bus, owner) >= STREAMS_MAX_PER_USER)
                return -EDQUOT;
        if (past && count_pasts(bus, owner) >= STREAMS_PAST_MAX_PER_USER)
                return -EUSERS;

        return bus->n_readers >= STREAMS_MAX ? -ENOBUFS : 0;
}

static void push_one(RecordDraft *draft, void *reader) {
        reader_push(reader, draft);
        record_done(draft);
}

/* "HELLO comes first", and what a reader has to know to show something at once. */
static void greet(SessionObject *object, Reader *reader) {
        uint64_t now_usec, realtime_usec;
        RecordDraft draft;

        loop_time(object->bus, &now_usec, &realtime_usec);
        record_hello(&draft, object->session, session_time(object->session, now_usec), realtime_usec);
        push_one(&draft, reader);
        stream_greet(object, reader);
        reader_flush(reader);
}

void stream_greet(SessionObject *object, Reader *reader) {
        uint64_t now_usec, realtime_usec;

        loop_time(object->bus, &now_usec, &realtime_usec);
        fact_greet(object->session, object->state, object->stage, reader_options(reader)->frames, now_usec, realtime_usec, push_one, reader);
}

void stream_time(const SessionObject *object, uint64_t *ret_now_usec, uint64_t *ret_realtime_usec) {
        loop_time(object->bus, ret_now_usec, ret_realtime_usec);
}

int stream_open(SessionObject *object, const ReaderOptions *options, int *ret_fd) {
        Bus *bus = object->bus;
        Reader *reader;
        int r;

        r = check_limits(bus, options);
        if (r < 0)
                return r;
        r = reader_new(bus->event, bus->beat, options, on_reader_closed, object, &reader, ret_fd);
        if (r < 0)
                return r;

        bus->n_readers++;
        object->session->n_readers++;
        g_ptr_array_add(object->readers, reader);
        if (options->history_usec > 0)
                past_begin(object, reader);
        else
                greet(object, reader);
        return 0;
}

/* These are the last of its records: nothing more comes as past, and who is still given that has them behind it. */
static void hold_if_over(SessionObject *object) {
        for (unsigned i = 0; object->session->state == SESSION_FINISHED && i < object->readers->len; i++)
                past_hold(object->readers->pdata[i]);
}

void stream_state(SessionObject *object) {
        uint64_t now_usec, realtime_usec;
        RecordDraft draft;

        if (!followed(object->session))
                return;

        hold_if_over(object);
        loop_time(object->bus, &now_usec, &realtime_usec);
        fact_state(&draft, object->session, object->state, object->stage, now_usec, realtime_usec);
        fan_out(object, &draft, wants_all);
}

void stream_close(SessionObject *object) {
        object->bus->n_readers -= object->readers->len;
        for (unsigned i = object->readers->len; i-- > 0;) {
                Reader *reader = object->readers->pdata[i];

                past_stop(reader);
                if (reader_has_more(reader))
                        leaving_add(object->bus, g_ptr_array_steal_index_fast(object->readers, i));
        }
        object->session->n_readers = 0;
        g_ptr_array_set_size(object->readers, 0);
}

void bus_stream_live(Bus *bus, Session *session, const Frame *frame, const OmpLive *live) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        fact_live(&draft, session, frame, live);
        fan_out(object, &draft, wants_all);
}

void bus_stream_waveform(Bus *bus, Session *session, const Frame *frame, const OmpWaveform *waveform) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object || !anybody(object, wants_waveform))
                return;

        fact_waveform(&draft, session, frame, waveform);
        fan_out(object, &draft, wants_waveform);
}

void bus_stream_event(Bus *bus, Session *session, const Frame *frame, const OmpEvent *event) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        fact_event(&draft, session, frame, event);
        fan_out(object, &draft, wants_all);
}

void bus_stream_alert(Bus *bus, Session *session, const Alert *alert) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        fact_alert(&draft, session, alert);
        fan_out(object, &draft, wants_all);
}

void bus_stream_mark(Bus *bus, Session *session, const Frame *frame, const char *text) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        fact_mark(&draft, session, frame, text);
        fan_out(object, &draft, wants_all);
}

void bus_stream_limits(Bus *bus, Session *session) {
        SessionObject *object = followed(session);

        if (object)
                stream_state(object);
}

void bus_stream_gap(Bus *bus, Session *session, const SessionGap *gap) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        fact_gap(&draft, session, gap);
        fan_out(object, &draft, wants_all);
}

void bus_stream_frame(Bus *bus, Session *session, const Frame *frame) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object || !anybody(object, wants_frames))
                return;

        fact_frame(&draft, session, frame);
        fan_out(object, &draft, wants_frames);
}

void bus_stream_figures(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        hold_if_over(object);
        fact_figures(&draft, session, now_usec, realtime_usec);
        fan_out(object, &draft, wants_all);
}

void bus_stream_end(Bus *bus, Session *session, uint64_t now_usec, uint64_t realtime_usec) {
        SessionObject *object = followed(session);
        RecordDraft draft;

        if (!object)
                return;

        for (unsigned i = 0; session->end == SESSION_END_DISCARDED && i < object->readers->len; i++)
                past_cut(object->readers->pdata[i]);
        record_end(&draft, session_time(session, now_usec), realtime_usec, session->end);
        fan_out(object, &draft, wants_all);
        for (unsigned i = 0; i < object->readers->len; i++)
                reader_end(object->readers->pdata[i]);
}

void bus_stream_erased(Bus *bus, Session *session) {
        SessionObject *object = followed(session);

        if (!object)
                return;

        for (unsigned i = 0; i < object->readers->len; i++)
                past_cut(object->readers->pdata[i]);
}
