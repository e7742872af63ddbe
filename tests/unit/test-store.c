/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

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
                store_session_frame(f.store, 1, &odd[i], NULL);
        store_session_frame(f.store, 2, &odd[0], NULL); /* no such session */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        store_session_frame(f.store, 1, &odd[0], NULL); /* ended */
        g_assert_cmpuint(store_counters(f.store).queued, ==, 4);
        g_assert_cmpint(fixture_end(&f, 2), ==, -ENOENT);
        fixture_stop(&f);
        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, G_N_ELEMENTS(odd));
        for (size_t i = 0; i < n; i++) {
                g_assert_cmpuint(frames[i].frame.boottime_usec, ==, odd[i].boottime_usec);
                g_assert_cmpuint(frames[i].frame.realtime_usec, ==, odd[i].realtime_usec);
                g_assert_cmpuint(frames[i].frame.direction, ==, odd[i].direction);
                g_assert_cmpuint(frames[i].frame.channel, ==, odd[i].channel);
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
                         UINT64_C(1) << FIGURE_LOST_WAVEFORM | UINT64_C(1) << FIGURE_STROKE_RATE |
                         UINT64_C(1) << FIGURE_LIMIT | UINT64_C(1) << FIGURE_DEVICE_TIME_OFFSET);
        g_assert_cmpint(session->figures.value[FIGURE_LIMIT].i, ==, 900000000);
        g_assert_cmpint(session->figures.value[FIGURE_DEVICE_TIME_OFFSET].i, ==, INT64_C(-5000000000));
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
        device.released = true;
        device.released_until_usec = FIXTURE_START_REALTIME;
        store_device_put(f.store, &device);
        store_device_remove(f.store, pen, "random");
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpstr(f.devices->pdata[0], ==, "dev_2 renamed until 1700000000000000");
        fixture_done(&f);
}

static void on_synced(int error, void *userdata) {
        Fixture *f = userdata;

        f->error = error;
        f->answered = true;
}

static void on_got_slowly(int error, const StoreSession *sessions, size_t n, void *userdata) {
        g_usleep(3000);
        ++*(unsigned *) userdata;
}

/* Whatever waits for an answer, the loop is back soon: it has devices to read from. */
static void test_answers_in_turns(void) {
        const unsigned n_asked = 20;
        unsigned n_answered = 0, n_turns = 0;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (unsigned i = 0; i < n_asked; i++)
                store_get(f.store, 1, on_got_slowly, &n_answered);
        while (n_answered < n_asked) {
                struct pollfd fd = { .fd = store_get_fd(f.store), .events = POLLIN };
                unsigned before = n_answered;

                g_assert_cmpint(poll(&fd, 1, 60000), ==, 1);
                store_dispatch(f.store);
                g_assert_cmpuint(n_answered - before, <=, 1);
                n_turns++;
        }
        g_assert_cmpuint(n_turns, >=, n_asked);
        fixture_done(&f);
}

/* What came before is durable when the answer comes, and not only at the next turn of the second. */
static void test_sync(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 10);
        store_sync(f.store, on_synced, &f);
        fixture_wait(&f, fixture_is_answered, 0);
        g_assert_cmpint(f.error, ==, 0);
        g_assert_cmpuint(store_counters(f.store).committed, ==, 10);

        f.answered = false;
        store_sync(f.store, on_synced, &f); /* with nothing to write, which alone would not be synced */
        fixture_wait(&f, fixture_is_answered, 0);
        g_assert_cmpint(f.error, ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT value > 0 FROM meta WHERE key = 'synced'"), ==, 1);
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
                store_session_end(f->store, i, &(StoreEnd) { .reason = "idle", .realtime_usec = FIXTURE_START_REALTIME }, NULL,
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
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 500, .until_usec = UINT64_MAX }; /* more than a row can have */
        g_assert_cmpuint(walk(&f, filter), ==, 1200);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 500, .since_usec = UINT64_MAX };
        g_assert_cmpuint(walk(&f, filter), ==, 0);
        filter = (StoreFilter) { .owner = (uid_t) -1, .limit = 50, .subject = "' OR 1=1 --" };
        g_assert_cmpuint(walk(&f, filter), ==, 0);
        /* nor does the number of another's session say when that was */
        g_assert_cmpint(fixture_list(&f, &(StoreFilter) { .owner = 4242, .limit = 50, .before = 1 }), ==, -ENOENT);
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

