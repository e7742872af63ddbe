/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "needled/omp.h"

#define USER_FIRST 0xf0u

/* 1.9, Areas: 0 … 22, and 0xF0 … 0xFE for the user's own. */
static const char *const names[] = {
        "unspecified", "forehead", "glabella", "cheek-left", "cheek-right", "nose", "periorbital-left", "periorbital-right",
        "upper-lip", "chin", "jaw", "neck", "decollete", "scalp-front", "scalp-crown", "abdomen", "thigh-left", "thigh-right",
        "buttock", "arm-left", "arm-right", "hand", "back",
};

static const char *const user_names[] = {
        "user-0", "user-1", "user-2", "user-3", "user-4", "user-5", "user-6", "user-7", "user-8", "user-9", "user-10",
        "user-11", "user-12", "user-13", "user-14",
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))
#define N_USER (sizeof(user_names) / sizeof(user_names[0]))

const char *omp_area_name(uint8_t area) {
        if (area >= USER_FIRST && area - USER_FIRST < N_USER)
                return user_names[area - USER_FIRST];

        return area < N_NAMES ? names[area] : names[0];
}

int omp_area_from_name(const char *name, uint8_t *ret) {
        for (size_t i = 0; i < N_NAMES; i++)
                if (strcmp(names[i], name) == 0) {
                        *ret = (uint8_t) i;
                        return 0;
                }
        for (size_t i = 0; i < N_USER; i++)
                if (strcmp(user_names[i], name) == 0) {
                        *ret = (uint8_t) (USER_FIRST + i);
                        return 0;
                }

        return -ENOENT;
}
