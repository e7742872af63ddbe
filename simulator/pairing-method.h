/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How two sides pair, by what each can do: the Core Specification's table, for a device in software. */

/* What the device does when somebody pairs with it. */
typedef enum PairingKind {
        PAIRING_JUST_WORKS,             /* it has neither display nor keys: NoInputNoOutput */
        PAIRING_PASSKEY_ENTRY,          /* digits are typed on it: KeyboardOnly */
        PAIRING_PASSKEY_DISPLAY,        /* it shows digits: DisplayOnly */
        PAIRING_NUMERIC,                /* it shows digits and has a button for yes: DisplayYesNo */
        PAIRING_REFUSE,
        _PAIRING_MAX,
} PairingKind;

typedef enum PairingMethod {
        PAIRING_METHOD_JUST_WORKS,
        PAIRING_METHOD_CLIENT_TYPES,    /* what the device shows */
        PAIRING_METHOD_DEVICE_TYPES,    /* what the client shows */
        PAIRING_METHOD_BOTH_TYPE,
        PAIRING_METHOD_NUMERIC,
} PairingMethod;

/* "just-works", … as on the command line; _PAIRING_MAX: there is no such. */
PairingKind pairing_kind_from_name(const char *name);
/* What a device of this kind registers as an agent's capability. */
const char *pairing_capability(PairingKind kind);
/* With LE Secure Connections, begun by a client whose agent has this capability; "" is bluetoothd's KeyboardDisplay. */
PairingMethod pairing_method(const char *capability, PairingKind kind);
