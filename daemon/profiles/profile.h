/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which devices are ours, and what to subscribe to on each: one Profile for each kind of device that needled can follow. "omp1" is
 * built in; the others come from *.mnprofile files (file.h). */

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "needled/vendor.h"

typedef enum ProfileUse {
        PROFILE_READ_AT_CONNECT = 1 << 0,
        PROFILE_FOLLOW = 1 << 1,           /* taken by AcquireNotify as soon as the device is ready */
        PROFILE_REQUIRED = 1 << 2,         /* without it the device is refused (services-missing) */
        PROFILE_POLL = 1 << 3,             /* read every poll_sec */
        PROFILE_MEASURES = 1 << 4,         /* carries a measurement: reading it, which bluetoothd broadcasts, takes AllowBroadcast=yes */
} ProfileUse;

typedef struct ProfileChar {
        const char *uuid;       /* 128 bits, lower case */
        const char *service_uuid; /* NULL: of any service */
        int channel;            /* Frame.channel: an OmpChar for "omp1", the index of VendorProfile.chars else */
        unsigned use;           /* ProfileUse */
        unsigned poll_sec;
} ProfileChar;

typedef struct Profile {
        const char *id;         /* "omp1", or the file's Id */
        const char *name;
        const VendorProfile *vendor; /* NULL for "omp1" */
        const char *const *service_uuids; /* that a device which is ours may offer, NULL-terminated: for GattProfile1 and discovery */
        bool needs_services;    /* every match asks for one of them: discovery may filter by them */
        const ProfileChar *chars; /* in the order in which they are taken */
        size_t n_chars;
} Profile;

/* What a device shows of itself before (and after) it is connected. */
typedef struct ProfileMaker {  /* manufacturer data */
        uint16_t company;
        const uint8_t *data;
        size_t size;
} ProfileMaker;

typedef struct ProfileOffer {
        const char *const *services; /* lower case, NULL-terminated; may be NULL */
        const char *name;       /* may be NULL */
        const char *model;      /* of Device Information, may be NULL */
        const ProfileMaker *makers;
        size_t n_makers;
} ProfileOffer;

typedef struct Profiles Profiles;

Profiles *profiles_new(void);           /* "omp1" alone */
Profiles *profiles_free(Profiles *profiles);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Profiles, profiles_free)

/* A sentence about a file that was refused or a line of it; `line` 0: the file as a whole. */
typedef void (*ProfilesReport)(const char *path, unsigned line, const char *text, void *userdata);

/* All *.mnprofile of a folder, in the order of their names. An id that is known already is passed over: load the folder that wins first.
 * A file that is refused is reported; the others load. A folder that is not there is no error; one that cannot be read is reported.
 * Actions are kept from files that root (or this process's own user, when it is not root) owns and nobody else may write; others' are
 * reported and left out. */
void profiles_load_folder(Profiles *profiles, const char *folder, ProfilesReport report, void *userdata);
/* The folders of this installation: <config_dir>/profiles.d wins over the one of what is shipped. NEEDLED_PROFILES_PATH in the
 * environment, folders with colons between, replaces both: for tests, and for trying a profile. */
void profiles_load(Profiles *profiles, const char *config_dir, ProfilesReport report, void *userdata);
char **profiles_search_path(const char *config_dir); /* the folders of profiles_load(), the one that wins first; the caller frees */

const char *profiles_folders(const Profiles *profiles); /* those that were read, for messages: "/a or /b"; "" none */
/* In the order of loading, ended by NULL; they live as long as `profiles`. */
const Profile *const *profiles_all(const Profiles *profiles);
const Profile *profiles_by_id(const Profiles *profiles, const char *id); /* NULL */
/* The best match: model > service+name > service > mfr > name, then Priority, then the order of loading. NULL: not ours. "omp1" wins over all. */
const Profile *profiles_match(const Profiles *profiles, const ProfileOffer *offer);
/* Whether some profile looks at this: what none looks at need not be remembered of a stranger. */
bool profiles_know_service(const Profiles *profiles, const char *uuid);
bool profiles_know_maker(const Profiles *profiles, uint16_t company);
const ProfileChar *profile_char(const Profile *profile, const char *uuid); /* NULL if it is none of the profile's */
