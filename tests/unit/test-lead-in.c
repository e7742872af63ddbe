/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "session/lead-in.h"
#include "talk.h"

static void lead_in_clear_auto(LeadIn *l) {
        lead_in_clear(l);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LeadIn, lead_in_clear_auto)

/* A frame whose octets say its number. */
static void put(LeadIn *l, unsigned number, size_t size) {
        uint8_t data[OMP_VALUE_MAX];

        memset(data, (int) (number & 0xff), sizeof(data));
        lead_in_keep(l, &(Frame) { .boottime_usec = number, .realtime_usec = number + 7, .channel = (uint8_t) number,
                                   .direction = FRAME_FROM_DEVICE, .size = (uint16_t) size, .data = data }, number % 2);
}

static void take(LeadIn *l, unsigned number, size_t size) {
        uint8_t buf[OMP_VALUE_MAX];
        Frame frame;
        bool mark;

        g_assert_cmpuint(lead_in_first_usec(l), ==, number);
        g_assert_cmpuint(lead_in_first_realtime(l), ==, number + 7);
        g_assert_true(lead_in_take(l, &frame, buf, &mark));
        g_assert_cmpuint(frame.boottime_usec, ==, number);
        g_assert_cmpuint(frame.realtime_usec, ==, number + 7);
        g_assert_cmpuint(frame.channel, ==, (uint8_t) number);
        g_assert_cmpuint(frame.size, ==, size);
        g_assert_cmpint(mark, ==, number % 2);
        for (size_t i = 0; i < size; i++)
                g_assert_cmpuint(frame.data[i], ==, (uint8_t) number);
}

static void empty(LeadIn *l) {
        uint8_t buf[OMP_VALUE_MAX];
        Frame frame;
        bool mark;

        g_assert_cmpuint(lead_in_first_usec(l), ==, UINT64_MAX);
        g_assert_cmpuint(lead_in_first_realtime(l), ==, 0);
        g_assert_false(lead_in_take(l, &frame, buf, &mark));
}

static void test_in_order(void) {
        g_auto(LeadIn) l = {};

        empty(&l);
        put(&l, 1, 20);
        put(&l, 2, 0);
        put(&l, 3, OMP_VALUE_MAX);
        take(&l, 1, 20);
        take(&l, 2, 0);
        put(&l, 4, 1);
        take(&l, 3, OMP_VALUE_MAX);
        take(&l, 4, 1);
        empty(&l);
        lead_in_clear(&l);
        empty(&l);
}

/* Over the ring's end, at every offset. */
static void test_goes_round(void) {
        g_auto(LeadIn) l = {};
        unsigned first = 0, n = 0;

        for (unsigned i = 0; i < 20000; i++) {
                size_t size = i * 7 % 61;

                while (!lead_in_has_room(&l, size)) {
                        take(&l, first, first * 7 % 61);
                        first++;
                        n--;
                }
                put(&l, i, size);
                n++;
                g_assert_cmpuint(l.n, ==, n);
                g_assert_cmpuint(l.used, <=, LEAD_IN_SIZE);
                g_assert_cmpuint(l.n, <=, LEAD_IN_FRAMES_MAX);
        }
        g_assert_cmpuint(first, >, 10000);
        while (n-- > 0) {
                take(&l, first, first * 7 % 61);
                first++;
        }
        empty(&l);
}

static void test_the_fullest(void) {
        g_auto(LeadIn) l = {};
        unsigned n = 0;

        for (; lead_in_has_room(&l, 0); n++)
                put(&l, n, 0);
        g_assert_cmpuint(n, <=, LEAD_IN_FRAMES_MAX);
        g_assert_cmpuint(n, >, 5000);
        g_assert_false(lead_in_has_room(&l, OMP_VALUE_MAX));
}

/* ---- Of a session ---- */

static uint64_t lead_in_of(const Talk *talk) {
        Figures f;

        session_figures(tracker_session(talk->tracker), talk->now_usec, &f);
        return (uint64_t) f.value[FIGURE_LEAD_IN].i;
}

static void rest(Talk *talk, unsigned n) {
        for (unsigned i = 0; i < n; i++)
                live(talk, LIFTED | MOTOR, 3);
}

static void test_ten_seconds_are_kept(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        rest(talk, 200);
        told(talk, "");
        use(talk, 1, 0);
        g_assert_cmpuint(lead_in_of(talk), ==, 10 * SEC);
        g_assert_cmpuint(talk->kept->len, ==, 101);
        g_assert_cmpuint(tracker_session(talk->tracker)->start_boottime_usec, ==, talk->now_usec - 10 * SEC);
        g_assert_cmpuint(tracker_session(talk->tracker)->start_realtime_usec, ==, REALTIME_OFFSET + talk->now_usec - 10 * SEC);
        stop(talk);
        /* What came counts. */
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 99 * 3 + 12);
        g_assert_cmpint(talk->figures.value[FIGURE_DURATION].i, ==, 0);
}

/* Within the first ten seconds of the host's clock. */
static void test_soon_after_the_boot(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        talk->now_usec = 2 * SEC;
        talk->booted_usec = 0;
        rest(talk, 30);
        use(talk, 1, 0);
        told(talk, "opened running");
        g_assert_cmpuint(lead_in_of(talk), ==, 3 * SEC);
        stop(talk);
}

