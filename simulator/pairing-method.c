/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pairing-method.h"

#include <stdbool.h>
#include <string.h>

static const struct {
        const char *name, *capability;
} kinds[_PAIRING_MAX] = {
        [PAIRING_JUST_WORKS] = { "just-works", "NoInputNoOutput" },
        [PAIRING_PASSKEY_ENTRY] = { "passkey-entry", "KeyboardOnly" },
        [PAIRING_PASSKEY_DISPLAY] = { "passkey-display", "DisplayOnly" },
        [PAIRING_NUMERIC] = { "numeric", "DisplayYesNo" },
        [PAIRING_REFUSE] = { "refuse", "NoInputNoOutput" },
};

PairingKind pairing_kind_from_name(const char *name) {
        PairingKind kind = 0;

        while (kind < _PAIRING_MAX && strcmp(kinds[kind].name, name) != 0)
                kind++;

        return kind;
}

const char *pairing_capability(PairingKind kind) {
        return kinds[kind].capability;
}

/* Core Specification, Vol 3, Part H, 2.3.5.1, table 2.8: the initiator's column against the responder's row. */
PairingMethod pairing_method(const char *capability, PairingKind kind) {
        bool both = !*capability || strcmp(capability, "KeyboardDisplay") == 0;
        bool types = both || strcmp(capability, "KeyboardOnly") == 0;
        bool compares = both || strcmp(capability, "DisplayYesNo") == 0;
        bool shows = compares || strcmp(capability, "DisplayOnly") == 0;

        switch (kind) {
        case PAIRING_PASSKEY_DISPLAY:
                return types ? PAIRING_METHOD_CLIENT_TYPES : PAIRING_METHOD_JUST_WORKS;
        case PAIRING_PASSKEY_ENTRY:
                return shows ? PAIRING_METHOD_DEVICE_TYPES : types ? PAIRING_METHOD_BOTH_TYPE : PAIRING_METHOD_JUST_WORKS;
        case PAIRING_NUMERIC:
                return compares ? PAIRING_METHOD_NUMERIC : types ? PAIRING_METHOD_CLIENT_TYPES : PAIRING_METHOD_JUST_WORKS;
        case PAIRING_JUST_WORKS:
        case PAIRING_REFUSE:
        case _PAIRING_MAX:
                break;
        }

        return PAIRING_METHOD_JUST_WORKS;
}
