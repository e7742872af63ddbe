/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The devices and live sessions of the service as it showed them at one moment, and finding one of them by
 * what was typed. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "client/match.h"

typedef struct Objects {
        json_t *devices; /* array of properties (json_from_properties) and "path"; adopted ones first, then
                            by name */
        json_t *sessions;       /* likewise; newest first */
} Objects;

/* From the reply of GetManagedObjects; what this client does not know is left out. */
void objects_init(Objects *objects, const json_t *managed);
void objects_done(Objects *objects);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Objects, objects_done)

/* By address, alias, name or object path, whatever the case; else by the beginning of one of them.
 * -ENOENT none, -ENOTUNIQ it fits several. *ret is borrowed from `objects`. */
int objects_find_device(const Objects *objects, const char *typed, const json_t **ret);
/* Digits alone: a session's id, whatever a device is called. */
bool objects_is_session_id(const char *typed);
/* How well it fits one device. */
Match objects_device_match(const json_t *device, const char *typed);
#define SESSION_UUID_PREFIX_MIN 4u
/* How well it fits the id, UUID or object path of one session, or the beginning of the UUID. */
Match objects_session_match(const json_t *session, const char *typed);
/* By id, UUID or the beginning of it (4 letters or more), object path, or as the live session of a device that
 * digits alone never are. Errors likewise. */
int objects_find_session(const Objects *objects, const char *typed, const json_t **ret);

/* Without a name: the only adopted device, or the only one that is connected. */
int objects_only_device(const Objects *objects, const json_t **ret);
/* The only session of this user that has not ended; the superuser's are all. */
int objects_only_session(const Objects *objects, uid_t uid, const json_t **ret);

const json_t *objects_at(const json_t *array, const char *path); /* NULL: none */
const json_t *objects_session_by_id(const Objects *objects, uint64_t id); /* NULL: none */
bool objects_session_is_live(const json_t *session);
/* Whose: this user's; for root anybody's. */
bool objects_session_is_live_of(const json_t *session, uid_t uid);
bool objects_device_is_connected(const json_t *device);

/* What to call a device: alias, else name, else address; with --redact its other name. As it came: to be made printable. */
const char *objects_device_title(const json_t *device);
