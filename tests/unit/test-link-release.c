/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "clock.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

#define DAY_USEC (24 * 3600 * (uint64_t) G_USEC_PER_SEC)

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void release(Fixture *f, uint64_t duration_usec) {
        unsigned dones = f->dones;

        link_release(f->link, f->device, duration_usec, fixture_on_done, f);
        g_assert_cmpuint(f->dones, ==, dones);
        wait_for(f, f->dones == dones + 1);
        g_assert_cmpint(f->done_error, ==, 0);
        fixture_settle(f);
}

/* "Lets go of the radio so that a phone can have the device, and keeps away until link_connect()." */
static void test_release_and_connect(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, 0);
        g_assert_false(f->fake->connected || f->fake->trusted);
        g_assert_cmpuint(f->fake->unregistered, ==, 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_RELEASED);
        g_assert_cmpuint(f->device->retry_at_usec, ==, 0);
        g_assert_true(f->device->released && f->device->auto_connect);
        g_assert_cmpuint(f->losts, ==, 1);
        g_assert_cmpuint(f->device->n_lasted, ==, 0); /* we ended it ourselves */

        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_false(f->device->released);
        g_assert_true(f->fake->trusted);
        g_assert_cmpuint(f->fake->applications, ==, 2);

        /* And it comes by itself again. */
        unsigned connects = f->fake->connects;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY && f->device->work->step == STEP_NONE);
        g_assert_cmpuint(f->fake->connects, ==, connects);
}

static void test_end_of_the_time(Fixture *f, const void *data) {
        fixture_stream(f);
        link_release(f->link, f->device, G_USEC_PER_SEC, fixture_on_done, f);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpuint(f->device->retry_at_usec, ==, f->device->released_until_usec);
        g_assert_cmpuint(f->device->retry_at_usec, >, clock_usec(CLOCK_REALTIME));
        wait_for(f, f->dones == 2 && !f->fake->connected);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_false(f->device->released);
        g_assert_true(f->fake->trusted);
}

static void test_longer_than_can_be(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, UINT64_MAX);
        g_assert_cmpuint(f->device->released_until_usec, <=, clock_usec(CLOCK_REALTIME) + LINK_RELEASE_MAX_USEC);
        release(f, 0); /* the later word counts */
        g_assert_cmpuint(f->device->released_until_usec, ==, 0);
        g_assert_null(f->device->work->release_timer);
}

/* The client that asked leaves the bus: that changes nothing. */
static void test_client_gone(Fixture *f, const void *data) {
        fixture_stream(f);
        link_release(f->link, f->device, 0, fixture_on_done, f);
        link_cancel(f->link, f);
        wait_for(f, !f->fake->connected);
        fixture_settle(f);
        g_assert_cmpuint(f->dones, ==, 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
}

/* What another program connects meanwhile is its affair. */
static void test_connected_by_another(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, 0);
        unsigned disconnects = f->fake->disconnects;
        fake_device_connect(f->fake);
        fixture_settle(f);
        g_assert_true(f->fake->connected);
        g_assert_cmpuint(f->fake->disconnects, ==, disconnects);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpuint(f->ups, ==, 1);
}

/* bluetoothd forgets what was said to it about a device that another one's profile connects: once it is told again. */
static void test_over_restart_of_bluetoothd(Fixture *f, const void *data) {
        Device other = fixture_remembered(f);

        other.path = (char *) "C0_FF_EE_00_00_01";
        other.address = (char *) "C0:FF:EE:00:00:01";
        fixture_stream(f);
        Device *pen = f->device;
        (void) link_restore(f->link, &other);
        f->device = pen;
        release(f, 0);
        g_assert_cmpuint(f->fake->unregistered, ==, 0); /* the other one needs it */

        f->fake = fake_bluez_free(f->fake);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_ABSENT);
        g_assert_cmpint(pen->state, ==, DEVICE_RELEASED);
        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->paired = true;
        wait_for(f, f->fake->applications == 1);
        fake_device_appear(f->fake);
        fake_device_connect(f->fake);
        wait_for(f, f->fake->disconnects == 1);
        fixture_settle(f);
        g_assert_false(f->fake->connected);
        g_assert_cmpint(pen->state, ==, DEVICE_RELEASED);

        fake_device_connect(f->fake);
        fixture_settle(f);
        g_assert_true(f->fake->connected);
        g_assert_cmpuint(f->fake->disconnects, ==, 1);
        g_assert_cmpuint(f->ups, ==, 1);
}

