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
#include <systemd/sd-journal.h>
#include <unistd.h>

static int max_level = LOG_INFO;

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

void log_full(int level, const LogContext *context, const char *file, int line, const char *func,
              const char *format, ...) {
        g_autofree char *text = NULL, *message = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);

        if (context && context->error < 0)
                message = g_strdup_printf("%s: %s", text, g_strerror(-context->error));
        else
                message = g_steal_pointer(&text);

        if (stderr_is_journal())
                send_to_journal(level, context, file, line, func, message);
        else
                fprintf(stderr, "needled: %s%s\n", level_prefix(level), message);
}
