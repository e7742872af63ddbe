/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "talk.h"

static void test_flag_opens_and_its_fall_ends(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        told(talk, "");
        use(talk, 20, FLAG);
        told(talk, "opened running");
        live(talk, LIFTED, 0);
        told(talk, "ended:device");

        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 20 * 12);
        g_assert_cmpint(talk->figures.value[FIGURE_CONTACT_TIME].i, ==, 20 * 100000);
        g_assert_cmpint(talk->figures.value[FIGURE_DURATION].i, ==, 20 * 100000);
        g_assert_cmpint(talk->figures.value[FIGURE_LEAD_IN].i, ==, 100000);
        g_assert_cmpuint(talk->kept->len, ==, 22); /* the one before, the 20, and the one that ended it */
}

static void test_status_flag_opens_too(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        status(talk, false);
        told(talk, "");
        status(talk, true);
        told(talk, "opened running");
        status(talk, false);
        told(talk, "ended:device");
}

static void test_events_open_and_end(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        event(talk, OMP_EVENT_SESSION_START, true);
        told(talk, "");                 /* from the device's log: long over */
        event(talk, OMP_EVENT_SESSION_START, false);
        told(talk, "opened event:10 event:10 running");
        event(talk, OMP_EVENT_SESSION_END, true);
        told(talk, "event:11");
        event(talk, OMP_EVENT_SESSION_END, false);
        told(talk, "event:11 ended:device");
}

/* Status, Event and Live come over sockets of their own: what was sent first may be read last. */
static void test_ways_are_not_ordered_at_the_end(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        status(talk, true);
        use(talk, 5, FLAG);
        event(talk, OMP_EVENT_SESSION_END, false);
        told(talk, "opened running event:11 ended:device");
        use(talk, 2, FLAG);             /* sent before the end */
        status(talk, true);             /* likewise */
        told(talk, "");
        live(talk, LIFTED, 0);
        status(talk, true);
        told(talk, "");
        status(talk, false);
        use(talk, 1, FLAG);             /* a new one */
        told(talk, "opened running");
}

static void test_ways_are_not_ordered_at_the_start(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        event(talk, OMP_EVENT_SESSION_START, false);
        status(talk, true);
        live(talk, LIFTED, 0);          /* sent before the start */
        told(talk, "opened event:10 running");
        use(talk, 5, FLAG);
        status(talk, true);
        live(talk, LIFTED, 0);
        told(talk, "ended:device");
}

/* As of a loop that was held up: one socket is read to its end before the other. */
static Talk *talk_that_settles(void) {
        TrackerSettings settings = talk_settings;
        Talk *talk;

        settings.settle_usec = SEC / 4;
        talk = talk_new(&settings);
        link_frame(talk, FRAME_LINK_UP);
        event(talk, OMP_EVENT_SESSION_START, false);
        use(talk, 5, FLAG);
        told(talk, "opened event:10 running");
        return talk;
}

static unsigned n_kept(const Talk *talk) {
        return talk->kept->len;
}

static void test_the_end_is_read_before_the_last_values(void) {
        g_autoptr(Talk) talk = talk_that_settles();
        uint64_t end, before;

        event(talk, OMP_EVENT_SESSION_END, false);
        told(talk, "event:11 ending");
        end = talk->now_usec;
        before = n_kept(talk);
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, end + SEC / 4);
        use(talk, 2, FLAG);
        live(talk, LIFTED, 0);          /* says itself that it came after the end */
        g_assert_cmpuint(n_kept(talk), ==, before + 2);
        told(talk, "");
        tick(talk);
        told(talk, "ended:device");
        g_assert_cmpuint(talk->ended->end_boottime_usec, ==, end);
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, UINT64_MAX);
}