static void test_over_restart_of_needled(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, DAY_USEC);

        Device remembered = fixture_remembered(f);
        remembered.released = true;
        remembered.released_until_usec = f->device->released_until_usec;
        unsigned connects = f->fake->connects, identities = f->identities;
        fixture_restart(f, &remembered);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        g_assert_cmpuint(f->device->retry_at_usec, ==, remembered.released_until_usec);
        g_assert_cmpuint(f->identities, ==, identities);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_false(f->fake->connected || f->fake->trusted);
}

/* Its time was over while nobody was here: a Connect() wakes bluetoothd, which was told to keep away. */
static void test_over_meanwhile(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, DAY_USEC);

        Device remembered = fixture_remembered(f);
        remembered.released = true;
        remembered.released_until_usec = clock_usec(CLOCK_REALTIME) - 1;
        unsigned connects = f->fake->connects;
        fixture_restart(f, &remembered);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_false(f->device->released);
        g_assert_cmpuint(f->fake->connects, ==, connects + 1);
        fixture_settle(f);
        g_assert_true(f->fake->trusted);
}

/* A wall clock that was set back by years does not lose the device for so long. */
static void test_end_far_away_is_cut(Fixture *f, const void *data) {
        fixture_stream(f);
        release(f, DAY_USEC);

        Device remembered = fixture_remembered(f);
        remembered.released = true;
        remembered.released_until_usec = clock_usec(CLOCK_REALTIME) + 1000 * DAY_USEC;
        unsigned identities = f->identities;
        fixture_restart(f, &remembered);
        g_assert_cmpuint(f->device->released_until_usec, <=, clock_usec(CLOCK_REALTIME) + LINK_RELEASE_MAX_USEC);
        g_assert_cmpuint(f->device->released_until_usec, >, clock_usec(CLOCK_REALTIME) + LINK_RELEASE_MAX_USEC / 2);
        g_assert_cmpuint(f->identities, ==, identities + 1); /* to be stored */
}

/* A device that is away is released too, and taken back when bluetoothd comes. */
static void test_without_bluetoothd(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, link_bluetooth(f->link) == LINK_BLUETOOTH_ABSENT);
        release(f, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, -ENODEV);
        g_assert_false(f->device->released); /* it was asked for all the same */
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_NO_BLUETOOTHD);
}

static void test_not_adopted(Fixture *f, const void *data) {
        fixture_find(f);
        link_release(f->link, f->device, 0, fixture_on_done, f);
        wait_for(f, f->dones == 1);
        g_assert_cmpint(f->done_error, ==, -EOPNOTSUPP);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
}

/* Connect() waits for an answer of the radio while the device is released. */
static void test_connect_gives_way(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING);
        f->fake->connect_silent = true;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->device->state == DEVICE_CONNECTING);
        link_release(f->link, f->device, 0, fixture_on_done, f);
        g_assert_cmpuint(f->dones, ==, 2);
        g_assert_cmpint(f->done_error, ==, -ECANCELED);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
}

#define ADD(name, function) g_test_add("/link-release/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("release-and-connect", test_release_and_connect);
        ADD("end-of-the-time", test_end_of_the_time);
        ADD("longer-than-can-be", test_longer_than_can_be);
        ADD("client-gone", test_client_gone);
        ADD("connected-by-another", test_connected_by_another);
        ADD("over-restart-of-bluetoothd", test_over_restart_of_bluetoothd);
        ADD("over-restart-of-needled", test_over_restart_of_needled);
        ADD("over-meanwhile", test_over_meanwhile);
        ADD("end-far-away-is-cut", test_end_far_away_is_cut);
        ADD("without-bluetoothd", test_without_bluetoothd);
        ADD("not-adopted", test_not_adopted);
        ADD("connect-gives-way", test_connect_gives_way);
        return g_test_run();
}
