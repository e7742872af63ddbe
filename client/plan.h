/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Plan1: when the minimum rest is over, and what was acknowledged. */

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "client/client.h"

/* What the options --subject and --area ask for; says nothing. Negative errno with *error. */
int plan_try(Client *client, sd_bus_error *error, json_t **ret);
/* The same, and says what went wrong. */
Exit plan_get(Client *client, json_t **ret);

/* "now", or when and in how long; the caller frees. */
char *plan_next(const json_t *plan, uint64_t now_usec);
/* The rests that hold, one row each. */
void plan_print_rules(const json_t *plan);
