/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>

#include "hub-decode.h"
#include "needled/omp-records.h"
#include "store-fixture.h"
#include "store/series.h"

/* What comes back of a session is what it was: figures and curves, whatever the device did, to the last bit. */

#define SEC UINT64_C(1000000)
#define SESSION 2u               /* of omp1: the fixture gives those with odd numbers to a vendor */
#define CASES 12u               /* sessions */
#define QUESTIONS 40u           /* to each */

typedef struct Rig {
        Fixture f;
        Tracker *tracker;
        GArray *kept;                   /* Frame, each with its octets behind `data` of its own */
        Frame held;
        StoreSample sample;
        bool holds;
        uint64_t now_usec;
        uint32_t strokes, tick_offset;
        uint16_t live_sequence, waveform_sequence;
        uint64_t n_stored;

        bool answered;
        int error;
        StoreRecordFate fate;
        GArray *points;
        Figures figures;
        unsigned n_alerts;
} Rig;

static Hub hub;                         /* its profiles are all that the decoder asks for */

static int n_decoded;                   /* frames; changed on the reader's thread */

static void *begin(const StoreSession *session, void *userdata) {
        return hub_decoder.begin(session, &hub);
}

static void counted_frame(void *decoding, const Frame *frame, StoreSample *ret) {
        g_atomic_int_inc(&n_decoded);
        hub_decoder.frame(decoding, frame, ret);
}

/* As the hub does: a frame and what it says go into the store together. */
static void flush(Rig *rig) {
        if (!rig->holds)
                return;
        store_session_frame(rig->f.store, SESSION, &rig->held, &rig->sample);
        rig->n_stored++;
        rig->holds = false;
}

static void on_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        Rig *rig = userdata;
        Frame copy = *frame;

        flush(rig);
        copy.data = g_memdup2(frame->data, frame->size);
        g_array_append_val(rig->kept, copy);
        rig->held = copy;
        rig->sample = (StoreSample) {};
        rig->holds = true;
}

static void on_live(Tracker *tracker, Session *s, const Frame *frame, const OmpLive *live, void *userdata) {
        Rig *rig = userdata;

        hub_sample(s, live, &rig->sample);
}

static void on_ended(Tracker *tracker, Session *s, void *userdata) {
        Rig *rig = userdata;

        session_figures(s, s->end_boottime_usec, &rig->figures);
        rig->n_alerts = alerts_count(&s->alerts);
        session_free(s);
}

static const TrackerObserver observer = { .frame = on_frame, .live = on_live, .ended = on_ended };

static void send(Rig *rig, uint8_t channel, uint8_t direction, const uint8_t *data, int size) {
        g_assert_cmpint(size, >=, 0);
        tracker_frame(rig->tracker, &(Frame) { rig->now_usec, FIXTURE_START_REALTIME + rig->now_usec - FIXTURE_START_BOOTTIME, channel,
                                               direction, (uint16_t) size, data });
}

static void link_frame(Rig *rig, FrameLink what) {
        const uint8_t data = (uint8_t) what;

        send(rig, 0, FRAME_OF_LINK, &data, 1);
}

static void send_live(Rig *rig, GRand *rand, unsigned strokes) {
        uint8_t buf[OMP_VALUE_MAX];
        OmpLive live = {
                .flags = (uint16_t) (OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | (g_rand_int_range(rand, 0, 4) ? OMP_LIVE_DEPTH : 0) |
                                     (g_rand_int_range(rand, 0, 9) ? 0 : OMP_LIVE_RATE)),
                .sequence = rig->live_sequence++,
                .tick = (uint32_t) (rig->now_usec / OMP_TICK_USEC) - rig->tick_offset,
                .force_mean_mn = (int16_t) (g_rand_int_range(rand, 0, 50) ? g_rand_int_range(rand, -20, 3000) : OMP_FORCE_UNKNOWN),
                .force_peak_mn = (int16_t) (g_rand_int_range(rand, 0, 50) ? g_rand_int_range(rand, 3000, 6000) : OMP_FORCE_UNKNOWN),
                .strokes = rig->strokes += strokes,
                .last_stroke = (uint16_t) (rig->now_usec / OMP_TICK_USEC - rig->tick_offset - (uint32_t) g_rand_int_range(rand, 0, 90)),
                .depth_um = (uint16_t) g_rand_int_range(rand, 100, 2000),
                .rate_per_min = (uint16_t) g_rand_int_range(rand, 10, 9000),
        };

        send(rig, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, omp_live_encode(&live, buf, sizeof(buf)));
}

