/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "store-fixture.h"
#include "store/job.h"
#include "store/schema.h"

static const StorePlan plan = {
        .owner = 1000,
        .owner_name = (char *) "ada",
        .subject = (char *) "left hand",
        .rest_300_usec = 1,
        .rest_500_usec = -1,
        .rest_1000_usec = 3,
        .rest_deeper_usec = INT64_MAX,
        .weekly_max = 0,
        .course_weeks = -1,
};

static void assert_personal(const Fixture *f, unsigned n, const char *first) {
        g_assert_cmpuint(f->personal->len, ==, n);
        g_assert_cmpstr(f->personal->pdata[0], ==, first);
}

static void test_plans_are_there_at_the_next_start(void) {
        StorePlan other = plan, changed = plan;
        Fixture f;

        other.subject = NULL; /* themselves */
        changed.weekly_max = 3;
        fixture_init(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.personal->len, ==, 0);
        g_assert_cmpint(fixture_plan(&f, &plan), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        assert_personal(&f, 1, "plan of 1000 ada for 'left hand': 1 -1 3 9223372036854775807 0 -1");
        g_assert_cmpint(fixture_plan(&f, &changed), ==, 0);
        g_assert_cmpint(fixture_plan(&f, &other), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.personal->len, ==, 2);
        g_assert_true(g_ptr_array_find_with_equal_func(f.personal, "plan of 1000 ada for 'left hand': 1 -1 3 9223372036854775807 3 -1",
                                                       g_str_equal, NULL));
        g_assert_true(g_ptr_array_find_with_equal_func(f.personal, "plan of 1000 ada for '': 1 -1 3 9223372036854775807 0 -1", g_str_equal,
                                                       NULL));
        fixture_done(&f);
}

static void test_a_person_has_so_many_plans(void) {
        StorePlan p = plan;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (unsigned i = 0; i < STORE_PLANS_MAX; i++) {
                g_autofree char *subject = g_strdup_printf("subject %u", i);

                p.subject = subject;
                g_assert_cmpint(fixture_plan(&f, &p), ==, 0);
        }
        g_assert_cmpint(fixture_plan(&f, &plan), ==, -ENOSPC);
        p.subject = (char *) "subject 5";
        g_assert_cmpint(fixture_plan(&f, &p), ==, 0); /* one that is there already */
        p = plan;
        p.owner = 1001;
        g_assert_cmpint(fixture_plan(&f, &p), ==, 0); /* somebody else's first */
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM plan"), ==, STORE_PLANS_MAX + 1);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.personal->len, ==, STORE_PLANS_MAX + 1);
        fixture_done(&f);
}

static void test_the_last_acknowledgement_counts(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "1", 500), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "2", 600), ==, 0);
        fixture_stop(&f);
        fixture_start(&f);
        assert_personal(&f, 1, "1000 ada acknowledged 2 at 600");
        fixture_done(&f);
}

static void test_labels_of_a_live_session(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin_full(&f, 1, FIXTURE_START_REALTIME, "AA:BB:CC:DD:EE:01", "ada", 1000);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .area = "chin", .rating = 4 }), ==, 0);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .subject = "", .note = "red", .product = "serum" }), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE subject = '' AND area = 'chin' AND product = 'serum' AND"
                                              " note = 'red' AND rating = 4"),
                        ==, 1);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .rating = STORE_RATING_NONE }), ==, 0);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE rating = 0 AND note = 'red'"), ==, 1);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .rating = 4 }), ==, 0);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpint(f.listed[0].rating, ==, 4);
        fixture_done(&f);
}

static void test_labels_of_one_that_has_ended(void) {
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .rating = 5 }), ==, 0);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .subject = "ada" }), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpint(f.listed[0].rating, ==, 5);
        g_assert_cmpstr(f.listed[0].subject, ==, "ada");
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .rating = STORE_RATING_NONE }), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpint(f.listed[0].rating, ==, 0);
        g_assert_cmpint(fixture_label(&f, 2, &(StoreLabels) { .rating = 5 }), ==, -ENOENT);
        g_assert_cmpint(fixture_discard(&f, 1), ==, 0);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .rating = 5 }), ==, -ENOENT);
        fixture_done(&f);
}

