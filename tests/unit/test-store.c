/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "store-fixture.h"
#include "store/schema.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

static void test_a_new_store(void) {
        Fixture f;
        struct stat st;

        fixture_init(&f);
        fixture_start(&f);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpuint(f.n_sessions, ==, 0);
        g_assert_cmpuint(f.devices->len, ==, 0);
        g_assert_cmpuint(f.next_session_id, ==, 1);
        g_assert_cmpint(g_stat(f.path, &st), ==, 0);
        g_assert_cmpint(st.st_mode & 07777, ==, 0600);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 10);
        fixture_wait(&f, fixture_has_committed, 10);
        for (unsigned i = 0; i < 2; i++) {
                g_autofree char *name = g_strconcat(f.path, i ? "-shm" : "-wal", NULL);

                g_assert_cmpint(g_stat(name, &st), ==, 0);
                g_assert_cmpint(st.st_mode & 07777, ==, 0600);
        }
        fixture_done(&f);
}

/* Raw frames are the truth: what went in comes out, in the file and after a restart. */
static void test_frames_come_back_bit_by_bit(void) {
        const uint64_t n = 4000; /* 10 s */
        FixtureFrame *frames;
        size_t n_frames;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (uint64_t i = 0; i < n; i += 100) {
                fixture_record(&f, 1, i, 100);
                if (i % 1000 == 0)
                        fixture_wait(&f, fixture_has_committed, i + 100);
        }
        fixture_stop(&f);
        frames = fixture_read_frames(f.path, 1, &n_frames);
        g_assert_cmpuint(n_frames, ==, n);
        fixture_assert_frames(frames, n_frames, 1, 0);
        g_free(frames);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk"), >=, 4);

        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 1);
        g_assert_cmpuint(f.sessions[0].id, ==, 1);
        g_assert_cmpstr(f.sessions[0].alias, ==, "pen");
        g_assert_cmpuint(f.sessions[0].n_frames, ==, n);
        fixture_assert_frames(f.sessions[0].frames, n, 1, 0);
        g_assert_cmpuint(f.next_session_id, ==, 2);
        /* and it goes on where it was */
        fixture_record(&f, 1, n, 300);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        frames = fixture_read_frames(f.path, 1, &n_frames);
        g_assert_cmpuint(n_frames, ==, n + 300);
        fixture_assert_frames(frames, n_frames, 1, 0);
        g_free(frames);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM tail"), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 0);
        fixture_done(&f);
}

static void test_odd_frames(void) {
        uint8_t data[512];
        FixtureFrame *frames;
        size_t n;
        Fixture f;
        const Frame odd[] = {
                { .boottime_usec = 1,
                  .realtime_usec = 2,
                  .channel = 0,
                  .direction = FRAME_OF_LINK,
                  .size = 1,
                  .data = data },
                { .boottime_usec = 1,
                  .realtime_usec = 1,
                  .channel = 8,
                  .direction = FRAME_TO_DEVICE,
                  .size = 512,
                  .data = data },
                { .boottime_usec = 2, .realtime_usec = 0, .channel = 1, .size = 0 },
                { .boottime_usec = UINT64_C(1) << 40,
                  .realtime_usec = UINT64_MAX,
                  .channel = 255,
                  .size = 3,
                  .data = data },
        };

        memset(data, 0xa5, sizeof data);
        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (size_t i = 0; i < G_N_ELEMENTS(odd); i++)
                store_session_frame(f.store, 1, &odd[i]);
        store_session_frame(f.store, 2, &odd[0]); /* no such session */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        store_session_frame(f.store, 1, &odd[0]); /* ended */
        g_assert_cmpuint(store_counters(f.store).queued, ==, 4);
        g_assert_cmpint(fixture_end(&f, 2), ==, -ENOENT);
        fixture_stop(&f);
        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(odd));
        for (size_t i = 0; i < n; i++) {
                g_assert_cmpuint(frames[i].frame.boottime_usec, ==, odd[i].boottime_usec);
                g_assert_cmpuint(frames[i].frame.realtime_usec, ==, odd[i].realtime_usec);
                g_assert_cmpuint(frames[i].frame.direction, ==, odd[i].direction);
                g_assert_cmpmem(frames[i].data, frames[i].frame.size, data, odd[i].size);
        }
        g_free(frames);
        fixture_done(&f);
}

static void test_sessions_side_by_side(void) {
        FixtureFrame *frames;
        size_t n;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 5; id++)
                fixture_begin(&f, id);
        for (uint64_t i = 0; i < 1000; i++)
                for (uint64_t id = 1; id <= 5; id++)
                        fixture_record(&f, id, i, 1);
        g_assert_cmpint(fixture_end(&f, 3), ==, 0);
        fixture_stop(&f);
        for (uint64_t id = 1; id <= 5; id++) {
                frames = fixture_read_frames(f.path, id, &n);
                g_assert_cmpuint(n, ==, 1000);
                fixture_assert_frames(frames, n, id, 0);
                g_free(frames);
        }
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 4);
        g_assert_cmpuint(f.sessions[0].id, ==, 5); /* newest first */
        g_assert_cmpuint(f.sessions[3].id, ==, 1);
        fixture_done(&f);
}

