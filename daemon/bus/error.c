/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/error.h"

#include <errno.h>
#include <glib.h>
#include <stdarg.h>

static const char *const names[_ERROR_NAME_MAX] = {
        [ERROR_NOT_FOUND] = "org.needled.Error.NotFound",
        [ERROR_EXISTS] = "org.needled.Error.Exists",
        [ERROR_NOT_READY] = "org.needled.Error.NotReady",
        [ERROR_NOT_CONNECTED] = "org.needled.Error.NotConnected",
        [ERROR_BUSY] = "org.needled.Error.Busy",
        [ERROR_NOT_AUTHORIZED] = "org.needled.Error.NotAuthorized",
        [ERROR_INVALID_ARGUMENT] = "org.needled.Error.InvalidArgument",
        [ERROR_NOT_SUPPORTED] = "org.needled.Error.NotSupported",
        [ERROR_LIMIT_REACHED] = "org.needled.Error.LimitReached",
        [ERROR_TIMEOUT] = "org.needled.Error.Timeout",
        [ERROR_CANCELLED] = "org.needled.Error.Cancelled",
        [ERROR_PAIRING_FAILED] = "org.needled.Error.PairingFailed",
        [ERROR_BOND_LOST] = "org.needled.Error.BondLost",
        [ERROR_DEGRADED] = "org.needled.Error.Degraded",
        [ERROR_FAILED] = "org.needled.Error.Failed",
        [ERROR_INTERACTIVE] = SD_BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
};

static const struct {
        int error;
        ErrorName name;
        const char *message;
} errors[] = {
        { ENOENT, ERROR_NOT_FOUND, "There is no such object (any more); list what there is and try again." },
        { EEXIST, ERROR_EXISTS, "This exists already; nothing has been changed." },
        { ENODEV, ERROR_NOT_READY,
          "Bluetooth is not ready; see the property Bluetooth, and switch the adapter on." },
        { EAGAIN, ERROR_NOT_READY,
          "This is not possible in the present state; see the property State, and try again later." },
        { ENOTCONN, ERROR_NOT_CONNECTED,
          "The device is not connected; bring it near, switch it on, and try again." },
        { EBUSY, ERROR_BUSY, "Something else is under way; try again when it is over." },
        { EALREADY, ERROR_BUSY, "This is under way already; wait for its end." },
        { EACCES, ERROR_NOT_AUTHORIZED, "You may not do this; ask its owner or an administrator." },
        { EPERM, ERROR_NOT_AUTHORIZED, "You may not do this; ask its owner or an administrator." },
        { EINVAL, ERROR_INVALID_ARGUMENT,
          "An argument is out of its range; see the interface's description." },
        { EOPNOTSUPP, ERROR_NOT_SUPPORTED,
          "This device or daemon cannot do that; see Capabilities and Features." },
        { EMFILE, ERROR_LIMIT_REACHED, "Too much of this is open already; close some and try again." },
        { ENFILE, ERROR_LIMIT_REACHED, "Too much of this is open already; close some and try again." },
        { ENOBUFS, ERROR_LIMIT_REACHED, "Too much of this is open already; close some and try again." },
        { EDQUOT, ERROR_LIMIT_REACHED, "Too much of this is open already; close some and try again." },
        { ETIMEDOUT, ERROR_TIMEOUT,
          "There was no answer in time; bring the device near, switch it on, and try again." },
        { ECANCELED, ERROR_CANCELLED, "This was cancelled before it was done; try again." },
        { EKEYREJECTED, ERROR_PAIRING_FAILED,
          "Pairing failed; put the device into its pairing mode and try again." },
        { EKEYREVOKED, ERROR_BOND_LOST,
          "The bond with the device is lost; put it into its pairing mode and adopt it again (needlectl adopt)." },
        { EINPROGRESS, ERROR_DEGRADED,
          "Storage is degraded: this is kept in memory and written as soon as it can be." },
        { EIO, ERROR_FAILED, "Input or output failed; the journal of needled says more." },
};

const char *error_name(ErrorName name) {
        return names[name];
}

ErrorName error_from_errno(int error) {
        for (size_t i = 0; i < G_N_ELEMENTS(errors); i++)
                if (errors[i].error == -error)
                        return errors[i].name;

        return ERROR_FAILED;
}

/* What is quoted of a caller's text may be cut within a character, and an error that is not UTF-8 is never sent. It may hold newlines and other
 * control characters too, and a message is one line. */
int error_set(sd_bus_error *ret, ErrorName name, const char *format, ...) {
        g_autofree char *text = NULL, *message = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);

        message = g_utf8_make_valid(text, -1);
        for (char *p = message; *p; p++)
                if (g_ascii_iscntrl(*p))
                        *p = ' ';
        return sd_bus_error_set(ret, names[name], message);
}

int error_set_errno(sd_bus_error *ret, int error, const char *message) {
        for (size_t i = 0; i < G_N_ELEMENTS(errors) && (!message || !*message); i++)
                if (errors[i].error == -error)
                        message = errors[i].message;
        if (message && *message)
                return error_set(ret, error_from_errno(error), "%s", message);

        return error_set(ret, ERROR_FAILED, "This failed (%s); the journal of needled says more.",
                         g_strerror(-error));
}