static void send_waveform(Rig *rig, GRand *rand) {
        uint8_t buf[OMP_VALUE_MAX];
        OmpWaveform waveform = { .sequence = rig->waveform_sequence++, .period_usec = 5000, .n = 20 };

        for (unsigned i = 0; i < waveform.n; i++)
                waveform.samples[i] = (int16_t) g_rand_int_range(rand, -100, 4000);
        send(rig, OMP_CHAR_WAVEFORM, FRAME_FROM_DEVICE, buf, omp_waveform_encode(&waveform, buf, sizeof(buf)));
}

static void send_feature(Rig *rig, GRand *rand) {
        uint8_t buf[OMP_VALUE_MAX];
        OmpFeature feature = { .major = 1, .bits = OMP_FEATURE_FORCE | (g_rand_boolean(rand) ? OMP_FEATURE_STROKES : 0), .kind = OMP_KIND_PEN,
                               .needles = 12 };

        send(rig, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, buf, omp_feature_encode(&feature, buf, sizeof(buf)));
}

static void step(Rig *rig, GRand *rand) {
        rig->now_usec += (uint64_t) g_rand_int_range(rand, 20000, 120000);
        switch (g_rand_int_range(rand, 0, 300)) {
        case 0:
                link_frame(rig, FRAME_LINK_LOST);
                rig->now_usec += (uint64_t) g_rand_int_range(rand, 1, 40) * SEC;
                link_frame(rig, FRAME_LINK_UP);
                if (g_rand_boolean(rand))
                        send_feature(rig, rand);
                break;
        case 1: /* a reboot */
                rig->strokes = 0;
                rig->tick_offset = (uint32_t) (rig->now_usec / OMP_TICK_USEC);
                rig->live_sequence = 0;
                link_frame(rig, FRAME_LINK_UP);
                break;
        case 2 ... 5:
                rig->live_sequence = (uint16_t) (rig->live_sequence + g_rand_int_range(rand, -6, 9));
                break;
        case 6:
                rig->now_usec += (uint64_t) g_rand_int_range(rand, 1, 9) * SEC; /* silence */
                break;
        case 7 ... 60:
                send_waveform(rig, rand);
                break;
        case 61 ... 110:
                send_live(rig, rand, 0);
                break;
        default:
                send_live(rig, rand, (unsigned) g_rand_int_range(rand, 0, 9));
                break;
        }
}

/* A session of some minutes, in the store and in `kept`; it is live still. */
static void record(Rig *rig, guint32 seed, unsigned steps) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
        SessionIdentity nobody = {};

        rig->now_usec = FIXTURE_START_BOOTTIME;
        fixture_begin_full(&rig->f, SESSION, FIXTURE_START_REALTIME, "AA:BB:CC:DD:EE:01", "me", 1000);
        g_assert_cmpint(tracker_start(rig->tracker, &nobody, rig->now_usec, FIXTURE_START_REALTIME), ==, 0);
        link_frame(rig, FRAME_LINK_UP);
        if (g_rand_boolean(rand))
                send_feature(rig, rand);
        for (unsigned i = 0; i < steps; i++) {
                step(rig, rand);
                if (i % 60 != 59)
                        continue;
                flush(rig);             /* a commit now and then, as time makes them: so that there are chunks */
                fixture_wait(&rig->f, fixture_has_committed, rig->n_stored);
        }
        flush(rig);
        fixture_wait(&rig->f, fixture_has_committed, rig->n_stored);
}

