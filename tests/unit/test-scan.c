/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <sqlite3.h>
#include <string.h>

#include "store-fixture.h"
#include "store/shared.h"

/* Replays and series with a decoder that counts: what a frame says depends on all before it, as it does with real ones. */

typedef struct Counting {
        uint64_t n, sum;
} Counting;

static unsigned n_decodings;            /* that are not freed; changed on both threads, read when the store is closed */

static void *counting_begin(const StoreSession *session, void *userdata) {
        if (g_str_equal(session->profile, "gone"))
                return NULL;
        g_atomic_int_inc(&n_decodings);
        return g_new0(Counting, 1);
}

static void counting_frame(void *decoding, const Frame *frame, StoreSample *ret) {
        Counting *c = decoding;

        c->n++;
        c->sum += frame->data[0] * c->n;
        if (!ret)
                return;
        *ret = (StoreSample) { .has = 1u << STORE_METRIC_FORCE | 1u << STORE_METRIC_STROKE_RATE };
        ret->mean[STORE_METRIC_FORCE] = (int8_t) frame->data[0];
        ret->max[STORE_METRIC_FORCE] = (int8_t) frame->data[0] + frame->data[1];
        ret->mean[STORE_METRIC_STROKE_RATE] = ret->max[STORE_METRIC_STROKE_RATE] = (int32_t) (c->sum % 10007);
}

static void counting_figures(void *decoding, uint64_t end_boottime_usec, Figures *ret) {
        const Counting *c = decoding;

        figures_set(ret, FIGURE_STROKES, (int64_t) c->n);
        figures_set(ret, FIGURE_DURATION, (int64_t) (end_boottime_usec - FIXTURE_START_BOOTTIME));
}

static void *counting_free(void *decoding) {
        (void) g_atomic_int_dec_and_test(&n_decodings);
        g_free(decoding);
        return NULL;
}

static const StoreDecoder counting = {
        .begin = counting_begin, .frame = counting_frame, .figures = counting_figures, .free = counting_free,
};

/* ---- Who asks ---- */

typedef struct Answer {
        bool answered;
        int error;
        StoreReplay replay;             /* without its session */
        char *uuid;
        uint64_t n_seen;                /* by the decoding */
        int64_t stored_strokes;
        GArray *points;
} Answer;

static void on_replayed(int error, const StoreReplay *replay, void *userdata) {
        Answer *a = userdata;

        g_assert_false(a->answered);
        g_assert_true((error == 0) == (replay != NULL));
        a->answered = true;
        a->error = error;
        if (!replay)
                return;
        a->replay = *replay;
        a->uuid = g_strdup(replay->session->uuid);
        a->stored_strokes = replay->session->figures.value[FIGURE_STROKES].i;
        a->n_seen = replay->decoding ? ((const Counting *) replay->decoding)->n : 0;
}

static void on_series(int error, const StorePoint *points, size_t n, void *userdata) {
        Answer *a = userdata;

        g_assert_false(a->answered);
        a->answered = true;
        a->error = error;
        a->points = g_array_new(FALSE, FALSE, sizeof(StorePoint));
        if (n > 0)
                g_array_append_vals(a->points, points, (guint) n);
}

static void answer_done(Answer *a) {
        g_free(a->uuid);
        g_clear_pointer(&a->points, g_array_unref);
}

static Answer *awaited;
static const unsigned *awaited_count;

static bool is_answered(Fixture *f, uint64_t value) {
        return awaited->answered;
}

static void wait_for(Fixture *f, Answer *a) {
        awaited = a;
        fixture_wait(f, is_answered, 0);
}

static int replay(Fixture *f, uint64_t id, Answer *a) {
        *a = (Answer) {};
        store_replay(f->store, id, 1000, on_replayed, a);
        wait_for(f, a);
        return a->error;
}

static int series(Fixture *f, const StoreSeries *wanted, Answer *a) {
        *a = (Answer) {};
        store_series(f->store, wanted, on_series, a);
        wait_for(f, a);
        return a->error;
}

