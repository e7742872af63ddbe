/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-view.h"

#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/objects.h"
#include "client/watch-footer.h"
#include "client/watch-gauge.h"
#include "client/watch-text.h"
#include "needled/note.h"
#include "needled/omp-words.h"

#define COLUMNS_MIN 10          /* narrower, nothing can be read anyway */
#define SOON_USEC (60 * UINT64_C(1000000)) /* before the time limit */

typedef struct View {
        const WatchModel *m;
        const WatchPrompt *prompt;
        uint64_t now_usec, realtime_usec;
        WatchPage *page;
} View;

static bool has(const View *v, uint32_t bit) {
        return v->m->has_live && v->m->live.present & bit;
}

static void add_title(View *v) {
        const json_t *device = v->m->device, *battery = json_object_get(device, "battery");

        watch_page_begin(v->page, WATCH_IMPORTANCE_STATE);
        if (!device) {
                watch_page_put(v->page, STYLE_BOLD, "needled");
                return;
        }

        watch_page_putf(v->page, STYLE_BOLD, "%s", objects_device_title(device));
        if (*json_text(device, "address")) /* that of a tape has none */
                watch_page_putf(v->page, STYLE_DIM, "  %s", json_text(device, "address"));
        watch_page_putf(v->page, STYLE_DIM, "  %s", json_text(device, "kind"));
        if (battery) {
                int64_t level = json_integer_value(battery);

                watch_page_putf(v->page, level <= 15 ? STYLE_BAD : STYLE_PLAIN, "  battery %" PRId64 " %%", level);
        }
}

static Style session_style(const WatchModel *m) {
        switch ((enum NeedledStreamState) m->state) {
        case NEEDLED_STREAM_STATE_RUNNING:
                return STYLE_GOOD;
        case NEEDLED_STREAM_STATE_PAUSED:
        case NEEDLED_STREAM_STATE_INTERRUPTED:
                return STYLE_WARN;
        case NEEDLED_STREAM_STATE_OPEN:
        case NEEDLED_STREAM_STATE_FINISHED:
                break;
        }

        return STYLE_PLAIN;
}

static void add_time_left(View *v) {
        const Figures *f = &v->m->figures;
        g_autofree char *left = NULL;
        uint64_t usec;

        if (!figures_has(f, FIGURE_REMAINING))
                return;

        usec = (uint64_t) MAX(f->value[FIGURE_REMAINING].i, 0);
        left = format_elapsed(usec);
        if (usec == 0)
                watch_page_put(v->page, STYLE_BAD, "  time limit reached");
        else
                watch_page_putf(v->page, usec <= SOON_USEC ? STYLE_WARN : STYLE_PLAIN, "  %s left", left);
}

static void add_session(View *v) {
        const WatchModel *m = v->m;
        g_autofree char *elapsed = format_elapsed(watch_model_elapsed(m, v->now_usec)), *others = watch_text_others(m);

        if (m->phase == WATCH_WAITING && others) {
                watch_page_words(v->page, WATCH_IMPORTANCE_STATE, STYLE_WARN, others);
                return;
        }
        watch_page_begin(v->page, WATCH_IMPORTANCE_STATE);
        if (m->phase == WATCH_WAITING) {
                watch_page_put(v->page, STYLE_PLAIN,
                    m->device && objects_device_is_connected(m->device)
                            ? "Waiting for the device to be used. It begins a session by itself."
                            : "Waiting for the device.");
                return;
        }
        if (m->phase == WATCH_UNREACHABLE) {
                watch_page_put(v->page, STYLE_BAD, "The service is away. Waiting for it to come back.");
                return;
        }

        if (m->session_id > 0)
                watch_page_putf(v->page, STYLE_BOLD, "Session %" PRIu64, m->session_id);
        else
                watch_page_put(v->page, STYLE_BOLD, "Tape");
        if (m->phase == WATCH_ENDED)
                watch_page_putf(v->page, STYLE_PLAIN, "  %s  after %s",
                     names_end_reason_text(names_end_reason(m->end_reason)), elapsed);
        else {
                watch_page_putf(v->page, session_style(m), "  %s", m->has_state ? names_session_state(m->state) : "");
                watch_page_putf(v->page, STYLE_PLAIN, "  %s", elapsed);
                add_time_left(v);
        }
}

