/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "link/calls.h"

#include <glib.h>

struct Call {
        Calls *owner;   /* weak */
        Call *prev, *next;
        sd_bus_slot *slot;
        const char *member; /* static */
        CallDone done;
        void *userdata;
};

static void call_free(Call *call) {
        if (call->prev)
                call->prev->next = call->next;
        else
                call->owner->first = call->next;
        if (call->next)
                call->next->prev = call->prev;

        sd_bus_slot_unref(call->slot);
        g_free(call);
}

static void note(const Call *call, const sd_bus_error *error) {
        CallsDenied *denied = call->owner->denied;

        if (!denied)
                return;
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_ACCESS_DENIED))
                denied->member = call->member;
        else if (!error && denied->member == call->member)
                denied->member = NULL;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Call *call = userdata;
        CallDone done = call->done;
        void *done_userdata = call->userdata;

        note(call, sd_bus_message_get_error(reply));
        call_free(call);
        if (done) {
                if (sd_bus_message_is_method_error(reply, NULL))
                        done(NULL, errors_meaning(sd_bus_message_get_error(reply)), done_userdata);
                else
                        done(reply, NULL, done_userdata);
        }

        return 1;
}

int calls_send(Calls *calls, sd_bus_message *m, uint64_t timeout_usec, CallDone done, void *userdata) {
        Call *call = g_new(Call, 1);
        int r;

        *call = (Call) {
                .owner = calls,
                .next = calls->first,
                .member = g_intern_string(sd_bus_message_get_member(m)),
                .done = done,
                .userdata = userdata,
        };
        if (calls->first)
                calls->first->prev = call;
        calls->first = call;

        r = sd_bus_call_async(sd_bus_message_get_bus(m), &call->slot, m, on_reply, call, timeout_usec);
        if (r < 0)
                call_free(call);

        return r;
}

int calls_octets(sd_bus_message *reply, const uint8_t **ret, size_t *ret_size) {
        static const uint8_t nothing[1];
        const void *data;
        int r;

        r = sd_bus_message_read_array(reply, 'y', &data, ret_size);
        if (r < 0)
                return r;

        *ret = *ret_size > 0 ? data : nothing;
        return 0;
}

void calls_clear(Calls *calls) {
        while (calls->first)
                call_free(calls->first);
}
