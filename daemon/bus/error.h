/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The only place with names of D-Bus errors: what an errno of the layers below is called on the bus. */

#include <systemd/sd-bus.h>

typedef enum ErrorName {
        ERROR_NOT_FOUND,
        ERROR_EXISTS,
        ERROR_NOT_READY,
        ERROR_NOT_CONNECTED,
        ERROR_BUSY,
        ERROR_NOT_AUTHORIZED,
        ERROR_INVALID_ARGUMENT,
        ERROR_NOT_SUPPORTED,
        ERROR_LIMIT_REACHED,
        ERROR_TIMEOUT,
        ERROR_CANCELLED,
        ERROR_PAIRING_FAILED,
        ERROR_BOND_LOST,
        ERROR_DEGRADED,
        ERROR_FAILED,
        ERROR_INTERACTIVE,      /* the standard InteractiveAuthorizationRequired */
        _ERROR_NAME_MAX,
} ErrorName;

const char *error_name(ErrorName name); /* "org.needled.Error.NotFound", … */
ErrorName error_from_errno(
        int error); /* negative errno; ERROR_FAILED for those without a name of their own */

/* Sets `ret` to a name and a sentence; returns a negative errno, so that a handler can `return
 * error_set(…)`. */
int error_set(sd_bus_error *ret, ErrorName name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
/* Likewise, from an errno; `message` is what happened and what to do, NULL or "": a general sentence for
 * that errno. */
int error_set_errno(sd_bus_error *ret, int error, const char *message);