static void test_the_summary(void) {
        const StoreGap gap = { .from_usec = 10, .to_usec = 20, .stream = 2, .lost = 3 };
        const StoreEvent event = { .session_usec = 11,
                                   .realtime_usec = 12,
                                   .code = 1,
                                   .severity = 3,
                                   .asserted = true,
                                   .value = -7 };
        const StoreSession *session;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        store_session_gap(f.store, 1, &gap);
        store_session_event(f.store, 1, &event);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT); /* only ended ones */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 1);
        session = &f.listed[0];
        g_assert_cmpuint(session->id, ==, 1);
        g_assert_cmpstr(session->end_reason, ==, "user");
        g_assert_cmpint(session->utc_offset_sec, ==, -3600);
        g_assert_cmpuint(session->owner, ==, 1000);
        g_assert_cmpuint(session->start_realtime_usec, ==, FIXTURE_START_REALTIME);
        g_assert_cmpuint(session->end_realtime_usec, ==, FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC);
        g_assert_cmpuint(session->end_boottime_usec, ==, FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC);
        g_assert_cmpuint(session->figures.present, ==,
                         UINT64_C(1) << FIGURE_STROKES | UINT64_C(1) << FIGURE_FORCE_MEAN |
                         UINT64_C(1) << FIGURE_LOST_WAVEFORM | UINT64_C(1) << FIGURE_STROKE_RATE);
        g_assert_cmpint(session->figures.value[FIGURE_STROKES].i, ==, 1234);
        g_assert_cmpint(session->figures.value[FIGURE_FORCE_MEAN].i, ==, -5);
        g_assert_cmpfloat(session->figures.value[FIGURE_STROKE_RATE].d, ==, 90.5);
        g_assert_cmpint(fixture_query(f.path, "SELECT lost_waveform FROM session"), ==, 7);
        g_assert_cmpint(fixture_query(f.path, "SELECT figures_version FROM session"), ==,
                        SCHEMA_FIGURES_VERSION);
        g_assert_cmpint(fixture_query(f.path, "SELECT duration IS NULL FROM session"), ==, 1);
        g_assert_cmpint(
                fixture_query(
                        f.path,
                        "SELECT count(*) FROM gap WHERE session = 1 AND from_usec = 10 AND to_usec = 20 AND"
                        " stream = 2 AND lost = 3"),
                ==, 1);
        g_assert_cmpint(
                fixture_query(
                        f.path,
                        "SELECT count(*) FROM event WHERE session = 1 AND session_usec = 11 AND realtime = 12"
                        " AND code = 1 AND severity = 3 AND asserted = 1 AND value = -7"),
                ==, 1);
        g_assert_cmpint(fixture_get(&f, 2), ==, -ENOENT);
        fixture_done(&f);
}

/* A profile file may be edited: what was recorded says itself which characteristics its channels were. */
static void test_channels(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_begin(&f, 2);   /* without */
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 2);
        g_assert_cmpstr(f.sessions[0].channels, ==, "");
        g_assert_cmpstr(f.sessions[1].channels, ==, FIXTURE_CHANNELS);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpstr(f.listed[0].channels, ==, FIXTURE_CHANNELS);
        g_assert_cmpint(fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 2 }), ==, 0);
        g_assert_cmpstr(f.listed[0].channels, ==, "");
        g_assert_cmpstr(f.listed[1].channels, ==, FIXTURE_CHANNELS);
        fixture_done(&f);
}

static void test_devices(void) {
        StoreDevice device = {
                .path = (char *) "dev_1",
                .address = (char *) pen,
                .address_type = (char *) "random",
                .alias = (char *) "first",
                .name = (char *) "x'); DROP TABLE device; --",
                .kind = 3,
                .owner = 1000,
                .bonded = true,
                .auto_connect = true,
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        store_device_put(f.store, &device);
        device.alias = (char *) "renamed";
        store_device_put(f.store, &device);
        device.address_type = (char *) "public"; /* another one */
        device.path = (char *) "dev_2";
        device.adapter = (char *) "00:11:22:33:44:55";
        store_device_put(f.store, &device);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 2);
        g_assert_cmpstr(f.devices->pdata[0], ==, "dev_1 renamed");
        g_assert_cmpstr(f.devices->pdata[1], ==, "dev_2 renamed");
        g_assert_cmpint(
                fixture_query(f.path,
                              "SELECT count(*) FROM device WHERE adapter IS NULL AND kind = 3 AND bonded = 1"
                              " AND allow_unbonded = 0 AND auto_connect = 1"),
                ==, 1);
        store_device_remove(f.store, pen, "random");
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpstr(f.devices->pdata[0], ==, "dev_2 renamed");
        fixture_done(&f);
}

static void test_ids_are_never_used_again(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.next_session_id, ==, 1);
        fixture_begin(&f, 41);
        g_assert_cmpint(fixture_discard(&f, 41), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.next_session_id, ==, 42); /* though there is no trace of it */
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.next_session_id, ==, 42);
        fixture_done(&f);
}

/* ---- Lists ---- */

