/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-json.h"

#include <glib.h>
#include <math.h>
#include <stdbool.h>

#include "client/json.h"
#include "client/names.h"
#include "needled/omp-words.h"

static const char *const gap_streams[] = { "link", "live", "waveform", "event" };

static void set_number(json_t *object, const char *key, uint64_t n) {
        json_object_set_new(object, key, json_integer((json_int_t) (n > INT64_MAX ? INT64_MAX : n)));
}

static void set_text(json_t *object, const char *key, const char *text) {
        json_object_set_new(object, key, json_string(text));
}

static void add_live(json_t *object, const struct needled_stream_live *live) {
        bool has_force = live->present & NEEDLED_STREAM_HAS_FORCE;
        char word[OMP_WORD_SIZE];

        if (has_force) {
                json_object_set_new(object, "force", json_integer(live->force_mean_mn));
                json_object_set_new(object, "force_peak", json_integer(live->force_peak_mn));
        }
        if (live->present & NEEDLED_STREAM_HAS_STROKES)
                set_number(object, "strokes", live->strokes);
        if (live->present & NEEDLED_STREAM_HAS_RATE && isfinite(live->stroke_rate))
                json_object_set_new(object, "stroke_rate", json_real(live->stroke_rate));
        if (live->present & NEEDLED_STREAM_HAS_DEPTH)
                set_number(object, "depth", live->depth_um);
        if (live->present & NEEDLED_STREAM_HAS_CONTACT)
                json_object_set_new(object, "contact",
                                    json_boolean(live->flags & NEEDLED_STREAM_IN_CONTACT));
        if (live->present & NEEDLED_STREAM_HAS_AREA)
                set_text(object, "area", omp_word(OMP_WORDS_AREA, live->area, word));

        json_object_set_new(object, "overpressure", json_boolean(live->flags & NEEDLED_STREAM_OVERPRESSURE));
        json_object_set_new(object, "motor", json_boolean(live->flags & NEEDLED_STREAM_MOTOR));
        json_object_set_new(object, "saturated", json_boolean(live->flags & NEEDLED_STREAM_SATURATED));
        json_object_set_new(object, "device_dropped",
                            json_boolean(live->flags & NEEDLED_STREAM_DEVICE_DROPPED));
}

static void add_event(json_t *object, const struct needled_stream_event *event) {
        char word[OMP_WORD_SIZE];

        set_number(object, "code", event->code);
        set_text(object, "event", omp_word(OMP_WORDS_EVENT, event->code, word));
        set_text(object, "severity", omp_word(OMP_WORDS_SEVERITY, event->severity, word));
        json_object_set_new(object, "asserted", json_boolean(event->asserted));
        json_object_set_new(object, "value", json_integer(event->value));
}

/* The zones as they begin: what holds for this session. */
static void add_zones(json_t *object, const struct needled_stream_state *state) {
        if (state->overpressure_mn > 0)
                json_object_set_new(object, "zones", json_pack("{s:i s:i s:i}", "good", (int) state->zone_low_mn, "high",
                                                               (int) state->zone_high_mn, "over", (int) state->overpressure_mn));
}

static void add_state(json_t *object, const struct needled_stream_state *state) {
        set_text(object, "state", names_session_state(state->state));
        if (state->stage > 0)
                set_text(object, "stage", names_stage(state->stage));
        add_zones(object, state);
}

static void add_alert(json_t *object, const struct needled_stream_alert *alert) {
        g_autofree char *text = names_alert_text(alert);

        set_text(object, "code", names_alert(alert->code));
        set_text(object, "level", names_alert_level(alert->level));
        json_object_set_new(object, "raised", json_boolean(alert->raised));
        set_number(object, "raised_at", alert->raised_usec);
        if (alert->has_value)
                json_object_set_new(object, "value", json_integer(alert->value));
        if (text)
                set_text(object, "text", text);
}

static void add_gap(json_t *object, const struct needled_stream_gap *gap) {
        set_number(object, "from", gap->from_usec);
        set_number(object, "to", gap->to_usec);
        set_text(object, "stream", gap->stream < 4 ? gap_streams[gap->stream] : "unknown");
        set_number(object, "lost", gap->lost);
}

/* The name of the type; what only this type has is added. NULL: this client does not know it. */
static const char *add_body(json_t *object, const StreamRecord *record) {
        g_autofree char *text = NULL;

        switch ((enum NeedledStreamType) record->type) {
        case NEEDLED_STREAM_HELLO:
                set_number(object, "start", record->hello.start_realtime_usec);
                return "hello";
        case NEEDLED_STREAM_LIVE:
                add_live(object, &record->live);
                return "live";
        case NEEDLED_STREAM_EVENT:
                add_event(object, &record->event);
                return "event";
        case NEEDLED_STREAM_STATE:
                add_state(object, &record->state);
                return "state";
        case NEEDLED_STREAM_GAP:
                add_gap(object, &record->gap);
                return "gap";
        case NEEDLED_STREAM_FIGURES:
                json_object_set_new(object, "figures", json_from_figures(&record->figures));
                return "figures";
        case NEEDLED_STREAM_END:
                set_text(object, "reason", names_end_reason(record->end.reason));
                return "end";
        case NEEDLED_STREAM_MARK:
                text = g_strndup(record->mark.text, record->mark.length);
                json_object_set_new(object, "text", json_of_text(text));
                return "mark";
        case NEEDLED_STREAM_ALERT:
                add_alert(object, &record->alert);
                return "alert";
        case NEEDLED_STREAM_WAVEFORM: /* not asked for, and what the reader does not know */
        case NEEDLED_STREAM_FRAME:
        case NEEDLED_STREAM_PAST:
                break;
        }

        return NULL;
}

json_t *watch_json(const StreamRecord *record, uint64_t session_id) {
        json_auto *body = json_object();
        const char *type;
        json_t *object;

        if (!record->known)
                return NULL;
        type = add_body(body, record);
        if (!type)
                return NULL;

        object = json_object();
        set_text(object, "type", type);
        set_number(object, "session", session_id);
        set_number(object, "time", record->session_usec);
        set_number(object, "realtime", record->realtime_usec);
        if (record->dropped > 0)
                set_number(object, "dropped", record->dropped);
        json_object_update(object, body);
        return object;
}
