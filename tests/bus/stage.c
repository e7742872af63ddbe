/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage.h"
#include "stage-parts.h"
#include "stage-plan.h"
#include "stage-walk.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "autoptr.h"
#include "needled/omp.h"
#include "session/session.h"

Scene *stage;

/* ---- The hub ---- */

static const TrackerCounters *op_device_counters(Device *device, void *userdata) {
        return tracker_counters(stage->tracker);
}

static void fill_identity(SessionIdentity *ret, uid_t owner) {
        *ret = (SessionIdentity) {
                .id = stage->next_id++,
                .uuid = "00000000-0000-4000-8000-000000000042",
                .boot_id = "0123456789abcdef0123456789abcdef",
                .owner = owner,
                .owner_name = "anna",
                .device_path = stage->device.path,
                .device_address = stage->device.address,
                .profile = "omp1",
        };
}

static int op_session_start(Device *device, const BusStartOptions *options, Session **ret,
                            const char **ret_message, void *userdata) {
        SessionIdentity identity;
        int r;

        g_assert_true(device == &stage->device);
        fill_identity(&identity, options->owner);
        identity.subject = options->subject;
        identity.area = options->area;
        identity.product = options->product;
        identity.note = options->note;
        r = tracker_start(stage->tracker, &identity, stage->now_usec, stage->realtime_usec);
        if (r < 0) {
                *ret_message = "A session is live already; finish it first.";
                return r;
        }

        *ret = tracker_session(stage->tracker);
        return 0;
}

static int op_session_pause(Session *session, bool pause, const char **ret_message, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        return pause ? tracker_pause(stage->tracker, stage->now_usec, stage->realtime_usec)
                     : tracker_unpause(stage->tracker, stage->now_usec, stage->realtime_usec);
}

static int op_session_stage(Session *session, Stage to, const char **ret_message, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        return stage->op_error ?: tracker_set_stage(stage->tracker, to, stage->now_usec, stage->realtime_usec);
}

static int op_session_area(Session *session, uint8_t area, const char **ret_message, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        return stage->op_error ?: tracker_set_area(stage->tracker, area, stage->now_usec, stage->realtime_usec);
}

static int op_session_mark(Session *session, const char *text, const char **ret_message, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        return stage->op_error ?: tracker_mark(stage->tracker, text, stage->now_usec, stage->realtime_usec);
}

static void op_session_annotate(Session *session, const StoreLabels *labels, BusDone done, void *c, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        stage_keep_labels(labels, 0);
        stage->end_done = done;
        stage->end_call = c;
}

static void op_end(SessionEnd end, BusDone done, void *c) {
        stage->end_done = done;
        stage->end_call = c;
        g_assert_cmpint(tracker_finish(stage->tracker, end, stage->now_usec, stage->realtime_usec), ==, 0);
}

static void op_session_finish(Session *session, BusDone done, void *c, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        op_end(SESSION_END_USER, done, c);
}

static void op_session_discard(Session *session, BusDone done, void *c, void *userdata) {
        g_assert_true(session == tracker_session(stage->tracker));
        op_end(SESSION_END_DISCARDED, done, c);
}

static uint64_t op_now_usec(void *userdata) {
        return stage->now_usec;
}

static const char *op_user_name(uid_t uid, void *userdata) {
        return uid == OWNER_UID && stage->user_name ? stage->user_name : uid == OTHER_UID ? "other" : "";
}

static void op_erased(const StoreErased *erased, void *userdata) {
        stage->n_erased += erased->n_sessions;
}

static uint64_t op_session_id(void *userdata) {
        return stage->next_id++;
}

static void op_doctor(FindingReport report, void *report_userdata, void *userdata) {
        for (size_t i = 0; i < stage->n_findings; i++)
                report(&stage->findings[i], report_userdata);
}

static const Session *op_replayed(const void *decoding, void *userdata) {
        return decoding;
}