/* Nor is it of the session when it comes twice, or in another order. */
static void test_a_value_after_the_end_that_comes_twice(void) {
        g_autoptr(Talk) talk = talk_that_settles();
        unsigned before;

        event(talk, OMP_EVENT_SESSION_END, false);
        before = n_kept(talk);
        talk->live_sequence++;
        live(talk, LIFTED, 0);
        talk->live_sequence -= 2;
        live(talk, LIFTED, 0);          /* late */
        talk->live_sequence--;
        live(talk, LIFTED, 0);          /* and once more */
        g_assert_cmpuint(n_kept(talk), ==, before);
        talk->now_usec += SEC;
        tick(talk);
        told(talk, "event:11 ending ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
}

static void test_the_last_values_are_read_before_the_events(void) {
        g_autoptr(Talk) talk = talk_that_settles();

        live(talk, LIFTED, 0);
        told(talk, "ending");
        event(talk, OMP_EVENT_CONTACT, false);
        status(talk, true);
        event(talk, OMP_EVENT_SESSION_END, false);
        status(talk, false);
        told(talk, "event:03 event:11");
        live(talk, LIFTED, 0);
        live(talk, LIFTED, 0);
        live(talk, LIFTED, 0);
        tick(talk);
        told(talk, "ended:device");
}

static void test_a_session_begins_while_the_last_one_settles(void) {
        g_autoptr(Talk) talk = talk_that_settles();

        event(talk, OMP_EVENT_SESSION_END, false);
        event(talk, OMP_EVENT_SESSION_START, false);
        told(talk, "event:11 ending ended:device opened event:10 running");
        use(talk, 3, FLAG);
        live(talk, LIFTED, 0);
        use(talk, 1, FLAG);             /* the flag has fallen and is set again */
        told(talk, "ending ended:device opened running");
}

static void test_the_link_goes_while_a_session_settles(void) {
        g_autoptr(Talk) talk = talk_that_settles();

        event(talk, OMP_EVENT_SESSION_END, false);
        link_frame(talk, FRAME_LINK_LOST);
        told(talk, "event:11 ending ended:device");
}

static void test_by_hand_while_a_session_settles(void) {
        g_autoptr(Talk) talk = talk_that_settles();

        event(talk, OMP_EVENT_SESSION_END, false);
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET), ==, 0);
        told(talk, "event:11 ending ended:device");
}

static void test_flag_is_believed_again_after_the_link(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 3, FLAG);
        event(talk, OMP_EVENT_SESSION_END, false);
        link_frame(talk, FRAME_LINK_LOST);
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 1, FLAG);
        told(talk, "opened running event:11 ended:device opened running");
}

static void test_motor_in_contact_opens(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        live(talk, MOTOR | LIFTED, 12);
        live(talk, CONTACT, 0);
        told(talk, "");
        live(talk, MOTOR | CONTACT, 0);
        told(talk, "opened running");
}

static void test_stroke_in_contact_opens(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        live(talk, CONTACT, 0);
        told(talk, "");
        live(talk, CONTACT, 1);
        told(talk, "opened running");
}

static void test_auto_start_off(void) {
        TrackerSettings off = talk_settings;
        g_autoptr(Talk) talk = NULL;
        SessionIdentity identity = { .id = 9 };

        off.auto_start = false;
        talk = talk_new(&off);
        use(talk, 5, FLAG);
        told(talk, "");
        g_assert_cmpint(tracker_start(talk->tracker, &identity, talk->now_usec, REALTIME_OFFSET), ==, 0);
        told(talk, "opened");
        g_assert_cmpint(tracker_start(talk->tracker, &identity, talk->now_usec, REALTIME_OFFSET), ==, -EBUSY);
        use(talk, 1, FLAG);
        told(talk, "running");
}

static void test_idleness_ends_where_the_use_ended(void) {
        g_autoptr(Talk) talk = talk_new(NULL);
        uint64_t last;

        live(talk, LIFTED, 0);
        use(talk, 10, 0);
        last = talk->now_usec;
        told(talk, "opened running");
        for (int i = 0; i < 1199; i++)
                live(talk, LIFTED, 0);
        tick(talk);
        told(talk, "");
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, last + 120 * SEC);
        live(talk, LIFTED, 0);
        tick(talk);
        told(talk, "ended:idle");
        g_assert_cmpuint(talk->ended->end_boottime_usec, ==, last);
        g_assert_cmpint(talk->figures.value[FIGURE_DURATION].i, ==, 9 * 100000);
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, UINT64_MAX);
        event(talk, OMP_EVENT_SESSION_START, false); /* a device that says so begins another, used or not */
        told(talk, "opened event:10 running");
        stop(talk);
}

