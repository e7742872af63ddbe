/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "talk.h"

/* Each session that ends in these conversations is replayed by talk.c, and must give the same figures. What is tested here is what the
 * frames alone do not show. */

static void finish(Talk *talk) {
        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET + talk->now_usec), ==, 0);
}

static void start(Talk *talk) {
        g_assert_cmpint(tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec,
                                      REALTIME_OFFSET + talk->now_usec), ==, 0);
}

static void test_opened_by_hand_before_the_first_frame(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        start(talk);
        talk->now_usec += 7 * SEC;
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 10, 0);
        talk->now_usec += 3 * SEC;
        finish(talk);
        told(talk, "opened running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LEAD_IN].i, ==, 7 * (int64_t) SEC + 100000);
        g_assert_cmpint(talk->figures.value[FIGURE_DURATION].i, ==, 3 * (int64_t) SEC + 900000);
}

/* What came before it is not in the record, so it is not in the figures. */
static void test_opened_by_hand_in_the_middle_of_use(void) {
        TrackerSettings off = talk_settings;
        g_autoptr(Talk) talk = NULL;

        off.auto_start = false;
        talk = talk_new(&off);
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 10, 0);
        start(talk);
        talk->live_sequence += 3;       /* lost on the way: unknown to a session that has had nothing yet */
        use(talk, 10, 0);
        finish(talk);
        told(talk, "opened running ended:user");
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_STROKES].i, ==, 9 * 12);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_LIVE].i, ==, 0);
        g_assert_cmpuint(tracker_counters(talk->tracker)->lost, ==, 3);
}

static void test_opened_by_an_event(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        event(talk, OMP_EVENT_BUTTON, false);
        talk->event_sequence += 2;
        live(talk, LIFTED, 0);
        event(talk, OMP_EVENT_SESSION_START, false);
        use(talk, 10, FLAG);
        event(talk, OMP_EVENT_SESSION_END, false);
        told(talk, "opened event:40 event:10 running gap:3:2 event:11 ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LOST_EVENT].i, ==, 2);
}

static void test_pauses_by_hand_change_nothing(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        start(talk);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        talk->now_usec += 60 * SEC;
        link_frame(talk, FRAME_LINK_UP);
        use(talk, 5, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += 5 * SEC;
        link_frame(talk, FRAME_LINK_UP);
        g_assert_cmpint(unpause(talk), ==, 0);
        use(talk, 5, 0);
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LEAD_IN].i, ==, 60 * (int64_t) SEC + 100000);
        g_assert_cmpint(talk->figures.value[FIGURE_GAP_TIME].i, ==, 5 * (int64_t) SEC);
}

/* An unpaused session is not a used one. */
static void test_unpaused_before_use(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        start(talk);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        g_assert_cmpint(unpause(talk), ==, 0);
        talk->now_usec += 4 * SEC;
        use(talk, 5, 0);
        finish(talk);
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LEAD_IN].i, ==, 4 * (int64_t) SEC + 100000);
}

static void test_ended_by_waiting(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        use(talk, 5, 0);
        for (int i = 0; i < 1200; i++)
                live(talk, LIFTED, 0);
        tick(talk);
        use(talk, 5, 0);
        link_frame(talk, FRAME_LINK_LOST);
        talk->now_usec += 601 * SEC;
        tick(talk);
        told(talk, "opened running ended:idle opened running interrupted ended:window");
        g_assert_cmpuint(talk->replayed, ==, 2);
}

/* A reader that has no newer frame, and a clock: what is due by then is due. */
static void test_time_goes_on_without_a_frame(void) {
        NoteLimits hold = pen_limits;
        g_autoptr(Talk) talk = NULL;
        g_autoptr(Replay) replay = NULL;
        const Session *s;
        uint64_t due_usec;

        hold.time_limit_sec = 10;
        talk = talk_with(&hold, 0);
        use(talk, 2, 0);
        due_usec = tracker_deadline(talk->tracker);
        replay = replay_new(&(ReplaySettings) { .start_boottime_usec = session(talk)->start_boottime_usec });
        for (unsigned i = 0; i < talk->kept->len; i++)
                g_assert_false(replay_frame(replay, talk->kept->pdata[i]));
        s = replay_session(replay);
        replay_until(replay, due_usec - 1);
        g_assert_false(alerts_stands(&s->alerts, ALERT_TIME_LIMIT));
        replay_until(replay, due_usec);
        g_assert_true(alerts_stands(&s->alerts, ALERT_TIME_LIMIT));
        stop(talk);
}

