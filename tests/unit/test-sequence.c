/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/omp-time.h"

static void push(OmpSequence *s, unsigned sequence, OmpArrival arrival, unsigned missing) {
        unsigned n = 4711;

        g_assert_cmpint(omp_sequence_push(s, (uint16_t) sequence, &n), ==, arrival);
        g_assert_cmpuint(n, ==, missing);
}

static void first_sets_the_number(void) {
        static const uint16_t firsts[] = { 0, 1, 258, 32767, 32768, 65535 };

        for (size_t i = 0; i < G_N_ELEMENTS(firsts); i++) {
                OmpSequence s = {};

                push(&s, firsts[i], OMP_ARRIVAL_FIRST, 0);
                push(&s, firsts[i] + 1u, OMP_ARRIVAL_NEXT, 0);
        }
}

static void wraps(void) {
        OmpSequence s = {};

        push(&s, 65534, OMP_ARRIVAL_FIRST, 0);
        push(&s, 65535, OMP_ARRIVAL_NEXT, 0);
        push(&s, 0, OMP_ARRIVAL_NEXT, 0);
        push(&s, 1, OMP_ARRIVAL_NEXT, 0);

        omp_sequence_reset(&s);
        push(&s, 65533, OMP_ARRIVAL_FIRST, 0);
        push(&s, 2, OMP_ARRIVAL_GAP, 4);
        push(&s, 65535, OMP_ARRIVAL_LATE, 0);
        push(&s, 65533, OMP_ARRIVAL_DUPLICATE, 0);
        push(&s, 3, OMP_ARRIVAL_NEXT, 0);
}

/* "0 next; 1…32767 d packets missing" */
static void every_gap(void) {
        for (unsigned d = 1; d <= 32767; d++) {
                OmpSequence s = {};

                push(&s, 1000, OMP_ARRIVAL_FIRST, 0);
                push(&s, 1001 + d, OMP_ARRIVAL_GAP, d);
                /* The window knows all of the gap that it reaches, the first in front of it too. */
                for (unsigned back = 1; back <= 63; back++)
                        push(&s, 1001 + d - back,
                             back <= d ? OMP_ARRIVAL_LATE : OMP_ARRIVAL_DUPLICATE, 0);
                push(&s, 1002 + d, OMP_ARRIVAL_NEXT, 0);
        }
}

/* "−1…−64 late: if that number was missing" */
static void late_missing_once(void) {
        for (unsigned back = 2; back <= 64; back++) {
                OmpSequence s = {};

                /* Number 500 is missing, and comes when `back` numbers from it on were expected. */
                push(&s, 498, OMP_ARRIVAL_FIRST, 0);
                push(&s, 499, OMP_ARRIVAL_NEXT, 0);
                push(&s, 501, OMP_ARRIVAL_GAP, 1);
                for (unsigned i = 502; i < 500 + back; i++)
                        push(&s, i, OMP_ARRIVAL_NEXT, 0);
                g_assert_cmpuint(s.expected, ==, 500 + back);
                push(&s, 500, OMP_ARRIVAL_LATE, 0);
                push(&s, 500, OMP_ARRIVAL_DUPLICATE, 0);
                /* It moved nothing. */
                push(&s, 500 + back, OMP_ARRIVAL_NEXT, 0);
        }
}

static void duplicates_ignored(void) {
        OmpSequence s = {};

        push(&s, 100, OMP_ARRIVAL_FIRST, 0);
        push(&s, 100, OMP_ARRIVAL_DUPLICATE, 0);
        for (unsigned i = 101; i < 200; i++)
                push(&s, i, OMP_ARRIVAL_NEXT, 0);
        for (unsigned back = 1; back <= 64; back++)
                push(&s, 200 - back, OMP_ARRIVAL_DUPLICATE, 0);
        push(&s, 200, OMP_ARRIVAL_NEXT, 0);
}

/* What was never counted missing cannot be taken off the count. */
static void before_the_first_is_no_late_one(void) {
        OmpSequence s = {};

        push(&s, 100, OMP_ARRIVAL_FIRST, 0);
        for (unsigned back = 1; back <= 63; back++)
                push(&s, 100 - back, OMP_ARRIVAL_DUPLICATE, 0);
        push(&s, 101, OMP_ARRIVAL_NEXT, 0);
}

