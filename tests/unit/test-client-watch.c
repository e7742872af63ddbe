/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>
#include <string.h>

#include "client/redact.h"
#include "client/text.h"
#include "client/watch-json.h"
#include "client/watch-text.h"
#include "watch-fixture.h"

/* ---- Model ---- */

static void test_the_largest_peak_is_held_for_two_seconds(void) {
        WatchModel m;
        int32_t held = 0;

        begin(&m, "streaming", "");
        g_assert_false(watch_model_hold(&m, NOW, &held));
        feed(&m, live(900, 2400, 0), NOW);
        feed(&m, live(800, 1200, 0), NOW + S);
        g_assert_true(watch_model_hold(&m, NOW + S, &held));
        g_assert_cmpint(held, ==, 2400);
        feed(&m, live(800, 1100, 0), NOW + 2 * S + 1);
        g_assert_true(watch_model_hold(&m, NOW + 2 * S + 1, &held));
        g_assert_cmpint(held, ==, 1100);
        g_assert_false(watch_model_hold(&m, NOW + 5 * S, &held));
        watch_model_done(&m);
}

static void test_the_last_minute_and_not_more(void) {
        WatchModel m;
        int32_t force = 0;

        begin(&m, "streaming", "");
        feed(&m, live(1900, 2000, 0), NOW);
        feed(&m, live(700, 800, 0), NOW + 30 * S);
        feed(&m, live(600, 800, 0), NOW + 30 * S);
        g_assert_true(watch_model_history(&m, 0, WATCH_BUCKETS, NOW + 30 * S, &force));
        g_assert_cmpint(force, ==, 1900);
        g_assert_true(watch_model_history(&m, WATCH_BUCKETS - 1, WATCH_BUCKETS, NOW + 30 * S, &force));
        g_assert_cmpint(force, ==, 700);
        g_assert_true(
                watch_model_history(&m, 0, WATCH_BUCKETS, NOW + 61 * S, &force)); /* the first is too old */
        g_assert_cmpint(force, ==, 700);
        g_assert_false(watch_model_history(&m, 0, WATCH_BUCKETS, NOW + 200 * S, &force));
        g_assert_false(watch_model_history(&m, 0, WATCH_BUCKETS, 0, &force));
        watch_model_done(&m);
}

static void test_another_session_begins_with_nothing(void) {
        StreamRecord figures = { .type = NEEDLED_STREAM_FIGURES, .known = true };
        int32_t force = 0;
        WatchModel m;

        begin(&m, "streaming", "");
        figures_set(&figures.figures, FIGURE_STROKES, 7);
        feed(&m, figures, NOW);
        feed(&m, live(900, 2400, 0), NOW);
        watch_model_begin(&m, 42); /* the same, after its stream broke off */
        g_assert_true(figures_has(&m.figures, FIGURE_STROKES));
        g_assert_true(watch_model_history(&m, 0, WATCH_BUCKETS, NOW, &force));
        watch_model_begin(&m, 43);
        g_assert_false(figures_has(&m.figures, FIGURE_STROKES));
        g_assert_false(watch_model_history(&m, 0, WATCH_BUCKETS, NOW, &force));
        g_assert_false(m.has_live);
        g_assert_cmpstr(json_text(m.device, "kind"), ==, "pen");
        watch_model_done(&m);
}

static void test_values_go_stale(void) {
        WatchModel m;

        begin(&m, "streaming", "");
        g_assert_false(watch_model_is_fresh(&m, NOW));
        feed(&m, live(900, 1000, 0), NOW);
        g_assert_true(watch_model_is_fresh(&m, NOW + S));
        g_assert_false(watch_model_is_fresh(&m, NOW + 2 * S));
        g_assert_cmpuint(watch_model_elapsed(&m, NOW + 2 * S), ==, 7 * S);
        watch_model_done(&m);
}

