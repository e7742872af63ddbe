/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/session-object.h"

#include "bus/options.h"
#include "needled/omp-words.h"

/* What GetFigures() tells: the figures of the table, and what is no number. */

#define FORCE_STEP_MN 100u

typedef int (*Fill)(sd_bus_message *m, const Session *session, uint64_t now_usec);

/* One entry of an open a{sv} whose value is a container. */
static int append_container(sd_bus_message *m, const char *key, const char *type, const Session *session, uint64_t now_usec,
                            Fill fill) {
        int r;

        r = dictionary_open(m, key, type);
        if (r >= 0)
                r = fill(m, session, now_usec);

        return r < 0 ? r : dictionary_close(m, type);
}

static int fill_areas(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        Figures figures;
        uint8_t area;
        int r = 0;

        for (unsigned i = 0; r >= 0 && session_area_figures(session, i, &area, &figures); i++) {
                char word[OMP_WORD_SIZE];

                r = sd_bus_message_open_container(m, SD_BUS_TYPE_DICT_ENTRY, "sa{sv}");
                if (r >= 0)
                        r = sd_bus_message_append_basic(m, 's', omp_word(OMP_WORDS_AREA, area, word));
                if (r >= 0)
                        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
                if (r >= 0)
                        r = dictionary_figures(m, &figures);
                for (int j = 0; j < 2 && r >= 0; j++)
                        r = sd_bus_message_close_container(m);
        }

        return r;
}

static int append_alert(sd_bus_message *m, const Alert *alert) {
        g_autofree char *text = alert_text(alert, true);
        const double value = alert->value;
        int r;

        r = sd_bus_message_open_container(m, SD_BUS_TYPE_ARRAY, "{sv}");
        if (r >= 0)
                r = dictionary_string(m, "code", alert_code_name(alert->code));
        if (r >= 0)
                r = dictionary_string(m, "level", alert_level_name(alert->level));
        if (r >= 0)
                r = dictionary_basic(m, "raised", 't', &alert->raised_usec);
        if (r >= 0 && alert->cleared_usec > 0)
                r = dictionary_basic(m, "cleared", 't', &alert->cleared_usec);
        if (r >= 0 && alert->value != ALERT_VALUE_NONE)
                r = dictionary_basic(m, "value", 'd', &value);
        if (r >= 0)
                r = dictionary_string(m, "text", text);

        return r < 0 ? r : sd_bus_message_close_container(m);
}

static int fill_alerts(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < alerts_count(&session->alerts); i++)
                r = append_alert(m, alerts_get(&session->alerts, i));

        return r;
}

static int fill_stages(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        int r = 0;

        for (Stage stage = STAGE_CLEANSE; r >= 0 && stage < _STAGE_MAX; stage++) {
                const uint64_t usec = session_stage_usec(session, stage, now_usec);

                if (usec > 0 || session->stage == stage)
                        r = dictionary_count(m, stage_name(stage), usec);
        }

        return r;
}

/* Where the zones begin, by the limits that hold. */
static int fill_zones(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        const NoteLimits *limits = &session->tally.limits;
        int r;

        r = sd_bus_message_append(m, "{si}", "good", limits->zone_low_mn);
        if (r >= 0)
                r = sd_bus_message_append(m, "{si}", "high", limits->zone_high_mn);

        return r < 0 ? r : sd_bus_message_append(m, "{si}", "over", limits->overpressure_mn);
}

/* The histogram behind force_p95, in even steps: its own bins grow with the force, and mean nothing to anybody. Most of them are
 * empty, and passed over: it is asked for again and again. */
static int append_force_time(sd_bus_message *m, const Session *session) {
        uint64_t steps_usec[INT16_MAX / FORCE_STEP_MN + 1] = {};
        unsigned n = 0;

        for (unsigned i = 0; i < session->tally.areas.n; i++) {
                const Sums *sums = session->tally.areas.of[i].sums;

                for (unsigned bin = 0; bin < SUMS_BINS && sums->force_ticks > 0; bin++)
                        if (sums->bins[bin] > 0) {
                                unsigned step = (unsigned) sums_bin_force(bin) / FORCE_STEP_MN;

                                steps_usec[step] += sums->bins[bin] * (uint64_t) OMP_TICK_USEC;
                                n = MAX(n, step + 1);
                        }
        }

        return dictionary_array(m, "force_time", 't', steps_usec, n * sizeof(steps_usec[0]));
}

int session_object_details(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        const int not_cleansed = session->not_cleansed;
        int r;

        r = append_container(m, "areas", "a{sa{sv}}", session, now_usec, fill_areas);
        if (r >= 0)
                r = append_container(m, "alerts", "aa{sv}", session, now_usec, fill_alerts);
        if (r >= 0)
                r = append_container(m, "stages", "a{st}", session, now_usec, fill_stages);
        if (r >= 0 && session->tally.has_limits && session->tally.limits.overpressure_mn > 0)
                r = append_container(m, "zones", "a{si}", session, now_usec, fill_zones);
        if (r >= 0)
                r = append_force_time(m, session);
        if (r >= 0)
                r = dictionary_string(m, "clock_quality", clock_quality_name(device_clock_quality(&session->clock)));
        if (r >= 0)
                r = dictionary_basic(m, "not_cleansed", 'b', &not_cleansed);

        return r;
}

int session_object_figures(sd_bus_message *m, const Session *session, uint64_t now_usec) {
        const int acknowledged = session->acknowledged;
        char word[OMP_WORD_SIZE];
        Figures figures;
        int r;

        session_figures(session, now_usec, &figures);
        r = dictionary_figures(m, &figures);
        if (r >= 0)
                r = dictionary_string(m, "area", session->area_now != 0 ? omp_word(OMP_WORDS_AREA, session->area_now, word) : session->area);
        if (r >= 0)
                r = dictionary_basic(m, "acknowledged", 'b', &acknowledged);

        return r < 0 ? r : session_object_details(m, session, now_usec);
}
