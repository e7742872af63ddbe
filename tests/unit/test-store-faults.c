/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/shared.h"

#define N_FRAMES UINT64_C(2400) /* 6 s of the device's time: several folds */
#define STEP UINT64_C(600)

/* Two sessions, one ended and one that goes on, with commits in between: all that a fault can meet. */
static void record(Fixture *f, uint64_t id) {
        const StoreEvent event = { .session_usec = 5, .code = 1 };
        const StoreGap gap = { .from_usec = 1, .to_usec = 2, .stream = 1, .lost = 1 };

        fixture_begin(f, id);
        fixture_begin(f, id + 1);
        for (uint64_t i = 0; i < N_FRAMES; i += STEP) {
                uint64_t before = store_counters(f->store).committed;

                fixture_record(f, id, i, STEP);
                fixture_record(f, id + 1, i / 10, STEP / 10);
                store_session_event(f->store, id, &event);
                store_session_gap(f->store, id, &gap);
                fixture_wait(f, fixture_has_committed, before + STEP + STEP / 10);
        }
        g_assert_cmpint(fixture_end(f, id), ==, 0);
}

static int64_t count_of(Fixture *f, const char *table, uint64_t id) {
        g_autofree char *sql =
                g_strdup_printf("SELECT count(*) FROM %s WHERE session = %" G_GUINT64_FORMAT, table, id);

        return fixture_query(f->path, sql);
}

static void assert_frames(Fixture *f, uint64_t id, uint64_t n) {
        FixtureFrame *frames;
        size_t n_frames;

        frames = fixture_read_frames(f->path, id, &n_frames);
        g_assert_cmpuint(n_frames, ==, n);
        fixture_assert_frames(frames, n_frames, id, 0);
        g_free(frames);
}

/* Everything is there, in order, once. */
static void assert_whole(Fixture *f, uint64_t id) {
        g_autofree char *check = fixture_query_text(f->path, "PRAGMA integrity_check");

        g_assert_cmpstr(check, ==, "ok");
        assert_frames(f, id, N_FRAMES);
        assert_frames(f, id + 1, N_FRAMES / 10);
        g_assert_cmpint(count_of(f, "event", id), ==, N_FRAMES / STEP);
        g_assert_cmpint(count_of(f, "gap", id), ==, N_FRAMES / STEP);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE ended = 1"), ==, 1);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE ended = 0"), ==, 1);
        g_assert_cmpint(
                fixture_query(
                        f->path,
                        "SELECT coalesce(sum(session = (SELECT id FROM session WHERE ended = 1)), 0) FROM tail"),
                ==, 0);
}

/* One recording, from the opening on, in which the given calls fail. Whether a fault was met. */
static bool sweep_one(unsigned kinds, FaultError error, uint64_t first, uint64_t n) {
        bool met;
        uint64_t id;
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fault_vfs_arm(kinds, error, first, n);
        fixture_start(&f);
        id = f.next_session_id;
        record(&f, id);
        met = fault_vfs_failed() > 0;
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        fault_vfs_disarm();
        assert_whole(&f, id);
        fixture_stop(&f);
        assert_whole(&f, id);
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 1);
        g_assert_cmpuint(f.sessions[0].n_frames, ==, N_FRAMES / 10);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        fixture_done(&f);
        return met;
}

/* P4: "the Nth write, fsync and open fails, for every N: no crash, recording goes on in memory and catches
 * up". How many calls there are differs from run to run, by when the writer gathers: until one run did not
 * come to its fault. Without -m slow some are left out, others each time, and more of them under the address
 * sanitizer. */
static void sweep(unsigned kinds, FaultError error, uint64_t n_faults, uint64_t quick_stride) {
        uint64_t offset = g_test_slow() ? 1 : quick_stride, stride = FIXTURE_SANITIZED && !g_test_slow() ? 7 * offset : offset,
                 first = 1 + (uint64_t) g_test_rand_int() % offset;

        while (sweep_one(kinds, error, first, n_faults))
                first += stride;
        g_test_message("%" G_GUINT64_FORMAT " calls", first);
        g_assert_cmpuint(first, >, offset);
}

static void test_each_write_without_room(void) {
        sweep(FAULT_WRITE, FAULT_ENOSPC, 1, 7);
}

