/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "hub-private.h"

/* What a session warns of, as far as that comes from outside of it: the limits that hold, what the battery has left, and what the journal
 * is told. */

#define USEC_PER_SEC UINT64_C(1000000)
#define LOG_INTERVAL_USEC (60 * USEC_PER_SEC)
#define BATTERY_LOW 20u                 /* % */
#define BATTERY_CRITICAL 5u
#define BATTERY_FINE 25u                /* what was low is not so any more */

/* Where neither the configuration nor the device says anything. Engineering defaults, not medical ones: docs/session.md. */
typedef struct KindLimits {
        int32_t overpressure_mn, hysteresis_mn, zone_low_mn, zone_high_mn;
} KindLimits;

static const KindLimits pen_limits = { 3000, 500, 300, 2000 };
static const KindLimits roller_limits = { 5000, 500, 500, 4000 };

/* What is configured holds, then what the device says of itself. */
static int32_t limit_of(const Device *device, OmpParameter parameter, int32_t configured, int32_t otherwise) {
        if (configured != LIMIT_OF_DEVICE)
                return configured;

        return device && device_knows_parameter(&device->parameters, (uint8_t) parameter) ? device->parameters.value[parameter] : otherwise;
}

/* What is not said goes along with what is. */
static void contact_limits(const Config *config, NoteLimits *ret) {
        int32_t on = config->limits_contact_on_mn, off = config->limits_contact_off_mn;

        if (on == LIMIT_OF_DEVICE && off == LIMIT_OF_DEVICE)
                return;

        ret->contact_on_mn = on != LIMIT_OF_DEVICE ? on : MAX(off, CONTACT_ON_MN);
        ret->contact_off_mn = off != LIMIT_OF_DEVICE ? off : MIN(on, CONTACT_OFF_MN);
}

void hub_limits(const Hub *hub, const Device *device, NoteLimits *ret) {
        const Config *config = &hub->config;
        const KindLimits *kind = device && device->feature.kind == OMP_KIND_ROLLER ? &roller_limits : &pen_limits;
        int32_t low = limit_of(device, OMP_PARAMETER_ZONE_LOW, config->limits_zone_low_mn, kind->zone_low_mn);
        int32_t high = limit_of(device, OMP_PARAMETER_ZONE_HIGH, config->limits_zone_high_mn, kind->zone_high_mn);
        int32_t over = limit_of(device, OMP_PARAMETER_OVERPRESSURE, config->limits_overpressure_mn, kind->overpressure_mn);

        /* They may come from both: what is too much stands, and the zones end at it. */
        high = MIN(high, over);
        low = MIN(low, high);
        *ret = (NoteLimits) {
                .overpressure_mn = over,
                .hysteresis_mn = MIN(limit_of(device, OMP_PARAMETER_HYSTERESIS, config->limits_hysteresis_mn, kind->hysteresis_mn), MAX(over - 1, 0)),
                .zone_low_mn = low,
                .zone_high_mn = high,
                .time_limit_sec = (uint32_t) (config->session_time_limit_usec / USEC_PER_SEC),
                .depth_max_um = device && device->has_feature ? device->feature.max_depth_um : 0,
        };
        contact_limits(config, ret);
}

void hub_limits_changed(Follower *f) {
        NoteLimits limits;
        uint64_t now_usec, realtime_usec;

        hub_limits(f->hub, f->device, &limits);
        if (memcmp(&limits, &f->limits, sizeof(limits)) == 0)
                return;

        f->limits = limits;
        hub_now(&now_usec, &realtime_usec);
        tracker_set_limits(f->tracker, &limits, now_usec, realtime_usec);
        if (tracker_session(f->tracker))
                bus_stream_limits(f->hub->bus, tracker_session(f->tracker));
}

/* The alerts that the journal is told of: what goes on goes on in the session's own record. */
static const struct {
        const char *message_id, *what, *then;
} journal[_ALERT_CODE_MAX] = {
        [ALERT_OVERPRESSURE] = { NEEDLED_MESSAGE_OVERPRESSURE, "the force went over its limit", "" },
        [ALERT_TIME_LIMIT] = { NEEDLED_MESSAGE_TIME_LIMIT, "the time limit is reached", "" },
        [ALERT_SAMPLES_LOST] = { NEEDLED_MESSAGE_SAMPLES_LOST, "notifications were lost on the way", "; the gaps are recorded" },
        [ALERT_REST_NOT_OVER] = { NEEDLED_MESSAGE_REST_NOT_OVER, "the minimum rest was not over",
                                  "; needlectl plan tells when it is" },
};

void hub_alert_log(Follower *f, const Session *s, AlertCode code, uint64_t now_usec) {
        LogContext context = hub_session_context(s, journal[code].message_id);
        uint64_t *last_usec = &f->alert_logged_usec[code];

        if (!context.message_id || (*last_usec > 0 && now_usec < *last_usec + LOG_INTERVAL_USEC))
                return;

        *last_usec = now_usec;
        context.class = LOG_CLASS_ALERT;
        log_with(LOG_NOTICE, &context, "%s in session %" G_GUINT64_FORMAT " with %s%s", journal[code].what, s->id, log_name(context.device).text,
                 journal[code].then);
}

void hub_alerts_forget(Follower *f) {
        memset(f->alert_logged_usec, 0, sizeof(f->alert_logged_usec));
}

static AlertLevel battery_level(const Device *device) {
        if (device->battery > BATTERY_LOW)
                return (AlertLevel) 0;

        return device->battery > BATTERY_CRITICAL ? ALERT_NOTICE : ALERT_WARNING;
}

/* At which level an alert stands; 0: it does not. */
static AlertLevel standing_level(const Session *s, AlertCode code) {
        for (unsigned i = alerts_count(&s->alerts); i-- > 0;) {
                const Alert *alert = alerts_get(&s->alerts, i);

                if (alert->code == code && alert->cleared_usec == 0)
                        return alert->level;
        }

        return (AlertLevel) 0;
}

void hub_alert_battery(Follower *f) {
        Session *s = tracker_session(f->tracker);
        AlertLevel level, standing;
        uint64_t now_usec, realtime_usec;
        bool fine;

        if (!s || !f->device || f->device->battery == DEVICE_BATTERY_UNKNOWN)
                return;

        level = battery_level(f->device);
        standing = standing_level(s, ALERT_BATTERY_LOW);
        fine = f->device->battery >= BATTERY_FINE;
        if (fine ? standing == 0 : level <= standing)
                return;

        hub_now(&now_usec, &realtime_usec);
        (void) tracker_alert(f->tracker, ALERT_BATTERY_LOW, level, f->device->battery, now_usec, realtime_usec);
}
