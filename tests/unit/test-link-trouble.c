/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

#define FEATURE "95840101-2319-423b-8a8e-ee1ffb8d13f8"
#define LIVE "95840102-2319-423b-8a8e-ee1ffb8d13f8"
#define WAVEFORM "95840103-2319-423b-8a8e-ee1ffb8d13f8"
#define STATUS "95840105-2319-423b-8a8e-ee1ffb8d13f8"
#define MAKER "00002a29-0000-1000-8000-00805f9b34fb"
#define SERIAL "00002a25-0000-1000-8000-00805f9b34fb"

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void stream_unbonded(Fixture *f) {
        f->fake->pair_refused = true;
        fixture_adopt(f, true);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
}

static void lose_known(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_KNOWN && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_KNOWN);
}

/* ---- Who it is ---- */

static void another(Fixture *f, const char *uuid, const char *text) {
        static FakeCharKind other;
        FakeChar *ch = fake_char(f->fake, uuid);

        other = *ch->kind;
        other.value = text;
        other.size = strlen(text);
        ch->kind = &other;
}

static void test_another_device(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        another(f, SERIAL, "0043");
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_cmpstr(f->device->serial, ==, "0042");
        g_assert_false(f->fake->connected || f->fake->trusted);
        g_assert_cmpuint(f->losts, ==, 2);

        /* Nor by hand; but its owner may take it for the device. */
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EOPNOTSUPP);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        f->device->n_lasted = 3;
        const LinkAdopt options = { .owner = 1000 };
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpstr(f->device->serial, ==, "0043");
        g_assert_cmpuint(f->device->n_lasted, ==, 0); /* those were another bond's */
        wait_for(f, f->fake->trusted);
}

/* Only its owner brings it back: the end of a release does not. */
static void test_another_device_released(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        another(f, SERIAL, "0043");
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        unsigned connects = f->fake->connects;
        link_release(f->link, f->device, G_USEC_PER_SEC, fixture_on_done, f);
        wait_for(f, f->dones == 2 && !f->device->released);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_false(f->fake->connected || f->fake->trusted);
}

/* Without a bond it could be anybody: who it is comes before what it says. */
static void test_another_unbonded_device(Fixture *f, const void *data) {
        stream_unbonded(f);
        another(f, SERIAL, "0043");
        unsigned acquires = fake_char(f->fake, STATUS)->acquires;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_IDENTITY_CHANGED);
        g_assert_cmpuint(f->ups, ==, 1);
        g_assert_cmpuint(fake_char(f->fake, STATUS)->acquires, ==, acquires);
        g_assert_false(f->fake->connected);
}

static void test_what_may_change(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        another(f, MAKER, "Example Inc.");
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        wait_for(f, g_str_equal(f->device->manufacturer, "Example Inc."));
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

/* Answers to an examination that was broken off are none of the next one's. */
static void test_examined_anew(Fixture *f, const void *data) {
        static FakeCharKind other;
        FakeChar *feature = fake_char(f->fake, FEATURE);
        const FakeCharKind *kind = feature->kind;
        g_autofree uint8_t *value = g_memdup2(kind->value, kind->size);

        fixture_stream(f);
        fixture_lose(f);
        value[0]++; /* the major version */
        other = *kind;
        other.value = value;
        feature->kind = &other;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_PROFILE_MAJOR);
        fake_hold(f->fake, "ReadValue");
        wait_for(f, f->fake->held->len > 1); /* who it is */

        feature->kind = kind;
        link_connect(f->link, f->device, fixture_on_done, f);
        fake_answer(f->fake, NULL, NULL);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        wait_for(f, f->device->work->identity_read);
        g_assert_cmpstr(f->device->serial, ==, "0042");
}

/* ---- Services ---- */

/* The socket ends before bluetoothd says why: a short gap, and nobody is blamed. */
static void test_optional_goes_and_comes(Fixture *f, const void *data) {
        FakeChar *waveform = fake_char(f->fake, WAVEFORM);

        fixture_stream(f);
        fake_char_hide(waveform);
        wait_for(f, f->ups == 2 && f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);

        fake_char_show(waveform);
        wait_for(f, waveform->acquires == 2);
        fixture_settle(f);
        fixture_notify(f, WAVEFORM, "w", 1);
        wait_for(f, f->frames == 1);
        g_assert_cmpuint(f->ups, ==, 2);
}

static void test_required_goes_and_comes(Fixture *f, const void *data) {
        FakeChar *live = fake_char(f->fake, LIVE);

        fixture_stream(f);
        fake_char_hide(live);
        wait_for(f, f->device->work->step == STEP_OBJECTS);
        g_assert_cmpuint(f->losts, ==, 1);
        fake_char_show(live);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);
}

