/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/work.h"

/* The Nth message of a conversation goes wrong, for every N: a call fails, or is never answered; a signal is
 * never heard. Whatever it is, the device streams in the end, or says why it does not, and the next conversation
 * goes as if nothing had been. Waits cost nothing: when nothing moves, the clock is put forward. */

#define SKIP_USEC (5 * G_USEC_PER_SEC)
#define LIMIT_USEC (400 * G_USEC_PER_SEC) /* of skipped time: more than all limits of an adoption together */
#define MESSAGES_MAX 200u

typedef struct Kind {
        const char *name, *error, *text;  /* error NULL: no answer, or (signals) not heard */
        bool signals;
} Kind;

static const Kind kinds[] = {
        { "fails", "org.bluez.Error.Failed", "Input/output error", false },
        { "breaks-off", "org.bluez.Error.Failed", "le-connection-abort-by-local", false },
        { "in-progress", "org.bluez.Error.InProgress", "In Progress", false },
        { "exists", "org.bluez.Error.AlreadyExists", "Already Exists", false },
        { "gone", "org.freedesktop.DBus.Error.UnknownObject", "Method doesn't exist", false },
        { "lost", NULL, NULL, false },
        { "unheard", NULL, NULL, true },
};

typedef struct Walk {
        Fixture f;
        const Kind *kind;
        bool allow_unbonded;
        unsigned at, seen;              /* at 0: nothing goes wrong */
        sd_bus_slot *calls, *signals;
} Walk;

static uint64_t skipped_usec;

/* In place of the C library's, for sd-event and GLib too. */
__attribute__((visibility("default"))) int clock_gettime(clockid_t clock, struct timespec *ts) {
        long r = syscall(SYS_clock_gettime, clock, ts);

        if (r == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME)) {
                uint64_t usec = (uint64_t) ts->tv_nsec / 1000 + skipped_usec;

                ts->tv_sec += (time_t) (usec / G_USEC_PER_SEC);
                ts->tv_nsec = (long) (usec % G_USEC_PER_SEC * 1000);
        }
        return (int) r;
}

static bool goes_wrong(Walk *w, sd_bus_message *m) {
        const char *sender = sd_bus_message_get_sender(m);

        return w->at > 0 && sender && sender[0] == ':' && ++w->seen == w->at;
}

static int on_call(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Walk *w = userdata;

        if (w->kind->signals || sd_bus_message_is_method_call(m, NULL, NULL) <= 0 || !goes_wrong(w, m))
                return 0;

        return w->kind->error ? sd_bus_error_set(error, w->kind->error, w->kind->text) : 1;
}

static int on_signal(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Walk *w = userdata;

        return w->kind->signals && sd_bus_message_is_signal(m, NULL, NULL) > 0 && goes_wrong(w, m);
}

/* What bluetoothd and the device do by themselves: it advertises, and the accept list connects it. */
static void time_passes(Walk *w) {
        const Device *device = w->f.device;

        skipped_usec += SKIP_USEC;
        if (!device && !link_searching(w->f.link)) /* somebody tries again */
                g_assert_cmpint(link_search(w->f.link, 10 * G_USEC_PER_SEC), ==, 0);
        if ((!device || device->work->step == STEP_SEARCH) && !w->f.fake->connected)
                fake_device_appear(w->f.fake);
        else if (device && device->state == DEVICE_WAITING && device->bonded && device->work->step == STEP_NONE &&
                 w->f.fake->present && !w->f.fake->connected && w->f.fake->paired)
                fake_device_connect(w->f.fake);
}

static void reach(Walk *w, bool (*condition)(const Walk *w), const char *what) {
        uint64_t end = skipped_usec + LIMIT_USEC;

        for (unsigned idle = 0; !condition(w);) {
                if (sd_event_run(w->f.event, 20 * 1000) > 0) {
                        idle = 0;
                } else if (++idle == 2) {
                        if (skipped_usec > end)
                                g_error("%s, message %u: never %s (state %s %s, step %i)", w->kind->name, w->at, what,
                                        w->f.device ? device_state_name(w->f.device->state) : "-",
                                        w->f.device ? device_reason_name(w->f.device->reason) : "",
                                        w->f.device ? (int) w->f.device->work->step : -1);
                        time_passes(w);
                        idle = 0;
                }
        }
}

static bool is_there(const Walk *w) {
        return w->f.device && w->f.device->work->object;
}

static bool is_answered(const Walk *w) {
        return w->f.dones > 0;
}

static bool is_gone(const Walk *w) {
        return !w->f.device;
}

static bool is_lost(const Walk *w) {
        return w->f.losts == w->f.ups;
}