/* Session 2 is one of omp1, where a waveform says nothing. */
static bool is_silent(uint64_t id, const Frame *frame) {
        return id % 2 == 0 && frame->channel == STORE_BULK_CHANNEL;
}

/* With what the frames say, as they come live. */
static void record(Fixture *f, Counting *c, uint64_t id, uint64_t from, uint64_t n) {
        FixtureFrame frame;

        for (uint64_t i = from; i < from + n; i++) {
                StoreSample sample = {};

                fixture_make_frame(&frame, id, i);
                if (!is_silent(id, &frame.frame))
                        counting_frame(c, &frame.frame, &sample);
                store_session_frame(f->store, id, &frame.frame, &sample);
        }
}

static void make_session(Fixture *f, uint64_t id, uint64_t n_frames) {
        Counting c = {};

        fixture_begin(f, id);
        record(f, &c, id, 0, n_frames);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

static void make_store(Fixture *f) {
        fixture_init(f);
        f->decoder = counting;
        fixture_start(f);
}

static void done(Fixture *f) {
        fixture_stop(f);
        g_assert_cmpint(g_atomic_int_get(&n_decodings), ==, 0);
        fixture_done(f);
}

static void change(Fixture *f, const char *sql) {
        sqlite3 *db;

        g_assert_cmpint(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
        (void) sqlite3_busy_timeout(db, 10000);
        g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close(db);
}

/* The curve as it would be of all frames at once. */
static GArray *expected(const StoreSeries *wanted, uint64_t n_frames) {
        Counting *c = g_new0(Counting, 1);
        GArray *points = g_array_new(FALSE, FALSE, sizeof(StorePoint));
        g_autofree StoreSample *samples = g_new0(StoreSample, n_frames);
        g_autofree uint64_t *times = g_new0(uint64_t, n_frames);
        FixtureFrame frame;
        uint64_t n = 0;

        for (uint64_t i = 0; i < n_frames; i++) {
                fixture_make_frame(&frame, wanted->id, i);
                if (is_silent(wanted->id, &frame.frame))
                        continue;
                counting_frame(c, &frame.frame, &samples[n]);
                times[n++] = frame.frame.boottime_usec - FIXTURE_START_BOOTTIME;
        }
        for (unsigned b = 0; b < wanted->points; b++) {
                uint64_t length = wanted->to_usec - wanted->from_usec;
                uint64_t from = wanted->from_usec + length * b / wanted->points, to = wanted->from_usec + length * (b + 1) / wanted->points;
                StorePoint point = { .usec = from, .min = INT32_MAX, .max = INT32_MIN };
                int64_t sum = 0, count = 0;

                for (uint64_t i = 0; i < n; i++)
                        if (times[i] >= from && times[i] < to) {
                                point.min = MIN(point.min, samples[i].mean[wanted->metric]);
                                point.max = MAX(point.max, samples[i].max[wanted->metric]);
                                sum += samples[i].mean[wanted->metric];
                                count++;
                        }
                if (count == 0)
                        continue;
                point.mean = (int32_t) ((sum + (sum < 0 ? -count / 2 : count / 2)) / count);
                g_array_append_val(points, point);
        }
        g_free(c);
        return points;
}

static void assert_curve(Fixture *f, const StoreSeries *wanted, uint64_t n_frames) {
        g_autoptr(GArray) points = expected(wanted, n_frames);
        Answer a;

        g_assert_cmpint(series(f, wanted, &a), ==, 0);
        g_assert_cmpuint(a.points->len, ==, points->len);
        for (unsigned i = 0; i < points->len; i++) {
                const StorePoint *is = &g_array_index(a.points, StorePoint, i), *want = &g_array_index(points, StorePoint, i);

                g_assert_cmpuint(is->usec, ==, want->usec);
                g_assert_cmpint(is->min, ==, want->min);
                g_assert_cmpint(is->mean, ==, want->mean);
                g_assert_cmpint(is->max, ==, want->max);
        }
        answer_done(&a);
}

/* ---- Replays ---- */

static void test_a_replay(void) {
        Fixture f;
        Answer a;

        make_store(&f);
        make_session(&f, 1, 5000);
        g_assert_cmpint(replay(&f, 1, &a), ==, 0);
        g_assert_cmpuint(a.replay.n_frames, ==, 5000);
        g_assert_cmpuint(a.replay.n_chunks, ==, (uint64_t) fixture_query(f.path, "SELECT count(*) FROM chunk"));
        g_assert_cmpuint(a.replay.n_damaged, ==, 0);
        g_assert_cmpuint(a.replay.figures_version, ==, (uint64_t) fixture_query(f.path, "SELECT figures_version FROM session"));
        g_assert_cmpuint(a.n_seen, ==, 5000);
        g_assert_cmpint(a.replay.figures.value[FIGURE_STROKES].i, ==, 5000);
        g_assert_cmpint(a.replay.figures.value[FIGURE_DURATION].i, ==, FIXTURE_LENGTH_USEC);
        g_assert_cmpstr(a.uuid, ==, "00000000-0000-4000-8000-000000000001");
        answer_done(&a);
        done(&f);
}

static void test_damage_is_counted(void) {
        Fixture f;
        Answer a;

        make_store(&f);
        make_session(&f, 1, 5000);
        change(&f, "UPDATE chunk SET crc = crc + 1 WHERE seq = 1; UPDATE chunk SET frames = 1000000000 WHERE seq = 2");
        g_assert_cmpint(replay(&f, 1, &a), ==, 0);
        g_assert_cmpuint(a.replay.n_damaged, ==, 2);
        g_assert_cmpuint(a.replay.n_frames, <, 5000);
        g_assert_cmpuint(a.replay.n_frames, ==, a.n_seen);
        answer_done(&a);
        done(&f);
}

static void test_a_profile_that_is_gone(void) {
        StoreSeries wanted = { .id = 1, .to_usec = 10000000, .points = 10 };
        Fixture f;
        Answer a;

        make_store(&f);
        make_session(&f, 1, 1000);
        change(&f, "UPDATE session SET profile = 'gone'");
        g_assert_cmpint(replay(&f, 1, &a), ==, 0);
        g_assert_null(a.replay.decoding);
        g_assert_cmpuint(a.replay.n_frames, ==, 1000);
        g_assert_cmpuint(a.replay.figures.present, ==, 0);
        answer_done(&a);
        g_assert_cmpint(series(&f, &wanted, &a), ==, 0);
        g_assert_cmpuint(a.points->len, ==, 0);
        answer_done(&a);
        done(&f);
}

static void test_what_is_not_there(void) {
        StoreSeries wanted = { .id = 2, .to_usec = 10000000, .points = 10 };
        Fixture f;
        Answer a;

        make_store(&f);
        g_assert_cmpint(replay(&f, 2, &a), ==, -ENOENT);
        answer_done(&a);
        g_assert_cmpint(series(&f, &wanted, &a), ==, -ENOENT);
        answer_done(&a);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 100);
        fixture_wait(&f, fixture_has_committed, 100);
        g_assert_cmpint(replay(&f, 2, &a), ==, -ENOENT); /* it is live */
        answer_done(&a);
        g_assert_cmpint(series(&f, &wanted, &a), ==, 0);
        answer_done(&a);
        make_session(&f, 1, 100);
        change(&f, "UPDATE session SET ended = 2 WHERE id = 1"); /* an import that is not whole */
        wanted.id = 1;
        g_assert_cmpint(replay(&f, 1, &a), ==, -ENOENT);
        answer_done(&a);
        g_assert_cmpint(series(&f, &wanted, &a), ==, -ENOENT);
        answer_done(&a);
        done(&f);
}

/* ---- Series ---- */

static void test_curves(void) {
        static const struct {
                uint64_t from, to;
                unsigned points;
        } cases[] = {
                { 0, 12500000, 1 },       { 0, 12500000, 1000 },  { 0, FIXTURE_LENGTH_USEC, 100 }, { 1234567, 7654321, 7 },
                { 0, 12500000, 4096 },    { 5000000, 5002000, 1 }, { 11000000, 99000000, 3 },       { 13000000, 14000000, 10 },
        };
        Fixture f;

        make_store(&f);
        make_session(&f, 1, 5000);      /* a vendor's: all of its channels say something */
        make_session(&f, 2, 5000);      /* one whose waveforms do not */
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                for (StoreMetric metric = 0; metric < _STORE_METRIC_MAX; metric++)
                        for (uint64_t id = 1; id <= 2; id++) {
                                StoreSeries wanted = { id, metric, cases[i].from, cases[i].to, cases[i].points, 1000 };

                                if (metric == STORE_METRIC_DEPTH) {
                                        Answer a;

                                        g_assert_cmpint(series(&f, &wanted, &a), ==, 0);
                                        g_assert_cmpuint(a.points->len, ==, 0); /* the decoder knows of none */
                                        answer_done(&a);
                                        continue;
                                }
                                assert_curve(&f, &wanted, 5000);
                        }
        done(&f);
}

/* "Works for a running session": chunks, and the tail behind them; pieces of a chunk that is there are none of it any more. */
static void test_of_a_live_session(void) {
        StoreSeries wanted = { 1, STORE_METRIC_STROKE_RATE, 0, 20000000, 50, 1000 };
        Counting c = {};
        Fixture f;

        make_store(&f);
        fixture_begin(&f, 1);
        for (uint64_t n = 0; n < 5000; n += 500) {
                record(&f, &c, 1, n, 500);
                fixture_wait(&f, fixture_has_committed, n + 500);
                assert_curve(&f, &wanted, n + 500);
        }
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk"), >, 0);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        assert_curve(&f, &wanted, 5000);
        done(&f);
}

/* ---- Who comes between ---- */

/* The reader begins nothing. */
static void hold(Fixture *f, bool held) {
        shared_lock(f->store);
        f->store->opening_over = !held;
        shared_wake_reader(f->store);
        shared_unlock(f->store);
}

static void on_got(int error, const StoreSession *sessions, size_t n, void *userdata) {
        Answer *all = userdata;

        g_assert_cmpint(error, ==, 0);
        g_assert_cmpuint(n, ==, 1);
        for (unsigned i = 0; i < 20; i++)
                g_assert_false(all[i].answered);
}

static void test_queries_overtake(void) {
        StoreSeries wanted = { 1, STORE_METRIC_FORCE, 0, 20000000, 50, 1000 };
        Answer all[20] = {};
        Fixture f;

        make_store(&f);
        make_session(&f, 1, 5000);
        hold(&f, true);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i += 2) {
                store_replay(f.store, 1, 1000, on_replayed, &all[i]);
                store_series(f.store, &wanted, on_series, &all[i + 1]);
        }
        store_get(f.store, 1, on_got, all);
        hold(&f, false);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
                wait_for(&f, &all[i]);
                g_assert_cmpint(all[i].error, ==, 0);
                answer_done(&all[i]);
        }
        done(&f);
}

