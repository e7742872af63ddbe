/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

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
