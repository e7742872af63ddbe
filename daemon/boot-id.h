/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which boot of the computer this is. In the service's sandbox /proc does not say it (ProcSubset=pid): its unit does, in NEEDLED_BOOT_ID. */

#include <systemd/sd-id128.h>

/* Errors: of sd_id128_get_boot(), if nobody says it. */
int boot_id_get(sd_id128_t *ret);
