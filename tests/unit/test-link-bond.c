/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "clock.h"
#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void assert_bond_lost(Fixture *f, Step step) {
        wait_for(f, f->device->state == DEVICE_BOND_LOST && f->device->work->step == step);
        fixture_settle(f);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_cmpint(f->device->retry_at_usec > 0, ==, step == STEP_BACKOFF);
        g_assert_false(f->fake->connected || f->fake->trusted);
        g_assert_cmpuint(f->fake->unregistered, ==, 1);
        g_assert_cmpuint(f->ups, ==, f->losts);
}

static void lose_bond(Fixture *f) {
        fixture_stream(f);
        fake_unpair(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

/* Somebody removed it on this computer; nothing loops after that. */
static void test_bond_removed_here(Fixture *f, const void *data) {
        lose_bond(f);
        unsigned connects = f->fake->connects, disconnects = f->fake->disconnects;
        fake_device_connect(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpuint(f->fake->connects, ==, connects);
        g_assert_cmpuint(f->fake->disconnects, ==, disconnects);
        g_assert_cmpuint(f->ups, ==, 1);
}

static void test_object_removed(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        fake_device_vanish(f->fake);
        wait_for(f, f->device->work->step == STEP_MISSING);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        wait_for(f, f->device->state == DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
}

/* bluetoothd shows it a little later than its adapter: no harm. */
static void test_object_comes_late(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        fake_device_vanish(f->fake);
        wait_for(f, f->device->work->step == STEP_MISSING);
        fake_device_appear(f->fake);
        wait_for(f, f->device->work->step == STEP_NONE);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* With its adapter all of it goes, and comes back under another path. */
static void test_unplugged(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_unplug(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_NO_ADAPTER);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        fake_plug(f->fake, FAKE_ADAPTER);
        fake_device_appear(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY && f->device->work->step == STEP_NONE);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

/* After a restart bluetoothd shows Paired when the device is connected again, not before. */
static void test_paired_comes_late(Fixture *f, const void *data) {
        fixture_stream(f);
        f->fake = fake_bluez_free(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_NO_BLUETOOTHD);
        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->trusted = true;
        fake_device_appear(f->fake);
        wait_for(f, f->device->reason == DEVICE_REASON_AWAY);
        f->fake->paired = true;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_authentication_fails(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        f->fake->connect_error = "org.bluez.Error.AuthenticationFailed";
        f->fake->connect_error_text = "Authentication Failed";
        f->fake->connect_errors = 1;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREVOKED);
        g_assert_nonnull(strstr(f->done_message, "needlectl adopt"));
        assert_bond_lost(f, STEP_NONE);
}

/* ATT 0x05 and 0x0f at Feature. */
static void test_feature_needs_the_key(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        f->fake->read_error = "org.bluez.Error.NotPermitted";
        f->fake->read_error_text = "Not paired";
        fake_device_connect(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

static void test_notifications_need_the_key(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        f->fake->acquire_error = "org.bluez.Error.Failed";
        f->fake->acquire_error_text = "Operation failed with ATT error: 0x0f";
        f->fake->acquire_errors = 1;
        fake_device_connect(f->fake);
        assert_bond_lost(f, STEP_NONE);
}

/* The device does not know our key and drops each connection: three are enough. */
static void test_early_falls(Fixture *f, const void *data) {
        fixture_stream(f);
        fixture_lose(f);
        f->fake->unresolved = true;
        for (int i = 0; i < 3; i++) {
                g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
                fake_device_connect(f->fake);
                wait_for(f, f->device->state == DEVICE_RESOLVING);
                fake_device_disconnect(f->fake);
                wait_for(f, f->device->state != DEVICE_RESOLVING);
        }
        assert_bond_lost(f, STEP_BACKOFF); /* it may have been the radio: it is tried again */
}

/* The wait is over before its time. */
static void wait_is_over(Fixture *f) {
        g_assert_cmpint(f->device->work->step, ==, STEP_BACKOFF);
        g_assert_cmpint(sd_event_source_set_time(f->device->work->timer, 0), >=, 0);
}

/* BlueZ may not wait for a device whose connection broke off while it was set up: it is asked to, once. */
static void test_asked_for_after_an_early_fall(Fixture *f, const void *data) {
        unsigned connects;

        fixture_stream(f);
        fixture_lose(f);
        fixture_settle(f);
        connects = f->fake->connects;
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE); /* after one that streamed it waits by itself */
        f->fake->unresolved = true;
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_RESOLVING);
        f->fake->unresolved = false;
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->connects, ==, connects + 1);
}

/* It comes again with the key that there is; one more early fall, and it waits twice as long; a connection that streams clears it. */
static void test_a_suspicion_is_tested_again(Fixture *f, const void *data) {
        uint64_t first, second;

        test_early_falls(f, data);
        first = f->device->retry_at_usec - f->device->state_since_usec;
        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 1;
        wait_is_over(f);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_AWAY);
        wait_for(f, f->fake->trusted);
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_RESOLVING);
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_BOND_LOST && f->device->work->step == STEP_BACKOFF);
        second = f->device->retry_at_usec - f->device->state_since_usec;
        g_assert_cmpuint(second, >, first + first / 2);

        f->fake->unresolved = false;
        wait_is_over(f);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->pairs, ==, 1);
        wait_for(f, f->fake->trusted);
}

/* Its bond is removed here meanwhile: there is no key to test, and whatever answers at its address is not connected. */
static void test_a_suspicion_without_a_key(Fixture *f, const void *data) {
        unsigned discoveries, connects;

        test_early_falls(f, data);
        fake_device_vanish(f->fake);
        fixture_settle(f);
        discoveries = f->fake->discoveries;
        connects = f->fake->connects;
        wait_is_over(f);
        wait_for(f, f->device->work->step != STEP_BACKOFF);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        f->fake->paired = false;
        fake_device_appear(f->fake);
        fixture_settle(f);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
        g_assert_cmpuint(f->fake->discoveries, ==, discoveries);
        g_assert_cmpuint(f->fake->connects, ==, connects);
}

/* One that streams in between is a bad place for radio, and no more. */
static void test_early_falls_not_in_a_row(Fixture *f, const void *data) {
        fixture_stream(f);
        for (int i = 0; i < 4; i++) {
                f->fake->unresolved = i != 2;
                fake_device_disconnect(f->fake);
                wait_for(f, f->device->state == DEVICE_WAITING && !f->device->work->connected);
                if (f->device->work->step == STEP_NONE)
                        fake_device_connect(f->fake);
                wait_for(f, f->device->state == (i != 2 ? DEVICE_RESOLVING : DEVICE_STREAMING));
        }
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state != DEVICE_RESOLVING);
        g_assert_cmpint(f->device->state, ==, DEVICE_WAITING);
}

