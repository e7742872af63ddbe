/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "power-vfs.h"
#include "store-fixture.h"
#include "store/promise.h"
#include "store/shared.h"

/* "A crash in mid-stream: 0 frames lost". Children with the real store and a ring that their parent has too are killed at any moment; what
 * they had handed over is in the database then, once. */

#define BOOT "0123456789abcdef0123456789abcdef"
#define SESSION UINT64_C(1)
#define OTHER UINT64_C(2)
#define PEN "C0:FF:EE:12:34:56"
#define FOREVER (600 * G_USEC_PER_SEC)
#define KILL_AFTER_MAX_USEC 60000

typedef struct Told {
        atomic_uint n_frames, n_gaps, n_events; /* handed over */
} Told;

typedef struct Scene {
        Fixture f;
        int fd;
        Told *told;
} Scene;

typedef void (*Life)(Fixture *f, Told *told);

static void scene_init(Scene *s) {
        fixture_init(&s->f);
        g_assert_cmpint(ring_new(BOOT, &s->fd, &s->f.ring), ==, 0);
        s->told = mmap(NULL, sizeof(*s->told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        g_assert_true(s->told != MAP_FAILED);
}

static void scene_done(Scene *s) {
        Ring *ring = s->f.ring;

        fixture_done(&s->f);
        (void) ring_free(ring);
        (void) close(s->fd);
        (void) munmap(s->told, sizeof(*s->told));
}

static void hand_over(Fixture *f, Told *told, unsigned n) {
        fixture_record(f, SESSION, told->n_frames, n);
        told->n_frames += n;
}

static void live_streaming(Fixture *f, Told *told) {
        fixture_start(f);
        fixture_begin(f, SESSION);
        for (;;) {
                hand_over(f, told, 1);
                if (told->n_frames % 7 == 0) {
                        store_session_gap(f->store, SESSION, &(StoreGap) { told->n_frames, told->n_frames, 0, 1 });
                        told->n_gaps++;
                }
                if (told->n_frames % 5 == 0) {
                        store_session_event(f->store, SESSION, &(StoreEvent) { .session_usec = told->n_frames });
                        told->n_events++;
                }
                (void) usleep(told->n_frames % 64 ? 0 : 1000);
        }
}

/* Runs a life for so long and kills it; 0: until it waits for that. */
static void live_and_die(Scene *s, Life life, uint64_t usec) {
        pid_t pid = fork();
        int status;

        g_assert_cmpint(pid, >=, 0);
        if (pid == 0) {
                life(&s->f, s->told);
                if (usec == 0)
                        (void) raise(SIGKILL);
                for (;;)
                        (void) pause();
        }
        if (usec > 0) {
                while (life == live_streaming && s->told->n_frames == 0)
                        g_usleep(100);
                g_usleep(usec);
                (void) kill(pid, SIGKILL);
        }
        g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
        g_assert_true(WIFSIGNALED(status));
        g_assert_cmpint(WTERMSIG(status), ==, SIGKILL);
}

/* As the next process begins. */
static void start_again(Scene *s) {
        s->f.ring = ring_free(s->f.ring);
        s->f.collect_usec = 0;
        g_assert_cmpint(ring_open(s->fd, BOOT, &s->f.ring), ==, RING_FINE);
        fixture_start(&s->f);
}

static int64_t count(Scene *s, const char *table, uint64_t session) {
        g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM %s WHERE session = %" G_GUINT64_FORMAT, table, session);

        return fixture_query(s->f.path, sql);
}

static void assert_frames(Scene *s, uint64_t session, uint64_t least, uint64_t most) {
        g_autofree FixtureFrame *frames = NULL;
        size_t n;

        frames = fixture_read_frames(s->f.path, session, &n);
        g_assert_cmpuint(n, >=, least);
        g_assert_cmpuint(n, <=, most);
        fixture_assert_frames(frames, n, session, 0);
}

/* ---- */

static void live_unwritten(Fixture *f, Told *told) {
        f->collect_usec = FOREVER;
        fixture_start(f);
        fixture_begin(f, SESSION);
        hand_over(f, told, 400);
        store_session_gap(f->store, SESSION, &(StoreGap) { 1, 2, 3, 4 });
        store_session_event(f->store, SESSION, &(StoreEvent) { .session_usec = 5, .kind = STORE_EVENT_MARK, .text = "here" });
        store_session_event(f->store, SESSION, &(StoreEvent) { .session_usec = 6, .code = 7, .asserted = true, .value = -8 });
        hand_over(f, told, 400);
}

/* Nothing of it was ever committed. */
static void test_whole_session(void) {
        g_autofree char *mark = NULL;
        Scene s;

        scene_init(&s);
        live_and_die(&s, live_unwritten, 0);
        start_again(&s);
        g_assert_true(s.f.taken_in);
        g_assert_cmpuint(s.f.n_sessions, ==, 1);
        g_assert_cmpuint(s.f.sessions[0].n_frames, ==, 800);
        fixture_assert_frames(s.f.sessions[0].frames, 800, SESSION, 0);
        g_assert_cmpuint(s.f.next_session_id, ==, 2);
        g_assert_cmpint(count(&s, "gap", SESSION), ==, 1);
        g_assert_cmpint(count(&s, "event", SESSION), ==, 2);
        g_assert_cmpint(fixture_query(s.f.path, "SELECT lost FROM gap"), ==, 4);
        mark = fixture_query_text(s.f.path, "SELECT text FROM event WHERE session_usec = 5");
        g_assert_cmpstr(mark, ==, "here");
        g_assert_cmpint(fixture_query(s.f.path, "SELECT value FROM event WHERE session_usec = 6"), ==, -8);
        g_assert_true(ring_is_empty(s.f.ring));
        fixture_record(&s.f, SESSION, 800, 10);
        g_assert_cmpint(fixture_end(&s.f, SESSION), ==, 0);
        g_assert_true(ring_is_empty(s.f.ring));
        fixture_stop(&s.f);
        assert_frames(&s, SESSION, 810, 810);
        scene_done(&s);
}

/* Once: the next start has nothing to take in. */
static void test_taken_in_once(void) {
        Scene s;

        scene_init(&s);
        live_and_die(&s, live_unwritten, 0);
        start_again(&s);
        fixture_stop(&s.f);
        start_again(&s);
        g_assert_false(s.f.taken_in);
        g_assert_cmpuint(s.f.sessions[0].n_frames, ==, 800);
        fixture_stop(&s.f);
        scene_done(&s);
}

static void live_over(Fixture *f, Told *told) {
        Figures figures = {};
        Job job = { .type = JOB_END, .session = SESSION, .end = { .reason = "user", .boottime_usec = FIXTURE_START_BOOTTIME + 99,
                    .realtime_usec = FIXTURE_START_REALTIME + 99, .figures = &figures, .record = 4, .epoch = 2 } };

        live_unwritten(f, told);
        figures.present = UINT64_C(1) << FIGURE_STROKES;
        figures.value[FIGURE_STROKES].i = 4321;
        kept_put(f->ring, FIXTURE_START_BOOTTIME, &job);
}

/* It is over, although nobody was told. */
static void test_session_that_is_over(void) {
        Scene s;

        scene_init(&s);
        live_and_die(&s, live_over, 0);
        start_again(&s);
        g_assert_cmpuint(s.f.n_sessions, ==, 0);
        g_assert_cmpuint(s.f.ended, ==, SESSION);
        g_assert_cmpint(fixture_get(&s.f, SESSION), ==, 0);
        g_assert_cmpuint(s.f.n_listed, ==, 1);
        g_assert_cmpint(s.f.listed[0].figures.value[FIGURE_STROKES].i, ==, 4321);
        g_assert_cmpuint(s.f.listed[0].record, ==, 4);
        g_assert_cmpstr(s.f.listed[0].end_reason, ==, "user");
        fixture_stop(&s.f);
        assert_frames(&s, SESSION, 800, 800);
        scene_done(&s);
}

static void live_discarded(Fixture *f, Told *told) {
        Job job = { .type = JOB_DISCARD, .session = SESSION, .burial = { .device_address = "C0:FF:EE:12:34:56" } };

        live_unwritten(f, told);
        kept_put(f->ring, FIXTURE_START_BOOTTIME, &job);
}

static void test_session_that_was_discarded(void) {
        Scene s;

        scene_init(&s);
        live_and_die(&s, live_discarded, 0);
        start_again(&s);
        g_assert_cmpuint(s.f.n_sessions, ==, 0);
        g_assert_cmpint(fixture_query(s.f.path, "SELECT count(*) FROM session"), ==, 0);
        fixture_stop(&s.f);
        scene_done(&s);
}

/* ---- Another database ---- */

/* What is kept is of a session that this database has under the same id, and that began at another time. */
static void test_another_session_of_this_id(void) {
        Scene s, other;

        scene_init(&s);
        scene_init(&other);
        live_and_die(&s, live_unwritten, 0);
        other.f.collect_usec = 0;
        fixture_start(&other.f);
        store_session_begin(other.f.store, &(StoreSession) { .id = SESSION, .uuid = (char *) "another", .boot_id = (char *) "",
                            .device_address = (char *) "", .device_alias = (char *) "", .profile = (char *) "omp1", .start_boottime_usec = 1 });
        fixture_stop(&other.f);
        g_assert_true(ring_is_empty(other.f.ring));
        (void) ring_free(other.f.ring);
        g_assert_cmpint(ring_open(s.fd, BOOT, &other.f.ring), ==, RING_FINE);
        fixture_start(&other.f);
        g_assert_cmpuint(other.f.n_sessions, ==, 1);
        g_assert_cmpuint(other.f.sessions[0].n_frames, ==, 0);
        g_assert_true(ring_is_empty(other.f.ring));
        fixture_stop(&other.f);
        scene_done(&other);
        scene_done(&s);
}

/* Frames of a session of which nothing is known do not make one. */
static void test_frames_of_nobody(void) {
        FixtureFrame frame;
        Piece piece = {};
        Scene s;

        scene_init(&s);
        fixture_make_frame(&frame, 9, 0);
        piece_reserve(&piece, piece_size_of(&frame.frame, NULL));
        piece_add(&piece, &frame.frame, NULL);
        ring_put(s.f.ring, RING_FRAME, 9, FIXTURE_START_BOOTTIME, piece.data, piece.size);
        g_free(piece.data);
        start_again(&s);
        g_assert_cmpuint(s.f.n_sessions, ==, 0);
        g_assert_cmpint(fixture_query(s.f.path, "SELECT count(*) FROM tail"), ==, 0);
        g_assert_true(ring_is_empty(s.f.ring));
        fixture_stop(&s.f);
        scene_done(&s);
}

/* No database can be opened at first: it goes in when one can be. */
static void test_database_comes_later(void) {
        g_autofree char *aside = NULL;
        Scene s;

        scene_init(&s);
        live_and_die(&s, live_unwritten, 0);
        aside = g_strdup_printf("%s.aside", s.f.path);
        g_assert_cmpint(rename(s.f.path, aside), ==, 0);
        g_assert_cmpint(g_mkdir(s.f.path, 0700), ==, 0);
        start_again(&s);
        g_assert_cmpint(store_state(s.f.store), ==, STORE_UNAVAILABLE);
        g_assert_false(ring_is_empty(s.f.ring));
        g_assert_cmpint(g_rmdir(s.f.path), ==, 0);
        g_assert_cmpint(rename(aside, s.f.path), ==, 0);
        s.f.opened = false;
        g_clear_pointer(&s.f.sessions, g_free);
        fixture_begin(&s.f, s.f.next_session_id);       /* there is something to write */
        fixture_wait(&s.f, fixture_is_opened, 0);
        g_assert_true(s.f.taken_in);
        g_assert_cmpuint(s.f.sessions[0].n_frames, ==, 800);
        fixture_stop(&s.f);
        assert_frames(&s, SESSION, 800, 800);
        scene_done(&s);
}

/* ---- Between a commit and word of it ---- */

static void on_recorded(int error, StoreRecordFate fate, uint64_t id, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        g_assert_cmpint(fate, ==, STORE_RECORD_MERGED);
        g_assert_cmpuint(id, ==, OTHER);
        ((Fixture *) userdata)->answered = true;
}

static void put_record_of_other(Fixture *f) {
        FixtureFrame made;
        StoreRecord record = {
                .session = { .id = 9, .uuid = (char *) "", .device_address = (char *) PEN, .device_alias = (char *) "", .profile = (char *) "omp1",
                             .start_boottime_usec = FIXTURE_START_BOOTTIME, .start_realtime_usec = FIXTURE_START_REALTIME,
                             .end_realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC, .end_reason = (char *) "device", .record = 3,
                             .record_start = 4 },
                .device_address_type = "random",
                .frames = &made.frame,
                .n_frames = 1,
        };

        fixture_make_frame(&made, OTHER, 10);
        store_record_put(f->store, &record, on_recorded, f);
}

/* What of the ring says how far it goes, in words of 64 bits (ring.c). */
#define HEADER_WORDS 17u
#define AT_HEAD 7u
#define AT_TAIL 8u
#define AT_PROMISE 10u          /* its first word is what `promised` was then */
#define AT_PROMISED 16u

static void read_header(Fixture *f, uint64_t *ret) {
        const Scene *s = (const Scene *) f;

        g_assert_cmpint(pread(s->fd, ret, HEADER_WORDS * sizeof(*ret), 0), ==, HEADER_WORDS * sizeof(*ret));
}

/* As if the process had ended when the commit was made, and before it could say so. */
static void forget_commit(Fixture *f, uint64_t *before) {
        const Scene *s = (const Scene *) f;
        uint64_t after[HEADER_WORDS];

        read_header(f, after);
        g_assert_cmpuint(before[AT_TAIL], <, before[AT_HEAD]);
        g_assert_cmpuint(after[AT_TAIL], ==, after[AT_HEAD]);
        g_assert_cmpuint(after[AT_PROMISE], ==, before[AT_HEAD]);
        after[AT_HEAD] = before[AT_HEAD];
        after[AT_TAIL] = before[AT_TAIL];
        after[AT_PROMISED] = after[AT_PROMISE];
        g_assert_cmpint(pwrite(s->fd, after, sizeof(after), 0), ==, sizeof(after));
}

/* Another session's frames, an end, and a record that is added to what has ended, in one commit. The ring has not heard of it. */
static void live_merging(Fixture *f, Told *told) {
        Figures figures = {};
        uint64_t before[HEADER_WORDS];
        sqlite3 *db;

        fixture_start(f);
        fixture_begin(f, SESSION);
        fixture_begin_full(f, OTHER, FIXTURE_START_REALTIME, PEN, "", 1000);
        hand_over(f, told, 40);
        fixture_record(f, OTHER, 0, 10);
        fixture_wait(f, fixture_has_committed, 50);
        g_assert_cmpint(sqlite3_open(f->path, &db), ==, SQLITE_OK);
        g_assert_cmpint(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
        hand_over(f, told, 40);
        store_session_end(f->store, OTHER, &(StoreEnd) { .reason = "user", .boottime_usec = FIXTURE_START_BOOTTIME + FIXTURE_LENGTH_USEC,
                          .realtime_usec = FIXTURE_START_REALTIME + FIXTURE_LENGTH_USEC, .figures = &figures }, NULL, NULL);
        put_record_of_other(f);
        fixture_wait(f, fixture_is_in_state, STORE_DEGRADED);
        read_header(f, before);
        f->answered = false;
        g_assert_cmpint(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), ==, SQLITE_OK);
        fixture_wait(f, fixture_is_answered, 0);
        forget_commit(f, before);
}

static void test_a_record_in_the_same_commit(void) {
        Scene s;

        scene_init(&s);
        s.f.collect_usec = 1000;
        live_and_die(&s, live_merging, 0);
        start_again(&s);
        assert_frames(&s, SESSION, 80, 80);
        assert_frames(&s, OTHER, 11, 11);
        g_assert_true(ring_is_empty(s.f.ring));
        fixture_stop(&s.f);
        scene_done(&s);
}

static void add_job(JobList *jobs, JobType type, uint64_t session) {
        Job *job = job_new(type, session);

        if (type == JOB_BEGIN) {
                job->begin = g_new0(StoreSession, 1);
                job_copy_session(job->begin, &(StoreSession) { .id = session });
        }
        TAILQ_INSERT_TAIL(jobs, job, entry);
}

/* What begins and goes in one commit is not there before nor after it. */
static void test_what_begins_and_goes_says_nothing(void) {
        JobList jobs = TAILQ_HEAD_INITIALIZER(jobs);
        Ledger ledger;
        Scene s;

        scene_init(&s);
        ledger_init(&ledger);
        add_job(&jobs, JOB_BEGIN, 5);
        add_job(&jobs, JOB_DISCARD, 5);
        g_assert_cmpint(promise_make(&ledger, &jobs, s.f.ring, RING_SIZE + 64), ==, SQLITE_OK);
        g_assert_cmpuint(ring_promised(s.f.ring).upto, ==, 0);
        add_job(&jobs, JOB_DISCARD, 6);
        g_assert_cmpint(promise_make(&ledger, &jobs, s.f.ring, RING_SIZE + 64), ==, SQLITE_OK);
        g_assert_cmpuint(ring_promised(s.f.ring).session, ==, 6);
        g_assert_cmpuint(ring_promised(s.f.ring).state, ==, RING_ABSENT);
        kept_free_jobs(&jobs);
        ledger_done(&ledger);
        scene_done(&s);
}

/* ---- At any moment ---- */

/* A frame that is being handed over may be there or not; of what was, nothing is missing and nothing is there twice. */
static void assert_exact(Scene *s) {
        Told *told = s->told;
        bool begun = told->n_frames > 0;

        g_assert_cmpuint(s->f.n_sessions, >=, begun);
        if (s->f.n_sessions == 0)
                return;
        assert_frames(s, SESSION, told->n_frames, told->n_frames + 1);
        g_assert_cmpint(count(s, "gap", SESSION), >=, told->n_gaps);
        g_assert_cmpint(count(s, "gap", SESSION), <=, told->n_gaps + 1);
        g_assert_cmpint(count(s, "event", SESSION), >=, told->n_events);
        g_assert_cmpint(count(s, "event", SESSION), <=, told->n_events + 1);
}

/* Commits one after another, so that many a kill meets one. */
static void test_killed_at_any_moment(void) {
        unsigned rounds = FIXTURE_SANITIZED ? 15 : 60, n_taken_in = 0, n_frames = 0;

        for (unsigned i = 0; i < rounds; i++) {
                Scene s;

                scene_init(&s);
                s.f.collect_usec = i % 2 ? 500 : 20000;
                live_and_die(&s, live_streaming, (uint64_t) (500 + g_test_rand_int_range(0, KILL_AFTER_MAX_USEC)));
                start_again(&s);
                n_taken_in += s.f.taken_in;
                n_frames += s.told->n_frames;
                assert_exact(&s);
                fixture_stop(&s.f);
                scene_done(&s);
        }
        g_test_message("%u of %u had something to take in, %u frames", n_taken_in, rounds, n_frames);
        g_assert_cmpuint(n_taken_in, >, 0);
        g_assert_cmpuint(n_frames, >, rounds);
}

static void live_taking_in(Fixture *f, Told *told) {
        fixture_start(f);
}

/* Killed while it takes in what the first one has left: the third has all of it, once. */
static void test_killed_while_taking_in(void) {
        unsigned rounds = FIXTURE_SANITIZED ? 8 : 20;

        for (unsigned i = 0; i < rounds; i++) {
                Scene s;

                scene_init(&s);
                live_and_die(&s, live_unwritten, 0);
                s.f.collect_usec = 0;
                live_and_die(&s, live_taking_in, (uint64_t) (100 + g_test_rand_int_range(0, 20000)));
                start_again(&s);
                assert_frames(&s, SESSION, 800, 800);
                g_assert_cmpint(count(&s, "gap", SESSION), ==, 1);
                g_assert_cmpint(count(&s, "event", SESSION), ==, 2);
                fixture_stop(&s.f);
                scene_done(&s);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        power_vfs_install(); /* syncs nothing: what a killed process has written the kernel has */
        g_test_add_func("/store-ring/whole-session", test_whole_session);
        g_test_add_func("/store-ring/taken-in-once", test_taken_in_once);
        g_test_add_func("/store-ring/session-that-is-over", test_session_that_is_over);
        g_test_add_func("/store-ring/session-that-was-discarded", test_session_that_was_discarded);
        g_test_add_func("/store-ring/another-session-of-this-id", test_another_session_of_this_id);
        g_test_add_func("/store-ring/frames-of-nobody", test_frames_of_nobody);
        g_test_add_func("/store-ring/database-comes-later", test_database_comes_later);
        g_test_add_func("/store-ring/a-record-in-the-same-commit", test_a_record_in_the_same_commit); /* before this process has had threads */
        g_test_add_func("/store-ring/what-begins-and-goes-says-nothing", test_what_begins_and_goes_says_nothing);
        g_test_add_func("/store-ring/killed-at-any-moment", test_killed_at_any_moment);
        g_test_add_func("/store-ring/killed-while-taking-in", test_killed_while_taking_in);
        return g_test_run();
}
