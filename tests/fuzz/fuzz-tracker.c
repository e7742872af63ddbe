/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <math.h>

#include "fuzz.h"
#include "vendor-profile.h"
#include "profiles/file.h"
#include "session/tracker.h"

/* A device's frames, and time that goes on between them. The lowest bit of the first octet: a vendor's device. Then each step is: how
 * much time, in units that grow; what; how many octets; these. */

#define REALTIME UINT64_C(1700000000000000)

static void on_report(const char *path, unsigned line, const char *text, void *userdata) {
        g_error("%s:%u: %s", path, line, text);
}

static const VendorProfile *vendor(void) {
        static ProfileFile *file;

        if (!file)
                assert(profile_file_parse("fuzz", vendor_text, sizeof(vendor_text) - 1, on_report, NULL, &file) == 0);
        return &file->vendor;
}

static void on_unknown(Tracker *tracker, Session *session, const char *what, void *userdata) {
        assert(what[0] != '\0');
}

static void on_battery(Tracker *tracker, unsigned percent, void *userdata) {
        assert(percent <= 100);
}

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
                else if (figure_info[i].type != 'i' && figure_info[i].type != 'x')
                        assert(figures.value[i].i >= 0);
        }
}

static void on_ended(Tracker *tracker, Session *session, void *userdata) {
        Watch *watch = userdata;

        assert(session->state == SESSION_FINISHED && session->end != SESSION_END_NONE);
        check_figures(session, watch->now_usec);
        session_free(session);
}

static const TrackerObserver observer = {
        .identify = on_identify, .unknown = on_unknown, .battery = on_battery, .ended = on_ended,
};
static const TrackerSettings settings = { .auto_start = true, .idle_timeout_usec = 120000000, .window_usec = 600000000, .lead_in_usec = 10000000,
                                          .pause_after_usec = 15000000 };

/* By hand, as a user or the suspended host would. */
static void command(Tracker *tracker, const Watch *watch, unsigned what) {
        const SessionIdentity identity = { .id = 1 };
        uint64_t now_usec = watch->now_usec, realtime_usec = REALTIME + watch->now_usec;
        NoteLimits limits = { .overpressure_mn = (int32_t) what * 100, .hysteresis_mn = 500, .zone_low_mn = 300, .zone_high_mn = 2000,
                              .time_limit_sec = what };

        switch (what % 10) {
        case 0:
                if (tracker_start(tracker, &identity, now_usec, realtime_usec) == 0)
                        assert(tracker_session(tracker));
                break;
        case 1:
                (void) tracker_pause(tracker, now_usec, realtime_usec);
                break;
        case 2:
                (void) tracker_unpause(tracker, now_usec, realtime_usec);
                break;
        case 3:
                (void) tracker_finish(tracker, SESSION_END_USER, now_usec, realtime_usec);
                assert(!tracker_session(tracker));
                break;
        case 4:
                tracker_set_limits(tracker, &limits, now_usec, realtime_usec);
                break;
        case 5:
                (void) tracker_set_stage(tracker, (Stage) (what / 10 % _STAGE_MAX), now_usec, realtime_usec);
                break;
        case 6:
                (void) tracker_set_area(tracker, (uint8_t) what, now_usec, realtime_usec);
                break;
        case 7:
                (void) tracker_alert(tracker, (AlertCode) (what / 10 % _ALERT_CODE_MAX), (AlertLevel) (what % 4), (int32_t) what, now_usec, realtime_usec);
                break;
        default:
                tracker_tick(tracker, now_usec, realtime_usec);
                assert(tracker_deadline(tracker) > now_usec);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const uint64_t units[] = { 0, 100, 10000, 100000, 1000000, 60000000, 3600000000, 86400000000 };
        Input in = { data, size };
        Watch watch = { .now_usec = 1000000000 };
        Tracker *tracker = tracker_new(&settings, &observer, &watch);
        uint8_t kind = input_u8(&in);

        if (kind & 2) {
                TrackerSettings settling = settings;

                settling.settle_usec = 250000;
                tracker_set_settings(tracker, &settling);
        }
        if (kind & 1)
                assert(tracker_set_vendor(tracker, vendor()) == 0);
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
