/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A device that makes something of it with each packet: what is told one by one is bounded, counted and warned of, and the figures are right. */
#include <glib.h>

#include "needled/omp-words.h"
#include "session/replay.h"
#include "session/tracker.h"

#define SEC UINT64_C(1000000)
#define TOLD_A_MINUTE 600u
#define OPENINGS_A_MINUTE 10u
#define IN_USE (OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR)

typedef struct Flood {
        Tracker *tracker;
        Replay *replay;                 /* of all frames that were kept */
        uint64_t now_usec;
        uint16_t live_sequence, event_sequence;
        uint32_t strokes;
        unsigned opened, events, areas, gaps, too_often, raised;
        Alert cleared;                  /* the newest */
} Flood;

static void on_opened(Tracker *tracker, Session *s, void *userdata) {
        ((Flood *) userdata)->opened++;
}

static void on_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        Flood *f = userdata;

        if (f->opened == 1)
                (void) replay_frame(f->replay, frame);
}

static void on_event(Tracker *tracker, Session *s, const Frame *frame, const OmpEvent *event, void *userdata) {
        ((Flood *) userdata)->events++;
}

static void on_area(Tracker *tracker, Session *s, void *userdata) {
        ((Flood *) userdata)->areas++;
}

static void on_gap(Tracker *tracker, Session *s, const SessionGap *gap, void *userdata) {
        ((Flood *) userdata)->gaps++;
}

static void on_alert(Tracker *tracker, Session *s, const Alert *alert, void *userdata) {
        Flood *f = userdata;

        if (alert->code != ALERT_EVENTS_LEFT_OUT)
                return;
        if (alert->cleared_usec > 0)
                f->cleared = *alert;
        else
                f->raised++;
}

static void on_too_often(Tracker *tracker, void *userdata) {
        ((Flood *) userdata)->too_often++;
}

static const TrackerObserver observer = {
        .opened = on_opened, .frame = on_frame, .event = on_event, .area_changed = on_area, .gap = on_gap, .alert = on_alert,
        .too_often = on_too_often,
};

static void frame(Flood *f, uint8_t channel, FrameDirection direction, const uint8_t *data, int size) {
        g_assert_cmpint(size, >, 0);
        tracker_frame(f->tracker, &(Frame) {
                .boottime_usec = f->now_usec, .channel = channel, .direction = direction, .size = (uint16_t) size, .data = data,
        });
}

static void live(Flood *f, unsigned flags, uint8_t area) {
        uint8_t buf[64];
        OmpLive l = {
                .flags = (uint16_t) (flags | OMP_LIVE_AREA), .sequence = f->live_sequence++, .tick = (uint32_t) (f->now_usec / OMP_TICK_USEC),
                .strokes = f->strokes += 3, .area = area,
        };

        frame(f, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, omp_live_encode(&l, buf, sizeof(buf)));
}

static void event(Flood *f, uint8_t code) {
        uint8_t buf[16];
        OmpEvent e = { .code = code, .asserted = true, .sequence = f->event_sequence++, .tick = (uint32_t) (f->now_usec / OMP_TICK_USEC) };

        frame(f, OMP_CHAR_EVENT, FRAME_FROM_DEVICE, buf, omp_event_encode(&e, buf, sizeof(buf)));
}

/* In use for the first time, at a full minute, in no area. */
static void begin(Flood *f) {
        static const uint8_t up = FRAME_LINK_UP;

        *f = (Flood) { .now_usec = 600 * SEC };
        f->tracker = tracker_new(&(TrackerSettings) { .auto_start = true, .idle_timeout_usec = 120 * SEC, .window_usec = 600 * SEC },
                                 &observer, f);
        f->replay = replay_new(&(ReplaySettings) { .start_boottime_usec = f->now_usec });
        frame(f, 0, FRAME_OF_LINK, &up, 1);
        live(f, IN_USE, 0);
        live(f, IN_USE, 0);
}

static int64_t figure(const Flood *f, Figure id) {
        Figures figures;

        session_figures(tracker_session(f->tracker), f->now_usec, &figures);
        g_assert_true(figures_has(&figures, id));
        return figures.value[id].i;
}

/* Its frames give the same figures again, and the same alerts. */
static void end(Flood *f) {
        const Session *s = tracker_session(f->tracker), *again = replay_session(f->replay);
        Figures figures, replayed;

        session_figures(s, f->now_usec, &figures);
        replay_figures(f->replay, f->now_usec, &replayed);
        g_assert_cmphex(figures.present, ==, replayed.present);
        for (int i = 0; i < _FIGURE_MAX; i++)
                if (figures_has(&figures, (Figure) i))
                        g_assert_cmpint(figures.value[i].i, ==, replayed.value[i].i);
        g_assert_cmpuint(alerts_count(&s->alerts), ==, alerts_count(&again->alerts));
        for (unsigned i = 0; i < alerts_count(&s->alerts); i++) {
                g_assert_cmpint(alerts_get(&s->alerts, i)->code, ==, alerts_get(&again->alerts, i)->code);
                g_assert_cmpint(alerts_get(&s->alerts, i)->value, ==, alerts_get(&again->alerts, i)->value);
                g_assert_cmpuint(alerts_get(&s->alerts, i)->raised_usec, ==, alerts_get(&again->alerts, i)->raised_usec);
        }

        replay_free(f->replay);
        tracker_free(f->tracker);
}

