/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "needled/omp.h"
#include "store/job.h"

_Static_assert(STORE_BULK_CHANNEL == OMP_CHAR_WAVEFORM, "what goes first when memory is full is the waveform");
_Static_assert(STORE_RECORD_CHANNEL == OMP_CHAR_SESSION_DATA, "what a device has stored itself comes as Session Data");

#define START UINT64_C(1000)

static Job *piece(uint64_t session, uint64_t from_usec, unsigned n, unsigned bulk_of, bool sealed) {
        Job *job = job_new(JOB_PIECE, session);
        uint8_t data[40] = {};

        job->piece.start_boottime_usec = START;
        job->piece.sealed = sealed;
        for (unsigned i = 0; i < n; i++) {
                Frame frame = {
                        .boottime_usec = START + from_usec + i,
                        .channel = i < bulk_of ? STORE_BULK_CHANNEL : 1,
                        .size = sizeof data,
                        .data = data,
                };

                piece_reserve(&job->piece, JOB_FRAME_HEAD + frame.size);
                memcpy(job->piece.data + job->piece.size, &frame, JOB_FRAME_HEAD);
                memcpy(job->piece.data + job->piece.size + JOB_FRAME_HEAD, data, frame.size);
                job->piece.size += JOB_FRAME_HEAD + frame.size;
                job->piece.n_frames++;
                job->piece.n_bulk += i < bulk_of;
        }
        return job;
}

static size_t size_of_list(const Queue *queue) {
        size_t size = 0;
        const Job *job;

        TAILQ_FOREACH(job, &queue->jobs, entry)
                size += job_size(job);
        return size;
}

static unsigned count(const Queue *queue, JobType type) {
        unsigned n = 0;
        const Job *job;

        TAILQ_FOREACH(job, &queue->jobs, entry)
                n += job->type == type;
        return n;
}

static void test_frames_of_a_piece_in_order(void) {
        Job *job = piece(1, 0, 5, 2, true);
        size_t offset = 0;
        unsigned n = 0;
        Frame frame;

        while (piece_next(&job->piece, &offset, &frame, NULL)) {
                g_assert_cmpuint(frame.boottime_usec, ==, START + n);
                g_assert_cmpuint(frame.size, ==, 40);
                n++;
        }
        g_assert_cmpuint(n, ==, 5);
        job_free(job);
}

/* "loses the oldest waveform before anything else and records that as a gap" */
static void test_the_oldest_waveform_goes_first(void) {
        Queue queue = {};
        Job *job, *begin = job_new(JOB_BEGIN, 1);

        begin->begin = g_new0(StoreSession, 1);
        queue_init(&queue);
        queue_push(&queue, begin);
        queue_push(&queue, piece(1, 0, 10, 6, true));
        queue_push(&queue, piece(1, 100, 10, 6, true));
        queue_push(&queue, piece(1, 200, 10, 6, true));
        g_assert_cmpuint(queue.size, ==, size_of_list(&queue));
        queue_enforce(&queue, queue.size - 8 * 60); /* two pieces' waveform, and more than the gap takes */
        g_assert_cmpuint(queue.size, ==, size_of_list(&queue));
        g_assert_cmpuint(queue.n_dropped, ==, 12);

        job = TAILQ_FIRST(&queue.jobs);
        g_assert_cmpint(job->type, ==, JOB_BEGIN);
        job = TAILQ_NEXT(job, entry); /* one gap for both, after the beginning and before the rest */
        g_assert_cmpint(job->type, ==, JOB_GAP);
        g_assert_cmpint(job->gap.stream, ==, 2);
        g_assert_cmpuint(job->gap.lost, ==, 12);
        g_assert_cmpuint(job->gap.from_usec, ==, 0);
        g_assert_cmpuint(job->gap.to_usec, ==, 105);
        job = TAILQ_NEXT(job, entry);
        g_assert_cmpuint(job->piece.n_frames, ==, 4);
        job = TAILQ_NEXT(TAILQ_NEXT(job, entry), entry);
        g_assert_cmpuint(job->piece.n_frames, ==, 10);
        queue_done(&queue);
}

static void test_rows_of_sessions_never_go(void) {
        Queue queue = {};
        Job *begin = job_new(JOB_BEGIN, 1), *end = job_new(JOB_END, 1), *put = job_new(JOB_DEVICE_PUT, 0);

        begin->begin = g_new0(StoreSession, 1);
        queue_init(&queue);
        queue_push(&queue, begin);
        queue_push_device(&queue, put);
        for (unsigned i = 0; i < 20; i++) {
                queue_push(&queue, piece(1, i * 100, 10, i % 7, i < 19));
                queue_push(&queue, job_new(JOB_EVENT, 1));
        }
        queue_push(&queue, end);
        queue_enforce(&queue, 0);
        g_assert_cmpuint(queue.n_dropped, ==, 200);
        g_assert_cmpuint(count(&queue, JOB_BEGIN), ==, 1);
        g_assert_cmpuint(count(&queue, JOB_END), ==, 1);
        g_assert_cmpuint(count(&queue, JOB_DEVICE_PUT), ==, 1);
        g_assert_cmpuint(count(&queue, JOB_EVENT), ==, 0);
        g_assert_cmpuint(count(&queue, JOB_PIECE), ==, 1); /* the one that somebody may add to, emptied */
        g_assert_cmpuint(count(&queue, JOB_GAP), ==, 2);        /* waveform, and all */
        g_assert_cmpint(TAILQ_FIRST(&queue.jobs)->type, ==, JOB_BEGIN);
        g_assert_cmpint(TAILQ_LAST(&queue.jobs, JobList)->type, ==, JOB_END);
        g_assert_cmpuint(queue.size, ==, size_of_list(&queue));
        queue_done(&queue);
}