static void fill(Fixture *f, unsigned n) {
        for (unsigned i = 1; i <= n; i++) {
                fixture_begin_full(f, i, FIXTURE_START_REALTIME + i / 3 * 1000000u,
                                   i % 2 ? pen : "AA:BB:CC:DD:EE:02", i % 5 ? "me" : "you",
                                   i % 4 ? 1000 : 1001);
                store_session_end(f->store, i, "idle", 0, FIXTURE_START_REALTIME, &(Figures) {}, NULL,
                                  NULL);
        }
        fixture_begin(f, n + 1); /* a live one, which no list shows */
        fixture_begin(f, n + 2);
        g_assert_cmpint(fixture_end(f, n + 2), ==, 0);
        g_assert_cmpint(fixture_discard(f, n + 2), ==, 0);
}

static unsigned walk(Fixture *f, StoreFilter filter) {
        uint64_t last_start = UINT64_MAX, last_id = UINT64_MAX;
        unsigned n = 0;

        do {
                g_assert_cmpint(fixture_list(f, &filter), ==, 0);
                g_assert_cmpuint(f->n_listed, <=, filter.limit);
                for (size_t i = 0; i < f->n_listed; i++) {
                        const StoreSession *s = &f->listed[i];

                        /* by (start, id), newest first, no one twice, no one left out */
                        g_assert_true(s->start_realtime_usec < last_start ||
                                      (s->start_realtime_usec == last_start && s->id < last_id));
                        g_assert_true(filter.owner == (uid_t) -1 || s->owner == filter.owner);
                        g_assert_true(!filter.subject || strcmp(s->subject, filter.subject) == 0);
                        last_start = s->start_realtime_usec;
                        filter.before = last_id = s->id;
                        n++;
                }
        } while (f->n_listed > 0);
        return n;
}

static void test_lists(void) {
        const StoreFilter all = { .owner = (uid_t) -1, .limit = 50 };
        StoreFilter filter = all;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fill(&f, 1200);
        g_assert_cmpuint(walk(&f, all), ==, 1200);
        filter.limit = 7;
        g_assert_cmpuint(walk(&f, filter), ==, 1200);
        filter = (StoreFilter) { .owner = 1001, .limit = 100 };
        g_assert_cmpuint(walk(&f, filter), ==, 300);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 100, .device = pen };
        g_assert_cmpuint(walk(&f, filter), ==, 600);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 100, .subject = "you" };
        g_assert_cmpuint(walk(&f, filter), ==, 240);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 100, .area = "jaw" };
        g_assert_cmpuint(walk(&f, filter), ==, 400);
        filter = (StoreFilter){
                .owner = 1001, .limit = 100, .device = "AA:BB:CC:DD:EE:02", .subject = "you", .area = "jaw"
        };
        g_assert_cmpuint(walk(&f, filter), ==, 20);
        filter = (StoreFilter){ .owner = (uid_t) -1,
                                .limit = 500,
                                .since_usec = FIXTURE_START_REALTIME + 100 * 1000000u,
                                .until_usec = FIXTURE_START_REALTIME + 110 * 1000000u };
        g_assert_cmpuint(walk(&f, filter), ==, 30);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 50, .subject = "' OR 1=1 --" };
        g_assert_cmpuint(walk(&f, filter), ==, 0);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 50, .before = 999999 };
        g_assert_cmpint(fixture_list(&f, &filter), ==, -ENOENT);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 1000000 };
        g_assert_cmpint(fixture_list(&f, &filter), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 500);
        filter.limit = 0;
        g_assert_cmpint(fixture_list(&f, &filter), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 1);
        fixture_done(&f);
}

/* A page costs the same however many there are: it is read from an index. */
static void test_lists_use_an_index(void) {
        static const char *const plans[] = {
                "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 1 ORDER BY start_realtime DESC, id DESC LIMIT 50",
                "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 1 AND owner = ? AND (start_realtime, id) < (?, ?)"
                " ORDER BY start_realtime DESC, id DESC LIMIT 50",
                "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 1 AND device_address = ? ORDER BY start_realtime DESC, id DESC"
                " LIMIT 50",
                "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 1 AND subject = ? ORDER BY start_realtime DESC, id DESC LIMIT 50",
                "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 0 ORDER BY id DESC",
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_stop(&f);
        for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
                sqlite3 *db;
                sqlite3_stmt *stmt;

                g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
                g_assert_cmpint(sqlite3_prepare_v2(db, plans[i], -1, &stmt, NULL), ==, SQLITE_OK);
                while (sqlite3_step(stmt) == SQLITE_ROW) {
                        const char *detail = (const char *) sqlite3_column_text(stmt, 3);

                        g_assert_nonnull(strstr(detail, "USING INDEX session_"));
                        g_assert_null(strstr(detail, "TEMP B-TREE"));
                }
                (void) sqlite3_finalize(stmt);
                (void) sqlite3_close(db);
        }
        fixture_done(&f);
}

/* ---- Discarding ---- */

/* Read by another process: closing a file of SQLite's would drop this process's locks on it. */
static bool file_has(const char *path, const void *needle, size_t size) {
        g_autofree char *pattern = g_malloc0(4 * size + 1);
        const char *const argv[] = { "env", "LC_ALL=C", "grep", "-q", "-a", "-P", pattern, path, NULL };
        int status;

        for (size_t i = 0; i < size; i++)
                g_snprintf(pattern + 4 * i, 5, "\\x%02x", ((const uint8_t *) needle)[i]);
        if (!g_file_test(path, G_FILE_TEST_EXISTS))
                return false;
        g_assert_true(g_spawn_sync(NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                                   &status, NULL));
        g_assert_cmpint(WEXITSTATUS(status), <=, 1);
        return WEXITSTATUS(status) == 0;
}

