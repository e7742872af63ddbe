/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sleep.h"

#include <fcntl.h>
#include <unistd.h>

#include "autoptr.h"
#include "log.h"

#define DRIVER "org.freedesktop.DBus"
#define DRIVER_PATH "/org/freedesktop/DBus"
#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_INTERFACE "org.freedesktop.login1.Manager"
#define CALL_TIMEOUT_USEC (25 * G_USEC_PER_SEC)
#define LIMIT_ACCURACY_USEC (G_USEC_PER_SEC / 10)

struct Sleep {
        sd_bus *bus;
        sd_event *event;
        SleepHandler handler;
        void *userdata;
        sd_bus_slot *owner_changed, *prepare, *get_owner;
        sd_bus_slot *inhibit;           /* Inhibit under way */
        sd_event_source *limit;
        char *logind;                   /* unique name, NULL: it is not there */
        int delay;                      /* while this is open the computer waits; -1: it does not */
        bool asleep;
};

static void let_go(Sleep *sleep) {
        sleep->limit = sd_event_source_disable_unref(sleep->limit);
        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        if (sleep->delay >= 0)
                (void) close(sleep->delay);
        sleep->delay = -1;
}

static int on_limit(sd_event_source *source, uint64_t usec, void *userdata) {
        let_go(userdata);
        return 0;
}

/* An answer that comes when the computer is on its way already finds no slot any more: its delay ends with the message. */
static int on_inhibit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Sleep *sleep = userdata;
        int fd;

        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        if (sd_bus_message_is_method_error(m, NULL)) {
                log_debug("logind does not let needled delay a suspend: %s", sd_bus_message_get_error(m)->message);
                return 0;
        }
        if (sd_bus_message_read(m, "h", &fd) > 0)
                sleep->delay = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        return 0;
}

static void take_delay(Sleep *sleep) {
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        if (!sleep->logind || sleep->delay >= 0 || sleep->inhibit)
                return;

        r = sd_bus_message_new_method_call(sleep->bus, &m, sleep->logind, LOGIND_PATH, LOGIND_INTERFACE, "Inhibit");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0)
                r = sd_bus_message_append(m, "ssss", "sleep", "needled", "Writing what devices have sent", "delay");
        if (r >= 0)
                r = sd_bus_call_async(sleep->bus, &sleep->inhibit, m, on_inhibit, sleep, CALL_TIMEOUT_USEC);
        if (r < 0)
                log_debug("logind cannot be asked to delay a suspend: %s", g_strerror(-r));
}

/* Without the timer the computer would wait for logind's own limit: then it rather does not wait. */
static void fall_asleep(Sleep *sleep) {
        sleep->asleep = true;
        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        if (sleep->delay >= 0 &&
            sd_event_add_time_relative(sleep->event, &sleep->limit, CLOCK_MONOTONIC, SLEEP_DELAY_MAX_USEC,
                                       LIMIT_ACCURACY_USEC, on_limit, sleep) < 0)
                let_go(sleep);
        sleep->handler(true, sleep->userdata);
}

static void wake_up(Sleep *sleep) {
        sleep->asleep = false;
        let_go(sleep);
        sleep->handler(false, sleep->userdata);
}

/* A new logind has not heard of us; and one that went while the computer was on its way will not say that it woke. */
static void logind_is(Sleep *sleep, const char *owner) {
        if (g_strcmp0(sleep->logind, owner) == 0)
                return;

        g_free(sleep->logind);
        sleep->logind = g_strdup(owner);
        if (sleep->asleep)
                wake_up(sleep);
        let_go(sleep);
        take_delay(sleep);
}

/* Accepted from the bus driver alone: anybody may send a signal of this name to us. */
static int on_owner_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *name, *old_owner, *new_owner;

        if (g_strcmp0(sd_bus_message_get_sender(m), DRIVER) != 0)
                return 0;
        if (sd_bus_message_read(m, "sss", &name, &old_owner, &new_owner) < 0 || !g_str_equal(name, LOGIND))
                return 0;

        logind_is(userdata, *new_owner ? new_owner : NULL);
        return 0;
}

static int on_owner(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const char *owner;

        if (!sd_bus_message_is_method_error(m, NULL) && sd_bus_message_read(m, "s", &owner) > 0)
                logind_is(userdata, owner);
        return 0;
}

/* sd-bus compares no sender, so that anybody could put devices to sleep. `true` can come twice, and `false`
 * alone: to who was started in between. */
static int on_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Sleep *sleep = userdata;
        int asleep;

        if (!sleep->logind || g_strcmp0(sd_bus_message_get_sender(m), sleep->logind) != 0)
                return 0;
        if (sd_bus_message_read(m, "b", &asleep) <= 0)
                return 0;

        if (asleep && !sleep->asleep)
                fall_asleep(sleep);
        else if (!asleep && sleep->asleep)
                wake_up(sleep);
        if (!asleep)
                take_delay(sleep);
        return 0;
}

static int start(Sleep *sleep) {
        int r;

        r = sd_bus_add_match_async(sleep->bus, &sleep->owner_changed,
                                   "type='signal',sender='" DRIVER "',path='" DRIVER_PATH "',interface='" DRIVER "',"
                                   "member='NameOwnerChanged',arg0='" LOGIND "'",
                                   on_owner_changed, NULL, sleep);
        if (r >= 0)
                r = sd_bus_match_signal_async(sleep->bus, &sleep->prepare, LOGIND, LOGIND_PATH, LOGIND_INTERFACE,
                                              "PrepareForSleep", on_prepare, NULL, sleep);
        if (r >= 0)
                r = sd_bus_call_method_async(sleep->bus, &sleep->get_owner, DRIVER, DRIVER_PATH, DRIVER, "GetNameOwner",
                                             on_owner, sleep, "s", LOGIND);
        return r;
}

int sleep_new(sd_bus *bus, sd_event *event, SleepHandler handler, void *userdata, Sleep **ret) {
        Sleep *sleep = g_new0(Sleep, 1);
        int r;

        sleep->bus = sd_bus_ref(bus);
        sleep->event = sd_event_ref(event);
        sleep->handler = handler;
        sleep->userdata = userdata;
        sleep->delay = -1;
        r = start(sleep);
        if (r < 0) {
                sleep_free(sleep);
                return r;
        }

        *ret = sleep;
        return 0;
}

Sleep *sleep_free(Sleep *sleep) {
        if (!sleep)
                return NULL;

        let_go(sleep);
        sd_bus_slot_unref(sleep->owner_changed);
        sd_bus_slot_unref(sleep->prepare);
        sd_bus_slot_unref(sleep->get_owner);
        sd_bus_unref(sleep->bus);
        sd_event_unref(sleep->event);
        g_free(sleep->logind);
        g_free(sleep);
        return NULL;
}

void sleep_ready(Sleep *sleep) {
        if (sleep && sleep->asleep)
                let_go(sleep);
}
