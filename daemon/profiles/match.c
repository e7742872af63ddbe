/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "profiles/match.h"

#include <string.h>

static const ProfileTerm *find(const ProfileMatch *match, ProfileTermKind kind) {
        for (size_t i = 0; i < match->n_terms; i++)
                if (match->terms[i].kind == kind)
                        return &match->terms[i];

        return NULL;
}

static bool maker_holds(const ProfileTerm *term, const ProfileOffer *offer) {
        for (size_t i = 0; i < offer->n_makers; i++) {
                const ProfileMaker *maker = &offer->makers[i];

                if (maker->company == term->company && maker->size >= term->n_prefix &&
                    (term->n_prefix == 0 || memcmp(maker->data, term->prefix, term->n_prefix) == 0))
                        return true;
        }

        return false;
}

static bool term_holds(const ProfileTerm *term, const ProfileOffer *offer) {
        switch (term->kind) {
        case PROFILE_TERM_NAME:
                return offer->name && profile_glob(term->text, offer->name);
        case PROFILE_TERM_MAKER:
                return maker_holds(term, offer);
        case PROFILE_TERM_SERVICE:
                return offer->services && g_strv_contains(offer->services, term->text);
        case PROFILE_TERM_MODEL:
                return offer->model && profile_glob(term->text, offer->model);
        }

        g_assert_not_reached();
}

/* Whether some text is met by both. */
static bool globs_meet(const char *a, const char *b) {
        size_t size = strlen(b) + 1;
        g_autofree bool *row = g_new0(bool, size);      /* row[j]: what is left of a meets what is left of b from j on */

        for (size_t i = strlen(a) + 1; i-- > 0;) {
                bool diagonal = false;                  /* row[j + 1] of the row before */

                for (size_t j = size; j-- > 0;) {
                        bool below = row[j];

                        if (!a[i] && !b[j])
                                row[j] = true;
                        else if (a[i] == '*')           /* it stands for nothing more, or takes b's next */
                                row[j] = below || (b[j] && row[j + 1]);
                        else if (b[j] == '*')
                                row[j] = row[j + 1] || (a[i] && below);
                        else
                                row[j] = a[i] && b[j] && (a[i] == b[j] || a[i] == '?' || b[j] == '?') && diagonal;
                        diagonal = below;
                }
        }

        return row[0];
}

static bool terms_meet(const ProfileTerm *a, const ProfileTerm *b) {
        switch (a->kind) {
        case PROFILE_TERM_NAME:
        case PROFILE_TERM_MODEL:
                return globs_meet(a->text, b->text);
        case PROFILE_TERM_MAKER:
                return a->company == b->company && memcmp(a->prefix, b->prefix, MIN(a->n_prefix, b->n_prefix)) == 0;
        case PROFILE_TERM_SERVICE:
                return g_str_equal(a->text, b->text);
        }

        g_assert_not_reached();
}

bool profile_glob(const char *glob, const char *text) {
        const char *star = NULL, *from = NULL;

        while (*text) {
                if (*glob == '*') {
                        star = ++glob;
                        from = text;
                } else if (*glob && (*glob == '?' || *glob == *text)) {
                        glob++;
                        text++;
                } else if (star) {      /* the last * takes one octet more */
                        glob = star;
                        text = ++from;
                } else
                        return false;
        }
        while (*glob == '*')
                glob++;

        return !*glob;
}

bool profile_match_holds(const ProfileMatch *match, const ProfileOffer *offer) {
        for (size_t i = 0; i < match->n_terms; i++)
                if (!term_holds(&match->terms[i], offer))
                        return false;

        return match->n_terms > 0;
}

unsigned profile_match_score(const ProfileMatch *match) {
        bool name = find(match, PROFILE_TERM_NAME), service = find(match, PROFILE_TERM_SERVICE);

        return (find(match, PROFILE_TERM_MODEL) ? 16u : 0) + (service && name ? 8u : 0) + (service ? 4u : 0) +
               (find(match, PROFILE_TERM_MAKER) ? 2u : 0) + (name ? 1u : 0);
}

bool profile_match_same(const ProfileMatch *a, const ProfileMatch *b) {
        if (profile_match_score(a) != profile_match_score(b))
                return false;

        for (size_t i = 0; i < a->n_terms; i++)
                if (!terms_meet(&a->terms[i], find(b, a->terms[i].kind)))
                        return false;

        return true;
}
