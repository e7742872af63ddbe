/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "needled/tape.h"
#include "store/chunk.h"
#include "store/shared.h"

#define PATIENCE_USEC (60 * G_USEC_PER_SEC)

static FixtureFrame copy_frame(const Frame *frame) {
        FixtureFrame copy = { .frame = *frame };

        g_assert_cmpuint(frame->size, <=, sizeof copy.data);
        if (frame->size > 0)
                memcpy(copy.data, frame->data, frame->size);
        copy.frame.data = NULL;
        return copy;
}

static void on_opened(const StoreOpened *opened, void *userdata) {
        Fixture *f = userdata;

        if (f->opened) { /* told once more, of a database that came late: then there was none before */
                g_assert_cmpuint(f->n_sessions, ==, 0);
                g_assert_cmpuint(f->devices->len, ==, 0);
                g_free(f->sessions);
        }
        f->opened = true;
        f->next_session_id = opened->next_session_id;
        f->taken_in = opened->taken_in;
        f->ended = opened->n_ended > 0 ? opened->ended[0].id : 0;
        for (size_t i = 0; i < opened->n_devices; i++) {
                const StoreDevice *d = &opened->devices[i];
                g_autofree char *until = d->released ? g_strdup_printf(" until %" G_GUINT64_FORMAT, d->released_until_usec) : NULL;

                g_ptr_array_add(f->devices, g_strdup_printf("%s %s%s", d->path, d->alias, until ? until : ""));
        }
        for (size_t i = 0; i < opened->n_plans; i++) {
                const StorePlan *p = &opened->plans[i];

                g_ptr_array_add(f->personal, g_strdup_printf("plan of %u %s for '%s': %" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT
                                                             " %" G_GINT64_FORMAT " %d %d", p->owner, p->owner_name, p->subject,
                                                             p->rest_300_usec, p->rest_500_usec, p->rest_1000_usec, p->rest_deeper_usec,
                                                             p->weekly_max, p->course_weeks));
        }
        for (size_t i = 0; i < opened->n_acknowledgements; i++) {
                const StoreAcknowledgement *a = &opened->acknowledgements[i];

                g_ptr_array_add(f->personal, g_strdup_printf("%u %s acknowledged %s at %" G_GUINT64_FORMAT, a->owner, a->owner_name, a->version,
                                                             a->realtime_usec));
        }
        f->sessions = g_new0(FixtureSession, opened->n_sessions + 1);
        f->n_sessions = opened->n_sessions;
        for (size_t i = 0; i < opened->n_sessions; i++) {
                const StoreOpenSession *open = &opened->sessions[i];
                FixtureSession *session = &f->sessions[i];

                g_assert_cmpstr(open->session.state, ==, "live");
                g_assert_cmpstr(open->session.end_reason, ==, "");
                session->id = open->session.id;
                session->uuid = g_strdup(open->session.uuid);
                session->alias = g_strdup(open->session.device_alias);
                session->subject = g_strdup(open->session.subject);
                session->channels = g_strdup(open->session.channels);
                session->n_frames = open->n_frames;
                session->frames = g_new0(FixtureFrame, open->n_frames + 1);
                for (size_t j = 0; j < open->n_frames; j++)
                        session->frames[j] = copy_frame(&open->frames[j]);
        }
}

static void on_state_changed(StoreState state, const char *reason, const char *put_aside, void *userdata) {
        Fixture *f = userdata;

        g_assert_cmpint(store_state(f->store), ==, state);
        g_assert_cmpstr(store_reason(f->store), ==, reason);
        g_assert_cmpint(state == STORE_READY, ==, reason[0] == '\0');
        g_string_append_printf(f->states, "%s ", store_state_name(state));
        g_string_append_printf(f->reasons, "%s\n", reason);
        if (put_aside)
                g_ptr_array_add(f->put_aside, g_strdup(put_aside));
}

static void on_done(int error, void *userdata) {
        Fixture *f = userdata;

        f->error = error;
        f->answered = true;
}