/* A client that renames a device all day while the disk is full makes one row wait, not a list. */
static void test_only_the_newest_state_of_a_device_waits(void) {
        Queue queue = {};

        queue_init(&queue);
        for (unsigned i = 0; i < 1000; i++) {
                Job *job = job_new(i % 2 ? JOB_DEVICE_REMOVE : JOB_DEVICE_PUT, 0);

                job->device.address = g_strdup(i % 10 ? "AA" : "BB");
                job->device.address_type = g_strdup("public");
                queue_push_device(&queue, job);
        }
        g_assert_cmpuint(count(&queue, JOB_DEVICE_REMOVE), ==, 1);
        g_assert_cmpuint(count(&queue, JOB_DEVICE_PUT), ==, 1);
        g_assert_cmpuint(queue.size, ==, size_of_list(&queue));
        queue_done(&queue);
}

/* What it costs is what is counted: labels have texts, and are changed while they wait. */
static void test_texts_count(void) {
        Job *a = job_new(JOB_LABEL, 1), *b = job_new(JOB_LABEL, 1), *event = job_new(JOB_EVENT, 1);
        Queue queue;

        queue_init(&queue);
        a->labels.note = g_strnfill(3000, 'n');
        b->labels.note = g_strnfill(5000, 'N');
        b->labels.subject = g_strdup("me");
        event->event.text = g_strnfill(200, 't');
        queue_push(&queue, a);
        queue_push(&queue, event);
        g_assert_cmpuint(queue.size, ==, 2 * sizeof(Job) + 3001 + 201);
        g_assert_true(queue_merge(&queue, b) == a);
        g_assert_cmpuint(queue.size, ==, 2 * sizeof(Job) + 5001 + 3 + 201);
        queue_enforce(&queue, 0);
        g_assert_cmpuint(queue.size, ==, sizeof(Job) + 5001 + 3);
        queue_done(&queue);
}

/* The same erasure takes the place of the one that waits, behind what was set in between; and nothing is merged across it. */
static void test_erasures(void) {
        Job *first = job_new(JOB_ERASE, 0), *again = job_new(JOB_ERASE, 0), *plan = job_new(JOB_PLAN, 0), *later = job_new(JOB_PLAN, 0);
        Queue queue;

        queue_init(&queue);
        first->erase = again->erase = ERASE_OWNER;
        first->erase_owner = again->erase_owner = 1000;
        first->wait = 7;
        g_assert_cmpuint(queue_push_erase(&queue, first), ==, 0);
        queue_push(&queue, plan);
        g_assert_cmpuint(queue_push_erase(&queue, again), ==, 7);
        g_assert_true(TAILQ_FIRST(&queue.jobs) == plan);
        g_assert_cmpuint(count(&queue, JOB_ERASE), ==, 1);
        g_assert_null(queue_merge(&queue, later));
        g_assert_cmpuint(queue.size, ==, sizeof(Job)); /* erasures do not push out frames */
        queue_push(&queue, later);
        queue_done(&queue);
}

static void test_what_failed_comes_back_first(void) {
        Queue queue = {};
        JobList taken;
        uint64_t n = 0;
        Job *job;

        queue_init(&queue);
        for (uint64_t i = 0; i < 3; i++)
                queue_push(&queue, piece(i, 0, 1, 0, false));
        queue_take(&queue, &taken);
        g_assert_cmpuint(queue.size, ==, 0);
        queue_push(&queue, piece(3, 0, 1, 0, false));
        queue_return(&queue, &taken);
        g_assert_true(TAILQ_EMPTY(&taken));
        TAILQ_FOREACH(job, &queue.jobs, entry) {
                g_assert_cmpuint(job->session, ==, n++);
                g_assert_true(job->piece.sealed == (n < 4));
        }
        g_assert_cmpuint(queue.size, ==, size_of_list(&queue));
        queue_done(&queue);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/job/frames-of-a-piece-in-order", test_frames_of_a_piece_in_order);
        g_test_add_func("/job/the-oldest-waveform-goes-first", test_the_oldest_waveform_goes_first);
        g_test_add_func("/job/rows-of-sessions-never-go", test_rows_of_sessions_never_go);
        g_test_add_func("/job/only-the-newest-state-of-a-device-waits",
                        test_only_the_newest_state_of_a_device_waits);
        g_test_add_func("/job/texts-count", test_texts_count);
        g_test_add_func("/job/erasures", test_erasures);
        g_test_add_func("/job/what-failed-comes-back-first", test_what_failed_comes_back_first);
        return g_test_run();
}
