/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/shared.h"

#define N_FRAMES 40u
#define RECORD_START (FIXTURE_START_REALTIME + UINT64_C(5000000))

typedef struct Told {
        int error;
        StoreRecordFate fate;
        uint64_t id;
        bool told;
} Told;

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        *(Told *) userdata = (Told) { .error = error, .fate = fate, .id = id, .told = true };
}

static bool is_told(Fixture *f, uint64_t told) {
        return ((Told *) (uintptr_t) told)->told;
}

/* What tells one record of a number from another. */
typedef struct Which {
        uint32_t epoch;
        uint64_t start;                 /* as the device tells it */
        uint64_t realtime_usec;
        bool unknown;                   /* and that is a guess */
} Which;

static const Which usual = { 3, 99, RECORD_START, false };

static StoreSession session_of(uint64_t id, uint32_t record, const Which *which) {
        StoreSession s = {
                .id = id,
                .uuid = (char *) "11111111-0000-4000-8000-000000000001",
                .device_address = (char *) "AA:BB:CC:DD:EE:01",
                .device_alias = (char *) "pen",
                .profile = (char *) "omp1",
                .owner = 1000,
                .start_boottime_usec = 777000000,
                .start_realtime_usec = which->realtime_usec,
                .end_boottime_usec = 777000000 + FIXTURE_LENGTH_USEC,
                .end_realtime_usec = which->realtime_usec + FIXTURE_LENGTH_USEC,
                .end_reason = (char *) "device",
                .record = record,
                .epoch = which->epoch,
                .record_start = which->start,
        };

        figures_set(&s.figures, FIGURE_STROKES, 4321);
        return s;
}

/* A frame a second. */
static Told put_which(Fixture *f, uint64_t id, uint32_t record, const Which *which) {
        StoreSession session = session_of(id, record, which);
        FixtureFrame made[N_FRAMES];
        Frame frames[N_FRAMES];
        Told told = {};
        StoreRecord r = {
                .session = session,
                .device_address_type = "random",
                .cursor = { .epoch = which->epoch, .record = record, .start = which->start },
                .start_unknown = which->unknown,
                .frames = frames,
                .n_frames = N_FRAMES,
        };

        for (unsigned i = 0; i < N_FRAMES; i++) {
                fixture_make_frame(&made[i], record, i);
                frames[i] = made[i].frame;
                frames[i].channel = 8;
                frames[i].boottime_usec = session.start_boottime_usec + i * UINT64_C(1000000);
        }
        store_record_put(f->store, &r, on_recorded, &told);
        memset(made, 0, sizeof(made));  /* it has copies */
        fixture_wait(f, is_told, (uintptr_t) &told);
        return told;
}

static Told put(Fixture *f, uint64_t id, uint32_t record) {
        return put_which(f, id, record, &usual);
}

static void start(Fixture *f) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                                     .alias = (char *) "pen" };

        fixture_init(f);
        fixture_start(f);
        store_device_put(f->store, &device);
}

static void assert_told(Told told, int error, StoreRecordFate fate, uint64_t id) {
        g_assert_cmpint(told.error, ==, error);
        g_assert_cmpint(told.fate, ==, fate);
        g_assert_cmpuint(told.id, ==, id);
}

/* It is a session like others, with the cursor moved in the same commit; what comes again changes nothing. */
static void test_a_record_is_written_once(void) {
        FixtureFrame *frames, want;
        size_t n;
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 12), 0, STORE_RECORD_ADDED, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM device WHERE cursor_epoch = 3 AND cursor_record = 12 AND cursor_start = 99"),
                        ==, 1);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_KNOWN, 1);
        assert_told(put(&f, 3, 13), 0, STORE_RECORD_ADDED, 3);
        g_assert_cmpint(fixture_query(f.path, "SELECT cursor_record FROM device"), ==, 13);
        g_assert_cmpint(fixture_get(&f, 2), ==, -ENOENT);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpuint(f.listed[0].record, ==, 12);
        g_assert_cmpuint(f.listed[0].epoch, ==, 3);
        g_assert_cmpstr(f.listed[0].end_reason, ==, "device");
        g_assert_cmpint(f.listed[0].figures.value[FIGURE_STROKES].i, ==, 4321);
        g_assert_cmpuint(f.listed[0].end_realtime_usec, ==, RECORD_START + FIXTURE_LENGTH_USEC);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE source = 'stored'"), ==, 2);
        /* what it says of the curves is of other times than its frames: see test-hub-decode.c */
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) > 0 AND count(figures_version) = 0 FROM chunk WHERE session = 1"), ==, 1);

        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, N_FRAMES);
        for (size_t i = 0; i < n; i++) {
                fixture_make_frame(&want, 12, i);
                g_assert_cmpuint(frames[i].frame.boottime_usec, ==, 777000000 + i * UINT64_C(1000000));
                g_assert_cmpmem(frames[i].data, frames[i].frame.size, want.data, want.frame.size);
        }
        g_free(frames);
        fixture_stop(&f);
        fixture_start(&f);              /* and the same after a restart */
        g_assert_cmpuint(f.next_session_id, ==, 4);
        assert_told(put(&f, 4, 12), 0, STORE_RECORD_KNOWN, 1);
        fixture_done(&f);
}

