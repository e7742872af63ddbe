/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/tape-head.h"

#include <stdio.h>
#include <string.h>

/* Whether tape.h takes it so far. */
static bool is_good(const TapeHead *head) {
        char buffer[TAPE_HEAD_MAX];

        return tape_format_head(head, buffer, sizeof(buffer)) >= 0;
}

static const VendorChar *find_char(const VendorProfile *vendor, unsigned channel, const char *uuid) {
        for (size_t i = 0; vendor && i < vendor->n_chars; i++)
                if (*uuid ? g_strcmp0(vendor->chars[i].uuid, uuid) == 0 : i == channel && !vendor->chars[i].uuid)
                        return &vendor->chars[i];

        return NULL;
}

/* With its name if that can be, else by its number. */
static void add_channel(TapeHead *head, unsigned number, const char *uuid, const char *name) {
        TapeChannel *channel = &head->channels[head->n_channels];

        if (head->n_channels == TAPE_CHANNELS_MAX)
                return;
        channel->channel = (uint8_t) number;
        g_strlcpy(channel->uuid, uuid, sizeof(channel->uuid));
        g_strlcpy(channel->name, name ?: "", sizeof(channel->name));
        head->n_channels++;
        if (name && strlen(name) <= TAPE_NAME_MAX && is_good(head))
                return;

        (void) snprintf(channel->name, sizeof(channel->name), "channel-%u", number);
        if (!is_good(head))
                head->n_channels--;
}

/* "0=<uuid>;1=<uuid>"; what is none of that is passed over. */
static void add_remembered(TapeHead *head, const VendorProfile *vendor, const char *channels) {
        g_auto(GStrv) entries = g_strsplit(channels, ";", TAPE_CHANNELS_MAX + 1);

        for (unsigned i = 0; i < TAPE_CHANNELS_MAX && entries[i]; i++) {
                char *uuid = strchr(entries[i], '=');
                const VendorChar *known;
                guint64 number;

                if (!uuid)
                        continue;
                *uuid++ = '\0';
                if (!g_ascii_string_to_unsigned(entries[i], 10, 0, UINT8_MAX, &number, NULL))
                        continue;
                known = find_char(vendor, (unsigned) number, uuid);
                add_channel(head, (unsigned) number, uuid, known ? known->alias : NULL);
        }
}

void tape_head_make(const Profiles *profiles, const StoreSession *session, TapeHead *ret) {
        const Profile *profile = profiles ? profiles_by_id(profiles, session->profile) : NULL;
        const VendorProfile *vendor = profile ? profile->vendor : NULL;

        *ret = (TapeHead) { .start_realtime_usec = session->start_realtime_usec };
        g_strlcpy(ret->profile, session->profile, sizeof(ret->profile));
        if (!is_good(ret)) /* without a profile there is no tape */
                return;
        g_strlcpy(ret->session, session->uuid, sizeof(ret->session));
        if (!is_good(ret))
                ret->session[0] = '\0';
        g_strlcpy(ret->device, session->device_alias, sizeof(ret->device));
        if (!*ret->device || !is_good(ret))
                g_strlcpy(ret->device, session->device_address, sizeof(ret->device));

        if (*session->channels)
                add_remembered(ret, vendor, session->channels);
        else
                for (size_t i = 0; vendor && i < vendor->n_chars; i++)
                        add_channel(ret, (unsigned) i, vendor->chars[i].uuid ?: "", vendor->chars[i].alias);
}
