/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/ring.h"

#define BOOT "0123456789abcdef0123456789abcdef"
#define HEAD 32u                        /* octets before those of a record */
#define BEFORE 4096u

typedef struct Case {
        int fd;
        Ring *ring;
} Case;

static Case begin(void) {
        Case c;

        g_assert_cmpint(ring_new(BOOT, &c.fd, &c.ring), ==, 0);
        return c;
}

static void end(Case *c) {
        c->ring = ring_free(c->ring);
        g_assert_cmpint(close(c->fd), ==, 0);
}

/* As the next process finds it. */
static RingTrouble again(Case *c) {
        c->ring = ring_free(c->ring);
        return ring_open(c->fd, BOOT, &c->ring);
}

static void put(Ring *ring, uint64_t session, uint64_t n, size_t size) {
        g_autofree uint8_t *data = g_malloc0(size + 8);

        memset(data, (int) (n & 0xff), size);
        ring_put(ring, RING_FRAME, session, 77, data, size);
}

/* Records n … n + count - 1 are what is there, each of that size. */
static void assert_has(const Ring *ring, uint64_t n, uint64_t count, size_t size) {
        uint64_t position = ring_tail(ring);
        RingRecord record;

        for (uint64_t i = 0; i < count; i++) {
                g_assert_cmpint(ring_next(ring, &position, &record), ==, 1);
                g_assert_cmpint(record.kind, ==, RING_FRAME);
                g_assert_cmpuint(record.start_boottime_usec, ==, 77);
                g_assert_cmpuint(record.size, ==, size);
                for (size_t at = 0; at < size; at++)
                        g_assert_cmpuint(record.data[at], ==, (n + i) & 0xff);
        }
        g_assert_cmpint(ring_next(ring, &position, &record), ==, 0);
        g_assert_cmpuint(position, ==, ring_head(ring));
}

static void test_records_come_back(void) {
        Case c = begin();

        g_assert_true(ring_is_empty(c.ring));
        for (size_t size = 0; size < 40; size++) {
                put(c.ring, 5, size, size);
                g_assert_false(ring_is_empty(c.ring));
                g_assert_cmpint(again(&c), ==, RING_FINE);
                assert_has(c.ring, size, 1, size);
                ring_commit(c.ring, ring_head(c.ring));
                g_assert_true(ring_is_empty(c.ring));
        }
        end(&c);
}

static void test_only_what_is_not_committed(void) {
        Case c = begin();
        uint64_t upto;

        put(c.ring, 5, 0, 50);
        put(c.ring, 5, 1, 50);
        upto = ring_head(c.ring);
        put(c.ring, 5, 2, 50);
        ring_commit(c.ring, upto);
        g_assert_cmpint(again(&c), ==, RING_FINE);
        assert_has(c.ring, 2, 1, 50);
        end(&c);
}

/* Several times round, never empty, with sizes that do not divide it. */
static void test_round_and_round(void) {
        enum { SIZE = 5001, STEPS = 6000, BEHIND = 7 };
        uint64_t heads[STEPS];
        Case c = begin();

        for (uint64_t i = 0; i < STEPS; i++) {
                put(c.ring, 1, i, SIZE);
                heads[i] = ring_head(c.ring);
                if (i >= BEHIND)
                        ring_commit(c.ring, heads[i - BEHIND]);
                if (i > BEHIND && i % 100 == 0)
                        assert_has(c.ring, i - BEHIND + 1, BEHIND, SIZE);
        }
        g_assert_cmpuint(ring_head(c.ring), >, 3 * (uint64_t) RING_SIZE);
        g_assert_cmpuint(ring_evicted(c.ring), ==, 0);
        g_assert_cmpint(again(&c), ==, RING_FINE);
        assert_has(c.ring, STEPS - BEHIND, BEHIND, SIZE);
        end(&c);
}

