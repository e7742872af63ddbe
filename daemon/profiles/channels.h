/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the channel numbers of a vendor session's frames stand for, kept with the session: its profile may be edited later. As text
 * "0=<uuid>;1=<uuid>", without a UUID for what has none; "" for "omp1", whose numbers never change. */

#include "profiles/profile.h"

#define CHANNELS_MAX 256u               /* Frame.channel is an octet */
#define CHANNELS_NONE UINT8_MAX         /* of no profile's characteristic */

char *channels_text(const Profile *profile); /* NULL: "" */

/* The numbers of then → those of the profile now, found by UUID; CHANNELS_NONE for what it does not have (any more), and for what the text does
 * not name. Returns true if they are the same, which they are for "omp1". */
bool channels_map(const Profile *profile, const char *text, uint8_t ret[static CHANNELS_MAX]);