static void rig_init(Rig *rig) {
        *rig = (Rig) { .kept = g_array_new(FALSE, FALSE, sizeof(Frame)) };
        rig->tracker = tracker_new(&(TrackerSettings) { .idle_timeout_usec = 36000 * SEC, .window_usec = 36000 * SEC }, &observer, rig);
        fixture_init(&rig->f);
        rig->f.decoder = hub_decoder;
        rig->f.decoder.begin = begin;
        rig->f.decoder.frame = counted_frame;
        rig->f.collect_usec = 500;
        fixture_start(&rig->f);
}

static void rig_done(Rig *rig) {
        tracker_free(rig->tracker);
        fixture_stop(&rig->f);
        fixture_done(&rig->f);
        for (unsigned i = 0; i < rig->kept->len; i++)
                g_free((void *) g_array_index(rig->kept, Frame, i).data);
        g_array_unref(rig->kept);
        g_clear_pointer(&rig->points, g_array_unref);
}

static void change(Rig *rig, const char *sql) {
        sqlite3 *db;

        g_assert_cmpint(sqlite3_open_v2(rig->f.path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
        (void) sqlite3_busy_timeout(db, 10000);
        g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close(db);
}

static Rig *asking;

static bool is_answered(Fixture *f, uint64_t value) {
        return asking->answered;
}

static void wait_for(Rig *rig) {
        asking = rig;
        fixture_wait(&rig->f, is_answered, 0);
        g_assert_cmpint(rig->error, ==, 0);
}

static void on_series(int error, const StorePoint *points, size_t n, void *userdata) {
        Rig *rig = userdata;

        g_clear_pointer(&rig->points, g_array_unref);
        rig->points = g_array_new(FALSE, FALSE, sizeof(StorePoint));
        g_array_append_vals(rig->points, points, (guint) n);
        rig->answered = true;
        rig->error = error;
}

/* Of all frames, decoded from the first to the last. */
static void expect_curve(Rig *rig, const StoreSeries *wanted) {
        StoreSession row = { .profile = (char *) "omp1", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME };
        void *decoding = hub_decoder.begin(&row, &hub);
        Series series = {};

        series_init(&series, wanted);
        series_begin(&series, FIXTURE_START_BOOTTIME);
        for (unsigned i = 0; i < rig->kept->len; i++) {
                StoreSample sample;

                hub_decoder.frame(decoding, &g_array_index(rig->kept, Frame, i), &sample);
                series_add(&series, g_array_index(rig->kept, Frame, i).boottime_usec, &sample);
        }
        series_finish(&series);
        g_assert_cmpuint(rig->points->len, ==, series.points->len);
        for (unsigned i = 0; i < series.points->len; i++) { /* by members: a point has octets that mean nothing */
                const StorePoint *a = &g_array_index(rig->points, StorePoint, i), *b = &g_array_index(series.points, StorePoint, i);

                g_assert_true(a->usec == b->usec && a->min == b->min && a->mean == b->mean && a->max == b->max);
        }
        series_done(&series);
        hub_decoder.free(decoding);
}

static void ask_one(Rig *rig, const StoreSeries *wanted) {
        rig->answered = false;
        store_series(rig->f.store, wanted, on_series, rig);
        wait_for(rig);
        expect_curve(rig, wanted);
}

static void ask(Rig *rig, GRand *rand) {
        uint64_t length = rig->now_usec - FIXTURE_START_BOOTTIME;

        for (unsigned i = 0; i < QUESTIONS; i++) {
                uint64_t a = (uint64_t) g_rand_double_range(rand, 0, (double) length * 1.1);
                uint64_t b = (uint64_t) g_rand_double_range(rand, 0, (double) length * 1.1);
                StoreSeries wanted = {
                        .id = SESSION,
                        .metric = (StoreMetric) g_rand_int_range(rand, 0, _STORE_METRIC_MAX),
                        .from_usec = MIN(a, b),
                        .to_usec = MAX(a, b) + 1,
                        .points = (unsigned) g_rand_int_range(rand, 1, i % 2 ? 1000 : 12),
                };

                ask_one(rig, &wanted);
        }
}

static void on_replayed(int error, const StoreReplay *replay, void *userdata) {
        Rig *rig = userdata;
        const Session *session;

        rig->answered = true;
        rig->error = error;
        g_assert_nonnull(replay);
        g_assert_cmpuint(replay->n_frames, ==, rig->kept->len);
        g_assert_cmpuint(replay->figures.present, ==, rig->figures.present);
        for (Figure i = 0; i < _FIGURE_MAX; i++)
                g_assert_cmpint(replay->figures.value[i].i, ==, rig->figures.value[i].i); /* the octets of a double, too */
        session = decoding_session(replay->decoding);
        g_assert_cmpuint(alerts_count(&session->alerts), ==, rig->n_alerts);
        g_assert_cmpstr(session->owner_name, ==, "somebody");
}

static void test_any_session(void) {
        for (guint32 seed = 1; seed <= CASES; seed++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(seed * 1000);
                Rig rig;

                g_test_message("seed %u", seed);
                rig_init(&rig);
                record(&rig, seed, 4000);
                ask(&rig, rand);        /* while it is live */
                g_assert_cmpint(tracker_finish(rig.tracker, SESSION_END_USER, rig.now_usec, FIXTURE_START_REALTIME + rig.now_usec), ==, 0);
                store_session_end(rig.f.store, SESSION, &(StoreEnd) { .reason = "user", .boottime_usec = rig.now_usec, .figures = &rig.figures },
                                  NULL, NULL);
                while (fixture_get(&rig.f, SESSION) != 0)
                        continue;
                ask(&rig, rand);
                g_assert_cmpint(fixture_query(rig.f.path, "SELECT count(*) FROM chunk WHERE force_n > 0"), >, 20);
                rig.answered = false;
                store_replay(rig.f.store, SESSION, 1000, on_replayed, &rig);
                wait_for(&rig);
                rig_done(&rig);
        }
}

/* "From chunk minima first, decoding only what is needed": of a coarse curve, little more than what its edges cut. A rate takes all of
 * them where the device has said, once, that it does not count strokes. */
static void test_few_points_take_few_frames(void) {
        static const StoreMetric metrics[] = { STORE_METRIC_FORCE, STORE_METRIC_DEPTH };
        Rig rig;

        rig_init(&rig);
        record(&rig, 99, 6000);
        for (unsigned i = 0; i < G_N_ELEMENTS(metrics); i++) {
                uint64_t length = rig.now_usec - FIXTURE_START_BOOTTIME;
                StoreSeries wanted = { SESSION, metrics[i], 0, length + 1, 4, 1000 };

                g_atomic_int_set(&n_decoded, 0);
                ask_one(&rig, &wanted);
                g_assert_cmpint(g_atomic_int_get(&n_decoded), >, 0);
                g_assert_cmpint(g_atomic_int_get(&n_decoded), <, (int) rig.kept->len / 4);
        }
        rig_done(&rig);
}

/* ---- A record ---- */

#define PER_BODY 38u

/* What a device has stored of a session, entry by entry. */
typedef struct Recorded {
        GArray *frames;                 /* Frame, with octets of its own */
        GArray *entries;                /* StoreTimedSample: all of them */
} Recorded;

static void recorded_init(Recorded *r, GRand *rand, uint64_t from_usec, uint64_t length_usec) {
        unsigned n = (unsigned) (length_usec / SEC);

        *r = (Recorded) { g_array_new(FALSE, FALSE, sizeof(Frame)), g_array_new(FALSE, FALSE, sizeof(StoreTimedSample)) };
        for (unsigned first = 0; first < n; first += PER_BODY) {
                OmpTrace trace = { .record = 12, .first_entry = first, .period_10ms = 100, .n = (uint8_t) MIN(PER_BODY, n - first) };
                uint64_t at_usec = from_usec + first * SEC;
                uint8_t data[OMP_BODY_MAX];
                Frame frame = { FIXTURE_START_BOOTTIME + at_usec, FIXTURE_START_REALTIME + at_usec, OMP_CHAR_SESSION_DATA, FRAME_FROM_DEVICE, 0,
                                NULL };

                for (unsigned i = 0; i < trace.n; i++) {
                        OmpTraceEntry *e = &trace.entries[i];
                        StoreTimedSample t = { .boottime_usec = FIXTURE_START_BOOTTIME + at_usec + i * SEC,
                                               .sample.has = 1u << STORE_METRIC_FORCE | 1u << STORE_METRIC_STROKE_RATE };

                        *e = (OmpTraceEntry) { (int16_t) g_rand_int_range(rand, -20, 3000), (int16_t) g_rand_int_range(rand, 3000, 6000),
                                               (uint16_t) g_rand_int_range(rand, 0, 120) };
                        t.sample.mean[STORE_METRIC_FORCE] = e->force_mean_mn;
                        t.sample.max[STORE_METRIC_FORCE] = e->force_peak_mn;
                        t.sample.mean[STORE_METRIC_STROKE_RATE] = t.sample.max[STORE_METRIC_STROKE_RATE] = e->strokes * 60;
                        g_array_append_val(r->entries, t);
                }
                frame.size = (uint16_t) omp_trace_encode(&trace, data, sizeof(data));
                frame.data = g_memdup2(data, frame.size);
                g_array_append_val(r->frames, frame);
        }
}

static void recorded_done(Recorded *r) {
        for (unsigned i = 0; i < r->frames->len; i++)
                g_free((void *) g_array_index(r->frames, Frame, i).data);
        g_array_unref(r->frames);
        g_array_unref(r->entries);
}

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        Rig *rig = userdata;

        rig->answered = true;
        rig->error = error;
        rig->fate = fate;
}

static void put_record(Rig *rig, const Recorded *r, uint64_t id, uint64_t length_usec) {
        const StoreRecord record = {
                .session = {
                        .id = id,
                        .uuid = (char *) "21111111-0000-4000-8000-000000000001",
                        .device_address = (char *) "AA:BB:CC:DD:EE:01",
                        .device_alias = (char *) "pen",
                        .profile = (char *) "omp1",
                        .channels = (char *) "",
                        .owner = 1000,
                        .start_boottime_usec = FIXTURE_START_BOOTTIME,
                        .start_realtime_usec = FIXTURE_START_REALTIME,
                        .end_boottime_usec = FIXTURE_START_BOOTTIME + length_usec,
                        .end_realtime_usec = FIXTURE_START_REALTIME + length_usec,
                        .end_reason = (char *) "device",
                        .record = 12,
                        .epoch = 1,
                },
                .device_address_type = "random",
                .cursor = { .epoch = 1, .record = 12, .start = 99 },
                .frames = (const Frame *) (void *) r->frames->data,
                .n_frames = r->frames->len,
        };

        rig->answered = false;
        store_record_put(rig->f.store, &record, on_recorded, rig);
        wait_for(rig);
}

/* Of what was followed and of what the device has stored, value by value. */
static void assert_curve(Rig *rig, const Recorded *r, uint64_t id, StoreMetric metric, uint64_t from_usec, uint64_t to_usec, unsigned points) {
        const StoreSeries wanted = { id, metric, from_usec, to_usec, points, 1000 };
        StoreSession row = { .profile = (char *) "omp1", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME, .start_realtime_usec = FIXTURE_START_REALTIME };
        void *decoding = hub_decoder.begin(&row, &hub);
        g_autofree bool *live = g_new0(bool, DECODING_SECONDS);
        Series series = {};

        rig->answered = false;
        store_series(rig->f.store, &wanted, on_series, rig);
        wait_for(rig);
        series_init(&series, &wanted);
        series_begin(&series, FIXTURE_START_BOOTTIME);
        for (unsigned i = 0; i < rig->kept->len; i++) {
                const Frame *frame = &g_array_index(rig->kept, Frame, i);
                StoreSample sample;

                hub_decoder.frame(decoding, frame, &sample);
                series_add(&series, frame->boottime_usec, &sample);
                live[(frame->boottime_usec - FIXTURE_START_BOOTTIME) / SEC] |= ((const Decoding *) decoding)->is_live;
        }
        for (unsigned i = 0; i < r->entries->len; i++) {
                const StoreTimedSample *t = &g_array_index(r->entries, StoreTimedSample, i);
                uint64_t second = (t->boottime_usec - FIXTURE_START_BOOTTIME) / SEC;

                if (!live[second] && !live[second + 1] && !live[MAX(second, 1) - 1])
                        series_add(&series, t->boottime_usec, &t->sample);
        }
        series_finish(&series);
        g_assert_cmpuint(rig->points->len, ==, series.points->len);
        g_assert_cmpuint(series.points->len, >, 0);
        for (unsigned i = 0; i < series.points->len; i++) {
                const StorePoint *a = &g_array_index(rig->points, StorePoint, i), *b = &g_array_index(series.points, StorePoint, i);

                g_assert_cmpuint(a->usec, ==, b->usec);
                g_assert_cmpint(a->min, ==, b->min);
                g_assert_cmpint(a->mean, ==, b->mean);
                g_assert_cmpint(a->max, ==, b->max);
        }
        series_done(&series);
        hub_decoder.free(decoding);
}

static void assert_curves(Rig *rig, const Recorded *r, uint64_t id, uint64_t length_usec) {
        static const StoreMetric metrics[] = { STORE_METRIC_FORCE, STORE_METRIC_STROKE_RATE };

        for (unsigned i = 0; i < G_N_ELEMENTS(metrics); i++) {
                assert_curve(rig, r, id, metrics[i], 0, length_usec, (unsigned) (length_usec / SEC)); /* one for each entry */
                assert_curve(rig, r, id, metrics[i], 0, length_usec, 60);
                assert_curve(rig, r, id, metrics[i], 0, length_usec, 1);
                assert_curve(rig, r, id, metrics[i], length_usec / 3, length_usec / 3 + 20 * SEC, 7); /* within a body */
        }
}

/* A curve of a session that was only fetched has each entry at its own time, whatever the bodies that they came in. */
static void test_a_record(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(5);
        Recorded r;
        Rig rig;

        rig_init(&rig);
        recorded_init(&r, rand, 0, 601 * SEC);
        put_record(&rig, &r, SESSION, 601 * SEC);
        g_assert_cmpint(rig.fate, ==, STORE_RECORD_ADDED);
        assert_curves(&rig, &r, SESSION, 601 * SEC);
        recorded_done(&r);
        rig_done(&rig);
}

static void on_imported(int error, const char *message, uint64_t id, void *userdata) {
        Rig *rig = userdata;

        rig->answered = true;
        rig->error = error;
}

static int compare_times(const void *a, const void *b) {
        const Frame *x = a, *y = b;

        return (x->boottime_usec > y->boottime_usec) - (x->boottime_usec < y->boottime_usec);
}

/* As it is exported, in order of time: a body comes before much of what was seen live while its entries lasted. */
static void import(Rig *rig, const Recorded *r, uint64_t id, uint64_t length_usec) {
        const TapeHead head = { .profile = "omp1", .start_realtime_usec = FIXTURE_START_REALTIME };
        g_autoptr(GArray) frames = g_array_new(FALSE, FALSE, sizeof(Frame));
        g_autofree char *path = g_build_filename(rig->f.dir, "tape", NULL);
        g_autoptr(GString) tape = g_string_new(NULL);
        char line[TAPE_HEAD_MAX];

        g_array_append_vals(frames, r->frames->data, r->frames->len);
        g_array_append_vals(frames, rig->kept->data, rig->kept->len);
        g_array_sort(frames, compare_times);
        g_assert_cmpint(tape_format_head(&head, line, sizeof(line)), >, 0);
        g_string_append(tape, line);
        for (unsigned i = 0; i < frames->len; i++) {
                g_assert_cmpint(tape_format_frame(&head, &g_array_index(frames, Frame, i), FIXTURE_START_BOOTTIME, line, sizeof(line)), >, 0);
                g_string_append(tape, line);
        }
        g_assert_cmpint(tape_format_end(length_usec, 0, "user", line, sizeof(line)), >, 0);
        g_string_append(tape, line);
        g_assert_true(g_file_set_contents(path, tape->str, (gssize) tape->len, NULL));
        rig->answered = false;
        store_import(rig->f.store,
                     &(StoreImport) {
                             .session = { .id = id, .uuid = (char *) "", .device_address = (char *) "", .device_alias = (char *) "", .owner = 1000,
                                          .owner_name = (char *) "", .subject = (char *) "", .area = (char *) "", .product = (char *) "",
                                          .note = (char *) "", .source = (char *) "imported" },
                             .fd = open(path, O_RDONLY | O_CLOEXEC),
                     },
                     on_imported, rig);
        wait_for(rig);
}

/* "Gaps are filled from the record", and nothing but gaps; it is the same when the session was taken to another computer. */
static void test_a_session_and_its_record(void) {
        for (guint32 seed = 1; seed <= 3; seed++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
                uint64_t length_usec;
                Recorded r;
                Rig rig;

                rig_init(&rig);
                record(&rig, seed, 2000);
                length_usec = rig.now_usec - FIXTURE_START_BOOTTIME;
                store_session_end(rig.f.store, SESSION,
                                  &(StoreEnd) { .reason = "user", .boottime_usec = rig.now_usec,
                                                .realtime_usec = FIXTURE_START_REALTIME + length_usec, .record = 12, .epoch = 1 },
                                  NULL, NULL);
                while (fixture_get(&rig.f, SESSION) != 0)
                        continue;
                recorded_init(&r, rand, 0, length_usec);
                import(&rig, &r, SESSION + 1, length_usec);
                put_record(&rig, &r, SESSION + 2, length_usec);
                g_assert_cmpint(rig.fate, ==, STORE_RECORD_MERGED);
                assert_curves(&rig, &r, SESSION, length_usec);
                assert_curves(&rig, &r, SESSION + 1, length_usec);
                /* as an earlier version took it in */
                change(&rig, "UPDATE chunk SET figures_version = 2, force_n = 1, force_min = 30000, force_max = 30000, force_sum = 30000"
                             " WHERE session = 3 AND figures_version IS NULL;"
                             " UPDATE chunk SET figures_version = 2 WHERE session = 3");
                assert_curve(&rig, &r, SESSION + 1, STORE_METRIC_FORCE, 0, length_usec, 1);
                recorded_done(&r);
                rig_done(&rig);
        }
}

int main(int argc, char **argv) {
        int r;

        g_test_init(&argc, &argv, NULL);
        hub.profiles = profiles_new();
        g_test_add_func("/decode/any-session", test_any_session);
        g_test_add_func("/decode/few-points-take-few-frames", test_few_points_take_few_frames);
        g_test_add_func("/decode/a-record", test_a_record);
        g_test_add_func("/decode/a-session-and-its-record", test_a_session_and_its_record);
        r = g_test_run();
        profiles_free(hub.profiles);
        return r;
}
