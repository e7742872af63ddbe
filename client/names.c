/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/names.h"

#include <glib.h>
#include <string.h>

typedef struct Meaning {
        const char *word, *text;
} Meaning;

static const char *const session_states[] = { "open", "running", "paused", "interrupted", "finished" };
static const char *const stages[] = { "", "cleanse", "numb", "needling", "aftercare" };
static const char *const end_reasons[] = { "", "device", "user", "idle", "window", "shutdown", "discarded" };

static const Meaning reasons[] = {
        { "away", "out of reach or switched off; it comes back by itself" },
        { "backoff", "did not answer; it is tried again by itself" },
        { "adapter-off", "Bluetooth is switched off: bluetoothctl power on" },
        { "no-adapter", "no Bluetooth adapter is plugged in" },
        { "no-bluetoothd", "bluetoothd does not run: systemctl start bluetooth" },
        { "suspended", "the computer was asleep" },
        { "released", "let go for another host: needlectl connect takes it back" },
        { "held-elsewhere", "connected to another host, a phone perhaps" },
        { "notifications-held", "another program on this host holds its notifications" },
        { "disconnected-by-other", "another program on this host disconnected it" },
        { "timeout", "did not answer in time; it is tried again by itself" },
        { "services-missing", "it lacks what its profile asks for, or its profile is not loaded: the journal says which" },
        { "profile-major", "its profile is of a newer major version: update needled" },
        { "identity-changed",
          "another device answers at this address: if that is right, forget it and adopt it again" },
        { "key-missing", "it has lost the bond: forget it and adopt it again" },
        { "pairing-failed", "pairing failed: put it in pairing mode and try again" },
};

static const Meaning bluetooth_states[] = {
        { "absent",     "bluetoothd does not run: systemctl start bluetooth" },
        { "no-adapter", "plug in a Bluetooth adapter" },
        { "off",        "switch it on: bluetoothctl power on" },
};

static const Meaning end_texts[] = {
        { "",          "ended" },
        { "device",    "ended by the device" },
        { "user",      "ended by hand" },
        { "idle",      "ended after a time without contact" },
        { "window",    "ended because the device stayed away" },
        { "shutdown",  "ended by the shutdown of the service" },
        { "discarded", "discarded" },
};

static const char *pick(const char *const *names, size_t n, uint8_t i) {
        return i < n ? names[i] : "unknown";
}

static const char *meaning(const Meaning *table, size_t n, const char *word) {
        for (size_t i = 0; word && i < n; i++)
                if (strcmp(table[i].word, word) == 0)
                        return table[i].text;

        return NULL;
}

const char *names_session_state(uint8_t state) {
        return pick(session_states, G_N_ELEMENTS(session_states), state);
}

const char *names_stage(uint8_t stage) {
        return pick(stages, G_N_ELEMENTS(stages), stage);
}

const char *names_end_reason(uint8_t reason) {
        return pick(end_reasons, G_N_ELEMENTS(end_reasons), reason);
}

const char *names_reason_text(const char *reason) {
        return meaning(reasons, G_N_ELEMENTS(reasons), reason);
}

const char *names_bluetooth_text(const char *bluetooth) {
        return meaning(bluetooth_states, G_N_ELEMENTS(bluetooth_states), bluetooth);
}

const char *names_end_reason_text(const char *reason) {
        const char *text = meaning(end_texts, G_N_ELEMENTS(end_texts), reason);

        return text ? text : reason;
}
