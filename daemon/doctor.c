/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "hub-private.h"

/* What Manager1.Doctor says of all but Bluetooth. It runs in the loop: nothing here waits for anybody, and the only file system that
 * is asked is the one that the record is on. */

#define MIB (UINT64_C(1024) * 1024)
#define FREE_FAIL (16 * MIB)
#define FREE_WARN (256 * MIB)
#define YEAR_MIN 2025   /* before the first needled no clock is right */
#define YEAR_MAX 2100

typedef struct Examination {
        const Hub *hub;
        FindingReport report;
        void *userdata;
} Examination;

#define tell(x, check, status, remedy, ...) finding_tell((x)->report, (x)->userdata, check, status, remedy, __VA_ARGS__)

/* ---- The clock ---- */

static void examine_clock(const Examination *x) {
        time_t now = (time_t) (clock_usec(CLOCK_REALTIME) / 1000000);
        struct tm tm = {};
        int year = gmtime_r(&now, &tm) ? tm.tm_year + 1900 : 0;

        if (year < YEAR_MIN || year > YEAR_MAX) {
                tell(x, "clock", FINDING_FAIL, "timedatectl set-ntp true",
                     "The clock says %i: sessions are stored under wrong dates.", year);
                return;
        }

        switch (clock_sync(x->hub->root)) {
        case CLOCK_SYNC_YES:
                tell(x, "clock", FINDING_OK, "", "The clock is synchronised.");
                break;
        case CLOCK_SYNC_NO:
                tell(x, "clock", FINDING_WARN, "timedatectl set-ntp true",
                     "The clock is not synchronised: the dates of sessions are as right as it is by itself.");
                break;
        case CLOCK_SYNC_UNKNOWN:
                tell(x, "clock", FINDING_OK, "",
                     "The clock shows a plausible date; whether it is synchronised cannot be seen from inside ('timedatectl').");
                break;
        }
}

/* ---- Storage ---- */

static void examine_store(const Examination *x) {
        Store *store = x->hub->store;
        StoreState state = store_state(store);

        switch (state) {
        case STORE_READY:
                tell(x, "storage", FINDING_OK, "", "The record is being written.");
                break;
        case STORE_OPENING:
                tell(x, "storage", FINDING_OK, "", "The database is being opened; what comes meanwhile is kept in memory.");
                break;
        case STORE_DEGRADED:
        case STORE_UNAVAILABLE:
        case _STORE_STATE_MAX:
                tell(x, "storage", state == STORE_UNAVAILABLE ? FINDING_FAIL : FINDING_WARN,
                     "Do what the finding says; 'journalctl -u needled' shows the first failure. needled tries again by itself.",
                     "%s", store_reason(store));
                break;
        }
}

static uint64_t size_of(const char *folder, const char *name) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        struct stat st;

        return lstat(path, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t) st.st_size : 0;
}

static void examine_space(const Examination *x) {
        const char *folder = x->hub->state_dir;
        g_autofree char *remedy = g_strdup_printf("Make room in the file system of %s; 'df -h %s' shows how full it is.", folder,
                                                  folder);
        struct statvfs vfs;
        uint64_t unused, used;

        if (statvfs(folder, &vfs) < 0) {
                g_autofree char *create = g_strdup_printf("See to it that %s is a folder that needled may write to.", folder);

                tell(x, "space", FINDING_FAIL, create, "The folder of the record cannot be looked at: %s.", g_strerror(errno));
                return;
        }

        unused = (uint64_t) vfs.f_bavail * vfs.f_frsize;
        used = size_of(folder, "needled.db") + size_of(folder, "needled.db-wal");
        tell(x, "space", unused < FREE_FAIL ? FINDING_FAIL : unused < FREE_WARN ? FINDING_WARN : FINDING_OK,
             unused < FREE_WARN ? remedy : "", "%" PRIu64 " MiB are free for the record, which takes %" PRIu64 " MiB.",
             unused / MIB, (used + MIB - 1) / MIB);
}

/* ---- Vendor profiles ---- */

static void examine_profiles(const Examination *x) {
        const GPtrArray *troubled = x->hub->troubled_profiles;
        g_autoptr(GString) remedy = g_string_new("Run 'needlectl profile lint");

        if (troubled->len == 0) {
                tell(x, "vendor profiles", FINDING_OK, "", "All vendor profiles were loaded without a complaint.");
                return;
        }

        for (guint i = 0; i < troubled->len; i++)
                g_string_append_printf(remedy, " %s", (const char *) troubled->pdata[i]);
        g_string_append(remedy, "', correct what it names, then run 'systemctl restart needled'.");
        tell(x, "vendor profiles", FINDING_WARN, remedy->str, "%u vendor profile%s rejected, as a whole or in part.",
             troubled->len, troubled->len == 1 ? " was" : "s were");
}

/* ---- The unit ---- */

/* A row of /proc/self/status; UINT64_MAX: it is not there. */
static uint64_t status_value(const char *status, const char *name, int base) {
        g_autofree char *key = g_strdup_printf("\n%s:\t", name);
        const char *row = strstr(status, key);

        return row ? strtoull(row + strlen(key), NULL, base) : UINT64_MAX;
}

static void examine_sandbox(const Examination *x) {
        bool unit = getenv("INVOCATION_ID");
        const char *remedy = unit ? "Take out what loosens it in the unit's drop-ins ('systemctl cat needled'), then run "
                                    "'systemctl daemon-reload; systemctl restart needled'."
                                  : "Stop this needled, then run 'systemctl start needled'.";
        g_autoptr(GString) missing = g_string_new("");
        g_autofree char *status = NULL;
        uint64_t watchdog_usec;

        if (!g_file_get_contents("/proc/self/status", &status, NULL, NULL))
                return;

        if (geteuid() == 0)
                g_string_append(missing, ", it runs as root");
        if (status_value(status, "NoNewPrivs", 10) != 1)
                g_string_append(missing, ", it may gain privileges");
        if (status_value(status, "CapEff", 16) != 0)
                g_string_append(missing, ", it has capabilities");
        if (status_value(status, "Seccomp", 10) != 2)
                g_string_append(missing, ", its system calls are not filtered");

        if (missing->len > 0)
                tell(x, "sandbox", FINDING_WARN, remedy, "needled is not confined as its unit does it: %s.", missing->str + 2);
        else
                tell(x, "sandbox", FINDING_OK, "", "needled is confined by its unit.");

        if (sd_watchdog_enabled(0, &watchdog_usec) > 0)
                tell(x, "watchdog", FINDING_OK, "", "systemd starts needled again if it should hang.");
        else
                tell(x, "watchdog", FINDING_WARN, remedy, "Nobody watches whether needled hangs.");
}

void hub_doctor(FindingReport report, void *report_userdata, void *userdata) {
        const Examination x = { .hub = userdata, .report = report, .userdata = report_userdata };

        link_examine(x.hub->link, report, report_userdata);
        examine_store(&x);
        examine_space(&x);
        examine_clock(&x);
        examine_profiles(&x);
        examine_sandbox(&x);
}
