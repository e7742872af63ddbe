/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "talk.h"

#include <string.h>

#define ELSEWHERE_USEC (3600 * SEC)      /* where another clock is, that knows the session from a tape */

const TrackerSettings talk_settings = {
        .auto_start = true, .idle_timeout_usec = 120 * SEC, .window_usec = 600 * SEC, .lead_in_usec = 10 * SEC,
};

static void fact(Talk *talk, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fact(Talk *talk, const char *format, ...) {
        va_list args;

        if (talk->told->len > 0)
                g_string_append_c(talk->told, ' ');
        va_start(args, format);
        g_string_append_vprintf(talk->told, format, args);
        va_end(args);
}

static void on_identify(Tracker *tracker, SessionIdentity *ret, void *userdata) {
        *ret = (SessionIdentity) { .id = 1, .device_address = "C0:FF:EE:00:00:01" };
}

static void on_opened(Tracker *tracker, Session *s, void *userdata) {
        Talk *talk = userdata;

        talk->kept_from = talk->kept->len;
        fact(talk, "opened");
}

static void on_state(Tracker *tracker, Session *s, SessionState old, void *userdata) {
        fact(userdata, "%s", session_state_name(s->state));
}

void keep(Talk *talk, const Frame *frame) {
        Frame *copy = g_malloc(sizeof(Frame) + frame->size);

        *copy = *frame;
        memcpy(copy + 1, frame->data, frame->size);
        copy->data = (const uint8_t *) (copy + 1);
        g_ptr_array_add(talk->kept, copy);
}

static void on_frame(Tracker *tracker, Session *s, const Frame *frame, void *userdata) {
        keep(userdata, frame);
}

static void on_unknown(Tracker *tracker, Session *s, const char *what, void *userdata) {
        fact(userdata, "<%s>", what);
}

static void on_event(Tracker *tracker, Session *s, const Frame *frame, const OmpEvent *event, void *userdata) {
        fact(userdata, "event:%02x", event->code);
}

static void on_battery(Tracker *tracker, unsigned percent, void *userdata) {
        fact(userdata, "battery:%u", percent);
}

static void on_gap(Tracker *tracker, Session *s, const SessionGap *gap, void *userdata) {
        fact(userdata, "gap:%i:%u", gap->stream, gap->lost);
}

/* `later_usec`: by how much the second's clock is ahead. */
static void assert_same(const Figures *a, const Figures *b, int64_t later_usec) {
        Figures at_once = *b;

        at_once.value[FIGURE_DEVICE_TIME_OFFSET].i -= later_usec;
        g_assert_cmphex(a->present, ==, b->present);
        for (int i = 0; i < _FIGURE_MAX; i++)
                if (figures_has(a, (Figure) i) && a->value[i].i != at_once.value[i].i)
                        g_error("%s: live %" G_GINT64_FORMAT ", replayed %" G_GINT64_FORMAT, figure_info[i].name, a->value[i].i,
                                b->value[i].i);
}

void replay(Talk *talk, uint64_t start_boottime_usec, uint64_t end_boottime_usec, Figures *ret) {
        g_autoptr(Replay) r = replay_new(&(ReplaySettings) { .vendor = talk->vendor, .start_boottime_usec = start_boottime_usec });

        for (unsigned i = talk->kept_from; i < talk->kept->len; i++)
                (void) replay_frame(r, talk->kept->pdata[i]);
        replay_figures(r, end_boottime_usec, ret);
}

/* As from a tape, which knows the time since the session's beginning and no other. */
static void replay_elsewhere(const Talk *talk, const Session *s, Figures *ret) {
        const uint64_t start_usec = ELSEWHERE_USEC;
        g_autoptr(Replay) r = replay_new(&(ReplaySettings) { .vendor = talk->vendor, .start_boottime_usec = start_usec });

        for (unsigned i = talk->kept_from; i < talk->kept->len; i++) {
                Frame frame = *(const Frame *) talk->kept->pdata[i];

                frame.boottime_usec += start_usec - s->start_boottime_usec;
                (void) replay_frame(r, &frame);
        }
        replay_figures(r, start_usec + s->end_boottime_usec - s->start_boottime_usec, ret);
}

static void on_stage(Tracker *tracker, Session *s, void *userdata) {
        fact(userdata, "stage:%s", stage_name(s->stage));
}

static void on_area(Tracker *tracker, Session *s, void *userdata) {
        fact(userdata, "area:%s", omp_area_name(s->area_now));
}

static void on_mark(Tracker *tracker, Session *s, const Frame *frame, const char *text, void *userdata) {
        fact(userdata, "mark:%s", text);
}

static void on_alert(Tracker *tracker, Session *s, const Alert *alert, void *userdata) {
        if (alert->cleared_usec > 0)
                fact(userdata, "clear:%s", alert_code_name(alert->code));
        else if (alert->value == ALERT_VALUE_NONE)
                fact(userdata, "%s:%s", alert_level_name(alert->level), alert_code_name(alert->code));
        else
                fact(userdata, "%s:%s:%i", alert_level_name(alert->level), alert_code_name(alert->code), alert->value);
}

static void on_device_over(Tracker *tracker, void *userdata) {
        fact(userdata, "device-over");
}

static void on_ending(Tracker *tracker, Session *s, void *userdata) {
        fact(userdata, "ending");
}

static void on_ended(Tracker *tracker, Session *s, void *userdata) {
        Talk *talk = userdata;

        fact(talk, "ended:%s", session_end_name(s->end));
        session_free(talk->ended);
        talk->ended = s;
        session_figures(s, 0, &talk->figures);
        if (!talk->partial) {
                Figures again;

                replay(talk, s->start_boottime_usec, s->end_boottime_usec, &again);
                assert_same(&talk->figures, &again, 0);
                replay_elsewhere(talk, s, &again);
                assert_same(&talk->figures, &again, (int64_t) (ELSEWHERE_USEC - s->start_boottime_usec));
                talk->replayed++;
        }
}

const TrackerObserver talk_observer = {
        .identify = on_identify,
        .opened = on_opened,
        .state_changed = on_state,
        .frame = on_frame,
        .event = on_event,
        .unknown = on_unknown,
        .battery = on_battery,
        .gap = on_gap,
        .stage_changed = on_stage,
        .area_changed = on_area,
        .mark = on_mark,
        .alert = on_alert,
        .device_over = on_device_over,
        .ending = on_ending,
        .ended = on_ended,
};

const NoteLimits pen_limits = { .overpressure_mn = 3000, .hysteresis_mn = 500, .zone_low_mn = 300, .zone_high_mn = 2000,
                                .time_limit_sec = 900 };

void talk_free(Talk *talk) {
        tracker_free(talk->tracker);
        session_free(talk->ended);
        g_string_free(talk->told, TRUE);
        g_ptr_array_unref(talk->kept);
        g_free(talk);
}

Talk *talk_new(const TrackerSettings *with) {
        Talk *talk = g_new0(Talk, 1);

        talk->told = g_string_new(NULL);
        talk->kept = g_ptr_array_new_with_free_func(g_free);
        talk->tracker = tracker_new(with ?: &talk_settings, &talk_observer, talk);
        talk->now_usec = 1000 * SEC;
        return talk;
}

Talk *talk_with(const NoteLimits *hold, uint64_t pause_after_usec) {
        TrackerSettings settings = talk_settings;
        Talk *talk;

        settings.pause_after_usec = pause_after_usec;
        if (hold)
                settings.limits = *hold;
        talk = talk_new(&settings);
        link_frame(talk, FRAME_LINK_UP);
        return talk;
}

Talk *talk_new_vendor(const VendorProfile *vendor) {
        Talk *talk = talk_new(NULL);

        talk->vendor = vendor;
        g_assert_cmpint(tracker_set_vendor(talk->tracker, vendor), ==, 0);
        return talk;
}

void raw(Talk *talk, uint8_t channel, uint8_t direction, const uint8_t *data, size_t size) {
        Frame frame = {
                .boottime_usec = talk->now_usec + talk->held_up_usec,
                .realtime_usec = REALTIME_OFFSET + talk->now_usec + talk->held_up_usec,
                .channel = channel,
                .direction = direction,
                .size = (uint16_t) size,
                .data = data,
        };

        tracker_frame(talk->tracker, &frame);
}

void link_frame(Talk *talk, FrameLink what) {
        uint8_t octet = (uint8_t) what;

        raw(talk, 0, FRAME_OF_LINK, &octet, 1);
        if (what == FRAME_LINK_UP)
                talk->live_sequence = 0;
}

void live(Talk *talk, unsigned flags, unsigned grown) {
        uint8_t buf[64];
        OmpLive l = { .flags = (uint16_t) flags, .force_mean_mn = 800, .force_peak_mn = 1200 };
        int n;

        talk->now_usec += SEC / 10;
        talk->strokes += grown;
        l.sequence = talk->live_sequence++;
        l.tick = (uint32_t) ((talk->now_usec - talk->booted_usec) / OMP_TICK_USEC);
        l.strokes = talk->strokes;
        l.last_stroke = (uint16_t) l.tick;
        n = omp_live_encode(&l, buf, sizeof(buf));
        g_assert_cmpint(n, >, 0);
        raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) n);
}

