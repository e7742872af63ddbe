/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "talk.h"
#include "vendor-text.h"

/* Sessions of devices that are followed by a vendor profile. As in all conversations of talk.c, each that ends is replayed from its kept
 * frames and must come to the same figures. */

#define BRUSH                                                                                           \
        VENDOR_HEAD VENDOR_CHAR("state", "0")                                                           \
        VENDOR_FIELD("state", "state", "0", "u8", "session-state") "Enum=2:idle;3:running\n"            \
        VENDOR_CHAR("time", "1") VENDOR_FIELD("time", "time", "0", "u16", "session-time") "Unit=s\n"

#define SCALE                                                                                           \
        VENDOR_HEAD VENDOR_CHAR("data", "0") VENDOR_FIELD("force", "data", "0", "u16", "force") "Unit=mN\n"

#define PEN_CONTACT 1u
#define PEN_MOTOR 2u
#define PEN_OVER 4u

static void say(Talk *talk, uint8_t channel, const char *hex) {
        uint8_t octets[64];
        size_t n = octets_from_hex(hex, octets, sizeof(octets));

        raw(talk, channel, FRAME_FROM_DEVICE, octets, n);
}

/* A packet of the pen's data, 100 ms after the last, `grown` strokes later. */
static void pen(Talk *talk, unsigned flags, unsigned force_mn, unsigned grown) {
        uint8_t octets[8] = { (uint8_t) talk->live_sequence++, (uint8_t) flags, (uint8_t) force_mn, (uint8_t) (force_mn >> 8) };

        talk->now_usec += SEC / 10;
        talk->strokes += grown;
        octets[6] = (uint8_t) talk->strokes;
        octets[7] = (uint8_t) (talk->strokes >> 8);
        raw(talk, 0, FRAME_FROM_DEVICE, octets, sizeof(octets));
}

static void needle(Talk *talk, unsigned intervals) {
        for (unsigned i = 0; i < intervals; i++)
                pen(talk, PEN_CONTACT | PEN_MOTOR, 1000, 12);
}

static void finish(Talk *talk) {
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET + talk->now_usec), ==, 0);
}

static void expect_figure(const Talk *talk, Figure figure, int64_t value) {
        g_test_message("%s", figure_info[figure].name);
        g_assert_true(figures_has(&talk->figures, figure));
        g_assert_cmpint(talk->figures.value[figure].i, ==, value);
}

/* Of these figures none is there. */
static void expect_absent(const Talk *talk, const Figure *figures, unsigned n) {
        for (unsigned i = 0; i < n; i++) {
                g_test_message("%s", figure_info[figures[i]].name);
                g_assert_false(figures_has(&talk->figures, figures[i]));
        }
}

