/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "stage.h"
#include "stage-plan.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "autoptr.h"
#include "needled/omp.h"
#include "session/session.h"

Scene *stage;

/* ---- The link ---- */

const char *link_bluetooth_name(LinkBluetooth b) {
        static const char *const names[] = { "absent", "no-adapter", "off", "ready" };

        return names[b];
}

LinkBluetooth link_bluetooth(const Link *link) {
        return stage->bluetooth;
}

bool link_searching(const Link *link) {
        return stage->searching;
}

const GPtrArray *link_devices(const Link *link) {
        return stage->devices;
}

int link_search(Link *link, uint64_t duration_usec) {
        if (stage->search_result < 0)
                return stage->search_result;

        stage->n_searches++;
        stage->search_usec = duration_usec;
        stage->searching = true;
        bus_searching_changed(stage->bus);
        return 0;
}

void link_search_stop(Link *link) {
        stage->n_search_stops++;
        stage->searching = false;
        bus_searching_changed(stage->bus);
}

static void begin_work(const char *work, LinkDone done, void *userdata) {
        g_assert_null(stage->work);
        stage->work = work;
        stage->work_done = done;
        stage->work_call = userdata;
}

void link_adopt(Link *link, Device *device, const LinkAdopt *options, LinkDone done, void *userdata) {
        g_free(stage->adopt_alias);
        stage->adopt_alias = g_strdup(options->alias);
        stage->adopt_unbonded = options->allow_unbonded;
        stage->adopt_owner = options->owner;
        stage->adopt_agent = options->agent ? *options->agent : (LinkPairingAgent) {};
        begin_work("adopt", done, userdata);
}

void link_forget(Link *link, Device *device, LinkDone done, void *userdata) {
        begin_work("forget", done, userdata);
}

void link_connect(Link *link, Device *device, LinkDone done, void *userdata) {
        begin_work("connect", done, userdata);
}

void link_release(Link *link, Device *device, uint64_t duration_usec, LinkDone done, void *userdata) {
        stage->release_usec = duration_usec;
        begin_work("release", done, userdata);
}

int link_control(Link *link, Device *device, LinkControl what, const DeviceParameters *parameters, LinkDone done, void *userdata,
                 const char **ret_message) {
        g_assert_true(device == &stage->device);
        stage->control = what;
        stage->parameters = parameters ? *parameters : (DeviceParameters) {};
        if (stage->control_error < 0) {
                *ret_message = "It cannot be asked: try again.";
                return stage->control_error;
        }

        begin_work("control", done, userdata);
        return 0;
}

void link_cancel(Link *link, void *userdata) {
        g_assert_true(userdata == stage->work_call);
        stage->n_link_cancels++;
        if (stage->adopt_agent.cancel)
                stage->adopt_agent.cancel(&stage->found, stage->adopt_agent.userdata);
        stage->work = NULL;
        stage->work_call = NULL;
}

int link_pairing_answer(Link *link, Device *device, int error, uint32_t passkey) {
        g_assert_true(device == &stage->found);
        stage->n_answers++;
        stage->answer_error = error;
        stage->answer = passkey;
        return 0;
}

const char *device_state_name(DeviceState state) {
        switch (state) {
        case DEVICE_FOUND:
                return "found";
        case DEVICE_STREAMING:
                return "streaming";
        case DEVICE_WAITING:
                return "waiting";
        case DEVICE_BOND_LOST:
                return "bond-lost";
        case DEVICE_REFUSED:
                return "refused";
        case DEVICE_KNOWN:
        case DEVICE_CONNECTING:
        case DEVICE_RESOLVING:
        case DEVICE_BONDING:
        case DEVICE_READY:
        case DEVICE_SYNCING:
        case DEVICE_RELEASED:
        case _DEVICE_STATE_MAX:
                break;
        }

        g_assert_not_reached(); /* the tests use those above */
}

const char *device_reason_name(DeviceReason reason) {
        return reason == DEVICE_REASON_AWAY ? "away" : "";
}

void device_set_alias(Device *device, const char *alias) {
        g_free(device->alias);
        device->alias = g_strdup(alias);
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}

void device_set_owner(Device *device, uid_t owner) {
        device->owner = owner;
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}

void device_set_auto_connect(Device *device, bool on) {
        device->auto_connect = on;
        bus_device_changed(stage->bus, device, DEVICE_CHANGED_IDENTITY);
}

/* ---- The store ---- */

typedef struct Query {
        StoreListed done;
        void *userdata;
        uint64_t id;                    /* 0: List */
        StoreFilter filter;
        sd_event_source *source;
} Query;

static GPtrArray *queries;

StoreState store_state(const Store *store) {
        return stage->storage;
}

