/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/stored.h"

#include "talk.h"

/* What becomes of a record that a device has kept. */

static const uint8_t example[] = { /* profile 1.10 */
        0x01, 0x09, 0x39, 0x00, 0x00, 0x00, 0x32, 0x28, 0xa7, 0x1c, 0x32, 0x00, 0x00, 0x01, 0x08, 0x64, 0x02, 0xe8, 0x01, 0xcf,
        0xdc, 0x00, 0x00, 0x25, 0x00, 0x00, 0x00, 0x00, 0x00, 0x8e, 0x03, 0x5c, 0x08, 0x5a, 0x14, 0x03, 0x00, 0x18, 0x00, 0xf4,
        0x01, 0xee, 0x02, 0x26, 0x1b, 0x03, 0xee, 0xff, 0xc0, 0x00, 0x01, 0x00, 0x58, 0x51, 0x50, 0x90,
};

static const struct {
        Figure figure;
        int64_t value;
} expected[] = {
        { FIGURE_DURATION, 612 * 1000000 }, { FIGURE_CONTACT_TIME, 488 * 1000000 }, { FIGURE_STROKES, 56527 },
        { FIGURE_PASSES, 37 }, { FIGURE_FORCE_MEAN, 910 }, { FIGURE_FORCE_P95, 2140 }, { FIGURE_FORCE_PEAK, 5210 },
        { FIGURE_OVER_COUNT, 3 }, { FIGURE_OVER_TIME, 2400000 }, { FIGURE_DEPTH, 500 }, { FIGURE_DEPTH_MAX, 750 },
};

static void expect_example(const Figures *f) {
        uint64_t present = UINT64_C(1) << FIGURE_STROKE_RATE;

        for (size_t i = 0; i < G_N_ELEMENTS(expected); i++) {
                g_assert_true(figures_has(f, expected[i].figure));
                g_assert_cmpint(f->value[expected[i].figure].i, ==, expected[i].value);
                present |= UINT64_C(1) << expected[i].figure;
        }
        g_assert_cmpfloat(f->value[FIGURE_STROKE_RATE].d, ==, 6950);
        g_assert_cmphex(f->present, ==, present); /* what the record does not have is absent */
}

static void test_figures(void) {
        OmpRecord record;
        Figures figures;

        g_assert_cmpint(omp_record_decode(example, sizeof(example), &record), ==, 0);
        stored_figures(&record, &figures);
        expect_example(&figures);
}

static void test_what_is_known_is_there(void) {
        static const OmpRecord record = { .duration_sec = 1, .contact_sec = 1, .strokes = 1, .passes = 1, .distance_mm = 1, .rate_per_min = 1,
                                          .over_count = 1, .depth_um = 1, .depth_max_um = 1 };
        Figures figures;

        stored_figures(&record, &figures);
        g_assert_cmpint(figures.value[FIGURE_DURATION].i, ==, SEC);
        g_assert_cmpint(figures.value[FIGURE_CONTACT_TIME].i, ==, SEC);
        g_assert_cmpint(figures.value[FIGURE_STROKES].i, ==, 1);
        g_assert_cmpint(figures.value[FIGURE_PASSES].i, ==, 1);
        g_assert_cmpint(figures.value[FIGURE_DISTANCE].i, ==, 1);
        g_assert_cmpint(figures.value[FIGURE_OVER_COUNT].i, ==, 1);
        g_assert_cmpint(figures.value[FIGURE_OVER_TIME].i, ==, 0);
        g_assert_cmpint(figures.value[FIGURE_DEPTH].i, ==, 1);
        g_assert_cmpint(figures.value[FIGURE_DEPTH_MAX].i, ==, 1);
        g_assert_cmpfloat(figures.value[FIGURE_STROKE_RATE].d, ==, 1);
}

/* Where the force is unknown overpressure may be known all the same. */
static void test_overpressure_without_a_force(void) {
        OmpRecord record = { .force_mean_mn = OMP_FORCE_UNKNOWN, .force_p95_mn = OMP_FORCE_UNKNOWN, .force_peak_mn = OMP_FORCE_UNKNOWN,
                             .over_count = 2, .over_100ms = 15 };
        Figures figures;

        stored_figures(&record, &figures);
        g_assert_cmpint(figures.value[FIGURE_OVER_COUNT].i, ==, 2);
        g_assert_cmpint(figures.value[FIGURE_OVER_TIME].i, ==, 1500000);
        record.over_count = 0;
        stored_figures(&record, &figures);
        g_assert_false(figures_has(&figures, FIGURE_OVER_COUNT) || figures_has(&figures, FIGURE_OVER_TIME));
}

/* "Unknown" of each. */
static void test_what_is_not_known_is_absent(void) {
        const OmpRecord record = {
                .force_mean_mn = OMP_FORCE_UNKNOWN, .force_p95_mn = OMP_FORCE_UNKNOWN, .force_peak_mn = OMP_FORCE_UNKNOWN,
                .depth_um = OMP_U16_UNKNOWN, .depth_max_um = OMP_U16_UNKNOWN,
        };
        Figures figures;

        stored_figures(&record, &figures);
        g_assert_cmphex(figures.present, ==, UINT64_C(1) << FIGURE_DURATION | UINT64_C(1) << FIGURE_STROKES);
}

static void feed(Replay *replay, const uint8_t *data, size_t size, uint64_t at_usec) {
        const Frame frame = { .boottime_usec = at_usec, .channel = OMP_CHAR_SESSION_DATA, .size = (uint16_t) size, .data = data };

        g_assert_false(replay_frame(replay, &frame));
}

