/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/stat.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/shared.h"

#define N_FRAMES UINT64_C(2400) /* 6 s of the device's time: three folds */
#define STEP UINT64_C(400)

/* Two sessions, one ended and one open, with commits in between: what a fault can meet. */
static void record(Fixture *f, uint64_t id) {
        const StoreEvent event = { .session_usec = 5, .code = 1 };
        const StoreGap gap = { .from_usec = 1, .to_usec = 2, .stream = 1, .lost = 1 };

        fixture_begin(f, id);
        fixture_begin(f, id + 1);
        for (uint64_t i = 0; i < N_FRAMES; i += STEP) {
                uint64_t before = store_counters(f->store).committed;

                fixture_record(f, id, i, STEP);
                fixture_record(f, id + 1, i, STEP / 10);
                store_session_event(f->store, id, &event);
                store_session_gap(f->store, id, &gap);
                fixture_wait(f, fixture_has_committed, before + STEP + STEP / 10);
        }
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

static int64_t query_of(Fixture *f, const char *what, uint64_t id) {
        g_autofree char *sql = g_strdup_printf("SELECT %s = %" G_GUINT64_FORMAT, what, id);

        return fixture_query(f->path, sql);
}

/* Everything is there, once. */
static void assert_whole(Fixture *f, uint64_t id) {
        g_autofree char *check = NULL;
        FixtureFrame *frames;
        size_t n;

        check = fixture_query_text(f->path, "PRAGMA integrity_check");
        g_assert_cmpstr(check, ==, "ok");
        frames = fixture_read_frames(f->path, id, &n);
        g_assert_cmpuint(n, ==, N_FRAMES);
        fixture_assert_frames(frames, n, id, 0);
        g_free(frames);
        frames = fixture_read_frames(f->path, id + 1, &n);
        g_assert_cmpuint(n, ==, N_FRAMES / 10);
        g_free(frames);
        g_assert_cmpint(query_of(f, "count(*) FROM event WHERE session", id), ==, 0 + (N_FRAMES / STEP == id));
        g_assert_cmpint(query_of(f, "ended FROM session WHERE 1 = 1 OR id", id), ==, 0 + (id == 1));
}
