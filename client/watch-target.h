/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Whom `watch` is to follow, and whether they are there. Pure. */

#include <glib.h>
#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/objects.h"

typedef struct WatchTarget {
        uid_t uid;              /* of who asks */
        uint64_t session;       /* this one alone; 0: any */
        char *device;           /* path: all sessions of this one; NULL: any */
        uint64_t ended;         /* a session that has ended: not to be taken up again */
} WatchTarget;

/* What was typed (NULL: nothing) becomes a device, followed from session to session, or one session; digits alone are
 * a session, even where an address begins with them.
 * -ENOENT there is neither, -ENOTUNIQ it fits several devices. */
int watch_target_choose(WatchTarget *target, const Objects *objects, const char *typed);
void watch_target_done(WatchTarget *target);

/* The newest live session that is wanted; NULL: none. Unasked, only one's own: nobody is to be asked for a
 * password because a stranger's session happens to be live. */
const json_t *watch_target_session(const WatchTarget *target, const Objects *objects);

/* The newest live session on `device` (may be NULL) that is another user's, and so none of those; 0: none. */
uint64_t watch_target_others(const WatchTarget *target, const Objects *objects, const json_t *device);

/* The device to show: that of the session, else the one that is waited for; NULL: none. */
const json_t *watch_target_device(const WatchTarget *target, const Objects *objects, const json_t *session);
