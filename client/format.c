/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/format.h"

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_USEC UINT64_C(1000000)

char *format_elapsed(uint64_t usec) {
        uint64_t s = usec / SECOND_USEC;

        if (s < 60)
                return g_strdup_printf("%us", (unsigned) s);
        if (s < 3600)
                return g_strdup_printf("%um %02us", (unsigned) (s / 60), (unsigned) (s % 60));
        if (s < 86400)
                return g_strdup_printf("%uh %02um", (unsigned) (s / 3600), (unsigned) (s / 60 % 60));

        return g_strdup_printf("%" G_GUINT64_FORMAT "d %uh", s / 86400, (unsigned) (s / 3600 % 24));
}

char *format_duration(uint64_t usec) {
        uint64_t tenths = usec / 100000 + (usec % 100000 >= 50000);

        if (tenths < 100 && tenths % 10 > 0)
                return g_strdup_printf("%u.%us", (unsigned) (tenths / 10), (unsigned) (tenths % 10));

        return format_elapsed(usec > UINT64_MAX - SECOND_USEC ? usec : usec + SECOND_USEC / 2);
}

char *format_newton(int64_t force_mn) {
        uint64_t magnitude = force_mn < 0 ? -(uint64_t) force_mn : (uint64_t) force_mn;
        uint64_t hundredths = magnitude / 10 + (magnitude % 10 >= 5);

        return g_strdup_printf("%s%" G_GUINT64_FORMAT ".%02u", force_mn < 0 && hundredths > 0 ? "-" : "",
                               hundredths / 100, (unsigned) (hundredths % 100));
}

char *format_force(int64_t force_mn) {
        g_autofree char *newton = format_newton(force_mn);

        return g_strconcat(newton, " N", NULL);
}

char *format_depth(uint64_t depth_um) {
        uint64_t hundredths = depth_um / 10 + (depth_um % 10 >= 5);

        return g_strdup_printf("%" G_GUINT64_FORMAT ".%02u mm", hundredths / 100,
                               (unsigned) (hundredths % 100));
}

char *format_rate(double per_minute) {
        if (!(per_minute >= 0 &&
              per_minute < 1e9)) /* NaN too: never from needled, but the number came from outside */
                return g_strdup("?");

        return g_strdup_printf("%.0f/min", per_minute);
}

char *format_time(uint64_t realtime_usec) {
        time_t t = (time_t) (realtime_usec / SECOND_USEC);
        char buf[64];
        struct tm tm;

        if (realtime_usec == 0)
                return g_strdup("");
        if (!localtime_r(&t, &tm) || strftime(buf, sizeof buf, "%Y-%m-%d %H:%M", &tm) == 0)
                return g_strdup("?");

        return g_strdup(buf);
}

char *format_moment(uint64_t realtime_usec, uint64_t now_realtime_usec) {
        g_autofree char *moment = format_time(realtime_usec), *now = format_time(now_realtime_usec);
        size_t day = strcspn(moment, " ");

        if (moment[day] && strncmp(moment, now, day + 1) == 0)
                return g_strdup(moment + day + 1);

        return g_steal_pointer(&moment);
}

static int parse_age(const char *s, uint64_t now_realtime_usec, uint64_t *ret) {
        static const struct { const char *unit; uint64_t seconds; } units[] = {
                { "s", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 }, { "d", 86400 }, { "w", 7 * 86400 },
        };
        char *end;
        uint64_t n;

        if (!g_ascii_isdigit(*s))
                return -EINVAL;

        errno = 0;
        n = strtoull(s, &end, 10);
        if (errno > 0)
                return -EINVAL;

        for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
                uint64_t unit_usec = units[i].seconds * SECOND_USEC;

                if (strcmp(end, units[i].unit) != 0)
                        continue;

                /* Older than the epoch is as good as the epoch. */
                *ret = n > now_realtime_usec / unit_usec ? 0 : now_realtime_usec - n * unit_usec;
                return 0;
        }

        return -EINVAL;
}

static int parse_day(uint64_t now_realtime_usec, int days_back, uint64_t *ret) {
        time_t t = (time_t) (now_realtime_usec / SECOND_USEC);
        struct tm tm;

        if (!localtime_r(&t, &tm))
                return -EINVAL;

        tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
        tm.tm_mday -= days_back;
        tm.tm_isdst = -1;
        t = mktime(&tm);
        if (t < 0)
                return -EINVAL;

        *ret = (uint64_t) t * SECOND_USEC;
        return 0;
}

int format_parse_time(const char *s, uint64_t now_realtime_usec, uint64_t *ret) {
        static const char *const formats[] = {
                "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d",
        };

        if (strcmp(s, "now") == 0) {
                *ret = now_realtime_usec;
                return 0;
        }
        if (strcmp(s, "today") == 0)
                return parse_day(now_realtime_usec, 0, ret);
        if (strcmp(s, "yesterday") == 0)
                return parse_day(now_realtime_usec, 1, ret);

        for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
                struct tm tm = { .tm_isdst = -1 }, check;
                const char *end = strptime(s, formats[i], &tm);
                time_t t;

                if (!end || *end)
                        continue;

                /* mktime() would make the 31st of February a day in March. */
                check = tm;
                t = mktime(&check);
                if (t < 0 || check.tm_mday != tm.tm_mday || check.tm_mon != tm.tm_mon)
                        return -EINVAL;

                *ret = (uint64_t) t * SECOND_USEC;
                return 0;
        }

        return parse_age(s, now_realtime_usec, ret);
}

int format_parse_span(const char *s, uint64_t max_sec, uint64_t *ret_sec) {
        static const struct { const char *unit; uint64_t seconds; } units[] = {
                { "", 1 }, { "s", 1 }, { "sec", 1 }, { "m", 60 }, { "min", 60 }, { "h", 3600 }, { "hr", 3600 },
                { "d", 86400 }, { "day", 86400 }, { "days", 86400 }, { "w", 7 * 86400 },
        };
        uint64_t sum = 0;

        do {
                g_autofree char *unit = NULL;
                uint64_t n, seconds = 0;
                char *end;

                if (!g_ascii_isdigit(*s))
                        return -EINVAL;
                errno = 0;
                n = strtoull(s, &end, 10);
                if (errno > 0)
                        return -ERANGE;
                end += strspn(end, " ");
                s = end;
                while (g_ascii_isalpha(*s))
                        s++;
                unit = g_strndup(end, (size_t) (s - end));
                for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
                        if (strcmp(units[i].unit, unit) == 0)
                                seconds = units[i].seconds;
                if (seconds == 0)
                        return -EINVAL;
                if (n > max_sec / seconds || n * seconds > max_sec - sum)
                        return -ERANGE;
                sum += n * seconds;
                s += strspn(s, " ");
        } while (*s);

        *ret_sec = sum;
        return 0;
}

int format_parse_unsigned(const char *s, uint64_t min, uint64_t max, uint64_t *ret) {
        uint64_t n;
        char *end;

        if (!g_ascii_isdigit(*s))
                return -EINVAL;

        errno = 0;
        n = strtoull(s, &end, 10);
        if (*end)
                return -EINVAL;
        if (errno > 0 || n < min || n > max)
                return -ERANGE;

        *ret = n;
        return 0;
}
