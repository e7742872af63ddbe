/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>

#include "fake-trouble.h"
#include "link-fixture.h"
#include "link/private.h"
#include "log.h"

/* A bluetoothd that was asked, lost its name to another, and answers then: whatever it says, nothing comes of it. */

static void set_up(Fixture *f, const void *data) {
        fixture_set_up(f, data != NULL);
}

static void tear_down(Fixture *f, const void *data) {
        fixture_tear_down(f);
}

static void change_generation(Fixture *f, const char *name) {
        FakeBluez *old = f->fake;
        unsigned generation = bluez_generation(f->link->bluez);

        g_assert_cmpuint(old->held->len, >, 0);
        fake_retire(old);
        f->fake = fake_bluez_new(f->event, NULL);
        f->fake->trusted = f->fake->paired = true;
        wait_for(f, bluez_generation(f->link->bluez) == generation + 1 && link_bluetooth(f->link) == LINK_BLUETOOTH_READY);
        fake_device_appear(f->fake);
        fixture_settle(f);

        Device *device = f->device;
        unsigned states = f->states, dones = f->dones, ups = f->ups;
        fake_answer(old, name, "Does Not Exist");
        fixture_settle(f);
        g_assert_true(f->device == device && f->removed == 0);
        g_assert_cmpuint(f->states, ==, states);
        g_assert_cmpuint(f->dones, ==, dones);
        g_assert_cmpuint(f->ups, ==, ups);
        fake_bluez_free(old);
        fixture_settle(f);
        g_assert_cmpint(link_bluetooth(f->link), ==, LINK_BLUETOOTH_READY);
}

/* And the new one can be worked with. */
static void stream_again(Fixture *f) {
        fake_device_connect(f->fake);
        wait_for(f, f->device->state == DEVICE_STREAMING);
}

static void lose(Fixture *f) {
        fake_device_disconnect(f->fake);
        wait_for(f, f->device->state == DEVICE_WAITING && f->device->work->step == STEP_NONE);
}

static void test_connect(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_hold(f->fake, "Connect");
        link_connect(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->fake->held->len == 1);
        link_cancel(f->link, f);
        change_generation(f, data);
        stream_again(f);
}

static void test_disconnect(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_hold(f->fake, "Disconnect");
        link_release(f->link, f->device, 0, fixture_on_done, f);
        wait_for(f, f->fake->held->len == 1);
        change_generation(f, data);
        g_assert_cmpint(f->device->state, ==, DEVICE_RELEASED);
}

static void test_while_connected(Fixture *f, const void *data) {
        const char *const *words = data; /* the method, and what it answers */

        fixture_stream(f);
        lose(f);
        fake_hold(f->fake, words[0]);
        fake_device_connect(f->fake);
        wait_for(f, f->fake->held->len > 0);
        change_generation(f, words[1]);
        stream_again(f);
}

static void test_while_adopted(Fixture *f, const void *data) {
        const char *const *words = data;
        const LinkAdopt options = { .owner = 1000 };

        fixture_find(f);
        fake_hold(f->fake, words[0]);
        link_adopt(f->link, f->device, &options, fixture_on_done, f);
        wait_for(f, f->fake->held->len > 0);
        change_generation(f, words[1]);
        g_assert_cmpint(f->done_error, ==, -ENODEV);
        g_assert_cmpint(f->device->state, ==, DEVICE_FOUND);
}

static void test_register_application(Fixture *f, const void *data) {
        fake_hold(f->fake, "RegisterApplication");
        fixture_stream(f);
        wait_for(f, f->fake->held->len == 1);
        change_generation(f, data);
        g_assert_cmpuint(f->fake->applications, ==, 1);
        stream_again(f);
}

static void test_remove_device(Fixture *f, const void *data) {
        fixture_stream(f);
        fake_hold(f->fake, "RemoveDevice");
        link_forget(f->link, f->device, fixture_on_done, f);
        wait_for(f, f->fake->held->len == 1);
        change_generation(f, data);
        g_assert_cmpint(f->done_error, ==, -ENODEV);
        stream_again(f);
}

static void test_discovery(Fixture *f, const void *data) {
        const char *const *words = data;

        fixture_stream(f);
        fake_hold(f->fake, words[0]);
        g_assert_cmpint(link_search(f->link, 10 * G_USEC_PER_SEC), ==, 0);
        wait_for(f, f->fake->held->len > 0);
        change_generation(f, words[1]);
        g_assert_false(link_searching(f->link));
        stream_again(f);
}

static void test_managed_objects(Fixture *f, const void *data) {
        fixture_stream(f);
        lose(f);
        fake_hold(f->fake, "GetManagedObjects");
        bluez_refresh(f->link->bluez);
        wait_for(f, f->fake->held->len == 1);
        change_generation(f, data);
        stream_again(f);
}

#define GONE "org.bluez.Error.DoesNotExist"
#define ADD(name, data, function) g_test_add("/link-generation/" name, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv) {
        static const char *const read[] = { "ReadValue", NULL }, *const read_error[] = { "ReadValue", GONE },
                                 *const acquire[] = { "AcquireNotify", NULL },
                                 *const acquire_error[] = { "AcquireNotify", GONE }, *const pair[] = { "Pair", NULL },
                                 *const pair_error[] = { "Pair", GONE }, *const agent[] = { "RegisterAgent", NULL },
                                 *const connect[] = { "Connect", NULL }, *const filter[] = { "SetDiscoveryFilter", GONE },
                                 *const discovery[] = { "StartDiscovery", GONE };

        g_test_init(&argc, &argv, NULL);
        if (g_getenv("NEEDLED_DEBUG"))
                log_set_max_level(LOG_DEBUG);
        ADD("connect", NULL, test_connect);
        ADD("connect-error", GONE, test_connect);
        ADD("disconnect", NULL, test_disconnect);
        ADD("disconnect-error", GONE, test_disconnect);
        ADD("read", read, test_while_connected);
        ADD("read-error", read_error, test_while_connected);
        ADD("acquire", acquire, test_while_connected);
        ADD("acquire-error", acquire_error, test_while_connected);
        ADD("pair", pair, test_while_adopted);
        ADD("pair-error", pair_error, test_while_adopted);
        ADD("register-agent", agent, test_while_adopted);
        ADD("adopting-connect", connect, test_while_adopted);
        ADD("register-application", NULL, test_register_application);
        ADD("register-application-error", "org.bluez.Error.Failed", test_register_application);
        ADD("remove-device", NULL, test_remove_device);
        ADD("remove-device-error", "org.bluez.Error.Failed", test_remove_device);
        ADD("set-discovery-filter", filter, test_discovery);
        ADD("start-discovery", discovery, test_discovery);
        ADD("managed-objects", NULL, test_managed_objects);
        return g_test_run();
}
