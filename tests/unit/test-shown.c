/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "session/shown.h"

/* With and without what the session knows of strokes. */
static struct needled_stream_live show(const OmpLive *omp, bool strokes, uint8_t area) {
        TrackerLive live = {
                .live = omp, .session_strokes = 7, .stroke_rate = 6950.5, .has_strokes = strokes, .has_rate = strokes
        };
        struct needled_stream_live shown;

        shown_live(&live, area, &shown);
        return shown;
}

static void test_all_that_is_known(void) {
        OmpLive omp = {
                .flags = OMP_LIVE_DEPTH | OMP_LIVE_AREA | OMP_LIVE_CONTACT_YES | OMP_LIVE_OVERPRESSURE | OMP_LIVE_MOTOR |
                         OMP_LIVE_SATURATED | OMP_LIVE_DROPPED,
                .force_mean_mn = -5, .force_peak_mn = 2400, .depth_um = 500, .area = 3,
        };
        struct needled_stream_live shown = show(&omp, true, 0);

        g_assert_cmphex(shown.present, ==, NEEDLED_STREAM_HAS_FORCE | NEEDLED_STREAM_HAS_STROKES | NEEDLED_STREAM_HAS_RATE |
                                           NEEDLED_STREAM_HAS_DEPTH | NEEDLED_STREAM_HAS_CONTACT | NEEDLED_STREAM_HAS_AREA);
        g_assert_cmphex(shown.flags, ==, NEEDLED_STREAM_IN_CONTACT | NEEDLED_STREAM_OVERPRESSURE | NEEDLED_STREAM_MOTOR |
                                         NEEDLED_STREAM_SATURATED | NEEDLED_STREAM_DEVICE_DROPPED);
        g_assert_cmpint(shown.force_mean_mn, ==, -5);
        g_assert_cmpint(shown.force_peak_mn, ==, 2400);
        g_assert_cmpuint(shown.strokes, ==, 7);
        g_assert_cmpfloat(shown.stroke_rate, ==, 6950.5);
        g_assert_cmpuint(shown.depth_um, ==, 500);
        g_assert_cmpuint(shown.area, ==, 3);
}

static void test_what_is_not_known_is_absent(void) {
        OmpLive omp = { .force_mean_mn = 100, .force_peak_mn = OMP_FORCE_UNKNOWN, .depth_um = 500, .area = 3 };
        struct needled_stream_live shown = show(&omp, false, 0);

        g_assert_cmphex(shown.present, ==, 0);
        g_assert_cmpuint(shown.strokes, ==, 0);
        g_assert_cmphex(shown.flags, ==, 0);
        g_assert_cmpint(shown.force_mean_mn, ==, 0);
        g_assert_cmpuint(shown.depth_um, ==, 0);
        g_assert_cmpuint(shown.area, ==, 0);
}

static void test_no_contact_is_known_too(void) {
        OmpLive omp = { .flags = OMP_LIVE_CONTACT_NO };
        struct needled_stream_live shown = show(&omp, false, 0);

        g_assert_true(shown.present & NEEDLED_STREAM_HAS_CONTACT);
        g_assert_false(shown.flags & NEEDLED_STREAM_IN_CONTACT);
}

/* The host's area stands for one that the device does not tell, and for its "unspecified". */
static void test_the_area_of_the_host(void) {
        OmpLive silent = { .force_peak_mn = OMP_FORCE_UNKNOWN }, unspecified = { .flags = OMP_LIVE_AREA, .area = 0 };
        OmpLive nose = { .flags = OMP_LIVE_AREA, .area = 5 };
        struct needled_stream_live shown;

        shown = show(&silent, false, 9);
        g_assert_cmphex(shown.present, ==, NEEDLED_STREAM_HAS_AREA);
        g_assert_cmpuint(shown.area, ==, 9);
        shown = show(&unspecified, false, 9);
        g_assert_cmpuint(shown.area, ==, 9);
        shown = show(&nose, false, 9);
        g_assert_cmpuint(shown.area, ==, 5);
        shown = show(&unspecified, false, 0);
        g_assert_true(shown.present & NEEDLED_STREAM_HAS_AREA);
        g_assert_cmpuint(shown.area, ==, 0);
}

static void test_states_with_and_without_limits(void) {
        g_autoptr(Session) session = session_new(&(SessionIdentity) { .id = 1 }, 1, 1);
        struct needled_stream_state shown;

        shown_state(session, SESSION_PAUSED, STAGE_NUMB, &shown);
        g_assert_cmpuint(shown.state, ==, NEEDLED_STREAM_STATE_PAUSED);
        g_assert_cmpuint(shown.stage, ==, 2);
        g_assert_cmpint(shown.overpressure_mn, ==, 0);

        tally_set_limits(&session->tally, &(NoteLimits) { .overpressure_mn = 3000, .hysteresis_mn = 500, .zone_low_mn = 300,
                                                          .zone_high_mn = 2000 });
        shown_state(session, SESSION_RUNNING, STAGE_NONE, &shown);
        g_assert_cmpint(shown.zone_low_mn, ==, 300);
        g_assert_cmpint(shown.zone_high_mn, ==, 2000);
        g_assert_cmpint(shown.overpressure_mn, ==, 3000);
}

static void test_alerts_raised_and_cleared(void) {
        Alert alert = { .code = ALERT_DEPTH, .level = ALERT_WARNING, .raised_usec = 7, .value = 2100 };
        struct needled_stream_alert shown;

        shown_alert(&alert, &shown);
        g_assert_cmpuint(shown.code, ==, 2);
        g_assert_cmpuint(shown.level, ==, 2);
        g_assert_true(shown.raised);
        g_assert_true(shown.has_value);
        g_assert_cmpint(shown.value, ==, 2100);
        g_assert_cmpuint(shown.raised_usec, ==, 7);

        alert.cleared_usec = 9;
        alert.value = ALERT_VALUE_NONE;
        shown_alert(&alert, &shown);
        g_assert_false(shown.raised);
        g_assert_false(shown.has_value);
        g_assert_cmpint(shown.value, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/shown/all-that-is-known", test_all_that_is_known);
        g_test_add_func("/shown/what-is-not-known-is-absent", test_what_is_not_known_is_absent);
        g_test_add_func("/shown/no-contact-is-known-too", test_no_contact_is_known_too);
        g_test_add_func("/shown/the-area-of-the-host", test_the_area_of_the_host);
        g_test_add_func("/shown/states-with-and-without-limits", test_states_with_and_without_limits);
        g_test_add_func("/shown/alerts-raised-and-cleared", test_alerts_raised_and_cleared);
        return g_test_run();
}
