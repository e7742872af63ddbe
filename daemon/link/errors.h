/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What an error of bluetoothd, of the bus or of the radio behind them means for us. BlueZ 5.66 says much of
 * it as org.bluez.Error.Failed with a text, so that name and text both count. */

#include <systemd/sd-bus.h>

typedef struct ErrorMeaning {
        /* -EALREADY under way already (or held by a StartNotify), -EBUSY held by another client, -EISCONN,
         * -ENOTCONN, -EHOSTUNREACH the device did not answer or the attempt broke off, -ECANCELED,
         * -ETIMEDOUT, -ENOENT no such object, -EEXIST, -ENODEV adapter or bluetoothd not ready,
         * -EKEYREJECTED pairing failed, -EKEYREVOKED the device asks for a bond that it does not find, -EACCES not permitted without (or with this) bond or policy,
         * -EOPNOTSUPP, -EIO all else */
        int error;
        const char *sentence;   /* what happened and what to do about it */
} ErrorMeaning;

/* Never NULL. */
const ErrorMeaning *errors_meaning(const sd_bus_error *error);