/* Sessions of which each slice takes one chunk. */
static void make_slow_store(Fixture *f) {
        make_store(f);
        shared_lock(f->store);
        f->store->slice_usec = 1;
        shared_unlock(f->store);
        make_session(f, 1, 5000);
        hold(f, true);
}

/* Who asks for little does not wait for all that somebody else has asked for before. */
static void test_each_has_a_turn(void) {
        Answer many[8] = {}, one = {};
        Fixture f;

        make_slow_store(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk"), >, 4);
        for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
                store_replay(f.store, 1, 1000, on_replayed, &many[i]);
        store_replay(f.store, 1, 1001, on_replayed, &one);
        hold(&f, false);
        wait_for(&f, &one);
        g_assert_cmpint(one.error, ==, 0);
        g_assert_cmpuint(one.replay.n_frames, ==, 5000);
        g_assert_true(many[0].answered);
        g_assert_false(many[7].answered);
        for (unsigned i = 0; i < G_N_ELEMENTS(many); i++) {
                wait_for(&f, &many[i]);
                g_assert_cmpint(many[i].error, ==, 0);
                g_assert_cmpuint(many[i].replay.n_frames, ==, 5000);
                g_assert_true(i == 0 || many[i - 1].answered); /* in the order in which they were asked for */
                answer_done(&many[i]);
        }
        answer_done(&one);
        done(&f);
}

static Fixture *added_to;               /* NULL: a record has been added to its session */
static unsigned n_chunks_read;

/* As the writer does with a record of a session that was followed live; when the third slice begins. */
static int add_record(unsigned type, void *context, void *p, void *sql) {
        if (!added_to || !strstr(sql, "FROM chunk") || ++n_chunks_read < 3)
                return 0;
        change(g_steal_pointer(&added_to), "BEGIN IMMEDIATE; CREATE TEMP TABLE added AS SELECT * FROM chunk WHERE session = 1;"
                                           "UPDATE added SET id = NULL, seq = seq + 1000; INSERT INTO chunk SELECT * FROM added;"
                                           "UPDATE session SET record_seq = 1000, source = 'both', strokes = 10000 WHERE id = 1; COMMIT");
        return 0;
}

static int trace(sqlite3 *db, char **error, const struct sqlite3_api_routines *api) {
        return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, add_record, NULL);
}