/* A live value as a device sends it that has less to tell, `mean_mn` of force. */
static void value(Talk *talk, unsigned flags, int16_t mean_mn, unsigned grown) {
        uint8_t buf[64];
        OmpLive l = { .flags = (uint16_t) flags, .sequence = talk->live_sequence++, .force_mean_mn = mean_mn, .force_peak_mn = mean_mn };
        int n;

        talk->now_usec += SEC / 10;
        l.tick = (uint32_t) (talk->now_usec / OMP_TICK_USEC);
        l.strokes = talk->strokes += grown;
        n = omp_live_encode(&l, buf, sizeof(buf));
        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) n);
        tick(talk);
}

/* Idle is who is not in contact, by the best sign that the device has for it. */
static void test_idle_goes_by_contact(void) {
        static const struct {
                const char *what;
                unsigned at_work, else_;        /* flags of the values */
                int16_t at_work_mn, else_mn;
                unsigned grown, else_grown;     /* strokes of each */
        } cases[] = {
                { "contact, with the motor off", FLAG | CONTACT, FLAG | LIFTED, 800, 800, 0, 0 },
                { "contact, whatever else moves", FLAG | CONTACT, FLAG | LIFTED | MOTOR, 800, 800, 0, 5 },
                { "force", FLAG | MOTOR, FLAG | MOTOR, 200, 199, 5, 5 },
                { "a stroke", FLAG, FLAG, OMP_FORCE_UNKNOWN, OMP_FORCE_UNKNOWN, 1, 0 },
                { "the motor", FLAG | MOTOR, FLAG, OMP_FORCE_UNKNOWN, OMP_FORCE_UNKNOWN, 0, 0 },
        };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Talk) talk = talk_new(NULL);
                uint64_t last;

                g_test_message("%s", cases[i].what);
                for (unsigned n = 0; n < 1300; n++)
                        value(talk, cases[i].at_work, cases[i].at_work_mn, cases[i].grown);
                last = talk->now_usec;
                told(talk, "opened running");
                for (unsigned n = 0; n < 1199; n++)
                        value(talk, cases[i].else_, cases[i].else_mn, cases[i].else_grown);
                told(talk, "");
                value(talk, cases[i].else_, cases[i].else_mn, cases[i].else_grown);
                told(talk, "ended:idle");
                g_assert_cmpuint(talk->ended->end_boottime_usec, ==, last);
        }
}

/* A device that forgets to lower its flag does not make sessions without end. */
static void test_flag_that_outlives_its_session(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        use(talk, 3, FLAG);
        talk->now_usec += 121 * SEC;
        tick(talk);
        told(talk, "opened running ended:idle");
        live(talk, FLAG | LIFTED, 0);
        told(talk, "");
        use(talk, 1, FLAG);
        told(talk, "opened running");
}

static void test_finished_by_hand_stays_finished(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        use(talk, 3, FLAG);
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET), ==, 0);
        told(talk, "opened running ended:user");
        use(talk, 3, FLAG);
        told(talk, "");                 /* the hand is still on the skin */
        event(talk, OMP_EVENT_SESSION_END, true);
        told(talk, "");                 /* from the device's log */
        event(talk, OMP_EVENT_SESSION_END, false);
        told(talk, "device-over");      /* its own session was longer: it has a record now */
        live(talk, LIFTED, 0);
        use(talk, 1, FLAG);
        told(talk, "opened running");
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_DISCARDED, talk->now_usec, REALTIME_OFFSET), ==, 0);
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET), ==, -ENOENT);
}