static void copy_erased(Fixture *f, const StoreErased *erased) {
        g_free(f->erased.sessions);
        g_strfreev(f->erased.remains);
        f->erased = *erased;
        f->erased.sessions = g_memdup2(erased->sessions, erased->n_sessions * sizeof *erased->sessions);
        f->erased.remains = g_strdupv(erased->remains);
}

void fixture_on_erased(int error, const StoreErased *erased, void *userdata) {
        copy_erased(userdata, erased);
        on_done(error, userdata);
}

static void on_retired(const StoreErased *erased, void *userdata) {
        Fixture *f = userdata;

        for (unsigned i = 0; i < erased->n_sessions; i++)
                g_array_append_val(f->retired, erased->sessions[i].id);
}

static void on_recorded(StoreRecordFate fate, uint64_t id, const StoreSession *session, const StoreCursor *cursor, void *userdata) {
        Fixture *f = userdata;

        g_assert_cmpstr(session->device_address, ==, "AA:BB:CC:DD:EE:01");
        f->n_late++;
        f->late_id = id;
        f->late_fate = fate;
        f->late_cursor = *cursor;
}

static void clear_listed(Fixture *f) {
        for (size_t i = 0; i < f->n_listed; i++) {
                g_free(f->listed[i].uuid);
                g_free(f->listed[i].subject);
                g_free(f->listed[i].channels);
                g_free(f->listed[i].end_reason);
        }
        g_free(g_steal_pointer(&f->listed));
        f->n_listed = 0;
}

static void on_listed(int error, const StoreSession *sessions, size_t n, void *userdata) {
        Fixture *f = userdata;

        clear_listed(f);
        f->listed = g_memdup2(sessions, n * sizeof *sessions);
        f->n_listed = n;
        for (size_t i = 0; i < n; i++) {
                f->listed[i].uuid = g_strdup(sessions[i].uuid);
                f->listed[i].subject = g_strdup(sessions[i].subject);
                f->listed[i].channels = g_strdup(sessions[i].channels);
                f->listed[i].end_reason = g_strdup(sessions[i].end_reason);
                g_assert_cmpstr(sessions[i].state, ==, "finished");
        }
        on_done(error, f);
}

static void forget(Fixture *f) {
        for (size_t i = 0; i < f->n_sessions; i++) {
                g_free(f->sessions[i].uuid);
                g_free(f->sessions[i].alias);
                g_free(f->sessions[i].subject);
                g_free(f->sessions[i].channels);
                g_free(f->sessions[i].frames);
        }
        g_free(g_steal_pointer(&f->sessions));
        f->n_sessions = 0;
        f->opened = false;
        g_ptr_array_set_size(f->devices, 0);
        g_ptr_array_set_size(f->personal, 0);
        g_ptr_array_set_size(f->put_aside, 0);
        g_string_truncate(f->states, 0);
        g_string_truncate(f->reasons, 0);
        clear_listed(f);
}

void fixture_init(Fixture *f) {
        *f = (Fixture) {
                .dir = g_dir_make_tmp("needled-store-XXXXXX", NULL),
                .devices = g_ptr_array_new_with_free_func(g_free),
                .personal = g_ptr_array_new_with_free_func(g_free),
                .put_aside = g_ptr_array_new_with_free_func(g_free),
                .retired = g_array_new(FALSE, FALSE, sizeof(uint64_t)),
                .states = g_string_new(NULL),
                .reasons = g_string_new(NULL),
        };
        g_assert_nonnull(f->dir);
        f->path = g_build_filename(f->dir, "needled.db", NULL);
}

static void remove_dir(const char *dir) {
        g_autoptr(GDir) entries = g_dir_open(dir, 0, NULL);
        const char *name;

        while (entries && (name = g_dir_read_name(entries))) {
                g_autofree char *path = g_build_filename(dir, name, NULL);

                if (g_file_test(path, G_FILE_TEST_IS_DIR))
                        remove_dir(path);
                else
                        (void) g_unlink(path);
        }
        (void) g_rmdir(dir);
}