static void follow(Fixture *f, uint64_t id, uint32_t record) {
        fixture_begin(f, id);
        fixture_record(f, id, 0, 100);
        /* from 20 s to 30 s the link was away */
        store_session_gap(f->store, id, &(StoreGap) { .from_usec = 20000000, .to_usec = 30000000 });
        store_session_gap(f->store, id, &(StoreGap) { .from_usec = 40000000, .to_usec = 50000000, .stream = 2, .lost = 3 });
        f->answered = false;
        store_session_end(f->store, id, &(StoreEnd) { .reason = "user", .boottime_usec = FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC,
                                                      .realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC, .record = record,
                                                      .epoch = 3 }, NULL, NULL);
}

static void assert_merged(Fixture *f) {
        FixtureFrame *frames;
        size_t n;

        frames = fixture_read_frames(f->path, 1, &n);
        g_assert_cmpuint(n, ==, 100 + N_FRAMES);
        fixture_assert_frames(frames, 100, 1, 0);
        for (size_t i = 0; i < N_FRAMES; i++) /* the record began 5 s later by the wall clock */
                g_assert_cmpuint(frames[100 + i].frame.boottime_usec, ==, FIXTURE_START_BOOTTIME + 5000000 + i * UINT64_C(1000000));
        g_free(frames);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE id = 1 AND source = 'both' AND record = 12 AND epoch = 3"
                                               " AND end_reason = 'user' AND strokes IS NULL"),
                        ==, 1);         /* its figures stand */
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) > 0 AND count(figures_version) = 0 FROM chunk WHERE session = 1"
                                               " AND seq >= (SELECT record_seq FROM session WHERE id = 1)"),
                        ==, 1);
}

/* "merged with a session that was also seen live". */
static void test_merged_with_the_session_that_says_its_number(void) {
        Fixture f;

        start(&f);
        follow(&f, 1, 12);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_MERGED, 1);
        assert_merged(&f);
        assert_told(put(&f, 3, 12), 0, STORE_RECORD_KNOWN, 1);
        assert_merged(&f);
        fixture_done(&f);
}

/* Its end was not seen, nor its number: they lie at the same time. */
static void test_merged_with_the_session_beside_it(void) {
        Fixture f;

        start(&f);
        follow(&f, 1, 0);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_MERGED, 1);
        assert_merged(&f);
        assert_told(put(&f, 3, 13), 0, STORE_RECORD_ADDED, 3); /* it has one already */
        fixture_done(&f);
}

/* One that ended long before, or another device's, is another session. */
static void test_not_merged(void) {
        Fixture f;

        start(&f);
        fixture_begin_full(&f, 1, RECORD_START - FIXTURE_LENGTH_USEC + 20000000, "AA:BB:CC:DD:EE:01", "me", 1000);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user", .realtime_usec = RECORD_START + 20000000 }, NULL, NULL);
        fixture_begin_full(&f, 2, RECORD_START, "AA:BB:CC:DD:EE:02", "me", 1000);
        store_session_end(f.store, 2, &(StoreEnd) { .reason = "user", .realtime_usec = RECORD_START + FIXTURE_LENGTH_USEC }, NULL, NULL);
        assert_told(put(&f, 3, 12), 0, STORE_RECORD_ADDED, 3);
        fixture_done(&f);
}

