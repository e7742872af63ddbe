/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a session as a whole is called: as a dictionary of a call. */

#include <systemd/sd-bus.h>

#include "store/store.h"

/* Reads the next argument of `m`, a{sv}, and checks it. Texts are borrowed from the message, NULL where they are not given. Errors:
 * InvalidArgument that names what is wrong. */
int labels_read(sd_bus_message *m, StoreLabels *ret, sd_bus_error *error);
/* -EINVAL with InvalidArgument likewise. */
int labels_take_rating(bool given, uint32_t rating, StoreLabels *ret, sd_bus_error *error);
int labels_check(const StoreLabels *labels, sd_bus_error *error);
