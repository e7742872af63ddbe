/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <glib.h>
#include <systemd/sd-bus.h>

#include "link/errors.h"

/* What BlueZ 5.66, the bus and the radio really say, and what it means. */
static const struct {
        const char *name, *message;
        int error;
} cases[] = {
        { "org.bluez.Error.Failed", "Operation already in progress", -EALREADY },
        { "org.bluez.Error.Failed", "le-connection-abort-by-local", -EHOSTUNREACH },
        { "org.bluez.Error.Failed", "le-connection-refused", -EHOSTUNREACH },
        { "org.bluez.Error.Failed", "br-connection-canceled", -ECANCELED },
        { "org.bluez.Error.Failed", "Input/output error", -ENODEV },
        { "org.bluez.Error.Failed", "Not connected", -ENOTCONN },
        { "org.bluez.Error.Failed", "Operation failed with ATT error: 0x0e", -EACCES },
        { "org.bluez.Error.Failed", "Operation failed with ATT error: 0x05", -EKEYREVOKED },
        { "org.bluez.Error.Failed", "Operation failed with ATT error: 0x0f", -EKEYREVOKED },
        { "org.bluez.Error.Failed", "le-connection-key-missing", -EKEYREVOKED },
        { "org.bluez.Error.NotAuthorized", "Operation Not Authorized", -EKEYREVOKED },
        { "org.bluez.Error.Failed", "Operation failed with ATT error: 0x80", -EIO },
        { "org.bluez.Error.Failed", "Operation failed with ATT error: 0xfe", -EALREADY },
        { "org.bluez.Error.Failed", "something new", -EIO },
        { "org.bluez.Error.InProgress", "In Progress", -EALREADY },
        { "org.bluez.Error.NotPermitted", "Notify acquired", -EBUSY },
        { "org.bluez.Error.NotPermitted", "Not paired", -EKEYREVOKED },
        { "org.bluez.Error.NotReady", "Resource Not Ready", -ENODEV },
        { "org.bluez.Error.NotConnected", "Not Connected", -ENOTCONN },
        { "org.bluez.Error.NotSupported", "Operation is not supported", -EOPNOTSUPP },
        { "org.bluez.Error.AlreadyConnected", "Already Connected", -EISCONN },
        { "org.bluez.Error.AlreadyExists", "Already Exists", -EEXIST },
        { "org.bluez.Error.DoesNotExist", "Does Not Exist", -ENOENT },
        { "org.bluez.Error.AuthenticationFailed", "Authentication Failed", -EKEYREJECTED },
        { "org.bluez.Error.AuthenticationCanceled", "Authentication Canceled", -EKEYREJECTED },
        { "org.bluez.Error.AuthenticationRejected", "Authentication Rejected", -EKEYREJECTED },
        { "org.bluez.Error.AuthenticationTimeout", "Authentication Timeout", -EKEYREJECTED },
        { "org.bluez.Error.ConnectionAttemptFailed", "Page Timeout", -EHOSTUNREACH },
        { "org.freedesktop.DBus.Error.UnknownObject", "Method \"Connect\" … doesn't exist", -ENOENT },
        { "org.freedesktop.DBus.Error.UnknownMethod", "Method \"Connect\" … doesn't exist", -ENOENT },
        { "org.freedesktop.DBus.Error.ServiceUnknown", "The name org.bluez was not provided", -ENODEV },
        { "org.freedesktop.DBus.Error.NoReply", "Message recipient disconnected", -ETIMEDOUT },
        { "org.freedesktop.DBus.Error.AccessDenied", "Rejected send message", -EACCES },
        { "org.example.Error", "whatever", -EIO },
        { NULL, NULL, -EIO },
};

static void test_bluez_5_66(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const ErrorMeaning *meaning = errors_meaning(&SD_BUS_ERROR_MAKE_CONST(cases[i].name,
                                                                                      cases[i].message));

                g_assert_cmpint(meaning->error, ==, cases[i].error);
        }
}

/* A name that says the same without its usual text still is understood. */
static void test_without_message(void) {
        g_assert_cmpint(errors_meaning(&SD_BUS_ERROR_MAKE_CONST("org.bluez.Error.NotPermitted", NULL))
                                ->error,
                        ==, -EACCES);
        g_assert_cmpint(errors_meaning(&SD_BUS_ERROR_MAKE_CONST("org.bluez.Error.Failed", NULL))->error, ==,
                        -EIO);
        g_assert_cmpint(errors_meaning(NULL)->error, ==, -EIO);
}

/* Each says what happened and what to do, as whole sentences. */
static void test_sentences(void) {
        for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
                const char *sentence =
                        errors_meaning(&SD_BUS_ERROR_MAKE_CONST(cases[i].name, cases[i].message))->sentence;

                g_assert_true(g_str_has_suffix(sentence, "."));
                g_assert_null(strstr(sentence, "org.bluez"));
        }
        g_assert_nonnull(
                strstr(errors_meaning(&SD_BUS_ERROR_MAKE_CONST("org.bluez.Error.AuthenticationFailed", ""))
                               ->sentence,
                       "--allow-unbonded"));
}

int main(int argc, char **argv) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/errors/bluez-5-66", test_bluez_5_66);
        g_test_add_func("/errors/without-message", test_without_message);
        g_test_add_func("/errors/sentences", test_sentences);
        return g_test_run();
}
