/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-model.h"

#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/redact.h"
#include "client/text.h"
#include "needled/omp-words.h"

#define HOLD_USEC UINT64_C(2000000)
#define FRESH_USEC UINT64_C(1500000)

/* Until a device tells its own, what holds for its kind. */
static const WatchZones pen_zones = { 300, 2000, 3000 };
static const WatchZones roller_zones = { 500, 4000, 5000 };

static const char *const zone_names[_WATCH_ZONE_MAX] = {
        [WATCH_ZONE_LOW] = "low",
        [WATCH_ZONE_GOOD] = "good",
        [WATCH_ZONE_HIGH] = "high",
        [WATCH_ZONE_OVER] = "over",
};

static void forget_notices(WatchModel *m) {
        g_clear_pointer(&m->notice, g_free);
        while (m->n_told > 0)
                g_free(watch_model_take_notice(m));
}

static void set_notice(WatchModel *m, bool bad, uint64_t now_usec, char *text_take) {
        if (m->n_told == WATCH_TOLD)
                g_free(watch_model_take_notice(m));
        m->told[m->n_told++] = g_strdup(text_take);
        g_free(m->notice);
        m->notice = text_take;
        m->notice_usec = now_usec;
        m->notice_is_bad = bad;
}

static char *event_text(const struct needled_stream_event *event) {
        char word[OMP_WORD_SIZE];
        const char *name = omp_word(OMP_WORDS_EVENT, event->code, word);
        g_autofree char *force = NULL, *depth = NULL;

        switch (event->code) {
        case OMP_EVENT_DEPTH:
                depth = format_depth((uint64_t) MAX(event->value, 0));
                return g_strdup_printf("%s %s", name, depth);
        case OMP_EVENT_OVERPRESSURE:
                force = format_force(event->value);
                return g_strdup_printf("%s %s (%s)", name, event->asserted ? "began" : "is over", force);
        case OMP_EVENT_BATTERY_LOW:
        case OMP_EVENT_BATTERY_CRITICAL:
                return g_strdup_printf("%s (%" PRId32 " %%)", name, event->value);
        case OMP_EVENT_VENDOR_FIRST ... UINT8_MAX:
                return g_strdup_printf("vendor event 0x%02x (%" PRId32 ")", event->code, event->value);
        default:
                return g_strdup_printf("%s%s", name, event->asserted ? "" : " is over");
        }
}

static void take_event(WatchModel *m, const struct needled_stream_event *event, uint64_t now_usec) {
        /* Touching and lifting and the motor are seen anyway, many times a minute. */
        if (event->code == OMP_EVENT_CONTACT || event->code == OMP_EVENT_MOTOR)
                return;

        set_notice(m, event->severity >= OMP_SEVERITY_WARNING && event->asserted, now_usec,
                   event_text(event));
}

static void take_gap(WatchModel *m, const struct needled_stream_gap *gap, uint64_t now_usec) {
        g_autofree char *time =
                format_duration(gap->to_usec > gap->from_usec ? gap->to_usec - gap->from_usec : 0);

        if (gap->lost > 0)
                set_notice(m, true, now_usec, g_strdup_printf("%" PRIu32 " packets lost", gap->lost));
        else
                set_notice(m, true, now_usec, g_strdup_printf("gap of %s", time));
}

/* A standing one has a line of its own: only its end is news. */
static void take_alert(WatchModel *m, const struct needled_stream_alert *alert, uint64_t now_usec) {
        uint16_t bit;

        if (alert->code >= WATCH_ALERTS)
                return;

        bit = (uint16_t) (1u << alert->code);
        m->alerts[alert->code] = *alert;
        m->standing = (uint16_t) (alert->raised ? m->standing | bit : m->standing & ~bit);
        if (!alert->raised)
                set_notice(m, false, now_usec, g_strdup_printf("%s is over", names_alert(alert->code)));
}

static void take_live(WatchModel *m, const struct needled_stream_live *live, uint64_t now_usec) {
        WatchBucket *bucket = &m->buckets[now_usec / WATCH_BUCKET_USEC % WATCH_BUCKETS];
        uint64_t number = now_usec / WATCH_BUCKET_USEC;
        int32_t held;

        m->has_live = true;
        m->live = *live;
        m->live_usec = now_usec;
        if (!(live->present & NEEDLED_STREAM_HAS_FORCE))
                return;

        if (bucket->number > number) /* of the past, and more than a minute ago */
                return;
        if (bucket->number != number)
                *bucket = (WatchBucket) { number, live->force_mean_mn };
        else
                bucket->force_mn = MAX(bucket->force_mn, live->force_mean_mn);

        if (!watch_model_hold(m, now_usec, &held) || live->force_peak_mn >= held) {
                m->has_hold = true;
                m->hold_mn = live->force_peak_mn;
                m->hold_usec = now_usec;
        }
}

const char *watch_zone_name(WatchZone zone) {
        return zone_names[zone];
}

void watch_model_init(WatchModel *m) {
        *m = (WatchModel) {};
}

void watch_model_done(WatchModel *m) {
        json_decref(m->device);
        forget_notices(m);
        *m = (WatchModel) {};
}

void watch_model_set_device(WatchModel *m, json_t *device) {
        json_t *old = m->device;

        m->device = json_incref(device);
        json_decref(old);
}