static void test_a_pen_is_used(void) {
        static const Figure absent[] = { FIGURE_PASSES, FIGURE_DISTANCE, FIGURE_DEPTH, FIGURE_DEPTH_MAX, FIGURE_LOST_WAVEFORM,
                                         FIGURE_LOST_EVENT, FIGURE_LATE_EVENT };
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        pen(talk, 0, 0, 0);
        pen(talk, PEN_MOTOR, 0, 12);    /* in the air */
        told(talk, "");
        needle(talk, 20);
        told(talk, "opened running");
        pen(talk, PEN_MOTOR, 0, 12);
        finish(talk);
        told(talk, "ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);

        expect_figure(talk, FIGURE_LEAD_IN, 200000);
        expect_figure(talk, FIGURE_DURATION, 20 * 100000);
        expect_figure(talk, FIGURE_STROKES, 22 * 12);
        expect_figure(talk, FIGURE_PUNCTURES, 20 * 12 * 16);
        expect_figure(talk, FIGURE_CONTACT_TIME, 20 * 100000);
        expect_figure(talk, FIGURE_FORCE_MEAN, 1000);
        expect_figure(talk, FIGURE_FORCE_PEAK, 1000);
        expect_figure(talk, FIGURE_OVER_COUNT, 0);
        expect_figure(talk, FIGURE_LOST_LIVE, 0);
        expect_absent(talk, absent, G_N_ELEMENTS(absent));
}

static void test_a_scale_has_force_and_contact_alone(void) {
        static const Figure absent[] = { FIGURE_STROKES, FIGURE_STROKE_RATE, FIGURE_PUNCTURES, FIGURE_PASSES, FIGURE_OVER_COUNT,
                                         FIGURE_OVER_TIME, FIGURE_LOST_LIVE, FIGURE_LATE_LIVE, FIGURE_DEPTH };
        g_autoptr(ProfileFile) file = vendor_text(SCALE);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 0, "0000");
        for (int i = 0; i < 10; i++) {
                talk->now_usec += SEC / 10;
                say(talk, 0, "e803");
        }
        talk->now_usec += SEC / 10;
        say(talk, 0, "0000");
        finish(talk);
        told(talk, "opened running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_CONTACT_TIME, 10 * 100000);
        expect_figure(talk, FIGURE_FORCE_MEAN, 1000);
        expect_figure(talk, FIGURE_GAPS, 0);
        expect_absent(talk, absent, G_N_ELEMENTS(absent));
}

/* Nothing counts its strokes: what is shown has no rate either, however long there was none. */
static void take_live_value(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata) {
        unsigned *shown = userdata;
        TrackerLive known;

        tracker_live(session, live, &known);
        g_assert_false(known.has_strokes);
        g_assert_false(known.has_rate);
        (*shown)++;
}

static void scale(Talk *talk, unsigned n, unsigned force_mn) {
        uint8_t octets[2] = { (uint8_t) force_mn, (uint8_t) (force_mn >> 8) };

        for (unsigned i = 0; i < n; i++) {
                talk->now_usec += SEC / 10;
                raw(talk, 0, FRAME_FROM_DEVICE, octets, sizeof(octets));
        }
}

/* Where contact begins and ends is configured: before a session, and anew in it. The record says so, and gives the same again. */
static void test_a_scale_is_in_contact_by_the_limits(void) {
        g_autoptr(ProfileFile) file = vendor_text(SCALE);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);
        NoteLimits hold = pen_limits;

        hold.contact_on_mn = 600;
        hold.contact_off_mn = 400;
        limits(talk, &hold);
        link_frame(talk, FRAME_LINK_UP);
        scale(talk, 10, 599);
        told(talk, "");
        scale(talk, 10, 600);
        scale(talk, 10, 400);
        told(talk, "opened running");
        scale(talk, 10, 399);
        hold.contact_on_mn = 300;
        hold.contact_off_mn = 300;
        limits(talk, &hold);
        scale(talk, 10, 300);
        hold.contact_on_mn = 0;         /* as it is where nothing is configured */
        limits(talk, &hold);
        scale(talk, 10, 200);
        scale(talk, 10, 99);
        finish(talk);
        told(talk, "ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_CONTACT_TIME, 40 * 100000);
}

/* Taken up again under another configuration: its record has no limits, so what holds is what held. */
static void test_a_scale_goes_on_by_its_record(void) {
        g_autoptr(ProfileFile) file = vendor_text(SCALE);
        g_autoptr(Talk) before = talk_new_vendor(&file->vendor), after = talk_new_vendor(&file->vendor);
        g_autofree Frame *frames = NULL;
        TrackerSettings other = talk_settings;
        const Session *s;
        Figures then, now;

        link_frame(before, FRAME_LINK_UP);
        scale(before, 10, 300);
        s = tracker_session(before->tracker);
        session_figures(s, before->now_usec, &then);
        g_assert_cmpint(then.value[FIGURE_CONTACT_TIME].i, ==, 9 * 100000);

        frames = g_new(Frame, before->kept->len);
        for (unsigned i = 0; i < before->kept->len; i++)
                frames[i] = *(const Frame *) before->kept->pdata[i];
        other.limits.contact_on_mn = other.limits.contact_off_mn = 600;
        tracker_set_settings(after->tracker, &other);
        after->partial = true;
        g_assert_cmpint(tracker_resume(after->tracker, &(SessionIdentity) { .id = 1 }, s->start_boottime_usec, s->start_realtime_usec,
                                       frames, before->kept->len, true, before->now_usec, REALTIME_OFFSET), ==, 0);
        session_figures(tracker_session(after->tracker), before->now_usec, &now);
        g_assert_cmpmem(&then, sizeof(then), &now, sizeof(now));
}

static void test_a_scale_shows_no_rate(void) {
        g_autoptr(ProfileFile) file = vendor_text(SCALE);
        unsigned shown = 0;
        g_autoptr(Tracker) tracker = tracker_new(&(TrackerSettings) { .auto_start = true }, &(TrackerObserver) { .live = take_live_value },
                                                 &shown);

        g_assert_cmpint(tracker_set_vendor(tracker, &file->vendor), ==, 0);
        for (unsigned i = 1; i <= 30; i++) {
                static const uint8_t octets[] = { 0xe8, 0x03 };

                tracker_frame(tracker, &(Frame) { .boottime_usec = i * SEC / 10, .size = sizeof(octets), .data = octets });
        }
        g_assert_cmpuint(shown, ==, 30);
}

static void test_a_brush_has_a_session_alone(void) {
        static const Figure absent[] = { FIGURE_STROKES, FIGURE_CONTACT_TIME, FIGURE_FORCE, FIGURE_FORCE_PEAK, FIGURE_OVER_COUNT,
                                         FIGURE_LOST_LIVE, FIGURE_STROKE_RATE };
        g_autoptr(ProfileFile) file = vendor_text(BRUSH);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 0, "02");
        told(talk, "");
        talk->now_usec += SEC;
        say(talk, 0, "03");
        told(talk, "opened running");
        for (int i = 0; i < 150; i++) { /* longer than idleness: the time that it shows goes on */
                talk->now_usec += SEC;
                say(talk, 1, "0100");
                tick(talk);
        }
        told(talk, "");
        say(talk, 0, "02");
        told(talk, "ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_DURATION, 150 * (int64_t) SEC);
        expect_absent(talk, absent, G_N_ELEMENTS(absent));
}

/* A profile may know what this device never says. */
static void test_what_was_not_told_is_absent(void) {
        static const Figure absent[] = { FIGURE_STROKES, FIGURE_PUNCTURES, FIGURE_CONTACT_TIME, FIGURE_OVER_COUNT, FIGURE_FORCE,
                                         FIGURE_LOST_LIVE };
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 1, "02");
        say(talk, 2, "f401 581b 9c01 05 0200 02");
        say(talk, 1, "00");
        told(talk, "opened running area:cheek-left ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_DEPTH, 500);
        g_assert_cmpfloat(talk->figures.value[FIGURE_STROKE_RATE].d, ==, 7000);
        expect_absent(talk, absent, G_N_ELEMENTS(absent));
}

/* The depth was told once, a minute before: it holds, and its frame has the time of the beginning. */
static void test_what_was_told_before_is_kept(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);
        const Frame *first;

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 2, "e803 581b 9c01 05 0200 02");
        say(talk, 2, "f401 581b 9c01 05 0200 02");
        talk->now_usec += 60 * SEC;
        pen(talk, 0, 0, 0);
        needle(talk, 5);
        first = talk->kept->pdata[0];
        g_assert_cmpint(first->channel, ==, 2);
        g_assert_cmpuint(first->boottime_usec, ==, tracker_session(talk->tracker)->start_boottime_usec);
        say(talk, 2, "f401 581b 9c01 05 0200 02"); /* the next session begins with it too, and takes no time of the last one */
        finish(talk);
        pen(talk, 0, 0, 0);
        needle(talk, 5);
        finish(talk);
        told(talk, "opened area:cheek-left running ended:user opened area:cheek-left running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 2);
        g_assert_cmpint(((const Frame *) talk->kept->pdata[talk->kept_from])->channel, ==, 2);
        expect_figure(talk, FIGURE_LEAD_IN, 100000);
        expect_figure(talk, FIGURE_DEPTH_MAX, 500);
        expect_figure(talk, FIGURE_STROKES, 5 * 12);
}