static void test_zones_go_by_the_kind(void) {
        json_auto *roller = json_pack("{s:s}", "kind", "roller");
        WatchZones zones;
        WatchModel m;

        begin(&m, "streaming", "");
        zones = watch_model_zones(&m);
        g_assert_cmpint(watch_zone_of(&zones, -50), ==, WATCH_ZONE_LOW);
        g_assert_cmpint(watch_zone_of(&zones, 299), ==, WATCH_ZONE_LOW);
        g_assert_cmpint(watch_zone_of(&zones, 300), ==, WATCH_ZONE_GOOD);
        g_assert_cmpint(watch_zone_of(&zones, 2000), ==, WATCH_ZONE_HIGH);
        g_assert_cmpint(watch_zone_of(&zones, 3000), ==, WATCH_ZONE_OVER);
        watch_model_set_device(&m, roller);
        zones = watch_model_zones(&m);
        g_assert_cmpint(watch_zone_of(&zones, 499), ==, WATCH_ZONE_LOW);
        g_assert_cmpint(watch_zone_of(&zones, 3999), ==, WATCH_ZONE_GOOD);
        g_assert_cmpint(watch_zone_of(&zones, 4999), ==, WATCH_ZONE_HIGH);
        g_assert_cmpint(watch_zone_of(&zones, 5000), ==, WATCH_ZONE_OVER);
        watch_model_done(&m);
}

/* ---- View ---- */

static void test_a_running_session_at_80x24(void) {
        StreamRecord figures = { .type = NEEDLED_STREAM_FIGURES, .known = true };
        g_autofree char *text = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        figures_set(&figures.figures, FIGURE_DURATION, 754 * (int64_t) S);
        figures_set(&figures.figures, FIGURE_ZONE_GOOD, 600 * (int64_t) S);
        figures_set(&figures.figures, FIGURE_GAPS, 2);
        figures_set(&figures.figures, FIGURE_GAP_TIME, 3200000);
        figures_set(&figures.figures, FIGURE_LOST_LIVE, 3);
        feed(&m, figures, NOW);
        feed(&m, live(850, 1430, NEEDLED_STREAM_IN_CONTACT | NEEDLED_STREAM_MOTOR), NOW);

        text = render(&m, 79, 24, false, NOW);
        assert_shows(text, "Anna�[2J  C0:FF:EE:00:00:01  pen  battery 81 %");
        assert_shows(text, "Session 42  running  12m 34s");
        assert_shows(text, "0.85 N  good  peak   1.43 N  held   1.43 N");
        assert_shows(text, "0.30 good");
        assert_shows(text, "2.00 high");
        assert_shows(text, "3.00 over");
        assert_shows(text, "123456");
        assert_shows(text, "7004/min");
        assert_shows(text, "cheek-left");
        assert_shows(text, "0.50 mm");
        assert_shows(text, "good 10m 00s");
        assert_shows(text, "2 gaps of 3s, 3 packets lost");
        assert_shows(text, "Ctrl-C quits");
        assert_hides(text, "OVERPRESSURE");
        assert_hides(text, "\x1b");
        watch_model_done(&m);
}

static void test_overpressure_is_said_in_words(void) {
        StreamRecord event = { .type = NEEDLED_STREAM_EVENT,
                               .known = true,
                               .event = { .code = 1, .severity = 2, .asserted = 1, .value = 5210 } };
        g_autofree char *text = NULL, *later = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(3500, 5210, NEEDLED_STREAM_OVERPRESSURE), NOW);
        feed(&m, event, NOW);
        text = render(&m, 79, 24, false, NOW);
        assert_shows(text, "3.50 N  over");
        assert_shows(text, "OVERPRESSURE");
        assert_shows(text, "! overpressure began (5.21 N)");
        assert_shows(text, "▶"); /* the peak is beyond the bar */
        later = render(&m, 79, 24, false, NOW + 11 * S);
        assert_hides(later, "overpressure began");
        watch_model_done(&m);
}

static void test_an_unknown_event_is_shown_by_its_number(void) {
        StreamRecord event = { .type = NEEDLED_STREAM_EVENT,
                               .known = true,
                               .event = { .code = 0x99, .severity = 0, .asserted = 1, .value = 1 } };
        StreamRecord there = live(850, 1430, 0);
        g_autofree char *text = NULL, *plain = NULL;
        WatchModel m;

        there.live.area = 23;
        begin(&m, "streaming", "");
        feed(&m, there, NOW);
        feed(&m, event, NOW);
        text = render(&m, 79, 24, false, NOW);
        assert_shows(text, "unknown-153");
        assert_shows(text, "unknown-23");
        plain = watch_text_plain(&m, NOW, NOW);
        assert_shows(plain, "unknown-23");
        watch_model_done(&m);
}