void fixture_done(Fixture *f) {
        fixture_stop(f);
        forget(f);
        remove_dir(f->dir);
        g_free(f->dir);
        g_free(f->path);
        g_ptr_array_unref(f->devices);
        g_ptr_array_unref(f->personal);
        g_ptr_array_unref(f->put_aside);
        copy_erased(f, &(StoreErased) {});
        g_array_unref(f->retired);
        (void) g_string_free(f->states, TRUE);
        (void) g_string_free(f->reasons, TRUE);
}

void fixture_start_only(Fixture *f) {
        const StoreObserver observer = {
                .opened = on_opened,
                .state_changed = on_state_changed,
                .retired = on_retired,
                .recorded = on_recorded,
                .decoder = f->decoder,
                .ring = f->ring,
        };

        forget(f);
        f->store = store_new(f->path, &observer, f);
        if (f->collect_usec == 0)
                return;
        shared_lock(f->store);
        f->store->collect_usec = f->store->retry_min_usec = f->collect_usec;
        shared_unlock(f->store);
}

void fixture_start(Fixture *f) {
        fixture_start_only(f);
        fixture_wait(f, fixture_is_opened, 0);
}

void fixture_stop(Fixture *f) {
        f->store = store_close(f->store, 20 * G_USEC_PER_SEC);
}

void fixture_wait(Fixture *f, FixtureCondition condition, uint64_t value) {
        int64_t end = g_get_monotonic_time() + PATIENCE_USEC;

        while (!condition(f, value)) {
                struct pollfd pfd = { .fd = store_get_fd(f->store), .events = POLLIN };

                /* Counters change without a word: hence not for ever. */
                (void) poll(&pfd, 1, f->collect_usec ? 1 : 5);
                store_dispatch(f->store);
                if (g_get_monotonic_time() > end)
                        g_error("waited for a minute; states: %s; reasons: %s", f->states->str,
                                f->reasons->str);
        }
}

bool fixture_is_opened(Fixture *f, uint64_t value) {
        return f->opened;
}

bool fixture_is_answered(Fixture *f, uint64_t value) {
        return f->answered;
}

bool fixture_has_committed(Fixture *f, uint64_t n_frames) {
        return store_counters(f->store).committed >= n_frames;
}

bool fixture_is_in_state(Fixture *f, uint64_t state) {
        return store_state(f->store) == state;
}

bool fixture_has_put_aside(Fixture *f, uint64_t n) {
        return f->put_aside->len >= n;
}

void fixture_begin_full(Fixture *f, uint64_t id, uint64_t start_usec, const char *device,
                        const char *subject, uid_t owner) {
        g_autofree char *uuid = g_strdup_printf("00000000-0000-4000-8000-%012" G_GINT64_MODIFIER "x", id);
        StoreSession session = {
                .id = id,
                .uuid = uuid,
                .device_address = (char *) device,
                .device_alias = (char *) "pen",
                .profile = (char *) "omp1",
                .channels = (char *) (id % 2 ? FIXTURE_CHANNELS : NULL),
                .owner = owner,
                .owner_name = (char *) "somebody",
                .boot_id = (char *) "0123456789abcdef0123456789abcdef",
                .utc_offset_sec = -3600,
                .start_boottime_usec = FIXTURE_START_BOOTTIME,
                .start_realtime_usec = start_usec,
                .subject = (char *) subject,
                .area = (char *) (id % 3 ? "chin" : "jaw"),
        };

        store_session_begin(f->store, &session);
}

void fixture_begin(Fixture *f, uint64_t id) {
        fixture_begin_full(f, id, FIXTURE_START_REALTIME, "AA:BB:CC:DD:EE:01", "me", 1000);
}

/* Octets with little in common from frame to frame, sizes and jitter as they come from a radio. */
void fixture_make_frame(FixtureFrame *ret, uint64_t session, uint64_t i) {
        uint64_t x = (session << 32 | i) * UINT64_C(0x9e3779b97f4a7c15) + 1;

        ret->frame = (Frame) {
                .boottime_usec = FIXTURE_START_BOOTTIME + i * FIXTURE_FRAME_USEC + x % 7,
                .realtime_usec = FIXTURE_START_REALTIME + i * FIXTURE_FRAME_USEC + x % 7 + x / 11 % 3,
                .channel = i % 4 ? 2 : 1,
                .direction = FRAME_FROM_DEVICE,
                .size = FIXTURE_FRAME_SIZE,
                .data = ret->data,
        };
        for (unsigned j = 0; j < FIXTURE_FRAME_SIZE; j++) {
                x ^= x << 13;
                x ^= x >> 7;
                x ^= x << 17;
                ret->data[j] = (uint8_t) x;
        }
}

