/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The terms of a profile's Match=: which devices it is for, judged by what they show of themselves. */

#include "profiles/profile.h"

#define PROFILE_MATCH_TERMS_MAX 4u
#define PROFILE_MATCH_PREFIX_MAX 16u

typedef enum ProfileTermKind { PROFILE_TERM_NAME, PROFILE_TERM_MAKER, PROFILE_TERM_SERVICE, PROFILE_TERM_MODEL } ProfileTermKind;

typedef struct ProfileTerm {
        ProfileTermKind kind;
        const char *text;       /* the service's UUID, 128 bits, lower case; or a glob of * and ? */
        uint16_t company;
        uint8_t n_prefix;       /* that the manufacturer data begin with */
        uint8_t prefix[PROFILE_MATCH_PREFIX_MAX];
} ProfileTerm;

typedef struct ProfileMatch {   /* all terms must hold */
        uint8_t n_terms;
        ProfileTerm terms[PROFILE_MATCH_TERMS_MAX];
} ProfileMatch;

/* * stands for any octets, ? for one. */
bool profile_glob(const char *glob, const char *text);
bool profile_match_holds(const ProfileMatch *match, const ProfileOffer *offer);
/* More is better: model > service+name > service > mfr > name. Never 0. */
unsigned profile_match_score(const ProfileMatch *match);
/* Whether one device can meet both at the same score: neither file could say which of them is right. */
bool profile_match_same(const ProfileMatch *a, const ProfileMatch *b);