static void test_by_hand_it_begins_with_what_holds(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 2, "f401 581b 9c01 05 0200 02");
        talk->now_usec += SEC / 2;
        g_assert_cmpint(tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec,
                                      REALTIME_OFFSET + talk->now_usec), ==, 0);
        g_assert_cmpuint(talk->kept->len, ==, 1);
        finish(talk);
        told(talk, "opened area:cheek-left ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_DEPTH, 500);
        expect_figure(talk, FIGURE_LEAD_IN, 0);
}

/* Too hard already when it is begun by hand, and nothing new is said for a while. */
static void test_by_hand_it_begins_over(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        pen(talk, PEN_CONTACT | PEN_OVER, 4000, 0);
        talk->now_usec += SEC / 2;
        g_assert_cmpint(tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec,
                                      REALTIME_OFFSET + talk->now_usec), ==, 0);
        told(talk, "opened warning:overpressure:4000");
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_OVER_COUNT, 1);
}

/* Likewise by a limit of ours, where the device has none. */
static void test_by_hand_it_begins_over_the_limit(void) {
        TrackerSettings by_hand = talk_settings;
        g_autoptr(ProfileFile) file = vendor_text(SCALE);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        by_hand.auto_start = false;
        by_hand.limits = pen_limits;
        tracker_set_settings(talk->tracker, &by_hand);
        link_frame(talk, FRAME_LINK_UP);
        say(talk, 0, "a00f");
        talk->now_usec += SEC / 2;
        g_assert_cmpint(tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec,
                                      REALTIME_OFFSET + talk->now_usec), ==, 0);
        told(talk, "opened warning:overpressure:4000 running");
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_OVER_COUNT, 1);
}

