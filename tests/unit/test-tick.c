/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "needled/omp-time.h"
#include "needled/omp.h"

#define SEC UINT64_C(1000000) /* µs */
#define DAY (86400 * SEC)
#define TICKS(usec) ((usec) / OMP_TICK_USEC)
#define WRAP (UINT64_C(1) << 32)
#define T0 (1000 * SEC) /* the host's clock when the first tick came */

static void extends(OmpTick *t, uint32_t tick, uint64_t now, uint64_t expected) {
        uint64_t extended = 4711;

        g_assert_false(omp_tick_extend(t, tick, now, &extended));
        g_assert_cmpuint(extended, ==, expected);
}

static void reboots(OmpTick *t, uint32_t tick, uint64_t now) {
        uint64_t extended = 4711;

        g_assert_true(omp_tick_extend(t, tick, now, &extended));
        g_assert_cmpuint(extended, ==, tick);
        g_assert_cmpuint(t->tick, ==, tick);
        g_assert_cmpuint(t->boottime_usec, ==, now);
}

static void first_is_itself(void) {
        static const uint32_t firsts[] = { 0, 12345678, UINT32_MAX };

        for (size_t i = 0; i < G_N_ELEMENTS(firsts); i++) {
                OmpTick t = {};

                extends(&t, firsts[i], T0, firsts[i]);
                extends(&t, firsts[i], T0, firsts[i]);
        }
}

static void runs(void) {
        OmpTick t = {};

        extends(&t, 12345678, T0, 12345678);
        extends(&t, 12346678, T0 + SEC / 10, 12346678);
        extends(&t, 12347678, T0 + SEC / 5 + 3000, 12347678);
        g_assert_cmpuint(t.tick, ==, 12347678);
        g_assert_cmpuint(t.boottime_usec, ==, T0 + SEC / 5 + 3000);
}

/* "wraps after 4.97 days" */
static void wraps(void) {
        OmpTick t = {};

        extends(&t, 0xfffffff0, T0, 0xfffffff0);
        extends(&t, 0x000003d8, T0 + SEC / 10, WRAP + 0x3d8);
        extends(&t, 0x000007c0, T0 + SEC / 5, WRAP + 0x7c0);
}

/* At 10 Hz with a connection all the time it wraps as often as it likes. */
static void wraps_again_and_again(void) {
        OmpTick t = {};
        uint64_t step = 3600 * SEC;

        extends(&t, 0, T0, 0);
        for (uint64_t i = 1; i < 24 * 30; i++)
                extends(&t, (uint32_t) TICKS(i * step), T0 + i * step, TICKS(i * step));
        g_assert_cmpuint(t.tick >> 32, ==, 6);
}

static void away_for_days_over_a_wrap(void) {
        OmpTick t = {};
        uint64_t away = 3 * DAY + 12345 * SEC;

        extends(&t, 0xc0000000, T0, 0xc0000000);
        extends(&t, (uint32_t) (0xc0000000 + TICKS(away)), T0 + away, 0xc0000000 + TICKS(away));
        g_assert_cmpuint(t.tick, >, WRAP);
}

/* "off by more than 2 s + 100 ppm of the time away" */
static void reboot_at_the_very_limit(void) {
        static const uint64_t aways[] = { 0, SEC / 10, 10 * SEC, 3600 * SEC, DAY, 4 * DAY };
        static const uint32_t first = 0x80000000;

        for (size_t i = 0; i < G_N_ELEMENTS(aways); i++) {
                uint64_t now = T0 + aways[i], at = first + TICKS(aways[i]);
                uint64_t slack = TICKS(2 * SEC + aways[i] / 10000);

                for (int side = -1; side <= 1; side += 2) {
                        OmpTick t = {};
                        uint64_t limit = side < 0 ? at - slack : at + slack;

                        extends(&t, first, T0, first);
                        extends(&t, (uint32_t) limit, now, limit);

                        t = (OmpTick) {};
                        extends(&t, first, T0, first);
                        reboots(&t, (uint32_t) (limit + (uint64_t) side), now);
                }
        }
}

static void reboot_starts_from_0(void) {
        OmpTick t = {};

        extends(&t, 0xfffffff0, T0, 0xfffffff0);
        extends(&t, 0x3d8, T0 + SEC / 10, WRAP + 0x3d8);
        reboots(&t, 30000, T0 + 60 * SEC);
        extends(&t, 31000, T0 + 60 * SEC + SEC / 10, 31000);
}

/* "Away longer than 4 days: always a new epoch", even where the tick is just as predicted. */
static void away_longer_than_4_days(void) {
        OmpTick t = {};

        extends(&t, 1000, T0, 1000);
        extends(&t, (uint32_t) (1000 + TICKS(4 * DAY)), T0 + 4 * DAY, 1000 + TICKS(4 * DAY));

        t = (OmpTick) {};
        extends(&t, 1000, T0, 1000);
        reboots(&t, (uint32_t) (1000 + TICKS(4 * DAY + 100)), T0 + 4 * DAY + 100);

        t = (OmpTick) {};
        extends(&t, 1000, T0, 1000);
        /* A whole wrap looks like no time at all. */
        reboots(&t, (uint32_t) (1000 + WRAP), T0 + WRAP * OMP_TICK_USEC);
}