/* The figures that are stored, the frames and what comes of them are of one moment. */
static void test_a_record_is_added_meanwhile(void) {
        Answer a = {};
        Fixture f;

        g_assert_cmpint(sqlite3_auto_extension((void (*)(void)) trace), ==, SQLITE_OK);
        make_slow_store(&f);
        added_to = &f;
        store_replay(f.store, 1, 1000, on_replayed, &a);
        hold(&f, false);
        wait_for(&f, &a);
        sqlite3_reset_auto_extension();
        g_assert_null(added_to);
        g_assert_cmpint(a.error, ==, 0);
        g_assert_cmpuint(a.replay.n_frames, ==, 10000);
        g_assert_cmpuint(a.n_seen, ==, 10000);
        g_assert_cmpint(a.replay.figures.value[FIGURE_STROKES].i, ==, 10000);
        g_assert_cmpint(a.stored_strokes, ==, 10000);
        answer_done(&a);
        done(&f);
}

typedef struct Query {
        unsigned *n_answered;
        const Answer *scan;
        bool scan_was_first;
} Query;

static void on_query(int error, const StoreSession *sessions, size_t n, void *userdata) {
        Query *query = userdata;

        ++*query->n_answered;
        query->scan_was_first = query->scan->answered;
}

static bool are_answered(Fixture *f, uint64_t value) {
        return *awaited_count >= value;
}

