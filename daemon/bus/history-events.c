/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/history.h"

#include <errno.h>

#include "autoptr.h"
#include "bus/options.h"
#include "bus/private.h"
#include "needled/omp-words.h"

/* GetEvents(): what happened in a session, of the record and of one that is live. */

static const char *const kinds[] = {
        [STORE_EVENT_DEVICE] = "device", [STORE_EVENT_ALERT] = "alert", [STORE_EVENT_STATE] = "state",
        [STORE_EVENT_STAGE] = "stage",   [STORE_EVENT_AREA] = "area",   [STORE_EVENT_MARK] = "mark",
};

static int append_device(sd_bus_message *m, const StoreEvent *e) {
        const uint32_t code = e->code;
        const double value = (double) e->value;
        const int asserted = e->asserted;
        char word[OMP_WORD_SIZE], level[OMP_WORD_SIZE];
        int r;

        r = dictionary_string(m, "name", omp_word(OMP_WORDS_EVENT, e->code, word));
        if (r >= 0)
                r = dictionary_basic(m, "code", 'u', &code);
        if (r >= 0)
                r = dictionary_string(m, "level", omp_word(OMP_WORDS_SEVERITY, e->severity, level));
        if (r >= 0)
                r = dictionary_basic(m, "asserted", 'b', &asserted);
        if (r >= 0)
                r = dictionary_basic(m, "value", 'd', &value);

        return r;
}

static int append_alert(sd_bus_message *m, const StoreEvent *e) {
        const int raised = e->asserted;
        const double value = (double) e->value;
        const Alert alert = {
                .code = (AlertCode) e->code,
                .level = (AlertLevel) e->severity,
                .raised_usec = e->session_usec,
                .cleared_usec = e->asserted ? 0 : e->session_usec,
                .value = (int32_t) CLAMP(e->value, INT32_MIN, INT32_MAX),
        };
        g_autofree char *text = NULL;
        int r;

        /* A later version's: it happened, no more can be said. */
        if (e->code >= _ALERT_CODE_MAX || e->severity < ALERT_NOTICE || e->severity > ALERT_ALARM)
                return dictionary_string(m, "name", "unknown");

        text = alert_text(&alert);
        r = dictionary_string(m, "name", alert_code_name(alert.code));
        if (r >= 0)
                r = dictionary_string(m, "level", alert_level_name(alert.level));
        if (r >= 0)
                r = dictionary_basic(m, "raised", 'b', &raised);
        if (r >= 0 && alert.value != ALERT_VALUE_NONE)
                r = dictionary_basic(m, "value", 'd', &value);
        if (r >= 0)
                r = dictionary_string(m, "text", text);

        return r;
}

static int append_body(sd_bus_message *m, const StoreEvent *e) {
        char word[OMP_WORD_SIZE];
        int r;

        switch (e->kind) {
        case STORE_EVENT_DEVICE:
                return append_device(m, e);
        case STORE_EVENT_ALERT:
                return append_alert(m, e);
        case STORE_EVENT_STATE:
                return dictionary_string(m, "name", e->code < _SESSION_STATE_MAX ? session_state_name((SessionState) e->code) : "unknown");
        case STORE_EVENT_STAGE:
                return dictionary_string(m, "name", e->code == STAGE_NONE  ? "none"
                                                    : e->code < _STAGE_MAX ? stage_name((Stage) e->code)
                                                                           : "unknown");
        case STORE_EVENT_AREA:
                return dictionary_string(m, "name", omp_word(OMP_WORDS_AREA, e->code, word));
        case STORE_EVENT_MARK:
                r = dictionary_string(m, "name", "mark");
                return r < 0 ? r : dictionary_string(m, "text", e->text);
        }

        return 0;
}

static int append_event(sd_bus_message *m, const StoreEvent *e) {
        int r;

        if ((unsigned) e->kind >= G_N_ELEMENTS(kinds)) /* a later version wrote it */
                return 0;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = dictionary_basic(m, "id", 't', &e->id);
        if (r >= 0)
                r = dictionary_basic(m, "time", 't', &e->session_usec);
        if (r >= 0)
                r = dictionary_basic(m, "realtime", 't', &e->realtime_usec);
        if (r >= 0)
                r = dictionary_string(m, "kind", kinds[e->kind]);
        if (r >= 0)
                r = append_body(m, e);

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
                              : sd_bus_message_new_method_return(call->message, &reply);
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
        if (r < 0)
                return r;
        r = call_pending(call, NULL, 0);
        if (r < 0)
                return r;

        store_get(call->bus->settings.store, filter.session, on_got, call);
        return 0;
}