static void test_an_interrupted_session_says_why(void) {
        StreamRecord state = { .type = NEEDLED_STREAM_STATE,
                               .known = true,
                               .state = { .state = NEEDLED_STREAM_STATE_INTERRUPTED } };
        g_autofree char *text = NULL;
        WatchModel m;

        begin(&m, "waiting", "away");
        feed(&m, live(850, 1430, 0), NOW);
        feed(&m, state, NOW);
        text = render(&m, 79, 24, false, NOW + 3 * S);
        assert_shows(text, "interrupted");
        assert_shows(text, "is not connected: waits for the device: out of reach or");
        assert_hides(text, "0.85 N"); /* an old value is no value */
        assert_shows(text, "123456"); /* the count stays */
        watch_model_done(&m);
}

static void test_waiting_says_for_what(void) {
        json_auto *d = device("waiting", "backoff");
        g_autofree char *nothing = NULL, *waiting = NULL;
        WatchModel m;

        watch_model_init(&m);
        nothing = render(&m, 79, 24, false, NOW);
        assert_shows(nothing, "No device is adopted");

        json_object_set_new(d, "retry_at", json_integer((json_int_t) (REALTIME + 12 * S)));
        watch_model_set_device(&m, d);
        waiting = render(&m, 79, 24, false, NOW);
        assert_shows(waiting, "Waiting for the device.");
        assert_shows(waiting, "waits for the device, which did not answer");
        assert_hides(waiting, "Force");
        watch_model_done(&m);
}

static void test_the_end_is_shown(void) {
        StreamRecord end = { .type = NEEDLED_STREAM_END, .known = true, .end = { .reason = 1 } };
        g_autofree char *text = NULL, *by_hand = NULL, *line = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(850, 1430, 0), NOW);
        feed(&m, end, NOW);
        text = render(&m, 79, 24, false, NOW);
        assert_shows(text, "Session 42  ended by the device  after 5s");
        assert_shows(text, "Waiting for the next session");
        end.end.reason = 2;
        feed(&m, end, NOW);
        by_hand = render(&m, 79, 24, false, NOW);
        assert_shows(by_hand, "Session 42  ended by hand");
        assert_shows(by_hand, "The next session begins when the device has been at rest");
        end.end.reason = 1;
        feed(&m, end, NOW);
        line = watch_text_plain(&m, NOW, REALTIME);
        g_assert_cmpstr(line, ==, "session 42  ended by the device  5s  strokes 123456  cheek-left");
        watch_model_done(&m);
}

static unsigned visible_width(const char *line) {
        g_autoptr(GString) plain = g_string_new(NULL);

        for (const char *p = line; *p; p++) {
                if (*p == '\x1b') { /* styles alone are allowed: ESC [ digits m */
                        g_assert_cmpint(*++p, ==, '[');
                        while (g_ascii_isdigit(*++p))
                                ;
                        g_assert_cmpint(*p, ==, 'm');
                        continue;
                }
                g_string_append_c(plain, *p);
        }

        return text_width(plain->str);
}

static void test_it_fits_every_terminal(void) {
        StreamRecord record =
                live(2500, 9000,
                     NEEDLED_STREAM_OVERPRESSURE | NEEDLED_STREAM_SATURATED | NEEDLED_STREAM_IN_CONTACT);
        StreamRecord gap = { .type = NEEDLED_STREAM_GAP, .known = true, .gap = { 0, 10 * S, 3, 1, {} } };
        WatchPrompt prompt;
        WatchModel m;

        watch_prompt_init(&prompt, true);
        watch_prompt_say(&prompt, true, "A sentence that is longer than many terminals are wide, and goes on.", NOW);
        for (const char *p = "mA remark that is longer than many terminals are wide, and goes on and on."; *p; p++)
                (void) watch_prompt_key(&prompt, (unsigned char) *p, NULL, NOW);
        begin(&m, "streaming", "");
        record.live.strokes = UINT64_MAX;
        record.live.stroke_rate = NAN;
        record.live.depth_um = UINT32_MAX;
        feed(&m, record, NOW);
        feed(&m, gap, NOW);

        for (unsigned columns = 0; columns <= 200; columns++)
                for (unsigned rows = 0; rows <= 30; rows++) {
                        WatchSize size = { columns, rows, columns % 2 };
                        g_autoptr(GPtrArray) lines = NULL;

                        text_set_utf8(rows % 3);
                        lines = watch_view_render(&m, rows % 2 ? &prompt : NULL, &size, NOW, REALTIME);
                        g_assert_cmpuint(lines->len, <=, rows);
                        for (unsigned i = 0; i < lines->len; i++)
                                g_assert_cmpuint(visible_width(lines->pdata[i]), <=, columns);
                }
        text_set_utf8(true);
        watch_prompt_done(&prompt);
        watch_model_done(&m);
}

