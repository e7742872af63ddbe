/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/event-fields.h"

#include "session/session.h"

static const char *const kinds[] = {
        [STORE_EVENT_DEVICE] = "device", [STORE_EVENT_ALERT] = "alert", [STORE_EVENT_STATE] = "state",
        [STORE_EVENT_STAGE] = "stage",   [STORE_EVENT_AREA] = "area",   [STORE_EVENT_MARK] = "mark",
};

static void add(EventFields *f, EventField field) {
        g_assert(f->n < EVENT_FIELDS_MAX);
        f->fields[f->n++] = field;
}

static void add_text(EventFields *f, const char *key, const char *text) {
        if (text && *text)      /* an unknown value is an absent key */
                add(f, (EventField) { .key = key, .type = 's', .s = text });
}

static void add_device(EventFields *f, const StoreEvent *e) {
        add_text(f, "name", omp_word(OMP_WORDS_EVENT, e->code, f->word));
        add(f, (EventField) { .key = "code", .type = 'u', .u = e->code });
        add_text(f, "level", omp_word(OMP_WORDS_SEVERITY, e->severity, f->level));
        add(f, (EventField) { .key = "asserted", .type = 'b', .b = e->asserted });
        add(f, (EventField) { .key = "value", .type = 'd', .d = (double) e->value });
}

static void add_alert(EventFields *f, const StoreEvent *e) {
        const Alert alert = {
                .code = (AlertCode) e->code,
                .level = (AlertLevel) e->severity,
                .raised_usec = e->session_usec,
                .cleared_usec = e->asserted ? 0 : e->session_usec,
                .value = (int32_t) CLAMP(e->value, INT32_MIN, INT32_MAX),
        };

        /* A later version's: it happened, no more can be said. */
        if (e->code >= _ALERT_CODE_MAX || e->severity < ALERT_NOTICE || e->severity > ALERT_ALARM) {
                add_text(f, "name", "unknown");
                return;
        }

        f->text = alert_text(&alert, !e->asserted);
        add_text(f, "name", alert_code_name(alert.code));
        add_text(f, "level", alert_level_name(alert.level));
        add(f, (EventField) { .key = "raised", .type = 'b', .b = e->asserted });
        if (alert.value != ALERT_VALUE_NONE)
                add(f, (EventField) { .key = "value", .type = 'd', .d = (double) e->value });
        add_text(f, "text", f->text);
}

static void add_body(EventFields *f, const StoreEvent *e) {
        switch (e->kind) {
        case STORE_EVENT_DEVICE:
                add_device(f, e);
                break;
        case STORE_EVENT_ALERT:
                add_alert(f, e);
                break;
        case STORE_EVENT_STATE:
                add_text(f, "name", e->code < _SESSION_STATE_MAX ? session_state_name((SessionState) e->code) : "unknown");
                break;
        case STORE_EVENT_STAGE:
                add_text(f, "name", e->code == STAGE_NONE  ? "none"
                                    : e->code < _STAGE_MAX ? stage_name((Stage) e->code)
                                                           : "unknown");
                break;
        case STORE_EVENT_AREA:
                add_text(f, "name", omp_word(OMP_WORDS_AREA, e->code, f->word));
                break;
        case STORE_EVENT_MARK:
                add_text(f, "name", "mark");
                add_text(f, "text", e->text);
                break;
        }
}

bool event_fields_init(EventFields *ret, const StoreEvent *event) {
        *ret = (EventFields) {};
        if ((unsigned) event->kind >= G_N_ELEMENTS(kinds))
                return false;

        add(ret, (EventField) { .key = "time", .type = 't', .t = event->session_usec });
        add(ret, (EventField) { .key = "realtime", .type = 't', .t = event->realtime_usec });
        add_text(ret, "kind", kinds[event->kind]);
        add_body(ret, event);
        return true;
}

void event_fields_done(EventFields *fields) {
        g_free(fields->text);
}