static void test_oldest_gives_way(void) {
        enum { SIZE = 60000, FIT = RING_SIZE / (SIZE + HEAD), N = FIT + 50 };
        uint64_t left, position;
        Case c = begin();
        RingRecord record;

        for (uint64_t i = 0; i < N; i++)
                put(c.ring, 1, i, SIZE);
        left = N - ring_evicted(c.ring);
        g_assert_cmpuint(left, >=, FIT - 1);
        g_assert_cmpuint(left, <=, FIT);
        g_assert_cmpint(again(&c), ==, RING_FINE);
        position = ring_tail(c.ring);
        g_assert_cmpint(ring_next(c.ring, &position, &record), ==, 1);
        assert_has(c.ring, N - left, left, SIZE);
        ring_commit(c.ring, ring_head(c.ring));
        g_assert_cmpuint(ring_evicted(c.ring), ==, 0);
        end(&c);
}

static void test_too_large_is_not_kept(void) {
        Case c = begin();

        put(c.ring, 1, 1, RING_RECORD_MAX + 1);
        g_assert_true(ring_is_empty(c.ring));
        put(c.ring, 1, 1, RING_RECORD_MAX);
        assert_has(c.ring, 1, 1, RING_RECORD_MAX);
        end(&c);
}

static void test_promise(void) {
        const RingPromise promise = { .upto = RING_SIZE + 8, .session = 3, .n_frames = 4, .n_gaps = 5, .n_events = 6, .state = RING_OVER };
        RingPromise promised;
        Case c = begin();

        g_assert_cmpuint(ring_promised(c.ring).upto, ==, 0);
        ring_promise(c.ring, &promise);
        g_assert_cmpint(again(&c), ==, RING_FINE);
        promised = ring_promised(c.ring);
        g_assert_cmpmem(&promised, sizeof(promised), &promise, sizeof(promise));
        put(c.ring, 1, 1, 10);
        ring_commit(c.ring, ring_head(c.ring));
        g_assert_cmpuint(ring_promised(c.ring).upto, ==, 0);
        end(&c);
}

static uint64_t pages(const Case *c) {
        struct stat st;

        g_assert_cmpint(fstat(c->fd, &st), ==, 0);
        return (uint64_t) st.st_blocks;
}

/* Of what is committed again and again the same few pages are used, and none when it is given back. */
static void test_memory(void) {
        Case c = begin();

        for (unsigned i = 0; i < 10000; i++) {
                put(c.ring, 1, i, 1000);
                ring_commit(c.ring, ring_head(c.ring));
        }
        g_assert_cmpuint(pages(&c), <=, 2 * 8);
        put(c.ring, 1, 0, 60000);
        ring_give_back(c.ring);         /* not what is needed */
        assert_has(c.ring, 0, 1, 60000);
        ring_commit(c.ring, ring_head(c.ring));
        g_assert_cmpuint(pages(&c), >, 2 * 8);
        ring_give_back(c.ring);
        g_assert_cmpuint(pages(&c), ==, 8);
        put(c.ring, 1, 9, 100);
        assert_has(c.ring, 9, 1, 100);
        end(&c);
}

static void test_is_nobody_elses(void) {
        Case c = begin();
        struct stat st;

        g_assert_cmpint(fstat(c.fd, &st), ==, 0);
        g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
        g_assert_cmpint(ftruncate(c.fd, 4096), ==, -1);
        g_assert_cmpint(errno, ==, EPERM);
        g_assert_cmpint(fcntl(c.fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        end(&c);
}

/* ---- What is of no use ---- */

static void test_not_a_ring(void) {
        int fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING), pipes[2];
        Ring *ring = NULL;

        g_assert_cmpint(ring_open(fd, BOOT, &ring), ==, RING_NOT_SEALED);
        g_assert_cmpint(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), ==, 0);
        g_assert_cmpint(ring_open(fd, BOOT, &ring), ==, RING_WRONG_SIZE);
        g_assert_cmpint(ftruncate(fd, BEFORE + RING_SIZE), ==, 0);
        g_assert_cmpint(ring_open(fd, BOOT, &ring), ==, RING_UNKNOWN);
        g_assert_cmpint(pipe2(pipes, O_CLOEXEC), ==, 0);
        g_assert_cmpint(ring_open(pipes[0], BOOT, &ring), ==, RING_NOT_SEALED);
        g_assert_cmpint(ring_open(-1, BOOT, &ring), ==, RING_NOT_SEALED);
        g_assert_null(ring);
        for (int i = RING_FINE + 1; i < _RING_TROUBLE_MAX; i++)
                g_assert_cmpuint(strlen(ring_trouble_text((RingTrouble) i)), >, 0);
        (void) close(fd);
        (void) close(pipes[0]);
        (void) close(pipes[1]);
}

