/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>

#include "client/names.h"
#include "client/service.h"

static void test_errors_become_exit_codes(void) {
        static const struct { const char *name; int error; Exit exit;
        } cases[] = {
                { "org.needled.Error.NotFound", -EIO, EXIT_NOT_FOUND },
                { "org.needled.Error.Exists", -EIO, EXIT_NOTHING_TO_DO },
                { "org.needled.Error.NotAuthorized", -EIO, EXIT_NOT_AUTHORISED },
                { "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", -EACCES,
                  EXIT_NOT_AUTHORISED },
                { "org.freedesktop.DBus.Error.AccessDenied", -EACCES, EXIT_NOT_AUTHORISED },
                { "org.needled.Error.InvalidArgument", -EIO, EXIT_USAGE },
                { "org.needled.Error.Timeout", -ETIMEDOUT,
                  EXIT_FAILED }, /* the device did not answer; the service did */
                { "org.needled.Error.NotConnected", -ENOTCONN, EXIT_FAILED },
                { "org.needled.Error.SomethingNew", -EIO, EXIT_FAILED },
                { "org.freedesktop.DBus.Error.ServiceUnknown", -EHOSTUNREACH, EXIT_UNREACHABLE },
                { "org.freedesktop.DBus.Error.NoReply", -ETIMEDOUT, EXIT_UNREACHABLE },
                { "org.freedesktop.DBus.Error.Spawn.ChildExited", -EIO, EXIT_UNREACHABLE },
                { "org.freedesktop.systemd1.NoSuchUnit", -ENOENT, EXIT_UNREACHABLE },
                { "org.freedesktop.DBus.Error.UnknownObject", -EBADR, EXIT_NOT_FOUND },
                { NULL, -ECONNRESET, EXIT_UNREACHABLE },
                { NULL, -EPERM, EXIT_NOT_AUTHORISED },
                { NULL, -EIO, EXIT_FAILED },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
                g_assert_cmpint(service_exit(cases[i].name, cases[i].error), ==, cases[i].exit);
}

static void test_numbers_of_a_newer_service_are_survived(void) {
        g_assert_cmpstr(names_session_state(3), ==, "interrupted");
        g_assert_cmpstr(names_session_state(200), ==, "unknown");
        g_assert_cmpstr(names_stage(3), ==, "needling");
        g_assert_cmpstr(names_stage(200), ==, "unknown");
        g_assert_cmpstr(names_end_reason(6), ==, "discarded");
        g_assert_cmpstr(names_end_reason(200), ==, "unknown");
        g_assert_cmpstr(names_end_reason_text("window"), ==, "ended because the device stayed away");
        g_assert_cmpstr(names_end_reason_text("newer"), ==, "newer");
        g_assert_nonnull(names_bluetooth_text("off"));
        g_assert_null(names_bluetooth_text("newer"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/client-service/errors-become-exit-codes", test_errors_become_exit_codes);
        g_test_add_func("/client-service/numbers-of-a-newer-service-are-survived",
                        test_numbers_of_a_newer_service_are_survived);
        return g_test_run();
}