/* However many there are. */
static void test_queries_do_not_keep_them_away(void) {
        unsigned n_answered = 0;
        Query queries[100] = {};
        Answer scan = {};
        Fixture f;

        make_slow_store(&f);
        store_replay(f.store, 1, 1000, on_replayed, &scan);
        for (unsigned i = 0; i < G_N_ELEMENTS(queries); i++) {
                queries[i] = (Query) { &n_answered, &scan, false };
                store_get(f.store, 1, on_query, &queries[i]);
        }
        hold(&f, false);
        awaited_count = &n_answered;
        fixture_wait(&f, are_answered, G_N_ELEMENTS(queries));
        g_assert_false(queries[0].scan_was_first);
        g_assert_true(queries[G_N_ELEMENTS(queries) - 1].scan_was_first);
        answer_done(&scan);
        done(&f);
}

static void test_nobody_wants_it_any_more(void) {
        StoreSeries wanted = { 1, STORE_METRIC_FORCE, 0, 20000000, 50, 1000 };
        Answer all[3] = {};
        Fixture f;

        make_slow_store(&f);
        store_replay(f.store, 1, 1000, on_replayed, &all[0]);
        store_series(f.store, &wanted, on_series, &all[1]);
        store_replay(f.store, 1, 1000, on_replayed, &all[2]);
        store_forget(f.store, &all[0]);
        store_forget(f.store, &all[1]);
        hold(&f, false);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
                wait_for(&f, &all[i]);
                g_assert_cmpint(all[i].error, ==, i < 2 ? -ECANCELED : 0);
        }
        store_forget(f.store, &all[2]); /* there is nothing to forget */
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
                answer_done(&all[i]);
        done(&f);
}