/* A device that was forgotten begins with the first epoch again, and with other sessions of the same numbers if it was reset too. */
static void test_known_by_number_and_start(void) {
        const Which later = { 3, 100, RECORD_START + 3600000000, false }, epoch = { 1, 99, RECORD_START, false },
                    nothing = { 3, 0, RECORD_START, false }, nothing_later = { 4, 0, RECORD_START, false };
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 12), 0, STORE_RECORD_ADDED, 1);
        assert_told(put_which(&f, 2, 12, &later), 0, STORE_RECORD_ADDED, 2);
        assert_told(put_which(&f, 3, 12, &epoch), 0, STORE_RECORD_KNOWN, 1);
        assert_told(put_which(&f, 4, 12, &later), 0, STORE_RECORD_KNOWN, 2);
        /* A device that tells no start has nothing but its numbers. */
        assert_told(put_which(&f, 5, 12, &nothing), 0, STORE_RECORD_ADDED, 5);
        assert_told(put_which(&f, 6, 12, &nothing), 0, STORE_RECORD_KNOWN, 5);
        assert_told(put_which(&f, 7, 12, &nothing_later), 0, STORE_RECORD_ADDED, 7);
        fixture_done(&f);
}

static void follow_at(Fixture *f, uint64_t id, uint32_t record, uint32_t epoch, uint64_t realtime_usec) {
        fixture_begin_full(f, id, realtime_usec, "AA:BB:CC:DD:EE:01", "me", 1000);
        store_session_end(f->store, id, &(StoreEnd) { .reason = "user", .realtime_usec = realtime_usec + FIXTURE_LENGTH_USEC,
                                                      .record = record, .epoch = epoch }, NULL, NULL);
}

/* Two resets in a row without a look at the device: both sessions were the first of the next epoch. */
static void test_merged_with_the_one_at_its_time(void) {
        const Which long_after = { 3, 101, RECORD_START + 7200000000, false };
        Fixture f;

        start(&f);
        follow_at(&f, 1, 12, 3, RECORD_START - 3600000000);
        follow_at(&f, 2, 12, 3, RECORD_START + 1000000);
        follow_at(&f, 3, 13, 3, RECORD_START + 100);
        assert_told(put_which(&f, 4, 12, &long_after), 0, STORE_RECORD_ADDED, 4);
        assert_told(put(&f, 5, 12), 0, STORE_RECORD_MERGED, 2);
        fixture_done(&f);

        start(&f);                      /* the epoch of one that was followed is a guess */
        follow_at(&f, 1, 12, 2, RECORD_START);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_MERGED, 1);
        assert_told(put(&f, 3, 12), 0, STORE_RECORD_KNOWN, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE id = 1 AND epoch = 3 AND record_start = 99"), ==, 1);
        fixture_done(&f);
}

/* When it was is a guess: what lies there is another one. Its number is told all the same. */
static void test_start_that_is_not_known(void) {
        const Which guess = { 3, 99, RECORD_START, true };
        FixtureFrame *frames;
        Fixture f;
        size_t n;

        start(&f);
        follow(&f, 1, 0);
        assert_told(put_which(&f, 2, 12, &guess), 0, STORE_RECORD_ADDED, 2);
        fixture_done(&f);

        start(&f);
        follow(&f, 1, 12);
        assert_told(put_which(&f, 2, 12, &guess), 0, STORE_RECORD_MERGED, 1);
        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, 100 + N_FRAMES);
        g_assert_cmpuint(frames[100].frame.boottime_usec, ==, FIXTURE_START_BOOTTIME); /* where it began */
        g_free(frames);
        fixture_done(&f);
}

/* What was erased does not come back; another one of its number does. */
static void test_buried_by_number_and_start(void) {
        const Which later = { 3, 100, RECORD_START + 3600000000, false }, epoch = { 1, 99, RECORD_START, false };
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 12), 0, STORE_RECORD_ADDED, 1);
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_KNOWN, 0);
        assert_told(put_which(&f, 3, 12, &epoch), 0, STORE_RECORD_KNOWN, 0);
        assert_told(put_which(&f, 4, 12, &later), 0, STORE_RECORD_ADDED, 4);
        fixture_done(&f);

        start(&f);                      /* one that was followed: its start shows with its record */
        fixture_begin(&f, 1);
        store_session_discard(f.store, 1, &(StoreBurial) { .device_address = "AA:BB:CC:DD:EE:01", .epoch = 3, .record = 12 }, NULL, NULL);
        assert_told(put(&f, 2, 12), 0, STORE_RECORD_KNOWN, 0);
        assert_told(put(&f, 3, 12), 0, STORE_RECORD_KNOWN, 0);
        assert_told(put_which(&f, 4, 12, &later), 0, STORE_RECORD_ADDED, 4);
        fixture_done(&f);
}

/* What an unusable database had is fetched again: the cursor does not outlive it. */
static void test_a_device_that_is_put_again_keeps_its_cursor(void) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                                     .alias = (char *) "renamed" };
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 12), 0, STORE_RECORD_ADDED, 1);
        store_device_put(f.store, &device);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM device WHERE alias = 'renamed' AND cursor_record = 12"), ==, 1);
        fixture_done(&f);
}

