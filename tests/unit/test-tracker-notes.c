/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "talk.h"

/* ---- Pauses ---- */

static void test_without_contact_it_is_paused(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);
        const Frame *note;

        use(talk, 10, 0);
        told(talk, "opened running");
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, talk->now_usec + 15 * SEC);
        lift(talk, 14);
        told(talk, "");
        lift(talk, 1);
        told(talk, "paused");
        note = talk->kept->pdata[talk->kept->len - 1];
        g_assert_cmpint(note->direction, ==, FRAME_OF_HOST);
        g_assert_cmpmem(note->data, note->size, "\x01\x01", 2);
        g_assert_cmpint(session(talk)->pause, ==, NOTE_PAUSE_IDLE);

        lift(talk, 5);
        live(talk, CONTACT, 0);         /* contact alone is no use */
        told(talk, "");
        use(talk, 10, 0);
        told(talk, "running");
        g_assert_cmpint(figure(talk, FIGURE_PAUSED_TIME), ==, 5 * (int64_t) SEC + 200000);
        stop(talk);
}

/* Held still on the skin. */
static void test_contact_is_no_pause(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);

        use(talk, 10, 0);
        for (int i = 0; i < 1000; i++) {
                live(talk, CONTACT, 0);
                tick(talk);
        }
        told(talk, "opened running");
        lift(talk, 15);
        told(talk, "paused");
        stop(talk);
}

static void test_who_tells_no_contact_is_not_paused(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);

        live(talk, FLAG, 0);
        told(talk, "opened running");
        talk->now_usec += 100 * SEC;
        tick(talk);
        told(talk, "");
        stop(talk);
}

static void test_a_pause_by_itself_ends_by_idleness(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);
        uint64_t last;

        use(talk, 11, 0);
        last = talk->now_usec;
        lift(talk, 119);
        told(talk, "opened running paused");
        lift(talk, 1);
        told(talk, "ended:idle");
        g_assert_cmpuint(talk->ended->end_boottime_usec, ==, last);
        g_assert_cmpint(talk->figures.value[FIGURE_PAUSED_TIME].i, ==, 0); /* it began after the end */
        g_assert_cmpint(talk->figures.value[FIGURE_DURATION].i, ==, (int64_t) SEC);
}

static void test_a_pause_by_hand_waits_for_the_window(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);
        uint64_t pressed;

        use(talk, 10, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, -EALREADY);
        pressed = talk->now_usec;
        g_assert_cmpuint(tracker_deadline(talk->tracker), ==, pressed + 600 * SEC);
        lift(talk, 599);
        told(talk, "opened running paused");
        g_assert_cmpint(unpause(talk), ==, 0);
        told(talk, "running");
        g_assert_cmpint(unpause(talk), ==, -EALREADY);
        g_assert_cmpint(figure(talk, FIGURE_PAUSED_TIME), ==, 599 * (int64_t) SEC);
        stop(talk);
}

/* Begun, paused and resumed by hand, and not used yet: that is no break of use, and waits as long as if nobody had paused. */
static void test_before_use_it_is_not_paused_by_itself(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);

        begin_by_hand(talk);
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        g_assert_cmpint(unpause(talk), ==, 0);
        lift(talk, 599);
        told(talk, "opened paused running");
        lift(talk, 1);
        told(talk, "ended:idle");
}

/* It was lifted for a while, and then somebody says that it is a break. */
static void test_a_pause_by_hand_within_one_by_itself(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);

        use(talk, 11, 0);
        lift(talk, 20);
        told(talk, "opened running paused");
        g_assert_cmpint(pause_by_hand(talk), ==, 0);
        g_assert_cmpint(pause_by_hand(talk), ==, -EALREADY);
        lift(talk, 500);                /* longer than idleness */
        told(talk, "");
        use(talk, 1, 0);
        told(talk, "running");
        stop(talk);
}

