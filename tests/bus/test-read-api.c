/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* History1.Get, GetSeries and Verify: what is read from a session's frames. */

#include <errno.h>
#include <string.h>

#include "autoptr.h"
#include "bus/history-read.h"
#include "stage.h"

static StoreSession mine, hers;

static void make_session(StoreSession *s, uint64_t id, uid_t owner) {
        *s = (StoreSession) {
                .id = id,
                .uuid = (char *) "11111111-0000-4000-8000-000000000000",
                .device_address = (char *) "C0:FF:EE:12:34:56",
                .device_alias = (char *) "Pen",
                .profile = (char *) "omp1",
                .channels = (char *) "",
                .source = (char *) "both",
                .record = 12,
                .owner = owner,
                .owner_name = (char *) "",
                .area = (char *) "chin",
                .start_boottime_usec = 1000000,
                .end_boottime_usec = 61000000,
                .start_realtime_usec = 1700000000000000,
                .end_realtime_usec = 1700000060000000,
        };
        figures_set(&s->figures, FIGURE_STROKES, 100);
        figures_set_double(&s->figures, FIGURE_STROKE_RATE, 90.5);
        figures_set(&s->figures, FIGURE_LOST_LIVE, 3);
}

static void record_new(void) {
        stage_new();
        make_session(&mine, 7, OWNER_UID);
        make_session(&hers, 8, OTHER_UID);
        g_ptr_array_add(stage->history, &hers);
        g_ptr_array_add(stage->history, &mine);
        stage->replay = (StoreReplay) { .figures = mine.figures, .figures_version = 2, .n_frames = 500, .n_chunks = 4 };
}

#define get(sender, id) call(sender, "/org/needled", HISTORY, "Get", "t", (uint64_t) (id))
#define verify(sender, id) call(sender, "/org/needled", HISTORY, "Verify", "t", (uint64_t) (id))
#define series_of(sender, id, metric, from, to, points) \
        call(sender, "/org/needled", HISTORY, "GetSeries", "tsttu", (uint64_t) (id), metric, (uint64_t) (from), (uint64_t) (to), (uint32_t) (points))

static char *answer(FakeCall *c) {
        return stage_print(expect(c, NULL));
}

static void expect_error(FakeCall *c, const char *error, const char *word) {
        sd_bus_message *reply = expect(c, error);

        g_assert_nonnull(strstr(sd_bus_message_get_error(reply)->message, word));
}

/* ---- Get ---- */

/* "The figures and everything known of one": what its row has, and what its frames tell. */
static void test_get(void) {
        Session *live;

        record_new();
        live = stage_session();
        stage->replay.decoding = live;
        g_autoptr(FakeCall) c = get(OWNER, 7);
        g_autofree char *text = answer(c);
        g_assert_nonnull(strstr(text, "record: 12"));
        g_assert_nonnull(strstr(text, "source: both"));
        g_assert_nonnull(strstr(text, "end: 1700000060000000"));
        g_assert_nonnull(strstr(text, "strokes: 100"));
        g_assert_nonnull(strstr(text, "area: chin"));
        g_assert_nonnull(strstr(text, "areas: {"));
        g_assert_nonnull(strstr(text, "alerts: ["));
        g_assert_nonnull(strstr(text, "stages: {"));
        g_assert_nonnull(strstr(text, "force_time: ["));
        g_assert_nonnull(strstr(text, "clock_quality: "));
        g_assert_nonnull(strstr(text, "not_cleansed: false"));
        stage_free();
}

static void test_get_without_its_profile(void) {
        record_new();
        g_autoptr(FakeCall) c = get(OWNER, 7);
        g_autofree char *text = answer(c);
        g_assert_nonnull(strstr(text, "strokes: 100"));
        g_assert_null(strstr(text, "areas"));
        g_assert_null(strstr(text, "not_cleansed"));
        stage_free();
}

/* Its owner has no need to authenticate. */
static void test_get_a_live_session(void) {
        record_new();
        (void) stage_session();
        g_autoptr(FakeCall) own = get(OWNER, 42);
        expect_error(own, "NotReady", "GetFigures");
        g_assert_cmpuint(stage->fb->n_checks, ==, 0);
        g_autoptr(FakeCall) other = get(OTHER, 42);
        (void) expect(other, "NotFound");
        stage_free();
}

/* ---- Verify ---- */

