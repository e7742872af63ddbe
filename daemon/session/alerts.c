/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "session/alerts.h"

#include <glib.h>
#include <string.h>

#include "needled/note.h"

#define SEC_USEC UINT64_C(1000000)

typedef enum Unit {
        UNIT_NONE,
        UNIT_MN,
        UNIT_SEC,
        UNIT_UM,
        UNIT_STROKES,
        UNIT_USES,
        UNIT_PERCENT,
        UNIT_PACKETS,
        UNIT_EVENTS,
} Unit;

static const struct {
        uint64_t interval_usec;         /* from one to the next */
        Unit unit;
        bool less_is_worse;
        const char *text, *after, *worst; /* what it is; what stands behind the value, and behind the worst */
} table[_ALERT_CODE_MAX] = {
        [ALERT_OVERPRESSURE] = { 30 * SEC_USEC, UNIT_MN, false, "Force above the overpressure limit", "", " at its highest" },
        [ALERT_TIME_LIMIT] = { 60 * SEC_USEC, UNIT_SEC, false, "The time limit is reached", " in use", "" },
        [ALERT_DEPTH] = { 60 * SEC_USEC, UNIT_UM, false, "Needle depth above its limit", "", " at its deepest" },
        [ALERT_HEAD_WORN] = { 60 * SEC_USEC, UNIT_STROKES, false, "The needle head has reached its limit", "", "" },
        [ALERT_HEAD_REUSED] = { 60 * SEC_USEC, UNIT_USES, false, "The needle head has been used before", "", "" },
        [ALERT_BATTERY_LOW] = { 60 * SEC_USEC, UNIT_PERCENT, true, "The device's battery is low", "", "" },
        [ALERT_SAMPLES_LOST] = { 60 * SEC_USEC, UNIT_PACKETS, false, "Measurements were lost on their way", "", "" },
        [ALERT_CLOCK_UNSET] = { 60 * SEC_USEC, UNIT_NONE, false, "The device's clock is not set", "", "" },
        [ALERT_REST_NOT_OVER] = { 60 * SEC_USEC, UNIT_SEC, false, "Begun before the planned rest was over", " early", "" },
        [ALERT_EVENTS_LEFT_OUT] = { 60 * SEC_USEC, UNIT_EVENTS, false, "More happened than is listed", "", "" },
};

static const char *const level_names[] = {
        [ALERT_NOTICE] = "notice",
        [ALERT_WARNING] = "warning",
        [ALERT_ALARM] = "alarm",
};

/* The two largest parts: "15 min", "2 days 3 h". */
static char *duration_text(unsigned sec) {
        static const struct { unsigned sec; const char *one, *many; } parts[] = {
                { 86400, "day", "days" }, { 3600, "h", "h" }, { 60, "min", "min" }, { 1, "s", "s" },
        };
        unsigned i = 0, whole, rest;

        while (i < G_N_ELEMENTS(parts) - 1 && sec < parts[i].sec)
                i++;
        whole = sec / parts[i].sec;
        rest = i + 1 < G_N_ELEMENTS(parts) ? sec % parts[i].sec / parts[i + 1].sec : 0;
        if (rest == 0)
                return g_strdup_printf("%u %s", whole, whole == 1 ? parts[i].one : parts[i].many);

        return g_strdup_printf("%u %s %u %s", whole, whole == 1 ? parts[i].one : parts[i].many, rest, parts[i + 1].many);
}

static char *count_text(unsigned n, const char *one, const char *many) {
        return g_strdup_printf("%u %s", n, n == 1 ? one : many);
}

static char *value_text(Unit unit, int32_t value) {
        unsigned v = (unsigned) MAX(value, 0);

        switch (unit) {
        case UNIT_NONE:
                break;
        case UNIT_MN:
                return g_strdup_printf("%u.%u N", (v + 50) / 1000, (v + 50) % 1000 / 100);
        case UNIT_SEC:
                return duration_text(v);
        case UNIT_UM:
                return g_strdup_printf("%u.%02u mm", (v + 5) / 1000, (v + 5) % 1000 / 10);
        case UNIT_STROKES:
                return count_text(v, "stroke", "strokes");
        case UNIT_USES:
                return count_text(v, "use", "uses");
        case UNIT_PERCENT:
                return g_strdup_printf("%u %%", v);
        case UNIT_PACKETS:
                return count_text(v, "packet", "packets");
        case UNIT_EVENTS:
                return count_text(v, "event left out", "events left out");
        }

        return g_strdup("");
}

/* Room for one more: the oldest of those that do not stand goes. Fewer codes than places can stand. */
static void make_room(Alerts *a) {
        unsigned i = 0;

        if (a->n < ALERTS_KEPT)
                return;

        while (a->kept[i].cleared_usec == 0)
                i++;
        memmove(&a->kept[i], &a->kept[i + 1], (a->n - i - 1) * sizeof(a->kept[0]));
        a->n--;
        for (int code = 0; code < _ALERT_CODE_MAX; code++)
                if (a->code[code].stands && a->code[code].slot > i)
                        a->code[code].slot--;
}

G_STATIC_ASSERT(_ALERT_CODE_MAX < ALERTS_KEPT);

static bool is_worse(AlertCode code, int32_t value, int32_t than) {
        if (value == ALERT_VALUE_NONE || than == ALERT_VALUE_NONE)
                return value != ALERT_VALUE_NONE;

        return table[code].less_is_worse ? value < than : value > than;
}

const char *alert_code_name(AlertCode code) {
        return note_alert_name((uint8_t) code);
}

const char *alert_level_name(AlertLevel level) {
        return level_names[level];
}

char *alert_text(const Alert *alert, bool worst) {
        g_autofree char *value = NULL;

        if (alert->value == ALERT_VALUE_NONE || table[alert->code].unit == UNIT_NONE)
                return g_strdup(table[alert->code].text);

        value = value_text(table[alert->code].unit, alert->value);
        return g_strconcat(table[alert->code].text, ": ", value, table[alert->code].after, worst ? table[alert->code].worst : "", NULL);
}

void alerts_init(Alerts *a) {
        memset(a, 0, sizeof(*a));
}

const Alert *alerts_raise(Alerts *a, AlertCode code, AlertLevel level, int32_t value, uint64_t session_usec) {
        Alert *alert;

        if (a->code[code].stands) {
                alert = &a->kept[a->code[code].slot];
                if (is_worse(code, value, alert->value))
                        alert->value = value;
                if (level <= alert->level)
                        return NULL;
                alert->level = level;
        } else {
                if (level <= a->code[code].last_level && session_usec < a->code[code].last_usec + table[code].interval_usec)
                        return NULL;

                make_room(a);
                a->code[code].stands = true;
                a->code[code].slot = a->n++;
                alert = &a->kept[a->code[code].slot];
                *alert = (Alert) { .code = code, .level = level, .raised_usec = session_usec, .value = value };
        }

        a->code[code].last_level = level;
        a->code[code].last_usec = session_usec;
        return alert;
}

const Alert *alerts_clear(Alerts *a, AlertCode code, uint64_t session_usec) {
        Alert *alert;

        if (!a->code[code].stands)
                return NULL;

        a->code[code].stands = false;
        alert = &a->kept[a->code[code].slot];
        alert->cleared_usec = MAX(session_usec, 1); /* 0 says that it stands */
        return alert;
}

unsigned alerts_count(const Alerts *a) {
        return a->n;
}

const Alert *alerts_get(const Alerts *a, unsigned i) {
        return &a->kept[i];
}
