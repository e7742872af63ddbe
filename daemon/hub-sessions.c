/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>
#include <systemd/sd-id128.h>
#include <time.h>

#include "hub-private.h"
#include "log.h"
#include "profiles/channels.h"

#define USEC_PER_SEC UINT64_C(1000000)
#define FIGURES_PERIOD_USEC USEC_PER_SEC
#define SHOWN_AFTER_END_USEC (60 * USEC_PER_SEC)
#define LOSS_LOG_INTERVAL_USEC (60 * USEC_PER_SEC)

/* A session that is over: first it becomes durable, then it is announced, then it is shown for a while, then it goes. */
typedef struct Ending {
        Hub *hub;                       /* weak: our owner */
        Session *session;
        uint64_t remove_at_usec;        /* 0 until announced */
        BusDone done;                   /* of who asked for the end, NULL if nobody waits */
        void *call;
} Ending;

static void ending_free(void *p) {
        Ending *e = p;

        session_free(e->session);
        g_free(e);
}

static LogContext session_context(const Session *s, const char *message_id) {
        return (LogContext) {
                .message_id = message_id,
                .device = *s->device_alias ? s->device_alias : s->device_address,
                .session = s->id,
                .state = session_state_name(s->state),
        };
}

static void answer(Ending *e, int error, const char *message) {
        BusDone done = e->done;

        e->done = NULL;
        if (done)
                done(error, message, e->call);
}

static Follower *find_follower(const Hub *hub, const Session *session) {
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];

                if (tracker_session(f->tracker) == session || (f->device && g_str_equal(f->device->path, session->device_path)))
                        return f;
        }

        return NULL;
}

/* The order that clients rely on: durable → Added → State=finished → END → object removed 60 s later. */
static void announce_end(Ending *e) {
        Hub *hub = e->hub;
        Session *s = e->session;
        Follower *f = find_follower(hub, s);
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        if (s->end != SESSION_END_DISCARDED)
                bus_history_added(hub->bus, s->id, s->owner);
        if (s->announced) {
                bus_stream_figures(hub->bus, s, now_usec, realtime_usec); /* the final ones */
                bus_session_state_changed(hub->bus, s);
                bus_stream_end(hub->bus, s, now_usec, realtime_usec);
        }
        if (f && f->device && !tracker_session(f->tracker))
                bus_device_session_changed(hub->bus, f->device, NULL);

        e->remove_at_usec = now_usec + (s->end == SESSION_END_DISCARDED || !s->announced ? 0 : SHOWN_AFTER_END_USEC);
        hub_arm_tick(hub);
}

static void on_stored(int error, void *userdata) {
        Ending *e = userdata;

        if (e->hub->stopping)
                return;

        announce_end(e);
        if (error < 0)
                answer(e, error, "The session is finished, but could not be written yet; it is kept in memory and follows. See the storage "
                       "state of needled.");
        else
                answer(e, 0, "");
}

static void on_discarded(int error, void *userdata) {
        Ending *e = userdata;

        if (e->hub->stopping)
                return;

        announce_end(e);
        answer(e, error, error < 0 ? "The session is discarded, but its data could not be erased yet; that follows when storage works again." : "");
}

/* ---- What the trackers tell ---- */

static void fill_identity(Follower *f, SessionIdentity *ret) {
        Hub *hub = f->hub;
        sd_id128_t uuid = SD_ID128_NULL;
        time_t now = time(NULL);
        struct tm tm;

        *ret = (SessionIdentity) {
                .id = hub->next_session_id++,
                .utc_offset_sec = localtime_r(&now, &tm) ? (int) tm.tm_gmtoff : 0,
                .owner = f->device->owner,
                .owner_name = hub_user_name(hub, f->device->owner),
                .device_path = f->device->path,
                .device_address = f->device->address,
                .device_alias = f->device->alias,
                .profile = f->device->profile ? f->device->profile->id : "",
        };
        (void) sd_id128_randomize(&uuid);
        (void) g_snprintf(ret->uuid, sizeof(ret->uuid), SD_ID128_UUID_FORMAT_STR, SD_ID128_FORMAT_VAL(uuid));
        g_strlcpy(ret->boot_id, hub->boot_id, sizeof(ret->boot_id));
}

