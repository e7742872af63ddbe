/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-view.h"

#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/names.h"
#include "client/objects.h"
#include "client/output.h"
#include "client/text.h"
#include "client/watch-text.h"
#include "needled/omp-words.h"

#define COLUMNS_MIN 10          /* narrower, nothing can be read anyway */
#define LABEL_COLUMNS 9
#define SPARK_LEVELS 8
#define SOON_USEC (60 * UINT64_C(1000000)) /* before the time limit */

/* What has to stay longest when there is little room. */
typedef enum Importance {
        IMPORTANCE_BLANK,
        IMPORTANCE_HELP,
        IMPORTANCE_DETAIL,
        IMPORTANCE_RULER,
        IMPORTANCE_CURVE,
        IMPORTANCE_USEFUL,
        IMPORTANCE_BAR,
        IMPORTANCE_VALUE,
        IMPORTANCE_STATE,
} Importance;

typedef struct Line {
        GString *text;
        unsigned columns;
        Importance importance;
} Line;

typedef struct View {
        const WatchModel *m;
        const WatchSize *size;
        uint64_t now_usec, realtime_usec;
        unsigned columns;
        GPtrArray *lines;       /* Line */
        Line *line;             /* the newest */
} View;

typedef struct Glyphs {
        const char *fill[_WATCH_ZONE_MAX]; /* without colour a zone is told by its texture */
        const char *colored_fill, *empty, *border, *hold, *beyond;
        const char *spark[SPARK_LEVELS];
} Glyphs;

static const Glyphs unicode_glyphs = {
        .fill = { "░", "▒", "▓", "█" },
        .colored_fill = "█", .empty = "─", .border = "┼", .hold = "┃", .beyond = "▶",
        .spark = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" },
};

static const Glyphs ascii_glyphs = {
        .fill = { "-", "=", "+", "#" },
        .colored_fill = "#", .empty = ".", .border = ":", .hold = "|", .beyond = ">",
        .spark = { "_", ".", ",", "-", "=", "+", "*", "#" },
};

static const Style zone_styles[_WATCH_ZONE_MAX] = {
        [WATCH_ZONE_LOW] = STYLE_DIM,
        [WATCH_ZONE_GOOD] = STYLE_GOOD,
        [WATCH_ZONE_HIGH] = STYLE_WARN,
        [WATCH_ZONE_OVER] = STYLE_BAD,
};

static void line_free(void *p) {
        Line *line = p;

        g_string_free(line->text, TRUE);
        g_free(line);
}

static void begin_line(View *v, Importance importance) {
        v->line = g_new(Line, 1);
        *v->line = (Line) { .text = g_string_new(NULL), .importance = importance };
        g_ptr_array_add(v->lines, v->line);
}

/* Text that is ours or was made printable; what does not fit the line is cut off. */
static void put(View *v, Style style, const char *text) {
        g_autofree char *fitted = text_fit(text, v->columns - v->line->columns);
        bool styled = v->size->color && style != STYLE_PLAIN;

        if (!*fitted)
                return;

        v->line->columns += text_width(fitted);
        g_string_append_printf(v->line->text, "%s%s%s", styled ? style_sequence(style) : "", fitted,
                               styled ? style_sequence(STYLE_PLAIN) : "");
}

static void G_GNUC_PRINTF(3, 4) putf(View *v, Style style, const char *format, ...) {
        g_autofree char *text = NULL, *printable = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);
        printable = text_printable(text);
        put(v, style, printable);
}

static void put_to_column(View *v, unsigned column) {
        while (v->line->columns < MIN(column, v->columns))
                put(v, STYLE_PLAIN, " ");
}

/* A pair of label and value, the next one in a column of its own where there is room for it. */
static void put_label(View *v, const char *label) {
        if (v->line->columns > 0)
                put_to_column(v, MAX(v->line->columns + 2,
                                     v->columns >= 76 ? (v->line->columns + 25) / 26 * 26 : 0));
        putf(v, STYLE_DIM, "%-*s", LABEL_COLUMNS, label);
}

static void blank(View *v) {
        begin_line(v, IMPORTANCE_BLANK);
}