static int op_device_sync(Device *device, BusDone done, void *call, const char **ret_message, void *userdata) {
        g_assert_true(device == &stage->device);
        if (stage->sync_result < 0) {
                *ret_message = "The device stores no sessions at all.";
                return stage->sync_result;
        }

        stage_begin_work("sync", done, call);
        return 0;
}

static const BusOps ops = {
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
        .doctor = op_doctor,
        .user_name = op_user_name,
        .session_id = op_session_id,
        .erased = op_erased,
        .replayed = op_replayed,
        .replay = stage_walk_replay,
        .plan = &stage_plan_ops,
};

static void on_identify(Tracker *tracker, SessionIdentity *ret, void *userdata) {
        fill_identity(ret, OWNER_UID);
}

static void on_opened(Tracker *tracker, Session *session, void *userdata) {
        bus_session_added(stage->bus, session);
        bus_device_session_changed(stage->bus, &stage->device, session);
}

static void on_state_changed(Tracker *tracker, Session *session, SessionState old, void *userdata) {
        if (session->state != SESSION_FINISHED)
                bus_session_state_changed(stage->bus, session);
}

static void on_frame(Tracker *tracker, Session *session, const Frame *frame, void *userdata) {
        stage_walk_keep(session, frame);
        bus_stream_frame(stage->bus, session, frame);
}

static void on_live(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live,
                    void *userdata) {
        bus_stream_live(stage->bus, session, frame, live);
}

static void on_waveform(Tracker *tracker, Session *session, const Frame *frame, const OmpWaveform *waveform,
                        void *userdata) {
        bus_stream_waveform(stage->bus, session, frame, waveform);
}

static void on_event(Tracker *tracker, Session *session, const Frame *frame, const OmpEvent *event,
                     void *userdata) {
        bus_stream_event(stage->bus, session, frame, event);
}

static void on_stage_changed(Tracker *tracker, Session *session, void *userdata) {
        bus_session_stage_changed(stage->bus, session);
}

static void on_mark(Tracker *tracker, Session *session, const Frame *frame, const char *text, void *userdata) {
        bus_stream_mark(stage->bus, session, frame, text);
}

static void on_alert(Tracker *tracker, Session *session, const Alert *alert, void *userdata) {
        bus_stream_alert(stage->bus, session, alert);
}

static void on_gap(Tracker *tracker, Session *session, const SessionGap *gap, void *userdata) {
        bus_stream_gap(stage->bus, session, gap);
}

static void on_ended(Tracker *tracker, Session *session, void *userdata) {
        stage->ended = session;
}

static const TrackerObserver observer = {
        .identify = on_identify,
        .opened = on_opened,
        .state_changed = on_state_changed,
        .frame = on_frame,
        .live = on_live,
        .waveform = on_waveform,
        .event = on_event,
        .stage_changed = on_stage_changed,
        .mark = on_mark,
        .alert = on_alert,
        .gap = on_gap,
        .ended = on_ended,
};

static void send_frame(OmpChar channel, const uint8_t *data, int size) {
        g_assert_cmpint(size, >, 0);
        tracker_frame(stage->tracker, &(Frame) {
                .boottime_usec = stage->now_usec,
                .realtime_usec = stage->realtime_usec,
                .channel = (uint8_t) channel,
                .direction = FRAME_FROM_DEVICE,
                .size = (uint16_t) size,
                .data = data,
        });
}

void stage_link(FrameLink what) {
        const uint8_t data = (uint8_t) what;

        tracker_frame(stage->tracker, &(Frame) {
                .boottime_usec = stage->now_usec,
                .realtime_usec = stage->realtime_usec,
                .direction = FRAME_OF_LINK,
                .size = 1,
                .data = &data,
        });
}

static void time_passes(uint64_t usec) {
        stage->now_usec += usec;
        stage->realtime_usec += usec;
        stage->tick += (uint32_t) (usec / OMP_TICK_USEC);
}