static void on_identify(Tracker *tracker, SessionIdentity *ret, void *userdata) {
        fill_identity(userdata, ret);
}

static void store_begin(Hub *hub, const Session *s) {
        g_autofree char *channels = channels_text(profiles_by_id(hub->profiles, s->profile));
        StoreSession row = {
                .id = s->id,
                .uuid = (char *) s->uuid,
                .device_address = s->device_address,
                .device_alias = s->device_alias,
                .profile = s->profile,
                .owner = s->owner,
                .owner_name = s->owner_name,
                .boot_id = (char *) s->boot_id,
                .utc_offset_sec = s->utc_offset_sec,
                .start_boottime_usec = s->start_boottime_usec,
                .start_realtime_usec = s->start_realtime_usec,
                .subject = s->subject,
                .area = s->area,
                .product = s->product,
                .note = s->note,
                .channels = channels,
        };

        store_session_begin(hub->store, &row);
}

static void on_opened(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;
        LogContext context = session_context(s, NEEDLED_MESSAGE_SESSION_STARTED);

        store_begin(f->hub, s);
        hub_session_show(f, s);
        log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " started with %s", s->id, context.device);
}

static void on_state_changed(Tracker *tracker, Session *s, SessionState old, void *userdata) {
        Follower *f = userdata;
        LogContext context;

        bus_session_state_changed(f->hub->bus, s);
        hub_arm_tick(f->hub);

        if (s->state == SESSION_INTERRUPTED) {
                context = session_context(s, NEEDLED_MESSAGE_SESSION_INTERRUPTED);
                log_with(LOG_NOTICE, &context, "session %" G_GUINT64_FORMAT " is interrupted: the link to %s is away; it goes on when "
                         "the device is back", s->id, context.device);
        } else if (old == SESSION_INTERRUPTED) {
                context = session_context(s, NEEDLED_MESSAGE_SESSION_RESUMED);
                log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " goes on with %s", s->id, context.device);
        }
}

static void on_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        Follower *f = userdata;

        store_session_frame(f->hub->store, s->id, frame);
        if (bus_session_has_readers(s))
                bus_stream_frame(f->hub->bus, s, frame);
}

static void on_live(Tracker *tracker, Session *s, const Frame *frame, const TrackerLive *live, void *userdata) {
        Follower *f = userdata;

        if (bus_session_has_readers(s))
                bus_stream_live(f->hub->bus, s, frame, live);
}

static void on_waveform(Tracker *tracker, Session *s, const Frame *frame, const OmpWaveform *waveform, void *userdata) {
        Follower *f = userdata;

        if (bus_session_has_readers(s))
                bus_stream_waveform(f->hub->bus, s, frame, waveform);
}

static void on_event(Tracker *tracker, Session *s, const Frame *frame, const OmpEvent *event, void *userdata) {
        Follower *f = userdata;
        StoreEvent row = {
                .session_usec = session_time(s, frame->boottime_usec),
                .realtime_usec = frame->realtime_usec,
                .code = event->code,
                .severity = event->severity,
                .asserted = event->asserted,
                .value = event->value,
        };

        store_session_event(f->hub->store, s->id, &row);
        if (bus_session_has_readers(s))
                bus_stream_event(f->hub->bus, s, frame, event);
}

/* A device whose radio is bad loses packets all the time: one entry a minute says enough. */
static void log_loss(Follower *f, const Session *s, uint64_t now_usec) {
        LogContext context = session_context(s, NEEDLED_MESSAGE_SAMPLES_LOST);

        if (f->loss_logged_usec > 0 && now_usec - f->loss_logged_usec < LOSS_LOG_INTERVAL_USEC)
                return;

        f->loss_logged_usec = now_usec;
        log_with(LOG_NOTICE, &context, "notifications of %s were lost on the way; the gaps are recorded in session %" G_GUINT64_FORMAT,
                 context.device, s->id);
}

/* Once for each thing and session, and bounded: the tracker sees to it. */
static void on_unknown(Tracker *tracker, Session *s, const char *what, void *userdata) {
        LogContext context = session_context(s, NULL);

        log_with(LOG_INFO, &context, "%s sent what this version does not know (%s); it is kept in session %" G_GUINT64_FORMAT,
                 context.device, what, s->id);
}

