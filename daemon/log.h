/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The diary: structured entries to the journal when stderr is the journal's, plain lines on stderr else. Measured values and
 * payload octets are never logged, not even at debug. */

#include <stdint.h>
#include <syslog.h>

#include "log-budget.h"
#include "needled/message-ids.h"

typedef struct LogContext {
        const char *message_id;         /* NEEDLED_MESSAGE_*, NULL: none */
        const char *device;             /* alias or address: NEEDLED_DEVICE=; whose entries are bounded (log-budget.h) */
        LogClass class;
        uint64_t session;               /* NEEDLED_SESSION=, 0: none */
        const char *state;              /* NEEDLED_STATE= */
        const char *reason;             /* NEEDLED_REASON= */
        int error;                      /* negative errno: ERRNO=, and appended as text */
        const char *const *fields;      /* "NAME=VALUE", ends with NULL; in the journal alone, not in the text */
} LogContext;

/* What a sentence calls a device: its label as it is if that is one word (letters, digits and ":_.-"), else in quotes that it cannot end.
 * People and devices choose these names, and one may read like the rest of a sentence. To be used within the call: log_name(label).text. */
typedef struct LogName {
        char text[288];                 /* 64 characters and the quotes; a longer label is cut */
} LogName;

LogName log_name(const char *label);    /* log-name.c */

typedef struct sd_event sd_event;

/* What the budget leaves out from then on is said by this loop, when its time has come. NULL: it is said now, and all begins anew. */
void log_set_event(sd_event *event);

void log_set_max_level(int level);      /* LOG_INFO by default; LOG_DEBUG with --debug or NEEDLED_DEBUG=1 */
int log_get_max_level(void);

void log_full(int level, const LogContext *context, const char *file, int line, const char *func,
              const char *format, ...) __attribute__((format(printf, 6, 7)));

#define log_with(level, context, ...) \
        (LOG_PRI(level) <= log_get_max_level() ? log_full((level), (context), __FILE_NAME__, __LINE__, __func__, __VA_ARGS__) : (void) 0)
#define log_error(...) log_with(LOG_ERR, NULL, __VA_ARGS__)
#define log_warning(...) log_with(LOG_WARNING, NULL, __VA_ARGS__)
#define log_notice(...) log_with(LOG_NOTICE, NULL, __VA_ARGS__)
#define log_info(...) log_with(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_with(LOG_DEBUG, NULL, __VA_ARGS__)
/* Of a device, by its label. */
#define log_device(level, label, ...) log_with((level), (&(LogContext) { .device = (label) }), __VA_ARGS__)
/* Logs with the error's text and returns it. */
#define log_error_errno(errnum, ...) \
        ({ int _e = (errnum); log_with(LOG_ERR, (&(LogContext) { .error = _e }), __VA_ARGS__); _e; })