static void test_link_loss_is_a_gap_not_an_end(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        use(talk, 10, FLAG);
        link_frame(talk, FRAME_LINK_LOST);
        told(talk, "opened running interrupted");
        talk->now_usec += 30 * SEC;
        talk->strokes += 3000;          /* the hand did not know */
        tick(talk);
        link_frame(talk, FRAME_LINK_UP);
        told(talk, "gap:0:0 running");
        use(talk, 10, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 20 * 12 + 3000);
        g_assert_cmpint(talk->figures.value[FIGURE_GAPS].i, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_GAP_TIME].i, ==, 30 * (int64_t) SEC);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 0);
}

static void test_window_ends_where_the_link_ended(void) {
        g_autoptr(Talk) talk = talk_new(NULL);
        uint64_t lost;

        use(talk, 10, FLAG);
        lost = talk->now_usec;
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += 599 * SEC;
        tick(talk);
        told(talk, "opened running interrupted");
        talk->now_usec += SEC;
        tick(talk);
        told(talk, "ended:window");
        g_assert_cmpuint(talk->ended->end_boottime_usec, ==, lost);
}

static void test_pause_by_hand(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        g_assert_cmpint(pause_by_hand(talk), ==, -ENOENT);
        use(talk, 3, 0);
        g_assert_cmpint(unpause(talk), ==, -EALREADY);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, -EALREADY);
        talk->now_usec += 300 * SEC;    /* longer than idleness: a break is meant */
        tick(talk);
        told(talk, "opened running paused");
        use(talk, 1, 0);
        told(talk, "running");          /* used again */
}

/* What the device was asked is kept among what it said, and is no measured value. */
static void test_what_is_written_is_kept(void) {
        static const uint8_t tare = 3;
        g_autoptr(Talk) talk = talk_new(NULL);
        unsigned before;

        raw(talk, OMP_CHAR_CONTROL_POINT, FRAME_TO_DEVICE, &tare, 1);
        told(talk, "");
        g_assert_cmpuint(talk->kept->len, ==, 0);
        use(talk, 2, FLAG);
        before = talk->kept->len;
        raw(talk, OMP_CHAR_CONTROL_POINT, FRAME_TO_DEVICE, &tare, 1);
        g_assert_cmpuint(talk->kept->len, ==, before + 1);
        g_assert_cmpuint(((const Frame *) talk->kept->pdata[before])->direction, ==, FRAME_TO_DEVICE);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 12); /* the first value is where it began */
}

static void test_loss_late_duplicate(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 3, FLAG);             /* 0 1 2 */
        talk->live_sequence = 5;        /* 3 4 missing */
        use(talk, 1, FLAG);
        told(talk, "opened running");
        talk->live_sequence = 4;        /* late */
        use(talk, 1, FLAG);
        talk->live_sequence = 4;        /* and again */
        use(talk, 1, FLAG);
        talk->live_sequence = 6;
        use(talk, 1, FLAG);
        told(talk, "");
        use(talk, 10, FLAG);            /* a second after the 5 */
        told(talk, "gap:1:1");
        live(talk, LIFTED, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_GAPS].i, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LATE_LIVE].i, ==, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->lost, ==, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->late, ==, 1);
        g_assert_cmpuint(tracker_counters(talk->tracker)->duplicates, ==, 1);
}

/* With several channels a link changes the order: nothing is missing, and there was no gap. */
static void test_another_order_is_no_gap(void) {
        static const uint16_t order[] = { 4, 3, 6, 7, 5, 10, 9, 8 };
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 3, FLAG);             /* 0 1 2 */
        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                talk->live_sequence = order[i];
                use(talk, 1, FLAG);
        }
        g_assert_cmpint(figure(talk, FIGURE_GAPS), ==, 0);
        talk->live_sequence = 11;
        use(talk, 20, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_GAPS].i, ==, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_GAP_TIME].i, ==, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_LATE_LIVE].i, ==, 4);
}

