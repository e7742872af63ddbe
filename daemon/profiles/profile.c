/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/profile.h"

#include <glib.h>

#include "needled/omp.h"

/* Status first: it is notified within 100 ms after its CCCD is written (1.7), so that the state of the device is known before
 * the measurements flow; Live after the events that explain it (1.11). */
static const ProfileChar omp1_chars[] = {
        { "95840101-2319-423b-8a8e-ee1ffb8d13f8", OMP_CHAR_FEATURE, PROFILE_READ_AT_CONNECT | PROFILE_REQUIRED },
        { "95840105-2319-423b-8a8e-ee1ffb8d13f8", OMP_CHAR_STATUS, PROFILE_FOLLOW | PROFILE_REQUIRED },
        { "95840104-2319-423b-8a8e-ee1ffb8d13f8", OMP_CHAR_EVENT, PROFILE_FOLLOW | PROFILE_REQUIRED },
        { "95840102-2319-423b-8a8e-ee1ffb8d13f8", OMP_CHAR_LIVE, PROFILE_FOLLOW | PROFILE_REQUIRED },
        { "95840103-2319-423b-8a8e-ee1ffb8d13f8", OMP_CHAR_WAVEFORM, PROFILE_FOLLOW },
};

static const Profile omp1 = {
        .id = "omp1",
        .service_uuid = OMP_SERVICE_UUID,
        .chars = omp1_chars,
        .n_chars = G_N_ELEMENTS(omp1_chars),
};

static const Profile *const all[] = { &omp1, NULL };

const Profile *const *profiles_all(void) {
        return all;
}

const Profile *profile_by_id(const char *id) {
        for (const Profile *const *p = all; *p; p++)
                if (g_strcmp0((*p)->id, id) == 0)
                        return *p;

        return NULL;
}

const Profile *profile_match(const char *const *service_uuids) {
        for (const Profile *const *p = all; service_uuids && *p; p++)
                if (g_strv_contains(service_uuids, (*p)->service_uuid))
                        return *p;

        return NULL;
}

const ProfileChar *profile_char(const Profile *profile, const char *uuid) {
        for (size_t i = 0; i < profile->n_chars; i++)
                if (g_str_equal(profile->chars[i].uuid, uuid))
                        return &profile->chars[i];

        return NULL;
}
