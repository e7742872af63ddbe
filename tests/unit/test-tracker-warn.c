/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "talk.h"

/* Limits, and what is warned of. */

static void test_limits_are_noted_when_they_change(void) {
        g_autoptr(Talk) talk = talk_with(&pen_limits, 0);
        NoteLimits other = pen_limits;
        unsigned kept;

        use(talk, 11, 0);
        g_assert_cmpint(figure(talk, FIGURE_LIMIT), ==, 900 * (int64_t) SEC);
        g_assert_cmpint(figure(talk, FIGURE_REMAINING), ==, 899 * (int64_t) SEC);
        g_assert_cmpint(figure(talk, FIGURE_ZONE_GOOD), ==, (int64_t) SEC);
        kept = talk->kept->len;
        limits(talk, &pen_limits);
        g_assert_cmpuint(talk->kept->len, ==, kept);
        other.zone_low_mn = 900;
        limits(talk, &other);
        g_assert_cmpuint(talk->kept->len, ==, kept + 1);
        use(talk, 10, 0);
        g_assert_cmpint(figure(talk, FIGURE_ZONE_LOW), ==, (int64_t) SEC);
        stop(talk);

        /* And hold for the next one. */
        lift(talk, 1);
        use(talk, 10, 0);
        g_assert_cmpint(figure(talk, FIGURE_ZONE_LOW), ==, (int64_t) SEC);
}

static void test_time_limit_is_of_time_in_use(void) {
        NoteLimits hold = pen_limits, longer = pen_limits;
        g_autoptr(Talk) talk = NULL;
        uint64_t begun;

        hold.time_limit_sec = 10;
        longer.time_limit_sec = 20;
        talk = talk_with(&hold, 0);
        use(talk, 1, 0);
        begun = talk->now_usec;
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, begun + 10 * SEC);
        use(talk, 50, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        lift(talk, 30);
        g_assert_cmpint(unpause(talk), ==, 0);
        told(talk, "opened running paused running");
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, begun + 40 * SEC);
        use(talk, 49, 0);
        told(talk, "");
        use(talk, 10, 0);
        told(talk, "warning:time-limit:10");
        g_assert_cmpuint(alerts_get(&session(talk)->alerts, 0)->raised_usec, ==, 40 * SEC); /* however late */
        g_assert_cmpint(figure(talk, FIGURE_REMAINING), ==, 0);
        tick(talk);
        g_assert_cmpuint(tracker_deadline(talk->tracker), >, talk->now_usec);
        limits(talk, &longer);
        told(talk, "clear:time-limit");
        use(talk, 100, 0);
        stop(talk);
}

/* What holds already changes nothing: it was reached, and the pause does not undo that. */
static void test_time_limit_told_again_in_a_pause(void) {
        NoteLimits hold = pen_limits, wider = pen_limits;
        g_autoptr(Talk) talk = NULL;

        hold.time_limit_sec = wider.time_limit_sec = 10;
        wider.zone_high_mn++;
        talk = talk_with(&hold, 0);
        use(talk, 110, 0);
        told(talk, "opened running warning:time-limit:10");
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        limits(talk, &wider);
        told(talk, "paused");
        use(talk, 10, 0);
        told(talk, "running");
        stop(talk);
}

/* By the clock alone: the link is away, or nothing comes. */
static void test_time_limit_without_a_value(void) {
        NoteLimits hold = pen_limits;
        g_autoptr(Talk) talk = NULL;

        hold.time_limit_sec = 10;
        talk = talk_with(&hold, 0);
        use(talk, 1, 0);
        talk->now_usec += 10 * SEC;
        tick(talk);
        told(talk, "opened running warning:time-limit:10");
        stop(talk);
}

static void test_overpressure_by_the_limits(void) {
        g_autoptr(Talk) talk = talk_with(&pen_limits, 0);

        press(talk, 5, 1000);
        told(talk, "opened running");
        press(talk, 3, 3100);
        told(talk, "warning:overpressure:3200");
        press(talk, 3, 2600);           /* within the hysteresis */
        press(talk, 20, 2000);
        told(talk, "");
        press(talk, 1, 2000);           /* for 2 s */
        told(talk, "clear:overpressure");
        press(talk, 1, 3100);           /* less than 30 s after the first */
        told(talk, "");
        press(talk, 300, 3100);
        told(talk, "warning:overpressure:3200");
        press(talk, 1, 4700);           /* 1.6 times the limit */
        told(talk, "alarm:overpressure:4800");
        stop(talk);
}

