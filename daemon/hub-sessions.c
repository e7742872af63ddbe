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
#define ENDINGS_MAX 64u                 /* who begins and ends in a loop makes no more of them */

static void ending_free(void *p) {
        Ending *e = p;

        session_free(e->session);
        g_free(e);
}

static void ending_remove(Ending *e) {
        Hub *hub = e->hub;

        if (e->session->announced)
                bus_session_removed(hub->bus, e->session);
        g_ptr_array_remove_fast(hub->endings, e);
}

LogContext hub_session_context(const Session *s, const char *message_id) {
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

Follower *hub_follower_of(const Hub *hub, const Session *session) {
        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];

                if (tracker_session(f->tracker) == session || (f->device && g_str_equal(f->device->path, session->device_path)))
                        return f;
        }

        return NULL;
}

/* The order that clients rely on: durable → Added → State=finished → END → object removed 60 s later. While the database cannot be written nobody
 * waits for it: Added comes behind, when it is durable. */
static void announce_end(Ending *e, int error) {
        Hub *hub = e->hub;
        Session *s = e->session;
        Follower *f = hub_follower_of(hub, s);
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        if (s->end != SESSION_END_DISCARDED && error == -EIO && store_state(hub->store) != STORE_READY)
                bus_history_added_late(hub->bus, s->id, s->owner);
        else if (s->end != SESSION_END_DISCARDED)
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
        Follower *f;

        if (e->hub->stopping)
                return;

        announce_end(e, error);
        f = hub_follower_of(e->hub, e->session);
        if (f)
                hub_sync_session_over(f);
        if (error < 0)
                answer(e, error, "The session is finished, but could not be written yet; it is kept in memory and follows. See the storage "
                       "state of needled.");
        else
                answer(e, 0, "");
}

static void on_discarded(int error, void *userdata) {
        Ending *e = userdata;
        Follower *f;

        if (e->hub->stopping)
                return;

        announce_end(e, error);
        f = hub_follower_of(e->hub, e->session);
        if (f)
                hub_sync_session_over(f);
        answer(e, error, error < 0 ? "The session is discarded, but its data could not be erased yet; that follows when storage works again." : "");
}

/* ---- What the trackers tell ---- */

void hub_session_identify(Follower *f, SessionIdentity *ret) {
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
        hub_session_identify(userdata, ret);
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
                .acknowledged = s->acknowledged,
        };

        store_session_begin(hub->store, &row);
}

static void store_event(Follower *f, const Session *s, StoreEventKind kind, uint8_t code, uint64_t now_usec, uint64_t realtime_usec) {
        StoreEvent row = {
                .session_usec = session_time(s, now_usec),
                .realtime_usec = realtime_usec,
                .kind = kind,
                .code = code,
        };

        store_session_event(f->hub->store, s->id, &row);
}

/* It happens now. */
static void store_change(Follower *f, const Session *s, StoreEventKind kind, uint8_t code) {
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        store_event(f, s, kind, code, now_usec, realtime_usec);
}

static void on_opened(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;
        LogContext context = hub_session_context(s, NEEDLED_MESSAGE_SESSION_STARTED);

        (void) hub_sessions_make_room(f->hub);
        f->n_notes = 0;
        hub_sync_session_opened(f);
        hub_plan_session_opened(f->hub, s);
        store_begin(f->hub, s);
        hub_session_show(f, s);
        log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " started with %s", s->id, log_name(context.device).text);
        hub_status_changed(f->hub);
        hub_alert_battery(f);
}

static void on_state_changed(Tracker *tracker, Session *s, SessionState old, void *userdata) {
        Follower *f = userdata;
        LogContext context;

        store_change(f, s, STORE_EVENT_STATE, (uint8_t) s->state);
        bus_session_state_changed(f->hub->bus, s);
        hub_arm_tick(f->hub);
        hub_status_changed(f->hub);

        if (s->state == SESSION_INTERRUPTED) {
                context = hub_session_context(s, NEEDLED_MESSAGE_SESSION_INTERRUPTED);
                log_with(LOG_NOTICE, &context, "session %" G_GUINT64_FORMAT " is interrupted: the link to %s is away; it goes on when "
                         "the device is back", s->id, log_name(context.device).text);
        } else if (old == SESSION_INTERRUPTED) {
                context = hub_session_context(s, NEEDLED_MESSAGE_SESSION_RESUMED);
                log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " goes on with %s", s->id, log_name(context.device).text);
        }
}