/* "below −64 a restart of the stream (gap, no count)" */
static void below_64_is_a_restart(void) {
        for (unsigned back = 65; back <= 32768; back++) {
                OmpSequence s = {};

                push(&s, 39999, OMP_ARRIVAL_FIRST, 0);
                push(&s, 40000 - back, OMP_ARRIVAL_RESTART, 0);
                push(&s, 40000 - back, OMP_ARRIVAL_DUPLICATE, 0);
                push(&s, 40001 - back, OMP_ARRIVAL_NEXT, 0);
        }
}

static void restart_forgets_what_was_missing(void) {
        OmpSequence s = {};

        push(&s, 1000, OMP_ARRIVAL_FIRST, 0);
        push(&s, 1010, OMP_ARRIVAL_GAP, 9);
        push(&s, 0, OMP_ARRIVAL_RESTART, 0);
        push(&s, 65530, OMP_ARRIVAL_DUPLICATE, 0);
        push(&s, 2, OMP_ARRIVAL_GAP, 1);
        push(&s, 1, OMP_ARRIVAL_LATE, 0);
}

static void reset_forgets_everything(void) {
        OmpSequence s = {};

        push(&s, 1000, OMP_ARRIVAL_FIRST, 0);
        push(&s, 1010, OMP_ARRIVAL_GAP, 9);
        omp_sequence_reset(&s);
        push(&s, 1005, OMP_ARRIVAL_FIRST, 0);
        push(&s, 1004, OMP_ARRIVAL_DUPLICATE, 0);
}

/* Sent = received in time + late + still missing, whatever is lost or swapped on the way. */
static void counts_add_up(void) {
        g_autoptr(GRand) rand = g_rand_new_with_seed(20260822);
        OmpSequence s = {};
        unsigned received = 0, late = 0, missing = 0, duplicate = 0, held = 0, sent = 0;
        bool holding = false;

        for (unsigned i = 0; i < 200000; i++) {
                unsigned newly;
                int die = g_rand_int_range(rand, 0, 100);
                OmpArrival arrival;

                sent++;
                if (i > 0 && i < 199900) {
                        if (die < 5)
                                continue; /* lost */
                        if (die < 10 && !holding) {
                                held = i;
                                holding = true;
                                continue;
                        }
                }
                g_assert_cmpint(omp_sequence_push(&s, (uint16_t) i, &newly), <=, OMP_ARRIVAL_GAP);
                received++;
                missing += newly;
                if (die >= 95) {
                        arrival = omp_sequence_push(&s, (uint16_t) i, &newly);
                        g_assert_cmpint(arrival, ==, OMP_ARRIVAL_DUPLICATE);
                        duplicate++;
                }
                if (holding && i - held >= 1 + held % 60) {
                        arrival = omp_sequence_push(&s, (uint16_t) held, &newly);
                        g_assert_cmpint(arrival, ==, OMP_ARRIVAL_LATE);
                        late++;
                        missing--;
                        holding = false;
                }
        }

        g_assert_false(holding);
        g_assert_cmpuint(late, >, 1000);
        g_assert_cmpuint(missing, >, 5000);
        g_assert_cmpuint(duplicate, >, 5000);
        g_assert_cmpuint(received + late + missing, ==, sent);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/sequence/1.1/first-sets-the-number", first_sets_the_number);
        g_test_add_func("/sequence/1.12/wraps", wraps);
        g_test_add_func("/sequence/1.1/every-gap", every_gap);
        g_test_add_func("/sequence/1.1/late-missing-once", late_missing_once);
        g_test_add_func("/sequence/1.1/duplicates-ignored", duplicates_ignored);
        g_test_add_func("/sequence/1.1/before-the-first-is-no-late-one", before_the_first_is_no_late_one);
        g_test_add_func("/sequence/1.1/below-64-is-a-restart", below_64_is_a_restart);
        g_test_add_func("/sequence/1.1/restart-forgets-what-was-missing", restart_forgets_what_was_missing);
        g_test_add_func("/sequence/1.1/reset-forgets-everything", reset_forgets_everything);
        g_test_add_func("/sequence/counts-add-up", counts_add_up);
        return g_test_run();
}
