/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Everything that a report shows, from what the service answered. Pure: it asks nobody, and knows no clock. */

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "client/chart.h"

#define REPORT_POINTS 800u              /* of the curve */
#define REPORT_BUCKET_MIN_USEC UINT64_C(100000) /* shorter ones would lie between two values */

typedef enum ReportUnit {
        REPORT_TIME,                    /* µs */
        REPORT_FORCE,                   /* mN */
        REPORT_COUNT,
        REPORT_LENGTH,                  /* mm */
        REPORT_DEPTH,                   /* µm */
} ReportUnit;

/* A figure that reports name, and what it is. */
typedef struct ReportFigure {
        const char *key;                /* of History1.Get */
        const char *label;
        ReportUnit unit;
        bool compared;                  /* with the session before */
        bool if_any;                    /* not named where it is 0 */
        const char *definition;         /* in short, as docs/session.md has it */
} ReportFigure;

extern const ReportFigure report_figures[];
extern const size_t n_report_figures;

/* "0.85 N"; NULL: it is not known. The caller frees. */
char *report_figure_text(const ReportFigure *figure, const json_t *figures);
/* It is known, and not one of those that are passed over where they are 0. */
bool report_figure_is_shown(const ReportFigure *figure, const json_t *figures);
/* The same for a number. */
char *report_number_text(ReportUnit unit, int64_t value);
/* "0.20 N more", "2m 10s less", "the same"; what is not known on one side says so. The caller frees. */
char *report_difference(const ReportFigure *figure, const json_t *before, const json_t *now);

/* A stretch of the session. */
typedef struct ReportSpan {
        uint64_t from_usec, to_usec;    /* UINT64_MAX: to the end */
        char *label;                    /* owned; NULL of gaps */
} ReportSpan;

/* Texts are the session's. */
typedef struct ReportAlert {
        uint64_t raised_usec;           /* session time */
        const char *level, *text;
} ReportAlert;

/* One session. */
typedef struct Report {
        json_t *session;                /* as `show --json` has it: History1.Get or the live figures, and "events" */
        json_t *device;                 /* as it is known now; NULL: it is not */
        json_t *plan;                   /* of the caller; NULL: the session is another user's */
        json_t *verified;               /* History1.Verify; NULL of a live session */
        json_t *previous;               /* the one before on the same device, with the same subject and area; NULL: none */
        json_t *series;                 /* History1.GetSeries of the force */
        json_t *versions;               /* "needlectl", "needled" */
        uint64_t made_usec;             /* wall clock */
        bool live, redacted;

        GArray *buckets;                /* ChartBucket, with one that is empty where the curve is broken */
        GArray *bins;                   /* ChartBin */
        GArray *gaps, *stages, *areas;  /* ReportSpan */
        GArray *alerts;                 /* ReportAlert: what the chart numbers */
        unsigned overpressures;         /* of them */
} Report;

/* Several. */
typedef struct ReportCourse {
        json_t *sessions;               /* array, the oldest first */
        json_t *plan, *versions;        /* as above */
        uint64_t made_usec;
        bool redacted;
} ReportCourse;

/* How many points to ask for, so that no part of the curve is empty for being too short. */
unsigned report_points(uint64_t length_usec);
/* Fills the arrays from what was answered. After the redaction. */
void report_derive(Report *report);
void report_clear(Report *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Report, report_clear)
void report_course_clear(ReportCourse *course);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ReportCourse, report_course_clear)

/* Takes away what says whose it is: names, addresses, serial numbers, labels, the words of marks. */
void report_redact(Report *report);
void report_course_redact(ReportCourse *course);

/* What --json prints; a new reference. */
json_t *report_json(const Report *report);
json_t *report_course_json(const ReportCourse *course);

/* The newest of `sessions` (newest first) on the same device with the labels "subject" and "area" of this one;
 * borrowed, NULL: none. */
const json_t *report_find_previous(const json_t *session, const json_t *sessions);

/* A time in µs, within what can be summed up: files and clocks tell anything. 0: none. */
uint64_t report_usec(const json_t *object, const char *key);
/* Where the session ends: session time. */
uint64_t report_length(const Report *report);
ChartZones report_zones(const Report *report);
/* The device stored it and it was not followed: of figures there are those of the record alone (docs/link.md). */
bool report_is_stored(const json_t *session);
/* Of the figures of this session. */
const char *report_definition(const ReportFigure *figure, const json_t *session);
/* "pen", else the address; never NULL. As it came: to be made printable. */
const char *report_device(const json_t *session);
/* From the end of the one before to the beginning of this one in µs; 0: not known, or none. */
uint64_t report_interval(const json_t *before, const json_t *session);