void stage_live(unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                uint8_t buffer[OMP_VALUE_MAX];
                OmpLive live = {
                        .flags = OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_SESSION | OMP_LIVE_DEPTH,
                        .sequence = stage->sequence++,
                        .tick = stage->tick,
                        .force_mean_mn = FORCE_MEAN_MN,
                        .force_peak_mn = FORCE_PEAK_MN,
                        .strokes = stage->strokes += 5,
                        .last_stroke = (uint16_t) stage->tick,
                        .depth_um = 500,
                };

                send_frame(OMP_CHAR_LIVE, buffer, omp_live_encode(&live, buffer, sizeof(buffer)));
                time_passes(50000);
        }
}

void stage_waveform(void) {
        static uint16_t sequence;
        uint8_t buffer[OMP_VALUE_MAX];
        const OmpWaveform waveform = {
                .sequence = sequence++,
                .tick = stage->tick,
                .period_usec = 1000,
                .n = 3,
                .samples = { -5, 0, FORCE_PEAK_MN },
        };

        send_frame(OMP_CHAR_WAVEFORM, buffer, omp_waveform_encode(&waveform, buffer, sizeof(buffer)));
}

Session *stage_session(void) {
        stage_link(FRAME_LINK_UP);
        stage_live(20);
        g_assert_nonnull(tracker_session(stage->tracker));
        fake_bus_settle(stage->fb);
        return tracker_session(stage->tracker);
}

void stage_session_durable(void) {
        Session *s = stage->ended;
        BusDone done = stage->end_done;

        g_assert_nonnull(s);
        if (s->end != SESSION_END_DISCARDED)
                bus_history_added(stage->bus, s->id, s->owner);
        bus_session_state_changed(stage->bus, s);
        bus_stream_end(stage->bus, s, stage->now_usec, stage->realtime_usec);
        bus_device_session_changed(stage->bus, &stage->device, NULL);
        stage->end_done = NULL;
        if (done)
                done(0, "", stage->end_call);
}

void stage_session_remove(void) {
        bus_session_removed(stage->bus, stage->ended);
        stage->ended = session_free(stage->ended);
}

/* ---- The stage ---- */

static void on_failed(Bus *bus, int error, const char *message, void *userdata) {
        g_assert_true(g_str_has_suffix(message, "."));
        stage->failed = error;
}

static void on_stalled(Bus *bus, void *userdata) {
        stage->n_stalls++;
}

static void on_name_acquired(Bus *bus, void *userdata) {
        g_assert_false(stage->acquired); /* once */
        stage->acquired = true;
}

static void make_device(Device *d, const char *path, const char *address, bool adopted) {
        *d = (Device){
                .path = (char *) path,
                .address = (char *) address,
                .address_type = (char *) "random",
                .adapter = (char *) "00:AA:01:00:00:00",
                .name = (char *) "OMP Pen",
                .alias = g_strdup(adopted ? "Pen" : ""),
                .manufacturer = (char *) "ACME",
                .model = (char *) "P1",
                .serial = (char *) "0042",
                .firmware = (char *) "\xff\xfe", /* not UTF-8: a device may say anything */
                .owner = adopted ? OWNER_UID : DEVICE_OWNER_NONE,
                .adopted = adopted,
                .bonded = adopted,
                .auto_connect = adopted,
                .has_feature = adopted,
                .feature = { .major = 1,
                             .bits = OMP_FEATURE_FORCE | OMP_FEATURE_STROKES,
                             .kind = OMP_KIND_PEN,
                             .needles = 16,
                             .full_scale_mn = 30000,
                             .sample_rate_hz = 200,
                             .max_depth_um = 2000,
                             .capacity = 50 },
                .state = adopted ? DEVICE_STREAMING : DEVICE_FOUND,
                .battery = adopted ? 80 : DEVICE_BATTERY_UNKNOWN,
                .rssi = -60,
                .state_since_usec = 1700000000000000,
                .counters = { .connects = 3, .received = 1234, .oversize_or_empty = 1, .interferences = 2 },
        };
}