static void test_each_write_fails(void) {
        sweep(FAULT_WRITE, FAULT_EIO, 1, 7);
}

static void test_each_write_over_quota(void) {
        sweep(FAULT_WRITE, FAULT_EDQUOT, 1, 23);
}

static void test_each_truncation_fails(void) {
        sweep(FAULT_TRUNCATE, FAULT_EIO, 1, 1);
}

static void test_each_open_without_a_descriptor(void) {
        sweep(FAULT_OPEN, FAULT_EMFILE, 1, 1);
}

static void test_no_descriptor_for_a_while(void) {
        sweep(FAULT_OPEN, FAULT_EMFILE, 4, 2);
}

/* "the Nth allocation inside SQLite": there are some 30,000. */
static void test_each_allocation_fails(void) {
        sweep(FAULT_MEMORY, FAULT_EIO, 1, 293);
}

static void test_no_memory_for_a_while(void) {
        sweep(FAULT_MEMORY, FAULT_EIO, 5, 997);
}

static void test_each_sync_fails(void) {
        sweep(FAULT_SYNC, FAULT_EIO, 1, 1);
}

static void test_each_open_fails(void) {
        sweep(FAULT_OPEN, FAULT_EIO, 1, 1);
}

static void test_each_shared_memory_fails(void) {
        sweep(FAULT_SHM, FAULT_EIO, 1, 1);
}

static void test_each_read_fails(void) {
        sweep(FAULT_READ, FAULT_EIO, 1, 1);
}

static void test_read_only_for_a_while(void) {
        sweep(FAULT_ALL, FAULT_EROFS, 5, 17);
}

static void test_faults_in_a_row(void) {
        sweep(FAULT_ALL, FAULT_EIO, 5, 17);
}

static bool has_wal_syncs(Fixture *f, uint64_t n) {
        return fault_vfs_wal_syncs() >= n;
}

/* "each second while recording, at the end of a session and before a reply of durability: a commit under
 * FULL". */
static void test_syncs_are_done(void) {
        uint64_t syncs;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0); /* what there was to sync is synced */
        fixture_begin(&f, 2);
        fault_vfs_arm(0, FAULT_EIO, 0, 0);
        fixture_record(&f, 2, 0, 100);
        fixture_wait(&f, fixture_has_committed, 100);
        fixture_wait(&f, has_wal_syncs, 1); /* with nothing more queued */
        fixture_record(&f, 2, 100, 100);
        fixture_wait(&f, fixture_has_committed, 200);
        syncs = fault_vfs_wal_syncs();
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        g_assert_cmpuint(fault_vfs_wal_syncs(), >, syncs);
        fixture_done(&f);
}

static void on_done(int error, void *userdata) {
        *(int *) userdata = error;
}

static bool is_set(Fixture *f, uint64_t value) {
        return *(int *) (uintptr_t) value != 1;
}

static bool hangs(Fixture *f, uint64_t value) {
        return fault_vfs_hanging() > 0;
}

/* P1, "with 5-second fsync stalls": nothing waits for the writer, nothing is lost; who waits for durability
 * hears of it in time. */
static void test_a_sync_that_hangs(void) {
        int error = 1;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        shared_lock(f.store);
        f.store->answer_usec = 3 * STORE_LAG_USEC; /* that it lags is noticed before */
        shared_unlock(f.store);
        fixture_begin(&f, 1);
        fixture_begin(&f, 2);
        fixture_record(&f, 1, 0, 100);
        fixture_wait(&f, fixture_has_committed, 100);
        fault_vfs_hang_sync(true);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user" }, on_done, &error);
        fixture_wait(&f, hangs, 0);
        for (uint64_t i = 0; store_state(f.store) == STORE_READY; i += 40) {
                fixture_record(&f, 2, i, 40);
                g_usleep(20000);
                store_dispatch(f.store);
                g_assert_cmpuint(i, <, 100000);
        }
        g_assert_cmpint(error, ==, 1);
        g_assert_cmpstr(f.states->str, ==, "ready degraded ");
        g_assert_nonnull(strstr(f.reasons->str, "takes long"));
        fixture_wait(&f, is_set, (uintptr_t) &error);
        g_assert_cmpint(error, ==, -EIO);
        fault_vfs_hang_sync(false);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        fixture_wait(&f, fixture_has_committed, store_counters(f.store).queued);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0); /* it followed */
        fixture_done(&f);
}