/* Nothing more comes by itself. */
static bool is_at_an_end(const Walk *w) {
        const Device *device = w->f.device;

        return device && (device->state == DEVICE_STREAMING ||
                          ((device->state == DEVICE_REFUSED || device->state == DEVICE_BOND_LOST) && device->reason != DEVICE_REASON_NONE));
}

static bool is_streaming(const Walk *w) {
        return w->f.device && w->f.device->state == DEVICE_STREAMING && !w->f.device->work->calls.first;
}

static void forget(Walk *w) {
        w->f.dones = 0;
        link_forget(w->f.link, w->f.device, fixture_on_done, &w->f);
        reach(w, is_answered, "answered");
        g_assert_cmpint(w->f.done_error, ==, 0);
        reach(w, is_gone, "forgotten");
}

static void adopt(Walk *w) {
        const LinkAdopt options = { .alias = "My pen", .allow_unbonded = w->allow_unbonded, .owner = 1000 };

        if (!is_there(w)) {
                g_assert_cmpint(link_search(w->f.link, 10 * G_USEC_PER_SEC), ==, 0);
                fake_device_appear(w->f.fake);
        }
        reach(w, is_there, "found");
        w->f.dones = 0;
        link_adopt(w->f.link, w->f.device, &options, fixture_on_done, &w->f);
        reach(w, is_answered, "answered");
}

static void say_adopt(Walk *w) {
        if (w->f.device)
                forget(w);
        w->at++;
        w->seen = 0;
        adopt(w);
        if (w->f.done_error == 0)
                reach(w, is_at_an_end, "at an end");
        else
                g_assert_cmpstr(w->f.done_message, !=, "");
}

/* The link goes; a bonded device is connected by bluetoothd, another one by us. */
static void say_reconnect(Walk *w) {
        w->at++;
        w->seen = 0;
        fake_device_disconnect(w->f.fake);
        reach(w, is_lost, "lost");
        reach(w, is_at_an_end, "at an end");
}

/* Without a fault all is well again. */
static void recover(Walk *w) {
        unsigned at = w->at;

        w->at = 0;
        if (w->f.device && (w->f.device->state == DEVICE_REFUSED || w->f.device->state == DEVICE_BOND_LOST))
                forget(w);
        if (!w->f.device || !w->f.device->adopted) {
                adopt(w);
                g_assert_cmpint(w->f.done_error, ==, 0);
        }
        reach(w, is_streaming, "streaming again");
        w->at = at;
}

static void walk(const Kind *kind, void (*say)(Walk *w), bool unbonded) {
        Walk w = { .kind = kind, .allow_unbonded = unbonded };

        fixture_set_up(&w.f, false);
        w.f.fake->pair_refused = unbonded;
        g_assert_cmpint(sd_bus_add_filter(w.f.fake->bus, &w.calls, on_call, &w), >=, 0);
        g_assert_cmpint(sd_bus_add_filter(bluez_bus(w.f.link->bluez), &w.signals, on_signal, &w), >=, 0);
        recover(&w);
        do {
                say(&w);
                recover(&w);
        } while (w.seen >= w.at && w.at < MESSAGES_MAX);
        g_assert_cmpuint(w.at, >, 2); /* there was something to go wrong */
        g_assert_cmpuint(w.at, <, MESSAGES_MAX);
        sd_bus_slot_unref(w.calls);
        sd_bus_slot_unref(w.signals);
        fixture_tear_down(&w.f);
}

static void test_adopt(const void *data) {
        walk(data, say_adopt, false);
}

static void test_adopt_unbonded(const void *data) {
        walk(data, say_adopt, true);
}

static void test_reconnect(const void *data) {
        walk(data, say_reconnect, false);
}

static void test_reconnect_unbonded(const void *data) {
        walk(data, say_reconnect, true);
}

/* What a fault leaves behind that no signal sets right. */

static void start_streaming(Walk *w) {
        fixture_set_up(&w->f, false);
        recover(w);
}

static void test_removed_without_an_answer(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        w.f.fake->remove_unanswered = true;
        forget(&w);
        g_assert_cmpuint(w.f.removed, ==, 1);
        fixture_tear_down(&w.f);
}

/* "UnknownObject" of what bluetoothd goes on to show: it was not removed, and the bond is still there. */
static void test_not_removed_is_not_forgotten(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        w.f.fake->remove_error = SD_BUS_ERROR_UNKNOWN_OBJECT;
        w.f.dones = 0;
        link_forget(w.f.link, w.f.device, fixture_on_done, &w.f);
        reach(&w, is_answered, "answered");
        g_assert_cmpint(w.f.done_error, ==, -ENOENT);
        reach(&w, is_streaming, "streaming again");
        g_assert_cmpuint(w.f.removed, ==, 0);
        fixture_tear_down(&w.f);
}