/* Where the procedure is among all that it can be. */
static void add_stage(View *v) {
        watch_page_begin(v->page, WATCH_IMPORTANCE_USEFUL);
        watch_page_label(v->page, "Stage");
        for (unsigned stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++) {
                bool now = stage == v->m->stage;

                watch_page_putf(v->page, now ? STYLE_BOLD : STYLE_DIM, now ? "[%s] " : " %s  ", names_stage(stage));
        }
}

static void add_link(View *v) {
        g_autofree char *text = watch_text_link(v->m, v->realtime_usec);
        bool connected = v->m->device && objects_device_is_connected(v->m->device);

        if (v->m->phase != WATCH_UNREACHABLE)
                watch_page_words(v->page, connected ? WATCH_IMPORTANCE_DETAIL : WATCH_IMPORTANCE_STATE,
                          connected ? STYLE_DIM : STYLE_WARN, text);
}

/* What is wrong now, how bad it is and for how long, one line each. */
static void add_alerts(View *v) {
        uint64_t session_usec = watch_model_session_time(v->m, v->now_usec);

        for (unsigned code = 0; code < WATCH_ALERTS; code++) {
                const struct needled_stream_alert *alert = watch_model_alert(v->m, code);
                g_autofree char *text = NULL, *since = NULL;

                if (!alert)
                        continue;
                text = names_alert_text(alert);
                since = format_elapsed(session_usec > alert->raised_usec ? session_usec - alert->raised_usec : 0);
                watch_page_begin(v->page, WATCH_IMPORTANCE_VALUE);
                watch_page_putf(v->page, alert->level >= OMP_SEVERITY_WARNING ? STYLE_BAD : STYLE_WARN, "! %s for %s: %s",
                                names_alert_level(alert->level), since,
                                text ? text : "An alert that this version does not know.");
        }
}

static void add_notice(View *v) {
        const char *notice = watch_model_notice(v->m, v->now_usec);

        watch_page_begin(v->page, notice ? WATCH_IMPORTANCE_VALUE : WATCH_IMPORTANCE_BLANK);
        if (notice)
                watch_page_putf(v->page, v->m->notice_is_bad ? STYLE_BAD : STYLE_PLAIN, "%s %s",
                     v->m->notice_is_bad ? "!" : "-", notice);
}

static void add_force(View *v) {
        bool fresh = watch_model_is_fresh(v->m, v->now_usec) && has(v, NEEDLED_STREAM_HAS_FORCE);
        const struct needled_stream_live *live = &v->m->live;
        WatchZones zones = watch_model_zones(v->m);
        WatchZone zone = watch_zone_of(&zones, live->force_mean_mn);
        g_autofree char *mean = NULL, *peak = NULL, *held = NULL;
        int32_t hold_mn;

        watch_page_begin(v->page, WATCH_IMPORTANCE_VALUE);
        watch_page_label(v->page, "Force");
        if (!fresh) {
                watch_page_put(v->page, STYLE_DIM, "-");
                return;
        }

        mean = format_force(live->force_mean_mn);
        peak = format_force(live->force_peak_mn);
        watch_page_putf(v->page, STYLE_BOLD, "%8s", mean);
        watch_page_putf(v->page, watch_gauge_style(zone), "  %-4s", watch_zone_name(zone));
        watch_page_putf(v->page, STYLE_PLAIN, "  peak %8s", peak);
        if (watch_model_hold(v->m, v->now_usec, &hold_mn)) {
                held = format_force(hold_mn);
                watch_page_putf(v->page, STYLE_PLAIN, "  held %8s", held);
        }
        if (live->flags & NEEDLED_STREAM_OVERPRESSURE)
                watch_page_put(v->page, STYLE_BAD, "  OVERPRESSURE");
        if (live->flags & NEEDLED_STREAM_SATURATED)
                watch_page_put(v->page, STYLE_BAD, "  saturated");
}

static void put_figure_duration(View *v, const char *before, Figure id, Style style) {
        g_autofree char *text = NULL;

        if (!figures_has(&v->m->figures, id))
                return;

        text = format_elapsed((uint64_t) v->m->figures.value[id].i);
        watch_page_putf(v->page, style, "%s%s", before, text);
}

