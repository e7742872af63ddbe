/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Taking in again a device that cannot be used any more. */

#include <errno.h>

#include "autoptr.h"
#include "stage.h"

/* Of one whose bond is lost, the owner's wish heals it: whose it is and what it is called stays. */
static void test_adopt_again(void) {
        static const struct {
                DeviceState state;
                DeviceReason reason;
                bool heals;
        } cases[] = {
                { DEVICE_BOND_LOST, DEVICE_REASON_KEY_MISSING, true },
                { DEVICE_REFUSED, DEVICE_REASON_IDENTITY_CHANGED, true },
                { DEVICE_REFUSED, DEVICE_REASON_SERVICES_MISSING, true },
                { DEVICE_REFUSED, DEVICE_REASON_PROFILE_MAJOR, false },
                { DEVICE_WAITING, DEVICE_REASON_AWAY, false },
        };

        stage_new();
        stage->fb->polkit = FAKE_POLKIT_DENY; /* what is one's own takes no leave to adopt */
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *sender = cases[i].heals && i % 2 == 0 ? OWNER : ROOT;
                g_autoptr(FakeCall) c = NULL;

                stage->device.state = cases[i].state;
                stage->device.reason = cases[i].reason;
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
        g_test_add_func("/adopt-again/by-its-owner", test_adopt_again);
        g_test_add_func("/adopt-again/by-another", test_adopt_again_by_another);
        return g_test_run();
}
