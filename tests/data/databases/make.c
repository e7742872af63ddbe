/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Records what tests/unit/test-store-old.c expects of a database of an older version: built in the tree of that version with -DVERSION=N,
 * together with its store and its store-fixture.c, see README.md. */
#include <string.h>

#include "store-fixture.h"

static int end(Fixture *f, uint64_t id) {
        fixture_wait(f, fixture_has_committed, store_counters(f->store).queued);
        return fixture_end(f, id);
}

static void record(Fixture *f) {
        const StoreDevice device = {
                .path = (char *) "dev_AA_BB_CC_DD_EE_01", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                .name = (char *) "OMP pen", .alias = (char *) "pen", .profile = (char *) "omp1", .manufacturer = (char *) "", .model = (char *) "",
                .serial = (char *) "", .firmware = (char *) "1.0", .owner = 1000, .bonded = true, .auto_connect = true,
#if VERSION >= 3
                .released = true, .released_until_usec = FIXTURE_START_REALTIME,
#endif
        };

        store_device_put(f->store, &device);
        fixture_begin(f, 1);
        fixture_record(f, 1, 0, 80);
        store_session_gap(f->store, 1, &(StoreGap) { .from_usec = 100, .to_usec = 2000, .stream = 1, .lost = 3 });
        store_session_event(f->store, 1, &(StoreEvent) { .session_usec = 5, .realtime_usec = FIXTURE_START_REALTIME + 5, .code = 7, .severity = 1,
                                                         .asserted = true, .value = -9 });
#if VERSION >= 4
        store_session_event(f->store, 1, &(StoreEvent) { .session_usec = 6, .realtime_usec = FIXTURE_START_REALTIME + 6, .kind = STORE_EVENT_MARK,
                                                         .text = "here" });
        g_assert_cmpint(fixture_label(f, 1, &(StoreLabels) { .note = "red", .rating = 4 }), ==, 0);
        g_assert_cmpint(fixture_plan(f, &(StorePlan) { .owner = 1000, .owner_name = (char *) "ada", .subject = (char *) "me", .rest_300_usec = -1,
                                                       .rest_500_usec = 5, .rest_1000_usec = -1, .rest_deeper_usec = -1, .weekly_max = 2,
                                                       .course_weeks = -1 }), ==, 0);
        g_assert_cmpint(fixture_acknowledge(f, 1000, "1", FIXTURE_START_REALTIME), ==, 0);
#endif
        g_assert_cmpint(end(f, 1), ==, 0);
        fixture_begin_full(f, 2, FIXTURE_START_REALTIME + 1, "AA:BB:CC:DD:EE:02", "guest", 1001);
        fixture_record(f, 2, 0, 10);
        g_assert_cmpint(end(f, 2), ==, 0);
        fixture_begin(f, 3);            /* goes on when the daemon is stopped */
        fixture_record(f, 3, 0, 40);
        fixture_wait(f, fixture_has_committed, 130);
}

int main(int argc, char *argv[]) {
        Fixture f;

        fixture_init(&f);
        g_free(f.path);
        f.path = g_strdup(argv[1]);
        fixture_start(&f);
        record(&f);
        fixture_done(&f);
        return 0;
}