/* Nor does it look as if all were well to who waits while nothing is recorded. */
static void test_a_sync_that_hangs_in_a_quiet_hour(void) {
        int error = 1;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        shared_lock(f.store);
        f.store->answer_usec = 300000;
        shared_unlock(f.store);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 100);
        fixture_wait(&f, fixture_has_committed, 100);
        fault_vfs_hang_sync(true);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user" }, on_done, &error);
        fixture_wait(&f, is_set, (uintptr_t) &error);
        g_assert_cmpint(error, ==, -EIO);
        g_assert_cmpint(store_state(f.store), ==, STORE_DEGRADED);
        g_assert_nonnull(strstr(store_reason(f.store), "takes long"));
        fault_vfs_hang_sync(false);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpstr(f.states->str, ==, "ready degraded ready ");
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        fixture_done(&f);
}

/* Each sync takes 5 s of the device's time, and three come one after another: 400 frames a second wait in memory meanwhile. */
static void test_syncs_of_five_seconds(void) {
        const uint64_t stall = 5 * 400;
        FixtureFrame *frames;
        uint64_t n = 0;
        size_t n_frames;
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (unsigned i = 0; i < 3; i++) {
                int error = 1;

                fault_vfs_hang_sync(true);
                store_sync(f.store, on_done, &error);
                fixture_wait(&f, hangs, 0);
                fixture_record(&f, 1, n, stall);
                n += stall;
                g_assert_cmpuint(fault_vfs_hanging(), ==, 1);
                fault_vfs_hang_sync(false);
                fixture_wait(&f, is_set, (uintptr_t) &error);
                g_assert_cmpint(error, ==, 0);
        }
        fixture_wait(&f, fixture_has_committed, n);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        frames = fixture_read_frames(f.path, 1, &n_frames);
        g_assert_cmpuint(n_frames, ==, n);
        fixture_assert_frames(frames, n_frames, 1, 0);
        g_free(frames);
        fixture_done(&f);
}

/* Beyond what memory holds the oldest waveform goes, and of it alone: what stands for it is a gap that says how much. */
static void test_a_disk_full_for_too_long(void) {
        const uint64_t n = 40000; /* 100 s */
        uint64_t dropped;
        FixtureFrame *frames, frame;
        size_t n_frames, n_dropped = 0;
        Fixture f;

        fixture_init(&f);
        f.collect_usec = 1000;
        fixture_start(&f);
        fixture_begin(&f, 2);
        fixture_record(&f, 2, 0, 400);
        fixture_wait(&f, fixture_has_committed, 400);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
        for (uint64_t i = 400; i < n; i += 400)
                fixture_record(&f, 2, i, 400);
        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
        fault_vfs_disarm();
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        dropped = store_counters(f.store).dropped;
        g_assert_cmpuint(dropped, >, 0);
        g_assert_cmpuint(dropped, <, n - 400 - 24000); /* 60 s are kept */
        frames = fixture_read_frames(f.path, 2, &n_frames);
        g_assert_cmpuint(n_frames, ==, n - dropped);
        for (uint64_t i = 0; i < n; i++) { /* in order; what is not there is waveform */
                fixture_make_frame(&frame, 2, i);
                if (i - n_dropped < n_frames && frames[i - n_dropped].frame.boottime_usec == frame.frame.boottime_usec)
                        continue;
                g_assert_cmpuint(frame.frame.channel, ==, STORE_BULK_CHANNEL);
                n_dropped++;
        }
        g_assert_cmpuint(n_dropped, ==, dropped);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(lost) FROM gap WHERE session = 2"), ==, (int64_t) dropped);
        g_assert_cmpint(fixture_query(f.path, "SELECT max(to_usec) FROM gap WHERE session = 2"), <,
                        (int64_t) ((n - 20000) * FIXTURE_FRAME_USEC));
        g_free(frames);
        fixture_done(&f);
}

/* The disk stays full: 60 s at 400/s are kept, the end is answered, and all of it comes when there is
 * room. */
