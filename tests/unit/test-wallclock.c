/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"
#include "link/private.h"
#include "needled/omp-clock.h"
#include "needled/omp-time.h"

/* When a stored session began, by what the device says and what its clock showed when it was looked at. */

#define SEC UINT64_C(1000000)
#define DAY (86400 * SEC)
#define START UINT64_C(1750000000)      /* s */

static DeviceWork work;
static const Device device = { .work = &work };
static uint64_t told;

static void look(uint64_t device_usec, uint64_t realtime_usec) {
        work.look = (ClockLook) { .is_time = device_usec > 0, .device_usec = device_usec, .realtime_usec = realtime_usec };
}

static OmpElapsed at(uint64_t usec) {
        OmpElapsed start;

        g_assert_cmpint(omp_elapsed_from_realtime(usec, OMP_RESOLUTION_1S, OMP_SOURCE_NTP, 0, &start), ==, 0);
        return start;
}

static bool tells(OmpElapsed start) {
        told = 0;
        return wallclock_realtime(&device, &start, &told);
}

static void test_corrected(void) {
        look(0, 0);
        g_assert_true(tells(at(START * SEC)));
        g_assert_cmpuint(told, ==, START * SEC);
        look((START + 1000) * SEC, (START + 1600) * SEC);
        g_assert_true(tells(at(START * SEC)));
        g_assert_cmpuint(told, ==, (START + 600) * SEC);
        work.look.set = true;           /* what began after that began by our clock */
        g_assert_true(tells(at((START + 1500) * SEC)));
        g_assert_cmpuint(told, ==, (START + 1500) * SEC);
        g_assert_true(tells(at(START * SEC)));
        g_assert_cmpuint(told, ==, (START + 600) * SEC);
}

static void test_far_off(void) {
        uint64_t now_usec = clock_usec(CLOCK_REALTIME);

        /* The device's clock is at the end of its time: what began in 2000 by it would have begun before 1970. */
        look((OMP_EPOCH_2000_SEC + OMP_CLOCK_SECONDS_MAX) * SEC, now_usec);
        g_assert_false(tells(at(OMP_EPOCH_2000_SEC * SEC + SEC)));
        look((START + 1000) * SEC, START * SEC); /* and before 2000 */
        g_assert_false(tells(at((OMP_EPOCH_2000_SEC + 999) * SEC)));
        g_assert_true(tells(at((OMP_EPOCH_2000_SEC + 1000) * SEC)));

        look(0, 0);
        g_assert_true(tells(at(now_usec + DAY - 60 * SEC)));
        g_assert_false(tells(at(now_usec + DAY + 600 * SEC)));
        look(START * SEC, now_usec);
        g_assert_false(tells(at((START + 2 * 86400) * SEC)));
}

static void test_ticks(void) {
        OmpElapsed start = { .flags = OMP_ELAPSED_TICKS | OMP_RESOLUTION_100US << OMP_ELAPSED_RESOLUTION_SHIFT, .count = 5000 };

        look(0, 0);
        g_assert_false(tells(start));
        look(0, START * SEC);
        work.look.tick = 4999;          /* it was switched off since */
        g_assert_false(tells(start));
        work.look.tick = 25000;
        g_assert_true(tells(start));
        g_assert_cmpuint(told, ==, (START - 2) * SEC);
        for (unsigned resolution = OMP_RESOLUTION_1S; resolution < OMP_RESOLUTION_100US; resolution++) {
                start.flags = (uint8_t) (OMP_ELAPSED_TICKS | resolution << OMP_ELAPSED_RESOLUTION_SHIFT); /* of no tick that is known */
                g_assert_false(tells(start));
        }
        look(0, 5 * SEC);
        work.look.tick = 1000000;
        start.flags = OMP_ELAPSED_TICKS | OMP_RESOLUTION_100US << OMP_ELAPSED_RESOLUTION_SHIFT;
        g_assert_false(tells(start));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/wallclock/corrected", test_corrected);
        g_test_add_func("/wallclock/far-off", test_far_off);
        g_test_add_func("/wallclock/ticks", test_ticks);
        return g_test_run();
}
