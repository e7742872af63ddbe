/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/watch-gauge.h"

#include <limits.h>

#include "client/format.h"
#include "client/text.h"

#define LABEL_COLUMNS 9
#define SPARK_LEVELS 8

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

static const Glyphs *glyphs(void) {
        return text_is_utf8() ? &unicode_glyphs : &ascii_glyphs;
}

/* The bar ends a third beyond the beginning of the last zone. */
static int32_t bar_end(const WatchZones *zones) {
        return (int32_t) CLAMP((int64_t) zones->over_mn * 4 / 3, 1, INT32_MAX);
}

static unsigned bar_column(const WatchZones *zones, unsigned width, int64_t force_mn) {
        return (unsigned) (CLAMP(force_mn, 0, bar_end(zones)) * width / bar_end(zones));
}

static void add_bar(WatchPage *page, const WatchModel *m, uint64_t now_usec) {
        bool fresh = watch_model_is_fresh(m, now_usec) && m->live.present & NEEDLED_STREAM_HAS_FORCE;
        unsigned width = page->columns, filled, hold = UINT_MAX;
        WatchZones zones = watch_model_zones(m);
        const Glyphs *g = glyphs();
        int32_t hold_mn = 0;

        filled = fresh ? bar_column(&zones, width, m->live.force_mean_mn) : 0;
        if (fresh && watch_model_hold(m, now_usec, &hold_mn) && hold_mn > 0)
                hold = MIN(bar_column(&zones, width, hold_mn), width - 1);

        watch_page_begin(page, WATCH_IMPORTANCE_BAR);
        for (unsigned i = 0; i < width; i++) {
                WatchZone zone = watch_zone_of(&zones, (int32_t) ((int64_t) bar_end(&zones) * i / width));
                bool border = i == bar_column(&zones, width, zones.good_mn) || i == bar_column(&zones, width, zones.high_mn) ||
                              i == bar_column(&zones, width, zones.over_mn);

                if (i == hold)
                        watch_page_put(page, STYLE_BOLD, hold_mn > bar_end(&zones) ? g->beyond : g->hold);
                else if (i < filled)
                        watch_page_put(page, zone_styles[zone], page->color ? g->colored_fill : g->fill[zone]);
                else
                        watch_page_put(page, STYLE_DIM, border ? g->border : g->empty);
        }
}

/* The zones, each from where it begins; a name that does not fit into its zone is left out. */
static void add_ruler(WatchPage *page, const WatchModel *m) {
        WatchZones zones = watch_model_zones(m);
        const int32_t begins[_WATCH_ZONE_MAX] = { 0, zones.good_mn, zones.high_mn, zones.over_mn };

        watch_page_begin(page, WATCH_IMPORTANCE_RULER);
        for (WatchZone zone = 0; zone < _WATCH_ZONE_MAX; zone++) {
                unsigned from = bar_column(&zones, page->columns, begins[zone]);
                unsigned to = zone + 1 < _WATCH_ZONE_MAX ? bar_column(&zones, page->columns, begins[zone + 1]) : page->columns;
                g_autofree char *newton = format_newton(begins[zone]);
                g_autofree char *whole = g_strdup_printf("%s %s", newton, watch_zone_name(zone));
                const char *text = zone == WATCH_ZONE_LOW ? watch_zone_name(zone) : whole;

                if (to <= from)
                        continue;
                watch_page_pad(page, from);
                if (text_width(text) < to - from)
                        watch_page_put(page, zone_styles[zone], text);
                else if (zone > WATCH_ZONE_LOW && text_width(newton) < to - from)
                        watch_page_put(page, zone_styles[zone], newton);
        }
}

Style watch_gauge_style(WatchZone zone) {
        return zone_styles[zone];
}

void watch_gauge_bar(WatchPage *page, const WatchModel *m, uint64_t now_usec) {
        add_bar(page, m, now_usec);
        add_ruler(page, m);
}

void watch_gauge_minute(WatchPage *page, const WatchModel *m, uint64_t now_usec) {
        unsigned width = page->columns > LABEL_COLUMNS + 10 ? MIN(page->columns - LABEL_COLUMNS, WATCH_BUCKETS) : page->columns;
        WatchZones zones = watch_model_zones(m);
        int32_t top = MAX(zones.high_mn, 1), force_mn;

        if (watch_model_history(m, 0, WATCH_BUCKETS, now_usec, &force_mn))
                top = CLAMP(force_mn, top, MAX(bar_end(&zones), top)); /* one hard knock must not flatten the rest */

        watch_page_begin(page, WATCH_IMPORTANCE_CURVE);
        if (width < page->columns)
                watch_page_label(page, "Minute");
        for (unsigned i = 0; i < width; i++) {
                unsigned from = i * WATCH_BUCKETS / width, to = MAX((i + 1) * WATCH_BUCKETS / width, from + 1);
                int level;

                if (!watch_model_history(m, from, to, now_usec, &force_mn)) {
                        watch_page_put(page, STYLE_PLAIN, " ");
                        continue;
                }

                level = (int) (CLAMP((int64_t) force_mn, 0, top) * SPARK_LEVELS / top);
                watch_page_put(page, zone_styles[watch_zone_of(&zones, force_mn)], glyphs()->spark[MIN(level, SPARK_LEVELS - 1)]);
        }
}