static bool is_search_over(const Walk *w) {
        return !link_searching(w->f.link);
}

static bool is_stopped(const Walk *w) {
        return w->f.fake->discovery_stops > 0;
}

/* It may run for all that it said, and would run for ever. */
static void test_discovery_that_fails_is_stopped(void) {
        Walk w = { .kind = &kinds[0] };

        fixture_set_up(&w.f, false);
        w.f.fake->discovery_error = SD_BUS_ERROR_NO_REPLY;
        g_assert_cmpint(link_search(w.f.link, 10 * G_USEC_PER_SEC), ==, 0);
        reach(&w, is_search_over, "over");
        w.f.fake->discovery_error = NULL;
        reach(&w, is_stopped, "stopped");
        fixture_tear_down(&w.f);
}

static bool is_without_adapter(const Walk *w) {
        return link_bluetooth(w->f.link) == LINK_BLUETOOTH_NO_ADAPTER;
}

static bool is_off(const Walk *w) {
        return link_bluetooth(w->f.link) == LINK_BLUETOOTH_OFF;
}

static bool is_ready(const Walk *w) {
        return link_bluetooth(w->f.link) == LINK_BLUETOOTH_READY;
}

static void test_adapter_that_was_never_announced(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        g_assert_cmpint(sd_bus_emit_interfaces_removed(w.f.fake->bus, FAKE_ADAPTER, "org.bluez.Adapter1", "org.bluez.GattManager1", NULL),
                        >=, 0);
        reach(&w, is_without_adapter, "without an adapter");
        fake_powered(w.f.fake, true);
        reach(&w, is_ready, "ready");
        fixture_tear_down(&w.f);
}

/* Nothing connects over an adapter that is off. */
static void test_connection_over_an_adapter_that_is_off(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        fake_powered(w.f.fake, false);
        reach(&w, is_off, "off");
        w.f.fake->powered = true;
        fake_device_connect(w.f.fake);
        reach(&w, is_ready, "ready");
        reach(&w, is_streaming, "streaming again");
        fixture_tear_down(&w.f);
}

static void say_release(sd_bus *bus, const Walk *w) {
        g_assert_cmpint(sd_bus_call_method_async(bus, NULL, w->f.fake->application_sender, "/org/needled/application/profile0/services",
                                                 "org.bluez.GattProfile1", "Release", NULL, NULL, NULL), >=, 0);
}

static bool is_registered_again(const Walk *w) {
        return w->f.fake->applications == 2;
}

/* bluetoothd has dropped our profile, and goes on: it is told anew. Nobody else can make it so. */
static void test_released_profile_is_registered_again(void) {
        sd_bus *somebody;
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        fixture_settle(&w.f);
        g_assert_cmpuint(w.f.fake->applications, ==, 1);

        g_assert_cmpint(sd_bus_open_system(&somebody), >=, 0);
        say_release(somebody, &w);
        sd_bus_flush_close_unref(somebody);
        for (unsigned i = 0; i < 10; i++) {
                fixture_settle(&w.f);
                skipped_usec += SKIP_USEC;
        }
        g_assert_cmpuint(w.f.fake->applications, ==, 1);

        say_release(w.f.fake->bus, &w);
        reach(&w, is_registered_again, "registered again");
        fixture_tear_down(&w.f);
}

/* The computer sleeps before that: it is told when it has woken. */
static void test_released_profile_and_sleep(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        fixture_settle(&w.f);
        say_release(w.f.fake->bus, &w);
        fixture_settle(&w.f);
        g_assert_cmpuint(w.f.fake->applications, ==, 1);
        link_suspend(w.f.link, true);
        link_suspend(w.f.link, false);
        reach(&w, is_registered_again, "registered again");
        fixture_tear_down(&w.f);
}

/* A registration of which we know nothing may be another's, or an old one: it is made anew. */
static void test_registered_already(void) {
        Walk w = { .kind = &kinds[0] };

        fixture_set_up(&w.f, false);
        w.f.fake->register_error = "org.bluez.Error.AlreadyExists";
        recover(&w);
        reach(&w, is_registered_again, "registered again");
        fixture_tear_down(&w.f);
}

static bool is_let_go(const Walk *w) {
        return w->f.device->state == DEVICE_KNOWN && w->f.device->work->step == STEP_NONE;
}