const char *store_reason(const Store *store) {
        return stage->storage == STORE_READY ? "" : "The disk is full; make room.";
}

const char *store_state_name(StoreState state) {
        static const char *const names[] = { "opening", "ready", "degraded", "unavailable" };

        return names[state];
}

static int on_query(sd_event_source *source, void *userdata) {
        Query *q = userdata;
        g_autofree StoreSession *found = g_new0(StoreSession, stage->history->len + 1);
        size_t n = 0;

        for (unsigned i = 0; i < stage->history->len; i++) {
                const StoreSession *s = stage->history->pdata[i];

                if (q->id ? s->id == q->id
                          : (q->filter.owner == (uid_t) -1 || q->filter.owner == s->owner) &&
                                    n < q->filter.limit)
                        found[n++] = *s;
        }
        g_ptr_array_remove(queries, q);
        q->done(stage->store_error
                        ?: q->id && n == 0 ? -ENOENT
                                           : 0,
                found, stage->store_error ? 0 : n, q->userdata);
        sd_event_source_disable_unref(q->source);
        g_free(q);
        return 0;
}

static void query(uint64_t id, const StoreFilter *filter, StoreListed done, void *userdata) {
        Query *q = g_new0(Query, 1);

        stage->n_queries++;
        q->done = done;
        q->userdata = userdata;
        q->id = id;
        if (filter)
                stage->filter = q->filter = *filter;
        g_ptr_array_add(queries, q);
        g_assert_cmpint(sd_event_add_defer(stage->event, &q->source, on_query, q), >=, 0);
        if (stage->store_holds)
                g_assert_cmpint(sd_event_source_set_enabled(q->source, SD_EVENT_OFF), >=, 0);
}

void store_list(Store *store, const StoreFilter *filter, StoreListed done, void *userdata) {
        query(0, filter, done, userdata);
}

void store_get(Store *store, uint64_t id, StoreListed done, void *userdata) {
        query(id, NULL, done, userdata);
}

void store_events(Store *store, const StoreEventFilter *filter, StoreEventsRead done, void *userdata) {
        stage->event_filter = *filter;
        done(stage->store_error, (const StoreEvent *) stage->events->data, stage->store_error ? 0 : stage->events->len, userdata);
}

static void keep_labels(const StoreLabels *labels, uint64_t session) {
        stage->n_labels++;
        stage->labelled = session;
        stage->labels = (StoreLabels) {
                .subject = g_intern_string(labels->subject),
                .area = g_intern_string(labels->area),
                .product = g_intern_string(labels->product),
                .note = g_intern_string(labels->note),
                .rating = labels->rating,
        };
}

void store_session_label(Store *store, uint64_t session_id, const StoreLabels *labels, StoreDone done, void *userdata) {
        keep_labels(labels, session_id);
        stage->label_done = done;
        stage->label_userdata = userdata;
}

/* A replay or a series that is not answered yet. */
typedef struct StageScan {
        uint64_t id;
        StoreReplayed replayed;
        StoreSeriesRead series_read;
        void *userdata;
        bool forgotten;
} StageScan;

static GArray *scans;

static void answer_scan(const StageScan *scan) {
        StoreReplay replay = stage->replay;

        if (scan->forgotten) {
                if (scan->series_read)
                        scan->series_read(-ECANCELED, NULL, 0, scan->userdata);
                else
                        scan->replayed(-ECANCELED, NULL, scan->userdata);
                return;
        }
        if (scan->series_read) {
                scan->series_read(stage->scan_error, (const StorePoint *) (void *) stage->points->data,
                                  stage->scan_error ? 0 : stage->points->len, scan->userdata);
                return;
        }
        for (unsigned i = 0; i < stage->history->len; i++)
                if (((const StoreSession *) stage->history->pdata[i])->id == scan->id)
                        replay.session = stage->history->pdata[i];
        scan->replayed(stage->scan_error ?: replay.session ? stage->scan_error : -ENOENT, stage->scan_error ? NULL : &replay, scan->userdata);
}

static void push_scan(StageScan scan) {
        if (stage->scans_hold)
                g_array_append_val(scans, scan);
        else
                answer_scan(&scan);
}

void stage_scans_answer(void) {
        while (scans->len > 0) {
                StageScan scan = g_array_index(scans, StageScan, 0);

                g_array_remove_index(scans, 0);
                answer_scan(&scan);
        }
}

void store_replay(Store *store, uint64_t id, uid_t asker, StoreReplayed done, void *userdata) {
        push_scan((StageScan) { .id = id, .replayed = done, .userdata = userdata });
}

void store_series(Store *store, const StoreSeries *wanted, StoreSeriesRead done, void *userdata) {
        stage->series = *wanted;
        push_scan((StageScan) { .id = wanted->id, .series_read = done, .userdata = userdata });
}