/* Without sockets, whose ends would say so first. Who it is comes first of one without a bond, the second time too. */
static void test_required_goes_and_comes_unbonded(Fixture *f, const void *data) {
        FakeChar *live = fake_char(f->fake, LIVE);

        f->fake->acquire_error = "org.bluez.Error.NotSupported";
        f->fake->acquire_errors = UINT_MAX;
        stream_unbonded(f);
        g_assert_cmpuint(live->starts, ==, 1);
        unsigned connects = f->fake->connects, disconnects = f->fake->disconnects;
        fake_char_hide(live);
        wait_for(f, f->device->work->step == STEP_OBJECTS);
        fake_char_show(live);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_cmpuint(f->fake->disconnects, ==, disconnects);
}

/* bluetoothd remembers another set of services than the device has now. */
static void test_stale_cache_bonded(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
        g_assert_cmpuint(f->fake->removes, ==, 0); /* that would lose the bond */
}

static void test_stale_cache_unbonded(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_disconnect(f->fake);
        wait_for(f, f->fake->removes == 1);
        fake_char_show(fake_char(f->fake, LIVE));
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

static void test_stale_cache_renewed_once(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_char_hide(fake_char(f->fake, LIVE));
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_REFUSED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SERVICES_MISSING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

/* ---- Other programs ---- */

static void end_sockets(Fixture *f) {
        for (unsigned i = 0; i < f->fake->n_chars; i++)
                if (f->fake->chars[i].fd >= 0) {
                        close(f->fake->chars[i].fd);
                        f->fake->chars[i].fd = -1;
                }
}

/* Another client's StopNotify ends our sockets. A program that does it again and again is given way. */
static void test_notifications_ended(Fixture *f, const void *data) {
        fixture_stream(f);
        end_sockets(f);
        wait_for(f, f->ups == 2 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        fixture_settle(f);
        end_sockets(f);
        wait_for(f, f->device->reason == DEVICE_REASON_NOTIFICATIONS_HELD);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        g_assert_cmpuint(f->device->counters.interferences, ==, 2);
        wait_for(f, f->ups == 3 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->n_lasted, ==, 0);
}

/* Also one that was connected by hand alone: it is connected, so it is followed. */
static void test_notifications_ended_by_hand(Fixture *f, const void *data) {
        fixture_stream(f);
        device_set_auto_connect(f->device, false);
        wait_for(f, f->device->state == DEVICE_KNOWN && f->device->work->step == STEP_NONE);
        fixture_settle(f);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        end_sockets(f);
        wait_for(f, f->ups == 3 && f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        lose_known(f);
}

/* A local Disconnect() of 5.66: Battery1 goes at once, two seconds later ServicesResolved falls alone, and then Connected. */
static void test_disconnected_by_another(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_battery(f->fake, 80);
        wait_for(f, f->device->battery == 80);
        fake_battery_gone(f->fake);
        wait_for(f, f->device->work->detached_usec > 0);
        fake_services_gone(f->fake);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_DISCONNECTED_BY_OTHER);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpuint(f->device->counters.interferences, ==, 1);
        g_assert_cmpuint(f->device->n_lasted, ==, 1);
        g_assert_cmpuint(f->device->retry_at_usec, ==, 0); /* trusted: bluetoothd connects it again */
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* Of a restart in between: bluetoothd ends a connection two seconds after the needled before has let it go, which is nobody's interference. */
static void test_let_go_by_the_one_before(Fixture *f, const void *data) {
        Device remembered = fixture_remembered(f);

        fake_device_appear(f->fake);
        f->fake->paired = true;
        for (unsigned late = 0; late < 2; late++) {
                fake_device_connect(f->fake);
                fixture_restart(f, &remembered);
                wait_for(f, f->device->state == DEVICE_STREAMING);
                if (late)
                        f->device->work->found_usec -= 6 * G_USEC_PER_SEC;
                fake_services_gone(f->fake);
                fake_device_disconnect(f->fake);
                wait_for(f, f->device->state == DEVICE_WAITING);
                fixture_settle(f);
                g_assert_cmpint(f->device->reason, ==, late ? DEVICE_REASON_DISCONNECTED_BY_OTHER : DEVICE_REASON_AWAY);
                g_assert_cmpuint(f->device->counters.interferences, ==, late);
                g_assert_cmpuint(f->device->n_lasted, ==, 0);
        }
}

/* Lost by the radio: all at once. */
static void test_lost_is_no_interference(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_battery(f->fake, 80);
        wait_for(f, f->device->battery == 80);
        fixture_lose(f);
        fake_battery_gone(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        g_assert_cmpuint(f->device->counters.interferences, ==, 0);
        g_assert_cmpuint(f->device->n_lasted, ==, 1);
        g_assert_cmpuint(f->device->lasted_usec[0], >, 0);
}

static void test_lasted_is_a_ring(Fixture *f, const void *data) {
        fixture_stream(f);
        for (unsigned i = 0; i < DEVICE_LASTED_MAX + 1; i++) {
                fixture_lose(f);
                fake_device_connect(f->fake);
                wait_for(f, f->device->state == DEVICE_STREAMING);
        }
        g_assert_cmpuint(f->device->n_lasted, ==, DEVICE_LASTED_MAX + 1);
        for (unsigned i = 0; i < DEVICE_LASTED_MAX; i++)
                g_assert_cmpuint(f->device->lasted_usec[i], >, 0);
}

/* bluetoothd denies once what it goes on to show: it is looked for, and found where it was. */
static void test_denied_once(Fixture *f, const void *data) {
        stream_unbonded(f);
        f->fake->connect_error = SD_BUS_ERROR_UNKNOWN_OBJECT;
        f->fake->connect_error_text = "Method doesn't exist";
        f->fake->connect_errors = 1;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->work->step == STEP_SEARCH);
        g_assert_cmpint(sd_event_source_set_time(f->device->work->timer, 0), >=, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* "NotReady": bluetoothd has not taken up what only a Connect() makes it wait for. */
static void test_connect_not_taken_up(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake->connect_error = "org.bluez.Error.NotReady";
        f->fake->connect_error_text = "Resource Not Ready";
        f->fake->connect_errors = 1;
        link_release(f->link, f->device, G_USEC_PER_SEC, fixture_on_done, f);
        wait_for(f, f->fake->connect_errors == 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* A bluetoothd that fails at once to tell its objects is not asked at once again. */
static void test_objects_not_told(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_hold(f->fake, "GetManagedObjects");
        bluez_refresh(f->link->bluez);
        wait_for(f, f->fake->held->len == 1);
        fake_answer(f->fake, SD_BUS_ERROR_NO_REPLY, "It did not answer");
        fake_hold(f->fake, "GetManagedObjects");
        uint64_t begin = (uint64_t) g_get_monotonic_time();
        wait_for(f, f->fake->held->len == 1);
        g_assert_cmpuint((uint64_t) g_get_monotonic_time() - begin, >, G_USEC_PER_SEC / 2);
        fake_answer(f->fake, "org.bluez.Error.Failed", "");
}

/* Heard by a search, and deaf to Connect() for its 40 s. */
static void test_held_elsewhere(Fixture *f, const void *data) {
        stream_unbonded(f);
        fake_hold(f->fake, "Connect");
        fake_device_disconnect(f->fake);
        wait_for(f, f->fake->held->len == 1);
        f->device->work->asked_usec -= 40 * G_USEC_PER_SEC;
        f->device->work->heard_usec = f->device->work->asked_usec - G_USEC_PER_SEC;
        fake_answer(f->fake, "org.bluez.Error.Failed", "le-connection-abort-by-local");
        wait_for(f, f->device->reason == DEVICE_REASON_HELD_ELSEWHERE);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpuint(f->device->retry_at_usec, >, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* What breaks off at once, or was not heard, is not held by anybody. */
static void test_not_held(Fixture *f, const void *data) {
        uint64_t now = clock_usec(CLOCK_BOOTTIME) + 3600 * (uint64_t) G_USEC_PER_SEC;

        stream_unbonded(f);
        DeviceWork *work = f->device->work;
        g_assert_cmpuint(work->heard_usec, ==, 0); /* the search that found it was before the link that is lost */
        work->asked_usec = now - 40 * G_USEC_PER_SEC;
        work->heard_usec = work->asked_usec - G_USEC_PER_SEC;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_HELD_ELSEWHERE);
        g_assert_cmpint(reconnect_unanswered(f->device, work->asked_usec + G_USEC_PER_SEC), ==, DEVICE_REASON_NONE);
        work->heard_usec = work->asked_usec - 600 * G_USEC_PER_SEC;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_NONE);
        work->heard_usec = 0;
        g_assert_cmpint(reconnect_unanswered(f->device, now), ==, DEVICE_REASON_NONE);
}

#define ADD(name, function) g_test_add("/link-trouble/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("another-device", test_another_device);
        ADD("another-device-released", test_another_device_released);
        ADD("another-unbonded-device", test_another_unbonded_device);
        ADD("what-may-change", test_what_may_change);
        ADD("examined-anew", test_examined_anew);
        ADD("optional-goes-and-comes", test_optional_goes_and_comes);
        ADD("required-goes-and-comes", test_required_goes_and_comes);
        g_test_add("/link-trouble/required-goes-and-comes-unbonded", Fixture, "broadcast", set_up, test_required_goes_and_comes_unbonded, tear_down);
        ADD("stale-cache-bonded", test_stale_cache_bonded);
        ADD("stale-cache-unbonded", test_stale_cache_unbonded);
        ADD("stale-cache-renewed-once", test_stale_cache_renewed_once);
        ADD("notifications-ended", test_notifications_ended);
        ADD("notifications-ended-by-hand", test_notifications_ended_by_hand);
        ADD("disconnected-by-another", test_disconnected_by_another);
        ADD("let-go-by-the-one-before", test_let_go_by_the_one_before);
        ADD("lost-is-no-interference", test_lost_is_no_interference);
        ADD("lasted-is-a-ring", test_lasted_is_a_ring);
        ADD("denied-once", test_denied_once);
        ADD("connect-not-taken-up", test_connect_not_taken_up);
        ADD("objects-not-told", test_objects_not_told);
        ADD("held-elsewhere", test_held_elsewhere);
        ADD("not-held", test_not_held);
        return g_test_run();
}
