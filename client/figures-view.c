/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/figures-view.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "client/format.h"
#include "client/json.h"
#include "client/table.h"
#include "needled/note.h"

static const json_t *known(const json_t *figures, const char *key) {
        const json_t *value = json_object_get(figures, key);

        return json_is_number(value) ? value : NULL;
}

/* Takes `value`. */
static void add_part(GPtrArray *parts, const char *label, char *value) {
        g_ptr_array_add(parts, *label ? g_strdup_printf("%s %s", label, value) : g_strdup(value));
        g_free(value);
}

static char *join(GPtrArray *parts, const char *separator) {
        g_ptr_array_add(parts, NULL);
        return g_strjoinv(separator, (char **) parts->pdata);
}

static void add_duration(GPtrArray *parts, const json_t *figures, const char *key, const char *label) {
        if (known(figures, key))
                add_part(parts, label, format_duration((uint64_t) MAX(json_number(figures, key), 0)));
}

static void add_force(GPtrArray *parts, const json_t *figures, const char *key, const char *label) {
        if (known(figures, key))
                add_part(parts, label, format_force(json_number(figures, key)));
}

static void add_count(GPtrArray *parts, const json_t *figures, const char *key, const char *format) {
        g_autofree char *number = NULL;

        if (!known(figures, key))
                return;

        number = g_strdup_printf("%" PRId64, json_number(figures, key));
        g_ptr_array_add(parts, g_strdup_printf("%s%s", number, format));
}

/* Prints the parts, if there are any, and begins anew. */
static void flush_parts(const char *label, GPtrArray *parts, Style style) {
        if (parts->len > 0) {
                g_autofree char *line = join(parts, ", ");

                table_pair(label, line, style);
        }

        g_ptr_array_set_size(parts, 0);
}

static void print_use(const json_t *figures, GPtrArray *parts) {
        bool over;

        add_duration(parts, figures, "duration", "");
        add_duration(parts, figures, "contact_time", "in contact");
        if (json_number(figures, "paused_time") > 0)
                add_duration(parts, figures, "paused_time", "paused");
        flush_parts("Duration", parts, STYLE_PLAIN);

        over = known(figures, "remaining") && json_number(figures, "remaining") == 0;
        add_duration(parts, figures, "limit", "");
        add_duration(parts, figures, "remaining", "left");
        flush_parts("Time limit", parts, over ? STYLE_WARN : STYLE_PLAIN);

        add_count(parts, figures, "strokes", "");
        if (known(figures, "stroke_rate"))
                add_part(parts, "at",
                         format_rate(json_number_value(json_object_get(figures, "stroke_rate"))));
        add_count(parts, figures, "punctures", " punctures");
        add_count(parts, figures, "passes", " passes");
        add_count(parts, figures, "distance", " mm rolled");
        flush_parts("Strokes", parts, STYLE_PLAIN);
}

static void print_force(const json_t *figures, GPtrArray *parts) {
        const json_t *zones = json_object_get(figures, "zone_time");
        bool over = json_number(figures, "over_count") > 0;

        add_force(parts, figures, "force_mean", "mean");
        add_force(parts, figures, "force_p95", "95 %");
        add_force(parts, figures, "force_peak", "peak");
        flush_parts("Force", parts, STYLE_PLAIN);

        add_duration(parts, zones, "low", "low");
        add_duration(parts, zones, "good", "good");
        add_duration(parts, zones, "high", "high");
        add_duration(parts, zones, "over", "over");
        flush_parts("Zones", parts, STYLE_PLAIN);

        add_count(parts, figures, "over_count", json_number(figures, "over_count") == 1 ? " time" : over ? " times" : "");
        if (over)
                add_duration(parts, figures, "over_time", "for");
        flush_parts("Overpressure", parts, over ? STYLE_BAD : STYLE_PLAIN);

        if (known(figures, "depth"))
                add_part(parts, "", format_depth((uint64_t) MAX(json_number(figures, "depth"), 0)));
        if (known(figures, "depth_max"))
                add_part(parts, "at most",
                         format_depth((uint64_t) MAX(json_number(figures, "depth_max"), 0)));
        flush_parts("Depth", parts, STYLE_PLAIN);
}

static void print_losses(const json_t *figures, GPtrArray *parts) {
        static const char *const streams[] = { "live", "waveform", "event" };
        const json_t *lost = json_object_get(figures, "lost");
        bool gaps = json_number(figures, "gaps") > 0;

        add_count(parts, figures, "gaps", "");
        if (gaps)
                add_duration(parts, figures, "gap_time", "for");
        flush_parts("Gaps", parts, gaps ? STYLE_WARN : STYLE_PLAIN);

        for (size_t i = 0; i < G_N_ELEMENTS(streams); i++)
                if (json_number(lost, streams[i]) > 0)
                        g_ptr_array_add(parts, g_strdup_printf("%" PRId64 " %s",
                                                               json_number(lost, streams[i]), streams[i]));
        flush_parts("Lost packets", parts, STYLE_WARN);
}

static void print_stages(const json_t *figures, GPtrArray *parts) {
        const json_t *stages = json_object_get(figures, "stages");

        for (Stage stage = STAGE_CLEANSE; stage < _STAGE_MAX; stage++)
                add_duration(parts, stages, stage_name(stage), stage_name(stage));
        if (json_is_true(json_object_get(figures, "not_cleansed")))
                g_ptr_array_add(parts, g_strdup("needling began without cleanse"));
        flush_parts("Stages", parts, STYLE_PLAIN);
}

/* One line for each, if somebody or the device has told any. */
static void print_areas(const json_t *figures, GPtrArray *parts) {
        json_t *areas = json_object_get(figures, "areas"), *area;
        const char *label = "Areas", *name;

        if (json_object_size(areas) == 1 && json_object_get(areas, "unspecified"))
                return;

        json_object_foreach(areas, name, area) {
                if (json_object_size(area) == 0) /* before the first was told */
                        continue;
                g_ptr_array_add(parts, g_strdup(name));
                add_duration(parts, area, "contact_time", "in contact");
                add_count(parts, area, "strokes", " strokes");
                add_force(parts, area, "force_mean", "mean");
                add_force(parts, area, "force_peak", "peak");
                flush_parts(label, parts, STYLE_PLAIN);
                label = "";
        }
}

static void print_alerts(const json_t *figures) {
        json_t *alerts = json_object_get(figures, "alerts"), *alert;
        const char *label = "Alerts";
        size_t i;

        json_array_foreach(alerts, i, alert) {
                g_autofree char *at = format_elapsed((uint64_t) MAX(json_number(alert, "raised"), 0));
                g_autofree char *line = g_strdup_printf("%s  %s%s", at, json_text(alert, "text"),
                                                        json_object_get(alert, "cleared") ? "" : " (stands)");

                table_pair(label, line, strcmp(json_text(alert, "level"), "notice") == 0 ? STYLE_WARN : STYLE_BAD);
                label = "";
        }
}

void figures_view_print(const json_t *figures) {
        g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);

        print_use(figures, parts);
        print_force(figures, parts);
        print_losses(figures, parts);
        print_stages(figures, parts);
        print_areas(figures, parts);
        print_alerts(figures);
}

char *figures_view_summary(const json_t *figures) {
        g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func(g_free);

        add_duration(parts, figures, "duration", "");
        add_count(parts, figures, "strokes", " strokes");
        add_force(parts, figures, "force_mean", "mean");
        add_force(parts, figures, "force_peak", "peak");
        return join(parts, ", ");
}