static void test_little_room_keeps_what_matters(void) {
        g_autofree char *text = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(850, 1430, 0), NOW);
        text = render(&m, 59, 5, false, NOW);
        assert_shows(text, "Session 42");
        assert_shows(text, "0.85 N");
        assert_shows(text, "123456");
        watch_model_done(&m);
}

static void test_zones_are_told_without_colour(void) {
        g_autofree char *mono = NULL, *ascii = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(3900, 3900, 0), NOW);
        mono = render(&m, 79, 24, false, NOW);
        assert_shows(mono, "░░░");
        assert_shows(mono, "▒▒▒");
        assert_shows(mono, "▓▓▓");
        assert_shows(mono, "███");
        text_set_utf8(false);
        ascii = render(&m, 79, 24, false, NOW);
        text_set_utf8(true);
        assert_shows(ascii, "-----==");
        assert_shows(ascii, "==++");
        assert_shows(ascii, "++##");
        for (const char *p = ascii; *p; p++)
                g_assert_true(*p == '\n' || g_ascii_isprint(*p));
        watch_model_done(&m);
}

static void test_plain_lines(void) {
        g_autofree char *line = NULL, *waiting = NULL;
        json_auto *d = device("waiting", "away");
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(850, 1430, NEEDLED_STREAM_IN_CONTACT), NOW);
        line = watch_text_plain(&m, NOW, REALTIME);
        g_assert_cmpstr(line, ==,
                        "session 42  running  5s  force 0.85 N good  peak 1.43 N  strokes 123456  rate "
                        "7004/min  contact yes  cheek-left");
        watch_model_begin(&m, 43);
        g_assert_null(watch_text_plain(&m, NOW, REALTIME)); /* it may have been running for an hour */
        watch_model_done(&m);

        watch_model_init(&m);
        watch_model_set_device(&m, d);
        waiting = watch_text_plain(&m, NOW, REALTIME);
        g_assert_cmpstr(waiting, ==,
                        "Anna�[2J is not connected: waits for the device: out of reach or switched off");
        watch_model_done(&m);
}

static StreamRecord alert(uint8_t code, uint8_t level, bool raised, int32_t value) {
        return (StreamRecord) {
                .type = NEEDLED_STREAM_ALERT,
                .known = true,
                .alert = { .code = code, .level = level, .raised = raised, .has_value = true, .value = value, .raised_usec = 3 * S },
        };
}

static void test_alerts_stand_until_they_are_over(void) {
        g_autofree char *both = NULL, *one = NULL, *line = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, alert(0, 2, true, 3100), NOW);
        feed(&m, alert(5, 1, true, 18), NOW);
        both = render(&m, 80, 30, false, NOW + 3600 * S);
        assert_shows(both, "! warning for 59m 57s: "); /* however long ago they were told */
        assert_shows(both, "! notice for 59m 57s: ");
        assert_shows(both, "3.1 N");
        assert_shows(both, "18 %");
        line = watch_text_plain(&m, NOW, REALTIME);
        assert_shows(line, "  ! overpressure");
        assert_shows(line, "  ! battery-low");

        feed(&m, alert(0, 2, false, 3100), NOW + S);
        g_assert_null(watch_model_alert(&m, 0));
        g_assert_nonnull(watch_model_alert(&m, 5));
        g_assert_cmpstr(watch_model_notice(&m, NOW + S), ==, "overpressure is over");
        for (unsigned i = 0; i < WATCH_TOLD; i++)
                feed(&m, alert(5, 1, false, 18), NOW + S);
        for (unsigned i = 0; i < WATCH_TOLD; i++) {     /* the oldest had to go, all others are there */
                g_autofree char *told = watch_model_take_notice(&m);

                g_assert_cmpstr(told, ==, "battery-low is over");
        }
        g_assert_null(watch_model_take_notice(&m));
        feed(&m, alert(5, 1, true, 18), NOW + S);
        one = render(&m, 80, 30, false, NOW + 60 * S);
        assert_hides(one, "3.1 N");
        assert_shows(one, "18 %");
        watch_model_begin(&m, 43);
        g_assert_null(watch_model_alert(&m, 5));
        watch_model_done(&m);
}