static void on_battery(Tracker *tracker, unsigned percent, void *userdata) {
        Follower *f = userdata;

        if (f->device)
                device_set_battery(f->device, (uint8_t) percent);
}

static void on_gap(Tracker *tracker, Session *s, const SessionGap *gap, void *userdata) {
        Follower *f = userdata;
        StoreGap row = { .from_usec = gap->from_usec, .to_usec = gap->to_usec, .stream = (int) gap->stream, .lost = gap->lost };

        store_session_gap(f->hub->store, s->id, &row);
        if (bus_session_has_readers(s))
                bus_stream_gap(f->hub->bus, s, gap, s->start_realtime_usec + gap->to_usec);
        if (gap->lost > 0)
                log_loss(f, s, s->start_boottime_usec + gap->to_usec);
}

static void on_ending(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;

        hub_arm_tick(f->hub);
}

static void on_ended(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;
        Hub *hub = f->hub;
        Ending *e = g_new0(Ending, 1);
        LogContext context = session_context(s, NEEDLED_MESSAGE_SESSION_FINISHED);
        Figures figures;

        e->hub = hub;
        e->session = s;
        g_ptr_array_add(hub->endings, e);
        f->loss_logged_usec = 0;

        context.reason = session_end_name(s->end);
        if (s->end == SESSION_END_DISCARDED) {
                log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " was discarded", s->id);
                store_session_discard(hub->store, s->id, on_discarded, e);
                return;
        }

        log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " with %s is finished (%s)", s->id, context.device, context.reason);
        session_figures(s, s->end_boottime_usec, &figures);
        store_session_end(hub->store, s->id, context.reason, s->end_boottime_usec, s->end_realtime_usec, &figures, on_stored, e);
}

/* ---- What clients ask ---- */

static const TrackerCounters *op_device_counters(Device *device, void *userdata) {
        Follower *f = device->follower;

        return tracker_counters(f->tracker);
}

static int op_session_start(Device *device, const BusStartOptions *options, Session **ret, const char **ret_message, void *userdata) {
        Follower *f = device->follower;
        SessionIdentity identity;
        uint64_t now_usec, realtime_usec;
        int r;

        if (!device->adopted) {
                *ret_message = "The device is not adopted; adopt it first (needlectl adopt).";
                return -ENODEV;
        }
        if (tracker_session(f->tracker)) {
                *ret_message = "A session with this device is live already; finish it first (needlectl finish).";
                return -EBUSY;
        }

        hub_session_profile(f, device->profile);
        hub_now(&now_usec, &realtime_usec);
        fill_identity(f, &identity);
        identity.owner = options->owner;
        identity.owner_name = hub_user_name(f->hub, options->owner);
        identity.subject = options->subject;
        identity.area = options->area;
        identity.product = options->product;
        identity.note = options->note;
        r = tracker_start(f->tracker, &identity, now_usec, realtime_usec);
        if (r < 0)
                return r;

        *ret = tracker_session(f->tracker);
        return 0;
}

static int op_session_pause(Session *session, bool pause, const char **ret_message, void *userdata) {
        Hub *hub = userdata;
        Follower *f = find_follower(hub, session);
        uint64_t now_usec, realtime_usec;
        int r = -ENOENT;

        hub_now(&now_usec, &realtime_usec);
        if (f && tracker_session(f->tracker) == session)
                r = pause ? tracker_pause(f->tracker, now_usec, realtime_usec) : tracker_unpause(f->tracker, now_usec, realtime_usec);
        if (r == -ENOENT)
                *ret_message = "The session is over.";
        else if (r < 0)
                *ret_message = pause ? "The session is not running, so it cannot be paused." : "The session is not paused.";

        return r;
}

static void end_by_hand(Hub *hub, Session *session, SessionEnd end, BusDone done, void *call) {
        Follower *f = find_follower(hub, session);
        uint64_t now_usec, realtime_usec;

        if (!f || tracker_session(f->tracker) != session) {
                done(-ENOENT, "The session is over.", call);
                return;
        }

        hub_now(&now_usec, &realtime_usec);
        (void) tracker_finish(f->tracker, end, now_usec, realtime_usec);

        /* on_ended() has run; the store answers later, never from inside. */
        for (unsigned i = 0; i < hub->endings->len; i++) {
                Ending *e = hub->endings->pdata[i];

                if (e->session == session) {
                        e->done = done;
                        e->call = call;
                }
        }
}

