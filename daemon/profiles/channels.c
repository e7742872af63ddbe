/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/channels.h"

#include <string.h>

char *channels_text(const Profile *profile) {
        GString *text = g_string_new(NULL);

        for (size_t i = 0; profile && profile->vendor && i < profile->vendor->n_chars; i++)
                g_string_append_printf(text, "%s%zu=%s", i > 0 ? ";" : "", i, profile->vendor->chars[i].uuid ?: "");

        return g_string_free(text, FALSE);
}

static uint8_t channel_of(const VendorProfile *vendor, const char *uuid) {
        for (size_t i = 0; *uuid && i < vendor->n_chars; i++)
                if (vendor->chars[i].uuid && g_str_equal(vendor->chars[i].uuid, uuid))
                        return (uint8_t) i;

        return CHANNELS_NONE;
}

bool channels_map(const Profile *profile, const char *text, uint8_t ret[static CHANNELS_MAX]) {
        g_autofree char *now = channels_text(profile);
        g_auto(GStrv) pairs = g_strsplit(text, ";", (gint) VENDOR_CHARS_MAX + 1);

        for (unsigned i = 0; i < CHANNELS_MAX; i++)
                ret[i] = (uint8_t) i;
        if (g_str_equal(now, text))
                return true;

        memset(ret, CHANNELS_NONE, CHANNELS_MAX);
        for (char **pair = pairs; *pair; pair++) {
                char *uuid = strchr(*pair, '=');
                guint64 channel;

                if (!uuid || !profile->vendor)
                        continue;
                *uuid++ = '\0';
                if (g_ascii_string_to_unsigned(*pair, 10, 0, VENDOR_CHARS_MAX - 1, &channel, NULL))
                        ret[channel] = channel_of(profile->vendor, uuid);
        }

        return false;
}