static void on_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        Follower *f = userdata;

        s->kept = session_place_after(s->kept, frame);
        hub_frame_hold(f, s, frame);
        if (bus_session_has_readers(s))
                bus_stream_frame(f->hub->bus, s, frame);
}

static void on_live(Tracker *tracker, Session *s, const Frame *frame, const OmpLive *live, void *userdata) {
        Follower *f = userdata;

        hub_sample(s, live, &f->held.sample);
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

/* Once for each thing and session, and bounded: the tracker sees to it. */
static void on_unknown(Tracker *tracker, Session *s, const char *what, void *userdata) {
        LogContext context = hub_session_context(s, NULL);

        log_with(LOG_INFO, &context, "%s sent what this version does not know (%s); it is kept in session %" G_GUINT64_FORMAT,
                 log_name(context.device).text, what, s->id);
}

static void on_too_often(Tracker *tracker, void *userdata) {
        Follower *f = userdata;
        LogContext context = { .device = f->device ? hub_device_label(f->device) : "" };

        log_with(LOG_NOTICE, &context, "%s begins sessions too often; what it does in the rest of this minute is not recorded", log_name(context.device).text);
}

/* Only now does the device have a record of it. */
static void on_device_over(Tracker *tracker, void *userdata) {
        hub_sync_session_over(userdata);
}

static void on_battery(Tracker *tracker, unsigned percent, void *userdata) {
        Follower *f = userdata;

        if (f->device)
                device_set_battery(f->device, (uint8_t) percent);
}

static void on_stage_changed(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;

        store_change(f, s, STORE_EVENT_STAGE, (uint8_t) s->stage);
        bus_session_stage_changed(f->hub->bus, s);
}

static void on_area_changed(Tracker *tracker, Session *s, void *userdata) {
        store_change(userdata, s, STORE_EVENT_AREA, s->area_now);
}

static void on_mark(Tracker *tracker, Session *s, const Frame *frame, const char *text, void *userdata) {
        Follower *f = userdata;
        StoreEvent row = {
                .session_usec = session_time(s, frame->boottime_usec),
                .realtime_usec = frame->realtime_usec,
                .kind = STORE_EVENT_MARK,
                .text = text,
        };

        store_session_event(f->hub->store, s->id, &row);
        if (bus_session_has_readers(s))
                bus_stream_mark(f->hub->bus, s, frame, text);
}

static void on_alert(Tracker *tracker, Session *s, const Alert *alert, void *userdata) {
        Follower *f = userdata;
        bool raised = alert->cleared_usec == 0;
        StoreEvent row = {
                .session_usec = raised ? alert->raised_usec : alert->cleared_usec,
                .realtime_usec = s->start_realtime_usec + (raised ? alert->raised_usec : alert->cleared_usec),
                .kind = STORE_EVENT_ALERT,
                .code = (uint8_t) alert->code,
                .severity = (uint8_t) alert->level,
                .asserted = raised,
                .value = alert->value,
        };

        store_session_event(f->hub->store, s->id, &row);
        if (bus_session_has_readers(s))
                bus_stream_alert(f->hub->bus, s, alert);
        if (raised)
                hub_alert_log(f, s, alert->code, s->start_boottime_usec + alert->raised_usec);
}

static void on_gap(Tracker *tracker, Session *s, const SessionGap *gap, void *userdata) {
        Follower *f = userdata;
        StoreGap row = { .from_usec = gap->from_usec, .to_usec = gap->to_usec, .stream = (int) gap->stream, .lost = gap->lost };

        store_session_gap(f->hub->store, s->id, &row);
        if (bus_session_has_readers(s))
                bus_stream_gap(f->hub->bus, s, gap);
        if (gap->lost > 0)
                hub_alert_log(f, s, ALERT_SAMPLES_LOST, s->start_boottime_usec + gap->to_usec);
}

static void on_ending(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;

        hub_arm_tick(f->hub);
}

static void on_ended(Tracker *tracker, Session *s, void *userdata) {
        Follower *f = userdata;
        Hub *hub = f->hub;
        Ending *e = g_new0(Ending, 1);
        LogContext context = hub_session_context(s, NEEDLED_MESSAGE_SESSION_FINISHED);
        uint32_t epoch = f->device && s->record > 0 ? hub_sync_epoch(f->device, s->record) : 0;
        Figures figures;

        hub_frame_flush(f);
        e->hub = hub;
        e->session = s;
        g_ptr_array_add(hub->endings, e);
        hub_alerts_forget(f);
        hub_status_changed(hub);

        context.class = LOG_CLASS_RECORD;
        context.reason = session_end_name(s->end);
        if (s->end == SESSION_END_DISCARDED) {
                log_with(LOG_INFO, &context, "session %" G_GUINT64_FORMAT " was discarded", s->id);
                store_session_discard(hub->store, s->id, &(StoreBurial) {
                        .device_address = s->device_address,
                        .epoch = epoch,
                        .record = epoch > 0 ? s->record : 0,
                }, on_discarded, e);
                return;
        }

        session_figures(s, s->end_boottime_usec, &figures);
        hub_journal_finished(hub, s, &figures);
        store_event(f, s, STORE_EVENT_STATE, SESSION_FINISHED, s->end_boottime_usec, s->end_realtime_usec);
        store_session_end(hub->store, s->id, &(StoreEnd) {
                .reason = context.reason,
                .boottime_usec = s->end_boottime_usec,
                .realtime_usec = s->end_realtime_usec,
                .figures = &figures,
                .record = epoch > 0 ? s->record : 0,
                .epoch = epoch,
        }, on_stored, e);
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
        hub->figures_at_usec = now_usec + FIGURES_PERIOD_USEC;

        for (unsigned i = hub->endings->len; i-- > 0;) {
                Ending *e = hub->endings->pdata[i];

                if (e->remove_at_usec == 0 || e->remove_at_usec > now_usec)
                        continue;
                ending_remove(e);
        }
}

static Ending *longest_shown(const Hub *hub) {
        Ending *longest = NULL;

        for (unsigned i = 0; i < hub->endings->len; i++) {
                Ending *e = hub->endings->pdata[i];

                if (e->remove_at_usec > 0 && (!longest || e->remove_at_usec < longest->remove_at_usec))
                        longest = e;
        }

        return longest;
}

bool hub_sessions_make_room(Hub *hub) {
        while (hub->endings->len >= ENDINGS_MAX) {
                Ending *e = longest_shown(hub);

                if (!e) /* all wait to be written */
                        return false;
                ending_remove(e);
        }

        return true;
}

static bool is_erased(const StoreErased *erased, uint64_t id) {
        for (unsigned i = 0; i < erased->n_sessions; i++)
                if (erased->sessions[i].id == id)
                        return true;

        return false;
}

void hub_sessions_erased(Hub *hub, const StoreErased *erased) {
        for (unsigned i = hub->endings->len; i-- > 0;) {
                Ending *e = hub->endings->pdata[i];

                if (e->remove_at_usec == 0 || !is_erased(erased, e->session->id))
                        continue;
                bus_stream_erased(hub->bus, e->session);
                ending_remove(e);
        }
}

uint64_t hub_sessions_deadline(const Hub *hub) {
        uint64_t deadline = UINT64_MAX;

        for (unsigned i = 0; i < hub->followers->len; i++) {
                Follower *f = hub->followers->pdata[i];
                const Session *s = tracker_session(f->tracker);

                if (!s)
                        continue;
                deadline = MIN(deadline, tracker_deadline(f->tracker));
                if (s->state != SESSION_INTERRUPTED)
                        deadline = MIN(deadline, hub->figures_at_usec);
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
        .too_often = on_too_often,
        .device_over = on_device_over,
        .battery = on_battery,
        .stage_changed = on_stage_changed,
        .area_changed = on_area_changed,
        .mark = on_mark,
        .alert = on_alert,
        .gap = on_gap,
        .ending = on_ending,
        .ended = on_ended,
};