void fixture_record(Fixture *f, uint64_t session, uint64_t from, uint64_t n) {
        FixtureFrame frame;

        for (uint64_t i = from; i < from + n; i++) {
                fixture_make_frame(&frame, session, i);
                store_session_frame(f->store, session, &frame.frame, NULL);
        }
}

static int wait_answer(Fixture *f) {
        fixture_wait(f, fixture_is_answered, 0);
        return f->error;
}

int fixture_end(Fixture *f, uint64_t session) {
        Figures figures = {};

        figures_set(&figures, FIGURE_STROKES, 1234);
        figures_set(&figures, FIGURE_FORCE_MEAN, -5);
        figures_set(&figures, FIGURE_LOST_WAVEFORM, 7);
        figures_set_double(&figures, FIGURE_STROKE_RATE, 90.5);
        figures_set(&figures, FIGURE_LIMIT, 900000000); /* its name is a word of SQL */
        figures_set(&figures, FIGURE_DEVICE_TIME_OFFSET, INT64_C(-5000000000));
        f->answered = false;
        store_session_end(f->store, session, &(StoreEnd) {
                .reason = "user",
                .boottime_usec = FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC,
                .realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC,
                .figures = &figures,
        }, on_done, f);
        return wait_answer(f);
}

int fixture_label(Fixture *f, uint64_t session, const StoreLabels *labels) {
        f->answered = false;
        store_session_label(f->store, session, labels, on_done, f);
        return wait_answer(f);
}

int fixture_plan(Fixture *f, const StorePlan *plan) {
        f->answered = false;
        store_plan_put(f->store, plan, on_done, f);
        return wait_answer(f);
}

int fixture_acknowledge(Fixture *f, uid_t owner, const char *version, uint64_t realtime_usec) {
        StoreAcknowledgement a = { .owner = owner, .owner_name = (char *) "ada", .version = (char *) version, .realtime_usec = realtime_usec };

        f->answered = false;
        store_acknowledge(f->store, &a, on_done, f);
        return wait_answer(f);
}

int fixture_discard(Fixture *f, uint64_t session) {
        f->answered = false;
        store_session_discard(f->store, session, &(StoreBurial) { .device_address = "AA:BB:CC:DD:EE:FF" }, on_done, f);
        return wait_answer(f);
}

int fixture_list(Fixture *f, const StoreFilter *filter) {
        f->answered = false;
        store_list(f->store, filter, on_listed, f);
        return wait_answer(f);
}

int fixture_get(Fixture *f, uint64_t id) {
        f->answered = false;
        store_get(f->store, id, on_listed, f);
        return wait_answer(f);
}

int fixture_delete(Fixture *f, uint64_t session) {
        f->answered = false;
        store_delete(f->store, session, fixture_on_erased, f);
        return wait_answer(f);
}

int fixture_erase_all(Fixture *f, uid_t owner) {
        f->answered = false;
        store_erase_all(f->store, owner, NULL, fixture_on_erased, f);
        return wait_answer(f);
}

int fixture_erase_copies(Fixture *f) {
        f->answered = false;
        store_erase_copies(f->store, fixture_on_erased, f);
        return wait_answer(f);
}

void fixture_sweep(Fixture *f) {
        g_assert_cmpint(fixture_delete(f, INT64_MAX), ==, -ENOENT); /* its turn comes when they are gone */
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE ended = 2"), ==, 0);
        g_assert_cmpint(fixture_query(f->path, "SELECT (SELECT count(*) FROM erasure WHERE file = '') + (SELECT count(*) FROM spared)"), ==, 0);
}