static void event_with(Talk *talk, uint8_t code, bool asserted, int32_t value) {
        uint8_t buf[16];
        OmpEvent e = { .code = code, .asserted = asserted, .sequence = talk->event_sequence++, .value = value,
                       .tick = (uint32_t) (talk->now_usec / OMP_TICK_USEC) };
        int n = omp_event_encode(&e, buf, sizeof(buf));

        raw(talk, OMP_CHAR_EVENT, FRAME_FROM_DEVICE, buf, (size_t) n);
}

static void test_overpressure_by_an_event(void) {
        g_autoptr(Talk) talk = talk_with(&pen_limits, 0);

        feature(talk, OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE, 12);
        use(talk, 5, 0);
        event_with(talk, OMP_EVENT_OVERPRESSURE, true, 5210);
        told(talk, "opened running event:01 alarm:overpressure:5210");
        event_with(talk, OMP_EVENT_OVERPRESSURE, false, 2400);
        use(talk, 21, 0);
        told(talk, "event:01 clear:overpressure");
        g_assert_cmpint(figure(talk, FIGURE_OVER_COUNT), ==, 0); /* no value that would have shown it is missing */
        event_with(talk, OMP_EVENT_OVERPRESSURE, true, 5210);
        talk->now_usec += SEC / 10;
        talk->live_sequence += 2;
        use(talk, 1, 0);
        g_assert_cmpint(figure(talk, FIGURE_OVER_COUNT), ==, 0); /* its tick was that of the last value */
        stop(talk);
}

static void test_an_event_where_the_flag_was_lost(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        feature(talk, OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE, 12);
        use(talk, 5, 0);
        talk->now_usec += SEC / 10;
        event_with(talk, OMP_EVENT_OVERPRESSURE, true, 5210);
        talk->live_sequence += 2;
        talk->now_usec += SEC / 10;
        use(talk, 1, 0);
        g_assert_cmpint(figure(talk, FIGURE_OVER_COUNT), ==, 1);
        stop(talk);
}

static void live_at_depth(Talk *talk, uint16_t depth_um) {
        uint8_t buf[64];
        OmpLive l = { .flags = MOTOR | CONTACT | OMP_LIVE_DEPTH, .force_mean_mn = 800, .force_peak_mn = 1200, .depth_um = depth_um };
        int n;

        talk->now_usec += SEC / 10;
        l.sequence = talk->live_sequence++;
        l.tick = (uint32_t) (talk->now_usec / OMP_TICK_USEC);
        l.strokes = talk->strokes += 10;
        n = omp_live_encode(&l, buf, sizeof(buf));
        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) n);
}

static void test_depth(void) {
        NoteLimits hold = pen_limits;
        g_autoptr(Talk) talk = NULL;
        uint8_t buf[32];
        OmpFeature f = { .major = OMP_MAJOR, .bits = OMP_FEATURE_DEPTH, .kind = OMP_KIND_PEN, .max_depth_um = 2000 };
        int n = omp_feature_encode(&f, buf, sizeof(buf));

        hold.depth_max_um = 1000;
        talk = talk_with(NULL, 0);
        live_at_depth(talk, 9000);      /* nobody knows how deep is too deep */
        raw(talk, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, buf, (size_t) n);
        live_at_depth(talk, 2000);
        told(talk, "opened running");
        live_at_depth(talk, 2001);
        live_at_depth(talk, 2001);
        told(talk, "warning:depth:2001");
        live_at_depth(talk, 1500);
        told(talk, "clear:depth");
        talk->now_usec += 61 * SEC;
        limits(talk, &hold);
        live_at_depth(talk, 1500);
        told(talk, "warning:depth:1500");
        live_at_depth(talk, 1000);
        told(talk, "clear:depth");
        stop(talk);
}

/* Within its interval it is not told; it is when that is over, without a change. */
static void test_depth_that_stays(void) {
        NoteLimits hold = pen_limits;
        g_autoptr(Talk) talk = NULL;

        hold.depth_max_um = 1000;
        talk = talk_with(&hold, 0);
        live_at_depth(talk, 1500);
        live_at_depth(talk, 900);
        live_at_depth(talk, 1500);
        told(talk, "opened warning:depth:1500 running clear:depth");
        talk->now_usec += 61 * SEC;
        live_at_depth(talk, 1500);
        told(talk, "warning:depth:1500");
        stop(talk);
}