void use(Talk *talk, unsigned intervals, unsigned flags) {
        for (unsigned i = 0; i < intervals; i++)
                live(talk, flags | MOTOR | CONTACT, 12);
}

void event(Talk *talk, uint8_t code, bool replayed) {
        uint8_t buf[16];
        OmpEvent e = { .code = code, .asserted = true, .replayed = replayed, .sequence = talk->event_sequence++,
                       .tick = (uint32_t) ((talk->now_usec - talk->booted_usec) / OMP_TICK_USEC) };
        int n = omp_event_encode(&e, buf, sizeof(buf));

        g_assert_cmpint(n, >, 0);
        raw(talk, OMP_CHAR_EVENT, FRAME_FROM_DEVICE, buf, (size_t) n);
}

void status(Talk *talk, bool session) {
        uint8_t buf[32];
        OmpStatus s = { .state = OMP_STATE_RUNNING, .flags = session ? OMP_STATUS_SESSION : 0 };
        int n = omp_status_encode(&s, buf, sizeof(buf));

        g_assert_cmpint(n, >, 0);
        raw(talk, OMP_CHAR_STATUS, FRAME_FROM_DEVICE, buf, (size_t) n);
}

void feature(Talk *talk, uint32_t bits, uint16_t needles) {
        uint8_t buf[32];
        OmpFeature f = { .major = OMP_MAJOR, .bits = bits, .kind = OMP_KIND_PEN, .needles = needles };
        int n = omp_feature_encode(&f, buf, sizeof(buf));

        g_assert_cmpint(n, >, 0);
        raw(talk, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, buf, (size_t) n);
}

