/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which stored sessions are meant, as the options say it, and the list of them, page by page. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/client.h"

#define SESSION_FILTER_OPTIONS                                                                                          \
        (OPTION_BIT(OPTION_SINCE) | OPTION_BIT(OPTION_UNTIL) | OPTION_BIT(OPTION_DEVICE) | OPTION_BIT(OPTION_SUBJECT) | \
         OPTION_BIT(OPTION_AREA) | OPTION_BIT(OPTION_OWNER) | OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_ALL))

typedef struct SessionFilter {
        uint64_t since_usec, until_usec; /* 0: no bound */
        const char *device, *subject, *area; /* NULL: any */
        uid_t owner;                    /* with owner_given; (uid_t) -1: everybody */
        bool owner_given;               /* else the caller, or for root everybody */
        uint64_t limit;
} SessionFilter;

/* Whether one of them was given. */
bool session_filter_given(const Options *options);
/* Connects too. `fallback` is the limit where none is given. The device's address may be borrowed from `objects`, which
 * it fills then. */
Exit session_filter_read(Client *client, Objects *objects, uint64_t fallback, SessionFilter *ret);
/* Appends the sessions to an array, newest first. */
Exit session_filter_list(Client *client, const SessionFilter *filter, json_t *ret);
/* One page, those before the session `before` (0: the newest). *ret is a new reference. EXIT_NOT_FOUND without a word: `before` was deleted. */
Exit session_filter_page(Client *client, const SessionFilter *filter, uint64_t limit, uint64_t before, json_t **ret);

#define SESSION_PAGE_MAX 500u           /* of History1.List */

/* A user's name or number, or "all", (uid_t) -1. EXIT_NOT_FOUND; the user was told. */
Exit session_filter_owner(const char *typed, uid_t *ret);