static void test_acknowledged_stays_with_the_session(void) {
        StoreSession s = {
                .id = 7,
                .uuid = (char *) "u",
                .profile = (char *) "omp1",
                .owner = 1000,
                .start_boottime_usec = FIXTURE_START_BOOTTIME,
                .start_realtime_usec = FIXTURE_START_REALTIME,
                .acknowledged = true,
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        store_session_begin(f.store, &s);
        fixture_begin(&f, 8);
        g_assert_cmpint(fixture_end(&f, 7), ==, 0);
        g_assert_cmpint(fixture_end(&f, 8), ==, 0);
        g_assert_cmpint(fixture_get(&f, 7), ==, 0);
        g_assert_true(f.listed[0].acknowledged);
        g_assert_cmpint(f.listed[0].rating, ==, 0);
        g_assert_cmpint(fixture_get(&f, 8), ==, 0);
        g_assert_false(f.listed[0].acknowledged);
        fixture_done(&f);
}

static void test_events_of_all_kinds(void) {
        char text[] = "the left one";
        const StoreEvent events[] = {
                { .session_usec = 1, .kind = STORE_EVENT_DEVICE, .code = 12 },
                { .session_usec = 2, .kind = STORE_EVENT_ALERT, .code = 0, .severity = 2, .asserted = true, .value = 3100 },
                { .session_usec = 3, .kind = STORE_EVENT_AREA, .code = 0 },
                { .session_usec = 4, .kind = STORE_EVENT_AREA, .code = 9 },
                { .session_usec = 5, .kind = STORE_EVENT_AREA, .code = 9 },
                { .session_usec = 6, .kind = STORE_EVENT_AREA, .code = 63 },
                { .session_usec = 7, .kind = STORE_EVENT_AREA, .code = 64 }, /* kept, and no area of the mask */
                { .session_usec = 8, .kind = STORE_EVENT_STAGE, .code = 3 },
                { .session_usec = 9, .kind = STORE_EVENT_MARK, .text = text },
        };
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        for (size_t i = 0; i < G_N_ELEMENTS(events); i++)
                store_session_event(f.store, 1, &events[i]);
        text[0] = 'T'; /* the store has its own */
        g_assert_cmpint(fixture_end(&f, 1), ==, 0);
        g_assert_cmpint(fixture_get(&f, 1), ==, 0);
        g_assert_cmpuint(f.listed[0].areas, ==, 1 | UINT64_C(1) << 9 | UINT64_C(1) << 63);
        for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
                g_autofree char *sql = g_strdup_printf("SELECT count(*) FROM event WHERE session_usec = %" G_GUINT64_FORMAT
                                                       " AND kind = %d AND code = %u AND (text IS %s)", events[i].session_usec,
                                                       (int) events[i].kind, events[i].code, events[i].text ? "'the left one'" : "NULL");

                g_assert_cmpint(fixture_query(f.path, sql), ==, 1);
        }
        fixture_done(&f);
}

static void overwrite(const char *path, int64_t offset, size_t size) {
        g_autofree char *noise = g_malloc(size);
        int fd = open(path, O_WRONLY | O_CLOEXEC);

        memset(noise, 0x5a, size);
        g_assert_cmpint(fd, >=, 0);
        g_assert_cmpint(pwrite(fd, noise, size, offset), ==, size);
        (void) close(fd);
}

/* What people set lives on when their database does not. */
static void test_a_database_that_is_put_aside_takes_nothing_along(void) {
        Fixture f;
        sqlite3 *db;
        int64_t page;

        fixture_init(&f);
        fixture_start(&f);
        fixture_begin(&f, 1);
        fixture_record(&f, 1, 0, 4000);
        fixture_wait(&f, fixture_has_committed, 4000);
        g_assert_cmpint(fixture_plan(&f, &plan), ==, 0);
        g_assert_cmpint(fixture_acknowledge(&f, 1000, "1", 500), ==, 0);
        g_assert_cmpint(fixture_label(&f, 1, &(StoreLabels) { .note = "kept", .rating = 2 }), ==, 0);
        fixture_stop(&f);
        g_assert_cmpint(sqlite3_open(f.path, &db), ==, SQLITE_OK);
        g_assert_cmpint(schema_exec(db, "UPDATE meta SET value = 0 WHERE key = 'clean'"), ==, SQLITE_OK);
        (void) sqlite3_close(db);
        page = fixture_query(f.path, "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_chunk_1'");
        overwrite(f.path, (page - 1) * 4096, 4096);

        fixture_start(&f);
        fixture_wait(&f, fixture_has_put_aside, 1);
        fixture_wait(&f, fixture_is_in_state, STORE_READY);
        fixture_stop(&f);
        fixture_start(&f);
        g_assert_cmpuint(f.personal->len, ==, 2);
        g_assert_cmpint(fixture_query(f.path, "SELECT count(*) FROM session WHERE id = 1 AND note = 'kept' AND rating = 2"), ==, 1);
        fixture_done(&f);
}

/* ---- What waits is replaced, so that nobody can fill memory while the disk does not take it ---- */

static Job *label(uint64_t session, const char *subject, const char *note, int rating) {
        Job *job = job_new(JOB_LABEL, session);

        job->labels = (StoreLabels) { .subject = g_strdup(subject), .note = g_strdup(note), .rating = rating };
        return job;
}

static void test_labels_merge(void) {
        Queue queue;
        Job *first = label(1, "a", NULL, 3);

        queue_init(&queue);
        g_assert_null(queue_merge(&queue, first));
        queue_push(&queue, first);
        g_assert_true(queue_merge(&queue, label(1, NULL, "n", 0)) == first);
        g_assert_true(queue_merge(&queue, label(1, "b", NULL, 5)) == first);
        g_assert_cmpstr(first->labels.subject, ==, "b");
        g_assert_cmpstr(first->labels.note, ==, "n");
        g_assert_null(first->labels.area);
        g_assert_cmpint(first->labels.rating, ==, 5);
        g_assert_true(queue_merge(&queue, label(1, NULL, NULL, STORE_RATING_NONE)) == first);
        g_assert_cmpint(first->labels.rating, ==, STORE_RATING_NONE);
        first = label(2, "c", NULL, 0);
        g_assert_null(queue_merge(&queue, first)); /* of another session */
        queue_push(&queue, first);
        queue_done(&queue);
}