static void test_alerts_of_a_later_version(void) {
        g_autofree char *picture = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, alert(15, 3, true, 1), NOW);
        feed(&m, alert(16, 3, true, 1), NOW);
        feed(&m, alert(255, 3, true, 1), NOW);
        g_assert_nonnull(watch_model_alert(&m, 15));
        g_assert_null(watch_model_alert(&m, 16));
        picture = render(&m, 80, 30, false, NOW);
        assert_shows(picture, "! alarm for 0s: An alert that this version does not know.");
        watch_model_done(&m);
}

static void test_time_left_and_stage(void) {
        StreamRecord figures = { .type = NEEDLED_STREAM_FIGURES, .known = true };
        StreamRecord state = { .type = NEEDLED_STREAM_STATE, .known = true,
                               .state = { .state = NEEDLED_STREAM_STATE_RUNNING, .stage = 3 } };
        g_autofree char *left = NULL, *reached = NULL, *line = NULL;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, state, NOW);
        figures_set(&figures.figures, FIGURE_REMAINING, 177 * S);
        feed(&m, figures, NOW);
        left = render(&m, 80, 24, false, NOW);
        assert_shows(left, "Stage     cleanse   numb  [needling]  aftercare");
        assert_shows(left, "2m 57s left");
        line = watch_text_plain(&m, NOW, REALTIME);
        assert_shows(line, "  needling  left 2m 57s");
        figures_set(&figures.figures, FIGURE_REMAINING, 0);
        feed(&m, figures, NOW);
        reached = render(&m, 80, 24, false, NOW);
        assert_shows(reached, "time limit reached");
        watch_model_done(&m);
}

/* "force against its zones": those that were set for this session, where the service tells them */
static void test_zones_are_those_of_the_session(void) {
        StreamRecord state = { .type = NEEDLED_STREAM_STATE, .known = true,
                               .state = { .state = NEEDLED_STREAM_STATE_RUNNING, .zone_low_mn = 100, .zone_high_mn = 400,
                                          .overpressure_mn = 700 } };
        WatchZones zones;
        WatchModel m;

        begin(&m, "streaming", "");
        zones = watch_model_zones(&m);
        g_assert_cmpint(zones.over_mn, ==, 3000); /* a pen's */
        feed(&m, state, NOW);
        zones = watch_model_zones(&m);
        g_assert_cmpint(zones.good_mn, ==, 100);
        g_assert_cmpint(zones.high_mn, ==, 400);
        g_assert_cmpint(zones.over_mn, ==, 700);
        watch_model_done(&m);
}

static void test_a_tape_is_no_session(void) {
        static const char text[] = "it \x1b[2J slipped";
        StreamRecord mark = { .type = NEEDLED_STREAM_MARK, .known = true, .mark = { text, strlen(text) } };
        g_autofree char *line = NULL, *picture = NULL;
        json_auto *json = watch_json(&mark, 0), *device = json_pack("{s:s s:s}", "alias", "bench", "kind", "pen");
        WatchModel m;

        begin(&m, "streaming", "");
        watch_model_set_device(&m, device);
        watch_model_begin(&m, 0);
        feed(&m, (StreamRecord){ .type = NEEDLED_STREAM_STATE, .known = true }, NOW);
        feed(&m, live(900, 2400, 0), NOW);
        feed(&m, mark, NOW);
        line = watch_text_plain(&m, NOW, REALTIME);
        g_assert_true(g_str_has_prefix(line, "tape  "));
        picture = render(&m, 80, 24, false, NOW);
        assert_shows(picture, "Tape");
        assert_shows(picture, "bench  pen"); /* no address */
        assert_hides(picture, "Session 0");
        assert_shows(watch_model_notice(&m, NOW), "slipped");
        assert_hides(watch_model_notice(&m, NOW), "\x1b");
        g_assert_cmpstr(json_text(json, "type"), ==, "mark");
        g_assert_cmpstr(json_text(json, "text"), ==, "it \x1b[2J slipped");
        watch_model_done(&m);
}

/* Records of the past come with the times of then, and behind some that are newer. */
static void test_the_past_fills_the_last_minute(void) {
        int32_t force = 0;
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(700, 800, 0), NOW);
        feed(&m, live(1900, 2000, 0), NOW - 60 * S); /* a minute ago is no place of now's */
        g_assert_true(watch_model_history(&m, WATCH_BUCKETS - 1, WATCH_BUCKETS, NOW, &force));
        g_assert_cmpint(force, ==, 700);
        feed(&m, live(1200, 1300, 0), NOW - 30 * S);
        g_assert_true(watch_model_history(&m, 50, 70, NOW, &force));
        g_assert_cmpint(force, ==, 1200);
        watch_model_done(&m);
}

