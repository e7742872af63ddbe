/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a session warns of. Each code is raised once, stays while its cause does, is cleared with hysteresis, and is
 * not raised again within a minimum interval: what happens in between goes on counting in the figures. Bounded
 * memory, pure: values and times in, facts out. */

#include <stdbool.h>
#include <stdint.h>

typedef enum AlertCode {                /* numbered as needled_stream_alert.code and in notes: add at the end */
        ALERT_OVERPRESSURE,             /* value: peak, mN */
        ALERT_TIME_LIMIT,               /* s in use */
        ALERT_DEPTH,                    /* µm */
        ALERT_HEAD_WORN,                /* strokes */
        ALERT_HEAD_REUSED,              /* uses */
        ALERT_BATTERY_LOW,              /* % */
        ALERT_SAMPLES_LOST,             /* packets */
        ALERT_CLOCK_UNSET,              /* none */
        ALERT_REST_NOT_OVER,            /* s until it is over */
        ALERT_EVENTS_LEFT_OUT,          /* events */
        _ALERT_CODE_MAX,
} AlertCode;

typedef enum AlertLevel {               /* numbered as OmpSeverity; 0 is no level */
        ALERT_NOTICE = 1,
        ALERT_WARNING = 2,
        ALERT_ALARM = 3,
} AlertLevel;

#define ALERTS_KEPT 64u                 /* of a session: those that stand, and the newest of the others */
#define ALERT_VALUE_NONE INT32_MIN

typedef struct Alert {
        AlertCode code;
        AlertLevel level;
        uint64_t raised_usec;           /* session time */
        uint64_t cleared_usec;          /* 0: stands still */
        int32_t value;                  /* the worst while it stood; ALERT_VALUE_NONE: has none */
} Alert;

typedef struct Alerts {
        unsigned n;
        Alert kept[ALERTS_KEPT];        /* oldest first */
        struct {
                bool stands;
                unsigned slot;          /* in `kept`, where it stands */
                AlertLevel last_level;  /* as it was raised last; 0: not yet */
                uint64_t last_usec;
        } code[_ALERT_CODE_MAX];
} Alerts;

const char *alert_code_name(AlertCode code);    /* "overpressure" */
const char *alert_level_name(AlertLevel level); /* "warning" */
/* A sentence for people, without a full stop: what it is, with the value in its unit. `worst`: says that it is the worst
 * there was, where one gets worse while it stands; not when it is raised. Owned by the caller (g_free). */
char *alert_text(const Alert *alert, bool worst);

void alerts_init(Alerts *a);
/* The cause holds with this value: may be called with each value for which it does. Returns the alert if it was
 * raised by this call (to be told; good until the next call), NULL if it stands already, or was raised less than its
 * interval ago. A higher level than the last one raises it in any case: one that stands keeps its time, and is told
 * again. */
const Alert *alerts_raise(Alerts *a, AlertCode code, AlertLevel level, int32_t value, uint64_t session_usec);
/* The cause is gone, and has been for as long as its hysteresis asks for. Returns the alert if it stood. */
const Alert *alerts_clear(Alerts *a, AlertCode code, uint64_t session_usec);
static inline bool alerts_stands(const Alerts *a, AlertCode code) {
        return a->code[code].stands;
}
/* Oldest first. */
unsigned alerts_count(const Alerts *a);
const Alert *alerts_get(const Alerts *a, unsigned i);
