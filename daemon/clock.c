/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "clock.h"

#include <glib.h>
#include <stdbool.h>
#include <sys/timex.h>
#include <unistd.h>

static bool exists(const char *root, const char *path) {
        g_autofree char *name = g_strconcat(root, path, NULL);

        return access(name, F_OK) == 0;
}

ClockSync clock_sync(const char *root) {
        struct timex t = {};
        int state = adjtimex(&t);

        if (exists(root, "/run/systemd/timesync/synchronized") || (state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC)))
                return CLOCK_SYNC_YES;
        if (state >= 0 || exists(root, "/run/systemd/timesync"))
                return CLOCK_SYNC_NO;

        return CLOCK_SYNC_UNKNOWN;
}
