/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "store-fixture.h"

static const char *const pen = "AA:BB:CC:DD:EE:01";

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
        g_assert_true(fixture_any_file_has(&f, early.data, 16));
        g_assert_true(fixture_any_file_has(&f, late.data, 16));
        g_assert_true(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_false(fixture_any_file_has(&f, early.data, 16));
        g_assert_false(fixture_any_file_has(&f, late.data, 16));
        g_assert_false(fixture_any_file_has(&f, "nobody-must-know", 16));
        g_assert_true(fixture_any_file_has(&f, other.data, 16));
        g_assert_true(fixture_any_file_has(&f, "neighbour", 9));
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
        g_assert_false(fixture_any_file_has(&f, other.data, 16));
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
        g_assert_false(fixture_any_file_has(&f, frame.data, 16));
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 0);
        fixture_done(&f);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store/discarding-leaves-no-trace", test_discarding_leaves_no_trace);
        g_test_add_func("/store/discarded-before-it-was-written", test_discarded_before_it_was_written);
        return g_test_run();
}