static void test_loss_and_lateness_by_its_numbers(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 3);                /* 0 1 2 */
        talk->live_sequence = 5;
        needle(talk, 1);
        told(talk, "opened running");
        talk->live_sequence = 4;
        needle(talk, 1);
        talk->live_sequence = 4;
        needle(talk, 1);
        talk->live_sequence = 6;
        needle(talk, 1);
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_LOST_LIVE, 1);
        expect_figure(talk, FIGURE_LATE_LIVE, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->lost, ==, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->late, ==, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->duplicates, ==, 1);
}

/* What came after the end is not in the record: come twice, it would be the first there, and a packet behind it would show it as lost. */
static void test_what_comes_after_the_end_twice(void) {
        TrackerSettings settling = talk_settings;
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);
        unsigned kept;

        settling.settle_usec = SEC / 4;
        tracker_set_settings(talk->tracker, &settling);
        link_frame(talk, FRAME_LINK_UP);
        say(talk, 1, "02");
        needle(talk, 5);
        say(talk, 1, "00");
        told(talk, "opened running ending");
        kept = talk->kept->len;
        needle(talk, 1);
        talk->live_sequence--;
        needle(talk, 1);
        g_assert_cmpuint(talk->kept->len, ==, kept);
        talk->now_usec += SEC;
        tick(talk);
        told(talk, "ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_STROKES, 4 * 12);
}

static void test_malformed_is_counted_and_kept(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 2);
        say(talk, 0, "02 03 e8");
        say(talk, 0, "");
        needle(talk, 2);
        g_assert_cmpuint(tracker_counters(talk->tracker)->malformed, ==, 2);
        g_assert_cmpuint(talk->kept->len, ==, 6);
        finish(talk);
        told(talk, "opened running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_LOST_LIVE, 0);
}