/* Each run by itself; the oldest is told at once when there are more than are waited for. */
static void test_many_gaps_at_once(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 1, FLAG);
        for (uint16_t i = 0; i < 9; i++) {
                talk->live_sequence++;
                use(talk, 1, FLAG);
        }
        told(talk, "opened running gap:1:1");
        g_assert_cmpint(figure(talk, FIGURE_GAPS), ==, 9);
        link_frame(talk, FRAME_LINK_LOST); /* what has not come by now does not come */
        told(talk, "gap:1:1 gap:1:1 gap:1:1 gap:1:1 gap:1:1 gap:1:1 gap:1:1 gap:1:1 interrupted");
        g_assert_cmpint(figure(talk, FIGURE_GAPS), ==, 9);
}

static void test_a_gap_at_the_end(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 3, FLAG);
        talk->live_sequence += 200;     /* too many of them to come late */
        use(talk, 1, FLAG);
        told(talk, "opened running gap:1:200 notice:samples-lost:200");
        talk->live_sequence += 2;
        use(talk, 1, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "gap:1:2 ended:device");
}

/* The daemon was stopped for 5 s; what waited in the socket comes late, all at once, with ticks of then. Nothing is counted twice. */
static void test_held_up_packets_are_no_reboot(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        use(talk, 20, FLAG);
        talk->held_up_usec = 5 * SEC;
        use(talk, 50, FLAG);
        talk->held_up_usec = 0;
        use(talk, 20, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 90 * 12);
        g_assert_cmpint(talk->figures.value[FIGURE_CONTACT_TIME].i, ==, 90 * 100000);
}

/* No packet was lost, yet the ticks are an hour further, and back again: the values count, the hour does not. */
static void test_a_jump_of_the_ticks_is_no_contact(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        use(talk, 20, FLAG);
        talk->booted_usec -= 3600 * SEC;
        use(talk, 20, FLAG);
        talk->booted_usec += 3600 * SEC;
        use(talk, 20, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 60 * 12);
        g_assert_cmpint(talk->figures.value[FIGURE_CONTACT_TIME].i, ==, 60 * 100000);
}

/* The last values before the link went were stamped late: where the device's clock is, those before them tell. */
static void test_held_up_before_the_link_went(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, LIFTED, 0);
        use(talk, 20, FLAG);
        talk->held_up_usec = 5 * SEC;
        use(talk, 5, FLAG);
        talk->held_up_usec = 0;
        talk->now_usec += 6 * SEC;
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += 10 * SEC;
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 5, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "opened running interrupted gap:0:0 running ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 30 * 12);
}

static void test_malformed_is_counted_kept_and_harmless(void) {
        static const uint8_t junk[] = { 0x01, 0x1b, 0x02 };
        g_autoptr(Talk) talk = talk_new(NULL);

        use(talk, 2, FLAG);
        for (unsigned channel = 0; channel < _OMP_CHAR_MAX; channel++) {
                raw(talk, (uint8_t) channel, FRAME_FROM_DEVICE, junk, sizeof(junk));
                raw(talk, (uint8_t) channel, FRAME_FROM_DEVICE, junk, 0);
        }
        told(talk, "opened running");
        g_assert_cmpuint(tracker_counters(talk->tracker)->malformed, ==, 2 * 5); /* Feature to Status */
        g_assert_cmpuint(talk->kept->len, ==, 2 + 2 * _OMP_CHAR_MAX);
        use(talk, 2, FLAG);
        live(talk, LIFTED, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 3 * 12); /* nothing known before the first */
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 0);
}

/* Feeds what `from` kept to a new tracker, as after a restart of the daemon. */
static Talk *restart(Talk *from, bool same_boot, uint64_t away_usec) {
        Talk *talk = talk_new(NULL);
        g_autofree Frame *frames = g_new(Frame, from->kept->len);
        const Session *s = tracker_session(from->tracker);
        SessionIdentity identity = { .id = s->id, .device_address = s->device_address };

        for (unsigned i = 0; i < from->kept->len; i++)
                frames[i] = *(const Frame *) from->kept->pdata[i];

        talk->now_usec = from->now_usec + away_usec;
        talk->strokes = from->strokes;
        talk->partial = true;
        g_assert_cmpint(tracker_resume(talk->tracker, &identity, s->start_boottime_usec, s->start_realtime_usec, frames,
                                       from->kept->len, same_boot, talk->now_usec, REALTIME_OFFSET + talk->now_usec), ==, 0);
        return talk;
}

