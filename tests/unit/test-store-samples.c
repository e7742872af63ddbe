/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "store-fixture.h"

#define FORCE(value, peak) { .has = 1u << STORE_METRIC_FORCE, .mean = { value }, .max = { peak } }

static void record(Fixture *f, uint64_t session, uint64_t i, const StoreSample *sample) {
        FixtureFrame frame;

        fixture_make_frame(&frame, session, i);
        store_session_frame(f->store, session, &frame.frame, sample);
}

/* The samples that chunks were said to have are those of exactly the frames that are in them. */
static void test_a_chunk_has_the_samples_of_its_frames(void) {
        const uint64_t n = 8000; /* 20 s: several chunks */
        StoreSample sample = { .has = 1u << STORE_METRIC_FORCE | 1u << STORE_METRIC_DEPTH };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (uint64_t i = 0; i < n; i++) { /* each fourth frame has one, and they count up */
                sample.mean[STORE_METRIC_FORCE] = (int32_t) (i / 4);
                sample.max[STORE_METRIC_FORCE] = (int32_t) (i / 4) + 100;
                sample.mean[STORE_METRIC_DEPTH] = sample.max[STORE_METRIC_DEPTH] = -5;
                record(&f, 1, i, i % 4 == 3 ? &sample : NULL);
                if (i % 500 == 499)
                        fixture_wait(&f, fixture_has_committed, i + 1);
        }
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);

        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) > 3 FROM chunk"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk WHERE figures_version IS NULL"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(force_n) FROM chunk"), ==, n / 4);
        /* from the number of frames before a chunk and in it follows what its samples were */
        g_assert_cmpint(fixture_query(f.path,
                                      "WITH c AS (SELECT *, sum(frames) OVER (ORDER BY seq) AS upto FROM chunk)"
                                      " SELECT count(*) FROM c WHERE force_n != upto / 4 - (upto - frames) / 4"
                                      " OR force_min != (upto - frames) / 4 OR force_max != upto / 4 - 1 + 100"
                                      " OR force_sum != force_n * (force_min + force_max - 100) / 2"
                                      " OR depth_n != force_n OR depth_min != -5 OR depth_max != -5 OR depth_sum != -5 * depth_n"
                                      " OR stroke_rate_n != 0 OR stroke_rate_min IS NOT NULL OR stroke_rate_sum IS NOT NULL"),
                        ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk AS a JOIN chunk AS b ON b.seq = a.seq + 1"
                                              " WHERE a.t1_boottime NOT BETWEEN a.t0_boottime AND b.t0_boottime"),
                        ==, 0);
        fixture_done(&f);
}

/* What a sample does not say is not known, and zero is a value. */
static void test_zero_is_a_value(void) {
        const StoreSample zero = FORCE(0, 0);
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        record(&f, 1, 0, &zero);
        record(&f, 1, 1, &(StoreSample) { .mean = { 7, 7, 7 } });
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk WHERE frames = 2 AND force_n = 1 AND force_min = 0 AND force_max = 0"
                                              " AND force_sum = 0 AND depth_n = 0 AND depth_max IS NULL"),
                        ==, 1);
        fixture_done(&f);
}

/* The frames that come back from the tail after a restart do not say what they mean: the chunk that they are in is not known, the next is. */
static void test_after_a_restart_the_first_is_not_known(void) {
        const StoreSample sample = FORCE(3, 4);
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (uint64_t i = 0; i < 100; i++)
                record(&f, 1, i, &sample);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.sessions[0].n_frames, ==, 100);
        for (uint64_t i = 100; i < 4000; i++)
                record(&f, 1, i, &sample);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk WHERE figures_version IS NULL AND force_n IS NULL"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT figures_version IS NULL AND t1_boottime IS NOT NULL FROM chunk WHERE seq = 0"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk WHERE seq > 0 AND force_n = frames AND force_sum = 3 * frames"), >=, 1);
        fixture_done(&f);
}

/* With samples a frame is what it was: none of it is to be seen in what is stored. */
static void test_frames_stay_as_they_are(void) {
        const StoreSample sample = { .has = 7, .mean = { -1, 2, -3 }, .max = { 1, 2, -3 } };
        FixtureFrame *frames;
        size_t n;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (uint64_t i = 0; i < 1000; i++)
                record(&f, 1, i, i % 3 ? &sample : NULL);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, 1000);
        fixture_assert_frames(frames, n, 1, 0);
        g_free(frames);
        fixture_done(&f);
}

/* Which of the device's records it is, is told with its end. */
static void test_the_record_of_a_session(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "device", .boottime_usec = FIXTURE_START_BOOTTIME + 1, .record = 12, .epoch = 2 },
                          NULL, NULL);
        fixture_begin(&f, 2);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpuint(f.listed[0].record, ==, 12);
        g_assert_cmpuint(f.listed[0].epoch, ==, 2);
        g_assert_cmpint(fixture_query(f.path, "SELECT figures_version IS NULL FROM session WHERE id = 1"), ==, 1); /* it has none */
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpuint(f.listed[0].record, ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT figures_version > 0 FROM session WHERE id = 2"), ==, 1);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-samples/a-chunk-has-the-samples-of-its-frames", test_a_chunk_has_the_samples_of_its_frames);
        g_test_add_func("/store-samples/zero-is-a-value", test_zero_is_a_value);
        g_test_add_func("/store-samples/after-a-restart-the-first-is-not-known", test_after_a_restart_the_first_is_not_known);
        g_test_add_func("/store-samples/frames-stay-as-they-are", test_frames_stay_as_they_are);
        g_test_add_func("/store-samples/the-record-of-a-session", test_the_record_of_a_session);
        return g_test_run();
}
