/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/device-view.h"

#include <glib.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/objects.h"

#define DAY_LENGTH 10u                  /* of "2026-02-03 14:05" */

/* Short enough for a line of 80 columns under the device's row. */
static const struct {
        const char *reason, *text;
        const char *verb;               /* of needlectl, which helps; NULL: none does */
} meanings[] = {
        { "away",                  "waits for the device: out of reach or switched off", NULL },
        { "backoff",               "waits for the device, which did not answer", NULL },
        { "adapter-off",           "waits for the Bluetooth adapter: bluetoothctl power on", NULL },
        { "no-adapter",            "waits for a Bluetooth adapter: none is plugged in", NULL },
        { "no-bluetoothd",         "waits for bluetoothd: systemctl start bluetooth", NULL },
        { "suspended",             "waits for the computer to wake up", NULL },
        { "released",              "released until it is taken back", "connect" },
        { "held-elsewhere",        "another host is connected to it, a phone perhaps", NULL },
        { "notifications-held",    "another program of this computer holds its notifications", NULL },
        { "disconnected-by-other", "another program of this computer disconnected it", NULL },
        { "timeout",               "did not answer in time", NULL },
        { "services-missing",      "services are missing: switch it off and on, or", "adopt" },
        { "profile-major",         "its profile is of a newer major version: update needled", NULL },
        { "identity-changed",      "another device answers; if that is right", "adopt" },
        { "key-missing",           "the bond is lost", "adopt" },
        { "pairing-failed",        "pairing failed: put it in pairing mode", "adopt" },
};

/* What needlectl takes the device by, as one word of a command line. */
static char *word(const json_t *device) {
        const char *title = objects_device_title(device);

        return title[strspn(title, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS ":_.-")] ? g_shell_quote(title) : g_strdup(title);
}

static uint64_t time_of(const json_t *device, const char *key) {
        int64_t usec = json_number(device, key);

        return usec > 0 ? (uint64_t) usec : 0;
}

static char *released_until(uint64_t until_usec, uint64_t now_usec) {
        g_autofree char *until = format_moment(until_usec, now_usec);

        return g_strdup_printf("released until %s", until);
}

char *device_view_reason(const json_t *device, uint64_t now_usec) {
        const char *reason = json_text(device, "state_reason");
        uint64_t retry_usec = time_of(device, "retry_at");
        g_autoptr(GString) s = g_string_new(NULL);

        if (!*reason)
                return NULL;
        if (strcmp(reason, "released") == 0 && retry_usec > 0)
                return released_until(retry_usec, now_usec);

        for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
                if (strcmp(meanings[i].reason, reason) == 0) {
                        g_autofree char *name = word(device);

                        g_string_append(s, meanings[i].text);
                        if (meanings[i].verb)
                                g_string_append_printf(s, ": needlectl %s %s", meanings[i].verb, name);
                }
        if (s->len == 0)
                g_string_append(s, reason);
        if (retry_usec > now_usec) {
                g_autofree char *in = format_elapsed(retry_usec - now_usec + 999999);

                g_string_append_printf(s, ", next try in %s", in);
        }

        return g_string_free(g_steal_pointer(&s), FALSE);
}

char *device_view_state(const json_t *device, uint64_t now_usec) {
        uint64_t since_usec = time_of(device, "state_since");
        g_autofree char *since = since_usec > 0 ? format_moment(since_usec, now_usec) : NULL;

        return g_strconcat(json_text(device, "state"), since ? " since " : NULL, since, NULL);
}

char *device_view_since(const json_t *device, uint64_t now_usec) {
        uint64_t since_usec = time_of(device, "state_since");
        g_autofree char *since = format_moment(since_usec, now_usec);

        return since_usec > 0 ? g_strndup(since, DAY_LENGTH) : g_strdup("-");
}
