/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What happened in a session, for people. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/client.h"

/* All that the record has of it (History1.GetEvents), page by page; *ret is a new reference. */
Exit events_view_get(Client *client, uint64_t id, json_t **ret);
/* What one of them says. As it came: to be made printable. The caller frees. */
char *events_view_what(const json_t *event);
/* As a table, a line each by its time; nothing for none. The caller frees. */
char *events_view_text(const json_t *events, bool legend, bool color);