/* With --redact: a remark, a figure among them, is somebody's as a note is. */
static void test_marks_are_redacted(void) {
        static const char *const texts[] = { "red spot", "12" };
        WatchModel m;

        redact_reset();
        redact_enable();
        begin(&m, "streaming", "");
        for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
                StreamRecord mark = { .type = NEEDLED_STREAM_MARK, .known = true, .mark = { texts[i], strlen(texts[i]) } };
                g_autofree char *name = g_strdup_printf("note-%zu", i + 1), *told = NULL;

                feed(&m, mark, NOW);
                g_assert_cmpstr(watch_model_notice(&m, NOW), ==, name);
                told = watch_model_take_notice(&m);
                g_assert_cmpstr(told, ==, name);
        }
        watch_model_done(&m);
        redact_reset();
}

/* Where limits are as no device has them. */
static void test_zones_of_nothing_are_drawn_too(void) {
        const int32_t odd[][3] = { { 0, 0, 1 }, { 0, 0, INT32_MAX }, { INT32_MAX, INT32_MAX, INT32_MAX }, { -5, -5, 1 }, { 900, 400, 100 } };
        StreamRecord state = { .type = NEEDLED_STREAM_STATE, .known = true };
        WatchModel m;

        begin(&m, "streaming", "");
        feed(&m, live(INT32_MAX, INT32_MAX, 0), NOW);
        for (size_t i = 0; i < G_N_ELEMENTS(odd); i++) {
                g_autofree char *text = NULL;

                state.state.zone_low_mn = odd[i][0];
                state.state.zone_high_mn = odd[i][1];
                state.state.overpressure_mn = odd[i][2];
                feed(&m, state, NOW);
                text = render(&m, 79, 24, true, NOW);
                assert_shows(text, "Force");
        }
        watch_model_done(&m);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-watch/the-largest-peak-is-held-for-two-seconds",
                        test_the_largest_peak_is_held_for_two_seconds);
        g_test_add_func("/client-watch/the-last-minute-and-not-more", test_the_last_minute_and_not_more);
        g_test_add_func("/client-watch/another-session-begins-with-nothing",
                        test_another_session_begins_with_nothing);
        g_test_add_func("/client-watch/values-go-stale", test_values_go_stale);
        g_test_add_func("/client-watch/zones-go-by-the-kind", test_zones_go_by_the_kind);
        g_test_add_func("/client-watch/a-running-session-at-80x24", test_a_running_session_at_80x24);
        g_test_add_func("/client-watch/overpressure-is-said-in-words", test_overpressure_is_said_in_words);
        g_test_add_func("/client-watch/an-unknown-event-is-shown-by-its-number", test_an_unknown_event_is_shown_by_its_number);
        g_test_add_func("/client-watch/an-interrupted-session-says-why",
                        test_an_interrupted_session_says_why);
        g_test_add_func("/client-watch/waiting-says-for-what", test_waiting_says_for_what);
        g_test_add_func("/client-watch/the-end-is-shown", test_the_end_is_shown);
        g_test_add_func("/client-watch/it-fits-every-terminal", test_it_fits_every_terminal);
        g_test_add_func("/client-watch/little-room-keeps-what-matters", test_little_room_keeps_what_matters);
        g_test_add_func("/client-watch/zones-are-told-without-colour", test_zones_are_told_without_colour);
        g_test_add_func("/client-watch/plain-lines", test_plain_lines);
        g_test_add_func("/client-watch/alerts-stand-until-they-are-over", test_alerts_stand_until_they_are_over);
        g_test_add_func("/client-watch/alerts-of-a-later-version", test_alerts_of_a_later_version);
        g_test_add_func("/client-watch/time-left-and-stage", test_time_left_and_stage);
        g_test_add_func("/client-watch/zones-are-those-of-the-session", test_zones_are_those_of_the_session);
        g_test_add_func("/client-watch/a-tape-is-no-session", test_a_tape_is_no_session);
        g_test_add_func("/client-watch/the-past-fills-the-last-minute", test_the_past_fills_the_last_minute);
        g_test_add_func("/client-watch/marks-are-redacted", test_marks_are_redacted);
        g_test_add_func("/client-watch/zones-of-nothing-are-drawn-too", test_zones_of_nothing_are_drawn_too);
        return g_test_run();
}
