/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>

#include "fault-vfs.h"
#include "store-fixture.h"
#include "store/intake.h"

#define PART_FRAMES 100u

/* The tests stand in for the reader: they hand over, with the mutex held. */
static Intake intake;

static StoreSession session_of(uint64_t id, const char *uuid) {
        return (StoreSession) {
                .id = id,
                .uuid = (char *) uuid,
                .device_address = (char *) "AA:BB:CC:DD:EE:01",
                .device_alias = (char *) "pen",
                .profile = (char *) "omp1",
                .owner = 1000,
                .start_boottime_usec = FIXTURE_START_BOOTTIME,
                .start_realtime_usec = FIXTURE_START_REALTIME,
                .source = (char *) "imported",
        };
}

static void begin_session(Fixture *f, const StoreSession *session) {
        shared_lock(f->store);
        intake_begin(f->store, &intake, session);
        shared_unlock(f->store);
}

static void begin(Fixture *f, uint64_t id, const char *uuid) {
        StoreSession session = session_of(id, uuid);

        begin_session(f, &session);
}

static void hand_over(Fixture *f, uint64_t id, unsigned part) {
        IntakePart p = { .n_gaps = 1, .n_events = 1 };
        FixtureFrame frame;

        for (uint64_t i = 0; i < PART_FRAMES; i++) {
                fixture_make_frame(&frame, id, part * PART_FRAMES + i);
                chunk_builder_add(&p.chunk, &frame.frame);
        }
        summary_add(&p.summary, &(StoreSample) { .has = 1, .mean = { 7 }, .max = { 9 } });
        p.gaps = g_new0(StoreGap, 1);
        p.events = g_new0(StoreEvent, 1);
        p.events[0] = (StoreEvent) { .kind = STORE_EVENT_MARK, .text = g_strdup("imported mark") };
        shared_lock(f->store);
        intake_part(f->store, &intake, &p);
        shared_unlock(f->store);
        g_assert_null(p.chunk.data);    /* taken over */
}

static bool read_bool(Fixture *f, bool (*get)(void)) {
        bool value;

        shared_lock(f->store);
        value = get();
        shared_unlock(f->store);
        return value;
}

static bool get_room(void) {
        return intake_has_room(&intake);
}

static bool get_settled(void) {
        return intake.finished || intake.error < 0;
}

static bool get_idle(void) {
        return intake.waiting == 0;
}

static bool has_room(Fixture *f, uint64_t value) {
        return read_bool(f, get_room);
}

static bool is_settled(Fixture *f, uint64_t value) {
        return read_bool(f, get_settled);
}

static bool is_idle(Fixture *f, uint64_t value) {
        return read_bool(f, get_idle);
}

static int finish(Fixture *f) {
        Figures figures = {};

        figures_set(&figures, FIGURE_STROKES, 55);
        shared_lock(f->store);
        intake_finish(f->store, &intake, &(StoreEnd) { .reason = "user", .boottime_usec = FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC,
                                                       .realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC, .figures = &figures });
        shared_unlock(f->store);
        fixture_wait(f, is_settled, 0);
        return intake.error;
}

static void done(Fixture *f) {
        shared_lock(f->store);
        intake_done(f->store, &intake);
        shared_unlock(f->store);
}

static void assert_whole(Fixture *f, uint64_t id, unsigned n_parts) {
        FixtureFrame *frames;
        size_t n;

        frames = fixture_read_frames(f->path, id, &n);
        g_assert_cmpuint(n, ==, n_parts * PART_FRAMES);
        fixture_assert_frames(frames, n, id, 0);
        g_free(frames);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM gap"), ==, n_parts);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM event WHERE text = 'imported mark'"), ==, n_parts);
        g_assert_cmpint(fixture_query(f->path, "SELECT sum(force_sum) FROM chunk"), ==, 7 * n_parts);
        g_assert_cmpint(fixture_get(f, id), ==, 0);
        g_assert_cmpint(f->listed[0].figures.value[FIGURE_STROKES].i, ==, 55);
        g_assert_cmpint(fixture_query(f->path, "SELECT count(*) FROM session WHERE source = 'imported' AND ended = 1"), ==, 1);
}

