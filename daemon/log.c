/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "log.h"

#include <glib.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#define SD_JOURNAL_SUPPRESS_LOCATION /* it would be ours, not the caller's */
#include <systemd/sd-event.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include "clock.h"

#define SUMMARY_ACCURACY_USEC (60 * UINT64_C(1000000))

static int max_level = LOG_INFO;
static LogBudget *budget;               /* of all devices; made when the first is spoken of */
static sd_event *summary_event;         /* borrowed */
static sd_event_source *summary_source; /* while something was left out and has to be said */

/* The service manager names the journal's stream in $JOURNAL_STREAM; only when stderr still is that stream do structured entries
 * and plain lines end up in the same place (sd_journal_stream_fd(3), systemd.exec(5)). */
static bool stderr_is_journal(void) {
        static int cached = -1;

        if (cached < 0) {
                const char *stream = getenv("JOURNAL_STREAM");
                unsigned long long dev, ino;
                struct stat st;

                cached = stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
                         st.st_dev == dev && st.st_ino == ino;
        }

        return cached;
}

static const char *level_prefix(int level) {
        if (LOG_PRI(level) <= LOG_ERR)
                return "error: ";

        return LOG_PRI(level) == LOG_WARNING ? "warning: " : "";
}

static void add_field(GPtrArray *fields, const char *name, const char *value) {
        if (value && *value)
                g_ptr_array_add(fields, g_strdup_printf("%s=%s", name, value));
}

static void send_to_journal(int level, const LogContext *context, const char *file, int line, const char *func,
                            const char *message) {
        g_autoptr(GPtrArray) fields = g_ptr_array_new_with_free_func(g_free);
        g_autofree struct iovec *iov = NULL;

        g_ptr_array_add(fields, g_strdup_printf("MESSAGE=%s", message));
        g_ptr_array_add(fields, g_strdup_printf("PRIORITY=%i", LOG_PRI(level)));
        g_ptr_array_add(fields, g_strdup("SYSLOG_IDENTIFIER=needled"));
        g_ptr_array_add(fields, g_strdup_printf("CODE_FILE=%s", file));
        g_ptr_array_add(fields, g_strdup_printf("CODE_LINE=%i", line));
        g_ptr_array_add(fields, g_strdup_printf("CODE_FUNC=%s", func));
        if (context) {
                add_field(fields, "MESSAGE_ID", context->message_id);
                add_field(fields, "NEEDLED_DEVICE", context->device);
                add_field(fields, "NEEDLED_STATE", context->state);
                add_field(fields, "NEEDLED_REASON", context->reason);
                if (context->session > 0)
                        g_ptr_array_add(fields, g_strdup_printf("NEEDLED_SESSION=%" G_GUINT64_FORMAT, context->session));
                if (context->error < 0)
                        g_ptr_array_add(fields, g_strdup_printf("ERRNO=%i", -context->error));
                for (const char *const *field = context->fields; field && *field; field++)
                        g_ptr_array_add(fields, g_strdup(*field));
        }

        iov = g_new(struct iovec, fields->len);
        for (unsigned i = 0; i < fields->len; i++)
                iov[i] = (struct iovec) { fields->pdata[i], strlen(fields->pdata[i]) };

        (void) sd_journal_sendv(iov, (int) fields->len);
}

void log_set_max_level(int level) {
        max_level = level;
}

int log_get_max_level(void) {
        return max_level;
}

static void write_entry(int level, const LogContext *context, const char *file, int line, const char *func, const char *message) {
        if (stderr_is_journal())
                send_to_journal(level, context, file, line, func, message);
        else
                fprintf(stderr, "needled: %s%s\n", level_prefix(level), message);
}

/* Of the budget itself, and not within it. */
static void write_word(const char *device, const char *message) {
        LogContext context = { .message_id = NEEDLED_MESSAGE_JOURNAL_LIMITED, .device = device };

        if (LOG_NOTICE <= max_level)
                write_entry(LOG_NOTICE, &context, __FILE_NAME__, __LINE__, __func__, message);
}

static void write_summaries(uint64_t now_usec) {
        const char *device;
        uint64_t omitted;

        while (budget && log_budget_next(budget, now_usec, &device, &omitted)) {
                g_autofree char *message = g_strdup_printf("%" G_GUINT64_FORMAT " entries about %s were left out of the journal, because there "
                                                           "were too many (needlectl status shows how it is)", omitted, log_name(device).text);

                write_word(device, message);
        }
}

static void arm_summary(void);

static int on_summary(sd_event_source *source, uint64_t usec, void *userdata) {
        write_summaries(clock_usec(CLOCK_BOOTTIME));
        arm_summary();
        return 0;
}

/* Without a timer what was left out is still said when the service ends. */
static void arm_summary(void) {
        uint64_t deadline = log_budget_deadline(budget);

        summary_source = sd_event_source_disable_unref(summary_source);
        if (summary_event && deadline < UINT64_MAX)
                (void) sd_event_add_time(summary_event, &summary_source, CLOCK_BOOTTIME, deadline, SUMMARY_ACCURACY_USEC, on_summary, NULL);
}

/* Whether the journal takes one more entry about this device. */
static bool admit(const LogContext *context) {
        g_autofree char *message = NULL;
        LogVerdict verdict;

        if (!budget)
                budget = log_budget_new();

        verdict = log_budget_take(budget, context->device, context->class, clock_usec(CLOCK_BOOTTIME));
        if (verdict == LOG_OMITTED_FIRST) {
                message = g_strdup_printf("%s causes too many entries for the journal; what is too much is left out, counted, and said once "
                                          "an hour (needlectl status shows how it is)", log_name(context->device).text);
                write_word(context->device, message);
                arm_summary();
        }

        return verdict == LOG_ADMITTED;
}

void log_set_event(sd_event *event) {
        summary_event = event;
        if (event)
                return;

        write_summaries(UINT64_MAX);
        summary_source = sd_event_source_disable_unref(summary_source);
        budget = log_budget_free(budget);
}

void log_full(int level, const LogContext *context, const char *file, int line, const char *func,
              const char *format, ...) {
        g_autofree char *text = NULL, *message = NULL;
        va_list args;

        if (context && context->device && *context->device && LOG_PRI(level) < LOG_DEBUG && !admit(context))
                return;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);

        if (context && context->error < 0)
                message = g_strdup_printf("%s: %s", text, g_strerror(-context->error));
        else
                message = g_steal_pointer(&text);

        write_entry(level, context, file, line, func, message);
}