static void test_depth_of_an_area(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        live_at_depth(talk, 600);
        told(talk, "opened running");   /* nobody said where it is */
        g_assert_cmpint(set_area(talk, "forehead"), ==, 0);
        live_at_depth(talk, 600);
        told(talk, "area:forehead");
        g_assert_cmpint(set_area(talk, "nose"), ==, 0);
        live_at_depth(talk, 600);
        told(talk, "area:nose warning:depth:600");
        g_assert_cmpint(set_area(talk, "abdomen"), ==, 0); /* no chart was found for it */
        live_at_depth(talk, 600);
        told(talk, "area:abdomen clear:depth");
        stop(talk);
}

static void status_with(Talk *talk, uint8_t flags, uint16_t uses) {
        uint8_t buf[32];
        OmpStatus s = { .state = OMP_STATE_RUNNING, .flags = flags, .cartridge_uses = uses };
        int n = omp_status_encode(&s, buf, sizeof(buf));

        raw(talk, OMP_CHAR_STATUS, FRAME_FROM_DEVICE, buf, (size_t) n);
}

static void test_heads(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 1, 0);
        status_with(talk, 0, OMP_U16_UNKNOWN);
        status_with(talk, 0, 1);
        told(talk, "opened running");
        status_with(talk, 0, 2);
        told(talk, "warning:head-reused:2");
        event_with(talk, OMP_EVENT_CARTRIDGE_WORN, true, 30);
        told(talk, "event:22 warning:head-worn:30000");
        event_with(talk, OMP_EVENT_CARTRIDGE_OUT, true, 0);
        told(talk, "event:21 clear:head-worn clear:head-reused");
        talk->now_usec += 61 * SEC;
        event_with(talk, OMP_EVENT_CARTRIDGE_REUSED, true, 3);
        told(talk, "event:23 warning:head-reused:3");
        event_with(talk, OMP_EVENT_CARTRIDGE_REUSED, false, 3);
        told(talk, "event:23 clear:head-reused");
        event_with(talk, OMP_EVENT_CARTRIDGE_WORN, true, INT32_MAX); /* no such head */
        told(talk, "event:22 warning:head-worn:2147483647");
        event_with(talk, OMP_EVENT_CARTRIDGE_IN, true, 5);
        told(talk, "event:20 clear:head-worn");
        stop(talk);
}

static void test_battery_and_clock(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 1, 0);
        event_with(talk, OMP_EVENT_BATTERY_LOW, true, 18);
        told(talk, "opened running event:30 notice:battery-low:18");
        event_with(talk, OMP_EVENT_BATTERY_CRITICAL, true, 4);
        told(talk, "event:31 warning:battery-low:4");
        event_with(talk, OMP_EVENT_BATTERY_LOW, false, 90);
        told(talk, "event:30 clear:battery-low");

        status_with(talk, 0, OMP_U16_UNKNOWN); /* it has no clock that could be set */
        told(talk, "");
        feature(talk, OMP_FEATURE_STROKES | OMP_FEATURE_CLOCK, 12);
        status_with(talk, 0, OMP_U16_UNKNOWN);
        told(talk, "notice:clock-unset");
        status_with(talk, OMP_STATUS_CLOCK_SET, OMP_U16_UNKNOWN);
        told(talk, "clear:clock-unset");
        talk->now_usec += 61 * SEC;
        event_with(talk, OMP_EVENT_CLOCK_LOST, true, 0);
        told(talk, "event:60 notice:clock-unset");
        stop(talk);
}

/* Who looks late, when the session is over already, is told all that was due before. */
static void test_a_late_tick(void) {
        g_autoptr(Talk) talk = talk_with(&pen_limits, 0);

        press(talk, 1, 3500);
        press(talk, 1, 100);
        told(talk, "opened warning:overpressure:3600 running");
        talk->now_usec += 300 * SEC;
        tick(talk);
        told(talk, "clear:overpressure ended:idle");
}

/* The device has a limit of its own: it says that it was reached, whatever holds here. */
static void test_time_limit_of_the_device(void) {
        NoteLimits hold = pen_limits;
        g_autoptr(Talk) talk = NULL;

        hold.time_limit_sec = 100;
        talk = talk_with(&hold, 0);
        use(talk, 1, 0);
        event_with(talk, OMP_EVENT_TIME_LIMIT, true, 600);
        told(talk, "opened running event:12 warning:time-limit:600");
        event_with(talk, OMP_EVENT_TIME_LIMIT, false, 0);
        told(talk, "event:12 clear:time-limit");

        /* What is reached here stands, whatever the device says. */
        use(talk, 1001, 0);
        told(talk, "warning:time-limit:100");
        event_with(talk, OMP_EVENT_TIME_LIMIT, false, 0);
        told(talk, "event:12");
        stop(talk);
}