static GString *make_tape(uint64_t session, uint64_t n_frames, bool whole) {
        const TapeHead head = { .profile = "omp1", .start_realtime_usec = FIXTURE_START_REALTIME };
        GString *tape = g_string_new(NULL);
        char line[TAPE_LINE_MAX + 1];

        g_assert_cmpint(tape_format_head(&head, line, sizeof(line)), >, 0);
        g_string_append(tape, line);
        for (uint64_t i = 0; i < n_frames; i++) {
                FixtureFrame frame;

                fixture_make_frame(&frame, session, i);
                g_assert_cmpint(tape_format_frame(&head, &frame.frame, FIXTURE_START_BOOTTIME, line, sizeof(line)), >, 0);
                g_string_append(tape, line);
        }
        if (whole) {
                g_assert_cmpint(tape_format_end(FIXTURE_LENGTH_USEC, 0, "user", line, sizeof(line)), >, 0);
                g_string_append(tape, line);
        }
        return tape;
}

static void on_imported(int error, const char *message, uint64_t id, void *userdata) {
        on_done(error, userdata);
}

int fixture_import(Fixture *f, uint64_t id, uint64_t n_frames, bool whole, void (*turn)(void *userdata), void *userdata) {
        char none[] = "", imported[] = "imported";
        GString *tape = make_tape(id, n_frames, whole);
        size_t written = 0;
        int fds[2];

        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
        f->answered = false;
        store_import(f->store, &(StoreImport) {
                .session = { .id = id, .uuid = none, .device_address = none, .device_alias = none, .owner = 1000, .owner_name = none,
                             .subject = none, .area = none, .product = none, .note = none, .source = imported },
                .fd = fds[0],
        }, on_imported, f);
        while (!f->answered) {
                ssize_t n = fds[1] >= 0 ? write(fds[1], tape->str + written, tape->len - written) : 0;

                g_assert_true(n >= 0 || errno == EAGAIN);
                written += n > 0 ? (size_t) n : 0;
                if (written == tape->len && fds[1] >= 0) {
                        (void) close(fds[1]);
                        fds[1] = -1;
                }
                turn(userdata);
                (void) poll(&(struct pollfd) { .fd = store_get_fd(f->store), .events = POLLIN }, 1, 1);
                store_dispatch(f->store);
        }
        (void) g_string_free(tape, TRUE);
        return f->error;
}

void fixture_assert_imported(Fixture *f, uint64_t id, uint64_t n_frames) {
        size_t n;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n);

        g_assert_cmpint(fixture_get(f, id), ==, n_frames > 0 ? 0 : -ENOENT);
        g_assert_cmpuint(n, ==, n_frames);
        for (uint64_t i = 0; i < n; i++) {
                FixtureFrame want;

                fixture_make_frame(&want, id, i);
                g_assert_cmpuint(frames[i].frame.realtime_usec, ==, want.frame.realtime_usec);
                g_assert_cmpmem(frames[i].data, frames[i].frame.size, want.data, want.frame.size);
        }
}

/* Read by another process: closing a file of SQLite's would drop this process's locks on it. The shared memory is an index of the log. */
bool fixture_any_file_has(Fixture *f, const void *needle, size_t size) {
        g_autofree char *dir = g_shell_quote(f->dir), *command = g_strdup_printf("exec find %s -type f -exec cat {} +", dir);
        g_autoptr(GByteArray) all = g_byte_array_new();
        FILE *pipe = popen(command, "re");
        uint8_t part[65536];
        size_t n;

        g_assert_nonnull(pipe);
        while ((n = fread(part, 1, sizeof part, pipe)) > 0)
                (void) g_byte_array_append(all, part, (guint) n);
        g_assert_cmpint(pclose(pipe), ==, 0);
        g_assert_cmpuint(all->len, >, 0);
        return memmem(all->data, all->len, needle, size) != NULL;
}

static sqlite3_stmt *prepare(const char *path, const char *sql, sqlite3 **ret_db) {
        sqlite3_stmt *stmt = NULL;

        g_assert_cmpint(sqlite3_open_v2(path, ret_db, SQLITE_OPEN_READWRITE, NULL), ==, SQLITE_OK);
        (void) sqlite3_busy_timeout(*ret_db, 10000);
        g_assert_cmpint(sqlite3_prepare_v2(*ret_db, sql, -1, &stmt, NULL), ==, SQLITE_OK);
        return stmt;
}