static void test_restart_of_the_daemon(void) {
        g_autoptr(Talk) before = talk_new(NULL), after = NULL;
        Figures then, now;

        link_frame(before, FRAME_LINK_UP);
        live(before, LIFTED, 0);
        use(before, 20, FLAG);
        session_figures(tracker_session(before->tracker), before->now_usec, &then);

        after = restart(before, true, 5 * SEC);
        told(after, "");
        g_assert_cmpint(tracker_session(after->tracker)->state, ==, SESSION_INTERRUPTED);
        session_figures(tracker_session(after->tracker), before->now_usec, &now);
        g_assert_cmpmem(&then, sizeof(then), &now, sizeof(now));
        g_assert_cmpuint(after->kept->len, ==, 1); /* the loss of the link is new in the record */

        after->strokes += 60;
        link_frame(after, FRAME_LINK_UP);
        use(after, 10, FLAG);
        live(after, LIFTED, 0);
        told(after, "gap:0:0 running ended:device");
        g_assert_cmpint(after->figures.value[FIGURE_STROKES].i, ==, 30 * 12 + 60);
        g_assert_cmpint(after->figures.value[FIGURE_GAP_TIME].i, ==, 5 * (int64_t) SEC);
}

static void test_restart_after_the_window(void) {
        g_autoptr(Talk) before = talk_new(NULL), after = NULL;

        use(before, 20, FLAG);
        after = restart(before, true, 601 * SEC);
        told(after, "ended:window");
        g_assert_cmpint(after->figures.value[FIGURE_STROKES].i, ==, 19 * 12);
}

static void test_restart_of_the_host_ends(void) {
        g_autoptr(Talk) before = talk_new(NULL), after = NULL;

        use(before, 20, FLAG);
        after = restart(before, false, 5 * SEC);
        told(after, "ended:shutdown");
        g_assert_cmpuint(after->ended->end_realtime_usec, ==, REALTIME_OFFSET + before->now_usec);
}

/* The end had been kept, but not yet acted upon when the daemon went. */
static void test_restart_after_the_end(void) {
        g_autoptr(Talk) before = talk_new(NULL), after = NULL;
        uint8_t buf[64];
        OmpLive l = { .flags = LIFTED, .sequence = 5, .tick = (uint32_t) (1001 * SEC / OMP_TICK_USEC), .strokes = 60 };
        int n = omp_live_encode(&l, buf, sizeof(buf));
        Frame end = { .boottime_usec = 1001 * SEC, .realtime_usec = REALTIME_OFFSET + 1001 * SEC, .channel = OMP_CHAR_LIVE,
                      .size = (uint16_t) n, .data = buf };

        use(before, 5, FLAG);
        keep(before, &end);
        end.boottime_usec += SEC / 10;  /* what came while it settled is no part of it */
        end.realtime_usec += SEC / 10;
        keep(before, &end);
        after = restart(before, true, 5 * SEC);
        told(after, "ended:device");
        g_assert_cmpuint(after->ended->end_boottime_usec, ==, 1001 * SEC);
}

