/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "watchdog.h"

#include <glib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "clock.h"
#include "log.h"

struct Watchdog {
        sd_event_source *timer;
        uint64_t period_usec, hung_usec;
        Store *store;                   /* weak */
        WatchdogThread writer, reader;
        bool told;                      /* that it is not fed */
};

bool watchdog_stands(WatchdogThread *thread, bool works, unsigned steps, uint64_t now_usec, uint64_t hung_usec) {
        if (!works || steps != thread->steps || thread->since_usec == 0) {
                *thread = (WatchdogThread) { .steps = steps, .since_usec = works ? now_usec : 0 };
                return false;
        }

        return now_usec - thread->since_usec >= hung_usec;
}

static bool store_stands(Watchdog *watchdog, uint64_t now_usec) {
        StorePace pace = watchdog->store ? store_pace(watchdog->store) : (StorePace) {};
        bool writer = watchdog_stands(&watchdog->writer, pace.writer_works, pace.writer_steps, now_usec, watchdog->hung_usec);
        bool reader = watchdog_stands(&watchdog->reader, pace.reader_works, pace.reader_steps, now_usec, watchdog->hung_usec);

        return writer || reader;
}

static void tell(Watchdog *watchdog, bool stands) {
        if (watchdog->told == stands)
                return;

        watchdog->told = stands;
        if (stands)
                log_error("the database has not moved for %u s: the disk hangs, or needled does; systemd is left to start needled again, and what "
                          "was not written is kept until then (check the disk: journalctl -k)",
                          (unsigned) (watchdog->hung_usec / G_USEC_PER_SEC));
        else
                log_notice("the database moves again, and needled goes on");
}

/* Between a half and three quarters of the time, as sd-event does it: together with what else wakes the loop. */
static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Watchdog *watchdog = userdata;
        uint64_t now_usec = clock_usec(CLOCK_MONOTONIC);
        bool stands = store_stands(watchdog, now_usec);

        tell(watchdog, stands);
        if (!stands)
                (void) sd_notify(0, "WATCHDOG=1");
        (void) sd_event_source_set_time(source, now_usec + watchdog->period_usec / 2);
        return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int watchdog_new(sd_event *event, uint64_t period_usec, uint64_t hung_usec, Watchdog **ret) {
        Watchdog *watchdog;
        int r;

        *ret = NULL;
        if (period_usec == 0)
                return 0;

        watchdog = g_new0(Watchdog, 1);
        watchdog->period_usec = period_usec;
        watchdog->hung_usec = hung_usec;
        r = sd_event_add_time(event, &watchdog->timer, CLOCK_MONOTONIC, 0, period_usec / 4, on_timer, watchdog);
        if (r < 0) {
                (void) watchdog_free(watchdog);
                return r;
        }

        *ret = watchdog;
        return 0;
}

Watchdog *watchdog_free(Watchdog *watchdog) {
        if (!watchdog)
                return NULL;

        sd_event_source_disable_unref(watchdog->timer);
        g_free(watchdog);
        return NULL;
}

void watchdog_watch(Watchdog *watchdog, Store *store) {
        if (watchdog)
                watchdog->store = store;
}