static bool any_file_has(Fixture *f, const void *needle, size_t size) {
        g_autofree char *wal = g_strconcat(f->path, "-wal", NULL);

        return file_has(f->path, needle, size) || file_has(wal, needle, size);
}

static void test_discarding_leaves_no_trace(void) {
        static const char *const tables[] = { "session", "chunk", "tail", "gap", "event" };
        const StoreEvent event = { .code = 1 };
        const StoreGap gap = { .lost = 1 };
        FixtureFrame early, late, other;
        struct stat before, after;
        Fixture f;

        fixture_make_frame(&early, 1, 100);
        fixture_make_frame(&late, 1, 8100);
        fixture_make_frame(&other, 2, 5);
        fixture_init(&f);
        fixture_start(&f);
        fixture_begin_full(&f, 2, FIXTURE_START_REALTIME, pen, "neighbour", 1000);
        fixture_record(&f, 2, 0, 100);
        fixture_begin_full(&f, 1, FIXTURE_START_REALTIME, pen, "nobody-must-know", 1000);
        for (uint64_t i = 0; i < 8200; i += 410) {
                fixture_record(&f, 1, i, 410);
                fixture_wait(&f, fixture_has_committed, 100 + i + 410);
        }
        store_session_event(f.store, 1, &event);
        store_session_gap(f.store, 1, &gap);
        g_assert_true(any_file_has(&f, early.data, 16));
        g_assert_true(any_file_has(&f, late.data, 16));
        g_assert_true(any_file_has(&f, "nobody-must-know", 16));
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_false(any_file_has(&f, early.data, 16));
        g_assert_false(any_file_has(&f, late.data, 16));
        g_assert_false(any_file_has(&f, "nobody-must-know", 16));
        g_assert_true(any_file_has(&f, other.data, 16));
        g_assert_true(any_file_has(&f, "neighbour", 9));
        for (size_t i = 0; i < G_N_ELEMENTS(tables); i++) {
                g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s WHERE %s = 1", tables[i],
                                                       i == 0 ? "id" : "session");

                g_assert_cmpint(fixture_query(f.path, sql), ==, 0);
        }
        g_assert_cmpint(fixture_discard(&f, 1), ==, -ENOENT);
        /* an ended one goes the same way, and the room is given back */
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpint(g_stat(f.path, &before), ==, 0);
        g_assert_cmpint(fixture_discard(&f, 2), ==, 0);
        g_assert_false(any_file_has(&f, other.data, 16));
        g_assert_cmpint(g_stat(f.path, &after), ==, 0);
        g_assert_cmpint(after.st_size, <, before.st_size);
        fixture_done(&f);
}

static void test_discarded_before_it_was_written(void) {
        FixtureFrame frame;
        Fixture f;

        fixture_make_frame(&frame, 1, 5);
        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 20);
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_false(any_file_has(&f, frame.data, 16));
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 0);
        fixture_done(&f);
}

/* ---- kill -9 ---- */

/* Records, and tells how many frames were committed so far, until it is killed. */
static void record_until_killed(const char *path, int fd) {
        Fixture f;
        uint64_t i = 0;

        fixture_init(&f);
        (void) g_rmdir(f.dir); /* it records into its parent's */
        f.path = g_strdup(path);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_end(&f, 1);
        fixture_begin(&f, 2);
        for (;;) {
                uint64_t committed;

                fixture_record(&f, 2, i, 4);
                i += 4;
                committed = store_counters(f.store).committed;
                if (write(fd, &committed, sizeof committed) != sizeof committed)
                        _exit(1);
                (void) usleep(1000);
        }
}

static void test_kill_9(void) {
        for (unsigned round = 0; round < 8; round++) {
                uint64_t committed = 0, reported;
                FixtureFrame *frames;
                g_autofree char *check = NULL;
                size_t n;
                int fds[2], status;
                Fixture f;
                pid_t pid;

                fixture_init(&f);
                g_assert_cmpint(pipe(fds), ==, 0);
                pid = fork();
                if (pid == 0) {
                        (void) close(fds[0]);
                        record_until_killed(f.path, fds[1]);
                }
                (void) close(fds[1]);
                /* somewhere in the seconds after the first commit */
                while (committed < 300 + (unsigned) g_test_rand_int_range(0, 3000))
                        g_assert_cmpint(read(fds[0], &committed, sizeof committed), ==, sizeof committed);
                g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
                g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
                while (read(fds[0], &reported, sizeof reported) == sizeof reported)
                        committed = reported;
                (void) close(fds[0]);

                check = fixture_query_text(f.path, "PRAGMA integrity_check");
                g_assert_cmpstr(check, ==, "ok");
                frames = fixture_read_frames(f.path, 2, &n);
                g_assert_cmpuint(n, >=, committed);
                fixture_assert_frames(frames, n, 2, 0);
                g_free(frames);
                fixture_start(&f);
                g_assert_cmpuint(f.n_sessions, ==, 1);
                g_assert_cmpuint(f.sessions[0].id, ==, 2);
                g_assert_cmpuint(f.sessions[0].n_frames, ==, n);
                fixture_assert_frames(f.sessions[0].frames, n, 2, 0);
                g_assert_cmpuint(f.next_session_id, ==, 3);
                g_assert_cmpint(fixture_get(&f, 1), ==, 0); /* nothing of a finished session */
                fixture_record(&f, 2, n, 1000);
                g_assert_cmpint(fixture_end(&f, 2), ==, 0);
                fixture_stop(&f);
                frames = fixture_read_frames(f.path, 2, &n);
                fixture_assert_frames(frames, n, 2, 0);
                g_free(frames);
                fixture_done(&f);
        }
}