/* Its profile is not there any more: what the frames say nobody knows, and nobody guesses. */
static void test_restart_without_the_profile(void) {
        g_autoptr(Talk) before = talk_new(NULL), after = talk_new(NULL);
        g_autofree Frame *frames = NULL;
        SessionIdentity identity = { .id = 1, .undecodable = true };

        use(before, 20, FLAG);
        live(before, LIFTED, 0);
        frames = g_new(Frame, before->kept->len);
        for (unsigned i = 0; i < before->kept->len; i++)
                frames[i] = *(const Frame *) before->kept->pdata[i];
        after->partial = true;
        g_assert_cmpint(tracker_resume(after->tracker, &identity, frames[0].boottime_usec, frames[0].realtime_usec, frames,
                                       before->kept->len, false, before->now_usec, REALTIME_OFFSET + before->now_usec), ==, 0);
        told(after, "ended:shutdown");
        g_assert_cmpuint(after->ended->end_boottime_usec, ==, before->now_usec);
        g_assert_cmphex(after->figures.present, ==, 0);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker/flag-opens-and-its-fall-ends", test_flag_opens_and_its_fall_ends);
        g_test_add_func("/tracker/status-flag-opens-too", test_status_flag_opens_too);
        g_test_add_func("/tracker/events-open-and-end", test_events_open_and_end);
        g_test_add_func("/tracker/ways-are-not-ordered-at-the-end", test_ways_are_not_ordered_at_the_end);
        g_test_add_func("/tracker/ways-are-not-ordered-at-the-start", test_ways_are_not_ordered_at_the_start);
        g_test_add_func("/tracker/the-end-is-read-before-the-last-values", test_the_end_is_read_before_the_last_values);
        g_test_add_func("/tracker/a-value-after-the-end-that-comes-twice", test_a_value_after_the_end_that_comes_twice);
        g_test_add_func("/tracker/the-last-values-are-read-before-the-events", test_the_last_values_are_read_before_the_events);
        g_test_add_func("/tracker/a-session-begins-while-the-last-one-settles", test_a_session_begins_while_the_last_one_settles);
        g_test_add_func("/tracker/the-link-goes-while-a-session-settles", test_the_link_goes_while_a_session_settles);
        g_test_add_func("/tracker/by-hand-while-a-session-settles", test_by_hand_while_a_session_settles);
        g_test_add_func("/tracker/flag-is-believed-again-after-the-link", test_flag_is_believed_again_after_the_link);
        g_test_add_func("/tracker/motor-in-contact-opens", test_motor_in_contact_opens);
        g_test_add_func("/tracker/stroke-in-contact-opens", test_stroke_in_contact_opens);
        g_test_add_func("/tracker/auto-start-off", test_auto_start_off);
        g_test_add_func("/tracker/idleness-ends-where-the-use-ended", test_idleness_ends_where_the_use_ended);
        g_test_add_func("/tracker/idle-goes-by-contact", test_idle_goes_by_contact);
        g_test_add_func("/tracker/flag-that-outlives-its-session", test_flag_that_outlives_its_session);
        g_test_add_func("/tracker/finished-by-hand-stays-finished", test_finished_by_hand_stays_finished);
        g_test_add_func("/tracker/link-loss-is-a-gap-not-an-end", test_link_loss_is_a_gap_not_an_end);
        g_test_add_func("/tracker/window-ends-where-the-link-ended", test_window_ends_where_the_link_ended);
        g_test_add_func("/tracker/pause-by-hand", test_pause_by_hand);
        g_test_add_func("/tracker/what-is-written-is-kept", test_what_is_written_is_kept);
        g_test_add_func("/tracker/loss-late-duplicate", test_loss_late_duplicate);
        g_test_add_func("/tracker/another-order-is-no-gap", test_another_order_is_no_gap);
        g_test_add_func("/tracker/many-gaps-at-once", test_many_gaps_at_once);
        g_test_add_func("/tracker/a-gap-at-the-end", test_a_gap_at_the_end);
        g_test_add_func("/tracker/held-up-packets-are-no-reboot", test_held_up_packets_are_no_reboot);
        g_test_add_func("/tracker/a-jump-of-the-ticks-is-no-contact", test_a_jump_of_the_ticks_is_no_contact);
        g_test_add_func("/tracker/held-up-before-the-link-went", test_held_up_before_the_link_went);
        g_test_add_func("/tracker/malformed-is-counted-kept-and-harmless", test_malformed_is_counted_kept_and_harmless);
        g_test_add_func("/tracker/restart-of-the-daemon", test_restart_of_the_daemon);
        g_test_add_func("/tracker/restart-after-the-window", test_restart_after_the_window);
        g_test_add_func("/tracker/restart-of-the-host-ends", test_restart_of_the_host_ends);
        g_test_add_func("/tracker/restart-after-the-end", test_restart_after_the_end);
        g_test_add_func("/tracker/restart-without-the-profile", test_restart_without_the_profile);
        return g_test_run();
}
