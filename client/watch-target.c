/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-target.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "client/json.h"

static bool is_wanted(const WatchTarget *t, const json_t *session) {
        uint64_t id = (uint64_t) json_number(session, "id");

        if (!objects_session_is_live(session) || id == t->ended)
                return false;
        if (t->session > 0)
                return id == t->session;
        if (t->device)
                return strcmp(json_text(session, "device"), t->device) == 0;

        return objects_session_is_live_of(session, t->uid);
}

int watch_target_choose(WatchTarget *t, const Objects *objects, const char *typed) {
        const json_t *session = NULL, *device = NULL;
        int found_device = -ENOENT, found_session;

        if (!typed)
                return 0;

        if (!objects_is_session_id(typed))
                found_device = objects_find_device(objects, typed, &device);
        found_session = objects_find_session(objects, typed, &session);

        /* A device stands for all its sessions. */
        if (found_device == 0 &&
            (found_session < 0 || strcmp(json_text(session, "device"), json_text(device, "path")) == 0)) {
                t->device = g_strdup(json_text(device, "path"));
                return 0;
        }
        if (found_session == 0 && objects_session_is_live(session)) {
                t->session = (uint64_t) json_number(session, "id");
                return 0;
        }

        return found_device == -ENOTUNIQ ? -ENOTUNIQ : -ENOENT;
}

void watch_target_done(WatchTarget *t) {
        g_clear_pointer(&t->device, g_free);
}

const json_t *watch_target_session(const WatchTarget *t, const Objects *objects) {
        json_t *session;
        size_t i;

        json_array_foreach(objects->sessions, i, session) /* newest first */
                if (is_wanted(t, session))
                        return session;

        return NULL;
}

uint64_t watch_target_others(const WatchTarget *t, const Objects *objects, const json_t *device) {
        json_t *session;
        size_t i;

        if (t->session > 0 || t->device)
                return 0;
        json_array_foreach(objects->sessions, i, session)
                if (objects_session_is_live(session) && !objects_session_is_live_of(session, t->uid) &&
                    strcmp(json_text(session, "device"), json_text(device, "path")) == 0)
                        return (uint64_t) json_number(session, "id");

        return 0;
}

const json_t *watch_target_device(const WatchTarget *t, const Objects *objects, const json_t *session) {
        const json_t *device = NULL;

        if (session)
                return objects_at(objects->devices, json_text(session, "device"));
        if (t->device)
                return objects_at(objects->devices, t->device);
        if (objects_only_device(objects, &device) == 0)
                return device;

        device = json_array_get(objects->devices, 0); /* adopted ones first */
        return json_is_true(json_object_get(device, "adopted")) ? device : NULL;
}
