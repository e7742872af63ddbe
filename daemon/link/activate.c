/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/private.h"

#include "autoptr.h"
#include "clock.h"
#include "log.h"

/* A bluetoothd that went by itself is started again; one that was stopped on purpose is the administrator's affair. Who it was is
 * asked of systemd, whose unit failed or did not; where there is none, nothing is done. bluetoothd also ends, with success, when the
 * bus is restarted: then it became inactive just when the bus left. */

#define BUS "org.freedesktop.DBus"
#define UNIT_PATH "/org/freedesktop/systemd1/unit/"
#define DELAY_USEC (1 * G_USEC_PER_SEC)
#define ASKED_MAX 10u           /* of a unit that is on its way, or down, since bluetoothd went */
#define STARTS_MAX 3u
#define STARTS_USEC (600 * G_USEC_PER_SEC)
#define WITH_BUS_USEC (10 * G_USEC_PER_SEC)
#define CALL_USEC (30 * G_USEC_PER_SEC)

struct Activate {
        Link *link;             /* weak: our owner */
        sd_event_source *timer;
        Calls calls;
        unsigned asked;
        uint64_t starts_usec[STARTS_MAX]; /* CLOCK_BOOTTIME; a ring */
        unsigned n_starts;
        uint64_t inactive_usec; /* when bluetoothd's unit became inactive; CLOCK_MONOTONIC */
};

static int on_time(sd_event_source *source, uint64_t usec, void *userdata);

static void wait_for(Activate *activate, uint64_t delay_usec) {
        link_timer(activate->link, &activate->timer, delay_usec, on_time, activate);
}

static int send_call(Activate *activate, const char *destination, const char *path, const char *interface, const char *member,
                     CallDone done, const char *first, const char *second) {
        g_autoptr(sd_bus_message) m = NULL;
        int r;

        r = sd_bus_message_new_method_call(bluez_bus(activate->link->bluez), &m, destination, path, interface, member);
        if (r >= 0)
                r = sd_bus_message_set_auto_start(m, 0);
        if (r >= 0)
                r = second ? sd_bus_message_append(m, "ss", first, second) : sd_bus_message_append(m, "su", first, 0);

        return r < 0 ? r : calls_send(&activate->calls, m, CALL_USEC, done, activate);
}

static int ask(Activate *activate, const char *unit, const char *property, CallDone done) {
        g_autofree char *path = g_strconcat(UNIT_PATH, unit, NULL);

        return send_call(activate, "org.freedesktop.systemd1", path, "org.freedesktop.DBus.Properties", "Get", done,
                         "org.freedesktop.systemd1.Unit", property);
}

static void on_started(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Activate *activate = userdata;

        if (error)
                log_debug("org.bluez was not started: %s", error->sentence);
        if (!bluez_present(activate->link->bluez))
                wait_for(activate, DELAY_USEC);
}

static void start(Activate *activate) {
        uint64_t now = clock_usec(CLOCK_BOOTTIME), *slot = &activate->starts_usec[activate->n_starts % STARTS_MAX];

        if (activate->n_starts >= STARTS_MAX && now - *slot < STARTS_USEC) {
                wait_for(activate, STARTS_USEC - (now - *slot));
                return;
        }

        log_notice("bluetoothd has failed: it is started again (systemctl status bluetooth tells why)");
        *slot = now;
        activate->n_starts++;
        (void) send_call(activate, BUS, "/org/freedesktop/DBus", BUS, "StartServiceByName", on_started, "org.bluez", NULL);
}

static uint64_t read_usec(sd_bus_message *reply) {
        uint64_t usec;

        return reply && sd_bus_message_read(reply, "v", "t", &usec) >= 0 ? usec : 0;
}

/* 0: the bus has been there since the computer was started. */
static void on_bus_left(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Activate *activate = userdata;
        uint64_t left = read_usec(reply), inactive = activate->inactive_usec;

        if (left > 0 && inactive > 0 && MAX(left, inactive) - MIN(left, inactive) <= WITH_BUS_USEC)
                start(activate);
}

static void on_inactive_since(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Activate *activate = userdata;

        activate->inactive_usec = read_usec(reply);
        if (activate->inactive_usec > 0)
                (void) ask(activate, "dbus_2eservice", "ActiveExitTimestampMonotonic", on_bus_left);
}

static void on_state(sd_bus_message *reply, const ErrorMeaning *error, void *userdata) {
        Activate *activate = userdata;
        const char *state;

        if (bluez_present(activate->link->bluez) || !reply || sd_bus_message_read(reply, "v", "s", &state) < 0)
                return;

        if (g_str_equal(state, "failed"))
                start(activate);
        else if (g_str_equal(state, "inactive"))
                (void) ask(activate, "bluetooth_2eservice", "InactiveEnterTimestampMonotonic", on_inactive_since);
        else if (activate->asked < ASKED_MAX)
                wait_for(activate, DELAY_USEC);
}

static int on_time(sd_event_source *source, uint64_t usec, void *userdata) {
        Activate *activate = userdata;

        if (bluez_present(activate->link->bluez) || suspend_holds(activate->link))
                return 0;

        activate->asked++;
        (void) ask(activate, "bluetooth_2eservice", "ActiveState", on_state);
        return 0;
}

Activate *activate_new(Link *link) {
        Activate *activate = g_new0(Activate, 1);

        activate->link = link;
        return activate;
}

Activate *activate_free(Activate *activate) {
        if (!activate)
                return NULL;

        calls_clear(&activate->calls);
        sd_event_source_disable_unref(activate->timer);
        g_free(activate);
        return NULL;
}

void activate_begin(Activate *activate) {
        calls_clear(&activate->calls);
        activate->asked = 0;
        wait_for(activate, DELAY_USEC);
}

void activate_end(Activate *activate) {
        calls_clear(&activate->calls);
        if (activate->timer)
                (void) sd_event_source_set_enabled(activate->timer, SD_EVENT_OFF);
}