static void test_an_area_with_each_value(void) {
        uint64_t strokes[3] = { 0 };
        Flood f;

        begin(&f);
        for (unsigned i = 0; i < 2000; i++) {
                f.now_usec += SEC / 50;
                live(&f, IN_USE, 1 + i % 2);
        }
        g_assert_cmpuint(f.areas, ==, TOLD_A_MINUTE);
        g_assert_cmpuint(f.raised, ==, 1);

        for (unsigned i = 0; i < 3; i++) {
                Figures figures;
                uint8_t area;

                g_assert_true(session_area_figures(tracker_session(f.tracker), i, &area, &figures));
                strokes[area] = (uint64_t) figures.value[FIGURE_STROKES].i;
        }
        g_assert_cmpuint(strokes[0], ==, 3);
        g_assert_cmpuint(strokes[1], ==, 3000);
        g_assert_cmpuint(strokes[2], ==, 3000);
        end(&f);
}

static void test_what_people_set_is_told(void) {
        Flood f;

        begin(&f);
        for (unsigned i = 0; i < 2 * TOLD_A_MINUTE; i++) {
                f.now_usec += SEC / 50;
                live(&f, IN_USE, i % 2);
        }
        f.areas = 0;
        live(&f, IN_USE, 0);
        g_assert_cmpint(tracker_set_area(f.tracker, 5, f.now_usec, 0), ==, 0);
        g_assert_cmpuint(f.areas, ==, 1);
        g_assert_cmpint(tracker_session(f.tracker)->area_now, ==, 5);
        replay_free(f.replay);
        tracker_free(f.tracker);
}

static void test_ten_thousand_events_a_second(void) {
        Flood f;

        begin(&f);
        for (unsigned i = 0; i < 10000; i++) {
                f.now_usec += SEC / 10000;
                event(&f, OMP_EVENT_BUTTON);
                if (i % 500 == 0)
                        live(&f, IN_USE, 0);
        }
        g_assert_cmpuint(f.events, ==, TOLD_A_MINUTE);
        g_assert_cmpuint(f.raised, ==, 1);
        g_assert_cmpint(figure(&f, FIGURE_STROKES), ==, 3 + 20 * 3);
        g_assert_cmpint(figure(&f, FIGURE_LOST_EVENT), ==, 0);

        /* A minute without: it is over, and says how many there were. The next are told again. */
        f.now_usec += 61 * SEC;
        live(&f, IN_USE, 0);
        g_assert_cmpint(f.cleared.value, ==, 10000 - TOLD_A_MINUTE);
        event(&f, OMP_EVENT_BUTTON);
        g_assert_cmpuint(f.events, ==, TOLD_A_MINUTE + 1);
        end(&f);
}

static void test_a_gap_with_each_value(void) {
        Flood f;

        begin(&f);
        for (unsigned i = 0; i < 1000; i++) {
                f.now_usec += SEC / 50;
                f.live_sequence++;
                live(&f, IN_USE, 0);
        }
        g_assert_cmpuint(f.gaps, ==, TOLD_A_MINUTE);
        g_assert_cmpint(figure(&f, FIGURE_GAPS), ==, 1000);
        g_assert_cmpint(figure(&f, FIGURE_LOST_LIVE), ==, 1000);
        end(&f);
}

static void test_sessions_without_end(void) {
        Flood f;

        begin(&f);
        for (unsigned i = 0; i < 200; i++) {
                f.now_usec += SEC / 50;
                live(&f, OMP_LIVE_SESSION, 0);
                f.now_usec += SEC / 50;
                live(&f, 0, 0);
        }
        g_assert_cmpuint(f.opened, ==, OPENINGS_A_MINUTE);
        g_assert_cmpuint(f.too_often, ==, 1);
        g_assert_null(tracker_session(f.tracker));

        f.now_usec += 60 * SEC;
        live(&f, OMP_LIVE_SESSION, 0);
        g_assert_cmpuint(f.opened, ==, OPENINGS_A_MINUTE + 1);
        replay_free(f.replay);
        tracker_free(f.tracker);
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/tracker-flood/an-area-with-each-value", test_an_area_with_each_value);
        g_test_add_func("/tracker-flood/what-people-set-is-told", test_what_people_set_is_told);
        g_test_add_func("/tracker-flood/ten-thousand-events-a-second", test_ten_thousand_events_a_second);
        g_test_add_func("/tracker-flood/a-gap-with-each-value", test_a_gap_with_each_value);
        g_test_add_func("/tracker-flood/sessions-without-end", test_sessions_without_end);
        return g_test_run();
}