/* Somebody was late with the clock: the pause is when it is told, not when it was due. */
static void test_a_late_tick(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 15 * SEC);

        use(talk, 10, 0);
        talk->now_usec += 40 * SEC;
        live(talk, LIFTED, 0);
        tick(talk);
        told(talk, "opened running paused");
        g_assert_cmpuint(session(talk)->paused_from_usec, ==, talk->now_usec);
        stop(talk);
}

/* ---- Stages, areas, marks ---- */

static void test_stages_and_their_times(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        g_assert_cmpint(set_stage(talk, STAGE_CLEANSE), ==, -ENOENT);
        use(talk, 1, 0);
        g_assert_cmpint(set_stage(talk, (Stage) 9), ==, -EINVAL);
        g_assert_cmpint(set_stage(talk, STAGE_CLEANSE), ==, 0);
        g_assert_cmpint(set_stage(talk, STAGE_CLEANSE), ==, -EALREADY);
        use(talk, 20, 0);
        g_assert_cmpint(set_stage(talk, STAGE_NEEDLING), ==, 0);
        use(talk, 50, 0);
        g_assert_cmpint(set_stage(talk, STAGE_NONE), ==, 0);
        use(talk, 10, 0);
        g_assert_cmpint(set_stage(talk, STAGE_NEEDLING), ==, 0);
        use(talk, 5, 0);
        told(talk, "opened running stage:cleanse stage:needling stage: stage:needling");
        g_assert_cmpuint(session_stage_usec(session(talk), STAGE_CLEANSE, talk->now_usec), ==, 2 * SEC);
        g_assert_cmpuint(session_stage_usec(session(talk), STAGE_NEEDLING, talk->now_usec), ==, 5 * SEC + SEC / 2);
        g_assert_false(session(talk)->not_cleansed);
        stop(talk);
}

static void test_needling_without_cleansing_is_noted(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 1, 0);
        g_assert_cmpint(set_stage(talk, STAGE_NEEDLING), ==, 0);
        g_assert_true(session(talk)->not_cleansed);
        g_assert_cmpint(set_stage(talk, STAGE_CLEANSE), ==, 0); /* too late */
        use(talk, 1, 0);
        g_assert_true(session(talk)->not_cleansed);
        stop(talk);
}

static void test_use_without_cleansing_is_noted(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 3, 0);
        g_assert_false(session(talk)->not_cleansed); /* nobody follows stages */
        live(talk, LIFTED, 0);
        g_assert_cmpint(set_stage(talk, STAGE_NUMB), ==, 0);
        live(talk, LIFTED, 0);
        g_assert_false(session(talk)->not_cleansed);
        use(talk, 1, 0);
        g_assert_true(session(talk)->not_cleansed);
        stop(talk);
}

static void live_in_area(Talk *talk, uint8_t area) {
        uint8_t buf[64];
        OmpLive l = { .flags = MOTOR | CONTACT | OMP_LIVE_AREA, .force_mean_mn = 800, .force_peak_mn = 1200, .area = area };
        int n;

        talk->now_usec += SEC / 10;
        talk->strokes += 10;
        l.sequence = talk->live_sequence++;
        l.tick = (uint32_t) (talk->now_usec / OMP_TICK_USEC);
        l.strokes = talk->strokes;
        n = omp_live_encode(&l, buf, sizeof(buf));
        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) n);
}

static int64_t strokes_in(const Talk *talk, uint8_t area) {
        uint8_t number;
        Figures f;

        for (unsigned i = 0; session_area_figures(session(talk), i, &number, &f); i++)
                if (number == area && figures_has(&f, FIGURE_STROKES))
                        return f.value[FIGURE_STROKES].i;

        return -1;
}

