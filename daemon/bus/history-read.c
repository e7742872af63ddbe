/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/history-read.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "autoptr.h"
#include "bus/gate.h"
#include "bus/history.h"
#include "bus/options.h"
#include "bus/private.h"
#include "bus/session-object.h"

/* Get(), GetSeries() and Verify(): what takes reading the frames of a session. */

/* One session that is read, from the request to the store's answer: it may outlive the caller and the bus. */
typedef struct Reading {
        Bus *bus;               /* weak; NULL: it has gone */
        Call *call;             /* who waits; NULL: nobody any more */
        uid_t owner;            /* who asked, for the limit */
} Reading;

static unsigned count_of(const Bus *bus, uid_t owner) {
        unsigned n = 0;

        for (unsigned i = 0; i < bus->readings->len; i++)
                n += ((const Reading *) bus->readings->pdata[i])->owner == owner;

        return n;
}

/* Nobody waits: the session need not be read to its end. */
static void cancel_reading(Call *call) {
        const Bus *bus = call->bus;

        for (unsigned i = 0; i < bus->readings->len; i++) {
                Reading *reading = bus->readings->pdata[i];

                if (reading->call != call)
                        continue;
                reading->call = NULL;
                store_forget(bus->settings.store, reading);
        }
}

/* The userdata for the store; NULL: `error` is set. */
static Reading *reading_new(Call *call, sd_bus_error *error) {
        Reading *reading;

        if (count_of(call->bus, call->caller->uid) >= READINGS_MAX_PER_USER) {
                (void) error_set(error, ERROR_LIMIT_REACHED, "This user has %u sessions read already; wait for their answers.",
                                 READINGS_MAX_PER_USER);
                return NULL;
        }

        reading = g_new(Reading, 1);
        *reading = (Reading) { call->bus, call, call->caller->uid };
        g_ptr_array_add(call->bus->readings, reading);
        call->cancel = cancel_reading;
        return reading;
}

/* The store has answered: the call, NULL if nobody waits any more. */
static Call *reading_end(Reading *reading) {
        Call *call = reading->call;

        if (reading->bus)
                g_ptr_array_remove_fast(reading->bus->readings, reading);
        g_free(reading);
        return call;
}

void history_readings_abandon(Bus *bus) {
        for (unsigned i = 0; i < bus->readings->len; i++)
                ((Reading *) bus->readings->pdata[i])->bus = NULL;
}

static int reading_error(Call *call, int status, sd_bus_error *error) {
        if (status == -ENOENT)
                return history_not_found(call, error);
        if (status == -ENOBUFS)
                return error_set(error, ERROR_LIMIT_REACHED, "%u sessions wait to be read; try again later.", STORE_SCANS_MAX);

        return history_store_error(call, status, error);
}

typedef int (*Fill)(Call *call, sd_bus_message *reply, const void *answer);

/* The end of a call: what `fill` makes of the store's answer. */
static void answer(Reading *reading, int status, Fill fill, const void *with) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        Call *call = reading_end(reading);
        int r;

        if (!call)
                return;

        call->cancel = NULL;
        r = status < 0 ? reading_error(call, status, &error) : gate_large_reply(call, &reply, &error);
        if (r >= 0)
                r = fill(call, reply, with);
        if (r < 0)
                call_finish(call, r, &error);
        else
                call_reply_take(call, g_steal_pointer(&reply));
}

static int begin_replay(Call *call, const StoreSession *session, StoreReplayed done, sd_bus_error *error) {
        Reading *reading = reading_new(call, error);

        if (!reading)
                return -EBUSY; /* the error is set */

        store_replay(call->bus->settings.store, session->id, call->caller->uid, done, reading);
        return 0;
}

/* ---- Get ---- */