/* Nobody sees it until all of it is there; the reader waits where the writer does not come along. */
static void test_taken_in(void) {
        const unsigned n_parts = 200;
        unsigned n_waits = 0;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        begin(&f, 1, "u-1");
        for (unsigned i = 0; i < n_parts; i++) {
                n_waits += !has_room(&f, 0);
                fixture_wait(&f, has_room, 0);
                hand_over(&f, 1, i);
        }
        g_assert_cmpuint(n_waits, >, 0);
        fixture_wait(&f, is_idle, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, -ENOENT);
        g_assert_cmpint(fixture_list(&f, &(StoreFilter) { .owner = (uid_t) -1, .limit = 5 }), ==, 0);
        g_assert_cmpuint(f.n_listed, ==, 0);
        g_assert_cmpint(finish(&f), ==, 0);
        done(&f);
        assert_whole(&f, 1, n_parts);
        g_assert_cmpuint(store_counters(f.store).queued, ==, 0); /* live frames are counted apart */
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.next_session_id, ==, 2);
        fixture_done(&f);
}

static void assert_nothing(Fixture *f) {
        FixtureFrame frame;

        fixture_make_frame(&frame, 1, 5);
        g_assert_cmpint(fixture_erase_copies(f), ==, 0); /* comes after it */
        g_assert_cmpint(fixture_query(f->path, "SELECT (SELECT count(*) FROM chunk) + (SELECT count(*) FROM event)"
                                               " + (SELECT count(*) FROM session WHERE ended = 2)"
                                               " + (SELECT count(*) FROM tombstone)"),
                        ==, 0);
        g_assert_false(fixture_any_file_has(f, frame.data, 16));
}

/* "After an error nothing of it is kept": given up, and cut off by the end of the process. */
static void test_given_up(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        begin(&f, 1, "u-1");
        hand_over(&f, 1, 0);
        fixture_wait(&f, is_idle, 0);
        done(&f);
        assert_nothing(&f);
        done(&f);                       /* once more is nothing */

        begin(&f, 2, "u-1");
        hand_over(&f, 1, 0);
        fixture_wait(&f, is_idle, 0);
        fixture_stop(&f);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE ended = 2"), ==, 1);
        fixture_start(&f);
        assert_nothing(&f);
        fixture_done(&f);
}

/* `finished` says that it is on the disk. */
static void test_durable_at_its_end(void) {
        uint64_t syncs;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fault_vfs_arm(0, FAULT_EIO, 0, 0);
        begin(&f, 1, "u-1");
        hand_over(&f, 1, 0);
        fixture_wait(&f, is_idle, 0);
        syncs = fault_vfs_wal_syncs();
        fault_vfs_hang_sync(true);
        shared_lock(f.store);
        intake_finish(f.store, &intake, &(StoreEnd) { .reason = "user" });
        shared_unlock(f.store);
        while (fault_vfs_hanging() == 0)
                g_usleep(1000);
        g_assert_false(is_settled(&f, 0));
        fault_vfs_hang_sync(false);
        fixture_wait(&f, is_settled, 0);
        g_assert_true(intake.finished);
        g_assert_cmpuint(fault_vfs_wal_syncs(), >, syncs);
        fault_vfs_disarm();
        done(&f);
        fixture_done(&f);
}

/* What is taken away meanwhile is not what is being taken in. */
static void test_erasing_meanwhile(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 5);
        g_assert_cmpint(fixture_end(&f, 5), ==, 0);
        begin(&f, 1, "u-1");
        hand_over(&f, 1, 0);
        fixture_wait(&f, is_idle, 0);
        g_assert_cmpint(fixture_erase_all(&f, (uid_t) -1), ==, 0);
        g_assert_cmpuint(f.erased.n_sessions, ==, 1);
        hand_over(&f, 1, 1);
        g_assert_cmpint(finish(&f), ==, 0);
        done(&f);
        assert_whole(&f, 1, 2);
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0); /* like any other */
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk"), ==, 0);
        fixture_done(&f);
}

/* A uuid that is here: at once if it was before, at the end if it came meanwhile. */
static void test_a_twin(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        begin(&f, 1, "u-1");
        g_assert_cmpint(finish(&f), ==, 0);
        done(&f);
        begin(&f, 2, "u-1");
        fixture_wait(&f, is_settled, 0);
        g_assert_cmpint(intake.error, ==, -EEXIST);
        done(&f);
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 1);

        begin(&f, 3, "u-3");
        hand_over(&f, 3, 0);
        fixture_wait(&f, is_idle, 0);
        store_session_begin(f.store, &(StoreSession) { .id = 4, .uuid = (char *) "u-3", .owner = 1000 });
        g_assert_cmpint(fixture_end(&f, 4), ==, 0);
        g_assert_cmpint(finish(&f), ==, -EEXIST);
        done(&f);
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 2);
        g_assert_cmpint(fixture_get(&f, 3), ==, -ENOENT);
        fixture_done(&f);
}