static void test_feature_is_the_first_frame(void) {
        g_autoptr(Talk) talk = talk_new(NULL);
        const Frame *first;

        link_frame(talk, FRAME_LINK_UP);
        feature(talk, OMP_FEATURE_STROKES | OMP_FEATURE_OVERPRESSURE, 16);
        g_assert_cmpuint(tracker_counters(talk->tracker)->received, ==, 0); /* it was read, not notified */
        talk->now_usec += 30 * SEC;
        live(talk, LIFTED, 0);
        use(talk, 10, FLAG);
        first = talk->kept->pdata[0];
        g_assert_cmpint(first->channel, ==, OMP_CHAR_FEATURE);
        g_assert_cmpuint(first->boottime_usec, ==, tracker_session(talk->tracker)->start_boottime_usec);
        g_assert_cmpuint(first->realtime_usec, ==, tracker_session(talk->tracker)->start_realtime_usec);
        g_assert_cmpmem(tracker_session(talk->tracker)->feature_data, tracker_session(talk->tracker)->feature_size, first->data, first->size);
        live(talk, LIFTED, 0);
        told(talk, "opened running ended:device");
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_LEAD_IN].i, ==, 100000);
        g_assert_cmpint(talk->figures.value[FIGURE_PUNCTURES].i, ==, 10 * 12 * 16);
        g_assert_cmpint(talk->figures.value[FIGURE_OVER_COUNT].i, ==, 0);

        use(talk, 1, FLAG);             /* the next session has it too */
        g_assert_cmpint(((const Frame *) talk->kept->pdata[talk->kept_from])->channel, ==, OMP_CHAR_FEATURE);
}

/* Another head is fitted while the link is away. */
static void test_feature_that_changes_is_kept_where_it_comes(void) {
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        feature(talk, OMP_FEATURE_STROKES, 16);
        live(talk, LIFTED, 0);
        use(talk, 10, FLAG);
        link_frame(talk, FRAME_LINK_LOST);
        link_frame(talk, FRAME_LINK_UP);
        feature(talk, OMP_FEATURE_STROKES, 12);
        use(talk, 10, FLAG);
        live(talk, LIFTED, 0);
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_PUNCTURES].i, ==, 20 * 12 * 12);
}

static void test_feature_that_cannot_be_read_changes_nothing(void) {
        static const uint8_t junk[] = { 0x01, 0x00, 0xff };
        g_autoptr(Talk) talk = talk_new(NULL);

        link_frame(talk, FRAME_LINK_UP);
        feature(talk, OMP_FEATURE_STROKES, 16);
        raw(talk, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, junk, sizeof(junk));
        live(talk, LIFTED, 0);
        use(talk, 10, FLAG);
        raw(talk, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, junk, sizeof(junk));
        live(talk, LIFTED, 0);
        g_assert_cmpuint(talk->replayed, ==, 1);
        g_assert_cmpint(talk->figures.value[FIGURE_PUNCTURES].i, ==, 10 * 12 * 16);
        g_assert_cmpuint(tracker_counters(talk->tracker)->malformed, ==, 2);
}

static void test_facts_are_told_again(void) {
        g_autoptr(Talk) talk = talk_new(NULL);
        g_autoptr(Replay) r = NULL;
        g_autofree Frame *frames = NULL;
        unsigned n;

        link_frame(talk, FRAME_LINK_UP);
        use(talk, 3, FLAG);
        talk->live_sequence += 2;
        use(talk, 3, FLAG);
        event(talk, OMP_EVENT_BUTTON, false);
        live(talk, LIFTED, 0);
        told(talk, "opened running event:40 gap:1:2 ended:device");

        n = talk->kept->len;
        frames = g_new(Frame, n);
        for (unsigned i = 0; i < n; i++)
                frames[i] = *(const Frame *) talk->kept->pdata[i];
        r = replay_new(&(ReplaySettings) { .start_boottime_usec = frames[0].boottime_usec, .observer = &talk_observer,
                                           .userdata = talk });
        for (unsigned i = 0; i < n; i++)
                g_assert_cmpint(replay_frame(r, &frames[i]), ==, i == n - 1);
        told(talk, "running event:40");
        replay_end(r);
        told(talk, "gap:1:2");
        g_assert_cmpint(replay_session(r)->state, ==, SESSION_RUNNING);
}

