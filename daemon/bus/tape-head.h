/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a tape of a stored session says before its first frame. */

#include "needled/tape.h"
#include "profiles/profile.h"
#include "store/store.h"

/* Characteristics of a vendor's device are those that the session itself remembers, with the names that the profile of today has for them;
 * `profiles` may be NULL, and the profile unknown: then they are called by their numbers. What cannot stand on a tape (a label with control
 * characters, two names alike) is replaced by what can. */
void tape_head_make(const Profiles *profiles, const StoreSession *session, TapeHead *ret);