/* What came back from a commit that failed stands before what is newer; the newest of all goes last. */
static void test_labels_merge_into_the_newest(void) {
        Job *first = label(1, "a", NULL, 0), *second = label(1, "b", NULL, 0);
        JobList taken;
        Queue queue;

        queue_init(&queue);
        queue_push(&queue, first);
        queue_take(&queue, &taken);
        queue_push(&queue, second);
        queue_return(&queue, &taken);
        g_assert_true(queue_merge(&queue, label(1, "c", NULL, 0)) == second);
        g_assert_true(TAILQ_FIRST(&queue.jobs) == first);
        g_assert_cmpstr(second->labels.subject, ==, "c");
        queue_done(&queue);
}

static void test_plans_and_acknowledgements_merge(void) {
        StoreAcknowledgement a = { .owner = 1000, .version = (char *) "1" };
        StorePlan p = plan;
        Job *jobs[4];
        Queue queue;

        queue_init(&queue);
        for (unsigned i = 0; i < 2; i++) {
                jobs[i] = job_new(JOB_PLAN, 0);
                p.weekly_max = (int) i;
                job_copy_plan(&jobs[i]->plan, &p);
                jobs[2 + i] = job_new(JOB_ACKNOWLEDGE, 0);
                a.realtime_usec = i;
                job_copy_acknowledgement(&jobs[2 + i]->acknowledgement, &a);
        }
        queue_push(&queue, jobs[0]);
        queue_push(&queue, jobs[2]);
        g_assert_true(queue_merge(&queue, jobs[1]) == jobs[0]);
        g_assert_true(queue_merge(&queue, jobs[3]) == jobs[2]);
        g_assert_cmpint(jobs[0]->plan.weekly_max, ==, 1);
        g_assert_cmpuint(jobs[2]->acknowledgement.realtime_usec, ==, 1);
        p.subject = (char *) "another";
        jobs[1] = job_new(JOB_PLAN, 0);
        job_copy_plan(&jobs[1]->plan, &p);
        g_assert_null(queue_merge(&queue, jobs[1]));
        queue_push(&queue, jobs[1]);
        a.owner = 1001;
        jobs[3] = job_new(JOB_ACKNOWLEDGE, 0);
        job_copy_acknowledgement(&jobs[3]->acknowledgement, &a);
        g_assert_null(queue_merge(&queue, jobs[3]));
        queue_push(&queue, jobs[3]);
        queue_done(&queue);
}

static void count_answer(int error, void *userdata) {
        g_assert_cmpint(error, ==, 0);
        ++*(unsigned *) userdata;
}

static bool is_fifty(Fixture *f, uint64_t counter) {
        return *(unsigned *) (uintptr_t) counter == 50;
}

static void test_all_who_wait_are_answered(void) {
        unsigned answers = 0;
        StorePlan p = plan;
        Fixture f;

        fixture_init(&f);
        fixture_start(&f);
        for (unsigned i = 0; i < 50; i++) {
                p.weekly_max = (int) i;
                store_plan_put(f.store, &p, i % 2 ? count_answer : NULL, &answers);
                store_acknowledge(f.store, &(StoreAcknowledgement) { .owner = 5, .version = (char *) "1" }, i % 2 ? count_answer : NULL, &answers);
        }
        fixture_wait(&f, is_fifty, (uintptr_t) &answers);
        g_assert_cmpint(fixture_query(f.path, "SELECT weekly_max FROM plan"), ==, 49);
        fixture_done(&f);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/store-personal/plans-are-there-at-the-next-start", test_plans_are_there_at_the_next_start);
        g_test_add_func("/store-personal/a-person-has-so-many-plans", test_a_person_has_so_many_plans);
        g_test_add_func("/store-personal/the-last-acknowledgement-counts", test_the_last_acknowledgement_counts);
        g_test_add_func("/store-personal/labels-of-a-live-session", test_labels_of_a_live_session);
        g_test_add_func("/store-personal/labels-of-one-that-has-ended", test_labels_of_one_that_has_ended);
        g_test_add_func("/store-personal/acknowledged-stays-with-the-session", test_acknowledged_stays_with_the_session);
        g_test_add_func("/store-personal/events-of-all-kinds", test_events_of_all_kinds);
        g_test_add_func("/store-personal/a-database-that-is-put-aside-takes-nothing-along", test_a_database_that_is_put_aside_takes_nothing_along);
        g_test_add_func("/store-personal/labels-merge", test_labels_merge);
        g_test_add_func("/store-personal/labels-merge-into-the-newest", test_labels_merge_into_the_newest);
        g_test_add_func("/store-personal/plans-and-acknowledgements-merge", test_plans_and_acknowledgements_merge);
        g_test_add_func("/store-personal/all-who-wait-are-answered", test_all_who_wait_are_answered);
        return g_test_run();
}
