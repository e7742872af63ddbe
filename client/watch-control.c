/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-control.h"

#include <inttypes.h>
#include <string.h>

#include "client/json.h"
#include "client/objects.h"
#include "client/service.h"
#include "client/watch-text.h"

/* The device has 30 s for each answer, and others may wait before us; the service always answers. */
#define TIMEOUT_USEC (300 * SECOND_USEC)

static void free_call(WatchCall *call) {
        call->slot = sd_bus_slot_unref(call->slot);
        g_clear_pointer(&call->done, g_free);
}

static int on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        WatchCall *call = userdata;
        WatchControl *c = call->control;
        g_autofree char *text = error ? service_error_text(error, -sd_bus_error_get_errno(error)) : g_steal_pointer(&call->done);

        free_call(call);
        c->say(error, text, c->userdata);
        return 0;
}

static WatchCall *find_free(WatchControl *c) {
        for (unsigned i = 0; i < WATCH_CONTROL_CALLS; i++)
                if (!c->calls[i].slot)
                        return &c->calls[i];

        return NULL;
}

/* `argument` may be NULL: the method takes none. */
static void call_take(WatchControl *c, const char *path, const char *interface, const char *method, const char *argument,
                      char *done_take) {
        g_autofree char *done = done_take;
        g_autoptr(sd_bus_message) message = NULL;
        WatchCall *call = find_free(c);
        int r;

        if (!call) {
                c->say(true, "The service has not answered what was asked before. Try again when it has.", c->userdata);
                return;
        }

        r = sd_bus_message_new_method_call(c->bus, &message, SERVICE_NAME, path, interface, method);
        if (r >= 0)
                r = sd_bus_message_set_allow_interactive_authorization(message, false);
        if (r >= 0 && argument)
                r = sd_bus_message_append(message, "s", argument);
        if (r >= 0)
                r = sd_bus_call_async(c->bus, &call->slot, message, on_answer, call, TIMEOUT_USEC);
        if (r < 0) {
                g_autofree char *text = service_error_text(NULL, r);

                c->say(true, text, c->userdata);
                return;
        }

        call->done = g_steal_pointer(&done);
}

static void call_session(WatchControl *c, const char *method, const char *argument, char *done_take) {
        g_autofree char *path = g_strdup_printf(SERVICE_ROOT "/session/%" PRIu64, c->model->session_id);

        if (c->model->phase == WATCH_FOLLOWING)
                call_take(c, path, SERVICE_SESSION, method, argument, done_take);
        else {
                g_autofree char *others = watch_text_others(c->model);

                g_free(done_take);
                c->say(true, others ? others : "There is no session now.", c->userdata);
        }
}

static void call_device(WatchControl *c, const char *method, const char *done) {
        const char *path = json_text(c->model->device, "path");

        if (*path)
                call_take(c, path, SERVICE_DEVICE, method, NULL, g_strdup_printf("%s %s", objects_device_title(c->model->device),
                                                                                 done));
        else
                c->say(true, "There is no device.", c->userdata);
}

static void pause_or_resume(WatchControl *c) {
        bool paused = c->model->has_state && c->model->state == NEEDLED_STREAM_STATE_PAUSED;

        call_session(c, paused ? "Resume" : "Pause", NULL, g_strdup(paused ? "The session goes on." : "The session is paused. Use ends the pause, or p."));
}

void watch_control_init(WatchControl *c, sd_bus *bus, const WatchModel *model,
                        void (*say)(bool bad, const char *text, void *userdata),
                        void *userdata) {
        *c = (WatchControl) { .bus = bus, .model = model, .say = say, .userdata = userdata };
        for (unsigned i = 0; i < WATCH_CONTROL_CALLS; i++)
                c->calls[i].control = c;
}

void watch_control_done(WatchControl *c) {
        for (unsigned i = 0; i < WATCH_CONTROL_CALLS; i++)
                free_call(&c->calls[i]);
}

void watch_control_do(WatchControl *c, WatchAction action, const char *value) {
        switch (action) {
        case WATCH_ACTION_NONE:
        case WATCH_ACTION_QUIT: /* not for us */
                break;
        case WATCH_ACTION_PAUSE:
                pause_or_resume(c);
                break;
        case WATCH_ACTION_IDENTIFY:
                call_device(c, "Identify", "shows itself.");
                break;
        case WATCH_ACTION_TARE:
                call_device(c, "Tare", "takes what it measures now for no force.");
                break;
        case WATCH_ACTION_FINISH:
                call_session(c, "Finish", NULL, g_strdup_printf("Session %" PRIu64 " is stored.", c->model->session_id));
                break;
        case WATCH_ACTION_AREA:
                call_session(c, "SetArea", value, g_strdup_printf("The area is %s from now on, unless the device "
                                                                  "tells another.", value));
                break;
        case WATCH_ACTION_STAGE:
                call_session(c, "SetStage", value, g_strdup_printf("The stage is %s.", *value ? value : "none"));
                break;
        case WATCH_ACTION_MARK:
                call_session(c, "Mark", value, g_strdup("Marked."));
                break;
        }
}