static void late_moves_nothing(void) {
        OmpTick t = {};

        extends(&t, 50000, T0, 50000);
        extends(&t, 51000, T0 + SEC / 10, 51000);
        extends(&t, 50500, T0 + SEC / 5, 50500);
        g_assert_cmpuint(t.tick, ==, 51000);
        g_assert_cmpuint(t.boottime_usec, ==, T0 + SEC / 10);
        extends(&t, 52000, T0 + SEC / 5, 52000);
}

static void late_over_a_wrap(void) {
        OmpTick t = {};

        extends(&t, 0xffffff00, T0, 0xffffff00);
        extends(&t, 0x00000100, T0 + 51200, WRAP + 0x100);
        extends(&t, 0xffffff80, T0 + 51300, 0xffffff80);
        extends(&t, 0x00000180, T0 + 64000, WRAP + 0x180);
}

/* The epoch has no time before its beginning, although the counter had one. */
static void late_from_before_the_epoch(void) {
        OmpTick t = {};

        extends(&t, 5, T0, 5);
        extends(&t, 0xfffffff0, T0 + 100, 0);
        g_assert_cmpuint(t.tick, ==, 5);
        extends(&t, 1005, T0 + SEC / 10, 1005);
}

/* A device whose clock stands still is not taken for one that runs: the repeated tick must not carry the
 * reference along. */
static void standing_still_is_found(void) {
        OmpTick t = {};

        extends(&t, 1000, T0, 1000);
        for (uint64_t i = 1; i <= 20; i++)
                extends(&t, 1000, T0 + i * SEC / 10, 1000);
        reboots(&t, 1000, T0 + 2 * SEC + SEC / 10);
}

/* Two readers stamp their packets a little out of order. */
static void stamped_before_the_newest(void) {
        OmpTick t = {};

        extends(&t, 1000, T0, 1000);
        extends(&t, 1010, T0 - 500, 1010);
        extends(&t, 2000, T0 + SEC / 10, 2000);
}

/* 100 ppm are 0.36 s an hour: while packets come the difference never adds up. */
static void drift_does_not_add_up(void) {
        OmpTick t = {};

        extends(&t, 0, T0, 0);
        for (uint64_t i = 1; i <= 7 * 24 * 60; i++) {
                uint64_t usec = i * 60 * SEC, device = usec + usec / 10000;

                extends(&t, (uint32_t) TICKS(device), T0 + usec, TICKS(device));
        }
}

/* A host that was stopped for 5 s finds the packets of that time in the socket: ticks run on, however late they are read. */
static void held_up_is_no_reboot(void) {
        OmpTick t = {}, judged = {};
        uint64_t tick;

        g_assert_cmpuint(omp_tick_continue(&t, 1000, T0), ==, 1000);
        for (uint32_t i = 1; i <= 50; i++)
                g_assert_cmpuint(omp_tick_continue(&t, 1000 + i * 1000, T0 + 5 * SEC + i), ==, 1000 + i * 1000);

        /* which the rule for connections apart would take for one */
        g_assert_false(omp_tick_extend(&judged, 1000, T0, &tick));
        g_assert_true(omp_tick_extend(&judged, 2000, T0 + 5 * SEC, &tick));
}

static void continued_over_a_wrap_and_late(void) {
        OmpTick t = {};

        g_assert_cmpuint(omp_tick_continue(&t, UINT32_MAX - 9, T0), ==, UINT32_MAX - 9);
        g_assert_cmpuint(omp_tick_continue(&t, 10, T0 + 2000), ==, UINT64_C(0x100000000) + 10);
        g_assert_cmpuint(omp_tick_continue(&t, UINT32_MAX, T0 + 3000), ==, UINT32_MAX);
        g_assert_cmpuint(t.tick, ==, UINT64_C(0x100000000) + 10);
        g_assert_cmpuint(t.boottime_usec, ==, T0 + 2000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tick/first-is-itself", first_is_itself);
        g_test_add_func("/tick/runs", runs);
        g_test_add_func("/tick/1.12/wraps", wraps);
        g_test_add_func("/tick/1.1/wraps-again-and-again", wraps_again_and_again);
        g_test_add_func("/tick/1.1/away-for-days-over-a-wrap", away_for_days_over_a_wrap);
        g_test_add_func("/tick/1.1/reboot-at-the-very-limit", reboot_at_the_very_limit);
        g_test_add_func("/tick/1.1/reboot-starts-from-0", reboot_starts_from_0);
        g_test_add_func("/tick/1.1/away-longer-than-4-days", away_longer_than_4_days);
        g_test_add_func("/tick/1.1/late-moves-nothing", late_moves_nothing);
        g_test_add_func("/tick/1.1/late-over-a-wrap", late_over_a_wrap);
        g_test_add_func("/tick/late-from-before-the-epoch", late_from_before_the_epoch);
        g_test_add_func("/tick/standing-still-is-found", standing_still_is_found);
        g_test_add_func("/tick/stamped-before-the-newest", stamped_before_the_newest);
        g_test_add_func("/tick/1.1/drift-does-not-add-up", drift_does_not_add_up);
        g_test_add_func("/tick/held-up-is-no-reboot", held_up_is_no_reboot);
        g_test_add_func("/tick/continued-over-a-wrap-and-late", continued_over_a_wrap_and_late);
        return g_test_run();
}
