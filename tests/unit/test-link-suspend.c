/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

#define LIVE "95840102-2319-423b-8a8e-ee1ffb8d13f8"

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static bool is_armed(sd_event_source *timer) {
        int enabled = SD_EVENT_OFF;

        return timer && sd_event_source_get_enabled(timer, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

/* The link lived through it: one gap, and on it goes without a new connection. */
static void test_link_survives(Fixture *f, const void *data) {
        fixture_stream(f);
        link_suspend(f->link, true);
        g_assert_cmpuint(f->suspends, ==, 1);
        g_assert_cmpuint(f->losts, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        fixture_settle(f);
        g_assert_false(is_armed(f->device->work->timer));

        link_suspend(f->link, false);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_cmpuint(f->ups, ==, 2);
        g_assert_cmpuint(f->losts, ==, 0);
        g_assert_cmpuint(f->fake->connects, ==, 1);
        fixture_notify(f, LIVE, "abc", 3);
        wait_for(f, f->frames == 1);
}

/* The usual: the kernel disconnects before it sleeps. Nothing is tried until the computer is awake, and it is one gap all the same. */
static void test_link_lost_asleep(Fixture *f, const void *data) {
        fixture_stream(f);
        link_suspend(f->link, true);
        fake_device_disconnect(f->fake);
        fake_powered(f->fake, false);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        g_assert_cmpuint(f->losts, ==, 0);
        g_assert_false(is_armed(f->device->work->timer));

        link_suspend(f->link, false);
        wait_for(f, f->device->reason == DEVICE_REASON_ADAPTER_OFF);
        fake_powered(f->fake, true);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->suspends, ==, 1);
        g_assert_cmpuint(f->losts, ==, 0);
}

/* An unbonded device has a timer to come back by: not while asleep. */
static void test_no_attempt_asleep(Fixture *f, const void *data) {
        f->fake->pair_refused = true;
        fixture_adopt(f, true);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_BACKOFF);
        unsigned connects = f->fake->connects;
        link_suspend(f->link, true);
        link_suspend(f->link, true); /* twice is once */
        g_assert_false(is_armed(f->device->work->timer));
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        fixture_settle(f);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_cmpint(link_search(f->link, G_USEC_PER_SEC), ==, -ENODEV);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -ENODEV);

        link_suspend(f->link, false);
        link_suspend(f->link, false);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_awake_without_sleep(Fixture *f, const void *data) {
        fixture_stream(f);
        unsigned states = f->states;
        link_suspend(f->link, false);
        fixture_settle(f);
        g_assert_cmpuint(f->states, ==, states);
        g_assert_false(is_armed(f->link->sleep_timer));
}

static void test_adoption_fails(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1000 };

        f->fake->connect_silent = true;
        fixture_find(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->connects == 1);
        link_suspend(f->link, true);
        g_assert_cmpuint(f->dones, ==, 1);
        g_assert_cmpint(f->done_error, ==, -ECANCELED);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -ENODEV);
}

/* What was asked for just after waking is done when the adapters had time to come. */
static void test_connect_while_settling(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY && f->device->work->step == STEP_NONE);
        link_suspend(f->link, true);
        link_suspend(f->link, false);
        link_connect(f->link, f->device, fixture_on_done, f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpuint(f->fake->connects, ==, 2);
}

static void test_release_ends_asleep(Fixture *f, const void *data) {
        fixture_stream(f);
        link_release(f->link, f->device, 3600ull * G_USEC_PER_SEC, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        link_suspend(f->link, true);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpint(sd_event_source_set_time(f->device->work->release_timer, 0), >=, 0); /* the hour is over */
        wait_for(f, !is_armed(f->device->work->release_timer));
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        link_suspend(f->link, false);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* A release of that time is kept as well: the link that lived through the sleep is let go. */
static void test_release_while_settling(Fixture *f, const void *data) {
        fixture_stream(f);
        link_suspend(f->link, true);
        link_suspend(f->link, false);
        link_release(f->link, f->device, 0, fixture_on_done, f);
        wait_for(f, !f->fake->connected);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        g_assert_false(f->fake->trusted);
        g_assert_cmpuint(f->fake->disconnects, ==, 1);
}

/* bluetoothd goes and comes back meanwhile. */
static void test_bluetoothd_restarts_asleep(Fixture *f, const void *data) {
        fixture_stream(f);
        link_suspend(f->link, true);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_ABSENT);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->paired = f->fake->trusted = true;
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_READY);
        fake_device_appear(f->fake);
        fake_device_connect(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_SUSPENDED);
        link_suspend(f->link, false);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->suspends, ==, 1);
        g_assert_cmpuint(f->losts, ==, 0);
}

#define ADD(name, function) g_test_add("/link-suspend/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("link-survives", test_link_survives);
        ADD("link-lost-asleep", test_link_lost_asleep);
        ADD("no-attempt-asleep", test_no_attempt_asleep);
        ADD("awake-without-sleep", test_awake_without_sleep);
        ADD("adoption-fails", test_adoption_fails);
        ADD("connect-while-settling", test_connect_while_settling);
        ADD("release-ends-asleep", test_release_ends_asleep);
        ADD("release-while-settling", test_release_while_settling);
        ADD("bluetoothd-restarts-asleep", test_bluetoothd_restarts_asleep);
        return g_test_run();
}