static void test_all_that_came_is_kept(void) {
        static const uint8_t junk[] = { 1, 2 };
        g_autoptr(Talk) talk = talk_new(NULL);

        status(talk, false);
        event(talk, OMP_EVENT_BUTTON, false);
        raw(talk, 77, FRAME_FROM_DEVICE, junk, sizeof(junk));
        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, junk, 0);
        use(talk, 1, 0);
        told(talk, "opened event:40 <characteristic unknown-77> running");
        g_assert_cmpuint(talk->kept->len, ==, 5);
        stop(talk);
}

static void test_as_long_as_it_was_set(void) {
        static const struct {
                uint64_t set_usec, kept_usec;
        } cases[] = { { 0, 0 }, { SEC, SEC }, { 60 * SEC, 60 * SEC }, { 3600 * SEC, 60 * SEC } };

        for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
                TrackerSettings settings = talk_settings;
                g_autoptr(Talk) talk = NULL;

                settings.lead_in_usec = cases[i].set_usec;
                talk = talk_new(&settings);
                rest(talk, 700);
                use(talk, 1, 0);
                g_assert_cmpuint(lead_in_of(talk), ==, cases[i].kept_usec);
                stop(talk);
        }
}

static void test_of_an_ended_session_nothing_is_kept(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        use(talk, 20, FLAG);
        stop(talk);
        use(talk, 5, FLAG);             /* the hand is still on the skin: of the one that was ended */
        rest(talk, 3);
        use(talk, 1, FLAG);
        told(talk, "opened running");
        g_assert_cmpuint(lead_in_of(talk), ==, 3 * SEC / 10);
        stop(talk);
}

static void test_a_lost_link_ends_it(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        rest(talk, 20);
        link_frame(talk, FRAME_LINK_LOST);
        link_frame(talk, FRAME_LINK_UP);
        rest(talk, 2);
        use(talk, 1, 0);
        g_assert_cmpuint(lead_in_of(talk), ==, 2 * SEC / 10);
        stop(talk);
}

static void test_by_hand_there_is_none(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        feature(talk, OMP_FEATURE_STROKES, 12);
        rest(talk, 20);
        begin_by_hand(talk);
        g_assert_cmpuint(talk->kept->len, ==, 1); /* the Feature */
        use(talk, 1, 0);
        g_assert_cmpuint(lead_in_of(talk), ==, SEC / 10);
        stop(talk);
        /* Nor is it of the next. */
        rest(talk, 1);
        use(talk, 1, 0);
        g_assert_cmpuint(lead_in_of(talk), ==, SEC / 10);
        stop(talk);
}

/* The Feature, then the limits, then what came: whatever is computed from the record has both from its beginning. */
static void test_limits_hold_from_time_0(void) {
        TrackerSettings settings = talk_settings;
        g_autoptr(Talk) talk = NULL;
        const Frame *first, *second, *third;

        settings.limits = (NoteLimits) { .overpressure_mn = 3000, .zone_low_mn = 300, .zone_high_mn = 2000 };
        talk = talk_new(&settings);
        feature(talk, OMP_FEATURE_STROKES, 12);
        rest(talk, 1);
        use(talk, 1, 0);
        first = talk->kept->pdata[0];
        second = talk->kept->pdata[1];
        third = talk->kept->pdata[2];
        g_assert_cmpint(first->channel, ==, OMP_CHAR_FEATURE);
        g_assert_cmpint(second->direction, ==, FRAME_OF_HOST);
        g_assert_cmpint(second->data[0], ==, NOTE_LIMITS);
        g_assert_cmpint(third->channel, ==, OMP_CHAR_LIVE);
        g_assert_cmpuint(first->boottime_usec, ==, third->boottime_usec);
        g_assert_cmpuint(second->boottime_usec, ==, third->boottime_usec);
        g_assert_cmpuint(second->realtime_usec, ==, third->realtime_usec);
        stop(talk);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/lead-in/in-order", test_in_order);
        g_test_add_func("/lead-in/goes-round", test_goes_round);
        g_test_add_func("/lead-in/the-fullest", test_the_fullest);
        g_test_add_func("/lead-in/ten-seconds-are-kept", test_ten_seconds_are_kept);
        g_test_add_func("/lead-in/soon-after-the-boot", test_soon_after_the_boot);
        g_test_add_func("/lead-in/all-that-came-is-kept", test_all_that_came_is_kept);
        g_test_add_func("/lead-in/as-long-as-it-was-set", test_as_long_as_it_was_set);
        g_test_add_func("/lead-in/of-an-ended-session-nothing-is-kept", test_of_an_ended_session_nothing_is_kept);
        g_test_add_func("/lead-in/a-lost-link-ends-it", test_a_lost_link_ends_it);
        g_test_add_func("/lead-in/by-hand-there-is-none", test_by_hand_there_is_none);
        g_test_add_func("/lead-in/limits-hold-from-time-0", test_limits_hold_from_time_0);
        return g_test_run();
}
