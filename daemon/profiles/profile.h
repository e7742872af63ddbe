/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which devices are ours, and what to subscribe to on each: one Profile for each kind of device that needled can follow. */

#include <stdbool.h>
#include <stddef.h>

typedef enum ProfileUse {
        PROFILE_READ_AT_CONNECT = 1 << 0,  /* carries no measurement: may be read, although bluetoothd broadcasts what is read */
        PROFILE_FOLLOW = 1 << 1,           /* taken by AcquireNotify as soon as the device is ready */
        PROFILE_REQUIRED = 1 << 2,         /* without it the device is refused (services-missing) */
} ProfileUse;

typedef struct ProfileChar {
        const char *uuid;       /* 128 bits, lower case */
        int channel;            /* Frame.channel: an OmpChar for "omp1" */
        unsigned use;           /* ProfileUse */
} ProfileChar;

typedef struct Profile {
        const char *id;         /* "omp1" */
        const char *service_uuid;
        const ProfileChar *chars; /* in the order in which they are taken */
        size_t n_chars;
} Profile;

/* All profiles, ended by NULL. */
const Profile *const *profiles_all(void);
/* The profile with this id, or NULL. */
const Profile *profile_by_id(const char *id);
/* The profile of a device that offers these services (lower case, NULL-terminated list, may be NULL), or NULL. */
const Profile *profile_match(const char *const *service_uuids);
const ProfileChar *profile_char(const Profile *profile, const char *uuid); /* NULL if it is none of the profile's */
