/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/errors.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

#define UNDER_WAY "Another connection attempt is under way: wait a moment."
#define NOT_HERE "The device did not answer: switch it on, bring it near, and see that no phone holds it."
#define BROKE_OFF "The connection broke off before it was made: bring the device nearer; it is tried again."
#define NO_PAIRING \
        "The device refused to pair: open its pairing window (and clear its old bond, if it was paired with this " \
        "computer before) and adopt it again, or, for a device that cannot pair, adopt it with --allow-unbonded."
#define NO_KEY "The device asks for a bond that it does not find: forget it and adopt it again."
#define NO_REASON \
        "The device refused it and gave no reason (ATT error 0x0e): if that stays so, switch it off and on; a device that was " \
        "reset has lost its bond, and is to be adopted again."
#define NO_ADAPTER "The Bluetooth adapter is not ready: plug it in and switch it on (bluetoothctl power on)."
#define NO_BLUETOOTHD "bluetoothd does not run: start it (systemctl start bluetooth)."
#define GONE "bluetoothd does not know the device any more: search again."
#define HELD "Another program holds the notifications of the device: close it."
#define NOT_ALLOWED \
        "bluetoothd or the bus policy does not permit it: look at the journal of bluetooth.service."
#define NO_ANSWER \
        "bluetoothd did not answer in time: if that stays so, restart it (systemctl restart bluetooth)."

#define BLUEZ "org.bluez.Error."
#define DBUS "org.freedesktop.DBus.Error."

/* The first row whose name is equal and whose text (if any) is part of the message wins. */
static const struct {
        const char *name;
        const char *text;
        ErrorMeaning meaning;
} table[] = {
        { BLUEZ "Failed", "already in progress", { -EALREADY, UNDER_WAY } },
        { BLUEZ "Failed", "abort-by-local", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "connection-canceled", { -ECANCELED, "The connection attempt was cancelled." } },
        { BLUEZ "Failed", "page-timeout", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "connection-timeout", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "key-missing", { -EKEYREVOKED, NO_KEY } },
        { BLUEZ "Failed", "not-powered", { -ENODEV, NO_ADAPTER } },
        { BLUEZ "Failed", "le-connection-", { -EHOSTUNREACH, BROKE_OFF } },
        { BLUEZ "Failed", "br-connection-", { -EHOSTUNREACH, BROKE_OFF } },
        { BLUEZ "Failed", "Input/output error", { -ENODEV, NO_ADAPTER } },
        { BLUEZ "Failed", "Host is down", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "No route to host", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "Software caused connection abort", { -EHOSTUNREACH, BROKE_OFF } },
        { BLUEZ "Failed", "Connection reset by peer", { -EHOSTUNREACH, BROKE_OFF } },
        { BLUEZ "Failed", "Connection timed out", { -EHOSTUNREACH, NOT_HERE } },
        { BLUEZ "Failed", "Not connected", { -ENOTCONN, BROKE_OFF } },
        { BLUEZ "Failed", "ATT error: 0xfe", { -EALREADY, "Another procedure of the device is under way: wait a moment." } },
        { BLUEZ "Failed", "ATT error: 0x05", { -EKEYREVOKED, NO_KEY } },
        { BLUEZ "Failed", "ATT error: 0x0c", { -EACCES, NO_KEY } },
        { BLUEZ "Failed", "ATT error: 0x0e", { -EACCES, NO_REASON } },
        { BLUEZ "Failed", "ATT error: 0x0f", { -EKEYREVOKED, NO_KEY } },
        { BLUEZ "InProgress", NULL, { -EALREADY, UNDER_WAY } },
        { BLUEZ "NotPermitted", "Notify acquired", { -EBUSY, HELD } },
        { BLUEZ "NotPermitted", "Not paired", { -EKEYREVOKED, NO_KEY } },
        { BLUEZ "NotPermitted", NULL, { -EACCES, NOT_ALLOWED } },
        { BLUEZ "NotAuthorized", NULL, { -EKEYREVOKED, NO_KEY } },
        { BLUEZ "NotReady", NULL, { -ENODEV, NO_ADAPTER } },
        { BLUEZ "NotConnected", NULL, { -ENOTCONN, BROKE_OFF } },
        { BLUEZ "NotAvailable", NULL, { -EOPNOTSUPP, "The device or adapter offers no such thing." } },
        { BLUEZ "NotSupported", NULL, { -EOPNOTSUPP, "The device does not support it." } },
        { BLUEZ "AlreadyConnected", NULL, { -EISCONN, "The device is connected already." } },
        { BLUEZ "AlreadyExists", NULL, { -EEXIST, "bluetoothd has it already." } },
        { BLUEZ "DoesNotExist", NULL, { -ENOENT, GONE } },
        { BLUEZ "AuthenticationFailed", NULL, { -EKEYREJECTED, NO_PAIRING } },
        { BLUEZ "AuthenticationRejected", NULL, { -EKEYREJECTED, NO_PAIRING } },
        { BLUEZ "AuthenticationCanceled", NULL, { -EKEYREJECTED, NO_PAIRING } },
        { BLUEZ "AuthenticationTimeout", NULL, { -EKEYREJECTED, NO_PAIRING } },
        { BLUEZ "ConnectionAttemptFailed", NULL, { -EHOSTUNREACH, NOT_HERE } },
        { DBUS "UnknownObject", NULL, { -ENOENT, GONE } },
        { DBUS "UnknownMethod", NULL, { -ENOENT, GONE } },
        { DBUS "UnknownInterface", NULL, { -ENOENT, GONE } },
        { DBUS "ServiceUnknown", NULL, { -ENODEV, NO_BLUETOOTHD } },
        { DBUS "NameHasNoOwner", NULL, { -ENODEV, NO_BLUETOOTHD } },
        { DBUS "Disconnected", NULL, { -ENODEV, NO_BLUETOOTHD } },
        { DBUS "NoReply", NULL, { -ETIMEDOUT, NO_ANSWER } },
        { DBUS "Timeout", NULL, { -ETIMEDOUT, NO_ANSWER } },
        { DBUS "TimedOut", NULL, { -ETIMEDOUT, NO_ANSWER } },
        { DBUS "AccessDenied", NULL, { -EACCES, NOT_ALLOWED } },
};

static const ErrorMeaning other = {
        -EIO, "bluetoothd reported a failure: look at the journal of bluetooth.service."
};

const ErrorMeaning *errors_meaning(const sd_bus_error *error) {
        if (!error || !error->name)
                return &other;

        for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
                if (g_str_equal(error->name, table[i].name) &&
                    (!table[i].text || (error->message && strstr(error->message, table[i].text))))
                        return &table[i].meaning;

        return &other;
}