static void test_a_full_disk(void) {
        int error = 1;
        FixtureFrame *frames;
        size_t n;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        shared_lock(f.store);
        f.store->answer_usec = 300000;
        shared_unlock(f.store);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 400);
        fixture_wait(&f, fixture_has_committed, 400);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
        fixture_record(&f, 1, 400, 24000);
        store_session_end(f.store, 1, &(StoreEnd) { .reason = "user" }, on_done, &error);
        fixture_wait(&f, is_set, (uintptr_t) &error);
        g_assert_cmpint(error, ==, -EIO);
        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
        g_assert_nonnull(strstr(store_reason(f.store), "the disk is full. Make room"));
        g_assert_cmpint(fixture_list(&f, &(StoreFilter){ .owner = (uid_t) -1, .limit = 5 }), ==,
                        0); /* reading goes on */
        fault_vfs_disarm();
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        g_assert_cmpuint(store_counters(f.store).dropped, ==, 0);
        frames = fixture_read_frames(f.path, 1, &n);
        g_assert_cmpuint(n, ==, 24400);
        fixture_assert_frames(frames, n, 1, 0);
        g_free(frames);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        fixture_done(&f);
}

/* A commit whose sync fails is in the file all the same when the connection is opened anew: it must not be
 * written twice. */
static void test_a_failed_commit_is_not_repeated(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (uint64_t id = 1; id <= 19; id += 2) {
                fault_vfs_arm(FAULT_SYNC, FAULT_EIO, 1 + id / 2 % 3, 1);
                fixture_begin(&f, id);
                fixture_record(&f, id, 0, 1000);
                store_session_event(f.store, id, &(StoreEvent) { .code = 1 });
                g_assert_cmpint(fixture_end(&f, id), ==, 0);
                assert_frames(&f, id, 1000);
                g_assert_cmpint(count_of(&f, "event", id), ==, 1);
        }
        fault_vfs_disarm();
        g_assert_nonnull(strstr(f.states->str, "degraded"));
        fixture_done(&f);
}

/* Each page but the first, and the reader looks for it; a write may find it before, or at the same time. */
static void damage(Fixture *f) {
        static const uint8_t zeros[4096];
        FILE *file = g_fopen(f->path, "r+");

        g_assert_nonnull(file);
        for (unsigned i = 1; i < 60; i++) {
                g_assert_cmpint(fseek(file, i * 4096L, SEEK_SET), ==, 0);
                g_assert_cmpuint(fwrite(zeros, 1, sizeof zeros, file), ==, sizeof zeros);
        }
        (void) fclose(file);
        shared_lock(f->store);
        f->store->check_wanted++;
        shared_wake_reader(f->store);
        shared_unlock(f->store);
}

static bool has_failed(Fixture *f, uint64_t n) {
        return fault_vfs_failed() >= n;
}

static bool is_looked_through(Fixture *f, uint64_t value) {
        bool done;

        shared_lock(f->store);
        done = f->store->check_done == f->store->check_wanted;
        shared_unlock(f->store);
        return done;
}

/* What cannot be read is looked through again and again, less and less often, and once it can to its end. */
static void test_a_check_that_cannot_read(void) {
        uint64_t n_failed, begun_usec, passed_ms;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_wait(&f, is_looked_through, 0);
        shared_lock(f.store);
        f.store->retry_idle_usec = 1000;
        begun_usec = (uint64_t) g_get_monotonic_time();
        fault_vfs_arm(FAULT_MEMORY, FAULT_EIO, 1, UINT64_MAX / 2);
        f.store->check_wanted++;
        shared_wake_reader(f.store);
        shared_unlock(f.store);
        fixture_wait(&f, has_failed, 4);
        g_usleep(300 * 1000);
        n_failed = fault_vfs_failed();
        passed_ms = ((uint64_t) g_get_monotonic_time() - begun_usec) / 1000;
        g_test_message("%" G_GUINT64_FORMAT " times in %" G_GUINT64_FORMAT " ms", n_failed, passed_ms);
        g_assert_cmpuint(n_failed, <=, 2 * (g_bit_storage(passed_ms) + 1));
        g_assert_false(is_looked_through(&f, 0));
        fault_vfs_disarm();
        fixture_wait(&f, is_looked_through, 0);
        g_assert_cmpuint(f.put_aside->len, ==, 0);
        fixture_done(&f);
}

/* Found by a write: put aside, and the open session goes on in a new one, with a gap for what stayed
 * behind. */