/* The figures come from the kept frames again, and so do the area and what was wrong with the clock. */
static void test_replay(void) {
        g_autoptr(Replay) replay = replay_new(&(ReplaySettings) { .start_boottime_usec = 0 });
        OmpTrace trace = { .record = 57, .n = 2, .period_10ms = 100, .last = true };
        uint8_t chunk[OMP_VALUE_MAX], area;
        Figures figures;
        int n = omp_trace_encode(&trace, chunk, sizeof(chunk));

        feed(replay, example, sizeof(example), 0);
        feed(replay, chunk, (size_t) n, 0);
        feed(replay, example, 10, 0);   /* cut off */
        replay_figures(replay, 612 * SEC, &figures);
        expect_example(&figures);
        g_assert_cmpuint(replay_session(replay)->record, ==, 57);
        g_assert_true(session_area_figures(replay_session(replay), 0, &area, &figures));
        g_assert_cmpuint(area, ==, 3);
        expect_example(&figures);
        g_assert_false(session_area_figures(replay_session(replay), 1, &area, &figures));
        g_assert_false(alerts_stands(&replay_session(replay)->alerts, ALERT_CLOCK_UNSET));
}

static void test_clock_was_not_set(void) {
        g_autoptr(Replay) replay = replay_new(&(ReplaySettings) { .start_boottime_usec = 0 });
        const OmpRecord record = { .number = 1, .start = omp_elapsed_unset(12345), .duration_sec = 1 };
        uint8_t body[OMP_VALUE_MAX];

        feed(replay, body, (size_t) omp_record_encode(&record, body, sizeof(body)), 0);
        g_assert_true(alerts_stands(&replay_session(replay)->alerts, ALERT_CLOCK_UNSET));
}

/* "live figures stand": what is added to a session that was followed changes nothing. */
static void test_merged(void) {
        g_autoptr(Talk) talk = talk_new(NULL);
        Figures before, after;
        uint64_t start_usec;

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 30, 0);
        start_usec = session(talk)->start_boottime_usec;
        stop(talk);
        replay(talk, start_usec, talk->now_usec, &before);
        keep(talk, &(Frame) { .boottime_usec = talk->now_usec, .channel = OMP_CHAR_SESSION_DATA, .size = sizeof(example), .data = example });
        replay(talk, start_usec, talk->now_usec, &after);
        g_assert_cmpmem(&before, sizeof(before), &after, sizeof(after));
}

/* By Status while the device's session runs, or by its event. */
static void test_number(void) {
        const OmpStatus status = { .state = OMP_STATE_RUNNING, .flags = OMP_STATUS_SESSION, .session_id = 57 };
        g_autoptr(Talk) talk = talk_new(NULL);
        uint8_t data[OMP_VALUE_MAX];
        int n = omp_status_encode(&status, data, sizeof(data));

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 2, 0);
        g_assert_cmpuint(session(talk)->record, ==, 0);
        raw(talk, OMP_CHAR_STATUS, FRAME_FROM_DEVICE, data, (size_t) n);
        g_assert_cmpuint(session(talk)->record, ==, 57);
}

static void test_sample(void) {
        OmpTrace trace = { .n = 3, .period_10ms = 100, .entries = { { 800, 1300, 116 }, { OMP_FORCE_UNKNOWN, OMP_FORCE_UNKNOWN, 0 }, { 900, 1502, 118 } } };
        StoredSample sample;

        stored_sample(&trace, 0, &sample);
        g_assert_true(sample.has_force && sample.has_rate);
        g_assert_cmpint(sample.force_mean_mn, ==, 800);
        g_assert_cmpint(sample.force_peak_mn, ==, 1300);
        g_assert_cmpint(sample.rate_per_min, ==, 116 * 60);
        stored_sample(&trace, 1, &sample);
        g_assert_true(!sample.has_force && sample.has_rate);
        g_assert_cmpint(sample.rate_per_min, ==, 0);
        stored_sample(&trace, 2, &sample);
        g_assert_cmpint(sample.force_mean_mn, ==, 900);
        g_assert_cmpint(sample.force_peak_mn, ==, 1502);

        trace.entries[0].force_peak_mn = OMP_FORCE_UNKNOWN;
        trace.period_10ms = 0;
        stored_sample(&trace, 0, &sample);
        g_assert_cmpint(sample.force_peak_mn, ==, 800);
        g_assert_false(sample.has_rate);
        trace = (OmpTrace) { .n = 1, .period_10ms = 1, .entries = { { -5, -3, 2 } } };
        stored_sample(&trace, 0, &sample);
        g_assert_true(sample.has_force && sample.has_rate);
        g_assert_cmpint(sample.force_mean_mn, ==, -5);
        g_assert_cmpint(sample.force_peak_mn, ==, -3);
        g_assert_cmpint(sample.rate_per_min, ==, 2 * 6000);
        trace = (OmpTrace) { .n = 1, .period_10ms = 1, .entries = { { 5, 5, UINT16_MAX } } };
        stored_sample(&trace, 0, &sample);
        g_assert_cmpint(sample.rate_per_min, ==, 65535 * 6000);
}

#define TEST(name, function) g_test_add_func("/stored/" name, function)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        TEST("figures", test_figures);
        TEST("what-is-known-is-there", test_what_is_known_is_there);
        TEST("overpressure-without-a-force", test_overpressure_without_a_force);
        TEST("what-is-not-known-is-absent", test_what_is_not_known_is_absent);
        TEST("replay", test_replay);
        TEST("clock-was-not-set", test_clock_was_not_set);
        TEST("merged", test_merged);
        TEST("number", test_number);
        TEST("sample", test_sample);
        return g_test_run();
}