static void test_verify(void) {
        record_new();
        stage->replay.decoding = &mine; /* something that is there */
        g_autoptr(FakeCall) good = verify(OWNER, 7);
        g_autofree char *text = answer(good);
        g_assert_cmpstr(text, ==, "{differs: [], ok: true, frames: 500, chunks: 4, damaged: 0, decoded: true, figures_version: 2}");

        stage->replay.n_damaged = 1;
        g_autoptr(FakeCall) damaged = verify(OWNER, 7);
        g_autofree char *damaged_text = answer(damaged);
        g_assert_nonnull(strstr(damaged_text, "ok: false"));
        g_assert_nonnull(strstr(damaged_text, "damaged: 1"));

        /* One is another, one is not there any more, one has come. */
        stage->replay.n_damaged = 0;
        figures_set_double(&stage->replay.figures, FIGURE_STROKE_RATE, 90.50000000000001);
        stage->replay.figures.present &= ~(UINT64_C(1) << FIGURE_LOST_LIVE);
        figures_set(&stage->replay.figures, FIGURE_PASSES, 0);
        g_autoptr(FakeCall) other = verify(OWNER, 7);
        g_autofree char *other_text = answer(other);
        g_assert_nonnull(strstr(other_text, "differs: [stroke_rate, passes, lost.live], ok: false"));
        stage_free();
}

static void test_verify_what_cannot_be_compared(void) {
        record_new();
        stage->replay.figures = (Figures) {};
        g_autoptr(FakeCall) gone = verify(OWNER, 7); /* its profile */
        g_autofree char *text = answer(gone);
        g_assert_nonnull(strstr(text, "differs: [], ok: false"));
        g_assert_nonnull(strstr(text, "decoded: false"));

        stage->replay.decoding = &mine;
        stage->replay.figures_version = 0; /* it ended without figures */
        g_autoptr(FakeCall) bare = verify(OWNER, 7);
        g_autofree char *bare_text = answer(bare);
        g_assert_nonnull(strstr(bare_text, "differs: [], ok: true"));
        g_assert_null(strstr(bare_text, "figures_version"));
        stage_free();
}

static void test_verify_a_live_session(void) {
        record_new();
        (void) stage_session();
        g_autoptr(FakeCall) own = verify(OWNER, 42);
        expect_error(own, "NotReady", "finished");
        g_autoptr(FakeCall) other = verify(OTHER, 42);
        (void) expect(other, "NotFound");
        stage_free();
}

/* ---- GetSeries ---- */

static void test_series(void) {
        const StorePoint points[] = { { 0, -5, 10, 700 }, { 2000000, 1, 2, 3 } };

        record_new();
        g_array_append_vals(stage->points, points, 2);
        g_autoptr(FakeCall) c = series_of(OWNER, 7, "stroke_rate", 500, 9000, 12);
        g_autofree char *text = answer(c);
        g_assert_cmpstr(text, ==, "[(0, -5, 10, 700), (2000000, 1, 2, 3)]");
        g_assert_cmpuint(stage->series.id, ==, 7);
        g_assert_cmpint(stage->series.metric, ==, STORE_METRIC_STROKE_RATE);
        g_assert_cmpuint(stage->series.from_usec, ==, 500);
        g_assert_cmpuint(stage->series.to_usec, ==, 9000);
        g_assert_cmpuint(stage->series.points, ==, 12);

        g_autoptr(FakeCall) whole = series_of(OWNER, 7, "depth", 0, 0, 4096);
        (void) expect(whole, NULL);
        g_assert_cmpuint(stage->series.to_usec, ==, 60000001); /* its last moment is a part of it */
        g_autoptr(FakeCall) behind = series_of(OWNER, 7, "force", 70000000, 0, 1);
        (void) expect(behind, NULL);
        g_assert_cmpuint(stage->series.to_usec, ==, 70000001);
        stage_free();
}

static void test_series_of_a_live_session(void) {
        Session *live;

        record_new();
        live = stage_session();
        g_autoptr(FakeCall) c = series_of(OWNER, 42, "force", 0, 0, 10);
        g_autofree char *text = answer(c);
        g_assert_cmpstr(text, ==, "[]");
        g_assert_cmpuint(stage->series.to_usec, ==, stage->now_usec - live->start_boottime_usec + 1);
        stage->scan_error = -ENOENT;    /* not written yet */
        g_autoptr(FakeCall) early = series_of(OWNER, 42, "force", 0, 0, 10);
        g_autofree char *early_text = answer(early);
        g_assert_cmpstr(early_text, ==, "[]");
        g_autoptr(FakeCall) deleted = series_of(OWNER, 7, "force", 0, 0, 10);
        expect_error(deleted, "NotFound", "session 7");
        g_autoptr(FakeCall) other = series_of(OTHER, 42, "force", 0, 0, 10);
        (void) expect(other, "NotFound");
        stage_free();
}

static void test_series_arguments(void) {
        record_new();
        g_autoptr(FakeCall) metric = series_of(OWNER, 7, "pain", 0, 0, 10);
        expect_error(metric, "InvalidArgument", "\"force\"");
        g_autoptr(FakeCall) none = series_of(OWNER, 7, "force", 0, 0, 0);
        expect_error(none, "InvalidArgument", "4096");
        g_autoptr(FakeCall) many = series_of(OWNER, 7, "force", 0, 0, 4097);
        expect_error(many, "InvalidArgument", "4097");
        g_autoptr(FakeCall) turned = series_of(OWNER, 7, "force", 5, 5, 10);
        expect_error(turned, "InvalidArgument", "exchange");
        g_assert_cmpuint(stage->n_queries, ==, 0);
        stage_free();
}

