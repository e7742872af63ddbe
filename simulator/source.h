/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Devices that are made from a file: --profile and --tape. */

#include "peripheral-tape.h"

typedef struct Source {
        ProfileFile *profile;
        TapeFile *tape;
        TapePlay play;
        char *name;                     /* that its profile's Match asks for, "" if it asks for none */
} Source;

/* Loads what is not NULL and puts it into the config, which then needs the Source. What is wrong is said on stderr; a
 * tape that is wrong in the middle is played up to there. Errors: -EINVAL a vendor's tape without its profile, or with
 * another one; else as profile_file_load() and tape_file_load(). */
int source_load(Source *source, const char *profile_path, const char *tape_path, bool loop, PeripheralConfig *config);
void source_clear(Source *source);