void tick(Talk *talk) {
        tracker_tick(talk->tracker, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

void press(Talk *talk, unsigned n, int16_t force_mn) {
        for (unsigned i = 0; i < n; i++) {
                uint8_t buf[64];
                OmpLive l = { .flags = MOTOR | CONTACT, .force_mean_mn = force_mn, .force_peak_mn = (int16_t) (force_mn + 100) };
                int size;

                talk->now_usec += SEC / 10;
                l.sequence = talk->live_sequence++;
                l.tick = (uint32_t) (talk->now_usec / OMP_TICK_USEC);
                l.strokes = talk->strokes += 10;
                size = omp_live_encode(&l, buf, sizeof(buf));
                raw(talk, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, (size_t) size);
        }
}

void lift(Talk *talk, unsigned seconds) {
        for (unsigned i = 0; i < 10 * seconds; i++) {
                live(talk, LIFTED, 0);
                tick(talk);
        }
}

const Session *session(const Talk *talk) {
        return tracker_session(talk->tracker);
}

int64_t figure(const Talk *talk, Figure id) {
        Figures f;

        session_figures(session(talk), talk->now_usec, &f);
        return figures_has(&f, id) ? f.value[id].i : -1;
}

void stop(Talk *talk) {
        unsigned before = talk->replayed;

        g_assert_cmpint(tracker_finish(talk->tracker, SESSION_END_USER, talk->now_usec, REALTIME_OFFSET + talk->now_usec), ==, 0);
        g_assert_cmpuint(talk->replayed, ==, before + !talk->partial);
        g_string_truncate(talk->told, 0);
}

void begin_by_hand(Talk *talk) {
        g_assert_cmpint(tracker_start(talk->tracker, &(SessionIdentity) { .id = 1 }, talk->now_usec, REALTIME_OFFSET + talk->now_usec), ==, 0);
}

int pause_by_hand(Talk *talk) {
        return tracker_pause(talk->tracker, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

int unpause(Talk *talk) {
        return tracker_unpause(talk->tracker, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

int set_stage(Talk *talk, Stage stage) {
        return tracker_set_stage(talk->tracker, stage, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

int set_area(Talk *talk, const char *name) {
        uint8_t area;

        g_assert_cmpint(omp_area_from_name(name, &area), ==, 0);
        return tracker_set_area(talk->tracker, area, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

int mark(Talk *talk, const char *text) {
        return tracker_mark(talk->tracker, text, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

int alert(Talk *talk, AlertCode code, AlertLevel level, int32_t value) {
        return tracker_alert(talk->tracker, code, level, value, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

void limits(Talk *talk, const NoteLimits *hold) {
        tracker_set_limits(talk->tracker, hold, talk->now_usec, REALTIME_OFFSET + talk->now_usec);
}

void told(Talk *talk, const char *expected) {
        g_assert_cmpstr(talk->told->str, ==, expected);
        g_string_truncate(talk->told, 0);
}
