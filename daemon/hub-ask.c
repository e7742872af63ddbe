/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "hub-decode.h"
#include "hub-private.h"

/* What clients ask of devices and sessions, once the bus has found that they may. */

#define NOTES_MAX 10000u                /* by hand in one session */

static const TrackerCounters *op_device_counters(Device *device, void *userdata) {
        Follower *f = device->follower;

        return tracker_counters(f->tracker);
}

static int op_device_sync(Device *device, BusDone done, void *call, const char **ret_message, void *userdata) {
        return hub_sync_ask(device, done, call, ret_message);
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
        if (!hub_sessions_make_room(f->hub)) {
                *ret_message = "Too many sessions that are over wait to be written; see the storage state of needled, and try again later.";
                return -ENOBUFS;
        }

        hub_session_profile(f, device->profile);
        hub_now(&now_usec, &realtime_usec);
        hub_session_identify(f, &identity);
        identity.owner = options->owner;
        identity.owner_name = hub_user_name(f->hub, options->owner);
        identity.subject = options->subject;
        identity.area = options->area;
        identity.product = options->product;
        identity.note = options->note;
        r = tracker_start(f->tracker, &identity, now_usec, realtime_usec);
        hub_frame_flush(f);
        if (r < 0)
                return r;

        *ret = tracker_session(f->tracker);
        return 0;
}

/* Everything said by hand goes into the record: a client in a loop must not fill it. */
static int may_note(const Follower *f) {
        return f->n_notes >= NOTES_MAX ? -ENOBUFS : 0;
}

/* What is so already is not kept, and not counted. */
static int noted(Follower *f, int r) {
        f->n_notes += r >= 0;
        return r;
}

static const char *refusal(int error) {
        return error == -ENOBUFS ? "So much was said in this session that no more is taken; finish it and go on in another." :
                                   "The session is over.";
}

/* The follower of a live session, and the moment. -ENOENT, -ENOBUFS; *ret_message says so. */
static int begin_note(Hub *hub, const Session *session, Follower **ret, uint64_t *ret_now_usec, uint64_t *ret_realtime_usec,
                      const char **ret_message) {
        Follower *f = hub_follower_of(hub, session);
        int r = f && tracker_session(f->tracker) == session ? may_note(f) : -ENOENT;

        if (r < 0) {
                *ret_message = refusal(r);
                return r;
        }

        hub_now(ret_now_usec, ret_realtime_usec);
        *ret = f;
        return 0;
}

static int op_session_stage(Session *session, Stage stage, const char **ret_message, void *userdata) {
        uint64_t now_usec, realtime_usec;
        Follower *f;
        int r;

        r = begin_note(userdata, session, &f, &now_usec, &realtime_usec, ret_message);
        return r < 0 ? r : noted(f, tracker_set_stage(f->tracker, stage, now_usec, realtime_usec));
}

static int op_session_area(Session *session, uint8_t area, const char **ret_message, void *userdata) {
        uint64_t now_usec, realtime_usec;
        Follower *f;
        int r;

        r = begin_note(userdata, session, &f, &now_usec, &realtime_usec, ret_message);
        return r < 0 ? r : noted(f, tracker_set_area(f->tracker, area, now_usec, realtime_usec));
}

static int op_session_mark(Session *session, const char *text, const char **ret_message, void *userdata) {
        uint64_t now_usec, realtime_usec;
        Follower *f;
        int r;

        r = begin_note(userdata, session, &f, &now_usec, &realtime_usec, ret_message);
        return r < 0 ? r : noted(f, tracker_mark(f->tracker, text, now_usec, realtime_usec));
}

/* Of a call that waits until labels are durable: it may have gone with the bus when they are. */
typedef struct Labelling {
        BusDone done;
        void *call;
} Labelling;

static void on_labelled(int error, void *userdata) {
        g_autofree Labelling *labelling = userdata;

        labelling->done(error, error == -ENOENT ? "The session is over and gone." : "", labelling->call);
}

static void set_label(char **label, const char *text) {
        if (!text)
                return;

        g_free(*label);
        *label = g_strdup(text);
}

static void op_session_annotate(Session *session, const StoreLabels *labels, BusDone done, void *call, void *userdata) {
        Hub *hub = userdata;
        Labelling *labelling = g_new0(Labelling, 1);

        set_label(&session->subject, labels->subject);
        set_label(&session->area, labels->area);
        set_label(&session->product, labels->product);
        set_label(&session->note, labels->note);
        *labelling = (Labelling) { done, call };
        store_session_label(hub->store, session->id, labels, on_labelled, labelling);
}

static int op_session_pause(Session *session, bool pause, const char **ret_message, void *userdata) {
        Hub *hub = userdata;
        Follower *f = hub_follower_of(hub, session);
        uint64_t now_usec, realtime_usec;
        int r = -ENOENT;

        hub_now(&now_usec, &realtime_usec);
        if (f && tracker_session(f->tracker) == session)
                r = may_note(f) < 0 ? -ENOBUFS :
                    pause           ? noted(f, tracker_pause(f->tracker, now_usec, realtime_usec))
                                    : noted(f, tracker_unpause(f->tracker, now_usec, realtime_usec));
        if (r == -ENOENT || r == -ENOBUFS)
                *ret_message = refusal(r);
        else if (r == -EALREADY && session->state == SESSION_INTERRUPTED) {
                *ret_message = "The session waits for its device and can be neither paused nor resumed; try again when the device is back.";
                r = -EAGAIN;
        } else if (r < 0)
                *ret_message = pause ? "The session is not running, so it cannot be paused." : "The session is not paused.";

        return r;
}

static void end_by_hand(Hub *hub, Session *session, SessionEnd end, BusDone done, void *call) {
        Follower *f = hub_follower_of(hub, session);
        uint64_t now_usec, realtime_usec;

        if (!f || tracker_session(f->tracker) != session) {
                done(-ENOENT, "The session is over.", call);
                return;
        }

        hub_now(&now_usec, &realtime_usec);
        (void) tracker_finish(f->tracker, end, now_usec, realtime_usec);

        /* The tracker has told that it ended; the store answers later, never from inside. */
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

static void op_erased(const StoreErased *erased, void *userdata) {
        hub_sessions_erased(userdata, erased);
}

static uint64_t op_session_id(void *userdata) {
        Hub *hub = userdata;

        return hub->next_session_id++;
}

static uint64_t op_now_usec(void *userdata) {
        uint64_t now_usec, realtime_usec;

        hub_now(&now_usec, &realtime_usec);
        return now_usec;
}

static const Session *op_replayed(const void *decoding, void *userdata) {
        return decoding_session(decoding);
}

static Replay *op_replay(const StoreSession *row, const TrackerObserver *observer, void *observer_userdata, uint8_t ret_map[static CHANNELS_MAX],
                         void *userdata) {
        bool mapped;

        return decoding_replay(userdata, row, observer, observer_userdata, ret_map, &mapped);
}

const BusOps hub_bus_ops = {
        .device_counters = op_device_counters,
        .device_sync = op_device_sync,
        .session_start = op_session_start,
        .session_pause = op_session_pause,
        .session_stage = op_session_stage,
        .session_area = op_session_area,
        .session_mark = op_session_mark,
        .session_annotate = op_session_annotate,
        .session_finish = op_session_finish,
        .session_discard = op_session_discard,
        .now_usec = op_now_usec,
        .doctor = hub_doctor,
        .user_name = op_user_name,
        .session_id = op_session_id,
        .erased = op_erased,
        .plan = &hub_plan_ops,
        .replayed = op_replayed,
        .replay = op_replay,
};
