/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/names.h"

#include <glib.h>
#include <string.h>

#include "session/alerts.h"

typedef struct Meaning {
        const char *word, *text;
} Meaning;

static const char *const session_states[] = { "open", "running", "paused", "interrupted", "finished" };
static const char *const stages[] = { "", "cleanse", "numb", "needling", "aftercare" };
static const char *const end_reasons[] = { "", "device", "user", "idle", "window", "shutdown", "discarded" };

static const Meaning bluetooth_states[] = {
        { "absent",     "bluetoothd does not run: systemctl start bluetooth" },
        { "no-adapter", "plug in a Bluetooth adapter" },
        { "off",        "switch it on: bluetoothctl power on" },
};

static const Meaning end_texts[] = {
        { "",          "ended" },
        { "device",    "ended by the device" },
        { "user",      "ended by hand" },
        { "idle",      "ended after a time without use" },
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

const char *names_alert(uint8_t code) {
        return code < _ALERT_CODE_MAX ? alert_code_name((AlertCode) code) : "unknown";
}

const char *names_alert_level(uint8_t level) {
        return level >= ALERT_NOTICE && level <= ALERT_ALARM ? alert_level_name((AlertLevel) level) : "unknown";
}

char *names_alert_text(const struct needled_stream_alert *alert) {
        Alert known = {
                .code = (AlertCode) alert->code,
                .level = (AlertLevel) alert->level,
                .raised_usec = alert->raised_usec,
                .value = alert->has_value ? alert->value : ALERT_VALUE_NONE,
        };

        return alert->code < _ALERT_CODE_MAX ? alert_text(&known, !alert->raised) : NULL;
}

const char *names_bluetooth_text(const char *bluetooth) {
        return meaning(bluetooth_states, G_N_ELEMENTS(bluetooth_states), bluetooth);
}

const char *names_end_reason_text(const char *reason) {
        const char *text = meaning(end_texts, G_N_ELEMENTS(end_texts), reason);

        return text ? text : reason;
}
