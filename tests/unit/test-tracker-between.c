/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between two sessions, between what came (runs of numbers that are missing side by side), and for who shows a value. */
#include <errno.h>
#include <glib.h>

#include "talk.h"

/* Two sessions have nothing to do with each other: a stroke is one between two values of now. */
static void test_strokes_of_the_last_session_are_no_use(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        live(talk, LIFTED, 0);
        use(talk, 10, FLAG);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        live(talk, CONTACT, 7);
        told(talk, "");
        live(talk, CONTACT, 0);
        told(talk, "");
        live(talk, CONTACT, 1);
        told(talk, "opened running");
        stop(talk);
}

/* Nor what it did while the link was away. */
static void test_strokes_while_the_link_is_away_are_no_use(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        live(talk, CONTACT, 0);
        link_frame(talk, FRAME_LINK_LOST);
        link_frame(talk, FRAME_LINK_UP);
        live(talk, CONTACT, 7);
        told(talk, "");
        live(talk, CONTACT, 1);
        told(talk, "opened running");
        stop(talk);
}

/* What comes while a session settles, and says itself that it is not of it, is what the next one begins with. */
static void test_values_after_the_end_lead_in_the_next(void) {
        TrackerSettings settings = talk_settings;
        g_autoptr(Talk) talk = NULL;
        uint64_t first;

        settings.settle_usec = SEC / 4;
        talk = talk_new(&settings);
        event(talk, OMP_EVENT_SESSION_START, false);
        use(talk, 5, FLAG);
        told(talk, "opened event:10 running");
        event(talk, OMP_EVENT_SESSION_END, false);
        live(talk, LIFTED, 0);
        first = talk->now_usec;
        live(talk, LIFTED, 0);
        talk->now_usec += SEC;
        tick(talk);
        told(talk, "event:11 ending ended:device");
        use(talk, 1, 0);
        told(talk, "opened running");
        g_assert_cmpuint(session(talk)->start_boottime_usec, ==, first);
        g_assert_cmpint(figure(talk, FIGURE_LEAD_IN), ==, (int64_t) (talk->now_usec - first));
        stop(talk);
}

/* Values 0 to 4 of a session that waits for what is on its way when its device says that it is over. */
static Talk *talk_that_settles(void) {
        TrackerSettings settings = talk_settings;
        Talk *talk;

        settings.settle_usec = SEC / 4;
        talk = talk_new(&settings);
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 5, FLAG);
        told(talk, "opened running");
        return talk;
}

static void settle(Talk *talk) {
        talk->now_usec += SEC;
        tick(talk);
        g_assert_null(session(talk));
        g_assert_cmpuint(talk->replayed, ==, 1);
}

/* 5 comes after 6, which is after the end: the session has not missed it, and without 6 the record would have it in order. */
static void test_a_late_value_that_nobody_missed(void) {
        g_autoptr(Talk) talk = talk_that_settles();
        unsigned kept;

        event(talk, OMP_EVENT_SESSION_END, false);
        kept = talk->kept->len;
        talk->live_sequence = 6;
        live(talk, LIFTED, 0);
        talk->live_sequence = 5;
        use(talk, 1, FLAG);
        g_assert_cmpuint(talk->kept->len, ==, kept);
        settle(talk);
        told(talk, "event:11 ending ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 4 * 12);
        g_assert_cmpint(talk->figures.value[FIGURE_LATE_LIVE].i, ==, 0);
}

/* 5 comes after 7, which is after the end, too: but since 6 the session has missed it. */
static void test_a_late_value_that_was_missed(void) {
        g_autoptr(Talk) talk = talk_that_settles();

        talk->live_sequence = 6;
        use(talk, 1, FLAG);
        event(talk, OMP_EVENT_SESSION_END, false);
        live(talk, LIFTED, 0);
        talk->live_sequence = 5;
        use(talk, 1, FLAG);
        settle(talk);
        told(talk, "event:11 ending ended:device");
        g_assert_cmpint(talk->figures.value[FIGURE_LATE_LIVE].i, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 0);
        g_assert_cmpint(talk->figures.value[FIGURE_GAPS].i, ==, 0);
}

static void step(Talk *talk, GRand *rand) {
        unsigned flag = g_rand_boolean(rand) ? FLAG : 0;

        switch (g_rand_int_range(rand, 0, 12)) {
        case 0:
                event(talk, OMP_EVENT_SESSION_START, false);
                break;
        case 1:
        case 2:
                event(talk, OMP_EVENT_SESSION_END, false);
                break;
        case 3:
                status(talk, flag != 0);
                break;
        case 4:
                talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 400) * 1000;
                tick(talk);
                break;
        case 5:
                talk->event_sequence = (uint16_t) (talk->event_sequence + g_rand_int_range(rand, -2, 4));
                break;
        case 6:
        case 7:
                talk->live_sequence = (uint16_t) (talk->live_sequence + g_rand_int_range(rand, -4, 5));
                break;
        case 8:
                live(talk, LIFTED | flag, 0);
                break;
        default:
                use(talk, 1, flag);
                break;
        }
}