static void test_the_devices_own_area_wins(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        g_assert_cmpint(set_area(talk, "nose"), ==, -ENOENT);
        live_in_area(talk, 0);
        g_assert_cmpint(set_area(talk, "nose"), ==, 0);
        g_assert_cmpint(set_area(talk, "nose"), ==, -EALREADY);
        g_assert_cmpint(tracker_set_area(talk->tracker, 99, talk->now_usec, 0), ==, -EINVAL);
        live_in_area(talk, 0);          /* 0: it does not say */
        told(talk, "opened running area:nose");
        live_in_area(talk, 3);
        told(talk, "area:cheek-left");
        g_assert_cmpint(set_area(talk, "chin"), ==, 0);
        live_in_area(talk, 3);
        told(talk, "");
        use(talk, 1, 0);                /* has no room for it, or has none */
        told(talk, "area:chin");
        g_assert_cmpint(strokes_in(talk, 5), ==, 10);
        g_assert_cmpint(strokes_in(talk, 3), ==, 20);
        g_assert_cmpint(strokes_in(talk, 9), ==, 12);
        g_assert_cmpint(figure(talk, FIGURE_STROKES), ==, 42);
        stop(talk);
}

static void test_an_area_that_does_not_exist(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        live_in_area(talk, 99);
        live_in_area(talk, 99);
        g_assert_cmpint(session(talk)->area_now, ==, 0);
        g_assert_true(session(talk)->tally.areas.overflowed);
        g_assert_cmpint(strokes_in(talk, 0), ==, 10);
        g_string_truncate(talk->told, 0);
        for (unsigned area = 1; area < 40; area++)
                live_in_area(talk, (uint8_t) area);
        g_assert_cmpint(figure(talk, FIGURE_STROKES), ==, 40 * 10);
        g_assert_cmpuint(session(talk)->tally.areas.n, ==, AREAS_MAX);
        stop(talk);
}

static void test_marks(void) {
        g_autofree char *most = g_strnfill(NOTE_TEXT_MAX, 'x'), *over = g_strnfill(NOTE_TEXT_MAX + 1, 'x');
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        g_assert_cmpint(mark(talk, "here"), ==, -ENOENT);
        use(talk, 1, 0);
        g_assert_cmpint(mark(talk, ""), ==, -EINVAL);
        g_assert_cmpint(mark(talk, "two\nlines"), ==, -EINVAL);
        g_assert_cmpint(mark(talk, over), ==, -EINVAL);
        g_assert_cmpint(mark(talk, "here"), ==, 0);
        told(talk, "opened running mark:here");
        g_assert_cmpint(mark(talk, most), ==, 0);
        link_frame(talk, FRAME_LINK_LOST); /* a person goes on all the same */
        g_assert_cmpint(mark(talk, "away"), ==, 0);
        g_assert_cmpint(set_stage(talk, STAGE_AFTERCARE), ==, 0);
        stop(talk);
}

/* What a later version noted is kept, and changes nothing. */
static void test_unknown_notes(void) {
        static const char *const octets[] = { "\x77\x01", "\x06\x63\x01\0\0\0\0", "\x06\x01\x09\0\0\0\0", "\x03\x09", "\x01\x02",
                                              "\x00" };
        static const size_t sizes[] = { 2, 7, 7, 2, 2, 1 };
        g_autoptr(Talk) talk = talk_with(NULL, 0);
        unsigned kept;

        use(talk, 1, 0);
        kept = talk->kept->len;
        for (unsigned i = 0; i < G_N_ELEMENTS(octets); i++)
                (void) tracker_feed(talk->tracker, &(Frame) { .boottime_usec = talk->now_usec, .direction = FRAME_OF_HOST,
                                                              .size = (uint16_t) sizes[i], .data = (const uint8_t *) octets[i] });
        told(talk, "opened running");
        g_assert_cmpuint(talk->kept->len, ==, kept + G_N_ELEMENTS(octets));
        stop(talk);
}

/* The link does not speak for the host. */
static void test_notes_do_not_come_from_the_link(void) {
        g_autoptr(Talk) talk = talk_with(NULL, 0);

        use(talk, 1, 0);
        raw(talk, 0, FRAME_OF_HOST, (const uint8_t *) "\x01", 1);
        told(talk, "opened running");
        stop(talk);
}

/* ---- Killed in the middle ---- */

