/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Numbers for people, and times from people. --json never comes through here. */

#include <stdint.h>

/* "0s", "3.2s" below ten seconds, "12m 34s", "1h 02m", "3d 4h". */
char *format_duration(uint64_t usec);
/* The same in whole seconds, rounded down: for what is running. */
char *format_elapsed(uint64_t usec);
/* 850 → "0.85 N", and without the unit "0.85". */
char *format_force(int64_t force_mn);
char *format_newton(int64_t force_mn);
/* 500 → "0.50 mm". */
char *format_depth(uint64_t depth_um);
/* "7004/min" */
char *format_rate(double per_minute);
/* Local time, "2026-02-03 14:05"; "" for 0. */
char *format_time(uint64_t realtime_usec);
/* The same, but of the day that it is now "14:05" is enough. */
char *format_moment(uint64_t realtime_usec, uint64_t now_realtime_usec);

/* "2026-02-03", "2026-02-03 14:05[:30]" (or with a T; local time), "today", "yesterday", "now", and an age
 * as "45m", "6h", "2d", "1w". -EINVAL if it is none of these. */
int format_parse_time(const char *s, uint64_t now_realtime_usec, uint64_t *ret);

/* A length of time as systemd writes it: "90", "90s", "30min", "1h 30min", "2d", "1w". -EINVAL if it is none,
 * -ERANGE if it is more than `max_sec`. */
int format_parse_span(const char *s, uint64_t max_sec, uint64_t *ret_sec);

/* A whole number and nothing else. -EINVAL no number, -ERANGE not in min … max. */
int format_parse_unsigned(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
