/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/areas.h"

#include <glib.h>

#define UNSPECIFIED 0u

G_STATIC_ASSERT(AREAS_MAX * sizeof(Sums) <= 48 * 1024); /* of the 64 KiB that a session may take, however long it is */

static Sums *add(Areas *a, uint8_t area) {
        Sums *sums = g_new(Sums, 1);

        sums_init(sums);
        a->of[a->n].area = area;
        a->of[a->n].sums = sums;
        a->n++;
        return sums;
}

void areas_init(Areas *a) {
        *a = (Areas) { 0 };
        (void) add(a, UNSPECIFIED);
}

void areas_clear(Areas *a) {
        for (unsigned i = 0; i < a->n; i++)
                g_free(a->of[i].sums);
        *a = (Areas) { 0 };
}

Sums *areas_get(Areas *a, uint8_t area) {
        for (unsigned i = 0; i < a->n; i++)
                if (a->of[i].area == area)
                        return a->of[i].sums;

        if (a->n == AREAS_MAX || omp_area_name(area) == omp_area_name(UNSPECIFIED)) {
                a->overflowed = true;
                return a->of[0].sums;
        }

        return add(a, area);
}

void areas_total(const Areas *a, Sums *ret) {
        sums_init(ret);
        for (unsigned i = 0; i < a->n; i++)
                sums_add(ret, a->of[i].sums);
}