/* ---- Files that cannot be used ---- */

static void make_database(Fixture *f, uint64_t n_frames) {
        const StoreDevice device = { .path = (char *) "dev_1",
                                     .address = (char *) pen,
                                     .address_type = (char *) "random",
                                     .alias = (char *) "pen" };

        fixture_start(f);
        store_device_put(f->store, &device);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, n_frames);
        g_assert_cmpint(fixture_end(f, 1), ==, 0);
        fixture_begin(f, 2);
        fixture_record(f, 2, 0, 100);
        fixture_stop(f);
}

static void overwrite(const char *path, off_t at, size_t size) {
        g_autofree char *junk = g_malloc(size);
        FILE *file = g_fopen(path, "r+");

        memset(junk, 0x5a, size);
        g_assert_nonnull(file);
        g_assert_cmpint(fseek(file, at, SEEK_SET), ==, 0);
        g_assert_cmpuint(fwrite(junk, 1, size, file), ==, size);
        (void) fclose(file);
}

static void assert_works(Fixture *f, uint64_t id) {
        FixtureFrame *frames;
        size_t n;

        fixture_begin(f, id);
        fixture_record(f, id, 0, 50);
        g_assert_cmpint(fixture_end(f, id), ==, 0);
        g_assert_cmpint(fixture_get(f, id), ==, 0);
        frames = fixture_read_frames(f->path, id, &n);
        g_assert_cmpuint(n, ==, 50);
        fixture_assert_frames(frames, n, id, 0);
        g_free(frames);
}

static void assert_put_aside(Fixture *f, const char *infix) {
        g_autofree char *prefix = g_strconcat(f->path, infix, NULL);

        g_assert_cmpuint(f->put_aside->len, ==, 1);
        g_assert_true(g_str_has_prefix(f->put_aside->pdata[0], prefix));
        g_assert_true(g_file_test(f->put_aside->pdata[0], G_FILE_TEST_IS_REGULAR));
        g_assert_cmpstr(f->states->str, ==, "degraded ready ");
        g_assert_nonnull(strstr(f->reasons->str, f->put_aside->pdata[0]));
        /* no id of the other database can come again */
        g_assert_cmpuint(f->next_session_id, >=, (uint64_t) time(NULL) - 3600);
}

static void test_a_newer_version_is_kept(void) {
        g_autofree char *wal = NULL;
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        wal = g_strconcat(f.path, ".v9-wal", NULL);
        make_database(&f, 1000);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        /* with something in the WAL that is not yet in the database, and ids beyond the clock */
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        g_assert_cmpint(schema_exec(db, "PRAGMA user_version = 9; CREATE TABLE later (x) STRICT"), !=,
                        SQLITE_OK);
        g_assert_cmpint(schema_exec(db,
                                    "CREATE TABLE later (x INTEGER) STRICT; INSERT INTO later VALUES (5);"
                                    "UPDATE meta SET value = 99999999999 WHERE key = 'next_session_id'"),
                        ==, SQLITE_OK);
        (void) sqlite3_close(db);

        fixture_start(&f);
        assert_put_aside(&f, ".v9");
        g_assert_cmpuint(f.next_session_id, ==, UINT64_C(99999999999));
        g_assert_nonnull(strstr(f.reasons->str, "newer version"));
        assert_works(&f, f.next_session_id);
        fixture_stop(&f);
        g_assert_true(g_file_test(wal, G_FILE_TEST_EXISTS)); /* not written: its WAL went along as it was */
        {
                g_autofree char *aside = g_strconcat(f.path, ".v9", NULL);

                g_assert_cmpint(fixture_query(aside, "SELECT x FROM later"), ==, 5);
                g_assert_cmpint(fixture_query(aside, "SELECT sum(frames) FROM chunk WHERE session = 1"), ==,
                                1000);
        }
        fixture_start(&f);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        g_assert_cmpuint(f.next_session_id, ==, UINT64_C(100000000000));
        fixture_done(&f);
}