static void test_damage_while_recording(void) {
        uint64_t next;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_begin(&f, 2);
        fixture_record(&f, 1, 0, 4000);
        fixture_record(&f, 2, 0, 100);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        fixture_stop(&f); /* no page is in the WAL any more */
        fixture_start(&f);
        g_assert_cmpuint(f.n_sessions, ==, 1);
        damage(&f);
        fixture_record(&f, 1, 4000, 100);
        fixture_wait(&f, fixture_has_put_aside, 1);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        fixture_record(&f, 1, 4100, 100);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 2), ==, -ENOENT); /* it is in what was put aside */
        g_assert_cmpint(fixture_query(f.path, "SELECT lost FROM gap WHERE session = 1 AND stream = 0"), >=,
                        4000);
        g_assert_cmpint(fixture_query(f.path, "SELECT sum(frames) FROM chunk WHERE session = 1"), >=, 100);
        next = (uint64_t) fixture_query(f.path, "SELECT value FROM meta WHERE key = 'next_session_id'");
        g_assert_cmpuint(next, >=, (uint64_t) (g_get_real_time() / G_USEC_PER_SEC) - 3600);
        g_assert_cmpuint(f.put_aside->len, ==, 1); /* not what came after it too */
        fixture_done(&f);
}

/* Whether a fault was met. */
static bool put_aside_with(unsigned kinds, FaultError error, uint64_t first) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01",
                                     .address_type = (char *) "random", .alias = (char *) "pen" };
        bool met;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        store_device_put(f.store, &device);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 100);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        fixture_stop(&f); /* no page is in the WAL any more */
        fixture_start(&f);
        shared_lock(f.store);
        f.store->retry_idle_usec = 500;
        shared_unlock(f.store);
        fault_vfs_arm(kinds, error, first, 2);
        damage(&f);
        fixture_wait(&f, fixture_has_put_aside, 1);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        met = fault_vfs_failed() > 0;
        fault_vfs_disarm();
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM device WHERE alias = 'pen'"), ==, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT value FROM meta WHERE key = 'next_session_id'"), >=,
                        g_get_real_time() / G_USEC_PER_SEC - 3600);
        g_assert_cmpuint(f.put_aside->len, ==, 1);
        fixture_done(&f);
        return met;
}

/* What is remembered gets into the new file, at whichever attempt. Without -m slow four of five are left out, others each time; of the few syncs none. */
static void test_each_fault_while_putting_aside(void) {
        static const struct {
                unsigned kinds;
                FaultError error;
        } faults[] = { { FAULT_WRITE, FAULT_ENOSPC }, { FAULT_WRITE, FAULT_EIO }, { FAULT_OPEN, FAULT_EMFILE }, { FAULT_SYNC, FAULT_EIO } };

        for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
                uint64_t stride = g_test_slow() || faults[i].kinds == FAULT_SYNC ? 1 : 5, first = 1 + (uint64_t) g_test_rand_int() % stride;

                while (put_aside_with(faults[i].kinds, faults[i].error, first))
                        first += stride;
                g_test_message("%" G_GUINT64_FORMAT " calls", first);
                g_assert_cmpuint(first, >, stride);
        }
}

/* ---- What an earlier process had not written ---- */

/* In the ring: the rest of a session that the database has the first STEP frames of. */
static Ring *leave_rest(Fixture *f, uint64_t id, int *ret_fd) {
        Job gap = { .type = JOB_GAP, .session = id, .gap = { .lost = 1 } };
        Piece piece = {};
        Ring *ring;

        fixture_start(f);
        fixture_begin(f, id);
        fixture_record(f, id, 0, STEP);
        fixture_stop(f);
        g_assert_cmpint(ring_new("boot", ret_fd, &ring), ==, 0);
        for (uint64_t i = STEP; i < 2 * STEP; i++) {
                FixtureFrame frame;

                fixture_make_frame(&frame, id, i);
                piece.size = 0;
                piece_reserve(&piece, piece_size_of(&frame.frame, NULL));
                piece_add(&piece, &frame.frame, NULL);
                ring_put(ring, RING_FRAME, id, FIXTURE_START_BOOTTIME, piece.data, piece.size);
        }
        g_free(piece.data);
        kept_put(ring, FIXTURE_START_BOOTTIME, &gap);
        return ring;
}