static const Glyphs *glyphs(void) {
        return text_is_utf8() ? &unicode_glyphs : &ascii_glyphs;
}

static bool has(const View *v, uint32_t bit) {
        return v->m->has_live && v->m->live.present & bit;
}

static void add_title(View *v) {
        const json_t *device = v->m->device, *battery = json_object_get(device, "battery");

        begin_line(v, IMPORTANCE_STATE);
        if (!device) {
                put(v, STYLE_BOLD, "needled");
                return;
        }

        putf(v, STYLE_BOLD, "%s", objects_device_title(device));
        if (*json_text(device, "address")) /* that of a tape has none */
                putf(v, STYLE_DIM, "  %s", json_text(device, "address"));
        putf(v, STYLE_DIM, "  %s", json_text(device, "kind"));
        if (battery) {
                int64_t level = json_integer_value(battery);

                putf(v, level <= 15 ? STYLE_BAD : STYLE_PLAIN, "  battery %" PRId64 " %%", level);
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
                put(v, STYLE_BAD, "  time limit reached");
        else
                putf(v, usec <= SOON_USEC ? STYLE_WARN : STYLE_PLAIN, "  %s left", left);
}

static void add_session(View *v) {
        const WatchModel *m = v->m;
        g_autofree char *elapsed = format_elapsed(watch_model_elapsed(m, v->now_usec));

        begin_line(v, IMPORTANCE_STATE);
        if (m->phase == WATCH_WAITING) {
                put(v, STYLE_PLAIN,
                    m->device && objects_device_is_connected(m->device)
                            ? "Waiting for the device to be used. It begins a session by itself."
                            : "Waiting for the device.");
                return;
        }
        if (m->phase == WATCH_UNREACHABLE) {
                put(v, STYLE_BAD, "The service is away. Waiting for it to come back.");
                return;
        }

        if (m->session_id > 0)
                putf(v, STYLE_BOLD, "Session %" PRIu64, m->session_id);
        else
                put(v, STYLE_BOLD, "Tape");
        if (m->phase == WATCH_ENDED)
                putf(v, STYLE_PLAIN, "  %s  after %s",
                     names_end_reason_text(names_end_reason(m->end_reason)), elapsed);
        else {
                putf(v, session_style(m), "  %s", m->has_state ? names_session_state(m->state) : "");
                putf(v, STYLE_PLAIN, "  %s", elapsed);
                if (m->stage > 0)
                        putf(v, STYLE_PLAIN, "  %s", names_stage(m->stage));
                add_time_left(v);
        }
}

/* Words that do not fit go to a line of their own. */
static void add_words(View *v, Importance importance, Style style, const char *text) {
        g_auto(GStrv) words = g_strsplit(text, " ", -1);

        begin_line(v, importance);
        for (unsigned i = 0; words[i]; i++) {
                if (v->line->columns > 0 && v->line->columns + 1 + text_width(words[i]) > v->columns)
                        begin_line(v, importance);
                putf(v, style, "%s%s", v->line->columns > 0 ? " " : "", words[i]);
        }
}

static void add_link(View *v) {
        g_autofree char *text = watch_text_link(v->m, v->realtime_usec);
        bool connected = v->m->device && objects_device_is_connected(v->m->device);

        if (v->m->phase != WATCH_UNREACHABLE)
                add_words(v, connected ? IMPORTANCE_DETAIL : IMPORTANCE_STATE,
                          connected ? STYLE_DIM : STYLE_WARN, text);
}

/* What is wrong now, one line each. */
static void add_alerts(View *v) {
        for (unsigned code = 0; code < WATCH_ALERTS; code++) {
                const struct needled_stream_alert *alert = watch_model_alert(v->m, code);
                g_autofree char *text = NULL;

                if (!alert)
                        continue;
                text = names_alert_text(alert);
                begin_line(v, IMPORTANCE_VALUE);
                putf(v, alert->level >= OMP_SEVERITY_WARNING ? STYLE_BAD : STYLE_WARN, "! %s",
                     text ? text : "An alert that this version does not know.");
        }
}

static void add_notice(View *v) {
        const char *notice = watch_model_notice(v->m, v->now_usec);

        begin_line(v, notice ? IMPORTANCE_VALUE : IMPORTANCE_BLANK);
        if (notice)
                putf(v, v->m->notice_is_bad ? STYLE_BAD : STYLE_PLAIN, "%s %s",
                     v->m->notice_is_bad ? "!" : "-", notice);
}

static void add_force(View *v) {
        bool fresh = watch_model_is_fresh(v->m, v->now_usec) && has(v, NEEDLED_STREAM_HAS_FORCE);
        const struct needled_stream_live *live = &v->m->live;
        WatchZones zones = watch_model_zones(v->m);
        WatchZone zone = watch_zone_of(&zones, live->force_mean_mn);
        g_autofree char *mean = NULL, *peak = NULL, *held = NULL;
        int32_t hold_mn;

        begin_line(v, IMPORTANCE_VALUE);
        put_label(v, "Force");
        if (!fresh) {
                put(v, STYLE_DIM, "-");
                return;
        }

        mean = format_force(live->force_mean_mn);
        peak = format_force(live->force_peak_mn);
        putf(v, STYLE_BOLD, "%8s", mean);
        putf(v, zone_styles[zone], "  %-4s", watch_zone_name(zone));
        putf(v, STYLE_PLAIN, "  peak %8s", peak);
        if (watch_model_hold(v->m, v->now_usec, &hold_mn)) {
                held = format_force(hold_mn);
                putf(v, STYLE_PLAIN, "  held %8s", held);
        }
        if (live->flags & NEEDLED_STREAM_OVERPRESSURE)
                put(v, STYLE_BAD, "  OVERPRESSURE");
        if (live->flags & NEEDLED_STREAM_SATURATED)
                put(v, STYLE_BAD, "  saturated");
}

/* The bar ends a third beyond the beginning of the last zone. */
static int32_t bar_end(const WatchZones *zones) {
        return zones->over_mn + zones->over_mn / 3;
}

static unsigned bar_column(const WatchZones *zones, unsigned width, int64_t force_mn) {
        return (unsigned) (CLAMP(force_mn, 0, bar_end(zones)) * width / bar_end(zones));
}

static void add_bar(View *v) {
        bool fresh = watch_model_is_fresh(v->m, v->now_usec) && has(v, NEEDLED_STREAM_HAS_FORCE);
        WatchZones zones = watch_model_zones(v->m);
        unsigned width = v->columns, filled, hold = UINT_MAX;
        const Glyphs *g = glyphs();
        int32_t hold_mn = 0;

        filled = fresh ? bar_column(&zones, width, v->m->live.force_mean_mn) : 0;
        if (fresh && watch_model_hold(v->m, v->now_usec, &hold_mn) && hold_mn > 0)
                hold = MIN(bar_column(&zones, width, hold_mn), width - 1);

        begin_line(v, IMPORTANCE_BAR);
        for (unsigned i = 0; i < width; i++) {
                int32_t at_mn = (int32_t) ((int64_t) bar_end(&zones) * i / width);
                WatchZone zone = watch_zone_of(&zones, at_mn);
                bool border = i == bar_column(&zones, width, zones.good_mn) ||
                              i == bar_column(&zones, width, zones.high_mn) ||
                              i == bar_column(&zones, width, zones.over_mn);

                if (i == hold)
                        put(v, STYLE_BOLD, hold_mn > bar_end(&zones) ? g->beyond : g->hold);
                else if (i < filled)
                        put(v, zone_styles[zone], v->size->color ? g->colored_fill : g->fill[zone]);
                else
                        put(v, STYLE_DIM, border ? g->border : g->empty);
        }
}

/* The zones under the bar, each from where it begins; a name that does not fit into its zone is left out. */
static void add_ruler(View *v) {
        WatchZones zones = watch_model_zones(v->m);
        const int32_t begins[_WATCH_ZONE_MAX] = { 0, zones.good_mn, zones.high_mn, zones.over_mn };

        begin_line(v, IMPORTANCE_RULER);
        for (WatchZone zone = 0; zone < _WATCH_ZONE_MAX; zone++) {
                unsigned from = bar_column(&zones, v->columns, begins[zone]);
                unsigned to = zone + 1 < _WATCH_ZONE_MAX ? bar_column(&zones, v->columns, begins[zone + 1])
                                                         : v->columns;
                g_autofree char *newton = format_newton(begins[zone]);
                g_autofree char *whole = g_strdup_printf("%s %s", newton, watch_zone_name(zone));
                const char *text = zone == WATCH_ZONE_LOW ? watch_zone_name(zone) : whole;

                put_to_column(v, from);
                if (text_width(text) < to - from)
                        put(v, zone_styles[zone], text);
                else if (zone > WATCH_ZONE_LOW && text_width(newton) < to - from)
                        put(v, zone_styles[zone], newton);
        }
}

static void add_curve(View *v) {
        unsigned width = v->columns > LABEL_COLUMNS + 10 ? MIN(v->columns - LABEL_COLUMNS, WATCH_BUCKETS)
                                                         : v->columns;
        WatchZones zones = watch_model_zones(v->m);
        int32_t top = zones.high_mn, force_mn;

        if (watch_model_history(v->m, 0, WATCH_BUCKETS, v->now_usec, &force_mn))
                top = CLAMP(force_mn, top, bar_end(&zones)); /* one hard knock must not flatten the rest */

        begin_line(v, IMPORTANCE_CURVE);
        if (width < v->columns)
                put_label(v, "Minute");
        for (unsigned i = 0; i < width; i++) {
                unsigned from = i * WATCH_BUCKETS / width,
                         to = MAX((i + 1) * WATCH_BUCKETS / width, from + 1);
                int level;

                if (!watch_model_history(v->m, from, to, v->now_usec, &force_mn)) {
                        put(v, STYLE_PLAIN, " ");
                        continue;
                }

                level = (int) (CLAMP((int64_t) force_mn, 0, top) * SPARK_LEVELS / top);
                put(v, zone_styles[watch_zone_of(&zones, force_mn)],
                    glyphs()->spark[MIN(level, SPARK_LEVELS - 1)]);
        }
}

static void put_figure_duration(View *v, const char *before, Figure id, Style style) {
        g_autofree char *text = NULL;

        if (!figures_has(&v->m->figures, id))
                return;

        text = format_elapsed((uint64_t) v->m->figures.value[id].i);
        putf(v, style, "%s%s", before, text);
}

static void put_figure_force(View *v, const char *before, Figure id) {
        g_autofree char *text = NULL;

        if (!figures_has(&v->m->figures, id))
                return;

        text = format_force(v->m->figures.value[id].i);
        putf(v, STYLE_PLAIN, "%s%s", before, text);
}

static void add_strokes(View *v) {
        const struct needled_stream_live *live = &v->m->live;
        bool fresh = watch_model_is_fresh(v->m, v->now_usec);
        g_autofree char *rate = format_rate(live->stroke_rate);
        char word[OMP_WORD_SIZE];

        begin_line(v, IMPORTANCE_VALUE);
        put_label(v, "Strokes");
        if (has(v, NEEDLED_STREAM_HAS_STROKES))
                putf(v, STYLE_BOLD, "%" PRIu64, live->strokes);
        else
                put(v, STYLE_DIM, "-");
        put_label(v, "Rate");
        put(v, STYLE_PLAIN, fresh && has(v, NEEDLED_STREAM_HAS_RATE) ? rate : "-");
        put_label(v, "Area");
        put(v, STYLE_PLAIN, has(v, NEEDLED_STREAM_HAS_AREA) ? omp_word(OMP_WORDS_AREA, live->area, word) : "-");
}

static void add_contact(View *v) {
        const struct needled_stream_live *live = &v->m->live;
        bool fresh = watch_model_is_fresh(v->m, v->now_usec);

        begin_line(v, IMPORTANCE_USEFUL);
        put_label(v, "Contact");
        if (fresh && has(v, NEEDLED_STREAM_HAS_CONTACT))
                put(v, STYLE_PLAIN, live->flags & NEEDLED_STREAM_IN_CONTACT ? "yes, " : "no, ");
        if (figures_has(&v->m->figures, FIGURE_CONTACT_TIME))
                put_figure_duration(v, "", FIGURE_CONTACT_TIME, STYLE_PLAIN);
        else
                put(v, STYLE_DIM, "-");
        put_label(v, "Motor");
        put(v, STYLE_PLAIN, !fresh ? "-" : live->flags & NEEDLED_STREAM_MOTOR ? "on" : "off");
        if (has(v, NEEDLED_STREAM_HAS_DEPTH)) {
                g_autofree char *depth = format_depth(live->depth_um);

                put_label(v, "Depth");
                put(v, STYLE_PLAIN, depth);
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
                        begin_line(v, IMPORTANCE_DETAIL);
                        put_label(v, "Zones");
                }
                before = g_strdup_printf("%s%s ", separator, watch_zone_name(zone));
                put_figure_duration(v, before, ids[zone], STYLE_PLAIN);
                separator = "  ";
        }
}