static void test_too_many(void) {
        Answer all[STORE_SCANS_MAX + 2] = {};
        Fixture f;

        make_store(&f);
        hold(&f, true);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++)
                store_replay(f.store, 1, 1000, on_replayed, &all[i]);
        wait_for(&f, &all[STORE_SCANS_MAX + 1]);
        hold(&f, false);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
                wait_for(&f, &all[i]);
                g_assert_cmpint(all[i].error, ==, i < STORE_SCANS_MAX ? -ENOENT : -ENOBUFS);
                answer_done(&all[i]);
        }
        g_assert_cmpint(replay(&f, 1, &all[0]), ==, -ENOENT); /* there is room again */
        answer_done(&all[0]);
        done(&f);
}

/* It is deleted between two slices, as the scan itself sees it. */
static void test_deleted_meanwhile(void) {
        sqlite3 *db;
        Fixture f;
        Answer a = {};
        Scan *scan;

        make_store(&f);
        make_session(&f, 1, 5000);
        g_assert_cmpint(sqlite3_open_v2(f.path, &db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
        scan = scan_new_replay(f.store, 1, 1000, on_replayed, &a);
        g_assert_cmpint(scan_read(scan, db, 0), ==, SQLITE_OK); /* no time: a chunk at a time */
        g_assert_cmpuint(scan->replay.n_chunks, ==, 1);
        g_assert_cmpint(scan_read(scan, db, 0), ==, SQLITE_OK);
        g_assert_cmpuint(scan->replay.n_chunks, ==, 2);
        g_assert_true(sqlite3_get_autocommit(db));
        g_assert_null(sqlite3_next_stmt(db, NULL)); /* nothing is held between slices */
        change(&f, "DELETE FROM session WHERE id = 1");
        g_assert_cmpint(scan_read(scan, db, 0), ==, SQLITE_NOTFOUND);
        (void) scan_free(scan);
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close(db);
        done(&f);
}

static void test_closing(void) {
        StoreSeries wanted = { 1, STORE_METRIC_FORCE, 0, 20000000, 50, 1000 };
        Answer all[STORE_SCANS_MAX] = {};
        Fixture f;

        make_store(&f);
        make_session(&f, 1, 5000);
        hold(&f, true);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i += 2) {
                store_replay(f.store, 1, 1000, on_replayed, &all[i]);
                store_series(f.store, &wanted, on_series, &all[i + 1]);
        }
        fixture_stop(&f);
        for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
                g_assert_true(all[i].answered);
                g_assert_cmpint(all[i].error, ==, -ECANCELED);
                answer_done(&all[i]);
        }
        g_assert_cmpint(g_atomic_int_get(&n_decodings), ==, 0);
        fixture_done(&f);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/scan/a-replay", test_a_replay);
        g_test_add_func("/scan/damage-is-counted", test_damage_is_counted);
        g_test_add_func("/scan/a-profile-that-is-gone", test_a_profile_that_is_gone);
        g_test_add_func("/scan/what-is-not-there", test_what_is_not_there);
        g_test_add_func("/scan/curves", test_curves);
        g_test_add_func("/scan/of-a-live-session", test_of_a_live_session);
        g_test_add_func("/scan/queries-overtake", test_queries_overtake);
        g_test_add_func("/scan/each-has-a-turn", test_each_has_a_turn);
        g_test_add_func("/scan/queries-do-not-keep-them-away", test_queries_do_not_keep_them_away);
        g_test_add_func("/scan/nobody-wants-it-any-more", test_nobody_wants_it_any_more);
        g_test_add_func("/scan/too-many", test_too_many);
        g_test_add_func("/scan/deleted-meanwhile", test_deleted_meanwhile);
        g_test_add_func("/scan/a-record-is-added-meanwhile", test_a_record_is_added_meanwhile);
        g_test_add_func("/scan/closing", test_closing);
        return g_test_run();
}