static void add_strokes(View *v) {
        const struct needled_stream_live *live = &v->m->live;
        bool fresh = watch_model_is_fresh(v->m, v->now_usec);
        g_autofree char *rate = format_rate(live->stroke_rate);
        char word[OMP_WORD_SIZE];

        watch_page_begin(v->page, WATCH_IMPORTANCE_VALUE);
        watch_page_label(v->page, "Strokes");
        if (has(v, NEEDLED_STREAM_HAS_STROKES))
                watch_page_putf(v->page, STYLE_BOLD, "%" PRIu64, live->strokes);
        else
                watch_page_put(v->page, STYLE_DIM, "-");
        watch_page_label(v->page, "Rate");
        watch_page_put(v->page, STYLE_PLAIN, fresh && has(v, NEEDLED_STREAM_HAS_RATE) ? rate : "-");
        watch_page_label(v->page, "Area");
        watch_page_put(v->page, STYLE_PLAIN, has(v, NEEDLED_STREAM_HAS_AREA) ? omp_word(OMP_WORDS_AREA, live->area, word) : "-");
}

static void add_contact(View *v) {
        const struct needled_stream_live *live = &v->m->live;
        bool fresh = watch_model_is_fresh(v->m, v->now_usec);

        watch_page_begin(v->page, WATCH_IMPORTANCE_USEFUL);
        watch_page_label(v->page, "Contact");
        if (fresh && has(v, NEEDLED_STREAM_HAS_CONTACT))
                watch_page_put(v->page, STYLE_PLAIN, live->flags & NEEDLED_STREAM_IN_CONTACT ? "yes, " : "no, ");
        if (figures_has(&v->m->figures, FIGURE_CONTACT_TIME))
                put_figure_duration(v, "", FIGURE_CONTACT_TIME, STYLE_PLAIN);
        else
                watch_page_put(v->page, STYLE_DIM, "-");
        watch_page_label(v->page, "Motor");
        watch_page_put(v->page, STYLE_PLAIN, !fresh ? "-" : live->flags & NEEDLED_STREAM_MOTOR ? "on" : "off");
        if (has(v, NEEDLED_STREAM_HAS_DEPTH)) {
                g_autofree char *depth = format_depth(live->depth_um);

                watch_page_label(v->page, "Depth");
                watch_page_put(v->page, STYLE_PLAIN, depth);
        }
}

static void add_zones(View *v) {
        static const Figure ids[_WATCH_ZONE_MAX] = { FIGURE_ZONE_LOW, FIGURE_ZONE_GOOD, FIGURE_ZONE_HIGH,
                                                     FIGURE_ZONE_OVER };
        const char *separator = "";

        for (WatchZone zone = 0; zone < _WATCH_ZONE_MAX; zone++) {
                g_autofree char *before = NULL;

                if (!figures_has(&v->m->figures, ids[zone]))
                        continue;
                if (!*separator) {
                        watch_page_begin(v->page, WATCH_IMPORTANCE_DETAIL);
                        watch_page_label(v->page, "Zones");
                }
                before = g_strdup_printf("%s%s ", separator, watch_zone_name(zone));
                put_figure_duration(v, before, ids[zone], STYLE_PLAIN);
                separator = "  ";
        }
}

static void add_figures(View *v) {
        static const struct {
                Figure id;
                const char *name;
        } forces[] = { { FIGURE_FORCE_MEAN, "mean" }, { FIGURE_FORCE_P95, "95 %" }, { FIGURE_FORCE_PEAK, "peak" } };
        const Figures *f = &v->m->figures;
        const char *separator = "";

        watch_page_begin(v->page, WATCH_IMPORTANCE_DETAIL);
        watch_page_label(v->page, "So far");
        for (size_t i = 0; i < G_N_ELEMENTS(forces); i++) {
                g_autofree char *force = NULL;

                if (!figures_has(f, forces[i].id))
                        continue;
                force = format_force(f->value[forces[i].id].i);
                watch_page_putf(v->page, STYLE_PLAIN, "%s%s %s", separator, forces[i].name, force);
                separator = "  ";
        }
        if (!*separator)
                watch_page_put(v->page, STYLE_DIM, "-");
        if (figures_has(f, FIGURE_OVER_COUNT) && f->value[FIGURE_OVER_COUNT].i > 0)
                watch_page_putf(v->page, STYLE_BAD, "  overpressure %" PRId64 "x", f->value[FIGURE_OVER_COUNT].i);
}

