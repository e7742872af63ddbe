/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The devices and live sessions of the service as it showed them at one moment, and finding one of them by
 * what was typed. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

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
/* By id, UUID or the beginning of it (4 letters or more), object path, or as the live session of a device.
 * Errors likewise. */
int objects_find_session(const Objects *objects, const char *typed, const json_t **ret);

/* Without a name: the only adopted device, or the only one that is connected. */
int objects_only_device(const Objects *objects, const json_t **ret);
/* The only session of this user that has not ended; the superuser's are all. */
int objects_only_session(const Objects *objects, uid_t uid, const json_t **ret);

const json_t *objects_at(const json_t *array, const char *path); /* NULL: none */
bool objects_session_is_live(const json_t *session);
bool objects_device_is_connected(const json_t *device);

/* What to call a device: alias, else name, else address. As it came: to be made printable. */
const char *objects_device_title(const json_t *device);
