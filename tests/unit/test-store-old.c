/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "needled/tape.h"
#include "store-fixture.h"
#include "store/schema.h"

/* Databases as each older version wrote them (tests/data/databases): they open, and nothing of them is lost. */

static void copy_old(Fixture *f, int version) {
        g_autofree char *name = g_strdup_printf("v%d.db", version);
        g_autofree char *from = g_test_build_filename(G_TEST_DIST, "data", "databases", name, NULL);
        g_autofree char *bytes = NULL;
        gsize size;

        g_assert_true(g_file_get_contents(from, &bytes, &size, NULL));
        g_assert_true(g_file_set_contents(f->path, bytes, (gssize) size, NULL));
}

static void assert_frames(Fixture *f, uint64_t id, size_t n) {
        size_t n_read;
        g_autofree FixtureFrame *frames = fixture_read_frames(f->path, id, &n_read);

        g_assert_cmpuint(n_read, ==, n);
        fixture_assert_frames(frames, n_read, id, 0);
}

/* ---- What came back ---- */

typedef struct Read {
        bool done;
        int error;
        unsigned n_device, n_marks;
} Read;

static void on_events(int error, const StoreEvent *events, size_t n, void *userdata) {
        Read *read = userdata;

        *read = (Read) { .done = true, .error = error };
        for (size_t i = 0; i < n; i++) {
                if (events[i].kind == STORE_EVENT_DEVICE) {
                        g_assert_cmpuint(events[i].session_usec, ==, 5);
                        g_assert_cmpuint(events[i].code, ==, 7);
                        g_assert_cmpint(events[i].value, ==, -9);
                        read->n_device++;
                } else {
                        g_assert_cmpint(events[i].kind, ==, STORE_EVENT_MARK);
                        g_assert_cmpstr(events[i].text, ==, "here");
                        read->n_marks++;
                }
        }
}

static void on_ended(int error, void *userdata) {
        *(Read *) userdata = (Read) { .done = true, .error = error };
}

static void on_counted(int error, uint64_t n_rows, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpuint(n_rows, >=, 80);
}

static bool is_done(Fixture *f, uint64_t read) {
        return ((Read *) (uintptr_t) read)->done;
}

static void assert_events(Fixture *f, int version) {
        Read read = {};

        store_events(f->store, &(StoreEventFilter) { .session = 1, .limit = 10 }, on_events, &read);
        fixture_wait(f, is_done, (uintptr_t) &read);
        g_assert_cmpint(read.error, ==, 0);
        g_assert_cmpuint(read.n_device, ==, 1);
        g_assert_cmpuint(read.n_marks, ==, version >= 4);
}

