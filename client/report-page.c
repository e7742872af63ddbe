/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/report-page.h"

#include <inttypes.h>
#include <stdarg.h>

#include "client/format.h"
#include "client/json.h"
#include "client/report-data.h"
#include "client/text.h"

void page_text(GString *out, const char *text) {
        g_autofree char *printable = text_printable_utf8(text), *escaped = g_markup_escape_text(printable, -1);

        g_string_append(out, escaped);
}

void page_begin(GString *out, const char *title) {
        g_string_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
                             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                             "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                             "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>");
        page_text(out, title);
        g_string_append_printf(out, "</title>\n<style>\n%s%s</style>\n</head>\n<body>\n<main>\n", report_style, chart_css);
}

void page_end(GString *out, const json_t *versions, uint64_t made_usec) {
        g_autofree char *made = format_time(made_usec);

        g_string_append(out, "</main>\n<footer>\n");
        page_paragraphf(out,
                        "Made on %s by needlectl %s with needled %s. Times are those of the computer that made it. It "
                        "shows what a device told and what was set by "
                        "hand. It is no diagnosis, and no advice to treat or not to.",
                        made, json_text(versions, "needlectl"), json_text(versions, "needled"));
        g_string_append(out, "</footer>\n</body>\n</html>\n");
}

void page_paragraph(GString *out, const char *text) {
        g_string_append(out, "<p>");
        page_text(out, text);
        g_string_append(out, "</p>\n");
}

void page_paragraphf(GString *out, const char *format, ...) {
        g_autofree char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        text = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        page_paragraph(out, text);
}

void page_section(GString *out, const char *id, const char *title) {
        g_string_append_printf(out, "<section id=\"%s\" aria-labelledby=\"%s-title\">\n<h2 id=\"%s-title\">", id, id, id);
        page_text(out, title);
        g_string_append(out, "</h2>\n");
}

void page_section_end(GString *out) {
        g_string_append(out, "</section>\n");
}

void page_pairs(GString *out, const char *class) {
        g_string_append_printf(out, "<dl class=\"%s\">\n", class);
}

void page_pair(GString *out, const char *term, const char *value) {
        if (!value || !*value)
                return;
        g_string_append(out, "<div><dt>");
        page_text(out, term);
        g_string_append(out, "</dt><dd>");
        page_text(out, value);
        g_string_append(out, "</dd></div>\n");
}

void page_pairs_end(GString *out) {
        g_string_append(out, "</dl>\n");
}

void page_details(GString *out, const char *summary) {
        g_string_append(out, "<details>\n<summary>");
        page_text(out, summary);
        g_string_append(out, "</summary>\n");
}

void page_details_end(GString *out) {
        g_string_append(out, "</details>\n");
}

/* ---- Tables ---- */

static bool is_right(const PageTable *table, unsigned column) {
        return table->titles[column][0] == '>';
}

PageTable page_table(GString *out, const char *caption, const char *const *titles, unsigned n_columns) {
        PageTable table = { .out = out, .titles = titles, .n_columns = n_columns };

        /* What is too wide for a telephone is moved inside its frame, and so that has to be reached by keys. */
        g_string_append(out, "<div class=\"wide\" role=\"region\" tabindex=\"0\" aria-label=\"");
        page_text(out, caption);
        g_string_append(out, "\">\n<table>\n<caption>");
        page_text(out, caption);
        g_string_append(out, "</caption>\n<thead><tr>");
        for (unsigned i = 0; i < n_columns; i++) {
                g_string_append_printf(out, "<th scope=\"col\"%s>", is_right(&table, i) ? " class=\"right\"" : "");
                page_text(out, titles[i] + is_right(&table, i));
                g_string_append(out, "</th>");
        }
        g_string_append(out, "</tr></thead>\n<tbody>\n");
        return table;
}

void page_cell(PageTable *table, const char *text) {
        const char *tag = table->column == 0 ? "th" : "td";

        g_string_append_printf(table->out, "%s<%s%s%s>", table->column == 0 ? "<tr>" : "", tag,
                               table->column == 0 ? " scope=\"row\"" : "",
                               is_right(table, table->column) ? " class=\"right\"" : "");
        page_text(table->out, text && *text ? text : "–");
        g_string_append_printf(table->out, "</%s>", tag);
        table->column = (table->column + 1) % table->n_columns;
        if (table->column == 0)
                g_string_append(table->out, "</tr>\n");
}