/* The owner may try once more, and if it streams all is well. */
static void test_connect_once_more(Fixture *f, const void *data) {
        lose_bond(f);
        f->fake->connect_error = "org.bluez.Error.Failed";
        f->fake->connect_error_text = "le-connection-abort-by-local";
        f->fake->connect_errors = 1;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREVOKED);
        fixture_settle(f);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);

        f->fake->paired = true;
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        wait_for(f, f->fake->trusted);
        g_assert_cmpuint(f->fake->applications, ==, 2);
}

static void test_adopt_again(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };
        Device *device;

        lose_bond(f);
        device = f->device;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        fixture_settle(f);
        g_assert_true(f->device == device && f->added == 1);
        g_assert_true(device->adopted && device->bonded && f->fake->trusted);
        g_assert_cmpstr(device->alias, ==, "My pen");
        g_assert_cmpuint(device->owner, ==, 1001);
        g_assert_cmpuint(f->fake->removes, ==, 1); /* the old bond */
        g_assert_cmpuint(f->fake->pairs, ==, 2);
}

static void test_adopt_again_fails(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        lose_bond(f);
        f->fake->pair_refused = true;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_true(f->device->adopted);
        g_assert_cmpuint(f->device->owner, ==, 1000);
}

/* On its way to streaming by the owner's Connect() when it is adopted again. */
static void get_ready(Fixture *f) {
        lose_bond(f);
        f->fake->paired = true;
        fake_hold(f->fake, "AcquireNotify");
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->dones == 2 && f->fake->held->len == 1);
        g_assert_cmpint(f->device->state, ==, DEVICE_READY);
}

static void test_adopt_again_on_its_way(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        get_ready(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        fake_answer(f->fake, "org.bluez.Error.Failed", "Not connected");
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
        g_assert_cmpuint(f->fake->removes, ==, 1);
}

/* What was under way before it does not come back. */
static void test_adopt_again_on_its_way_fails(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        get_ready(f);
        f->fake->pair_refused = true;
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        fake_answer(f->fake, "org.bluez.Error.Failed", "Not connected");
        wait_for(f, f->dones == 3);
        g_assert_cmpint(f->done_error, ==, -EKEYREJECTED);
        g_assert_cmpint(f->device->state, ==, DEVICE_BOND_LOST);
        g_assert_cmpint(f->device->reason, ==, DEVICE_REASON_KEY_MISSING);
        g_assert_cmpint(f->device->work->step, ==, STEP_NONE);
}

static void test_settings_of_one_that_is_adopted_again(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        lose_bond(f);
        fake_hold(f->fake, "RemoveDevice");
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->held->len == 1);
        device_set_auto_connect(f->device, false);
        g_assert_cmpint(f->device->work->step, ==, STEP_REMOVE);
        fake_answer(f->fake, NULL, NULL);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, 0);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void test_adopt_again_without_trouble(Fixture *f, const void *data) {
        const LinkAdopt options = { .owner = 1001 };

        fixture_stream(f);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->dones == 2);
        g_assert_cmpint(f->done_error, ==, -EEXIST);
        g_assert_cmpint(f->device->state, ==, DEVICE_STREAMING);
}

#define ADD(name, function) g_test_add("/link-bond/" name, Fixture, NULL, set_up, function, tear_down)

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("bond-removed-here", test_bond_removed_here);
        ADD("object-removed", test_object_removed);
        ADD("object-comes-late", test_object_comes_late);
        ADD("unplugged", test_unplugged);
        ADD("paired-comes-late", test_paired_comes_late);
        ADD("authentication-fails", test_authentication_fails);
        ADD("feature-needs-the-key", test_feature_needs_the_key);
        ADD("notifications-need-the-key", test_notifications_need_the_key);
        ADD("early-falls", test_early_falls);
        ADD("asked-for-after-an-early-fall", test_asked_for_after_an_early_fall);
        ADD("a-suspicion-is-tested-again", test_a_suspicion_is_tested_again);
        ADD("a-suspicion-without-a-key", test_a_suspicion_without_a_key);
        ADD("early-falls-not-in-a-row", test_early_falls_not_in_a_row);
        ADD("connect-once-more", test_connect_once_more);
        ADD("adopt-again", test_adopt_again);
        ADD("adopt-again-fails", test_adopt_again_fails);
        ADD("adopt-again-on-its-way", test_adopt_again_on_its_way);
        ADD("adopt-again-on-its-way-fails", test_adopt_again_on_its_way_fails);
        ADD("settings-of-one-that-is-adopted-again", test_settings_of_one_that_is_adopted_again);
        ADD("adopt-again-without-trouble", test_adopt_again_without_trouble);
        return g_test_run();
}
