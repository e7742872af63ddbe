/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Token buckets: how much at once, how much a second, whose. */

#include <glib.h>

#include "bus/bucket.h"

#define SECOND UINT64_C(1000000)

static unsigned take_all(Buckets *b, uid_t uid, BucketKind kind, uint64_t now_usec) {
        unsigned n = 0;

        while (n < 100000 && buckets_take(b, uid, kind, now_usec))
                n++;
        return n;
}

static void test_a_burst_and_then_so_many_a_second(void) {
        Buckets b = {};

        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 7 * SECOND), ==, 200);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 7 * SECOND + 19999), ==, 0);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 7 * SECOND + 20000), ==, 1);
        for (unsigned i = 1; i <= 10; i++)
                g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 7 * SECOND + 20000 + i * SECOND), ==, 50);
        /* It is full again after 4 s, and is never more than full. */
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 7 * SECOND + 20000 + 14 * SECOND), ==, 200);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 100000 * SECOND), ==, 200);
}

static void test_kinds_are_counted_apart(void) {
        Buckets b = {};

        g_assert_cmpuint(take_all(&b, 1000, BUCKET_CALLS, 0), ==, 1000);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, 0), ==, 200);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_CALLS, SECOND), ==, 500);
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, SECOND), ==, 50);
}

/* What is refused costs nothing: who asks too often is not locked out for longer. */
static void test_refusals_are_free(void) {
        Buckets b = {};

        (void) take_all(&b, 1000, BUCKET_WORK, 0);
        for (unsigned i = 0; i < 10000; i++)
                g_assert_false(buckets_take(&b, 1000, BUCKET_WORK, i));
        g_assert_cmpuint(take_all(&b, 1000, BUCKET_WORK, SECOND), ==, 50);
}

static void test_users_do_not_share(void) {
        Buckets b = {};

        for (uid_t uid = 1000; uid < 1000 + BUCKET_USERS_MAX; uid++)
                g_assert_cmpuint(take_all(&b, uid, BUCKET_WORK, 0), ==, 200);
        for (uid_t uid = 1000; uid < 1000 + BUCKET_USERS_MAX; uid++)
                g_assert_cmpuint(take_all(&b, uid, BUCKET_WORK, SECOND), ==, 50);
}

/* More users than there is room for: those that are too many share one bucket, and those that have all their tokens
 * give way, whatever kind they have taken. */
static void test_room_is_bounded(void) {
        Buckets b = {};

        for (uid_t uid = 0; uid < BUCKET_USERS_MAX; uid++)
                g_assert_true(buckets_take(&b, uid, uid % 2 ? BUCKET_WORK : BUCKET_CALLS, 0));
        g_assert_cmpuint(take_all(&b, 5000, BUCKET_WORK, 0), ==, 200);
        g_assert_cmpuint(take_all(&b, 5001, BUCKET_WORK, 0), ==, 0);
        g_assert_cmpuint(b.n, ==, BUCKET_USERS_MAX);

        /* 2 ms later the even ones have theirs again. */
        g_assert_cmpuint(take_all(&b, 5001, BUCKET_WORK, 2000), ==, 200);
        g_assert_cmpuint(take_all(&b, 1, BUCKET_WORK, 2000), ==, 199);
        for (unsigned i = 0; i < 10 * BUCKET_USERS_MAX; i++)
                g_assert_true(buckets_take(&b, 6000 + i, BUCKET_WORK, (i + 1) * SECOND));
        g_assert_cmpuint(b.n, ==, BUCKET_USERS_MAX);
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/bucket/a-burst-and-then-so-many-a-second", test_a_burst_and_then_so_many_a_second);
        g_test_add_func("/bucket/kinds-are-counted-apart", test_kinds_are_counted_apart);
        g_test_add_func("/bucket/refusals-are-free", test_refusals_are_free);
        g_test_add_func("/bucket/users-do-not-share", test_users_do_not_share);
        g_test_add_func("/bucket/room-is-bounded", test_room_is_bounded);
        return g_test_run();
}