static int append_details(sd_bus_message *m, const StoreSession *s) {
        const int32_t utc_offset = s->utc_offset_sec;
        const uint32_t rating = (uint32_t) s->rating;
        int r;

        r = s->end_realtime_usec > 0 ? dictionary_basic(m, "end", 't', &s->end_realtime_usec) : 0;
        if (r >= 0)
                r = dictionary_basic(m, "utc_offset", 'i', &utc_offset);
        if (r >= 0)
                r = dictionary_string(m, "product", s->product);
        if (r >= 0)
                r = dictionary_string(m, "note", s->note);
        if (r >= 0 && s->rating > 0)
                r = dictionary_basic(m, "rating", 'u', &rating);

        return r < 0 ? r : dictionary_string(m, "owner_name", s->owner_name);
}

static int fill_get(Call *call, sd_bus_message *reply, const void *with) {
        const BusOps *ops = call->bus->settings.ops;
        const StoreReplay *replay = with;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = history_append_entry(reply, replay->session);
        if (r >= 0)
                r = append_details(reply, replay->session);
        if (r >= 0 && replay->decoding && ops->replayed)
                r = session_object_details(reply, ops->replayed(replay->decoding, call->bus->settings.userdata),
                                           replay->session->end_boottime_usec);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_get_replayed(int status, const StoreReplay *replay, void *userdata) {
        answer(userdata, status, fill_get, replay);
}

static int use_get(Call *call, const StoreSession *session, sd_bus_error *error) {
        return begin_replay(call, session, on_get_replayed, error);
}

static int get_missing(Call *call, sd_bus_error *error) {
        return history_missing(call, "get it when it is finished, or ask Session1.GetFigures() now.", error);
}

static void on_get_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_READ, use_get, get_missing, history_run_get };

        history_on_session(&use, status, sessions, n, userdata);
}

int history_run_get(Call *call, sd_bus_error *error) {
        return history_ask(call, on_get_got);
}

/* ---- Verify ---- */

/* None where there is nothing to compare with: neither the record nor the code of today could make any. */
static int append_differences(sd_bus_message *m, const StoreReplay *replay, unsigned *ret_n) {
        bool comparable = replay->decoding && replay->figures_version > 0;
        int r;

        *ret_n = 0;
        r = dictionary_open(m, "differs", "as");
        for (Figure i = 0; r >= 0 && comparable && i < _FIGURE_MAX; i++)
                if (figures_differ(&replay->session->figures, &replay->figures, i)) {
                        r = sd_bus_message_append_basic(m, 's', figure_info[i].name);
                        ++*ret_n;
                }

        return r < 0 ? r : dictionary_close(m, "as");
}

static int fill_verify(Call *call, sd_bus_message *reply, const void *with) {
        const StoreReplay *replay = with;
        const uint32_t version = replay->figures_version;
        const int decoded = replay->decoding != NULL;
        unsigned n_different;
        int r, ok;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = append_differences(reply, replay, &n_different);
        if (r < 0)
                return r;

        ok = replay->n_damaged == 0 && decoded && n_different == 0;
        r = dictionary_basic(reply, "ok", 'b', &ok);
        if (r >= 0)
                r = dictionary_basic(reply, "frames", 't', &replay->n_frames);
        if (r >= 0)
                r = dictionary_basic(reply, "chunks", 't', &replay->n_chunks);
        if (r >= 0)
                r = dictionary_basic(reply, "damaged", 't', &replay->n_damaged);
        if (r >= 0)
                r = dictionary_basic(reply, "decoded", 'b', &decoded);
        if (r >= 0 && version > 0)
                r = dictionary_basic(reply, "figures_version", 'u', &version);

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_verify_replayed(int status, const StoreReplay *replay, void *userdata) {
        answer(userdata, status, fill_verify, replay);
}

static int use_verify(Call *call, const StoreSession *session, sd_bus_error *error) {
        return begin_replay(call, session, on_verify_replayed, error);
}

static int verify_missing(Call *call, sd_bus_error *error) {
        return history_missing(call, "verify it when it is finished.", error);
}

static void on_verify_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_READ, use_verify, verify_missing, history_run_verify };

        history_on_session(&use, status, sessions, n, userdata);
}

int history_run_verify(Call *call, sd_bus_error *error) {
        return history_ask(call, on_verify_got);
}