static void add_figures(View *v) {
        const Figures *f = &v->m->figures;

        begin_line(v, IMPORTANCE_DETAIL);
        put_label(v, "So far");
        put_figure_force(v, "mean ", FIGURE_FORCE_MEAN);
        put_figure_force(v, "  95 % ", FIGURE_FORCE_P95);
        put_figure_force(v, "  peak ", FIGURE_FORCE_PEAK);
        if (figures_has(f, FIGURE_OVER_COUNT) && f->value[FIGURE_OVER_COUNT].i > 0)
                putf(v, STYLE_BAD, "  overpressure %" PRId64 "x", f->value[FIGURE_OVER_COUNT].i);
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

        begin_line(v, IMPORTANCE_USEFUL);
        put_label(v, "Losses");
        if (gaps == 0 && lost == 0)
                put(v, style, "none");
        else {
                putf(v, style, "%" PRId64 " gap%s", gaps, gaps == 1 ? "" : "s");
                put_figure_duration(v, " of ", FIGURE_GAP_TIME, style);
                putf(v, style, ", %" PRId64 " packet%s lost", lost, lost == 1 ? "" : "s");
        }
        if (v->m->missed > 0)
                putf(v, STYLE_DIM, "  (%" PRIu64 " not shown: this terminal was too slow)", v->m->missed);
        if (v->m->malformed > 0)
                putf(v, STYLE_WARN, "  (%" PRIu64 " unreadable)", v->m->malformed);
}