static void step(Talk *talk, GRand *rand) {
        static const uint8_t junk[] = { 0x80, 0x1b, 0x02 };

        switch (g_rand_int_range(rand, 0, 24)) {
        case 0:
                link_frame(talk, FRAME_LINK_LOST);
                talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 700) * SEC / 10;
                break;
        case 1:
                link_frame(talk, FRAME_LINK_UP);
                feature(talk, (uint32_t) g_rand_int(rand), (uint16_t) g_rand_int_range(rand, 0, 40));
                break;
        case 2:
                talk->live_sequence = (uint16_t) (talk->live_sequence + g_rand_int_range(rand, -4, 9));
                break;
        case 3:
                talk->event_sequence = (uint16_t) (talk->event_sequence + g_rand_int_range(rand, -3, 4));
                break;
        case 4: /* a reboot */
                link_frame(talk, FRAME_LINK_LOST);
                talk->strokes = 0;
                talk->booted_usec = talk->now_usec;
                talk->now_usec += SEC;
                link_frame(talk, FRAME_LINK_UP);
                break;
        case 5:
                talk->held_up_usec = (uint64_t) g_rand_int_range(rand, 0, 3) * SEC;
                break;
        case 6:
                (void) pause_by_hand(talk);
                break;
        case 7:
                (void) unpause(talk);
                break;
        case 8:
                event(talk, g_rand_boolean(rand) ? OMP_EVENT_SESSION_START : OMP_EVENT_SESSION_END, g_rand_boolean(rand));
                break;
        case 9:
                status(talk, g_rand_boolean(rand));
                break;
        case 10:
                raw(talk, (uint8_t) g_rand_int_range(rand, 0, 12), FRAME_FROM_DEVICE, junk, (size_t) g_rand_int_range(rand, 0, 4));
                break;
        case 11:
                (void) tracker_start(talk->tracker, &(SessionIdentity) { .id = 9 }, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
                break;
        case 12:
                (void) tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
                break;
        case 13:
                talk->now_usec += (uint64_t) g_rand_int_range(rand, 0, 1300) * SEC / 10;
                tick(talk);
                break;
        case 14:
                live(talk, LIFTED | (unsigned) (g_rand_int(rand) & (MOTOR | FLAG)), (unsigned) g_rand_int_range(rand, 0, 3));
                break;
        default:
                use(talk, (unsigned) g_rand_int_range(rand, 1, 10), g_rand_int_range(rand, 0, 4) ? FLAG : OMP_LIVE_OVERPRESSURE);
                break;
        }
}

/* Losses, gaps, reboots, pauses, late reading, junk, sessions by hand, in any order; half of them with what still comes after the end. */
static void test_any_conversation(void) {
        TrackerSettings settings = talk_settings;
        unsigned replayed = 0;

        for (guint32 seed = 1; seed <= 300; seed++) {
                g_autoptr(GRand) rand = g_rand_new_with_seed(seed);
                g_autoptr(Talk) talk = NULL;

                settings.settle_usec = seed % 2 ? SEC / 4 : 0;
                talk = talk_new(&settings);
                g_test_message("seed %u", seed);
                for (unsigned i = 0; i < 200; i++)
                        step(talk, rand);
                replayed += talk->replayed;
        }
        g_assert_cmpuint(replayed, >, 1000);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/replay/opened-by-hand-before-the-first-frame", test_opened_by_hand_before_the_first_frame);
        g_test_add_func("/replay/opened-by-hand-in-the-middle-of-use", test_opened_by_hand_in_the_middle_of_use);
        g_test_add_func("/replay/opened-by-an-event", test_opened_by_an_event);
        g_test_add_func("/replay/pauses-by-hand-change-nothing", test_pauses_by_hand_change_nothing);
        g_test_add_func("/replay/unpaused-before-use", test_unpaused_before_use);
        g_test_add_func("/replay/ended-by-waiting", test_ended_by_waiting);
        g_test_add_func("/replay/time-goes-on-without-a-frame", test_time_goes_on_without_a_frame);
        g_test_add_func("/replay/feature-is-the-first-frame", test_feature_is_the_first_frame);
        g_test_add_func("/replay/feature-that-changes-is-kept-where-it-comes", test_feature_that_changes_is_kept_where_it_comes);
        g_test_add_func("/replay/feature-that-cannot-be-read-changes-nothing", test_feature_that_cannot_be_read_changes_nothing);
        g_test_add_func("/replay/facts-are-told-again", test_facts_are_told_again);
        g_test_add_func("/replay/any-conversation", test_any_conversation);
        return g_test_run();
}