static void test_not_writable(void) {
        Case c = begin();
        g_autofree char *path = g_strdup_printf("/proc/self/fd/%i", c.fd);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        Ring *ring;

        g_assert_cmpint(ring_open(fd, BOOT, &ring), ==, RING_NOT_READABLE);
        (void) close(fd);
        end(&c);
}

static void test_of_another_boot(void) {
        Case c = begin();
        Ring *ring;

        g_assert_cmpint(ring_open(c.fd, "fedcba9876543210fedcba9876543210", &ring), ==, RING_OTHER_BOOT);
        end(&c);
}

/* With one octet of the head changed it is known as of no use, or still says what it did. */
static void test_damaged_head(void) {
        for (size_t at = 0; at < 128; at++) {
                RingTrouble trouble;
                uint8_t octet;
                Case c = begin();

                put(c.ring, 1, 0, 100);
                put(c.ring, 1, 1, 100);
                g_assert_cmpint(pread(c.fd, &octet, 1, (off_t) at), ==, 1);
                octet ^= 0x84;
                g_assert_cmpint(pwrite(c.fd, &octet, 1, (off_t) at), ==, 1);
                trouble = again(&c);
                if (at < 16)
                        g_assert_cmpint(trouble, ==, RING_UNKNOWN);
                if (trouble == RING_FINE && !ring_is_empty(c.ring))
                        assert_has(c.ring, 0, 2, 100);
                end(&c);
        }
}

/* Whatever octet of a record it is. */
static void test_damaged_record(void) {
        for (size_t at = 0; at < 2 * (HEAD + 112); at++) {
                uint8_t octet;
                Case c = begin();

                put(c.ring, 1, 0, 100);
                put(c.ring, 1, 1, 100);
                g_assert_cmpint(pread(c.fd, &octet, 1, (off_t) (BEFORE + at)), ==, 1);
                octet ^= 0x10;
                g_assert_cmpint(pwrite(c.fd, &octet, 1, (off_t) (BEFORE + at)), ==, 1);
                g_assert_cmpint(again(&c), ==, RING_DAMAGED);
                g_assert_null(c.ring);
                end(&c);
        }
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/ring/records-come-back", test_records_come_back);
        g_test_add_func("/ring/only-what-is-not-committed", test_only_what_is_not_committed);
        g_test_add_func("/ring/round-and-round", test_round_and_round);
        g_test_add_func("/ring/oldest-gives-way", test_oldest_gives_way);
        g_test_add_func("/ring/too-large-is-not-kept", test_too_large_is_not_kept);
        g_test_add_func("/ring/promise", test_promise);
        g_test_add_func("/ring/memory", test_memory);
        g_test_add_func("/ring/is-nobody-elses", test_is_nobody_elses);
        g_test_add_func("/ring/not-a-ring", test_not_a_ring);
        g_test_add_func("/ring/not-writable", test_not_writable);
        g_test_add_func("/ring/of-another-boot", test_of_another_boot);
        g_test_add_func("/ring/damaged-head", test_damaged_head);
        g_test_add_func("/ring/damaged-record", test_damaged_record);
        return g_test_run();
}