/* "Whether another user's session exists at all is not told": nor to who has a number now that was somebody else's. */
static void test_a_twin_of_another_user(void) {
        static const struct {
                uid_t owner;
                const char *name;
                int error;
        } users[] = {
                { 1000, "anna", 0 },       { 1001, "berta", 0 },       { 1000, "carla", 0 },       { 0, "root", 0 },
                { 1000, "anna", -EEXIST }, { 1001, "berta", -EEXIST }, { 1000, "carla", -EEXIST }, { 0, "root", -EEXIST },
                { 1000, "", -EEXIST },     /* nobody knows whose it is */
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (unsigned i = 0; i < G_N_ELEMENTS(users); i++) {
                StoreSession session = session_of(i + 1, "u-1");

                session.owner = users[i].owner;
                session.owner_name = (char *) users[i].name;
                begin_session(&f, &session);
                g_assert_cmpint(finish(&f), ==, users[i].error);
                done(&f);
        }
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE uuid = 'u-1' AND ended = 1"), ==, 4);
        fixture_done(&f);
}

/* ---- What a device keeps too ---- */

typedef struct Told {
        StoreRecordFate fate;
        uint64_t id;
        bool told;
} Told;

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        *(Told *) userdata = (Told) { fate, id, true };
}

static bool is_told(Fixture *f, uint64_t told) {
        return ((Told *) (uintptr_t) told)->told;
}

/* Its twelfth. */
static StoreSession kept_session(uint64_t id, const char *uuid, uint64_t record_start) {
        StoreSession session = session_of(id, uuid);

        session.owner_name = (char *) "anna";
        session.record = 12;
        session.record_start = record_start;
        return session;
}

static void assert_fetched(Fixture *f, uint64_t id, uint64_t record_start, StoreRecordFate fate, uint64_t found) {
        StoreRecord record = { .session = kept_session(id, "u-fetched", record_start), .device_address_type = "random",
                               .cursor = { 3, 12, record_start } };
        Told told = {};

        record.session.epoch = 3;
        record.session.end_reason = (char *) "device";
        record.session.end_realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC;
        store_record_put(f->store, &record, on_recorded, &told);
        fixture_wait(f, is_told, (uintptr_t) &told);
        g_assert_cmpint(told.fate, ==, fate);
        g_assert_cmpuint(told.id, ==, found);
}

static int import(Fixture *f, const StoreSession *session) {
        int error;

        begin_session(f, session);
        hand_over(f, session->id, 0);
        error = finish(f);
        done(f);
        return error;
}

static void start_with_device(Fixture *f) {
        const StoreDevice device = { .path = (char *) "dev_1", .address = (char *) "AA:BB:CC:DD:EE:01", .address_type = (char *) "random",
                                     .alias = (char *) "pen" };

        fixture_init(f);
        fixture_start(f);
        store_device_put(f->store, &device);
}

/* What its owner has is not fetched again, and the cursor moves on; nor does it come when that was deleted since. */
static void test_fetched_after_it_was_imported(void) {
        StoreSession session = kept_session(1, "u-1", 99);
        Fixture f;

        start_with_device(&f);
        g_assert_cmpint(import(&f, &session), ==, 0);
        assert_fetched(&f, 2, 99, STORE_RECORD_KNOWN, 1);
        g_assert_cmpint(fixture_query(f.path, "SELECT cursor_record FROM device"), ==, 12);
        assert_whole(&f, 1, 1);         /* as it was */
        assert_fetched(&f, 3, 100, STORE_RECORD_ADDED, 3); /* another one of its number */
        g_assert_cmpint(fixture_delete(&f, 1), ==, 0);
        assert_fetched(&f, 4, 99, STORE_RECORD_KNOWN, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 1);
        fixture_done(&f);
}