/* It speaks when something changes: between, all is as it was. */
static void test_states_hold_between_packets(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        pen(talk, PEN_CONTACT | PEN_MOTOR, 1000, 0);
        talk->now_usec += 10 * SEC;
        pen(talk, PEN_CONTACT | PEN_MOTOR | PEN_OVER, 2000, 0);
        talk->now_usec += 4 * SEC;
        pen(talk, PEN_MOTOR, 0, 0);
        talk->now_usec += 30 * SEC;
        pen(talk, PEN_CONTACT | PEN_MOTOR, 1000, 0);
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_CONTACT_TIME, 14 * (int64_t) SEC + 200000);
        expect_figure(talk, FIGURE_OVER_COUNT, 1);
        expect_figure(talk, FIGURE_OVER_TIME, 4 * (int64_t) SEC + 100000);
}

/* Ticks are of 100 us: where they begin must not depend on when the computer was started. */
static void test_figures_go_by_the_time_since_the_beginning(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        talk->now_usec += 37;
        for (unsigned i = 0; i < 60; i++) {
                talk->now_usec += i * 7 % 97;
                pen(talk, i % 5 < 3 ? PEN_CONTACT | PEN_MOTOR : PEN_MOTOR, 500 + 10 * i, 7 + i % 4);
        }
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1); /* by another clock too */
}

static void test_the_link_is_away(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        pen(talk, 0, 0, 0);
        needle(talk, 10);
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += 30 * SEC;
        talk->strokes += 3000;          /* the hand did not know */
        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 10);
        finish(talk);
        told(talk, "opened running interrupted gap:0:0 running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_STROKES, 20 * 12 + 3000);
        expect_figure(talk, FIGURE_GAP_TIME, 30 * (int64_t) SEC);
        expect_figure(talk, FIGURE_CONTACT_TIME, 19 * 100000); /* from the first of contact on, without the gap */
}

/* The clock is the host's: a long time away is no reboot. */
static void test_days_between_packets(void) {
        TrackerSettings patient = talk_settings;
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        patient.window_usec = UINT64_C(30) * 24 * 3600 * SEC;
        tracker_set_settings(talk->tracker, &patient);
        link_frame(talk, FRAME_LINK_UP);
        pen(talk, 0, 0, 0);
        needle(talk, 10);
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += UINT64_C(6) * 24 * 3600 * SEC;
        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 10);
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        expect_figure(talk, FIGURE_STROKES, 20 * 12);
}

static void test_battery_is_told_when_it_changes(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 3, "57");
        say(talk, 3, "57");
        told(talk, "battery:87");
        needle(talk, 1);
        say(talk, 3, "57");
        say(talk, 3, "56");
        told(talk, "opened running battery:86");
        link_frame(talk, FRAME_LINK_LOST);
        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 1);                /* it is not known until it comes again */
        told(talk, "interrupted gap:0:0 running");
        say(talk, 3, "56");
        told(talk, "battery:86");
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
}

/* At 20 % it is low, at 5 % more so, and above 24 % not any more. */
static void test_battery_that_is_low(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        needle(talk, 1);
        say(talk, 3, "15");             /* 21 */
        told(talk, "opened running battery:21");
        say(talk, 3, "14");
        told(talk, "notice:battery-low:20 battery:20");
        say(talk, 3, "06");
        told(talk, "battery:6");
        say(talk, 3, "05");
        told(talk, "warning:battery-low:5 battery:5");
        say(talk, 3, "18");
        told(talk, "battery:24");
        say(talk, 3, "19");
        told(talk, "clear:battery-low battery:25");
        finish(talk);
}

