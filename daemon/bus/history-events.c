/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/history.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/event-fields.h"
#include "bus/gate.h"
#include "bus/options.h"
#include "bus/private.h"

/* GetEvents(): what happened in a session, of the record and of one that is live. */

static int append_field(sd_bus_message *m, const EventField *field) {
        const void *value = field->type == 's' ? (const void *) field->s : &field->t; /* all members of the union begin there */

        return dictionary_basic(m, field->key, field->type, value);
}

static int append_event(sd_bus_message *m, const StoreEvent *e) {
        EventFields fields;
        int r;

        if (!event_fields_init(&fields, e)) /* a later version wrote it */
                return 0;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = dictionary_basic(m, "id", 't', &e->id);
        for (unsigned i = 0; r >= 0 && i < fields.n; i++)
                r = append_field(m, &fields.fields[i]);
        event_fields_done(&fields);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int append_events(sd_bus_message *m, const StoreEvent *events, size_t n) {
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "a{sv}");
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = append_event(m, &events[i]);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static void on_events(int status, const StoreEvent *events, size_t n, void *userdata) {
        g_auto(sd_bus_error) error = SD_BUS_ERROR_NULL;
        g_autoptr(sd_bus_message) reply = NULL;
        Call *call = userdata;
        int r;

        if (!call->message) {
                call_reply_take(call, NULL);
                return;
        }

        if (status == -ENOENT && history_find_live(call)) { /* it has begun, and is not written yet */
                status = 0;
                n = 0;
        }
        r = status == -ENOENT ? history_not_found(call, &error)
            : status < 0      ? history_store_error(call, status, &error)
                              : gate_large_reply(call, &reply, &error);
        if (r >= 0)
                r = append_events(reply, events, n);
        if (r < 0)
                call_finish(call, r, &error);
        else
                call_reply_take(call, g_steal_pointer(&reply));
}

static int read_filter(Call *call, StoreEventFilter *ret, sd_bus_error *error) {
        const Option options[] = {
                { "after", 't', &ret->after, NULL },
                { "before", 't', &ret->before, NULL },
        };
        int r;

        *ret = (StoreEventFilter) { .limit = STORE_EVENTS_MAX };
        r = history_read_id(call, &ret->session);
        if (r < 0)
                return r;

        return options_read(call->message, options, G_N_ELEMENTS(options), error);
}

static int read_events(Call *call, sd_bus_error *error) {
        StoreEventFilter filter;
        int r;

        r = read_filter(call, &filter, error);
        if (r < 0)
                return r;

        store_events(call->bus->settings.store, &filter, on_events, call);
        return 0;
}

static int use_session(Call *call, const StoreSession *session, sd_bus_error *error) {
        return read_events(call, error);
}

static int use_live(Call *call, sd_bus_error *error) {
        return history_find_live(call) ? read_events(call, error) : history_not_found(call, error);
}

static void on_got(int status, const StoreSession *sessions, size_t n, void *userdata) {
        static const HistoryUse use = { CALL_READ, use_session, use_live, history_run_get_events };

        history_on_session(&use, status, sessions, n, userdata);
}

int history_run_get_events(Call *call, sd_bus_error *error) {
        StoreEventFilter filter;
        int r;

        r = read_filter(call, &filter, error);
        return r < 0 ? r : history_ask(call, on_got);
}