void store_forget(Store *store, const void *userdata) {
        for (unsigned i = 0; i < scans->len; i++) {
                StageScan *scan = &g_array_index(scans, StageScan, i);

                g_assert_false(scan->forgotten && scan->userdata == userdata);
                scan->forgotten |= scan->userdata == userdata;
        }
        stage->n_forgotten++;
}

void store_export(Store *store, const StoreExport *wanted, StoreCounted counted, StoreDone ended, void *userdata) {
        stage->n_exports++;
        stage->export = *wanted;
        stage->export_head = *wanted->head;
        stage->export_counted = counted;
        stage->export_ended = ended;
        stage->export_userdata = userdata;
}

static void begin_erasing(const char *what, StoreErasedDone done, void *userdata) {
        g_assert_null(stage->erase_done);
        stage->erasing = what;
        stage->erase_done = done;
        stage->erase_userdata = userdata;
}

bool store_can_erase(Store *store) {
        return !stage->cannot_erase;
}

void store_delete(Store *store, uint64_t id, StoreErasedDone done, void *userdata) {
        stage->erase_id = id;
        begin_erasing("delete", done, userdata);
}

void store_erase_all(Store *store, uid_t owner, const char *owner_name, StoreErasedDone done, void *userdata) {
        stage->erase_owner_name = g_intern_string(owner_name);
        stage->erase_owner = owner;
        begin_erasing("all", done, userdata);
}

void store_erase_copies(Store *store, StoreErasedDone done, void *userdata) {
        begin_erasing("copies", done, userdata);
}

void stage_store_erased(int error, const StoreErased *erased) {
        StoreErasedDone done = g_steal_pointer(&stage->erase_done);

        stage->erasing = NULL;
        done(error, erased, stage->erase_userdata);
}

static char *intern(const char *text) {
        return (char *) g_intern_string(text);
}

void store_import(Store *store, const StoreImport *import, StoreImported done, void *userdata) {
        StoreSession *s = &stage->import.session;

        stage->n_imports++;
        stage->import = *import;
        s->uuid = intern(s->uuid);
        s->device_address = intern(s->device_address);
        s->device_alias = intern(s->device_alias);
        s->owner_name = intern(s->owner_name);
        s->subject = intern(s->subject);
        s->area = intern(s->area);
        s->product = intern(s->product);
        s->note = intern(s->note);
        s->source = intern(s->source);
        stage->import_done = done;
        stage->import_userdata = userdata;
}

void stage_store_labelled(int error) {
        StoreDone done = g_steal_pointer(&stage->label_done);

        if (done)
                done(error, stage->label_userdata);
}

void stage_store_answer(void) {
        stage_store_labelled(-ECANCELED);
        stage_scans_answer();
        while (queries->len > 0)
                (void) on_query(NULL, queries->pdata[0]);
}

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
        return pause ? tracker_pause(stage->tracker, stage->now_usec, stage->realtime_usec)
                     : tracker_unpause(stage->tracker, stage->now_usec, stage->realtime_usec);
}

static int op_session_stage(Session *session, Stage to, const char **ret_message, void *userdata) {
        return stage->op_error ?: tracker_set_stage(stage->tracker, to, stage->now_usec, stage->realtime_usec);
}

static int op_session_area(Session *session, uint8_t area, const char **ret_message, void *userdata) {
        return stage->op_error ?: tracker_set_area(stage->tracker, area, stage->now_usec, stage->realtime_usec);
}

static int op_session_mark(Session *session, const char *text, const char **ret_message, void *userdata) {
        return stage->op_error ?: tracker_mark(stage->tracker, text, stage->now_usec, stage->realtime_usec);
}

static void op_session_annotate(Session *session, const StoreLabels *labels, BusDone done, void *c, void *userdata) {
        keep_labels(labels, 0);
        stage->end_done = done;
        stage->end_call = c;
}

static void op_end(SessionEnd end, BusDone done, void *c) {
        stage->end_done = done;
        stage->end_call = c;
        g_assert_cmpint(tracker_finish(stage->tracker, end, stage->now_usec, stage->realtime_usec), ==, 0);
}

static void op_session_finish(Session *session, BusDone done, void *c, void *userdata) {
        op_end(SESSION_END_USER, done, c);
}

static void op_session_discard(Session *session, BusDone done, void *c, void *userdata) {
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
        if (stage->sync_result < 0) {
                *ret_message = "The device stores no sessions at all.";
                return stage->sync_result;
        }

        begin_work("sync", done, call);
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
        bus_stream_alert(stage->bus, session, alert, session_time(session, stage->now_usec), stage->realtime_usec);
}