static void test_an_overwritten_header(void) {
        Fixture f;

        fixture_init(&f);
        make_database(&f, 1000);
        overwrite(f.path, 0, 100);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        g_assert_cmpuint(f.n_sessions, ==, 0);
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_a_truncated_file(void) {
        Fixture f;
        struct stat st;

        fixture_init(&f);
        make_database(&f, 4000);
        g_assert_cmpint(g_stat(f.path, &st), ==, 0);
        g_assert_cmpint(truncate(f.path, st.st_size / 2), ==, 0);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_somebody_elses_database(void) {
        Fixture f;
        sqlite3 *db;

        fixture_init(&f);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, "CREATE TABLE cookies (x)"), ==, SQLITE_OK);
        (void) sqlite3_close(db);
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        g_assert_nonnull(strstr(f.reasons->str, "not a database of needled"));
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_not_a_database_at_all(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_true(g_file_set_contents(
                f.path,
                "Dear diary, today I wrote more than one page of text, enough for a header of "
                "one hundred octets and then some.",
                -1, NULL));
        fixture_start(&f);
        assert_put_aside(&f, ".corrupt-");
        assert_works(&f, f.next_session_id);
        fixture_done(&f);
}

static void test_an_empty_file_is_a_new_one(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_true(g_file_set_contents(f.path, "", 0, NULL));
        fixture_start(&f);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpuint(f.next_session_id, ==, 1);
        assert_works(&f, 1);
        fixture_done(&f);
}

/* Damage where nobody looks at the start: found by the check after an unclean stop, when devices and
 * sessions are told already, and both live on in the new database. */
static void test_hidden_damage_after_an_unclean_stop(void) {
        Fixture f;
        sqlite3 *db;
        int64_t page;

        fixture_init(&f);
        make_database(&f, 4000);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, "UPDATE meta SET value = 0 WHERE key = 'clean'"), ==, SQLITE_OK);
        (void) sqlite3_close(db);
        page = fixture_query(f.path,
                             "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_chunk_1'");
        overwrite(f.path, (page - 1) * 4096, 4096);

        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpuint(f.n_sessions, <=, 1);
        fixture_wait(&f, fixture_has_put_aside, 1);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_true(g_file_test(f.put_aside->pdata[0], G_FILE_TEST_IS_REGULAR));
        fixture_record(&f, 2, 100, 50);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpstr(f.devices->pdata[0], ==, "dev_1 pen");
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);
        g_assert_cmpuint(f.next_session_id, >=, (uint64_t) time(NULL) - 3600);
        fixture_done(&f);
}

/* The process ended between the renaming and the new database: the new one's ids still leap. */
static void test_ids_leap_beside_what_was_put_aside(void) {
        g_autofree char *aside = NULL;
        Fixture f;

        fixture_init(&f);
        make_database(&f, 10);
        aside = g_strconcat(f.path, ".corrupt-20200101T000000Z", NULL);
        g_assert_cmpint(g_rename(f.path, aside), ==, 0);
        fixture_start(&f);
        g_assert_cmpstr(f.states->str, ==, "ready ");
        g_assert_cmpuint(f.next_session_id, >=, (uint64_t) time(NULL) - 3600);
        fixture_done(&f);
}

/* ---- No database can be opened ---- */

static void assert_unavailable(Fixture *f, const char *why) {
        fixture_start(f);
        fixture_wait(f, fixture_is_in_state, STORE_UNAVAILABLE);
        g_assert_cmpstr(f->states->str, ==, "unavailable ");
        if (!strstr(f->reasons->str, why))
                g_error("no \"%s\" in: %s", why, f->reasons->str);
        g_assert_cmpuint(f->n_sessions, ==, 0);
        g_assert_cmpuint(f->next_session_id, >=, (uint64_t) time(NULL) - 3600);
        g_assert_cmpint(fixture_get(f, 1), ==, -EIO);
}

static void test_unavailable_and_back(void) {
        Fixture f;
        FixtureFrame *frames;
        size_t n;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0); /* a folder where the file should be */
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, f.next_session_id);
        fixture_record(&f, f.next_session_id, 0, 2000);
        g_assert_cmpuint(store_counters(f.store).committed, ==, 0);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        g_assert_cmpint(fixture_end(&f, f.next_session_id), ==, 0); /* by itself */
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        frames = fixture_read_frames(f.path, f.next_session_id, &n);
        g_assert_cmpuint(n, ==, 2000);
        fixture_assert_frames(frames, n, f.next_session_id, 0);
        g_free(frames);
        fixture_done(&f);
}

static void test_unavailable_reasons(void) {
        g_autofree char *file = NULL, *below = NULL, *missing = NULL, *link = NULL;
        Fixture f;

        fixture_init(&f);
        file = g_build_filename(f.dir, "file", NULL);
        below = g_build_filename(file, "needled.db", NULL);
        missing = g_build_filename(f.dir, "nowhere", "needled.db", NULL);
        link = g_build_filename(f.dir, "link", NULL);
        g_assert_true(g_file_set_contents(file, "x", 1, NULL));
        g_assert_cmpint(symlink(file, link), ==, 0);
        {
                const struct {
                        char *path;
                        const char *why;
                } cases[] = {
                        { below, "is not one" },
                        { missing, "its folder does not exist" },
                        { link, "symbolic link" },
                        { (char *) "/proc/needled.db", "" },
                };

                for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                        g_autofree char *own = g_steal_pointer(&f.path);

                        f.path = cases[i].path;
                        assert_unavailable(&f, cases[i].why);
                        fixture_stop(&f);
                        f.path = g_steal_pointer(&own);
                }
        }
        fixture_done(&f);
}

/* Memory has a bound: the oldest waveform goes first, is counted, and is a gap when it comes to be
 * written. */