static void test_unknown_is_told_once(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        link_frame(talk, FRAME_LINK_UP);
        say(talk, 1, "02");
        say(talk, 1, "07");
        say(talk, 9, "00");
        say(talk, 1, "07");
        say(talk, 9, "00");
        told(talk, "opened running <field state unknown-7> <characteristic unknown-9>");
        g_assert_cmpuint(talk->kept->len, ==, 5);
        g_assert_cmpuint(tracker_counters(talk->tracker)->malformed, ==, 0);
}

static void test_another_profile_only_between_sessions(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);

        needle(talk, 2);
        g_assert_cmpint(tracker_set_vendor(talk->tracker, NULL), ==, -EBUSY);
        g_assert_cmpint(tracker_set_vendor(talk->tracker, &file->vendor), ==, 0);
        finish(talk);
        g_assert_cmpint(tracker_set_vendor(talk->tracker, NULL), ==, 0);
        talk->vendor = NULL;
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 2, FLAG);
        told(talk, "opened running ended:user opened running");
}

static void test_restart_of_the_daemon(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        g_autoptr(Talk) before = talk_new_vendor(&file->vendor), after = talk_new_vendor(&file->vendor);
        g_autofree Frame *frames = NULL;
        const Session *s;
        Figures then, now;

        link_frame(before, FRAME_LINK_UP);
        say(before, 2, "f401 581b 9c01 05 0200 02");
        say(before, 3, "57");
        pen(before, 0, 0, 0);
        needle(before, 20);
        s = tracker_session(before->tracker);
        session_figures(s, before->now_usec, &then);

        frames = g_new(Frame, before->kept->len);
        for (unsigned i = 0; i < before->kept->len; i++)
                frames[i] = *(const Frame *) before->kept->pdata[i];
        after->partial = true;
        after->now_usec = before->now_usec + 5 * SEC;
        after->strokes = before->strokes + 60;
        g_assert_cmpint(tracker_resume(after->tracker, &(SessionIdentity) { .id = 1 }, s->start_boottime_usec, s->start_realtime_usec,
                                       frames, before->kept->len, true, after->now_usec, REALTIME_OFFSET), ==, 0);
        told(after, "");
        session_figures(tracker_session(after->tracker), before->now_usec, &now);
        g_assert_cmpmem(&then, sizeof(then), &now, sizeof(now));

        link_frame(after, FRAME_LINK_UP);
        needle(after, 10);
        say(after, 3, "57");
        finish(after);
        told(after, "gap:0:0 running area:unspecified battery:87 ended:user");
        expect_figure(after, FIGURE_STROKES, 30 * 12 + 60);
        expect_figure(after, FIGURE_DEPTH_MAX, 500);
}

static void step(Talk *talk, GRand *rand) {
        switch (g_rand_int_range(rand, 0, 20)) {
        case 0:
                link_frame(talk, FRAME_LINK_LOST);
                talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 1200) * SEC / 10;
                break;
        case 1:
                link_frame(talk, FRAME_LINK_UP);
                break;
        case 2:
                talk->live_sequence = (uint16_t) (talk->live_sequence + g_rand_int_range(rand, -4, 9));
                break;
        case 3:
                talk->strokes = (uint32_t) g_rand_int_range(rand, 0, 70000);
                break;
        case 4: {
                g_autofree char *hex = g_strdup_printf("%02x", g_rand_int_range(rand, 0, 10));

                say(talk, 1, hex);
                break;
        }
        case 5: {
                g_autofree char *hex = g_strdup_printf("%04x581b9c01%02x0200%02x", g_rand_int_range(rand, 0, 65536),
                                                       g_rand_int_range(rand, 0, 256), g_rand_int_range(rand, 0, 5));

                say(talk, 2, hex);
                break;
        }
        case 6:
                say(talk, (uint8_t) g_rand_int_range(rand, 0, 6), "57");
                break;
        case 7:
                (void) pause_by_hand(talk);
                break;
        case 8:
                (void) tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
                break;
        case 9:
                (void) tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
                break;
        case 10:
                talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 1300) * SEC / 10;
                tick(talk);
                break;
        case 11:
                talk->held_up_usec = (uint64_t) g_rand_int_range(rand, 0, 3) * SEC;
                break;
        case 12:
                pen(talk, (unsigned) g_rand_int_range(rand, 0, 8), (unsigned) g_rand_int_range(rand, 0, 40000), 0);
                break;
        default:
                needle(talk, (unsigned) g_rand_int_range(rand, 1, 10));
                break;
        }
}