/* ---- GetSeries ---- */

static const char *const metrics[_STORE_METRIC_MAX] = {
        [STORE_METRIC_FORCE] = "force", [STORE_METRIC_STROKE_RATE] = "stroke_rate", [STORE_METRIC_DEPTH] = "depth",
};

static int read_series(Call *call, StoreSeries *ret, sd_bus_error *error) {
        const char *metric;
        uint32_t points;
        int r;

        *ret = (StoreSeries) {};
        r = history_read_id(call, &ret->id);
        if (r < 0)
                return r;
        r = sd_bus_message_read(call->message, "sttu", &metric, &ret->from_usec, &ret->to_usec, &points);
        if (r < 0)
                return r;
        while (ret->metric < _STORE_METRIC_MAX && strcmp(metrics[ret->metric], metric) != 0)
                ret->metric++;
        if (ret->metric == _STORE_METRIC_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT, "There is no such curve; \"force\", \"stroke_rate\" and \"depth\" are kept.");
        if (points < 1 || points > STORE_POINTS_MAX)
                return error_set(error, ERROR_INVALID_ARGUMENT, "A curve has 1 to %u points, not %" PRIu32 "; get a long one in parts.",
                                 STORE_POINTS_MAX, points);
        if (ret->to_usec > 0 && ret->from_usec >= ret->to_usec)
                return error_set(error, ERROR_INVALID_ARGUMENT, "\"from\" does not lie before \"to\"; exchange them.");

        ret->points = points;
        ret->asker = call->caller->uid;
        return 0;
}

static int fill_series(Call *call, sd_bus_message *reply, const void *with) {
        const GArray *points = with;
        int r;

        r = sd_bus_message_open_container(reply, SD_BUS_TYPE_ARRAY, "(tiii)");
        for (guint i = 0; r >= 0 && i < points->len; i++) {
                const StorePoint *p = &g_array_index(points, StorePoint, i);

                r = sd_bus_message_append(reply, "(tiii)", p->usec, p->min, p->mean, p->max);
        }

        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static void on_series(int status, const StorePoint *points, size_t n, void *userdata) {
        g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(StorePoint));
        Reading *reading = userdata;

        if (n > 0)
                g_array_append_vals(all, points, (guint) n);
        if (status == -ENOENT && reading->call && history_find_live(reading->call)) /* it has begun, and is not written yet */
                status = 0;
        answer(reading, status, fill_series, all);
}

/* `length_usec`: of the session, so far. */
static int begin_series(Call *call, uint64_t length_usec, sd_bus_error *error) {
        StoreSeries wanted;
        Reading *reading;
        int r;

        r = read_series(call, &wanted, error);
        if (r < 0)
                return r;
        if (wanted.to_usec == 0)        /* a value of its last moment is a part of it */
                wanted.to_usec = MAX(length_usec, wanted.from_usec) + 1;
        reading = reading_new(call, error);
        if (!reading)
                return -EBUSY; /* the error is set */

        store_series(call->bus->settings.store, &wanted, on_series, reading);
        return 0;
}

static int use_series(Call *call, const StoreSession *session, sd_bus_error *error) {
        uint64_t end_usec = MAX(session->end_boottime_usec, session->start_boottime_usec);

        return begin_series(call, end_usec - session->start_boottime_usec, error);
}

static int use_live_series(Call *call, sd_bus_error *error) {
        const BusSettings *settings = &call->bus->settings;
        const Session *live = history_find_live(call);

        return live ? begin_series(call, session_time(live, settings->ops->now_usec(settings->userdata)), error) : history_not_found(call, error);
}

static void on_series_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_READ, use_series, use_live_series, history_run_get_series };

        history_on_session(&use, status, sessions, n, userdata);
}

int history_run_get_series(Call *call, sd_bus_error *error) {
        StoreSeries wanted;
        int r;

        r = read_series(call, &wanted, error);
        return r < 0 ? r : history_ask(call, on_series_got);
}
