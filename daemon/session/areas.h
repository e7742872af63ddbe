/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The sums of a session area by area. Bounded: numbers that no area has, and areas beyond AREAS_MAX, are counted as
 * unspecified, and `overflowed` says so. */

#include <stdbool.h>
#include <stdint.h>

#include "session/sums.h"

#define AREAS_MAX 16u                   /* with the unspecified one, which is always the first */

typedef struct Areas {
        unsigned n;
        bool overflowed;
        struct {
                uint8_t area;
                Sums *sums;             /* owned */
        } of[AREAS_MAX];
} Areas;

void areas_init(Areas *a);
void areas_clear(Areas *a);             /* frees all */
/* The sums of an area, made if they are not there yet. Never NULL; valid until areas_clear(). */
Sums *areas_get(Areas *a, uint8_t area);
/* All of them together. */
void areas_total(const Areas *a, Sums *ret);