static void test_memory_is_bounded(void) {
        const uint64_t n = 60000; /* 150 s: 4.8 MB with their heads */
        StoreCounters counters;
        FixtureFrame *frames, want;
        size_t n_frames, j = 0;
        uint64_t live = 0;
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, f.next_session_id);
        fixture_record(&f, f.next_session_id, 0, n);
        counters = store_counters(f.store);
        g_assert_cmpuint(counters.queued, ==, n);
        /* what is kept is worth 60 s at 400/s, and of what is not a waveform everything */
        g_assert_cmpuint(n - counters.dropped, >=, 24000);
        g_assert_cmpuint(n - counters.dropped, <=, 2u * 1024 * 1024 / 80);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        g_assert_cmpint(fixture_end(&f, f.next_session_id), ==, 0);
        counters = store_counters(f.store);
        g_assert_cmpuint(counters.committed, ==, n - counters.dropped);

        frames = fixture_read_frames(f.path, f.next_session_id, &n_frames);
        g_assert_cmpuint(n_frames, ==, n - counters.dropped);
        for (uint64_t i = 0; i < n; i++) { /* in order, and no live one is missing */
                fixture_make_frame(&want, f.next_session_id, i);
                if (j < n_frames && frames[j].frame.boottime_usec == want.frame.boottime_usec &&
                    memcmp(frames[j].data, want.data, want.frame.size) == 0) {
                        live += want.frame.channel != STORE_BULK_CHANNEL;
                        j++;
                } else
                        g_assert_cmpuint(want.frame.channel, ==, STORE_BULK_CHANNEL);
        }
        g_assert_cmpuint(j, ==, n_frames);
        g_assert_cmpuint(live, ==, n / 4);
        g_free(frames);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM gap WHERE stream != 2"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(lost) FROM gap"), ==, (int64_t) counters.dropped);
        fixture_done(&f);
}

/* Nothing is tried while there is nothing to write; who asks makes it try. */
static void test_asking_is_trying(void) {
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        g_assert_cmpint(g_rmdir(f.path), ==, 0);
        while (fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 50 }) == -EIO)
                continue;
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpint(f.error, ==, 0);
        fixture_done(&f);
}

/* Who reads while the database comes to be meets none or a whole one, never one that seems damaged. */
static void test_reading_while_it_comes(void) {
        for (unsigned i = 0; i < 20; i++) {
                Fixture f;

                fixture_init(&f);
                g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
                assert_unavailable(&f, "there is a folder");
                fixture_begin(&f, f.next_session_id);
                fixture_record(&f, f.next_session_id, 0, 10);
                store_session_end(f.store, f.next_session_id, "user", 0, 0, &(Figures) {}, NULL, NULL);
                g_assert_cmpint(g_rmdir(f.path), ==, 0);
                while (fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 50 }) == -EIO ||
                       f.n_listed == 0)
                        continue;
                g_assert_cmpuint(f.put_aside->len, ==, 0);
                g_assert_cmpuint(f.listed[0].id, ==, f.next_session_id);
                fixture_done(&f);
        }
}

static void on_closed(int error, void *userdata) {
        *(int *) userdata = error;
}

static void on_closed_list(int error, const StoreSession *sessions, size_t n, void *userdata) {
        *(int *) userdata = error;
}