/* Nothing that another user has, or that does not say enough, keeps it away: neither while it is here nor when it is deleted. */
static void test_fetched_after_another_was_imported(void) {
        static const struct {
                uid_t owner;
                const char *name, *device;
                uint32_t record;
                uint64_t start;
        } others[] = {
                { 1001, "berta", "AA:BB:CC:DD:EE:01", 12, 99 }, { 1000, "before anna", "AA:BB:CC:DD:EE:01", 12, 99 },
                { 1000, "anna", "AA:BB:CC:DD:EE:02", 12, 99 },  { 1000, "anna", "", 12, 99 },
                { 1000, "anna", "AA:BB:CC:DD:EE:01", 11, 99 },  { 1000, "anna", "AA:BB:CC:DD:EE:01", 0, 99 },
                { 1000, "anna", "AA:BB:CC:DD:EE:01", 12, 98 },  { 1000, "anna", "AA:BB:CC:DD:EE:01", 12, 0 },
        };

        for (unsigned deleted = 0; deleted < 2; deleted++) {
                Fixture f;

                start_with_device(&f);
                for (unsigned i = 0; i < G_N_ELEMENTS(others); i++) {
                        g_autofree char *uuid = g_strdup_printf("u-%u", i);
                        StoreSession session = kept_session(i + 1, uuid, others[i].start);

                        session.owner = others[i].owner;
                        session.owner_name = (char *) others[i].name;
                        session.device_address = (char *) others[i].device;
                        session.record = others[i].record;
                        g_assert_cmpint(import(&f, &session), ==, 0);
                        if (deleted)
                                g_assert_cmpint(fixture_delete(&f, i + 1), ==, 0);
                }
                assert_fetched(&f, 50, 99, STORE_RECORD_ADDED, 50);
                fixture_done(&f);
        }
}

/* One that was followed takes the record all the same. */
static void test_merged_beside_what_was_imported(void) {
        StoreSession session = kept_session(1, "u-1", 99);
        Fixture f;

        start_with_device(&f);
        g_assert_cmpint(import(&f, &session), ==, 0);
        fixture_begin(&f, 2);
        g_assert_cmpint(fixture_end(&f, 2), ==, 0);
        assert_fetched(&f, 3, 99, STORE_RECORD_MERGED, 2);
        fixture_done(&f);
}

/* The other way around, by whatever UUID; it is another user's own, and one whose start is not told is another session. */
static void test_imported_after_it_was_fetched(void) {
        StoreSession session = kept_session(2, "u-2", 99);
        Fixture f;

        start_with_device(&f);
        assert_fetched(&f, 1, 99, STORE_RECORD_ADDED, 1);
        g_assert_cmpint(import(&f, &session), ==, -EEXIST);
        session.id = 3;
        session.owner = 1001;
        session.owner_name = (char *) "berta";
        g_assert_cmpint(import(&f, &session), ==, 0);
        session = kept_session(4, "u-2", 99);
        session.device_address = (char *) "AA:BB:CC:DD:EE:02";
        g_assert_cmpint(import(&f, &session), ==, 0);
        session = kept_session(5, "u-3", 0);
        g_assert_cmpint(import(&f, &session), ==, 0);
        assert_fetched(&f, 6, 0, STORE_RECORD_ADDED, 6); /* a device without a clock */
        session = kept_session(7, "u-4", 0);
        g_assert_cmpint(import(&f, &session), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE ended = 1"), ==, 6);
        fixture_done(&f);
}

static unsigned n_queued(Fixture *f, JobType type) {
        unsigned n = 0;
        const Job *job;

        shared_lock(f->store);
        TAILQ_FOREACH(job, &f->store->queue.jobs, entry)
                n += job->type == type;
        shared_unlock(f->store);
        return n;
}

static bool has_come_back(Fixture *f, uint64_t n) {
        return n_queued(f, JOB_INTAKE_ABANDON) == n;
}

static void on_imported(int error, const char *message, uint64_t id, void *userdata) {
        *(int *) userdata = error;
}

static int import_nothing(Fixture *f) {
        StoreImport wanted = { .session = session_of(9, "u-9"), .fd = open("/dev/null", O_RDONLY | O_CLOEXEC) };
        int error = 1;

        store_import(f->store, &wanted, on_imported, &error);
        while (error == 1)
                g_assert_cmpint(fixture_get(f, 12345), ==, -ENOENT);
        return error;
}

static bool is_all_written(Fixture *f, uint64_t value) {
        bool all;

        shared_lock(f->store);
        all = f->store->n_abandoned == 0;
        shared_unlock(f->store);
        return all;
}

/* While the disk is full nothing is kept of what comes to nothing but that it did, and not of more than so many. */
static void test_given_up_while_the_disk_is_full(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fault_vfs_arm(FAULT_WRITE, FAULT_ENOSPC, 1, UINT64_MAX / 2);
        for (unsigned i = 1; i <= INTAKES_ABANDONED_MAX; i++) {
                begin(&f, i, "u-1");
                for (unsigned part = 0; part < 10; part++)
                        hand_over(&f, i, part);
                done(&f);
                fixture_wait(&f, has_come_back, i);
        }
        fixture_wait(&f, fixture_is_in_state, STORE_DEGRADED);
        fixture_wait(&f, has_come_back, INTAKES_ABANDONED_MAX);
        g_assert_cmpuint(n_queued(&f, JOB_INTAKE_PART), <=, 10); /* which the writer had in hand */
        g_assert_cmpint(import_nothing(&f), ==, -ENOBUFS);
        fault_vfs_disarm();
        fixture_wait(&f, is_all_written, 0);
        g_assert_cmpint(import_nothing(&f), ==, -EBADMSG); /* it looks at it again */
        g_assert_cmpint(fixture_erase_copies(&f), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session"), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM chunk"), ==, 0);
        fixture_done(&f);
}