/* Forgotten and adopted again before either was written: what it stored is fetched from the beginning. */
static void test_a_device_that_is_put_after_it_was_removed(void) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                                     .alias = (char *) "anew" };
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 12), 0, STORE_RECORD_ADDED, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT cursor_record FROM device"), ==, 12);
        store_device_remove(f.store, device.address, device.address_type);
        store_device_put(f.store, &device);
        store_device_put(f.store, &device);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM device WHERE alias = 'anew' AND cursor_epoch = 0"), ==, 1);
        fixture_done(&f);
}

static bool is_late(Fixture *f, uint64_t n) {
        return f->n_late >= n;
}

static void fill_disk(Fixture *f) {
        shared_lock(f->store);
        f->store->answer_usec = 100000;
        shared_unlock(f->store);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
}

/* The disk refuses: that is the answer, and the record follows by itself, and is told with what it has come to. */
static void test_durable_later(void) {
        Fixture f;

        start(&f);
        assert_told(put(&f, 1, 11), 0, STORE_RECORD_ADDED, 1);
        g_assert_cmpuint(f.n_late, ==, 0);
        fill_disk(&f);
        g_assert_cmpint(put(&f, 2, 12).error, ==, -EIO);
        g_assert_cmpuint(f.n_late, ==, 0);
        fault_vfs_disarm();
        fixture_wait(&f, is_late, 1);
        g_assert_cmpuint(f.late_id, ==, 2);
        g_assert_cmpint(f.late_fate, ==, STORE_RECORD_ADDED);
        g_assert_cmpuint(f.late_cursor.epoch, ==, 3);
        g_assert_cmpuint(f.late_cursor.record, ==, 12);
        g_assert_cmpuint(f.late_cursor.start, ==, 99);
        g_assert_cmpint(fixture_get(&f, 2), ==, 0);

        fill_disk(&f);
        g_assert_cmpint(put(&f, 3, 11).error, ==, -EIO); /* tried, and known since before */
        fault_vfs_disarm();
        fixture_wait(&f, is_late, 2);
        g_assert_cmpint(f.late_fate, ==, STORE_RECORD_KNOWN);
        g_assert_cmpuint(f.late_id, ==, 1);
        fixture_done(&f);
}

/* Whichever call fails, it is written once, and that is what is told. */
static void test_each_fault(void) {
        static const unsigned kinds[] = { FAULT_WRITE, FAULT_SYNC };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                uint64_t first = 1;
                bool met = true;

                for (; met; first++) {
                        Fixture f;

                        start(&f);
                        fixture_begin(&f, 1);
                        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
                        fault_vfs_arm(kinds[i], FAULT_EIO, first, 1);
                        assert_told(put(&f, 2, 12), 0, STORE_RECORD_MERGED, 1);
                        met = fault_vfs_failed() > 0;
                        fault_vfs_disarm();
                        g_assert_cmpint(fixture_query(f.path, "SELECT sum(frames) FROM chunk"), ==, N_FRAMES);
                        g_assert_cmpint(fixture_query(f.path, "SELECT cursor_record FROM device"), ==, 12);
                        fixture_done(&f);
                }
                g_assert_cmpuint(first, >, 2);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-record/a-record-is-written-once", test_a_record_is_written_once);
        g_test_add_func("/store-record/merged-with-the-session-that-says-its-number", test_merged_with_the_session_that_says_its_number);
        g_test_add_func("/store-record/merged-with-the-session-beside-it", test_merged_with_the_session_beside_it);
        g_test_add_func("/store-record/not-merged", test_not_merged);
        g_test_add_func("/store-record/known-by-number-and-start", test_known_by_number_and_start);
        g_test_add_func("/store-record/merged-with-the-one-at-its-time", test_merged_with_the_one_at_its_time);
        g_test_add_func("/store-record/start-that-is-not-known", test_start_that_is_not_known);
        g_test_add_func("/store-record/buried-by-number-and-start", test_buried_by_number_and_start);
        g_test_add_func("/store-record/a-device-that-is-put-again-keeps-its-cursor", test_a_device_that_is_put_again_keeps_its_cursor);
        g_test_add_func("/store-record/a-device-that-is-put-after-it-was-removed", test_a_device_that_is_put_after_it_was_removed);
        g_test_add_func("/store-record/durable-later", test_durable_later);
        g_test_add_func("/store-record/each-fault", test_each_fault);
        return g_test_run();
}