static void test_old_events_warn_of_nothing(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 1, 0);
        event(talk, OMP_EVENT_BATTERY_CRITICAL, true);
        event(talk, OMP_EVENT_OVERPRESSURE, true);
        told(talk, "opened running event:31 event:01");
        stop(talk);
}

static void test_samples_lost(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 3, 0);
        talk->live_sequence += 5;
        use(talk, 101, 0);              /* the first is too old by now */
        talk->live_sequence += 9;
        use(talk, 10, 0);
        told(talk, "opened running gap:1:5");
        talk->live_sequence += 1;
        use(talk, 1, 0);
        told(talk, "gap:1:9 notice:samples-lost:10");
        use(talk, 99, 0);
        told(talk, "gap:1:1");
        use(talk, 1, 0);
        told(talk, "clear:samples-lost");
        stop(talk);
}

static void test_alerts_from_outside(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);
        unsigned kept;

        g_assert_cmpint(alert(talk, ALERT_REST_NOT_OVER, ALERT_WARNING, 3600), ==, -ENOENT);
        use(talk, 1, 0);
        g_assert_cmpint(alert(talk, ALERT_REST_NOT_OVER, ALERT_WARNING, 3600), ==, 0);
        g_assert_cmpint(alert(talk, ALERT_BATTERY_LOW, ALERT_NOTICE, 20), ==, 0);
        g_assert_cmpint(alert(talk, ALERT_BATTERY_LOW, 0, 0), ==, 0);
        told(talk, "opened running warning:rest-not-over:3600 notice:battery-low:20 clear:battery-low");
        kept = talk->kept->len;
        g_assert_cmpint(alert(talk, ALERT_BATTERY_LOW, 0, 0), ==, -EALREADY);
        g_assert_cmpuint(talk->kept->len, ==, kept);
        stop(talk);
}

/* From inside `opened`, as the hub may: it is of the session's time 0, before all that came. */
static void on_opened(Tracker *tracker, Session *s, void *userdata) {
        Talk *talk = userdata;

        talk->kept_from = talk->kept->len;
        g_assert_cmpint(alert(talk, ALERT_REST_NOT_OVER, ALERT_WARNING, 60), ==, 0);
}

static void test_an_alert_at_the_opening(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);
        TrackerObserver observer = talk_observer;
        const Frame *first;

        observer.opened = on_opened;
        tracker_free(talk->tracker);
        talk->tracker = tracker_new(&talk_settings, &observer, talk);
        lift(talk, 5);
        use(talk, 1, 0);
        told(talk, "warning:rest-not-over:60 running");
        first = talk->kept->pdata[0];
        g_assert_cmpint(first->direction, ==, FRAME_OF_HOST);
        g_assert_cmpuint(first->boottime_usec, ==, session(talk)->start_boottime_usec);
        stop(talk);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker-warn/limits-are-noted-when-they-change", test_limits_are_noted_when_they_change);
        g_test_add_func("/tracker-warn/time-limit-is-of-time-in-use", test_time_limit_is_of_time_in_use);
        g_test_add_func("/tracker-warn/time-limit-without-a-value", test_time_limit_without_a_value);
        g_test_add_func("/tracker-warn/a-late-tick", test_a_late_tick);
        g_test_add_func("/tracker-warn/time-limit-of-the-device", test_time_limit_of_the_device);
        g_test_add_func("/tracker-warn/overpressure-by-the-limits", test_overpressure_by_the_limits);
        g_test_add_func("/tracker-warn/overpressure-by-an-event", test_overpressure_by_an_event);
        g_test_add_func("/tracker-warn/an-event-where-the-flag-was-lost", test_an_event_where_the_flag_was_lost);
        g_test_add_func("/tracker-warn/depth", test_depth);
        g_test_add_func("/tracker-warn/depth-of-an-area", test_depth_of_an_area);
        g_test_add_func("/tracker-warn/heads", test_heads);
        g_test_add_func("/tracker-warn/battery-and-clock", test_battery_and_clock);
        g_test_add_func("/tracker-warn/old-events-warn-of-nothing", test_old_events_warn_of_nothing);
        g_test_add_func("/tracker-warn/samples-lost", test_samples_lost);
        g_test_add_func("/tracker-warn/alerts-from-outside", test_alerts_from_outside);
        g_test_add_func("/tracker-warn/an-alert-at-the-opening", test_an_alert_at_the_opening);
        g_test_add_func("/tracker-warn/time-limit-told-again-in-a-pause", test_time_limit_told_again_in_a_pause);
        g_test_add_func("/tracker-warn/depth-that-stays", test_depth_that_stays);
        return g_test_run();
}
