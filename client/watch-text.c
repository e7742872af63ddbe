/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-text.h"

#include <inttypes.h>

#include "client/device-view.h"
#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/objects.h"
#include "client/text.h"
#include "needled/omp-words.h"

char *watch_text_session(const WatchModel *m) {
        return m->session_id > 0 ? g_strdup_printf("session %" PRIu64, m->session_id) : g_strdup("tape");
}

char *watch_text_plain(const WatchModel *m, uint64_t now_usec, uint64_t realtime_usec) {
        const struct needled_stream_live *live = &m->live;
        bool fresh = watch_model_is_fresh(m, now_usec);
        g_autofree char *elapsed = NULL, *session = NULL;
        GString *s;

        if (m->phase == WATCH_WAITING || m->phase == WATCH_UNREACHABLE) {
                g_autofree char *link = watch_text_link(m, realtime_usec), *others = watch_text_others(m);

                return others ? g_strdup_printf("%s. %s", link, others) : g_steal_pointer(&link);
        }
        if (m->phase == WATCH_FOLLOWING && !m->has_state)
                return NULL;

        elapsed = format_elapsed(watch_model_elapsed(m, now_usec));
        session = watch_text_session(m);
        s = g_string_new(NULL);
        g_string_printf(s, "%s  %s  %s", session,
                        m->phase == WATCH_ENDED ? names_end_reason_text(names_end_reason(m->end_reason)) :
                                                  names_session_state(m->state), elapsed);

        if (m->phase == WATCH_FOLLOWING && m->stage > 0)
                g_string_append_printf(s, "  %s", names_stage(m->stage));
        if (m->phase == WATCH_FOLLOWING && figures_has(&m->figures, FIGURE_REMAINING)) {
                g_autofree char *left = format_elapsed((uint64_t) MAX(m->figures.value[FIGURE_REMAINING].i, 0));

                g_string_append_printf(s, "  left %s", left);
        }
        if (fresh && live->present & NEEDLED_STREAM_HAS_FORCE) {
                g_autofree char *mean = format_force(live->force_mean_mn),
                                *peak = format_force(live->force_peak_mn);
                WatchZones zones = watch_model_zones(m);

                g_string_append_printf(s, "  force %s %s  peak %s", mean,
                                       watch_zone_name(watch_zone_of(&zones, live->force_mean_mn)), peak);
        }
        if (m->has_live && live->present & NEEDLED_STREAM_HAS_STROKES)
                g_string_append_printf(s, "  strokes %" PRIu64, live->strokes);
        if (fresh && live->present & NEEDLED_STREAM_HAS_RATE) {
                g_autofree char *rate = format_rate(live->stroke_rate);

                g_string_append_printf(s, "  rate %s", rate);
        }
        if (fresh && live->present & NEEDLED_STREAM_HAS_CONTACT)
                g_string_append_printf(s, "  contact %s",
                                       live->flags & NEEDLED_STREAM_IN_CONTACT ? "yes" : "no");
        if (m->has_live && live->present & NEEDLED_STREAM_HAS_AREA && live->area > 0) {
                char word[OMP_WORD_SIZE];

                g_string_append_printf(s, "  %s", omp_word(OMP_WORDS_AREA, live->area, word));
        }
        for (unsigned code = 0; m->phase == WATCH_FOLLOWING && code < WATCH_ALERTS; code++)
                if (watch_model_alert(m, code))
                        g_string_append_printf(s, "  ! %s", names_alert((uint8_t) code));
        if (!fresh && m->phase == WATCH_FOLLOWING) {
                g_autofree char *link = watch_text_link(m, realtime_usec);

                g_string_append_printf(s, "  %s", link);
        }

        return g_string_free(s, FALSE);
}

char *watch_text_others(const WatchModel *m) {
        if (m->phase == WATCH_UNREACHABLE || m->others_session == 0)
                return NULL;

        return g_strdup_printf("Session %" PRIu64 " on this device is another user's: 'needlectl watch %" PRIu64 "' asks for a password.",
                               m->others_session, m->others_session);
}

char *watch_text_link(const WatchModel *m, uint64_t realtime_usec) {
        g_autofree char *reason = device_view_reason(m->device, realtime_usec), *line = NULL;
        const char *state = json_text(m->device, "state");

        if (m->phase == WATCH_UNREACHABLE)
                return g_strdup("The service is away");
        if (!m->device)
                return g_strdup("No device is adopted: 'needlectl search' looks for one");

        if (objects_device_is_connected(m->device))
                line = g_strconcat(objects_device_title(m->device), ": ", state, reason ? ", " : NULL, reason, NULL);
        else
                line = g_strconcat(objects_device_title(m->device), " is not connected: ", reason ? reason : state, NULL);

        return text_printable(line);
}