/* Who waits is told, also by the end. */
static void test_closing_answers(void) {
        int ended = 1, listed = 1;
        Fixture f;

        fixture_init(&f);
        g_assert_cmpint(g_mkdir(f.path, 0700), ==, 0);
        assert_unavailable(&f, "there is a folder");
        fixture_begin(&f, f.next_session_id);
        store_session_end(f.store, f.next_session_id, "user", 0, 0, &(Figures) {}, on_closed, &ended);
        f.store = store_close(f.store, 100000);
        g_assert_cmpint(ended, ==, -ECANCELED);
        g_assert_cmpint(g_rmdir(f.path), ==, 0);

        fixture_start_only(&f);
        store_session_begin(f.store, &(StoreSession) { .id = 1, .uuid = (char *) "u" });
        store_session_end(f.store, 1, "user", 0, 0, &(Figures) {}, on_closed, &ended);
        store_list(f.store, &(StoreFilter) { .owner = (uid_t) -1, .limit = 1 }, on_closed_list, &listed);
        f.store = store_close(f.store, 20 * G_USEC_PER_SEC);
        g_assert_cmpint(ended, ==, 0); /* written all the same */
        g_assert_cmpint(listed, <=, 0);
        g_assert_false(f.opened);       /* and nothing else was called */
        g_assert_cmpint(fixture_query(f.path, "SELECT ended FROM session WHERE id = 1"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT value FROM meta WHERE key = 'clean'"), ==, 1);
        g_assert_null(store_close(NULL, 0));
        fixture_done(&f);
}

/* How often the store's two threads went to sleep so far. */
static uint64_t sleeps(void) {
        g_autoptr(GDir) tasks = g_dir_open("/proc/self/task", 0, NULL);
        uint64_t n = 0;
        unsigned n_threads = 0;
        const char *name;

        while ((name = g_dir_read_name(tasks))) {
                g_autofree char *path = g_build_filename("/proc/self/task", name, "status", NULL), *text = NULL;
                const char *count;

                if (!g_file_get_contents(path, &text, NULL, NULL) || !strstr(text, "Name:\tstore-"))
                        continue;
                count = strstr(text, "\nvoluntary_ctxt_switches:\t");
                g_assert_nonnull(count);
                n += g_ascii_strtoull(count + strlen("\nvoluntary_ctxt_switches:\t"), NULL, 10);
                n_threads++;
        }
        g_assert_cmpuint(n_threads, ==, 2);
        return n;
}

/* P6, "no wakeups while nothing is connected": with a session open and all of it written and synced, nobody wakes up. */
static void test_nothing_wakes_up_in_vain(void) {
        int64_t end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
        uint64_t before;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 100);
        fixture_wait(&f, fixture_has_committed, 100);
        do { /* the sync of what was committed is due within a second */
                before = sleeps();
                g_usleep(1500000);
                g_assert_cmpint(g_get_monotonic_time(), <, end);
        } while (sleeps() != before);
        g_usleep(1500000);
        g_assert_cmpuint(sleeps(), ==, before);
        fixture_done(&f);
}

static void test_state_names(void) {
        g_assert_cmpstr(store_state_name(STORE_OPENING), ==, "opening");
        g_assert_cmpstr(store_state_name(STORE_READY), ==, "ready");
        g_assert_cmpstr(store_state_name(STORE_DEGRADED), ==, "degraded");
        g_assert_cmpstr(store_state_name(STORE_UNAVAILABLE), ==, "unavailable");
}

/* 30 min of waveform at 200 Hz, 10 samples a notification, and 10 live values a second: at most 2.2 MB. */
static void test_sizes(void) {
        uint8_t data[28];
        int64_t size;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (uint64_t i = 0; i < 30 * 60 * 30; i++) { /* 30 notifications a second */
                Frame frame = {
                        .boottime_usec = FIXTURE_START_BOOTTIME + i * 33333,
                        .realtime_usec = FIXTURE_START_REALTIME + i * 33333,
                        .channel = i % 3 ? 2 : 1,
                        .size = sizeof data,
                        .data = data,
                };

                for (size_t j = 0; j < sizeof data; j++)
                        data[j] = (uint8_t) g_test_rand_int();
                store_session_frame(f.store, 1, &frame);
                if (i % 1000 == 0)
                        fixture_wait(&f, fixture_has_committed, i + 1);
        }
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        fixture_stop(&f);
        size = fixture_query(f.path, "SELECT (SELECT * FROM pragma_page_count) * 4096");
        g_test_message("%.2f MB for 30 min of 200 Hz, %.1f octets a frame of 28", (double) size / 1e6,
                       (double) size / 54000);
        g_assert_cmpint(size, <, 2200000);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store/kill-9", test_kill_9); /* forks, before there are threads */
        g_test_add_func("/store/a-new-store", test_a_new_store);
        g_test_add_func("/store/frames-come-back-bit-by-bit", test_frames_come_back_bit_by_bit);
        g_test_add_func("/store/odd-frames", test_odd_frames);
        g_test_add_func("/store/sessions-side-by-side", test_sessions_side_by_side);
        g_test_add_func("/store/the-summary", test_the_summary);
        g_test_add_func("/store/channels", test_channels);
        g_test_add_func("/store/devices", test_devices);
        g_test_add_func("/store/ids-are-never-used-again", test_ids_are_never_used_again);
        g_test_add_func("/store/lists", test_lists);
        g_test_add_func("/store/lists-use-an-index", test_lists_use_an_index);
        g_test_add_func("/store/discarding-leaves-no-trace", test_discarding_leaves_no_trace);
        g_test_add_func("/store/discarded-before-it-was-written", test_discarded_before_it_was_written);
        g_test_add_func("/store/a-newer-version-is-kept", test_a_newer_version_is_kept);
        g_test_add_func("/store/an-overwritten-header", test_an_overwritten_header);
        g_test_add_func("/store/a-truncated-file", test_a_truncated_file);
        g_test_add_func("/store/somebody-elses-database", test_somebody_elses_database);
        g_test_add_func("/store/not-a-database-at-all", test_not_a_database_at_all);
        g_test_add_func("/store/an-empty-file-is-a-new-one", test_an_empty_file_is_a_new_one);
        g_test_add_func("/store/hidden-damage-after-an-unclean-stop",
                        test_hidden_damage_after_an_unclean_stop);
        g_test_add_func("/store/ids-leap-beside-what-was-put-aside",
                        test_ids_leap_beside_what_was_put_aside);
        g_test_add_func("/store/unavailable-and-back", test_unavailable_and_back);
        g_test_add_func("/store/unavailable-reasons", test_unavailable_reasons);
        g_test_add_func("/store/memory-is-bounded", test_memory_is_bounded);
        g_test_add_func("/store/asking-is-trying", test_asking_is_trying);
        g_test_add_func("/store/reading-while-it-comes", test_reading_while_it_comes);
        g_test_add_func("/store/closing-answers", test_closing_answers);
        g_test_add_func("/store/nothing-wakes-up-in-vain", test_nothing_wakes_up_in_vain);
        g_test_add_func("/store/state-names", test_state_names);
        g_test_add_func("/store/sizes", test_sizes);
        return g_test_run();
}