/* How long things take; 0: as ever. */
typedef struct StageTimes {
        uint64_t release_usec, stall_usec, leaving_usec;
} StageTimes;

static void stage_build(StageTimes times) {
        g_assert_null(stage);
        stage = g_new0(Scene, 1);
        g_assert_cmpint(sd_event_new(&stage->event), >=, 0);
        stage->fb = fake_bus_new(stage->event);
        fake_bus_user(stage->fb, OWNER, OWNER_UID);
        fake_bus_user(stage->fb, OTHER, OTHER_UID);
        fake_bus_user(stage->fb, ROOT, 0);
        fake_bus_user(stage->fb, SELF, 990);

        make_device(&stage->device, "C0_FF_EE_12_34_56", "C0:FF:EE:12:34:56", true);
        make_device(&stage->found, "C0_FF_EE_00_00_01", "C0:FF:EE:00:00:01", false);
        stage->devices = g_ptr_array_new();
        g_ptr_array_add(stage->devices, &stage->device);
        stage->history = g_ptr_array_new();
        stage->events = g_array_new(FALSE, FALSE, sizeof(StoreEvent));
        stage->points = g_array_new(FALSE, FALSE, sizeof(StorePoint));
        stage_store_init();
        stage_walk_init();
        stage->bluetooth = LINK_BLUETOOTH_READY;
        stage->storage = STORE_READY;
        stage->now_usec = UINT64_C(5000000000);
        stage->realtime_usec = UINT64_C(1700000000000000);
        stage->tick = 1000;
        stage->next_id = 42;
        stage->tracker = tracker_new(&(TrackerSettings) { .auto_start = true, .idle_timeout_usec = 120000000,
                                                          .window_usec = 600000000 }, &observer, NULL);

        g_assert_cmpint(bus_new(&(BusSettings) {
                .event = stage->event,
                .ops = &ops,
                .daemon_uid = 990,
                .release_usec = times.release_usec,
                .stall_usec = times.stall_usec,
                .leaving_usec = times.leaving_usec,
                .stalled = on_stalled,
                .failed = on_failed,
                .name_acquired = on_name_acquired,
        }, &stage->bus), ==, 0);
        g_assert_cmpint(bus_take_name(stage->bus), ==, 0);
        bus_device_added(stage->bus, &stage->found);
}

void stage_new_without_waiting(void) {
        stage_build((StageTimes) {});
}

static void stage_settle(void) {
        fake_bus_until(stage->fb, stage->acquired);
        fake_bus_settle(stage->fb);
}

void stage_new_with_release_time(uint64_t release_usec) {
        stage_build((StageTimes) { .release_usec = release_usec });
        stage_settle();
}

void stage_new_with_stall_time(uint64_t stall_usec) {
        stage_build((StageTimes) { .stall_usec = stall_usec });
        stage_settle();
}

void stage_new_with_leaving_time(uint64_t leaving_usec) {
        stage_build((StageTimes) { .leaving_usec = leaving_usec });
        stage_settle();
}

void stage_new(void) {
        stage_new_without_waiting();
        stage_settle();
}

void stage_free(void) {
        stage->bus = bus_free(stage->bus);
        stage_walk_done();
        stage_store_answer(); /* the store outlives the bus: what was asked is answered all the same */
        session_free(stage->ended);
        tracker_free(stage->tracker);
        fake_bus_free(stage->fb);
        g_ptr_array_unref(stage->devices);
        g_ptr_array_unref(stage->history);
        g_array_unref(stage->events);
        g_array_unref(stage->points);
        stage_store_done();
        g_free(stage->device.alias);
        g_free(stage->found.alias);
        g_free(stage->adopt_alias);
        g_free(stage->user_name);
        sd_event_unref(stage->event);
        g_clear_pointer(&stage, g_free);
}