/* Whatever comes late, twice or never while sessions settle: talk.c replays each at its end. */
static void test_any_order_around_the_end(void) {
        unsigned replayed = 0;

        for (guint32 seed = 1; seed <= 500; seed++) {
                TrackerSettings settings = talk_settings;
                g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
                g_autoptr(Talk) talk = NULL;

                g_test_message("seed %u", seed);
                settings.settle_usec = SEC / 4;
                talk = talk_new(&settings);
                link_frame(talk, FRAME_LINK_UP);
                for (unsigned i = 0; i < 200; i++)
                        step(talk, rand);
                replayed += talk->replayed;
        }
        g_assert_cmpuint(replayed, >, 1000);
}

/* One at a time; and without one nothing is a session's. */
static void test_restart_while_one_is_live(void) {
        const SessionIdentity identity = { .id = 2 };
        g_autoptr(Talk) talk = talk_new(NULL);
        const Session *s;

        use(talk, 20, FLAG);
        s = session(talk);
        g_assert_cmpint(tracker_resume(talk->tracker, &identity, 0, 0, NULL, 0, true, talk->now_usec, REALTIME_OFFSET), ==, -EBUSY);
        g_assert_cmpint(tracker_begin(talk->tracker, &identity, 0, 0), ==, -EBUSY);
        g_assert_true(session(talk) == s);
        stop(talk);
        g_assert_false(tracker_feed(talk->tracker, talk->kept->pdata[0]));
        tracker_feed_until(talk->tracker, UINT64_MAX);
        tracker_feed_end(talk->tracker);
        told(talk, "");
}

/* Each late one belongs to its own run: all of the second come, and one of the third. */
static void test_late_ones_of_several_gaps(void) {
        static const uint16_t order[] = { 3, 6, 9, 5, 4, 7 };
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 1, FLAG);
        for (size_t i = 0; i < G_N_ELEMENTS(order); i++) {
                talk->live_sequence = order[i];
                use(talk, 1, FLAG);
        }
        g_assert_cmpint(figure(talk, FIGURE_GAPS), ==, 2);
        g_assert_cmpint(figure(talk, FIGURE_LOST_LIVE), ==, 3);
        talk->live_sequence = 10;
        use(talk, 20, FLAG);
        told(talk, "opened running gap:1:2 gap:1:1");
        g_assert_cmpint(figure(talk, FIGURE_LATE_LIVE), ==, 3);
        g_assert_cmpint(figure(talk, FIGURE_GAP_TIME), ==, 2 * (int64_t) SEC / 10);
        stop(talk);
}

/* What readers of the stream see with each value, by what the device says that it has. */
static void test_a_value_that_is_shown(void) {
        static const struct { bool told; uint32_t bits; uint16_t flags; bool strokes, rate; } cases[] = {
                { false, 0, 0, true, true },    /* nothing known of it */
                { true, OMP_FEATURE_STROKES, 0, true, true },
                { true, OMP_FEATURE_FORCE, 0, false, false },
                { true, OMP_FEATURE_FORCE, OMP_LIVE_RATE, false, true },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                g_autoptr(Talk) talk = talk_new(NULL);
                const OmpLive value = { .flags = cases[i].flags };
                TrackerLive shown;

                if (cases[i].told)
                        feature(talk, cases[i].bits, 16);
                use(talk, 1, FLAG);
                tracker_live(session(talk), &value, &shown);
                g_assert_false(shown.has_rate); /* of one value there is none */
                use(talk, 20, FLAG);
                tracker_live(session(talk), &value, &shown);
                g_assert_true(shown.live == &value);
                g_assert_cmpuint(shown.session_strokes, ==, 20 * 12);
                g_assert_cmpint(shown.has_strokes, ==, cases[i].strokes);
                g_assert_cmpint(shown.has_rate, ==, cases[i].rate);
                g_assert_cmpfloat(shown.stroke_rate, ==, 7200);
                stop(talk);
        }
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker-between/strokes-of-the-last-session-are-no-use", test_strokes_of_the_last_session_are_no_use);
        g_test_add_func("/tracker-between/strokes-while-the-link-is-away-are-no-use", test_strokes_while_the_link_is_away_are_no_use);
        g_test_add_func("/tracker-between/values-after-the-end-lead-in-the-next", test_values_after_the_end_lead_in_the_next);
        g_test_add_func("/tracker-between/a-late-value-that-nobody-missed", test_a_late_value_that_nobody_missed);
        g_test_add_func("/tracker-between/a-late-value-that-was-missed", test_a_late_value_that_was_missed);
        g_test_add_func("/tracker-between/any-order-around-the-end", test_any_order_around_the_end);
        g_test_add_func("/tracker-between/restart-while-one-is-live", test_restart_while_one_is_live);
        g_test_add_func("/tracker-between/late-ones-of-several-gaps", test_late_ones_of_several_gaps);
        g_test_add_func("/tracker-between/a-value-that-is-shown", test_a_value_that_is_shown);
        return g_test_run();
}
