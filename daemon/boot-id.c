/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "boot-id.h"

#include <stdlib.h>

int boot_id_get(sd_id128_t *ret) {
        const char *told = getenv("NEEDLED_BOOT_ID");

        if (told && sd_id128_from_string(told, ret) >= 0)
                return 0;
        return sd_id128_get_boot(ret);
}
