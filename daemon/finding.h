/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* One result of Manager1.Doctor, whoever found it. */

typedef enum FindingStatus {
        FINDING_OK,
        FINDING_WARN,                   /* works, but not as well as it could */
        FINDING_FAIL,                   /* something that a user expects does not work */
        _FINDING_STATUS_MAX,
} FindingStatus;

typedef struct Finding {
        const char *check;              /* what was looked at, "bluetoothd"; of a device "pen: bond" */
        FindingStatus status;
        const char *finding;            /* one sentence; nothing measured */
        const char *remedy;             /* a command or an act that works as printed; "" with FINDING_OK */
} Finding;

/* Called once for each check, in the order in which they should be read. The strings live as long as the call. */
typedef void (*FindingReport)(const Finding *finding, void *userdata);

const char *finding_status_name(FindingStatus status); /* "ok", "warn", "fail" */
/* The finding is put together. The remedy is a command as it is typed into a shell, or, where no command can do it, a sentence. */
void finding_tell(FindingReport report, void *userdata, const char *check, FindingStatus status, const char *remedy,
                  const char *format, ...) G_GNUC_PRINTF(6, 7);