/* Nobody told that it was disconnected, and perhaps it was not: it is followed again all the same once that is wished for. */
static void test_disconnection_that_was_never_told(void) {
        Walk w = { .kind = &kinds[0] };

        start_streaming(&w);
        fake_hold(w.f.fake, "Disconnect");
        device_set_auto_connect(w.f.device, false);
        reach(&w, is_let_go, "let go");
        g_assert_true(w.f.device->work->connected);
        device_set_auto_connect(w.f.device, true);
        reach(&w, is_streaming, "streaming again");
        fixture_tear_down(&w.f);
}

/* ---- What only time does ---- */

static void let_pass(Walk *w, uint64_t usec) {
        for (uint64_t end = (uint64_t) g_get_monotonic_time() + usec, now; (now = (uint64_t) g_get_monotonic_time()) < end;) {
                fixture_settle(&w->f);
                skipped_usec += MIN(SKIP_USEC, end - now);
        }
        fixture_settle(&w->f);
}

static void search_and_find(Walk *w) {
        g_assert_cmpint(link_search(w->f.link, 10 * G_USEC_PER_SEC), ==, 0);
        fake_device_appear(w->f.fake);
        reach(w, is_there, "found");
        reach(w, is_search_over, "over");
}

/* What was found and is not adopted stays for a minute behind the end of the search, so that there is time to choose. */
static void test_found_and_not_adopted(void) {
        Walk w = { .kind = &kinds[0] };

        fixture_set_up(&w.f, false);
        search_and_find(&w);
        let_pass(&w, 50 * G_USEC_PER_SEC);
        g_assert_cmpuint(w.f.removed, ==, 0);
        let_pass(&w, 15 * G_USEC_PER_SEC);
        g_assert_cmpuint(w.f.removed, ==, 1);
        g_assert_cmpuint(link_devices(w.f.link)->len, ==, 0);

        search_and_find(&w);
        g_assert_cmpuint(w.f.added, ==, 2);
        let_pass(&w, 65 * G_USEC_PER_SEC);
        g_assert_cmpuint(w.f.removed, ==, 2);
        fixture_tear_down(&w.f);
}

/* The minute begins anew with the search that sees it again; what is adopted stays. */
static void test_found_again(void) {
        Walk w = { .kind = &kinds[0] };

        fixture_set_up(&w.f, false);
        search_and_find(&w);
        let_pass(&w, 40 * G_USEC_PER_SEC);
        search_and_find(&w);
        let_pass(&w, 50 * G_USEC_PER_SEC);
        g_assert_cmpuint(w.f.removed, ==, 0);
        adopt(&w);
        g_assert_cmpint(w.f.done_error, ==, 0);
        reach(&w, is_streaming, "streaming");
        let_pass(&w, 65 * G_USEC_PER_SEC);
        g_assert_cmpuint(w.f.removed, ==, 0);
        g_assert_cmpuint(w.f.added, ==, 1);
        fixture_tear_down(&w.f);
}

int main(int argc, char **argv) {
        static const struct {
                const char *name;
                void (*test)(const void *data);
        } conversations[] = {
                { "adopt", test_adopt },
                { "adopt-unbonded", test_adopt_unbonded },
                { "reconnect", test_reconnect },
                { "reconnect-unbonded", test_reconnect_unbonded },
        };

        g_test_init(&argc, &argv, NULL);
        for (size_t i = 0; i < G_N_ELEMENTS(conversations); i++)
                for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
                        g_autofree char *path = g_strdup_printf("/link-faults/%s/%s", conversations[i].name, kinds[k].name);

                        g_test_add_data_func(path, &kinds[k], conversations[i].test);
                }
        g_test_add_func("/link-faults/removed-without-an-answer", test_removed_without_an_answer);
        g_test_add_func("/link-faults/not-removed-is-not-forgotten", test_not_removed_is_not_forgotten);
        g_test_add_func("/link-faults/adapter-that-was-never-announced", test_adapter_that_was_never_announced);
        g_test_add_func("/link-faults/connection-over-an-adapter-that-is-off", test_connection_over_an_adapter_that_is_off);
        g_test_add_func("/link-faults/discovery-that-fails-is-stopped", test_discovery_that_fails_is_stopped);
        g_test_add_func("/link-faults/disconnection-that-was-never-told", test_disconnection_that_was_never_told);
        g_test_add_func("/link-faults/found-again", test_found_again);
        g_test_add_func("/link-faults/found-and-not-adopted", test_found_and_not_adopted);
        g_test_add_func("/link-faults/registered-already", test_registered_already);
        g_test_add_func("/link-faults/released-profile-is-registered-again", test_released_profile_is_registered_again);
        g_test_add_func("/link-faults/released-profile-and-sleep", test_released_profile_and_sleep);
        return g_test_run();
}