static int64_t figure_or_zero(const Figures *f, Figure id) {
        return figures_has(f, id) ? f->value[id].i : 0;
}

static void add_losses(View *v) {
        const Figures *f = &v->m->figures;
        int64_t gaps = figure_or_zero(f, FIGURE_GAPS);
        int64_t lost = figure_or_zero(f, FIGURE_LOST_LIVE) + figure_or_zero(f, FIGURE_LOST_WAVEFORM) +
                       figure_or_zero(f, FIGURE_LOST_EVENT);
        Style style = gaps > 0 || lost > 0 ? STYLE_WARN : STYLE_PLAIN;

        watch_page_begin(v->page, WATCH_IMPORTANCE_USEFUL);
        watch_page_label(v->page, "Losses");
        if (gaps == 0 && lost == 0)
                watch_page_put(v->page, style, "none");
        else {
                watch_page_putf(v->page, style, "%" PRId64 " gap%s", gaps, gaps == 1 ? "" : "s");
                put_figure_duration(v, " of ", FIGURE_GAP_TIME, style);
                watch_page_putf(v->page, style, ", %" PRId64 " packet%s lost", lost, lost == 1 ? "" : "s");
        }
        if (v->m->missed > 0)
                watch_page_putf(v->page, STYLE_DIM, "  (%" PRIu64 " not shown: this terminal was too slow)", v->m->missed);
        if (v->m->malformed > 0)
                watch_page_putf(v->page, STYLE_WARN, "  (%" PRIu64 " unreadable)", v->m->malformed);
}

static void add_live(View *v) {
        watch_page_blank(v->page);
        add_force(v);
        watch_gauge_bar(v->page, v->m, v->now_usec);
        watch_page_blank(v->page);
        watch_gauge_minute(v->page, v->m, v->now_usec);
        watch_page_blank(v->page);
        add_strokes(v);
        add_contact(v);
        add_stage(v);
        add_zones(v);
        add_figures(v);
        add_losses(v);
        watch_page_blank(v->page);
        add_alerts(v);
        add_notice(v);
}

static void add_next(View *v) {
        const char *reason = names_end_reason(v->m->end_reason);

        watch_page_words(v->page, WATCH_IMPORTANCE_HELP, STYLE_DIM,
                         strcmp(reason, "user") == 0 || strcmp(reason, "discarded") == 0 ? NAMES_NEXT_AFTER_REST :
                                                                                         "Waiting for the next session.");
}

static void add_middle(View *v) {
        if (v->prompt && v->prompt->help)
                watch_footer_help(v->page, v->prompt);
        else if (v->m->phase == WATCH_FOLLOWING || v->m->phase == WATCH_ENDED)
                add_live(v);
        if (v->m->phase == WATCH_ENDED)
                add_next(v);
}

/* The lowest lines stay at the bottom, whatever comes and goes above them. */
static void push_down(View *v, unsigned at, unsigned rows) {
        GPtrArray *lines = v->page->lines;

        for (unsigned missing = rows > lines->len ? rows - lines->len : 0; missing > 0; missing--) {
                watch_page_blank(v->page);
                g_ptr_array_insert(lines, (gint) at, g_ptr_array_steal_index(lines, lines->len - 1));
        }
}

GPtrArray *watch_view_render(const WatchModel *m, const WatchPrompt *prompt, const WatchSize *size, uint64_t now_usec,
                             uint64_t realtime_usec) {
        WatchPage page;
        View view = { m, prompt, now_usec, realtime_usec, &page };
        GPtrArray *texts;
        unsigned footer_at;

        if (size->columns < COLUMNS_MIN)
                return g_ptr_array_new_with_free_func(g_free);

        watch_page_init(&page, size->columns, size->color);
        add_title(&view);
        add_session(&view);
        add_link(&view);
        add_middle(&view);
        footer_at = page.lines->len;
        watch_footer_add(&page, m, prompt, now_usec);
        push_down(&view, footer_at, size->rows);
        watch_page_shrink(&page, size->rows);
        texts = watch_page_texts(&page);
        watch_page_done(&page);
        return texts;
}