void watch_model_begin(WatchModel *m, uint64_t session_id) {
        WatchModel old;

        forget_notices(m);
        old = *m;
        *m = (WatchModel) { .phase = WATCH_FOLLOWING, .device = old.device, .session_id = session_id };
        if (old.session_id == session_id) {
                m->figures = old.figures;
                memcpy(m->buckets, old.buckets, sizeof m->buckets);
        }
}

void watch_model_record(WatchModel *m, const StreamRecord *record, uint64_t now_usec) {
        g_autofree char *text = NULL;

        m->missed += record->dropped;
        if (record->session_usec >= m->session_usec) {
                m->session_usec = record->session_usec;
                m->session_seen_usec = now_usec;
        }
        if (!record->known)
                return;

        switch ((enum NeedledStreamType) record->type) {
        case NEEDLED_STREAM_LIVE:
                take_live(m, &record->live, now_usec);
                break;
        case NEEDLED_STREAM_EVENT:
                take_event(m, &record->event, now_usec);
                break;
        case NEEDLED_STREAM_STATE:
                m->has_state = true;
                m->state = record->state.state;
                m->stage = record->state.stage;
                m->zones = (WatchZones) { record->state.zone_low_mn, record->state.zone_high_mn, record->state.overpressure_mn };
                break;
        case NEEDLED_STREAM_ALERT:
                take_alert(m, &record->alert, now_usec);
                break;
        case NEEDLED_STREAM_GAP:
                take_gap(m, &record->gap, now_usec);
                break;
        case NEEDLED_STREAM_FIGURES:
                m->figures = record->figures;
                break;
        case NEEDLED_STREAM_END:
                m->phase = WATCH_ENDED;
                m->end_reason = record->end.reason;
                break;
        case NEEDLED_STREAM_HELLO: /* nothing in it that the bus has not told */
                break;
        case NEEDLED_STREAM_MARK:
                text = g_strndup(record->mark.text, record->mark.length);
                redact_learn_word(REDACT_NOTE, text); /* no answer of the service has told it */
                set_notice(m, false, now_usec, text_printable(redact_name(text)));
                break;
        case NEEDLED_STREAM_WAVEFORM: /* not asked for, and what the reader does not know */
        case NEEDLED_STREAM_FRAME:
        case NEEDLED_STREAM_PAST:
                break;
        }
}

WatchZones watch_model_zones(const WatchModel *m) {
        if (m->zones.over_mn > 0)
                return m->zones;

        return strcmp(json_text(m->device, "kind"), "roller") == 0 ? roller_zones : pen_zones;
}

WatchZone watch_zone_of(const WatchZones *zones, int32_t force_mn) {
        if (force_mn < zones->good_mn)
                return WATCH_ZONE_LOW;
        if (force_mn < zones->high_mn)
                return WATCH_ZONE_GOOD;

        return force_mn < zones->over_mn ? WATCH_ZONE_HIGH : WATCH_ZONE_OVER;
}

bool watch_model_history(const WatchModel *m, unsigned from, unsigned to, uint64_t now_usec,
                         int32_t *ret_mn) {
        uint64_t newest = now_usec / WATCH_BUCKET_USEC;
        bool found = false;

        for (unsigned i = from; i < to && i < WATCH_BUCKETS; i++) {
                uint64_t age = WATCH_BUCKETS - 1 - i;
                const WatchBucket *bucket;

                if (age > newest)
                        continue;

                bucket = &m->buckets[(newest - age) % WATCH_BUCKETS];
                if (bucket->number != newest - age || bucket->number == 0)
                        continue;

                *ret_mn = found ? MAX(*ret_mn, bucket->force_mn) : bucket->force_mn;
                found = true;
        }

        return found;
}

bool watch_model_hold(const WatchModel *m, uint64_t now_usec, int32_t *ret_mn) {
        if (!m->has_hold || now_usec - m->hold_usec > HOLD_USEC)
                return false;

        *ret_mn = m->hold_mn;
        return true;
}

bool watch_model_is_fresh(const WatchModel *m, uint64_t now_usec) {
        return m->phase == WATCH_FOLLOWING && m->has_live && now_usec - m->live_usec <= FRESH_USEC;
}

uint64_t watch_model_session_time(const WatchModel *m, uint64_t now_usec) {
        if (m->phase != WATCH_FOLLOWING || m->session_seen_usec == 0 || now_usec < m->session_seen_usec)
                return m->session_usec;

        return m->session_usec + (now_usec - m->session_seen_usec);
}

uint64_t watch_model_elapsed(const WatchModel *m, uint64_t now_usec) {
        if (figures_has(&m->figures, FIGURE_DURATION))
                return (uint64_t) m->figures.value[FIGURE_DURATION].i;

        return watch_model_session_time(m, now_usec);
}

const struct needled_stream_alert *watch_model_alert(const WatchModel *m, unsigned code) {
        return code < WATCH_ALERTS && m->standing >> code & 1 ? &m->alerts[code] : NULL;
}

const char *watch_model_notice(const WatchModel *m, uint64_t now_usec) {
        return m->notice && now_usec - m->notice_usec <= WATCH_NOTICE_USEC ? m->notice : NULL;
}

char *watch_model_take_notice(WatchModel *m) {
        char *text = m->told[0];

        if (m->n_told == 0)
                return NULL;

        m->n_told--;
        memmove(m->told, m->told + 1, m->n_told * sizeof(m->told[0]));
        return text;
}