static void assert_exported(Fixture *f) {
        static const TapeHead head = { .profile = "omp1", .device = "pen", .session = "00000000-0000-4000-8000-000000000001",
                                       .start_realtime_usec = FIXTURE_START_REALTIME };
        char text[65536]; /* a pipe takes as much */
        Read exported = {};
        ssize_t size;
        int fds[2], n_lines = 0;

        g_assert_cmpint(pipe2(fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
        store_export(f->store, &(StoreExport) { .id = 1, .head = &head, .to_usec = UINT64_MAX, .fd = fds[1] }, on_counted, on_ended, &exported);
        fixture_wait(f, is_done, (uintptr_t) &exported);
        g_assert_cmpint(exported.error, ==, 0);
        size = read(fds[0], text, sizeof text);
        (void) close(fds[0]);
        for (ssize_t i = 0; i < size; i++)
                n_lines += text[i] == '\n';
        g_assert_cmpint(n_lines, >, 80); /* a head, and one for each frame */
}

static void assert_listed(Fixture *f, int version) {
        g_assert_cmpint(fixture_list(f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 10 }), ==, 0);
        g_assert_cmpuint(f->n_listed, ==, 2);
        g_assert_cmpint(fixture_list(f, &(StoreFilter) { .owner = 1001, .limit = 10 }), ==, 0);
        g_assert_cmpuint(f->n_listed, ==, 1);
        g_assert_cmpstr(f->listed[0].subject, ==, "guest");
        g_assert_cmpint(fixture_get(f, 1), ==, 0);
        g_assert_cmpuint(f->n_listed, ==, 1);
        g_assert_cmpstr(f->listed[0].uuid, ==, "00000000-0000-4000-8000-000000000001");
        g_assert_cmpstr(f->listed[0].end_reason, ==, "user");
        g_assert_cmpstr(f->listed[0].channels, ==, version >= 2 ? FIXTURE_CHANNELS : "");
        g_assert_cmpint(f->listed[0].utc_offset_sec, ==, -3600);
        g_assert_cmpuint(f->listed[0].end_boottime_usec, ==, FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC);
        g_assert_cmpint(f->listed[0].rating, ==, version >= 4 ? 4 : 0);
        g_assert_true(figures_has(&f->listed[0].figures, FIGURE_STROKES));
        g_assert_cmpint(f->listed[0].figures.value[FIGURE_STROKES].i, ==, 1234);
        g_assert_cmpint(f->listed[0].figures.value[FIGURE_FORCE_MEAN].i, ==, -5);
}

static void assert_backup(Fixture *f, int version) {
        g_autofree char *backup = g_strdup_printf("%s.backup-v%d", f->path, version), *check = NULL;

        g_assert_true(g_file_test(backup, G_FILE_TEST_EXISTS));
        check = fixture_query_text(backup, "PRAGMA integrity_check");
        g_assert_cmpstr(check, ==, "ok");
        g_assert_cmpint(fixture_query(backup, "PRAGMA user_version"), ==, version);
        g_assert_cmpint(fixture_query(backup, "SELECT count(*) FROM session"), ==, 3);
}

/* What was taken along goes with the first erasure, whatever is erased, so that no copy of it stays. */
static void assert_backup_goes(Fixture *f, int version) {
        g_autofree char *backup = g_strdup_printf("%s.backup-v%d", f->path, version);

        g_assert_cmpint(fixture_delete(f, 2), ==, 0);
        g_assert_false(g_file_test(backup, G_FILE_TEST_EXISTS));
        g_assert_null(f->erased.remains ? f->erased.remains[0] : NULL);
}

/* ---- Cases ---- */

static void test_opened(gconstpointer data) {
        int version = GPOINTER_TO_INT(data);
        g_autofree char *check = NULL;
        Fixture f;

        fixture_init(&f);
        copy_old(&f, version);
        g_assert_cmpint(fixture_query(f.path, "PRAGMA user_version"), ==, version);
        fixture_start(&f);
        g_assert_cmpstr(f.reasons->str, ==, "\n"); /* ready, at once */
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        g_assert_cmpint(fixture_query(f.path, "PRAGMA user_version"), ==, SCHEMA_VERSION);
        assert_backup(&f, version);

        g_assert_cmpuint(f.devices->len, ==, 1);
        g_assert_cmpstr(f.devices->pdata[0], ==,
                        version >= 3 ? "dev_AA_BB_CC_DD_EE_01 pen until 1700000000000000" : "dev_AA_BB_CC_DD_EE_01 pen");
        g_assert_cmpuint(f.personal->len, ==, version >= 4 ? 2 : 0);
        assert_listed(&f, version);
        assert_events(&f, version);
        assert_exported(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT lost FROM gap WHERE session = 1"), ==, 3);
        assert_frames(&f, 1, 80);
        assert_frames(&f, 2, 10);

        g_assert_cmpuint(f.n_sessions, ==, 1); /* what was live goes on */
        g_assert_cmpuint(f.sessions[0].id, ==, 3);
        g_assert_cmpuint(f.sessions[0].n_frames, ==, 40);
        g_assert_cmpuint(f.next_session_id, ==, 4);
        fixture_record(&f, 3, 40, 60);
        g_assert_cmpint(fixture_end(&f, 3), ==, 0);
        assert_frames(&f, 3, 100);
        assert_backup_goes(&f, version);
        fixture_stop(&f);
        check = fixture_query_text(f.path, "PRAGMA integrity_check");
        g_assert_cmpstr(check, ==, "ok");
        fixture_done(&f);
}

/* Each version that was has its file: the next schema cannot be made without one. */
static void test_all_are_here(void) {
        for (int version = 1; version < SCHEMA_VERSION; version++) {
                Fixture f;

                fixture_init(&f);
                copy_old(&f, version);
                fixture_done(&f);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        for (int version = 1; version < SCHEMA_VERSION; version++) {
                g_autofree char *path = g_strdup_printf("/store-old/version-%d", version);

                g_test_add_data_func(path, GINT_TO_POINTER(version), test_opened);
        }
        g_test_add_func("/store-old/all-are-here", test_all_are_here);
        return g_test_run();
}
