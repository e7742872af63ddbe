/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/areas.h"

#include <stdint.h>

#include "needled/omp.h"

unsigned areas_list(const char *names[static AREAS_MAX]) {
        unsigned n = 0;

        for (unsigned area = 0; area <= UINT8_MAX && n < AREAS_MAX; area++) {
                const char *name = omp_area_name((uint8_t) area);
                uint8_t number;

                if (omp_area_from_name(name, &number) >= 0 && number == area)
                        names[n++] = name;
        }

        return n;
}