static void add_live(View *v) {
        blank(v);
        add_force(v);
        add_bar(v);
        add_ruler(v);
        blank(v);
        add_curve(v);
        blank(v);
        add_strokes(v);
        add_contact(v);
        add_zones(v);
        add_figures(v);
        add_losses(v);
        blank(v);
        add_alerts(v);
        add_notice(v);
}

/* Leaves out what matters least, from the bottom up, until it fits. */
static void shrink(View *v) {
        while (v->lines->len > v->size->rows) {
                unsigned least = v->lines->len - 1;

                for (unsigned i = v->lines->len; i > 0; i--) {
                        const Line *line = v->lines->pdata[i - 1], *so_far = v->lines->pdata[least];

                        if (line->importance < so_far->importance)
                                least = i - 1;
                }
                g_ptr_array_remove_index(v->lines, least);
        }
}

GPtrArray *watch_view_render(const WatchModel *m, const WatchSize *size, uint64_t now_usec,
                             uint64_t realtime_usec) {
        g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_free);
        GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
        View view = { .m = m, .size = size, .now_usec = now_usec, .realtime_usec = realtime_usec,
                      .columns = size->columns, .lines = lines };

        if (size->columns < COLUMNS_MIN)
                return texts;

        add_title(&view);
        add_session(&view);
        add_link(&view);
        if (m->phase == WATCH_FOLLOWING || m->phase == WATCH_ENDED)
                add_live(&view);

        blank(&view);
        begin_line(&view, IMPORTANCE_HELP);
        put(&view, STYLE_DIM,
            m->phase == WATCH_ENDED ? "Waiting for the next session.  q quits" : "q quits");
        shrink(&view);

        for (unsigned i = 0; i < lines->len; i++) {
                const Line *line = lines->pdata[i];

                g_ptr_array_add(texts, g_strdup(line->text->str));
        }

        return texts;
}
