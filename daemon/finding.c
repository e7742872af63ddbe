/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "finding.h"

#include <stdarg.h>

static const char *const status_names[_FINDING_STATUS_MAX] = {
        [FINDING_OK] = "ok",
        [FINDING_WARN] = "warn",
        [FINDING_FAIL] = "fail",
};

const char *finding_status_name(FindingStatus status) {
        return status_names[status];
}

void finding_tell(FindingReport report, void *userdata, const char *check, FindingStatus status, const char *remedy,
                  const char *format, ...) {
        g_autofree char *text = NULL;
        va_list args;

        va_start(args, format);
        text = g_strdup_vprintf(format, args);
        va_end(args);

        report(&(Finding) { .check = check, .status = status, .finding = text, .remedy = remedy }, userdata);
}