static Talk *resume(Talk *from) {
        g_autofree Frame *frames = g_new(Frame, from->kept->len);
        Talk *talk = talk_new(NULL);

        for (unsigned i = 0; i < from->kept->len; i++)
                frames[i] = *(const Frame *) from->kept->pdata[i];
        talk->now_usec = from->now_usec + 5 * SEC;
        talk->strokes = from->strokes;
        talk->partial = true;
        g_assert_cmpint(tracker_resume(talk->tracker, &(SessionIdentity) { .id = 1 }, session(from)->start_boottime_usec,
                                       session(from)->start_realtime_usec, frames, from->kept->len, true, talk->now_usec,
                                       REALTIME_OFFSET + talk->now_usec), ==, 0);
        return talk;
}

static void test_resumed_as_it_was(void) {
        g_autoptr(Talk) before = talk_with(&pen_limits, 15 * SEC), after = NULL;
        Figures then, now;

        lift(before, 5);
        use(before, 10, 0);
        g_assert_cmpint(set_area(before, "nose"), ==, 0);
        g_assert_cmpint(set_stage(before, STAGE_NEEDLING), ==, 0);
        press(before, 10, 3500);
        lift(before, 17);
        g_assert_cmpint(session(before)->state, ==, SESSION_PAUSED);
        session_figures(session(before), before->now_usec, &then);

        after = resume(before);
        told(after, "");                /* all of it was told when it happened */
        g_assert_cmpint(session(after)->state, ==, SESSION_INTERRUPTED);
        session_figures(session(after), before->now_usec, &now);
        g_assert_cmpmem(&then, sizeof(then), &now, sizeof(now));
        g_assert_cmpint(session(after)->stage, ==, STAGE_NEEDLING);
        g_assert_true(session(after)->not_cleansed);
        g_assert_cmpint(session(after)->area_now, ==, 5);
        g_assert_cmpint(session(after)->pause, ==, NOTE_PAUSE_IDLE);
        g_assert_cmpuint(alerts_count(&session(after)->alerts), ==, 1);

        link_frame(after, FRAME_LINK_UP);
        told(after, "gap:0:0 paused");
        use(after, 1, 0);
        told(after, "running");
        stop(after);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker-notes/without-contact-it-is-paused", test_without_contact_it_is_paused);
        g_test_add_func("/tracker-notes/contact-is-no-pause", test_contact_is_no_pause);
        g_test_add_func("/tracker-notes/who-tells-no-contact-is-not-paused", test_who_tells_no_contact_is_not_paused);
        g_test_add_func("/tracker-notes/a-pause-by-itself-ends-by-idleness", test_a_pause_by_itself_ends_by_idleness);
        g_test_add_func("/tracker-notes/a-pause-by-hand-waits-for-the-window", test_a_pause_by_hand_waits_for_the_window);
        g_test_add_func("/tracker-notes/before-use-it-is-not-paused-by-itself", test_before_use_it_is_not_paused_by_itself);
        g_test_add_func("/tracker-notes/a-late-tick", test_a_late_tick);
        g_test_add_func("/tracker-notes/stages-and-their-times", test_stages_and_their_times);
        g_test_add_func("/tracker-notes/needling-without-cleansing-is-noted", test_needling_without_cleansing_is_noted);
        g_test_add_func("/tracker-notes/use-without-cleansing-is-noted", test_use_without_cleansing_is_noted);
        g_test_add_func("/tracker-notes/the-devices-own-area-wins", test_the_devices_own_area_wins);
        g_test_add_func("/tracker-notes/an-area-that-does-not-exist", test_an_area_that_does_not_exist);
        g_test_add_func("/tracker-notes/marks", test_marks);
        g_test_add_func("/tracker-notes/unknown-notes", test_unknown_notes);
        g_test_add_func("/tracker-notes/notes-do-not-come-from-the-link", test_notes_do_not_come_from_the_link);
        g_test_add_func("/tracker-notes/resumed-as-it-was", test_resumed_as_it_was);
        g_test_add_func("/tracker-notes/a-pause-by-hand-within-one-by-itself", test_a_pause_by_hand_within_one_by_itself);
        return g_test_run();
}