static bool is_taken_in(Fixture *f, uint64_t value) {
        return f->taken_in || (f->n_sessions > 0 && ring_is_empty(f->ring));
}

/* Whether a fault was met. */
static bool take_in_with(unsigned kinds, FaultError error, uint64_t first) {
        bool met;
        int fd;
        Fixture f;

        fixture_init(&f);
        f.ring = leave_rest(&f, 1, &fd);
        fault_vfs_arm(kinds, error, first, 1);
        f.collect_usec = 500;
        fixture_start_only(&f);
        shared_lock(f.store);
        f.store->retry_idle_usec = 500;
        shared_wake_writer(f.store);
        shared_unlock(f.store);
        fixture_wait(&f, is_taken_in, 0);
        met = fault_vfs_failed() > 0;
        fault_vfs_disarm();
        fixture_stop(&f);
        assert_frames(&f, 1, 2 * STEP);
        g_assert_cmpint(count_of(&f, "gap", 1), ==, 1);
        (void) ring_free(f.ring);
        (void) close(fd);
        fixture_done(&f);
        return met;
}

/* It is tried again, and all of it is there once. Without -m slow two of three are left out, others each time; of the few syncs none. */
static void test_each_fault_while_taking_in(void) {
        static const struct {
                unsigned kinds;
                FaultError error;
        } faults[] = { { FAULT_WRITE, FAULT_ENOSPC }, { FAULT_WRITE, FAULT_EIO }, { FAULT_SYNC, FAULT_EIO } };

        for (size_t i = 0; i < G_N_ELEMENTS(faults); i++) {
                uint64_t stride = g_test_slow() || faults[i].kinds == FAULT_SYNC ? 1 : 3, first = 1 + (uint64_t) g_test_rand_int() % stride;

                while (take_in_with(faults[i].kinds, faults[i].error, first))
                        first += stride;
                g_assert_cmpuint(first, >, stride);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-faults/each-write-without-room", test_each_write_without_room);
        g_test_add_func("/store-faults/each-write-fails", test_each_write_fails);
        g_test_add_func("/store-faults/each-write-over-quota", test_each_write_over_quota);
        g_test_add_func("/store-faults/each-truncation-fails", test_each_truncation_fails);
        g_test_add_func("/store-faults/each-open-without-a-descriptor", test_each_open_without_a_descriptor);
        g_test_add_func("/store-faults/no-descriptor-for-a-while", test_no_descriptor_for_a_while);
        g_test_add_func("/store-faults/each-allocation-fails", test_each_allocation_fails);
        g_test_add_func("/store-faults/no-memory-for-a-while", test_no_memory_for_a_while);
        g_test_add_func("/store-faults/each-sync-fails", test_each_sync_fails);
        g_test_add_func("/store-faults/each-open-fails", test_each_open_fails);
        g_test_add_func("/store-faults/each-shared-memory-fails", test_each_shared_memory_fails);
        g_test_add_func("/store-faults/each-read-fails", test_each_read_fails);
        g_test_add_func("/store-faults/read-only-for-a-while", test_read_only_for_a_while);
        g_test_add_func("/store-faults/faults-in-a-row", test_faults_in_a_row);
        g_test_add_func("/store-faults/each-fault-while-taking-in", test_each_fault_while_taking_in);
        g_test_add_func("/store-faults/syncs-are-done", test_syncs_are_done);
        g_test_add_func("/store-faults/a-sync-that-hangs", test_a_sync_that_hangs);
        g_test_add_func("/store-faults/a-sync-that-hangs-in-a-quiet-hour", test_a_sync_that_hangs_in_a_quiet_hour);
        g_test_add_func("/store-faults/syncs-of-five-seconds", test_syncs_of_five_seconds);
        g_test_add_func("/store-faults/a-full-disk", test_a_full_disk);
        g_test_add_func("/store-faults/a-disk-full-for-too-long", test_a_disk_full_for_too_long);
        g_test_add_func("/store-faults/a-failed-commit-is-not-repeated",
                        test_a_failed_commit_is_not_repeated);
        g_test_add_func("/store-faults/a-check-that-cannot-read", test_a_check_that_cannot_read);
        g_test_add_func("/store-faults/damage-while-recording", test_damage_while_recording);
        g_test_add_func("/store-faults/each-fault-while-putting-aside", test_each_fault_while_putting_aside);
        return g_test_run();
}