/* What somebody who had the uid before has left does not stand between the sessions of who has it now, in no page. */
static void test_lists_of_a_uid_used_again(void) {
        StoreFilter filter = { .owner = 1000, .owner_name = "somebody", .limit = 10 };
        sqlite3 *db;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fill(&f, 400);                  /* of them 300 */
        fixture_stop(&f);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(db, "UPDATE session SET owner_name = CASE WHEN id BETWEEN 101 AND 200 THEN 'her' WHEN id > 390 THEN '' ELSE"
                                         " owner_name END", NULL, NULL, NULL), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_close(db), ==, SQLITE_OK);
        fixture_start(&f);
        g_assert_cmpuint(walk(&f, filter), ==, 225);
        filter.before = 101;            /* hers */
        g_assert_cmpint(fixture_list(&f, &filter), ==, -ENOENT);
        filter = (StoreFilter) { .owner = 1000, .owner_name = "her", .limit = 10 };
        g_assert_cmpuint(walk(&f, filter), ==, 75 + 7); /* whose the newest are, nobody knows */
        for (unsigned i = 0; i < 2; i++) {
                filter = (StoreFilter) { .owner = 1000, .owner_name = i ? "" : NULL, .limit = 10 };
                g_assert_cmpuint(walk(&f, filter), ==, 300);
        }
        fixture_done(&f);
}

#define PAGE(where) "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 1" where " ORDER BY start_realtime DESC, id DESC LIMIT 50"

/* A page costs the same however many there are: it is read from an index, from where it begins. */
static void test_lists_use_an_index(void) {
        static const struct {
                const char *sql, *how;
        } plans[] = {
                { PAGE(""), "INDEX session_start" },
                { PAGE(" AND owner = ? AND (start_realtime, id) < (?, ?)"), "SEARCH session USING INDEX session_owner" },
                { PAGE(" AND device_address = ?"), "SEARCH session USING INDEX session_device" },
                { PAGE(" AND subject = ?"), "SEARCH session USING INDEX session_subject" },
                { PAGE(" AND area = ? AND owner = ?"), "SEARCH session USING INDEX session_area" },
                { PAGE(" AND start_realtime >= ? AND start_realtime < ? AND owner = ?"), "SEARCH session USING INDEX session_owner" },
                { "EXPLAIN QUERY PLAN SELECT * FROM session WHERE ended = 0 ORDER BY id DESC", "USING INDEX session_open" },
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_stop(&f);
        for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
                unsigned n_steps = 0;
                sqlite3 *db;
                sqlite3_stmt *stmt;

                g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
                g_assert_cmpint(sqlite3_prepare_v2(db, plans[i].sql, -1, &stmt, NULL), ==, SQLITE_OK);
                for (; sqlite3_step(stmt) == SQLITE_ROW; n_steps++) {
                        const char *detail = (const char *) sqlite3_column_text(stmt, 3);

                        g_test_message("%s: %s", plans[i].sql, detail);
                        g_assert_nonnull(strstr(detail, plans[i].how));
                        g_assert_null(strstr(detail, "TEMP B-TREE"));
                }
                g_assert_cmpuint(n_steps, ==, 1);
                (void) sqlite3_finalize(stmt);
                (void) sqlite3_close(db);
        }
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
        StoreSample sample = { .has = 7, .mean = { 800, 4000, 1500 }, .max = { 800, 4000, 1500 } };
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
                sample.max[STORE_METRIC_FORCE] = g_test_rand_int_range(0, 10000);
                store_session_frame(f.store, 1, &frame, i % 3 ? NULL : &sample);
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
        g_test_add_func("/store/a-new-store", test_a_new_store);
        g_test_add_func("/store/frames-come-back-bit-by-bit", test_frames_come_back_bit_by_bit);
        g_test_add_func("/store/odd-frames", test_odd_frames);
        g_test_add_func("/store/sessions-side-by-side", test_sessions_side_by_side);
        g_test_add_func("/store/the-summary", test_the_summary);
        g_test_add_func("/store/channels", test_channels);
        g_test_add_func("/store/devices", test_devices);
        g_test_add_func("/store/sync", test_sync);
        g_test_add_func("/store/answers-in-turns", test_answers_in_turns);
        g_test_add_func("/store/ids-are-never-used-again", test_ids_are_never_used_again);
        g_test_add_func("/store/lists", test_lists);
        g_test_add_func("/store/lists-of-a-uid-used-again", test_lists_of_a_uid_used_again);
        g_test_add_func("/store/lists-use-an-index", test_lists_use_an_index);
        g_test_add_func("/store/nothing-wakes-up-in-vain", test_nothing_wakes_up_in_vain);
        g_test_add_func("/store/state-names", test_state_names);
        g_test_add_func("/store/sizes", test_sizes);
        return g_test_run();
}