/* ---- All of them ---- */

static FakeCall *each(unsigned i, const char *sender, uint64_t id) {
        return i == 0 ? get(sender, id) : i == 1 ? verify(sender, id) : series_of(sender, id, "force", 0, 0, 10);
}

static void test_of_another(void) {
        for (unsigned i = 0; i < 3; i++) {
                g_autoptr(FakeCall) a = NULL, b = NULL, c = NULL;
                g_autofree char *there = NULL, *not_there = NULL;

                record_new();
                a = each(i, OWNER, 8);
                there = stage_print(expect(a, "NotFound"));
                b = each(i, OWNER, 9);
                not_there = stage_print(expect(b, "NotFound"));
                g_strdelimit(there, "8", '9');
                g_assert_cmpstr(there, ==, not_there);
                stage->fb->polkit = FAKE_POLKIT_ALLOW;
                c = each(i, OWNER, 8);
                (void) expect(c, NULL);
                g_assert_cmpstr(stage->fb->action, ==, "org.needled.read-others");
                stage_free();
        }
}

static void test_the_store_cannot(void) {
        static const struct {
                int error;
                const char *name, *word;
        } cases[] = {
                { -ENOENT, "NotFound", "session 7" },
                { -EIO, "Degraded", "The disk is full" },
                { -ECANCELED, "Cancelled", "stopping" },
                { -ENOBUFS, "LimitReached", "64 sessions" },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                for (unsigned j = 0; j < 3; j++) {
                        g_autoptr(FakeCall) c = NULL;

                        record_new();
                        stage->storage = STORE_DEGRADED;
                        stage->scan_error = cases[i].error;
                        c = each(j, OWNER, 7);
                        expect_error(c, cases[i].name, cases[i].word);
                        stage_free();
                }
}

static void test_so_many_at_a_time(void) {
        FakeCall *calls[READINGS_MAX_PER_USER];

        record_new();
        stage->scans_hold = true;
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++)
                calls[i] = each(i % 3, OWNER, 7);
        fake_bus_until(stage->fb, stage->n_queries == G_N_ELEMENTS(calls));
        fake_bus_settle(stage->fb);
        for (unsigned i = 0; i < 3; i++) {
                g_autoptr(FakeCall) c = each(i, OWNER, 7);

                expect_error(c, "LimitReached", "8 sessions");
        }
        g_autoptr(FakeCall) other = each(0, OTHER, 8); /* does not count */
        fake_bus_settle(stage->fb);
        stage->scans_hold = false;
        stage_scans_answer();
        (void) expect(other, NULL);
        for (unsigned i = 0; i < G_N_ELEMENTS(calls); i++) {
                (void) expect(calls[i], NULL);
                fake_call_free(calls[i]);
        }
        g_autoptr(FakeCall) again = each(0, OWNER, 7);
        (void) expect(again, NULL);
        stage_free();
}

static void test_who_goes_meanwhile(void) {
        record_new();
        stage->scans_hold = true;
        g_autoptr(FakeCall) a = get(OWNER, 7);
        g_autoptr(FakeCall) b = series_of(OWNER, 7, "force", 0, 0, 10);
        g_autoptr(FakeCall) c = verify(OTHER, 8);
        fake_bus_until(stage->fb, stage->n_queries == 3);
        fake_bus_settle(stage->fb);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        fake_bus_settle(stage->fb);
        g_assert_cmpuint(stage->n_forgotten, ==, 2);
        stage->bus = bus_free(stage->bus);
        g_assert_cmpuint(stage->n_forgotten, ==, 3);
        stage_scans_answer();           /* the store outlives both */
        g_assert_null(a->reply);
        g_assert_null(b->reply);
        g_assert_null(c->reply);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/get/everything", test_get);
        g_test_add_func("/get/without-its-profile", test_get_without_its_profile);
        g_test_add_func("/get/a-live-session", test_get_a_live_session);
        g_test_add_func("/verify/report", test_verify);
        g_test_add_func("/verify/what-cannot-be-compared", test_verify_what_cannot_be_compared);
        g_test_add_func("/verify/a-live-session", test_verify_a_live_session);
        g_test_add_func("/series/curve", test_series);
        g_test_add_func("/series/of-a-live-session", test_series_of_a_live_session);
        g_test_add_func("/series/arguments", test_series_arguments);
        g_test_add_func("/read/of-another", test_of_another);
        g_test_add_func("/read/the-store-cannot", test_the_store_cannot);
        g_test_add_func("/read/so-many-at-a-time", test_so_many_at_a_time);
        g_test_add_func("/read/who-goes-meanwhile", test_who_goes_meanwhile);
        return g_test_run();
}
