/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "bus/error.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#include "autoptr.h"

/* The names of the contract, and no other. */
static void test_names(void) {
        static const char *const contract[] = {
                "NotFound",      "Exists",          "NotReady",     "NotConnected", "Busy",
                "NotAuthorized", "InvalidArgument", "NotSupported", "LimitReached", "Timeout",
                "Cancelled",     "PairingFailed",   "BondLost",     "Degraded",     "Failed",
        };

        g_assert_cmpuint(_ERROR_NAME_MAX, ==, G_N_ELEMENTS(contract) + 1);
        for (size_t i = 0; i < G_N_ELEMENTS(contract); i++) {
                g_autofree char *name = g_strdup_printf("org.needled.Error.%s", contract[i]);

                g_assert_cmpstr(error_name((ErrorName) i), ==, name);
        }
        g_assert_cmpstr(error_name(ERROR_INTERACTIVE), ==,
                        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired");
}

/* What the headers of link, store and hub say that they return. */
static void test_from_errno(void) {
        static const struct {
                int error;
                ErrorName name;
        } table[] = {
                { -ENOENT, ERROR_NOT_FOUND },
                { -EEXIST, ERROR_EXISTS },
                { -ENODEV, ERROR_NOT_READY },
                { -ENOTCONN, ERROR_NOT_CONNECTED },
                { -EBUSY, ERROR_BUSY },
                { -EALREADY, ERROR_BUSY },
                { -EACCES, ERROR_NOT_AUTHORIZED },
                { -EINVAL, ERROR_INVALID_ARGUMENT },
                { -EOPNOTSUPP, ERROR_NOT_SUPPORTED },
                { -EMFILE, ERROR_LIMIT_REACHED },
                { -ENOBUFS, ERROR_LIMIT_REACHED },
                { -ETIMEDOUT, ERROR_TIMEOUT },
                { -ECANCELED, ERROR_CANCELLED },
                { -EKEYREJECTED, ERROR_PAIRING_FAILED },
                { -EKEYREVOKED, ERROR_BOND_LOST },
                { -EINPROGRESS, ERROR_DEGRADED },
                { -EIO, ERROR_FAILED },
                { -EXDEV, ERROR_FAILED },
        };

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                g_assert_cmpint(error_from_errno(table[i].error), ==, table[i].name);
}

/* "each message says what happened and what to do about it, in one sentence": also where the caller has
 * none. */
static void test_every_errno_has_a_sentence(void) {
        for (int e = 1; e < 134; e++) {
                g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;

                g_assert_cmpint(error_set_errno(&error, -e, e % 2 ? NULL : ""), <, 0);
                g_assert_cmpstr(error.name, ==, error_name(error_from_errno(-e)));
                g_assert_cmpuint(strlen(error.message), >, 20);
                g_assert_true(g_str_has_suffix(error.message, "."));
        }
}

static void test_own_sentence(void) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL, other = SD_BUS_ERROR_NULL, quoting = SD_BUS_ERROR_NULL;

        g_assert_cmpint(error_set_errno(&error, -EBUSY, "100 % busy; wait."), <, 0);
        g_assert_cmpstr(error.name, ==, "org.needled.Error.Busy");
        g_assert_cmpstr(error.message, ==, "100 % busy; wait.");
        g_assert_cmpint(error_set(&other, ERROR_EXISTS, "%s is there; take %i.", "It", 2), <, 0);
        g_assert_cmpint(error_set(&quoting, ERROR_EXISTS, "\"%.9s\" is there.", "a\r\nb\x1b\x7f c\xc3\xa4"), <, 0);
        g_assert_cmpstr(quoting.message, ==, "\"a  b   c\xef\xbf\xbd\" is there.");
        g_assert_cmpstr(other.name, ==, "org.needled.Error.Exists");
        g_assert_cmpstr(other.message, ==, "It is there; take 2.");
}

int main(int argc, char *argv[]) {
        g_test_init(&argc, &argv, NULL);
        g_test_add_func("/bus-error/names", test_names);
        g_test_add_func("/bus-error/from-errno", test_from_errno);
        g_test_add_func("/bus-error/every-errno-has-a-sentence", test_every_errno_has_a_sentence);
        g_test_add_func("/bus-error/own-sentence", test_own_sentence);
        return g_test_run();
}