static void on_gap(Tracker *tracker, Session *session, const SessionGap *gap, void *userdata) {
        bus_stream_gap(stage->bus, session, gap, stage->realtime_usec);
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

static void on_name_acquired(Bus *bus, void *userdata) {
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

static void stage_build(uint64_t release_usec) {
        g_assert_null(stage);
        stage = g_new0(Scene, 1);
        queries = g_ptr_array_new();
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
        scans = g_array_new(FALSE, FALSE, sizeof(StageScan));
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
                .release_usec = release_usec,
                .failed = on_failed,
                .name_acquired = on_name_acquired,
        }, &stage->bus), ==, 0);
        bus_device_added(stage->bus, &stage->found);
}

void stage_new_without_waiting(void) {
        stage_build(0);
}

void stage_new_with_release_time(uint64_t release_usec) {
        stage_build(release_usec);
        fake_bus_until(stage->fb, stage->acquired);
        fake_bus_settle(stage->fb);
}

void stage_new(void) {
        stage_new_without_waiting();
        fake_bus_until(stage->fb, stage->acquired);
        fake_bus_settle(stage->fb);
}

void stage_free(void) {
        stage->bus = bus_free(stage->bus);
        stage_store_answer(); /* the store outlives the bus: what was asked is answered all the same */
        session_free(stage->ended);
        tracker_free(stage->tracker);
        fake_bus_free(stage->fb);
        g_ptr_array_unref(stage->devices);
        g_ptr_array_unref(stage->history);
        g_array_unref(stage->events);
        g_array_unref(stage->points);
        g_array_unref(scans);
        g_ptr_array_unref(queries);
        g_free(stage->device.alias);
        g_free(stage->found.alias);
        g_free(stage->adopt_alias);
        g_free(stage->user_name);
        sd_event_unref(stage->event);
        g_clear_pointer(&stage, g_free);
}

/* ---- Printing ---- */

static void print_value(sd_bus_message *m, GString *s);

static void print_container(sd_bus_message *m, GString *s, char type, const char *contents) {
        const char *open = type == 'a' ? contents[0] == '{' ? "{" : "[" : type == 'r' ? "(" : "";
        const char *close = type == 'a' ? contents[0] == '{' ? "}" : "]" : type == 'r' ? ")" : "";
        unsigned n = 0;

        g_assert_cmpint(sd_bus_message_enter_container(m, type, contents), >, 0);
        g_string_append(s, open);
        while (sd_bus_message_at_end(m, false) == 0) {
                if (n++ > 0)
                        g_string_append(s, type == 'e' ? ": " : ", ");
                print_value(m, s);
        }
        g_string_append(s, close);
        g_assert_cmpint(sd_bus_message_exit_container(m), >=, 0);
}

static void print_value(sd_bus_message *m, GString *s) {
        const char *contents;
        union {
                uint8_t y;
                int b;
                int16_t n;
                uint16_t q;
                int32_t i;
                uint32_t u;
                int64_t x;
                uint64_t t;
                double d;
                const char *s;
        } v;
        char type;

        g_assert_cmpint(sd_bus_message_peek_type(m, &type, &contents), >, 0);
        if (strchr("avre", type)) {
                print_container(m, s, type, contents);
                return;
        }

        g_assert_cmpint(sd_bus_message_read_basic(m, type, &v), >, 0);
        switch (type) {
        case 'y':
                g_string_append_printf(s, "%u", v.y);
                break;
        case 'b':
                g_string_append(s, v.b ? "true" : "false");
                break;
        case 'n':
                g_string_append_printf(s, "%i", v.n);
                break;
        case 'i':
        case 'h':
                g_string_append_printf(s, "%i", v.i);
                break;
        case 'u':
                g_string_append_printf(s, "%u", v.u);
                break;
        case 't':
                g_string_append_printf(s, "%" PRIu64, v.t);
                break;
        case 'x':
                g_string_append_printf(s, "%" PRId64, v.x);
                break;
        case 'd':
                g_string_append_printf(s, "%g", v.d);
                break;
        case 's':
        case 'o':
        case 'g':
                g_string_append_printf(s, "%s", v.s);
                break;
        default:
                g_assert_not_reached(); /* our interfaces have no other types */
        }
}

char *stage_print(sd_bus_message *m) {
        GString *s = g_string_new(NULL);

        while (sd_bus_message_at_end(m, true) == 0) {
                if (s->len > 0)
                        g_string_append(s, " ");
                print_value(m, s);
        }

        return g_string_free(s, false);
}

char *stage_property(const char *sender, const char *path, const char *interface, const char *name) {
        g_autoptr(FakeCall) c =
                call(sender, path, "org.freedesktop.DBus.Properties", "Get", "ss", interface, name);

        return stage_print(expect(c, NULL));
}