void page_cellf(PageTable *table, const char *format, ...) {
        g_autofree char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        text = g_strdup_vprintf(format, arguments);
        va_end(arguments);
        page_cell(table, text);
}

void page_table_end(PageTable *table) {
        g_string_append(table->out, "</tbody>\n</table>\n</div>\n");
}

static void append_chart(GString *out, const Chart *chart, const char *caption, bool wide) {
        GString *svg = chart_svg(chart);

        g_string_append(out, "<figure>\n");
        if (wide) {
                g_string_append(out, "<div class=\"wide drawing\" role=\"region\" tabindex=\"0\" aria-label=\"");
                page_text(out, chart->title);
                g_string_append(out, ", drawing\">\n"); /* no two regions have one name, and a section has that of its heading */
        }
        g_string_append_len(out, svg->str, (gssize) svg->len);
        g_string_append_printf(out, "%s\n<figcaption>", wide ? "\n</div>" : "");
        page_text(out, caption);
        g_string_append(out, "</figcaption>\n</figure>\n");
        (void) g_string_free(svg, TRUE);
}

void page_chart(GString *out, const Chart *chart, const char *caption) {
        append_chart(out, chart, caption, false);
}

void page_wide_chart(GString *out, const Chart *chart, const char *caption) {
        append_chart(out, chart, caption, true);
}

/* ---- What both kinds tell ---- */

static char *count_text(const json_t *plan, const char *count, const char *limit) {
        if (!json_object_get(plan, count) || !json_object_get(plan, limit)) /* the rule does not hold for these needles */
                return NULL;

        return g_strdup_printf("%" PRId64 " of at most %" PRId64, json_number(plan, count), json_number(plan, limit));
}

void page_plan(GString *out, const json_t *plan, uint64_t now_usec) {
        uint64_t next_usec = report_usec(plan, "next_earliest");
        g_autofree char *next = next_usec > now_usec ? format_time(next_usec) : g_strdup("the minimum rest is over"),
                        *last = format_time(report_usec(plan, "last_session")),
                        *acknowledged = format_time(report_usec(plan, "acknowledged_at")),
                        *depth = json_object_get(plan, "depth") ? format_depth(report_usec(plan, "depth")) : NULL,
                        *length = format_duration(report_usec(plan, "rest")),
                        *rest = depth ? g_strdup_printf("%s, for needles of %s", length, depth)
                                      : g_strdup_printf("%s, since their depth is unknown", length),
                        *said = g_strdup_printf("today's list was acknowledged on %s", acknowledged),
                        *week = count_text(plan, "week_count", "week_limit"),
                        *course = count_text(plan, "course_weeks", "course_limit");

        page_section(out, "plan", "The plan");
        page_paragraph(out, "A reminder from the sessions that were recorded, as it stood when this page was made. No advice.");
        page_pairs(out, "pairs");
        page_pair(out, "Last session", last);
        page_pair(out, "Minimum rest", *last ? rest : NULL);
        page_pair(out, "Next earliest", next);
        page_pair(out, "Why", json_text(plan, "reason"));
        page_pair(out, "Sessions in 7 days", *last ? week : NULL);
        page_pair(out, "Weeks of the course", *last ? course : NULL);
        page_pair(out, "Contraindications", *acknowledged ? said : "today's list is not acknowledged");
        page_pairs_end(out);
        page_section_end(out);
}

void page_definitions(GString *out, const json_t *session) {
        page_section(out, "definitions", "How the figures are defined");
        page_paragraphf(out,
                        "%s What it does not report is left out, and is not zero. A value is one message of the device "
                        "with its force and counters; it is in contact if the device says so.",
                        report_is_stored(session) ? "The session was not followed: these are the figures that the device "
                                                    "stored of it, as the device computes them."
                                                  : "All are computed from what the device sent.");
        page_pairs(out, "definitions");
        for (size_t i = 0; i < n_report_figures; i++)
                if (report_figure_is_shown(&report_figures[i], session))
                        page_pair(out, report_figures[i].label, report_definition(&report_figures[i], session));
        page_pair(out, "Zones",
                  "The time in contact by the mean force: low, good, high, over, by the limits that held at the time. "
                  "The limits are engineering defaults of "
                  "this program or of the device. They are not medical.");
        page_pair(out, "Curve",
                  "Each point stands for an equal part of the session: the smallest and the mean of the mean forces in "
                  "it, and the largest peak.");
        page_pairs_end(out);
        page_section_end(out);
}