static void test_any_conversation(void) {
        g_autoptr(ProfileFile) file = vendor_text(VENDOR_PEN);
        unsigned replayed = 0;

        for (guint32 seed = 1; seed <= 200; seed++) {
                g_autoptr(Talk) talk = talk_new_vendor(&file->vendor);
                g_autoptr(GRand) rand = g_rand_new_with_seed(seed);

                g_test_message("seed %u", seed);
                for (unsigned i = 0; i < 200; i++)
                        step(talk, rand);
                replayed += talk->replayed;
        }
        g_assert_cmpuint(replayed, >, 1000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker-vendor/a-pen-is-used", test_a_pen_is_used);
        g_test_add_func("/tracker-vendor/a-scale-has-force-and-contact-alone", test_a_scale_has_force_and_contact_alone);
        g_test_add_func("/tracker-vendor/a-scale-is-in-contact-by-the-limits", test_a_scale_is_in_contact_by_the_limits);
        g_test_add_func("/tracker-vendor/a-scale-goes-on-by-its-record", test_a_scale_goes_on_by_its_record);
        g_test_add_func("/tracker-vendor/a-scale-shows-no-rate", test_a_scale_shows_no_rate);
        g_test_add_func("/tracker-vendor/a-brush-has-a-session-alone", test_a_brush_has_a_session_alone);
        g_test_add_func("/tracker-vendor/what-was-not-told-is-absent", test_what_was_not_told_is_absent);
        g_test_add_func("/tracker-vendor/what-was-told-before-is-kept", test_what_was_told_before_is_kept);
        g_test_add_func("/tracker-vendor/by-hand-it-begins-with-what-holds", test_by_hand_it_begins_with_what_holds);
        g_test_add_func("/tracker-vendor/loss-and-lateness-by-its-numbers", test_loss_and_lateness_by_its_numbers);
        g_test_add_func("/tracker-vendor/what-comes-after-the-end-twice", test_what_comes_after_the_end_twice);
        g_test_add_func("/tracker-vendor/malformed-is-counted-and-kept", test_malformed_is_counted_and_kept);
        g_test_add_func("/tracker-vendor/states-hold-between-packets", test_states_hold_between_packets);
        g_test_add_func("/tracker-vendor/figures-go-by-the-time-since-the-beginning", test_figures_go_by_the_time_since_the_beginning);
        g_test_add_func("/tracker-vendor/the-link-is-away", test_the_link_is_away);
        g_test_add_func("/tracker-vendor/days-between-packets", test_days_between_packets);
        g_test_add_func("/tracker-vendor/battery-is-told-when-it-changes", test_battery_is_told_when_it_changes);
        g_test_add_func("/tracker-vendor/battery-that-is-low", test_battery_that_is_low);
        g_test_add_func("/tracker-vendor/unknown-is-told-once", test_unknown_is_told_once);
        g_test_add_func("/tracker-vendor/by-hand-it-begins-over", test_by_hand_it_begins_over);
        g_test_add_func("/tracker-vendor/by-hand-it-begins-over-the-limit", test_by_hand_it_begins_over_the_limit);
        g_test_add_func("/tracker-vendor/another-profile-only-between-sessions", test_another_profile_only_between_sessions);
        g_test_add_func("/tracker-vendor/restart-of-the-daemon", test_restart_of_the_daemon);
        g_test_add_func("/tracker-vendor/any-conversation", test_any_conversation);
        return g_test_run();
}
