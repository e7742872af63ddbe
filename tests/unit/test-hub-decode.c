/* SPDX-License-Identifier: LGPL-2.1-or-later */
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

static StoreSample sample_at(void *decoding, uint64_t second, uint8_t channel, const uint8_t *data, int size) {
        Frame frame = { FIXTURE_START_BOOTTIME + second * SEC, 0, channel, FRAME_FROM_DEVICE, (uint16_t) size, data };
        StoreSample sample;

        hub_decoder.frame(decoding, &frame, &sample);
        return sample;
}

/* "For the curves only the trace's entries that lie in a gap of the live session count." */
static void test_what_a_device_has_stored(void) {
        StoreSession row = { .profile = (char *) "omp1", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME };
        OmpLive live = { .flags = OMP_LIVE_CONTACT_YES, .force_mean_mn = 500, .force_peak_mn = 600 };
        OmpTrace trace = { .record = 1, .period_10ms = 100, .n = 2 };
        uint8_t live_data[OMP_VALUE_MAX], trace_data[OMP_BODY_MAX];
        void *decoding = hub_decoder.begin(&row, &hub);
        int live_size, trace_size;

        for (unsigned i = 0; i < trace.n; i++) {
                trace.entries[i].force_mean_mn = 1000;
                trace.entries[i].force_peak_mn = 2000;
        }
        live_size = omp_live_encode(&live, live_data, sizeof(live_data));
        trace_size = omp_trace_encode(&trace, trace_data, sizeof(trace_data));
        g_assert_cmpint(live_size, >, 0);
        g_assert_cmpint(trace_size, >, 0);
        g_assert_cmpint(sample_at(decoding, 10, OMP_CHAR_LIVE, live_data, live_size).mean[STORE_METRIC_FORCE], ==, 500);
        for (uint64_t second = 5; second < 16; second++) {
                StoreSample sample = sample_at(decoding, second, OMP_CHAR_SESSION_DATA, trace_data, trace_size);

                g_assert_cmpint(sample.has & 1u << STORE_METRIC_FORCE, ==, second >= 9 && second <= 11 ? 0 : 1u << STORE_METRIC_FORCE);
                if (sample.has)
                        g_assert_cmpint(sample.max[STORE_METRIC_FORCE], ==, 2000);
        }
        g_assert_cmpint(sample_at(decoding, 100000, OMP_CHAR_SESSION_DATA, trace_data, trace_size).has, !=, 0); /* more than a day later */
        g_assert_cmpint(sample_at(decoding, 5, OMP_CHAR_SESSION_DATA, trace_data, 3).has, ==, 0);
        hub_decoder.free(decoding);
}

static void test_a_profile_that_nobody_knows(void) {
        StoreSession row = { .profile = (char *) "gone", .channels = (char *) "", .uuid = (char *) "", .boot_id = (char *) "" };

        g_assert_null(hub_decoder.begin(&row, &hub));
}

int main(int argc, char **argv) {
        int r;

        g_test_init(&argc, &argv, NULL);
        hub.profiles = profiles_new();
        g_test_add_func("/decode/any-session", test_any_session);
        g_test_add_func("/decode/few-points-take-few-frames", test_few_points_take_few_frames);
        g_test_add_func("/decode/what-a-device-has-stored", test_what_a_device_has_stored);
        g_test_add_func("/decode/a-profile-that-nobody-knows", test_a_profile_that_nobody_knows);
        r = g_test_run();
        profiles_free(hub.profiles);
        return r;
}