/* A gap at the end, with no frame behind it, is there once although the sync of its commit failed. */
static void test_a_gap_alone(void) {
        uint64_t first = 1;
        bool met = true;

        for (; met; first++) {
                IntakePart p = { .n_gaps = 2 };
                Fixture f;

                p.gaps = g_new0(StoreGap, 2);
                p.gaps[1].from_usec = 7;
                fixture_init(&f);
                f.collect_usec = 1000;
                fixture_start(&f);
                fault_vfs_arm(FAULT_SYNC, FAULT_EIO, first, 1);
                begin(&f, 1, "u-1");
                hand_over(&f, 1, 0);
                shared_lock(f.store);
                intake_part(f.store, &intake, &p);
                shared_unlock(f.store);
                g_assert_cmpint(finish(&f), ==, 0);
                met = fault_vfs_failed() > 0;
                fault_vfs_disarm();
                done(&f);
                g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM gap"), ==, 3);
                fixture_done(&f);
        }
        g_assert_cmpuint(first, >, 2);
}

/* Whichever call fails: each part is there once. Without -m slow every other write is left out, another one each time; of the few syncs none. */
static void test_each_fault(void) {
        static const unsigned kinds[] = { FAULT_WRITE, FAULT_SYNC };

        for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
                uint64_t stride = g_test_slow() || kinds[i] == FAULT_SYNC ? 1 : 2, first = 1 + (uint64_t) g_test_rand_int() % stride;
                bool met = true;

                for (; met; first += stride) {
                        Fixture f;

                        fixture_init(&f);
                        f.collect_usec = 1000;
                        fixture_start(&f);
                        fault_vfs_arm(kinds[i], FAULT_EIO, first, 1);
                        begin(&f, 1, "u-1");
                        for (unsigned part = 0; part < 4; part++) {
                                hand_over(&f, 1, part);
                                fixture_wait(&f, is_idle, 0);
                        }
                        g_assert_cmpint(finish(&f), ==, 0);
                        done(&f);
                        g_assert_cmpint(fixture_erase_copies(&f), ==, 0); /* behind what its end and the fault have left to do */
                        met = fault_vfs_failed() > 0;
                        fault_vfs_disarm();
                        assert_whole(&f, 1, 4);
                        fixture_done(&f);
                }
                g_test_message("%" G_GUINT64_FORMAT " calls", first);
                g_assert_cmpuint(first, >, 2 * stride);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        fault_vfs_install();
        g_test_add_func("/store-intake/taken-in", test_taken_in);
        g_test_add_func("/store-intake/given-up", test_given_up);
        g_test_add_func("/store-intake/durable-at-its-end", test_durable_at_its_end);
        g_test_add_func("/store-intake/erasing-meanwhile", test_erasing_meanwhile);
        g_test_add_func("/store-intake/a-twin", test_a_twin);
        g_test_add_func("/store-intake/a-twin-of-another-user", test_a_twin_of_another_user);
        g_test_add_func("/store-intake/fetched-after-it-was-imported", test_fetched_after_it_was_imported);
        g_test_add_func("/store-intake/fetched-after-another-was-imported", test_fetched_after_another_was_imported);
        g_test_add_func("/store-intake/merged-beside-what-was-imported", test_merged_beside_what_was_imported);
        g_test_add_func("/store-intake/imported-after-it-was-fetched", test_imported_after_it_was_fetched);
        g_test_add_func("/store-intake/given-up-while-the-disk-is-full", test_given_up_while_the_disk_is_full);
        g_test_add_func("/store-intake/a-gap-alone", test_a_gap_alone);
        g_test_add_func("/store-intake/each-fault", test_each_fault);
        return g_test_run();
}
