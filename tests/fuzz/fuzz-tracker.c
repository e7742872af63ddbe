/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "fuzz.h"
#include "session/tracker.h"

/* A device's frames, and time that goes on between them. Each step is: how much time, in units that grow; what; how many octets; these. */

#define REALTIME UINT64_C(1700000000000000)

typedef struct Watch {
        uint64_t now_usec;
} Watch;

static void on_identify(Tracker *tracker, SessionIdentity *ret, void *userdata) {
        *ret = (SessionIdentity) { .id = 1 };
}

static void check_figures(const Session *session, uint64_t now_usec) {
        Figures figures;

        session_figures(session, now_usec, &figures);
        for (unsigned i = 0; i < _FIGURE_MAX; i++) {
                if (!figures_has(&figures, (Figure) i))
                        continue;
                if (figure_info[i].type == 'd')
                        assert(isfinite(figures.value[i].d) && figures.value[i].d >= 0);
                else if (figure_info[i].type != 'i')
                        assert(figures.value[i].i >= 0);
        }
}

static void on_ended(Tracker *tracker, Session *session, void *userdata) {
        Watch *watch = userdata;

        assert(session->state == SESSION_FINISHED && session->end != SESSION_END_NONE);
        check_figures(session, watch->now_usec);
        session_free(session);
}

static const TrackerObserver observer = { .identify = on_identify, .ended = on_ended };
static const TrackerSettings settings = { .auto_start = true, .idle_timeout_usec = 120000000, .window_usec = 600000000 };

/* By hand, as a user or the suspended host would. */
static void command(Tracker *tracker, const Watch *watch, unsigned what) {
        const SessionIdentity identity = { .id = 1 };

        switch (what % 6) {
        case 0:
                if (tracker_start(tracker, &identity, watch->now_usec, REALTIME + watch->now_usec) == 0)
                        assert(tracker_session(tracker));
                break;
        case 1:
                (void) tracker_pause(tracker, watch->now_usec);
                break;
        case 2:
                (void) tracker_unpause(tracker, watch->now_usec);
                break;
        case 3:
                (void) tracker_finish(tracker, SESSION_END_USER, watch->now_usec, REALTIME + watch->now_usec);
                assert(!tracker_session(tracker));
                break;
        default:
                tracker_tick(tracker, watch->now_usec, REALTIME + watch->now_usec);
                assert(tracker_deadline(tracker) > watch->now_usec);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint64_t units[] = { 0, 100, 10000, 100000, 1000000, 60000000, 3600000000, 86400000000 };
        Input in = { data, size };
        Watch watch = { .now_usec = 1000000000 };
        Tracker *tracker = tracker_new(&settings, &observer, &watch);

        while (in.size > 0) {
                uint8_t time = input_u8(&in), what = input_u8(&in);

                watch.now_usec += units[time >> 5] * (time & 0x1f);
                if (what & 0x80)
                        command(tracker, &watch, what & 0x7f);
                else {
                        size_t n;
                        uint8_t length = input_u8(&in), *octets = input_take(&in, length, &n);
                        Frame frame = {
                                .boottime_usec = watch.now_usec,
                                .realtime_usec = REALTIME + watch.now_usec,
                                .channel = what & 0x0f,
                                .direction = (what >> 4 & 0x07) < 6 ? FRAME_FROM_DEVICE : (what >> 4 & 0x07) == 6 ? FRAME_TO_DEVICE : FRAME_OF_LINK,
                                .size = (uint16_t) n,
                                .data = octets,
                        };

                        tracker_frame(tracker, &frame);
                        free(octets);
                }
        }

        if (tracker_session(tracker))
                check_figures(tracker_session(tracker), watch.now_usec);
        tracker_free(tracker);
        return 0;
}