static void op_session_finish(Session *session, BusDone done, void *call, void *userdata) {
        end_by_hand(userdata, session, SESSION_END_USER, done, call);
}

static void op_session_discard(Session *session, BusDone done, void *call, void *userdata) {
        end_by_hand(userdata, session, SESSION_END_DISCARDED, done, call);
}

static const char *op_user_name(uid_t uid, void *userdata) {
        return hub_user_name(userdata, uid);
}

static uint64_t op_now_usec(void *userdata) {
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        return now_usec;
}

/* ---- */

void hub_session_show(Follower *f, Session *s) {
        bus_session_added(f->hub->bus, s);
        bus_device_session_changed(f->hub->bus, f->device, s);
        hub_arm_tick(f->hub);
}

void hub_session_profile(Follower *f, const Profile *profile) {
        const VendorProfile *vendor = profile ? profile->vendor : NULL;
        uint64_t now_usec, realtime_usec;

        if (tracker_set_vendor(f->tracker, vendor) >= 0)
                return;

        hub_now(&now_usec, &realtime_usec);
        (void) tracker_finish(f->tracker, SESSION_END_SHUTDOWN, now_usec, realtime_usec);
        (void) tracker_set_vendor(f->tracker, vendor);
}

void hub_sessions_tick(Hub *hub, uint64_t now_usec, uint64_t realtime_usec) {
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];
                Session *s = tracker_session(f->tracker);

                if (s && bus_session_has_readers(s))
                        bus_stream_figures(hub->bus, s, now_usec, realtime_usec);
        }

        for (unsigned i = hub->endings->len; i-- > 0;) {
                Ending *e = hub->endings->pdata[i];

                if (e->remove_at_usec == 0 || e->remove_at_usec > now_usec)
                        continue;
                if (e->session->announced)
                        bus_session_removed(hub->bus, e->session);
                g_ptr_array_remove_index_fast(hub->endings, i);
        }
}

uint64_t hub_sessions_deadline(const Hub *hub) {
        uint64_t deadline = UINT64_MAX, now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];
                const Session *s = tracker_session(f->tracker);

                if (!s)
                        continue;
                deadline = MIN(deadline, tracker_deadline(f->tracker));
                if (s->state != SESSION_INTERRUPTED)
                        deadline = MIN(deadline, now_usec + FIGURES_PERIOD_USEC);
        }

        for (unsigned i = 0; i < hub->endings->len; i++) {
                const Ending *e = hub->endings->pdata[i];

                if (e->remove_at_usec > 0)
                        deadline = MIN(deadline, e->remove_at_usec);
        }

        return deadline;
}

GPtrArray *hub_endings_new(void) {
        return g_ptr_array_new_with_free_func(ending_free);
}

void hub_sessions_stop(Hub *hub) {
        for (unsigned i = 0; i < hub->endings->len; i++) {
                Ending *e = hub->endings->pdata[i];

                answer(e, -ECANCELED, "needled is stopping; the session is written before it ends.");
                if (e->session->announced)
                        bus_session_removed(hub->bus, e->session);
        }
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Session *s = tracker_session(((Follower *) hub->followers->pdata[i])->tracker);

                if (s && s->announced)
                        bus_session_removed(hub->bus, s);
        }
}

const TrackerObserver hub_tracker_observer = {
        .identify = on_identify,
        .opened = on_opened,
        .state_changed = on_state_changed,
        .frame = on_frame,
        .live = on_live,
        .waveform = on_waveform,
        .event = on_event,
        .unknown = on_unknown,
        .battery = on_battery,
        .gap = on_gap,
        .ending = on_ending,
        .ended = on_ended,
};

const BusOps hub_bus_ops = {
        .device_counters = op_device_counters,
        .session_start = op_session_start,
        .session_pause = op_session_pause,
        .session_finish = op_session_finish,
        .session_discard = op_session_discard,
        .now_usec = op_now_usec,
        .doctor = hub_doctor,
        .user_name = op_user_name,
};
