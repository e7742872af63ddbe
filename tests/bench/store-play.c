/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-play.h"

#include <glib.h>
#include <string.h>

#include "hub-decode.h"
#include "needled/omp-records.h"

#define SEC UINT64_C(1000000)
#define LIVE_USEC UINT64_C(50000)
#define WAVEFORM_USEC UINT64_C(100000)
#define WAIT_EACH (30 * SEC)            /* memory is bounded: the store may be so many frames behind */
#define BEHIND_MAX 100u

typedef struct Player {
        Store *store;
        Tracker *tracker;
        uint64_t id;
        uint64_t now_usec, to_realtime_usec;
        Frame held;
        uint8_t octets[OMP_VALUE_MAX];
        StoreSample sample;
        bool holds;
        uint64_t n;
        uint32_t random;
        Figures *figures;
} Player;

static Hub hub;                         /* its profiles are all that the decoder asks for */

static void flush(Player *p) {
        if (!p->holds)
                return;
        store_session_frame(p->store, p->id, &p->held, &p->sample);
        p->n++;
        p->holds = false;
}

static void on_frame(Tracker *tracker, Session *session, const Frame *frame, void *userdata) {
        Player *p = userdata;

        flush(p);
        g_assert_cmpuint(frame->size, <=, sizeof(p->octets));
        p->held = *frame;
        memcpy(p->octets, frame->data, frame->size);
        p->held.data = p->octets;
        p->sample = (StoreSample) {};
        p->holds = true;
}

static void on_live(Tracker *tracker, Session *session, const Frame *frame, const OmpLive *live, void *userdata) {
        Player *p = userdata;

        hub_sample(session, live, &p->sample);
}

static void on_ended(Tracker *tracker, Session *session, void *userdata) {
        Player *p = userdata;

        session_figures(session, session->end_boottime_usec, p->figures);
        session_free(session);
}

static void send(Player *p, uint8_t channel, uint8_t direction, const uint8_t *data, int size) {
        g_assert_cmpint(size, >, 0);
        tracker_frame(p->tracker, &(Frame) { p->now_usec, p->now_usec + p->to_realtime_usec, channel, direction, (uint16_t) size, data });
        flush(p);
}

static int32_t vary(Player *p, int32_t least, int32_t n) {
        p->random = p->random * 1664525u + 1013904223u;
        return least + (int32_t) (p->random >> 16) % n;
}

static void send_live(Player *p, uint16_t i, uint64_t usec) {
        uint8_t buf[OMP_VALUE_MAX];
        OmpLive live = {
                .flags = OMP_LIVE_CONTACT_YES | OMP_LIVE_MOTOR | OMP_LIVE_DEPTH,
                .sequence = i,
                .tick = (uint32_t) (usec / OMP_TICK_USEC),
                .force_mean_mn = (int16_t) vary(p, 600, 500),
                .force_peak_mn = (int16_t) vary(p, 1200, 900),
                .strokes = (uint32_t) (usec * 70 / SEC),
                .last_stroke = (uint16_t) (usec / OMP_TICK_USEC),
                .depth_um = 1000,
        };

        send(p, OMP_CHAR_LIVE, FRAME_FROM_DEVICE, buf, omp_live_encode(&live, buf, sizeof(buf)));
}

static void send_waveform(Player *p, uint16_t i, uint64_t usec, unsigned hz) {
        uint8_t buf[OMP_VALUE_MAX];
        OmpWaveform waveform = {
                .sequence = i,
                .tick = (uint32_t) (usec / OMP_TICK_USEC),
                .period_usec = (uint16_t) (SEC / hz),
                .n = (uint8_t) (hz * WAVEFORM_USEC / SEC),
        };

        for (unsigned k = 0; k < waveform.n; k++)
                waveform.samples[k] = (int16_t) vary(p, 100, 1500);
        send(p, OMP_CHAR_WAVEFORM, FRAME_FROM_DEVICE, buf, omp_waveform_encode(&waveform, buf, sizeof(buf)));
}

static void send_first(Player *p) {
        const OmpFeature feature = { .major = 1, .bits = OMP_FEATURE_FORCE | OMP_FEATURE_STROKES, .kind = OMP_KIND_PEN, .needles = 12 };
        const uint8_t up = FRAME_LINK_UP;
        uint8_t buf[OMP_VALUE_MAX];

        send(p, 0, FRAME_OF_LINK, &up, 1);
        send(p, OMP_CHAR_FEATURE, FRAME_FROM_DEVICE, buf, omp_feature_encode(&feature, buf, sizeof(buf)));
}

void *store_play_hub(void) {
        if (!hub.profiles)
                hub.profiles = profiles_new();
        return &hub;
}

void store_play(Store *store, uint64_t id, uint64_t start_boottime_usec, uint64_t start_realtime_usec, unsigned minutes, unsigned waveform_hz,
                Figures *ret) {
        static const TrackerObserver observer = { .frame = on_frame, .live = on_live, .ended = on_ended };
        const TrackerSettings settings = { .idle_timeout_usec = 86400 * SEC, .window_usec = 86400 * SEC };
        Player p = { .store = store, .id = id, .to_realtime_usec = start_realtime_usec - start_boottime_usec, .figures = ret };
        SessionIdentity nobody = {};

        p.tracker = tracker_new(&settings, &observer, &p);
        p.now_usec = start_boottime_usec;
        if (tracker_start(p.tracker, &nobody, start_boottime_usec, start_realtime_usec) < 0)
                g_error("No session can be started.");
        send_first(&p);
        for (uint64_t usec = 0; usec < minutes * 60 * SEC; usec += LIVE_USEC) {
                p.now_usec = start_boottime_usec + usec + (uint64_t) vary(&p, 0, 3000);
                send_live(&p, (uint16_t) (usec / LIVE_USEC), usec);
                if (usec % WAVEFORM_USEC == 0)
                        send_waveform(&p, (uint16_t) (usec / WAVEFORM_USEC), usec, waveform_hz);
                if (usec % WAIT_EACH == 0)
                        while (store_counters(store).committed + BEHIND_MAX < p.n)
                                g_usleep(1000);
        }
        p.now_usec = start_boottime_usec + minutes * 60 * SEC;
        (void) tracker_finish(p.tracker, SESSION_END_USER, p.now_usec, start_realtime_usec + minutes * 60 * SEC);
        flush(&p);
        tracker_free(p.tracker);
}
