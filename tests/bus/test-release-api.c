/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Letting a device go for a phone, and taking in again one that cannot be used any more. */

#include <errno.h>

#include "autoptr.h"
#include "stage.h"

static void test_release(void) {
        g_autoptr(FakeCall) c = NULL, d = NULL, e = NULL;

        stage_new();
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 1, "seconds", "u", 2592001u);
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 1, "seconds", "t", UINT64_C(5));
        call_expect("InvalidArgument", OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 1, "days", "u", 5u);
        call_expect("NotReady", OWNER, FOUND_PATH, DEVICE, "Release", "a{sv}", 0);
        g_assert_null(stage->work);

        c = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 1, "seconds", "u", 2592000u);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpstr(stage->work, ==, "release");
        g_assert_cmpuint(stage->release_usec, ==, UINT64_C(2592000000000));
        g_assert_null(c->reply);
        stage->work = NULL;
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);

        d = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 1, "seconds", "u", 0u);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpuint(stage->release_usec, ==, 0);
        stage->work = NULL;
        stage->work_done(-ENODEV, "", stage->work_call);
        (void) expect(d, "NotReady");

        e = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 0); /* ReleaseTime */
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpuint(stage->release_usec, ==, 0);
        stage->work = NULL;
        stage->work_done(0, "", stage->work_call);
        (void) expect(e, NULL);
        stage_free();
}

static void test_release_time_of_the_configuration(void) {
        g_autoptr(FakeCall) c = NULL;

        stage_new_with_release_time(UINT64_C(7200000000));
        c = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->work);
        g_assert_cmpuint(stage->release_usec, ==, UINT64_C(7200000000));
        stage->work_done(0, "", stage->work_call);
        (void) expect(c, NULL);
        stage_free();
}

/* "the releasing client leaving the bus does not change that" */
static void test_release_caller_leaves(void) {
        stage_new();
        g_autoptr(FakeCall) c = call(OWNER, DEVICE_PATH, DEVICE, "Release", "a{sv}", 0);
        fake_bus_until(stage->fb, stage->work);
        fake_bus_leave(stage->fb, OWNER, "org.freedesktop.DBus");
        g_assert_cmpuint(stage->n_link_cancels, ==, 0);
        g_assert_cmpstr(stage->work, ==, "release");
        stage->work_done(0, "", stage->work_call);
        fake_bus_settle(stage->fb);
        g_assert_null(c->reply);
        stage_free();
}

/* Of one whose bond is lost, the owner's wish heals it: whose it is and what it is called stays. */
static void test_adopt_again(void) {
        static const struct {
                DeviceState state;
                DeviceReason reason, trouble;
                bool heals;
        } cases[] = {
                { DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING, DEVICE_REASON_KEY_MISSING, true },
                { DEVICE_REFUSED, DEVICE_REASON_IDENTITY_CHANGED, DEVICE_REASON_IDENTITY_CHANGED, true },
                { DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING, DEVICE_REASON_NONE, true },
                { DEVICE_REFUSED, DEVICE_REASON_PROFILE_MAJOR, DEVICE_REASON_NONE, false },
                { DEVICE_CONNECTING, DEVICE_REASON_NONE, DEVICE_REASON_KEY_MISSING, true }, /* tried once more */
                { DEVICE_WAITING, DEVICE_REASON_AWAY, DEVICE_REASON_NONE, false },
        };

        stage_new();
        stage->fb->polkit = FAKE_POLKIT_DENY; /* what is one's own takes no leave to adopt */
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *sender = cases[i].heals && i % 2 == 0 ? OWNER : ROOT;
                g_autoptr(FakeCall) c = NULL;

                stage->device.state = cases[i].state;
                stage->device.reason = cases[i].reason;
                stage->device.trouble = cases[i].trouble;
                c = call(sender, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
                if (!cases[i].heals) {
                        (void) expect(c, "Exists");
                        continue;
                }
                fake_bus_until(stage->fb, stage->work);
                g_assert_cmpstr(stage->work, ==, "adopt");
                g_assert_null(stage->adopt_alias);
                g_assert_cmpuint(stage->adopt_owner, ==, OWNER_UID); /* also when root does it */
                stage->work = NULL;
                stage->work_done(0, "", stage->work_call);
                (void) expect(c, NULL);
        }
        stage_free();
}

static void test_adopt_again_by_another(void) {
        stage_new();
        stage->device.state = DEVICE_BOND_LOST;
        call_expect("NotAuthorized", OTHER, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
        stage->fb->polkit = FAKE_POLKIT_DENY;
        call_expect("NotAuthorized", OTHER, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.control-others");
        g_assert_null(stage->work);

        /* It was nobody's when polkit was asked for leave to adopt, and is somebody's now. */
        stage->device.adopted = false;
        stage->fb->polkit = FAKE_POLKIT_HOLD;
        g_autoptr(FakeCall) c = call(OTHER, "/org/needled", MANAGER, "Adopt", "oa{sv}", DEVICE_PATH, 0);
        fake_bus_until(stage->fb, stage->fb->check);
        g_assert_cmpstr(stage->fb->action, ==, "org.needled.adopt");
        stage->device.adopted = true;
        fake_bus_polkit_answer(stage->fb, FAKE_POLKIT_ALLOW);
        (void) expect(c, "Busy");
        g_assert_null(stage->work);
        stage_free();
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/release/until-somebody-connects-or-for-a-time", test_release);
        g_test_add_func("/release/time-of-the-configuration", test_release_time_of_the_configuration);
        g_test_add_func("/release/caller-leaves", test_release_caller_leaves);
        g_test_add_func("/adopt-again/by-its-owner", test_adopt_again);
        g_test_add_func("/adopt-again/by-another", test_adopt_again_by_another);
        return g_test_run();
}
