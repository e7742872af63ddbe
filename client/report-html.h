/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Reports as pages: HTML in one file. Pure. The callers free with g_string_free(). */

#include "client/report-data.h"

GString *report_html(const Report *report);
/* report-course.c */
/* "Course of 3 sessions"; the caller frees. */
char *report_course_title(const ReportCourse *course);
GString *report_course_html(const ReportCourse *course);

/* The drawings of a session, for pages and files: force over time, time by force. Strings and arrays are the report's,
 * or stand in `charts` until report_charts_clear(). */
#define REPORT_HALF_WIDTH 400.0         /* of a drawing beside another, in points */

typedef struct ReportCharts {
        Chart charts[2];
        size_t n;
        ChartSpan *gaps, *stages, *areas;
        ChartMark *marks;
} ReportCharts;

void report_charts(const Report *report, ReportCharts *ret);
void report_charts_clear(ReportCharts *charts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReportCharts, report_charts_clear)

/* Those of a course, each over its sessions. */
#define REPORT_TRENDS_MAX 5

typedef struct ReportTrends {
        Chart charts[REPORT_TRENDS_MAX];
        size_t n;
        ChartTrendPoint *points[REPORT_TRENDS_MAX];
        char **labels;
} ReportTrends;

void report_trends(const ReportCourse *course, ReportTrends *ret);
void report_trends_clear(ReportTrends *trends);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReportTrends, report_trends_clear)