static void finish(sqlite3 *db, sqlite3_stmt *stmt) {
        (void) sqlite3_finalize(stmt);
        /* A look at the file must leave it as it was. */
        (void) sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void) sqlite3_close(db);
}

FixtureFrame *fixture_read_frames(const char *path, uint64_t session, size_t *ret_n) {
        static const char sql[] =
                "SELECT t0_boottime, t0_realtime, frames, encoding, crc, data FROM"
                " (SELECT 0 AS part, seq AS at, * FROM (SELECT session, seq, t0_boottime, t0_realtime, frames, encoding, crc, data"
                "  FROM chunk) UNION ALL SELECT 1, piece, session, 0, t0_boottime, t0_realtime, frames, encoding, crc, data FROM tail"
                "  WHERE chunk = (SELECT coalesce(max(seq) + 1, 0) FROM chunk WHERE chunk.session = tail.session))"
                " WHERE session = ? ORDER BY part, at";
        GArray *all = g_array_new(FALSE, FALSE, sizeof(FixtureFrame));
        sqlite3 *db;
        sqlite3_stmt *stmt = prepare(path, sql, &db);
        int rc;

        (void) sqlite3_bind_int64(stmt, 1, (sqlite3_int64) session);
        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                Chunk chunk = {
                        .t0_boottime_usec = (uint64_t) sqlite3_column_int64(stmt, 0),
                        .t0_realtime_usec = (uint64_t) sqlite3_column_int64(stmt, 1),
                        .n_frames = (uint32_t) sqlite3_column_int64(stmt, 2),
                        .encoding = sqlite3_column_int(stmt, 3),
                        .crc = (uint32_t) sqlite3_column_int64(stmt, 4),
                        .data = sqlite3_column_blob(stmt, 5),
                        .size = (size_t) sqlite3_column_bytes(stmt, 5),
                };
                g_autofree Frame *frames = g_new0(Frame, chunk.n_frames + 1);

                g_assert_cmpint(chunk_decode(&chunk, frames), ==, 0);
                for (uint32_t i = 0; i < chunk.n_frames; i++) {
                        FixtureFrame copy = copy_frame(&frames[i]);

                        g_array_append_val(all, copy);
                }
        }
        g_assert_cmpint(rc, ==, SQLITE_DONE);
        finish(db, stmt);
        *ret_n = all->len;
        return (FixtureFrame *) (void *) g_array_free(all, FALSE);
}

void fixture_assert_frames(const FixtureFrame *frames, size_t n, uint64_t session, uint64_t from) {
        FixtureFrame want = {};

        for (size_t i = 0; i < n; i++) {
                fixture_make_frame(&want, session, from + i);
                g_assert_cmpuint(frames[i].frame.boottime_usec, ==, want.frame.boottime_usec);
                g_assert_cmpuint(frames[i].frame.realtime_usec, ==, want.frame.realtime_usec);
                g_assert_cmpuint(frames[i].frame.channel, ==, want.frame.channel);
                g_assert_cmpuint(frames[i].frame.direction, ==, want.frame.direction);
                g_assert_cmpmem(frames[i].data, frames[i].frame.size, want.data, want.frame.size);
        }
}

int64_t fixture_query(const char *path, const char *sql) {
        sqlite3 *db;
        sqlite3_stmt *stmt = prepare(path, sql, &db);
        int64_t value;

        g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
        value = sqlite3_column_int64(stmt, 0);
        finish(db, stmt);
        return value;
}

char *fixture_query_text(const char *path, const char *sql) {
        sqlite3 *db;
        sqlite3_stmt *stmt = prepare(path, sql, &db);
        char *value;

        g_assert_cmpint(sqlite3_step(stmt), ==, SQLITE_ROW);
        value = g_strdup((const char *) sqlite3_column_text(stmt, 0));
        finish(db, stmt);
        return value;
}
