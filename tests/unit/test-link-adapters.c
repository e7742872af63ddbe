/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>

#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

/* A device belongs to the adapter that it was adopted through, by that one's address: it has the keys. */

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void lose(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
        fixture_settle(f);
}

/* Seen through a second adapter while its own is there: it is one device, and nothing of the other counts. */
static void test_seen_through_two(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_plug(f->fake, FAKE_ADAPTER_2);
        fixture_settle(f);
        g_assert_cmpint(link_search(f->link, 10 * G_USEC_PER_SEC), ==, 0);
        fake_device_appear_2(f->fake);
        fixture_settle(f);
        g_assert_cmpuint(f->added, ==, 1);
        g_assert_cmpuint(link_devices(f->link)->len, ==, 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
        g_assert_cmpstr(f->device->work->object, ==, FAKE_DEVICE);
        g_assert_cmpstr(f->device->adapter, ==, "00:AA:01:00:00:00");
}

/* Before it is adopted the owner may choose. */
static void test_found_through_two(Fixture *f, const void *data) {
        fake_plug(f->fake, FAKE_ADAPTER_2);
        fixture_settle(f);
        fixture_find(f);
        Device *first = f->device;
        fake_device_appear_2(f->fake);
        wait_for(f, f->added == 2);
        g_assert_cmpstr(first->adapter, ==, "00:AA:01:00:00:00");
        g_assert_cmpstr(f->device->adapter, ==, "00:AA:01:01:00:01");
        g_assert_cmpstr(f->device->path, ==, "C0_FF_EE_12_34_56_1");
}

/* A pinned adapter that is away, while another is there and sees the device: it waits for its own. Its owner may adopt it here. */
static void test_own_adapter_away(Fixture *f, const void *data) {
        fixture_stream(f);
        Device *device = f->device;
        fake_plug(f->fake, FAKE_ADAPTER_2);
        fixture_settle(f);
        fake_unplug(f->fake);
        wait_for(f, device->reason == DEVICE_REASON_NO_ADAPTER);
        g_assert_cmpint(link_bluetooth(f->link), ==, LINK_BLUETOOTH_READY);
        fake_device_appear_2(f->fake);
        fixture_settle(f);
        g_assert_cmpint(device->state, ==, DEVICE_WAITING);
        g_assert_cmpint(device->reason, ==, DEVICE_REASON_NO_ADAPTER);
        g_assert_null(device->work->object);

        g_assert_cmpint(link_search(f->link, 10 * G_USEC_PER_SEC), ==, 0);
        wait_for(f, f->added == 2);
        g_assert_true(f->device != device);
}

/* Plugged in again it has another index, and the other adapter has its old one. */
static void test_renumbered(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_unplug(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_NO_ADAPTER);
        f->fake->renumbered = true;
        fake_plug(f->fake, FAKE_ADAPTER);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_NO_ADAPTER); /* hci0 is another one now */
        fake_device_appear_2(f->fake); /* bluetoothd shows it before its adapter */
        fake_plug(f->fake, FAKE_ADAPTER_2);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY && f->device->work->step == STEP_NONE);
        g_assert_cmpstr(f->device->work->object, ==, FAKE_DEVICE_2);
        g_assert_cmpuint(f->added, ==, 1);
}

#define ADD(name, function) g_test_add("/link-adapters/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("seen-through-two", test_seen_through_two);
        ADD("found-through-two", test_found_through_two);
        ADD("own-adapter-away", test_own_adapter_away);
        ADD("renumbered", test_renumbered);
        return g_test_run();
}
